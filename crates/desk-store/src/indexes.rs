//! Indexes of lists that a new device gets after it is usable: lists are right without them, and quick enough for the
//! moment, while making them all takes about as long as writing the rows.

use std::sync::atomic::Ordering;

use sqlx::{AssertSqlSafe, Connection, SqliteConnection};

use crate::{
    Batch, Store, StoreError,
    bulk::Script,
    codes,
    commit::{facts, finish},
};

/// Stands in `meta` while indexes are to be made: their statements, as JSON.
const LATER: &str = "indexes.later";
/// How their names begin: lists of a second facet, and the rarer orders.
const MADE_LATER: [&str; 8] = [
    "documents_by_kind",
    "tickets_assignee_by_created",
    "tickets_assignee_by_priority",
    "tickets_assignee_by_due",
    "tickets_team_",
    "tickets_category_",
    "tickets_grid_",
    "ticket_tags_by_",
];

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
    /// Looks whether lists have to do without indexes.
    pub(crate) async fn notice_missing_indexes(&self) -> Result<(), StoreError> {
        let missing = missing(self.slow_reader().await?.conn()?).await?;
        self.inner.has_all_indexes.store(missing == 0, Ordering::Release);
        Ok(())
    }

    /// Makes one of those that are missing, in one transaction; `false` when there is none.
    pub(crate) async fn make_missing_index(&self) -> Result<bool, StoreError> {
        let mut held = self.writer().await?;
        let made = make_one(held.conn()?).await;
        let made = finish(held, made)?;
        if !made {
            self.inner.has_all_indexes.store(true, Ordering::Release);
        }
        Ok(made)
    }

    /// Lists may name the index that they walk.
    pub(crate) fn has_all_indexes(&self) -> bool {
        self.inner.has_all_indexes.load(Ordering::Acquire)
    }
}

async fn make_one(conn: &mut SqliteConnection) -> Result<bool, StoreError> {
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
    MADE_LATER.iter().any(|beginning| name.starts_with(beginning))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_lists_do_not_wait() {
        let check = |statement: &str, waits: bool| assert_eq!(can_wait(statement), waits, "{statement}");
        check("CREATE INDEX tickets_by_updated           ON tickets\n    (done, updated_at)", false);
        check("CREATE INDEX tickets_assignee_by_updated  ON tickets (assignee)", false);
        check("CREATE INDEX ticket_tags_of_doc      ON ticket_tags (doc)", false);
        check("CREATE INDEX ticket_tags_by_due      ON ticket_tags (tag)", true);
        check("CREATE INDEX tickets_team_by_updated      ON tickets (team)", true);
    }
}
