//! A deterministic simulation of sync: up to twenty devices and a server in one thread, on a clock of their own.
//!
//! What is real: the engine, the wire format, what a device does with batches and verdicts (`desk-sync`), documents and
//! every edit (`desk-docs`), the correction of clocks (`desk-app`), the server's verdicts (`workernet_server::sync::push`).
//! What is modelled: a store and a log whose committed state survives a crash while everything else is lost, which segments the
//! server has, a network that drops, delays, doubles, reorders, cuts off and alters what it carries, and the people.
//!
//! Teams are private at times, and members join and leave them. A store is cloned to a second machine, or opens on another one
//! from a backup after its machine is lost: the copies become devices of their own. The server is restored from an older backup: what
//! its log lost comes back from the devices. New devices join in the middle and are filled from segments, while others go on.
//!
//! After the faults end and everything is sent, [`checks`] holds: each device has exactly what its member may see, as the
//! server has it; each accepted change stands in the log once and in every document; each edit that a person made was accepted, or stands in the list
//! of refused edits of its device exactly once, or held already; and what devices keep beside a document is what it says. An edit
//! that waits when its store is copied is one of each copy. What only a lost machine had is gone with it.
//! What a restored server lost, and a device had at that moment, is in the log again, or in a list of refused edits since it was judged
//! anew, unless all who had it are gone or had to let go of the document; nothing else may be lost.
//!
//! A seed decides everything. A run that fails says so with its seed, and [`run`] with a trace tells what happened.
//!
//! Not here: SQLite, HTTP, processes that are killed (`tests/crash`).

mod chance;
mod checks;
mod device;
mod edits;
mod ledger;
mod plan;
mod server;
mod world;

use std::{collections::BTreeMap, fmt};

pub use plan::Plan;

/// Something that must never happen happened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Broken(String);

impl Broken {
    fn new(what: impl fmt::Display) -> Self {
        Self(what.to_string())
    }
}

/// How often what happened in a run: faults, edits and what became of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts(BTreeMap<&'static str, u64>);

impl Counts {
    fn add(&mut self, what: &'static str, count: u64) {
        *self.0.entry(what).or_default() += count;
    }

    /// Adds another run's counts.
    pub fn merge(&mut self, other: &Self) {
        for (what, count) in &other.0 {
            self.add(what, *count);
        }
    }

    /// How often it happened.
    pub fn of(&self, what: &str) -> u64 {
        self.0.get(what).copied().unwrap_or(0)
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|(what, count)| writeln!(f, "{count:>10}  {what}"))
    }
}

/// A run that went wrong.
#[derive(Clone, Debug)]
pub struct Failed {
    /// What must not happen.
    pub broken: Broken,
    /// What happened before, a line each with the instant; empty unless a trace was asked for.
    pub trace: Vec<String>,
}

/// Runs one seed; `trace` keeps what happened for the case that it fails.
///
/// # Errors
/// When an invariant does not hold.
pub fn run(seed: u64, trace: bool) -> Result<Counts, Failed> {
    run_plan(&Plan::of(seed), trace)
}

/// Runs a plan: what [`run`] does with the plan of its seed.
///
/// # Errors
/// When an invariant does not hold.
pub fn run_plan(plan: &Plan, trace: bool) -> Result<Counts, Failed> {
    let started = world::World::new(plan, trace);
    match started {
        Ok(mut world) => match world.run() {
            Ok(()) => Ok(world.counts()),
            Err(broken) => Err(Failed { broken, trace: world.into_trace() }),
        },
        Err(broken) => Err(Failed { broken, trace: Vec::new() }),
    }
}
