//! The ticket list: pages, counts, numbers.

mod list_sql;

use std::collections::BTreeSet;

use desk_api::view::{Counts, DueTicket, NextDue, TagCount, TicketFilter, TicketRow, TicketSort};
use desk_domain::{
    ids::{DocId, DocKind, ticket_number},
    time::UtcMillis,
};
use serde::Deserialize;
use sqlx::{AssertSqlSafe, Row, SqliteConnection, sqlite::SqliteRow};
use uuid::Uuid;

use crate::{Store, StoreError, bulk, codes, search};
use list_sql::{LINE, ListSql};

/// Most rows of one page.
const PAGE_MAX: u32 = 500;

/// Which tickets are to be gone through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TicketIds {
    /// Those created at or after `from` and before `to`.
    Created {
        /// The first instant.
        from: UtcMillis,
        /// The first instant after it.
        to: UtcMillis,
    },
    /// Those that are not resolved, closed or cancelled: no clock of another one runs.
    AtWork,
}

impl Store {
    /// A piece of the list: at most `limit` rows (500 at most) from place `offset` on. Deleted tickets are in no list.
    ///
    /// Equal in what is sorted by, the ticket that came to this device later stands first (by due time: last). With
    /// `filter.text`, the newest 2,000 tickets that the text finds are filtered and sorted; a text without letters and
    /// digits filters nothing. `now` says which clocks ran out.
    pub async fn list_tickets(
        &self,
        filter: &TicketFilter,
        sort: TicketSort,
        offset: u32,
        limit: u32,
        now: UtcMillis,
    ) -> Result<Vec<TicketRow>, StoreError> {
        if filter.text.is_some() {
            self.settle_search().await?;
        }
        let mut held = self.quick_reader().await?;
        let text = text_query(held.conn()?, filter).await?;
        let Some(sql) = ListSql::new(filter, text, self.has_all_indexes()) else {
            return Ok(Vec::new());
        };
        let mut query = sqlx::query(AssertSqlSafe(sql.page(sort)));
        query = sql.bind(query, now);
        query = query.bind(i64::from(limit.min(PAGE_MAX))).bind(i64::from(offset));
        lines(query.fetch_one(held.conn()?).await?.try_get(0)?)
    }

    /// How many tickets the filter finds; with a text at most 2,000.
    pub async fn count_tickets(&self, filter: &TicketFilter, now: UtcMillis) -> Result<u32, StoreError> {
        if filter.text.is_some() {
            self.settle_search().await?;
        }
        let mut held = self.quick_reader().await?;
        let text = text_query(held.conn()?, filter).await?;
        let Some(sql) = ListSql::new(filter, text, self.has_all_indexes()) else {
            return Ok(0);
        };
        let query = sql.bind(sqlx::query(AssertSqlSafe(sql.count())), now);
        let count: i64 = query.fetch_one(held.conn()?).await?.try_get(0)?;
        Ok(u32::try_from(count).unwrap_or(u32::MAX))
    }

    /// The numbers beside the navigation's entries. `member`: the signed-in member's id as documents spell it.
    pub async fn counts(&self, member: &str, now: UtcMillis) -> Result<Counts, StoreError> {
        const SQL: &str = include_str!("tickets/counts.sql");
        const NEXT: &str = "SELECT id, number, title, due_metric, due_key FROM tickets \
             WHERE deleted = 0 AND done = 0 AND due_key > ? AND due_metric IS NOT NULL \
             ORDER BY due_key, doc LIMIT 1";
        let mut held = self.quick_reader().await?;
        let row = sqlx::query(SQL).bind(member).bind(now.0).fetch_one(held.conn()?).await?;
        let next = sqlx::query(NEXT).bind(now.0).fetch_optional(held.conn()?).await?;
        let count = |index: usize| -> Result<u32, StoreError> {
            Ok(u32::try_from(row.try_get::<i64, _>(index)?).unwrap_or(u32::MAX))
        };
        Ok(Counts {
            mine: count(0)?,
            unassigned: count(1)?,
            active: count(2)?,
            breached: count(3)?,
            incidents: count(4)?,
            articles: count(5)?,
            next_due: next.as_ref().map(due_ticket).transpose()?,
        })
    }

    /// The tags that tickets bear, the most used first, at most `limit`.
    pub async fn list_tags(&self, limit: u32) -> Result<Vec<TagCount>, StoreError> {
        const SQL: &str = "SELECT tag, count(*) AS tickets FROM ticket_tags GROUP BY tag \
             ORDER BY tickets DESC, tag LIMIT ? + 0";
        let mut held = self.quick_reader().await?;
        let rows = sqlx::query(SQL).bind(i64::from(limit)).fetch_all(held.conn()?).await?;
        let tag = |row: &SqliteRow| {
            let tickets = u32::try_from(row.try_get::<i64, _>(1)?).unwrap_or(u32::MAX);
            Ok(TagCount { tag: row.try_get(0)?, tickets })
        };
        rows.iter().map(tag).collect()
    }

    /// The tickets of that number (`TK-XXXXXXXX`), deleted ones included; more than one only by chance.
    pub async fn ticket_by_number(&self, number: &str) -> Result<Vec<DocId>, StoreError> {
        let mut held = self.quick_reader().await?;
        let ids: Vec<Vec<u8>> = sqlx::query_scalar("SELECT id FROM tickets WHERE number = ? ORDER BY id")
            .bind(number)
            .fetch_all(held.conn()?)
            .await?;
        ids.iter().map(|id| codes::id_from(id)).collect()
    }

    /// Which tickets, in the order of their ids: documents that stand together are read together in it. Deleted ones are
    /// not among them.
    pub async fn ticket_ids(&self, which: TicketIds) -> Result<Vec<DocId>, StoreError> {
        const CREATED: &str = "SELECT id FROM tickets WHERE deleted = 0 AND done IN (0, 1) \
             AND created_at >= ? AND created_at < ? ORDER BY id";
        const AT_WORK: &str = "SELECT id FROM tickets WHERE deleted = 0 AND done = 0 ORDER BY id";
        let query = match which {
            TicketIds::Created { from, to } => sqlx::query_scalar(CREATED).bind(from.0).bind(to.0),
            TicketIds::AtWork => sqlx::query_scalar(AT_WORK),
        };
        let mut held = self.slow_reader().await?;
        let ids: Vec<Vec<u8>> = query.fetch_all(held.conn()?).await?;
        ids.iter().map(|id| codes::id_from(id)).collect()
    }

    /// The lines of these tickets, in the order of their ids, without those that are deleted or not here.
    pub async fn ticket_rows(&self, ids: &[DocId]) -> Result<Vec<TicketRow>, StoreError> {
        let sql = AssertSqlSafe(format!(
            "SELECT json_group_array({LINE} ORDER BY t.id) FROM json_each(?) j \
             JOIN documents d ON d.id = unhex(j.value) JOIN tickets t ON t.doc = d.doc WHERE t.deleted = 0"
        ));
        let wanted = bulk::json_hex(ids.iter().map(|id| id.0.as_bytes().as_slice()));
        let mut held = self.quick_reader().await?;
        lines(sqlx::query(sql).bind(wanted).fetch_one(held.conn()?).await?.try_get(0)?)
    }
}

async fn text_query(
    conn: &mut SqliteConnection,
    filter: &TicketFilter,
) -> Result<Option<search::Query>, StoreError> {
    match &filter.text {
        Some(text) => search::Query::new(conn, text, Some(DocKind::Ticket)).await,
        None => Ok(None),
    }
}

fn due_ticket(row: &SqliteRow) -> Result<DueTicket, StoreError> {
    Ok(DueTicket {
        id: codes::id_from(row.try_get(0)?)?,
        number: row.try_get(1)?,
        title: row.try_get(2)?,
        due: NextDue { metric: codes::word(row.try_get(3)?)?, due_at: UtcMillis(row.try_get(4)?) },
    })
}

/// A line of the list as [`list_sql::LINE`] has it.
#[derive(Deserialize)]
struct Line(
    Uuid,
    String,
    i64,
    i64,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
    BTreeSet<String>,
    i64,
    i64,
    i64,
    Option<String>,
    i64,
    i64,
);

/// Reads a page.
fn lines(json: &str) -> Result<Vec<TicketRow>, StoreError> {
    let lines: Vec<Line> = codes::from_json(json)?;
    lines.into_iter().map(ticket_row).collect()
}

fn ticket_row(line: Line) -> Result<TicketRow, StoreError> {
    let Line(
        id,
        title,
        status,
        priority,
        category,
        assignee,
        team,
        requester,
        tags,
        created,
        updated,
        due,
        metric,
        conflicted,
        unsent,
    ) = line;
    let next_due = match (metric, codes::due_from(due)) {
        (Some(metric), Some(due_at)) => Some(NextDue { metric: codes::word(&metric)?, due_at }),
        _ => None,
    };
    Ok(TicketRow {
        id: DocId(id),
        number: ticket_number(DocId(id)),
        title,
        status: codes::status_from(status)?,
        priority: codes::priority_from(priority)?,
        category,
        assignee,
        team,
        requester,
        tags,
        created_at: UtcMillis(created),
        updated_at: UtcMillis(updated),
        next_due,
        conflicted: conflicted != 0,
        unsent: unsent != 0,
    })
}
