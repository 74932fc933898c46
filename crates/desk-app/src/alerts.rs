//! Alerts: raised from local data alone, once per device, and acknowledged or put off everywhere when on any device.

mod scheduler;
mod settings;

use std::collections::BTreeSet;

use desk_api::{ApiError, ErrorCode, view::AlertsView};
use desk_domain::{
    alert::{Alert, AlertKey, AlertRule, AlertState},
    edit::{Ops, PersonalOp},
    ids::{DocId, DocKind},
    people::{Member, Role},
    personal::{ALERTS_READ_AT, Personal, Snooze, reopened_preference, snooze_preference},
    time::UtcMillis,
};
use desk_store::{AlertWrite, Batch, DueDeadline};

use crate::{Desk, DeskEvent, error};

pub use scheduler::AlertScheduler;
pub(crate) use settings::SETTINGS_FACT;

/// How many alerts of each sort the page shows.
const SHOWN: u32 = 500;
/// How many acknowledged alerts the page shows.
const ACKNOWLEDGED_SHOWN: u32 = 100;
/// Open alerts are counted up to this: whoever has more has stopped counting.
pub(crate) const COUNTED: u32 = 1_000;
/// A snooze that ended longer ago than this when another device hears of it brings no banner there.
const STALE_SNOOZE_MS: i64 = 24 * 3_600_000;
/// The longest that an alert can be put off.
const LONGEST_SNOOZE_MS: i64 = 30 * 24 * 3_600_000;
/// The fact that keeps [`ALERTS_READ_AT`] on the device.
pub(crate) const READ_FACT: &str = ALERTS_READ_AT;

impl Desk {
    /// Once a new device has everything for the first time, what fell due before that is listed without a banner each: the
    /// member does not want a thousand banners on the first day. Later calls do nothing.
    pub(crate) async fn settle_alerts(&self) -> Result<(), ApiError> {
        if self.alerts_settled().await? {
            return Ok(());
        }
        let now = self.now();
        let due = self.store().deadlines_until(now).await.map_err(error::store)?;
        let alerts = self.raised(due, now, true);
        let meta = vec![("alerts_settled".to_owned(), Some(now.0.to_string().into_bytes()))];
        self.store().commit(&Batch { alerts, meta, ..Batch::default() }).await.map_err(error::store)?;
        self.inner.deadlines_moved.send_modify(|count| *count += 1);
        self.emit_alerts().await
    }

    /// A workspace on this device alone has nothing to wait for.
    async fn alerts_settled(&self) -> Result<bool, ApiError> {
        let local = self.signed_in().is_some_and(|session| session.server.is_none());
        Ok(local || self.store().meta("alerts_settled").await.map_err(error::store)?.is_some())
    }

    /// What fell due, to be written down.
    fn raised(&self, due: Vec<DueDeadline>, at: UtcMillis, settled: bool) -> Vec<AlertWrite> {
        let me = self.me();
        due.into_iter()
            .map(|due| AlertWrite::Raise {
                silent: !me.as_ref().is_some_and(|me| concerns(me, &due)),
                key: due.key,
                at,
                settled,
            })
            .collect()
    }

    /// What a person must know.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn alerts(&self) -> Result<AlertsView, ApiError> {
        let (store, now) = (self.store(), self.now());
        let open = store.alerts_open(now, SHOWN).await.map_err(error::store)?;
        let open_total = store.alerts_open_len(now, COUNTED).await.map_err(error::store)?;
        let snoozed = store.alerts_snoozed(now, SHOWN).await.map_err(error::store)?;
        let acknowledged = store.alerts_acknowledged(ACKNOWLEDGED_SHOWN).await.map_err(error::store)?;
        let read_at = store.meta_text(READ_FACT).await.map_err(error::store)?;
        Ok(AlertsView {
            open,
            open_total,
            snoozed,
            acknowledged,
            read_at: read_at.and_then(|text| text.parse().ok()),
        })
    }

    /// What a person must know by an instant: the open alerts and what will have fallen due, without raising anything.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn alerts_by(&self, at: UtcMillis) -> Result<Vec<Alert>, ApiError> {
        let mut alerts = self.store().alerts_open(at, u32::MAX).await.map_err(error::store)?;
        alerts.retain(|alert| alert.key.due_at <= at);
        let me = self.me();
        let due = self.store().deadlines_until(at).await.map_err(error::store)?;
        alerts.extend(due.into_iter().filter(|due| me.as_ref().is_some_and(|me| concerns(me, due))).map(
            |due| Alert {
                key: due.key,
                kind: due.kind,
                number: due.number,
                title: due.title,
                priority: due.priority,
                severity: due.severity,
                stands: true,
                state: AlertState::default(),
            },
        ));
        alerts.sort_by_key(|alert| (alert.key.due_at, alert.key.subject, alert.key.rule));
        Ok(alerts)
    }

    /// Open alerts about one ticket or incident.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn alerts_of(&self, subject: DocId) -> Result<Vec<Alert>, ApiError> {
        self.store().alerts_open_of(subject, self.now()).await.map_err(error::store)
    }

    /// Acknowledges alerts on all of the member's devices. Who acknowledges a page takes its incident.
    ///
    /// # Errors
    /// When nobody is signed in.
    pub async fn acknowledge_alerts(&self, keys: &[AlertKey]) -> Result<AlertsView, ApiError> {
        let now = self.now();
        let writes = keys.iter().map(|key| AlertWrite::Acknowledge { key: key.clone(), at: now });
        let ops = keys.iter().map(|key| PersonalOp::Acknowledge { alert: key.to_string() });
        self.say(ops.collect(), Batch { alerts: writes.collect(), ..Batch::default() }).await?;
        let pages = keys.iter().filter(|key| key.rule == AlertRule::IncidentEscalation);
        for incident in pages.map(|key| key.subject).collect::<BTreeSet<_>>() {
            if let Err(problem) = Box::pin(self.take_incident(incident, None, now)).await {
                // It is over, or out of sight by now: the alert is settled all the same.
                tracing::info!(code = ?problem.code, "a page was acknowledged, its incident not: {problem}");
            }
        }
        self.alerts().await
    }

    /// Takes acknowledgements back, on all of the member's devices. An incident that was taken by acknowledging its page is let
    /// go again: nobody is to believe that somebody is on it.
    ///
    /// # Errors
    /// When nobody is signed in, or an incident cannot be let go; nothing is taken back then.
    pub async fn reopen_alerts(&self, keys: &[AlertKey]) -> Result<AlertsView, ApiError> {
        for key in keys.iter().filter(|key| key.rule == AlertRule::IncidentEscalation) {
            if let Some(at) = self.store().alert_acknowledged_at(key).await.map_err(error::store)? {
                Box::pin(self.release_incident(key.subject, at)).await?;
            }
        }
        let now = self.now();
        let writes = keys.iter().map(|key| AlertWrite::Reopen { key: key.clone(), at: now });
        let ops = keys
            .iter()
            .map(|key| PersonalOp::SetPreference { name: reopened_preference(key), value: now.to_string() });
        self.say(ops.collect(), Batch { alerts: writes.collect(), ..Batch::default() }).await?;
        self.alerts().await
    }

    /// Puts alerts off until `until` on all of the member's devices: they come back then. `None` ends that before its time.
    ///
    /// # Errors
    /// When nobody is signed in, or `until` does not lie within the next thirty days.
    pub async fn snooze_alerts(
        &self,
        keys: &[AlertKey],
        until: Option<UtcMillis>,
    ) -> Result<AlertsView, ApiError> {
        let now = self.now();
        if until.is_some_and(|until| !(1..=LONGEST_SNOOZE_MS).contains(&until.since(now))) {
            return Err(ApiError::new(
                ErrorCode::Invalid,
                "an alert is put off until an instant within the next thirty days",
            ));
        }
        let write = |key: &AlertKey| match until {
            Some(until) => AlertWrite::Snooze { key: key.clone(), at: now, until },
            None => AlertWrite::Wake { key: key.clone(), at: now },
        };
        let value = until.map(|until| until.to_string()).unwrap_or_default();
        let ops = keys
            .iter()
            .map(|key| PersonalOp::SetPreference { name: snooze_preference(key), value: value.clone() });
        let extra = Batch { alerts: keys.iter().map(write).collect(), ..Batch::default() };
        self.say(ops.collect(), extra).await?;
        self.alerts().await
    }

    /// Everything that was raised up to now is read, on all of the member's devices.
    ///
    /// # Errors
    /// When nobody is signed in.
    pub async fn mark_alerts_read(&self) -> Result<(), ApiError> {
        let value = self.now().to_string();
        let meta = vec![(READ_FACT.to_owned(), Some(value.clone().into_bytes()))];
        let op = PersonalOp::SetPreference { name: ALERTS_READ_AT.to_owned(), value };
        self.say(vec![op], Batch { meta, ..Batch::default() }).await
    }

    /// Writes into the member's personal document, in one transaction with `extra`.
    async fn say(&self, ops: Vec<PersonalOp>, extra: Batch) -> Result<(), ApiError> {
        let session = self.require_session()?;
        match self.edit_ops(session.personal_doc, ops, Ops::Personal, extra.clone()).await {
            // Before the first sync there is no personal document; the device remembers all the same.
            Err(problem) if problem.code == ErrorCode::NotFound => {
                self.store().commit(&extra).await.map_err(error::store)?;
            }
            Err(problem) => return Err(problem),
            Ok(_) => {}
        }
        self.inner.deadlines_moved.send_modify(|count| *count += 1);
        self.emit_alerts().await
    }

    /// Tells how many alerts are open, and that the list may be another one.
    pub(crate) async fn emit_alerts(&self) -> Result<(), ApiError> {
        self.emit(DeskEvent::Alerts(self.open_alerts().await?));
        Ok(())
    }

    /// How many alerts are open, counted up to [`COUNTED`].
    pub(crate) async fn open_alerts(&self) -> Result<u32, ApiError> {
        self.store().alerts_open_len(self.now(), COUNTED).await.map_err(error::store)
    }

    /// The signed-in member as the settings know them.
    pub(crate) fn me(&self) -> Option<Member> {
        let session = self.signed_in()?;
        self.rules().workspace.as_ref()?.members.get(&session.member).cloned()
    }
}

/// What the member's personal document says of alerts, to be written down on this device.
pub(crate) fn heeded(personal: &Personal, now: UtcMillis) -> Vec<AlertWrite> {
    let mut writes = Vec::new();
    for (key, said) in personal.said() {
        match (said.acknowledged_at, said.reopened_at) {
            (Some(at), _) => writes.push(AlertWrite::Acknowledge { key: key.clone(), at }),
            (None, Some(at)) => writes.push(AlertWrite::Reopen { key: key.clone(), at }),
            (None, None) => {}
        }
        match said.snooze {
            Some(Snooze::Until(until)) if now.since(until) < STALE_SNOOZE_MS => {
                writes.push(AlertWrite::Snooze { key, at: now, until });
            }
            Some(Snooze::Ended) => writes.push(AlertWrite::Wake { key, at: now }),
            Some(Snooze::Until(_)) | None => {}
        }
    }
    writes
}

/// Whether a member must know: of what is for certain members, those; else managers of everything, agents of what is theirs, their team's or nobody's; everybody of
/// incidents.
fn concerns(me: &Member, due: &DueDeadline) -> bool {
    match (me.role, due.kind) {
        (Role::Requester, _) => false,
        _ if !due.members.is_empty() => due.members.contains(&me.id),
        (Role::Manager | Role::Admin, _) | (Role::Agent, DocKind::Incident) => true,
        (Role::Agent, _) => match (&due.assignee, &due.team) {
            (Some(assignee), _) => *assignee == me.id.to_string(),
            (None, Some(team)) => me.teams.contains(team),
            (None, None) => true,
        },
    }
}

#[cfg(test)]
mod tests {
    use desk_domain::ids::{MemberId, uuid_v7};

    use super::*;

    fn key() -> AlertKey {
        AlertKey {
            subject: DocId(uuid_v7(UtcMillis(5), [3; 10])),
            rule: AlertRule::ResolutionWarning,
            percent: 75,
            due_at: UtcMillis(-7),
        }
    }

    #[test]
    fn an_agent_is_told_of_what_is_theirs() {
        let id = MemberId(uuid_v7(UtcMillis(1), [1; 10]));
        let me = |role| Member {
            id,
            name: "A".into(),
            email: "a@x".into(),
            role,
            teams: ["field".to_owned()].into(),
            active: true,
        };
        let due = |assignee: Option<&str>, team: Option<&str>, kind| DueDeadline {
            key: key(),
            kind,
            metric: None,
            number: "TK-1".into(),
            title: "t".into(),
            assignee: assignee.map(Into::into),
            team: team.map(Into::into),
            members: Vec::new(),
            priority: None,
            severity: None,
        };
        let mine = id.to_string();
        let check =
            |role, due: &DueDeadline, expected| assert_eq!(concerns(&me(role), due), expected, "{due:?}");
        check(Role::Agent, &due(Some(&mine), None, DocKind::Ticket), true);
        check(Role::Agent, &due(Some("other"), Some("field"), DocKind::Ticket), false);
        check(Role::Agent, &due(None, Some("field"), DocKind::Ticket), true);
        check(Role::Agent, &due(None, Some("other"), DocKind::Ticket), false);
        check(Role::Agent, &due(None, None, DocKind::Ticket), true);
        check(Role::Agent, &due(None, None, DocKind::Incident), true);
        check(Role::Manager, &due(Some("other"), Some("other"), DocKind::Ticket), true);
        let page = |members| DueDeadline { members, ..due(None, None, DocKind::Incident) };
        check(Role::Agent, &page(vec![id]), true);
        check(Role::Admin, &page(vec![MemberId(uuid_v7(UtcMillis(1), [2; 10]))]), false);
        check(Role::Requester, &due(Some(&mine), None, DocKind::Ticket), false);
    }
}
