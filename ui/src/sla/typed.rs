//! A field for what is written in words and kept otherwise: a duration, hours, dates.

use yew::prelude::*;

use super::OnValid;
use crate::widgets::field::on_text;

/// Properties of [`Typed`].
#[derive(Clone, PartialEq, Properties)]
pub(crate) struct TypedProps {
    /// What it holds, as it is written.
    pub(crate) value: String,
    /// Takes what is typed; `false` when that cannot be read.
    pub(crate) on_typed: Callback<String, bool>,
    /// Told whether what is typed can be read, under the name of the field.
    pub(crate) on_valid: OnValid,
    /// What it is for; also its name on the page.
    pub(crate) label: AttrValue,
    /// For tests; also its name among the fields.
    pub(crate) testid: String,
    /// Shown while it is empty.
    #[prop_or_default]
    pub(crate) placeholder: AttrValue,
    /// It cannot be changed.
    #[prop_or_default]
    pub(crate) disabled: bool,
}

/// The field. What cannot be read stays as it was typed, marked as wrong, until it is mended.
#[component]
pub(crate) fn Typed(props: &TypedProps) -> Html {
    let typed = use_state(|| None::<String>);
    let is_wrong = use_state_eq(|| false);
    let oninput = {
        let (props, typed, is_wrong) = (props.clone(), typed.clone(), is_wrong.clone());
        on_text(move |text: String| {
            typed.set(Some(text.clone()));
            let is_valid = props.on_typed.emit(text);
            is_wrong.set(!is_valid);
            props.on_valid.emit((props.testid.clone(), is_valid));
        })
    };
    let onblur = {
        let (typed, is_wrong) = (typed.clone(), is_wrong.clone());
        Callback::from(move |_: FocusEvent| {
            if !*is_wrong {
                typed.set(None);
            }
        })
    };
    // A field that is left with the page is no longer wrong.
    {
        let (on_valid, name) = (props.on_valid.clone(), props.testid.clone());
        use_effect_with((), move |()| move || on_valid.emit((name, true)));
    }
    let value = (*typed).clone().unwrap_or_else(|| props.value.clone());
    html! {
        <input class="input" {value} {oninput} {onblur} disabled={props.disabled} placeholder={props.placeholder.clone()}
            aria-label={props.label.clone()} aria-invalid={is_wrong.to_string()} data-testid={props.testid.clone()}
            autocomplete="off" spellcheck="false" />
    }
}
