//! A ticket's past: its changes, and the ticket as the author of each saw it.

use desk_api::{
    ApiError,
    view::{PastTicket, TicketChange, TicketView},
};
use desk_docs::{Document, PastChange};
use desk_domain::{
    ids::{DocId, DocKind},
    sla,
    state::State,
};

use crate::{Desk, edit::wrong_kind, error};

impl Desk {
    /// The changes of a ticket, oldest first; `None` when this device has none of that id.
    ///
    /// # Errors
    /// When it is damaged.
    pub async fn ticket_history(&self, id: DocId) -> Result<Option<Vec<TicketChange>>, ApiError> {
        let Some(mut document) = self.ticket_document(id).await? else { return Ok(None) };
        Ok(Some(document.history().iter().map(told).collect()))
    }

    /// The ticket as the author of a change saw it once the change was made, with its clocks of that moment; `None` when
    /// this device has no such ticket, or the ticket no such change. `change` is the change's hash in hexadecimal, or as
    /// much of its beginning as tells it from the others.
    ///
    /// # Errors
    /// When the ticket is damaged or written by a newer version.
    pub async fn ticket_at(&self, id: DocId, change: &str) -> Result<Option<PastTicket>, ApiError> {
        let Some(mut document) = self.ticket_document(id).await? else { return Ok(None) };
        let changes = document.history();
        let wanted = change.to_ascii_lowercase();
        let mut found =
            changes.iter().enumerate().filter(|(_, past)| hex::encode(past.hash).starts_with(&wanted));
        let (Some((place, past)), None) = (found.next(), found.next()) else { return Ok(None) };
        let Some(then) = document.as_of(past.hash) else { return Ok(None) };
        let State::Ticket(ticket) = then.read().map_err(|problem| error::read(&problem))? else {
            return Err(wrong_kind(DocKind::Ticket));
        };
        let view = TicketView {
            clocks: sla::clocks(&ticket, &self.rules().rules.sla, past.at),
            number: ticket.number(),
            read_at: past.at,
            moves: Vec::new(),
            number_shared: false,
            unsent: false,
            read_only: true,
            ticket: *ticket,
        };
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Ok(Some(PastTicket { change: told(past), place: count(place), changes: count(changes.len()), view }))
    }

    async fn ticket_document(&self, id: DocId) -> Result<Option<Document>, ApiError> {
        match self.load(id).await? {
            Some((document, _)) if document.kind() == DocKind::Ticket => Ok(Some(document)),
            Some(_) => Err(wrong_kind(DocKind::Ticket)),
            None => Ok(None),
        }
    }
}

fn told(past: &PastChange) -> TicketChange {
    TicketChange {
        change: hex::encode(past.hash),
        at: past.at,
        by: past.by.clone(),
        offline_since: past.offline_since,
        entries: past.entries.clone(),
    }
}
