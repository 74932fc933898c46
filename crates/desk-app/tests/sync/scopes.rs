//! Private teams: tickets come to a device and leave it with what its member may see.

use desk_domain::edit::Ops;
use workernet_server::{
    members::Change,
    teams::{self, Wish},
};

use super::{
    bootstrap::{Fault, between},
    *,
};

pub(super) async fn set_team(server: &Server, team: &str, private: bool) {
    let wish = Wish { name: None, private: Some(private) };
    teams::set(&server.storage, "acme", team, &wish, now(), &server.ids()).await.unwrap();
}

async fn set_teams(server: &Server, name: &str, named: &[&str]) {
    let change = Change::Teams(named.iter().map(|team| (*team).to_owned()).collect());
    let email = format!("{name}@acme.example");
    members::change(&server.storage, "acme", &email, change, now(), &server.ids()).await.unwrap();
}

fn to_team(team: Option<&str>) -> Vec<TicketOp> {
    vec![TicketOp::SetTeam { team: team.map(str::to_owned) }]
}

fn of_team(title: &str, team: &str) -> NewTicket {
    let mut ticket = titled(title);
    ticket.team = Some(team.to_owned());
    ticket
}

async fn found(desk: &Desk, text: &str) -> usize {
    desk.search(text, 10, None).await.unwrap().len()
}

async fn listed(desk: &Desk) -> usize {
    usize::try_from(desk.count_tickets(&TicketFilter::default()).await.unwrap()).unwrap()
}

#[tokio::test]
async fn a_ticket_that_goes_to_a_private_team_leaves_the_others_devices_and_comes_back_whole() {
    let server = Server::start().await;
    set_team(&server, "hr", true).await;
    set_teams(&server, "boris", &["hr"]).await;
    let dirs: Vec<_> = (0..3).map(|_| tempfile::tempdir().unwrap()).collect();
    let anna = server.desk(dirs[0].path(), "anna").await;
    let boris = server.desk(dirs[1].path(), "boris").await;
    let maria = server.desk(dirs[2].path(), "maria").await;
    let mut ticket_of_hers = titled("Увольнение");
    ticket_of_hers.priority = Priority::Critical;
    let id = anna.create_ticket(ticket_of_hers).await.unwrap().ticket.id;
    let kept = anna.create_ticket(titled("Принтер")).await.unwrap().ticket.id;
    level(&[&anna, &boris, &maria]).await;
    let devices = super::access::devices(&server).await;

    boris.edit_ticket(id, to_team(Some("hr"))).await.unwrap();
    boris.sync_once().await.unwrap();
    // Meanwhile Anna, offline: two edits that were not sent, and two that were not finished.
    anna.edit_ticket(id, vec![TicketOp::SetTag { tag: "срочно".into(), on: true }]).await.unwrap();
    anna.add_comment(id, Visibility::Public, "Уже занимаюсь".into()).await.unwrap();
    anna.save_draft(format!("reply/{id}"), "Добрый день, ".into()).await.unwrap();
    anna.save_draft(format!("note/{kept}"), "спросить у склада".into()).await.unwrap();
    let mut events = anna.events();
    let report = anna.sync_once().await.unwrap();
    assert_eq!((report.pushed, report.rejected), (0, 2));

    assert!(anna.ticket(id).await.unwrap().is_none());
    assert_eq!((found(&anna, "увольнение").await, listed(&anna).await), (0, 1));
    let alerts = anna.alerts_by(now().plus_ms(400 * 24 * 3_600_000)).await.unwrap();
    assert!(
        !alerts.is_empty() && alerts.iter().all(|alert| alert.key.subject == kept),
        "what is gone falls never due"
    );
    let told = std::iter::from_fn(|| events.try_recv().ok());
    let gone =
        told.filter(|event| matches!(event, desk_app::DeskEvent::Changed { docs, .. } if docs.contains(&id)));
    assert!(gone.count() > 0, "the window asks again, and finds nothing");
    // Nothing that she wrote is lost, and all of it can be read.
    let refused = anna.rejected().await.unwrap();
    assert_eq!(refused.len(), 3);
    assert!(refused.iter().all(|edit| edit.code == "unknown_document" && edit.subject.starts_with("TK-")));
    let steps: Vec<TicketOp> = refused
        .into_iter()
        .flat_map(|edit| match edit.edit.ops {
            Ops::Ticket(steps) => steps.into_iter().map(|step| step.op).collect::<Vec<_>>(),
            other => panic!("{other:?}"),
        })
        .collect();
    let body =
        |text: &str| steps.iter().any(|op| matches!(op, TicketOp::AddComment { body, .. } if body == text));
    assert!(body("Уже занимаюсь") && body("Добрый день, "));
    assert!(steps.contains(&TicketOp::SetTag { tag: "срочно".into(), on: true }));
    assert_eq!(anna.draft(&format!("reply/{id}")).await.unwrap(), None, "it is on the list now");
    assert!(anna.draft(&format!("note/{kept}")).await.unwrap().is_some(), "another ticket's stays");
    level(&[&boris, &maria]).await;
    assert!(maria.ticket(id).await.unwrap().is_some(), "a manager sees every team's");

    // It comes back whole, with what happened meanwhile, and Anna's device goes on as the one that it was.
    boris.add_comment(id, Visibility::Internal, "решено".into()).await.unwrap();
    boris.edit_ticket(id, to_team(None)).await.unwrap();
    level(&[&boris, &anna, &maria]).await;
    assert_eq!(ticket(&anna, id).await.ticket, ticket(&boris, id).await.ticket);
    assert_eq!(found(&anna, "увольнение").await, 1);
    assert_eq!(super::access::devices(&server).await, devices);
    anna.edit_ticket(id, vec![TicketOp::SetTag { tag: "снова".into(), on: true }]).await.unwrap();
    level(&[&boris, &anna, &maria]).await;
    assert!(ticket(&boris, id).await.ticket.tags.contains("снова"));
    assert_eq!(anna.rejected().await.unwrap().len(), 3);
}

#[tokio::test]
async fn whoever_gives_a_ticket_to_a_team_they_are_not_in_sees_it_no_more() {
    let server = Server::start().await;
    set_team(&server, "hr", true).await;
    set_teams(&server, "boris", &["hr"]).await;
    let (a_dir, b_dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let anna = server.desk(a_dir.path(), "anna").await;
    let boris = server.desk(b_dir.path(), "boris").await;
    let moved = anna.create_ticket(titled("Зарплата")).await.unwrap().ticket.id;
    anna.sync_once().await.unwrap();
    // Offline: one is given away and edited further, one is made for the team.
    anna.edit_ticket(moved, to_team(Some("hr"))).await.unwrap();
    anna.edit_ticket(moved, vec![TicketOp::SetTag { tag: "после".into(), on: true }]).await.unwrap();
    let made = anna.create_ticket(of_team("Больничный", "hr")).await.unwrap().ticket.id;
    assert!(anna.ticket(made).await.unwrap().is_some(), "until the server has it");
    let report = anna.sync_once().await.unwrap();
    assert_eq!((report.pushed, report.rejected), (2, 1));
    for id in [moved, made] {
        assert!(anna.ticket(id).await.unwrap().is_none());
    }
    assert_eq!(anna.rejected().await.unwrap().len(), 1);
    boris.sync_once().await.unwrap();
    assert_eq!(ticket(&boris, made).await.ticket.title, "Больничный");
    assert!(!ticket(&boris, moved).await.ticket.tags.contains("после"));
    let again = anna.sync_once().await.unwrap();
    assert_eq!((again.pulled, again.pushed, again.rejected), (0, 0, 0));
}

#[tokio::test]
async fn who_joins_a_team_gets_its_tickets_and_who_leaves_it_keeps_none() {
    let server = Server::start().await;
    set_team(&server, "hr", true).await;
    set_teams(&server, "boris", &["hr"]).await;
    let (a_dir, b_dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let anna = server.desk(a_dir.path(), "anna").await;
    let boris = server.desk(b_dir.path(), "boris").await;
    let open = anna.create_ticket(titled("Принтер")).await.unwrap().ticket.id;
    let mut theirs = Vec::new();
    for number in 0..5 {
        let id = boris.create_ticket(of_team(&format!("Дело {number}"), "hr")).await.unwrap().ticket.id;
        boris.add_comment(id, Visibility::Internal, "тайна".into()).await.unwrap();
        theirs.push(id);
    }
    for desk in [&anna, &boris, &anna] {
        desk.sync_once().await.unwrap();
    }
    assert_eq!((listed(&anna).await, listed(&boris).await), (1, 6));

    // Joined while she writes something of her own.
    set_teams(&server, "anna", &["hr"]).await;
    let own = anna.create_ticket(titled("Своё")).await.unwrap().ticket.id;
    level(&[&anna, &boris]).await;
    assert_eq!(listed(&anna).await, 7);
    assert_eq!(ticket(&anna, theirs[3]).await.ticket, ticket(&boris, theirs[3]).await.ticket);
    assert_eq!(found(&anna, "тайна").await, 5);

    // Left with something unsent, and a ticket that nobody else knows yet.
    anna.edit_ticket(theirs[0], vec![TicketOp::SetTag { tag: "её".into(), on: true }]).await.unwrap();
    let fresh = anna.create_ticket(titled("Новое")).await.unwrap().ticket.id;
    set_teams(&server, "anna", &[]).await;
    anna.sync_once().await.unwrap();
    assert_eq!((listed(&anna).await, found(&anna, "тайна").await), (3, 0));
    for id in [open, own, fresh] {
        assert!(anna.ticket(id).await.unwrap().is_some());
    }
    assert_eq!(anna.rejected().await.unwrap().len(), 1);

    // The team opens: everybody has everything, and a manager who becomes an agent loses what is private again.
    set_team(&server, "hr", false).await;
    level(&[&anna, &boris]).await;
    assert_eq!(listed(&anna).await, 8);
    set_team(&server, "hr", true).await;
    level(&[&boris]).await;
    anna.sync_once().await.unwrap();
    assert_eq!((listed(&anna).await, listed(&boris).await), (3, 8));
}

#[tokio::test]
async fn a_manager_who_becomes_an_agent_loses_what_is_not_their_teams() {
    let server = Server::start().await;
    set_team(&server, "hr", true).await;
    let (m_dir, late_dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let maria = server.desk(m_dir.path(), "maria").await;
    let id = maria.create_ticket(of_team("Дело", "hr")).await.unwrap().ticket.id;
    let open = maria.create_ticket(titled("Принтер")).await.unwrap().ticket.id;
    maria.sync_once().await.unwrap();
    assert!(maria.ticket(id).await.unwrap().is_some());
    let change = Change::Role(Role::Agent);
    members::change(&server.storage, "acme", "maria@acme.example", change, now(), &server.ids())
        .await
        .unwrap();
    maria.sync_once().await.unwrap();
    assert!(maria.ticket(id).await.unwrap().is_none());
    // A device that begins now gets the same from segments as hers has.
    let late = server.desk(late_dir.path(), "maria").await;
    assert_eq!(late.digest().await.unwrap(), maria.digest().await.unwrap());
    assert!(late.ticket(open).await.unwrap().is_some() && late.ticket(id).await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn becoming_level_that_was_broken_off_begins_anew() {
    let server = Server::start().await;
    set_team(&server, "hr", true).await;
    set_team(&server, "it", true).await;
    set_teams(&server, "anna", &["it"]).await;
    let (a_dir, m_dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let anna = server.desk(a_dir.path(), "anna").await;
    let maria = server.desk(m_dir.path(), "maria").await;
    let hr = maria.create_ticket(of_team("Дело", "hr")).await.unwrap().ticket.id;
    let it = maria.create_ticket(of_team("Сервер", "it")).await.unwrap().ticket.id;
    level(&[&maria]).await;
    anna.sync_once().await.unwrap();
    assert!(anna.ticket(it).await.unwrap().is_some());
    set_teams(&server, "anna", &["hr"]).await;
    let (url, seen) = between(&server.url, Fault::Cut(0)).await;
    anna.point_to(&url).await.unwrap();
    anna.sync_once().await.unwrap_err();
    assert!(anna.ticket(it).await.unwrap().is_none(), "what is to go goes first");
    assert!(anna.ticket(hr).await.unwrap().is_none());
    anna.close().await;
    drop(anna);
    let anna = open(a_dir.path()).await;
    anna.sync_once().await.unwrap();
    assert!(anna.ticket(hr).await.unwrap().is_some() && anna.ticket(it).await.unwrap().is_none());
    let asked = seen.lock().unwrap().iter().filter(|line| line.contains("/v1/sync/heads")).count();
    assert_eq!(asked, 2);
    anna.sync_once().await.unwrap();
    let asked = seen.lock().unwrap().iter().filter(|line| line.contains("/v1/sync/heads")).count();
    assert_eq!(asked, 2, "level is level");
}
