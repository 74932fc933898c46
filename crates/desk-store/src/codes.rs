//! How words and instants stand in columns.
//!
//! Status and priority are small numbers, because they lead the indexes and priority sorts; they are never reused.
//! Everything else is stored as its word.

use std::collections::{BTreeMap, BTreeSet};

use desk_domain::{
    ids::{DocId, DocKind, MemberId},
    incident::Milestone,
    ticket::{Priority, Status},
    time::UtcMillis,
};
use uuid::Uuid;

use crate::StoreError;

pub(crate) fn status_code(status: Status) -> i64 {
    match status {
        Status::Open => 0,
        Status::InProgress => 1,
        Status::Pending => 2,
        Status::Resolved => 3,
        Status::Closed => 4,
        Status::Cancelled => 5,
    }
}

pub(crate) fn status_from(code: i64) -> Result<Status, StoreError> {
    let found = Status::ALL.iter().find(|status| status_code(**status) == code);
    found.copied().ok_or_else(|| StoreError::unreadable(format!("status {code}")))
}

pub(crate) fn priority_code(priority: Priority) -> i64 {
    match priority {
        Priority::Low => 10,
        Priority::Medium => 20,
        Priority::High => 30,
        Priority::Urgent => 40,
        Priority::Critical => 50,
    }
}

pub(crate) fn priority_from(code: i64) -> Result<Priority, StoreError> {
    let found = Priority::ALL.iter().find(|priority| priority_code(**priority) == code);
    found.copied().ok_or_else(|| StoreError::unreadable(format!("priority {code}")))
}

pub(crate) fn kind_from(code: i64) -> Result<DocKind, StoreError> {
    let kind = u8::try_from(code).ok().and_then(DocKind::from_code);
    kind.ok_or_else(|| StoreError::unreadable(format!("kind {code}")))
}

pub(crate) fn id_bytes(id: DocId) -> Vec<u8> {
    id.0.as_bytes().to_vec()
}

pub(crate) fn id_from(bytes: &[u8]) -> Result<DocId, StoreError> {
    Uuid::from_slice(bytes).map(DocId).map_err(|_| StoreError::unreadable("a document id"))
}

/// A word of one of the closed vocabularies.
pub(crate) fn word<T: std::str::FromStr>(text: &str) -> Result<T, StoreError> {
    text.parse().map_err(|_| StoreError::unreadable(format!("the word {text:?}")))
}

pub(crate) fn tags_json(tags: &BTreeSet<String>) -> Result<String, StoreError> {
    to_json(tags)
}

pub(crate) fn tags_from(json: &str) -> Result<BTreeSet<String>, StoreError> {
    from_json(json)
}

pub(crate) fn services_json(services: &BTreeSet<String>) -> String {
    // Plain texts always have a JSON form.
    serde_json::to_string(services).unwrap_or_default()
}

pub(crate) fn milestones_json(milestones: &BTreeMap<Milestone, UtcMillis>) -> String {
    // A map from words to instants: it always has a JSON form.
    serde_json::to_string(milestones).unwrap_or_default()
}

pub(crate) fn milestones_from(json: &str) -> Result<BTreeMap<Milestone, UtcMillis>, StoreError> {
    from_json(json)
}

/// Whom a deadline is for, or nothing when that follows from its subject.
pub(crate) fn members_json(members: &[MemberId]) -> Option<String> {
    // Ids are plain texts: they always have a JSON form.
    (!members.is_empty()).then(|| serde_json::to_string(members).unwrap_or_default())
}

pub(crate) fn members_from(json: Option<&str>) -> Result<Vec<MemberId>, StoreError> {
    json.map_or_else(|| Ok(Vec::new()), from_json)
}

pub(crate) fn to_json<T: serde::Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Invalid { why: error.to_string() })
}

pub(crate) fn from_json<'a, T: serde::Deserialize<'a>>(json: &'a str) -> Result<T, StoreError> {
    serde_json::from_str(json).map_err(|error| StoreError::unreadable(error.to_string()))
}

/// Behind every instant that a clock can show (it lies 146 million years ahead).
pub(crate) const WITHOUT_CLOCK: i64 = 1 << 62;

/// What sorts by the clock that runs out next: its instant; without a clock behind all of them, the newest change first.
pub(crate) fn due_key(due_at: Option<UtcMillis>, updated_at: UtcMillis) -> i64 {
    const HORIZON: i64 = WITHOUT_CLOCK / 2;
    match due_at {
        Some(at) => at.0.clamp(-HORIZON, HORIZON - 1),
        None => WITHOUT_CLOCK - updated_at.0.clamp(-HORIZON, HORIZON),
    }
}

/// The instant in a [`due_key`], if there is one.
pub(crate) fn due_from(key: i64) -> Option<UtcMillis> {
    (key < WITHOUT_CLOCK / 2).then_some(UtcMillis(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_without_a_clock_sorts_behind_every_clock_and_by_its_newest_change() {
        let clock = due_key(Some(UtcMillis(253_402_300_799_000)), UtcMillis(0));
        let new = due_key(None, UtcMillis(2_000));
        let old = due_key(None, UtcMillis(1_000));
        assert!(clock < new && new < old);
        assert_eq!(due_from(clock), Some(UtcMillis(253_402_300_799_000)));
        assert_eq!(due_from(new), None);
        assert_eq!(due_from(due_key(None, UtcMillis(i64::MAX))), None);
        assert_eq!(due_from(due_key(None, UtcMillis(i64::MIN))), None);
    }

    #[test]
    fn codes_are_read_back_and_priorities_grow_with_haste() {
        for status in Status::ALL {
            assert_eq!(status_from(status_code(*status)).ok(), Some(*status));
        }
        for pair in Priority::ALL.windows(2) {
            assert!(priority_code(pair[0]) < priority_code(pair[1]));
            assert_eq!(priority_from(priority_code(pair[0])).ok(), Some(pair[0]));
        }
        assert!(status_from(99).is_err() && priority_from(0).is_err());
    }
}
