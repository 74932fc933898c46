//! What a pulled batch means for a device's documents: checked, verified, sorted by document, merged.

use std::collections::{BTreeMap, BTreeSet};

use desk_docs::{ApplyError, CorruptChange, Document, LoadError, Snapshot, VerifiedChange, verify};
use desk_domain::ids::{DeviceId, DocId, DocKind};

use crate::wire::{PullReply, WholeDocument};

/// A batch that a device does not take. Nothing of it may be stored.
#[derive(Debug, thiserror::Error)]
pub enum PullError {
    /// The numbers do not rise from the cursor.
    #[error("the server's changes are out of order")]
    OutOfOrder,
    /// The new cursor lies before the last change or behind the head.
    #[error("the server's cursor does not fit its changes")]
    Cursor,
    /// The bytes are not the change that was announced.
    #[error("change {seq}: {problem}")]
    Corrupt {
        /// Its number in the log.
        seq: u64,
        /// What is wrong with it.
        problem: CorruptChange,
    },
    /// The document is known here as something else.
    #[error("the server gives document {0} another kind")]
    OtherKind(DocId),
    /// A change does not fit what is here.
    #[error("the server's changes do not fit this store: {0}")]
    Apply(#[from] ApplyError),
    /// With the changes the document would be another one once it is opened again.
    #[error("the server's changes would make of document {0} another one when it is opened again")]
    Altered(DocId),
    /// With the changes the document would not open any more.
    #[error("the server's changes would leave a document that does not open: {0}")]
    Unsound(#[from] LoadError),
}

/// Verified changes by document, each document's in the order of the log.
pub type Incoming = BTreeMap<DocId, (DocKind, Vec<VerifiedChange>)>;

/// Checks that the numbers rise, come after the cursor, and that the new cursor does not fall behind them.
///
/// # Errors
/// [`PullError::OutOfOrder`], [`PullError::Cursor`].
pub fn check_order(reply: &PullReply, after: u64) -> Result<(), PullError> {
    let mut last = after;
    for change in &reply.changes {
        if change.seq <= last {
            return Err(PullError::OutOfOrder);
        }
        last = change.seq;
    }
    if reply.cursor < last || reply.cursor > reply.head { Err(PullError::Cursor) } else { Ok(()) }
}

/// A batch that was taken.
#[derive(Debug)]
pub struct Received {
    /// What is to be merged.
    pub changes: Incoming,
    /// Documents of `changes` that came whole: changes of this very device are nothing new in them.
    pub whole: BTreeSet<DocId>,
    /// Documents that the member may not see any more.
    pub withdrawn: BTreeSet<DocId>,
}

/// Takes a batch that follows the cursor `after`: its order is checked, every change verified and put to its document.
///
/// # Errors
/// See [`PullError`]; one bad change refuses the batch.
pub fn receive(reply: PullReply, after: u64) -> Result<Received, PullError> {
    check_order(&reply, after)?;
    let mut changes = whole(reply.documents)?;
    let whole: BTreeSet<DocId> = changes.keys().copied().collect();
    for logged in reply.changes {
        let (seq, change) = (logged.seq, logged.change);
        let verified =
            verify(&change.bytes, change.hash.0).map_err(|problem| PullError::Corrupt { seq, problem })?;
        let entry = changes.entry(change.doc).or_insert_with(|| (change.kind, Vec::new()));
        if entry.0 != change.kind {
            return Err(PullError::OtherKind(change.doc));
        }
        let stands_already =
            whole.contains(&change.doc) && entry.1.iter().any(|known| known.hash() == verified.hash());
        if !stands_already {
            entry.1.push(verified);
        }
    }
    Ok(Received { changes, whole, withdrawn: reply.withdrawn.into_iter().collect() })
}

/// Takes documents that came whole apart into their changes.
///
/// # Errors
/// [`PullError::Unsound`], [`PullError::OtherKind`].
pub fn whole(documents: Vec<WholeDocument>) -> Result<Incoming, PullError> {
    let mut taken = Incoming::new();
    for WholeDocument { doc, kind, snapshot } in documents {
        let changes = Document::load(doc, kind, &snapshot)?.changes();
        if taken.insert(doc, (kind, changes)).is_some_and(|(known, _)| known != kind) {
            return Err(PullError::OtherKind(doc));
        }
    }
    Ok(taken)
}

/// Whether changes of the log bear the id of this device although it never made them: another installation has that id, too.
/// (In a document that came [whole](Received::whole) they are what it once wrote.)
pub fn has_foreign(document: Option<&Document>, changes: &[VerifiedChange], me: DeviceId) -> bool {
    let is_here = |hash| document.is_some_and(|document| document.has(hash));
    changes.iter().any(|change| change.device() == Some(me) && !is_here(change.hash()))
}

/// A document that a pull changed, to be stored; before that, to be held against [`check_opens`] unless its snapshot is known
/// to open.
#[derive(Debug)]
pub struct Merged {
    /// As it is now.
    pub document: Document,
    /// The same as bytes.
    pub snapshot: Snapshot,
    /// How many changes were new here.
    pub added: u64,
}

/// Puts pulled changes into a document (`None`: there is none here yet); `None` when it has them all.
///
/// # Errors
/// [`PullError::OtherKind`], [`PullError::Apply`]; the stored document is untouched.
pub fn merge(
    document: Option<Document>,
    doc: DocId,
    kind: DocKind,
    changes: &[VerifiedChange],
) -> Result<Option<Merged>, PullError> {
    let mut document = document.unwrap_or_else(|| Document::empty(doc, kind));
    if document.kind() != kind {
        return Err(PullError::OtherKind(doc));
    }
    let missing: Vec<VerifiedChange> =
        changes.iter().filter(|change| !document.has(change.hash())).cloned().collect();
    if missing.is_empty() {
        return Ok(None);
    }
    let added = u64::try_from(missing.len()).unwrap_or(u64::MAX);
    document.apply(missing)?;
    let snapshot = document.snapshot();
    Ok(Some(Merged { document, snapshot, added }))
}

/// Checks that a merged document opens again as what it is. What the server let through was judged; should it ever have let
/// through something that leaves a document which does not, that shows here, before anything is stored. By itself, since it is
/// work for a processor that need not wait for what else is done with the document.
///
/// # Errors
/// [`PullError::Unsound`], [`PullError::Altered`].
pub fn check_opens(doc: DocId, kind: DocKind, snapshot: &[u8], heads: &[[u8; 32]]) -> Result<(), PullError> {
    let opened = Document::load(doc, kind, snapshot)?.heads();
    if opened == heads { Ok(()) } else { Err(PullError::Altered(doc)) }
}

#[cfg(test)]
mod tests;
