//! Fields that several people changed at the same time: each value, who wrote it and when, since when that device had been
//! offline, and a key that chooses it.

use desk_domain::{ids::DocKind, ticket::Conflict};
use yew::prelude::*;

use crate::{
    commands::{Layer, use_commands},
    i18n::{I18n, format, tr, use_i18n},
    incidents,
    keys::Command,
    knowledge,
    session::{Session, use_session},
    tickets::{self, history},
    widgets::icons::{Glyph, glyph},
};

/// A value that was chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    /// The field.
    pub(crate) field: String,
    /// The value.
    pub(crate) value: Option<String>,
}

/// Properties of [`Conflicts`].
#[derive(Clone, PartialEq, Properties)]
pub(crate) struct ConflictsProps {
    /// What kind of document they are of.
    pub(crate) kind: DocKind,
    /// All of the document's.
    pub(crate) conflicts: Vec<Conflict>,
    /// It cannot be edited.
    pub(crate) is_locked: bool,
    /// Told of the value that settles one.
    pub(crate) on_take: Callback<Taken>,
}

fn label(i18n: I18n, kind: DocKind, field: &str) -> String {
    match kind {
        DocKind::Incident => incidents::timeline::field_label(i18n, field),
        DocKind::Ticket | DocKind::Article | DocKind::Workspace | DocKind::Personal => {
            history::field_label(i18n, field)
        }
    }
}

fn value(i18n: I18n, session: &Session, kind: DocKind, field: &str, value: Option<&str>) -> String {
    let word = match (kind, field) {
        (DocKind::Article, "status") => {
            value.and_then(|value| i18n.maybe(&format!("article-status-{value}")))
        }
        (DocKind::Incident, "status") => {
            value.and_then(|value| i18n.maybe(&format!("incident-status-{value}")))
        }
        (DocKind::Incident, role) if role.starts_with("roles.") => value.map(|who| session.name(who)),
        _ => None,
    };
    word.unwrap_or_else(|| history::field_value(i18n, session, field, value))
}

/// Whether the value can be set by one edit.
fn can_take(kind: DocKind, field: &str, value: Option<&str>) -> bool {
    match kind {
        DocKind::Ticket => tickets::ops::set_field(field, value).is_some(),
        DocKind::Article => knowledge::set_field(field, value).is_some(),
        DocKind::Incident => incidents::set_field(field, value).is_some(),
        DocKind::Workspace | DocKind::Personal => false,
    }
}

/// Whether one of its values can be chosen here.
fn is_open(kind: DocKind, conflict: &Conflict) -> bool {
    conflict.values.iter().any(|one| can_take(kind, &conflict.field, one.value.as_deref()))
}

/// The conflicts.
#[component]
pub(crate) fn Conflicts(props: &ConflictsProps) -> Html {
    let i18n = use_i18n();
    let session = use_session();
    let kind = props.kind;
    {
        let (conflicts, on_take, is_locked) =
            (props.conflicts.clone(), props.on_take.clone(), props.is_locked);
        use_commands(Layer::Detail, move |command| {
            let Command::Value(place) = command else { return false };
            // Of the first conflict; once that is settled, of the next.
            let Some(conflict) = conflicts.iter().find(|conflict| is_open(kind, conflict)) else {
                return false;
            };
            let Some(value) = conflict.values.get(place).map(|one| one.value.clone()) else { return false };
            if is_locked || !can_take(kind, &conflict.field, value.as_deref()) {
                return false;
            }
            on_take.emit(Taken { field: conflict.field.clone(), value });
            true
        });
    }
    let at = |at| format::date_time(i18n, format::local(at));
    let first = props.conflicts.iter().position(|conflict| is_open(kind, conflict));
    html! {
        for (nth, conflict) in props.conflicts.iter().enumerate() {
            <section class="conflict" key={conflict.field.clone()} data-testid="conflict"
                data-field={conflict.field.clone()}>
                <h2>{ glyph(Glyph::Warning) }
                    { tr!(i18n, "conflict-title", field = label(i18n, kind, &conflict.field)) }</h2>
                for (place, one) in conflict.values.iter().enumerate() {
                    <div class="conflict-value" key={place} data-testid="conflict-value"
                        data-value={one.value.clone()} data-offline-since={one.offline_since.map(|at| at.to_string())}>
                        <div class="conflict-said">
                            <b class="clamp">{ value(i18n, &session, kind, &conflict.field, one.value.as_deref()) }</b>
                            <span class="hint">
                                { tr!(i18n, "conflict-by", by = session.author(i18n, &one.by), at = at(one.at)) }
                                if let Some(since) = one.offline_since {
                                    { " · " }{ tr!(i18n, "conflict-offline", at = at(since)) }
                                }
                                if place == 0 {
                                    { " · " }{ i18n.t("conflict-kept") }
                                }
                            </span>
                        </div>
                        if !props.is_locked && can_take(kind, &conflict.field, one.value.as_deref()) {
                            <button class="button" onclick={
                                let on_take = props.on_take.clone();
                                let taken = Taken { field: conflict.field.clone(), value: one.value.clone() };
                                move |_| on_take.emit(taken.clone())
                            } data-testid={if place == 0 { "conflict-keep" } else { "conflict-pick" }}>
                                { if place == 0 { i18n.t("conflict-settled") } else { i18n.t("conflict-pick") } }
                                if first == Some(nth) && place < 9 {
                                    { " " }<kbd>{ place + 1 }</kbd>
                                }
                            </button>
                        }
                    </div>
                }
            </section>
        }
    }
}
