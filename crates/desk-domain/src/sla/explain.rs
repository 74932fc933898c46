//! Why a clock shows what it shows, as data: codes, instants and durations, to be worded in either language.

use serde::{Deserialize, Serialize};

use super::{
    calendar::{CompiledCalendar, Hours},
    clock::{ClockReading, Course, EventKind, Metric, Mode, SlaEvent},
    policy::CompiledRules,
    timeline::timeline,
};
use crate::{
    ticket::{Status, Ticket},
    time::UtcMillis,
    words::words,
};

/// A longer stretch is told in one piece rather than window by window: 93 days.
const DETAIL_MAX_MS: i64 = 93 * 24 * 3_600_000;

words! {
    /// What a clock does in a segment.
    SegmentKind, "segment kind" {
        /// Counts.
        Running = "running",
        /// Would count, but the calendar is closed.
        ClosedHours = "closed_hours",
        /// Would count, but the day is a holiday.
        Holiday = "holiday",
        /// Stands still: the status pauses the clocks.
        Paused = "paused",
        /// Stands still: work is over.
        Done = "done",
    }
}

/// A piece of a clock's life.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// Its first instant.
    pub from: UtcMillis,
    /// The first instant after it.
    pub to: UtcMillis,
    /// What the clock does in it.
    pub kind: SegmentKind,
    /// What it counts, in milliseconds; less than the length where a long stretch is told in one piece.
    pub business_ms: i64,
    /// The status that makes the clock stand still.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// Lies ahead: what will be if nothing happens before the target runs out.
    pub projected: bool,
}

/// Other terms from an instant on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TermsChange {
    /// From when.
    pub at: UtcMillis,
    /// The key of the policy; `None`: none matched.
    pub policy: Option<String>,
    /// The clock's target, in seconds, if it had one.
    pub target_s: Option<i64>,
}

/// One clock, explained.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockExplanation {
    /// What it shows.
    pub reading: ClockReading,
    /// The policies and targets that held, in order; the first since the ticket's creation.
    pub terms: Vec<TermsChange>,
    /// What it did since it started, and will do until its target runs out, in order and without gaps.
    pub segments: Vec<Segment>,
}

/// A ticket's clocks, explained.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    /// As of when.
    pub at: UtcMillis,
    /// The policy that holds now, by its key.
    pub policy: Option<String>,
    /// The clocks, in the order of [`Metric`].
    pub clocks: Vec<ClockExplanation>,
}

/// Explains the clocks of a ticket at `now`; [`super::clocks`] gives the same readings without the reasons. A
/// deleted ticket has none.
pub fn explain(ticket: &Ticket, rules: &CompiledRules, now: UtcMillis) -> Explanation {
    if ticket.deleted { explain_events(&[], now) } else { explain_events(&timeline(ticket, rules), now) }
}

/// Explains the clocks of a timeline at `at`; [`super::evaluate`] gives the same readings without the reasons.
pub fn explain_events(events: &[SlaEvent<'_>], at: UtcMillis) -> Explanation {
    let course = Course::run(events, at);
    let clocks = Metric::ALL
        .iter()
        .map(|metric| ClockExplanation {
            reading: course.reading(*metric, at),
            terms: terms_changes(events, *metric, at),
            segments: segments(&course, *metric, at),
        })
        .collect();
    Explanation { at, policy: course.terms.and_then(|terms| terms.policy).map(str::to_owned), clocks }
}

fn terms_changes(events: &[SlaEvent<'_>], metric: Metric, at: UtcMillis) -> Vec<TermsChange> {
    let mut changes: Vec<TermsChange> = Vec::new();
    for event in events.iter().filter(|event| event.at <= at) {
        if let EventKind::Targets(terms) = event.kind {
            let change = TermsChange {
                at: event.at,
                policy: terms.and_then(|terms| terms.policy).map(str::to_owned),
                target_s: terms.and_then(|terms| terms.targets.ms(metric)).map(|ms| ms.div_euclid(1000)),
            };
            if changes
                .last()
                .is_none_or(|last| (&last.policy, last.target_s) != (&change.policy, change.target_s))
            {
                changes.push(change);
            }
        }
    }
    changes
}

fn segments(course: &Course<'_>, metric: Metric, at: UtcMillis) -> Vec<Segment> {
    let reading = course.reading(metric, at);
    let (Some(cycle), Some(_)) = (course.cycle(metric), reading.target_s) else { return Vec::new() };
    let mut segments = Vec::new();
    for stretch in &cycle.stretches {
        match stretch.mode {
            Mode::Counting(calendar) => count(calendar, stretch.from, stretch.to, false, &mut segments),
            Mode::Still(status) => segments.push(Segment {
                from: stretch.from,
                to: stretch.to,
                kind: if status.is_done() { SegmentKind::Done } else { SegmentKind::Paused },
                business_ms: 0,
                status: Some(status),
                projected: false,
            }),
        }
    }
    if let (Some(due_at), Some(terms)) = (reading.due_at, course.terms)
        && due_at > at
    {
        count(terms.calendar, at, due_at, true, &mut segments);
    }
    segments
}

fn count(
    calendar: &CompiledCalendar,
    from: UtcMillis,
    to: UtcMillis,
    projected: bool,
    segments: &mut Vec<Segment>,
) {
    let mut push = |from: UtcMillis, to: UtcMillis, kind: SegmentKind, business_ms: i64| {
        segments.push(Segment { from, to, kind, business_ms, status: None, projected });
    };
    if to.since(from) > DETAIL_MAX_MS {
        push(from, to, SegmentKind::Running, calendar.business_ms(from, to));
        return;
    }
    for (from, to, hours) in calendar.stretches(from, to) {
        let (kind, ms) = match hours {
            Hours::Open => (SegmentKind::Running, to - from),
            Hours::Closed => (SegmentKind::ClosedHours, 0),
            Hours::Holiday => (SegmentKind::Holiday, 0),
        };
        push(UtcMillis(from), UtcMillis(to), kind, ms);
    }
}

#[cfg(test)]
mod tests;
