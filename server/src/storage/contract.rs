//! What every storage must do. Written once, over the traits; an implementation calls [`suite!`] with a function
//! that makes a fresh storage (and a guard that keeps it alive).

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use async_trait::async_trait;
use desk_docs::{Author, Document};
use desk_domain::{
    access::Scope,
    edit::{Edit, NewTicket, Ops, Stamped, TicketOp},
    ids::{DeviceId, DocId, DocKind, MemberId, WorkspaceId, uuid_v7},
    people::{Member, Role, Team},
    permissions::Actor,
    time::UtcMillis,
    workspace::{Workflow, Workspace},
};
use desk_sync::wire::RejectCode;
use uuid::Uuid;

use crate::random::{FreshIds, SeededRandom};

use super::{
    Asked, Audience, AuditEntry, DeviceRecord, Digest, DocumentHead, DocumentRecord, Grown, LogEntry,
    LogPage, Look, MemberRecord, NewMail, NewSession, NewToken, PageLimits, Pulse, Reader, Refused,
    Registration, Rotation, SegmentAbout, SegmentEntry, SegmentSet, SessionEnd, Storage, StorageError,
    Transaction, WorkspaceRecord, Written, chain,
};

mod signals;

pub(super) use signals::*;

/// One test per rule, each on a storage of its own.
macro_rules! suite {
    ($fresh:path) => {
        $crate::storage::contract::suite!($fresh:
            a_workspace_is_found_by_id_and_slug_and_its_slug_is_its_own,
            a_member_is_found_by_address_within_the_workspace,
            a_member_changes_and_is_read_anew,
            a_secret_stays_what_it_first_was,
            a_device_belongs_to_one_member_for_good,
            a_revoked_device_stays_revoked_and_its_sessions_end,
            a_refresh_token_is_good_once_and_reuse_ends_the_session,
            a_lost_answer_to_a_refresh_ends_nothing,
            a_lost_answer_is_made_up_for_once_and_soon,
            a_refresh_token_needs_its_device_its_time_and_its_session,
            sequence_numbers_have_no_gaps_even_where_a_transaction_failed,
            concurrent_transactions_take_turns,
            each_workspace_counts_for_itself,
            the_log_knows_its_hashes_and_its_actors,
            everything_about_a_push_is_read_and_written_at_once,
            what_was_refused_is_remembered_with_its_first_reason,
            many_changes_and_documents_are_written_at_once,
            a_hash_or_an_actors_number_stands_once,
            a_document_is_written_and_written_over,
            a_page_ends_at_its_limits_and_goes_on_from_its_cursor,
            another_members_personal_document_is_passed_over,
            segments_are_replaced_and_forgotten_a_while_later,
            shared_documents_are_paged_and_known_by_their_last_change,
            the_chain_goes_on_with_each_entry_and_belongs_to_its_log,
            a_restored_log_is_noted_for_the_longest_time,
            a_device_has_an_owner_even_when_it_may_nothing,
            heads_are_listed_in_pages,
            a_private_teams_documents_are_passed_over,
            what_came_into_sight_is_given_whole_and_what_left_it_is_named,
            documents_are_given_to_those_who_see_them,
            a_segment_is_outdated_by_what_left_its_audience,
            audiences_share_no_document,
            a_grown_document_is_read_whole_before_and_after_it_is_folded,
            folding_never_takes_a_document_back,
            a_token_is_found_by_its_hash_until_it_is_revoked,
            a_heartbeat_keeps_its_latest_instant_and_names_are_limited,
            samples_are_kept_up_to_their_number,
            tickets_are_counted_by_the_hour_and_forgotten,
            a_proposal_and_an_episode_stand_until_they_are_replaced,
            an_incident_that_changes_is_to_be_looked_at,
            mail_is_written_once_and_claimed_by_one,
        );
    };
    ($fresh:path: $($name:ident),+ $(,)?) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                let (_guard, storage) = $fresh().await;
                $crate::storage::contract::$name(&storage).await;
            }
        )+
    };
}
pub(super) use suite;

const NOW: UtcMillis = UtcMillis(1_790_000_000_000);
const LIMITS: PageLimits = PageLimits { changes: 100, bytes: 10_000 };

fn id(number: u8) -> Uuid {
    uuid_v7(NOW, [number; 10])
}

fn hash(number: u8) -> Digest {
    [number; 32]
}

/// A workspace with two members, 10·n+1 and 10·n+2, whose devices are numbered alike.
pub(crate) async fn workspace(storage: &dyn Storage, n: u8) -> WorkspaceRecord {
    let record = WorkspaceRecord {
        id: WorkspaceId(id(n * 10)),
        slug: format!("space-{n}"),
        name: format!("Отдел {n}"),
        settings_doc: DocId(id(n * 10 + 8)),
        server_device: DeviceId(id(n * 10 + 9)),
        head: 0,
        created_at: NOW,
    };
    let mut tx = storage.begin(record.id).await.unwrap();
    assert!(tx.insert_workspace(&record).await.unwrap());
    for number in [n * 10 + 1, n * 10 + 2] {
        assert!(tx.insert_member(&member(record.id, number)).await.unwrap());
    }
    tx.commit().await.unwrap();
    record
}

fn member(workspace: WorkspaceId, number: u8) -> MemberRecord {
    MemberRecord {
        id: MemberId(id(number)),
        workspace,
        email: format!("m{number}@demo.example"),
        name: format!("Анна {number}"),
        role: Role::Agent,
        password_hash: "$argon2id$".into(),
        personal_doc: DocId(id(number + 100)),
        active: true,
        created_at: NOW,
    }
}

/// A member where no team is private.
fn anybody(number: u8) -> Reader {
    Reader { member: MemberId(id(number)), scope: Arc::default() }
}

/// A member where these teams are private, in one of them or in none.
fn in_team(number: u8, private: &[&str], own: Option<&str>) -> Reader {
    let team = |key: &&str| Team { key: (*key).to_owned(), name: (*key).to_owned(), private: true };
    let mut settings = Workspace {
        id: DocId(id(0)),
        name: String::new(),
        zone: String::new(),
        members: BTreeMap::new(),
        teams: private.iter().map(|key| ((*key).to_owned(), team(key))).collect(),
        categories: BTreeMap::new(),
        workflow: Workflow::default(),
        calendars: BTreeMap::new(),
        policies: BTreeMap::new(),
        escalations: BTreeMap::new(),
        schedules: BTreeMap::new(),
        services: BTreeMap::new(),
        detection: BTreeMap::new(),
        schema: 1,
    };
    let member = MemberId(id(number));
    settings.members.insert(
        member,
        Member {
            id: member,
            name: String::new(),
            email: String::new(),
            role: Role::Agent,
            teams: own.iter().map(|key| (*key).to_owned()).collect(),
            active: true,
        },
    );
    Reader { member, scope: Arc::new(Scope::of(&settings, member, Role::Agent)) }
}

/// Pieces of what a transaction reads and writes at once.
#[async_trait]
trait Pieces {
    async fn member_of_device(&mut self, device: DeviceId) -> Result<Option<MemberRecord>, StorageError>;
    async fn accepted(
        &mut self,
        changes: &[(DocId, Digest)],
    ) -> Result<HashMap<(DocId, Digest), u64>, StorageError>;
    async fn refused(
        &mut self,
        changes: &[(DocId, Digest)],
    ) -> Result<HashMap<(DocId, Digest), Refused>, StorageError>;
    async fn refuse(&mut self, refused: &[Refused]) -> Result<(), StorageError>;
    async fn actor_seqs(
        &mut self,
        actors: &[(DocId, DeviceId)],
    ) -> Result<HashMap<(DocId, DeviceId), u64>, StorageError>;
    async fn grow_documents(&mut self, grown: &[Grown]) -> Result<(), StorageError>;
}

#[async_trait]
impl Pieces for Box<dyn Transaction> {
    async fn member_of_device(&mut self, device: DeviceId) -> Result<Option<MemberRecord>, StorageError> {
        let asked = Asked { devices: vec![device], ..Asked::default() };
        Ok(self.look(&asked).await?.members.remove(&device))
    }

    async fn accepted(
        &mut self,
        changes: &[(DocId, Digest)],
    ) -> Result<HashMap<(DocId, Digest), u64>, StorageError> {
        Ok(self.look(&Asked { changes: changes.to_vec(), ..Asked::default() }).await?.accepted)
    }

    async fn refused(
        &mut self,
        changes: &[(DocId, Digest)],
    ) -> Result<HashMap<(DocId, Digest), Refused>, StorageError> {
        Ok(self.look(&Asked { changes: changes.to_vec(), ..Asked::default() }).await?.refused)
    }

    async fn refuse(&mut self, refused: &[Refused]) -> Result<(), StorageError> {
        self.write(&Written { refused, ..Written::default() }).await.map(drop)
    }

    async fn actor_seqs(
        &mut self,
        actors: &[(DocId, DeviceId)],
    ) -> Result<HashMap<(DocId, DeviceId), u64>, StorageError> {
        Ok(self.look(&Asked { actors: actors.to_vec(), ..Asked::default() }).await?.actor_seqs)
    }

    async fn grow_documents(&mut self, grown: &[Grown]) -> Result<(), StorageError> {
        self.write(&Written { grown, ..Written::default() }).await.map(drop)
    }
}

/// An audience where these teams are private.
fn audience(team: Option<&str>, private: &[&str]) -> Audience {
    Audience { team: team.map(str::to_owned), private: private.iter().map(|key| (*key).to_owned()).collect() }
}

fn about(cursor: u64, audience: Audience, first: u8, last: u8) -> SegmentAbout {
    SegmentAbout { cursor, audience, first: DocId(id(first)), last: DocId(id(last)) }
}

/// Logs a change of a document, which is a team's afterwards; returns its number.
async fn moved(storage: &dyn Storage, space: WorkspaceId, doc: u8, number: u8, team: Option<&str>) -> u64 {
    let mut tx = storage.begin(space).await.unwrap();
    let actor = (DocId(id(doc)), DeviceId(id(1)));
    let actor_seq = tx.actor_seqs(&[actor]).await.unwrap()[&actor] + 1;
    let seq = tx.append(&[entry(doc, number, actor_seq)]).await.unwrap();
    let record = DocumentRecord { team: team.map(str::to_owned), ..document(space, doc, seq) };
    tx.put_documents(&[record]).await.unwrap();
    tx.commit().await.unwrap();
    seq
}

fn device(workspace: WorkspaceId, number: u8) -> DeviceRecord {
    DeviceRecord {
        id: DeviceId(id(number)),
        workspace,
        member: Some(MemberId(id(number))),
        name: "ноутбук".into(),
        created_at: NOW,
        seen_at: NOW,
        revoked_at: None,
    }
}

fn token(number: u8, issued_at: UtcMillis) -> NewToken {
    NewToken { hash: hash(number), issued_at, expires_at: issued_at.plus_ms(1_000) }
}

async fn signed_in(storage: &dyn Storage, workspace: WorkspaceId, number: u8) -> Uuid {
    let device = device(workspace, number);
    assert_eq!(storage.register_device(&device).await.unwrap(), Registration::Registered);
    let session = NewSession {
        id: id(number + 50),
        member: MemberId(id(number)),
        device: device.id,
        token: token(number, NOW),
    };
    storage.open_session(&session).await.unwrap();
    session.id
}

fn entry(doc: u8, number: u8, actor_seq: u64) -> LogEntry {
    LogEntry {
        doc: DocId(id(doc)),
        hash: hash(number),
        actor: DeviceId(id(1)),
        actor_seq,
        member: Some(MemberId(id(11))),
        received_at: NOW,
        bytes: vec![number; 100],
    }
}

fn document(workspace: WorkspaceId, doc: u8, seq: u64) -> DocumentRecord {
    DocumentRecord {
        id: DocId(id(doc)),
        workspace,
        kind: DocKind::Ticket,
        owner: None,
        seq,
        team: None,
        heads: vec![hash(1), hash(2)],
        snapshot: vec![7; 300],
    }
}

/// Logs changes to one new document and commits.
async fn logged(storage: &dyn Storage, workspace: WorkspaceId, doc: u8, numbers: &[u8]) -> Vec<u64> {
    let mut tx = storage.begin(workspace).await.unwrap();
    let mut seqs = Vec::new();
    for (actor_seq, number) in (1..).zip(numbers) {
        seqs.push(tx.append(&[entry(doc, *number, actor_seq)]).await.unwrap());
    }
    tx.put_documents(&[document(workspace, doc, *seqs.last().unwrap())]).await.unwrap();
    tx.commit().await.unwrap();
    seqs
}

pub(super) async fn a_workspace_is_found_by_id_and_slug_and_its_slug_is_its_own(storage: &dyn Storage) {
    let made = workspace(storage, 1).await;
    assert_eq!(storage.workspace(made.id).await.unwrap(), Some(made.clone()));
    assert_eq!(storage.workspace_by_slug("space-1").await.unwrap(), Some(made.clone()));
    assert_eq!(storage.workspace_by_slug("space-2").await.unwrap(), None);
    let other = WorkspaceRecord { id: WorkspaceId(id(99)), server_device: DeviceId(id(98)), ..made };
    let mut tx = storage.begin(other.id).await.unwrap();
    assert!(!tx.insert_workspace(&other).await.unwrap());
    drop(tx);
    assert_eq!(storage.workspace(other.id).await.unwrap(), None);
}

pub(super) async fn a_member_is_found_by_address_within_the_workspace(storage: &dyn Storage) {
    let (one, two) = (workspace(storage, 1).await, workspace(storage, 2).await);
    let found = storage.member_by_email(one.id, "m11@demo.example").await.unwrap();
    assert_eq!(found, Some(member(one.id, 11)));
    assert_eq!(storage.member_by_email(two.id, "m11@demo.example").await.unwrap(), None);
    let twin = MemberRecord { id: MemberId(id(77)), ..member(one.id, 11) };
    let mut tx = storage.begin(one.id).await.unwrap();
    assert!(!tx.insert_member(&twin).await.unwrap(), "the address is taken here");
    drop(tx);
    let twin = MemberRecord { workspace: two.id, ..twin };
    let mut tx = storage.begin(two.id).await.unwrap();
    assert!(tx.insert_member(&twin).await.unwrap(), "and free there");
    tx.commit().await.unwrap();
}

pub(super) async fn a_member_changes_and_is_read_anew(storage: &dyn Storage) {
    let space = workspace(storage, 1).await;
    let session = signed_in(storage, space.id, 11).await;
    let changed = MemberRecord { role: Role::Manager, name: "Анна М.".into(), ..member(space.id, 11) };
    let mut tx = storage.begin(space.id).await.unwrap();
    assert!(tx.update_member(&changed).await.unwrap());
    assert_eq!(tx.member_of_device(DeviceId(id(11))).await.unwrap(), Some(changed.clone()));
    assert!(!tx.update_member(&member(space.id, 55)).await.unwrap());
    tx.commit().await.unwrap();
    let access = storage.access(session).await.unwrap().unwrap();
    assert_eq!((access.member, access.head), (changed.clone(), 0));
    logged(storage, space.id, 31, &[1, 2]).await;
    assert_eq!(storage.access(session).await.unwrap().unwrap().head, 2);
    let before = storage.pulse().await.unwrap().access;
    let gone = MemberRecord { active: false, ..changed };
    let mut tx = storage.begin(space.id).await.unwrap();
    assert!(tx.update_member(&gone).await.unwrap());
    assert_eq!(tx.member_of_device(DeviceId(id(11))).await.unwrap(), None, "who left has no device");
    tx.commit().await.unwrap();
    assert_ne!(storage.pulse().await.unwrap().access, before);
}

pub(super) async fn a_secret_stays_what_it_first_was(storage: &dyn Storage) {
    assert_eq!(storage.secret("key", &[1; 32]).await.unwrap(), [1; 32]);
    assert_eq!(storage.secret("key", &[2; 32]).await.unwrap(), [1; 32]);
    assert_eq!(storage.secret("other", &[2; 32]).await.unwrap(), [2; 32]);
}

pub(super) async fn a_device_belongs_to_one_member_for_good(storage: &dyn Storage) {
    let space = workspace(storage, 1).await;
    let mine = device(space.id, 11);
    assert_eq!(storage.register_device(&mine).await.unwrap(), Registration::Registered);
    let again = DeviceRecord { name: "новое имя".into(), seen_at: NOW.plus_ms(5), ..mine.clone() };
    assert_eq!(storage.register_device(&again).await.unwrap(), Registration::Registered);
    assert_eq!(storage.devices(space.id).await.unwrap(), std::slice::from_ref(&again));
    let theirs = DeviceRecord { member: Some(MemberId(id(12))), ..mine.clone() };
    assert_eq!(storage.register_device(&theirs).await.unwrap(), Registration::Taken);
    let servers = DeviceRecord { id: space.server_device, ..mine };
    assert_eq!(storage.register_device(&servers).await.unwrap(), Registration::Taken);
    assert!(!storage.revoke_device(space.server_device, NOW).await.unwrap(), "the server is no member's");
    assert_eq!(storage.devices(space.id).await.unwrap(), [again]);
}

pub(super) async fn a_revoked_device_stays_revoked_and_its_sessions_end(storage: &dyn Storage) {
    let space = workspace(storage, 1).await;
    let session = signed_in(storage, space.id, 11).await;
    let before = storage.pulse().await.unwrap().access;
    assert!(storage.revoke_device(DeviceId(id(11)), NOW.plus_ms(1)).await.unwrap());
    assert!(storage.revoke_device(DeviceId(id(11)), NOW.plus_ms(9)).await.unwrap(), "again is no error");
    assert!(!storage.revoke_device(DeviceId(id(12)), NOW).await.unwrap());
    let access = storage.access(session).await.unwrap().unwrap();
    assert!(access.device_revoked && access.session_ended);
    let rotated = storage.rotate_token(hash(11), DeviceId(id(11)), &token(60, NOW.plus_ms(2))).await.unwrap();
    assert_eq!(rotated, Rotation::Revoked);
    assert_eq!(storage.register_device(&device(space.id, 11)).await.unwrap(), Registration::Revoked);
    assert_eq!(storage.devices(space.id).await.unwrap()[0].revoked_at, Some(NOW.plus_ms(1)));
    let mut tx = storage.begin(space.id).await.unwrap();
    assert_eq!(tx.member_of_device(DeviceId(id(11))).await.unwrap(), None);
    drop(tx);
    assert_ne!(storage.pulse().await.unwrap().access, before);
}

/// Presents token `used` so long after [`NOW`]; token `next` is what would be given out.
async fn rotate(storage: &dyn Storage, used: u8, next: u8, after_ms: i64) -> Rotation {
    let issued_at = NOW.plus_ms(after_ms);
    let next = NewToken { hash: hash(next), issued_at, expires_at: issued_at.plus_ms(10_000_000) };
    storage.rotate_token(hash(used), DeviceId(id(11)), &next).await.unwrap()
}

pub(super) async fn a_refresh_token_is_good_once_and_reuse_ends_the_session(storage: &dyn Storage) {
    let space = workspace(storage, 1).await;
    let session = signed_in(storage, space.id, 11).await;
    let rotated = Rotation::Rotated { session, member: MemberId(id(11)) };
    assert_eq!(rotate(storage, 11, 60, 10).await, rotated);
    assert_eq!(rotate(storage, 60, 61, 20).await, rotated);
    assert!(!storage.access(session).await.unwrap().unwrap().session_ended);
    assert_eq!(rotate(storage, 11, 62, 30).await, Rotation::Reused, "its successor was used: it had arrived");
    assert!(storage.access(session).await.unwrap().unwrap().session_ended);
    assert_eq!(rotate(storage, 61, 63, 40).await, Rotation::Void, "the newest token ended with the session");
    assert_eq!(rotate(storage, 63, 64, 50).await, Rotation::Void, "a refused rotation leaves no token");
}

pub(super) async fn a_lost_answer_to_a_refresh_ends_nothing(storage: &dyn Storage) {
    let space = workspace(storage, 1).await;
    let session = signed_in(storage, space.id, 11).await;
    let rotated = Rotation::Rotated { session, member: MemberId(id(11)) };
    assert_eq!(rotate(storage, 11, 60, 10).await, rotated, "the answer with token 60 is lost");
    assert_eq!(rotate(storage, 11, 61, 60_010).await, rotated, "within a minute it is asked for again");
    assert_eq!(rotate(storage, 61, 62, 60_020).await, rotated, "and the session goes on");
    // Token 60 turns up after all: somebody else had the answer.
    assert_eq!(rotate(storage, 60, 63, 60_030).await, Rotation::Reused);
    assert_eq!(rotate(storage, 62, 64, 60_040).await, Rotation::Void);
}

pub(super) async fn a_lost_answer_is_made_up_for_once_and_soon(storage: &dyn Storage) {
    let space = workspace(storage, 1).await;
    let session = signed_in(storage, space.id, 11).await;
    let rotated = Rotation::Rotated { session, member: MemberId(id(11)) };
    assert_eq!(rotate(storage, 11, 60, 10).await, rotated);
    assert_eq!(rotate(storage, 11, 61, 20).await, rotated);
    assert_eq!(rotate(storage, 11, 62, 30).await, Rotation::Reused, "the third time it is no accident");

    let other =
        NewSession { id: id(90), member: MemberId(id(11)), device: DeviceId(id(11)), token: token(70, NOW) };
    storage.open_session(&other).await.unwrap();
    assert_eq!(
        rotate(storage, 70, 71, 10).await,
        Rotation::Rotated { session: other.id, member: other.member }
    );
    assert_eq!(rotate(storage, 70, 72, 60_011).await, Rotation::Reused, "too late to be an accident");
    assert!(storage.access(other.id).await.unwrap().unwrap().session_ended);
}

pub(super) async fn a_refresh_token_needs_its_device_its_time_and_its_session(storage: &dyn Storage) {
    let space = workspace(storage, 1).await;
    let session = signed_in(storage, space.id, 11).await;
    signed_in(storage, space.id, 12).await;
    let rotate = |device, ms| {
        let next = token(60, NOW.plus_ms(ms));
        async move { storage.rotate_token(hash(11), DeviceId(id(device)), &next).await.unwrap() }
    };
    assert_eq!(rotate(12, 10).await, Rotation::Void, "another device's");
    assert_eq!(rotate(11, 1_000).await, Rotation::Void, "too late");
    for barred in [
        MemberRecord { active: false, ..member(space.id, 11) },
        MemberRecord { role: Role::Requester, ..member(space.id, 11) },
    ] {
        let mut tx = storage.begin(space.id).await.unwrap();
        assert!(tx.update_member(&barred).await.unwrap());
        tx.commit().await.unwrap();
        assert_eq!(rotate(11, 10).await, Rotation::Barred);
    }
    let mut tx = storage.begin(space.id).await.unwrap();
    assert!(tx.update_member(&member(space.id, 11)).await.unwrap());
    tx.commit().await.unwrap();
    assert!(storage.end_session(session, SessionEnd::SignedOut, NOW).await.unwrap());
    assert!(!storage.end_session(session, SessionEnd::SignedOut, NOW).await.unwrap());
    assert_eq!(rotate(11, 10).await, Rotation::Void, "signed out");
    assert_eq!(storage.access(id(200)).await.unwrap(), None);
}

pub(super) async fn sequence_numbers_have_no_gaps_even_where_a_transaction_failed(storage: &dyn Storage) {
    let space = workspace(storage, 1).await;
    assert_eq!(logged(storage, space.id, 31, &[1, 2]).await, [1, 2]);
    let mut tx = storage.begin(space.id).await.unwrap();
    assert_eq!(tx.append(&[entry(32, 3, 1)]).await.unwrap(), 3);
    tx.put_documents(&[document(space.id, 32, 3)]).await.unwrap();
    assert_eq!(tx.workspace().await.unwrap().unwrap().head, 3, "its own writes are seen");
    drop(tx);
    assert_eq!(storage.workspace(space.id).await.unwrap().unwrap().head, 2);
    assert_eq!(storage.document(DocId(id(32))).await.unwrap(), None);
    assert_eq!(logged(storage, space.id, 33, &[4]).await, [3]);
    let heads = HashMap::from([(space.id, 3)]);
    assert_eq!(storage.pulse().await.unwrap(), Pulse { heads, access: 0 });
}

pub(super) async fn concurrent_transactions_take_turns(storage: &dyn Storage) {
    let space = workspace(storage, 1).await;
    let writers = (0..8_u8).map(|writer| async move {
        let mut tx = storage.begin(space.id).await.unwrap();
        let before = tx.workspace().await.unwrap().unwrap().head;
        let first = tx.append(&[entry(40 + writer, 100 + writer * 2, 1)]).await.unwrap();
        tokio::task::yield_now().await;
        let second = tx.append(&[entry(40 + writer, 101 + writer * 2, 2)]).await.unwrap();
        assert_eq!((first, second), (before + 1, before + 2), "nobody came between");
        tx.put_documents(&[document(space.id, 40 + writer, second)]).await.unwrap();
        tx.commit().await.unwrap();
    });
    futures::future::join_all(writers).await;
    let page = storage.changes_after(space.id, &anybody(11), 0, LIMITS).await.unwrap();
    let seqs: Vec<u64> = page.entries.iter().map(|entry| entry.seq).collect();
    assert_eq!(seqs, (1..=16).collect::<Vec<_>>());
}

pub(super) async fn each_workspace_counts_for_itself(storage: &dyn Storage) {
    let (one, two) = (workspace(storage, 1).await, workspace(storage, 2).await);
    assert_eq!(logged(storage, one.id, 31, &[1, 2]).await, [1, 2]);
    assert_eq!(logged(storage, two.id, 32, &[3]).await, [1]);
    let page = storage.changes_after(two.id, &anybody(21), 0, LIMITS).await.unwrap();
    assert_eq!(page.entries.iter().map(|entry| entry.hash).collect::<Vec<_>>(), [hash(3)]);
    let mut tx = storage.begin(two.id).await.unwrap();
    let heads = tx.document_heads(&[DocId(id(31))]).await.unwrap();
    assert_eq!(heads[&DocId(id(31))].workspace, one.id, "whose it is, is known");
    assert_eq!(tx.document(DocId(id(31))).await.unwrap(), None, "what it says is not");
    assert_eq!(tx.member_of_device(one.server_device).await.unwrap(), None);
}

pub(super) async fn the_log_knows_its_hashes_and_its_actors(storage: &dyn Storage) {
    let space = workspace(storage, 1).await;
    logged(storage, space.id, 31, &[1, 2]).await;
    let mut tx = storage.begin(space.id).await.unwrap();
    let (doc, nowhere) = (DocId(id(31)), DocId(id(32)));
    let asked = [(doc, hash(2)), (doc, hash(1)), (doc, hash(9)), (nowhere, hash(1))];
    let accepted = tx.accepted(&asked).await.unwrap();
    assert_eq!(accepted, HashMap::from([((doc, hash(1)), 1), ((doc, hash(2)), 2)]));
    assert_eq!(tx.accepted(&[]).await.unwrap(), HashMap::new());
    let heads = tx.document_heads(&[nowhere, doc]).await.unwrap();
    let head = DocumentHead { workspace: space.id, kind: DocKind::Ticket, owner: None, seq: 2 };
    assert_eq!(heads, HashMap::from([(doc, head)]));
    let (writer, other) = (DeviceId(id(1)), DeviceId(id(2)));
    let actors = [(nowhere, writer), (doc, other), (doc, writer)];
    let expected = HashMap::from([(actors[0], 0), (actors[1], 0), (actors[2], 2)]);
    assert_eq!(tx.actor_seqs(&actors).await.unwrap(), expected);
    let documents = tx.documents(&[doc, nowhere]).await.unwrap();
    assert_eq!(documents, HashMap::from([(doc, document(space.id, 31, 2))]));
}

pub(super) async fn everything_about_a_push_is_read_and_written_at_once(storage: &dyn Storage) {
    let space = workspace(storage, 1).await;
    logged(storage, space.id, 31, &[1]).await;
    let (doc, other, writer) = (DocId(id(31)), DocId(id(32)), DeviceId(id(1)));
    let refused = Refused {
        doc,
        hash: hash(8),
        code: RejectCode::Forbidden,
        reason: "нет".to_owned(),
        refused_at: NOW,
    };
    let asked = Asked {
        devices: vec![space.server_device, DeviceId(id(99))],
        docs: vec![doc, other],
        actors: vec![(other, writer), (doc, writer)],
        changes: vec![(doc, hash(8)), (doc, hash(1)), (other, hash(3))],
    };
    let mut tx = storage.begin(space.id).await.unwrap();
    let known = tx.look(&asked).await.unwrap();
    assert_eq!(known.workspace.unwrap().head, 1);
    assert_eq!(Some(known.chain), storage.chain_at(space.id, 1).await.unwrap());
    let entries = [entry(31, 2, 2), entry(32, 3, 1)];
    let documents = [document(space.id, 32, 3)];
    let grown = [Grown { id: doc, seq: 2, team: None, heads: vec![hash(2)] }];
    let written = Written {
        entries: &entries,
        refused: std::slice::from_ref(&refused),
        documents: &documents,
        grown: &grown,
    };
    assert_eq!(tx.write(&written).await.unwrap(), 2);
    assert_eq!(tx.append(&[entry(31, 4, 3)]).await.unwrap(), 4, "what was written is counted");
    let known = tx.look(&asked).await.unwrap();
    assert_eq!((known.workspace.unwrap().head, known.settings_seq, known.members.len()), (4, None, 0));
    let head = |seq| DocumentHead { workspace: space.id, kind: DocKind::Ticket, owner: None, seq };
    assert_eq!(known.heads, HashMap::from([(doc, head(2)), (other, head(3))]));
    assert_eq!(known.actor_seqs, HashMap::from([((other, writer), 1), ((doc, writer), 3)]));
    assert_eq!(known.accepted, HashMap::from([((doc, hash(1)), 1), ((other, hash(3)), 3)]));
    assert_eq!(known.refused, HashMap::from([((doc, hash(8)), refused)]));
    tx.commit().await.unwrap();
    let log = storage.audit_after(space.id, 0, 10).await.unwrap();
    let chain =
        chain::along(chain::START, space.id, 1, &log.iter().map(|at| at.entry.clone()).collect::<Vec<_>>());
    assert_eq!(
        log.iter().map(|at| at.chain).collect::<Vec<_>>(),
        chain.into_iter().map(Some).collect::<Vec<_>>()
    );
}

pub(super) async fn what_was_refused_is_remembered_with_its_first_reason(storage: &dyn Storage) {
    let space = workspace(storage, 1).await;
    let doc = DocId(id(31));
    let refused = |number, reason: &str| Refused {
        doc,
        hash: hash(number),
        code: RejectCode::Forbidden,
        reason: reason.to_owned(),
        refused_at: NOW,
    };
    let mut tx = storage.begin(space.id).await.unwrap();
    tx.refuse(&[refused(1, "нет"), refused(2, "no")]).await.unwrap();
    tx.refuse(&[refused(1, "another time"), refused(3, "no")]).await.unwrap();
    tx.refuse(&[]).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = storage.begin(space.id).await.unwrap();
    let asked = [(doc, hash(1)), (doc, hash(3)), (doc, hash(9)), (DocId(id(32)), hash(2))];
    let expected = [refused(1, "нет"), refused(3, "no")].map(|refused| ((doc, refused.hash), refused));
    assert_eq!(tx.refused(&asked).await.unwrap(), HashMap::from(expected));
    assert_eq!(tx.refused(&[]).await.unwrap(), HashMap::new());
}

pub(super) async fn many_changes_and_documents_are_written_at_once(storage: &dyn Storage) {
    let space = workspace(storage, 1).await;
    logged(storage, space.id, 31, &[1]).await;
    let mut tx = storage.begin(space.id).await.unwrap();
    assert_eq!(tx.append(&[]).await.unwrap(), 2, "nothing moves nothing");
    let mut of_server = entry(33, 4, 1);
    of_server.member = None;
    let entries = [entry(31, 2, 2), entry(32, 3, 1), of_server];
    assert_eq!(tx.append(&entries).await.unwrap(), 2);
    let own = DocumentRecord {
        kind: DocKind::Personal,
        owner: Some(MemberId(id(11))),
        heads: vec![],
        ..document(space.id, 33, 4)
    };
    let documents = [document(space.id, 31, 2), document(space.id, 32, 3), own];
    tx.put_documents(&documents).await.unwrap();
    tx.put_documents(&[]).await.unwrap();
    tx.commit().await.unwrap();
    let page = storage.changes_after(space.id, &anybody(11), 1, LIMITS).await.unwrap();
    let found: Vec<_> = page.entries.into_iter().map(|entry| (entry.seq, entry.doc, entry.hash)).collect();
    let expected: Vec<_> = (2..).zip(&entries).map(|(seq, entry)| (seq, entry.doc, entry.hash)).collect();
    assert_eq!(found, expected);
    for document in documents {
        assert_eq!(storage.document(document.id).await.unwrap(), Some(document));
    }
}

pub(super) async fn a_hash_or_an_actors_number_stands_once(storage: &dyn Storage) {
    let space = workspace(storage, 1).await;
    logged(storage, space.id, 31, &[1]).await;
    for twice in [entry(31, 1, 2), entry(31, 2, 1)] {
        let mut tx = storage.begin(space.id).await.unwrap();
        assert!(tx.append(&[twice]).await.is_err());
        drop(tx);
    }
    // Two documents that are made alike in one instant have one hash; both are kept.
    assert_eq!(logged(storage, space.id, 32, &[1]).await, [2]);
}

pub(super) async fn a_document_is_written_and_written_over(storage: &dyn Storage) {
    let space = workspace(storage, 1).await;
    logged(storage, space.id, 31, &[1]).await;
    let first = document(space.id, 31, 1);
    assert_eq!(storage.document(first.id).await.unwrap(), Some(first.clone()));
    let next = DocumentRecord { seq: 2, heads: vec![hash(9)], snapshot: vec![8; 10], ..first };
    let mut tx = storage.begin(space.id).await.unwrap();
    tx.append(&[entry(31, 2, 2)]).await.unwrap();
    tx.put_documents(std::slice::from_ref(&next)).await.unwrap();
    assert_eq!(tx.document(next.id).await.unwrap(), Some(next.clone()));
    tx.commit().await.unwrap();
    assert_eq!(storage.document(next.id).await.unwrap(), Some(next));
}

pub(super) async fn a_page_ends_at_its_limits_and_goes_on_from_its_cursor(storage: &dyn Storage) {
    let space = workspace(storage, 1).await;
    logged(storage, space.id, 31, &[1, 2, 3, 4, 5]).await;
    let page = |after, changes, bytes| async move {
        let limits = PageLimits { changes, bytes };
        let page = storage.changes_after(space.id, &anybody(11), after, limits).await.unwrap();
        let seqs: Vec<u64> = page.entries.iter().map(|entry| entry.seq).collect();
        (seqs, page.cursor, page.head)
    };
    assert_eq!(page(0, 2, 10_000).await, (vec![1, 2], 2, 5));
    assert_eq!(page(2, 100, 250).await, (vec![3, 4], 4, 5));
    assert_eq!(page(4, 100, 1).await, (vec![5], 5, 5), "one change is always sent, however large");
    assert_eq!(page(5, 100, 250).await, (vec![], 5, 5));
    assert_eq!(page(9, 100, 250).await, (vec![], 9, 5), "the caller sees that it is ahead");
    let whole = storage.changes_after(space.id, &anybody(11), 4, LIMITS).await.unwrap();
    let last = &whole.entries[0];
    assert_eq!((last.doc, last.kind, last.hash), (DocId(id(31)), DocKind::Ticket, hash(5)));
    assert_eq!(last.bytes, [5; 100]);
}

pub(super) async fn another_members_personal_document_is_passed_over(storage: &dyn Storage) {
    let space = workspace(storage, 1).await;
    let mut tx = storage.begin(space.id).await.unwrap();
    for (doc, number, owner) in [(31, 1, Some(11)), (32, 2, Some(12)), (33, 3, None), (34, 4, Some(12))] {
        let seq = tx.append(&[entry(doc, number, 1)]).await.unwrap();
        let owner = owner.map(|owner| MemberId(id(owner)));
        let kind = if owner.is_some() { DocKind::Personal } else { DocKind::Ticket };
        let record = DocumentRecord { kind, owner, ..document(space.id, doc, seq) };
        tx.put_documents(&[record]).await.unwrap();
    }
    tx.commit().await.unwrap();
    for (reader, expected) in [(11, vec![1, 3]), (12, vec![2, 3, 4])] {
        let page = storage.changes_after(space.id, &anybody(reader), 0, LIMITS).await.unwrap();
        let seqs: Vec<u64> = page.entries.iter().map(|entry| entry.seq).collect();
        assert_eq!(seqs, expected);
        assert_eq!((page.cursor, page.head), (4, 4), "the cursor moves on beyond what was passed over");
    }
    let record = storage.document(DocId(id(32))).await.unwrap().unwrap();
    assert_eq!(record.owner, Some(MemberId(id(12))));
    let counts = storage.count_documents(space.id).await.unwrap();
    assert_eq!(counts.into_iter().collect::<Vec<_>>(), [(DocKind::Ticket, 1), (DocKind::Personal, 3)]);
}

pub(super) async fn segments_are_replaced_and_forgotten_a_while_later(storage: &dyn Storage) {
    let (space, other) = (workspace(storage, 1).await, workspace(storage, 2).await);
    assert_eq!(storage.segment_set(space.id).await.unwrap(), None);
    let set = |cursor, numbers: &[u8]| SegmentSet {
        cursor,
        projection: 3,
        rules: hash(99),
        private: ["hr".to_owned()].into(),
        segments: numbers
            .iter()
            .map(|n| SegmentEntry {
                team: (*n == 2).then(|| "hr".to_owned()),
                id: hash(*n),
                first: DocId(id(*n)),
                last: DocId(id(*n)),
                documents: 1,
                bytes: 4,
            })
            .collect(),
    };
    let known = about(7, audience(None, &["hr"]), 1, 9);
    for n in [1, 2, 3] {
        storage.put_segment(space.id, hash(n), &known, &[n; 4]).await.unwrap();
    }
    storage.put_segment(space.id, hash(1), &known, &[1; 4]).await.unwrap();
    let first = set(7, &[1, 2]);
    storage.put_segment_set(space.id, &first, NOW, NOW).await.unwrap();
    assert_eq!(storage.segment_set(space.id).await.unwrap(), Some(first));
    assert_eq!(storage.segment_set(other.id).await.unwrap(), None);
    assert_eq!(storage.segment(space.id, hash(1)).await.unwrap(), Some((known.clone(), vec![1; 4])));
    assert_eq!(storage.segment(other.id, hash(1)).await.unwrap(), None, "another tenant's");

    let second = set(9, &[2, 3]);
    storage.put_segment_set(space.id, &second, NOW.plus_ms(1_000), NOW).await.unwrap();
    assert_eq!(storage.segment_set(space.id).await.unwrap(), Some(second.clone()));
    assert_eq!(
        storage.segment(space.id, hash(1)).await.unwrap(),
        Some((known.clone(), vec![1; 4])),
        "somebody may be fetching"
    );
    assert_eq!(
        storage.segment(space.id, hash(3)).await.unwrap(),
        Some((known.clone(), vec![3; 4])),
        "brought back into a set"
    );

    storage.put_segment_set(space.id, &second, NOW.plus_ms(5_000), NOW.plus_ms(2_000)).await.unwrap();
    assert_eq!(storage.segment(space.id, hash(1)).await.unwrap(), None);
    assert_eq!(storage.segment(space.id, hash(2)).await.unwrap(), Some((known.clone(), vec![2; 4])));
}

pub(super) async fn shared_documents_are_paged_and_known_by_their_last_change(storage: &dyn Storage) {
    let (space, other) = (workspace(storage, 1).await, workspace(storage, 2).await);
    let mut tx = storage.begin(space.id).await.unwrap();
    for (doc, number) in [(21, 1), (22, 2), (23, 3), (18, 4)] {
        let mut logged = entry(doc, number, 1);
        logged.actor = space.server_device;
        let seq = tx.append(&[logged]).await.unwrap();
        let mut record = document(space.id, doc, seq);
        if doc == 18 {
            record.kind = DocKind::Workspace;
        }
        tx.put_documents(&[record]).await.unwrap();
    }
    tx.commit().await.unwrap();
    let ids = |records: Vec<DocumentRecord>| records.iter().map(|record| record.id).collect::<Vec<_>>();
    let everybody = audience(None, &[]);
    let page = |after, limit| storage.shared_documents(space.id, &everybody, after, limit);
    assert_eq!(ids(page(None, 2).await.unwrap()), [DocId(id(21)), DocId(id(22))]);
    assert_eq!(ids(page(Some(DocId(id(22))), 2).await.unwrap()), [DocId(id(23))], "no settings");
    assert_eq!(ids(storage.shared_documents(other.id, &everybody, None, 9).await.unwrap()), []);
    let changed = |seq| storage.shared_changed_after(space.id, &everybody, seq);
    assert_eq!(changed(1).await.unwrap(), [DocId(id(22)), DocId(id(23))]);
    assert_eq!(changed(4).await.unwrap(), []);
    assert_eq!(storage.shared_changed_after(other.id, &everybody, 0).await.unwrap(), []);
}

pub(super) async fn the_chain_goes_on_with_each_entry_and_belongs_to_its_log(storage: &dyn Storage) {
    let (one, two) = (workspace(storage, 1).await, workspace(storage, 2).await);
    assert_eq!(storage.chain_at(one.id, 0).await.unwrap(), Some(chain::START));
    assert_eq!(storage.chain_at(one.id, 1).await.unwrap(), None);
    logged(storage, one.id, 31, &[1]).await;
    let mut tx = storage.begin(one.id).await.unwrap();
    tx.append(&[entry(31, 2, 2), entry(32, 3, 1)]).await.unwrap();
    tx.put_documents(&[document(one.id, 31, 2), document(one.id, 32, 3)]).await.unwrap();
    tx.commit().await.unwrap();
    let expected =
        chain::along(chain::START, one.id, 1, &[entry(31, 1, 1), entry(31, 2, 2), entry(32, 3, 1)]);
    for (seq, value) in (1..).zip(&expected) {
        assert_eq!(storage.chain_at(one.id, seq).await.unwrap(), Some(*value), "{seq}");
    }
    let audited = storage.audit_after(one.id, 1, 1).await.unwrap();
    assert_eq!(audited, [AuditEntry { seq: 2, entry: entry(31, 2, 2), chain: Some(expected[1]) }]);
    logged(storage, two.id, 33, &[1]).await;
    assert_ne!(storage.chain_at(two.id, 1).await.unwrap(), Some(expected[0]), "each workspace has its own");
}

pub(super) async fn a_restored_log_is_noted_for_the_longest_time(storage: &dyn Storage) {
    let (one, two) = (workspace(storage, 1).await, workspace(storage, 2).await);
    assert_eq!(storage.recovering_until(one.id).await.unwrap(), None);
    for (noted, expected) in [(10, 10), (30, 30), (20, 30)] {
        storage.note_restored(one.id, NOW.plus_ms(noted)).await.unwrap();
        assert_eq!(storage.recovering_until(one.id).await.unwrap(), Some(NOW.plus_ms(expected)));
    }
    assert_eq!(storage.recovering_until(two.id).await.unwrap(), None);
}

pub(super) async fn a_device_has_an_owner_even_when_it_may_nothing(storage: &dyn Storage) {
    let (one, two) = (workspace(storage, 1).await, workspace(storage, 2).await);
    signed_in(storage, one.id, 11).await;
    let device = DeviceId(id(11));
    assert!(storage.revoke_device(device, NOW).await.unwrap());
    let mut tx = storage.begin(one.id).await.unwrap();
    let gone = MemberRecord { active: false, ..member(one.id, 11) };
    assert!(tx.update_member(&gone).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(storage.owner_of_device(one.id, device).await.unwrap(), Some(gone));
    assert_eq!(storage.owner_of_device(two.id, device).await.unwrap(), None, "another tenant's");
    assert_eq!(storage.owner_of_device(one.id, one.server_device).await.unwrap(), None);
}

pub(super) async fn heads_are_listed_in_pages(storage: &dyn Storage) {
    let space = workspace(storage, 1).await;
    let other = workspace(storage, 2).await;
    logged(storage, other.id, 30, &[9]).await;
    let mut tx = storage.begin(space.id).await.unwrap();
    for (doc, number, owner) in [(33, 3, None), (31, 1, None), (32, 2, Some(12)), (34, 4, Some(11))] {
        let seq = tx.append(&[entry(doc, number, 1)]).await.unwrap();
        let owner = owner.map(|owner| MemberId(id(owner)));
        let kind = if owner.is_some() { DocKind::Personal } else { DocKind::Ticket };
        let record =
            DocumentRecord { kind, owner, heads: vec![hash(number)], ..document(space.id, doc, seq) };
        tx.put_documents(&[record]).await.unwrap();
    }
    tx.commit().await.unwrap();
    let reader = anybody(11);
    let first = storage.heads_after(space.id, &reader, None, 2).await.unwrap();
    let rest = storage.heads_after(space.id, &reader, Some(first[1].doc), 2).await.unwrap();
    let found: Vec<_> = [first, rest].concat().into_iter().map(|found| (found.doc, found.heads)).collect();
    let mut expected = [(31, 1), (33, 3), (34, 4)].map(|(doc, number)| (DocId(id(doc)), vec![hash(number)]));
    expected.sort_unstable();
    assert_eq!(found, expected);
}

/// What a page shows: the numbers of its changes, the documents that come whole, and those that are withdrawn.
fn shown(page: &LogPage) -> (Vec<u64>, Vec<DocId>, Vec<DocId>) {
    let seqs = page.entries.iter().map(|entry| entry.seq).collect();
    (seqs, page.documents.iter().map(|document| document.doc).collect(), page.withdrawn.clone())
}

pub(super) async fn a_private_teams_documents_are_passed_over(storage: &dyn Storage) {
    let space = workspace(storage, 1).await;
    moved(storage, space.id, 31, 1, Some("hr")).await;
    moved(storage, space.id, 32, 2, Some("desk")).await;
    moved(storage, space.id, 33, 3, None).await;
    moved(storage, space.id, 31, 4, Some("hr")).await;
    let page = async |reader: &Reader| storage.changes_after(space.id, reader, 0, LIMITS).await.unwrap();
    let outside = page(&in_team(12, &["hr"], None)).await;
    assert_eq!(shown(&outside), (vec![2, 3], vec![], vec![]));
    assert_eq!((outside.cursor, outside.head, outside.is_personal), (4, 4, false));
    assert_eq!(shown(&page(&in_team(12, &["hr"], Some("hr"))).await), (vec![1, 2, 3, 4], vec![], vec![]));
    assert_eq!(shown(&page(&anybody(12)).await).0, [1, 2, 3, 4]);

    let heads = |reader: Reader| async move {
        let found = storage.heads_after(space.id, &reader, None, 9).await.unwrap();
        found.into_iter().map(|found| found.doc).collect::<Vec<_>>()
    };
    assert_eq!(heads(in_team(12, &["hr", "desk"], Some("desk"))).await, [DocId(id(32)), DocId(id(33))]);
    assert_eq!(heads(in_team(12, &["hr"], Some("hr"))).await.len(), 3);
}

pub(super) async fn what_came_into_sight_is_given_whole_and_what_left_it_is_named(storage: &dyn Storage) {
    let space = workspace(storage, 1).await;
    let private = ["hr", "it"];
    let (outside, hr) = (in_team(12, &private, None), in_team(12, &private, Some("hr")));
    let page = |reader: Reader, after| async move {
        shown(&storage.changes_after(space.id, &reader, after, LIMITS).await.unwrap())
    };
    let doc = DocId(id(31));
    // Open, then in a private team, then in another.
    moved(storage, space.id, 31, 1, None).await;
    moved(storage, space.id, 31, 2, Some("desk")).await;
    moved(storage, space.id, 31, 3, Some("hr")).await;
    moved(storage, space.id, 31, 4, Some("hr")).await;
    assert_eq!(
        page(outside.clone(), 0).await,
        (vec![], vec![], vec![doc, doc]),
        "it left twice what they see"
    );
    assert_eq!(page(outside.clone(), 2).await, (vec![], vec![], vec![doc]));
    assert_eq!(page(outside.clone(), 3).await, (vec![], vec![], vec![]));
    assert_eq!(page(hr.clone(), 0).await, (vec![4], vec![doc], vec![]), "whole where it came into sight");
    assert_eq!(page(hr.clone(), 3).await, (vec![4], vec![], vec![]));
    moved(storage, space.id, 31, 5, Some("it")).await;
    assert_eq!(page(hr.clone(), 4).await, (vec![], vec![], vec![doc]));
    assert_eq!(page(outside.clone(), 4).await, (vec![], vec![], vec![]), "from one hidden team to another");
    // And back to everybody: nothing of before is told by itself.
    moved(storage, space.id, 31, 6, None).await;
    moved(storage, space.id, 31, 7, None).await;
    for reader in [outside.clone(), hr] {
        for after in 0..6 {
            assert_eq!(page(reader.clone(), after).await, (vec![7], vec![doc], vec![]), "{after}");
        }
        assert_eq!(page(reader, 6).await, (vec![7], vec![], vec![]));
    }
    let limits = PageLimits { changes: 3, bytes: 10_000 };
    let early = storage.changes_after(space.id, &outside, 0, limits).await.unwrap();
    assert_eq!((shown(&early), early.cursor), ((vec![], vec![], vec![]), 3), "it comes whole further on");
    let whole = storage.changes_after(space.id, &outside, 5, LIMITS).await.unwrap().documents.remove(0);
    assert_eq!((whole.kind, whole.snapshot), (DocKind::Ticket, document(space.id, 31, 7).snapshot));
    // Two moves within one transaction that lead back are none.
    moved(storage, space.id, 32, 8, Some("desk")).await;
    moved(storage, space.id, 32, 9, Some("desk")).await;
    assert_eq!(page(outside, 7).await, (vec![8, 9], vec![], vec![]));
}

pub(super) async fn documents_are_given_to_those_who_see_them(storage: &dyn Storage) {
    let (space, other) = (workspace(storage, 1).await, workspace(storage, 2).await);
    for (doc, team) in [(31, None), (32, Some("hr")), (33, None)] {
        moved(storage, space.id, doc, doc, team).await;
    }
    logged(storage, other.id, 40, &[9]).await;
    let docs: Vec<DocId> = [33, 32, 99, 40, 31].map(|number| DocId(id(number))).into();
    let given = |reader: Reader, bytes| {
        let docs = docs.clone();
        async move {
            let (found, answered) = storage.documents_for(space.id, &reader, &docs, bytes).await.unwrap();
            (found.into_iter().map(|found| found.doc).collect::<Vec<_>>(), answered)
        }
    };
    let ids = |numbers: &[u8]| numbers.iter().map(|number| DocId(id(*number))).collect::<Vec<_>>();
    assert_eq!(given(in_team(11, &["hr"], None), 10_000).await, (ids(&[33, 31]), 5));
    assert_eq!(given(in_team(11, &["hr"], Some("hr")), 10_000).await, (ids(&[33, 32, 31]), 5));
    assert_eq!(given(in_team(11, &["hr"], Some("hr")), 1).await, (ids(&[33]), 1), "one is always given");
    assert_eq!(given(in_team(11, &["hr"], None), 1).await, (ids(&[33]), 4), "what is not seen is answered");
}

pub(super) async fn a_segment_is_outdated_by_what_left_its_audience(storage: &dyn Storage) {
    let space = workspace(storage, 1).await;
    let private = ["hr", "it"];
    moved(storage, space.id, 34, 1, None).await;
    moved(storage, space.id, 35, 2, Some("hr")).await;
    moved(storage, space.id, 36, 3, Some("desk")).await;
    let outdated = |team: Option<&'static str>, cursor, first, last| async move {
        let about = about(cursor, audience(team, &private), first, last);
        storage.is_outdated(space.id, &about).await.unwrap()
    };
    assert!(!outdated(None, 3, 33, 47).await);
    // Between teams that everybody sees.
    moved(storage, space.id, 36, 4, None).await;
    assert!(!outdated(None, 3, 33, 47).await);
    moved(storage, space.id, 36, 5, Some("hr")).await;
    assert!(outdated(None, 4, 33, 47).await);
    assert!(!outdated(None, 5, 33, 47).await, "packed after it had gone");
    assert!(!outdated(None, 4, 33, 35).await, "none of its documents");
    assert!(!outdated(Some("hr"), 4, 33, 47).await, "it came, it did not go");
    moved(storage, space.id, 36, 6, Some("it")).await;
    assert!(outdated(Some("hr"), 5, 33, 47).await);
    assert!(!outdated(Some("it"), 5, 33, 47).await);
    moved(storage, space.id, 36, 7, None).await;
    for team in [None, Some("hr"), Some("it")] {
        assert!(!outdated(team, 3, 33, 47).await, "everybody sees it again: {team:?}");
    }
}

pub(super) async fn audiences_share_no_document(storage: &dyn Storage) {
    let space = workspace(storage, 1).await;
    for (doc, team) in [(34, None), (35, Some("hr")), (36, Some("desk")), (37, Some("it"))] {
        moved(storage, space.id, doc, doc, team).await;
    }
    let documents = |team: Option<&'static str>| async move {
        let found =
            storage.shared_documents(space.id, &audience(team, &["hr", "it"]), None, 9).await.unwrap();
        found.into_iter().map(|found| (found.id, found.team)).collect::<Vec<_>>()
    };
    let expected = |doc: u8, team: Option<&str>| (DocId(id(doc)), team.map(str::to_owned));
    assert_eq!(documents(None).await, [expected(34, None), expected(36, Some("desk"))]);
    assert_eq!(documents(Some("hr")).await, [expected(35, Some("hr"))]);
    assert_eq!(documents(Some("it")).await, [expected(37, Some("it"))]);
    moved(storage, space.id, 34, 1, Some("hr")).await;
    let changed = |team: Option<&'static str>| async move {
        storage.shared_changed_after(space.id, &audience(team, &["hr", "it"]), 4).await.unwrap()
    };
    assert_eq!(changed(None).await, [DocId(id(34))], "it is gone from there");
    assert_eq!(changed(Some("hr")).await, [DocId(id(34))]);
    assert_eq!(changed(Some("it")).await, []);
}

/// A ticket with this many changes: each as the log has it, and the snapshot after it.
fn history(doc: u8, changes: u8) -> Vec<(LogEntry, Vec<Digest>, Vec<u8>)> {
    let random = SeededRandom::new(u64::from(doc));
    let (workflow, device) = (Workflow::default(), DeviceId(id(1)));
    let author = Author { device, actor: Actor { member: None, role: Role::Admin }, workflow: &workflow };
    let mut document = Document::empty(DocId(id(doc)), DocKind::Ticket);
    (0..changes)
        .map(|n| {
            let op = match n {
                0 => TicketOp::Create { ticket: NewTicket::titled("Отчёт") },
                _ => TicketOp::SetTag { tag: n.to_string(), on: true },
            };
            let ops = Ops::Ticket(vec![Stamped::new(NOW, "server", op)]);
            let ids = FreshIds::at(NOW, &random);
            let edit = Edit { doc: DocId(id(doc)), ops };
            let (next, made) = document.clone().edit(&author, &edit, NOW, &ids).unwrap();
            document = next;
            let made = made.unwrap();
            let logged = LogEntry { hash: made.hash, bytes: made.bytes, ..entry(doc, n, u64::from(n) + 1) };
            (logged, document.heads(), document.save())
        })
        .collect()
}

/// Logs the first change with the snapshot, and the others without.
pub(crate) async fn grow(storage: &dyn Storage, space: WorkspaceId, doc: u8, changes: u8) -> DocumentRecord {
    let history = history(doc, changes);
    let mut last = None;
    for (number, (logged, heads, snapshot)) in history.into_iter().enumerate() {
        let mut tx = storage.begin(space).await.unwrap();
        let seq = tx.append(&[logged]).await.unwrap();
        let record = DocumentRecord { heads, snapshot, ..document(space, doc, seq) };
        if number == 0 {
            tx.put_documents(std::slice::from_ref(&record)).await.unwrap();
        } else {
            let (id, seq, team, heads) = (record.id, seq, record.team.clone(), record.heads.clone());
            tx.grow_documents(&[Grown { id, seq, team, heads }]).await.unwrap();
        }
        tx.commit().await.unwrap();
        last = Some(record);
    }
    last.unwrap()
}

pub(super) async fn a_grown_document_is_read_whole_before_and_after_it_is_folded(storage: &dyn Storage) {
    let space = workspace(storage, 1).await;
    assert_eq!(storage.fold_some(9).await.unwrap(), 0, "nothing to fold");
    let record = grow(storage, space.id, 34, 4).await;
    let other = grow(storage, space.id, 35, 3).await;
    for folded in [false, true] {
        let read = storage.document(record.id).await.unwrap().unwrap();
        assert_eq!(read, record, "folded: {folded}");
        let mut tx = storage.begin(space.id).await.unwrap();
        assert_eq!(tx.document(record.id).await.unwrap().unwrap(), record);
        assert_eq!(tx.document_heads(&[record.id]).await.unwrap()[&record.id].seq, 4);
        drop(tx);
        let shared = storage.shared_documents(space.id, &audience(None, &[]), None, 9).await.unwrap();
        assert_eq!(shared, [record.clone(), other.clone()]);
        for reader in [anybody(11), in_team(11, &["hr"], None)] {
            let docs = [other.id, record.id];
            let (found, answered) =
                storage.documents_for(space.id, &reader, &docs, usize::MAX).await.unwrap();
            assert_eq!(answered, 2);
            assert_eq!(found[1].snapshot, record.snapshot);
            let page = storage.changes_after(space.id, &reader, 0, LIMITS).await.unwrap();
            assert_eq!(page.entries.len(), 7, "the log keeps everything");
        }
        if !folded {
            assert_eq!(storage.fold_some(1).await.unwrap(), 1, "no more than was asked for");
            assert_eq!(storage.fold_some(9).await.unwrap(), 1);
            assert_eq!(storage.fold_some(9).await.unwrap(), 0);
        }
    }
}

pub(super) async fn folding_never_takes_a_document_back(storage: &dyn Storage) {
    let space = workspace(storage, 1).await;
    let record = grow(storage, space.id, 34, 5).await;
    // Two at once, while the document moves into another team without its snapshot.
    let (logged, heads, snapshot) = history(34, 6).pop().unwrap();
    let mut tx = storage.begin(space.id).await.unwrap();
    let seq = tx.append(&[logged]).await.unwrap();
    let team = Some("hr".to_owned());
    tx.grow_documents(&[Grown { id: record.id, seq, team: team.clone(), heads: heads.clone() }])
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let (one, two) = tokio::join!(storage.fold_some(9), storage.fold_some(9));
    assert_eq!(one.unwrap() + two.unwrap(), 1, "one of them");
    let expected = DocumentRecord { seq, team, heads, snapshot, ..record };
    assert_eq!(storage.document(expected.id).await.unwrap().unwrap(), expected);
    // That it moved is known although its snapshot was not written with it.
    let page = storage.changes_after(space.id, &in_team(12, &["hr"], None), 5, LIMITS).await.unwrap();
    assert_eq!(page.withdrawn, [expected.id]);
}

pub(super) async fn an_incident_that_changes_is_to_be_looked_at(storage: &dyn Storage) {
    let (space, other) = (workspace(storage, 1).await, workspace(storage, 2).await);
    let due = async |until| storage.due_escalations(until, 9).await.unwrap();
    let write = async |space: WorkspaceId, doc: u8, kind, seq, look: Option<Look>| {
        let mut tx = storage.begin(space).await.unwrap();
        let record = DocumentRecord { kind, ..document(space, doc, seq) };
        tx.put_documents(std::slice::from_ref(&record)).await.unwrap();
        if let Some(look) = look {
            tx.look_at_escalation(record.id, look).await.unwrap();
        }
        tx.commit().await.unwrap();
    };
    write(space.id, 31, DocKind::Ticket, 1, None).await;
    write(space.id, 18, DocKind::Workspace, 1, None).await;
    assert_eq!(due(NOW).await, []);
    assert_eq!(storage.next_escalation().await.unwrap(), None);
    write(space.id, 32, DocKind::Incident, 2, None).await;
    assert_eq!(due(NOW).await, [(space.id, DocId(id(32)))]);

    // A transaction that is not committed leaves it due.
    let mut tx = storage.begin(space.id).await.unwrap();
    assert!(tx.escalation_due(DocId(id(32))).await.unwrap().is_some_and(|at| at <= NOW));
    tx.look_at_escalation(DocId(id(32)), Look::Never).await.unwrap();
    assert_eq!(tx.escalation_due(DocId(id(32))).await.unwrap(), None);
    drop(tx);
    assert_eq!(due(NOW).await.len(), 1);

    write(space.id, 32, DocKind::Incident, 3, Some(Look::At(NOW.plus_ms(5)))).await;
    write(other.id, 33, DocKind::Incident, 1, Some(Look::At(NOW.plus_ms(3)))).await;
    assert_eq!(storage.next_escalation().await.unwrap(), Some(NOW.plus_ms(3)));
    assert_eq!(due(NOW.plus_ms(4)).await, [(other.id, DocId(id(33)))]);
    let both = [(other.id, DocId(id(33))), (space.id, DocId(id(32)))];
    assert_eq!(due(NOW.plus_ms(5)).await, both);
    assert_eq!(storage.due_escalations(NOW.plus_ms(5), 1).await.unwrap(), both[..1]);
    let mut tx = storage.begin(other.id).await.unwrap();
    assert_eq!(tx.escalation_due(DocId(id(32))).await.unwrap(), None, "another workspace's");
    drop(tx);

    storage.look_at_escalations_after(NOW.plus_ms(4)).await.unwrap();
    assert_eq!(due(NOW.plus_ms(2)).await, [(space.id, DocId(id(32)))]);

    // Settings wake what waits for them in their workspace, and nothing else.
    write(space.id, 32, DocKind::Incident, 4, Some(Look::WhenSettingsChange)).await;
    write(other.id, 33, DocKind::Incident, 2, Some(Look::WhenSettingsChange)).await;
    write(space.id, 34, DocKind::Incident, 5, Some(Look::Never)).await;
    assert_eq!(storage.next_escalation().await.unwrap(), None);
    write(space.id, 18, DocKind::Workspace, 6, None).await;
    assert_eq!(due(NOW).await, [(space.id, DocId(id(32)))]);
    write(space.id, 32, DocKind::Incident, 7, Some(Look::Never)).await;
    write(space.id, 34, DocKind::Incident, 8, None).await;
    assert_eq!(due(NOW).await, [(space.id, DocId(id(34)))]);
    // One that grows without its snapshot has changed as well.
    let record = grow(storage, other.id, 35, 2).await;
    assert_eq!(record.kind, DocKind::Ticket);
    let mut tx = storage.begin(other.id).await.unwrap();
    let grown = Grown { id: DocId(id(33)), seq: 9, team: None, heads: vec![hash(9)] };
    tx.grow_documents(&[grown]).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(due(NOW).await.len(), 2);
}

pub(super) async fn mail_is_written_once_and_claimed_by_one(storage: &dyn Storage) {
    let space = workspace(storage, 1).await;
    let mail = |number: u8, ms| NewMail {
        id: id(number),
        recipient: format!("m{number}@demo.example"),
        subject: "Эскалация".to_owned(),
        body: "Сеть\nне работает".to_owned(),
        created_at: NOW.plus_ms(ms),
    };
    let post = async |mail: &[NewMail]| {
        let mut tx = storage.begin(space.id).await.unwrap();
        tx.post(mail).await.unwrap();
        tx.commit().await.unwrap();
    };
    assert_eq!(storage.next_mail().await.unwrap(), None);
    post(&[mail(1, 0), mail(2, 1)]).await;
    post(&[NewMail { body: "иначе".to_owned(), ..mail(1, 0) }, mail(3, 9)]).await;
    assert_eq!(storage.next_mail().await.unwrap(), Some(NOW));
    let mut tx = storage.begin(space.id).await.unwrap();
    tx.post(&[mail(4, 0)]).await.unwrap();
    drop(tx);

    let lease = NOW.plus_ms(100);
    let (now, seen) = (NOW.plus_ms(5), async |now, limit| {
        let claimed = storage.claim_mail(now, lease, limit).await.unwrap();
        claimed.into_iter().map(|mail| (mail.id, mail.tries, mail.body)).collect::<Vec<_>>()
    });
    let body = || "Сеть\nне работает".to_owned();
    let (one, two) = tokio::join!(seen(now, 1), seen(now, 1));
    let mut both = [one, two].concat();
    both.sort();
    assert_eq!(both, [(id(1), 1, body()), (id(2), 1, body())], "each is claimed once");
    assert_eq!(seen(now, 9).await, [], "what is claimed is nobody else's");
    storage.mail_sent(id(1), now).await.unwrap();
    storage.mail_failed(id(1), Some(now), "late news").await.unwrap();
    storage.mail_failed(id(2), Some(NOW.plus_ms(6)), "451 later").await.unwrap();
    assert_eq!(storage.next_mail().await.unwrap(), Some(NOW.plus_ms(6)), "what was sent stays sent");
    assert_eq!(seen(NOW.plus_ms(6), 9).await, [(id(2), 2, body())]);
    // Whoever claimed it died.
    assert_eq!(seen(lease, 9).await.len(), 2);
    storage.mail_failed(id(2), None, "550 unknown").await.unwrap();
    storage.mail_failed(id(3), None, "550 unknown").await.unwrap();
    assert_eq!(storage.next_mail().await.unwrap(), None);
    post(&[mail(2, 0)]).await;
    assert_eq!(storage.next_mail().await.unwrap(), None, "what was given up is not begun anew");
}
