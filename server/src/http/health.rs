//! `GET /v1/health`: whether requests are served, for load balancers and `desk doctor`.

use std::sync::Arc;

use axum::{Json, extract::State};
use desk_api::rest::Health;
use desk_sync::wire::WIRE_VERSION;

use super::{App, Problem};

/// Answers once the database does.
pub(super) async fn get(State(app): State<Arc<App>>) -> Result<Json<Health>, Problem> {
    app.storage.pulse().await?;
    Ok(Json(Health {
        status: "ok".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        wire_version: WIRE_VERSION,
        now: app.clock.now(),
    }))
}
