//! Whether the lists say what the documents say: looked at a little at a time while nothing else is to do, and as a whole
//! by `desk doctor`.
//!
//! Rows of a new device come from the server with its documents; this is where they are found out if they are wrong.

use std::collections::HashMap;

use desk_api::{
    ApiError,
    view::{ArticleRow, IncidentRow, TicketRow},
};
use desk_docs::Document;
use desk_domain::{
    ids::{DocId, DocKind, incident_number, ticket_number},
    projection::{ArticleLine, IncidentLine, Row, TicketLine},
    time::UtcMillis,
};
use desk_store::{DocWrite, StoreError, StoredDocument};
use tokio::task::spawn_blocking;

use crate::{Desk, desk::WorkspaceRules, edit::write_of, error};

/// Documents that are looked at at once: few enough that a machine which is left alone does next to nothing. A hundred
/// thousand are gone through in a day.
const PAGE: u32 = 16;

/// How far a walk over the rows has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    kind: DocKind,
    /// The last document that was looked at.
    after: Option<DocId>,
}

impl Place {
    /// Where a walk begins.
    pub(crate) const START: Self = Self { kind: DocKind::Ticket, after: None };

    /// The place after a page that ended with `last`, or was empty: the next kind that stands in a list, and at the end the
    /// beginning again.
    fn after(self, last: Option<DocId>) -> Self {
        let kind = match (last, self.kind) {
            (Some(_), kind) => kind,
            (None, DocKind::Ticket) => DocKind::Article,
            (None, DocKind::Article) => DocKind::Incident,
            (None, DocKind::Incident | DocKind::Workspace | DocKind::Personal) => DocKind::Ticket,
        };
        Self { kind, after: last }
    }
}

/// A line of a list.
#[derive(Clone, Debug)]
pub(crate) enum Shown {
    /// Of the tickets.
    Ticket(Box<TicketRow>),
    /// Of the articles.
    Article(Box<ArticleRow>),
    /// Of the incidents.
    Incident(Box<IncidentRow>),
}

impl Desk {
    /// Looks at the next rows and mends those that are wrong. Gives back where to go on, and how many were wrong.
    pub(crate) async fn check_some_rows(&self, place: Place) -> Result<(Place, usize), ApiError> {
        let page =
            self.store().documents_of_kind(place.kind, place.after, PAGE).await.map_err(error::store)?;
        let next = place.after(page.last().map(|stored| stored.id));
        let shown = self.shown_rows(place.kind, &page).await?;
        let (rules, now) = (self.rules(), self.now());
        // Opening so many documents would hold up what else runs on this thread.
        let writes = spawn_blocking(move || differing(page, shown, &rules, now)).await;
        let writes = writes.map_err(error::internal)?;
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

    /// The rows that lists show of these documents, which are all of one kind. Settings stand in none.
    pub(crate) async fn shown_rows(
        &self,
        kind: DocKind,
        page: &[StoredDocument],
    ) -> Result<HashMap<DocId, Shown>, ApiError> {
        let ids: Vec<DocId> = page.iter().map(|stored| stored.id).collect();
        let store = self.store();
        Ok(match kind {
            DocKind::Ticket => {
                let rows = store.ticket_rows(&ids).await.map_err(error::store)?;
                rows.into_iter().map(|row| (row.id, Shown::Ticket(Box::new(row)))).collect()
            }
            DocKind::Article => {
                let rows = store.article_rows(&ids).await.map_err(error::store)?;
                rows.into_iter().map(|row| (row.id, Shown::Article(Box::new(row)))).collect()
            }
            DocKind::Incident => {
                let rows = store.incident_rows(&ids).await.map_err(error::store)?;
                rows.into_iter().map(|row| (row.id, Shown::Incident(Box::new(row)))).collect()
            }
            DocKind::Workspace | DocKind::Personal => HashMap::new(),
        })
    }
}

/// Those of the documents whose rows are not what they say, derived anew. What does not read is not among them; `desk
/// doctor` tells of it.
fn differing(
    page: Vec<StoredDocument>,
    mut shown: HashMap<DocId, Shown>,
    rules: &WorkspaceRules,
    now: UtcMillis,
) -> Vec<DocWrite> {
    let mut writes = Vec::new();
    for stored in page {
        let Ok(mut document) = Document::open(stored.id, stored.kind, stored.snapshot) else { continue };
        let Ok(state) = document.read() else { continue };
        let write = write_of(&mut document, Some(stored.heads), Some(&state), rules, now);
        if !fits(shown.remove(&stored.id).as_ref(), &write) {
            writes.push(write);
        }
    }
    writes
}

/// The row that is shown (none for a deleted document and for settings) is the one that the document makes.
pub(crate) fn fits(shown: Option<&Shown>, write: &DocWrite) -> bool {
    match (&write.row, shown) {
        (Some(Row::Ticket(line)), Some(Shown::Ticket(shown))) => {
            !line.deleted && ticket(write, line, shown) == **shown
        }
        (Some(Row::Article(line)), Some(Shown::Article(shown))) => {
            !line.deleted && article(write.id, line) == **shown
        }
        (Some(Row::Incident(line)), Some(Shown::Incident(shown))) => {
            !line.deleted && incident(write.id, line, shown) == **shown
        }
        (Some(row), None) => !row.is_visible(),
        (Some(_) | None, _) => false,
    }
}

fn ticket(write: &DocWrite, line: &TicketLine, shown: &TicketRow) -> TicketRow {
    TicketRow {
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
    }
}

fn article(id: DocId, line: &ArticleLine) -> ArticleRow {
    ArticleRow {
        id,
        title: line.title.clone(),
        status: line.status,
        category: line.category.clone(),
        tags: line.tags.clone(),
        updated_at: line.updated_at,
    }
}

fn incident(id: DocId, line: &IncidentLine, shown: &IncidentRow) -> IncidentRow {
    IncidentRow {
        id,
        number: incident_number(id),
        title: line.title.clone(),
        severity: line.severity,
        status: line.status,
        created_at: line.created_at,
        updated_at: line.updated_at,
        // The settings and the present instant say so too.
        escalates_at: shown.escalates_at,
        proposal: line.proposal,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use desk_api::{
        call::CreateIncident,
        view::{TicketFilter, TicketSort},
    };
    use desk_domain::{edit::NewTicket, incident::Severity};

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
        let (tickets, articles) = (Place::START, Place { kind: DocKind::Article, after: None });
        let last = Place { after: Some(id), ..tickets };
        assert_eq!(desk.check_some_rows(tickets).await.unwrap(), (last, 0));

        let (mut document, heads) = desk.load(id).await.unwrap().unwrap();
        let state = document.read().unwrap();
        let mut wrong = write_of(&mut document, Some(heads), Some(&state), &desk.rules(), desk.now());
        let Some(Row::Ticket(line)) = &mut wrong.row else { panic!("no ticket") };
        line.title = "Принтер".to_owned();
        desk.store().replace_projection(&[wrong]).await.unwrap();
        assert!(titles(&desk).await.contains(&"Принтер".to_owned()));
        assert!(!desk.doctor(false).await.unwrap().healthy);

        assert_eq!(desk.check_some_rows(tickets).await.unwrap(), (last, 1));
        assert_eq!(desk.check_some_rows(last).await.unwrap(), (articles, 0));
        assert!(titles(&desk).await.contains(&"Сканер".to_owned()));
        assert!(desk.doctor(false).await.unwrap().healthy);
    }

    /// A title that the document does not have.
    fn spoil(row: &mut Row) {
        let title = match row {
            Row::Ticket(line) => &mut line.title,
            Row::Article(line) => &mut line.title,
            Row::Incident(line) => &mut line.title,
            Row::Settings => panic!("settings stand in no list"),
        };
        "Другое".clone_into(title);
    }

    #[tokio::test]
    async fn rows_of_articles_and_incidents_are_looked_at_too() {
        let dir = tempfile::tempdir().unwrap();
        let config =
            Config { data_dir: dir.path().to_owned(), keychain: Box::new(NoKeychain), must_exist: false };
        let desk = Desk::open(config).await.unwrap();
        desk.init("Отдел", "anna@example.org").await.unwrap();
        let article = desk
            .create_article("Почта".to_owned(), "Как настроить".to_owned(), None, BTreeSet::new())
            .await
            .unwrap()
            .article
            .id;
        let new = CreateIncident {
            title: "Касса".to_owned(),
            summary: String::new(),
            severity: Severity::P3,
            services: BTreeSet::new(),
            impact_at: None,
            tickets: Vec::new(),
        };
        let incident = desk.create_incident(new).await.unwrap().incident.id;
        for (id, kind) in [(article, DocKind::Article), (incident, DocKind::Incident)] {
            let (mut document, heads) = desk.load(id).await.unwrap().unwrap();
            let state = document.read().unwrap();
            let mut wrong = write_of(&mut document, Some(heads), Some(&state), &desk.rules(), desk.now());
            spoil(wrong.row.as_mut().unwrap());
            desk.store().replace_projection(&[wrong]).await.unwrap();
            assert!(!desk.doctor(false).await.unwrap().healthy, "{kind:?}");

            let here = Place { kind, after: None };
            assert_eq!(desk.check_some_rows(here).await.unwrap(), (Place { kind, after: Some(id) }, 1));
            assert!(desk.doctor(false).await.unwrap().healthy, "{kind:?}");
        }
        let mut place = Place::START;
        let mut kinds = Vec::new();
        for _ in 0..6 {
            kinds.push(place.kind);
            place = desk.check_some_rows(place).await.unwrap().0;
        }
        let around = [
            DocKind::Ticket,
            DocKind::Article,
            DocKind::Article,
            DocKind::Incident,
            DocKind::Incident,
            DocKind::Ticket,
        ];
        assert_eq!(kinds, around, "each kind once until its end, then from the beginning");
    }
}
