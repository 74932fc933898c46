//! A store that exists twice: what makes a device of its own of a copy.

use std::collections::BTreeMap;

use desk_domain::{
    ids::{DeviceId, DocId},
    time::UtcMillis,
};
use desk_sync::{
    push::{Refused, verdicts},
    wire::{Push, PushReply, RejectCode},
};

use super::{Device, Store, Writes};
use crate::{Broken, Counts, chance::Chance, ledger::Ledger, server::Witness};

impl Device {
    /// Goes on under a fresh id: everything that waits is made again under it.
    pub(crate) fn become_new(
        &mut self,
        device: DeviceId,
        time: UtcMillis,
        ledger: &mut Ledger,
        chance: &Chance,
        counts: &mut Counts,
    ) -> Result<(), Broken> {
        let mut writes = Writes { device: Some(device), ..Writes::default() };
        let again = Refused {
            code: RejectCode::DependsOnRejected.as_str(),
            reason: "another copy of this device has made another change".to_owned(),
        };
        let mut waiting: BTreeMap<DocId, BTreeMap<[u8; 32], Refused>> = BTreeMap::new();
        for change in &self.store.outbox {
            waiting.entry(change.wire.doc).or_default().insert(change.wire.hash.0, again.clone());
        }
        for (doc, all) in &waiting {
            self.settle_into(device, (*doc, all), self.now(time), ledger, chance, &mut writes)?;
        }
        counts.add("copies that became devices of their own", 1);
        counts.add("edits made again under a fresh id", writes.outgoing.len() as u64);
        self.commit(writes, chance)?;
        self.begin_anew();
        Ok(())
    }

    /// What is offered next under an id that is another's, too.
    pub(crate) fn offer(&self, most: usize) -> Option<Push> {
        let offered = self.running.as_ref()?.offered?;
        let waiting = self.store.outbox.iter().skip(offered).take(most);
        let changes: Vec<_> = waiting.map(|change| change.wire.clone()).collect();
        (!changes.is_empty()).then_some(Push { changes })
    }

    /// Takes the verdicts on what was offered: what stands in the log need not be made again.
    pub(crate) fn offered(
        &mut self,
        sent: &[[u8; 32]],
        reply: &PushReply,
        witness: Witness,
        chance: &Chance,
    ) -> Result<(), Broken> {
        let accepted = verdicts(sent.iter().copied(), reply).map_err(Broken::new)?.accepted;
        if let Some(offered) = self.running.as_mut().and_then(|running| running.offered.as_mut()) {
            *offered += sent.len() - accepted.len();
        }
        let (scope, withdrawn) = (self.judged_under(reply.scope), reply.withdrawn.iter().copied().collect());
        let witness = Some(witness);
        self.commit(Writes { sent: accepted, scope, withdrawn, witness, ..Writes::default() }, chance)
    }

    /// The machine on which a copy of the store of `original` opens.
    pub(crate) fn copy_of(original: &Self, index: usize, id: DeviceId, store: Store) -> Self {
        let Self { member, session_role, settings, skew_ms, .. } = *original;
        Self { store, skew_ms, ..Self::new(index, id, member, session_role, settings) }
    }

    /// Sync begins as it does when the program starts.
    pub(super) fn begin_anew(&mut self) {
        let engine = self.engine();
        if let Some(running) = &mut self.running {
            (running.engine, running.offered, running.level, running.live) = (engine, None, None, None);
            (running.is_told, running.is_outdated) = (false, false);
        }
    }
}
