//! From a ticket's log to the events that clocks listen to.

use super::{
    clock::{Clocks, EventKind, SlaEvent, evaluate},
    policy::CompiledRules,
};
use crate::{
    ticket::{AuthorSide, LogEntry, LogEvent, Priority, Status, Ticket, Visibility},
    time::UtcMillis,
};

/// The ticket's clocks at `now`, by its log and the policies that matched as its priority, category and team
/// changed. A deleted ticket has none.
///
/// The log is read in the order of its instants, entries of one instant in the order of their ids, so that every
/// device reads it alike; what a wrong clock dated before the creation counts as of the creation. Of two concurrent
/// writes to a field the log keeps both and the document one: the last entry about a field (or the creation, where
/// there is none) is read as saying what the document says.
pub fn clocks(ticket: &Ticket, rules: &CompiledRules, now: UtcMillis) -> Clocks {
    if ticket.deleted { Clocks::idle() } else { evaluate(&timeline(ticket, rules), now) }
}

/// The fields that clocks depend on.
#[derive(Clone, Copy)]
struct Fields<'a> {
    status: Status,
    priority: Priority,
    category: Option<&'a str>,
    team: Option<&'a str>,
}

impl<'a> Fields<'a> {
    fn of(ticket: &'a Ticket) -> Self {
        Self {
            status: ticket.status,
            priority: ticket.priority,
            category: ticket.category.as_deref(),
            team: ticket.team.as_deref(),
        }
    }

    fn get(&self, field: Field) -> Value<'a> {
        match field {
            Field::Status => Value::Status(self.status),
            Field::Priority => Value::Priority(self.priority),
            Field::Category => Value::Category(self.category),
            Field::Team => Value::Team(self.team),
        }
    }

    fn set(&mut self, value: Value<'a>) {
        match value {
            Value::Status(status) => self.status = status,
            Value::Priority(priority) => self.priority = priority,
            Value::Category(category) => self.category = category,
            Value::Team(team) => self.team = team,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Field {
    Status,
    Priority,
    Category,
    Team,
}

/// A value of one of the fields.
#[derive(Clone, Copy)]
enum Value<'a> {
    Status(Status),
    Priority(Priority),
    Category(Option<&'a str>),
    Team(Option<&'a str>),
}

/// An entry that changed one of the fields.
#[derive(Clone, Copy)]
struct Change<'a> {
    field: Field,
    from: Value<'a>,
    to: Value<'a>,
}

impl<'a> Change<'a> {
    fn of(event: &'a LogEvent) -> Option<Self> {
        let (field, from, to) = match event {
            LogEvent::Status { from, to } => (Field::Status, Value::Status(*from), Value::Status(*to)),
            LogEvent::Priority { from, to } => {
                (Field::Priority, Value::Priority(*from), Value::Priority(*to))
            }
            LogEvent::Field { field, from, to } => match (field.as_str(), from.as_deref(), to.as_deref()) {
                ("category", from, to) => (Field::Category, Value::Category(from), Value::Category(to)),
                ("team", from, to) => (Field::Team, Value::Team(from), Value::Team(to)),
                _ => return None,
            },
            LogEvent::Created { .. }
            | LogEvent::Tag { .. }
            | LogEvent::Reply { .. }
            | LogEvent::CommentDeleted { .. }
            | LogEvent::Deleted { .. } => return None,
        };
        Some(Self { field, from, to })
    }
}

/// The events of a ticket, in order, beginning with the terms that held at its creation.
pub(super) fn timeline<'a>(ticket: &'a Ticket, rules: &'a CompiledRules) -> Vec<SlaEvent<'a>> {
    let mut log: Vec<(&'a LogEntry, Option<Change<'a>>)> =
        ticket.log.iter().map(|entry| (entry, Change::of(&entry.event))).collect();
    log.sort_by_key(|(entry, _)| (entry.at, entry.id));

    // Going back from what the document says, each entry tells what was before it.
    let document = Fields::of(ticket);
    let mut fields = document;
    let mut settled: Vec<Field> = Vec::with_capacity(4);
    for (_, change) in log.iter_mut().rev() {
        if let Some(change) = change {
            if !settled.contains(&change.field) {
                change.to = document.get(change.field);
                settled.push(change.field);
            }
            fields.set(change.from);
        }
    }
    let mut created_at = ticket.created_at;
    let creation = log.iter().find_map(|(entry, _)| match entry.event {
        LogEvent::Created { status, priority } => Some((entry.at, status, priority)),
        _ => None,
    });
    if let Some((at, status, priority)) = creation {
        created_at = at;
        if settled.contains(&Field::Status) {
            fields.status = status;
        }
        if settled.contains(&Field::Priority) {
            fields.priority = priority;
        }
    }

    let terms_for = |fields: &Fields<'_>| rules.terms(fields.priority, fields.category, fields.team);
    let mut events = Vec::with_capacity(log.len() + 2);
    events.push(SlaEvent { at: created_at, kind: EventKind::Targets(terms_for(&fields)) });
    events.push(SlaEvent { at: created_at, kind: EventKind::Created { status: fields.status } });
    for (entry, change) in log {
        let at = entry.at.max(created_at);
        if let Some(change) = change {
            fields.set(change.to);
            let kind = match change.field {
                Field::Status => EventKind::Status { to: fields.status },
                Field::Priority | Field::Category | Field::Team => EventKind::Targets(terms_for(&fields)),
            };
            events.push(SlaEvent { at, kind });
        } else if let LogEvent::Reply { visibility: Visibility::Public, side, .. } = entry.event {
            let kind = match side {
                AuthorSide::Requester => EventKind::CustomerReply,
                AuthorSide::Staff => EventKind::AgentReply,
            };
            events.push(SlaEvent { at, kind });
        }
    }
    events
}

#[cfg(test)]
mod tests;
