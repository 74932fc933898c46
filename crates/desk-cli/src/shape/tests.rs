//! The shapes, pinned.

use desk_api::view::TicketRow;
use desk_domain::{
    alert::{AlertKey, AlertRule, AlertState},
    article::Article,
    ids::{DocKind, EntryId, MemberId, uuid_v7},
    incident::TimelineEvent,
    people::{Member, Role},
    ticket::{AuthorSide, ConflictValue, LogEvent},
    workspace::Workflow,
};
use uuid::Uuid;

use super::*;

fn uuid(n: u8) -> Uuid {
    uuid_v7(UtcMillis(1_763_715_600_000), [n; 10])
}

fn at(minute: i64) -> UtcMillis {
    UtcMillis(1_763_715_600_000 + minute * 60_000)
}

fn settings() -> Workspace {
    let member = Member {
        id: MemberId(uuid(1)),
        name: "Ольга".into(),
        email: "olga@example.org".into(),
        role: Role::Agent,
        teams: BTreeSet::new(),
        active: true,
    };
    Workspace {
        id: DocId(uuid(9)),
        name: "Test".into(),
        zone: "UTC".into(),
        members: BTreeMap::from([(member.id, member)]),
        teams: BTreeMap::new(),
        categories: BTreeMap::new(),
        workflow: Workflow::default(),
        calendars: BTreeMap::new(),
        policies: BTreeMap::new(),
        escalations: BTreeMap::new(),
        schedules: BTreeMap::new(),
        services: BTreeMap::new(),
        detection: BTreeMap::new(),
        schema: 1,
    }
}

fn me() -> String {
    MemberId(uuid(1)).to_string()
}

fn ticket() -> Ticket {
    let comment = CommentId(uuid(5));
    let entry = |n, minute, event| LogEntry { id: EntryId(uuid(n)), at: at(minute), by: me(), event };
    Ticket {
        id: DocId(uuid(2)),
        title: "Printer".into(),
        description: "No paper".into(),
        status: Status::InProgress,
        priority: Priority::High,
        category: Some("hardware".into()),
        assignee: Some(me()),
        team: None,
        requester: Some("Caller 12".into()),
        tags: ["vip".to_owned()].into(),
        custom: BTreeMap::from([("room".to_owned(), "12".to_owned())]),
        comments: [(5, false), (6, true)]
            .map(|(n, deleted)| Comment {
                id: CommentId(uuid(n)),
                author: me(),
                side: AuthorSide::Staff,
                visibility: Visibility::Public,
                body: "Coming".into(),
                created_at: at(2),
                deleted,
            })
            .into(),
        log: vec![
            entry(10, 0, LogEvent::Created { status: Status::Open, priority: Priority::High }),
            entry(11, 1, LogEvent::Status { from: Status::Open, to: Status::InProgress }),
            entry(
                12,
                2,
                LogEvent::Reply { comment, visibility: Visibility::Public, side: AuthorSide::Staff },
            ),
        ],
        source: Some(Source { system: "csv".into(), key: "7".into(), imported_by: me() }),
        created_at: at(0),
        updated_at: at(2),
        deleted: false,
        conflicts: vec![Conflict {
            field: "title".into(),
            values: vec![ConflictValue {
                value: Some("Printer".into()),
                by: me(),
                at: at(1),
                offline_since: Some(at(0)),
            }],
        }],
        schema: 1,
    }
}

#[test]
fn a_line_of_the_ticket_list() {
    let ticket = ticket();
    let row = TicketRow {
        id: ticket.id,
        number: ticket.number(),
        title: ticket.title,
        status: ticket.status,
        priority: ticket.priority,
        category: ticket.category,
        assignee: ticket.assignee,
        team: ticket.team,
        requester: ticket.requester,
        tags: ticket.tags,
        created_at: ticket.created_at,
        updated_at: ticket.updated_at,
        next_due: None,
        unsent: true,
        conflicted: true,
    };
    insta::assert_json_snapshot!(vec![TicketLine::from(row)]);
}

#[test]
fn a_whole_ticket() {
    let settings = settings();
    insta::assert_json_snapshot!(TicketWhole::new(ticket(), Clocks::idle(), Names(Some(&settings))));
}

#[test]
fn a_whole_article() {
    let settings = settings();
    let article = Article {
        id: DocId(uuid(3)),
        title: "How to".into(),
        body: "# Do\n".into(),
        category: None,
        tags: BTreeSet::new(),
        status: ArticleStatus::Published,
        author: me(),
        created_at: at(0),
        updated_at: at(3),
        deleted: false,
        conflicts: Vec::new(),
        schema: 1,
    };
    insta::assert_json_snapshot!(ArticleWhole::new(article, Names(Some(&settings))));
}

#[test]
fn a_whole_incident() {
    let settings = settings();
    let incident = Incident {
        id: DocId(uuid(4)),
        title: "Mail is down".into(),
        summary: "Since noon".into(),
        severity: Severity::P1,
        status: IncidentStatus::Open,
        services: ["mail".to_owned()].into(),
        roles: BTreeMap::from([(IncidentRole::Commander, me())]),
        tickets: [DocId(uuid(2))].into(),
        timeline: vec![TimelineEntry {
            id: EntryId(uuid(13)),
            at: at(0),
            by: me(),
            event: TimelineEvent::Created { severity: Severity::P1 },
        }],
        milestones: BTreeMap::from([(Milestone::Detected, at(0))]),
        postmortem: String::new(),
        created_at: at(0),
        updated_at: at(0),
        deleted: false,
        conflicts: Vec::new(),
        schema: 1,
    };
    insta::assert_json_snapshot!(IncidentWhole::new(incident, Some(at(15)), Names(Some(&settings))));
}

#[test]
fn an_alert() {
    let alert = Alert {
        key: AlertKey {
            subject: DocId(uuid(2)),
            rule: AlertRule::ResolutionBreach,
            percent: 100,
            due_at: at(7),
        },
        kind: DocKind::Ticket,
        number: "TK-00000000".into(),
        title: "Printer".into(),
        priority: Some(Priority::High),
        severity: None,
        stands: true,
        state: AlertState::default(),
    };
    insta::assert_json_snapshot!(vec![AlertLine::from(alert)]);
}

#[test]
fn a_sign_in() {
    let member = settings().members.into_values().next().unwrap();
    insta::assert_json_snapshot!(SignedInLine {
        workspace: "Test".into(),
        member,
        server: None,
        data_dir: "/var/desk".into(),
    });
}
