//! Being written.
use yew::prelude::*;
#[component]
pub(crate) fn Palette() -> Html { html! {} }
