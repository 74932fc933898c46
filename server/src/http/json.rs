//! JSON bodies, and errors for those that are none.

use axum::{
    extract::{FromRequest, Request},
    http::header::CONTENT_LENGTH,
};
use desk_api::ErrorCode;
use futures::StreamExt;
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
pub(super) async fn read(request: Request, most: usize) -> Result<Vec<u8>, Problem> {
    let announced = request.headers().get(CONTENT_LENGTH);
    let announced = announced.and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > most) {
        return Err(too_large(most));
    }
    let (mut pieces, mut whole) = (request.into_body().into_data_stream(), Vec::new());
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|_| Problem::new(ErrorCode::BadRequest, "the body broke off"))?;
        if whole.len() + piece.len() > most {
            return Err(too_large(most));
        }
        whole.extend_from_slice(&piece);
    }
    Ok(whole)
}

fn too_large(most: usize) -> Problem {
    Problem::new(ErrorCode::TooLarge, format!("the body is larger than the {most} bytes that are allowed"))
}
