//! An edit that its device sends on the live connection before it has written it down: it is decided meanwhile, and told of to who is
//! level; it counts once the device has it.

use std::time::Duration;

use desk_api::{ErrorCode, rest::Kept};
use desk_domain::{
    edit::{Edit, Ops, Stamped, TicketOp},
    ids::DocId,
    people::Role,
};
use desk_sync::{
    live::{Told, What},
    wire::{self, PullReply, Push, RejectCode, WireChange},
};
use futures::{SinkExt, StreamExt};
use tokio_tungstenite::tungstenite::Message;
use workernet_server::{http::Limits, storage::Devices};

use super::{
    live::{Said, Socket, answered, connect, level, news, said},
    scopes::set_team,
    support::{Device, NOW, TestServer, accepted, rejected, soon},
};

/// An edit on its way: sent, and not yet on its device's disk.
struct Begun {
    socket: Socket,
}

impl Begun {
    async fn new(device: &Device<'_>, changes: Vec<WireChange>) -> Self {
        let mut socket = connect(device.server, &device.session.access_token).await.unwrap();
        assert!(matches!(said(&mut socket).await, Said::Head(_)));
        Self::on(socket, changes, "").await
    }

    /// The same on a connection that is there.
    async fn on(mut socket: Socket, changes: Vec<WireChange>, witness: &str) -> Self {
        let frame = wire::encode(&Push { changes }).unwrap();
        let edit = Told { what: What::Edit, witness, frame: &frame }.encode().unwrap();
        soon(socket.send(Message::Binary(edit.into()))).await.unwrap();
        Self { socket }
    }

    async fn keep(&mut self, kept: bool) {
        let text = serde_json::to_string(&Kept { kept }).unwrap();
        soon(self.socket.send(Message::Text(text.into()))).await.unwrap();
    }

    /// Its device lost it.
    async fn lose(mut self) -> Said {
        self.keep(false).await;
        said(&mut self.socket).await
    }

    /// Its device has it on its disk.
    async fn end(mut self) -> Said {
        self.keep(true).await;
        said(&mut self.socket).await
    }

    /// The same, and it is accepted under this number.
    async fn stands(self) -> u64 {
        match self.end().await {
            Said::Verdicts(reply) => accepted(&reply.verdicts[0].outcome),
            other => panic!("{other:?} instead of verdicts"),
        }
    }
}

#[tokio::test]
async fn what_is_sent_ahead_counts_once_its_device_has_it() {
    let server = TestServer::start().await;
    let mut anna = server.device("acme", "anna").await;
    let cursor = anna.catch_up(0).await;
    let (_, create) = anna.new_ticket("Касса");
    let begun = Begun::new(&anna, vec![create.clone()]).await;
    // Time enough to be decided, if it were.
    for _ in 0..5 {
        assert_eq!(anna.pull(cursor).await.head, cursor);
    }
    assert_eq!(begun.lose().await, Said::Declined(ErrorCode::BadRequest));
    assert_eq!(anna.pull(cursor).await.head, cursor, "what was lost never was");

    // The device is gone, and whether it has it nobody knows.
    drop(Begun::new(&anna, vec![create.clone()]).await);
    for _ in 0..5 {
        assert_eq!(anna.pull(cursor).await.head, cursor);
    }

    let begun = Begun::new(&anna, vec![create]).await;
    assert_eq!(anna.pull(cursor).await.head, cursor);
    assert_eq!(begun.stands().await, cursor + 1);
    assert_eq!(anna.pull(cursor).await.head, cursor + 1);
    server.stop().await;
}

#[tokio::test]
async fn what_is_no_edit_of_the_devices_own_is_declined() {
    let server = TestServer::start().await;
    server.member("acme", "boris", Role::Agent).await;
    let mut anna = server.device("acme", "anna").await;
    let mut boris = server.device("acme", "boris").await;
    let (_, his) = boris.new_ticket("Касса");
    let cursor = anna.catch_up(0).await;
    let declined = |said| assert_eq!(said, Said::Declined(ErrorCode::BadRequest));
    declined(Begun::new(&anna, vec![his]).await.end().await);
    let (_, hers) = anna.new_ticket("Касса");
    let damaged = WireChange { bytes: vec![0; 40], ..hers.clone() };
    let Said::Verdicts(reply) = Begun::new(&anna, vec![damaged]).await.end().await else {
        panic!("no verdicts")
    };
    assert_eq!(rejected(&reply.verdicts[0].outcome), RejectCode::Corrupt);
    let mut begun = Begun::new(&anna, Vec::new()).await;
    let page = Told { what: What::Page { after: 7, is_proposed: true }, witness: "", frame: &[] };
    let messages = [page.encode().unwrap(), b"x".to_vec(), Vec::new()];
    for message in messages {
        soon(begun.socket.send(Message::Binary(message.into()))).await.unwrap();
        declined(said(&mut begun.socket).await);
    }
    assert_eq!(anna.pull(cursor).await.head, cursor);
    // What was declined holds nothing up.
    let begun = Begun::on(begun.socket, vec![hers], "").await;
    assert_eq!(begun.stands().await, cursor + 1);
    server.stop().await;
}

#[tokio::test]
async fn what_shows_another_log_is_declined() {
    let server = TestServer::start().await;
    let mut anna = server.device("acme", "anna").await;
    let cursor = anna.catch_up(0).await;
    let (_, create) = anna.new_ticket("Касса");
    let mut socket = connect(&server, &anna.session.access_token).await.unwrap();
    assert_eq!(said(&mut socket).await, Said::Head(cursor));
    let begun = Begun::on(socket, vec![create], "no proof").await;
    assert_eq!(begun.end().await, Said::Declined(ErrorCode::BadRequest));
    assert_eq!(anna.pull(cursor).await.head, cursor);
    server.stop().await;
}

/// A server that waits long for what it decided ahead, and two agents.
async fn patient() -> TestServer {
    let server = TestServer::start_with(Limits { ahead: Duration::from_secs(20), ..Limits::default() }).await;
    server.member("acme", "boris", Role::Agent).await;
    server
}

/// A live connection of a device that has everything.
async fn level_at(device: &Device<'_>, head: u64) -> Socket {
    let PullReply { head: now, scope, .. } = device.pull(head).await;
    assert_eq!(now, head);
    let mut socket = connect(device.server, &device.session.access_token).await.unwrap();
    assert_eq!(news(&mut socket).await, Err(head));
    level(&mut socket, head, scope).await;
    // What is pushed now finds it heard.
    answered(&mut socket).await;
    socket
}

/// A ticket that both have, and how far the log goes.
async fn shared(anna: &mut Device<'_>, boris: &mut Device<'_>) -> (DocId, u64) {
    let (doc, create) = anna.new_ticket("Касса");
    accepted(&anna.push(vec![create]).await[0]);
    (doc, boris.catch_up(0).await)
}

fn titled(device: &mut Device<'_>, doc: DocId, title: &str) -> WireChange {
    device.on_ticket(doc, TicketOp::SetTitle { title: title.into() })
}

#[tokio::test]
async fn who_is_level_has_an_edit_while_it_is_written_and_hears_then_that_it_stands() {
    let server = patient().await;
    let mut anna = server.device("acme", "anna").await;
    let mut boris = server.device("acme", "boris").await;
    let (doc, head) = shared(&mut anna, &mut boris).await;
    let (hers, mut his) = (level_at(&anna, head).await, level_at(&boris, head).await);
    let change = titled(&mut anna, doc, "Касса 2");
    let mut begun = Begun::on(hers, vec![change.clone()], "").await;
    let Said::Page { after, page, is_proposed, witness } = said(&mut his).await else { panic!("no page") };
    assert_eq!((after, is_proposed, page.cursor, page.head), (head, true, head + 1, head + 1));
    assert_eq!(page.changes.iter().map(|logged| &logged.change).collect::<Vec<_>>(), [&change]);
    // Its sender may still lose it.
    assert_eq!(boris.pull(head).await.head, head);

    begun.keep(true).await;
    let Said::Verdicts(reply) = said(&mut begun.socket).await else { panic!("no verdicts") };
    assert_eq!(accepted(&reply.verdicts[0].outcome), head + 1);
    assert_eq!(said(&mut his).await, Said::Stands(head + 1));
    assert_eq!(boris.pull(head).await, page, "what a pull would have brought");
    let pull = server.http.get(server.url(&format!("/v1/sync/pull?after={}", head + 1)));
    let pull = pull.bearer_auth(&boris.session.access_token).header("log-witness", witness);
    assert!(
        soon(pull.send()).await.unwrap().status().is_success(),
        "its proof is of the log that came to be"
    );
    // Its author has it, and is told of what comes next without saying so.
    let change = titled(&mut boris, doc, "Касса 3");
    accepted(&boris.push(vec![change]).await[0]);
    assert_eq!(news(&mut begun.socket).await, Ok((head + 1, boris.pull(head + 1).await)));
    server.stop().await;
}

#[tokio::test]
async fn what_its_sender_lost_does_not_stand_and_the_log_goes_on_without_it() {
    let server = patient().await;
    let mut anna = server.device("acme", "anna").await;
    let mut boris = server.device("acme", "boris").await;
    let (doc, head) = shared(&mut anna, &mut boris).await;
    let mut his = level_at(&boris, head).await;
    let lost = titled(&mut anna, doc, "Не записано");
    let begun = Begun::new(&anna, vec![lost]).await;
    assert!(matches!(said(&mut his).await, Said::Page { is_proposed: true, .. }));
    assert_eq!(begun.lose().await, Said::Declined(ErrorCode::BadRequest));
    assert_eq!(said(&mut his).await, Said::Head(head), "it does not stand");

    level(&mut his, head, boris.pull(head).await.scope).await;
    answered(&mut his).await;
    let (_, create) = anna.new_ticket("Записано");
    assert_eq!(accepted(&anna.push(vec![create]).await[0]), head + 1);
    let (after, page) = news(&mut his).await.expect("a page");
    assert_eq!((after, page), (head, boris.pull(head).await));
    server.stop().await;
}

#[tokio::test]
async fn what_is_refused_does_not_stand() {
    let server = patient().await;
    let mut anna = server.device("acme", "anna").await;
    let mut boris = server.device("acme", "boris").await;
    let (doc, head) = shared(&mut anna, &mut boris).await;
    let mut his = level_at(&boris, head).await;
    let tomorrow = NOW.plus_ms(24 * 60 * 60_000);
    let op = TicketOp::SetTitle { title: "Завтрашняя".into() };
    let steps = vec![Stamped::new(tomorrow, anna.me(), op)];
    let change = anna.edit_at(&Edit { doc, ops: Ops::Ticket(steps) }, tomorrow);
    // Until its sender has it, it is neither written nor refused: however slow his connection is, he hears of it before.
    let begun = Begun::new(&anna, vec![change]).await;
    assert!(matches!(said(&mut his).await, Said::Page { is_proposed: true, .. }));
    let Said::Verdicts(reply) = begun.end().await else { panic!("no verdicts") };
    assert_eq!(rejected(&reply.verdicts[0].outcome), RejectCode::Clock);
    assert_eq!(said(&mut his).await, Said::Head(head));
    assert_eq!(boris.pull(head).await.head, head);
    server.stop().await;
}

#[tokio::test]
async fn a_device_that_was_revoked_is_not_told_and_decides_nothing() {
    let server = patient().await;
    let mut anna = server.device("acme", "anna").await;
    let mut boris = server.device("acme", "boris").await;
    let (doc, head) = shared(&mut anna, &mut boris).await;
    let mut his = level_at(&boris, head).await;
    let mut socket = connect(&server, &anna.session.access_token).await.unwrap();
    assert_eq!(said(&mut socket).await, Said::Head(head));
    assert!(server.storage.revoke_device(anna.id, NOW).await.unwrap());
    let change = titled(&mut anna, doc, "Касса 2");
    let mut begun = Begun::on(socket, vec![change], "").await;
    begun.keep(true).await;
    match soon(begun.socket.next()).await {
        Some(Ok(Message::Text(text))) => assert_eq!(text, r#"{"declined":"device_revoked"}"#),
        // It was looked for meanwhile whose access ended.
        Some(Ok(Message::Close(Some(frame)))) => assert_eq!(u16::from(frame.code), 4403),
        other => panic!("{other:?}"),
    }
    assert_eq!(boris.pull(head).await.head, head);
    // Nothing was proposed: what comes next is what is pushed next.
    let (_, create) = boris.new_ticket("Другая");
    accepted(&boris.push(vec![create]).await[0]);
    assert_eq!(news(&mut his).await.expect("a page").1.cursor, head + 1);
    server.stop().await;
}

#[tokio::test]
async fn where_not_everybody_sees_everything_nothing_is_told_before_it_is_written() {
    let server = patient().await;
    set_team(&server, "hr", true).await;
    let mut anna = server.device("acme", "anna").await;
    let mut boris = server.device("acme", "boris").await;
    let (doc, head) = shared(&mut anna, &mut boris).await;
    let mut his = level_at(&boris, head).await;
    let change = titled(&mut anna, doc, "Касса 2");
    accepted(&anna.push(vec![change]).await[0]);
    assert!(matches!(said(&mut his).await, Said::Page { is_proposed: false, .. }));
    server.stop().await;
}

#[tokio::test]
async fn who_takes_long_to_write_does_not_hold_up_the_others() {
    let server = TestServer::start().await;
    server.member("acme", "boris", Role::Agent).await;
    let mut anna = server.device("acme", "anna").await;
    let mut boris = server.device("acme", "boris").await;
    let (doc, head) = shared(&mut anna, &mut boris).await;
    let change = titled(&mut anna, doc, "Аннина");
    let begun = Begun::new(&anna, vec![change]).await;
    // However often the others write meanwhile.
    for n in 1..=5 {
        let change = titled(&mut boris, doc, &format!("Борисова {n}"));
        assert_eq!(accepted(&boris.push(vec![change]).await[0]), head + n);
    }
    // Meanwhile the others' edits are not told of to somebody who is about to hear of their own.
    assert_eq!(begun.stands().await, head + 6);
    server.stop().await;
}
