//! What the cards of schedules and policies have in common: a draft while one is edited, saving it, and the editor's buttons.

use std::rc::Rc;

use desk_api::{ApiError, Call};
use yew::prelude::*;

use super::{fresh_key, heed, save, told};
use crate::i18n::use_i18n;

/// What a card is about.
pub(super) struct Entry<T> {
    /// Its key; none for a new one.
    pub(super) key: Option<String>,
    /// As it stands; none for a new one.
    pub(super) value: Option<T>,
    /// What a new one begins as; none for one that exists.
    pub(super) fresh: Option<T>,
    /// Keys that are taken.
    pub(super) taken: Rc<Vec<String>>,
    /// Told when a new one was saved or given up.
    pub(super) on_done: Callback<()>,
}

/// A card and its editor.
pub(super) struct Card<T> {
    /// What is being edited.
    pub(super) draft: Option<T>,
    /// Why it was not saved.
    pub(super) problem: Option<ApiError>,
    /// Begins to edit.
    pub(super) begin: Callback<MouseEvent>,
    /// Told of the draft as it is now.
    pub(super) on_change: Callback<T>,
    /// Told of what to write; of nothing to retire it.
    pub(super) on_save: Callback<Option<T>>,
    /// Gives up what was edited.
    pub(super) on_cancel: Callback<()>,
}

/// Keeps a card's draft. `name` says what an entry is called, `request` saves one under a key, or retires it.
#[hook]
pub(super) fn use_card<T, C>(
    entry: Entry<T>,
    name: fn(&T) -> String,
    request: fn(String, Option<T>) -> C,
) -> Card<T>
where
    T: Clone + 'static,
    C: Call + 'static,
{
    let i18n = use_i18n();
    let editing = use_state(|| None::<T>);
    let problem = use_state(|| None::<ApiError>);
    let Entry { key, value, fresh, taken, on_done } = entry;
    let on_save = {
        let (editing, problem, on_done) = (editing.clone(), problem.clone(), on_done.clone());
        Callback::from(move |value: Option<T>| {
            let name = value.as_ref().map(name).unwrap_or_default();
            let key = key.clone().unwrap_or_else(|| fresh_key(&name, &taken));
            let (editing, problem, on_done) = (editing.clone(), problem.clone(), on_done.clone());
            save(
                request(key, value),
                Callback::from(move |saved| {
                    if heed(&saved, &problem) {
                        editing.set(None);
                        told(i18n, &name);
                        on_done.emit(());
                    }
                }),
            );
        })
    };
    let on_cancel = {
        let (editing, problem) = (editing.clone(), problem.clone());
        Callback::from(move |()| {
            editing.set(None);
            problem.set(None);
            on_done.emit(());
        })
    };
    let begin = {
        let editing = editing.clone();
        Callback::from(move |_| editing.set(value.clone()))
    };
    let on_change = {
        let editing = editing.clone();
        Callback::from(move |draft| editing.set(Some(draft)))
    };
    Card {
        draft: (*editing).clone().or(fresh),
        problem: (*problem).clone(),
        begin,
        on_change,
        on_save,
        on_cancel,
    }
}

/// A control's callback: what `set` makes of the draft is told.
pub(super) fn change<T: Clone + 'static, E: 'static>(
    draft: &T,
    on_change: &Callback<T>,
    set: impl Fn(&mut T, E) + 'static,
) -> Callback<E> {
    let (draft, on_change) = (draft.clone(), on_change.clone());
    Callback::from(move |event: E| {
        let mut next = draft.clone();
        set(&mut next, event);
        on_change.emit(next);
    })
}

/// Properties of [`EditorButtons`].
#[derive(Clone, PartialEq, Properties)]
pub(super) struct EditorButtonsProps {
    /// `schedule` or `policy`, for tests.
    pub(super) what: &'static str,
    /// It is not saved yet, so there is nothing to retire.
    pub(super) is_new: bool,
    pub(super) on_save: Callback<MouseEvent>,
    pub(super) on_cancel: Callback<MouseEvent>,
    pub(super) on_retire: Callback<MouseEvent>,
}

/// Save, give up, retire.
#[component]
pub(super) fn EditorButtons(props: &EditorButtonsProps) -> Html {
    let i18n = use_i18n();
    let what = props.what;
    html! {
        <div class="form-buttons">
            <button class="button button-main" type="button" data-testid={format!("{what}-save")}
                onclick={props.on_save.clone()}>{ i18n.t("save") }</button>
            <button class="button" type="button" data-testid={format!("{what}-cancel")}
                onclick={props.on_cancel.clone()}>{ i18n.t("cancel") }</button>
            <span class="spring" />
            if !props.is_new {
                <button class="button-text" type="button" data-testid={format!("{what}-retire")}
                    onclick={props.on_retire.clone()}>{ i18n.t("oncall-retire") }</button>
            }
        </div>
    }
}
