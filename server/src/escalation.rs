//! Runs the escalations of all workspaces: each process looks for what is due and takes it, one step at a time.
//!
//! A step is one transaction that holds its workspace, as every write does: it reads the incident and the settings as they are
//! then, asks [`desk_domain::escalation::next`] what is due, and writes the step as the server's own change, the mail that goes
//! out for it and when to look next. So of several processes one takes it, the others find it taken; and one that dies at any
//! instant leaves it wholly taken or not at all. The entry's id derives from the step: even a copy of the database that went on
//! by itself would write the same entry.
//!
//! Which incidents to look at is a table beside the documents ([`crate::storage::Escalations`]). What other processes write is found
//! within [`crate::http::Limits::look_outside`].
//!
//! The machine's clock decides. It is asked anew each time, so a clock that is set shows at once; one that was set back has
//! everything looked at. What that does to escalations that run says [`desk_domain::escalation::run`].

use std::sync::Arc;

use desk_docs::{Document, LoadError};
use desk_domain::{
    edit::{Edit, Ops, Stamped},
    escalation::{self, Step, policy_of},
    ids::{DocId, WorkspaceId},
    incident::Incident,
    people::SERVER_NAME,
    state::State,
    time::UtcMillis,
    workspace::Workspace,
};
use tokio::sync::watch;

use crate::{
    clock::pause,
    http::App,
    mail::letter,
    members::{MemberError, read_settings},
    random::FreshIds,
    storage::{Look, StorageError},
    sync::own::{OwnError, Pen},
};

/// Incidents that are looked at before the clock is asked again.
const BATCH: u32 = 64;
/// How long an incident is left alone whose step failed.
const AGAIN_MS: i64 = 60_000;

/// A clock that shows so much less than before was set back; less than that is as well waited for.
const SET_BACK_MS: i64 = 10_000;

/// Why a step was not taken; nothing of it was written.
#[derive(Debug, thiserror::Error)]
enum StepError {
    #[error(transparent)]
    Storage(#[from] StorageError),
    #[error(transparent)]
    Damaged(#[from] LoadError),
    #[error(transparent)]
    Own(#[from] OwnError),
    #[error(transparent)]
    Settings(#[from] MemberError),
    /// A bug: the next step is one whose entry stands there.
    #[error("the step is written already")]
    Stuck,
}

/// Takes steps as they fall due until the server stops.
pub async fn run(app: Arc<App>, mut stopping: watch::Receiver<bool>) {
    let mut seen = None;
    loop {
        let now = app.clock.now();
        let next = match look_again(&app, seen, now).await {
            Ok(()) => {
                seen = Some(now);
                take_due(&app, &stopping).await
            }
            Err(error) => Err(error),
        };
        let pause = match next {
            Ok(next) => pause(next, app.clock.now(), app.limits.look_outside),
            Err(error) => {
                tracing::error!(%error, "escalations could not be looked at");
                app.limits.look_outside
            }
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            // An error means that the sender is gone, which is the end as well.
            _ = stopping.wait_for(|stop| *stop) => return,
        }
    }
}

/// Looks at everything anew where the clock was set back since it was `seen` last, or may have been while no process ran: when to
/// look next was written down by the clock as it was then.
async fn look_again(app: &App, seen: Option<UtcMillis>, now: UtcMillis) -> Result<(), StorageError> {
    if seen.is_some_and(|seen| seen.since(now) <= SET_BACK_MS) {
        return Ok(());
    }
    if seen.is_some() {
        tracing::warn!(%now, "the clock was set back; all escalations are looked at");
    }
    app.storage.look_at_escalations_after(now).await
}

/// Takes everything that is due; says when the next is.
async fn take_due(app: &App, stopping: &watch::Receiver<bool>) -> Result<Option<UtcMillis>, StorageError> {
    loop {
        let due = app.storage.due_escalations(app.clock.now(), BATCH).await?;
        if due.is_empty() {
            return app.storage.next_escalation().await;
        }
        for (workspace, incident) in due {
            if *stopping.borrow() {
                return Ok(None);
            }
            if let Err(error) = take(app, workspace, incident).await {
                tracing::error!(%error, incident.id = %incident, "a step of an escalation failed");
                put_off(app, workspace, incident).await?;
            }
        }
    }
}

/// Takes the step of one incident that is due, if it still is, and writes down when to look next.
#[tracing::instrument(skip_all, fields(workspace.id = %workspace, incident.id = %incident))]
async fn take(app: &App, workspace: WorkspaceId, incident: DocId) -> Result<(), StepError> {
    let mut tx = app.storage.begin(workspace).await?;
    let now = app.clock.now();
    if tx.escalation_due(incident).await?.is_none_or(|at| at > now) {
        return Ok(());
    }
    let Some(record) = tx.workspace().await? else { return Ok(()) };
    let Some(stored) = tx.document(incident).await? else {
        tx.look_at_escalation(incident, Look::Never).await?;
        return Ok(tx.commit().await?);
    };
    let settings = read_settings(tx.as_mut(), &record).await?;
    // One of a newer version is for a newer server, which looks again: it changes something in it.
    let Some(before) = read(&Document::load(stored.id, stored.kind, &stored.snapshot)?) else {
        tx.look_at_escalation(incident, Look::Never).await?;
        return Ok(tx.commit().await?);
    };
    let due = escalation::next(&before, &settings, now).filter(|due| due.at <= now);
    let Some(mut due) = due else {
        tx.look_at_escalation(incident, look(&before, &settings, now)).await?;
        return Ok(tx.commit().await?);
    };
    let mut mail = Vec::new();
    if let Step::Page(page) = &mut due.step {
        // Without a mail server nobody is told by mail, and the timeline does not say so.
        if app.mail.is_none() {
            page.email.clear();
        }
        mail = letter::pages(&before, &settings, page, due.entry, now);
    }
    let told = due.step.as_str();
    let op = due.step.op();
    let step = Stamped { at: now, by: SERVER_NAME.to_owned(), entry: Some(due.entry), op };
    let edit = Edit { doc: incident, ops: Ops::Incident(vec![step]) };
    let ids = FreshIds::at(now, app.random.as_ref());
    Pen::new(tx.as_mut(), &record, now, &ids).write(&edit, stored.owner).await?;
    tx.post(&mail).await?;
    let written = tx.document(incident).await?.filter(|written| written.seq > stored.seq);
    let written = written.ok_or(StepError::Stuck)?;
    let head = written.seq;
    let after = read(&Document::load(written.id, written.kind, &written.snapshot)?);
    let look = after.map_or(Look::Never, |after| look(&after, &settings, now));
    tx.look_at_escalation(incident, look).await?;
    tx.commit().await?;
    app.hub.saw_head(workspace, head);
    tracing::info!(step = told, mail = mail.len(), sync.seq = head, "escalation");
    Ok(())
}

/// The incident, if this program can read it.
fn read(document: &Document) -> Option<Incident> {
    match document.read() {
        Ok(State::Incident(incident)) => Some(*incident),
        Ok(State::Ticket(_) | State::Article(_) | State::Workspace(_) | State::Personal(_)) => None,
        Err(error) => {
            tracing::warn!(%error, "the escalation of an incident waits for a newer server");
            None
        }
    }
}

/// When to look at an incident next.
fn look(incident: &Incident, settings: &Workspace, now: UtcMillis) -> Look {
    match escalation::next(incident, settings, now) {
        Some(due) => Look::At(due.at),
        None if waits(incident, settings) => Look::WhenSettingsChange,
        None => Look::Never,
    }
}

/// It would begin if there were a policy for it.
fn waits(incident: &Incident, settings: &Workspace) -> bool {
    !incident.deleted
        && !incident.status.is_done()
        && !incident.is_proposed()
        && escalation::escalation(incident).is_none()
        && policy_of(incident, settings).is_none()
}

/// Leaves an incident alone for a while, so that the others have their turn.
async fn put_off(app: &App, workspace: WorkspaceId, incident: DocId) -> Result<(), StorageError> {
    let mut tx = app.storage.begin(workspace).await?;
    tx.look_at_escalation(incident, Look::At(app.clock.now().plus_ms(AGAIN_MS))).await?;
    tx.commit().await
}
