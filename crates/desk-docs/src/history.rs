//! A document's past: its changes in an order that people can follow, each with the log entries that it wrote.

use std::collections::{BTreeSet, HashMap};

use automerge::{AutoCommit, ChangeHash, ObjId, ROOT, ReadDoc, ScalarValue, Value};
use desk_domain::{
    ids::{DocKind, EntryId},
    time::UtcMillis,
};

use crate::change;

/// A change of a document, as its history tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastChange {
    /// Its hash.
    pub hash: [u8; 32],
    /// When it was made: the newest of its log entries or, without any, its own time to the second.
    pub at: UtcMillis,
    /// Who made it, as its log entries are signed; the device (in hex) for a change without any.
    pub by: String,
    /// Since when its device had not reached the server, if it had no connection.
    pub offline_since: Option<UtcMillis>,
    /// The log or timeline entries that it wrote, oldest first.
    pub entries: Vec<EntryId>,
}

/// The key of the map in which a kind of document tells what happened to it.
pub(crate) fn log_key(kind: DocKind) -> Option<&'static str> {
    match kind {
        DocKind::Ticket | DocKind::Article => Some("log"),
        DocKind::Incident => Some("timeline"),
        DocKind::Workspace | DocKind::Personal => None,
    }
}

/// The change that made the entry `id` of the map `log`.
pub(crate) fn made_by(doc: &AutoCommit, log: &ObjId, id: &str) -> Option<(ChangeHash, ObjId)> {
    match doc.get(log, id) {
        Ok(Some((Value::Object(_), entry))) => Some((doc.hash_for_opid(&entry)?, entry)),
        Ok(Some((Value::Scalar(_), _)) | None) | Err(_) => None,
    }
}

/// See [`Document::history`](crate::Document::history).
pub(crate) fn of(doc: &mut AutoCommit, kind: DocKind) -> Vec<PastChange> {
    let changes = doc.get_changes(&[]);
    let mut past: Vec<PastChange> = changes
        .iter()
        .map(|change| PastChange {
            hash: change.hash().0,
            at: UtcMillis(change.timestamp().saturating_mul(1000)),
            by: change.actor_id().to_hex_string(),
            offline_since: change::offline_since(change),
            entries: Vec::new(),
        })
        .collect();
    let places: HashMap<ChangeHash, usize> =
        changes.iter().enumerate().map(|(place, change)| (change.hash(), place)).collect();

    for (at, id, hash, by) in entries(doc, kind) {
        let Some(change) = places.get(&hash).and_then(|place| past.get_mut(*place)) else { continue };
        change.at = if change.entries.is_empty() { at } else { change.at.max(at) };
        change.by = by;
        change.entries.push(id);
    }

    // Always the earliest of those whose dependencies have been told of.
    let mut missing: Vec<usize> = Vec::with_capacity(changes.len());
    let mut dependents: Vec<Vec<usize>> = vec![Vec::new(); changes.len()];
    for (place, change) in changes.iter().enumerate() {
        let deps: Vec<usize> = change.deps().iter().filter_map(|dep| places.get(dep).copied()).collect();
        missing.push(deps.len());
        for dep in deps {
            if let Some(dependents) = dependents.get_mut(dep) {
                dependents.push(place);
            }
        }
    }
    let key = |place: usize| past.get(place).map(|change| (change.at, change.hash, place));
    let mut ready: BTreeSet<_> = missing
        .iter()
        .enumerate()
        .filter(|(_, count)| **count == 0)
        .filter_map(|(place, _)| key(place))
        .collect();
    let mut order = Vec::with_capacity(changes.len());
    while let Some((_, _, place)) = ready.pop_first() {
        order.push(place);
        for dependent in dependents.get(place).into_iter().flatten().copied() {
            if let Some(count) = missing.get_mut(dependent) {
                *count -= 1;
                if *count == 0 {
                    ready.extend(key(dependent));
                }
            }
        }
    }
    order.into_iter().filter_map(|place| past.get(place).cloned()).collect()
}

/// Every log entry with its instant, the change that made it and who signed it, oldest first.
fn entries(doc: &AutoCommit, kind: DocKind) -> Vec<(UtcMillis, EntryId, ChangeHash, String)> {
    let Some(key) = log_key(kind) else { return Vec::new() };
    let Ok(Some((Value::Object(_), log))) = doc.get(ROOT, key) else { return Vec::new() };
    let scalar = |entry: &ObjId, key: &str| match doc.get(entry, key) {
        Ok(Some((Value::Scalar(value), _))) => Some(value.into_owned()),
        Ok(Some((Value::Object(_), _)) | None) | Err(_) => None,
    };
    let mut entries: Vec<_> = doc
        .keys(&log)
        .filter_map(|name| {
            let (hash, entry) = made_by(doc, &log, &name)?;
            let Some(ScalarValue::Timestamp(at)) = scalar(&entry, "at") else { return None };
            let by = scalar(&entry, "by")?.as_str()?.to_owned();
            Some((UtcMillis(at), name.parse().ok()?, hash, by))
        })
        .collect();
    entries.sort();
    entries
}
