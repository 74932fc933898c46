use std::{collections::BTreeMap, path::PathBuf};

use jiff::{civil, tz::TimeZone};
use proptest::prelude::*;

use super::{
    burst::{Burst, History, HourlyCounts, NewTicket},
    heartbeat::Heartbeat,
    metric::{Episode, Sample, Threshold},
    *,
};

const MIN: i64 = 60_000;
const HOUR: i64 = 60 * MIN;
const WEEK: i64 = 7 * 24 * HOUR;
/// A Wednesday, 10:00 UTC.
const NOW: UtcMillis = UtcMillis(1_795_600_800_000);

fn workspace(n: u8) -> WorkspaceId {
    WorkspaceId(uuid_v7(UtcMillis(1), [n; 10]))
}

fn rule(when: Condition) -> Rule {
    Rule {
        key: "rule".into(),
        name: "Правило".into(),
        enabled: true,
        severity: Severity::P2,
        services: BTreeSet::new(),
        quiet_min: 60,
        when,
    }
}

const BURST: Burst = Burst { categories: BTreeSet::new(), window_min: 60, min_tickets: 5 };

fn burst() -> Rule {
    rule(Condition::Burst(BURST))
}

fn ticket(n: u32, at: UtcMillis, title: &str) -> NewTicket {
    let mut tail = [0; 10];
    tail[6..].copy_from_slice(&n.to_be_bytes());
    NewTicket { id: DocId(uuid_v7(at, tail)), created_at: at, title: title.to_owned() }
}

/// `count` tickets, five minutes apart, the last one at [`NOW`].
fn tickets(count: u32, title: impl Fn(u32) -> String) -> Vec<NewTicket> {
    (0..count)
        .map(|n| ticket(n, NOW.plus_ms((i64::from(n) + 1 - i64::from(count)) * 5 * MIN), &title(n)))
        .collect()
}

fn find(tickets: &[NewTicket], history: History) -> Option<Finding> {
    BURST.find(Some("hardware"), tickets, None, history, NOW)
}

#[test]
fn similar_tickets_beyond_the_history_are_a_burst() {
    let tills = |n: u32| format!("Касса {n} не печатает чек");
    let quiet = History { tickets: 8.0, weeks: 8 };
    let found = find(&tickets(10, tills), quiet).expect("ten where one is usual");
    let Evidence::Burst(evidence) = &found.evidence else { panic!("{found:?}") };
    assert_eq!((evidence.count, evidence.tickets.len(), evidence.weeks), (10, 10, 8));
    assert!((evidence.expected - 1.0).abs() < 1e-9 && evidence.chance < CHANCE);
    assert_eq!(evidence.words, ["касса", "печатает", "чек"]);
    assert_eq!((found.subject.as_str(), found.began_at), ("hardware", NOW.plus_ms(-45 * MIN)));
    assert_eq!(found.title(&burst()), "Правило: касса, печатает, чек");

    // As many where that is usual; too few; different troubles; without history; those of an earlier episode.
    assert_eq!(find(&tickets(10, tills), History { tickets: 40.0, weeks: 8 }), None);
    assert_eq!(find(&tickets(4, tills), History { tickets: 0.0, weeks: 8 }), None);
    let troubles = ["Принтер скрипит", "Нужен монитор", "Mouse is broken", "Висит 1С", "VPN drops"];
    let mixed = |n: u32| troubles[n as usize % troubles.len()].to_owned();
    assert_eq!(find(&tickets(10, mixed), quiet), None);
    assert_eq!(find(&tickets(8, tills), History { tickets: 0.0, weeks: 0 }), None);
    assert_eq!(BURST.find(None, &tickets(8, tills), Some(NOW.plus_ms(-20 * MIN)), quiet, NOW), None);
}

const CHANCE: f64 = burst::CHANCE_MAX;

#[test]
fn the_chance_is_the_tail_of_the_negative_binomial() {
    // r = s + 1/2, p = w / (w + 1); the values were summed by hand from the definition.
    let check = |tickets: f64, weeks: u32, count: u32, expected: f64| {
        let found = History { tickets, weeks }.chance(count);
        assert!((found - expected).abs() <= expected * 1e-6, "{tickets} {weeks} {count}: {found}");
    };
    // r = 1/2, p = 1/2: P(0) = √½, P(1) = P(0) / 4.
    check(0.0, 1, 1, 1.0 - 0.5_f64.sqrt());
    check(0.0, 1, 2, 1.0 - 0.5_f64.sqrt() * 1.25);
    // r = 3/2, p = 2/3: P(0) = p^r, P(1) = P(0) · r / 3, P(2) = P(1) · (r + 1) / 6.
    let p0 = (2.0_f64 / 3.0).powf(1.5);
    check(1.0, 2, 3, 1.0 - p0 * (1.0 + 0.5 + 0.5 * 2.5 / 6.0));
    // Far out, where one minus the sum would have lost all digits, it is still a number that falls.
    let far = History { tickets: 80_000.0, weeks: 8 };
    assert!(far.chance(11_000) < far.chance(10_500) && far.chance(10_500) < 1e-3);
    assert!((far.chance(10_000) - 1.0).abs() < 1e-9);
}

#[test]
fn history_is_of_the_same_civil_hour_of_the_week() {
    let zone = TimeZone::get("Europe/Berlin").unwrap();
    let at = |date: civil::Date, hour: i8| {
        UtcMillis::from_jiff(date.at(hour, 0, 0, 0).to_zoned(zone.clone()).unwrap().timestamp())
    };
    let hour_of = |at: UtcMillis| at.0.div_euclid(HOUR);
    // Clocks went back on 25 October 2026: 09:00 is 08:00 UTC on the 28th and 07:00 UTC on the 21st.
    let (now, before) = (civil::date(2026, 10, 28), civil::date(2026, 10, 21));
    assert_eq!(hour_of(at(now, 9)) - hour_of(at(before, 9)), 7 * 24 + 1);
    // Half of 09:00 and half of 10:00, and what is around is less.
    let counts: HourlyCounts = [(hour_of(at(before, 9)), 6), (hour_of(at(before, 10)), 2)].into();
    let (from, to) = (at(now, 9).plus_ms(30 * MIN), at(now, 10).plus_ms(30 * MIN));
    let found = History::of(&counts, at(before, 0), from, to, &zone);
    assert_eq!(found.weeks, 1, "the week before that is not known");
    assert!((found.tickets - 4.0).abs() < 1e-9, "{found:?}");
    // A quiet hour between busy ones: a third of the three windows.
    let busy: HourlyCounts = [(hour_of(at(before, 8)), 9), (hour_of(at(before, 10)), 9)].into();
    let found = History::of(&busy, at(before, 0), at(now, 9), at(now, 10), &zone);
    assert!((found.tickets - 6.0).abs() < 1e-9, "{found:?}");
    let whole = History::of(&counts, UtcMillis(0), from, to, &zone);
    assert_eq!((whole.weeks, whole.expected()), (burst::HISTORY_WEEKS, 0.5));
    // The hours that are asked for are all that count.
    let hours = History::hours(from, to, &zone);
    assert!(hours.len() <= 4 * burst::HISTORY_WEEKS as usize);
    let some: HourlyCounts =
        busy.iter().filter(|(hour, _)| hours.contains(hour)).map(|(h, n)| (*h, *n)).collect();
    assert_eq!(
        History::of(&busy, UtcMillis(0), from, to, &zone),
        History::of(&some, UtcMillis(0), from, to, &zone)
    );
}

#[test]
fn a_heartbeat_that_is_late_is_one_episode_however_long() {
    let beat = Heartbeat { heartbeat: "backup".into(), every_s: 3600, grace_s: 600 };
    let due = NOW.plus_ms(70 * MIN);
    assert_eq!(beat.find(None, NOW), None, "one that never came is waited for");
    assert_eq!(beat.find(Some(NOW), due), None, "at the very instant it is in time");
    let found = beat.find(Some(NOW), due.plus_ms(1)).unwrap();
    assert_eq!((found.subject.as_str(), found.began_at), ("backup", due));
    let Evidence::Heartbeat(evidence) = &found.evidence else { panic!() };
    assert_eq!((evidence.last_at, evidence.due_at), (NOW, due));
    let later = beat.find(Some(NOW), due.plus_ms(WEEK)).unwrap();
    let incident = |finding: &Finding| finding.incident(workspace(1), "rule");
    assert_eq!(incident(&found), incident(&later));
    let next = beat.find(Some(due), due.plus_ms(WEEK)).unwrap();
    assert_ne!(incident(&found), incident(&next));
}

fn threshold(for_s: u32) -> Threshold {
    Threshold { metric: "queue".into(), above: Some(100.0), below: None, for_s }
}

/// The episode after samples of (minute, value).
fn after(rule: &Threshold, samples: &[(i64, f64)]) -> (Option<Episode>, Vec<Sample>) {
    let samples: Vec<Sample> =
        samples.iter().map(|(min, value)| Sample { at: NOW.plus_ms(min * MIN), value: *value }).collect();
    let episode = samples.iter().fold(None, |episode, sample| rule.advance(episode, *sample));
    (episode, samples)
}

#[test]
fn a_metric_has_to_stay_beyond_its_threshold() {
    let check = |for_s: u32, samples: &[(i64, f64)], began_min: Option<i64>| {
        let rule = threshold(for_s);
        let (episode, samples) = after(&rule, samples);
        let found = episode.and_then(|episode| rule.find(episode, &samples));
        assert_eq!(found.map(|found| found.began_at), began_min.map(|min| NOW.plus_ms(min * MIN)));
    };
    check(0, &[(0, 101.0)], Some(0));
    check(0, &[(0, 100.0)], None);
    check(300, &[(0, 101.0), (4, 200.0)], None);
    check(300, &[(0, 101.0), (4, 200.0), (5, 150.0)], Some(0));
    check(300, &[(0, 101.0), (4, 99.0), (5, 150.0), (8, 150.0)], None);
    check(300, &[(0, 101.0), (4, 99.0), (5, 150.0), (10, 150.0)], Some(5));
    // A silence of more than ten minutes: nobody knows what was between.
    check(300, &[(0, 101.0), (11, 150.0)], None);
    check(300, &[(0, 101.0), (10, 150.0)], Some(0));
    check(300, &[(0, f64::NAN)], None);
    // The server's clock was set back: the episode goes on.
    check(300, &[(0, 101.0), (5, 150.0), (-60, 150.0)], Some(0));
    let both = Threshold { below: Some(5.0), ..threshold(0) };
    assert!(both.is_beyond(4.0) && both.is_beyond(101.0) && !both.is_beyond(50.0));
}

#[test]
fn evidence_has_the_newest_samples_and_the_number_of_all() {
    let rule = threshold(60);
    let many: Vec<(i64, f64)> = (0..200).map(|min| (min, 500.0)).collect();
    let (episode, samples) = after(&rule, &many);
    let found = rule.find(episode.unwrap(), &samples).unwrap();
    let Evidence::Metric(evidence) = found.evidence else { panic!() };
    assert_eq!((evidence.samples.len(), evidence.count), (EVIDENCE_MAX, 200));
    assert_eq!(evidence.samples.last(), samples.last());
}

#[test]
fn a_rule_keeps_quiet_while_one_is_open_and_after_a_dismissal() {
    let finding = |min: i64| Finding {
        subject: "hardware".into(),
        began_at: NOW.plus_ms(min * MIN),
        about: String::new(),
        evidence: Evidence::Heartbeat(heartbeat::HeartbeatEvidence {
            heartbeat: "b".into(),
            last_at: NOW,
            due_at: NOW,
            every_s: 1,
            grace_s: 0,
        }),
    };
    let check = |began_min: i64, last: Option<LastProposal>, now_min: i64, expected: bool| {
        let now = NOW.plus_ms(now_min * MIN);
        assert_eq!(may_propose(&burst(), &finding(began_min), last, now), expected, "{last:?} {now_min}");
    };
    check(0, None, 0, true);
    check(0, Some(LastProposal::Open), 1_000_000, false);
    let dismissed = Some(LastProposal::Dismissed { at: NOW });
    check(1, dismissed, 59, false);
    check(1, dismissed, 60, true);
    check(0, dismissed, 600, false);
    check(1, Some(LastProposal::Over { at: NOW }), 1, true);
    check(-1, Some(LastProposal::Over { at: NOW }), 600, false);
}

#[test]
fn a_proposals_id_is_of_its_workspace_rule_subject_and_beginning() {
    let one = Heartbeat { heartbeat: "a".into(), every_s: 60, grace_s: 0 };
    let two = Heartbeat { heartbeat: "b".into(), ..one.clone() };
    let later = NOW.plus_ms(HOUR);
    let found = one.find(Some(NOW), later).unwrap();
    let ids = [
        found.incident(workspace(1), "rule"),
        found.incident(workspace(2), "rule"),
        found.incident(workspace(1), "another"),
        two.find(Some(NOW), later).unwrap().incident(workspace(1), "rule"),
        one.find(Some(NOW.plus_ms(1)), later).unwrap().incident(workspace(1), "rule"),
    ];
    assert_eq!(BTreeSet::from(ids).len(), ids.len());
    assert_eq!(ids[0], found.incident(workspace(1), "rule"));
}

#[test]
fn a_broken_rule_is_refused_with_its_field_and_what_to_do() {
    let check = |rule: &Rule, expected: Result<(), (RuleField, &str)>| match (rule.check(), expected) {
        (Ok(()), Ok(())) => {}
        (Err(problem), Err((field, part))) => {
            assert_eq!(problem.field(), field, "{problem}");
            assert!(problem.to_string().contains(part), "{problem}");
        }
        (found, expected) => panic!("{rule:?}: {found:?}, not {expected:?}"),
    };
    let heartbeat = |name: &str, every_s, grace_s| {
        rule(Condition::Heartbeat(Heartbeat { heartbeat: name.into(), every_s, grace_s }))
    };
    let metric =
        |above, below| rule(Condition::Metric(Threshold { metric: "queue".into(), above, below, for_s: 60 }));
    check(&burst(), Ok(()));
    check(&heartbeat("backup.night-1", 60, 0), Ok(()));
    check(&metric(Some(1.0), None), Ok(()));
    check(&metric(Some(5.0), Some(1.0)), Ok(()));
    check(&Rule { name: " ".into(), ..burst() }, Err((RuleField::Name, "give it a short one")));
    check(&Rule { key: String::new(), ..burst() }, Err((RuleField::Key, "give it a short one")));
    check(&Rule { quiet_min: 1_000_000, ..burst() }, Err((RuleField::Quiet, "between 0 and 10080")));
    for window_min in [0, 4, 24 * 60 + 1] {
        let found = rule(Condition::Burst(Burst { window_min, ..BURST }));
        check(&found, Err((RuleField::Window, "between 5 and 1440")));
    }
    let few = rule(Condition::Burst(Burst { min_tickets: 2, ..BURST }));
    check(&few, Err((RuleField::Tickets, "between 3 and 1000")));
    for name in ["", "Backup", "резерв", "a b", "-a", &"a".repeat(65)] {
        check(&heartbeat(name, 60, 0), Err((RuleField::Heartbeat, "no name of a heartbeat; use")));
    }
    check(&heartbeat("backup", 0, 0), Err((RuleField::Every, "between 1 and 604800")));
    check(&heartbeat("backup", 60, RULE_MAX_S + 1), Err((RuleField::Grace, "between 0 and")));
    check(&metric(None, None), Err((RuleField::Above, "needs a threshold")));
    for never in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        check(&metric(Some(never), None), Err((RuleField::Above, "nothing can lie beyond")));
        check(&metric(None, Some(never)), Err((RuleField::Below, "nothing can lie beyond")));
    }
    check(&metric(Some(f64::MAX), None), Err((RuleField::Above, "can cross")));
    check(&metric(None, Some(f64::MIN)), Err((RuleField::Below, "can cross")));
    check(&metric(Some(1.0), Some(1.0)), Err((RuleField::Below, "less than")));
    check(&metric(Some(1.0), Some(2.0)), Err((RuleField::Below, "less than")));
}

#[test]
fn a_rule_names_what_the_workspace_has() {
    let json = serde_json::json!({ "name": "Кассы" });
    let service: crate::workspace::Service = serde_json::from_value(json).unwrap();
    let workspace = Workspace {
        id: DocId(uuid_v7(UtcMillis(1), [1; 10])),
        name: "W".into(),
        zone: "UTC".into(),
        members: BTreeMap::new(),
        teams: BTreeMap::new(),
        categories: [("hardware".to_owned(), "Оборудование".to_owned())].into(),
        workflow: crate::workspace::Workflow::default(),
        calendars: BTreeMap::new(),
        policies: BTreeMap::new(),
        escalations: BTreeMap::new(),
        schedules: BTreeMap::new(),
        services: [("pos".to_owned(), service)].into(),
        detection: BTreeMap::new(),
        schema: 1,
    };
    let of = |services: &[&str], categories: &[&str]| {
        let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        let when = Condition::Burst(Burst { categories: names(categories), ..BURST });
        Rule { services: names(services), ..rule(when) }.check_among(&workspace)
    };
    assert_eq!(of(&[], &[]), Ok(()));
    assert_eq!(of(&["pos"], &["hardware"]), Ok(()), "by its key");
    assert_eq!(of(&["Кассы"], &[]), Ok(()), "by its name");
    for (found, field) in
        [(of(&["Кассы", "gone"], &[]), RuleField::Services), (of(&["pos"], &["gone"]), RuleField::Categories)]
    {
        let problem = found.expect_err("it names what is not there");
        assert_eq!(problem.field(), field);
        assert!(
            problem.to_string().contains("\"gone\"") && problem.to_string().contains("add it"),
            "{problem}"
        );
    }
}

#[test]
fn a_rule_is_written_and_read_as_one_flat_object() {
    let json =
        r#"{"key":"tills","name":"Кассы","severity":"P1","watch":"burst","window_min":30,"min_tickets":5}"#;
    let rule: Rule = serde_json::from_str(json).unwrap();
    assert_eq!((rule.enabled, rule.quiet_min), (true, 60));
    assert_eq!(serde_json::from_str::<Rule>(&serde_json::to_string(&rule).unwrap()).unwrap(), rule);
}

/// A stream of throws that is the same everywhere (`SplitMix64`).
struct Throws(u64);

impl Throws {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % n as u64).unwrap()
    }
}

/// A ticket of the real log: hour of the day at which it was opened, category, what stands for its title.
fn real_tickets() -> Vec<(i64, String, String)> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/data/servicenow_incident_event_log.csv");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut lines = text.lines();
    let names: Vec<&str> = lines.next().unwrap().split(',').collect();
    let column = |name: &str| names.iter().position(|found| *found == name).unwrap();
    let (number, opened) = (column("number"), column("opened_at"));
    let (category, subcategory, symptom) = (column("category"), column("subcategory"), column("u_symptom"));
    let mut tickets = BTreeMap::new();
    for line in lines {
        let cells: Vec<&str> = line.split(',').collect();
        let hour = cells[opened].split([' ', ':']).nth(1).unwrap().parse().unwrap();
        // Its symptom is the nearest to a title that the log has; letters, since numbers are no words.
        let words = format!("{} {}", cells[subcategory], cells[symptom]);
        let title: String = words
            .chars()
            .map(|c| c.to_digit(10).map_or(c, |d| "абвгдежзик".chars().nth(d as usize).unwrap()))
            .collect();
        tickets.entry(cells[number].to_owned()).or_insert((
            hour,
            cells[category].to_owned(),
            title.replace(' ', ""),
        ));
    }
    tickets.into_values().collect()
}

/// Runs ten weeks of tickets drawn from the real log (its hours of the day, categories and symptoms, 340 a working day and a tenth
/// of that at weekends) through the detector, with a burst of `extra` tickets in the last week; what it finds.
fn ten_weeks(seed: u64, extra: u32) -> Vec<(UtcMillis, Finding)> {
    let real = real_tickets();
    assert!(real.len() > 800);
    let mut throws = Throws(seed);
    let monday = UtcMillis(NOW.0 - (2 * 24 + 10) * HOUR);
    let mut all: Vec<(NewTicket, String)> = Vec::new();
    for day in 0..70_i64 {
        let usual = if day % 7 < 5 { 340 } else { 34 };
        // Days differ by a fifth, as those of the log do.
        let count = usual * 8 / 10 + throws.below(usual * 4 / 10);
        for _ in 0..count {
            let (hour, category, title) = &real[throws.below(real.len())];
            let minute = i64::try_from(throws.below(60)).unwrap();
            let at = monday.plus_ms(day * 24 * HOUR + hour * HOUR + minute * MIN);
            let number = u32::try_from(all.len()).unwrap();
            all.push((ticket(number, at, title), category.clone()));
        }
    }
    for n in 0..extra {
        let at = monday.plus_ms(66 * 24 * HOUR + 11 * HOUR + i64::from(n) * MIN);
        all.push((ticket(1_000_000 + n, at, "Mail server is unreachable"), "Category 45".to_owned()));
    }
    all.sort_by_key(|(ticket, _)| ticket.created_at);
    let mut counts: BTreeMap<&str, HourlyCounts> = BTreeMap::new();
    for (ticket, category) in &all {
        *counts.entry(category).or_default().entry(ticket.created_at.0.div_euclid(HOUR)).or_default() += 1;
    }
    let mut window: BTreeMap<&str, Vec<NewTicket>> = BTreeMap::new();
    let (mut found, mut last): (Vec<(UtcMillis, Finding)>, Option<UtcMillis>) = (Vec::new(), None);
    for (ticket, category) in &all {
        let now = ticket.created_at;
        let recent = window.entry(category).or_default();
        recent.retain(|ticket| ticket.created_at > BURST.window_from(now));
        recent.push(ticket.clone());
        let history =
            History::of(&counts[category.as_str()], monday, BURST.window_from(now), now, &TimeZone::UTC);
        if let Some(finding) = BURST.find(Some(category), recent, last, history, now) {
            last = Some(now);
            found.push((now, finding));
        }
    }
    found
}

#[test]
fn a_hundred_ordinary_weeks_raise_nothing() {
    for seed in 1..=10 {
        let found = ten_weeks(seed, 0);
        assert!(found.is_empty(), "seed {seed}: {found:?}");
    }
}

#[test]
fn a_burst_in_an_ordinary_month_is_found_while_it_lasts() {
    let found = ten_weeks(1, 40);
    assert!(!found.is_empty());
    for (at, finding) in &found {
        let Evidence::Burst(evidence) = &finding.evidence else { panic!() };
        assert_eq!(evidence.category.as_deref(), Some("Category 45"), "{at}");
        assert!(finding.about.contains("mail"), "{finding:?}");
    }
}

fn shuffled_tickets() -> impl Strategy<Value = Vec<NewTicket>> {
    let titles = ["Касса не печатает", "Касса не печатает чек", "Printer is broken", "VPN", ""];
    let one = (0_i64..120, 0_usize..titles.len());
    prop::collection::vec(one, 0..30)
        .prop_map(move |all| {
            let made = all.iter().enumerate().map(|(n, (min, title))| {
                ticket(u32::try_from(n).unwrap(), NOW.plus_ms(-min * MIN), titles[*title])
            });
            made.collect::<Vec<_>>()
        })
        .prop_shuffle()
}

proptest! {
    #[test]
    fn the_order_of_the_tickets_does_not_matter(all in shuffled_tickets(), usual in 0.0_f64..30.0) {
        let history = History { tickets: usual, weeks: 8 };
        let found = find(&all, history);
        let mut sorted = all;
        sorted.sort_by_key(|ticket| ticket.id);
        prop_assert_eq!(found, find(&sorted, history));
    }

    #[test]
    fn what_is_found_is_beyond_every_bound(all in shuffled_tickets(), usual in 0.0_f64..30.0) {
        let history = History { tickets: usual, weeks: 8 };
        if let Some(finding) = find(&all, history) {
            let Evidence::Burst(evidence) = &finding.evidence else { panic!() };
            prop_assert!(evidence.count >= BURST.min_tickets);
            prop_assert!(f64::from(evidence.count) > evidence.expected && evidence.chance <= CHANCE);
            prop_assert!(finding.began_at > evidence.from && finding.began_at <= evidence.to);
            let named = all.iter().filter(|ticket| evidence.tickets.contains(&ticket.id)).count();
            prop_assert_eq!(named, evidence.tickets.len());
        }
    }

    #[test]
    fn more_tickets_are_less_likely_and_more_history_makes_them_likelier(
        tickets in 0_u32..200, weeks in 1_u32..9, count in 1_u32..100,
    ) {
        let history = History { tickets: f64::from(tickets), weeks };
        let chance = history.chance(count);
        prop_assert!((0.0..=1.0).contains(&chance));
        prop_assert!(history.chance(count + 1) <= chance);
        let busier = History { tickets: history.tickets + 1.0, weeks };
        prop_assert!(busier.chance(count) >= chance);
    }

    #[test]
    fn an_episode_is_the_samples_since_the_last_one_that_was_not_beyond(
        values in prop::collection::vec(prop::bool::ANY, 1..40), for_min in 0_u32..10,
    ) {
        let rule = threshold(for_min * 60);
        let samples: Vec<(i64, f64)> =
            (0..).zip(&values).map(|(min, beyond)| (min, if *beyond { 101.0 } else { 1.0 })).collect();
        let (episode, kept) = after(&rule, &samples);
        let run = values.iter().rev().take_while(|beyond| **beyond).count();
        prop_assert_eq!(episode.map_or(0, |episode| episode.count as usize), run);
        let found = episode.and_then(|episode| rule.find(episode, &kept));
        prop_assert_eq!(found.is_some(), run > for_min as usize);
    }
}
