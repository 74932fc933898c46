//! Linux: the notification daemon of the session bus (freedesktop.org Desktop Notifications 1.2), the tray through
//! `StatusNotifierItem`.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use tauri::WebviewWindow;
use zbus::{
    MatchRule,
    blocking::{Connection, MessageIterator, fdo::DBusProxy},
    message::Type,
    names::BusName,
    zvariant::Value,
};

use super::{Answer, Answered, Banner, Platform, PlatformError};

const SERVICE: &str = "org.freedesktop.Notifications";
const PATH: &str = "/org/freedesktop/Notifications";
const TRAY: &str = "org.kde.StatusNotifierWatcher";
/// The daemon decides how long a banner stands.
const DAEMONS_CHOICE: i32 = -1;
/// It stands until somebody takes it away.
const FOREVER: i32 = 0;

/// The banners on the screen: the daemon's numbers by tag.
type Shown = Arc<Mutex<HashMap<String, u32>>>;

pub(super) struct System {
    answered: Answered,
    /// Made when it is first needed, and anew after it broke.
    connection: Mutex<Option<Connection>>,
    shown: Shown,
}

impl System {
    pub(super) fn new(answered: Answered) -> Self {
        Self { answered, connection: Mutex::new(None), shown: Shown::default() }
    }

    /// The connection to the session's bus, with a thread that listens to what becomes of banners.
    fn connection(&self) -> Result<Connection, zbus::Error> {
        let mut place = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(connection) = &*place {
            return Ok(connection.clone());
        }
        let connection = Connection::session()?;
        let rule = MatchRule::builder().msg_type(Type::Signal).interface(SERVICE)?.path(PATH)?.build();
        let signals = MessageIterator::for_match_rule(rule, &connection, Some(64))?;
        let (shown, answered) = (Arc::clone(&self.shown), Arc::clone(&self.answered));
        let listening = std::thread::Builder::new().name("notifications-heard".to_owned());
        listening
            .spawn(move || {
                for signal in signals.map_while(Result::ok) {
                    if let Some((tag, answer)) = heard(&signal, &shown) {
                        answered(&tag, answer);
                    }
                }
            })
            .map_err(|error| zbus::Error::InputOutput(Arc::new(error)))?;
        *place = Some(connection.clone());
        Ok(connection)
    }

    /// Calls the daemon; a connection that broke is made anew the next time.
    fn call<B>(&self, method: &str, body: &B) -> Result<zbus::Message, zbus::Error>
    where
        B: serde::Serialize + zbus::zvariant::DynamicType,
    {
        let reply = self.connection()?.call_method(Some(SERVICE), PATH, Some(SERVICE), method, body);
        if let Err(zbus::Error::InputOutput(_)) = &reply {
            *self.connection.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
        reply
    }
}

/// What a signal of the daemon says of one of our banners. One that went is forgotten.
fn heard(signal: &zbus::Message, shown: &Shown) -> Option<(String, Answer)> {
    let header = signal.header();
    let member = header.member()?;
    let body = signal.body();
    let (number, answer) = match member.as_str() {
        "ActionInvoked" => {
            let (number, action): (u32, String) = body.deserialize().ok()?;
            (number, Answer::of_action(&action))
        }
        "NotificationClosed" => {
            let (number, _reason): (u32, u32) = body.deserialize().ok()?;
            (number, Answer::Gone)
        }
        _ => return None,
    };
    let mut shown = shown.lock().unwrap_or_else(PoisonError::into_inner);
    let tag = shown.iter().find(|(_, shown)| **shown == number).map(|(tag, _)| tag.clone())?;
    if answer == Answer::Gone {
        shown.remove(&tag);
    }
    Some((tag, answer))
}

impl Platform for System {
    fn show(&self, banner: &Banner) -> Result<(), PlatformError> {
        let actions = [
            Answer::OPEN,
            banner.open.as_str(),
            Answer::ACKNOWLEDGE,
            banner.acknowledge.as_str(),
            Answer::SNOOZE,
            banner.snooze.as_str(),
        ];
        let mut hints: HashMap<&str, Value<'_>> = HashMap::from([
            ("urgency", Value::U8(if banner.urgent { 2 } else { 1 })),
            ("category", Value::from("im.received")),
            ("desktop-entry", Value::from("workernet-desk")),
        ]);
        if banner.sound {
            hints.insert("sound-name", Value::from("message-new-instant"));
        } else {
            hints.insert("suppress-sound", Value::Bool(true));
        }
        let timeout = if banner.urgent { FOREVER } else { DAEMONS_CHOICE };
        // Held while the daemon is asked: what becomes of the banner is heard once its number is known.
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        let replaces = shown.get(&banner.tag).copied().unwrap_or(0);
        let reply = self.call(
            "Notify",
            // A slice, which is an array on the bus; a Rust array would be a structure there.
            &(
                "WorkerNet Desk",
                replaces,
                "",
                &banner.title,
                escape(&banner.body),
                actions.as_slice(),
                hints,
                timeout,
            ),
        )?;
        let number: u32 = reply.body().deserialize()?;
        shown.insert(banner.tag.clone(), number);
        Ok(())
    }

    fn withdraw(&self, tag: &str) -> Result<(), PlatformError> {
        // Forgotten first, so that its going is no answer.
        let number = self.shown.lock().unwrap_or_else(PoisonError::into_inner).remove(tag);
        let Some(number) = number else { return Ok(()) };
        match self.call("CloseNotification", &(number,)) {
            // The daemon says so when the banner is gone already.
            Ok(_) | Err(zbus::Error::MethodError(..)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn has_tray(&self) -> bool {
        let asked = || {
            let bus = DBusProxy::new(&self.connection()?)?;
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
