//! Edits, merges, reviews and damage, through the crate's public face.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests: a failure there is a failed test")]

use std::sync::atomic::{AtomicU64, Ordering};

use automerge::{
    AutoCommit, ObjType, ROOT, ReadDoc, ScalarValue,
    transaction::{CommitOptions, Transactable},
};
use desk_docs::{Author, Document, EditError, Invalid, ReadError, Refusal, actor_of, judge, review, verify};
use desk_domain::{
    article::ArticleStatus,
    edit::{
        ArticleOp, Edit, IncidentOp, NewTicket, Ops, PersonalOp, Section, Stamped, TicketOp, WorkspaceOp,
    },
    escalation::{self, EndReason, Level, Target},
    ids::{CommentId, DeviceId, DocId, DocKind, Ids, MemberId, uuid_v7},
    incident::{Incident, IncidentStatus, Milestone, Severity, TimelineEvent},
    people::Role,
    permissions::{Actor, Denied, Touch},
    sla::{Calendar, CompiledRules, SlaRules, clocks},
    state::State,
    ticket::{AuthorSide, LogEvent, Priority, Source, Status, Ticket, Visibility},
    time::UtcMillis,
    workspace::{Workflow, default_escalations},
};
use proptest::prelude::*;
use serde_json::json;
use sha2::{Digest, Sha256};

const NOW: UtcMillis = UtcMillis(1_790_000_000_000);

/// Ids in order, so that a failing test fails the same way again.
struct Counting(AtomicU64);

impl Ids for Counting {
    fn fresh(&self) -> uuid::Uuid {
        let mut random = [0; 10];
        random[2..].copy_from_slice(&self.0.fetch_add(1, Ordering::Relaxed).to_be_bytes());
        uuid_v7(NOW, random)
    }
}

struct World {
    ids: Counting,
    workflow: Workflow,
}

#[derive(Clone, Copy)]
struct Person {
    device: DeviceId,
    member: MemberId,
    role: Role,
}

impl World {
    fn new() -> Self {
        Self { ids: Counting(AtomicU64::new(1)), workflow: Workflow::default() }
    }

    fn person(&self, role: Role) -> Person {
        Person { device: DeviceId(self.ids.fresh()), member: MemberId(self.ids.fresh()), role }
    }

    fn author(&self, person: Person) -> Author<'_> {
        let actor = Actor { member: Some(person.member), role: person.role };
        Author { device: person.device, actor, workflow: &self.workflow }
    }

    fn edit_at(&self, doc: Document, by: Person, at: UtcMillis, ops: Ops) -> Result<Edited, EditError> {
        let edit = Edit { doc: doc.id(), ops };
        let (document, change) = doc.edit(&self.author(by), &edit, at, &self.ids)?;
        Ok(Edited { document, change: change.map(|new| new.bytes) })
    }

    fn ticket_ops(&self, doc: Document, by: Person, ops: Vec<TicketOp>) -> Result<Edited, EditError> {
        let me = by.member.to_string();
        let ops = ops.into_iter().map(|op| Stamped::new(NOW, me.clone(), op)).collect();
        self.edit_at(doc, by, NOW, Ops::Ticket(ops))
    }

    fn ticket(&self, by: Person) -> Document {
        let doc = Document::empty(DocId(self.ids.fresh()), DocKind::Ticket);
        let ticket =
            NewTicket { description: "Не печатает".into(), ..NewTicket::titled("Принтер") };
        self.ticket_ops(doc, by, vec![TicketOp::Create { ticket }]).unwrap().document
    }

    fn comment(&self, body: &str) -> TicketOp {
        TicketOp::AddComment {
            id: CommentId(self.ids.fresh()),
            visibility: Visibility::Public,
            side: AuthorSide::Staff,
            body: body.into(),
        }
    }
}

#[derive(Debug)]
struct Edited {
    document: Document,
    change: Option<Vec<u8>>,
}

fn read_ticket(document: &Document) -> Ticket {
    match document.read().unwrap() {
        State::Ticket(ticket) => *ticket,
        other => panic!("{other:?}"),
    }
}

fn refusal(result: Result<Edited, EditError>) -> Refusal {
    match result.unwrap_err() {
        EditError::Refused(refusal) => refusal,
        other => panic!("{other:?}"),
    }
}

fn verified(bytes: &[u8]) -> desk_docs::VerifiedChange {
    let hash = automerge::Change::from_bytes(bytes.to_vec()).unwrap().hash().0;
    verify(bytes, hash).unwrap()
}

#[test]
fn a_ticket_reads_as_it_was_written() {
    let world = World::new();
    let agent = world.person(Role::Agent);
    let document = world.ticket(agent);
    let edited = world
        .ticket_ops(
            document,
            agent,
            vec![
                TicketOp::SetStatus { status: Status::InProgress },
                TicketOp::SetPriority { priority: Priority::Critical },
                TicketOp::SetTag { tag: "принтер".into(), on: true },
                TicketOp::SetCustom { key: "room".into(), value: Some("214".into()) },
                TicketOp::SetTeam { team: Some("service-desk".into()) },
                world.comment("Проверьте **кабель**."),
            ],
        )
        .unwrap();
    let mut document = edited.document;
    let ticket = read_ticket(&document);
    assert_eq!((ticket.title.as_str(), ticket.description.as_str()), ("Принтер", "Не печатает"));
    assert_eq!((ticket.status, ticket.priority), (Status::InProgress, Priority::Critical));
    assert!(ticket.tags.contains("принтер"));
    assert_eq!(ticket.custom["room"], "214");
    assert_eq!(ticket.comments.len(), 1);
    assert_eq!(ticket.comments[0].author, agent.member.to_string());
    assert_eq!(ticket.log.len(), 7);
    assert!(ticket.log.iter().any(|entry| entry.event
        == LogEvent::Priority { from: Priority::Medium, to: Priority::Critical }));
    let again = Document::load(document.id(), DocKind::Ticket, &document.save()).unwrap();
    assert_eq!(read_ticket(&again), ticket);
}

#[test]
fn writing_what_is_there_already_makes_no_change() {
    let world = World::new();
    let agent = world.person(Role::Agent);
    let document = world.ticket(agent);
    let ops = vec![
        TicketOp::SetTitle { title: "Принтер".into() },
        TicketOp::SetStatus { status: Status::Open },
        TicketOp::SetTag { tag: "нет".into(), on: false },
        TicketOp::SetCustom { key: "room".into(), value: None },
        TicketOp::SetAssignee { assignee: None },
    ];
    assert!(world.ticket_ops(document, agent, ops).unwrap().change.is_none());
}

#[test]
fn concurrent_values_are_both_kept_and_shown() {
    let world = World::new();
    let (anna, boris) = (world.person(Role::Agent), world.person(Role::Agent));
    let base = world.ticket(anna);
    let one = world
        .ticket_ops(base.clone(), anna, vec![TicketOp::SetPriority { priority: Priority::High }])
        .unwrap();
    let two = world
        .ticket_ops(
            base,
            boris,
            vec![TicketOp::SetPriority { priority: Priority::Low }, world.comment("привет")],
        )
        .unwrap();
    let (mut left, mut right) = (one.document, two.document);
    left.apply(vec![verified(&two.change.unwrap())]).unwrap();
    right.apply(vec![verified(&one.change.unwrap())]).unwrap();
    assert_eq!(left.heads(), right.heads());
    let ticket = read_ticket(&left);
    assert_eq!(ticket, read_ticket(&right));
    let [conflict] = ticket.conflicts.as_slice() else { panic!("{:?}", ticket.conflicts) };
    assert_eq!(conflict.field, "priority");
    assert_eq!(conflict.values[0].value.as_deref(), Some(ticket.priority.as_str()), "the winner first");
    let by: Vec<&str> = conflict.values.iter().map(|value| value.by.as_str()).collect();
    assert!(
        by.contains(&anna.member.to_string().as_str()) && by.contains(&boris.member.to_string().as_str())
    );

    let loser = conflict.values[1].value.clone().unwrap().parse().unwrap();
    let settled = world.ticket_ops(left, anna, vec![TicketOp::SetPriority { priority: loser }]).unwrap();
    let ticket = read_ticket(&settled.document);
    assert!(ticket.conflicts.is_empty());
    assert_eq!(ticket.priority, loser);
}

#[test]
fn a_conflict_tells_who_wrote_each_value_and_since_when_the_device_had_been_offline() {
    let world = World::new();
    let (anna, boris) = (world.person(Role::Agent), world.person(Role::Agent));
    let base = world.ticket(anna);
    let online = world
        .ticket_ops(base.clone(), anna, vec![TicketOp::SetPriority { priority: Priority::High }])
        .unwrap();
    let since = NOW.plus_ms(-3_600_000);
    let told_at = NOW.plus_ms(-60_123);
    let op = TicketOp::SetPriority { priority: Priority::Low };
    let edit =
        Edit { doc: base.id(), ops: Ops::Ticket(vec![Stamped::new(told_at, boris.member.to_string(), op)]) };
    // As a replay makes it: the step keeps its instant, the change is made later.
    let (_, change) =
        base.edit_offline(&world.author(boris), &edit, NOW.plus_ms(5_000), &world.ids, Some(since)).unwrap();
    let change = verified(&change.unwrap().bytes);
    assert_eq!(change.offline_since(), Some(since));
    let mut merged = online.document;
    merged.apply(vec![change]).unwrap();

    let ticket = read_ticket(&merged);
    let [conflict] = ticket.conflicts.as_slice() else { panic!("{:?}", ticket.conflicts) };
    let told = |priority: Priority| {
        let value = conflict.values.iter().find(|value| value.value.as_deref() == Some(priority.as_str()));
        let value = value.unwrap();
        (value.by.clone(), value.at, value.offline_since)
    };
    assert_eq!(told(Priority::High), (anna.member.to_string(), NOW, None));
    assert_eq!(told(Priority::Low), (boris.member.to_string(), told_at, Some(since)));
}

#[test]
fn an_edit_that_was_offline_since_the_future_is_refused() {
    let world = World::new();
    let agent = world.person(Role::Agent);
    let base = world.ticket(agent);
    let mut raw = AutoCommit::load(&base.clone().save()).unwrap().with_actor(actor_of(agent.device));
    raw.put(ROOT, "title", "told").unwrap();
    let (_, log) = raw.get(ROOT, "log").unwrap().unwrap();
    let entry = raw.put_object(&log, world.ids.fresh().to_string(), ObjType::Map).unwrap();
    let me = agent.member.to_string();
    for (key, value) in
        [("kind", "field"), ("by", me.as_str()), ("field", "title"), ("from", "Принтер"), ("to", "told")]
    {
        raw.put(&entry, key, value).unwrap();
    }
    raw.put(&entry, "at", ScalarValue::Timestamp(NOW.0)).unwrap();
    let judged = |since: UtcMillis| {
        let mut raw = raw.clone();
        let message = format!("offline_since={}", since.0);
        raw.commit_with(CommitOptions::default().with_message(message).with_time(NOW.0 / 1000));
        let change = verified(raw.get_last_local_change().unwrap().raw_bytes());
        judge(&base, &change, &world.author(agent), NOW)
    };
    assert_eq!(judged(NOW.plus_ms(-3_600_000)), Ok(()));
    let refused = judged(NOW.plus_ms(3_600_000));
    assert!(matches!(refused, Err(Refusal::Clock { ahead_s: 3_600 })), "{refused:?}");

    // On a device whose clock was corrected backwards, what it knows of the past stays the past.
    let edit = Edit {
        doc: base.id(),
        ops: Ops::Ticket(vec![Stamped::new(NOW, agent.member.to_string(), world.comment("x"))]),
    };
    let later = Some(NOW.plus_ms(86_400_000));
    let (_, change) = base.edit_offline(&world.author(agent), &edit, NOW, &world.ids, later).unwrap();
    assert_eq!(verified(&change.unwrap().bytes).offline_since(), Some(NOW));
}

#[test]
fn the_past_of_a_document_is_told_and_shown_as_its_authors_saw_it() {
    let world = World::new();
    let (anna, boris) = (world.person(Role::Agent), world.person(Role::Agent));
    let by = |person: Person, at: i64, op: TicketOp| {
        Ops::Ticket(vec![Stamped::new(NOW.plus_ms(at), person.member.to_string(), op)])
    };
    let edited = |doc: Document, person: Person, at: i64, op: TicketOp| {
        let edited = world.edit_at(doc, person, NOW.plus_ms(at), by(person, at, op)).unwrap();
        (edited.document, verified(&edited.change.unwrap()))
    };
    let base = world.ticket(anna);
    let (left, raised) =
        edited(base.clone(), anna, 1_000, TicketOp::SetPriority { priority: Priority::Urgent });
    let (_, commented) = edited(base, boris, 500, world.comment("еду"));
    let (mut left, retitled) = edited(left, anna, 2_000, TicketOp::SetTitle { title: "Плоттер".into() });
    let mut right = left.clone();
    // One device has the other's change at once, one hears of it last.
    left.apply(vec![commented.clone()]).unwrap();
    let (mut left, closed) = edited(left, boris, 3_000, TicketOp::SetStatus { status: Status::Closed });
    right.apply(vec![commented.clone(), closed.clone()]).unwrap();

    let history = left.history();
    assert_eq!(history, right.history());
    let hashes: Vec<[u8; 32]> = history.iter().map(|past| past.hash).collect();
    assert_eq!(hashes[1..], [commented.hash(), raised.hash(), retitled.hash(), closed.hash()]);
    assert_eq!(history[1].by, boris.member.to_string());
    assert_eq!(history[1].at, NOW.plus_ms(500));
    let ticket = read_ticket(&left);
    assert!(history.iter().all(|past| past.entries.len() == 1));
    assert!(history.iter().flat_map(|past| &past.entries).eq(ticket.log.iter().map(|entry| &entry.id)));

    let as_of = |document: &mut Document, hash| read_ticket(&document.as_of(hash).unwrap());
    let then = as_of(&mut left, commented.hash());
    assert_eq!(
        (then.priority, then.comments.len()),
        (Priority::Medium, 1),
        "he had not heard of the priority"
    );
    let then = as_of(&mut right, retitled.hash());
    assert_eq!((then.priority, then.title.as_str(), then.comments.len()), (Priority::Urgent, "Плоттер", 0));
    assert_eq!(as_of(&mut left, closed.hash()), ticket);
    assert!(left.as_of([7; 32]).is_none());
}

#[test]
fn two_equal_concurrent_values_are_no_conflict() {
    let world = World::new();
    let (anna, boris) = (world.person(Role::Agent), world.person(Role::Agent));
    let base = world.ticket(anna);
    let ops = || vec![TicketOp::SetStatus { status: Status::Pending }];
    let one = world.ticket_ops(base.clone(), anna, ops()).unwrap();
    let two = world.ticket_ops(base, boris, ops()).unwrap();
    let mut left = one.document;
    left.apply(vec![verified(&two.change.unwrap())]).unwrap();
    assert!(read_ticket(&left).conflicts.is_empty());
}

#[test]
fn limits_and_blanks_are_refused_with_what_to_do() {
    let world = World::new();
    let agent = world.person(Role::Agent);
    let check = |op: TicketOp, expected: &str| {
        let refusal = refusal(world.ticket_ops(world.ticket(agent), agent, vec![op]));
        assert!(refusal.to_string().contains(expected), "{refusal}");
    };
    check(TicketOp::SetTitle { title: "x".repeat(10_000) }, "longer than 500 characters");
    check(TicketOp::SetTitle { title: "  ".into() }, "title is empty");
    check(TicketOp::SetTitle { title: "a\nb".into() }, "several lines");
    check(world.comment(&"x".repeat(10_000_000)), "more than 1048576");
    check(world.comment(" \n"), "comment is empty");
    check(TicketOp::SetTag { tag: "я".repeat(201), on: true }, "longer than 200 characters");
    check(TicketOp::SetCustom { key: "k".into(), value: Some("x".repeat(20_000)) }, "more than 16384");
}

#[test]
fn the_rules_hold_on_the_device_as_on_the_server() {
    let world = World::new();
    let (agent, other, manager) =
        (world.person(Role::Agent), world.person(Role::Agent), world.person(Role::Manager));
    let deletion = || vec![TicketOp::SetDeleted { deleted: true }];
    assert!(matches!(
        refusal(world.ticket_ops(world.ticket(agent), agent, deletion())),
        Refusal::Denied(Denied::Role { role: Role::Agent, .. })
    ));
    assert!(world.ticket_ops(world.ticket(agent), manager, deletion()).is_ok());
    let closed =
        world.ticket_ops(world.ticket(agent), agent, vec![TicketOp::SetStatus { status: Status::Closed }]);
    let again = world.ticket_ops(
        closed.unwrap().document,
        agent,
        vec![TicketOp::SetStatus { status: Status::Pending }],
    );
    assert!(matches!(refusal(again), Refusal::Denied(Denied::Workflow { .. })));

    // The same change, judged for another member: signed with somebody else's name.
    let before = world.ticket(agent);
    let edited = world.ticket_ops(before.clone(), agent, vec![world.comment("моё")]).unwrap();
    let change = verified(&edited.change.unwrap());
    assert_eq!(judge(&before, &change, &world.author(agent), NOW), Ok(()));
    assert_eq!(
        judge(&edited.document, &change, &world.author(agent), NOW),
        Ok(()),
        "judged after it was applied"
    );
    assert!(matches!(
        judge(&before, &change, &world.author(other), NOW),
        Err(Refusal::Denied(Denied::ForeignSignature { .. }))
    ));
    assert!(matches!(
        judge(&before, &change, &world.author(agent), NOW.plus_ms(-3_600_000)),
        Err(Refusal::Clock { .. })
    ));
}

#[test]
fn an_import_retells_a_history_with_names_and_only_names() {
    let world = World::new();
    let agent = world.person(Role::Agent);
    let other = world.person(Role::Agent);
    let import = |author: &str| {
        let doc = Document::empty(DocId(world.ids.fresh()), DocKind::Ticket);
        let source = Source {
            system: "servicenow-csv".into(),
            key: "INC1".into(),
            imported_by: agent.member.to_string(),
        };
        let ticket = NewTicket { source: Some(source), ..NewTicket::titled("Imported") };
        let at = UtcMillis(1_456_700_000_000);
        let steps = vec![
            Stamped::new(at, author, TicketOp::Create { ticket }),
            Stamped::new(at.plus_ms(1), author, TicketOp::SetStatus { status: Status::InProgress }),
            Stamped::new(at.plus_ms(2), author, world.comment("done")),
            Stamped::new(at.plus_ms(3), author, TicketOp::SetStatus { status: Status::Resolved }),
        ];
        world.edit_at(doc, agent, NOW, Ops::Ticket(steps))
    };
    let ticket = read_ticket(&import("Updated by 21").unwrap().document);
    assert_eq!(ticket.status, Status::Resolved);
    assert_eq!(ticket.created_at, UtcMillis(1_456_700_000_000));
    assert_eq!(ticket.log.len(), 4);
    assert!(matches!(
        refusal(import(&other.member.to_string())),
        Refusal::Denied(Denied::ForeignSignature { .. })
    ));
}

#[test]
fn two_people_editing_one_article_merge_by_character() {
    let world = World::new();
    let (anna, boris) = (world.person(Role::Agent), world.person(Role::Agent));
    let ops = |by: Person, op| Ops::Article(vec![Stamped::new(NOW, by.member.to_string(), op)]);
    let create = ArticleOp::Create {
        title: "VPN".into(),
        body: "Шаг 1. Откройте клиент.\n".into(),
        category: None,
        tags: ["vpn".to_owned()].into(),
    };
    let doc = Document::empty(DocId(world.ids.fresh()), DocKind::Article);
    let base = world.edit_at(doc, anna, NOW, ops(anna, create)).unwrap().document;
    let edit = |by: Person, body: &str| {
        let op = ArticleOp::EditBody { base: None, body: body.into() };
        world.edit_at(base.clone(), by, NOW, ops(by, op)).unwrap()
    };
    let one = edit(anna, "Шаг 1. Откройте клиент VPN.\n");
    let two = edit(boris, "Шаг 1. Откройте клиент.\nШаг 2. Введите пароль 🔑.\n");
    let mut merged = one.document;
    merged.apply(vec![verified(&two.change.unwrap())]).unwrap();
    let State::Article(article) = merged.read().unwrap() else { panic!() };
    assert_eq!(article.body, "Шаг 1. Откройте клиент VPN.\nШаг 2. Введите пароль 🔑.\n");
    assert!(article.conflicts.is_empty());
    let publish = ArticleOp::SetStatus { status: ArticleStatus::Published };
    let published = {
        let later = Stamped::new(NOW.plus_ms(5), anna.member.to_string(), publish);
        world.edit_at(merged, anna, NOW.plus_ms(5), Ops::Article(vec![later])).unwrap().document
    };
    let State::Article(article) = published.read().unwrap() else { panic!() };
    assert_eq!((article.status, article.updated_at), (ArticleStatus::Published, NOW.plus_ms(5)));
}

#[test]
fn an_incident_reaches_its_milestones() {
    let world = World::new();
    let agent = world.person(Role::Agent);
    let step = |at: UtcMillis, op| Ops::Incident(vec![Stamped::new(at, agent.member.to_string(), op)]);
    let create = IncidentOp::Create {
        title: "Нет связи".into(),
        summary: String::new(),
        severity: Severity::P1,
        services: ["vpn".to_owned()].into(),
        impact_at: Some(NOW.plus_ms(-60_000)),
    };
    let doc = Document::empty(DocId(world.ids.fresh()), DocKind::Incident);
    let mut doc = world.edit_at(doc, agent, NOW, step(NOW, create)).unwrap().document;
    for (ms, op) in [
        (1000, IncidentOp::SetStatus { status: IncidentStatus::Investigating }),
        (2000, IncidentOp::AddNote { text: "маршрутизатор".into() }),
        (3000, IncidentOp::SetService { service: "почта".into(), on: true }),
        (4000, IncidentOp::SetStatus { status: IncidentStatus::Resolved }),
    ] {
        let at = NOW.plus_ms(ms);
        doc = world.edit_at(doc, agent, at, step(at, op)).unwrap().document;
    }
    let State::Incident(incident) = doc.read().unwrap() else { panic!() };
    assert_eq!(incident.timeline.len(), 5);
    let reached = |milestone| incident.milestones[&milestone].since(NOW);
    assert_eq!(reached(Milestone::Impact), -60_000);
    assert_eq!(reached(Milestone::Detected), 0);
    assert_eq!(reached(Milestone::Acknowledged), 1000);
    assert_eq!(reached(Milestone::Mitigated), 4000);
    assert_eq!(reached(Milestone::Resolved), 4000);
    assert_eq!(incident.services.len(), 2);
}

#[test]
fn settings_are_whole_entries_and_personal_ones_belong_to_their_owner() {
    let world = World::new();
    let (admin, manager) = (world.person(Role::Admin), world.person(Role::Manager));
    let step = |by: Person, op| Ops::Workspace(vec![Stamped::new(NOW, by.member.to_string(), op)]);
    let set =
        |section, value: &str| WorkspaceOp::Set { section, key: "it".into(), value: Some(value.into()) };
    let doc = Document::empty(DocId(world.ids.fresh()), DocKind::Workspace);
    let doc = world.edit_at(doc, admin, NOW, step(admin, WorkspaceOp::Create)).unwrap().document;
    let doc = world
        .edit_at(doc, admin, NOW, step(admin, set(Section::Teams, r#"{"key":"it","name":"ИТ"}"#)))
        .unwrap()
        .document;
    let broken = world.edit_at(doc.clone(), admin, NOW, step(admin, set(Section::Policies, "{}")));
    assert!(matches!(refusal(broken), Refusal::Invalid(Invalid::Schema { .. })));
    // Who sees a team's tickets hangs on its entry: it stays, is the team's that it is called by, and an admin's.
    let private = r#"{"key":"it","name":"ИТ","private":true}"#;
    let gone = WorkspaceOp::Set { section: Section::Teams, key: "it".into(), value: None };
    for op in [gone, set(Section::Teams, r#"{"key":"hr","name":"ИТ"}"#)] {
        let refused = world.edit_at(doc.clone(), admin, NOW, step(admin, op));
        assert!(matches!(refusal(refused), Refusal::Invalid(Invalid::Schema { .. })));
    }
    assert!(world.edit_at(doc.clone(), manager, NOW, step(manager, set(Section::Teams, private))).is_err());
    assert!(world.edit_at(doc.clone(), admin, NOW, step(admin, set(Section::Teams, private))).is_ok());
    assert!(
        world.edit_at(doc.clone(), manager, NOW, step(manager, set(Section::Categories, r#""ИТ""#))).is_ok()
    );
    assert!(world.edit_at(doc.clone(), manager, NOW, step(manager, set(Section::Flags, "true"))).is_err());
    let State::Workspace(workspace) = doc.read().unwrap() else { panic!() };
    assert_eq!(workspace.teams["it"].name, "ИТ");

    let personal = |by: Person, op| Ops::Personal(vec![Stamped::new(NOW, by.member.to_string(), op)]);
    let doc = Document::empty(DocId(world.ids.fresh()), DocKind::Personal);
    let doc = world.edit_at(doc, admin, NOW, personal(admin, PersonalOp::Create)).unwrap().document;
    let acknowledge = || PersonalOp::Acknowledge { alert: "x/breach/100/1".into() };
    assert!(world.edit_at(doc.clone(), manager, NOW, personal(manager, acknowledge())).is_err());
    let doc = world.edit_at(doc, admin, NOW, personal(admin, acknowledge())).unwrap().document;
    let State::Personal(personal) = doc.read().unwrap() else { panic!() };
    assert_eq!(personal.acknowledged["x/breach/100/1"], NOW);
}

fn escalation_policy() -> escalation::Policy {
    let level = Level { targets: vec![Target::Role { role: Role::Manager }], timeout_min: 5, email: true };
    escalation::Policy {
        name: "Сеть".into(),
        severities: [Severity::P1].into(),
        levels: vec![level],
        repeat: 1,
    }
}

fn incident_ops(by: Person, ops: Vec<IncidentOp>) -> Ops {
    Ops::Incident(ops.into_iter().map(|op| Stamped::new(NOW, by.member.to_string(), op)).collect())
}

fn read_incident(document: &Document) -> Incident {
    match document.read().unwrap() {
        State::Incident(incident) => *incident,
        other => panic!("{other:?}"),
    }
}

impl World {
    fn incident(&self, by: Person, more: Vec<IncidentOp>) -> Result<Edited, EditError> {
        let create = IncidentOp::Create {
            title: "Сеть".into(),
            summary: String::new(),
            severity: Severity::P1,
            services: ["VPN".to_owned()].into(),
            impact_at: None,
        };
        let doc = Document::empty(DocId(self.ids.fresh()), DocKind::Incident);
        self.edit_at(doc, by, NOW, incident_ops(by, std::iter::once(create).chain(more).collect()))
    }
}

#[test]
fn what_happens_to_an_incident_is_told_by_its_timeline() {
    let world = World::new();
    let admin = world.person(Role::Admin);
    let (rule, evidence) = ("burst".to_owned(), r#"{"count":12}"#.to_owned());
    let propose =
        || IncidentOp::Propose { rule: rule.clone(), severity: Severity::P2, evidence: evidence.clone() };
    let policy = Box::new(escalation_policy());
    let (members, until) = (vec![admin.member], NOW.plus_ms(1_800_000));
    let text = "Работаем".to_owned();
    let ops = vec![
        IncidentOp::AddUpdate { visibility: Visibility::Public, text: text.clone() },
        IncidentOp::Confirm,
        IncidentOp::Dismiss { text: String::new() },
        IncidentOp::StartEscalation { policy: policy.clone() },
        IncidentOp::Page { level: 1, cycle: 2, members: members.clone(), email: Vec::new() },
        IncidentOp::Acknowledge { until: Some(until) },
        IncidentOp::ExpireAcknowledgement,
        IncidentOp::Acknowledge { until: None },
        IncidentOp::EndEscalation { reason: EndReason::Exhausted },
    ];
    let document = world.incident(admin, vec![propose()]).unwrap().document;
    assert!(read_incident(&document).is_proposed());
    let document = world.edit_at(document, admin, NOW, incident_ops(admin, ops)).unwrap().document;
    let incident = read_incident(&document);
    let events: Vec<TimelineEvent> = incident.timeline.iter().map(|entry| entry.event.clone()).collect();
    assert_eq!(
        events,
        [
            TimelineEvent::Created { severity: Severity::P1 },
            TimelineEvent::Proposed {
                rule: rule.clone(),
                severity: Severity::P2,
                evidence: evidence.clone()
            },
            TimelineEvent::Update { visibility: Visibility::Public, text },
            TimelineEvent::Confirmed,
            TimelineEvent::Dismissed { text: String::new() },
            TimelineEvent::EscalationStarted { policy },
            TimelineEvent::Paged { level: 1, cycle: 2, members, email: Vec::new() },
            TimelineEvent::Acknowledged { until: Some(until) },
            TimelineEvent::AcknowledgementExpired,
            TimelineEvent::Acknowledged { until: None },
            TimelineEvent::EscalationEnded { reason: EndReason::Exhausted },
        ]
    );
    assert!(!incident.is_proposed());
    assert_eq!(incident.milestones[&Milestone::Acknowledged], NOW);
    // A proposal is made with its incident or not at all.
    let late = world.edit_at(document, admin, NOW, incident_ops(admin, vec![propose()]));
    assert!(matches!(refusal(late), Refusal::Invalid(_)));
}

#[test]
fn the_steps_of_an_escalation_are_the_servers_and_each_is_written_once() {
    let world = World::new();
    let (agent, manager, admin) =
        (world.person(Role::Agent), world.person(Role::Manager), world.person(Role::Admin));
    let page = || IncidentOp::Page { level: 1, cycle: 1, members: vec![agent.member], email: Vec::new() };
    let steps = || {
        let policy = Box::new(escalation_policy());
        let reason = EndReason::Nobody;
        [
            IncidentOp::StartEscalation { policy },
            page(),
            IncidentOp::ExpireAcknowledgement,
            IncidentOp::EndEscalation { reason },
        ]
    };
    let document = world.incident(agent, Vec::new()).unwrap().document;
    for step in steps() {
        for person in [agent, manager] {
            let refused =
                world.edit_at(document.clone(), person, NOW, incident_ops(person, vec![step.clone()]));
            assert!(matches!(refusal(refused), Refusal::Denied(Denied::Role { .. })), "{step:?}");
            // Nor can they tell it of an incident that they make.
            assert!(world.incident(person, vec![step.clone()]).is_err(), "{step:?}");
        }
        assert!(world.edit_at(document.clone(), admin, NOW, incident_ops(admin, vec![step])).is_ok());
    }
    // Everybody who works on incidents takes and confirms them.
    let until = Some(NOW.plus_ms(1));
    for step in
        [IncidentOp::Acknowledge { until }, IncidentOp::Confirm, IncidentOp::Dismiss { text: "нет".into() }]
    {
        assert!(world.edit_at(document.clone(), agent, NOW, incident_ops(agent, vec![step])).is_ok());
    }
    let reversed = incident_ops(agent, vec![IncidentOp::Acknowledge { until: Some(NOW) }]);
    assert!(matches!(refusal(world.edit_at(document.clone(), agent, NOW, reversed)), Refusal::Invalid(_)));
    let unusable = Box::new(escalation::Policy { levels: Vec::new(), ..escalation_policy() });
    let unusable = incident_ops(admin, vec![IncidentOp::StartEscalation { policy: unusable }]);
    assert!(matches!(refusal(world.edit_at(document.clone(), admin, NOW, unusable)), Refusal::Invalid(_)));
    let level_0 = IncidentOp::Page { level: 0, cycle: 1, members: Vec::new(), email: Vec::new() };
    let level_0 = incident_ops(admin, vec![level_0]);
    assert!(matches!(refusal(world.edit_at(document.clone(), admin, NOW, level_0)), Refusal::Invalid(_)));

    let entry = Some(desk_domain::ids::EntryId(world.ids.fresh()));
    let once = || {
        let by = admin.member.to_string();
        Ops::Incident(vec![Stamped { at: NOW, by, entry, op: page() }])
    };
    let written = world.edit_at(document, admin, NOW, once()).unwrap();
    assert!(written.change.is_some());
    let again = world.edit_at(written.document, admin, NOW.plus_ms(5), once()).unwrap();
    assert!(again.change.is_none(), "the same step is the same entry");
}

#[test]
fn settings_that_an_older_program_made_get_their_new_sections_from_the_server_alone() {
    let world = World::new();
    let (old, admin) = settings_without_sections(&world);
    let id = old.id();
    let State::Workspace(workspace) = old.read().unwrap() else { panic!() };
    assert!(workspace.escalations.is_empty() && workspace.schedules.is_empty());

    let set = || {
        let json = serde_json::to_string(&escalation_policy()).unwrap();
        WorkspaceOp::Set { section: Section::Escalations, key: "net".into(), value: Some(json) }
    };
    let step = |op| Ops::Workspace(vec![Stamped::new(NOW, admin.member.to_string(), op)]);
    let early = world.edit_at(old.clone(), admin, NOW, step(set()));
    assert!(matches!(early.unwrap_err(), EditError::WrongPlace(_)));
    // A member's device makes no sections.
    let mut by_hand = AutoCommit::load(&old.clone().save()).unwrap().with_actor(actor_of(admin.device));
    by_hand.put_object(ROOT, Section::Escalations.as_str(), ObjType::Map).unwrap();
    by_hand.commit();
    let change = verified(by_hand.get_last_local_change().unwrap().raw_bytes());
    let judged = judge(&old, &change, &world.author(admin), NOW);
    assert!(matches!(judged, Err(Refusal::Denied(Denied::Role { .. }))), "{judged:?}");

    let entries = default_escalations();
    let (completed, made) = old.clone().complete(&entries).unwrap();
    assert_eq!(made.len(), Section::LATER.len() + 1);
    assert!(!completed.lacks_sections());
    assert!(completed.clone().complete(&entries).unwrap().1.is_empty());
    let written = world.edit_at(completed, admin, NOW, step(set())).unwrap().document;
    let State::Workspace(workspace) = written.read().unwrap() else { panic!() };
    assert_eq!(workspace.escalations["net"], escalation_policy());
    assert_eq!(workspace.escalations.len(), entries.len() + 1);
    assert!(
        world.ticket(admin).complete(&entries).is_err()
            && Document::empty(id, DocKind::Workspace).complete(&[]).is_err()
    );
}

/// Settings of before there were sections for escalation, and whoever made them.
fn settings_without_sections(world: &World) -> (Document, Person) {
    let admin = world.person(Role::Admin);
    let id = DocId(world.ids.fresh());
    let mut old = AutoCommit::new().with_actor(actor_of(admin.device));
    old.put(ROOT, "schema", 1).unwrap();
    old.put(ROOT, "kind", "workspace").unwrap();
    old.put(ROOT, "id", id.to_string()).unwrap();
    for section in Section::ALL {
        if !Section::LATER.contains(&section) {
            old.put_object(ROOT, section.as_str(), ObjType::Map).unwrap();
        }
    }
    (Document::load(id, DocKind::Workspace, &old.save()).unwrap(), admin)
}

#[test]
fn sections_that_are_made_twice_are_the_same_and_lose_nothing() {
    let world = World::new();
    let (backup, admin) = settings_without_sections(&world);
    let step = |op| Ops::Workspace(vec![Stamped::new(NOW, admin.member.to_string(), op)]);
    let set =
        |section, key: &str, json: String| WorkspaceOp::Set { section, key: key.into(), value: Some(json) };
    let category = set(Section::Categories, "x", r#""Икс""#.into());
    let later = world.edit_at(backup.clone(), admin, NOW, step(category)).unwrap().document;
    let mut policy = escalation_policy();
    policy.name = "Наша".into();
    let policy_json = serde_json::to_string(&policy).unwrap();

    // The server completes what was edited since the backup, and people write into the sections: anew, and over what they began with.
    let entries = default_escalations();
    let (device, made) = later.complete(&entries).unwrap();
    let service = set(Section::Services, "pos", r#"{"name":"Кассы"}"#.into());
    let device = world.edit_at(device, admin, NOW, step(service)).unwrap().document;
    let over = set(Section::Escalations, "default-p1", policy_json.clone());
    let device = world.edit_at(device, admin, NOW, step(over)).unwrap().document;
    let gone = WorkspaceOp::Set { section: Section::Escalations, key: "default-p2".into(), value: None };
    let device = world.edit_at(device, admin, NOW, step(gone)).unwrap().document;

    // It is restored from the backup and completes that; then what the device has is sent to it again.
    let check = |restored: Document, what: &str| {
        let mut restored = restored;
        restored.apply(device.clone().changes()).unwrap();
        let State::Workspace(settings) = restored.read().unwrap() else { panic!() };
        assert_eq!(settings.services["pos"].name, "Кассы", "{what}");
        assert_eq!(settings.escalations["default-p1"], policy, "{what}");
        assert!(!settings.escalations.contains_key("default-p2"), "{what}");
        assert!(settings.escalations.contains_key("default-p3"), "{what}");
        restored
    };
    let (restored, again) = backup.clone().complete(&entries).unwrap();
    let hashes = |made: &[desk_docs::NewChange]| made.iter().map(|change| change.hash).collect::<Vec<_>>();
    assert_eq!(hashes(&made), hashes(&again));
    let mut merged = check(restored, "the same program");
    assert_eq!(merged.heads(), device.clone().heads());

    // By a program with other policies to begin with, and by one that knew fewer sections before.
    let mut other = entries.clone();
    other[0].2 = serde_json::to_string(&escalation_policy()).unwrap();
    let (restored, made) = backup.complete(&other).unwrap();
    assert_eq!(made.iter().filter(|change| again.iter().any(|same| same.hash == change.hash)).count(), 4);
    check(restored, "another program");
}

#[test]
fn settings_of_escalation_that_cannot_be_used_are_refused_with_a_reason() {
    let world = World::new();
    let (admin, manager, agent) =
        (world.person(Role::Admin), world.person(Role::Manager), world.person(Role::Agent));
    let step = |by: Person, op| Ops::Workspace(vec![Stamped::new(NOW, by.member.to_string(), op)]);
    let doc = Document::empty(DocId(world.ids.fresh()), DocKind::Workspace);
    let doc = world.edit_at(doc, admin, NOW, step(admin, WorkspaceOp::Create)).unwrap().document;
    let set = |section, json: &str| WorkspaceOp::Set { section, key: "k".into(), value: Some(json.into()) };
    let written = |by, section, json: &str| world.edit_at(doc.clone(), by, NOW, step(by, set(section, json)));
    let schedule = |members: &str| {
        format!(
            r#"{{"name":"Сеть","zone":"Asia/Almaty","layers":[{{"name":"1","members":[{members}],"rotation":{{"every":"week"}},"starts":"2026-11-16T09:00:00"}}]}}"#
        )
    };
    let someone = format!("{:?}", admin.member.to_string());
    assert!(written(manager, Section::Schedules, &schedule(&someone)).is_ok());
    assert!(written(agent, Section::Schedules, &schedule(&someone)).is_err());
    let refused = [
        (Section::Schedules, schedule(""), "no members"),
        (Section::Escalations, r#"{"name":"x","levels":[]}"#.to_owned(), "no levels"),
        (
            Section::Escalations,
            r#"{"name":"x","levels":[{"targets":[],"timeout_min":5}]}"#.to_owned(),
            "tells nobody",
        ),
        (Section::Services, r#"{"name":" "}"#.to_owned(), "no name"),
        (Section::Services, "7".to_owned(), "not what it should be"),
    ];
    for (section, json, reason) in refused {
        let error = refusal(written(manager, section, &json)).to_string();
        assert!(error.contains(reason), "{error}");
    }
}

#[test]
fn broken_calendars_and_policies_are_refused_with_the_reason() {
    let world = World::new();
    let (admin, manager, agent) =
        (world.person(Role::Admin), world.person(Role::Manager), world.person(Role::Agent));
    let edit = |doc: &Document, by: Person, ops: Vec<WorkspaceOp>| {
        let ops = ops.into_iter().map(|op| Stamped::new(NOW, by.member.to_string(), op)).collect();
        world.edit_at(doc.clone(), by, NOW, Ops::Workspace(ops))
    };
    let set = |section, key: &str, value: Option<serde_json::Value>| WorkspaceOp::Set {
        section,
        key: key.to_owned(),
        value: value.map(|value| value.to_string()),
    };
    let calendar = |value| set(Section::Calendars, "office", Some(value));
    let policy = |value| set(Section::Policies, "gold", Some(value));
    let office = || json!({"zone": "UTC", "hours": {"mon": [["09:00", "18:00"]]}});
    let gold = || json!({"key": "gold", "name": "Золото", "calendar": "office", "targets": {"high": {"resolution_min": 60}}});
    let with = |mut value: serde_json::Value, pointer: &str, new: serde_json::Value| {
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        value.pointer_mut(parent).unwrap()[key] = new;
        value
    };
    let empty = Document::empty(DocId(world.ids.fresh()), DocKind::Workspace);
    let doc = edit(&empty, admin, vec![WorkspaceOp::Create]).unwrap().document;
    // One change may write both, whichever comes first.
    let doc = edit(&doc, manager, vec![policy(gold()), calendar(office())]).unwrap().document;

    let refused = |ops: Vec<WorkspaceOp>, expected: &str| match refusal(edit(&doc, manager, ops)) {
        Refusal::Invalid(Invalid::Schema { message, .. }) => {
            assert!(message.contains(expected), "{message}");
        }
        other => panic!("{expected}: {other:?}"),
    };
    refused(vec![calendar(with(office(), "/zone", json!("Mars")))], "no IANA time zone");
    refused(vec![calendar(with(office(), "/hours", json!({})))], "never open");
    let monday = UtcMillis(1_767_571_200_000); // 2026-01-05
    let closed: Vec<String> =
        (0..60).map(|week| monday.plus_ms(week * 604_800_000).to_string()[..10].to_owned()).collect();
    refused(vec![calendar(with(office(), "/holidays", json!(closed)))], "closed for a year");
    let windows = |windows: serde_json::Value| vec![calendar(with(office(), "/hours/mon", windows))];
    refused(windows(json!([["18:00", "09:00"]])), "ends before it begins");
    refused(windows(json!([["09:00", "13:00"], ["12:00", "18:00"]])), "overlap");
    refused(windows(json!([["9", "13:00"]])), "no time of day");
    refused(vec![policy(with(gold(), "/key", json!("silver")))], "is of the policy silver");
    refused(vec![policy(with(gold(), "/name", json!(" ")))], "no name");
    refused(vec![policy(with(gold(), "/targets", json!({})))], "no target");
    refused(vec![policy(with(gold(), "/targets/high", json!({"resolution_min": -5})))], "no sensible time");
    refused(vec![policy(with(gold(), "/warn_percent", json!([100])))], "100 %");
    refused(vec![policy(with(gold(), "/warn_percent", json!([300])))], "not what it should be");
    refused(vec![policy(with(gold(), "/calendar", json!("night")))], "which is not there");
    refused(vec![set(Section::Calendars, "office", None)], "the policy gold counts by the calendar office");

    assert!(matches!(
        refusal(edit(&doc, agent, vec![policy(with(gold(), "/name", json!("Иное")))])),
        Refusal::Denied(Denied::Role { .. })
    ));
    // Both go in one change; and what nobody counts by goes alone.
    let retired = vec![set(Section::Calendars, "office", None), set(Section::Policies, "gold", None)];
    let doc = edit(&doc, manager, retired).unwrap().document;
    let State::Workspace(workspace) = doc.read().unwrap() else { panic!() };
    assert!(workspace.policies.is_empty() && workspace.calendars.is_empty());
}

#[test]
fn an_altered_change_never_reaches_a_document() {
    let world = World::new();
    let agent = world.person(Role::Agent);
    let edited = world.ticket_ops(world.ticket(agent), agent, vec![world.comment("привет")]).unwrap();
    let bytes = edited.change.unwrap();
    let hash = verified(&bytes).hash();
    for at in 0..bytes.len() {
        let mut altered = bytes.clone();
        altered[at] ^= 0x20;
        assert!(verify(&altered, hash).is_err(), "byte {at}");
    }
    for end in 0..bytes.len() {
        assert!(verify(&bytes[..end], hash).is_err(), "cut at {end}");
    }
    assert!(verify(&bytes, [0; 32]).is_err());
}

#[test]
fn a_damaged_snapshot_is_an_error_not_an_empty_document() {
    let world = World::new();
    let mut document = world.ticket(world.person(Role::Agent));
    let id = document.id();
    let snapshot = document.save();
    assert!(Document::load(id, DocKind::Ticket, &[]).is_err());
    assert!(Document::load(id, DocKind::Ticket, &snapshot[..snapshot.len() / 2]).is_err());
    let mut altered = snapshot.clone();
    altered[snapshot.len() / 2] ^= 1;
    assert!(Document::load(id, DocKind::Ticket, &altered).is_err());
}

/// A document as it was stored, and stored again after so many edits by others.
fn stored_and_edited(world: &World, edits: usize) -> (Document, Vec<u8>) {
    let (anna, boris) = (world.person(Role::Agent), world.person(Role::Agent));
    let written = world.ticket(anna).save();
    let mut document = Document::open(DocId(world.ids.fresh()), DocKind::Ticket, written).unwrap();
    let mut theirs = document.clone();
    for number in 0..edits {
        let edited = world.ticket_ops(theirs, boris, vec![world.comment(&number.to_string())]).unwrap();
        theirs = edited.document;
        document.apply(vec![verified(&edited.change.unwrap())]).unwrap();
    }
    let snapshot = document.snapshot();
    assert!(snapshot.opens);
    (document, snapshot.bytes)
}

#[test]
fn changes_stand_behind_the_document_that_was_opened_until_they_are_many() {
    let world = World::new();
    for edits in 1..30 {
        let (mut document, bytes) = stored_and_edited(&world, edits);
        assert_eq!(bytes != document.save(), edits <= 8, "{edits}");
        let mut opened = Document::open(document.id(), DocKind::Ticket, bytes.clone()).unwrap();
        assert_eq!((opened.heads(), opened.read()), (document.heads(), document.read()));
        assert_eq!(opened.snapshot().bytes, bytes, "nothing was written since");
    }
}

#[test]
fn long_changes_do_not_stand_behind_a_short_document() {
    let world = World::new();
    let agent = world.person(Role::Agent);
    let written = world.ticket(agent).save();
    let document = Document::open(DocId(world.ids.fresh()), DocKind::Ticket, written).unwrap();
    let long: String = (0..5_000).map(|number| number.to_string()).collect();
    let mut edited = world.ticket_ops(document, agent, vec![world.comment(&long)]).unwrap().document;
    assert_eq!(edited.snapshot().bytes, edited.save());
    // Behind a long one they do.
    let mut edited = world.ticket_ops(edited, agent, vec![world.comment("1")]).unwrap().document;
    assert_ne!(edited.snapshot().bytes, edited.save());
}

#[test]
fn what_nobody_has_opened_is_not_known_to_open() {
    let world = World::new();
    let agent = world.person(Role::Agent);
    let mut document = world.ticket(agent);
    let first = document.snapshot();
    assert_eq!((first.opens, first.bytes), (false, document.save()));
    // From then on, it is.
    let mut edited = world.ticket_ops(document, agent, vec![world.comment("1")]).unwrap().document;
    let second = edited.snapshot();
    assert!(second.opens && second.bytes != edited.save());
}

#[test]
fn a_damaged_change_behind_a_document_is_an_error() {
    let world = World::new();
    let (document, bytes) = stored_and_edited(&world, 2);
    let refuses = |bytes: &[u8]| Document::load(document.id(), DocKind::Ticket, bytes).is_err();
    let (written, _) = stored_and_edited(&world, 0);
    let start = written.clone().save().len();
    assert!(!refuses(&bytes));
    for at in start..bytes.len() {
        let mut altered = bytes.clone();
        altered[at] ^= 0x20;
        assert!(refuses(&altered), "byte {at}");
    }
    let opens: Vec<usize> = (start..bytes.len()).filter(|end| !refuses(&bytes[..*end])).collect();
    assert_eq!((opens.len(), opens.first()), (2, Some(&start)), "only between two of them");
    // One that builds on what is not there; a document where a change is to be.
    let second = *opens.last().unwrap();
    assert!(refuses(&[&bytes[..start], &bytes[second..]].concat()));
    assert!(refuses(&[&bytes[..start], &bytes[..start]].concat()));
    assert!(document.read().is_ok());
}

#[test]
fn a_change_whose_dependencies_are_missing_is_not_taken() {
    let world = World::new();
    let agent = world.person(Role::Agent);
    let base = world.ticket(agent);
    let one = world.ticket_ops(base.clone(), agent, vec![world.comment("1")]).unwrap();
    let two = world.ticket_ops(one.document, agent, vec![world.comment("2")]).unwrap();
    let mut far = base;
    assert!(far.apply(vec![verified(&two.change.unwrap())]).is_err());
}

#[test]
fn a_newer_schema_is_shown_and_not_edited() {
    let world = World::new();
    let agent = world.person(Role::Agent);
    let mut document = world.ticket(agent);
    let mut raw = AutoCommit::load(&document.save()).unwrap();
    raw.put(ROOT, "schema", 2_i64).unwrap();
    let newer = Document::load(document.id(), DocKind::Ticket, &raw.save()).unwrap();
    assert_eq!(newer.read(), Err(ReadError::NewerSchema { found: 2 }));
    let Some(State::Ticket(shown)) = newer.readable() else { panic!("{:?}", newer.readable()) };
    assert_eq!((shown.title.as_str(), shown.status, shown.schema), ("Принтер", Status::Open, 2));
    assert_eq!(shown.log.len(), 1);
    let edited = world.ticket_ops(newer, agent, vec![world.comment("x")]);
    assert!(matches!(edited.unwrap_err(), EditError::NewerSchema { found: 2 }));

    // Whatever else the newer version made of its fields, the rest is shown.
    raw.put(ROOT, "status", "parked").unwrap();
    raw.put_object(ROOT, "title", ObjType::Text).unwrap();
    raw.delete(ROOT, "log").unwrap();
    let newer = Document::load(document.id(), DocKind::Ticket, &raw.save()).unwrap();
    let Some(State::Ticket(shown)) = newer.readable() else { panic!("{:?}", newer.readable()) };
    assert_eq!((shown.title.as_str(), shown.priority), ("", Priority::Medium));
    assert_eq!(shown.created_at, NOW);
    assert!(world.ticket(agent).readable().is_none(), "what is read whole needs no such reading");
}

/// What a hostile client could send: each writes with the raw library what this crate never would.
#[test]
fn whatever_this_program_does_not_write_is_refused() {
    let world = World::new();
    let agent = world.person(Role::Agent);
    let base = world.ticket_ops(world.ticket(agent), agent, vec![world.comment("есть")]).unwrap().document;
    let hostile = |what: &str, write: &dyn Fn(&mut AutoCommit)| {
        let mut raw = AutoCommit::load(&base.clone().save()).unwrap().with_actor(actor_of(agent.device));
        write(&mut raw);
        raw.commit();
        let change = raw.get_last_local_change().unwrap();
        let result = review(&base, &verified(change.raw_bytes()));
        assert!(
            matches!(result, Err(Invalid::Schema { .. } | Invalid::TooLarge { .. })),
            "{what}: {result:?}"
        );
    };
    let told = |message: &'static str| {
        move |doc: &mut AutoCommit| {
            doc.put(ROOT, "title", "told").unwrap();
            doc.commit_with(CommitOptions::default().with_message(message));
        }
    };
    for message in ["hello", "offline_since=", "offline_since=-5", "offline_since=007", "offline_since=1 "] {
        hostile(message, &told(message));
    }
    hostile("a field of its own", &|doc| doc.put(ROOT, "hacked", "yes").unwrap());
    hostile("a removed field", &|doc| doc.delete(ROOT, "title").unwrap());
    hostile("a replaced map", &|doc| drop(doc.put_object(ROOT, "comments", ObjType::Map).unwrap()));
    hostile("a wrong type", &|doc| doc.put(ROOT, "title", 7_i64).unwrap());
    hostile("an unknown status", &|doc| doc.put(ROOT, "status", "great").unwrap());
    hostile("a title that the log does not tell of", &|doc| doc.put(ROOT, "title", "silent").unwrap());
    hostile("a moved birthday", &|doc| doc.put(ROOT, "created_at", 1_i64).unwrap());
    hostile("an emptied log", &|doc| {
        let (_, log) = doc.get(ROOT, "log").unwrap().unwrap();
        let key = doc.keys(&log).next().unwrap();
        doc.delete(&log, key.as_str()).unwrap();
    });
    hostile("somebody's comment rewritten", &|doc| {
        let (_, comments) = doc.get(ROOT, "comments").unwrap().unwrap();
        let key = doc.keys(&comments).next().unwrap();
        let (_, comment) = doc.get(&comments, key.as_str()).unwrap().unwrap();
        doc.put(&comment, "body", "rewritten").unwrap();
    });
    hostile("a comment that the log does not tell of", &|doc| {
        let (_, comments) = doc.get(ROOT, "comments").unwrap().unwrap();
        let id = world.ids.fresh().to_string();
        let comment = doc.put_object(&comments, id.as_str(), ObjType::Map).unwrap();
        for (key, value) in [("author", "me"), ("side", "staff"), ("visibility", "public"), ("body", "x")] {
            doc.put(&comment, key, value).unwrap();
        }
        doc.put(&comment, "created_at", automerge::ScalarValue::Timestamp(1)).unwrap();
        doc.put(&comment, "deleted", false).unwrap();
    });
    hostile("a log that tells of nothing", &|doc| {
        let (_, log) = doc.get(ROOT, "log").unwrap().unwrap();
        let entry = doc.put_object(&log, world.ids.fresh().to_string(), ObjType::Map).unwrap();
        for (key, value) in [("kind", "status"), ("by", "me"), ("from", "open"), ("to", "resolved")] {
            doc.put(&entry, key, value).unwrap();
        }
        doc.put(&entry, "at", automerge::ScalarValue::Timestamp(1)).unwrap();
    });
    hostile("a status that the clocks do not hear of", &|doc| {
        doc.put(ROOT, "status", "pending").unwrap();
        let (_, log) = doc.get(ROOT, "log").unwrap().unwrap();
        let entry = doc.put_object(&log, world.ids.fresh().to_string(), ObjType::Map).unwrap();
        for (key, value) in
            [("kind", "field"), ("by", "me"), ("field", "status"), ("from", "open"), ("to", "pending")]
        {
            doc.put(&entry, key, value).unwrap();
        }
        doc.put(&entry, "at", automerge::ScalarValue::Timestamp(1)).unwrap();
    });
    hostile("a value in the log that is no text", &|doc| {
        doc.put(ROOT, "title", "other").unwrap();
        let (_, log) = doc.get(ROOT, "log").unwrap().unwrap();
        let entry = doc.put_object(&log, world.ids.fresh().to_string(), ObjType::Map).unwrap();
        for (key, value) in [("kind", "field"), ("by", "me"), ("field", "title"), ("from", "x")] {
            doc.put(&entry, key, value).unwrap();
        }
        doc.put(&entry, "to", 5).unwrap();
        doc.put(&entry, "at", automerge::ScalarValue::Timestamp(1)).unwrap();
    });
    hostile("a withdrawal of a comment that is none", &|doc| {
        let (_, comments) = doc.get(ROOT, "comments").unwrap().unwrap();
        let key = doc.keys(&comments).next().unwrap();
        let (_, comment) = doc.get(&comments, key.as_str()).unwrap().unwrap();
        doc.put(&comment, "deleted", true).unwrap();
        let (_, log) = doc.get(ROOT, "log").unwrap().unwrap();
        for told in [key.as_str(), "garbage"] {
            let entry = doc.put_object(&log, world.ids.fresh().to_string(), ObjType::Map).unwrap();
            for (key, value) in [("kind", "comment_deleted"), ("by", "me"), ("comment", told)] {
                doc.put(&entry, key, value).unwrap();
            }
            doc.put(&entry, "at", automerge::ScalarValue::Timestamp(1)).unwrap();
        }
    });
    hostile("a list", &|doc| drop(doc.put_object(ROOT, "tags", ObjType::List).unwrap()));
}

#[test]
fn a_second_birth_is_refused() {
    let world = World::new();
    let agent = world.person(Role::Agent);
    let document = world.ticket(agent);
    let again = TicketOp::Create { ticket: NewTicket::titled("again") };
    assert!(matches!(world.ticket_ops(document, agent, vec![again]).unwrap_err(), EditError::WrongPlace(_)));
    let nothing = Document::empty(DocId(world.ids.fresh()), DocKind::Ticket);
    assert!(matches!(
        world.ticket_ops(nothing, agent, vec![world.comment("x")]).unwrap_err(),
        EditError::WrongPlace(_)
    ));
}

#[test]
fn what_an_edit_touches_is_what_the_permissions_are_asked_for() {
    let world = World::new();
    let agent = world.person(Role::Agent);
    let base = world.ticket(agent);
    let edited = world
        .ticket_ops(
            base.clone(),
            agent,
            vec![
                TicketOp::SetStatus { status: Status::Pending },
                TicketOp::SetCategory { category: Some("network".into()) },
            ],
        )
        .unwrap();
    let found = review(&base, &verified(&edited.change.unwrap())).unwrap();
    assert!(found.touches.contains(&Touch::Status { from: Some(Status::Open), to: Status::Pending }));
    assert!(found.touches.contains(&Touch::Field { field: "category".into() }));
    assert_eq!(found.newest_at, NOW);
}

fn any_op() -> impl Strategy<Value = u8> {
    any::<u8>()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    /// Three devices edit at random and exchange at random; in the end all read the same.
    #[test]
    fn whatever_the_order_everybody_reads_the_same(script in proptest::collection::vec((0usize..3, any_op()), 1..40)) {
        let world = World::new();
        let people = [world.person(Role::Agent), world.person(Role::Manager), world.person(Role::Admin)];
        let base = world.ticket(people[0]);
        let mut docs = [base.clone(), base.clone(), base];
        let mut changes: Vec<Vec<u8>> = Vec::new();
        for (who, op) in script {
            let ops = match op % 7 {
                0 => vec![TicketOp::SetTitle { title: format!("title {op}") }],
                1 => vec![TicketOp::SetPriority { priority: Priority::ALL[usize::from(op / 7) % 5] }],
                2 => vec![TicketOp::SetTag { tag: format!("t{}", op % 3), on: op > 100 }],
                3 => vec![world.comment("c")],
                4 => vec![TicketOp::SetCustom { key: "k".into(), value: (op > 100).then(|| op.to_string()) }],
                5 => vec![TicketOp::SetStatus { status: [Status::Open, Status::Pending, Status::InProgress][usize::from(op / 7) % 3] }],
                _ => {
                    let all = changes.iter().map(|bytes| verified(bytes)).collect();
                    docs[who].apply(all).unwrap();
                    continue;
                }
            };
            let edited = world.ticket_ops(docs[who].clone(), people[who], ops).unwrap();
            docs[who] = edited.document;
            changes.extend(edited.change);
        }
        for doc in &mut docs {
            doc.apply(changes.iter().map(|bytes| verified(bytes)).collect()).unwrap();
        }
        let first = read_ticket(&docs[0]);
        let heads = docs[0].heads();
        for doc in &mut docs[1..] {
            prop_assert_eq!(&read_ticket(doc), &first);
            prop_assert_eq!(&doc.heads(), &heads);
        }
        let again = Document::load(docs[0].id(), DocKind::Ticket, &docs[0].save()).unwrap();
        prop_assert_eq!(read_ticket(&again), first);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    /// Three devices edit, exchange, store and open again at random; what is stored is always what stands in memory.
    #[test]
    fn what_is_stored_is_what_stands_in_memory(
        script in proptest::collection::vec((0_usize..3, any_op(), any::<bool>()), 1..60),
    ) {
        let world = World::new();
        let people = [world.person(Role::Agent), world.person(Role::Manager), world.person(Role::Admin)];
        let base = world.ticket(people[0]);
        let mut docs = [base.clone(), base.clone(), base];
        let mut changes: Vec<Vec<u8>> = Vec::new();
        for (who, op, is_opened) in script {
            let doc = docs[who].clone();
            docs[who] = match op % 4 {
                0 => {
                    let mut doc = doc;
                    let all = changes.iter().rev().map(|bytes| verified(bytes)).collect();
                    doc.apply(all).unwrap();
                    doc
                }
                1 => world.ticket_ops(doc, people[who], vec![TicketOp::SetTitle { title: op.to_string() }])
                    .map(|edited| { changes.extend(edited.change); edited.document }).unwrap(),
                _ => world.ticket_ops(doc, people[who], vec![world.comment("c")])
                    .map(|edited| { changes.extend(edited.change); edited.document }).unwrap(),
            };
            let bytes = docs[who].snapshot().bytes;
            let mut opened = Document::open(docs[who].id(), DocKind::Ticket, bytes).unwrap();
            prop_assert_eq!(opened.heads(), docs[who].heads());
            prop_assert_eq!(read_ticket(&opened), read_ticket(&docs[who]));
            if is_opened {
                docs[who] = opened;
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    /// Three devices write a ticket's log at random, each with a clock of its own; whoever gets the changes, in whatever
    /// order, reads the same clocks.
    #[test]
    fn clocks_are_the_same_whatever_the_order_of_the_changes(
        script in proptest::collection::vec((0_usize..3, any::<u8>(), 0_i64..10_000_000), 1..30),
        skew_ms in proptest::collection::vec(-3_600_000_i64..600_000, 3),
        seeds in proptest::collection::vec(any::<u64>(), 3),
    ) {
        let world = World::new();
        let people = [world.person(Role::Agent), world.person(Role::Manager), world.person(Role::Admin)];
        let base = world.ticket(people[0]);
        let mut docs = [base.clone(), base.clone(), base.clone()];
        let mut changes: Vec<Vec<u8>> = Vec::new();
        let mut now = NOW;
        for (who, op, pause_ms) in script {
            now = now.plus_ms(pause_ms);
            let pick = usize::from(op / 8);
            let word = |words: [&str; 2]| (pick % 3 < 2).then(|| words[pick % 3].to_owned());
            let ops = match op % 8 {
                0 => vec![TicketOp::SetPriority { priority: Priority::ALL[pick % 5] }],
                1 | 2 => vec![TicketOp::SetStatus { status: Status::ALL[pick % 4] }],
                3 => vec![TicketOp::SetTag { tag: "gold".into(), on: pick % 2 == 0 }],
                4 => vec![TicketOp::SetRequester { requester: word(["anna@example.org", "boris"]) }],
                5 => vec![TicketOp::AddComment {
                    id: CommentId(world.ids.fresh()),
                    visibility: Visibility::Public,
                    side: if pick % 2 == 0 { AuthorSide::Requester } else { AuthorSide::Staff },
                    body: "c".into(),
                }],
                6 => vec![TicketOp::SetCategory { category: word(["network", "access"]) }],
                _ => {
                    docs[who].apply(changes.iter().map(|bytes| verified(bytes)).collect()).unwrap();
                    continue;
                }
            };
            let at = now.plus_ms(skew_ms[who]);
            let by = people[who].member.to_string();
            let ops = Ops::Ticket(ops.into_iter().map(|op| Stamped::new(at, by.clone(), op)).collect());
            // A move that the workflow does not have is refused, and the device goes on without it.
            if let Ok(edited) = world.edit_at(docs[who].clone(), people[who], at, ops) {
                docs[who] = edited.document;
                changes.extend(edited.change);
            }
        }
        let rules = gold_and_ordinary();
        let read = |order: &[Vec<u8>]| {
            let mut doc = base.clone();
            doc.apply(order.iter().map(|bytes| verified(bytes)).collect()).unwrap();
            let ticket = read_ticket(&doc);
            [0, 1, 5, 50].map(|hours| clocks(&ticket, &rules, now.plus_ms(hours * 3_600_000)))
        };
        let expected = read(&changes);
        for seed in seeds {
            let mut shuffled = changes.clone();
            let mut state = seed;
            for index in (1..shuffled.len()).rev() {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                shuffled.swap(index, usize::try_from(state >> 33).unwrap() % (index + 1));
            }
            prop_assert_eq!(&read(&shuffled), &expected, "seed {}", seed);
        }
        // The devices themselves, which had the changes in pieces.
        for doc in &mut docs {
            doc.apply(changes.iter().map(|bytes| verified(bytes)).collect()).unwrap();
            prop_assert_eq!(&clocks(&read_ticket(doc), &rules, now), &expected[0]);
        }
    }
}

/// A policy for golden tickets that looks at all that a policy can look at, and one for the rest.
fn gold_and_ordinary() -> CompiledRules {
    let policy = |value: serde_json::Value| serde_json::from_value(value).unwrap();
    let row = |minutes: i64| json!({"first_response_min": minutes, "next_response_min": minutes, "resolution_min": 4 * minutes});
    let targets = |minutes: i64| json!({"low": row(8 * minutes), "medium": row(4 * minutes), "high": row(2 * minutes), "urgent": row(minutes)});
    SlaRules {
        policies: vec![
            policy(json!({
                "key": "gold", "name": "gold", "calendar": "office", "targets": targets(30),
                "when": {"tags": ["gold"], "requesters": ["@example.org"], "categories": ["network"]}
            })),
            policy(json!({"key": "rest", "name": "rest", "calendar": "always", "targets": targets(60)})),
        ],
        calendars: [
            ("always".to_owned(), Calendar::always()),
            (
                "office".to_owned(),
                serde_json::from_value(json!({
                    "zone": "Asia/Almaty", "hours": {"mon": [["09:00", "18:00"]], "tue": [["09:00", "18:00"]],
                    "wed": [["09:00", "18:00"]], "thu": [["09:00", "18:00"]], "fri": [["09:00", "18:00"]]}
                }))
                .unwrap(),
            ),
        ]
        .into(),
    }
    .compile()
}

/// A chunk of Automerge's format with the checksum that it needs, and its hash: whoever is hostile computes them, too.
fn chunk(kind: u8, body: &[u8]) -> (Vec<u8>, [u8; 32]) {
    let mut tail = vec![kind];
    let mut length = body.len();
    while length > 0x7f {
        tail.push(u8::try_from(length & 0x7f).unwrap() | 0x80);
        length >>= 7;
    }
    tail.push(u8::try_from(length).unwrap());
    tail.extend_from_slice(body);
    let hash: [u8; 32] = Sha256::digest(&tail).into();
    ([&[0x85, 0x6f, 0x4a, 0x83], &hash[..4], &tail].concat(), hash)
}

fn body(chunk: &[u8]) -> &[u8] {
    let length_bytes = chunk[9..].iter().take_while(|byte| **byte > 0x7f).count() + 1;
    &chunk[9 + length_bytes..]
}

#[test]
fn a_change_in_another_encoding_is_refused() {
    let world = World::new();
    let agent = world.person(Role::Agent);
    let made = world.ticket_ops(world.ticket(agent), agent, vec![world.comment("Готово")]).unwrap();
    let bytes = made.change.unwrap();
    let (same, hash) = chunk(1, body(&bytes));
    assert_eq!((same, verify(&bytes, hash).is_ok()), (bytes.clone(), true));
    // A run of one value where Automerge writes a single value: the same operations, another hash.
    let mut tried = 0;
    for at in (0..body(&bytes).len()).filter(|at| body(&bytes)[*at] == 0x7f) {
        let mut other = body(&bytes).to_vec();
        other[at] = 1;
        let (other, hash) = chunk(1, &other);
        assert!(verify(&other, hash).is_err(), "at {at}");
        tried += 1;
    }
    assert!(tried > 3, "{tried}");
}

#[test]
fn a_change_of_nothing_is_refused() {
    let mut doc = AutoCommit::new();
    let hash = doc.empty_change(CommitOptions::default());
    let change = doc.get_change_by_hash(&hash).unwrap();
    assert!(verify(change.raw_bytes(), hash.0).is_err());
}

#[test]
fn a_compressed_change_is_refused_before_it_is_unpacked() {
    let mut doc = AutoCommit::new();
    doc.put(ROOT, "title", "а".repeat(10_000)).unwrap();
    doc.commit();
    let mut change = doc.get_last_local_change().unwrap();
    let hash = change.hash().0;
    assert!(verify(change.raw_bytes(), hash).is_ok());
    let compressed = change.bytes().to_vec();
    assert!(compressed.len() < 1_000 && verify(&compressed, hash).is_err());
}

#[test]
fn a_run_of_more_operations_than_fit_into_memory_is_refused() {
    // No dependencies, an actor, sequence number 1, first operation 1, time 0, no message, no other actors, and one
    // column (the action): 2^60 times the same.
    let mut hostile = vec![0, 16];
    hostile.extend([7; 16]);
    hostile.extend([1, 1, 0, 0, 0, 1, 0x42, 10]);
    hostile.extend([0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10, 1]);
    let (change, hash) = chunk(1, &hostile);
    assert!(verify(&change, hash).unwrap_err().to_string().contains("more operations"));
    // The same column among the operations of a document without actors, heads and changes.
    let (snapshot, _) = chunk(0, &[&[0, 0, 0][..], &hostile[23..]].concat());
    let opened = Document::load(DocId(uuid_v7(NOW, [1; 10])), DocKind::Ticket, &snapshot);
    assert!(opened.unwrap_err().reason.contains("more operations"));
}

#[test]
fn a_change_is_no_snapshot() {
    let world = World::new();
    let agent = world.person(Role::Agent);
    let made = world.ticket_ops(world.ticket(agent), agent, vec![world.comment("Готово")]).unwrap();
    assert!(Document::load(made.document.id(), DocKind::Ticket, &made.change.unwrap()).is_err());
}
