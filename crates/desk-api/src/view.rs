//! What the interface and the command line show.

use std::collections::BTreeSet;

use desk_domain::{
    alert::Alert,
    article::{Article, ArticleStatus},
    edit::Edit,
    escalation::{EndReason, Hold, Page, Policy, Schedule, Source, Step, Stretch},
    ids::{DocId, DocKind, EntryId, MemberId},
    incident::{
        Incident, IncidentStatus, Severity,
        postmortem::ActionItem,
        proposal::{Proposal, ProposalState},
    },
    people::Member,
    sla::Clocks,
    ticket::{Priority, Status, Ticket},
    time::UtcMillis,
    workspace::Workspace,
};
use serde::{Deserialize, Serialize};

use crate::ApiError;

/// A line of the ticket list; its JSON is what `desk ticket list` prints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketRow {
    /// The document's id.
    pub id: DocId,
    /// `TK-XXXXXXXX`.
    pub number: String,
    /// One line that says what it is about.
    pub title: String,
    /// Where it stands.
    pub status: Status,
    /// How much haste it has.
    pub priority: Priority,
    /// A category, or none.
    pub category: Option<String>,
    /// A member's id or an imported name.
    pub assignee: Option<String>,
    /// A team's key.
    pub team: Option<String>,
    /// Who asks.
    pub requester: Option<String>,
    /// Labels.
    pub tags: BTreeSet<String>,
    /// When it was created.
    pub created_at: UtcMillis,
    /// When it last changed.
    pub updated_at: UtcMillis,
    /// The clock that runs out next, or ran out already and still runs.
    pub next_due: Option<NextDue>,
    /// Edits that wait to be sent.
    pub unsent: bool,
    /// Fields with concurrent values.
    pub conflicted: bool,
}

pub use desk_domain::projection::NextDue;

/// What the list is sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TicketSort {
    /// The newest change first.
    #[default]
    Updated,
    /// The newest first.
    Created,
    /// The most hasty first, then the newest change.
    Priority,
    /// The clock that runs out first; tickets without one last.
    Due,
}

/// Which tickets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct TicketFilter {
    /// Any of these; empty means all.
    pub statuses: Vec<Status>,
    /// Any of these; empty means all.
    pub priorities: Vec<Priority>,
    /// Whose.
    pub assignee: AssigneeFilter,
    /// This team's.
    pub team: Option<String>,
    /// With this tag.
    pub tag: Option<String>,
    /// In this category.
    pub category: Option<String>,
    /// Not done, with a clock that ran out and still runs: what `Counts::breached` counts.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub breached: bool,
    /// Not done, with a clock that runs out within so many minutes, or ran out already.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_within_min: Option<u32>,
    /// What is typed into the search box; words are found in title, description, comments and number.
    pub text: Option<String>,
}

/// Whose tickets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "who", content = "is", rename_all = "snake_case")]
pub enum AssigneeFilter {
    /// Everybody's.
    #[default]
    Anyone,
    /// Nobody's.
    Nobody,
    /// This one's (a member's id or an imported name).
    Is(String),
}

/// A piece of the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketPage {
    /// Where in the whole list the first row stands.
    pub offset: u32,
    /// The rows.
    pub rows: Vec<TicketRow>,
}

/// A ticket with its clocks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TicketView {
    /// The ticket.
    pub ticket: Ticket,
    /// `TK-XXXXXXXX`.
    pub number: String,
    /// Its SLA clocks, read at `read_at`.
    pub clocks: Clocks,
    /// When the clocks were read.
    pub read_at: UtcMillis,
    /// The status moves that the workflow allows from here.
    pub moves: Vec<Status>,
    /// The number of another ticket is the same.
    pub number_shared: bool,
    /// Edits of it wait to be sent.
    pub unsent: bool,
    /// It may not be edited here (a newer schema, a read-only store).
    pub read_only: bool,
}

/// A change of a ticket, as its history tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketChange {
    /// Its hash, in hexadecimal.
    pub change: String,
    /// When it was made.
    pub at: UtcMillis,
    /// Who made it: a member's id, an imported name or, for a change that the log does not tell of, the device in
    /// hexadecimal.
    pub by: String,
    /// Since when its device had not reached the server, if it had no connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offline_since: Option<UtcMillis>,
    /// The log entries that tell of it, oldest first.
    pub entries: Vec<EntryId>,
}

/// A ticket as the author of a change saw it: with what the change builds on, and nothing that others did meanwhile.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PastTicket {
    /// The change.
    pub change: TicketChange,
    /// Its place among the ticket's changes, from 0.
    pub place: u32,
    /// How many changes the ticket has now.
    pub changes: u32,
    /// The ticket then, with its clocks as they stood when the change was made.
    pub view: TicketView,
}

/// A line of the article list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArticleRow {
    /// The document's id.
    pub id: DocId,
    /// Its headline.
    pub title: String,
    /// Who finds it.
    pub status: ArticleStatus,
    /// A category, or none.
    pub category: Option<String>,
    /// Labels.
    pub tags: BTreeSet<String>,
    /// When it last changed.
    pub updated_at: UtcMillis,
}

/// An article with what may be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArticleView {
    /// The article.
    pub article: Article,
    /// Its body as HTML that is safe to insert: Markdown rendered, then sanitised.
    pub body_html: String,
    /// It may not be edited here.
    pub read_only: bool,
}

/// A line of the incident list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncidentRow {
    /// The document's id.
    pub id: DocId,
    /// `INC-XXXXXXXX`.
    pub number: String,
    /// One line that says what is wrong.
    pub title: String,
    /// How bad it is.
    pub severity: Severity,
    /// Where the response stands.
    pub status: IncidentStatus,
    /// When it was declared.
    pub created_at: UtcMillis,
    /// When it last changed.
    pub updated_at: UtcMillis,
    /// When it escalates unless somebody acknowledges it.
    pub escalates_at: Option<UtcMillis>,
    /// Where its proposal stands; absent when a person declared it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proposal: Option<ProposalState>,
}

/// Somebody who asked in a linked ticket, with how often.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Customer {
    /// The requester; absent for tickets without one.
    pub requester: Option<String>,
    /// In how many of the linked tickets that are here.
    pub tickets: u32,
}

/// An incident with its number and what may be done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IncidentView {
    /// The incident.
    pub incident: Incident,
    /// `INC-XXXXXXXX`.
    pub number: String,
    /// The moves that are allowed from here.
    pub moves: Vec<IncidentStatus>,
    /// How its escalation stands; absent where there is none and will be none.
    pub escalation: Option<EscalationView>,
    /// The linked tickets that this device has.
    pub tickets: Vec<TicketRow>,
    /// Who asked in them, the most tickets first.
    pub customers: Vec<Customer>,
    /// The rule's proposal and what became of it; absent when a person declared the incident.
    pub proposal: Option<Proposal>,
    /// What the post-mortem says is to be done.
    pub action_items: Vec<ActionItem>,
    /// It may not be edited here.
    pub read_only: bool,
}

impl IncidentView {
    /// When somebody is told next unless it is acknowledged.
    pub fn escalates_at(&self) -> Option<UtcMillis> {
        let next = self.escalation.as_ref()?.next.as_ref()?;
        match next.step {
            Step::Start { .. } | Step::Page(_) => Some(next.at),
            Step::Expire | Step::End { .. } => None,
        }
    }
}

/// How the escalation of an incident stands, by what this device has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EscalationView {
    /// When it began; absent when it is about to.
    pub started_at: Option<UtcMillis>,
    /// By which policy it goes on.
    pub policy: Policy,
    /// Who was told, in the order of rounds and levels.
    pub pages: Vec<SentPage>,
    /// Who has taken the incident, so that nobody is told.
    pub hold: Option<Hold>,
    /// Why it ended.
    pub ended: Option<EndReason>,
    /// What the server does next, by what is known here; absent when it waits for people.
    pub next: Option<NextStep>,
}

/// A level that was told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentPage {
    /// When.
    pub at: UtcMillis,
    /// Which level, and who.
    #[serde(flatten)]
    pub page: Page,
}

/// Who is on call, and by which settings, as far as this device knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OnCallView {
    /// The instant that is now.
    pub at: UtcMillis,
    /// The member may change the settings.
    pub may_edit: bool,
    /// By key.
    pub schedules: Vec<ScheduleView>,
    /// By key.
    pub policies: Vec<PolicyView>,
}

/// An on-call schedule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduleView {
    /// Its key in the settings.
    pub key: String,
    /// What was written.
    pub schedule: Schedule,
    /// Who is on call now; nobody in a gap.
    pub member: Option<MemberId>,
    /// By what.
    pub source: Source,
    /// Who is on call in the period that was asked for, gaps included; empty when it cannot be used.
    pub stretches: Vec<Stretch>,
    /// Why it cannot be used, or what is wrong with it.
    pub problem: Option<String>,
}

/// An escalation policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyView {
    /// Its key in the settings.
    pub key: String,
    /// What was written.
    pub policy: Policy,
    /// What is wrong with it.
    pub problem: Option<String>,
}

/// The next step of an escalation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NextStep {
    /// When it is due.
    pub at: UtcMillis,
    /// What.
    #[serde(flatten)]
    pub step: Step,
}

/// Something that a search found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SearchHit {
    /// What it is.
    pub kind: DocKind,
    /// The document's id.
    pub id: DocId,
    /// `TK-…`, `INC-…`, or nothing for an article.
    pub number: Option<String>,
    /// Its title.
    pub title: String,
    /// Its status, spelled as in the document.
    pub status: String,
    /// When it last changed.
    pub updated_at: UtcMillis,
}

/// Who is signed in, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Who {
    /// The member.
    pub member: Member,
    /// The workspace's name.
    pub workspace: String,
    /// The server's address; absent for a workspace on this device alone.
    pub server: Option<String>,
}

/// What the interface needs before its first paint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SessionView {
    /// Who is signed in.
    pub who: Option<Who>,
    /// The workspace's settings, once there are some.
    pub workspace: Option<Workspace>,
    /// Interface settings of this device and member.
    pub settings: Settings,
    /// Why the store may only be read, if that is so.
    pub read_only: Option<ApiError>,
    /// The device's present instant; the interface counts on from it.
    pub now: UtcMillis,
    /// The device's zone: since when it is how many minutes east of UTC, oldest first. The web view's own rules may be
    /// years old.
    #[serde(default)]
    pub zone_offsets: Vec<(UtcMillis, i32)>,
    /// How sync stands.
    pub sync: SyncView,
    /// Alerts that are not acknowledged.
    pub open_alerts: u32,
    /// Why the last session ended, when it was not the person's own doing; until somebody signs in.
    #[serde(default)]
    pub ended: Option<ApiError>,
    /// What was last typed into the sign-in form, without the password.
    pub last_sign_in: Option<LastSignIn>,
}

/// What the sign-in form is filled with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastSignIn {
    /// The server's address.
    pub server: String,
    /// The workspace's short name.
    pub workspace: String,
    /// The member's address.
    pub email: String,
}

/// Interface settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// Interface language.
    pub language: Language,
    /// Colours.
    pub theme: Theme,
}

impl Default for Settings {
    /// Russian first, colours as the system has them.
    fn default() -> Self {
        Self { language: Language::Ru, theme: Theme::System }
    }
}

/// Interface language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    /// Russian.
    Ru,
    /// English.
    En,
}

/// Colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Theme {
    /// As the system has it.
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

/// How sync stands, in data; the interface puts it in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncView {
    /// Grows with each view that the process gives: of two that cross on their way, the greater is how it stands now.
    #[serde(default)]
    pub number: u64,
    /// What it does now.
    pub phase: SyncPhase,
    /// Edits that wait to be sent.
    pub waiting: u32,
    /// When everything was last level with the server.
    pub synced_at: Option<UtcMillis>,
    /// Since when the server cannot be reached.
    pub offline_since: Option<UtcMillis>,
    /// Refused edits that nobody has dealt with.
    pub rejected: u32,
    /// What went wrong last, while it is still wrong.
    pub problem: Option<ApiError>,
    /// A new device gets the workspace: documents that are here, of all.
    #[serde(default)]
    pub bootstrap: Option<Progress>,
    /// The search index is being filled: parts that are done, of all. Lists are complete meanwhile.
    #[serde(default)]
    pub indexing: Option<Progress>,
}

/// How far something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// So much is done.
    pub done: u64,
    /// Of so much.
    pub total: u64,
}

/// What sync does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SyncPhase {
    /// There is no server: a workspace on this device alone, or nobody is signed in.
    Local,
    /// Level with the server and listening.
    Idle,
    /// Sending or receiving.
    Busy,
    /// The server cannot be reached; trying again by itself.
    Offline,
    /// It will not go on without the person (session over, upgrade needed).
    Stopped,
}

/// A refused edit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RejectedEdit {
    /// Its number on this device.
    pub id: i64,
    /// What it was about: `TK-…`, `INC-…` or an article's title.
    pub subject: String,
    /// What kind of document.
    pub kind: DocKind,
    /// What was tried.
    pub edit: Edit,
    /// Why not, for programs.
    pub code: String,
    /// Why not, for people.
    pub reason: String,
    /// When it was edited.
    pub edited_at: UtcMillis,
    /// When it was refused.
    pub rejected_at: UtcMillis,
}

/// A refused edit was proposed again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Proposed {
    /// What kind of document.
    pub kind: DocKind,
    /// The document; another than the refused edit's when that id was taken.
    pub doc: DocId,
    /// The refused edits that are left, the newest first.
    pub rejected: Vec<RejectedEdit>,
}

/// A text that is being typed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    /// Where it belongs: `reply/DOC`, `note/DOC`, `new-ticket`, `article/DOC`, `new-article`, `new-incident`…
    pub key: String,
    /// The text, or the form's fields as JSON.
    pub body: String,
    /// When it was last saved.
    pub saved_at: UtcMillis,
}

/// The alerts page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertsView {
    /// Neither acknowledged nor put off, the newest first, at most five hundred.
    pub open: Vec<Alert>,
    /// How many are open, counted up to a thousand.
    pub open_total: u32,
    /// Put off, the first to come back first, at most five hundred.
    pub snoozed: Vec<Alert>,
    /// Acknowledged, the newest first, at most a hundred.
    pub acknowledged: Vec<Alert>,
    /// What was raised up to here is read.
    pub read_at: Option<UtcMillis>,
}

/// How the application lives on this device, apart from its window. Kept on the device alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Presence {
    /// It starts when the person signs in to the computer.
    pub autostart: bool,
    /// Started so, it shows no window until it is asked to.
    pub start_hidden: bool,
    /// Closing the window leaves the application in the tray, so that alerts go on.
    pub close_to_tray: bool,
}

impl Default for Presence {
    /// Nothing starts by itself; closing the window leaves alerts running.
    fn default() -> Self {
        Self { autostart: false, start_hidden: true, close_to_tray: true }
    }
}

/// How the application lives on this device, with what the device can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PresenceView {
    /// What was chosen.
    #[serde(flatten)]
    pub presence: Presence,
    /// There is a tray to close the window to.
    pub has_tray: bool,
}

/// How many tickets stand behind each entry of the navigation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Assigned to the member, not done.
    pub mine: u32,
    /// Assigned to nobody, not done.
    pub unassigned: u32,
    /// Not done.
    pub active: u32,
    /// Not done, with a clock that ran out.
    pub breached: u32,
    /// Incidents that are not over.
    pub incidents: u32,
    /// Published articles and drafts.
    pub articles: u32,
    /// The clock that runs out next among all tickets; those that ran out already are not it.
    #[serde(default)]
    pub next_due: Option<DueTicket>,
}

/// A ticket with the clock that is shown for it, in the status line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DueTicket {
    /// The document's id.
    pub id: DocId,
    /// `TK-XXXXXXXX`.
    pub number: String,
    /// One line that says what it is about.
    pub title: String,
    /// The clock.
    pub due: NextDue,
}

/// A tag with how many tickets bear it, for filters and suggestions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagCount {
    /// The tag.
    pub tag: String,
    /// Tickets that bear it.
    pub tickets: u32,
}
