//! What happened, in words.

use desk_domain::{
    escalation::is_release,
    incident::{Incident, TimelineEntry, TimelineEvent},
    ticket::Visibility,
};
use yew::prelude::*;

use crate::{
    i18n::{I18n, format, tr, use_i18n},
    session::{Session, use_session},
    widgets::{markdown::Markdown, moment::Exact},
};

/// The fields that have a name of their own in the Fluent files.
pub(crate) const FIELDS: [&str; 4] = ["title", "summary", "severity", "status"];

/// Properties of [`Timeline`].
#[derive(Clone, PartialEq, Properties)]
pub(crate) struct TimelineProps {
    /// The incident.
    pub(crate) incident: Incident,
}

/// The timeline, the newest entry first.
#[component]
pub(crate) fn Timeline(props: &TimelineProps) -> Html {
    let i18n = use_i18n();
    let session = use_session();
    html! {
        <ol class="history" data-testid="timeline">
            for entry in props.incident.timeline.iter().rev() {
                <li key={entry.id.to_string()} class="history-entry" data-testid="timeline-entry">
                    <Exact at={entry.at} />
                    <div>
                        <b>{ session.author(i18n, &entry.by) }</b>{ ": " }
                        if let TimelineEvent::Note { text } = &entry.event {
                            <Markdown text={text.clone()} />
                        } else {
                            { words(i18n, &session, entry) }
                        }
                    </div>
                </li>
            }
        </ol>
    }
}

fn words(i18n: I18n, session: &Session, entry: &TimelineEntry) -> String {
    let change = |field: String, from: String, to: String| {
        tr!(i18n, "history-change", field = field, from = from, to = to)
    };
    let named = |field: &str| i18n.word("incident-field", field);
    match &entry.event {
        TimelineEvent::Created { severity } => tr!(i18n, "incident-declared", severity = severity.as_str()),
        TimelineEvent::Status { from, to } => {
            change(named("status"), i18n.word("incident-status", from), i18n.word("incident-status", to))
        }
        TimelineEvent::Severity { from, to } => change(named("severity"), from.to_string(), to.to_string()),
        TimelineEvent::Note { text } => text.clone(),
        TimelineEvent::Update { visibility: Visibility::Public, text } => {
            tr!(i18n, "incident-update-public", text = text.clone())
        }
        TimelineEvent::Update { visibility: Visibility::Internal, text } => {
            tr!(i18n, "incident-update-internal", text = text.clone())
        }
        TimelineEvent::Proposed { rule, severity, .. } => {
            tr!(i18n, "incident-proposed", rule = rule.clone(), severity = severity.as_str())
        }
        TimelineEvent::Confirmed => i18n.t("incident-confirmed"),
        TimelineEvent::Dismissed { text } => tr!(i18n, "incident-dismissed", text = text.clone()),
        TimelineEvent::EscalationStarted { policy } => {
            tr!(i18n, "escalation-started", policy = policy.name.clone())
        }
        TimelineEvent::Paged { level, cycle, members, email } => {
            let told: Vec<String> = members.iter().map(|member| session.name(&member.to_string())).collect();
            let (level, cycle) = (i64::from(*level), i64::from(*cycle));
            match (told.is_empty(), email.is_empty()) {
                (true, _) => tr!(i18n, "escalation-paged-nobody", level = level, cycle = cycle),
                (false, true) => {
                    tr!(i18n, "escalation-paged", level = level, cycle = cycle, names = told.join(", "))
                }
                (false, false) => {
                    tr!(i18n, "escalation-paged-email", level = level, cycle = cycle, names = told.join(", "))
                }
            }
        }
        TimelineEvent::Acknowledged { .. } if is_release(entry) => i18n.t("escalation-released"),
        TimelineEvent::Acknowledged { until: Some(until) } => {
            let at = format::date_time(i18n, format::local(*until));
            tr!(i18n, "escalation-acknowledged-until", at = at)
        }
        TimelineEvent::Acknowledged { until: None } => i18n.t("escalation-acknowledged"),
        TimelineEvent::AcknowledgementExpired => i18n.t("escalation-acknowledgement-expired"),
        TimelineEvent::EscalationEnded { reason } => {
            tr!(i18n, "escalation-ended", reason = i18n.word("escalation-end", reason))
        }
        TimelineEvent::Field { field, from, to } => {
            field_words(i18n, session, field, from.as_deref(), to.as_deref())
        }
    }
}

/// A field's name as the person reads it.
pub(crate) fn field_label(i18n: I18n, field: &str) -> String {
    let known = match field.split_once('.') {
        Some(("roles", role)) => i18n.maybe(&format!("incident-role-{role}")),
        Some(("milestones", milestone)) => i18n.maybe(&format!("milestone-{milestone}")),
        Some(_) => None,
        None => FIELDS.contains(&field).then(|| i18n.word("incident-field", field)),
    };
    known.unwrap_or_else(|| field.to_owned())
}

fn field_words(i18n: I18n, session: &Session, field: &str, from: Option<&str>, to: Option<&str>) -> String {
    let is_on = |value: Option<&str>| matches!(value, Some("on" | "true"));
    match field.split_once('.') {
        Some(("services", name)) if is_on(to) => tr!(i18n, "incident-service-on", name = name),
        Some(("services", name)) => tr!(i18n, "incident-service-off", name = name),
        Some(("roles", role)) => {
            let who = |value: Option<&str>| value.map_or_else(|| i18n.t("nobody"), |who| session.name(who));
            let role = i18n.maybe(&format!("incident-role-{role}")).unwrap_or_else(|| role.to_owned());
            tr!(i18n, "history-change", field = role, from = who(from), to = who(to))
        }
        Some(("tickets", _)) if is_on(to) => i18n.t("incident-linked"),
        Some(("tickets", _)) => i18n.t("incident-unlinked"),
        Some(("milestones", name)) => {
            let at = |value: Option<&str>| {
                let at = value.and_then(|value| value.parse().ok());
                at.map_or_else(|| i18n.t("none"), |at| format::date_time(i18n, format::local(at)))
            };
            let name = i18n.maybe(&format!("milestone-{name}")).unwrap_or_else(|| name.to_owned());
            tr!(i18n, "history-change", field = name, from = at(from), to = at(to))
        }
        _ if field == "deleted" && is_on(to) => i18n.t("incident-deleted"),
        _ if field == "deleted" => i18n.t("incident-restored"),
        _ => {
            let name = field_label(i18n, field);
            let value = |value: Option<&str>| value.map_or_else(|| i18n.t("none"), str::to_owned);
            tr!(i18n, "history-change", field = name, from = value(from), to = value(to))
        }
    }
}

#[cfg(test)]
mod tests {
    use desk_api::view::Language;

    use super::*;

    #[test]
    fn a_changed_field_is_told_in_words() {
        let i18n = I18n { language: Language::En };
        let check = |field: &str, from: Option<&str>, to: Option<&str>, expected: &str| {
            assert_eq!(field_words(i18n, &Session::default(), field, from, to), expected);
        };
        check("services.pos", None, Some("on"), "affected: pos");
        check("services.pos", None, Some("off"), "no longer affected: pos");
        check("tickets.0199d2b4-3c00-7000-8000-000000000001", None, Some("on"), "linked a ticket");
        check("roles.scribe", None, Some("Ann"), "Scribe: nobody → Ann");
        check("milestones.impact", None, Some("2026-11-21T09:05:00Z"), "Impact: none → 21 Nov 2026, 09:05");
        check("title", Some("a"), Some("b"), "Title: a → b");
        check("deleted", Some("true"), Some("false"), "restored the incident");
    }
}
