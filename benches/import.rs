//! How fast `desk import servicenow-csv` is on `../shared/data`, into a new encrypted store: events (rows of the file) a
//! second over the whole command, from its start to its end, with everything saved.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, ensure};
use serde_json::{Value, json};

use crate::figures::{print, round, spread};
use crate::programs::Programs;

mod figures;
mod programs;

/// Imports, each into a store of its own.
const RUNS: u32 = 3;

fn main() -> anyhow::Result<()> {
    let programs = Programs::find()?;
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/servicenow_incident_event_log.csv");
    let events = rows(&file)?;
    let file = file.to_str().context("the path of the data is no UTF-8")?;
    let dir = tempfile::tempdir_in(programs.dir("import")?)?;
    let mut times = Vec::new();
    let mut tickets = 0;
    for run in 0..RUNS {
        let data = dir.path().join(run.to_string());
        programs.desk(&data, &["init", "--workspace", "Bench", "--email", "bench@example.org"], "")?;
        let started = Instant::now();
        let made = programs.desk(&data, &["import", "servicenow-csv", file], "")?;
        times.push(started.elapsed().as_secs_f64() * 1_000.0);
        tickets = made.pointer("/created/tickets").and_then(Value::as_u64).unwrap_or(0);
        let refused = made.get("refused").and_then(Value::as_array).map_or(0, Vec::len);
        ensure!(tickets > 0 && refused == 0, "{tickets} tickets were made and {refused} rows refused");
    }
    let elapsed = spread(&times).context("no runs")?;
    let median_ms = elapsed.get("p50").and_then(Value::as_f64).context("no median")?;
    print(&json!({
        "bench": "import",
        "format": "servicenow-csv",
        "events": events,
        "tickets": tickets,
        "elapsed": elapsed,
        "events_per_second": round(f64::from(events) * 1_000.0 / median_ms),
    }));
    Ok(())
}

/// Rows below the header. No field of this file has a line break in it.
fn rows(file: &Path) -> anyhow::Result<u32> {
    let open = File::open(file).with_context(|| format!("{} must be there", file.display()))?;
    let mut count = 0;
    for line in BufReader::new(open).lines() {
        count += u32::from(!line?.trim().is_empty());
    }
    count.checked_sub(1).context("the file is empty")
}
