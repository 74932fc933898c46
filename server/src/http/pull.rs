//! `GET /v1/sync/pull?after=CURSOR`: the log after a cursor, as the member may see it.

use std::sync::Arc;

use axum::{
    extract::{Query, State, rejection::QueryRejection},
    http::HeaderMap,
    response::Response,
};
use desk_api::ErrorCode;
use desk_domain::ids::{MemberId, WorkspaceId};
use desk_sync::wire::{BATCH_BYTES, BATCH_CHANGES, Hash, LoggedChange, PullReply, WireChange};
use serde::Deserialize;

use super::{
    App, Problem,
    bearer::Bearer,
    pages::{Packed, is_everybodys},
    push::{framed, pack},
    witness,
};
use crate::storage::{LogPage, LoggedEntry, PageLimits};

/// The query.
#[derive(Deserialize)]
pub(super) struct After {
    after: u64,
}

/// Reads one batch of the log.
pub(super) async fn get(
    State(app): State<Arc<App>>,
    bearer: Bearer,
    headers: HeaderMap,
    query: Result<Query<After>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(After { after }) =
        query.map_err(|_| Problem::new(ErrorCode::BadRequest, "say after which number: ?after=0"))?;
    let (workspace, reader) = (bearer.workspace(), bearer.member.id);
    witness::hold(&app, workspace, &headers).await?;
    if after > bearer.head {
        let message = format!("cursor beyond head: after {after}, but the log ends at {}", bearer.head);
        return Err(Problem::new(ErrorCode::BadRequest, message));
    }
    app.hub.saw_head(workspace, bearer.head);
    let shared = app.pages.at(workspace, after, bearer.head);
    let mut own = None;
    let kept = shared
        .get_or_try_init(|| async {
            let (packed, is_everybodys) = read(&app, workspace, reader, after).await?;
            let is_kept = is_everybodys && packed.head == bearer.head && packed.is_small();
            own = (!is_kept).then(|| packed.clone());
            Ok::<_, Problem>(is_kept.then_some(packed))
        })
        .await?;
    let Packed { frame, witness, .. } = match (kept, own) {
        (Some(packed), _) => packed.clone(),
        (None, Some(packed)) => packed,
        (None, None) => read(&app, workspace, reader, after).await?.0,
    };
    Ok(witness::beside(framed(frame), witness))
}

/// One batch of the log, packed, and whether any device would get the same.
async fn read(
    app: &App,
    workspace: WorkspaceId,
    reader: MemberId,
    after: u64,
) -> Result<(Packed, bool), Problem> {
    let limits = PageLimits { changes: u32::try_from(BATCH_CHANGES).unwrap_or(u32::MAX), bytes: BATCH_BYTES };
    let page = app.storage.changes_after(workspace, reader, after, limits).await?;
    let (head, is_everybodys) = (page.head, is_everybodys(&page, after));
    let witness = witness::of(app, workspace, head).await?;
    Ok((Packed { head, frame: pack(reply(page)).await?, witness }, is_everybodys))
}

fn reply(page: LogPage) -> PullReply {
    let LogPage { entries, cursor, head } = page;
    let change = |LoggedEntry { seq, doc, kind, hash, bytes }| LoggedChange {
        seq,
        change: WireChange { doc, kind, hash: Hash(hash), bytes },
    };
    PullReply { changes: entries.into_iter().map(change).collect(), cursor, head }
}
