//! Where imported documents came from.

use desk_domain::ids::DocId;

use crate::{Store, StoreError, codes};

impl Store {
    /// The document that was imported from `system` under `key`. When two devices imported the same, the one with the
    /// smaller id, so that every device names the same one.
    pub async fn find_source(&self, system: &str, key: &str) -> Result<Option<DocId>, StoreError> {
        const SQL: &str = "SELECT min(d.id) FROM sources s JOIN documents d ON d.doc = s.doc \
             WHERE s.system = ? AND s.key = ?";
        let mut held = self.quick_reader().await?;
        let id: Option<Vec<u8>> =
            sqlx::query_scalar(SQL).bind(system).bind(key).fetch_one(held.conn()?).await?;
        id.as_deref().map(codes::id_from).transpose()
    }
}
