//! How fast we respond: MTTD, MTTA and MTTR over a period, per severity and per service (DESIGN §8).
//!
//! | metric | from | to |
//! |---|---|---|
//! | MTTD | T0 impact | T1 detected |
//! | MTTA | T1 detected | T2 first acknowledgement |
//! | MTTR | T0 impact | T4 resolved |
//!
//! Each is given as mean (to the nearest millisecond), median (the middle one; of an even number, the mean of the two in
//! the middle, cut to the millisecond), p90 (nearest rank: the smallest value that at least nine tenths of all values do not
//! exceed) and n. An incident that lacks one of a metric's instants, or has them in the wrong order, is left out of that
//! metric alone and counted by the reason. Incidents belong to the period in which they were declared. An incident
//! with several services counts for each of them, and once in the whole.
//!
//! Not here: which incidents there are. Whoever calls leaves out deleted ones, and proposals that nobody confirmed.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Milestone, Severity};
use crate::{time::UtcMillis, words::words};

words! {
    /// A response time.
    ResponseMetric, "response time" {
        /// Time to detect: from impact to detection.
        Mttd = "mttd",
        /// Time to acknowledge: from detection to the first acknowledgement.
        Mtta = "mtta",
        /// Time to resolve: from impact to the end.
        Mttr = "mttr",
    }
}

impl ResponseMetric {
    /// The instants between which it lies.
    pub fn between(self) -> (Milestone, Milestone) {
        match self {
            Self::Mttd => (Milestone::Impact, Milestone::Detected),
            Self::Mtta => (Milestone::Detected, Milestone::Acknowledged),
            Self::Mttr => (Milestone::Impact, Milestone::Resolved),
        }
    }

    /// How long it was by these instants.
    ///
    /// # Errors
    /// Why it cannot be told.
    pub fn measure_ms(self, milestones: &BTreeMap<Milestone, UtcMillis>) -> Result<i64, LeftOut> {
        let (from, to) = self.between();
        let at =
            |milestone: Milestone| milestones.get(&milestone).copied().ok_or(LeftOut::Missing { milestone });
        // What began is asked for first: without it the end says nothing.
        let (began, ended) = (at(from)?, at(to)?);
        match ended.since(began) {
            ms if ms < 0 => Err(LeftOut::OutOfOrder { from, to }),
            ms => Ok(ms),
        }
    }
}

/// Why an incident does not count for a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum LeftOut {
    /// An instant is not known.
    Missing {
        /// Which one.
        milestone: Milestone,
    },
    /// The end lies before the beginning.
    OutOfOrder {
        /// What should have come first.
        from: Milestone,
        /// What lies before it.
        to: Milestone,
    },
}

/// What the metrics need of an incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// How bad it is.
    pub severity: Severity,
    /// What is affected.
    pub services: BTreeSet<String>,
    /// When it was declared.
    pub created_at: UtcMillis,
    /// The known instants.
    pub milestones: BTreeMap<Milestone, UtcMillis>,
}

/// A stretch of time: `from` belongs to it, `to` does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Period {
    /// Its first instant.
    pub from: UtcMillis,
    /// The first instant after it.
    pub to: UtcMillis,
}

impl Period {
    /// Whether an instant lies in it.
    pub fn contains(self, at: UtcMillis) -> bool {
        self.from <= at && at < self.to
    }
}

/// A metric of many incidents, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// How many incidents it is of; at least one.
    pub n: u32,
    /// The mean.
    pub mean_ms: i64,
    /// The middle one.
    pub median_ms: i64,
    /// Nine tenths took at most so long.
    pub p90_ms: i64,
}

impl Summary {
    /// Of durations in any order; `None` of none.
    pub fn of(mut all_ms: Vec<i64>) -> Option<Self> {
        all_ms.sort_unstable();
        let n = all_ms.len();
        let last = *all_ms.last()?;
        let at = |index: usize| all_ms.get(index).copied().unwrap_or(last);
        let sum: i128 = all_ms.iter().map(|ms| i128::from(*ms)).sum();
        let count = i128::try_from(n).unwrap_or(i128::MAX);
        let mean = (2 * sum + count).div_euclid(2 * count);
        let median = if n % 2 == 1 {
            at(n / 2)
        } else {
            let (low, high) = (at(n / 2 - 1), at(n / 2));
            low + (high - low) / 2
        };
        Some(Self {
            n: u32::try_from(n).unwrap_or(u32::MAX),
            mean_ms: i64::try_from(mean).unwrap_or(last),
            median_ms: median,
            p90_ms: at((9 * n).div_ceil(10) - 1),
        })
    }
}

/// One metric with what does not count for it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measured {
    /// Of those that count; absent when none does.
    pub summary: Option<Summary>,
    /// How many do not, and why.
    pub left_out: Vec<LeftOutCount>,
}

/// So many incidents were left out for one reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOutCount {
    /// Why.
    #[serde(flatten)]
    pub why: LeftOut,
    /// How many.
    pub n: u32,
}

/// All metrics of a group of incidents.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figures {
    /// Incidents in the group.
    pub incidents: u32,
    /// Time to detect.
    pub mttd: Measured,
    /// Time to acknowledge.
    pub mtta: Measured,
    /// Time to resolve.
    pub mttr: Measured,
}

impl Figures {
    /// Of a group.
    pub fn of(group: &[&Facts]) -> Self {
        let measured = |metric: ResponseMetric| {
            let mut values = Vec::new();
            let mut left_out: BTreeMap<LeftOut, u32> = BTreeMap::new();
            for facts in group {
                match metric.measure_ms(&facts.milestones) {
                    Ok(ms) => values.push(ms),
                    Err(why) => *left_out.entry(why).or_default() += 1,
                }
            }
            let left_out = left_out.into_iter().map(|(why, n)| LeftOutCount { why, n }).collect();
            Measured { summary: Summary::of(values), left_out }
        };
        Self {
            incidents: u32::try_from(group.len()).unwrap_or(u32::MAX),
            mttd: measured(ResponseMetric::Mttd),
            mtta: measured(ResponseMetric::Mtta),
            mttr: measured(ResponseMetric::Mttr),
        }
    }

    /// One of the metrics.
    pub fn metric(&self, metric: ResponseMetric) -> &Measured {
        match metric {
            ResponseMetric::Mttd => &self.mttd,
            ResponseMetric::Mtta => &self.mtta,
            ResponseMetric::Mttr => &self.mttr,
        }
    }
}

/// The metrics of a period.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Incidents that were declared in it.
    pub period: Period,
    /// The service whose incidents alone are looked at, if one was asked for.
    pub service: Option<String>,
    /// All of them.
    pub all: Figures,
    /// By severity; those without an incident are not in it.
    pub by_severity: BTreeMap<Severity, Figures>,
    /// By affected service. Incidents without a service are not in it.
    pub by_service: BTreeMap<String, Figures>,
}

/// The metrics of the incidents that were declared in the period; of those of one service where one is named.
pub fn report<'a>(
    incidents: impl IntoIterator<Item = &'a Facts>,
    period: Period,
    service: Option<&str>,
) -> Report {
    let counted: Vec<&Facts> = incidents
        .into_iter()
        .filter(|facts| period.contains(facts.created_at))
        .filter(|facts| service.is_none_or(|service| facts.services.contains(service)))
        .collect();
    let mut severities: BTreeMap<Severity, Vec<&Facts>> = BTreeMap::new();
    let mut services: BTreeMap<&str, Vec<&Facts>> = BTreeMap::new();
    for facts in &counted {
        severities.entry(facts.severity).or_default().push(facts);
        for name in facts.services.iter().filter(|name| service.is_none_or(|service| service == *name)) {
            services.entry(name).or_default().push(facts);
        }
    }
    Report {
        period,
        service: service.map(str::to_owned),
        all: Figures::of(&counted),
        by_severity: severities.into_iter().map(|(key, group)| (key, Figures::of(&group))).collect(),
        by_service: services.into_iter().map(|(key, group)| (key.to_owned(), Figures::of(&group))).collect(),
    }
}

#[cfg(test)]
mod tests;
