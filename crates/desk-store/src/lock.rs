//! Says to other processes that a store's file is in use, so that none puts another file in its place under their hands.

use std::{
    fs::{File, TryLockError},
    io,
    path::Path,
};

use crate::{StoreError, open::beside};

/// A shared lock on the file `…-in-use` beside the store; the system lets go of it when the process ends. Where that file
/// cannot be made (a folder that is only read) there is none, and nobody to guard against.
#[derive(Debug)]
pub(crate) struct InUse(Option<File>);

impl InUse {
    /// Waits while another process puts a file in place, which takes moments.
    pub(crate) async fn shared(store: &Path) -> Result<Self, StoreError> {
        let path = beside(store, "-in-use");
        let work = move || {
            // Kept open for reading alone: a disk may be made read-only under an idle store.
            let mut make = File::options();
            make.create(true).truncate(false).write(true);
            let file =
                match File::open(&path).or_else(|_| make.open(&path).and_then(|_made| File::open(&path))) {
                    Ok(file) => file,
                    Err(error) if is_read_only(&error) => return Ok(Self(None)),
                    Err(error) => return Err(error),
                };
            file.lock_shared()?;
            Ok(Self(Some(file)))
        };
        let locked = tokio::task::spawn_blocking(work).await;
        locked.map_err(|_| StoreError::Closed)?.map_err(StoreError::from)
    }

    /// Runs `work` while no other process has the store open.
    ///
    /// Errors: [`StoreError::Busy`] when one has; `work` was not run.
    pub(crate) fn alone<T>(&self, work: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
        let Some(file) = &self.0 else { return Err(StoreError::ReadOnly) };
        // Not every system turns one kind into the other in one step.
        file.unlock()?;
        let result = match file.try_lock() {
            Ok(()) => work(),
            Err(TryLockError::WouldBlock) => Err(StoreError::Busy),
            Err(TryLockError::Error(error)) => Err(error.into()),
        };
        file.unlock()?;
        file.lock_shared()?;
        result
    }
}

fn is_read_only(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::NotFound
    )
}
