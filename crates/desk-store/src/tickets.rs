//! The ticket list: pages, counts, numbers.

use std::{cmp::Reverse, collections::BTreeSet};

use desk_api::view::{Counts, DueTicket, NextDue, TagCount, TicketFilter, TicketRow, TicketSort};
use desk_domain::{
    ids::{DocId, DocKind, ticket_number},
    time::UtcMillis,
};
use serde::Deserialize;
use sqlx::{AssertSqlSafe, Row, sqlite::SqliteRow};
use uuid::Uuid;

use crate::{
    Store, StoreError, bulk, codes,
    columns::{Among, Columns, Facts, REV, with_state},
    search,
};

/// What a list shows of a ticket and columns do not have, as a JSON array in the order of [`Rest`]; `t` is `tickets`,
/// `wanted` what says which. In SQLite each value of such an array takes about as long as to find the line.
///
/// A page comes as one value: handing every row from SQLite's thread to the caller's would take longer than reading it.
const REST: &str = "json_array(wanted.key, hex(t.id), t.title, t.requester, t.due_metric, t.conflicted, \
     EXISTS (SELECT 1 FROM outbox o WHERE o.doc = t.doc))";
/// What columns have, in the order of [`Stored`].
const FACTS: &str = "json_array(t.status, t.priority, t.category, t.assignee, t.team, json(t.tags), t.created_at, \
     t.updated_at, t.due_key)";

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
        let sql = with_state(&format!(
            "CASE {REV} WHEN ?1 THEN (SELECT json_group_array({REST}) FROM json_each(?2) wanted \
             JOIN tickets t ON t.doc = wanted.value) END"
        ));
        let (offset, limit) = (offset as usize, limit.min(PAGE_MAX) as usize);
        if filter.text.is_some() {
            self.settle_search().await?;
        }
        loop {
            let found = self.matches(filter).await?;
            let among = found.as_deref().map_or(Among::All, Among::These);
            let page = |columns: &Columns| {
                let wanted = columns.wanted(filter, now);
                wanted.map(|wanted| columns.page(&wanted, &among, sort, offset, limit)).unwrap_or_default()
            };
            let (rev, page) = self.columns(page).await?;
            let docs = bulk::json_numbers(page.iter().map(|(doc, _)| *doc));
            let mut held = self.quick_reader().await?;
            let query = sqlx::query(AssertSqlSafe(sql.as_str())).bind(rev).bind(docs);
            let row = query.fetch_one(held.conn()?).await?;
            if self.inner.lists.is_current(rev, &row)? {
                return rows(page, row.try_get(3)?);
            }
        }
    }

    /// How many tickets the filter finds; with a text at most 2,000.
    pub async fn count_tickets(&self, filter: &TicketFilter, now: UtcMillis) -> Result<u32, StoreError> {
        if filter.text.is_some() {
            self.settle_search().await?;
        }
        loop {
            let found = self.matches(filter).await?;
            let among = found.as_deref().map_or(Among::All, Among::These);
            let count = |columns: &Columns| {
                columns.wanted(filter, now).map_or(0, |wanted| columns.count(&wanted, &among))
            };
            let (rev, count) = self.columns(count).await?;
            if self.is_current(rev).await? {
                return Ok(u32::try_from(count).unwrap_or(u32::MAX));
            }
        }
    }

    /// The numbers beside the navigation's entries. `member`: the signed-in member's id as documents spell it.
    pub async fn counts(&self, member: &str, now: UtcMillis) -> Result<Counts, StoreError> {
        const OTHERS: &str = "(SELECT count(*) FROM incidents WHERE deleted = 0 AND is_over = 0), \
             (SELECT count(*) FROM articles WHERE deleted = 0 AND status IN ('published', 'draft'))";
        let sql = with_state(&format!(
            "{OTHERS}, t.id, t.number, t.title, t.due_metric, t.due_key \
             FROM (SELECT ?2 AS doc) next LEFT JOIN tickets t ON t.doc = next.doc"
        ));
        loop {
            let (rev, at_work) = self.columns(|columns| columns.at_work(member, now)).await?;
            let mut held = self.quick_reader().await?;
            let query = sqlx::query(AssertSqlSafe(sql.as_str())).bind(rev).bind(at_work.next);
            let row = query.fetch_one(held.conn()?).await?;
            if !self.inner.lists.is_current(rev, &row)? {
                continue;
            }
            let count = |index: usize| -> Result<u32, StoreError> {
                Ok(u32::try_from(row.try_get::<i64, _>(index)?).unwrap_or(u32::MAX))
            };
            return Ok(Counts {
                mine: at_work.mine,
                unassigned: at_work.unassigned,
                active: at_work.all,
                breached: at_work.breached,
                incidents: count(3)?,
                articles: count(4)?,
                next_due: at_work.next.map(|_| due_ticket(&row)).transpose()?,
            });
        }
    }

    /// The tags that tickets bear, the most used first, at most `limit`.
    pub async fn list_tags(&self, limit: u32) -> Result<Vec<TagCount>, StoreError> {
        let borne = |columns: &Columns| {
            let mut tags = columns.tags();
            tags.sort_unstable_by_key(|(tag, tickets)| (Reverse(*tickets), *tag));
            tags.truncate(limit as usize);
            let tags = tags.into_iter().map(|(tag, tickets)| TagCount { tag: tag.to_owned(), tickets });
            tags.collect::<Vec<_>>()
        };
        loop {
            let (rev, tags) = self.columns(borne).await?;
            if self.is_current(rev).await? {
                return Ok(tags);
            }
        }
    }

    /// Whether the store's lists are in this state; if not, the columns follow.
    async fn is_current(&self, rev: i64) -> Result<bool, StoreError> {
        let mut held = self.quick_reader().await?;
        let row = sqlx::query(AssertSqlSafe(with_state("NULL"))).bind(rev).fetch_one(held.conn()?).await?;
        self.inner.lists.is_current(rev, &row)
    }

    /// The row numbers of the newest tickets that the filter's text finds; `None` without a text that has words.
    async fn matches(&self, filter: &TicketFilter) -> Result<Option<Vec<i64>>, StoreError> {
        const SQL: &str = "SELECT json_group_array(d.doc) FROM \
             (SELECT rowid AS key FROM search WHERE search MATCH ? ORDER BY rowid LIMIT ? + 0) m \
             JOIN search_docs d ON d.key = m.key";
        let Some(text) = &filter.text else { return Ok(None) };
        let mut held = self.quick_reader().await?;
        let Some(query) = search::Query::new(held.conn()?, text, Some(DocKind::Ticket)).await? else {
            return Ok(None);
        };
        let query = sqlx::query_scalar(SQL).bind(query.expression()).bind(i64::from(search::MATCHES_MAX));
        let docs: String = query.fetch_one(held.conn()?).await?;
        codes::from_json(&docs).map(Some)
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
        const CREATED: &str = "SELECT id FROM tickets WHERE deleted = 0 AND created_at >= ? AND created_at < ? \
             ORDER BY id";
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
            "SELECT json_group_array(json_array({REST}, {FACTS})) FROM json_each(?) wanted \
             JOIN documents d ON d.id = unhex(wanted.value) JOIN tickets t ON t.doc = d.doc WHERE t.deleted = 0"
        ));
        let wanted = bulk::json_hex(ids.iter().map(|id| id.0.as_bytes().as_slice()));
        let mut held = self.quick_reader().await?;
        let found = sqlx::query(sql).bind(wanted).fetch_one(held.conn()?).await?;
        let lines: Vec<(Rest<'_>, Stored)> = codes::from_json(found.try_get(0)?)?;
        let rows = lines.into_iter().map(|(rest, stored)| rest.with(stored.try_into()?));
        let mut rows = rows.collect::<Result<Vec<_>, StoreError>>()?;
        rows.sort_unstable_by_key(|row| row.id);
        Ok(rows)
    }
}

/// A page, from what columns have of it and a JSON array of [`Rest`].
fn rows(page: Vec<(i64, Facts)>, rest: &str) -> Result<Vec<TicketRow>, StoreError> {
    let mut rest: Vec<Rest<'_>> = codes::from_json(rest)?;
    // Nothing says that they come like this, though they do.
    rest.sort_unstable_by_key(|rest| rest.0);
    let mut facts: Vec<Option<Facts>> = page.into_iter().map(|(_, facts)| Some(facts)).collect();
    let of_page = rest.into_iter().filter_map(|rest| Some((facts.get_mut(rest.0)?.take()?, rest)));
    of_page.map(|(facts, rest)| rest.with(facts)).collect()
}

/// From the row that [`Store::counts`] reads.
fn due_ticket(row: &SqliteRow) -> Result<DueTicket, StoreError> {
    Ok(DueTicket {
        id: codes::id_from(row.try_get(5)?)?,
        number: row.try_get(6)?,
        title: row.try_get(7)?,
        due: NextDue { metric: codes::word(row.try_get(8)?)?, due_at: UtcMillis(row.try_get(9)?) },
    })
}

/// [`REST`]: which one, id, title, requester, clock, whether it has concurrent values, whether it has unsent edits.
#[derive(Deserialize)]
struct Rest<'a>(usize, Uuid, String, Option<String>, Option<&'a str>, i64, i64);

impl Rest<'_> {
    fn with(self, facts: Facts) -> Result<TicketRow, StoreError> {
        let Self(_, id, title, requester, metric, conflicted, unsent) = self;
        let Facts { status, priority, category, assignee, team, tags, created_at, updated_at, due_key } =
            facts;
        let next_due = match (metric, codes::due_from(due_key)) {
            (Some(metric), Some(due_at)) => Some(NextDue { metric: codes::word(metric)?, due_at }),
            _ => None,
        };
        Ok(TicketRow {
            id: DocId(id),
            number: ticket_number(DocId(id)),
            title,
            status,
            priority,
            category,
            assignee,
            team,
            requester,
            tags,
            created_at,
            updated_at,
            next_due,
            conflicted: conflicted != 0,
            unsent: unsent != 0,
        })
    }
}

/// [`FACTS`].
#[derive(Deserialize)]
struct Stored(i64, i64, Option<String>, Option<String>, Option<String>, BTreeSet<String>, i64, i64, i64);

impl TryFrom<Stored> for Facts {
    type Error = StoreError;

    fn try_from(stored: Stored) -> Result<Self, StoreError> {
        let Stored(status, priority, category, assignee, team, tags, created, updated, due_key) = stored;
        Ok(Self {
            status: codes::status_from(status)?,
            priority: codes::priority_from(priority)?,
            category,
            assignee,
            team,
            tags,
            created_at: UtcMillis(created),
            updated_at: UtcMillis(updated),
            due_key,
        })
    }
}
