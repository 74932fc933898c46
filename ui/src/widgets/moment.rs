//! Instants: short and relative, with the exact one on hover.

use desk_domain::time::UtcMillis;
use yew::prelude::*;

use crate::{
    clock::use_now,
    i18n::{format, use_i18n},
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
