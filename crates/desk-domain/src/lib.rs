//! The help desk's words and rules: identifiers, tickets, articles, incidents, people, permissions, SLA, detection, escalation.
//!
//! Pure and wasm-safe: no I/O, no clock, no randomness; `now` and fresh identifiers are arguments.
//! Not here: how a document stores this (`desk-docs`), what crosses a boundary (`desk-api`).

pub mod access;
pub mod alert;
pub mod article;
pub mod detection;
pub mod duration;
pub mod edit;
pub mod escalation;
pub mod ids;
pub mod incident;
pub mod people;
pub mod permissions;
pub mod personal;
pub mod projection;
pub mod sla;
pub mod state;
pub mod ticket;
pub mod time;
pub mod words;
pub mod workspace;
