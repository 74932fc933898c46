//! The server's own changes: made by the workspace's server device, accepted without a verdict, logged like any other.

use desk_docs::{Author, Document, EditError, LoadError, verify};
use desk_domain::{
    edit::Edit,
    ids::{DeviceId, Ids, MemberId, WorkspaceId},
    people::Role,
    permissions::Actor,
    time::UtcMillis,
    workspace::Workflow,
};

use crate::storage::{DocumentRecord, LogEntry, StorageError, Transaction, WorkspaceRecord};

/// Why the server's own edit was not written.
#[derive(Debug, thiserror::Error)]
pub enum OwnError {
    /// The storage failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The stored document does not open.
    #[error(transparent)]
    Damaged(#[from] LoadError),
    /// The edit is not possible; for what the server itself writes, a bug.
    #[error(transparent)]
    Edit(#[from] EditError),
    /// The change that was just made does not hold: a bug.
    #[error(transparent)]
    Corrupt(#[from] desk_docs::CorruptChange),
}

/// A change that was made and is not yet logged, with the document as it makes it.
#[derive(Debug)]
pub struct Draft {
    entry: LogEntry,
    record: DocumentRecord,
}

impl Draft {
    /// Makes one edit of a document, without I/O; `None` when it changes nothing. `at` is the instant that the change
    /// bears, and its receipt too. `owner` is for personal documents.
    ///
    /// # Errors
    /// When the edit is not possible.
    pub fn make(
        document: Document,
        edit: &Edit,
        workspace: WorkspaceId,
        device: DeviceId,
        owner: Option<MemberId>,
        at: UtcMillis,
        ids: &dyn Ids,
    ) -> Result<Option<Self>, OwnError> {
        let workflow = Workflow::default();
        let actor = Actor { member: None, role: Role::Admin };
        let author = Author { device, actor, workflow: &workflow };
        let (mut document, made) = document.edit(&author, edit, at, ids)?;
        let Some(made) = made else { return Ok(None) };
        let entry = LogEntry {
            doc: edit.doc,
            hash: made.hash,
            actor: device,
            actor_seq: verify(&made.bytes, made.hash)?.seq(),
            member: None,
            received_at: at,
            bytes: made.bytes,
        };
        let record = DocumentRecord {
            id: edit.doc,
            workspace,
            kind: edit.kind(),
            owner,
            seq: 0,
            team: document.team(),
            heads: document.heads(),
            snapshot: document.save(),
        };
        Ok(Some(Self { entry, record }))
    }

    /// Logs the change and stores the document.
    ///
    /// # Errors
    /// When the storage fails; the transaction is then to be dropped.
    pub async fn log(mut self, tx: &mut dyn Transaction) -> Result<(), StorageError> {
        self.record.seq = tx.append(&[self.entry]).await?;
        tx.put_documents(&[self.record]).await
    }
}

/// Writes the server's edits in one transaction.
pub struct Pen<'a> {
    tx: &'a mut dyn Transaction,
    workspace: &'a WorkspaceRecord,
    actor: DeviceId,
    now: UtcMillis,
    ids: &'a (dyn Ids + Sync),
}

impl<'a> Pen<'a> {
    /// A pen for this workspace at this instant. It writes under an actor of its own: a server that was restored from a backup
    /// does not know which numbers its former actors have used, and one actor must not use a number twice.
    pub fn new(
        tx: &'a mut dyn Transaction,
        workspace: &'a WorkspaceRecord,
        now: UtcMillis,
        ids: &'a (dyn Ids + Sync),
    ) -> Self {
        Self { tx, workspace, actor: DeviceId(ids.fresh()), now, ids }
    }

    /// Makes one edit, one change, and logs it; an edit that changes nothing writes nothing. `owner` is for the
    /// creation of a personal document.
    ///
    /// # Errors
    /// See [`OwnError`]; the transaction is then to be dropped.
    pub async fn write(&mut self, edit: &Edit, owner: Option<MemberId>) -> Result<(), OwnError> {
        let stored = self.tx.document(edit.doc).await?;
        let owner = stored.as_ref().map_or(owner, |record| record.owner);
        let document = match &stored {
            Some(record) => Document::load(record.id, record.kind, &record.snapshot)?,
            None => Document::empty(edit.doc, edit.kind()),
        };
        let workspace = self.workspace.id;
        let draft = Draft::make(document, edit, workspace, self.actor, owner, self.now, self.ids)?;
        match draft {
            Some(draft) => Ok(draft.log(self.tx).await?),
            None => Ok(()),
        }
    }
}
