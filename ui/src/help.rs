//! Being written.
use yew::prelude::*;
#[component]
pub(crate) fn Help() -> Html { html! {} }
