//! `demo`.

use desk_domain::time::{Clock, UtcMillis};

use super::database::Database;
use crate::{
    clock::SystemClock,
    demo::{DemoPlan, make},
};

const HOUR_MS: i64 = 3_600_000;

/// What `demo` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// How many tickets.
    #[arg(long, default_value_t = 500)]
    tickets: u32,
    /// Another seed, another workspace.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The instant that the demo's times lead up to; the beginning of the present hour when it is left out.
    #[arg(long, value_name = "INSTANT")]
    now: Option<UtcMillis>,
}

pub(super) async fn run(database: &Database, args: Args) -> anyhow::Result<()> {
    let Args { tickets, seed, now } = args;
    let now = now.unwrap_or_else(|| {
        let now = SystemClock.now();
        UtcMillis(now.0 - now.0.rem_euclid(HOUR_MS))
    });
    let storage = database.open().await?;
    let made = make(storage.as_ref(), DemoPlan { tickets, seed, now }).await;
    storage.close().await;
    let demo = made?;
    if demo.existing {
        super::complain("the demo workspace is there already; it was left as it is");
    }
    super::print(&demo)
}
