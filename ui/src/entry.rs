//! Entries of the settings as cards that are edited in place: a draft while one is edited, saving it with an undo, the editor's
//! buttons.

use std::rc::Rc;

use desk_api::{
    ApiError,
    call::{SaveEscalation, SaveRule, SaveSchedule, SaveService},
};
use desk_domain::{
    detection::Rule,
    escalation::{Policy, Schedule},
    workspace::Service,
};
use yew::prelude::*;

use crate::{
    bridge,
    i18n::{tr, use_i18n},
    undo::{self, Restore},
};

/// An entry under its key, as it is written; nothing retires it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Setting {
    /// An on-call schedule.
    Schedule(String, Option<Schedule>),
    /// An escalation policy.
    Escalation(String, Option<Policy>),
    /// What incidents affect.
    Service(String, Option<Service>),
    /// What proposes incidents.
    Rule(String, Option<Rule>),
}

impl Setting {
    /// Writes it; the pages that show it are told by the change itself.
    pub(crate) async fn write(self) -> Result<(), ApiError> {
        match self {
            Self::Schedule(key, schedule) => bridge::call(SaveSchedule { key, schedule }).await,
            Self::Escalation(key, policy) => bridge::call(SaveEscalation { key, policy }).await,
            Self::Service(key, service) => bridge::call(SaveService { key, service }).await,
            Self::Rule(key, rule) => bridge::call(SaveRule { key, rule }).await,
        }
    }
}

/// What is being made anew on a page of entries: one thing at a time.
pub(crate) struct Making(UseStateHandle<Option<&'static str>>);

/// Keeps what is being made anew.
#[hook]
pub(crate) fn use_making() -> Making {
    Making(use_state_eq(|| None))
}

impl Making {
    /// Whether this is being made.
    pub(crate) fn is(&self, what: &str) -> bool {
        *self.0 == Some(what)
    }

    /// The button that begins one.
    pub(crate) fn button(&self, what: &'static str, label: String) -> Html {
        let making = self.0.clone();
        html! {
            <button class="button" data-testid={format!("new-{what}")} onclick={move |_| making.set(Some(what))}>
                { label }
            </button>
        }
    }

    /// Ends it, saved or given up.
    pub(crate) fn on_done(&self) -> Callback<()> {
        let making = self.0.clone();
        Callback::from(move |()| making.set(None))
    }
}

/// Properties of a card that shows a `T`.
#[derive(Clone, PartialEq, Properties)]
pub(crate) struct CardProps<T: PartialEq> {
    /// What it shows; nothing where a new one is made.
    #[prop_or_default]
    pub(crate) shown: Option<T>,
    /// Keys that are taken.
    pub(crate) taken: Rc<Vec<String>>,
    /// The member may change it.
    pub(crate) may_edit: bool,
    /// Told when a new one was saved or given up.
    pub(crate) on_done: Callback<()>,
}

impl<T: PartialEq> CardProps<T> {
    /// It is not saved yet.
    pub(crate) fn is_new(&self) -> bool {
        self.shown.is_none()
    }

    /// The entry that the card edits: `of` tells its key and value, `fresh` what a new one begins as.
    pub(crate) fn entry<V>(&self, of: impl FnOnce(&T) -> (String, V), fresh: impl FnOnce() -> V) -> Entry<V> {
        let (key, value) = self.shown.as_ref().map(of).unzip();
        Entry {
            key,
            fresh: value.is_none().then(fresh),
            value,
            taken: Rc::clone(&self.taken),
            on_done: self.on_done.clone(),
        }
    }
}

/// What a card is about.
pub(crate) struct Entry<T> {
    /// Its key; none for a new one.
    pub(crate) key: Option<String>,
    /// As it stands; none for a new one.
    pub(crate) value: Option<T>,
    /// What a new one begins as; none for one that exists.
    pub(crate) fresh: Option<T>,
    /// Keys that are taken.
    pub(crate) taken: Rc<Vec<String>>,
    /// Told when a new one was saved or given up.
    pub(crate) on_done: Callback<()>,
}

/// A card and its editor.
pub(crate) struct Card<T> {
    /// What is being edited.
    pub(crate) draft: Option<T>,
    /// Why it was not saved.
    pub(crate) problem: Option<ApiError>,
    /// Begins to edit.
    pub(crate) begin: Callback<MouseEvent>,
    /// Told of the draft as it is now.
    pub(crate) on_change: Callback<T>,
    /// Told of what to write; of nothing to retire it.
    pub(crate) on_save: Callback<Option<T>>,
    /// Gives up what was edited.
    pub(crate) on_cancel: Callback<()>,
}

/// Keeps a card's draft. `name` says what an entry is called, `setting` what is written under a key. What was saved or retired
/// leaves a step that takes it back.
#[hook]
pub(crate) fn use_card<T: Clone + 'static>(
    entry: Entry<T>,
    name: fn(&T) -> String,
    setting: fn(String, Option<T>) -> Setting,
) -> Card<T> {
    let i18n = use_i18n();
    let editing = use_state(|| None::<T>);
    let problem = use_state(|| None::<ApiError>);
    let Entry { key, value, fresh, taken, on_done } = entry;
    let on_save = {
        let (editing, problem, on_done) = (editing.clone(), problem.clone(), on_done.clone());
        let before = value.clone();
        Callback::from(move |value: Option<T>| {
            let called = value.as_ref().or(before.as_ref()).map(name).unwrap_or_default();
            let said = if value.is_some() {
                tr!(i18n, "entry-saved", name = called.as_str())
            } else {
                tr!(i18n, "entry-retired", name = called.as_str())
            };
            let key = key.clone().unwrap_or_else(|| fresh_key(&called, &taken));
            let restore = Restore::Setting(Box::new(setting(key.clone(), before.clone())));
            let (editing, problem, on_done) = (editing.clone(), problem.clone(), on_done.clone());
            bridge::spawn(async move {
                match setting(key, value).write().await {
                    Ok(()) => {
                        problem.set(None);
                        editing.set(None);
                        undo::done(said, vec![restore]);
                        on_done.emit(());
                    }
                    Err(error) => problem.set(Some(error)),
                }
            });
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

/// A key for a new entry that no other has: the first letters and digits of its name.
pub(crate) fn fresh_key(name: &str, taken: &[String]) -> String {
    let word: String = name
        .to_lowercase()
        .chars()
        .map(|c| if c.is_alphanumeric() { c } else { '-' })
        .collect::<String>()
        .split('-')
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join("-")
        .chars()
        .take(40)
        .collect();
    let word = if word.is_empty() { "new".to_owned() } else { word };
    if !taken.contains(&word) {
        return word;
    }
    // One of so many is free.
    let mut numbered = (2..=taken.len() + 2).map(|number| format!("{word}-{number}"));
    numbered.find(|key| !taken.contains(key)).unwrap_or(word)
}

/// A control's callback: what `set` makes of the draft is told.
pub(crate) fn change<T: Clone + 'static, E: 'static>(
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
pub(crate) struct EditorButtonsProps {
    /// What is edited, for tests: `schedule`, `policy`, `service`, `rule`.
    pub(crate) what: &'static str,
    /// It is not saved yet, so there is nothing to retire.
    pub(crate) is_new: bool,
    pub(crate) on_save: Callback<MouseEvent>,
    pub(crate) on_cancel: Callback<MouseEvent>,
    pub(crate) on_retire: Callback<MouseEvent>,
}

/// Save, give up, retire.
#[component]
pub(crate) fn EditorButtons(props: &EditorButtonsProps) -> Html {
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
                    onclick={props.on_retire.clone()}>{ i18n.t("entry-retire") }</button>
            }
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_entry_gets_a_key_of_its_own() {
        let taken = ["net".to_owned(), "net-2".to_owned()];
        for (name, key) in [("Сети / VPN", "сети-vpn"), ("Net", "net-3"), ("!!", "new"), ("", "new")]
        {
            assert_eq!(fresh_key(name, &taken), key);
        }
    }
}
