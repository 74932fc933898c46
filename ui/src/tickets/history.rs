//! Who changed what, when, from what to what.

use std::rc::Rc;

use desk_api::{call::GetTicketHistory, view::TicketView};
use desk_domain::{
    ids::DocKind,
    ticket::{AuthorSide, LogEntry, LogEvent, Visibility},
};
use yew::prelude::*;

use crate::{
    i18n::{I18n, tr, use_i18n},
    query::use_query,
    session::{Session, use_session},
    widgets::{
        icons::{Glyph, glyph},
        moment::Exact,
    },
};

/// The fields that have a name of their own in the Fluent files.
pub(crate) const FIELDS: [&str; 10] = [
    "title",
    "description",
    "status",
    "priority",
    "category",
    "assignee",
    "team",
    "requester",
    "tags",
    "deleted",
];

/// A field's name as the person reads it.
pub(crate) fn field_label(i18n: I18n, field: &str) -> String {
    if FIELDS.contains(&field) {
        i18n.word("field", field)
    } else {
        field.strip_prefix("custom.").unwrap_or(field).to_owned()
    }
}

/// A field's value as the person reads it.
pub(crate) fn field_value(i18n: I18n, session: &Session, field: &str, value: Option<&str>) -> String {
    let Some(value) = value.filter(|value| !value.is_empty()) else {
        return if field == "assignee" { i18n.t("nobody") } else { i18n.t("none") };
    };
    match field {
        "status" | "priority" => i18n.maybe(&format!("{field}-{value}")).unwrap_or_else(|| value.to_owned()),
        "assignee" | "requester" => session.name(value),
        "team" => session.team_name(value),
        "category" => session.category_name(value),
        _ => value.to_owned(),
    }
}

/// Properties of [`History`].
#[derive(Clone, PartialEq, Properties)]
pub(crate) struct HistoryProps {
    /// The ticket.
    pub(crate) view: Rc<TicketView>,
    /// Told of a change, by its name, after which the ticket is to be shown.
    pub(crate) on_past: Callback<String>,
}

/// The history, the newest entry first. From each entry one gets to the ticket as its author saw it.
#[component]
pub(crate) fn History(props: &HistoryProps) -> Html {
    let i18n = use_i18n();
    let session = use_session();
    let id = props.view.ticket.id;
    let query = use_query(GetTicketHistory { id }, &[DocKind::Ticket], Some(id));
    let changes = query.data.as_ref().and_then(|reply| reply.as_ref().as_ref());
    html! {
        <ol class="history" data-testid="history">
            for entry in props.view.ticket.log.iter().rev() {
                <li key={entry.id.to_string()} class="history-entry" data-testid="history-entry">
                    <Exact at={entry.at} />
                    <span><b>{ session.author(i18n, &entry.by) }</b>{ ": " }{ words(i18n, &session, entry) }</span>
                    if let Some(change) = changes.and_then(|all| all.iter().find(|one| one.entries.contains(&entry.id))) {
                        <button class="button-icon" title={i18n.t("past-show")} aria-label={i18n.t("past-show")}
                            data-testid="history-past" onclick={
                                let (on_past, change) = (props.on_past.clone(), change.change.clone());
                                move |_| on_past.emit(change.clone())
                            }>{ glyph(Glyph::Clock) }</button>
                    }
                </li>
            }
        </ol>
    }
}

/// A log entry in words, without who and when.
pub(crate) fn words(i18n: I18n, session: &Session, entry: &LogEntry) -> String {
    let change = |field: &str, from: String, to: String| {
        tr!(i18n, "history-change", field = field_label(i18n, field), from = from, to = to)
    };
    match &entry.event {
        LogEvent::Created { status, priority } => tr!(
            i18n,
            "history-created",
            status = i18n.word("status", status),
            priority = i18n.word("priority", priority),
        ),
        LogEvent::Status { from, to } => change("status", i18n.word("status", from), i18n.word("status", to)),
        LogEvent::Priority { from, to } => {
            change("priority", i18n.word("priority", from), i18n.word("priority", to))
        }
        LogEvent::Field { field, .. } if field == "description" => i18n.t("history-description"),
        LogEvent::Field { field, from, to } => change(
            field,
            field_value(i18n, session, field, from.as_deref()),
            field_value(i18n, session, field, to.as_deref()),
        ),
        LogEvent::Tag { tag, on: true } => tr!(i18n, "history-tag-on", tag = tag.clone()),
        LogEvent::Tag { tag, on: false } => tr!(i18n, "history-tag-off", tag = tag.clone()),
        LogEvent::Reply { visibility: Visibility::Internal, .. } => i18n.t("history-note"),
        LogEvent::Reply { side: AuthorSide::Staff, .. } => i18n.t("history-reply"),
        LogEvent::Reply { side: AuthorSide::Requester, .. } => i18n.t("history-request"),
        LogEvent::CommentDeleted { .. } => i18n.t("history-comment-deleted"),
        LogEvent::Deleted { deleted: true } => i18n.t("history-deleted"),
        LogEvent::Deleted { deleted: false } => i18n.t("history-restored"),
    }
}
