//! One number that says whether two replicas have converged.

use desk_domain::ids::{DocId, DocKind};
use sha2::{Digest as _, Sha256};

/// SHA-256 over all shared documents, which are added in the order of their ids: kind, id, and the hashes of the newest
/// changes. A change's hash covers its content and, through its dependencies, its whole history, so equal digests mean
/// equal documents. Personal documents belong to one member and are left out.
#[derive(Clone, Debug, Default)]
pub struct Digest {
    hash: Sha256,
    documents: u64,
}

impl Digest {
    /// Adds the next document with its heads, sorted.
    pub fn add(&mut self, kind: DocKind, id: DocId, heads: &[[u8; 32]]) {
        if kind == DocKind::Personal {
            return;
        }
        self.hash.update([kind.code()]);
        self.hash.update(id.0.as_bytes());
        self.hash.update(u32::try_from(heads.len()).unwrap_or(u32::MAX).to_le_bytes());
        for head in heads {
            self.hash.update(head);
        }
        self.documents += 1;
    }

    /// How many documents were added.
    pub fn documents(&self) -> u64 {
        self.documents
    }

    /// The number.
    pub fn finish(self) -> [u8; 32] {
        self.hash.finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use desk_domain::{ids::uuid_v7, time::UtcMillis};

    use super::*;

    fn of(rows: &[(DocKind, u8, &[[u8; 32]])]) -> [u8; 32] {
        let mut digest = Digest::default();
        for (kind, id, heads) in rows {
            digest.add(*kind, DocId(uuid_v7(UtcMillis(1), [*id; 10])), heads);
        }
        digest.finish()
    }

    #[test]
    fn every_part_counts_and_personal_documents_do_not() {
        let one = of(&[(DocKind::Ticket, 1, &[[1; 32]])]);
        assert_ne!(one, of(&[(DocKind::Article, 1, &[[1; 32]])]));
        assert_ne!(one, of(&[(DocKind::Ticket, 2, &[[1; 32]])]));
        assert_ne!(one, of(&[(DocKind::Ticket, 1, &[[1; 32], [2; 32]])]));
        assert_eq!(one, of(&[(DocKind::Personal, 0, &[[9; 32]]), (DocKind::Ticket, 1, &[[1; 32]])]));
    }
}
