//! Instants: short and relative, with the exact one on hover.

use desk_domain::time::UtcMillis;
use wasm_bindgen::JsCast;
use web_sys::HtmlInputElement;
use yew::prelude::*;

use crate::{
    clock::{self, use_now},
    i18n::{format, use_i18n},
    widgets::toast,
};

/// Properties of [`Ago`].
#[derive(Clone, Debug, PartialEq, Properties)]
pub(crate) struct MomentProps {
    /// The instant.
    pub(crate) at: UtcMillis,
}

/// How long ago, in a few characters.
#[component]
pub(crate) fn Ago(props: &MomentProps) -> Html {
    let i18n = use_i18n();
    let now = use_now(30);
    let exact = format::date_time(i18n, format::local(props.at));
    let short = format::short_ago(i18n, now, props.at, format::offset_min(props.at));
    html! { <time class="ago" datetime={props.at.to_string()} title={exact}>{ short }</time> }
}

/// The date and time, with how long ago on hover.
#[component]
pub(crate) fn Exact(props: &MomentProps) -> Html {
    let i18n = use_i18n();
    let now = use_now(30);
    let exact = format::date_time(i18n, format::local(props.at));
    let short = format::short_ago(i18n, now, props.at, format::offset_min(props.at));
    html! { <time class="exact" datetime={props.at.to_string()} title={short}>{ exact }</time> }
}

/// Properties of [`MomentField`].
#[derive(Clone, Debug, PartialEq, Properties)]
pub(crate) struct MomentFieldProps {
    /// The instant, if there is one.
    pub(crate) at: Option<UtcMillis>,
    /// Told of another one.
    pub(crate) on_change: Callback<UtcMillis>,
    /// What it is.
    pub(crate) label: AttrValue,
    /// For tests.
    pub(crate) testid: AttrValue,
    /// It cannot be changed.
    pub(crate) disabled: bool,
}

/// A date and time to type, as the language writes it. Not the browser's own field: that one writes dates as the
/// system likes, and in some engines an empty one looks filled.
#[component]
pub(crate) fn MomentField(props: &MomentFieldProps) -> Html {
    let i18n = use_i18n();
    let shown = props.at.map(|at| format::date_time(i18n, format::local(at))).unwrap_or_default();
    let onchange = {
        let (on_change, before) = (props.on_change.clone(), shown.clone());
        Callback::from(move |event: Event| {
            let Some(input) = event.target().and_then(|target| target.dyn_into::<HtmlInputElement>().ok())
            else {
                return;
            };
            if let Some(at) = format::parse_typed(&input.value(), clock::now(), format::offset_min) {
                on_change.emit(at);
                return;
            }
            if !input.value().trim().is_empty() {
                toast::say(i18n.t("moment-bad"));
            }
            input.set_value(&before);
        })
    };
    let onkeydown = Callback::from(|event: KeyboardEvent| {
        let input = event.target().and_then(|target| target.dyn_into::<HtmlInputElement>().ok());
        if let Some(input) = input.filter(|_| matches!(event.code().as_str(), "Enter" | "NumpadEnter")) {
            let _ = input.blur();
        }
    });
    html! {
        <input class="input input-field" type="text" value={shown} {onchange} {onkeydown} disabled={props.disabled}
            placeholder={i18n.t("moment-none")} title={i18n.t("moment-hint")} aria-label={props.label.clone()} autocomplete="off"
            data-testid={props.testid.clone()} data-at={props.at.map(|at| at.to_string())} />
    }
}
