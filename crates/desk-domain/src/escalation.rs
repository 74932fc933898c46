//! Escalation: who is told of an incident that nobody takes, in which order, and when.
//!
//! - [`Schedule`] says who is on call when: rotations with hand-overs in a civil time zone, hours of the week, overrides.
//! - [`Policy`] says whom to tell, level by level, and for how long to wait for an acknowledgement.
//! - [`next`] is the core: of an incident's timeline and the settings, the next step and its instant. It is pure, so every
//!   device shows the same next step as the server takes.
//!
//! Which policy an incident gets ([`policy_of`]): that of the first of its services that has one, else the first policy (by
//! key) that names the incident's severity as one it is the default for, else none. What began keeps the policy that it
//! began with, whatever becomes of severity, services and settings.
//!
//! An incident escalates once. Whoever reopens one has taken it by that.
//!
//! Not here: writing the steps (the server's runner), telling people (alerts on their devices, e-mail from the server).

pub mod policy;
pub mod run;
pub mod schedule;

pub use policy::{Level, Policy, PolicyError, Target, on_call, policy_of};
pub use run::{
    Due, EndReason, Escalation, Hold, Page, RELEASE_MS, Step, escalates_at, escalation, held, is_release,
    next,
};
pub use schedule::{CompiledSchedule, Layer, Override, Rotation, Schedule, ScheduleError, Source, Stretch};
