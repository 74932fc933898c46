//! The clocks themselves: what happened to a ticket, and what its targets make of it at an instant.

use std::{borrow::Cow, collections::BTreeSet, ops::ControlFlow};

use serde::{Deserialize, Serialize};

use super::{
    calendar::{CompiledCalendar, OpenAt},
    policy::CompiledTargets,
};
use crate::{alert::AlertRule, ticket::Status, time::UtcMillis, words::words};

words! {
    /// What an agreement promises.
    Metric, "metric" {
        /// From creation to the first public agent reply.
        FirstResponse = "first_response",
        /// From the oldest unanswered requester message to a public agent reply.
        NextResponse = "next_response",
        /// From creation to resolved, closed or cancelled.
        Resolution = "resolution",
    }
}

impl Metric {
    /// The alert for a used-up share of this metric's target.
    pub fn warning(self) -> AlertRule {
        match self {
            Self::FirstResponse => AlertRule::FirstResponseWarning,
            Self::NextResponse => AlertRule::NextResponseWarning,
            Self::Resolution => AlertRule::ResolutionWarning,
        }
    }

    /// The alert for this metric's target having run out.
    pub fn breach(self) -> AlertRule {
        match self {
            Self::FirstResponse => AlertRule::FirstResponseBreach,
            Self::NextResponse => AlertRule::NextResponseBreach,
            Self::Resolution => AlertRule::ResolutionBreach,
        }
    }
}

words! {
    /// What a clock tells.
    ClockState, "clock state" {
        /// No target now, or nothing to answer.
        Idle = "idle",
        /// Counting, within the target.
        Running = "running",
        /// Standing still for a while, within the target.
        Paused = "paused",
        /// Stopped within the target.
        Met = "met",
        /// Over the target, whether counting, standing still or stopped.
        Breached = "breached",
    }
}

words! {
    /// Whether a clock moves, whatever it tells.
    ClockPhase, "clock phase" {
        /// There is no clock.
        Idle = "idle",
        /// It counts whenever its calendar is open.
        Running = "running",
        /// The status makes it stand still.
        Paused = "paused",
        /// It was answered, or work is over.
        Stopped = "stopped",
    }
}

/// What holds for a ticket from an instant on: the matching policy, prepared.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    /// The policy's key, for the reader.
    pub policy: Option<&'a str>,
    /// When time counts.
    pub calendar: &'a CompiledCalendar,
    /// What may elapse.
    pub targets: CompiledTargets,
    /// Statuses in which the clocks stand still, besides those that end the work.
    pub pause_statuses: &'a BTreeSet<Status>,
    /// Shares of a target, in percent, at which a warning is due.
    pub warn_percent: &'a [u8],
}

/// Something that clocks listen to.
#[derive(Clone, Copy, Debug)]
pub struct SlaEvent<'a> {
    /// When.
    pub at: UtcMillis,
    /// What.
    pub kind: EventKind<'a>,
}

/// What happened.
#[derive(Clone, Copy, Debug)]
pub enum EventKind<'a> {
    /// The ticket came into being; a second time it is nothing.
    Created {
        /// Its first status.
        status: Status,
    },
    /// The requester wrote.
    CustomerReply,
    /// Staff answered publicly.
    AgentReply,
    /// The status moved.
    Status {
        /// What it is now.
        to: Status,
    },
    /// Other terms hold from now on; `None`: no policy matches.
    Targets(Option<Terms<'a>>),
}

/// An instant at which somebody must be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Threshold {
    /// The alert.
    pub rule: AlertRule,
    /// The share of the target that is used up by then; 100 for the breach.
    pub percent: u8,
    /// When the share was, or will be, used up. Stable while nothing happens to the ticket and across pauses that
    /// begin later, so it tells a new alert from one that was raised before.
    pub at: UtcMillis,
}

/// One clock of one ticket at one instant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockReading {
    /// Which clock.
    pub metric: Metric,
    /// What it tells.
    pub state: ClockState,
    /// Whether it moves.
    pub phase: ClockPhase,
    /// When the target runs out, as things stand; in the past once it did. Only while the clock runs.
    pub due_at: Option<UtcMillis>,
    /// Business seconds counted, a begun one as a whole one, so that elapsed and remaining are the target. Absent when
    /// idle, like all that follows.
    pub elapsed_s: Option<i64>,
    /// Target less elapsed, in seconds; negative once over.
    pub remaining_s: Option<i64>,
    /// The target, in seconds.
    pub target_s: Option<i64>,
    /// When this clock's cycle began.
    pub started_at: Option<UtcMillis>,
    /// When it was stopped, if it was.
    pub stopped_at: Option<UtcMillis>,
    /// Warnings and breach, in order: all of a running clock, those already reached of a paused one, none of a
    /// stopped one. The scheduler needs no other source.
    pub thresholds: Vec<Threshold>,
}

impl ClockReading {
    /// A clock that is not there.
    pub fn idle(metric: Metric) -> Self {
        Self {
            metric,
            state: ClockState::Idle,
            phase: ClockPhase::Idle,
            due_at: None,
            elapsed_s: None,
            remaining_s: None,
            target_s: None,
            started_at: None,
            stopped_at: None,
            thresholds: Vec::new(),
        }
    }

    /// The next threshold after `now`: when the scheduler has to look again.
    pub fn next_threshold(&self, now: UtcMillis) -> Option<Threshold> {
        self.thresholds.iter().copied().find(|threshold| threshold.at > now)
    }
}

/// The clocks of one ticket at one instant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clocks {
    /// The key of the policy that holds now, if any.
    pub policy: Option<String>,
    /// From creation to the first public agent reply.
    pub first_response: ClockReading,
    /// The cycle that runs, else the last finished one.
    pub next_response: ClockReading,
    /// From creation to resolved, closed or cancelled.
    pub resolution: ClockReading,
}

impl Clocks {
    /// No clocks.
    pub fn idle() -> Self {
        Self {
            policy: None,
            first_response: ClockReading::idle(Metric::FirstResponse),
            next_response: ClockReading::idle(Metric::NextResponse),
            resolution: ClockReading::idle(Metric::Resolution),
        }
    }

    /// All three, in the order of [`Metric`].
    pub fn readings(&self) -> [&ClockReading; 3] {
        [&self.first_response, &self.next_response, &self.resolution]
    }

    /// One of them.
    pub fn reading(&self, metric: Metric) -> &ClockReading {
        match metric {
            Metric::FirstResponse => &self.first_response,
            Metric::NextResponse => &self.next_response,
            Metric::Resolution => &self.resolution,
        }
    }

    /// The running clock whose target runs out first (or ran out first).
    pub fn most_pressing(&self) -> Option<&ClockReading> {
        self.readings()
            .into_iter()
            .filter(|reading| reading.due_at.is_some())
            .min_by_key(|reading| reading.due_at)
    }

    /// Whether any target was missed.
    pub fn is_breached(&self) -> bool {
        self.readings().into_iter().any(|reading| reading.state == ClockState::Breached)
    }
}

/// Reads the clocks at `at` from what happened until then.
///
/// Events count in the order of their instants, simultaneous ones in the order given; later ones have not happened
/// yet. Before the ticket is created only [`EventKind::Targets`] counts.
///
/// A target is missed once more than it has elapsed; so a reply at the very instant it runs out is in time, and
/// where it runs out at closing time, so is one before the next opening. [`Threshold`]s name the instant at which it
/// runs out.
pub fn evaluate(events: &[SlaEvent<'_>], at: UtcMillis) -> Clocks {
    let course = Course::run(events, at);
    Clocks {
        policy: course.terms.and_then(|terms| terms.policy).map(str::to_owned),
        first_response: course.reading(Metric::FirstResponse, at),
        next_response: course.reading(Metric::NextResponse, at),
        resolution: course.reading(Metric::Resolution, at),
    }
}

/// What a clock did for a while.
#[derive(Clone, Copy, Debug)]
pub(super) enum Mode<'a> {
    /// Counted, by this calendar.
    Counting(&'a CompiledCalendar),
    /// Stood still in this status.
    Still(Status),
}

impl Mode<'_> {
    fn is_same(self, other: Self) -> bool {
        match (self, other) {
            (Self::Counting(a), Self::Counting(b)) => std::ptr::eq(a, b),
            (Self::Still(a), Self::Still(b)) => a == b,
            (Self::Counting(_), Self::Still(_)) | (Self::Still(_), Self::Counting(_)) => false,
        }
    }
}

/// A stretch of a clock's life.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stretch<'a> {
    pub(super) from: UtcMillis,
    pub(super) to: UtcMillis,
    pub(super) mode: Mode<'a>,
    /// Open time in it, in milliseconds; nothing while it stood still.
    pub(super) ms: i64,
}

/// A clock's stop: when, and the target that held then. A target that changes later judges it no more.
#[derive(Clone, Copy, Debug)]
struct Stop {
    at: UtcMillis,
    target_ms: Option<i64>,
    /// Answered for good; otherwise work is over until it is taken up again.
    is_final: bool,
}

/// One run of a clock from its start to its answer.
#[derive(Clone, Debug)]
pub(super) struct Cycle<'a> {
    pub(super) started_at: UtcMillis,
    pub(super) stretches: Vec<Stretch<'a>>,
    elapsed_ms: i64,
    stop: Option<Stop>,
}

impl<'a> Cycle<'a> {
    fn new(started_at: UtcMillis) -> Self {
        Self { started_at, stretches: Vec::new(), elapsed_ms: 0, stop: None }
    }

    fn is_finished(&self) -> bool {
        self.stop.is_some_and(|stop| stop.is_final)
    }

    fn pass(&mut self, stretch: Stretch<'a>) {
        self.elapsed_ms += stretch.ms;
        match self.stretches.last_mut() {
            Some(last) if last.mode.is_same(stretch.mode) => {
                last.to = stretch.to;
                last.ms += stretch.ms;
            }
            _ => self.stretches.push(stretch),
        }
    }

    /// When `ms` had elapsed, if they have.
    fn reached(&self, ms: i64) -> Option<UtcMillis> {
        if ms <= 0 {
            return Some(self.started_at);
        }
        let found = self.stretches.iter().try_fold(ms, |missing, stretch| match stretch.mode {
            Mode::Counting(calendar) if stretch.ms >= missing => {
                ControlFlow::Break(calendar.add_business_ms(stretch.from, missing))
            }
            Mode::Counting(_) | Mode::Still(_) => ControlFlow::Continue(missing - stretch.ms),
        });
        found.break_value().flatten()
    }
}

/// What became of a ticket's clocks by an instant.
#[derive(Debug)]
pub(super) struct Course<'a> {
    pub(super) terms: Option<Terms<'a>>,
    status: Status,
    first: Option<Cycle<'a>>,
    next: Option<Cycle<'a>>,
    resolution: Option<Cycle<'a>>,
    /// What became of the next responses before the one in `next`.
    pub(super) answered: Answered,
    /// What was looked up last, since the next stretch begins there.
    measured: Option<(&'a CompiledCalendar, OpenAt)>,
}

/// Next responses that were given: how many in time, how many late. One without a target is neither.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Answered {
    pub(super) met: u32,
    pub(super) breached: u32,
}

/// A clock that has a target, at the end of a course.
struct Standing<'c, 'a> {
    terms: Terms<'a>,
    cycle: &'c Cycle<'a>,
    target_ms: i64,
    phase: ClockPhase,
    state: ClockState,
}

impl<'a> Course<'a> {
    pub(super) fn run(events: &[SlaEvent<'a>], at: UtcMillis) -> Self {
        let is_past = |event: &SlaEvent<'_>| event.at <= at;
        let ordered: Cow<'_, [SlaEvent<'a>]> = if events.is_sorted_by_key(|event| event.at) {
            Cow::Borrowed(events.get(..events.partition_point(is_past)).unwrap_or_default())
        } else {
            let mut past: Vec<SlaEvent<'a>> = events.iter().copied().filter(is_past).collect();
            past.sort_by_key(|event| event.at);
            Cow::Owned(past)
        };
        let mut course = Self {
            terms: None,
            status: Status::Open,
            first: None,
            next: None,
            resolution: None,
            answered: Answered::default(),
            measured: None,
        };
        let mut now = ordered.first().map_or(at, |event| event.at);
        // While no policy matches there are no clocks, but the time is not forgiven: should one match later, it
        // counts from creation, by the calendar of that policy.
        let mut counting = ordered.iter().find_map(|event| offered_terms(&event.kind));
        for (index, event) in ordered.iter().enumerate() {
            course.pass(now, event.at, counting);
            now = event.at;
            course.apply(event);
            if let EventKind::Targets(terms) = event.kind {
                counting = terms.or_else(|| {
                    ordered.get(index + 1..).unwrap_or_default().iter().find_map(|e| offered_terms(&e.kind))
                });
            }
        }
        course.pass(now, at, counting);
        course
    }

    fn cycles(&mut self) -> impl Iterator<Item = &mut Cycle<'a>> {
        [&mut self.first, &mut self.next, &mut self.resolution].into_iter().flatten()
    }

    fn pass(&mut self, from: UtcMillis, to: UtcMillis, counting: Option<Terms<'a>>) {
        let Some(terms) = counting else { return };
        if to <= from {
            return;
        }
        let status = self.status;
        let mode = if status.is_done() || terms.pause_statuses.contains(&status) {
            Mode::Still(status)
        } else {
            Mode::Counting(terms.calendar)
        };
        // Measured once for all clocks.
        let ms = match mode {
            Mode::Counting(calendar) => {
                let (begin, end) = (self.open_at(calendar, from), calendar.open_at(to));
                self.measured = Some((calendar, end));
                end.open_since(begin)
            }
            Mode::Still(_) => 0,
        };
        for cycle in self.cycles().filter(|cycle| !cycle.is_finished()) {
            cycle.pass(Stretch { from, to, mode, ms });
        }
    }

    /// Open time before an instant; that of the instant which was looked up last is known.
    fn open_at(&self, calendar: &CompiledCalendar, at: UtcMillis) -> OpenAt {
        match self.measured {
            Some((known, open)) if std::ptr::eq(known, calendar) && open.at() == at => open,
            Some(_) | None => calendar.open_at(at),
        }
    }

    fn target_ms(&self, metric: Metric) -> Option<i64> {
        self.terms.and_then(|terms| terms.targets.ms(metric))
    }

    fn apply(&mut self, event: &SlaEvent<'a>) {
        let at = event.at;
        if self.resolution.is_none()
            && !matches!(event.kind, EventKind::Created { .. } | EventKind::Targets(_))
        {
            return;
        }
        match event.kind {
            EventKind::Created { status } => {
                if self.resolution.is_none() {
                    self.first = Some(Cycle::new(at));
                    self.resolution = Some(Cycle::new(at));
                    self.enter(status, at);
                }
            }
            EventKind::Status { to } => self.enter(to, at),
            EventKind::CustomerReply => {
                if self.next.as_ref().is_none_or(Cycle::is_finished) {
                    let answered = self.next.replace(Cycle::new(at));
                    if let Some((cycle, target_ms)) =
                        answered.and_then(|c| c.stop?.target_ms.map(|ms| (c, ms)))
                    {
                        let count = if cycle.elapsed_ms > target_ms {
                            &mut self.answered.breached
                        } else {
                            &mut self.answered.met
                        };
                        *count = count.saturating_add(1);
                    }
                    self.enter(self.status, at);
                }
            }
            EventKind::AgentReply => {
                let targets = [self.target_ms(Metric::FirstResponse), self.target_ms(Metric::NextResponse)];
                for (cycle, target_ms) in [&mut self.first, &mut self.next].into_iter().zip(targets) {
                    if let Some(cycle) = cycle.as_mut().filter(|cycle| !cycle.is_finished()) {
                        let target_ms = cycle.stop.map_or(target_ms, |stop| stop.target_ms);
                        cycle.stop = Some(Stop { at, target_ms, is_final: true });
                    }
                }
            }
            EventKind::Targets(terms) => self.terms = terms,
        }
    }

    /// Stops the unanswered clocks when work is over, and lets them go on when it is taken up again.
    fn enter(&mut self, status: Status, at: UtcMillis) {
        self.status = status;
        let targets =
            [Metric::FirstResponse, Metric::NextResponse, Metric::Resolution].map(|m| self.target_ms(m));
        for (cycle, target_ms) in
            [&mut self.first, &mut self.next, &mut self.resolution].into_iter().zip(targets)
        {
            let Some(cycle) = cycle.as_mut().filter(|cycle| !cycle.is_finished()) else { continue };
            if !status.is_done() {
                cycle.stop = None;
            } else if cycle.stop.is_none() {
                cycle.stop = Some(Stop { at, target_ms, is_final: false });
            }
        }
    }

    pub(super) fn cycle(&self, metric: Metric) -> Option<&Cycle<'a>> {
        match metric {
            Metric::FirstResponse => self.first.as_ref(),
            Metric::NextResponse => self.next.as_ref(),
            Metric::Resolution => self.resolution.as_ref(),
        }
    }

    /// A clock as it stands at the end of the course; `None` where there is none.
    fn standing(&self, metric: Metric) -> Option<Standing<'_, 'a>> {
        let (terms, cycle) = (self.terms?, self.cycle(metric)?);
        let present_ms = terms.targets.ms(metric)?;
        let target_ms = cycle.stop.and_then(|stop| stop.target_ms).unwrap_or(present_ms);
        let phase = if cycle.stop.is_some() {
            ClockPhase::Stopped
        } else if terms.pause_statuses.contains(&self.status) {
            ClockPhase::Paused
        } else {
            ClockPhase::Running
        };
        let state = match phase {
            _ if cycle.elapsed_ms > target_ms => ClockState::Breached,
            ClockPhase::Idle => ClockState::Idle,
            ClockPhase::Running => ClockState::Running,
            ClockPhase::Paused => ClockState::Paused,
            ClockPhase::Stopped => ClockState::Met,
        };
        Some(Standing { terms, cycle, target_ms, phase, state })
    }

    /// What a clock has counted, its target (both in milliseconds) and whether it moves.
    pub(super) fn counted(&self, metric: Metric) -> Option<(i64, i64, ClockPhase)> {
        let standing = self.standing(metric)?;
        Some((standing.cycle.elapsed_ms, standing.target_ms, standing.phase))
    }

    /// What a clock tells at the end of the course.
    pub(super) fn state(&self, metric: Metric) -> ClockState {
        self.standing(metric).map_or(ClockState::Idle, |standing| standing.state)
    }

    pub(super) fn reading(&self, metric: Metric, at: UtcMillis) -> ClockReading {
        let Some(Standing { terms, cycle, target_ms, phase, state }) = self.standing(metric) else {
            return ClockReading::idle(metric);
        };
        // Looked up once for all thresholds that lie ahead.
        let open = (phase == ClockPhase::Running && cycle.elapsed_ms < target_ms)
            .then(|| self.open_at(terms.calendar, at));
        // When `ms` had or will have elapsed: a running clock goes on, a paused one only remembers.
        let instant_of = |ms: i64| {
            if ms <= cycle.elapsed_ms {
                cycle.reached(ms)
            } else if let Some(open) = open {
                terms.calendar.instant_of(open, ms - cycle.elapsed_ms)
            } else {
                None
            }
        };
        let mut thresholds = Vec::new();
        if phase == ClockPhase::Running || phase == ClockPhase::Paused {
            // One bit for each percent: in order, and each once.
            let warnings = terms.warn_percent.iter().filter(|percent| (1..100).contains(*percent));
            let mut percents = warnings.fold(1_u128 << 100, |set, percent| set | 1 << percent);
            thresholds.reserve_exact(percents.count_ones() as usize);
            while percents != 0 {
                let share = percents.trailing_zeros();
                percents &= percents - 1;
                let ms = target_ms / 100 * i64::from(share) + target_ms % 100 * i64::from(share) / 100;
                let rule = if share == 100 { metric.breach() } else { metric.warning() };
                if let (Some(at), Ok(percent)) = (instant_of(ms), u8::try_from(share)) {
                    thresholds.push(Threshold { rule, percent, at });
                }
            }
        }
        let due_at = thresholds.last().filter(|last| last.percent == 100).map(|last| last.at);
        let target_s = target_ms.div_euclid(1000);
        let remaining_s = (target_ms - cycle.elapsed_ms).div_euclid(1000);
        ClockReading {
            metric,
            state,
            phase,
            due_at: due_at.filter(|_| phase == ClockPhase::Running),
            elapsed_s: Some(target_s - remaining_s),
            remaining_s: Some(remaining_s),
            target_s: Some(target_s),
            started_at: Some(cycle.started_at),
            stopped_at: cycle.stop.map(|stop| stop.at),
            thresholds,
        }
    }
}

fn offered_terms<'a>(kind: &EventKind<'a>) -> Option<Terms<'a>> {
    match kind {
        EventKind::Targets(terms) => *terms,
        EventKind::Created { .. }
        | EventKind::CustomerReply
        | EventKind::AgentReply
        | EventKind::Status { .. } => None,
    }
}

#[cfg(test)]
mod tests;
