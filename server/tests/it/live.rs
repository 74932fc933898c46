//! The live hint.

use desk_api::rest::Hint;
use desk_domain::people::Role;
use futures::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{self, Message, client::IntoClientRequest},
};
use workernet_server::storage::Devices;

use super::support::{NOW, TestServer, accepted, soon};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn connect(server: &TestServer, token: &str) -> Result<Socket, tungstenite::Error> {
    let url = server.url("/v1/live").replace("http://", "ws://");
    let mut request = url.into_client_request().unwrap();
    request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    soon(connect_async(request)).await.map(|(socket, _)| socket)
}

/// The next hint; pings in between are answered.
async fn hint(socket: &mut Socket) -> u64 {
    loop {
        match soon(socket.next()).await.unwrap().unwrap() {
            Message::Text(text) => return serde_json::from_str::<Hint>(&text).unwrap().head,
            Message::Ping(_) => socket.flush().await.unwrap(),
            other => panic!("{other:?} is no hint"),
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
