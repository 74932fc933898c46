//! `POST /v1/sessions`: signs a device in.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Json,
    extract::{ConnectInfo, State},
};
use desk_api::rest::{Session, SignInRequest};

use super::{App, Problem, json::Body};

/// Checks the password and gives tokens.
pub(super) async fn post(
    State(app): State<Arc<App>>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    Body(request): Body<SignInRequest>,
) -> Result<Json<Session>, Problem> {
    let device = request.device;
    let session = app.desk().sign_in(request, from.ip()).await;
    Ok(Json(session.map_err(|error| Problem::from(error).to_device(device, &app.erasure))?))
}
