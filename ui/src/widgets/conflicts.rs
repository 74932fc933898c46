//! Fields that two people changed at the same time: both values, who wrote them and when, and a way to choose.

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
            if command != Command::OtherValue || is_locked {
                return false;
            }
            // The first conflict's other value; pressed again, the next one's.
            let taken = conflicts.iter().find_map(|conflict| {
                let value = conflict.values.get(1)?.value.clone();
                can_take(kind, &conflict.field, value.as_deref())
                    .then(|| Taken { field: conflict.field.clone(), value })
            });
            let found = taken.is_some();
            if let Some(taken) = taken {
                on_take.emit(taken);
            }
            found
        });
    }
    html! {
        for conflict in props.conflicts.iter() {
            <section class="conflict" key={conflict.field.clone()} data-testid="conflict"
                data-field={conflict.field.clone()}>
                <h2>{ glyph(Glyph::Warning) }
                    { tr!(i18n, "conflict-title", field = label(i18n, kind, &conflict.field)) }</h2>
                for (at, one) in conflict.values.iter().enumerate() {
                    <div class="conflict-value" key={at} data-testid="conflict-value">
                        <b>{ value(i18n, &session, kind, &conflict.field, one.value.as_deref()) }</b>
                        <span class="hint">
                            { tr!(
                                i18n,
                                "conflict-by",
                                by = session.name(&one.by),
                                at = format::date_time(i18n, format::local(one.at)),
                            ) }
                            if at == 0 {
                                { " · " }{ i18n.t("conflict-kept") }
                            }
                        </span>
                        <span class="spring" />
                        if !props.is_locked && can_take(kind, &conflict.field, one.value.as_deref()) {
                            <button class="button-text" onclick={
                                let on_take = props.on_take.clone();
                                let taken = Taken { field: conflict.field.clone(), value: one.value.clone() };
                                move |_| on_take.emit(taken.clone())
                            } data-testid={if at == 0 { "conflict-keep" } else { "conflict-pick" }}>
                                { if at == 0 { i18n.t("conflict-settled") } else { i18n.t("conflict-pick") } }
                                if at == 1 {
                                    <kbd>{ "O" }</kbd>
                                }
                            </button>
                        }
                    </div>
                }
            </section>
        }
    }
}
