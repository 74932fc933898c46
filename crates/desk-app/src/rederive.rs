//! Clocks computed anew after the rules changed that they are computed by.

use std::sync::Arc;

use desk_api::ApiError;
use desk_docs::Document;
use desk_domain::ids::{DocId, DocKind};
use desk_store::{DocWrite, StoreError, StoredDocument, TicketIds};
use futures::StreamExt;

use crate::{Desk, DeskEvent, desk::WorkspaceRules, edit::write_of, error};

/// Stands in the store while rows were computed by other rules than those that hold: each time under another value.
const REDERIVE: &str = "rederive";

/// Pages of incidents.
const PAGE: u32 = 500;
/// How often documents are read again that somebody else wrote meanwhile.
const TRIES: u32 = 8;

impl Desk {
    /// To be written in the transaction that changes the rules.
    pub(crate) fn rederive_mark(&self) -> (String, Option<Vec<u8>>) {
        (REDERIVE.to_owned(), Some(self.inner.ids.fresh().as_bytes().to_vec()))
    }

    /// Computes all deadlines anew if the policies or calendars changed. That it is due is written in the same transaction
    /// as the change, so a crash in between does not leave the old ones standing. Of tickets that are done nothing falls
    /// due by any rules, so only those at work are looked at.
    ///
    /// # Errors
    /// When the store does not answer; it is still due then.
    pub async fn rederive_if_due(&self) -> Result<(), ApiError> {
        let _alone = self.inner.rederiving.lock().await;
        // Rules that change meanwhile are noted anew; what was done by older ones is done again then.
        while let Some((mark, rules)) = self.rules_to_derive_by().await? {
            let ids = self.store().ticket_ids(TicketIds::AtWork).await.map_err(error::store)?;
            self.rederive(&ids, &rules).await?;
            let mut after = None;
            loop {
                let page = self.store().documents_of_kind(DocKind::Incident, after, PAGE).await;
                let page = page.map_err(error::store)?;
                let Some(last) = page.last() else { break };
                after = Some(last.id);
                let (desk, by) = (self.clone(), Arc::clone(&rules));
                let writes = tokio::task::spawn_blocking(move || desk.derived(page, &by)).await;
                let writes = writes.map_err(error::internal)?;
                self.replace_clocks(writes, &rules).await?;
            }
            self.inner.deadlines_moved.send_modify(|count| *count += 1);
            // Clocks that are shown are other ones now, though no ticket changed.
            let kinds = vec![DocKind::Ticket, DocKind::Incident];
            self.emit(DeskEvent::Changed { kinds, docs: Vec::new() });
            let marked = self.store().meta(REDERIVE).await.map_err(error::store)?;
            if marked == Some(mark) && Arc::ptr_eq(&rules, &self.rules()) {
                self.store().set_meta(REDERIVE, None).await.map_err(error::store)?;
            }
        }
        Ok(())
    }

    /// The same, without waiting for it.
    pub fn rederive_in_background(&self) {
        let desk = self.clone();
        tokio::spawn(async move {
            if let Err(problem) = desk.rederive_if_due().await {
                tracing::warn!(code = ?problem.code, "clocks are still those of older rules: {problem}");
            }
        });
    }

    /// What is noted, with the rules that hold since then.
    async fn rules_to_derive_by(&self) -> Result<Option<(Vec<u8>, Arc<WorkspaceRules>)>, ApiError> {
        // Who notes it has not taken over the new rules before letting go of this.
        let _writing = self.inner.writing.lock().await;
        let mark = self.store().meta(REDERIVE).await.map_err(error::store)?;
        Ok(mark.map(|mark| (mark, self.rules())))
    }

    async fn rederive(&self, ids: &[DocId], rules: &Arc<WorkspaceRules>) -> Result<(), ApiError> {
        let (desk, by) = (self.clone(), Arc::clone(rules));
        let work = move |stored: Vec<StoredDocument>| desk.derived(stored, &by);
        let mut swept = self.sweep(ids, work);
        while let Some(done) = swept.next().await {
            let (_, writes) = done?;
            self.replace_clocks(writes, rules).await?;
        }
        Ok(())
    }

    /// What does not read is `desk doctor`'s to tell of.
    fn derived(&self, stored: Vec<StoredDocument>, rules: &WorkspaceRules) -> Vec<DocWrite> {
        let derive = |stored: StoredDocument| {
            let mut document = Document::open(stored.id, stored.kind, stored.snapshot).ok()?;
            let state = document.read().ok()?;
            Some(write_of(&mut document, Some(stored.heads), Some(&state), rules, self.now()))
        };
        stored.into_iter().filter_map(derive).collect()
    }

    /// Writes them; where somebody wrote one meanwhile, they are read and derived again.
    async fn replace_clocks(
        &self,
        mut writes: Vec<DocWrite>,
        rules: &WorkspaceRules,
    ) -> Result<(), ApiError> {
        for _ in 0..TRIES {
            match self.store().replace_clocks(&writes).await {
                Ok(_) => return Ok(()),
                Err(StoreError::Stale { .. }) => {
                    let ids: Vec<DocId> = writes.iter().map(|write| write.id).collect();
                    let stored = self.store().documents(&ids).await.map_err(error::store)?;
                    writes = self.derived(stored, rules);
                }
                Err(problem) => return Err(error::store(problem)),
            }
        }
        Err(error::store(StoreError::Busy))
    }
}
