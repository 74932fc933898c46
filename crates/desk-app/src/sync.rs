//! Sync: what is pushed and pulled, and how it stands.
//!
//! `driver` decides when (with the engine of `desk-sync`), `bootstrap` fills a new device, `push` and `pull` do one batch
//! each, `ahead` sends an edit while it is being written, `scope` lets go of what the member may not see any more, `recovery`
//! gives a restored server what it lost, `twin` parts two copies of one store, `http` talks to the server, `live` listens for
//! hints and pages.

pub(crate) mod ahead;
mod bootstrap;
pub(crate) mod driver;
mod facts;
pub(crate) mod http;
mod live;
mod merging;
mod pull;
mod push;
mod recovery;
mod scope;
pub(crate) mod twin;

use std::{sync::Arc, time::Duration};

use desk_api::{
    ApiError, ErrorCode,
    view::{SyncPhase, SyncView},
};
use desk_domain::time::{Clock, UtcMillis};
use desk_store::Waiting;
use desk_sync::engine::{Action, Engine};
use serde::Serialize;

use crate::{
    Desk, DeskEvent, error,
    machine::CorrectedClock,
    session::{SignedIn, Tokens},
};

/// An access token is renewed this long before it ends.
const RENEW_BEFORE_MS: i64 = 60_000;

/// A server that is preparing the segments answers when they are ready, or after a while; then it is asked again after so long.
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// Where it stands when everything was last level with the server.
const SYNCED_AT: &str = "synced_at";

/// A fact that is to be written into the store, or removed from it.
type Fact = (String, Option<Vec<u8>>);

/// What one sync did; its JSON is what `desk --json sync` prints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SyncReport {
    /// Changes that came from the server and were new here.
    pub pulled: u64,
    /// Changes that the server accepted.
    pub pushed: u64,
    /// Changes that the server refused.
    pub rejected: u64,
    /// How far the server's log is read.
    pub cursor: u64,
    /// How long it took until everything was here and lists showed it.
    pub listed_ms: i64,
    /// How long it took in all, with the search index.
    pub elapsed_ms: i64,
    /// Bytes of the server's answers, as they travelled.
    pub received_bytes: u64,
    /// Requests that were made of the server.
    pub requests: u64,
}

/// A member's way to the server: the address with tokens that are renewed as needed.
pub(crate) struct Link {
    pub(crate) session: Arc<SignedIn>,
    pub(crate) http: http::Http,
}

impl Desk {
    /// Syncs until nothing is left to send or fetch.
    ///
    /// # Errors
    /// When nobody is signed in, the workspace has no server, or the server cannot be reached or refuses. When it took
    /// this device's access away, everything that was kept here is erased.
    pub async fn sync_once(&self) -> Result<SyncReport, ApiError> {
        match self.sync_to_level().await {
            Err(problem) => Err(self.heed(problem).await),
            done => done,
        }
    }

    /// Does what is to be done next; `false` when that is nothing.
    async fn take_step(
        &self,
        link: &Link,
        engine: &mut Engine,
        report: &mut SyncReport,
    ) -> Result<bool, ApiError> {
        match engine.next(self.now()) {
            Action::Push => {
                let pushed = self.push_batch(link).await?;
                report.pushed += pushed.accepted;
                report.rejected += pushed.rejected;
                pushed.tell(engine, self.now());
            }
            Action::Bootstrap => match self.bootstrap(link).await {
                Ok(begun) => {
                    report.pulled += begun.documents;
                    engine.bootstrapped(self.now(), begun.cursor);
                }
                Err(problem) if problem.code == ErrorCode::ServerBusy => {
                    self.told(SyncPhase::Busy, None, Some(problem)).await;
                    tokio::time::sleep(ASK_AGAIN).await;
                }
                Err(problem) => return Err(problem),
            },
            Action::Pull => {
                let pulled = self.pull_batch(link).await?;
                report.pulled += pulled.new;
                pulled.tell(engine, self.now());
            }
            Action::Listen | Action::Wait { .. } => return Ok(false),
        }
        Ok(true)
    }

    async fn sync_to_level(&self) -> Result<SyncReport, ApiError> {
        let started_at = CorrectedClock::machine_now();
        let link = self.link()?;
        let mut report = SyncReport::default();
        let mut engine = self.engine().await?;
        loop {
            match self.take_step(&link, &mut engine, &mut report).await {
                Ok(true) => {}
                Ok(false) => break,
                // What it lost waits to be sent, and all is to be read anew.
                Err(problem) if problem.code == ErrorCode::ServerRestored => engine = self.engine().await?,
                Err(problem) => return Err(problem),
            }
        }
        report.listed_ms = CorrectedClock::machine_now().since(started_at);
        self.reached_level().await?;
        self.index_rest().await?;
        self.tidy().await?;
        (report.received_bytes, report.requests) = (link.http.received_bytes(), link.http.requests());
        report.cursor = engine.cursor();
        report.elapsed_ms = CorrectedClock::machine_now().since(started_at);
        Ok(report)
    }

    /// Fetches until the workspace's settings know the signed-in member.
    pub(crate) async fn pull_settings(&self) -> Result<(), ApiError> {
        let link = self.link()?;
        if self.begins_with_segments().await? {
            return self.fetch_own(&link).await;
        }
        while self.me().is_none() {
            // Large, and it would make signing in as large.
            let pulled = Box::pin(self.pull_batch(&link)).await?;
            if pulled.cursor >= pulled.head {
                break;
            }
        }
        Ok(())
    }

    /// How sync stands.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn sync_view(&self) -> Result<SyncView, ApiError> {
        let Waiting { unsent, rejected, fact } =
            self.store().waiting(SYNCED_AT).await.map_err(error::store)?;
        let (known, number) = self.inner.sync.numbered_status();
        let has_server = self.signed_in().is_some_and(|session| session.server.is_some());
        Ok(SyncView {
            number,
            phase: if has_server { known.phase } else { SyncPhase::Local },
            waiting: unsent,
            synced_at: fact.and_then(instant),
            offline_since: known.offline_since,
            rejected,
            problem: known.problem,
            bootstrap: known.bootstrap,
            indexing: known.indexing,
        })
    }

    /// The way to the signed-in member's server.
    pub(crate) fn link(&self) -> Result<Link, ApiError> {
        self.require_writable()?;
        let session = self.require_session()?;
        let Some(server) = &session.server else {
            return Err(ApiError::new(
                ErrorCode::SignedOut,
                "this workspace lives on this device alone; `desk login` joins it to a server",
            ));
        };
        let http =
            http::Http::new(&http::server_url(server)?, &self.inner.clock, session.erase_check.clone())?;
        Ok(Link { session, http })
    }

    /// An access token that is good for a while; renewed when it is not.
    pub(crate) async fn access_token(&self, link: &Link) -> Result<String, ApiError> {
        let tokens = self.tokens().await?;
        self.access_by(link, tokens).await
    }

    /// An access token that is good for a while: that of `tokens`, or a renewed one.
    async fn access_by(&self, link: &Link, tokens: Option<Tokens>) -> Result<String, ApiError> {
        let tokens = tokens.ok_or_else(error::signed_out)?;
        if tokens.expires_at.since(self.now()) > RENEW_BEFORE_MS {
            return Ok(tokens.access);
        }
        self.renew(link, &tokens.access).await
    }

    /// What the server answers to a call with an access token.
    async fn ask<T, F: Future<Output = Result<T, ApiError>> + Send>(
        &self,
        link: &Link,
        call: impl Fn(String) -> F + Send,
    ) -> Result<T, ApiError> {
        self.ask_by(link, self.tokens().await?, call).await
    }

    /// The same with that of `tokens`. It is made again with a new one if the server says that this one had ended: the device's
    /// clock may be wrong about when.
    async fn ask_by<T, F: Future<Output = Result<T, ApiError>> + Send>(
        &self,
        link: &Link,
        tokens: Option<Tokens>,
        call: impl Fn(String) -> F + Send,
    ) -> Result<T, ApiError> {
        let access = self.access_by(link, tokens).await?;
        match call(access.clone()).await {
            Err(problem) if problem.code == ErrorCode::SessionExpired => {
                call(self.renew(link, &access).await?).await
            }
            answered => answered,
        }
    }

    /// Renews the tokens, one process at a time: a refresh token is good once, and a second use ends the session.
    pub(crate) async fn renew(&self, link: &Link, stale: &str) -> Result<String, ApiError> {
        let _lock = lock(&self.inner.data_dir).await?;
        // The command line and the window share a store: the other one may have renewed meanwhile.
        let tokens = self.tokens().await?.ok_or_else(error::signed_out)?;
        if tokens.access != stale {
            return Ok(tokens.access);
        }
        let session = link.http.refresh(&tokens.refresh, self.device()).await?;
        Ok(self.keep_tokens(&session).await?.access)
    }

    /// Everything is level with the server: written down for the status line, and from now on alerts are shown.
    pub(crate) async fn reached_level(&self) -> Result<(), ApiError> {
        self.keep_synced_at(self.now()).await?;
        self.settle_alerts().await
    }

    /// A quiet moment: what stands in the store's log moves into the file now, not in somebody's commit.
    pub(crate) async fn tidy(&self) -> Result<(), ApiError> {
        self.store().checkpoint().await.map_err(error::store)
    }

    /// Writes down when everything was last level with the server.
    pub(crate) async fn keep_synced_at(&self, now: UtcMillis) -> Result<(), ApiError> {
        let at = now.0.to_string();
        self.store().set_meta(SYNCED_AT, Some(at.as_bytes())).await.map_err(error::store)
    }

    pub(crate) async fn synced_at(&self) -> Result<Option<UtcMillis>, ApiError> {
        let kept = self.store().meta(SYNCED_AT).await.map_err(error::store)?;
        Ok(kept.and_then(instant))
    }

    /// Since when this device has not reached the server; `None` while it has a connection, and in a workspace that has no
    /// server.
    pub(crate) async fn offline_since(&self, session: &SignedIn) -> Result<Option<UtcMillis>, ApiError> {
        if session.server.is_none() {
            return Ok(None);
        }
        let known = self.inner.sync.status();
        match known.phase {
            // Nothing in this process talks to the server: the command line, or a window that has just opened.
            SyncPhase::Local | SyncPhase::Stopped => self.synced_at().await,
            SyncPhase::Idle | SyncPhase::Busy | SyncPhase::Offline => Ok(known.offline_since),
        }
    }

    /// Tells listeners how sync stands; a store that does not answer is told of by what asked it.
    pub(crate) async fn emit_sync(&self) {
        if let Ok(view) = self.sync_view().await {
            self.emit(DeskEvent::Sync(Box::new(view)));
        }
    }

    /// Learns the server's time from an answer.
    pub(crate) async fn learn_clock(&self, offset_ms: Option<i64>) {
        let Some(offset) = offset_ms else { return };
        tracing::info!(clock.offset_ms = offset, now = %self.inner.clock.now(), "the clock was corrected");
        if let Err(problem) =
            self.store().set_meta("clock_offset_ms", Some(offset.to_string().as_bytes())).await
        {
            tracing::warn!(%problem, "the clock's correction was not kept");
        }
    }
}

/// An instant as it stands among the facts.
fn instant(bytes: Vec<u8>) -> Option<UtcMillis> {
    String::from_utf8(bytes).ok()?.parse().ok().map(UtcMillis)
}

/// Takes the lock of a data directory, for what one process must do at a time: renewing the tokens, erasing the store. It
/// ends with the file.
pub(crate) async fn lock(data_dir: &std::path::Path) -> Result<std::fs::File, ApiError> {
    let path = data_dir.join("tokens.lock");
    let locked = tokio::task::spawn_blocking(move || {
        let file = std::fs::File::options().create(true).truncate(false).write(true).open(path)?;
        file.lock()?;
        Ok::<_, std::io::Error>(file)
    });
    match locked.await {
        Ok(Ok(file)) => Ok(file),
        Ok(Err(problem)) => Err(error::io("the lock of the data directory cannot be taken", &problem)),
        Err(problem) => Err(error::internal(problem)),
    }
}
