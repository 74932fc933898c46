//! What a member may see, as client and server name it to each other.
//!
//! With each pull the device says under which scope it has everything up to its cursor. While that is the present one, the
//! pull tells of documents that came into sight or left it. When it is another one (the member joined a team, a team became
//! private), the pull gives nothing but the present scope, and the device is brought level by [`differences`]: it holds the
//! list of what it may see (`GET /v1/sync/heads`) against what it has, lets go of the one and asks for the other
//! (`POST /v1/sync/documents`). That needs no memory of what was seen when, and may break off and begin anew at any time.

use std::{cmp::Ordering, collections::BTreeSet};

use desk_domain::{access::Scope, ids::DocId};
use sha2::{Digest, Sha256};

use crate::wire::Hash;

/// The name of a scope: two members with one name see the same shared documents.
pub fn scope_id(scope: &Scope) -> Hash {
    hidden_id(scope.hidden())
}

/// The name of the scope of somebody from whom nothing is hidden.
pub fn open_id() -> Hash {
    hidden_id(&BTreeSet::new())
}

fn hidden_id(hidden: &BTreeSet<String>) -> Hash {
    let mut hash = Sha256::new();
    for team in hidden {
        hash.update((team.len() as u64).to_le_bytes());
        hash.update(team.as_bytes());
    }
    Hash(hash.finalize().into())
}

/// What stands in the one and not in the other of two lists that rise: what the device has and may not see any more, and
/// what it may see and has not.
pub fn differences(here: &[DocId], seen: &[DocId]) -> (Vec<DocId>, Vec<DocId>) {
    let (mut gone, mut missing) = (Vec::new(), Vec::new());
    let (mut here, mut seen) = (here.iter().copied().peekable(), seen.iter().copied().peekable());
    loop {
        let order = match (here.peek(), seen.peek()) {
            (Some(here), Some(seen)) => here.cmp(seen),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => return (gone, missing),
        };
        match order {
            Ordering::Less => gone.extend(here.next()),
            Ordering::Greater => missing.extend(seen.next()),
            Ordering::Equal => drop((here.next(), seen.next())),
        }
    }
}

#[cfg(test)]
mod tests {
    use desk_domain::{ids::uuid_v7, time::UtcMillis};

    use super::*;

    #[test]
    fn a_scope_is_named_by_what_it_hides() {
        let id = |teams: &[&str]| hidden_id(&teams.iter().map(|team| (*team).to_owned()).collect());
        assert_eq!(id(&[]), open_id());
        assert_eq!(id(&["hr", "it"]), id(&["it", "hr"]));
        assert_ne!(id(&["hr"]), id(&["it"]));
        assert_ne!(id(&["hr", "it"]), id(&["hrit"]));
    }

    #[test]
    fn two_lists_are_held_against_each_other() {
        let docs = |numbers: &[u8]| -> Vec<DocId> {
            numbers.iter().map(|n| DocId(uuid_v7(UtcMillis(1), [*n; 10]))).collect()
        };
        let check = |here: &[u8], seen: &[u8], gone: &[u8], missing: &[u8]| {
            assert_eq!(differences(&docs(here), &docs(seen)), (docs(gone), docs(missing)));
        };
        check(&[], &[], &[], &[]);
        check(&[1, 2, 3], &[1, 2, 3], &[], &[]);
        check(&[1, 3, 5], &[2, 3, 4, 6], &[1, 5], &[2, 4, 6]);
        check(&[], &[1], &[], &[1]);
        check(&[1], &[], &[1], &[]);
    }
}
