//! The log and the documents, read.

use std::collections::BTreeMap;

use async_trait::async_trait;
use desk_domain::ids::{DocId, DocKind, MemberId, WorkspaceId};
use desk_sync::wire::WholeDocument;
use sqlx::{PgConnection, PgExecutor, PgPool, query_as};
use uuid::Uuid;

use super::{DocumentRow, PostgresStorage, audit, digest, failed, integer, kind, number, texts};
use crate::storage::{
    DocumentRecord, Log, LogPage, PageLimits, Reader, StorageError,
    page::{Filling, LeftTeam, Row, Tip},
};

/// The log's end as it is now.
async fn tip(conn: impl PgExecutor<'_>, workspace: WorkspaceId) -> Result<Tip, StorageError> {
    let (head, settings_seq, chain): (i64, i64, Option<Vec<u8>>) = query_as(
        "SELECT w.head, coalesce(d.seq, 0), c.chain FROM workspaces w LEFT JOIN documents d ON d.id = w.settings_doc
         LEFT JOIN changes c ON c.workspace = w.id AND c.seq = w.head WHERE w.id = $1",
    )
    .bind(workspace.0)
    .fetch_one(conn)
    .await
    .map_err(failed)?;
    let chain = audit::value(&chain.unwrap_or_default())?;
    Ok(Tip { head: number(head)?, chain, settings_seq: number(settings_seq)? })
}

#[derive(sqlx::FromRow)]
struct EntryRow {
    seq: i64,
    doc: Uuid,
    kind: i16,
    hash: Vec<u8>,
    owner: Option<Uuid>,
    bytes: Option<Vec<u8>>,
}

#[derive(sqlx::FromRow)]
struct ScopedRow {
    #[sqlx(flatten)]
    entry: EntryRow,
    team: Option<String>,
    moved: bool,
    from_team: Option<String>,
    crossed: Option<i64>,
}

#[async_trait]
impl Log for PostgresStorage {
    async fn changes_after(
        &self,
        workspace: WorkspaceId,
        reader: &Reader,
        after: u64,
        limits: PageLimits,
    ) -> Result<LogPage, StorageError> {
        if reader.scope.private().is_empty() {
            return everybodys(&self.readers, workspace, reader, after, limits).await;
        }
        // Where documents stand, and the settings that say who sees that, are of one moment.
        let mut tx = self
            .readers
            .begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            .await
            .map_err(failed)?;
        let page = scoped(&mut tx, workspace, reader, after, limits).await?;
        tx.rollback().await.map_err(failed)?;
        Ok(page)
    }

    async fn documents_for(
        &self,
        workspace: WorkspaceId,
        reader: &Reader,
        docs: &[DocId],
        bytes: usize,
    ) -> Result<(Vec<WholeDocument>, usize), StorageError> {
        let rows: Vec<(i64, Uuid, i16, bool)> = query_as(include_str!("documents_for.sql"))
            .bind(docs.iter().map(|doc| doc.0).collect::<Vec<_>>())
            .bind(workspace.0)
            .bind(reader.member.0)
            .bind(texts(reader.scope.hidden()))
            .bind(i64::try_from(bytes).unwrap_or(i64::MAX))
            .fetch_all(&self.readers)
            .await
            .map_err(failed)?;
        let mut found = Vec::new();
        for (place, id, code, fits) in rows {
            if !fits {
                return Ok((found, usize::try_from(place - 1).unwrap_or(0)));
            }
            let mut conn = self.readers.acquire().await.map_err(failed)?;
            let Some(record) = document(&mut conn, DocId(id)).await? else { continue };
            found.push(WholeDocument { doc: DocId(id), kind: kind(code)?, snapshot: record.snapshot });
        }
        Ok((found, docs.len()))
    }

    async fn document(&self, doc: DocId) -> Result<Option<DocumentRecord>, StorageError> {
        let mut conn = self.readers.acquire().await.map_err(failed)?;
        document(&mut conn, doc).await
    }

    async fn count_documents(&self, workspace: WorkspaceId) -> Result<BTreeMap<DocKind, u64>, StorageError> {
        let rows: Vec<(i16, i64)> =
            query_as("SELECT kind, count(*) FROM documents WHERE workspace = $1 GROUP BY kind")
                .bind(workspace.0)
                .fetch_all(&self.readers)
                .await
                .map_err(failed)?;
        rows.into_iter().map(|(code, count)| Ok((kind(code)?, number(count)?))).collect()
    }
}

/// A page where all shared documents are everybody's.
async fn everybodys(
    readers: &PgPool,
    workspace: WorkspaceId,
    reader: &Reader,
    after: u64,
    limits: PageLimits,
) -> Result<LogPage, StorageError> {
    // The log only grows: what is read up to a head that was read before is what stood there then.
    let tip = tip(readers, workspace).await?;
    let mut filling = Filling::new(reader, after, tip, limits);
    if filling.page.head <= after {
        return Ok(filling.page);
    }
    let rows: Vec<EntryRow> = query_as(include_str!("changes_after.sql"))
        .bind(workspace.0)
        .bind(reader.member.0)
        .bind(integer(after))
        .bind(integer(tip.head))
        .bind(i64::from(limits.changes))
        .bind(i64::try_from(limits.bytes).unwrap_or(i64::MAX))
        .fetch_all(readers)
        .await
        .map_err(failed)?;
    for row in rows {
        filling.add(row.known(None, None, None)?)?;
    }
    Ok(filling.page)
}

/// A page where some teams are private. What the reader does not get is not read.
async fn scoped(
    tx: &mut PgConnection,
    workspace: WorkspaceId,
    reader: &Reader,
    after: u64,
    limits: PageLimits,
) -> Result<LogPage, StorageError> {
    let tip = tip(&mut *tx, workspace).await?;
    let mut filling = Filling::new(reader, after, tip, limits);
    let rows: Vec<ScopedRow> = query_as(include_str!("scoped.sql"))
        .bind(workspace.0)
        .bind(reader.member.0)
        .bind(integer(after))
        .bind(i64::from(limits.changes))
        .bind(texts(reader.scope.private()))
        .bind(texts(reader.scope.hidden()))
        .bind(i64::try_from(limits.bytes).unwrap_or(i64::MAX))
        .fetch_all(&mut *tx)
        .await
        .map_err(failed)?;
    for ScopedRow { entry, team, moved, from_team, crossed } in rows {
        let crossed = crossed.map(number).transpose()?;
        if !filling.add(entry.known(team, moved.then_some(LeftTeam(from_team)), crossed)?)? {
            break;
        }
    }
    let mut page = filling.page;
    for whole in &mut page.documents {
        // What was read with the entry is behind where the log has more.
        if let Some(record) = document(&mut *tx, whole.doc).await? {
            whole.snapshot = record.snapshot;
        }
    }
    Ok(page)
}

/// A document, whole.
async fn document(conn: &mut PgConnection, doc: DocId) -> Result<Option<DocumentRecord>, StorageError> {
    let found = query_as::<_, DocumentRow>(
        "SELECT id, workspace, kind, owner, seq, team, heads, snapshot_seq, snapshot FROM documents WHERE id = $1",
    )
    .bind(doc.0)
    .fetch_optional(&mut *conn)
    .await
    .map_err(failed)?;
    match found {
        Some(row) => row.whole(conn).await.map(Some),
        None => Ok(None),
    }
}

impl EntryRow {
    fn known(
        self,
        team: Option<String>,
        left: Option<LeftTeam>,
        crossed: Option<u64>,
    ) -> Result<Row, StorageError> {
        let Self { seq, doc, kind: code, hash, owner, bytes } = self;
        Ok(Row {
            seq: number(seq)?,
            doc: DocId(doc),
            kind: kind(code)?,
            hash: digest(&hash)?,
            owner: owner.map(MemberId),
            team,
            left,
            crossed,
            bytes,
        })
    }
}
