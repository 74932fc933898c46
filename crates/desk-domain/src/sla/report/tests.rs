use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::{
    sla::{
        calendar::{Calendar, WeekHours},
        cases::{START, after, policy, status, ticket},
        policy::{PolicyMatch, SlaRules},
    },
    ticket::{LogEvent, Source},
};

/// Two hours for medium, one for high, counted from 09:00 to 18:00 from Monday to Friday. The story begins on a Monday at 09:00.
fn rules() -> CompiledRules {
    let office = Calendar {
        zone: "UTC".to_owned(),
        hours: WeekHours::weekdays(&[("09:00", "18:00")]),
        ..Calendar::default()
    };
    SlaRules {
        policies: vec![policy(
            "p",
            PolicyMatch::default(),
            &[(Priority::Medium, 120.), (Priority::High, 60.)],
        )],
        calendars: BTreeMap::from([("always".to_owned(), office)]),
    }
    .compile()
}

fn imported(key: &str, made_sla: &str, priority: Priority, log: &[(i64, LogEvent)]) -> Ticket {
    let mut ticket = ticket(priority, log);
    ticket.custom.insert(MADE_SLA.to_owned(), made_sla.to_owned());
    ticket.source =
        Some(Source { system: "servicenow-csv".into(), key: key.into(), imported_by: "somebody".into() });
    ticket
}

fn report(tickets: &[Ticket]) -> Report {
    let (rules, always) = (rules(), Calendar::always().compile().unwrap());
    let inquiry = Inquiry::new(MADE_SLA, &rules, &always, after(100_000));
    let mut inquired = Inquired::default();
    for ticket in tickets {
        inquired.add(ticket, &inquiry);
    }
    inquired.finish(&inquiry)
}

/// Why the verdicts differ on one ticket, as words.
fn reasons(ticket: &Ticket) -> Vec<String> {
    let report = report(std::slice::from_ref(ticket));
    let [differing] = report.differing.as_slice() else { panic!("{report:?}") };
    let words = |set: &Vec<Reason>| set.iter().map(|reason| reason.as_str()).collect::<Vec<_>>().join("+");
    differing.reasons.iter().map(words).collect()
}

use Status::{Closed, InProgress, Open, Pending, Resolved};

#[test]
fn each_reason_is_found_by_counting_otherwise() {
    let day = 24 * 60;
    let missed = |log: &[(i64, LogEvent)]| imported("X", "FALSE", Priority::Medium, log);
    // An hour of work, ten of waiting.
    let paused =
        missed(&[(30, status(Open, Pending)), (400, status(Pending, Open)), (430, status(Open, Resolved))]);
    assert_eq!(reasons(&paused), ["paused_time"]);
    // Half an hour on Monday evening, half an hour on Tuesday morning.
    let mut night = missed(&[]);
    let evening = 8 * 60 + 30;
    night.log[0].at = after(evening);
    night.created_at = after(evening);
    night.log.push(crate::sla::cases::entry(9, day + 30, status(Open, Resolved)));
    night.status = Resolved;
    assert_eq!(reasons(&night), ["business_hours"]);
    // Resolved in time, closed days later.
    let closed = missed(&[(60, status(Open, Resolved)), (5 * day, status(Resolved, Closed))]);
    assert_eq!(reasons(&closed), ["closed_instant"]);
    // Reopened: we go on counting, they did not.
    let reopened = imported(
        "X",
        "true",
        Priority::Medium,
        &[(60, status(Open, Resolved)), (90, status(Resolved, Open)), (200, status(Open, Resolved))],
    );
    assert_eq!(reasons(&reopened), ["reopened"]);
    // The update that says so was written later than the instant that it states.
    let mut stated = imported("X", "yes", Priority::Medium, &[(150, status(Open, Resolved))]);
    stated.custom.insert("resolved_at".to_owned(), after(100).to_string());
    assert_eq!(reasons(&stated), ["stated_instant"]);
    // The target of the first priority would have been missed.
    let eased = imported(
        "X",
        "no",
        Priority::High,
        &[
            (10, LogEvent::Priority { from: Priority::High, to: Priority::Medium }),
            (90, status(Open, Resolved)),
        ],
    );
    assert_eq!(reasons(&eased), ["first_terms"]);
    // Either of two would do; two are needed together; none does.
    let either = missed(&[
        (30, status(Open, Pending)),
        (400, status(Pending, Resolved)),
        (5 * day, status(Resolved, Closed)),
    ]);
    assert_eq!(reasons(&either), ["paused_time", "closed_instant"]);
    let mut both = missed(&[]);
    both.log[0].at = after(evening);
    both.created_at = after(evening);
    both.log.push(crate::sla::cases::entry(8, evening + 10, status(Open, Pending)));
    both.log.push(crate::sla::cases::entry(9, day + 30, status(Pending, Resolved)));
    both.status = Resolved;
    assert_eq!(reasons(&both), ["paused_time+business_hours"]);
    let no = missed(&[(60, status(Open, Resolved))]);
    assert_eq!(reasons(&no), Vec::<String>::new());
}

#[test]
fn verdicts_are_counted_by_priority() {
    let solved = |key: &str, made: &str, minutes: i64| {
        imported(key, made, Priority::Medium, &[(minutes, status(Open, Resolved))])
    };
    let report = report(&[
        solved("A", "TRUE", 60),
        solved("B", "FALSE", 60),
        solved("C", "true", 150),
        solved("D", "0", 150),
        solved("E", "?", 150),
        imported("F", "TRUE", Priority::Low, &[(60, status(Open, Resolved))]),
        imported("G", "TRUE", Priority::High, &[(10, status(Open, InProgress))]),
        Ticket { deleted: true, ..solved("H", "TRUE", 60) },
    ]);
    // High is not resolved and late by now.
    assert_eq!((report.untold, report.untargeted, report.undecided), (1, 1, 0));
    let medium = &report.priorities[&Priority::Medium];
    assert_eq!((medium.tickets, medium.theirs_made, medium.theirs_missed), (4, 2, 2));
    assert_eq!((medium.ours_made, medium.ours_missed, medium.agree), (2, 2, 2));
    assert_eq!(medium.differ, [Difference { reasons: vec![], tickets: 2 }]);
    assert_eq!((report.total.tickets, report.total.agree), (5, 2));
    assert_eq!(report.priorities[&Priority::High].differ, [Difference { reasons: vec![], tickets: 1 }]);
    let keys: Vec<_> = report.differing.iter().filter_map(|d| d.key.as_deref()).collect();
    assert_eq!(keys, ["B", "C", "G"]);
}

#[test]
fn the_target_that_fits_best_is_found() {
    let check = |counted: &[(i64, bool)], expected: (i64, u32)| {
        assert_eq!(best_target(counted.to_vec()), expected, "{counted:?}");
    };
    check(&[], (0, 0));
    check(&[(5, true)], (5, 1));
    check(&[(5, false)], (0, 1));
    check(&[(0, false)], (0, 0));
    check(&[(10, true), (20, true), (30, false), (40, false)], (20, 4));
    check(&[(10, true), (20, false), (20, true), (30, true), (40, false)], (30, 4));
    check(&[(10, false), (20, true)], (0, 1));
}

proptest! {
    #[test]
    fn parts_in_any_order_make_the_same_whole(
        drawn in proptest::collection::vec((0_i64..600, any::<bool>(), 0_usize..3), 0..30),
    ) {
        let tickets: Vec<(usize, Ticket)> = (0..)
            .zip(drawn)
            .map(|(key, (minutes, made, part))| {
                let made = if made { "true" } else { "false" };
                let log = [(minutes, status(Open, Resolved))];
                let mut ticket = imported(&format!("{key:03}"), made, Priority::Medium, &log);
                ticket.created_at = START;
                (part, ticket)
            })
            .collect();
        let (rules, always) = (rules(), Calendar::always().compile().unwrap());
        let inquiry = Inquiry::new(MADE_SLA, &rules, &always, after(100_000));
        let mut whole = Inquired::default();
        for (_, ticket) in &tickets {
            whole.add(ticket, &inquiry);
        }
        let mut merged = Inquired::default();
        for part in [1, 0, 2] {
            let mut found = Inquired::default();
            tickets.iter().filter(|(of, _)| *of == part).for_each(|(_, ticket)| found.add(ticket, &inquiry));
            merged.merge(found);
        }
        let (whole, merged) = (whole.finish(&inquiry), merged.finish(&inquiry));
        prop_assert_eq!(&merged, &whole);
        for verdicts in whole.priorities.values() {
            prop_assert_eq!(verdicts.theirs_made + verdicts.theirs_missed, verdicts.tickets);
            prop_assert_eq!(verdicts.ours_made + verdicts.ours_missed, verdicts.tickets);
            // One target for all is what we have here, too: the best one agrees at least as often.
            let ours = verdicts.fits.iter().find(|fit| fit.reasons.is_empty()).unwrap();
            prop_assert!(ours.agree >= verdicts.agree);
        }
    }
}
