//! What opens over the page: the palette, quick choices, the list of keys.

use desk_domain::ids::DocId;
use yew::prelude::*;

use crate::{
    help::Help,
    palette::Palette,
    store::{Store, StoreKey, use_store},
    tickets::picker::{Pick, Picker},
};

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Overlay {
    /// Commands, tickets, articles.
    Palette,
    /// A value for tickets.
    Pick {
        /// Which field.
        pick: Pick,
        /// Which tickets.
        targets: Vec<DocId>,
    },
    /// All keys.
    Help,
}

thread_local! {
    static OVERLAY: Store<Option<Overlay>> = Store::new(None);
}

/// Opens one; another closes.
pub(crate) fn open(overlay: Overlay) {
    OVERLAY.put(Some(overlay));
}

/// Closes what is open.
pub(crate) fn close() {
    OVERLAY.put(None);
}

/// Shows what is open.
#[component]
pub(crate) fn OverlayHost() -> Html {
    let overlay = use_store(&OVERLAY);
    match &*overlay {
        None => html! {},
        Some(Overlay::Palette) => html! { <Palette /> },
        Some(Overlay::Pick { pick, targets }) => {
            html! { <Picker key={format!("{pick:?}")} pick={*pick} targets={targets.clone()} /> }
        }
        Some(Overlay::Help) => html! { <Help /> },
    }
}
