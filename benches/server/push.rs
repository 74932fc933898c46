//! How much the server accepts.

use std::time::Instant;

use anyhow::Context;
use futures::future::try_join_all;
use serde_json::{Value, json};

use crate::bench::{Bench, Device, MEMBERS, pack};
use crate::figures::{print, round, spread};

/// Runs that are counted; one more before them warms up.
const RUNS: usize = 5;
/// Tickets of each device and run, of four changes each.
const TICKETS: usize = 500;
/// Changes in a batch.
const BATCH: usize = 100;
/// Senders of single changes, each waiting for its answer.
const SENDERS: [usize; 2] = [1, 64];
/// Pushes of all of them together.
const PUSHES: usize = 1_920;

/// Outboxes of several devices at once: batches of changes that were made while they were away.
pub(crate) async fn batches(bench: &Bench) -> anyhow::Result<()> {
    let mut devices: Vec<Device> = Vec::new();
    for member in 0..MEMBERS {
        devices.push(bench.device(member).await?);
    }
    let (mut times, mut rates) = (Vec::new(), Vec::new());
    for run in 0..=RUNS {
        let mut outboxes = Vec::new();
        for device in &mut devices {
            let mut changes = Vec::new();
            for ticket in 0..TICKETS {
                changes.extend(device.ticket(ticket)?.1);
            }
            let batches = changes.chunks(BATCH).map(|batch| pack(batch.to_vec()));
            outboxes.push(batches.collect::<anyhow::Result<Vec<_>>>()?);
        }
        let started = Instant::now();
        let pushed = devices.iter().zip(outboxes).map(|(device, outbox)| async move {
            for frame in outbox {
                bench.push(device, frame).await?;
            }
            anyhow::Ok(())
        });
        try_join_all(pushed).await?;
        let elapsed = started.elapsed().as_secs_f64();
        if run > 0 {
            times.push(elapsed * 1_000.0);
            rates.push(per_second(MEMBERS * TICKETS * 4, elapsed)?);
        }
    }
    print(&json!({
        "bench": "server.push", "devices": MEMBERS, "batch": BATCH, "changes": MEMBERS * TICKETS * 4,
        "elapsed": spread(&times), "changes_per_second": median(&rates)?,
    }));
    Ok(())
}

/// Single edits, one sender and many: what they share is the disk.
pub(crate) async fn senders(bench: &Bench) -> anyhow::Result<()> {
    for senders in SENDERS {
        let mut devices = Vec::new();
        for member in 0..senders {
            let mut device = bench.device(member).await?;
            let (doc, changes) = device.ticket(member)?;
            bench.push(&device, pack(changes)?).await?;
            let edits = (0..PUSHES / SENDERS[1]).map(|number| device.retitle(doc, number));
            let edits = edits.collect::<anyhow::Result<Vec<_>>>()?;
            devices.push((device, edits));
        }
        let total: usize = devices.iter().map(|(_, edits)| edits.len()).sum();
        let started = Instant::now();
        let pushed = devices.into_iter().map(|(device, edits)| async move {
            for frame in edits {
                bench.push(&device, frame).await?;
            }
            anyhow::Ok(())
        });
        try_join_all(pushed).await?;
        let rate = per_second(total, started.elapsed().as_secs_f64())?;
        let figure: Value = json!({ "bench": "server.senders", "senders": senders, "pushes": total, "pushes_per_second": rate });
        print(&figure);
    }
    Ok(())
}

fn per_second(count: usize, elapsed_s: f64) -> anyhow::Result<f64> {
    Ok(round(f64::from(u32::try_from(count)?) / elapsed_s))
}

fn median(values: &[f64]) -> anyhow::Result<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().context("no runs")
}
