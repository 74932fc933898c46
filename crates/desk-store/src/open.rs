//! Opening and making a store, and saying why it cannot be done.
//!
//! SQLCipher answers a wrong key and a damaged first page alike. So that the message can say which it is, a small file
//! stands beside the store (`desk.db.key-check`, see [`key_check`]): when the store cannot be decrypted but the key is
//! the one that made it, the file is damaged.
//!
//! An existing file is first looked at through a connection that cannot write. Only what is of our own making and of
//! a version that we know is then opened for writing.

mod key_check;

use std::{
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

use sqlx::{
    ConnectOptions, Connection, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};

use crate::{COMPAT, Inner, Key, Store, StoreError, columns::Lists, lane::Lane, lock::InUse};
use key_check::KeyCheck;

/// `application_id` of our stores: "WNDS".
const APPLICATION_ID: i64 = 0x574E_4453;
/// Connections for reading. Two: a list is not to wait for an export.
const READERS: u16 = 2;
/// Page caches in KiB (negative, as SQLite wants it): together they are the store's share of the application's memory.
pub(crate) const WRITER_CACHE: &str = "-5120";
const READER_CACHE: &str = "-2048";
/// Pages in the write-ahead log at which a commit moves them into the file itself, if `Store::checkpoint` did not before.
const CHECKPOINT_PAGES: &str = "4000";
/// The log file is cut to this size when it starts anew.
const LOG_BYTES: &str = "33554432";
/// Prepared statements kept per connection: a list has one per combination of filter and order.
const STATEMENTS: usize = 256;

static MIGRATIONS: sqlx::migrate::Migrator = {
    let mut migrator = sqlx::migrate!("../../migrations");
    // A newer program may have added what older ones can live with; what they cannot is told by the compat number.
    migrator.ignore_missing = true;
    migrator
};

/// How to open a store.
#[derive(Clone, Copy, Debug)]
pub struct OpenOptions {
    /// Make a store where there is none.
    pub create: bool,
    /// Only read, whatever the version.
    pub read_only: bool,
    /// How long to wait for another process that writes before [`StoreError::Busy`].
    pub busy_timeout: Duration,
}

impl Default for OpenOptions {
    /// Make it if need be, read and write, wait ten seconds (an import's batch may take one).
    fn default() -> Self {
        Self { create: true, read_only: false, busy_timeout: Duration::from_secs(10) }
    }
}

/// An open store.
#[derive(Debug)]
pub struct Opened {
    /// The handle.
    pub store: Store,
    /// Why it can only be read, when that was not asked for.
    pub read_only: Option<NewerVersion>,
    /// It was made just now.
    pub created: bool,
}

/// A newer program wrote the store; this one must not write to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the store has version {store}, this program writes up to version {supported}")]
pub struct NewerVersion {
    /// The store's compatibility number.
    pub store: u32,
    /// The newest that this program writes.
    pub supported: u32,
}

impl Store {
    /// Opens the store at `path`, or makes one.
    ///
    /// A store of a newer version is opened for reading alone ([`Opened::read_only`]). What cannot be opened is reported
    /// and left as it is: [`StoreError::WrongKey`], [`StoreError::Damaged`], [`StoreError::Undecipherable`] (one of the two;
    /// the key check file is missing), [`StoreError::NotAStore`], [`StoreError::Missing`], [`StoreError::ReadOnly`] (its
    /// folder cannot be written; [`OpenOptions::read_only`] opens it).
    pub async fn open(path: &Path, key: &Key, options: OpenOptions) -> Result<Opened, StoreError> {
        // Tells OpenSSL not to tidy up when the process exits: SQLite's threads may still be deciphering then, and would
        // crash. Cheap, and only the first call does anything.
        openssl_sys::init();
        let path = std::path::absolute(path)?;
        let check = KeyCheck::beside(&path);
        let found = Found::at(&path)?;
        let created = match found {
            Found::Nothing if !options.create || options.read_only => return Err(StoreError::Missing),
            Found::Nothing => {
                refuse_orphaned_log(&path)?;
                true
            }
            Found::Empty if check.is_complete() => {
                return Err(StoreError::Damaged { what: "the file is empty".to_owned() });
            }
            Found::Empty if !options.create || options.read_only => return Err(StoreError::Missing),
            Found::Empty => true,
            Found::Plain if key.is_absent() => false,
            Found::Plain => return Err(StoreError::NotAStore { why: "an unencrypted SQLite database" }),
            Found::Something => false,
        };
        if created {
            let lock = InUse::shared(&path).await?;
            check.write(key, false)?;
            create_private(&path)?;
            return make(&path, key, options, &check, lock).await;
        }
        let (access, version) = look(&path, key, options).await.map_err(|error| check.explain(key, error))?;
        // Not before: nothing is made beside a file that is not ours.
        let lock = InUse::shared(&path).await?;
        let newer = (version > COMPAT).then_some(NewerVersion { store: version, supported: COMPAT });
        if newer.is_some() || options.read_only {
            let readers = Lane::new(reading(&path, key, options, access), READERS);
            let store = Store::of(path, None, readers, lock, key);
            return Ok(Opened { store, read_only: newer, created: false });
        }
        if matches!(access, Access::Immutable) {
            return Err(StoreError::ReadOnly);
        }
        let store = open_for_writing(&path, key, options, lock).await?;
        // A missing or outdated check file is made anew now that the key has proved right.
        if !check.is_complete() || !check.matches(key) {
            check.write(key, true)?;
        }
        Ok(Opened { store, read_only: None, created: false })
    }

    /// Deletes the store at `path` with everything beside it whose name begins with the store's: for a device whose access
    /// was revoked. Close it first. That there is none is no error.
    pub fn erase(path: &Path) -> Result<(), StoreError> {
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else { return Ok(()) };
        let name = name.as_encoded_bytes();
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            if !entry.file_name().as_encoded_bytes().starts_with(name) {
                continue;
            }
            let victim = entry.path();
            let is_folder = entry.file_type()?.is_dir();
            let removed = if is_folder { fs::remove_dir_all(victim) } else { fs::remove_file(victim) };
            match removed {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
                Ok(()) | Err(_) => {}
            }
        }
        Ok(())
    }

    fn of(path: PathBuf, writer: Option<Lane>, readers: Lane, lock: InUse, key: &Key) -> Self {
        Self {
            inner: Arc::new(Inner {
                path: path.into_boxed_path(),
                writer,
                readers,
                lock,
                key: key.clone(),
                file: AtomicU64::new(0),
                lists: Lists::default(),
            }),
        }
    }
}

/// What stands at the path.
enum Found {
    Nothing,
    /// A file without content: the start of a store that was never finished, or all that is left of one.
    Empty,
    /// An SQLite database that is not encrypted.
    Plain,
    /// Ours, hopefully.
    Something,
}

impl Found {
    fn at(path: &Path) -> Result<Self, StoreError> {
        let mut file = match fs::File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::Nothing),
            Err(error) => return Err(error.into()),
        };
        let mut start = Vec::new();
        Read::by_ref(&mut file).take(16).read_to_end(&mut start)?;
        Ok(match start.as_slice() {
            [] => Self::Empty,
            b"SQLite format 3\0" => Self::Plain,
            _ => Self::Something,
        })
    }
}

/// SQLite throws a log away whose database is gone; it may hold the newest commits.
fn refuse_orphaned_log(path: &Path) -> Result<(), StoreError> {
    if has_log(path) {
        let what = "the file is gone, but its write-ahead log is there".to_owned();
        return Err(StoreError::Damaged { what });
    }
    Ok(())
}

pub(crate) fn has_log(path: &Path) -> bool {
    fs::metadata(beside(path, "-wal")).is_ok_and(|log| log.len() > 0)
}

pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Makes the (empty) file so that nobody else can read it; SQLite gives its other files the same mode.
pub(crate) fn create_private(path: &Path) -> Result<(), StoreError> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?;
    Ok(())
}

async fn make(
    path: &Path,
    key: &Key,
    options: OpenOptions,
    check: &KeyCheck,
    lock: InUse,
) -> Result<Opened, StoreError> {
    let store = open_for_writing(path, key, options, lock).await?;
    // From here on an empty file is a damaged one, so everything has to be in it before that is written down.
    let mut held = store.writer().await?;
    sqlx::query("PRAGMA wal_checkpoint(FULL)").execute(held.conn()?).await?;
    drop(held);
    check.write(key, true)?;
    Ok(Opened { store, read_only: None, created: true })
}

async fn open_for_writing(
    path: &Path,
    key: &Key,
    options: OpenOptions,
    lock: InUse,
) -> Result<Store, StoreError> {
    let writing = common(path, key, options)
        .create_if_missing(false)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .pragma("cache_size", WRITER_CACHE)
        .pragma("wal_autocheckpoint", CHECKPOINT_PAGES)
        .pragma("journal_size_limit", LOG_BYTES);
    migrate(&writing, options).await?;
    let writer = Lane::new(writing, 1);
    // The first commit is not to wait for it, and an error is to come from here.
    drop(writer.acquire().await?);
    let readers = Lane::new(reading(path, key, options, Access::Shared), READERS);
    Ok(Store::of(path.to_owned(), Some(writer), readers, lock, key))
}

/// Runs the migrations that are missing.
///
/// Tries again for as long as the busy timeout: two processes may make or migrate one store at the same moment, and then
/// SQLite tells one of them that a table exists or that the database is locked, without waiting.
pub(crate) async fn migrate(writing: &SqliteConnectOptions, options: OpenOptions) -> Result<(), StoreError> {
    const PAUSE: Duration = Duration::from_millis(50);
    let mut left = options.busy_timeout.as_millis() / PAUSE.as_millis();
    loop {
        match run_migrations(writing).await {
            Err(StoreError::Busy | StoreError::Sql(sqlx::Error::Database(_))) if left > 0 => {
                left -= 1;
                tokio::time::sleep(PAUSE).await;
            }
            result => return result,
        }
    }
}

/// Over a connection of its own, so that none keeps prepared statements of the older schema.
async fn run_migrations(writing: &SqliteConnectOptions) -> Result<(), StoreError> {
    let mut conn = writing.connect().await?;
    if !is_migrated(&mut conn).await? {
        MIGRATIONS.run_direct(None, &mut conn, false).await?;
    }
    conn.close().await?;
    Ok(())
}

/// Nothing is missing: the usual case, which is not to write anything.
pub(crate) async fn is_migrated(conn: &mut SqliteConnection) -> Result<bool, StoreError> {
    const BEGUN: &str = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = '_sqlx_migrations')";
    if !sqlx::query_scalar::<_, bool>(BEGUN).fetch_one(&mut *conn).await? {
        return Ok(false);
    }
    let applied: Option<i64> =
        sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations").fetch_one(conn).await?;
    Ok(applied >= MIGRATIONS.iter().map(|migration| migration.version).max())
}

/// How a file can be read that must not be written.
#[derive(Clone, Copy)]
enum Access {
    /// Beside other processes, with the log that may stand there.
    Shared,
    /// From a folder in which nothing can be made: without locks and log.
    Immutable,
}

/// Looks into the file without the means to change it: whose it is, and its compatibility number.
async fn look(path: &Path, key: &Key, options: OpenOptions) -> Result<(Access, u32), StoreError> {
    let mut access = Access::Shared;
    let mut conn = match probe(path, key, options, access).await {
        // SQLite needs its shared-memory file even for reading; where it cannot make one there is no writer either. With
        // a log that it cannot read it would show an older state.
        Err(StoreError::Sql(_) | StoreError::ReadOnly) if !has_log(path) => {
            access = Access::Immutable;
            probe(path, key, options, access).await?
        }
        other => other?,
    };
    // One snapshot: another process may be making the store at this moment.
    let mut snapshot = conn.begin().await?;
    let tables: i64 =
        sqlx::query_scalar("SELECT count(*) FROM sqlite_schema WHERE name NOT LIKE '%sqlx_migrations%'")
            .fetch_one(&mut *snapshot)
            .await?;
    let application: i64 = sqlx::query_scalar("PRAGMA application_id").fetch_one(&mut *snapshot).await?;
    let version: i64 = sqlx::query_scalar("PRAGMA user_version").fetch_one(&mut *snapshot).await?;
    snapshot.rollback().await?;
    conn.close().await?;
    // No table of its own: made, then killed before the first migration, or being made just now.
    if application != APPLICATION_ID && tables > 0 {
        return Err(StoreError::NotAStore { why: "another program's encrypted database" });
    }
    let version =
        u32::try_from(version).map_err(|_| StoreError::NotAStore { why: "its version is negative" })?;
    Ok((access, version))
}

async fn probe(
    path: &Path,
    key: &Key,
    options: OpenOptions,
    access: Access,
) -> Result<SqliteConnection, StoreError> {
    let mut conn = reading(path, key, options, access).connect().await?;
    // The first read is what decrypts.
    sqlx::query("SELECT count(*) FROM sqlite_schema WHERE name NOT LIKE '%sqlx_migrations%'")
        .fetch_one(&mut conn)
        .await?;
    Ok(conn)
}

fn reading(path: &Path, key: &Key, options: OpenOptions, access: Access) -> SqliteConnectOptions {
    let common = common(path, key, options).read_only(true).pragma("cache_size", READER_CACHE);
    match access {
        Access::Shared => common,
        Access::Immutable => common.immutable(true),
    }
}

fn common(path: &Path, key: &Key, options: OpenOptions) -> SqliteConnectOptions {
    let keyed = match key.pragma_value() {
        Some(key) => SqliteConnectOptions::new().pragma("key", key),
        None => SqliteConnectOptions::new(),
    };
    keyed
        .filename(path)
        .foreign_keys(true)
        .busy_timeout(options.busy_timeout)
        .statement_cache_capacity(STATEMENTS)
        .row_buffer_size(512)
        .pragma("temp_store", "MEMORY")
        // SQLCipher writes what it finds to standard error, besides returning it.
        .pragma("cipher_log_level", "NONE")
        // The first statement of every connection has the key in it.
        .disable_statement_logging()
}
