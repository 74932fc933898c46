use std::collections::BTreeSet;

use super::*;
use crate::sla::{
    calendar::{Calendar, WeekHours},
    clock::Terms,
    policy::{CompiledTargets, Targets},
};

fn office() -> CompiledCalendar {
    Calendar {
        zone: "Asia/Almaty".into(),
        hours: WeekHours::weekdays(&[("09:00", "13:00"), ("14:00", "18:00")]),
        holidays: [jiff::civil::date(2026, 1, 7), jiff::civil::date(2026, 1, 8)].into(),
        ..Calendar::default()
    }
    .compile()
    .unwrap()
}

fn resolution(minutes: f64) -> CompiledTargets {
    Targets { resolution_min: Some(minutes), ..Targets::default() }.compile().unwrap()
}

/// Almaty's `DD HH:MM` in January 2026, five hours ahead of UTC.
fn at(text: &str) -> UtcMillis {
    let (day, time) = text.split_once(' ').unwrap();
    format!("2026-01-{day}T{time}:00+05:00").parse().unwrap()
}

fn lines(explanation: &ClockExplanation) -> Vec<String> {
    let local = |instant: UtcMillis| {
        let local = instant.plus_ms(5 * 3_600_000).to_string();
        format!("{} {}", &local[8..10], &local[11..16])
    };
    explanation
        .segments
        .iter()
        .map(|s| {
            format!(
                "{} – {}: {}{}{} {}",
                local(s.from),
                local(s.to),
                s.kind,
                s.status.map(|status| format!(" ({status})")).unwrap_or_default(),
                if s.projected { " ahead" } else { "" },
                s.business_ms / 60_000
            )
        })
        .collect()
}

#[test]
fn an_explanation_tells_hours_lunch_holidays_pauses_and_what_lies_ahead() {
    let calendar = office();
    let pause_statuses = BTreeSet::from([Status::Pending]);
    let terms = |minutes: f64, policy: &'static str| {
        Some(Terms {
            policy: Some(policy),
            calendar: &calendar,
            targets: resolution(minutes),
            pause_statuses: &pause_statuses,
            warn_percent: &[],
        })
    };
    let event = |when: &str, kind| SlaEvent { at: at(when), kind };
    let events = [
        event("05 11:00", EventKind::Targets(terms(600., "silver"))),
        event("05 11:00", EventKind::Created { status: Status::Open }),
        event("05 15:00", EventKind::Status { to: Status::Pending }),
        event("06 09:30", EventKind::Status { to: Status::InProgress }),
        event("06 10:00", EventKind::Targets(terms(720., "gold"))),
        event("06 10:30", EventKind::Status { to: Status::Resolved }),
        event("06 17:00", EventKind::Status { to: Status::Open }),
    ];
    let explanation = explain_events(&events, at("06 17:30"));
    assert_eq!(explanation.policy.as_deref(), Some("gold"));
    let [first, next, resolution] = explanation.clocks.as_slice() else { panic!("three clocks") };
    assert!(first.segments.is_empty() && next.segments.is_empty(), "no target, nothing to explain");
    assert_eq!(
        lines(resolution),
        [
            "05 11:00 – 05 13:00: running 120",
            "05 13:00 – 05 14:00: closed_hours 0",
            "05 14:00 – 05 15:00: running 60",
            "05 15:00 – 06 09:30: paused (pending) 0",
            "06 09:30 – 06 10:30: running 60",
            "06 10:30 – 06 17:00: done (resolved) 0",
            "06 17:00 – 06 17:30: running 30",
            "06 17:30 – 06 18:00: running ahead 30",
            "06 18:00 – 07 00:00: closed_hours ahead 0",
            "07 00:00 – 09 00:00: holiday ahead 0",
            "09 00:00 – 09 09:00: closed_hours ahead 0",
            "09 09:00 – 09 13:00: running ahead 240",
            "09 13:00 – 09 14:00: closed_hours ahead 0",
            "09 14:00 – 09 17:00: running ahead 180",
        ]
    );
    assert_eq!(resolution.reading.due_at, Some(at("09 17:00")));
    let terms: Vec<_> = resolution.terms.iter().map(|t| (t.at, t.policy.as_deref(), t.target_s)).collect();
    assert_eq!(
        terms,
        [(at("05 11:00"), Some("silver"), Some(36_000)), (at("06 10:00"), Some("gold"), Some(43_200))]
    );
}

#[test]
fn the_counted_time_of_the_segments_is_what_the_clock_shows_however_long_it_ran() {
    let calendar = office();
    let pause_statuses = BTreeSet::from([Status::Pending]);
    let terms = Terms {
        policy: None,
        calendar: &calendar,
        targets: resolution(5_000_000.),
        pause_statuses: &pause_statuses,
        warn_percent: &[],
    };
    let created = at("05 11:00");
    let events = [
        SlaEvent { at: created, kind: EventKind::Targets(Some(terms)) },
        SlaEvent { at: created, kind: EventKind::Created { status: Status::Open } },
    ];
    for days in [0, 1, 30, 92, 94, 4000] {
        let now = created.plus_ms(days * 86_400_000);
        let explanation = explain_events(&events, now);
        let clock = &explanation.clocks[2];
        let counted: i64 = clock.segments.iter().filter(|s| !s.projected).map(|s| s.business_ms).sum();
        assert_eq!(Some(counted / 1000), clock.reading.elapsed_s, "{days} days");
        let total: i64 = clock.segments.iter().map(|s| s.business_ms).sum();
        assert_eq!(Some(total / 1000), clock.reading.target_s, "{days} days");
        assert!(clock.segments.windows(2).all(|pair| pair[0].to == pair[1].from));
        assert!(clock.segments.len() < 1000, "{} segments", clock.segments.len());
    }
}
