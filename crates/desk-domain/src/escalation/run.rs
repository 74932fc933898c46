//! The course of an escalation: from what an incident's timeline tells, the next step.
//!
//! The timeline is a set of entries that devices and the server merge in any order; everything here is a function of that set.
//! Which page is next is counted by the pages that stand there, never by time, so no clock makes one come twice or not at all.
//! The id of each step's entry derives from what the step is ([`Due::entry`]): a step that two processes take is one entry.
//!
//! A clock that jumps ahead makes at most one page come early. One that was set back finds the last step in its future; it
//! cannot know how long ago that was, so the next one is due at once rather than a day late.

use serde::{Deserialize, Serialize};

use super::policy::{Policy, policy_of};
use crate::{
    edit::IncidentOp,
    ids::{DocId, EntryId, MemberId},
    incident::{Incident, IncidentStatus, TimelineEntry, TimelineEvent},
    time::UtcMillis,
    words::words,
    workspace::Workspace,
};

/// Nothing is paged this long after the start.
pub const LONGEST_MS: i64 = 7 * 24 * 3_600_000;
/// An acknowledgement that holds no longer than this takes back the one before it: who let an incident go is not on it.
pub const RELEASE_MS: i64 = 1;
/// A step further in the future than this was taken by a clock that was set back since.
const FUTURE_MS: i64 = 60_000;

words! {
    /// Why an escalation ended.
    EndReason, "end of an escalation" {
        /// The incident is over.
        Resolved = "resolved",
        /// Everybody was told as often as the policy says.
        Exhausted = "exhausted",
        /// A whole round found nobody to tell.
        Nobody = "nobody",
        /// Seven days have passed.
        Expired = "expired",
    }
}

/// What is done next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum Step {
    /// The escalation begins, by this policy to its end.
    Start {
        /// The policy as it is now.
        policy: Box<Policy>,
    },
    /// A level is told.
    Page(Page),
    /// An acknowledgement has run out; it goes on where it was.
    Expire,
    /// Nobody is told any more.
    End {
        /// Why.
        reason: EndReason,
    },
}

/// Who is told at a level.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// Which level, from 1.
    pub level: u8,
    /// Which round through the levels, from 1.
    pub cycle: u8,
    /// Who; nobody when the level has nobody, which is written down as well.
    pub members: Vec<MemberId>,
    /// Those who are told by e-mail, too.
    pub email: Vec<MemberId>,
}

/// The next step and when it is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// When; in the past when it is late.
    pub at: UtcMillis,
    /// The id of its timeline entry.
    pub entry: EntryId,
    /// What.
    pub step: Step,
}

impl Step {
    /// Its name, for logs.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Start { .. } => "start",
            Self::Page(_) => "page",
            Self::Expire => "expire",
            Self::End { .. } => "end",
        }
    }

    /// The edit that writes it into the timeline.
    pub fn op(self) -> IncidentOp {
        match self {
            Self::Start { policy } => IncidentOp::StartEscalation { policy },
            Self::Page(Page { level, cycle, members, email }) => {
                IncidentOp::Page { level, cycle, members, email }
            }
            Self::Expire => IncidentOp::ExpireAcknowledgement,
            Self::End { reason } => IncidentOp::EndEscalation { reason },
        }
    }
}

/// An acknowledgement that holds the escalation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Its timeline entry.
    pub entry: EntryId,
    /// Who took the incident.
    pub by: String,
    /// When.
    pub at: UtcMillis,
    /// Until when; `None` for good.
    pub until: Option<UtcMillis>,
}

/// How an escalation stands, by its incident's timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Escalation<'a> {
    /// When it began.
    pub started_at: UtcMillis,
    /// By which policy.
    pub policy: &'a Policy,
    /// Who was told, with when, in the order of cycle and level.
    pub pages: Vec<(UtcMillis, Page)>,
    /// What holds it.
    pub hold: Option<Hold>,
    /// Why it ended.
    pub ended: Option<EndReason>,
}

/// How the escalation of an incident stands; `None` before it begins.
pub fn escalation(incident: &Incident) -> Option<Escalation<'_>> {
    let entries = sorted(incident);
    let (started_at, policy) = entries.iter().find_map(|entry| {
        let TimelineEvent::EscalationStarted { policy } = &entry.event else { return None };
        Some((entry.at, policy.as_ref()))
    })?;
    let mut pages: Vec<(UtcMillis, Page)> = Vec::new();
    for entry in &entries {
        if let TimelineEvent::Paged { level, cycle, members, email } = &entry.event
            && !pages.iter().any(|(_, page)| (page.cycle, page.level) == (*cycle, *level))
        {
            let page = Page { level: *level, cycle: *cycle, members: members.clone(), email: email.clone() };
            pages.push((entry.at, page));
        }
    }
    pages.sort_by_key(|(_, page)| (page.cycle, page.level));
    let ended = entries.iter().find_map(|entry| {
        let TimelineEvent::EscalationEnded { reason } = &entry.event else { return None };
        Some(*reason)
    });
    Some(Escalation { started_at, policy, pages, hold: hold(&entries), ended })
}

/// The next step of an incident's escalation and when it is due; `None` when there is none until something else happens to
/// the incident or the settings. Members are those of the instant at which the step is due or, when that is past, of `now`.
pub fn next(incident: &Incident, workspace: &Workspace, now: UtcMillis) -> Option<Due> {
    if incident.deleted || incident.is_proposed() {
        return None;
    }
    let entries = sorted(incident);
    let Some(standing) = escalation(incident) else { return start(incident, workspace, &entries, now) };
    if standing.ended.is_some() {
        return None;
    }
    let end =
        |at, reason| Some(Due { at, entry: derived(incident.id, [3, 0, 0]), step: Step::End { reason } });
    if incident.status.is_done() {
        return end(now, EndReason::Resolved);
    }
    if let Some(hold) = standing.hold {
        // An acknowledgement for good waits for the end of the incident.
        return Some(Due { at: hold.until?, entry: expiry(hold.entry), step: Step::Expire });
    }
    let limit = standing.started_at.plus_ms(LONGEST_MS);
    let taken =
        |position: &(u8, u8)| standing.pages.iter().any(|(_, page)| (page.cycle, page.level) == *position);
    let before = standing.policy.positions().take_while(taken).last();
    let position = standing.policy.positions().find(|position| !taken(position));
    let at =
        match before.and_then(|at| standing.pages.iter().find(|(_, page)| (page.cycle, page.level) == at)) {
            None => anchored(standing.started_at, 0, &entries, now),
            Some((at, page)) => {
                let round_over = position.is_none_or(|(cycle, _)| cycle != page.cycle);
                let mut round = standing.pages.iter().filter(|(_, other)| other.cycle == page.cycle);
                if round_over && round.all(|(_, other)| other.members.is_empty()) {
                    return end(*at, EndReason::Nobody);
                }
                let minutes = standing.policy.level(page.level).map_or(0, |level| level.timeout_min);
                let wait_min = if page.members.is_empty() { 0 } else { minutes };
                anchored(*at, i64::from(wait_min) * 60_000, &entries, now)
            }
        };
    if at.max(now) >= limit {
        return end(limit, EndReason::Expired);
    }
    let Some((cycle, level)) = position else { return end(at, EndReason::Exhausted) };
    let found = standing.policy.level(level)?;
    let members = found.members(workspace, at.max(now));
    let email = if found.email { members.clone() } else { Vec::new() };
    let step = Step::Page(Page { level, cycle, members, email });
    Some(Due { at, entry: derived(incident.id, [2, cycle, level]), step })
}

/// Who has taken an incident, if it is taken now; whether or not it escalates.
pub fn held(incident: &Incident) -> Option<Hold> {
    hold(&sorted(incident))
}

/// When somebody is told next unless the incident is acknowledged; `None` when nobody will be.
pub fn escalates_at(incident: &Incident, workspace: &Workspace, now: UtcMillis) -> Option<UtcMillis> {
    let due = next(incident, workspace, now)?;
    match due.step {
        Step::Start { .. } | Step::Page(_) => Some(due.at),
        Step::Expire | Step::End { .. } => None,
    }
}

/// The beginning: at once, unless somebody took the incident already, it is over, or it is so old that nothing would be paged.
fn start(
    incident: &Incident,
    workspace: &Workspace,
    entries: &[&TimelineEntry],
    now: UtcMillis,
) -> Option<Due> {
    if incident.status.is_done() || now.since(incident.created_at) >= LONGEST_MS {
        return None;
    }
    let at = match hold(entries) {
        Some(hold) => hold.until?,
        None => incident.created_at,
    };
    let (_, policy) = policy_of(incident, workspace)?;
    let step = Step::Start { policy: Box::new(policy.clone()) };
    Some(Due { at, entry: derived(incident.id, [1, 0, 0]), step })
}

/// The entries in their one order, however they were merged.
fn sorted(incident: &Incident) -> Vec<&TimelineEntry> {
    let mut entries: Vec<&TimelineEntry> = incident.timeline.iter().collect();
    entries.sort_by_key(|entry| (entry.at, entry.id));
    entries
}

/// What an entry says that somebody took; `None` when it says no such thing. Moving the response on is an acknowledgement for
/// good.
fn taken_by(entry: &TimelineEntry) -> Option<Hold> {
    let hold = |until| Some(Hold { entry: entry.id, by: entry.by.clone(), at: entry.at, until });
    if let TimelineEvent::Acknowledged { until } = &entry.event {
        return hold(*until);
    }
    let TimelineEvent::Status { to, .. } = &entry.event else { return None };
    if *to == IncidentStatus::Open || to.is_done() { None } else { hold(None) }
}

/// Whether an entry of the timeline takes an acknowledgement back: one that runs out as soon as it is made ([`RELEASE_MS`]).
pub fn is_release(entry: &TimelineEntry) -> bool {
    matches!(entry.event, TimelineEvent::Acknowledged { until: Some(until) } if until.since(entry.at) <= RELEASE_MS)
}

/// The acknowledgement that holds now: the latest, unless it was written down that it ran out.
fn hold(entries: &[&TimelineEntry]) -> Option<Hold> {
    let hold = entries.iter().rev().find_map(|entry| taken_by(entry))?;
    let expired = hold.until.is_some() && entries.iter().any(|other| other.id == expiry(hold.entry));
    (!expired).then_some(hold)
}

/// When a wait that began at `from` is over: after `wait_ms` in which nobody held it.
fn anchored(from: UtcMillis, wait_ms: i64, entries: &[&TimelineEntry], now: UtcMillis) -> UtcMillis {
    let (mut anchor, mut left_ms, mut held_from) = (from, wait_ms, None);
    for entry in entries {
        if taken_by(entry).is_some() {
            held_from = held_from.or(Some(entry.at));
        } else if entry.event == TimelineEvent::AcknowledgementExpired
            && let Some(held) = held_from.take()
            && entry.at > anchor
        {
            left_ms = (left_ms - held.since(anchor).max(0)).max(0);
            anchor = entry.at;
        }
    }
    if anchor.since(now) > FUTURE_MS { now } else { anchor.plus_ms(left_ms) }
}

/// The id of a step's entry. Fresh ids are of version 7, these of version 8; within one incident they differ by what they tell.
fn derived(incident: DocId, step: [u8; 3]) -> EntryId {
    let mut bytes = incident.0.into_bytes();
    bytes[13..].copy_from_slice(&step);
    EntryId(uuid::Builder::from_custom_bytes(bytes).into_uuid())
}

/// The id of the entry that tells that an acknowledgement ran out.
fn expiry(acknowledgement: EntryId) -> EntryId {
    EntryId(uuid::Builder::from_custom_bytes(acknowledgement.0.into_bytes()).into_uuid())
}

#[cfg(test)]
mod tests;
