//! What the member may see: documents that leave their sight leave the device, those that come into it are fetched.
//!
//! The server says with each pull under which scope the device has everything up to its cursor. When it says another one than
//! before, the device is brought level by comparing lists (`desk_sync::scope`); until it is, no scope stands in the store, so
//! that what was broken off begins anew, even if the member may see again what they saw before. What is to go is written down
//! first, with the cursor or the verdicts that said so, and then goes in transactions of its own; each of them takes what the
//! person had not sent yet (edits, and what was being typed) to the list of refused edits.

use std::collections::{BTreeMap, BTreeSet};

use desk_api::{ApiError, ErrorCode, view::Draft};
use desk_domain::{
    edit::{Edit, Ops, Stamped, TicketOp},
    ids::{CommentId, DocId, DocKind},
    ticket::{AuthorSide, Visibility},
};
use desk_store::{Batch, Hash32, Rejection, StoreError, UnmadeEdit};
use desk_sync::{
    pull::whole,
    scope::{differences, open_id},
    wire::{BATCH_CHANGES, DocHeads, Hash, Heads, RejectCode},
};
use sha2::{Digest, Sha256};

use super::{
    Fact, Link, Tokens,
    facts::Facts,
    http::Answer,
    pull::{Arrived, TRIES},
    push::subject,
};
use crate::{Desk, DeskEvent, error, session::SignedIn};

/// The scope under which everything up to the cursor is here, among the store's facts.
pub(super) const SCOPE: &str = "sync.scope";
/// A document that is to go, among the store's facts: this and its id. Each by itself, since several processes write them.
pub(super) const WITHDRAWN: &str = "sync.withdrawn/";
/// Names no scope: whoever has everything under it is to be brought level.
const NONE: Hash = Hash([0; 32]);
/// Documents that go in one transaction.
const AT_ONCE: usize = 50;
/// Documents that are listed at once.
const PAGE: u32 = 1_000;
/// How often the lists are compared anew because what the member may see changed meanwhile.
const ROUNDS: u32 = 8;

/// The scope that stands in the store as this text, while everything up to `cursor` is here.
pub(super) fn scope_of(text: Option<&str>, cursor: u64) -> Option<Hash> {
    // A store of before there were scopes: everybody saw everything.
    let Some(text) = text else { return (cursor > 0).then(open_id) };
    let mut scope = [0; 32];
    Some(if hex::decode_to_slice(text, &mut scope).is_ok() { Hash(scope) } else { NONE })
}

fn doc_heads(doc: DocId, heads: &[Hash32]) -> DocHeads {
    DocHeads { doc, heads: heads.iter().copied().map(Hash).collect() }
}

impl Desk {
    /// The scope under which everything up to `cursor` is here; `None` when nothing is.
    pub(super) async fn scope(&self, cursor: u64) -> Result<Option<Hash>, ApiError> {
        let text = self.store().meta_text(SCOPE).await.map_err(error::store)?;
        Ok(scope_of(text.as_deref(), cursor))
    }

    /// What a push says about the scope: a document that was accepted under another one than what is here was fetched under
    /// may be hidden by the time that the log is read, without ever having moved. So everything is to be compared then.
    pub(super) async fn judged_under(&self, scope: Hash) -> Result<Option<Fact>, ApiError> {
        let cursor = self.store().cursor().await.map_err(error::store)?;
        Ok(match self.scope(cursor).await? {
            None => Some(scope_fact(scope)),
            Some(known) if known == scope => None,
            Some(_) => Some(Self::scope_lost()),
        })
    }

    /// Everything is to be compared with the server when it is next asked.
    pub(super) fn scope_lost() -> Fact {
        scope_fact(NONE)
    }

    /// Brings the device level with what the member may see now.
    pub(super) async fn rescope(&self, link: &Link) -> Result<u64, ApiError> {
        for _ in 0..ROUNDS {
            if let Some(new) = self.compare(link).await? {
                return Ok(new);
            }
        }
        Err(ApiError::new(ErrorCode::ServerBusy, "what you may see is changing; it goes on soon"))
    }

    /// Compares once; `None` when what the member may see changed meanwhile.
    async fn compare(&self, link: &Link) -> Result<Option<u64>, ApiError> {
        let Some((scope, seen)) = self.seen(link).await? else { return Ok(None) };
        let session = self.require_session()?;
        let (mut here, mut tickets) = (Vec::new(), BTreeSet::new());
        let mut after = None;
        loop {
            let rows = self.store().digest_rows(after, PAGE).await.map_err(error::store)?;
            let Some(last) = rows.last() else { break };
            after = Some(last.id);
            tickets.extend(rows.iter().filter(|row| row.kind == DocKind::Ticket).map(|row| row.id));
            here.extend(rows.into_iter().map(|row| doc_heads(row.id, &row.heads)));
        }
        if let Some(heads) = self.store().heads(session.personal_doc).await.map_err(error::store)? {
            here.push(doc_heads(session.personal_doc, &heads));
            here.sort_unstable_by_key(|here| here.doc);
        }
        let (gone, wanted) = differences(&here, &seen);
        let mut hidden = BTreeSet::new();
        for doc in gone {
            // Only tickets are ever hidden. One of which the server has nothing was made here, or the server lost it.
            if tickets.contains(&doc) && !self.is_all_unsent(doc).await? {
                hidden.insert(doc);
            }
        }
        tracing::info!(withdrawn = hidden.len(), wanted = wanted.len(), "the member sees something else now");
        self.write_withdrawn(&hidden).await?;
        self.withdraw_due().await?;
        let mut new = 0;
        for part in wanted.chunks(BATCH_CHANGES) {
            match self.fetch_whole(link, part, scope).await? {
                Some(added) => new += added,
                None => return Ok(None),
            }
        }
        let batch = Batch { meta: vec![scope_fact(scope)], ..Batch::default() };
        self.store().commit(&batch).await.map_err(error::store)?;
        Ok(Some(new))
    }

    /// All documents that the member may see, and under which scope; `None` when that changed meanwhile.
    async fn seen(&self, link: &Link) -> Result<Option<(Hash, Vec<DocHeads>)>, ApiError> {
        let (mut seen, mut scope, mut after): (Vec<DocHeads>, _, _) = (Vec::new(), None, None);
        loop {
            let Facts { witness, tokens, .. } = self.facts().await?;
            let page = self.heads_after(link, tokens, after, witness.as_deref()).await?.value;
            if *scope.get_or_insert(page.scope) != page.scope {
                return Ok(None);
            }
            seen.extend(page.documents);
            after = seen.last().map(|last| last.doc).or(after);
            if page.is_last {
                // Each page rises by itself, and begins after the one before.
                seen.sort_unstable_by_key(|seen| seen.doc);
                return Ok(Some((page.scope, seen)));
            }
        }
    }

    /// The heads of the server's documents behind one, a page of them; `shown` is what the server gave as proof of its log.
    pub(super) async fn heads_after(
        &self,
        link: &Link,
        tokens: Option<Tokens>,
        after: Option<DocId>,
        shown: Option<&str>,
    ) -> Result<Answer<Heads>, ApiError> {
        let fetch = |access: String| async move { link.http.heads(&access, after, shown).await };
        let page = self.ask_by(link, tokens, fetch).await?;
        let Heads { documents, is_last, .. } = &page.value;
        if documents.iter().any(|found| Some(found.doc) <= after) || (documents.is_empty() && !is_last) {
            return Err(ApiError::new(ErrorCode::BadServer, "the server's list of documents does not go on"));
        }
        Ok(page)
    }

    /// Nothing of the document was accepted yet.
    async fn is_all_unsent(&self, doc: DocId) -> Result<bool, ApiError> {
        let waiting = self.store().outbox_of(doc).await.map_err(error::store)?;
        if waiting.is_empty() {
            return Ok(false);
        }
        let unsent: BTreeSet<_> = waiting.iter().map(|change| change.hash).collect();
        let Some((mut document, _)) = self.load(doc).await? else { return Ok(false) };
        Ok(document.changes().iter().all(|change| unsent.contains(&change.hash())))
    }

    /// Fetches documents and stores them; `None` when what the member may see changed meanwhile.
    async fn fetch_whole(&self, link: &Link, docs: &[DocId], scope: Hash) -> Result<Option<u64>, ApiError> {
        let (mut left, mut new) = (docs, 0);
        while !left.is_empty() {
            let Facts { witness: shown, tokens, .. } = self.facts().await?;
            let shown = shown.as_deref();
            let fetch = |access: String| async move { link.http.documents(&access, left, shown).await };
            let Answer { value: found, witness, .. } = self.ask_by(link, tokens, fetch).await?;
            if found.scope != scope {
                return Ok(None);
            }
            let answered = usize::try_from(found.answered).unwrap_or(usize::MAX);
            let asked: BTreeSet<DocId> = left.iter().copied().collect();
            let changes = whole(found.documents).map_err(error::pull)?;
            if answered == 0 || answered > left.len() || changes.keys().any(|doc| !asked.contains(doc)) {
                return Err(ApiError::new(ErrorCode::BadServer, "the server gives other documents"));
            }
            left = &left[answered..];
            let came = changes.keys().copied().collect();
            // What they have may be newer than anything that the device has seen of the log.
            let witness = witness.as_deref();
            let arrived = Arrived { whole: &came, witness, ..Arrived::of(&changes) };
            new += self.store_arrived(&arrived).await?;
        }
        Ok(Some(new))
    }

    /// The documents that are to go, some of them.
    async fn withdrawn(&self) -> Result<Vec<DocId>, ApiError> {
        let keys = self.store().meta_keys(WITHDRAWN, AT_ONCE).await.map_err(error::store)?;
        Ok(keys.iter().filter_map(|key| key.get(WITHDRAWN.len()..)?.parse().ok()).collect())
    }

    /// Writes down what is to go; from then on not everything of the former scope is here.
    async fn write_withdrawn(&self, docs: &BTreeSet<DocId>) -> Result<(), ApiError> {
        let meta = withdrawn_facts(docs).chain([Self::scope_lost()]).collect();
        let batch = Batch { meta, ..Batch::default() };
        self.store().commit(&batch).await.map(drop).map_err(error::store)
    }

    /// Lets go of everything that is to go.
    pub(super) async fn withdraw_due(&self) -> Result<(), ApiError> {
        loop {
            let due = self.withdrawn().await?;
            if due.is_empty() {
                return Ok(());
            }
            self.withdraw_some(due).await?;
        }
    }

    /// Lets go of documents, in one transaction.
    async fn withdraw_some(&self, due: Vec<DocId>) -> Result<(), ApiError> {
        let session = self.require_session()?;
        let _writing = self.inner.writing.lock().await;
        let mut drafts: BTreeMap<DocId, Vec<Draft>> = BTreeMap::new();
        for draft in self.store().drafts().await.map_err(error::store)? {
            if let Some((_, doc)) = about(&draft.key) {
                drafts.entry(doc).or_default().push(draft);
            }
        }
        for _ in 0..TRIES {
            let done = due.iter().map(|doc| (withdrawn_key(*doc), None)).collect();
            let mut batch = Batch { meta: done, ..Batch::default() };
            for doc in &due {
                let drafts = drafts.get(doc).map(Vec::as_slice).unwrap_or_default();
                self.withdraw(*doc, drafts, &session, &mut batch).await?;
            }
            match self.store().commit(&batch).await {
                Ok(committed) => {
                    tracing::info!(documents = committed.docs.len(), "documents were withdrawn");
                    self.emit(DeskEvent::Changed { kinds: committed.kinds, docs: committed.docs });
                    self.inner.deadlines_moved.send_modify(|count| *count += 1);
                    if !committed.rejected.is_empty() {
                        self.emit_sync().await;
                    }
                    return Ok(());
                }
                // Another process wrote an edit meanwhile.
                Err(StoreError::Unsent { .. }) => {}
                Err(problem) => return Err(error::store(problem)),
            }
        }
        Err(error::store(StoreError::Busy))
    }

    /// Puts into a batch what letting go of a document means.
    async fn withdraw(
        &self,
        doc: DocId,
        drafts: &[Draft],
        session: &SignedIn,
        batch: &mut Batch,
    ) -> Result<(), ApiError> {
        let Some((document, _)) = self.load(doc).await? else { return Ok(()) };
        if document.kind() != DocKind::Ticket {
            tracing::warn!(%doc, "the server withdraws what is never withdrawn; it stays");
            return Ok(());
        }
        let (subject, now) = (subject(&document), self.now());
        let code = RejectCode::UnknownDocument.as_str();
        let waiting = self.store().outbox_of(doc).await.map_err(error::store)?;
        batch.rejected.extend(waiting.into_iter().map(|change| Rejection {
            hash: change.hash,
            code: code.to_owned(),
            reason:
                "it was not sent yet when the ticket went to a team whose tickets you do not see".to_owned(),
            subject: subject.clone(),
            rejected_at: now,
        }));
        for draft in drafts {
            let Some((what, _)) = about(&draft.key) else { continue };
            let id = CommentId(self.inner.ids.fresh());
            let step = Stamped::new(draft.saved_at, session.member.to_string(), what.step(id, &draft.body));
            batch.unmade.push(UnmadeEdit {
                hash: Sha256::digest(format!("{}\n{}\n{}", draft.key, draft.saved_at.0, draft.body)).into(),
                edit: Edit { doc, ops: Ops::Ticket(vec![step]) },
                code: code.to_owned(),
                reason: "it was being written when the ticket went to a team whose tickets you do not see"
                    .to_owned(),
                subject: subject.clone(),
                edited_at: draft.saved_at,
                rejected_at: now,
            });
            batch.drop_drafts.push(draft.key.clone());
        }
        batch.drop_docs.push(doc);
        Ok(())
    }
}

/// What is being written about a ticket, by the name of its draft.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Writing {
    Reply,
    Note,
    Title,
    Description,
}

impl Writing {
    /// The step that it would have become.
    fn step(self, id: CommentId, text: &str) -> TicketOp {
        let comment = |visibility| TicketOp::AddComment {
            id,
            visibility,
            side: AuthorSide::Staff,
            body: text.to_owned(),
        };
        match self {
            Self::Reply => comment(Visibility::Public),
            Self::Note => comment(Visibility::Internal),
            Self::Title => TicketOp::SetTitle { title: text.to_owned() },
            Self::Description => TicketOp::SetDescription { description: text.to_owned() },
        }
    }
}

/// What a draft is about, when it is about a ticket.
fn about(key: &str) -> Option<(Writing, DocId)> {
    let (what, doc) = key.split_once('/')?;
    let what = match what {
        "reply" => Writing::Reply,
        "note" => Writing::Note,
        "title" => Writing::Title,
        "description" => Writing::Description,
        _ => return None,
    };
    Some((what, doc.parse().ok()?))
}

/// The fact that everything is here under a scope.
pub(super) fn scope_fact(scope: Hash) -> Fact {
    (SCOPE.to_owned(), Some(scope.to_string().into_bytes()))
}

/// The facts that these documents are to go.
pub(super) fn withdrawn_facts(docs: &BTreeSet<DocId>) -> impl Iterator<Item = Fact> {
    docs.iter().map(|doc| (withdrawn_key(*doc), Some(b"1".to_vec())))
}

fn withdrawn_key(doc: DocId) -> String {
    format!("{WITHDRAWN}{doc}")
}

#[cfg(test)]
mod tests {
    use desk_domain::{ids::uuid_v7, time::UtcMillis};

    use super::*;

    #[test]
    fn a_draft_says_what_it_is_about() {
        let doc = DocId(uuid_v7(UtcMillis(1), [3; 10]));
        let check = |key: String, expected: Option<Writing>| {
            assert_eq!(about(&key), expected.map(|what| (what, doc)), "{key}");
        };
        check(format!("reply/{doc}"), Some(Writing::Reply));
        check(format!("note/{doc}"), Some(Writing::Note));
        check(format!("title/{doc}"), Some(Writing::Title));
        check(format!("description/{doc}"), Some(Writing::Description));
        check(format!("incident-note/{doc}"), None);
        check("new-ticket".to_owned(), None);
        check("reply/x".to_owned(), None);
        check("rejected/7".to_owned(), None);
    }
}
