//! Incidents.

use std::collections::BTreeSet;

use desk_api::{
    ApiError, ErrorCode,
    view::{EscalationView, IncidentRow, IncidentView, NextStep, SentPage},
};
use desk_domain::{
    edit::{IncidentOp, Ops},
    escalation::{self, Step},
    ids::{DocId, DocKind, normalize_number},
    incident::{Incident, IncidentStatus, Severity},
    state::State,
    time::UtcMillis,
    workspace::Workspace,
};
use desk_store::Batch;

use crate::{Desk, edit::wrong_kind, error};

impl Desk {
    /// The incidents: running ones first, then the newest.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn list_incidents(&self) -> Result<Vec<IncidentRow>, ApiError> {
        self.store().list_incidents().await.map_err(error::store)
    }

    /// An incident, whole; `None` when this device has none of that id.
    ///
    /// # Errors
    /// When it is damaged or written by a newer version.
    pub async fn incident(&self, id: DocId) -> Result<Option<IncidentView>, ApiError> {
        match self.shown(id).await? {
            Some(State::Incident(incident)) => self.incident_view(*incident).await.map(Some),
            Some(_) => Err(wrong_kind(DocKind::Incident)),
            None => Ok(None),
        }
    }

    /// The incident that a person means: its number as they type it, or its id.
    ///
    /// # Errors
    /// When there is none.
    pub async fn find_incident(&self, text: &str) -> Result<DocId, ApiError> {
        if let Ok(id) = text.trim().parse::<DocId>() {
            return Ok(id);
        }
        let found = match normalize_number(text, "INC") {
            Some(number) => self.store().incident_by_number(&number).await.map_err(error::store)?,
            None => Vec::new(),
        };
        found.first().copied().ok_or_else(|| {
            ApiError::new(
                ErrorCode::NotFound,
                format!("there is no incident {text:?} here; see `desk incident list`"),
            )
        })
    }

    /// Declares an incident.
    ///
    /// # Errors
    /// When a value breaks a rule.
    pub async fn create_incident(
        &self,
        title: String,
        summary: String,
        severity: Severity,
        services: BTreeSet<String>,
        impact_at: Option<UtcMillis>,
    ) -> Result<IncidentView, ApiError> {
        let extra = Batch { drop_drafts: vec!["new-incident".to_owned()], ..Batch::default() };
        let ops = vec![IncidentOp::Create { title, summary, severity, services, impact_at }];
        self.incident_written(self.edit_ops(self.fresh_doc(), ops, Ops::Incident, extra).await?).await
    }

    /// Edits an incident: all steps in one change.
    ///
    /// # Errors
    /// When a step breaks a rule; none is made then.
    pub async fn edit_incident(&self, id: DocId, ops: Vec<IncidentOp>) -> Result<IncidentView, ApiError> {
        self.incident_written(self.edit_ops(id, ops, Ops::Incident, Batch::default()).await?).await
    }

    async fn incident_view(&self, incident: Incident) -> Result<IncidentView, ApiError> {
        let rules = self.rules();
        let ids: Vec<DocId> = incident.tickets.iter().copied().collect();
        let tickets = self.store().ticket_rows(&ids).await.map_err(error::store)?;
        let moves = IncidentStatus::ALL
            .iter()
            .filter(|to| **to != incident.status && incident.status.may_become(**to))
            .copied()
            .collect();
        Ok(IncidentView {
            number: incident.number(),
            moves,
            escalation: escalation_view(&incident, rules.workspace.as_ref(), self.now()),
            tickets,
            read_only: self.place().read_only.is_some() || incident.schema > desk_docs::SCHEMA,
            incident,
        })
    }

    async fn incident_written(&self, state: State) -> Result<IncidentView, ApiError> {
        match state {
            State::Incident(incident) => self.incident_view(*incident).await,
            State::Ticket(_) | State::Article(_) | State::Workspace(_) | State::Personal(_) => {
                Err(wrong_kind(DocKind::Incident))
            }
        }
    }
}

/// How an incident's escalation stands and goes on, as far as this device knows; `None` where there is none and will be none.
pub(crate) fn escalation_view(
    incident: &Incident,
    workspace: Option<&Workspace>,
    now: UtcMillis,
) -> Option<EscalationView> {
    let due = workspace.and_then(|workspace| escalation::next(incident, workspace, now));
    let next = due.map(|due| NextStep { at: due.at, step: due.step });
    if let Some(standing) = escalation::escalation(incident) {
        return Some(EscalationView {
            started_at: Some(standing.started_at),
            policy: standing.policy.clone(),
            pages: standing.pages.into_iter().map(|(at, page)| SentPage { at, page }).collect(),
            hold: standing.hold,
            ended: standing.ended,
            next,
        });
    }
    let Some(NextStep { step: Step::Start { policy }, .. }) = &next else { return None };
    let policy = (**policy).clone();
    Some(EscalationView { started_at: None, policy, pages: Vec::new(), hold: None, ended: None, next })
}
