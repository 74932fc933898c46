//! `POST /v1/sync/push`: a device's outbox; verdicts come back.

use std::sync::Arc;

use axum::{
    body::Bytes,
    extract::{Request, State},
    http::header::CONTENT_TYPE,
    response::{IntoResponse, Response},
};
use desk_api::{ErrorCode, rest::BATCH_MEDIA_TYPE};
use desk_domain::ids::{DeviceId, WorkspaceId};
use desk_sync::wire::{self, Push, PushReply, Verdict, WireError};
use futures::FutureExt;
use tokio::sync::oneshot;

use super::{
    App, Problem,
    bearer::{Bearer, Token},
    json::Pieces,
    witness,
};
use crate::{
    storage::MemberRecord,
    sync::{lane::PushError, push::Incoming, relay},
    threads::{QUICK_BYTES, unhurried},
};

/// Decodes and verifies the batch, has it decided, and answers with one verdict per change.
pub(super) async fn post(
    State(app): State<Arc<App>>,
    Token(claims): Token,
    request: Request,
) -> Result<Response, Problem> {
    let (workspace, device, headers) = (claims.ws, claims.dev, request.headers().clone());
    let (admit, admitted) = oneshot::channel();
    let admitting = async {
        let (bearer, standing) =
            tokio::join!(Bearer::now(&app, claims), witness::hold(&app, workspace, &headers));
        let bearer = bearer?;
        standing?;
        // Where the batch cannot be read, nobody waits for this.
        let _ = admit.send(bearer.member);
        Ok::<_, Problem>(())
    };
    // Beside each other, since an edit waits for all of it; the first that fails is the answer.
    let (admitted, reply) = tokio::join!(admitting, decide(&app, request, (workspace, device), admitted));
    admitted?;
    let reply = reply?;
    tracing::info!(workspace.id = %workspace, device.id = %device, sync.seq = reply.head, "pushed");
    let (head, size_bytes) = (reply.head, reply.verdicts.len() * size_of::<Verdict>());
    witness::give(&app, workspace, head, frame(reply, size_bytes).await?).await
}

/// Reads a device's batch and has it decided; nothing of it counts before its sender is admitted.
async fn decide(
    app: &App,
    request: Request,
    (workspace, device): (WorkspaceId, DeviceId),
    admitted: oneshot::Receiver<MemberRecord>,
) -> Result<PushReply, Problem> {
    let Received { mut changes, rest } = receive(app, request).await?;
    let is_own = !changes.iter().any(|incoming| incoming.is_by_another(device));
    match rest {
        Some(mut rest) if is_own => {
            let mut ended = Ok(());
            let kept = async {
                let is_admitted = admitted.await.is_ok();
                if is_admitted {
                    ended = end(&mut rest).await;
                }
                is_admitted && ended.is_ok()
            };
            let pushed = app.hub.push_ahead(workspace, device, app.clock.now(), changes, kept).await;
            ended?;
            Ok(pushed?)
        }
        rest => {
            if let Some(mut rest) = rest {
                end(&mut rest).await?;
            }
            let member = admitted.await.map_err(|_| PushError::NotAllowed)?;
            relay::admit(app.storage.as_ref(), &member, device, app.clock.now(), &mut changes).await?;
            Ok(app.hub.push(workspace, device, app.clock.now(), changes).await?)
        }
    }
}

/// A batch as it came, verified.
struct Received {
    changes: Vec<Incoming>,
    /// What is left of a body that has not ended.
    rest: Option<Pieces>,
}

/// Reads and verifies the batch. A device sends an edit before it has it on its own disk, and ends the body then: what came may
/// be decided while that is awaited, and counts only then.
async fn receive(app: &App, request: Request) -> Result<Received, Problem> {
    let most = app.limits.push_changes;
    let mut pieces = Pieces::of(request, app.limits.push_bytes)?;
    let (mut frame, mut opened) = (Vec::new(), None);
    loop {
        let piece = match opened {
            Some(Ok(changes)) => match pieces.next().now_or_never() {
                Some(next) => {
                    opened = Some(Ok(changes));
                    next?
                }
                None => return Ok(Received { changes, rest: Some(pieces) }),
            },
            Some(Err(_)) | None => pieces.next().await?,
        };
        let Some(piece) = piece else { break };
        frame.extend_from_slice(&piece);
        opened = (frame.len() <= QUICK_BYTES).then(|| open(&frame, most));
    }
    let changes = match opened {
        Some(opened) => opened,
        None => unhurried(frame.len(), move || open(&frame, most))
            .await
            .map_err(|error| Problem::internal(&error))?,
    };
    Ok(Received { changes: changes?, rest: None })
}

/// Waits for the end of a body of which the batch has come.
async fn end(rest: &mut Pieces) -> Result<(), Problem> {
    match rest.next().await? {
        None => Ok(()),
        Some(_) => Err(Problem::new(ErrorCode::BadRequest, "something follows the batch")),
    }
}

fn open(frame: &[u8], most: usize) -> Result<Vec<Incoming>, Problem> {
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
