//! Signing in from the environment, for demonstrations and tests: `DESK_SIGN_IN` holds the form's fields as JSON. Only for
//! a server on this computer, or in a development build: a password has no place in the environment otherwise.

use desk_app::Desk;
use serde::Deserialize;

#[derive(Deserialize)]
struct SignIn {
    server: String,
    workspace: String,
    email: String,
    password: String,
}

/// Signs in if nobody is and the environment says how.
pub(crate) async fn from_environment(desk: &Desk) {
    let Some(text) = std::env::var("DESK_SIGN_IN").ok().filter(|_| desk.signed_in().is_none()) else {
        return;
    };
    let Ok(form) = serde_json::from_str::<SignIn>(&text) else {
        tracing::warn!("DESK_SIGN_IN is not of the form it should be");
        return;
    };
    if !cfg!(debug_assertions) && !on_this_computer(&form.server) {
        tracing::warn!("DESK_SIGN_IN is only for a server on this computer");
        return;
    }
    if let Err(error) = desk.sign_in(&form.server, &form.workspace, &form.email, &form.password).await {
        tracing::warn!(code = ?error.code, "signing in from the environment: {error}");
    }
}

fn on_this_computer(server: &str) -> bool {
    tauri::Url::parse(server)
        .is_ok_and(|url| matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]")))
}
