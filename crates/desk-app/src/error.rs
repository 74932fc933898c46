//! From what each layer says to the one error that crosses the boundary.

use std::fmt::Display;

use desk_api::{ApiError, ErrorCode};
use desk_docs::{ApplyError, EditError, Invalid, LoadError, ReadError, Refusal};
use desk_domain::permissions::Denied;
use desk_store::StoreError;
use desk_sync::pull::PullError;

/// Why nothing was written of what is made while the store is being taken hold of.
pub(crate) enum Unwritten {
    Store(StoreError),
    /// It could not be made.
    Unmade(ApiError),
}

impl From<StoreError> for Unwritten {
    fn from(problem: StoreError) -> Self {
        Self::Store(problem)
    }
}

impl From<Unwritten> for ApiError {
    fn from(problem: Unwritten) -> Self {
        match problem {
            Unwritten::Store(problem) => store(problem),
            Unwritten::Unmade(problem) => problem,
        }
    }
}

/// A store's error, with what to do about it.
#[expect(clippy::needless_pass_by_value, reason = "used with map_err")]
pub(crate) fn store(error: StoreError) -> ApiError {
    let (code, advice) = match &error {
        StoreError::Missing => (ErrorCode::SignedOut, "sign in, or make a workspace with `desk init`"),
        StoreError::WrongKey => {
            (ErrorCode::WrongKey, "open it as the user who made it, or restore the key; nothing was changed")
        }
        StoreError::Undecipherable => {
            (ErrorCode::WrongKey, "restore the key or a backup of the store; nothing was changed")
        }
        StoreError::NotAStore { .. } => (ErrorCode::DamagedStore, "choose another data directory"),
        StoreError::Damaged { .. } | StoreError::Unreadable { .. } => {
            (ErrorCode::DamagedStore, "run `desk doctor`; keep a copy of the file before repairing it")
        }
        StoreError::ReadOnly => (ErrorCode::ReadOnlyStore, "update the program to write to it"),
        StoreError::Busy => (ErrorCode::StoreBusy, "try again, or close the other copy of the program"),
        StoreError::DiskFull => (ErrorCode::DiskFull, "free some space; nothing that was saved is lost"),
        StoreError::Stale { .. } => (ErrorCode::StoreBusy, "try again"),
        StoreError::NotRejected { .. } => (ErrorCode::NotFound, "see `desk rejected list`"),
        StoreError::Unsent { .. } | StoreError::Invalid { .. } => (ErrorCode::Internal, "please report this"),
        StoreError::Closed => (ErrorCode::Cancelled, "the program is closing"),
        StoreError::Io(_) | StoreError::Sql(_) => (ErrorCode::Internal, "see the log for more"),
    };
    ApiError::new(code, format!("{error}: {advice}"))
}

/// An edit that was not made.
pub(crate) fn edit(error: EditError) -> ApiError {
    match error {
        EditError::Refused(refusal) => refused(refusal),
        EditError::NewerSchema { .. } => ApiError::new(ErrorCode::NewerSchema, error.to_string()),
        EditError::WrongPlace(what) => ApiError::new(ErrorCode::NotFound, what),
        EditError::Read(error) => read(&error),
        EditError::Automerge(_) => internal(error),
    }
}

/// A change that the rules forbid.
pub(crate) fn refused(refusal: Refusal) -> ApiError {
    match refusal {
        Refusal::Invalid(Invalid::Schema { field, message }) => {
            ApiError::new(ErrorCode::Invalid, message).at(field)
        }
        Refusal::Invalid(Invalid::TooLarge { field, message }) => {
            ApiError::new(ErrorCode::TooLarge, message).at(field)
        }
        Refusal::Denied(denied) => {
            let message = denied.to_string();
            let field = match denied {
                Denied::Role { field, .. } => field,
                Denied::Workflow { .. } => "status".to_owned(),
                Denied::ForeignSignature { collection } => collection,
            };
            ApiError::new(ErrorCode::Forbidden, message).at(field)
        }
        Refusal::Clock { .. } => ApiError::new(ErrorCode::Invalid, refusal.to_string()),
    }
}

/// A document that does not read.
pub(crate) fn read(error: &ReadError) -> ApiError {
    let code = match error {
        ReadError::NewerSchema { .. } => ErrorCode::NewerSchema,
        ReadError::Malformed { .. } => ErrorCode::DamagedStore,
    };
    ApiError::new(code, error.to_string())
}

/// A stored document that does not open.
#[expect(clippy::needless_pass_by_value, reason = "used with map_err")]
pub(crate) fn load(error: LoadError) -> ApiError {
    ApiError::new(
        ErrorCode::DamagedStore,
        format!("{error}: run `desk doctor --repair`, or sign in on a new data directory to fetch it again"),
    )
}

/// A change from the server that does not fit: the server's fault or the store's.
#[expect(clippy::needless_pass_by_value, reason = "used with map_err")]
pub(crate) fn apply(error: ApplyError) -> ApiError {
    ApiError::new(ErrorCode::BadServer, format!("the server's changes do not fit this store: {error}"))
}

/// A batch from the server that is not taken.
#[expect(clippy::needless_pass_by_value, reason = "used with map_err")]
pub(crate) fn pull(error: PullError) -> ApiError {
    ApiError::new(ErrorCode::BadServer, error.to_string())
}

/// What cannot happen, and did: a task that ended, a value of our own that cannot be written.
pub(crate) fn internal(problem: impl Display) -> ApiError {
    ApiError::new(ErrorCode::Internal, problem.to_string())
}

/// Nobody is signed in.
pub(crate) fn signed_out() -> ApiError {
    ApiError::new(
        ErrorCode::SignedOut,
        "nobody is signed in: use `desk login`, or `desk init` for a workspace on this device alone",
    )
}

/// A failure of the file system.
pub(crate) fn io(what: &str, error: &std::io::Error) -> ApiError {
    let code = if error.kind() == std::io::ErrorKind::StorageFull {
        ErrorCode::DiskFull
    } else {
        ErrorCode::Internal
    };
    ApiError::new(code, format!("{what}: {error}"))
}
