//! The log and the documents, read.

use std::collections::BTreeMap;

use async_trait::async_trait;
use desk_domain::ids::{DocId, DocKind, WorkspaceId};
use desk_sync::wire::WholeDocument;
use futures::TryStreamExt;
use sqlx::{SqliteConnection, query, query_as};

use super::{DocumentRow, SqliteStorage, digest, failed, integer, kind, number, owner, texts, uuid};
use crate::storage::{
    DocumentRecord, Log, LogPage, PageLimits, Reader, StorageError,
    page::{Filling, LeftTeam, Row},
};

#[async_trait]
impl Log for SqliteStorage {
    async fn changes_after(
        &self,
        workspace: WorkspaceId,
        reader: &Reader,
        after: u64,
        limits: PageLimits,
    ) -> Result<LogPage, StorageError> {
        let workspace = workspace.0.as_bytes().as_slice();
        let mut tx = self.readers.begin().await.map_err(failed)?;
        let now = query!(
            r#"SELECT w.head, coalesce(d.seq, 0) AS "settings_seq!: i64"
               FROM workspaces w LEFT JOIN documents d ON d.id = w.settings_doc WHERE w.id = ?"#,
            workspace
        )
        .fetch_one(&mut *tx)
        .await
        .map_err(failed)?;
        let (head, settings_seq) = (number(now.head)?, number(now.settings_seq)?);
        let filling = Filling::new(reader, after, head, settings_seq, limits);
        if reader.scope.private().is_empty() {
            everybodys(&mut tx, workspace, reader, filling, limits).await
        } else {
            scoped(&mut tx, workspace, reader, filling, limits).await
        }
    }

    async fn documents_for(
        &self,
        workspace: WorkspaceId,
        reader: &Reader,
        docs: &[DocId],
        bytes: usize,
    ) -> Result<(Vec<WholeDocument>, usize), StorageError> {
        let workspace = workspace.0.as_bytes().as_slice();
        let member = reader.member.0.as_bytes().as_slice();
        let hidden = texts(reader.scope.hidden())?;
        let mut conn = self.readers.acquire().await.map_err(failed)?;
        let mut found = Vec::new();
        let mut size_bytes = 0;
        for (asked, doc) in docs.iter().enumerate() {
            let id = doc.0.as_bytes().as_slice();
            let row = query_as!(
                DocumentRow,
                "SELECT id, workspace, kind, owner, seq, team, heads, snapshot_seq, snapshot FROM documents
                 WHERE id = ?1 AND workspace = ?2
                 AND (owner IS NULL OR owner = ?3)
                 AND (team IS NULL OR team NOT IN (SELECT value FROM json_each(?4)))",
                id,
                workspace,
                member,
                hidden
            )
            .fetch_optional(&mut *conn)
            .await
            .map_err(failed)?;
            let Some(row) = row else { continue };
            let DocumentRecord { kind, snapshot, .. } = row.whole(&mut conn).await?;
            size_bytes += snapshot.len();
            if size_bytes > bytes && !found.is_empty() {
                return Ok((found, asked));
            }
            found.push(WholeDocument { doc: *doc, kind, snapshot });
        }
        Ok((found, docs.len()))
    }

    async fn document(&self, doc: DocId) -> Result<Option<DocumentRecord>, StorageError> {
        let id = doc.0.as_bytes().as_slice();
        let mut conn = self.readers.acquire().await.map_err(failed)?;
        let found = query_as!(
            DocumentRow,
            "SELECT id, workspace, kind, owner, seq, team, heads, snapshot_seq, snapshot FROM documents WHERE id = ?",
            id
        )
        .fetch_optional(&mut *conn)
        .await
        .map_err(failed)?;
        match found {
            Some(row) => row.whole(&mut conn).await.map(Some),
            None => Ok(None),
        }
    }

    async fn count_documents(&self, workspace: WorkspaceId) -> Result<BTreeMap<DocKind, u64>, StorageError> {
        let workspace = workspace.0.as_bytes().as_slice();
        let rows = query!(
            r#"SELECT kind, count(*) AS "count!: i64" FROM documents WHERE workspace = ? GROUP BY kind"#,
            workspace
        )
        .fetch_all(&self.readers)
        .await
        .map_err(failed)?;
        rows.into_iter().map(|row| Ok((kind(row.kind)?, number(row.count)?))).collect()
    }
}

/// A page where all shared documents are everybody's.
async fn everybodys(
    tx: &mut SqliteConnection,
    workspace: &[u8],
    reader: &Reader,
    mut filling: Filling<'_>,
    limits: PageLimits,
) -> Result<LogPage, StorageError> {
    let member = reader.member.0.as_bytes().as_slice();
    let (after, most) = (integer(filling.page.cursor), i64::from(limits.changes));
    let mut rows = query!(
        r#"SELECT c.seq, c.doc, d.kind, c.hash, d.owner,
                  CASE WHEN d.owner IS NULL OR d.owner = ?2 THEN c.bytes END AS "bytes: Vec<u8>"
           FROM changes c JOIN documents d ON d.id = c.doc
           WHERE c.workspace = ?1 AND c.seq > ?3 ORDER BY c.seq LIMIT ?4"#,
        workspace,
        member,
        after,
        most
    )
    .fetch(tx);
    while let Some(row) = rows.try_next().await.map_err(failed)? {
        let row = Row {
            seq: number(row.seq)?,
            doc: DocId(uuid(&row.doc)?),
            kind: kind(row.kind)?,
            hash: digest(&row.hash)?,
            owner: owner(row.owner.as_deref())?,
            team: None,
            left: None,
            crossed: None,
            bytes: row.bytes,
        };
        if !filling.add(row)? {
            break;
        }
    }
    Ok(filling.page)
}

/// A page where some teams are private. What the reader does not get is not read.
async fn scoped(
    tx: &mut SqliteConnection,
    workspace: &[u8],
    reader: &Reader,
    mut filling: Filling<'_>,
    limits: PageLimits,
) -> Result<LogPage, StorageError> {
    let member = reader.member.0.as_bytes().as_slice();
    let (after, most) = (integer(filling.page.cursor), i64::from(limits.changes));
    let (private, hidden) = (texts(reader.scope.private())?, texts(reader.scope.hidden())?);
    let mut rows =
        sqlx::query_file!("src/storage/sqlite/scoped.sql", workspace, member, after, most, private, hidden)
            .fetch(&mut *tx);
    while let Some(row) = rows.try_next().await.map_err(failed)? {
        let row = Row {
            seq: number(row.seq)?,
            doc: DocId(uuid(&row.doc)?),
            kind: kind(row.kind)?,
            hash: digest(&row.hash)?,
            owner: owner(row.owner.as_deref())?,
            team: row.team,
            left: (row.moved != 0).then_some(LeftTeam(row.from_team)),
            crossed: row.crossed.map(number).transpose()?,
            bytes: row.bytes,
        };
        if !filling.add(row)? {
            break;
        }
    }
    drop(rows);
    let mut page = filling.page;
    for document in &mut page.documents {
        let id = document.doc.0.as_bytes().as_slice();
        let row = query_as!(
            DocumentRow,
            "SELECT id, workspace, kind, owner, seq, team, heads, snapshot_seq, snapshot FROM documents WHERE id = ?",
            id
        )
        .fetch_one(&mut *tx)
        .await
        .map_err(failed)?;
        // What was read with the entry is behind where the log has more.
        document.snapshot = row.whole(tx).await?.snapshot;
    }
    Ok(page)
}
