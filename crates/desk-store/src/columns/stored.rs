//! The columns as one value in the store, so that a start reads that and what was written since, not every line.
//!
//! It is of some state long past and never wrong: its `rev` says what is to be read after it. Whoever had to read much writes
//! it anew.

use std::sync::atomic::Ordering;

use sqlx::{Row, SqliteConnection};

use super::Columns;
use crate::{
    Store, StoreError,
    commit::finish,
    documents::{Packed, pack},
};

/// Raised whenever [`Columns`] or what stands in them changes: what another version wrote is passed over.
const VERSION: u32 = 1;

/// The columns as they were stored last, if they can be used.
pub(super) async fn load(conn: &mut SqliteConnection) -> Result<Option<Columns>, StoreError> {
    const SQL: &str = "SELECT codec, raw_bytes, bytes FROM list_columns";
    let Some(row) = sqlx::query(SQL).fetch_optional(conn).await? else { return Ok(None) };
    let packed = Packed { codec: row.try_get(0)?, raw_bytes: row.try_get(1)?, bytes: row.try_get(2)? };
    Ok(packed.unpack().ok().and_then(|bytes| read(&bytes)))
}

fn read(bytes: &[u8]) -> Option<Columns> {
    // What follows another version may be of any shape.
    let (version, bytes) = postcard::take_from_bytes::<u32>(bytes).ok()?;
    if version != VERSION {
        return None;
    }
    postcard::from_bytes(bytes).ok().filter(Columns::is_whole)
}

impl Store {
    /// Stores the columns as they are now. That it did not work costs the next start some time, and nothing else.
    pub(super) async fn store_columns(&self) {
        match self.try_store_columns().await {
            Ok(()) | Err(StoreError::Closed) => {}
            Err(error) => tracing::warn!(%error, "what lists need could not be stored"),
        }
    }

    pub(super) async fn try_store_columns(&self) -> Result<(), StoreError> {
        const SQL: &str = "INSERT INTO list_columns (only, codec, raw_bytes, bytes) VALUES (1, ?, ?, ?) \
             ON CONFLICT (only) DO UPDATE SET codec = excluded.codec, raw_bytes = excluded.raw_bytes, \
             bytes = excluded.bytes";
        // Before the columns: they are never of an older file then.
        let file = self.inner.file.load(Ordering::Acquire);
        let store = self.clone();
        let work = move || {
            let bytes = store.inner.lists.look(|columns| postcard::to_allocvec(&(VERSION, columns)));
            let bytes = bytes.transpose().map_err(|error| StoreError::Invalid { why: error.to_string() })?;
            bytes.map(|bytes| pack(&bytes)).transpose()
        };
        let packed = tokio::task::spawn_blocking(work).await.map_err(|_| StoreError::Closed)??;
        let Some(packed) = packed else { return Ok(()) };
        let mut held = self.writer().await?;
        if file != self.inner.file.load(Ordering::Acquire) {
            return Ok(());
        }
        let query = sqlx::query(SQL).bind(packed.codec).bind(packed.raw_bytes).bind(packed.bytes);
        let result = query.execute(held.conn()?).await.map(drop).map_err(StoreError::from);
        finish(held, result)
    }
}
