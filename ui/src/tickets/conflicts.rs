//! Fields that two people changed at the same time: both values, who wrote them and when, and a way to choose.

use desk_domain::{edit::TicketOp, ticket::Conflict};
use yew::prelude::*;

use super::{
    history::{field_label, field_value},
    ops,
};
use crate::{
    commands::{Layer, use_commands},
    i18n::{format, tr, use_i18n},
    keys::Command,
    session::use_session,
    widgets::icons::{Glyph, glyph},
};

/// Properties of [`Conflicts`].
#[derive(Clone, PartialEq, Properties)]
pub(crate) struct ConflictsProps {
    /// All of the ticket's.
    pub(crate) conflicts: Vec<Conflict>,
    /// Told of the edit that settles one.
    pub(crate) on_edit: Callback<TicketOp>,
}

/// The conflicts.
#[component]
pub(crate) fn Conflicts(props: &ConflictsProps) -> Html {
    let i18n = use_i18n();
    let session = use_session();
    {
        let (conflicts, on_edit) = (props.conflicts.clone(), props.on_edit.clone());
        use_commands(Layer::Detail, move |command| {
            if command != Command::OtherValue {
                return false;
            }
            // The first conflict's other value; pressed again, the next one's.
            let op = conflicts.iter().find_map(|conflict| {
                ops::set_field(&conflict.field, conflict.values.get(1)?.value.as_deref())
            });
            let found = op.is_some();
            if let Some(op) = op {
                on_edit.emit(op);
            }
            found
        });
    }
    html! {
        for conflict in props.conflicts.iter() {
            <section class="conflict" key={conflict.field.clone()} data-testid="conflict" data-field={conflict.field.clone()}>
                <h2>{ glyph(Glyph::Warning) }
                    { tr!(i18n, "conflict-title", field = field_label(i18n, &conflict.field)) }</h2>
                for (at, value) in conflict.values.iter().enumerate() {
                    <div class="conflict-value" key={at} data-testid="conflict-value">
                        <b>{ field_value(i18n, &session, &conflict.field, value.value.as_deref()) }</b>
                        <span class="hint">
                            { tr!(
                                i18n,
                                "conflict-by",
                                by = session.name(&value.by),
                                at = format::date_time(i18n, format::local(value.at)),
                            ) }
                            if at == 0 {
                                { " · " }{ i18n.t("conflict-kept") }
                            }
                        </span>
                        <span class="spring" />
                        if let Some(op) = ops::set_field(&conflict.field, value.value.as_deref()) {
                            <button class="button-text" onclick={
                                let on_edit = props.on_edit.clone();
                                move |_| on_edit.emit(op.clone())
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
