//! Drives an import: the file is read on a blocking thread, its tickets go to the store in batches.

use std::{
    collections::{HashMap, HashSet, hash_map::DefaultHasher},
    hash::{Hash, Hasher},
    io::Read,
    ops::ControlFlow,
    sync::{Arc, atomic::AtomicU64, atomic::Ordering},
};

use crate::Cancel;
use desk_api::ApiError;
use desk_domain::{
    edit::{Stamped, TicketOp},
    ids::DocId,
    ticket::Ticket,
};
use tokio::sync::mpsc;

use super::{
    Counted, Format, ImportError, ImportedTicket, Item, Options, Progress, Refused, Report,
    plan::{Origin, plan},
    read,
};

/// How many tickets go into one commit of the store.
const BATCH_TICKETS: usize = 500;
/// How many bytes of text go into one commit, roughly.
const BATCH_BYTES: usize = 4 * 1024 * 1024;
/// How many steps go into one change of a ticket.
const CHANGE_STEPS: usize = 2_000;
/// How many bytes of text go into one change, roughly; well below what may cross the wire.
const CHANGE_BYTES: usize = 2 * 1024 * 1024;
/// So many refused rows mean that the file is not what it was said to be; they are also all that is remembered.
const MAX_REFUSED: usize = 100_000;
/// Of so many tickets it is remembered as what they were counted, so that a later piece of one is not counted again;
/// beyond them a ticket whose rows lie far apart may be.
const REMEMBERED_TICKETS: usize = 1_000_000;

/// What a ticket gets.
#[derive(Clone, Debug, PartialEq)]
pub struct ImportEdit {
    /// The ticket; `None` makes a new one, and the first step is its `Create`.
    pub doc: Option<DocId>,
    /// The steps, in order, with their own instants and authors: one edit, one change.
    pub steps: Vec<Stamped<TicketOp>>,
}

/// What became of an edit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is in the store.
    Done,
    /// It breaks a rule (a limit, the workflow, a permission); the store is as if it had not been tried.
    Refused(String),
}

/// Where imported tickets go: the store behind the use-cases.
pub trait ImportSink: Send {
    /// The tickets that came from `system` with one of `keys`, deleted ones included, by key. Keys that no ticket
    /// has are absent. Several tickets with one source (two devices imported it offline) are told by the oldest id.
    fn find(
        &mut self,
        system: &str,
        keys: &[String],
    ) -> impl Future<Output = Result<HashMap<String, Ticket>, ApiError>> + Send;

    /// Commits the edits, in one transaction as far as they hold; one outcome for each, in their order.
    fn commit(
        &mut self,
        edits: Vec<ImportEdit>,
    ) -> impl Future<Output = Result<Vec<Outcome>, ApiError>> + Send;
}

/// Imports a file into `sink`. `observe` is told of the progress after each batch and each stretch of reading.
///
/// What was committed before an error or a cancellation stays; the same import begun again goes on from there.
///
/// # Errors
/// [`ImportError`]: the file is not of the format, cannot be read, the store fails, or `cancel` was set.
pub async fn run<R, S>(
    input: R,
    format: Format,
    options: Options,
    sink: &mut S,
    observe: &(dyn Fn(&Progress) + Send + Sync),
    cancel: &Cancel,
) -> Result<Report, ImportError>
where
    R: Read + Send + 'static,
    S: ImportSink,
{
    let bytes = Arc::new(AtomicU64::new(0));
    // A batch is read while the one before it is committed, no more.
    let (to_store, mut batches) = mpsc::channel::<Batch>(1);
    let mut import = Import {
        system: format.system(),
        imported_by: options.imported_by.clone(),
        report: Report::default(),
        counted: HashMap::new(),
    };
    let reading = {
        let input = Counted { inner: input, bytes: Arc::clone(&bytes) };
        let cancel = cancel.clone();
        tokio::task::spawn_blocking(move || read_batches(&format, &options, input, &to_store, &cancel))
    };
    let mut progress = Progress::default();
    let mut failure = None;
    while let Some(batch) = batches.recv().await {
        if cancel.is_cancelled() {
            break;
        }
        match import.take(batch, sink).await {
            Ok(tickets) => progress.tickets += tickets,
            Err(error) => {
                failure = Some(error);
                break;
            }
        }
        progress.bytes_read = bytes.load(Ordering::Relaxed);
        progress.refused = import.report.refused.len() as u64;
        observe(&progress);
    }
    // The reader's next send fails now, and it ends.
    drop(batches);
    let read = match reading.await {
        Ok(read) => read,
        Err(error) => Err(ImportError::Read(std::io::Error::other(error))),
    };
    if let Some(error) = failure {
        return Err(error);
    }
    if cancel.is_cancelled() {
        return Err(ImportError::Cancelled(Box::new(import.report)));
    }
    read?;
    Ok(import.report)
}

/// What goes to the store at once.
#[derive(Default)]
struct Batch {
    tickets: Vec<ImportedTicket>,
    refused: Vec<Refused>,
}

/// Reads the file and sends it on in batches; ends early when nobody receives them any more.
fn read_batches(
    format: &Format,
    options: &Options,
    input: impl Read,
    to_store: &mpsc::Sender<Batch>,
    cancel: &Cancel,
) -> Result<(), ImportError> {
    let mut batch = Batch::default();
    let mut bytes = 0;
    let mut keys = HashSet::new();
    let mut tell = |item: Item| {
        let ticket = match item {
            Item::Ticket(ticket) => ticket,
            Item::Refused(refused) => {
                batch.refused.push(refused);
                let full = batch.refused.len() >= BATCH_TICKETS;
                if full && to_store.blocking_send(std::mem::take(&mut batch)).is_err() {
                    return ControlFlow::Break(());
                }
                return ControlFlow::Continue(());
            }
        };
        // Two pieces of one ticket never go into one batch: the second is planned from what the first left.
        let size = weight(&ticket);
        if batch.tickets.len() >= BATCH_TICKETS || bytes + size > BATCH_BYTES || keys.contains(&ticket.key) {
            if to_store.blocking_send(std::mem::take(&mut batch)).is_err() {
                return ControlFlow::Break(());
            }
            keys.clear();
            bytes = 0;
        }
        bytes += size;
        keys.insert(ticket.key.clone());
        batch.tickets.push(ticket);
        if cancel.is_cancelled() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let outcome = read(format, options, input, &mut tell);
    // What was read before an error is good.
    let _ = to_store.blocking_send(batch);
    outcome
}

/// How many steps go into one change; at least one.
fn fitting(steps: &[Stamped<TicketOp>]) -> usize {
    let mut bytes = 0;
    let fit = steps.iter().take(CHANGE_STEPS).take_while(|step| {
        bytes += match &step.op {
            TicketOp::Create { ticket } => ticket.description.len(),
            TicketOp::SetDescription { description } => description.len(),
            TicketOp::AddComment { body, .. } => body.len(),
            TicketOp::SetCustom { value, .. } => 2 * value.as_ref().map_or(0, String::len),
            TicketOp::SetTitle { .. }
            | TicketOp::SetStatus { .. }
            | TicketOp::SetPriority { .. }
            | TicketOp::SetCategory { .. }
            | TicketOp::SetAssignee { .. }
            | TicketOp::SetTeam { .. }
            | TicketOp::SetRequester { .. }
            | TicketOp::SetTag { .. }
            | TicketOp::DeleteComment { .. }
            | TicketOp::SetDeleted { .. } => 100,
        };
        bytes <= CHANGE_BYTES
    });
    fit.count().max(1)
}

/// About how many bytes a ticket takes.
fn weight(ticket: &ImportedTicket) -> usize {
    let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
    let history: usize = ticket
        .history
        .iter()
        .map(|snapshot| {
            let custom: usize = snapshot.custom.iter().map(|(key, value)| key.len() + text(value)).sum();
            custom + text(&snapshot.title) + text(&snapshot.description) + 200
        })
        .sum();
    let comments: usize = ticket.comments.iter().map(|comment| comment.body.len() + 100).sum();
    history + comments
}

/// As what a ticket is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Count {
    Unchanged,
    Updated,
    Created,
}

/// The import's state between batches.
struct Import {
    system: &'static str,
    imported_by: String,
    report: Report,
    /// As what each ticket is counted, by its key's hash: a later piece of one is not counted again.
    counted: HashMap<u64, Count>,
}

impl Import {
    /// Brings a batch into the store; how many tickets it held.
    async fn take<S: ImportSink>(&mut self, batch: Batch, sink: &mut S) -> Result<u64, ImportError> {
        self.report.refused.extend(batch.refused);
        if self.report.refused.len() > MAX_REFUSED {
            return Err(ImportError::BadFile(format!(
                "more than {MAX_REFUSED} rows are refused, the last at line {}: is this the format that was named? \
                 What could be taken stays",
                self.report.refused.last().map_or(0, |refused| refused.line)
            )));
        }
        if batch.tickets.is_empty() {
            return Ok(0);
        }
        let tickets = batch.tickets.len() as u64;
        let mut pending = batch.tickets;
        let mut left: HashMap<String, usize> = HashMap::new();
        // A history that is too long for one change is told in several: what one of them wrote, the next plan knows.
        while !pending.is_empty() {
            pending = self.pass(pending, &mut left, sink).await?;
        }
        Ok(tickets)
    }

    /// Plans the tickets and commits as much of each as goes into one change; gives those of which more is to come.
    /// `left` is how many steps each had to go before.
    async fn pass<S: ImportSink>(
        &mut self,
        tickets: Vec<ImportedTicket>,
        left: &mut HashMap<String, usize>,
        sink: &mut S,
    ) -> Result<Vec<ImportedTicket>, ImportError> {
        let keys: Vec<String> = tickets.iter().map(|ticket| ticket.key.clone()).collect();
        let here = sink.find(self.system, &keys).await.map_err(ImportError::Store)?;
        let imported_by = self.imported_by.clone();
        let origin = Origin { system: self.system, imported_by: &imported_by };
        let mut edits = Vec::new();
        let mut planned = Vec::new();
        for ticket in tickets {
            let existing = here.get(&ticket.key);
            let mut steps = plan(origin, &ticket, existing);
            if steps.is_empty() {
                self.count(&ticket.key, Count::Unchanged);
                continue;
            }
            // A plan that does not get shorter would go on for ever.
            if left.insert(ticket.key.clone(), steps.len()).is_some_and(|before| before <= steps.len()) {
                continue;
            }
            let all = steps.len();
            steps.truncate(fitting(&steps));
            let comments =
                steps.iter().filter(|step| matches!(step.op, TicketOp::AddComment { .. })).count() as u64;
            let (whole, new) = (steps.len() == all, existing.is_none());
            edits.push(ImportEdit { doc: existing.map(|ticket| ticket.id), steps });
            planned.push((ticket, comments, new, whole));
        }
        let mut unfinished = Vec::new();
        if edits.is_empty() {
            return Ok(unfinished);
        }
        let outcomes = sink.commit(edits).await.map_err(ImportError::Store)?;
        for (outcome, (ticket, comments, new, whole)) in outcomes.into_iter().zip(planned) {
            match outcome {
                Outcome::Done => {
                    self.report.created.comments += comments;
                    self.count(&ticket.key, if new { Count::Created } else { Count::Updated });
                    if !whole {
                        unfinished.push(ticket);
                    }
                }
                Outcome::Refused(reason) => {
                    let reason = format!("{}: {reason}", ticket.key);
                    self.report.refused.push(Refused { line: ticket.line, reason });
                }
            }
        }
        Ok(unfinished)
    }

    /// Counts a ticket once, as the most that happened to it.
    fn count(&mut self, key: &str, as_what: Count) {
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        let hash = hasher.finish();
        let before = self.counted.get(&hash).copied();
        if before.is_some_and(|before| before >= as_what) {
            return;
        }
        if before == Some(Count::Unchanged) {
            self.report.unchanged -= 1;
        }
        match as_what {
            Count::Unchanged => self.report.unchanged += 1,
            Count::Updated => self.report.updated += 1,
            Count::Created => self.report.created.tickets += 1,
        }
        if before.is_some() || self.counted.len() < REMEMBERED_TICKETS {
            self.counted.insert(hash, as_what);
        }
    }
}
