//! Witnesses on requests and answers.

use axum::{
    http::{HeaderMap, HeaderValue},
    response::Response,
};
use desk_api::{ErrorCode, rest::WITNESS_HEADER};
use desk_domain::ids::WorkspaceId;

use super::{App, Problem, bearer::Bearer};
use crate::{
    storage::{Digest, LogPage},
    sync::witness::Standing,
};

/// Refuses a request that shows a log which is not the server's any more. A request that shows none is let through.
pub(super) async fn hold(app: &App, workspace: WorkspaceId, headers: &HeaderMap) -> Result<(), Problem> {
    match headers.get(WITNESS_HEADER) {
        Some(shown) => hold_shown(app, workspace, shown).await,
        None => Ok(()),
    }
}

/// Refuses somebody who shows a log which is not the server's any more.
pub(super) async fn hold_shown(
    app: &App,
    workspace: WorkspaceId,
    shown: &HeaderValue,
) -> Result<(), Problem> {
    let foreign = || {
        Problem::new(ErrorCode::BadRequest, "what the device shows of the log was not given by this server")
    };
    if app.pages.has_held(workspace, shown) {
        return Ok(());
    }
    let text = shown.to_str().map_err(|_| foreign())?;
    match app.witnesses.hold(app.storage.as_ref(), workspace, text).await? {
        Standing::Holds => {
            app.pages.hold(workspace, shown);
            Ok(())
        }
        Standing::Restored => Err(Problem::new(
            ErrorCode::ServerRestored,
            "the server was restored from an older backup: read its log anew and send what it lost",
        )),
        Standing::Foreign => Err(foreign()),
    }
}

/// The witness of the log up to `head`, as a header.
pub(super) async fn of(app: &App, workspace: WorkspaceId, head: u64) -> Result<HeaderValue, Problem> {
    let witness = app.witnesses.issue(app.storage.as_ref(), workspace, head, app.clock.now()).await?;
    HeaderValue::try_from(witness).map_err(|error| Problem::internal(&error))
}

/// The witness of the log that a page was read from, as a header.
pub(super) fn of_page(app: &App, workspace: WorkspaceId, page: &LogPage) -> Result<HeaderValue, Problem> {
    at(app, workspace, page.head, &page.chain)
}

/// The witness of a log that has this chain at `head`, as a header.
pub(super) fn at(
    app: &App,
    workspace: WorkspaceId,
    head: u64,
    chain: &Digest,
) -> Result<HeaderValue, Problem> {
    let witness = app.witnesses.of(workspace, head, chain, app.clock.now());
    HeaderValue::try_from(witness).map_err(|error| Problem::internal(&error))
}

/// The answer with a witness.
pub(super) fn beside(mut response: Response, witness: HeaderValue) -> Response {
    response.headers_mut().insert(WITNESS_HEADER, witness);
    response
}

/// The answer with the witness of the log up to `head`.
pub(super) async fn give(
    app: &App,
    workspace: WorkspaceId,
    head: u64,
    response: Response,
) -> Result<Response, Problem> {
    Ok(beside(response, of(app, workspace, head).await?))
}

/// The answer with the witness of the log as it is now that everything in the answer was read: nothing in it is newer.
pub(super) async fn give_latest(app: &App, bearer: &Bearer, response: Response) -> Result<Response, Problem> {
    let workspace = app.storage.workspace(bearer.workspace()).await?;
    let head = workspace.map_or(bearer.head, |workspace| workspace.head);
    give(app, bearer.workspace(), head, response).await
}
