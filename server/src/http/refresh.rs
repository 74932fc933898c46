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
    Ok(Json(app.desk().refresh(request).await?))
}
