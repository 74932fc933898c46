//! Both files say the same things, every key that the code asks for is there, and none is left over.

use std::{collections::BTreeSet, fs, path::Path};

use desk_api::{
    event::LinkProblem,
    view::{SyncPhase, TicketSort},
};
use desk_domain::{
    alert::{AlertRule, Manner, Topic, Weekday},
    article::ArticleStatus,
    escalation::EndReason,
    ids::DocKind,
    incident::{
        IncidentRole, IncidentStatus, Milestone, Severity, metrics::ResponseMetric, proposal::ProposalState,
    },
    people::Role,
    sla::{ClockState, Metric},
    ticket::{AuthorSide, Priority, Status},
};

use super::*;

const RU_I18N: I18n = I18n { language: Language::Ru };
const EN_I18N: I18n = I18n { language: Language::En };

/// Keys with the names of the variables in their messages.
fn keys(source: &str) -> BTreeSet<(String, BTreeSet<String>)> {
    let mut keys: Vec<(String, BTreeSet<String>)> = Vec::new();
    for line in source.lines() {
        if let Some((key, _)) = line.split_once(" =")
            && line.starts_with(|c: char| c.is_ascii_alphabetic())
        {
            keys.push((key.to_owned(), BTreeSet::new()));
        }
        for part in line.split('$').skip(1) {
            let name: String = part.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            keys.last_mut().expect("a message before its variables").1.insert(name);
        }
    }
    let count = keys.len();
    let set: BTreeSet<_> = keys.into_iter().collect();
    assert_eq!(set.len(), count, "a key stands twice");
    set
}

fn names(source: &str) -> BTreeSet<String> {
    keys(source).into_iter().map(|(key, _)| key).collect()
}

fn sources(dir: &Path, all: &mut String) {
    for entry in fs::read_dir(dir).expect("the sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, all);
        } else if path.extension().is_some_and(|ext| ext == "rs") && !path.ends_with("i18n/tests.rs") {
            all.push_str(&fs::read_to_string(path).expect("a source file"));
        }
    }
}

/// The keys that the code spells out: the argument of `.t("…")`, `.maybe("…")`, `tr!(…, "…")`, and `key!("…")`.
fn literal_keys() -> BTreeSet<String> {
    let mut all = String::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut all);
    let flat: String = all.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut found = BTreeSet::new();
    for opening in [".t(\"", ".t( \"", ".maybe(\"", "key!(\""] {
        found.extend(
            flat.split(opening).skip(1).filter_map(|rest| rest.split_once('"')).map(|(k, _)| k.to_owned()),
        );
    }
    for call in flat.split("tr!(").skip(1) {
        if let Some((key, _)) = call.split_once('"').and_then(|(_, rest)| rest.split_once('"')) {
            found.insert(key.to_owned());
        }
    }
    found.remove("sync-waiting\", n = 3)`.");
    found.retain(|key| key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
    found
}

fn word_keys() -> BTreeSet<String> {
    fn add<T: Display>(keys: &mut BTreeSet<String>, vocabulary: &str, words: &[T]) {
        keys.extend(words.iter().map(|word| format!("{vocabulary}-{word}")));
    }
    fn spelled<T: serde::Serialize>(words: &[T]) -> Vec<String> {
        words
            .iter()
            .map(|word| serde_json::to_value(word).expect("a word").as_str().expect("text").to_owned())
            .collect()
    }
    let mut keys = BTreeSet::new();
    add(&mut keys, "status", Status::ALL);
    add(&mut keys, "priority", Priority::ALL);
    add(&mut keys, "side", AuthorSide::ALL);
    add(&mut keys, "role", Role::ALL);
    add(&mut keys, "metric", Metric::ALL);
    add(&mut keys, "clock", ClockState::ALL);
    add(&mut keys, "alert", AlertRule::ALL);
    add(&mut keys, "topic", Topic::ALL);
    add(&mut keys, "manner", Manner::ALL);
    add(&mut keys, "manner-say", Manner::ALL);
    add(&mut keys, "weekday", Weekday::ALL);
    add(&mut keys, "rule-watch", &["burst", "heartbeat", "metric"]);
    add(&mut keys, "alerts-filter", &["all", "urgent", "tickets", "incidents"]);
    add(&mut keys, "alerts-snooze", &["30m", "2h", "morning", "week"]);
    add(&mut keys, "link", &spelled(&[LinkProblem::Malformed, LinkProblem::Unknown]));
    add(&mut keys, "article-status", ArticleStatus::ALL);
    add(&mut keys, "severity", Severity::ALL);
    add(&mut keys, "severity-means", Severity::ALL);
    add(&mut keys, "severity-example", Severity::ALL);
    add(&mut keys, "metric", ResponseMetric::ALL);
    add(&mut keys, "metric-means", ResponseMetric::ALL);
    add(&mut keys, "proposal-state", &[ProposalState::Waiting, ProposalState::Dismissed]);
    add(&mut keys, "update-for", desk_domain::ticket::Visibility::ALL);
    add(&mut keys, "incident-status", IncidentStatus::ALL);
    add(&mut keys, "incident-role", IncidentRole::ALL);
    add(&mut keys, "milestone", Milestone::ALL);
    add(&mut keys, "escalation-end", EndReason::ALL);
    add(&mut keys, "segment", desk_domain::sla::SegmentKind::ALL);
    add(&mut keys, "kind", &spelled(&DocKind::ALL));
    add(
        &mut keys,
        "sort",
        &spelled(&[TicketSort::Updated, TicketSort::Created, TicketSort::Priority, TicketSort::Due]),
    );
    add(
        &mut keys,
        "sync",
        &spelled(&[
            SyncPhase::Local,
            SyncPhase::Idle,
            SyncPhase::Busy,
            SyncPhase::Offline,
            SyncPhase::Stopped,
        ]),
    );
    add(&mut keys, "field", &crate::tickets::history::FIELDS);
    add(&mut keys, "incident-field", &crate::incidents::timeline::FIELDS);
    add(&mut keys, "view", &crate::tickets::filter::View::ALL.map(crate::tickets::filter::View::as_str));
    add(&mut keys, "verdict", desk_domain::sla::Verdict::ALL);
    add(&mut keys, "holidays", desk_domain::sla::HolidaySet::ALL);
    add(&mut keys, "sla-day", &desk_domain::sla::WeekHours::default().days().map(|(day, _)| day));
    add(&mut keys, "due", &crate::tickets::filter::Due::ALL.map(crate::tickets::filter::Due::as_str));
    add(&mut keys, "sla-period", &["month", "30", "90"]);
    add(&mut keys, "month", &std::array::from_fn::<_, 12, _>(|month| month + 1));
    add(&mut keys, "help", &crate::keys::HELP.iter().map(|(_, key)| *key).collect::<Vec<_>>());
    add(
        &mut keys,
        "error",
        &spelled(&[
            ErrorCode::BadRequest,
            ErrorCode::Invalid,
            ErrorCode::TooLarge,
            ErrorCode::NotFound,
            ErrorCode::AlreadyExists,
            ErrorCode::SignedOut,
            ErrorCode::WrongCredentials,
            ErrorCode::SessionExpired,
            ErrorCode::Forbidden,
            ErrorCode::DeviceRevoked,
            ErrorCode::AccessEnded,
            ErrorCode::RateLimited,
            ErrorCode::Offline,
            ErrorCode::BadServer,
            ErrorCode::ServerRestored,
            ErrorCode::ServerBusy,
            ErrorCode::UpgradeRequired,
            ErrorCode::ReadOnlyStore,
            ErrorCode::DamagedStore,
            ErrorCode::WrongKey,
            ErrorCode::StoreBusy,
            ErrorCode::DiskFull,
            ErrorCode::NewerSchema,
            ErrorCode::BadFile,
            ErrorCode::Cancelled,
            ErrorCode::Internal,
        ]),
    );
    keys
}

#[test]
fn both_files_parse_whole() {
    for (language, source) in [("ru", RU), ("en", EN)] {
        let problems = FluentResource::try_new(source.to_owned()).err().map(|(_, problems)| problems);
        assert!(problems.is_none(), "{language}: {problems:?}");
    }
}

#[test]
fn both_languages_have_the_same_keys_with_the_same_variables() {
    let (ru, en) = (keys(RU), keys(EN));
    let only_ru: Vec<_> = ru.difference(&en).collect();
    let only_en: Vec<_> = en.difference(&ru).collect();
    assert!(only_ru.is_empty() && only_en.is_empty(), "only ru: {only_ru:?}; only en: {only_en:?}");
}

#[test]
fn every_key_that_the_code_asks_for_exists_and_none_is_left_over() {
    let there = names(EN);
    let asked: BTreeSet<String> = literal_keys().union(&word_keys()).cloned().collect();
    let missing: Vec<_> = asked.difference(&there).collect();
    // Reasons of refusal are looked up by the server's word and have a fallback.
    let unused: Vec<_> = there.difference(&asked).filter(|key| !key.starts_with("refused-")).collect();
    assert!(missing.is_empty(), "missing: {missing:?}");
    assert!(unused.is_empty(), "unused: {unused:?}");
}

#[test]
fn russian_counts_have_their_three_forms() {
    let check = |n: u32, expected: &str| assert_eq!(tr!(RU_I18N, "sync-waiting", n = n), expected);
    check(1, "1 правка ждёт отправки");
    check(2, "2 правки ждут отправки");
    check(5, "5 правок ждут отправки");
    check(11, "11 правок ждут отправки");
    check(21, "21 правка ждёт отправки");
    check(104, "104 правки ждут отправки");
    assert_eq!(tr!(EN_I18N, "sync-waiting", n = 1), "1 edit waits to be sent");
    assert_eq!(tr!(EN_I18N, "sync-waiting", n = 2), "2 edits wait to be sent");
}

#[test]
fn an_error_is_told_in_the_language_that_is_spoken() {
    let error = ApiError::new(ErrorCode::WrongCredentials, "wrong");
    assert!(RU_I18N.error(&error).contains("пароль"));
    assert!(EN_I18N.error(&error).contains("password"));
    let error = ApiError::new(ErrorCode::Invalid, "title: blank");
    assert!(EN_I18N.error(&error).ends_with("(title: blank)"));
}
