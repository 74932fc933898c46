//! What programs post, and what is proposed of it.

use std::{sync::Arc, time::Duration};

use desk_api::{ErrorCode, rest::Received};
use desk_domain::{
    detection::{
        Condition, Rule, SignalScope,
        burst::{Burst, HOUR_MS, NewTicket as Counted},
        heartbeat::Heartbeat,
        metric::Threshold,
    },
    edit::{Edit, IncidentOp, NewTicket, Ops, Section, Stamped, TicketOp},
    ids::{DocId, DocKind, uuid_v7},
    incident::{Incident, Severity, proposal::ProposalState},
    people::SERVER_NAME,
    state::State,
    time::UtcMillis,
};
use futures::future::join_all;
use serde_json::json;
use workernet_server::{
    auth::posts::BURST,
    detection::Watcher,
    http::Limits,
    random::{FreshIds, SystemRandom},
    settings, signal_tokens,
    storage::{Directory, Signals, SqliteStorage, Storage, signals::CountedTicket},
    sync::{created::keep, own::Pen},
};

use super::support::{Device, Failure, NOW, TestServer, accepted, answer, soon};

const MIN: i64 = 60_000;

/// A server that looks often.
async fn server() -> TestServer {
    TestServer::start_with(Limits { detect: Duration::from_millis(20), ..Limits::default() }).await
}

async fn token(server: &TestServer, scope: SignalScope) -> String {
    let random = SystemRandom::new().unwrap();
    let ids = FreshIds::at(NOW, &random);
    let made = signal_tokens::create(&server.storage, "acme", "monitoring", scope, NOW, &random, &ids).await;
    made.unwrap().1
}

async fn post(
    server: &TestServer,
    token: &str,
    path: &str,
    body: impl Into<reqwest::Body>,
) -> Result<Received, Failure> {
    let url = server.url(&format!("/v1/workspaces/{path}"));
    answer(server.http.post(url).bearer_auth(token).body(body).send().await.unwrap()).await
}

fn rule(key: &str, when: Condition) -> Rule {
    Rule {
        key: key.into(),
        name: format!("Правило {key}"),
        enabled: true,
        severity: Severity::P2,
        services: ["pos".to_owned()].into(),
        quiet_min: 30,
        when,
    }
}

fn backup() -> Rule {
    rule("backup", Condition::Heartbeat(Heartbeat { heartbeat: "backup".into(), every_s: 60, grace_s: 60 }))
}

fn tills() -> Rule {
    rule("tills", Condition::Burst(Burst { categories: [].into(), window_min: 60, min_tickets: 5 }))
}

/// Writes a rule into the settings of `acme`.
async fn set_rule(storage: &SqliteStorage, rule: &Rule) {
    let workspace = storage.workspace_by_slug("acme").await.unwrap().unwrap();
    let random = SystemRandom::new().unwrap();
    let ids = FreshIds::at(NOW, &random);
    let entry = settings::entry(Section::Detection, &rule.key, rule).unwrap();
    let ops = Ops::Workspace(vec![Stamped::new(NOW, SERVER_NAME, entry)]);
    let mut tx = storage.begin(workspace.id).await.unwrap();
    let edit = Edit { doc: workspace.settings_doc, ops };
    Pen::new(tx.as_mut(), &workspace, NOW, &ids).write(&edit, None).await.unwrap();
    tx.commit().await.unwrap();
}

/// The incidents that a device has.
fn incidents(device: &Device<'_>) -> Vec<Incident> {
    let of = device.documents.values().filter(|document| document.kind() == DocKind::Incident);
    let read = of.map(|document| match document.read().unwrap() {
        State::Incident(incident) => *incident,
        other => panic!("{other:?}"),
    });
    let mut all: Vec<Incident> = read.collect();
    all.sort_by_key(|incident| incident.created_at);
    all
}

/// Pulls until there are so many incidents; the cursor.
async fn until(device: &mut Device<'_>, count: usize, mut cursor: u64) -> u64 {
    let waits = async {
        while incidents(device).len() < count {
            cursor = device.catch_up(cursor).await;
            tokio::task::yield_now().await;
        }
    };
    soon(waits).await;
    cursor
}

fn failed(result: Result<Received, Failure>) -> (u16, ErrorCode) {
    let failure = result.expect_err("it should have been refused");
    assert!(!failure.error.message.is_empty());
    (failure.status.as_u16(), failure.error.code)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_post_needs_a_token_of_its_workspace_and_scope() {
    let server = server().await;
    server.workspace("other").await;
    let (beats, all) =
        (token(&server, SignalScope::Heartbeats).await, token(&server, SignalScope::All).await);
    let sample = || json!({ "value": 1.5 }).to_string();
    assert_eq!(post(&server, &beats, "acme/heartbeats/backup", "").await.unwrap().at, NOW);
    assert_eq!(post(&server, &all, "acme/metrics/queue", sample()).await.unwrap().at, NOW);

    let signed_out = (401, ErrorCode::SignedOut);
    let anna = server.device("acme", "anna").await.session.access_token;
    for (token, path) in [("wnt_wrong", "acme"), (anna.as_str(), "acme"), (&all, "other"), (&all, "nowhere")]
    {
        let found = post(&server, token, &format!("{path}/heartbeats/backup"), "").await;
        assert_eq!(failed(found), signed_out, "{path}");
    }
    let found = post(&server, &beats, "acme/metrics/queue", sample()).await;
    assert_eq!(failed(found), (403, ErrorCode::Forbidden));
    let found = post(&server, &all, "acme/metrics/Queue%20A", sample()).await;
    assert_eq!(failed(found), (422, ErrorCode::Invalid));
    for body in ["", "{}", r#"{"value":"high"}"#, r#"{"value":NaN}"#] {
        let found = post(&server, &all, "acme/metrics/queue", body).await;
        assert_eq!(failed(found), (400, ErrorCode::BadRequest), "{body}");
    }
    let found = post(&server, &all, "acme/metrics/queue", "x".repeat(5_000)).await;
    assert_eq!(failed(found), (413, ErrorCode::TooLarge));

    let tokens = signal_tokens::list(&server.storage, "acme").await.unwrap();
    assert!(tokens.iter().all(|token| token.used_at == Some(NOW)));
    for token in tokens {
        assert!(server.storage.revoke_signal_token(token.id, NOW).await.unwrap());
    }
    assert_eq!(failed(post(&server, &beats, "acme/heartbeats/backup", "").await), signed_out);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_posts_too_often_waits() {
    let server = server().await;
    let token = token(&server, SignalScope::Heartbeats).await;
    for _ in 0..BURST {
        post(&server, &token, "acme/heartbeats/backup", "").await.unwrap();
    }
    let failure = post(&server, &token, "acme/heartbeats/backup", "").await.unwrap_err();
    assert_eq!((failure.status.as_u16(), failure.retry_after.as_deref()), (429, Some("1")));
    server.clock.advance_ms(1_000);
    post(&server, &token, "acme/heartbeats/backup", "").await.unwrap();
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_heartbeat_that_stays_away_is_proposed_once_and_again_after_a_dismissal() {
    let server = server().await;
    set_rule(&server.storage, &backup()).await;
    let token = token(&server, SignalScope::Heartbeats).await;
    post(&server, &token, "acme/heartbeats/backup", "").await.unwrap();
    let mut anna = server.device("acme", "anna").await;
    server.clock.advance_ms(3 * MIN);
    until(&mut anna, 1, 0).await;
    let incident = incidents(&anna).remove(0);
    assert_eq!((incident.title.as_str(), incident.severity), ("Правило backup: backup", Severity::P2));
    let proposal = incident.proposal().unwrap();
    assert_eq!((proposal.rule.as_str(), proposal.state), ("backup", ProposalState::Waiting));
    assert_eq!(incident.milestones[&desk_domain::incident::Milestone::Impact], NOW.plus_ms(2 * MIN));

    // It comes and stays away again while the proposal waits: nothing new.
    server.clock.advance_ms(MIN);
    post(&server, &token, "acme/heartbeats/backup", "").await.unwrap();
    server.clock.advance_ms(5 * MIN);
    let watcher = Watcher::default();
    let space = server.storage.workspace_by_slug("acme").await.unwrap().unwrap();
    let random = SystemRandom::new().unwrap();
    let look = async || {
        let now = desk_domain::time::Clock::now(server.clock.as_ref());
        let ids = FreshIds::at(now, &random);
        watcher.look_for_heartbeats(&server.storage, space.id, now, &ids).await.unwrap()
    };
    assert_eq!(look().await, []);

    // Dismissed: quiet for half an hour, and the running episode is never proposed again.
    let now = desk_domain::time::Clock::now(server.clock.as_ref());
    let dismiss = IncidentOp::Dismiss { text: "плановые работы".into() };
    let steps = vec![Stamped::new(now, anna.me(), dismiss)];
    let change = anna.edit(&Edit { doc: incident.id, ops: Ops::Incident(steps) });
    accepted(&anna.push(vec![change]).await[0]);
    server.clock.advance_ms(60 * MIN);
    assert_eq!(look().await, []);
    post(&server, &token, "acme/heartbeats/backup", "").await.unwrap();
    server.clock.advance_ms(3 * MIN);
    // The first device's access has ended meanwhile.
    let mut anna = server.device("acme", "anna").await;
    until(&mut anna, 2, 0).await;
    assert_eq!(look().await, [], "the server has proposed it already");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_metric_beyond_its_threshold_is_proposed_with_its_samples() {
    let server = server().await;
    let threshold = Threshold { metric: "queue".into(), above: Some(100.0), below: None, for_s: 120 };
    set_rule(&server.storage, &rule("queue", Condition::Metric(threshold))).await;
    let token = token(&server, SignalScope::Metrics).await;
    let mut anna = server.device("acme", "anna").await;
    let sample = async |value: f64| {
        let body = json!({ "value": value }).to_string();
        post(&server, &token, "acme/metrics/queue", body).await.unwrap();
        server.clock.advance_ms(MIN);
    };
    for value in [150.0, 90.0, 150.0, 160.0] {
        sample(value).await;
    }
    let cursor = anna.catch_up(0).await;
    assert_eq!(incidents(&anna), [], "a minute is not two");
    sample(170.0).await;
    until(&mut anna, 1, cursor).await;
    for value in [170.0, 50.0, 170.0, 170.0, 170.0] {
        sample(value).await;
    }
    anna.catch_up(cursor).await;
    let proposal = incidents(&anna).remove(0).proposal().unwrap();
    let Some(desk_domain::detection::Evidence::Metric(evidence)) = proposal.evidence else { panic!() };
    let values: Vec<f64> = evidence.samples.iter().map(|sample| sample.value).collect();
    assert_eq!((values, evidence.count), (vec![150.0, 160.0, 170.0], 3));
    assert_eq!(incidents(&anna).len(), 1, "none while one is open");
    server.stop().await;
}

/// Eight quiet weeks: one ticket of the category in this hour of each.
async fn quiet_history(storage: &SqliteStorage) {
    let workspace = storage.workspace_by_slug("acme").await.unwrap().unwrap();
    let ticket = |week: u8| CountedTicket {
        category: "hardware".into(),
        ticket: Counted {
            id: DocId(uuid_v7(NOW, [week; 10])),
            created_at: NOW.plus_ms(-i64::from(week) * 7 * 24 * HOUR_MS),
            title: "Скрипит стул".into(),
        },
    };
    let tickets: Vec<CountedTicket> = (1..=9).map(ticket).collect();
    let mut tx = storage.begin(workspace.id).await.unwrap();
    tx.count_tickets(&tickets, keep(NOW)).await.unwrap();
    tx.commit().await.unwrap();
}

fn broken_till(server: &TestServer, n: i64) -> (DocId, Edit) {
    let doc = DocId(server.fresh());
    let mut ticket = NewTicket::titled(format!("Касса {n} не печатает чек"));
    ticket.category = Some("hardware".into());
    let at = NOW.plus_ms(-n * MIN);
    (doc, Edit { doc, ops: Ops::Ticket(vec![Stamped::new(at, String::new(), TicketOp::Create { ticket })]) })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_burst_of_accepted_tickets_is_proposed_with_them() {
    let server = server().await;
    set_rule(&server.storage, &tills()).await;
    quiet_history(&server.storage).await;
    let mut anna = server.device("acme", "anna").await;
    let mut tickets = Vec::new();
    for n in (0..12).rev() {
        let (doc, mut edit) = broken_till(&server, n);
        if let Ops::Ticket(steps) = &mut edit.ops {
            for step in steps {
                step.by = anna.me();
            }
        }
        let change = anna.edit(&edit);
        accepted(&anna.push(vec![change]).await[0]);
        tickets.push(doc);
    }
    until(&mut anna, 1, 0).await;
    let incident = incidents(&anna).remove(0);
    assert!(incident.title.starts_with("Правило tills: касса"), "{}", incident.title);
    assert!(incident.tickets.len() >= 5 && incident.tickets.iter().all(|ticket| tickets.contains(ticket)));
    assert_eq!(incident.services, ["pos".to_owned()].into());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_several_that_look_at_once_one_proposes() {
    let server =
        TestServer::start_with(Limits { detect: Duration::from_hours(1), ..Limits::default() }).await;
    for rule in [backup(), tills()] {
        set_rule(&server.storage, &rule).await;
    }
    quiet_history(&server.storage).await;
    let space = server.storage.workspace_by_slug("acme").await.unwrap().unwrap();
    assert!(server.storage.beat(space.id, "backup", NOW.plus_ms(-60 * MIN)).await.unwrap());
    let counted = |n: u8| CountedTicket {
        category: "hardware".into(),
        ticket: Counted {
            id: DocId(uuid_v7(NOW, [100 + n; 10])),
            created_at: NOW.plus_ms(-i64::from(n) * MIN),
            title: format!("Касса {n} не печатает чек"),
        },
    };
    let tickets: Vec<CountedTicket> = (0..12).map(counted).collect();
    let mut tx = server.storage.begin(space.id).await.unwrap();
    tx.count_tickets(&tickets, keep(NOW)).await.unwrap();
    tx.commit().await.unwrap();

    // Each with connections and a memory of its own, as a process has them.
    let looks = (0..6).map(|_| {
        let dir = server.data_dir().to_owned();
        tokio::spawn(async move {
            let storage: Arc<dyn Storage> = Arc::new(SqliteStorage::open(&dir).await.unwrap());
            let (watcher, random) = (Watcher::default(), SystemRandom::new().unwrap());
            let ids = FreshIds::at(NOW, &random);
            let mut proposed =
                watcher.look_for_heartbeats(storage.as_ref(), space.id, NOW, &ids).await.unwrap();
            proposed
                .extend(watcher.look_for_bursts(storage.as_ref(), space.id, None, NOW, &ids).await.unwrap());
            proposed
        })
    });
    let proposed: Vec<DocId> =
        soon(join_all(looks)).await.into_iter().flat_map(|looked| looked.unwrap()).collect();
    assert_eq!(proposed.len(), 2, "{proposed:?}");
    let mut anna = server.device("acme", "anna").await;
    anna.catch_up(0).await;
    let mut found: Vec<DocId> = incidents(&anna).iter().map(|incident| incident.id).collect();
    let mut expected = proposed;
    found.sort_unstable();
    expected.sort_unstable();
    assert_eq!(found, expected);
    server.stop().await;
}

/// A server of before knows nothing of what it is asked here; nothing is made up.
#[tokio::test]
async fn without_history_rules_or_heartbeats_nothing_is_proposed() {
    let server = TestServer::start().await;
    let space = server.storage.workspace_by_slug("acme").await.unwrap().unwrap();
    let (watcher, random) = (Watcher::default(), SystemRandom::new().unwrap());
    let (ids, later) = (FreshIds::at(NOW, &random), UtcMillis(NOW.0 + 86_400_000));
    set_rule(&server.storage, &backup()).await;
    set_rule(&server.storage, &tills()).await;
    assert_eq!(watcher.look_for_heartbeats(&server.storage, space.id, later, &ids).await.unwrap(), []);
    assert_eq!(watcher.look_for_bursts(&server.storage, space.id, None, later, &ids).await.unwrap(), []);
    server.stop().await;
}
