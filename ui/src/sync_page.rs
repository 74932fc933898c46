//! Being written.
use yew::prelude::*;
#[component]
pub(crate) fn SyncPage() -> Html { html! {} }
