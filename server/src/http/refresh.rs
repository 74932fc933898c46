//! `POST /v1/sessions/refresh`: a new pair of tokens for a refresh token, once.

use std::sync::Arc;

use axum::{Json, extract::State};
use desk_api::rest::{RefreshRequest, Session};

use super::{App, Problem, json::Body};

/// Rotates the refresh token.
pub(super) async fn post(
    State(app): State<Arc<App>>,
    Body(request): Body<RefreshRequest>,
) -> Result<Json<Session>, Problem> {
    let device = request.device;
    let session = app.desk().refresh(request).await;
    Ok(Json(session.map_err(|error| Problem::from(error).to_device(device, &app.erasure))?))
}
