//! The running server: a listener, the router, and the tasks that look and listen for other processes' writes.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::serve::ListenerExt;
use desk_domain::time::Clock;
use tokio::{net::TcpListener, sync::watch, task::JoinHandle, time::Instant};

use crate::{
    auth::{
        attempts::Attempts,
        erasure::Erasure,
        password::{PasswordError, Passwords},
        posts::Posts,
        token::AccessTokens,
    },
    detection, escalation,
    http::{App, Limits, Pages, router},
    mail::{self, smtp::Smtp},
    random::{Random, bytes},
    storage::{Storage, StorageError},
    sync::{
        compaction, hub::Hub, own::OwnError, scopes::Scopes, sections, segments::Segmenter, teams,
        witness::Witnesses,
    },
};

/// How long requests may take to end once the server is told to stop.
const DRAIN: Duration = Duration::from_secs(10);
/// How long to wait before listening again after the connection was lost, at first; it doubles up to [`LISTEN_MOST`].
const LISTEN_AGAIN: Duration = Duration::from_millis(100);
/// How long at most.
const LISTEN_MOST: Duration = Duration::from_secs(10);
/// The name of the key of access tokens among the secrets.
const TOKEN_KEY: &str = "token_key";
/// The name of the secret by which devices know their server, see `auth::erasure`.
const ERASURE_KEY: &str = "erasure_key";

/// The name of the secret of receipts, see `sync::witness`.
const WITNESS_KEY: &str = "witness_key";

/// What a server needs.
pub struct Setup {
    /// What is kept.
    pub storage: Arc<dyn Storage>,
    /// The present instant.
    pub clock: Arc<dyn Clock>,
    /// Secrets and ids.
    pub random: Arc<dyn Random>,
    /// Where to listen; port 0 for a free one.
    pub listen: SocketAddr,
    /// What one request may take.
    pub limits: Limits,
    /// Where mail is sent through; without it none is written.
    pub mail: Option<Smtp>,
}

/// Why the server does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// Which one.
        address: SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
    /// The storage failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The hasher failed.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// A stored document does not open.
    #[error(transparent)]
    Documents(#[from] OwnError),
}

/// A server that serves. [`Running::stop`] ends it; dropping it leaves its tasks to the runtime.
pub struct Running {
    address: SocketAddr,
    app: Arc<App>,
    stop: watch::Sender<bool>,
    serving: JoinHandle<std::io::Result<()>>,
    looking: JoinHandle<()>,
    listening: JoinHandle<()>,
    folding: JoinHandle<()>,
    watching: JoinHandle<()>,
    escalating: JoinHandle<()>,
    mailing: JoinHandle<()>,
}

/// Starts to serve; requests are answered from when it returns.
///
/// # Errors
/// See [`StartError`].
pub async fn start(setup: Setup) -> Result<Running, StartError> {
    let Setup { storage, clock, random, listen, limits, mail } = setup;
    let key = storage.secret(TOKEN_KEY, &bytes::<32>(random.as_ref())).await?;
    let erasure_key = storage.secret(ERASURE_KEY, &bytes::<32>(random.as_ref())).await?;
    let witness_key = storage.secret(WITNESS_KEY, &bytes::<32>(random.as_ref())).await?;
    teams::learn(storage.as_ref()).await?;
    let now = clock.now();
    sections::complete(storage.as_ref(), now).await?;
    let (stop, stopping) = watch::channel(false);
    let app = Arc::new(App {
        hub: Hub::new(Arc::clone(&storage), limits.ahead),
        scopes: Scopes::default(),
        segmenter: Arc::new(Segmenter::new(Arc::clone(&storage), Arc::clone(&clock), limits.segments_behind)),
        passwords: Passwords::new(random.as_ref())?,
        tokens: AccessTokens::new(&key),
        erasure: Erasure::new(&erasure_key)?,
        witnesses: Witnesses::new(&witness_key)?,
        pages: Pages::default(),
        attempts: Attempts::default(),
        posts: Posts::default(),
        watcher: detection::Watcher::default(),
        mail,
        storage,
        clock,
        random,
        limits,
        stopping: stopping.clone(),
    });
    app.hub.look_outside().await?;
    let failed = |source| StartError::Listen { address: listen, source };
    let listener = TcpListener::bind(listen).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    // A hint or a verdict is one small packet; it shall not wait for another.
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "no TCP_NODELAY");
        }
    });
    let service = router(Arc::clone(&app)).into_make_service_with_connect_info::<SocketAddr>();
    let stopped = until(stopping.clone());
    let serving =
        tokio::spawn(async move { axum::serve(listener, service).with_graceful_shutdown(stopped).await });
    let looking = tokio::spawn(look(Arc::clone(&app), stopping.clone()));
    let listening = tokio::spawn(hear(Arc::clone(&app), stopping.clone()));
    let watching = tokio::spawn(detection::run(Arc::clone(&app), stopping.clone()));
    let folds = Arc::clone(&app);
    let folding = tokio::spawn(async move {
        compaction::run(folds.storage.as_ref(), folds.limits.fold, stopping).await;
    });
    let escalating = tokio::spawn(escalation::run(Arc::clone(&app), stop.subscribe()));
    let mailing = tokio::spawn(mail::run(Arc::clone(&app), stop.subscribe()));
    tracing::info!(%address, "listening");
    Ok(Running { address, app, stop, serving, looking, listening, folding, watching, escalating, mailing })
}

impl Running {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops: no new requests, those that run may end within [`DRAIN`], what was accepted is written.
    pub async fn stop(self) {
        let Self { app, stop, serving, looking, listening, folding, watching, escalating, mailing, .. } =
            self;
        stop.send_replace(true);
        let abort = serving.abort_handle();
        match tokio::time::timeout(DRAIN, serving).await {
            Ok(Ok(Ok(()))) => {}
            Ok(Ok(Err(error))) => tracing::error!(%error, "serving ended with an error"),
            Ok(Err(error)) => tracing::error!(%error, "serving ended with an error"),
            Err(_late) => {
                tracing::warn!("some requests did not end in time");
                abort.abort();
            }
        }
        // They end by themselves on the same signal; a panic in one is in the log already.
        let _ = looking.await;
        let _ = listening.await;
        let _ = folding.await;
        let _ = watching.await;
        let _ = escalating.await;
        let _ = mailing.await;
        app.hub.close().await;
        tracing::info!("stopped");
    }
}

async fn until(mut stopping: watch::Receiver<bool>) {
    // An error means that the sender is gone, which is the end as well.
    let _ = stopping.wait_for(|stop| *stop).await;
}

/// Looks for other processes' writes, every second or so, until the server stops.
async fn look(app: Arc<App>, stopping: watch::Receiver<bool>) {
    let mut ticks = tokio::time::interval(app.limits.look_outside);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let stopped = until(stopping);
    tokio::pin!(stopped);
    loop {
        tokio::select! {
            () = &mut stopped => return,
            _ = ticks.tick() => {
                if let Err(error) = app.hub.look_outside().await {
                    tracing::error!(%error, "other processes' writes could not be looked for");
                }
            }
        }
    }
}

/// Hears what other processes write, at once, where the storage tells; until the server stops.
async fn hear(app: Arc<App>, stopping: watch::Receiver<bool>) {
    let stopped = until(stopping);
    tokio::pin!(stopped);
    let mut wait = LISTEN_AGAIN;
    loop {
        let started = Instant::now();
        let lost = tokio::select! {
            () = &mut stopped => return,
            ended = app.hub.listen() => ended,
        };
        let Err(error) = lost else { return };
        tracing::warn!(%error, "other processes are not heard; they are looked at each second");
        // It had been listening; the next attempt need not wait for long.
        if started.elapsed() > LISTEN_MOST {
            wait = LISTEN_AGAIN;
        }
        tokio::select! {
            () = &mut stopped => return,
            () = tokio::time::sleep(wait) => {}
        }
        wait = (wait * 2).min(LISTEN_MOST);
    }
}
