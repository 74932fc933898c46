//! Bringing the texts of blocks into the search index, after the lists are usable, the newest documents first.
//!
//! Before that come the indexes that a new device has to do without at first (`indexes.rs`).
//!
//! Making terms takes a processor about as long as FTS5 takes to store them: the next batches are made ready on other
//! threads while one is written. A batch that was made ready for a file that is not in use any more is thrown away.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::atomic::Ordering,
};

use desk_docs::read_block;
use desk_domain::ids::DocId;
use sqlx::{Connection, Row, SqliteConnection};
use tokio::task::JoinHandle;

use crate::{
    Store, StoreError,
    blocks::{unpack, without_bytes},
    bulk::{self, Script},
    codes,
    commit::{Ready, finish, insert_texts, learn},
    indexes,
    search::terms::Terms,
};

/// Texts of so many blocks are indexed in one transaction: a person's edit waits for no more.
const TOGETHER: i64 = 64;
/// Batches that are made ready while one is written.
const AHEAD: usize = 2;
/// Terms that are remembered as learnt; more of them are offered to the vocabulary again.
const KNOWN_MAX: usize = 200_000;

/// How far the search index is behind the lists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IndexProgress {
    /// Blocks that are in the index.
    pub done: u64,
    /// Blocks there are.
    pub total: u64,
    /// Indexes that are made before.
    pub(crate) missing_indexes: u64,
}

impl IndexProgress {
    /// Everything can be found.
    pub fn is_complete(self) -> bool {
        self.done >= self.total && self.missing_indexes == 0
    }
}

/// Indexing under way. Dropping it breaks off between two transactions.
pub struct Indexing {
    store: Store,
    /// Newest first.
    ahead: VecDeque<JoinHandle<Result<ReadyBlocks, StoreError>>>,
    /// Blocks from this one on were taken.
    before: i64,
    /// Terms that are in the vocabulary.
    known: HashSet<String>,
}

/// Blocks of one file with their texts made ready.
struct ReadyBlocks {
    /// Which file of the store they are from.
    file: u64,
    blocks: Vec<i64>,
    /// All their documents; those without text have none.
    texts: HashMap<DocId, Option<Ready>>,
    /// All terms, each once.
    terms: Vec<String>,
}

impl Store {
    /// How far the search index is.
    pub async fn index_progress(&self) -> Result<IndexProgress, StoreError> {
        let mut held = self.quick_reader().await?;
        progress(held.conn()?).await
    }

    /// Begins to bring the texts of blocks into the search index, or goes on. What is written or searched meanwhile is
    /// right.
    pub fn indexing(&self) -> Indexing {
        Indexing { store: self.clone(), ahead: VecDeque::new(), before: i64::MAX, known: HashSet::new() }
    }
}

impl Indexing {
    /// Makes an index that is missing, or brings the texts of some blocks in, in one transaction. To be called again
    /// until the progress is complete.
    pub async fn some(&mut self) -> Result<IndexProgress, StoreError> {
        if self.store.make_missing_index().await? {
            return self.store.index_progress().await;
        }
        while self.ahead.len() <= AHEAD && self.take_blocks().await? {}
        let Some(ready) = self.ahead.pop_front() else {
            // What is left came behind what was taken.
            self.before = i64::MAX;
            return self.store.index_progress().await;
        };
        let ready = ready.await.map_err(|_| StoreError::Closed)??;
        let mut held = self.store.writer().await?;
        if ready.file != self.store.inner.file.load(Ordering::Acquire) {
            drop(held);
            self.before = i64::MAX;
            self.known.clear();
            return self.store.index_progress().await;
        }
        let new = ready.terms.iter().map(String::as_str).filter(|term| !self.known.contains(*term));
        let result = write(held.conn()?, &ready.blocks, ready.texts, new).await;
        let progress = finish(held, result)?;
        if self.known.len() < KNOWN_MAX {
            self.known.extend(ready.terms);
        }
        Ok(progress)
    }

    /// Takes the next blocks and begins to make them ready; `false` when there are none.
    async fn take_blocks(&mut self) -> Result<bool, StoreError> {
        const NEXT: &str = "SELECT block, raw_bytes, bytes FROM blocks WHERE indexed = 0 AND block < ? \
             ORDER BY block DESC LIMIT ? + 0";
        // Before the blocks: another file's are thrown away then, and never the other way round.
        let file = self.store.inner.file.load(Ordering::Acquire);
        let mut held = self.store.slow_reader().await?;
        let rows = sqlx::query(NEXT).bind(self.before).bind(TOGETHER).fetch_all(held.conn()?).await?;
        drop(held);
        let packed: Vec<(i64, i64, Vec<u8>)> = rows
            .iter()
            .map(|row| Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?)))
            .collect::<Result<_, StoreError>>()?;
        let Some((last, ..)) = packed.last() else { return Ok(false) };
        self.before = *last;
        self.ahead.push_back(tokio::task::spawn_blocking(move || make_ready(file, &packed)));
        Ok(true)
    }
}

fn make_ready(file: u64, packed: &[(i64, i64, Vec<u8>)]) -> Result<ReadyBlocks, StoreError> {
    let mut terms = Terms::new();
    let mut texts = HashMap::new();
    for (_, raw_bytes, bytes) in packed {
        for document in read_block(&unpack(bytes, *raw_bytes)?)?.documents {
            let write = without_bytes(document);
            texts.insert(write.id, Ready::new(&write, &mut terms));
        }
    }
    let all: HashSet<&str> = texts.values().flatten().flat_map(Ready::terms).collect();
    let terms = all.into_iter().map(str::to_owned).collect();
    Ok(ReadyBlocks { file, blocks: packed.iter().map(|(block, ..)| *block).collect(), texts, terms })
}

async fn write<'a>(
    conn: &mut SqliteConnection,
    blocks: &[i64],
    mut texts: HashMap<DocId, Option<Ready>>,
    terms: impl Iterator<Item = &'a str>,
) -> Result<IndexProgress, StoreError> {
    // Documents that were written since left their block, and are in the index already.
    const MISSING: &str = "SELECT d.id, d.doc FROM documents d \
         WHERE d.block IN (SELECT value FROM json_each(?)) \
         AND NOT EXISTS (SELECT 1 FROM search_docs s WHERE s.doc = d.doc)";
    let blocks = bulk::json_numbers(blocks.iter().copied());
    let mut transaction = conn.begin_with("BEGIN IMMEDIATE").await?;
    let mut missing = Vec::new();
    for row in sqlx::query(MISSING).bind(&blocks).fetch_all(&mut *transaction).await? {
        if let Some(ready) = texts.remove(&codes::id_from(row.try_get(0)?)?).flatten() {
            missing.push((row.try_get(1)?, ready));
        }
    }
    let mut script = Script::new(&mut transaction);
    learn(&mut script, terms).await?;
    insert_texts(&mut script, missing).await?;
    script.flush().await?;
    sqlx::query("UPDATE blocks SET indexed = 1 WHERE block IN (SELECT value FROM json_each(?))")
        .bind(&blocks)
        .execute(&mut *transaction)
        .await?;
    let progress = progress(&mut transaction).await?;
    transaction.commit().await?;
    Ok(progress)
}

async fn progress(conn: &mut SqliteConnection) -> Result<IndexProgress, StoreError> {
    const SQL: &str = "SELECT (SELECT count(*) FROM blocks), (SELECT count(*) FROM blocks WHERE indexed = 0)";
    let row = sqlx::query(SQL).fetch_one(&mut *conn).await?;
    let count = |value: i64| u64::try_from(value).unwrap_or(0);
    let (total, left) = (count(row.try_get(0)?), count(row.try_get(1)?));
    let missing_indexes = indexes::missing(conn).await?;
    Ok(IndexProgress { done: total.saturating_sub(left), total, missing_indexes })
}
