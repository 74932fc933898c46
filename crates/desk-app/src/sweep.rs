//! Going through many documents on several processors, a few at a time, with progress and a way to stop.

use std::{num::NonZero, thread::available_parallelism};

use desk_api::{ApiError, ErrorCode};
use desk_domain::ids::DocId;
use desk_store::StoredDocument;
use futures::{FutureExt, Stream, StreamExt};

use crate::{Cancel, Desk, error};

/// Documents that one task opens. Those of neighbouring ids stand in few blocks.
const TOGETHER: usize = 256;

impl Desk {
    /// Has `work` look at documents, some at a time, off the threads that answer the window. What it made of them comes in no
    /// order, each with how many documents it is about.
    pub(crate) fn sweep<T: Send + 'static>(
        &self,
        ids: &[DocId],
        work: impl Fn(Vec<StoredDocument>) -> T + Clone + Send + 'static,
    ) -> impl Stream<Item = Result<(usize, T), ApiError>> + Send + Unpin {
        let task = |ids: &[DocId]| {
            let (store, ids, work) = (self.store(), ids.to_vec(), work.clone());
            let task = async move {
                let stored = store.documents(&ids).await.map_err(error::store)?;
                let done = tokio::task::spawn_blocking(move || work(stored)).await;
                let made = done.map_err(error::internal)?;
                Ok((ids.len(), made))
            };
            task.boxed()
        };
        let tasks: Vec<_> = ids.chunks(TOGETHER).map(task).collect();
        // One processor is left to whoever works meanwhile.
        let width = available_parallelism().map_or(1, NonZero::get).saturating_sub(1).max(1);
        futures::stream::iter(tasks).buffer_unordered(width)
    }

    /// The same, with what it made handed to `take`. `observe` hears how many of how many documents were looked at.
    ///
    /// # Errors
    /// When the store does not answer, or it was cancelled.
    pub(crate) async fn gather<T: Send + 'static>(
        &self,
        ids: &[DocId],
        work: impl Fn(Vec<StoredDocument>) -> T + Clone + Send + 'static,
        mut take: impl FnMut(T) + Send,
        observe: &(dyn Fn(usize, usize) + Send + Sync),
        cancel: &Cancel,
    ) -> Result<(), ApiError> {
        let mut swept = self.sweep(ids, work);
        let mut seen = 0;
        observe(seen, ids.len());
        while let Some(done) = swept.next().await {
            if cancel.is_cancelled() {
                return Err(ApiError::new(ErrorCode::Cancelled, "cancelled; nothing was changed by it"));
            }
            let (count, made) = done?;
            take(made);
            seen += count;
            observe(seen, ids.len());
        }
        Ok(())
    }
}
