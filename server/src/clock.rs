//! The machine's clock; everything else is given `now`.

use std::time::Duration;

use desk_domain::time::{Clock, UtcMillis};

/// What the machine shows. A server's clock is expected to be kept by NTP: devices correct theirs by it.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> UtcMillis {
        #[expect(clippy::disallowed_methods, reason = "the edge: the one place that asks the machine")]
        UtcMillis::from_jiff(jiff::Timestamp::now())
    }
}

/// How long to sleep: until something is due, and no longer than others' writes are to wait.
pub(crate) fn pause(next: Option<UtcMillis>, now: UtcMillis, most: Duration) -> Duration {
    let until = next.map_or(most, |at| Duration::from_millis(u64::try_from(at.since(now)).unwrap_or(0)));
    until.min(most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_sleeps_until_something_is_due_and_never_longer_than_others_wait() {
        let (now, most) = (UtcMillis(1_000), Duration::from_secs(1));
        let check = |next: Option<i64>, expected: u64| {
            assert_eq!(pause(next.map(UtcMillis), now, most), Duration::from_millis(expected), "{next:?}");
        };
        check(None, 1_000);
        check(Some(1_250), 250);
        check(Some(90_000), 1_000);
        check(Some(500), 0);
    }
}
