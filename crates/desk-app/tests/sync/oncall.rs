//! Escalations as desks see them: pages of the server, acknowledgements, schedules; and a desk that has no server.

use std::{sync::Arc, time::Duration};

use desk_api::{ErrorCode, call::CreateIncident, view::IncidentView};
use desk_app::Desk;
use desk_domain::{
    alert::AlertRule,
    escalation::{Layer, Level, Override, Policy, Rotation, Schedule, Source, Target},
    ids::DocId,
    incident::{IncidentStatus, Severity},
    people::Role,
};

use super::{Server, Shown, now, open};

async fn declared(desk: &Desk) -> DocId {
    let new = CreateIncident {
        title: "Сеть".into(),
        summary: String::new(),
        severity: Severity::P1,
        services: ["VPN".into()].into(),
        impact_at: None,
        tickets: Vec::new(),
    };
    desk.create_incident(new).await.unwrap().incident.id
}

/// Waits until the incident is as it should be, with what comes from the server.
async fn until(desk: &Desk, id: DocId, is: impl Fn(&IncidentView) -> bool) -> IncidentView {
    let waiting = async {
        loop {
            if desk.signed_in().is_some_and(|session| session.server.is_some()) {
                desk.sync_once().await.unwrap();
            }
            if let Some(view) = desk.incident(id).await.unwrap().filter(|view| is(view)) {
                return view;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waiting).await.unwrap()
}

fn pages(view: &IncidentView) -> usize {
    view.escalation.as_ref().map_or(0, |escalation| escalation.pages.len())
}

fn to(target: Target) -> Policy {
    let level = |target| Level { targets: vec![target], timeout_min: 30, email: false };
    let levels = vec![level(target), level(Target::Role { role: Role::Manager })];
    Policy { name: "Сеть".into(), severities: [Severity::P1].into(), levels, repeat: 0 }
}

#[tokio::test]
async fn a_page_alerts_those_whom_it_is_for_and_an_acknowledgement_halts_it() {
    let server = Server::start().await;
    let dirs = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let anna = server.desk(dirs[0].path(), "anna").await;
    let boris = server.desk(dirs[1].path(), "boris").await;
    let maria = server.desk(dirs[2].path(), "maria").await;
    let anna_id = anna.signed_in().unwrap().member;
    let week = |members| Layer {
        name: "1".into(),
        members,
        rotation: Rotation::Week,
        starts: "2026-01-05T09:00:00".parse().unwrap(),
        hours: None,
    };
    let mut schedule = Schedule {
        name: "Сеть".into(),
        zone: "Asia/Almaty".into(),
        layers: vec![week(vec![anna_id])],
        overrides: Vec::new(),
    };
    // An agent writes no schedules; a manager does.
    assert_eq!(anna.save_schedule("net", Some(&schedule)).await.unwrap_err().code, ErrorCode::Forbidden);
    maria.save_schedule("net", Some(&schedule)).await.unwrap();
    maria.save_policy("default-p1", Some(&to(Target::Schedule { schedule: "net".into() }))).await.unwrap();
    let unknown = to(Target::Schedule { schedule: "gone".into() });
    let refused = maria.save_policy("x", Some(&unknown)).await.unwrap_err();
    assert!(refused.message.contains("gone"), "{refused}");
    schedule.layers[0].members.clear();
    assert!(maria.save_schedule("net", Some(&schedule)).await.unwrap_err().message.contains("no members"));
    maria.sync_once().await.unwrap();

    boris.sync_once().await.unwrap();
    let id = declared(&boris).await;
    boris.sync_once().await.unwrap();
    let paged = until(&anna, id, |view| pages(view) == 1).await;
    let escalation = paged.escalation.clone().unwrap();
    assert_eq!(escalation.pages[0].page.members, [anna_id]);
    assert_eq!(paged.escalates_at(), Some(escalation.pages[0].at.plus_ms(30 * 60_000)));
    let alerted = async |desk: &Desk| {
        desk.sync_once().await.unwrap();
        let alerts = desk.alerts_by(now()).await.unwrap();
        let found = alerts.into_iter().filter(|alert| alert.key.rule == AlertRule::IncidentEscalation);
        found.map(|alert| alert.key.percent).collect::<Vec<_>>()
    };
    assert_eq!(alerted(&anna).await, [1]);
    assert_eq!(alerted(&maria).await, [] as [u8; 0], "it is not her level");

    let end = now().plus_ms(60_000);
    for wrong in [now().plus_ms(-1), now().plus_ms(8 * 24 * 3_600_000)] {
        assert_eq!(anna.acknowledge_incident(id, Some(wrong)).await.unwrap_err().code, ErrorCode::Invalid);
    }
    let held = anna.acknowledge_incident(id, Some(end)).await.unwrap();
    assert_eq!(held.escalation.clone().unwrap().hold.unwrap().until, Some(end));
    assert_eq!((held.escalates_at(), held.incident.status), (None, IncidentStatus::Open));
    let held = anna.acknowledge_incident(id, None).await.unwrap();
    assert_eq!(held.incident.status, IncidentStatus::Investigating);
    assert_eq!(held.escalation.clone().unwrap().hold.unwrap().until, None);
    assert_eq!(anna.acknowledge_incident(id, None).await.unwrap(), held, "taken is taken");
    anna.sync_once().await.unwrap();
    let seen = until(&maria, id, |view| view.incident.status == IncidentStatus::Investigating).await;
    assert_eq!(seen.escalation.unwrap().next, None);
    let resolve = desk_domain::edit::IncidentOp::SetStatus { status: IncidentStatus::Resolved };
    anna.edit_incident(id, vec![resolve]).await.unwrap();
    let over = until(&anna, id, |view| view.escalation.as_ref().is_some_and(|it| it.ended.is_some())).await;
    assert_eq!(over.escalation.unwrap().ended, Some(desk_domain::escalation::EndReason::Resolved));
    assert_eq!(anna.acknowledge_incident(id, None).await.unwrap_err().code, ErrorCode::Invalid);
}

#[tokio::test]
async fn a_desk_without_a_server_escalates_by_itself() {
    let dir = tempfile::tempdir().unwrap();
    let desk = open(dir.path()).await;
    desk.init("Одна", "me@example.org").await.unwrap();
    let me = desk.signed_in().unwrap().member;
    let id = declared(&desk).await;
    assert_eq!(pages(&desk.incident(id).await.unwrap().unwrap()), 0);
    let shown = Arc::new(Shown::default());
    let _scheduler = desk.start_alerts(shown.clone());
    // By the default policy: nobody is an agent or a manager here, so that the administrator is told at once.
    let view = until(&desk, id, |view| pages(view) == 3).await;
    let escalation = view.escalation.unwrap();
    assert_eq!(escalation.pages[2].page.members, [me]);
    assert!(escalation.pages.iter().all(|page| page.page.email.is_empty()));
    shown.wait_for(1).await;
    desk.acknowledge_incident(id, None).await.unwrap();
    assert_eq!(desk.incident(id).await.unwrap().unwrap().escalation.unwrap().next, None);
}

#[tokio::test]
async fn who_is_on_call_is_told_with_gaps_and_what_is_wrong() {
    let dir = tempfile::tempdir().unwrap();
    let desk = open(dir.path()).await;
    desk.init("Одна", "me@example.org").await.unwrap();
    let me = desk.signed_in().unwrap().member;
    let (now, hour) = (now(), 3_600_000);
    let first = Layer {
        name: "Ночь".into(),
        members: vec![me],
        rotation: Rotation::Day,
        starts: "2199-01-01T00:00:00".parse().unwrap(),
        hours: None,
    };
    let stand_in = Override { member: me, from: now.plus_ms(-hour), until: now.plus_ms(hour) };
    let schedule = Schedule {
        name: "Сеть".into(),
        zone: "Asia/Almaty".into(),
        layers: vec![first],
        overrides: vec![stand_in],
    };
    desk.save_schedule("net", Some(&schedule)).await.unwrap();
    assert_eq!(desk.save_schedule("so so", Some(&schedule)).await.unwrap_err().code, ErrorCode::Invalid);
    let view = desk.on_call(now, now.plus_ms(3 * hour)).unwrap();
    assert!(view.may_edit);
    let shown = &view.schedules[0];
    assert_eq!((shown.member, &shown.source, &shown.problem), (Some(me), &Source::Override, &None));
    let stretches: Vec<_> = shown.stretches.iter().map(|stretch| stretch.member).collect();
    assert_eq!(stretches, [Some(me), None]);
    assert_eq!(desk.on_call_at("Сеть", now.plus_ms(2 * hour)).unwrap(), (None, Source::Gap));
    assert_eq!(desk.on_call_at("нет", now).unwrap_err().code, ErrorCode::NotFound);
    assert_eq!(desk.on_call(now, now).unwrap_err().code, ErrorCode::Invalid);
    assert_eq!(view.policies.len(), 3);
    desk.save_schedule("net", None).await.unwrap();
    assert!(desk.on_call(now, now.plus_ms(hour)).unwrap().schedules.is_empty());
}
