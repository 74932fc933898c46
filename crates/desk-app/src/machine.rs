//! The machine's clock and randomness, asked for here and nowhere else.

use std::sync::atomic::{AtomicI64, Ordering};

use jiff::tz::TimeZone;
use sha2::{Digest, Sha256};

use desk_domain::{
    ids::{Ids, uuid_v7},
    time::{Clock, UtcMillis},
};

/// A difference below this is the network's, not the clock's.
const SMALLEST_CORRECTION_MS: i64 = 1_500;

/// The machine's clock, corrected by what the server's answers show.
#[derive(Debug, Default)]
pub struct CorrectedClock {
    offset_ms: AtomicI64,
}

impl CorrectedClock {
    /// A clock with the correction that was known last.
    pub fn new(offset_ms: i64) -> Self {
        Self { offset_ms: AtomicI64::new(offset_ms) }
    }

    /// What the machine's clock says, uncorrected.
    #[expect(clippy::disallowed_methods, reason = "this is the edge where the machine is asked")]
    pub fn machine_now() -> UtcMillis {
        UtcMillis::from_jiff(jiff::Timestamp::now())
    }

    /// How far the machine's clock is behind the server's, in milliseconds.
    pub fn offset_ms(&self) -> i64 {
        self.offset_ms.load(Ordering::Relaxed)
    }

    /// Sets the correction outright, as it was stored.
    pub fn set_offset_ms(&self, offset_ms: i64) {
        self.offset_ms.store(offset_ms, Ordering::Relaxed);
    }

    /// Learns from an answer that left the server at `server_now` and was awaited from `sent_at` to `received_at` (both
    /// machine time). Returns the new correction when it changed.
    pub fn learn(&self, server_now: UtcMillis, sent_at: UtcMillis, received_at: UtcMillis) -> Option<i64> {
        let middle = sent_at.plus_ms(received_at.since(sent_at) / 2);
        let offset = server_now.since(middle);
        let doubt = SMALLEST_CORRECTION_MS.max(received_at.since(sent_at));
        if (offset - self.offset_ms()).abs() <= doubt {
            return None;
        }
        // A clock that is right to within the doubt is left alone, not chased.
        let offset = if offset.abs() <= doubt { 0 } else { offset };
        self.offset_ms.store(offset, Ordering::Relaxed);
        Some(offset)
    }
}

impl Clock for CorrectedClock {
    fn now(&self) -> UtcMillis {
        Self::machine_now().plus_ms(self.offset_ms())
    }
}

/// Fresh identifiers from the corrected clock and the operating system's randomness.
pub struct MachineIds<C> {
    clock: C,
}

impl<C: Clock> MachineIds<C> {
    /// Identifiers that bear the time of `clock`.
    pub fn new(clock: C) -> Self {
        Self { clock }
    }
}

impl<C: Clock> Ids for MachineIds<C> {
    fn fresh(&self) -> uuid::Uuid {
        uuid_v7(self.clock.now(), random())
    }
}

impl<T: Clock + ?Sized> Clock for Shared<T> {
    fn now(&self) -> UtcMillis {
        self.0.now()
    }
}

/// A clock that several own.
pub struct Shared<T: ?Sized>(pub std::sync::Arc<T>);

/// Random bytes from the operating system. Where it has none the program cannot make an identifier or a key that
/// nobody else has, so it ends.
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    if let Err(error) = getrandom::fill(&mut bytes) {
        tracing::error!(%error, "the operating system gives no randomness");
        std::process::abort();
    }
    bytes
}

/// A number between 0 and 1, for spreading retries.
pub fn jitter() -> f64 {
    f64::from(u32::from_le_bytes(random())) / f64::from(u32::MAX)
}

/// The machine's time zone by the bundled rules: those of the system, or of its web view, may be years old.
pub fn zone() -> TimeZone {
    let system = TimeZone::system();
    system.iana_name().and_then(|name| TimeZone::get(name).ok()).unwrap_or(system)
}

/// The zone's offsets from UTC between two instants: since when, and how many minutes east. The first entry holds from
/// the beginning.
pub fn zone_offsets(zone: &TimeZone, from: UtcMillis, to: UtcMillis) -> Vec<(UtcMillis, i32)> {
    let minutes = |offset: jiff::tz::Offset| offset.seconds() / 60;
    let mut offsets = vec![(from, minutes(zone.to_offset(from.to_jiff())))];
    for transition in zone.following(from.to_jiff()) {
        let at = UtcMillis::from_jiff(transition.timestamp());
        if at > to {
            break;
        }
        offsets.push((at, minutes(transition.offset())));
    }
    offsets
}

/// What tells this computer from others, hashed so that nobody learns the number itself; `None` where the system has no such
/// number in a file.
pub fn identity() -> Option<String> {
    let id = ["/etc/machine-id", "/var/lib/dbus/machine-id"]
        .into_iter()
        .find_map(|path| std::fs::read_to_string(path).ok().filter(|text| !text.trim().is_empty()))?;
    Some(hex::encode(Sha256::new().chain_update("workernet-desk").chain_update(id.trim()).finalize()))
}

/// What a person would call this computer.
pub fn device_name() -> String {
    let host = ["HOSTNAME", "COMPUTERNAME"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok())
        .or_else(|| std::fs::read_to_string("/etc/hostname").ok())
        .map_or_else(|| "computer".to_owned(), |name| name.trim().to_owned());
    format!("{host} ({})", std::env::consts::OS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_is_told_by_its_changes() {
        let zone = TimeZone::get("Asia/Almaty").unwrap();
        let at = |text: &str| text.parse::<UtcMillis>().unwrap();
        let offsets = zone_offsets(&zone, at("2020-01-01T00:00:00Z"), at("2030-01-01T00:00:00Z"));
        assert_eq!(offsets, [(at("2020-01-01T00:00:00Z"), 360), (at("2024-02-29T18:00:00Z"), 300)]);
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        assert_eq!(zone_offsets(&berlin, at("2026-01-01T00:00:00Z"), at("2027-01-01T00:00:00Z")).len(), 3);
    }

    #[test]
    fn a_wrong_clock_is_corrected_and_a_right_one_left_alone() {
        let clock = CorrectedClock::new(0);
        let (sent, received) = (UtcMillis(1_000_000), UtcMillis(1_000_200));
        assert_eq!(clock.learn(UtcMillis(1_000_150), sent, received), None);
        assert_eq!(clock.learn(UtcMillis(4_600_100), sent, received), Some(3_600_000));
        assert_eq!(clock.learn(UtcMillis(4_600_300), sent, received), None, "the network's noise");
        assert_eq!(clock.learn(UtcMillis(1_000_100), sent, received), Some(0));
    }
}
