//! Bringing the columns to the state of the store.

use std::{borrow::Cow, sync::PoisonError};

use serde::Deserialize;
use sqlx::{Connection, Row, SqliteConnection};

use super::{Columns, Line, Lists, cell, stored};
use crate::{Store, StoreError, codes};

/// The state of the store's lists; to be read together with their lines.
pub(crate) const REV: &str = "(SELECT coalesce(max(rev), 0) FROM ticket_changes)";

/// A line but for its row number, in the order of [`Record`].
const FACTS: &str = "status, priority, created_at, updated_at, due_key, assignee, team, category, tags";
/// Lines or changes that take about as long to read as the stored columns.
const MANY: i64 = 2_048;
/// Lines that are read together: handing over every single one would take longer than reading it.
const TOGETHER: i64 = 4_096;

/// A row number and [`FACTS`], which are missing of a line that went.
#[derive(Deserialize)]
struct Record<'a>(
    i64,
    Option<i64>,
    Option<i64>,
    Option<i64>,
    Option<i64>,
    Option<i64>,
    #[serde(borrow)] Option<Cow<'a, str>>,
    #[serde(borrow)] Option<Cow<'a, str>>,
    #[serde(borrow)] Option<Cow<'a, str>>,
    #[serde(borrow)] Option<Cow<'a, str>>,
);

impl Store {
    /// Reads what lists need into memory, if it is not there: for the start, so that the first list need not wait for it.
    /// Where nobody has stored it lately ([`stored`]) it takes some seconds for a million tickets, and is stored then.
    pub async fn prepare_lists(&self) -> Result<(), StoreError> {
        let had_to_read_much = {
            // Before the turn: see `Lists::reading`.
            let mut held = self.slow_reader().await?;
            let _turn = self.inner.lists.reading.lock().await;
            if self.inner.lists.look(|_| ()).is_some() {
                return Ok(());
            }
            let (columns, had_to_read_much) = load(held.conn()?).await?;
            self.inner.lists.replace(Some(columns));
            had_to_read_much
        };
        if had_to_read_much && !self.is_read_only() {
            self.store_columns().await;
        }
        Ok(())
    }

    /// Gives what `work` makes of the columns, with their state. They are those of some moment: whoever reads lines
    /// compares the state with [`REV`] and, when it is another one, calls [`Store::follow`] and begins anew.
    pub(crate) async fn columns<T>(
        &self,
        mut work: impl FnMut(&Columns) -> T,
    ) -> Result<(i64, T), StoreError> {
        loop {
            if let Some(found) = self.inner.lists.look(|columns| (columns.rev, work(columns))) {
                return Ok(found);
            }
            self.prepare_lists().await?;
        }
    }

    /// Reads what was written since the columns' state.
    pub(crate) async fn follow(&self, conn: &mut SqliteConnection) -> Result<(), StoreError> {
        let lists = &self.inner.lists;
        let _turn = lists.reading.lock().await;
        let Some(rev) = lists.look(Columns::rev) else { return Ok(()) };
        let Some(since) = Since::read(conn, rev).await? else {
            // Too much for this connection.
            lists.replace(None);
            return Ok(());
        };
        lists.change(|columns| columns.follow(&since))
    }
}

/// What was written since a state.
struct Since {
    rev: i64,
    records: String,
}

impl Since {
    /// `None`: that was forgotten.
    async fn read(conn: &mut SqliteConnection, rev: i64) -> Result<Option<Self>, StoreError> {
        let sql = format!(
            "SELECT coalesce(min(rev), 1) <= ? + 1, {REV}, \
             (SELECT json_group_array(json_array(c.doc, {FACTS})) FROM \
             (SELECT DISTINCT doc FROM ticket_changes WHERE rev > ?) c \
             LEFT JOIN tickets t ON t.doc = c.doc AND t.deleted = 0) \
             FROM ticket_changes"
        );
        let row = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(rev).bind(rev).fetch_one(conn).await?;
        let is_whole: bool = row.try_get(0)?;
        let since = Self { rev: row.try_get(1)?, records: row.try_get(2)? };
        Ok((is_whole && since.rev >= rev).then_some(since))
    }
}

/// The columns, and whether to get them took so long that they should be stored.
async fn load(conn: &mut SqliteConnection) -> Result<(Columns, bool), StoreError> {
    let mut state = conn.begin().await?;
    if let Some(mut columns) = stored::load(&mut state).await?
        && let Some(since) = Since::read(&mut state, columns.rev).await?
    {
        let changes = since.rev - columns.rev;
        columns.follow(&since)?;
        return Ok((columns, changes > MANY));
    }
    let columns = everything(&mut state).await?;
    // A few lines are as soon read.
    let are_many = columns.docs.len() as u64 > MANY.unsigned_abs();
    Ok((columns, are_many))
}

/// Reads all lines.
async fn everything(state: &mut SqliteConnection) -> Result<Columns, StoreError> {
    let sql = format!(
        "SELECT max(doc), json_group_array(json_array(doc, {FACTS})) FROM \
         (SELECT doc, {FACTS} FROM tickets WHERE doc > ? AND deleted = 0 ORDER BY doc LIMIT {TOGETHER})"
    );
    let rev: i64 =
        sqlx::query_scalar(sqlx::AssertSqlSafe(format!("SELECT {REV}"))).fetch_one(&mut *state).await?;
    let mut columns = Columns { rev, ..Columns::default() };
    let mut after = Some(i64::MIN);
    while let Some(doc) = after {
        let row = sqlx::query(sqlx::AssertSqlSafe(sql.as_str())).bind(doc).fetch_one(&mut *state).await?;
        columns.add(row.try_get(1)?)?;
        after = row.try_get(0)?;
    }
    Ok(columns)
}

impl Columns {
    /// Takes over what was written since.
    fn follow(&mut self, since: &Since) -> Result<(), StoreError> {
        self.add(&since.records)?;
        self.rev = since.rev;
        Ok(())
    }

    /// Adds lines, an array of [`Record`].
    fn add(&mut self, records: &str) -> Result<(), StoreError> {
        let records: Vec<Record<'_>> =
            serde_json::from_str(records).map_err(|error| StoreError::unreadable(error.to_string()))?;
        for record in &records {
            let Record(
                doc,
                status,
                priority,
                created_at,
                updated_at,
                due_key,
                assignee,
                team,
                category,
                tags,
            ) = record;
            let line = match (status, priority, created_at, updated_at, due_key, tags) {
                (
                    Some(status),
                    Some(priority),
                    Some(created_at),
                    Some(updated_at),
                    Some(due_key),
                    Some(tags),
                ) => Some(Line {
                    cell: cell(codes::status_from(*status)?, codes::priority_from(*priority)?),
                    created_at: *created_at,
                    updated_at: *updated_at,
                    due_key: *due_key,
                    assignee: assignee.as_deref(),
                    team: team.as_deref(),
                    category: category.as_deref(),
                    tags,
                }),
                _ => None,
            };
            self.set(*doc, line.as_ref())?;
        }
        Ok(())
    }
}

impl Lists {
    pub(super) fn look<T>(&self, work: impl FnOnce(&Columns) -> T) -> Option<T> {
        self.columns.read().unwrap_or_else(PoisonError::into_inner).as_ref().map(work)
    }

    /// Errors leave the columns half changed: they are read anew then.
    fn change(&self, work: impl FnOnce(&mut Columns) -> Result<(), StoreError>) -> Result<(), StoreError> {
        let mut columns = self.columns.write().unwrap_or_else(PoisonError::into_inner);
        let result = columns.as_mut().map_or(Ok(()), work);
        if result.is_err() {
            *columns = None;
        }
        result
    }

    /// Forgets the columns, or sets others: another file took the store's place, say.
    pub(crate) fn replace(&self, columns: Option<Columns>) {
        *self.columns.write().unwrap_or_else(PoisonError::into_inner) = columns;
    }
}
