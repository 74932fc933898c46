//! The help desk's words and rules: identifiers, tickets, articles, incidents, people, permissions, SLA.
//!
//! Pure and wasm-safe: no I/O, no clock, no randomness; `now` and fresh identifiers are arguments.
//! Not here: how a document stores this (`desk-docs`), what crosses a boundary (`desk-api`).

pub mod ids;
pub mod sla;
pub mod ticket;
pub mod time;
pub mod words;
