use proptest::prelude::*;

use super::*;
use crate::sla::{
    calendar::{Calendar, WeekHours},
    policy::{Policy, Targets},
};

/// 09:00 to 13:00 and 14:00 to 18:00 in UTC, Monday to Friday, Thursday 8 January 2026 off.
fn office() -> CompiledCalendar {
    Calendar {
        zone: "UTC".into(),
        hours: WeekHours::weekdays(&[("09:00", "13:00"), ("14:00", "18:00")]),
        holidays: [jiff::civil::date(2026, 1, 8)].into(),
        ..Calendar::default()
    }
    .compile()
    .unwrap()
}

/// `mon 09:00` to `sun 24:00` of the week of 5 January 2026, seconds allowed.
fn at(text: &str) -> UtcMillis {
    let (day, time) = text.split_once(' ').unwrap();
    let day = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"].iter().position(|d| *d == day).unwrap() + 5;
    let seconds = if time.len() == 5 { ":00" } else { "" };
    format!("2026-01-{day:02}T{time}{seconds}Z").parse().unwrap()
}

fn text(instant: UtcMillis) -> String {
    let days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let full = instant.to_string();
    let day: usize = full[8..10].parse().unwrap();
    let time = full[11..].trim_end_matches('Z').trim_end_matches(":00").to_owned();
    let time = if time.len() == 2 { format!("{time}:00") } else { time };
    format!("{} {time}", days[(day - 5) % 7])
}

fn minutes(first: f64, next: f64, resolution: f64) -> CompiledTargets {
    Targets {
        first_response_min: Some(first),
        next_response_min: Some(next),
        resolution_min: Some(resolution),
    }
    .compile()
    .unwrap()
}

/// Reads a story, one event a line (`mon 09:00 created`, `… customer`, `… agent`, `… STATUS`, `… none`,
/// `… FIRST/NEXT/RESOLUTION` minutes), and the clocks at the end, as `state due elapsed remaining`.
fn check(story: &str, read_at: &str, expected: [&str; 3]) {
    let calendar = office();
    let pause_statuses = Policy::default_pause_statuses();
    let terms = |targets: CompiledTargets| {
        Some(Terms {
            policy: None,
            calendar: &calendar,
            targets,
            pause_statuses: &pause_statuses,
            warn_percent: &[],
        })
    };
    let mut events =
        vec![SlaEvent { at: UtcMillis(0), kind: EventKind::Targets(terms(minutes(60., 120., 480.))) }];
    for line in story.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (when, what) = line.rsplit_once(' ').unwrap();
        let kind = match what {
            "created" => EventKind::Created { status: Status::Open },
            "customer" => EventKind::CustomerReply,
            "agent" => EventKind::AgentReply,
            "none" => EventKind::Targets(None),
            targets if targets.contains('/') => {
                let m: Vec<f64> = targets.split('/').map(|m| m.parse().unwrap()).collect();
                EventKind::Targets(terms(minutes(m[0], m[1], m[2])))
            }
            status => EventKind::Status { to: status.parse().unwrap() },
        };
        events.push(SlaEvent { at: at(when), kind });
    }
    let clocks = evaluate(&events, at(read_at));
    for (reading, expected) in clocks.readings().into_iter().zip(expected) {
        let number =
            |value: Option<i64>| value.map_or_else(|| "-".to_owned(), |value| (value / 60).to_string());
        let actual = format!(
            "{} {} {} {}",
            reading.state,
            reading.due_at.map_or_else(|| "-".to_owned(), text),
            number(reading.elapsed_s),
            number(reading.remaining_s)
        );
        assert_eq!(actual, expected, "{} at {read_at} of{story}", reading.metric);
    }
}

#[test]
fn clocks_run_in_business_hours_alone() {
    let story = "
        mon 12:30 created
        mon 12:30 customer";
    check(
        story,
        "mon 12:30",
        ["running mon 14:30 0 60", "running mon 15:30 0 120", "running tue 12:30 0 480"],
    );
    check(
        story,
        "mon 13:40",
        ["running mon 14:30 30 30", "running mon 15:30 30 90", "running tue 12:30 30 450"],
    );
    check(
        story,
        "mon 23:00",
        ["breached mon 14:30 270 -210", "breached mon 15:30 270 -150", "running tue 12:30 270 210"],
    );
    // Thursday is a holiday.
    check(
        "wed 17:00 created",
        "thu 12:00",
        ["running wed 18:00 60 0", "idle - - -", "running fri 17:00 60 420"],
    );
}

#[test]
fn a_target_is_missed_once_more_than_it_has_elapsed() {
    let story = "mon 10:00 created";
    check(story, "mon 11:00", ["running mon 11:00 60 0", "idle - - -", "running tue 10:00 60 420"]);
    check(story, "mon 11:01", ["breached mon 11:00 61 -1", "idle - - -", "running tue 10:00 61 419"]);
    let answered = "
        mon 10:00 created
        mon 11:00 agent";
    check(answered, "tue 09:00", ["met - 60 0", "idle - - -", "running tue 10:00 420 60"]);
    let a_second_late = "
        mon 10:00 created
        mon 11:00:01 agent";
    check(a_second_late, "mon 11:01", ["breached - 60 0", "idle - - -", "running tue 10:00 61 419"]);
}

#[test]
fn seconds_are_kept() {
    let calendar = office();
    let pause_statuses = BTreeSet::new();
    let terms = Terms {
        policy: None,
        calendar: &calendar,
        targets: minutes(1.5, 0.1, 60.25),
        pause_statuses: &pause_statuses,
        warn_percent: &[],
    };
    let created = at("mon 12:58:31");
    let events = [
        SlaEvent { at: created, kind: EventKind::Targets(Some(terms)) },
        SlaEvent { at: created, kind: EventKind::Created { status: Status::Open } },
        SlaEvent { at: created, kind: EventKind::CustomerReply },
    ];
    let clocks = evaluate(&events, at("mon 12:59:00"));
    assert_eq!(clocks.first_response.due_at, Some(at("mon 14:00:01")));
    assert_eq!(clocks.first_response.elapsed_s, Some(29));
    assert_eq!(clocks.next_response.due_at, Some(at("mon 12:58:37")));
    assert_eq!(clocks.next_response.remaining_s, Some(-23));
    assert_eq!(clocks.resolution.due_at, Some(at("mon 14:58:46")));
}

#[test]
fn a_pause_moves_what_is_due_by_its_business_time() {
    let story = "
        mon 09:00 created
        mon 09:30 pending";
    check(story, "mon 12:00", ["paused - 30 30", "idle - - -", "paused - 30 450"]);
    let story = "
        mon 09:00 created
        mon 09:30 pending
        mon 12:00 in_progress";
    check(story, "mon 12:00", ["running mon 12:30 30 30", "idle - - -", "running tue 11:30 30 450"]);
    let story = "
        mon 09:00 created
        mon 11:00 pending";
    check(story, "fri 12:00", ["breached - 120 -60", "idle - - -", "paused - 120 360"]);
}

#[test]
fn work_that_is_over_stops_every_clock_and_reopening_resumes_with_what_had_elapsed() {
    for done in ["resolved", "closed", "cancelled"] {
        let story = format!(
            "
            mon 09:00 created
            mon 09:10 customer
            mon 09:45 {done}"
        );
        check(&story, "wed 12:00", ["met - 45 15", "met - 35 85", "met - 45 435"]);
        let story = format!("{story}\nwed 12:00 open");
        check(
            &story,
            "wed 12:05",
            ["running wed 12:15 50 10", "running wed 14:25 40 80", "running fri 11:15 50 430"],
        );
    }
    let late = "
        mon 09:00 created
        mon 10:30 resolved";
    check(late, "tue 12:00", ["breached - 90 -30", "idle - - -", "met - 90 390"]);
    let moved_on = "
        mon 09:00 created
        mon 09:45 resolved
        mon 12:00 closed";
    check(moved_on, "tue 12:00", ["met - 45 15", "idle - - -", "met - 45 435"]);
}

#[test]
fn the_first_response_ends_with_the_first_public_reply() {
    let story = "
        mon 09:00 created
        mon 09:20 customer
        mon 09:40 agent
        mon 12:00 agent";
    check(story, "tue 09:00", ["met - 40 20", "met - 20 100", "running mon 18:00 480 0"]);
    // An answer while the ticket waits counts as one.
    let story = "
        mon 09:00 created
        mon 09:20 pending
        mon 12:00 agent";
    check(story, "tue 09:00", ["met - 20 40", "idle - - -", "paused - 20 460"]);
    // It is answered for good: reopening does not bring it back.
    let story = "
        mon 09:00 created
        mon 09:40 agent
        mon 09:50 closed
        mon 12:00 open";
    check(story, "mon 12:30", ["met - 40 20", "idle - - -", "running tue 11:10 80 400"]);
}

#[test]
fn the_next_response_counts_from_the_oldest_unanswered_message() {
    let first_cycle = "
        mon 09:00 created
        mon 09:10 customer
        mon 09:50 customer";
    check(
        first_cycle,
        "mon 10:00",
        ["running mon 10:00 60 0", "running mon 11:10 50 70", "running mon 18:00 60 420"],
    );
    let answered = format!("{first_cycle}\nmon 10:10 agent");
    check(&answered, "mon 12:00", ["breached - 70 -10", "met - 60 60", "running mon 18:00 180 300"]);
    let second_cycle = format!("{answered}\nmon 12:00 customer\nmon 12:20 customer");
    check(
        &second_cycle,
        "mon 12:30",
        ["breached - 70 -10", "running mon 15:00 30 90", "running mon 18:00 210 270"],
    );
    let answered_late = format!("{second_cycle}\nmon 15:30 agent\nmon 16:00 agent");
    check(
        &answered_late,
        "mon 17:00",
        ["breached - 70 -10", "breached - 150 -30", "running mon 18:00 420 60"],
    );
}

#[test]
fn a_message_on_a_closed_ticket_waits_for_it_to_be_reopened() {
    let story = "
        mon 09:00 created
        mon 09:30 agent
        mon 09:40 closed
        mon 10:00 customer";
    check(story, "mon 12:00", ["met - 30 30", "met - 0 120", "met - 40 440"]);
    let story = format!("{story}\nmon 12:00 open");
    check(&story, "mon 12:10", ["met - 30 30", "running mon 15:00 10 110", "running tue 11:20 50 430"]);
}

#[test]
fn changed_targets_keep_what_has_elapsed() {
    let story = "
        mon 09:00 created
        mon 09:40 30/120/240";
    // 240 minutes from nine end exactly when lunch begins.
    check(story, "mon 09:40", ["breached mon 09:30 40 -10", "idle - - -", "running mon 13:00 40 200"]);
    // What was answered in time stays so.
    let story = "
        mon 09:00 created
        mon 09:40 agent
        mon 10:00 30/120/240";
    check(story, "mon 10:00", ["met - 40 20", "idle - - -", "running mon 13:00 60 180"]);
}

#[test]
fn without_a_policy_there_are_no_clocks_and_the_time_is_not_forgiven() {
    let story = "
        mon 09:00 created
        mon 09:10 customer
        mon 09:40 none";
    check(story, "mon 12:00", ["idle - - -"; 3]);
    let story = format!("{story}\nmon 12:00 60/240/480");
    check(
        &story,
        "mon 12:00",
        ["breached mon 10:00 180 -120", "running mon 14:10 170 70", "running mon 18:00 180 300"],
    );
}

#[test]
fn events_after_the_instant_have_not_happened_and_disorder_is_put_in_order() {
    let ordered = "
        mon 09:00 created
        mon 09:30 agent
        mon 10:00 closed";
    let disordered = "
        mon 10:00 closed
        mon 09:30 agent
        mon 09:00 created";
    for story in [ordered, disordered] {
        check(story, "mon 09:20", ["running mon 10:00 20 40", "idle - - -", "running mon 18:00 20 460"]);
        check(story, "mon 09:45", ["met - 30 30", "idle - - -", "running mon 18:00 45 435"]);
        check(story, "mon 11:00", ["met - 30 30", "idle - - -", "met - 60 420"]);
    }
    check("mon 09:00 agent", "mon 10:00", ["idle - - -"; 3]);
    check("mon 11:00 created", "mon 10:00", ["idle - - -"; 3]);
}

#[test]
fn warnings_and_breach_are_known_ahead_and_do_not_move_once_reached() {
    let calendar = office();
    let pause_statuses = Policy::default_pause_statuses();
    let terms = Terms {
        policy: Some("gold"),
        calendar: &calendar,
        targets: minutes(100., 100., 480.),
        pause_statuses: &pause_statuses,
        warn_percent: &[90, 75, 75, 0, 100, 255],
    };
    let event = |when: &str, kind| SlaEvent { at: at(when), kind };
    let mut events = vec![
        event("mon 09:00", EventKind::Targets(Some(terms))),
        event("mon 09:00", EventKind::Created { status: Status::Open }),
    ];
    let thresholds = |events: &[SlaEvent<'_>], when: &str| -> Vec<(AlertRule, u8, String)> {
        let reading = evaluate(events, at(when)).first_response;
        reading.thresholds.iter().map(|t| (t.rule, t.percent, text(t.at))).collect()
    };
    let warning = |percent: u8, when: &str| (AlertRule::FirstResponseWarning, percent, when.to_owned());
    let breach = |when: &str| (AlertRule::FirstResponseBreach, 100, when.to_owned());
    let ahead = vec![warning(75, "mon 10:15"), warning(90, "mon 10:30"), breach("mon 10:40")];
    assert_eq!(thresholds(&events, "mon 09:00"), ahead);
    assert_eq!(thresholds(&events, "tue 12:00"), ahead);
    let reading = evaluate(&events, at("mon 10:15")).first_response;
    assert_eq!(reading.next_threshold(at("mon 10:15")).map(|t| t.percent), Some(90));

    events.push(event("mon 10:20", EventKind::Status { to: Status::Pending }));
    assert_eq!(thresholds(&events, "mon 12:00"), vec![warning(75, "mon 10:15")]);
    events.push(event("mon 12:00", EventKind::Status { to: Status::Open }));
    assert_eq!(
        thresholds(&events, "mon 12:00"),
        vec![warning(75, "mon 10:15"), warning(90, "mon 12:10"), breach("mon 12:20")]
    );
    events.push(event("mon 12:30", EventKind::AgentReply));
    assert_eq!(thresholds(&events, "mon 12:30"), vec![]);
    assert_eq!(evaluate(&events, at("mon 12:30")).policy.as_deref(), Some("gold"));
}

fn any_event() -> impl Strategy<Value = (i64, u8)> {
    let instant = prop_oneof![
        8 => 1_767_000_000_000_i64..1_769_000_000_000,
        1 => any::<i64>(),
        1 => Just(1_767_700_000_000),
    ];
    (instant, any::<u8>())
}

fn kind(code: u8, terms: [Terms<'_>; 2]) -> EventKind<'_> {
    match code % 12 {
        0..=2 => EventKind::Created { status: Status::ALL[usize::from(code / 12) % Status::ALL.len()] },
        3 | 4 => EventKind::CustomerReply,
        5 => EventKind::AgentReply,
        6..=8 => EventKind::Status { to: Status::ALL[usize::from(code / 12) % Status::ALL.len()] },
        9 => EventKind::Targets(None),
        _ => EventKind::Targets(Some(terms[usize::from(code / 12) % 2])),
    }
}

proptest! {
    #[test]
    fn any_course_of_events_gives_consistent_clocks(
        mut drawn in proptest::collection::vec(any_event(), 0..30),
        read_at in prop_oneof![9 => 1_767_000_000_000_i64..1_770_000_000_000, 1 => any::<i64>()],
        first in 0_i32..3000,
        resolution in 0_i32..30_000,
    ) {
        let calendars = [office(), Calendar::always().compile().unwrap()];
        let pauses = [Policy::default_pause_statuses(), BTreeSet::from([Status::Open])];
        let terms = [0, 1].map(|i| Terms {
            policy: None,
            calendar: &calendars[i],
            targets: minutes(f64::from(first), f64::from(first) / 7., f64::from(resolution)),
            pause_statuses: &pauses[i],
            warn_percent: &[75, 90],
        });
        let read_at = UtcMillis(read_at);
        drawn.sort_by_key(|(at, _)| *at);
        let mut events = vec![SlaEvent { at: UtcMillis(i64::MIN), kind: EventKind::Targets(Some(terms[0])) }];
        events.extend(drawn.iter().map(|(at, code)| SlaEvent { at: UtcMillis(*at), kind: kind(*code, terms) }));
        let clocks = evaluate(&events, read_at);
        prop_assert_eq!(&clocks, &evaluate(&events, read_at));
        let past: Vec<_> = events.iter().copied().filter(|event| event.at <= read_at).collect();
        prop_assert_eq!(&clocks, &evaluate(&past, read_at), "events to come change nothing");
        for reading in clocks.readings() {
            prop_assert_eq!(reading.state == ClockState::Idle, reading.phase == ClockPhase::Idle);
            prop_assert_eq!(reading.state == ClockState::Idle, reading.elapsed_s.is_none());
            if let (Some(elapsed), Some(remaining)) = (reading.elapsed_s, reading.remaining_s) {
                prop_assert!(elapsed >= 0);
                prop_assert_eq!(Some(elapsed + remaining), reading.target_s);
                prop_assert_eq!(reading.state == ClockState::Breached, remaining < 0);
            }
            prop_assert!(reading.thresholds.is_sorted_by_key(|threshold| threshold.at));
            let Some(due_at) = reading.due_at else { continue };
            prop_assert_eq!(reading.phase, ClockPhase::Running);
            prop_assert_eq!(reading.thresholds.last().map(|threshold| threshold.at), Some(due_at));
            // Nothing happening, the same instant stays due: the scheduler may sleep until then.
            let later = evaluate(&past, due_at.max(read_at).plus_ms(86_400_000));
            prop_assert_eq!(later.reading(reading.metric).due_at, Some(due_at));
            prop_assert_eq!(&later.reading(reading.metric).thresholds, &reading.thresholds);
            if due_at > read_at {
                let then = evaluate(&past, due_at);
                prop_assert_eq!(then.reading(reading.metric).remaining_s, Some(0));
                prop_assert_eq!(then.reading(reading.metric).state, ClockState::Running);
            }
        }
    }
    #[test]
    fn a_pause_never_makes_anything_due_earlier(
        mut drawn in proptest::collection::vec(any_event(), 0..20),
        pause in (0_i64..400_000_000, 0_i64..400_000_000, 0_i64..400_000_000, 0_i64..400_000_000),
        first in 0_i32..3000,
        resolution in 0_i32..30_000,
    ) {
        let calendars = [office(), Calendar::always().compile().unwrap()];
        let pauses = [Policy::default_pause_statuses(), BTreeSet::from([Status::Open, Status::Pending])];
        let terms = [0, 1].map(|i| Terms {
            policy: None,
            calendar: &calendars[i],
            targets: minutes(f64::from(first), f64::from(first) / 7., f64::from(resolution)),
            pause_statuses: &pauses[i],
            warn_percent: &[75, 90],
        });
        drawn.retain(|(at, _)| at.abs() < 2_000_000_000_000);
        drawn.sort_by_key(|(at, _)| *at);
        let created = EventKind::Created { status: Status::InProgress };
        let begin = UtcMillis(1_766_999_999_000);
        let mut events = vec![
            SlaEvent { at: begin, kind: EventKind::Targets(Some(terms[0])) },
            SlaEvent { at: begin, kind: created },
        ];
        events.extend(
            drawn
                .iter()
                .map(|(at, code)| SlaEvent { at: UtcMillis(*at).max(begin), kind: kind(*code, terms) })
        );
        // Pausing what is over would be to take it up again.
        let status = events.iter().rev().find_map(|event| match event.kind {
            EventKind::Status { to } => Some(to),
            _ => None,
        });
        let status = status.filter(|status| !status.is_done()).unwrap_or(Status::InProgress);
        let last = events.last().map_or(begin, |event| event.at);
        events.push(SlaEvent { at: last, kind: EventKind::Status { to: status } });

        let (before, short, longer, after) = pause;
        let paused_at = last.plus_ms(before);
        let resumed = [0, short, short + longer].map(|ms| paused_at.plus_ms(ms));
        let read_at = resumed[2].plus_ms(after);
        let [never, shortly, long] = resumed.map(|resumed_at| {
            let mut events = events.clone();
            events.push(SlaEvent { at: paused_at, kind: EventKind::Status { to: Status::Pending } });
            events.push(SlaEvent { at: resumed_at, kind: EventKind::Status { to: status } });
            evaluate(&events, read_at)
        });
        let unpaused = evaluate(&events, read_at);
        prop_assert_eq!(&never, &unpaused, "a pause of no time is none");
        for (less, more) in [(&never, &shortly), (&shortly, &long)] {
            for (less, more) in less.readings().into_iter().zip(more.readings()) {
                prop_assert_eq!(less.due_at.is_some(), more.due_at.is_some());
                prop_assert!(less.due_at <= more.due_at, "{:?} {:?}", less, more);
                prop_assert!(more.elapsed_s <= less.elapsed_s && less.remaining_s <= more.remaining_s);
                for (less, more) in less.thresholds.iter().zip(&more.thresholds) {
                    prop_assert!(less.at <= more.at, "{:?} {:?}", less, more);
                }
            }
        }
        // While it stands still, nothing is used up and nothing that was reached moves.
        let mut still = events.clone();
        still.push(SlaEvent { at: paused_at, kind: EventKind::Status { to: Status::Pending } });
        let (early, late) = (evaluate(&still, paused_at), evaluate(&still, read_at));
        for (early, late) in early.readings().into_iter().zip(late.readings()) {
            prop_assert_eq!(early, late);
        }
    }
}
