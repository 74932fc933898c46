//! `GET /v1/sync/heads?after=DOCUMENT`: how far each document's changes go, for a device that looks for what the log
//! lost, or for what its member sees now.

use std::sync::Arc;

use axum::{
    extract::{Query, State, rejection::QueryRejection},
    http::HeaderMap,
    response::Response,
};
use desk_api::ErrorCode;
use desk_domain::ids::DocId;
use desk_sync::wire::{DocHeads, Hash, Heads};
use serde::Deserialize;

use super::{App, Problem, bearer::Bearer, push::frame, view::Reading, witness};

/// Documents in an answer, at most.
const PAGE: u32 = 5_000;

/// The query; without `after` from the first document on.
#[derive(Deserialize)]
pub(super) struct After {
    after: Option<DocId>,
}

/// Reads one page, in the order of the ids.
pub(super) async fn get(
    State(app): State<Arc<App>>,
    bearer: Bearer,
    headers: HeaderMap,
    query: Result<Query<After>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(After { after }) =
        query.map_err(|_| Problem::new(ErrorCode::BadRequest, "after which document: ?after=ID"))?;
    witness::hold(&app, bearer.workspace(), &headers).await?;
    let mut reading = Reading::begin(&app, &bearer).await?;
    let page = loop {
        let page = app.storage.heads_after(bearer.workspace(), &reading.view.reader, after, PAGE).await?;
        if reading.holds().await? {
            break page;
        }
    };
    let scope = reading.view.id;
    let heads = |hashes: Vec<[u8; 32]>| hashes.into_iter().map(Hash).collect();
    let documents: Vec<DocHeads> =
        page.into_iter().map(|found| DocHeads { doc: found.doc, heads: heads(found.heads) }).collect();
    let is_last = documents.len() < PAGE as usize;
    let response = frame(Heads { documents, is_last, scope }, crate::threads::LARGE).await?;
    witness::give_latest(&app, &bearer, response).await
}
