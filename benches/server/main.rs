//! What one server takes on two processors, SQLite below it with every commit on the disk: changes accepted a second, pushes
//! a second of one and of many senders, and how soon an edit has reached each of 1,000 live devices.
//!
//! The server is the real program on two processors of its own; changes are made and packed before the clock runs, then
//! pushed over HTTP on loopback. `DESK_BENCH_CLIENTS` is another number of devices.

use anyhow::Context;

use crate::bench::Bench;
use crate::programs::Programs;

mod bench;
#[path = "../figures.rs"]
mod figures;
mod live;
#[path = "../programs.rs"]
#[allow(dead_code, reason = "the benches' kit: this one has no use for `desk`")]
mod programs;
mod push;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let programs = Programs::find()?;
    let clients = std::env::var("DESK_BENCH_CLIENTS").ok().and_then(|n| n.parse().ok()).unwrap_or(1_000);
    let dir = tempfile::tempdir_in(programs.dir("server")?)?;
    let bench = Bench::start(&programs, dir.path()).context("the server does not start")?;
    push::batches(&bench).await?;
    push::senders(&bench).await?;
    live::measure(&bench, clients).await
}
