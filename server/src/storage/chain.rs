//! The hash chain over a workspace's log: whoever knows the value at one number knows that nothing before it was changed,
//! taken out or put in.

use desk_domain::ids::WorkspaceId;
use sha2::{Digest as _, Sha256};

use super::{Digest, LogEntry};

/// The chain before the first entry.
pub const START: Digest = [0; 32];

/// The chain at the entry `seq`, which follows one at which it was `before`. Of the change itself the hash counts, which
/// stands for its bytes.
pub fn next(before: &Digest, workspace: WorkspaceId, seq: u64, entry: &LogEntry) -> Digest {
    let hash = Sha256::new()
        .chain_update(before)
        .chain_update(workspace.0.as_bytes())
        .chain_update(seq.to_be_bytes())
        .chain_update(entry.doc.0.as_bytes())
        .chain_update(entry.hash)
        .chain_update(entry.actor.0.as_bytes())
        .chain_update(entry.actor_seq.to_be_bytes());
    // Every field has one length, so that no two entries read alike.
    let hash = match &entry.member {
        Some(member) => hash.chain_update([1]).chain_update(member.0.as_bytes()),
        None => hash.chain_update([0]).chain_update([0; 16]),
    };
    hash.chain_update(entry.received_at.0.to_be_bytes()).finalize().into()
}

/// The chain at each of the entries that follow one at which it was `before`; the first has the number `first`.
pub fn along(before: Digest, workspace: WorkspaceId, first: u64, entries: &[LogEntry]) -> Vec<Digest> {
    let mut value = before;
    let step = |(seq, entry): (u64, &LogEntry)| {
        value = next(&value, workspace, seq, entry);
        value
    };
    (first..).zip(entries).map(step).collect()
}
