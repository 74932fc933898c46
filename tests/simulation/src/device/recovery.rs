//! What a device does when the server was restored from an older backup.

use std::collections::{BTreeMap, BTreeSet};

use desk_domain::{
    edit::{Edit, Ops},
    ids::DocId,
};
use desk_sync::{
    push::lost,
    wire::{Hash, Heads, WireChange},
};

use super::{Device, Outgoing, Writes};
use crate::{Broken, chance::Chance, server::Witness};

impl Device {
    /// The server's log is not the one that was read: what it lost is to be sent, and then it is read anew.
    pub(crate) fn begin_recovery(&mut self, chance: &Chance) -> Result<(), Broken> {
        let writes = Writes { cursor: Some(0), recovering: Some(true), unfilled: true, ..Writes::default() };
        self.commit(writes, chance)
    }

    /// The documents of which the server has something else, with what it has.
    pub(crate) fn differing(&mut self, there: &Heads) -> Vec<(DocId, Vec<[u8; 32]>)> {
        let there: BTreeMap<DocId, Vec<[u8; 32]>> = there
            .documents
            .iter()
            .map(|found| (found.doc, found.heads.iter().map(|Hash(hash)| *hash).collect()))
            .collect();
        let known = |doc| there.get(doc).cloned().unwrap_or_default();
        let here = self.store.documents.iter_mut();
        here.filter_map(|(doc, stored)| {
            let known = known(doc);
            (stored.document.heads() != known).then_some((*doc, known))
        })
        .collect()
    }

    /// Puts the changes of a document that the server has not into the outbox, before those that wait there already.
    pub(crate) fn offer_lost(
        &mut self,
        doc: DocId,
        known: &[[u8; 32]],
        chance: &Chance,
    ) -> Result<u64, Broken> {
        let Some(stored) = self.store.documents.get_mut(&doc) else { return Ok(0) };
        let waiting: Vec<Outgoing> =
            self.store.outbox.iter().filter(|change| change.wire.doc == doc).cloned().collect();
        let unsent: BTreeSet<[u8; 32]> = waiting.iter().map(|change| change.wire.hash.0).collect();
        let kind = stored.document.kind();
        let mut outgoing: Vec<Outgoing> = lost(&mut stored.document, known, &unsent)
            .map(|change| Outgoing {
                wire: WireChange { doc, kind, hash: Hash(change.hash()), bytes: change.bytes().to_vec() },
                edit: Edit { doc, ops: Ops::none(kind) },
                no: None,
            })
            .collect();
        let offered = outgoing.len() as u64;
        if offered > 0 {
            outgoing.extend(waiting);
            self.commit(
                Writes { sent: unsent.into_iter().collect(), outgoing, ..Writes::default() },
                chance,
            )?;
        }
        Ok(offered)
    }

    /// Everything that the server lost waits to be sent. Then all is read anew; what the member may see is to be compared.
    pub(crate) fn end_recovery(&mut self, witness: Witness, chance: &Chance) -> Result<(), Broken> {
        let writes = Writes { recovering: Some(false), witness: Some(witness), ..Writes::default() };
        self.commit(writes, chance)?;
        self.begin_anew();
        Ok(())
    }
}
