//! Which tickets the list shows: a view of the navigation, and what the person narrowed it to.

use std::collections::BTreeSet;

use desk_api::view::{AssigneeFilter, TicketFilter, TicketSort};
use desk_domain::ticket::{Priority, Status};

/// A predefined list of the navigation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum View {
    /// The member's own, not done.
    Mine,
    /// Nobody's, not done.
    Unassigned,
    /// Not done.
    #[default]
    Active,
    /// Not done, with a clock that ran out, the oldest breach first.
    Breached,
    /// Everything.
    All,
}

impl View {
    /// All of them, in the navigation's order.
    pub(crate) const ALL: [Self; 5] = [Self::Mine, Self::Unassigned, Self::Active, Self::Breached, Self::All];

    /// As addresses and Fluent keys spell it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Mine => "mine",
            Self::Unassigned => "unassigned",
            Self::Active => "active",
            Self::Breached => "breached",
            Self::All => "all",
        }
    }

    fn statuses(self) -> BTreeSet<Status> {
        match self {
            Self::Mine | Self::Unassigned | Self::Active | Self::Breached => active_statuses(),
            Self::All => BTreeSet::new(),
        }
    }

    fn assignee(self, me: &str) -> AssigneeFilter {
        match self {
            Self::Mine => AssigneeFilter::Is(me.to_owned()),
            Self::Unassigned => AssigneeFilter::Nobody,
            Self::Active | Self::Breached | Self::All => AssigneeFilter::Anyone,
        }
    }

    fn sort(self) -> TicketSort {
        match self {
            Self::Breached => TicketSort::Due,
            Self::Mine | Self::Unassigned | Self::Active | Self::All => TicketSort::Updated,
        }
    }
}

/// How much time is left at most until the next clock runs out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// None: it ran out.
    Breached,
    /// An hour.
    Hour,
    /// Four hours.
    FourHours,
    /// A day.
    Day,
    /// Three days.
    ThreeDays,
}

impl Due {
    /// All of them, the shortest first.
    pub(crate) const ALL: [Self; 5] =
        [Self::Breached, Self::Hour, Self::FourHours, Self::Day, Self::ThreeDays];

    /// As addresses and Fluent keys spell it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Breached => "breached",
            Self::Hour => "1h",
            Self::FourHours => "4h",
            Self::Day => "1d",
            Self::ThreeDays => "3d",
        }
    }

    fn within_min(self) -> Option<u32> {
        match self {
            Self::Breached => None,
            Self::Hour => Some(60),
            Self::FourHours => Some(240),
            Self::Day => Some(1_440),
            Self::ThreeDays => Some(4_320),
        }
    }
}

/// The statuses in which there is work to do.
pub(crate) fn active_statuses() -> BTreeSet<Status> {
    Status::ALL.iter().copied().filter(|status| !status.is_done()).collect()
}

/// What the list shows. An absent value is the view's own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ListQuery {
    /// The list of the navigation.
    pub(crate) view: View,
    /// Instead of the view's statuses; empty means all.
    pub(crate) statuses: Option<BTreeSet<Status>>,
    /// Any of these; empty means all.
    pub(crate) priorities: BTreeSet<Priority>,
    /// Instead of the view's.
    pub(crate) assignee: Option<AssigneeFilter>,
    /// A team's key.
    pub(crate) team: Option<String>,
    /// A tag.
    pub(crate) tag: Option<String>,
    /// A category's key.
    pub(crate) category: Option<String>,
    /// How much time is left at most.
    pub(crate) due: Option<Due>,
    /// What is typed into the search field.
    pub(crate) text: String,
    /// Instead of the view's order.
    pub(crate) sort: Option<TicketSort>,
}

impl ListQuery {
    /// A view as it is.
    pub(crate) fn of(view: View) -> Self {
        Self { view, ..Self::default() }
    }

    /// The statuses that are shown; empty means all.
    pub(crate) fn shown_statuses(&self) -> BTreeSet<Status> {
        self.statuses.clone().unwrap_or_else(|| self.view.statuses())
    }

    /// Whose tickets are shown to the member `me`.
    pub(crate) fn shown_assignee(&self, me: &str) -> AssigneeFilter {
        self.assignee.clone().unwrap_or_else(|| self.view.assignee(me))
    }

    /// The order that is shown.
    pub(crate) fn shown_sort(&self) -> TicketSort {
        self.sort.unwrap_or_else(|| self.view.sort())
    }

    /// Puts a status among the shown ones or takes it away.
    #[must_use]
    pub(crate) fn toggle_status(mut self, status: Status) -> Self {
        let mut statuses = self.shown_statuses();
        if !statuses.remove(&status) {
            statuses.insert(status);
        }
        self.statuses = (statuses != self.view.statuses()).then_some(statuses);
        self
    }

    /// Puts a priority among the shown ones or takes it away.
    #[must_use]
    pub(crate) fn toggle_priority(mut self, priority: Priority) -> Self {
        if !self.priorities.remove(&priority) {
            self.priorities.insert(priority);
        }
        self
    }

    /// Sets whose tickets are shown.
    #[must_use]
    pub(crate) fn with_assignee(mut self, assignee: AssigneeFilter, me: &str) -> Self {
        self.assignee = (assignee != self.view.assignee(me)).then_some(assignee);
        self
    }

    /// Sets the order.
    #[must_use]
    pub(crate) fn with_sort(mut self, sort: TicketSort) -> Self {
        self.sort = (sort != self.view.sort()).then_some(sort);
        self
    }

    /// Whether it is narrower than, or another than, the view; the order does not count.
    pub(crate) fn is_narrowed(&self) -> bool {
        Self { sort: None, ..self.clone() } != Self::of(self.view)
    }

    /// What to ask the store for.
    pub(crate) fn to_filter(&self, me: &str) -> TicketFilter {
        let text = self.text.trim();
        TicketFilter {
            statuses: self.shown_statuses().into_iter().collect(),
            priorities: self.priorities.iter().copied().collect(),
            assignee: self.shown_assignee(me),
            team: self.team.clone(),
            tag: self.tag.clone(),
            category: self.category.clone(),
            breached: self.view == View::Breached || self.due == Some(Due::Breached),
            due_within_min: self.due.and_then(Due::within_min),
            text: (!text.is_empty()).then(|| text.to_owned()),
        }
    }

    /// As the address has it: only what differs from the view.
    pub(crate) fn to_pairs(&self) -> Vec<(&'static str, String)> {
        let mut pairs = Vec::new();
        if self.view != View::default() {
            pairs.push(("view", self.view.as_str().to_owned()));
        }
        if let Some(statuses) = &self.statuses {
            pairs.push(("status", words(statuses)));
        }
        if !self.priorities.is_empty() {
            pairs.push(("priority", words(&self.priorities)));
        }
        match &self.assignee {
            None => {}
            Some(AssigneeFilter::Anyone) => pairs.push(("assignee", "anyone".to_owned())),
            Some(AssigneeFilter::Nobody) => pairs.push(("assignee", "nobody".to_owned())),
            Some(AssigneeFilter::Is(who)) => pairs.push(("assignee", format!("is:{who}"))),
        }
        let plain = [("team", &self.team), ("tag", &self.tag), ("category", &self.category)];
        pairs.extend(plain.into_iter().filter_map(|(key, value)| Some((key, value.clone()?))));
        if let Some(due) = self.due {
            pairs.push(("due", due.as_str().to_owned()));
        }
        if !self.text.is_empty() {
            pairs.push(("q", self.text.clone()));
        }
        if let Some(sort) = self.sort {
            pairs.push(("sort", sort_word(sort).to_owned()));
        }
        pairs
    }

    /// From the address; what it does not know is left out.
    pub(crate) fn from_pairs(pairs: &[(String, String)]) -> Self {
        let mut query = Self::default();
        for (key, value) in pairs {
            match key.as_str() {
                "view" => {
                    query.view =
                        View::ALL.into_iter().find(|view| view.as_str() == value).unwrap_or_default();
                }
                "status" => {
                    let known: BTreeSet<Status> =
                        value.split(',').filter_map(|word| word.parse().ok()).collect();
                    // No word at all means every status; words that are all unknown mean nothing.
                    query.statuses = (value.is_empty() || !known.is_empty()).then_some(known);
                }
                "priority" => {
                    query.priorities = value.split(',').filter_map(|word| word.parse().ok()).collect();
                }
                "assignee" => {
                    query.assignee = match value.as_str() {
                        "anyone" => Some(AssigneeFilter::Anyone),
                        "nobody" => Some(AssigneeFilter::Nobody),
                        other => other.strip_prefix("is:").map(|who| AssigneeFilter::Is(who.to_owned())),
                    }
                }
                "team" => query.team = Some(value.clone()),
                "tag" => query.tag = Some(value.clone()),
                "category" => query.category = Some(value.clone()),
                "due" => query.due = Due::ALL.into_iter().find(|due| due.as_str() == value),
                "q" => query.text.clone_from(value),
                "sort" => query.sort = SORTS.into_iter().find(|sort| sort_word(*sort) == value),
                _ => {}
            }
        }
        query
    }
}

fn words<T: ToString>(set: &BTreeSet<T>) -> String {
    set.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

/// All orders.
pub(crate) const SORTS: [TicketSort; 4] =
    [TicketSort::Updated, TicketSort::Created, TicketSort::Priority, TicketSort::Due];

/// An order as addresses and Fluent keys spell it.
pub(crate) fn sort_word(sort: TicketSort) -> &'static str {
    match sort {
        TicketSort::Updated => "updated",
        TicketSort::Created => "created",
        TicketSort::Priority => "priority",
        TicketSort::Due => "due",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_says_which_tickets_it_shows() {
        let mine = ListQuery::of(View::Mine).to_filter("me");
        assert_eq!(mine.assignee, AssigneeFilter::Is("me".into()));
        assert_eq!(mine.statuses, [Status::Open, Status::InProgress, Status::Pending]);
        let breached = ListQuery::of(View::Breached);
        assert!(breached.to_filter("me").breached);
        assert_eq!(breached.shown_sort(), TicketSort::Due);
        assert_eq!(ListQuery::of(View::All).to_filter("me"), TicketFilter::default());
    }

    #[test]
    fn a_filter_that_is_set_back_by_hand_is_the_view_again() {
        let query = ListQuery::of(View::Active);
        let narrowed = query.clone().toggle_status(Status::Pending).toggle_priority(Priority::High);
        assert!(narrowed.is_narrowed());
        assert_eq!(narrowed.to_filter("me").statuses, [Status::Open, Status::InProgress]);
        assert_eq!(narrowed.toggle_status(Status::Pending).toggle_priority(Priority::High), query);
        let other = query.clone().with_assignee(AssigneeFilter::Nobody, "me");
        assert!(other.is_narrowed());
        assert_eq!(other.with_assignee(AssigneeFilter::Anyone, "me"), query);
        assert!(!query.with_sort(TicketSort::Priority).is_narrowed());
    }

    #[test]
    fn time_left_narrows_and_stands_in_the_address() {
        for due in Due::ALL {
            let query = ListQuery { due: Some(due), ..ListQuery::default() };
            assert!(query.is_narrowed());
            let pairs: Vec<_> =
                query.to_pairs().into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
            assert_eq!(ListQuery::from_pairs(&pairs), query);
            let filter = query.to_filter("me");
            assert_eq!((filter.breached, filter.due_within_min), (due == Due::Breached, due.within_min()));
        }
    }

    #[test]
    fn blank_search_is_no_search() {
        let query = ListQuery { text: "  ".into(), ..ListQuery::default() };
        assert_eq!(query.to_filter("me").text, None);
    }
}
