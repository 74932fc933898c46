//! Pushing and pulling.

use std::collections::BTreeSet;

use desk_api::ErrorCode;
use desk_domain::{
    edit::{Edit, Ops, PersonalOp, Stamped, TicketOp},
    ids::{CommentId, DocKind},
    people::Role,
    sla::Traits,
    state::State,
    ticket::{AuthorSide, Priority, Status, Visibility},
};
use desk_sync::wire::{self, BATCH_CHANGES, MAX_CHANGE_BYTES, Push, RejectCode, WireChange};
use workernet_server::{
    http::Limits,
    storage::{Directory, Storage},
};

use super::support::{NOW, TestServer, accepted, kind_of, rejected};

#[tokio::test]
async fn a_new_member_finds_the_workspaces_settings_and_their_own_document() {
    let server = TestServer::start().await;
    server.member("acme", "boris", Role::Manager).await;
    let mut anna = server.device("acme", "anna").await;
    anna.catch_up(0).await;
    let (settings, personal) = (anna.session.workspace_doc, anna.session.personal_doc);
    assert_eq!(anna.documents.keys().copied().collect::<BTreeSet<_>>(), BTreeSet::from([settings, personal]));
    assert_eq!(kind_of(&anna.documents[&personal]), DocKind::Personal);
    let State::Workspace(workspace) = anna.documents[&settings].read().unwrap() else {
        panic!("no settings")
    };
    assert_eq!((workspace.name.as_str(), workspace.zone.as_str()), ("acme", "Asia/Almaty"));
    let mut names: Vec<_> =
        workspace.members.values().map(|member| (member.name.as_str(), member.role)).collect();
    names.sort_unstable();
    assert_eq!(names, [("anna", Role::Agent), ("boris", Role::Manager)]);
    let rules = workspace.sla_rules().compile();
    assert!(rules.problems().is_empty());
    assert!(rules.terms(&Traits::of_priority(Priority::Critical)).is_some());
    server.stop().await;
}

#[tokio::test]
async fn an_edit_reaches_the_other_device_in_the_order_of_the_log() {
    let server = TestServer::start().await;
    server.member("acme", "boris", Role::Manager).await;
    let mut anna = server.device("acme", "anna").await;
    let mut boris = server.device("acme", "boris").await;
    let cursor = boris.catch_up(0).await;
    let (doc, create) = anna.new_ticket("Не печатает принтер");
    let raise = anna.on_ticket(doc, TicketOp::SetPriority { priority: Priority::Critical });
    let id = CommentId(server.fresh());
    let (visibility, side, body) = (Visibility::Public, AuthorSide::Staff, "Смотрю".to_owned());
    let reply = anna.on_ticket(doc, TicketOp::AddComment { id, visibility, side, body });
    let seqs: Vec<u64> = anna.push(vec![create, raise, reply]).await.iter().map(accepted).collect();
    assert_eq!(seqs, [cursor + 1, cursor + 2, cursor + 3]);

    let page = boris.pull(cursor).await;
    assert_eq!(page.changes.iter().map(|logged| logged.seq).collect::<Vec<_>>(), seqs);
    assert_eq!((page.cursor, page.head), (cursor + 3, cursor + 3));
    boris.catch_up(cursor).await;
    assert_eq!(boris.ticket(doc), anna.ticket(doc));
    assert_eq!(boris.ticket(doc).comments[0].author, anna.me());

    let answer = boris.on_ticket(doc, TicketOp::SetStatus { status: Status::InProgress });
    accepted(&boris.push(vec![answer]).await[0]);
    anna.catch_up(cursor).await;
    assert_eq!(anna.ticket(doc).status, Status::InProgress);
    server.stop().await;
}

#[tokio::test]
async fn a_repeated_batch_changes_nothing_and_gets_its_first_numbers() {
    let server = TestServer::start().await;
    let mut anna = server.device("acme", "anna").await;
    let (doc, create) = anna.new_ticket("VPN");
    let tag = anna.on_ticket(doc, TicketOp::SetTag { tag: "vpn".into(), on: true });
    let batch = vec![create, tag];
    let first = anna.push_reply(batch.clone()).await;
    for _ in 0..3 {
        assert_eq!(anna.push_reply(batch.clone()).await, first);
    }
    // Twice within one batch, and with something new behind it.
    let more = anna.on_ticket(doc, TicketOp::SetTag { tag: "home".into(), on: true });
    let outcomes = anna.push([batch.clone(), batch, vec![more]].concat()).await;
    let seqs: Vec<u64> = outcomes.iter().map(accepted).collect();
    assert_eq!(seqs, [first.head - 1, first.head, first.head - 1, first.head, first.head + 1]);
    server.stop().await;
}

#[tokio::test]
async fn what_two_devices_write_at_once_is_all_there() {
    let server = TestServer::start().await;
    let mut one = server.device("acme", "anna").await;
    let mut two = server.device("acme", "anna").await;
    let (doc, create) = one.new_ticket("Касса");
    accepted(&one.push(vec![create]).await[0]);
    let mut ours = one.catch_up(0).await;
    two.catch_up(0).await;
    for round in 0..3 {
        let mine = one.on_ticket(doc, TicketOp::SetTag { tag: format!("один-{round}"), on: true });
        let theirs = two.on_ticket(doc, TicketOp::SetTag { tag: format!("два-{round}"), on: true });
        let (first, second) = tokio::join!(one.push(vec![mine]), two.push(vec![theirs]));
        let seqs = BTreeSet::from([accepted(&first[0]), accepted(&second[0])]);
        assert_eq!(seqs, BTreeSet::from([ours + 1, ours + 2]), "no gap, no number twice");
        ours = one.catch_up(ours).await;
        two.catch_up(ours - 2).await;
    }
    assert_eq!(one.ticket(doc), two.ticket(doc));
    assert_eq!(one.ticket(doc).tags.len(), 6);
    let stored = workernet_server::storage::Log::document(&server.storage, doc).await.unwrap().unwrap();
    let mut copy = one.documents.remove(&doc).unwrap();
    assert_eq!(stored.heads, copy.heads(), "the server's document is the devices' document");
    server.stop().await;
}

#[tokio::test]
async fn tenants_never_see_each_other() {
    let server = TestServer::start().await;
    server.workspace("globex").await;
    server.member("globex", "gleb", Role::Admin).await;
    let mut anna = server.device("acme", "anna").await;
    let mut gleb = server.device("globex", "gleb").await;
    let (doc, create) = anna.new_ticket("Тайна");
    accepted(&anna.push(vec![create.clone()]).await[0]);
    gleb.catch_up(0).await;
    assert!(!gleb.documents.contains_key(&doc) && !gleb.documents.contains_key(&anna.session.workspace_doc));
    // He learned the document's id and its changes somehow, and offers a change of his own to it.
    let mut copy = gleb.documents;
    copy.insert(doc, anna.documents.remove(&doc).unwrap());
    gleb.documents = copy;
    let meddling = gleb.on_ticket(doc, TicketOp::SetTag { tag: "ha".into(), on: true });
    let outcomes = gleb.push(vec![create, meddling]).await;
    assert_eq!(outcomes.iter().map(rejected).collect::<Vec<_>>(), [RejectCode::WrongDocument; 2]);
    server.stop().await;
}

#[tokio::test]
async fn personal_documents_are_their_owners_alone() {
    let server = TestServer::start().await;
    server.member("acme", "boris", Role::Admin).await;
    let mut anna = server.device("acme", "anna").await;
    let mut boris = server.device("acme", "boris").await;
    anna.catch_up(0).await;
    let cursor = boris.catch_up(0).await;
    let personal = anna.session.personal_doc;
    assert!(!boris.documents.contains_key(&personal));
    let set = |by: String| {
        let op = PersonalOp::SetPreference { name: "theme".into(), value: "dark".into() };
        Edit { doc: personal, ops: Ops::Personal(vec![Stamped::new(NOW, by, op)]) }
    };
    let hers = anna.edit(&set(anna.me()));
    let seq = accepted(&anna.push(vec![hers]).await[0]);
    let page = boris.pull(cursor).await;
    assert_eq!((page.changes.len(), page.cursor, page.head), (0, seq, seq), "he passes over it");
    let copy = anna.documents[&personal].clone();
    boris.documents.insert(personal, copy);
    let op = PersonalOp::SetPreference { name: "theme".into(), value: "light".into() };
    let his = Edit { doc: personal, ops: Ops::Personal(vec![Stamped::new(NOW, boris.me(), op)]) };
    let his = boris.edit(&his);
    assert_eq!(rejected(&boris.push(vec![his]).await[0]), RejectCode::WrongDocument);
    let mut second = server.device("acme", "anna").await;
    second.catch_up(0).await;
    let State::Personal(state) = second.documents[&personal].read().unwrap() else { panic!("not personal") };
    assert_eq!(state.preferences["theme"], "dark", "her other device has it");
    server.stop().await;
}

#[tokio::test]
async fn a_long_log_is_pulled_in_batches() {
    let server = TestServer::start().await;
    let mut anna = server.device("acme", "anna").await;
    let mut changes = Vec::new();
    for number in 0..12 {
        let (doc, create) = anna.new_ticket(&format!("Заявка {number}"));
        // Hard to compress, so that the batch's limit is felt.
        let description: String = (0..200_000_u32)
            .map(|i| char::from(b'a' + (i.wrapping_mul(2_654_435_761) >> 27) as u8 % 26))
            .collect();
        changes.push(create);
        changes.push(anna.on_ticket(doc, TicketOp::SetDescription { description }));
    }
    for part in changes.chunks(8) {
        for outcome in anna.push(part.to_vec()).await {
            accepted(&outcome);
        }
    }
    let mut fresh = server.device("acme", "anna").await;
    let first = fresh.pull(0).await;
    assert!(first.cursor < first.head, "more than one batch");
    let size: usize = first.changes.iter().map(|logged| logged.change.bytes.len()).sum();
    assert!(size <= wire::BATCH_BYTES, "{size}");
    fresh.catch_up(0).await;
    assert_eq!(fresh.documents.len(), 14);
    server.stop().await;
}

#[tokio::test]
async fn a_cursor_beyond_the_head_is_named() {
    let server = TestServer::start().await;
    let anna = server.device("acme", "anna").await;
    let head = anna.pull(0).await.head;
    assert_eq!(anna.pull(head).await.changes, []);
    let failure = server.pull(&anna.session.access_token, head + 1).await.unwrap_err();
    assert_eq!((failure.status.as_u16(), failure.error.code), (400, ErrorCode::BadRequest));
    assert!(failure.error.message.starts_with("cursor beyond head"), "{failure:?}");
    server.stop().await;
}

#[tokio::test]
async fn a_damaged_batch_is_refused_whole() {
    let server = TestServer::start().await;
    let mut anna = server.device("acme", "anna").await;
    let (_, create) = anna.new_ticket("Целое");
    let frame = wire::encode(&Push { changes: vec![create] }).unwrap();
    let token = &anna.session.access_token;
    let head = anna.pull(0).await.head;
    let mut altered = frame.clone();
    let middle = altered.len() / 2;
    altered[middle] ^= 1;
    let mut newer = frame.clone();
    newer[3] = 9;
    let mut bomb = frame.clone();
    bomb[6..10].copy_from_slice(&u32::MAX.to_le_bytes());
    let table = [
        (frame[..frame.len() / 2].to_vec(), 400, ErrorCode::BadRequest),
        (altered, 400, ErrorCode::BadRequest),
        (Vec::new(), 400, ErrorCode::BadRequest),
        (b"<html>".to_vec(), 400, ErrorCode::BadRequest),
        (newer, 426, ErrorCode::UpgradeRequired),
        (bomb, 413, ErrorCode::TooLarge),
    ];
    for (body, status, code) in table {
        let failure = server.push(token, body).await.unwrap_err();
        assert_eq!((failure.status.as_u16(), failure.error.code), (status, code), "{failure:?}");
    }
    assert_eq!(anna.pull(0).await.head, head);
    assert!(server.push(token, frame).await.is_ok(), "whole, it is taken");
    server.stop().await;
}

#[tokio::test]
async fn a_batch_that_is_too_large_is_refused_before_it_is_read() {
    let limits = Limits { push_bytes: 2_000, ..Limits::default() };
    let server = TestServer::start_with(limits).await;
    let mut anna = server.device("acme", "anna").await;
    let token = anna.session.access_token.clone();
    let failure = server.push(&token, vec![0; 2_001]).await.unwrap_err();
    assert_eq!((failure.status.as_u16(), failure.error.code), (413, ErrorCode::TooLarge));
    // A body of unknown length is cut off where the limit is.
    let chunks = futures::stream::iter((0..100).map(|_| Ok::<_, std::io::Error>(vec![0_u8; 1_000])));
    let request = server.http.post(server.url("/v1/sync/push")).bearer_auth(&token);
    let response = request.body(reqwest::Body::wrap_stream(chunks)).send().await.unwrap();
    assert_eq!(response.status().as_u16(), 413);
    let (_, create) = anna.new_ticket("Малая");
    assert!(anna.try_push(vec![create]).await.is_ok());
    server.stop().await;
}

#[tokio::test]
async fn a_gigabyte_is_cut_off_early_and_changes_nothing() {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    const CHUNK: usize = 256 * 1024;
    let server = TestServer::start().await;
    let anna = server.device("acme", "anna").await;
    let head = anna.pull(0).await.head;
    let sent = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&sent);
    let chunks = futures::stream::iter((0..(1 << 30) / CHUNK).map(move |_| {
        counted.fetch_add(CHUNK, Ordering::Relaxed);
        Ok::<_, std::io::Error>(vec![0_u8; CHUNK])
    }));
    let request = server.http.post(server.url("/v1/sync/push")).bearer_auth(&anna.session.access_token);
    // The server answers and hangs up while the client still sends; either the answer arrives or the connection broke.
    if let Ok(response) = request.body(reqwest::Body::wrap_stream(chunks)).send().await {
        assert_eq!(response.status().as_u16(), 413);
    }
    let sent = sent.load(Ordering::Relaxed);
    assert!(sent < 64 * 1024 * 1024, "{sent} bytes were taken off the client's hands");
    assert_eq!(anna.pull(0).await.head, head);
    server.stop().await;
}

#[tokio::test]
async fn a_batch_in_another_order_or_sent_again_ends_in_the_same_log() {
    let server = TestServer::start().await;
    let mut anna = server.device("acme", "anna").await;
    let (doc, create) = anna.new_ticket("Заявка");
    let one = anna.on_ticket(doc, TicketOp::SetTag { tag: "один".into(), on: true });
    let two = anna.on_ticket(doc, TicketOp::SetTag { tag: "два".into(), on: true });
    let backwards = anna.push(vec![two.clone(), one.clone(), create.clone()]).await;
    assert_eq!(rejected(&backwards[0]), RejectCode::UnknownDocument);
    assert_eq!(rejected(&backwards[1]), RejectCode::UnknownDocument);
    let first = accepted(&backwards[2]);
    let doubled = vec![create.clone(), one.clone(), one.clone(), create, two.clone(), two];
    for _ in 0..2 {
        let seqs: Vec<u64> = anna.push(doubled.clone()).await.iter().map(accepted).collect();
        assert_eq!(seqs, [first, first + 1, first + 1, first, first + 2, first + 2]);
    }
    assert_eq!(anna.pull(0).await.head, first + 2, "each stands in the log once");
    let stored = workernet_server::storage::Log::document(&server.storage, doc).await.unwrap().unwrap();
    assert_eq!(stored.heads, anna.documents.get_mut(&doc).unwrap().heads());
    server.stop().await;
}

#[tokio::test]
async fn another_tenants_document_is_out_of_reach_whatever_is_sent_to_it() {
    let server = TestServer::start().await;
    server.workspace("other").await;
    server.member("other", "eva", Role::Admin).await;
    let mut anna = server.device("acme", "anna").await;
    let mut eva = server.device("other", "eva").await;
    let (doc, create) = anna.new_ticket("Чужая");
    accepted(&anna.push(vec![create.clone()]).await[0]);
    let before = workernet_server::storage::Log::document(&server.storage, doc).await.unwrap();
    eva.documents.insert(doc, anna.documents[&doc].clone());
    let tag = eva.on_ticket(doc, TicketOp::SetTag { tag: "x".into(), on: true });
    let head = eva.pull(0).await.head;
    for change in [tag, create] {
        assert_eq!(rejected(&eva.push(vec![change]).await[0]), RejectCode::WrongDocument);
    }
    assert_eq!(eva.pull(0).await.head, head);
    assert_eq!(workernet_server::storage::Log::document(&server.storage, doc).await.unwrap(), before);
    server.stop().await;
}

#[tokio::test]
async fn a_batch_with_too_many_changes_is_refused() {
    let server = TestServer::start().await;
    let mut anna = server.device("acme", "anna").await;
    let (_, create) = anna.new_ticket("Много");
    let failure = anna.try_push(vec![create; 4 * BATCH_CHANGES + 1]).await.unwrap_err();
    assert_eq!((failure.status.as_u16(), failure.error.code), (413, ErrorCode::TooLarge));
    server.stop().await;
}

#[tokio::test]
async fn one_bad_change_does_not_hold_up_the_others() {
    let server = TestServer::start().await;
    let mut anna = server.device("acme", "anna").await;
    let (_, good) = anna.new_ticket("Хорошая");
    let (_, other) = anna.new_ticket("Другая");
    let huge = WireChange { bytes: vec![0; MAX_CHANGE_BYTES + 1], ..other.clone() };
    let outcomes = anna.push(vec![huge, good, other]).await;
    assert_eq!(rejected(&outcomes[0]), RejectCode::TooLarge);
    assert_eq!(accepted(&outcomes[1]) + 1, accepted(&outcomes[2]));
    server.stop().await;
}

#[tokio::test]
async fn what_was_accepted_is_there_after_a_restart() {
    let server = TestServer::start().await;
    let mut anna = server.device("acme", "anna").await;
    let (doc, create) = anna.new_ticket("Навсегда");
    let tag = anna.on_ticket(doc, TicketOp::SetTag { tag: "x".into(), on: true });
    let outcomes = anna.push(vec![create, tag]).await;
    let seqs: Vec<u64> = outcomes.iter().map(accepted).collect();
    let again = workernet_server::storage::SqliteStorage::open(server.data_dir()).await.unwrap();
    let workspace = again.workspace_by_slug("acme").await.unwrap().unwrap();
    assert_eq!(workspace.head, seqs[1]);
    let stored = workernet_server::storage::Log::document(&again, doc).await.unwrap().unwrap();
    assert_eq!(stored.seq, seqs[1]);
    again.close().await;
    server.stop().await;
}

#[tokio::test]
async fn a_batch_that_could_not_be_written_leaves_nothing_behind() {
    use sqlx::{AssertSqlSafe, Connection, Executor, SqliteConnection};

    let server = TestServer::start().await;
    let mut anna = server.device("acme", "anna").await;
    let (doc, create) = anna.new_ticket("Заявка");
    accepted(&anna.push(vec![create]).await[0]);
    let head = anna.pull(0).await.head;
    let one = anna.on_ticket(doc, TicketOp::SetTag { tag: "один".into(), on: true });
    let two = anna.on_ticket(doc, TicketOp::SetTag { tag: "два".into(), on: true });

    // The database fails at the second change, after the first was applied and written.
    let file = server.data_dir().join("workernet.sqlite3");
    let mut database = SqliteConnection::connect(&format!("sqlite://{}", file.display())).await.unwrap();
    let failing = format!(
        "CREATE TRIGGER fails BEFORE INSERT ON changes WHEN NEW.hash = x'{}'
         BEGIN SELECT RAISE(ABORT, 'the disk said no'); END",
        two.hash
    );
    database.execute(AssertSqlSafe(failing)).await.unwrap();
    let failure = anna.try_push(vec![one.clone(), two.clone()]).await.unwrap_err();
    assert_eq!((failure.status.as_u16(), failure.error.code), (500, ErrorCode::Internal));
    assert!(!failure.error.message.contains("disk said no"), "what went wrong inside stays inside");
    assert_eq!(anna.pull(0).await.head, head);

    database.execute("DROP TRIGGER fails").await.unwrap();
    database.close().await.unwrap();
    let outcomes = anna.push(vec![one, two]).await;
    assert_eq!(outcomes.iter().map(accepted).collect::<Vec<_>>(), [head + 1, head + 2]);
    let stored = workernet_server::storage::Log::document(&server.storage, doc).await.unwrap().unwrap();
    assert_eq!(stored.heads, anna.documents.get_mut(&doc).unwrap().heads());
    server.stop().await;
}
