//! What becomes of a refresh token that is presented: one rule for every implementation.

use desk_domain::time::UtcMillis;

/// For how long a used token is honoured once more. Its answer may have been lost on the way, and who lost it asks
/// again at once; a thief who comes later is found out.
pub(super) const GRACE_MS: i64 = 60_000;

/// A refresh token as it stands in the database.
#[expect(clippy::struct_excessive_bools, reason = "what the database says, each for itself")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TokenState {
    /// It is presented by the device that it was given to.
    pub(super) own_device: bool,
    /// The device was revoked.
    pub(super) device_revoked: bool,
    /// Its member left, or is a requester now.
    pub(super) member_barred: bool,
    /// Its session was ended.
    pub(super) session_ended: bool,
    /// When it ends by itself.
    pub(super) expires_at: UtcMillis,
    /// When it was used.
    pub(super) used_at: Option<UtcMillis>,
    /// It was replaced by a token that nobody has used.
    pub(super) successor_unused: bool,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Use it up and give out the next.
    Rotate,
    /// Give out another in place of its successor, which counts as used from now on: should it turn up after all,
    /// there are two who hold tokens of this session.
    Replace,
    /// End the session.
    Reuse,
    /// Nothing: the device was revoked.
    Revoked,
    /// Nothing: the member may have no device.
    Barred,
    /// Nothing.
    Void,
}

/// Decides.
pub(super) fn step(token: &TokenState, now: UtcMillis) -> Step {
    if !token.own_device {
        return Step::Void;
    }
    if token.device_revoked {
        return Step::Revoked;
    }
    if token.member_barred {
        return Step::Barred;
    }
    if token.session_ended {
        return Step::Void;
    }
    match token.used_at {
        Some(used_at) if token.successor_unused && now.since(used_at) <= GRACE_MS => Step::Replace,
        Some(_) => Step::Reuse,
        None if token.expires_at <= now => Step::Void,
        None => Step::Rotate,
    }
}
