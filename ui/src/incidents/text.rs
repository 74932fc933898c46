//! A Markdown text of an incident with its editor.

use desk_domain::ids::DocId;
use yew::prelude::*;

use crate::{
    commands::{Layer, active_element, use_commands},
    i18n::use_i18n,
    keys::Command,
    widgets::{
        draft::{Draft, DraftState, use_draft},
        field::{TextArea, use_autofocus},
        markdown::Markdown,
    },
};

/// Properties of [`EditableText`].
#[derive(Clone, Debug, PartialEq, Properties)]
pub(crate) struct EditableTextProps {
    /// The incident.
    pub(crate) id: DocId,
    /// `summary` or `postmortem`: names the draft and the test ids.
    pub(crate) what: &'static str,
    /// What it is called.
    pub(crate) heading: AttrValue,
    /// Markdown.
    pub(crate) text: String,
    /// What to say where there is none.
    pub(crate) none: AttrValue,
    /// It cannot be edited here.
    pub(crate) is_locked: bool,
    /// Told of the text that the editing began with and the one it ended with.
    pub(crate) on_save: Callback<(String, String)>,
}

/// A Markdown text with its editor.
#[component]
pub(crate) fn EditableText(props: &EditableTextProps) -> Html {
    let i18n = use_i18n();
    // The text that the editing began with, while it goes on.
    let base = use_state_eq(|| None::<String>);
    let begin = {
        let (base, text) = (base.clone(), props.text.clone());
        move |_| base.set(Some(text.clone()))
    };
    html! {
        <section class="block" data-testid={format!("incident-{}", props.what)}>
            <div class="panel-head">
                <h2>{ props.heading.clone() }</h2>
                if base.is_none() && !props.is_locked {
                    <button class="button-text" onclick={begin} data-testid={format!("{}-edit", props.what)}>
                        { i18n.t("edit") }
                    </button>
                }
            </div>
            if let Some(began) = (*base).clone() {
                <TextEditor draft_key={format!("{}/{}", props.what, props.id)} base={began.clone()} what={props.what}
                    heading={props.heading.clone()} on_done={
                        let (base, on_save) = (base.clone(), props.on_save.clone());
                        Callback::from(move |text: Option<String>| {
                            base.set(None);
                            if let Some(text) = text {
                                on_save.emit((began.clone(), text));
                            }
                        })
                    } />
            } else if props.text.trim().is_empty() {
                <p class="hint">{ props.none.clone() }</p>
            } else {
                <Markdown text={props.text.clone()} />
            }
        </section>
    }
}

#[derive(Clone, Debug, PartialEq, Properties)]
struct TextEditorProps {
    draft_key: String,
    base: String,
    what: &'static str,
    heading: AttrValue,
    /// Told of the new text, or of nothing.
    on_done: Callback<Option<String>>,
}

#[component]
fn TextEditor(props: &TextEditorProps) -> Html {
    let i18n = use_i18n();
    let node = use_autofocus();
    let draft: Draft = use_draft(props.draft_key.clone(), props.base.clone());
    let finish = {
        let (draft, on_done, base) = (draft.clone(), props.on_done.clone(), props.base.clone());
        Callback::from(move |takes: bool| {
            let text = draft.text.clone();
            draft.discard(base.clone());
            on_done.emit((takes && text != base).then_some(text));
        })
    };
    {
        let (finish, draft, node) = (finish.clone(), draft.clone(), node.clone());
        use_commands(Layer::Form, move |command| {
            let here = node.get().is_some_and(|node| node.contains(active_element().as_deref()));
            match command {
                Command::Send if here => finish.emit(true),
                Command::Back if here && !draft.is_touched => finish.emit(false),
                _ => return false,
            }
            true
        });
    }
    let on_text = {
        let draft = draft.clone();
        Callback::from(move |text| draft.set(text))
    };
    html! {
        <div class="editor">
            <TextArea value={draft.text.clone()} {on_text} label={props.heading.clone()} {node} grows=true
                testid={format!("{}-input", props.what)} />
            <DraftState problem={draft.problem.clone()} />
            <div class="form-buttons">
                <button class="button button-main" data-testid={format!("{}-save", props.what)}
                    onclick={let finish = finish.clone(); move |_| finish.emit(true)}>{ i18n.t("save") }</button>
                <button class="button" data-testid={format!("{}-cancel", props.what)}
                    onclick={move |_| finish.emit(false)}>{ i18n.t("cancel") }</button>
            </div>
        </div>
    }
}
