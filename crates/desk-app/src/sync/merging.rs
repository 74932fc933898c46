//! Pulled changes into their documents: many documents at a time, on several processors. Nothing is stored here.

use std::{collections::HashMap, num::NonZero, sync::Arc, thread::available_parallelism};

use desk_api::ApiError;
use desk_docs::{Document, ReadError, VerifiedChange};
use desk_domain::{
    ids::{DeviceId, DocId, DocKind},
    state::State,
    time::UtcMillis,
};
use desk_store::{DocWrite, Hash32, Store, StoredDocument};
use desk_sync::pull::{self, check_opens, has_foreign};
use futures::{FutureExt, Stream, StreamExt, future::BoxFuture, stream};
use tokio::task::JoinHandle;

use crate::{
    Desk,
    desk::{WorkspaceRules, opened, with_heads},
    edit::write_as,
    error,
};

/// Documents that are loaded and merged by one task. Those of neighbouring ids stand in few blocks.
const TOGETHER: usize = 64;

/// Changes of one document, in the order of the log.
pub(super) type Changes<'a> = (DocId, DocKind, &'a [VerifiedChange]);

/// What pulled changes make of a document.
pub(super) struct Merged {
    pub(super) doc: DocId,
    /// To be stored, with what it says; nothing when it had all the changes.
    pub(super) write: Option<(DocWrite, Option<State>)>,
    /// The document of a batch that has no other, to be kept open.
    pub(super) document: Option<Document>,
    /// How many changes were new here.
    pub(super) added: u64,
    /// The log has changes of this device that it never made.
    pub(super) is_foreign: bool,
    /// Whether the document opens again, while that is still being found out.
    checking: Option<JoinHandle<Result<(), ApiError>>>,
}

impl Merged {
    /// A document that had all the changes.
    fn unchanged(doc: DocId, is_foreign: bool) -> Self {
        Self { doc, write: None, document: None, added: 0, is_foreign, checking: None }
    }

    /// Waits until it is known that the document opens again; nothing of it may be stored for good before. By itself, so that
    /// it can be written meanwhile.
    pub(super) fn checked(&mut self) -> impl Future<Output = Result<(), ApiError>> + Send + use<> {
        let checking = self.checking.take();
        async move {
            match checking {
                Some(checking) => checking.await.map_err(error::internal)?,
                None => Ok(()),
            }
        }
    }
}

/// By what documents are merged.
#[derive(Clone)]
pub(super) struct Reading {
    pub(super) me: DeviceId,
    pub(super) rules: Arc<WorkspaceRules>,
    pub(super) now: UtcMillis,
}

impl Desk {
    /// Documents with the changes that they do not have yet, in the order given, some at a time. While one lot is taken, the
    /// next ones are worked on.
    pub(super) fn merge_all<'a>(
        &self,
        docs: &'a [Changes<'_>],
        reading: &'a Reading,
    ) -> impl Stream<Item = Result<Vec<Merged>, ApiError>> + Send + use<'a> {
        let width = available_parallelism().map_or(1, NonZero::get).clamp(1, 4);
        let store = self.store();
        let tasks = docs.chunks(TOGETHER).map(move |docs| {
            let docs: Vec<_> =
                docs.iter().map(|(doc, kind, changes)| (*doc, *kind, changes.to_vec())).collect();
            tokio::spawn(merge_some(store.clone(), docs, reading.clone()))
        });
        stream::iter(tasks).buffered(width).map(move |merged| merged.map_err(error::internal)?)
    }

    /// The same for one document, which may be written while it is being checked: an error that follows tells that it does not
    /// open again.
    pub(super) fn merge_checking<'a>(
        &'a self,
        of: Changes<'a>,
        reading: &'a Reading,
    ) -> impl Stream<Item = Result<Merged, ApiError>> + Send {
        stream::try_unfold(
            None,
            move |checked: Option<BoxFuture<'static, Result<(), ApiError>>>| async move {
                if let Some(checked) = checked {
                    return checked.await.map(|()| None);
                }
                let mut merged = Box::pin(self.merge_alone(of, reading)).await?;
                let checked = merged.checked().boxed();
                Ok(Some((merged, Some(checked))))
            },
        )
    }

    /// The same for one document: an edit of somebody else's, for which the way to another thread and back
    /// would take longer than the work. It is still being checked; see [`Merged::checked`].
    pub(super) async fn merge_alone(&self, of: Changes<'_>, reading: &Reading) -> Result<Merged, ApiError> {
        let (doc, kind, changes) = of;
        // A device pulls its own edits, too: what stands open goes on standing open.
        let has_all =
            |open: &Document| open.kind() == kind && changes.iter().all(|change| open.has(change.hash()));
        if let Some(heads) = self.open_heads(doc, has_all)
            && self.store().heads(doc).await.map_err(error::store)? == Some(heads)
        {
            return Ok(Merged::unchanged(doc, false));
        }
        // A document that stands open may be another than the stored one (an edit was taken back, another process wrote): only
        // what is then committed on top of the stored heads counts.
        if let Some(open) = self.take_open(doc)
            && let Ok(Ok(fresh)) = Fresh::merge(Some(open), of, reading.me)
        {
            return Ok(fresh.read_beside(reading).await);
        }
        match Fresh::merge(self.load(doc).await?, of, reading.me)? {
            Ok(fresh) => Ok(fresh.read_beside(reading).await),
            Err(nothing_new) => Ok(nothing_new),
        }
    }
}

/// Merges documents of neighbouring ids.
async fn merge_some(
    store: Store,
    docs: Vec<(DocId, DocKind, Vec<VerifiedChange>)>,
    reading: Reading,
) -> Result<Vec<Merged>, ApiError> {
    let ids: Vec<DocId> = docs.iter().map(|(doc, ..)| *doc).collect();
    let stored = store.documents(&ids).await.map_err(error::store)?;
    let mut stored: HashMap<DocId, StoredDocument> =
        stored.into_iter().map(|stored| (stored.id, stored)).collect();
    let work = move || {
        let merge = |(doc, kind, changes): &(DocId, DocKind, Vec<VerifiedChange>)| {
            let known = stored.remove(doc).map(opened).transpose()?.map(with_heads);
            let mut fresh = match Fresh::merge(known, (*doc, *kind, changes), reading.me)? {
                Ok(fresh) => fresh,
                Err(nothing_new) => return Ok(nothing_new),
            };
            if let Some(check) = fresh.checking() {
                check()?;
            }
            Ok(Merged { document: None, ..fresh.read(&reading) })
        };
        docs.iter().map(merge).collect::<Result<Vec<_>, ApiError>>()
    };
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(error::internal)?
}

/// A document with changes that are new here.
struct Fresh {
    merged: pull::Merged,
    /// Its heads in the store, if it is there.
    stored_heads: Option<Vec<Hash32>>,
    is_foreign: bool,
}

impl Fresh {
    /// Merges a document's changes into it; what there is to say of it when none of them is new.
    fn merge(
        known: Option<(Document, Vec<Hash32>)>,
        (doc, kind, changes): Changes<'_>,
        me: DeviceId,
    ) -> Result<Result<Self, Merged>, ApiError> {
        let (document, stored_heads) = known.unzip();
        let is_foreign = has_foreign(document.as_ref(), changes, me);
        let merged = pull::merge(document, doc, kind, changes).map_err(error::pull)?;
        let nothing_new = Merged::unchanged(doc, is_foreign);
        Ok(merged.map(|merged| Self { merged, stored_heads, is_foreign }).ok_or(nothing_new))
    }

    /// What checks that the document opens again, to be done before it is stored; `None` where that is known.
    fn checking(&mut self) -> Option<impl FnOnce() -> Result<(), ApiError> + Send + use<>> {
        let pull::Merged { document, snapshot, .. } = &mut self.merged;
        if snapshot.opens {
            return None;
        }
        let (doc, kind, heads) = (document.id(), document.kind(), document.heads());
        let bytes = snapshot.bytes.clone();
        Some(move || check_opens(doc, kind, &bytes, &heads).map_err(error::pull))
    }

    /// What is to be stored of it.
    fn read(self, reading: &Reading) -> Merged {
        let Self { merged: pull::Merged { mut document, snapshot, added }, stored_heads, is_foreign } = self;
        let state = match document.read() {
            Ok(state) => Some(state),
            // Kept and synced untouched; a newer program reads it. One bad document must not stop all the others.
            Err(problem @ (ReadError::NewerSchema { .. } | ReadError::Malformed { .. })) => {
                tracing::warn!(doc = %document.id(), %problem, "a document is kept unread");
                None
            }
        };
        let Reading { rules, now, .. } = reading;
        let write = write_as(&mut document, snapshot.bytes, stored_heads, state.as_ref(), rules, *now);
        let (doc, document) = (write.id, Some(document));
        Merged { doc, write: Some((write, state)), document, added, is_foreign, checking: None }
    }

    /// The same; what is to be checked of it is checked on another thread meanwhile, and while it is being written.
    async fn read_beside(mut self, reading: &Reading) -> Merged {
        let checking = self.checking().map(tokio::task::spawn_blocking);
        // The store was taken hold of while this merged, and is asked what it has of the document while this reads.
        tokio::task::yield_now().await;
        Merged { checking, ..self.read(reading) }
    }
}
