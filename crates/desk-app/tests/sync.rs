//! Desks and a real server on port 0: what the window and the command line do, without either.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests: a failure there is a failed test")]

#[path = "sync/access.rs"]
mod access;
#[path = "sync/ahead.rs"]
mod ahead;
#[path = "sync/alerts.rs"]
mod alerts;
#[path = "sync/bootstrap.rs"]
mod bootstrap;
#[path = "sync/cloned.rs"]
mod cloned;
#[path = "sync/detection.rs"]
mod detection;
#[path = "sync/hostile.rs"]
mod hostile;
#[path = "sync/oncall.rs"]
mod oncall;
#[path = "sync/proposed.rs"]
mod proposed;
#[path = "sync/restored.rs"]
mod restored;
#[path = "sync/scopes.rs"]
mod scopes;

use std::{
    collections::BTreeSet,
    io::Cursor,
    path::Path,
    sync::{Arc, Mutex, OnceLock},
    time::Duration,
};

use desk_api::{
    ErrorCode,
    call::CreateIncident,
    view::{SyncPhase, TicketFilter, TicketSort, TicketView},
};
use desk_app::{
    Cancel, Config, Desk, DeskEvent,
    import::Format,
    notice::{Notice, NoticeText, Notifier},
    secrets::Keychain,
};
use desk_domain::{
    alert::AlertKey,
    edit::{ArticleOp, IncidentOp, NewTicket, Ops, Stamped, TicketOp},
    ids::DocId,
    incident::{IncidentStatus, Severity},
    people::Role,
    ticket::{Priority, Status, Visibility},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use workernet_server::{
    auth::password,
    clock::SystemClock,
    http::Limits,
    members::{self, NewMember},
    random::{FreshIds, SeededRandom, SystemRandom},
    serve::{Running, Setup, start},
    storage::{Directory, MemberRecord, SqliteStorage, Storage},
    workspaces::{self, NewWorkspace},
};

const PASSWORD: &str = "правильный-пароль";

/// A machine without a keychain: the key goes to a file.
struct NoKeychain;

impl Keychain for NoKeychain {
    fn get(&self, _: &str) -> Result<Option<String>, String> {
        Err("there is none".into())
    }
    fn set(&self, _: &str, _: &str) -> Result<(), String> {
        Err("there is none".into())
    }
    fn forget(&self, _: &str) -> Result<(), String> {
        Err("there is none".into())
    }
}

struct Server {
    url: String,
    storage: SqliteStorage,
    random: Arc<SystemRandom>,
    running: Running,
    dir: tempfile::TempDir,
}

impl Server {
    async fn start() -> Self {
        let server = Self::open(tempfile::tempdir().unwrap()).await;
        let new = NewWorkspace { slug: "acme".into(), name: "Acme".into(), zone: "Asia/Almaty".into() };
        workspaces::create(&server.storage, &new, now(), &server.ids()).await.unwrap();
        for (name, role) in [("anna", Role::Agent), ("boris", Role::Agent), ("maria", Role::Manager)] {
            server.member(name, role).await;
        }
        server
    }

    /// A server on a data directory.
    async fn open(dir: tempfile::TempDir) -> Self {
        let storage = SqliteStorage::open(dir.path()).await.unwrap();
        let random = Arc::new(SystemRandom::new().unwrap());
        let running = start(Setup {
            storage: Arc::new(storage.clone()),
            clock: Arc::new(SystemClock),
            random: random.clone(),
            listen: "127.0.0.1:0".parse().unwrap(),
            // Segments are always level, so that a new device is filled from them however little there is.
            limits: Limits { segments_behind: 0, ..Limits::default() },
            mail: None,
        })
        .await
        .unwrap();
        let url = format!("http://{}", running.address());
        Self { url, storage, random, running, dir }
    }

    /// Ends the server; its directory stays.
    async fn stop(self) -> tempfile::TempDir {
        self.running.stop().await;
        Storage::close(&self.storage).await;
        self.dir
    }

    fn ids(&self) -> FreshIds<'_> {
        FreshIds::at(now(), self.random.as_ref())
    }

    async fn member(&self, name: &str, role: Role) {
        static HASH: OnceLock<String> = OnceLock::new();
        let password_hash =
            HASH.get_or_init(|| password::hash(PASSWORD, &SeededRandom::new(1)).unwrap()).clone();
        let new = NewMember {
            workspace: "acme".into(),
            email: format!("{name}@acme.example"),
            name: name.into(),
            role,
            teams: vec![],
            password_hash,
        };
        members::add(&self.storage, &new, now(), &self.ids()).await.unwrap();
    }

    /// The server alone knows of the new role; devices learn it when their settings say so.
    async fn demote(&self, name: &str) {
        let workspace = self.storage.workspace_by_slug("acme").await.unwrap().unwrap();
        let email = format!("{name}@acme.example");
        let member = self.storage.member_by_email(workspace.id, &email).await.unwrap().unwrap();
        let mut tx = self.storage.begin(workspace.id).await.unwrap();
        assert!(tx.update_member(&MemberRecord { role: Role::Agent, ..member }).await.unwrap());
        tx.commit().await.unwrap();
    }

    async fn desk(&self, dir: &Path, name: &str) -> Desk {
        let desk = open(dir).await;
        desk.sign_in(&self.url, "acme", &format!("{name}@acme.example"), PASSWORD).await.unwrap();
        desk.sync_once().await.unwrap();
        desk
    }
}

fn now() -> desk_domain::time::UtcMillis {
    desk_app::machine::CorrectedClock::machine_now()
}

async fn open(dir: &Path) -> Desk {
    try_open(dir).await.unwrap()
}

async fn try_open(dir: &Path) -> Result<Desk, desk_api::ApiError> {
    Desk::open(Config { data_dir: dir.to_owned(), keychain: Box::new(NoKeychain), must_exist: false }).await
}

fn titled(title: &str) -> NewTicket {
    NewTicket::titled(title)
}

async fn level(desks: &[&Desk]) {
    let levelled = async {
        loop {
            // Twice: what the first sent after the second had fetched.
            for _ in 0..2 {
                for desk in desks {
                    desk.sync_once().await.unwrap();
                }
            }
            let mut digests = BTreeSet::new();
            for desk in desks {
                digests.insert(desk.digest().await.unwrap().digest);
            }
            if digests.len() == 1 {
                return;
            }
            // The server writes as well: the steps of an escalation came in between.
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), levelled).await.unwrap();
}

async fn ticket(desk: &Desk, id: DocId) -> TicketView {
    desk.ticket(id).await.unwrap().unwrap()
}

#[tokio::test]
async fn two_desks_that_edit_offline_converge_and_lose_nothing() {
    let server = Server::start().await;
    let (a_dir, b_dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (a, b) = (server.desk(a_dir.path(), "anna").await, server.desk(b_dir.path(), "maria").await);
    let id = a.create_ticket(titled("Принтер")).await.unwrap().ticket.id;
    level(&[&a, &b]).await;

    a.edit_ticket(id, vec![TicketOp::SetPriority { priority: Priority::High }]).await.unwrap();
    a.add_comment(id, Visibility::Public, "Еду".into()).await.unwrap();
    b.edit_ticket(id, vec![TicketOp::SetPriority { priority: Priority::Low }]).await.unwrap();
    b.edit_ticket(id, vec![TicketOp::SetTag { tag: "hp".into(), on: true }]).await.unwrap();
    b.add_comment(id, Visibility::Internal, "note".into()).await.unwrap();
    let article =
        a.create_article("VPN".into(), "текст".into(), None, BTreeSet::new()).await.unwrap().article.id;
    let incident = b
        .create_incident(CreateIncident {
            title: "Нет связи".into(),
            summary: String::new(),
            severity: Severity::P2,
            services: BTreeSet::new(),
            impact_at: None,
            tickets: Vec::new(),
        })
        .await
        .unwrap();
    assert_ne!(a.digest().await.unwrap(), b.digest().await.unwrap());
    level(&[&a, &b]).await;

    let (on_a, on_b) = (ticket(&a, id).await.ticket, ticket(&b, id).await.ticket);
    assert_eq!(on_a, on_b);
    assert_eq!(on_a.comments.len(), 2);
    assert!(on_a.tags.contains("hp"));
    assert_eq!(on_a.conflicts.len(), 1, "both priorities are kept");
    assert!(b.article(article).await.unwrap().is_some());
    assert!(a.incident(incident.incident.id).await.unwrap().is_some());

    // Both edit the article's body and the incident, without the other.
    let body = |text: &str| vec![ArticleOp::EditBody { base: None, body: text.into() }];
    a.edit_article(article, body("новый текст")).await.unwrap();
    b.edit_article(article, body("текст и ещё")).await.unwrap();
    let status = IncidentOp::SetStatus { status: IncidentStatus::Investigating };
    a.edit_incident(incident.incident.id, vec![status]).await.unwrap();
    b.edit_incident(incident.incident.id, vec![IncidentOp::AddNote { text: "вижу".into() }]).await.unwrap();
    level(&[&a, &b]).await;
    assert_eq!(b.article(article).await.unwrap().unwrap().article.body, "новый текст и ещё");

    let again = a.sync_once().await.unwrap();
    assert_eq!((again.pulled, again.pushed, again.rejected), (0, 0, 0), "a repeated sync changes nothing");
}

#[tokio::test]
async fn after_signing_in_the_settings_are_there() {
    let server = Server::start().await;
    let dir = tempfile::tempdir().unwrap();
    let desk = open(dir.path()).await;
    let view = desk.sign_in(&server.url, "acme", "anna@acme.example", PASSWORD).await.unwrap();
    assert!(view.workspace.unwrap().members.contains_key(&view.who.unwrap().member.id));
}

#[tokio::test]
async fn what_was_edited_offline_is_sent_after_a_restart() {
    let server = Server::start().await;
    let (a_dir, b_dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let a = server.desk(a_dir.path(), "anna").await;
    let id = a.create_ticket(titled("до перезапуска")).await.unwrap().ticket.id;
    a.save_draft("reply/x".into(), "недописанный".into()).await.unwrap();
    a.close().await;
    drop(a);
    let a = open(a_dir.path()).await;
    assert_eq!(a.sync_view().await.unwrap().waiting, 1);
    assert_eq!(a.draft("reply/x").await.unwrap().unwrap().body, "недописанный");
    assert_eq!(a.sync_once().await.unwrap().pushed, 1);
    let b = server.desk(b_dir.path(), "boris").await;
    assert_eq!(ticket(&b, id).await.ticket.title, "до перезапуска");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_that_was_away_gets_every_one_of_many_tickets() {
    const TICKETS: usize = 150;
    let server = Server::start().await;
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let busy = server.desk(here.path(), "anna").await;
    let away = server.desk(there.path(), "boris").await;
    let mut tickets = Vec::new();
    for number in 0..TICKETS {
        tickets.push(busy.create_ticket(titled(&format!("№ {number}"))).await.unwrap().ticket.id);
    }
    level(&[&busy, &away]).await;
    for id in &tickets {
        busy.edit_ticket(*id, vec![TicketOp::SetPriority { priority: Priority::High }]).await.unwrap();
    }
    busy.sync_once().await.unwrap();
    assert_eq!(away.sync_once().await.unwrap().pulled, TICKETS as u64);
    assert_eq!(away.digest().await.unwrap(), busy.digest().await.unwrap());
    assert!(away.doctor(false).await.unwrap().healthy);
    assert_eq!(busy.sync_once().await.unwrap().pulled, 0, "its own edits are nothing new");
}

#[tokio::test]
async fn a_ticket_that_stands_open_is_edited_as_another_program_left_it() {
    let server = Server::start().await;
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let window = server.desk(dir.path(), "anna").await;
    let id = window.create_ticket(titled("Касса")).await.unwrap().ticket.id;
    let command_line = open(dir.path()).await;
    let set = |desk: &Desk, priority| {
        let (desk, op) = (desk.clone(), TicketOp::SetPriority { priority });
        async move { desk.edit_ticket(id, vec![op]).await.unwrap().ticket.priority }
    };
    assert_eq!(set(&command_line, Priority::High).await, Priority::High);
    // By what the window has open, there would be nothing to change.
    assert_eq!(set(&window, Priority::Medium).await, Priority::Medium);
    assert_eq!(ticket(&command_line, id).await.ticket.priority, Priority::Medium);

    // Another member's edit arrives after the other program's, and none is lost.
    window.sync_once().await.unwrap();
    let boris = server.desk(other.path(), "boris").await;
    boris.add_comment(id, Visibility::Internal, "смотрю".into()).await.unwrap();
    boris.sync_once().await.unwrap();
    assert_eq!(set(&command_line, Priority::Urgent).await, Priority::Urgent);
    level(&[&window, &boris]).await;
    let seen = ticket(&window, id).await.ticket;
    assert_eq!((seen.priority, seen.comments.len()), (Priority::Urgent, 1));
    assert_eq!(ticket(&boris, id).await.ticket, seen);
}

#[tokio::test]
async fn a_refused_edit_is_listed_with_its_reason_and_taken_out_of_the_ticket() {
    let server = Server::start().await;
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let maria = server.desk(dir.path(), "maria").await;
    let id = maria.create_ticket(titled("Касса")).await.unwrap().ticket.id;
    maria.sync_once().await.unwrap();
    server.demote("maria").await;

    // The device believes that she is a manager still: the deletion is refused, the comment after it is not.
    maria.edit_ticket(id, vec![TicketOp::SetDeleted { deleted: true }]).await.unwrap();
    maria.add_comment(id, Visibility::Internal, "после удаления".into()).await.unwrap();
    let report = maria.sync_once().await.unwrap();
    assert!(report.rejected >= 1, "{report:?}");
    maria.sync_once().await.unwrap();
    let view = ticket(&maria, id).await;
    assert!(!view.ticket.deleted, "the refused edit does not hold");
    assert_eq!(view.ticket.comments.len(), 1, "the comment after it was made again");
    let rejected = maria.rejected().await.unwrap();
    let [refused] = rejected.as_slice() else { panic!("{rejected:?}") };
    assert_eq!(refused.subject, view.number);
    assert_eq!(refused.code, "forbidden");
    assert!(!refused.reason.is_empty());
    let anna = server.desk(other.path(), "anna").await;
    level(&[&maria, &anna]).await;
    assert_eq!(ticket(&anna, id).await.ticket.comments.len(), 1);
    assert!(maria.discard_rejected(refused.id).await.unwrap().is_empty());
    assert_eq!(maria.discard_rejected(refused.id).await.unwrap_err().code, ErrorCode::NotFound);
}

#[tokio::test]
async fn a_refused_edit_is_proposed_again_as_it_was_or_amended() {
    let server = Server::start().await;
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let maria = server.desk(dir.path(), "maria").await;
    let id = maria.create_ticket(titled("Касса")).await.unwrap().ticket.id;
    maria.sync_once().await.unwrap();
    server.demote("maria").await;
    maria.edit_ticket(id, vec![TicketOp::SetDeleted { deleted: true }]).await.unwrap();
    maria.sync_once().await.unwrap();
    maria.sync_once().await.unwrap();
    let refused = maria.rejected().await.unwrap()[0].id;

    // What a rule forbids stays on the list, and says why.
    let step = |op| Ops::Ticket(vec![Stamped::new(desk_domain::time::UtcMillis(1), "nobody", op)]);
    let blank = step(TicketOp::SetTitle { title: " ".into() });
    let again = maria.retry_rejected(refused, Some(blank)).await.unwrap_err();
    assert_eq!((again.code, again.field.as_deref()), (ErrorCode::Invalid, Some("title")), "{again}");
    assert_eq!(maria.rejected().await.unwrap()[0].id, refused);
    // The device does not know yet that she is no manager: what the server refuses again is on the list again.
    maria.retry_rejected(refused, None).await.unwrap();
    assert!(maria.rejected().await.unwrap().is_empty());
    maria.sync_once().await.unwrap();
    maria.sync_once().await.unwrap();
    let rejected = maria.rejected().await.unwrap();
    let [again] = rejected.as_slice() else { panic!("{rejected:?}") };
    assert_eq!((again.code.as_str(), again.id > refused), ("forbidden", true));
    let refused = again.id;
    let article = Ops::Article(vec![]);
    assert_eq!(maria.retry_rejected(refused, Some(article)).await.unwrap_err().code, ErrorCode::BadRequest);

    assert!(maria.discard_rejected(refused).await.unwrap().is_empty());
    assert_eq!(maria.retry_rejected(refused, None).await.unwrap_err().code, ErrorCode::NotFound);
    assert_eq!(maria.restore_rejected(refused).await.unwrap().len(), 1);

    let other_step = step(TicketOp::SetStatus { status: Status::Cancelled });
    let proposed = maria.retry_rejected(refused, Some(other_step)).await.unwrap();
    assert_eq!((proposed.doc, proposed.rejected.len()), (id, 0));
    assert_eq!(maria.sync_view().await.unwrap().rejected, 0);
    let report = maria.sync_once().await.unwrap();
    assert_eq!((report.pushed, report.rejected), (1, 0));
    let anna = server.desk(other.path(), "anna").await;
    level(&[&anna]).await;
    let view = ticket(&anna, id).await;
    assert_eq!(view.ticket.status, Status::Cancelled);
    let last = view.ticket.log.last().unwrap();
    assert_eq!(
        last.by,
        maria.session_view().await.unwrap().who.unwrap().member.id.to_string(),
        "signed by who proposes"
    );
    assert!(last.at > view.ticket.created_at, "and made when it was proposed");
}

#[tokio::test]
async fn a_refused_creation_makes_the_ticket_when_it_is_proposed_again() {
    let server = Server::start().await;
    let dir = tempfile::tempdir().unwrap();
    let maria = server.desk(dir.path(), "maria").await;
    let created = maria.create_ticket(titled("Касса")).await.unwrap();
    let id = created.ticket.id;
    maria.add_comment(id, Visibility::Public, "еду".into()).await.unwrap();
    maria.sign_out(true).await.unwrap();
    assert!(maria.ticket(id).await.unwrap().is_none());

    let maria = server.desk(dir.path(), "maria").await;
    let refused = maria.rejected().await.unwrap();
    let [comment, creation] = refused.as_slice() else { panic!("{refused:?}") };
    let (comment, creation) =
        if comment.edit.ops.creates() { (creation, comment) } else { (comment, creation) };
    let early = maria.retry_rejected(comment.id, None).await.unwrap_err();
    assert_eq!(early.code, ErrorCode::NotFound, "its ticket is not there yet: {early}");
    let proposed = maria.retry_rejected(creation.id, None).await.unwrap();
    assert_eq!(proposed.doc, id, "the ticket keeps its number");
    maria.retry_rejected(comment.id, None).await.unwrap();
    let report = maria.sync_once().await.unwrap();
    assert_eq!((report.pushed, report.rejected), (2, 0));
    let view = ticket(&maria, id).await;
    assert_eq!((view.number, view.ticket.comments.len()), (created.number, 1));
}

#[tokio::test]
async fn a_conflict_tells_since_when_a_device_had_been_offline_and_is_settled_everywhere() {
    let server = Server::start().await;
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let anna = server.desk(dir.path(), "anna").await;
    let boris = server.desk(other.path(), "boris").await;
    let id = anna.create_ticket(titled("Касса")).await.unwrap().ticket.id;
    level(&[&anna, &boris]).await;
    let since = boris.sync_view().await.unwrap().synced_at.unwrap();
    anna.edit_ticket(id, vec![TicketOp::SetPriority { priority: Priority::High }]).await.unwrap();
    boris.edit_ticket(id, vec![TicketOp::SetPriority { priority: Priority::Low }]).await.unwrap();
    level(&[&anna, &boris]).await;

    let seen = ticket(&anna, id).await.ticket;
    assert_eq!(seen.conflicts, ticket(&boris, id).await.ticket.conflicts);
    let [conflict] = seen.conflicts.as_slice() else { panic!("{:?}", seen.conflicts) };
    let low = conflict.values.iter().find(|value| value.value.as_deref() == Some("low")).unwrap();
    assert_eq!(low.offline_since, Some(since));
    assert_eq!(low.by, boris.session_view().await.unwrap().who.unwrap().member.id.to_string());

    anna.edit_ticket(id, vec![TicketOp::SetPriority { priority: seen.priority }]).await.unwrap();
    level(&[&anna, &boris]).await;
    for desk in [&anna, &boris] {
        let ticket = ticket(desk, id).await.ticket;
        assert_eq!((ticket.priority, ticket.conflicts), (seen.priority, vec![]));
    }
}

#[tokio::test]
async fn the_past_of_a_ticket_is_as_its_authors_saw_it() {
    let server = Server::start().await;
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let anna = server.desk(dir.path(), "anna").await;
    let boris = server.desk(other.path(), "boris").await;
    let id = anna.create_ticket(titled("Касса")).await.unwrap().ticket.id;
    level(&[&anna, &boris]).await;
    anna.edit_ticket(id, vec![TicketOp::SetTitle { title: "Принтер".into() }]).await.unwrap();
    boris.add_comment(id, Visibility::Internal, "еду".into()).await.unwrap();
    level(&[&anna, &boris]).await;

    let history = anna.ticket_history(id).await.unwrap().unwrap();
    assert_eq!(history, boris.ticket_history(id).await.unwrap().unwrap());
    assert_eq!(history.len(), 3);
    let past = boris.ticket_at(id, &history[2].change[..16]).await.unwrap().unwrap();
    assert_eq!((past.place, past.changes), (2, 3));
    assert_eq!(past.view.ticket.title, "Касса", "he had not heard of the new title");
    assert_eq!(past.view.ticket.comments.len(), 1);
    assert!(past.view.read_only && past.view.read_at == past.change.at);
    assert!(anna.ticket_at(id, "").await.unwrap().is_none(), "three changes begin so");
    assert!(anna.ticket_at(id, "ffffffffffffffff").await.unwrap().is_none());
}

#[tokio::test]
async fn a_workspace_on_one_device_joins_a_server_with_its_history() {
    let server = Server::start().await;
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let desk = open(dir.path()).await;
    desk.init("Одна", "me@example.org").await.unwrap();
    assert_eq!(desk.sync_view().await.unwrap().phase, SyncPhase::Local);
    assert_eq!(desk.sync_once().await.unwrap_err().code, ErrorCode::SignedOut);
    let id = desk.create_ticket(titled("Местная")).await.unwrap().ticket.id;
    desk.edit_ticket(id, vec![TicketOp::SetStatus { status: Status::Pending }]).await.unwrap();
    desk.edit_ticket(id, vec![TicketOp::SetTag { tag: "x".into(), on: true }]).await.unwrap();
    let view = desk.add_comment(id, Visibility::Public, "ответ".into()).await.unwrap();
    let comment = view.ticket.comments[0].id;
    desk.edit_ticket(id, vec![TicketOp::DeleteComment { id: comment }]).await.unwrap();
    let before = ticket(&desk, id).await.ticket;

    desk.sign_in(&server.url, "acme", "anna@acme.example", PASSWORD).await.unwrap();
    let report = desk.sync_once().await.unwrap();
    assert_eq!(report.rejected, 0, "{:?}", desk.rejected().await.unwrap());
    let b = server.desk(other.path(), "boris").await;
    level(&[&desk, &b]).await;
    let after = ticket(&b, id).await.ticket;
    assert_eq!((after.title, after.status, after.tags), (before.title, before.status, before.tags));
    let instants =
        |log: &[desk_domain::ticket::LogEntry]| log.iter().map(|entry| entry.at).collect::<Vec<_>>();
    assert_eq!(instants(&after.log), instants(&before.log));
    assert!(after.comments[0].deleted);
}

#[tokio::test]
async fn a_store_belongs_to_one_member() {
    let server = Server::start().await;
    let dir = tempfile::tempdir().unwrap();
    let desk = server.desk(dir.path(), "anna").await;
    let other = desk.sign_in(&server.url, "acme", "boris@acme.example", PASSWORD).await.unwrap_err();
    assert_eq!(other.code, ErrorCode::AlreadyExists);
    desk.create_ticket(titled("не отправлена")).await.unwrap();
    assert_eq!(desk.sign_out(false).await.unwrap_err().code, ErrorCode::Invalid, "an edit waits");
    desk.sync_once().await.unwrap();
    let kept = desk.digest().await.unwrap();
    desk.create_ticket(titled("передумала")).await.unwrap();
    desk.sign_out(true).await.unwrap();
    assert_eq!(desk.digest().await.unwrap(), kept, "what was discarded is taken out again");
    assert_eq!(desk.rejected().await.unwrap()[0].code, "discarded");
    assert_eq!(desk.create_ticket(titled("x")).await.unwrap_err().code, ErrorCode::SignedOut);
    let other = desk.sign_in(&server.url, "acme", "boris@acme.example", PASSWORD).await.unwrap_err();
    assert_eq!(other.code, ErrorCode::AlreadyExists, "after a sign-out, too");
    desk.sign_in(&server.url, "acme", "anna@acme.example", PASSWORD).await.unwrap();
}

#[tokio::test]
async fn wrong_credentials_and_wrong_addresses_are_told_apart() {
    let server = Server::start().await;
    let dir = tempfile::tempdir().unwrap();
    let desk = open(dir.path()).await;
    let code = async |url: &str, email: &str, password: &str| {
        desk.sign_in(url, "acme", email, password).await.unwrap_err().code
    };
    assert_eq!(code(&server.url, "anna@acme.example", "wrong-password").await, ErrorCode::WrongCredentials);
    assert_eq!(code(&server.url, "nobody@acme.example", PASSWORD).await, ErrorCode::WrongCredentials);
    assert_eq!(code("http://127.0.0.1:1", "anna@acme.example", PASSWORD).await, ErrorCode::Offline);
    assert_eq!(code("http://desk.example.org", "anna@acme.example", PASSWORD).await, ErrorCode::Invalid);
}

/// Answers every request with the same bytes.
async fn liar(response: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let response = response.clone();
            tokio::spawn(async move {
                let mut request = [0; 4096];
                let _ = socket.read(&mut request).await;
                let _ = socket.write_all(&response).await;
                let _ = socket.shutdown().await;
            });
        }
    });
    url
}

#[tokio::test]
async fn a_server_that_answers_nonsense_changes_nothing() {
    let server = Server::start().await;
    let dir = tempfile::tempdir().unwrap();
    let desk = server.desk(dir.path(), "anna").await;
    desk.create_ticket(titled("важная")).await.unwrap();
    let before = desk.digest().await.unwrap();
    desk.close().await;
    drop(desk);
    let http = |body: &[u8]| {
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
        [head.as_bytes(), body].concat()
    };
    for (what, response, code) in [
        ("a web page", http(b"<html>hotel wifi</html>"), ErrorCode::BadServer),
        ("nothing", http(b""), ErrorCode::BadServer),
        ("a cut answer", b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nWND".to_vec(), ErrorCode::Offline),
        ("no HTTP", b"SSH-2.0-OpenSSH_9.2\r\n".to_vec(), ErrorCode::Offline),
        (
            "a server error",
            b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 3\r\n\r\nbad".to_vec(),
            ErrorCode::Offline,
        ),
    ] {
        let url = liar(response).await;
        let desk = open(dir.path()).await;
        desk.point_to(&url).await.unwrap();
        let error = desk.sync_once().await.unwrap_err();
        assert_eq!(error.code, code, "{what}: {error}");
        assert_eq!(desk.digest().await.unwrap(), before, "{what}");
        assert_eq!(desk.sync_view().await.unwrap().waiting, 1, "{what}: the edit still waits");
        desk.close().await;
    }
    let desk = open(dir.path()).await;
    desk.point_to(&server.url).await.unwrap();
    assert_eq!(desk.sync_once().await.unwrap().pushed, 1);
}

#[derive(Default)]
struct Shown(Mutex<Vec<Notice>>, Mutex<Vec<AlertKey>>);

impl Notifier for Shown {
    fn show(&self, notice: Notice) {
        self.0.lock().unwrap().push(notice);
    }

    fn withdraw(&self, settled: &[AlertKey]) {
        self.1.lock().unwrap().extend_from_slice(settled);
    }
}

impl Shown {
    async fn wait_for(&self, count: usize) -> Vec<Notice> {
        let waited = tokio::time::timeout(Duration::from_secs(20), async {
            loop {
                let shown = self.0.lock().unwrap().clone();
                if shown.len() >= count {
                    return shown;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        });
        waited.await.unwrap_or_else(|_| panic!("only {:?}", self.0.lock().unwrap()))
    }
}

/// A ticket of some days ago that is still open: long overdue as soon as it arrives.
async fn import_overdue(desk: &Desk, number: &str) {
    let csv = format!(
        "number,incident_state,sys_updated_by,sys_updated_at,opened_at,priority,caller_id,category\n\
         {number},New,Updated by 1,02-11-2026 10:00,02-11-2026 10:00,1 - Critical,Caller 1,Category 1\n"
    );
    let report = desk
        .import(Cursor::new(csv), Format::ServicenowCsv, None, &|_| {}, &Cancel::default())
        .await
        .unwrap();
    assert_eq!(report.created.tickets, 1, "{report:?}");
}

#[tokio::test]
async fn an_alert_is_shown_once_and_old_ones_not_at_all() {
    let server = Server::start().await;
    let (a_dir, b_dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let a = server.desk(a_dir.path(), "anna").await;
    import_overdue(&a, "INC1").await;
    a.sync_once().await.unwrap();

    // What was overdue before the device had ever synced is listed and not shown.
    let b = server.desk(b_dir.path(), "maria").await;
    let shown = Arc::new(Shown::default());
    let scheduler = b.start_alerts(shown.clone());
    let listed = b.alerts().await.unwrap().open;
    assert!(!listed.is_empty());
    import_overdue(&a, "INC2").await;
    a.sync_once().await.unwrap();
    b.sync_once().await.unwrap();
    let notices = shown.wait_for(1).await;
    let [Notice { text: NoticeText::Subject { rules, number, .. }, .. }] = notices.as_slice() else {
        panic!("{notices:?}")
    };
    assert!(rules.iter().all(|rule| rule.is_urgent()), "{rules:?}");
    assert!(listed.iter().all(|alert| alert.number != *number));
    let open = b.alerts().await.unwrap().open;
    assert!(open.len() > listed.len());

    // A restart raises none again; an acknowledgement reaches the member's other device.
    drop(scheduler);
    b.close().await;
    drop(b);
    let b = open_and_watch(b_dir.path()).await;
    import_overdue(&a, "INC3").await;
    a.sync_once().await.unwrap();
    b.0.sync_once().await.unwrap();
    let notices = b.1.wait_for(1).await;
    assert_eq!(notices.len(), 1, "only the new one: {notices:?}");
    let keys: Vec<AlertKey> = open.iter().map(|alert| alert.key.clone()).collect();
    let left = b.0.acknowledge_alerts(&keys).await.unwrap();
    assert!(left.open.iter().all(|alert| !keys.contains(&alert.key)));
    b.0.sync_once().await.unwrap();
    let third = tempfile::tempdir().unwrap();
    let other = server.desk(third.path(), "maria").await;
    let open = other.alerts().await.unwrap().open;
    assert!(open.iter().all(|alert| !keys.contains(&alert.key)), "acknowledged everywhere");
}

async fn open_and_watch(dir: &Path) -> (Desk, Arc<Shown>, desk_app::AlertScheduler) {
    let desk = open(dir).await;
    let shown = Arc::new(Shown::default());
    let scheduler = desk.start_alerts(shown.clone());
    (desk, shown, scheduler)
}

#[tokio::test]
async fn the_driver_syncs_by_itself_and_listens() {
    let server = Server::start().await;
    let (a_dir, b_dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (a, b) = (server.desk(a_dir.path(), "anna").await, server.desk(b_dir.path(), "boris").await);
    let (_a, _b) = (a.start_sync(), b.start_sync());
    let id = a.create_ticket(titled("сама")).await.unwrap().ticket.id;
    let arrived = tokio::time::timeout(Duration::from_secs(20), async {
        while b.ticket(id).await.unwrap().is_none() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    arrived.await.unwrap();
    let found = b.list_tickets(&TicketFilter::default(), TicketSort::Updated, 0, 10).await.unwrap();
    assert_eq!(found.rows.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edit_that_another_program_overtakes_is_sent_once_it_is_made_again() {
    let server = Server::start().await;
    let (a_dir, b_dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (window, boris) = (server.desk(a_dir.path(), "anna").await, server.desk(b_dir.path(), "boris").await);
    let id = window.create_ticket(titled("Касса")).await.unwrap().ticket.id;
    let _driver = window.start_sync();
    let command_line = open(a_dir.path()).await;
    for number in 0..20 {
        let idle = async {
            while window.sync_view().await.unwrap().phase != SyncPhase::Idle {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), idle).await.unwrap();
        // The window has the ticket open as it was before: what it sends ahead then builds on what is not there any more,
        // and neither does the server know of what the other program made and did not send.
        let tag = TicketOp::SetTag { tag: format!("t{number}"), on: true };
        command_line.edit_ticket(id, vec![tag]).await.unwrap();
        window.add_comment(id, Visibility::Internal, format!("№ {number}")).await.unwrap();
    }
    level(&[&window, &boris]).await;
    let there = ticket(&boris, id).await.ticket;
    assert_eq!((there.tags.len(), there.comments.len()), (20, 20));
    assert_eq!(window.sync_view().await.unwrap().rejected, 0);
    assert_eq!(
        server.storage.workspace_by_slug("acme").await.unwrap().unwrap().head,
        boris.sync_once().await.unwrap().cursor
    );
}

#[tokio::test]
async fn an_export_is_whole_or_not_there() {
    let dir = tempfile::tempdir().unwrap();
    let desk = open(&dir.path().join("data")).await;
    desk.init("Одна", "me@example.org").await.unwrap();
    desk.create_ticket(titled("<script>alert(1)</script>")).await.unwrap();
    desk.create_article("A".into(), "b".into(), None, BTreeSet::new()).await.unwrap();
    let out = dir.path().join("out");
    let line = |_: &Desk, state: &desk_domain::state::State| Ok(serde_json::json!({ "id": state.id() }));
    let exported = desk.export(&out, false, &line, &|_| {}).await.unwrap();
    assert_eq!((exported.tickets, exported.articles, exported.incidents, exported.documents), (1, 1, 0, 3));
    assert_eq!(std::fs::read_dir(out.join("documents")).unwrap().count(), 3);
    assert!(std::fs::read_to_string(out.join("tickets.jsonl")).unwrap().ends_with("}\n"));
    let again = desk.export(&out, false, &line, &|_| {}).await.unwrap_err();
    assert_eq!(again.code, ErrorCode::AlreadyExists);
    desk.export(&out.join(""), true, &line, &|_| {}).await.unwrap();
    assert!(out.join("tickets.jsonl").is_file(), "a slash at the end is no other directory");
    let home = desk.export(dir.path(), true, &line, &|_| {}).await.unwrap_err();
    assert_eq!(home.code, ErrorCode::AlreadyExists, "what is no export is never replaced");
    let report = desk.doctor(true).await.unwrap();
    assert!(report.healthy, "{report:?}");
}

#[tokio::test]
async fn a_lost_key_or_a_damaged_store_is_told_and_nothing_is_touched() {
    let dir = tempfile::tempdir().unwrap();
    let desk = open(dir.path()).await;
    desk.init("Одна", "me@example.org").await.unwrap();
    desk.close().await;
    drop(desk);
    let file = dir.path().join("desk.db");
    let before = std::fs::read(&file).unwrap();
    let key = dir.path().join("store.key");
    let kept = std::fs::read(&key).unwrap();

    std::fs::remove_file(&key).unwrap();
    assert_eq!(try_open(dir.path()).await.err().unwrap().code, ErrorCode::WrongKey);
    std::fs::write(&key, "0".repeat(64)).unwrap();
    assert_eq!(try_open(dir.path()).await.err().unwrap().code, ErrorCode::WrongKey);
    assert_eq!(std::fs::read(&file).unwrap(), before);

    std::fs::write(&key, kept).unwrap();
    let mut damaged = before.clone();
    damaged[..512].fill(0xAA);
    std::fs::write(&file, &damaged).unwrap();
    assert_eq!(try_open(dir.path()).await.err().unwrap().code, ErrorCode::DamagedStore);
    assert_eq!(std::fs::read(&file).unwrap(), damaged, "the file is left as it is");
    std::fs::write(&file, &before).unwrap();
    assert!(try_open(dir.path()).await.unwrap().signed_in().is_some());
}
