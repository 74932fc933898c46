//! When the server was restored from an older backup: everything is read anew, and what its log lost is sent to it again.
//!
//! With each push and pull, and when it asks for documents or their heads, the device shows the newest witness that the server
//! gave it (`log-witness`); a server whose log is not that one any more says so before it judges anything. From then on a mark
//! stands in the store until every change that the documents have and the server has not stands in the outbox, in front of what
//! waited there. A change too many does no harm: the server accepts it again. Nothing local is dropped meanwhile; a crash begins anew, which changes nothing. Then all of it is
//! sent, and after that the log is read from its beginning: what the server refuses has left the documents before something else
//! comes that bears its number.
//!
//! The changes of others are sent too, since their devices may be gone. One that the server does not take goes to the list
//! of refused edits with its bytes, as an edit without steps: what it did is not known here as an edit.

use std::collections::{BTreeSet, VecDeque};

use desk_api::{ApiError, ErrorCode};
use desk_domain::{
    edit::{Edit, Ops},
    ids::DocId,
};
use desk_store::{Batch, Hash32, OutboxEntry};
use desk_sync::{
    push::lost,
    wire::{DocHeads, Hash},
};

use super::{Fact, Link, bootstrap::BOOTSTRAP, http::Answer};
use crate::{Desk, error};

/// The newest witness, among the store's facts.
pub(super) const WITNESS: &str = "log.witness";
/// Stands among the facts while the server has not everything back.
pub(super) const RECOVERING: &str = "log.recovering";
/// Documents that are compared at once.
const PAGE: u32 = 1_000;

/// That the server gave this witness: written with what it was given for.
pub(super) fn witness_fact(witness: &str) -> Fact {
    (WITNESS.to_owned(), Some(witness.as_bytes().to_vec()))
}

impl Desk {
    /// Recovers if that is what the server answered with. Then sync is to begin anew, from what the store has: what the server
    /// lost goes out before anything is read, since the log may have something else by now under the numbers that it had.
    /// Gives back that, or what went wrong.
    pub(super) async fn recover_after(&self, problem: ApiError, link: &Link) -> ApiError {
        if problem.code != ErrorCode::ServerRestored {
            return problem;
        }
        match self.try_to_recover(link).await {
            Ok(()) => problem,
            Err(failure) => failure,
        }
    }

    async fn try_to_recover(&self, link: &Link) -> Result<(), ApiError> {
        let facts = self.facts().await?;
        if !facts.is_recovering {
            if facts.witness.is_none() {
                let message = "the server says that it lost what it was not shown";
                return Err(ApiError::new(ErrorCode::BadServer, message));
            }
            tracing::warn!("the server was restored from an older backup");
            self.begin_recovery().await?;
        }
        self.recover(link).await
    }

    async fn begin_recovery(&self) -> Result<(), ApiError> {
        // A new device that was being filled reads the log: the place where its segments would have it go on is another one now.
        let meta = vec![
            (WITNESS.to_owned(), None),
            (RECOVERING.to_owned(), Some(b"1".to_vec())),
            (BOOTSTRAP.to_owned(), None),
        ];
        let batch = Batch { cursor: Some(0), meta, ..Batch::default() };
        self.store().commit(&batch).await.map(drop).map_err(error::store)
    }

    /// Puts what the server lost into the outbox.
    async fn recover(&self, link: &Link) -> Result<(), ApiError> {
        let mut server = ServerHeads::new(link, None);
        let mut offered = 0;
        let mut after = None;
        loop {
            let rows = self.store().digest_rows(after, PAGE).await.map_err(error::store)?;
            let Some(last) = rows.last() else { break };
            after = Some(last.id);
            for row in rows {
                let known = server.of(self, row.id).await?;
                if known != row.heads {
                    offered += self.offer(row.id, &known).await?;
                }
            }
        }
        // The member's own settings are no shared document, so they do not come with the others.
        let personal = self.require_session()?.personal_doc;
        let mut server = ServerHeads::new(link, server.witness);
        offered += self.offer(personal, &server.of(self, personal).await?).await?;
        // What the member may see may be of before the backup, too: it is compared once the server has everything back.
        let mut meta = vec![(RECOVERING.to_owned(), None), Self::scope_lost()];
        meta.extend(server.witness.as_deref().map(witness_fact));
        self.store().commit(&Batch { meta, ..Batch::default() }).await.map_err(error::store)?;
        tracing::warn!(changes = offered, "what the server lost is sent to it again");
        self.emit_sync().await;
        Ok(())
    }

    /// Puts the changes of a document that the server has not into the outbox, before those that wait there already: they
    /// may build on them.
    async fn offer(&self, doc: DocId, known: &[Hash32]) -> Result<usize, ApiError> {
        let _writing = self.inner.writing.lock().await;
        let Some((mut document, _)) = self.load(doc).await? else { return Ok(0) };
        let waiting = self.store().outbox_of(doc).await.map_err(error::store)?;
        let unsent: BTreeSet<Hash32> = waiting.iter().map(|change| change.hash).collect();
        let (kind, now) = (document.kind(), self.now());
        let mut outbox: Vec<OutboxEntry> = lost(&mut document, known, &unsent)
            .map(|change| OutboxEntry {
                doc,
                hash: change.hash(),
                bytes: change.bytes().to_vec(),
                edit: Edit { doc, ops: Ops::none(kind) },
                edited_at: now,
            })
            .collect();
        let offered = outbox.len();
        if offered == 0 {
            return Ok(0);
        }
        outbox.extend(waiting.into_iter().map(|change| OutboxEntry {
            doc,
            hash: change.hash,
            bytes: change.bytes,
            edit: change.edit,
            edited_at: change.edited_at,
        }));
        let batch = Batch { accepted: unsent.into_iter().collect(), outbox, ..Batch::default() };
        self.store().commit(&batch).await.map_err(error::store)?;
        Ok(offered)
    }
}

/// The heads of the server's documents, read page by page as they are asked for in the order of the ids.
struct ServerHeads<'a> {
    link: &'a Link,
    page: VecDeque<DocHeads>,
    after: Option<DocId>,
    is_last: bool,
    /// What was given with the newest page: should the server be restored once more, nothing else shows that it had this.
    witness: Option<String>,
}

impl<'a> ServerHeads<'a> {
    fn new(link: &'a Link, witness: Option<String>) -> Self {
        Self { link, page: VecDeque::new(), after: None, is_last: false, witness }
    }

    /// The heads of a document that comes after those that were asked for before; none when the server has no such document.
    async fn of(&mut self, desk: &Desk, doc: DocId) -> Result<Vec<Hash32>, ApiError> {
        loop {
            while self.page.front().is_some_and(|found| found.doc < doc) {
                self.page.pop_front();
            }
            match self.page.front() {
                Some(found) if found.doc == doc => {
                    return Ok(found.heads.iter().map(|Hash(hash)| *hash).collect());
                }
                None if !self.is_last => {
                    let (tokens, shown) = (desk.tokens().await?, self.witness.as_deref());
                    let page = desk.heads_after(self.link, tokens, self.after, shown).await?;
                    let Answer { value: heads, witness, .. } = page;
                    self.witness = witness;
                    let last = heads.documents.last().map(|found| found.doc);
                    (self.is_last, self.page) = (heads.is_last, heads.documents.into());
                    self.after = last.or(self.after);
                }
                Some(_) | None => return Ok(Vec::new()),
            }
        }
    }
}
