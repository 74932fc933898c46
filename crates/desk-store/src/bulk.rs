//! Few trips to the connection's thread: each costs more than most statements do, and far more than the insertion of a row.
//! So many rows go in one statement, and many statements go together.

use sqlx::{
    Arguments, AssertSqlSafe, Encode, Sqlite, SqliteConnection, Type, error::BoxDynError,
    sqlite::SqliteArguments,
};

use crate::StoreError;

/// Rows per statement, largest first; few sizes, so that the prepared statements stay in the connection's cache.
const MANY: &[usize] = &[256, 64, 8, 4, 2, 1];
/// Statements with so many values together make a trip of their own: put together with others they would hardly ever be put
/// together the same way twice, and be prepared anew each time.
const TRIP_VALUES: usize = 256;

/// Statements that go to the connection's thread together, in the order in which they are added; each takes the next
/// values.
pub(crate) struct Script<'c> {
    conn: &'c mut SqliteConnection,
    sql: String,
    values: Values,
}

/// Values for the question marks of statements, in order.
#[derive(Default)]
pub(crate) struct Values {
    arguments: SqliteArguments,
    number: usize,
    problem: Option<BoxDynError>,
}

impl Values {
    /// Adds a value.
    pub(crate) fn bind<'v, T: Encode<'v, Sqlite> + Type<Sqlite>>(mut self, value: T) -> Self {
        self.number += 1;
        if let Err(problem) = self.arguments.add(value) {
            self.problem = Some(problem);
        }
        self
    }
}

impl<'c> Script<'c> {
    /// No statements yet.
    pub(crate) fn new(conn: &'c mut SqliteConnection) -> Self {
        Self { conn, sql: String::new(), values: Values::default() }
    }

    /// Adds a statement with plain question marks; `bind` binds their values.
    pub(crate) async fn add(
        &mut self,
        sql: &str,
        bind: impl FnOnce(Values) -> Values,
    ) -> Result<(), StoreError> {
        if self.values.number >= TRIP_VALUES {
            self.flush().await?;
        }
        if !self.sql.is_empty() {
            self.sql.push_str("; ");
        }
        self.sql.push_str(sql);
        self.values = bind(std::mem::take(&mut self.values));
        Ok(())
    }

    /// Runs what was added.
    pub(crate) async fn flush(&mut self) -> Result<(), StoreError> {
        if self.sql.is_empty() {
            return Ok(());
        }
        let Values { arguments, number: _, problem } = std::mem::take(&mut self.values);
        if let Some(problem) = problem {
            return Err(StoreError::Sql(sqlx::Error::Encode(problem)));
        }
        // Only this crate's constants and question marks.
        let sql = AssertSqlSafe(std::mem::take(&mut self.sql));
        sqlx::query_with(sql, arguments).execute(&mut *self.conn).await?;
        Ok(())
    }

    /// Runs what was added and gives the connection, for statements whose answer counts.
    pub(crate) async fn conn(&mut self) -> Result<&mut SqliteConnection, StoreError> {
        self.flush().await?;
        Ok(self.conn)
    }
}

/// An `INSERT` of rows: `head` up to and including `VALUES`, then `columns` values a row, then `tail`.
pub(crate) struct Insert {
    pub(crate) head: &'static str,
    pub(crate) columns: usize,
    pub(crate) tail: &'static str,
}

impl Insert {
    /// Adds the insertion of all rows; `bind` binds one row's values in order.
    pub(crate) async fn add<T>(
        &self,
        script: &mut Script<'_>,
        mut rows: &[T],
        bind: impl Fn(Values, &T) -> Values,
    ) -> Result<(), StoreError> {
        for &size in MANY {
            if rows.len() < size {
                continue;
            }
            let sql = self.sql(size);
            while rows.len() >= size {
                let (chunk, rest) = rows.split_at(size);
                if size * self.columns >= TRIP_VALUES {
                    script.flush().await?;
                }
                script.add(&sql, |values| chunk.iter().fold(values, &bind)).await?;
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
