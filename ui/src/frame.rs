//! The window: navigation, the page, the status line.

mod nav;
mod status;

use desk_api::view::SessionView;
use yew::prelude::*;

pub(crate) use self::status::{beginning, sync_words};
use self::{nav::Nav, status::StatusLine};
use crate::{
    alerts::{AlertsPage, settings::AlertSettingsPage},
    commands::{Layer, use_commands},
    detection::DetectionPage,
    i18n::use_i18n,
    incidents::{IncidentsPage, metrics::IncidentMetricsPage, new::NewIncidentPage},
    keys::Command,
    knowledge::{KnowledgePage, editor::NewArticlePage},
    oncall::OnCallPage,
    overlay::{self, Overlay, OverlayHost},
    ready,
    rejected::RejectedPage,
    route::{self, ROUTE, Route},
    session::use_session,
    settings::SettingsPage,
    sla::SlaPage,
    store::use_store,
    sync_page::SyncPage,
    tickets::{list::TicketList, new::NewTicketPage, page::TicketPage},
    undo,
};

/// Properties of [`Frame`].
#[derive(Clone, Debug, PartialEq, Properties)]
pub(crate) struct FrameProps {
    /// Told of the session after the member signed out.
    pub(crate) on_session: Callback<SessionView>,
}

/// The window of a member who is signed in.
#[component]
pub(crate) fn Frame(props: &FrameProps) -> Html {
    let i18n = use_i18n();
    let session = use_session();
    let route = use_store(&ROUTE);
    let folded = use_state_eq(nav::was_folded);

    let fold = {
        let folded = folded.clone();
        Callback::from(move |()| {
            nav::remember_folded(!*folded);
            folded.set(!*folded);
        })
    };
    {
        let (fold, route) = (fold.clone(), (*route).clone());
        use_commands(Layer::App, move |command| {
            match command {
                Command::Palette => overlay::open(Overlay::Palette),
                Command::Help => overlay::open(Overlay::Help),
                Command::Undo => undo::take_back(i18n, None),
                Command::New => route::go(match &route {
                    Route::Knowledge { .. } | Route::NewArticle => Route::NewArticle,
                    Route::Incidents { .. } | Route::NewIncident { .. } | Route::IncidentMetrics => {
                        Route::NewIncident { ticket: None }
                    }
                    _ => Route::NewTicket,
                }),
                Command::GoTickets => route::go(Route::default()),
                Command::GoKnowledge => route::go(Route::Knowledge { open: None, editing: false }),
                Command::GoIncidents => route::go(Route::Incidents { open: None }),
                Command::GoAlerts => route::go(Route::Alerts),
                Command::FoldNavigation => fold.emit(()),
                Command::Search => {
                    // On a page without a search field of its own, the palette searches.
                    overlay::open(Overlay::Palette);
                }
                Command::Back => match &route {
                    Route::NewTicket => route::go(Route::default()),
                    Route::NewArticle => route::go(Route::Knowledge { open: None, editing: false }),
                    Route::NewIncident { ticket: Some(ticket) } => route::go(Route::ticket(*ticket)),
                    Route::NewIncident { ticket: None } | Route::IncidentMetrics => {
                        route::go(Route::Incidents { open: None });
                    }
                    Route::AlertSettings => route::go(Route::Alerts),
                    Route::Sla | Route::Detection => route::go(Route::Settings),
                    _ => return false,
                },
                _ => return false,
            }
            true
        });
    }

    // The ticket list says by itself when its rows are painted.
    use_effect_with(matches!(*route, Route::Tickets { .. }), |is_list| {
        if !is_list {
            ready::painted("page");
        }
    });

    let page = match &*route {
        Route::Tickets { query, open } => html! {
            <div class="panes" data-open={open.is_some().to_string()}>
                <TicketList query={query.clone()} open={*open} />
                if let Some(id) = *open {
                    <TicketPage {id} />
                }
            </div>
        },
        Route::NewTicket => html! { <NewTicketPage /> },
        Route::Knowledge { open, editing } => html! { <KnowledgePage open={*open} editing={*editing} /> },
        Route::NewArticle => html! { <NewArticlePage /> },
        Route::Incidents { open } => html! { <IncidentsPage open={*open} /> },
        Route::NewIncident { ticket } => html! { <NewIncidentPage ticket={*ticket} /> },
        Route::IncidentMetrics => html! { <IncidentMetricsPage /> },
        Route::OnCall => html! { <OnCallPage /> },
        Route::Alerts => html! { <AlertsPage /> },
        Route::AlertSettings => html! { <AlertSettingsPage /> },
        Route::Rejected => html! { <RejectedPage /> },
        Route::Sync => html! { <SyncPage /> },
        Route::Sla => html! { <SlaPage /> },
        Route::Detection => html! { <DetectionPage /> },
        Route::Settings => html! { <SettingsPage on_session={props.on_session.clone()} /> },
    };
    html! {
        <div class="frame" data-nav={if *folded { "folded" } else { "open" }} data-testid="frame">
            <Nav on_fold={fold} />
            <main class="main">
                if let Some(error) = &session.read_only {
                    <p class="banner" role="alert" data-testid="read-only">{ i18n.error(error) }</p>
                }
                { page }
            </main>
            <StatusLine />
            <OverlayHost />
        </div>
    }
}
