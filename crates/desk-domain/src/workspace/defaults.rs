//! What a new workspace starts with. All of it is data that an administrator changes.

use std::collections::BTreeSet;

use serde::Serialize;

use super::Workflow;
use crate::{
    edit::Section,
    escalation::{self, Level, Target},
    incident::Severity,
    people::{Role, Team},
    sla::{Calendar, HolidaySet, Policy, PolicyMatch, Targets, WeekHours},
    ticket::{Priority, Status},
};

/// The calendar's key that the default policy counts by.
pub const OFFICE_CALENDAR: &str = "office";

/// Minutes to first response, next response and resolution, by priority.
const TARGETS_MIN: [(Priority, f64, f64, f64); 5] = [
    (Priority::Low, 480.0, 960.0, 4_800.0),
    (Priority::Medium, 240.0, 480.0, 1_440.0),
    (Priority::High, 120.0, 240.0, 480.0),
    (Priority::Urgent, 30.0, 60.0, 240.0),
    (Priority::Critical, 15.0, 30.0, 120.0),
];

/// The entries of a new workspace's settings: section, key and JSON value. Both the server and a workspace on one
/// device write them.
pub fn default_settings(name: &str, zone: &str) -> Vec<(Section, String, String)> {
    let office = Calendar {
        name: Some("Рабочие часы / Office hours".to_owned()),
        zone: zone.to_owned(),
        hours: WeekHours::weekdays(&[("09:00", "13:00"), ("14:00", "18:00")]),
        holidays: BTreeSet::new(),
        holiday_sets: vec![if is_russian(zone) { HolidaySet::Ru } else { HolidaySet::Kz }],
        always_open: false,
    };
    let always = Calendar {
        name: Some("Круглосуточно / Around the clock".to_owned()), ..Calendar::always()
    };
    let critical = BTreeSet::from([Priority::Urgent, Priority::Critical]);
    let policy = |key: &str, name: &str, order, priorities, calendar: &str| Policy {
        key: key.to_owned(),
        name: name.to_owned(),
        order,
        when: PolicyMatch { priorities, ..PolicyMatch::default() },
        calendar: calendar.to_owned(),
        targets: TARGETS_MIN
            .into_iter()
            .map(|(priority, first, next, resolution)| {
                let targets = Targets {
                    first_response_min: Some(first),
                    next_response_min: Some(next),
                    resolution_min: Some(resolution),
                };
                (priority, targets)
            })
            .collect(),
        pause_statuses: BTreeSet::from([Status::Pending]),
        warn_percent: vec![75, 90],
    };
    let urgent = policy(
        "around-the-clock",
        "Срочные, круглосуточно / Urgent, around the clock",
        10,
        critical,
        "always",
    );
    let ordinary = policy("office-hours", "Обычные / Ordinary", 20, BTreeSet::new(), OFFICE_CALENDAR);

    let mut entries = vec![
        entry(Section::General, "name", &name),
        entry(Section::General, "zone", &zone),
        entry(Section::General, "workflow", &Workflow::default()),
        entry(Section::Calendars, OFFICE_CALENDAR, &office),
        entry(Section::Calendars, "always", &always),
        entry(Section::Policies, &urgent.key, &urgent),
        entry(Section::Policies, &ordinary.key, &ordinary),
    ];
    entries.extend(default_escalations());
    for (key, name) in [
        ("hardware", "Оборудование / Hardware"),
        ("software", "Программы / Software"),
        ("network", "Сеть / Network"),
        ("access", "Доступ / Access"),
        ("other", "Прочее / Other"),
    ] {
        entries.push(entry(Section::Categories, key, &name));
    }
    for (key, name) in
        [("service-desk", "Служба поддержки / Service desk"), ("field", "Выездные инженеры / Field staff")]
    {
        let team = Team { key: key.to_owned(), name: name.to_owned(), private: false };
        entries.push(entry(Section::Teams, key, &team));
    }
    entries
}

/// The escalation policies of a new workspace, and of one that was made before there were any: everybody who works on
/// incidents, then managers, then administrators, with less patience for what is worse.
pub fn default_escalations() -> Vec<(Section, String, String)> {
    [(Severity::P1, 5), (Severity::P2, 15), (Severity::P3, 60)]
        .into_iter()
        .map(|(severity, timeout_min)| {
            let level = |role, email| Level { targets: vec![Target::Role { role }], timeout_min, email };
            let policy = escalation::Policy {
                name: format!("По умолчанию для {severity} / Default for {severity}"),
                severities: BTreeSet::from([severity]),
                levels: vec![level(Role::Agent, false), level(Role::Manager, true), level(Role::Admin, true)],
                repeat: 1,
            };
            entry(Section::Escalations, &format!("default-{}", severity.as_str().to_lowercase()), &policy)
        })
        .collect()
}

/// Zones of Russia: its holidays rather than Kazakhstan's.
fn is_russian(zone: &str) -> bool {
    const ZONES: [&str; 12] = [
        "Europe/Moscow",
        "Europe/Kaliningrad",
        "Europe/Samara",
        "Europe/Volgograd",
        "Asia/Yekaterinburg",
        "Asia/Omsk",
        "Asia/Novosibirsk",
        "Asia/Krasnoyarsk",
        "Asia/Irkutsk",
        "Asia/Yakutsk",
        "Asia/Vladivostok",
        "Asia/Kamchatka",
    ];
    ZONES.contains(&zone)
}

fn entry<T: Serialize + ?Sized>(section: Section, key: &str, value: &T) -> (Section, String, String) {
    // Plain data with text keys: it always has a JSON form.
    (section, key.to_owned(), serde_json::to_string(value).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sla::{SlaRules, Traits};

    #[test]
    fn a_new_workspace_has_working_rules_for_every_priority() {
        for zone in ["Asia/Almaty", "Europe/Moscow", "UTC"] {
            let entries = default_settings("Демо", zone);
            let parsed = |section| {
                entries
                    .iter()
                    .filter(move |(found, _, _)| *found == section)
                    .map(|(_, key, json)| (key.clone(), json))
            };
            let calendars = parsed(Section::Calendars)
                .map(|(key, json)| (key, serde_json::from_str(json).unwrap()))
                .collect();
            for (key, json) in parsed(Section::Escalations) {
                let policy: escalation::Policy = serde_json::from_str(json).unwrap();
                assert_eq!(policy.check(), Ok(()), "{key}");
            }
            let policies =
                parsed(Section::Policies).map(|(_, json)| serde_json::from_str(json).unwrap()).collect();
            let rules = SlaRules { policies, calendars };
            assert_eq!(rules.check(), []);
            let rules = rules.compile();
            assert!(rules.problems().is_empty(), "{:?}", rules.problems());
            for priority in Priority::ALL {
                assert!(rules.terms(&Traits::of_priority(*priority)).is_some(), "{priority}");
            }
        }
    }
}
