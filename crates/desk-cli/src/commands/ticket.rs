//! `desk ticket …`

use std::{
    collections::{BTreeMap, BTreeSet},
    process::ExitCode,
};

use desk_api::{
    ApiError, ErrorCode,
    view::{AssigneeFilter, TicketFilter, TicketRow, TicketSort, TicketView},
};
use desk_app::Desk;
use desk_domain::{
    edit::{NewTicket, TicketOp},
    ids::DocId,
    ticket::{Priority, Visibility},
    workspace::Workspace,
};

use super::{text_or_stdin, workspace};
use crate::{
    args::{Sort, Ticket},
    assignment::TicketAssignment,
    output::Output,
    people,
    shape::{Names, PastWhole, TicketLine, TicketWhole, logged},
    text,
};

pub(super) async fn run(desk: &Desk, command: Ticket, output: Output) -> Result<ExitCode, ApiError> {
    match command {
        Ticket::New { title, description, priority, category, tags, assignee, team, requester } => {
            let settings = workspace(desk)?;
            let ticket = NewTicket {
                description: description.map_or_else(|| Ok(String::new()), text_or_stdin)?,
                priority: priority.unwrap_or(Priority::Medium),
                category,
                assignee: assignee.map(|named| assignee_of(&settings, &named)).transpose()?,
                team: team.map(|named| people::team(Some(&settings), &named)),
                requester: requester.map(|named| people::reference(Some(&settings), &named)),
                tags: tags.into_iter().collect(),
                custom: BTreeMap::new(),
                ..NewTicket::titled(title)
            };
            print(desk, desk.create_ticket(ticket).await?, output)
        }
        Ticket::List {
            statuses,
            priorities,
            assignee,
            team,
            tag,
            category,
            text,
            breached,
            due_within,
            sort,
            limit,
            offset,
        } => {
            let settings = desk.workspace();
            let filter = TicketFilter {
                statuses,
                priorities,
                assignee: match assignee.as_deref() {
                    None => AssigneeFilter::Anyone,
                    Some("none") => AssigneeFilter::Nobody,
                    Some(named) => AssigneeFilter::Is(people::reference(settings.as_ref(), named)),
                },
                team: team.map(|named| people::team(settings.as_ref(), &named)),
                tag,
                category,
                breached,
                due_within_min: due_within,
                text,
            };
            list(desk, &filter, sort_of(sort), offset, limit, output).await
        }
        Ticket::Show { number } => {
            let view = find(desk, &number).await?;
            print(desk, view, output)
        }
        Ticket::Set { number, assignments } => {
            let view = find(desk, &number).await?;
            let ops = ops_of(&assignments, &view.ticket.tags, desk.workspace().as_ref())?;
            print(desk, desk.edit_ticket(view.ticket.id, ops).await?, output)
        }
        Ticket::Comment { number, text, internal } => {
            let view = find(desk, &number).await?;
            let visibility = if internal { Visibility::Internal } else { Visibility::Public };
            print(desk, desk.add_comment(view.ticket.id, visibility, text_or_stdin(text)?).await?, output)
        }
        Ticket::History { number, at: None } => history(desk, &number, output).await,
        Ticket::History { number, at: Some(change) } => past(desk, &number, &change, output).await,
    }
}

/// Who changed what, and when, each entry with the change that it belongs to.
async fn history(desk: &Desk, number: &str, output: Output) -> Result<ExitCode, ApiError> {
    let view = find(desk, number).await?;
    let changes = desk.ticket_history(view.ticket.id).await?.unwrap_or_default();
    let settings = desk.workspace();
    let mut log = logged(&view.ticket.log, Names(settings.as_ref()));
    for line in &mut log {
        let change = changes.iter().find(|change| change.entries.contains(&line.entry.id));
        line.change = change.map(|change| change.change.clone());
    }
    output.result(&log, || text::history(&log))?;
    Ok(ExitCode::SUCCESS)
}

/// The ticket as the author of a change saw it.
async fn past(desk: &Desk, number: &str, change: &str, output: Output) -> Result<ExitCode, ApiError> {
    let id = id_of(desk, number).await?;
    let past = desk.ticket_at(id, change).await?.ok_or_else(|| {
        let what =
            format!("ticket {number} has no one change {change:?}; see `desk ticket history {number}`");
        ApiError::new(ErrorCode::NotFound, what)
    })?;
    let settings = desk.workspace();
    let whole = PastWhole::new(past, Names(settings.as_ref()));
    output.result(&whole, || text::past(&whole))?;
    Ok(ExitCode::SUCCESS)
}

/// The ticket that a person means.
pub(super) async fn find(desk: &Desk, number: &str) -> Result<TicketView, ApiError> {
    let id = id_of(desk, number).await?;
    desk.ticket(id).await?.ok_or_else(|| {
        ApiError::new(
            ErrorCode::NotFound,
            format!("there is no ticket {number:?} here; see `desk ticket list`, or sync first"),
        )
    })
}

pub(super) async fn id_of(desk: &Desk, number: &str) -> Result<DocId, ApiError> {
    desk.find_ticket(number).await
}

fn print(desk: &Desk, view: TicketView, output: Output) -> Result<ExitCode, ApiError> {
    let settings = desk.workspace();
    let whole = TicketWhole::new(view.ticket, view.clocks, Names(settings.as_ref()));
    output.result(&whole, || text::ticket(&whole))?;
    Ok(ExitCode::SUCCESS)
}

async fn list(
    desk: &Desk,
    filter: &TicketFilter,
    sort: TicketSort,
    offset: u32,
    limit: Option<u32>,
    output: Output,
) -> Result<ExitCode, ApiError> {
    let rows = page(desk, filter, sort, offset, limit).await?;
    let lines: Vec<TicketLine> = rows.into_iter().map(TicketLine::from).collect();
    let settings = desk.workspace();
    let names = Names(settings.as_ref());
    output.result(&lines, || {
        if lines.is_empty() {
            return "no tickets".to_owned();
        }
        let rows: Vec<Vec<String>> = lines
            .iter()
            .map(|line| {
                vec![
                    line.number.clone(),
                    line.status.to_string(),
                    line.priority.to_string(),
                    text::short(
                        &line.assignee.as_deref().map_or_else(|| "-".to_owned(), |who| names.of(who)),
                        24,
                    ),
                    line.updated_at.to_string(),
                    text::short(&line.title, 80),
                ]
            })
            .collect();
        text::table(&["number", "status", "priority", "assignee", "updated", "title"], &rows)
    })?;
    Ok(ExitCode::SUCCESS)
}

/// As many rows as are wanted, however many the store gives at once.
async fn page(
    desk: &Desk,
    filter: &TicketFilter,
    sort: TicketSort,
    offset: u32,
    limit: Option<u32>,
) -> Result<Vec<TicketRow>, ApiError> {
    const AT_ONCE: u32 = 500;
    let mut rows: Vec<TicketRow> = Vec::new();
    loop {
        let got = u32::try_from(rows.len()).unwrap_or(u32::MAX);
        let wanted = limit.map_or(AT_ONCE, |limit| limit.saturating_sub(got).min(AT_ONCE));
        if wanted == 0 {
            return Ok(rows);
        }
        let page = desk.list_tickets(filter, sort, offset.saturating_add(got), wanted).await?.rows;
        let full = page.len() >= wanted as usize;
        rows.extend(page);
        if !full {
            return Ok(rows);
        }
    }
}

fn sort_of(sort: Sort) -> TicketSort {
    match sort {
        Sort::Updated => TicketSort::Updated,
        Sort::Created => TicketSort::Created,
        Sort::Priority => TicketSort::Priority,
        Sort::Due => TicketSort::Due,
    }
}

fn assignee_of(settings: &Workspace, named: &str) -> Result<String, ApiError> {
    people::member(settings, named)
        .map(|member| member.id.to_string())
        .map_err(|problem| problem.at("assignee"))
}

/// The steps behind assignments: people and teams looked up, all tags compared with the present ones.
pub(super) fn ops_of(
    assignments: &[TicketAssignment],
    tags: &BTreeSet<String>,
    settings: Option<&Workspace>,
) -> Result<Vec<TicketOp>, ApiError> {
    let mut ops = Vec::new();
    for assignment in assignments {
        match assignment.clone() {
            TicketAssignment::Title(title) => ops.push(TicketOp::SetTitle { title }),
            TicketAssignment::Description(description) => ops.push(TicketOp::SetDescription { description }),
            TicketAssignment::Status(status) => ops.push(TicketOp::SetStatus { status }),
            TicketAssignment::Priority(priority) => ops.push(TicketOp::SetPriority { priority }),
            TicketAssignment::Category(category) => ops.push(TicketOp::SetCategory { category }),
            TicketAssignment::Assignee(None) => ops.push(TicketOp::SetAssignee { assignee: None }),
            TicketAssignment::Assignee(Some(named)) => {
                let settings = settings.ok_or_else(|| {
                    ApiError::new(
                        ErrorCode::SignedOut,
                        "the members are not known here yet: run `desk sync` first",
                    )
                })?;
                ops.push(TicketOp::SetAssignee { assignee: Some(assignee_of(settings, &named)?) });
            }
            TicketAssignment::Team(team) => {
                ops.push(TicketOp::SetTeam { team: team.map(|named| people::team(settings, &named)) });
            }
            TicketAssignment::Requester(requester) => ops.push(TicketOp::SetRequester {
                requester: requester.map(|named| people::reference(settings, &named)),
            }),
            TicketAssignment::Tags(wanted) => {
                let off = tags.difference(&wanted).map(|tag| (tag.clone(), false));
                let on = wanted.difference(tags).map(|tag| (tag.clone(), true));
                ops.extend(off.chain(on).map(|(tag, on)| TicketOp::SetTag { tag, on }));
            }
            TicketAssignment::Tag { tag, on } => ops.push(TicketOp::SetTag { tag, on }),
            TicketAssignment::Custom { key, value } => ops.push(TicketOp::SetCustom { key, value }),
        }
    }
    Ok(ops)
}
