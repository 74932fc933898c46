//! `desk incident …`

use std::process::ExitCode;

use desk_api::{ApiError, ErrorCode, view::IncidentView};
use desk_app::Desk;
use desk_domain::{
    edit::IncidentOp,
    incident::{IncidentStatus, Milestone},
};

use super::{text_or_stdin, ticket, workspace};
use crate::{
    args::Incident,
    assignment::IncidentAssignment,
    output::Output,
    people,
    shape::{IncidentLine, IncidentWhole, Names},
    text,
};

pub(super) async fn run(desk: &Desk, command: Incident, output: Output) -> Result<ExitCode, ApiError> {
    match command {
        Incident::List => {
            let lines: Vec<IncidentLine> =
                desk.list_incidents().await?.into_iter().map(IncidentLine::from).collect();
            output.result(&lines, || {
                if lines.is_empty() {
                    return "no incidents".to_owned();
                }
                let row = |line: &IncidentLine| {
                    vec![
                        line.number.clone(),
                        line.severity.to_string(),
                        line.status.to_string(),
                        line.created_at.to_string(),
                        text::instant(line.escalates_at),
                        text::short(&line.title, 80),
                    ]
                };
                text::table(
                    &["number", "severity", "status", "declared", "escalates", "title"],
                    &lines.iter().map(row).collect::<Vec<_>>(),
                )
            })?;
            Ok(ExitCode::SUCCESS)
        }
        Incident::Show { number } => print(desk, find(desk, &number).await?, output),
        Incident::New { title, severity, summary, services, impact_at } => {
            workspace(desk)?;
            let services = services.into_iter().collect();
            let summary = text_or_stdin(summary)?;
            print(desk, desk.create_incident(title, summary, severity, services, impact_at).await?, output)
        }
        Incident::Set { number, assignments } => {
            let id = find(desk, &number).await?.incident.id;
            let mut ops = Vec::with_capacity(assignments.len());
            for assignment in assignments {
                ops.push(op_of(desk, assignment).await?);
            }
            print(desk, desk.edit_incident(id, ops).await?, output)
        }
        Incident::Note { number, text } => {
            let id = find(desk, &number).await?.incident.id;
            let op = IncidentOp::AddNote { text: text_or_stdin(text)? };
            print(desk, desk.edit_incident(id, vec![op]).await?, output)
        }
        Incident::Ack { number } => {
            let view = find(desk, &number).await?;
            let incident = &view.incident;
            if incident.milestones.contains_key(&Milestone::Acknowledged) {
                return print(desk, view, output);
            }
            // The first move off `open` acknowledges; one that has moved on already gets the instant alone.
            let op = if incident.status == IncidentStatus::Open {
                IncidentOp::SetStatus { status: IncidentStatus::Investigating }
            } else {
                IncidentOp::SetMilestone { milestone: Milestone::Acknowledged, reached_at: desk.now() }
            };
            print(desk, desk.edit_incident(incident.id, vec![op]).await?, output)
        }
    }
}

/// The incident that a person means: its number or id.
async fn find(desk: &Desk, number: &str) -> Result<IncidentView, ApiError> {
    let id = desk.find_incident(number).await?;
    desk.incident(id).await?.ok_or_else(|| {
        ApiError::new(
            ErrorCode::NotFound,
            format!("there is no incident {number:?} here; see `desk incident list`, or sync first"),
        )
    })
}

fn print(desk: &Desk, view: IncidentView, output: Output) -> Result<ExitCode, ApiError> {
    let settings = desk.workspace();
    let escalates_at = view.escalates_at();
    let whole = IncidentWhole::new(view.incident, escalates_at, Names(settings.as_ref()));
    output.result(&whole, || text::incident(&whole))?;
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn op_of(desk: &Desk, assignment: IncidentAssignment) -> Result<IncidentOp, ApiError> {
    Ok(match assignment {
        IncidentAssignment::Title(title) => IncidentOp::SetTitle { title },
        IncidentAssignment::Summary(summary) => IncidentOp::SetSummary { summary },
        IncidentAssignment::Severity(severity) => IncidentOp::SetSeverity { severity },
        IncidentAssignment::Status(status) => IncidentOp::SetStatus { status },
        IncidentAssignment::Service { service, on } => IncidentOp::SetService { service, on },
        IncidentAssignment::Ticket { ticket, on } => {
            IncidentOp::LinkTicket { ticket: ticket::find(desk, &ticket).await?.ticket.id, on }
        }
        IncidentAssignment::Role { role, member: None } => IncidentOp::SetRole { role, member: None },
        IncidentAssignment::Role { role, member: Some(named) } => {
            let settings = workspace(desk)?;
            let member = people::member(&settings, &named).map_err(|problem| problem.at(role.as_str()))?;
            IncidentOp::SetRole { role, member: Some(member.id.to_string()) }
        }
        IncidentAssignment::Milestone { milestone, reached_at } => {
            IncidentOp::SetMilestone { milestone, reached_at }
        }
    })
}
