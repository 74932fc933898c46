//! A new device that is filled from segments instead of reading the log.

use desk_docs::{Document, read_block, unpack_block};
use desk_domain::ids::{DocId, DocKind};
use desk_sync::{
    engine::Engine,
    segment::{Bootstrap, blocks},
    wire::{Hash, WholeDocument},
};

use super::{Asked, Device, NO_SCOPE, Stored, Writes};
use crate::{Broken, chance::Chance, server::Witness};

/// A segment that is in, with its documents.
type Filled = (Hash, Vec<(DocId, DocKind, Vec<u8>)>);

/// What a new device goes by, and what it has of it.
#[derive(Clone, Debug)]
pub(crate) struct Filling {
    plan: Bootstrap,
    done: Vec<Filled>,
}

impl Device {
    /// The engine as it begins with what the store has.
    pub(super) fn engine(&self) -> Engine {
        let engine = Engine::new(self.store.cursor, !self.store.outbox.is_empty(), None);
        let is_empty = self.store.cursor == 0 && self.store.documents.is_empty();
        if self.store.filling.is_some() || (is_empty && self.takes_segments) {
            engine.from_segments()
        } else {
            engine
        }
    }

    /// Signing in brings the settings; before that nobody edits.
    pub(crate) fn is_signing_in(&self) -> bool {
        self.takes_segments && self.store.documents.is_empty()
    }

    /// What is to be asked for next; nothing when all segments are in.
    pub(crate) fn wants(&self) -> Option<Asked> {
        let Some(Filling { plan, done }) = &self.store.filling else { return Some(Asked::Bootstrap) };
        let missing = plan.segments.iter().find(|segment| done.iter().all(|(id, _)| *id != segment.id))?;
        Some(Asked::Segment(missing.id))
    }

    /// Takes the list of segments, and what comes before them.
    pub(crate) fn begun(
        &mut self,
        mut plan: Bootstrap,
        witness: Witness,
        chance: &Chance,
    ) -> Result<(), Broken> {
        let mut writes = Writes { witness: self.store.witness.or(Some(witness)), ..Writes::default() };
        writes.scope = self.store.scope.is_none().then_some(plan.scope);
        for WholeDocument { doc, kind, snapshot } in std::mem::take(&mut plan.own) {
            if !self.store.documents.contains_key(&doc) {
                writes.documents.push((doc, Some(opened(doc, kind, &snapshot)?)));
            }
        }
        writes.filling = Some(Filling { plan, done: Vec::new() });
        self.commit(writes, chance)
    }

    /// Takes a segment; `false` when the bytes are not that.
    pub(crate) fn filled(&mut self, id: Hash, bytes: &[u8]) -> Result<bool, Broken> {
        let Ok(found) = blocks(bytes, id) else { return Ok(false) };
        let mut documents = Vec::new();
        for block in found {
            let raw = unpack_block(block.bytes, block.raw_bytes).map_err(Broken::new)?;
            let read = read_block(&raw).map_err(Broken::new)?;
            let packed = read.documents.into_iter();
            documents.extend(packed.map(|packed| (packed.doc, packed.kind, packed.snapshot.into_owned())));
        }
        if let Some(filling) = &mut self.store.filling {
            filling.done.push((id, documents));
        }
        Ok(true)
    }

    /// A segment is not to be had any more: the device begins anew.
    pub(crate) fn segment_is_gone(&mut self, chance: &Chance) -> Result<(), Broken> {
        self.commit(Writes { unfilled: true, scope: Some(NO_SCOPE), ..Writes::default() }, chance)
    }

    /// All segments are in: where the log goes on. What stands here already wins.
    pub(crate) fn put_in_place(&mut self, chance: &Chance) -> Result<Option<u64>, Broken> {
        let Some(Filling { plan, done }) = self.store.filling.clone() else { return Ok(None) };
        let mut writes = Writes { cursor: Some(plan.cursor), unfilled: true, ..Writes::default() };
        for (doc, kind, snapshot) in done.into_iter().flat_map(|(_, documents)| documents) {
            if !self.store.documents.contains_key(&doc) {
                writes.documents.push((doc, Some(opened(doc, kind, &snapshot)?)));
            }
        }
        self.commit(writes, chance)?;
        Ok(Some(plan.cursor))
    }
}

fn opened(doc: DocId, kind: DocKind, snapshot: &[u8]) -> Result<Stored, Broken> {
    let document = Document::load(doc, kind, snapshot).map_err(Broken::new)?;
    let state = Some(document.read().map_err(Broken::new)?);
    Ok(Stored { document, state })
}
