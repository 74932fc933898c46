//! The one source of randomness of a run.

use workernet_server::random::SeededRandom;

/// Dice that fall the same way for the same seed.
#[derive(Debug)]
pub(crate) struct Chance(SeededRandom);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(SeededRandom::new(seed))
    }

    /// What makes fresh ids.
    pub(crate) fn random(&self) -> &SeededRandom {
        &self.0
    }

    /// A number below `limit`; 0 when that is 0.
    pub(crate) fn below(&self, limit: usize) -> usize {
        usize::try_from(self.0.next() % (limit.max(1) as u64)).unwrap_or(0)
    }

    /// A number from `least` to `most`.
    pub(crate) fn between(&self, least: i64, most: i64) -> i64 {
        let span = u64::try_from(most.saturating_sub(least)).unwrap_or(0) + 1;
        least + i64::try_from(self.0.next() % span).unwrap_or(0)
    }

    /// True so many times in a thousand.
    pub(crate) fn hits(&self, per_mille: u64) -> bool {
        self.0.next() % 1000 < per_mille
    }

    /// A number from 0 to 1.
    pub(crate) fn jitter(&self) -> f64 {
        f64::from(u32::try_from(self.0.next() >> 32).unwrap_or(0)) / f64::from(u32::MAX)
    }

    /// One of `all`; `None` when there is none.
    pub(crate) fn pick<'a, T>(&self, all: &'a [T]) -> Option<&'a T> {
        all.get(self.below(all.len()))
    }
}
