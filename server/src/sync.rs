//! The log's other half: deciding about changes, one writer per workspace, and telling everybody that the head moved.
//!
//! - [`push`] decides, without I/O: what a simulation calls is what the server runs.
//! - [`lane`] is the task that alone writes a workspace's log in this process; the storage's transaction keeps other
//!   processes out.
//! - [`hub`] has the lanes and the heads.
//! - [`compaction`] folds what was accepted into the snapshots of large documents.
//! - [`created`] counts tickets that came into being, for detection.
//! - [`segments`] packs documents for new devices, which never replay the log.
//! - [`scopes`] says what each member sees; [`teams`] catches up with documents of before it was known.
//! - [`sections`] completes settings that an older server made.
//! - [`witness`] notices a log that was restored from a backup; [`relay`] lets members bring back what it lost.
//! - [`own`] writes the server's own changes (members, settings, the demo) into the same log.

pub mod compaction;
pub mod created;
pub mod hub;
pub mod lane;
pub mod own;
pub mod proposal;
pub mod push;
pub mod relay;
pub mod scopes;
pub mod sections;
pub mod segments;
pub mod teams;
pub mod witness;
