//! A ticket's alerts, by its log.

use std::collections::BTreeMap;

use desk_domain::{
    alert::{AlertKey, AlertRule},
    ids::MemberId,
    people::Role,
    ticket::{AuthorSide, LogEntry, LogEvent, Priority, Status, Ticket, Visibility},
    time::UtcMillis,
};

use super::{
    Due,
    windows::{Hours, Windows},
};
use crate::plan::{MINUTE_MS, People};

/// What holds for a ticket: hours, targets in milliseconds (first response, next response, resolution), shares that warn, and
/// whether waiting for the requester stops the clocks.
struct Deal {
    hours: Hours,
    targets_ms: [Option<i64>; 3],
    warn: &'static [u8],
    pauses: bool,
}

fn deal(priority: Priority, team: Option<&str>) -> Deal {
    let minutes = |first: i64, next: i64, resolution: i64| {
        [first, next, resolution].map(|minutes| Some(minutes * MINUTE_MS))
    };
    let standard = |hours, targets_ms| Deal { hours, targets_ms, warn: &[75, 90], pauses: true };
    // Three hours is "180 minutes": all targets of the month are whole seconds.
    let field = |first_s: i64, resolution_s: i64| Deal {
        hours: Hours::Berlin,
        targets_ms: [Some(first_s * 1_000), None, Some(resolution_s * 1_000)],
        warn: &[50],
        pauses: false,
    };
    match (priority, team == Some("field")) {
        (Priority::Critical, _) => standard(Hours::Always, minutes(15, 30, 120)),
        (Priority::Urgent, _) => standard(Hours::Always, minutes(30, 60, 240)),
        (Priority::High, true) => field(90 * 60 + 30, 36_000),
        (Priority::Medium, true) => field(3 * 3_600, 25 * 3_600),
        (Priority::Low, true) => field(6 * 3_600, 50 * 3_600),
        (Priority::High, false) => standard(Hours::Office, minutes(120, 240, 480)),
        (Priority::Medium, false) => standard(Hours::Office, minutes(240, 480, 1_440)),
        (Priority::Low, false) => standard(Hours::Office, minutes(480, 960, 4_800)),
    }
}

const WARNINGS: [AlertRule; 3] =
    [AlertRule::FirstResponseWarning, AlertRule::NextResponseWarning, AlertRule::ResolutionWarning];
const BREACHES: [AlertRule; 3] =
    [AlertRule::FirstResponseBreach, AlertRule::NextResponseBreach, AlertRule::ResolutionBreach];

/// A clock: the stretches that it counted, until it is answered.
#[derive(Default)]
struct Clock {
    counted: Vec<(i64, i64)>,
    answered: bool,
}

/// When the stretches add up to `ms`.
fn reached(stretches: impl Iterator<Item = (i64, i64)>, ms: i64) -> Option<i64> {
    let mut left = ms;
    for (from, to) in stretches {
        if to - from >= left {
            return Some(from + left);
        }
        left -= to - from;
    }
    None
}

/// What a ticket is as its log is walked.
struct Walk {
    status: Status,
    priority: Priority,
    team: Option<String>,
    assignee: Option<String>,
    clocks: [Option<Clock>; 3],
}

impl Walk {
    /// The ticket as it was created: what the first change of a field says that it was, or what it is if none did.
    fn begin(ticket: &Ticket, log: &[&LogEntry]) -> Option<Self> {
        let (status, priority) = log.iter().find_map(|entry| match &entry.event {
            LogEvent::Created { status, priority } => Some((*status, *priority)),
            _ => None,
        })?;
        let first = |name: &str, present: &Option<String>| {
            let changed = log.iter().find_map(|entry| match &entry.event {
                LogEvent::Field { field, from, .. } if field == name => Some(from.clone()),
                _ => None,
            });
            changed.unwrap_or_else(|| present.clone())
        };
        Some(Self {
            status,
            priority,
            team: first("team", &ticket.team),
            assignee: first("assignee", &ticket.assignee),
            clocks: [Some(Clock::default()), None, Some(Clock::default())],
        })
    }

    fn happen(&mut self, event: &LogEvent) {
        match event {
            LogEvent::Status { to, .. } => self.status = *to,
            LogEvent::Priority { to, .. } => self.priority = *to,
            LogEvent::Field { field, to, .. } if field == "team" => self.team.clone_from(to),
            LogEvent::Field { field, to, .. } if field == "assignee" => self.assignee.clone_from(to),
            LogEvent::Reply { visibility: Visibility::Public, side: AuthorSide::Requester, .. }
                if self.clocks[1].as_ref().is_none_or(|clock| clock.answered) =>
            {
                self.clocks[1] = Some(Clock::default());
            }
            LogEvent::Reply { visibility: Visibility::Public, side: AuthorSide::Staff, .. } => {
                for clock in self.clocks[..2].iter_mut().flatten() {
                    clock.answered = true;
                }
            }
            _ => {}
        }
    }

    fn concerned(&self, people: &People) -> Vec<MemberId> {
        let concerned = people.0.iter().filter(|member| match (member.role, &self.assignee, &self.team) {
            (Role::Requester, _, _) => false,
            (Role::Manager | Role::Admin, _, _) | (Role::Agent, None, None) => true,
            (Role::Agent, Some(assignee), _) => *assignee == member.id.to_string(),
            (Role::Agent, None, Some(team)) => member.teams.contains(team),
        });
        concerned.map(|member| member.id).collect()
    }
}

/// The alerts of a ticket until `end`, by the entries of its log until `known`.
pub(crate) fn ticket(
    ticket: &Ticket,
    windows: &Windows,
    people: &People,
    known: UtcMillis,
    end: UtcMillis,
) -> Vec<Due> {
    let mut log: Vec<&LogEntry> = ticket.log.iter().filter(|entry| entry.at <= known).collect();
    log.sort_by_key(|entry| (entry.at, entry.id));
    let all: Vec<&LogEntry> = {
        let mut all: Vec<&LogEntry> = ticket.log.iter().collect();
        all.sort_by_key(|entry| (entry.at, entry.id));
        all
    };
    let Some(mut walk) = Walk::begin(ticket, &all) else { return Vec::new() };
    let mut found: BTreeMap<(UtcMillis, AlertRule, u8), Due> = BTreeMap::new();
    let mut place = 0;
    while let Some(now) = log.get(place).map(|entry| entry.at) {
        while let Some(entry) = log.get(place).filter(|entry| entry.at == now) {
            walk.happen(&entry.event);
            place += 1;
        }
        let until = log.get(place).map_or(end, |entry| entry.at);
        let deal = deal(walk.priority, walk.team.as_deref());
        let still = walk.status.is_done() || (deal.pauses && walk.status == Status::Pending);
        let open = if still { Vec::new() } else { windows.open(deal.hours, now.0, until.0) };
        for (metric, clock) in walk.clocks.iter().enumerate() {
            let (Some(clock), Some(target_ms)) = (clock, deal.targets_ms[metric]) else { continue };
            if clock.answered || walk.status.is_done() {
                continue;
            }
            let shares = deal.warn.iter().map(|percent| (WARNINGS[metric], *percent));
            for (rule, percent) in shares.chain([(BREACHES[metric], 100)]) {
                let counted = clock.counted.iter().chain(&open).copied();
                let Some(instant) = reached(counted, target_ms * i64::from(percent) / 100) else { continue };
                let due_at = UtcMillis(instant);
                let due = found.entry((due_at, rule, percent)).or_insert_with(|| Due {
                    key: AlertKey { subject: ticket.id, rule, percent, due_at },
                    spans: Vec::new(),
                    members: walk.concerned(people),
                });
                due.spans.push((due_at.max(now), until));
            }
        }
        for clock in walk.clocks.iter_mut().flatten().filter(|clock| !clock.answered) {
            clock.counted.extend(&open);
        }
    }
    found.into_values().collect()
}
