//! An edit that is sent on the live connection while it is being written: whatever the server answers, or does not, it gets there once.

use desk_api::{
    ErrorCode,
    rest::{Declined, Hint, Kept},
};
use desk_sync::{
    live::{Told, What},
    wire::{self, Push},
};
use futures::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, accept_hdr_async, connect_async,
    tungstenite::{
        Message,
        client::IntoClientRequest,
        handshake::server::{Request, Response},
        http::HeaderValue,
    },
};

use super::{
    proposed::{before, connected, says, soon, text},
    *,
};

type There = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// The edit that the device sends, as it travels, and what it says after it.
async fn edit(socket: &mut WebSocketStream<TcpStream>) -> (Message, Message) {
    let mut edit = next(socket).await;
    while matches!(edit, Message::Text(_)) {
        edit = next(socket).await;
    }
    let Message::Binary(bytes) = &edit else { panic!("{edit:?} is no edit") };
    let Told { what, witness, frame } = Told::decode(bytes).unwrap();
    assert_eq!(what, What::Edit);
    assert!(!witness.is_empty(), "it shows what it knows of the log");
    assert_eq!(wire::decode::<Push>(frame).unwrap().changes.len(), 1);
    (edit, next(socket).await)
}

/// What comes next that is no ping.
async fn next<S>(socket: &mut WebSocketStream<S>) -> Message
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    loop {
        match soon(socket.next()).await.unwrap().unwrap() {
            Message::Ping(_) | Message::Pong(_) => {}
            other => return other,
        }
    }
}

async fn retitle(desk: &Desk, id: DocId, title: &str) {
    desk.edit_ticket(id, vec![TicketOp::SetTitle { title: title.into() }]).await.unwrap();
}

/// Nothing waits to be sent.
async fn sent(desk: &Desk) {
    let is_sent = async {
        while desk.sync_view().await.unwrap().waiting > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    soon(is_sent).await;
}

#[tokio::test]
async fn an_edit_of_which_the_server_says_nothing_is_pushed() {
    let server = Server::start().await;
    let dir = tempfile::tempdir().unwrap();
    let boris = server.desk(dir.path(), "boris").await;
    let id = boris.create_ticket(titled("Касса")).await.unwrap().ticket.id;
    let mut cursor = boris.sync_once().await.unwrap().cursor;
    let (url, mut live) = before(&server).await;
    boris.point_to(&url).await.unwrap();
    let _driver = boris.start_sync();
    let mut socket = connected(&mut live).await;
    assert_eq!(says(&mut socket).await, cursor);
    let mut titles = 0;
    for breaks in [false, true, false] {
        let (_, kept) = loop {
            titles += 1;
            retitle(&boris, id, &format!("Касса {titles}")).await;
            // One that is busy with the edit before sends it by a request.
            tokio::select! {
                edit = edit(&mut socket) => break edit,
                () = sent(&boris) => cursor += 1,
            }
        };
        assert_eq!(kept, text(&Kept { kept: true }));
        if breaks {
            drop(socket);
            sent(&boris).await;
            socket = connected(&mut live).await;
        } else {
            // It has heard of that by then.
            socket.send(text(&Hint { head: cursor })).await.unwrap();
            socket.send(text(&Declined { declined: ErrorCode::BadRequest })).await.unwrap();
            sent(&boris).await;
        }
        cursor += 1;
        assert_eq!(says(&mut socket).await, cursor, "pushed, and it stands");
    }
    drop(socket);
    boris.point_to(&server.url).await.unwrap();
    let maria_dir = tempfile::tempdir().unwrap();
    let maria = server.desk(maria_dir.path(), "maria").await;
    level(&[&boris, &maria]).await;
    assert_eq!(ticket(&maria, id).await.ticket.title, format!("Касса {titles}"));
}

#[tokio::test]
async fn who_sent_an_edit_has_it_and_is_told_of_what_follows() {
    let server = Server::start().await;
    let (dir, maria_dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let boris = server.desk(dir.path(), "boris").await;
    let maria = server.desk(maria_dir.path(), "maria").await;
    let id = boris.create_ticket(titled("Касса")).await.unwrap().ticket.id;
    let cursor = boris.sync_once().await.unwrap().cursor;
    maria.sync_once().await.unwrap();
    let (url, mut live) = before(&server).await;
    boris.point_to(&url).await.unwrap();
    let _driver = boris.start_sync();
    // Between the device and its server, so that what they say is seen.
    let mut bearer = None;
    #[expect(clippy::result_large_err, reason = "the library's own type")]
    let catch = |request: &Request, response: Response| {
        bearer = request.headers().get("authorization").cloned();
        Ok(response)
    };
    let mut socket = soon(accept_hdr_async(soon(live.recv()).await.unwrap(), catch)).await.unwrap();
    let mut there = there(&server, bearer.unwrap()).await;
    assert!(matches!(next(&mut there).await, Message::Text(_)), "a hint, which the device need not hear");
    let level = next(&mut socket).await;
    there.send(level).await.unwrap();

    retitle(&boris, id, "Касса Бориса").await;
    let (edit, kept) = edit(&mut socket).await;
    there.send(edit).await.unwrap();
    there.send(kept).await.unwrap();
    let verdicts = next(&mut there).await;
    assert!(matches!(&verdicts, Message::Binary(bytes)
        if matches!(Told::decode(bytes).unwrap().what, What::Verdicts { .. })));
    socket.send(verdicts).await.unwrap();
    sent(&boris).await;

    // The server has not been told how far the device is now, and knows.
    maria.sync_once().await.unwrap();
    retitle(&maria, id, "Касса Марии").await;
    maria.sync_once().await.unwrap();
    let mut events = boris.events();
    let page = next(&mut there).await;
    let Message::Binary(bytes) = &page else { panic!("{page:?} is no page") };
    let What::Page { after, is_proposed } = Told::decode(bytes).unwrap().what else { panic!("no page") };
    assert_eq!(after, cursor + 1);
    socket.send(page).await.unwrap();
    if is_proposed {
        socket.send(next(&mut there).await).await.unwrap();
    }
    let told = async {
        while !matches!(events.recv().await.unwrap(), DeskEvent::Changed { docs, .. } if docs.contains(&id)) {
        }
    };
    soon(told).await;
    assert_eq!(ticket(&boris, id).await.ticket.title, "Касса Марии");
    assert_eq!(says(&mut socket).await, cursor + 2);
}

/// The server's side of a live connection.
async fn there(server: &Server, bearer: HeaderValue) -> There {
    let url = format!("{}/v1/live", server.url.replace("http://", "ws://"));
    let mut request = url.into_client_request().unwrap();
    request.headers_mut().insert("authorization", bearer);
    soon(connect_async(request)).await.unwrap().0
}
