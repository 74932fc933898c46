//! What sync costs, with the real programs over loopback HTTP: a new device with 100,000 tickets (`DESK_BENCH_TICKETS` for
//! another number), one that was away, one edit's way to another device, other programs' sync of the same documents, and
//! how cost grows.
//!
//! The server's data is kept in `target/bench/sync`, and with it its segments: those are packed once for all devices, which
//! is told as a figure of its own. `DESK_BENCH_SYNC` picks parts by name: new, rows, away, visible, peers, growth.

use std::time::Instant;

use anyhow::Context;
use serde_json::{Value, json};

use crate::device::{Device, Kind};
use crate::figures::{percentile, print, round};
use crate::programs::Programs;
use crate::rows::Rows;
use crate::workspace::Workspace;

mod away;
mod device;
#[path = "../figures.rs"]
mod figures;
mod growth;
mod live;
mod peers;
#[path = "../programs.rs"]
mod programs;
mod rows;
mod tickets;
mod usage;
mod words;
mod workspace;

/// New devices that are counted.
const RUNS: usize = 5;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.split_first() {
        Some((role, rest)) if role == device::ROLE => device::play(rest).await,
        Some((role, rest)) if role == rows::ROLE => rows::play(rest).await,
        Some(_) | None => Box::pin(measure()).await,
    }
}

async fn measure() -> anyhow::Result<()> {
    let programs = Programs::find()?;
    let number: u32 =
        std::env::var("DESK_BENCH_TICKETS").ok().and_then(|n| n.parse().ok()).unwrap_or(100_000);
    let wanted = std::env::var("DESK_BENCH_SYNC").unwrap_or_default();
    let wants = |part: &str| wanted.is_empty() || wanted.split(',').any(|wanted| wanted == part);
    let dir = programs.dir("sync")?;
    {
        let workspace = Workspace::open(&programs, &dir, number).await?;
        // The first device waits for the segments.
        let started = Instant::now();
        let first = Device::sign_in(&programs, &dir, Kind::Encrypted, &workspace, 0)?;
        print(
            &json!({ "bench": "sync.pack", "tickets": number, "ms": round(started.elapsed().as_secs_f64() * 1_000.0) }),
        );
        if wants("new") || wants("rows") || wants("peers") {
            let mut told = Vec::new();
            for kind in [Kind::Plain, Kind::Encrypted] {
                let mut devices = Vec::new();
                for _ in 0..RUNS {
                    devices.push(Device::sign_in(&programs, &dir, kind, &workspace, 1)?.sync()?);
                }
                told.push(device::tell(kind, number, &devices)?);
            }
            let median = |of: usize, what: &str| {
                let told = told.get(of).and_then(|told| told.pointer(what)).and_then(Value::as_f64);
                told.context("a figure is missing")
            };
            if wants("rows") {
                against_rows(&workspace, &dir, median(1, "/cpu/p50")?).await?;
            }
            if wants("peers") {
                let ours = f64::from(number) * 1_000.0 / median(0, "/listed/p50")?;
                let few = Workspace::open(&programs, &dir, peers::TICKETS).await?;
                peers::measure(&programs, &dir, &few, ours)?;
            }
        }
        if wants("away") || wants("visible") {
            first.sync()?;
            let other = Device::sign_in(&programs, &dir, Kind::Encrypted, &workspace, 2)?;
            other.sync()?;
            if wants("away") {
                away::measure(&first, &other).await?;
            }
            if wants("visible") {
                Box::pin(live::measure(&first, &other)).await?;
            }
        }
    }
    if wants("growth") {
        growth::measure(&programs, &dir).await?;
    }
    Ok(())
}

/// Processor time of a device beside that of storing the same rows without CRDT.
async fn against_rows(workspace: &Workspace, dir: &std::path::Path, device_ms: f64) -> anyhow::Result<()> {
    let rows = Rows::of(workspace, dir).await?;
    let mut times = Vec::new();
    for _ in 0..RUNS {
        times.push(rows.store(dir)?.cpu_ms);
    }
    times.sort_by(f64::total_cmp);
    let rows_ms = percentile(&times, 50).context("no runs")?;
    print(&json!({
        "bench": "sync.cpu", "device_ms": device_ms, "rows_ms": rows_ms,
        "ratio": (device_ms / rows_ms * 100.0).round() / 100.0,
    }));
    Ok(())
}
