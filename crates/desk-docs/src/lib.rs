//! The Automerge schema of every document: typed edits in, the domain out, and what a change touches.
//!
//! Invariants:
//! - A document's skeleton (its maps and texts) is made by the one change that creates it, and nothing is ever
//!   removed: deletion is a flag (DESIGN §3).
//! - No change is applied that [`verify`] has not let through; every change is judged ([`judge`]) by the device that makes
//!   it and by the server that accepts it, with the same code. What the server accepted, other devices only verify.
//! - Nothing here waits, stores, or asks the machine for the time.
//!
//! Not here: where documents are kept (`desk-store`, the server), how changes travel (`desk-sync`).

mod block;
mod change;
mod chunk;
mod complete;
mod document;
mod history;
mod judge;
mod open;
mod read;
mod review;
mod schema;
mod snapshot;
mod text;
mod tree;
mod write;

pub use block::{
    BLOCK_DOCUMENTS, Block, BrokenBlock, MAX_BLOCK_BYTES, PackedBlock, PackedDocument, read_block,
    unpack_block,
};
pub use change::{CorruptChange, VerifiedChange, verify};
pub use document::{ApplyError, Beginning, Document, EditError, LoadError, NewChange};
pub use history::PastChange;
pub use judge::{Author, CLOCK_TOLERANCE_MS, Refusal, judge};
pub use open::{Open, OpenDocuments};
pub use read::ReadError;
pub use review::{Invalid, Review, review};
pub use schema::SCHEMA;
pub use snapshot::Snapshot;

/// The Automerge actor of a device: the bytes of its id.
pub fn actor_of(device: desk_domain::ids::DeviceId) -> automerge::ActorId {
    automerge::ActorId::from(device.0.as_bytes().as_slice())
}
