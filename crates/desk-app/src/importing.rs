//! An import into this desk's store.

use std::{collections::HashMap, io::Read, num::NonZero, sync::Arc};

use desk_api::{ApiError, ErrorCode};
use desk_domain::{
    edit::{Edit, Ops},
    state::State,
    ticket::Ticket,
};
use desk_store::Batch;
use futures::{StreamExt, stream};
use jiff::tz::TimeZone;

use crate::{
    Cancel, Desk,
    edit::Sending,
    error,
    import::{Format, ImportEdit, ImportError, ImportSink, Options, Outcome, Progress, Report, run},
};

impl Desk {
    /// Imports a file. `zone` is where its dates without a zone were written; the workspace's if none is named.
    ///
    /// # Errors
    /// When nobody is signed in, the zone is unknown, or see [`ImportError`].
    pub async fn import<R: Read + Send + 'static>(
        &self,
        input: R,
        format: Format,
        zone: Option<&str>,
        observe: &(dyn Fn(&Progress) + Send + Sync),
        cancel: &Cancel,
    ) -> Result<Report, ImportError> {
        let session = self.require_session().map_err(ImportError::Store)?;
        self.require_writable().map_err(ImportError::Store)?;
        let named = zone.map(str::to_owned).or_else(|| self.workspace().map(|workspace| workspace.zone));
        let name = named.unwrap_or_else(|| "UTC".to_owned());
        let zone = TimeZone::get(&name).map_err(|_| {
            let what = format!("{name:?} is no time zone; name one like Europe/Moscow");
            ImportError::Store(ApiError::new(ErrorCode::Invalid, what).at("zone"))
        })?;
        let options = Options { zone, imported_by: session.member.to_string(), now: self.now() };
        run(input, format, options, &mut Sink { desk: self }, observe, cancel).await
    }
}

struct Sink<'a> {
    desk: &'a Desk,
}

impl ImportSink for Sink<'_> {
    async fn find(&mut self, system: &str, keys: &[String]) -> Result<HashMap<String, Ticket>, ApiError> {
        let mut found = HashMap::new();
        for key in keys {
            let Some(doc) = self.desk.store().find_source(system, key).await.map_err(error::store)? else {
                continue;
            };
            if let Some(State::Ticket(ticket)) = self.desk.state(doc).await? {
                found.insert(key.clone(), *ticket);
            }
        }
        Ok(found)
    }

    async fn commit(&mut self, edits: Vec<ImportEdit>) -> Result<Vec<Outcome>, ApiError> {
        let desk = self.desk;
        let _writing = desk.inner.writing.lock().await;
        desk.follow_device().await?;
        // Only now: the store may have been erased while this waited.
        let session = desk.require_session()?;
        let mut outcomes = Vec::with_capacity(edits.len());
        let mut batch = Batch::default();
        // Writing the documents is nearly all the work, and each is by itself: all processors share it. An import
        // never has two edits of one ticket in a batch.
        let mut prepared = stream::iter(edits)
            .map(|ImportEdit { doc, steps }| {
                let edit = Edit { doc: doc.unwrap_or_else(|| desk.fresh_doc()), ops: Ops::Ticket(steps) };
                let (desk, session) = (desk.clone(), Arc::clone(&session));
                tokio::spawn(async move { desk.prepare(&session, &edit, Sending::Committed).await })
            })
            .buffered(std::thread::available_parallelism().map_or(1, NonZero::get));
        while let Some(prepared) = prepared.next().await {
            let prepared = prepared.map_err(error::internal)?;
            match prepared {
                Ok(Some(prepared)) => {
                    batch.docs.push(prepared.write);
                    batch.outbox.extend(prepared.outbox);
                    outcomes.push(Outcome::Done);
                }
                Ok(None) => outcomes.push(Outcome::Done),
                Err(problem) if refuses(problem.code) => outcomes.push(Outcome::Refused(problem.message)),
                Err(problem) => return Err(problem),
            }
        }
        drop(prepared);
        flush(desk, &mut batch).await?;
        Ok(outcomes)
    }
}

async fn flush(desk: &Desk, batch: &mut Batch) -> Result<(), ApiError> {
    let batch = std::mem::take(batch);
    if batch.docs.is_empty() {
        return Ok(());
    }
    let committed = desk.store().commit(&batch).await.map_err(error::store)?;
    desk.committed(&committed);
    Ok(())
}

/// The edit is at fault, not the store.
fn refuses(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::Invalid
            | ErrorCode::TooLarge
            | ErrorCode::Forbidden
            | ErrorCode::NewerSchema
            | ErrorCode::NotFound
    )
}
