use std::{collections::BTreeMap, sync::Arc};

use desk_domain::{
    article::ArticleStatus,
    sla::{ClockReading, ClockState, clocks},
    ticket::{Status, Ticket},
};

use super::*;
use crate::storage::{DocumentRecord, Log, PageLimits, Reader, SqliteStorage};

const NOW: UtcMillis = UtcMillis(1_790_240_400_000); // Thursday, 24 September 2026, 14:00 in Almaty

async fn demo(plan: DemoPlan) -> (tempfile::TempDir, SqliteStorage, Demo) {
    let dir = tempfile::tempdir().unwrap();
    let storage = SqliteStorage::open(dir.path()).await.unwrap();
    let made = make(&storage, plan).await.unwrap();
    (dir, storage, made)
}

/// Every document that an admin sees, by id.
async fn documents(storage: &SqliteStorage) -> BTreeMap<DocId, DocumentRecord> {
    use crate::storage::Directory;
    let workspace = storage.workspace_by_slug(SLUG).await.unwrap().unwrap();
    let admin = storage.member_by_email(workspace.id, "admin@demo.example").await.unwrap().unwrap();
    let limits = PageLimits { changes: 100_000, bytes: usize::MAX };
    let reader = Reader { member: admin.id, scope: Arc::default() };
    let page = storage.changes_after(workspace.id, &reader, 0, limits).await.unwrap();
    let mut found = BTreeMap::new();
    for entry in page.entries {
        found.insert(entry.doc, storage.document(entry.doc).await.unwrap().unwrap());
    }
    found
}

fn states(documents: &BTreeMap<DocId, DocumentRecord>) -> Vec<State> {
    documents
        .values()
        .map(|record| Document::load(record.id, record.kind, &record.snapshot).unwrap().read().unwrap())
        .collect()
}

#[tokio::test]
async fn one_seed_makes_one_demo_and_another_seed_another() {
    let plan = DemoPlan { tickets: 30, seed: 5, now: NOW };
    let (_a, one, first) = demo(plan).await;
    let (_b, two, second) = demo(plan).await;
    let (_c, other, _) = demo(DemoPlan { seed: 6, ..plan }).await;
    assert_eq!(first, second);
    let one = documents(&one).await;
    assert_eq!(one, documents(&two).await, "ids, texts, times and hashes");
    assert!(documents(&other).await.keys().all(|id| !one.contains_key(id)));
}

#[tokio::test]
async fn a_second_demo_leaves_the_first_as_it_is() {
    let plan = DemoPlan { tickets: 10, seed: 5, now: NOW };
    let (_guard, storage, made) = demo(plan).await;
    let before = documents(&storage).await;
    let again = make(&storage, DemoPlan { tickets: 99, ..plan }).await.unwrap();
    assert_eq!(again, Demo { existing: true, ..made });
    assert_eq!(documents(&storage).await, before);
    let other = make(&storage, DemoPlan { seed: 6, ..plan }).await;
    assert!(matches!(other, Err(DemoError::Other)), "{other:?}");
}

#[tokio::test]
async fn the_demo_is_lifelike() {
    let (_guard, storage, made) = demo(DemoPlan { tickets: 500, seed: 1, now: NOW }).await;
    assert!(made.password.len() >= 12 && made.password.starts_with("demo-only-"));
    assert_eq!((made.tickets, made.articles, made.incidents, made.members.len()), (500, 40, 6, 12));
    let states = states(&documents(&storage).await);
    let workspace = states.iter().find_map(|state| match state {
        State::Workspace(workspace) => Some(workspace),
        _ => None,
    });
    let workspace = workspace.unwrap();
    let rules = workspace.sla_rules().compile();
    assert!(rules.problems().is_empty());
    let tickets: Vec<&Ticket> = states
        .iter()
        .filter_map(|state| match state {
            State::Ticket(ticket) => Some(ticket.as_ref()),
            _ => None,
        })
        .collect();
    assert_eq!(tickets.len(), 500);

    let mut open_breached = 0;
    let mut warned = 0;
    let mut met = 0;
    let (mut russian, mut conversations) = (0, 0);
    for ticket in &tickets {
        let read = clocks(ticket, &rules, NOW);
        let all = [&read.first_response, &read.next_response, &read.resolution];
        let breached = all.iter().any(|clock| clock.state == ClockState::Breached);
        let used =
            |clock: &ClockReading| clock.elapsed_s.unwrap_or(0) * 100 / clock.target_s.unwrap_or(1).max(1);
        let running = read.resolution.state == ClockState::Running;
        open_breached += i32::from(breached && !ticket.status.is_done());
        warned += i32::from(running && used(&read.resolution) >= 75);
        met += i32::from(read.resolution.state == ClockState::Met && !breached);

        assert!(ticket.updated_at <= NOW, "{}: nothing lies in the future", ticket.number());
        assert!(ticket.log.iter().all(|entry| entry.at >= ticket.created_at), "{}", ticket.number());
        let texts =
            ticket.comments.iter().map(|comment| &comment.body).chain([&ticket.title, &ticket.description]);
        for text in texts {
            assert!(!text.contains(['{', '}']), "{}: {text}", ticket.number());
        }
        assert!(workspace.categories.contains_key(ticket.category.as_ref().unwrap()));
        assert!(workspace.teams.contains_key(ticket.team.as_ref().unwrap()));
        if let Some(assignee) = &ticket.assignee {
            assert!(
                workspace
                    .member(assignee)
                    .is_some_and(|member| member.teams.contains(ticket.team.as_ref().unwrap()))
            );
        }
        russian += i32::from(ticket.title.contains(|c| matches!(c, 'а'..='я')));
        conversations += i32::from(ticket.comments.len() >= 3);
    }
    assert!((3..=15).contains(&open_breached), "a few are breached: {open_breached}");
    assert!((3..=15).contains(&warned), "a few are near their end: {warned}");
    assert!(met > 300, "most are met: {met}");
    assert!((200..400).contains(&russian), "both languages: {russian} in Russian");
    assert!(conversations > 250, "{conversations} conversations");
    for status in Status::ALL {
        assert!(tickets.iter().any(|ticket| ticket.status == *status), "{status}");
    }
    let titles: std::collections::BTreeSet<&str> =
        tickets.iter().map(|ticket| ticket.title.as_str()).collect();
    assert!(titles.len() > 150, "{} different titles", titles.len());

    let articles = states.iter().filter_map(|state| match state {
        State::Article(article) => Some(article),
        _ => None,
    });
    let published = articles.filter(|article| article.status == ArticleStatus::Published).count();
    assert!((30..40).contains(&published), "{published}");
    for (key, schedule) in &workspace.schedules {
        let on_call = schedule.compile().unwrap().at(NOW).0;
        assert!(on_call.is_some(), "{key}: somebody is on call");
    }
    for policy in workspace.escalations.values() {
        assert_eq!(policy.check(), Ok(()), "{}", policy.name);
    }
    for rule in workspace.detection.values() {
        assert_eq!(rule.check(), Ok(()), "{}", rule.name);
    }
    for state in &states {
        let State::Incident(incident) = state else { continue };
        for service in &incident.services {
            assert!(workspace.services.contains_key(service), "{service}");
        }
    }
    let escalating = states.iter().filter(|state| match state {
        State::Incident(incident) => {
            assert!(incident.updated_at <= NOW);
            desk_domain::escalation::next(incident, workspace, NOW).is_some()
        }
        _ => false,
    });
    assert_eq!(escalating.count(), 0, "nothing pages anybody who only looks");
}
