//! A ticket as the interface, the rules and the command line see it; `desk-docs` reads it from a document.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    ids::{CommentId, DocId, EntryId, ticket_number},
    time::UtcMillis,
    words::words,
};

words! {
    /// Where a ticket stands. Which moves are allowed is data of the workspace (`workspace::Workflow`).
    Status, "status" {
        /// New, nobody works on it yet.
        Open = "open",
        /// Somebody works on it.
        InProgress = "in_progress",
        /// Waiting for the requester or a third party; SLA clocks pause here by default.
        Pending = "pending",
        /// Answered; waits for the requester's confirmation.
        Resolved = "resolved",
        /// Finished for good.
        Closed = "closed",
        /// Will not be done.
        Cancelled = "cancelled",
    }
}

impl Status {
    /// Work is over: resolved, closed or cancelled. Every SLA clock stands still.
    pub fn is_done(self) -> bool {
        match self {
            Self::Resolved | Self::Closed | Self::Cancelled => true,
            Self::Open | Self::InProgress | Self::Pending => false,
        }
    }
}

words! {
    /// How much haste a ticket has. Ordered: `Low` is the least.
    Priority, "priority" {
        /// When there is time.
        Low = "low",
        /// The default.
        Medium = "medium",
        /// Before the ordinary ones.
        High = "high",
        /// Today.
        Urgent = "urgent",
        /// Everything stands still until it is solved.
        Critical = "critical",
    }
}

words! {
    /// Who may read a comment.
    Visibility, "visibility" {
        /// The requester reads it too.
        Public = "public",
        /// Staff alone.
        Internal = "internal",
    }
}

words! {
    /// Whether a public comment comes from the requester's side or from staff. SLA clocks need to know.
    AuthorSide, "author side" {
        /// The person who asks.
        Requester = "requester",
        /// Agent, manager or admin.
        Staff = "staff",
    }
}

/// Longest title, in characters (Unicode scalar values).
pub const TITLE_MAX_CHARS: usize = 500;
/// Longest description or comment body, in bytes of UTF-8. What is longer belongs in an attachment.
pub const BODY_MAX_BYTES: usize = 1_048_576;
/// Longest tag, category, custom key or name, in characters.
pub const NAME_MAX_CHARS: usize = 200;
/// Longest custom field value, in bytes of UTF-8.
pub const CUSTOM_MAX_BYTES: usize = 16_384;

/// A ticket, whole.
///
/// People (`requester`, `assignee`, authors) are strings: the id of a member, or, in an imported ticket, the
/// name the source system had. A name is never a member, so an import can speak for nobody.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ticket {
    /// The document's id.
    pub id: DocId,
    /// One line that says what it is about.
    pub title: String,
    /// The whole request; plain text or Markdown.
    pub description: String,
    /// Where it stands.
    pub status: Status,
    /// How much haste it has.
    pub priority: Priority,
    /// A category of the workspace, or none.
    pub category: Option<String>,
    /// The member (or imported name) who works on it.
    pub assignee: Option<String>,
    /// The key of the team that it belongs to.
    pub team: Option<String>,
    /// Who asks: a member's id, an e-mail address or a name.
    pub requester: Option<String>,
    /// Labels.
    pub tags: BTreeSet<String>,
    /// Fields of the workspace's own.
    pub custom: BTreeMap<String, String>,
    /// The conversation, oldest first; deleted ones included, flagged.
    pub comments: Vec<Comment>,
    /// What happened, oldest first.
    pub log: Vec<LogEntry>,
    /// Where an imported ticket came from.
    pub source: Option<Source>,
    /// When it was created (in the source system, for an import).
    pub created_at: UtcMillis,
    /// When it last changed: the newest entry of the log or comment.
    pub updated_at: UtcMillis,
    /// The ticket was deleted: kept, hidden from lists.
    pub deleted: bool,
    /// Fields to which different values were written concurrently.
    pub conflicts: Vec<Conflict>,
    /// The document's schema number; newer than ours means read-only.
    pub schema: u32,
}

impl Ticket {
    /// `TK-XXXXXXXX`.
    pub fn number(&self) -> String {
        ticket_number(self.id)
    }
}

/// One message of a ticket's conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comment {
    /// Its key in the document.
    pub id: CommentId,
    /// A member's id, or an imported name.
    pub author: String,
    /// Whether staff or the requester speaks.
    pub side: AuthorSide,
    /// Who may read it.
    pub visibility: Visibility,
    /// Plain text or Markdown.
    pub body: String,
    /// When it was written.
    pub created_at: UtcMillis,
    /// Withdrawn by its author: kept, not shown.
    pub deleted: bool,
}

/// What a log entry tells of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum LogEvent {
    /// The ticket came into being.
    Created {
        /// Its first status.
        status: Status,
        /// Its first priority.
        priority: Priority,
    },
    /// The status moved.
    Status {
        /// What it was.
        from: Status,
        /// What it is now.
        to: Status,
    },
    /// The priority changed.
    Priority {
        /// What it was.
        from: Priority,
        /// What it is now.
        to: Priority,
    },
    /// Another field changed: `title`, `description`, `category`, `assignee`, `team`, `requester`, or `custom.KEY`.
    Field {
        /// The field's name.
        field: String,
        /// What it was; a description's text is not repeated here.
        from: Option<String>,
        /// What it is now.
        to: Option<String>,
    },
    /// A tag was put on or taken off.
    Tag {
        /// The tag.
        tag: String,
        /// On (`true`) or off.
        on: bool,
    },
    /// A comment was written. SLA clocks listen to the public ones.
    Reply {
        /// Which one.
        comment: CommentId,
        /// Who may read it.
        visibility: Visibility,
        /// Whether staff or the requester spoke.
        side: AuthorSide,
    },
    /// A comment was withdrawn.
    CommentDeleted {
        /// Which one.
        comment: CommentId,
    },
    /// The ticket was deleted (`true`) or brought back.
    Deleted {
        /// What holds from now on.
        deleted: bool,
    },
}

/// One entry of the append-only log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogEntry {
    /// Its key in the document.
    pub id: EntryId,
    /// When it happened.
    pub at: UtcMillis,
    /// A member's id, or an imported name.
    pub by: String,
    /// What happened.
    #[serde(flatten)]
    pub event: LogEvent,
}

/// Where an imported ticket came from; its presence is what allows names instead of member ids.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// The format it was imported with: `servicenow-csv`, `github-archive`, `csv`.
    pub system: String,
    /// Its key there, unique within `system` and the file's origin (`INC0000045`, `tlswg/x#5`).
    pub key: String,
    /// The member who imported it.
    pub imported_by: String,
}

/// A field to which different values were written concurrently: the first is the one that the merge picked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conflict {
    /// The field's name.
    pub field: String,
    /// All values that still stand, the winner first.
    pub values: Vec<ConflictValue>,
}

/// One of the values of a conflict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConflictValue {
    /// The value as text.
    pub value: Option<String>,
    /// The member who wrote it.
    pub by: String,
    /// When.
    pub at: UtcMillis,
    /// Since when the writer's device had not reached the server at that moment; `None` when it had a connection, or did
    /// not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offline_since: Option<UtcMillis>,
}
