//! Bringing the columns to the state of the store.

use std::{borrow::Cow, sync::PoisonError};

use serde::Deserialize;
use sqlx::{AssertSqlSafe, Connection, Row, SqliteConnection, sqlite::SqliteRow};

use super::{Columns, Line, Lists, cell, stored};
use crate::{Store, StoreError, codes};

/// The state of the store's lists.
pub(crate) const REV: &str = "(SELECT coalesce(max(rev), 0) FROM ticket_changes)";

/// A query for what belongs to columns of the state `?1`: [`Lists::is_current`] says of its row whether that is the
/// store's. `what` comes behind three columns: the store's state and, where it is another one, what was written since.
pub(crate) fn with_state(what: &str) -> String {
    format!(
        "SELECT {REV}, (SELECT coalesce(min(rev), 1) <= ?1 + 1 FROM ticket_changes), \
         CASE {REV} WHEN ?1 THEN NULL ELSE (SELECT json_group_array(json_array(c.doc, {FACTS})) FROM \
         (SELECT DISTINCT doc FROM ticket_changes WHERE rev > ?1) c \
         LEFT JOIN tickets t ON t.doc = c.doc AND t.deleted = 0) END, {what}"
    )
}

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
    /// reads them [`with_state`] and begins anew when that is another one.
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
}

/// What was written since a state.
struct Since {
    rev: i64,
    records: Option<String>,
}

impl Since {
    async fn read(conn: &mut SqliteConnection, rev: i64) -> Result<Option<Self>, StoreError> {
        let row = sqlx::query(AssertSqlSafe(with_state("NULL"))).bind(rev).fetch_one(conn).await?;
        Self::of(&row, rev)
    }

    /// From a row of [`with_state`]; `None`: that was forgotten.
    fn of(row: &SqliteRow, rev: i64) -> Result<Option<Self>, StoreError> {
        let is_whole: bool = row.try_get(1)?;
        let since = Self { rev: row.try_get(0)?, records: row.try_get(2)? };
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
        if let Some(records) = &since.records {
            self.add(records)?;
        }
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

    /// Whether the store is in the state `rev` of the columns that were looked at, by a row of [`with_state`]. If not, they
    /// follow.
    pub(crate) fn is_current(&self, rev: i64, row: &SqliteRow) -> Result<bool, StoreError> {
        if row.try_get::<i64, _>(0)? == rev {
            return Ok(true);
        }
        let since = Since::of(row, rev)?;
        let mut columns = self.columns.write().unwrap_or_else(PoisonError::into_inner);
        // If not they: others set them, or they followed somebody else's row.
        if let Some(mut followed) = columns.take_if(|columns| columns.rev == rev)
            // Where too much was written, or following ends half way, they are read anew.
            && let Some(since) = since
        {
            followed.follow(&since)?;
            *columns = Some(followed);
        }
        Ok(false)
    }

    /// Forgets the columns, or sets others: another file took the store's place, say.
    pub(crate) fn replace(&self, columns: Option<Columns>) {
        *self.columns.write().unwrap_or_else(PoisonError::into_inner) = columns;
    }
}
