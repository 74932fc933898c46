//! A log that is not the one it was: restored from a backup, cut, or rewritten.

use std::collections::BTreeMap;

use desk_api::{ErrorCode, rest::WITNESS_HEADER};
use desk_domain::{
    edit::{Edit, Ops, Section, Stamped, TicketOp, WorkspaceOp},
    ids::{DeviceId, DocId},
    people::Role,
    ticket::Priority,
};
use desk_sync::wire::{self, DocHeads, Documents, Hash, Heads, Push, RejectCode, Wanted, WireChange};
use sqlx::{AssertSqlSafe, Connection, Executor, SqliteConnection};
use workernet_server::{
    audit::{Tampered, Verified, verify_log},
    storage::{Audit, Devices, Directory},
    sync::witness::RECOVERY_MS,
};

use super::support::{Device, Failure, NOW, TestServer, accepted, answer, rejected};

/// The witness that a device gets with a pull.
async fn witness(server: &TestServer, device: &Device<'_>) -> String {
    let request = server.http.get(server.url("/v1/sync/pull?after=0"));
    let response = request.bearer_auth(&device.session.access_token).send().await.unwrap();
    response.headers()[WITNESS_HEADER].to_str().unwrap().to_owned()
}

/// What a pull that shows a witness is answered with.
async fn shown(server: &TestServer, device: &Device<'_>, witness: &str) -> Result<(), Failure> {
    let request = server.http.get(server.url("/v1/sync/pull?after=0")).header(WITNESS_HEADER, witness);
    let response = request.bearer_auth(&device.session.access_token).send().await.unwrap();
    if response.status().is_success() { Ok(()) } else { answer(response).await }
}

fn told(answered: Result<(), Failure>) -> Option<(u16, ErrorCode)> {
    answered.err().map(|failure| (failure.status.as_u16(), failure.error.code))
}

/// Rewrites the database behind the server's back.
async fn rewrite(server: &TestServer, sql: &'static str) {
    let file = server.data_dir().join("workernet.sqlite3");
    let mut database = SqliteConnection::connect(&format!("sqlite://{}", file.display())).await.unwrap();
    database.execute("PRAGMA foreign_keys = OFF").await.unwrap();
    database.execute(AssertSqlSafe(sql)).await.unwrap();
    database.close().await.unwrap();
}

/// Takes everything after `seq` out of the log and out of the documents, as a backup of that moment has it. The documents
/// that `before` names are put back.
async fn go_back_to(server: &TestServer, seq: u64, before: &BTreeMap<DocId, (Vec<u8>, Vec<u8>, u64)>) {
    let file = server.data_dir().join("workernet.sqlite3");
    let mut database = SqliteConnection::connect(&format!("sqlite://{}", file.display())).await.unwrap();
    database.execute("PRAGMA foreign_keys = OFF").await.unwrap();
    let sql = format!(
        "DELETE FROM changes WHERE seq > {seq}; UPDATE workspaces SET head = {seq}; DELETE FROM documents WHERE seq > {seq}"
    );
    database.execute(AssertSqlSafe(sql)).await.unwrap();
    for (doc, (heads, snapshot, at)) in before {
        let sql = "INSERT INTO documents (id, workspace, kind, seq, heads, snapshot)
                   SELECT ?, id, 1, ?, ?, ? FROM workspaces WHERE true ON CONFLICT (id) DO NOTHING";
        sqlx::query(sql)
            .bind(doc.0.as_bytes().as_slice())
            .bind(i64::try_from(*at).unwrap())
            .bind(heads)
            .bind(snapshot)
            .execute(&mut database)
            .await
            .unwrap();
    }
    database.close().await.unwrap();
}

#[tokio::test]
async fn a_witness_holds_as_long_as_the_log_only_grows() {
    let server = TestServer::start().await;
    let mut anna = server.device("acme", "anna").await;
    let first = witness(&server, &anna).await;
    assert_eq!(told(shown(&server, &anna, &first).await), None);
    let (_, create) = anna.new_ticket("Заявка");
    accepted(&anna.push(vec![create]).await[0]);
    let second = witness(&server, &anna).await;
    assert_ne!(first, second);
    for witness in [&first, &second] {
        assert_eq!(told(shown(&server, &anna, witness).await), None);
    }
    let workspace = server.storage.workspace_by_slug("acme").await.unwrap().unwrap();
    assert_eq!(server.storage.recovering_until(workspace.id).await.unwrap(), None);
    server.stop().await;
}

#[tokio::test]
async fn a_log_that_was_longer_is_noticed_and_an_invented_witness_is_not_believed() {
    let server = TestServer::start().await;
    let mut anna = server.device("acme", "anna").await;
    let (_, create) = anna.new_ticket("Заявка");
    let seq = accepted(&anna.push(vec![create]).await[0]);
    let genuine = witness(&server, &anna).await;
    go_back_to(&server, seq - 1, &BTreeMap::new()).await;
    let workspace = server.storage.workspace_by_slug("acme").await.unwrap().unwrap();

    let mut parts: Vec<&str> = genuine.split('.').collect();
    parts[0] = "900";
    let longer = parts.join(".");
    parts = genuine.split('.').collect();
    let forged = "0".repeat(64);
    parts[3] = &forged;
    let unsigned = parts.join(".");
    for foreign in [longer.as_str(), &unsigned, "", "1.2.3.4", "7"] {
        assert_eq!(
            told(shown(&server, &anna, foreign).await),
            Some((400, ErrorCode::BadRequest)),
            "{foreign}"
        );
    }
    assert_eq!(server.storage.recovering_until(workspace.id).await.unwrap(), None);
    assert_eq!(told(shown(&server, &anna, &genuine).await), Some((409, ErrorCode::ServerRestored)));
    let until = server.storage.recovering_until(workspace.id).await.unwrap();
    assert_eq!(until, Some(NOW.plus_ms(RECOVERY_MS)));

    // Somebody wrote anew before the device came: as long a log, and still not the one it saw.
    let (_, other) = anna.new_ticket("Другая");
    assert_eq!(accepted(&anna.push(vec![other]).await[0]), seq);
    assert_eq!(told(shown(&server, &anna, &genuine).await), Some((409, ErrorCode::ServerRestored)));
    // A push is answered in the same way, before anything of it is judged.
    let (_, third) = anna.new_ticket("Третья");
    let body = wire::encode(&Push { changes: vec![third] }).unwrap();
    let request = server.http.post(server.url("/v1/sync/push")).header(WITNESS_HEADER, &genuine).body(body);
    let response = request.bearer_auth(&anna.session.access_token).send().await.unwrap();
    assert_eq!(told(answer::<()>(response).await), Some((409, ErrorCode::ServerRestored)));
    assert_eq!(anna.pull(0).await.head, seq);
    server.stop().await;
}

#[tokio::test]
async fn documents_that_come_whole_bear_a_witness_of_what_is_in_them() {
    let server = TestServer::start().await;
    let mut anna = server.device("acme", "anna").await;
    let (doc, create) = anna.new_ticket("Заявка");
    let seq = accepted(&anna.push(vec![create]).await[0]);
    let body = wire::encode(&Wanted { docs: vec![doc] }).unwrap();
    let request = server.http.post(server.url("/v1/sync/documents")).body(body.clone());
    let response = request.bearer_auth(&anna.session.access_token).send().await.unwrap();
    let witness = response.headers()[WITNESS_HEADER].to_str().unwrap().to_owned();
    let frame = response.bytes().await.unwrap();
    assert_eq!(wire::decode::<Documents>(&frame).unwrap().documents.len(), 1);
    assert_eq!(witness.split('.').next(), Some(seq.to_string().as_str()));
    let heads = || server.http.get(server.url("/v1/sync/heads")).bearer_auth(&anna.session.access_token);
    let response = heads().send().await.unwrap();
    let of_heads = response.headers()[WITNESS_HEADER].to_str().unwrap().to_owned();
    assert_eq!(of_heads.split('.').next(), Some(seq.to_string().as_str()), "and so do their heads");
    go_back_to(&server, seq - 1, &BTreeMap::new()).await;
    assert_eq!(told(shown(&server, &anna, &witness).await), Some((409, ErrorCode::ServerRestored)));
    // Whoever asks for documents or heads shows what they saw, before they get another witness.
    let response = heads().header(WITNESS_HEADER, &of_heads).send().await.unwrap();
    assert_eq!(told(answer::<()>(response).await), Some((409, ErrorCode::ServerRestored)));
    let request = server.http.post(server.url("/v1/sync/documents")).header(WITNESS_HEADER, &witness);
    let response = request.body(body).bearer_auth(&anna.session.access_token).send().await.unwrap();
    assert_eq!(told(answer::<()>(response).await), Some((409, ErrorCode::ServerRestored)));
    server.stop().await;
}

#[tokio::test]
async fn what_the_log_lost_is_taken_from_whoever_has_it_for_a_time() {
    let server = TestServer::start().await;
    server.member("acme", "maria", Role::Manager).await;
    let mut anna = server.device("acme", "anna").await;
    let mut maria = server.device("acme", "maria").await;
    let (doc, create) = anna.new_ticket("Заявка");
    let backup = accepted(&anna.push(vec![create]).await[0]);
    let record = workernet_server::storage::Log::document(&server.storage, doc).await.unwrap().unwrap();
    let before = BTreeMap::from([(doc, (record.heads.concat(), record.snapshot, record.seq))]);
    maria.catch_up(0).await;
    let raised = anna.on_ticket(doc, TicketOp::SetPriority { priority: Priority::High });
    let tagged = anna.on_ticket(doc, TicketOp::SetTag { tag: "x".into(), on: true });
    let (other, second) = anna.new_ticket("Вторая");
    let lost = vec![raised, tagged, second];
    let seqs: Vec<u64> = anna.push(lost.clone()).await.iter().map(accepted).collect();
    assert_eq!(seqs.len(), 3);
    maria.catch_up(backup).await;
    let deleted = maria.on_ticket(other, TicketOp::SetDeleted { deleted: true });
    accepted(&maria.push(vec![deleted.clone()]).await[0]);
    let genuine = witness(&server, &maria).await;
    server.storage.revoke_device(anna.id, NOW).await.unwrap();
    go_back_to(&server, backup, &before).await;

    // Before anybody showed that the log was longer, another's changes are refused as ever.
    let outcomes = maria.push(lost.clone()).await;
    assert!(outcomes.iter().all(|outcome| rejected(outcome) != RejectCode::Corrupt));
    assert_eq!(rejected(&outcomes[0]), RejectCode::WrongActor);
    assert_eq!(told(shown(&server, &maria, &genuine).await), Some((409, ErrorCode::ServerRestored)));

    // Now they come back, also of a revoked device, in their order, with the rights of who made them.
    let outcomes = maria.push(vec![lost[1].clone()]).await;
    assert_eq!(rejected(&outcomes[0]), RejectCode::MissingDependency, "order matters");
    let all = [lost.clone(), vec![deleted]].concat();
    let seqs: Vec<u64> = maria.push(all.clone()).await.iter().map(accepted).collect();
    assert_eq!(seqs, (backup + 1..=backup + 4).collect::<Vec<_>>());
    assert_eq!(maria.push(all).await.iter().map(accepted).collect::<Vec<_>>(), seqs, "again changes nothing");
    let workspace = server.storage.workspace_by_slug("acme").await.unwrap().unwrap();
    let logged = server.storage.audit_after(workspace.id, backup, 10).await.unwrap();
    let authors: Vec<(DeviceId, _)> =
        logged.iter().map(|found| (found.entry.actor, found.entry.member)).collect();
    assert_eq!(authors[0], (anna.id, Some(maria.session.member)), "the log names who brought it");
    assert_eq!(authors[3], (maria.id, Some(maria.session.member)));

    // Another's rights are not the sender's: an agent's deletion is refused although a manager brings it.
    let forbidden = anna.on_ticket(doc, TicketOp::SetDeleted { deleted: true });
    assert_eq!(rejected(&maria.push(vec![forbidden.clone()]).await[0]), RejectCode::Forbidden);
    // A number of an actor is used once: another change with it is refused.
    let mut twin = Device { documents: maria.documents.clone(), ..server.device("acme", "maria").await };
    (twin.id, twin.session.member) = (anna.id, anna.session.member);
    let reused = twin.on_ticket(doc, TicketOp::SetTag { tag: "y".into(), on: true });
    accepted(&maria.push(vec![reused.clone()]).await[0]);
    twin.documents.clone_from(&maria.documents);
    let clash = twin.on_ticket(doc, TicketOp::SetTag { tag: "z".into(), on: true });
    assert_eq!(rejected(&maria.push(vec![clash]).await[0]), RejectCode::DuplicateSeq);

    // The time is over.
    server.clock.advance_ms(RECOVERY_MS);
    let again = server.device("acme", "maria").await;
    let late = twin.on_ticket(doc, TicketOp::SetTag { tag: "late".into(), on: true });
    assert_eq!(rejected(&again.push(vec![late]).await[0]), RejectCode::WrongActor);
    server.stop().await;
}

#[tokio::test]
async fn settings_that_the_server_made_come_back_through_an_administrator_alone() {
    let server = TestServer::start().await;
    server.member("acme", "ada", Role::Admin).await;
    let mut anna = server.device("acme", "anna").await;
    let mut ada = server.device("acme", "ada").await;
    let backup = ada.catch_up(0).await;
    let settings = ada.session.workspace_doc;
    let stored = workernet_server::storage::Log::document(&server.storage, settings).await.unwrap().unwrap();
    server.member("acme", "boris", Role::Agent).await;
    anna.catch_up(0).await;
    let reply = ada.pull(backup).await;
    let lost: Vec<WireChange> = reply
        .changes
        .into_iter()
        .map(|logged| logged.change)
        .filter(|change| change.doc == settings)
        .collect();
    assert_eq!(lost.len(), 1);
    let genuine = witness(&server, &ada).await;
    go_back_to(&server, backup, &BTreeMap::new()).await;
    // The settings document as the backup had it.
    let file = server.data_dir().join("workernet.sqlite3");
    let mut database = SqliteConnection::connect(&format!("sqlite://{}", file.display())).await.unwrap();
    sqlx::query("INSERT OR REPLACE INTO documents (id, workspace, kind, seq, heads, snapshot) VALUES (?, ?, ?, ?, ?, ?)")
        .bind(settings.0.as_bytes().as_slice())
        .bind(stored.workspace.0.as_bytes().as_slice())
        .bind(i64::from(stored.kind.code()))
        .bind(i64::try_from(stored.seq).unwrap())
        .bind(stored.heads.concat())
        .bind(&stored.snapshot)
        .execute(&mut database)
        .await
        .unwrap();
    database.close().await.unwrap();
    assert_eq!(told(shown(&server, &ada, &genuine).await), Some((409, ErrorCode::ServerRestored)));

    assert_eq!(rejected(&anna.push(lost.clone()).await[0]), RejectCode::Forbidden);
    // The server itself writes on meanwhile, and never under a number that it has used before.
    server.member("acme", "vera", Role::Agent).await;
    accepted(&ada.push(lost).await[0]);
    let op =
        WorkspaceOp::Set { section: Section::General, key: "name".into(), value: Some("\"Acme\"".into()) };
    ada.catch_up(0).await;
    let step = Stamped::new(NOW, ada.me(), op);
    let renamed = ada.edit(&Edit { doc: settings, ops: Ops::Workspace(vec![step]) });
    accepted(&ada.push(vec![renamed]).await[0]);
    server.stop().await;
}

#[tokio::test]
async fn heads_tell_what_a_device_has_to_look_for() {
    let server = TestServer::start().await;
    server.member("acme", "boris", Role::Agent).await;
    let mut anna = server.device("acme", "anna").await;
    anna.catch_up(0).await;
    let (doc, create) = anna.new_ticket("Заявка");
    accepted(&anna.push(vec![create]).await[0]);
    let get = |path: &str| server.http.get(server.url(path)).bearer_auth(&anna.session.access_token).send();
    let frame = get("/v1/sync/heads").await.unwrap().bytes().await.unwrap();
    let Heads { documents, is_last, scope } = wire::decode(&frame).unwrap();
    assert!(is_last);
    let mut expected: Vec<DocHeads> = anna
        .documents
        .iter_mut()
        .map(|(doc, document)| DocHeads {
            doc: *doc,
            heads: document.heads().into_iter().map(Hash).collect(),
        })
        .collect();
    expected.sort_unstable_by_key(|found| found.doc);
    assert_eq!(documents, expected, "everything but other members' own documents");
    let last = expected.last().unwrap().doc;
    let frame = get(&format!("/v1/sync/heads?after={last}")).await.unwrap().bytes().await.unwrap();
    assert_eq!(wire::decode(&frame), Ok(Heads { documents: vec![], is_last: true, scope }));
    assert!(expected.iter().any(|found| found.doc == doc));
    let wrong = get("/v1/sync/heads?after=x").await.unwrap();
    assert_eq!(told(answer::<()>(wrong).await), Some((400, ErrorCode::BadRequest)));
    server.stop().await;
}

#[tokio::test]
async fn a_history_that_was_tampered_with_does_not_verify() {
    let verify = async |sql: Option<&'static str>| {
        let server = TestServer::start().await;
        let mut anna = server.device("acme", "anna").await;
        let made: Vec<_> = ["Одна", "Две", "Три"].map(|title| anna.new_ticket(title).1).into();
        accepted(&anna.push(made).await[2]);
        if let Some(sql) = sql {
            rewrite(&server, sql).await;
        }
        let workspace = server.storage.workspace_by_slug("acme").await.unwrap().unwrap();
        let verified = verify_log(&server.storage, workspace.id).await;
        let chain = server.storage.chain_at(workspace.id, workspace.head).await.unwrap();
        server.stop().await;
        (verified, workspace.head, chain)
    };
    let (whole, head, chain) = verify(None).await;
    assert_eq!(whole.unwrap(), Verified { entries: head, unchained: 0, chain: chain.unwrap() });
    for sql in [
        "UPDATE changes SET received_at = received_at + 1 WHERE seq = 3",
        "UPDATE changes SET member = x'00000000000000000000000000000007' WHERE seq = 4",
        "UPDATE changes SET actor_seq = 9 WHERE seq = 4",
        "UPDATE changes SET chain = randomblob(32) WHERE seq = 2",
        "UPDATE changes SET chain = x'' WHERE seq = 4",
    ] {
        let (verified, ..) = verify(Some(sql)).await;
        assert!(matches!(verified, Err(Tampered::Chain { .. })), "{sql}: {verified:?}");
    }
    let (verified, ..) = verify(Some("UPDATE changes SET bytes = x'00' WHERE seq = 4")).await;
    assert!(matches!(verified, Err(Tampered::Change { seq: 4, .. })), "{verified:?}");
    for sql in ["DELETE FROM changes WHERE seq = 4", "DELETE FROM changes WHERE seq > 4"] {
        let (verified, ..) = verify(Some(sql)).await;
        assert!(matches!(verified, Err(Tampered::Gap { expected: 4 | 5, .. })), "{sql}: {verified:?}");
    }
}
