//! The navigation: views with their numbers, and the other pages.

use yew::prelude::*;

use crate::{
    i18n::use_i18n,
    live::{COUNTS, OPEN_ALERTS, SYNC},
    route::{ROUTE, Route},
    session::use_session,
    store::use_store,
    tickets::filter::{ListQuery, View},
    widgets::icons::{Glyph, glyph},
};

const FOLDED_KEY: &str = "desk.nav";

/// Whether the navigation was folded in the last run.
pub(super) fn was_folded() -> bool {
    let storage = web_sys::window().and_then(|window| window.local_storage().ok()?);
    storage.and_then(|storage| storage.get_item(FOLDED_KEY).ok()?).as_deref() == Some("folded")
}

/// Remembers it for the next run; where that is not possible, it starts unfolded.
pub(super) fn remember_folded(folded: bool) {
    if let Some(storage) = web_sys::window().and_then(|window| window.local_storage().ok()?) {
        let _ = storage.set_item(FOLDED_KEY, if folded { "folded" } else { "open" });
    }
}

/// Properties of [`Nav`].
#[derive(Clone, Debug, PartialEq, Properties)]
pub(super) struct NavProps {
    /// Folds it or unfolds it.
    pub(super) on_fold: Callback<()>,
}

struct Entry {
    route: Route,
    glyph: Glyph,
    label: String,
    count: u32,
    /// The number needs a person.
    is_urgent: bool,
    testid: String,
    is_here: bool,
}

fn entry(entry: Entry) -> Html {
    let Entry { route, glyph: shape, label, count, is_urgent, testid, is_here } = entry;
    html! {
        <a href={format!("#{}", route.to_hash())} class={classes!("nav-entry", is_here.then_some("is-here"))}
            aria-current={is_here.then_some("page")} title={label.clone()} data-testid={testid}>
            { glyph(shape) }
            <span class="nav-label">{ label }</span>
            if count > 0 {
                <span class={classes!("nav-count", is_urgent.then_some("is-urgent"))}
                    data-count={count.to_string()}>{ count }</span>
            }
        </a>
    }
}

/// The navigation.
#[component]
pub(super) fn Nav(props: &NavProps) -> Html {
    let i18n = use_i18n();
    let session = use_session();
    let route = use_store(&ROUTE);
    let counts = use_store(&COUNTS);
    let alerts = use_store(&OPEN_ALERTS);
    let sync = use_store(&SYNC);

    let here = match &*route {
        Route::Tickets { query, .. } => Some(query.view),
        _ => None,
    };
    let view = |view: View| {
        let (glyph, count, is_urgent) = match view {
            View::Mine => (Glyph::Mine, counts.mine, false),
            View::Unassigned => (Glyph::Unassigned, counts.unassigned, false),
            View::Active => (Glyph::Ticket, counts.active, false),
            View::Breached => (Glyph::Clock, counts.breached, true),
            View::All => (Glyph::All, 0, false),
        };
        entry(Entry {
            route: Route::Tickets { query: ListQuery::of(view), open: None },
            glyph,
            label: i18n.word("view", view.as_str()),
            count,
            is_urgent,
            testid: format!("nav-{}", view.as_str()),
            is_here: here == Some(view),
        })
    };
    let page = |target: Route, glyph: Glyph, label: String, count: u32, is_urgent: bool, testid: &str| {
        let is_here = std::mem::discriminant(&target) == std::mem::discriminant(&*route);
        entry(Entry { route: target, glyph, label, count, is_urgent, testid: testid.to_owned(), is_here })
    };
    let on_fold = props.on_fold.clone();
    html! {
        <nav class="nav" aria-label={i18n.t("navigation")} data-testid="nav">
            <div class="nav-head">
                <span class="nav-workspace" data-testid="nav-workspace">
                    { session.who.as_ref().map(|who| who.workspace.clone()).unwrap_or_default() }
                </span>
                <button class="button-icon" onclick={move |_| on_fold.emit(())} title={i18n.t("nav-fold-hint")}
                    aria-label={i18n.t("nav-fold")} data-testid="nav-fold">{ glyph(Glyph::Fold) }</button>
            </div>
            { for View::ALL.into_iter().map(view) }
            <div class="nav-gap" />
            { page(Route::Knowledge { open: None, editing: false }, Glyph::Article, i18n.t("knowledge"), counts.articles,
                false, "nav-knowledge") }
            { page(Route::Incidents { open: None }, Glyph::Incident, i18n.t("incidents"), counts.incidents, true,
                "nav-incidents") }
            { page(Route::OnCall, Glyph::Person, i18n.t("oncall"), 0, false, "nav-oncall") }
            { page(Route::Alerts, Glyph::Bell, i18n.t("alerts"), *alerts, true, "nav-alerts") }
            if sync.rejected > 0 {
                { page(Route::Rejected, Glyph::Refused, i18n.t("rejected"), sync.rejected, true, "nav-rejected") }
            }
            <span class="spring" />
            { page(Route::Sync, Glyph::Sync, i18n.t("sync"), 0, false, "nav-sync") }
            { page(Route::Settings, Glyph::Settings, i18n.t("settings"), 0, false, "nav-settings") }
        </nav>
    }
}
