//! A server on port 0 with a clock that stands still, and devices that talk to it.

use std::{
    collections::HashMap,
    future::Future,
    sync::{Arc, OnceLock},
    time::Duration,
};

use desk_api::{
    ApiError,
    rest::{BATCH_MEDIA_TYPE, ERASE_PROOF_HEADER, Session, SignInRequest},
};
use desk_docs::{Author, Document, verify};
use desk_domain::{
    edit::{Edit, NewTicket, Ops, Stamped, TicketOp},
    ids::{DeviceId, DocId, DocKind, MemberId, uuid_v7},
    people::Role,
    permissions::Actor,
    state::State,
    ticket::Ticket,
    time::{Clock, ManualClock, UtcMillis},
    workspace::Workflow,
};
use desk_sync::wire::{self, Hash, Outcome, PullReply, Push, PushReply, RejectCode, WireChange};
use reqwest::StatusCode;
use serde_json::json;
use uuid::Uuid;
use workernet_server::{
    auth::password,
    http::Limits,
    mail::smtp::Smtp,
    members::{self, NewMember},
    random::{FreshIds, SeededRandom, SystemRandom, bytes},
    serve::{Running, Setup, start},
    storage::{Directory, MemberRecord, SqliteStorage, Storage},
    workspaces::{self, NewWorkspace},
};

pub(crate) const NOW: UtcMillis = UtcMillis(1_790_240_400_000);
pub(crate) const PASSWORD: &str = "правильный-пароль";

/// Whatever a test waits for comes within this time or never.
pub(crate) async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), what).await.expect("it should have happened by now")
}

/// One hash for all members of all tests: hashing is slow on purpose.
fn password_hash() -> String {
    static HASH: OnceLock<String> = OnceLock::new();
    HASH.get_or_init(|| password::hash(PASSWORD, &SeededRandom::new(1)).unwrap()).clone()
}

pub(crate) fn sign_in_request(slug: &str, name: &str, device: DeviceId) -> SignInRequest {
    SignInRequest {
        workspace: slug.into(),
        email: format!("{name}@{slug}.example"),
        password: PASSWORD.into(),
        device,
        device_name: "тест".into(),
    }
}

pub(crate) struct TestServer {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) storage: SqliteStorage,
    running: std::sync::Mutex<Option<Running>>,
    pub(crate) http: reqwest::Client,
    url: String,
    random: Arc<SystemRandom>,
    dir: tempfile::TempDir,
}

impl TestServer {
    /// A server with a workspace `acme`, whose agent is `anna@acme.example`.
    pub(crate) async fn start() -> Self {
        Self::start_with(Limits::default()).await
    }

    pub(crate) async fn start_with(limits: Limits) -> Self {
        Self::start_mailing(limits, None).await
    }

    /// A server that sends its mail through `mail`.
    pub(crate) async fn start_mailing(limits: Limits, mail: Option<Smtp>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let storage = SqliteStorage::open(dir.path()).await.unwrap();
        let clock = Arc::new(ManualClock::new(NOW));
        let random = Arc::new(SystemRandom::new().unwrap());
        let limits =
            Limits { ping: Duration::from_secs(1), look_outside: Duration::from_millis(20), ..limits };
        let running = start(Setup {
            storage: Arc::new(storage.clone()),
            clock: clock.clone(),
            random: random.clone(),
            listen: "127.0.0.1:0".parse().unwrap(),
            limits,
            mail,
        })
        .await
        .unwrap();
        let url = format!("http://{}", running.address());
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let server =
            Self { clock, storage, running: std::sync::Mutex::new(Some(running)), http, url, random, dir };
        server.workspace("acme").await;
        server.member("acme", "anna", Role::Agent).await;
        server
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    pub(crate) fn data_dir(&self) -> &std::path::Path {
        self.dir.path()
    }

    pub(crate) fn fresh(&self) -> Uuid {
        uuid_v7(self.clock.now(), bytes(self.random.as_ref()))
    }

    pub(crate) async fn workspace(&self, slug: &str) {
        let new = NewWorkspace { slug: slug.into(), name: slug.into(), zone: "Asia/Almaty".into() };
        let ids = FreshIds::at(self.clock.now(), self.random.as_ref());
        workspaces::create(&self.storage, &new, self.clock.now(), &ids).await.unwrap();
    }

    /// Adds `NAME@SLUG.example`.
    pub(crate) async fn member(&self, slug: &str, name: &str, role: Role) -> MemberRecord {
        let new = NewMember {
            workspace: slug.into(),
            email: format!("{name}@{slug}.example"),
            name: name.into(),
            role,
            teams: vec![],
            password_hash: password_hash(),
        };
        let ids = FreshIds::at(self.clock.now(), self.random.as_ref());
        members::add(&self.storage, &new, self.clock.now(), &ids).await.unwrap()
    }

    /// Gives a member another role, as an administrator would.
    pub(crate) async fn set_role(&self, slug: &str, name: &str, role: Role) {
        let workspace = self.storage.workspace_by_slug(slug).await.unwrap().unwrap();
        let email = format!("{name}@{slug}.example");
        let member = self.storage.member_by_email(workspace.id, &email).await.unwrap().unwrap();
        let mut tx = self.storage.begin(workspace.id).await.unwrap();
        assert!(tx.update_member(&MemberRecord { role, ..member }).await.unwrap());
        tx.commit().await.unwrap();
    }

    /// Takes a member's access away, or gives it back, as an administrator would.
    pub(crate) async fn set_active(&self, slug: &str, name: &str, active: bool) {
        let ids = FreshIds::at(self.clock.now(), self.random.as_ref());
        let (email, change) = (format!("{name}@{slug}.example"), members::Change::Active(active));
        members::change(&self.storage, slug, &email, change, self.clock.now(), &ids).await.unwrap();
    }

    pub(crate) async fn try_sign_in(&self, request: &SignInRequest) -> Result<Session, Failure> {
        answer(self.http.post(self.url("/v1/sessions")).json(request).send().await.unwrap()).await
    }

    pub(crate) async fn refresh(&self, token: &str, device: DeviceId) -> Result<Session, Failure> {
        let request = json!({ "refresh_token": token, "device": device });
        answer(self.http.post(self.url("/v1/sessions/refresh")).json(&request).send().await.unwrap()).await
    }

    /// A new device of a member, signed in.
    pub(crate) async fn device(&self, slug: &str, name: &str) -> Device<'_> {
        let id = DeviceId(self.fresh());
        let session = self.try_sign_in(&sign_in_request(slug, name, id)).await.unwrap();
        Device { server: self, id, session, documents: HashMap::new() }
    }

    pub(crate) async fn pull(&self, token: &str, after: u64) -> Result<PullReply, Failure> {
        let request = self.http.get(self.url(&format!("/v1/sync/pull?after={after}"))).bearer_auth(token);
        batch(request.send().await.unwrap()).await
    }

    pub(crate) async fn push(&self, token: &str, body: Vec<u8>) -> Result<PushReply, Failure> {
        let request = self.http.post(self.url("/v1/sync/push")).bearer_auth(token).body(body);
        batch(request.send().await.unwrap()).await
    }

    pub(crate) async fn stop(self) {
        self.stop_in_place().await;
    }

    /// Stops the server and keeps its directory.
    pub(crate) async fn stop_in_place(&self) {
        let running = self.running.lock().unwrap().take();
        if let Some(running) = running {
            soon(running.stop()).await;
        }
    }
}

/// An error as it came over the wire.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) status: StatusCode,
    pub(crate) error: ApiError,
    pub(crate) retry_after: Option<String>,
    pub(crate) erase_proof: Option<String>,
}

pub(crate) async fn failure(response: reqwest::Response) -> Failure {
    let status = response.status();
    let header = |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    let (retry_after, erase_proof) = (header("retry-after"), header(ERASE_PROOF_HEADER));
    let error = response.json().await.expect("every error is an ApiError");
    Failure { status, error, retry_after, erase_proof }
}

pub(crate) async fn answer<T: serde::de::DeserializeOwned>(
    response: reqwest::Response,
) -> Result<T, Failure> {
    assert!(response.headers().contains_key("date-ms") && response.headers().contains_key("x-request-id"));
    if response.status().is_success() {
        Ok(response.json().await.unwrap())
    } else {
        Err(failure(response).await)
    }
}

async fn batch<M: wire::Message>(response: reqwest::Response) -> Result<M, Failure> {
    assert!(response.headers().contains_key("date-ms"));
    if !response.status().is_success() {
        return Err(failure(response).await);
    }
    assert_eq!(response.headers()["content-type"], BATCH_MEDIA_TYPE);
    Ok(wire::decode(&response.bytes().await.unwrap()).unwrap())
}

/// An installation with its own copies of documents.
pub(crate) struct Device<'a> {
    pub(crate) server: &'a TestServer,
    pub(crate) id: DeviceId,
    pub(crate) session: Session,
    pub(crate) documents: HashMap<DocId, Document>,
}

impl Device<'_> {
    pub(crate) fn me(&self) -> String {
        self.session.member.to_string()
    }

    /// An edit as this device would make it if it held itself to no rules but the schema: what the server thinks of
    /// it is the test.
    pub(crate) fn edit_at(&mut self, edit: &Edit, at: UtcMillis) -> WireChange {
        let workflow = everything();
        let actor = Actor { member: None, role: Role::Admin };
        let author = Author { device: self.id, actor, workflow: &workflow };
        let document = self.documents.remove(&edit.doc);
        let document = document.unwrap_or_else(|| Document::empty(edit.doc, edit.kind()));
        let random = SystemRandom::new().unwrap();
        let ids = FreshIds::at(at, &random);
        let (document, made) = document.edit(&author, edit, at, &ids).unwrap();
        self.documents.insert(edit.doc, document);
        let made = made.expect("the edit should change something");
        WireChange { doc: edit.doc, kind: edit.kind(), hash: Hash(made.hash), bytes: made.bytes }
    }

    pub(crate) fn edit(&mut self, edit: &Edit) -> WireChange {
        self.edit_at(edit, self.server.clock.now())
    }

    /// One step on a ticket, signed by this device's member.
    pub(crate) fn on_ticket(&mut self, doc: DocId, op: TicketOp) -> WireChange {
        let now = self.server.clock.now();
        let steps = vec![Stamped::new(now, self.me(), op)];
        self.edit(&Edit { doc, ops: Ops::Ticket(steps) })
    }

    /// A new ticket, not pushed yet.
    pub(crate) fn new_ticket(&mut self, title: &str) -> (DocId, WireChange) {
        let doc = DocId(self.server.fresh());
        let change = self.on_ticket(doc, TicketOp::Create { ticket: NewTicket::titled(title) });
        (doc, change)
    }

    pub(crate) async fn try_push(&self, changes: Vec<WireChange>) -> Result<PushReply, Failure> {
        let body = wire::encode(&Push { changes }).unwrap();
        self.server.push(&self.session.access_token, body).await
    }

    pub(crate) async fn push(&self, changes: Vec<WireChange>) -> Vec<Outcome> {
        self.push_reply(changes).await.verdicts.into_iter().map(|verdict| verdict.outcome).collect()
    }

    pub(crate) async fn push_reply(&self, changes: Vec<WireChange>) -> PushReply {
        let hashes: Vec<Hash> = changes.iter().map(|change| change.hash).collect();
        let reply = self.try_push(changes).await.unwrap();
        assert_eq!(reply.verdicts.iter().map(|verdict| verdict.hash).collect::<Vec<_>>(), hashes);
        reply
    }

    pub(crate) async fn pull(&self, after: u64) -> PullReply {
        self.server.pull(&self.session.access_token, after).await.unwrap()
    }

    /// Pulls everything after `after` into this device's documents; returns the cursor.
    pub(crate) async fn catch_up(&mut self, after: u64) -> u64 {
        let mut cursor = after;
        loop {
            let reply = self.pull(cursor).await;
            for logged in reply.changes {
                let WireChange { doc, kind, hash, bytes } = logged.change;
                let change = verify(&bytes, hash.0).unwrap();
                let document = self.documents.entry(doc).or_insert_with(|| Document::empty(doc, kind));
                document.apply(vec![change]).unwrap();
            }
            cursor = reply.cursor;
            if cursor == reply.head {
                return cursor;
            }
        }
    }

    pub(crate) fn ticket(&self, doc: DocId) -> Ticket {
        match self.documents[&doc].read().unwrap() {
            State::Ticket(ticket) => *ticket,
            other => panic!("{:?} is no ticket", other.kind()),
        }
    }
}

/// Every status move.
fn everything() -> Workflow {
    use desk_domain::ticket::Status;
    let all: std::collections::BTreeSet<Status> = Status::ALL.iter().copied().collect();
    Workflow { moves: Status::ALL.iter().map(|status| (*status, all.clone())).collect() }
}

pub(crate) fn accepted(outcome: &Outcome) -> u64 {
    match outcome {
        Outcome::Accepted { seq } => *seq,
        Outcome::Rejected { code, reason } => panic!("rejected as {code:?}: {reason}"),
    }
}

pub(crate) fn rejected(outcome: &Outcome) -> RejectCode {
    match outcome {
        Outcome::Rejected { code, reason } => {
            assert!(!reason.is_empty());
            *code
        }
        Outcome::Accepted { seq } => panic!("accepted as {seq}"),
    }
}

/// The owner as documents spell it.
pub(crate) fn kind_of(document: &Document) -> DocKind {
    document.kind()
}

pub(crate) fn nobody() -> MemberId {
    MemberId(Uuid::from_u128(7))
}
