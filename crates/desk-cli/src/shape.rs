//! The JSON that `--json` prints. Scripts depend on these shapes: they grow, they do not change.

use std::collections::{BTreeMap, BTreeSet};

use desk_api::view::{ArticleRow, IncidentRow, PastTicket, RejectedEdit, TicketChange, TicketRow};
use desk_domain::{
    alert::Alert,
    article::{Article, ArticleStatus},
    detection, escalation,
    ids::{CommentId, DocId, MemberId},
    incident::{
        Incident, IncidentRole, IncidentStatus, Milestone, Severity, TimelineEntry, postmortem::ActionItem,
        proposal::ProposalState,
    },
    sla::Clocks,
    ticket::{Comment, Conflict, ConflictValue, LogEntry, Priority, Source, Status, Ticket, Visibility},
    time::UtcMillis,
    workspace::{Service, Workspace},
};
use serde::Serialize;

/// The names behind references in documents.
#[derive(Clone, Copy)]
pub(crate) struct Names<'a>(pub(crate) Option<&'a Workspace>);

impl Names<'_> {
    /// A member's name, or the reference itself.
    pub(crate) fn of(self, reference: &str) -> String {
        self.0.map_or(reference, |workspace| workspace.display_name(reference)).to_owned()
    }
}

/// An element of `ticket list`.
#[derive(Debug, Serialize)]
pub(crate) struct TicketLine {
    pub(crate) id: DocId,
    pub(crate) number: String,
    pub(crate) title: String,
    pub(crate) status: Status,
    pub(crate) priority: Priority,
    pub(crate) category: Option<String>,
    pub(crate) assignee: Option<String>,
    pub(crate) team: Option<String>,
    pub(crate) requester: Option<String>,
    pub(crate) tags: BTreeSet<String>,
    pub(crate) created_at: UtcMillis,
    pub(crate) updated_at: UtcMillis,
}

impl From<TicketRow> for TicketLine {
    fn from(row: TicketRow) -> Self {
        Self {
            id: row.id,
            number: row.number,
            title: row.title,
            status: row.status,
            priority: row.priority,
            category: row.category,
            assignee: row.assignee,
            team: row.team,
            requester: row.requester,
            tags: row.tags,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// What `ticket show` and every command that changes a ticket prints, and a line of `tickets.jsonl`.
#[derive(Debug, Serialize)]
pub(crate) struct TicketWhole {
    #[serde(flatten)]
    pub(crate) line: TicketLine,
    pub(crate) assignee_name: Option<String>,
    pub(crate) requester_name: Option<String>,
    pub(crate) description: String,
    pub(crate) custom: BTreeMap<String, String>,
    /// The conversation, oldest first, without what was withdrawn.
    pub(crate) comments: Vec<CommentWhole>,
    pub(crate) log: Vec<Logged>,
    pub(crate) sla: Clocks,
    pub(crate) conflicts: Vec<NamedConflict>,
    pub(crate) source: Option<Source>,
    pub(crate) deleted: bool,
}

/// A field to which different values were written concurrently, the one that stands first.
#[derive(Debug, Serialize)]
pub(crate) struct NamedConflict {
    pub(crate) field: String,
    pub(crate) values: Vec<NamedValue>,
}

/// One of the values of a conflict.
#[derive(Debug, Serialize)]
pub(crate) struct NamedValue {
    #[serde(flatten)]
    pub(crate) value: ConflictValue,
    pub(crate) by_name: String,
}

fn named(conflicts: Vec<Conflict>, names: Names<'_>) -> Vec<NamedConflict> {
    let value = |value: ConflictValue| NamedValue { by_name: names.of(&value.by), value };
    let conflict = |conflict: Conflict| NamedConflict {
        field: conflict.field,
        values: conflict.values.into_iter().map(value).collect(),
    };
    conflicts.into_iter().map(conflict).collect()
}

/// A comment of `ticket show`.
#[derive(Debug, Serialize)]
pub(crate) struct CommentWhole {
    pub(crate) id: CommentId,
    pub(crate) author: String,
    pub(crate) author_name: String,
    pub(crate) visibility: Visibility,
    pub(crate) body: String,
    pub(crate) created_at: UtcMillis,
}

/// A log entry of `ticket show` and `ticket history`.
#[derive(Debug, Serialize)]
pub(crate) struct Logged {
    #[serde(flatten)]
    pub(crate) entry: LogEntry,
    pub(crate) by_name: String,
    /// The change that wrote it, in `ticket history`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) change: Option<String>,
}

/// What `ticket history --at` prints: the ticket as the author of a change saw it.
#[derive(Debug, Serialize)]
pub(crate) struct PastWhole {
    pub(crate) change: TicketChange,
    pub(crate) by_name: String,
    /// Its place among the ticket's changes, from 1.
    pub(crate) place: u32,
    pub(crate) changes: u32,
    pub(crate) ticket: TicketWhole,
}

impl PastWhole {
    /// A ticket's past.
    pub(crate) fn new(past: PastTicket, names: Names<'_>) -> Self {
        Self {
            by_name: names.of(&past.change.by),
            change: past.change,
            place: past.place + 1,
            changes: past.changes,
            ticket: TicketWhole::new(past.view.ticket, past.view.clocks, names),
        }
    }
}

/// What `rejected show` prints.
#[derive(Debug, Serialize)]
pub(crate) struct RefusedWhole {
    #[serde(flatten)]
    pub(crate) edit: RejectedEdit,
    /// What to do about it, where that can be said.
    pub(crate) advice: Option<&'static str>,
    pub(crate) steps: Vec<RefusedStep>,
}

/// A step of a refused edit, in words.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct RefusedStep {
    pub(crate) field: String,
    /// What it was to become.
    pub(crate) value: String,
    /// What stands there now; absent where nothing can.
    pub(crate) now: Option<String>,
}

impl TicketWhole {
    /// A ticket with its clocks.
    pub(crate) fn new(ticket: Ticket, sla: Clocks, names: Names<'_>) -> Self {
        let log = logged(&ticket.log, names);
        let number = ticket.number();
        let comment = |comment: Comment| CommentWhole {
            id: comment.id,
            author_name: names.of(&comment.author),
            author: comment.author,
            visibility: comment.visibility,
            body: comment.body,
            created_at: comment.created_at,
        };
        Self {
            assignee_name: ticket.assignee.as_deref().map(|assignee| names.of(assignee)),
            requester_name: ticket.requester.as_deref().map(|requester| names.of(requester)),
            line: TicketLine {
                id: ticket.id,
                number,
                title: ticket.title,
                status: ticket.status,
                priority: ticket.priority,
                category: ticket.category,
                assignee: ticket.assignee,
                team: ticket.team,
                requester: ticket.requester,
                tags: ticket.tags,
                created_at: ticket.created_at,
                updated_at: ticket.updated_at,
            },
            description: ticket.description,
            custom: ticket.custom,
            comments: ticket.comments.into_iter().filter(|comment| !comment.deleted).map(comment).collect(),
            log,
            sla,
            conflicts: named(ticket.conflicts, names),
            source: ticket.source,
            deleted: ticket.deleted,
        }
    }
}

/// A ticket's log with the names of who did it.
pub(crate) fn logged(log: &[LogEntry], names: Names<'_>) -> Vec<Logged> {
    log.iter()
        .map(|entry| Logged { by_name: names.of(&entry.by), entry: entry.clone(), change: None })
        .collect()
}

/// An element of `article list`.
#[derive(Debug, Serialize)]
pub(crate) struct ArticleLine {
    pub(crate) id: DocId,
    pub(crate) title: String,
    pub(crate) status: ArticleStatus,
    pub(crate) category: Option<String>,
    pub(crate) tags: BTreeSet<String>,
    pub(crate) updated_at: UtcMillis,
}

impl From<ArticleRow> for ArticleLine {
    fn from(row: ArticleRow) -> Self {
        Self {
            id: row.id,
            title: row.title,
            status: row.status,
            category: row.category,
            tags: row.tags,
            updated_at: row.updated_at,
        }
    }
}

/// What `article show` prints, and a line of `articles.jsonl`.
#[derive(Debug, Serialize)]
pub(crate) struct ArticleWhole {
    #[serde(flatten)]
    pub(crate) line: ArticleLine,
    pub(crate) body: String,
    pub(crate) author: String,
    pub(crate) author_name: String,
    pub(crate) created_at: UtcMillis,
    pub(crate) conflicts: Vec<Conflict>,
    pub(crate) deleted: bool,
}

impl ArticleWhole {
    /// An article.
    pub(crate) fn new(article: Article, names: Names<'_>) -> Self {
        Self {
            author_name: names.of(&article.author),
            line: ArticleLine {
                id: article.id,
                title: article.title,
                status: article.status,
                category: article.category,
                tags: article.tags,
                updated_at: article.updated_at,
            },
            body: article.body,
            author: article.author,
            created_at: article.created_at,
            conflicts: article.conflicts,
            deleted: article.deleted,
        }
    }
}

/// An element of `incident list`.
#[derive(Debug, Serialize)]
pub(crate) struct IncidentLine {
    pub(crate) id: DocId,
    pub(crate) number: String,
    pub(crate) title: String,
    pub(crate) severity: Severity,
    pub(crate) status: IncidentStatus,
    pub(crate) created_at: UtcMillis,
    pub(crate) updated_at: UtcMillis,
    pub(crate) escalates_at: Option<UtcMillis>,
    /// Where its proposal stands; absent when a person declared it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) proposal: Option<ProposalState>,
}

impl From<IncidentRow> for IncidentLine {
    fn from(row: IncidentRow) -> Self {
        Self {
            id: row.id,
            number: row.number,
            title: row.title,
            severity: row.severity,
            status: row.status,
            created_at: row.created_at,
            updated_at: row.updated_at,
            escalates_at: row.escalates_at,
            proposal: row.proposal,
        }
    }
}

/// What `incident show` prints, and a line of `incidents.jsonl`.
#[derive(Debug, Serialize)]
pub(crate) struct IncidentWhole {
    #[serde(flatten)]
    pub(crate) line: IncidentLine,
    pub(crate) summary: String,
    pub(crate) services: BTreeSet<String>,
    pub(crate) roles: BTreeMap<IncidentRole, String>,
    pub(crate) tickets: BTreeSet<DocId>,
    pub(crate) timeline: Vec<TimelineLine>,
    pub(crate) milestones: BTreeMap<Milestone, UtcMillis>,
    pub(crate) postmortem: String,
    pub(crate) conflicts: Vec<Conflict>,
    pub(crate) deleted: bool,
}

/// A timeline entry of `incident show`.
#[derive(Debug, Serialize)]
pub(crate) struct TimelineLine {
    #[serde(flatten)]
    pub(crate) entry: TimelineEntry,
    pub(crate) by_name: String,
}

impl IncidentWhole {
    /// An incident, with the instant at which it escalates.
    pub(crate) fn new(incident: Incident, escalates_at: Option<UtcMillis>, names: Names<'_>) -> Self {
        Self {
            line: IncidentLine {
                id: incident.id,
                number: incident.number(),
                proposal: incident.proposal().map(|proposal| proposal.state),
                title: incident.title,
                severity: incident.severity,
                status: incident.status,
                created_at: incident.created_at,
                updated_at: incident.updated_at,
                escalates_at,
            },
            summary: incident.summary,
            services: incident.services,
            roles: incident.roles,
            tickets: incident.tickets,
            timeline: incident
                .timeline
                .into_iter()
                .map(|entry| TimelineLine { by_name: names.of(&entry.by), entry })
                .collect(),
            milestones: incident.milestones,
            postmortem: incident.postmortem,
            conflicts: incident.conflicts,
            deleted: incident.deleted,
        }
    }
}

/// What `incident postmortem` prints.
#[derive(Debug, Serialize)]
pub(crate) struct PostmortemShape {
    pub(crate) number: String,
    pub(crate) postmortem: String,
    pub(crate) action_items: Vec<ActionItem>,
}

/// An element of `oncall`.
#[derive(Debug, Serialize)]
pub(crate) struct OnCallLine {
    pub(crate) schedule: String,
    pub(crate) at: UtcMillis,
    /// Absent in a gap.
    pub(crate) member: Option<MemberId>,
    pub(crate) name: Option<String>,
    /// The rotation, or `override`.
    pub(crate) layer: Option<String>,
}

impl OnCallLine {
    /// Who is on call by a schedule at an instant.
    pub(crate) fn new(
        schedule: String,
        at: UtcMillis,
        member: Option<MemberId>,
        source: escalation::Source,
        names: Names<'_>,
    ) -> Self {
        let name = member.map(|member| names.of(&member.to_string()));
        let layer = match source {
            escalation::Source::Override => Some("override".to_owned()),
            escalation::Source::Layer { layer } => Some(layer),
            escalation::Source::Gap => None,
        };
        Self { schedule, at, member, name, layer }
    }
}

/// An element of `service list`.
#[derive(Debug, Serialize)]
pub(crate) struct ServiceLine {
    pub(crate) key: String,
    #[serde(flatten)]
    pub(crate) service: Service,
    /// What is wrong with it.
    pub(crate) problem: Option<String>,
}

impl ServiceLine {
    /// A service among the others of the workspace.
    pub(crate) fn new(key: &str, service: &Service, workspace: &Workspace) -> Self {
        let problem = service.check_among(key, workspace).err().map(|error| error.to_string());
        Self { key: key.to_owned(), service: service.clone(), problem }
    }
}

/// An element of `detection list`; a rule that `detection set` takes.
#[derive(Debug, Serialize)]
pub(crate) struct RuleLine {
    #[serde(flatten)]
    pub(crate) rule: detection::Rule,
    /// What is wrong with it.
    pub(crate) problem: Option<String>,
}

impl RuleLine {
    /// A rule of the workspace.
    pub(crate) fn new(rule: &detection::Rule, workspace: &Workspace) -> Self {
        let problem = rule.check_among(workspace).err().map(|problem| problem.to_string());
        Self { rule: rule.clone(), problem }
    }
}

/// An element of `alerts`.
#[derive(Debug, Serialize)]
pub(crate) struct AlertLine {
    /// The name under which it is acknowledged.
    pub(crate) key: String,
    #[serde(flatten)]
    pub(crate) alert: Alert,
}

impl From<Alert> for AlertLine {
    fn from(alert: Alert) -> Self {
        Self { key: alert.key.to_string(), alert }
    }
}

/// What `init` and `login` print.
#[derive(Debug, Serialize)]
pub(crate) struct SignedInLine {
    pub(crate) workspace: String,
    pub(crate) member: desk_domain::people::Member,
    pub(crate) server: Option<String>,
    pub(crate) data_dir: String,
}

#[cfg(test)]
mod tests;
