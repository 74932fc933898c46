//! A document whose snapshot is behind the log, made whole.

use desk_docs::{Document, LoadError, verify};
use desk_domain::ids::{DocId, DocKind};

use super::{Digest, StorageError};

/// A change that came after a snapshot, with its hash.
pub(super) type Later = (Digest, Vec<u8>);

/// The snapshot with the changes that came after it, in their order.
///
/// # Errors
/// When they do not make a document.
pub(super) async fn whole(
    id: DocId,
    kind: DocKind,
    snapshot: Vec<u8>,
    later: Vec<Later>,
) -> Result<Vec<u8>, StorageError> {
    if later.is_empty() {
        return Ok(snapshot);
    }
    let work = move || {
        let damaged = |why: &dyn std::fmt::Display| StorageError::damaged(format!("document {id}: {why}"));
        let mut document = Document::load(id, kind, &snapshot).map_err(|error: LoadError| damaged(&error))?;
        let changes = later.iter().map(|(hash, bytes)| verify(bytes, *hash)).collect::<Result<_, _>>();
        document.apply(changes.map_err(|error| damaged(&error))?).map_err(|error| damaged(&error))?;
        Ok(document.save())
    };
    tokio::task::spawn_blocking(work).await.map_err(|error| StorageError::Failed(Box::new(error)))?
}
