//! Errors as answers.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header::RETRY_AFTER},
    response::{IntoResponse, Response},
};
use desk_api::{ApiError, ErrorCode, rest::ERASE_PROOF_HEADER};
use desk_domain::ids::DeviceId;

use crate::{
    auth::erasure::Erasure,
    sessions::SignInError,
    storage::StorageError,
    sync::{lane::PushError, scopes::ScopeError, segments::SegmentError},
};

/// An error on its way out.
#[derive(Debug)]
pub struct Problem {
    error: ApiError,
    status: StatusCode,
    wait_s: Option<u64>,
    erase_proof: Option<String>,
}

impl Problem {
    /// An error with the status that belongs to its code.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        ApiError::new(code, message).into()
    }

    /// Its code.
    pub(super) fn code(&self) -> ErrorCode {
        self.error.code
    }

    /// The same error with the advice to ask again after so many seconds.
    #[must_use]
    pub fn retry_after_s(mut self, seconds: u64) -> Self {
        self.wait_s = Some(seconds);
        self
    }

    /// The server's own fault: logged here, told in general words.
    pub fn internal(error: &dyn std::fmt::Display) -> Self {
        tracing::error!(%error, "request failed");
        Self::new(ErrorCode::Internal, "the server could not do it; its log says more")
    }

    /// The same error; when it says that access was taken away, with the proof that this server may say so. For an
    /// answer to somebody who showed that they are this device.
    #[must_use]
    pub fn to_device(mut self, device: DeviceId, erasure: &Erasure) -> Self {
        if matches!(self.error.code, ErrorCode::DeviceRevoked | ErrorCode::AccessEnded) {
            self.erase_proof = Some(erasure.proof(device));
        }
        self
    }

    /// The same error with status 405.
    #[must_use]
    pub fn method_not_allowed(mut self) -> Self {
        self.status = StatusCode::METHOD_NOT_ALLOWED;
        self
    }
}

fn status(code: ErrorCode) -> StatusCode {
    match code {
        ErrorCode::BadRequest => StatusCode::BAD_REQUEST,
        ErrorCode::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
        ErrorCode::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        ErrorCode::NotFound => StatusCode::NOT_FOUND,
        ErrorCode::AlreadyExists | ErrorCode::ServerRestored => StatusCode::CONFLICT,
        ErrorCode::SignedOut | ErrorCode::WrongCredentials | ErrorCode::SessionExpired => {
            StatusCode::UNAUTHORIZED
        }
        ErrorCode::Forbidden | ErrorCode::DeviceRevoked | ErrorCode::AccessEnded => StatusCode::FORBIDDEN,
        ErrorCode::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        ErrorCode::ServerBusy => StatusCode::SERVICE_UNAVAILABLE,
        ErrorCode::UpgradeRequired => StatusCode::UPGRADE_REQUIRED,
        ErrorCode::DiskFull => StatusCode::INSUFFICIENT_STORAGE,
        ErrorCode::Offline
        | ErrorCode::BadServer
        | ErrorCode::ReadOnlyStore
        | ErrorCode::DamagedStore
        | ErrorCode::WrongKey
        | ErrorCode::StoreBusy
        | ErrorCode::NewerSchema
        | ErrorCode::BadFile
        | ErrorCode::Cancelled
        | ErrorCode::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl From<ApiError> for Problem {
    fn from(error: ApiError) -> Self {
        Self { status: status(error.code), error, wait_s: None, erase_proof: None }
    }
}

impl From<StorageError> for Problem {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::DiskFull => {
                tracing::error!(%error, "request failed");
                Self::new(ErrorCode::DiskFull, "the server's disk is full")
            }
            StorageError::NewerVersion
            | StorageError::Unreachable { .. }
            | StorageError::Busy
            | StorageError::Damaged { .. }
            | StorageError::Failed(_) => Self::internal(&error),
        }
    }
}

impl From<SignInError> for Problem {
    fn from(error: SignInError) -> Self {
        let wait_s = if let SignInError::TooMany(wait) = &error { Some(wait.wait_s) } else { None };
        let api = error.to_api();
        if api.code == ErrorCode::Internal {
            return Self::internal(&error);
        }
        Self { wait_s, ..api.into() }
    }
}

impl From<PushError> for Problem {
    fn from(error: PushError) -> Self {
        match error {
            PushError::NotAllowed => Self::new(ErrorCode::SessionExpired, error.to_string()),
            PushError::Lost => Self::new(ErrorCode::BadRequest, error.to_string()),
            PushError::NoWorkspace => Self::new(ErrorCode::NotFound, error.to_string()),
            PushError::Storage(error) => error.into(),
            PushError::Damaged(_)
            | PushError::Settings(_)
            | PushError::Unrestorable(_)
            | PushError::NotYet
            | PushError::Internal(_) => Self::internal(&error),
        }
    }
}

impl From<ScopeError> for Problem {
    fn from(error: ScopeError) -> Self {
        match error {
            ScopeError::Storage(error) => error.into(),
            ScopeError::Damaged(_) | ScopeError::Unread(_) => Self::internal(&error),
        }
    }
}

impl From<SegmentError> for Problem {
    fn from(error: SegmentError) -> Self {
        match error {
            SegmentError::Storage(error) => error.into(),
            SegmentError::Settings(_) | SegmentError::Wire(_) | SegmentError::Ended => Self::internal(&error),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.error)).into_response();
        if let Some(wait) = self.wait_s {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(wait));
        }
        if let Some(proof) = self.erase_proof.and_then(|proof| HeaderValue::try_from(proof).ok()) {
            response.headers_mut().insert(ERASE_PROOF_HEADER, proof);
        }
        response
    }
}
