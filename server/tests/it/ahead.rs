//! A push that begins before its sender has written down what it sends: it counts once the body has ended.

use desk_api::{ErrorCode, rest::BATCH_MEDIA_TYPE};
use desk_sync::wire::{self, Push, PushReply, WireChange};
use futures::channel::mpsc;
use reqwest::{Body, Response};
use tokio::task::JoinHandle;

use super::support::{Device, TestServer, accepted, failure, soon};

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
