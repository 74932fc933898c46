//! Instants and durations: UTC milliseconds, and the clock they come from.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// An instant, in milliseconds since 1970-01-01T00:00:00Z.
///
/// Written and read as RFC 3339 in UTC wherever it crosses a boundary as text; a whole second is
/// written without a fraction (`2026-11-21T09:05:00Z`). In a binary format it is the number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UtcMillis(pub i64);

/// The text is no RFC 3339 instant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no instant; write it like 2026-11-21T09:05:00Z")]
pub struct InvalidInstant {
    /// What was given.
    pub text: String,
}

impl UtcMillis {
    /// The instant `ms` milliseconds later (earlier when negative), saturating.
    #[must_use]
    pub fn plus_ms(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to this instant; negative when `earlier` is later.
    pub fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The same instant for calendar arithmetic; what lies outside jiff's range is clamped to it.
    pub fn to_jiff(self) -> jiff::Timestamp {
        jiff::Timestamp::from_millisecond(self.0).unwrap_or(if self.0 < 0 {
            jiff::Timestamp::MIN
        } else {
            jiff::Timestamp::MAX
        })
    }

    /// From calendar arithmetic; what is finer than a millisecond is cut off.
    pub fn from_jiff(at: jiff::Timestamp) -> Self {
        Self(at.as_millisecond())
    }
}

impl fmt::Display for UtcMillis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.to_jiff())
    }
}

impl FromStr for UtcMillis {
    type Err = InvalidInstant;

    fn from_str(text: &str) -> Result<Self, InvalidInstant> {
        text.parse::<jiff::Timestamp>()
            .map(Self::from_jiff)
            .map_err(|_| InvalidInstant { text: text.chars().take(64).collect() })
    }
}

impl Serialize for UtcMillis {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            serializer.serialize_i64(self.0)
        }
    }
}

impl<'de> Deserialize<'de> for UtcMillis {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if !deserializer.is_human_readable() {
            return i64::deserialize(deserializer).map(Self);
        }
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

/// Where `now` comes from. The edge (shell, command line, server) has the one that asks the machine;
/// tests have one that they set.
pub trait Clock: Send + Sync {
    /// The present instant, already corrected by what the server's answers showed.
    fn now(&self) -> UtcMillis;
}

/// A clock that stands still until it is moved. For tests and simulations.
#[derive(Debug, Default)]
pub struct ManualClock(std::sync::atomic::AtomicI64);

impl ManualClock {
    /// A clock that shows `now`.
    pub fn new(now: UtcMillis) -> Self {
        Self(std::sync::atomic::AtomicI64::new(now.0))
    }

    /// Sets what the clock shows.
    pub fn set(&self, now: UtcMillis) {
        self.0.store(now.0, std::sync::atomic::Ordering::SeqCst);
    }

    /// Moves the clock forward by `ms` milliseconds.
    pub fn advance_ms(&self, ms: i64) {
        self.0.fetch_add(ms, std::sync::atomic::Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> UtcMillis {
        UtcMillis(self.0.load(std::sync::atomic::Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_written_as_rfc_3339_in_utc_and_read_back() {
        for (ms, text) in [
            (1_526_083_810_000, "2018-05-12T00:10:10Z"),
            (1_526_083_810_250, "2018-05-12T00:10:10.25Z"),
            (0, "1970-01-01T00:00:00Z"),
        ] {
            assert_eq!(UtcMillis(ms).to_string(), text);
            assert_eq!(text.parse(), Ok(UtcMillis(ms)));
        }
        assert_eq!("2018-05-12T03:10:10+03:00".parse(), Ok(UtcMillis(1_526_083_810_000)));
        assert!("yesterday".parse::<UtcMillis>().is_err());
    }
}
