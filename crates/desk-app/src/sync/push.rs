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
    push::{Fate, Refused, Verdicts, Waiting, clashing, read_by, settle, verdicts},
    wire::{BATCH_BYTES, BATCH_CHANGES, Hash, Push, PushReply, WireChange},
};

use super::{
    Link, facts::Facts, http::Answer, recovery::witness_fact, scope::withdrawn_facts, twin::twin_fact,
};
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
            Err(problem) => return Err(self.recover_after(problem, link).await),
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
        let facts = self.ready_facts().await?;
        let waiting = self.store().outbox_batch(BATCH_BYTES, BATCH_CHANGES).await.map_err(error::store)?;
        if waiting.is_empty() {
            return Ok(Pushed { accepted: 0, rejected: 0, head: facts.cursor, more: false, read: None });
        }
        let level = (facts.cursor, facts.scope);
        let answer = self.send(link, facts, &waiting).await?;
        self.heed_verdicts(level, &waiting, answer).await
    }

    /// Acts on the verdicts on what `waiting` sent, when the log was read to a cursor under a scope.
    pub(super) async fn heed_verdicts(
        &self,
        (cursor, scope): (u64, Option<Hash>),
        waiting: &[OutboxChange],
        answer: Answer<PushReply>,
    ) -> Result<Pushed, ApiError> {
        let (accepted, mut refused) = judged(waiting, &answer.value)?;
        // Another copy of this device has used a number. What waits in these documents is made again under a fresh id.
        let sent =
            waiting.iter().map(|change| (change.doc, Waiting { hash: change.hash, edit: &change.edit }));
        let clashing = clashing(sent, &mut refused);
        let done = u64::try_from(accepted.len()).unwrap_or(u64::MAX);
        let mut batch = self.noted(&answer, accepted).await?;
        let reply = answer.value;
        // What a device sent it need not be sent.
        let read = if clashing.is_empty() { read_by(&reply, cursor, scope) } else { None };
        batch.cursor = read;
        if !clashing.is_empty() {
            batch.meta.push(twin_fact());
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
        if !reply.withdrawn.is_empty() {
            self.withdraw_due().await?;
        }
        let more = self.store().outbox_len().await.map_err(error::store)? > 0;
        self.emit_sync().await;
        Ok(Pushed { accepted: done, rejected, head: reply.head, more, read })
    }

    /// Sends changes of the outbox; nothing is written.
    async fn send(
        &self,
        link: &Link,
        facts: Facts,
        waiting: &[OutboxChange],
    ) -> Result<Answer<PushReply>, ApiError> {
        let changes = waiting
            .iter()
            .map(|change| WireChange {
                doc: change.doc,
                kind: change.kind,
                hash: Hash(change.hash),
                bytes: change.bytes.clone(),
            })
            .collect();
        let (push, witness) = (&Push { changes }, facts.witness.as_deref());
        let push = |access: String| async move { link.http.push(&access, push, witness).await };
        let answer = self.ask_by(link, facts.tokens, push).await?;
        self.learn_clock(answer.offset_ms).await;
        Ok(answer)
    }

    /// Sends everything that waits under an id that is another's, too, and takes out what stands in the log: the other copy, or
    /// this one before it was restored, may have sent it. What the server refuses stays as it is.
    pub(super) async fn offer_all(&self, link: &Link) -> Result<(), ApiError> {
        let mut after = 0;
        loop {
            let part = self.store().outbox_after(after, BATCH_BYTES, BATCH_CHANGES).await;
            let part = part.map_err(error::store)?;
            let Some(last) = part.last() else { return Ok(()) };
            after = last.seq;
            let answer = self.send(link, self.facts().await?, &part).await?;
            let (accepted, _) = judged(&part, &answer.value)?;
            let batch = self.noted(&answer, accepted).await?;
            self.store().commit(&batch).await.map_err(error::store)?;
        }
    }

    /// What is written of verdicts whatever they are.
    async fn noted(&self, answer: &Answer<PushReply>, accepted: Vec<Hash32>) -> Result<Batch, ApiError> {
        // With the verdicts: the server's log has these changes now, and if it should lose them, this is how it shows.
        let mut meta: Vec<_> = answer.witness.as_deref().into_iter().map(witness_fact).collect();
        meta.extend(withdrawn_facts(&answer.value.withdrawn.iter().copied().collect()));
        meta.extend(self.judged_under(answer.value.scope).await?);
        Ok(Batch { accepted, meta, ..Batch::default() })
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

/// The verdicts on what was sent.
fn judged(
    sent: &[OutboxChange],
    reply: &PushReply,
) -> Result<(Vec<Hash32>, BTreeMap<Hash32, Refused>), ApiError> {
    match verdicts(sent.iter().map(|change| change.hash), reply) {
        Ok(Verdicts { accepted, refused }) => Ok((accepted, refused)),
        Err(problem) => Err(ApiError::new(ErrorCode::BadServer, problem.to_string())),
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
