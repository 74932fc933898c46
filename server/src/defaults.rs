//! What a new workspace starts with; its administrators change it as they like.

use std::collections::{BTreeMap, BTreeSet};

use desk_domain::{
    edit::{Section, WorkspaceOp},
    incident::Severity,
    people::Team,
    sla::{Calendar, HolidaySet, Policy, PolicyMatch, Targets, WeekHours},
    ticket::Priority,
    workspace::Workflow,
};
use serde::Serialize;

/// The key of the calendar of working hours.
pub const BUSINESS_CALENDAR: &str = "business";
/// The key of the calendar in which every instant counts.
pub const ALWAYS_CALENDAR: &str = "always";
/// The key of the team that is always there.
pub const SERVICE_DESK: &str = "service-desk";

/// Categories by key, named in both languages since a workspace has one name for everybody.
pub const CATEGORIES: [(&str, &str); 9] = [
    ("hardware", "Оборудование · Hardware"),
    ("printing", "Печать · Printing"),
    ("software", "Программы · Software"),
    ("erp", "1С и учёт · 1C & ERP"),
    ("network", "Сеть и VPN · Network & VPN"),
    ("email", "Почта · E-mail"),
    ("access", "Доступ и учётные записи · Access & accounts"),
    ("retail", "Кассы и торговое оборудование · Point of sale"),
    ("other", "Прочее · Other"),
];

/// Writes one entry of the settings.
///
/// # Errors
/// When the value has no JSON form, which no settings value lacks.
pub fn entry(section: Section, key: &str, value: &impl Serialize) -> Result<WorkspaceOp, serde_json::Error> {
    let value = Some(serde_json::to_string(value)?);
    Ok(WorkspaceOp::Set { section, key: key.to_owned(), value })
}

/// All entries of a new workspace's settings.
///
/// # Errors
/// See [`entry`].
pub fn settings(name: &str, zone: &str) -> Result<Vec<WorkspaceOp>, serde_json::Error> {
    let escalation_min = BTreeMap::from([(Severity::P1, 5_u32), (Severity::P2, 15), (Severity::P3, 60)]);
    let mut entries = vec![
        entry(Section::General, "name", &name)?,
        entry(Section::General, "zone", &zone)?,
        entry(Section::General, "workflow", &Workflow::default())?,
        entry(Section::General, "escalation_min", &escalation_min)?,
        entry(Section::Calendars, BUSINESS_CALENDAR, &business_hours(zone))?,
        entry(Section::Calendars, ALWAYS_CALENDAR, &around_the_clock(zone))?,
        team(SERVICE_DESK, "Служба поддержки · Service desk")?,
    ];
    for policy in policies() {
        entries.push(entry(Section::Policies, &policy.key, &policy)?);
    }
    for (key, name) in CATEGORIES {
        entries.push(entry(Section::Categories, key, &name)?);
    }
    Ok(entries)
}

/// The entry of a team.
///
/// # Errors
/// See [`entry`].
pub fn team(key: &str, name: &str) -> Result<WorkspaceOp, serde_json::Error> {
    entry(Section::Teams, key, &Team { key: key.to_owned(), name: name.to_owned() })
}

/// Monday to Friday, nine to six, with the official holidays of the zone's country where they are known.
pub fn business_hours(zone: &str) -> Calendar {
    Calendar {
        name: Some("Рабочее время · Business hours".to_owned()),
        zone: zone.to_owned(),
        hours: WeekHours::weekdays(&[("09:00", "18:00")]),
        holiday_sets: holidays_of(zone).into_iter().collect(),
        ..Calendar::default()
    }
}

fn around_the_clock(zone: &str) -> Calendar {
    Calendar {
        name: Some("Круглосуточно · Around the clock".to_owned()),
        zone: zone.to_owned(),
        ..Calendar::always()
    }
}

/// Whose holidays are kept in a zone.
fn holidays_of(zone: &str) -> Option<HolidaySet> {
    const KZ: [&str; 8] = [
        "Asia/Almaty",
        "Asia/Aqtau",
        "Asia/Aqtobe",
        "Asia/Atyrau",
        "Asia/Oral",
        "Asia/Qostanay",
        "Asia/Qyzylorda",
        "Asia/Astana",
    ];
    const RU: [&str; 26] = [
        "Europe/Moscow",
        "Europe/Kaliningrad",
        "Europe/Kirov",
        "Europe/Volgograd",
        "Europe/Astrakhan",
        "Europe/Samara",
        "Europe/Saratov",
        "Europe/Ulyanovsk",
        "Asia/Yekaterinburg",
        "Asia/Omsk",
        "Asia/Novosibirsk",
        "Asia/Barnaul",
        "Asia/Tomsk",
        "Asia/Novokuznetsk",
        "Asia/Krasnoyarsk",
        "Asia/Irkutsk",
        "Asia/Chita",
        "Asia/Yakutsk",
        "Asia/Khandyga",
        "Asia/Vladivostok",
        "Asia/Ust-Nera",
        "Asia/Magadan",
        "Asia/Sakhalin",
        "Asia/Srednekolymsk",
        "Asia/Kamchatka",
        "Asia/Anadyr",
    ];
    if KZ.contains(&zone) {
        Some(HolidaySet::Kz)
    } else if RU.contains(&zone) {
        Some(HolidaySet::Ru)
    } else {
        None
    }
}

/// Two policies: what stands still is worked on day and night, the rest in working hours.
pub fn policies() -> [Policy; 2] {
    let targets = |first_response_min, next_response_min, resolution_min| Targets {
        first_response_min: Some(first_response_min),
        next_response_min: Some(next_response_min),
        resolution_min: Some(resolution_min),
    };
    let policy = |key: &str, name: &str, order, calendar: &str, targets: BTreeMap<Priority, Targets>| Policy {
        key: key.to_owned(),
        name: name.to_owned(),
        order,
        when: PolicyMatch { priorities: targets.keys().copied().collect(), ..PolicyMatch::default() },
        calendar: calendar.to_owned(),
        targets,
        pause_statuses: Policy::default_pause_statuses(),
        warn_percent: Policy::default_warn_percent(),
    };
    [
        policy(
            "urgent",
            "Срочные, круглосуточно · Urgent, around the clock",
            10,
            ALWAYS_CALENDAR,
            BTreeMap::from([
                (Priority::Critical, targets(15.0, 30.0, 240.0)),
                (Priority::Urgent, targets(30.0, 60.0, 480.0)),
            ]),
        ),
        policy(
            "standard",
            "Обычные, в рабочее время · Standard, business hours",
            20,
            BUSINESS_CALENDAR,
            BTreeMap::from([
                (Priority::High, targets(60.0, 120.0, 540.0)),
                (Priority::Medium, targets(240.0, 480.0, 1_620.0)),
                (Priority::Low, targets(540.0, 1_080.0, 2_700.0)),
            ]),
        ),
    ]
}

/// A team's key from what an administrator typed: lower case, words joined by hyphens.
pub fn team_key(typed: &str) -> String {
    let words: BTreeSet<char> = ['-', '_', '/', '.'].into();
    typed
        .trim()
        .to_lowercase()
        .split(|c: char| c.is_whitespace() || words.contains(&c))
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join("-")
}

#[cfg(test)]
mod tests {
    use desk_domain::sla::SlaRules;

    use super::*;

    #[test]
    fn the_default_policies_hold_for_every_priority() {
        let zone = "Asia/Almaty";
        let rules = SlaRules {
            policies: policies().to_vec(),
            calendars: BTreeMap::from([
                (BUSINESS_CALENDAR.to_owned(), business_hours(zone)),
                (ALWAYS_CALENDAR.to_owned(), around_the_clock(zone)),
            ]),
        }
        .compile();
        assert_eq!(rules.problems(), []);
        let policy = |priority| rules.terms(priority, None, None).and_then(|terms| terms.policy);
        let expected = [("low", "standard"), ("medium", "standard"), ("high", "standard"), ("urgent", "urgent")];
        for (priority, key) in expected.into_iter().chain([("critical", "urgent")]) {
            assert_eq!(policy(priority.parse().unwrap()), Some(key), "{priority}");
        }
    }

    #[test]
    fn a_zone_brings_its_countrys_holidays() {
        let check = |zone, expected: &[HolidaySet]| assert_eq!(business_hours(zone).holiday_sets, expected);
        check("Asia/Almaty", &[HolidaySet::Kz]);
        check("Asia/Vladivostok", &[HolidaySet::Ru]);
        check("Europe/Berlin", &[]);
    }

    #[test]
    fn a_teams_key_is_lower_case_with_hyphens() {
        for (typed, key) in [("Field Crew", "field-crew"), (" Сети / VPN ", "сети-vpn"), ("support", "support")] {
            assert_eq!(team_key(typed), key);
        }
    }
}
