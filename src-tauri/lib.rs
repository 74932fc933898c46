//! The shell: one window over the use-cases of `desk-app`.
//!
//! Wiring only: commands parse, call and map; events of the desk become events of the window; alerts become native
//! notifications whose activation comes back as an event.

mod commands;
mod events;
mod notifications;
mod sign_in;
mod state;
mod webview;

use std::{process::ExitCode, sync::Arc};

use desk_api::ApiError;
use desk_app::{Config, Desk, secrets::SystemKeychain};
use tauri::{App, AppHandle, Manager, RunEvent, WebviewWindow};
use tracing_subscriber::EnvFilter;

use state::{Open, Running};

/// Runs the application until its window is closed. To be called while the process has one thread.
pub fn run() -> ExitCode {
    webview::prepare();
    log_to_stderr();
    let mut builder = tauri::Builder::default();
    // Two stores may be open side by side; one store has one window.
    if std::env::var_os("DESK_DATA_DIR").is_none() {
        builder = builder.plugin(tauri_plugin_single_instance::init(|app, _, _| focus(app)));
    }
    let built = builder
        .setup(|app| {
            webview::keep_small(app);
            set_up(app);
            Ok(())
        })
        .invoke_handler(commands::handler())
        .build(tauri::generate_context!());
    match built {
        Ok(app) => {
            app.run(|app, event| {
                if let RunEvent::Exit = event {
                    close(app);
                }
            });
            ExitCode::SUCCESS
        }
        Err(error) => {
            tracing::error!(%error, "the window could not be opened");
            ExitCode::FAILURE
        }
    }
}

/// Opens the desk and begins what runs in the background. What cannot be opened is told by the window, so a failure here
/// does not end the application.
fn set_up(app: &mut App) {
    let handle = app.handle().clone();
    let opened: Result<Running, ApiError> = tauri::async_runtime::block_on(async {
        let desk = Desk::open(Config {
            data_dir: Desk::default_data_dir(),
            keychain: Box::new(SystemKeychain),
            must_exist: false,
        })
        .await?;
        sign_in::from_environment(&desk).await;
        let notifier = Arc::new(notifications::Native::new(handle.clone(), desk.clone()));
        events::forward(handle, &desk);
        Ok(Running { sync: desk.start_sync(), alerts: desk.start_alerts(notifier), desk })
    });
    if let Err(error) = &opened {
        tracing::error!(code = ?error.code, "the store could not be opened: {error}");
    }
    app.manage(Open::new(opened));
}

/// Lets go of the store before the process ends.
fn close(app: &AppHandle) {
    if let Ok(desk) = app.state::<Open>().desk() {
        tauri::async_runtime::block_on(desk.close());
    }
}

/// Brings the window to the front.
pub(crate) fn focus(app: &AppHandle) {
    let Some(window) = app.get_webview_window("main") else { return };
    let raised: tauri::Result<()> = raise(&window);
    if let Err(error) = raised {
        tracing::debug!(%error, "the window could not be raised");
    }
}

fn raise(window: &WebviewWindow) -> tauri::Result<()> {
    window.unminimize()?;
    window.show()?;
    window.set_focus()
}

/// `RUST_LOG` says how much; by default what a person who looks for a fault needs.
fn log_to_stderr() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info,zbus=warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
}
