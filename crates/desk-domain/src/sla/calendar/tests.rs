use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::*;

/// Zones whose rules are odd, each with a transition around which they are (or a quiet day).
const ODD: &[(&str, &str)] = &[
    ("UTC", "2026-03-29T00:00:00Z"),
    ("Europe/Berlin", "2026-03-29T01:00:00Z"),
    ("Europe/Berlin", "2026-10-25T01:00:00Z"),
    ("America/New_York", "2025-11-02T06:00:00Z"),
    ("America/Sao_Paulo", "2018-11-04T03:00:00Z"), // midnight does not exist
    ("America/St_Johns", "2010-03-14T03:31:00Z"),  // changes at 00:01
    ("Australia/Lord_Howe", "2026-04-04T15:00:00Z"), // half an hour
    ("Antarctica/Troll", "2026-03-29T01:00:00Z"),  // two hours
    ("Europe/Dublin", "2026-10-25T01:00:00Z"),
    ("Pacific/Apia", "2011-12-30T10:00:00Z"), // a day that never was
    ("Asia/Almaty", "2024-02-29T18:00:00Z"),  // moved an hour west for good
    ("Europe/Moscow", "2014-10-25T22:00:00Z"),
    ("Africa/Casablanca", "2026-02-15T02:00:00Z"), // Ramadan
    ("Asia/Kathmandu", "1985-12-31T18:30:00Z"),
    ("America/New_York", "2199-11-03T06:00:00Z"), // near the end of the table
];

fn at(text: &str) -> UtcMillis {
    text.parse().unwrap()
}

fn office(zone: &str) -> Calendar {
    Calendar {
        zone: zone.to_owned(),
        hours: WeekHours::weekdays(&[("09:00", "13:00"), ("14:00", "18:00")]),
        ..Calendar::default()
    }
}

/// A week of random windows on whole minutes, from twelve cut points a day.
fn week() -> impl Strategy<Value = WeekHours> {
    let day = proptest::collection::btree_set(0_i64..=1440, 0..=6).prop_map(|cuts| {
        let cuts: Vec<i64> = cuts.into_iter().collect();
        cuts.chunks_exact(2)
            .map(|pair| [clock_face(pair[0] * MINUTE_MS), clock_face(pair[1] * MINUTE_MS)])
            .collect::<DayHours>()
    });
    proptest::collection::vec(day, 7).prop_map(|mut days| {
        let mut next = || days.pop().unwrap();
        let mut hours = WeekHours {
            mon: next(),
            tue: next(),
            wed: next(),
            thu: next(),
            fri: next(),
            sat: next(),
            sun: next(),
        };
        if hours.days().iter().all(|(_, day)| day.is_empty()) {
            hours.wed.push(["23:30".to_owned(), "24:00".to_owned()]);
        }
        hours
    })
}

fn any_calendar() -> impl Strategy<Value = (Calendar, i64)> {
    (week(), 0..ODD.len(), proptest::collection::btree_set(-4_i64..4, 0..3), any::<bool>()).prop_map(
        |(hours, odd, days_off, official)| {
            let (zone, transition) = ODD[odd];
            let transition = at(transition);
            let around = transition.to_jiff().to_zoned(TimeZone::UTC).date();
            let holidays =
                days_off.iter().map(|day| around.checked_add(jiff::Span::new().days(*day)).unwrap());
            let calendar = Calendar {
                zone: zone.to_owned(),
                hours,
                holidays: holidays.collect(),
                holiday_sets: if official { HolidaySet::ALL.to_vec() } else { Vec::new() },
                ..Calendar::default()
            };
            (calendar, transition.0)
        },
    )
}

/// Whether a minute is open, by asking what the wall clock shows: no arithmetic in common with the code under test.
fn is_open_minute(calendar: &Calendar, zone: &TimeZone, minute: i64) -> bool {
    let civil = zone.to_datetime(Timestamp::from_millisecond(minute).unwrap());
    let face = format!("{:02}:{:02}", civil.hour(), civil.minute());
    let within = |day: &DayHours| day.iter().any(|[open, close]| *open <= face && face < *close);
    let ordinary = |date: Date| {
        let index = usize::try_from(date.weekday().to_monday_zero_offset()).unwrap();
        calendar.hours.days()[index].1
    };
    if calendar.holidays.contains(&civil.date()) {
        return false;
    }
    let sets = &calendar.holiday_sets;
    // As `special_days` documents: where sets differ, a working day wins.
    let like = sets.iter().rev().find_map(|set| {
        set.working_days(civil.year()).into_iter().find(|(day, _)| *day == civil.date()).map(|(_, like)| like)
    });
    match like {
        Some(_) if !ordinary(civil.date()).is_empty() => within(ordinary(civil.date())),
        Some(like) if !ordinary(like).is_empty() => within(ordinary(like)),
        _ => {
            !sets.iter().any(|set| set.holidays(civil.year()).contains(&civil.date()))
                && within(ordinary(civil.date()))
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn time_counts_exactly_when_the_wall_clock_says_open(
        (calendar, transition) in any_calendar(),
        start_min in -2880_i64..2880,
        length_min in 0_i64..2880,
    ) {
        let compiled = calendar.compile().unwrap();
        let zone = ZONES.get(&calendar.zone).unwrap();
        let from = transition + start_min * MINUTE_MS;
        let expected: i64 = (0..length_min)
            .filter(|minute| is_open_minute(&calendar, &zone, from + minute * MINUTE_MS))
            .count()
            .try_into()
            .unwrap();
        let to = from + length_min * MINUTE_MS;
        prop_assert_eq!(compiled.business_ms(UtcMillis(from), UtcMillis(to)), expected * MINUTE_MS);

        let stretches = compiled.stretches(UtcMillis(from), UtcMillis(to));
        let mut end = from;
        let mut open = 0;
        for (begin, until, hours) in stretches {
            prop_assert_eq!(begin, end);
            prop_assert!(until > begin);
            end = until;
            if hours == Hours::Open {
                open += until - begin;
            }
        }
        prop_assert_eq!((end, open), (to, expected * MINUTE_MS));
    }

    #[test]
    fn what_is_added_is_measured_and_no_earlier_instant_would_do(
        (calendar, transition) in any_calendar(),
        start_ms in -400 * DAY_MS..400 * DAY_MS,
        ms in 1_i64..3000 * 3_600_000,
    ) {
        let compiled = calendar.compile().unwrap();
        let from = UtcMillis(transition + start_ms);
        let due = compiled.add_business_ms(from, ms).unwrap();
        prop_assert_eq!(compiled.business_ms(from, due), ms);
        prop_assert_eq!(compiled.business_ms(from, due.plus_ms(-1)), ms - 1);
    }

    #[test]
    fn what_ends_at_a_closing_instant_is_due_at_it(
        (calendar, transition) in any_calendar(),
        from_ms in -6 * DAY_MS..6 * DAY_MS,
    ) {
        let compiled = calendar.compile().unwrap();
        let from = UtcMillis(transition + from_ms);
        for (_, end, hours) in compiled.stretches(from, from.plus_ms(9 * DAY_MS)) {
            if hours == Hours::Open {
                let ms = compiled.business_ms(from, UtcMillis(end));
                prop_assert_eq!(compiled.add_business_ms(from, ms), Some(UtcMillis(end)));
            }
        }
    }

    #[test]
    fn measures_of_parts_add_up_and_never_exceed_real_time(
        (calendar, transition) in any_calendar(),
        mut instants in proptest::collection::vec(-20_000 * DAY_MS..60_000 * DAY_MS, 3),
    ) {
        let compiled = calendar.compile().unwrap();
        instants.sort_unstable();
        let [a, b, c] = [0, 1, 2].map(|i| UtcMillis(transition + instants[i]));
        let (ab, bc, ac) = (compiled.business_ms(a, b), compiled.business_ms(b, c), compiled.business_ms(a, c));
        prop_assert_eq!(ab + bc, ac);
        prop_assert!(ab >= 0 && ab <= b.since(a));
        prop_assert_eq!(compiled.business_ms(c, a), -ac);
    }

    #[test]
    fn more_is_due_later(
        (calendar, transition) in any_calendar(),
        from_ms in -400 * DAY_MS..400 * DAY_MS,
        first in 0_i64..500 * 3_600_000,
        more in 0_i64..500 * 3_600_000,
    ) {
        let compiled = calendar.compile().unwrap();
        let from = UtcMillis(transition + from_ms);
        let sooner = compiled.add_business_ms(from, first).unwrap();
        let later = compiled.add_business_ms(from, first + more).unwrap();
        prop_assert!(from <= sooner && sooner <= later);
    }

    #[test]
    fn no_number_makes_it_panic((calendar, _) in any_calendar(), from: i64, to: i64, ms: i64) {
        let compiled = calendar.compile().unwrap();
        let (from, to) = (UtcMillis(from), UtcMillis(to));
        compiled.business_ms(from, to);
        if let Some(due) = compiled.add_business_ms(from, ms) {
            prop_assert!(due >= from);
        }
        compiled.is_open(to);
    }
}

#[test]
fn always_open_counts_every_instant_on_every_zone() {
    for (zone, transition) in ODD {
        let calendar = Calendar {
            zone: (*zone).to_owned(),
            always_open: true,
            holidays: [jiff::civil::date(2026, 3, 29)].into(),
            ..Calendar::default()
        };
        let compiled = calendar.compile().unwrap();
        let from = at(transition).plus_ms(-30 * DAY_MS);
        assert_eq!(compiled.business_ms(from, from.plus_ms(365 * DAY_MS)), 365 * DAY_MS, "{zone}");
        assert_eq!(compiled.add_business_ms(from, 365 * DAY_MS), Some(from.plus_ms(365 * DAY_MS)), "{zone}");
    }
}

#[test]
fn the_wall_clock_decides_in_the_nights_that_are_shorter_or_longer() {
    let night = |zone: &str| {
        let hours = WeekHours { sun: vec![["01:30".into(), "04:00".into()]], ..WeekHours::default() };
        Calendar { zone: zone.into(), hours, ..Calendar::default() }.compile().unwrap()
    };
    let check = |zone: &str, sunday: &str, expected_min: i64| {
        let from = at(sunday);
        assert_eq!(
            night(zone).business_ms(from, from.plus_ms(DAY_MS)),
            expected_min * MINUTE_MS,
            "{zone} {sunday}"
        );
    };
    check("Europe/Berlin", "2026-03-21T23:00:00Z", 150); // an ordinary Sunday
    check("Europe/Berlin", "2026-03-28T23:00:00Z", 90); // 02:00 becomes 03:00
    check("Europe/Berlin", "2026-10-24T22:00:00Z", 210); // 02:00 to 03:00 comes twice
    check("Australia/Lord_Howe", "2026-04-04T13:00:00Z", 180); // half an hour comes twice
}

#[test]
fn what_ends_at_closing_is_due_then_and_a_millisecond_more_after_the_next_opening() {
    let calendar = office("Asia/Almaty").compile().unwrap();
    let nine = at("2026-01-09T04:00:00Z"); // Friday 09:00 in Almaty
    let hours = |count: i64| count * 60 * MINUTE_MS;
    assert_eq!(calendar.add_business_ms(nine, hours(4)), Some(at("2026-01-09T08:00:00Z"))); // lunch begins
    assert_eq!(calendar.add_business_ms(nine, hours(4) + 1), Some(at("2026-01-09T09:00:00.001Z")));
    assert_eq!(calendar.add_business_ms(nine, hours(8)), Some(at("2026-01-09T13:00:00Z")));
    assert_eq!(calendar.add_business_ms(nine, hours(8) + 1), Some(at("2026-01-12T04:00:00.001Z")));
    assert_eq!(calendar.add_business_ms(nine, 0), Some(nine));
    assert_eq!(calendar.add_business_ms(nine, -5), Some(nine));
    assert_eq!(calendar.add_business_ms(nine, i64::MAX), None);
    assert!(calendar.is_open(nine) && !calendar.is_open(nine.plus_ms(-1)));
}

#[test]
fn official_holidays_close_and_moved_working_days_open() {
    let mut calendar = office("Europe/Moscow");
    calendar.holiday_sets = vec![HolidaySet::Ru];
    let day_hours = |calendar: &Calendar, midnight: &str| {
        let from = at(midnight);
        calendar.compile().unwrap().business_ms(from, from.plus_ms(DAY_MS)) / (60 * MINUTE_MS)
    };
    for (midnight, expected) in [
        ("2024-04-26T21:00:00Z", 8), // Saturday 27 April, worked for the 29th
        ("2024-04-28T21:00:00Z", 0), // Monday 29 April
        ("2024-05-05T21:00:00Z", 8), // an ordinary Monday
        ("2024-05-03T21:00:00Z", 0), // an ordinary Saturday
        ("2026-11-03T21:00:00Z", 0), // 4 November
    ] {
        assert_eq!(day_hours(&calendar, midnight), expected, "{midnight}");
    }
    let friday_noon = at("2024-04-26T09:00:00Z");
    assert_eq!(
        calendar.compile().unwrap().add_business_ms(friday_noon, 13 * 60 * MINUTE_MS),
        Some(at("2024-04-27T15:00:00Z")),
        "an hour of the morning, four of Friday's afternoon, eight of Saturday: due as Saturday closes"
    );
    calendar.hours.sat = vec![["10:00".into(), "12:00".into()]];
    assert_eq!(day_hours(&calendar, "2024-04-26T21:00:00Z"), 2, "open on Saturdays anyway: its own hours");
    calendar.holidays = [jiff::civil::date(2024, 4, 27)].into();
    assert_eq!(day_hours(&calendar, "2024-04-26T21:00:00Z"), 0, "the workspace's own holidays win");
}

#[test]
fn a_calendar_that_cannot_be_used_says_why() {
    let with = |edit: &dyn Fn(&mut Calendar)| {
        let mut calendar = office("UTC");
        edit(&mut calendar);
        calendar.compile().map(|_| ()).unwrap_err()
    };
    let window = |open: &str, close: &str| [open.to_owned(), close.to_owned()];
    assert_eq!(
        with(&|c| c.zone = "Moon/Base".into()),
        CalendarError::UnknownZone { zone: "Moon/Base".into() }
    );
    assert_eq!(with(&|c| c.hours = WeekHours::default()), CalendarError::NeverOpen);
    assert_eq!(
        with(&|c| c.hours.tue = vec![window("18:00", "09:00")]),
        CalendarError::ReversedWindow { day: "tue".into(), open: "18:00".into(), close: "09:00".into() }
    );
    assert_eq!(
        with(&|c| c.hours.sun = vec![window("13:00", "18:00"), window("09:00", "13:01")]),
        CalendarError::OverlappingWindows {
            day: "sun".into(),
            first: "09:00".into(),
            second: "13:00".into()
        }
    );
    for text in ["9:00", "24:00", "12:60", "-1:00", "", "12", "12:3", "１２:00", "12:00:00", "+9:00"] {
        assert_eq!(
            with(&|c| c.hours.mon = vec![window(text, "24:00")]),
            CalendarError::InvalidTime { day: "mon".into(), text: text.into() }
        );
    }
    let touching = Calendar {
        hours: WeekHours {
            mon: vec![window("00:00", "12:00"), window("12:00", "24:00")],
            ..WeekHours::default()
        },
        ..office("UTC")
    };
    touching.compile().unwrap();
}

#[test]
fn a_calendar_is_written_as_the_settings_have_it() {
    let text = r#"{"name":"Офис","zone":"Asia/Almaty","hours":{"mon":[["09:00","13:00"],["14:00","24:00"]]},"holidays":["2026-11-01"],"holiday_sets":["kz"]}"#;
    let calendar: Calendar = serde_json::from_str(text).unwrap();
    assert_eq!(serde_json::to_string(&calendar).unwrap(), text);
    let bare: Calendar = serde_json::from_str(r#"{"zone":"UTC","always_open":true}"#).unwrap();
    assert_eq!(bare, Calendar::always());
}

#[test]
fn holidays_that_leave_nothing_open_for_a_year_are_refused() {
    let days = |from: &str, count: usize, step: i32| -> BTreeSet<Date> {
        let first: Date = from.parse().unwrap();
        first.series(jiff::ToSpan::days(step)).take(count).collect()
    };
    let mondays = |zone: &str, holidays: BTreeSet<Date>| Calendar {
        zone: zone.to_owned(),
        hours: WeekHours { mon: vec![["09:00".to_owned(), "18:00".to_owned()]], ..WeekHours::default() },
        holidays,
        ..Calendar::default()
    };
    for zone in ["UTC", "Asia/Almaty", "Pacific/Kiritimati", "Pacific/Pago_Pago"] {
        // All Mondays of 2026: closed from 29 December 2025 to 4 January 2027.
        let all = mondays(zone, days("2026-01-05", 52, 7));
        assert!(matches!(all.check(), Err(CalendarError::ClosedForAYear { .. })), "{zone}");
        all.compile().unwrap();
        // One of them is open.
        let mut some = all;
        some.holidays.remove(&jiff::civil::date(2026, 6, 1));
        assert_eq!(some.check(), Ok(()), "{zone}");
        let vacation = Calendar { holidays: days("2026-02-01", 360, 1), ..office(zone) };
        assert_eq!(vacation.check(), Ok(()), "{zone}");
        let closed = Calendar { holidays: days("2026-02-01", 366, 1), ..office(zone) };
        assert!(matches!(closed.check(), Err(CalendarError::ClosedForAYear { .. })), "{zone}");
        assert_eq!(Calendar { always_open: true, ..closed }.check(), Ok(()), "{zone}");
    }
    let official =
        Calendar { holiday_sets: vec![HolidaySet::Ru, HolidaySet::Kz, HolidaySet::Ru], ..office("UTC") };
    assert_eq!(official.check(), Ok(()));
    let never = Calendar { hours: WeekHours::default(), ..office("UTC") };
    assert_eq!(never.check(), Err(CalendarError::NeverOpen));
}
