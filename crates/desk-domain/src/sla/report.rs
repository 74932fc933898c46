//! Our verdict on resolutions beside the one that another system wrote down, over imported tickets: how often they agree
//! and, where they do not, why.
//!
//! The other system's target and way of counting are not known. What can be computed is what our own verdict would be
//! if one thing were counted otherwise (a [`Reason`]): if that alone turns it into the other one, that is why they
//! differ. If several things have to be counted otherwise at once, the smallest such set is. If none helps, the target
//! must have been another one.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{
    calendar::CompiledCalendar,
    clock::{ClockPhase, Course, EventKind, Metric, SlaEvent, Terms},
    policy::CompiledRules,
    timeline::timeline,
};
use crate::{
    ids::DocId,
    ticket::{Priority, Status, Ticket},
    time::UtcMillis,
    words::words,
};

/// The custom field in which a ServiceNow log says whether an incident kept its target.
pub const MADE_SLA: &str = "made_sla";

words! {
    /// What may be counted otherwise than we do.
    Reason, "reason" {
        /// Time in the statuses that pause our clocks counts, too.
        PausedTime = "paused_time",
        /// Every hour counts, whatever the calendar says.
        BusinessHours = "business_hours",
        /// It ends when the ticket is closed, not when it is resolved.
        ClosedInstant = "closed_instant",
        /// It ends at the instant that the other system states, not at that of the update which says so.
        StatedInstant = "stated_instant",
        /// It ends for good when it ends first; what was taken up again does not go on.
        Reopened = "reopened",
        /// The target is that of the first priority, category, team…, not that of the last.
        FirstTerms = "first_terms",
    }
}

/// A set of [`Reason`]s.
type Reasons = BTreeSet<Reason>;

/// What is asked of each ticket.
#[derive(Clone, Debug)]
pub struct Inquiry<'a> {
    /// The custom field that has the other system's verdict: `true` (made) or `false`, in any case, or `yes`, `no`, `1`, `0`.
    field: &'a str,
    /// The rules that ours is made by.
    rules: &'a CompiledRules,
    /// As of when.
    at: UtcMillis,
    always: &'a CompiledCalendar,
    /// The ways of counting of which [`Fit`]s are told.
    ways: Vec<Reasons>,
    /// All sets of reasons, by their size.
    sets: Vec<Vec<Reasons>>,
}

impl<'a> Inquiry<'a> {
    /// An inquiry as of `at`, by `rules`, into the custom field `field`. `always` is a calendar that is always open.
    pub fn new(
        field: &'a str,
        rules: &'a CompiledRules,
        always: &'a CompiledCalendar,
        at: UtcMillis,
    ) -> Self {
        let sets: Vec<Vec<Reasons>> = (0..=Reason::ALL.len()).map(sets_of).collect();
        Self { field, rules, at, always, ways: ways(), sets }
    }
}

/// Verdicts on the tickets of one priority.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdicts {
    /// Tickets on which both have a verdict.
    pub tickets: u32,
    /// The other system says that the target was made.
    pub theirs_made: u32,
    /// It says that it was missed.
    pub theirs_missed: u32,
    /// We say that it was made.
    pub ours_made: u32,
    /// We say that it was missed.
    pub ours_missed: u32,
    /// Both say the same.
    pub agree: u32,
    /// Why the others differ.
    pub differ: Vec<Difference>,
    /// How well the other system's verdicts fit one target for all, by our way of counting and by each other one.
    pub fits: Vec<Fit>,
}

/// Tickets on which verdicts differ for one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// What turns our verdict. Several are needed together; none: only another target does.
    pub reasons: Vec<Reason>,
    /// How many tickets. One that several reasons turn, each alone, counts for each.
    pub tickets: u32,
}

/// The target that fits the other system's verdicts best, if time is counted in one way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fit {
    /// What is counted otherwise; none: by our way.
    pub reasons: Vec<Reason>,
    /// The least such target, in seconds.
    pub target_s: i64,
    /// On how many tickets it agrees with the other system.
    pub agree: u32,
}

/// A ticket on which the verdicts differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Differing {
    /// The ticket.
    pub ticket: DocId,
    /// Its number.
    pub number: String,
    /// Its key in the other system, if it was imported.
    pub key: Option<String>,
    /// The priority that it has.
    pub priority: Priority,
    /// The other system says that the target was made; we say that it was missed. Or the other way round.
    pub theirs_made: bool,
    /// What we count, in seconds.
    pub elapsed_s: i64,
    /// Our target, in seconds.
    pub target_s: i64,
    /// What turns our verdict: each set alone. Empty: only another target does.
    pub reasons: Vec<Vec<Reason>>,
}

/// Our verdicts beside another system's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The field that was read.
    pub field: String,
    /// As of when.
    pub at: UtcMillis,
    /// By priority.
    pub priorities: BTreeMap<Priority, Verdicts>,
    /// All of them; what they differ in and how they fit is told by priority alone.
    pub total: Verdicts,
    /// Tickets of which the other system says nothing.
    pub untold: u32,
    /// Tickets that have no target by our rules.
    pub untargeted: u32,
    /// Tickets whose clock still runs within its target.
    pub undecided: u32,
    /// Those on which the verdicts differ, in the order of their keys.
    pub differing: Vec<Differing>,
}

/// A report under way. Parts of it, made on several processors, come out the same in any order.
#[derive(Clone, Debug, Default)]
pub struct Inquired {
    priorities: BTreeMap<Priority, Counted>,
    untold: u32,
    untargeted: u32,
    undecided: u32,
    differing: Vec<Differing>,
}

#[derive(Clone, Debug, Default)]
struct Counted {
    verdicts: Verdicts,
    /// By the way of counting: what was counted in milliseconds, and whether the other system says that it was made.
    counted: BTreeMap<Reasons, Vec<(i64, bool)>>,
}

/// What a way of counting makes of a ticket.
#[derive(Clone, Copy)]
struct Counting {
    elapsed_ms: i64,
    target_ms: i64,
    ended: bool,
}

impl Counting {
    /// Whether the target was made; `None` while it may still be.
    fn made(self) -> Option<bool> {
        if self.elapsed_ms > self.target_ms { Some(false) } else { self.ended.then_some(true) }
    }
}

impl Inquired {
    /// Takes a ticket into account, unless it is deleted.
    pub fn add(&mut self, ticket: &Ticket, inquiry: &Inquiry<'_>) {
        if ticket.deleted {
            return;
        }
        let Some(theirs) = ticket.custom.get(inquiry.field).and_then(|value| verdict(value)) else {
            self.untold += 1;
            return;
        };
        let events = timeline(ticket, inquiry.rules);
        let count = |reasons: &Reasons| count(&events, ticket, inquiry, reasons);
        let Some(ours) = count(&Reasons::new()) else {
            self.untargeted += 1;
            return;
        };
        let Some(made) = ours.made() else {
            self.undecided += 1;
            return;
        };
        let of_priority = self.priorities.entry(ticket.priority).or_default();
        for reasons in &inquiry.ways {
            if let Some(counting) = count(reasons).filter(|counting| counting.ended) {
                let counted = of_priority.counted.entry(reasons.clone()).or_default();
                counted.push((counting.elapsed_ms, theirs));
            }
        }
        let verdicts = &mut of_priority.verdicts;
        verdicts.tickets += 1;
        *(if theirs { &mut verdicts.theirs_made } else { &mut verdicts.theirs_missed }) += 1;
        *(if made { &mut verdicts.ours_made } else { &mut verdicts.ours_missed }) += 1;
        if made == theirs {
            verdicts.agree += 1;
            return;
        }
        // What has not ended by another way of counting (a ticket that was never closed) says nothing about it.
        let ended = |counting: &Counting| counting.ended;
        let turns = |reasons: &Reasons| count(reasons).filter(ended).and_then(Counting::made) == Some(theirs);
        let mut found: Vec<&Reasons> = Vec::new();
        for (size, sets) in inquiry.sets.iter().enumerate().skip(1) {
            let turning = sets.iter().filter(|reasons| turns(reasons));
            found.extend(turning.take(if size == 1 { Reason::ALL.len() } else { 1 }));
            if !found.is_empty() {
                break;
            }
        }
        self.differing.push(Differing {
            ticket: ticket.id,
            number: ticket.number(),
            key: ticket.source.as_ref().map(|source| source.key.clone()),
            priority: ticket.priority,
            theirs_made: theirs,
            elapsed_s: ours.elapsed_ms.div_euclid(1000),
            target_s: ours.target_ms.div_euclid(1000),
            reasons: found.into_iter().map(|reasons| reasons.iter().copied().collect()).collect(),
        });
    }

    /// Takes in what was inquired elsewhere by the same inquiry.
    pub fn merge(&mut self, other: Self) {
        self.untold += other.untold;
        self.untargeted += other.untargeted;
        self.undecided += other.undecided;
        self.differing.extend(other.differing);
        for (priority, theirs) in other.priorities {
            let mine = self.priorities.entry(priority).or_default();
            mine.verdicts.add(&theirs.verdicts);
            for (reasons, counted) in theirs.counted {
                mine.counted.entry(reasons).or_default().extend(counted);
            }
        }
    }

    /// The report.
    pub fn finish(mut self, inquiry: &Inquiry<'_>) -> Report {
        self.differing.sort_by(|a, b| (&a.key, a.ticket).cmp(&(&b.key, b.ticket)));
        let mut total = Verdicts::default();
        let mut priorities = BTreeMap::new();
        for (priority, Counted { mut verdicts, counted }) in self.priorities {
            total.add(&verdicts);
            verdicts.differ = differences(self.differing.iter().filter(|d| d.priority == priority));
            verdicts.fits = counted
                .into_iter()
                .map(|(reasons, counted)| {
                    let (target, agree) = best_target(counted);
                    // Whole seconds that are no less.
                    let target_s = target.div_euclid(1000) + i64::from(target.rem_euclid(1000) > 0);
                    Fit { reasons: reasons.into_iter().collect(), target_s, agree }
                })
                .collect();
            verdicts.fits.sort_by_key(|fit| (std::cmp::Reverse(fit.agree), fit.reasons.len()));
            priorities.insert(priority, verdicts);
        }
        Report {
            field: inquiry.field.to_owned(),
            at: inquiry.at,
            priorities,
            total,
            untold: self.untold,
            untargeted: self.untargeted,
            undecided: self.undecided,
            differing: self.differing,
        }
    }
}

impl Verdicts {
    fn add(&mut self, other: &Self) {
        self.tickets += other.tickets;
        self.theirs_made += other.theirs_made;
        self.theirs_missed += other.theirs_missed;
        self.ours_made += other.ours_made;
        self.ours_missed += other.ours_missed;
        self.agree += other.agree;
    }
}

/// What a custom field says.
fn verdict(text: &str) -> Option<bool> {
    match text.trim().to_lowercase().as_str() {
        "true" | "yes" | "1" => Some(true),
        "false" | "no" | "0" => Some(false),
        _ => None,
    }
}

/// The ways of counting of which [`Fit`]s are told: ours, each single reason, and every hour to the closing.
fn ways() -> Vec<Reasons> {
    let mut ways = sets_of(0);
    ways.extend(sets_of(1));
    ways.push([Reason::PausedTime, Reason::BusinessHours].into());
    ways.push([Reason::PausedTime, Reason::BusinessHours, Reason::ClosedInstant].into());
    ways
}

/// All sets of so many reasons, in order.
fn sets_of(size: usize) -> Vec<Reasons> {
    let all = Reason::ALL;
    let mut sets: Vec<Reasons> = (0_u32..1 << all.len())
        .filter(|bits| bits.count_ones() as usize == size)
        .map(|bits| {
            all.iter()
                .enumerate()
                .filter(|(place, _)| bits >> place & 1 == 1)
                .map(|(_, reason)| *reason)
                .collect()
        })
        .collect();
    sets.sort();
    sets
}

/// Counts a ticket's resolution otherwise than we do; `None` where it has no target.
fn count(
    events: &[SlaEvent<'_>],
    ticket: &Ticket,
    inquiry: &Inquiry<'_>,
    reasons: &Reasons,
) -> Option<Counting> {
    static NEVER: BTreeSet<Status> = BTreeSet::new();
    let to_closed = reasons.contains(&Reason::ClosedInstant);
    let ends = |status: Status| match status {
        Status::Resolved => !to_closed,
        Status::Closed | Status::Cancelled => true,
        Status::Open | Status::InProgress | Status::Pending => false,
    };
    let counted_as =
        |status: Status| if status.is_done() && !ends(status) { Status::InProgress } else { status };
    let mut read: Vec<SlaEvent<'_>> = Vec::with_capacity(events.len() + 1);
    let mut created = false;
    for event in events {
        let kind = match event.kind {
            EventKind::Targets(_) if created && reasons.contains(&Reason::FirstTerms) => continue,
            EventKind::Targets(terms) => EventKind::Targets(terms.map(|terms| Terms {
                calendar: if reasons.contains(&Reason::BusinessHours) {
                    inquiry.always
                } else {
                    terms.calendar
                },
                pause_statuses: if reasons.contains(&Reason::PausedTime) {
                    &NEVER
                } else {
                    terms.pause_statuses
                },
                ..terms
            })),
            EventKind::Status { to } => EventKind::Status { to: counted_as(to) },
            EventKind::Created { status } => {
                created = true;
                EventKind::Created { status: counted_as(status) }
            }
            kind @ (EventKind::CustomerReply | EventKind::AgentReply) => kind,
        };
        read.push(SlaEvent { at: event.at, kind });
    }
    let mut at = inquiry.at;
    if reasons.contains(&Reason::StatedInstant) {
        let stated: Option<UtcMillis> =
            ticket.custom.get(if to_closed { "closed_at" } else { "resolved_at" })?.parse().ok();
        at = stated?;
        let is_end = |event: &SlaEvent<'_>| matches!(event.kind, EventKind::Status { to } if to.is_done());
        read.retain(|event| event.at <= at && !is_end(event));
        read.push(SlaEvent { at, kind: EventKind::Status { to: Status::Resolved } });
    }
    if reasons.contains(&Reason::Reopened) {
        let first = read.iter().find(|event| matches!(event.kind, EventKind::Status { to } if to.is_done()));
        if let Some(end) = first.map(|event| event.at) {
            at = at.min(end);
        }
    }
    let course = Course::run(&read, at);
    let (elapsed_ms, target_ms, phase) = course.counted(Metric::Resolution)?;
    Some(Counting { elapsed_ms, target_ms, ended: phase == ClockPhase::Stopped })
}

fn differences<'a>(differing: impl Iterator<Item = &'a Differing>) -> Vec<Difference> {
    let mut counts: BTreeMap<Vec<Reason>, u32> = BTreeMap::new();
    for ticket in differing {
        if ticket.reasons.is_empty() {
            *counts.entry(Vec::new()).or_default() += 1;
        }
        for reasons in &ticket.reasons {
            *counts.entry(reasons.clone()).or_default() += 1;
        }
    }
    let mut found: Vec<Difference> =
        counts.into_iter().map(|(reasons, tickets)| Difference { reasons, tickets }).collect();
    found.sort_by_key(|difference| std::cmp::Reverse(difference.tickets));
    found
}

/// The least target, in milliseconds, on which most verdicts agree (made: not more than it was counted), and on how many.
fn best_target(mut counted: Vec<(i64, bool)>) -> (i64, u32) {
    counted.sort_unstable();
    let missed = counted.iter().filter(|(_, made)| !made).count();
    // With a target of nothing at all, everything that took any time is missed.
    let mut agree = u32::try_from(missed).unwrap_or(u32::MAX);
    let mut best = (0, 0);
    let mut place = 0;
    if counted.first().is_none_or(|(elapsed, _)| *elapsed > 0) {
        best = (0, agree);
    }
    while let Some((elapsed, _)) = counted.get(place).copied() {
        // All that took as long come under the target at once.
        while let Some((_, made)) = counted.get(place).filter(|(ms, _)| *ms == elapsed) {
            agree = if *made { agree.saturating_add(1) } else { agree.saturating_sub(1) };
            place += 1;
        }
        if agree > best.1 {
            best = (elapsed, agree);
        }
    }
    best
}

#[cfg(test)]
mod tests;
