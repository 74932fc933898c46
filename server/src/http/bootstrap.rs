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
    segment::{Bootstrap, OwnDocument, SegmentRef},
    wire::Hash,
};

use super::{App, Problem, bearer::Bearer, push::frame};
use crate::storage::{Digest, SegmentSet};

/// Says which segments there are, and what the member needs besides.
pub(super) async fn get(State(app): State<Arc<App>>, bearer: Bearer) -> Result<Response, Problem> {
    allow(&bearer)?;
    let workspace = app
        .storage
        .workspace(bearer.workspace())
        .await?
        .ok_or_else(|| Problem::new(ErrorCode::NotFound, "the workspace is gone"))?;
    let set = tokio::time::timeout(app.limits.segments, app.segmenter.current(&workspace)).await.map_err(
        |_later| {
            Problem::new(
                ErrorCode::StoreBusy,
                "the workspace is being packed for new devices: ask again soon",
            )
            .wait_s(5)
        },
    )??;
    let mut own = Vec::new();
    for doc in [workspace.settings_doc, bearer.member.personal_doc] {
        if let Some(record) = app.storage.document(doc).await? {
            own.push(OwnDocument { doc, kind: record.kind, snapshot: record.snapshot });
        }
    }
    tracing::info!(workspace.id = %workspace.id, segments = set.segments.len(), "a device begins");
    frame(bootstrap(&set, own)).await
}

fn bootstrap(set: &SegmentSet, own: Vec<OwnDocument>) -> Bootstrap {
    let reference = |entry: &crate::storage::SegmentEntry| SegmentRef {
        id: Hash(entry.id),
        bytes: entry.bytes,
        documents: entry.documents,
    };
    Bootstrap {
        cursor: set.cursor,
        projection: set.projection,
        rules: Hash(set.rules),
        segments: set.segments.iter().map(reference).collect(),
        own,
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
    let bytes =
        app.storage.segment(bearer.workspace(), digest).await?.ok_or_else(|| {
            Problem::new(ErrorCode::NotFound, "there is no such segment any more: begin anew")
        })?;
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("application/octet-stream")),
        // Its bytes never change; what stands between may keep it for this member.
        (CACHE_CONTROL, HeaderValue::from_static("private, max-age=86400, immutable")),
    ];
    Ok((headers, bytes).into_response())
}

fn allow(bearer: &Bearer) -> Result<(), Problem> {
    if bearer.member.role == Role::Requester {
        return Err(Problem::new(ErrorCode::Forbidden, "a requester does not sync documents"));
    }
    Ok(())
}
