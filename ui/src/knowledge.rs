//! Being written.
use yew::prelude::*;
use desk_domain::ids::DocId;
#[derive(Clone, Debug, PartialEq, Properties)]
pub(crate) struct P { pub(crate) open: Option<DocId>, pub(crate) editing: bool }
#[component]
pub(crate) fn KnowledgePage(_p: &P) -> Html { html! {} }
pub(crate) mod editor { use yew::prelude::*;
#[component]
pub(crate) fn NewArticlePage() -> Html { html! {} } }
