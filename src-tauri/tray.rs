//! The tray icon: a menu, the number of open alerts, and a dot while there are any.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicU32, Ordering},
};

use desk_api::event::OpenAlerts;
use tauri::{
    AppHandle, Manager, Wry,
    image::Image,
    menu::{Menu, MenuEvent, MenuItem, PredefinedMenuItem},
    tray::{MouseButton, MouseButtonState, TrayIcon, TrayIconBuilder, TrayIconEvent},
};

use crate::{
    events,
    notifications::{self, Words},
    state::{Open, System},
    window,
};

const OPEN: &str = "open";
const ALERTS: &str = "alerts";
const QUIT: &str = "quit";

/// What is kept of the tray for as long as the application runs.
#[derive(Default)]
pub(crate) struct Tray {
    /// Open alerts, as last told.
    open: AtomicU32,
    made: Mutex<Option<Made>>,
}

/// Handles of what changes.
#[derive(Clone)]
struct Made {
    icon: TrayIcon,
    open: MenuItem<Wry>,
    alerts: MenuItem<Wry>,
    quit: MenuItem<Wry>,
}

/// Whether the icon was made.
pub(crate) fn is_there(app: &AppHandle) -> bool {
    app.state::<Tray>().made.lock().unwrap_or_else(PoisonError::into_inner).is_some()
}

/// The number of open alerts is another one.
pub(crate) fn count(app: &AppHandle, open: u32) {
    app.state::<Tray>().open.store(open, Ordering::Relaxed);
    follow(app);
}

/// Brings tray and taskbar level with the number of open alerts and the member's language; makes the icon where there is a
/// tray by now. From any thread.
pub(crate) fn follow(app: &AppHandle) {
    let app = app.clone();
    tauri::async_runtime::spawn(async move {
        // Alerts may be told of before the desk is at hand; what follows brings the tray level again.
        let Some(open) = app.try_state::<Open>() else { return };
        let language = match open.desk() {
            Ok(desk) => notifications::language(desk).await,
            Err(_) => desk_api::view::Settings::default().language,
        };
        // Asking for the tray may wait for the bus: not on the main thread.
        let platform = app.state::<System>().0.clone();
        let has_tray =
            tauri::async_runtime::spawn_blocking(move || platform.has_tray()).await.unwrap_or(false);
        let handle = app.clone();
        let asked = app.run_on_main_thread(move || {
            if let Err(error) = show(&handle, &Words::new(language), has_tray) {
                tracing::warn!(%error, "the tray icon is not up to date");
            }
        });
        if let Err(error) = asked {
            tracing::debug!(%error, "the application is ending");
        }
    });
}

/// As [`follow`], on the main thread.
fn show(app: &AppHandle, words: &Words, has_tray: bool) -> tauri::Result<()> {
    let tray = app.state::<Tray>();
    let open = tray.open.load(Ordering::Relaxed);
    if let Some(window) = window::get(app) {
        app.state::<System>().0.badge(&window, open)?;
    }
    let mut place = tray.made.lock().unwrap_or_else(PoisonError::into_inner);
    if place.is_none() && has_tray {
        *place = Some(make(app)?);
    }
    let Some(made) = place.clone() else { return Ok(()) };
    drop(place);
    made.open.set_text(words.text("tray-open"))?;
    made.quit.set_text(words.text("tray-quit"))?;
    let told = if open > 0 { words.counted("tray-alerts", open) } else { words.text("tray-none") };
    made.alerts.set_text(&told)?;
    // Linux has no tooltip and Windows no title: each ignores what it does not have.
    made.icon.set_tooltip(Some(told))?;
    made.icon.set_title((open > 0).then(|| open.to_string()))?;
    if let Some(icon) = app.default_window_icon() {
        made.icon.set_icon(Some(if open > 0 { dotted(icon) } else { icon.clone() }))?;
    }
    Ok(())
}

fn make(app: &AppHandle) -> tauri::Result<Made> {
    let item = |id: &str| MenuItem::with_id(app, id, id, true, None::<&str>);
    let (open, alerts, quit) = (item(OPEN)?, item(ALERTS)?, item(QUIT)?);
    let menu = Menu::with_items(app, &[&open, &alerts, &PredefinedMenuItem::separator(app)?, &quit])?;
    let mut builder = TrayIconBuilder::with_id("desk")
        .menu(&menu)
        .show_menu_on_left_click(false)
        .on_menu_event(chosen)
        .on_tray_icon_event(clicked);
    if let Some(icon) = app.default_window_icon() {
        builder = builder.icon(icon.clone());
    }
    Ok(Made { icon: builder.build(app)?, open, alerts, quit })
}

#[expect(clippy::needless_pass_by_value, reason = "the toolkit hands events over")]
fn chosen(app: &AppHandle, event: MenuEvent) {
    match event.id().as_ref() {
        OPEN => window::open(app),
        ALERTS => {
            window::open(app);
            events::when_heard(app, OpenAlerts {});
        }
        QUIT => app.exit(0),
        _ => {}
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the toolkit hands events over")]
fn clicked(icon: &TrayIcon, event: TrayIconEvent) {
    if let TrayIconEvent::Click { button: MouseButton::Left, button_state: MouseButtonState::Up, .. } = event
    {
        window::open(icon.app_handle());
    }
}

/// The icon with a red dot in its lower right corner.
fn dotted(icon: &Image<'_>) -> Image<'static> {
    const RED: [u8; 4] = [0xd3, 0x2f, 0x2f, 0xff];
    let (width, height) = (icon.width(), icon.height());
    let mut pixels = icon.rgba().to_vec();
    let radius = i64::from(width.min(height)) / 4;
    let (middle_x, middle_y) = (i64::from(width) - radius, i64::from(height) - radius);
    for (pixel, at) in pixels.as_chunks_mut::<4>().0.iter_mut().zip(0_i64..) {
        let (x, y) = (at % i64::from(width) - middle_x, at / i64::from(width) - middle_y);
        if x * x + y * y <= radius * radius {
            *pixel = RED;
        }
    }
    Image::new_owned(pixels, width, height)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dot_covers_a_corner_and_leaves_the_rest() {
        let plain = Image::new_owned(vec![0; 32 * 32 * 4], 32, 32);
        let marked = dotted(&plain);
        let pixel = |x: usize, y: usize| marked.rgba()[(y * 32 + x) * 4..][..4].to_vec();
        assert_eq!(pixel(24, 24), [0xd3, 0x2f, 0x2f, 0xff]);
        assert_eq!(pixel(4, 4), [0; 4]);
    }
}
