//! Being written.
use yew::prelude::*;
#[component]
pub(crate) fn RejectedPage() -> Html { html! {} }
