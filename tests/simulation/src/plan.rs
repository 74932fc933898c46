//! What a run is like, decided by its seed: how many devices, how busy, how bad the network.

use crate::chance::Chance;

/// The measure of a run. Rates are per mille.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// What everything else is decided by.
    pub seed: u64,
    /// Installations, 1 to 20.
    pub devices: usize,
    /// People; some have several devices.
    pub members: usize,
    /// Edits that are tried.
    pub edits: usize,
    /// How long the faults last, in milliseconds.
    pub faulty_ms: i64,
    /// A frame, an answer or a hint gets lost.
    pub drop: u64,
    /// A request arrives twice.
    pub double: u64,
    /// A frame is cut off or altered.
    pub damage: u64,
    /// A frame takes up to `delay_ms` instead of some milliseconds.
    pub slow: u64,
    /// The longest delay.
    pub delay_ms: i64,
    /// A device dies at a step.
    pub device_crash: u64,
    /// How often a device dies while it does nothing.
    pub crashes: usize,
    /// The server dies while it handles a request.
    pub server_crash: u64,
    /// How often a device is cut off, in the whole run.
    pub partitions: usize,
    /// How often a role changes.
    pub role_changes: usize,
    /// How often who sees what changes.
    pub access_changes: usize,
    /// How often a device is revoked.
    pub revocations: usize,
    /// How often a device's clock is set wrong or right.
    pub clock_jumps: usize,
    /// Devices whose clock is wrong by up to half an hour from the start.
    pub skewed: u64,
    /// How often a device's store is copied: to a second machine, or into a backup that replaces it later.
    pub copies: usize,
    /// How often the server is backed up and restored from that later.
    pub restores: usize,
    /// Devices that begin with segments instead of the log.
    pub segments: u64,
    /// Most changes in one push.
    pub push_changes: usize,
    /// Most changes in one pull.
    pub pull_changes: usize,
}

impl Plan {
    /// The plan of a seed. One in eight has a quiet network, one in eight a terrible one.
    pub fn of(seed: u64) -> Self {
        let chance = Chance::new(seed ^ 0x5eed_5eed_5eed_5eed);
        let devices = match chance.below(10) {
            0 => chance.below(20) + 1,
            1 | 2 => chance.below(8) + 4,
            _ => chance.below(4) + 2,
        };
        let bad = match chance.below(8) {
            0 => 0,
            7 => 4,
            _ => 1,
        };
        let upto = |most: u64| chance.below(usize::try_from(most).unwrap_or(0) + 1) as u64 * bad;
        Self {
            seed,
            devices,
            members: chance.below(devices) + 1,
            edits: 10 + chance.below(if devices > 8 { 40 } else { 60 }),
            faulty_ms: chance.between(60_000, 900_000),
            drop: upto(100),
            double: upto(80),
            damage: upto(40),
            slow: upto(120),
            delay_ms: chance.between(1_000, 60_000),
            device_crash: upto(40),
            crashes: chance.below(devices + 1),
            server_crash: upto(40),
            partitions: chance.below(2 * devices + 1),
            role_changes: chance.below(10),
            access_changes: if chance.hits(600) { chance.below(12) } else { 0 },
            revocations: if chance.hits(200) && devices > 1 { chance.below(devices.min(4)) } else { 0 },
            clock_jumps: if chance.hits(250) { chance.below(5) } else { 0 },
            skewed: if chance.hits(400) { 500 } else { 0 },
            copies: if chance.hits(400) { chance.below(4) + 1 } else { 0 },
            restores: if chance.hits(250) { chance.below(2) + 1 } else { 0 },
            segments: if chance.hits(600) { 600 } else { 0 },
            push_changes: chance.below(12) + 1,
            pull_changes: chance.below(40) + 1,
        }
    }
}
