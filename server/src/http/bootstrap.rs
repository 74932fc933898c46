//! `GET /v1/sync/bootstrap` and `GET /v1/sync/segments/ID`: a workspace for a new device.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    http::{
        HeaderValue,
        header::{CACHE_CONTROL, CONTENT_TYPE},
    },
    response::{IntoResponse, Response},
};
use desk_api::ErrorCode;
use desk_domain::people::Role;
use desk_sync::{
    segment::{Bootstrap, SegmentRef},
    wire::{Hash, WholeDocument},
};

use super::{
    App, Problem,
    bearer::Bearer,
    push::frame,
    view::{Reading, changing},
    witness,
};
use crate::{
    storage::{Digest, SegmentSet},
    sync::scopes::View,
};

/// Says which segments there are, and what the member needs besides.
pub(super) async fn get(State(app): State<Arc<App>>, bearer: Bearer) -> Result<Response, Problem> {
    allow(&bearer)?;
    let workspace = app
        .storage
        .workspace(bearer.workspace())
        .await?
        .ok_or_else(|| Problem::new(ErrorCode::NotFound, "the workspace is gone"))?;
    let mut reading = Reading::begin(&app, &bearer).await?;
    let begin = loop {
        let set = tokio::time::timeout(app.limits.segments, app.segmenter.current(&workspace));
        let set = set.await.map_err(|_later| {
            let packed = app.segmenter.packed(workspace.id);
            let message = format!(
                "the server packs the workspace for new devices, {packed} documents so far: ask again"
            );
            Problem::new(ErrorCode::ServerBusy, message).retry_after_s(1)
        })??;
        let mut own = Vec::new();
        for doc in [workspace.settings_doc, bearer.member.personal_doc] {
            if let Some(record) = app.storage.document(doc).await? {
                own.push(WholeDocument { doc, kind: record.kind, snapshot: record.snapshot });
            }
        }
        let of_now = set.private == *reading.view.reader.scope.private();
        let begin = bootstrap(&set, own, &reading.view);
        if reading.holds().await? {
            if !of_now {
                return Err(changing());
            }
            break begin;
        }
    };
    tracing::info!(workspace.id = %workspace.id, segments = begin.segments.len(), "a device begins");
    witness::give_latest(&app, &bearer, frame(begin, crate::threads::LARGE).await?).await
}

/// Those of the segments that the reader sees.
fn bootstrap(set: &SegmentSet, own: Vec<WholeDocument>, view: &View) -> Bootstrap {
    let reference = |entry: &crate::storage::SegmentEntry| SegmentRef {
        id: Hash(entry.id),
        bytes: entry.bytes,
        documents: entry.documents,
    };
    Bootstrap {
        cursor: set.cursor,
        projection: set.projection,
        rules: Hash(set.rules),
        segments: set
            .segments
            .iter()
            .filter(|entry| view.reader.scope.sees(entry.team.as_deref()))
            .map(reference)
            .collect(),
        own,
        scope: view.id,
    }
}

/// A segment's bytes.
pub(super) async fn segment(
    State(app): State<Arc<App>>,
    bearer: Bearer,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    allow(&bearer)?;
    let mut digest = Digest::default();
    hex::decode_to_slice(&id, &mut digest)
        .map_err(|_| Problem::new(ErrorCode::BadRequest, "a segment's id has 64 hexadecimal digits"))?;
    let mut reading = Reading::begin(&app, &bearer).await?;
    let bytes = loop {
        let scope = &reading.view.reader.scope;
        let bytes = app.segmenter.segment(bearer.workspace(), digest, scope).await?;
        if reading.holds().await? {
            break bytes;
        }
    };
    let bytes = bytes
        .ok_or_else(|| Problem::new(ErrorCode::NotFound, "there is no such segment any more: begin anew"))?;
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("application/octet-stream")),
        // Its bytes never change, but who may have them does.
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((headers, bytes).into_response())
}

fn allow(bearer: &Bearer) -> Result<(), Problem> {
    if bearer.member.role == Role::Requester {
        return Err(Problem::new(ErrorCode::Forbidden, "a requester does not sync documents"));
    }
    Ok(())
}
