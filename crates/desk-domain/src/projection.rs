//! What lists, search and the scheduler need of a document without opening it.
//!
//! A device derives it from each document that it writes, the server from each that it packs into a segment for new
//! devices; both call [`Projection::of`], so the rows are the same. It is a function of the document, the workspace's
//! settings and (for clocks that run) the instant: derived, never synced as truth, and made again wherever in doubt.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    alert::AlertRule,
    article::{Article, ArticleStatus},
    escalation::{escalates_at, escalation, policy_of},
    ids::{DocKind, MemberId},
    incident::{Incident, IncidentStatus, Milestone, Severity, TimelineEvent, proposal::ProposalState},
    sla::{CompiledRules, Metric, SlaRules, clocks},
    state::State,
    ticket::{Priority, Status, Ticket},
    time::UtcMillis,
    workspace::Workspace,
};

/// The version of this module's types as they travel and of the rules by which they are derived: raised whenever either
/// changes, so that a device derives rows itself rather than believe a server that derives them otherwise.
pub const PROJECTION_VERSION: u16 = 2;

/// Everything that is derived from one document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Projection {
    /// Its line in a list, with the texts that a search finds.
    pub row: Row,
    /// A ticket's most pressing clock.
    pub next_due: Option<NextDue>,
    /// When its alerts fall due.
    pub deadlines: Vec<Deadline>,
}

/// A document's line in a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Row {
    /// A ticket's.
    Ticket(Box<TicketLine>),
    /// An article's.
    Article(Box<ArticleLine>),
    /// An incident's.
    Incident(Box<IncidentLine>),
    /// Settings stand in no list.
    Settings,
}

/// What the ticket list and the search know of a ticket. Fields as in [`Ticket`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "named and documented as the ticket's own fields")]
pub struct TicketLine {
    pub title: String,
    pub description: String,
    pub status: Status,
    pub priority: Priority,
    pub category: Option<String>,
    pub assignee: Option<String>,
    pub team: Option<String>,
    pub requester: Option<String>,
    pub tags: BTreeSet<String>,
    /// Bodies of the comments that stand, oldest first.
    pub comments: Vec<String>,
    /// System and key of an imported ticket.
    pub source: Option<(String, String)>,
    pub created_at: UtcMillis,
    pub updated_at: UtcMillis,
    /// Different values were written to a field concurrently.
    pub conflicted: bool,
    pub deleted: bool,
}

/// What the article list and the search know of an article. Fields as in [`Article`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "named and documented as the article's own fields")]
pub struct ArticleLine {
    pub title: String,
    pub body: String,
    pub status: ArticleStatus,
    pub category: Option<String>,
    pub tags: BTreeSet<String>,
    pub updated_at: UtcMillis,
    pub deleted: bool,
}

/// What the incident list and the search know of an incident. Fields as in [`Incident`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "named and documented as the incident's own fields")]
pub struct IncidentLine {
    pub title: String,
    pub summary: String,
    pub postmortem: String,
    /// Notes of the timeline, oldest first.
    pub notes: Vec<String>,
    pub severity: Severity,
    pub status: IncidentStatus,
    pub services: BTreeSet<String>,
    pub milestones: BTreeMap<Milestone, UtcMillis>,
    /// Where its proposal stands; none when a person declared it.
    pub proposal: Option<ProposalState>,
    pub created_at: UtcMillis,
    pub updated_at: UtcMillis,
    /// When somebody is told next unless it is acknowledged, as far as the settings are known.
    pub escalates_at: Option<UtcMillis>,
    pub deleted: bool,
}

/// The clock of a ticket that runs out next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NextDue {
    /// Which target.
    pub metric: Metric,
    /// When it runs out.
    pub due_at: UtcMillis,
}

/// When an alert falls due.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deadline {
    /// Which alert.
    pub rule: AlertRule,
    /// The used-up share of a warning; the level of a page; 100 for everything else.
    pub percent: u8,
    /// Which target; none for an incident.
    pub metric: Option<Metric>,
    /// When.
    pub due_at: UtcMillis,
    /// Whom it is for; empty when that follows from the subject.
    pub members: Vec<MemberId>,
}

/// The settings that deadlines depend on, ready to be used for many documents.
#[derive(Debug)]
pub struct Rules {
    /// Targets and calendars.
    pub sla: CompiledRules,
    /// The settings themselves, which say whether an incident escalates.
    pub workspace: Option<Workspace>,
}

impl Rules {
    /// The rules of a workspace; without one, nothing ever falls due.
    pub fn of(workspace: Option<&Workspace>) -> Self {
        let none = || SlaRules { policies: Vec::new(), calendars: BTreeMap::new() };
        Self {
            sla: workspace.map_or_else(none, Workspace::sla_rules).compile(),
            workspace: workspace.cloned(),
        }
    }
}

impl Projection {
    /// Derives it. Of a deleted document, and of an incident that is over, nothing falls due.
    pub fn of(state: &State, rules: &Rules, now: UtcMillis) -> Self {
        let (next_due, deadlines) = due(state, rules, now);
        let mut row = Row::of(state);
        if let (Row::Incident(line), State::Incident(incident), Some(workspace)) =
            (&mut row, state, &rules.workspace)
        {
            line.escalates_at = escalates_at(incident, workspace, now);
        }
        Self { row, next_due, deadlines }
    }
}

impl Row {
    /// The line of a document, without what depends on the settings.
    pub fn of(state: &State) -> Self {
        match state {
            State::Ticket(ticket) => Self::Ticket(Box::new(TicketLine::of(ticket))),
            State::Article(article) => Self::Article(Box::new(ArticleLine::of(article))),
            State::Incident(incident) => Self::Incident(Box::new(IncidentLine::of(incident))),
            State::Workspace(_) | State::Personal(_) => Self::Settings,
        }
    }

    /// It is the line of a document of this kind.
    pub fn is_of(&self, kind: DocKind) -> bool {
        match self {
            Self::Ticket(_) => kind == DocKind::Ticket,
            Self::Article(_) => kind == DocKind::Article,
            Self::Incident(_) => kind == DocKind::Incident,
            Self::Settings => matches!(kind, DocKind::Workspace | DocKind::Personal),
        }
    }

    /// It stands in lists and is found by a search.
    pub fn is_visible(&self) -> bool {
        match self {
            Self::Ticket(line) => !line.deleted,
            Self::Article(line) => !line.deleted,
            Self::Incident(line) => !line.deleted,
            Self::Settings => false,
        }
    }

    /// When the document last changed, for those that say it.
    pub fn updated_at(&self) -> Option<UtcMillis> {
        match self {
            Self::Ticket(line) => Some(line.updated_at),
            Self::Article(line) => Some(line.updated_at),
            Self::Incident(line) => Some(line.updated_at),
            Self::Settings => None,
        }
    }
}

impl TicketLine {
    fn of(ticket: &Ticket) -> Self {
        let standing = ticket.comments.iter().filter(|comment| !comment.deleted);
        Self {
            title: ticket.title.clone(),
            description: ticket.description.clone(),
            status: ticket.status,
            priority: ticket.priority,
            category: ticket.category.clone(),
            assignee: ticket.assignee.clone(),
            team: ticket.team.clone(),
            requester: ticket.requester.clone(),
            tags: ticket.tags.clone(),
            comments: standing.map(|comment| comment.body.clone()).collect(),
            source: ticket.source.as_ref().map(|source| (source.system.clone(), source.key.clone())),
            created_at: ticket.created_at,
            updated_at: ticket.updated_at,
            conflicted: !ticket.conflicts.is_empty(),
            deleted: ticket.deleted,
        }
    }
}

impl ArticleLine {
    fn of(article: &Article) -> Self {
        Self {
            title: article.title.clone(),
            body: article.body.clone(),
            status: article.status,
            category: article.category.clone(),
            tags: article.tags.clone(),
            updated_at: article.updated_at,
            deleted: article.deleted,
        }
    }
}

impl IncidentLine {
    /// The response is over, or it was found to be no incident.
    pub fn is_over(&self) -> bool {
        self.status.is_done() || self.proposal == Some(ProposalState::Dismissed)
    }

    fn of(incident: &Incident) -> Self {
        let notes = incident.timeline.iter().filter_map(|entry| match &entry.event {
            TimelineEvent::Note { text } | TimelineEvent::Update { text, .. } => Some(text.clone()),
            TimelineEvent::Created { .. }
            | TimelineEvent::Status { .. }
            | TimelineEvent::Severity { .. }
            | TimelineEvent::Field { .. }
            | TimelineEvent::Proposed { .. }
            | TimelineEvent::Confirmed
            | TimelineEvent::Dismissed { .. }
            | TimelineEvent::EscalationStarted { .. }
            | TimelineEvent::Paged { .. }
            | TimelineEvent::Acknowledged { .. }
            | TimelineEvent::AcknowledgementExpired
            | TimelineEvent::EscalationEnded { .. } => None,
        });
        Self {
            title: incident.title.clone(),
            summary: incident.summary.clone(),
            postmortem: incident.postmortem.clone(),
            notes: notes.collect(),
            severity: incident.severity,
            status: incident.status,
            services: incident.services.clone(),
            milestones: incident.milestones.clone(),
            proposal: incident.proposal().map(|proposal| proposal.state),
            created_at: incident.created_at,
            updated_at: incident.updated_at,
            escalates_at: None,
            deleted: incident.deleted,
        }
    }
}

/// The clock that runs out next and all instants at which something falls due.
fn due(state: &State, rules: &Rules, now: UtcMillis) -> (Option<NextDue>, Vec<Deadline>) {
    match state {
        State::Ticket(ticket) if !ticket.deleted => {
            let clocks = clocks(ticket, &rules.sla, now);
            let next_due = clocks
                .most_pressing()
                .and_then(|reading| reading.due_at.map(|due_at| NextDue { metric: reading.metric, due_at }));
            let deadlines = clocks
                .readings()
                .into_iter()
                .flat_map(|reading| {
                    reading.thresholds.iter().map(|threshold| Deadline {
                        rule: threshold.rule,
                        percent: threshold.percent,
                        metric: Some(reading.metric),
                        due_at: threshold.at,
                        members: Vec::new(),
                    })
                })
                .collect();
            (next_due, deadlines)
        }
        State::Incident(incident) if !incident.deleted && !incident.status.is_done() => {
            (None, incident_deadlines(incident, rules))
        }
        State::Ticket(_)
        | State::Incident(_)
        | State::Article(_)
        | State::Workspace(_)
        | State::Personal(_) => (None, Vec::new()),
    }
}

/// What is to be known of a running incident: that it was declared, where one of its kind ever escalates; and each page that
/// was sent, for those whom it was sent to, unless somebody has taken the incident. Of a level that was told in several rounds
/// only the last counts: who was away meanwhile need not hear of each.
fn incident_deadlines(incident: &Incident, rules: &Rules) -> Vec<Deadline> {
    let mut deadlines = Vec::new();
    if incident.is_proposed() {
        return deadlines;
    }
    let standing = escalation(incident);
    let escalates = standing.is_some()
        || rules.workspace.as_ref().is_some_and(|workspace| policy_of(incident, workspace).is_some());
    if escalates {
        deadlines.push(Deadline {
            rule: AlertRule::IncidentDeclared,
            percent: 100,
            metric: None,
            due_at: incident.created_at,
            members: Vec::new(),
        });
    }
    let Some(standing) = standing.filter(|standing| standing.hold.is_none()) else { return deadlines };
    let pages = standing.pages.into_iter().filter(|(_, page)| !page.members.is_empty());
    let last: BTreeMap<u8, _> = pages.map(|found| (found.1.level, found)).collect();
    deadlines.extend(last.into_values().map(|(due_at, page)| Deadline {
        rule: AlertRule::IncidentEscalation,
        percent: page.level,
        metric: None,
        due_at,
        members: page.members,
    }));
    deadlines
}
