//! Every edit that a person made, so that none can get lost unseen.
//!
//! An edit that waits when its device's store is copied waits twice from then on, and either copy has to bring it to an end:
//! in the copy it is an edit of its own here.

use std::collections::{BTreeMap, HashSet};

use crate::{
    device::{Device, Store},
    server::{LoggedAs, Lost},
};

/// The number of an edit.
pub(crate) type EditNo = usize;

/// An edit that was committed on its device.
#[derive(Clone, Debug)]
pub(crate) struct Made {
    /// Index of the device.
    pub(crate) device: usize,
    /// The changes it has been there, the newest last.
    pub(crate) hashes: Vec<[u8; 32]>,
    /// It waited in a store that was copied: the other copy may bring it to another end.
    pub(crate) is_shared: bool,
    /// It turned out to hold without a change.
    pub(crate) holds: bool,
    /// For the trace.
    pub(crate) what: String,
}

/// A device that had a change when a restored server lost it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Holder {
    pub(crate) device: usize,
    /// The edit that it was, when it waited there still since no verdict had reached the device.
    pub(crate) waiting: Option<EditNo>,
}

/// All edits of a run.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) edits: Vec<Made>,
    changes: HashSet<[u8; 32]>,
    /// Every change that was ever in the log of a server that was then restored from an older backup.
    pub(crate) lost: HashSet<[u8; 32]>,
    /// Those of them that devices had at that moment, with these devices.
    pub(crate) owed: BTreeMap<LoggedAs, Vec<Holder>>,
    /// Every change that was ever refused by a server that was then restored from an older backup: asked again, it judges anew.
    pub(crate) forgotten: HashSet<[u8; 32]>,
}

impl Ledger {
    /// A fresh edit that became a change.
    pub(crate) fn made(&mut self, device: usize, hash: [u8; 32], what: String) -> EditNo {
        let no = self.edits.len();
        self.edits.push(Made { device, hashes: Vec::new(), is_shared: false, holds: false, what });
        self.again(no, hash);
        no
    }

    /// The edit became another change.
    pub(crate) fn again(&mut self, no: EditNo, hash: [u8; 32]) {
        self.changes.insert(hash);
        self.edits[no].hashes.push(hash);
    }

    /// What waits in a store is from now on an edit of this device.
    pub(crate) fn copied(&mut self, store: &mut Store, device: usize) {
        for waiting in &mut store.outbox {
            let Some(no) = waiting.no else { continue };
            let original = &mut self.edits[no];
            original.is_shared = true;
            let what = original.what.clone();
            let copy = self.made(device, waiting.wire.hash.0, what);
            self.edits[copy].is_shared = true;
            waiting.no = Some(copy);
        }
    }

    /// A restored server has lost this. What a device has of the changes, it will have to get back.
    pub(crate) fn lost(&mut self, Lost { changes, refusals }: Lost, devices: &mut [Device]) {
        self.lost.extend(changes.iter().map(|(_, hash)| *hash));
        self.forgotten.extend(refusals.iter().map(|(_, hash)| *hash));
        for device in devices.iter_mut() {
            device.let_go_of.clear();
        }
        let before = std::mem::take(&mut self.owed).into_keys();
        for (doc, hash) in before.chain(changes) {
            let has = |device: &&Device| device.will_bring(doc, hash);
            let holder = |device: &Device| Holder { device: device.index, waiting: device.waits_as(hash) };
            let holders: Vec<Holder> = devices.iter().filter(has).map(holder).collect();
            if !holders.is_empty() {
                self.owed.insert((doc, hash), holders);
            }
        }
    }

    /// Whether somebody made this change.
    pub(crate) fn has(&self, hash: &[u8; 32]) -> bool {
        self.changes.contains(hash)
    }
}
