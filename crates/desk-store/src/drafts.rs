//! Texts that are being typed; they survive a kill.

use desk_api::view::Draft;
use desk_domain::time::UtcMillis;
use sqlx::Row;

use crate::{Batch, Store, StoreError};

impl Store {
    /// A draft, if there is one.
    pub async fn draft(&self, key: &str) -> Result<Option<Draft>, StoreError> {
        let mut held = self.quick_reader().await?;
        let row = sqlx::query("SELECT key, body, saved_at FROM drafts WHERE key = ?")
            .bind(key)
            .fetch_optional(held.conn()?)
            .await?;
        row.as_ref().map(draft).transpose()
    }

    /// All drafts, the newest first.
    pub async fn drafts(&self) -> Result<Vec<Draft>, StoreError> {
        let mut held = self.quick_reader().await?;
        let rows = sqlx::query("SELECT key, body, saved_at FROM drafts ORDER BY saved_at DESC, key")
            .fetch_all(held.conn()?)
            .await?;
        rows.iter().map(draft).collect()
    }

    /// Saves a draft; an empty body drops it.
    pub async fn save_draft(&self, draft: Draft) -> Result<(), StoreError> {
        let batch = if draft.body.is_empty() {
            Batch { drop_drafts: vec![draft.key], ..Batch::default() }
        } else {
            Batch { drafts: vec![draft], ..Batch::default() }
        };
        self.commit(&batch).await.map(|_| ())
    }
}

fn draft(row: &sqlx::sqlite::SqliteRow) -> Result<Draft, StoreError> {
    Ok(Draft { key: row.try_get(0)?, body: row.try_get(1)?, saved_at: UtcMillis(row.try_get(2)?) })
}
