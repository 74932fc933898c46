//! How often a token may post: a number at once, refilled steadily. Of this process alone, gone with it: with several
//! processes behind one address, each counts for itself.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use desk_domain::time::UtcMillis;
use uuid::Uuid;

/// Posts at once before one has to wait.
pub const BURST: i64 = 600;
/// One more post each so often: ten a second.
pub const REFILL_MS: i64 = 100;
/// Most tokens that are remembered; beyond it those that have their full number again are forgotten.
const REMEMBERED: usize = 10_000;

/// Wait before the next post.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many posts with this token; wait {wait_s} seconds, and post less often")]
pub struct TooOften {
    /// How long.
    pub wait_s: u64,
}

/// By token, until when what it posted counts: each post moves that on by [`REFILL_MS`].
#[derive(Debug, Default)]
pub struct Posts {
    busy_until: Mutex<HashMap<Uuid, UtcMillis>>,
}

impl Posts {
    /// Takes one post off what a token may do.
    ///
    /// # Errors
    /// When nothing is left.
    pub fn take(&self, token: Uuid, now: UtcMillis) -> Result<(), TooOften> {
        let mut all = self.busy_until.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= REMEMBERED {
            all.retain(|_, until| *until > now);
        }
        let most = now.plus_ms(BURST * REFILL_MS);
        let until = all.entry(token).or_insert(now);
        // A clock that was set back must not lock a token out.
        *until = (*until).clamp(now, most);
        let next = until.plus_ms(REFILL_MS);
        if next > most {
            let wait_s = u64::try_from(next.since(most)).unwrap_or(0).div_ceil(1000);
            return Err(TooOften { wait_s });
        }
        *until = next;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_posts_in_bursts_and_then_steadily() {
        let posts = Posts::default();
        let (one, two, now) = (Uuid::from_u128(1), Uuid::from_u128(2), UtcMillis(1_000_000));
        for _ in 0..BURST {
            posts.take(one, now).unwrap();
        }
        assert_eq!(posts.take(one, now), Err(TooOften { wait_s: 1 }));
        posts.take(two, now).unwrap();
        posts.take(one, now.plus_ms(REFILL_MS)).unwrap();
        posts.take(one, now.plus_ms(REFILL_MS)).unwrap_err();
        // The clock was set back by a day: the most that one waits is what a burst takes.
        let before = now.plus_ms(-86_400_000);
        posts.take(one, before).unwrap_err();
        posts.take(one, before.plus_ms(REFILL_MS)).unwrap();
    }
}
