//! The root: asks for the session, listens to the shell, and shows the sign-in page or the frame.

use std::rc::Rc;

use desk_api::{ApiError, call::GetSession, view::SessionView};
use desk_domain::ids::DocKind;
use yew::prelude::*;

use crate::{
    bridge, clock, commands,
    frame::Frame,
    i18n::{I18n, format},
    live::{self, OPEN_ALERTS, use_changed},
    ready, route,
    session::Session,
    settings::{self, SETTINGS},
    sign_in::SignInPage,
    store::{StoreKey, use_store},
    widgets::{page::Problem, toast::Toasts},
};

/// Takes over what a session reply tells besides the session itself.
fn take_over(view: &SessionView) {
    clock::set(view.now);
    format::set_zone(view.zone_offsets.clone());
    live::sync_stands(view.sync.clone());
    OPEN_ALERTS.put(view.open_alerts);
    settings::apply(&view.settings);
}

/// The application.
#[component]
pub(crate) fn App() -> Html {
    let view = use_state(|| None::<SessionView>);
    let error = use_state(|| None::<ApiError>);
    let signed_out = use_state(|| None::<ApiError>);

    let on_session = {
        let (view, error) = (view.clone(), error.clone());
        Callback::from(move |session: SessionView| {
            take_over(&session);
            error.set(None);
            view.set(Some(session));
        })
    };
    let refresh = {
        let (on_session, error) = (on_session.clone(), error.clone());
        move || {
            let (on_session, error) = (on_session.clone(), error.clone());
            bridge::spawn(async move {
                match bridge::call(GetSession {}).await {
                    Ok(session) => on_session.emit(session),
                    Err(problem) => error.set(Some(problem)),
                }
            });
        }
    };
    {
        let (refresh, signed_out) = (refresh.clone(), signed_out.clone());
        use_effect_with((), move |()| {
            settings::start();
            commands::start();
            route::start();
            refresh();
            live::start(move |event| {
                signed_out.set(event.reason);
                refresh();
            });
        });
    }
    use_changed(&[DocKind::Workspace, DocKind::Personal], None, refresh);

    use_effect_with(error.is_some() && view.is_none(), |is_stuck| {
        if *is_stuck {
            ready::painted("failed");
        }
    });
    let is_signed_in = view.as_ref().map(|view| view.who.is_some());
    use_effect_with(is_signed_in, |is_signed_in| match is_signed_in {
        Some(false) => ready::painted("sign-in"),
        Some(true) => {
            live::count_soon();
            live::fetch_tags();
        }
        None => {}
    });

    let i18n = I18n { language: use_store(&SETTINGS).language };
    let Some(session_view) = &*view else {
        // Before the first reply there is nothing to show; it takes a moment shorter than a blink.
        return html! {
            <ContextProvider<I18n> context={i18n}>
                if let Some(error) = (*error).clone() {
                    <main class="sign-in"><Problem {error} /></main>
                }
            </ContextProvider<I18n>>
        };
    };
    let session = Rc::new(Session::from(session_view));
    let problem = (*error).clone().or_else(|| (*signed_out).clone()).or_else(|| session_view.ended.clone());
    html! {
        <ContextProvider<I18n> context={i18n}>
            <ContextProvider<Rc<Session>> context={session}>
                if session_view.who.is_some() {
                    <Frame on_session={on_session} />
                } else {
                    <SignInPage last={session_view.last_sign_in.clone()}
                        {problem} on_session={
                            let signed_out = signed_out.clone();
                            Callback::from(move |session| {
                                signed_out.set(None);
                                on_session.emit(session);
                            })
                        } />
                }
                <Toasts />
            </ContextProvider<Rc<Session>>>
        </ContextProvider<I18n>>
    }
}
