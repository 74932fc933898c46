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

/// What a policy's conditions look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Traits<'a> {
    /// The priority; it also says which row of targets holds.
    pub priority: Priority,
    /// The category's key.
    pub category: Option<&'a str>,
    /// The team's key.
    pub team: Option<&'a str>,
    /// Who asks: an address, a member's id or an imported name.
    pub requester: Option<&'a str>,
    /// The tags.
    pub tags: BTreeSet<&'a str>,
}

impl Traits<'_> {
    /// A ticket of this priority of which nothing else is known.
    pub fn of_priority(priority: Priority) -> Self {
        Self { priority, category: None, team: None, requester: None, tags: BTreeSet::new() }
    }
}

/// Which tickets a policy is for: those that fit every condition. An empty set is no condition, otherwise one of its
/// members has to fit; a ticket without a category, team, requester or tag fits the empty set alone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PolicyMatch {
    /// Priorities.
    pub priorities: BTreeSet<Priority>,
    /// Category keys.
    pub categories: BTreeSet<String>,
    /// Team keys.
    pub teams: BTreeSet<String>,
    /// Requesters as tickets name them, in any case of letters; `@example.org` is everybody of that domain.
    pub requesters: BTreeSet<String>,
    /// Tags.
    pub tags: BTreeSet<String>,
}

impl PolicyMatch {
    /// Whether a ticket with these traits is meant.
    pub fn matches(&self, traits: &Traits<'_>) -> bool {
        let any_or = |set: &BTreeSet<String>, value: Option<&str>| {
            set.is_empty() || value.is_some_and(|value| set.contains(value))
        };
        let is_asked_by = |requester: &str| self.requesters.iter().any(|entry| names(entry, requester));
        (self.priorities.is_empty() || self.priorities.contains(&traits.priority))
            && any_or(&self.categories, traits.category)
            && any_or(&self.teams, traits.team)
            && (self.requesters.is_empty() || traits.requester.is_some_and(is_asked_by))
            && (self.tags.is_empty() || self.tags.iter().any(|tag| traits.tags.contains(tag.as_str())))
    }
}

/// Whether an entry of [`PolicyMatch::requesters`] means this requester.
fn names(entry: &str, requester: &str) -> bool {
    let meant = match requester.rfind('@') {
        Some(at) if entry.starts_with('@') => requester.get(at..).unwrap_or_default(),
        Some(_) | None => requester,
    };
    if entry.is_ascii() && meant.is_ascii() {
        return entry.eq_ignore_ascii_case(meant);
    }
    entry.chars().flat_map(char::to_lowercase).eq(meant.chars().flat_map(char::to_lowercase))
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

    /// Checks what a policy says by itself; whether its calendar is there is for [`SlaRules::check`] to say.
    ///
    /// # Errors
    /// The first thing that makes it useless.
    pub fn check(&self) -> Result<(), PolicyError> {
        if self.name.trim().is_empty() {
            return Err(PolicyError::NoName);
        }
        for (priority, row) in &self.targets {
            // At zero a ticket would be late as it is created: whoever writes that means that there is no target.
            let is_wrong = |minutes: f64| target_ms(minutes).is_none_or(|ms| ms == 0);
            let wrong = Metric::ALL.iter().find(|metric| row.minutes(**metric).is_some_and(is_wrong));
            if let Some(metric) = wrong {
                return Err(PolicyError::InvalidTarget { priority: *priority, metric: *metric });
            }
        }
        let is_for =
            |priority: &Priority| self.when.priorities.is_empty() || self.when.priorities.contains(priority);
        let has_target = |row: &Targets| Metric::ALL.iter().any(|metric| row.minutes(*metric).is_some());
        if !self.targets.iter().any(|(priority, row)| is_for(priority) && has_target(row)) {
            return Err(PolicyError::NoTargets);
        }
        let mut working = Status::ALL.iter().filter(|status| !status.is_done());
        if working.all(|status| self.pause_statuses.contains(status)) {
            return Err(PolicyError::AlwaysPaused);
        }
        match self.warn_percent.iter().find(|percent| !(1..100).contains(*percent)) {
            Some(percent) => Err(PolicyError::Threshold { percent: *percent }),
            None => Ok(()),
        }
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

/// What is wrong with the rules. A policy that cannot be used at all is passed over; a manager must know.
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
    /// A calendar is broken, whether or not a policy counts by it.
    #[error("calendar {calendar:?}: {error}")]
    UnusableCalendar {
        /// The calendar's key.
        calendar: String,
        /// What is wrong with it.
        error: CalendarError,
    },
    /// A policy is useless, or a target of it cannot be measured.
    #[error("policy {policy:?}: {error}")]
    BrokenPolicy {
        /// The policy's key.
        policy: String,
        /// What is wrong with it.
        error: PolicyError,
    },
}

/// What is wrong with a policy by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum PolicyError {
    /// Nobody could tell it from another one.
    #[error("it has no name; give it one")]
    NoName,
    /// A target is negative, no number, or longer than a hundred years; or zero, where a person wrote it.
    #[error(
        "the {metric} target for {priority} is no sensible time; give more than nothing and at most a hundred years, or \
         leave it out"
    )]
    InvalidTarget {
        /// The row.
        priority: Priority,
        /// The column.
        metric: Metric,
    },
    /// It promises nothing.
    #[error("it has no target for any priority that it is for; give it one")]
    NoTargets,
    /// Its clocks would never run.
    #[error("it pauses in every status in which there is work; leave one of them out")]
    AlwaysPaused,
    /// A warning before the beginning or after the end.
    #[error("it cannot warn at {percent} %; give a share from 1 to 99")]
    Threshold {
        /// What was given.
        percent: u8,
    },
}

impl SlaRules {
    /// All that is wrong with the rules; empty when nothing is. [`SlaRules::compile`] makes the best of rules that do not
    /// pass, since they may have been written concurrently or by an older version.
    pub fn check(&self) -> Vec<RuleProblem> {
        let calendars = self.calendars.iter().filter_map(|(calendar, hours)| {
            let error = hours.check().err()?;
            Some(RuleProblem::UnusableCalendar { calendar: calendar.clone(), error })
        });
        let policies = self.policies.iter().filter_map(|policy| {
            let error = policy.check().err()?;
            Some(RuleProblem::BrokenPolicy { policy: policy.key.clone(), error })
        });
        let missing = self.policies.iter().filter(|policy| !self.calendars.contains_key(&policy.calendar));
        let missing = missing.map(|policy| RuleProblem::MissingCalendar {
            policy: policy.key.clone(),
            calendar: policy.calendar.clone(),
        });
        calendars.chain(policies).chain(missing).collect()
    }

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
                Err((priority, metric)) => rules.problems.push(RuleProblem::BrokenPolicy {
                    policy: policy.key.clone(),
                    error: PolicyError::InvalidTarget { priority, metric },
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

    /// Whether any policy looks at tags.
    pub(super) fn read_tags(&self) -> bool {
        self.policies.iter().any(|policy| !policy.when.tags.is_empty())
    }

    /// The terms of the first policy that fits; `None`: no clocks.
    pub fn terms(&self, traits: &Traits<'_>) -> Option<Terms<'_>> {
        self.policies.iter().find_map(|policy| {
            let targets = policy.targets.get(&traits.priority).filter(|_| policy.when.matches(traits))?;
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

#[cfg(test)]
mod tests;
