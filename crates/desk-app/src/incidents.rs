//! Incidents.

use std::collections::BTreeMap;

use desk_api::{
    ApiError, ErrorCode,
    call::CreateIncident,
    view::{Customer, EscalationView, IncidentRow, IncidentView, Language, NextStep, SentPage, TicketRow},
};
use desk_domain::{
    edit::{IncidentOp, Ops},
    escalation::{self, Step},
    ids::{DocId, DocKind, normalize_number},
    incident::{
        Incident, IncidentStatus,
        metrics::{self, Period, Report},
        postmortem::{self, TemplateLanguage},
    },
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

    /// Declares an incident, with the tickets that it explains.
    ///
    /// # Errors
    /// When a value breaks a rule, or a ticket is not here.
    pub async fn create_incident(&self, new: CreateIncident) -> Result<IncidentView, ApiError> {
        let CreateIncident { title, summary, severity, services, impact_at, tickets } = new;
        if self.store().ticket_rows(&tickets).await.map_err(error::store)?.len() < tickets.len() {
            let message = "a ticket that was to be linked is not here; sync first, or declare without it";
            return Err(ApiError::new(ErrorCode::NotFound, message).at("tickets"));
        }
        let extra = Batch { drop_drafts: vec!["new-incident".to_owned()], ..Batch::default() };
        let mut ops = vec![IncidentOp::Create { title, summary, severity, services, impact_at }];
        ops.extend(tickets.into_iter().map(|ticket| IncidentOp::LinkTicket { ticket, on: true }));
        self.incident_written(self.edit_ops(self.fresh_doc(), ops, Ops::Incident, extra).await?).await
    }

    /// Fills an empty post-mortem with the template in the member's language; one that is not empty stays as it is.
    ///
    /// # Errors
    /// When there is no such incident, or it may not be edited here.
    pub async fn start_postmortem(&self, id: DocId) -> Result<IncidentView, ApiError> {
        let language = match self.settings().await?.language {
            Language::Ru => TemplateLanguage::Ru,
            Language::En => TemplateLanguage::En,
        };
        let Some(view) = self.incident(id).await? else { return Err(wrong_kind(DocKind::Incident)) };
        if !view.incident.postmortem.trim().is_empty() {
            return Ok(view);
        }
        let (base, body) = (Some(view.incident.postmortem), postmortem::template(language).to_owned());
        self.edit_incident(id, vec![IncidentOp::EditPostmortem { base, body }]).await
    }

    /// The response times of the incidents that were declared in a period; of those of one service where one is named.
    ///
    /// # Errors
    /// When the period is empty, or the store does not answer.
    pub async fn measure_incidents(
        &self,
        period: Period,
        service: Option<String>,
    ) -> Result<Report, ApiError> {
        if period.to <= period.from {
            let message = "the period ends before it begins; give an earlier beginning or a later end";
            return Err(ApiError::new(ErrorCode::Invalid, message).at("period"));
        }
        let facts = self.store().incident_facts(period).await.map_err(error::store)?;
        Ok(metrics::report(&facts, period, service.as_deref()))
    }

    /// Edits an incident: all steps in one change.
    ///
    /// # Errors
    /// When a step breaks a rule; none is made then.
    pub async fn edit_incident(&self, id: DocId, ops: Vec<IncidentOp>) -> Result<IncidentView, ApiError> {
        self.edit_incident_at(id, ops, self.now()).await
    }

    /// Edits an incident with steps that bear the instant `at`.
    pub(crate) async fn edit_incident_at(
        &self,
        id: DocId,
        ops: Vec<IncidentOp>,
        at: UtcMillis,
    ) -> Result<IncidentView, ApiError> {
        let edit = self.stamped(at, id, ops, Ops::Incident)?;
        self.incident_written(self.edit_with(edit, Batch::default()).await?).await
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
            customers: customers(&tickets),
            tickets,
            proposal: incident.proposal(),
            action_items: postmortem::action_items(&incident.postmortem),
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

/// Who asked in these tickets, the most tickets first.
fn customers(tickets: &[TicketRow]) -> Vec<Customer> {
    let mut counted: BTreeMap<Option<&str>, u32> = BTreeMap::new();
    for row in tickets {
        *counted.entry(row.requester.as_deref()).or_default() += 1;
    }
    let named = |(requester, tickets): (Option<&str>, u32)| Customer {
        requester: requester.map(str::to_owned),
        tickets,
    };
    let mut customers: Vec<Customer> = counted.into_iter().map(named).collect();
    customers.sort_by(|a, b| b.tickets.cmp(&a.tickets).then_with(|| a.requester.cmp(&b.requester)));
    customers
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
