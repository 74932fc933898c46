//! What can go wrong, by what the caller can do about it.

use desk_domain::ids::DocId;

/// Why the store could not be opened, read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is no store at the path, and none was to be made.
    #[error("there is no store here")]
    Missing,
    /// The key is not the one that the store was made with; the file is as it was.
    #[error("the key does not belong to this store")]
    WrongKey,
    /// The store cannot be decrypted, and without the key check file beside it nobody can say whether the key is wrong
    /// or the file damaged; the file is as it was.
    #[error("the store cannot be decrypted: the key is wrong or the file is damaged")]
    Undecipherable,
    /// The file is no store of this program; it is as it was.
    #[error("the file is no store of this program: {why}")]
    NotAStore {
        /// What it seems to be instead.
        why: &'static str,
    },
    /// The file is damaged; it is as it was.
    #[error("the store is damaged: {what}")]
    Damaged {
        /// What was found, for the reader.
        what: String,
    },
    /// The store may only be read: a newer version wrote it, it was opened so, or the file system says so.
    #[error("the store can only be read")]
    ReadOnly,
    /// Another process held the store for longer than the busy timeout; trying again is safe.
    #[error("the store is busy in another process")]
    Busy,
    /// The disk is full; nothing of the batch was written.
    #[error("the disk is full")]
    DiskFull,
    /// Somebody else wrote the document since the caller read it; nothing was written. Load it again and replay.
    #[error("document {doc} was changed meanwhile")]
    Stale {
        /// Which document.
        doc: DocId,
    },
    /// A document was to be dropped that has changes which were never sent or refused; nothing was written.
    #[error("document {doc} has unsent changes")]
    Unsent {
        /// Which document.
        doc: DocId,
    },
    /// A refused edit was to be proposed again that is not on the list any more; nothing was written.
    #[error("there is no refused edit {id}")]
    NotRejected {
        /// Its number.
        id: i64,
    },
    /// The batch contradicts itself or the store; a bug of the caller. Nothing was written.
    #[error("the batch is invalid: {why}")]
    Invalid {
        /// What is wrong with it.
        why: String,
    },
    /// A stored value is not what this program writes.
    #[error("the store holds something unreadable: {what}")]
    Unreadable {
        /// Which value.
        what: String,
    },
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
    /// The file system refused.
    #[error("the store's file: {0}")]
    Io(#[from] std::io::Error),
    /// Anything else that SQLite said.
    #[error("the store's database: {0}")]
    Sql(#[source] sqlx::Error),
}

impl StoreError {
    pub(crate) fn unreadable(what: impl Into<String>) -> Self {
        Self::Unreadable { what: what.into() }
    }
}

/// SQLite's primary result codes, <https://sqlite.org/rescode.html>.
mod code {
    pub(super) const BUSY: i32 = 5;
    pub(super) const LOCKED: i32 = 6;
    pub(super) const READONLY: i32 = 8;
    pub(super) const CORRUPT: i32 = 11;
    pub(super) const FULL: i32 = 13;
    pub(super) const NOTADB: i32 = 26;
    /// The shared-memory file could not grow: on a full disk this comes before `FULL`.
    pub(super) const IOERR_SHMSIZE: i32 = 4_874;
    /// The file ends in the middle of a page.
    pub(super) const IOERR_SHORT_READ: i32 = 522;
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        let sqlx::Error::Database(database) = &error else {
            return Self::Sql(error);
        };
        let extended: i32 = database.code().and_then(|text| text.parse().ok()).unwrap_or(0);
        match (extended, extended & 0xFF) {
            (_, code::BUSY | code::LOCKED) => Self::Busy,
            (_, code::READONLY) => Self::ReadOnly,
            (_, code::FULL) | (code::IOERR_SHMSIZE, _) => Self::DiskFull,
            (_, code::CORRUPT | code::NOTADB) | (code::IOERR_SHORT_READ, _) => {
                Self::Damaged { what: database.message().to_owned() }
            }
            _ => Self::Sql(error),
        }
    }
}

impl From<sqlx::migrate::MigrateError> for StoreError {
    fn from(error: sqlx::migrate::MigrateError) -> Self {
        match error {
            sqlx::migrate::MigrateError::Execute(error)
            | sqlx::migrate::MigrateError::ExecuteMigration(error, _) => error.into(),
            other => Self::Sql(sqlx::Error::Migrate(Box::new(other))),
        }
    }
}
