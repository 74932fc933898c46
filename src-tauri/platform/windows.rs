//! Windows: toasts of the action center, with buttons; an overlay on the taskbar's icon.

use std::sync::Arc;

use tauri::{WebviewWindow, image::Image};
use windows::{
    Data::Xml::Dom::XmlDocument,
    Foundation::TypedEventHandler,
    UI::Notifications::{ToastActivatedEventArgs, ToastNotification, ToastNotificationManager},
    core::{HSTRING, IInspectable, Interface},
};

use super::{Answer, Answered, Banner, Platform, PlatformError};

/// The application's model id: the installer's shortcut in the Start menu bears it, and toasts come in its name.
const APPLICATION: &str = "kz.workernet.desk";
/// Our toasts in the action center.
const GROUP: &str = "alerts";
/// The overlay's edge in pixels.
const OVERLAY: u32 = 16;

pub(super) struct System {
    answered: Answered,
}

impl System {
    pub(super) fn new(answered: Answered) -> Self {
        Self { answered }
    }
}

impl Platform for System {
    fn show(&self, banner: &Banner) -> Result<(), PlatformError> {
        let xml = XmlDocument::new()?;
        xml.LoadXml(&HSTRING::from(toast(banner)))?;
        let toast = ToastNotification::CreateToastNotification(&xml)?;
        toast.SetTag(&HSTRING::from(&banner.tag))?;
        toast.SetGroup(&HSTRING::from(GROUP))?;
        let (tag, answered) = (banner.tag.clone(), Arc::clone(&self.answered));
        toast.Activated(&TypedEventHandler::<ToastNotification, IInspectable>::new(move |_, args| {
            // A click on the toast itself has the argument of its `launch`, a button that of its own.
            let action = args
                .as_ref()
                .and_then(|args| args.cast::<ToastActivatedEventArgs>().ok())
                .and_then(|args| args.Arguments().ok());
            answered(&tag, Answer::of_action(&action.unwrap_or_default().to_string()));
            Ok(())
        }))?;
        // A toast that leaves the screen goes to the action center, where its buttons still work: it is gone only when we
        // withdraw it.
        ToastNotificationManager::CreateToastNotifierWithId(&HSTRING::from(APPLICATION))?.Show(&toast)?;
        Ok(())
    }

    fn withdraw(&self, tag: &str) -> Result<(), PlatformError> {
        let history = ToastNotificationManager::History()?;
        history.RemoveGroupedTagWithId(
            &HSTRING::from(tag),
            &HSTRING::from(GROUP),
            &HSTRING::from(APPLICATION),
        )?;
        Ok(())
    }

    fn has_tray(&self) -> bool {
        true
    }

    fn badge(&self, window: &WebviewWindow, open: u32) -> tauri::Result<()> {
        let dot = (open > 0).then(dot);
        window.set_overlay_icon(dot.as_ref().map(|dot| Image::new(dot, OVERLAY, OVERLAY)))
    }
}

/// The toast as the system wants to be told.
fn toast(banner: &Banner) -> String {
    let scenario = if banner.urgent { r#" scenario="reminder""# } else { "" };
    let audio = if banner.sound {
        r#"<audio src="ms-winsoundevent:Notification.IM"/>"#
    } else {
        r#"<audio silent="true"/>"#
    };
    let button = |label: &str, action: &str| {
        format!(r#"<action content="{}" arguments="{action}" activationType="foreground"/>"#, escape(label))
    };
    format!(
        r#"<toast launch="{}"{scenario}><visual><binding template="ToastGeneric"><text>{}</text><text>{}</text></binding></visual><actions>{}{}{}</actions>{audio}</toast>"#,
        Answer::OPEN,
        escape(&banner.title),
        escape(&banner.body),
        button(&banner.open, Answer::OPEN),
        button(&banner.acknowledge, Answer::ACKNOWLEDGE),
        button(&banner.snooze, Answer::SNOOZE),
    )
}

fn escape(text: &str) -> String {
    // What XML cannot say at all would make the whole toast fail.
    let sayable = text.chars().filter(|letter| !letter.is_control() || matches!(letter, '\n' | '\t'));
    let text: String = sayable.collect();
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// A red dot, RGBA.
fn dot() -> Vec<u8> {
    const RED: [u8; 4] = [0xd3, 0x2f, 0x2f, 0xff];
    let middle = i64::from(OVERLAY - 1);
    (0..OVERLAY * OVERLAY)
        .flat_map(|at| {
            // In half pixels from the middle.
            let (x, y) = (i64::from(at % OVERLAY) * 2 - middle, i64::from(at / OVERLAY) * 2 - middle);
            if x * x + y * y <= middle * middle { RED } else { [0; 4] }
        })
        .collect()
}
