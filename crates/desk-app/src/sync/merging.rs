//! Pulled changes into their documents: many documents at a time, on several processors. Nothing is stored here.

use std::{collections::HashMap, num::NonZero, sync::Arc, thread::available_parallelism};

use desk_api::{ApiError, ErrorCode};
use desk_docs::{Document, ReadError, VerifiedChange};
use desk_domain::{
    ids::{DeviceId, DocId, DocKind},
    state::State,
    time::UtcMillis,
};
use desk_store::{DocWrite, Hash32, StoredDocument};
use desk_sync::pull::merge;
use futures::{StreamExt, TryStreamExt};

use crate::{Desk, desk::WorkspaceRules, edit::write_of, error};

/// Documents that are loaded and merged by one task. Those of neighbouring ids stand in few blocks.
const TOGETHER: usize = 64;

/// Changes of one document, in the order of the log.
pub(super) type Changes<'a> = (DocId, DocKind, &'a [VerifiedChange]);

/// What pulled changes make of a document.
pub(super) struct Merged {
    /// To be stored, with what it says; nothing when it had all the changes.
    pub(super) write: Option<(DocWrite, Option<State>)>,
    /// The document of a batch that has no other, to be kept open.
    pub(super) document: Option<Document>,
    /// How many changes were new here.
    pub(super) added: u64,
    /// The log has changes of this device that it never made.
    pub(super) is_foreign: bool,
}

/// By what documents are merged.
#[derive(Clone)]
pub(super) struct Reading {
    pub(super) me: DeviceId,
    pub(super) rules: Arc<WorkspaceRules>,
    pub(super) now: UtcMillis,
}

impl Desk {
    /// Each document with the changes that it does not have yet, in the order given.
    pub(super) async fn merge_all(
        &self,
        docs: Vec<Changes<'_>>,
        reading: &Reading,
    ) -> Result<Vec<Merged>, ApiError> {
        let width = available_parallelism().map_or(1, NonZero::get).clamp(1, 4);
        if let [(doc, kind, changes)] = docs.as_slice() {
            // One edit of somebody else's: the way to another thread would take longer.
            // One that stands open may be another than the stored one (an edit was taken back, another process wrote): only
            // what is then committed on top of the stored heads counts.
            if let Some(open) = self.take_open(*doc)
                && let Ok(merged) = merge_one(Some(open), (*doc, *kind, changes), reading)
                && merged.write.is_some()
            {
                return Ok(vec![merged]);
            }
            return Ok(vec![merge_one(self.load(*doc).await?, (*doc, *kind, changes), reading)?]);
        }
        let tasks = docs.chunks(TOGETHER).map(|docs| {
            let docs: Vec<_> =
                docs.iter().map(|(doc, kind, changes)| (*doc, *kind, changes.to_vec())).collect();
            let (store, reading) = (self.store(), reading.clone());
            async move {
                let ids: Vec<DocId> = docs.iter().map(|(doc, ..)| *doc).collect();
                let stored = store.documents(&ids).await.map_err(error::store)?;
                let mut stored: HashMap<DocId, StoredDocument> =
                    stored.into_iter().map(|stored| (stored.id, stored)).collect();
                let work = move || {
                    let merge = |(doc, kind, changes): &(DocId, DocKind, Vec<VerifiedChange>)| {
                        let known = stored.remove(doc).map(opened).transpose()?;
                        let merged = merge_one(known, (*doc, *kind, changes), &reading)?;
                        Ok(Merged { document: None, ..merged })
                    };
                    docs.iter().map(merge).collect::<Result<Vec<_>, ApiError>>()
                };
                let done = tokio::task::spawn_blocking(work).await;
                done.map_err(|problem| ApiError::new(ErrorCode::Internal, problem.to_string()))?
            }
        });
        let tasks: Vec<_> = tasks.collect();
        let merged: Vec<Vec<Merged>> = futures::stream::iter(tasks).buffered(width).try_collect().await?;
        Ok(merged.into_iter().flatten().collect())
    }
}

/// A stored document, with its heads there.
fn opened(stored: StoredDocument) -> Result<(Document, Vec<Hash32>), ApiError> {
    let document = Document::load(stored.id, stored.kind, &stored.snapshot).map_err(error::load)?;
    Ok((document, stored.heads))
}

fn merge_one(
    known: Option<(Document, Vec<Hash32>)>,
    (doc, kind, changes): Changes<'_>,
    reading: &Reading,
) -> Result<Merged, ApiError> {
    let (document, heads) = known.unzip();
    let is_foreign = changes.iter().any(|change| {
        change.device() == Some(reading.me)
            && !document.as_ref().is_some_and(|known| known.has(change.hash()))
    });
    let Some(merged) = merge(document, doc, kind, changes).map_err(error::pull)? else {
        return Ok(Merged { write: None, document: None, added: 0, is_foreign });
    };
    let (mut document, added) = (merged.document, merged.added);
    let state = match document.read() {
        Ok(state) => Some(state),
        // Kept and synced untouched; a newer program reads it. One bad document must not stop all the others.
        Err(problem @ (ReadError::NewerSchema { .. } | ReadError::Malformed { .. })) => {
            tracing::warn!(%doc, %problem, "a document is kept unread");
            None
        }
    };
    let write = write_of(&mut document, heads, state.as_ref(), &reading.rules, reading.now);
    Ok(Merged { write: Some((write, state)), document: Some(document), added, is_foreign })
}
