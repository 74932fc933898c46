//! The live connection: hints, and pages for a device that says how far it is.

use desk_api::{
    ErrorCode,
    rest::{Declined, Hint, Level, Stands},
};
use desk_domain::people::Role;
use desk_sync::{
    live::{Told, What},
    wire::{self, Hash, PullReply, PushReply},
};
use futures::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{self, Message, client::IntoClientRequest},
};
use workernet_server::storage::Devices;

use super::support::{NOW, TestServer, accepted, soon};

pub(crate) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

pub(crate) async fn connect(server: &TestServer, token: &str) -> Result<Socket, tungstenite::Error> {
    let url = server.url("/v1/live").replace("http://", "ws://");
    let mut request = url.into_client_request().unwrap();
    request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    soon(connect_async(request)).await.map(|(socket, _)| socket)
}

/// The next hint; pings in between are answered.
async fn hint(socket: &mut Socket) -> u64 {
    news(socket).await.expect_err("a hint")
}

/// Says how far the device is.
pub(crate) async fn level(socket: &mut Socket, after: u64, scope: Hash) {
    let level = Level { after, scope: scope.to_string() };
    let text = serde_json::to_string(&level).unwrap();
    soon(socket.send(Message::Text(text.into()))).await.unwrap();
}

/// Waits until the server has taken what was said before, to which it answers nothing.
pub(crate) async fn answered(socket: &mut Socket) {
    soon(socket.send(Message::Ping(Vec::new().into()))).await.unwrap();
    let pong = async { while !matches!(socket.next().await.unwrap().unwrap(), Message::Pong(_)) {} };
    soon(pong).await;
}

/// What comes next: a page with the number that it follows on, or a hint's head. A page that was sent while it was being written
/// stands.
pub(crate) async fn news(socket: &mut Socket) -> Result<(u64, PullReply), u64> {
    match said(socket).await {
        Said::Head(head) => Err(head),
        Said::Page { after, page, is_proposed, .. } => {
            if is_proposed {
                assert_eq!(said(socket).await, Said::Stands(page.cursor));
            }
            Ok((after, page))
        }
        other => panic!("{other:?} is no news"),
    }
}

/// What the server says on the live connection.
#[derive(Debug, PartialEq)]
pub(crate) enum Said {
    Head(u64),
    Stands(u64),
    Page { after: u64, page: PullReply, is_proposed: bool, witness: String },
    Verdicts(PushReply),
    Declined(ErrorCode),
}

/// What comes next, as it comes.
pub(crate) async fn said(socket: &mut Socket) -> Said {
    // All of it within the time: the server's pings come for ever.
    soon(next_said(socket)).await
}

async fn next_said(socket: &mut Socket) -> Said {
    loop {
        match socket.next().await.unwrap().unwrap() {
            Message::Text(text) => {
                let stands = serde_json::from_str(&text).map(|Stands { stands }| Said::Stands(stands));
                let declined =
                    serde_json::from_str(&text).map(|Declined { declined }| Said::Declined(declined));
                let head = serde_json::from_str(&text).map(|Hint { head }| Said::Head(head));
                return stands.or(declined).or(head).unwrap();
            }
            Message::Binary(page) => {
                let Told { what, witness, frame } = Told::decode(&page).unwrap();
                let (after, is_proposed) = match what {
                    What::Page { after, is_proposed } => (after, is_proposed),
                    What::Verdicts { .. } => return Said::Verdicts(wire::decode(frame).unwrap()),
                    What::Edit => panic!("the server edits nothing"),
                };
                assert!(!witness.is_empty(), "proof of the log is with it");
                let (page, witness) = (wire::decode(frame).unwrap(), witness.to_owned());
                return Said::Page { after, page, is_proposed, witness };
            }
            Message::Ping(_) => socket.flush().await.unwrap(),
            other => panic!("{other:?} is no news"),
        }
    }
}

/// The code with which the server closes.
async fn closed(socket: &mut Socket) -> u16 {
    loop {
        match soon(socket.next()).await {
            Some(Ok(Message::Close(Some(frame)))) => return frame.code.into(),
            Some(Ok(Message::Ping(_) | Message::Text(_))) => {}
            other => panic!("{other:?} instead of a close"),
        }
    }
}

#[tokio::test]
async fn a_hint_comes_on_connecting_and_whenever_the_head_moves() {
    let server = TestServer::start().await;
    let mut anna = server.device("acme", "anna").await;
    let head = anna.pull(0).await.head;
    let mut socket = connect(&server, &anna.session.access_token).await.unwrap();
    assert_eq!(hint(&mut socket).await, head);
    let (_, create) = anna.new_ticket("Новая");
    let seq = accepted(&anna.push(vec![create.clone()]).await[0]);
    assert_eq!(hint(&mut socket).await, seq);
    // A repeated batch moves nothing, so the next hint is the next change's.
    anna.push(vec![create]).await;
    let (_, create) = anna.new_ticket("Ещё одна");
    let seq = accepted(&anna.push(vec![create]).await[0]);
    assert_eq!(hint(&mut socket).await, seq);
    server.stop().await;
}

#[tokio::test]
async fn a_device_that_says_how_far_it_is_gets_what_a_pull_would_bring_once() {
    let server = TestServer::start().await;
    let mut anna = server.device("acme", "anna").await;
    let PullReply { head, scope, .. } = anna.pull(0).await;
    let mut socket = connect(&server, &anna.session.access_token).await.unwrap();
    assert_eq!(news(&mut socket).await, Err(head), "it has said nothing yet");
    level(&mut socket, head, scope).await;
    let (_, create) = anna.new_ticket("Новая");
    let first = accepted(&anna.push(vec![create]).await[0]);
    assert_eq!(news(&mut socket).await, Ok((head, anna.pull(head).await)));
    // Nothing comes while the device is busy with that; then it gets at once what came meanwhile.
    let (_, create) = anna.new_ticket("Ещё одна");
    accepted(&anna.push(vec![create]).await[0]);
    let (_, create) = anna.new_ticket("И ещё одна");
    let last = accepted(&anna.push(vec![create]).await[0]);
    level(&mut socket, first, scope).await;
    let (after, page) = news(&mut socket).await.expect("a page");
    assert_eq!((after, page.cursor, page.changes.len()), (first, last, 2));
    server.stop().await;
}

#[tokio::test]
async fn what_a_device_says_of_itself_wrongly_gives_it_nothing() {
    let server = TestServer::start().await;
    let mut anna = server.device("acme", "anna").await;
    let PullReply { head, scope, .. } = anna.pull(0).await;
    let mut socket = connect(&server, &anna.session.access_token).await.unwrap();
    assert_eq!(news(&mut socket).await, Err(head));
    for nonsense in ["", "{}", r#"{"after":1,"scope":"zz"}"#, r#"{"after":-1,"scope":""}"#] {
        soon(socket.send(Message::Text(nonsense.into()))).await.unwrap();
    }
    let (_, create) = anna.new_ticket("Новая");
    let seq = accepted(&anna.push(vec![create]).await[0]);
    assert_eq!(news(&mut socket).await, Err(seq), "nothing that can be read was said");
    // A scope that is not the member's: they are to ask, and are told what to do then.
    level(&mut socket, head, Hash([7; 32])).await;
    let (after, page) = news(&mut socket).await.expect("a page");
    assert_eq!((after, page.cursor, page.scope), (head, head, scope));
    assert!(page.changes.is_empty() && page.documents.is_empty());
    // Beyond the head there is nothing to say.
    level(&mut socket, seq + 1, scope).await;
    let (_, create) = anna.new_ticket("Ещё одна");
    accepted(&anna.push(vec![create]).await[0]);
    let (_, create) = anna.new_ticket("И ещё одна");
    let last = accepted(&anna.push(vec![create]).await[0]);
    let (after, page) = news(&mut socket).await.expect("a page");
    assert_eq!((after, page.cursor), (seq + 1, last));
    server.stop().await;
}

#[tokio::test]
async fn a_device_that_was_revoked_gets_no_page() {
    let server = TestServer::start().await;
    let boris = server.member("acme", "boris", Role::Agent).await;
    let mut boris_device = server.device("acme", "boris").await;
    let anna = server.device("acme", "anna").await;
    let PullReply { head, scope, .. } = anna.pull(0).await;
    let mut socket = connect(&server, &anna.session.access_token).await.unwrap();
    assert_eq!(news(&mut socket).await, Err(head));
    level(&mut socket, head, scope).await;
    assert!(server.storage.revoke_device(anna.id, NOW).await.unwrap());
    let (_, create) = boris_device.new_ticket("Не для неё");
    accepted(&boris_device.push(vec![create]).await[0]);
    assert_eq!(closed(&mut socket).await, 4403, "before anything else, {}", boris.name);
    server.stop().await;
}

#[tokio::test]
async fn another_tenants_changes_are_no_hint() {
    let server = TestServer::start().await;
    server.workspace("globex").await;
    server.member("globex", "gleb", Role::Agent).await;
    let mut anna = server.device("acme", "anna").await;
    let mut gleb = server.device("globex", "gleb").await;
    let mut socket = connect(&server, &anna.session.access_token).await.unwrap();
    let head = hint(&mut socket).await;
    for _ in 0..5 {
        let (_, create) = gleb.new_ticket("Чужая");
        accepted(&gleb.push(vec![create]).await[0]);
    }
    let (_, create) = anna.new_ticket("Своя");
    accepted(&anna.push(vec![create]).await[0]);
    assert_eq!(hint(&mut socket).await, head + 1);
    server.stop().await;
}

#[tokio::test]
async fn what_another_process_wrote_is_hinted_at() {
    let server = TestServer::start().await;
    let anna = server.device("acme", "anna").await;
    let mut socket = connect(&server, &anna.session.access_token).await.unwrap();
    let head = hint(&mut socket).await;
    // `admin` writes through a storage of its own.
    server.member("acme", "boris", Role::Agent).await;
    assert_eq!(hint(&mut socket).await, head + 2, "the settings and the personal document");
    server.stop().await;
}

#[tokio::test]
async fn the_connection_ends_with_the_token_the_session_and_the_device() {
    let server = TestServer::start().await;
    let anna = server.device("acme", "anna").await;
    let mut socket = connect(&server, &anna.session.access_token).await.unwrap();
    server
        .http
        .delete(server.url("/v1/sessions"))
        .bearer_auth(&anna.session.access_token)
        .send()
        .await
        .unwrap();
    assert_eq!(closed(&mut socket).await, 4401, "signed out");

    let anna = server.device("acme", "anna").await;
    let mut socket = connect(&server, &anna.session.access_token).await.unwrap();
    assert!(server.storage.revoke_device(anna.id, NOW).await.unwrap());
    assert_eq!(closed(&mut socket).await, 4403, "revoked");

    let anna = server.device("acme", "anna").await;
    let mut socket = connect(&server, &anna.session.access_token).await.unwrap();
    server.clock.advance_ms(15 * 60_000);
    assert_eq!(closed(&mut socket).await, 4401, "expired");
    server.stop().await;
}

#[tokio::test]
async fn a_level_device_of_whose_role_the_log_tells_nothing_is_to_connect_anew() {
    let server = TestServer::start().await;
    let anna = server.device("acme", "anna").await;
    let PullReply { head, scope, .. } = anna.pull(0).await;
    let mut socket = connect(&server, &anna.session.access_token).await.unwrap();
    assert_eq!(hint(&mut socket).await, head);
    level(&mut socket, head, scope).await;
    server.set_role("acme", "anna", Role::Manager).await;
    assert_eq!(closed(&mut socket).await, 4409);
    assert_eq!(anna.pull(head).await.head, head, "the log has nothing of it");
    server.stop().await;
}

#[tokio::test]
async fn nobody_listens_without_a_token() {
    let server = TestServer::start().await;
    for token in ["", "nonsense"] {
        match connect(&server, token).await {
            Err(tungstenite::Error::Http(response)) => assert_eq!(response.status().as_u16(), 401),
            other => panic!("{other:?}"),
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn a_stopping_server_says_goodbye() {
    let server = TestServer::start().await;
    let anna = server.device("acme", "anna").await;
    let mut socket = connect(&server, &anna.session.access_token).await.unwrap();
    hint(&mut socket).await;
    let (code, ()) = tokio::join!(closed(&mut socket), server.stop_in_place());
    assert_eq!(code, 1001);
}
