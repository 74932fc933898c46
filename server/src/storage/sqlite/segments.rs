//! Segments and what they are made from.

use async_trait::async_trait;
use desk_domain::{
    ids::{DocId, DocKind, WorkspaceId},
    time::UtcMillis,
};
use sqlx::{query, query_as, query_scalar};

use super::{DocumentRow, SqliteStorage, all_whole, digest, failed, integer, number, texts, uuid};
use crate::storage::{Audience, Digest, DocumentRecord, SegmentAbout, SegmentSet, Segments, StorageError};

#[async_trait]
impl Segments for SqliteStorage {
    async fn segment_set(&self, workspace: WorkspaceId) -> Result<Option<SegmentSet>, StorageError> {
        let workspace = workspace.0.as_bytes().as_slice();
        let found = query!(
            "SELECT cursor, projection, rules, private, entries FROM segment_sets WHERE workspace = ?",
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
                    private: serde_json::from_str(&row.private)
                        .map_err(|_| StorageError::damaged("a list of teams"))?,
                    segments: serde_json::from_str(&row.entries)
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
        let (workspace, id) = (workspace.0.as_bytes().as_slice(), id.as_slice());
        let found = query!("SELECT about, bytes FROM segments WHERE workspace = ? AND id = ?", workspace, id)
            .fetch_optional(&self.readers)
            .await
            .map_err(failed)?;
        found
            .map(|row| {
                let about = serde_json::from_str(&row.about)
                    .map_err(|_| StorageError::damaged("what a segment is about"))?;
                Ok((about, row.bytes))
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
        let (workspace, id) = (workspace.0.as_bytes().as_slice(), id.as_slice());
        let cursor = integer(about.cursor);
        let about = serde_json::to_string(about).map_err(|error| StorageError::Failed(Box::new(error)))?;
        query!(
            "INSERT INTO segments (workspace, id, about, cursor, bytes) VALUES (?, ?, ?, ?, ?)
             ON CONFLICT DO UPDATE SET about = excluded.about, cursor = excluded.cursor
             WHERE excluded.cursor >= cursor",
            workspace,
            id,
            about,
            cursor,
            bytes
        )
        .execute(&self.writer)
        .await
        .map_err(failed)?;
        Ok(())
    }

    async fn is_outdated(&self, workspace: WorkspaceId, about: &SegmentAbout) -> Result<bool, StorageError> {
        let workspace = workspace.0.as_bytes().as_slice();
        let SegmentAbout { cursor, audience, first, last } = about;
        let (cursor, private) = (integer(*cursor), texts(&audience.private)?);
        let (first, last) = (first.0.as_bytes().as_slice(), last.0.as_bytes().as_slice());
        let found = query_scalar!(
            r#"SELECT EXISTS (
                   SELECT 1 FROM moves m JOIN documents d ON d.id = m.doc
                   WHERE m.workspace = ?1 AND m.seq > ?2 AND m.doc BETWEEN ?3 AND ?4
                     AND d.team IN (SELECT value FROM json_each(?5)) AND d.team IS NOT ?6
                     AND CASE WHEN ?6 IS NULL
                              THEN m.from_team IS NULL OR m.from_team NOT IN (SELECT value FROM json_each(?5))
                              ELSE m.from_team = ?6 END
               ) AS "found!: i64""#,
            workspace,
            cursor,
            first,
            last,
            private,
            audience.team
        )
        .fetch_one(&self.readers)
        .await
        .map_err(failed)?;
        Ok(found != 0)
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
        let private = texts(&set.private)?;
        let mut tx = self.writer.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
        query!(
            "INSERT INTO segment_sets (workspace, cursor, projection, rules, private, entries)
             VALUES (?, ?, ?, ?, ?, ?)
             ON CONFLICT (workspace) DO UPDATE SET cursor = excluded.cursor, projection = excluded.projection,
                 rules = excluded.rules, private = excluded.private, entries = excluded.entries",
            workspace,
            cursor,
            projection,
            rules,
            private,
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
        audience: &Audience,
        after: Option<DocId>,
        limit: u32,
    ) -> Result<Vec<DocumentRecord>, StorageError> {
        let workspace = workspace.0.as_bytes().as_slice();
        let after = after.map(|doc| doc.0.as_bytes().to_vec()).unwrap_or_default();
        let [settings, personal] = own();
        let mut conn = self.readers.acquire().await.map_err(failed)?;
        let rows = if let Some(team) = &audience.team {
            query_as!(
                DocumentRow,
                "SELECT id, workspace, kind, owner, seq, team, heads, snapshot_seq, snapshot FROM documents
                 WHERE workspace = ? AND team = ? AND id > ? ORDER BY id LIMIT ?",
                workspace,
                team,
                after,
                limit
            )
            .fetch_all(&mut *conn)
            .await
        } else {
            let private = texts(&audience.private)?;
            query_as!(
                DocumentRow,
                "SELECT id, workspace, kind, owner, seq, team, heads, snapshot_seq, snapshot FROM documents
                 WHERE workspace = ? AND id > ? AND kind NOT IN (?, ?)
                 AND (team IS NULL OR team NOT IN (SELECT value FROM json_each(?))) ORDER BY id LIMIT ?",
                workspace,
                after,
                settings,
                personal,
                private,
                limit
            )
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
        let workspace = workspace.0.as_bytes().as_slice();
        let (seq, private) = (integer(seq), texts(&audience.private)?);
        let [settings, personal] = own();
        let ids = query_scalar!(
            "SELECT DISTINCT c.doc FROM changes c JOIN documents d ON d.id = c.doc
                    LEFT JOIN moves m ON m.workspace = c.workspace AND m.seq = c.seq
             WHERE c.workspace = ?1 AND c.seq > ?2 AND d.kind NOT IN (?3, ?4)
               AND CASE WHEN ?5 IS NULL
                        THEN d.team IS NULL OR d.team NOT IN (SELECT value FROM json_each(?6))
                             OR (m.seq IS NOT NULL AND (m.from_team IS NULL
                                     OR m.from_team NOT IN (SELECT value FROM json_each(?6))))
                        ELSE d.team = ?5 OR m.from_team = ?5 END
             ORDER BY c.doc",
            workspace,
            seq,
            settings,
            personal,
            audience.team,
            private
        )
        .fetch_all(&self.readers)
        .await
        .map_err(failed)?;
        ids.iter().map(|id| Ok(DocId(uuid(id)?))).collect()
    }

    async fn without_team(&self, limit: u32) -> Result<Vec<DocumentRecord>, StorageError> {
        let ticket = i64::from(DocKind::Ticket.code());
        let mut conn = self.readers.acquire().await.map_err(failed)?;
        let rows = query_as!(
            DocumentRow,
            "SELECT id, workspace, kind, owner, seq, team, heads, snapshot_seq, snapshot FROM documents
             WHERE team_known = 0 AND kind = ? ORDER BY id LIMIT ?",
            ticket,
            limit
        )
        .fetch_all(&mut *conn)
        .await
        .map_err(failed)?;
        all_whole(rows, &mut conn).await
    }
}

/// The kinds that are not everybody's.
fn own() -> [i64; 2] {
    [DocKind::Workspace, DocKind::Personal].map(|kind| i64::from(kind.code()))
}
