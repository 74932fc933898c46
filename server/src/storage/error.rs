//! Why the storage did not do what it was asked.

use std::error::Error;

/// A failure of the database, or of what stands in it.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// Written by a newer version of the server.
    #[error("the database was written by a newer version of workernet-server: update this one")]
    NewerVersion,
    /// The database server cannot be reached, or does not let us in.
    #[error("cannot connect to {address}: {reason}")]
    Unreachable {
        /// Host, port and database, without the password.
        address: String,
        /// What was tried and what came back.
        reason: String,
    },
    /// No room to write; nothing was changed.
    #[error("the disk is full")]
    DiskFull,
    /// Another process holds the database for longer than anybody should.
    #[error("the database is busy; another process is writing to it")]
    Busy,
    /// A value that no version of the server writes.
    #[error("the database is damaged: {what}")]
    Damaged {
        /// What was found.
        what: String,
    },
    /// The database engine failed.
    #[error("the database failed: {0}")]
    Failed(#[source] Box<dyn Error + Send + Sync>),
}

impl StorageError {
    /// A stored value that cannot be.
    pub(crate) fn damaged(what: impl Into<String>) -> Self {
        Self::Damaged { what: what.into() }
    }
}
