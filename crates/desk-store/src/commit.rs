//! The write path: everything of a batch in one transaction.

mod alerts;
mod articles;
mod documents;
mod incidents;
mod outbox;
mod search;
mod tickets;

use documents::Looked;
pub(crate) use documents::write_heads;
pub(crate) use search::{Ready, insert as insert_texts, learn, settle};

use std::{
    borrow::Borrow,
    collections::{BTreeMap, HashSet},
    pin::{Pin, pin},
};

use desk_domain::{
    alert::AlertKey,
    ids::{DocId, DocKind},
    projection::{Deadline, Row},
    sla::Metric,
};
use futures::{Stream, StreamExt, future, stream};
use sqlx::{AssertSqlSafe, Connection, SqliteConnection};
use tokio::task::yield_now;

use crate::{
    AlertDecision, Batch, Committed, DocWrite, Store, StoreError,
    bulk::{self, Insert, Script, Values},
    codes,
    documents::{Packed, pack},
    lane::Held,
    meta,
    open::WRITER_CACHE,
};

/// A batch of so many documents changes more pages than the writer's cache holds: what does not fit would be encrypted and
/// written again and again.
const LARGE: usize = 64;
/// The cache while such a batch is written, in KiB.
const WIDE_CACHE: &str = "PRAGMA cache_size = -65536";

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
    /// Its deadlines, as [`deadlines_json`] writes them.
    deadlines: Option<String>,
}

impl<'a> Placed<'a> {
    /// A document of which no rows are there yet.
    pub(crate) fn new(write: &'a DocWrite, doc: i64) -> Self {
        let visible = write.row.as_ref().is_some_and(Row::is_visible);
        Self { write, doc, existed: false, key: None, text_hash: None, visible, block: None, deadlines: None }
    }

    fn row(&self) -> Option<&Row> {
        self.write.row.as_ref()
    }
}

impl Store {
    /// Writes a batch: all of it, or on any error nothing. The transaction is on the disk when this returns. Dropped before,
    /// all of it or nothing is written: what SQLite was told to commit it commits.
    ///
    /// Errors: [`StoreError::Stale`] when a document changed since its writer read it, [`StoreError::Unsent`] when one is
    /// to be dropped that has unsent changes, [`StoreError::DiskFull`], [`StoreError::Busy`], [`StoreError::ReadOnly`],
    /// [`StoreError::Invalid`] for a batch that contradicts itself.
    pub async fn commit(&self, batch: &Batch) -> Result<Committed, StoreError> {
        let part = stream::once(future::ready(Ok::<_, StoreError>(batch)));
        self.commit_parts(&ids(&batch.docs), part).await
    }

    /// Writes batches in one transaction, which have no other documents than `docs`, each at most once. They may be made
    /// meanwhile: once the first has been begun with, the transaction begins and the documents are looked up beside it; each other
    /// one is made while the one before it is written. When making one fails, nothing of any of them is written.
    ///
    /// Errors: those of [`Store::commit`], and what `parts` says.
    pub async fn commit_parts<E: From<StoreError>>(
        &self,
        docs: &[DocId],
        parts: impl Stream<Item = Result<impl Borrow<Batch>, E>>,
    ) -> Result<Committed, E> {
        let mut held = self.writer().await?;
        widen(held.conn()?, docs.len()).await?;
        let result = write_parts(held.conn()?, docs, pin!(parts)).await;
        narrow(held.conn()?, docs.len()).await?;
        match result {
            Ok(committed) => Ok(committed),
            Err(Unwritten::Part(problem)) => Err(problem),
            Err(Unwritten::Store(problem)) => Ok(finish(held, Err(problem))?),
        }
    }

    /// Keeps decisions about banners, each only where its alert is still as it was; returns the alerts of which they were
    /// kept. What an acknowledgement or a snooze overtook is not to be shown.
    pub async fn decide(&self, decisions: &[AlertDecision]) -> Result<Vec<AlertKey>, StoreError> {
        let mut held = self.writer().await?;
        let result = alerts::decide(held.conn()?, decisions).await;
        finish(held, result)
    }

    /// Derives the rows and the search entry of documents anew, without touching the documents: for repairs. The ids,
    /// `row`, `next_due` and `deadlines` of each write count, and its `expected_heads` as in a commit.
    pub async fn replace_projection(&self, docs: &[DocWrite]) -> Result<Committed, StoreError> {
        check_docs(docs)?;
        let mut held = self.writer().await?;
        let result = rewrite(held.conn()?, docs, true).await;
        finish(held, result)
    }

    /// The same for documents whose texts are what they were: the search index is left alone. For when the rules change
    /// that clocks are computed by.
    pub async fn replace_clocks(&self, docs: &[DocWrite]) -> Result<Committed, StoreError> {
        check_docs(docs)?;
        let mut held = self.writer().await?;
        let result = rewrite(held.conn()?, docs, false).await;
        finish(held, result)
    }
}

/// Room for a large batch.
async fn widen(conn: &mut SqliteConnection, docs: usize) -> Result<(), StoreError> {
    if docs >= LARGE {
        sqlx::query(WIDE_CACHE).execute(conn).await?;
    }
    Ok(())
}

/// The room is given back.
async fn narrow(conn: &mut SqliteConnection, docs: usize) -> Result<(), StoreError> {
    if docs >= LARGE {
        let narrow = format!("PRAGMA cache_size = {WRITER_CACHE}; PRAGMA shrink_memory");
        sqlx::query(AssertSqlSafe(narrow)).execute(conn).await?;
    }
    Ok(())
}

/// Why several batches were not written.
enum Unwritten<E> {
    Store(StoreError),
    /// One of them could not be made.
    Part(E),
}

impl<E> From<StoreError> for Unwritten<E> {
    fn from(problem: StoreError) -> Self {
        Self::Store(problem)
    }
}

impl<E> From<sqlx::Error> for Unwritten<E> {
    fn from(problem: sqlx::Error) -> Self {
        Self::Store(problem.into())
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

async fn write_parts<E, B: Borrow<Batch>>(
    conn: &mut SqliteConnection,
    docs: &[DocId],
    mut parts: Pin<&mut impl Stream<Item = Result<B, E>>>,
) -> Result<Committed, Unwritten<E>> {
    let is_large = docs.len() >= LARGE;
    let looking = async {
        // What makes the first part comes first: waking the connection's thread would hold it up.
        yield_now().await;
        let mut transaction = conn.begin_with("BEGIN IMMEDIATE").await?;
        // Of many documents each part's are looked up when it comes: the first part would wait for all of them.
        let ahead = if is_large { &[] } else { docs };
        let looked = documents::look(&mut transaction, ahead).await?;
        Ok::<_, StoreError>((transaction, looked))
    };
    let (looked, mut next) = future::join(looking, next_packed(&mut parts)).await;
    let (mut transaction, mut looked) = looked?;
    let mut committed = Committed::default();
    while let Some((part, packed)) = next? {
        let part = part.borrow();
        if is_large {
            looked = documents::look(&mut transaction, &ids(&part.docs)).await?;
        }
        let writing = write_part(&mut transaction, part, &mut looked, &packed);
        let (written, following) = future::join(writing, next_packed(&mut parts)).await;
        let Committed { kinds, docs, new_alerts, rejected } = written?;
        committed.kinds.extend(kinds);
        committed.docs.extend(docs);
        committed.new_alerts.extend(new_alerts);
        committed.rejected.extend(rejected);
        next = following;
    }
    transaction.commit().await?;
    committed.kinds.sort_unstable();
    committed.kinds.dedup();
    Ok(committed)
}

/// The next of some batches, with the bytes of its documents as they are written, in their order.
async fn next_packed<E, B: Borrow<Batch>>(
    parts: &mut Pin<&mut impl Stream<Item = Result<B, E>>>,
) -> Result<Option<(B, Vec<Packed>)>, Unwritten<E>> {
    let Some(part) = parts.next().await else { return Ok(None) };
    let part = part.map_err(Unwritten::Part)?;
    check(part.borrow())?;
    // Packing is work for this processor. The connection's thread has its own meanwhile: it begins, or looks up.
    yield_now().await;
    let packed =
        part.borrow().docs.iter().map(|write| pack(&write.snapshot)).collect::<Result<_, StoreError>>()?;
    Ok(Some((part, packed)))
}

fn ids(docs: &[DocWrite]) -> Vec<DocId> {
    docs.iter().map(|write| write.id).collect()
}

/// Writes a batch within a transaction, of whose documents is known what was `looked` up, and which are `packed`.
async fn write_part(
    conn: &mut SqliteConnection,
    batch: &Batch,
    looked: &mut Looked,
    packed: &[Packed],
) -> Result<Committed, StoreError> {
    let mut script = Script::new(conn);
    let mut rejected = outbox::reject(&mut script, &batch.rejected).await?;
    rejected.extend(outbox::list_unmade(&mut script, &batch.unmade).await?);
    outbox::remove(&mut script, &batch.accepted).await?;
    outbox::proposed_again(&mut script, &batch.proposed_again).await?;
    let dropped = match batch.drop_docs.as_slice() {
        [] => Vec::new(),
        docs => documents::drop_all(script.conn().await?, docs).await?,
    };

    let placed = looked.place(&batch.docs)?;
    documents::write(&mut script, &placed, packed).await?;
    project(&mut script, &placed).await?;

    outbox::add(&mut script, &batch.outbox, &placed).await?;
    let new_alerts = match batch.alerts.as_slice() {
        [] => Vec::new(),
        alerts => alerts::record(script.conn().await?, alerts).await?,
    };
    drafts(&mut script, batch).await?;
    facts(&mut script, batch).await?;
    script.flush().await?;

    let written = batch.docs.iter().map(|write| (write.kind, write.id));
    Ok(Committed { new_alerts, rejected, ..committed(written.chain(dropped)) })
}

async fn rewrite(
    conn: &mut SqliteConnection,
    docs: &[DocWrite],
    with_texts: bool,
) -> Result<Committed, StoreError> {
    let mut transaction = conn.begin_with("BEGIN IMMEDIATE").await?;
    let placed = documents::look(&mut transaction, &ids(docs)).await?.place(docs)?;
    if let Some(new) = placed.iter().find(|placed| !placed.existed) {
        return Err(StoreError::Stale { doc: new.write.id });
    }
    documents::write_projected(&mut transaction, &placed).await?;
    let mut script = Script::new(&mut transaction);
    if with_texts {
        project(&mut script, &placed).await?;
    } else {
        clear(&mut script, &placed).await?;
        list(&mut script, &placed).await?;
    }
    script.flush().await?;
    transaction.commit().await?;
    Ok(committed(docs.iter().map(|write| (write.kind, write.id))))
}

/// Derives everything that is derived from documents.
async fn project(script: &mut Script<'_>, placed: &[Placed<'_>]) -> Result<(), StoreError> {
    clear(script, placed).await?;
    list(script, placed).await?;
    search::write(script, placed).await
}

/// Writes what lists, filters and the scheduler read.
pub(crate) async fn list(script: &mut Script<'_>, placed: &[Placed<'_>]) -> Result<(), StoreError> {
    tickets::write(script, placed).await?;
    articles::write(script, placed).await?;
    incidents::write(script, placed).await?;
    deadlines(script, placed).await
}

/// Removes the rows of documents that have several of them, or had some and have none any more.
async fn clear(script: &mut Script<'_>, placed: &[Placed<'_>]) -> Result<(), StoreError> {
    const MANY: &str = "DELETE FROM sources WHERE doc IN (SELECT value FROM json_each(?))";
    const ONE: &str = "DELETE FROM tickets WHERE doc IN (SELECT value FROM json_each(?)); \
         DELETE FROM articles WHERE doc IN (SELECT value FROM json_each(?)); \
         DELETE FROM incidents WHERE doc IN (SELECT value FROM json_each(?))";
    let existing = || placed.iter().filter(|placed| placed.existed);
    if existing().next().is_some() {
        let docs = bulk::json_numbers(existing().map(|placed| placed.doc));
        script.add(MANY, |values| values.bind(&docs)).await?;
    }
    let unread = || existing().filter(|placed| placed.row().is_none());
    if unread().next().is_some() {
        let docs = bulk::json_numbers(unread().map(|placed| placed.doc));
        script.add(ONE, |values| values.bind(&docs).bind(&docs).bind(&docs)).await?;
    }
    Ok(())
}

async fn deadlines(script: &mut Script<'_>, placed: &[Placed<'_>]) -> Result<(), StoreError> {
    const INSERT: Insert = Insert {
        head: "INSERT INTO deadlines (doc, rule, percent, metric, due_at, members) VALUES",
        columns: 6,
        // The same rule at the same share is one deadline, the earlier of the two.
        tail: "ON CONFLICT (doc, rule, percent) DO UPDATE SET due_at = min(due_at, excluded.due_at)",
    };
    const CLEAR: &str = "DELETE FROM deadlines WHERE doc IN (SELECT value FROM json_each(?))";
    // Most edits move none: their rows, scattered over the index by instant, stay as they are.
    let mut moved = Vec::new();
    for placed in placed {
        let wanted = if placed.visible { placed.write.deadlines.as_slice() } else { &[] };
        if placed.deadlines.is_none() || placed.deadlines != Some(deadlines_json(wanted)?) {
            moved.push((placed, wanted));
        }
    }
    let known = || moved.iter().filter(|(placed, _)| placed.existed).map(|(placed, _)| placed.doc);
    if known().next().is_some() {
        script.add(CLEAR, |values| values.bind(bulk::json_numbers(known()))).await?;
    }
    let rows: Vec<(i64, &Deadline)> = moved
        .iter()
        .flat_map(|(placed, wanted)| wanted.iter().map(|deadline| (placed.doc, deadline)))
        .collect();
    INSERT
        .add(script, &rows, |values, (doc, deadline)| {
            values
                .bind(*doc)
                .bind(deadline.rule.as_str())
                .bind(i64::from(deadline.percent))
                .bind(deadline.metric.map(Metric::as_str))
                .bind(deadline.due_at.0)
                .bind(codes::members_json(&deadline.members))
        })
        .await
}

/// Deadlines as the store has them: in the order of rule and share, the earlier of two with the same.
fn deadlines_json(deadlines: &[Deadline]) -> Result<String, StoreError> {
    let mut rows = BTreeMap::new();
    for Deadline { rule, percent, metric, due_at, members } in deadlines {
        let row = (metric.map(Metric::as_str), due_at.0, codes::members_json(members));
        let known = rows.entry((rule.as_str(), *percent)).or_insert_with(|| row.clone());
        known.1 = known.1.min(row.1);
    }
    let rows: Vec<_> = rows
        .into_iter()
        .map(|((rule, percent), (metric, due_at, members))| (rule, percent, metric, due_at, members))
        .collect();
    codes::to_json(&rows)
}

async fn drafts(script: &mut Script<'_>, batch: &Batch) -> Result<(), StoreError> {
    const SAVE: &str = "INSERT INTO drafts (key, body, saved_at) VALUES (?, ?, ?) \
         ON CONFLICT (key) DO UPDATE SET body = excluded.body, saved_at = excluded.saved_at";
    for draft in &batch.drafts {
        let bind = |values: Values| values.bind(&draft.key).bind(&draft.body).bind(draft.saved_at.0);
        script.add(SAVE, bind).await?;
    }
    for key in &batch.drop_drafts {
        script.add("DELETE FROM drafts WHERE key = ?", |values| values.bind(key)).await?;
    }
    Ok(())
}

pub(crate) async fn facts(script: &mut Script<'_>, batch: &Batch) -> Result<(), StoreError> {
    const SET: &str =
        "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value";
    if let Some(cursor) = batch.cursor {
        let cursor = cursor.to_le_bytes();
        script.add(SET, |values| values.bind(meta::CURSOR).bind(cursor.as_slice())).await?;
    }
    for (key, value) in &batch.meta {
        match value {
            Some(value) => script.add(SET, |values| values.bind(key).bind(value)).await?,
            None => script.add("DELETE FROM meta WHERE key = ?", |values| values.bind(key)).await?,
        }
    }
    Ok(())
}

fn committed(docs: impl Iterator<Item = (DocKind, DocId)>) -> Committed {
    let (mut kinds, docs): (Vec<DocKind>, Vec<DocId>) = docs.unzip();
    kinds.sort_unstable();
    kinds.dedup();
    Committed { kinds, docs, ..Committed::default() }
}
