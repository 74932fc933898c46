//! Changes as they arrive: nothing is believed before its checksum and hash hold.

use std::panic::{AssertUnwindSafe, catch_unwind};

use automerge::{ActorId, Change};
use desk_domain::time::UtcMillis;

use crate::chunk::{Unfit, check_change};

/// How the message of a change begins that was made without a connection; the instant follows, in UTC milliseconds.
const OFFLINE_SINCE: &str = "offline_since=";

/// The bytes are no whole change, or not the one that was announced.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the change is damaged: {0}")]
pub struct CorruptChange(String);

/// A change whose checksum and hash hold.
#[derive(Clone, Debug)]
pub struct VerifiedChange {
    change: Change,
}

impl VerifiedChange {
    /// Its hash.
    pub fn hash(&self) -> [u8; 32] {
        self.change.hash().0
    }

    /// The hashes of the changes it builds on.
    pub fn deps(&self) -> impl Iterator<Item = [u8; 32]> {
        self.change.deps().iter().map(|hash| hash.0)
    }

    /// The sixteen bytes of the device that made it, if its actor has that form.
    pub fn device(&self) -> Option<desk_domain::ids::DeviceId> {
        uuid::Uuid::from_slice(self.change.actor_id().to_bytes()).ok().map(desk_domain::ids::DeviceId)
    }

    /// Its actor.
    pub fn actor(&self) -> &ActorId {
        self.change.actor_id()
    }

    /// Its place among its actor's changes of the document, from 1.
    pub fn seq(&self) -> u64 {
        self.change.seq()
    }

    /// When its device says it was made, in seconds since 1970.
    pub fn made_at_s(&self) -> i64 {
        self.change.timestamp()
    }

    /// Since when its device had not reached the server as it was made; `None` when it had a connection, or its message
    /// is not of the form that this program writes.
    pub fn offline_since(&self) -> Option<UtcMillis> {
        offline_since(&self.change)
    }

    /// Its bytes, as they are stored and sent.
    pub fn bytes(&self) -> &[u8] {
        self.change.raw_bytes()
    }

    pub(crate) fn inner(&self) -> &Change {
        &self.change
    }

    pub(crate) fn into_inner(self) -> Change {
        self.change
    }

    /// A change that this program has just made.
    pub(crate) fn own(change: Change) -> Self {
        Self { change }
    }
}

/// The message of a change that is made without a connection.
pub(crate) fn offline_message(since: UtcMillis) -> String {
    format!("{OFFLINE_SINCE}{}", since.0)
}

/// What the message of a change tells: `Ok(None)` without one, `Err(())` for a message of another form.
pub(crate) fn message(change: &Change) -> Result<Option<UtcMillis>, ()> {
    let Some(message) = change.message() else { return Ok(None) };
    let since = message.strip_prefix(OFFLINE_SINCE).and_then(|digits| digits.parse().ok()).map(UtcMillis);
    // One spelling alone: no sign, no leading zeros.
    since.filter(|since| since.0 > 0 && offline_message(*since) == message).map(Some).ok_or(())
}

/// What a change tells of its device's connection, if it does.
pub(crate) fn offline_since(change: &Change) -> Option<UtcMillis> {
    message(change).ok().flatten()
}

/// Parses a change and checks that its checksum and its hash are what they claim. Automerge itself checks neither
/// (`Change::from_bytes` takes a flipped bit), and a damaged change in a document would make it unreadable.
///
/// # Errors
/// When it is no change, cut off, altered, or another one than `claimed`.
pub fn verify(bytes: &[u8], claimed: [u8; 32]) -> Result<VerifiedChange, CorruptChange> {
    let change = parse(bytes)?;
    if change.hash().0 != claimed {
        return Err(CorruptChange("its hash is not the one that was claimed".to_owned()));
    }
    written_as_usual(change)
}

/// The same for a change that stands in a snapshot, where no hash is claimed.
pub(crate) fn verify_stored(bytes: &[u8]) -> Result<VerifiedChange, CorruptChange> {
    written_as_usual(parse(bytes)?)
}

/// A whole change whose checksum holds.
fn parse(bytes: &[u8]) -> Result<Change, CorruptChange> {
    check_change(bytes).map_err(|Unfit(why)| CorruptChange(why.to_owned()))?;
    // The parser is Automerge's; a panic on hostile bytes must not take the server down.
    let parsed = catch_unwind(AssertUnwindSafe(|| Change::from_bytes(bytes.to_vec())));
    let change = match parsed {
        Ok(Ok(change)) => change,
        Ok(Err(error)) => return Err(CorruptChange(error.to_string())),
        Err(_) => return Err(CorruptChange("it cannot be parsed".to_owned())),
    };
    if bytes.get(4..8) != Some(&change.hash().0[..4]) {
        return Err(CorruptChange("its checksum does not hold".to_owned()));
    }
    Ok(change)
}

/// A document keeps operations, not bytes, and writes them its own way: a change that was written in another way would
/// come back with another hash, and the saved document would not load.
fn written_as_usual(change: Change) -> Result<VerifiedChange, CorruptChange> {
    let rewritten = catch_unwind(AssertUnwindSafe(|| Change::from(change.decode())));
    match rewritten {
        Ok(rewritten) if rewritten.hash() == change.hash() => Ok(VerifiedChange { change }),
        Ok(_) | Err(_) => Err(CorruptChange("it is not written as changes are".to_owned())),
    }
}
