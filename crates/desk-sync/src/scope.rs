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

use crate::wire::{DocHeads, Hash};

/// The name of a scope: two members with one name see the same shared documents, and get the same of each entry of the log.
/// The private teams that they see count as well: an entry is passed over because its document comes whole when it leaves
/// such a team, and it does not once the team is everybody's.
pub fn scope_id(scope: &Scope) -> Hash {
    id(scope.private(), scope.hidden())
}

/// The name of the scope of somebody where no team is private.
pub fn open_id() -> Hash {
    scope_id(&Scope::default())
}

fn id(private: &BTreeSet<String>, hidden: &BTreeSet<String>) -> Hash {
    let mut hash = Sha256::new();
    for team in private {
        hash.update((team.len() as u64).to_le_bytes());
        hash.update(team.as_bytes());
        hash.update([u8::from(hidden.contains(team))]);
    }
    Hash(hash.finalize().into())
}

/// What is to be done about two lists that rise by document: what the device has and may not see any more, and what it may
/// see and has not, or not all of. (Of a document in sight entries of the log may have been passed over, because it was to
/// come whole with a later one.)
pub fn differences(here: &[DocHeads], seen: &[DocHeads]) -> (Vec<DocId>, Vec<DocId>) {
    let (mut gone, mut wanted) = (Vec::new(), Vec::new());
    let (mut here, mut seen) = (here.iter().peekable(), seen.iter().peekable());
    loop {
        let order = match (here.peek(), seen.peek()) {
            (Some(here), Some(seen)) => here.doc.cmp(&seen.doc),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => return (gone, wanted),
        };
        match order {
            Ordering::Less => gone.extend(here.next().map(|here| here.doc)),
            Ordering::Greater => wanted.extend(seen.next().map(|seen| seen.doc)),
            Ordering::Equal => {
                let (here, seen) = (here.next(), seen.next());
                wanted.extend(seen.filter(|seen| Some(*seen) != here).map(|seen| seen.doc));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use desk_domain::{ids::uuid_v7, time::UtcMillis};

    use super::*;

    #[test]
    fn a_scope_is_named_by_what_it_hides_and_what_is_private() {
        let teams = |teams: &[&str]| teams.iter().map(|team| (*team).to_owned()).collect();
        let id = |private: &[&str], hidden: &[&str]| id(&teams(private), &teams(hidden));
        assert_eq!(id(&[], &[]), open_id());
        assert_eq!(id(&["hr", "it"], &["hr", "it"]), id(&["it", "hr"], &["it", "hr"]));
        assert_ne!(id(&["hr", "it"], &["hr"]), id(&["hr", "it"], &["it"]));
        assert_ne!(id(&["hr", "it"], &["hr", "it"]), id(&["hrit"], &["hrit"]));
        assert_ne!(id(&["hr"], &[]), id(&[], &[]), "seen, and private all the same");
    }

    #[test]
    fn two_lists_are_held_against_each_other() {
        let id = |n: u8| DocId(uuid_v7(UtcMillis(1), [n; 10]));
        let docs = |numbers: &[(u8, u8)]| -> Vec<DocHeads> {
            let heads = |(n, head): &(u8, u8)| DocHeads { doc: id(*n), heads: vec![Hash([*head; 32])] };
            numbers.iter().map(heads).collect()
        };
        let check = |here: &[(u8, u8)], seen: &[(u8, u8)], gone: &[u8], wanted: &[u8]| {
            let ids = |numbers: &[u8]| -> Vec<DocId> { numbers.iter().map(|n| id(*n)).collect() };
            assert_eq!(differences(&docs(here), &docs(seen)), (ids(gone), ids(wanted)));
        };
        check(&[], &[], &[], &[]);
        check(&[(1, 7), (2, 7)], &[(1, 7), (2, 7)], &[], &[]);
        check(&[(1, 7), (3, 7), (5, 7)], &[(2, 7), (3, 7), (4, 7), (6, 7)], &[1, 5], &[2, 4, 6]);
        check(&[], &[(1, 7)], &[], &[1]);
        check(&[(1, 7)], &[], &[1], &[]);
        check(&[(1, 7), (2, 7), (3, 7)], &[(1, 7), (2, 8), (3, 7)], &[], &[2]);
    }
}
