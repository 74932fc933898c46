//! A new device: the workspace from segments instead of its log.
//!
//! Sign-in fetches the settings, so that a person can work at once. The segments fill a store beside the one in use,
//! which takes its place when they are all in; whatever was broken off goes on where it was. The search index follows in
//! the background. Where that cannot be done (another process has the store open, a server with rows of another version)
//! the log is replayed from its beginning, which always works and takes longer.

use std::time::{Duration, Instant};

use desk_api::{ApiError, ErrorCode, view::Progress};
use desk_docs::Document;
use desk_domain::{
    ids::{DocId, DocKind},
    projection::PROJECTION_VERSION,
    state::State,
};
use desk_store::{Batch, Filling, ReadyBlock, StoreError};
use desk_sync::{
    segment::{Bootstrap, SegmentRef, blocks, rules_id},
    wire,
};
use futures::{StreamExt, TryStreamExt};

use super::{
    Link,
    pull::heed_personal,
    recovery::{WITNESS, witness_fact},
    scope::scope_fact,
};
use crate::{Desk, DeskEvent, edit::write_of, error};

/// Stands in the store of a new device until its segments are in: the `Bootstrap` frame that it goes by, or nothing yet.
pub(super) const BOOTSTRAP: &str = "bootstrap";
/// Segments that are fetched and unpacked while one is written.
const AHEAD: usize = 3;
/// How often progress is told.
const TOLD_EVERY: Duration = Duration::from_millis(250);

/// What a bootstrap did.
#[derive(Clone, Copy, Debug)]
pub(super) struct Begun {
    /// Documents that came.
    pub(super) documents: u64,
    /// Where the log goes on.
    pub(super) cursor: u64,
}

impl Desk {
    /// The store has no workspace yet, or one that was begun.
    pub(super) async fn begins_with_segments(&self) -> Result<bool, ApiError> {
        if self.store().meta(BOOTSTRAP).await.map_err(error::store)?.is_some() {
            return Ok(true);
        }
        let empty = self.store().cursor().await.map_err(error::store)? == 0
            && self.store().documents_len().await.map_err(error::store)? == 0;
        Ok(empty)
    }

    /// Fetches the settings, the workspace's and the member's, and writes down that segments are to follow.
    pub(super) async fn fetch_own(&self, link: &Link) -> Result<(), ApiError> {
        let http = &link.http;
        let answer = self.ask(link, |access| async move { http.bootstrap(&access).await }).await?;
        self.learn_clock(answer.offset_ms).await;
        let known = self.store().meta_text(WITNESS).await.map_err(error::store)?;
        let mut plan = answer.value;
        let own = std::mem::take(&mut plan.own);
        let frame = wire::encode(&plan).map_err(error::internal)?;
        let _writing = self.inner.writing.lock().await;
        // The newest that was shown stays: should the server have lost something meanwhile, it is by that one that it shows.
        let witness = answer.witness.as_deref().filter(|_| known.is_none()).map(witness_fact);
        let meta = std::iter::once((BOOTSTRAP.to_owned(), Some(frame))).chain(witness).collect();
        let mut batch = Batch { meta, ..Batch::default() };
        // The segments of the plan are what is seen under its scope. Of another one from before, or one that a push shows
        // before they are in, it is the log that tells.
        if self.scope(0).await?.is_none() {
            batch.meta.push(scope_fact(plan.scope));
        }
        let (rules, now) = (self.rules(), self.now());
        for own in own {
            if self.store().heads(own.doc).await.map_err(error::store)?.is_some() {
                continue;
            }
            let mut document =
                Document::load(own.doc, own.kind, &own.snapshot).map_err(|problem| unusable(&problem))?;
            let state = document.read().ok();
            if let Some(State::Personal(personal)) = &state {
                heed_personal(personal, now, &mut batch);
            }
            batch.docs.push(write_of(&mut document, None, state.as_ref(), &rules, now));
        }
        self.store().commit(&batch).await.map_err(error::store)?;
        self.reload_settings().await
    }

    /// Gets all segments and puts the filled store in place. After a failure it goes on where it was.
    pub(super) async fn bootstrap(&self, link: &Link) -> Result<Begun, ApiError> {
        // How many there are is not known yet.
        self.inner.sync.change(|status| status.bootstrap = Some(Progress { done: 0, total: 0 }));
        self.emit_sync().await;
        let begun = self.bootstrap_now(link).await;
        self.inner.sync.change(|status| status.bootstrap = None);
        self.emit_sync().await;
        begun
    }

    async fn bootstrap_now(&self, link: &Link) -> Result<Begun, ApiError> {
        let plan = if let Some(plan) = self.plan().await? {
            plan
        } else {
            self.fetch_own(link).await?;
            self.plan().await?.ok_or_else(|| unusable(&"no segments"))?
        };
        if plan.projection != PROJECTION_VERSION {
            return self.replay_instead("the server's rows are of another version").await;
        }
        let total = plan.segments.iter().map(|segment| u64::from(segment.documents)).sum();
        let mut filling = self.store().begin_filling(&name(&plan)).await.map_err(error::store)?;
        let began = Instant::now();
        let filled = self.fill(link, &plan, &mut filling, total).await;
        tracing::info!(documents = total, elapsed = ?began.elapsed(), "segments were fetched");
        if let Err(problem) = filled {
            if problem.code == ErrorCode::NotFound {
                // The server has packed anew since: so does this device. What stands here already, and wins over what comes, is
                // of before the new segments' place in the log: it is compared once they are in.
                let meta = vec![(BOOTSTRAP.to_owned(), None), Self::scope_lost()];
                let batch = Batch { meta, ..Batch::default() };
                self.store().commit(&batch).await.map_err(error::store)?;
                filling.abandon().await.map_err(error::store)?;
            }
            return Err(problem);
        }
        self.put_in_place(&plan, filling, total).await
    }

    async fn plan(&self) -> Result<Option<Bootstrap>, ApiError> {
        let frame = self.store().meta(BOOTSTRAP).await.map_err(error::store)?;
        Ok(frame.and_then(|frame| wire::decode(&frame).ok()))
    }

    async fn fill(
        &self,
        link: &Link,
        plan: &Bootstrap,
        filling: &mut Filling,
        total: u64,
    ) -> Result<(), ApiError> {
        let (missing, here): (Vec<_>, Vec<_>) =
            plan.segments.iter().copied().partition(|segment| !filling.has(&segment.id.0));
        let mut done: u64 = here.iter().map(|segment| u64::from(segment.documents)).sum();
        let mut told = Instant::now();
        self.inner.sync.change(|status| status.bootstrap = Some(Progress { done, total }));
        self.emit_sync().await;
        let fetched = futures::stream::iter(missing).map(|segment| self.fetch(link, segment)).buffered(AHEAD);
        let mut fetched = std::pin::pin!(fetched);
        while let Some((segment, blocks)) = fetched.try_next().await? {
            filling.add(segment.id.0, &blocks).await.map_err(error::store)?;
            done += u64::from(segment.documents);
            self.inner.sync.change(|status| status.bootstrap = Some(Progress { done, total }));
            if told.elapsed() >= TOLD_EVERY {
                told = Instant::now();
                self.emit_sync().await;
            }
        }
        Ok(())
    }

    /// A segment, checked and unpacked.
    async fn fetch(
        &self,
        link: &Link,
        segment: SegmentRef,
    ) -> Result<(SegmentRef, Vec<ReadyBlock>), ApiError> {
        let http = &link.http;
        let bytes = self.ask(link, |access| async move { http.segment(&access, segment.id).await }).await?;
        let unpack = move || {
            let found = blocks(&bytes, segment.id).map_err(|problem| unusable(&problem))?;
            let ready = found.iter().map(|block| {
                ReadyBlock::read(block.bytes.to_vec(), block.raw_bytes).map_err(|problem| unusable(&problem))
            });
            ready.collect::<Result<Vec<_>, _>>()
        };
        let ready = tokio::task::spawn_blocking(unpack).await.map_err(error::internal)??;
        Ok((segment, ready))
    }

    async fn put_in_place(&self, plan: &Bootstrap, filling: Filling, total: u64) -> Result<Begun, ApiError> {
        let mut batch =
            Batch { cursor: Some(plan.cursor), meta: vec![(BOOTSTRAP.to_owned(), None)], ..Batch::default() };
        let rules = self.rules();
        if rules_id(rules.workspace.as_ref()) != plan.rules {
            batch.meta.push(self.rederive_mark());
        }
        let began = Instant::now();
        let adopted = {
            let _writing = self.inner.writing.lock().await;
            self.store().adopt(filling, &batch).await
        };
        let carried = match adopted {
            Ok(carried) => carried,
            Err(StoreError::Busy) => {
                return self.replay_instead("another process has the store open").await;
            }
            Err(problem) => return Err(error::store(problem)),
        };
        self.store_was_replaced();
        tracing::info!(elapsed = ?began.elapsed(), "the filled store was put in place");
        self.derive_again(&carried).await?;
        self.rederive_if_due().await?;
        self.reload_settings().await?;
        self.inner.sync.unindexed();
        self.inner.deadlines_moved.send_modify(|count| *count += 1);
        let kinds = vec![DocKind::Ticket, DocKind::Article, DocKind::Incident];
        self.emit(DeskEvent::Changed { kinds, docs: Vec::new() });
        self.prepare_lists_in_background();
        Ok(Begun { documents: total, cursor: plan.cursor })
    }

    /// Goes back to reading the log from its beginning.
    async fn replay_instead(&self, why: &str) -> Result<Begun, ApiError> {
        tracing::info!(why, "the log is replayed instead of reading segments");
        self.store().set_meta(BOOTSTRAP, None).await.map_err(error::store)?;
        Ok(Begun { documents: 0, cursor: self.store().cursor().await.map_err(error::store)? })
    }

    /// Derives the rows and search entries of documents that were carried over.
    async fn derive_again(&self, docs: &[DocId]) -> Result<(), ApiError> {
        let _writing = self.inner.writing.lock().await;
        let rules = self.rules();
        let mut writes = Vec::new();
        for doc in docs {
            let Some((mut document, heads)) = self.load(*doc).await? else { continue };
            let state = document.read().ok();
            writes.push(write_of(&mut document, Some(heads), state.as_ref(), &rules, self.now()));
        }
        self.store().replace_projection(&writes).await.map_err(error::store)?;
        Ok(())
    }

    /// Brings the rest of the texts into the search index.
    pub(super) async fn index_rest(&self) -> Result<(), ApiError> {
        if self.read_only().is_some() {
            return Ok(());
        }
        self.store().settle_search().await.map_err(error::store)?;
        let mut told = Instant::now();
        let mut at = self.store().index_progress().await.map_err(error::store)?;
        let mut indexing = self.store().indexing();
        let was_behind = !at.is_complete();
        while !at.is_complete() {
            at = indexing.some().await.map_err(error::store)?;
            let progress = Progress { done: at.done, total: at.total };
            self.inner.sync.change(|status| status.indexing = (!at.is_complete()).then_some(progress));
            if told.elapsed() >= TOLD_EVERY || at.is_complete() {
                told = Instant::now();
                self.emit_sync().await;
            }
        }
        if was_behind {
            // A search that was made meanwhile found what was there.
            let kinds = vec![DocKind::Ticket, DocKind::Article, DocKind::Incident];
            self.emit(DeskEvent::Changed { kinds, docs: Vec::new() });
        }
        Ok(())
    }
}

/// What a filling is called: it goes on only with the same segments.
fn name(plan: &Bootstrap) -> Vec<u8> {
    let ids = plan.segments.iter().flat_map(|segment| segment.id.0);
    plan.cursor.to_le_bytes().into_iter().chain(ids).collect()
}

fn unusable(what: &impl std::fmt::Display) -> ApiError {
    ApiError::new(ErrorCode::BadServer, format!("the server's segments cannot be used: {what}"))
}
