//! A heartbeat that stays away: a backup, an exchange or a probe that reports when it is well.

use serde::{Deserialize, Serialize};

use super::{Evidence, Finding, RULE_MAX_S, RuleField, RuleProblem, check_signal, range};
use crate::time::UtcMillis;

/// Watches one heartbeat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heartbeat {
    /// Its name, as it is posted.
    pub heartbeat: String,
    /// How often it comes, in seconds.
    pub every_s: u32,
    /// How much later it may be, in seconds.
    #[serde(default)]
    pub grace_s: u32,
}

/// A heartbeat that did not come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeartbeatEvidence {
    /// Its name.
    pub heartbeat: String,
    /// When it last came, by the server's clock.
    pub last_at: UtcMillis,
    /// By when the next one should have come, the grace included.
    pub due_at: UtcMillis,
    /// How often it should come, in seconds.
    pub every_s: u32,
    /// How much later it may be, in seconds.
    pub grace_s: u32,
}

impl Heartbeat {
    pub(super) fn check(&self) -> Result<(), RuleProblem> {
        check_signal(RuleField::Heartbeat, &self.heartbeat)?;
        range(RuleField::Every, self.every_s, 1, RULE_MAX_S)?;
        range(RuleField::Grace, self.grace_s, 0, RULE_MAX_S)
    }

    /// By when the next one has to come after one that came at `last_at`.
    pub fn due_at(&self, last_at: UtcMillis) -> UtcMillis {
        last_at.plus_ms((i64::from(self.every_s) + i64::from(self.grace_s)) * 1000)
    }

    /// Whether it stays away at `now`: it is later than its interval and its grace. One that never came yet is waited for.
    /// The episode begins when it was due, so it is one however long it lasts, and whoever looks when.
    pub fn find(&self, last_at: Option<UtcMillis>, now: UtcMillis) -> Option<Finding> {
        let last_at = last_at?;
        let due_at = self.due_at(last_at);
        (now > due_at).then(|| Finding {
            subject: self.heartbeat.clone(),
            began_at: due_at,
            about: self.heartbeat.clone(),
            evidence: Evidence::Heartbeat(HeartbeatEvidence {
                heartbeat: self.heartbeat.clone(),
                last_at,
                due_at,
                every_s: self.every_s,
                grace_s: self.grace_s,
            }),
        })
    }
}
