//! Lines of the incident list.

use desk_domain::{
    ids::incident_number,
    incident::proposal::ProposalState,
    projection::{IncidentLine, Row},
};

use super::Placed;
use crate::{
    StoreError,
    bulk::{Insert, Script},
    codes,
};

pub(super) async fn write(script: &mut Script<'_>, placed: &[Placed<'_>]) -> Result<(), StoreError> {
    const INCIDENTS: Insert = Insert {
        head: "INSERT INTO incidents (doc, id, number, title, severity, status, is_over, created_at, updated_at, \
               escalates_at, deleted, proposal, services, milestones) VALUES",
        columns: 14,
        tail: "ON CONFLICT (doc) DO UPDATE SET title = excluded.title, severity = excluded.severity, \
               status = excluded.status, is_over = excluded.is_over, created_at = excluded.created_at, \
               updated_at = excluded.updated_at, escalates_at = excluded.escalates_at, deleted = excluded.deleted, \
               proposal = excluded.proposal, services = excluded.services, milestones = excluded.milestones",
    };
    let lines: Vec<(&Placed<'_>, &IncidentLine)> = placed
        .iter()
        .filter_map(|placed| match placed.row() {
            Some(Row::Incident(incident)) => Some((placed, &**incident)),
            _ => None,
        })
        .collect();
    INCIDENTS
        .add(script, &lines, |values, (placed, incident)| {
            values
                .bind(placed.doc)
                .bind(codes::id_bytes(placed.write.id))
                .bind(incident_number(placed.write.id))
                .bind(incident.title.as_str())
                .bind(incident.severity.as_str())
                .bind(incident.status.as_str())
                .bind(incident.is_over())
                .bind(incident.created_at.0)
                .bind(incident.updated_at.0)
                .bind(incident.escalates_at.map(|at| at.0))
                .bind(incident.deleted)
                .bind(incident.proposal.map(ProposalState::as_str))
                .bind(codes::services_json(&incident.services))
                .bind(codes::milestones_json(&incident.milestones))
        })
        .await
}
