//! Tickets: lists, one ticket, edits, comments.

use desk_api::{
    ApiError, ErrorCode,
    view::{Counts, TagCount, TicketFilter, TicketPage, TicketRow, TicketSort, TicketView},
};
use desk_domain::{
    edit::{NewTicket, Ops, TicketOp},
    ids::{CommentId, DocId, DocKind, normalize_number},
    sla::{self, Explanation},
    state::State,
    ticket::{AuthorSide, Status, Ticket, Visibility},
};
use desk_store::{Batch, StoreError};

use crate::{Desk, edit::wrong_kind, error};

/// Most rows that a list is asked for at once.
const PAGE_MAX: u32 = 500;

/// Most tags that are offered.
const TAGS_MAX: u32 = 500;

impl Desk {
    /// Reads into memory what lists need, beside whatever else goes on: when a window starts or a new device has its
    /// tickets, so that the first list need not wait for it.
    pub fn prepare_lists_in_background(&self) {
        let store = self.store().clone();
        tokio::spawn(async move {
            match store.prepare_lists().await {
                Ok(()) | Err(StoreError::Closed) => {}
                Err(error) => tracing::warn!(%error, "lists are not prepared"),
            }
        });
    }

    /// A piece of the ticket list.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn list_tickets(
        &self,
        filter: &TicketFilter,
        sort: TicketSort,
        offset: u32,
        limit: u32,
    ) -> Result<TicketPage, ApiError> {
        let rows = self
            .store()
            .list_tickets(filter, sort, offset, limit.min(PAGE_MAX), self.now())
            .await
            .map_err(error::store)?;
        Ok(TicketPage { offset, rows })
    }

    /// Every ticket that a filter finds, page by page, for scripts.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn all_tickets(
        &self,
        filter: &TicketFilter,
        sort: TicketSort,
    ) -> Result<Vec<TicketRow>, ApiError> {
        let mut rows = Vec::new();
        loop {
            let offset = u32::try_from(rows.len()).unwrap_or(u32::MAX);
            let page = self.list_tickets(filter, sort, offset, PAGE_MAX).await?.rows;
            let full = page.len() == PAGE_MAX as usize;
            rows.extend(page);
            if !full {
                return Ok(rows);
            }
        }
    }

    /// How many tickets a filter finds.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn count_tickets(&self, filter: &TicketFilter) -> Result<u32, ApiError> {
        self.store().count_tickets(filter, self.now()).await.map_err(error::store)
    }

    /// The numbers beside the navigation's entries.
    ///
    /// # Errors
    /// When nobody is signed in or the store does not answer.
    pub async fn counts(&self) -> Result<Counts, ApiError> {
        let session = self.require_session()?;
        self.store().counts(&session.member.to_string(), self.now()).await.map_err(error::store)
    }

    /// The tags that tickets bear, the most used first.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn tags(&self) -> Result<Vec<TagCount>, ApiError> {
        self.store().list_tags(TAGS_MAX).await.map_err(error::store)
    }

    /// A ticket, whole; `None` when this device has none of that id.
    ///
    /// # Errors
    /// When it is damaged.
    pub async fn ticket(&self, id: DocId) -> Result<Option<TicketView>, ApiError> {
        match self.shown(id).await? {
            Some(State::Ticket(ticket)) => self.ticket_view(*ticket).await.map(Some),
            Some(_) => Err(wrong_kind(DocKind::Ticket)),
            None => Ok(None),
        }
    }

    /// The ticket that a person means: its number as they type it, its id, or its key in the system it was imported from.
    ///
    /// # Errors
    /// When there is none, or two bear the number.
    pub async fn find_ticket(&self, text: &str) -> Result<DocId, ApiError> {
        let text = text.trim();
        if let Ok(id) = text.parse::<DocId>() {
            return Ok(id);
        }
        let mut found = match normalize_number(text, "TK") {
            Some(number) => self.store().ticket_by_number(&number).await.map_err(error::store)?,
            None => Vec::new(),
        };
        match (found.pop(), found.is_empty()) {
            (Some(id), true) => Ok(id),
            (Some(id), false) => {
                found.push(id);
                let ids: Vec<String> = found.iter().map(DocId::to_string).collect();
                let what = format!(
                    "{} tickets bear the number {text}; name one by its id: {}",
                    ids.len(),
                    ids.join(", ")
                );
                Err(ApiError::new(ErrorCode::Invalid, what))
            }
            (None, _) => Err(ApiError::new(
                ErrorCode::NotFound,
                format!("there is no ticket {text:?} here; see `desk ticket list`, or sync first"),
            )),
        }
    }

    /// Makes a ticket.
    ///
    /// # Errors
    /// When a value breaks a rule.
    pub async fn create_ticket(&self, ticket: NewTicket) -> Result<TicketView, ApiError> {
        let ticket = NewTicket { status: Status::Open, source: None, ..ticket };
        let extra = Batch { drop_drafts: vec!["new-ticket".to_owned()], ..Batch::default() };
        let ops = vec![TicketOp::Create { ticket }];
        self.written(self.edit_ops(self.fresh_doc(), ops, Ops::Ticket, extra).await?).await
    }

    /// Edits a ticket: all steps in one change.
    ///
    /// # Errors
    /// When a step breaks a rule; none is made then.
    pub async fn edit_ticket(&self, id: DocId, ops: Vec<TicketOp>) -> Result<TicketView, ApiError> {
        self.written(self.edit_ops(id, ops, Ops::Ticket, Batch::default()).await?).await
    }

    /// Writes a reply or a note, and drops its draft in the same transaction.
    ///
    /// # Errors
    /// When it is empty or too long.
    pub async fn add_comment(
        &self,
        id: DocId,
        visibility: Visibility,
        body: String,
    ) -> Result<TicketView, ApiError> {
        let draft = match visibility {
            Visibility::Public => format!("reply/{id}"),
            Visibility::Internal => format!("note/{id}"),
        };
        let comment = TicketOp::AddComment {
            id: CommentId(self.inner.ids.fresh()),
            visibility,
            side: AuthorSide::Staff,
            body,
        };
        let extra = Batch { drop_drafts: vec![draft], ..Batch::default() };
        self.written(self.edit_ops(id, vec![comment], Ops::Ticket, extra).await?).await
    }

    /// Why the due times of a ticket are what they are.
    ///
    /// # Errors
    /// When the ticket is damaged or written by a newer version.
    pub async fn explain_sla(&self, id: DocId) -> Result<Option<Explanation>, ApiError> {
        match self.state(id).await? {
            Some(State::Ticket(ticket)) => {
                Ok(Some(sla::explain(&ticket, &self.rules().rules.sla, self.now())))
            }
            Some(_) => Err(wrong_kind(DocKind::Ticket)),
            None => Ok(None),
        }
    }

    /// A ticket with its clocks, as they stand now.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn ticket_view(&self, ticket: Ticket) -> Result<TicketView, ApiError> {
        let rules = self.rules();
        let now = self.now();
        let number = ticket.number();
        let sharing = self.store().ticket_by_number(&number).await.map_err(error::store)?;
        let unsent = !self.store().outbox_of(ticket.id).await.map_err(error::store)?.is_empty();
        let moves = rules
            .workspace
            .as_ref()
            .map(|workspace| {
                let allowed =
                    |to: &&Status| **to != ticket.status && workspace.workflow.allows(ticket.status, **to);
                Status::ALL.iter().filter(allowed).copied().collect()
            })
            .unwrap_or_default();
        Ok(TicketView {
            clocks: sla::clocks(&ticket, &rules.rules.sla, now),
            number,
            read_at: now,
            moves,
            number_shared: sharing.len() > 1,
            unsent,
            read_only: self.place().read_only.is_some() || ticket.schema > desk_docs::SCHEMA,
            ticket,
        })
    }

    async fn written(&self, state: State) -> Result<TicketView, ApiError> {
        match state {
            State::Ticket(ticket) => self.ticket_view(*ticket).await,
            State::Article(_) | State::Incident(_) | State::Workspace(_) | State::Personal(_) => {
                Err(wrong_kind(DocKind::Ticket))
            }
        }
    }
}
