//! The statements of the ticket list, put together from constants and the numbers of statuses and priorities.
//!
//! No single index serves every filter in every order. But one status and one priority at a time, within the facet
//! that the filter names (assignee, tag, category, team, in this order of preference), every order is a range of an
//! index. So a list is a merge of such ranges: `UNION ALL … ORDER BY … LIMIT`, which SQLite reads lazily, each range in
//! order, without sorting. What the index does not know (a second facet) is checked row by row. Only the row
//! numbers go through the merge; the lines themselves are read for the page alone.
//!
//! With a text the newest matches of the index are few enough to be filtered and sorted as they are.

use desk_api::view::{AssigneeFilter, TicketFilter, TicketSort};
use desk_domain::{
    ids::DocKind,
    ticket::{Priority, Status},
    time::UtcMillis,
};
use sqlx::{Sqlite, query::Query, sqlite::SqliteArguments};

use crate::{codes, search};

/// What a line shows; `t` is `tickets`.
pub(super) const COLUMNS: &str = "t.id, t.number, t.title, t.status, t.priority, t.category, t.assignee, t.team, t.requester, \
     t.tags, t.created_at, t.updated_at, t.due_key, t.due_metric, t.conflicted, \
     EXISTS (SELECT 1 FROM outbox o WHERE o.doc = t.doc)";

/// What the filter names first: it leads the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Facet {
    None,
    Assignee,
    Nobody,
    Tag,
    Category,
    Team,
}

/// The statements for one filter.
#[derive(Clone, Debug)]
pub(super) struct ListSql<'a> {
    filter: &'a TicketFilter,
    facet: Facet,
    statuses: Vec<Status>,
    priorities: Vec<Priority>,
    /// Its text, where that has words.
    text: Option<search::Query>,
}

// The bound values, numbered alike in every statement. Those that a filter does not name are bound as NULL.
const ASSIGNEE: &str = "?1";
const TEAM: &str = "?2";
const TAG: &str = "?3";
const CATEGORY: &str = "?4";
const TEXT: &str = "?5";
const NOW: &str = "?6";
const LIMIT: &str = "?7";
const OFFSET: &str = "?8";

impl<'a> ListSql<'a> {
    /// `None`: no ticket can fit.
    pub(super) fn new(filter: &'a TicketFilter) -> Option<Self> {
        let facet = match &filter.assignee {
            AssigneeFilter::Is(_) => Facet::Assignee,
            _ if filter.tag.is_some() => Facet::Tag,
            _ if filter.category.is_some() => Facet::Category,
            _ if filter.team.is_some() => Facet::Team,
            AssigneeFilter::Nobody => Facet::Nobody,
            AssigneeFilter::Anyone => Facet::None,
        };
        let mut statuses = filter.statuses.clone();
        statuses.sort_unstable();
        statuses.dedup();
        if filter.breached {
            // The clock of a ticket that is done no longer runs.
            let named = std::mem::take(&mut statuses);
            let active = Status::ALL.iter().copied().filter(|status| !status.is_done());
            statuses.extend(active.filter(|status| named.is_empty() || named.contains(status)));
            if statuses.is_empty() {
                return None;
            }
        }
        let mut priorities = filter.priorities.clone();
        priorities.sort_unstable();
        priorities.dedup();
        let text = filter.text.as_deref().and_then(|text| search::Query::new(text, Some(DocKind::Ticket)));
        Some(Self { filter, facet, statuses, priorities, text })
    }

    /// Binds what the statements refer to; the limit and the offset of a page are left to the caller.
    pub(super) fn bind<'q>(
        &self,
        query: Query<'q, Sqlite, SqliteArguments>,
        now: UtcMillis,
    ) -> Query<'q, Sqlite, SqliteArguments> {
        let filter = self.filter;
        let assignee = match &filter.assignee {
            AssigneeFilter::Is(who) => Some(who.as_str()),
            AssigneeFilter::Anyone | AssigneeFilter::Nobody => None,
        };
        query
            .bind(assignee)
            .bind(filter.team.as_deref())
            .bind(filter.tag.as_deref())
            .bind(filter.category.as_deref())
            .bind(self.text.as_ref().map(search::Query::anywhere))
            .bind(now.0)
    }

    /// A page, in order.
    pub(super) fn page(&self, sort: TicketSort) -> String {
        let order = Order::of(sort);
        let Order { inner, outer, .. } = order;
        if self.text.is_some() {
            let found = self.found();
            return format!("SELECT {COLUMNS} {found} ORDER BY {outer} LIMIT {LIMIT} OFFSET {OFFSET}");
        }
        let ranges = self.ranges(&order).join(" UNION ALL ");
        format!(
            "SELECT {COLUMNS} FROM ({ranges} ORDER BY {inner} LIMIT {LIMIT} OFFSET {OFFSET}) page \
             JOIN tickets t ON t.doc = page.doc ORDER BY {outer}"
        )
    }

    /// How many.
    pub(super) fn count(&self) -> String {
        if self.text.is_some() {
            return format!("SELECT count(*) {}", self.found());
        }
        let from = self.from("updated");
        let lists = self.lists(self.alias());
        format!("SELECT count(*) {from} {lists}")
    }

    /// The ranges, each in the order's direction.
    fn ranges(&self, order: &Order) -> Vec<String> {
        let alias = self.alias();
        let keys = order.keys.replace('@', alias);
        let select = format!("SELECT {alias}.doc AS doc, {keys}");
        // Without a facet, a status and a priority the order's own index is one range.
        if self.facet == Facet::None && self.statuses.is_empty() && self.priorities.is_empty() {
            let index = order.plain_index;
            let rest = self.rest();
            return vec![format!("{select} FROM tickets t INDEXED BY {index} WHERE t.deleted = 0 {rest}")];
        }
        let from = self.from(order.suffix);
        let mut ranges = Vec::new();
        for status in or_all(&self.statuses, Status::ALL) {
            for priority in or_all(&self.priorities, Priority::ALL) {
                let (status, priority) = (codes::status_code(*status), codes::priority_code(*priority));
                ranges.push(format!(
                    "{select} {from} AND {alias}.status = {status} AND {alias}.priority = {priority}"
                ));
            }
        }
        ranges
    }

    /// `FROM` and `WHERE` over the newest matches of the text.
    fn found(&self) -> String {
        let max = search::MATCHES_MAX;
        let (lists, rest) = (self.lists("t"), self.rest_without(Facet::None));
        let breached = if self.filter.breached { format!("AND t.due_key <= {NOW}") } else { String::new() };
        format!(
            "FROM (SELECT rowid AS key FROM search WHERE search MATCH {TEXT} ORDER BY rowid LIMIT {max}) m \
             JOIN search_docs d ON d.key = m.key JOIN tickets t ON t.doc = d.doc \
             WHERE t.deleted = 0 {lists} {breached} {rest}"
        )
    }

    /// The name under which ranges know the table that they read.
    fn alias(&self) -> &'static str {
        if self.facet == Facet::Tag { "g" } else { "t" }
    }

    /// `FROM` and `WHERE` up to status and priority. `suffix`: of the index whose order is wanted.
    fn from(&self, suffix: &str) -> String {
        // Few tickets are breached, and they stand together in the indexes by due time.
        let suffix = if self.filter.breached { "due" } else { suffix };
        let breached = if self.filter.breached {
            format!("AND {}.due_key <= {NOW}", self.alias())
        } else {
            String::new()
        };
        let rest = self.rest();
        let tickets = |family: &str, lead: &str| {
            format!(
                "FROM tickets t INDEXED BY {family}_{suffix} WHERE t.deleted = 0 {lead} {breached} {rest}"
            )
        };
        match self.facet {
            Facet::None => tickets("tickets_grid", ""),
            Facet::Assignee => tickets("tickets_assignee", &format!("AND t.assignee = {ASSIGNEE}")),
            Facet::Nobody => tickets("tickets_assignee", "AND t.assignee IS NULL"),
            Facet::Category => tickets("tickets_category", &format!("AND t.category = {CATEGORY}")),
            Facet::Team => tickets("tickets_team", &format!("AND t.team = {TEAM}")),
            Facet::Tag => {
                let join = if rest.is_empty() { "" } else { "JOIN tickets t ON t.doc = g.doc" };
                format!(
                    "FROM ticket_tags g INDEXED BY ticket_tags_{suffix} {join} WHERE g.tag = {TAG} {breached} {rest}"
                )
            }
        }
    }

    /// The conditions that the facet's index does not know.
    fn rest(&self) -> String {
        self.rest_without(self.facet)
    }

    fn rest_without(&self, facet: Facet) -> String {
        let mut rest: Vec<String> = Vec::new();
        if facet != Facet::Assignee && facet != Facet::Nobody {
            rest.extend(match self.filter.assignee {
                AssigneeFilter::Anyone => None,
                AssigneeFilter::Nobody => Some("AND t.assignee IS NULL".to_owned()),
                AssigneeFilter::Is(_) => Some(format!("AND t.assignee = {ASSIGNEE}")),
            });
        }
        if self.filter.team.is_some() && facet != Facet::Team {
            rest.push(format!("AND t.team = {TEAM}"));
        }
        if self.filter.category.is_some() && facet != Facet::Category {
            rest.push(format!("AND t.category = {CATEGORY}"));
        }
        if self.filter.tag.is_some() && facet != Facet::Tag {
            rest.push(format!(
                "AND EXISTS (SELECT 1 FROM ticket_tags x WHERE x.doc = t.doc AND x.tag = {TAG})"
            ));
        }
        rest.join(" ")
    }

    /// Status and priority as lists, for counting and for matches of a text.
    fn lists(&self, alias: &str) -> String {
        let codes = |codes: Vec<i64>| codes.iter().map(i64::to_string).collect::<Vec<_>>().join(", ");
        let mut lists = String::new();
        if !self.statuses.is_empty() || !self.priorities.is_empty() {
            // An index is read from its front: with a priority alone every status is named.
            let statuses = or_all(&self.statuses, Status::ALL).iter().copied().map(codes::status_code);
            lists = format!("AND {alias}.status IN ({})", codes(statuses.collect()));
        }
        if !self.priorities.is_empty() {
            let priorities = self.priorities.iter().copied().map(codes::priority_code);
            lists = format!("{lists} AND {alias}.priority IN ({})", codes(priorities.collect()));
        }
        lists
    }
}

fn or_all<'a, T>(named: &'a [T], all: &'a [T]) -> &'a [T] {
    if named.is_empty() { all } else { named }
}

/// An order of the list.
struct Order {
    /// What is sorted by, as columns of a range; `@` stands for its table.
    keys: &'static str,
    /// The order by those columns.
    inner: &'static str,
    /// The same order over `tickets t`.
    outer: &'static str,
    /// The last part of the names of the indexes that have it.
    suffix: &'static str,
    /// The index that has it for all tickets.
    plain_index: &'static str,
}

impl Order {
    fn of(sort: TicketSort) -> Self {
        match sort {
            TicketSort::Updated => Self {
                keys: "@.updated_at AS k",
                inner: "k DESC, doc DESC",
                outer: "t.updated_at DESC, t.doc DESC",
                suffix: "updated",
                plain_index: "tickets_updated",
            },
            TicketSort::Created => Self {
                keys: "@.created_at AS k",
                inner: "k DESC, doc DESC",
                outer: "t.created_at DESC, t.doc DESC",
                suffix: "created",
                plain_index: "tickets_created",
            },
            TicketSort::Priority => Self {
                keys: "@.priority AS p, @.updated_at AS k",
                inner: "p DESC, k DESC, doc DESC",
                outer: "t.priority DESC, t.updated_at DESC, t.doc DESC",
                suffix: "updated",
                plain_index: "tickets_priority",
            },
            TicketSort::Due => Self {
                keys: "@.due_key AS k",
                inner: "k, doc",
                outer: "t.due_key, t.doc",
                suffix: "due",
                plain_index: "tickets_due",
            },
        }
    }
}
