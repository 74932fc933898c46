//! The log's chain, and workspaces that were restored from a backup.

use async_trait::async_trait;
use desk_domain::{
    ids::{DeviceId, DocId, MemberId, WorkspaceId},
    time::UtcMillis,
};
use sqlx::{query, query_as, query_scalar};
use uuid::Uuid;

use super::{MemberRow, PostgresStorage, digest, failed, integer, kind, number, texts};
use crate::storage::{
    Audit, AuditEntry, Digest, DocumentHeads, LogEntry, MemberRecord, Reader, StorageError, chain,
};

/// Entries of before the chain have none.
pub(super) fn value(bytes: &[u8]) -> Result<Digest, StorageError> {
    if bytes.is_empty() { Ok(chain::START) } else { digest(bytes) }
}

#[derive(sqlx::FromRow)]
struct AuditRow {
    seq: i64,
    doc: Uuid,
    hash: Vec<u8>,
    actor: Uuid,
    actor_seq: i64,
    member: Option<Uuid>,
    received_at: i64,
    bytes: Vec<u8>,
    chain: Vec<u8>,
}

impl TryFrom<AuditRow> for AuditEntry {
    type Error = StorageError;

    fn try_from(row: AuditRow) -> Result<Self, StorageError> {
        let entry = LogEntry {
            doc: DocId(row.doc),
            hash: digest(&row.hash)?,
            actor: DeviceId(row.actor),
            actor_seq: number(row.actor_seq)?,
            member: row.member.map(MemberId),
            received_at: UtcMillis(row.received_at),
            bytes: row.bytes,
        };
        let chain = if row.chain.is_empty() { None } else { Some(digest(&row.chain)?) };
        Ok(Self { seq: number(row.seq)?, entry, chain })
    }
}

#[async_trait]
impl Audit for PostgresStorage {
    async fn chain_at(&self, workspace: WorkspaceId, seq: u64) -> Result<Option<Digest>, StorageError> {
        if seq == 0 {
            return Ok(Some(chain::START));
        }
        let bytes: Option<Vec<u8>> =
            query_scalar("SELECT chain FROM changes WHERE workspace = $1 AND seq = $2")
                .bind(workspace.0)
                .bind(integer(seq))
                .fetch_optional(&self.readers)
                .await
                .map_err(failed)?;
        bytes.as_deref().map(value).transpose()
    }

    async fn audit_after(
        &self,
        workspace: WorkspaceId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<AuditEntry>, StorageError> {
        let rows: Vec<AuditRow> = query_as(
            "SELECT seq, doc, hash, actor, actor_seq, member, received_at, bytes, chain FROM changes
             WHERE workspace = $1 AND seq > $2 ORDER BY seq LIMIT $3",
        )
        .bind(workspace.0)
        .bind(integer(after))
        .bind(i64::from(limit))
        .fetch_all(&self.readers)
        .await
        .map_err(failed)?;
        rows.into_iter().map(TryInto::try_into).collect()
    }

    async fn note_restored(&self, workspace: WorkspaceId, until: UtcMillis) -> Result<(), StorageError> {
        query(
            "INSERT INTO recoveries (workspace, until) VALUES ($1, $2)
             ON CONFLICT (workspace) DO UPDATE SET until = greatest(recoveries.until, excluded.until)",
        )
        .bind(workspace.0)
        .bind(until.0)
        .execute(&self.writers)
        .await
        .map_err(failed)?;
        Ok(())
    }

    async fn recovering_until(&self, workspace: WorkspaceId) -> Result<Option<UtcMillis>, StorageError> {
        let until: Option<i64> = query_scalar("SELECT until FROM recoveries WHERE workspace = $1")
            .bind(workspace.0)
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
        query_as::<_, MemberRow>(
            "SELECT m.id, m.workspace, m.email, m.name, m.role, m.password_hash, m.personal_doc, m.active,
                    m.created_at
             FROM devices d JOIN members m ON m.id = d.member WHERE d.id = $1 AND m.workspace = $2",
        )
        .bind(device.0)
        .bind(workspace.0)
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
        let rows: Vec<(Uuid, i16, Vec<u8>)> = query_as(
            "SELECT id, kind, heads FROM documents
             WHERE workspace = $1 AND id > $2 AND (owner IS NULL OR owner = $3)
               AND (team IS NULL OR team <> ALL($4)) ORDER BY id LIMIT $5",
        )
        .bind(workspace.0)
        .bind(after.map_or(Uuid::nil(), |doc| doc.0))
        .bind(reader.member.0)
        .bind(texts(reader.scope.hidden()))
        .bind(i64::from(limit))
        .fetch_all(&self.readers)
        .await
        .map_err(failed)?;
        rows.into_iter()
            .map(|(id, code, heads)| {
                let heads = heads.chunks(32).map(digest).collect::<Result<_, _>>()?;
                Ok(DocumentHeads { doc: DocId(id), kind: kind(code)?, heads })
            })
            .collect()
    }
}
