//! Stores that exist twice: a device is cloned to a second machine, or its machine is lost and a backup of it opens on another.
//!
//! The original goes on or is lost when the copy opens. What only the lost machine had is gone with it.

use desk_domain::ids::DeviceId;

use super::{Event, World};
use crate::{
    Broken,
    device::{Device, Store},
};

/// Edits that a person tries at a copy.
const EDITS: usize = 12;

/// A store as it was.
#[derive(Debug)]
pub(super) struct Copied {
    of: usize,
    id: DeviceId,
    store: Store,
}

impl World {
    /// A device's store is copied; the copy opens at once or later.
    pub(super) fn copy(&mut self, of: usize) {
        let one = &self.devices[of];
        // What is made while a device gets a fresh id waits under the old one in no more than this store.
        if self.healed || one.is_gone() || one.store.twin {
            return;
        }
        let copied = Copied { of, id: one.id, store: one.store.clone() };
        self.told(|| format!("the store of device {of} is copied"));
        let pause = if self.chance.hits(300) { 0 } else { self.chance.between(0, self.plan.faulty_ms / 2) };
        self.after(pause, Event::CopyOpens(Box::new(copied)));
    }

    /// A copy opens on a machine of its own.
    pub(super) fn copy_opens(&mut self, copied: Copied) -> Result<(), Broken> {
        let Copied { of, id, mut store } = copied;
        if self.healed || self.server.scope_of(id).is_none() {
            return Ok(());
        }
        let index = self.devices.len();
        let is_lost = self.chance.hits(500) && !self.devices[of].is_gone();
        if is_lost {
            self.destroy(of);
        }
        // On some systems a store knows its machine; elsewhere only the server's answers tell.
        store.twin = self.chance.hits(300);
        self.told(|| {
            format!("the copy of device {of} opens as device {index}; the original is lost: {is_lost}")
        });
        self.counts.add(if is_lost { "devices restored from a backup" } else { "devices cloned" }, 1);
        self.ledger.copied(&mut store, index);
        let mut device = Device::copy_of(&self.devices[of], index, id, store);
        device.skew_ms += self.chance.between(-5_000, 5_000);
        self.devices.push(device);
        self.cut_off_until.push(self.time);
        for _ in 0..self.chance.below(EDITS) {
            let (copy, original) = (self.chance.between(0, 60_000), self.chance.between(0, 60_000));
            self.after(copy, Event::Edit(index));
            self.after(original, Event::Edit(of));
        }
        self.devices[index].start();
        self.drive(index)
    }

    fn destroy(&mut self, device: usize) {
        let one = &mut self.devices[device];
        one.destroyed = true;
        one.crash();
        self.forget_live(device);
    }

    /// The server's answer to the wish for a fresh id.
    pub(super) fn renewed(&mut self, device: usize, fresh: DeviceId) -> Result<(), Broken> {
        self.forget_live(device);
        let one = &mut self.devices[device];
        one.become_new(fresh, self.time, &mut self.ledger, &self.chance, &mut self.counts)?;
        one.revoked = self.server.scope_of(fresh).is_none();
        self.told(|| format!("device {device} goes on under a fresh id"));
        self.drive(device)
    }

    /// The server hears nothing of a live connection any more.
    pub(super) fn forget_live(&mut self, device: usize) {
        self.lives.retain(|_, (other, _)| *other != device);
        self.levels.retain(|live, _| self.lives.contains_key(live));
    }
}
