//! What the shell tells the interface without being asked. Each is a Tauri event named `Event::NAME`.

use desk_domain::ids::{DocId, DocKind};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::view::SyncView;

/// A Tauri event with a typed payload.
pub trait Event: Serialize + DeserializeOwned {
    /// The event's name.
    const NAME: &'static str;
}

/// Documents changed, by an edit here or by sync. The interface decides what to fetch again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changed {
    /// Kinds of which at least one document changed.
    pub kinds: Vec<DocKind>,
    /// The documents, as long as they are at most a hundred; empty means many.
    pub docs: Vec<DocId>,
}

impl Event for Changed {
    const NAME: &'static str = "desk:changed";
}

/// How sync stands now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncChanged(
    /// The whole state.
    pub SyncView,
);

impl Event for SyncChanged {
    const NAME: &'static str = "desk:sync";
}

/// Show a document: a notification was activated, or a second start was asked to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Open {
    /// What kind it is.
    pub kind: DocKind,
    /// Which one.
    pub doc: DocId,
}

impl Event for Open {
    const NAME: &'static str = "desk:open";
}

/// Show the list of alerts: a banner that tells of several was activated, or the tray's menu.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenAlerts {}

impl Event for OpenAlerts {
    const NAME: &'static str = "desk:open-alerts";
}

/// A link to the application cannot be followed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkFailed {
    /// The link, shortened.
    pub link: String,
    /// Why.
    pub problem: LinkProblem,
}

impl Event for LinkFailed {
    const NAME: &'static str = "desk:link-failed";
}

/// Why a link cannot be followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkProblem {
    /// It is not of the form `worknet://ticket/TK-…` or `worknet://incident/INC-…`.
    Malformed,
    /// This device has no such ticket or incident.
    Unknown,
}

/// The list of alerts changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertsChanged {
    /// How many are not acknowledged.
    pub open: u32,
}

impl Event for AlertsChanged {
    const NAME: &'static str = "desk:alerts";
}

/// How far a preview of other SLA rules is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreviewProgress {
    /// Tickets looked at.
    pub done: u32,
    /// Of so many.
    pub tickets: u32,
}

impl Event for PreviewProgress {
    const NAME: &'static str = "desk:preview";
}

/// The session ended (revoked, expired, signed out): show the sign-in page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedOut {
    /// Why, when it was not the person's own doing.
    pub reason: Option<crate::ApiError>,
}

impl Event for SignedOut {
    const NAME: &'static str = "desk:signed-out";
}
