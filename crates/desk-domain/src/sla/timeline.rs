//! From a ticket's log to the events that clocks listen to.

use std::collections::BTreeSet;

use super::{
    clock::{Clocks, EventKind, SlaEvent, evaluate},
    policy::{CompiledRules, Traits},
};
use crate::{
    ticket::{AuthorSide, LogEntry, LogEvent, Priority, Status, Ticket, Visibility},
    time::UtcMillis,
};

/// The ticket's clocks at `now`, by its log and the policies that matched as its priority, category, team, requester and
/// tags changed. A deleted ticket has none.
///
/// The log is read in the order of its instants, entries of one instant in the order of their ids, so that every
/// device reads it alike; what a wrong clock dated before the creation counts as of the creation. Of two concurrent
/// writes to a field the log keeps both and the document one: the last entry about a field (or the creation, where
/// there is none) is read as saying what the document says.
pub fn clocks(ticket: &Ticket, rules: &CompiledRules, now: UtcMillis) -> Clocks {
    if ticket.deleted { Clocks::idle() } else { evaluate(&timeline(ticket, rules), now) }
}

/// What clocks depend on.
struct Fields<'a> {
    status: Status,
    traits: Traits<'a>,
}

impl<'a> Fields<'a> {
    fn of(ticket: &'a Ticket, reads_tags: bool) -> Self {
        let tags =
            if reads_tags { ticket.tags.iter().map(String::as_str).collect() } else { BTreeSet::new() };
        Self {
            status: ticket.status,
            traits: Traits {
                priority: ticket.priority,
                category: ticket.category.as_deref(),
                team: ticket.team.as_deref(),
                requester: ticket.requester.as_deref(),
                tags,
            },
        }
    }

    fn set(&mut self, value: Value<'a>) {
        match value {
            Value::Status(status) => self.status = status,
            Value::Priority(priority) => self.traits.priority = priority,
            Value::Category(category) => self.traits.category = category,
            Value::Team(team) => self.traits.team = team,
            Value::Requester(requester) => self.traits.requester = requester,
            Value::Tag(tag, on) => {
                if on {
                    self.traits.tags.insert(tag);
                } else {
                    self.traits.tags.remove(tag);
                }
            }
        }
    }
}

/// A value of one of the fields; each tag is a field of its own.
#[derive(Clone, Copy)]
enum Value<'a> {
    Status(Status),
    Priority(Priority),
    Category(Option<&'a str>),
    Team(Option<&'a str>),
    Requester(Option<&'a str>),
    Tag(&'a str, bool),
}

impl<'a> Value<'a> {
    /// What the document says in the field that this is a value of.
    fn of_document(self, ticket: &'a Ticket) -> Self {
        match self {
            Self::Status(_) => Self::Status(ticket.status),
            Self::Priority(_) => Self::Priority(ticket.priority),
            Self::Category(_) => Self::Category(ticket.category.as_deref()),
            Self::Team(_) => Self::Team(ticket.team.as_deref()),
            Self::Requester(_) => Self::Requester(ticket.requester.as_deref()),
            Self::Tag(tag, _) => Self::Tag(tag, ticket.tags.contains(tag)),
        }
    }
}

/// Fields that were met, going back.
#[derive(Default)]
struct Settled<'a> {
    /// A bit for each field that is no tag.
    plain: u8,
    tags: BTreeSet<&'a str>,
}

impl<'a> Settled<'a> {
    const STATUS: u8 = 1;
    const PRIORITY: u8 = 2;

    /// Notes the field that this is a value of; `true` when it is met for the first time.
    fn note(&mut self, value: Value<'a>) -> bool {
        let bit = match value {
            Value::Status(_) => Self::STATUS,
            Value::Priority(_) => Self::PRIORITY,
            Value::Category(_) => 4,
            Value::Team(_) => 8,
            Value::Requester(_) => 16,
            Value::Tag(tag, _) => return self.tags.insert(tag),
        };
        let is_new = self.plain & bit == 0;
        self.plain |= bit;
        is_new
    }
}

/// An entry that changed one of the fields.
#[derive(Clone, Copy)]
struct Change<'a> {
    from: Value<'a>,
    to: Value<'a>,
}

impl<'a> Change<'a> {
    /// `None` for an entry that no clock depends on; tags only where a policy looks at them.
    fn of(event: &'a LogEvent, reads_tags: bool) -> Option<Self> {
        let (from, to) = match event {
            LogEvent::Status { from, to } => (Value::Status(*from), Value::Status(*to)),
            LogEvent::Priority { from, to } => (Value::Priority(*from), Value::Priority(*to)),
            LogEvent::Field { field, from, to } => {
                let of: fn(Option<&'a str>) -> Value<'a> = match field.as_str() {
                    "category" => Value::Category,
                    "team" => Value::Team,
                    "requester" => Value::Requester,
                    _ => return None,
                };
                (of(from.as_deref()), of(to.as_deref()))
            }
            LogEvent::Tag { tag, on } if reads_tags => (Value::Tag(tag, !on), Value::Tag(tag, *on)),
            LogEvent::Created { .. }
            | LogEvent::Tag { .. }
            | LogEvent::Reply { .. }
            | LogEvent::CommentDeleted { .. }
            | LogEvent::Deleted { .. } => return None,
        };
        Some(Self { from, to })
    }
}

/// The events of a ticket, in order, beginning with the terms that held at its creation.
pub(super) fn timeline<'a>(ticket: &'a Ticket, rules: &'a CompiledRules) -> Vec<SlaEvent<'a>> {
    let reads_tags = rules.read_tags();
    let mut log: Vec<(&'a LogEntry, Option<Change<'a>>)> =
        ticket.log.iter().map(|entry| (entry, Change::of(&entry.event, reads_tags))).collect();
    log.sort_by_key(|(entry, _)| (entry.at, entry.id));

    // Going back from what the document says, each entry tells what was before it.
    let mut fields = Fields::of(ticket, reads_tags);
    let mut settled = Settled::default();
    for (_, change) in log.iter_mut().rev() {
        if let Some(change) = change {
            if settled.note(change.to) {
                change.to = change.to.of_document(ticket);
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
        if settled.plain & Settled::STATUS != 0 {
            fields.status = status;
        }
        if settled.plain & Settled::PRIORITY != 0 {
            fields.traits.priority = priority;
        }
    }

    let mut events = Vec::with_capacity(log.len() + 2);
    events.push(SlaEvent { at: created_at, kind: EventKind::Targets(rules.terms(&fields.traits)) });
    events.push(SlaEvent { at: created_at, kind: EventKind::Created { status: fields.status } });
    for (entry, change) in log {
        let at = entry.at.max(created_at);
        if let Some(change) = change {
            fields.set(change.to);
            let kind = match change.to {
                Value::Status(to) => EventKind::Status { to },
                Value::Priority(_)
                | Value::Category(_)
                | Value::Team(_)
                | Value::Requester(_)
                | Value::Tag(..) => EventKind::Targets(rules.terms(&fields.traits)),
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
