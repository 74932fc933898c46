//! Verifying the audit history: the log of accepted changes against its hash chain.

use desk_docs::verify;
use desk_domain::ids::WorkspaceId;

use crate::storage::{Audit, AuditEntry, Digest, Storage, StorageError, chain};

/// Entries that are read at once.
const PAGE: u32 = 1_000;

/// A log that is as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// How many entries it has.
    pub entries: u64,
    /// How many of them were written before there was a chain, and are only known to be whole changes.
    pub unchained: u64,
    /// The chain at the last one. Kept elsewhere, it shows later that nothing was rewritten.
    pub chain: Digest,
}

/// The log is not as it was written.
#[derive(Debug, thiserror::Error)]
pub enum Tampered {
    /// A number is missing, or the log ends before or after its head.
    #[error("entry {expected} is missing: the log goes on with {found}")]
    Gap {
        /// The number that should come.
        expected: u64,
        /// The number that comes, or the head where the log ends.
        found: u64,
    },
    /// The stored change is not the one that was accepted.
    #[error("entry {seq}: {problem}")]
    Change {
        /// Its number.
        seq: u64,
        /// What is wrong with its bytes.
        problem: desk_docs::CorruptChange,
    },
    /// What the entry says was altered, or one before it.
    #[error("entry {seq} does not continue the chain: it, or the order before it, was altered")]
    Chain {
        /// Its number.
        seq: u64,
    },
    /// The storage failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Reads a workspace's whole log and holds every entry against its bytes and the chain.
///
/// # Errors
/// See [`Tampered`]: the first entry that does not hold.
pub async fn verify_log(storage: &dyn Storage, workspace: WorkspaceId) -> Result<Verified, Tampered> {
    let head = storage.workspace(workspace).await?.map_or(0, |record| record.head);
    let mut verified = Verified { entries: 0, unchained: 0, chain: chain::START };
    loop {
        let page = Audit::audit_after(storage, workspace, verified.entries, PAGE).await?;
        if page.is_empty() {
            break;
        }
        for AuditEntry { seq, entry, chain } in page {
            let expected = verified.entries + 1;
            if seq != expected {
                return Err(Tampered::Gap { expected, found: seq });
            }
            verify(&entry.bytes, entry.hash).map_err(|problem| Tampered::Change { seq, problem })?;
            match chain {
                None if verified.unchained == verified.entries => verified.unchained += 1,
                Some(chain) if chain == chain::next(&verified.chain, workspace, seq, &entry) => {
                    verified.chain = chain;
                }
                None | Some(_) => return Err(Tampered::Chain { seq }),
            }
            verified.entries = seq;
        }
    }
    if verified.entries < head {
        return Err(Tampered::Gap { expected: verified.entries + 1, found: head });
    }
    Ok(verified)
}
