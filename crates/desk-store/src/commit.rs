//! The write path: everything of a batch in one transaction.

mod alerts;
mod articles;
mod documents;
mod incidents;
mod outbox;
mod search;
mod tickets;

pub(crate) use documents::write_heads;
pub(crate) use search::{Ready, insert as insert_texts, learn, settle};

use std::collections::HashSet;

use desk_domain::{
    ids::{DocId, DocKind},
    projection::Row,
    sla::Metric,
};
use sqlx::{Connection, SqliteConnection};

use crate::{
    Batch, Committed, DocWrite, Store, StoreError,
    bulk::{self, Insert},
    lane::Held,
    meta,
};

/// A document of the batch with its row number and what was known of it before.
pub(crate) struct Placed<'a> {
    write: &'a DocWrite,
    doc: i64,
    /// It stood in the store before, so rows of it may be there.
    existed: bool,
    /// Its key in the search index.
    key: Option<i64>,
    /// The hash of its text there, or of the text that is on its way there.
    text_hash: Option<Vec<u8>>,
    /// Something stands in the search index, lists and deadlines.
    visible: bool,
    /// The block that had its bytes.
    block: Option<i64>,
}

impl<'a> Placed<'a> {
    /// A document of which no rows are there yet.
    pub(crate) fn new(write: &'a DocWrite, doc: i64) -> Self {
        let visible = write.row.as_ref().is_some_and(Row::is_visible);
        Self { write, doc, existed: false, key: None, text_hash: None, visible, block: None }
    }

    fn row(&self) -> Option<&Row> {
        self.write.row.as_ref()
    }
}

impl Store {
    /// Writes a batch: all of it, or on any error nothing. The transaction is on the disk when this returns.
    ///
    /// Errors: [`StoreError::Stale`] when a document changed since its writer read it, [`StoreError::Unsent`] when one is
    /// to be dropped that has unsent changes, [`StoreError::DiskFull`], [`StoreError::Busy`], [`StoreError::ReadOnly`],
    /// [`StoreError::Invalid`] for a batch that contradicts itself.
    pub async fn commit(&self, batch: &Batch) -> Result<Committed, StoreError> {
        check(batch)?;
        let mut held = self.writer().await?;
        let result = write(held.conn()?, batch).await;
        finish(held, result)
    }

    /// Derives the rows and the search entry of documents anew, without touching the documents: for repairs. The ids,
    /// `row`, `next_due` and `deadlines` of each write count, and its `expected_heads` as in a commit.
    pub async fn replace_projection(&self, docs: &[DocWrite]) -> Result<Committed, StoreError> {
        check_docs(docs)?;
        let mut held = self.writer().await?;
        let result = rewrite(held.conn()?, docs).await;
        finish(held, result)
    }
}

/// Gives the connection back. After an error that is not the caller's doing a fresh one takes its place: it has no
/// half-done statement and no remembered error of SQLCipher's.
pub(crate) fn finish<T>(held: Held, result: Result<T, StoreError>) -> Result<T, StoreError> {
    if matches!(result, Err(StoreError::Damaged { .. } | StoreError::Sql(_) | StoreError::DiskFull)) {
        held.discard();
    }
    result
}

fn check(batch: &Batch) -> Result<(), StoreError> {
    check_docs(&batch.docs)?;
    let mut hashes = HashSet::new();
    if batch.outbox.iter().any(|entry| !hashes.insert(entry.hash)) {
        return Err(StoreError::Invalid { why: "a change stands twice in the outbox".to_owned() });
    }
    if let Some(both) = batch.docs.iter().find(|write| batch.drop_docs.contains(&write.id)) {
        return Err(StoreError::Invalid { why: format!("document {} is written and dropped", both.id) });
    }
    Ok(())
}

fn check_docs(docs: &[DocWrite]) -> Result<(), StoreError> {
    let mut ids = HashSet::new();
    for write in docs {
        let id = write.id;
        if !ids.insert(id) {
            return Err(StoreError::Invalid { why: format!("document {id} is written twice") });
        }
        if write.row.as_ref().is_some_and(|row| !row.is_of(write.kind)) {
            return Err(StoreError::Invalid { why: format!("the row of document {id} is of another kind") });
        }
    }
    Ok(())
}

async fn write(conn: &mut SqliteConnection, batch: &Batch) -> Result<Committed, StoreError> {
    let mut transaction = conn.begin_with("BEGIN IMMEDIATE").await?;
    let conn = &mut *transaction;
    let mut rejected = outbox::reject(conn, &batch.rejected).await?;
    rejected.extend(outbox::list_unmade(conn, &batch.unmade).await?);
    outbox::remove(conn, &batch.accepted).await?;
    outbox::proposed_again(conn, &batch.proposed_again).await?;
    let dropped = documents::drop_all(conn, &batch.drop_docs).await?;

    let placed = documents::place(conn, &batch.docs).await?;
    documents::write(conn, &placed).await?;
    project(conn, &placed).await?;

    outbox::add(conn, &batch.outbox).await?;
    let new_alerts = alerts::record(conn, &batch.alerts).await?;
    drafts(conn, batch).await?;
    facts(conn, batch).await?;
    transaction.commit().await?;

    let written = batch.docs.iter().map(|write| (write.kind, write.id));
    Ok(Committed { new_alerts, rejected, ..committed(written.chain(dropped)) })
}

async fn rewrite(conn: &mut SqliteConnection, docs: &[DocWrite]) -> Result<Committed, StoreError> {
    let mut transaction = conn.begin_with("BEGIN IMMEDIATE").await?;
    let placed = documents::place(&mut transaction, docs).await?;
    if let Some(new) = placed.iter().find(|placed| !placed.existed) {
        return Err(StoreError::Stale { doc: new.write.id });
    }
    documents::write_projected(&mut transaction, &placed).await?;
    project(&mut transaction, &placed).await?;
    transaction.commit().await?;
    Ok(committed(docs.iter().map(|write| (write.kind, write.id))))
}

/// Derives everything that is derived from documents.
async fn project(conn: &mut SqliteConnection, placed: &[Placed<'_>]) -> Result<(), StoreError> {
    clear(conn, placed).await?;
    list(conn, placed).await?;
    search::write(conn, placed).await
}

/// Writes what lists, filters and the scheduler read.
pub(crate) async fn list(conn: &mut SqliteConnection, placed: &[Placed<'_>]) -> Result<(), StoreError> {
    tickets::write(conn, placed).await?;
    articles::write(conn, placed).await?;
    incidents::write(conn, placed).await?;
    deadlines(conn, placed).await
}

/// Removes the rows of documents that have several of them, or had some and have none any more.
async fn clear(conn: &mut SqliteConnection, placed: &[Placed<'_>]) -> Result<(), StoreError> {
    // One trip to the database; each statement takes the next bound value.
    const MANY: &str = "DELETE FROM ticket_tags WHERE doc IN (SELECT value FROM json_each(?)); \
         DELETE FROM deadlines WHERE doc IN (SELECT value FROM json_each(?)); \
         DELETE FROM sources WHERE doc IN (SELECT value FROM json_each(?))";
    const ONE: &str = "DELETE FROM tickets WHERE doc IN (SELECT value FROM json_each(?)); \
         DELETE FROM articles WHERE doc IN (SELECT value FROM json_each(?)); \
         DELETE FROM incidents WHERE doc IN (SELECT value FROM json_each(?))";
    let existing = || placed.iter().filter(|placed| placed.existed);
    if existing().next().is_some() {
        let docs = bulk::json_numbers(existing().map(|placed| placed.doc));
        sqlx::query(MANY).bind(&docs).bind(&docs).bind(&docs).execute(&mut *conn).await?;
    }
    let unread = || existing().filter(|placed| placed.row().is_none());
    if unread().next().is_some() {
        let docs = bulk::json_numbers(unread().map(|placed| placed.doc));
        sqlx::query(ONE).bind(&docs).bind(&docs).bind(&docs).execute(&mut *conn).await?;
    }
    Ok(())
}

async fn deadlines(conn: &mut SqliteConnection, placed: &[Placed<'_>]) -> Result<(), StoreError> {
    const INSERT: Insert = Insert {
        head: "INSERT INTO deadlines (doc, rule, percent, metric, due_at) VALUES",
        columns: 5,
        // The same rule at the same share is one deadline, the earlier of the two.
        tail: "ON CONFLICT (doc, rule, percent) DO UPDATE SET due_at = min(due_at, excluded.due_at)",
    };
    let rows: Vec<_> = placed
        .iter()
        .filter(|placed| placed.visible)
        .flat_map(|placed| placed.write.deadlines.iter().map(|deadline| (placed.doc, deadline)))
        .collect();
    INSERT
        .run(conn, &rows, |query, (doc, deadline)| {
            query
                .bind(*doc)
                .bind(deadline.rule.as_str())
                .bind(i64::from(deadline.percent))
                .bind(deadline.metric.map(Metric::as_str))
                .bind(deadline.due_at.0)
        })
        .await
}

async fn drafts(conn: &mut SqliteConnection, batch: &Batch) -> Result<(), StoreError> {
    const SAVE: &str = "INSERT INTO drafts (key, body, saved_at) VALUES (?, ?, ?) \
         ON CONFLICT (key) DO UPDATE SET body = excluded.body, saved_at = excluded.saved_at";
    for draft in &batch.drafts {
        sqlx::query(SAVE)
            .bind(&draft.key)
            .bind(&draft.body)
            .bind(draft.saved_at.0)
            .execute(&mut *conn)
            .await?;
    }
    for key in &batch.drop_drafts {
        sqlx::query("DELETE FROM drafts WHERE key = ?").bind(key).execute(&mut *conn).await?;
    }
    Ok(())
}

pub(crate) async fn facts(conn: &mut SqliteConnection, batch: &Batch) -> Result<(), StoreError> {
    const SET: &str =
        "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value";
    if let Some(cursor) = batch.cursor {
        sqlx::query(SET).bind(meta::CURSOR).bind(cursor.to_le_bytes().as_slice()).execute(&mut *conn).await?;
    }
    for (key, value) in &batch.meta {
        let query = match value {
            Some(value) => sqlx::query(SET).bind(key).bind(value),
            None => sqlx::query("DELETE FROM meta WHERE key = ?").bind(key),
        };
        query.execute(&mut *conn).await?;
    }
    Ok(())
}

fn committed(docs: impl Iterator<Item = (DocKind, DocId)>) -> Committed {
    let (mut kinds, docs): (Vec<DocKind>, Vec<DocId>) = docs.unzip();
    kinds.sort_unstable();
    kinds.dedup();
    Committed { kinds, docs, ..Committed::default() }
}
