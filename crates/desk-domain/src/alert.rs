//! Alerts: what a person must know. Computed from local data alone, one per (subject, rule, due instant).
//!
//! What a member hears of and how is theirs to say ([`AlertSettings`]). [`delivery`] decides what becomes of one alert now,
//! [`notices`] and [`digest`] put what is shown together into few banners. All of it is a function of its arguments: a clock
//! that jumps, a restart or a laptop that slept are only other arguments.

mod delivery;
mod notice;
mod settings;

use serde::{Deserialize, Serialize};

use crate::{
    ids::{DocId, DocKind},
    incident::Severity,
    ticket::Priority,
    time::UtcMillis,
    words::words,
};

pub use delivery::{Delivery, delivery};
pub use notice::{BurstGuard, Notice, NoticeText, Tally, digest, notices, quiet_summary};
pub use settings::{
    AlertSettings, AlertSettingsError, BreakThrough, DeliveryRule, Manner, QuietWindow, TimeOfDay, Topic,
    Weekday,
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

/// The text names no alert.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} names no alert; `desk alerts` lists their keys")]
pub struct InvalidAlertKey {
    /// What was given, shortened.
    pub text: String,
}

impl std::str::FromStr for AlertKey {
    type Err = InvalidAlertKey;

    fn from_str(text: &str) -> Result<Self, InvalidAlertKey> {
        let read = || {
            let mut parts = text.split('/');
            let key = Self {
                subject: parts.next()?.parse().ok()?,
                rule: parts.next()?.parse().ok()?,
                percent: parts.next()?.parse().ok()?,
                due_at: UtcMillis(parts.next()?.parse().ok()?),
            };
            parts.next().is_none().then_some(key)
        };
        read().ok_or_else(|| InvalidAlertKey { text: text.chars().take(120).collect() })
    }
}

words! {
    /// What an alert's banner waits for.
    Hold, "reason to wait" {
        /// The member put it off.
        Snooze = "snooze",
        /// The member's quiet hours.
        Quiet = "quiet",
        /// The member's next digest.
        Digest = "digest",
    }
}

/// What became of an alert so far, on one device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertState {
    /// When this device first knew; absent while it lies in the future.
    pub raised_at: Option<UtcMillis>,
    /// When its banner was shown, or would have been were it not for the list alone. Absent while the banner is still to come,
    /// and again once it was snoozed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notified_at: Option<UtcMillis>,
    /// When it was acknowledged, on whichever device.
    pub acknowledged_at: Option<UtcMillis>,
    /// Until when the member put it off, on whichever device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snoozed_until: Option<UtcMillis>,
    /// What its banner waits for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_by: Option<Hold>,
    /// When to look at it again; set exactly while `held_by` is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_until: Option<UtcMillis>,
}

impl AlertState {
    /// An alert that this device just learnt of.
    pub fn raised(now: UtcMillis) -> Self {
        Self { raised_at: Some(now), ..Self::default() }
    }

    /// Whether its banner is still to be decided about.
    pub fn is_pending(&self) -> bool {
        self.raised_at.is_some() && self.acknowledged_at.is_none() && self.notified_at.is_none()
    }

    /// Whether the member put it off and that still lasts.
    pub fn is_snoozed(&self, now: UtcMillis) -> bool {
        self.acknowledged_at.is_none() && self.snoozed_until.is_some_and(|until| until > now)
    }

    /// Put off until `until`: its banner comes (again) then. An acknowledged alert stays what it is.
    #[must_use]
    pub fn snoozed(self, until: UtcMillis) -> Self {
        if self.acknowledged_at.is_some() {
            return self;
        }
        Self {
            notified_at: None,
            snoozed_until: Some(until),
            held_by: Some(Hold::Snooze),
            held_until: Some(until),
            ..self
        }
    }

    /// Acknowledged: nothing comes of it any more.
    #[must_use]
    pub fn acknowledged(self, at: UtcMillis) -> Self {
        Self { acknowledged_at: self.acknowledged_at.or(Some(at)), held_by: None, held_until: None, ..self }
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
    /// A ticket's priority.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<Priority>,
    /// An incident's severity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// What it tells of is still to be done: the clock runs on towards its instant, the page waits for somebody. An answer, a
    /// pause or an acknowledgement by whomever ends that; a breach stays a breach all the same.
    pub stands: bool,
    /// What became of it on this device.
    #[serde(flatten)]
    pub state: AlertState,
}

impl Alert {
    /// It called for something that was done meanwhile, so that whoever did not hear of it yet need not. What happened for good
    /// (a breach, a declared incident) is news however late.
    pub fn is_settled(&self) -> bool {
        match Topic::of(self.key.rule) {
            Topic::SlaWarning | Topic::Escalation => !self.stands,
            Topic::SlaBreach | Topic::Incident => false,
        }
    }
}

#[cfg(test)]
mod tests;
