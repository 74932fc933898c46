//! Lines of the ticket list, and sources.

use desk_domain::{
    ids::ticket_number,
    projection::{Row, TicketLine},
};

use super::Placed;
use crate::{
    StoreError,
    bulk::{Insert, Script},
    codes,
};

struct Line<'a> {
    placed: &'a Placed<'a>,
    ticket: &'a TicketLine,
    tags: String,
    due_key: i64,
    due_metric: Option<&'static str>,
}

pub(super) async fn write(script: &mut Script<'_>, placed: &[Placed<'_>]) -> Result<(), StoreError> {
    const TICKETS: Insert = Insert {
        head: "INSERT INTO tickets (doc, id, number, title, status, done, priority, category, assignee, team, \
               requester, tags, created_at, updated_at, due_key, due_metric, conflicted, deleted) VALUES",
        columns: 18,
        tail: "ON CONFLICT (doc) DO UPDATE SET title = excluded.title, status = excluded.status, done = excluded.done, \
               priority = excluded.priority, category = excluded.category, assignee = excluded.assignee, \
               team = excluded.team, requester = excluded.requester, tags = excluded.tags, \
               created_at = excluded.created_at, updated_at = excluded.updated_at, due_key = excluded.due_key, \
               due_metric = excluded.due_metric, conflicted = excluded.conflicted, deleted = excluded.deleted",
    };
    const SOURCES: Insert = Insert {
        head: "INSERT INTO sources (system, key, doc) VALUES",
        columns: 3,
        tail: "ON CONFLICT DO NOTHING",
    };
    let mut lines = Vec::new();
    for placed in placed {
        if let Some(Row::Ticket(ticket)) = placed.row() {
            lines.push(line(placed, ticket)?);
        }
    }
    TICKETS
        .add(script, &lines, |values, line| {
            let ticket = line.ticket;
            values
                .bind(line.placed.doc)
                .bind(codes::id_bytes(line.placed.write.id))
                .bind(ticket_number(line.placed.write.id))
                .bind(ticket.title.as_str())
                .bind(codes::status_code(ticket.status))
                .bind(ticket.status.is_done())
                .bind(codes::priority_code(ticket.priority))
                .bind(ticket.category.as_deref())
                .bind(ticket.assignee.as_deref())
                .bind(ticket.team.as_deref())
                .bind(ticket.requester.as_deref())
                .bind(line.tags.as_str())
                .bind(ticket.created_at.0)
                .bind(ticket.updated_at.0)
                .bind(line.due_key)
                .bind(line.due_metric)
                .bind(ticket.conflicted)
                .bind(ticket.deleted)
        })
        .await?;
    let sources: Vec<_> = lines
        .iter()
        .filter_map(|line| line.ticket.source.as_ref().map(|source| (line.placed.doc, source)))
        .collect();
    SOURCES
        .add(script, &sources, |values, (doc, (system, key))| {
            values.bind(system.as_str()).bind(key.as_str()).bind(*doc)
        })
        .await
}

fn line<'a>(placed: &'a Placed<'a>, ticket: &'a TicketLine) -> Result<Line<'a>, StoreError> {
    let next_due = placed.write.next_due;
    Ok(Line {
        placed,
        ticket,
        tags: codes::tags_json(&ticket.tags)?,
        due_key: codes::due_key(next_due.map(|next| next.due_at), ticket.updated_at),
        due_metric: next_due.map(|next| next.metric.as_str()),
    })
}
