//! What stands around every request: its id, its span, the date, the time limit, and the net under panics.

use std::{any::Any, sync::Arc, time::Instant};

use axum::{
    extract::{Request, State},
    http::{HeaderName, HeaderValue},
    middleware::Next,
    response::{IntoResponse, Response},
};
use desk_api::{ErrorCode, rest::DATE_MS_HEADER};
use tracing::Instrument;

use super::{App, Problem};
use crate::random::bytes;

/// The header by which a line of the log is found for an answer.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const DATE_MS: HeaderName = HeaderName::from_static(DATE_MS_HEADER);

/// Gives the request an id and a span, and the answer its headers.
pub(super) async fn wrap(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let id = hex::encode(bytes::<8>(app.random.as_ref()));
    let span = tracing::info_span!(
        "request",
        request.id = %id,
        http.method = %request.method(),
        http.path = %request.uri().path(),
    );
    let started = Instant::now();
    let work = async {
        let response = next.run(request).await;
        let (status, elapsed_ms) = (response.status().as_u16(), started.elapsed().as_millis());
        tracing::info!(http.status = status, elapsed_ms, "answered");
        response
    };
    let mut response = work.instrument(span).await;
    response.headers_mut().insert(DATE_MS, HeaderValue::from(app.clock.now().0));
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

/// Ends what takes too long; what was begun in the storage ends by itself, whole or not at all.
pub(super) async fn timeout(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    match tokio::time::timeout(app.limits.request, next.run(request)).await {
        Ok(response) => response,
        Err(_elapsed) => Problem::internal(&"the request took too long").into_response(),
    }
}

/// A panic is a bug; it ends the request, not the server.
#[expect(clippy::needless_pass_by_value, reason = "what the layer calls it with")]
pub(super) fn panicked(payload: Box<dyn Any + Send + 'static>) -> Response {
    let what = payload
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| payload.downcast_ref::<&str>().copied())
        .unwrap_or("without words");
    tracing::error!(panic = what, "a handler panicked");
    Problem::new(ErrorCode::Internal, "the server could not do it; its log says more").into_response()
}
