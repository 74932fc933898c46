//! `desk rejected …`

use std::{collections::BTreeSet, process::ExitCode};

use desk_api::{
    ApiError, ErrorCode,
    view::{RejectedEdit, TicketView},
};
use desk_app::Desk;
use desk_domain::edit::{ArticleOp, IncidentOp, Ops, Stamped, TicketOp};

use super::{article, incident, text_or_stdin, ticket};
use crate::{
    args::Rejected,
    output::Output,
    shape::{Names, RefusedStep, RefusedWhole},
    text,
};

pub(super) async fn run(desk: &Desk, command: Rejected, output: Output) -> Result<ExitCode, ApiError> {
    match command {
        Rejected::List => list(&desk.rejected().await?, output)?,
        Rejected::Show { id } => {
            let edit = desk.rejected_edit(id).await?;
            let whole = whole(desk, edit).await?;
            output.result(&whole, || text::refused(&whole))?;
        }
        Rejected::Retry { id, assignments } => {
            let amended = if assignments.is_empty() {
                None
            } else {
                let edit = desk.rejected_edit(id).await?;
                Some(amended(desk, edit, assignments).await?)
            };
            let proposed = desk.retry_rejected(id, amended).await?;
            output.result(&proposed, || {
                format!("proposed again; {} refused edits are left", proposed.rejected.len())
            })?;
        }
        Rejected::Discard { id } => list(&desk.discard_rejected(id).await?, output)?,
        Rejected::Restore { id } => list(&desk.restore_rejected(id).await?, output)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn list(edits: &[RejectedEdit], output: Output) -> Result<(), ApiError> {
    output.result(&edits, || {
        if edits.is_empty() {
            return "no refused edits".to_owned();
        }
        let row = |edit: &RejectedEdit| {
            vec![
                edit.id.to_string(),
                text::short(&edit.subject, 40),
                edit.rejected_at.to_string(),
                edit.code.clone(),
                text::short(&edit.reason, 80),
            ]
        };
        text::table(
            &["id", "subject", "refused", "code", "reason"],
            &edits.iter().map(row).collect::<Vec<_>>(),
        )
    })
}

/// A refused edit with what stands now where it writes.
async fn whole(desk: &Desk, edit: RejectedEdit) -> Result<RefusedWhole, ApiError> {
    let settings = desk.workspace();
    let names = Names(settings.as_ref());
    let doc = edit.edit.doc;
    let steps = match &edit.edit.ops {
        Ops::Ticket(steps) => {
            let now = desk.ticket(doc).await?;
            told(steps, |op| ticket_step(op, names), |op| op.standing(&now.as_ref()?.ticket))
        }
        Ops::Article(steps) => {
            let now = desk.article(doc).await?;
            told(steps, article_step, |op| op.standing(&now.as_ref()?.article))
        }
        Ops::Incident(steps) => {
            let now = desk.incident(doc).await?;
            told(steps, |op| incident_step(op, names), |op| op.standing(&now.as_ref()?.incident))
        }
        Ops::Workspace(_) | Ops::Personal(_) => Vec::new(),
    };
    Ok(RefusedWhole { advice: advice(&edit.code), edit, steps })
}

fn told<Op>(
    steps: &[Stamped<Op>],
    words: impl Fn(&Op) -> (String, String),
    standing: impl Fn(&Op) -> Option<Op>,
) -> Vec<RefusedStep> {
    let step = |step: &Stamped<Op>| {
        let (field, value) = words(&step.op);
        RefusedStep { field, value, now: standing(&step.op).map(|now| words(&now).1) }
    };
    steps.iter().map(step).collect()
}

/// What a person can do about a refusal, by its code.
fn advice(code: &str) -> Option<&'static str> {
    Some(match code {
        "forbidden" => "ask somebody whose role allows it, or propose something else",
        "workflow" => "propose a status that may follow the present one",
        "too_large" => "shorten the text, then retry",
        "clock" => "set this device's clock, then retry",
        "schema" => "update the program, then retry",
        "depends_on_rejected" => "retry the edit that it builds on first",
        "missing_dependency" | "corrupt" | "wrong_actor" | "duplicate_seq" | "discarded" => {
            "retry it as it is"
        }
        "wrong_document" => "retry it: it makes a new document",
        "unknown_document" => "ask somebody in the team, or make a ticket of your own of what you wrote",
        _ => return None,
    })
}

fn pair(field: &str, value: impl Into<String>) -> (String, String) {
    (field.to_owned(), value.into())
}

fn ticket_step(op: &TicketOp, names: Names<'_>) -> (String, String) {
    let person = |who: &Option<String>| who.as_deref().map_or_else(|| "-".to_owned(), |who| names.of(who));
    match op {
        TicketOp::Create { ticket } => {
            pair("new ticket", format!("{}\n{}", ticket.title, ticket.description).trim())
        }
        TicketOp::SetTitle { title } => pair("title", title),
        TicketOp::SetDescription { description } => pair("description", description),
        TicketOp::SetStatus { status } => pair("status", status.as_str()),
        TicketOp::SetPriority { priority } => pair("priority", priority.as_str()),
        TicketOp::SetCategory { category } => pair("category", text::or_dash(category.as_deref())),
        TicketOp::SetAssignee { assignee } => pair("assignee", person(assignee)),
        TicketOp::SetTeam { team } => pair("team", text::or_dash(team.as_deref())),
        TicketOp::SetRequester { requester } => pair("requester", person(requester)),
        TicketOp::SetTag { tag, on } => (format!("tag {tag}"), on_off(*on)),
        TicketOp::SetCustom { key, value } => (format!("custom.{key}"), text::or_dash(value.as_deref())),
        TicketOp::AddComment { visibility, body, .. } => (format!("{visibility} comment"), body.clone()),
        TicketOp::DeleteComment { id } => pair("comment withdrawn", id.to_string()),
        TicketOp::SetDeleted { deleted } => pair("deleted", deleted.to_string()),
    }
}

fn article_step(op: &ArticleOp) -> (String, String) {
    match op {
        ArticleOp::Create { title, body, .. } => pair("new article", format!("{title}\n{body}").trim()),
        ArticleOp::SetTitle { title } => pair("title", title),
        ArticleOp::EditBody { body, .. } => pair("body", body),
        ArticleOp::SetCategory { category } => pair("category", text::or_dash(category.as_deref())),
        ArticleOp::SetTag { tag, on } => (format!("tag {tag}"), on_off(*on)),
        ArticleOp::SetStatus { status } => pair("status", status.as_str()),
        ArticleOp::SetDeleted { deleted } => pair("deleted", deleted.to_string()),
    }
}

fn incident_step(op: &IncidentOp, names: Names<'_>) -> (String, String) {
    match op {
        IncidentOp::Create { title, summary, .. } => {
            pair("new incident", format!("{title}\n{summary}").trim())
        }
        IncidentOp::SetTitle { title } => pair("title", title),
        IncidentOp::SetSummary { summary } => pair("summary", summary),
        IncidentOp::SetSeverity { severity } => pair("severity", severity.as_str()),
        IncidentOp::SetStatus { status } => pair("status", status.as_str()),
        IncidentOp::SetService { service, on } => (format!("service {service}"), on_off(*on)),
        IncidentOp::SetRole { role, member } => {
            pair(role.as_str(), member.as_deref().map_or_else(|| "-".to_owned(), |who| names.of(who)))
        }
        IncidentOp::LinkTicket { ticket, on } => (format!("ticket {ticket}"), on_off(*on)),
        IncidentOp::SetMilestone { milestone, reached_at } => {
            pair(milestone.as_str(), reached_at.to_string())
        }
        IncidentOp::AddNote { text } => pair("note", text),
        IncidentOp::AddUpdate { visibility, text } => (format!("{visibility} update"), text.clone()),
        IncidentOp::Propose { rule, severity, .. } => {
            pair("proposed", format!("{severity} by the rule {rule}"))
        }
        IncidentOp::Confirm => pair("confirmed", "yes"),
        IncidentOp::Dismiss { text } => pair("dismissed", text),
        IncidentOp::Acknowledge { until } => pair(
            "acknowledged",
            until.map_or_else(|| "for good".to_owned(), |until| format!("until {until}")),
        ),
        IncidentOp::StartEscalation { policy } => pair("escalation", policy.name.as_str()),
        IncidentOp::Page { level, cycle, .. } => pair("page", format!("level {level}, round {cycle}")),
        IncidentOp::ExpireAcknowledgement => pair("acknowledgement", "ran out"),
        IncidentOp::EndEscalation { reason } => pair("escalation ended", reason.as_str()),
        IncidentOp::EditPostmortem { body, .. } => pair("postmortem", body),
        IncidentOp::SetDeleted { deleted } => pair("deleted", deleted.to_string()),
    }
}

fn on_off(on: bool) -> String {
    if on { "on" } else { "off" }.to_owned()
}

/// The steps of a refused edit with other values.
async fn amended(desk: &Desk, refused: RejectedEdit, assignments: Vec<String>) -> Result<Ops, ApiError> {
    let doc = refused.edit.doc;
    match refused.edit.ops {
        Ops::Ticket(steps) => {
            let present = desk.ticket(doc).await?;
            ticket_ops(desk, steps, assignments, present.as_ref()).map(Ops::Ticket)
        }
        Ops::Article(mut steps) => {
            for text in assignments {
                let op = match text.split_once('=') {
                    Some(("body", body)) => {
                        ArticleOp::EditBody { base: None, body: text_or_stdin(body.to_owned())? }
                    }
                    Some(_) | None => article::op_of(text.parse().map_err(|problem| usage(&text, problem))?),
                };
                amend(&mut steps, op, article_into);
            }
            Ok(Ops::Article(steps))
        }
        Ops::Incident(mut steps) => {
            for text in assignments {
                let op = match text.split_once('=') {
                    Some(("note", note)) => IncidentOp::AddNote { text: text_or_stdin(note.to_owned())? },
                    Some(("postmortem", body)) => {
                        IncidentOp::EditPostmortem { base: None, body: text_or_stdin(body.to_owned())? }
                    }
                    Some(_) | None => {
                        let assignment = text.parse().map_err(|problem| usage(&text, problem))?;
                        incident::op_of(desk, assignment).await?
                    }
                };
                amend(&mut steps, op, incident_into);
            }
            Ok(Ops::Incident(steps))
        }
        Ops::Workspace(_) | Ops::Personal(_) => Err(ApiError::new(
            ErrorCode::BadRequest,
            "settings are proposed again as they are, without FIELD=VALUE",
        )),
    }
}

fn usage(text: &str, problem: impl std::fmt::Display) -> ApiError {
    ApiError::new(ErrorCode::BadRequest, format!("{text}: {problem}"))
}

fn ticket_ops(
    desk: &Desk,
    mut steps: Vec<Stamped<TicketOp>>,
    assignments: Vec<String>,
    present: Option<&TicketView>,
) -> Result<Vec<Stamped<TicketOp>>, ApiError> {
    for text in assignments {
        if let Some(body) = text.strip_prefix("comment=") {
            let wanted = text_or_stdin(body.to_owned())?;
            let found = steps.iter_mut().find_map(|step| match &mut step.op {
                TicketOp::AddComment { body, .. } => Some(body),
                _ => None,
            });
            *found.ok_or_else(|| {
                usage(&text, "the refused edit has no comment; use `desk ticket comment`")
            })? = wanted;
            continue;
        }
        let assignment = text.parse().map_err(|problem| usage(&text, problem))?;
        let tags: BTreeSet<String> = match steps.first().map(|step| &step.op) {
            Some(TicketOp::Create { ticket }) => ticket.tags.clone(),
            Some(_) | None => present.map(|view| view.ticket.tags.clone()).unwrap_or_default(),
        };
        for op in ticket::ops_of(&[assignment], &tags, desk.workspace().as_ref())? {
            amend(&mut steps, op, ticket_into);
        }
    }
    Ok(steps)
}

/// Puts a step in the place of the one that writes the same field, into the creation, or at the end.
fn amend<Op>(steps: &mut Vec<Stamped<Op>>, op: Op, into: impl Fn(&mut Op, &Op) -> bool) {
    if steps.iter_mut().any(|step| into(&mut step.op, &op)) {
        return;
    }
    // Who and when are set anew when it is proposed.
    if let Some((at, by)) = steps.last().map(|step| (step.at, step.by.clone())) {
        steps.push(Stamped::new(at, by, op));
    }
}

/// Takes the value of `new` over into `old` where both write the same; tells whether it did.
fn ticket_into(old: &mut TicketOp, new: &TicketOp) -> bool {
    if let TicketOp::Create { ticket } = old {
        match new.clone() {
            TicketOp::SetTitle { title } => ticket.title = title,
            TicketOp::SetDescription { description } => ticket.description = description,
            TicketOp::SetStatus { status } => ticket.status = status,
            TicketOp::SetPriority { priority } => ticket.priority = priority,
            TicketOp::SetCategory { category } => ticket.category = category,
            TicketOp::SetAssignee { assignee } => ticket.assignee = assignee,
            TicketOp::SetTeam { team } => ticket.team = team,
            TicketOp::SetRequester { requester } => ticket.requester = requester,
            TicketOp::SetTag { tag, on: true } => drop(ticket.tags.insert(tag)),
            TicketOp::SetTag { tag, on: false } => drop(ticket.tags.remove(&tag)),
            TicketOp::SetCustom { key, value: Some(value) } => drop(ticket.custom.insert(key, value)),
            TicketOp::SetCustom { key, value: None } => drop(ticket.custom.remove(&key)),
            TicketOp::Create { .. }
            | TicketOp::AddComment { .. }
            | TicketOp::DeleteComment { .. }
            | TicketOp::SetDeleted { .. } => return false,
        }
        return true;
    }
    let same = match (&*old, new) {
        (TicketOp::SetTag { tag, .. }, TicketOp::SetTag { tag: other, .. }) => tag == other,
        (TicketOp::SetCustom { key, .. }, TicketOp::SetCustom { key: other, .. }) => key == other,
        (TicketOp::AddComment { .. } | TicketOp::DeleteComment { .. }, _) => false,
        (old, new) => std::mem::discriminant(old) == std::mem::discriminant(new),
    };
    if same {
        *old = new.clone();
    }
    same
}

fn article_into(old: &mut ArticleOp, new: &ArticleOp) -> bool {
    use ArticleOp::{Create, EditBody, SetCategory, SetStatus, SetTag, SetTitle};
    match (&mut *old, new.clone()) {
        (Create { title, .. } | SetTitle { title }, SetTitle { title: new }) => *title = new,
        // The text that an edit began with stays: only the difference is written.
        (Create { body, .. } | EditBody { body, .. }, EditBody { body: new, .. }) => *body = new,
        (Create { category, .. } | SetCategory { category }, SetCategory { category: new }) => {
            *category = new;
        }
        (Create { tags, .. }, SetTag { tag, on: true }) => drop(tags.insert(tag)),
        (Create { tags, .. }, SetTag { tag, on: false }) => drop(tags.remove(&tag)),
        (SetTag { tag, on }, SetTag { tag: other, on: new }) if *tag == other => *on = new,
        (SetStatus { status }, SetStatus { status: new }) => *status = new,
        _ => return false,
    }
    true
}

fn incident_into(old: &mut IncidentOp, new: &IncidentOp) -> bool {
    use IncidentOp::{
        AddNote, Create, EditPostmortem, SetMilestone, SetRole, SetService, SetSeverity, SetStatus,
        SetSummary, SetTitle,
    };
    match (&mut *old, new.clone()) {
        (Create { title, .. } | SetTitle { title }, SetTitle { title: new }) => *title = new,
        (Create { summary, .. } | SetSummary { summary }, SetSummary { summary: new }) => *summary = new,
        (Create { severity, .. } | SetSeverity { severity }, SetSeverity { severity: new }) => {
            *severity = new;
        }
        (Create { services, .. }, SetService { service, on: true }) => drop(services.insert(service)),
        (Create { services, .. }, SetService { service, on: false }) => drop(services.remove(&service)),
        (EditPostmortem { body, .. }, EditPostmortem { body: new, .. }) => *body = new,
        (SetService { service, on }, SetService { service: other, on: new }) if *service == other => {
            *on = new;
        }
        (SetRole { role, member }, SetRole { role: other, member: new }) if *role == other => *member = new,
        (SetMilestone { milestone, reached_at }, SetMilestone { milestone: other, reached_at: new })
            if *milestone == other =>
        {
            *reached_at = new;
        }
        (AddNote { text }, AddNote { text: new }) => *text = new,
        (SetStatus { status }, SetStatus { status: new }) => *status = new,
        _ => return false,
    }
    true
}

#[cfg(test)]
mod tests {
    use desk_domain::{
        edit::NewTicket,
        ticket::{Priority, Status},
        time::UtcMillis,
    };

    use super::*;

    #[test]
    fn an_amendment_replaces_the_same_field_or_is_added() {
        let step = |op| Stamped::new(UtcMillis(1), "me", op);
        let mut steps = vec![step(TicketOp::SetStatus { status: Status::Closed })];
        amend(&mut steps, TicketOp::SetStatus { status: Status::Resolved }, ticket_into);
        assert_eq!(steps, [step(TicketOp::SetStatus { status: Status::Resolved })]);
        amend(&mut steps, TicketOp::SetPriority { priority: Priority::Low }, ticket_into);
        assert_eq!(steps.len(), 2);

        let mut steps = vec![step(TicketOp::SetTag { tag: "a".into(), on: true })];
        amend(&mut steps, TicketOp::SetTag { tag: "b".into(), on: true }, ticket_into);
        assert_eq!(steps.len(), 2, "another tag is another step");
    }

    #[test]
    fn an_amendment_of_a_creation_becomes_part_of_it() {
        let mut steps =
            vec![Stamped::new(UtcMillis(1), "me", TicketOp::Create { ticket: NewTicket::titled("Printer") })];
        amend(&mut steps, TicketOp::SetTitle { title: "Plotter".into() }, ticket_into);
        amend(&mut steps, TicketOp::SetTag { tag: "a".into(), on: true }, ticket_into);
        let [Stamped { op: TicketOp::Create { ticket }, .. }] = steps.as_slice() else {
            panic!("{steps:?}");
        };
        assert_eq!((ticket.title.as_str(), ticket.tags.contains("a")), ("Plotter", true));
    }

    #[test]
    fn the_base_of_a_text_stays_when_it_is_amended() {
        let mut old = ArticleOp::EditBody { base: Some("a".into()), body: "ab".into() };
        assert!(article_into(&mut old, &ArticleOp::EditBody { base: None, body: "abc".into() }));
        assert_eq!(old, ArticleOp::EditBody { base: Some("a".into()), body: "abc".into() });
    }
}
