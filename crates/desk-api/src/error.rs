//! The one error that crosses a boundary.

use serde::{Deserialize, Serialize};

/// What went wrong, for programs. Never matched by text; the interface has a sentence for each in both languages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// The request is not of the form that it must have.
    BadRequest,
    /// A value breaks a rule (empty title, too long a comment, unknown status…).
    Invalid,
    /// A text is longer than its limit.
    TooLarge,
    /// There is no such thing.
    NotFound,
    /// It exists already.
    AlreadyExists,
    /// Nobody is signed in on this device.
    SignedOut,
    /// E-mail, password or workspace is wrong.
    WrongCredentials,
    /// The session ended; sign in again.
    SessionExpired,
    /// The role, the workflow or the signature forbids it.
    Forbidden,
    /// The device was revoked by an administrator.
    DeviceRevoked,
    /// The member left, or may not use the desk any more.
    AccessEnded,
    /// Too many attempts; wait.
    RateLimited,
    /// The server cannot be reached.
    Offline,
    /// The server answered something that is no answer.
    BadServer,
    /// The server lost the newest part of its log: it was restored from a backup. The device reads everything anew and
    /// sends what the server lost.
    ServerRestored,
    /// The server is preparing what was asked for (it packs a workspace for new devices): to be asked again soon.
    ServerBusy,
    /// The server speaks a newer protocol than this program.
    UpgradeRequired,
    /// The store was written by a newer version: it is open for reading only.
    ReadOnlyStore,
    /// The store is damaged.
    DamagedStore,
    /// The key does not open the store, or is missing.
    WrongKey,
    /// Another running copy has the store.
    StoreBusy,
    /// The disk is full.
    DiskFull,
    /// The document was written by a newer version: it is shown, not edited.
    NewerSchema,
    /// The file is not of the format that was named.
    BadFile,
    /// The work was cancelled.
    Cancelled,
    /// A bug or a machine failure; the log says more.
    Internal,
}

/// An error as it crosses a boundary.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct ApiError {
    /// For programs.
    pub code: ErrorCode,
    /// For people, in English: what is wrong and what to do.
    pub message: String,
    /// The field that is at fault, if it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
}

impl ApiError {
    /// An error without a field.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), field: None }
    }

    /// The same error, at `field`.
    #[must_use]
    pub fn at(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }
}
