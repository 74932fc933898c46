//! Indexes that a new device gets after it is usable: what reads them is right without them, and quick enough for the moment.

use sqlx::{AssertSqlSafe, Connection, SqliteConnection};

use crate::{
    Batch, Store, StoreError,
    bulk::Script,
    codes,
    commit::{facts, finish},
};

/// Stands in `meta` while indexes are to be made: their statements, as JSON.
const LATER: &str = "indexes.later";
/// Those that can wait: for going through all documents of a kind, and for numbers that are typed.
const MADE_LATER: [&str; 2] = ["documents_by_kind", "tickets_by_number"];

/// Makes the indexes of these statements, which are from our own schema, but for those that can wait: they are noted.
pub(crate) async fn make_urgent(
    conn: &mut SqliteConnection,
    statements: Vec<String>,
) -> Result<(), StoreError> {
    let (later, now): (Vec<String>, Vec<String>) =
        statements.into_iter().partition(|statement| can_wait(statement));
    for statement in now {
        sqlx::query(AssertSqlSafe(statement)).execute(&mut *conn).await?;
    }
    note(conn, &later).await
}

/// How many are still to be made.
pub(crate) async fn missing(conn: &mut SqliteConnection) -> Result<u64, StoreError> {
    let missing = later(conn).await?;
    Ok(u64::try_from(missing.len()).unwrap_or(u64::MAX))
}

impl Store {
    /// Makes one of those that are missing, in one transaction; `false` when there is none.
    pub(crate) async fn make_missing_index(&self) -> Result<bool, StoreError> {
        let mut held = self.writer().await?;
        let made = make_one(held.conn()?).await;
        finish(held, made)
    }
}

async fn make_one(conn: &mut SqliteConnection) -> Result<bool, StoreError> {
    if later(conn).await?.is_empty() {
        return Ok(false);
    }
    let mut transaction = conn.begin_with("BEGIN IMMEDIATE").await?;
    let mut left = later(&mut transaction).await?;
    if left.is_empty() {
        return Ok(false);
    }
    let statement = left.remove(0);
    sqlx::query(AssertSqlSafe(statement)).execute(&mut *transaction).await?;
    note(&mut transaction, &left).await?;
    transaction.commit().await?;
    Ok(true)
}

async fn later(conn: &mut SqliteConnection) -> Result<Vec<String>, StoreError> {
    let noted: Option<Vec<u8>> =
        sqlx::query_scalar("SELECT value FROM meta WHERE key = ?").bind(LATER).fetch_optional(conn).await?;
    let Some(noted) = noted else { return Ok(Vec::new()) };
    serde_json::from_slice(&noted).map_err(|_| StoreError::unreadable("the indexes that are to be made"))
}

async fn note(conn: &mut SqliteConnection, statements: &[String]) -> Result<(), StoreError> {
    let meta = if statements.is_empty() { None } else { Some(codes::to_json(&statements)?.into_bytes()) };
    let mut script = Script::new(conn);
    facts(&mut script, &Batch { meta: vec![(LATER.to_owned(), meta)], ..Batch::default() }).await?;
    script.flush().await
}

/// By the name in `CREATE INDEX name ON …`.
fn can_wait(statement: &str) -> bool {
    let name = statement.split_whitespace().nth(2).unwrap_or_default();
    MADE_LATER.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lists_and_edits_need_does_not_wait() {
        let check = |statement: &str, waits: bool| assert_eq!(can_wait(statement), waits, "{statement}");
        check("CREATE INDEX documents_by_kind ON documents (kind, id)", true);
        check("CREATE INDEX tickets_by_number\n    ON tickets (number)", true);
        check("CREATE INDEX documents_by_block ON documents (block)", false);
        check("CREATE INDEX sources_by_doc ON sources (doc)", false);
    }
}
