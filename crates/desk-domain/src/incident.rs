//! Incidents: severity, workflow, timeline and the instants that the response times are computed from.

pub mod metrics;
pub mod postmortem;
pub mod proposal;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    escalation::{EndReason, Policy},
    ids::{DocId, EntryId, MemberId, incident_number},
    ticket::{Conflict, Visibility},
    time::UtcMillis,
    words::words,
};

words! {
    /// How bad it is; `P1` is the worst.
    Severity, "severity" {
        /// Everything or everybody is hit.
        P1 = "P1",
        /// A major function is down.
        P2 = "P2",
        /// A part is degraded.
        P3 = "P3",
        /// Hardly noticed.
        P4 = "P4",
    }
}

words! {
    /// Where the response stands.
    IncidentStatus, "incident status" {
        /// Declared; nobody has taken it.
        Open = "open",
        /// Somebody looks for the cause.
        Investigating = "investigating",
        /// The cause is known.
        Identified = "identified",
        /// A fix is in; watching it.
        Monitoring = "monitoring",
        /// Over.
        Resolved = "resolved",
        /// Over and reviewed.
        Closed = "closed",
    }
}

impl IncidentStatus {
    /// The response is over.
    pub fn is_done(self) -> bool {
        match self {
            Self::Resolved | Self::Closed => true,
            Self::Open | Self::Investigating | Self::Identified | Self::Monitoring => false,
        }
    }

    /// Whether the response may go from here to `to`. Forward any number of steps, back to investigating while it
    /// is not closed, and a closed one only by reopening it.
    pub fn may_become(self, to: Self) -> bool {
        self == to
            || match self {
                Self::Open => to != Self::Closed,
                Self::Investigating | Self::Identified | Self::Monitoring => {
                    to != Self::Open && to != Self::Closed
                }
                Self::Resolved => to == Self::Closed || to == Self::Investigating,
                Self::Closed => to == Self::Investigating,
            }
    }
}

words! {
    /// A duty during an incident.
    IncidentRole, "incident role" {
        /// Decides.
        Commander = "commander",
        /// Tells everybody else.
        Communications = "communications",
        /// Writes down what happens.
        Scribe = "scribe",
    }
}

words! {
    /// An instant that the response times are computed from (DESIGN §8: T0…T4).
    Milestone, "milestone" {
        /// T0: users began to feel it.
        Impact = "impact",
        /// T1: we noticed.
        Detected = "detected",
        /// T2: somebody took it.
        Acknowledged = "acknowledged",
        /// T3: users no longer feel it.
        Mitigated = "mitigated",
        /// T4: over.
        Resolved = "resolved",
    }
}

/// An incident, whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    /// The document's id.
    pub id: DocId,
    /// One line that says what is wrong.
    pub title: String,
    /// What is known so far.
    pub summary: String,
    /// How bad it is.
    pub severity: Severity,
    /// Where the response stands.
    pub status: IncidentStatus,
    /// What is affected.
    pub services: BTreeSet<String>,
    /// Who does what: member ids.
    pub roles: BTreeMap<IncidentRole, String>,
    /// Tickets that it explains.
    pub tickets: BTreeSet<DocId>,
    /// What happened, oldest first.
    pub timeline: Vec<TimelineEntry>,
    /// The known instants.
    pub milestones: BTreeMap<Milestone, UtcMillis>,
    /// The review, co-edited Markdown.
    pub postmortem: String,
    /// When it was declared.
    pub created_at: UtcMillis,
    /// The newest entry of the timeline.
    pub updated_at: UtcMillis,
    /// Deleted: kept, hidden.
    pub deleted: bool,
    /// Fields to which different values were written concurrently.
    pub conflicts: Vec<Conflict>,
    /// The document's schema number.
    pub schema: u32,
}

impl Incident {
    /// `INC-XXXXXXXX`.
    pub fn number(&self) -> String {
        incident_number(self.id)
    }

    /// It was detected by a rule, and nobody has confirmed it yet: a confirmation anywhere wins over a dismissal.
    pub fn is_proposed(&self) -> bool {
        let has = |kind: fn(&TimelineEvent) -> bool| self.timeline.iter().any(|entry| kind(&entry.event));
        has(|event| matches!(event, TimelineEvent::Proposed { .. }))
            && !has(|event| matches!(event, TimelineEvent::Confirmed))
    }
}

/// One entry of an incident's timeline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimelineEntry {
    /// Its key in the document.
    pub id: EntryId,
    /// When it happened.
    pub at: UtcMillis,
    /// A member's id.
    pub by: String,
    /// What happened.
    #[serde(flatten)]
    pub event: TimelineEvent,
}

/// What a timeline entry tells of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum TimelineEvent {
    /// The incident was declared.
    Created {
        /// Its first severity.
        severity: Severity,
    },
    /// The status moved.
    Status {
        /// What it was.
        from: IncidentStatus,
        /// What it is now.
        to: IncidentStatus,
    },
    /// The severity changed.
    Severity {
        /// What it was.
        from: Severity,
        /// What it is now.
        to: Severity,
    },
    /// Somebody wrote down what they saw or did.
    Note {
        /// Markdown.
        text: String,
    },
    /// Those who are concerned were told how it stands.
    Update {
        /// Whom it is for: everybody who is affected, or the team alone.
        visibility: Visibility,
        /// Markdown.
        text: String,
    },
    /// A rule detected it; it waits for somebody to confirm or dismiss it. Stands beside `Created` in the creating change.
    Proposed {
        /// The rule's key.
        rule: String,
        /// How bad the rule takes it to be.
        severity: Severity,
        /// What the rule saw, as JSON.
        evidence: String,
    },
    /// Somebody found the detected incident to be one.
    Confirmed,
    /// Somebody found the detected incident to be none.
    Dismissed {
        /// Why.
        text: String,
    },
    /// Its escalation began.
    EscalationStarted {
        /// The policy, as it was then; the escalation keeps it.
        policy: Box<Policy>,
    },
    /// A level of the escalation was told.
    Paged {
        /// Which level, from 1.
        level: u8,
        /// Which round through the levels, from 1.
        cycle: u8,
        /// Who; nobody when the level had nobody.
        members: Vec<MemberId>,
        /// Those who were sent an e-mail, too.
        email: Vec<MemberId>,
    },
    /// Somebody took it: the escalation halts.
    Acknowledged {
        /// Until when; `None` for good.
        until: Option<UtcMillis>,
    },
    /// An acknowledgement ran out: the escalation goes on where it was.
    AcknowledgementExpired,
    /// Its escalation ended.
    EscalationEnded {
        /// Why.
        reason: EndReason,
    },
    /// Another field changed: `title`, `summary`, `service.NAME`, `role.NAME`, `ticket.ID`, `milestone.NAME`, `deleted`.
    Field {
        /// The field's name.
        field: String,
        /// What it was.
        from: Option<String>,
        /// What it is now.
        to: Option<String>,
    },
}
