//! What the commands find: the open desk, or why there is none.

use std::sync::{Arc, Mutex, PoisonError};

use desk_api::ApiError;
use desk_app::{AlertScheduler, Cancel, Desk, SyncDriver};

use crate::platform::Platform;

/// The system that the application runs on.
pub(crate) struct System(pub(crate) Arc<dyn Platform>);

/// The desk with its background tasks, which end when this is dropped.
pub(crate) struct Running {
    pub(crate) desk: Desk,
    #[expect(dead_code, reason = "kept for as long as it shall run")]
    pub(crate) sync: SyncDriver,
    #[expect(dead_code, reason = "kept for as long as it shall run")]
    pub(crate) alerts: AlertScheduler,
}

/// The result of opening the store at the start.
pub(crate) struct Open {
    opened: Result<Running, ApiError>,
    /// Stops the preview that is under way.
    preview: Mutex<Cancel>,
}

impl Open {
    pub(crate) fn new(opened: Result<Running, ApiError>) -> Self {
        Self { opened, preview: Mutex::default() }
    }

    /// Ends the preview that is under way; what comes back stops the next one.
    pub(crate) fn begin_preview(&self) -> Cancel {
        let mut preview = self.preview.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *preview).cancel();
        preview.clone()
    }

    /// The desk, or why it could not be opened: every command answers with that then.
    pub(crate) fn desk(&self) -> Result<&Desk, ApiError> {
        self.opened.as_ref().map(|running| &running.desk).map_err(Clone::clone)
    }
}
