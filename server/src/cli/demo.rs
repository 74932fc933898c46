//! `demo`.

use std::path::Path;

use desk_domain::time::UtcMillis;

/// What `demo` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// How many tickets.
    #[arg(long, default_value_t = 500)]
    tickets: u32,
    /// Another seed, another workspace.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The instant that the demo's times lead up to; the present hour when it is left out.
    #[arg(long, value_name = "INSTANT")]
    now: Option<UtcMillis>,
}

pub(super) async fn run(data_dir: &Path, args: Args) -> anyhow::Result<()> {
    let _ = (data_dir, args);
    anyhow::bail!("not yet")
}
