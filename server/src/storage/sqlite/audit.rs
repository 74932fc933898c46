//! The log's chain, and workspaces that were restored from a backup.

use async_trait::async_trait;
use desk_domain::{
    ids::{DeviceId, DocId, MemberId, WorkspaceId},
    time::UtcMillis,
};
use sqlx::{query, query_as, query_scalar};

use super::{MemberRow, SqliteStorage, digest, failed, integer, kind, number, texts, uuid};
use crate::storage::{
    Audit, AuditEntry, Digest, DocumentHeads, LogEntry, MemberRecord, Reader, StorageError, chain,
};

/// Entries of before the chain have none.
pub(super) fn value(bytes: &[u8]) -> Result<Digest, StorageError> {
    if bytes.is_empty() { Ok(chain::START) } else { digest(bytes) }
}

#[async_trait]
impl Audit for SqliteStorage {
    async fn chain_at(&self, workspace: WorkspaceId, seq: u64) -> Result<Option<Digest>, StorageError> {
        if seq == 0 {
            return Ok(Some(chain::START));
        }
        let (workspace, seq) = (workspace.0.as_bytes().as_slice(), integer(seq));
        let bytes =
            query_scalar!("SELECT chain FROM changes WHERE workspace = ? AND seq = ?", workspace, seq)
                .fetch_optional(&self.readers)
                .await
                .map_err(failed)?;
        bytes.map(|bytes| value(&bytes)).transpose()
    }

    async fn audit_after(
        &self,
        workspace: WorkspaceId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<AuditEntry>, StorageError> {
        let (workspace, after) = (workspace.0.as_bytes().as_slice(), integer(after));
        let rows = query!(
            "SELECT seq, doc, hash, actor, actor_seq, member, received_at, bytes, chain FROM changes
             WHERE workspace = ? AND seq > ? ORDER BY seq LIMIT ?",
            workspace,
            after,
            limit
        )
        .fetch_all(&self.readers)
        .await
        .map_err(failed)?;
        rows.into_iter()
            .map(|row| {
                let entry = LogEntry {
                    doc: DocId(uuid(&row.doc)?),
                    hash: digest(&row.hash)?,
                    actor: DeviceId(uuid(&row.actor)?),
                    actor_seq: number(row.actor_seq)?,
                    member: row.member.map(|member| uuid(&member).map(MemberId)).transpose()?,
                    received_at: UtcMillis(row.received_at),
                    bytes: row.bytes,
                };
                let chain = if row.chain.is_empty() { None } else { Some(digest(&row.chain)?) };
                Ok(AuditEntry { seq: number(row.seq)?, entry, chain })
            })
            .collect()
    }

    async fn note_restored(&self, workspace: WorkspaceId, until: UtcMillis) -> Result<(), StorageError> {
        let workspace = workspace.0.as_bytes().as_slice();
        query!(
            "INSERT INTO recoveries (workspace, until) VALUES (?, ?)
             ON CONFLICT (workspace) DO UPDATE SET until = max(until, excluded.until)",
            workspace,
            until.0
        )
        .execute(&self.writer)
        .await
        .map_err(failed)?;
        Ok(())
    }

    async fn recovering_until(&self, workspace: WorkspaceId) -> Result<Option<UtcMillis>, StorageError> {
        let workspace = workspace.0.as_bytes().as_slice();
        let until = query_scalar!("SELECT until FROM recoveries WHERE workspace = ?", workspace)
            .fetch_optional(&self.readers)
            .await
            .map_err(failed)?;
        Ok(until.map(UtcMillis))
    }

    async fn owner_of_device(
        &self,
        workspace: WorkspaceId,
        device: DeviceId,
    ) -> Result<Option<MemberRecord>, StorageError> {
        let (workspace, device) = (workspace.0.as_bytes().as_slice(), device.0.as_bytes().as_slice());
        query_as!(
            MemberRow,
            "SELECT m.id, m.workspace, m.email, m.name, m.role, m.password_hash, m.personal_doc, m.active,
                    m.created_at
             FROM devices d JOIN members m ON m.id = d.member WHERE d.id = ? AND m.workspace = ?",
            device,
            workspace
        )
        .fetch_optional(&self.readers)
        .await
        .map_err(failed)?
        .map(TryInto::try_into)
        .transpose()
    }

    async fn heads_after(
        &self,
        workspace: WorkspaceId,
        reader: &Reader,
        after: Option<DocId>,
        limit: u32,
    ) -> Result<Vec<DocumentHeads>, StorageError> {
        let (workspace, member) = (workspace.0.as_bytes().as_slice(), reader.member.0.as_bytes().as_slice());
        let hidden = texts(reader.scope.hidden())?;
        let after = after.map(|doc| doc.0.as_bytes().to_vec()).unwrap_or_default();
        let rows = query!(
            "SELECT id, kind, heads FROM documents
             WHERE workspace = ? AND id > ? AND (owner IS NULL OR owner = ?)
             AND (team IS NULL OR team NOT IN (SELECT value FROM json_each(?))) ORDER BY id LIMIT ?",
            workspace,
            after,
            member,
            hidden,
            limit
        )
        .fetch_all(&self.readers)
        .await
        .map_err(failed)?;
        rows.into_iter()
            .map(|row| {
                let heads = row.heads.chunks(32).map(digest).collect::<Result<_, _>>()?;
                Ok(DocumentHeads { doc: DocId(uuid(&row.id)?), kind: kind(row.kind)?, heads })
            })
            .collect()
    }
}
