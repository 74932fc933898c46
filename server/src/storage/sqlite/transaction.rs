//! Writes in one workspace.

mod look;
mod write;

use std::collections::HashMap;

use async_trait::async_trait;
use desk_domain::{
    ids::{DocId, WorkspaceId},
    time::UtcMillis,
};
use sqlx::{Sqlite, SqliteConnection, query, query_as, query_scalar};

use super::{DocumentRow, WorkspaceRow, all_whole, failed, unique_violation};
use crate::storage::{
    Asked, Digest, DocumentRecord, Known, Look, MemberRecord, NewMail, StorageError, Transaction,
    WorkspaceRecord, Written,
};

/// A transaction that holds the file's write lock.
pub(super) struct SqliteTransaction {
    tx: sqlx::Transaction<'static, Sqlite>,
    workspace: WorkspaceId,
    /// Once it was read: nobody else writes meanwhile.
    tip: Option<Tip>,
}

/// Where the log ends.
#[derive(Clone, Copy)]
struct Tip {
    head: u64,
    chain: Digest,
}

impl SqliteTransaction {
    pub(super) fn new(tx: sqlx::Transaction<'static, Sqlite>, workspace: WorkspaceId) -> Self {
        Self { tx, workspace, tip: None }
    }

    pub(super) fn workspace_id(&self) -> Vec<u8> {
        self.workspace.0.as_bytes().to_vec()
    }

    pub(super) fn conn(&mut self) -> &mut SqliteConnection {
        &mut self.tx
    }
}

/// `false` when a unique value is taken.
fn inserted<T>(result: Result<T, sqlx::Error>) -> Result<bool, StorageError> {
    match result {
        Ok(_) => Ok(true),
        Err(error) if unique_violation(&error) => Ok(false),
        Err(error) => Err(failed(error)),
    }
}

/// Hexadecimal values as a JSON array, which is how a list reaches a statement; they need no escaping.
fn list(values: impl Iterator<Item = String>) -> String {
    let values: Vec<String> = values.map(|value| format!("\"{value}\"")).collect();
    format!("[{}]", values.join(","))
}

#[async_trait]
impl Transaction for SqliteTransaction {
    async fn workspace(&mut self) -> Result<Option<WorkspaceRecord>, StorageError> {
        let id = self.workspace_id();
        query_as!(
            WorkspaceRow,
            "SELECT id, slug, name, settings_doc, server_device, head, created_at FROM workspaces WHERE id = ?",
            id
        )
        .fetch_optional(&mut *self.tx)
        .await
        .map_err(failed)?
        .map(TryInto::try_into)
        .transpose()
    }

    async fn insert_workspace(&mut self, workspace: &WorkspaceRecord) -> Result<bool, StorageError> {
        let id = workspace.id.0.as_bytes().as_slice();
        let settings_doc = workspace.settings_doc.0.as_bytes().as_slice();
        let server_device = workspace.server_device.0.as_bytes().as_slice();
        let done = query!(
            "INSERT INTO workspaces (id, slug, name, settings_doc, server_device, created_at)
             VALUES (?, ?, ?, ?, ?, ?)",
            id,
            workspace.slug,
            workspace.name,
            settings_doc,
            server_device,
            workspace.created_at.0
        )
        .execute(&mut *self.tx)
        .await;
        if !inserted(done)? {
            return Ok(false);
        }
        query!(
            "INSERT INTO devices (id, workspace, name, created_at, seen_at) VALUES (?, ?, 'server', ?, ?)",
            server_device,
            id,
            workspace.created_at.0,
            workspace.created_at.0
        )
        .execute(&mut *self.tx)
        .await
        .map_err(failed)?;
        Ok(true)
    }

    async fn insert_member(&mut self, member: &MemberRecord) -> Result<bool, StorageError> {
        let id = member.id.0.as_bytes().as_slice();
        let workspace = member.workspace.0.as_bytes().as_slice();
        let personal_doc = member.personal_doc.0.as_bytes().as_slice();
        let (role, active) = (member.role.as_str(), i64::from(member.active));
        let done = query!(
            "INSERT INTO members
                 (id, workspace, email, name, role, password_hash, personal_doc, active, created_at)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            id,
            workspace,
            member.email,
            member.name,
            role,
            member.password_hash,
            personal_doc,
            active,
            member.created_at.0
        )
        .execute(&mut *self.tx)
        .await;
        inserted(done)
    }

    async fn update_member(&mut self, member: &MemberRecord) -> Result<bool, StorageError> {
        let id = member.id.0.as_bytes().as_slice();
        let workspace = self.workspace_id();
        let (role, active) = (member.role.as_str(), i64::from(member.active));
        let done = query!(
            "UPDATE members SET name = ?, role = ?, password_hash = ?, active = ? WHERE id = ? AND workspace = ?",
            member.name,
            role,
            member.password_hash,
            active,
            id,
            workspace
        )
        .execute(&mut *self.tx)
        .await
        .map_err(failed)?;
        Ok(done.rows_affected() > 0)
    }

    async fn look(&mut self, asked: &Asked) -> Result<Known, StorageError> {
        let (known, tip) = look::look(&mut self.tx, self.workspace, asked).await?;
        self.tip = tip;
        Ok(known)
    }

    async fn write(&mut self, decided: &Written<'_>) -> Result<u64, StorageError> {
        let tip = match self.tip {
            Some(tip) => tip,
            None => write::tip(&mut self.tx, self.workspace).await?,
        };
        self.tip = Some(write::write(&mut self.tx, self.workspace, tip, decided).await?);
        Ok(tip.head + 1)
    }

    async fn documents(&mut self, docs: &[DocId]) -> Result<HashMap<DocId, DocumentRecord>, StorageError> {
        let docs = list(docs.iter().map(|doc| hex::encode(doc.0.as_bytes())));
        let workspace = self.workspace_id();
        // The plus keeps SQLite from walking through all of the workspace's documents instead.
        let rows = query_as!(
            DocumentRow,
            "SELECT id, workspace, kind, owner, seq, team, heads, snapshot_seq, snapshot FROM documents
             WHERE id IN (SELECT unhex(value) FROM json_each(?)) AND +workspace = ?",
            docs,
            workspace
        )
        .fetch_all(&mut *self.tx)
        .await
        .map_err(failed)?;
        let records = all_whole(rows, &mut self.tx).await?;
        Ok(records.into_iter().map(|record| (record.id, record)).collect())
    }

    async fn escalation_due(&mut self, incident: DocId) -> Result<Option<UtcMillis>, StorageError> {
        let (incident, workspace) = (incident.0.as_bytes().as_slice(), self.workspace_id());
        let due = query_scalar!(
            "SELECT due_at FROM escalations WHERE doc = ? AND workspace = ?",
            incident,
            workspace
        )
        .fetch_optional(&mut *self.tx)
        .await
        .map_err(failed)?;
        Ok(due.flatten().map(UtcMillis))
    }

    async fn look_at_escalation(&mut self, incident: DocId, look: Look) -> Result<(), StorageError> {
        let (incident, workspace) = (incident.0.as_bytes().as_slice(), self.workspace_id());
        let due = match look {
            Look::At(at) => Some(at.0),
            Look::WhenSettingsChange => None,
            Look::Never => {
                query!("DELETE FROM escalations WHERE doc = ? AND workspace = ?", incident, workspace)
                    .execute(&mut *self.tx)
                    .await
                    .map_err(failed)?;
                return Ok(());
            }
        };
        query!(
            "INSERT INTO escalations (doc, workspace, due_at) VALUES (?, ?, ?)
             ON CONFLICT (doc) DO UPDATE SET due_at = excluded.due_at",
            incident,
            workspace,
            due
        )
        .execute(&mut *self.tx)
        .await
        .map_err(failed)?;
        Ok(())
    }

    async fn post(&mut self, mail: &[NewMail]) -> Result<(), StorageError> {
        let workspace = self.workspace_id();
        for NewMail { id, recipient, subject, body, created_at } in mail {
            let id = id.as_bytes().as_slice();
            query!(
                "INSERT INTO mail (id, workspace, recipient, subject, body, created_at, next_try_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6) ON CONFLICT DO NOTHING",
                id,
                workspace,
                recipient,
                subject,
                body,
                created_at.0
            )
            .execute(&mut *self.tx)
            .await
            .map_err(failed)?;
        }
        Ok(())
    }

    async fn commit(self: Box<Self>) -> Result<(), StorageError> {
        self.tx.commit().await.map_err(failed)
    }
}
