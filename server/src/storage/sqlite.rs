//! The storage in one SQLite file: WAL, `synchronous=FULL`, one writer at a time, readers beside it.
//!
//! `BEGIN IMMEDIATE` takes the file's write lock, so transactions of different processes (`serve` and `admin`)
//! do not overlap either; who comes second waits up to [`BUSY`].
//!
//! Queries are checked when they are compiled, against the descriptions in `.sqlx`. After a change of SQL: apply
//! `migrations/sqlite/` to an empty database, then `DATABASE_URL=sqlite://FILE SQLX_OFFLINE_DIR=$PWD/server/.sqlx
//! cargo check -p workernet-server` describes the queries anew; remove the old descriptions first.

use std::{fs::File, path::Path, time::Duration};

use async_trait::async_trait;
use desk_domain::{ids::WorkspaceId, people::Role, time::UtcMillis};
use sqlx::{
    SqliteConnection, SqlitePool,
    migrate::MigrateError,
    query, query_as,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use uuid::Uuid;

use super::{Digest, Listener, Storage, StorageError, Transaction, fold};

mod audit;
mod devices;
mod directory;
mod escalations;
mod log;
mod segments;
mod sessions;
mod signals;
mod transaction;

/// How long one process waits for another's transaction.
const BUSY: Duration = Duration::from_secs(20);
/// What the writer keeps of the database in memory, in SQLite's spelling (KiB, negative): the log's indexes are written
/// to in no order.
const WRITER_CACHE: &str = "-65536";
/// Pages in the write-ahead log before they are moved into the database: 16 MiB.
const CHECKPOINT: &str = "4096";
/// Rows that a connection's thread reads ahead: where it waits for each to be taken, a thousand rows take a second.
const READ_AHEAD: usize = 4_096;
/// Connections that read while one writes.
const READERS: u32 = 4;
/// The database's name within the data directory.
const FILE: &str = "workernet.sqlite3";

/// The server's storage in a SQLite file.
#[derive(Clone, Debug)]
pub struct SqliteStorage {
    /// One connection: writers queue here rather than in the database's busy handler.
    writer: SqlitePool,
    readers: SqlitePool,
}

impl SqliteStorage {
    /// Opens the database in `data_dir`, makes it where there is none, and brings it up to date.
    pub async fn open(data_dir: &Path) -> Result<Self, StorageError> {
        // Tells OpenSSL, which SQLCipher uses, not to tidy up when the process exits: a connection that is still closing on
        // its thread would crash. Cheap, and only the first call does anything.
        openssl_sys::init();
        let _lock = lock(data_dir.to_owned()).await?;
        let options = SqliteConnectOptions::new()
            .filename(data_dir.join(FILE))
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .row_buffer_size(READ_AHEAD)
            .busy_timeout(BUSY);
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            // A file does not hang up, and asking would be a second message to the connection's thread each time.
            .test_before_acquire(false)
            .connect_with(
                options.clone().pragma("cache_size", WRITER_CACHE).pragma("wal_autocheckpoint", CHECKPOINT),
            )
            .await
            .map_err(failed)?;
        sqlx::migrate!("./migrations/sqlite").run(&writer).await.map_err(|error| match error {
            MigrateError::VersionMissing(_) | MigrateError::VersionTooNew(..) => StorageError::NewerVersion,
            other => StorageError::Failed(Box::new(other)),
        })?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .test_before_acquire(false)
            .connect_lazy_with(options);
        Ok(Self { writer, readers })
    }
}

#[async_trait]
impl Storage for SqliteStorage {
    async fn begin(&self, workspace: WorkspaceId) -> Result<Box<dyn Transaction>, StorageError> {
        let tx = self.writer.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
        Ok(Box::new(transaction::SqliteTransaction::new(tx, workspace)))
    }

    /// SQLite tells other processes nothing.
    async fn listen(&self) -> Result<Option<Box<dyn Listener>>, StorageError> {
        Ok(None)
    }

    async fn fold_some(&self, limit: u32) -> Result<u32, StorageError> {
        let rows = query_as!(
            DocumentRow,
            "SELECT id, workspace, kind, owner, seq, team, heads, snapshot_seq, snapshot FROM documents
             WHERE snapshot_seq < seq LIMIT ?",
            limit
        )
        .fetch_all(&self.readers)
        .await
        .map_err(failed)?;
        let mut folded = 0;
        for row in rows {
            let mut conn = self.readers.acquire().await.map_err(failed)?;
            let record = row.whole(&mut conn).await?;
            drop(conn);
            let (id, seq) = (record.id.0.as_bytes().as_slice(), integer(record.seq));
            let done = query!(
                "UPDATE documents SET snapshot = ?1, snapshot_seq = ?2 WHERE id = ?3 AND snapshot_seq < ?2",
                record.snapshot,
                seq,
                id
            )
            .execute(&self.writer)
            .await
            .map_err(failed)?;
            folded += u32::try_from(done.rows_affected()).unwrap_or(0);
        }
        Ok(folded)
    }

    /// Checkpoints the write-ahead log, too.
    async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

/// Two processes that both make or migrate the database would trip over each other; the lock ends with the file.
async fn lock(data_dir: std::path::PathBuf) -> Result<File, StorageError> {
    let work = move || {
        std::fs::create_dir_all(&data_dir)?;
        restrict(&data_dir)?;
        let file = File::create(data_dir.join("migrating.lock"))?;
        file.lock()?;
        Ok(file)
    };
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| StorageError::Failed(Box::new(error)))?
        .map_err(|error: std::io::Error| StorageError::Failed(Box::new(error)))
}

/// The directory holds password hashes and the key of the access tokens: its owner alone may look in.
#[cfg(unix)]
fn restrict(data_dir: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(data_dir, std::fs::Permissions::from_mode(0o700))
}

#[cfg(not(unix))]
fn restrict(_data_dir: &Path) -> std::io::Result<()> {
    Ok(())
}

/// What sqlx says, in the storage's words.
fn failed(error: sqlx::Error) -> StorageError {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    // Extended result codes carry the primary one in their low byte.
    match code.and_then(|code| code.parse::<i64>().ok()).map(|code| code & 0xFF) {
        Some(5 | 6) => StorageError::Busy,
        Some(13) => StorageError::DiskFull,
        Some(11 | 26) => StorageError::damaged(error.to_string()),
        _ => StorageError::Failed(Box::new(error)),
    }
}

fn unique_violation(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(sqlx::error::DatabaseError::is_unique_violation)
}

fn uuid(bytes: &[u8]) -> Result<Uuid, StorageError> {
    Uuid::from_slice(bytes).map_err(|_| StorageError::damaged("an id that has not 16 bytes"))
}

fn digest(bytes: &[u8]) -> Result<Digest, StorageError> {
    bytes.try_into().map_err(|_| StorageError::damaged("a hash that has not 32 bytes"))
}

fn number(value: i64) -> Result<u64, StorageError> {
    u64::try_from(value).map_err(|_| StorageError::damaged("a negative sequence number"))
}

/// Sequence numbers count rows; they never come near the limit.
fn integer(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn role(text: &str) -> Result<Role, StorageError> {
    text.parse().map_err(|_| StorageError::damaged("a role that is none"))
}

/// Texts as a JSON array, which is how a list reaches a statement.
fn texts(values: &std::collections::BTreeSet<String>) -> Result<String, StorageError> {
    serde_json::to_string(values).map_err(|error| StorageError::Failed(Box::new(error)))
}

fn instant(value: Option<i64>) -> Option<UtcMillis> {
    value.map(UtcMillis)
}

/// A member's row as every query reads it.
struct MemberRow {
    id: Vec<u8>,
    workspace: Vec<u8>,
    email: String,
    name: String,
    role: String,
    password_hash: String,
    personal_doc: Vec<u8>,
    active: i64,
    created_at: i64,
}

impl TryFrom<MemberRow> for super::MemberRecord {
    type Error = StorageError;

    fn try_from(row: MemberRow) -> Result<Self, StorageError> {
        Ok(Self {
            id: desk_domain::ids::MemberId(uuid(&row.id)?),
            workspace: WorkspaceId(uuid(&row.workspace)?),
            email: row.email,
            name: row.name,
            role: role(&row.role)?,
            password_hash: row.password_hash,
            personal_doc: desk_domain::ids::DocId(uuid(&row.personal_doc)?),
            active: row.active != 0,
            created_at: UtcMillis(row.created_at),
        })
    }
}

/// A workspace's row as every query reads it.
struct WorkspaceRow {
    id: Vec<u8>,
    slug: String,
    name: String,
    settings_doc: Vec<u8>,
    server_device: Vec<u8>,
    head: i64,
    created_at: i64,
}

impl TryFrom<WorkspaceRow> for super::WorkspaceRecord {
    type Error = StorageError;

    fn try_from(row: WorkspaceRow) -> Result<Self, StorageError> {
        Ok(Self {
            id: WorkspaceId(uuid(&row.id)?),
            slug: row.slug,
            name: row.name,
            settings_doc: desk_domain::ids::DocId(uuid(&row.settings_doc)?),
            server_device: desk_domain::ids::DeviceId(uuid(&row.server_device)?),
            head: number(row.head)?,
            created_at: UtcMillis(row.created_at),
        })
    }
}

/// A document's row as every query reads it.
struct DocumentRow {
    id: Vec<u8>,
    workspace: Vec<u8>,
    kind: i64,
    owner: Option<Vec<u8>>,
    seq: i64,
    team: Option<String>,
    heads: Vec<u8>,
    snapshot_seq: i64,
    snapshot: Vec<u8>,
}

impl DocumentRow {
    /// The document with what the log has beyond its snapshot. The log never changes: what is read after the row fits it.
    async fn whole(self, conn: &mut SqliteConnection) -> Result<super::DocumentRecord, StorageError> {
        let id = desk_domain::ids::DocId(uuid(&self.id)?);
        let kind = kind(self.kind)?;
        let later = if self.snapshot_seq < self.seq { self.later(conn).await? } else { Vec::new() };
        Ok(super::DocumentRecord {
            id,
            workspace: WorkspaceId(uuid(&self.workspace)?),
            kind,
            owner: owner(self.owner.as_deref())?,
            seq: number(self.seq)?,
            team: self.team,
            heads: self.heads.chunks(32).map(digest).collect::<Result<_, _>>()?,
            snapshot: fold::whole(id, kind, self.snapshot, later).await?,
        })
    }

    async fn later(&self, conn: &mut SqliteConnection) -> Result<Vec<fold::Later>, StorageError> {
        // A short stretch of the log, which is read by number: by document it would be all of the document's history.
        let rows = query!(
            "SELECT hash, bytes FROM changes WHERE workspace = ? AND seq > ? AND seq <= ? AND +doc = ? ORDER BY seq",
            self.workspace,
            self.snapshot_seq,
            self.seq,
            self.id
        )
        .fetch_all(conn)
        .await
        .map_err(failed)?;
        rows.into_iter().map(|row| Ok((digest(&row.hash)?, row.bytes))).collect()
    }
}

/// See [`DocumentRow::whole`].
async fn all_whole(
    rows: Vec<DocumentRow>,
    conn: &mut SqliteConnection,
) -> Result<Vec<super::DocumentRecord>, StorageError> {
    let mut records = Vec::with_capacity(rows.len());
    for row in rows {
        records.push(row.whole(conn).await?);
    }
    Ok(records)
}

fn kind(code: i64) -> Result<desk_domain::ids::DocKind, StorageError> {
    u8::try_from(code)
        .ok()
        .and_then(desk_domain::ids::DocKind::from_code)
        .ok_or_else(|| StorageError::damaged("a document kind that is none"))
}

fn owner(bytes: Option<&[u8]>) -> Result<Option<desk_domain::ids::MemberId>, StorageError> {
    bytes.map(|bytes| uuid(bytes).map(desk_domain::ids::MemberId)).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::contract;

    /// A storage in a directory of its own, which is removed with the guard.
    async fn fresh() -> (tempfile::TempDir, SqliteStorage) {
        let dir = tempfile::tempdir().unwrap();
        let storage = SqliteStorage::open(dir.path()).await.unwrap();
        (dir, storage)
    }

    contract::suite!(fresh);

    #[tokio::test]
    async fn a_database_of_a_newer_version_is_refused_and_left_alone() {
        let (dir, storage) = fresh().await;
        sqlx::query("INSERT INTO _sqlx_migrations VALUES (99990101000000, 'later', 0, 1, x'00', 1)")
            .execute(&storage.writer)
            .await
            .unwrap();
        storage.close().await;
        let refused = SqliteStorage::open(dir.path()).await;
        assert!(matches!(refused, Err(StorageError::NewerVersion)), "{refused:?}");
    }

    #[tokio::test]
    async fn a_file_that_is_no_database_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(FILE), "this is a letter, not a database".repeat(300)).unwrap();
        let refused = SqliteStorage::open(dir.path()).await;
        assert!(matches!(refused, Err(StorageError::Damaged { .. })), "{refused:?}");
    }

    #[tokio::test]
    async fn pages_of_documents_are_read_in_order_and_not_sorted() {
        let (_dir, storage) = fresh().await;
        // As `shared_documents` and the comparing of heads page through a workspace.
        let sql = "EXPLAIN QUERY PLAN SELECT id, snapshot FROM documents \
             WHERE workspace = ? AND id > ? AND kind NOT IN (?, ?) ORDER BY id LIMIT ?";
        let plan: Vec<(i64, i64, i64, String)> =
            sqlx::query_as(sql).fetch_all(&storage.writer).await.unwrap();
        let steps: Vec<&str> = plan.iter().map(|step| step.3.as_str()).collect();
        assert!(steps[0].starts_with("SEARCH documents USING INDEX documents_in_order"), "{steps:?}");
        assert!(steps.iter().all(|step| !step.contains("TEMP B-TREE")), "{steps:?}");
    }

    #[tokio::test]
    async fn the_teams_of_older_tickets_are_learnt_without_a_move() {
        let (_dir, storage) = fresh().await;
        let plan = crate::demo::DemoPlan { tickets: 40, seed: 1, now: UtcMillis(1_790_240_400_000) };
        crate::demo::make(&storage, plan).await.unwrap();
        let teams = "SELECT count(team) FROM documents WHERE kind = 1";
        let count = |sql: &'static str| sqlx::query_scalar::<_, i64>(sql).fetch_one(&storage.writer);
        let before = count(teams).await.unwrap();
        assert!(before > 0, "some of the demo's tickets are a team's");
        let moves = count("SELECT count(*) FROM moves").await.unwrap();
        sqlx::query("UPDATE documents SET team_known = 0").execute(&storage.writer).await.unwrap();
        sqlx::query("UPDATE documents SET team = NULL").execute(&storage.writer).await.unwrap();
        assert_eq!(count(teams).await.unwrap(), 0);
        crate::sync::teams::learn(&storage).await.unwrap();
        assert_eq!(count(teams).await.unwrap(), before);
        assert_eq!(count("SELECT count(*) FROM moves").await.unwrap(), moves);
    }

    #[tokio::test]
    async fn the_database_is_durable_and_unencrypted() {
        let (dir, storage) = fresh().await;
        let synchronous: i64 =
            sqlx::query_scalar("PRAGMA synchronous").fetch_one(&storage.writer).await.unwrap();
        let journal: String =
            sqlx::query_scalar("PRAGMA journal_mode").fetch_one(&storage.writer).await.unwrap();
        assert_eq!((synchronous, journal.as_str()), (2, "wal"));
        storage.close().await;
        let head = std::fs::read(dir.path().join(FILE)).unwrap();
        assert_eq!(&head[..15], b"SQLite format 3");
    }
}
