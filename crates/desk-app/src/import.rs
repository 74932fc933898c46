//! Imports: a file of another system becomes tickets whose logs, and so whose SLA clocks, follow the real
//! timestamps, authors and order.
//!
//! An importer reads its file as a stream ([`read`]) and tells [`Item`]s: a ticket's history as the source knew it,
//! or a row that it cannot take, with its line and the reason. [`run`] drives an importer on a blocking thread,
//! asks an [`ImportSink`] (the store) which of the tickets it has, plans what is new ([`plan`]) and commits that in
//! batches.
//!
//! Invariants:
//! - memory does not grow with the file: rows, JSON elements and batches have byte limits, and nothing else is kept;
//! - a repeated import changes nothing, and a longer file adds only what it has more: a ticket is found by its
//!   [`Source`](desk_domain::ticket::Source), a comment by an id derived from its natural key, a change by its
//!   instant, author, field and value in the ticket's log;
//! - an edit made here after the import stays, unless the source itself changed that field later;
//! - nothing is dropped in silence: what cannot be kept is told as refused, with its line.
//!
//! Not here: writing documents and rows (`desk-docs`, `desk-store`), reading command-line arguments (`desk-cli`).

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Read,
    ops::ControlFlow,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use desk_api::{ApiError, ErrorCode};
use desk_domain::{
    ticket::{AuthorSide, Priority, Status, Visibility},
    time::UtcMillis,
};
use jiff::tz::TimeZone;
use serde::Serialize;

pub mod dates;
pub mod delimited;
pub mod github;
pub mod mapped;
pub mod plan;
mod run;
pub mod servicenow;
#[cfg(test)]
mod tests;
mod text;

pub use mapped::CsvMap;
pub use run::{ImportEdit, ImportSink, Outcome, run};

/// What kind of file it is.
#[derive(Clone, Debug, PartialEq)]
pub enum Format {
    /// The audit log of a ServiceNow instance: one row per update of an incident.
    ServicenowCsv,
    /// A repository's issues and pull requests as `martinthomson/i-d-template` archives them.
    GithubArchive {
        /// Take the reviews of pull requests as comments too. The comments on the conversation always come.
        reviews: bool,
    },
    /// Any CSV file whose columns a map names.
    Csv(Box<CsvMap>),
}

impl Format {
    /// The name under which the command line knows it and `Source::system` keeps it.
    pub fn system(&self) -> &'static str {
        match self {
            Self::ServicenowCsv => "servicenow-csv",
            Self::GithubArchive { .. } => "github-archive",
            Self::Csv(_) => "csv",
        }
    }
}

/// How to read a file.
#[derive(Clone, Debug)]
pub struct Options {
    /// The zone of dates that say none.
    pub zone: TimeZone,
    /// The member who imports; stands in every new ticket's source.
    pub imported_by: String,
    /// The present instant: when a change happened of which the file does not say when.
    pub now: UtcMillis,
}

/// What an importer tells, in the order of the file.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// A ticket, or a further piece of one that was told before.
    Ticket(ImportedTicket),
    /// A row, element or comment that cannot be taken. What stands around it is taken.
    Refused(Refused),
}

/// What could not be taken, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// The line of the file where it begins, from 1.
    pub line: u64,
    /// Why, for people.
    pub reason: String,
}

/// What a file tells of one ticket.
#[derive(Clone, Debug, PartialEq)]
pub struct ImportedTicket {
    /// Its key in the source system.
    pub key: String,
    /// The line of the file where it begins, from 1.
    pub line: u64,
    /// When it came into being there.
    pub created_at: UtcMillis,
    /// Who made it there.
    pub created_by: String,
    /// Its title if no snapshot tells one.
    pub fallback_title: String,
    /// What the source said of it, in the source's order; at least one.
    pub history: Vec<Snapshot>,
    /// Whether `history` is one.
    pub telling: Telling,
    /// Its comments, oldest first.
    pub comments: Vec<ImportedComment>,
}

/// How a source tells of changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Telling {
    /// Every snapshot is how the ticket stood after one update, with that update's author and instant.
    Updates,
    /// The source knows how the ticket stands now, and of the past only what the earlier snapshots say. What
    /// differs from the last import happened at the given instant, by somebody unknown.
    Present {
        /// When the source last changed the ticket.
        changed_at: UtcMillis,
    },
}

/// How a ticket stood. `None` in an outer `Option` means that the source does not tell.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// Since when.
    pub at: UtcMillis,
    /// By whose doing.
    pub by: String,
    /// One line that says what it is about.
    pub title: Option<String>,
    /// The whole request.
    pub description: Option<String>,
    /// Where it stands.
    pub status: Status,
    /// How much haste it has.
    pub priority: Option<Priority>,
    /// A category, or none.
    pub category: Option<Option<String>>,
    /// Who works on it.
    pub assignee: Option<Option<String>>,
    /// The team that it belongs to.
    pub team: Option<Option<String>>,
    /// Who asks.
    pub requester: Option<Option<String>>,
    /// All its labels.
    pub tags: Option<BTreeSet<String>>,
    /// Fields that have no place of their own; `None` says that one is empty.
    pub custom: BTreeMap<String, Option<String>>,
}

impl Snapshot {
    /// A snapshot that tells nothing but the status.
    pub fn new(at: UtcMillis, by: impl Into<String>, status: Status) -> Self {
        Self {
            at,
            by: by.into(),
            title: None,
            description: None,
            status,
            priority: None,
            category: None,
            assignee: None,
            team: None,
            requester: None,
            tags: None,
            custom: BTreeMap::new(),
        }
    }
}

/// A comment of the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedComment {
    /// What tells it from the ticket's other comments, the same in every file of the source; its id derives from it.
    pub key: String,
    /// When it was written.
    pub at: UtcMillis,
    /// When it was last edited there; `at` if never.
    pub edited_at: UtcMillis,
    /// Who wrote it.
    pub by: String,
    /// Who may read it.
    pub visibility: Visibility,
    /// Whether staff or the requester spoke.
    pub side: AuthorSide,
    /// Plain text or Markdown.
    pub body: String,
}

/// How far an import is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Progress {
    /// Bytes of the file that were read.
    pub bytes_read: u64,
    /// Tickets whose import is committed, unchanged ones included.
    pub tickets: u64,
    /// Rows that were refused.
    pub refused: u64,
}

/// What an import did; its JSON is what `desk --json import` prints.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// What it made.
    pub created: Created,
    /// Tickets that were here and got something new.
    pub updated: u64,
    /// Tickets that were here and are as the file says.
    pub unchanged: u64,
    /// What it could not take, in the order in which it was met.
    pub refused: Vec<Refused>,
}

/// What an import made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Created {
    /// New tickets.
    pub tickets: u64,
    /// New comments, on new tickets and on such as were here.
    pub comments: u64,
}

/// Why an import came to no good end.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file is not of the format that was named.
    #[error("{0}")]
    BadFile(String),
    /// The map of a CSV file is none.
    #[error("the map cannot be used: {0}")]
    BadMap(String),
    /// The file could not be read.
    #[error("the file cannot be read: {0}")]
    Read(#[from] std::io::Error),
    /// It was cancelled. What the report counts is committed.
    #[error("the import was cancelled; what was imported so far stays, and repeating it goes on from there")]
    Cancelled(Box<Report>),
    /// The store could not take a batch.
    #[error(transparent)]
    Store(ApiError),
}

impl From<ImportError> for ApiError {
    fn from(error: ImportError) -> Self {
        let code = match error {
            ImportError::Store(error) => return error,
            ImportError::BadFile(_) | ImportError::Read(_) => ErrorCode::BadFile,
            ImportError::BadMap(_) => ErrorCode::Invalid,
            ImportError::Cancelled(_) => ErrorCode::Cancelled,
        };
        Self::new(code, error.to_string())
    }
}

/// Reads a file as a stream and tells what it holds to `tell`, until that breaks off.
///
/// # Errors
/// [`ImportError::BadFile`] when the file is not of the format; nothing or little was told then.
/// [`ImportError::Read`] when reading fails.
pub fn read(
    format: &Format,
    options: &Options,
    input: impl Read,
    tell: &mut dyn FnMut(Item) -> ControlFlow<()>,
) -> Result<(), ImportError> {
    match format {
        Format::ServicenowCsv => servicenow::read(options, input, tell),
        Format::GithubArchive { reviews } => github::read(*reviews, options, input, tell),
        Format::Csv(map) => mapped::read(map, options, input, tell),
    }
}

/// Counts the bytes that pass, for the progress.
struct Counted<R> {
    inner: R,
    bytes: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.bytes.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}
