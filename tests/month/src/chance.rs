//! The one source of randomness of a run, and of its ids.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use desk_domain::{
    ids::{Ids, uuid_v7},
    time::UtcMillis,
};
use uuid::Uuid;

/// Dice that fall the same way for the same seed (`SplitMix64`), with the instant at which ids are made.
#[derive(Debug)]
pub(crate) struct Chance {
    state: AtomicU64,
    now_ms: AtomicI64,
}

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self { state: AtomicU64::new(seed), now_ms: AtomicI64::new(0) }
    }

    /// Fresh ids are of this instant from now on.
    pub(crate) fn set_now(&self, now: UtcMillis) {
        self.now_ms.store(now.0, Ordering::Relaxed);
    }

    fn next(&self) -> u64 {
        const STEP: u64 = 0x9E37_79B9_7F4A_7C15;
        let mut mixed = self.state.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number from `least` to `most`.
    pub(crate) fn between(&self, least: i64, most: i64) -> i64 {
        let span = u64::try_from(most.saturating_sub(least)).unwrap_or(0) + 1;
        least + i64::try_from(self.next() % span).unwrap_or(0)
    }

    /// True so many times in a hundred.
    pub(crate) fn hits(&self, percent: u64) -> bool {
        self.next() % 100 < percent
    }

    /// One of `all`, which is not empty.
    pub(crate) fn pick<T: Copy>(&self, all: &[T]) -> T {
        let at = usize::try_from(self.next() % (all.len().max(1) as u64)).unwrap_or(0);
        all[at]
    }
}

impl Ids for Chance {
    fn fresh(&self) -> Uuid {
        let mut random = [0; 10];
        random[..8].copy_from_slice(&self.next().to_le_bytes());
        random[8..].copy_from_slice(&self.next().to_le_bytes()[..2]);
        uuid_v7(UtcMillis(self.now_ms.load(Ordering::Relaxed)), random)
    }
}
