//! One batch out: the server's verdicts are written down, and what it refused is taken out of the documents again.

use std::collections::{BTreeMap, BTreeSet};

use desk_api::{ApiError, ErrorCode};
use desk_docs::{Author, Document};
use desk_domain::{
    ids::{DeviceId, DocId, incident_number, ticket_number},
    state::State,
    time::UtcMillis,
};
use desk_store::{Batch, Hash32, OutboxChange, OutboxEntry, Rejection};
use desk_sync::{
    engine::Engine,
    push::{Fate, Refused, Waiting, read_by, settle, verdicts},
    wire::{BATCH_BYTES, BATCH_CHANGES, Hash, Push, RejectCode, WireChange},
};

use super::{Link, recovery::WITNESS, scope::withdrawn_facts, twin::TWIN};
use crate::{Desk, DeskEvent, edit::write_of, error};

/// What a push did.
pub(super) struct Pushed {
    pub(super) accepted: u64,
    pub(super) rejected: u64,
    pub(super) head: u64,
    pub(super) more: bool,
    /// How far the log is read by the verdicts alone.
    pub(super) read: Option<u64>,
}

impl Pushed {
    /// Tells the engine.
    pub(super) fn tell(&self, engine: &mut Engine, now: UtcMillis) {
        engine.pushed(now, self.head, self.more, self.read);
    }
}

impl Desk {
    /// Sends the first batch of the outbox and acts on the verdicts.
    pub(super) async fn push_batch(&self, link: &Link) -> Result<Pushed, ApiError> {
        let pushed = match self.push_now(link).await {
            Err(problem) => {
                self.recover_after(problem, link).await?;
                self.push_now(link).await?
            }
            Ok(pushed) => pushed,
        };
        if self.has_twin().await? {
            self.become_new_device(link).await?;
            let more = self.store().outbox_len().await.map_err(error::store)? > 0;
            return Ok(Pushed { more, ..pushed });
        }
        Ok(pushed)
    }

    async fn push_now(&self, link: &Link) -> Result<Pushed, ApiError> {
        let facts = self.ready_facts(link).await?;
        let waiting = self.store().outbox_batch(BATCH_BYTES, BATCH_CHANGES).await.map_err(error::store)?;
        if waiting.is_empty() {
            return Ok(Pushed { accepted: 0, rejected: 0, head: facts.cursor, more: false, read: None });
        }
        let changes = waiting
            .iter()
            .map(|change| WireChange {
                doc: change.doc,
                kind: change.kind,
                hash: Hash(change.hash),
                bytes: change.bytes.clone(),
            })
            .collect();
        let push = Push { changes };
        let access = self.access_by(link, facts.tokens).await?;
        let (cursor, scope, witness) = (facts.cursor, facts.scope, facts.witness);
        let mut answer = link.http.push(&access, &push, witness.as_deref()).await;
        if let Some(access) = self.renewed(link, &access, &answer).await? {
            answer = link.http.push(&access, &push, witness.as_deref()).await;
        }
        let answer = answer?;
        self.learn_clock(answer.offset_ms).await;
        let reply = answer.value;
        let judged = verdicts(waiting.iter().map(|change| change.hash), &reply)
            .map_err(|problem| ApiError::new(ErrorCode::BadServer, problem.to_string()))?;
        let (accepted, mut refused) = (judged.accepted, judged.refused);
        let withdrawn: BTreeSet<DocId> = reply.withdrawn.iter().copied().collect();
        // Another copy of this device has used the number. What waits in these documents is made again under a fresh id.
        let is_clash = |change: &&OutboxChange| {
            let code = refused.get(&change.hash).map(|why| why.code);
            code == Some(RejectCode::DuplicateSeq.as_str()) && !change.edit.ops.is_empty()
        };
        let clashing: BTreeSet<DocId> = waiting.iter().filter(is_clash).map(|change| change.doc).collect();
        for change in waiting.iter().filter(|change| clashing.contains(&change.doc)) {
            refused.remove(&change.hash);
        }
        let done = u64::try_from(accepted.len()).unwrap_or(u64::MAX);
        // With the verdicts: the server's log has these changes now, and if it should lose them, this is how it shows.
        let meta = answer.witness.map(|witness| (WITNESS.to_owned(), Some(witness.into_bytes())));
        // What a device sent it need not be sent.
        let read = if clashing.is_empty() { read_by(&reply, cursor, scope) } else { None };
        let mut batch =
            Batch { accepted, cursor: read, meta: meta.into_iter().collect(), ..Batch::default() };
        batch.meta.extend(withdrawn_facts(&withdrawn));
        batch.meta.extend(self.judged_under(reply.scope).await?);
        if !clashing.is_empty() {
            batch.meta.push((TWIN.to_owned(), Some(b"1".to_vec())));
        }
        self.store().commit(&batch).await.map_err(error::store)?;
        let rejected = u64::try_from(refused.len()).unwrap_or(u64::MAX);
        let docs: BTreeSet<DocId> = waiting
            .iter()
            .filter(|change| refused.contains_key(&change.hash))
            .map(|change| change.doc)
            .collect();
        for doc in docs {
            self.take_back(doc, &refused).await?;
        }
        if !withdrawn.is_empty() {
            self.withdraw_due().await?;
        }
        let more = self.store().outbox_len().await.map_err(error::store)? > 0;
        self.emit_sync().await;
        Ok(Pushed { accepted: done, rejected, head: reply.head, more, read })
    }

    /// Takes everything that waits out of the documents, into the list of refused edits: the person signs out without
    /// sending it.
    pub(crate) async fn discard_unsent(&self) -> Result<(), ApiError> {
        loop {
            let waiting =
                self.store().outbox_batch(BATCH_BYTES, BATCH_CHANGES).await.map_err(error::store)?;
            if waiting.is_empty() {
                return Ok(());
            }
            let mut by_doc: BTreeMap<DocId, BTreeMap<[u8; 32], Refused>> = BTreeMap::new();
            for change in waiting {
                let reason = "discarded when signing out".to_owned();
                by_doc
                    .entry(change.doc)
                    .or_default()
                    .insert(change.hash, Refused { code: "discarded", reason });
            }
            for (doc, changes) in by_doc {
                self.take_back(doc, &changes).await?;
            }
        }
    }

    /// Rebuilds a document without the refused changes: from its other changes, with the edits that came after the
    /// refused ones made again. Those that do not hold any more are refused in turn. One transaction.
    async fn take_back(&self, doc: DocId, refused: &BTreeMap<[u8; 32], Refused>) -> Result<(), ApiError> {
        let _writing = self.inner.writing.lock().await;
        let Some((document, heads)) = self.load(doc).await? else { return Ok(()) };
        let waiting = self.store().outbox_of(doc).await.map_err(error::store)?;
        let mut batch = Batch::default();
        let state = self.settle_into(document, heads, self.device(), &waiting, refused, &mut batch)?;
        if let Some(state) = &state {
            self.adopt(state);
        }
        let committed = self.store().commit(&batch).await.map_err(error::store)?;
        for change in refused.values() {
            tracing::warn!(ticket.id = %doc, code = change.code, "the server refused an edit");
        }
        self.emit(DeskEvent::Changed { kinds: committed.kinds.clone(), docs: committed.docs.clone() });
        self.inner.deadlines_moved.send_modify(|count| *count += 1);
        Ok(())
    }

    /// Puts into a batch what settling a document's waiting edits leaves: made as `device`, without the refused changes.
    /// Gives back what the document says then, nothing when nothing is left of it.
    pub(super) fn settle_into(
        &self,
        document: Document,
        heads: Vec<Hash32>,
        device: DeviceId,
        waiting: &[OutboxChange],
        refused: &BTreeMap<Hash32, Refused>,
        batch: &mut Batch,
    ) -> Result<Option<State>, ApiError> {
        let (session, rules, now) = (self.require_session()?, self.rules(), self.now());
        let workflow =
            rules.workspace.as_ref().map(|workspace| workspace.workflow.clone()).unwrap_or_default();
        let author = Author { device, ..self.author(&session, &workflow) };
        let (doc, subject) = (document.id(), subject(&document));
        let edits: Vec<_> =
            waiting.iter().map(|change| Waiting { hash: change.hash, edit: &change.edit }).collect();
        let settled =
            settle(document, &edits, refused, &author, now, self.inner.ids.as_ref()).map_err(error::apply)?;
        for (hash, fate) in settled.fates {
            match fate {
                Fate::Again(again) => {
                    batch.accepted.push(hash);
                    let replaced = waiting.iter().find(|change| change.hash == hash);
                    batch.outbox.extend(replaced.map(|change| OutboxEntry {
                        doc,
                        hash: again.hash,
                        bytes: again.bytes,
                        edit: change.edit.clone(),
                        edited_at: change.edited_at,
                    }));
                }
                Fate::Holds => batch.accepted.push(hash),
                Fate::Refused(Refused { code, reason }) => batch.rejected.push(Rejection {
                    hash,
                    code: code.to_owned(),
                    reason,
                    subject: subject.clone(),
                    rejected_at: now,
                }),
            }
        }
        let mut rebuilt = settled.document;
        if rebuilt.is_empty() {
            batch.drop_docs.push(doc);
            return Ok(None);
        }
        let state = rebuilt.read().map_err(|problem| error::read(&problem))?;
        batch.docs.push(write_of(&mut rebuilt, Some(heads), Some(&state), &rules, now));
        Ok(Some(state))
    }
}

/// What a document is called in the list of refused edits.
pub(super) fn subject(document: &Document) -> String {
    match document.read() {
        Ok(State::Ticket(ticket)) => ticket_number(ticket.id),
        Ok(State::Incident(incident)) => incident_number(incident.id),
        Ok(State::Article(article)) => article.title,
        Ok(State::Workspace(_)) => "workspace".to_owned(),
        Ok(State::Personal(_)) => "personal".to_owned(),
        Err(_) => document.id().to_string(),
    }
}
