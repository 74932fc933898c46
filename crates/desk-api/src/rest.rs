//! The server's REST bodies. Paths stand beside each type; all are JSON but the sync batches.
//!
//! Every answer carries `date-ms` (UTC milliseconds), from which devices correct their clocks.

use desk_domain::{
    ids::{DeviceId, DocId, MemberId, WorkspaceId},
    people::Role,
    time::UtcMillis,
};
use serde::{Deserialize, Serialize};

use crate::ErrorCode;

/// The header in which every answer carries the server's present instant, in UTC milliseconds.
pub const DATE_MS_HEADER: &str = "date-ms";
/// The header in which the server proves, beside [`crate::ErrorCode::DeviceRevoked`] and [`crate::ErrorCode::AccessEnded`],
/// that it is the device's own server: 32 bytes in hexadecimal whose SHA-256 is [`Session::erase_check`]. Without it a
/// device erases nothing.
pub const ERASE_PROOF_HEADER: &str = "erase-proof";
/// The header of a push, a pull, a request for documents and their answers that bears a witness: what the server gave last as
/// proof of the log up to its newest number. Opaque to devices, which keep the newest and show it with the next request; a server
/// whose log is not that one any more answers with [`crate::ErrorCode::ServerRestored`].
pub const WITNESS_HEADER: &str = "log-witness";
/// The media type of sync batches.
pub const BATCH_MEDIA_TYPE: &str = "application/vnd.workernet.batch";

/// `POST /v1/sessions`: signs a device in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignInRequest {
    /// The workspace's short name.
    pub workspace: String,
    /// The member's address.
    pub email: String,
    /// In the clear under TLS.
    pub password: String,
    /// This installation; a fresh one after every restore.
    pub device: DeviceId,
    /// What the person would call the device (host name, system).
    pub device_name: String,
}

/// `POST /v1/devices`, with an access token: this installation goes on as another device, since its present id is also
/// another's (a restored backup, a cloned disk).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewDevice {
    /// The fresh id.
    pub device: DeviceId,
    /// What the person would call the device.
    pub device_name: String,
}

/// The answer to a sign-in, to a refresh and to a new device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// For `Authorization: Bearer`, 15 minutes.
    pub access_token: String,
    /// Good for one refresh; using it twice ends the session everywhere.
    pub refresh_token: String,
    /// When the access token ends.
    pub expires_at: UtcMillis,
    /// The tenant.
    pub workspace: WorkspaceId,
    /// The tenant's name.
    pub workspace_name: String,
    /// Its settings document.
    pub workspace_doc: DocId,
    /// Who signed in.
    pub member: MemberId,
    /// What to call them.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Their personal settings document.
    pub personal_doc: DocId,
    /// SHA-256 (hexadecimal) of what the server will show when it takes the device's access away; see
    /// [`ERASE_PROOF_HEADER`]. The same for a device as long as it lives.
    pub erase_check: String,
    /// The server's present instant.
    pub now: UtcMillis,
}

/// `POST /v1/sessions/refresh`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefreshRequest {
    /// The newest refresh token.
    pub refresh_token: String,
    /// The device that holds it.
    pub device: DeviceId,
}

/// The body of `POST /v1/workspaces/SLUG/metrics/NAME`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SampleBody {
    /// The metric's value now.
    pub value: f64,
}

/// The answer to a heartbeat and to a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Received {
    /// When it came, by the server's clock.
    pub at: UtcMillis,
}

/// `GET /v1/health`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// `ok` once requests are served.
    pub status: String,
    /// The server's version.
    pub version: String,
    /// The newest wire format it speaks.
    pub wire_version: u16,
    /// Its present instant.
    pub now: UtcMillis,
}

/// A message of the live connection, `GET /v1/live` (WebSocket): the head moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hint {
    /// The newest sequence number of the workspace.
    pub head: u64,
}

/// A message of the live connection, after a page that was sent while the server was still writing it: what it brought stands
/// in the log. Where a [`Hint`] comes instead, it does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stands {
    /// The page's newest number.
    pub stands: u64,
}

/// What a device says on its live connection after an edit that it sent while it was still writing it (`desk_sync::live`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// The edit is on the device's disk, and counts; otherwise it never was.
    pub kept: bool,
}

/// A message of the live connection instead of verdicts on such an edit: nothing of it stands. Whoever wants to know more pushes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Declined {
    /// Why.
    pub declined: ErrorCode,
}

/// What a device may say on its live connection: how far it has read the log. The next page then comes by itself, once, as a
/// binary message (`desk_sync::live`); until the device says how far it is then, nothing else comes. One that says nothing is
/// hinted at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Level {
    /// It has everything up to this number.
    pub after: u64,
    /// Under this scope, 64 hexadecimal digits.
    pub scope: String,
}
