//! Many rows in few statements: every statement of sqlx costs a trip to the connection's thread, which is more than the
//! insertion of a row.

use sqlx::{AssertSqlSafe, Sqlite, SqliteConnection, query::Query, sqlite::SqliteArguments};

use crate::StoreError;

/// Rows per statement, largest first; few sizes, so that the prepared statements stay in the connection's cache.
const MANY: &[usize] = &[256, 64, 8, 4, 2, 1];

pub(crate) type Bound = Query<'static, Sqlite, SqliteArguments>;

/// An `INSERT` of rows: `head` up to and including `VALUES`, then `columns` values a row, then `tail`.
pub(crate) struct Insert {
    pub(crate) head: &'static str,
    pub(crate) columns: usize,
    pub(crate) tail: &'static str,
}

impl Insert {
    /// Inserts all rows; `bind` binds one row's values in order.
    pub(crate) async fn run<T>(
        &self,
        conn: &mut SqliteConnection,
        mut rows: &[T],
        bind: impl Fn(Bound, &T) -> Bound,
    ) -> Result<(), StoreError> {
        for &size in MANY {
            if rows.len() < size {
                continue;
            }
            let sql = self.sql(size);
            while rows.len() >= size {
                let (chunk, rest) = rows.split_at(size);
                // Only the constants above and question marks.
                let mut query = sqlx::query(AssertSqlSafe(sql.clone()));
                for row in chunk {
                    query = bind(query, row);
                }
                query.execute(&mut *conn).await?;
                rows = rest;
            }
        }
        Ok(())
    }

    fn sql(&self, rows: usize) -> String {
        let row = format!("({})", vec!["?"; self.columns].join(","));
        format!("{} {} {}", self.head, vec![row; rows].join(","), self.tail)
    }
}

/// Row numbers as a JSON array, for `IN (SELECT value FROM json_each(?))`.
pub(crate) fn json_numbers(numbers: impl IntoIterator<Item = i64>) -> String {
    let texts: Vec<String> = numbers.into_iter().map(|number| number.to_string()).collect();
    format!("[{}]", texts.join(","))
}

/// Bytes as a JSON array of hexadecimal strings, for `unhex(value)` over `json_each(?)`.
pub(crate) fn json_hex<'a>(values: impl IntoIterator<Item = &'a [u8]>) -> String {
    let texts: Vec<String> = values.into_iter().map(|value| format!("\"{}\"", hex::encode(value))).collect();
    format!("[{}]", texts.join(","))
}
