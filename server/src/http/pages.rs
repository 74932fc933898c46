//! Answers to pulls that many devices ask for at the same moment.
//!
//! When the head moves, every live device pulls from the same cursor. Members of one scope see the same documents but for
//! their personal ones, so a page without personal documents is the same for all of them: it is read and packed once,
//! and the witness that goes with it is held against the log once when they show it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{body::Bytes, http::HeaderValue};
use desk_domain::ids::WorkspaceId;
use desk_sync::wire::Hash;
use tokio::{sync::OnceCell, time::Instant};

/// Pages that are kept.
const PAGES: usize = 64;
/// Larger ones are asked for by devices that have been away, each for itself.
const PAGE_BYTES: usize = 64 * 1024;

/// How long a page is kept: everybody who hears of a change asks at once.
const KEPT: Duration = Duration::from_secs(2);

/// A page as it travels, with the witness of the log that it is from.
#[derive(Clone, Debug)]
pub(super) struct Packed {
    /// The newest number of that log.
    pub(super) head: u64,
    pub(super) frame: Bytes,
    pub(super) witness: HeaderValue,
}

impl Packed {
    /// Whether it is worth keeping.
    pub(super) fn is_small(&self) -> bool {
        self.frame.len() <= PAGE_BYTES
    }
}

/// A packed page, or `None` where each device has to be answered for itself.
type Page = Arc<OnceCell<Option<Packed>>>;

/// What was asked for.
#[derive(Debug)]
struct Asked {
    head: u64,
    at: Instant,
    page: Page,
}

/// The pages that were asked for last, and the witnesses that were shown.
#[derive(Debug, Default)]
pub struct Pages {
    asked: Mutex<HashMap<(WorkspaceId, Hash, u64), Asked>>,
    held: Mutex<HashMap<(WorkspaceId, Vec<u8>), Instant>>,
}

impl Pages {
    /// The place of the page that follows `after` in a scope while the log ends at `head`. Whoever comes first fills it, the
    /// others wait for that.
    pub(super) fn at(&self, workspace: WorkspaceId, scope: Hash, after: u64, head: u64) -> Page {
        let mut pages = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if let Some(asked) = pages.get(&(workspace, scope, after))
            && asked.head == head
            && now.duration_since(asked.at) < KEPT
        {
            return Arc::clone(&asked.page);
        }
        if pages.len() >= PAGES {
            pages.clear();
        }
        let page = Page::default();
        pages.insert((workspace, scope, after), Asked { head, at: now, page: Arc::clone(&page) });
        page
    }

    /// Whether this witness was held against the log just now: devices that got one page show one witness.
    pub(super) fn has_held(&self, workspace: WorkspaceId, shown: &HeaderValue) -> bool {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let at = held.get(&(workspace, shown.as_bytes().to_vec()));
        at.is_some_and(|at| Instant::now().duration_since(*at) < KEPT)
    }

    /// Remembers that the log has what this witness shows.
    pub(super) fn hold(&self, workspace: WorkspaceId, shown: &HeaderValue) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if held.len() >= PAGES {
            held.clear();
        }
        held.insert((workspace, shown.as_bytes().to_vec()), Instant::now());
    }
}
