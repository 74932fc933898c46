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

use super::{App, Problem, bearer::Bearer, push::frame, witness};
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
    witness::hold(&app, bearer.workspace(), &headers).await?;
    let limits = PageLimits { changes: u32::try_from(BATCH_CHANGES).unwrap_or(u32::MAX), bytes: BATCH_BYTES };
    let page = app.storage.changes_after(bearer.workspace(), bearer.member.id, after, limits).await?;
    if after > page.head {
        let message = format!("cursor beyond head: after {after}, but the log ends at {}", page.head);
        return Err(Problem::new(ErrorCode::BadRequest, message));
    }
    app.hub.saw_head(bearer.workspace(), page.head);
    let head = page.head;
    witness::give(&app, bearer.workspace(), head, frame(reply(page)).await?).await
}

fn reply(page: LogPage) -> PullReply {
    let LogPage { entries, cursor, head } = page;
    let change = |LoggedEntry { seq, doc, kind, hash, bytes }| LoggedChange {
        seq,
        change: WireChange { doc, kind, hash: Hash(hash), bytes },
    };
    PullReply { changes: entries.into_iter().map(change).collect(), cursor, head }
}
