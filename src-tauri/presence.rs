//! How the application lives apart from its window: started with the computer, hidden, in the tray.

use std::sync::atomic::{AtomicBool, Ordering};

use desk_api::{
    ApiError, ErrorCode,
    view::{Presence, PresenceView},
};
use desk_app::Desk;
use tauri::{AppHandle, Manager};
use tauri_plugin_autostart::ManagerExt;

use crate::state::System;

/// Start without a window.
const HIDDEN: &str = "--hidden";
/// Said by the system when it starts the application at sign-in.
pub(crate) const AUTOSTARTED: &str = "--autostarted";

/// What the window's closing asks for, which must not wait for the store.
#[derive(Default)]
pub(crate) struct Chosen {
    close_to_tray: AtomicBool,
}

/// Whether the application starts without a window, by its arguments.
pub(crate) fn starts_hidden(arguments: &[String], presence: Presence) -> bool {
    let said = |name: &str| arguments.iter().any(|argument| argument == name);
    said(HIDDEN) || (said(AUTOSTARTED) && presence.start_hidden)
}

/// Takes over what was chosen.
pub(crate) fn adopt(app: &AppHandle, presence: Presence) {
    app.state::<Chosen>().close_to_tray.store(presence.close_to_tray, Ordering::Relaxed);
}

/// Whether closing the window leaves the application running.
pub(crate) fn stays_when_closed(app: &AppHandle) -> bool {
    app.state::<Chosen>().close_to_tray.load(Ordering::Relaxed) && app.state::<System>().0.has_tray()
}

/// How it stands; whether the system starts the application is asked of the system.
pub(crate) async fn view(app: &AppHandle, desk: &Desk) -> Result<PresenceView, ApiError> {
    let mut presence = desk.presence().await?;
    presence.autostart = app.autolaunch().is_enabled().unwrap_or(false);
    Ok(PresenceView { presence, has_tray: app.state::<System>().0.has_tray() })
}

/// Changes it.
pub(crate) async fn save(app: &AppHandle, desk: &Desk, presence: Presence) -> Result<PresenceView, ApiError> {
    let autolaunch = app.autolaunch();
    let is_on = autolaunch.is_enabled().unwrap_or(false);
    let done = match (is_on, presence.autostart) {
        (false, true) => autolaunch.enable(),
        (true, false) => autolaunch.disable(),
        (true, true) | (false, false) => Ok(()),
    };
    done.map_err(|error| {
        ApiError::new(ErrorCode::Internal, format!("the system's list of what starts by itself: {error}"))
    })?;
    desk.save_presence(presence).await?;
    adopt(app, presence);
    view(app, desk).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_stays_away_only_where_that_was_asked_for() {
        let check = |arguments: &[&str], start_hidden, expected| {
            let arguments: Vec<String> = arguments.iter().map(|&argument| argument.to_owned()).collect();
            let presence = Presence { start_hidden, ..Presence::default() };
            assert_eq!(starts_hidden(&arguments, presence), expected, "{arguments:?}");
        };
        check(&["desk"], true, false);
        check(&["desk", "--hidden"], false, true);
        check(&["desk", "--autostarted"], true, true);
        check(&["desk", "--autostarted"], false, false);
    }
}
