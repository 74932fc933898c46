//! Segments and what they are made from.

use async_trait::async_trait;
use desk_domain::{
    ids::{DocId, DocKind, WorkspaceId},
    time::UtcMillis,
};
use sqlx::{query, query_as, query_scalar};
use uuid::Uuid;

use super::{DocumentRow, PostgresStorage, digest, failed, integer, number};
use crate::storage::{Digest, DocumentRecord, SegmentSet, Segments, StorageError};

#[async_trait]
impl Segments for PostgresStorage {
    async fn segment_set(&self, workspace: WorkspaceId) -> Result<Option<SegmentSet>, StorageError> {
        let found: Option<(i64, i32, Vec<u8>, String)> =
            query_as("SELECT cursor, projection, rules, entries FROM segment_sets WHERE workspace = $1")
                .bind(workspace.0)
                .fetch_optional(&self.readers)
                .await
                .map_err(failed)?;
        found
            .map(|(cursor, projection, rules, entries)| {
                Ok(SegmentSet {
                    cursor: number(cursor)?,
                    projection: u16::try_from(projection)
                        .map_err(|_| StorageError::damaged("a version of rows"))?,
                    rules: digest(&rules)?,
                    segments: serde_json::from_str(&entries)
                        .map_err(|_| StorageError::damaged("a list of segments"))?,
                })
            })
            .transpose()
    }

    async fn segment(&self, workspace: WorkspaceId, id: Digest) -> Result<Option<Vec<u8>>, StorageError> {
        query_scalar("SELECT bytes FROM segments WHERE workspace = $1 AND id = $2")
            .bind(workspace.0)
            .bind(id)
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
        // One that was retired lives again: else another process, which is about to forget it, would take it away
        // before the set names it.
        query(
            "INSERT INTO segments (workspace, id, bytes) VALUES ($1, $2, $3)
             ON CONFLICT (workspace, id) DO UPDATE SET retired_at = NULL",
        )
        .bind(workspace.0)
        .bind(id)
        .bind(bytes)
        .execute(&self.writers)
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
        let entries =
            serde_json::to_string(&set.segments).map_err(|error| StorageError::Failed(Box::new(error)))?;
        let ids: Vec<&[u8]> = set.segments.iter().map(|entry| entry.id.as_slice()).collect();
        let mut tx = self.writers.begin().await.map_err(failed)?;
        query(
            "INSERT INTO segment_sets (workspace, cursor, projection, rules, entries) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (workspace) DO UPDATE SET cursor = excluded.cursor, projection = excluded.projection,
                 rules = excluded.rules, entries = excluded.entries",
        )
        .bind(workspace.0)
        .bind(integer(set.cursor))
        .bind(i32::from(set.projection))
        .bind(set.rules)
        .bind(entries)
        .execute(&mut *tx)
        .await
        .map_err(failed)?;
        query(
            "UPDATE segments SET retired_at = CASE WHEN id = ANY($1) THEN NULL ELSE $2 END
             WHERE workspace = $3 AND (id = ANY($1)) = (retired_at IS NOT NULL)",
        )
        .bind(ids)
        .bind(now.0)
        .bind(workspace.0)
        .execute(&mut *tx)
        .await
        .map_err(failed)?;
        query("DELETE FROM segments WHERE workspace = $1 AND retired_at < $2")
            .bind(workspace.0)
            .bind(forget_before.0)
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
        let rows: Vec<DocumentRow> = query_as(
            "SELECT id, workspace, kind, owner, seq, heads, snapshot FROM documents
             WHERE workspace = $1 AND id > $2 AND kind <> ALL($3) ORDER BY id LIMIT $4",
        )
        .bind(workspace.0)
        // No document has this id.
        .bind(after.map_or(Uuid::nil(), |doc| doc.0))
        .bind(own())
        .bind(i64::from(limit))
        .fetch_all(&self.readers)
        .await
        .map_err(failed)?;
        rows.into_iter().map(TryInto::try_into).collect()
    }

    async fn shared_changed_after(
        &self,
        workspace: WorkspaceId,
        seq: u64,
    ) -> Result<Vec<DocId>, StorageError> {
        let ids: Vec<Uuid> = query_scalar(
            "SELECT DISTINCT c.doc FROM changes c JOIN documents d ON d.id = c.doc
             WHERE c.workspace = $1 AND c.seq > $2 AND d.kind <> ALL($3) ORDER BY c.doc",
        )
        .bind(workspace.0)
        .bind(integer(seq))
        .bind(own())
        .fetch_all(&self.readers)
        .await
        .map_err(failed)?;
        Ok(ids.into_iter().map(DocId).collect())
    }
}

/// The kinds that are not everybody's.
fn own() -> Vec<i16> {
    [DocKind::Workspace, DocKind::Personal].map(|kind| i16::from(kind.code())).to_vec()
}
