//! How often one may try a password: per network address and member, refilled slowly.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
};

use desk_domain::time::UtcMillis;

/// Attempts at once before one has to wait.
pub const BURST: u32 = 20;
/// One more attempt each so often.
pub const REFILL_MS: i64 = 15_000;
/// Most pairs that are remembered; beyond it the ones that have their full number again are forgotten.
const REMEMBERED: usize = 50_000;

/// Who tries what.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    address: IpAddr,
    account: String,
}

/// Attempts that are left, as of an instant.
#[derive(Clone, Copy, Debug)]
struct Left {
    attempts: u32,
    since: UtcMillis,
}

impl Left {
    /// With what has been refilled since.
    fn at(self, now: UtcMillis) -> Self {
        let refilled = now.since(self.since).max(0) / REFILL_MS;
        let attempts = u32::try_from(refilled).unwrap_or(BURST).saturating_add(self.attempts).min(BURST);
        let since = if attempts == BURST { now } else { self.since.plus_ms(refilled * REFILL_MS) };
        Self { attempts, since }
    }
}

/// The memory of attempts; of this process alone, gone with it.
#[derive(Debug, Default)]
pub struct Attempts {
    left: Mutex<HashMap<Key, Left>>,
}

/// Wait before the next attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many attempts; wait {wait_s} seconds")]
pub struct TooMany {
    /// How long.
    pub wait_s: u64,
}

impl Attempts {
    /// Takes one attempt before the password is looked at, so that many at once do not slip through.
    ///
    /// # Errors
    /// When none is left.
    pub fn take(&self, address: IpAddr, account: &str, now: UtcMillis) -> Result<(), TooMany> {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        if left.len() >= REMEMBERED {
            left.retain(|_, one| one.at(now).attempts < BURST);
        }
        let key = Key { address, account: account.to_owned() };
        let one = left.entry(key).or_insert(Left { attempts: BURST, since: now });
        *one = one.at(now);
        if let Some(rest) = one.attempts.checked_sub(1) {
            one.attempts = rest;
            return Ok(());
        }
        let wait_ms = REFILL_MS - now.since(one.since);
        Err(TooMany { wait_s: u64::try_from(wait_ms).unwrap_or(0).div_ceil(1000).max(1) })
    }

    /// The password was right: the attempts before it do not count.
    pub fn forget(&self, address: IpAddr, account: &str) {
        let key = Key { address, account: account.to_owned() };
        self.left.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    #[test]
    fn after_a_burst_one_waits_and_another_account_does_not() {
        let attempts = Attempts::default();
        let now = UtcMillis(1_000_000);
        for _ in 0..BURST {
            attempts.take(HERE, "demo/a@x", now).unwrap();
        }
        assert_eq!(attempts.take(HERE, "demo/a@x", now.plus_ms(1)), Err(TooMany { wait_s: 15 }));
        attempts.take(HERE, "demo/b@x", now).unwrap();
        attempts.take(HERE, "demo/a@x", now.plus_ms(REFILL_MS)).unwrap();
        assert_eq!(
            attempts.take(HERE, "demo/a@x", now.plus_ms(REFILL_MS + 5_000)),
            Err(TooMany { wait_s: 10 })
        );
    }

    #[test]
    fn success_forgets_the_attempts() {
        let attempts = Attempts::default();
        let now = UtcMillis(1_000_000);
        for _ in 0..BURST {
            attempts.take(HERE, "demo/a@x", now).unwrap();
        }
        attempts.forget(HERE, "demo/a@x");
        attempts.take(HERE, "demo/a@x", now).unwrap();
    }
}
