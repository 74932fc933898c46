//! The window: made when it is first to be seen, hidden to the tray when it is closed.

use tauri::{AppHandle, Manager, WebviewWindow, WebviewWindowBuilder, Window, WindowEvent};

use crate::{presence, tray, webview};

const LABEL: &str = "main";

/// The window, if it was made.
pub(crate) fn get(app: &AppHandle) -> Option<WebviewWindow> {
    app.get_webview_window(LABEL)
}

/// Brings the window to the front, from any thread; makes it if it was never seen.
pub(crate) fn open(app: &AppHandle) {
    let handle = app.clone();
    let asked = app.run_on_main_thread(move || {
        if let Err(error) = raise(&handle) {
            tracing::error!(%error, "the window could not be raised");
        }
    });
    if let Err(error) = asked {
        tracing::debug!(%error, "the application is ending");
    }
}

/// As [`open`], on the main thread.
pub(crate) fn raise(app: &AppHandle) -> tauri::Result<()> {
    if let Some(window) = get(app) {
        window.unminimize()?;
        window.show()?;
        return window.set_focus();
    }
    let Some(config) = app.config().app.windows.iter().find(|config| config.label == LABEL) else {
        return Err(tauri::Error::WindowNotFound);
    };
    let window = WebviewWindowBuilder::from_config(app, config)?.build()?;
    webview::keep_small(&window);
    tray::follow(app);
    Ok(())
}

/// Closing leaves the application in the tray where that was chosen and there is one.
pub(crate) fn heed(window: &Window, event: &WindowEvent) {
    let WindowEvent::CloseRequested { api, .. } = event else { return };
    let app = window.app_handle();
    if presence::stays_when_closed(app) {
        api.prevent_close();
        if let Err(error) = window.hide() {
            tracing::warn!(%error, "the window could not be hidden");
        }
    }
}
