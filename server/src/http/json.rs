//! JSON bodies, and errors for those that are none.

use axum::{
    body::{Bytes, to_bytes},
    extract::{FromRequest, Request},
};
use desk_api::ErrorCode;
use serde::de::DeserializeOwned;

use super::Problem;

/// Most bytes of a JSON body.
const JSON_BYTES: usize = 64 * 1024;

/// A body read as JSON, whatever content type it claims.
pub(super) struct Body<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        let bytes = read(request, JSON_BYTES).await?;
        serde_json::from_slice(&bytes).map(Self).map_err(|error| {
            Problem::new(ErrorCode::BadRequest, format!("the body is not the JSON it should be: {error}"))
        })
    }
}

/// Reads a body of at most `most` bytes.
pub(super) async fn read(request: Request, most: usize) -> Result<Bytes, Problem> {
    let too_large = || {
        Problem::new(
            ErrorCode::TooLarge,
            format!("the body is larger than the {most} bytes that are allowed"),
        )
    };
    let announced = request
        .headers()
        .get(axum::http::header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > most) {
        return Err(too_large());
    }
    to_bytes(request.into_body(), most).await.map_err(|error| {
        let limit =
            std::error::Error::source(&error).is_some_and(|source| source.to_string().contains("limit"));
        if limit { too_large() } else { Problem::new(ErrorCode::BadRequest, "the body broke off") }
    })
}
