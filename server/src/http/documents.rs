//! `POST /v1/sync/documents`: documents that came into sight, whole.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    response::Response,
};
use desk_api::ErrorCode;
use desk_sync::wire::{self, BATCH_BYTES, BATCH_CHANGES, Documents, Wanted};

use super::{
    App, Problem,
    bearer::Bearer,
    json::read,
    push::{frame, unreadable},
    view::Reading,
    witness,
};

/// Most bytes of a request: so many ids as may be asked for, and some.
const REQUEST_BYTES: usize = 256 * 1024;

/// Reads the first of the documents that are asked for.
pub(super) async fn post(
    State(app): State<Arc<App>>,
    bearer: Bearer,
    request: Request,
) -> Result<Response, Problem> {
    witness::hold(&app, bearer.workspace(), request.headers()).await?;
    let body = read(request, REQUEST_BYTES).await?;
    let Wanted { docs } = wire::decode(&body).map_err(|error| unreadable(&error))?;
    if docs.len() > BATCH_CHANGES {
        let message = format!("at most {BATCH_CHANGES} documents at once, not {}", docs.len());
        return Err(Problem::new(ErrorCode::TooLarge, message));
    }
    let mut reading = Reading::begin(&app, &bearer).await?;
    let (documents, answered) = loop {
        let reader = &reading.view.reader;
        let found = app.storage.documents_for(bearer.workspace(), reader, &docs, BATCH_BYTES).await?;
        if reading.holds().await? {
            break found;
        }
    };
    let scope = reading.view.id;
    let answered = u32::try_from(answered).unwrap_or(u32::MAX);
    let response = frame(Documents { documents, answered, scope }, crate::threads::LARGE).await?;
    witness::give_latest(&app, &bearer, response).await
}
