//! The one writer of a workspace in this process: a task that takes batches in the order in which they came, decides,
//! writes what is accepted, and only then answers and moves the head.
//!
//! Batches that came while others were being written are decided one after the other and written in one transaction,
//! so that one fsync serves them all. Each sender gets the verdicts that it would have got alone: a batch is judged
//! against the documents as the batches before it left them, and when the transaction fails, each batch is written
//! again in a transaction of its own, so that only the one at fault fails.

mod deciding;

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use desk_docs::{Document, LoadError, Open, OpenDocuments};
use desk_domain::{
    access::Scope,
    ids::{DeviceId, DocId, DocKind, MemberId, WorkspaceId},
    people::Role,
    time::UtcMillis,
    workspace::{Workflow, Workspace},
};
use desk_sync::wire::PushReply;
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::Instant,
};

use deciding::{Decided, Judged, Known};

use super::{
    created::{self, Created},
    proposal::{Herald, Tip, Writing},
    push::{Incoming, Place, Sender, Subject, Unrestorable},
    scopes::{self, ScopeError},
};
use crate::{
    storage::{self, Asked, Digest, LogEntry, MemberRecord, Storage, StorageError, Transaction, Written},
    threads::{LARGE, unhurried},
};

/// Documents that are kept open between batches, at most.
const OPEN_DOCUMENTS: usize = 256;
/// Bytes of snapshots that are kept open between batches, at most. Open, a document takes some five times as much.
const OPEN_BYTES: usize = 8 * 1024 * 1024;
/// Changes that are written together, about: a batch that goes over it is the last of its transaction.
const TOGETHER: usize = 4_000;
/// The same in bytes.
const TOGETHER_BYTES: usize = 8 * 1024 * 1024;
/// More changes than this are much work to decide, however small they are.
const QUICK: usize = 2;
/// How long none is decided ahead after one was waited for in vain.
const WARY: Duration = Duration::from_secs(1);
/// Larger changes are not proposed.
const SMALL_BYTES: usize = 32 * 1024;
/// A workspace that nobody writes to for so long closes its documents.
const IDLE: Duration = Duration::from_mins(5);

/// Why a batch got no verdicts; nothing of it was written.
#[derive(Debug, thiserror::Error)]
pub enum PushError {
    /// The device was revoked, or its member left, since the request was let in.
    #[error("the device may not send changes any more")]
    NotAllowed,
    /// There is no such workspace.
    #[error("the workspace is gone")]
    NoWorkspace,
    /// The storage failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A stored document does not open.
    #[error(transparent)]
    Damaged(#[from] LoadError),
    /// The settings document does not read.
    #[error(transparent)]
    Settings(#[from] ScopeError),
    /// See [`Unrestorable`].
    #[error(transparent)]
    Unrestorable(#[from] Unrestorable),
    /// The batch is to be brought again once its sender has it on their disk.
    #[error("the batch is not on its sender's disk yet")]
    NotYet,
    /// Its sender has not got it on their disk, and never will have.
    #[error("the batch was broken off by its sender")]
    Lost,
    /// A bug: the task ended, or the log gave another number than was decided.
    #[error("the batch could not be decided: {0}")]
    Internal(&'static str),
}

/// Changes that a device sent together.
#[derive(Clone)]
pub(super) struct Batch {
    /// Who sent them, authenticated.
    pub(super) device: DeviceId,
    /// When they came in.
    pub(super) now: UtcMillis,
    pub(super) changes: Vec<Incoming>,
}

impl Batch {
    fn size_bytes(&self) -> usize {
        let size = |incoming: &Incoming| incoming.change.as_ref().map_or(0, |change| change.bytes().len());
        self.changes.iter().map(size).sum()
    }

    /// Whether it may change the rules that the batches after it are judged by.
    fn may_change_settings(&self) -> bool {
        self.changes.iter().any(|incoming| incoming.kind == DocKind::Workspace)
    }
}

type Reply = oneshot::Sender<Result<PushReply, PushError>>;

/// Comes when a batch's sender has it on their disk.
pub(super) type Kept = oneshot::Receiver<()>;

/// A batch that waits for its verdicts.
pub(super) struct Job {
    pub(super) batch: Batch,
    /// `None`: its sender has it on their disk.
    pub(super) kept: Option<Kept>,
    pub(super) reply: Reply,
}

impl Job {
    /// Its sender has it on their disk.
    fn is_kept(&mut self) -> bool {
        let is_kept = self.kept.as_mut().is_none_or(|kept| kept.try_recv().is_ok());
        if is_kept {
            self.kept = None;
        }
        is_kept
    }
}

/// The writer of one workspace.
pub(super) struct Lane {
    storage: Arc<dyn Storage>,
    workspace: WorkspaceId,
    /// How long a batch is waited for that was decided before its sender has it on the disk.
    ahead: Duration,
    head: watch::Sender<u64>,
    herald: Herald,
    /// No batch is decided ahead until then.
    wary_until: Instant,
    /// By the number of each one's newest change.
    open: OpenDocuments<u64>,
    rules: Option<(u64, Arc<Rules>)>,
    created: Arc<Created>,
}

/// What the settings say about changes.
#[derive(Default)]
struct Rules {
    workflow: Workflow,
    /// `None` in a workspace that has no settings yet.
    settings: Option<Workspace>,
    /// Not everybody sees every ticket.
    has_private: bool,
}

impl Rules {
    fn scope(&self, member: MemberId, role: Role) -> Scope {
        self.settings.as_ref().map(|settings| Scope::of(settings, member, role)).unwrap_or_default()
    }
}

impl Lane {
    pub(super) fn new(
        storage: Arc<dyn Storage>,
        workspace: WorkspaceId,
        ahead: Duration,
        head: watch::Sender<u64>,
        herald: Herald,
        created: Arc<Created>,
    ) -> Self {
        let open = OpenDocuments::new(OPEN_DOCUMENTS, OPEN_BYTES);
        let wary_until = Instant::now();
        Self { storage, workspace, ahead, head, herald, wary_until, open, rules: None, created }
    }

    /// Works until nobody can send any more.
    pub(super) async fn run(mut self, mut jobs: mpsc::Receiver<Job>) {
        loop {
            match tokio::time::timeout(IDLE, jobs.recv()).await {
                Ok(Some(mut first)) => {
                    if jobs.is_empty() && Instant::now() >= self.wary_until && !first.is_kept() {
                        let Job { batch, kept, reply } = first;
                        self.answer(vec![batch], kept, vec![reply]).await;
                    } else {
                        let (batches, replies) = gather(first, &mut jobs);
                        self.answer(batches, None, replies).await;
                    }
                }
                Ok(None) => return,
                Err(_idle) => self.open.clear(),
            }
        }
    }

    /// Writes the batches together; where that fails, each for itself.
    async fn answer(&mut self, batches: Vec<Batch>, kept: Option<Kept>, replies: Vec<Reply>) {
        if batches.is_empty() {
            return;
        }
        let again = if batches.len() > 1 { batches.clone() } else { Vec::new() };
        let results = match self.push(batches, kept).await {
            Ok(results) => results,
            Err(error) if again.is_empty() => vec![Err(error)],
            Err(error) => {
                tracing::warn!(%error, batches = again.len(), "could not be written together");
                let mut results = Vec::with_capacity(again.len());
                for batch in again {
                    let alone = self.push(vec![batch], None).await;
                    results.push(alone.and_then(|mut one| one.pop().unwrap_or(Err(UNANSWERED))));
                }
                results
            }
        };
        self.herald.end();
        for (reply, result) in replies.into_iter().zip(results) {
            // Who asked may have hung up; the verdicts stand and a repeated batch gets them again.
            let _ = reply.send(result);
        }
    }

    /// Decides batches in their order and writes what is accepted in one transaction. One answer for each: a batch of
    /// a device that may send nothing does not concern the others. Nothing counts before it is `kept`.
    ///
    /// # Errors
    /// When they cannot be written; nothing of any of them was written then.
    async fn push(
        &mut self,
        batches: Vec<Batch>,
        kept: Option<Kept>,
    ) -> Result<Vec<Result<PushReply, PushError>>, PushError> {
        let mut tx = self.storage.begin(self.workspace).await?;
        let is_heard = matches!(batches.as_slice(), [alone] if self.herald.begin(alone.device));
        let looked = tx.look(&asked(&batches)).await?;
        let workspace = looked.workspace.as_ref().ok_or(PushError::NoWorkspace)?;
        let (settings, head) = (workspace.settings_doc, workspace.head);
        let rules = self.rules(tx.as_mut(), settings, looked.settings_seq).await?;
        let proposed = match batches.as_slice() {
            [batch] if is_heard && !rules.has_private => self.propose(batch, &looked, head),
            _ => None,
        };
        if proposed.is_some() {
            // Who listens may have been woken on this very thread, and would wait for it to be done with deciding.
            tokio::task::yield_now().await;
        }
        let sender = |(device, member): (&DeviceId, &MemberRecord)| Sender {
            device: *device,
            member: member.id,
            role: member.role,
            scope: Arc::new(rules.scope(member.id, member.role)),
        };
        let senders: HashMap<DeviceId, Sender> =
            looked.members.iter().map(|entry| (*entry.0, sender(entry))).collect();
        let known = self.known(tx.as_mut(), &batches, looked).await?;
        let now = batches.iter().map(|batch| batch.now).max().unwrap_or_default();
        let is_quick = batches.iter().map(|batch| batch.changes.len()).sum::<usize>() <= QUICK;
        let size_bytes = if is_quick { batches.iter().map(Batch::size_bytes).sum() } else { LARGE };
        let decide = move || known.decide(batches, &senders, &rules.workflow, head);
        let decided = unhurried(size_bytes, decide).await;
        let Decided { verdicts, entries, refusals, mut settled } =
            decided.map_err(|_| PushError::Internal("deciding failed"))??;

        let newest: HashMap<DocId, u64> =
            (head + 1..).zip(&entries).map(|(seq, entry)| (entry.doc, seq)).collect();
        if entries.is_empty() && refusals.is_empty() {
            drop(tx);
            self.wait_for(kept).await?;
        } else {
            let (documents, grown) = (settled.records(self.workspace, &newest)?, settled.grown(&newest)?);
            let (entries, refused) = (entries.as_slice(), refusals.as_slice());
            let written = Written { entries, refused, documents: &documents, grown: &grown };
            if tx.write(&written).await? != head + 1 {
                return Err(PushError::Internal("the log moved while it was held"));
            }
            for counted in &mut settled.created {
                // A device's clock may be somewhat ahead.
                counted.ticket.created_at = counted.ticket.created_at.min(now);
            }
            if !settled.created.is_empty() {
                tx.count_tickets(&settled.created, created::keep(now)).await?;
            }
            self.wait_for(kept).await?;
            tx.commit().await?;
            if let Some(proposed) = proposed {
                proposed.stand(entries);
            }
            self.created.tell(self.workspace, &settled.created, now);
        }

        let head = head + entries.len() as u64;
        for (doc, open) in settled.unchanged {
            self.open.put(doc, open);
        }
        for changed in settled.changed {
            let seq = newest.get(&changed.doc).copied().unwrap_or_default();
            let size_bytes = changed.size_bytes;
            self.open.put(changed.doc, Open { state: seq, size_bytes, document: changed.document });
        }
        self.head.send_if_modified(|known| {
            let moved = *known < head;
            *known = head.max(*known);
            moved
        });
        let reply = |judged: Option<Judged>| match judged {
            Some(Judged { verdicts, withdrawn, scope }) => Ok(PushReply { verdicts, head, withdrawn, scope }),
            None => Err(PushError::NotAllowed),
        };
        Ok(verdicts.into_iter().map(reply).collect())
    }

    /// Proposes the change of a batch that has one and is likely to be accepted.
    fn propose(&self, batch: &Batch, looked: &storage::Known, head: u64) -> Option<Writing> {
        let [incoming] = batch.changes.as_slice() else { return None };
        let (doc, change) = (incoming.doc, incoming.change.as_ref().ok()?);
        let is_everybodys = match looked.heads.get(&doc) {
            Some(known) => {
                known.workspace == self.workspace && known.owner.is_none() && known.kind == incoming.kind
            }
            None => change.deps().next().is_none(),
        };
        let is_told = !matches!(incoming.kind, DocKind::Workspace | DocKind::Personal);
        let pair = (doc, incoming.hash.0);
        let is_new = !looked.accepted.contains_key(&pair) && !looked.refused.contains_key(&pair);
        let is_own = change.device() == Some(batch.device) && incoming.relayed_for.is_none();
        let is_small = change.bytes().len() <= SMALL_BYTES;
        if !(is_everybodys && is_told && is_new && is_own && is_small) {
            return None;
        }
        let entry = LogEntry {
            doc,
            hash: incoming.hash.0,
            actor: batch.device,
            actor_seq: change.seq(),
            member: Some(looked.members.get(&batch.device)?.id),
            received_at: batch.now,
            bytes: change.bytes().to_vec(),
        };
        let settings_seq = looked.settings_seq.unwrap_or_default();
        let tip = Tip { head, chain: looked.chain, settings_seq };
        Some(self.herald.propose(self.workspace, &tip, incoming.kind, entry))
    }

    /// Waits until the sender has the batch on their disk.
    async fn wait_for(&mut self, kept: Option<Kept>) -> Result<(), PushError> {
        let Some(kept) = kept else { return Ok(()) };
        if let Ok(Ok(())) = tokio::time::timeout(self.ahead, kept).await {
            return Ok(());
        }
        self.wary_until = Instant::now() + WARY;
        Err(PushError::NotYet)
    }

    /// What the settings say about changes, read again when they changed.
    async fn rules(
        &mut self,
        tx: &mut dyn Transaction,
        settings: DocId,
        newest: Option<u64>,
    ) -> Result<Arc<Rules>, PushError> {
        let Some(newest) = newest else { return Ok(Arc::default()) };
        if let Some((seq, rules)) = &self.rules
            && *seq == newest
        {
            return Ok(Arc::clone(rules));
        }
        let record = tx.document(settings).await?.ok_or(PushError::Internal("the settings are gone"))?;
        let of_another_kind = PushError::Internal("the settings are of another kind");
        let settings = scopes::read(&record)?.ok_or(of_another_kind)?;
        let has_private = !scopes::private(&settings).is_empty();
        let rules = Rules { workflow: settings.workflow.clone(), settings: Some(settings), has_private };
        let rules = Arc::new(rules);
        self.rules = Some((record.seq, Arc::clone(&rules)));
        Ok(rules)
    }

    /// What the log knows of all documents that the batches name. Open ones are taken out; batches that fail leave
    /// nothing half-changed behind.
    async fn known(
        &mut self,
        tx: &mut dyn Transaction,
        batches: &[Batch],
        looked: storage::Known,
    ) -> Result<Known, PushError> {
        let storage::Known { heads, mut actor_seqs, mut accepted, refused, .. } = looked;
        let is_here = |doc: &DocId| heads.get(doc).is_some_and(|head| head.workspace == self.workspace);
        // Of another tenant's documents nothing is known; of those that are nowhere, that the change which was to make one was
        // refused.
        actor_seqs.retain(|(doc, _), _| is_here(doc));
        accepted.retain(|(doc, _), _| is_here(doc));
        let docs: BTreeSet<DocId> =
            batches.iter().flat_map(|batch| &batch.changes).map(|incoming| incoming.doc).collect();
        let here: Vec<(DocId, u64)> =
            heads.iter().filter(|(doc, _)| is_here(doc)).map(|(doc, head)| (*doc, head.seq)).collect();
        let mut open = HashMap::new();
        let mut closed = Vec::new();
        for (doc, seq) in here {
            match self.open.take(doc).filter(|open| open.state == seq) {
                Some(found) => {
                    open.insert(doc, found);
                }
                None => closed.push(doc),
            }
        }
        let stored = if closed.is_empty() { HashMap::new() } else { tx.documents(&closed).await? };
        if stored.len() != closed.len() {
            return Err(PushError::Internal("a document is gone"));
        }
        for (doc, record) in stored {
            let document = Document::load(doc, record.kind, &record.snapshot)?;
            open.insert(doc, Open { state: record.seq, size_bytes: record.snapshot.len(), document });
        }

        let mut known = Known { subjects: HashMap::new(), actor_seqs, seqs: HashMap::new() };
        for doc in docs {
            let subject = match (heads.get(&doc), open.remove(&doc)) {
                (None, _) => Subject::nowhere(),
                (Some(_), None) => Subject { place: Place::Elsewhere, ..Subject::nowhere() },
                (Some(head), Some(open)) => {
                    known.seqs.insert(doc, open.state);
                    Subject {
                        place: Place::Here { kind: head.kind, owner: head.owner },
                        document: Some(open.document),
                        size_bytes: open.size_bytes,
                        ..Subject::nowhere()
                    }
                }
            };
            known.subjects.insert(doc, subject);
        }
        for ((doc, hash), seq) in accepted {
            if let Some(subject) = known.subjects.get_mut(&doc) {
                subject.accepted.insert(hash, seq);
            }
        }
        for ((doc, hash), refused) in refused {
            if let Some(subject) = known.subjects.get_mut(&doc) {
                subject.refused.insert(hash, refused.into());
            }
        }
        Ok(known)
    }
}

/// What is to be known of the batches.
fn asked(batches: &[Batch]) -> Asked {
    let mut changes: BTreeSet<(DocId, Digest)> = BTreeSet::new();
    let mut actors: BTreeSet<(DocId, DeviceId)> = BTreeSet::new();
    for batch in batches {
        for incoming in &batch.changes {
            actors.insert((incoming.doc, batch.device));
            let relayed = incoming.relayed_for.as_ref().and_then(|_| incoming.author());
            actors.extend(relayed.map(|author| (incoming.doc, author)));
            changes.extend(incoming.mentions().into_iter().map(|hash| (incoming.doc, hash)));
        }
    }
    let devices: BTreeSet<DeviceId> = batches.iter().map(|batch| batch.device).collect();
    let docs: BTreeSet<DocId> = actors.iter().map(|(doc, _)| *doc).collect();
    Asked {
        devices: devices.into_iter().collect(),
        docs: docs.into_iter().collect(),
        actors: actors.into_iter().collect(),
        changes: changes.into_iter().collect(),
    }
}

/// What cannot be: as many answers as batches are made.
const UNANSWERED: PushError = PushError::Internal("a batch was not answered");

/// The batches that wait, up to what goes into one transaction. One that may change the settings is the last: what
/// comes after it is judged by the rules as it leaves them. Those that their senders do not have on their disks yet are to come
/// again.
fn gather(first: Job, jobs: &mut mpsc::Receiver<Job>) -> (Vec<Batch>, Vec<Reply>) {
    let (mut batches, mut replies) = (Vec::new(), Vec::new());
    let (mut changes, mut size_bytes) = (0, 0);
    let mut next = Some(first);
    while let Some(mut job) = next {
        let is_kept = job.is_kept();
        let Job { batch, reply, .. } = job;
        if !is_kept {
            let _ = reply.send(Err(PushError::NotYet));
            next = jobs.try_recv().ok();
            continue;
        }
        changes += batch.changes.len();
        size_bytes += batch.size_bytes();
        let is_last = changes >= TOGETHER || size_bytes >= TOGETHER_BYTES || batch.may_change_settings();
        batches.push(batch);
        replies.push(reply);
        next = if is_last { None } else { jobs.try_recv().ok() };
    }
    (batches, replies)
}
