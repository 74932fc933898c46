//! A workspace that lived on one device joins a server's.

use desk_api::ApiError;
use desk_docs::Document;
use desk_domain::{
    edit::{ArticleOp, Edit, IncidentOp, NewTicket, Ops, Stamped, TicketOp},
    ids::DocKind,
    incident::{Incident, TimelineEvent},
    state::State,
    ticket::{LogEvent, Ticket},
    time::UtcMillis,
};
use desk_store::Batch;

use crate::{
    Desk, error,
    session::{ENDED, SignedIn, Tokens, json},
};

/// Documents that are told anew at once.
const PAGE: u32 = 200;

impl Desk {
    /// Makes `session` the owner of this store: each ticket, article and incident is told anew under the member that the
    /// server knows, with its instants, and waits to be sent; the settings of the device-only workspace are dropped,
    /// since the server has its own. One transaction: a kill leaves the old workspace or the new one.
    pub(crate) async fn join(&self, session: &SignedIn, tokens: &Tokens) -> Result<(), ApiError> {
        let old = self.require_session()?;
        let _writing = self.inner.writing.lock().await;
        let mut batch = Batch {
            drop_docs: vec![old.workspace_doc, old.personal_doc],
            cursor: Some(0),
            meta: vec![
                ("session".to_owned(), Some(json(session)?)),
                ("tokens".to_owned(), Some(json(tokens)?)),
                (ENDED.to_owned(), None),
            ],
            ..Batch::default()
        };
        let rename = Rename { from: old.member.to_string(), to: session.member.to_string() };
        for kind in [DocKind::Ticket, DocKind::Article, DocKind::Incident] {
            let mut after = None;
            loop {
                let page = self.store().documents_of_kind(kind, after, PAGE).await.map_err(error::store)?;
                let Some(last) = page.last() else { break };
                after = Some(last.id);
                for stored in page {
                    let document = Document::load(stored.id, kind, &stored.snapshot).map_err(error::load)?;
                    let state = document.read().map_err(|problem| error::read(&problem))?;
                    let Some(ops) = told_anew(&state, &rename) else { continue };
                    let edit = Edit { doc: stored.id, ops };
                    self.retell(session, &edit, stored.heads, &mut batch)?;
                }
            }
        }
        self.store().commit(&batch).await.map_err(error::store)?;
        self.restore_session().await
    }

    fn retell(
        &self,
        session: &SignedIn,
        edit: &Edit,
        heads: Vec<[u8; 32]>,
        batch: &mut Batch,
    ) -> Result<(), ApiError> {
        let rules = self.rules();
        let workflow =
            rules.workspace.as_ref().map(|workspace| workspace.workflow.clone()).unwrap_or_default();
        let author = self.author(session, &workflow);
        let empty = Document::empty(edit.doc, edit.kind());
        let (document, change) =
            empty.edit(&author, edit, self.now(), self.inner.ids.as_ref()).map_err(error::edit)?;
        let Some(change) = change else { return Ok(()) };
        let prepared = self.finish(session, &rules, document, Some(heads), Some((change, edit)))?;
        batch.docs.push(prepared.write);
        batch.outbox.extend(prepared.outbox);
        Ok(())
    }
}

/// The one member of the device-only workspace under the server's id.
struct Rename {
    from: String,
    to: String,
}

impl Rename {
    fn apply(&self, reference: &str) -> String {
        if reference == self.from { self.to.clone() } else { reference.to_owned() }
    }

    fn some(&self, reference: Option<&String>) -> Option<String> {
        reference.map(|reference| self.apply(reference))
    }
}

fn told_anew(state: &State, rename: &Rename) -> Option<Ops> {
    match state {
        State::Ticket(ticket) => Some(Ops::Ticket(ticket_steps(ticket, rename))),
        State::Article(article) => {
            let by = rename.apply(&article.author);
            let step = |at: UtcMillis, op| Stamped::new(at, by.clone(), op);
            let mut steps = vec![step(
                article.created_at,
                ArticleOp::Create {
                    title: article.title.clone(),
                    body: article.body.clone(),
                    category: article.category.clone(),
                    tags: article.tags.clone(),
                },
            )];
            steps.push(step(article.updated_at, ArticleOp::SetStatus { status: article.status }));
            steps.push(step(article.updated_at, ArticleOp::SetDeleted { deleted: article.deleted }));
            Some(Ops::Article(steps))
        }
        State::Incident(incident) => Some(Ops::Incident(incident_steps(incident, rename))),
        State::Workspace(_) | State::Personal(_) => None,
    }
}

/// A ticket's history as steps: its first values are found by going back through the log.
fn ticket_steps(ticket: &Ticket, rename: &Rename) -> Vec<Stamped<TicketOp>> {
    let mut first = NewTicket {
        title: ticket.title.clone(),
        description: ticket.description.clone(),
        status: ticket.status,
        priority: ticket.priority,
        category: ticket.category.clone(),
        assignee: rename.some(ticket.assignee.as_ref()),
        team: ticket.team.clone(),
        requester: rename.some(ticket.requester.as_ref()),
        tags: ticket.tags.clone(),
        custom: ticket.custom.clone(),
        source: ticket.source.clone().map(|source| desk_domain::ticket::Source {
            imported_by: rename.apply(&source.imported_by),
            ..source
        }),
    };
    let mut steps = Vec::new();
    for entry in ticket.log.iter().rev() {
        let op = match &entry.event {
            LogEvent::Created { status, priority } => {
                (first.status, first.priority) = (*status, *priority);
                continue;
            }
            LogEvent::Status { from, to } => {
                first.status = *from;
                TicketOp::SetStatus { status: *to }
            }
            LogEvent::Priority { from, to } => {
                first.priority = *from;
                TicketOp::SetPriority { priority: *to }
            }
            LogEvent::Tag { tag, on } => {
                if *on {
                    first.tags.remove(tag);
                } else {
                    first.tags.insert(tag.clone());
                }
                TicketOp::SetTag { tag: tag.clone(), on: *on }
            }
            LogEvent::Field { field, from, to } => {
                match field_step(&mut first, field, from.as_ref(), to.as_ref(), rename) {
                    Some(op) => op,
                    None => continue,
                }
            }
            LogEvent::Reply { comment, visibility, side } => {
                let Some(found) = ticket.comments.iter().find(|known| known.id == *comment) else { continue };
                TicketOp::AddComment {
                    id: *comment,
                    visibility: *visibility,
                    side: *side,
                    body: found.body.clone(),
                }
            }
            LogEvent::CommentDeleted { comment } => TicketOp::DeleteComment { id: *comment },
            LogEvent::Deleted { deleted } => TicketOp::SetDeleted { deleted: *deleted },
        };
        let by = rename.apply(&entry.by);
        steps.push(Stamped { at: entry.at, by, entry: Some(entry.id), op });
    }
    let created_by = ticket
        .log
        .iter()
        .find(|entry| matches!(entry.event, LogEvent::Created { .. }))
        .map_or_else(|| rename.to.clone(), |entry| rename.apply(&entry.by));
    steps.push(Stamped::new(ticket.created_at, created_by, TicketOp::Create { ticket: first }));
    steps.reverse();
    steps
}

/// The step that a field's log entry tells of; `first` goes back to what it was before.
fn field_step(
    first: &mut NewTicket,
    field: &str,
    from: Option<&String>,
    to: Option<&String>,
    rename: &Rename,
) -> Option<TicketOp> {
    Some(match field {
        "title" => {
            first.title.clone_from(from?);
            TicketOp::SetTitle { title: to?.clone() }
        }
        "category" => {
            first.category = from.cloned();
            TicketOp::SetCategory { category: to.cloned() }
        }
        "assignee" => {
            first.assignee = rename.some(from);
            TicketOp::SetAssignee { assignee: rename.some(to) }
        }
        "team" => {
            first.team = from.cloned();
            TicketOp::SetTeam { team: to.cloned() }
        }
        "requester" => {
            first.requester = rename.some(from);
            TicketOp::SetRequester { requester: rename.some(to) }
        }
        // A description's older texts are not in the log; it is told as it is now.
        "description" => return None,
        other => {
            let key = other.strip_prefix("custom.")?.to_owned();
            match from {
                Some(value) => first.custom.insert(key.clone(), value.clone()),
                None => first.custom.remove(&key),
            };
            TicketOp::SetCustom { key, value: to.cloned() }
        }
    })
}

fn incident_steps(incident: &Incident, rename: &Rename) -> Vec<Stamped<IncidentOp>> {
    let mut severity = incident.severity;
    let mut steps = Vec::new();
    for entry in incident.timeline.iter().rev() {
        let op = match &entry.event {
            TimelineEvent::Created { severity: first } => {
                severity = *first;
                continue;
            }
            TimelineEvent::Status { to, .. } => IncidentOp::SetStatus { status: *to },
            TimelineEvent::Severity { from, to } => {
                severity = *from;
                IncidentOp::SetSeverity { severity: *to }
            }
            TimelineEvent::Note { text } => IncidentOp::AddNote { text: text.clone() },
            TimelineEvent::Update { visibility, text } => {
                IncidentOp::AddUpdate { visibility: *visibility, text: text.clone() }
            }
            TimelineEvent::Proposed { rule, severity, evidence } => {
                IncidentOp::Propose { rule: rule.clone(), severity: *severity, evidence: evidence.clone() }
            }
            TimelineEvent::Confirmed => IncidentOp::Confirm,
            TimelineEvent::Dismissed { text } => IncidentOp::Dismiss { text: text.clone() },
            TimelineEvent::Acknowledged { until } => IncidentOp::Acknowledge { until: *until },
            // The server decides anew whom it tells.
            TimelineEvent::Field { .. }
            | TimelineEvent::EscalationStarted { .. }
            | TimelineEvent::Paged { .. }
            | TimelineEvent::AcknowledgementExpired
            | TimelineEvent::EscalationEnded { .. } => continue,
        };
        let by = rename.apply(&entry.by);
        steps.push(Stamped { at: entry.at, by, entry: Some(entry.id), op });
    }
    steps.push(Stamped::new(
        incident.created_at,
        rename.to.clone(),
        IncidentOp::Create {
            title: incident.title.clone(),
            summary: incident.summary.clone(),
            severity,
            services: incident.services.clone(),
            impact_at: incident.milestones.get(&desk_domain::incident::Milestone::Impact).copied(),
        },
    ));
    steps.reverse();
    let last = |op| Stamped::new(incident.updated_at, rename.to.clone(), op);
    for (role, member) in &incident.roles {
        steps.push(last(IncidentOp::SetRole { role: *role, member: Some(rename.apply(member)) }));
    }
    for ticket in &incident.tickets {
        steps.push(last(IncidentOp::LinkTicket { ticket: *ticket, on: true }));
    }
    for (milestone, reached_at) in &incident.milestones {
        steps.push(last(IncidentOp::SetMilestone { milestone: *milestone, reached_at: *reached_at }));
    }
    if !incident.postmortem.is_empty() {
        steps.push(last(IncidentOp::EditPostmortem { base: None, body: incident.postmortem.clone() }));
    }
    steps.push(last(IncidentOp::SetDeleted { deleted: incident.deleted }));
    steps
}
