//! What other rules would have meant for tickets that were: the same log, read by the rules that hold and by those that
//! somebody proposes.
//!
//! A ticket is judged as it stands at the instant asked about, so that a clock that still runs is neither met nor
//! breached. Of next responses each one counts, not the last alone.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    clock::{ClockState, Course, Metric},
    policy::CompiledRules,
    timeline::timeline,
};
use crate::{
    ids::DocId,
    ticket::{Priority, Ticket},
    time::UtcMillis,
    words::words,
};

/// Most tickets that a preview names; how many there are it says of all.
pub const CHANGES_MAX: usize = 500;

/// From when to when the tickets were created that a preview is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Period {
    /// The first instant of it.
    pub from: UtcMillis,
    /// The first instant after it.
    pub to: UtcMillis,
}

impl Period {
    /// Whether the instant lies in it.
    pub fn contains(&self, at: UtcMillis) -> bool {
        self.from <= at && at < self.to
    }
}

/// What is asked of each ticket.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// Which tickets.
    pub period: Period,
    /// As of when their clocks are read.
    pub at: UtcMillis,
    /// The rules that hold.
    pub present: &'a CompiledRules,
    /// The rules that might.
    pub proposed: &'a CompiledRules,
}

words! {
    /// What rules say of a target of a ticket.
    Verdict, "verdict" {
        /// There was no target, or nothing to answer.
        Untargeted = "untargeted",
        /// The clock has not come to an end yet, and is within its target.
        Running = "running",
        /// The target was met, each time.
        Met = "met",
        /// The target was missed, if only once.
        Breached = "breached",
    }
}

/// How many targets came out which way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Met.
    pub met: u32,
    /// Missed.
    pub breached: u32,
    /// Not decided yet.
    pub running: u32,
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.met += other.met;
        self.breached += other.breached;
        self.running += other.running;
    }

    fn verdict(self) -> Verdict {
        match self {
            Self { breached: 1.., .. } => Verdict::Breached,
            Self { running: 1.., .. } => Verdict::Running,
            Self { met: 1.., .. } => Verdict::Met,
            Self { .. } => Verdict::Untargeted,
        }
    }
}

/// What came of one metric for tickets of one priority under one policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// The key of the policy that holds for the tickets.
    pub policy: String,
    /// Which target.
    pub metric: Metric,
    /// The priority that the tickets have.
    pub priority: Priority,
    /// What came of it.
    #[serde(flatten)]
    pub tally: Tally,
}

/// What one set of rules makes of the tickets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// By policy, metric and priority, in this order; only such as occur.
    pub lines: Vec<Line>,
    /// Tickets for which no policy is meant.
    pub without_policy: u32,
}

impl Outcome {
    /// All of one metric.
    pub fn of_metric(&self, metric: Metric) -> Tally {
        let mut total = Tally::default();
        self.lines.iter().filter(|line| line.metric == metric).for_each(|line| total.add(line.tally));
        total
    }
}

/// A target of a ticket of which the proposed rules say something else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The ticket.
    pub ticket: DocId,
    /// Its number.
    pub number: String,
    /// Its title.
    pub title: String,
    /// The priority that it has.
    pub priority: Priority,
    /// When it was created.
    pub created_at: UtcMillis,
    /// Which target.
    pub metric: Metric,
    /// What the rules that hold say.
    pub present: Verdict,
    /// What the proposed ones say.
    pub proposed: Verdict,
}

/// What other rules would have meant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preview {
    /// For which tickets.
    pub period: Period,
    /// As of when.
    pub at: UtcMillis,
    /// How many tickets that are.
    pub tickets: u32,
    /// Under the rules that hold.
    pub present: Outcome,
    /// Under the proposed ones.
    pub proposed: Outcome,
    /// What comes out differently: what would be missed first, then what would be no longer, each the newest first; at most
    /// [`CHANGES_MAX`].
    pub changes: Vec<Change>,
    /// How many that are, those that are not named included.
    pub changes_count: u32,
}

/// Compares rules over tickets; those outside the period, and deleted ones, are passed over.
pub fn preview<'a>(tickets: impl IntoIterator<Item = &'a Ticket>, question: &Question<'_>) -> Preview {
    let mut gathered = Gathered::default();
    for ticket in tickets {
        gathered.add(ticket, question);
    }
    gathered.finish(question)
}

/// A comparison under way. Parts of it, made on several processors, come out the same in any order.
#[derive(Clone, Debug, Default)]
pub struct Gathered {
    tickets: u32,
    present: Side,
    proposed: Side,
    changes: Vec<Change>,
}

#[derive(Clone, Debug, Default)]
struct Side {
    policies: BTreeMap<String, BTreeMap<(Metric, Priority), Tally>>,
    without_policy: u32,
}

impl Side {
    /// Judges a ticket; gives back what came of each metric.
    fn add(&mut self, ticket: &Ticket, rules: &CompiledRules, at: UtcMillis) -> [Tally; 3] {
        let events = timeline(ticket, rules);
        let course = Course::run(&events, at);
        let tallies = [Metric::FirstResponse, Metric::NextResponse, Metric::Resolution]
            .map(|metric| (metric, tally(&course, metric)));
        let Some(policy) = course.terms.and_then(|terms| terms.policy) else {
            self.without_policy += 1;
            return tallies.map(|(_, tally)| tally);
        };
        if !self.policies.contains_key(policy) {
            self.policies.insert(policy.to_owned(), BTreeMap::new());
        }
        if let Some(lines) = self.policies.get_mut(policy) {
            for (metric, tally) in tallies.into_iter().filter(|(_, tally)| *tally != Tally::default()) {
                lines.entry((metric, ticket.priority)).or_default().add(tally);
            }
        }
        tallies.map(|(_, tally)| tally)
    }

    fn merge(&mut self, other: Self) {
        self.without_policy += other.without_policy;
        for (policy, lines) in other.policies {
            let mine = self.policies.entry(policy).or_default();
            for (key, tally) in lines {
                mine.entry(key).or_default().add(tally);
            }
        }
    }

    fn finish(self) -> Outcome {
        let lines = self.policies.into_iter().flat_map(|(policy, lines)| {
            lines.into_iter().map(move |((metric, priority), tally)| Line {
                policy: policy.clone(),
                metric,
                priority,
                tally,
            })
        });
        Outcome { lines: lines.collect(), without_policy: self.without_policy }
    }
}

/// What came of a metric of one ticket.
fn tally(course: &Course<'_>, metric: Metric) -> Tally {
    let mut tally = Tally::default();
    if metric == Metric::NextResponse {
        (tally.met, tally.breached) = (course.answered.met, course.answered.breached);
    }
    match course.state(metric) {
        ClockState::Idle => {}
        ClockState::Running | ClockState::Paused => tally.running += 1,
        ClockState::Met => tally.met += 1,
        ClockState::Breached => tally.breached += 1,
    }
    tally
}

impl Gathered {
    /// Takes a ticket into account, if it was created in the period and is not deleted.
    pub fn add(&mut self, ticket: &Ticket, question: &Question<'_>) {
        if ticket.deleted || !question.period.contains(ticket.created_at) {
            return;
        }
        self.tickets += 1;
        let present = self.present.add(ticket, question.present, question.at);
        let proposed = self.proposed.add(ticket, question.proposed, question.at);
        for ((metric, present), proposed) in Metric::ALL.iter().zip(present).zip(proposed) {
            let (present, proposed) = (present.verdict(), proposed.verdict());
            if present != proposed {
                self.changes.push(Change {
                    ticket: ticket.id,
                    number: ticket.number(),
                    title: ticket.title.clone(),
                    priority: ticket.priority,
                    created_at: ticket.created_at,
                    metric: *metric,
                    present,
                    proposed,
                });
            }
        }
    }

    /// Takes in what was gathered elsewhere by the same question.
    pub fn merge(&mut self, other: Self) {
        self.tickets += other.tickets;
        self.present.merge(other.present);
        self.proposed.merge(other.proposed);
        self.changes.extend(other.changes);
    }

    /// How many tickets were taken into account.
    pub fn tickets(&self) -> u32 {
        self.tickets
    }

    /// The comparison.
    pub fn finish(mut self, question: &Question<'_>) -> Preview {
        let rank = |change: &Change| match (change.present, change.proposed) {
            (_, Verdict::Breached) => 0,
            (Verdict::Breached, _) => 1,
            (Verdict::Untargeted | Verdict::Running | Verdict::Met, _) => 2,
        };
        self.changes.sort_by(|a, b| {
            (rank(a), b.created_at, b.ticket, a.metric).cmp(&(rank(b), a.created_at, a.ticket, b.metric))
        });
        let changes_count = u32::try_from(self.changes.len()).unwrap_or(u32::MAX);
        self.changes.truncate(CHANGES_MAX);
        Preview {
            period: question.period,
            at: question.at,
            tickets: self.tickets,
            present: self.present.finish(),
            proposed: self.proposed.finish(),
            changes: self.changes,
            changes_count,
        }
    }
}

#[cfg(test)]
mod tests;
