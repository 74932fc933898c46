//! A device: what its store keeps, what it does with answers, and the person's edits.

mod filling;
mod recovery;
mod twin;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use desk_app::machine::CorrectedClock;
use desk_docs::{ApplyError, Author, Document, EditError, ReadError};
use desk_domain::{
    edit::Edit,
    ids::{DeviceId, DocId, DocKind, MemberId},
    people::Role,
    permissions::Actor,
    state::State,
    time::UtcMillis,
    workspace::Workflow,
};
use desk_sync::{
    engine::Engine,
    pull::{Incoming, PullError, has_foreign, merge, receive, whole},
    push::{Fate, Refused, Verdicts, Waiting, clashing, read_by, settle, verdicts},
    scope::{differences, open_id},
    wire::{DocHeads, Documents, Hash, Heads, PullReply, Push, PushReply, RejectCode, WireChange},
};
use workernet_server::random::FreshIds;

use crate::{
    Broken, Counts,
    chance::Chance,
    ledger::{EditNo, Ledger},
    server::Witness,
};

/// Names no scope.
const NO_SCOPE: Hash = Hash([0; 32]);

/// A document in the store with what is kept beside it.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub(crate) document: Document,
    pub(crate) state: Option<State>,
}

/// A change that waits to be sent.
#[derive(Clone, Debug)]
pub(crate) struct Outgoing {
    pub(crate) wire: WireChange,
    pub(crate) edit: Edit,
    /// Nothing for a change that a restored server lost: as an edit it is not known any more.
    pub(crate) no: Option<EditNo>,
}

/// A change that stands in the list of refused edits.
#[derive(Clone, Debug)]
pub(crate) struct Rejected {
    pub(crate) hash: [u8; 32],
    pub(crate) no: Option<EditNo>,
    pub(crate) code: &'static str,
}

/// What survives a crash, and what a copy has.
#[derive(Clone, Debug, Default)]
pub(crate) struct Store {
    pub(crate) documents: BTreeMap<DocId, Stored>,
    pub(crate) outbox: Vec<Outgoing>,
    pub(crate) rejected: Vec<Rejected>,
    pub(crate) cursor: u64,
    /// The scope under which everything up to the cursor is here.
    pub(crate) scope: Option<Hash>,
    /// Documents that are to go.
    pub(crate) withdrawn: BTreeSet<DocId>,
    /// The device's id is also another's.
    pub(crate) twin: bool,
    /// The newest that the server gave as proof of its log.
    pub(crate) witness: Option<Witness>,
    /// The server has lost something, and not all of it waits here to be sent.
    pub(crate) recovering: bool,
    /// Segments that are being fetched.
    pub(crate) filling: Option<filling::Filling>,
    offset_ms: i64,
    workflow: Option<Workflow>,
    role: Option<Role>,
}

/// One transaction: what is written at once, or not at all.
#[derive(Default)]
struct Writes {
    /// `None` drops the document.
    documents: Vec<(DocId, Option<Stored>)>,
    /// Changes that leave the outbox.
    sent: Vec<[u8; 32]>,
    outgoing: Vec<Outgoing>,
    rejected: Vec<Rejected>,
    cursor: Option<u64>,
    scope: Option<Hash>,
    /// Documents that are to go.
    withdrawn: BTreeSet<DocId>,
    /// Documents that went.
    gone: BTreeSet<DocId>,
    /// The device's id turned out to be also another's.
    twin: bool,
    /// The device goes on under this id, which is nobody else's.
    device: Option<DeviceId>,
    witness: Option<Witness>,
    /// A recovery begins, or it ends.
    recovering: Option<bool>,
    filling: Option<filling::Filling>,
    /// Nothing is to be filled any more.
    unfilled: bool,
}

/// A step that a push still has to take; each is one transaction, and the device may die before each.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Accepted changes leave the outbox; what the member does not see any more is written down.
    Accept {
        sent: Vec<[u8; 32]>,
        withdrawn: BTreeSet<DocId>,
        scope: Hash,
        read: Option<u64>,
        twin: bool,
        witness: Witness,
    },
    /// Refused ones leave a document.
    TakeBack(DocId, BTreeMap<[u8; 32], Refused>),
    /// What the member does not see any more goes.
    LetGo,
    /// The engine is told.
    Pushed { head: u64, read: Option<u64> },
}

/// What is asked of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    Push,
    Pull {
        after: u64,
        scope: Option<Hash>,
    },
    /// What the server has after it was restored.
    Lost,
    /// Which segments there are for a new device.
    Bootstrap,
    /// One of them.
    Segment(Hash),
    /// What the member may see.
    Heads,
    /// Documents that are missing.
    Documents,
    /// What waits, under an id that is another's, too: only what is accepted counts.
    Offer,
    /// To go on under this id.
    NewDevice(DeviceId),
    Listen,
}

/// What became of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// So many changes were new.
    Stored(u64),
    /// The member sees something else than before, and the device is to become level.
    Rescoped,
    /// It has a change of another installation with this device's id, under a number that a change has which waits here.
    DoesNotFit,
}

/// How far a device is in becoming level with what its member may see.
#[derive(Clone, Debug)]
pub(crate) enum Level {
    /// It asks what that is.
    Asks,
    /// It fetches what is missing.
    Fetches { scope: Hash, missing: Vec<DocId> },
}

/// A request whose answer is awaited.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) number: u64,
    pub(crate) asked: Asked,
    /// The changes of a push.
    pub(crate) sent: Vec<[u8; 32]>,
    /// Machine time.
    pub(crate) sent_at: UtcMillis,
}

/// What a crash loses.
pub(crate) struct Running {
    pub(crate) engine: Engine,
    pub(crate) clock: CorrectedClock,
    pub(crate) request: Option<Request>,
    pub(crate) steps: VecDeque<Step>,
    pub(crate) level: Option<Level>,
    /// The device is about to go on under a fresh id; so many of the waiting changes were offered under the old one and still wait.
    pub(crate) offered: Option<usize>,
    pub(crate) live: Option<u64>,
    /// The server was told how far the device is, and has not answered.
    pub(crate) is_told: bool,
    /// The device has asked for something since.
    pub(crate) is_outdated: bool,
}

pub(crate) struct Device {
    pub(crate) index: usize,
    pub(crate) id: DeviceId,
    pub(crate) member: MemberId,
    /// What the sign-in said of the role.
    session_role: Role,
    settings: DocId,
    pub(crate) store: Store,
    pub(crate) running: Option<Running>,
    pub(crate) revoked: bool,
    /// The machine is lost with all that was on it.
    pub(crate) destroyed: bool,
    /// New, it is filled from segments instead of reading the log.
    pub(crate) takes_segments: bool,
    /// Documents that it had to let go of since the server was last restored.
    pub(crate) let_go_of: BTreeSet<DocId>,
    /// How far the machine's clock is ahead.
    pub(crate) skew_ms: i64,
    /// Counts starts; what was sent to an earlier one does not arrive.
    pub(crate) boot: u32,
}

impl Device {
    pub(crate) fn new(index: usize, id: DeviceId, member: MemberId, role: Role, settings: DocId) -> Self {
        Self {
            index,
            id,
            member,
            session_role: role,
            settings,
            store: Store::default(),
            running: None,
            revoked: false,
            destroyed: false,
            takes_segments: false,
            let_go_of: BTreeSet::new(),
            skew_ms: 0,
            boot: 0,
        }
    }

    /// Nobody will work with it again.
    pub(crate) fn is_gone(&self) -> bool {
        self.revoked || self.destroyed
    }

    /// The device has a change that a restored server lost, and is to send it.
    pub(crate) fn will_bring(&self, doc: DocId, hash: [u8; 32]) -> bool {
        let stored = self.store.documents.get(&doc).filter(|_| !self.store.withdrawn.contains(&doc));
        !self.is_gone() && stored.is_some_and(|stored| stored.document.has(hash))
    }

    /// The edit as which the change waits to be sent.
    pub(crate) fn waits_as(&self, hash: [u8; 32]) -> Option<EditNo> {
        self.store.outbox.iter().find(|change| change.wire.hash.0 == hash)?.no
    }

    /// Whether the change stands in the list of refused edits.
    pub(crate) fn has_rejected(&self, hash: [u8; 32]) -> bool {
        self.store.rejected.iter().any(|rejected| rejected.hash == hash)
    }

    /// The edit stands in the list of refused edits perhaps without the server's having been asked: it waited when its document, or
    /// what it built on, went.
    pub(crate) fn was_let_go(&self, no: EditNo) -> bool {
        let codes = [RejectCode::UnknownDocument.as_str(), RejectCode::DependsOnRejected.as_str()];
        self.store.rejected.iter().any(|rejected| rejected.no == Some(no) && codes.contains(&rejected.code))
    }

    /// The machine's clock.
    pub(crate) fn machine(&self, time: UtcMillis) -> UtcMillis {
        time.plus_ms(self.skew_ms)
    }

    /// The corrected clock.
    pub(crate) fn now(&self, time: UtcMillis) -> UtcMillis {
        let offset = self.running.as_ref().map_or(self.store.offset_ms, |running| running.clock.offset_ms());
        self.machine(time).plus_ms(offset)
    }

    /// Starts from what the store has.
    pub(crate) fn start(&mut self) {
        self.boot += 1;
        self.running = Some(Running {
            engine: self.engine(),
            clock: CorrectedClock::new(self.store.offset_ms),
            request: None,
            steps: VecDeque::new(),
            level: None,
            offered: None,
            live: None,
            is_told: false,
            is_outdated: false,
        });
    }

    /// Dies: what is not in the store is gone.
    pub(crate) fn crash(&mut self) {
        self.running = None;
        self.boot += 1;
    }

    /// Learns the server's time from an answer.
    pub(crate) fn learn(&mut self, server_now: UtcMillis, sent_at: UtcMillis, time: UtcMillis) {
        let received_at = self.machine(time);
        let Some(running) = &self.running else { return };
        if let Some(offset) = running.clock.learn(server_now, sent_at, received_at) {
            self.store.offset_ms = offset;
        }
    }

    fn author<'a>(&self, workflow: &'a Workflow) -> Author<'a> {
        let role = self.store.role.unwrap_or(self.session_role);
        Author { device: self.id, actor: Actor { member: Some(self.member), role }, workflow }
    }

    /// The first batch of the outbox; `None` when it is empty.
    pub(crate) fn batch(&self, most: usize) -> Option<Push> {
        let changes: Vec<_> = self.store.outbox.iter().take(most).map(|change| change.wire.clone()).collect();
        (!changes.is_empty()).then_some(Push { changes })
    }

    /// Takes the verdicts on what was sent; the steps that follow from them are taken one by one.
    pub(crate) fn judged(
        &mut self,
        sent: &[[u8; 32]],
        reply: &PushReply,
        witness: Witness,
    ) -> Result<(), Broken> {
        let Verdicts { accepted, mut refused } =
            verdicts(sent.iter().copied(), reply).map_err(Broken::new)?;
        let waiting = self.store.outbox.iter().filter(|change| sent.contains(&change.wire.hash.0));
        let waiting =
            waiting.map(|change| (change.wire.doc, Waiting { hash: change.wire.hash.0, edit: &change.edit }));
        let twin = !clashing(waiting, &mut refused).is_empty();
        let docs: BTreeSet<DocId> = self
            .store
            .outbox
            .iter()
            .filter(|change| refused.contains_key(&change.wire.hash.0))
            .map(|change| change.wire.doc)
            .collect();
        let read = read_by(reply, self.store.cursor, self.known_scope()).filter(|_| !twin);
        let Some(running) = &mut self.running else { return Ok(()) };
        let withdrawn = reply.withdrawn.iter().copied().collect();
        running.steps.push_back(Step::Accept {
            sent: accepted,
            withdrawn,
            scope: reply.scope,
            read,
            twin,
            witness,
        });
        running.steps.extend(docs.into_iter().map(|doc| Step::TakeBack(doc, refused.clone())));
        running.steps.push_back(Step::LetGo);
        running.steps.push_back(Step::Pushed { head: reply.head, read });
        Ok(())
    }

    /// Takes the next step of a push; `false` when there is none.
    pub(crate) fn step(
        &mut self,
        time: UtcMillis,
        ledger: &mut Ledger,
        chance: &Chance,
        counts: &mut Counts,
    ) -> Result<bool, Broken> {
        let now = self.now(time);
        let Some(running) = &mut self.running else { return Ok(false) };
        match running.steps.pop_front() {
            None => return Ok(false),
            Some(Step::Accept { sent, withdrawn, scope, read, twin, witness }) => {
                let scope = self.judged_under(scope);
                let witness = Some(witness);
                let writes =
                    Writes { sent, scope, withdrawn, cursor: read, twin, witness, ..Writes::default() };
                self.commit(writes, chance)?;
            }
            Some(Step::LetGo) => self.let_go(chance)?,
            Some(Step::TakeBack(doc, refused)) => {
                self.take_back(doc, &refused, now, ledger, chance, counts)?;
            }
            Some(Step::Pushed { .. }) if self.store.twin => running.offered = Some(0),
            Some(Step::Pushed { head, read }) => {
                let more = !self.store.outbox.is_empty();
                running.engine.pushed(now, head, more, read);
            }
        }
        Ok(true)
    }

    fn take_back(
        &mut self,
        doc: DocId,
        refused: &BTreeMap<[u8; 32], Refused>,
        now: UtcMillis,
        ledger: &mut Ledger,
        chance: &Chance,
        counts: &mut Counts,
    ) -> Result<(), Broken> {
        let mut writes = Writes::default();
        self.settle_into(self.id, (doc, refused), now, ledger, chance, &mut writes)?;
        counts.add("documents settled", 1);
        counts.add("edits made again", writes.outgoing.len() as u64);
        self.commit(writes, chance)
    }

    /// What settling a document's waiting edits leaves, made as `device`, without the refused changes.
    fn settle_into(
        &self,
        device: DeviceId,
        (doc, refused): (DocId, &BTreeMap<[u8; 32], Refused>),
        now: UtcMillis,
        ledger: &mut Ledger,
        chance: &Chance,
        writes: &mut Writes,
    ) -> Result<(), Broken> {
        let Some(stored) = self.store.documents.get(&doc) else { return Ok(()) };
        let workflow = self.store.workflow.clone().unwrap_or_default();
        let author = Author { device, ..self.author(&workflow) };
        let ids = FreshIds::at(now, chance.random());
        let here = self.store.outbox.iter().filter(|change| change.wire.doc == doc);
        let waiting: Vec<Waiting<'_>> =
            here.map(|change| Waiting { hash: change.wire.hash.0, edit: &change.edit }).collect();
        let settled = settle(stored.document.clone(), &waiting, refused, &author, now, &ids)
            .map_err(|problem| Broken::new(format!("a document could not be settled: {problem}")))?;
        for (hash, fate) in settled.fates {
            let waiting = self.store.outbox.iter().find(|change| change.wire.hash.0 == hash);
            let Some(gone) = waiting.cloned() else {
                return Err(Broken::new("a change that does not wait was settled"));
            };
            writes.sent.push(hash);
            match fate {
                Fate::Again(again) => {
                    gone.no.into_iter().for_each(|no| ledger.again(no, again.hash));
                    let wire = WireChange { hash: Hash(again.hash), bytes: again.bytes, ..gone.wire };
                    writes.outgoing.push(Outgoing { wire, ..gone });
                }
                Fate::Holds => gone.no.into_iter().for_each(|no| ledger.edits[no].holds = true),
                Fate::Refused(why) => {
                    writes.rejected.push(Rejected { hash, no: gone.no, code: why.code });
                }
            }
        }
        let mut document = settled.document;
        if document.is_empty() {
            writes.documents.push((doc, None));
        } else {
            let state = document
                .read()
                .map_err(|problem| Broken::new(format!("a settled document does not read: {problem}")))?;
            writes.documents.push((doc, Some(Stored { document, state: Some(state) })));
        }
        Ok(())
    }

    /// What verdicts under a scope say about the scope under which everything is here.
    fn judged_under(&self, scope: Hash) -> Option<Hash> {
        match self.known_scope() {
            None => Some(scope),
            Some(known) if known == scope => None,
            // Accepted under another scope than what is here was fetched under: to be compared.
            Some(_) => Some(NO_SCOPE),
        }
    }

    /// What the device says about what it has.
    pub(crate) fn known_scope(&self) -> Option<Hash> {
        self.store.scope.or((self.store.cursor > 0).then(open_id))
    }

    /// Lets go of what the member does not see any more; what was not sent goes to the list.
    pub(crate) fn let_go(&mut self, chance: &Chance) -> Result<(), Broken> {
        let gone = self.store.withdrawn.clone();
        let unsent = self.store.outbox.iter().filter(|change| gone.contains(&change.wire.doc));
        let code = RejectCode::UnknownDocument.as_str();
        let rejected = |change: &Outgoing| Rejected { hash: change.wire.hash.0, no: change.no, code };
        let rejected = unsent.clone().map(rejected).collect();
        let sent = unsent.map(|change| change.wire.hash.0).collect();
        let documents = gone.iter().map(|doc| (*doc, None)).collect();
        self.let_go_of.extend(gone.iter().copied());
        self.commit(Writes { documents, sent, rejected, gone, ..Writes::default() }, chance)
    }

    /// Takes a pulled batch.
    pub(crate) fn pulled(
        &mut self,
        reply: PullReply,
        after: u64,
        known: Option<Hash>,
        witness: Witness,
        chance: &Chance,
    ) -> Result<Taken, Broken> {
        if known.is_some_and(|known| known != reply.scope) {
            if let Some(running) = &mut self.running {
                running.level = Some(Level::Asks);
            }
            return Ok(Taken::Rescoped);
        }
        let (cursor, scope) = (reply.cursor, reply.scope);
        let received = receive(reply, after).map_err(|problem| self.does_not_take(&problem))?;
        let withdrawn = received.withdrawn;
        if cursor == after && received.changes.is_empty() && withdrawn.is_empty() && known == Some(scope) {
            return Ok(Taken::Stored(0));
        }
        let (cursor, scope, witness) = (Some(cursor), Some(scope), Some(witness));
        let writes = Writes { cursor, scope, withdrawn, witness, ..Writes::default() };
        self.arrived(received.changes, &received.whole, writes, chance)
    }

    /// Compares what the member may see with what is here.
    pub(crate) fn compared(&mut self, heads: &Heads, chance: &Chance) -> Result<(), Broken> {
        let heads_of = |(doc, stored): (&DocId, &mut Stored)| DocHeads {
            doc: *doc,
            heads: stored.document.heads().into_iter().map(Hash).collect(),
        };
        let here: Vec<DocHeads> = self.store.documents.iter_mut().map(heads_of).collect();
        let (gone, missing) = differences(&here, &heads.documents);
        let mut withdrawn = BTreeSet::new();
        for doc in gone {
            let Some(stored) = self.store.documents.get_mut(&doc) else { continue };
            let unsent: BTreeSet<_> = self.store.outbox.iter().map(|change| change.wire.hash.0).collect();
            let is_all_unsent =
                stored.document.changes().iter().all(|change| unsent.contains(&change.hash()));
            if stored.document.kind() == DocKind::Ticket && !is_all_unsent {
                withdrawn.insert(doc);
            }
        }
        // From here on not everything of the former scope is here.
        let scope = Some(NO_SCOPE);
        self.commit(Writes { scope, withdrawn, ..Writes::default() }, chance)?;
        self.let_go(chance)?;
        self.fetch(heads.scope, missing, chance)
    }

    /// Takes documents that were missing.
    pub(crate) fn fetched(
        &mut self,
        reply: Documents,
        witness: Witness,
        chance: &Chance,
    ) -> Result<Taken, Broken> {
        let level = self.running.as_mut().and_then(|running| running.level.take());
        let Some(Level::Fetches { scope, mut missing }) = level else { return Ok(Taken::Stored(0)) };
        if reply.scope != scope {
            if let Some(running) = &mut self.running {
                running.level = Some(Level::Asks);
            }
            return Ok(Taken::Rescoped);
        }
        let answered = usize::try_from(reply.answered).unwrap_or(usize::MAX).min(missing.len());
        let changes = whole(reply.documents).map_err(|problem| self.does_not_take(&problem))?;
        let whole = changes.keys().copied().collect();
        let taken =
            self.arrived(changes, &whole, Writes { witness: Some(witness), ..Writes::default() }, chance)?;
        if matches!(taken, Taken::Stored(_)) {
            missing.drain(..answered);
            self.fetch(scope, missing, chance)?;
        }
        Ok(taken)
    }

    fn fetch(&mut self, scope: Hash, missing: Vec<DocId>, chance: &Chance) -> Result<(), Broken> {
        let is_level = missing.is_empty();
        if let Some(running) = &mut self.running {
            running.level = (!is_level).then_some(Level::Fetches { scope, missing });
        }
        if is_level {
            self.commit(Writes { scope: Some(scope), ..Writes::default() }, chance)?;
        }
        Ok(())
    }

    fn does_not_take(&self, problem: &dyn std::fmt::Display) -> Broken {
        Broken::new(format!("device {} does not take a batch: {problem}", self.index))
    }

    /// Stores what came; documents of it came whole.
    fn arrived(
        &mut self,
        incoming: Incoming,
        whole: &BTreeSet<DocId>,
        mut writes: Writes,
        chance: &Chance,
    ) -> Result<Taken, Broken> {
        let mut new = 0;
        for (doc, (kind, changes)) in incoming {
            let stored = self.store.documents.get(&doc).map(|stored| stored.document.clone());
            writes.twin |= !whole.contains(&doc) && has_foreign(stored.as_ref(), &changes, self.id);
            let merged = match merge(stored, doc, kind, &changes) {
                Ok(merged) => merged,
                // An edit was made while the answer was under way that brings a twin's.
                Err(PullError::Apply(ApplyError::Inconsistent(_))) if self.is_waiting(doc) => {
                    return Ok(Taken::DoesNotFit);
                }
                Err(problem) => return Err(self.does_not_take(&problem)),
            };
            let Some(merged) = merged else { continue };
            new += merged.added;
            let state = match merged.document.read() {
                Ok(state) => state,
                Err(problem @ (ReadError::NewerSchema { .. } | ReadError::Malformed { .. })) => {
                    return Err(self.does_not_take(&problem));
                }
            };
            writes.documents.push((doc, Some(Stored { document: merged.document, state: Some(state) })));
        }
        self.commit(writes, chance)?;
        Ok(Taken::Stored(new))
    }

    fn is_waiting(&self, doc: DocId) -> bool {
        self.store.outbox.iter().any(|change| change.wire.doc == doc)
    }

    /// A person edits; `None` when the rules of the device forbid it or nothing changes.
    pub(crate) fn edit(
        &mut self,
        edit: Edit,
        time: UtcMillis,
        ledger: &mut Ledger,
        chance: &Chance,
    ) -> Result<Option<EditNo>, Broken> {
        let now = self.now(time);
        let workflow = self.store.workflow.clone().unwrap_or_default();
        let ids = FreshIds::at(now, chance.random());
        let document = match self.store.documents.get(&edit.doc) {
            Some(stored) => stored.document.clone(),
            None => Document::empty(edit.doc, edit.kind()),
        };
        let (document, made) = match document.edit(&self.author(&workflow), &edit, now, &ids) {
            Ok((document, Some(made))) => (document, made),
            Ok((_, None)) | Err(EditError::Refused(_) | EditError::WrongPlace(_)) => return Ok(None),
            Err(problem) => return Err(Broken::new(format!("an edit failed: {problem}"))),
        };
        let state = document.read().map_err(Broken::new)?;
        let no = ledger.made(self.index, made.hash, format!("{:?}", edit.ops));
        let wire = WireChange { doc: edit.doc, kind: edit.kind(), hash: Hash(made.hash), bytes: made.bytes };
        let mut writes = Writes::default();
        writes.documents.push((edit.doc, Some(Stored { document, state: Some(state) })));
        writes.outgoing.push(Outgoing { wire, edit, no: Some(no) });
        self.commit(writes, chance)?;
        if let Some(running) = &mut self.running {
            running.engine.edited();
        }
        Ok(Some(no))
    }

    /// One transaction. Now and then a document is read back from its bytes, as a device that opens it would.
    fn commit(&mut self, writes: Writes, chance: &Chance) -> Result<(), Broken> {
        let Writes { documents, sent, outgoing, rejected, cursor, scope, withdrawn, gone, .. } = writes;
        let Writes { twin, device, witness, recovering, filling, unfilled, .. } = writes;
        let store = &mut self.store;
        for (doc, stored) in documents {
            let Some(mut stored) = stored else {
                store.documents.remove(&doc);
                continue;
            };
            if chance.hits(30) {
                stored.document = reopened(&mut stored.document)?;
            }
            if let (true, Some(State::Workspace(workspace))) = (doc == self.settings, &stored.state) {
                store.workflow = Some(workspace.workflow.clone());
                store.role = workspace.members.get(&self.member).map(|member| member.role);
            }
            store.documents.insert(doc, stored);
        }
        store.outbox.retain(|change| !sent.contains(&change.wire.hash.0));
        store.outbox.extend(outgoing);
        store.rejected.extend(rejected);
        store.cursor = cursor.unwrap_or(store.cursor);
        store.scope = scope.or(store.scope);
        store.withdrawn.extend(withdrawn);
        store.withdrawn.retain(|doc| !gone.contains(doc));
        store.twin = (store.twin || twin) && device.is_none();
        self.id = device.unwrap_or(self.id);
        store.witness = witness.or(store.witness).filter(|_| recovering != Some(true));
        store.scope = if recovering == Some(false) { Some(NO_SCOPE) } else { store.scope };
        store.recovering = recovering.unwrap_or(store.recovering);
        store.filling = filling.or(store.filling.take()).filter(|_| !unfilled);
        Ok(())
    }

    /// Documents of a kind that the device has.
    pub(crate) fn of_kind(&self, kind: DocKind) -> Vec<DocId> {
        let of_kind = |(id, stored): (&DocId, &Stored)| (stored.document.kind() == kind).then_some(*id);
        self.store.documents.iter().filter_map(of_kind).collect()
    }
}

/// The document as its snapshot says it.
pub(crate) fn reopened(document: &mut Document) -> Result<Document, Broken> {
    Document::open(document.id(), document.kind(), document.snapshot().bytes).map_err(Broken::new)
}
