//! What processes hold in memory: PSS, in which what several share counts for each in part, so that the sum is the truth.

use std::collections::BTreeMap;
use std::fs;

use anyhow::ensure;
use serde::Serialize;

use crate::figures::round;

/// Memory of some processes together.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Memory {
    /// Now.
    pub(crate) now_mb: f64,
    /// The most that was seen.
    pub(crate) peak_mb: f64,
    /// Now, by the processes' names, in megabytes too.
    pub(crate) by_process: BTreeMap<String, f64>,
}

impl Memory {
    /// What a later look adds to this one.
    pub(crate) fn followed_by(self, later: Self) -> Self {
        Self { peak_mb: self.peak_mb.max(later.peak_mb), ..later }
    }
}

/// The sum over these processes. One that has ended meanwhile holds nothing.
pub(crate) fn of(processes: &[u32]) -> anyhow::Result<Memory> {
    let mut by_process = BTreeMap::new();
    let mut sum_mb = 0.0;
    for id in processes {
        let about = |file: &str| fs::read_to_string(format!("/proc/{id}/{file}")).unwrap_or_default();
        let rollup = about("smaps_rollup");
        let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"));
        let Some(kb) = line.and_then(|line| line.split_whitespace().next()?.parse::<u32>().ok()) else {
            continue;
        };
        // What the kernel calls a kB has 1,024 bytes.
        let mb = f64::from(kb) * 1.024 / 1_000.0;
        sum_mb += mb;
        *by_process.entry(about("comm").trim().to_owned()).or_insert(0.0) += round(mb);
    }
    ensure!(!by_process.is_empty(), "the system tells nothing about the memory of {processes:?}");
    let now_mb = round(sum_mb);
    Ok(Memory { now_mb, peak_mb: now_mb, by_process })
}
