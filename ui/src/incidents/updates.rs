//! Updates: how it stands, for the team or for everybody who is affected; shown apart from notes, the newest first.

use desk_domain::{
    edit::IncidentOp,
    ids::DocId,
    incident::{Incident, TimelineEvent},
    ticket::Visibility,
};
use yew::prelude::*;

use crate::{
    commands::{Layer, active_element, use_commands},
    i18n::use_i18n,
    keys::Command,
    session::use_session,
    widgets::{
        draft::{DraftState, use_draft},
        field::TextArea,
        icons::{Glyph, glyph},
        markdown::Markdown,
        moment::Exact,
    },
};

/// Properties of [`Updates`].
#[derive(Clone, PartialEq, Properties)]
pub(crate) struct UpdatesProps {
    /// The incident.
    pub(crate) incident: Incident,
    /// Nothing can be written here.
    pub(crate) is_locked: bool,
    /// Told of an update.
    pub(crate) on_edit: Callback<IncidentOp>,
}

/// The updates, and the field for the next one.
#[component]
pub(crate) fn Updates(props: &UpdatesProps) -> Html {
    let i18n = use_i18n();
    let session = use_session();
    let updates = props.incident.timeline.iter().rev().filter_map(|entry| {
        let TimelineEvent::Update { visibility, text } = &entry.event else { return None };
        Some((entry, *visibility, text))
    });
    html! {
        <section class="block" data-testid="updates">
            <h2>{ i18n.t("incident-updates") }</h2>
            if !props.is_locked {
                <UpdateBox id={props.incident.id} on_edit={props.on_edit.clone()} />
            }
            for (entry, visibility, text) in updates {
                <article key={entry.id.to_string()} class="update" data-testid="update"
                    data-visibility={visibility.as_str()}>
                    <header class="update-head">
                        <b>{ session.author(i18n, &entry.by) }</b>
                        <span class="update-for">
                            if visibility == Visibility::Internal { { glyph(Glyph::Lock) } }
                            { i18n.word("update-for", visibility) }
                        </span>
                        <Exact at={entry.at} />
                    </header>
                    <Markdown text={text.clone()} />
                </article>
            }
        </section>
    }
}

#[derive(Clone, PartialEq, Properties)]
struct UpdateBoxProps {
    id: DocId,
    on_edit: Callback<IncidentOp>,
}

#[component]
fn UpdateBox(props: &UpdateBoxProps) -> Html {
    let i18n = use_i18n();
    let node = use_node_ref();
    let visibility = use_state_eq(|| Visibility::Internal);
    let draft = use_draft(format!("incident-update/{}", props.id), String::new());
    let send = {
        let (draft, on_edit, visibility) = (draft.clone(), props.on_edit.clone(), *visibility);
        Callback::from(move |()| {
            let text = draft.text.trim().to_owned();
            if !text.is_empty() {
                draft.discard(String::new());
                on_edit.emit(IncidentOp::AddUpdate { visibility, text });
            }
        })
    };
    {
        let (send, node) = (send.clone(), node.clone());
        use_commands(Layer::Form, move |command| {
            let here = node.get().is_some_and(|node| node.contains(active_element().as_deref()));
            let sends = command == Command::Send && here;
            if sends {
                send.emit(());
            }
            sends
        });
    }
    {
        let node = node.clone();
        use_commands(Layer::Detail, move |command| {
            let field = node.cast::<web_sys::HtmlElement>().filter(|_| command == Command::Reply);
            field.is_some_and(|field| field.focus().is_ok())
        });
    }
    let on_text = {
        let draft = draft.clone();
        Callback::from(move |text| draft.set(text))
    };
    let tab = |value: Visibility| {
        let here = *visibility == value;
        let visibility = visibility.clone();
        html! {
            <button class="tab" role="tab" aria-selected={here.to_string()} type="button"
                data-testid={format!("update-{value}")} onclick={move |_| visibility.set(value)}>
                { i18n.word("update-for", value) }</button>
        }
    };
    let is_internal = *visibility == Visibility::Internal;
    html! {
        <div class={classes!("note-box", "update-box", is_internal.then_some("is-internal"))}>
            <div class="tabs" role="tablist" aria-label={i18n.t("incident-updates")}>
                { tab(Visibility::Internal) }{ tab(Visibility::Public) }
            </div>
            <TextArea value={draft.text.clone()} {on_text} label={i18n.t("incident-update")}
                placeholder={i18n.t("incident-update")} {node} grows=true testid="update-input" class="textarea-short" />
            <DraftState problem={draft.problem.clone()} />
            <div class="form-buttons">
                <button class="button" disabled={draft.text.trim().is_empty()} data-testid="update-send"
                    onclick={move |_| send.emit(())}>{ i18n.t("incident-update-send") }</button>
                <kbd>{ i18n.t("send-hint") }</kbd>
            </div>
        </div>
    }
}
