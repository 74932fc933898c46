//! Segments and what they are made from.

use async_trait::async_trait;
use desk_domain::{
    ids::{DocId, DocKind, WorkspaceId},
    time::UtcMillis,
};
use sqlx::{query, query_as, query_scalar};
use uuid::Uuid;

use super::{DocumentRow, PostgresStorage, all_whole, digest, failed, integer, number, texts};
use crate::storage::{Audience, Digest, DocumentRecord, SegmentAbout, SegmentSet, Segments, StorageError};

#[async_trait]
impl Segments for PostgresStorage {
    async fn segment_set(&self, workspace: WorkspaceId) -> Result<Option<SegmentSet>, StorageError> {
        let found: Option<(i64, i32, Vec<u8>, String, String)> = query_as(
            "SELECT cursor, projection, rules, private, entries FROM segment_sets WHERE workspace = $1",
        )
        .bind(workspace.0)
        .fetch_optional(&self.readers)
        .await
        .map_err(failed)?;
        found
            .map(|(cursor, projection, rules, private, entries)| {
                Ok(SegmentSet {
                    cursor: number(cursor)?,
                    projection: u16::try_from(projection)
                        .map_err(|_| StorageError::damaged("a version of rows"))?,
                    rules: digest(&rules)?,
                    private: serde_json::from_str(&private)
                        .map_err(|_| StorageError::damaged("a list of teams"))?,
                    segments: serde_json::from_str(&entries)
                        .map_err(|_| StorageError::damaged("a list of segments"))?,
                })
            })
            .transpose()
    }

    async fn segment(
        &self,
        workspace: WorkspaceId,
        id: Digest,
    ) -> Result<Option<(SegmentAbout, Vec<u8>)>, StorageError> {
        let found: Option<(String, Vec<u8>)> =
            query_as("SELECT about, bytes FROM segments WHERE workspace = $1 AND id = $2")
                .bind(workspace.0)
                .bind(id)
                .fetch_optional(&self.readers)
                .await
                .map_err(failed)?;
        found
            .map(|(about, bytes)| {
                let about = serde_json::from_str(&about)
                    .map_err(|_| StorageError::damaged("what a segment is about"))?;
                Ok((about, bytes))
            })
            .transpose()
    }

    async fn put_segment(
        &self,
        workspace: WorkspaceId,
        id: Digest,
        about: &SegmentAbout,
        bytes: &[u8],
    ) -> Result<(), StorageError> {
        let cursor = integer(about.cursor);
        let about = serde_json::to_string(about).map_err(|error| StorageError::Failed(Box::new(error)))?;
        // One that was retired lives again: else another process, which is about to forget it, would take it away
        // before the set names it.
        query(
            "INSERT INTO segments (workspace, id, about, cursor, bytes) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (workspace, id) DO UPDATE SET retired_at = NULL,
                 about = CASE WHEN excluded.cursor >= segments.cursor THEN excluded.about ELSE segments.about END,
                 cursor = greatest(excluded.cursor, segments.cursor)",
        )
        .bind(workspace.0)
        .bind(id)
        .bind(about)
        .bind(cursor)
        .bind(bytes)
        .execute(&self.writers)
        .await
        .map_err(failed)?;
        Ok(())
    }

    async fn is_outdated(&self, workspace: WorkspaceId, about: &SegmentAbout) -> Result<bool, StorageError> {
        query_scalar(
            "SELECT EXISTS (
                 SELECT 1 FROM moves m JOIN documents d ON d.id = m.doc
                 WHERE m.workspace = $1 AND m.seq > $2 AND m.doc BETWEEN $3 AND $4
                   AND d.team = ANY($5) AND d.team IS DISTINCT FROM $6
                   AND CASE WHEN $6 IS NULL THEN m.from_team IS NULL OR m.from_team <> ALL($5)
                            ELSE m.from_team = $6 END
             )",
        )
        .bind(workspace.0)
        .bind(integer(about.cursor))
        .bind(about.first.0)
        .bind(about.last.0)
        .bind(texts(&about.audience.private))
        .bind(about.audience.team.as_deref())
        .fetch_one(&self.readers)
        .await
        .map_err(failed)
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
        let private =
            serde_json::to_string(&set.private).map_err(|error| StorageError::Failed(Box::new(error)))?;
        let ids: Vec<&[u8]> = set.segments.iter().map(|entry| entry.id.as_slice()).collect();
        let mut tx = self.writers.begin().await.map_err(failed)?;
        query(
            "INSERT INTO segment_sets (workspace, cursor, projection, rules, private, entries)
             VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (workspace) DO UPDATE SET cursor = excluded.cursor, projection = excluded.projection,
                 rules = excluded.rules, private = excluded.private, entries = excluded.entries",
        )
        .bind(workspace.0)
        .bind(integer(set.cursor))
        .bind(i32::from(set.projection))
        .bind(set.rules)
        .bind(private)
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
        audience: &Audience,
        after: Option<DocId>,
        limit: u32,
    ) -> Result<Vec<DocumentRecord>, StorageError> {
        // No document has the nil id.
        let after = after.map_or(Uuid::nil(), |doc| doc.0);
        let mut conn = self.readers.acquire().await.map_err(failed)?;
        let rows: Result<Vec<DocumentRow>, _> = if let Some(team) = &audience.team {
            query_as(
                "SELECT id, workspace, kind, owner, seq, team, heads, snapshot_seq, snapshot FROM documents
                 WHERE workspace = $1 AND id > $2 AND team = $3 ORDER BY id LIMIT $4",
            )
            .bind(workspace.0)
            .bind(after)
            .bind(team)
            .bind(i64::from(limit))
            .fetch_all(&mut *conn)
            .await
        } else {
            query_as(
                "SELECT id, workspace, kind, owner, seq, team, heads, snapshot_seq, snapshot FROM documents
                 WHERE workspace = $1 AND id > $2 AND kind <> ALL($3) AND (team IS NULL OR team <> ALL($4))
                 ORDER BY id LIMIT $5",
            )
            .bind(workspace.0)
            .bind(after)
            .bind(own())
            .bind(texts(&audience.private))
            .bind(i64::from(limit))
            .fetch_all(&mut *conn)
            .await
        };
        all_whole(rows.map_err(failed)?, &mut conn).await
    }

    async fn shared_changed_after(
        &self,
        workspace: WorkspaceId,
        audience: &Audience,
        seq: u64,
    ) -> Result<Vec<DocId>, StorageError> {
        let ids: Vec<Uuid> = query_scalar(
            "SELECT DISTINCT c.doc FROM changes c JOIN documents d ON d.id = c.doc
                    LEFT JOIN moves m ON m.workspace = c.workspace AND m.seq = c.seq
             WHERE c.workspace = $1 AND c.seq > $2 AND d.kind <> ALL($3)
               AND CASE WHEN $4 IS NULL
                        THEN d.team IS NULL OR d.team <> ALL($5)
                             OR (m.seq IS NOT NULL AND (m.from_team IS NULL OR m.from_team <> ALL($5)))
                        ELSE d.team = $4 OR m.from_team = $4 END
             ORDER BY c.doc",
        )
        .bind(workspace.0)
        .bind(integer(seq))
        .bind(own())
        .bind(audience.team.as_deref())
        .bind(texts(&audience.private))
        .fetch_all(&self.readers)
        .await
        .map_err(failed)?;
        Ok(ids.into_iter().map(DocId).collect())
    }

    async fn without_team(&self, limit: u32) -> Result<Vec<DocumentRecord>, StorageError> {
        let mut conn = self.readers.acquire().await.map_err(failed)?;
        let rows: Vec<DocumentRow> = query_as(
            "SELECT id, workspace, kind, owner, seq, team, heads, snapshot_seq, snapshot FROM documents
             WHERE NOT team_known AND kind = $1 ORDER BY id LIMIT $2",
        )
        .bind(i16::from(DocKind::Ticket.code()))
        .bind(i64::from(limit))
        .fetch_all(&mut *conn)
        .await
        .map_err(failed)?;
        all_whole(rows, &mut conn).await
    }
}

/// The kinds that are not everybody's.
fn own() -> Vec<i16> {
    [DocKind::Workspace, DocKind::Personal].map(|kind| i16::from(kind.code())).to_vec()
}
