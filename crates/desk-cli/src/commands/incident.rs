//! `desk incident …`

use std::process::ExitCode;

use desk_api::{ApiError, ErrorCode, call::CreateIncident, view::IncidentView};
use desk_app::Desk;
use desk_domain::{
    edit::IncidentOp,
    incident::{metrics::Period, postmortem::toggled, proposal::ProposalState},
    ticket::Visibility,
    time::UtcMillis,
};

use super::{text_or_stdin, ticket, workspace};
use crate::{
    args::Incident,
    assignment::IncidentAssignment,
    output::Output,
    people,
    shape::{IncidentLine, IncidentWhole, Names, PostmortemShape},
    text,
};

pub(super) async fn run(desk: &Desk, command: Incident, output: Output) -> Result<ExitCode, ApiError> {
    match command {
        Incident::List => list(desk, output).await,
        Incident::Show { number } => print(desk, find(desk, &number).await?, output),
        Incident::New { title, severity, summary, services, impact_at } => {
            workspace(desk)?;
            let services = services.into_iter().collect();
            let (summary, tickets) = (text_or_stdin(summary)?, Vec::new());
            let new = CreateIncident { title, summary, severity, services, impact_at, tickets };
            print(desk, desk.create_incident(new).await?, output)
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
        Incident::FromTicket { ticket, severity, title, summary, services, impact_at } => {
            workspace(desk)?;
            let found = ticket::find(desk, &ticket).await?.ticket;
            let new = CreateIncident {
                title: title.unwrap_or(found.title),
                summary: summary.map(text_or_stdin).transpose()?.unwrap_or(found.description),
                severity,
                services: services.into_iter().collect(),
                impact_at: Some(impact_at.unwrap_or(found.created_at)),
                tickets: vec![found.id],
            };
            print(desk, desk.create_incident(new).await?, output)
        }
        Incident::Link { number, tickets, off } => {
            let id = find(desk, &number).await?.incident.id;
            let mut ops = Vec::with_capacity(tickets.len());
            for named in tickets {
                let ticket = ticket::find(desk, &named).await?.ticket.id;
                ops.push(IncidentOp::LinkTicket { ticket, on: !off });
            }
            print(desk, desk.edit_incident(id, ops).await?, output)
        }
        Incident::Update { number, text, public } => {
            let id = find(desk, &number).await?.incident.id;
            let visibility = if public { Visibility::Public } else { Visibility::Internal };
            let op = IncidentOp::AddUpdate { visibility, text: text_or_stdin(text)? };
            print(desk, desk.edit_incident(id, vec![op]).await?, output)
        }
        Incident::Confirm { number } => decide(desk, &number, IncidentOp::Confirm, output).await,
        Incident::Dismiss { number, reason } => {
            decide(desk, &number, IncidentOp::Dismiss { text: reason }, output).await
        }
        Incident::Metrics { from, to, service } => metrics(desk, from, to, service, output).await,
        Incident::Postmortem { number, template, text, done, undone } => {
            let view = find(desk, &number).await?;
            let view = match (template, text, done.map(|n| (n, true)).or(undone.map(|n| (n, false)))) {
                (true, ..) => desk.start_postmortem(view.incident.id).await?,
                (false, Some(text), _) => {
                    Box::pin(postmortem(desk, view, |_, _| text_or_stdin(text))).await?
                }
                (false, None, Some((n, done))) => {
                    Box::pin(postmortem(desk, view, |view, now| tick(view, now, n, done))).await?
                }
                (false, None, None) => view,
            };
            let shown = PostmortemShape {
                number: view.number,
                postmortem: view.incident.postmortem,
                action_items: view.action_items,
            };
            output.result(&shown, || text::postmortem(&shown))?;
            Ok(ExitCode::SUCCESS)
        }
        Incident::Ack { number, length } => {
            let id = find(desk, &number).await?.incident.id;
            let ms = |length: jiff::SignedDuration| i64::try_from(length.as_millis()).unwrap_or(i64::MAX);
            let until = length.map(|length| desk.now().plus_ms(ms(length)));
            print(desk, desk.acknowledge_incident(id, until).await?, output)
        }
    }
}

/// Lists them: proposals that wait first, then running ones, then the newest.
async fn list(desk: &Desk, output: Output) -> Result<ExitCode, ApiError> {
    let lines: Vec<IncidentLine> = desk.list_incidents().await?.into_iter().map(IncidentLine::from).collect();
    output.result(&lines, || {
        if lines.is_empty() {
            return "no incidents".to_owned();
        }
        let row = |line: &IncidentLine| {
            vec![
                line.number.clone(),
                line.severity.to_string(),
                text::standing(line),
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

/// Response times of a period.
async fn metrics(
    desk: &Desk,
    from: Option<UtcMillis>,
    to: Option<UtcMillis>,
    service: Option<String>,
    output: Output,
) -> Result<ExitCode, ApiError> {
    workspace(desk)?;
    let to = to.unwrap_or_else(|| desk.now());
    let period = Period { from: from.unwrap_or_else(|| to.plus_ms(-MONTH_MS)), to };
    let report = desk.measure_incidents(period, service).await?;
    output.result(&report, || text::response_times(&report))?;
    Ok(ExitCode::SUCCESS)
}

/// Thirty days.
const MONTH_MS: i64 = 30 * 24 * 3_600_000;

/// Confirms or dismisses a proposal.
async fn decide(desk: &Desk, number: &str, op: IncidentOp, output: Output) -> Result<ExitCode, ApiError> {
    let view = find(desk, number).await?;
    let conflict = |why: &str| ApiError::new(ErrorCode::Invalid, format!("{} {why}", view.number));
    match &view.proposal {
        None => return Err(conflict("was declared by a person, not proposed; change its status instead")),
        // Once is enough, and a confirmation stands.
        Some(proposal) if proposal.state == ProposalState::Confirmed => {
            return if op == IncidentOp::Confirm {
                print(desk, view, output)
            } else {
                Err(conflict("was confirmed, which stands; resolve it instead"))
            };
        }
        Some(_) => {}
    }
    print(desk, desk.edit_incident(view.incident.id, vec![op]).await?, output)
}

/// Writes the post-mortem as `edited` makes it of what stands there.
async fn postmortem(
    desk: &Desk,
    view: IncidentView,
    edited: impl FnOnce(&IncidentView, &str) -> Result<String, ApiError>,
) -> Result<IncidentView, ApiError> {
    let base = view.incident.postmortem.clone();
    let body = edited(&view, &base)?;
    let op = IncidentOp::EditPostmortem { base: Some(base), body };
    desk.edit_incident(view.incident.id, vec![op]).await
}

/// The text with its `n`th action item ticked off, or not.
fn tick(view: &IncidentView, text: &str, n: usize, done: bool) -> Result<String, ApiError> {
    let item = n.checked_sub(1).and_then(|at| view.action_items.get(at));
    item.and_then(|item| toggled(text, item, done)).ok_or_else(|| {
        let message = format!(
            "{} has {} action items, and no number {n}; `desk incident postmortem {}` lists them",
            view.number,
            view.action_items.len(),
            view.number
        );
        ApiError::new(ErrorCode::NotFound, message)
    })
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
