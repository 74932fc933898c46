//! New devices that are filled from segments, while others go on.

use desk_domain::ids::DeviceId;
use desk_sync::{
    engine::Failure,
    segment::Bootstrap,
    wire::{self, Hash},
};

use super::{Answer, World};
use crate::{
    Broken,
    server::{Refusal, Witness},
};

/// A set of segments that is further behind the log is made anew.
const BEHIND: u64 = 12;
/// How often in a thousand a segment is not kept any more.
const EXPIRED: u64 = 40;

impl World {
    /// The server's answer to a new device.
    pub(super) fn serve_bootstrap(&mut self, id: DeviceId) -> Result<Answer, Broken> {
        Ok(match self.server.bootstrap(id, BEHIND)? {
            Ok(plan) => Answer::Frame(wire::encode(&plan).map_err(Broken::new)?),
            Err(refusal) => Answer::Refused(refusal),
        })
    }

    /// The server's answer to who asks for a segment.
    pub(super) fn serve_segment(&self, id: DeviceId, segment: Hash) -> Answer {
        match self.server.segment(id, segment) {
            // One that no set names is kept for some hours only.
            Ok(Some(_)) if self.faulty(EXPIRED) => Answer::Refused(Refusal::NotFound),
            Ok(Some(bytes)) => Answer::Frame(bytes),
            Ok(None) => Answer::Refused(Refusal::NotFound),
            Err(refusal) => Answer::Refused(refusal),
        }
    }

    /// A new device learns which segments there are.
    pub(super) fn begun(&mut self, device: usize, frame: &[u8], witness: Witness) -> Result<(), Broken> {
        let Ok(plan) = wire::decode::<Bootstrap>(frame) else { return self.failed(device, Failure::Passing) };
        self.done(device);
        self.told(|| {
            format!("device {device} begins with {} segments, cursor {}", plan.segments.len(), plan.cursor)
        });
        self.devices[device].begun(plan, witness, &self.chance)?;
        if self.dies(device) { Ok(()) } else { self.drive(device) }
    }

    /// A segment reaches a new device.
    pub(super) fn filled(&mut self, device: usize, segment: Hash, bytes: &[u8]) -> Result<(), Broken> {
        if !self.devices[device].filled(segment, bytes)? {
            return self.failed(device, Failure::Passing);
        }
        self.done(device);
        self.counts.add("segments fetched", 1);
        if self.dies(device) { Ok(()) } else { self.drive(device) }
    }

    /// A segment is not given any more.
    pub(super) fn segment_is_gone(&mut self, device: usize) -> Result<(), Broken> {
        self.told(|| format!("device {device} begins anew, its segments are gone"));
        self.counts.add("bootstraps that began anew", 1);
        self.devices[device].segment_is_gone(&self.chance)?;
        self.failed(device, Failure::Passing)
    }

    /// All segments are in.
    pub(super) fn put_in_place(&mut self, device: usize) -> Result<(), Broken> {
        let one = &mut self.devices[device];
        let now = one.now(self.time);
        if let Some(cursor) = one.put_in_place(&self.chance)?
            && let Some(running) = &mut one.running
        {
            running.engine.bootstrapped(now, cursor);
        }
        self.told(|| format!("device {device} is filled"));
        self.counts.add("devices filled from segments", 1);
        if self.dies(device) { Ok(()) } else { self.drive(device) }
    }
}
