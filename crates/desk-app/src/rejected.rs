//! Refused edits: reading them, proposing them again, discarding them.

use desk_api::{
    ApiError, ErrorCode,
    view::{Proposed, RejectedEdit},
};
use desk_domain::{
    edit::{Edit, Ops, Stamped, TicketOp},
    time::UtcMillis,
};
use desk_store::Batch;

use crate::{Desk, error};

/// The server's code for a change whose document id belongs to somebody else.
const WRONG_DOCUMENT: &str = "wrong_document";

impl Desk {
    /// Refused edits, the newest first.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn rejected(&self) -> Result<Vec<RejectedEdit>, ApiError> {
        self.store().rejected().await.map_err(error::store)
    }

    /// One refused edit.
    ///
    /// # Errors
    /// When there is none of that number.
    pub async fn rejected_edit(&self, id: i64) -> Result<RejectedEdit, ApiError> {
        let found = self.store().rejected_change(id).await.map_err(error::store)?;
        found.map(|change| change.edit).ok_or_else(|| missing(id))
    }

    /// Takes a refused edit off the list; [`restore_rejected`](Self::restore_rejected) puts it back.
    ///
    /// # Errors
    /// When there is none of that number.
    pub async fn discard_rejected(&self, id: i64) -> Result<Vec<RejectedEdit>, ApiError> {
        self.require_writable()?;
        if !self.store().discard_rejected(id, self.now()).await.map_err(error::store)? {
            return Err(missing(id));
        }
        self.emit_sync().await;
        self.rejected().await
    }

    /// Puts a discarded edit back on the list. It can be for a month.
    ///
    /// # Errors
    /// When there is none of that number.
    pub async fn restore_rejected(&self, id: i64) -> Result<Vec<RejectedEdit>, ApiError> {
        self.require_writable()?;
        if !self.store().restore_rejected(id).await.map_err(error::store)? {
            return Err(missing(id));
        }
        self.emit_sync().await;
        self.rejected().await
    }

    /// Proposes a refused edit again, as it was or with other steps: a fresh edit of the document as it stands now, made
    /// in the transaction that takes the refused one off the list. What breaks a rule stays on the list.
    ///
    /// A creation makes the document under its old id, so that its number holds, unless that id is taken.
    ///
    /// # Errors
    /// When there is none of that number, its document is not here, or a rule forbids it still.
    pub async fn retry_rejected(&self, id: i64, amended: Option<Ops>) -> Result<Proposed, ApiError> {
        let session = self.require_session()?;
        let refused = self.rejected_edit(id).await?;
        let kind = refused.edit.kind();
        let mut edit = Edit { doc: refused.edit.doc, ops: amended.unwrap_or(refused.edit.ops) };
        if edit.kind() != kind {
            let what = format!("refused edit {id} is one of a {kind:?}, not of a {:?}", edit.kind());
            return Err(ApiError::new(ErrorCode::BadRequest, what));
        }
        edit.ops = restamped(edit.ops, self.now(), &session.member.to_string());
        let is_here = self.store().document(edit.doc).await.map_err(error::store)?.is_some();
        match (edit.ops.creates(), is_here) {
            (true, true) => edit.doc = self.fresh_doc(),
            (true, false) if refused.code == WRONG_DOCUMENT => edit.doc = self.fresh_doc(),
            (true, false) | (false, true) => {}
            (false, false) => {
                let what = "its document is not on this device: propose the edit that makes it first, if that was refused too";
                return Err(ApiError::new(ErrorCode::NotFound, what));
            }
        }
        let doc = edit.doc;
        let extra = Batch {
            proposed_again: vec![id],
            drop_drafts: vec![format!("rejected/{id}")],
            ..Batch::default()
        };
        self.edit_with(edit, extra).await?;
        self.emit_sync().await;
        Ok(Proposed { kind, doc, rejected: self.rejected().await? })
    }
}

fn missing(id: i64) -> ApiError {
    ApiError::new(ErrorCode::NotFound, format!("there is no refused edit {id}; see `desk rejected list`"))
}

/// The same steps, taken now by the member who proposes them. A history that an import retells keeps its instants and
/// names.
fn restamped(ops: Ops, now: UtcMillis, me: &str) -> Ops {
    fn fresh<Op>(steps: Vec<Stamped<Op>>, now: UtcMillis, me: &str) -> Vec<Stamped<Op>> {
        let again = |step: Stamped<Op>| match step.entry {
            Some(_) => step,
            None => Stamped::new(now, me, step.op),
        };
        steps.into_iter().map(again).collect()
    }
    match ops {
        Ops::Ticket(steps) => {
            let is_import = steps.first().is_some_and(
                |step| matches!(&step.op, TicketOp::Create { ticket } if ticket.source.is_some()),
            );
            Ops::Ticket(if is_import { steps } else { fresh(steps, now, me) })
        }
        Ops::Article(steps) => Ops::Article(fresh(steps, now, me)),
        Ops::Incident(steps) => Ops::Incident(fresh(steps, now, me)),
        Ops::Workspace(steps) => Ops::Workspace(fresh(steps, now, me)),
        Ops::Personal(steps) => Ops::Personal(fresh(steps, now, me)),
    }
}
