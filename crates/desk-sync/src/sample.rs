//! Devices with one ticket, for the tests of this crate.

use std::sync::atomic::{AtomicU64, Ordering};

use desk_docs::{Author, Document, VerifiedChange, verify};
use desk_domain::{
    edit::{Edit, NewTicket, Ops, Stamped, TicketOp},
    ids::{DeviceId, DocId, DocKind, Ids, MemberId, uuid_v7},
    people::Role,
    permissions::Actor,
    time::UtcMillis,
    workspace::Workflow,
};

use crate::wire::{Hash, WireChange};

pub(crate) const NOW: UtcMillis = UtcMillis(1_790_000_000_000);

/// Ids in order, so that a failing test fails the same way again.
pub(crate) struct Counting(AtomicU64);

impl Ids for Counting {
    fn fresh(&self) -> uuid::Uuid {
        let mut random = [0; 10];
        random[..8].copy_from_slice(&self.0.fetch_add(1, Ordering::Relaxed).to_be_bytes());
        uuid_v7(NOW, random)
    }
}

/// A change that was made here, as the outbox has it.
#[derive(Clone)]
pub(crate) struct Made {
    pub(crate) edit: Edit,
    pub(crate) wire: WireChange,
}

impl Made {
    pub(crate) fn verified(&self) -> VerifiedChange {
        verify(&self.wire.bytes, self.wire.hash.0).unwrap()
    }
}

/// A device with a ticket.
pub(crate) struct Device {
    pub(crate) member: MemberId,
    pub(crate) id: DeviceId,
    pub(crate) role: Role,
    pub(crate) document: Document,
    pub(crate) workflow: Workflow,
    pub(crate) ids: Counting,
}

impl Device {
    pub(crate) fn new(number: u8, role: Role) -> Self {
        let id = uuid_v7(NOW, [number; 10]);
        Self {
            member: MemberId(id),
            id: DeviceId(id),
            role,
            document: Document::empty(doc(), DocKind::Ticket),
            workflow: Workflow::default(),
            ids: Counting(AtomicU64::new(u64::from(number) << 32)),
        }
    }

    pub(crate) fn author(&self) -> Author<'_> {
        let actor = Actor { member: Some(self.member), role: self.role };
        Author { device: self.id, actor, workflow: &self.workflow }
    }

    pub(crate) fn make(&mut self, op: TicketOp) -> Made {
        let steps = vec![Stamped::new(NOW, self.member.to_string(), op)];
        let edit = Edit { doc: doc(), ops: Ops::Ticket(steps) };
        let (document, made) = self.document.clone().edit(&self.author(), &edit, NOW, &self.ids).unwrap();
        self.document = document;
        let made = made.unwrap();
        let wire = WireChange { doc: doc(), kind: DocKind::Ticket, hash: Hash(made.hash), bytes: made.bytes };
        Made { edit, wire }
    }
}

pub(crate) fn doc() -> DocId {
    DocId(uuid_v7(NOW, [9; 10]))
}

pub(crate) fn create() -> TicketOp {
    TicketOp::Create { ticket: NewTicket::titled("Заявка") }
}

pub(crate) fn tag(name: &str) -> TicketOp {
    TicketOp::SetTag { tag: name.to_owned(), on: true }
}
