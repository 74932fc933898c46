//! Segments and what they are made from.

use async_trait::async_trait;
use desk_domain::{
    ids::{DocId, DocKind, WorkspaceId},
    time::UtcMillis,
};
use sqlx::{query, query_as, query_scalar};

use super::{DocumentRow, SqliteStorage, digest, failed, integer, number, uuid};
use crate::storage::{Digest, DocumentRecord, SegmentSet, Segments, StorageError};

#[async_trait]
impl Segments for SqliteStorage {
    async fn segment_set(&self, workspace: WorkspaceId) -> Result<Option<SegmentSet>, StorageError> {
        let workspace = workspace.0.as_bytes().as_slice();
        let found = query!(
            "SELECT cursor, projection, rules, entries FROM segment_sets WHERE workspace = ?",
            workspace
        )
        .fetch_optional(&self.readers)
        .await
        .map_err(failed)?;
        found
            .map(|row| {
                Ok(SegmentSet {
                    cursor: number(row.cursor)?,
                    projection: u16::try_from(row.projection)
                        .map_err(|_| StorageError::damaged("a version of rows"))?,
                    rules: digest(&row.rules)?,
                    segments: serde_json::from_str(&row.entries)
                        .map_err(|_| StorageError::damaged("a list of segments"))?,
                })
            })
            .transpose()
    }

    async fn segment(&self, workspace: WorkspaceId, id: Digest) -> Result<Option<Vec<u8>>, StorageError> {
        let (workspace, id) = (workspace.0.as_bytes().as_slice(), id.as_slice());
        query_scalar!("SELECT bytes FROM segments WHERE workspace = ? AND id = ?", workspace, id)
            .fetch_optional(&self.readers)
            .await
            .map_err(failed)
    }

    async fn put_segment(
        &self,
        workspace: WorkspaceId,
        id: Digest,
        bytes: &[u8],
    ) -> Result<(), StorageError> {
        let (workspace, id) = (workspace.0.as_bytes().as_slice(), id.as_slice());
        query!(
            "INSERT INTO segments (workspace, id, bytes) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            workspace,
            id,
            bytes
        )
        .execute(&self.writer)
        .await
        .map_err(failed)?;
        Ok(())
    }

    async fn put_segment_set(
        &self,
        workspace: WorkspaceId,
        set: &SegmentSet,
        now: UtcMillis,
        forget_before: UtcMillis,
    ) -> Result<(), StorageError> {
        let workspace = workspace.0.as_bytes().as_slice();
        let (cursor, projection) = (integer(set.cursor), i64::from(set.projection));
        let rules = set.rules.as_slice();
        let entries =
            serde_json::to_string(&set.segments).map_err(|error| StorageError::Failed(Box::new(error)))?;
        let mut tx = self.writer.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
        query!(
            "INSERT INTO segment_sets (workspace, cursor, projection, rules, entries) VALUES (?, ?, ?, ?, ?)
             ON CONFLICT (workspace) DO UPDATE SET cursor = excluded.cursor, projection = excluded.projection,
                 rules = excluded.rules, entries = excluded.entries",
            workspace,
            cursor,
            projection,
            rules,
            entries
        )
        .execute(&mut *tx)
        .await
        .map_err(failed)?;
        query!(
            "UPDATE segments SET retired_at = CASE
                 WHEN lower(hex(id)) IN (SELECT value ->> 'id' FROM json_each(?)) THEN NULL
                 ELSE coalesce(retired_at, ?) END
             WHERE workspace = ?",
            entries,
            now.0,
            workspace
        )
        .execute(&mut *tx)
        .await
        .map_err(failed)?;
        query!("DELETE FROM segments WHERE workspace = ? AND retired_at < ?", workspace, forget_before.0)
            .execute(&mut *tx)
            .await
            .map_err(failed)?;
        tx.commit().await.map_err(failed)
    }

    async fn shared_documents(
        &self,
        workspace: WorkspaceId,
        after: Option<DocId>,
        limit: u32,
    ) -> Result<Vec<DocumentRecord>, StorageError> {
        let workspace = workspace.0.as_bytes().as_slice();
        let after = after.map(|doc| doc.0.as_bytes().to_vec()).unwrap_or_default();
        let [settings, personal] = own();
        query_as!(
            DocumentRow,
            "SELECT id, workspace, kind, owner, seq, heads, snapshot FROM documents
             WHERE workspace = ? AND id > ? AND kind NOT IN (?, ?) ORDER BY id LIMIT ?",
            workspace,
            after,
            settings,
            personal,
            limit
        )
        .fetch_all(&self.readers)
        .await
        .map_err(failed)?
        .into_iter()
        .map(TryInto::try_into)
        .collect()
    }

    async fn shared_changed_after(
        &self,
        workspace: WorkspaceId,
        seq: u64,
    ) -> Result<Vec<DocId>, StorageError> {
        let workspace = workspace.0.as_bytes().as_slice();
        let seq = integer(seq);
        let [settings, personal] = own();
        let ids = query_scalar!(
            "SELECT DISTINCT c.doc FROM changes c JOIN documents d ON d.id = c.doc
             WHERE c.workspace = ? AND c.seq > ? AND d.kind NOT IN (?, ?) ORDER BY c.doc",
            workspace,
            seq,
            settings,
            personal
        )
        .fetch_all(&self.readers)
        .await
        .map_err(failed)?;
        ids.iter().map(|id| Ok(DocId(uuid(id)?))).collect()
    }
}

/// The kinds that are not everybody's.
fn own() -> [i64; 2] {
    [DocKind::Workspace, DocKind::Personal].map(|kind| i64::from(kind.code()))
}
