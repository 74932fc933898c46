//! What is wrong with the rules, in words.

use desk_domain::sla::{CalendarError, PolicyError, RuleProblem, SlaRules};

use crate::i18n::{I18n, tr};

/// What a problem is and whose.
pub(crate) fn problem_words(i18n: I18n, rules: &SlaRules, problem: &RuleProblem) -> String {
    let policy = |key: &str| {
        let found = rules.policies.iter().find(|policy| policy.key == key);
        found.map_or_else(|| key.to_owned(), |policy| policy.name.clone())
    };
    let calendar = |key: &str| {
        let found = rules.calendars.get(key).and_then(|calendar| calendar.name.clone());
        found.unwrap_or_else(|| key.to_owned())
    };
    match problem {
        RuleProblem::MissingCalendar { policy: key, .. } => {
            format!("{}: {}", policy(key), i18n.t("sla-no-calendar"))
        }
        RuleProblem::BrokenCalendar { calendar: key, error, .. }
        | RuleProblem::UnusableCalendar { calendar: key, error } => {
            format!("{}: {}", calendar(key), calendar_words(i18n, error))
        }
        RuleProblem::BrokenPolicy { policy: key, error } => {
            format!("{}: {}", policy(key), policy_words(i18n, *error))
        }
    }
}

fn calendar_words(i18n: I18n, error: &CalendarError) -> String {
    match error {
        CalendarError::UnknownZone { zone } => tr!(i18n, "sla-unknown-zone", zone = zone.as_str()),
        CalendarError::InvalidTime { .. }
        | CalendarError::ReversedWindow { .. }
        | CalendarError::OverlappingWindows { .. } => i18n.t("sla-wrong-windows"),
        CalendarError::NeverOpen => i18n.t("sla-never-open"),
        CalendarError::ClosedForAYear { .. } => i18n.t("sla-closed-for-a-year"),
    }
}

fn policy_words(i18n: I18n, error: PolicyError) -> String {
    match error {
        PolicyError::NoName => i18n.t("sla-no-name"),
        PolicyError::InvalidTarget { priority, metric } => tr!(
            i18n,
            "sla-wrong-target",
            priority = i18n.word("priority", priority),
            metric = i18n.word("metric", metric)
        ),
        PolicyError::NoTargets => i18n.t("sla-no-targets"),
        PolicyError::AlwaysPaused => i18n.t("sla-always-paused"),
        PolicyError::Threshold { .. } => i18n.t("sla-wrong-shares"),
    }
}
