//! What processes hold in memory: PSS, in which what several share counts for each in part, so that the sum is the truth.

use std::fs;

use anyhow::ensure;
use serde::Serialize;

use crate::figures::round;

/// Memory of some processes together.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Memory {
    /// Now.
    pub(crate) now_mb: f64,
    /// The most that was seen.
    pub(crate) peak_mb: f64,
    /// How many there are.
    pub(crate) processes: usize,
}

impl Memory {
    /// What a later look adds to this one.
    pub(crate) fn followed_by(self, later: Self) -> Self {
        Self { peak_mb: self.peak_mb.max(later.peak_mb), ..later }
    }
}

/// The sum over these processes. One that has ended meanwhile holds nothing.
pub(crate) fn of(processes: &[u32]) -> anyhow::Result<Memory> {
    let mut sum_kb = 0_u32;
    let mut counted = 0;
    for id in processes {
        let Ok(rollup) = fs::read_to_string(format!("/proc/{id}/smaps_rollup")) else { continue };
        let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"));
        let kb = line.and_then(|line| line.split_whitespace().next()?.parse::<u32>().ok());
        sum_kb += kb.unwrap_or(0);
        counted += usize::from(kb.is_some());
    }
    ensure!(counted > 0, "the system tells nothing about the memory of {processes:?}");
    let mb = round(f64::from(sum_kb) / 1_000.0);
    Ok(Memory { now_mb: mb, peak_mb: mb, processes: counted })
}
