//! The write path: one edit, one change, one transaction.

use desk_api::{ApiError, ErrorCode};
use desk_docs::{Author, Document, NewChange};
use desk_domain::{
    edit::{Edit, Ops, Stamped},
    ids::{DocId, DocKind},
    permissions::Actor,
    projection::Projection,
    state::State,
    time::UtcMillis,
    workspace::Workflow,
};
use desk_store::{Batch, Committed, DocWrite, OutboxEntry, StoreError};
use futures::stream;

use crate::{
    Desk, DeskEvent,
    desk::{WorkspaceRules, as_written},
    error::{self, Unwritten},
    session::SignedIn,
    sync::ahead::Announced,
};

/// How often an edit is replayed when somebody else writes the same document meanwhile.
const TRIES: u32 = 8;

/// An edit that is ready to be committed.
pub(crate) struct Prepared {
    pub(crate) write: DocWrite,
    pub(crate) state: State,
    pub(crate) outbox: Option<OutboxEntry>,
    /// As it stands after the commit, to be kept open.
    pub(crate) document: Document,
    /// It is on its way to the server, which waits for the commit.
    pub(crate) announced: Option<Announced>,
}

/// When an edit sets out for the server.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sending {
    /// While it is being committed.
    Ahead,
    /// Once it is.
    Committed,
}

impl Desk {
    /// Makes an edit in one transaction with what `extra` holds (a draft to drop, for one). What comes back is the document
    /// as it is now, changed or not.
    pub(crate) async fn edit_with(&self, edit: Edit, extra: Batch) -> Result<State, ApiError> {
        self.require_writable()?;
        let _writing = self.inner.writing.lock().await;
        for _ in 0..TRIES {
            // Only now: the store may have been erased, and another taken its place, while this waited.
            let (session, device) = (self.require_session()?, self.device());
            let mut made = None;
            // Before the store is taken hold of, and the document looked up there: it sets out from here.
            let making = async {
                // Beside each other: hardly ever is the id another one than the last time. The edit first: it sets out.
                let prepared = Box::pin(self.prepare(&session, &edit, Sending::Ahead));
                let (prepared, followed) = tokio::join!(biased; prepared, self.follow_device());
                followed.map_err(Unwritten::Unmade)?;
                if self.device() != device {
                    return Err(StoreError::Stale { doc: edit.doc }.into());
                }
                let mut batch = extra.clone();
                if let Some(prepared) = prepared.map_err(Unwritten::Unmade)? {
                    let Prepared { write, state, outbox, document, announced } = prepared;
                    made = Some((state, as_written(&write, document), announced));
                    batch.docs.push(write);
                    batch.outbox.extend(outbox);
                }
                Ok(batch)
            };
            let docs = [edit.doc];
            // Boxed: it holds documents.
            let written = Box::pin(self.store().commit_parts(&docs, stream::once(making))).await;
            let committed = match written {
                Ok(committed) => committed,
                Err(Unwritten::Store(StoreError::Stale { .. })) => continue,
                Err(problem) => return Err(problem.into()),
            };
            let Some((state, open, announced)) = made else {
                return self.state(edit.doc).await?.ok_or_else(gone);
            };
            if let Some(announced) = announced {
                announced.written();
            }
            self.adopt(&state);
            self.committed(&committed);
            self.keep_open(open);
            return Ok(state);
        }
        Err(error::store(StoreError::Busy))
    }

    /// Judges an edit against the stored document without committing it; `None` when it changes nothing.
    pub(crate) async fn prepare(
        &self,
        session: &SignedIn,
        edit: &Edit,
        sending: Sending,
    ) -> Result<Option<Prepared>, ApiError> {
        // One that stands open may be older than the stored one: only what can be made of it, and then committed, counts.
        if let Some((document, heads)) = self.take_open(edit.doc)
            && let Ok(Some(prepared)) = self.make(session, edit, document, Some(heads), sending).await
        {
            return Ok(Some(prepared));
        }
        let (document, heads) = match self.load(edit.doc).await? {
            Some((document, heads)) => (document, Some(heads)),
            None => (Document::empty(edit.doc, edit.kind()), None),
        };
        self.make(session, edit, document, heads, sending).await
    }

    /// Makes an edit of a document that has these heads in the store; `None` when it changes nothing.
    async fn make(
        &self,
        session: &SignedIn,
        edit: &Edit,
        document: Document,
        heads: Option<Vec<[u8; 32]>>,
        sending: Sending,
    ) -> Result<Option<Prepared>, ApiError> {
        let rules = self.rules();
        let workflow =
            rules.workspace.as_ref().map(|workspace| workspace.workflow.clone()).unwrap_or_default();
        let author = self.author(session, &workflow);
        let now = self.now();
        let offline_since = self.offline_since(session).await?;
        let (document, change) = document
            .edit_offline(&author, edit, now, self.inner.ids.as_ref(), offline_since)
            .map_err(error::edit)?;
        let Some(change) = change else { return Ok(None) };
        let announced = match sending {
            Sending::Ahead => self.inner.sync.announce(edit, &change),
            Sending::Committed => None,
        };
        if announced.is_some() {
            // Who sends it is on its way now: what this thread has woken last runs when it lets go, not before.
            tokio::task::yield_now().await;
        }
        let prepared = self.finish(session, &rules, document, heads, Some((change, edit)))?;
        Ok(Some(Prepared { announced, ..prepared }))
    }

    /// What a document needs to be written: its rows' state, deadlines and, for a fresh change, its outbox entry.
    pub(crate) fn finish(
        &self,
        session: &SignedIn,
        rules: &WorkspaceRules,
        mut document: Document,
        expected_heads: Option<Vec<[u8; 32]>>,
        change: Option<(NewChange, &Edit)>,
    ) -> Result<Prepared, ApiError> {
        let state = document.read().map_err(|problem| error::read(&problem))?;
        let now = self.now();
        let outbox = change.filter(|_| session.server.is_some()).map(|(change, edit)| OutboxEntry {
            doc: edit.doc,
            hash: change.hash,
            bytes: change.bytes,
            edit: edit.clone(),
            edited_at: now,
        });
        let write = write_of(&mut document, expected_heads, Some(&state), rules, now);
        Ok(Prepared { write, state, outbox, document, announced: None })
    }

    /// Who edits, and by which rules.
    pub(crate) fn author<'a>(&self, session: &SignedIn, workflow: &'a Workflow) -> Author<'a> {
        let role = self
            .rules()
            .workspace
            .as_ref()
            .and_then(|workspace| workspace.members.get(&session.member))
            .map_or(session.role, |member| member.role);
        Author { device: self.device(), actor: Actor { member: Some(session.member), role }, workflow }
    }

    /// Tells everybody what a commit changed.
    pub(crate) fn committed(&self, committed: &Committed) {
        if committed.docs.is_empty() {
            return;
        }
        self.emit(DeskEvent::Changed { kinds: committed.kinds.clone(), docs: committed.docs.clone() });
        self.inner.deadlines_moved.send_modify(|count| *count += 1);
        self.inner.sync.edited();
    }

    /// Keeps the cached settings level with what was just written.
    pub(crate) fn adopt(&self, state: &State) {
        if let State::Workspace(workspace) = state
            && self.signed_in().is_some_and(|session| session.workspace_doc == workspace.id)
        {
            self.set_workspace((**workspace).clone());
        }
    }

    pub(crate) fn require_writable(&self) -> Result<(), ApiError> {
        self.read_only().map_or(Ok(()), Err)
    }

    /// An edit of a document by the signed-in member, now.
    pub(crate) async fn edit_ops<Op>(
        &self,
        doc: DocId,
        ops: Vec<Op>,
        wrap: impl FnOnce(Vec<Stamped<Op>>) -> Ops,
        extra: Batch,
    ) -> Result<State, ApiError> {
        self.edit_with(self.stamped(self.now(), doc, ops, wrap)?, extra).await
    }

    /// What [`Self::edit_with`] is to make of a document for the signed-in member; its steps bear the instant `at`.
    pub(crate) fn stamped<Op>(
        &self,
        at: UtcMillis,
        doc: DocId,
        ops: Vec<Op>,
        wrap: impl FnOnce(Vec<Stamped<Op>>) -> Ops,
    ) -> Result<Edit, ApiError> {
        let me = self.require_session()?.member.to_string();
        let steps = ops.into_iter().map(|op| Stamped::new(at, me.clone(), op)).collect();
        Ok(Edit { doc, ops: wrap(steps) })
    }

    /// A fresh document id.
    pub(crate) fn fresh_doc(&self) -> DocId {
        DocId(self.inner.ids.fresh())
    }
}

/// A document's write, with everything that is derived from it.
pub(crate) fn write_of(
    document: &mut Document,
    expected_heads: Option<Vec<[u8; 32]>>,
    state: Option<&State>,
    rules: &WorkspaceRules,
    now: UtcMillis,
) -> DocWrite {
    let snapshot = document.snapshot().bytes;
    write_as(document, snapshot, expected_heads, state, rules, now)
}

/// The same for a document of which the snapshot is there already.
pub(crate) fn write_as(
    document: &mut Document,
    snapshot: Vec<u8>,
    expected_heads: Option<Vec<[u8; 32]>>,
    state: Option<&State>,
    rules: &WorkspaceRules,
    now: UtcMillis,
) -> DocWrite {
    // What a newer version wrote is shown as far as it can be read; nothing falls due by half a document.
    let newer = if state.is_none() { document.readable() } else { None };
    let projection = state.or(newer.as_ref()).map(|state| Projection::of(state, &rules.rules, now));
    let (row, next_due, deadlines) = match projection {
        Some(Projection { row, .. }) if newer.is_some() => (Some(row), None, Vec::new()),
        Some(Projection { row, next_due, deadlines }) => (Some(row), next_due, deadlines),
        None => (None, None, Vec::new()),
    };
    DocWrite {
        id: document.id(),
        kind: document.kind(),
        expected_heads,
        heads: document.heads(),
        snapshot,
        schema: state.or(newer.as_ref()).map_or(desk_docs::SCHEMA + 1, State::schema),
        row,
        next_due,
        deadlines,
    }
}

fn gone() -> ApiError {
    ApiError::new(ErrorCode::NotFound, "the document is not here")
}

/// The document is of another kind than was asked for.
pub(crate) fn wrong_kind(kind: DocKind) -> ApiError {
    ApiError::new(ErrorCode::NotFound, format!("there is no such document among those of kind {kind:?}"))
}

#[cfg(test)]
mod tests {
    use automerge::{AutoCommit, ROOT, transaction::Transactable};
    use desk_domain::{
        edit::{NewTicket, TicketOp, WorkspaceOp},
        ids::{DeviceId, MemberId, uuid_v7},
        people::Role,
        projection::Row,
        workspace::default_settings,
    };

    use super::*;
    use crate::machine::{CorrectedClock, MachineIds};

    const NOW: UtcMillis = UtcMillis(1_790_000_000_000);

    fn made(doc: u8, kind: DocKind, ops: impl FnOnce(String) -> Ops) -> Document {
        let ids = MachineIds::new(CorrectedClock::default());
        let member = MemberId(uuid_v7(NOW, [9; 10]));
        let workflow = Workflow::default();
        let author = Author {
            device: DeviceId(uuid_v7(NOW, [8; 10])),
            actor: Actor { member: Some(member), role: Role::Admin },
            workflow: &workflow,
        };
        let id = DocId(uuid_v7(NOW, [doc; 10]));
        let edit = Edit { doc: id, ops: ops(member.to_string()) };
        Document::empty(id, kind).edit(&author, &edit, NOW, &ids).unwrap().0
    }

    #[test]
    fn what_a_newer_version_wrote_has_a_row_and_nothing_falls_due_by_it() {
        let settings = made(1, DocKind::Workspace, |me| {
            let set = |(section, key, value)| WorkspaceOp::Set { section, key, value: Some(value) };
            let sets = default_settings("Acme", "UTC").into_iter().map(set);
            let ops = std::iter::once(WorkspaceOp::Create).chain(sets);
            Ops::Workspace(ops.map(|op| Stamped::new(NOW, me.clone(), op)).collect())
        });
        let State::Workspace(workspace) = settings.read().unwrap() else { panic!("no settings") };
        let rules = WorkspaceRules::of(Some(*workspace));
        let mut document = made(2, DocKind::Ticket, |me| {
            let op = TicketOp::Create { ticket: NewTicket::titled("Принтер") };
            Ops::Ticket(vec![Stamped::new(NOW, me, op)])
        });
        let state = document.read().unwrap();
        let known = write_of(&mut document, None, Some(&state), &rules, NOW);
        assert!(!known.deadlines.is_empty() && known.next_due.is_some());

        let mut newer = AutoCommit::load(&document.save()).unwrap();
        newer.put(ROOT, "schema", 2_i64).unwrap();
        newer.put(ROOT, "status", "parked").unwrap();
        let mut newer = Document::load(document.id(), DocKind::Ticket, &newer.save()).unwrap();
        let write = write_of(&mut newer, None, None, &rules, NOW);
        let Some(Row::Ticket(line)) = &write.row else { panic!("{:?}", write.row) };
        assert_eq!((line.title.as_str(), write.schema), ("Принтер", 2));
        assert_eq!((write.deadlines.len(), write.next_due), (0, None));
    }
}
