//! The log and the documents, read.

use std::collections::BTreeMap;

use async_trait::async_trait;
use desk_domain::ids::{DocId, DocKind, MemberId, WorkspaceId};
use futures::TryStreamExt;
use sqlx::{query, query_as, query_scalar};

use super::{DocumentRow, SqliteStorage, digest, failed, integer, kind, number, uuid};
use crate::storage::{DocumentRecord, Log, LogPage, LoggedEntry, PageLimits, StorageError};

#[async_trait]
impl Log for SqliteStorage {
    async fn changes_after(
        &self,
        workspace: WorkspaceId,
        reader: MemberId,
        after: u64,
        limits: PageLimits,
    ) -> Result<LogPage, StorageError> {
        let workspace = workspace.0.as_bytes().as_slice();
        let reader = reader.0.as_bytes().as_slice();
        let mut tx = self.readers.begin().await.map_err(failed)?;
        let head = query_scalar!("SELECT head FROM workspaces WHERE id = ?", workspace)
            .fetch_one(&mut *tx)
            .await
            .map_err(failed)?;
        let mut page = LogPage { entries: Vec::new(), cursor: after, head: number(head)? };
        let (first, most) = (integer(after), i64::from(limits.changes));
        let mut rows = query!(
            r#"SELECT c.seq, c.doc, d.kind, c.hash,
                      CASE WHEN d.owner IS NULL OR d.owner = ?2 THEN c.bytes END AS "bytes: Vec<u8>"
               FROM changes c JOIN documents d ON d.id = c.doc
               WHERE c.workspace = ?1 AND c.seq > ?3 ORDER BY c.seq LIMIT ?4"#,
            workspace,
            reader,
            first,
            most
        )
        .fetch(&mut *tx);
        let mut size = 0;
        while let Some(row) = rows.try_next().await.map_err(failed)? {
            if let Some(bytes) = row.bytes {
                if size > 0 && size + bytes.len() > limits.bytes {
                    break;
                }
                size += bytes.len();
                page.entries.push(LoggedEntry {
                    seq: number(row.seq)?,
                    doc: DocId(uuid(&row.doc)?),
                    kind: kind(row.kind)?,
                    hash: digest(&row.hash)?,
                    bytes,
                });
            }
            page.cursor = number(row.seq)?;
        }
        Ok(page)
    }

    async fn document(&self, doc: DocId) -> Result<Option<DocumentRecord>, StorageError> {
        let id = doc.0.as_bytes().as_slice();
        query_as!(
            DocumentRow,
            "SELECT id, workspace, kind, owner, seq, heads, snapshot FROM documents WHERE id = ?",
            id
        )
        .fetch_optional(&self.readers)
        .await
        .map_err(failed)?
        .map(TryInto::try_into)
        .transpose()
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
