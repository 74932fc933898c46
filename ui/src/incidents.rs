//! Being written.
use yew::prelude::*;
use desk_domain::ids::DocId;
#[derive(Clone, Debug, PartialEq, Properties)]
pub(crate) struct P { pub(crate) open: Option<DocId> }
#[component]
pub(crate) fn IncidentsPage(_p: &P) -> Html { html! {} }
pub(crate) mod new { use yew::prelude::*;
#[component]
pub(crate) fn NewIncidentPage() -> Html { html! {} } }
pub(crate) mod timeline { pub(crate) const FIELDS: [&str; 0] = []; }
