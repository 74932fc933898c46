//! Documents and their bytes: row numbers, the check of the heads, and removal.

use std::collections::{BTreeSet, HashMap};

use desk_domain::{
    ids::{DocId, DocKind},
    projection::Row as Line,
};
use sqlx::{Row, SqliteConnection};

use super::Placed;
use crate::{
    DocWrite, StoreError,
    batch::heads_to_bytes,
    blocks,
    bulk::{self, Insert, Script},
    codes,
    documents::Packed,
};

struct Known {
    doc: i64,
    kind: DocKind,
    heads: Vec<u8>,
    key: Option<i64>,
    text_hash: Option<Vec<u8>>,
    block: Option<i64>,
    deadlines: String,
}

/// What the store knew of documents before they are written.
pub(super) struct Looked {
    /// Of each that was asked about; `None` for one that is not there.
    known: HashMap<DocId, Option<Known>>,
    /// The row number of the next new one.
    next: i64,
}

/// Looks documents up, within the transaction that writes them.
pub(super) async fn look(conn: &mut SqliteConnection, ids: &[DocId]) -> Result<Looked, StoreError> {
    const SQL: &str = "SELECT d.id, d.doc, d.kind, d.heads, s.key, coalesce(p.text_hash, s.text_hash), d.block, \
         (SELECT json_group_array(json_array(rule, percent, metric, due_at, members)) FROM \
          (SELECT rule, percent, metric, due_at, members FROM deadlines x WHERE x.doc = d.doc ORDER BY rule, percent)) \
         FROM json_each(?) j JOIN documents d ON d.id = unhex(j.value) LEFT JOIN search_docs s ON s.doc = d.doc \
         LEFT JOIN search_pending p ON p.doc = d.doc";
    let mut known: HashMap<DocId, Option<Known>> = ids.iter().map(|id| (*id, None)).collect();
    if ids.is_empty() {
        return Ok(Looked { known, next: 0 });
    }
    let hex = bulk::json_hex(ids.iter().map(|id| id.0.as_bytes().as_slice()));
    let rows = sqlx::query(SQL).bind(hex).fetch_all(&mut *conn).await?;
    for row in &rows {
        let entry = Known {
            doc: row.try_get(1)?,
            kind: codes::kind_from(row.try_get(2)?)?,
            heads: row.try_get(3)?,
            key: row.try_get(4)?,
            text_hash: row.try_get(5)?,
            block: row.try_get(6)?,
            deadlines: row.try_get(7)?,
        };
        known.insert(codes::id_from(row.try_get(0)?)?, Some(entry));
    }
    let next = if rows.len() < known.len() {
        let last: i64 =
            sqlx::query_scalar("SELECT coalesce(max(doc), 0) FROM documents").fetch_one(conn).await?;
        last + 1
    } else {
        0
    };
    Ok(Looked { known, next })
}

impl Looked {
    /// Gives each document its row number and checks that its writer saw the heads that are stored. Each was looked up, and is
    /// placed once.
    pub(super) fn place<'a>(&mut self, docs: &'a [DocWrite]) -> Result<Vec<Placed<'a>>, StoreError> {
        docs.iter().map(|write| self.place_one(write)).collect()
    }

    fn place_one<'a>(&mut self, write: &'a DocWrite) -> Result<Placed<'a>, StoreError> {
        let id = write.id;
        let Some(before) = self.known.remove(&id) else {
            return Err(StoreError::Invalid { why: format!("document {id} was not looked up") });
        };
        let expected = write.expected_heads.as_deref().map(heads_to_bytes);
        if expected.as_deref() != before.as_ref().map(|known| known.heads.as_slice()) {
            return Err(StoreError::Stale { doc: id });
        }
        let Some(before) = before else {
            self.next += 1;
            return Ok(Placed::new(write, self.next - 1));
        };
        if before.kind != write.kind {
            return Err(StoreError::Invalid { why: format!("document {id} changes its kind") });
        }
        Ok(Placed {
            existed: true,
            key: before.key,
            text_hash: before.text_hash,
            block: before.block,
            deadlines: Some(before.deadlines),
            ..Placed::new(write, before.doc)
        })
    }
}

/// Writes documents and their snapshots, `packed`. Blocks that held the last bytes of a document go.
pub(super) async fn write(
    script: &mut Script<'_>,
    placed: &[Placed<'_>],
    packed: &[Packed],
) -> Result<(), StoreError> {
    write_heads(script, placed, None).await?;
    write_snapshots(script, placed, packed).await?;
    blocks::sweep(script, placed.iter().filter_map(|placed| placed.block)).await
}

/// Writes what a document is without its bytes, which stand in a block or are written by [`write_snapshots`].
pub(crate) async fn write_heads(
    script: &mut Script<'_>,
    placed: &[Placed<'_>],
    block: Option<i64>,
) -> Result<(), StoreError> {
    const DOCUMENTS: Insert = Insert {
        head: "INSERT INTO documents (doc, id, kind, heads, schema, projected, updated_at, block) VALUES",
        columns: 8,
        tail: "ON CONFLICT (doc) DO UPDATE SET heads = excluded.heads, schema = excluded.schema, \
               projected = excluded.projected, updated_at = excluded.updated_at, block = excluded.block, \
               left_block = coalesce(documents.block, documents.left_block)",
    };
    DOCUMENTS
        .add(script, placed, |values, placed| {
            values
                .bind(placed.doc)
                .bind(codes::id_bytes(placed.write.id))
                .bind(i64::from(placed.write.kind.code()))
                .bind(heads_to_bytes(&placed.write.heads))
                .bind(i64::from(placed.write.schema))
                .bind(placed.row().is_some())
                // Settings carry no such instant.
                .bind(placed.row().and_then(Line::updated_at).map_or(0, |at| at.0))
                .bind(block)
        })
        .await
}

async fn write_snapshots(
    script: &mut Script<'_>,
    placed: &[Placed<'_>],
    packed: &[Packed],
) -> Result<(), StoreError> {
    const SNAPSHOTS: Insert = Insert {
        head: "INSERT INTO snapshots (doc, codec, raw_bytes, bytes) VALUES",
        columns: 4,
        tail: "ON CONFLICT (doc) DO UPDATE SET codec = excluded.codec, raw_bytes = excluded.raw_bytes, \
               bytes = excluded.bytes",
    };
    let rows: Vec<(i64, &Packed)> = placed.iter().map(|placed| placed.doc).zip(packed).collect();
    SNAPSHOTS
        .add(script, &rows, |values, (doc, packed)| {
            values.bind(*doc).bind(packed.codec).bind(packed.raw_bytes).bind(packed.bytes.as_slice())
        })
        .await
}

/// Writes down which documents have rows, for a repair that leaves the documents alone.
pub(super) async fn write_projected(
    conn: &mut SqliteConnection,
    placed: &[Placed<'_>],
) -> Result<(), StoreError> {
    const SQL: &str = "UPDATE documents SET projected = ? WHERE doc IN (SELECT value FROM json_each(?))";
    for projected in [true, false] {
        let docs = placed.iter().filter(|placed| placed.row().is_some() == projected);
        let docs = bulk::json_numbers(docs.map(|placed| placed.doc));
        sqlx::query(SQL).bind(projected).bind(docs).execute(&mut *conn).await?;
    }
    Ok(())
}

/// Removes documents with everything derived from them, and what stands of them in blocks; returns what was there.
pub(super) async fn drop_all(
    conn: &mut SqliteConnection,
    ids: &[DocId],
) -> Result<Vec<(DocKind, DocId)>, StoreError> {
    const FIND: &str = "SELECT d.doc, d.kind, s.key, EXISTS (SELECT 1 FROM outbox o WHERE o.doc = d.doc), d.block, d.left_block \
         FROM documents d LEFT JOIN search_docs s ON s.doc = d.doc WHERE d.id = ?";
    let mut dropped = Vec::new();
    let mut held = BTreeSet::new();
    for id in ids {
        let Some(row) = sqlx::query(FIND).bind(codes::id_bytes(*id)).fetch_optional(&mut *conn).await? else {
            continue;
        };
        if row.try_get(3)? {
            return Err(StoreError::Unsent { doc: *id });
        }
        if let Some(key) = row.try_get::<Option<i64>, _>(2)? {
            const UNINDEX: &str =
                "DELETE FROM search WHERE rowid = ?; DELETE FROM search_titles WHERE rowid = ?";
            sqlx::query(UNINDEX).bind(key).bind(key).execute(&mut *conn).await?;
        }
        // The rest goes by the foreign keys.
        let doc: i64 = row.try_get(0)?;
        sqlx::query("DELETE FROM documents WHERE doc = ?").bind(doc).execute(&mut *conn).await?;
        held.extend(row.try_get::<Option<i64>, _>(4)?);
        held.extend(row.try_get::<Option<i64>, _>(5)?);
        dropped.push((codes::kind_from(row.try_get(1)?)?, *id));
    }
    blocks::expel(conn, held, ids).await?;
    Ok(dropped)
}
