//! Every edit that a person made, so that none can get lost unseen.

use std::collections::HashMap;

/// The number of an edit.
pub(crate) type EditNo = usize;

/// An edit that was committed on its device.
#[derive(Clone, Debug)]
pub(crate) struct Made {
    /// Index of the device.
    pub(crate) device: usize,
    /// The changes it has been, the newest last.
    pub(crate) hashes: Vec<[u8; 32]>,
    /// It turned out to hold without a change.
    pub(crate) holds: bool,
    /// For the trace.
    pub(crate) what: String,
}

/// All edits of a run.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) edits: Vec<Made>,
    by_hash: HashMap<[u8; 32], EditNo>,
}

impl Ledger {
    /// A fresh edit that became a change.
    pub(crate) fn made(&mut self, device: usize, hash: [u8; 32], what: String) -> EditNo {
        let no = self.edits.len();
        self.edits.push(Made { device, hashes: Vec::new(), holds: false, what });
        self.again(no, hash);
        no
    }

    /// The edit became another change. A device that makes the same edit twice in one second on the same document makes
    /// the same change, which then counts for the first of them.
    pub(crate) fn again(&mut self, no: EditNo, hash: [u8; 32]) {
        self.by_hash.entry(hash).or_insert(no);
        self.edits[no].hashes.push(hash);
    }

    /// The edit whose change this is or was.
    pub(crate) fn of(&self, hash: &[u8; 32]) -> Option<EditNo> {
        self.by_hash.get(hash).copied()
    }
}
