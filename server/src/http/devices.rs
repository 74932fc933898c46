//! `POST /v1/devices`: a signed-in installation goes on under a fresh id, because another has its old one too.

use std::sync::Arc;

use axum::{Json, extract::State};
use desk_api::rest::{NewDevice, Session};

use super::{App, Problem, bearer::Bearer, json::Body};

/// Registers the fresh id and gives tokens for it; those of the old one stay as they are.
pub(super) async fn post(
    State(app): State<Arc<App>>,
    bearer: Bearer,
    Body(request): Body<NewDevice>,
) -> Result<Json<Session>, Problem> {
    Ok(Json(app.desk().register(&bearer.member, request).await?))
}
