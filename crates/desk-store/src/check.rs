//! Whether the store is whole, for `desk doctor`.

use sqlx::{Row, SqliteConnection};

use crate::{Store, StoreError};

/// What a check found. Documents that are named in the lists of missing rows are repaired by
/// [`Store::replace_projection`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// What SQLite's `quick_check` says; empty when all is well.
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
    /// What FTS5 says about its own index; empty when all is well.
    pub index: Vec<String>,
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
        let mut held = self.slow_reader().await?;
        let conn = held.conn()?;
        let structure = messages(conn, "PRAGMA quick_check").await?;
        let pages = messages(conn, "PRAGMA cipher_integrity_check").await?;
        if !structure.is_empty() || !pages.is_empty() {
            // What a damaged file says about its rows is worth nothing.
            held.discard();
            return Ok(Health { structure, pages, ..Health::default() });
        }
        let dangling = sqlx::query("PRAGMA foreign_key_check").fetch_all(&mut *conn).await?.len();
        let row = sqlx::query(COUNTS).fetch_one(&mut *conn).await?;
        let count = |index: usize| -> Result<u64, StoreError> {
            Ok(u64::try_from(row.try_get::<i64, _>(index)?).unwrap_or(0))
        };
        let index = self.check_index().await?;
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

    /// FTS5 checks its index by a statement that counts as a write.
    async fn check_index(&self) -> Result<Vec<String>, StoreError> {
        if self.is_read_only() {
            return Ok(Vec::new());
        }
        let mut held = self.writer().await?;
        let checked =
            sqlx::query("INSERT INTO search (search) VALUES ('integrity-check')").execute(held.conn()?).await;
        match checked.map_err(StoreError::from) {
            Ok(_) => Ok(Vec::new()),
            Err(StoreError::Damaged { what }) => Ok(vec![what]),
            Err(other) => Err(other),
        }
    }

    /// Empties the search index. The caller then hands every document to [`Store::replace_projection`], the newest
    /// first; lists work meanwhile.
    pub async fn rebuild_search(&self) -> Result<(), StoreError> {
        let mut held = self.writer().await?;
        let conn = held.conn()?;
        let mut transaction = sqlx::Connection::begin_with(conn, "BEGIN IMMEDIATE").await?;
        for sql in ["INSERT INTO search (search) VALUES ('delete-all')", "DELETE FROM search_docs"] {
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
