//! What the member wants to hear of and when not: kept in the personal document, with a copy on the device for the scheduler.

use desk_api::{ApiError, ErrorCode};
use desk_domain::{alert::AlertSettings, edit::PersonalOp, personal::ALERT_SETTINGS};
use desk_store::Batch;

use crate::{Desk, error};

/// The fact that keeps the member's alert settings on the device.
pub(crate) const SETTINGS_FACT: &str = "alert_settings";

impl Desk {
    /// The member's alert settings. Those that this program cannot use (a newer one wrote them) are as if there were none.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn alert_settings(&self) -> Result<AlertSettings, ApiError> {
        if let Some(json) = self.store().meta_text(SETTINGS_FACT).await.map_err(error::store)? {
            match AlertSettings::parse(&json) {
                Ok(settings) => return Ok(settings),
                Err(problem) => {
                    tracing::warn!(%problem, "the alert settings cannot be used; the standard ones hold");
                }
            }
        }
        let zone = self.workspace().map(|workspace| workspace.zone).unwrap_or_default();
        Ok(AlertSettings::standard(&zone))
    }

    /// Changes the member's alert settings on all of their devices; what waits is looked at again by the new ones.
    ///
    /// # Errors
    /// `invalid` with the reason when they cannot be used; when nobody is signed in.
    pub async fn save_alert_settings(&self, settings: &AlertSettings) -> Result<AlertSettings, ApiError> {
        settings.check().map_err(|problem| ApiError::new(ErrorCode::Invalid, problem.to_string()))?;
        let value = serde_json::to_string(settings).map_err(error::internal)?;
        let meta = vec![(SETTINGS_FACT.to_owned(), Some(value.clone().into_bytes()))];
        let op = PersonalOp::SetPreference { name: ALERT_SETTINGS.to_owned(), value };
        self.say(vec![op], Batch { meta, ..Batch::default() }).await?;
        self.alert_settings().await
    }
}
