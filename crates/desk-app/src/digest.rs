//! One number that says whether two stores have converged.

use desk_api::ApiError;
use serde::Serialize;

use crate::{Desk, error};

/// Rows that are read at once.
const PAGE: u32 = 5_000;

/// What `desk digest` prints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Digest {
    /// SHA-256 in hexadecimal digits.
    pub digest: String,
    /// Over so many documents.
    pub documents: u64,
}

impl Desk {
    /// The digest over all shared documents, which [`desk_sync::digest::Digest`] tells of.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn digest(&self) -> Result<Digest, ApiError> {
        let mut digest = desk_sync::digest::Digest::default();
        let mut after = None;
        loop {
            let rows = self.store().digest_rows(after, PAGE).await.map_err(error::store)?;
            for row in &rows {
                digest.add(row.kind, row.id, &row.heads);
            }
            let Some(last) = rows.last() else { break };
            after = Some(last.id);
        }
        let documents = digest.documents();
        Ok(Digest { digest: hex::encode(digest.finish()), documents })
    }
}
