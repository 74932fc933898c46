//! What is wrong with services and rules, and what rules watch for, in words.

use desk_api::view::Language;
use desk_domain::{
    detection::{Condition, RuleField, RuleProblem},
    workspace::ServiceError,
};

use super::form::{Wrong, spell_seconds};
use crate::{
    i18n::{I18n, tr},
    session::Session,
};

/// What is wrong with a service.
pub(super) fn service_words(i18n: I18n, session: &Session, error: &ServiceError) -> String {
    match error {
        ServiceError::NoName => i18n.t("service-no-name"),
        ServiceError::BadName => i18n.t("service-bad-name"),
        ServiceError::Taken { name: _, other } => {
            let known = session.workspace.as_ref().and_then(|workspace| workspace.services.get(other));
            let other = known.map_or_else(|| other.clone(), |service| service.name.clone());
            tr!(i18n, "service-taken", other = other)
        }
        ServiceError::Unknown { what: _, name } => tr!(i18n, "service-unknown", name = name.as_str()),
    }
}

/// What is wrong with what was typed.
pub(super) fn wrong_words(i18n: I18n, wrong: &Wrong) -> String {
    match wrong {
        Wrong::Unreadable(RuleField::Tickets | RuleField::Above | RuleField::Below) => {
            i18n.t("rule-no-number")
        }
        Wrong::Unreadable(RuleField::Window | RuleField::Quiet) => i18n.t("rule-no-minutes"),
        Wrong::Unreadable(_) => i18n.t("rule-no-duration"),
        Wrong::Rule(problem) => rule_words(i18n, problem),
    }
}

/// What is wrong with a rule.
pub(super) fn rule_words(i18n: I18n, problem: &RuleProblem) -> String {
    match problem {
        RuleProblem::Name(_) => i18n.t("rule-no-name"),
        RuleProblem::Signal { .. } => i18n.t("rule-bad-signal"),
        RuleProblem::Range { field, least, most, found: _ } => {
            let spelled = |number: u32| match field {
                RuleField::Quiet | RuleField::Window => spell_seconds(i18n, number.saturating_mul(60)),
                RuleField::Every | RuleField::Grace | RuleField::For => spell_seconds(i18n, number),
                RuleField::Key
                | RuleField::Name
                | RuleField::Services
                | RuleField::Categories
                | RuleField::Tickets
                | RuleField::Heartbeat
                | RuleField::Metric
                | RuleField::Above
                | RuleField::Below => number.to_string(),
            };
            tr!(i18n, "rule-range", least = spelled(*least), most = spelled(*most))
        }
        RuleProblem::NoThreshold => i18n.t("rule-no-threshold"),
        RuleProblem::Uncrossable(_) => i18n.t("rule-uncrossable"),
        RuleProblem::NoRoom => i18n.t("rule-no-room"),
        RuleProblem::Unknown { field: RuleField::Categories, name } => {
            tr!(i18n, "rule-unknown-category", name = name.as_str())
        }
        RuleProblem::Unknown { field: _, name } => tr!(i18n, "rule-unknown-service", name = name.as_str()),
    }
}

/// A number with the language's decimal sign.
fn spell_number(i18n: I18n, number: f64) -> String {
    match i18n.language {
        Language::Ru => number.to_string().replace('.', ","),
        Language::En => number.to_string(),
    }
}

/// What a rule watches for.
pub(super) fn watched(i18n: I18n, session: &Session, when: &Condition) -> String {
    match when {
        Condition::Burst(burst) => {
            let names: Vec<String> = burst.categories.iter().map(|key| session.category_name(key)).collect();
            let categories = if names.is_empty() { i18n.t("rule-any-category") } else { names.join(", ") };
            let window = spell_seconds(i18n, burst.window_min.saturating_mul(60));
            tr!(i18n, "rule-watches-burst", n = burst.min_tickets, window = window, categories = categories)
        }
        Condition::Heartbeat(beat) => tr!(
            i18n,
            "rule-watches-heartbeat",
            name = beat.heartbeat.as_str(),
            every = spell_seconds(i18n, beat.every_s),
            grace = spell_seconds(i18n, beat.grace_s)
        ),
        Condition::Metric(threshold) => {
            let bounds = [(i18n.t("rule-over"), threshold.above), (i18n.t("rule-under"), threshold.below)];
            let bounds: Vec<String> = bounds
                .into_iter()
                .filter_map(|(word, bound)| Some(format!("{word} {}", spell_number(i18n, bound?))))
                .collect();
            let (name, bounds) = (threshold.metric.as_str(), bounds.join(&i18n.t("rule-or")));
            if threshold.for_s == 0 {
                tr!(i18n, "rule-watches-sample", name = name, bounds = bounds)
            } else {
                let lasting = spell_seconds(i18n, threshold.for_s);
                tr!(i18n, "rule-watches-metric", name = name, bounds = bounds, lasting = lasting)
            }
        }
    }
}
