//! What callers hand to [`Store::commit`](crate::Store::commit): finished writes.

use desk_api::view::Draft;
use desk_domain::{
    alert::{AlertKey, AlertState},
    edit::Edit,
    ids::{DocId, DocKind},
    projection::{Deadline, NextDue, Row},
    time::UtcMillis,
};

/// The hash of an Automerge change.
pub type Hash32 = [u8; 32];

/// Everything that is to hold at once. Empty parts do nothing.
///
/// The order in which the parts are applied: removals from the outbox (`accepted`, `rejected`), dropped documents,
/// documents, additions to the outbox, the rest.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// Documents, each at most once.
    pub docs: Vec<DocWrite>,
    /// Documents that the member may no longer see. Their unsent changes must be rejected in the same batch.
    pub drop_docs: Vec<DocId>,
    /// New changes to be sent, in order. Their documents stand in `docs` or in the store.
    pub outbox: Vec<OutboxEntry>,
    /// Changes that leave the outbox: accepted by the server, or replaced by a replay. Unknown ones are ignored.
    pub accepted: Vec<Hash32>,
    /// Changes that leave the outbox for the list of refused edits. Unknown ones are ignored.
    pub rejected: Vec<Rejection>,
    /// Edits that were never made, for the list of refused edits: what was being typed about a document that goes.
    pub unmade: Vec<UnmadeEdit>,
    /// Numbers of refused edits that were proposed again and leave the list. One that is not there fails the batch.
    pub proposed_again: Vec<i64>,
    /// How far the server's log was read.
    pub cursor: Option<u64>,
    /// Texts that are being typed.
    pub drafts: Vec<Draft>,
    /// Keys of drafts that are no longer needed.
    pub drop_drafts: Vec<String>,
    /// Alerts that were raised, shown or acknowledged.
    pub alerts: Vec<AlertWrite>,
    /// Facts about the device by name; `None` removes one.
    pub meta: Vec<(String, Option<Vec<u8>>)>,
}

impl Batch {
    /// A batch that writes documents and nothing else.
    pub fn of_docs(docs: Vec<DocWrite>) -> Self {
        Self { docs, ..Self::default() }
    }
}

/// A document, with what is derived from it.
#[derive(Clone, Debug)]
pub struct DocWrite {
    /// Which one.
    pub id: DocId,
    /// What kind; it never changes.
    pub kind: DocKind,
    /// The heads that the writer saw in the store; `None`: it saw no such document.
    pub expected_heads: Option<Vec<Hash32>>,
    /// Its heads now.
    pub heads: Vec<Hash32>,
    /// The Automerge document, uncompressed.
    pub snapshot: Vec<u8>,
    /// Its schema number.
    pub schema: u32,
    /// Its line in a list; `None` when its schema is too new to be read: it is kept and has no rows.
    pub row: Option<Row>,
    /// A ticket's most pressing clock.
    pub next_due: Option<NextDue>,
    /// When its alerts fall due. Of a deleted document none are kept.
    pub deadlines: Vec<Deadline>,
}

/// A change that waits to be sent, beside the edit it came from.
#[derive(Clone, Debug, PartialEq)]
pub struct OutboxEntry {
    /// The document.
    pub doc: DocId,
    /// The change's hash.
    pub hash: Hash32,
    /// The Automerge change.
    pub bytes: Vec<u8>,
    /// What the person did.
    pub edit: Edit,
    /// When.
    pub edited_at: UtcMillis,
}

/// A change that the server refused, or that no longer holds after one before it was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// Which change; it stands in the outbox.
    pub hash: Hash32,
    /// Why, for programs.
    pub code: String,
    /// Why, for people.
    pub reason: String,
    /// What it was about: `TK-…`, `INC-…` or an article's title.
    pub subject: String,
    /// When it was refused.
    pub rejected_at: UtcMillis,
}

/// An edit that was being typed and cannot be made any more.
#[derive(Clone, Debug, PartialEq)]
pub struct UnmadeEdit {
    /// Stands for a change's hash: the same text is listed once.
    pub hash: Hash32,
    /// What the person was about to do.
    pub edit: Edit,
    /// Why, for programs.
    pub code: String,
    /// Why, for people.
    pub reason: String,
    /// What it was about: `TK-…`.
    pub subject: String,
    /// When it was typed.
    pub edited_at: UtcMillis,
    /// When it was listed.
    pub rejected_at: UtcMillis,
}

/// What happened to an alert. Each may be written again, and changes nothing then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AlertWrite {
    /// It fell due. One that is known stays as it is.
    Raise {
        /// Which one.
        key: AlertKey,
        /// When this device first knew.
        at: UtcMillis,
        /// It is not this member's business: remembered, so that it is not raised again, and never listed or shown.
        silent: bool,
        /// No banner is to come of it.
        settled: bool,
    },
    /// The member acknowledged it, on whichever device. One that is not known is remembered, and never raised.
    Acknowledge {
        /// Which one.
        key: AlertKey,
        /// When.
        at: UtcMillis,
    },
    /// The member took an acknowledgement back, on whichever device.
    Reopen {
        /// Which one.
        key: AlertKey,
        /// When; an acknowledgement after it stands.
        at: UtcMillis,
    },
    /// The member put it off, on whichever device: its banner comes (again) then. One that is not known is remembered.
    Snooze {
        /// Which one.
        key: AlertKey,
        /// When this device heard of it.
        at: UtcMillis,
        /// Until when.
        until: UtcMillis,
    },
    /// The member ended a snooze before its time, on whichever device; no banner is needed.
    Wake {
        /// Which one.
        key: AlertKey,
        /// When.
        at: UtcMillis,
    },
}

/// A decision about an alert's banner, to be kept before anything is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertDecision {
    /// Which alert.
    pub key: AlertKey,
    /// The state that was decided upon. When another one is found (it was acknowledged or put off meanwhile), nothing is kept.
    pub was: AlertState,
    /// The state from now on.
    pub is: AlertState,
}

/// What a commit changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Committed {
    /// Kinds of which a document was written or dropped, each once.
    pub kinds: Vec<DocKind>,
    /// The documents that were written or dropped.
    pub docs: Vec<DocId>,
    /// Alerts of the batch that this device did not know before.
    pub new_alerts: Vec<AlertKey>,
    /// Numbers of the refused edits that were added to the list.
    pub rejected: Vec<i64>,
}

pub(crate) fn heads_to_bytes(heads: &[Hash32]) -> Vec<u8> {
    let mut sorted = heads.to_vec();
    sorted.sort_unstable();
    sorted.concat()
}

/// Heads from the bytes that a column has: 32 a head, sorted. Bytes that are left over are ignored.
pub fn heads_from_bytes(bytes: &[u8]) -> Vec<Hash32> {
    bytes.as_chunks::<32>().0.to_vec()
}
