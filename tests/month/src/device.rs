//! A member's device: the tables of deadlines and alerts that `desk-store` keeps and the loop that `desk-app`'s scheduler runs
//! over them, in memory. Every decision is the domain's.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    rc::Rc,
};

use desk_docs::Document;
use desk_domain::{
    alert::{
        Alert, AlertKey, AlertState, BurstGuard, Delivery, Notice, delivery, digest, notices, quiet_summary,
    },
    ids::{DocId, DocKind, MemberId},
    incident::Severity,
    people::{Member, Role},
    projection::{Deadline, Projection, Row},
    time::UtcMillis,
};

use crate::ledger::{DeviceLedger, Heard, Raised, Telling, Told};

/// What the store keeps of an alert.
struct Kept {
    state: AlertState,
    silent: bool,
}

pub(crate) struct Device {
    pub(crate) ledger: DeviceLedger,
    pub(crate) me: Member,
    pub(crate) awake: bool,
    pub(crate) online: bool,
    /// What its clock shows beyond the truth.
    pub(crate) clock_off_ms: i64,
    /// Up to when it knows the documents, while it is offline.
    pub(crate) known: UtcMillis,
    /// Documents that changed while it was offline.
    pub(crate) missed: BTreeSet<DocId>,
    /// Its copy of the member's personal document.
    pub(crate) personal: Document,
    projections: HashMap<DocId, Rc<Projection>>,
    /// Deadlines without an alert, by instant.
    waiting: BTreeSet<(UtcMillis, DocId, u8, &'static str)>,
    alerts: BTreeMap<AlertOrder, Kept>,
    pending: BTreeSet<AlertOrder>,
    guard: BurstGuard,
    /// What was acknowledged or put off since the last look.
    settled: Vec<AlertKey>,
    /// Everything that waits is decided anew: after a start, and when the clock moved.
    decide_all: bool,
    attentive_since: Option<UtcMillis>,
}

/// A key, in an order that is the same for each run.
type AlertOrder = (UtcMillis, DocId, &'static str, u8);

fn order(key: &AlertKey) -> AlertOrder {
    (key.due_at, key.subject, key.rule.as_str(), key.percent)
}

fn key((due_at, subject, rule, percent): AlertOrder) -> Option<AlertKey> {
    Some(AlertKey { subject, rule: rule.parse().ok()?, percent, due_at })
}

impl Device {
    pub(crate) fn new(ledger: DeviceLedger, me: Member, personal: Document, now: UtcMillis) -> Self {
        Self {
            ledger,
            me,
            awake: true,
            online: true,
            clock_off_ms: 0,
            known: now,
            missed: BTreeSet::new(),
            personal,
            projections: HashMap::new(),
            waiting: BTreeSet::new(),
            alerts: BTreeMap::new(),
            pending: BTreeSet::new(),
            guard: BurstGuard::default(),
            settled: Vec::new(),
            decide_all: false,
            attentive_since: Some(now),
        }
    }

    /// Up to when it knows the documents.
    fn known_at(&self, now: UtcMillis) -> UtcMillis {
        if self.online { now } else { self.known }
    }

    /// What its clock shows.
    pub(crate) fn clock(&self, now: UtcMillis) -> UtcMillis {
        now.plus_ms(self.clock_off_ms)
    }

    /// It is awake, connected and has the right time, or no longer.
    pub(crate) fn attend(&mut self, now: UtcMillis) {
        let attends = self.awake && self.online && self.clock_off_ms == 0;
        match (self.attentive_since, attends) {
            (None, true) => self.attentive_since = Some(now),
            (Some(since), false) => {
                self.ledger.attentive.push((since, now));
                self.attentive_since = None;
            }
            (None, false) | (Some(_), true) => {}
        }
    }

    /// The program starts again: what was only in its memory is gone.
    pub(crate) fn restart(&mut self) {
        self.guard = BurstGuard::default();
        self.settled.clear();
        self.decide_all = true;
    }

    /// Its clock was set.
    pub(crate) fn set_clock(&mut self, off_ms: i64) {
        self.clock_off_ms = off_ms;
        self.decide_all = true;
    }

    /// Writes what is derived from a document, as a commit to the store does.
    pub(crate) fn learn(&mut self, doc: DocId, projection: Rc<Projection>) {
        let place = |deadline: &Deadline| (deadline.due_at, doc, deadline.percent, deadline.rule.as_str());
        if let Some(old) = self.projections.get(&doc) {
            for deadline in &old.deadlines {
                self.waiting.remove(&place(deadline));
            }
        }
        for deadline in &projection.deadlines {
            let (due_at, subject, percent, rule) = place(deadline);
            if !self.alerts.contains_key(&(due_at, subject, rule, percent)) {
                self.waiting.insert((due_at, subject, percent, rule));
            }
        }
        self.projections.insert(doc, projection);
    }

    /// One look of the scheduler; says when, by its own clock, it looks again.
    pub(crate) fn look(&mut self, now: UtcMillis) -> Option<UtcMillis> {
        let clock = self.clock(now);
        self.raise(now, clock);
        self.take_away();
        let mut decided = Vec::new();
        for place in &self.pending {
            let Some(kept) = self.alerts.get(place) else { continue };
            // What is held until later gets the same answer until then.
            if !self.decide_all && kept.state.held_until.is_some_and(|until| until > clock) {
                continue;
            }
            if let Some(alert) = self.alert(*place, kept.state) {
                decided.push((*place, delivery(&alert, &self.ledger.plan.settings, clock), alert));
            }
        }
        self.decide_all = false;
        self.carry_out(decided, now, clock);
        self.next(clock)
    }

    /// When it looks again, by its own clock.
    fn next(&self, clock: UtcMillis) -> Option<UtcMillis> {
        let held = self.pending.iter().filter_map(|place| self.alerts.get(place)?.state.held_until);
        let due = self.waiting.first().map(|(at, ..)| *at);
        due.into_iter().chain(held).filter(|at| *at > clock).min()
    }

    fn raise(&mut self, now: UtcMillis, clock: UtcMillis) {
        while let Some(first) = self.waiting.first().copied().filter(|(at, ..)| *at <= clock) {
            self.waiting.remove(&first);
            let (due_at, subject, percent, rule) = first;
            let place = (due_at, subject, rule, percent);
            let (Some(key), false) = (key(place), self.alerts.contains_key(&place)) else { continue };
            let silent = !self.concerns(&key);
            self.alerts.insert(place, Kept { state: AlertState::raised(clock), silent });
            if !silent {
                self.pending.insert(place);
            }
            let known = self.known_at(now);
            self.ledger.raised.push(Raised { key, at: now, clock, known, silent });
        }
    }

    /// Whether an alert is the member's business, as `desk-app` decides when it is raised.
    fn concerns(&self, key: &AlertKey) -> bool {
        let Some(projection) = self.projections.get(&key.subject) else { return false };
        let members: &[MemberId] = projection
            .deadlines
            .iter()
            .find(|found| (found.rule, found.percent, found.due_at) == (key.rule, key.percent, key.due_at))
            .map_or(&[], |found| &found.members);
        if !members.is_empty() {
            return members.contains(&self.me.id);
        }
        match (self.me.role, &projection.row) {
            (Role::Requester, _) => false,
            (Role::Manager | Role::Admin, _)
            | (Role::Agent, Row::Incident(_) | Row::Article(_) | Row::Settings) => true,
            (Role::Agent, Row::Ticket(line)) => match (&line.assignee, &line.team) {
                (Some(assignee), _) => *assignee == self.me.id.to_string(),
                (None, Some(team)) => self.me.teams.contains(team),
                (None, None) => true,
            },
        }
    }

    fn alert(&self, place: AlertOrder, state: AlertState) -> Option<Alert> {
        let key = key(place)?;
        let (kind, title, priority, severity) = match &self.projections.get(&key.subject)?.row {
            Row::Ticket(line) => (DocKind::Ticket, line.title.clone(), Some(line.priority), None),
            Row::Incident(line) => (DocKind::Incident, line.title.clone(), None, Some(line.severity)),
            Row::Article(_) | Row::Settings => return None,
        };
        let stands = self.projections.get(&key.subject).is_some_and(|projection| {
            projection
                .deadlines
                .iter()
                .any(|found| (found.rule, found.percent, found.due_at) == (key.rule, key.percent, key.due_at))
        });
        Some(Alert { number: key.subject.to_string(), key, kind, title, priority, severity, stands, state })
    }

    fn carry_out(&mut self, decided: Vec<(AlertOrder, Delivery, Alert)>, now: UtcMillis, clock: UtcMillis) {
        let (mut shown, mut quiet, mut for_digest) = (Vec::new(), Vec::new(), Vec::new());
        for (place, decision, alert) in decided {
            let Some(kept) = self.alerts.get_mut(&place) else { continue };
            kept.state = kept.state.after(decision, clock);
            if !kept.state.is_pending() {
                self.pending.remove(&place);
            }
            let how = match decision {
                Delivery::Show { .. } => Told::Banner,
                Delivery::Summary => Told::Summary,
                Delivery::Digest => Told::Digest,
                Delivery::ListOnly => Told::Listed,
                Delivery::Done | Delivery::Hold { .. } => continue,
            };
            let is_p1 = alert.severity == Some(Severity::P1);
            let (key, heard) = (alert.key.clone(), self.ledger.heard.len());
            self.ledger.told.push(Telling { key, at: now, clock, how, is_p1, heard });
            match decision {
                Delivery::Show { sound } => shown.push((alert, sound)),
                Delivery::Summary => quiet.push(alert),
                Delivery::Digest => for_digest.push(alert),
                Delivery::ListOnly | Delivery::Done | Delivery::Hold { .. } => {}
            }
        }
        let told: usize = shown.len() + quiet.len() + for_digest.len();
        let summary = quiet_summary(&quiet, clock);
        let digest = digest(&for_digest, clock);
        self.ledger.summaries += usize::from(summary.is_some());
        self.ledger.digests += usize::from(digest.is_some());
        let banners: Vec<Notice> =
            notices(&shown, &mut self.guard, clock).into_iter().chain(summary).chain(digest).collect();
        let on_screen: HashSet<&AlertKey> = banners.iter().flat_map(|banner| &banner.keys).collect();
        // Every alert that is told stands in a banner, and none in one that the member has settled.
        let stale = on_screen.iter().filter(|key| {
            let kept = self.alerts.get(&order(key));
            kept.is_none_or(|kept| kept.state.acknowledged_at.is_some() || kept.state.is_snoozed(clock))
        });
        let untold = shown.iter().map(|(alert, _)| alert).chain(&quiet).chain(&for_digest);
        let missing = untold.filter(|alert| !on_screen.contains(&alert.key)).count();
        self.ledger.stale_banners += stale.count() + missing.min(told);
        self.ledger.banners += banners.len();
    }

    /// Banners of what was settled go, and a burst no longer tells of it.
    fn take_away(&mut self) {
        if !self.settled.is_empty() {
            self.guard.forget(&std::mem::take(&mut self.settled));
        }
    }

    /// Alerts that wait for the member, as the list shows them.
    pub(crate) fn open(&self, now: UtcMillis) -> Vec<AlertKey> {
        let clock = self.clock(now);
        let open = self.alerts.iter().filter(|(_, kept)| {
            !kept.silent && kept.state.acknowledged_at.is_none() && !kept.state.is_snoozed(clock)
        });
        open.filter_map(|(place, _)| key(*place)).collect()
    }

    /// The member acknowledged an alert, here or elsewhere.
    pub(crate) fn acknowledge(&mut self, key: &AlertKey, at: UtcMillis, now: UtcMillis) {
        let place = order(key);
        let kept = self.alerts.entry(place).or_insert_with(|| Kept {
            state: AlertState { notified_at: Some(at), ..AlertState::raised(at) },
            silent: false,
        });
        if kept.state.acknowledged_at.is_some() {
            return;
        }
        kept.state = kept.state.acknowledged(at);
        self.pending.remove(&place);
        self.waiting.remove(&(place.0, place.1, place.3, place.2));
        self.settled.push(key.clone());
        self.ledger.heard.push(Heard { key: key.clone(), at: now, snoozed_until: None });
    }

    /// The member put an alert off, here or elsewhere.
    pub(crate) fn snooze(&mut self, key: &AlertKey, until: UtcMillis, now: UtcMillis) {
        let place = order(key);
        let clock = self.clock(now);
        let raised = || Kept { state: AlertState::raised(clock), silent: false };
        let kept = self.alerts.entry(place).or_insert_with(raised);
        if kept.state.acknowledged_at.is_some() || kept.state.snoozed_until == Some(until) {
            return;
        }
        kept.state = kept.state.snoozed(until);
        if !kept.silent {
            self.pending.insert(place);
        }
        self.waiting.remove(&(place.0, place.1, place.3, place.2));
        self.settled.push(key.clone());
        self.ledger.heard.push(Heard { key: key.clone(), at: now, snoozed_until: Some(until) });
    }

    /// The month is over.
    pub(crate) fn finish(mut self, now: UtcMillis) -> DeviceLedger {
        let clock = self.clock(now);
        self.awake = false;
        self.attend(now);
        let held = self.pending.iter().filter(|place| {
            let held_until = self.alerts.get(place).and_then(|kept| kept.state.held_until);
            held_until.is_some_and(|until| until > clock)
        });
        self.ledger.held = held.filter_map(|place| key(*place)).collect();
        self.ledger
    }
}
