//! Alert settings as a person would say them.

use std::{collections::BTreeSet, fmt::Display};

use desk_domain::alert::{AlertSettings, DeliveryRule, QuietWindow, Weekday};

use crate::i18n::{I18n, tr};

/// What the settings mean, a sentence each.
pub(crate) fn sentences(i18n: I18n, settings: &AlertSettings) -> Vec<String> {
    let mut told: Vec<String> = settings.rules.iter().map(|rule| self::rule(i18n, rule)).collect();
    if settings.quiet.is_empty() {
        told.push(i18n.t("alerts-say-never-quiet"));
    } else {
        let quiet: Vec<String> = settings.quiet.iter().map(|window| self::window(i18n, window)).collect();
        let quiet = quiet.join("; ");
        let through = list(&settings.break_through.severities)
            .into_iter()
            .chain(words(i18n, "priority", &settings.break_through.priorities))
            .collect::<Vec<_>>()
            .join(", ");
        told.push(if through.is_empty() {
            tr!(i18n, "alerts-say-quiet", when = quiet)
        } else {
            tr!(i18n, "alerts-say-quiet-but", when = quiet, but = through)
        });
    }
    if !settings.digest.is_empty() {
        let times: Vec<String> = settings.digest.iter().map(ToString::to_string).collect();
        told.push(tr!(i18n, "alerts-say-digest", times = times.join(", ")));
    }
    told
}

fn list<T: Display>(words: &BTreeSet<T>) -> Option<String> {
    (!words.is_empty()).then(|| words.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
}

fn words<T: Display>(i18n: I18n, vocabulary: &str, words: &BTreeSet<T>) -> Vec<String> {
    words.iter().map(|word| within(&i18n.word(vocabulary, word))).collect()
}

/// A label as it stands within a sentence; abbreviations keep their capitals.
fn within(label: &str) -> String {
    let mut letters = label.chars();
    match (letters.next(), letters.clone().next()) {
        (Some(first), Some(second)) if !second.is_uppercase() => {
            first.to_lowercase().chain(letters).collect()
        }
        _ => label.to_owned(),
    }
}

fn rule(i18n: I18n, rule: &DeliveryRule) -> String {
    let mut what = if rule.topics.is_empty() {
        i18n.t("alerts-say-everything")
    } else {
        words(i18n, "topic", &rule.topics).join(", ")
    };
    let graded: Vec<String> =
        list(&rule.severities).into_iter().chain(words(i18n, "priority", &rule.priorities)).collect();
    if !graded.is_empty() {
        what = format!("{what} ({})", graded.join(", "));
    }
    let how = i18n.word("manner-say", rule.how);
    let mut letters = what.chars();
    let what: String =
        letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default();
    format!("{what} — {how}.")
}

fn window(i18n: I18n, window: &QuietWindow) -> String {
    let all = window.days.len() == Weekday::ALL.len();
    let hours = format!("{}–{}", window.from, window.to);
    if all { hours } else { format!("{} {hours}", words(i18n, "weekday", &window.days).join(", ")) }
}

#[cfg(test)]
mod tests {
    use desk_api::view::Language;

    use super::*;

    #[test]
    fn settings_are_told_as_a_person_would() {
        let settings = AlertSettings {
            quiet: vec![QuietWindow {
                days: Weekday::ALL.iter().copied().collect(),
                from: "22:00".parse().expect("a time"),
                to: "07:00".parse().expect("a time"),
            }],
            ..AlertSettings::standard("Asia/Almaty")
        };
        let told = sentences(I18n { language: Language::Ru }, &settings).join(" ");
        assert!(told.contains("22:00–07:00") && told.contains("кроме P1"), "{told}");
        assert!(told.contains("Нарушение SLA — баннер со звуком."), "{told}");
        let told = sentences(I18n { language: Language::En }, &settings).join(" ");
        assert!(told.contains("except P1"), "{told}");
    }
}
