//! Where work for a processor is done: at once while it is small, on another thread where it would hold up other requests for
//! longer than the way there takes.

use tokio::task::JoinError;

/// Work on so many bytes is done at once.
pub(crate) const QUICK_BYTES: usize = 16 * 1024;
/// The size of what may be of any.
pub(crate) const LARGE: usize = usize::MAX;

/// Does work on about `size_bytes`.
///
/// # Errors
/// When the work panicked on another thread.
pub(crate) async fn unhurried<T: Send + 'static>(
    size_bytes: usize,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, JoinError> {
    if size_bytes <= QUICK_BYTES {
        return Ok(work());
    }
    let span = tracing::Span::current();
    tokio::task::spawn_blocking(move || span.in_scope(work)).await
}
