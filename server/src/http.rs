//! The HTTP surface: one file per endpoint; a handler parses, calls and maps.
//!
//! Every answer carries `date-ms` and `x-request-id`; every error is a status with a JSON `ApiError`, also those of
//! the router itself. Bodies and tokens are never logged.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::Method,
    middleware,
    routing::{get, post},
};
use desk_api::ErrorCode;
use desk_domain::time::Clock;
use tokio::sync::watch;
use tower_http::catch_panic::CatchPanicLayer;

use crate::{
    auth::{attempts::Attempts, erasure::Erasure, password::Passwords, posts::Posts, token::AccessTokens},
    detection::Watcher,
    mail::smtp::Smtp,
    random::Random,
    sessions::Desk,
    storage::Storage,
    sync::{hub::Hub, scopes::Scopes, segments::Segmenter, witness::Witnesses},
};

mod ahead;
mod bearer;
mod bootstrap;
mod devices;
mod documents;
mod envelope;
mod heads;
mod health;
mod json;
mod live;
mod pages;
mod problem;
mod pull;
mod push;
mod refresh;
mod sign_in;
mod sign_out;
mod signals;
mod view;
mod witness;

pub use pages::Pages;
pub use problem::Problem;

/// What one request or connection may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most bytes of a push as it travels.
    pub push_bytes: usize,
    /// Most changes in a push.
    pub push_changes: usize,
    /// How long a batch that was decided is waited for while its sender writes it to their disk; nobody else's is decided
    /// meanwhile.
    pub ahead: Duration,
    /// How long a request may take.
    pub request: Duration,
    /// How often a live connection is pinged and its right to be there looked at.
    pub ping: Duration,
    /// How long a new device waits for segments that are being made before it is told to ask again.
    pub segments: Duration,
    /// Changes that segments may be behind the log before they are renewed in the background; a device replays a
    /// thousand in about a second. Twenty times as many, and a new device waits for the renewal.
    pub segments_behind: u64,
    /// How often other processes' writes are looked for.
    pub look_outside: Duration,
    /// How often large documents are folded.
    pub fold: Duration,
    /// How often it is looked for heartbeats that stay away.
    pub detect: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            push_bytes: 8 * 1024 * 1024,
            push_changes: 4 * desk_sync::wire::BATCH_CHANGES,
            ahead: Duration::from_millis(10),
            request: Duration::from_mins(1),
            ping: Duration::from_secs(20),
            segments: Duration::from_secs(25),
            segments_behind: 1_000,
            look_outside: Duration::from_secs(1),
            fold: Duration::from_secs(15),
            detect: Duration::from_secs(5),
        }
    }
}

/// What every handler may use.
pub struct App {
    /// What is kept.
    pub storage: Arc<dyn Storage>,
    /// The writers and the heads.
    pub hub: Hub,
    /// What each member sees.
    pub scopes: Scopes,
    /// Packs documents for new devices.
    pub segmenter: Arc<Segmenter>,
    /// Checks passwords.
    pub passwords: Passwords,
    /// Signs and reads access tokens.
    pub tokens: AccessTokens,
    /// Proves to devices whose access was taken away that it is their server that says so.
    pub erasure: Erasure,
    /// Gives devices what they can show of the log, and holds it against the log.
    pub witnesses: Witnesses,
    /// Answers that many devices ask for at once.
    pub pages: Pages,
    /// Where mail is sent through.
    pub mail: Option<Smtp>,
    /// Counts attempts to sign in.
    pub attempts: Attempts,
    /// Counts what programs post.
    pub posts: Posts,
    /// Proposes incidents.
    pub watcher: Watcher,
    /// The present instant.
    pub clock: Arc<dyn Clock>,
    /// Secrets and ids.
    pub random: Arc<dyn Random>,
    /// What one may take.
    pub limits: Limits,
    /// `true` once the server stops.
    pub stopping: watch::Receiver<bool>,
}

impl App {
    /// What signing in needs, as of now.
    fn desk(&self) -> Desk<'_> {
        Desk {
            storage: self.storage.as_ref(),
            passwords: &self.passwords,
            tokens: &self.tokens,
            erasure: &self.erasure,
            attempts: &self.attempts,
            random: self.random.as_ref(),
            now: self.clock.now(),
        }
    }
}

/// All endpoints.
pub fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/v1/health", get(health::get))
        .route("/v1/sessions", post(sign_in::post).delete(sign_out::delete))
        .route("/v1/sessions/refresh", post(refresh::post))
        .route("/v1/devices", post(devices::post))
        .route("/v1/sync/push", post(push::post))
        .route("/v1/sync/pull", get(pull::get))
        .route("/v1/sync/bootstrap", get(bootstrap::get))
        .route("/v1/sync/segments/{id}", get(bootstrap::segment))
        .route("/v1/sync/heads", get(heads::get))
        .route("/v1/sync/documents", post(documents::post))
        .route("/v1/live", get(live::get))
        .route("/v1/workspaces/{slug}/heartbeats/{name}", post(signals::heartbeat))
        .route("/v1/workspaces/{slug}/metrics/{name}", post(signals::metric))
        .fallback(async || Problem::new(ErrorCode::NotFound, "there is no such address on this server"))
        .method_not_allowed_fallback(async |method: Method| {
            Problem::new(ErrorCode::BadRequest, format!("{method} is not for this address"))
                .method_not_allowed()
        })
        // Each endpoint that takes a body limits it itself, so that the answer is ours.
        .layer(DefaultBodyLimit::disable())
        .layer(middleware::from_fn_with_state(Arc::clone(&app), envelope::timeout))
        .layer(CatchPanicLayer::custom(envelope::panicked))
        .layer(middleware::from_fn_with_state(Arc::clone(&app), envelope::wrap))
        .with_state(app)
}
