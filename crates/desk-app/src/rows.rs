//! Whether the ticket list says what the documents say: looked at a little at a time while nothing else is to do, and as
//! a whole by `desk doctor`.
//!
//! Rows of a new device come from the server with its documents; this is where they are found out if they are wrong.

use std::collections::HashMap;

use desk_api::{ApiError, ErrorCode, view::TicketRow};
use desk_docs::Document;
use desk_domain::{
    ids::{DocId, DocKind, ticket_number},
    projection::Row,
    time::UtcMillis,
};
use desk_store::{DocWrite, StoreError, StoredDocument};
use tokio::task::spawn_blocking;

use crate::{Desk, desk::WorkspaceRules, edit::write_of, error};

/// Documents that are looked at at once: about what opening one ticket page costs.
const PAGE: u32 = 64;

impl Desk {
    /// Looks at the next tickets after `after` and mends rows that are wrong. Gives back where to go on, nothing at the end,
    /// and how many were wrong.
    pub(crate) async fn check_some_rows(
        &self,
        after: Option<DocId>,
    ) -> Result<(Option<DocId>, usize), ApiError> {
        let page =
            self.store().documents_of_kind(DocKind::Ticket, after, PAGE).await.map_err(error::store)?;
        let next = page.last().map(|stored| stored.id);
        let shown = self.shown_rows(&page).await?;
        let (rules, now) = (self.rules(), self.now());
        // Opening so many documents would hold up what else runs on this thread.
        let writes = spawn_blocking(move || differing(page, shown, &rules, now)).await;
        let writes = writes.map_err(|problem| ApiError::new(ErrorCode::Internal, problem.to_string()))?;
        let wrong = writes.len();
        if wrong > 0 {
            tracing::warn!(rows = wrong, "rows did not fit their documents and are derived anew");
            match self.store().replace_projection(&writes).await {
                // Somebody writes one of them at this moment, and derives it anew by that.
                Ok(_) | Err(StoreError::Stale { .. }) => {}
                Err(problem) => return Err(error::store(problem)),
            }
        }
        Ok((next, wrong))
    }

    /// The rows that the list shows of these tickets.
    pub(crate) async fn shown_rows(
        &self,
        page: &[StoredDocument],
    ) -> Result<HashMap<DocId, TicketRow>, ApiError> {
        let ids: Vec<DocId> = page.iter().map(|stored| stored.id).collect();
        let rows = self.store().ticket_rows(&ids).await.map_err(error::store)?;
        Ok(rows.into_iter().map(|row| (row.id, row)).collect())
    }
}

/// Those of the tickets whose rows are not what their documents say, derived anew. What does not read is not among them;
/// `desk doctor` tells of it.
fn differing(
    page: Vec<StoredDocument>,
    mut shown: HashMap<DocId, TicketRow>,
    rules: &WorkspaceRules,
    now: UtcMillis,
) -> Vec<DocWrite> {
    let mut writes = Vec::new();
    for stored in page {
        let Ok(mut document) = Document::load(stored.id, stored.kind, &stored.snapshot) else { continue };
        let Ok(state) = document.read() else { continue };
        let write = write_of(&mut document, Some(stored.heads), Some(&state), rules, now);
        if !fits(shown.remove(&stored.id).as_ref(), &write) {
            writes.push(write);
        }
    }
    writes
}

/// The row that is shown (none for a deleted ticket) is the one that the document makes.
pub(crate) fn fits(shown: Option<&TicketRow>, write: &DocWrite) -> bool {
    match (&write.row, shown) {
        (Some(Row::Ticket(line)), Some(shown)) => {
            let expected = TicketRow {
                id: write.id,
                number: ticket_number(write.id),
                title: line.title.clone(),
                status: line.status,
                priority: line.priority,
                category: line.category.clone(),
                assignee: line.assignee.clone(),
                team: line.team.clone(),
                requester: line.requester.clone(),
                tags: line.tags.clone(),
                created_at: line.created_at,
                updated_at: line.updated_at,
                next_due: write.next_due,
                conflicted: line.conflicted,
                // The outbox says so, not the document.
                unsent: shown.unsent,
            };
            !line.deleted && expected == *shown
        }
        (Some(row), None) => !row.is_visible(),
        (Some(_) | None, _) => false,
    }
}

#[cfg(test)]
mod tests {
    use desk_api::view::{TicketFilter, TicketSort};
    use desk_domain::edit::NewTicket;

    use super::*;
    use crate::{Config, secrets::NoKeychain};

    async fn titles(desk: &Desk) -> Vec<String> {
        let page = desk.list_tickets(&TicketFilter::default(), TicketSort::Updated, 0, 10).await.unwrap();
        page.rows.into_iter().map(|row| row.title).collect()
    }

    #[tokio::test]
    async fn a_row_that_says_something_else_is_found_and_mended() {
        let dir = tempfile::tempdir().unwrap();
        let config =
            Config { data_dir: dir.path().to_owned(), keychain: Box::new(NoKeychain), must_exist: false };
        let desk = Desk::open(config).await.unwrap();
        desk.init("Отдел", "anna@example.org").await.unwrap();
        desk.create_ticket(NewTicket::titled("Мышь")).await.unwrap();
        let id = desk.create_ticket(NewTicket::titled("Сканер")).await.unwrap().ticket.id;
        assert_eq!(desk.check_some_rows(None).await.unwrap(), (Some(id), 0));

        let (mut document, heads) = desk.load(id).await.unwrap().unwrap();
        let state = document.read().unwrap();
        let mut wrong = write_of(&mut document, Some(heads), Some(&state), &desk.rules(), desk.now());
        let Some(Row::Ticket(line)) = &mut wrong.row else { panic!("no ticket") };
        line.title = "Принтер".to_owned();
        desk.store().replace_projection(&[wrong]).await.unwrap();
        assert!(titles(&desk).await.contains(&"Принтер".to_owned()));
        assert!(!desk.doctor(false).await.unwrap().healthy);

        assert_eq!(desk.check_some_rows(None).await.unwrap(), (Some(id), 1));
        assert_eq!(desk.check_some_rows(Some(id)).await.unwrap(), (None, 0));
        assert!(titles(&desk).await.contains(&"Сканер".to_owned()));
        assert!(desk.doctor(false).await.unwrap().healthy);
    }
}
