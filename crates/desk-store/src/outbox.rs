//! Changes that wait for the server.

use desk_domain::{
    edit::Edit,
    ids::{DocId, DocKind},
    time::UtcMillis,
};
use futures::TryStreamExt;
use sqlx::{Row, sqlite::SqliteRow};

use crate::{Hash32, Store, StoreError, codes, lane::Held};

/// So many changes are read quickly.
const FEW: usize = 8;

/// A change that waits to be sent.
#[derive(Clone, Debug, PartialEq)]
pub struct OutboxChange {
    /// Its place in the outbox; grows.
    pub seq: i64,
    /// The document.
    pub doc: DocId,
    /// What kind of document.
    pub kind: DocKind,
    /// The change's hash.
    pub hash: Hash32,
    /// The Automerge change.
    pub bytes: Vec<u8>,
    /// What the person did.
    pub edit: Edit,
    /// When.
    pub edited_at: UtcMillis,
}

impl Store {
    /// The first changes of the outbox: at most `max_changes`, and no more than fit into `max_bytes`, but always one
    /// if there is any.
    pub async fn outbox_batch(
        &self,
        max_bytes: usize,
        max_changes: usize,
    ) -> Result<Vec<OutboxChange>, StoreError> {
        // Nearly always one edit waits, and nothing holds up the way of an edit less than the connection that wrote it.
        let few = changes_after(&mut self.quick_reader().await?, 0, max_bytes, max_changes.min(FEW)).await?;
        if few.len() < FEW {
            return Ok(few);
        }
        self.outbox_after(0, max_bytes, max_changes).await
    }

    /// The same of those behind a place in the outbox.
    pub async fn outbox_after(
        &self,
        seq: i64,
        max_bytes: usize,
        max_changes: usize,
    ) -> Result<Vec<OutboxChange>, StoreError> {
        changes_after(&mut self.slow_reader().await?, seq, max_bytes, max_changes).await
    }

    /// Whether another change than this one waits.
    pub async fn has_unsent_beside(&self, hash: Hash32) -> Result<bool, StoreError> {
        let mut held = self.quick_reader().await?;
        Ok(sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM outbox WHERE hash <> ?)")
            .bind(hash.as_slice())
            .fetch_one(held.conn()?)
            .await?)
    }

    /// The waiting changes of one document, in order.
    pub async fn outbox_of(&self, doc: DocId) -> Result<Vec<OutboxChange>, StoreError> {
        const SQL: &str = "SELECT o.seq, d.id, d.kind, o.hash, o.bytes, o.edit, o.edited_at \
             FROM documents d JOIN outbox o ON o.doc = d.doc WHERE d.id = ? ORDER BY o.seq";
        let mut held = self.quick_reader().await?;
        let rows = sqlx::query(SQL).bind(codes::id_bytes(doc)).fetch_all(held.conn()?).await?;
        rows.iter().map(change).collect()
    }

    /// How many changes wait.
    pub async fn outbox_len(&self) -> Result<u32, StoreError> {
        let mut held = self.quick_reader().await?;
        let count: i64 = sqlx::query_scalar("SELECT count(*) FROM outbox").fetch_one(held.conn()?).await?;
        Ok(u32::try_from(count).unwrap_or(u32::MAX))
    }
}

async fn changes_after(
    held: &mut Held,
    seq: i64,
    max_bytes: usize,
    max_changes: usize,
) -> Result<Vec<OutboxChange>, StoreError> {
    const SQL: &str = "SELECT o.seq, d.id, d.kind, o.hash, o.bytes, o.edit, o.edited_at \
         FROM outbox o JOIN documents d ON d.doc = o.doc WHERE o.seq > ? ORDER BY o.seq LIMIT ? + 0";
    let limit = i64::try_from(max_changes).unwrap_or(i64::MAX);
    let mut rows = sqlx::query(SQL).bind(seq).bind(limit).fetch(held.conn()?);
    let (mut batch, mut size) = (Vec::new(), 0_usize);
    while let Some(row) = rows.try_next().await? {
        let change = change(&row)?;
        size = size.saturating_add(change.bytes.len());
        if size > max_bytes && !batch.is_empty() {
            break;
        }
        batch.push(change);
    }
    Ok(batch)
}

fn change(row: &SqliteRow) -> Result<OutboxChange, StoreError> {
    Ok(OutboxChange {
        seq: row.try_get(0)?,
        doc: codes::id_from(row.try_get(1)?)?,
        kind: codes::kind_from(row.try_get(2)?)?,
        hash: row
            .try_get::<Vec<u8>, _>(3)?
            .try_into()
            .map_err(|_| StoreError::unreadable("a change's hash"))?,
        bytes: row.try_get(4)?,
        edit: codes::from_json(row.try_get(5)?)?,
        edited_at: UtcMillis(row.try_get(6)?),
    })
}
