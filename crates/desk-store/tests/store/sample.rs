//! Documents to store, without Automerge: the store takes any bytes and heads.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use desk_domain::{
    article::{Article, ArticleStatus},
    edit::{Edit, NewTicket, Ops, Stamped, TicketOp},
    ids::{CommentId, DocId, EntryId},
    incident::{Incident, IncidentStatus, Severity, TimelineEntry, TimelineEvent},
    projection::Row,
    state::State,
    ticket::{AuthorSide, Comment, Priority, Source, Status, Ticket, Visibility},
    time::UtcMillis,
};
use desk_store::{DocWrite, Key, OpenOptions, OutboxEntry, Store};
use tempfile::TempDir;
use uuid::Uuid;

/// 2026-11-21T09:00:00Z.
pub(crate) const NOW: UtcMillis = UtcMillis(1_795_251_600_000);

/// A store in a folder of its own.
pub(crate) struct Place {
    pub(crate) dir: TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { dir: tempfile::tempdir().expect("a temporary folder") }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.dir.path().join("desk.db")
    }

    pub(crate) async fn open(&self) -> Store {
        Store::open(&self.path(), &key(), OpenOptions::default()).await.expect("opens").store
    }
}

pub(crate) fn key() -> Key {
    Key::new([0x5A; 32])
}

pub(crate) fn id(n: u128) -> DocId {
    DocId(Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + n))
}

pub(crate) fn hash(n: u8) -> [u8; 32] {
    [n; 32]
}

pub(crate) fn ticket(n: u128, title: &str) -> Ticket {
    Ticket {
        id: id(n),
        title: title.to_owned(),
        description: String::new(),
        status: Status::Open,
        priority: Priority::Medium,
        category: None,
        assignee: None,
        team: None,
        requester: None,
        tags: BTreeSet::new(),
        custom: BTreeMap::new(),
        comments: Vec::new(),
        log: Vec::new(),
        source: None,
        created_at: NOW,
        updated_at: NOW,
        deleted: false,
        conflicts: Vec::new(),
        schema: 1,
    }
}

pub(crate) fn article(n: u128, title: &str, body: &str) -> Article {
    Article {
        id: id(n),
        title: title.to_owned(),
        body: body.to_owned(),
        category: Some("how-to".to_owned()),
        tags: BTreeSet::from(["вики".to_owned()]),
        status: ArticleStatus::Published,
        author: "m".to_owned(),
        created_at: NOW,
        updated_at: NOW,
        deleted: false,
        conflicts: Vec::new(),
        schema: 1,
    }
}

pub(crate) fn incident(n: u128, title: &str, note: &str) -> Incident {
    Incident {
        id: id(n),
        title: title.to_owned(),
        summary: String::new(),
        severity: Severity::P2,
        status: IncidentStatus::Open,
        services: BTreeSet::new(),
        roles: BTreeMap::new(),
        tickets: BTreeSet::new(),
        timeline: vec![TimelineEntry {
            id: EntryId(Uuid::from_u128(n)),
            at: NOW,
            by: "m".to_owned(),
            event: TimelineEvent::Note { text: note.to_owned() },
        }],
        milestones: BTreeMap::new(),
        postmortem: String::new(),
        created_at: NOW,
        updated_at: NOW,
        deleted: false,
        conflicts: Vec::new(),
        schema: 1,
    }
}

pub(crate) fn comment(n: u128, body: &str) -> Comment {
    Comment {
        id: CommentId(Uuid::from_u128(n)),
        author: "Анна".to_owned(),
        side: AuthorSide::Staff,
        visibility: Visibility::Internal,
        body: body.to_owned(),
        created_at: NOW,
        deleted: false,
    }
}

pub(crate) fn source(key: &str) -> Source {
    Source { system: "servicenow-csv".to_owned(), key: key.to_owned(), imported_by: "m".to_owned() }
}

/// A new document with that state; its heads are `hash(1)`.
#[expect(clippy::needless_pass_by_value, reason = "callers make the state for it")]
pub(crate) fn new(state: State) -> DocWrite {
    DocWrite {
        id: state.id(),
        kind: state.kind(),
        expected_heads: None,
        heads: vec![hash(1)],
        snapshot: format!("snapshot of {}", state.id()).into_bytes(),
        schema: 1,
        row: Some(Row::of(&state)),
        next_due: None,
        deadlines: Vec::new(),
    }
}

pub(crate) fn new_ticket(ticket: Ticket) -> DocWrite {
    new(State::Ticket(Box::new(ticket)))
}

/// The same document written over heads `hash(before)`.
pub(crate) fn again(state: State, before: u8) -> DocWrite {
    DocWrite { expected_heads: Some(vec![hash(before)]), heads: vec![hash(before + 1)], ..new(state) }
}

pub(crate) fn edit(doc: DocId, title: &str) -> Edit {
    let op = TicketOp::Create { ticket: NewTicket::titled(title) };
    Edit { doc, ops: Ops::Ticket(vec![Stamped { at: NOW, by: "m".to_owned(), entry: None, op }]) }
}

pub(crate) fn unsent(n: u128, change: u8, size: usize) -> OutboxEntry {
    OutboxEntry {
        doc: id(n),
        hash: hash(change),
        bytes: vec![change; size],
        edit: edit(id(n), "Принтер"),
        edited_at: NOW.plus_ms(i64::from(change)),
    }
}
