//! What the server's verdicts mean for a device's documents: who was accepted, and what becomes of a document of
//! which something was refused.

use std::collections::{BTreeMap, BTreeSet};

use desk_docs::{ApplyError, Author, Document, NewChange, VerifiedChange};
use desk_domain::{
    edit::Edit,
    ids::{DocId, Ids},
    time::UtcMillis,
};

use crate::wire::{Hash, Outcome, PushReply, RejectCode};

/// The hash of a change.
type Hash32 = [u8; 32];

/// Why a change was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// For programs.
    pub code: &'static str,
    /// For people.
    pub reason: String,
}

/// The verdicts on a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdicts {
    /// Changes that stand in the log, in the order they were sent.
    pub accepted: Vec<Hash32>,
    /// Changes that never will.
    pub refused: BTreeMap<Hash32, Refused>,
}

/// The reply does not give one verdict for each change, in their order. None of it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the server did not judge every change it was sent")]
pub struct NotJudged;

/// Reads the verdicts on the changes that were `sent`.
///
/// # Errors
/// [`NotJudged`].
pub fn verdicts(
    sent: impl ExactSizeIterator<Item = Hash32>,
    reply: &PushReply,
) -> Result<Verdicts, NotJudged> {
    if sent.len() != reply.verdicts.len() {
        return Err(NotJudged);
    }
    let mut found = Verdicts::default();
    for (hash, verdict) in sent.zip(&reply.verdicts) {
        if hash != verdict.hash.0 {
            return Err(NotJudged);
        }
        match &verdict.outcome {
            Outcome::Accepted { .. } => found.accepted.push(hash),
            Outcome::Rejected { code, reason } => {
                found.refused.insert(hash, Refused { code: code.as_str(), reason: reason.clone() });
            }
        }
    }
    Ok(found)
}

/// Takes out of the verdicts what shows that another installation has this device's id, too: it has used the number of a change
/// for another one. Gives back the documents where that happened. What waits in them is to be made again under a fresh id, so
/// none of it counts as refused.
pub fn clashing<'a>(
    sent: impl Iterator<Item = (DocId, Waiting<'a>)> + Clone,
    refused: &mut BTreeMap<Hash32, Refused>,
) -> BTreeSet<DocId> {
    let is_used =
        |hash: &Hash32| refused.get(hash).is_some_and(|why| why.code == RejectCode::DuplicateSeq.as_str());
    let docs: BTreeSet<DocId> = sent
        .clone()
        .filter(|(_, change)| is_used(&change.hash) && !change.edit.ops.is_empty())
        .map(|(doc, _)| doc)
        .collect();
    for (_, change) in sent.filter(|(doc, _)| docs.contains(doc)) {
        refused.remove(&change.hash);
    }
    docs
}

/// How far the log is read by the verdicts alone, for a device that has everything up to `cursor` under the scope `known`: up
/// to the head, when all that stands between there and the cursor is what the device itself has just sent.
pub fn read_by(reply: &PushReply, cursor: u64, known: Option<Hash>) -> Option<u64> {
    if known != Some(reply.scope) || !reply.withdrawn.is_empty() {
        return None;
    }
    let seqs = reply.verdicts.iter().filter_map(|verdict| match verdict.outcome {
        Outcome::Accepted { seq } => Some(seq),
        Outcome::Rejected { .. } => None,
    });
    let after: BTreeSet<u64> = seqs.filter(|seq| (cursor + 1..=reply.head).contains(seq)).collect();
    let all = reply.head.checked_sub(cursor)?;
    (all > 0 && u64::try_from(after.len()) == Ok(all)).then_some(reply.head)
}

/// A change that waits to be sent, with the edit it came from.
#[derive(Clone, Copy, Debug)]
pub struct Waiting<'a> {
    /// The change's hash.
    pub hash: Hash32,
    /// What the person did.
    pub edit: &'a Edit,
}

/// What became of a waiting change when its document was settled.
#[derive(Clone, Debug)]
pub enum Fate {
    /// The edit was made again, as this change, which waits in its place.
    Again(NewChange),
    /// What the edit wants holds already; there is nothing to send.
    Holds,
    /// It goes to the list of refused edits.
    Refused(Refused),
}

/// The changes of a document that a server which was restored from a backup has not (`known` are the heads that it has) and that
/// do not wait already, dependencies before dependents: they are to be sent again, whoever made them.
pub fn lost(
    document: &mut Document,
    known: &[Hash32],
    unsent: &BTreeSet<Hash32>,
) -> impl Iterator<Item = VerifiedChange> {
    document.changes_after(known).into_iter().filter(|change| !unsent.contains(&change.hash()))
}

/// A document without what was refused.
#[derive(Debug)]
pub struct Settled {
    /// The document as it is now; empty when nothing of it is left.
    pub document: Document,
    /// What became of the waiting changes that had to leave it, in their order. The others stand as they were.
    pub fates: Vec<(Hash32, Fate)>,
}

/// Rebuilds a document without the refused changes and all that build on them, and makes the edits that were not
/// refused themselves again, in their order; those that do not hold any more are refused in turn. `waiting` are the
/// document's unsent changes in order.
///
/// # Errors
/// When what is left does not make a document: it was damaged before.
pub fn settle(
    mut document: Document,
    waiting: &[Waiting<'_>],
    refused: &BTreeMap<Hash32, Refused>,
    author: &Author<'_>,
    now: UtcMillis,
    ids: &dyn Ids,
) -> Result<Settled, ApplyError> {
    let changes = document.changes();
    let gone = with_dependents(&changes, refused.keys().copied().collect());
    // An edit that is made again was still made when it was made: the device had no connection then.
    let offline: BTreeMap<Hash32, UtcMillis> =
        changes.iter().filter_map(|change| Some((change.hash(), change.offline_since()?))).collect();
    let mut rebuilt = Document::empty(document.id(), document.kind());
    rebuilt.apply(changes.into_iter().filter(|change| !gone.contains(&change.hash())).collect())?;

    let mut fates = Vec::new();
    for change in waiting.iter().filter(|change| gone.contains(&change.hash)) {
        let fate = match refused.get(&change.hash) {
            Some(why) if why.code != RejectCode::DependsOnRejected.as_str() => Fate::Refused(why.clone()),
            // A change that is sent for another device, or again: what it did is not known as an edit that could be made.
            why if change.edit.ops.is_empty() => Fate::Refused(why.cloned().unwrap_or_else(|| Refused {
                code: RejectCode::DependsOnRejected.as_str(),
                reason: "the change it builds on was refused".to_owned(),
            })),
            Some(_) | None => {
                let offline_since = offline.get(&change.hash).copied();
                match rebuilt.clone().edit_offline(author, change.edit, now, ids, offline_since) {
                    Ok((next, again)) => {
                        rebuilt = next;
                        again.map_or(Fate::Holds, Fate::Again)
                    }
                    Err(problem) => Fate::Refused(Refused {
                        code: RejectCode::DependsOnRejected.as_str(),
                        reason: problem.to_string(),
                    }),
                }
            }
        };
        fates.push((change.hash, fate));
    }
    Ok(Settled { document: rebuilt, fates })
}

/// The changes `gone` and all that build on them.
fn with_dependents(changes: &[VerifiedChange], mut gone: BTreeSet<Hash32>) -> BTreeSet<Hash32> {
    // Dependencies stand before dependents, so one pass finds them all.
    for change in changes {
        if change.deps().any(|dep| gone.contains(&dep)) {
            gone.insert(change.hash());
        }
    }
    gone
}

#[cfg(test)]
mod tests;
