//! Edits that the server refused, until their author deals with them.

use desk_api::view::RejectedEdit;
use desk_domain::{ids::DocId, time::UtcMillis};
use sqlx::{Row, sqlite::SqliteRow};

use crate::{Hash32, Store, StoreError, codes};

/// A refused edit with the change's bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct RejectedChange {
    /// What lists show.
    pub edit: RejectedEdit,
    /// The document.
    pub doc: DocId,
    /// The change's hash.
    pub hash: Hash32,
    /// The Automerge change.
    pub bytes: Vec<u8>,
}

/// How long a discarded edit can be restored: a month.
const DISCARDED_KEPT_MS: i64 = 30 * 24 * 3_600_000;

const COLUMNS_AND_TABLE: &str = "SELECT id, subject, kind, edit, code, reason, edited_at, rejected_at, doc, hash, bytes \
     FROM rejected";

impl Store {
    /// All refused edits, the newest first.
    pub async fn rejected(&self) -> Result<Vec<RejectedEdit>, StoreError> {
        const SQL: &str = "SELECT id, subject, kind, edit, code, reason, edited_at, rejected_at FROM rejected \
             WHERE discarded_at IS NULL ORDER BY rejected_at DESC, id DESC";
        let mut held = self.quick_reader().await?;
        let rows = sqlx::query(SQL).fetch_all(held.conn()?).await?;
        rows.iter().map(edit).collect()
    }

    /// One refused edit, whole; `None` when there is none of that number.
    pub async fn rejected_change(&self, id: i64) -> Result<Option<RejectedChange>, StoreError> {
        let mut held = self.quick_reader().await?;
        let sql = sqlx::AssertSqlSafe(format!("{COLUMNS_AND_TABLE} WHERE id = ? AND discarded_at IS NULL"));
        let row = sqlx::query(sql).bind(id).fetch_optional(held.conn()?).await?;
        row.map(|row| {
            Ok(RejectedChange {
                edit: edit(&row)?,
                doc: codes::id_from(row.try_get(8)?)?,
                hash: row
                    .try_get::<Vec<u8>, _>(9)?
                    .try_into()
                    .map_err(|_| StoreError::unreadable("a change's hash"))?,
                bytes: row.try_get(10)?,
            })
        })
        .transpose()
    }

    /// How many refused edits nobody has dealt with.
    pub async fn rejected_len(&self) -> Result<u32, StoreError> {
        const SQL: &str = "SELECT count(*) FROM rejected WHERE discarded_at IS NULL";
        let mut held = self.quick_reader().await?;
        let count: i64 = sqlx::query_scalar(SQL).fetch_one(held.conn()?).await?;
        Ok(u32::try_from(count).unwrap_or(u32::MAX))
    }

    /// Takes a refused edit off the list; `false` when there was none of that number. It can be restored until another
    /// one is discarded [`DISCARDED_KEPT_MS`] later.
    pub async fn discard_rejected(&self, id: i64, now: UtcMillis) -> Result<bool, StoreError> {
        const FORGET: &str = "DELETE FROM rejected WHERE discarded_at < ?";
        const DISCARD: &str = "UPDATE rejected SET discarded_at = ? WHERE id = ? AND discarded_at IS NULL";
        let mut held = self.writer().await?;
        sqlx::query(FORGET).bind(now.plus_ms(-DISCARDED_KEPT_MS).0).execute(held.conn()?).await?;
        let done = sqlx::query(DISCARD).bind(now.0).bind(id).execute(held.conn()?).await?;
        Ok(done.rows_affected() > 0)
    }

    /// Puts a discarded edit back on the list; `false` when there is none of that number any more.
    pub async fn restore_rejected(&self, id: i64) -> Result<bool, StoreError> {
        const RESTORE: &str = "UPDATE rejected SET discarded_at = NULL WHERE id = ?";
        let mut held = self.writer().await?;
        let done = sqlx::query(RESTORE).bind(id).execute(held.conn()?).await?;
        Ok(done.rows_affected() > 0)
    }
}

fn edit(row: &SqliteRow) -> Result<RejectedEdit, StoreError> {
    Ok(RejectedEdit {
        id: row.try_get(0)?,
        subject: row.try_get(1)?,
        kind: codes::kind_from(row.try_get(2)?)?,
        edit: codes::from_json(row.try_get(3)?)?,
        code: row.try_get(4)?,
        reason: row.try_get(5)?,
        edited_at: UtcMillis(row.try_get(6)?),
        rejected_at: UtcMillis(row.try_get(7)?),
    })
}
