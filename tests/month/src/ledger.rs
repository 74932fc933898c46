//! What happened in a month, as the checks read it.

use desk_domain::{alert::AlertKey, ids::MemberId, incident::Incident, ticket::Ticket, time::UtcMillis};

use crate::plan::{DevicePlan, People};

/// How an alert was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Told {
    Banner,
    Summary,
    Digest,
    Listed,
}

/// A device wrote an alert down as raised.
#[derive(Clone, Debug)]
pub(crate) struct Raised {
    pub(crate) key: AlertKey,
    /// The true instant.
    pub(crate) at: UtcMillis,
    /// What the device's clock showed.
    pub(crate) clock: UtcMillis,
    /// Up to when the device knew the documents.
    pub(crate) known: UtcMillis,
    /// It is not the member's business.
    pub(crate) silent: bool,
}

/// A device told its member of an alert.
#[derive(Clone, Debug)]
pub(crate) struct Telling {
    pub(crate) key: AlertKey,
    pub(crate) at: UtcMillis,
    pub(crate) clock: UtcMillis,
    pub(crate) how: Told,
    /// Something of a P1 incident, which breaks through quiet hours.
    pub(crate) is_p1: bool,
    /// How much of what the device heard from its member came before.
    pub(crate) heard: usize,
}

/// A device heard what the member said of an alert, there or elsewhere.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    pub(crate) key: AlertKey,
    pub(crate) at: UtcMillis,
    /// Until when it was put off; `None`: it was acknowledged.
    pub(crate) snoozed_until: Option<UtcMillis>,
}

/// One device's month.
#[derive(Clone, Debug)]
pub(crate) struct DeviceLedger {
    pub(crate) plan: DevicePlan,
    pub(crate) raised: Vec<Raised>,
    pub(crate) told: Vec<Telling>,
    pub(crate) heard: Vec<Heard>,
    /// Alerts whose banner still waits for an instant after the end.
    pub(crate) held: Vec<AlertKey>,
    /// When it was awake, connected and had the right time.
    pub(crate) attentive: Vec<(UtcMillis, UtcMillis)>,
    /// How many banners came on the screen; those of summaries and digests among them.
    pub(crate) banners: usize,
    pub(crate) summaries: usize,
    pub(crate) digests: usize,
    /// Banners that told of an alert which was acknowledged or put off.
    pub(crate) stale_banners: usize,
}

/// The month.
#[derive(Clone, Debug)]
pub(crate) struct Ledger {
    pub(crate) people: People,
    pub(crate) tickets: Vec<Ticket>,
    pub(crate) incidents: Vec<Incident>,
    pub(crate) devices: Vec<DeviceLedger>,
    pub(crate) edits: usize,
    /// When the month was over.
    pub(crate) end: UtcMillis,
}

impl DeviceLedger {
    pub(crate) fn member(&self, people: &People) -> MemberId {
        people.id(self.plan.member)
    }
}
