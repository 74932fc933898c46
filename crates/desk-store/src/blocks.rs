//! Documents whose bytes stand in a block: reading one, indexing them, and letting go of empty blocks.

use std::collections::{BTreeSet, HashMap};

use desk_docs::{BrokenBlock, PackedDocument, read_block, unpack_block};
use desk_domain::ids::DocId;
use sqlx::{Connection, Row, SqliteConnection};

use crate::{
    DocWrite, Store, StoreError, bulk, codes,
    commit::{Placed, index},
};

/// Texts of so many blocks are indexed in one transaction: a person's edit waits for no more.
const INDEXED_AT_ONCE: i64 = 8;

impl From<BrokenBlock> for StoreError {
    fn from(broken: BrokenBlock) -> Self {
        Self::Damaged { what: broken.to_string() }
    }
}

/// How far the search index is behind the lists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IndexProgress {
    /// Blocks that are in the index.
    pub done: u64,
    /// Blocks there are.
    pub total: u64,
}

impl IndexProgress {
    /// Everything can be found.
    pub fn is_complete(self) -> bool {
        self.done >= self.total
    }
}

impl Store {
    /// How far the search index is.
    pub async fn index_progress(&self) -> Result<IndexProgress, StoreError> {
        let mut held = self.quick_reader().await?;
        progress(held.conn()?).await
    }

    /// Brings the texts of some blocks into the search index, the newest documents first. To be called again until the
    /// progress is complete; what is written or searched meanwhile is right.
    pub async fn index_some(&self) -> Result<IndexProgress, StoreError> {
        let mut held = self.writer().await?;
        let result = index_blocks(held.conn()?).await;
        crate::commit::finish(held, result)
    }
}

async fn progress(conn: &mut SqliteConnection) -> Result<IndexProgress, StoreError> {
    const SQL: &str = "SELECT (SELECT count(*) FROM blocks), (SELECT count(*) FROM blocks WHERE indexed = 0)";
    let row = sqlx::query(SQL).fetch_one(conn).await?;
    let count = |value: i64| u64::try_from(value).unwrap_or(0);
    let (total, left) = (count(row.try_get(0)?), count(row.try_get(1)?));
    Ok(IndexProgress { done: total.saturating_sub(left), total })
}

async fn index_blocks(conn: &mut SqliteConnection) -> Result<IndexProgress, StoreError> {
    const NEXT: &str =
        "SELECT block, raw_bytes, bytes FROM blocks WHERE indexed = 0 ORDER BY block DESC LIMIT ? + 0";
    // Documents that were written since left their block, and are in the index already.
    const MISSING: &str = "SELECT d.id, d.doc FROM documents d \
         WHERE d.block = ? AND NOT EXISTS (SELECT 1 FROM search_docs s WHERE s.doc = d.doc)";
    let mut transaction = conn.begin_with("BEGIN IMMEDIATE").await?;
    let rows = sqlx::query(NEXT).bind(INDEXED_AT_ONCE).fetch_all(&mut *transaction).await?;
    let mut writes: Vec<(i64, DocWrite)> = Vec::new();
    let mut done = Vec::new();
    for row in &rows {
        let block: i64 = row.try_get(0)?;
        done.push(block);
        let missing = sqlx::query(MISSING).bind(block).fetch_all(&mut *transaction).await?;
        let mut missing = missing
            .iter()
            .map(|row| Ok((codes::id_from(row.try_get(0)?)?, row.try_get(1)?)))
            .collect::<Result<HashMap<DocId, i64>, StoreError>>()?;
        let raw = unpack(row.try_get(2)?, row.try_get(1)?)?;
        for document in read_block(&raw)?.documents {
            if let Some(doc) = missing.remove(&document.doc) {
                writes.push((doc, without_bytes(document)));
            }
        }
    }
    let placed: Vec<Placed<'_>> = writes.iter().map(|(doc, write)| Placed::new(write, *doc)).collect();
    index(&mut transaction, &placed).await?;
    sqlx::query("UPDATE blocks SET indexed = 1 WHERE block IN (SELECT value FROM json_each(?))")
        .bind(bulk::json_numbers(done))
        .execute(&mut *transaction)
        .await?;
    let progress = progress(&mut transaction).await?;
    transaction.commit().await?;
    Ok(progress)
}

/// What is derived from a document in a block. Its bytes stay where they are.
pub(crate) fn without_bytes(document: PackedDocument<'_>) -> DocWrite {
    let PackedDocument { doc, kind, heads, schema, projection, snapshot: _ } = document;
    let (row, next_due, deadlines) = match projection {
        Some(projection) => (Some(projection.row), projection.next_due, projection.deadlines),
        None => (None, None, Vec::new()),
    };
    let row = row.filter(|row| row.is_of(kind));
    DocWrite {
        id: doc,
        kind,
        expected_heads: None,
        heads,
        snapshot: Vec::new(),
        schema,
        row,
        next_due,
        deadlines,
    }
}

/// A block's documents by what is asked for.
pub(crate) fn snapshots(
    bytes: &[u8],
    raw_bytes: i64,
    wanted: &BTreeSet<DocId>,
) -> Result<HashMap<DocId, Vec<u8>>, StoreError> {
    let raw = unpack(bytes, raw_bytes)?;
    let documents = read_block(&raw)?.documents.into_iter();
    Ok(documents
        .filter(|document| wanted.contains(&document.doc))
        .map(|document| (document.doc, document.snapshot.into_owned()))
        .collect())
}

fn unpack(bytes: &[u8], raw_bytes: i64) -> Result<Vec<u8>, StoreError> {
    Ok(unpack_block(bytes, usize::try_from(raw_bytes).map_err(|_| BrokenBlock)?)?)
}

/// Removes those of the blocks that hold no document any more.
pub(crate) async fn sweep(
    conn: &mut SqliteConnection,
    blocks: impl IntoIterator<Item = i64>,
) -> Result<(), StoreError> {
    const SWEEP: &str = "DELETE FROM blocks WHERE block = ?1 \
         AND NOT EXISTS (SELECT 1 FROM documents d WHERE d.block = ?1)";
    for block in blocks.into_iter().collect::<BTreeSet<_>>() {
        sqlx::query(SWEEP).bind(block).execute(&mut *conn).await?;
    }
    Ok(())
}

/// Takes documents out of the blocks that hold, or once held, them; the others of these blocks stay as they are.
pub(crate) async fn expel(
    conn: &mut SqliteConnection,
    blocks: BTreeSet<i64>,
    docs: &[DocId],
) -> Result<(), StoreError> {
    const FIND: &str = "SELECT raw_bytes, bytes FROM blocks WHERE block = ?";
    const REPLACE: &str = "UPDATE blocks SET raw_bytes = ?2, bytes = ?3 WHERE block = ?1";
    let docs: BTreeSet<DocId> = docs.iter().copied().collect();
    sweep(conn, blocks.iter().copied()).await?;
    for block in blocks {
        let Some(row) = sqlx::query(FIND).bind(block).fetch_optional(&mut *conn).await? else { continue };
        let raw = unpack(row.try_get(1)?, row.try_get(0)?)?;
        let mut held = read_block(&raw)?;
        held.documents.retain(|document| !docs.contains(&document.doc));
        let packed = held.pack()?;
        sqlx::query(REPLACE)
            .bind(block)
            .bind(i64::try_from(packed.raw_bytes).unwrap_or(i64::MAX))
            .bind(packed.bytes)
            .execute(&mut *conn)
            .await?;
    }
    Ok(())
}
