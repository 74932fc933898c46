//! Filling the store of a new device: beside the one in use, then put in its place in one step.
//!
//! The filling is a file of its own with the store's key and schema, without the indexes that lists need: those are made
//! when everything is in, which is faster than keeping them level row by row. Each segment is one transaction, so a
//! process that is killed goes on where it was. The file in use is not touched until [`Store::adopt`] renames the
//! filling over it, with everything that belongs to the device carried over: either the old file is there or the new one.

use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
    sync::atomic::Ordering,
};

use desk_docs::{read_block, unpack_block};
use desk_domain::ids::DocId;
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, Row, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};
use tokio::task::JoinHandle;

use crate::{
    Batch, DocWrite, Hash32, Key, OpenOptions, Store, StoreError,
    blocks::without_bytes,
    bulk::{Script, Values},
    codes,
    commit::{Placed, facts, list, write_heads},
    indexes::make_urgent,
    open::{beside, create_private, has_log, is_migrated, migrate},
};

/// Names of facts that belong to the filling itself; they all go when it is put in place.
const PLAN: &str = "filling.plan";
const INDEXES: &str = "filling.indexes";
const TRIGGERS: &str = "filling.triggers";
const SEGMENT: &str = "filling.segment.";
const BOOT: &str = "filling.boot";
/// Row numbers that are left free for documents that are made in the store in use meanwhile.
const RESERVED: i64 = 10_000;
/// Page cache while filling, in KiB (negative, as SQLite wants it).
const CACHE: &str = "-65536";

/// A store that is being filled.
pub struct Filling {
    conn: SqliteConnection,
    path: PathBuf,
    next_doc: i64,
    next_block: i64,
    done: HashSet<Hash32>,
    /// What was written on its way to the disk.
    flushing: Option<JoinHandle<()>>,
}

/// A block that was unpacked and read: what filling needs of it besides its bytes.
#[derive(Debug)]
pub struct ReadyBlock {
    bytes: Vec<u8>,
    raw_bytes: i64,
    docs: Vec<DocWrite>,
}

impl ReadyBlock {
    /// Unpacks and reads a block. Work for a processor, none for the disk.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when it is no block.
    pub fn read(bytes: Vec<u8>, raw_bytes: usize) -> Result<Self, StoreError> {
        let raw = unpack_block(&bytes, raw_bytes)?;
        let docs = read_block(&raw)?.documents.into_iter().map(without_bytes).collect();
        Ok(Self { bytes, raw_bytes: i64::try_from(raw_bytes).unwrap_or(i64::MAX), docs })
    }
}

impl Store {
    /// Begins to fill a store beside this one, or goes on where it was broken off. `plan` says what it is filled with; a
    /// filling of another plan is thrown away.
    ///
    /// # Errors
    /// As [`Store::open`]; a filling that cannot be read is thrown away and begun anew.
    pub async fn begin_filling(&self, plan: &[u8]) -> Result<Filling, StoreError> {
        let Some(writer) = &self.inner.writer else { return Err(StoreError::ReadOnly) };
        let path = beside(&self.inner.path, "-filling");
        let first_doc = {
            let mut held = self.slow_reader().await?;
            let last: i64 = sqlx::query_scalar("SELECT coalesce(max(doc), 0) FROM documents")
                .fetch_one(held.conn()?)
                .await?;
            last + 1 + RESERVED
        };
        if path.exists() {
            match Filling::open(writer.options(), path.clone(), plan, first_doc).await {
                Ok(Some(filling)) => return Ok(filling),
                Ok(None) => {}
                Err(error) => tracing::warn!(%error, "what was filled before cannot be used"),
            }
            throw_away(&path)?;
        }
        Filling::make(writer.options(), path, plan, first_doc).await
    }

    /// Puts a filling in the place of this store: with what belongs to the device (facts, drafts, alerts, refused and
    /// unsent edits) and the documents that stand here, which win over the filling's; `batch` gives the cursor and
    /// further facts. What comes back are those documents: their search entries are to be made anew
    /// ([`Store::replace_projection`]).
    ///
    /// # Errors
    /// [`StoreError::Busy`] when another process has the store open; this store is as it was then, and the filling lost.
    pub async fn adopt(&self, filling: Filling, batch: &Batch) -> Result<Vec<DocId>, StoreError> {
        let Some(writer) = &self.inner.writer else { return Err(StoreError::ReadOnly) };
        let Filling { mut conn, path, next_doc: _, next_block: _, done: _, flushing: _ } = filling;
        let _no_writer = writer.pause().await?;
        let carried = finish(&mut conn, &self.inner.path, &self.inner.key, batch).await?;
        conn.close().await?;
        let _no_reader = self.inner.readers.pause().await?;
        // The one that closes last takes the log away, which a connection that only reads cannot.
        let mut last = writer.extra().await?;
        sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut last).await?;
        last.close().await?;
        let target = self.inner.path.to_path_buf();
        self.inner.lock.alone(|| {
            // Somebody else writes.
            if has_log(&target) || has_log(&path) {
                return Err(StoreError::Busy);
            }
            fs::rename(&path, &target)?;
            sync_folder(&target)?;
            Ok(())
        })?;
        self.inner.lists.replace(None);
        self.inner.file.fetch_add(1, Ordering::Release);
        Ok(carried)
    }
}

impl Filling {
    /// Segments that are in.
    pub fn has(&self, segment: &Hash32) -> bool {
        self.done.contains(segment)
    }

    /// Puts a segment in: a process that is killed finds it there.
    ///
    /// # Errors
    /// When it cannot be written, or a document stands in two blocks.
    pub async fn add(&mut self, segment: Hash32, blocks: &[ReadyBlock]) -> Result<(), StoreError> {
        const BLOCK: &str = "INSERT INTO blocks (block, indexed, raw_bytes, bytes) VALUES (?, 0, ?, ?)";
        let mut transaction = self.conn.begin_with("BEGIN IMMEDIATE").await?;
        let mut script = Script::new(&mut transaction);
        let (mut doc, mut number) = (self.next_doc, self.next_block);
        let mut all = Vec::new();
        for block in blocks {
            let bind =
                |values: Values| values.bind(number).bind(block.raw_bytes).bind(block.bytes.as_slice());
            script.add(BLOCK, bind).await?;
            let placed: Vec<Placed<'_>> =
                (doc..).zip(&block.docs).map(|(doc, write)| Placed::new(write, doc)).collect();
            write_heads(&mut script, &placed, Some(number)).await?;
            doc += i64::try_from(placed.len()).unwrap_or(0);
            number += 1;
            all.extend(placed);
        }
        // Of all blocks together: rows go in few statements then.
        list(&mut script, &all).await?;
        script.flush().await?;
        set(&mut transaction, &format!("{SEGMENT}{}", hex::encode(segment)), b"1").await?;
        transaction.commit().await?;
        (self.next_doc, self.next_block) = (doc, number);
        self.done.insert(segment);
        self.flush();
        Ok(())
    }

    /// Has the disk write while the next segment comes, so that there is little left to wait for in the end. What goes
    /// wrong shows there.
    fn flush(&mut self) {
        if self.flushing.as_ref().is_some_and(|flushing| !flushing.is_finished()) {
            return;
        }
        let path = self.path.clone();
        let flush = move || drop(fs::File::open(path).and_then(|file| file.sync_data()));
        self.flushing = Some(tokio::task::spawn_blocking(flush));
    }

    /// Throws the filling away.
    ///
    /// # Errors
    /// When its file cannot be removed.
    pub async fn abandon(self) -> Result<(), StoreError> {
        self.conn.close().await?;
        throw_away(&self.path)
    }

    async fn make(
        live: &SqliteConnectOptions,
        path: PathBuf,
        plan: &[u8],
        first_doc: i64,
    ) -> Result<Self, StoreError> {
        create_private(&path)?;
        let options = options(live, &path);
        migrate(&options, OpenOptions::default()).await?;
        let mut conn = options.connect().await?;
        let mut transaction = conn.begin_with("BEGIN IMMEDIATE").await?;
        let indexes: Vec<(String, String)> = sqlx::query_as(
            "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL ORDER BY rootpage",
        )
        .fetch_all(&mut *transaction)
        .await?;
        for (name, _) in &indexes {
            // A name from our own schema.
            sqlx::query(AssertSqlSafe(format!("DROP INDEX \"{name}\""))).execute(&mut *transaction).await?;
        }
        let statements: Vec<String> = indexes.into_iter().map(|(_, sql)| sql).collect();
        set(&mut transaction, INDEXES, codes::to_json(&statements)?.as_bytes()).await?;
        // They keep tables level that have nothing to be level with yet.
        let triggers: Vec<(String, String)> =
            sqlx::query_as("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'")
                .fetch_all(&mut *transaction)
                .await?;
        for (name, _) in &triggers {
            sqlx::query(AssertSqlSafe(format!("DROP TRIGGER \"{name}\""))).execute(&mut *transaction).await?;
        }
        let statements: Vec<String> = triggers.into_iter().map(|(_, sql)| sql).collect();
        set(&mut transaction, TRIGGERS, codes::to_json(&statements)?.as_bytes()).await?;
        set(&mut transaction, PLAN, plan).await?;
        set(&mut transaction, BOOT, &boot().unwrap_or_default()).await?;
        transaction.commit().await?;
        Ok(Self { conn, path, next_doc: first_doc, next_block: 1, done: HashSet::new(), flushing: None })
    }

    /// The filling that stands there, if it is of this plan and was begun by this version.
    async fn open(
        live: &SqliteConnectOptions,
        path: PathBuf,
        plan: &[u8],
        first_doc: i64,
    ) -> Result<Option<Self>, StoreError> {
        let mut conn = options(live, &path).connect().await?;
        if !is_migrated(&mut conn).await? {
            conn.close().await?;
            return Ok(None);
        }
        let known = get(&mut conn, PLAN).await?;
        let written_since = get(&mut conn, BOOT).await?;
        let (first, last, block): (Option<i64>, Option<i64>, Option<i64>) = sqlx::query_as(
            "SELECT (SELECT min(doc) FROM documents), (SELECT max(doc) FROM documents), (SELECT max(block) FROM blocks)",
        )
        .fetch_one(&mut conn)
        .await?;
        // Documents that were made meanwhile need the numbers below.
        let is_torn = written_since != Some(boot().unwrap_or_default());
        if is_torn
            || known.as_deref() != Some(plan)
            || first.is_some_and(|first| first < first_doc - RESERVED)
        {
            conn.close().await?;
            return Ok(None);
        }
        let done = sqlx::query_scalar::<_, String>("SELECT key FROM meta WHERE key GLOB ? || '*'")
            .bind(SEGMENT)
            .fetch_all(&mut conn)
            .await?;
        let digest = |key: &String| {
            let mut digest = [0; 32];
            hex::decode_to_slice(key.get(SEGMENT.len()..)?, &mut digest).ok().map(|()| digest)
        };
        Ok(Some(Self {
            conn,
            path,
            next_doc: last.map_or(first_doc, |last| last + 1),
            next_block: block.unwrap_or(0) + 1,
            done: done.iter().filter_map(digest).collect(),
            flushing: None,
        }))
    }
}

/// A process that is killed loses nothing of what it wrote; only the whole machine's end could tear the file. So, where it
/// can be told whether the machine was started anew, nothing waits for the disk before the filling is put in place: one
/// of before is thrown away. The journal holds little, since nearly all that is written is new.
fn options(live: &SqliteConnectOptions, path: &Path) -> SqliteConnectOptions {
    let synchronous = if boot().is_some() { SqliteSynchronous::Off } else { SqliteSynchronous::Normal };
    live.clone()
        .filename(path)
        .journal_mode(SqliteJournalMode::Truncate)
        .synchronous(synchronous)
        // Rows come with the documents that they belong to.
        .foreign_keys(false)
        .pragma("cache_size", CACHE)
}

/// What names the time since the machine was started, where it tells.
fn boot() -> Option<Vec<u8>> {
    fs::read("/proc/sys/kernel/random/boot_id").ok()
}

/// Statements that the filling does without until it is put in place.
async fn statements(conn: &mut SqliteConnection, which: &str) -> Result<Vec<String>, StoreError> {
    let json = get(conn, which).await?.unwrap_or_default();
    serde_json::from_slice(&json).map_err(|_| StoreError::unreadable("the filling's own facts"))
}

/// Makes the indexes, carries over what belongs to the device, and forgets the filling's own facts.
async fn finish(
    conn: &mut SqliteConnection,
    live: &Path,
    key: &Key,
    batch: &Batch,
) -> Result<Vec<DocId>, StoreError> {
    // Every table whose rows may stand in the store in use, parents first.
    const CARRIED: [&str; 11] = [
        "documents",
        "snapshots",
        "tickets",
        "articles",
        "incidents",
        "deadlines",
        "sources",
        "outbox",
        "rejected",
        "drafts",
        "alerts",
    ];
    // From here on it is to last, and what stands in the store in use takes the filling's place with all that hangs on it.
    sqlx::query("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON").execute(&mut *conn).await?;
    let indexes = statements(conn, INDEXES).await?;
    let triggers = statements(conn, TRIGGERS).await?;
    sqlx::query("ATTACH DATABASE ? AS live KEY ?")
        .bind(live.to_string_lossy())
        .bind(key.attach_value())
        .execute(&mut *conn)
        .await?;
    let mut transaction = conn.begin_with("BEGIN IMMEDIATE").await?;
    let conflict: i64 = sqlx::query_scalar(
        "SELECT (SELECT coalesce(max(doc), 0) FROM live.documents) >= (SELECT coalesce(min(doc), 1 << 62) FROM documents)",
    )
    .fetch_one(&mut *transaction)
    .await?;
    if conflict != 0 {
        return Err(StoreError::Busy);
    }
    sqlx::query("DELETE FROM documents WHERE id IN (SELECT id FROM live.documents)")
        .execute(&mut *transaction)
        .await?;
    let carried: Vec<Vec<u8>> = sqlx::query("SELECT id FROM live.documents")
        .fetch_all(&mut *transaction)
        .await?
        .iter()
        .map(|row| row.try_get(0))
        .collect::<Result<_, _>>()?;
    // What is carried over has alerts.
    for trigger in triggers {
        sqlx::query(AssertSqlSafe(trigger)).execute(&mut *transaction).await?;
    }
    for table in CARRIED {
        let sql = format!("INSERT INTO main.{table} SELECT * FROM live.{table}");
        sqlx::query(AssertSqlSafe(sql)).execute(&mut *transaction).await?;
    }
    sqlx::query("INSERT INTO meta SELECT * FROM live.meta WHERE true ON CONFLICT (key) DO UPDATE SET value = excluded.value")
        .execute(&mut *transaction)
        .await?;
    sqlx::query("DELETE FROM meta WHERE key GLOB 'filling.*'").execute(&mut *transaction).await?;
    let mut script = Script::new(&mut transaction);
    facts(&mut script, batch).await?;
    script.flush().await?;
    make_urgent(&mut transaction, indexes).await?;
    transaction.commit().await?;
    sqlx::query("DETACH DATABASE live").execute(&mut *conn).await?;
    sqlx::query("PRAGMA journal_mode = WAL").execute(&mut *conn).await?;
    carried.iter().map(|id| codes::id_from(id)).collect()
}

async fn get(conn: &mut SqliteConnection, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
    Ok(sqlx::query_scalar("SELECT value FROM meta WHERE key = ?").bind(key).fetch_optional(conn).await?)
}

async fn set(conn: &mut SqliteConnection, key: &str, value: &[u8]) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO meta (key, value) VALUES (?, ?)").bind(key).bind(value).execute(conn).await?;
    Ok(())
}

fn throw_away(path: &Path) -> Result<(), StoreError> {
    for suffix in ["-journal", "-wal", "-shm", ""] {
        match fs::remove_file(beside(path, suffix)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

/// The renaming itself has to be on the disk before anything is written to the new file.
#[cfg(unix)]
fn sync_folder(path: &Path) -> Result<(), StoreError> {
    if let Some(folder) = path.parent() {
        fs::File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// Windows writes the renaming down itself, and opens no folders.
#[cfg(not(unix))]
fn sync_folder(_path: &Path) -> Result<(), StoreError> {
    Ok(())
}
