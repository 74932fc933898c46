//! How soon one edit is visible on another device: both with a store of 100,000 tickets and a live connection, every commit
//! of both and of the server on the disk. The clock runs from the call that commits the edit on the one device to the event
//! that tells the other one's window of the change, which stands in its store then.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use desk_api::view::{SyncPhase, TicketFilter, TicketSort};
use desk_app::{Desk, DeskEvent};
use desk_domain::edit::TicketOp;
use desk_domain::ids::DocId;
use serde_json::json;

use crate::device::{Device, open};
use crate::figures::{percentile, print, round};

/// Edits that are followed; some more before them warm up.
const EDITS: usize = 500;
const WARMING: usize = 50;
/// Tickets that are edited in turn.
const PAGE: u32 = 100;
/// Between two edits: a person's, not a program's. What one leaves to be tidied up does not delay the next.
const PAUSE: Duration = Duration::from_millis(30);
/// How long anything may take before the measurement is given up.
const LONGEST: Duration = Duration::from_secs(30);

/// Edits on one device, watched on another.
pub(crate) async fn measure(here: &Device<'_>, there: &Device<'_>) -> anyhow::Result<()> {
    let (here, there) = (open(here).await?, open(there).await?);
    let drivers = (here.start_sync(), there.start_sync());
    for desk in [&here, &there] {
        idle(desk).await?;
    }
    // Each time others of the workspace, which is kept: edited in every measurement, the same ones would grow.
    let (filter, tickets) = (TicketFilter::default(), there.count_tickets(&TicketFilter::default()).await?);
    let first = u32::try_from(here.now().0.rem_euclid(i64::from(tickets.saturating_sub(PAGE).max(1))))?;
    let page = there.list_tickets(&filter, TicketSort::Created, first, PAGE).await?.rows;
    let mut times = Vec::new();
    for (number, row) in page.iter().cycle().take(WARMING + EDITS).enumerate() {
        let ms = Box::pin(follow(
            &here,
            &there,
            row.id,
            format!("Не печатает принтер, {} № {number}", here.now()),
        ))
        .await?;
        if number >= WARMING {
            times.push(ms);
        }
        tokio::time::sleep(PAUSE).await;
    }
    drop(drivers);
    here.close().await;
    there.close().await;
    times.sort_by(f64::total_cmp);
    let at = |percent| percentile(&times, percent).map(round).context("nothing was seen");
    print(&json!({
        "bench": "sync.visible", "edits": times.len(),
        "p50": at(50)?, "p95": at(95)?, "p99": at(99)?, "max": at(100)?,
        "fsync": fsync()?,
    }));
    Ok(())
}

/// The device is level and has its live connection.
async fn idle(desk: &Desk) -> anyhow::Result<()> {
    let is_idle = async {
        while desk.sync_view().await?.phase != SyncPhase::Idle {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(LONGEST, is_idle).await.context("a device does not get level")?
}

async fn follow(here: &Desk, there: &Desk, doc: DocId, title: String) -> anyhow::Result<f64> {
    // Who edits a ticket has it before them.
    here.ticket(doc).await?.context("the ticket is not here")?;
    let mut events = there.events();
    let seen = async {
        loop {
            if let DeskEvent::Changed { docs, .. } = events.recv().await?
                && docs.contains(&doc)
            {
                return anyhow::Ok(Instant::now());
            }
        }
    };
    let started = Instant::now();
    let edit = here.edit_ticket(doc, vec![TicketOp::SetTitle { title: title.clone() }]);
    let edit = async { edit.await.map_err(anyhow::Error::from) };
    let seen = async { tokio::time::timeout(LONGEST, seen).await.context("an edit is not seen")? };
    let (_, seen) = tokio::try_join!(edit, seen)?;
    let shown = there.ticket(doc).await?.context("the ticket is gone")?;
    ensure!(shown.ticket.title == title, "the event came before the change");
    Ok(seen.duration_since(started).as_secs_f64() * 1_000.0)
}

/// What the disk itself takes to make 4 KiB durable, median.
fn fsync() -> anyhow::Result<f64> {
    use std::io::Write;

    const TIMES: usize = 100;
    let mut file = tempfile::tempfile_in(std::env::current_exe()?.parent().context("no directory")?)?;
    let mut times = Vec::new();
    for _ in 0..TIMES {
        file.write_all(&[7; 4_096])?;
        let started = Instant::now();
        file.sync_data()?;
        times.push(started.elapsed().as_secs_f64() * 1_000.0);
    }
    times.sort_by(f64::total_cmp);
    percentile(&times, 50).map(|ms| (ms * 100.0).round() / 100.0).context("no times")
}
