//! The storage in PostgreSQL, for any number of server processes on one database.
//!
//! Who writes in a workspace holds an advisory lock on its id until the transaction ends, from before the first read: so
//! writers of one workspace take turns whichever processes they run in, those of different workspaces do not wait for
//! each other, and a workspace that does not exist yet is locked like any other. `READ COMMITTED` is enough then: after
//! the lock every statement sees all that the writers before it committed, and nobody else writes.
//!
//! After a commit the process tells the others on the channel [`CHANNEL`]. It does so after the transaction and not in
//! it: PostgreSQL lets one transaction that notifies commit at a time, in the whole cluster. News that is lost with a
//! process is found by the look that every process takes each second.
//!
//! Queries are checked when they run, by the contract suite, and not when they are compiled as those of SQLite are: the
//! macros describe all queries of a crate against the one database that `DATABASE_URL` names.

use std::{str::FromStr, time::Duration};

use async_trait::async_trait;
use desk_domain::{
    ids::{DeviceId, DocId, MemberId, WorkspaceId},
    people::Role,
    time::UtcMillis,
};
use sqlx::{
    Connection, PgConnection, PgPool,
    migrate::MigrateError,
    postgres::{PgConnectOptions, PgPoolOptions},
    query, query_as, query_scalar,
};
use uuid::Uuid;

use super::{
    Digest, DocumentRecord, Listener, MemberRecord, News, Storage, StorageError, Transaction,
    WorkspaceRecord, fold,
};

mod audit;
mod devices;
mod directory;
mod escalations;
mod listener;
mod log;
mod segments;
mod sessions;
mod signals;
mod transaction;

/// The advisory lock of the process that folds documents.
const FOLDING: i64 = 0x574E_4644;
/// Where processes tell each other what they wrote.
const CHANNEL: &str = "workernet";
/// Connections that write, at most; each is one workspace's at a time, also while it waits for its turn.
const WRITERS: u32 = 8;
/// Connections that read, at most. One more listens.
const READERS: u32 = 8;
/// How long to wait for the database server to answer at the start.
const CONNECT: Duration = Duration::from_secs(10);
/// How long to wait for a free connection.
const ACQUIRE: Duration = Duration::from_secs(20);
/// What every connection is set to. A writer that waits longer than anybody should for its turn gives up; one that
/// falls silent, or whose machine is gone, loses its lock.
const SETTINGS: [(&str, &str); 5] = [
    ("lock_timeout", "20s"),
    ("idle_in_transaction_session_timeout", "5min"),
    ("tcp_keepalives_idle", "10"),
    ("tcp_keepalives_interval", "5"),
    ("tcp_keepalives_count", "3"),
];

/// The server's storage in a PostgreSQL database.
#[derive(Clone, Debug)]
pub struct PostgresStorage {
    writers: PgPool,
    readers: PgPool,
}

impl PostgresStorage {
    /// Opens the database at a URL, `postgres://USER:PASSWORD@HOST:PORT/DATABASE`, and brings it up to date.
    ///
    /// # Errors
    /// [`StorageError::Unreachable`] when the URL is none or nobody lets us in; never with the password in it.
    pub async fn open(url: &str) -> Result<Self, StorageError> {
        let options = options(url)?;
        // Not from a pool, which would go on trying.
        let connecting = tokio::time::timeout(CONNECT, PgConnection::connect_with(&options));
        let unreachable = |reason: String| StorageError::Unreachable { address: address(&options), reason };
        let mut first = match connecting.await {
            Ok(Ok(connection)) => connection,
            Ok(Err(error)) => return Err(unreachable(error.to_string())),
            Err(_elapsed) => return Err(unreachable(format!("no answer in {} s", CONNECT.as_secs()))),
        };
        // Processes that start together take turns: sqlx locks the database for it.
        sqlx::migrate!("./migrations/postgres").run(&mut first).await.map_err(|error| match error {
            MigrateError::VersionMissing(_) | MigrateError::VersionTooNew(..) => StorageError::NewerVersion,
            MigrateError::Execute(error) => failed(error),
            other => StorageError::Failed(Box::new(other)),
        })?;
        first.close().await.map_err(failed)?;
        let pool = |most| {
            PgPoolOptions::new()
                .max_connections(most)
                .acquire_timeout(ACQUIRE)
                .connect_lazy_with(options.clone())
        };
        Ok(Self { writers: pool(WRITERS), readers: pool(READERS + 1) })
    }

    /// Begins a transaction that holds the workspace.
    async fn alone(
        &self,
        workspace: WorkspaceId,
    ) -> Result<sqlx::Transaction<'static, sqlx::Postgres>, StorageError> {
        let mut tx = self.writers.begin().await.map_err(failed)?;
        query("SELECT pg_advisory_xact_lock($1)")
            .bind(lock_key(workspace))
            .execute(&mut *tx)
            .await
            .map_err(failed)?;
        Ok(tx)
    }

    /// Tells all processes. Whoever does not hear it looks every second, so a failure is nobody's.
    async fn tell(&self, news: News) {
        let told = query("SELECT pg_notify($1, $2)")
            .bind(CHANNEL)
            .bind(listener::words(news))
            .execute(&self.writers)
            .await;
        if let Err(error) = told {
            tracing::debug!(%error, "other processes were not told");
        }
    }
}

#[async_trait]
impl Storage for PostgresStorage {
    async fn begin(&self, workspace: WorkspaceId) -> Result<Box<dyn Transaction>, StorageError> {
        let tx = self.alone(workspace).await?;
        Ok(Box::new(transaction::PostgresTransaction::new(self.clone(), tx, workspace)))
    }

    async fn listen(&self) -> Result<Option<Box<dyn Listener>>, StorageError> {
        Ok(Some(Box::new(listener::PostgresListener::connect(&self.readers).await?)))
    }

    async fn fold_some(&self, limit: u32) -> Result<u32, StorageError> {
        let mut tx = self.readers.begin().await.map_err(failed)?;
        let is_ours: bool = query_scalar("SELECT pg_try_advisory_xact_lock($1)")
            .bind(FOLDING)
            .fetch_one(&mut *tx)
            .await
            .map_err(failed)?;
        if !is_ours {
            return Ok(0);
        }
        let rows: Vec<DocumentRow> = query_as(
            "SELECT id, workspace, kind, owner, seq, team, heads, snapshot_seq, snapshot FROM documents
             WHERE snapshot_seq < seq LIMIT $1",
        )
        .bind(i64::from(limit))
        .fetch_all(&mut *tx)
        .await
        .map_err(failed)?;
        let mut folded = 0;
        for row in rows {
            let record = row.whole(&mut tx).await?;
            // Each by itself, beside the transaction that keeps the others away: no writer waits for all of them.
            let done = query(
                "UPDATE documents SET snapshot = $1, snapshot_seq = $2 WHERE id = $3 AND snapshot_seq < $2",
            )
            .bind(record.snapshot)
            .bind(integer(record.seq))
            .bind(record.id.0)
            .execute(&self.writers)
            .await
            .map_err(failed)?;
            folded += u32::try_from(done.rows_affected()).unwrap_or(0);
        }
        tx.rollback().await.map_err(failed)?;
        Ok(folded)
    }

    async fn close(&self) {
        self.readers.close().await;
        self.writers.close().await;
    }
}

/// How to connect.
fn options(url: &str) -> Result<PgConnectOptions, StorageError> {
    let wrong = |reason: &str| StorageError::Unreachable {
        address: "the PostgreSQL database".to_owned(),
        reason: format!("{reason}; a URL looks like postgres://USER:PASSWORD@HOST:5432/DATABASE"),
    };
    if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
        return Err(wrong("the URL does not begin with postgres://"));
    }
    let options = PgConnectOptions::from_str(url).map_err(|error| wrong(&error.to_string()))?;
    Ok(options.application_name("workernet-server").options(SETTINGS))
}

/// Where that leads, for people.
fn address(options: &PgConnectOptions) -> String {
    let host = match options.get_socket() {
        Some(socket) => socket.display().to_string(),
        None => format!("{}:{}", options.get_host(), options.get_port()),
    };
    let database = options.get_database().unwrap_or_else(|| options.get_username());
    format!("the PostgreSQL database {database:?} at {host} as {:?}", options.get_username())
}

/// The number of the workspace's advisory lock: the random half of its id. Two workspaces with one number would only
/// wait for each other.
fn lock_key(workspace: WorkspaceId) -> i64 {
    let (_, random) = workspace.0.as_u64_pair();
    random.cast_signed()
}

/// What sqlx says, in the storage's words.
fn failed(error: sqlx::Error) -> StorageError {
    if matches!(error, sqlx::Error::PoolTimedOut) {
        return StorageError::Busy;
    }
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    match code.as_deref() {
        // lock_not_available
        Some("55P03") => StorageError::Busy,
        // disk_full
        Some("53100") => StorageError::DiskFull,
        // data_corrupted, index_corrupted
        Some("XX001" | "XX002") => StorageError::damaged(error.to_string()),
        _ => StorageError::Failed(Box::new(error)),
    }
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

fn kind(code: i16) -> Result<desk_domain::ids::DocKind, StorageError> {
    u8::try_from(code)
        .ok()
        .and_then(desk_domain::ids::DocKind::from_code)
        .ok_or_else(|| StorageError::damaged("a document kind that is none"))
}

fn role(text: &str) -> Result<Role, StorageError> {
    text.parse().map_err(|_| StorageError::damaged("a role that is none"))
}

fn instant(value: Option<i64>) -> Option<UtcMillis> {
    value.map(UtcMillis)
}

/// A member's row as every query reads it.
#[derive(sqlx::FromRow)]
struct MemberRow {
    id: Uuid,
    workspace: Uuid,
    email: String,
    name: String,
    role: String,
    password_hash: String,
    personal_doc: Uuid,
    active: bool,
    created_at: i64,
}

impl TryFrom<MemberRow> for MemberRecord {
    type Error = StorageError;

    fn try_from(row: MemberRow) -> Result<Self, StorageError> {
        Ok(Self {
            id: MemberId(row.id),
            workspace: WorkspaceId(row.workspace),
            email: row.email,
            name: row.name,
            role: role(&row.role)?,
            password_hash: row.password_hash,
            personal_doc: DocId(row.personal_doc),
            active: row.active,
            created_at: UtcMillis(row.created_at),
        })
    }
}

/// A workspace's row as every query reads it.
#[derive(sqlx::FromRow)]
struct WorkspaceRow {
    id: Uuid,
    slug: String,
    name: String,
    settings_doc: Uuid,
    server_device: Uuid,
    head: i64,
    created_at: i64,
}

impl TryFrom<WorkspaceRow> for WorkspaceRecord {
    type Error = StorageError;

    fn try_from(row: WorkspaceRow) -> Result<Self, StorageError> {
        Ok(Self {
            id: WorkspaceId(row.id),
            slug: row.slug,
            name: row.name,
            settings_doc: DocId(row.settings_doc),
            server_device: DeviceId(row.server_device),
            head: number(row.head)?,
            created_at: UtcMillis(row.created_at),
        })
    }
}

/// A document's row as every query reads it.
/// Texts as an array.
fn texts(values: &std::collections::BTreeSet<String>) -> Vec<&str> {
    values.iter().map(String::as_str).collect()
}

#[derive(sqlx::FromRow)]
struct DocumentRow {
    id: Uuid,
    workspace: Uuid,
    kind: i16,
    owner: Option<Uuid>,
    seq: i64,
    team: Option<String>,
    heads: Vec<u8>,
    snapshot_seq: i64,
    snapshot: Vec<u8>,
}

impl DocumentRow {
    /// The document with what the log has beyond its snapshot. The log never changes: what is read after the row fits it.
    async fn whole(self, conn: &mut PgConnection) -> Result<DocumentRecord, StorageError> {
        let (id, kind) = (DocId(self.id), kind(self.kind)?);
        let later = if self.snapshot_seq < self.seq { self.later(conn).await? } else { Vec::new() };
        Ok(DocumentRecord {
            id,
            workspace: WorkspaceId(self.workspace),
            kind,
            owner: self.owner.map(MemberId),
            seq: number(self.seq)?,
            team: self.team,
            heads: self.heads.chunks(32).map(digest).collect::<Result<_, _>>()?,
            snapshot: fold::whole(id, kind, self.snapshot, later).await?,
        })
    }

    async fn later(&self, conn: &mut PgConnection) -> Result<Vec<fold::Later>, StorageError> {
        let rows: Vec<(Vec<u8>, Vec<u8>)> = query_as(
            "SELECT hash, bytes FROM changes
             WHERE workspace = $1 AND seq > $2 AND seq <= $3 AND doc = $4 ORDER BY seq",
        )
        .bind(self.workspace)
        .bind(self.snapshot_seq)
        .bind(self.seq)
        .bind(self.id)
        .fetch_all(conn)
        .await
        .map_err(failed)?;
        rows.into_iter().map(|(hash, bytes)| Ok((digest(&hash)?, bytes))).collect()
    }
}

/// See [`DocumentRow::whole`].
async fn all_whole(
    rows: Vec<DocumentRow>,
    conn: &mut PgConnection,
) -> Result<Vec<DocumentRecord>, StorageError> {
    let mut records = Vec::with_capacity(rows.len());
    for row in rows {
        records.push(row.whole(conn).await?);
    }
    Ok(records)
}

#[cfg(test)]
mod tests;
