//! Being written.
use yew::prelude::*;
#[component]
pub(crate) fn NewTicketPage() -> Html { html! {} }
