//! One batch in: verified, applied, and written with the cursor in one transaction.

use std::collections::BTreeSet;

use desk_api::{ApiError, ErrorCode};
use desk_domain::{
    ids::{DocId, DocKind},
    personal::{ALERT_SETTINGS, ALERTS_READ_AT, Personal},
    state::State,
    time::UtcMillis,
    workspace::Workspace,
};
use desk_store::{Batch, StoreError};
use desk_sync::{
    engine::Engine,
    live::{self, What},
    pull::{Incoming, Received, receive},
    wire::{self, Hash, PullReply, WireError},
};
use futures::{
    FutureExt, StreamExt, TryStreamExt,
    future::{Shared, ready},
    stream,
};
use tokio::sync::oneshot;

use super::{
    Link,
    facts::Facts,
    http::unreadable,
    live::Live,
    merging::{Changes, Merged, Reading},
    recovery::witness_fact,
    scope::{scope_fact, withdrawn_facts},
    twin::twin_fact,
};
use crate::{
    Desk, DeskEvent, alerts,
    desk::{WorkspaceRules, as_written},
    error::{self, Unwritten},
};

/// How often a batch is applied anew when the person edits the same documents meanwhile.
pub(super) const TRIES: u32 = 8;

/// What came from the server and is to be stored, in one transaction.
#[derive(Clone, Copy)]
pub(super) struct Arrived<'a> {
    pub(super) changes: &'a Incoming,
    /// Documents of `changes` that came whole.
    pub(super) whole: &'a BTreeSet<DocId>,
    /// Documents that are to go.
    pub(super) withdrawn: &'a BTreeSet<DocId>,
    /// How far the log is read then, and under which scope.
    pub(super) level: Option<(u64, Hash)>,
    pub(super) witness: Option<&'a str>,
    /// Nothing of it is kept unless this says that it stands.
    pub(super) stands: Option<&'a Standing>,
}

/// Says whether what came stands in the log; again, where it is applied anew.
pub(super) type Standing = Shared<oneshot::Receiver<bool>>;

impl<'a> Arrived<'a> {
    /// Changes by themselves.
    pub(super) fn of(changes: &'a Incoming) -> Self {
        static NO_DOCUMENTS: BTreeSet<DocId> = BTreeSet::new();
        let (whole, withdrawn) = (&NO_DOCUMENTS, &NO_DOCUMENTS);
        Self { changes, whole, withdrawn, level: None, witness: None, stands: None }
    }
}

/// What a pull did.
pub(super) struct Pulled {
    pub(super) new: u64,
    pub(super) cursor: u64,
    pub(super) head: u64,
    /// Something waits to be sent.
    pub(super) unsent: bool,
}

impl Pulled {
    /// Tells the engine.
    pub(super) fn tell(&self, engine: &mut Engine, now: UtcMillis) {
        engine.pulled(now, self.cursor, self.head);
        if self.unsent {
            engine.edited();
        }
    }
}

/// What became of a page that came by itself.
pub(super) enum Told {
    Stored(Pulled),
    /// It does not follow on what is here; the log goes to `head`.
    Elsewhere {
        head: u64,
    },
    /// It is not known whether it stands in the log.
    Doubtful,
}

impl Desk {
    /// Fetches what comes after the cursor and stores it.
    pub(super) async fn pull_batch(&self, link: &Link) -> Result<Pulled, ApiError> {
        let pulled = match self.pull_now(link).await {
            Err(problem) => return Err(self.recover_after(problem, link).await),
            Ok(pulled) => pulled,
        };
        self.after_pull(link, pulled).await
    }

    /// Stores a page that came by itself on the live connection, as if it had been asked for. One that does not follow on what
    /// is here, since it is outdated, or was read on meanwhile, or the member sees something else now, is a hint.
    pub(super) async fn pull_told(
        &self,
        link: &Link,
        live: &mut Live,
        page: &[u8],
        is_outdated: bool,
    ) -> Result<Told, ApiError> {
        let live::Told { what, witness, frame } = live::Told::decode(page).map_err(unreadable)?;
        let What::Page { after, is_proposed } = what else { return Err(unreadable(WireError::Malformed)) };
        let reply: PullReply = wire::decode(frame).map_err(unreadable)?;
        let (cursor, head, scope) = (reply.cursor, reply.head, reply.scope);
        let elsewhere = if is_proposed { Told::Doubtful } else { Told::Elsewhere { head } };
        if is_outdated {
            return Ok(elsewhere);
        }
        // It is written while all that is found out, and kept only then.
        let (say, stands) = oneshot::channel();
        let stands = stands.shared();
        let known = Known { after, scope: Some(scope), witness: Some(witness), stands: Some(&stands) };
        let checking = async {
            let standing = async { !is_proposed || live.stands(cursor).await };
            let (follows, stands) = tokio::join!(self.stands_at(after, Some(scope)), standing);
            let stands = stands && follows;
            // Who was to know may have failed.
            let _ = say.send(stands);
            stands
        };
        let (taken, stands) = tokio::join!(self.take(reply, known), checking);
        if !stands {
            return Ok(elsewhere);
        }
        self.after_pull(link, taken?).await.map(Told::Stored)
    }

    /// What is left to be done once something was stored.
    async fn after_pull(&self, link: &Link, pulled: Pulled) -> Result<Pulled, ApiError> {
        if self.has_twin().await? && self.store().outbox_len().await.map_err(error::store)? == 0 {
            self.become_new_device(link).await?;
        }
        let unsent = self.store().outbox_len().await.map_err(error::store)? > 0;
        Ok(Pulled { unsent, ..pulled })
    }

    /// The same, whatever it is answered with.
    async fn pull_now(&self, link: &Link) -> Result<Pulled, ApiError> {
        let facts = self.ready_facts().await?;
        let (after, scope) = (facts.cursor, facts.scope);
        let (reply, witness) = self.request(link, facts, scope).await?;
        if scope.is_some_and(|known| known != reply.scope) {
            let new = self.rescope(link).await?;
            return Ok(Pulled { new, cursor: after, head: reply.head, unsent: false });
        }
        self.take(reply, Known { after, scope, witness: witness.as_deref(), stands: None }).await
    }

    async fn request(
        &self,
        link: &Link,
        facts: Facts,
        scope: Option<Hash>,
    ) -> Result<(PullReply, Option<String>), ApiError> {
        let Facts { cursor: after, witness, tokens, .. } = facts;
        let shown = witness.as_deref();
        let pull = |access: String| async move { link.http.pull(&access, after, scope, shown).await };
        let answer = self.ask_by(link, tokens, pull).await?;
        self.learn_clock(answer.offset_ms).await;
        Ok((answer.value, answer.witness))
    }

    /// Checks a batch and stores it.
    async fn take(&self, reply: PullReply, known: Known<'_>) -> Result<Pulled, ApiError> {
        let Known { after, scope: known, witness, stands } = known;
        let (cursor, head, scope) = (reply.cursor, reply.head, reply.scope);
        let Received { changes, whole, withdrawn } = receive(reply, after).map_err(error::pull)?;
        if cursor == after && changes.is_empty() && withdrawn.is_empty() && known == Some(scope) {
            return Ok(Pulled { new: 0, cursor, head, unsent: false });
        }
        let level = Some((cursor, scope));
        let arrived =
            Arrived { whole: &whole, withdrawn: &withdrawn, level, witness, stands, ..Arrived::of(&changes) };
        let new = self.store_arrived(&arrived).await?;
        if !withdrawn.is_empty() {
            self.withdraw_due().await?;
        }
        Ok(Pulled { new, cursor, head, unsent: false })
    }

    /// Stores what came; how many changes were new.
    pub(super) async fn store_arrived(&self, arrived: &Arrived<'_>) -> Result<u64, ApiError> {
        for _ in 0..TRIES {
            let stored = {
                let _writing = self.inner.writing.lock().await;
                self.store_changes(arrived).await?
            };
            if let Some(new) = stored {
                self.rederive_if_due().await?;
                return Ok(new);
            }
            tracing::debug!("a document was edited while its changes were applied; again");
        }
        Err(error::store(StoreError::Busy))
    }

    /// Applies verified changes and commits; `None` when a document was written meanwhile.
    async fn store_changes(&self, arrived: &Arrived<'_>) -> Result<Option<u64>, ApiError> {
        let Arrived { changes: by_doc, whole, withdrawn, level, witness, stands } = *arrived;
        let session = self.require_session()?;
        let now = self.now();
        let mut new = 0;
        let mut batch = Batch { meta: witness.into_iter().map(witness_fact).collect(), ..Batch::default() };
        if let Some((cursor, scope)) = level {
            batch.cursor = Some(cursor);
            batch.meta.push(scope_fact(scope));
        }
        batch.meta.extend(withdrawn_facts(withdrawn));
        // The settings first: the deadlines of the tickets in the same batch are computed by them.
        let mut reading = Reading { me: self.device(), rules: self.rules(), now };
        if let Some((_, changes)) = by_doc.get(&session.workspace_doc) {
            let settings = (session.workspace_doc, DocKind::Workspace, changes.as_slice());
            // Boxed, like every document in a future here: they are large.
            let mut merged = Box::pin(self.merge_alone(settings, &reading)).await?;
            merged.checked().await?;
            new += merged.added;
            batch.meta.extend(merged.is_foreign.then(twin_fact));
            if let Some((write, state)) = merged.write {
                if let Some(State::Workspace(workspace)) = state {
                    if counts_otherwise(reading.rules.workspace.as_ref(), &workspace) {
                        batch.meta.push(self.rederive_mark());
                    }
                    reading.rules = std::sync::Arc::new(WorkspaceRules::of(Some(*workspace)));
                }
                batch.docs.push(write);
            }
        }
        let others: Vec<Changes<'_>> = by_doc
            .iter()
            .filter(|(doc, _)| **doc != session.workspace_doc)
            .map(|(doc, (kind, changes))| (*doc, *kind, changes.as_slice()))
            .collect();
        let docs: Vec<DocId> = by_doc.keys().copied().collect();
        let settings_changed = !batch.docs.is_empty();
        let mut open = None;
        // What is to hold with all of it goes with the first of it; a batch without documents has just that.
        let mut first = Some(batch);
        let mut part = |merged: Vec<Merged>| {
            let mut batch = first.take().unwrap_or_default();
            for merged in merged {
                // A document that comes back into sight has what this device once wrote to it.
                let is_twin = merged.is_foreign && !whole.contains(&merged.doc);
                batch.meta.extend(is_twin.then(twin_fact));
                new += merged.added;
                if let Some((write, state)) = merged.write {
                    open = merged.document.map(|document| as_written(&write, document));
                    if let Some(State::Personal(personal)) = &state
                        && personal.id == session.personal_doc
                    {
                        heed_personal(personal, now, &mut batch);
                    }
                    batch.docs.push(write);
                }
            }
            batch
        };
        // It is all written by the time that is said, but for the commit.
        let last = stream::iter(stands.cloned()).then(|stands: Standing| async move {
            let said = stands.await.unwrap_or_default();
            if said { Ok(Batch::default()) } else { Err(Unwritten::Unmade(doubtful())) }
        });
        let written = match others.as_slice() {
            [] => {
                let parts = stream::once(ready(Ok(part(Vec::new()))));
                self.store().commit_parts(&docs, parts.chain(last)).await
            }
            [of] => {
                let merged = self.merge_checking(*of, &reading);
                let parts = merged.map_ok(|merged| part(vec![merged])).map_err(Unwritten::Unmade);
                Box::pin(self.store().commit_parts(&docs, parts.chain(last))).await
            }
            many => {
                let merged = self.merge_all(many, &reading);
                let parts = merged.map_ok(&mut part).map_err(Unwritten::Unmade);
                self.store().commit_parts(&docs, parts.chain(last)).await
            }
        };
        let committed = match written {
            Ok(committed) => committed,
            Err(Unwritten::Store(StoreError::Stale { .. })) => return Ok(None),
            Err(problem) => return Err(problem.into()),
        };
        if settings_changed {
            self.reload_settings().await?;
        }
        if !committed.docs.is_empty() {
            self.emit(DeskEvent::Changed { kinds: committed.kinds, docs: committed.docs });
            self.inner.deadlines_moved.send_modify(|count| *count += 1);
        }
        if let Some(open) = open {
            self.keep_open(open);
        }
        Ok(Some(new))
    }
}

/// What a page follows on, and what comes with it.
struct Known<'a> {
    /// Up to here everything is in the store.
    after: u64,
    /// Under this scope.
    scope: Option<Hash>,
    witness: Option<&'a str>,
    stands: Option<&'a Standing>,
}

/// Nobody sees it: what is doubtful is asked for.
fn doubtful() -> ApiError {
    ApiError::new(ErrorCode::Offline, "the server has not said that the changes stand")
}

/// Whether deadlines are other ones by the new settings.
fn counts_otherwise(before: Option<&Workspace>, after: &Workspace) -> bool {
    before.is_some_and(|before| {
        before.policies != after.policies
            || before.calendars != after.calendars
            || before.escalations != after.escalations
            || before.services != after.services
    })
}

/// What the member's own settings say about this device: how the interface looks, what was said of alerts elsewhere, and which
/// alerts the member wants.
pub(super) fn heed_personal(personal: &Personal, now: UtcMillis, batch: &mut Batch) {
    batch.alerts.extend(alerts::heeded(personal, now));
    let facts = [
        ("interface", "settings"),
        (ALERT_SETTINGS, alerts::SETTINGS_FACT),
        (ALERTS_READ_AT, alerts::READ_FACT),
    ];
    for (preference, fact) in facts {
        if let Some(value) = personal.preferences.get(preference) {
            batch.meta.push((fact.to_owned(), Some(value.clone().into_bytes())));
        }
    }
}
