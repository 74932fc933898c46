//! The statements of the ticket list, put together from constants and the numbers of statuses and priorities.
//!
//! A list walks an index in the order that is wanted, within the facet that the filter names (assignee, tag, category,
//! team, in this order of preference) and within what is done or what is not, or both at once (`UNION ALL … ORDER BY …
//! LIMIT`, which SQLite reads lazily). Status, priority and due time stand in the index too, so that only the lines of the
//! page are read; of a second facet only some (nobody's; a category's team) do, the others are checked row by row.
//!
//! Such a walk may be long when few of all tickets fit. So, without a facet, a few combinations of status and priority are
//! ranges of their own, one each, which are merged.
//!
//! With a text the newest matches of the index are few enough to be filtered and sorted as they are.

use desk_api::view::{AssigneeFilter, TicketFilter, TicketSort};
use desk_domain::{
    ticket::{Priority, Status},
    time::UtcMillis,
};
use sqlx::{Sqlite, query::Query, sqlite::SqliteArguments};

use crate::{codes, search};

/// A line as a JSON array, in the order of [`super::Line`]; `t` is `tickets`.
///
/// A page comes as one value: handing every row from SQLite's thread to the caller's would take longer than reading it.
pub(super) const LINE: &str = "json_array(hex(t.id), t.title, t.status, t.priority, t.category, t.assignee, t.team, \
     t.requester, json(t.tags), t.created_at, t.updated_at, t.due_key, t.due_metric, t.conflicted, \
     EXISTS (SELECT 1 FROM outbox o WHERE o.doc = t.doc))";

/// Most combinations of status and priority that are merged; beyond that a walk is faster.
const CELLS_MAX: usize = 6;

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
    /// Every index is there that can be named.
    has_all_indexes: bool,
}

// The bound values, numbered alike in every statement. Those that a filter does not name are bound as NULL.
const ASSIGNEE: &str = "?1";
const TEAM: &str = "?2";
const TAG: &str = "?3";
const CATEGORY: &str = "?4";
const TEXT: &str = "?5";
const DUE_BY: &str = "?6";
// A bare parameter as the limit would make SQLite prepare the statement anew for every value, to plan for it.
const LIMIT: &str = "?7 + 0";
const OFFSET: &str = "?8 + 0";

impl<'a> ListSql<'a> {
    /// `text`: what to look for, if the filter's text has words. `has_all_indexes`: those of a new device may still be
    /// missing; SQLite makes do with what there is then. `None`: no ticket can fit.
    pub(super) fn new(
        filter: &'a TicketFilter,
        text: Option<search::Query>,
        has_all_indexes: bool,
    ) -> Option<Self> {
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
        if filter.breached || filter.due_within_min.is_some() {
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
        Some(Self { filter, facet, statuses, priorities, text, has_all_indexes })
    }

    /// Binds what the statements refer to; the limit and the offset of a page are left to the caller.
    pub(super) fn bind<'q>(
        &self,
        query: Query<'q, Sqlite, SqliteArguments>,
        now: UtcMillis,
    ) -> Query<'q, Sqlite, SqliteArguments> {
        let filter = self.filter;
        // What ran out is among what runs out soon.
        let ahead_min = filter.due_within_min.filter(|_| !filter.breached).unwrap_or(0);
        let due_by = now.plus_ms(i64::from(ahead_min) * 60_000);
        let assignee = match &filter.assignee {
            AssigneeFilter::Is(who) => Some(who.as_str()),
            AssigneeFilter::Anyone | AssigneeFilter::Nobody => None,
        };
        query
            .bind(assignee)
            .bind(filter.team.as_deref())
            .bind(filter.tag.as_deref())
            .bind(filter.category.as_deref())
            .bind(self.text.as_ref().map(search::Query::expression))
            .bind(due_by.0)
    }

    /// A page, in order.
    pub(super) fn page(&self, sort: TicketSort) -> String {
        let order = Order::of(sort);
        let Order { inner, outer, .. } = order;
        if self.text.is_some() {
            let found = self.found();
            return format!(
                "SELECT json_group_array({LINE} ORDER BY {outer}) FROM \
                 (SELECT t.doc {found} ORDER BY {outer} LIMIT {LIMIT} OFFSET {OFFSET}) page \
                 JOIN tickets t ON t.doc = page.doc"
            );
        }
        let walks = self.walks(&order).join(" UNION ALL ");
        format!(
            "SELECT json_group_array({LINE} ORDER BY {outer}) FROM \
             ({walks} ORDER BY {inner} LIMIT {LIMIT} OFFSET {OFFSET}) page JOIN tickets t ON t.doc = page.doc"
        )
    }

    /// How many.
    pub(super) fn count(&self) -> String {
        if self.text.is_some() {
            return format!("SELECT count(*) {}", self.found());
        }
        let (alias, lists) = (self.alias(), self.lists());
        if self.facet == Facet::None && !lists.is_empty() {
            let from = self.from("tickets_grid", "updated");
            let statuses = join(or_all(&self.statuses, Status::ALL).iter().copied().map(codes::status_code));
            return format!("SELECT count(*) {from} AND t.status IN ({statuses}) {lists}");
        }
        let from = self.from(self.family(), "updated");
        let sides = join(self.sides().iter().copied());
        format!("SELECT count(*) {from} AND {alias}.done IN ({sides}) {lists}")
    }

    /// The walks, each in the order's direction.
    fn walks(&self, order: &Order) -> Vec<String> {
        let keys = order.keys.replace('@', self.alias());
        let select = format!("SELECT {}.doc AS doc, {keys}", self.alias());
        if let Some(cells) = self.cells() {
            let from = self.from("tickets_grid", order.grid);
            let walk = |(status, priority)| {
                format!("{select} {from} AND t.status = {status} AND t.priority = {priority}")
            };
            return cells.into_iter().map(walk).collect();
        }
        let from = self.from(self.family(), order.suffix);
        let lists = self.lists();
        let alias = self.alias();
        self.sides().iter().map(|done| format!("{select} {from} AND {alias}.done = {done} {lists}")).collect()
    }

    /// The combinations of status and priority, when they are few and nothing better leads.
    fn cells(&self) -> Option<Vec<(i64, i64)>> {
        let statuses = or_all(&self.statuses, Status::ALL);
        let priorities = or_all(&self.priorities, Priority::ALL);
        if self.facet != Facet::None || statuses.len() * priorities.len() > CELLS_MAX {
            return None;
        }
        let of = |status: &Status| {
            let status = codes::status_code(*status);
            priorities.iter().map(move |priority| (status, codes::priority_code(*priority)))
        };
        Some(statuses.iter().flat_map(of).collect())
    }

    /// Whether what is not done (0) and what is done (1) is wanted.
    fn sides(&self) -> &'static [u8] {
        let done = or_all(&self.statuses, Status::ALL).iter().filter(|status| status.is_done()).count();
        match done {
            0 => &[0],
            _ if done == self.statuses.len() => &[1],
            _ => &[0, 1],
        }
    }

    /// `FROM` and `WHERE` over the newest matches of the text.
    fn found(&self) -> String {
        let max = search::MATCHES_MAX;
        let (lists, rest, by_due) = (self.lists(), self.rest_without(Facet::None), self.by_due("t"));
        format!(
            "FROM (SELECT rowid AS key FROM search WHERE search MATCH {TEXT} ORDER BY rowid LIMIT {max}) m \
             JOIN search_docs d ON d.key = m.key JOIN tickets t ON t.doc = d.doc \
             WHERE t.deleted = 0 {lists} {by_due} {rest}"
        )
    }

    /// The name under which ranges know the table that they read.
    fn alias(&self) -> &'static str {
        if self.facet == Facet::Tag && self.text.is_none() { "g" } else { "t" }
    }

    /// The first part of the names of the indexes that the facet leads.
    fn family(&self) -> &'static str {
        match self.facet {
            Facet::None => "tickets",
            Facet::Assignee | Facet::Nobody => "tickets_assignee",
            Facet::Category => "tickets_category",
            Facet::Team => "tickets_team",
            Facet::Tag => "ticket_tags",
        }
    }

    /// `FROM` and `WHERE` but for status and priority, over the index of that family and order.
    fn from(&self, family: &str, suffix: &str) -> String {
        let rest = self.rest();
        let by_due = self.by_due(self.alias());
        let table = match self.facet {
            Facet::None | Facet::Assignee | Facet::Nobody | Facet::Category | Facet::Team => "tickets t",
            Facet::Tag => "ticket_tags g",
        };
        let join =
            if table == "ticket_tags g" && !rest.is_empty() { "JOIN tickets t ON t.doc = g.doc" } else { "" };
        let lead = match self.facet {
            Facet::None => "t.deleted = 0".to_owned(),
            Facet::Assignee => format!("t.deleted = 0 AND t.assignee = {ASSIGNEE}"),
            Facet::Nobody => "t.deleted = 0 AND t.assignee IS NULL".to_owned(),
            Facet::Category => format!("t.deleted = 0 AND t.category = {CATEGORY}"),
            Facet::Team => format!("t.deleted = 0 AND t.team = {TEAM}"),
            Facet::Tag => format!("g.tag = {TAG}"),
        };
        let index =
            if self.has_all_indexes { format!("INDEXED BY {family}_by_{suffix}") } else { String::new() };
        format!("FROM {table} {index} {join} WHERE {lead} {by_due} {rest}")
    }

    fn by_due(&self, alias: &str) -> String {
        let is_by_due = self.filter.breached || self.filter.due_within_min.is_some();
        if is_by_due { format!("AND {alias}.due_key <= {DUE_BY}") } else { String::new() }
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
                AssigneeFilter::Nobody => Some("AND t.unassigned = 1".to_owned()),
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

    /// Status and priority as lists, where they say more than done or not.
    fn lists(&self) -> String {
        let alias = self.alias();
        let mut lists = String::new();
        let whole_sides = self.text.is_none() && {
            let sides = self.sides();
            let of_sides =
                Status::ALL.iter().filter(|status| sides.contains(&u8::from(status.is_done()))).count();
            of_sides == or_all(&self.statuses, Status::ALL).len()
        };
        if !self.statuses.is_empty() && !whole_sides {
            let statuses = join(self.statuses.iter().copied().map(codes::status_code));
            lists = format!("AND {alias}.status IN ({statuses})");
        }
        if !self.priorities.is_empty() {
            let priorities = join(self.priorities.iter().copied().map(codes::priority_code));
            lists = format!("{lists} AND {alias}.priority IN ({priorities})");
        }
        lists
    }
}

fn join(numbers: impl IntoIterator<Item = impl ToString>) -> String {
    let texts: Vec<String> = numbers.into_iter().map(|number| number.to_string()).collect();
    texts.join(", ")
}

fn or_all<'a, T>(named: &'a [T], all: &'a [T]) -> &'a [T] {
    if named.is_empty() { all } else { named }
}

/// An order of the list.
struct Order {
    /// What is sorted by, as columns of a walk; `@` stands for its table.
    keys: &'static str,
    /// The order by those columns.
    inner: &'static str,
    /// The same order over `tickets t`.
    outer: &'static str,
    /// The last part of the names of the indexes that have it.
    suffix: &'static str,
    /// The same for the grid, where a range has one priority.
    grid: &'static str,
}

impl Order {
    fn of(sort: TicketSort) -> Self {
        match sort {
            TicketSort::Updated => Self {
                keys: "@.updated_at AS k",
                inner: "k DESC, doc DESC",
                outer: "t.updated_at DESC, t.doc DESC",
                suffix: "updated",
                grid: "updated",
            },
            TicketSort::Created => Self {
                keys: "@.created_at AS k",
                inner: "k DESC, doc DESC",
                outer: "t.created_at DESC, t.doc DESC",
                suffix: "created",
                grid: "created",
            },
            TicketSort::Priority => Self {
                keys: "@.priority AS p, @.updated_at AS k",
                inner: "p DESC, k DESC, doc DESC",
                outer: "t.priority DESC, t.updated_at DESC, t.doc DESC",
                suffix: "priority",
                grid: "updated",
            },
            TicketSort::Due => Self {
                keys: "@.due_key AS k",
                inner: "k, doc",
                outer: "t.due_key, t.doc",
                suffix: "due",
                grid: "due",
            },
        }
    }
}
