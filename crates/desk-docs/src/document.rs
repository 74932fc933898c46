//! A document in memory.

use std::panic::{AssertUnwindSafe, catch_unwind};

use automerge::{AutoCommit, ChangeHash, ReadDoc, transaction::CommitOptions};
use desk_domain::{
    edit::Edit,
    ids::{DocId, DocKind, Ids},
    state::State,
    time::UtcMillis,
};

use crate::{
    PastChange, actor_of,
    change::{self, VerifiedChange},
    chunk::{Unfit, check_document, split},
    history,
    judge::{Author, Refusal, judge},
    read::{self, ReadError},
    snapshot::Kept,
    write,
};

/// One Automerge document with what it is about.
#[derive(Clone, Debug)]
pub struct Document {
    id: DocId,
    kind: DocKind,
    doc: AutoCommit,
    pub(crate) kept: Option<Kept>,
}

/// A change that was just made here.
#[derive(Clone, Debug)]
pub struct NewChange {
    /// Its hash.
    pub hash: [u8; 32],
    /// Its bytes, as they are stored and sent.
    pub bytes: Vec<u8>,
}

/// How a ticket began, as far as that can be told without reading it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beginning {
    /// Its title.
    pub title: String,
    /// Its category's key.
    pub category: Option<String>,
    /// When it came into being.
    pub created_at: UtcMillis,
}

/// A snapshot cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("the document {id} is damaged: {reason}")]
pub struct LoadError {
    /// Which one.
    pub id: DocId,
    /// What Automerge says.
    pub reason: String,
}

/// A change cannot be applied.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// Changes that it builds on are not in the document.
    #[error("{missing} changes that this one builds on are missing")]
    MissingDependencies {
        /// How many.
        missing: usize,
    },
    /// Another change has its actor and sequence number, or Automerge found it inconsistent.
    #[error("the change does not fit the document: {0}")]
    Inconsistent(String),
}

/// An edit cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// The rules forbid it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The document was written by a newer program.
    #[error("the document was written by a newer version (schema {found}); update to edit it")]
    NewerSchema {
        /// Its schema number.
        found: u32,
    },
    /// The document exists already, or does not exist yet.
    #[error("{0}")]
    WrongPlace(&'static str),
    /// The document does not read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Automerge refused an operation: a bug.
    #[error("the edit could not be written: {0}")]
    Automerge(#[from] automerge::AutomergeError),
}

impl Document {
    /// A document that nobody has written to.
    pub fn empty(id: DocId, kind: DocKind) -> Self {
        Self { id, kind, doc: AutoCommit::new(), kept: None }
    }

    /// Opens a snapshot: a document, and what changes stand [behind](crate::Snapshot) it.
    ///
    /// # Errors
    /// When it is damaged; an empty snapshot counts as damaged, since Automerge would take it for an empty document.
    pub fn load(id: DocId, kind: DocKind, snapshot: &[u8]) -> Result<Self, LoadError> {
        let damaged = |reason: &str| LoadError { id, reason: reason.to_owned() };
        if snapshot.is_empty() {
            return Err(damaged("the snapshot is empty"));
        }
        // Automerge would take single changes, too, and then save something that it does not load.
        let (document, behind) = split(snapshot).map_err(|Unfit(why)| damaged(why))?;
        check_document(document).map_err(|Unfit(why)| damaged(why))?;
        let mut loaded = match catch_unwind(AssertUnwindSafe(|| AutoCommit::load(document))) {
            Ok(Ok(doc)) => Self { id, kind, doc, kept: None },
            Ok(Err(error)) => return Err(damaged(&error.to_string())),
            Err(_) => return Err(damaged("it cannot be parsed")),
        };
        loaded.take_behind(&behind).map_err(|problem| damaged(&problem))?;
        Ok(loaded)
    }

    /// Its id.
    pub fn id(&self) -> DocId {
        self.id
    }

    /// What it is about.
    pub fn kind(&self) -> DocKind {
        self.kind
    }

    /// Nothing was ever written to it.
    pub fn is_empty(&mut self) -> bool {
        self.doc.get_heads().is_empty()
    }

    /// The document written anew: uncompressed, since what stores or sends many compresses them together.
    pub fn save(&mut self) -> Vec<u8> {
        self.doc.save_nocompress()
    }

    /// The snapshot for an exported file.
    pub fn save_compressed(&mut self) -> Vec<u8> {
        self.doc.save()
    }

    /// The hashes of its newest changes, sorted. Equal heads mean equal documents.
    pub fn heads(&mut self) -> Vec<[u8; 32]> {
        let mut heads: Vec<[u8; 32]> = self.doc.get_heads().into_iter().map(|hash| hash.0).collect();
        heads.sort_unstable();
        heads
    }

    /// Whether a change is in it.
    pub fn has(&self, hash: [u8; 32]) -> bool {
        self.doc.get_change_by_hash(&ChangeHash(hash)).is_some()
    }

    /// All its changes, dependencies before dependents: what a rebuild without a refused change starts from.
    pub fn changes(&mut self) -> Vec<VerifiedChange> {
        self.doc.get_changes(&[]).into_iter().map(VerifiedChange::own).collect()
    }

    /// The changes that a copy with these heads has not, dependencies before dependents. Heads that are not here are passed
    /// over.
    pub fn changes_after(&mut self, heads: &[[u8; 32]]) -> Vec<VerifiedChange> {
        let known: Vec<ChangeHash> =
            heads.iter().filter(|hash| self.has(**hash)).map(|hash| ChangeHash(*hash)).collect();
        self.doc.get_changes(&known).into_iter().map(VerifiedChange::own).collect()
    }

    /// The greatest sequence number that `device` has used in it; 0 for none.
    pub fn last_seq(&mut self, device: desk_domain::ids::DeviceId) -> u64 {
        let actor = actor_of(device);
        self.doc
            .get_changes_meta(&[])
            .iter()
            .filter(|meta| *meta.actor == actor)
            .map(|meta| meta.seq)
            .max()
            .unwrap_or(0)
    }

    /// Makes an edit: one change, or `None` when everything is already as the edit wants it. The change is judged
    /// as the server will judge it; on any error the document in hand is gone and the stored one is untouched,
    /// which is why this takes it by value.
    ///
    /// # Errors
    /// See [`EditError`].
    pub fn edit(
        self,
        author: &Author<'_>,
        edit: &Edit,
        now: UtcMillis,
        ids: &dyn Ids,
    ) -> Result<(Self, Option<NewChange>), EditError> {
        self.edit_offline(author, edit, now, ids, None)
    }

    /// Makes an edit as [`edit`](Self::edit) does, on a device that has not reached the server since `offline_since`:
    /// the change says so, for whoever finds it in a conflict.
    ///
    /// # Errors
    /// See [`EditError`].
    pub fn edit_offline(
        mut self,
        author: &Author<'_>,
        edit: &Edit,
        now: UtcMillis,
        ids: &dyn Ids,
        offline_since: Option<UtcMillis>,
    ) -> Result<(Self, Option<NewChange>), EditError> {
        let creates = edit.ops.creates();
        match (creates, self.is_empty()) {
            (true, false) => return Err(EditError::WrongPlace("the document exists already")),
            (false, true) => return Err(EditError::WrongPlace("the document does not exist")),
            (true, true) | (false, false) => {}
        }
        if !creates {
            let found = read::schema(&self.doc)?;
            if found > crate::SCHEMA {
                return Err(EditError::NewerSchema { found });
            }
        }
        if !write::has_sections(&self.doc, &edit.ops)? {
            return Err(EditError::WrongPlace(
                "the workspace was made by an older version and has no such settings yet; its server makes them when it is updated",
            ));
        }
        self.doc.set_actor(actor_of(author.device));
        write::write(&mut self.doc, self.id, edit, ids)?;
        let mut options = CommitOptions::default().with_time(now.0.div_euclid(1000));
        // A clock that was corrected backwards meanwhile must not make the edit one of the future.
        if let Some(since) = offline_since.map(|since| since.min(now)).filter(|since| since.0 > 0) {
            options.set_message(change::offline_message(since));
        }
        if self.doc.commit_with(options).is_none() {
            return Ok((self, None));
        }
        let Some(change) = self.doc.get_last_local_change() else { return Ok((self, None)) };
        let change = VerifiedChange::own(change);
        judge(&self, &change, author, now)?;
        let new = NewChange { hash: change.hash(), bytes: change.bytes().to_vec() };
        if let Some(kept) = &mut self.kept {
            kept.push(&new.bytes);
        }
        Ok((self, Some(new)))
    }

    /// Applies changes that were verified (and, on the server, judged). Those it has already change nothing.
    ///
    /// # Errors
    /// See [`ApplyError`]; the document may then hold queued changes and is to be dropped.
    pub fn apply(&mut self, changes: Vec<VerifiedChange>) -> Result<(), ApplyError> {
        let hashes: Vec<ChangeHash> = changes.iter().map(|change| ChangeHash(change.hash())).collect();
        let mut kept = self.kept.take();
        if let Some(kept) = &mut kept {
            changes
                .iter()
                .filter(|change| !self.has(change.hash()))
                .for_each(|change| kept.push(change.bytes()));
        }
        let changes: Vec<automerge::Change> = changes.into_iter().map(VerifiedChange::into_inner).collect();
        let applied = catch_unwind(AssertUnwindSafe(|| self.doc.apply_changes(changes)));
        match applied {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Err(ApplyError::Inconsistent(error.to_string())),
            Err(_) => return Err(ApplyError::Inconsistent("it cannot be applied".to_owned())),
        }
        let missing = self.doc.get_missing_deps(&hashes).len();
        if missing > 0 {
            return Err(ApplyError::MissingDependencies { missing });
        }
        self.kept = kept;
        Ok(())
    }

    /// A ticket's team, by which it is seen or not; `None` for what is no team's. Much cheaper than reading the document, and
    /// right for one of a newer schema as long as the field keeps its place.
    pub fn team(&self) -> Option<String> {
        match self.kind {
            DocKind::Ticket => read::text_at_root(&self.doc, "team"),
            DocKind::Article | DocKind::Incident | DocKind::Workspace | DocKind::Personal => None,
        }
    }

    /// What detection needs of a ticket; `None` for what is no ticket. As cheap as [`team`](Self::team).
    pub fn beginning(&self) -> Option<Beginning> {
        if self.kind != DocKind::Ticket {
            return None;
        }
        Some(Beginning {
            title: read::text_at_root(&self.doc, "title")?,
            category: read::text_at_root(&self.doc, "category"),
            created_at: read::instant_at_root(&self.doc, "created_at")?,
        })
    }

    /// Reads the document.
    ///
    /// # Errors
    /// When it is written in a newer schema, or something stands in it that this program never wrote.
    pub fn read(&self) -> Result<State, ReadError> {
        read::read(&self.doc, self.id, self.kind)
    }

    /// What can be read of a ticket, article or incident that a newer program wrote, to be shown and never edited; `None`
    /// for any other document.
    pub fn readable(&self) -> Option<State> {
        read::readable(&self.doc, self.id, self.kind)
    }

    /// Its history: every change with what its log or timeline entries tell, each after those that it builds on and,
    /// as far as that leaves a choice, by time. All devices with the same document get the same order.
    pub fn history(&mut self) -> Vec<PastChange> {
        history::of(&mut self.doc, self.kind)
    }

    /// The document as the author of a change saw it once the change was made: that change and what it builds on, nothing
    /// else; `None` when the change is not in it.
    pub fn as_of(&mut self, change: [u8; 32]) -> Option<Self> {
        let doc = self.doc.fork_at(&[ChangeHash(change)]).ok()?;
        Some(Self { id: self.id, kind: self.kind, doc, kept: None })
    }

    pub(crate) fn automerge(&self) -> &AutoCommit {
        &self.doc
    }

    /// To be changed by other ways than an edit: the next snapshot is written anew.
    pub(crate) fn automerge_mut(&mut self) -> &mut AutoCommit {
        self.kept = None;
        &mut self.doc
    }
}
