//! The server: its real verdicts over a log in memory that keeps what the storage promises.

mod restored;
mod segments;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use desk_docs::{Author, Document, verify};
use desk_domain::{
    access::{Entry, Left, Scope, Shown},
    edit::{Edit, Ops, Section, Stamped, WorkspaceOp},
    ids::{DeviceId, DocId, DocKind, Ids, MemberId},
    people::{Member, Role, Team},
    permissions::Actor,
    state::State,
    time::UtcMillis,
    workspace::{Workflow, Workspace, default_settings},
};
use desk_sync::{
    scope::scope_id,
    wire::{
        self, DocHeads, Documents, Hash, Heads, LoggedChange, PullReply, Push, PushReply, Wanted,
        WholeDocument, WireChange,
    },
};
use workernet_server::{
    random::FreshIds,
    settings,
    storage::{Digest, LogEntry},
    sync::push::{Incoming, Judgement, Place, Rejection, Sender, Subject, judge_batch},
};

pub(crate) use restored::{LoggedAs, Lost, Witness};

use crate::{Broken, chance::Chance};

/// The teams of the workspace; each is private at times.
pub(crate) const TEAMS: [&str; 3] = ["desk", "hr", "it"];
/// Whole documents in one answer.
const WHOLE: usize = 3;

/// A person as the server knows them.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    pub(crate) id: MemberId,
    pub(crate) role: Role,
    pub(crate) personal: DocId,
    /// Keys of their teams.
    pub(crate) teams: BTreeSet<String>,
}

/// A change of the log.
#[derive(Clone, Debug)]
pub(crate) struct Logged {
    pub(crate) entry: LogEntry,
    /// What nobody can rewrite unseen.
    chain: Digest,
    pub(crate) kind: DocKind,
    pub(crate) owner: Option<MemberId>,
}

/// A document with the accepted changes applied.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    pub(crate) kind: DocKind,
    pub(crate) owner: Option<MemberId>,
    pub(crate) document: Document,
    pub(crate) team: Option<String>,
    /// Which team it left for which, and with which number.
    moves: Vec<(u64, Option<String>, Option<String>)>,
    size_bytes: usize,
    seqs: HashMap<DeviceId, u64>,
}

/// Why a request got no answer of substance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The device was revoked, or its member may not sync: it needs a person.
    NotAllowed,
    /// The frame is none.
    BadRequest,
    /// There is no such segment, or not any more.
    NotFound,
    /// The log is not the one that the device saw.
    Restored,
}

/// A batch that is decided and not yet written: what a crash loses.
pub(crate) struct Decided {
    judgement: Judgement,
    scope: Hash,
    subjects: BTreeMap<DocId, Subject>,
}

impl Decided {
    /// Nothing is to be written.
    pub(crate) fn is_empty(&self) -> bool {
        self.judgement.entries.is_empty()
    }
}

/// What is committed; the rest of a server is lost when it dies.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) settings: DocId,
    pub(crate) accounts: Vec<Account>,
    pub(crate) devices: HashMap<DeviceId, (usize, bool)>,
    pub(crate) log: Vec<Logged>,
    pub(crate) documents: BTreeMap<DocId, Kept>,
    index: HashMap<(DocId, [u8; 32]), u64>,
    refused: HashMap<(DocId, [u8; 32]), Rejection>,
    workspace: Option<Workspace>,
    /// A device has shown that the log was once another one: what it lost is taken from anybody.
    recovering: bool,
    /// Every segment that was packed; those of the present set have its place in the log.
    segments: Vec<segments::Packed>,
    set: Option<u64>,
    /// Every change that the server itself ever made.
    pub(crate) own: HashSet<[u8; 32]>,
}

impl Server {
    /// A workspace with these people.
    pub(crate) fn new(roles: &[Role], now: UtcMillis, chance: &Chance) -> Result<Self, Broken> {
        let ids = FreshIds::at(now, chance.random());
        let accounts = roles
            .iter()
            .map(|role| Account {
                id: MemberId(ids.fresh()),
                role: *role,
                personal: DocId(ids.fresh()),
                teams: BTreeSet::new(),
            })
            .collect();
        let mut server = Self {
            settings: DocId(ids.fresh()),
            accounts,
            devices: HashMap::new(),
            log: Vec::new(),
            documents: BTreeMap::new(),
            index: HashMap::new(),
            refused: HashMap::new(),
            workspace: None,
            recovering: false,
            segments: Vec::new(),
            set: None,
            own: HashSet::new(),
        };
        let entries = default_settings("Acme", "Asia/Almaty")
            .into_iter()
            .map(|(section, key, value)| WorkspaceOp::Set { section, key, value: Some(value) });
        let create = std::iter::once(WorkspaceOp::Create).chain(entries).collect();
        server.own_settings(create, now, chance)?;
        for key in TEAMS {
            server.set_private(key, chance.hits(300), now, chance)?;
        }
        for number in 0..server.accounts.len() {
            server.list_member(number, now, chance)?;
            let Account { id, personal, .. } = server.accounts[number].clone();
            let create = Stamped::new(now, id.to_string(), desk_domain::edit::PersonalOp::Create);
            server.own(&Edit { doc: personal, ops: Ops::Personal(vec![create]) }, Some(id), now, chance)?;
        }
        Ok(server)
    }

    pub(crate) fn head(&self) -> u64 {
        self.log.len() as u64
    }

    /// The device's person, unless it was revoked.
    fn account(&self, device: DeviceId) -> Result<&Account, Refusal> {
        match self.devices.get(&device) {
            Some((member, false)) => Ok(&self.accounts[*member]),
            Some((_, true)) | None => Err(Refusal::NotAllowed),
        }
    }

    /// Decides a batch as the server's lane does; nothing is written.
    pub(crate) fn decide(
        &self,
        device: DeviceId,
        frame: &[u8],
        now: UtcMillis,
    ) -> Result<Result<Decided, Refusal>, Broken> {
        let push: Push = match wire::decode(frame) {
            Ok(push) => push,
            Err(_) => return Ok(Err(Refusal::BadRequest)),
        };
        let account = match self.account(device) {
            Ok(account) => account,
            Err(refusal) => return Ok(Err(refusal)),
        };
        if account.role == Role::Requester {
            return Ok(Err(Refusal::NotAllowed));
        }
        let seen = self.scope(account);
        let (scope, name) = (Arc::new(seen.clone()), scope_id(&seen));
        let sender = Sender { device, member: account.id, role: account.role, scope };
        let mut changes: Vec<Incoming> = push.changes.iter().map(Incoming::verify).collect();
        self.admit(account, device, &mut changes);
        let mut mentioned: BTreeMap<DocId, Vec<[u8; 32]>> = BTreeMap::new();
        for incoming in &changes {
            mentioned.entry(incoming.doc).or_default().extend(incoming.mentions());
        }
        let mut subjects: BTreeMap<DocId, Subject> =
            mentioned.into_iter().map(|(doc, hashes)| (doc, self.subject(doc, &hashes, device))).collect();
        for (doc, subject) in &mut subjects {
            subject.relayed_seqs = self.relayed_seqs(*doc, &changes);
        }
        let workflow =
            self.workspace.as_ref().map(|workspace| workspace.workflow.clone()).unwrap_or_default();
        let judgement =
            judge_batch(sender, &workflow, now, self.head(), &mut subjects, changes).map_err(Broken::new)?;
        Ok(Ok(Decided { judgement, scope: name, subjects }))
    }

    fn subject(&self, doc: DocId, hashes: &[[u8; 32]], device: DeviceId) -> Subject {
        let Some(kept) = self.documents.get(&doc) else {
            return Subject { refused: self.refused_of(doc, hashes), ..Subject::nowhere() };
        };
        Subject {
            place: Place::Here { kind: kept.kind, owner: kept.owner },
            document: Some(kept.document.clone()),
            accepted: hashes
                .iter()
                .filter_map(|hash| Some((*hash, *self.index.get(&(doc, *hash))?)))
                .collect(),
            refused: self.refused_of(doc, hashes),
            actor_seq: kept.seqs.get(&device).copied().unwrap_or(0),
            size_bytes: kept.size_bytes,
            changed: false,
            ..Subject::nowhere()
        }
    }

    fn refused_of(&self, doc: DocId, hashes: &[[u8; 32]]) -> HashMap<[u8; 32], Rejection> {
        hashes.iter().filter_map(|hash| Some((*hash, self.refused.get(&(doc, *hash))?.clone()))).collect()
    }

    /// Writes what was decided: the transaction's commit.
    pub(crate) fn commit(&mut self, decided: Decided) -> Result<PushReply, Broken> {
        let Decided { judgement, scope, mut subjects } = decided;
        for entry in judgement.entries {
            let Some(subject) = subjects.get(&entry.doc) else {
                return Err(Broken::new("a change was accepted for a document that no change names"));
            };
            let Place::Here { kind, owner } = subject.place else {
                return Err(Broken::new("a change was accepted for a document that is nowhere"));
            };
            self.append(entry, kind, owner)?;
        }
        for refused in judgement.refusals {
            self.refused.entry((refused.doc, refused.hash)).or_insert_with(|| refused.into());
        }
        subjects.retain(|_, subject| subject.changed);
        for (doc, subject) in subjects {
            let (Place::Here { kind, owner }, Some(document)) = (subject.place, subject.document) else {
                return Err(Broken::new("a document changed and is not here"));
            };
            self.put(doc, kind, owner, document)?;
        }
        let (verdicts, withdrawn) = (judgement.verdicts, judgement.withdrawn);
        Ok(PushReply { verdicts, head: self.head(), withdrawn, scope })
    }

    fn append(&mut self, entry: LogEntry, kind: DocKind, owner: Option<MemberId>) -> Result<(), Broken> {
        let seq = self.head() + 1;
        if self.index.insert((entry.doc, entry.hash), seq).is_some() {
            return Err(Broken::new(format!("the change {} was accepted twice", Hash(entry.hash))));
        }
        let chain = self.next_chain(&entry);
        self.log.push(Logged { entry, chain, kind, owner });
        Ok(())
    }

    fn put(
        &mut self,
        doc: DocId,
        kind: DocKind,
        owner: Option<MemberId>,
        mut document: Document,
    ) -> Result<(), Broken> {
        if doc == self.settings {
            match document.read().map_err(Broken::new)? {
                State::Workspace(workspace) => self.workspace = Some(*workspace),
                other => return Err(Broken::new(format!("the settings are {:?}", other.kind()))),
            }
        }
        let size_bytes = document.save().len();
        let mut seqs = HashMap::new();
        for Logged { entry, .. } in self.log.iter().filter(|logged| logged.entry.doc == doc) {
            seqs.insert(entry.actor, entry.actor_seq);
        }
        let team = document.team();
        let mut moves = Vec::new();
        if let Some(before) = self.documents.remove(&doc) {
            moves = before.moves;
            if before.team != team {
                // As the server's storage has it: under the document's newest number.
                let of_doc = |logged: &Logged| logged.entry.doc == doc;
                let newest = self.log.iter().rposition(of_doc).map_or(0, |at| at as u64 + 1);
                moves.push((newest, before.team, team.clone()));
            }
        }
        self.documents.insert(doc, Kept { kind, owner, document, team, moves, size_bytes, seqs });
        Ok(())
    }

    /// What a person sees now.
    pub(crate) fn scope(&self, account: &Account) -> Scope {
        let of = |workspace| Scope::of(workspace, account.id, account.role);
        self.workspace.as_ref().map(of).unwrap_or_default()
    }

    /// Whether a device's person may see a document.
    pub(crate) fn sees(&self, account: &Account, kept: &Kept) -> bool {
        kept.owner.is_none_or(|owner| owner == account.id) && self.scope(account).sees(kept.team.as_deref())
    }

    /// What a device that is not revoked may see, by name.
    pub(crate) fn scope_of(&self, device: DeviceId) -> Option<Hash> {
        Some(scope_id(&self.scope(self.account(device).ok()?)))
    }

    /// The documents that a device's person may see.
    pub(crate) fn heads(&self, device: DeviceId) -> Result<Heads, Refusal> {
        let account = self.reader(device)?;
        let seen = self.documents.iter().filter(|(_, kept)| self.sees(account, kept));
        let heads = |kept: &Kept| kept.document.clone().heads().into_iter().map(Hash).collect();
        let documents = seen.map(|(doc, kept)| DocHeads { doc: *doc, heads: heads(kept) }).collect();
        Ok(Heads { documents, is_last: true, scope: scope_id(&self.scope(account)) })
    }

    /// Lets a device go on under a fresh id; the old one stays as it is.
    pub(crate) fn register(&mut self, device: DeviceId, fresh: DeviceId) -> Result<(), Refusal> {
        match self.devices.get(&device) {
            Some((member, false)) => {
                let member = *member;
                self.devices.entry(fresh).or_insert((member, false));
                Ok(())
            }
            Some((_, true)) | None => Err(Refusal::NotAllowed),
        }
    }

    /// The first of the documents that are asked for, whole; not more than some at once.
    pub(crate) fn whole(&self, device: DeviceId, frame: &[u8]) -> Result<Documents, Refusal> {
        let account = self.reader(device)?;
        let Wanted { docs } = wire::decode(frame).map_err(|_| Refusal::BadRequest)?;
        let asked = docs.iter().take(WHOLE);
        let kept = asked.filter_map(|doc| Some((*doc, self.documents.get(doc)?)));
        let documents =
            kept.filter(|(_, kept)| self.sees(account, kept)).map(|(doc, kept)| whole(doc, kept)).collect();
        let answered = u32::try_from(docs.len().min(WHOLE)).unwrap_or(u32::MAX);
        Ok(Documents { documents, answered, scope: scope_id(&self.scope(account)) })
    }

    fn reader(&self, device: DeviceId) -> Result<&Account, Refusal> {
        let account = self.account(device)?;
        if account.role == Role::Requester { Err(Refusal::NotAllowed) } else { Ok(account) }
    }

    /// Says who is in a team.
    pub(crate) fn set_teams(
        &mut self,
        member: usize,
        teams: BTreeSet<String>,
        now: UtcMillis,
        chance: &Chance,
    ) -> Result<(), Broken> {
        self.accounts[member].teams = teams;
        self.list_member(member, now, chance)
    }

    /// Says whether a team's tickets are its members' alone.
    pub(crate) fn set_private(
        &mut self,
        key: &str,
        private: bool,
        now: UtcMillis,
        chance: &Chance,
    ) -> Result<(), Broken> {
        let team = Team { key: key.to_owned(), name: key.to_owned(), private };
        let op = settings::entry(Section::Teams, key, &team).map_err(Broken::new)?;
        self.own_settings(vec![op], now, chance)
    }

    /// What follows a cursor, as the member may see it; nothing where they see something else than they say.
    pub(crate) fn pull(
        &self,
        device: DeviceId,
        after: u64,
        known: Option<Hash>,
        most: usize,
    ) -> Result<PullReply, Refusal> {
        let account = self.reader(device)?;
        let head = self.head();
        if after > head {
            return Err(Refusal::BadRequest);
        }
        let access = self.scope(account);
        let scope = scope_id(&access);
        let (changes, documents, withdrawn) = (Vec::new(), Vec::new(), Vec::new());
        let mut reply = PullReply { changes, cursor: after, head, scope, documents, withdrawn };
        if known.is_some_and(|known| known != scope) {
            return Ok(reply);
        }
        let from = usize::try_from(after).unwrap_or(usize::MAX);
        for (seq, logged) in (after + 1..).zip(self.log.iter().skip(from).take(most)) {
            let LogEntry { doc, hash, bytes, .. } = &logged.entry;
            reply.cursor = seq;
            let Some(kept) = self.documents.get(doc) else { continue };
            if logged.owner.is_some_and(|owner| owner != account.id) {
                continue;
            }
            let is_private =
                |team: &Option<String>| team.as_ref().is_some_and(|team| access.private().contains(team));
            let crossed = kept.moves.iter().filter(|(_, from, to)| is_private(from) || is_private(to));
            let left = kept.moves.iter().find(|(at, ..)| *at == seq);
            let entry = Entry {
                seq,
                team: kept.team.as_deref(),
                left: left.map(|(_, from, _)| Left { from: from.as_deref() }),
                crossed: crossed.map(|(at, ..)| *at).max(),
            };
            match access.shows(&entry) {
                Shown::Nothing => {}
                Shown::Change => {
                    let change =
                        WireChange { doc: *doc, kind: logged.kind, hash: Hash(*hash), bytes: bytes.clone() };
                    reply.changes.push(LoggedChange { seq, change });
                }
                Shown::Whole => reply.documents.push(whole(*doc, kept)),
                Shown::Withdrawn => reply.withdrawn.push(*doc),
            }
        }
        Ok(reply)
    }

    /// Gives a member another role, and says so in the settings, in one transaction.
    pub(crate) fn set_role(
        &mut self,
        member: usize,
        role: Role,
        now: UtcMillis,
        chance: &Chance,
    ) -> Result<(), Broken> {
        self.accounts[member].role = role;
        self.list_member(member, now, chance)
    }

    fn list_member(&mut self, number: usize, now: UtcMillis, chance: &Chance) -> Result<(), Broken> {
        let account = &self.accounts[number];
        let member = Member {
            id: account.id,
            name: format!("Member {number}"),
            email: format!("m{number}@acme.example"),
            role: account.role,
            teams: account.teams.clone(),
            active: true,
        };
        let op = settings::entry(Section::Members, &account.id.to_string(), &member).map_err(Broken::new)?;
        self.own_settings(vec![op], now, chance)
    }

    fn own_settings(&mut self, ops: Vec<WorkspaceOp>, now: UtcMillis, chance: &Chance) -> Result<(), Broken> {
        let steps = ops.into_iter().map(|op| Stamped::new(now, "server", op)).collect();
        self.own(&Edit { doc: self.settings, ops: Ops::Workspace(steps) }, None, now, chance)
    }

    /// The server's own edit: logged without a verdict, under an actor of its own.
    fn own(
        &mut self,
        edit: &Edit,
        owner: Option<MemberId>,
        now: UtcMillis,
        chance: &Chance,
    ) -> Result<(), Broken> {
        let ids = FreshIds::at(now, chance.random());
        let document = match self.documents.get(&edit.doc) {
            Some(kept) => kept.document.clone(),
            None => Document::empty(edit.doc, edit.kind()),
        };
        let workflow = Workflow::default();
        let actor = Actor { member: None, role: Role::Admin };
        let device = DeviceId(ids.fresh());
        let author = Author { device, actor, workflow: &workflow };
        let (document, made) = document.edit(&author, edit, now, &ids).map_err(Broken::new)?;
        let Some(made) = made else { return Ok(()) };
        let actor_seq = verify(&made.bytes, made.hash).map_err(Broken::new)?.seq();
        self.own.insert(made.hash);
        let entry = LogEntry {
            doc: edit.doc,
            hash: made.hash,
            actor: device,
            actor_seq,
            member: None,
            received_at: now,
            bytes: made.bytes,
        };
        self.append(entry, edit.kind(), owner)?;
        self.put(edit.doc, edit.kind(), owner, document)
    }
}

/// A document as it stands.
fn whole(doc: DocId, kept: &Kept) -> WholeDocument {
    WholeDocument { doc, kind: kept.kind, snapshot: kept.document.clone().save() }
}
