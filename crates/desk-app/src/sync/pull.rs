//! One batch in: verified, applied, and written with the cursor in one transaction.

use std::collections::HashMap;

use desk_api::ApiError;
use desk_docs::{Document, ReadError, VerifiedChange};
use desk_domain::{
    ids::{DocId, DocKind},
    personal::Personal,
    state::State,
    time::UtcMillis,
    workspace::Workspace,
};
use desk_store::{AlertWrite, Batch, DocWrite, StoreError};
use desk_sync::pull::{Incoming, merge, receive};

use super::{Link, recovery::WITNESS, twin::TWIN};
use crate::{Desk, DeskEvent, alerts, desk::WorkspaceRules, edit::write_of, error};

/// How often a batch is applied anew when the person edits the same documents meanwhile.
const TRIES: u32 = 8;

/// Stands in the store while deadlines have to be computed anew.
pub(super) const REDERIVE: &str = "rederive";

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
        self.recover_if_due(link).await?;
        self.follow_device().await?;
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
    pub(super) async fn pull_now(&self, link: &Link) -> Result<Pulled, ApiError> {
        let after = self.store().cursor().await.map_err(error::store)?;
        let access = self.access_token(link).await?;
        let witness = self.witness().await?;
        let mut answer = link.http.pull(&access, after, witness.as_deref()).await;
        if let Some(access) = self.renewed(link, &access, &answer).await? {
            answer = link.http.pull(&access, after, witness.as_deref()).await;
        }
        let answer = answer?;
        self.learn_clock(answer.offset_ms).await;
        let reply = answer.value;
        let (cursor, head) = (reply.cursor, reply.head);
        let by_doc = receive(reply, after).map_err(error::pull)?;
        if by_doc.is_empty() && cursor == after {
            return Ok(Pulled { new: 0, cursor, head, unsent: false });
        }
        for _ in 0..TRIES {
            let stored = {
                let _writing = self.inner.writing.lock().await;
                self.store_changes(&by_doc, cursor, answer.witness.as_deref()).await?
            };
            if let Some(new) = stored {
                self.rederive_if_due().await?;
                return Ok(Pulled { new, cursor, head, unsent: false });
            }
            tracing::debug!("a document was edited while its changes were applied; again");
        }
        Err(error::store(StoreError::Busy))
    }

    /// Applies verified changes and commits; `None` when a document was written meanwhile.
    async fn store_changes(
        &self,
        by_doc: &Incoming,
        cursor: u64,
        witness: Option<&str>,
    ) -> Result<Option<u64>, ApiError> {
        let session = self.require_session()?;
        let now = self.now();
        let (mut new, mut twin) = (0, false);
        let meta = witness.map(|witness| (WITNESS.to_owned(), Some(witness.as_bytes().to_vec())));
        let mut batch = Batch { cursor: Some(cursor), meta: meta.into_iter().collect(), ..Batch::default() };
        // The settings first: the deadlines of the tickets in the same batch are computed by them.
        let mut rules = self.rules();
        if let Some((_, changes)) = by_doc.get(&session.workspace_doc) {
            let (write, added) =
                self.incoming(session.workspace_doc, DocKind::Workspace, changes, &rules, &mut twin).await?;
            new += added;
            if let Some((write, state)) = write {
                if let Some(State::Workspace(workspace)) = state {
                    if counts_otherwise(rules.workspace.as_ref(), &workspace) {
                        batch.meta.push((REDERIVE.to_owned(), Some(b"1".to_vec())));
                    }
                    rules = std::sync::Arc::new(WorkspaceRules::of(Some(*workspace)));
                }
                batch.docs.push(write);
            }
        }
        for (doc, (kind, changes)) in by_doc {
            if *doc == session.workspace_doc {
                continue;
            }
            let (write, added) = self.incoming(*doc, *kind, changes, &rules, &mut twin).await?;
            new += added;
            if let Some((write, state)) = write {
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
        Ok(Some(new))
    }

    /// A document with the changes that it does not have yet; nothing to write when it has them all.
    async fn incoming(
        &self,
        doc: DocId,
        kind: DocKind,
        changes: &[VerifiedChange],
        rules: &WorkspaceRules,
        twin: &mut bool,
    ) -> Result<(Option<(DocWrite, Option<State>)>, u64), ApiError> {
        let (document, heads) = self.load(doc).await?.unzip();
        let me = self.device();
        *twin |= changes.iter().any(|change| {
            change.device() == Some(me) && !document.as_ref().is_some_and(|known| known.has(change.hash()))
        });
        let Some(merged) = merge(document, doc, kind, changes).map_err(error::pull)? else {
            return Ok((None, 0));
        };
        let (mut document, added) = (merged.document, merged.added);
        let state = match document.read() {
            Ok(state) => Some(state),
            // Kept and synced untouched; a newer program reads it. One bad document must not stop all the others.
            Err(problem @ (ReadError::NewerSchema { .. } | ReadError::Malformed { .. })) => {
                tracing::warn!(%doc, %problem, "a document is kept unread");
                None
            }
        };
        let write = write_of(&mut document, heads, state.as_ref(), rules, self.now());
        Ok((Some((write, state)), added))
    }

    /// Computes all deadlines anew if the policies or calendars changed. That it is due is written in the same transaction
    /// as the change, so a crash in between does not leave the old ones standing. Documents that are edited meanwhile are
    /// derived by their own commit.
    pub(super) async fn rederive_if_due(&self) -> Result<(), ApiError> {
        if self.store().meta(REDERIVE).await.map_err(error::store)?.is_none() {
            return Ok(());
        }
        let rules = self.rules();
        for kind in [DocKind::Ticket, DocKind::Incident] {
            let mut after = None;
            loop {
                let page = self.store().documents_of_kind(kind, after, 500).await.map_err(error::store)?;
                let Some(last) = page.last() else { break };
                after = Some(last.id);
                let mut writes = Vec::new();
                for stored in page {
                    // What does not read is `desk doctor`'s to tell of.
                    let Ok(mut document) = Document::load(stored.id, kind, &stored.snapshot) else {
                        continue;
                    };
                    let Ok(state) = document.read() else { continue };
                    writes.push(write_of(
                        &mut document,
                        Some(stored.heads),
                        Some(&state),
                        &rules,
                        self.now(),
                    ));
                }
                match self.store().replace_projection(&writes).await {
                    Ok(_) | Err(StoreError::Stale { .. }) => {}
                    Err(problem) => return Err(error::store(problem)),
                }
            }
        }
        self.inner.deadlines_moved.send_modify(|count| *count += 1);
        self.store().set_meta(REDERIVE, None).await.map_err(error::store)
    }
}

/// Whether deadlines are other ones by the new settings.
fn counts_otherwise(before: Option<&Workspace>, after: &Workspace) -> bool {
    before.is_some_and(|before| {
        before.policies != after.policies
            || before.calendars != after.calendars
            || before.escalation_min != after.escalation_min
    })
}

/// What the member's own settings say about this device: how the interface looks, and what was acknowledged elsewhere.
pub(super) fn heed_personal(personal: &Personal, now: UtcMillis, batch: &mut Batch) {
    batch.alerts.extend(acknowledged(personal, now));
    if let Some(settings) = personal.preferences.get("interface") {
        batch.meta.push(("settings".to_owned(), Some(settings.clone().into_bytes())));
    }
}

/// Alerts that another device of the member acknowledged.
fn acknowledged(personal: &Personal, now: UtcMillis) -> impl Iterator<Item = AlertWrite> {
    let keys: HashMap<_, _> =
        personal.acknowledged.iter().filter_map(|(text, at)| Some((alerts::parse_key(text)?, *at))).collect();
    keys.into_iter().map(move |(key, at)| AlertWrite {
        key,
        raised_at: now,
        // It was shown where it was acknowledged.
        notified_at: Some(now),
        acknowledged_at: Some(at),
        silent: false,
    })
}
