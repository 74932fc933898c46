//! What processes take of the processor while nobody touches them.

use std::collections::BTreeMap;
use std::fs;
use std::time::Instant;

use anyhow::ensure;
use serde::Serialize;

use crate::figures::round;

/// Clock ticks a second that the kernel tells processor time in.
const TICKS: f64 = 100.0;

/// The processor time that processes had taken at an instant.
pub(crate) struct Taken {
    at: Instant,
    /// By process: its name and seconds.
    seconds: BTreeMap<u32, (String, f64)>,
}

/// The share of one core that processes took.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Share {
    /// Of all together, in percent of one core.
    pub(crate) percent: f64,
    /// The same by the processes' names.
    pub(crate) by_process: BTreeMap<String, f64>,
}

/// What these processes have taken until now.
pub(crate) fn taken(processes: &[u32]) -> anyhow::Result<Taken> {
    let mut seconds = BTreeMap::new();
    for id in processes {
        let about = |file: &str| fs::read_to_string(format!("/proc/{id}/{file}")).unwrap_or_default();
        let stat = about("stat");
        // The name stands in brackets and may hold anything; user and system time are the 12th and 13th after it.
        let Some((_, rest)) = stat.rsplit_once(')') else { continue };
        let ticks: f64 =
            rest.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum();
        seconds.insert(*id, (about("comm").trim().to_owned(), ticks / TICKS));
    }
    ensure!(!seconds.is_empty(), "the system tells nothing about the time of {processes:?}");
    Ok(Taken { at: Instant::now(), seconds })
}

impl Taken {
    /// What was taken from here until `later`. A process that began meanwhile counts from nothing.
    pub(crate) fn until(&self, later: &Self) -> Share {
        let elapsed = later.at.duration_since(self.at).as_secs_f64();
        let mut by_process: BTreeMap<String, f64> = BTreeMap::new();
        for (id, (name, seconds)) in &later.seconds {
            let before = self.seconds.get(id).map_or(0.0, |(_, seconds)| *seconds);
            *by_process.entry(name.clone()).or_default() += 100.0 * (seconds - before) / elapsed;
        }
        let percent = round(by_process.values().sum());
        for share in by_process.values_mut() {
            *share = round(*share);
        }
        Share { percent, by_process }
    }
}
