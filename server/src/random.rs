//! Randomness, passed in like the clock.

use std::sync::{Mutex, PoisonError};

use desk_domain::{
    ids::{Ids, uuid_v7},
    time::{Clock, UtcMillis},
};
use rand::{RngCore, SeedableRng, rngs::StdRng};
use uuid::Uuid;

/// Where random bytes come from.
pub trait Random: Send + Sync {
    /// Fills `bytes`; fit for secrets in the server's own implementation.
    fn fill(&self, bytes: &mut [u8]);
}

/// `N` random bytes.
pub fn bytes<const N: usize>(random: &dyn Random) -> [u8; N] {
    let mut bytes = [0; N];
    random.fill(&mut bytes);
    bytes
}

/// A cryptographic generator, seeded from the machine once.
#[derive(Debug)]
pub struct SystemRandom(Mutex<StdRng>);

/// The machine gives no randomness.
#[derive(Debug, thiserror::Error)]
#[error("the machine gives no randomness: {0}")]
pub struct NoRandomness(getrandom::Error);

impl SystemRandom {
    /// Seeds the generator from the machine.
    ///
    /// # Errors
    /// When the machine has no randomness to give, which no server can do without.
    pub fn new() -> Result<Self, NoRandomness> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(NoRandomness)?;
        Ok(Self(Mutex::new(StdRng::from_seed(seed))))
    }
}

impl Random for SystemRandom {
    fn fill(&self, bytes: &mut [u8]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(bytes);
    }
}

/// A small generator (`SplitMix64`) whose sequence is part of what the demo and the tests promise: the same for the
/// same seed, whatever library version. Not for secrets.
#[derive(Debug)]
pub struct SeededRandom(Mutex<u64>);

impl SeededRandom {
    /// The sequence of `seed`.
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(seed))
    }

    /// The next 64 bits.
    pub fn next(&self) -> u64 {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = *state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}

impl Random for SeededRandom {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let word = self.next().to_le_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
    }
}

/// Fresh ids from a clock and randomness.
pub struct FreshIds<'a> {
    now: UtcMillis,
    random: &'a dyn Random,
}

impl<'a> FreshIds<'a> {
    /// Ids of this instant.
    pub fn at(now: UtcMillis, random: &'a dyn Random) -> Self {
        Self { now, random }
    }

    /// Ids of the clock's present instant.
    pub fn now(clock: &dyn Clock, random: &'a dyn Random) -> Self {
        Self::at(clock.now(), random)
    }
}

impl Ids for FreshIds<'_> {
    fn fresh(&self) -> Uuid {
        uuid_v7(self.now, bytes(self.random))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_one_sequence_for_ever() {
        let random = SeededRandom::new(1);
        assert_eq!([random.next(), random.next()], [0x910A_2DEC_8902_5CC1, 0xBEEB_8DA1_658E_EC67]);
    }

    #[test]
    fn two_servers_do_not_share_their_randomness() {
        let (one, two) = (SystemRandom::new().unwrap(), SystemRandom::new().unwrap());
        assert_ne!(bytes::<32>(&one), bytes::<32>(&two));
    }
}
