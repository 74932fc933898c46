//! A device that was away, and one that has missed nothing.

use anyhow::{Context, ensure};
use desk_api::view::{TicketFilter, TicketSort};
use desk_domain::edit::TicketOp;
use serde_json::json;

use crate::device::{Device, open};
use crate::figures::{print, spread};

/// Changes that the device has missed.
const CHANGES: usize = 1_000;
/// How often it has been away.
const RUNS: usize = 5;

/// Edits on one device, of as many tickets; how long the other one takes to be level again.
pub(crate) async fn measure(busy: &Device<'_>, away: &Device<'_>) -> anyhow::Result<()> {
    let (mut level, mut unchanged) = (Vec::new(), Vec::new());
    let (mut requests, mut bytes) = (0.0_f64, 0.0_f64);
    for _ in 0..RUNS {
        edit(busy).await?;
        let synced = away.sync()?;
        ensure!(synced.documents >= f64::from(u32::try_from(CHANGES)?), "changes are missing");
        level.push(synced.indexed_ms);
        let synced = away.sync()?;
        unchanged.push(synced.indexed_ms);
        requests = requests.max(synced.requests);
        bytes = bytes.max(synced.wire_bytes);
    }
    print(&json!({ "bench": "sync.away", "changes": CHANGES, "level": spread(&level).context("no runs")? }));
    let unchanged = spread(&unchanged).context("no runs")?;
    print(&json!({ "bench": "sync.unchanged", "elapsed": unchanged, "requests": requests, "bytes": bytes }));
    Ok(())
}

async fn edit(busy: &Device<'_>) -> anyhow::Result<()> {
    let desk = open(busy).await?;
    let rows = desk.all_tickets(&TicketFilter::default(), TicketSort::default()).await?;
    // Another value each time, also when the workspace is used again.
    let visit = desk.now().to_string();
    // Spread over all tickets, the old ones too.
    for row in rows.iter().step_by((rows.len() / CHANGES).max(1)).cycle().take(CHANGES) {
        let value = Some(visit.clone());
        desk.edit_ticket(row.id, vec![TicketOp::SetCustom { key: "visit".to_owned(), value }]).await?;
    }
    desk.sync_once().await?;
    desk.close().await;
    Ok(())
}
