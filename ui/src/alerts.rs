//! Being written.
use yew::prelude::*;
#[component]
pub(crate) fn AlertsPage() -> Html { html! {} }
