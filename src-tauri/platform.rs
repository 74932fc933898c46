//! What the three systems differ in: banners with actions, the tray, the count on the taskbar.
//!
//! Everything else of the shell is the same everywhere. `cargo xtask check-targets` type-checks all three adapters on Linux.

#[cfg(target_os = "linux")]
#[path = "platform/linux.rs"]
mod here;
#[cfg(target_os = "macos")]
#[path = "platform/macos.rs"]
mod here;
#[cfg(target_os = "windows")]
#[path = "platform/windows.rs"]
mod here;

use std::sync::Arc;

use tauri::WebviewWindow;

/// A banner in the member's language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Banner {
    /// Names it: one of the same name takes its place. At most 64 characters.
    pub(crate) tag: String,
    pub(crate) title: String,
    /// Plain text, lines apart.
    pub(crate) body: String,
    /// It waits for the person and comes through what the system holds back, as far as the system lets it.
    pub(crate) urgent: bool,
    pub(crate) sound: bool,
    /// What its actions are called.
    pub(crate) open: String,
    pub(crate) acknowledge: String,
    pub(crate) snooze: String,
}

/// What became of a banner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It was clicked, or its action to open was chosen.
    Open,
    Acknowledge,
    Snooze,
    /// It went away without an answer.
    #[cfg_attr(target_os = "windows", expect(dead_code, reason = "Windows does not tell of it"))]
    Gone,
}

impl Answer {
    /// The names by which systems give actions back. On macOS a click on the banner has one of the system's own.
    #[cfg(not(target_os = "macos"))]
    const OPEN: &str = "default";
    const ACKNOWLEDGE: &str = "acknowledge";
    const SNOOZE: &str = "snooze";

    /// From the name that the system gives back; a click on the banner itself has its own on each.
    fn of_action(name: &str) -> Self {
        match name {
            Self::ACKNOWLEDGE => Self::Acknowledge,
            Self::SNOOZE => Self::Snooze,
            _ => Self::Open,
        }
    }
}

/// Called with a banner's tag and what became of it, from any thread.
pub(crate) type Answered = Arc<dyn Fn(&str, Answer) + Send + Sync>;

/// Why the system did not do what it was asked to; the alert stands in the list all the same.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PlatformError {
    /// The notification daemon is not there or refuses.
    #[cfg(target_os = "linux")]
    #[error("the notification daemon: {0}")]
    Daemon(#[from] notify_rust::error::Error),
    /// The session's bus refuses.
    #[cfg(target_os = "linux")]
    #[error("the session's bus: {0}")]
    Bus(#[from] zbus::Error),
    /// The machine has no thread left.
    #[cfg(target_os = "linux")]
    #[error("no thread: {0}")]
    Thread(std::io::Error),
    /// The notification service refuses.
    #[cfg(target_os = "windows")]
    #[error("the notification service: {0}")]
    Toast(#[from] windows::core::Error),
    /// The notification center refuses.
    #[cfg(target_os = "macos")]
    #[error("the notification center: {0}")]
    Center(String),
}

/// A system's own ways. Calls may block for as long as the system takes to answer; they are made from one thread.
pub(crate) trait Platform: Send + Sync {
    /// Puts a banner on the screen, in the place of one with the same tag.
    fn show(&self, banner: &Banner) -> Result<(), PlatformError>;

    /// Takes a banner off the screen and out of the system's list. One that is gone already is no error.
    fn withdraw(&self, tag: &str) -> Result<(), PlatformError>;

    /// Whether there is a tray that shows icons now: a window is only hidden where it can be found again.
    fn has_tray(&self) -> bool;

    /// Shows the number of open alerts on the window's entry in the taskbar or dock, where the system has that.
    fn badge(&self, window: &WebviewWindow, open: u32) -> tauri::Result<()>;
}

/// The system that this was compiled for.
pub(crate) fn here(answered: Answered) -> Arc<dyn Platform> {
    Arc::new(here::System::new(answered))
}
