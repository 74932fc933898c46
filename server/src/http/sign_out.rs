//! `DELETE /v1/sessions`: ends the session of the token that asks.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode};

use super::{App, Problem, bearer::Bearer};

/// Ends the session; its access and refresh tokens are good for nothing from now on.
pub(super) async fn delete(State(app): State<Arc<App>>, bearer: Bearer) -> Result<StatusCode, Problem> {
    app.desk().end(bearer.claims.sid).await?;
    Ok(StatusCode::NO_CONTENT)
}
