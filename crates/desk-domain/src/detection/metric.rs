//! A metric that stays over or under a threshold for a time.

use serde::{Deserialize, Serialize};

use super::{EVIDENCE_MAX, Evidence, Finding, RULE_MAX_S, RuleField, RuleProblem, check_signal, range};
use crate::time::UtcMillis;

/// Longest silence between two samples of one episode, in seconds, where the rule's own time is shorter. After a longer one
/// nothing is known of the time between; that somebody falls silent is a heartbeat's business.
const SILENCE_S: u32 = 600;

/// Watches one metric.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Threshold {
    /// Its name, as it is posted.
    pub metric: String,
    /// It is too high above this value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub above: Option<f64>,
    /// It is too low below this value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub below: Option<f64>,
    /// For how long it has to stay there, in seconds; 0 for a single sample.
    #[serde(default)]
    pub for_s: u32,
}

/// A value at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// When the server received it, by its own clock.
    pub at: UtcMillis,
    /// The value.
    pub value: f64,
}

/// A metric beyond its threshold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetricEvidence {
    /// Its name.
    pub metric: String,
    /// The rule's upper threshold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub above: Option<f64>,
    /// The rule's lower threshold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub below: Option<f64>,
    /// For how long it had to stay beyond, in seconds.
    pub for_s: u32,
    /// Samples of the episode, oldest first; the newest ones where there are more than [`EVIDENCE_MAX`].
    pub samples: Vec<Sample>,
    /// How many samples the episode has.
    pub count: u32,
}

impl Threshold {
    pub(super) fn check(&self) -> Result<(), RuleProblem> {
        check_signal(RuleField::Metric, &self.metric)?;
        range(RuleField::For, self.for_s, 0, RULE_MAX_S)?;
        // Samples are finite: nothing is over the greatest number or under the least.
        if self.above.is_some_and(|above| !above.is_finite() || above >= f64::MAX) {
            return Err(RuleProblem::Uncrossable(RuleField::Above));
        }
        if self.below.is_some_and(|below| !below.is_finite() || below <= f64::MIN) {
            return Err(RuleProblem::Uncrossable(RuleField::Below));
        }
        match (self.above, self.below) {
            (None, None) => Err(RuleProblem::NoThreshold),
            (Some(above), Some(below)) if below >= above => Err(RuleProblem::NoRoom),
            (_, _) => Ok(()),
        }
    }

    /// The value lies beyond the threshold. What is no number lies nowhere.
    pub fn is_beyond(&self, value: f64) -> bool {
        self.above.is_some_and(|above| value > above) || self.below.is_some_and(|below| value < below)
    }

    /// How far apart two samples of one episode may be, in milliseconds.
    fn longest_gap_ms(&self) -> i64 {
        i64::from(self.for_s.max(SILENCE_S)) * 1000
    }

    /// The episode after another sample: it goes on, begins or ends. A sample that the server dates before the one before it (its
    /// clock was set back) counts as of that one's instant.
    pub fn advance(&self, before: Option<Episode>, sample: Sample) -> Option<Episode> {
        if !self.is_beyond(sample.value) {
            return None;
        }
        let fresh = Episode { began_at: sample.at, newest_at: sample.at, count: 1 };
        Some(match before {
            Some(before) if sample.at.since(before.newest_at) <= self.longest_gap_ms() => Episode {
                newest_at: sample.at.max(before.newest_at),
                count: before.count.saturating_add(1),
                ..before
            },
            Some(_) | None => fresh,
        })
    }

    /// Whether the episode is long enough: its newest sample is at least the rule's time younger than its first. `samples` are
    /// the metric's newest ones, oldest first, for the evidence.
    pub fn find(&self, episode: Episode, samples: &[Sample]) -> Option<Finding> {
        if episode.newest_at.since(episode.began_at) < i64::from(self.for_s) * 1000 {
            return None;
        }
        let of_it = samples.iter().filter(|sample| sample.at >= episode.began_at).copied();
        let mut kept: Vec<Sample> = of_it.collect();
        kept.drain(..kept.len().saturating_sub(EVIDENCE_MAX));
        Some(Finding {
            subject: self.metric.clone(),
            began_at: episode.began_at,
            about: self.metric.clone(),
            evidence: Evidence::Metric(MetricEvidence {
                metric: self.metric.clone(),
                above: self.above,
                below: self.below,
                for_s: self.for_s,
                samples: kept,
                count: episode.count,
            }),
        })
    }
}

/// A stretch of samples that are all beyond the threshold, none further from the next than the rule's time (ten minutes
/// where that is shorter). Who keeps it needs no older samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Episode {
    /// Its first sample.
    pub began_at: UtcMillis,
    /// Its newest sample.
    pub newest_at: UtcMillis,
    /// How many samples.
    pub count: u32,
}
