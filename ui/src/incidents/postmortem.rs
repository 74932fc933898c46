//! The post-mortem: its text, which several people may edit, and the action items in it.

use std::rc::Rc;

use desk_api::{
    call::StartPostmortem,
    view::{IncidentView, Language},
};
use desk_domain::{
    edit::IncidentOp,
    incident::postmortem::{ActionItem, toggled},
};
use yew::prelude::*;

use super::text::EditableText;
use crate::{
    bridge,
    i18n::{I18n, tr, use_i18n},
    session::use_session,
    widgets::toast,
};

/// Properties of [`Postmortem`].
#[derive(Clone, PartialEq, Properties)]
pub(crate) struct PostmortemProps {
    /// The incident.
    pub(crate) view: Rc<IncidentView>,
    /// Nothing can be edited here.
    pub(crate) is_locked: bool,
    /// Told of an edit.
    pub(crate) on_edit: Callback<IncidentOp>,
    /// Told of the incident as it is after the template was put in.
    pub(crate) on_view: Callback<IncidentView>,
}

/// The tab.
#[component]
pub(crate) fn Postmortem(props: &PostmortemProps) -> Html {
    let i18n = use_i18n();
    let session = use_session();
    let incident = &props.view.incident;
    let is_empty = incident.postmortem.trim().is_empty();
    let begin = {
        let (id, on_view) = (incident.id, props.on_view.clone());
        move |_| {
            let on_view = on_view.clone();
            bridge::spawn(async move {
                match bridge::call(StartPostmortem { id }).await {
                    Ok(view) => on_view.emit(view),
                    Err(error) => toast::failed(error),
                }
            });
        }
    };
    let tick = |item: &ActionItem| {
        let (on_edit, view, item) = (props.on_edit.clone(), Rc::clone(&props.view), item.clone());
        move |_| {
            let base = view.incident.postmortem.clone();
            match toggled(&base, &item, !item.done) {
                Some(body) => on_edit.emit(IncidentOp::EditPostmortem { base: Some(base), body }),
                None => toast::say(i18n.t("action-item-gone")),
            }
        }
    };
    let on_save = {
        let on_edit = props.on_edit.clone();
        Callback::from(move |(base, body)| {
            on_edit.emit(IncidentOp::EditPostmortem { base: Some(base), body });
        })
    };
    html! {
        <>
            if is_empty && !props.is_locked {
                <p class="form-buttons">
                    <button class="button button-main" data-testid="postmortem-begin" onclick={begin}>
                        { i18n.t("postmortem-begin") }</button>
                </p>
            }
            if !props.view.action_items.is_empty() {
                <section class="block" data-testid="action-items">
                    <h2>{ i18n.t("action-items") }{ " " }<span class="hint">{ progress(i18n, &props.view.action_items) }</span></h2>
                    <ul class="action-items">
                        for item in props.view.action_items.iter() {
                            <li key={item.line.to_string()} class={classes!("action-item", item.done.then_some("is-done"))}
                                data-testid="action-item" data-done={item.done.to_string()}>
                                <label>
                                    <input type="checkbox" checked={item.done} disabled={props.is_locked}
                                        onchange={tick(item)} />
                                    <span>{ &item.text }</span>
                                </label>
                                if let Some(owner) = &item.owner {
                                    <span class="action-owner">{ session.name(owner) }</span>
                                }
                                if let Some(due) = item.due {
                                    <span class="action-due">{ due_words(i18n, &due.to_string()) }</span>
                                }
                            </li>
                        }
                    </ul>
                </section>
            }
            <EditableText id={incident.id} what="postmortem" heading={i18n.t("incident-postmortem")}
                text={incident.postmortem.clone()} none={i18n.t("incident-postmortem-none")}
                is_locked={props.is_locked} {on_save} />
        </>
    }
}

fn progress(i18n: I18n, items: &[ActionItem]) -> String {
    tr!(i18n, "action-items-done", done = items.iter().filter(|item| item.done).count(), of = items.len())
}

/// A date (`2026-12-01`) as the language has it.
fn due_words(i18n: I18n, due: &str) -> String {
    let parts: Vec<&str> = due.split('-').collect();
    let shown = match (i18n.language, parts.as_slice()) {
        (Language::Ru, [year, month, day]) => format!("{day}.{month}.{year}"),
        (_, _) => due.to_owned(),
    };
    tr!(i18n, "action-due", date = shown)
}
