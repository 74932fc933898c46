//! What a process takes: looked up while it runs.

use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::Value;

/// How often a process is looked at.
const LOOK: Duration = Duration::from_millis(10);

/// What a process took, as of the last look before its end.
#[derive(Default)]
pub(crate) struct Usage {
    pub(crate) cpu_ms: f64,
    pub(crate) memory_mb: f64,
}

/// Runs a program that prints one JSON value to its end.
pub(crate) fn watch(command: &mut Command) -> anyhow::Result<(Value, Usage)> {
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().context("cannot start a device")?;
    let mut usage = Usage::default();
    while child.try_wait()?.is_none() {
        look(child.id(), &mut usage);
        std::thread::sleep(LOOK);
    }
    let output = child.wait_with_output()?;
    ensure!(output.status.success(), "{command:?} ended with {}", output.status);
    let value = serde_json::from_slice(&output.stdout).context("a device printed no JSON")?;
    Ok((value, usage))
}

/// Linux tells; elsewhere these figures are nought.
fn look(process: u32, usage: &mut Usage) {
    /// Clock ticks a second that the kernel tells processor time in.
    const TICKS: f64 = 100.0;
    let about = |file: &str| fs::read_to_string(format!("/proc/{process}/{file}")).unwrap_or_default();
    let stat = about("stat");
    let times = stat.rsplit_once(')').map(|(_, rest)| rest.split_whitespace().skip(11).take(2));
    let ticks: f64 = times.into_iter().flatten().filter_map(|ticks| ticks.parse::<f64>().ok()).sum();
    usage.cpu_ms = usage.cpu_ms.max(ticks * 1_000.0 / TICKS);
    let peak = about("status")
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:")?.split_whitespace().next()?.parse::<f64>().ok());
    usage.memory_mb = usage.memory_mb.max(peak.unwrap_or(0.0) * 1.024 / 1_000.0);
}
