//! Typed edits: everything a person can do to a document. One edit becomes one Automerge change; it stands in
//! the outbox beside the change's bytes so that a refused one can be read, amended and proposed again.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    article::{Article, ArticleStatus},
    escalation::{EndReason, Policy},
    ids::{CommentId, DocId, DocKind, EntryId, MemberId},
    incident::{Incident, IncidentRole, IncidentStatus, Milestone, Severity},
    ticket::{AuthorSide, Priority, Source, Status, Ticket, Visibility},
    time::UtcMillis,
};

/// One edit of one document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Edit {
    /// Which document.
    pub doc: DocId,
    /// What is done to it.
    #[serde(flatten)]
    pub ops: Ops,
}

impl Edit {
    /// What kind of document it edits.
    pub fn kind(&self) -> DocKind {
        match self.ops {
            Ops::Ticket(_) => DocKind::Ticket,
            Ops::Article(_) => DocKind::Article,
            Ops::Incident(_) => DocKind::Incident,
            Ops::Workspace(_) => DocKind::Workspace,
            Ops::Personal(_) => DocKind::Personal,
        }
    }
}

impl Ops {
    /// No steps: a change whose edit is not known.
    pub fn none(kind: DocKind) -> Self {
        match kind {
            DocKind::Ticket => Self::Ticket(Vec::new()),
            DocKind::Article => Self::Article(Vec::new()),
            DocKind::Incident => Self::Incident(Vec::new()),
            DocKind::Workspace => Self::Workspace(Vec::new()),
            DocKind::Personal => Self::Personal(Vec::new()),
        }
    }

    /// There are no steps.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Ticket(steps) => steps.is_empty(),
            Self::Article(steps) => steps.is_empty(),
            Self::Incident(steps) => steps.is_empty(),
            Self::Workspace(steps) => steps.is_empty(),
            Self::Personal(steps) => steps.is_empty(),
        }
    }
}

/// The steps of an edit, in order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "ops", rename_all = "snake_case")]
pub enum Ops {
    /// On a ticket.
    Ticket(Vec<Stamped<TicketOp>>),
    /// On an article.
    Article(Vec<Stamped<ArticleOp>>),
    /// On an incident.
    Incident(Vec<Stamped<IncidentOp>>),
    /// On the workspace's settings.
    Workspace(Vec<Stamped<WorkspaceOp>>),
    /// On the member's own settings.
    Personal(Vec<Stamped<PersonalOp>>),
}

impl Ops {
    /// Whether the first step makes the document.
    pub fn creates(&self) -> bool {
        match self {
            Self::Ticket(steps) => {
                matches!(steps.first(), Some(step) if matches!(step.op, TicketOp::Create { .. }))
            }
            Self::Article(steps) => {
                matches!(steps.first(), Some(step) if matches!(step.op, ArticleOp::Create { .. }))
            }
            Self::Incident(steps) => {
                matches!(steps.first(), Some(step) if matches!(step.op, IncidentOp::Create { .. }))
            }
            Self::Workspace(steps) => {
                matches!(steps.first(), Some(step) if matches!(step.op, WorkspaceOp::Create))
            }
            Self::Personal(steps) => {
                matches!(steps.first(), Some(step) if matches!(step.op, PersonalOp::Create))
            }
        }
    }
}

/// A step with who took it and when. They differ within one edit only in an import, which retells a history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stamped<Op> {
    /// When.
    pub at: UtcMillis,
    /// A member's id; in an import, a name.
    pub by: String,
    /// The id of the log or timeline entry that tells of it. An import derives it from the source, so that a
    /// repeated import knows the entry again; everybody else leaves it out and gets a fresh one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry: Option<EntryId>,
    /// What.
    #[serde(flatten)]
    pub op: Op,
}

impl<Op> Stamped<Op> {
    /// A step with a fresh log entry.
    pub fn new(at: UtcMillis, by: impl Into<String>, op: Op) -> Self {
        Self { at, by: by.into(), entry: None, op }
    }
}

/// What is told when a ticket is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewTicket {
    /// One line that says what it is about; not blank.
    pub title: String,
    /// The whole request.
    #[serde(default)]
    pub description: String,
    /// Where it starts; `open` but for an import.
    #[serde(default = "open")]
    pub status: Status,
    /// How much haste it has.
    #[serde(default = "medium")]
    pub priority: Priority,
    /// A category of the workspace.
    #[serde(default)]
    pub category: Option<String>,
    /// A member's id.
    #[serde(default)]
    pub assignee: Option<String>,
    /// A team's key.
    #[serde(default)]
    pub team: Option<String>,
    /// Who asks.
    #[serde(default)]
    pub requester: Option<String>,
    /// Labels.
    #[serde(default)]
    pub tags: BTreeSet<String>,
    /// Fields of the workspace's own.
    #[serde(default)]
    pub custom: BTreeMap<String, String>,
    /// For an import: where it came from.
    #[serde(default)]
    pub source: Option<Source>,
}

fn open() -> Status {
    Status::Open
}

fn medium() -> Priority {
    Priority::Medium
}

impl NewTicket {
    /// A ticket with a title and nothing else.
    pub fn titled(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            description: String::new(),
            status: Status::Open,
            priority: Priority::Medium,
            category: None,
            assignee: None,
            team: None,
            requester: None,
            tags: BTreeSet::new(),
            custom: BTreeMap::new(),
            source: None,
        }
    }
}

/// A step on a ticket.
#[cfg_attr(
    target_pointer_width = "64",
    expect(
        clippy::large_enum_variant,
        reason = "steps live for one edit; a box would only make creating one awkward"
    )
)]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum TicketOp {
    /// Makes the document's skeleton; only ever first.
    Create {
        /// The first values.
        ticket: NewTicket,
    },
    /// Changes the title.
    SetTitle {
        /// New value.
        title: String,
    },
    /// Changes the description.
    SetDescription {
        /// New value.
        description: String,
    },
    /// Moves the status, as the workflow allows.
    SetStatus {
        /// New value.
        status: Status,
    },
    /// Changes the priority.
    SetPriority {
        /// New value.
        priority: Priority,
    },
    /// Changes the category.
    SetCategory {
        /// New value.
        category: Option<String>,
    },
    /// Gives the ticket to a member, or to nobody.
    SetAssignee {
        /// A member's id.
        assignee: Option<String>,
    },
    /// Gives the ticket to a team, or to none.
    SetTeam {
        /// A team's key.
        team: Option<String>,
    },
    /// Corrects who asks.
    SetRequester {
        /// New value.
        requester: Option<String>,
    },
    /// Puts a tag on or takes it off.
    SetTag {
        /// The tag.
        tag: String,
        /// On or off.
        on: bool,
    },
    /// Changes a field of the workspace's own; `None` empties it.
    SetCustom {
        /// Its name.
        key: String,
        /// New value.
        value: Option<String>,
    },
    /// Writes a reply (public) or a note (internal).
    AddComment {
        /// Its id, fresh.
        id: CommentId,
        /// Who may read it.
        visibility: Visibility,
        /// Who speaks.
        side: AuthorSide,
        /// Plain text or Markdown; not blank.
        body: String,
    },
    /// Withdraws a comment.
    DeleteComment {
        /// Which one.
        id: CommentId,
    },
    /// Deletes the ticket, or brings it back.
    SetDeleted {
        /// What holds from now on.
        deleted: bool,
    },
}

impl TicketOp {
    /// The step that would write what stands in the ticket now where this one writes; `None` where nothing stands.
    #[must_use]
    pub fn standing(&self, ticket: &Ticket) -> Option<Self> {
        Some(match self {
            Self::SetTitle { .. } => Self::SetTitle { title: ticket.title.clone() },
            Self::SetDescription { .. } => Self::SetDescription { description: ticket.description.clone() },
            Self::SetStatus { .. } => Self::SetStatus { status: ticket.status },
            Self::SetPriority { .. } => Self::SetPriority { priority: ticket.priority },
            Self::SetCategory { .. } => Self::SetCategory { category: ticket.category.clone() },
            Self::SetAssignee { .. } => Self::SetAssignee { assignee: ticket.assignee.clone() },
            Self::SetTeam { .. } => Self::SetTeam { team: ticket.team.clone() },
            Self::SetRequester { .. } => Self::SetRequester { requester: ticket.requester.clone() },
            Self::SetTag { tag, .. } => Self::SetTag { tag: tag.clone(), on: ticket.tags.contains(tag) },
            Self::SetCustom { key, .. } => {
                Self::SetCustom { key: key.clone(), value: ticket.custom.get(key).cloned() }
            }
            Self::SetDeleted { .. } => Self::SetDeleted { deleted: ticket.deleted },
            Self::Create { .. } | Self::AddComment { .. } | Self::DeleteComment { .. } => return None,
        })
    }
}

/// A step on an article.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum ArticleOp {
    /// Makes the document's skeleton; only ever first.
    Create {
        /// Its headline; not blank.
        title: String,
        /// Markdown.
        body: String,
        /// A category of the workspace.
        category: Option<String>,
        /// Labels.
        tags: BTreeSet<String>,
    },
    /// Changes the headline.
    SetTitle {
        /// New value.
        title: String,
    },
    /// Changes the body from what the editor showed to what it shows now; only the difference is written, so
    /// that what others typed meanwhile stays.
    EditBody {
        /// The text the edit started from; `None` takes what the document says now.
        base: Option<String>,
        /// The text as it shall be.
        body: String,
    },
    /// Changes the category.
    SetCategory {
        /// New value.
        category: Option<String>,
    },
    /// Puts a tag on or takes it off.
    SetTag {
        /// The tag.
        tag: String,
        /// On or off.
        on: bool,
    },
    /// Publishes, archives or takes back to draft.
    SetStatus {
        /// New value.
        status: ArticleStatus,
    },
    /// Deletes the article, or brings it back.
    SetDeleted {
        /// What holds from now on.
        deleted: bool,
    },
}

impl ArticleOp {
    /// The step that would write what stands in the article now where this one writes; `None` where nothing stands.
    #[must_use]
    pub fn standing(&self, article: &Article) -> Option<Self> {
        Some(match self {
            Self::SetTitle { .. } => Self::SetTitle { title: article.title.clone() },
            Self::EditBody { .. } => Self::EditBody { base: None, body: article.body.clone() },
            Self::SetCategory { .. } => Self::SetCategory { category: article.category.clone() },
            Self::SetTag { tag, .. } => Self::SetTag { tag: tag.clone(), on: article.tags.contains(tag) },
            Self::SetStatus { .. } => Self::SetStatus { status: article.status },
            Self::SetDeleted { .. } => Self::SetDeleted { deleted: article.deleted },
            Self::Create { .. } => return None,
        })
    }
}

/// A step on an incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum IncidentOp {
    /// Makes the document's skeleton; only ever first.
    Create {
        /// One line that says what is wrong; not blank.
        title: String,
        /// What is known.
        summary: String,
        /// How bad it is.
        severity: Severity,
        /// What is affected.
        services: BTreeSet<String>,
        /// When users began to feel it, if that is known.
        impact_at: Option<UtcMillis>,
    },
    /// Changes the title.
    SetTitle {
        /// New value.
        title: String,
    },
    /// Changes the summary.
    SetSummary {
        /// New value.
        summary: String,
    },
    /// Changes the severity.
    SetSeverity {
        /// New value.
        severity: Severity,
    },
    /// Moves the response on; the first move off `open` acknowledges, `resolved` sets T4.
    SetStatus {
        /// New value.
        status: IncidentStatus,
    },
    /// Names an affected service, or takes it off.
    SetService {
        /// The service.
        service: String,
        /// Affected or not.
        on: bool,
    },
    /// Gives a duty to a member, or to nobody.
    SetRole {
        /// The duty.
        role: IncidentRole,
        /// A member's id.
        member: Option<String>,
    },
    /// Links a ticket, or takes it off.
    LinkTicket {
        /// The ticket.
        ticket: DocId,
        /// Linked or not.
        on: bool,
    },
    /// Sets one of the instants that response times are computed from.
    SetMilestone {
        /// Which one.
        milestone: Milestone,
        /// When.
        reached_at: UtcMillis,
    },
    /// Writes into the timeline.
    AddNote {
        /// Markdown; not blank.
        text: String,
    },
    /// Tells those who are concerned how it stands.
    AddUpdate {
        /// Whom it is for.
        visibility: Visibility,
        /// Markdown; not blank.
        text: String,
    },
    /// Says that a rule detected it; only in the edit that makes it.
    Propose {
        /// The rule's key.
        rule: String,
        /// How bad the rule takes it to be.
        severity: Severity,
        /// What the rule saw, as JSON.
        evidence: String,
    },
    /// Finds a detected incident to be one.
    Confirm,
    /// Finds a detected incident to be none.
    Dismiss {
        /// Why; may be blank.
        text: String,
    },
    /// Begins its escalation. This and the other steps of an escalation are the server's, see `escalation::run`.
    StartEscalation {
        /// By which policy.
        policy: Box<Policy>,
    },
    /// Tells a level of its escalation.
    Page {
        /// Which level, from 1.
        level: u8,
        /// Which round, from 1.
        cycle: u8,
        /// Who.
        members: Vec<MemberId>,
        /// Who by e-mail, too.
        email: Vec<MemberId>,
    },
    /// Takes the incident: its escalation halts. The first sets T2.
    Acknowledge {
        /// Until when; `None` for good.
        until: Option<UtcMillis>,
    },
    /// Says that an acknowledgement ran out.
    ExpireAcknowledgement,
    /// Ends its escalation.
    EndEscalation {
        /// Why.
        reason: EndReason,
    },
    /// Changes the post-mortem (see `ArticleOp::EditBody`).
    EditPostmortem {
        /// The text the edit started from.
        base: Option<String>,
        /// The text as it shall be.
        body: String,
    },
    /// Deletes the incident, or brings it back.
    SetDeleted {
        /// What holds from now on.
        deleted: bool,
    },
}

impl IncidentOp {
    /// The step that would write what stands in the incident now where this one writes; `None` where nothing stands.
    #[must_use]
    pub fn standing(&self, incident: &Incident) -> Option<Self> {
        Some(match self {
            Self::SetTitle { .. } => Self::SetTitle { title: incident.title.clone() },
            Self::SetSummary { .. } => Self::SetSummary { summary: incident.summary.clone() },
            Self::SetSeverity { .. } => Self::SetSeverity { severity: incident.severity },
            Self::SetStatus { .. } => Self::SetStatus { status: incident.status },
            Self::SetService { service, .. } => {
                Self::SetService { service: service.clone(), on: incident.services.contains(service) }
            }
            Self::SetRole { role, .. } => {
                Self::SetRole { role: *role, member: incident.roles.get(role).cloned() }
            }
            Self::LinkTicket { ticket, .. } => {
                Self::LinkTicket { ticket: *ticket, on: incident.tickets.contains(ticket) }
            }
            Self::SetMilestone { milestone, .. } => {
                Self::SetMilestone { milestone: *milestone, reached_at: *incident.milestones.get(milestone)? }
            }
            Self::EditPostmortem { .. } => {
                Self::EditPostmortem { base: None, body: incident.postmortem.clone() }
            }
            Self::SetDeleted { .. } => Self::SetDeleted { deleted: incident.deleted },
            Self::Create { .. }
            | Self::AddNote { .. }
            | Self::AddUpdate { .. }
            | Self::Propose { .. }
            | Self::Confirm
            | Self::Dismiss { .. }
            | Self::StartEscalation { .. }
            | Self::Page { .. }
            | Self::Acknowledge { .. }
            | Self::ExpireAcknowledgement
            | Self::EndEscalation { .. } => return None,
        })
    }
}

/// A section of the workspace's settings; each entry is a whole JSON value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Section {
    /// `name`, `zone`, `workflow`.
    General,
    /// `people::Member` by id. Written by the server alone.
    Members,
    /// `people::Team` by key.
    Teams,
    /// Names by key.
    Categories,
    /// `sla::Calendar` by key.
    Calendars,
    /// `sla::Policy` by key.
    Policies,
    /// Canned replies by key.
    Macros,
    /// Shared saved filters by key.
    Views,
    /// Feature flags by key.
    Flags,
    /// `escalation::Policy` by key.
    Escalations,
    /// `escalation::Schedule` by key.
    Schedules,
    /// `workspace::Service` by key.
    Services,
    /// `detection::Rule` by key.
    Detection,
}

impl Section {
    /// Every section, in the order of the skeleton.
    pub const ALL: [Self; 13] = [
        Self::General,
        Self::Members,
        Self::Teams,
        Self::Categories,
        Self::Calendars,
        Self::Policies,
        Self::Macros,
        Self::Views,
        Self::Flags,
        Self::Escalations,
        Self::Schedules,
        Self::Services,
        Self::Detection,
    ];

    /// Those that came after the first release: documents of before lack them until their skeleton is completed.
    pub const LATER: [Self; 4] = [Self::Escalations, Self::Schedules, Self::Services, Self::Detection];

    /// Its key at the document's root.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::General => "general",
            Self::Members => "members",
            Self::Teams => "teams",
            Self::Categories => "categories",
            Self::Calendars => "calendars",
            Self::Policies => "policies",
            Self::Macros => "macros",
            Self::Views => "views",
            Self::Flags => "flags",
            Self::Escalations => "escalations",
            Self::Schedules => "schedules",
            Self::Services => "services",
            Self::Detection => "detection",
        }
    }
}

/// A step on the workspace's settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum WorkspaceOp {
    /// Makes the document's skeleton; only ever first.
    Create,
    /// Writes one entry; `None` retires it.
    Set {
        /// The section.
        section: Section,
        /// The entry's key.
        key: String,
        /// The entry as JSON.
        value: Option<String>,
    },
}

/// A step on the member's own settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum PersonalOp {
    /// Makes the document's skeleton; only ever first.
    Create,
    /// Sets a preference.
    SetPreference {
        /// Its name.
        name: String,
        /// New value.
        value: String,
    },
    /// Acknowledges an alert, on all devices.
    Acknowledge {
        /// `AlertKey` as text.
        alert: String,
    },
}
