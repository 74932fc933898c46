//! A month of a help desk in seconds: tickets, incidents, an escalation that runs, and members' devices, on one clock.
//!
//! What is real: the settings and every document, made and changed by typed edits (`desk-docs`); what falls due
//! (`Projection::of`); the escalation's steps (`escalation::next`); what becomes of an alert on a device (`alert::delivery`,
//! `notices`, `digest`, `quiet_summary`); personal documents that are merged between a member's devices.
//! What is modelled, thinly: the store's tables of deadlines and alerts and the scheduler's loop around them (`desk-app`),
//! people, and the connection.
//!
//! What must have happened is said by [`oracle`], which knows the rules a second time: business time counted over a list of
//! open windows, clocks walked entry by entry, escalations walked minute by minute of their policy. [`checks`] holds what the
//! devices did against it.
//!
//! A seed decides everything. Not here: SQLite, the network's faults (`tests/simulation`), real notifications (`tests/journeys`).

mod chance;
mod checks;
mod device;
mod ledger;
mod oracle;
mod plan;
mod scripts;
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

/// How often what happened in a month.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures(BTreeMap<&'static str, u64>);

impl Figures {
    fn add(&mut self, what: &'static str, count: usize) {
        *self.0.entry(what).or_default() += count as u64;
    }

    /// How often it happened.
    pub fn of(&self, what: &str) -> u64 {
        self.0.get(what).copied().unwrap_or(0)
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|(what, count)| writeln!(f, "{count:>10}  {what}"))
    }
}

/// Runs a month and checks it.
///
/// # Errors
/// What must not happen and did, the first.
pub fn run(plan: &Plan) -> Result<Figures, Broken> {
    let ledger = world::World::new(plan)?.run()?;
    checks::check(&ledger)
}
