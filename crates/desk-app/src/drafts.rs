//! What is being typed; it survives a kill.

use desk_api::{ApiError, view::Draft};

use crate::{Desk, error};

impl Desk {
    /// A draft, if there is one.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn draft(&self, key: &str) -> Result<Option<Draft>, ApiError> {
        self.store().draft(key).await.map_err(error::store)
    }

    /// Saves a draft; an empty body drops it.
    ///
    /// # Errors
    /// When nobody is signed in (what was typed before must not reach the store that took an erased one's place), or the
    /// store cannot be written.
    pub async fn save_draft(&self, key: String, body: String) -> Result<(), ApiError> {
        self.require_writable()?;
        let _writing = self.inner.writing.lock().await;
        self.require_session()?;
        self.store().save_draft(Draft { key, body, saved_at: self.now() }).await.map_err(error::store)
    }
}
