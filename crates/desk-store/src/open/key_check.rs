//! The key check file beside the store: tells a wrong key from a damaged file.
//!
//! `desk.db.key-check` is JSON: `{"format":1,"key_check":"32 hex digits","complete":true}`. `key_check` is half of a
//! SHA-256 over the key behind a fixed text; the key is random, so it gives nothing away. `complete` says that the store
//! was once whole, so that an empty file is no beginning but a loss. It is written before the store is made, again when
//! it is whole, and again when it is missing and the store opens. Losing it loses nothing but the diagnosis.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

use serde::{Deserialize, Serialize};

use crate::{Key, StoreError};

const FORMAT: u32 = 1;

/// Numbers the drafts of this process; together with its id they have names of their own, since another process may be
/// opening the store at the same moment.
static DRAFTS: AtomicU32 = AtomicU32::new(0);

#[derive(Serialize, Deserialize)]
struct Content {
    format: u32,
    key_check: String,
    complete: bool,
}

/// The file, as it was when the store was opened.
pub(super) struct KeyCheck {
    path: PathBuf,
    /// `None`: missing, or not to be made sense of.
    content: Option<Content>,
}

impl KeyCheck {
    /// Reads the one beside `store`.
    pub(super) fn beside(store: &Path) -> Self {
        let path = super::beside(store, ".key-check");
        let content = fs::read(&path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        Self { path, content: content.filter(|content: &Content| content.format == FORMAT) }
    }

    /// The store was once whole.
    pub(super) fn is_complete(&self) -> bool {
        self.content.as_ref().is_some_and(|content| content.complete)
    }

    /// `key` is the one that the store was made with.
    pub(super) fn matches(&self, key: &Key) -> bool {
        self.content.as_ref().is_some_and(|content| content.key_check == key.check_value())
    }

    /// What it means that the store could not be looked into.
    pub(super) fn explain(&self, key: &Key, error: StoreError) -> StoreError {
        let StoreError::Damaged { what } = error else {
            return error;
        };
        match &self.content {
            None => StoreError::Undecipherable,
            Some(_) if self.matches(key) => StoreError::Damaged { what },
            Some(_) => StoreError::WrongKey,
        }
    }

    /// Writes the file anew; a crash leaves the old one or the new one.
    pub(super) fn write(&self, key: &Key, complete: bool) -> Result<(), StoreError> {
        let content = Content { format: FORMAT, key_check: key.check_value(), complete };
        let bytes = serde_json::to_vec(&content).map_err(|error| StoreError::Io(error.into()))?;
        let draft = format!(".{}-{}.new", std::process::id(), DRAFTS.fetch_add(1, Ordering::Relaxed));
        let draft = super::beside(&self.path, &draft);
        let mut file = fs::File::create(&draft)?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        fs::rename(&draft, &self.path)?;
        Ok(())
    }
}
