//! Whether the store is whole, for `desk doctor`.

use sqlx::{Connection, Row, SqliteConnection};

use crate::{Store, StoreError};

/// What a check found. Documents that are named in the lists of missing rows are repaired by
/// [`Store::replace_projection`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// What SQLite's `quick_check` says about the file; empty when all is well.
    pub structure: Vec<String>,
    /// Pages that do not have the checksum that SQLCipher wrote; empty when all is well.
    pub pages: Vec<String>,
    /// Rows that refer to rows that are not there.
    pub dangling: u64,
    /// How many documents there are.
    pub documents: u64,
    /// Documents that should have a row in their list and have none.
    pub without_row: u64,
    /// Rows whose document is kept unread, or of another kind.
    pub stray_rows: u64,
    /// Documents that should be found by a search and are not in the index.
    pub not_indexed: u64,
    /// Entries of the index whose document is deleted or gone.
    pub stray_entries: u64,
    /// What it says about the search index ([`Store::rebuild_search`] mends that); empty when all is well.
    pub index: Vec<String>,
}

/// What a store takes on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// The whole file.
    pub file_bytes: u64,
    /// The documents in it, as they are packed; the rest is rows and indexes.
    pub document_bytes: u64,
}

impl Health {
    /// Nothing is wrong.
    pub fn is_good(&self) -> bool {
        let Self {
            structure,
            pages,
            dangling,
            documents: _,
            without_row,
            stray_rows,
            not_indexed,
            stray_entries,
            index,
        } = self;
        structure.is_empty()
            && pages.is_empty()
            && index.is_empty()
            && [dangling, without_row, stray_rows, not_indexed, stray_entries]
                .into_iter()
                .all(|count| *count == 0)
    }
}

impl Store {
    /// Checks the whole file: structure, checksums, rows against documents, index against rows. Reads every page.
    pub async fn check(&self) -> Result<Health, StoreError> {
        const COUNTS: &str = include_str!("check/counts.sql");
        self.settle_search().await?;
        let mut held = self.slow_reader().await?;
        // One state of the store for all that follows.
        let mut snapshot = held.conn()?.begin().await?;
        // SQLite checks the index by the structure that the connection read last; a query brings that up to date.
        for sql in ["SELECT rowid FROM search LIMIT 1", "SELECT rowid FROM search_titles LIMIT 1"] {
            sqlx::query(sql).fetch_optional(&mut *snapshot).await?;
        }
        let (index, structure): (Vec<String>, Vec<String>) = messages(&mut snapshot, "PRAGMA quick_check")
            .await?
            .into_iter()
            .partition(|line| line.contains("FTS5"));
        let pages = messages(&mut snapshot, "PRAGMA cipher_integrity_check").await?;
        if !structure.is_empty() || !pages.is_empty() {
            // What a damaged file says about its rows is worth nothing.
            drop(snapshot);
            held.discard();
            return Ok(Health { structure, pages, index, ..Health::default() });
        }
        let dangling = sqlx::query("PRAGMA foreign_key_check").fetch_all(&mut *snapshot).await?.len();
        let row = sqlx::query(COUNTS).fetch_one(&mut *snapshot).await?;
        let count = |index: usize| -> Result<u64, StoreError> {
            Ok(u64::try_from(row.try_get::<i64, _>(index)?).unwrap_or(0))
        };
        Ok(Health {
            structure,
            pages,
            dangling: u64::try_from(dangling).unwrap_or(u64::MAX),
            documents: count(0)?,
            without_row: count(1)?,
            stray_rows: count(2)?,
            not_indexed: count(3)?,
            stray_entries: count(4)?,
            index,
        })
    }

    /// What the store takes on the disk.
    pub async fn sizes(&self) -> Result<Sizes, StoreError> {
        const SQL: &str = "SELECT (SELECT page_count FROM pragma_page_count()) * (SELECT page_size FROM pragma_page_size()), \
             (SELECT coalesce(sum(length(bytes)), 0) FROM snapshots) + (SELECT coalesce(sum(length(bytes)), 0) FROM blocks)";
        let mut held = self.slow_reader().await?;
        let row = sqlx::query(SQL).fetch_one(held.conn()?).await?;
        let bytes = |value: i64| u64::try_from(value).unwrap_or(0);
        Ok(Sizes { file_bytes: bytes(row.try_get(0)?), document_bytes: bytes(row.try_get(1)?) })
    }

    /// Empties the search index. The caller then hands every document to [`Store::replace_projection`], the newest
    /// first; lists work meanwhile.
    pub async fn rebuild_search(&self) -> Result<(), StoreError> {
        let mut held = self.writer().await?;
        let conn = held.conn()?;
        let mut transaction = conn.begin_with("BEGIN IMMEDIATE").await?;
        for sql in [
            "INSERT INTO search (search) VALUES ('delete-all')",
            "INSERT INTO search_titles (search_titles) VALUES ('delete-all')",
            "DELETE FROM search_pending",
            "DELETE FROM search_docs",
            "DELETE FROM search_terms",
        ] {
            sqlx::query(sql).execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
        Ok(())
    }
}

/// The lines that a pragma answers, without the one that says that all is well.
async fn messages(conn: &mut SqliteConnection, pragma: &'static str) -> Result<Vec<String>, StoreError> {
    let lines = sqlx::query_scalar::<_, String>(pragma).fetch_all(conn).await.map_err(StoreError::from);
    match lines {
        Ok(lines) => Ok(lines.into_iter().filter(|line| line != "ok").collect()),
        // A page that cannot be decrypted ends the check.
        Err(StoreError::Damaged { what }) => Ok(vec![what]),
        Err(other) => Err(other),
    }
}
