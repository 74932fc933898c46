//! All keys, over the page.

use yew::prelude::*;

use crate::{
    commands::{Layer, use_commands},
    i18n::use_i18n,
    keys::{Command, HELP},
    overlay,
    widgets::{
        field::use_autofocus,
        icons::{Glyph, glyph},
    },
};

/// Keeps the focus in a dialog that has one control: there is nothing to go to with Tab but the page below.
pub(crate) fn keep_focus() -> Callback<KeyboardEvent> {
    Callback::from(|event: KeyboardEvent| {
        if event.code() == "Tab" {
            event.prevent_default();
        }
    })
}

/// The list of keys.
#[component]
pub(crate) fn Help() -> Html {
    let i18n = use_i18n();
    let close = use_autofocus();
    use_commands(Layer::Overlay, |command| {
        if matches!(command, Command::Back | Command::Help) {
            overlay::close();
        }
        true
    });
    html! {
        <div class="overlay" onmousedown={|_: MouseEvent| overlay::close()}>
            <div class="dialog dialog-wide" role="dialog" aria-modal="true" aria-label={i18n.t("help")} data-testid="help"
                onmousedown={|event: MouseEvent| event.stop_propagation()} onkeydown={keep_focus()}>
                <header class="dialog-head">
                    <h2>{ i18n.t("help") }</h2>
                    <button ref={close} class="button-icon" aria-label={i18n.t("close")} onclick={|_| overlay::close()}>
                        { glyph(Glyph::Cross) }
                    </button>
                </header>
                <div class="dialog-body">
                    <dl class="keys">
                        for (keys, what) in HELP {
                            <div key={what}>
                                <dt>for key in keys.split("  ") {<kbd>{ key }</kbd>}</dt>
                                <dd>{ i18n.word("help", what) }</dd>
                            </div>
                        }
                    </dl>
                    <p class="hint">{ i18n.t("help-explain") }</p>
                </div>
            </div>
        </div>
    }
}
