//! Search over tickets, articles and incidents.

use desk_api::{ApiError, view::SearchHit};
use desk_domain::ids::DocKind;

use crate::{Desk, error};

impl Desk {
    /// What a text finds: the number first, then titles, then the rest; each group the newest first.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn search(
        &self,
        text: &str,
        limit: u32,
        kind: Option<DocKind>,
    ) -> Result<Vec<SearchHit>, ApiError> {
        self.store().search(text, limit, kind).await.map_err(error::store)
    }
}
