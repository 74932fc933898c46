//! Detection: when what happens looks like an incident, one is proposed, with the evidence; a person decides.
//!
//! A [`Rule`] of the workspace's settings watches for one of three things:
//! - [`burst`]: more similar new tickets within a window than the category's own history explains;
//! - [`heartbeat`]: something that reports regularly did not report in time;
//! - [`metric`]: a measured value stayed over or under a threshold for a time.
//!
//! What a rule finds is a [`Finding`]: the evidence and the instant at which the episode began. The incident that it
//! proposes has a document id that derives from workspace, rule, subject and that instant ([`Finding::incident`]), so that
//! whoever finds the same episode again, after a crash or on another server, proposes the same document. [`may_propose`]
//! says when a rule keeps quiet. Everything is a function of its arguments: no clock, no storage.
//!
//! Not here: who counts tickets and keeps samples (the server), what the document looks like (`desk-docs`).

pub mod burst;
pub mod heartbeat;
pub mod metric;
mod similar;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    ids::{DocId, WorkspaceId, uuid_v7},
    incident::Severity,
    ticket::NAME_MAX_CHARS,
    time::UtcMillis,
    words::words,
    workspace::Workspace,
};

/// Longest window or waiting time of a rule: a week, in seconds.
pub const RULE_MAX_S: u32 = 7 * 24 * 3600;
/// Longest name of a heartbeat or a metric, in bytes.
pub const SIGNAL_MAX_BYTES: usize = 64;
/// Most tickets or samples that evidence names. What is more is counted.
pub const EVIDENCE_MAX: usize = 50;

words! {
    /// What may be posted with a token.
    SignalScope, "scope" {
        /// Heartbeats.
        Heartbeats = "heartbeats",
        /// Metrics.
        Metrics = "metrics",
        /// Both.
        All = "all",
    }
}

impl SignalScope {
    /// Whether what needs `wanted` may be posted.
    pub fn allows(self, wanted: Self) -> bool {
        self == Self::All || self == wanted
    }
}

/// Watches for one thing; an entry of the settings' section `detection`, under its key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    /// Short stable name.
    pub key: String,
    /// What to call it, and the incidents that it proposes.
    pub name: String,
    /// `false` while it does not watch.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// The severity that it proposes.
    pub severity: Severity,
    /// The services that it proposes as affected.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub services: BTreeSet<String>,
    /// Minutes without another proposal after somebody dismissed one.
    #[serde(default = "an_hour")]
    pub quiet_min: u32,
    /// What it watches for.
    #[serde(flatten)]
    pub when: Condition,
}

fn yes() -> bool {
    true
}

fn an_hour() -> u32 {
    60
}

/// What a rule watches for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "watch", rename_all = "snake_case")]
pub enum Condition {
    /// A burst of similar tickets.
    Burst(burst::Burst),
    /// A heartbeat that stays away.
    Heartbeat(heartbeat::Heartbeat),
    /// A metric over or under a threshold.
    Metric(metric::Threshold),
}

words! {
    /// A part of a rule, as it stands in the settings.
    RuleField, "field of a rule" {
        /// Its key.
        Key = "key",
        /// Its name.
        Name = "name",
        /// The services that it proposes.
        Services = "services",
        /// The quiet time after a dismissal, in minutes.
        Quiet = "quiet_min",
        /// A burst's categories.
        Categories = "categories",
        /// A burst's window, in minutes.
        Window = "window_min",
        /// The least number of similar tickets.
        Tickets = "min_tickets",
        /// A heartbeat's name.
        Heartbeat = "heartbeat",
        /// A heartbeat's interval, in seconds.
        Every = "every_s",
        /// How much later a heartbeat may be, in seconds.
        Grace = "grace_s",
        /// A metric's name.
        Metric = "metric",
        /// A metric's upper threshold.
        Above = "above",
        /// A metric's lower threshold.
        Below = "below",
        /// The time that a metric has to stay beyond, in seconds.
        For = "for_s",
    }
}

/// Why a rule can be no rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleProblem {
    /// A name is missing or too long.
    #[error("the rule's {0} is empty or longer than {NAME_MAX_CHARS} characters; give it a short one")]
    Name(RuleField),
    /// The signal's name is not one that can be posted to.
    #[error(
        "{name:?} is no name of a {field}; use 1 to {SIGNAL_MAX_BYTES} of a–z, 0–9, point, hyphen and underscore, beginning with a letter or digit"
    )]
    Signal {
        /// Whether of a heartbeat or of a metric.
        field: RuleField,
        /// What was given.
        name: String,
    },
    /// A number lies outside what is possible.
    #[error("the rule's {field} must lie between {least} and {most}; it is {found}")]
    Range {
        /// Which one; its name says what it is counted in.
        field: RuleField,
        /// Its least value.
        least: u32,
        /// Its greatest value.
        most: u32,
        /// What was given.
        found: u32,
    },
    /// There is no threshold.
    #[error("a metric rule needs a threshold: give \"above\", \"below\" or both")]
    NoThreshold,
    /// A threshold is no number, or one that nothing can lie beyond.
    #[error("nothing can lie beyond the threshold \"{0}\"; give a number that the metric can cross")]
    Uncrossable(RuleField),
    /// The two thresholds leave no room, so that every value would be beyond one.
    #[error("every value lies beyond one of the thresholds; make \"below\" less than \"above\"")]
    NoRoom,
    /// It names what the workspace does not have.
    #[error("the rule's {field} name {name:?}, which the workspace does not have; add it or choose another")]
    Unknown {
        /// `services` or `categories`.
        field: RuleField,
        /// How it is named.
        name: String,
    },
}

impl RuleProblem {
    /// The field that is to be mended.
    pub fn field(&self) -> RuleField {
        match self {
            Self::Name(field)
            | Self::Uncrossable(field)
            | Self::Signal { field, .. }
            | Self::Range { field, .. }
            | Self::Unknown { field, .. } => *field,
            Self::NoThreshold => RuleField::Above,
            Self::NoRoom => RuleField::Below,
        }
    }
}

fn range(field: RuleField, found: u32, least: u32, most: u32) -> Result<(), RuleProblem> {
    if (least..=most).contains(&found) {
        Ok(())
    } else {
        Err(RuleProblem::Range { field, least, most, found })
    }
}

/// Whether a heartbeat or a metric may be called so; `field` says which of the two it is.
///
/// # Errors
/// [`RuleProblem::Signal`].
pub fn check_signal(field: RuleField, name: &str) -> Result<(), RuleProblem> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let fits = (1..=SIGNAL_MAX_BYTES).contains(&name.len())
        && name.bytes().all(|b| plain(b) || b"._-".contains(&b))
        && name.bytes().next().is_some_and(plain);
    if fits {
        return Ok(());
    }
    Err(RuleProblem::Signal { field, name: name.chars().take(SIGNAL_MAX_BYTES).collect() })
}

impl Rule {
    /// Checks it, as far as it can be told from itself: names, times, thresholds.
    ///
    /// # Errors
    /// The first thing that is wrong, in words that say what to do.
    pub fn check(&self) -> Result<(), RuleProblem> {
        let named = |text: &str| !text.trim().is_empty() && text.chars().count() <= NAME_MAX_CHARS;
        if !named(&self.key) {
            return Err(RuleProblem::Name(RuleField::Key));
        }
        if !named(&self.name) || self.name.contains('\n') {
            return Err(RuleProblem::Name(RuleField::Name));
        }
        if !self.services.iter().all(|service| named(service)) {
            return Err(RuleProblem::Name(RuleField::Services));
        }
        range(RuleField::Quiet, self.quiet_min, 0, RULE_MAX_S / 60)?;
        match &self.when {
            Condition::Burst(burst) => burst.check(),
            Condition::Heartbeat(heartbeat) => heartbeat.check(),
            Condition::Metric(threshold) => threshold.check(),
        }
    }

    /// Whether it can be used in the workspace: by itself, and everything that it names is there (services, by name or key, and
    /// categories). Asked when somebody writes it, and for showing what went missing since; the incident that it proposes names
    /// the services all the same.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn check_among(&self, workspace: &Workspace) -> Result<(), RuleProblem> {
        self.check()?;
        let unknown = |field, name: &String| RuleProblem::Unknown { field, name: name.clone() };
        let is_service = |name: &&String| {
            workspace.services.contains_key(*name)
                || workspace.services.values().any(|service| service.name == **name)
        };
        if let Some(name) = self.services.iter().find(|name| !is_service(name)) {
            return Err(unknown(RuleField::Services, name));
        }
        let Condition::Burst(burst) = &self.when else { return Ok(()) };
        match burst.categories.iter().find(|key| !workspace.categories.contains_key(*key)) {
            Some(key) => Err(unknown(RuleField::Categories, key)),
            None => Ok(()),
        }
    }
}

/// Why an incident was proposed, as data; stands in the document as JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "evidence", rename_all = "snake_case")]
pub enum Evidence {
    /// A burst of similar tickets.
    Burst(burst::BurstEvidence),
    /// A heartbeat that stayed away.
    Heartbeat(heartbeat::HeartbeatEvidence),
    /// A metric beyond its threshold.
    Metric(metric::MetricEvidence),
}

/// What a rule found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// What was watched: a category's key (empty for tickets without one), a heartbeat's or a metric's name. A rule has at
    /// most one open proposal for each.
    pub subject: String,
    /// When the episode began.
    pub began_at: UtcMillis,
    /// What the proposed incident is about, beside the rule's name: the words that similar tickets share, or the signal's name.
    pub about: String,
    /// Why.
    pub evidence: Evidence,
}

impl Finding {
    /// The document that proposes this episode: always the same for the same workspace, rule, subject and beginning.
    pub fn incident(&self, workspace: WorkspaceId, rule: &str) -> DocId {
        let mut hash = Sha256::new();
        for part in [&workspace.to_string(), "proposal", rule, &self.subject] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        hash.update(self.began_at.0.to_be_bytes());
        let mut tail = [0; 10];
        tail.copy_from_slice(&hash.finalize()[..10]);
        DocId(uuid_v7(self.began_at, tail))
    }

    /// The incident's title: the rule's name and what it is about, cut to what a title may have.
    pub fn title(&self, rule: &Rule) -> String {
        let whole =
            if self.about.is_empty() { rule.name.clone() } else { format!("{}: {}", rule.name, self.about) };
        whole.chars().take(crate::ticket::TITLE_MAX_CHARS).collect()
    }
}

/// What became of the last proposal for a rule and a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum LastProposal {
    /// It waits, or it was confirmed and the incident is not over.
    Open,
    /// Somebody dismissed it.
    Dismissed {
        /// When.
        at: UtcMillis,
    },
    /// It was confirmed, and the incident is over.
    Over {
        /// Since when.
        at: UtcMillis,
    },
}

/// Whether a finding may be proposed after what became of the last proposal for the same rule and subject: not while that
/// one is open, not within the quiet time after its dismissal, and never an episode that began before it ended.
pub fn may_propose(rule: &Rule, finding: &Finding, last: Option<LastProposal>, now: UtcMillis) -> bool {
    match last {
        None => true,
        Some(LastProposal::Open) => false,
        Some(LastProposal::Dismissed { at }) => {
            finding.began_at > at && now >= at.plus_ms(i64::from(rule.quiet_min) * 60_000)
        }
        Some(LastProposal::Over { at }) => finding.began_at > at,
    }
}

#[cfg(test)]
mod tests;
