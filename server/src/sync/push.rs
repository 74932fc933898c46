//! The verdicts on a batch of changes, as a pure function of what the server knows.
//!
//! Order matters: a change is judged against the documents as the accepted changes before it left them, also those
//! of the same batch. A refused change leaves its document as it was.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use desk_docs::{Author, Document, Invalid, Refusal, VerifiedChange, judge, verify};
use desk_domain::{
    access::Scope,
    ids::{DeviceId, DocId, DocKind, MemberId},
    people::Role,
    permissions::{Actor, Denied},
    time::UtcMillis,
    workspace::Workflow,
};
use desk_sync::wire::{Hash, MAX_CHANGE_BYTES, Outcome, RejectCode, Verdict, WireChange};

use crate::storage::{Digest, LogEntry, Refused};

/// Most bytes that a document's snapshot and new changes may have together.
pub const MAX_DOCUMENT_BYTES: usize = 32 * 1024 * 1024;

/// Why a change is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// For programs.
    pub code: RejectCode,
    /// For people, in English.
    pub reason: String,
}

impl Rejection {
    fn new(code: RejectCode, reason: impl Into<String>) -> Self {
        Self { code, reason: reason.into() }
    }
}

/// A change as it came in, its bytes already verified. Verifying needs no document, so it is done before the
/// workspace's log is taken hold of.
#[derive(Clone, Debug)]
pub struct Incoming {
    /// The document it says it belongs to.
    pub doc: DocId,
    /// What kind it says that is.
    pub kind: DocKind,
    /// The hash it claims.
    pub hash: Hash,
    /// The change, if its bytes hold.
    pub change: Result<VerifiedChange, Rejection>,
    /// By whose rights it is judged although another device made it than the one that sends it; see `sync::relay`.
    pub relayed_for: Option<Actor>,
}

impl Incoming {
    /// Verifies a change's size, framing, checksum and hash.
    pub fn verify(change: &WireChange) -> Self {
        let verified = if change.bytes.len() > MAX_CHANGE_BYTES {
            let reason = format!(
                "the change has {} bytes, more than the {MAX_CHANGE_BYTES} that are allowed",
                change.bytes.len()
            );
            Err(Rejection::new(RejectCode::TooLarge, reason))
        } else {
            verify(&change.bytes, change.hash.0)
                .map_err(|corrupt| Rejection::new(RejectCode::Corrupt, corrupt.to_string()))
        };
        Self { doc: change.doc, kind: change.kind, hash: change.hash, change: verified, relayed_for: None }
    }

    /// The device that made it, if the change says so and its bytes hold.
    pub fn author(&self) -> Option<DeviceId> {
        self.change.as_ref().ok().and_then(VerifiedChange::device)
    }

    /// Another device than this one made it.
    pub fn is_by_another(&self, device: DeviceId) -> bool {
        self.author().is_some_and(|author| author != device)
    }

    /// The hashes that the log is asked for: its own and those it builds on.
    pub fn mentions(&self) -> Vec<Digest> {
        let deps = self.change.iter().flat_map(VerifiedChange::deps);
        std::iter::once(self.hash.0).chain(deps).collect()
    }
}

/// Where a document stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Nobody has it.
    Nowhere,
    /// In this workspace.
    Here {
        /// What it is about.
        kind: DocKind,
        /// Whose it is, for a personal document.
        owner: Option<MemberId>,
    },
    /// In another workspace.
    Elsewhere,
}

/// What the server knows of one document of a batch.
#[derive(Debug)]
pub struct Subject {
    /// Where it stands.
    pub place: Place,
    /// The document, where it stands here.
    pub document: Option<Document>,
    /// Those of the hashes that the batch mentions which the log has, with their numbers.
    pub accepted: HashMap<Digest, u64>,
    /// The sending device's newest sequence number in the document.
    pub actor_seq: u64,
    /// The same of other devices whose changes the batch brings.
    pub relayed_seqs: HashMap<DeviceId, u64>,
    /// Those of the hashes that were refused before, where another moment might decide otherwise.
    pub refused: HashMap<Digest, Rejection>,
    /// The size of its snapshot and of what was accepted since.
    pub size_bytes: usize,
    /// Whether the batch changed it.
    pub changed: bool,
}

impl Subject {
    /// A document that nobody has.
    pub fn nowhere() -> Self {
        Self {
            place: Place::Nowhere,
            document: None,
            accepted: HashMap::new(),
            refused: HashMap::new(),
            actor_seq: 0,
            relayed_seqs: HashMap::new(),
            size_bytes: 0,
            changed: false,
        }
    }
}

/// Who sends a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sender {
    /// The authenticated device.
    pub device: DeviceId,
    /// Whose it is.
    pub member: MemberId,
    /// What they may do at this moment.
    pub role: Role,
    /// What they see at this moment.
    pub scope: Arc<Scope>,
}

/// The verdicts on a batch, and what is to be written for them to hold.
#[derive(Debug)]
pub struct Judgement {
    /// One per change, in order.
    pub verdicts: Vec<Verdict>,
    /// The newly accepted ones, in the order of their numbers, which follow `head` without a gap.
    pub entries: Vec<LogEntry>,
    /// The newly refused ones that are to be remembered: a verdict stands. A request that was thought lost and comes late
    /// must not bring into the log what its author was told is refused, and has taken out of the document.
    pub refusals: Vec<Refused>,
    /// Documents that the sender may not see any more, by what was accepted of this batch.
    pub withdrawn: Vec<DocId>,
}

/// A document could not be brought back to what it was before a change that Automerge failed on: the batch cannot
/// go on with it. Nothing of the batch may be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the document {doc} could not be restored after a change that does not fit it")]
pub struct Unrestorable {
    /// Which one.
    pub doc: DocId,
}

/// Judges a batch, in order. `subjects` holds every document that it names, and is left with the accepted changes applied;
/// `head` is the log's newest number.
///
/// # Errors
/// See [`Unrestorable`].
pub fn judge_batch(
    sender: Sender,
    workflow: &Workflow,
    now: UtcMillis,
    head: u64,
    subjects: &mut BTreeMap<DocId, Subject>,
    changes: Vec<Incoming>,
) -> Result<Judgement, Unrestorable> {
    let actor = Actor { member: Some(sender.member), role: sender.role };
    let (device, author) = (sender.device, Author { device: sender.device, actor, workflow });
    let mut bench = Bench {
        sender,
        author,
        now,
        head,
        refused: HashMap::new(),
        entries: Vec::new(),
        refusals: Vec::new(),
    };
    let mut touched = BTreeSet::new();
    let mut verdicts = Vec::with_capacity(changes.len());
    for incoming in changes {
        let (doc, hash) = (incoming.doc, incoming.hash);
        // Of others' changes and of mere claims of a hash nothing is remembered: their author was told nothing.
        let is_own = incoming.author() == Some(device);
        let subject = subjects.entry(doc).or_insert_with(Subject::nowhere);
        let outcome = match bench.judge_one(subject, incoming)? {
            Ok(seq) => {
                touched.insert(doc);
                Outcome::Accepted { seq }
            }
            Err(rejection) => {
                bench.refuse(subject, (doc, hash.0), is_own, &rejection);
                Outcome::Rejected { code: rejection.code, reason: rejection.reason }
            }
        };
        verdicts.push(Verdict { hash, outcome });
    }
    let is_hidden = |doc: &DocId| subjects.get(doc).is_some_and(|subject| bench.is_hidden(subject));
    let withdrawn = touched.into_iter().filter(is_hidden).collect();
    Ok(Judgement { verdicts, entries: bench.entries, refusals: bench.refusals, withdrawn })
}

/// What stays the same for a batch, and what has been decided of it so far.
struct Bench<'a> {
    sender: Sender,
    author: Author<'a>,
    now: UtcMillis,
    head: u64,
    refused: HashMap<(DocId, Digest), RejectCode>,
    entries: Vec<LogEntry>,
    refusals: Vec<Refused>,
}

impl Bench<'_> {
    /// Notes a refusal, and remembers it where it is to stand.
    fn refuse(&mut self, subject: &mut Subject, change: (DocId, Digest), is_own: bool, why: &Rejection) {
        self.refused.insert(change, why.code);
        let (doc, hash) = change;
        let may_change = may_change(why.code) || self.is_hidden(subject);
        if is_own && may_change && !subject.refused.contains_key(&hash) {
            subject.refused.insert(hash, why.clone());
            let (code, reason) = (why.code, why.reason.clone());
            self.refusals.push(Refused { doc, hash, code, reason, refused_at: self.now });
        }
    }

    fn judge_one(
        &mut self,
        subject: &mut Subject,
        incoming: Incoming,
    ) -> Result<Result<u64, Rejection>, Unrestorable> {
        let Incoming { doc, kind, hash, change, relayed_for } = incoming;
        let change = match change {
            Ok(change) => change,
            Err(rejection) => return Ok(Err(rejection)),
        };
        if self.is_hidden(subject) {
            // Its author knows what the log has of it already; all else is as if there were no such document.
            let is_own = change.device() == Some(self.sender.device);
            return Ok(match (subject.accepted.get(&hash.0), subject.refused.get(&hash.0)) {
                (Some(seq), _) if is_own => Ok(*seq),
                (_, Some(rejection)) => Err(rejection.clone()),
                (_, None) => Err(self.unknown(doc, &change)),
            });
        }
        if let Err(rejection) = self.belongs(subject, kind) {
            return Ok(Err(rejection));
        }
        if let Some(seq) = subject.accepted.get(&hash.0) {
            return Ok(Ok(*seq));
        }
        if let Some(rejection) = subject.refused.get(&hash.0) {
            return Ok(Err(rejection.clone()));
        }
        if subject.place == Place::Nowhere && change.deps().next().is_some() {
            return Ok(Err(self.unknown(doc, &change)));
        }
        let mut document = subject.document.take().unwrap_or_else(|| Document::empty(doc, kind));
        let relayed = relayed_for.and_then(|actor| Some((change.device()?, actor)));
        if let Err(rejection) = self.may_stand(subject, &document, &change, relayed.as_ref()) {
            subject.document = matches!(subject.place, Place::Here { .. }).then_some(document);
            return Ok(Err(rejection));
        }
        let (actor_seq, bytes) = (change.seq(), change.bytes().to_vec());
        if let Err(error) = document.apply(vec![change]) {
            if matches!(subject.place, Place::Here { .. }) {
                subject.document = Some(without(document, hash).ok_or(Unrestorable { doc })?);
            }
            return Ok(Err(Rejection::new(RejectCode::Schema, error.to_string())));
        }
        self.head += 1;
        subject.place = match subject.place {
            Place::Nowhere => Place::Here { kind, owner: None },
            Place::Here { .. } | Place::Elsewhere => subject.place,
        };
        subject.accepted.insert(hash.0, self.head);
        let author = relayed.map(|(author, _)| author);
        match author {
            Some(author) => drop(subject.relayed_seqs.insert(author, actor_seq)),
            None => subject.actor_seq = actor_seq,
        }
        subject.size_bytes += bytes.len();
        subject.document = Some(document);
        subject.changed = true;
        self.entries.push(LogEntry {
            doc,
            hash: hash.0,
            actor: author.unwrap_or(self.sender.device),
            actor_seq,
            member: Some(self.sender.member),
            received_at: self.now,
            bytes,
        });
        Ok(Ok(self.head))
    }

    /// The document stands here and is not for the sender to see.
    fn is_hidden(&self, subject: &Subject) -> bool {
        let team = || subject.document.as_ref().and_then(Document::team);
        // Most workspaces have no private team: nothing is looked up then.
        !self.sender.scope.hidden().is_empty()
            && matches!(subject.place, Place::Here { .. })
            && !self.sender.scope.sees(team().as_deref())
    }

    /// The refusal of a change to a document that is not here, or not for the sender: word for word the same.
    fn unknown(&self, doc: DocId, change: &VerifiedChange) -> Rejection {
        let builds_on =
            |dep| self.refused.get(&(doc, dep)).is_some_and(|code| *code != RejectCode::UnknownDocument);
        if change.deps().any(builds_on) {
            let reason = "the change it builds on was refused".to_owned();
            return Rejection::new(RejectCode::DependsOnRejected, reason);
        }
        Rejection::new(RejectCode::UnknownDocument, "there is no such document, or it is not for you to see")
    }

    /// The document is of this tenant, this member and this kind; a new one is of a kind that members make.
    fn belongs(&self, subject: &Subject, kind: DocKind) -> Result<(), Rejection> {
        let wrong = |reason: &str| Err(Rejection::new(RejectCode::WrongDocument, reason));
        match subject.place {
            Place::Elsewhere => wrong("the document is not in this workspace"),
            Place::Here { kind: known, .. } if known != kind => wrong("the document is of another kind"),
            Place::Here { owner: Some(owner), .. } if owner != self.sender.member => {
                wrong("the document is another member's own")
            }
            Place::Here { .. } => Ok(()),
            Place::Nowhere => match kind {
                DocKind::Ticket | DocKind::Article | DocKind::Incident => Ok(()),
                DocKind::Workspace | DocKind::Personal => wrong("only the server makes settings documents"),
            },
        }
    }

    /// The change is the sender's own, or one that they may bring, follows what is here, and keeps the rules.
    fn may_stand(
        &self,
        subject: &Subject,
        document: &Document,
        change: &VerifiedChange,
        relayed: Option<&(DeviceId, Actor)>,
    ) -> Result<(), Rejection> {
        let reject = |code, reason: String| Err(Rejection::new(code, reason));
        if relayed.is_none() && change.device() != Some(self.sender.device) {
            return reject(RejectCode::WrongActor, "the change was made by another device".to_owned());
        }
        if self.sender.role == Role::Requester {
            return reject(RejectCode::Forbidden, "a requester does not change documents".to_owned());
        }
        if matches!(subject.place, Place::Here { .. }) && change.deps().next().is_none() {
            // A second skeleton would hide the first one's maps, and all that stands in them.
            return reject(RejectCode::Schema, "the document exists already".to_owned());
        }
        for dep in change.deps() {
            if self.refused.contains_key(&(document.id(), dep)) {
                let reason = "the change it builds on was refused".to_owned();
                return reject(RejectCode::DependsOnRejected, reason);
            }
            if !subject.accepted.contains_key(&dep) {
                let reason = format!("the change {} that it builds on is not here", Hash(dep));
                return reject(RejectCode::MissingDependency, reason);
            }
        }
        let known = match relayed {
            Some((author, _)) => subject.relayed_seqs.get(author).copied().unwrap_or(0),
            None => subject.actor_seq,
        };
        let expected = known + 1;
        if change.seq() < expected {
            let reason = format!("the device has made another change {} of this document", change.seq());
            return reject(RejectCode::DuplicateSeq, reason);
        }
        if change.seq() > expected {
            let reason = format!("the device's change {expected} of this document is not here");
            return reject(RejectCode::MissingDependency, reason);
        }
        if subject.size_bytes + change.bytes().len() > MAX_DOCUMENT_BYTES {
            let reason = format!("the document would have more than {MAX_DOCUMENT_BYTES} bytes");
            return reject(RejectCode::TooLarge, reason);
        }
        let author = relayed.map(|(device, actor)| Author {
            device: *device,
            actor: actor.clone(),
            workflow: self.author.workflow,
        });
        let author = author.as_ref().unwrap_or(&self.author);
        judge(document, change, author, self.now).map_err(Rejection::from)
    }
}

impl From<Refused> for Rejection {
    fn from(refused: Refused) -> Self {
        Self { code: refused.code, reason: refused.reason }
    }
}

/// Whether the same change might be accepted at another moment: with another role, other settings, a later clock. What is
/// wrong in itself stays wrong; what builds on a missing change is welcome once that one is here.
fn may_change(code: RejectCode) -> bool {
    match code {
        RejectCode::Forbidden | RejectCode::Workflow | RejectCode::TooLarge | RejectCode::Clock => true,
        RejectCode::Corrupt
        | RejectCode::WrongActor
        | RejectCode::DuplicateSeq
        | RejectCode::MissingDependency
        | RejectCode::DependsOnRejected
        | RejectCode::WrongDocument
        | RejectCode::UnknownDocument
        | RejectCode::Schema => false,
    }
}

impl From<Refusal> for Rejection {
    fn from(refusal: Refusal) -> Self {
        let code = match &refusal {
            Refusal::Invalid(Invalid::Schema { .. }) => RejectCode::Schema,
            Refusal::Invalid(Invalid::TooLarge { .. }) => RejectCode::TooLarge,
            Refusal::Denied(Denied::Workflow { .. }) => RejectCode::Workflow,
            Refusal::Denied(Denied::Role { .. } | Denied::ForeignSignature { .. }) => RejectCode::Forbidden,
            Refusal::Clock { .. } => RejectCode::Clock,
        };
        Self::new(code, refusal.to_string())
    }
}

/// The document without a change that Automerge failed on half-way.
fn without(mut document: Document, hash: Hash) -> Option<Document> {
    let mut restored = Document::empty(document.id(), document.kind());
    let changes = document.changes().into_iter().filter(|change| change.hash() != hash.0).collect();
    restored.apply(changes).ok().map(|()| restored)
}

#[cfg(test)]
mod tests;
