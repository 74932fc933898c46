//! Policies, tickets and logs that the tests of this module are made of.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::policy::{Policy, PolicyMatch, Targets};
use crate::{
    ids::{CommentId, DocId, EntryId},
    ticket::{AuthorSide, LogEntry, LogEvent, Priority, Status, Ticket, Visibility},
    time::UtcMillis,
};

pub(super) const MINUTE: i64 = 60_000;
pub(super) const START: UtcMillis = UtcMillis(1_767_603_600_000); // 2026-01-05T09:00:00Z, a Monday

pub(super) fn after(minutes: i64) -> UtcMillis {
    START.plus_ms(minutes * MINUTE)
}

pub(super) fn targets(resolution_min: f64) -> Targets {
    Targets {
        first_response_min: Some(60.),
        next_response_min: Some(60.),
        resolution_min: Some(resolution_min),
    }
}

pub(super) fn policy(key: &str, when: PolicyMatch, rows: &[(Priority, f64)]) -> Policy {
    Policy {
        key: key.into(),
        name: key.into(),
        order: 0,
        when,
        calendar: "always".into(),
        targets: rows.iter().map(|(priority, minutes)| (*priority, targets(*minutes))).collect(),
        pause_statuses: Policy::default_pause_statuses(),
        warn_percent: Policy::default_warn_percent(),
    }
}

pub(super) fn entry(number: u128, minutes: i64, event: LogEvent) -> LogEntry {
    LogEntry { id: EntryId(Uuid::from_u128(number)), at: after(minutes), by: "somebody".into(), event }
}

/// A ticket whose fields are what its log says, as an ordinary one's are.
pub(super) fn ticket(priority: Priority, log: &[(i64, LogEvent)]) -> Ticket {
    let mut ticket = Ticket {
        id: DocId(Uuid::from_u128(1)),
        title: "Printer".into(),
        description: "It does not print".into(),
        status: Status::Open,
        priority,
        category: None,
        assignee: None,
        team: None,
        requester: None,
        tags: BTreeSet::new(),
        custom: BTreeMap::new(),
        comments: Vec::new(),
        log: vec![entry(1, 0, LogEvent::Created { status: Status::Open, priority })],
        source: None,
        created_at: START,
        updated_at: START,
        deleted: false,
        conflicts: Vec::new(),
        schema: 1,
    };
    for (index, (minutes, event)) in log.iter().enumerate() {
        match event {
            LogEvent::Status { to, .. } => ticket.status = *to,
            LogEvent::Priority { to, .. } => ticket.priority = *to,
            LogEvent::Field { field, to, .. } if field == "category" => ticket.category.clone_from(to),
            LogEvent::Field { field, to, .. } if field == "team" => ticket.team.clone_from(to),
            LogEvent::Field { field, to, .. } if field == "requester" => ticket.requester.clone_from(to),
            LogEvent::Tag { tag, on: true } => {
                ticket.tags.insert(tag.clone());
            }
            LogEvent::Tag { tag, on: false } => {
                ticket.tags.remove(tag);
            }
            _ => {}
        }
        ticket.log.push(entry(index as u128 + 2, *minutes, event.clone()));
    }
    ticket
}

pub(super) fn status(from: Status, to: Status) -> LogEvent {
    LogEvent::Status { from, to }
}

pub(super) fn field(name: &str, from: Option<&str>, to: Option<&str>) -> LogEvent {
    LogEvent::Field { field: name.into(), from: from.map(Into::into), to: to.map(Into::into) }
}

pub(super) fn reply(visibility: Visibility, side: AuthorSide) -> LogEvent {
    LogEvent::Reply { comment: CommentId(Uuid::from_u128(7)), visibility, side }
}
