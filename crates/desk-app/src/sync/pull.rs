//! One batch in: verified, applied, and written with the cursor in one transaction.

use std::collections::BTreeSet;

use desk_api::ApiError;
use desk_domain::{
    ids::{DocId, DocKind},
    personal::{ALERT_SETTINGS, ALERTS_READ_AT, Personal},
    state::State,
    time::UtcMillis,
    workspace::Workspace,
};
use desk_store::{Batch, StoreError};
use desk_sync::{
    pull::{Incoming, Received, receive},
    wire::{Hash, PullReply},
};

use super::{
    Link,
    facts::Facts,
    merging::{Changes, Reading},
    recovery::WITNESS,
    scope::{scope_fact, withdrawn_facts},
    twin::TWIN,
};
use crate::{Desk, DeskEvent, alerts, desk::WorkspaceRules, error};

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
}

impl<'a> Arrived<'a> {
    /// Changes by themselves.
    pub(super) fn of(changes: &'a Incoming) -> Self {
        static NO_DOCUMENTS: BTreeSet<DocId> = BTreeSet::new();
        let (whole, withdrawn) = (&NO_DOCUMENTS, &NO_DOCUMENTS);
        Self { changes, whole, withdrawn, level: None, witness: None }
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

impl Desk {
    /// Fetches what comes after the cursor and stores it.
    pub(super) async fn pull_batch(&self, link: &Link) -> Result<Pulled, ApiError> {
        let pulled = match self.pull_now(link).await {
            Err(problem) => {
                self.recover_after(problem, link).await?;
                self.pull_now(link).await?
            }
            Ok(pulled) => pulled,
        };
        if self.has_twin().await? && self.store().outbox_len().await.map_err(error::store)? == 0 {
            self.become_new_device(link).await?;
        }
        let unsent = self.store().outbox_len().await.map_err(error::store)? > 0;
        Ok(Pulled { unsent, ..pulled })
    }

    /// The same without regard to what the server may have lost.
    async fn pull_now(&self, link: &Link) -> Result<Pulled, ApiError> {
        let facts = self.ready_facts(link).await?;
        let (after, scope) = (facts.cursor, facts.scope);
        let (reply, witness) = self.ask(link, facts, scope).await?;
        if scope.is_some_and(|known| known != reply.scope) {
            let new = self.rescope(link).await?;
            return Ok(Pulled { new, cursor: after, head: reply.head, unsent: false });
        }
        self.take(reply, after, scope, witness.as_deref()).await
    }

    /// Reads the log on, whatever the member may see: after the server was restored, nothing is let go of before it has back
    /// what it lost.
    pub(super) async fn pull_unscoped(&self, link: &Link) -> Result<Pulled, ApiError> {
        let facts = self.facts().await?;
        let (after, scope) = (facts.cursor, facts.scope);
        let (mut reply, witness) = self.ask(link, facts, None).await?;
        reply.withdrawn.clear();
        self.take(reply, after, scope, witness.as_deref()).await
    }

    async fn ask(
        &self,
        link: &Link,
        facts: Facts,
        scope: Option<Hash>,
    ) -> Result<(PullReply, Option<String>), ApiError> {
        let Facts { cursor: after, witness, tokens, .. } = facts;
        let access = self.access_by(link, tokens).await?;
        let mut answer = link.http.pull(&access, after, scope, witness.as_deref()).await;
        if let Some(access) = self.renewed(link, &access, &answer).await? {
            answer = link.http.pull(&access, after, scope, witness.as_deref()).await;
        }
        let answer = answer?;
        self.learn_clock(answer.offset_ms).await;
        Ok((answer.value, answer.witness))
    }

    /// Checks a batch and stores it. Up to `after` everything is here under the scope `known`.
    async fn take(
        &self,
        reply: PullReply,
        after: u64,
        known: Option<Hash>,
        witness: Option<&str>,
    ) -> Result<Pulled, ApiError> {
        let (cursor, head, scope) = (reply.cursor, reply.head, reply.scope);
        let Received { changes, whole, withdrawn } = receive(reply, after).map_err(error::pull)?;
        if cursor == after && changes.is_empty() && withdrawn.is_empty() && known == Some(scope) {
            return Ok(Pulled { new: 0, cursor, head, unsent: false });
        }
        let level = Some((cursor, scope));
        let arrived =
            Arrived { whole: &whole, withdrawn: &withdrawn, level, witness, ..Arrived::of(&changes) };
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
        let Arrived { changes: by_doc, whole, withdrawn, level, witness } = *arrived;
        let session = self.require_session()?;
        let now = self.now();
        let (mut new, mut twin) = (0, false);
        let meta = witness.map(|witness| (WITNESS.to_owned(), Some(witness.as_bytes().to_vec())));
        let mut batch = Batch { meta: meta.into_iter().collect(), ..Batch::default() };
        if let Some((cursor, scope)) = level {
            batch.cursor = Some(cursor);
            batch.meta.push(scope_fact(scope));
        }
        batch.meta.extend(withdrawn_facts(withdrawn));
        // The settings first: the deadlines of the tickets in the same batch are computed by them.
        let mut reading = Reading { me: self.device(), rules: self.rules(), now };
        if let Some((_, changes)) = by_doc.get(&session.workspace_doc) {
            let settings = vec![(session.workspace_doc, DocKind::Workspace, changes.as_slice())];
            for merged in self.merge_all(settings, &reading).await? {
                (new, twin) = (new + merged.added, twin | merged.is_foreign);
                let Some((write, state)) = merged.write else { continue };
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
        let mut open = Vec::new();
        let docs: Vec<DocId> = others.iter().map(|(doc, ..)| *doc).collect();
        for (doc, merged) in docs.iter().zip(self.merge_all(others, &reading).await?) {
            // A document that comes back into sight has what this device once wrote to it.
            twin |= merged.is_foreign && !whole.contains(doc);
            new += merged.added;
            if let Some((write, state)) = merged.write {
                open.extend(
                    merged.document.map(|document| (document, write.heads.clone(), write.snapshot.len())),
                );
                if let Some(State::Personal(personal)) = &state
                    && personal.id == session.personal_doc
                {
                    heed_personal(personal, now, &mut batch);
                }
                batch.docs.push(write);
            }
        }
        if twin {
            batch.meta.push((TWIN.to_owned(), Some(b"1".to_vec())));
        }
        let settings_changed = batch.docs.iter().any(|write| write.kind == DocKind::Workspace);
        let committed = match self.store().commit(&batch).await {
            Ok(committed) => committed,
            Err(StoreError::Stale { .. }) => return Ok(None),
            Err(problem) => return Err(error::store(problem)),
        };
        if settings_changed {
            self.reload_settings().await?;
        }
        if !committed.docs.is_empty() {
            self.emit(DeskEvent::Changed { kinds: committed.kinds, docs: committed.docs });
            self.inner.deadlines_moved.send_modify(|count| *count += 1);
        }
        for (document, heads, size_bytes) in open {
            self.keep_open(document, heads, size_bytes);
        }
        Ok(Some(new))
    }
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
