//! Escalations that the server runs: each step once, in the documents that everybody has.

use std::{sync::Arc, time::Duration};

use desk_docs::Document;
use desk_domain::{
    edit::{Edit, IncidentOp, Ops, Section, Stamped, WorkspaceOp},
    escalation::{Level, Policy, Target, escalation},
    ids::DocId,
    incident::{Incident, IncidentStatus, Severity, TimelineEvent},
    people::Role,
    state::State,
    time::Clock,
};
use workernet_server::{
    http::Limits,
    mail::smtp::Smtp,
    random::{FreshIds, SystemRandom},
    serve::{Running, Setup, start},
    storage::{Directory, Escalations, Log, Storage},
    sync::own::Pen,
};

use super::support::{Device, TestServer, accepted, soon};

const MINUTE: i64 = 60_000;

/// What an incident's timeline tells of its escalation, in few words.
fn told(incident: &Incident) -> Vec<String> {
    let word = |event: &TimelineEvent| match event {
        TimelineEvent::EscalationStarted { policy } => Some(format!("start {}", policy.name)),
        TimelineEvent::Paged { level, cycle, members, email } => {
            Some(format!("{cycle}/{level} {}+{}", members.len(), email.len()))
        }
        TimelineEvent::AcknowledgementExpired => Some("expired".to_owned()),
        TimelineEvent::EscalationEnded { reason } => Some(reason.to_string()),
        TimelineEvent::Acknowledged { .. } => Some("acknowledged".to_owned()),
        _ => None,
    };
    // In the order of their writing, which the clock of a test that stands still does not tell.
    let mut entries: Vec<_> =
        incident.timeline.iter().filter_map(|entry| Some((entry.at, word(&entry.event)?))).collect();
    entries.sort();
    entries.into_iter().map(|(_, word)| word).collect()
}

impl TestServer {
    /// Writes as the server itself does.
    pub(crate) async fn write(&self, slug: &str, edit: &Edit) {
        let workspace = self.storage.workspace_by_slug(slug).await.unwrap().unwrap();
        let (random, now) = (SystemRandom::new().unwrap(), self.clock.now());
        let mut tx = self.storage.begin(workspace.id).await.unwrap();
        let ids = FreshIds::at(now, &random);
        Pen::new(tx.as_mut(), &workspace, now, &ids).write(edit, None).await.unwrap();
        tx.commit().await.unwrap();
    }

    pub(crate) async fn declare(&self, slug: &str, title: &str, severity: Severity) -> DocId {
        let doc = DocId(self.fresh());
        let create = IncidentOp::Create {
            title: title.to_owned(),
            summary: "Никто не работает".to_owned(),
            severity,
            services: ["VPN".to_owned()].into(),
            impact_at: None,
        };
        self.on_incident(slug, doc, create).await;
        doc
    }

    pub(crate) async fn on_incident(&self, slug: &str, doc: DocId, op: IncidentOp) {
        let step = Stamped::new(self.clock.now(), "server", op);
        self.write(slug, &Edit { doc, ops: Ops::Incident(vec![step]) }).await;
    }

    pub(crate) async fn set_policy(&self, slug: &str, key: &str, policy: Option<&Policy>) {
        let workspace = self.storage.workspace_by_slug(slug).await.unwrap().unwrap();
        let value = policy.map(|policy| serde_json::to_string(policy).unwrap());
        let op = WorkspaceOp::Set { section: Section::Escalations, key: key.to_owned(), value };
        let step = Stamped::new(self.clock.now(), "server", op);
        self.write(slug, &Edit { doc: workspace.settings_doc, ops: Ops::Workspace(vec![step]) }).await;
    }

    pub(crate) async fn incident(&self, doc: DocId) -> Incident {
        let record = self.storage.document(doc).await.unwrap().unwrap();
        match Document::load(record.id, record.kind, &record.snapshot).unwrap().read().unwrap() {
            State::Incident(incident) => *incident,
            other => panic!("{:?} is no incident", other.kind()),
        }
    }

    /// Waits until the server has nothing left to do at this instant.
    pub(crate) async fn settled(&self) {
        soon(async {
            while !self.storage.due_escalations(self.clock.now(), 1).await.unwrap().is_empty() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
    }

    pub(crate) async fn pass(&self, minutes: i64) {
        self.clock.advance_ms(minutes * MINUTE);
        self.settled().await;
    }

    /// Another server on the same storage, as another process would be.
    async fn another(&self) -> Running {
        self.another_with(None).await
    }

    pub(crate) async fn another_mailing(&self, mail: Smtp) -> Running {
        self.another_with(Some(mail)).await
    }

    async fn another_with(&self, mail: Option<Smtp>) -> Running {
        start(Setup {
            storage: Arc::new(self.storage.clone()),
            clock: self.clock.clone(),
            random: Arc::new(SystemRandom::new().unwrap()),
            listen: "127.0.0.1:0".parse().unwrap(),
            limits: Limits { look_outside: Duration::from_millis(1), ..Limits::default() },
            mail,
        })
        .await
        .unwrap()
    }
}

pub(crate) fn policy() -> Policy {
    let level = |role, timeout_min| Level { targets: vec![Target::Role { role }], timeout_min, email: true };
    Policy {
        name: "Сеть".to_owned(),
        severities: [Severity::P1].into(),
        levels: vec![level(Role::Agent, 5), level(Role::Admin, 5), level(Role::Manager, 10)],
        repeat: 1,
    }
}

fn acknowledge(device: &mut Device<'_>, doc: DocId, minutes: Option<i64>) -> desk_sync::wire::WireChange {
    let now = device.server.clock.now();
    let until = minutes.map(|minutes| now.plus_ms(minutes * MINUTE));
    let step = Stamped::new(now, device.me(), IncidentOp::Acknowledge { until });
    device.edit(&Edit { doc, ops: Ops::Incident(vec![step]) })
}

#[tokio::test]
async fn an_incident_that_nobody_takes_is_told_level_by_level_and_every_device_has_it() {
    let server = TestServer::start().await;
    server.member("acme", "maria", Role::Manager).await;
    server.set_policy("acme", "net", Some(&policy())).await;
    server.set_policy("acme", "default-p1", None).await;
    let doc = server.declare("acme", "Сеть", Severity::P1).await;
    server.settled().await;
    // Nobody is an admin here: that level is passed at once. Without a mail server nobody is told by mail.
    assert_eq!(told(&server.incident(doc).await), ["1/1 1+0", "start Сеть"]);
    server.pass(4).await;
    assert_eq!(told(&server.incident(doc).await).len(), 2);
    server.pass(1).await;
    assert_eq!(told(&server.incident(doc).await)[2..], ["1/2 0+0", "1/3 1+0"]);

    let mut anna = server.device("acme", "anna").await;
    anna.catch_up(0).await;
    let change = acknowledge(&mut anna, doc, Some(30));
    accepted(&anna.push(vec![change]).await[0]);
    server.pass(29).await;
    assert_eq!(told(&server.incident(doc).await).len(), 5);
    server.pass(1).await;
    assert_eq!(told(&server.incident(doc).await)[4..], ["acknowledged", "expired"]);
    // Level 3 had not waited at all of its ten minutes.
    server.pass(9).await;
    assert_eq!(told(&server.incident(doc).await).len(), 6);
    server.pass(1).await;
    assert_eq!(told(&server.incident(doc).await)[6..], ["2/1 1+0"]);

    server.on_incident("acme", doc, IncidentOp::SetStatus { status: IncidentStatus::Resolved }).await;
    server.settled().await;
    assert_eq!(told(&server.incident(doc).await)[7..], ["resolved"]);
    server.pass(24 * 60).await;
    assert_eq!(told(&server.incident(doc).await).len(), 8);
    let mut anna = server.device("acme", "anna").await;
    anna.catch_up(0).await;
    let State::Incident(here) = anna.documents[&doc].read().unwrap() else { panic!() };
    assert_eq!(*here, server.incident(doc).await);
    server.stop().await;
}

#[tokio::test]
async fn settings_that_change_wake_what_waits_for_a_policy() {
    let server = TestServer::start().await;
    let waiting = server.declare("acme", "Мелочь", Severity::P4).await;
    server.settled().await;
    assert_eq!(told(&server.incident(waiting).await), [""; 0]);
    let wide = Policy { severities: [Severity::P4].into(), ..policy() };
    server.set_policy("acme", "all", Some(&wide)).await;
    server.settled().await;
    assert_eq!(told(&server.incident(waiting).await)[0], "1/1 1+0");
    // What runs keeps the policy that it began with.
    let other = Policy { name: "Другая".to_owned(), ..wide };
    server.set_policy("acme", "all", Some(&other)).await;
    server.pass(5).await;
    assert_eq!(escalation(&server.incident(waiting).await).unwrap().policy.name, "Сеть");
    server.stop().await;
}

#[tokio::test]
async fn of_several_servers_each_step_is_one_servers() {
    let server = TestServer::start().await;
    server.set_policy("acme", "default-p1", Some(&policy())).await;
    let others = [server.another().await, server.another().await];
    let mut docs = Vec::new();
    for number in 0..20 {
        docs.push(server.declare("acme", &format!("Сеть {number}"), Severity::P1).await);
    }
    for _ in 0..8 {
        server.pass(5).await;
    }
    for doc in docs {
        let incident = server.incident(doc).await;
        let mut words = told(&incident);
        words.sort();
        let all =
            ["1/1 1+0", "1/2 0+0", "1/3 0+0", "2/1 1+0", "2/2 0+0", "2/3 0+0", "exhausted", "start Сеть"];
        assert_eq!(words, all);
    }
    let workspace = server.storage.workspace_by_slug("acme").await.unwrap().unwrap();
    let server_steps = 20 * 8;
    // The workspace, its member's two documents, the policy, the incidents, and each step once.
    assert!(
        workspace.head >= 20 + server_steps && workspace.head <= 20 + server_steps + 8,
        "{}",
        workspace.head
    );
    for other in others {
        other.stop().await;
    }
    server.stop().await;
}

#[tokio::test]
async fn a_clock_that_is_set_back_by_a_day_neither_repeats_nor_stops_anything() {
    let server = TestServer::start().await;
    server.member("acme", "maria", Role::Manager).await;
    server.set_policy("acme", "default-p1", Some(&policy())).await;
    let doc = server.declare("acme", "Сеть", Severity::P1).await;
    server.settled().await;
    server.clock.advance_ms(-24 * 60 * MINUTE);
    let pages = |incident: &Incident| {
        let pages = escalation(incident).unwrap().pages;
        pages.into_iter().map(|(_, page)| (page.cycle, page.level)).collect::<Vec<_>>()
    };
    soon(async {
        while pages(&server.incident(doc).await) != [(1, 1), (1, 2), (1, 3)] {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    server.settled().await;
    server.pass(10).await;
    assert_eq!(pages(&server.incident(doc).await), [(1, 1), (1, 2), (1, 3), (2, 1)]);
    server.stop().await;
}
