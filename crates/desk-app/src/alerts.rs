//! Alerts: raised from local data alone, once per device, and acknowledged everywhere when acknowledged anywhere.

use std::{sync::Arc, time::Duration};

use desk_api::{ApiError, ErrorCode, view::AlertsView};
use desk_domain::{
    alert::{Alert, AlertKey},
    edit::{Edit, Ops, PersonalOp},
    ids::DocKind,
    people::{Member, Role},
    time::UtcMillis,
};
use desk_store::{AlertWrite, Batch, DueDeadline};
use tokio::task::JoinHandle;

use crate::{
    Desk, DeskEvent, error,
    notice::{Notifier, notices},
};

/// How many acknowledged alerts the page shows.
const ACKNOWLEDGED_SHOWN: u32 = 100;
/// The longest sleep of the scheduler: a suspended laptop or a corrected clock is noticed after it.
const LONGEST_SLEEP: Duration = Duration::from_secs(20);

/// The running scheduler. Dropping it ends the task.
pub struct AlertScheduler {
    task: JoinHandle<()>,
}

impl Drop for AlertScheduler {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Desk {
    /// Raises alerts when they fall due, for as long as what comes back is kept.
    pub fn start_alerts(&self, notifier: Arc<dyn Notifier>) -> AlertScheduler {
        let desk = self.clone();
        let mut moved = self.inner.deadlines_moved.subscribe();
        let task = tokio::spawn(async move {
            loop {
                moved.mark_unchanged();
                let pause = match desk.raise_due(notifier.as_ref()).await {
                    Ok(next) => next.map_or(LONGEST_SLEEP, |at| {
                        Duration::from_millis(u64::try_from(at.since(desk.now())).unwrap_or(0))
                            .min(LONGEST_SLEEP)
                    }),
                    Err(problem) => {
                        tracing::warn!(code = ?problem.code, "alerts: {problem}");
                        LONGEST_SLEEP
                    }
                };
                tokio::select! {
                    () = tokio::time::sleep(pause) => {}
                    changed = moved.changed() => if changed.is_err() { return },
                }
            }
        });
        AlertScheduler { task }
    }

    /// Raises what is due and shows it; says when the next alert falls due. Each is written down as raised, then as shown,
    /// and only then shown: no banner ever comes twice. One that a crash kept from being written down as shown comes at
    /// the next start; a crash in the instant after that leaves it to the list of alerts.
    async fn raise_due(&self, notifier: &dyn Notifier) -> Result<Option<UtcMillis>, ApiError> {
        let now = self.now();
        if self.read_only().is_some() || !self.alerts_settled().await? {
            return Ok(None);
        }
        let due = self.store().deadlines_until(now).await.map_err(error::store)?;
        if !due.is_empty() {
            let me = self.me();
            let alerts = due
                .into_iter()
                .map(|due| AlertWrite {
                    silent: !me.as_ref().is_some_and(|me| concerns(me, &due)),
                    key: due.key,
                    raised_at: now,
                    notified_at: None,
                    acknowledged_at: None,
                })
                .collect();
            self.store().commit(&Batch { alerts, ..Batch::default() }).await.map_err(error::store)?;
            self.emit_alerts().await?;
        }
        let unshown = self.store().alerts_to_notify().await.map_err(error::store)?;
        if !unshown.is_empty() {
            let alerts = unshown.iter().map(|alert| shown(alert, now)).collect();
            self.store().commit(&Batch { alerts, ..Batch::default() }).await.map_err(error::store)?;
            for notice in notices(&unshown) {
                notifier.show(notice);
            }
        }
        self.store().next_deadline_after(now).await.map_err(error::store)
    }

    /// Once a new device has everything for the first time, what fell due before that is listed without a banner each: the
    /// member does not want a thousand banners on the first day. Later calls do nothing.
    pub(crate) async fn settle_alerts(&self) -> Result<(), ApiError> {
        if self.alerts_settled().await? {
            return Ok(());
        }
        let now = self.now();
        let due = self.store().deadlines_until(now).await.map_err(error::store)?;
        let me = self.me();
        let alerts = due
            .into_iter()
            .map(|due| AlertWrite {
                silent: !me.as_ref().is_some_and(|me| concerns(me, &due)),
                key: due.key,
                raised_at: now,
                notified_at: Some(now),
                acknowledged_at: None,
            })
            .collect();
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

    /// What a person must know.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn alerts(&self) -> Result<AlertsView, ApiError> {
        Ok(AlertsView {
            open: self.store().alerts_open().await.map_err(error::store)?,
            acknowledged: self.store().alerts_acknowledged(ACKNOWLEDGED_SHOWN).await.map_err(error::store)?,
        })
    }

    /// What a person must know by an instant: the open alerts and what will have fallen due, without raising anything.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn alerts_by(&self, at: UtcMillis) -> Result<Vec<Alert>, ApiError> {
        let mut alerts = self.store().alerts_open().await.map_err(error::store)?;
        alerts.retain(|alert| alert.key.due_at <= at);
        let me = self.me();
        let due = self.store().deadlines_until(at).await.map_err(error::store)?;
        alerts.extend(due.into_iter().filter(|due| me.as_ref().is_some_and(|me| concerns(me, due))).map(
            |due| Alert {
                key: due.key,
                kind: due.kind,
                number: due.number,
                title: due.title,
                raised_at: None,
                acknowledged_at: None,
            },
        ));
        alerts.sort_by_key(|alert| (alert.key.due_at, alert.key.subject, alert.key.rule));
        Ok(alerts)
    }

    /// Acknowledges alerts on all of the member's devices.
    ///
    /// # Errors
    /// When a key is none, or nobody is signed in.
    pub async fn acknowledge_alerts(&self, keys: &[String]) -> Result<AlertsView, ApiError> {
        let session = self.require_session()?;
        let now = self.now();
        let mut writes = Vec::with_capacity(keys.len());
        for text in keys {
            let key = parse_key(text)
                .ok_or_else(|| ApiError::new(ErrorCode::BadRequest, format!("{text:?} names no alert")))?;
            writes.push(AlertWrite {
                key,
                raised_at: now,
                notified_at: None,
                acknowledged_at: Some(now),
                silent: false,
            });
        }
        let extra = Batch { alerts: writes, ..Batch::default() };
        let ops = keys.iter().map(|key| PersonalOp::Acknowledge { alert: key.clone() }).collect();
        let edit = Edit { doc: session.personal_doc, ops: Ops::Personal(self.stamped(&session, ops)) };
        match self.edit_with(edit, extra.clone()).await {
            // Before the first sync there is no personal document; the device remembers all the same.
            Err(problem) if problem.code == ErrorCode::NotFound => {
                self.store().commit(&extra).await.map_err(error::store)?;
            }
            Err(problem) => return Err(problem),
            Ok(_) => {}
        }
        self.emit_alerts().await?;
        self.alerts().await
    }

    async fn emit_alerts(&self) -> Result<(), ApiError> {
        let open = self.store().alerts_open_len().await.map_err(error::store)?;
        self.emit(DeskEvent::Alerts(open));
        Ok(())
    }

    /// The signed-in member as the settings know them.
    pub(crate) fn me(&self) -> Option<Member> {
        let session = self.signed_in()?;
        self.rules().workspace.as_ref()?.members.get(&session.member).cloned()
    }
}

fn shown(alert: &Alert, now: UtcMillis) -> AlertWrite {
    AlertWrite {
        key: alert.key.clone(),
        raised_at: alert.raised_at.unwrap_or(now),
        notified_at: Some(now),
        acknowledged_at: None,
        silent: false,
    }
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

/// An alert's key from its text (`AlertKey`'s `Display`).
pub(crate) fn parse_key(text: &str) -> Option<AlertKey> {
    let mut parts = text.split('/');
    let key = AlertKey {
        subject: parts.next()?.parse().ok()?,
        rule: parts.next()?.parse().ok()?,
        percent: parts.next()?.parse().ok()?,
        due_at: UtcMillis(parts.next()?.parse().ok()?),
    };
    parts.next().is_none().then_some(key)
}

#[cfg(test)]
mod tests {
    use desk_domain::{
        alert::AlertRule,
        ids::{DocId, MemberId, uuid_v7},
    };

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
    fn a_key_is_read_as_it_is_written() {
        assert_eq!(parse_key(&key().to_string()), Some(key()));
        for wrong in ["", "x", "a/b/c/d", &format!("{}/", key()), &key().to_string()[1..]] {
            assert_eq!(parse_key(wrong), None, "{wrong}");
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
