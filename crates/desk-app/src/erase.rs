//! Erasing all that is kept here, when the server took this device's or its member's access away.
//!
//! A marker says that it was begun; then the key goes, so that what is left on the disk can be read by nobody; then the
//! files; then an empty store with a new key and a new device id takes their place, and the marker goes. What a crash
//! interrupts, the next start finishes before it opens anything.
//!
//! Everything that belongs to a store stands beside it under a name that begins with the store's.

use std::{
    fs, io,
    path::Path,
    sync::{Arc, PoisonError},
    time::Duration,
};

use desk_api::{ApiError, ErrorCode};
use desk_domain::ids::DocKind;
use desk_store::Store;

use crate::{
    Desk, DeskEvent,
    desk::{Place, STORE_FILE, WorkspaceRules},
    error,
    secrets::{self, Keychain},
    session::{ENDED, json},
    sync,
};

/// Holds the reason, as JSON, from the first step to the last.
const MARKER: &str = "erasing";
/// Where a file that is in use cannot be removed, another copy of the program has this long to let go of it.
const TRIES: u32 = 50;
const PAUSE: Duration = Duration::from_millis(100);

impl Desk {
    /// Does what an answer of the server demands of this device: when its access was taken away, everything is erased. Gives
    /// back what to tell the person.
    pub(crate) async fn heed(&self, problem: ApiError) -> ApiError {
        match problem.code {
            ErrorCode::DeviceRevoked | ErrorCode::AccessEnded => {}
            _ => return problem,
        }
        let told = ApiError::new(
            problem.code,
            format!(
                "{problem}; what was kept of the workspace here was erased: sign in to use it as a new device"
            ),
        );
        match self.erase(&told).await {
            Ok(()) => told,
            Err(failure) => {
                tracing::error!(code = ?failure.code, "erasing was not finished: {failure}");
                let what = format!(
                    "{problem}; erasing what is kept here failed and goes on at the next start: {failure}"
                );
                ApiError::new(problem.code, what)
            }
        }
    }

    async fn erase(&self, reason: &ApiError) -> Result<(), ApiError> {
        let data_dir = &self.inner.data_dir;
        let _lock = sync::lock(data_dir).await?;
        // What is being written is written first, into the store that goes.
        let _writing = self.inner.writing.lock().await;
        let old = self.place();
        // Another process may have erased it already, and its fresh store may be somebody's again.
        let is_ours = old.file.is_at(&data_dir.join(STORE_FILE));
        if is_ours {
            mark(data_dir, reason)?;
        }
        old.store.close().await;
        if is_ours {
            remove(data_dir, self.inner.keychain.as_ref()).await?;
        }
        let keychain = self.inner.keychain.as_ref();
        let place = Place::open(data_dir, keychain, self.inner.ids.as_ref()).await?;
        if is_ours {
            settle(data_dir, &place.store, reason).await?;
        }
        *self.inner.place.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(place);
        self.restore_session().await?;
        *self.inner.settings.write().unwrap_or_else(PoisonError::into_inner) =
            Arc::new(WorkspaceRules::of(None));
        self.reload_settings().await?;
        tracing::warn!(code = ?reason.code, "the store was erased");
        self.inner.sync.resume();
        self.inner.deadlines_moved.send_modify(|count| *count += 1);
        self.emit(DeskEvent::SignedOut(Some(reason.clone())));
        self.emit(DeskEvent::Changed { kinds: DocKind::ALL.to_vec(), docs: Vec::new() });
        self.emit(DeskEvent::Alerts(0));
        self.emit_sync().await;
        Ok(())
    }
}

/// Erasing was begun and not finished.
pub(crate) fn is_unfinished(data_dir: &Path) -> bool {
    data_dir.join(MARKER).exists()
}

/// Finishes what a crash interrupted; gives back why it was begun. [`settle`] is to follow when the fresh store is open.
pub(crate) async fn finish(data_dir: &Path, keychain: &dyn Keychain) -> Result<Option<ApiError>, ApiError> {
    if !is_unfinished(data_dir) {
        return Ok(None);
    }
    let _lock = sync::lock(data_dir).await?;
    let bytes = match fs::read(data_dir.join(MARKER)) {
        Ok(bytes) => bytes,
        // Another process has just finished it.
        Err(problem) if problem.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(problem) => return Err(error::io("the marker of an erased store cannot be read", &problem)),
    };
    remove(data_dir, keychain).await?;
    let unknown = || ApiError::new(ErrorCode::DeviceRevoked, "this device's access was taken away");
    Ok(Some(serde_json::from_slice(&bytes).unwrap_or_else(|_| unknown())))
}

/// Keeps the reason in the fresh store, for the sign-in page, and takes the marker away.
pub(crate) async fn settle(data_dir: &Path, store: &Store, reason: &ApiError) -> Result<(), ApiError> {
    store.set_meta(ENDED, Some(&json(reason)?)).await.map_err(error::store)?;
    fs::remove_file(data_dir.join(MARKER))
        .map_err(|problem| error::io("the marker of an erased store cannot be removed", &problem))
}

fn mark(data_dir: &Path, reason: &ApiError) -> Result<(), ApiError> {
    let write = || {
        let mut file = fs::File::create(data_dir.join(MARKER))?;
        io::Write::write_all(&mut file, &serde_json::to_vec(reason)?)?;
        file.sync_all()
    };
    write().map_err(|problem: io::Error| error::io("the store cannot be erased", &problem))
}

async fn remove(data_dir: &Path, keychain: &dyn Keychain) -> Result<(), ApiError> {
    secrets::forget_store_key(data_dir, keychain)?;
    let mut tries = 0;
    loop {
        match Store::erase(&data_dir.join(STORE_FILE)) {
            Ok(()) => return Ok(()),
            Err(problem) if tries == TRIES => return Err(error::store(problem)),
            Err(_) => tries += 1,
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Which file a store was opened from, so that it is not taken for another of the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileIdentity(Option<(u64, u64)>);

impl FileIdentity {
    /// The file at a path as it is now.
    pub(crate) fn of(path: &Path) -> Self {
        Self(identity(path))
    }

    fn is_at(self, path: &Path) -> bool {
        self == Self::of(path)
    }
}

#[cfg(unix)]
fn identity(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    fs::metadata(path).ok().map(|file| (file.dev(), file.ino()))
}

/// Where a file in use cannot be removed, no other takes its name.
#[cfg(not(unix))]
fn identity(_: &Path) -> Option<(u64, u64)> {
    None
}
