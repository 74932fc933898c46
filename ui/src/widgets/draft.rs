//! Drafts: what is typed is saved as it is typed, and is there again after a kill.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use desk_api::{
    ApiError,
    call::{GetDraft, SaveDraft},
};
use gloo_timers::{callback::Timeout, future::TimeoutFuture};
use yew::prelude::*;

use crate::{bridge, i18n::use_i18n};

/// A text that is typed on is saved this often.
const SAVE_MS: u32 = 200;

struct Saver {
    key: String,
    pending: RefCell<Option<String>>,
    timer: RefCell<Option<Timeout>>,
    busy: Cell<bool>,
    failed: RefCell<Option<Callback<Option<ApiError>>>>,
}

impl Saver {
    fn save_soon(self: &Rc<Self>, text: String) {
        *self.pending.borrow_mut() = Some(text);
        // A timer that runs goes on: somebody who types without a pause is saved too.
        if self.timer.borrow().is_none() {
            let saver = Rc::clone(self);
            *self.timer.borrow_mut() = Some(Timeout::new(SAVE_MS, move || {
                saver.timer.take();
                saver.save();
            }));
        }
    }

    /// One save at a time and the newest text last, so that none overtakes another.
    fn save(self: &Rc<Self>) {
        if self.busy.replace(true) {
            return;
        }
        let saver = Rc::clone(self);
        bridge::spawn(async move {
            while let Some(body) = saver.pending.take() {
                let result = bridge::call(SaveDraft { key: saver.key.clone(), body }).await;
                let failed = saver.failed.borrow().clone();
                if let Some(failed) = failed {
                    failed.emit(result.err());
                }
            }
            saver.busy.set(false);
        });
    }
}

/// A draft that is being typed.
#[derive(Clone)]
pub(crate) struct Draft {
    /// The text.
    pub(crate) text: String,
    /// It is a draft that was saved or typed, not the text that it began with.
    pub(crate) is_touched: bool,
    /// Why the last save failed.
    pub(crate) problem: Option<ApiError>,
    state: UseStateHandle<Typed>,
    saver: Rc<Saver>,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Typed {
    text: String,
    is_touched: bool,
}

impl Draft {
    /// Takes what was typed.
    pub(crate) fn set(&self, text: String) {
        self.saver.save_soon(text.clone());
        self.state.set(Typed { text, is_touched: true });
    }

    /// Waits until no save is under way and begins none: before the text is sent, so that no save comes after the
    /// call that drops the draft.
    pub(crate) async fn settle(&self) {
        self.saver.timer.take();
        self.saver.pending.take();
        while self.saver.busy.get() {
            TimeoutFuture::new(1).await;
        }
    }

    /// Empties the field; the draft itself was dropped by the call that used it.
    pub(crate) fn reset(&self, text: String) {
        self.state.set(Typed { text, is_touched: false });
    }

    /// Empties the field and drops the draft.
    pub(crate) fn discard(&self, text: String) {
        self.saver.save_soon(String::new());
        self.state.set(Typed { text, is_touched: false });
    }
}

/// The draft `key`, over a text that it begins with. A component shows one draft: give it the key of the draft.
#[hook]
pub(crate) fn use_draft(key: String, initial: String) -> Draft {
    let state = use_state(|| Typed { text: initial, is_touched: false });
    let problem = use_state(|| None::<ApiError>);
    let saver = use_memo(key, |key| Saver {
        key: key.clone(),
        pending: RefCell::new(None),
        timer: RefCell::new(None),
        busy: Cell::new(false),
        failed: RefCell::new(None),
    });
    // What was typed before the saved draft came wins over it.
    let typed = use_mut_ref(|| false);
    *typed.borrow_mut() |= state.is_touched;
    {
        let (state, problem, typed) = (state.clone(), problem.clone(), Rc::clone(&typed));
        let saver = Rc::clone(&saver);
        use_effect_with((), move |()| {
            *saver.failed.borrow_mut() = Some(Callback::from(move |error| problem.set(error)));
            let restoring = Rc::clone(&saver);
            bridge::spawn(async move {
                if let Ok(Some(draft)) = bridge::call(GetDraft { key: restoring.key.clone() }).await
                    && !*typed.borrow()
                    && restoring.pending.borrow().is_none()
                    && !draft.body.is_empty()
                {
                    state.set(Typed { text: draft.body, is_touched: true });
                }
            });
            move || {
                saver.failed.take();
                if saver.timer.take().is_some() {
                    saver.save();
                }
            }
        });
    }
    Draft {
        text: state.text.clone(),
        is_touched: state.is_touched,
        problem: (*problem).clone(),
        state,
        saver,
    }
}

/// Properties of [`DraftState`].
#[derive(Clone, Debug, PartialEq, Properties)]
pub(crate) struct DraftStateProps {
    /// Why the last save failed.
    pub(crate) problem: Option<ApiError>,
}

/// A line that appears when what is typed cannot be saved.
#[component]
pub(crate) fn DraftState(props: &DraftStateProps) -> Html {
    let i18n = use_i18n();
    html! {
        if let Some(problem) = &props.problem {
            <p class="problem" role="alert">{ i18n.t("draft-not-saved") }{ " " }{ i18n.error(problem) }</p>
        }
    }
}
