//! Folds what was accepted into the snapshots of large documents, in the background.
//!
//! The log is the history and is kept whole; a snapshot is what it comes to, so that nobody replays it. A small document's is
//! written with each change. Writing a large one's each time would cost its size for each keystroke: its changes stand in the
//! log alone until they are folded in here, some seconds later. Whoever reads the document meanwhile gets it whole
//! (`storage`). The log never changes, so folding needs no lock, may be broken off anywhere, and twice is as good as once.

use std::time::Duration;

use tokio::sync::watch;

use crate::storage::{Storage, StorageError};

/// A document of more bytes is not written anew with each change.
pub const LARGE_BYTES: usize = 32 * 1024;
/// Documents that are folded at once; between them the task can end.
const AT_ONCE: u32 = 16;

/// Folds everything that there is to fold. Returns how many documents that were; fewer where another process is at it.
///
/// # Errors
/// When the storage fails or a document is damaged.
pub async fn fold_all(storage: &dyn Storage, stopping: &watch::Receiver<bool>) -> Result<u64, StorageError> {
    let mut folded = 0;
    while !*stopping.borrow() {
        let some = storage.fold_some(AT_ONCE).await?;
        folded += u64::from(some);
        if some < AT_ONCE {
            break;
        }
    }
    Ok(folded)
}

/// Folds again and again, until the server stops.
pub async fn run(storage: &dyn Storage, every: Duration, mut stopping: watch::Receiver<bool>) {
    loop {
        match fold_all(storage, &stopping).await {
            Ok(0) => {}
            Ok(documents) => tracing::info!(documents, "large documents were folded"),
            Err(error) => tracing::error!(%error, "large documents could not be folded"),
        }
        tokio::select! {
            stopped = stopping.wait_for(|stop| *stop) => { let _ = stopped; return }
            () = tokio::time::sleep(every) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::storage::{Log, SqliteStorage, contract};

    #[tokio::test]
    async fn what_is_to_be_folded_is_folded_at_once_and_the_task_ends_when_it_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let storage = Arc::new(SqliteStorage::open(dir.path()).await.unwrap());
        let space = contract::workspace(storage.as_ref(), 1).await;
        // More than are folded at once.
        let mut records = Vec::new();
        for doc in 30..50 {
            records.push(contract::grow(storage.as_ref(), space.id, doc, 2).await);
        }
        let (stop, stopping) = watch::channel(false);
        let folding = Arc::clone(&storage);
        let task =
            tokio::spawn(async move { run(folding.as_ref(), Duration::from_hours(1), stopping).await });
        let (_unused, quiet) = watch::channel(false);
        // Both work at it; between them nothing is left, and nothing is wrong.
        fold_all(storage.as_ref(), &quiet).await.unwrap();
        stop.send_replace(true);
        tokio::time::timeout(Duration::from_secs(20), task).await.unwrap().unwrap();
        fold_all(storage.as_ref(), &quiet).await.unwrap();
        assert_eq!(storage.fold_some(AT_ONCE).await.unwrap(), 0);
        for record in records {
            assert_eq!(storage.document(record.id).await.unwrap(), Some(record));
        }
    }

    #[tokio::test]
    async fn a_server_that_stops_folds_no_more() {
        let dir = tempfile::tempdir().unwrap();
        let storage = SqliteStorage::open(dir.path()).await.unwrap();
        let space = contract::workspace(&storage, 1).await;
        contract::grow(&storage, space.id, 30, 2).await;
        let (stop, stopping) = watch::channel(true);
        assert_eq!(fold_all(&storage, &stopping).await.unwrap(), 0);
        run(&storage, Duration::from_hours(1), stopping).await;
        stop.send_replace(false);
        assert_eq!(fold_all(&storage, &stop.subscribe()).await.unwrap(), 1);
    }
}
