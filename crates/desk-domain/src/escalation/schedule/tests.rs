use proptest::prelude::*;

use super::*;
use crate::ids::uuid_v7;

fn who(number: u8) -> MemberId {
    MemberId(uuid_v7(UtcMillis(1), [number; 10]))
}

fn at(text: &str) -> UtcMillis {
    text.parse().unwrap()
}

fn layer(members: &[u8], rotation: Rotation, starts: &str) -> Layer {
    Layer {
        name: "Дежурство".to_owned(),
        members: members.iter().map(|number| who(*number)).collect(),
        rotation,
        starts: starts.parse().unwrap(),
        hours: None,
    }
}

fn schedule(zone: &str, layers: Vec<Layer>) -> Schedule {
    Schedule { name: "Сеть / Network".to_owned(), zone: zone.to_owned(), layers, overrides: Vec::new() }
}

#[track_caller]
fn check(schedule: &Schedule, instant: &str, expected: Option<u8>) {
    assert_eq!(schedule.compile().unwrap().at(at(instant)).0, expected.map(who), "{instant}");
}

#[test]
fn turns_follow_each_other_and_nobody_is_on_call_before_the_first() {
    let weekly = schedule("Asia/Almaty", vec![layer(&[1, 2, 3], Rotation::Week, "2026-11-16T09:00:00")]);
    // Almaty is five hours ahead of UTC.
    check(&weekly, "2026-11-16T03:59:59.999Z", None);
    check(&weekly, "2026-11-16T04:00:00Z", Some(1));
    check(&weekly, "2026-11-23T03:59:59Z", Some(1));
    check(&weekly, "2026-11-23T04:00:00Z", Some(2));
    check(&weekly, "2026-11-30T04:00:00Z", Some(3));
    check(&weekly, "2026-12-07T04:00:00Z", Some(1));
    let daily = schedule("UTC", vec![layer(&[1, 2], Rotation::Day, "2026-11-16T18:30:00")]);
    check(&daily, "2026-11-17T18:29:59Z", Some(1));
    check(&daily, "2026-11-17T18:30:00Z", Some(2));
    let shifts = Rotation::Custom { hours: 12 };
    let shifts = schedule("UTC", vec![layer(&[1, 2, 3], shifts, "2026-11-16T08:00:00")]);
    check(&shifts, "2026-11-16T20:00:00Z", Some(2));
    check(&shifts, "2026-11-17T08:00:00Z", Some(3));
}

#[test]
fn a_hand_over_keeps_its_time_of_day_over_a_change_of_the_clocks() {
    // Berlin goes to summer time on 29 March 2026 at 02:00 and back on 25 October at 03:00.
    let daily = schedule("Europe/Berlin", vec![layer(&[1, 2], Rotation::Day, "2026-03-27T09:00:00")]);
    check(&daily, "2026-03-28T07:59:59Z", Some(1));
    check(&daily, "2026-03-28T08:00:00Z", Some(2));
    check(&daily, "2026-03-29T06:59:59Z", Some(2));
    check(&daily, "2026-03-29T07:00:00Z", Some(1));
    let autumn = schedule("Europe/Berlin", vec![layer(&[1, 2], Rotation::Day, "2026-10-23T09:00:00")]);
    check(&autumn, "2026-10-24T07:00:00Z", Some(2));
    check(&autumn, "2026-10-25T07:59:59Z", Some(2));
    check(&autumn, "2026-10-25T08:00:00Z", Some(1));
}

#[test]
fn a_hand_over_that_the_night_leaves_out_is_at_the_change_and_one_that_comes_twice_the_first_time() {
    let spring = schedule("Europe/Berlin", vec![layer(&[1, 2], Rotation::Day, "2026-03-28T02:30:00")]);
    check(&spring, "2026-03-29T00:59:59Z", Some(1));
    check(&spring, "2026-03-29T01:00:00Z", Some(2));
    check(&spring, "2026-03-30T00:29:59Z", Some(2));
    check(&spring, "2026-03-30T00:30:00Z", Some(1));
    let autumn = schedule("Europe/Berlin", vec![layer(&[1, 2], Rotation::Day, "2026-10-24T02:30:00")]);
    check(&autumn, "2026-10-25T00:29:59Z", Some(1));
    check(&autumn, "2026-10-25T00:30:00Z", Some(2));
    check(&autumn, "2026-10-25T01:30:00Z", Some(2));
    // Hourly turns: the hour that is left out is an empty turn, the one that comes twice a long one.
    let hourly = Rotation::Custom { hours: 1 };
    let hourly = schedule("Europe/Berlin", vec![layer(&[0, 1, 2, 3], hourly, "2026-03-29T00:00:00")]);
    check(&hourly, "2026-03-29T00:30:00Z", Some(1));
    check(&hourly, "2026-03-29T01:00:00Z", Some(3));
}

#[test]
fn hours_leave_gaps_that_later_layers_fill() {
    let hours = WeekHours::weekdays(&[("09:00", "18:00")]);
    let day = Layer { hours: Some(hours), ..layer(&[1], Rotation::Day, "2026-11-16T00:00:00") };
    let gaps = schedule("UTC", vec![day.clone()]);
    check(&gaps, "2026-11-20T17:59:59Z", Some(1));
    check(&gaps, "2026-11-20T18:00:00Z", None);
    check(&gaps, "2026-11-21T12:00:00Z", None);
    let stretches = gaps.compile().unwrap().stretches(at("2026-11-20T00:00:00Z"), at("2026-11-24T00:00:00Z"));
    let told: Vec<(String, Option<MemberId>, Source)> = stretches
        .into_iter()
        .map(|stretch| (stretch.from.to_string(), stretch.member, stretch.source))
        .collect();
    let on = Source::Layer { layer: "Дежурство".to_owned() };
    assert_eq!(
        told,
        [
            ("2026-11-20T00:00:00Z".to_owned(), None, Source::Gap),
            ("2026-11-20T09:00:00Z".to_owned(), Some(who(1)), on.clone()),
            ("2026-11-20T18:00:00Z".to_owned(), None, Source::Gap),
            ("2026-11-23T09:00:00Z".to_owned(), Some(who(1)), on),
            ("2026-11-23T18:00:00Z".to_owned(), None, Source::Gap),
        ]
    );
    let filled = schedule("UTC", vec![day, layer(&[2], Rotation::Week, "2026-11-16T00:00:00")]);
    check(&filled, "2026-11-20T17:00:00Z", Some(1));
    check(&filled, "2026-11-21T12:00:00Z", Some(2));
}

#[test]
fn an_override_stands_above_all_and_the_last_of_several_counts() {
    let mut covered = schedule("UTC", vec![layer(&[1], Rotation::Week, "2026-11-16T00:00:00")]);
    let stand_in = |number, from, until| Override { member: who(number), from: at(from), until: at(until) };
    covered.overrides.push(stand_in(2, "2026-11-17T10:00:00Z", "2026-11-17T14:00:00Z"));
    covered.overrides.push(stand_in(3, "2026-11-17T12:00:00Z", "2026-11-17T13:00:00Z"));
    check(&covered, "2026-11-17T10:00:00Z", Some(2));
    check(&covered, "2026-11-17T12:30:00Z", Some(3));
    check(&covered, "2026-11-17T13:00:00Z", Some(2));
    check(&covered, "2026-11-17T14:00:00Z", Some(1));
    check(&covered, "2026-11-15T14:00:00Z", None);
}

#[track_caller]
fn refused(change: impl Fn(&mut Schedule), reason: &str) {
    let mut schedule = schedule("Asia/Almaty", vec![layer(&[1], Rotation::Week, "2026-11-16T09:00:00")]);
    change(&mut schedule);
    let error = schedule.check().unwrap_err().to_string();
    assert!(error.contains(reason), "{error}");
}

#[test]
fn what_cannot_be_used_is_refused_with_a_reason() {
    let good = schedule("Asia/Almaty", vec![layer(&[1], Rotation::Week, "2026-11-16T09:00:00")]);
    assert_eq!(good.check(), Ok(()));
    refused(|schedule| schedule.name = " ".to_owned(), "no name");
    refused(|schedule| schedule.zone = "Mars/Base".to_owned(), "no IANA time zone");
    refused(|schedule| schedule.layers.clear(), "no rotation");
    refused(|schedule| schedule.layers[0].members.clear(), "no members");
    refused(|schedule| schedule.layers[0].rotation = Rotation::Custom { hours: 0 }, "0 hours");
    refused(|schedule| schedule.layers[0].starts = DateTime::constant(9999, 1, 1, 0, 0, 0, 0), "9999");
    refused(|schedule| schedule.layers[0].hours = Some(WeekHours::default()), "never open");
    refused(
        |schedule| {
            schedule.layers[0].hours = Some(WeekHours::weekdays(&[("09:00", "12:00"), ("11:00", "13:00")]));
        },
        "overlap",
    );
    refused(
        |schedule| {
            schedule.overrides.push(Override { member: who(1), from: UtcMillis(5), until: UtcMillis(5) });
        },
        "before it begins",
    );
}

#[test]
fn it_is_kept_as_json_that_people_can_read() {
    let mut kept =
        schedule("Asia/Almaty", vec![layer(&[1], Rotation::Custom { hours: 12 }, "2026-11-16T09:00:00")]);
    kept.overrides.push(Override { member: who(1), from: UtcMillis(0), until: UtcMillis(60_000) });
    let json = serde_json::to_value(&kept).unwrap();
    assert_eq!(json["layers"][0]["rotation"], serde_json::json!({ "every": "custom", "hours": 12 }));
    assert_eq!(json["layers"][0]["starts"], "2026-11-16T09:00:00");
    assert_eq!(json["overrides"][0]["until"], "1970-01-01T00:01:00Z");
    assert_eq!(serde_json::from_value::<Schedule>(json).unwrap(), kept);
}

proptest! {
    /// Stretches cover a period without a hole or an overlap, and say what `at` says, also over changes of the clocks.
    #[test]
    fn stretches_say_who_is_on_call_at_every_instant(
        zone in prop::sample::select(vec!["UTC", "Europe/Berlin", "America/New_York", "Asia/Almaty", "Australia/Lord_Howe"]),
        hours in 1_u32..200,
        starts_h in 0_i64..400,
        restricted in any::<bool>(),
        begin_h in 0_i64..9_000,
        probes in prop::collection::vec(0_i64..30 * 24 * 3_600_000, 40),
    ) {
        let begin = at("2026-01-01T00:00:00Z").plus_ms(begin_h * 3_600_000);
        let starts = DateTime::constant(2026, 1, 5, 0, 30, 0, 0).checked_add(SignedDuration::from_hours(starts_h)).unwrap();
        let hours_of_week = restricted.then(|| WeekHours::weekdays(&[("00:30", "02:30"), ("09:00", "24:00")]));
        let first = Layer {
            hours: hours_of_week, starts, ..layer(&[1, 2, 3], Rotation::Custom { hours }, "2026-01-01T00:00:00")
        };
        let second = layer(&[4, 5], Rotation::Week, "2026-02-02T02:30:00");
        let schedule = schedule(zone, vec![first, second]).compile().unwrap();
        let end = begin.plus_ms(30 * 24 * 3_600_000);
        let stretches = schedule.stretches(begin, end);
        prop_assert_eq!(stretches.first().unwrap().from, begin);
        prop_assert_eq!(stretches.last().unwrap().until, end);
        for pair in stretches.windows(2) {
            prop_assert_eq!(pair[0].until, pair[1].from);
            prop_assert!(pair[0].from < pair[0].until);
        }
        for probe in probes {
            let instant = begin.plus_ms(probe);
            let found = stretches.iter().find(|stretch| stretch.from <= instant && instant < stretch.until).unwrap();
            prop_assert_eq!((found.member, found.source.clone()), schedule.at(instant), "{}", instant);
        }
    }
}
