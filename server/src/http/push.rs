//! `POST /v1/sync/push`: a device's outbox; verdicts come back.

use std::sync::Arc;

use axum::{
    body::Bytes,
    extract::{Request, State},
    http::header::CONTENT_TYPE,
    response::{IntoResponse, Response},
};
use desk_api::{ErrorCode, rest::BATCH_MEDIA_TYPE};
use desk_sync::wire::{self, Push, Verdict, WireError};

use super::{
    App, Problem,
    bearer::{Bearer, Token},
    json::read,
    witness,
};
use crate::{
    sync::{push::Incoming, relay},
    threads::unhurried,
};

/// Decodes and verifies the batch, has it decided, and answers with one verdict per change.
pub(super) async fn post(
    State(app): State<Arc<App>>,
    Token(claims): Token,
    request: Request,
) -> Result<Response, Problem> {
    let (workspace, device, headers) = (claims.ws, claims.dev, request.headers().clone());
    // Beside each other; the first that fails is the answer.
    let (bearer, standing, opened) = tokio::join!(
        Bearer::now(&app, claims),
        witness::hold(&app, workspace, &headers),
        receive(&app, request)
    );
    let bearer = bearer?;
    standing?;
    let mut changes = opened?;
    relay::admit(app.storage.as_ref(), &bearer.member, device, app.clock.now(), &mut changes).await?;
    let reply = app.hub.push(workspace, device, app.clock.now(), changes).await?;
    tracing::info!(workspace.id = %workspace, device.id = %device, sync.seq = reply.head, "pushed");
    let (head, size_bytes) = (reply.head, reply.verdicts.len() * size_of::<Verdict>());
    witness::give(&app, workspace, head, frame(reply, size_bytes).await?).await
}

async fn receive(app: &App, request: Request) -> Result<Vec<Incoming>, Problem> {
    let body = read(request, app.limits.push_bytes).await?;
    let most = app.limits.push_changes;
    let opened = unhurried(body.len(), move || open(&body, most)).await;
    opened.map_err(|error| Problem::internal(&error))?
}

/// Decodes a batch of at most `most` changes and verifies them.
pub(super) fn open(frame: &[u8], most: usize) -> Result<Vec<Incoming>, Problem> {
    let push: Push = wire::decode(frame).map_err(|error| unreadable(&error))?;
    if push.changes.len() > most {
        let message = format!("a batch has at most {most} changes, this one {}", push.changes.len());
        return Err(Problem::new(ErrorCode::TooLarge, message));
    }
    Ok(push.changes.iter().map(Incoming::verify).collect())
}

/// A frame that cannot be read, as an answer.
pub(super) fn unreadable(error: &WireError) -> Problem {
    let code = match error {
        WireError::TooLarge { .. } => ErrorCode::TooLarge,
        WireError::NewerVersion { .. } => ErrorCode::UpgradeRequired,
        WireError::Truncated
        | WireError::NotABatch
        | WireError::WrongMessage { .. }
        | WireError::Checksum
        | WireError::Malformed => ErrorCode::BadRequest,
    };
    let message = match error {
        WireError::NewerVersion { found } => {
            format!("the batch has wire version {found}; this server speaks {}", wire::WIRE_VERSION)
        }
        WireError::Truncated
        | WireError::NotABatch
        | WireError::WrongMessage { .. }
        | WireError::Checksum
        | WireError::TooLarge { .. }
        | WireError::Malformed => error.to_string(),
    };
    Problem::new(code, message)
}

/// A message of about `size_bytes`, packed.
pub(super) async fn pack<M: wire::Message + Send + 'static>(
    message: M,
    size_bytes: usize,
) -> Result<Bytes, Problem> {
    let frame = unhurried(size_bytes, move || wire::encode(&message)).await;
    let frame = frame.map_err(|error| Problem::internal(&error))?;
    Ok(frame.map_err(|error| Problem::internal(&error))?.into())
}

/// A packed message as an answer.
pub(super) fn framed(frame: Bytes) -> Response {
    ([(CONTENT_TYPE, BATCH_MEDIA_TYPE)], frame).into_response()
}

/// A message of about `size_bytes` as an answer.
pub(super) async fn frame<M: wire::Message + Send + 'static>(
    message: M,
    size_bytes: usize,
) -> Result<Response, Problem> {
    Ok(framed(pack(message, size_bytes).await?))
}
