//! Stopping long work from elsewhere.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// Stops an import, a preview or a report from elsewhere: a key press, a window that closes. Clones are one.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Asks the work to stop after the piece at hand. Of an import, what is committed stays; a repeated one goes on from
    /// there.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it was asked to stop.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
