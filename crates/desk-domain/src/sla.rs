//! Service level agreements: calendars, targets, clocks.
//!
//! A clock is a pure function of what happened ([`SlaEvent`]), the terms that held and an instant: it is never
//! stored as truth and never synced, so devices that have the same document and settings show the same clock.
//! What is stored of it (deadlines, for lists and the scheduler) is derived and rebuilt at will.
//!
//! - [`Calendar`] says when time counts; [`CompiledCalendar`] measures it, exactly and in logarithmic time.
//! - [`Policy`] says which tickets have which [`Targets`]; [`CompiledRules`] picks one for a ticket.
//! - [`evaluate`] is the core over a timeline; [`clocks`] builds that timeline from a ticket's log.
//! - [`explain`] says why a clock shows what it shows, as data that the command line and the interface word.
//! - [`preview()`] says what other rules would have meant for tickets that were.
//! - [`report`] sets our verdicts beside another system's.
//! - [`scenario`] reads and runs files of worked cases (`desk sla simulate`).
//!
//! Not here: raising alerts (`desk-app`'s scheduler reads [`ClockReading::thresholds`]).

pub mod calendar;
#[cfg(test)]
mod cases;
pub mod changes;
pub mod clock;
pub mod explain;
pub mod holidays;
pub mod policy;
pub mod preview;
pub mod report;
pub mod scenario;
pub mod timeline;

pub use calendar::{Calendar, CalendarError, CompiledCalendar, WeekHours};
pub use changes::RuleChange;
pub use clock::{
    ClockPhase, ClockReading, ClockState, Clocks, EventKind, Metric, SlaEvent, Terms, Threshold, evaluate,
};
pub use explain::{Explanation, Segment, SegmentKind, explain};
pub use holidays::HolidaySet;
pub use policy::{
    CompiledRules, CompiledTargets, Policy, PolicyError, PolicyMatch, RuleProblem, SlaRules, Targets, Traits,
};
pub use preview::{Gathered, Period, Preview, Question, Verdict, preview};
pub use timeline::clocks;
