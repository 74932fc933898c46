//! Edits of tickets as deeds: made through the shell, told of, and able to be taken back.

use desk_api::{
    ApiError,
    call::{EditTicket, GetTicket},
    view::TicketView,
};
use desk_domain::{edit::TicketOp, ids::DocId, ticket::Ticket};

use super::{ops, seen};
use crate::{
    bridge,
    i18n::{I18n, tr},
    session::Session,
    undo::{self, Restore},
    widgets::toast,
};

/// Edits a ticket whose present values are known; the reply, or the error (which is told of), comes back.
pub(crate) async fn edit(
    i18n: I18n,
    session: &Session,
    ticket: &Ticket,
    ops: Vec<TicketOp>,
) -> Result<TicketView, ApiError> {
    let inverse: Vec<TicketOp> = ops.iter().rev().filter_map(|op| ops::inverse(ticket, op)).collect();
    let label = ops.first().map(|op| describe(i18n, session, op));
    let reply = bridge::call(EditTicket { id: ticket.id, ops }).await;
    match &reply {
        Ok(_) => {
            if let (Some(label), false) = (label, inverse.is_empty()) {
                undo::done(label, vec![Restore::Ticket(ticket.id, inverse)]);
            }
        }
        Err(error) => toast::failed(error.clone()),
    }
    reply
}

/// Edits several tickets the same way; one step takes all of it back. `known` is the one among them that is shown.
pub(crate) async fn edit_all(
    i18n: I18n,
    session: &Session,
    targets: Vec<DocId>,
    known: Option<&Ticket>,
    op: TicketOp,
) {
    let mut restores = Vec::new();
    let mut failure = None;
    for id in targets {
        match edit_one(id, known.filter(|known| known.id == id), &op).await {
            Ok(Some(restore)) => restores.push(restore),
            Ok(None) => {}
            Err(error) => failure = Some(error),
        }
    }
    if !restores.is_empty() {
        let label = describe(i18n, session, &op);
        let count = restores.len();
        let label = if count > 1 { tr!(i18n, "edited-many", what = label, n = count) } else { label };
        undo::done(label, restores);
    }
    if let Some(error) = failure {
        toast::failed(error);
    }
}

async fn edit_one(id: DocId, known: Option<&Ticket>, op: &TicketOp) -> Result<Option<Restore>, ApiError> {
    let inverse = if let Some(ticket) = known {
        ops::inverse(ticket, op)
    } else {
        let view = bridge::call(GetTicket { id }).await?;
        view.and_then(|view| ops::inverse(&view.ticket, op))
    };
    let Some(inverse) = inverse else { return Ok(None) };
    seen::put(bridge::call(EditTicket { id, ops: vec![op.clone()] }).await?);
    Ok(Some(Restore::Ticket(id, vec![inverse])))
}

/// An edit in words: `Status: resolved`.
pub(crate) fn describe(i18n: I18n, session: &Session, op: &TicketOp) -> String {
    let none = || i18n.t("none");
    let pair = |field: &str, value: String| format!("{}: {value}", i18n.word("field", field));
    let person =
        |who: &Option<String>| who.as_deref().map_or_else(|| i18n.t("nobody"), |who| session.name(who));
    match op {
        TicketOp::Create { ticket } => tr!(i18n, "op-create-ticket", title = ticket.title.clone()),
        TicketOp::SetTitle { title } => pair("title", title.clone()),
        TicketOp::SetDescription { .. } => i18n.t("op-description"),
        TicketOp::SetStatus { status } => pair("status", i18n.word("status", status)),
        TicketOp::SetPriority { priority } => pair("priority", i18n.word("priority", priority)),
        TicketOp::SetCategory { category } => {
            pair("category", category.as_deref().map_or_else(none, |key| session.category_name(key)))
        }
        TicketOp::SetAssignee { assignee } => pair("assignee", person(assignee)),
        TicketOp::SetTeam { team } => {
            pair("team", team.as_deref().map_or_else(none, |key| session.team_name(key)))
        }
        TicketOp::SetRequester { requester } => pair("requester", person(requester)),
        TicketOp::SetTag { tag, on: true } => tr!(i18n, "op-tag-on", tag = tag.clone()),
        TicketOp::SetTag { tag, on: false } => tr!(i18n, "op-tag-off", tag = tag.clone()),
        TicketOp::SetCustom { key, value } => format!("{key}: {}", value.clone().unwrap_or_else(none)),
        TicketOp::AddComment { body, .. } => tr!(i18n, "op-comment", text = body.clone()),
        TicketOp::DeleteComment { .. } => i18n.t("op-comment-deleted"),
        TicketOp::SetDeleted { deleted: true } => i18n.t("op-deleted"),
        TicketOp::SetDeleted { deleted: false } => i18n.t("op-restored"),
    }
}
