//! Snapshots with changes behind them.
//!
//! Writing a document anew for each edit, and opening it once more to see that it is well, costs more than the edit. So what
//! a device stores of a document that it has opened is what it opened, with the changes since behind it as they came. It is
//! written anew once there are many of them: each is applied again whenever the document is opened.

use desk_domain::ids::{DocId, DocKind};

use crate::{
    Document, LoadError, VerifiedChange,
    change::verify_stored,
    chunk::{Unfit, split},
};

/// Most changes behind a document. With so many, opening it takes twice as long as when it is written anew.
const MOST_CHANGES: usize = 8;
/// So many bytes of changes are few, however short the document is.
const FEW_BYTES: usize = 4 * 1024;

/// A document as it is to be stored.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// They are known to open as the document that they are of: they are what stood in the store before, with changes behind
    /// it.
    pub opens: bool,
}

/// The bytes that a document was opened from, with the changes since behind them.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    bytes: Vec<u8>,
    /// So many bytes are the document itself.
    document: usize,
    /// So many changes are behind it.
    changes: usize,
}

impl Kept {
    /// A document that was just written anew.
    fn fresh(bytes: &[u8]) -> Self {
        Self { bytes: bytes.to_vec(), document: bytes.len(), changes: 0 }
    }

    /// Puts a change behind them that the document in memory has taken.
    pub(crate) fn push(&mut self, change: &[u8]) {
        self.bytes.extend_from_slice(change);
        self.changes += 1;
    }

    /// They are few changes, and not longer than the document.
    fn is_short(&self) -> bool {
        let behind = self.bytes.len() - self.document;
        self.changes <= MOST_CHANGES && behind <= self.document.max(FEW_BYTES)
    }
}

impl Document {
    /// Opens a snapshot as [`load`](Self::load) does, and keeps its bytes: what is stored of it next is these, with the new
    /// changes behind them.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn open(id: DocId, kind: DocKind, snapshot: Vec<u8>) -> Result<Self, LoadError> {
        let damaged = |Unfit(why)| LoadError { id, reason: why.to_owned() };
        let (document, changes) = split(&snapshot).map_err(damaged)?;
        let (document, changes) = (document.len(), changes.len());
        let mut opened = Self::load(id, kind, &snapshot)?;
        opened.kept = Some(Kept { bytes: snapshot, document, changes });
        Ok(opened)
    }

    /// What a device stores: what it opened, with the changes since behind it; written anew where they are many, or nothing was
    /// opened. Whoever merged changes of others looks whether what is not known to [open](Snapshot::opens) does.
    pub fn snapshot(&mut self) -> Snapshot {
        let known = match self.kept.take() {
            Some(kept) if kept.is_short() => {
                let bytes = kept.bytes.clone();
                self.kept = Some(kept);
                return Snapshot { bytes, opens: true };
            }
            known => known,
        };
        let bytes = self.save();
        let Some(kept) = known else {
            self.kept = Some(Kept::fresh(&bytes));
            return Snapshot { bytes, opens: false };
        };
        // Nobody has looked yet at what all these changes make of the document. If they should ever make one that does not
        // open, they go on standing behind it.
        let opens =
            Self::load(self.id(), self.kind(), &bytes).is_ok_and(|mut again| again.heads() == self.heads());
        let kept = if opens { Kept::fresh(&bytes) } else { kept };
        let bytes = kept.bytes.clone();
        self.kept = Some(kept);
        Snapshot { bytes, opens: true }
    }

    /// Takes what stands behind a document in its snapshot.
    pub(crate) fn take_behind(&mut self, changes: &[&[u8]]) -> Result<(), String> {
        if changes.is_empty() {
            return Ok(());
        }
        let verified = changes.iter().map(|change| verify_stored(change));
        let verified: Vec<VerifiedChange> =
            verified.collect::<Result<_, _>>().map_err(|problem| problem.to_string())?;
        self.apply(verified).map_err(|problem| problem.to_string())
    }
}

#[cfg(test)]
mod tests {
    use automerge::{
        ActorId, AutoCommit, Change, ROOT,
        legacy::{OpId, SortedVec},
        transaction::Transactable,
    };
    use desk_domain::{ids::uuid_v7, time::UtcMillis};

    use super::*;
    use crate::verify;

    /// A change that is whole and written as changes are, and replaces a value that never was: with it, a document that is
    /// written anew does not open.
    fn unsound(base: &AutoCommit) -> VerifiedChange {
        let mut doc = base.clone().with_actor(ActorId::from(vec![2; 16]));
        doc.put(ROOT, "title", "x").unwrap();
        doc.commit();
        let mut change = doc.get_last_local_change().unwrap().decode();
        let never = OpId::new(1_000, &change.actor_id);
        change.operations[0].pred = SortedVec::from(vec![never]);
        let change = Change::from(change);
        verify(change.raw_bytes(), change.hash().0).unwrap()
    }

    #[test]
    fn a_document_that_would_not_open_is_not_written_anew() {
        let mut raw = AutoCommit::new();
        raw.put(ROOT, "kind", "ticket").unwrap();
        raw.commit();
        let id = DocId(uuid_v7(UtcMillis(1_790_000_000_000), [1; 10]));
        let mut document = Document::open(id, DocKind::Ticket, raw.save_nocompress()).unwrap();
        document.apply(vec![unsound(&raw)]).unwrap();
        let whole = document.save();
        assert!(Document::load(id, DocKind::Ticket, &whole).is_err(), "else this shows nothing");
        // More than stand behind a document otherwise.
        for number in 0..=MOST_CHANGES {
            raw.put(ROOT, "n", i64::try_from(number).unwrap()).unwrap();
            raw.commit();
            document.apply(vec![VerifiedChange::own(raw.get_last_local_change().unwrap())]).unwrap();
            let mut again = Document::load(id, DocKind::Ticket, &document.snapshot().bytes).unwrap();
            assert_eq!(again.heads(), document.heads());
        }
    }
}
