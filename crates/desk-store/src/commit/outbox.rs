//! The outbox and the list of refused edits.

use std::collections::HashMap;

use desk_domain::ids::DocId;
use sqlx::{Row, SqliteConnection};

use crate::{
    Hash32, OutboxEntry, Rejection, StoreError, UnmadeEdit,
    bulk::{self, Insert},
    codes,
};

/// Moves changes from the outbox to the list of refused edits; returns their numbers there.
pub(super) async fn reject(
    conn: &mut SqliteConnection,
    rejections: &[Rejection],
) -> Result<Vec<i64>, StoreError> {
    const MOVE: &str = "INSERT INTO rejected \
         (doc, kind, hash, bytes, edit, code, reason, subject, edited_at, rejected_at) \
         SELECT d.id, d.kind, o.hash, o.bytes, o.edit, ?2, ?3, ?4, o.edited_at, ?5 \
         FROM outbox o JOIN documents d ON d.doc = o.doc WHERE o.hash = ?1 \
         ON CONFLICT (hash) DO NOTHING RETURNING id";
    let mut numbers = Vec::new();
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
    remove(conn, &hashes).await?;
    Ok(numbers)
}

/// Lists edits that were never made; returns their numbers.
pub(super) async fn list_unmade(
    conn: &mut SqliteConnection,
    unmade: &[UnmadeEdit],
) -> Result<Vec<i64>, StoreError> {
    const LIST: &str = "INSERT INTO rejected \
         (doc, kind, hash, bytes, edit, code, reason, subject, edited_at, rejected_at) \
         VALUES (?, ?, ?, x'', ?, ?, ?, ?, ?, ?) ON CONFLICT (hash) DO NOTHING RETURNING id";
    let mut numbers = Vec::new();
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
pub(super) async fn proposed_again(conn: &mut SqliteConnection, numbers: &[i64]) -> Result<(), StoreError> {
    const REMOVE: &str = "DELETE FROM rejected WHERE id = ? AND discarded_at IS NULL";
    for number in numbers {
        let done = sqlx::query(REMOVE).bind(number).execute(&mut *conn).await?;
        if done.rows_affected() == 0 {
            return Err(StoreError::NotRejected { id: *number });
        }
    }
    Ok(())
}

/// Removes changes from the outbox.
pub(super) async fn remove(conn: &mut SqliteConnection, hashes: &[Hash32]) -> Result<(), StoreError> {
    const REMOVE: &str = "DELETE FROM outbox WHERE hash IN (SELECT unhex(value) FROM json_each(?))";
    if !hashes.is_empty() {
        let hashes = bulk::json_hex(hashes.iter().map(Hash32::as_slice));
        sqlx::query(REMOVE).bind(hashes).execute(conn).await?;
    }
    Ok(())
}

/// Adds changes to the end of the outbox; one that stands there already stays where it is.
pub(super) async fn add(conn: &mut SqliteConnection, entries: &[OutboxEntry]) -> Result<(), StoreError> {
    const INSERT: Insert = Insert {
        head: "INSERT INTO outbox (doc, hash, bytes, edit, edited_at) VALUES",
        columns: 5,
        tail: "ON CONFLICT (hash) DO NOTHING",
    };
    if entries.is_empty() {
        return Ok(());
    }
    let docs = rows_of(conn, entries).await?;
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
        .run(conn, &rows, |query, (doc, entry, edit)| {
            query
                .bind(*doc)
                .bind(entry.hash.as_slice())
                .bind(entry.bytes.as_slice())
                .bind(edit.as_str())
                .bind(entry.edited_at.0)
        })
        .await
}

async fn rows_of(
    conn: &mut SqliteConnection,
    entries: &[OutboxEntry],
) -> Result<HashMap<DocId, i64>, StoreError> {
    const FIND: &str = "SELECT d.id, d.doc FROM json_each(?) j JOIN documents d ON d.id = unhex(j.value)";
    let ids = bulk::json_hex(entries.iter().map(|entry| entry.doc.0.as_bytes().as_slice()));
    let rows = sqlx::query(FIND).bind(ids).fetch_all(conn).await?;
    rows.iter().map(|row| Ok((codes::id_from(row.try_get(0)?)?, row.try_get(1)?))).collect()
}
