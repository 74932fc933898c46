//! The outbox and the list of refused edits.

use std::collections::HashMap;

use desk_domain::ids::DocId;
use sqlx::{Row, SqliteConnection};

use super::Placed;
use crate::{
    Hash32, OutboxEntry, Rejection, StoreError, UnmadeEdit,
    bulk::{self, Insert, Script},
    codes,
};

/// Moves changes from the outbox to the list of refused edits; returns their numbers there.
pub(super) async fn reject(
    script: &mut Script<'_>,
    rejections: &[Rejection],
) -> Result<Vec<i64>, StoreError> {
    const MOVE: &str = "INSERT INTO rejected \
         (doc, kind, hash, bytes, edit, code, reason, subject, edited_at, rejected_at) \
         SELECT d.id, d.kind, o.hash, o.bytes, o.edit, ?2, ?3, ?4, o.edited_at, ?5 \
         FROM outbox o JOIN documents d ON d.doc = o.doc WHERE o.hash = ?1 \
         ON CONFLICT (hash) DO NOTHING RETURNING id";
    let mut numbers = Vec::new();
    if rejections.is_empty() {
        return Ok(numbers);
    }
    let conn = script.conn().await?;
    for rejection in rejections {
        let number: Option<i64> = sqlx::query_scalar(MOVE)
            .bind(rejection.hash.as_slice())
            .bind(&rejection.code)
            .bind(&rejection.reason)
            .bind(&rejection.subject)
            .bind(rejection.rejected_at.0)
            .fetch_optional(&mut *conn)
            .await?;
        numbers.extend(number);
    }
    let hashes: Vec<Hash32> = rejections.iter().map(|rejection| rejection.hash).collect();
    remove(script, &hashes).await?;
    Ok(numbers)
}

/// Lists edits that were never made; returns their numbers.
pub(super) async fn list_unmade(
    script: &mut Script<'_>,
    unmade: &[UnmadeEdit],
) -> Result<Vec<i64>, StoreError> {
    const LIST: &str = "INSERT INTO rejected \
         (doc, kind, hash, bytes, edit, code, reason, subject, edited_at, rejected_at) \
         VALUES (?, ?, ?, x'', ?, ?, ?, ?, ?, ?) ON CONFLICT (hash) DO NOTHING RETURNING id";
    let mut numbers = Vec::new();
    if unmade.is_empty() {
        return Ok(numbers);
    }
    let conn = script.conn().await?;
    for UnmadeEdit { hash, edit, code, reason, subject, edited_at, rejected_at } in unmade {
        let number: Option<i64> = sqlx::query_scalar(LIST)
            .bind(codes::id_bytes(edit.doc))
            .bind(i64::from(edit.kind().code()))
            .bind(hash.as_slice())
            .bind(codes::to_json(edit)?)
            .bind(code)
            .bind(reason)
            .bind(subject)
            .bind(edited_at.0)
            .bind(rejected_at.0)
            .fetch_optional(&mut *conn)
            .await?;
        numbers.extend(number);
    }
    Ok(numbers)
}

/// Takes refused edits off the list that are proposed again in the same transaction, each once: of two programs that
/// propose one, the second fails.
pub(super) async fn proposed_again(script: &mut Script<'_>, numbers: &[i64]) -> Result<(), StoreError> {
    const REMOVE: &str = "DELETE FROM rejected WHERE id = ? AND discarded_at IS NULL";
    for number in numbers {
        let done = sqlx::query(REMOVE).bind(number).execute(script.conn().await?).await?;
        if done.rows_affected() == 0 {
            return Err(StoreError::NotRejected { id: *number });
        }
    }
    Ok(())
}

/// Removes changes from the outbox.
pub(super) async fn remove(script: &mut Script<'_>, hashes: &[Hash32]) -> Result<(), StoreError> {
    const REMOVE: &str = "DELETE FROM outbox WHERE hash IN (SELECT unhex(value) FROM json_each(?))";
    if hashes.is_empty() {
        return Ok(());
    }
    script.add(REMOVE, |values| values.bind(bulk::json_hex(hashes.iter().map(Hash32::as_slice)))).await
}

/// Adds changes to the end of the outbox; one that stands there already stays where it is. `placed` are the documents that
/// are written with them.
pub(super) async fn add(
    script: &mut Script<'_>,
    entries: &[OutboxEntry],
    placed: &[Placed<'_>],
) -> Result<(), StoreError> {
    const INSERT: Insert = Insert {
        head: "INSERT INTO outbox (doc, hash, bytes, edit, edited_at) VALUES",
        columns: 5,
        tail: "ON CONFLICT (hash) DO NOTHING",
    };
    let mut docs: HashMap<DocId, i64> = placed.iter().map(|placed| (placed.write.id, placed.doc)).collect();
    let others: Vec<DocId> =
        entries.iter().map(|entry| entry.doc).filter(|doc| !docs.contains_key(doc)).collect();
    if !others.is_empty() {
        docs.extend(rows_of(script.conn().await?, &others).await?);
    }
    let mut rows = Vec::with_capacity(entries.len());
    for entry in entries {
        let Some(doc) = docs.get(&entry.doc) else {
            return Err(StoreError::Invalid {
                why: format!("a change of document {}, which is not here", entry.doc),
            });
        };
        rows.push((*doc, entry, codes::to_json(&entry.edit)?));
    }
    INSERT
        .add(script, &rows, |values, (doc, entry, edit)| {
            values
                .bind(*doc)
                .bind(entry.hash.as_slice())
                .bind(entry.bytes.as_slice())
                .bind(edit.as_str())
                .bind(entry.edited_at.0)
        })
        .await
}

async fn rows_of(conn: &mut SqliteConnection, docs: &[DocId]) -> Result<HashMap<DocId, i64>, StoreError> {
    const FIND: &str = "SELECT d.id, d.doc FROM json_each(?) j JOIN documents d ON d.id = unhex(j.value)";
    let ids = bulk::json_hex(docs.iter().map(|doc| doc.0.as_bytes().as_slice()));
    let rows = sqlx::query(FIND).bind(ids).fetch_all(conn).await?;
    rows.iter().map(|row| Ok((codes::id_from(row.try_get(0)?)?, row.try_get(1)?))).collect()
}
