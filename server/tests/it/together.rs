//! Batches that are written together: each sender hears what it would have heard alone.

use std::sync::Arc;

use desk_domain::{
    edit::TicketOp,
    ids::{DeviceId, WorkspaceId},
    people::Role,
};
use desk_sync::wire::{Outcome, PushReply, RejectCode, WireChange};
use futures::future::join_all;
use sqlx::{AssertSqlSafe, Connection, Executor, SqliteConnection};
use workernet_server::{
    http::Limits,
    storage::Directory,
    sync::{hub::Hub, lane::PushError, push::Incoming},
};

use super::support::{Device, NOW, TestServer, accepted, rejected, soon};

/// A hub of the server's workspace that nobody else writes through, and the workspace.
async fn hub(server: &TestServer) -> (Hub, WorkspaceId) {
    let workspace = server.storage.workspace_by_slug("acme").await.unwrap().unwrap().id;
    (Hub::new(Arc::new(server.storage.clone()), Limits::default().ahead), workspace)
}

/// Hands the batches over before the writer runs at all (there is one thread), so that it finds all of them.
async fn at_once(
    hub: &Hub,
    workspace: WorkspaceId,
    batches: &[(DeviceId, Vec<WireChange>)],
) -> Vec<Result<PushReply, PushError>> {
    let send = |(device, changes): &(DeviceId, Vec<WireChange>)| {
        hub.push(workspace, *device, NOW, changes.iter().map(Incoming::verify).collect())
    };
    soon(join_all(batches.iter().map(send))).await
}

fn outcomes(reply: &Result<PushReply, PushError>) -> Vec<Outcome> {
    reply.as_ref().unwrap().verdicts.iter().map(|verdict| verdict.outcome.clone()).collect()
}

fn titled(device: &mut Device<'_>, doc: desk_domain::ids::DocId, title: &str) -> WireChange {
    device.on_ticket(doc, TicketOp::SetTitle { title: title.into() })
}

#[tokio::test]
async fn each_sender_hears_what_it_would_have_heard_alone() {
    let server = TestServer::start().await;
    server.member("acme", "boris", Role::Manager).await;
    let mut anna = server.device("acme", "anna").await;
    let mut boris = server.device("acme", "boris").await;
    let (doc, create) = anna.new_ticket("Общая");
    accepted(&anna.push(vec![create]).await[0]);
    let head = boris.catch_up(0).await;

    let one = titled(&mut anna, doc, "Аннина");
    let two = titled(&mut anna, doc, "Ещё раз Аннина");
    let three = titled(&mut boris, doc, "Борисова");
    let four = titled(&mut boris, doc, "Опять Борисова");
    let (fresh, born) = boris.new_ticket("Новая");
    let five = titled(&mut boris, fresh, "Новее");
    let six = titled(&mut anna, doc, "Последняя");
    let stranger = DeviceId(server.fresh());
    let (hub, workspace) = hub(&server).await;
    let batches = [
        (anna.id, vec![one.clone()]),
        // Concurrent with the first, by another device.
        (boris.id, vec![three.clone(), born]),
        // Nobody's device, with nobody's change.
        (stranger, vec![two.clone()]),
        // What it builds on is not here yet.
        (anna.id, vec![six.clone()]),
        // Builds on the first and repeats it.
        (anna.id, vec![one, two]),
        // Another device's change, new to the log.
        (anna.id, vec![four.clone()]),
        (boris.id, vec![five, four]),
        (anna.id, vec![six]),
    ];
    let replies = at_once(&hub, workspace, &batches).await;

    assert_eq!(outcomes(&replies[0]).iter().map(accepted).collect::<Vec<_>>(), [head + 1]);
    assert_eq!(outcomes(&replies[1]).iter().map(accepted).collect::<Vec<_>>(), [head + 2, head + 3]);
    assert!(matches!(replies[2], Err(PushError::NotAllowed)), "{:?}", replies[2]);
    assert_eq!(rejected(&outcomes(&replies[3])[0]), RejectCode::MissingDependency);
    assert_eq!(outcomes(&replies[4]).iter().map(accepted).collect::<Vec<_>>(), [head + 1, head + 4]);
    assert_eq!(rejected(&outcomes(&replies[5])[0]), RejectCode::WrongActor);
    assert_eq!(outcomes(&replies[6]).iter().map(accepted).collect::<Vec<_>>(), [head + 5, head + 6]);
    assert_eq!(outcomes(&replies[7]).iter().map(accepted).collect::<Vec<_>>(), [head + 7]);
    let heads: Vec<u64> = replies.iter().flatten().map(|reply| reply.head).collect();
    assert_eq!(heads, [head + 7; 7], "one transaction wrote them all");

    anna.catch_up(head).await;
    boris.catch_up(head).await;
    let stored = workernet_server::storage::Log::document(&server.storage, doc).await.unwrap().unwrap();
    assert_eq!(stored.seq, head + 7);
    assert_eq!(stored.heads, anna.documents.get_mut(&doc).unwrap().heads());
    assert_eq!(anna.ticket(doc), boris.ticket(doc));
    hub.close().await;
    server.stop().await;
}

#[tokio::test]
async fn a_batch_that_fails_takes_no_other_down() {
    let server = TestServer::start().await;
    server.member("acme", "boris", Role::Manager).await;
    let mut anna = server.device("acme", "anna").await;
    let mut boris = server.device("acme", "boris").await;
    let head = anna.catch_up(0).await;
    let (_, good) = anna.new_ticket("Первая");
    let (doc, bad) = boris.new_ticket("Невезучая");
    let (_, late) = anna.new_ticket("Последняя");

    let file = server.data_dir().join("workernet.sqlite3");
    let mut database = SqliteConnection::connect(&format!("sqlite://{}", file.display())).await.unwrap();
    let failing = format!(
        "CREATE TRIGGER fails BEFORE INSERT ON changes WHEN NEW.hash = x'{}'
         BEGIN SELECT RAISE(ABORT, 'the disk said no'); END",
        bad.hash
    );
    database.execute(AssertSqlSafe(failing)).await.unwrap();
    let (hub, workspace) = hub(&server).await;
    let batches = [(anna.id, vec![good]), (boris.id, vec![bad.clone()]), (anna.id, vec![late])];
    let replies = at_once(&hub, workspace, &batches).await;
    assert_eq!(accepted(&outcomes(&replies[0])[0]), head + 1);
    assert!(matches!(replies[1], Err(PushError::Storage(_))), "{:?}", replies[1]);
    assert_eq!(accepted(&outcomes(&replies[2])[0]), head + 2);
    assert_eq!(workernet_server::storage::Log::document(&server.storage, doc).await.unwrap(), None);

    database.execute("DROP TRIGGER fails").await.unwrap();
    database.close().await.unwrap();
    let replies = at_once(&hub, workspace, &batches[1..2]).await;
    assert_eq!(accepted(&outcomes(&replies[0])[0]), head + 3);
    hub.close().await;
    server.stop().await;
}

#[tokio::test]
async fn changed_rules_hold_for_the_batches_behind_them() {
    use desk_domain::{
        edit::{Edit, Ops, Section, Stamped, WorkspaceOp},
        ticket::Status,
        workspace::Workflow,
    };

    let server = TestServer::start().await;
    server.member("acme", "ada", Role::Admin).await;
    let mut ada = server.device("acme", "ada").await;
    let mut anna = server.device("acme", "anna").await;
    let head = ada.catch_up(0).await;
    let (doc, create) = anna.new_ticket("Заявка");
    let close = anna.on_ticket(doc, TicketOp::SetStatus { status: Status::Cancelled });
    let nothing = serde_json::to_string(&Workflow { moves: std::collections::BTreeMap::new() }).unwrap();
    let forbid = WorkspaceOp::Set { section: Section::General, key: "workflow".into(), value: Some(nothing) };
    let steps = vec![Stamped::new(NOW, ada.me(), forbid)];
    let forbid = ada.edit(&Edit { doc: ada.session.workspace_doc, ops: Ops::Workspace(steps) });
    let (hub, workspace) = hub(&server).await;
    let batches = [(anna.id, vec![create]), (ada.id, vec![forbid]), (anna.id, vec![close])];
    let replies = at_once(&hub, workspace, &batches).await;
    assert_eq!(accepted(&outcomes(&replies[0])[0]), head + 1);
    assert_eq!(accepted(&outcomes(&replies[1])[0]), head + 2);
    assert_eq!(rejected(&outcomes(&replies[2])[0]), RejectCode::Workflow);
    let heads: Vec<u64> = replies.iter().map(|reply| reply.as_ref().unwrap().head).collect();
    assert_eq!(heads, [head + 2; 3]);
    hub.close().await;
    server.stop().await;
}
