use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::ids::uuid_v7;

fn at(text: &str) -> UtcMillis {
    text.parse().unwrap()
}

fn doc(number: u8) -> DocId {
    DocId(uuid_v7(UtcMillis(5), [number; 10]))
}

fn alert(subject: u8, rule: AlertRule, due_at: UtcMillis) -> Alert {
    let of_incident = Topic::of(rule).is_of_incidents();
    Alert {
        key: AlertKey { subject: doc(subject), rule, percent: 100, due_at },
        kind: if of_incident { DocKind::Incident } else { DocKind::Ticket },
        number: format!("N-{subject}"),
        title: "title".into(),
        priority: (!of_incident).then_some(Priority::Medium),
        severity: of_incident.then_some(Severity::P2),
        stands: true,
        state: AlertState::raised(due_at),
    }
}

/// Nights from 22:00 to 07:00 and all of Sunday, in Almaty (UTC+5).
fn quiet_nights() -> AlertSettings {
    let json = r#"{
        "rules": [
            {"topics": ["escalation", "incident", "sla_breach"], "how": "sound"},
            {"priorities": ["low"], "how": "digest"},
            {"topics": ["sla_warning"], "how": "banner"}
        ],
        "zone": "Asia/Almaty",
        "quiet": [
            {"days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], "from": "22:00", "to": "07:00"},
            {"days": ["sun"], "from": "00:00", "to": "24:00"}
        ],
        "break_through": {"severities": ["P1"]},
        "digest": ["09:00", "17:30"]
    }"#;
    AlertSettings::parse(json).unwrap()
}

#[test]
fn a_key_is_read_as_it_is_written() {
    let key =
        AlertKey { subject: doc(3), rule: AlertRule::ResolutionWarning, percent: 75, due_at: UtcMillis(-7) };
    assert_eq!(key.to_string().parse(), Ok(key.clone()));
    for wrong in ["", "x", "a/b/c/d", &format!("{key}/"), &key.to_string()[1..]] {
        assert!(wrong.parse::<AlertKey>().is_err(), "{wrong}");
    }
}

#[test]
fn settings_that_cannot_be_used_are_refused_with_a_reason() {
    let ok = serde_json::to_value(quiet_nights()).unwrap();
    let check = |change: &dyn Fn(&mut serde_json::Value), reason: &str| {
        let mut json = ok.clone();
        change(&mut json);
        let told = AlertSettings::parse(&json.to_string()).unwrap_err().to_string();
        assert!(told.contains(reason), "{told}");
    };
    let week = serde_json::json!(["mon", "tue", "wed", "thu", "fri", "sat", "sun"]);
    check(&|json| json["zone"] = "Mars/Olympus".into(), "Asia/Almaty");
    check(&|json| json["quiet"][0]["from"] = "25:00".into(), "no time of day");
    check(&|json| json["quiet"][0]["from"] = "7:5:0".into(), "no time of day");
    check(&|json| json["quiet"][0]["from"] = "07:00".into(), "begin when they end");
    check(&|json| json["quiet"][0]["from"] = "24:00".into(), "24:00");
    check(&|json| json["quiet"][0]["days"] = serde_json::json!([]), "name no day");
    check(&|json| json["digest"] = serde_json::json!([]), "no digest has a time");
    check(&|json| json["digest"] = serde_json::json!(["24:00"]), "24:00");
    check(&|json| json["rules"][2]["severities"] = serde_json::json!(["P1"]), "fits no alert");
    check(&|json| json["rules"][2]["how"] = "shout".into(), "no alert settings");
    check(&|json| json["rulez"] = serde_json::json!([]), "rulez");
    check(
        &|json| {
            json["quiet"] = serde_json::json!([
                {"days": week, "from": "12:00", "to": "00:00"},
                {"days": week, "from": "00:00", "to": "12:00"},
            ]);
        },
        "never end",
    );
    check(&|json| json["rules"] = vec![json["rules"][0].clone(); 51].into(), "at most 50");
    assert!(AlertSettings::parse("{").is_err());
    AlertSettings::standard("Asia/Almaty").check().unwrap();
    assert_eq!(AlertSettings::standard("nowhere").zone, "UTC");
}

#[test]
fn settings_are_read_as_they_are_written() {
    for settings in [quiet_nights(), AlertSettings::standard("Europe/Moscow")] {
        assert_eq!(AlertSettings::parse(&serde_json::to_string(&settings).unwrap()), Ok(settings));
    }
}

#[test]
fn quiet_hours_end_when_the_last_stretch_that_meets_them_does() {
    let settings = quiet_nights();
    let check =
        |now: &str, until: Option<&str>| assert_eq!(settings.quiet_until(at(now)), until.map(at), "{now}");
    // Wednesday in Almaty.
    check("2026-11-25T16:59:59Z", None);
    check("2026-11-25T17:00:00Z", Some("2026-11-26T02:00:00Z"));
    check("2026-11-26T01:59:59Z", Some("2026-11-26T02:00:00Z"));
    check("2026-11-26T02:00:00Z", None);
    // Saturday's night runs into Sunday, and that into Monday's morning.
    check("2026-11-28T17:00:00Z", Some("2026-11-30T02:00:00Z"));
    check("2026-11-29T07:00:00Z", Some("2026-11-30T02:00:00Z"));
    assert_eq!(AlertSettings::standard("UTC").quiet_until(at("2026-11-29T07:00:00Z")), None);
}

#[test]
fn a_night_in_which_the_clocks_change_is_quiet_from_wall_time_to_wall_time() {
    let settings = |from: &str, to: &str| AlertSettings {
        zone: "Europe/Berlin".into(),
        quiet: vec![QuietWindow {
            days: Weekday::ALL.iter().copied().collect(),
            from: from.parse().unwrap(),
            to: to.parse().unwrap(),
        }],
        ..AlertSettings::standard("UTC")
    };
    let check = |settings: &AlertSettings, now: &str, until: Option<&str>| {
        assert_eq!(settings.quiet_until(at(now)), until.map(at), "{now}");
    };
    let night = settings("22:00", "07:00");
    // Forward on 29 March 2026 at 01:00 UTC, back on 25 October 2026 at 01:00 UTC.
    check(&night, "2026-03-28T21:00:00Z", Some("2026-03-29T05:00:00Z"));
    check(&night, "2026-10-24T20:00:00Z", Some("2026-10-25T06:00:00Z"));
    // 02:30 does not exist: it begins an hour later, at 03:30.
    let skipped = settings("02:30", "04:00");
    check(&skipped, "2026-03-29T01:15:00Z", None);
    check(&skipped, "2026-03-29T01:30:00Z", Some("2026-03-29T02:00:00Z"));
    // Nothing is left of a stretch that ends before it begins.
    check(&settings("02:30", "03:15"), "2026-03-29T01:20:00Z", None);
    // 02:30 comes twice: the first ends it.
    check(&settings("01:00", "02:30"), "2026-10-25T00:29:00Z", Some("2026-10-25T00:30:00Z"));
    check(&settings("01:00", "02:30"), "2026-10-25T01:15:00Z", None);
}

#[test]
fn a_digest_comes_at_its_next_time_of_day() {
    let settings = quiet_nights();
    let check = |now: &str, next: &str| assert_eq!(settings.digest_after(at(now)), Some(at(next)), "{now}");
    check("2026-11-25T03:59:59Z", "2026-11-25T04:00:00Z");
    check("2026-11-25T04:00:00Z", "2026-11-25T12:30:00Z");
    check("2026-11-25T20:00:00Z", "2026-11-26T04:00:00Z");
    assert_eq!(AlertSettings::standard("UTC").digest_after(at("2026-11-25T20:00:00Z")), None);
}

#[test]
fn the_first_rule_that_fits_says_how() {
    let settings = quiet_nights();
    let due = at("2026-11-25T10:00:00Z");
    let check = |alert: &Alert, how: Manner| assert_eq!(settings.manner(alert), how, "{alert:?}");
    check(&alert(1, AlertRule::ResolutionBreach, due), Manner::Sound);
    check(&alert(1, AlertRule::ResolutionWarning, due), Manner::Banner);
    check(
        &Alert { priority: Some(Priority::Low), ..alert(1, AlertRule::ResolutionWarning, due) },
        Manner::Digest,
    );
    let none = AlertSettings { rules: Vec::new(), ..settings.clone() };
    assert_eq!(none.manner(&alert(1, AlertRule::ResolutionBreach, due)), Manner::List);
}

#[test]
fn an_alert_comes_waits_or_is_only_listed() {
    let settings = quiet_nights();
    let (day, night) = (at("2026-11-25T10:00:00Z"), at("2026-11-25T20:00:00Z"));
    let morning = at("2026-11-26T02:00:00Z");
    let check =
        |alert: &Alert, now, expected| assert_eq!(delivery(alert, &settings, now), expected, "{alert:?}");
    let breach = alert(1, AlertRule::ResolutionBreach, day);
    let held = Delivery::Hold { by: Hold::Quiet, until: morning };
    check(&breach, day, Delivery::Show { sound: true });
    check(&breach, night, held);
    let waits = Alert { state: breach.state.after(held, night), ..breach.clone() };
    check(&waits, morning, Delivery::Summary);
    check(
        &Alert { state: waits.state.after(Delivery::Summary, morning), ..waits.clone() },
        morning,
        Delivery::Done,
    );
    check(&Alert { state: waits.state.acknowledged(night), ..waits.clone() }, morning, Delivery::Done);
    // What was answered or taken while it waited is no news in the morning; that a target ran out is.
    let over = |rule| Alert { state: waits.state, stands: false, ..alert(1, rule, night) };
    check(&over(AlertRule::ResolutionWarning), night, held);
    check(&over(AlertRule::ResolutionWarning), morning, Delivery::ListOnly);
    check(&over(AlertRule::IncidentEscalation), morning, Delivery::ListOnly);
    check(&over(AlertRule::ResolutionBreach), morning, Delivery::Summary);
    check(&over(AlertRule::IncidentDeclared), morning, Delivery::Summary);
    let slept_through = alert(4, AlertRule::ResolutionBreach, night);
    check(&slept_through, morning, Delivery::Summary);
    let grave = Alert { severity: Some(Severity::P1), ..alert(2, AlertRule::IncidentEscalation, night) };
    check(&grave, night, Delivery::Show { sound: true });
    check(&alert(2, AlertRule::IncidentEscalation, night), night, held);
    let low = Alert { priority: Some(Priority::Low), ..alert(3, AlertRule::ResolutionWarning, day) };
    let evening = at("2026-11-25T12:30:00Z");
    check(&low, day, Delivery::Hold { by: Hold::Digest, until: evening });
    check(&low, evening, Delivery::Digest);
    check(&Alert { stands: false, ..low.clone() }, evening, Delivery::ListOnly);
    check(&low, night, Delivery::Hold { by: Hold::Digest, until: morning });
    let unruled = AlertSettings { rules: Vec::new(), ..settings.clone() };
    assert_eq!(delivery(&breach, &unruled, day), Delivery::ListOnly);

    let snoozed =
        Alert { state: breach.state.after(Delivery::ListOnly, day).snoozed(evening), ..breach.clone() };
    check(&snoozed, day, Delivery::Hold { by: Hold::Snooze, until: evening });
    check(&snoozed, evening, Delivery::Show { sound: true });
    assert_eq!(delivery(&snoozed, &unruled, evening), Delivery::Show { sound: false });
    let put_off =
        Alert { state: snoozed.state, stands: false, ..alert(1, AlertRule::ResolutionWarning, day) };
    check(&put_off, evening, Delivery::Show { sound: false });
    let settled = breach.state.acknowledged(day);
    assert_eq!(settled.snoozed(evening), settled, "what was acknowledged does not come back");
}

#[test]
fn what_comes_together_is_told_together() {
    let now = at("2026-11-25T10:00:00Z");
    let sounding = |alerts: Vec<Alert>| alerts.into_iter().map(|alert| (alert, true)).collect::<Vec<_>>();
    let mut guard = BurstGuard::default();
    let one = notices(
        &sounding(vec![
            alert(1, AlertRule::ResolutionWarning, now.plus_ms(-9)),
            alert(1, AlertRule::ResolutionBreach, now),
            alert(2, AlertRule::NextResponseWarning, now),
        ]),
        &mut guard,
        now,
    );
    assert_eq!(one.len(), 2);
    assert_eq!(one[0].keys.len(), 2, "the breach's banner settles the warning as well");
    let NoticeText::Subject { rules, .. } = &one[0].text else { panic!("{:?}", one[0]) };
    assert_eq!(*rules, [AlertRule::ResolutionBreach]);
    assert!(one[0].urgent && !one[1].urgent);

    // Two more within the minute are one too many, and a third joins them in one banner. A page stands by itself.
    let burst = |subject| sounding(vec![alert(subject, AlertRule::ResolutionBreach, now)]);
    assert_eq!(notices(&burst(3), &mut guard, now.plus_ms(1_000))[0].tag, doc(3).to_string());
    let grown = notices(&burst(4), &mut guard, now.plus_ms(2_000));
    assert_eq!(grown[0].tag, "burst");
    let grown = notices(&burst(5), &mut guard, now.plus_ms(3_000));
    let NoticeText::Many(tally) = grown[0].text else { panic!("{:?}", grown[0]) };
    assert_eq!((grown.len(), tally.subjects, grown[0].keys.len()), (1, 2, 2));
    let page = notices(
        &sounding(vec![alert(6, AlertRule::IncidentEscalation, now)]),
        &mut guard,
        now.plus_ms(4_000),
    );
    assert_eq!(page[0].tag, doc(6).to_string());
    guard.forget(&[alert(4, AlertRule::ResolutionBreach, now).key]);
    assert_eq!(notices(&burst(7), &mut guard, now.plus_ms(5_000))[0].keys.len(), 2);
    // A minute later, and after a clock that was set back, the next one stands by itself again.
    assert_eq!(notices(&burst(8), &mut guard.clone(), now.plus_ms(70_000))[0].tag, doc(8).to_string());
    assert_eq!(notices(&burst(8), &mut guard, now.plus_ms(-86_400_000))[0].tag, doc(8).to_string());
}

#[test]
fn a_summary_counts_what_came() {
    let now = at("2026-11-26T02:00:00Z");
    assert_eq!(quiet_summary(&[], now), None);
    let alerts = [
        alert(1, AlertRule::ResolutionBreach, now),
        alert(1, AlertRule::ResolutionWarning, now),
        alert(2, AlertRule::ResolutionWarning, now),
        alert(3, AlertRule::IncidentDeclared, now),
    ];
    let summary = quiet_summary(&alerts, now).unwrap();
    let expected = Tally { subjects: 3, breaches: 1, warnings: 1, incidents: 1, escalations: 0 };
    assert_eq!(summary.text, NoticeText::AfterQuiet(expected));
    assert!(summary.urgent && !summary.sound && summary.keys.len() == 4);
    let only = digest(&alerts[2..3], now).unwrap();
    assert!(matches!(only.text, NoticeText::Subject { .. }), "{only:?}");
}

/// What happens to a member's device.
#[derive(Clone, Debug)]
enum Step {
    Pass { min: i64 },
    Jump { days: i64 },
    Restart,
    Raise { subject: u8, rule: AlertRule, low: bool, grave: bool, in_min: i64 },
    Acknowledge { which: usize },
    Snooze { which: usize, min: i64 },
    NewSettings { quiet: bool },
}

fn step() -> impl Strategy<Value = Step> {
    let rule = (0..AlertRule::ALL.len()).prop_map(|at| AlertRule::ALL[at]);
    prop_oneof![
        6 => (1..700_i64).prop_map(|min| Step::Pass { min }),
        1 => prop_oneof![Just(-1), Just(1)].prop_map(|days| Step::Jump { days }),
        1 => Just(Step::Restart),
        6 => (0..9_u8, rule, any::<bool>(), any::<bool>(), -100..900_i64).prop_map(
            |(subject, rule, low, grave, in_min)| Step::Raise { subject, rule, low, grave, in_min }
        ),
        2 => (0..64_usize).prop_map(|which| Step::Acknowledge { which }),
        2 => (0..64_usize, 1..2_000_i64).prop_map(|(which, min)| Step::Snooze { which, min }),
        1 => any::<bool>().prop_map(|quiet| Step::NewSettings { quiet }),
    ]
}

/// A device as the scheduler has it: what will fall due, what was raised, and how often each was delivered since it was raised
/// or last put off.
struct Machine {
    now: UtcMillis,
    settings: AlertSettings,
    guard: BurstGuard,
    deadlines: Vec<Alert>,
    raised: Vec<(Alert, u32)>,
}

impl Machine {
    /// Everything that falls due within a stretch of time in which the clock runs evenly, waking as the scheduler does.
    fn run_until(&mut self, end: UtcMillis) {
        self.look();
        while let Some(next) = self.next().filter(|next| *next <= end) {
            assert!(next > self.now, "it would wake without end");
            self.now = next;
            self.look();
        }
        self.now = end;
    }

    fn next(&self) -> Option<UtcMillis> {
        let due = self.deadlines.iter().map(|alert| alert.key.due_at).filter(|due| *due > self.now);
        let held = self.raised.iter().filter_map(|(alert, _)| {
            assert_eq!(alert.state.held_by.is_some(), alert.state.held_until.is_some());
            alert.state.held_until
        });
        due.chain(held).min()
    }

    fn look(&mut self) {
        let (now, due) = (self.now, std::mem::take(&mut self.deadlines));
        let (due, later): (Vec<_>, Vec<_>) = due.into_iter().partition(|alert| alert.key.due_at <= now);
        self.deadlines = later;
        for alert in due {
            if !self.raised.iter().any(|(known, _)| known.key == alert.key) {
                self.raised.push((Alert { state: AlertState::raised(now), ..alert }, 0));
            }
        }
        let mut shown = Vec::new();
        for (alert, delivered) in &mut self.raised {
            let decision = delivery(alert, &self.settings, now);
            match decision {
                Delivery::Done => continue,
                Delivery::Hold { until, .. } => assert!(until > now, "{alert:?}"),
                Delivery::Show { .. } | Delivery::Summary | Delivery::Digest | Delivery::ListOnly => {
                    *delivered += 1;
                    assert_eq!(*delivered, 1, "delivered again: {alert:?}");
                    assert_eq!(alert.state.acknowledged_at, None);
                    assert!(!alert.state.is_snoozed(now), "{alert:?}");
                    if decision != Delivery::ListOnly && !self.settings.break_through.lets(alert) {
                        assert_eq!(self.settings.quiet_until(now), None, "{alert:?} at {now}");
                    }
                }
            }
            if let Delivery::Show { sound } = decision {
                shown.push((alert.clone(), sound));
            }
            alert.state = alert.state.after(decision, now);
        }
        let banners = notices(&shown, &mut self.guard, now);
        let told: BTreeSet<String> =
            banners.iter().flat_map(|banner| &banner.keys).map(ToString::to_string).collect();
        assert!(shown.iter().all(|(alert, _)| told.contains(&alert.key.to_string())), "a banner lacks one");
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::Pass { min } => self.run_until(self.now.plus_ms(min * 60_000)),
            Step::Jump { days } => {
                self.now = self.now.plus_ms(days * 86_400_000);
                self.look();
            }
            Step::Restart => self.guard = BurstGuard::default(),
            Step::Raise { subject, rule, low, grave, in_min } => {
                let mut alert = alert(*subject, *rule, self.now.plus_ms(in_min * 60_000));
                if *low {
                    alert.priority = alert.priority.map(|_| Priority::Low);
                }
                if *grave {
                    alert.severity = alert.severity.map(|_| Severity::P1);
                }
                alert.state = AlertState::default();
                self.deadlines.push(alert);
            }
            Step::Acknowledge { which } => {
                let (now, len) = (self.now, self.raised.len().max(1));
                if let Some((alert, _)) = self.raised.get_mut(which % len) {
                    alert.state = alert.state.acknowledged(now);
                }
            }
            Step::Snooze { which, min } => {
                let (now, len) = (self.now, self.raised.len().max(1));
                if let Some((alert, delivered)) = self.raised.get_mut(which % len)
                    && alert.state.acknowledged_at.is_none()
                {
                    alert.state = alert.state.snoozed(now.plus_ms(min * 60_000));
                    *delivered = 0;
                }
            }
            Step::NewSettings { quiet } => {
                self.settings = if *quiet { quiet_nights() } else { AlertSettings::standard("Asia/Almaty") };
            }
        }
    }
}

proptest! {
    #[test]
    fn every_due_alert_is_delivered_once_or_acknowledged_first(steps in prop::collection::vec(step(), 1..80)) {
        let mut machine = Machine {
            now: at("2026-11-25T10:00:00Z"),
            settings: quiet_nights(),
            guard: BurstGuard::default(),
            deadlines: Vec::new(),
            raised: Vec::new(),
        };
        for step in &steps {
            machine.take(step);
        }
        // The machine stays on until all that waits must have come.
        machine.run_until(machine.now.plus_ms(86_400_000 * 90));
        prop_assert!(machine.deadlines.is_empty());
        for (alert, delivered) in &machine.raised {
            prop_assert!(*delivered == 1 || alert.state.acknowledged_at.is_some(), "never delivered: {alert:?}");
            prop_assert_eq!(alert.state.held_by, None);
        }
    }

    #[test]
    fn quiet_hours_always_end(
        windows in prop::collection::vec((0..127_u8, 0..1_440_u16, 1..=1_440_u16), 0..6),
        zone in prop_oneof![Just("Asia/Almaty"), Just("Europe/Berlin"), Just("America/St_Johns"), Just("Pacific/Apia")],
        now in 1_300_000_000_000_i64..1_900_000_000_000,
    ) {
        let time = |minutes: u16| TimeOfDay::new(minutes / 60, minutes % 60).unwrap();
        let settings = AlertSettings {
            quiet: windows.iter().map(|(days, from, to)| QuietWindow {
                days: Weekday::ALL.iter().enumerate().filter(|(at, _)| days >> at & 1 == 1).map(|(_, day)| *day).collect(),
                from: time(*from),
                to: time(*to),
            }).collect(),
            zone: zone.to_owned(),
            ..AlertSettings::standard("UTC")
        };
        prop_assume!(settings.check().is_ok());
        if let Some(until) = settings.quiet_until(UtcMillis(now)) {
            prop_assert!(until > UtcMillis(now));
            prop_assert_eq!(settings.quiet_until(until), None, "it ends in another one");
        }
    }
}
