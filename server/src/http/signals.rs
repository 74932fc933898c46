//! `POST /v1/workspaces/{slug}/heartbeats/{name}` and `POST /v1/workspaces/{slug}/metrics/{name}`: what programs tell.
//!
//! A program shows a token that an administrator made (`workernet-server admin token create`), which is good for one workspace
//! and for heartbeats, metrics or both. A heartbeat needs no body. A sample is `{"value": 12.5}`. The instant of both is when the
//! server received them, by its own clock.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, Request, State},
    http::{HeaderMap, header::AUTHORIZATION},
};
use desk_api::{
    ErrorCode,
    rest::{Received, SampleBody},
};
use desk_domain::{
    detection::{RuleField, SignalScope, check_signal, metric::Sample},
    time::UtcMillis,
};

use super::{App, Problem, json};
use crate::{
    auth::token::refresh_hash,
    detection::{Taken, told},
    random::FreshIds,
    storage::WorkspaceRecord,
};

/// Most bytes of a sample's body.
const BODY_BYTES: usize = 4 * 1024;

/// A heartbeat came.
pub(super) async fn heartbeat(
    State(app): State<Arc<App>>,
    Path((slug, name)): Path<(String, String)>,
    headers: HeaderMap,
    request: Request,
) -> Result<Json<Received>, Problem> {
    let (workspace, at) = sender(&app, &headers, &slug, &name, SignalScope::Heartbeats).await?;
    // What a program sends along is read, so that the connection can be used again, and not looked at.
    json::read(request, BODY_BYTES).await?;
    if app.storage.beat(workspace.id, &name, at).await? { Ok(Json(Received { at })) } else { Err(too_many()) }
}

/// A sample came.
pub(super) async fn metric(
    State(app): State<Arc<App>>,
    Path((slug, name)): Path<(String, String)>,
    headers: HeaderMap,
    request: Request,
) -> Result<Json<Received>, Problem> {
    let (workspace, at) = sender(&app, &headers, &slug, &name, SignalScope::Metrics).await?;
    let bytes = json::read(request, BODY_BYTES).await?;
    let SampleBody { value } = serde_json::from_slice(&bytes).map_err(|error| {
        Problem::new(ErrorCode::BadRequest, format!("the body is no {{\"value\": NUMBER}}: {error}"))
    })?;
    let ids = FreshIds::at(at, app.random.as_ref());
    let sample = Sample { at, value };
    let taken = app.watcher.take_sample(app.storage.as_ref(), &workspace, &name, sample, &ids).await;
    let (taken, proposed) = taken.map_err(|error| Problem::internal(&error))?;
    told(&app, workspace.id, Ok(proposed)).await;
    match taken {
        Taken::Kept => Ok(Json(Received { at })),
        Taken::TooMany => Err(too_many()),
    }
}

fn too_many() -> Problem {
    let most = crate::storage::signals::NAMES_MAX;
    let message =
        format!("the workspace has {most} such names already; a name stands for one source, for good");
    Problem::new(ErrorCode::TooLarge, message)
}

/// The workspace that a program may post to, and the instant; one post is taken off what its token may do.
async fn sender(
    app: &App,
    headers: &HeaderMap,
    slug: &str,
    name: &str,
    wanted: SignalScope,
) -> Result<(WorkspaceRecord, UtcMillis), Problem> {
    let shown = headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim());
    // One answer for all of it: a stranger learns neither which workspaces there are nor which tokens.
    let refused = || {
        let message = "show a token for this workspace: Authorization: Bearer TOKEN; an administrator makes one \
                       with `workernet-server admin token create`";
        Problem::new(ErrorCode::SignedOut, message)
    };
    let token = app.storage.signal_token(refresh_hash(shown.ok_or_else(refused)?)).await?;
    let token = token.filter(|token| token.revoked_at.is_none()).ok_or_else(refused)?;
    let workspace = app.storage.workspace_by_slug(slug).await?;
    let workspace = workspace.filter(|workspace| workspace.id == token.workspace).ok_or_else(refused)?;
    let now = app.clock.now();
    app.posts
        .take(token.id, now)
        .map_err(|wait| Problem::new(ErrorCode::RateLimited, wait.to_string()).retry_after_s(wait.wait_s))?;
    if !token.scope.allows(wanted) {
        let message = format!("this token is for {}; make one for {wanted}", token.scope);
        return Err(Problem::new(ErrorCode::Forbidden, message));
    }
    let field = if wanted == SignalScope::Heartbeats { RuleField::Heartbeat } else { RuleField::Metric };
    check_signal(field, name).map_err(|problem| Problem::new(ErrorCode::Invalid, problem.to_string()))?;
    app.storage.note_token_use(token.id, now).await?;
    Ok((workspace, now))
}
