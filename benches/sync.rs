//! What sync costs a new device: 100,000 tickets of the demo workspace (`DESK_BENCH_TICKETS` for another number) over
//! loopback HTTP into a new encrypted store, with the real programs.
//!
//! The server's data is kept in `target/bench/sync`, with its segments packed: that is done once for all devices, and told
//! as a figure of its own.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use desk_harness::Server;
use serde_json::{Value, json};

use crate::figures::{print, round, spread};
use crate::programs::Programs;

mod figures;
mod programs;

const SEED: u64 = 1;
const MEMBER: &str = "agent@demo.example";
/// New devices that are counted.
const RUNS: usize = 5;
/// How often a device's memory and processor time are looked at.
const LOOK: Duration = Duration::from_millis(20);

fn main() -> anyhow::Result<()> {
    let programs = Programs::find()?;
    let tickets: u32 =
        std::env::var("DESK_BENCH_TICKETS").ok().and_then(|n| n.parse().ok()).unwrap_or(100_000);
    let dir = programs.dir("sync")?;
    let (data, password) = server_data(&programs, &dir, tickets)?;
    let server =
        Server::start(&programs.program("workernet-server"), &data, "127.0.0.1:0", dir.join("server.log"))?;
    let url = server.url();

    // The first device waits for the segments.
    let started = Instant::now();
    drop(Device::sign_in(&programs, &dir, &url, &password)?);
    print(&json!({ "bench": "sync.pack", "tickets": tickets, "ms": millis(started) }));

    let mut devices = Vec::new();
    for _ in 0..RUNS {
        let device = Device::sign_in(&programs, &dir, &url, &password)?;
        devices.push(device.sync(&programs)?);
    }
    let figures = |pick: fn(&Synced) -> f64| {
        spread(&devices.iter().map(pick).collect::<Vec<_>>()).context("no devices")
    };
    print(&json!({
        "bench": "sync.bootstrap",
        "tickets": tickets,
        "listed": figures(|device| device.listed_ms)?,
        "indexed": figures(|device| device.indexed_ms)?,
        "cpu": figures(|device| device.cpu_ms)?,
        "wire_bytes_per_ticket": figures(|device| device.wire_bytes / device.documents)?,
        "memory_mb": figures(|device| device.memory_mb)?,
        "store_bytes_per_ticket": figures(|device| device.store_bytes / device.documents)?,
    }));

    // A device that was away.
    let away = Device::sign_in(&programs, &dir, &url, &password)?;
    away.sync(&programs)?;
    let busy = Device::sign_in(&programs, &dir, &url, &password)?;
    busy.sync(&programs)?;
    let list = programs.desk(&busy.path(), &["ticket", "list", "--limit", "1000"], "")?;
    let numbers: Vec<String> = list
        .as_array()
        .context("no list")?
        .iter()
        .filter_map(|ticket| Some(ticket.get("number")?.as_str()?.to_owned()))
        .collect();
    ensure!(numbers.len() == 1_000.min(tickets as usize), "{} tickets are listed", numbers.len());
    for number in &numbers {
        programs.desk(&busy.path(), &["ticket", "comment", number, "Проверено, ждём подтверждения."], "")?;
    }
    busy.sync(&programs)?;
    let level = away.sync(&programs)?;
    print(&json!({ "bench": "sync.away", "changes": numbers.len(), "ms": round(level.indexed_ms) }));
    let unchanged = away.sync(&programs)?;
    print(
        &json!({ "bench": "sync.unchanged", "ms": round(unchanged.indexed_ms), "bytes": unchanged.wire_bytes }),
    );
    Ok(())
}

/// The server's data directory with the demo in it, and the members' password.
fn server_data(
    programs: &Programs,
    dir: &Path,
    tickets: u32,
) -> anyhow::Result<(std::path::PathBuf, String)> {
    let (data, stamp) = (dir.join(format!("server-{tickets}")), dir.join(format!("made-{tickets}")));
    if let Ok(password) = fs::read_to_string(&stamp) {
        return Ok((data, password));
    }
    if data.exists() {
        fs::remove_dir_all(&data)?;
    }
    let demo = Server::demo(&programs.program("workernet-server"), &data, Some(tickets), Some(SEED))?;
    fs::write(stamp, &demo.password)?;
    Ok((data, demo.password))
}

/// A device with a store of its own, which goes with it.
struct Device {
    dir: tempfile::TempDir,
}

/// What one sync cost.
struct Synced {
    documents: f64,
    listed_ms: f64,
    indexed_ms: f64,
    cpu_ms: f64,
    wire_bytes: f64,
    memory_mb: f64,
    store_bytes: f64,
}

impl Device {
    fn sign_in(programs: &Programs, dir: &Path, url: &str, password: &str) -> anyhow::Result<Self> {
        let device = Self { dir: tempfile::tempdir_in(dir)? };
        let login = ["login", "--server", url, "--workspace", "demo", "--email", MEMBER, "--password-stdin"];
        programs.desk(&device.path(), &login, password)?;
        Ok(device)
    }

    fn path(&self) -> std::path::PathBuf {
        self.dir.path().join("store")
    }

    fn sync(&self, programs: &Programs) -> anyhow::Result<Synced> {
        let child = Command::new(programs.program("desk"))
            .args(["--json", "--data-dir"])
            .arg(self.path())
            .arg("sync")
            .env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start desk")?;
        let (output, usage) = watch(child)?;
        let report: Value = serde_json::from_slice(&output).context("`desk sync` printed no JSON")?;
        let number = |name: &str| report.get(name).and_then(Value::as_f64).context("a figure is missing");
        Ok(Synced {
            documents: number("pulled")?,
            listed_ms: number("listed_ms")?,
            indexed_ms: number("elapsed_ms")?,
            cpu_ms: usage.cpu_ms,
            wire_bytes: number("received_bytes")?,
            memory_mb: usage.memory_mb,
            store_bytes: size(&self.path())?,
        })
    }
}

/// What a process took, as of the last look before its end.
#[derive(Default)]
struct Usage {
    cpu_ms: f64,
    memory_mb: f64,
}

fn watch(mut child: Child) -> anyhow::Result<(Vec<u8>, Usage)> {
    let mut usage = Usage::default();
    while child.try_wait()?.is_none() {
        look(child.id(), &mut usage);
        std::thread::sleep(LOOK);
    }
    let output = child.wait_with_output()?;
    ensure!(output.status.success(), "`desk sync` ended with {}", output.status);
    Ok((output.stdout, usage))
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

fn size(dir: &Path) -> anyhow::Result<f64> {
    let mut bytes = 0;
    for entry in fs::read_dir(dir)? {
        bytes += entry?.metadata()?.len();
    }
    #[expect(clippy::cast_precision_loss, reason = "a figure")]
    let bytes = bytes as f64;
    Ok(bytes)
}

fn millis(since: Instant) -> f64 {
    round(since.elapsed().as_secs_f64() * 1_000.0)
}
