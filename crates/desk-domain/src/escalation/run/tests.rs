use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::{
    escalation::{Level, Target},
    ids::uuid_v7,
    incident::Severity,
    people::{Member, Role},
    workspace::{Service, Workflow},
};

const NOW: UtcMillis = UtcMillis(1_780_000_000_000);
const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60 * MINUTE;

fn who(number: u8) -> MemberId {
    MemberId(uuid_v7(UtcMillis(1), [number; 10]))
}

fn person(number: u8, role: Role, teams: &[&str]) -> (MemberId, Member) {
    let id = who(number);
    let teams = teams.iter().map(|team| (*team).to_owned()).collect();
    (id, Member { id, name: format!("M{number}"), email: format!("m{number}@x"), role, teams, active: true })
}

/// Level 1 tells member 1, level 2 the team `net`, which is member 2, level 3 nobody, level 4 managers, which is member 3.
fn policy(repeat: u8) -> Policy {
    let level = |target, timeout_min| Level { targets: vec![target], timeout_min, email: timeout_min == 10 };
    Policy {
        name: "Сеть".to_owned(),
        severities: BTreeSet::from([Severity::P1]),
        levels: vec![
            level(Target::Member { member: who(1) }, 5),
            level(Target::Team { team: "net".to_owned() }, 10),
            level(Target::Schedule { schedule: "gone".to_owned() }, 15),
            level(Target::Role { role: Role::Manager }, 20),
        ],
        repeat,
    }
}

fn workspace(repeat: u8) -> Workspace {
    Workspace {
        id: DocId(uuid_v7(UtcMillis(1), [1; 10])),
        name: "Демо".to_owned(),
        zone: "UTC".to_owned(),
        members: BTreeMap::from([
            person(1, Role::Agent, &[]),
            person(2, Role::Agent, &["net"]),
            person(3, Role::Manager, &[]),
        ]),
        teams: BTreeMap::new(),
        categories: BTreeMap::new(),
        workflow: Workflow::default(),
        calendars: BTreeMap::new(),
        policies: BTreeMap::new(),
        escalations: BTreeMap::from([("p1".to_owned(), policy(repeat))]),
        schedules: BTreeMap::new(),
        services: BTreeMap::new(),
        detection: BTreeMap::new(),
        schema: 1,
    }
}

fn entry(at: UtcMillis, number: u8, event: TimelineEvent) -> TimelineEntry {
    TimelineEntry { id: EntryId(uuid_v7(at, [number; 10])), at, by: who(1).to_string(), event }
}

fn incident() -> Incident {
    Incident {
        id: DocId(uuid_v7(NOW, [9; 10])),
        title: "Сеть".to_owned(),
        summary: String::new(),
        severity: Severity::P1,
        status: IncidentStatus::Open,
        services: BTreeSet::new(),
        roles: BTreeMap::new(),
        tickets: BTreeSet::new(),
        timeline: vec![entry(NOW, 0, TimelineEvent::Created { severity: Severity::P1 })],
        milestones: BTreeMap::new(),
        postmortem: String::new(),
        created_at: NOW,
        updated_at: NOW,
        deleted: false,
        conflicts: Vec::new(),
        schema: 1,
    }
}

/// Writes a step as a runner would.
fn write(incident: &mut Incident, due: Due, at: UtcMillis) {
    assert!(
        incident.timeline.iter().all(|entry| entry.id != due.entry),
        "the step was taken before: {due:?}"
    );
    let event = match due.step {
        Step::Start { policy } => TimelineEvent::EscalationStarted { policy },
        Step::Page(Page { level, cycle, members, email }) => {
            TimelineEvent::Paged { level, cycle, members, email }
        }
        Step::Expire => TimelineEvent::AcknowledgementExpired,
        Step::End { reason } => TimelineEvent::EscalationEnded { reason },
    };
    incident.timeline.push(TimelineEntry { id: due.entry, at, by: "server".to_owned(), event });
}

/// Takes every step at its instant up to and including `until`; what was taken, with minutes since the declaration.
fn run(
    incident: &mut Incident,
    workspace: &Workspace,
    from: UtcMillis,
    until: UtcMillis,
) -> Vec<(i64, String)> {
    let mut told = Vec::new();
    let mut now = from;
    while let Some(due) = next(incident, workspace, now).filter(|due| due.at <= until) {
        now = now.max(due.at);
        let words = match &due.step {
            Step::Start { .. } => "start".to_owned(),
            Step::Page(page) => format!("{}/{} {}", page.cycle, page.level, page.members.len()),
            Step::Expire => "expire".to_owned(),
            Step::End { reason } => reason.to_string(),
        };
        told.push((now.since(NOW) / MINUTE, words));
        write(incident, due, now);
        assert!(told.len() < 200, "it does not end: {told:?}");
    }
    told
}

fn words(told: &[(i64, &str)]) -> Vec<(i64, String)> {
    told.iter().map(|(minute, word)| (*minute, (*word).to_owned())).collect()
}

#[test]
fn levels_are_told_one_after_the_other_and_one_without_anybody_is_passed_at_once() {
    let told = run(&mut incident(), &workspace(1), NOW, NOW.plus_ms(DAY));
    let expected = [
        (0, "start"),
        (0, "1/1 1"),
        (5, "1/2 1"),
        (15, "1/3 0"),
        (15, "1/4 1"),
        (35, "2/1 1"),
        (40, "2/2 1"),
        (50, "2/3 0"),
        (50, "2/4 1"),
        (70, "exhausted"),
    ];
    assert_eq!(told, words(&expected));
}

#[test]
fn e_mail_goes_to_the_levels_that_say_so() {
    let mut incident = incident();
    run(&mut incident, &workspace(0), NOW, NOW.plus_ms(DAY));
    let pages = escalation(&incident).unwrap().pages;
    let mailed: Vec<usize> = pages.iter().map(|(_, page)| page.email.len()).collect();
    assert_eq!(mailed, [0, 1, 0, 0]);
}

#[test]
fn an_acknowledgement_halts_it_for_good_or_until_it_runs_out() {
    let (workspace, mut incident) = (workspace(0), incident());
    assert_eq!(run(&mut incident, &workspace, NOW, NOW.plus_ms(3 * MINUTE)).len(), 2);
    let at = NOW.plus_ms(3 * MINUTE);
    let until = NOW.plus_ms(33 * MINUTE);
    incident.timeline.push(entry(at, 1, TimelineEvent::Acknowledged { until: Some(until) }));
    // Level 1 had waited three of its five minutes.
    let told = run(&mut incident, &workspace, at, NOW.plus_ms(DAY));
    let expected = [(33, "expire"), (35, "1/2 1"), (45, "1/3 0"), (45, "1/4 1"), (65, "exhausted")];
    assert_eq!(told, words(&expected));

    let mut held = self::incident();
    run(&mut held, &workspace, NOW, at);
    held.timeline.push(entry(at, 1, TimelineEvent::Acknowledged { until: None }));
    assert_eq!(next(&held, &workspace, at), None);
    assert_eq!(escalation(&held).unwrap().hold.unwrap().by, who(1).to_string());
    // The later one counts: it runs out although the earlier would not have.
    held.timeline.push(entry(at.plus_ms(1), 2, TimelineEvent::Acknowledged { until: Some(until) }));
    assert_eq!(next(&held, &workspace, at).unwrap().step, Step::Expire);
}

#[test]
fn whoever_moves_the_response_on_has_taken_it_and_whoever_ends_it_ends_the_escalation() {
    let (workspace, mut incident) = (workspace(0), incident());
    run(&mut incident, &workspace, NOW, NOW);
    let moved = |from, to| TimelineEvent::Status { from, to };
    let mut taken = incident.clone();
    taken.status = IncidentStatus::Investigating;
    let at = NOW.plus_ms(MINUTE);
    taken.timeline.push(entry(at, 1, moved(IncidentStatus::Open, IncidentStatus::Investigating)));
    assert_eq!(next(&taken, &workspace, at), None);
    taken.status = IncidentStatus::Resolved;
    taken.timeline.push(entry(
        at.plus_ms(1),
        2,
        moved(IncidentStatus::Investigating, IncidentStatus::Resolved),
    ));
    assert_eq!(run(&mut taken, &workspace, at, NOW.plus_ms(DAY)), words(&[(1, "resolved")]));
    taken.status = IncidentStatus::Investigating;
    taken.timeline.push(entry(
        at.plus_ms(2),
        3,
        moved(IncidentStatus::Resolved, IncidentStatus::Investigating),
    ));
    assert_eq!(next(&taken, &workspace, at), None);
}

#[test]
fn a_running_one_keeps_its_policy_and_does_not_begin_anew() {
    let (mut workspace, mut incident) = (workspace(0), incident());
    run(&mut incident, &workspace, NOW, NOW.plus_ms(6 * MINUTE));
    workspace.escalations.clear();
    incident.severity = Severity::P2;
    let told = run(&mut incident, &workspace, NOW.plus_ms(6 * MINUTE), NOW.plus_ms(DAY));
    assert_eq!(told, words(&[(15, "1/3 0"), (15, "1/4 1"), (35, "exhausted")]));
}

#[test]
fn what_waits_for_confirmation_is_deleted_acknowledged_or_old_does_not_begin() {
    let workspace = workspace(0);
    let begins = |incident: &Incident, now| next(incident, &workspace, now).is_some();
    let mut proposed = incident();
    let evidence = "{}".to_owned();
    let event = TimelineEvent::Proposed { rule: "burst".to_owned(), severity: Severity::P1, evidence };
    proposed.timeline.push(entry(NOW, 1, event));
    assert!(!begins(&proposed, NOW));
    proposed.timeline.push(entry(NOW, 2, TimelineEvent::Dismissed { text: String::new() }));
    assert!(!begins(&proposed, NOW));
    proposed.timeline.push(entry(NOW, 3, TimelineEvent::Confirmed));
    assert!(begins(&proposed, NOW));
    assert!(!begins(&Incident { deleted: true, ..incident() }, NOW));
    assert!(!begins(&Incident { severity: Severity::P4, ..incident() }, NOW));
    assert!(begins(&incident(), NOW.plus_ms(7 * DAY - 1)));
    assert!(!begins(&incident(), NOW.plus_ms(7 * DAY)));
    let mut taken = incident();
    taken.timeline.push(entry(NOW, 1, TimelineEvent::Acknowledged { until: None }));
    assert!(!begins(&taken, NOW));
}

#[test]
fn nothing_is_told_seven_days_after_the_start() {
    let (workspace, mut incident) = (workspace(9), incident());
    run(&mut incident, &workspace, NOW, NOW.plus_ms(MINUTE));
    let until = NOW.plus_ms(7 * DAY - MINUTE);
    incident.timeline.push(entry(NOW.plus_ms(MINUTE), 1, TimelineEvent::Acknowledged { until: Some(until) }));
    let told = run(&mut incident, &workspace, NOW, NOW.plus_ms(30 * DAY));
    let day_7 = 7 * 24 * 60;
    assert_eq!(told, words(&[(day_7 - 1, "expire"), (day_7, "expired")]));
}

#[test]
fn a_round_that_finds_nobody_ends_it() {
    let mut workspace = workspace(9);
    for member in workspace.members.values_mut() {
        member.active = false;
    }
    let told = run(&mut incident(), &workspace, NOW, NOW.plus_ms(DAY));
    let expected = [(0, "start"), (0, "1/1 0"), (0, "1/2 0"), (0, "1/3 0"), (0, "1/4 0"), (0, "nobody")];
    assert_eq!(told, words(&expected));
}

#[test]
fn an_incident_gets_the_policy_of_its_service_or_else_of_its_severity() {
    let mut workspace = workspace(0);
    workspace.escalations.insert("net".to_owned(), policy(3));
    workspace.escalations.insert("also-p1".to_owned(), policy(4));
    let service = |name: &str, escalation: Option<&str>| Service {
        name: name.to_owned(),
        team: None,
        escalation: escalation.map(str::to_owned),
    };
    workspace.services.insert("vpn".to_owned(), service("VPN", Some("net")));
    workspace.services.insert("pos".to_owned(), service("POS", None));
    let with = |services: &[&str]| {
        let services = services.iter().map(|name| (*name).to_owned()).collect();
        let incident = Incident { services, ..incident() };
        policy_of(&incident, &workspace).map(|(key, _)| key.to_owned())
    };
    assert_eq!(with(&["POS", "VPN"]).as_deref(), Some("net"));
    assert_eq!(with(&["vpn"]).as_deref(), Some("net"));
    assert_eq!(with(&["POS"]).as_deref(), Some("also-p1"));
    assert_eq!(with(&[]).as_deref(), Some("also-p1"));
}

#[track_caller]
fn refused(change: impl Fn(&mut Policy), reason: &str) {
    let mut policy = policy(0);
    change(&mut policy);
    let error = policy.check().unwrap_err().to_string();
    assert!(error.contains(reason), "{error}");
}

#[test]
fn a_policy_that_cannot_be_used_is_refused_with_a_reason() {
    assert_eq!(policy(9).check(), Ok(()));
    refused(|policy| policy.name.clear(), "no name");
    refused(|policy| policy.levels.clear(), "no levels");
    refused(|policy| policy.levels[1].targets.clear(), "level 2 tells nobody");
    refused(|policy| policy.levels[1].timeout_min = 0, "level 2 waits 0 minutes");
    refused(|policy| policy.repeat = 10, "repeated 10 times");
    refused(|policy| policy.levels[0].targets.push(Target::Role { role: Role::Requester }), "requesters");
    let error = policy(0).check_among(&workspace(0)).unwrap_err().to_string();
    assert!(error.contains("level 2 names the team net"), "{error}");
}

/// Every (cycle, level) of the policy in order.
fn all_pages(repeat: u8) -> Vec<(u8, u8)> {
    policy(repeat).positions().collect()
}

proptest! {
    /// A clock that is set back or forward by a day in the middle never makes a page come twice or not at all, and what is due
    /// then is not a day late.
    #[test]
    fn no_clock_makes_a_page_come_twice_or_not_at_all(
        repeat in 0_u8..4,
        jump_after in 1_usize..14,
        jump in prop::sample::select(vec![-DAY, DAY, -3 * MINUTE, 3 * MINUTE]),
        late_ms in prop::collection::vec(0_i64..90_000, 60),
    ) {
        let (workspace, mut incident) = (workspace(repeat), incident());
        let mut now = NOW;
        let mut steps = 0;
        while let Some(due) = next(&incident, &workspace, now) {
            prop_assert!(due.at.since(now) <= 23 * MINUTE, "{:?} is too far from {}", due, now);
            now = now.max(due.at).plus_ms(late_ms[steps % late_ms.len()]);
            let due = next(&incident, &workspace, now).unwrap();
            prop_assert!(due.at <= now);
            write(&mut incident, due, now);
            steps += 1;
            if steps == jump_after {
                now = now.plus_ms(jump);
            }
            prop_assert!(steps < 100);
        }
        let standing = escalation(&incident).unwrap();
        let pages: Vec<(u8, u8)> = standing.pages.iter().map(|(_, page)| (page.cycle, page.level)).collect();
        prop_assert_eq!(pages, all_pages(repeat));
        prop_assert_eq!(standing.ended, Some(EndReason::Exhausted));
    }

    /// Whatever the order in which entries were merged, the next step is the same.
    #[test]
    fn the_order_of_merging_does_not_matter(
        acknowledged in prop::collection::vec((0_i64..60, prop::option::of(1_i64..30)), 0..4),
        ran_min in 0_i64..80,
        looked_min in 0_i64..200,
        seed in any::<u64>(),
    ) {
        let (workspace, mut incident) = (workspace(1), incident());
        let until = NOW.plus_ms(ran_min * MINUTE);
        run(&mut incident, &workspace, NOW, until);
        for (number, (minute, length)) in (10..).zip(acknowledged) {
            let at = NOW.plus_ms(minute * MINUTE);
            let until = length.map(|minutes| at.plus_ms(minutes * MINUTE));
            incident.timeline.push(entry(at, number, TimelineEvent::Acknowledged { until }));
        }
        run(&mut incident, &workspace, until, until.plus_ms(20 * MINUTE));
        let now = NOW.plus_ms(looked_min * MINUTE);
        let expected = next(&incident, &workspace, now);
        let mut state = seed | 1;
        for last in (1..incident.timeline.len()).rev() {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let other = usize::try_from(state % (last as u64 + 1)).unwrap();
            incident.timeline.swap(last, other);
        }
        prop_assert_eq!(next(&incident, &workspace, now), expected);
    }
}
