use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::{
    sla::{
        calendar::Calendar,
        cases::{START, after, field, policy, reply, status, ticket},
        policy::{PolicyMatch, SlaRules},
    },
    ticket::{AuthorSide, LogEvent, Status, Visibility},
};

/// One policy for the category `vip`, one for all others, with these minutes for resolution; 60 for both responses.
fn rules(vip: f64, rest: f64) -> CompiledRules {
    let meant = PolicyMatch { categories: BTreeSet::from(["vip".to_owned()]), ..PolicyMatch::default() };
    SlaRules {
        policies: vec![
            policy("vip", meant, &[(Priority::High, vip)]),
            policy("rest", PolicyMatch::default(), &[(Priority::Medium, rest), (Priority::High, rest)]),
        ],
        calendars: BTreeMap::from([("always".to_owned(), Calendar::always())]),
    }
    .compile()
}

fn question<'a>(present: &'a CompiledRules, proposed: &'a CompiledRules) -> Question<'a> {
    Question { period: Period { from: START, to: after(1000) }, at: after(2000), present, proposed }
}

fn numbered(number: u128, created: i64, mut ticket: Ticket) -> Ticket {
    ticket.id = DocId(Uuid::from_u128(number));
    ticket.created_at = after(created);
    for entry in &mut ticket.log {
        entry.at = entry.at.plus_ms(ticket.created_at.since(START));
    }
    ticket
}

fn staff() -> LogEvent {
    reply(Visibility::Public, AuthorSide::Staff)
}

fn requester() -> LogEvent {
    reply(Visibility::Public, AuthorSide::Requester)
}

fn lines(outcome: &Outcome) -> Vec<String> {
    outcome
        .lines
        .iter()
        .map(|line| {
            let Tally { met, breached, running } = line.tally;
            format!("{} {} {}: {met} {breached} {running}", line.policy, line.metric, line.priority)
        })
        .collect()
}

fn changes(preview: &Preview) -> Vec<String> {
    preview
        .changes
        .iter()
        .map(|c| format!("{} {}: {} → {}", c.ticket.0.as_u128(), c.metric, c.present, c.proposed))
        .collect()
}

#[test]
fn breaches_and_mets_are_told_now_and_then_with_the_tickets_that_change() {
    let solved = |minutes: i64| {
        ticket(Priority::Medium, &[(30, staff()), (minutes, status(Status::Open, Status::Resolved))])
    };
    let tickets = [
        numbered(1, 0, solved(100)),
        numbered(2, 10, solved(200)),
        numbered(3, 20, ticket(Priority::High, &[(30, staff())])),
        numbered(4, 30, ticket(Priority::Low, &[])),
        numbered(5, -1, solved(100)),
        numbered(6, 1000, solved(100)),
        numbered(7, 40, Ticket { deleted: true, ..solved(100) }),
        numbered(8, 999, solved(150)),
    ];
    let (present, proposed) = (rules(10., 180.), rules(10., 120.));
    let preview = preview(&tickets, &question(&present, &proposed));
    assert_eq!((preview.tickets, preview.present.without_policy), (5, 1), "low has no row");
    assert_eq!(
        lines(&preview.present),
        [
            "rest first_response medium: 3 0 0",
            "rest first_response high: 1 0 0",
            "rest resolution medium: 2 1 0",
            "rest resolution high: 0 1 0",
        ]
    );
    assert_eq!(lines(&preview.proposed)[2], "rest resolution medium: 1 2 0");
    assert_eq!(changes(&preview), ["8 resolution: met → breached"]);
    assert_eq!(preview.changes[0].number, tickets[7].number());
    assert_eq!(preview.changes_count, 1);
    assert_eq!(preview.proposed.of_metric(Metric::Resolution), Tally { met: 1, breached: 3, running: 0 });
}

#[test]
fn what_would_be_missed_comes_first_then_what_would_be_no_longer() {
    let vip = |number, created, minutes| {
        let log =
            [(0, field("category", None, Some("vip"))), (minutes, status(Status::Open, Status::Closed))];
        numbered(number, created, ticket(Priority::High, &log))
    };
    let rest = |number, created, minutes| {
        numbered(
            number,
            created,
            ticket(Priority::Medium, &[(minutes, status(Status::Open, Status::Closed))]),
        )
    };
    let tickets = [vip(1, 0, 50), rest(2, 1, 50), vip(3, 2, 50), rest(4, 3, 50)];
    let (present, proposed) = (rules(100., 10.), rules(10., 100.));
    let all = preview(&tickets, &question(&present, &proposed));
    assert_eq!(
        changes(&all),
        [
            "3 resolution: met → breached",
            "1 resolution: met → breached",
            "4 resolution: breached → met",
            "2 resolution: breached → met",
        ]
    );
    let nothing = SlaRules::default().compile();
    let without = preview(&tickets, &question(&nothing, &present));
    assert_eq!((without.present.without_policy, without.present.lines.len()), (4, 0));
    assert_eq!(without.changes_count, 8, "first responses, too");
    assert!(without.changes.iter().all(|change| change.present == Verdict::Untargeted));
}

#[test]
fn every_next_response_counts() {
    let log = [
        (10, requester()),
        (20, staff()),
        (30, requester()),
        (130, staff()),
        (140, requester()),
        (150, staff()),
        (160, requester()),
    ];
    let tickets = [ticket(Priority::Medium, &log)];
    let rules = rules(1., 100.);
    let asked = Question { at: after(170), ..question(&rules, &rules) };
    let told = preview(&tickets, &asked);
    assert_eq!(
        told.present.of_metric(Metric::NextResponse),
        Tally { met: 2, breached: 1, running: 1 },
        "answered after 10, 100 and 10 minutes, and one waits"
    );
    assert_eq!(told.changes_count, 0);
}

#[test]
fn no_more_tickets_are_named_than_a_person_reads() {
    let solved = |number: u128| {
        numbered(number, 1, ticket(Priority::Medium, &[(50, status(Status::Open, Status::Closed))]))
    };
    let tickets: Vec<Ticket> = (1..=600).map(solved).collect();
    let (present, proposed) = (rules(1., 100.), rules(1., 10.));
    let told = preview(&tickets, &question(&present, &proposed));
    assert_eq!((told.changes.len(), told.changes_count), (CHANGES_MAX, 600));
    assert_eq!(told.changes[0].ticket, DocId(Uuid::from_u128(600)), "the newest first");
}

proptest! {
    #[test]
    fn parts_in_any_order_make_the_same_whole(
        drawn in proptest::collection::vec((-50_i64..1100, 0_i64..300, any::<bool>(), 0_usize..4), 0..40),
    ) {
        let tickets: Vec<(usize, Ticket)> = (1_u128..)
            .zip(drawn)
            .map(|(number, (created, minutes, vip, part))| {
                let mut log = vec![(minutes, status(Status::Open, Status::Resolved))];
                if vip {
                    log.insert(0, (0, field("category", None, Some("vip"))));
                }
                (part, numbered(number, created, ticket(Priority::High, &log)))
            })
            .collect();
        let (present, proposed) = (rules(50., 150.), rules(100., 120.));
        let question = question(&present, &proposed);
        let whole = preview(tickets.iter().map(|(_, ticket)| ticket), &question);
        let mut gathered = Gathered::default();
        for part in [2, 0, 3, 1] {
            let mut found = Gathered::default();
            tickets.iter().filter(|(of, _)| *of == part).for_each(|(_, ticket)| found.add(ticket, &question));
            gathered.merge(found);
        }
        prop_assert_eq!(gathered.tickets(), whole.tickets);
        prop_assert_eq!(gathered.finish(&question), whole);
    }
}
