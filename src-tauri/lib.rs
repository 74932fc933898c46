//! The shell: one window over the use-cases of `desk-app`.
//!
//! Wiring only: commands parse, call and map; events of the desk become events of the window; alerts become native
//! notifications whose activation comes back as an event.

mod commands;
mod deep_links;
mod events;
mod notifications;
mod platform;
mod presence;
mod sign_in;
mod state;
mod tray;
mod webview;
mod window;

use std::{process::ExitCode, sync::Arc, time::Duration};

use desk_api::ApiError;
use desk_app::{Config, Desk, secrets::SystemKeychain};
use tauri::{App, AppHandle, Manager, RunEvent};
use tracing_subscriber::EnvFilter;

use notifications::{Banners, Native};
use state::{Open, Running, System};

/// Runs the application until it is told to end. To be called while the process has one thread.
pub fn run() -> ExitCode {
    webview::prepare();
    log_to_stderr();
    let arguments: Vec<String> = std::env::args().collect();
    let built = tauri::Builder::default()
        .plugin(only_one())
        .plugin(tauri_plugin_autostart::Builder::new().arg(presence::AUTOSTARTED).build())
        .manage(presence::Chosen::default())
        .manage(tray::Tray::default())
        .manage(events::Ear::default())
        .setup(move |app| {
            set_up(app, &arguments)?;
            Ok(())
        })
        .on_window_event(window::heed)
        .invoke_handler(commands::handler())
        .build(tauri::generate_context!());
    match built {
        Ok(app) => {
            app.run(|app, event| match event {
                RunEvent::Exit => close(app),
                #[cfg(target_os = "macos")]
                RunEvent::Opened { urls } => {
                    if let Some(url) = urls.first() {
                        deep_links::follow(app, url.as_str());
                    }
                }
                // A click on the dock's icon.
                #[cfg(target_os = "macos")]
                RunEvent::Reopen { .. } => window::open(app),
                _ => {}
            });
            ExitCode::SUCCESS
        }
        Err(error) => {
            tracing::error!(%error, "the window could not be opened");
            ExitCode::FAILURE
        }
    }
}

/// One store has one window: a second start raises the first one's and hands it the link that it was started with. Stores that
/// `DESK_DATA_DIR` names may be open side by side.
fn only_one() -> tauri::plugin::TauriPlugin<tauri::Wry> {
    let builder = tauri_plugin_single_instance::Builder::new().callback(|app, arguments, _| {
        match deep_links::among(&arguments) {
            Some(link) => deep_links::follow(app, link),
            None => window::open(app),
        }
    });
    match std::env::var_os("DESK_DATA_DIR").filter(|dir| !dir.is_empty()) {
        None => builder.build(),
        Some(dir) => only_one_of(builder, &dir),
    }
}

/// On Linux the name on the bus tells stores apart.
#[cfg(target_os = "linux")]
fn only_one_of(
    builder: tauri_plugin_single_instance::Builder<tauri::Wry>,
    dir: &std::ffi::OsStr,
) -> tauri::plugin::TauriPlugin<tauri::Wry> {
    use std::hash::{DefaultHasher, Hash, Hasher};

    let mut hasher = DefaultHasher::new();
    std::path::absolute(dir).unwrap_or_else(|_| dir.into()).hash(&mut hasher);
    builder.dbus_id(format!("kz.workernet.desk.s{:x}", hasher.finish())).build()
}

/// Elsewhere the plugin knows one name alone, so stores that are named are not guarded.
#[cfg(not(target_os = "linux"))]
fn only_one_of(
    _: tauri_plugin_single_instance::Builder<tauri::Wry>,
    _: &std::ffi::OsStr,
) -> tauri::plugin::TauriPlugin<tauri::Wry> {
    tauri::plugin::Builder::new("single-instance").build()
}

/// Opens the desk, begins what runs in the background, and shows the window unless it was asked not to. What cannot be opened is
/// told by the window, so that does not end the application.
fn set_up(app: &mut App, arguments: &[String]) -> tauri::Result<()> {
    let handle = app.handle().clone();
    let banners = Banners::default();
    let platform = platform::here({
        let (app, banners) = (handle.clone(), banners.clone());
        Arc::new(move |tag, answer| {
            if let Some(Ok(desk)) = app.try_state::<Open>().as_ref().map(|open| open.desk()) {
                notifications::answered(&app, desk, &banners, tag, answer);
            }
        })
    });
    app.manage(System(Arc::clone(&platform)));
    let opened: Result<Running, ApiError> = tauri::async_runtime::block_on(async {
        let desk = Desk::open(Config {
            data_dir: Desk::default_data_dir(),
            keychain: Box::new(SystemKeychain),
            must_exist: false,
        })
        .await?;
        desk.prepare_lists_in_background();
        sign_in::from_environment(&desk).await;
        let notifier = Native::new(desk.clone(), platform, banners)
            .map_err(|error| ApiError::new(desk_api::ErrorCode::Internal, error.to_string()))?;
        events::forward(handle.clone(), &desk);
        // The program may have ended in the middle of it.
        desk.rederive_in_background();
        Ok(Running { sync: desk.start_sync(), alerts: desk.start_alerts(Arc::new(notifier)), desk })
    });
    if let Err(error) = &opened {
        tracing::error!(code = ?error.code, "the store could not be opened: {error}");
    }
    let chosen = match &opened {
        Ok(running) => tauri::async_runtime::block_on(running.desk.presence()).unwrap_or_default(),
        Err(_) => desk_api::view::Presence::default(),
    };
    app.manage(Open::new(opened));
    presence::adopt(&handle, chosen);
    if !presence::starts_hidden(arguments, chosen) {
        window::raise(&handle)?;
    }
    if let Some(link) = deep_links::among(arguments) {
        deep_links::follow(&handle, link);
    }
    await_tray(handle);
    Ok(())
}

/// At sign-in the application may be there before the panel with the tray is.
fn await_tray(app: AppHandle) {
    const LOOKS: u32 = 20;
    const EVERY: Duration = Duration::from_secs(3);
    tauri::async_runtime::spawn(async move {
        for _ in 0..LOOKS {
            if tray::is_there(&app) {
                return;
            }
            tray::follow(&app);
            tokio::time::sleep(EVERY).await;
        }
    });
}

/// Lets go of the store before the process ends.
fn close(app: &AppHandle) {
    if let Ok(desk) = app.state::<Open>().desk() {
        tauri::async_runtime::block_on(desk.close());
    }
}

/// `RUST_LOG` says how much; by default what a person who looks for a fault needs.
fn log_to_stderr() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info,zbus=warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
}
