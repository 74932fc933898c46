//! The machine's clock; everything else is given `now`.

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
