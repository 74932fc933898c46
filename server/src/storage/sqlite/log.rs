//! The log and the documents, read.

use std::collections::BTreeMap;

use async_trait::async_trait;
use desk_domain::ids::{DocId, DocKind, WorkspaceId};
use desk_sync::wire::WholeDocument;
use futures::TryStreamExt;
use sqlx::{SqliteConnection, query, query_as, query_file};

use super::{DocumentRow, SqliteStorage, audit, digest, failed, integer, kind, number, owner, texts, uuid};
use crate::storage::{
    DocumentRecord, Log, LogPage, PageLimits, Reader, StorageError,
    page::{Filling, LeftTeam, Row, Tip},
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
        if reader.scope.private().is_empty() {
            return self.everybodys(workspace, reader, after, limits).await;
        }
        let workspace = workspace.0.as_bytes().as_slice();
        let mut tx = self.readers.begin().await.map_err(failed)?;
        let tip = tip(&mut tx, workspace).await?;
        scoped(&mut tx, workspace, reader, Filling::new(reader, after, tip, limits), limits).await
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

/// The log's end as it is now.
async fn tip(conn: &mut SqliteConnection, workspace: &[u8]) -> Result<Tip, StorageError> {
    let now = query!(
        r#"SELECT w.head, coalesce(d.seq, 0) AS "settings_seq!: i64", c.chain AS "chain?"
           FROM workspaces w LEFT JOIN documents d ON d.id = w.settings_doc
                LEFT JOIN changes c ON c.workspace = w.id AND c.seq = w.head
           WHERE w.id = ?"#,
        workspace
    )
    .fetch_one(conn)
    .await
    .map_err(failed)?;
    Ok(Tip {
        head: number(now.head)?,
        chain: audit::value(&now.chain.unwrap_or_default())?,
        settings_seq: number(now.settings_seq)?,
    })
}

impl SqliteStorage {
    /// A page where all shared documents are everybody's: read with the log's end in one statement, which sees one moment.
    async fn everybodys(
        &self,
        workspace: WorkspaceId,
        reader: &Reader,
        after: u64,
        limits: PageLimits,
    ) -> Result<LogPage, StorageError> {
        let workspace = workspace.0.as_bytes().as_slice();
        let member = reader.member.0.as_bytes().as_slice();
        let (since, most) = (integer(after), i64::from(limits.changes));
        let mut conn = self.readers.acquire().await.map_err(failed)?;
        let mut rows = query_file!("src/storage/sqlite/everybodys.sql", workspace, member, since, most)
            .fetch(&mut *conn);
        let mut filling: Option<Filling<'_>> = None;
        while let Some(row) = rows.try_next().await.map_err(failed)? {
            let filling = if let Some(filling) = &mut filling {
                filling
            } else {
                let tip = Tip {
                    head: number(row.head)?,
                    chain: audit::value(&row.chain.unwrap_or_default())?,
                    settings_seq: number(row.settings_seq)?,
                };
                filling.insert(Filling::new(reader, after, tip, limits))
            };
            let (Some(seq), Some(doc), Some(code), Some(hash)) = (row.seq, row.doc, row.kind, row.hash)
            else {
                continue;
            };
            let row = Row {
                seq: number(seq)?,
                doc: DocId(uuid(&doc)?),
                kind: kind(code)?,
                hash: digest(&hash)?,
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
        filling.map(|filling| filling.page).ok_or_else(|| StorageError::damaged("a workspace that is gone"))
    }
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
