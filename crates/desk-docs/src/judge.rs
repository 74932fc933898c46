//! Whether a change may stand: the schema's limits, the role's permissions, the workflow, the clock. The device
//! asks before it keeps an edit, the server before it accepts a change; both ask here.

use desk_domain::{
    ids::DeviceId,
    permissions::{self, Actor, Denied},
    time::UtcMillis,
    workspace::Workflow,
};

use crate::{
    change::VerifiedChange,
    document::Document,
    review::{Invalid, review},
};

/// How far ahead of the judge's clock an instant in a change may be. Devices correct their clocks by the server's
/// answers; what is further off was not corrected.
pub const CLOCK_TOLERANCE_MS: i64 = 10 * 60_000;

/// Who made a change, and by which rules.
#[derive(Clone, Debug)]
pub struct Author<'a> {
    /// The installation.
    pub device: DeviceId,
    /// The member and the role.
    pub actor: Actor,
    /// The workspace's status moves.
    pub workflow: &'a Workflow,
}

/// Why a change may not stand.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is not of the form that documents have.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The role, the workflow or a foreign signature.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// It says that it was made in the future.
    #[error("it is dated {ahead_s} seconds ahead; set the device's clock")]
    Clock {
        /// By how much.
        ahead_s: i64,
    },
}

/// Judges a change against the document it belongs to (before or after it was applied: only what it builds on counts).
///
/// # Errors
/// Why it may not stand.
pub fn judge(
    document: &Document,
    change: &VerifiedChange,
    author: &Author<'_>,
    now: UtcMillis,
) -> Result<(), Refusal> {
    let found = review(document, change)?;
    let newest = found.newest_at.max(UtcMillis(change.made_at_s().saturating_mul(1000)));
    let ahead_ms = newest.since(now);
    if ahead_ms > CLOCK_TOLERANCE_MS {
        return Err(Refusal::Clock { ahead_s: ahead_ms / 1000 });
    }
    for touch in &found.touches {
        permissions::check(&author.actor, author.workflow, touch)?;
    }
    Ok(())
}
