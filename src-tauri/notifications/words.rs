//! Notifications and the tray in the member's language.

use desk_api::view::Language;
use desk_app::notice::{NoticeText, Tally};
use desk_domain::alert::AlertRule;
use fluent_bundle::{FluentArgs, FluentBundle, FluentResource};

const RUSSIAN: &str = include_str!("../locales/ru.ftl");
const ENGLISH: &str = include_str!("../locales/en.ftl");

/// The texts of one language.
pub(crate) struct Words {
    bundle: FluentBundle<FluentResource>,
}

impl Words {
    pub(crate) fn new(language: Language) -> Self {
        let (tag, source) = match language {
            Language::Ru => ("ru", RUSSIAN),
            Language::En => ("en", ENGLISH),
        };
        let mut bundle = FluentBundle::new(tag.parse().into_iter().collect());
        bundle.set_use_isolating(false);
        // The files are compiled in and a test parses them; what cannot be parsed is left out.
        let resource = FluentResource::try_new(source.to_owned()).unwrap_or_else(|(partial, _)| partial);
        drop(bundle.add_resource(resource));
        Self { bundle }
    }

    /// A text without numbers.
    pub(crate) fn text(&self, key: &str) -> String {
        self.with(key, &FluentArgs::new())
    }

    /// A text that counts alerts.
    pub(crate) fn counted(&self, key: &str, count: u32) -> String {
        let mut args = FluentArgs::new();
        args.set("count", count);
        self.with(key, &args)
    }

    /// The title and the body of a banner.
    pub(crate) fn notice(&self, text: &NoticeText) -> (String, String) {
        match text {
            NoticeText::Subject { number, title, rules, .. } => {
                let told: Vec<String> = rules.iter().map(|rule| self.text(key(*rule))).collect();
                (format!("{number} · {title}"), told.join("\n"))
            }
            NoticeText::Many(tally) => (self.tallied("many-summary", tally), self.parts(tally)),
            NoticeText::AfterQuiet(tally) => (self.tallied("quiet-summary", tally), self.parts(tally)),
            NoticeText::Digest(tally) => (self.tallied("digest-summary", tally), self.parts(tally)),
        }
    }

    fn tallied(&self, key: &str, tally: &Tally) -> String {
        let mut args = FluentArgs::new();
        args.set("subjects", tally.subjects);
        self.with(key, &args)
    }

    /// How many of each sort, the gravest first; sorts of which there are none are not named.
    fn parts(&self, tally: &Tally) -> String {
        let parts = [
            ("part-escalations", tally.escalations),
            ("part-incidents", tally.incidents),
            ("part-breaches", tally.breaches),
            ("part-warnings", tally.warnings),
        ];
        let named = parts.into_iter().filter(|(_, count)| *count > 0);
        named
            .map(|(key, count)| self.counted(key, u32::try_from(count).unwrap_or(u32::MAX)))
            .collect::<Vec<_>>()
            .join("\n")
    }

    /// The message, or its key where the file has none.
    fn with(&self, key: &str, args: &FluentArgs<'_>) -> String {
        match self.bundle.get_message(key).and_then(|message| message.value()) {
            Some(pattern) => self.bundle.format_pattern(pattern, Some(args), &mut Vec::new()).into_owned(),
            None => key.to_owned(),
        }
    }
}

fn key(rule: AlertRule) -> &'static str {
    match rule {
        AlertRule::FirstResponseWarning => "first-response-warning",
        AlertRule::FirstResponseBreach => "first-response-breach",
        AlertRule::NextResponseWarning => "next-response-warning",
        AlertRule::NextResponseBreach => "next-response-breach",
        AlertRule::ResolutionWarning => "resolution-warning",
        AlertRule::ResolutionBreach => "resolution-breach",
        AlertRule::IncidentDeclared => "incident-declared",
        AlertRule::IncidentEscalation => "incident-escalation",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use desk_domain::{
        ids::{DocId, DocKind, uuid_v7},
        time::UtcMillis,
    };

    use super::*;

    #[test]
    fn both_languages_say_everything() {
        let keys = |source: &str| -> BTreeSet<String> {
            assert!(FluentResource::try_new(source.to_owned()).is_ok());
            let lines =
                source.lines().filter(|line| line.starts_with(|first: char| first.is_ascii_lowercase()));
            lines.filter_map(|line| line.split_once(" =")).map(|(key, _)| key.to_owned()).collect()
        };
        assert_eq!(keys(RUSSIAN), keys(ENGLISH));
        for rule in AlertRule::ALL {
            assert!(keys(RUSSIAN).contains(key(*rule)), "{rule}");
        }
    }

    #[test]
    fn a_breach_is_told_in_the_members_language() {
        let notice = NoticeText::Subject {
            kind: DocKind::Ticket,
            doc: DocId(uuid_v7(UtcMillis(1), [1; 10])),
            number: "TK-00000001".into(),
            title: "Принтер".into(),
            rules: vec![AlertRule::ResolutionBreach],
        };
        let (title, body) = Words::new(Language::Ru).notice(&notice);
        assert_eq!(title, "TK-00000001 · Принтер");
        assert!(body.contains("решени"), "{body}");
        assert!(Words::new(Language::En).notice(&notice).1.contains("esolution"));
    }

    #[test]
    fn a_summary_names_what_there_is() {
        let tally = Tally { subjects: 5, breaches: 3, warnings: 1, incidents: 0, escalations: 0 };
        let (title, body) = Words::new(Language::Ru).notice(&NoticeText::AfterQuiet(tally));
        assert!(title.contains('5'), "{title}");
        assert_eq!(body.lines().count(), 2, "{body}");
        assert!(body.contains('3') && !body.contains('0'), "{body}");
    }
}
