//! The server's own changes: made by the workspace's server device, accepted without a verdict, logged like any other.

use desk_docs::{Author, Document, EditError, LoadError, verify};
use desk_domain::{
    edit::Edit,
    ids::{DeviceId, DocId, Ids, MemberId},
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

/// Writes the server's edits in one transaction.
pub struct Pen<'a> {
    tx: &'a mut dyn Transaction,
    workspace: &'a WorkspaceRecord,
    now: UtcMillis,
    ids: &'a dyn Ids,
    workflow: Workflow,
}

impl<'a> Pen<'a> {
    /// A pen for this workspace at this instant.
    pub fn new(
        tx: &'a mut dyn Transaction,
        workspace: &'a WorkspaceRecord,
        now: UtcMillis,
        ids: &'a dyn Ids,
    ) -> Self {
        Self { tx, workspace, now, ids, workflow: Workflow::default() }
    }

    /// Makes one edit, one change, and logs it; an edit that changes nothing writes nothing. `owner` is for the
    /// creation of a personal document.
    ///
    /// # Errors
    /// See [`OwnError`]; the transaction is then to be dropped.
    pub async fn write(&mut self, edit: &Edit, owner: Option<MemberId>) -> Result<(), OwnError> {
        let device = self.workspace.server_device;
        let stored = self.tx.document(edit.doc).await?;
        let owner = stored.as_ref().map_or(owner, |record| record.owner);
        let document = match &stored {
            Some(record) => Document::load(record.id, record.kind, &record.snapshot)?,
            None => Document::empty(edit.doc, edit.kind()),
        };
        let (document, made) = self.edit(document, edit, device)?;
        let Some(entry) = made else { return Ok(()) };
        let seq = self.tx.append(&entry).await?;
        self.put(document, edit.doc, seq, owner).await
    }

    fn edit(
        &self,
        document: Document,
        edit: &Edit,
        device: DeviceId,
    ) -> Result<(Document, Option<LogEntry>), OwnError> {
        let actor = Actor { member: None, role: Role::Admin };
        let author = Author { device, actor, workflow: &self.workflow };
        let (document, made) = document.edit(&author, edit, self.now, self.ids)?;
        let Some(made) = made else { return Ok((document, None)) };
        let actor_seq = verify(&made.bytes, made.hash)?.seq();
        let (doc, hash, received_at) = (edit.doc, made.hash, self.now);
        let entry =
            LogEntry { doc, hash, actor: device, actor_seq, member: None, received_at, bytes: made.bytes };
        Ok((document, Some(entry)))
    }

    async fn put(
        &mut self,
        mut document: Document,
        id: DocId,
        seq: u64,
        owner: Option<MemberId>,
    ) -> Result<(), OwnError> {
        let (workspace, kind) = (self.workspace.id, document.kind());
        let (heads, snapshot) = (document.heads(), document.save());
        let record = DocumentRecord { id, workspace, kind, owner, seq, heads, snapshot };
        Ok(self.tx.put_document(&record).await?)
    }
}
