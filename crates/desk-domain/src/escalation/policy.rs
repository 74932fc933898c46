//! Escalation policies: whom to tell, level by level.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{
    ids::MemberId,
    incident::{Incident, Severity},
    people::Role,
    time::UtcMillis,
    workspace::Workspace,
};

/// The longest wait at a level: two days.
const LONGEST_TIMEOUT_MIN: u32 = 2 * 24 * 60;
/// How often the levels may be gone through again.
pub const MOST_REPEATS: u8 = 9;
/// Most levels of a policy.
const MOST_LEVELS: usize = 20;
/// Most targets of a level.
const MOST_TARGETS: usize = 50;

/// Whom to tell of an incident that nobody acknowledges, as the workspace's settings keep it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// What to call it.
    pub name: String,
    /// Incidents of these severities get it unless one of their services has another.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub severities: BTreeSet<Severity>,
    /// Told one after the other; the first at once.
    pub levels: Vec<Level>,
    /// How often the levels are gone through again after the first time, 0 to 9.
    #[serde(default)]
    pub repeat: u8,
}

/// One level of a policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Level {
    /// Who is told, all at once. Where that is nobody, the next level is told at once.
    pub targets: Vec<Target>,
    /// Minutes until the next level unless somebody acknowledges.
    pub timeout_min: u32,
    /// They are told by e-mail, too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub email: bool,
}

/// Who is told at a level.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "to", rename_all = "snake_case")]
pub enum Target {
    /// A member.
    Member {
        /// Who.
        member: MemberId,
    },
    /// Everybody in a team.
    Team {
        /// Its key.
        team: String,
    },
    /// Who is on call at that instant.
    Schedule {
        /// The schedule's key.
        schedule: String,
    },
    /// Everybody with this role: what a workspace begins with, before it has teams and schedules.
    Role {
        /// Which one; nobody else, not those above it.
        role: Role,
    },
}

/// Why a policy cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// It has no name.
    #[error("the escalation policy has no name; give it one")]
    NoName,
    /// It tells nobody.
    #[error("the escalation policy has no levels; add one")]
    NoLevels,
    /// More than anybody waits for.
    #[error(
        "the escalation policy has more than {MOST_LEVELS} levels or a level more than {MOST_TARGETS} targets"
    )]
    TooMany,
    /// A level without anybody.
    #[error("level {level} tells nobody; choose members, a team or a schedule")]
    NoTargets {
        /// Which one, from 1.
        level: usize,
    },
    /// A level that does not wait, or waits for ever.
    #[error("level {level} waits {minutes} minutes; use 1 to {LONGEST_TIMEOUT_MIN}")]
    Timeout {
        /// Which one, from 1.
        level: usize,
        /// What was given.
        minutes: u32,
    },
    /// Gone through too often.
    #[error("the levels are repeated {repeat} times; use 0 to {MOST_REPEATS}")]
    Repeat {
        /// What was given.
        repeat: u8,
    },
    /// Requesters see no incidents.
    #[error("level {level} tells requesters, who see no incidents; choose another role")]
    Requesters {
        /// Which one, from 1.
        level: usize,
    },
    /// It names what the workspace does not have.
    #[error("level {level} names the {what} {name}, which is not there; choose another")]
    Unknown {
        /// Which one, from 1.
        level: usize,
        /// `member`, `team` or `schedule`.
        what: &'static str,
        /// How it is named.
        name: String,
    },
}

impl Policy {
    /// Whether it can be used, as far as it can be told from itself.
    ///
    /// # Errors
    /// Why not.
    pub fn check(&self) -> Result<(), PolicyError> {
        if self.name.trim().is_empty() {
            return Err(PolicyError::NoName);
        }
        if self.levels.is_empty() {
            return Err(PolicyError::NoLevels);
        }
        if self.levels.len() > MOST_LEVELS
            || self.levels.iter().any(|level| level.targets.len() > MOST_TARGETS)
        {
            return Err(PolicyError::TooMany);
        }
        if self.repeat > MOST_REPEATS {
            return Err(PolicyError::Repeat { repeat: self.repeat });
        }
        for (level, found) in (1..).zip(&self.levels) {
            if found.targets.is_empty() {
                return Err(PolicyError::NoTargets { level });
            }
            let minutes = found.timeout_min;
            if !(1..=LONGEST_TIMEOUT_MIN).contains(&minutes) {
                return Err(PolicyError::Timeout { level, minutes });
            }
            if found.targets.contains(&Target::Role { role: Role::Requester }) {
                return Err(PolicyError::Requesters { level });
            }
        }
        Ok(())
    }

    /// Whether it can be used in the workspace: by itself, and everything that it names is there. Asked when somebody writes it,
    /// and for showing what went missing since; a running escalation counts what is missing as nobody.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn check_among(&self, workspace: &Workspace) -> Result<(), PolicyError> {
        self.check()?;
        for (level, found) in (1..).zip(&self.levels) {
            for target in &found.targets {
                let (what, name, known) = match target {
                    Target::Member { member } => {
                        let known = workspace.members.get(member).is_some_and(|member| member.active);
                        ("member", member.to_string(), known)
                    }
                    Target::Team { team } => ("team", team.clone(), workspace.teams.contains_key(team)),
                    Target::Schedule { schedule } => {
                        ("schedule", schedule.clone(), workspace.schedules.contains_key(schedule))
                    }
                    Target::Role { role: _ } => continue,
                };
                if !known {
                    return Err(PolicyError::Unknown { level, what, name });
                }
            }
        }
        Ok(())
    }

    /// The positions of its pages in their order: cycle and level, both from 1.
    pub(super) fn positions(&self) -> impl Iterator<Item = (u8, u8)> + use<> {
        let levels = u8::try_from(self.levels.len()).unwrap_or(u8::MAX);
        (1..=self.repeat.saturating_add(1))
            .flat_map(move |cycle| (1..=levels).map(move |level| (cycle, level)))
    }

    /// A level by its number, from 1.
    pub(super) fn level(&self, number: u8) -> Option<&Level> {
        self.levels.get(usize::from(number).checked_sub(1)?)
    }
}

impl Level {
    /// Who is told at an instant: active members who are no requesters, each once, in the order of the targets.
    pub fn members(&self, workspace: &Workspace, at: UtcMillis) -> Vec<MemberId> {
        let mut found = Vec::new();
        for target in &self.targets {
            match target {
                Target::Member { member } => found.push(*member),
                Target::Team { team } => found.extend(
                    workspace
                        .members
                        .values()
                        .filter(|member| member.teams.contains(team))
                        .map(|member| member.id),
                ),
                Target::Schedule { schedule } => found.extend(on_call(workspace, schedule, at)),
                Target::Role { role } => found.extend(
                    workspace.members.values().filter(|member| member.role == *role).map(|member| member.id),
                ),
            }
        }
        let mut seen = BTreeSet::new();
        found.retain(|id| {
            let known = workspace.members.get(id);
            known.is_some_and(|member| member.active && member.role > Role::Requester) && seen.insert(*id)
        });
        found
    }
}

/// Who is on call by a schedule; nobody in a gap, when the schedule is not there or cannot be used, and when its member left.
pub fn on_call(workspace: &Workspace, schedule: &str, at: UtcMillis) -> Option<MemberId> {
    let (member, _) = workspace.schedules.get(schedule)?.compile().ok()?.at(at);
    member.filter(|id| workspace.members.get(id).is_some_and(|member| member.active))
}

/// The policy that an incident gets when its escalation begins, with its key: that of the first of its services (by name) that
/// has one that is there, else the first by key that is the default of its severity.
pub fn policy_of<'a>(incident: &Incident, workspace: &'a Workspace) -> Option<(&'a str, &'a Policy)> {
    let by_key =
        |key: &str| workspace.escalations.get_key_value(key).map(|(key, policy)| (key.as_str(), policy));
    let of_service = |name: &String| {
        let service = workspace.services.get(name).or_else(|| {
            // Incidents name services as people call them.
            workspace.services.values().find(|service| service.name == *name)
        })?;
        by_key(service.escalation.as_deref()?)
    };
    incident.services.iter().find_map(of_service).or_else(|| {
        let default = |(_, policy): &(&String, &Policy)| policy.severities.contains(&incident.severity);
        workspace.escalations.iter().find(default).map(|(key, policy)| (key.as_str(), policy))
    })
}
