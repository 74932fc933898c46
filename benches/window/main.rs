//! The real window on a store of 100,000 tickets (`DESK_BENCH_TICKETS` for another number): from start to a usable list,
//! memory of all its processes, what they take of the processor while nobody touches them, and from a key to the painted
//! result.
//!
//! The store is a real one: a demo workspace on a server, synced once with `desk`; it is kept in `target/bench/window` for a
//! day. The server runs while the window is measured, as it does for a person, and the window syncs with it.

use std::time::Duration;

use anyhow::Context;
use desk_harness::POLL;
use serde_json::json;

use crate::figures::{percentile, print, round, spread};
use crate::programs::Programs;

#[path = "../figures.rs"]
mod figures;
mod keys;
mod memory;
#[path = "../../tests/journeys/page.rs"]
#[allow(dead_code, reason = "the journeys' kit: a bench need not use every tool")]
mod page;
mod processor;
#[path = "../programs.rs"]
mod programs;
mod screen;
mod workspace;

/// Starts that are counted; one more before them warms the disk's cache.
const STARTS: usize = 5;

/// How long the memory is watched for its peak once the list stands.
const WATCHED: Duration = Duration::from_secs(5);

/// How long the window is left alone before its idling is watched: the first sync, the search index and caches are done by then.
const SETTLED: Duration = Duration::from_secs(20);

/// How long its idling is watched: several rounds of everything that comes around by itself.
const IDLE: Duration = Duration::from_mins(1);

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let programs = Programs::find()?;
    let tickets = std::env::var("DESK_BENCH_TICKETS").ok().and_then(|n| n.parse().ok()).unwrap_or(100_000);
    let workspace = workspace::Workspace::open(&programs, tickets)?;
    let screen = screen::Screen::switch_on(&programs, workspace.dir(), workspace.store())?;

    let mut starts = Vec::new();
    for _ in 0..STARTS {
        starts.push(screen.open().await?.listed_after_ms().await?);
    }
    // The first start after a sync has alerts to settle; it is told, and not counted among the others.
    let mut window = screen.open().await?;
    starts.push(window.listed_after_ms().await?);
    let first = starts.remove(0);
    print(&json!({
        "bench": "window.start",
        "tickets": tickets,
        "to_list": spread(&starts).context("no starts")?,
        "first_ms": round(first),
    }));

    let listed = window.watch_memory(WATCHED).await?;
    print(&json!({ "bench": "window.listed", "memory": listed }));
    tokio::time::sleep(SETTLED).await;
    print(&json!({ "bench": "window.idle", "core": window.watch_processor(IDLE).await? }));
    let kinds = match keys::measure(window.page()).await {
        Ok(kinds) => kinds,
        Err(error) => {
            let picture = workspace.dir().join("failed.png");
            screen.picture(&picture)?;
            return Err(error.context(format!("the page as it was is in {}", picture.display())));
        }
    };
    let mut slowest: Option<(&str, f64)> = None;
    for (kind, times) in &kinds {
        print(&json!({ "bench": "window.key", "key": kind, "times": spread(times).context("no keys")? }));
        let mut sorted = times.clone();
        sorted.sort_by(f64::total_cmp);
        let p95 = percentile(&sorted, 95).context("no keys")?;
        if slowest.is_none_or(|(_, other)| p95 > other) {
            slowest = Some((kind, p95));
        }
    }
    let (kind, p95) = slowest.context("no keys")?;
    print(&json!({ "bench": "window.key", "key": "the slowest of them", "kind": kind, "p95": round(p95) }));

    drop(window);
    let mut window = screen.open().await?;
    keys::work(window.page()).await?;
    let worked = window.watch_memory(WATCHED).await?;
    print(&json!({
        "bench": "window.memory",
        "listed": listed,
        "after_work": worked,
        "peak_mb": round(listed.peak_mb.max(worked.peak_mb)),
    }));
    Ok(())
}

/// Rests between two looks.
async fn rest() {
    tokio::time::sleep(POLL).await;
}
