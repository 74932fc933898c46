//! Drives the engine: the one task that talks to the server while the application runs.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use desk_api::{
    ApiError, ErrorCode,
    view::{Progress, SyncPhase},
};
use desk_domain::time::UtcMillis;
use desk_sync::engine::{Action, Engine, Failure};
use futures::{FutureExt, TryFutureExt, future::OptionFuture};
use tokio::{
    sync::{Notify, oneshot, watch},
    task::JoinHandle,
    time::Instant,
};

use super::{
    ASK_AGAIN, Link,
    ahead::Coming,
    live::{Heard, Live},
    pull::Told,
};
use crate::{Desk, error, machine, rows::Place};

/// The longest sleep: a laptop that was suspended notices on waking.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// While the device is level, that is written down this often and not with each edit: another process on the store (the
/// command line) tells by it since when there has been no connection.
const SYNCED_AT_MS: u64 = 60_000;

/// How long nothing is written before texts go into the search index, unless somebody searches before: not while the next
/// edit may be waiting. As long after an edit the store's log goes into its file: much of it would hold up a commit.
const QUIET: Duration = Duration::from_secs(2);

/// When texts go into the search index at the latest, where it never becomes quiet.
const NEVER_QUIET: Duration = Duration::from_secs(20);

/// How many times as long as one text took to get there it is left alone until the next.
const SETTLE_REST: u32 = 20;

/// How often some rows are compared with their documents.
const CHECK_EVERY: Duration = Duration::from_secs(10);

/// How sync stands, as the driver last knew.
#[derive(Clone, Debug)]
pub(crate) struct Status {
    pub(crate) phase: SyncPhase,
    pub(crate) offline_since: Option<UtcMillis>,
    pub(crate) problem: Option<ApiError>,
    pub(crate) bootstrap: Option<Progress>,
    pub(crate) indexing: Option<Progress>,
}

/// What reaches the driver from the rest of the application, and what it tells back.
pub(crate) struct Signals {
    edited: Notify,
    /// Where a change goes that is about to be written, while the driver waits for one (see [`super::ahead`]).
    pub(super) awaited: Mutex<Option<oneshot::Sender<Coming>>>,
    resume: Notify,
    unindexed: Notify,
    status: Mutex<Status>,
    /// Of how many views the status was read.
    views: AtomicU64,
}

impl Default for Signals {
    fn default() -> Self {
        let status = Status {
            phase: SyncPhase::Local,
            offline_since: None,
            problem: None,
            bootstrap: None,
            indexing: None,
        };
        Self {
            edited: Notify::new(),
            awaited: Mutex::new(None),
            resume: Notify::new(),
            unindexed: Notify::new(),
            status: Mutex::new(status),
            views: AtomicU64::new(0),
        }
    }
}

impl Signals {
    /// Something went into the outbox.
    pub(crate) fn edited(&self) {
        self.edited.notify_one();
    }

    /// What went into the outbox so far is known about.
    pub(super) fn forget_edited(&self) {
        let _ = self.edited.notified().now_or_never();
    }

    /// Whoever asked to go on is heeded.
    fn forget_resume(&self) {
        let _ = self.resume.notified().now_or_never();
    }

    /// There are texts to be indexed.
    pub(super) fn unindexed(&self) {
        self.unindexed.notify_one();
    }

    /// Go on at once: the person asked, or somebody signed in or out.
    pub(crate) fn resume(&self) {
        self.resume.notify_one();
    }

    pub(crate) fn status(&self) -> Status {
        self.status.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The status with a number that is greater the later it was read.
    pub(super) fn numbered_status(&self) -> (Status, u64) {
        let status = self.status.lock().unwrap_or_else(PoisonError::into_inner);
        (status.clone(), self.views.fetch_add(1, Ordering::Relaxed) + 1)
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut Status)) {
        change(&mut self.status.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// The running driver. Dropping it ends the task; what it was doing is safe to break off anywhere.
pub struct SyncDriver {
    tasks: [JoinHandle<()>; 3],
}

impl Drop for SyncDriver {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl Desk {
    /// Begins to sync in the background, for as long as what comes back is kept.
    pub fn start_sync(&self) -> SyncDriver {
        let (desk, indexing, checking) = (self.clone(), self.clone(), self.clone());
        SyncDriver {
            tasks: [
                tokio::spawn(async move { desk.drive().await }),
                tokio::spawn(async move { indexing.keep_indexing().await }),
                tokio::spawn(async move { checking.keep_checking().await }),
            ],
        }
    }

    /// Goes through the rows of lists, a few at a time, while there is nothing to sync.
    async fn keep_checking(&self) {
        let mut place = Place::START;
        loop {
            tokio::time::sleep(CHECK_EVERY).await;
            let status = self.inner.sync.status();
            if status.phase == SyncPhase::Busy || status.indexing.is_some() || self.read_only().is_some() {
                continue;
            }
            match self.check_some_rows(place).await {
                Ok((next, _)) => place = next,
                Err(problem) => tracing::warn!(code = ?problem.code, "rows were not checked: {problem}"),
            }
        }
    }

    /// Fills the search index whenever lists are ahead of it: at once for a new device, after a while for edits.
    async fn keep_indexing(&self) {
        let mut commits = self.inner.deadlines_moved.subscribe();
        loop {
            let indexed = async {
                self.settle_gently().await?;
                self.index_rest().await
            };
            if let Err(problem) = indexed.await {
                tracing::warn!(code = ?problem.code, "the search index is not complete: {problem}");
            }
            tokio::select! {
                () = self.inner.sync.unindexed.notified() => {}
                // The sender lives as long as the desk.
                _ = commits.changed() => {
                    tokio::select! {
                        () = self.inner.sync.unindexed.notified() => {}
                        () = self.quiet(&mut commits) => {}
                    }
                }
            }
        }
    }

    /// Moves the texts of edits into the search index so that hardly an edit finds the store taken: where it never becomes quiet,
    /// people go on writing meanwhile. A search that does not wait moves the rest by itself.
    async fn settle_gently(&self) -> Result<(), ApiError> {
        loop {
            let began = Instant::now();
            if !self.store().settle_one().await.map_err(error::store)? {
                return Ok(());
            }
            tokio::time::sleep(began.elapsed() * SETTLE_REST).await;
        }
    }

    /// Waits until nothing has been written for a while, and tidies up meanwhile.
    async fn quiet(&self, commits: &mut watch::Receiver<u64>) {
        let latest = Instant::now() + NEVER_QUIET;
        loop {
            tokio::time::sleep(QUIET).await;
            if let Err(problem) = self.tidy().await {
                tracing::warn!(code = ?problem.code, "{problem}");
            }
            let is_quiet = !commits.has_changed().unwrap_or_default();
            if is_quiet || Instant::now() >= latest {
                return;
            }
            commits.mark_unchanged();
        }
    }

    /// Sync now, whatever the backoff says.
    pub fn sync_now(&self) {
        self.inner.sync.resume();
    }

    async fn drive(&self) {
        loop {
            // Whatever they told of is looked for next.
            self.inner.sync.forget_edited();
            self.inner.sync.forget_resume();
            if let Ok(link) = self.link() {
                self.drive_session(&link).await;
            } else {
                self.told(SyncPhase::Local, None, None).await;
                self.inner.sync.resume.notified().await;
            }
        }
    }

    /// Syncs for one session, until it ends.
    async fn drive_session(&self, link: &Link) {
        let mut engine = match self.engine().await {
            Ok(engine) => engine,
            Err(problem) => {
                self.told(SyncPhase::Stopped, None, Some(problem)).await;
                self.inner.sync.resume.notified().await;
                return;
            }
        };
        let mut live: Option<Live> = None;
        let mut problem: Option<ApiError> = None;
        let mut written_at = None;
        loop {
            if !self.signed_in().is_some_and(|session| session == link.session) {
                return;
            }
            let now = self.now();
            let action = engine.next(now);
            let failure = match action {
                Action::Push => {
                    // Beside each other, and first of all the push: an edit does not wait for the status line.
                    let told = self.told(SyncPhase::Busy, engine.offline_since(), problem.clone());
                    let (pushed, ()) = tokio::join!(biased; self.push_batch(link), told);
                    pushed.map(|pushed| pushed.tell(&mut engine, self.now())).err()
                }
                Action::Bootstrap => {
                    self.told(SyncPhase::Busy, engine.offline_since(), problem.clone()).await;
                    match self.bootstrap(link).await {
                        Ok(begun) => {
                            engine.bootstrapped(self.now(), begun.cursor);
                            None
                        }
                        Err(busy) if busy.code == ErrorCode::ServerBusy => {
                            // It is there, and edits go out meanwhile.
                            problem = Some(busy);
                            tokio::time::sleep(ASK_AGAIN).await;
                            continue;
                        }
                        Err(failure) => Some(failure),
                    }
                }
                Action::Pull => {
                    let pulled = self.pull_batch(link).await;
                    pulled.map(|pulled| pulled.tell(&mut engine, self.now())).err()
                }
                Action::Listen => {
                    live = self.listen(link).await;
                    if live.is_some() {
                        engine.live_up(self.now());
                    } else {
                        engine.live_down(self.now(), machine::jitter());
                    }
                    None
                }
                Action::Wait { until } => {
                    let phase = phase(&engine);
                    self.told(phase, engine.offline_since(), problem.clone()).await;
                    self.wait(link, &mut engine, &mut live, until).await
                }
            };
            if let (Action::Push | Action::Pull, Some(live)) = (action, &mut live) {
                live.outdate();
            }
            if failure.as_ref().is_some_and(|failure| failure.code == ErrorCode::ServerRestored) {
                // What it lost waits to be sent, and all is to be read anew.
                return;
            }
            if let Some(failure) = failure {
                live = self.failed(&mut engine, live, &failure).await;
                problem = Some(failure);
            } else if engine.offline_since().is_none() && !engine.is_stopped() {
                problem = None;
            }
            let now = self.now();
            let is_due = written_at.is_none_or(|at| now.since(at).unsigned_abs() >= SYNCED_AT_MS);
            if engine.is_level() && is_due {
                written_at = Some(now);
                if let Err(problem) = self.reached_level().await {
                    tracing::warn!(code = ?problem.code, "{problem}");
                }
            }
        }
    }

    pub(super) async fn engine(&self) -> Result<Engine, ApiError> {
        let waiting = self.store().outbox_len().await.map_err(error::store)?;
        let cursor = self.store().cursor().await.map_err(error::store)?;
        let engine = Engine::new(cursor, waiting > 0, self.synced_at().await?);
        Ok(if self.begins_with_segments().await? { engine.from_segments() } else { engine })
    }

    async fn listen(&self, link: &Link) -> Option<Live> {
        let access = self.access_token(link).await.ok()?;
        match Live::open(&link.http, &access).await {
            Ok(live) => Some(live),
            Err(problem) => {
                tracing::debug!("{problem}");
                None
            }
        }
    }

    /// Waits for an edit, for what the server says, the person, or the instant; what failed, if something did.
    async fn wait(
        &self,
        link: &Link,
        engine: &mut Engine,
        live: &mut Option<Live>,
        until: Option<UtcMillis>,
    ) -> Option<ApiError> {
        // Before the edit comes that is sent by them. Where they cannot be read, hints go on coming, and edits go by the outbox.
        let known = if live.is_some() && engine.is_level() { self.ready_facts().await.ok() } else { None };
        let level = known.as_ref().and_then(|known| Some((known.cursor, known.scope?)));
        // Only what has nothing before it can be sent at once.
        let coming = known.map(|known| self.inner.sync.coming().map_ok(|coming| (coming, known)));
        if let (Some(live), Some((cursor, scope))) = (live.as_mut(), level)
            && !live.is_told()
        {
            live.tell(cursor, scope).await;
        }
        let pause = until.map_or(LONGEST_WAIT, |until| {
            Duration::from_millis(u64::try_from(until.since(self.now())).unwrap_or(0)).min(LONGEST_WAIT)
        });
        let message = async {
            match live.as_mut() {
                Some(live) => live.next().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            Some(Ok((coming, known))) = OptionFuture::from(coming) => {
                let live = live.as_mut()?;
                match Box::pin(self.push_ahead(link, live, coming, known)).await {
                    // By the same rule the server knows that the device has what it sent.
                    Some(pushed) if pushed.read.is_some() => pushed.tell(engine, self.now()),
                    Some(pushed) => {
                        live.outdate();
                        pushed.tell(engine, self.now());
                    }
                    None => {
                        live.outdate();
                        engine.edited();
                    }
                }
            }
            () = self.inner.sync.edited.notified() => engine.edited(),
            () = self.inner.sync.resume.notified() => engine.resume(),
            news = message => match news {
                Some(Heard::Hint(head)) => engine.hinted(head),
                Some(Heard::Page { page, is_outdated }) => {
                    // It came from there.
                    let live = live.as_mut()?;
                    return Box::pin(self.take_told(link, engine, live, &page, is_outdated)).await.err();
                }
                None => {
                    *live = None;
                    engine.live_down(self.now(), machine::jitter());
                }
            },
            () = tokio::time::sleep(pause) => {}
        }
        None
    }

    /// Stores a page that came by itself.
    async fn take_told(
        &self,
        link: &Link,
        engine: &mut Engine,
        live: &mut Live,
        page: &[u8],
        is_outdated: bool,
    ) -> Result<(), ApiError> {
        match self.pull_told(link, live, page, is_outdated).await? {
            Told::Stored(pulled) => pulled.tell(engine, self.now()),
            Told::Elsewhere { head } => engine.hinted(head),
            Told::Doubtful => engine.doubted(),
        }
        Ok(())
    }

    /// Tells the engine of a failure; the live connection is kept only while the failure is not the network's.
    async fn failed(&self, engine: &mut Engine, live: Option<Live>, failure: &ApiError) -> Option<Live> {
        let kind = match failure.code {
            ErrorCode::DeviceRevoked | ErrorCode::AccessEnded => {
                let problem = self.heed(failure.clone()).await;
                tracing::warn!(code = ?problem.code, "{problem}");
                Failure::Final
            }
            ErrorCode::SessionExpired | ErrorCode::WrongCredentials => {
                if let Err(problem) = self.end_session(Some(failure.clone())).await {
                    tracing::warn!(code = ?problem.code, "the session could not be ended: {problem}");
                }
                Failure::Final
            }
            ErrorCode::UpgradeRequired | ErrorCode::Forbidden | ErrorCode::ReadOnlyStore => Failure::Final,
            _ => Failure::Passing,
        };
        tracing::info!(code = ?failure.code, "sync: {failure}");
        engine.failed(self.now(), kind, machine::jitter());
        if live.is_some() {
            engine.live_down(self.now(), machine::jitter());
        }
        None
    }

    /// Writes down how sync stands and tells listeners when that changed.
    pub(super) async fn told(
        &self,
        phase: SyncPhase,
        offline_since: Option<UtcMillis>,
        problem: Option<ApiError>,
    ) {
        let before = self.inner.sync.status();
        if before.phase == phase && before.offline_since == offline_since && before.problem == problem {
            return;
        }
        self.inner.sync.change(|status| {
            (status.phase, status.offline_since, status.problem) = (phase, offline_since, problem);
        });
        self.emit_sync().await;
    }
}

fn phase(engine: &Engine) -> SyncPhase {
    if engine.is_stopped() {
        SyncPhase::Stopped
    } else if engine.offline_since().is_some() {
        SyncPhase::Offline
    } else {
        SyncPhase::Idle
    }
}
