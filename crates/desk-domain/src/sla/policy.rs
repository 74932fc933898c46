//! Which tickets have which targets.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use super::{
    calendar::{Calendar, CalendarError, CompiledCalendar},
    clock::{Metric, Terms},
};
use crate::ticket::{Priority, Status};

/// Longest target, in minutes: a hundred years. What is longer is a mistake.
const TARGET_MAX_MIN: f64 = 52_594_920.0;

/// How long each metric may take, in minutes of the policy's calendar; fractions are kept to the millisecond.
/// A missing one has no target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Targets {
    /// From creation to the first public agent reply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_response_min: Option<f64>,
    /// From the oldest unanswered requester message to a public agent reply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_response_min: Option<f64>,
    /// From creation to resolved, closed or cancelled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolution_min: Option<f64>,
}

impl Targets {
    /// The target of one metric, in minutes.
    pub fn minutes(&self, metric: Metric) -> Option<f64> {
        match metric {
            Metric::FirstResponse => self.first_response_min,
            Metric::NextResponse => self.next_response_min,
            Metric::Resolution => self.resolution_min,
        }
    }

    /// Checks the targets: not negative, at most a hundred years. The metric is the one that fails.
    pub fn compile(&self) -> Result<CompiledTargets, Metric> {
        let ms = |metric: Metric| match self.minutes(metric) {
            None => Ok(None),
            Some(minutes) => target_ms(minutes).map(Some).ok_or(metric),
        };
        Ok(CompiledTargets {
            first_response: ms(Metric::FirstResponse)?,
            next_response: ms(Metric::NextResponse)?,
            resolution: ms(Metric::Resolution)?,
        })
    }
}

fn target_ms(minutes: f64) -> Option<i64> {
    if !(0.0..=TARGET_MAX_MIN).contains(&minutes) {
        return None;
    }
    let exact = Duration::try_from_secs_f64(minutes * 60.0).ok()?;
    i64::try_from((exact + Duration::from_micros(500)).as_millis()).ok()
}

/// Checked targets, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CompiledTargets {
    first_response: Option<i64>,
    next_response: Option<i64>,
    resolution: Option<i64>,
}

impl CompiledTargets {
    /// The target of one metric, in milliseconds.
    pub fn ms(&self, metric: Metric) -> Option<i64> {
        match metric {
            Metric::FirstResponse => self.first_response,
            Metric::NextResponse => self.next_response,
            Metric::Resolution => self.resolution,
        }
    }
}

/// Which tickets a policy is for; an empty set is any.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PolicyMatch {
    /// Priorities.
    pub priorities: BTreeSet<Priority>,
    /// Category keys. A ticket without a category matches the empty set alone.
    pub categories: BTreeSet<String>,
    /// Team keys. Likewise.
    pub teams: BTreeSet<String>,
}

impl PolicyMatch {
    /// Whether a ticket with these fields is meant.
    pub fn matches(&self, priority: Priority, category: Option<&str>, team: Option<&str>) -> bool {
        let any_or = |set: &BTreeSet<String>, value: Option<&str>| {
            set.is_empty() || value.is_some_and(|value| set.contains(value))
        };
        (self.priorities.is_empty() || self.priorities.contains(&priority))
            && any_or(&self.categories, category)
            && any_or(&self.teams, team)
    }
}

/// An SLA policy as the workspace's settings keep it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Policy {
    /// Its key in the settings.
    pub key: String,
    /// What to call it.
    pub name: String,
    /// Policies are tried in this order, then by key; the first that fits holds.
    #[serde(default)]
    pub order: u32,
    /// Which tickets it is for.
    #[serde(default)]
    pub when: PolicyMatch,
    /// The key of its calendar.
    pub calendar: String,
    /// Targets by priority. A priority that is missing here is left to the next policy; one with empty targets
    /// has no clocks.
    pub targets: BTreeMap<Priority, Targets>,
    /// Statuses in which the clocks stand still (besides resolved, closed and cancelled, where they always do).
    #[serde(default = "Policy::default_pause_statuses")]
    pub pause_statuses: BTreeSet<Status>,
    /// Shares of a target, in percent from 1 to 99, at which a warning is raised.
    #[serde(default = "Policy::default_warn_percent")]
    pub warn_percent: Vec<u8>,
}

impl Policy {
    /// `pending`.
    pub fn default_pause_statuses() -> BTreeSet<Status> {
        BTreeSet::from([Status::Pending])
    }

    /// 75 % and 90 %.
    pub fn default_warn_percent() -> Vec<u8> {
        vec![75, 90]
    }
}

/// All that decides about clocks: the workspace's policies, in their order, and its calendars by key.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SlaRules {
    /// The first that fits a ticket holds.
    pub policies: Vec<Policy>,
    /// Calendars by key.
    pub calendars: BTreeMap<String, Calendar>,
}

/// A policy that cannot be used, and is passed over; an administrator must know.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum RuleProblem {
    /// Its calendar is not there.
    #[error("policy {policy:?}: there is no calendar {calendar:?}")]
    MissingCalendar {
        /// The policy's key.
        policy: String,
        /// The calendar's key.
        calendar: String,
    },
    /// Its calendar is broken.
    #[error("policy {policy:?}: calendar {calendar:?}: {error}")]
    BrokenCalendar {
        /// The policy's key.
        policy: String,
        /// The calendar's key.
        calendar: String,
        /// What is wrong with it.
        error: CalendarError,
    },
    /// A target is negative, no number, or longer than a hundred years.
    #[error("policy {policy:?}: the {metric} target for {priority} is no sensible number of minutes")]
    InvalidTarget {
        /// The policy's key.
        policy: String,
        /// The row.
        priority: Priority,
        /// The column.
        metric: Metric,
    },
}

impl SlaRules {
    /// Prepares the rules. What is broken disables only the policies that need it and is listed in
    /// [`CompiledRules::problems`].
    pub fn compile(&self) -> CompiledRules {
        let mut rules = CompiledRules::default();
        let mut compiled: BTreeMap<&str, Result<usize, CalendarError>> = BTreeMap::new();
        for policy in &self.policies {
            let Some((key, calendar)) = self.calendars.get_key_value(&policy.calendar) else {
                rules.problems.push(RuleProblem::MissingCalendar {
                    policy: policy.key.clone(),
                    calendar: policy.calendar.clone(),
                });
                continue;
            };
            let index = compiled.entry(key).or_insert_with(|| {
                let ready = calendar.compile()?;
                rules.calendars.push(ready);
                Ok(rules.calendars.len() - 1)
            });
            let calendar = match index {
                Ok(index) => *index,
                Err(error) => {
                    rules.problems.push(RuleProblem::BrokenCalendar {
                        policy: policy.key.clone(),
                        calendar: policy.calendar.clone(),
                        error: error.clone(),
                    });
                    continue;
                }
            };
            match CompiledPolicy::new(policy, calendar) {
                Ok(ready) => rules.policies.push(ready),
                Err((priority, metric)) => rules.problems.push(RuleProblem::InvalidTarget {
                    policy: policy.key.clone(),
                    priority,
                    metric,
                }),
            }
        }
        rules
    }
}

#[derive(Clone, Debug)]
struct CompiledPolicy {
    key: String,
    when: PolicyMatch,
    calendar: usize,
    targets: BTreeMap<Priority, CompiledTargets>,
    pause_statuses: BTreeSet<Status>,
    warn_percent: Vec<u8>,
}

impl CompiledPolicy {
    /// The row and column of the target that cannot be, where there is one.
    fn new(policy: &Policy, calendar: usize) -> Result<Self, (Priority, Metric)> {
        let mut targets = BTreeMap::new();
        for (priority, row) in &policy.targets {
            targets.insert(*priority, row.compile().map_err(|metric| (*priority, metric))?);
        }
        Ok(Self {
            key: policy.key.clone(),
            when: policy.when.clone(),
            calendar,
            targets,
            pause_statuses: policy.pause_statuses.clone(),
            warn_percent: policy.warn_percent.clone(),
        })
    }
}

/// Rules ready for use; made once when the settings change, shared by all tickets.
#[derive(Clone, Debug, Default)]
pub struct CompiledRules {
    policies: Vec<CompiledPolicy>,
    calendars: Vec<CompiledCalendar>,
    problems: Vec<RuleProblem>,
}

impl CompiledRules {
    /// What is wrong with the rules; empty when nothing is.
    pub fn problems(&self) -> &[RuleProblem] {
        &self.problems
    }

    /// The terms of the first policy that fits; `None`: no clocks.
    pub fn terms(&self, priority: Priority, category: Option<&str>, team: Option<&str>) -> Option<Terms<'_>> {
        self.policies.iter().find_map(|policy| {
            let targets =
                policy.targets.get(&priority).filter(|_| policy.when.matches(priority, category, team))?;
            Some(Terms {
                policy: Some(&policy.key),
                calendar: self.calendars.get(policy.calendar)?,
                targets: *targets,
                pause_statuses: &policy.pause_statuses,
                warn_percent: &policy.warn_percent,
            })
        })
    }
}
