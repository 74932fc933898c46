//! Writes in one workspace.

use std::collections::HashMap;

use async_trait::async_trait;
use desk_domain::{
    ids::{DeviceId, DocId, WorkspaceId},
    time::UtcMillis,
};
use sqlx::{Sqlite, SqliteConnection, query, query_as, query_scalar};

use super::{
    DocumentRow, MemberRow, WorkspaceRow, all_whole, audit, digest, failed, integer, kind, number, owner,
    unique_violation, uuid,
};
use crate::storage::{
    Digest, DocumentHead, DocumentRecord, Grown, LogEntry, Look, MemberRecord, NewMail, Refused,
    StorageError, Transaction, WorkspaceRecord, chain, reject_code,
};

/// A transaction that holds the file's write lock.
pub(super) struct SqliteTransaction {
    tx: sqlx::Transaction<'static, Sqlite>,
    workspace: WorkspaceId,
}

impl SqliteTransaction {
    pub(super) fn new(tx: sqlx::Transaction<'static, Sqlite>, workspace: WorkspaceId) -> Self {
        Self { tx, workspace }
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

    async fn member_of_device(&mut self, device: DeviceId) -> Result<Option<MemberRecord>, StorageError> {
        let device = device.0.as_bytes().as_slice();
        let workspace = self.workspace_id();
        query_as!(
            MemberRow,
            "SELECT m.id, m.workspace, m.email, m.name, m.role, m.password_hash, m.personal_doc, m.active,
                    m.created_at
             FROM devices d JOIN members m ON m.id = d.member
             WHERE d.id = ? AND d.revoked_at IS NULL AND m.active = 1 AND m.workspace = ?",
            device,
            workspace
        )
        .fetch_optional(&mut *self.tx)
        .await
        .map_err(failed)?
        .map(TryInto::try_into)
        .transpose()
    }

    async fn document_heads(&mut self, docs: &[DocId]) -> Result<HashMap<DocId, DocumentHead>, StorageError> {
        let docs = list(docs.iter().map(|doc| hex::encode(doc.0.as_bytes())));
        let rows = query!(
            "SELECT id, workspace, kind, owner, seq FROM documents
             WHERE id IN (SELECT unhex(value) FROM json_each(?))",
            docs
        )
        .fetch_all(&mut *self.tx)
        .await
        .map_err(failed)?;
        rows.into_iter()
            .map(|row| {
                let head = DocumentHead {
                    workspace: WorkspaceId(uuid(&row.workspace)?),
                    kind: kind(row.kind)?,
                    owner: owner(row.owner.as_deref())?,
                    seq: number(row.seq)?,
                };
                Ok((DocId(uuid(&row.id)?), head))
            })
            .collect()
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

    async fn accepted(
        &mut self,
        changes: &[(DocId, Digest)],
    ) -> Result<HashMap<(DocId, Digest), u64>, StorageError> {
        let pairs =
            list(changes.iter().map(|(doc, hash)| hex::encode(doc.0.as_bytes()) + &hex::encode(hash)));
        // Each pair leads to one place of `changes_by_hash`.
        let rows = query!(
            r#"SELECT c.doc, c.hash, c.seq AS "seq!" FROM json_each(?) AS pair
               CROSS JOIN changes AS c
                   ON c.doc = unhex(substr(pair.value, 1, 32)) AND c.hash = unhex(substr(pair.value, 33))"#,
            pairs
        )
        .fetch_all(&mut *self.tx)
        .await
        .map_err(failed)?;
        rows.into_iter()
            .map(|row| Ok(((DocId(uuid(&row.doc)?), digest(&row.hash)?), number(row.seq)?)))
            .collect()
    }

    async fn refused(
        &mut self,
        changes: &[(DocId, Digest)],
    ) -> Result<HashMap<(DocId, Digest), Refused>, StorageError> {
        let pairs =
            list(changes.iter().map(|(doc, hash)| hex::encode(doc.0.as_bytes()) + &hex::encode(hash)));
        let rows = query!(
            r#"SELECT r.doc, r.hash, r.code, r.reason, r.refused_at FROM json_each(?) AS pair
               CROSS JOIN refused AS r
                   ON r.doc = unhex(substr(pair.value, 1, 32)) AND r.hash = unhex(substr(pair.value, 33))"#,
            pairs
        )
        .fetch_all(&mut *self.tx)
        .await
        .map_err(failed)?;
        rows.into_iter()
            .map(|row| {
                let (doc, hash) = (DocId(uuid(&row.doc)?), digest(&row.hash)?);
                let (code, refused_at) = (reject_code(&row.code)?, UtcMillis(row.refused_at));
                Ok(((doc, hash), Refused { doc, hash, code, reason: row.reason, refused_at }))
            })
            .collect()
    }

    async fn refuse(&mut self, refused: &[Refused]) -> Result<(), StorageError> {
        let workspace = self.workspace_id();
        for Refused { doc, hash, code, reason, refused_at } in refused {
            let (doc, hash, code) = (doc.0.as_bytes().as_slice(), hash.as_slice(), code.as_str());
            query!(
                "INSERT INTO refused (workspace, doc, hash, code, reason, refused_at) VALUES (?, ?, ?, ?, ?, ?)
                 ON CONFLICT DO NOTHING",
                workspace,
                doc,
                hash,
                code,
                reason,
                refused_at.0
            )
            .execute(&mut *self.tx)
            .await
            .map_err(failed)?;
        }
        Ok(())
    }

    async fn actor_seqs(
        &mut self,
        actors: &[(DocId, DeviceId)],
    ) -> Result<HashMap<(DocId, DeviceId), u64>, StorageError> {
        let pairs = list(
            actors
                .iter()
                .map(|(doc, actor)| hex::encode(doc.0.as_bytes()) + &hex::encode(actor.0.as_bytes())),
        );
        let rows = query!(
            r#"SELECT (SELECT coalesce(max(actor_seq), 0) FROM changes
                       WHERE doc = unhex(substr(pair.value, 1, 32)) AND actor = unhex(substr(pair.value, 33)))
                      AS "actor_seq!: i64"
               FROM json_each(?) AS pair ORDER BY pair.key"#,
            pairs
        )
        .fetch_all(&mut *self.tx)
        .await
        .map_err(failed)?;
        actors.iter().zip(rows).map(|(actor, row)| Ok((*actor, number(row.actor_seq)?))).collect()
    }

    async fn append(&mut self, entries: &[LogEntry]) -> Result<u64, StorageError> {
        let workspace = self.workspace_id();
        let count = integer(entries.len() as u64);
        let head = query_scalar!(
            "UPDATE workspaces SET head = head + ? WHERE id = ? RETURNING head",
            count,
            workspace
        )
        .fetch_one(&mut *self.tx)
        .await
        .map_err(failed)?;
        let first = head - count + 1;
        let last = first - 1;
        let before =
            query_scalar!("SELECT chain FROM changes WHERE workspace = ? AND seq = ?", workspace, last)
                .fetch_optional(&mut *self.tx)
                .await
                .map_err(failed)?;
        let before = audit::value(&before.unwrap_or_default())?;
        let chain = chain::along(before, self.workspace, number(first)?, entries);
        for ((seq, entry), chain) in (first..).zip(entries).zip(&chain) {
            let chain = chain.as_slice();
            let (doc, hash) = (entry.doc.0.as_bytes().as_slice(), entry.hash.as_slice());
            let (actor, actor_seq) = (entry.actor.0.as_bytes().as_slice(), integer(entry.actor_seq));
            let member = entry.member.as_ref().map(|member| member.0.as_bytes().as_slice());
            query!(
                "INSERT INTO changes
                     (workspace, seq, doc, hash, actor, actor_seq, member, received_at, bytes, chain)
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                workspace,
                seq,
                doc,
                hash,
                actor,
                actor_seq,
                member,
                entry.received_at.0,
                entry.bytes,
                chain
            )
            .execute(&mut *self.tx)
            .await
            .map_err(failed)?;
        }
        number(first)
    }

    async fn put_documents(&mut self, documents: &[DocumentRecord]) -> Result<(), StorageError> {
        let workspace = self.workspace_id();
        for document in documents {
            let id = document.id.0.as_bytes().as_slice();
            let (kind, seq) = (i64::from(document.kind.code()), integer(document.seq));
            let owner = document.owner.as_ref().map(|owner| owner.0.as_bytes().as_slice());
            let heads = document.heads.concat();
            query!(
                "INSERT INTO documents (id, workspace, kind, owner, seq, team, team_known, heads, snapshot_seq, snapshot)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, 1, ?7, ?5, ?8)
                 ON CONFLICT (id) DO UPDATE
                 SET seq = excluded.seq, team = excluded.team, team_known = 1, heads = excluded.heads,
                     snapshot_seq = excluded.snapshot_seq, snapshot = excluded.snapshot",
                id,
                workspace,
                kind,
                owner,
                seq,
                document.team,
                heads,
                document.snapshot
            )
            .execute(&mut *self.tx)
            .await
            .map_err(failed)?;
        }
        Ok(())
    }

    async fn grow_documents(&mut self, documents: &[Grown]) -> Result<(), StorageError> {
        let workspace = self.workspace_id();
        for Grown { id, seq, team, heads } in documents {
            let (id, seq, heads) = (id.0.as_bytes().as_slice(), integer(*seq), heads.concat());
            query!(
                "UPDATE documents SET seq = ?, team = ?, team_known = 1, heads = ? WHERE id = ? AND workspace = ?",
                seq,
                team,
                heads,
                id,
                workspace
            )
            .execute(&mut *self.tx)
            .await
            .map_err(failed)?;
        }
        Ok(())
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
