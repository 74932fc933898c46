//! A page that comes while the server is still writing what stands on it: it is kept once the server says that it stands, and
//! otherwise nothing of it.

use desk_api::rest::{Hint, Level, Session, SignInRequest, Stands};
use desk_docs::{Author, Document};
use desk_domain::{
    edit::Edit,
    ids::{DeviceId, DocKind, Ids},
    permissions::Actor,
    workspace::Workflow,
};
use desk_sync::{
    live::{Told, What},
    wire::{self, Hash, LoggedChange, PullReply, WireChange},
};
use futures::{SinkExt, StreamExt};
use tokio::{net::TcpStream, sync::mpsc};
use tokio_tungstenite::{WebSocketStream, accept_async, tungstenite::Message};
use workernet_server::storage::Log;

use super::*;

/// Stands before a server: what a device asks goes through, its live connections come out here.
pub(super) async fn before(server: &Server) -> (String, mpsc::UnboundedReceiver<TcpStream>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (come, live) = mpsc::unbounded_channel();
    let there = server.url.trim_start_matches("http://").to_owned();
    tokio::spawn(async move {
        while let Ok((mut asked, _)) = listener.accept().await {
            let mut beginning = [0; 12];
            while asked.peek(&mut beginning).await.unwrap() < beginning.len() {
                tokio::task::yield_now().await;
            }
            if &beginning == b"GET /v1/live" {
                come.send(asked).unwrap();
                continue;
            }
            let there = there.clone();
            tokio::spawn(async move {
                let mut through = TcpStream::connect(there).await.unwrap();
                // Either side hangs up as it likes.
                let _ = tokio::io::copy_bidirectional(&mut asked, &mut through).await;
            });
        }
    });
    (url, live)
}

pub(super) async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), what).await.unwrap()
}

/// The device's next live connection.
pub(super) async fn connected(live: &mut mpsc::UnboundedReceiver<TcpStream>) -> WebSocketStream<TcpStream> {
    soon(async { accept_async(live.recv().await.unwrap()).await.unwrap() }).await
}

/// How far the device says it is, once it is level.
pub(super) async fn says(socket: &mut WebSocketStream<TcpStream>) -> u64 {
    loop {
        match soon(socket.next()).await.unwrap().unwrap() {
            Message::Text(text) => return serde_json::from_str::<Level>(&text).unwrap().after,
            Message::Ping(_) | Message::Pong(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

/// Anna's other device, of which the test is the program.
struct Other<'a> {
    server: &'a Server,
    session: Session,
    device: DeviceId,
}

impl<'a> Other<'a> {
    async fn sign_in(server: &'a Server) -> Self {
        let device = DeviceId(server.ids().fresh());
        let request = SignInRequest {
            workspace: "acme".into(),
            email: "anna@acme.example".into(),
            password: PASSWORD.into(),
            device,
            device_name: "тест".into(),
        };
        let call = reqwest::Client::new().post(format!("{}/v1/sessions", server.url)).json(&request);
        let session = call.send().await.unwrap().json().await.unwrap();
        Self { server, session, device }
    }

    /// The page after a number, with its witness.
    async fn page(&self, after: u64) -> (String, PullReply) {
        let call = reqwest::Client::new().get(format!("{}/v1/sync/pull?after={after}", self.server.url));
        let answer = call.bearer_auth(&self.session.access_token).send().await.unwrap();
        let witness = answer.headers()["log-witness"].to_str().unwrap().to_owned();
        (witness, wire::decode(&answer.bytes().await.unwrap()).unwrap())
    }

    /// A change of a ticket that nobody has but this device.
    async fn change(&self, doc: DocId, title: &str) -> WireChange {
        let stored = self.server.storage.document(doc).await.unwrap().unwrap();
        let document = Document::load(doc, DocKind::Ticket, &stored.snapshot).unwrap();
        let actor = Actor { member: Some(self.session.member), role: Role::Agent };
        let author = Author { device: self.device, actor, workflow: &Workflow::default() };
        let op = TicketOp::SetTitle { title: title.into() };
        let steps = vec![Stamped::new(now(), self.session.member.to_string(), op)];
        let edit = Edit { doc, ops: Ops::Ticket(steps) };
        let made = document.edit(&author, &edit, now(), &self.server.ids()).unwrap().1.unwrap();
        WireChange { doc, kind: DocKind::Ticket, hash: Hash(made.hash), bytes: made.bytes }
    }
}

fn proposed(after: u64, witness: &str, page: &PullReply) -> Message {
    let frame = wire::encode(page).unwrap();
    Message::Binary(
        Told { what: What::Page { after, is_proposed: true }, witness, frame: &frame }
            .encode()
            .unwrap()
            .into(),
    )
}

pub(super) fn text(value: &impl serde::Serialize) -> Message {
    Message::Text(serde_json::to_string(value).unwrap().into())
}

#[tokio::test]
async fn what_was_proposed_is_kept_once_it_stands_and_never_else() {
    let server = Server::start().await;
    let dir = tempfile::tempdir().unwrap();
    let boris = server.desk(dir.path(), "boris").await;
    let id = boris.create_ticket(titled("Касса")).await.unwrap().ticket.id;
    let cursor = boris.sync_once().await.unwrap().cursor;
    let anna = Other::sign_in(&server).await;
    let (url, mut live) = before(&server).await;
    boris.point_to(&url).await.unwrap();
    let _driver = boris.start_sync();
    let mut socket = connected(&mut live).await;
    assert_eq!(says(&mut socket).await, cursor);

    let (witness, page) = anna.page(cursor).await;
    let change = anna.change(id, "Так и не записано").await;
    let changes = vec![LoggedChange { seq: cursor + 1, change }];
    let lost = PullReply { changes, cursor: cursor + 1, head: cursor + 1, ..page };
    let page = || proposed(cursor, &witness, &lost);
    for answer in [Some(text(&Hint { head: cursor })), Some(text(&Stands { stands: cursor + 2 })), None] {
        socket.send(page()).await.unwrap();
        if let Some(answer) = answer {
            socket.send(answer).await.unwrap();
        }
        // It asks what is in the log, and says then how far it is.
        assert_eq!(says(&mut socket).await, cursor);
        assert_eq!(ticket(&boris, id).await.ticket.title, "Касса");
    }
    // The connection breaks before anything is said.
    socket.send(page()).await.unwrap();
    drop(socket);
    let mut socket = connected(&mut live).await;
    assert_eq!(says(&mut socket).await, cursor);
    // A page that does not follow on what is here.
    let far = PullReply { cursor: cursor + 8, head: cursor + 8, ..lost.clone() };
    socket.send(proposed(cursor + 7, &witness, &far)).await.unwrap();
    socket.send(text(&Stands { stands: cursor + 8 })).await.unwrap();
    assert_eq!(says(&mut socket).await, cursor);
    assert_eq!(ticket(&boris, id).await.ticket.title, "Касса");

    // What stands is there without being asked for.
    let maria_dir = tempfile::tempdir().unwrap();
    let maria = server.desk(maria_dir.path(), "maria").await;
    maria.edit_ticket(id, vec![TicketOp::SetTitle { title: "Записано".into() }]).await.unwrap();
    maria.sync_once().await.unwrap();
    let (witness, page) = anna.page(cursor).await;
    let mut events = boris.events();
    socket.send(proposed(cursor, &witness, &page)).await.unwrap();
    socket.send(text(&Stands { stands: page.cursor })).await.unwrap();
    let told = async {
        while !matches!(events.recv().await.unwrap(), DeskEvent::Changed { docs, .. } if docs.contains(&id)) {
        }
    };
    soon(told).await;
    assert_eq!(ticket(&boris, id).await.ticket.title, "Записано");
    assert_eq!(says(&mut socket).await, page.cursor);
    drop(socket);
    boris.point_to(&server.url).await.unwrap();
    level(&[&boris, &maria]).await;
}
