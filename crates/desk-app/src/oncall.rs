//! Who is on call, who takes an incident, and the settings that say so.

use desk_api::{
    ApiError, ErrorCode,
    view::{IncidentView, OnCallView, PolicyView, ScheduleView},
};
use desk_domain::{
    edit::{IncidentOp, Ops, Section, WorkspaceOp},
    escalation::{self, Hold, Policy, Schedule, Source},
    ids::{DocId, MemberId},
    incident::IncidentStatus,
    people::Role,
    time::UtcMillis,
    workspace::Workspace,
};
use desk_store::Batch;

use crate::{Desk, error};

/// The longest key of a setting.
const KEY_MAX_CHARS: usize = 64;

impl Desk {
    /// Takes an incident: its escalation halts, for good or until an instant. For good, a response that has not begun begins.
    ///
    /// # Errors
    /// When the instant is past or more than seven days ahead, or the incident is over or not here.
    pub async fn acknowledge_incident(
        &self,
        id: DocId,
        until: Option<UtcMillis>,
    ) -> Result<IncidentView, ApiError> {
        self.take_incident(id, until, self.now()).await
    }

    /// Takes an incident at the instant `now`, which its timeline then tells.
    pub(crate) async fn take_incident(
        &self,
        id: DocId,
        until: Option<UtcMillis>,
        now: UtcMillis,
    ) -> Result<IncidentView, ApiError> {
        if let Some(until) = until
            && !(1..=escalation::run::LONGEST_MS).contains(&until.since(now))
        {
            return Err(ApiError::new(
                ErrorCode::Invalid,
                format!("{until} is no end for an acknowledgement: choose one within the next seven days"),
            )
            .at("until"));
        }
        let view = self.incident(id).await?.ok_or_else(|| {
            ApiError::new(ErrorCode::NotFound, "the incident is not here; sync, or see `desk incident list`")
        })?;
        if view.incident.status.is_done() {
            return Err(ApiError::new(
                ErrorCode::Invalid,
                format!("{} is over: there is nothing to acknowledge; reopen it if it goes on", view.number),
            ));
        }
        let held_for_good = escalation::held(&view.incident).is_some_and(|hold| hold.until.is_none());
        if until.is_none() && held_for_good {
            return Ok(view);
        }
        let mut ops = vec![IncidentOp::Acknowledge { until }];
        if until.is_none() && view.incident.status == IncidentStatus::Open {
            ops.push(IncidentOp::SetStatus { status: IncidentStatus::Investigating });
        }
        self.edit_incident_at(id, ops, now).await
    }

    /// Lets an incident go that the member took for good at the instant `taken_at`: its escalation goes on as after an
    /// acknowledgement that ran out. One that is over, or that is held otherwise by now, stays as it is. That the response was
    /// moved on, and when it first was, stays told.
    pub(crate) async fn release_incident(&self, id: DocId, taken_at: UtcMillis) -> Result<(), ApiError> {
        let me = self.require_session()?.member.to_string();
        let Some(view) = self.incident(id).await? else { return Ok(()) };
        let is_mine = |hold: &Hold| hold.by == me && hold.at == taken_at && hold.until.is_none();
        if view.incident.status.is_done() || !escalation::held(&view.incident).as_ref().is_some_and(is_mine) {
            return Ok(());
        }
        // Later than what it takes back, also where the clock was set back meanwhile.
        let now = self.now().max(taken_at.plus_ms(1));
        let until = Some(now.plus_ms(escalation::RELEASE_MS));
        self.edit_incident_at(id, vec![IncidentOp::Acknowledge { until }], now).await.map(drop)
    }

    /// Schedules with who is on call now and in a period (of at most 400 days), and the escalation policies, each
    /// with what is wrong with it; as far as this device knows.
    ///
    /// # Errors
    /// When there are no settings yet, or the period ends before it begins.
    pub fn on_call(&self, from: UtcMillis, until: UtcMillis) -> Result<OnCallView, ApiError> {
        if until <= from {
            return Err(ApiError::new(ErrorCode::Invalid, "the period ends before it begins").at("until"));
        }
        let workspace = self.settings_here()?;
        let now = self.now();
        let schedules = workspace.schedules.iter().map(|(key, schedule)| {
            let compiled = schedule.compile();
            let (member, source) = compiled.as_ref().map_or((None, Source::Gap), |compiled| compiled.at(now));
            ScheduleView {
                key: key.clone(),
                member,
                source,
                stretches: compiled.as_ref().map(|it| it.stretches(from, until)).unwrap_or_default(),
                problem: compiled
                    .err()
                    .map(|error| error.to_string())
                    .or_else(|| strangers(schedule, &workspace)),
                schedule: schedule.clone(),
            }
        });
        let policies = workspace.escalations.iter().map(|(key, policy)| PolicyView {
            key: key.clone(),
            problem: policy.check_among(&workspace).err().map(|error| error.to_string()),
            policy: policy.clone(),
        });
        Ok(OnCallView {
            at: now,
            may_edit: self.me().is_some_and(|me| me.role >= Role::Manager) && self.read_only().is_none(),
            schedules: schedules.collect(),
            policies: policies.collect(),
        })
    }

    /// Who is on call by a schedule at an instant, with by what; the schedule is named by its key or name.
    ///
    /// # Errors
    /// When there is no such schedule, or it cannot be used.
    pub fn on_call_at(&self, schedule: &str, at: UtcMillis) -> Result<(Option<MemberId>, Source), ApiError> {
        let workspace = self.settings_here()?;
        let named = |(key, found): &(&String, &Schedule)| *key == schedule || found.name == schedule;
        let (_, found) = workspace.schedules.iter().find(named).ok_or_else(|| {
            ApiError::new(
                ErrorCode::NotFound,
                format!("there is no on-call schedule {schedule:?}; see `desk oncall`"),
            )
        })?;
        let compiled =
            found.compile().map_err(|error| ApiError::new(ErrorCode::Invalid, error.to_string()))?;
        Ok(compiled.at(at))
    }

    /// Writes an on-call schedule; `None` retires it.
    ///
    /// # Errors
    /// When it cannot be used, names who is no active member, or the member may not write it.
    pub async fn save_schedule(&self, key: &str, schedule: Option<&Schedule>) -> Result<(), ApiError> {
        if let Some(schedule) = schedule {
            let workspace = self.settings_here()?;
            schedule.check().map_err(|error| refused(error.to_string()))?;
            if let Some(problem) = strangers(schedule, &workspace) {
                return Err(refused(problem));
            }
        }
        self.save_setting(Section::Schedules, key, schedule).await
    }

    /// Writes an escalation policy; `None` retires it. What escalates already goes on by the policy that it began with.
    ///
    /// # Errors
    /// When it cannot be used, names what is not there, or the member may not write it.
    pub async fn save_policy(&self, key: &str, policy: Option<&Policy>) -> Result<(), ApiError> {
        if let Some(policy) = policy {
            policy.check_among(&self.settings_here()?).map_err(|error| refused(error.to_string()))?;
        }
        self.save_setting(Section::Escalations, key, policy).await
    }

    /// Writes an entry of the settings; `None` retires it.
    pub(crate) async fn save_setting<T: serde::Serialize>(
        &self,
        section: Section,
        key: &str,
        value: Option<&T>,
    ) -> Result<(), ApiError> {
        self.change_settings(vec![setting(section, key, value)?]).await
    }

    /// Changes entries of the settings, all in one change.
    pub(crate) async fn change_settings(&self, ops: Vec<WorkspaceOp>) -> Result<(), ApiError> {
        let doc = self.require_session()?.workspace_doc;
        self.edit_ops(doc, ops, Ops::Workspace, Batch::default()).await.map(drop)
    }

    pub(crate) fn settings_here(&self) -> Result<Workspace, ApiError> {
        self.workspace().ok_or_else(|| {
            ApiError::new(
                ErrorCode::NotFound,
                "the workspace's settings are not here yet; they come with the first sync",
            )
        })
    }
}

/// The step that writes an entry of the settings; `None` retires it.
pub(crate) fn setting<T: serde::Serialize>(
    section: Section,
    key: &str,
    value: Option<&T>,
) -> Result<WorkspaceOp, ApiError> {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    if key.is_empty() || key.chars().count() > KEY_MAX_CHARS || !key.chars().all(plain) {
        return Err(ApiError::new(
            ErrorCode::Invalid,
            format!("{key:?} is no short name: use up to {KEY_MAX_CHARS} letters, digits and hyphens"),
        )
        .at("key"));
    }
    let value = value.map(serde_json::to_string).transpose().map_err(error::internal)?;
    Ok(WorkspaceOp::Set { section, key: key.to_owned(), value })
}

fn refused(problem: String) -> ApiError {
    ApiError::new(ErrorCode::Invalid, problem)
}

/// A schedule names somebody who is no active member.
fn strangers(schedule: &Schedule, workspace: &Workspace) -> Option<String> {
    let layers =
        schedule.layers.iter().flat_map(|layer| layer.members.iter().map(|id| (layer.name.as_str(), id)));
    let gone = |id: &MemberId| workspace.members.get(id).is_none_or(|member| !member.active);
    layers
        .filter(|(_, id)| gone(id))
        .map(|(layer, id)| {
            let name = workspace.members.get(id).map_or_else(|| id.to_string(), |member| member.name.clone());
            format!("the rotation {layer:?} names {name}, who is no active member; take them off")
        })
        .next()
}
