//! Every reason for which a change is refused; and that a refused change leaves its document as it was.

use automerge::{AutoCommit, ROOT, transaction::Transactable};
use desk_api::ErrorCode;
use desk_domain::{
    edit::{Edit, Ops, PersonalOp, Section, Stamped, TicketOp, WorkspaceOp},
    ids::{CommentId, DocId, DocKind},
    people::Role,
    ticket::{AuthorSide, BODY_MAX_BYTES, Status, Visibility},
};
use desk_sync::wire::{Hash, RejectCode, WireChange};
use workernet_server::storage::Log;

use super::support::{Device, NOW, TestServer, accepted, nobody, rejected};

/// Pushes a ticket and returns it.
async fn ticket(device: &mut Device<'_>) -> DocId {
    let (doc, create) = device.new_ticket("Заявка");
    accepted(&device.push(vec![create]).await[0]);
    doc
}

/// Pushes one change that is refused with `code`; the server's document stays as it was.
async fn refused(server: &TestServer, device: &Device<'_>, change: WireChange, code: RejectCode) {
    let doc = change.doc;
    let before = server.storage.document(doc).await.unwrap();
    let head = device.pull(0).await.head;
    let reply = device.push_reply(vec![change]).await;
    assert_eq!(rejected(&reply.verdicts[0].outcome), code, "{:?}", reply.verdicts);
    assert_eq!(reply.head, head, "the log did not move");
    assert_eq!(server.storage.document(doc).await.unwrap(), before);
}

#[tokio::test]
async fn corrupt() {
    let server = TestServer::start().await;
    let mut anna = server.device("acme", "anna").await;
    let (_, good) = anna.new_ticket("Заявка");
    for at in [0, 5, 9, 40, good.bytes.len() - 1] {
        let mut bytes = good.bytes.clone();
        bytes[at] ^= 0x10;
        refused(&server, &anna, WireChange { bytes, ..good.clone() }, RejectCode::Corrupt).await;
    }
    let cut = WireChange { bytes: good.bytes[..good.bytes.len() - 3].to_vec(), ..good.clone() };
    refused(&server, &anna, cut, RejectCode::Corrupt).await;
    refused(&server, &anna, WireChange { hash: Hash([1; 32]), ..good.clone() }, RejectCode::Corrupt).await;
    refused(&server, &anna, WireChange { bytes: vec![], ..good.clone() }, RejectCode::Corrupt).await;
    accepted(&anna.push(vec![good]).await[0]);
    server.stop().await;
}

#[tokio::test]
async fn wrong_actor() {
    let server = TestServer::start().await;
    let mut anna = server.device("acme", "anna").await;
    let other = server.device("acme", "anna").await;
    let (_, create) = anna.new_ticket("Чужая рука");
    refused(&server, &other, create.clone(), RejectCode::WrongActor).await;
    accepted(&anna.push(vec![create.clone()]).await[0]);
    // Once it stands in the log, whoever repeats it hears the same.
    accepted(&other.push(vec![create]).await[0]);
    server.stop().await;
}

#[tokio::test]
async fn duplicate_seq() {
    let server = TestServer::start().await;
    let mut anna = server.device("acme", "anna").await;
    let doc = ticket(&mut anna).await;
    // The disk was cloned: both copies go on as the same device.
    let cloned = anna.documents[&doc].clone();
    let one = anna.on_ticket(doc, TicketOp::SetTag { tag: "один".into(), on: true });
    anna.documents.insert(doc, cloned);
    let two = anna.on_ticket(doc, TicketOp::SetTag { tag: "два".into(), on: true });
    let outcomes = anna.push(vec![one, two.clone()]).await;
    accepted(&outcomes[0]);
    assert_eq!(rejected(&outcomes[1]), RejectCode::DuplicateSeq);
    refused(&server, &anna, two, RejectCode::DuplicateSeq).await;
    server.stop().await;
}

#[tokio::test]
async fn missing_dependency() {
    let server = TestServer::start().await;
    let mut anna = server.device("acme", "anna").await;
    let doc = ticket(&mut anna).await;
    let one = anna.on_ticket(doc, TicketOp::SetTag { tag: "один".into(), on: true });
    let two = anna.on_ticket(doc, TicketOp::SetTag { tag: "два".into(), on: true });
    refused(&server, &anna, two.clone(), RejectCode::MissingDependency).await;
    let outcomes = anna.push(vec![two.clone(), one]).await;
    assert_eq!(rejected(&outcomes[0]), RejectCode::MissingDependency, "order matters");
    accepted(&outcomes[1]);
    accepted(&anna.push(vec![two]).await[0]);
    let (unknown, _) = anna.new_ticket("Не отправлена");
    let later = anna.on_ticket(unknown, TicketOp::SetTag { tag: "x".into(), on: true });
    refused(&server, &anna, later, RejectCode::UnknownDocument).await;
    server.stop().await;
}

#[tokio::test]
async fn depends_on_rejected() {
    let server = TestServer::start().await;
    let mut anna = server.device("acme", "anna").await;
    let doc = ticket(&mut anna).await;
    let other = ticket(&mut anna).await;
    let forbidden = anna.on_ticket(doc, TicketOp::SetDeleted { deleted: true });
    let after = anna.on_ticket(doc, TicketOp::SetTag { tag: "x".into(), on: true });
    let last = anna.on_ticket(doc, TicketOp::SetTag { tag: "y".into(), on: true });
    let elsewhere = anna.on_ticket(other, TicketOp::SetTag { tag: "z".into(), on: true });
    let outcomes = anna.push(vec![forbidden, after.clone(), last, elsewhere]).await;
    assert_eq!(rejected(&outcomes[0]), RejectCode::Forbidden);
    assert_eq!(rejected(&outcomes[1]), RejectCode::DependsOnRejected);
    assert_eq!(rejected(&outcomes[2]), RejectCode::DependsOnRejected);
    accepted(&outcomes[3]);
    refused(&server, &anna, after, RejectCode::MissingDependency).await;
    server.stop().await;
}

#[tokio::test]
async fn wrong_document() {
    let server = TestServer::start().await;
    let mut anna = server.device("acme", "anna").await;
    let doc = ticket(&mut anna).await;
    let tag = anna.on_ticket(doc, TicketOp::SetTag { tag: "x".into(), on: true });
    let misnamed = WireChange { kind: DocKind::Article, ..tag.clone() };
    refused(&server, &anna, misnamed, RejectCode::WrongDocument).await;
    accepted(&anna.push(vec![tag]).await[0]);
    let settings = Stamped::new(NOW, anna.me(), WorkspaceOp::Create);
    let settings = anna.edit(&Edit { doc: DocId(server.fresh()), ops: Ops::Workspace(vec![settings]) });
    refused(&server, &anna, settings, RejectCode::WrongDocument).await;
    let personal = Stamped::new(NOW, anna.me(), PersonalOp::Create);
    let personal = anna.edit(&Edit { doc: DocId(server.fresh()), ops: Ops::Personal(vec![personal]) });
    refused(&server, &anna, personal, RejectCode::WrongDocument).await;
    server.stop().await;
}

#[tokio::test]
async fn forbidden_by_the_role_as_it_is_now() {
    let server = TestServer::start().await;
    let mut anna = server.device("acme", "anna").await;
    let doc = ticket(&mut anna).await;
    let before = anna.documents[&doc].clone();
    let delete = anna.on_ticket(doc, TicketOp::SetDeleted { deleted: true });
    refused(&server, &anna, delete.clone(), RejectCode::Forbidden).await;
    server.set_role("acme", "anna", Role::Manager).await;
    refused(&server, &anna, delete, RejectCode::Forbidden).await;
    // What is proposed again is another change.
    anna.documents.insert(doc, before);
    let again = anna.on_ticket(doc, TicketOp::SetDeleted { deleted: true });
    accepted(&anna.push(vec![again]).await[0]);
    let back = anna.on_ticket(doc, TicketOp::SetDeleted { deleted: false });
    server.set_role("acme", "anna", Role::Requester).await;
    let failure = anna.try_push(vec![back.clone()]).await.unwrap_err();
    assert_eq!((failure.status.as_u16(), failure.error.code), (403, ErrorCode::AccessEnded));
    server.set_role("acme", "anna", Role::Admin).await;
    accepted(&anna.push(vec![back]).await[0]);
    server.stop().await;
}

#[tokio::test]
async fn forbidden_to_sign_with_another_name_or_to_touch_the_members() {
    let server = TestServer::start().await;
    server.set_role("acme", "anna", Role::Admin).await;
    let mut anna = server.device("acme", "anna").await;
    let doc = ticket(&mut anna).await;
    anna.catch_up(0).await;
    let (id, visibility, side) = (CommentId(server.fresh()), Visibility::Public, AuthorSide::Staff);
    let comment = TicketOp::AddComment { id, visibility, side, body: "Это не я".into() };
    let step = Stamped::new(NOW, nobody().to_string(), comment);
    let forged = anna.edit(&Edit { doc, ops: Ops::Ticket(vec![step]) });
    refused(&server, &anna, forged, RejectCode::Forbidden).await;
    let member = format!(
        r#"{{"id":"{}","name":"Я","email":"x@y.example","role":"admin","teams":[],"active":true}}"#,
        anna.me()
    );
    let op = WorkspaceOp::Set { section: Section::Members, key: anna.me(), value: Some(member) };
    let settings = anna.session.workspace_doc;
    let step = Stamped::new(NOW, anna.me(), op);
    let promoted = anna.edit(&Edit { doc: settings, ops: Ops::Workspace(vec![step]) });
    refused(&server, &anna, promoted, RejectCode::Forbidden).await;
    server.stop().await;
}

#[tokio::test]
async fn workflow_of_the_workspace_as_it_is_now() {
    let server = TestServer::start().await;
    server.member("acme", "ada", Role::Admin).await;
    let mut anna = server.device("acme", "anna").await;
    let mut ada = server.device("acme", "ada").await;
    let doc = ticket(&mut anna).await;
    let closed = anna.on_ticket(doc, TicketOp::SetStatus { status: Status::Closed });
    accepted(&anna.push(vec![closed]).await[0]);
    let before = anna.documents[&doc].clone();
    let moved = anna.on_ticket(doc, TicketOp::SetStatus { status: Status::Pending });
    refused(&server, &anna, moved.clone(), RejectCode::Workflow).await;
    ada.catch_up(0).await;
    let workflow = r#"{"moves":{"closed":["pending"],"open":["closed"]}}"#.to_owned();
    let op = WorkspaceOp::Set { section: Section::General, key: "workflow".into(), value: Some(workflow) };
    let edit =
        Edit { doc: ada.session.workspace_doc, ops: Ops::Workspace(vec![Stamped::new(NOW, ada.me(), op)]) };
    let changed = ada.edit(&edit);
    accepted(&ada.push(vec![changed]).await[0]);
    refused(&server, &anna, moved, RejectCode::Workflow).await;
    anna.documents.insert(doc, before);
    let again = anna.on_ticket(doc, TicketOp::SetStatus { status: Status::Pending });
    accepted(&anna.push(vec![again]).await[0]);
    server.stop().await;
}

#[tokio::test]
async fn schema() {
    let server = TestServer::start().await;
    let mut anna = server.device("acme", "anna").await;
    let doc = ticket(&mut anna).await;
    let snapshot = server.storage.document(doc).await.unwrap().unwrap().snapshot;
    let raw = |write: &dyn Fn(&mut AutoCommit)| {
        let mut copy = AutoCommit::load(&snapshot).unwrap();
        copy.set_actor(desk_docs::actor_of(anna.id));
        write(&mut copy);
        copy.commit();
        let change = copy.get_last_local_change().unwrap();
        WireChange {
            doc,
            kind: DocKind::Ticket,
            hash: Hash(change.hash().0),
            bytes: change.raw_bytes().to_vec(),
        }
    };
    let unknown_field = raw(&|copy| copy.put(ROOT, "admin", true).unwrap());
    let wrong_type = raw(&|copy| copy.put(ROOT, "title", 7).unwrap());
    let unknown_status = raw(&|copy| copy.put(ROOT, "status", "asleep").unwrap());
    let removed = raw(&|copy| copy.delete(ROOT, "comments").unwrap());
    let untold = raw(&|copy| copy.put(ROOT, "priority", "critical").unwrap());
    let newer = raw(&|copy| copy.put(ROOT, "schema", 99).unwrap());
    for change in [unknown_field, wrong_type, unknown_status, removed, untold, newer] {
        refused(&server, &anna, change, RejectCode::Schema).await;
    }
    // A second skeleton for a document that exists would hide the first one's comments.
    let mut twin = server.device("acme", "anna").await;
    let create = TicketOp::Create { ticket: desk_domain::edit::NewTicket::titled("Двойник") };
    let again = twin.on_ticket(doc, create);
    refused(&server, &twin, again, RejectCode::Schema).await;
    let tag = anna.on_ticket(doc, TicketOp::SetTag { tag: "x".into(), on: true });
    accepted(&anna.push(vec![tag]).await[0]);
    server.stop().await;
}

#[tokio::test]
async fn too_large() {
    let server = TestServer::start().await;
    let mut anna = server.device("acme", "anna").await;
    let doc = ticket(&mut anna).await;
    let snapshot = server.storage.document(doc).await.unwrap().unwrap().snapshot;
    let mut copy = AutoCommit::load(&snapshot).unwrap();
    copy.set_actor(desk_docs::actor_of(anna.id));
    copy.put(ROOT, "description", "я".repeat(BODY_MAX_BYTES / 2 + 1)).unwrap();
    copy.commit();
    let change = copy.get_last_local_change().unwrap();
    let (hash, bytes) = (Hash(change.hash().0), change.raw_bytes().to_vec());
    refused(&server, &anna, WireChange { doc, kind: DocKind::Ticket, hash, bytes }, RejectCode::TooLarge)
        .await;
    server.stop().await;
}

#[tokio::test]
async fn clock() {
    let server = TestServer::start().await;
    let mut anna = server.device("acme", "anna").await;
    let doc = ticket(&mut anna).await;
    let tag = |tag: &str, at| {
        let op = TicketOp::SetTag { tag: tag.into(), on: true };
        Edit { doc, ops: Ops::Ticket(vec![Stamped::new(at, anna.session.member.to_string(), op)]) }
    };
    let (soon, late) = (NOW.plus_ms(9 * 60_000), NOW.plus_ms(11 * 60_000));
    let (slightly, far) = (tag("немного", soon), tag("слишком", late));
    let slightly = anna.edit_at(&slightly, soon);
    accepted(&anna.push(vec![slightly]).await[0]);
    let before = anna.documents[&doc].clone();
    let ahead = anna.edit_at(&far, late);
    refused(&server, &anna, ahead.clone(), RejectCode::Clock).await;
    server.clock.advance_ms(2 * 60_000);
    // The verdict stands, and a request that comes late changes nothing.
    refused(&server, &anna, ahead, RejectCode::Clock).await;
    anna.documents.insert(doc, before);
    let again = anna.edit_at(&far, late);
    accepted(&anna.push(vec![again]).await[0]);
    server.stop().await;
}
