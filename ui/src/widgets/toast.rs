//! Short messages at the lower edge, read aloud by screen readers, some with an Undo.

use std::cell::Cell;

use desk_api::ApiError;
use gloo_timers::callback::Timeout;
use yew::prelude::*;

use crate::{
    i18n::use_i18n,
    store::{Store, StoreKey, use_store},
    undo,
    widgets::icons::{Glyph, glyph},
};

/// How long a message stays.
const SHOWN_MS: u32 = 6_000;
/// An error is read more slowly.
const ERROR_SHOWN_MS: u32 = 12_000;

#[derive(Clone, Debug, PartialEq)]
enum What {
    Said(String),
    Failed(ApiError),
}

#[derive(Clone, Debug, PartialEq)]
struct Toast {
    id: u32,
    what: What,
    /// The undo step that the button takes back.
    undo: Option<u32>,
}

thread_local! {
    static TOASTS: Store<Vec<Toast>> = Store::new(Vec::new());
    static NEXT: Cell<u32> = const { Cell::new(0) };
}

fn show(what: What, undo: Option<u32>) {
    let id = NEXT.get();
    NEXT.set(id + 1);
    let shown_ms = if matches!(what, What::Failed(_)) { ERROR_SHOWN_MS } else { SHOWN_MS };
    let mut toasts = TOASTS.current().to_vec();
    // Two lines of news are enough; what was said before has been read or will not be.
    if toasts.len() >= 3 {
        toasts.remove(0);
    }
    toasts.push(Toast { id, what, undo });
    TOASTS.put(toasts);
    Timeout::new(shown_ms, move || dismiss(id)).forget();
}

fn dismiss(id: u32) {
    let toasts = TOASTS.current();
    if toasts.iter().any(|toast| toast.id == id) {
        TOASTS.put(toasts.iter().filter(|toast| toast.id != id).cloned().collect());
    }
}

/// Says something.
pub(crate) fn say(text: String) {
    show(What::Said(text), None);
}

/// Says what was done, with a button that takes the undo step `step` back.
pub(crate) fn done(text: String, step: u32) {
    show(What::Said(text), Some(step));
}

/// Tells of an error.
pub(crate) fn failed(error: ApiError) {
    show(What::Failed(error), None);
}

/// The messages.
#[component]
pub(crate) fn Toasts() -> Html {
    let i18n = use_i18n();
    let toasts = use_store(&TOASTS);
    html! {
        <div class="toasts" role="status" aria-live="polite" data-testid="toasts">
            for toast in toasts.iter() {
                <div key={toast.id} data-testid="toast"
                    class={classes!("toast", matches!(toast.what, What::Failed(_)).then_some("toast-failed"))}>
                    if matches!(toast.what, What::Failed(_)) {
                        { glyph(Glyph::Warning) }
                    }
                    <span class="toast-text">
                        { match &toast.what {
                            What::Said(text) => text.clone(),
                            What::Failed(error) => i18n.error(error),
                        } }
                    </span>
                    if let Some(step) = toast.undo {
                        <button class="button-text" data-testid="toast-undo" onclick={
                            let id = toast.id;
                            move |_| {
                                dismiss(id);
                                undo::take_back(i18n, Some(step));
                            }
                        }>{ i18n.t("undo") }</button>
                    }
                    <button class="button-icon" aria-label={i18n.t("close")} onclick={
                        let id = toast.id;
                        move |_| dismiss(id)
                    }>{ glyph(Glyph::Cross) }</button>
                </div>
            }
        </div>
    }
}
