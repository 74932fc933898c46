//! What the server keeps: workspaces, members, devices, sessions, documents and the log of accepted changes.
//!
//! Invariants, which the contract suite shows of every implementation:
//! - A workspace's sequence numbers are 1, 2, 3… without gaps, in the order of commit; a number belongs to the
//!   transaction that writes its change, and a transaction that ends without `commit` leaves nothing.
//! - Two transactions of one workspace never overlap, whichever processes they run in: what one reads stays true
//!   until it commits.
//! - What a committed transaction wrote survives a power failure.
//!
//! Not here: what a change may do (`sync::push`), secrets in the clear, SQL beyond an implementation's folder.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use async_trait::async_trait;
use desk_domain::{
    access::Scope,
    ids::{DeviceId, DocId, DocKind, MemberId, WorkspaceId},
    people::Role,
    time::UtcMillis,
};
use desk_sync::wire::{RejectCode, WholeDocument};

pub mod chain;
#[cfg(test)]
pub(crate) mod contract;
mod error;
mod fold;
mod page;
pub mod postgres;
mod rotation;
pub mod signals;
pub mod sqlite;

pub use error::StorageError;
pub use postgres::PostgresStorage;
use serde::{Deserialize, Serialize};
pub use signals::{SignalTransaction, Signals};
pub use sqlite::SqliteStorage;
use uuid::Uuid;

/// Tokens of sessions that ended this long ago tell nobody anything any more.
const KEPT_AFTER_END_MS: i64 = 30 * 24 * 3_600_000;

/// The hash of a change, or SHA-256 of a token.
pub type Digest = [u8; 32];

/// A tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkspaceRecord {
    /// Stable identity.
    pub id: WorkspaceId,
    /// What people type at sign-in; lower case.
    pub slug: String,
    /// What to call it.
    pub name: String,
    /// Its settings document.
    pub settings_doc: DocId,
    /// The actor of the server's own changes here.
    pub server_device: DeviceId,
    /// The newest sequence number of its log; 0 when the log is empty.
    pub head: u64,
    /// When it was made.
    pub created_at: UtcMillis,
}

/// A person who may sign in.
#[derive(Clone, PartialEq, Eq)]
pub struct MemberRecord {
    /// Stable identity.
    pub id: MemberId,
    /// The tenant.
    pub workspace: WorkspaceId,
    /// Lower case; unique within the workspace.
    pub email: String,
    /// What to call them.
    pub name: String,
    /// What they may do, from now on.
    pub role: Role,
    /// An argon2id PHC string.
    pub password_hash: String,
    /// Their personal settings document.
    pub personal_doc: DocId,
    /// `false` once they left: they cannot sign in.
    pub active: bool,
    /// When they were added.
    pub created_at: UtcMillis,
}

impl std::fmt::Debug for MemberRecord {
    /// Without the password's hash, which has no business in a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MemberRecord")
            .field("id", &self.id)
            .field("workspace", &self.workspace)
            .field("role", &self.role)
            .field("active", &self.active)
            .finish_non_exhaustive()
    }
}

/// One installation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceRecord {
    /// Its id, which is also its Automerge actor.
    pub id: DeviceId,
    /// The tenant.
    pub workspace: WorkspaceId,
    /// Whose it is for good; `None` is the server itself.
    pub member: Option<MemberId>,
    /// What the person calls it.
    pub name: String,
    /// When it first signed in.
    pub created_at: UtcMillis,
    /// When it last signed in or refreshed.
    pub seen_at: UtcMillis,
    /// When an administrator revoked it.
    pub revoked_at: Option<UtcMillis>,
}

/// What became of a device that wants to sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registration {
    /// It is the member's: new, or known before.
    Registered,
    /// It is the member's and was revoked.
    Revoked,
    /// The id belongs to somebody else, or to the server.
    Taken,
}

/// A sign-in that is to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSession {
    /// The session, and the family of its refresh tokens.
    pub id: Uuid,
    /// Who signed in.
    pub member: MemberId,
    /// Where.
    pub device: DeviceId,
    /// Its first refresh token.
    pub token: NewToken,
}

/// A refresh token as it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewToken {
    /// SHA-256 of the token.
    pub hash: Digest,
    /// When it was given out.
    pub issued_at: UtcMillis,
    /// When it ends if nobody uses it.
    pub expires_at: UtcMillis,
}

/// Why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionEnd {
    /// The person signed out.
    SignedOut,
    /// A refresh token was used twice: one of the two users is a thief.
    Reuse,
    /// An administrator revoked the device.
    Revoked,
}

impl SessionEnd {
    /// Its spelling in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SignedOut => "signed_out",
            Self::Reuse => "reuse",
            Self::Revoked => "revoked",
        }
    }
}

/// What became of a refresh token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// It was good, or its last use was so short ago that the answer may have been lost; the new one stands in its
    /// place.
    Rotated {
        /// The session that goes on.
        session: Uuid,
        /// Whose it is.
        member: MemberId,
    },
    /// It was used before, and not just now with its answer lost; its session is ended now.
    Reused,
    /// Its device was revoked.
    Revoked,
    /// Its member left, or is a requester now; it is not used up.
    Barred,
    /// It ended by itself, its session was ended, it is another device's, or nobody ever had it.
    Void,
}

/// What an access token's bearer may do at this moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// The member as they stand now.
    pub member: MemberRecord,
    /// The session was ended.
    pub session_ended: bool,
    /// The device was revoked.
    pub device_revoked: bool,
    /// The newest number of their workspace's log: every request asks for it, and this way it costs nothing more.
    pub head: u64,
    /// The number of the newest change of the workspace's settings, which say what the member sees.
    pub settings_seq: u64,
}

/// As whom documents are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reader {
    /// Personal documents of others are not for them.
    pub member: MemberId,
    /// What they see of the others.
    pub scope: Arc<Scope>,
}

/// What may have changed outside this process, cheap enough to ask for every second.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pulse {
    /// The head of every workspace.
    pub heads: HashMap<WorkspaceId, u64>,
    /// Changes whenever somebody's access was taken away.
    pub access: u64,
}

/// What is known of a document without opening it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DocumentHead {
    /// The tenant it belongs to, which need not be the one that asks.
    pub workspace: WorkspaceId,
    /// What it is about.
    pub kind: DocKind,
    /// Whose it is, for a personal document.
    pub owner: Option<MemberId>,
    /// The number of its newest change.
    pub seq: u64,
}

/// A document with the accepted changes applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentRecord {
    /// Its id.
    pub id: DocId,
    /// The tenant.
    pub workspace: WorkspaceId,
    /// What it is about.
    pub kind: DocKind,
    /// Whose it is, for a personal document.
    pub owner: Option<MemberId>,
    /// The number of its newest change.
    pub seq: u64,
    /// The team by which it is seen or not, for a ticket.
    pub team: Option<String>,
    /// Its heads, sorted.
    pub heads: Vec<Digest>,
    /// Uncompressed Automerge: all of it, also where the stored one is behind.
    pub snapshot: Vec<u8>,
}

/// A document that goes on without its snapshot: what was appended to the log is folded in later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grown {
    /// Which one; it is there.
    pub id: DocId,
    /// The number of its newest change.
    pub seq: u64,
    /// Its team now.
    pub team: Option<String>,
    /// Its heads now, sorted.
    pub heads: Vec<Digest>,
}

/// A change that is to be written into the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    /// The document.
    pub doc: DocId,
    /// The change's hash.
    pub hash: Digest,
    /// The device that made it.
    pub actor: DeviceId,
    /// Its number among the actor's changes of the document, from 1.
    pub actor_seq: u64,
    /// Who sent it; `None` is the server itself.
    pub member: Option<MemberId>,
    /// When it came in.
    pub received_at: UtcMillis,
    /// The change.
    pub bytes: Vec<u8>,
}

/// A change that was refused, where another moment might decide otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The document.
    pub doc: DocId,
    /// The change's hash.
    pub hash: Digest,
    /// Why, for programs.
    pub code: RejectCode,
    /// Why, for people.
    pub reason: String,
    /// When.
    pub refused_at: UtcMillis,
}

/// A code as it stands in the database.
fn reject_code(text: &str) -> Result<RejectCode, StorageError> {
    serde_json::from_value(serde_json::Value::String(text.to_owned()))
        .map_err(|_| StorageError::damaged("a refusal without a reason that there is"))
}

/// A change as it stands in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedEntry {
    /// Its number.
    pub seq: u64,
    /// The document.
    pub doc: DocId,
    /// What the document is about.
    pub kind: DocKind,
    /// The change's hash.
    pub hash: Digest,
    /// The change.
    pub bytes: Vec<u8>,
}

/// A stretch of the log as one member may see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogPage {
    /// In the order of their numbers.
    pub entries: Vec<LoggedEntry>,
    /// Documents that came into sight in the stretch, or may have, as they are now.
    pub documents: Vec<WholeDocument>,
    /// Documents that left it.
    pub withdrawn: Vec<DocId>,
    /// A personal document has a change in the stretch, whoever's: others of the same scope get another page.
    pub is_personal: bool,
    /// The number of the newest change of the settings when the page was read.
    pub settings_seq: u64,
    /// Everything up to this number was looked at.
    pub cursor: u64,
    /// The newest number of the workspace.
    pub head: u64,
    /// The log's chain there.
    pub chain: Digest,
}

impl LogPage {
    /// Bytes of all changes and documents in it.
    pub fn size_bytes(&self) -> usize {
        let changes = self.entries.iter().map(|entry| entry.bytes.len()).sum::<usize>();
        changes + self.documents.iter().map(|document| document.snapshot.len()).sum::<usize>()
    }
}

/// The segments that together hold every shared document of a workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentSet {
    /// They hold everything up to this number of the log.
    pub cursor: u64,
    /// The version of the rows in them.
    pub projection: u16,
    /// SHA-256 of the settings that the rows were computed by.
    pub rules: Digest,
    /// The teams whose documents stood in segments of their own.
    pub private: BTreeSet<String>,
    /// By team, those of everybody first, then in the order of the documents' ids.
    pub segments: Vec<SegmentEntry>,
}

/// Whose documents stand in a segment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Audience {
    /// A private team, or everybody: what is no private team's.
    pub team: Option<String>,
    /// The teams that were private when it was packed.
    pub private: BTreeSet<String>,
}

/// What is to be known of a segment before it is given to anybody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentAbout {
    /// Its documents were whose at this number of the log, or later.
    pub cursor: u64,
    /// Whose.
    pub audience: Audience,
    /// Its first document.
    pub first: DocId,
    /// Its last document.
    pub last: DocId,
}

/// A segment without its bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentEntry {
    /// The private team whose documents stand in it; `None` for everybody's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    /// SHA-256 of its bytes.
    #[serde(with = "hex::serde")]
    pub id: Digest,
    /// Its first document.
    pub first: DocId,
    /// Its last document.
    pub last: DocId,
    /// How many documents it has.
    pub documents: u32,
    /// How many bytes.
    pub bytes: u64,
}

/// What a process wrote, told to all processes on the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// A workspace's log grew.
    Head {
        /// The tenant.
        workspace: WorkspaceId,
        /// Its newest number.
        head: u64,
    },
    /// Somebody's access was taken away.
    Access,
}

/// A change as it stands in the log, with everything that the chain is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its number.
    pub seq: u64,
    /// What was written.
    pub entry: LogEntry,
    /// The chain at it; `None` when it was written before there was one.
    pub chain: Option<Digest>,
}

/// How far a document's changes go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentHeads {
    /// The document.
    pub doc: DocId,
    /// What it is about.
    pub kind: DocKind,
    /// Its heads, sorted.
    pub heads: Vec<Digest>,
}

/// How much of the log to read at once; the first change is always read, however large.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageLimits {
    /// Most changes, seen or not.
    pub changes: u32,
    /// Stop once the changes have this many bytes.
    pub bytes: usize,
}

/// Reads about tenants and people.
#[async_trait]
pub trait Directory: Send + Sync {
    /// A secret of this installation: the stored one, or `fresh`, which is stored now.
    async fn secret(&self, name: &str, fresh: &[u8]) -> Result<Vec<u8>, StorageError>;
    /// A workspace.
    async fn workspace(&self, id: WorkspaceId) -> Result<Option<WorkspaceRecord>, StorageError>;
    /// The workspace that people know by this name.
    async fn workspace_by_slug(&self, slug: &str) -> Result<Option<WorkspaceRecord>, StorageError>;
    /// A member by address (lower case), active or not.
    async fn member_by_email(
        &self,
        workspace: WorkspaceId,
        email: &str,
    ) -> Result<Option<MemberRecord>, StorageError>;
    /// All heads, and whether anybody lost access.
    async fn pulse(&self) -> Result<Pulse, StorageError>;
}

/// Installations.
#[async_trait]
pub trait Devices: Send + Sync {
    /// Makes the device the member's, or finds that it is or cannot be.
    async fn register_device(&self, device: &DeviceRecord) -> Result<Registration, StorageError>;
    /// All installations of a workspace's members, newest first.
    async fn devices(&self, workspace: WorkspaceId) -> Result<Vec<DeviceRecord>, StorageError>;
    /// Revokes a member's device and ends its sessions; `false` when there is none such. Again is no error.
    async fn revoke_device(&self, device: DeviceId, now: UtcMillis) -> Result<bool, StorageError>;
}

/// Sign-ins and their refresh tokens.
#[async_trait]
pub trait Sessions: Send + Sync {
    /// Keeps a sign-in.
    async fn open_session(&self, session: &NewSession) -> Result<(), StorageError>;
    /// Uses a refresh token up and puts `next` in its place, in one transaction.
    async fn rotate_token(
        &self,
        used: Digest,
        device: DeviceId,
        next: &NewToken,
    ) -> Result<Rotation, StorageError>;
    /// Ends a session; `false` when it had ended or never was.
    async fn end_session(&self, id: Uuid, why: SessionEnd, now: UtcMillis) -> Result<bool, StorageError>;
    /// What the bearer of a token of this session may do now; `None` when there is no such session.
    async fn access(&self, session: Uuid) -> Result<Option<Access>, StorageError>;
}

/// Reads of the log and the documents.
#[async_trait]
pub trait Log: Send + Sync {
    /// What follows `after`, as the reader sees it by where each document is now; see [`Scope::shows`].
    async fn changes_after(
        &self,
        workspace: WorkspaceId,
        reader: &Reader,
        after: u64,
        limits: PageLimits,
    ) -> Result<LogPage, StorageError>;
    /// Those of the documents that the reader sees, in the order in which they are asked for, as many as have `bytes`
    /// bytes (at least one), and how many of those that were asked for that answers.
    async fn documents_for(
        &self,
        workspace: WorkspaceId,
        reader: &Reader,
        docs: &[DocId],
        bytes: usize,
    ) -> Result<(Vec<WholeDocument>, usize), StorageError>;
    /// A document.
    async fn document(&self, doc: DocId) -> Result<Option<DocumentRecord>, StorageError>;
    /// How many documents of each kind a workspace has.
    async fn count_documents(&self, workspace: WorkspaceId) -> Result<BTreeMap<DocKind, u64>, StorageError>;
}

/// Segments for new devices: a cache beside the documents.
#[async_trait]
pub trait Segments: Send + Sync {
    /// The present set of a workspace.
    async fn segment_set(&self, workspace: WorkspaceId) -> Result<Option<SegmentSet>, StorageError>;
    /// A segment's bytes, of the present set or of one that was replaced a while ago, and what they are.
    async fn segment(
        &self,
        workspace: WorkspaceId,
        id: Digest,
    ) -> Result<Option<(SegmentAbout, Vec<u8>)>, StorageError>;
    /// Keeps a segment's bytes; it belongs to no set yet. Of two with the same bytes, what is known of the later one counts.
    async fn put_segment(
        &self,
        workspace: WorkspaceId,
        id: Digest,
        about: &SegmentAbout,
        bytes: &[u8],
    ) -> Result<(), StorageError>;
    /// Whether a document that may stand in the segment has moved out of its audience into a private team since it was
    /// packed.
    async fn is_outdated(&self, workspace: WorkspaceId, about: &SegmentAbout) -> Result<bool, StorageError>;
    /// Replaces the set. Segments that it does not name are retired as of `now`; those that were retired before
    /// `forget_before` are forgotten.
    async fn put_segment_set(
        &self,
        workspace: WorkspaceId,
        set: &SegmentSet,
        now: UtcMillis,
        forget_before: UtcMillis,
    ) -> Result<(), StorageError>;
    /// An audience's documents (no settings), in the order of their ids, after `after`, at most `limit`.
    async fn shared_documents(
        &self,
        workspace: WorkspaceId,
        audience: &Audience,
        after: Option<DocId>,
        limit: u32,
    ) -> Result<Vec<DocumentRecord>, StorageError>;
    /// Documents with a change after a number that are an audience's, or have left it since, in the order of their ids.
    async fn shared_changed_after(
        &self,
        workspace: WorkspaceId,
        audience: &Audience,
        seq: u64,
    ) -> Result<Vec<DocId>, StorageError>;
    /// Tickets of before teams were kept beside documents, in whichever workspace.
    async fn without_team(&self, limit: u32) -> Result<Vec<DocumentRecord>, StorageError>;
}

/// The log's chain, and what a workspace needs that was restored from a backup.
#[async_trait]
pub trait Audit: Send + Sync {
    /// The chain at a number of the log ([`chain::START`] at 0); `None` when the log does not reach there.
    async fn chain_at(&self, workspace: WorkspaceId, seq: u64) -> Result<Option<Digest>, StorageError>;
    /// At most `limit` entries after a number, in order.
    async fn audit_after(
        &self,
        workspace: WorkspaceId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<AuditEntry>, StorageError>;
    /// Notes that the workspace's log was once longer; what was noted before and lasts longer stays.
    async fn note_restored(&self, workspace: WorkspaceId, until: UtcMillis) -> Result<(), StorageError>;
    /// Until when the workspace takes what its log lost from whoever has it; `None` when it never lost anything.
    async fn recovering_until(&self, workspace: WorkspaceId) -> Result<Option<UtcMillis>, StorageError>;
    /// The member who owns a device, whether or not either may still sign in; `None` for the server's own, and unknown ones.
    async fn owner_of_device(
        &self,
        workspace: WorkspaceId,
        device: DeviceId,
    ) -> Result<Option<MemberRecord>, StorageError>;
    /// The heads of at most `limit` documents after one that the reader sees, in the order of their ids.
    async fn heads_after(
        &self,
        workspace: WorkspaceId,
        reader: &Reader,
        after: Option<DocId>,
        limit: u32,
    ) -> Result<Vec<DocumentHeads>, StorageError>;
}

/// When the escalation of an incident is to be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// At an instant.
    At(UtcMillis),
    /// As soon as the settings change: no policy is there for it, as they are.
    WhenSettingsChange,
    /// Not before the incident itself changes.
    Never,
}

/// Which escalations are to be looked at. Whatever writes an incident's document makes it due at once, in the same
/// transaction, and whatever writes the settings makes those due that wait for that: the database sees to it. So nothing has to
/// go through all incidents, and no crash forgets one.
#[async_trait]
pub trait Escalations: Send + Sync {
    /// Incidents that are due, the most overdue first, in whichever workspaces.
    async fn due_escalations(
        &self,
        until: UtcMillis,
        limit: u32,
    ) -> Result<Vec<(WorkspaceId, DocId)>, StorageError>;
    /// Makes those due that are due after an instant: by another clock than the one that set them, they may be.
    async fn look_at_escalations_after(&self, now: UtcMillis) -> Result<(), StorageError>;
    /// The next instant at which one is due.
    async fn next_escalation(&self) -> Result<Option<UtcMillis>, StorageError>;
}

/// An e-mail that is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMail {
    /// Derives from what it is about and whom it is for.
    pub id: Uuid,
    /// The address.
    pub recipient: String,
    /// Its subject.
    pub subject: String,
    /// Plain text.
    pub body: String,
    /// When it was written, and from when on it may be sent.
    pub created_at: UtcMillis,
}

/// An e-mail that one process has claimed, to send it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// Which one.
    pub id: Uuid,
    /// The address.
    pub recipient: String,
    /// Its subject.
    pub subject: String,
    /// Plain text.
    pub body: String,
    /// When it was written.
    pub created_at: UtcMillis,
    /// How often it was claimed, this time included.
    pub tries: u32,
}

/// E-mail that waits. What is claimed is nobody else's for a while, and everybody's again if its process dies.
#[async_trait]
pub trait Outbox: Send + Sync {
    /// Claims mail that is due until an instant; of several processes each gets others.
    async fn claim_mail(
        &self,
        now: UtcMillis,
        until: UtcMillis,
        limit: u32,
    ) -> Result<Vec<Mail>, StorageError>;
    /// It was sent.
    async fn mail_sent(&self, id: Uuid, now: UtcMillis) -> Result<(), StorageError>;
    /// It was not sent: try `again` then, or never. One that was sent meanwhile stays sent.
    async fn mail_failed(&self, id: Uuid, again: Option<UtcMillis>, error: &str) -> Result<(), StorageError>;
    /// The next instant at which some is due.
    async fn next_mail(&self) -> Result<Option<UtcMillis>, StorageError>;
}

/// Everything that the server keeps.
#[async_trait]
pub trait Storage:
    Directory + Devices + Sessions + Log + Segments + Audit + Signals + Escalations + Outbox
{
    /// Starts to write in a workspace (which need not exist yet), alone.
    async fn begin(&self, workspace: WorkspaceId) -> Result<Box<dyn Transaction>, StorageError>;
    /// Starts to listen for what processes write, this one included; `None` where the database does not tell, and
    /// [`Directory::pulse`] is the only way to know.
    async fn listen(&self) -> Result<Option<Box<dyn Listener>>, StorageError>;
    /// Folds what was appended into the snapshots of at most `limit` documents; how many those were. Of several processes
    /// on one database one does it at a time, and the others none.
    async fn fold_some(&self, limit: u32) -> Result<u32, StorageError>;
    /// Closes the connections; nothing works after it.
    async fn close(&self);
}

/// Hears what processes wrote. A hint: what comes while the connection is lost is not told again.
#[async_trait]
pub trait Listener: Send {
    /// Waits for the next piece of news.
    ///
    /// # Errors
    /// When the connection is lost; listen anew and look for what was missed.
    async fn next(&mut self) -> Result<News, StorageError>;
}

/// What is asked before changes are decided.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// Who sent them.
    pub devices: Vec<DeviceId>,
    /// The documents that they are of, in whichever tenant.
    pub docs: Vec<DocId>,
    /// Of how many changes each of these actors has made to the document beside it.
    pub actors: Vec<(DocId, DeviceId)>,
    /// Changes that may be known already.
    pub changes: Vec<(DocId, Digest)>,
}

/// What the workspace and its log know of what was asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// The workspace as this transaction has it.
    pub workspace: Option<WorkspaceRecord>,
    /// The chain at the end of its log.
    pub chain: Digest,
    /// The number of the newest change of its settings; `None` when it has none yet.
    pub settings_seq: Option<u64>,
    /// The members who own those of the devices that are neither revoked, nor unknown here, nor the server's, as they stand
    /// now. Of members who left there are none.
    pub members: HashMap<DeviceId, MemberRecord>,
    /// Those of the documents that exist.
    pub heads: HashMap<DocId, DocumentHead>,
    /// How many changes each actor has made to the document beside it; none is left out.
    pub actor_seqs: HashMap<(DocId, DeviceId), u64>,
    /// The numbers of those of the changes that the log has.
    pub accepted: HashMap<(DocId, Digest), u64>,
    /// Those of the changes that were refused before.
    pub refused: HashMap<(DocId, Digest), Refused>,
}

/// What was decided and is to be written.
#[derive(Clone, Copy, Debug, Default)]
pub struct Written<'a> {
    /// Changes for the end of the log, in this order; they continue its chain.
    pub entries: &'a [LogEntry],
    /// Changes to be remembered as refused; one that is remembered already stays as it was.
    pub refused: &'a [Refused],
    /// Documents, new or known, each at most once. That a document is another team's now is written down beside the log,
    /// under the document's number.
    pub documents: &'a [DocumentRecord],
    /// Documents that move on without their snapshots, each at most once.
    pub grown: &'a [Grown],
}

/// Writes in one workspace that happen together or not at all. Dropped without [`Transaction::commit`] it leaves
/// nothing behind.
#[async_trait]
pub trait Transaction: SignalTransaction {
    /// The workspace as this transaction has it.
    async fn workspace(&mut self) -> Result<Option<WorkspaceRecord>, StorageError>;
    /// Makes the workspace and its server device; `false` when the slug is taken.
    async fn insert_workspace(&mut self, workspace: &WorkspaceRecord) -> Result<bool, StorageError>;
    /// Adds a member; `false` when the address is taken.
    async fn insert_member(&mut self, member: &MemberRecord) -> Result<bool, StorageError>;
    /// Changes name, role, activity and password of a member; `false` when there is none such.
    async fn update_member(&mut self, member: &MemberRecord) -> Result<bool, StorageError>;
    /// Reads at once what is to be known before changes are decided: piece by piece, the ways to the database and back would
    /// take longer than everything else.
    async fn look(&mut self, asked: &Asked) -> Result<Known, StorageError>;
    /// Writes at once what was decided, and returns the number of the first of `entries`. The others' numbers follow it
    /// without a gap; where there are none, it is the number that the next one will have.
    async fn write(&mut self, decided: &Written<'_>) -> Result<u64, StorageError>;
    /// What is known of those of the documents that exist, in whichever tenant they are.
    async fn document_heads(&mut self, docs: &[DocId]) -> Result<HashMap<DocId, DocumentHead>, StorageError> {
        Ok(self.look(&Asked { docs: docs.to_vec(), ..Asked::default() }).await?.heads)
    }
    /// Writes changes and nothing else; see [`Transaction::write`].
    async fn append(&mut self, entries: &[LogEntry]) -> Result<u64, StorageError> {
        self.write(&Written { entries, ..Written::default() }).await
    }
    /// Writes documents and nothing else; see [`Transaction::write`].
    async fn put_documents(&mut self, documents: &[DocumentRecord]) -> Result<(), StorageError> {
        self.write(&Written { documents, ..Written::default() }).await.map(drop)
    }
    /// Those of the documents that are in this workspace.
    async fn documents(&mut self, docs: &[DocId]) -> Result<HashMap<DocId, DocumentRecord>, StorageError>;
    /// A document of this workspace.
    async fn document(&mut self, doc: DocId) -> Result<Option<DocumentRecord>, StorageError> {
        Ok(self.documents(&[doc]).await?.remove(&doc))
    }
    /// When the escalation of an incident is due to be looked at, if it is.
    async fn escalation_due(&mut self, incident: DocId) -> Result<Option<UtcMillis>, StorageError>;
    /// Says when the escalation of an incident of this workspace is to be looked at next. To be called after its document was
    /// written, which makes it due at once.
    async fn look_at_escalation(&mut self, incident: DocId, look: Look) -> Result<(), StorageError>;
    /// Writes mail to be sent; what stands there already under its id stays as it is.
    async fn post(&mut self, mail: &[NewMail]) -> Result<(), StorageError>;
    /// Makes it all durable.
    async fn commit(self: Box<Self>) -> Result<(), StorageError>;
}
