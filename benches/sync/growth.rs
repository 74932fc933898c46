//! How cost grows with the number of documents.

use std::path::Path;
use std::time::Instant;

use anyhow::Context;
use desk_api::view::{TicketFilter, TicketSort};
use desk_domain::edit::TicketOp;
use serde_json::json;

use crate::device::{Device, Kind, Synced, open};
use crate::figures::{percentile, print, round};
use crate::programs::Programs;
use crate::workspace::Workspace;

/// Numbers of tickets. `DESK_BENCH_GROWTH_MAX` stops earlier or goes on to 1,000,000, which takes an hour and 15 GB the
/// first time.
const SIZES: [u32; 4] = [1_000, 10_000, 100_000, 1_000_000];
const USUAL_MAX: u32 = 100_000;
/// New devices that are counted, of the small sizes; of the largest ones a single one.
const RUNS: usize = 5;
/// Edits of which each is synced by itself.
const EDITS: usize = 20;

pub(crate) async fn measure(programs: &Programs, dir: &Path) -> anyhow::Result<()> {
    let max = std::env::var("DESK_BENCH_GROWTH_MAX").ok().and_then(|n| n.parse().ok()).unwrap_or(USUAL_MAX);
    for tickets in SIZES.into_iter().filter(|size| *size <= max) {
        let workspace = Workspace::open(programs, dir, tickets).await?;
        let started = Instant::now();
        // Waits until the segments are packed, and is edited on below.
        let first = Device::sign_in(programs, dir, Kind::Encrypted, &workspace, 0)?;
        let first_listed_ms = started.elapsed().as_secs_f64() * 1_000.0 + first.sync()?.listed_ms;
        let runs = if tickets > USUAL_MAX { 1 } else { RUNS };
        let mut devices = Vec::new();
        for _ in 0..runs {
            devices.push(Device::sign_in(programs, dir, Kind::Encrypted, &workspace, 1)?.sync()?);
        }
        let edit_ms = edits(&first).await?;
        let median = |pick: fn(&Synced) -> f64| {
            let mut values: Vec<f64> = devices.iter().map(pick).collect();
            values.sort_by(f64::total_cmp);
            percentile(&values, 50).map(round).context("no devices")
        };
        print(&json!({
            "bench": "sync.growth",
            "tickets": tickets,
            "runs": runs,
            "first_device_listed_ms": round(first_listed_ms),
            "listed_ms": median(|device| device.listed_ms)?,
            "indexed_ms": median(|device| device.indexed_ms)?,
            "indexed_us_per_ticket": median(|device| device.indexed_ms * 1_000.0 / device.documents)?,
            "cpu_us_per_ticket": median(|device| device.cpu_ms * 1_000.0 / device.documents)?,
            "wire_bytes_per_ticket": median(|device| device.wire_bytes / device.documents)?,
            "store_bytes_per_ticket": median(|device| device.store_bytes / device.documents)?,
            "memory_mb": median(|device| device.memory_mb)?,
            "edit_and_sync_ms": edit_ms,
        }));
    }
    Ok(())
}

/// One edit and its way to the server, median.
async fn edits(device: &Device<'_>) -> anyhow::Result<f64> {
    let desk = open(device).await?;
    let rows = desk.list_tickets(&TicketFilter::default(), TicketSort::default(), 0, 1).await?.rows;
    let doc = rows.first().context("no tickets")?.id;
    let mut times = Vec::new();
    for number in 0..EDITS {
        let started = Instant::now();
        desk.edit_ticket(doc, vec![TicketOp::SetTitle { title: format!("Попытка {number}") }]).await?;
        desk.sync_once().await?;
        times.push(started.elapsed().as_secs_f64() * 1_000.0);
    }
    desk.close().await;
    times.sort_by(f64::total_cmp);
    percentile(&times, 50).map(round).context("no edits")
}
