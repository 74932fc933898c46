//! Interface settings: kept on the device so that the first paint has them, and in the member's personal document so
//! that the next device has them too.

use desk_api::{
    ApiError, ErrorCode,
    view::{Presence, SessionView, Settings},
};
use desk_domain::edit::{Ops, PersonalOp};
use desk_store::Batch;

use crate::{Desk, error};

impl Desk {
    /// The interface's settings.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn settings(&self) -> Result<Settings, ApiError> {
        Ok(self.meta_json("settings").await?.unwrap_or_default())
    }

    /// Changes the interface's settings.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn save_settings(&self, settings: Settings) -> Result<SessionView, ApiError> {
        self.set_meta_json("settings", &settings).await?;
        if let Some(session) = self.signed_in() {
            let value = serde_json::to_string(&settings).map_err(error::internal)?;
            let op = PersonalOp::SetPreference { name: "interface".to_owned(), value };
            let kept = self.edit_ops(session.personal_doc, vec![op], Ops::Personal, Batch::default()).await;
            // Before the first sync the document is not here yet; the device has the settings all the same.
            if let Err(problem) = kept
                && problem.code != ErrorCode::NotFound
            {
                return Err(problem);
            }
        }
        self.session_view().await
    }

    /// How the application lives on this device, as it was chosen.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn presence(&self) -> Result<Presence, ApiError> {
        Ok(self.meta_json("presence").await?.unwrap_or_default())
    }

    /// Chooses how the application lives on this device.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn save_presence(&self, presence: Presence) -> Result<(), ApiError> {
        self.set_meta_json("presence", &presence).await
    }
}
