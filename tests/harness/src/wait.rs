//! Waiting by polling.

use std::time::{Duration, Instant};

use crate::HarnessError;

/// How long to rest between two looks at something that is being waited for.
pub const POLL: Duration = Duration::from_millis(20);

/// Asks `look` again and again until it answers, for at most `limit`. `what` completes the sentence "waited in vain for …".
pub fn poll_until<T>(
    what: &str,
    limit: Duration,
    mut look: impl FnMut() -> Result<Option<T>, HarnessError>,
) -> Result<T, HarnessError> {
    let start = Instant::now();
    loop {
        if let Some(found) = look()? {
            return Ok(found);
        }
        if start.elapsed() > limit {
            return Err(HarnessError::TooSlow { what: what.to_owned(), limit });
        }
        std::thread::sleep(POLL);
    }
}
