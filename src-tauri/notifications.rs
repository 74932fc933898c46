//! Alerts as native notifications.

use desk_api::{
    event::Open,
    view::{Language, Settings},
};
use desk_app::{
    Desk,
    notice::{Notice, Notifier},
};
use desk_domain::{
    alert::AlertRule,
    ids::{DocId, DocKind},
};
use fluent_bundle::{FluentArgs, FluentBundle, FluentResource};
use tauri::AppHandle;

use crate::{events, focus};

const RUSSIAN: &str = include_str!("locales/ru.ftl");
const ENGLISH: &str = include_str!("locales/en.ftl");

/// Shows notices through the operating system.
pub(crate) struct Native {
    app: AppHandle,
    desk: Desk,
}

impl Native {
    pub(crate) fn new(app: AppHandle, desk: Desk) -> Self {
        Self { app, desk }
    }
}

impl Notifier for Native {
    fn show(&self, notice: Notice) {
        let (app, desk) = (self.app.clone(), self.desk.clone());
        tauri::async_runtime::spawn(async move {
            let language =
                desk.session_view().await.map_or(Settings::default().language, |view| view.settings.language);
            let text = words(language, &notice);
            let opens = subject(&notice);
            // Showing and waiting for the person both block: a thread each, for as long as the banner stands.
            let shown = std::thread::Builder::new().name("notification".to_owned()).spawn(move || {
                if let Err(error) = show(&text, move || activate(&app, opens)) {
                    tracing::warn!(%error, "a notification could not be shown; the alert stands in the list");
                }
            });
            if let Err(error) = shown {
                tracing::warn!(%error, "no thread for a notification");
            }
        });
    }
}

fn subject(notice: &Notice) -> Option<(DocKind, DocId)> {
    match notice {
        Notice::Subject { kind, doc, .. } => Some((*kind, *doc)),
        Notice::Many { .. } => None,
    }
}

fn activate(app: &AppHandle, opens: Option<(DocKind, DocId)>) {
    focus(app);
    if let Some((kind, doc)) = opens {
        events::emit(app, &Open { kind, doc });
    }
}

/// A notification's text in the member's language.
struct Text {
    summary: String,
    body: String,
    urgent: bool,
    #[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "only Linux names the action"))]
    open: String,
}

#[cfg(target_os = "linux")]
fn show(text: &Text, activated: impl FnOnce()) -> Result<(), notify_rust::error::Error> {
    use notify_rust::{Hint, Notification, Timeout, Urgency};

    let mut notification = Notification::new();
    notification
        .appname("WorkerNet Desk")
        .summary(&text.summary)
        .body(&escape(&text.body))
        .action("default", &text.open)
        .hint(Hint::Category("im.received".to_owned()))
        .hint(Hint::DesktopEntry("workernet-desk".to_owned()))
        .urgency(if text.urgent { Urgency::Critical } else { Urgency::Normal });
    // A breach waits for the person; a warning passes.
    if text.urgent {
        notification.timeout(Timeout::Never);
    }
    notification.show()?.wait_for_action(|action| {
        if action == "default" {
            activated();
        }
    });
    Ok(())
}

/// Daemons read the body as markup.
#[cfg(target_os = "linux")]
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(not(target_os = "linux"))]
fn show(text: &Text, _activated: impl FnOnce()) -> Result<(), notify_rust::error::Error> {
    let _ = text.urgent;
    notify_rust::Notification::new()
        .appname("WorkerNet Desk")
        .summary(&text.summary)
        .body(&text.body)
        .show()
        .map(drop)
}

fn words(language: Language, notice: &Notice) -> Text {
    let say = Fluent::new(language);
    let open = say.text("open", &FluentArgs::new());
    match notice {
        Notice::Subject { number, title, rules, .. } => {
            let urgent = rules.iter().any(|rule| rule.is_urgent());
            let told: Vec<String> =
                rules.iter().map(|rule| say.text(key(*rule), &FluentArgs::new())).collect();
            Text { summary: format!("{number} · {title}"), body: told.join("\n"), urgent, open }
        }
        Notice::Many { subjects, urgent } => {
            let mut args = FluentArgs::new();
            args.set("subjects", *subjects);
            args.set("urgent", *urgent);
            Text {
                summary: say.text("many-summary", &args),
                body: say.text("many-body", &args),
                urgent: *urgent > 0,
                open,
            }
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

struct Fluent {
    bundle: FluentBundle<FluentResource>,
}

impl Fluent {
    fn new(language: Language) -> Self {
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

    /// The message, or its key where the file has none.
    fn text(&self, key: &str, args: &FluentArgs<'_>) -> String {
        match self.bundle.get_message(key).and_then(|message| message.value()) {
            Some(pattern) => self.bundle.format_pattern(pattern, Some(args), &mut Vec::new()).into_owned(),
            None => key.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use desk_domain::ids::uuid_v7;
    use desk_domain::time::UtcMillis;

    use super::*;

    #[test]
    fn both_languages_have_a_sentence_for_every_rule() {
        for source in [RUSSIAN, ENGLISH] {
            assert!(FluentResource::try_new(source.to_owned()).is_ok());
        }
        for language in [Language::Ru, Language::En] {
            let say = Fluent::new(language);
            for rule in AlertRule::ALL {
                assert_ne!(say.text(key(*rule), &FluentArgs::new()), key(*rule), "{language:?}");
            }
        }
    }

    #[test]
    fn a_breach_is_told_in_the_members_language() {
        let notice = Notice::Subject {
            kind: DocKind::Ticket,
            doc: DocId(uuid_v7(UtcMillis(1), [1; 10])),
            number: "TK-00000001".into(),
            title: "Принтер".into(),
            rules: vec![AlertRule::ResolutionBreach],
        };
        let text = words(Language::Ru, &notice);
        assert_eq!(text.summary, "TK-00000001 · Принтер");
        assert!(text.body.contains("решени"), "{}", text.body);
        assert!(text.urgent);
        assert!(words(Language::En, &notice).body.contains("esolution"));
        let many = words(Language::Ru, &Notice::Many { subjects: 5, urgent: 3 });
        assert!(many.summary.contains('5') && many.body.contains('3'));
    }
}
