//! Who is called when something breaks: services, on-call schedules, an escalation policy and what is watched.

use std::collections::BTreeSet;

use desk_domain::{
    detection::{Condition, Rule, burst::Burst, heartbeat::Heartbeat, metric::Threshold},
    edit::{Section, WorkspaceOp},
    escalation::{
        self, Level, Target,
        schedule::{Layer, Rotation, Schedule},
    },
    ids::MemberId,
    incident::Severity,
    people::Role,
    time::UtcMillis,
    workspace::Service,
};
use jiff::{
    ToSpan,
    civil::{DateTime, Weekday, time},
    tz::TimeZone,
};

use super::ZONE;
use crate::settings;

/// The heartbeat rule that found the incident which waits for somebody to look at it.
pub(super) const BACKUP: &str = "backup-1c";
/// How often the backup reports, in seconds.
pub(super) const BACKUP_EVERY_S: u32 = 24 * 3_600;
/// How much later it may, in seconds.
pub(super) const BACKUP_GRACE_S: u32 = 3_600;
/// What that rule is called.
pub(super) const BACKUP_NAME: &str = "Ночная копия 1С / 1C nightly backup";

/// The schedule of those who answer first.
const DESK: &str = "service-desk";
/// The schedule of those who are called after them.
const INFRASTRUCTURE: &str = "infrastructure";
/// The policy of services that sell.
const SALES: &str = "sales";

/// A service: its key, which is how incidents name it, what to call it, who runs it, and whether selling depends on it.
const SERVICES: [(&str, &str, &str, bool); 9] = [
    ("1C", "1С / 1C", "infrastructure", true),
    ("POS", "Кассы / POS", "field", true),
    ("VPN", "VPN", "infrastructure", false),
    ("e-mail", "Почта / E-mail", "infrastructure", false),
    ("file-shares", "Общие папки / File shares", "infrastructure", false),
    ("monitoring", "Мониторинг / Monitoring", "infrastructure", false),
    ("payments", "Оплата картой / Card payments", "field", true),
    ("telephony", "Телефония / Telephony", "infrastructure", false),
    ("warehouse", "Склад / Warehouse", "field", false),
];

/// The settings. `agents` are members with their teams, in the order in which they take turns; the first hand-over is the
/// Monday before `now`, at nine.
pub(super) fn tell(
    agents: &[(MemberId, &'static str)],
    now: UtcMillis,
) -> Result<Vec<WorkspaceOp>, serde_json::Error> {
    let mut ops = Vec::new();
    for (key, name, team, sells) in SERVICES {
        let service = Service {
            name: name.to_owned(),
            team: Some(team.to_owned()),
            escalation: sells.then(|| SALES.to_owned()),
        };
        ops.push(settings::entry(Section::Services, key, &service)?);
    }
    let starts = first_hand_over(now);
    let of = |team: &str| agents.iter().filter(|(_, of)| *of == team).map(|(id, _)| *id).collect::<Vec<_>>();
    for (key, name, team, rotation) in [
        (DESK, "Служба поддержки / Service desk", "service-desk", Rotation::Week),
        (INFRASTRUCTURE, "Инфраструктура / Infrastructure", "infrastructure", Rotation::Day),
    ] {
        let layer = Layer { name: name.to_owned(), members: of(team), rotation, starts, hours: None };
        let schedule = Schedule {
            name: name.to_owned(),
            zone: ZONE.to_owned(),
            layers: vec![layer],
            overrides: Vec::new(),
        };
        ops.push(settings::entry(Section::Schedules, key, &schedule)?);
    }
    ops.push(settings::entry(Section::Escalations, SALES, &sales())?);
    for rule in rules() {
        ops.push(settings::entry(Section::Detection, &rule.key, &rule)?);
    }
    Ok(ops)
}

/// Monday at nine in the demo's zone, at the latest at `now`.
fn first_hand_over(now: UtcMillis) -> DateTime {
    let zone = TimeZone::get(ZONE).unwrap_or(TimeZone::UTC);
    let nine = zone.to_datetime(now.to_jiff()).date().to_datetime(time(9, 0, 0, 0));
    let since_monday = i64::from(nine.weekday().since(Weekday::Monday));
    // Dates of a demo lie far inside the calendar's range.
    nine.checked_sub((since_monday + 7).days()).unwrap_or(nine)
}

fn sales() -> escalation::Policy {
    let on_call = |schedule: &str| Target::Schedule { schedule: schedule.to_owned() };
    let level = |target, timeout_min, email| Level { targets: vec![target], timeout_min, email };
    escalation::Policy {
        name: "Продажи / Sales".to_owned(),
        severities: BTreeSet::new(),
        levels: vec![
            level(on_call(DESK), 5, false),
            level(on_call(INFRASTRUCTURE), 10, true),
            level(Target::Role { role: Role::Manager }, 15, true),
        ],
        repeat: 2,
    }
}

fn rules() -> [Rule; 3] {
    let rule = |key: &str, name: &str, severity, services: &[&str], when| Rule {
        key: key.to_owned(),
        name: name.to_owned(),
        enabled: true,
        severity,
        services: services.iter().map(|name| (*name).to_owned()).collect(),
        quiet_min: 60,
        when,
    };
    [
        rule(
            "similar-tickets",
            "Похожие заявки / Similar tickets",
            Severity::P3,
            &[],
            Condition::Burst(Burst { categories: BTreeSet::new(), window_min: 60, min_tickets: 6 }),
        ),
        rule(
            BACKUP,
            BACKUP_NAME,
            Severity::P3,
            &["1C"],
            Condition::Heartbeat(Heartbeat {
                heartbeat: BACKUP.to_owned(),
                every_s: BACKUP_EVERY_S,
                grace_s: BACKUP_GRACE_S,
            }),
        ),
        rule(
            "exchange-queue",
            "Очередь обмена / Exchange queue",
            Severity::P2,
            &["1C", "POS"],
            Condition::Metric(Threshold {
                metric: "exchange.queue".to_owned(),
                above: Some(5_000.0),
                below: None,
                for_s: 300,
            }),
        ),
    ]
}
