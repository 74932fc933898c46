//! A push that begins before its sender has written down what it sends: it is decided meanwhile, and told of to who is level; it
//! counts once the body has ended.

use std::time::Duration;

use desk_api::{ErrorCode, rest::BATCH_MEDIA_TYPE};
use desk_domain::{
    edit::{Edit, Ops, Stamped, TicketOp},
    ids::DocId,
    people::Role,
};
use desk_sync::wire::{self, PullReply, Push, PushReply, RejectCode, WireChange};
use futures::channel::mpsc;
use reqwest::{Body, Response};
use tokio::task::JoinHandle;
use workernet_server::{http::Limits, storage::Devices};

use super::{
    live::{Said, Socket, answered, connect, level, news, said},
    scopes::set_team,
    support::{Device, NOW, TestServer, accepted, failure, rejected, soon},
};

/// A push of which the body comes piece by piece.
struct Begun {
    body: mpsc::UnboundedSender<Result<Vec<u8>, std::io::Error>>,
    answer: JoinHandle<reqwest::Result<Response>>,
}

impl Begun {
    fn new(device: &Device<'_>, first: &[u8]) -> Self {
        let (body, pieces) = mpsc::unbounded();
        let call = device.server.http.post(device.server.url("/v1/sync/push"));
        let call = call.bearer_auth(&device.session.access_token).header("content-type", BATCH_MEDIA_TYPE);
        let answer = tokio::spawn(call.body(Body::wrap_stream(pieces)).send());
        let this = Self { body, answer };
        this.send(first);
        this
    }

    fn send(&self, piece: &[u8]) {
        self.body.unbounded_send(Ok(piece.to_vec())).unwrap();
    }

    fn break_off(self) -> JoinHandle<reqwest::Result<Response>> {
        self.body.unbounded_send(Err(std::io::Error::other("not written"))).unwrap();
        self.answer
    }

    async fn end(self) -> Response {
        drop(self.body);
        soon(self.answer).await.unwrap().unwrap()
    }
}

fn frame(changes: Vec<WireChange>) -> Vec<u8> {
    wire::encode(&Push { changes }).unwrap()
}

#[tokio::test]
async fn what_is_sent_ahead_counts_once_the_body_ends() {
    let server = TestServer::start().await;
    let mut anna = server.device("acme", "anna").await;
    let cursor = anna.catch_up(0).await;
    let (_, create) = anna.new_ticket("Касса");
    let whole = frame(vec![create]);
    for cut in [whole.len(), whole.len() / 2, 1] {
        let begun = Begun::new(&anna, &whole[..cut]);
        // Time enough to be decided, if it were.
        for _ in 0..5 {
            assert_eq!(anna.pull(cursor).await.head, cursor);
        }
        assert!(soon(begun.break_off()).await.unwrap().is_err());
        assert_eq!(anna.pull(cursor).await.head, cursor, "what broke off never was");
    }

    let begun = Begun::new(&anna, &whole[..1]);
    begun.send(&whole[1..]);
    assert_eq!(anna.pull(cursor).await.head, cursor);
    let reply: PushReply = wire::decode(&begun.end().await.bytes().await.unwrap()).unwrap();
    assert_eq!(accepted(&reply.verdicts[0].outcome), cursor + 1);
    assert_eq!(anna.pull(cursor).await.head, cursor + 1);
    server.stop().await;
}

#[tokio::test]
async fn what_follows_a_whole_batch_makes_it_none() {
    let server = TestServer::start().await;
    let mut anna = server.device("acme", "anna").await;
    let cursor = anna.catch_up(0).await;
    let (_, create) = anna.new_ticket("Касса");
    let begun = Begun::new(&anna, &frame(vec![create]));
    begun.send(b"x");
    let refused = failure(begun.end().await).await;
    assert_eq!(refused.error.code, ErrorCode::BadRequest);
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
    let (mut hers, mut his) = (level_at(&anna, head).await, level_at(&boris, head).await);
    let change = titled(&mut anna, doc, "Касса 2");
    let begun = Begun::new(&anna, &frame(vec![change.clone()]));
    let Said::Page { after, page, is_proposed, witness } = said(&mut his).await else { panic!("no page") };
    assert_eq!((after, is_proposed, page.cursor, page.head), (head, true, head + 1, head + 1));
    assert_eq!(page.changes.iter().map(|logged| &logged.change).collect::<Vec<_>>(), [&change]);
    // Its sender may still lose it.
    assert_eq!(boris.pull(head).await.head, head);

    let reply: PushReply = wire::decode(&begun.end().await.bytes().await.unwrap()).unwrap();
    assert_eq!(accepted(&reply.verdicts[0].outcome), head + 1);
    assert_eq!(said(&mut his).await, Said::Stands(head + 1));
    assert_eq!(boris.pull(head).await, page, "what a pull would have brought");
    let pull = server.http.get(server.url(&format!("/v1/sync/pull?after={}", head + 1)));
    let pull = pull.bearer_auth(&boris.session.access_token).header("log-witness", witness);
    assert!(
        soon(pull.send()).await.unwrap().status().is_success(),
        "its proof is of the log that came to be"
    );
    // Its author hears of it once it is there.
    let Said::Page { is_proposed, page, .. } = said(&mut hers).await else { panic!("no page") };
    assert_eq!((is_proposed, page.cursor), (false, head + 1));
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
    let begun = Begun::new(&anna, &frame(vec![lost]));
    assert!(matches!(said(&mut his).await, Said::Page { is_proposed: true, .. }));
    assert!(soon(begun.break_off()).await.unwrap().is_err());
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
    // Until the body ends it is neither written nor refused: however slow his connection is, he hears of it before.
    let begun = Begun::new(&anna, &frame(vec![change]));
    assert!(matches!(said(&mut his).await, Said::Page { is_proposed: true, .. }));
    let reply: PushReply = wire::decode(&begun.end().await.bytes().await.unwrap()).unwrap();
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
    assert!(server.storage.revoke_device(anna.id, NOW).await.unwrap());
    let change = titled(&mut anna, doc, "Касса 2");
    let begun = Begun::new(&anna, &frame(vec![change]));
    assert_eq!(failure(begun.end().await).await.error.code, ErrorCode::DeviceRevoked);
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
    let begun = Begun::new(&anna, &frame(vec![change]));
    // However often the others write meanwhile.
    for n in 1..=5 {
        let change = titled(&mut boris, doc, &format!("Борисова {n}"));
        assert_eq!(accepted(&boris.push(vec![change]).await[0]), head + n);
    }
    let reply: PushReply = wire::decode(&begun.end().await.bytes().await.unwrap()).unwrap();
    assert_eq!(accepted(&reply.verdicts[0].outcome), head + 6);
    server.stop().await;
}
