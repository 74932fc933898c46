//! Dice that fall alike for the same seed.

use crate::random::SeededRandom;

/// A sequence of throws.
pub(super) struct Chance(SeededRandom);

impl Chance {
    /// The sequence of the `index`th thing of a `kind`, so that one ticket more changes no other.
    pub(super) fn of(seed: u64, kind: u64, index: u64) -> Self {
        let mixed =
            seed ^ kind.wrapping_mul(0xD6E8_FEB8_6659_FD93) ^ index.wrapping_mul(0xA076_1D64_78BD_642F);
        Self(SeededRandom::new(mixed))
    }

    /// The randomness itself, for ids.
    pub(super) fn random(&self) -> &SeededRandom {
        &self.0
    }

    /// From `from` up to and including `to`.
    pub(super) fn between(&self, from: i64, to: i64) -> i64 {
        let span = u64::try_from(to.saturating_sub(from)).unwrap_or(0).saturating_add(1);
        from + i64::try_from(self.0.next() % span).unwrap_or(0)
    }

    /// Whether a thing happens that does so `percent` times in a hundred.
    pub(super) fn happens(&self, percent: i64) -> bool {
        self.between(1, 100) <= percent
    }

    /// One of a list; the lists here are never empty.
    pub(super) fn pick<T: Copy>(&self, from: &[T]) -> Option<T> {
        let last = i64::try_from(from.len()).unwrap_or(0) - 1;
        usize::try_from(self.between(0, last.max(0))).ok().and_then(|index| from.get(index)).copied()
    }

    /// One of a list of texts.
    pub(super) fn text(&self, from: &[&'static str]) -> &'static str {
        self.pick(from).unwrap_or_default()
    }
}
