//! Alerts: what a person must know. Computed from local data alone, one per (subject, rule, due instant).

use serde::{Deserialize, Serialize};

use crate::{
    ids::{DocId, DocKind},
    time::UtcMillis,
    words::words,
};

words! {
    /// What made an alert.
    AlertRule, "alert rule" {
        /// A share of the first-response target is used up.
        FirstResponseWarning = "first_response_warning",
        /// The first-response target ran out.
        FirstResponseBreach = "first_response_breach",
        /// A share of the next-response target is used up.
        NextResponseWarning = "next_response_warning",
        /// The next-response target ran out.
        NextResponseBreach = "next_response_breach",
        /// A share of the resolution target is used up.
        ResolutionWarning = "resolution_warning",
        /// The resolution target ran out.
        ResolutionBreach = "resolution_breach",
        /// An incident was declared that the member must know of at once.
        IncidentDeclared = "incident_declared",
        /// Nobody acknowledged an incident in time.
        IncidentEscalation = "incident_escalation",
    }
}

impl AlertRule {
    /// A breach or an escalation, not a warning.
    pub fn is_urgent(self) -> bool {
        match self {
            Self::FirstResponseBreach
            | Self::NextResponseBreach
            | Self::ResolutionBreach
            | Self::IncidentDeclared
            | Self::IncidentEscalation => true,
            Self::FirstResponseWarning | Self::NextResponseWarning | Self::ResolutionWarning => false,
        }
    }
}

/// Which alert: the subject, the rule and the instant it fell due. A target that moves makes a new alert.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct AlertKey {
    /// The ticket's or incident's document.
    pub subject: DocId,
    /// What made it.
    pub rule: AlertRule,
    /// The percentage of a warning; the level of a page; 100 for everything else.
    pub percent: u8,
    /// When the target ran (or runs) out, or the share of it was used up.
    pub due_at: UtcMillis,
}

impl std::fmt::Display for AlertKey {
    /// The key under which an acknowledgement is kept: `SUBJECT/RULE/PERCENT/DUE_MS`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}/{}/{}", self.subject, self.rule, self.percent, self.due_at.0)
    }
}

/// An alert with what is needed to show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    /// Which one.
    #[serde(flatten)]
    pub key: AlertKey,
    /// Whether the subject is a ticket or an incident.
    pub kind: DocKind,
    /// `TK-…` or `INC-…`.
    pub number: String,
    /// The subject's title.
    pub title: String,
    /// When this device first knew; absent while it lies in the future.
    pub raised_at: Option<UtcMillis>,
    /// When it was acknowledged, on whichever device.
    pub acknowledged_at: Option<UtcMillis>,
}
