use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::sla::{
    calendar::Calendar,
    cases::{MINUTE, START, after, field, policy, reply, status, ticket},
    clock::ClockState,
    explain::explain,
    policy::{Policy, PolicyMatch, RuleProblem, SlaRules, Targets},
};

/// `vip` for the category of that name, `network` for the team, `partner` for tickets of that domain with a precious tag,
/// `rest` for anything from medium to critical.
fn rules() -> CompiledRules {
    let one = |word: &str| BTreeSet::from([word.to_owned()]);
    SlaRules {
        policies: vec![
            policy(
                "vip",
                PolicyMatch { categories: one("vip"), ..PolicyMatch::default() },
                &[(Priority::High, 30.)],
            ),
            policy(
                "network",
                PolicyMatch { teams: one("net"), ..PolicyMatch::default() },
                &[(Priority::Medium, 600.), (Priority::High, 100.)],
            ),
            policy(
                "partner",
                PolicyMatch {
                    requesters: one("@partner.example"),
                    tags: ["gold", "silver"].map(str::to_owned).into(),
                    ..PolicyMatch::default()
                },
                &[(Priority::Medium, 300.)],
            ),
            policy(
                "rest",
                PolicyMatch {
                    priorities: [Priority::Medium, Priority::High, Priority::Critical].into(),
                    ..PolicyMatch::default()
                },
                &[
                    (Priority::Low, 1.),
                    (Priority::Medium, 480.),
                    (Priority::High, 240.),
                    (Priority::Critical, 60.),
                ],
            ),
        ],
        calendars: BTreeMap::from([("always".to_owned(), Calendar::always())]),
    }
    .compile()
}

/// The policy and the minutes from creation at which resolution falls due.
fn resolution(ticket: &Ticket, minutes: i64) -> (Option<String>, Option<i64>) {
    let clocks = clocks(ticket, &rules(), after(minutes));
    (clocks.policy, clocks.resolution.due_at.map(|due| due.since(START) / MINUTE))
}

#[test]
fn the_first_policy_that_fits_holds_as_the_fields_change() {
    let change = LogEvent::Priority { from: Priority::Medium, to: Priority::High };
    let log = [
        (10, change),
        (20, field("category", None, Some("vip"))),
        (30, field("team", None, Some("net"))),
        (40, field("category", Some("vip"), None)),
        (50, field("team", Some("net"), Some("desk"))),
        (60, LogEvent::Priority { from: Priority::High, to: Priority::Low }),
        (70, LogEvent::Priority { from: Priority::Low, to: Priority::Critical }),
    ];
    let ticket = ticket(Priority::Medium, &log);
    for (minutes, policy, due) in [
        (0, Some("rest"), Some(480)),
        (10, Some("rest"), Some(240)),
        (20, Some("vip"), Some(30)),
        (30, Some("vip"), Some(30)),
        (40, Some("network"), Some(100)),
        (50, Some("rest"), Some(240)),
        (60, None, None), // `rest` has a row for low but is not meant for it
        (70, Some("rest"), Some(60)),
    ] {
        assert_eq!(resolution(&ticket, minutes), (policy.map(str::to_owned), due), "after {minutes} minutes");
    }
    assert_eq!(clocks(&ticket, &rules(), after(70)).resolution.state, ClockState::Breached);
    assert_eq!(clocks(&ticket, &rules(), after(60)), Clocks::idle());
}

#[test]
fn requester_and_tags_are_followed_through_the_log() {
    let tag = |tag: &str, on| LogEvent::Tag { tag: tag.into(), on };
    let log = [
        (10, field("requester", Some("boris@home.example"), Some("Anna@Partner.Example"))),
        (20, tag("gold", true)),
        (30, tag("silver", true)),
        (40, tag("gold", false)),
        (50, tag("silver", false)),
        (60, tag("silver", true)),
        (70, field("requester", Some("Anna@Partner.Example"), None)),
    ];
    let ticket = ticket(Priority::Medium, &log);
    for (minutes, policy, due) in [
        (0, "rest", 480),
        (10, "rest", 480),
        (20, "partner", 300),
        (30, "partner", 300),
        (40, "partner", 300),
        (50, "rest", 480),
        (60, "partner", 300),
        (70, "rest", 480),
    ] {
        assert_eq!(
            resolution(&ticket, minutes),
            (Some(policy.to_owned()), Some(due)),
            "after {minutes} minutes"
        );
    }
}

#[test]
fn tags_and_requester_that_the_log_never_mentions_held_since_creation() {
    let mut ticket = ticket(Priority::Medium, &[(10, LogEvent::Tag { tag: "gold".into(), on: false })]);
    ticket.requester = Some("anna@partner.example".into());
    assert_eq!(resolution(&ticket, 5), (Some("partner".to_owned()), Some(300)), "it was on before");
    assert_eq!(resolution(&ticket, 15), (Some("rest".to_owned()), Some(480)));
    ticket.tags.insert("silver".into());
    assert_eq!(resolution(&ticket, 15), (Some("partner".to_owned()), Some(300)));
}

#[test]
fn of_concurrent_writes_of_a_tag_the_document_decides() {
    let on = || LogEvent::Tag { tag: "gold".into(), on: true };
    let mut ticket = ticket(Priority::Medium, &[(10, on()), (20, on())]);
    ticket.requester = Some("anna@partner.example".into());
    assert_eq!(resolution(&ticket, 5).0.as_deref(), Some("rest"));
    assert_eq!(resolution(&ticket, 15).0.as_deref(), Some("partner"));
    ticket.tags.clear();
    assert_eq!(resolution(&ticket, 25).0.as_deref(), Some("rest"));
}

#[test]
fn a_priority_without_a_row_is_left_to_the_next_policy_and_empty_targets_have_no_clocks() {
    let mut vip = ticket(Priority::Medium, &[]);
    vip.category = Some("vip".into());
    assert_eq!(resolution(&vip, 0), (Some("rest".to_owned()), Some(480)));

    let silent = SlaRules {
        policies: vec![Policy {
            targets: [(Priority::Medium, Targets::default())].into(),
            ..policy("silent", PolicyMatch::default(), &[])
        }],
        calendars: BTreeMap::from([("always".to_owned(), Calendar::always())]),
    };
    let silent = clocks(&vip, &silent.compile(), after(5));
    assert_eq!((silent.policy.as_deref(), silent.resolution.state), (Some("silent"), ClockState::Idle));
}

#[test]
fn public_replies_alone_move_the_clocks() {
    use ClockState::{Idle, Met, Running};

    let state = |log: &[(i64, LogEvent)]| {
        let clocks = clocks(&ticket(Priority::Medium, log), &rules(), after(30));
        (clocks.first_response.state, clocks.next_response.state)
    };
    let requester = || reply(Visibility::Public, AuthorSide::Requester);
    let staff = || reply(Visibility::Public, AuthorSide::Staff);
    assert_eq!(state(&[]), (Running, Idle), "a description is no message to answer");
    assert_eq!(state(&[(5, requester())]), (Running, Running));
    assert_eq!(state(&[(5, requester()), (10, staff())]), (Met, Met));
    assert_eq!(
        state(&[(5, requester()), (10, reply(Visibility::Internal, AuthorSide::Staff))]),
        (Running, Running)
    );
    assert_eq!(state(&[(5, reply(Visibility::Internal, AuthorSide::Requester))]), (Running, Idle));
    assert_eq!(state(&[(5, staff())]), (Met, Idle));
    assert_eq!(state(&[(5, LogEvent::Tag { tag: "x".into(), on: true })]), (Running, Idle));
}

#[test]
fn status_moves_pause_stop_and_resume() {
    use Status::{Closed, InProgress, Open, Pending};
    let log = [
        (10, status(Open, Pending)),
        (70, status(Pending, InProgress)),
        (100, status(InProgress, Closed)),
        (200, status(Closed, Open)),
    ];
    let ticket = ticket(Priority::Critical, &log);
    let states = |minutes: i64| {
        let reading = clocks(&ticket, &rules(), after(minutes)).resolution;
        (
            reading.state,
            reading.elapsed_s.map(|s| s / 60),
            reading.due_at.map(|due| due.since(START) / MINUTE),
        )
    };
    assert_eq!(states(10), (ClockState::Paused, Some(10), None));
    assert_eq!(states(80), (ClockState::Running, Some(20), Some(120)));
    assert_eq!(states(150), (ClockState::Met, Some(40), None));
    assert_eq!(states(210), (ClockState::Running, Some(50), Some(220)));
    assert_eq!(states(221), (ClockState::Breached, Some(61), Some(220)));
}

#[test]
fn fields_that_the_log_never_mentions_held_since_creation() {
    let mut ticket = ticket(Priority::Medium, &[]);
    ticket.team = Some("net".into());
    ticket.priority = Priority::High;
    assert_eq!(resolution(&ticket, 5), (Some("network".to_owned()), Some(100)));
    ticket.status = Status::Closed;
    assert_eq!(clocks(&ticket, &rules(), after(500)).resolution.elapsed_s, Some(0));
    ticket.log.clear();
    assert_eq!(clocks(&ticket, &rules(), after(500)).resolution.started_at, Some(START));
}

#[test]
fn of_concurrent_writes_the_document_decides() {
    // Two devices changed the priority; the merge kept the earlier one's value.
    let log = [
        (10, LogEvent::Priority { from: Priority::Medium, to: Priority::High }),
        (11, LogEvent::Priority { from: Priority::Medium, to: Priority::Critical }),
    ];
    let mut ticket = ticket(Priority::Medium, &log);
    ticket.priority = Priority::High;
    assert_eq!(resolution(&ticket, 12), (Some("rest".to_owned()), Some(240)));
}

#[test]
fn a_deleted_ticket_has_no_clocks() {
    let mut ticket = ticket(Priority::Medium, &[(5, LogEvent::Deleted { deleted: true })]);
    ticket.deleted = true;
    assert_eq!(clocks(&ticket, &rules(), after(10)), Clocks::idle());
    assert!(explain(&ticket, &rules(), after(10)).clocks.iter().all(|clock| clock.segments.is_empty()));
}

#[test]
fn a_wrong_clock_changes_neither_the_order_nor_the_outcome_of_the_rest() {
    // A reply dated an hour before the creation counts as of the creation.
    let early = ticket(Priority::Medium, &[(-60, reply(Visibility::Public, AuthorSide::Staff))]);
    let reading = clocks(&early, &rules(), after(10)).first_response;
    assert_eq!((reading.state, reading.elapsed_s), (ClockState::Met, Some(0)));
    // One dated in the future has not happened yet.
    let late = ticket(Priority::Medium, &[(10_000, reply(Visibility::Public, AuthorSide::Staff))]);
    assert_eq!(clocks(&late, &rules(), after(10)).first_response.state, ClockState::Running);
}

#[test]
fn what_is_broken_disables_the_policies_that_need_it_and_is_told() {
    let mut rules = SlaRules {
        policies: vec![
            policy("a", PolicyMatch::default(), &[(Priority::Medium, 10.)]),
            policy("b", PolicyMatch::default(), &[(Priority::Medium, f64::NAN)]),
            policy("c", PolicyMatch::default(), &[(Priority::Medium, 20.)]),
            policy("d", PolicyMatch::default(), &[(Priority::Medium, 30.)]),
        ],
        calendars: BTreeMap::from([
            ("always".to_owned(), Calendar::always()),
            ("broken".to_owned(), Calendar { zone: "Nowhere".into(), ..Calendar::always() }),
        ]),
    };
    rules.policies[0].calendar = "broken".into();
    rules.policies[2].calendar = "missing".into();
    let compiled = rules.compile();
    let clocks = clocks(&ticket(Priority::Medium, &[]), &compiled, after(1));
    assert_eq!(clocks.policy.as_deref(), Some("d"));
    assert!(matches!(
        compiled.problems(),
        [
            RuleProblem::BrokenCalendar { policy: a, .. },
            RuleProblem::BrokenPolicy { policy: b, .. },
            RuleProblem::MissingCalendar { policy: c, .. },
        ] if a == "a" && b == "b" && c == "c"
    ));
}

#[test]
fn rules_are_stored_and_read_back() {
    let text = r#"{"key":"k","name":"Золото","calendar":"office","targets":{"high":{"first_response_min":1.5},"low":{}}}"#;
    let read: Policy = serde_json::from_str(text).unwrap();
    assert_eq!(read.warn_percent, [75, 90]);
    assert_eq!(read.pause_statuses, BTreeSet::from([Status::Pending]));
    assert_eq!(read.targets[&Priority::High].first_response_min, Some(1.5));
    let again: Policy = serde_json::from_str(&serde_json::to_string(&read).unwrap()).unwrap();
    assert_eq!(again, read);
}

fn any_log_event() -> impl Strategy<Value = LogEvent> {
    let status = proptest::sample::select(Status::ALL);
    let priority = proptest::sample::select(Priority::ALL);
    let word =
        || proptest::option::of(proptest::sample::select(vec!["vip", "net", "x"]).prop_map(str::to_owned));
    let name = proptest::sample::select(vec!["category", "team", "requester", "title", "custom.a"])
        .prop_map(str::to_owned);
    let tag = proptest::sample::select(vec!["gold", "silver", "lead"]).prop_map(str::to_owned);
    prop_oneof![
        (status.clone(), priority.clone())
            .prop_map(|(status, priority)| LogEvent::Created { status, priority }),
        (status.clone(), status).prop_map(|(from, to)| LogEvent::Status { from, to }),
        (priority.clone(), priority).prop_map(|(from, to)| LogEvent::Priority { from, to }),
        (name, word(), word()).prop_map(|(field, from, to)| LogEvent::Field { field, from, to }),
        (tag, any::<bool>()).prop_map(|(tag, on)| LogEvent::Tag { tag, on }),
        any::<bool>().prop_map(|staff| {
            reply(Visibility::Public, if staff { AuthorSide::Staff } else { AuthorSide::Requester })
        }),
        any::<bool>().prop_map(|deleted| LogEvent::Deleted { deleted }),
    ]
}

proptest! {
    #[test]
    fn any_log_in_any_order_gives_the_same_clocks(
        log in proptest::collection::vec((prop_oneof![6 => -100_i64..2000, 1 => Just(5)], any_log_event()), 0..25),
        seed in any::<u64>(),
        extreme: i64,
        minutes in -200_i64..5000,
    ) {
        let mut ticket = ticket(Priority::High, &log);
        if let Some(last) = ticket.log.last_mut() {
            last.at = UtcMillis(extreme);
        }
        let rules = rules();
        let now = after(minutes);
        let expected = clocks(&ticket, &rules, now);
        let explanation = explain(&ticket, &rules, now);
        for (reading, clock) in expected.readings().into_iter().zip(&explanation.clocks) {
            prop_assert_eq!(reading, &clock.reading);
        }
        // The document's map of entries has no order of its own.
        let count = ticket.log.len();
        let mut state = seed;
        for index in (1..count).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            ticket.log.swap(index, usize::try_from(state >> 33).unwrap() % (index + 1));
        }
        prop_assert_eq!(clocks(&ticket, &rules, now), expected);
    }
}
