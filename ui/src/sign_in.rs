//! The sign-in page.

use desk_api::{
    ApiError, ErrorCode,
    call::SignIn,
    view::{LastSignIn, SessionView},
};
use yew::prelude::*;

use crate::{
    bridge,
    i18n::{I18n, use_i18n},
    settings::LanguageChoice,
    widgets::{
        field::on_text,
        icons::{Glyph, glyph},
    },
};

/// Properties of [`SignInPage`] and [`SignInForm`].
#[derive(Clone, Debug, PartialEq, Properties)]
pub(crate) struct SignInProps {
    /// What the form is filled with.
    pub(crate) last: Option<LastSignIn>,
    /// Why one was signed out, or why the session cannot be read.
    pub(crate) problem: Option<ApiError>,
    /// Told of the session.
    pub(crate) on_session: Callback<SessionView>,
}

#[derive(Clone, Debug, PartialEq)]
struct Form {
    server: String,
    workspace: String,
    email: String,
    password: String,
}

/// Server, workspace, address, password.
#[component]
pub(crate) fn SignInForm(props: &SignInProps) -> Html {
    let i18n = use_i18n();
    let form = use_state(|| {
        let last = props.last.clone().unwrap_or(LastSignIn {
            server: String::new(),
            workspace: String::new(),
            email: String::new(),
        });
        Form { server: last.server, workspace: last.workspace, email: last.email, password: String::new() }
    });
    let problem = use_state(|| None::<ApiError>);
    let busy = use_state(|| false);

    let onsubmit = {
        let (form, problem, busy, on_session) =
            (form.clone(), problem.clone(), busy.clone(), props.on_session.clone());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            if *busy {
                return;
            }
            busy.set(true);
            problem.set(None);
            let Form { server, workspace, email, password } = (*form).clone();
            let request = SignIn {
                server: full_address(&server),
                workspace: workspace.trim().to_owned(),
                email: email.trim().to_owned(),
                password,
            };
            let (problem, busy, on_session) = (problem.clone(), busy.clone(), on_session.clone());
            bridge::spawn(async move {
                let reply = bridge::call(request).await;
                busy.set(false);
                match reply {
                    Ok(session) => on_session.emit(session),
                    Err(error) => problem.set(Some(error)),
                }
            });
        })
    };
    let field = |set: fn(&mut Form, String)| {
        let form = form.clone();
        on_text(move |text| {
            let mut next = (*form).clone();
            set(&mut next, text);
            form.set(next);
        })
    };
    let shown = (*problem).clone().or_else(|| props.problem.clone());
    let bad =
        |name: &str| shown.as_ref().is_some_and(|error| error.field.as_deref() == Some(name)).to_string();
    html! {
        <form class="sign-in-form" {onsubmit} data-testid="sign-in-form">
            <label class="stack">
                <span>{ i18n.t("server") }</span>
                <input class="input" type="text" inputmode="url" required=true autocomplete="url" spellcheck="false"
                    placeholder="https://desk.example.org" value={form.server.clone()} aria-invalid={bad("server")}
                    oninput={field(|form, text| form.server = text)} data-testid="sign-in-server" />
            </label>
            <label class="stack">
                <span>{ i18n.t("workspace") }</span>
                <input class="input" type="text" required=true autocomplete="organization" spellcheck="false"
                    value={form.workspace.clone()} aria-invalid={bad("workspace")}
                    oninput={field(|form, text| form.workspace = text)} data-testid="sign-in-workspace" />
            </label>
            <label class="stack">
                <span>{ i18n.t("email") }</span>
                <input class="input" type="email" required=true autocomplete="username" value={form.email.clone()}
                    aria-invalid={bad("email")} oninput={field(|form, text| form.email = text)}
                    data-testid="sign-in-email" />
            </label>
            <label class="stack">
                <span>{ i18n.t("password") }</span>
                <input class="input" type="password" required=true autocomplete="current-password"
                    value={form.password.clone()} aria-invalid={bad("password")}
                    oninput={field(|form, text| form.password = text)} data-testid="sign-in-password" />
            </label>
            if let Some(error) = shown.as_ref().filter(|error| ended(i18n, error).is_none()) {
                <p class="problem" role="alert" data-testid="sign-in-problem"
                    data-code={crate::i18n::error_word(error.code)}>{ i18n.error(error) }</p>
            }
            <button class="button button-main" type="submit" disabled={*busy} data-testid="sign-in-submit">
                { if *busy { i18n.t("sign-in-busy") } else { i18n.t("sign-in") } }
            </button>
        </form>
    }
}

/// What is said of an access that was taken away beside the error itself: the heading, and what to do.
fn ended(i18n: I18n, error: &ApiError) -> Option<(String, String)> {
    match error.code {
        ErrorCode::DeviceRevoked => Some((i18n.t("ended-device"), i18n.t("ended-device-todo"))),
        ErrorCode::AccessEnded => Some((i18n.t("ended-access"), i18n.t("ended-access-todo"))),
        _ => None,
    }
}

/// The page.
#[component]
pub(crate) fn SignInPage(props: &SignInProps) -> Html {
    let i18n = use_i18n();
    html! {
        <main class="sign-in" data-testid="sign-in-page">
            <div class="sign-in-card">
                <h1>{ "WorkerNet Desk" }</h1>
                if let Some((error, (title, todo))) = props.problem.as_ref().and_then(|error| Some((error, ended(i18n, error)?))) {
                    <section class="sign-in-ended" role="alert" data-testid="sign-in-ended"
                        data-code={crate::i18n::error_word(error.code)}>
                        <h2>{ glyph(Glyph::Warning) }{ title }</h2>
                        <p>{ i18n.error(error) }</p>
                        <p>{ i18n.t("ended-kept") }</p>
                        <p>{ todo }</p>
                    </section>
                }
                <SignInForm last={props.last.clone()} problem={props.problem.clone()} on_session={props.on_session.clone()} />
                <div class="sign-in-language"><LanguageChoice /></div>
            </div>
        </main>
    }
}

/// An address as people type it, without its scheme, is meant with TLS; on this machine itself without.
fn full_address(typed: &str) -> String {
    let typed = typed.trim().trim_end_matches('/');
    if typed.is_empty() || typed.contains("://") {
        return typed.to_owned();
    }
    let host = typed.split([':', '/']).next().unwrap_or_default();
    let scheme = if matches!(host, "localhost" | "127.0.0.1") { "http" } else { "https" };
    format!("{scheme}://{typed}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_without_scheme_is_meant_with_tls() {
        for (typed, expected) in [
            (" desk.example.org/ ", "https://desk.example.org"),
            ("https://desk.example.org", "https://desk.example.org"),
            ("http://10.0.0.1:8080", "http://10.0.0.1:8080"),
            ("localhost:7700", "http://localhost:7700"),
            ("127.0.0.1:7700", "http://127.0.0.1:7700"),
            ("", ""),
        ] {
            assert_eq!(full_address(typed), expected);
        }
    }
}
