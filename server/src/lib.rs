//! The sync server: workspaces, members, devices, sign-in, and the log of accepted changes.
//!
//! Invariants:
//! - A workspace's log is append-only and its numbers have no gaps; what was accepted is durable before it is
//!   answered, and a repeated batch changes nothing (`storage`, `sync`).
//! - Every request is decided by what the database says at that moment: roles, revoked devices and ended sessions
//!   count at once, whatever a token says.
//! - Tenants never see each other: a request's workspace comes from its session, or from the token that a program shows.
//! - `now` and randomness are passed in; only `clock::SystemClock` and `random::SystemRandom` ask the machine.
//! - Passwords, tokens and bodies are never logged.
//!
//! Not here: what a document says and what a change may do (`desk-docs`), the wire format (`desk-sync`), attachments,
//! e-mail that comes in.

pub mod audit;
pub mod auth;
pub mod cli;
pub mod clock;
pub mod demo;
pub mod detection;
pub mod escalation;
pub mod http;
pub mod mail;
pub mod members;
pub mod random;
pub mod serve;
pub mod sessions;
pub mod settings;
pub mod signal_tokens;
pub mod storage;
pub mod sync;
pub mod teams;
mod threads;
pub mod workspaces;
