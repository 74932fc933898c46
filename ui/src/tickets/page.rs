//! Being written.
use yew::prelude::*;
use desk_domain::ids::DocId;
#[derive(Clone, Debug, PartialEq, Properties)]
pub(crate) struct P { pub(crate) id: DocId }
#[component]
pub(crate) fn TicketPage(_p: &P) -> Html { html! {} }
