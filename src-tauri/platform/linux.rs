//! Linux: the notification daemon of the session bus (freedesktop.org Desktop Notifications 1.2) through `notify-rust`, the tray
//! through `StatusNotifierItem`.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use notify_rust::{Hint, Notification, NotificationHandle, Timeout, Urgency};
use tauri::WebviewWindow;
use zbus::{
    blocking::{Connection, fdo::DBusProxy},
    names::BusName,
};

use super::{Answer, Answered, Banner, Platform, PlatformError};

/// What `notify-rust` calls the end of a banner that nobody answered.
const CLOSED: &str = "__closed";
const TRAY: &str = "org.kde.StatusNotifierWatcher";

const SERVICE: &str = "org.freedesktop.Notifications";
const PATH: &str = "/org/freedesktop/Notifications";

/// The banners on the screen: the daemon's numbers by tag.
type Shown = Arc<Mutex<HashMap<String, u32>>>;

pub(super) struct System {
    answered: Answered,
    shown: Shown,
}

impl System {
    pub(super) fn new(answered: Answered) -> Self {
        Self { answered, shown: Shown::default() }
    }

    /// Waits on a thread of its own for what becomes of a banner. Daemons tell nobody but the connection that showed it, and
    /// they tell the first answer; a banner that is answered goes.
    fn listen(&self, handle: NotificationHandle) -> Result<(), PlatformError> {
        let (shown, answered) = (Arc::clone(&self.shown), Arc::clone(&self.answered));
        let number = handle.id();
        let wait = move || {
            handle.wait_for_action(|action| {
                // One that took this one's place was answered already, or it was withdrawn.
                let Some(tag) = forget(&shown, number) else { return };
                if action != CLOSED {
                    answered(&tag, Answer::of_action(action));
                    if let Err(error) = close(number) {
                        tracing::warn!(%error, "a banner that was answered stays");
                    }
                }
                answered(&tag, Answer::Gone);
            });
        };
        let listening = std::thread::Builder::new().name("notification".to_owned());
        listening.spawn(wait).map(drop).map_err(PlatformError::Thread)
    }
}

/// Forgets the banner of this number and says what it was called; `None` when it is forgotten already.
fn forget(shown: &Shown, number: u32) -> Option<String> {
    let mut shown = shown.lock().unwrap_or_else(PoisonError::into_inner);
    let tag = shown.iter().find(|(_, shown)| **shown == number).map(|(tag, _)| tag.clone())?;
    shown.remove(&tag);
    Some(tag)
}

/// Takes a banner away by its number. That it is gone already is no error.
fn close(number: u32) -> Result<(), zbus::Error> {
    let asked = Connection::session()?.call_method(
        Some(SERVICE),
        PATH,
        Some(SERVICE),
        "CloseNotification",
        &(number,),
    );
    match asked {
        Ok(_) | Err(zbus::Error::MethodError(..)) => Ok(()),
        Err(error) => Err(error),
    }
}

impl Platform for System {
    fn show(&self, banner: &Banner) -> Result<(), PlatformError> {
        let mut notification = Notification::new();
        notification
            .appname("WorkerNet Desk")
            .summary(&banner.title)
            .body(&escape(&banner.body))
            .action(Answer::OPEN, &banner.open)
            .action(Answer::ACKNOWLEDGE, &banner.acknowledge)
            .action(Answer::SNOOZE, &banner.snooze)
            .urgency(if banner.urgent { Urgency::Critical } else { Urgency::Normal })
            // A breach waits for the person; how long anything else stands is the daemon's to say.
            .timeout(if banner.urgent { Timeout::Never } else { Timeout::Default })
            .hint(Hint::Category("im.received".to_owned()))
            .hint(Hint::DesktopEntry("workernet-desk".to_owned()))
            .hint(if banner.sound {
                Hint::SoundName("message-new-instant".to_owned())
            } else {
                Hint::SuppressSound(true)
            });
        // Held while the daemon is asked: what becomes of the banner is heard once its number is known.
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(before) = shown.get(&banner.tag) {
            notification.id(*before);
        }
        let handle = notification.show()?;
        shown.insert(banner.tag.clone(), handle.id());
        drop(shown);
        self.listen(handle)
    }

    fn withdraw(&self, tag: &str) -> Result<(), PlatformError> {
        // Forgotten first, so that its going is no answer.
        let number = self.shown.lock().unwrap_or_else(PoisonError::into_inner).remove(tag);
        number.map_or(Ok(()), |number| Ok(close(number)?))
    }

    fn has_tray(&self) -> bool {
        let asked = || {
            let bus = DBusProxy::new(&Connection::session()?)?;
            Ok::<_, zbus::Error>(bus.name_has_owner(BusName::try_from(TRAY)?)?)
        };
        asked().unwrap_or(false)
    }

    fn badge(&self, window: &WebviewWindow, open: u32) -> tauri::Result<()> {
        window.set_badge_count((open > 0).then_some(i64::from(open)))
    }
}

/// Daemons read the body as markup.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
