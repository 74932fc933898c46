//! Documents as they are stored.

mod codec;

pub(crate) use codec::{Packed, pack};

use std::collections::{BTreeMap, BTreeSet, HashMap};

use desk_domain::ids::{DocId, DocKind};
use sqlx::{Connection, Row, SqliteConnection, sqlite::SqliteRow};

use crate::{Hash32, Store, StoreError, blocks, bulk, codes, heads_from_bytes};

/// A document as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredDocument {
    /// Which one.
    pub id: DocId,
    /// What kind.
    pub kind: DocKind,
    /// Its heads, sorted; `DocWrite::expected_heads` wants them back.
    pub heads: Vec<Hash32>,
    /// The Automerge document, uncompressed.
    pub snapshot: Vec<u8>,
    /// Its schema number.
    pub schema: u32,
    /// Rows were derived from it; `false`: its schema was too new to be read, so it is read-only.
    pub projected: bool,
}

/// What the digest of a store needs of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DigestRow {
    /// Which one.
    pub id: DocId,
    /// What kind.
    pub kind: DocKind,
    /// Its heads, sorted.
    pub heads: Vec<Hash32>,
}

impl Store {
    /// A document, whole; `None` when the store has none of that id.
    pub async fn document(&self, id: DocId) -> Result<Option<StoredDocument>, StoreError> {
        const SQL: &str = "SELECT d.id, d.kind, d.heads, d.schema, d.projected, d.block, s.codec, s.raw_bytes, s.bytes, \
             b.raw_bytes, b.bytes FROM documents d LEFT JOIN snapshots s ON s.doc = d.doc \
             LEFT JOIN blocks b ON b.block = d.block WHERE d.id = ?";
        let mut held = self.quick_reader().await?;
        let row = sqlx::query(SQL).bind(codes::id_bytes(id)).fetch_optional(held.conn()?).await?;
        let Some(row) = row else { return Ok(None) };
        let mut unpacked = HashMap::new();
        if let Some(bytes) = row.try_get::<Option<&[u8]>, _>(10)? {
            unpacked = blocks::snapshots(bytes, row.try_get(9)?, &BTreeSet::from([id]))?;
        }
        stored(&row, &mut unpacked).map(Some)
    }

    /// Several documents, whole; those that the store does not have are left out. Cheaper than one by one where they
    /// stand in blocks.
    pub async fn documents(&self, ids: &[DocId]) -> Result<Vec<StoredDocument>, StoreError> {
        const SQL: &str = "SELECT d.id, d.kind, d.heads, d.schema, d.projected, d.block, s.codec, s.raw_bytes, s.bytes \
             FROM json_each(?) j JOIN documents d ON d.id = unhex(j.value) LEFT JOIN snapshots s ON s.doc = d.doc";
        let mut held = self.slow_reader().await?;
        // One state of the store: a document may leave its block meanwhile.
        let mut state = held.conn()?.begin().await?;
        let ids = bulk::json_hex(ids.iter().map(|id| id.0.as_bytes().as_slice()));
        let rows = sqlx::query(SQL).bind(ids).fetch_all(&mut *state).await?;
        let blocks = blocks_of(&mut state, &rows).await?;
        drop(state);
        drop(held);
        whole(&rows, blocks).await
    }

    /// A page of the documents of a kind in the order of their ids: at most `limit` that come after `after`. For going
    /// through all of them without holding them in memory.
    pub async fn documents_of_kind(
        &self,
        kind: DocKind,
        after: Option<DocId>,
        limit: u32,
    ) -> Result<Vec<StoredDocument>, StoreError> {
        const SQL: &str = "SELECT d.id, d.kind, d.heads, d.schema, d.projected, d.block, s.codec, s.raw_bytes, s.bytes \
             FROM documents d LEFT JOIN snapshots s ON s.doc = d.doc \
             WHERE d.kind = ? AND d.id > ? ORDER BY d.id LIMIT ? + 0";
        let mut held = self.slow_reader().await?;
        let mut state = held.conn()?.begin().await?;
        let rows = sqlx::query(SQL)
            .bind(i64::from(kind.code()))
            .bind(after.map(codes::id_bytes).unwrap_or_default())
            .bind(i64::from(limit))
            .fetch_all(&mut *state)
            .await?;
        let blocks = blocks_of(&mut state, &rows).await?;
        drop(state);
        drop(held);
        whole(&rows, blocks).await
    }

    /// A page of what the digest is computed over: the documents that every device of the workspace shares (no personal
    /// settings), in the order of their ids.
    pub async fn digest_rows(&self, after: Option<DocId>, limit: u32) -> Result<Vec<DigestRow>, StoreError> {
        const SQL: &str =
            "SELECT id, kind, heads FROM documents WHERE id > ? AND kind <> ? ORDER BY id LIMIT ? + 0";
        let mut held = self.slow_reader().await?;
        let rows = sqlx::query(SQL)
            .bind(after.map(codes::id_bytes).unwrap_or_default())
            .bind(i64::from(DocKind::Personal.code()))
            .bind(i64::from(limit))
            .fetch_all(held.conn()?)
            .await?;
        let digest_row = |row: &SqliteRow| {
            Ok(DigestRow {
                id: codes::id_from(row.try_get(0)?)?,
                kind: codes::kind_from(row.try_get(1)?)?,
                heads: heads_from_bytes(row.try_get(2)?),
            })
        };
        rows.iter().map(digest_row).collect()
    }

    /// The heads of a document; `None` when the store has none of that id.
    pub async fn heads(&self, id: DocId) -> Result<Option<Vec<Hash32>>, StoreError> {
        let mut held = self.quick_reader().await?;
        let bytes: Option<Vec<u8>> = sqlx::query_scalar("SELECT heads FROM documents WHERE id = ?")
            .bind(codes::id_bytes(id))
            .fetch_optional(held.conn()?)
            .await?;
        Ok(bytes.as_deref().map(heads_from_bytes))
    }

    /// How many documents there are.
    pub async fn documents_len(&self) -> Result<u64, StoreError> {
        let mut held = self.quick_reader().await?;
        let count: i64 = sqlx::query_scalar("SELECT count(*) FROM documents").fetch_one(held.conn()?).await?;
        Ok(u64::try_from(count).unwrap_or(0))
    }
}

/// Blocks as they are stored, with which of their documents are wanted.
type Blocks = Vec<(Vec<u8>, i64, BTreeSet<DocId>)>;

/// The blocks in which documents of rows of the queries above stand, each once.
async fn blocks_of(conn: &mut SqliteConnection, rows: &[SqliteRow]) -> Result<Blocks, StoreError> {
    let mut in_blocks: BTreeMap<i64, BTreeSet<DocId>> = BTreeMap::new();
    for row in rows {
        if let Some(block) = row.try_get::<Option<i64>, _>(5)? {
            in_blocks.entry(block).or_default().insert(codes::id_from(row.try_get(0)?)?);
        }
    }
    let mut found = Vec::with_capacity(in_blocks.len());
    for (block, wanted) in in_blocks {
        let row = sqlx::query("SELECT raw_bytes, bytes FROM blocks WHERE block = ?")
            .bind(block)
            .fetch_optional(&mut *conn)
            .await?;
        if let Some(row) = row {
            found.push((row.try_get(1)?, row.try_get(0)?, wanted));
        }
    }
    Ok(found)
}

/// The documents of rows, in their order. Unpacking is work for a processor: it holds up no connection and no other task.
async fn whole(rows: &[SqliteRow], blocks: Blocks) -> Result<Vec<StoredDocument>, StoreError> {
    let unpack = move || {
        let mut unpacked: HashMap<DocId, Vec<u8>> = HashMap::new();
        for (bytes, raw_bytes, wanted) in &blocks {
            unpacked.extend(blocks::snapshots(bytes, *raw_bytes, wanted)?);
        }
        Ok::<_, StoreError>(unpacked)
    };
    let mut unpacked = tokio::task::spawn_blocking(unpack).await.map_err(|_| StoreError::Closed)??;
    rows.iter().map(|row| stored(row, &mut unpacked)).collect()
}

fn stored(row: &SqliteRow, unpacked: &mut HashMap<DocId, Vec<u8>>) -> Result<StoredDocument, StoreError> {
    let id = codes::id_from(row.try_get(0)?)?;
    let codec: Option<i64> = row.try_get(6)?;
    let snapshot = match codec {
        Some(codec) => Packed { codec, raw_bytes: row.try_get(7)?, bytes: row.try_get(8)? }.unpack()?,
        None => unpacked
            .remove(&id)
            .ok_or_else(|| StoreError::Damaged { what: format!("the bytes of document {id} are missing") })?,
    };
    Ok(StoredDocument {
        id,
        kind: codes::kind_from(row.try_get(1)?)?,
        heads: heads_from_bytes(row.try_get(2)?),
        snapshot,
        schema: row.try_get(3)?,
        projected: row.try_get(4)?,
    })
}
