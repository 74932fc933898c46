//! An incident's pages and alerts, by what people did to it.

use std::collections::BTreeMap;

use desk_domain::{
    alert::{AlertKey, AlertRule},
    ids::MemberId,
    incident::{Incident, IncidentStatus, Severity, TimelineEntry, TimelineEvent},
    time::UtcMillis,
};

use super::Due;
use crate::plan::{
    ADMIN, BOSS, DAY_MS, DEPUTY, DESK_AGENT, FIELD_AGENT, HOUR_MS, MINUTE_MS, NIGHT_AGENT, OUTAGE, People, at,
};

/// A page that must have been sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Paged {
    pub(crate) at: UtcMillis,
    pub(crate) level: u8,
    pub(crate) cycle: u8,
    pub(crate) members: Vec<MemberId>,
}

/// Whom a level tells.
#[derive(Clone, Copy)]
enum To {
    Places(&'static [usize]),
    Weekly,
    Office,
}

/// Levels with their minutes, and how many rounds.
type Way = (Vec<(Vec<To>, i64)>, u8);

/// The way of an incident's escalation, if it has one.
fn way(service: Option<&str>, severity: Severity) -> Option<Way> {
    let default = |minutes| {
        let to = |places| (vec![To::Places(places)], minutes);
        let agents = &[DESK_AGENT, FIELD_AGENT, NIGHT_AGENT];
        Some((vec![to(agents), to(&[BOSS, DEPUTY]), to(&[ADMIN])], 2))
    };
    match (service, severity) {
        (Some("billing"), _) => Some((
            vec![
                (vec![To::Weekly], 15),
                (vec![To::Places(&[BOSS])], 30),
                (vec![To::Places(&[FIELD_AGENT, NIGHT_AGENT]), To::Office], 45),
            ],
            3,
        )),
        (Some("doors"), _) => Some((vec![(vec![To::Office], 20), (vec![To::Office], 40)], 2)),
        (_, Severity::P1) => default(5),
        (_, Severity::P2) => default(15),
        (_, Severity::P3) => default(60),
        (_, Severity::P4) => None,
    }
}

/// Who that is at an instant.
fn places(to: To, now: UtcMillis) -> Vec<usize> {
    match to {
        To::Places(places) => places.to_vec(),
        To::Weekly if (at(10, 0)..at(12, 12)).contains(&now) => vec![DEPUTY],
        To::Weekly => {
            // The first hand-over of the month is on Monday the 2nd at 09:00; before it is the first one's week.
            let week = now.since(at(2, 9)).div_euclid(7 * DAY_MS);
            vec![if week.rem_euclid(2) == 1 { DESK_AGENT } else { NIGHT_AGENT }]
        }
        To::Office => {
            let since = now.since(at(1, 0));
            let is_weekday = (1..=5).contains(&(since.div_euclid(DAY_MS) % 7));
            let is_open = (9 * HOUR_MS..18 * HOUR_MS).contains(&since.rem_euclid(DAY_MS));
            if is_weekday && is_open { vec![FIELD_AGENT] } else { Vec::new() }
        }
    }
}

/// When the server does what is due at an instant.
fn served(at: UtcMillis) -> UtcMillis {
    if at >= OUTAGE.0 && at < OUTAGE.1 { OUTAGE.1 } else { at }
}

/// The next thing that the server does.
enum Next {
    Start,
    Page,
    Expire,
}

/// Whether somebody took it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Hold {
    Free,
    Until(UtcMillis),
    ForGood,
}

/// An escalation as it is walked.
struct Walk {
    severity: Severity,
    done: bool,
    way: Option<(UtcMillis, Way)>,
    /// How many pages there were, empty ones included.
    paged: usize,
    empty_in_round: usize,
    over: bool,
    /// The wait for the next page began then, with so much left.
    anchor: UtcMillis,
    left_ms: i64,
    hold: Hold,
}

impl Walk {
    /// What the server does next and when, if nobody does anything before.
    fn next(
        &self,
        service: Option<&str>,
        created_at: UtcMillis,
        now: UtcMillis,
    ) -> Option<(UtcMillis, Next)> {
        if self.done || self.over {
            return None;
        }
        let late = |at: UtcMillis| served(at.max(now));
        match (&self.way, self.hold) {
            (None, Hold::Free) => way(service, self.severity).map(|_| (late(created_at), Next::Start)),
            (None, Hold::Until(at)) => way(service, self.severity).map(|_| (late(at), Next::Start)),
            (Some(_), Hold::Until(at)) => Some((late(at), Next::Expire)),
            (_, Hold::ForGood) => None,
            (Some(_), Hold::Free) => Some((late(self.anchor.plus_ms(self.left_ms)), Next::Page)),
        }
    }

    /// A person did something.
    fn happen(&mut self, entry: &TimelineEntry) {
        let hold = match &entry.event {
            TimelineEvent::Acknowledged { until } => until.map_or(Hold::ForGood, Hold::Until),
            TimelineEvent::Status { to: IncidentStatus::Resolved | IncidentStatus::Closed, .. } => {
                self.done = true;
                return;
            }
            TimelineEvent::Status { .. } => Hold::ForGood,
            TimelineEvent::Severity { to, .. } => {
                self.severity = *to;
                return;
            }
            _ => return,
        };
        if self.hold == Hold::Free {
            self.left_ms = (self.left_ms - entry.at.since(self.anchor).max(0)).max(0);
        }
        self.hold = hold;
    }
}

/// The pages and alerts of an incident until `end`, by what people did to it until `known`.
pub(crate) fn incident(
    incident: &Incident,
    people: &People,
    known: UtcMillis,
    end: UtcMillis,
) -> (Vec<Paged>, Vec<Due>) {
    let service = incident.services.iter().next().map(String::as_str);
    let mut log: Vec<&TimelineEntry> = incident.timeline.iter().filter(|entry| entry.at <= known).collect();
    log.sort_by_key(|entry| (entry.at, entry.id));
    let severity = log.iter().find_map(|entry| match entry.event {
        TimelineEvent::Created { severity } => Some(severity),
        _ => None,
    });
    let Some(severity) = severity else { return (Vec::new(), Vec::new()) };
    let mut walk = Walk {
        severity,
        done: false,
        way: None,
        paged: 0,
        empty_in_round: 0,
        over: false,
        anchor: incident.created_at,
        left_ms: 0,
        hold: Hold::Free,
    };
    let mut pages: Vec<Paged> = Vec::new();
    let mut board = Board { incident, people, dues: Vec::new(), standing: BTreeMap::new() };
    let created_at = incident.created_at;
    let mut now = created_at;
    let mut people_did = log
        .into_iter()
        .filter(|entry| {
            matches!(
                entry.event,
                TimelineEvent::Acknowledged { .. }
                    | TimelineEvent::Status { .. }
                    | TimelineEvent::Severity { .. }
            )
        })
        .peekable();
    board.show(&walk, &pages, service, now);
    loop {
        let step = walk.next(service, created_at, now).filter(|(at, _)| *at < end);
        let by_person =
            people_did.peek().is_some_and(|entry| step.as_ref().is_none_or(|(at, _)| entry.at <= *at));
        if by_person {
            let Some(entry) = people_did.next() else { break };
            now = entry.at;
            walk.happen(entry);
        } else {
            let Some((at, next)) = step else { break };
            now = at;
            match next {
                Next::Start => {
                    walk.way = way(service, walk.severity).map(|way| (now, way));
                    (walk.anchor, walk.left_ms) = (now, 0);
                }
                Next::Expire => {
                    walk.hold = Hold::Free;
                    walk.anchor = now;
                }
                Next::Page => page(&mut walk, &mut pages, people, now),
            }
        }
        board.show(&walk, &pages, service, now);
    }
    (pages, board.finish(end))
}

/// Sends the next page, unless there is none any more.
fn page(walk: &mut Walk, pages: &mut Vec<Paged>, people: &People, now: UtcMillis) {
    let Some((started_at, (levels, rounds))) = &walk.way else { return };
    let round = walk.paged / levels.len();
    let place = walk.paged % levels.len();
    let nobody = place == 0 && walk.paged > 0 && walk.empty_in_round == levels.len();
    if nobody || round >= usize::from(*rounds) || now.since(*started_at) >= 7 * DAY_MS {
        walk.over = true;
        return;
    }
    if place == 0 {
        walk.empty_in_round = 0;
    }
    let (targets, minutes) = &levels[place];
    let mut members: Vec<usize> = targets.iter().flat_map(|to| places(*to, now)).collect();
    members.sort_unstable();
    members.dedup();
    let number = |place: usize| u8::try_from(place + 1).unwrap_or(u8::MAX);
    let mut ids: Vec<MemberId> = members.into_iter().map(|place| people.id(place)).collect();
    ids.sort_unstable();
    walk.empty_in_round += usize::from(ids.is_empty());
    walk.anchor = now;
    walk.left_ms = if ids.is_empty() { 0 } else { minutes * MINUTE_MS };
    pages.push(Paged { at: now, level: number(place), cycle: number(round), members: ids });
    walk.paged += 1;
}

/// Which alerts stand when.
struct Board<'a> {
    incident: &'a Incident,
    people: &'a People,
    dues: Vec<Due>,
    /// Alerts that stand now, by rule, level and instant, with since when.
    standing: BTreeMap<(AlertRule, u8, UtcMillis), UtcMillis>,
}

impl Board<'_> {
    /// What stands from `now` on.
    fn show(&mut self, walk: &Walk, pages: &[Paged], service: Option<&str>, now: UtcMillis) {
        let mut wanted: BTreeMap<(AlertRule, u8, UtcMillis), Option<&Paged>> = BTreeMap::new();
        if !walk.done && (walk.way.is_some() || way(service, walk.severity).is_some()) {
            wanted.insert((AlertRule::IncidentDeclared, 100, self.incident.created_at), None);
        }
        if !walk.done && walk.hold == Hold::Free {
            for page in pages.iter().filter(|page| !page.members.is_empty()) {
                let newer = |other: &Paged| other.level == page.level && other.cycle > page.cycle;
                if !pages.iter().any(|other| newer(other) && !other.members.is_empty()) {
                    wanted.insert((AlertRule::IncidentEscalation, page.level, page.at), Some(page));
                }
            }
        }
        let gone: Vec<_> = self.standing.keys().filter(|key| !wanted.contains_key(*key)).copied().collect();
        for key in gone {
            self.close(key, now);
        }
        for (key, page) in wanted {
            if self.standing.contains_key(&key) {
                continue;
            }
            self.standing.insert(key, now);
            let (rule, percent, due_at) = key;
            let alert = AlertKey { subject: self.incident.id, rule, percent, due_at };
            if self.dues.iter().all(|due| due.key != alert) {
                let agents = || self.people.0.iter().map(|member| member.id).collect();
                let members = page.map_or_else(agents, |page| page.members.clone());
                self.dues.push(Due { key: alert, spans: Vec::new(), members });
            }
        }
    }

    fn close(&mut self, key: (AlertRule, u8, UtcMillis), now: UtcMillis) {
        let Some(since) = self.standing.remove(&key) else { return };
        let (rule, percent, due_at) = key;
        let found = self
            .dues
            .iter_mut()
            .find(|due| (due.key.rule, due.key.percent, due.key.due_at) == (rule, percent, due_at));
        if let Some(due) = found {
            due.spans.push((since, now));
        }
    }

    fn finish(mut self, end: UtcMillis) -> Vec<Due> {
        for key in self.standing.keys().copied().collect::<Vec<_>>() {
            self.close(key, end);
        }
        self.dues
    }
}
