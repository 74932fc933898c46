//! Batches decided in their order, without I/O: from what the log knows of their documents to what is to be written.

use std::collections::{BTreeMap, HashMap, HashSet};

use desk_docs::{Document, Open};
use desk_domain::{
    ids::{DeviceId, DocId, WorkspaceId},
    workspace::Workflow,
};
use desk_sync::{
    scope::scope_id,
    wire::{Hash, Verdict},
};

use super::{Batch, PushError};
use crate::{
    storage::{DocumentRecord, Grown, LogEntry, Refused, signals::CountedTicket},
    sync::{
        compaction, created,
        push::{Judgement, Place, Sender, Subject, Unrestorable, judge_batch},
    },
};

/// What the log knows of the documents that some batches name.
pub(super) struct Known {
    /// The sender's `actor_seq` is filled in for each batch.
    pub(super) subjects: HashMap<DocId, Subject>,
    pub(super) actor_seqs: HashMap<(DocId, DeviceId), u64>,
    /// The number of each document's newest change, of those that are here.
    pub(super) seqs: HashMap<DocId, u64>,
}

/// What the sender of a batch is told.
pub(super) struct Judged {
    /// One per change, in order.
    pub(super) verdicts: Vec<Verdict>,
    /// What they may not see any more.
    pub(super) withdrawn: Vec<DocId>,
    /// What they see, by name.
    pub(super) scope: Hash,
}

/// What was decided of some batches.
pub(super) struct Decided {
    /// For each batch, in order; `None` where the sender may send nothing.
    pub(super) verdicts: Vec<Option<Judged>>,
    /// What was accepted of all of them, in the order of the numbers.
    pub(super) entries: Vec<LogEntry>,
    /// What was refused and is to be remembered.
    pub(super) refusals: Vec<Refused>,
    pub(super) settled: Settled,
}

impl Known {
    /// Decides batches in their order.
    pub(super) fn decide(
        mut self,
        batches: Vec<Batch>,
        senders: &HashMap<DeviceId, Sender>,
        workflow: &Workflow,
        head: u64,
    ) -> Result<Decided, Unrestorable> {
        let mut verdicts = Vec::with_capacity(batches.len());
        let mut entries: Vec<LogEntry> = Vec::new();
        let mut refusals = Vec::new();
        for batch in batches {
            let Some(sender) = senders.get(&batch.device).cloned() else {
                verdicts.push(None);
                continue;
            };
            let head = head + entries.len() as u64;
            let scope = scope_id(&sender.scope);
            let judgement = self.judge(sender, workflow, head, batch)?;
            let Judgement { verdicts: given, entries: accepted, refusals: remembered, withdrawn } = judgement;
            entries.extend(accepted);
            refusals.extend(remembered);
            verdicts.push(Some(Judged { verdicts: given, withdrawn, scope }));
        }
        Ok(Decided { verdicts, entries, refusals, settled: Settled::of(self.subjects, &self.seqs) })
    }

    fn judge(
        &mut self,
        sender: Sender,
        workflow: &Workflow,
        head: u64,
        batch: Batch,
    ) -> Result<Judgement, Unrestorable> {
        let docs: HashSet<DocId> = batch.changes.iter().map(|incoming| incoming.doc).collect();
        let relayed: HashSet<(DocId, DeviceId)> = batch
            .changes
            .iter()
            .filter(|incoming| incoming.relayed_for.is_some())
            .filter_map(|incoming| Some((incoming.doc, incoming.author()?)))
            .collect();
        let mut subjects = BTreeMap::new();
        for doc in docs {
            if let Some(mut subject) = self.subjects.remove(&doc) {
                subject.actor_seq = self.actor_seqs.get(&(doc, sender.device)).copied().unwrap_or(0);
                subject.relayed_seqs = relayed
                    .iter()
                    .filter(|(of, _)| *of == doc)
                    .map(|(_, author)| (*author, self.actor_seqs.get(&(doc, *author)).copied().unwrap_or(0)))
                    .collect();
                subjects.insert(doc, subject);
            }
        }
        let device = sender.device;
        let judgement = judge_batch(sender, workflow, batch.now, head, &mut subjects, batch.changes)?;
        for (doc, subject) in subjects {
            self.actor_seqs.insert((doc, device), subject.actor_seq);
            for (author, seq) in &subject.relayed_seqs {
                self.actor_seqs.insert((doc, *author), *seq);
            }
            self.subjects.insert(doc, subject);
        }
        Ok(judgement)
    }
}

/// The documents of some batches after they were decided.
pub(super) struct Settled {
    pub(super) changed: Vec<Changed>,
    pub(super) unchanged: Vec<(DocId, Open<u64>)>,
    /// The tickets that came into being with them.
    pub(super) created: Vec<CountedTicket>,
}

/// A document that changed, ready to be stored.
pub(super) struct Changed {
    pub(super) doc: DocId,
    pub(super) place: Place,
    pub(super) heads: Vec<[u8; 32]>,
    /// `None` for a large one, which is not written anew each time (see [`compaction`]).
    pub(super) snapshot: Option<Vec<u8>>,
    /// The size of its snapshot, about.
    pub(super) size_bytes: usize,
    pub(super) document: Document,
}

impl Settled {
    fn of(subjects: HashMap<DocId, Subject>, seqs: &HashMap<DocId, u64>) -> Self {
        let mut settled = Self { changed: Vec::new(), unchanged: Vec::new(), created: Vec::new() };
        for (doc, subject) in subjects {
            let Some(mut document) = subject.document else { continue };
            if subject.changed {
                if !seqs.contains_key(&doc) {
                    settled.created.extend(created::counted(&document));
                }
                let is_large = seqs.contains_key(&doc) && subject.size_bytes > compaction::LARGE_BYTES;
                let (heads, snapshot) = (document.heads(), (!is_large).then(|| document.save()));
                let size_bytes = snapshot.as_ref().map_or(subject.size_bytes, Vec::len);
                let place = subject.place;
                settled.changed.push(Changed { doc, place, heads, snapshot, size_bytes, document });
            } else if let Some(seq) = seqs.get(&doc) {
                let size_bytes = subject.size_bytes;
                settled.unchanged.push((doc, Open { state: *seq, size_bytes, document }));
            }
        }
        settled
    }

    /// Those that are written whole.
    pub(super) fn records(
        &self,
        workspace: WorkspaceId,
        newest: &HashMap<DocId, u64>,
    ) -> Result<Vec<DocumentRecord>, PushError> {
        let record = |(changed, snapshot): (&Changed, &Vec<u8>)| {
            let (Place::Here { kind, owner }, Some(seq)) = (changed.place, newest.get(&changed.doc)) else {
                return Err(PushError::Internal("a document changed without a change"));
            };
            let (id, seq) = (changed.doc, *seq);
            let (heads, snapshot) = (changed.heads.clone(), snapshot.clone());
            let team = changed.document.team();
            Ok(DocumentRecord { id, workspace, kind, owner, seq, team, heads, snapshot })
        };
        let written = self.changed.iter().filter_map(|changed| Some((changed, changed.snapshot.as_ref()?)));
        written.map(record).collect()
    }

    /// Those that go on without their snapshots.
    pub(super) fn grown(&self, newest: &HashMap<DocId, u64>) -> Result<Vec<Grown>, PushError> {
        let only = self.changed.iter().filter(|changed| changed.snapshot.is_none());
        only.map(|changed| {
            let (id, heads, team) = (changed.doc, changed.heads.clone(), changed.document.team());
            let seq = newest.get(&id).ok_or(PushError::Internal("a document changed without a change"))?;
            Ok(Grown { id, seq: *seq, team, heads })
        })
        .collect()
    }
}
