//! The one writer of a workspace in this process: a task that takes batches one after the other, decides, writes
//! each in one transaction, and only then answers and moves the head.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use desk_docs::{Document, LoadError, ReadError};
use desk_domain::{
    ids::{DeviceId, DocId, WorkspaceId},
    state::State,
    time::UtcMillis,
    workspace::Workflow,
};
use desk_sync::wire::PushReply;
use tokio::sync::{mpsc, oneshot, watch};

use super::push::{Incoming, Judgement, Place, Sender, Subject, Unrestorable, judge_batch};
use crate::storage::{DocumentRecord, Storage, StorageError, Transaction};

/// Documents that are kept open between batches, at most.
const OPEN_DOCUMENTS: usize = 256;
/// Bytes of snapshots that are kept open between batches, at most. Open, a document takes some five times as much.
const OPEN_BYTES: usize = 8 * 1024 * 1024;
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
    #[error("the workspace's settings do not read: {0}")]
    Settings(ReadError),
    /// See [`Unrestorable`].
    #[error(transparent)]
    Unrestorable(#[from] Unrestorable),
    /// A bug: the task ended, or the log gave another number than was decided.
    #[error("the batch could not be decided: {0}")]
    Internal(&'static str),
}

/// A batch that waits for its verdicts.
pub(super) struct Job {
    pub(super) device: DeviceId,
    pub(super) now: UtcMillis,
    pub(super) changes: Vec<Incoming>,
    pub(super) reply: oneshot::Sender<Result<PushReply, PushError>>,
}

/// The writer of one workspace.
pub(super) struct Lane {
    storage: Arc<dyn Storage>,
    workspace: WorkspaceId,
    head: watch::Sender<u64>,
    open: OpenDocuments,
    workflow: Option<(u64, Arc<Workflow>)>,
}

impl Lane {
    pub(super) fn new(storage: Arc<dyn Storage>, workspace: WorkspaceId, head: watch::Sender<u64>) -> Self {
        Self { storage, workspace, head, open: OpenDocuments::default(), workflow: None }
    }

    /// Works until nobody can send any more.
    pub(super) async fn run(mut self, mut jobs: mpsc::Receiver<Job>) {
        loop {
            match tokio::time::timeout(IDLE, jobs.recv()).await {
                Ok(Some(job)) => {
                    let result = self.push(job.device, job.now, job.changes).await;
                    // Who asked may have hung up; the verdicts stand and a repeated batch gets them again.
                    let _ = job.reply.send(result);
                }
                Ok(None) => return,
                Err(_idle) => self.open = OpenDocuments::default(),
            }
        }
    }

    async fn push(
        &mut self,
        device: DeviceId,
        now: UtcMillis,
        changes: Vec<Incoming>,
    ) -> Result<PushReply, PushError> {
        let mut tx = self.storage.begin(self.workspace).await?;
        let workspace = tx.workspace().await?.ok_or(PushError::NoWorkspace)?;
        let member = tx.member_of_device(device).await?.ok_or(PushError::NotAllowed)?;
        let sender = Sender { device, member: member.id, role: member.role };
        let workflow = self.workflow(tx.as_mut(), workspace.settings_doc).await?;
        let (mut subjects, seqs) = self.subjects(tx.as_mut(), device, &changes).await?;

        let head = workspace.head;
        let decide = move || {
            let judgement = judge_batch(sender, &workflow, now, head, &mut subjects, changes)?;
            Ok::<_, Unrestorable>((judgement, Settled::of(subjects, &seqs)))
        };
        let (Judgement { verdicts, entries }, settled) = tokio::task::spawn_blocking(decide)
            .await
            .map_err(|_| PushError::Internal("deciding failed"))??;

        let mut newest = BTreeMap::new();
        for (expected, entry) in (head + 1..).zip(&entries) {
            if tx.append(entry).await? != expected {
                return Err(PushError::Internal("the log moved while it was held"));
            }
            newest.insert(entry.doc, expected);
        }
        let head = head + entries.len() as u64;
        for changed in &settled.changed {
            let (Place::Here { kind, owner }, Some(seq)) = (changed.place, newest.get(&changed.doc)) else {
                return Err(PushError::Internal("a document changed without a change"));
            };
            let (id, workspace, seq) = (changed.doc, self.workspace, *seq);
            let (heads, snapshot) = (changed.heads.clone(), changed.snapshot.clone());
            tx.put_document(&DocumentRecord { id, workspace, kind, owner, seq, heads, snapshot }).await?;
        }
        if entries.is_empty() {
            drop(tx);
        } else {
            tx.commit().await?;
        }

        for (doc, open) in settled.unchanged {
            self.open.put(doc, open);
        }
        for changed in settled.changed {
            let seq = newest.get(&changed.doc).copied().unwrap_or_default();
            let size_bytes = changed.snapshot.len();
            self.open.put(changed.doc, Open { seq, size_bytes, document: changed.document });
        }
        self.head.send_if_modified(|known| {
            let moved = *known < head;
            *known = head.max(*known);
            moved
        });
        Ok(PushReply { verdicts, head })
    }

    /// The status moves that the workspace allows, read again when its settings changed.
    async fn workflow(
        &mut self,
        tx: &mut dyn Transaction,
        settings: DocId,
    ) -> Result<Arc<Workflow>, PushError> {
        let nobody = DeviceId(uuid::Uuid::nil());
        let Some(head) = tx.document_head(settings, nobody).await? else {
            return Ok(Arc::new(Workflow::default()));
        };
        if let Some((seq, workflow)) = &self.workflow
            && *seq == head.seq
        {
            return Ok(Arc::clone(workflow));
        }
        let record = tx.document(settings).await?.ok_or(PushError::Internal("the settings are gone"))?;
        let document = Document::load(record.id, record.kind, &record.snapshot)?;
        let workflow = match document.read().map_err(PushError::Settings)? {
            State::Workspace(workspace) => workspace.workflow,
            State::Ticket(_) | State::Article(_) | State::Incident(_) | State::Personal(_) => {
                return Err(PushError::Internal("the settings are of another kind"));
            }
        };
        let workflow = Arc::new(workflow);
        self.workflow = Some((record.seq, Arc::clone(&workflow)));
        Ok(workflow)
    }

    /// What the log knows of the documents that the batch names, and the number of each one's newest change.
    async fn subjects(
        &mut self,
        tx: &mut dyn Transaction,
        device: DeviceId,
        changes: &[Incoming],
    ) -> Result<(BTreeMap<DocId, Subject>, HashMap<DocId, u64>), PushError> {
        let mut mentioned: BTreeMap<DocId, Vec<_>> = BTreeMap::new();
        for incoming in changes {
            mentioned.entry(incoming.doc).or_default().extend(incoming.mentions());
        }
        let mut subjects = BTreeMap::new();
        let mut seqs = HashMap::new();
        for (doc, mut hashes) in mentioned {
            let subject = match tx.document_head(doc, device).await? {
                None => Subject::nowhere(),
                Some(head) if head.workspace != self.workspace => {
                    Subject { place: Place::Elsewhere, ..Subject::nowhere() }
                }
                Some(head) => {
                    hashes.sort_unstable();
                    hashes.dedup();
                    let open = self.open(tx, doc, head.seq).await?;
                    seqs.insert(doc, open.seq);
                    Subject {
                        place: Place::Here { kind: head.kind, owner: head.owner },
                        accepted: tx.accepted(doc, &hashes).await?,
                        actor_seq: head.actor_seq,
                        size_bytes: open.size_bytes,
                        document: Some(open.document),
                        changed: false,
                    }
                }
            };
            subjects.insert(doc, subject);
        }
        Ok((subjects, seqs))
    }

    /// The document at `seq`: the open one if it is that, else the stored one. It is taken out; a batch that fails
    /// leaves nothing half-changed behind.
    async fn open(&mut self, tx: &mut dyn Transaction, doc: DocId, seq: u64) -> Result<Open, PushError> {
        if let Some(open) = self.open.take(doc)
            && open.seq == seq
        {
            return Ok(open);
        }
        let record = tx.document(doc).await?.ok_or(PushError::Internal("a document is gone"))?;
        let document = Document::load(doc, record.kind, &record.snapshot)?;
        Ok(Open { seq: record.seq, size_bytes: record.snapshot.len(), document })
    }
}

/// The documents of a batch after it was decided.
struct Settled {
    changed: Vec<Changed>,
    unchanged: Vec<(DocId, Open)>,
}

/// A document that the batch changed, ready to be stored.
struct Changed {
    doc: DocId,
    place: Place,
    heads: Vec<[u8; 32]>,
    snapshot: Vec<u8>,
    document: Document,
}

impl Settled {
    fn of(subjects: BTreeMap<DocId, Subject>, seqs: &HashMap<DocId, u64>) -> Self {
        let mut settled = Self { changed: Vec::new(), unchanged: Vec::new() };
        for (doc, subject) in subjects {
            let Some(mut document) = subject.document else { continue };
            if subject.changed {
                let (heads, snapshot) = (document.heads(), document.save());
                settled.changed.push(Changed { doc, place: subject.place, heads, snapshot, document });
            } else if let Some(seq) = seqs.get(&doc) {
                let size_bytes = subject.size_bytes;
                settled.unchanged.push((doc, Open { seq: *seq, size_bytes, document }));
            }
        }
        settled
    }
}

/// A document that is kept open.
struct Open {
    /// The number of its newest change.
    seq: u64,
    /// The size of its snapshot.
    size_bytes: usize,
    document: Document,
}

/// The documents that were used last.
#[derive(Default)]
struct OpenDocuments {
    documents: HashMap<DocId, (u64, Open)>,
    size_bytes: usize,
    uses: u64,
}

impl OpenDocuments {
    fn take(&mut self, doc: DocId) -> Option<Open> {
        let (_, open) = self.documents.remove(&doc)?;
        self.size_bytes -= open.size_bytes;
        Some(open)
    }

    fn put(&mut self, doc: DocId, open: Open) {
        self.take(doc);
        self.uses += 1;
        self.size_bytes += open.size_bytes;
        self.documents.insert(doc, (self.uses, open));
        while self.documents.len() > OPEN_DOCUMENTS || self.size_bytes > OPEN_BYTES {
            let oldest = self.documents.iter().min_by_key(|(_, (used, _))| *used).map(|(doc, _)| *doc);
            let Some(oldest) = oldest else { break };
            self.take(oldest);
        }
    }
}
