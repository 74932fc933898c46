//! Documents whose bytes stand in a block: reading one, and letting go of empty blocks.

use std::collections::{BTreeSet, HashMap};

use desk_docs::{BrokenBlock, PackedDocument, read_block, unpack_block};
use desk_domain::ids::DocId;
use sqlx::{Row, SqliteConnection};

use crate::{
    DocWrite, StoreError,
    bulk::{self, Script},
};

impl From<BrokenBlock> for StoreError {
    fn from(broken: BrokenBlock) -> Self {
        Self::Damaged { what: broken.to_string() }
    }
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

pub(crate) fn unpack(bytes: &[u8], raw_bytes: i64) -> Result<Vec<u8>, StoreError> {
    Ok(unpack_block(bytes, usize::try_from(raw_bytes).map_err(|_| BrokenBlock)?)?)
}

/// Removes those of the blocks that hold no document any more.
pub(crate) async fn sweep(
    script: &mut Script<'_>,
    blocks: impl IntoIterator<Item = i64>,
) -> Result<(), StoreError> {
    const SWEEP: &str = "DELETE FROM blocks WHERE block IN (SELECT value FROM json_each(?)) \
         AND NOT EXISTS (SELECT 1 FROM documents d WHERE d.block = blocks.block)";
    let blocks: BTreeSet<i64> = blocks.into_iter().collect();
    if blocks.is_empty() {
        return Ok(());
    }
    script.add(SWEEP, |values| values.bind(bulk::json_numbers(blocks))).await
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
    let mut script = Script::new(&mut *conn);
    sweep(&mut script, blocks.iter().copied()).await?;
    script.flush().await?;
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
