//! One number that says whether two stores have converged.

use desk_api::ApiError;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

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
    /// The digest over all shared documents (personal settings belong to one member and are left out), in the order of
    /// their ids: kind, id, and the hashes of the newest changes. A change's hash covers its content and, through its
    /// dependencies, its whole history, so equal digests mean equal documents.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn digest(&self) -> Result<Digest, ApiError> {
        let mut hash = Sha256::new();
        let (mut after, mut documents) = (None, 0);
        loop {
            let rows = self.store().digest_rows(after, PAGE).await.map_err(error::store)?;
            for row in &rows {
                hash.update([row.kind.code()]);
                hash.update(row.id.0.as_bytes());
                hash.update(u32::try_from(row.heads.len()).unwrap_or(u32::MAX).to_le_bytes());
                row.heads.iter().for_each(|head| hash.update(head));
            }
            documents += rows.len() as u64;
            match rows.last() {
                Some(last) => after = Some(last.id),
                None => return Ok(Digest { digest: hex::encode(hash.finalize()), documents }),
            }
        }
    }
}
