//! The log and the documents, read.

use std::collections::BTreeMap;

use async_trait::async_trait;
use desk_domain::ids::{DocId, DocKind, MemberId, WorkspaceId};
use sqlx::{query_as, query_scalar};
use uuid::Uuid;

use super::{DocumentRow, PostgresStorage, digest, failed, integer, kind, number};
use crate::storage::{DocumentRecord, Log, LogPage, LoggedEntry, PageLimits, StorageError};

#[derive(sqlx::FromRow)]
struct EntryRow {
    seq: i64,
    doc: Uuid,
    kind: i16,
    hash: Vec<u8>,
    bytes: Option<Vec<u8>>,
}

#[async_trait]
impl Log for PostgresStorage {
    async fn changes_after(
        &self,
        workspace: WorkspaceId,
        reader: MemberId,
        after: u64,
        limits: PageLimits,
    ) -> Result<LogPage, StorageError> {
        // The log only grows: what is read up to a head that was read before is what stood there then.
        let head: i64 = query_scalar("SELECT head FROM workspaces WHERE id = $1")
            .bind(workspace.0)
            .fetch_one(&self.readers)
            .await
            .map_err(failed)?;
        let mut page = LogPage { entries: Vec::new(), cursor: after, head: number(head)? };
        if page.head <= after {
            return Ok(page);
        }
        let rows: Vec<EntryRow> = query_as(include_str!("changes_after.sql"))
            .bind(workspace.0)
            .bind(reader.0)
            .bind(integer(after))
            .bind(head)
            .bind(i64::from(limits.changes))
            .bind(i64::try_from(limits.bytes).unwrap_or(i64::MAX))
            .fetch_all(&self.readers)
            .await
            .map_err(failed)?;
        for row in rows {
            page.cursor = number(row.seq)?;
            if let Some(bytes) = row.bytes {
                page.entries.push(LoggedEntry {
                    seq: page.cursor,
                    doc: DocId(row.doc),
                    kind: kind(row.kind)?,
                    hash: digest(&row.hash)?,
                    bytes,
                });
            }
        }
        Ok(page)
    }

    async fn document(&self, doc: DocId) -> Result<Option<DocumentRecord>, StorageError> {
        query_as::<_, DocumentRow>(
            "SELECT id, workspace, kind, owner, seq, heads, snapshot FROM documents WHERE id = $1",
        )
        .bind(doc.0)
        .fetch_optional(&self.readers)
        .await
        .map_err(failed)?
        .map(TryInto::try_into)
        .transpose()
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
