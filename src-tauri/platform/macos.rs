//! macOS: the user notification center, with actions; the count on the dock's icon.

use std::sync::{Arc, Once};

use mac_usernotifications::{
    Action, InterruptionLevel, Notification, NotificationResponse, check_bundle, close_delivered,
    request_auth,
};
use tauri::WebviewWindow;

use super::{Answer, Answered, Banner, Platform, PlatformError};

pub(super) struct System {
    answered: Answered,
    /// The person is asked once whether notifications may be shown.
    asked: Once,
}

impl System {
    pub(super) fn new(answered: Answered) -> Self {
        Self { answered, asked: Once::new() }
    }
}

impl Platform for System {
    fn show(&self, banner: &Banner) -> Result<(), PlatformError> {
        // Without a bundle (a program that was started from a terminal) the center would end the process.
        check_bundle().map_err(|error| PlatformError::Center(error.to_string()))?;
        self.asked.call_once(|| {
            if let Err(error) = tauri::async_runtime::block_on(request_auth()) {
                tracing::warn!(%error, "notifications are not allowed");
            }
        });
        let mut notification = Notification::new()
            .id(&banner.tag)
            .title(&banner.title)
            .message(&banner.body)
            .action(Action::button(Answer::ACKNOWLEDGE, &banner.acknowledge))
            .action(Action::button(Answer::SNOOZE, &banner.snooze));
        if banner.sound {
            notification = notification.default_sound();
        }
        if banner.urgent {
            notification = notification.interruption_level(InterruptionLevel::TimeSensitive);
        }
        let (tag, answered) = (banner.tag.clone(), Arc::clone(&self.answered));
        let sent = tauri::async_runtime::block_on(notification.send())
            .map_err(|error| PlatformError::Center(error.to_string()))?;
        tauri::async_runtime::spawn(async move {
            // An error is a notification that another one took the place of.
            if let Ok(response) = sent.response().await {
                answered(&tag, answer(&response));
            }
        });
        Ok(())
    }

    fn withdraw(&self, tag: &str) -> Result<(), PlatformError> {
        tauri::async_runtime::block_on(close_delivered(tag));
        Ok(())
    }

    fn has_tray(&self) -> bool {
        true
    }

    fn badge(&self, window: &WebviewWindow, open: u32) -> tauri::Result<()> {
        window.set_badge_count((open > 0).then_some(i64::from(open)))
    }
}

fn answer(response: &NotificationResponse) -> Answer {
    if response.is_dismiss_action() || response.is_timed_out() {
        Answer::Gone
    } else {
        Answer::of_action(&response.action_identifier)
    }
}
