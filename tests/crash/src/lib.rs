//! The real programs under `SIGKILL`: several stores work and sync against a `workernet-server`, by commands of `desk` and by
//! `desk-window`, which does what an open window does; all of them are killed at random moments. After each batch of kills
//! everything starts again, syncs, and is looked at: the digests are equal, `desk doctor` finds nothing, nothing was refused,
//! and each edit whose command said that it was done is there exactly once; one whose command was killed is there once or not
//! at all.
//!
//! The moments come from a seed; what the machine makes of them does not, so a run is not reproduced to the letter.
//!
//! Not here: power cuts (a killed process loses nothing that it gave to the system), the interface.

mod account;
mod device;
mod server;

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, AtomicU32, Ordering},
    thread,
};

use anyhow::{Context, ensure};
use rand::{Rng, SeedableRng, rngs::StdRng};

use crate::{account::Account, device::Device, server::Server};

/// How much is killed.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Where the random moments come from.
    pub seed: u64,
    /// Stores that work at once.
    pub devices: usize,
    /// Kills of `desk`, over all stores.
    pub desk_kills: u32,
    /// Kills of the server.
    pub server_kills: u32,
    /// Kills on each side after which everything has to be level.
    pub batch: u32,
}

/// What happened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// `desk` and `desk-window` processes that were killed while they ran.
    pub desk_kills: u32,
    /// How many of them were `desk-window`.
    pub window_kills: u32,
    /// Servers that were killed.
    pub server_kills: u32,
    /// Commands that were started.
    pub commands: u32,
    /// Edits whose command said that they were done: each is there once.
    pub edits: usize,
    /// Edits whose command was killed.
    pub unsure: usize,
    /// How many of those are there.
    pub unsure_there: usize,
    /// Rows of imported files: each is there once.
    pub imported: usize,
    /// How often everything was level and looked at.
    pub levels: u32,
    /// Documents in each store at the end.
    pub documents: u64,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            desk_kills,
            window_kills,
            server_kills,
            commands,
            edits,
            unsure,
            unsure_there,
            imported,
            levels,
            documents,
        } = self;
        writeln!(
            f,
            "{desk_kills} kills of desk in {commands} commands ({window_kills} while it synced in the background), \
             {server_kills} kills of the server"
        )?;
        writeln!(f, "{edits} edits that were said to be done and {imported} imported rows, each there once")?;
        writeln!(
            f,
            "{unsure} edits whose command was killed: {unsure_there} there once, the others not at all"
        )?;
        write!(f, "level {levels} times: digests equal, doctor content; {documents} documents at the end")
    }
}

/// Where the built programs are.
#[derive(Clone, Debug)]
pub struct Programs {
    desk: PathBuf,
    window: PathBuf,
    server: PathBuf,
}

impl Programs {
    /// The programs in a directory.
    ///
    /// # Errors
    /// When one is not there.
    pub fn in_dir(dir: &Path) -> anyhow::Result<Self> {
        let program = |name: &str| {
            let path = dir.join(name);
            ensure!(
                path.exists(),
                "{} is not there; `cargo build --workspace --bins` makes it",
                path.display()
            );
            Ok(path)
        };
        let (desk, window) = (program("desk")?, program("desk-window")?);
        Ok(Self { desk, window, server: program("workernet-server")? })
    }
}

/// Kills, and looks.
///
/// # Errors
/// When something is lost, doubled, different or damaged, with all that is known of it.
pub fn run(programs: &Programs, plan: Plan) -> anyhow::Result<Report> {
    let dir = tempfile::tempdir()?;
    let mut random = StdRng::seed_from_u64(plan.seed);
    let names: Vec<String> = (0..plan.devices).map(|number| format!("d{number}")).collect();
    let mut server = Server::set_up(programs, dir.path(), &names)?;
    let mut devices = Vec::new();
    for name in names {
        devices.push(Device::sign_in(programs, dir.path(), name, &server.url(), random.random())?);
    }
    let mut account = Account::default();
    let mut report = Report::default();
    while report.desk_kills < plan.desk_kills || report.server_kills < plan.server_kills {
        let desks = plan.batch.min(plan.desk_kills.saturating_sub(report.desk_kills));
        let servers = plan.batch.min(plan.server_kills.saturating_sub(report.server_kills));
        let desk_kills = AtomicU32::new(0);
        let server_done = AtomicBool::new(false);
        thread::scope(|scope| {
            let working: Vec<_> = devices
                .iter_mut()
                .map(|device| {
                    scope.spawn(|| {
                        loop {
                            let may_kill = desk_kills.load(Ordering::SeqCst) < desks;
                            if !may_kill && server_done.load(Ordering::SeqCst) {
                                return anyhow::Ok(());
                            }
                            if device.work(may_kill)? {
                                desk_kills.fetch_add(1, Ordering::SeqCst);
                            }
                        }
                    })
                })
                .collect();
            // In this thread: a server ends with the thread that started it.
            let killed = server.die_often(servers, &mut random);
            server_done.store(true, Ordering::SeqCst);
            for worker in working {
                joined(worker)?;
            }
            killed
        })?;
        report.desk_kills += desk_kills.into_inner();
        report.server_kills += servers;
        account
            .level(&mut devices, dir.path())
            .with_context(|| format!("after {} and {} kills", report.desk_kills, report.server_kills))?;
        report.levels += 1;
    }
    server.stop()?;
    report.window_kills = devices.iter().map(Device::window_kills).sum();
    report.commands = devices.iter().map(Device::commands).sum();
    account.report(&devices, &mut report);
    Ok(report)
}

fn joined<T>(thread: thread::ScopedJoinHandle<'_, anyhow::Result<T>>) -> anyhow::Result<T> {
    thread.join().map_err(|_| anyhow::anyhow!("a thread of the test panicked"))?
}
