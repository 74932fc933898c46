//! `GET /v1/sync/pull?after=CURSOR`: the log after a cursor, as the member may see it.

use std::sync::Arc;

use axum::{
    extract::{Query, State, rejection::QueryRejection},
    http::HeaderMap,
    response::Response,
};
use desk_api::ErrorCode;
use desk_sync::wire::{BATCH_BYTES, BATCH_CHANGES, Hash, LoggedChange, PullReply, WireChange};
use serde::Deserialize;

use super::{
    App, Problem,
    bearer::Bearer,
    pages::Packed,
    push::{framed, pack},
    view, witness,
};
use crate::{
    storage::{LogPage, LoggedEntry, PageLimits},
    sync::scopes::View,
};

/// The query. A device that does not say under which scope it has what it has, has nothing yet.
#[derive(Deserialize)]
pub(super) struct After {
    after: u64,
    scope: Option<String>,
}

/// Reads one batch of the log.
pub(super) async fn get(
    State(app): State<Arc<App>>,
    bearer: Bearer,
    headers: HeaderMap,
    query: Result<Query<After>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(After { after, scope }) =
        query.map_err(|_| Problem::new(ErrorCode::BadRequest, "say after which number: ?after=0"))?;
    let known = scope.as_deref().map(scope_of).transpose()?;
    let workspace = bearer.workspace();
    witness::hold(&app, workspace, &headers).await?;
    app.hub.saw_head(workspace, bearer.head);
    let Packed { frame, witness, .. } = page(&app, &bearer, after, known).await?;
    Ok(witness::beside(framed(frame), witness))
}

/// What comes after `after`, for a device that has everything up to there under the scope `known`.
pub(super) async fn page(
    app: &App,
    bearer: &Bearer,
    after: u64,
    known: Option<Hash>,
) -> Result<Packed, Problem> {
    if after > bearer.head {
        let message = format!("cursor beyond head: after {after}, but the log ends at {}", bearer.head);
        return Err(Problem::new(ErrorCode::BadRequest, message));
    }
    let view = view::of(app, bearer).await?;
    if known.is_some_and(|known| known != view.id) {
        return rescope(app, bearer, after, view.id).await;
    }
    let shared = app.pages.at(bearer.workspace(), view.id, after, bearer.head);
    let mut own = None;
    let kept = shared
        .get_or_try_init(|| async {
            let (packed, is_everybodys) = read(app, bearer, &view, after).await?;
            let is_kept = is_everybodys && packed.head == bearer.head && packed.is_small();
            own = (!is_kept).then(|| packed.clone());
            Ok::<_, Problem>(is_kept.then_some(packed))
        })
        .await?;
    Ok(match (kept, own) {
        (Some(packed), _) => packed.clone(),
        (None, Some(packed)) => packed,
        (None, None) => read(app, bearer, &view, after).await?.0,
    })
}

/// A scope as a device names it.
pub(super) fn scope_of(text: &str) -> Result<Hash, Problem> {
    let mut scope = [0; 32];
    hex::decode_to_slice(text, &mut scope)
        .map_err(|_| Problem::new(ErrorCode::BadRequest, "a scope has 64 hexadecimal digits"))?;
    Ok(Hash(scope))
}

/// One batch of the log, packed, and whether any device of the scope would get the same. Where what the member sees
/// changes meanwhile, they are told so instead.
async fn read(app: &App, bearer: &Bearer, view: &View, after: u64) -> Result<(Packed, bool), Problem> {
    let limits = PageLimits { changes: u32::try_from(BATCH_CHANGES).unwrap_or(u32::MAX), bytes: BATCH_BYTES };
    let page = app.storage.changes_after(bearer.workspace(), &view.reader, after, limits).await?;
    if page.settings_seq > view.settings_seq {
        let now = app.scopes.view(app.storage.as_ref(), &bearer.member, page.settings_seq).await?;
        if now.reader.scope != view.reader.scope {
            return Ok((rescope(app, bearer, after, now.id).await?, false));
        }
    }
    let (head, is_everybodys) = (page.head, !page.is_personal);
    let size_bytes = page.size_bytes();
    let witness = witness::of_page(app, bearer.workspace(), &page)?;
    Ok((Packed { head, frame: pack(reply(page, view.id), size_bytes).await?, witness }, is_everybodys))
}

/// The answer to a device that has what it has under another scope.
async fn rescope(app: &App, bearer: &Bearer, after: u64, scope: Hash) -> Result<Packed, Problem> {
    let head = bearer.head;
    let witness = witness::of(app, bearer.workspace(), head).await?;
    let (changes, documents, withdrawn) = (Vec::new(), Vec::new(), Vec::new());
    let reply = PullReply { changes, cursor: after, head, scope, documents, withdrawn };
    Ok(Packed { head, frame: pack(reply, 0).await?, witness })
}

fn reply(page: LogPage, scope: Hash) -> PullReply {
    let LogPage { entries, documents, withdrawn, cursor, head, .. } = page;
    let change = |LoggedEntry { seq, doc, kind, hash, bytes }| LoggedChange {
        seq,
        change: WireChange { doc, kind, hash: Hash(hash), bytes },
    };
    PullReply {
        changes: entries.into_iter().map(change).collect(),
        cursor,
        head,
        scope,
        documents,
        withdrawn,
    }
}
