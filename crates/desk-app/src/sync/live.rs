//! The live connection: a WebSocket on which the server hints that its head moved, or sends what came to a device that has
//! said how far it is. An edit that is being written goes the other way on it.

use std::{collections::VecDeque, time::Duration};

use desk_api::{
    ApiError, ErrorCode,
    rest::{self, Hint, Kept, Stands},
};
use desk_domain::time::UtcMillis;
use desk_sync::{
    live::{MOST_EDIT_BYTES, Told, What},
    wire::{self, Hash, Push, PushReply},
};
use futures::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async_with_config,
    tungstenite::{Bytes, Message, client::IntoClientRequest, http::HeaderValue},
};

use super::http::Http;

/// The server pings more often than this; silence means a dead connection.
const SILENCE: Duration = Duration::from_secs(75);
/// How long is waited for word that a page stands which the server was still writing. Edits made here wait as long.
const STANDS: Duration = Duration::from_millis(250);
/// How long is waited for the verdicts on an edit.
const VERDICTS: Duration = Duration::from_secs(30);
/// Small messages go out at once, not with what may follow: the server waits for them.
const NO_DELAY: bool = true;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// An open live connection.
pub(super) struct Live {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    level: Level,
    /// What the server said while something else was awaited.
    unheard: VecDeque<Heard>,
    /// Whatever comes on it cannot be told from what was given up.
    is_over: bool,
}

/// What the server knows of how far this device is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    /// Nothing, or it has answered.
    Unsaid,
    /// It was told, and is to answer once the log goes further.
    Said,
    /// The same, but the device has pushed or pulled since: what it has is not what it had then, even where it is no further.
    Outdated,
}

/// What the server decided about an edit.
pub(super) struct Verdicts {
    pub(super) reply: PushReply,
    /// When it was sent, by the server's clock.
    pub(super) sent_at: UtcMillis,
    /// Proof of the server's log.
    pub(super) witness: String,
}

/// What the server says.
pub(super) enum Heard {
    /// The head moved.
    Hint(u64),
    /// What follows on the number that it was told; see `desk_sync::live`.
    Page {
        /// As it came.
        page: Bytes,
        /// It follows on what the device had before it pushed or pulled.
        is_outdated: bool,
    },
}

impl Live {
    /// Opens the connection.
    pub(super) async fn open(http: &Http, access: &str) -> Result<Self, ApiError> {
        let broken = |what: String| ApiError::new(ErrorCode::Offline, format!("no live connection: {what}"));
        let mut request =
            http.live_url()?.as_str().into_client_request().map_err(|problem| broken(problem.to_string()))?;
        let bearer = HeaderValue::from_str(&format!("Bearer {access}"))
            .map_err(|_| ApiError::new(ErrorCode::SessionExpired, "the session is damaged; sign in again"))?;
        request.headers_mut().insert("authorization", bearer);
        match tokio::time::timeout(CONNECT_TIMEOUT, connect_async_with_config(request, None, NO_DELAY)).await
        {
            Ok(Ok((socket, _))) => {
                Ok(Self { socket, level: Level::Unsaid, unheard: VecDeque::new(), is_over: false })
            }
            Ok(Err(problem)) => Err(broken(problem.to_string())),
            Err(_) => Err(broken("no answer in time".to_owned())),
        }
    }

    /// Whether the server is still to answer what it was told. It answers once the log goes further, so that there is no need
    /// to tell it again, even where the device has meanwhile got further by itself.
    pub(super) fn is_told(&self) -> bool {
        self.level != Level::Unsaid
    }

    /// The device pushed or pulled.
    pub(super) fn outdate(&mut self) {
        if self.level == Level::Said {
            self.level = Level::Outdated;
        }
    }

    /// Tells the server how far this device is, so that it sends what follows. One that has become deaf is noticed by
    /// [`next`](Self::next).
    pub(super) async fn tell(&mut self, after: u64, scope: Hash) {
        let level = rest::Level { after, scope: scope.to_string() };
        if let Ok(text) = serde_json::to_string(&level)
            && self.socket.send(Message::Text(text.into())).await.is_ok()
        {
            self.level = Level::Said;
        }
    }

    /// Whether a page up to `head` stands, which came before the server had it on its disk.
    pub(super) async fn stands(&mut self, head: u64) -> bool {
        let said = async {
            loop {
                match self.socket.next().await?.ok()? {
                    Message::Text(text) => {
                        return serde_json::from_str(&text).ok().map(|Stands { stands }| stands == head);
                    }
                    Message::Ping(payload) => self.socket.send(Message::Pong(payload)).await.ok()?,
                    Message::Binary(_) | Message::Close(_) => return None,
                    Message::Pong(_) | Message::Frame(_) => {}
                }
            }
        };
        tokio::time::timeout(STANDS, said).await.ok().flatten().unwrap_or_default()
    }

    /// Sends an edit that may still be being written; the server is to hear whether it was, and waits for it. `false`: it was not
    /// sent.
    pub(super) async fn push(&mut self, push: &Push, witness: Option<&str>) -> bool {
        let Ok(frame) = wire::encode(push) else { return false };
        let told = Told { what: What::Edit, witness: witness.unwrap_or_default(), frame: &frame };
        match told.encode() {
            Ok(message) if message.len() <= MOST_EDIT_BYTES => {
                self.send(Message::Binary(message.into())).await
            }
            Ok(_) | Err(_) => false,
        }
    }

    /// Says whether the edit is on the disk, and waits for what the server decided. `None`: nothing of it stands, or nobody knows.
    pub(super) async fn verdicts(&mut self, is_kept: bool) -> Option<Verdicts> {
        let kept = serde_json::to_string(&Kept { kept: is_kept }).ok()?;
        if !self.send(Message::Text(kept.into())).await {
            return None;
        }
        let answered = tokio::time::timeout(VERDICTS, self.answer()).await.ok().flatten();
        self.is_over |= answered.is_none();
        answered.flatten()
    }

    /// The answer to an edit: `None` once the connection has ended. What comes before is kept for [`next`](Self::next).
    async fn answer(&mut self) -> Option<Option<Verdicts>> {
        loop {
            match self.socket.next().await?.ok()? {
                Message::Binary(message) => {
                    if let Told { what: What::Verdicts { sent_at_ms }, witness, frame } =
                        Told::decode(&message).ok()?
                    {
                        let reply = wire::decode(frame).ok()?;
                        let sent_at = UtcMillis(i64::try_from(sent_at_ms).ok()?);
                        return Some(Some(Verdicts { reply, sent_at, witness: witness.to_owned() }));
                    }
                    // By the time it is heard, the device has gone on.
                    self.level = Level::Unsaid;
                    self.unheard.push_back(Heard::Page { page: message, is_outdated: true });
                }
                Message::Text(text) => {
                    if let Ok(Hint { head }) = serde_json::from_str(&text) {
                        self.level = Level::Unsaid;
                        self.unheard.push_back(Heard::Hint(head));
                    } else if serde_json::from_str::<Stands>(&text).is_err() {
                        // Declined, for whatever reason: a push tells.
                        return Some(None);
                    }
                }
                Message::Ping(payload) => self.socket.send(Message::Pong(payload)).await.ok()?,
                Message::Close(_) => return None,
                Message::Pong(_) | Message::Frame(_) => {}
            }
        }
    }

    async fn send(&mut self, message: Message) -> bool {
        let sent = self.socket.send(message).await.is_ok();
        self.is_over |= !sent;
        sent
    }

    /// What the server says next; `None` once the connection has ended. Safe to be dropped while it waits.
    pub(super) async fn next(&mut self) -> Option<Heard> {
        if self.is_over {
            return None;
        }
        if let Some(heard) = self.unheard.pop_front() {
            return Some(heard);
        }
        loop {
            let message = tokio::time::timeout(SILENCE, self.socket.next()).await.ok()??.ok()?;
            match message {
                Message::Text(text) => {
                    if let Ok(hint) = serde_json::from_str::<Hint>(&text) {
                        self.level = Level::Unsaid;
                        return Some(Heard::Hint(hint.head));
                    }
                }
                Message::Ping(payload) => self.socket.send(Message::Pong(payload)).await.ok()?,
                Message::Binary(page) => {
                    let is_outdated = std::mem::replace(&mut self.level, Level::Unsaid) != Level::Said;
                    return Some(Heard::Page { page, is_outdated });
                }
                Message::Close(_) => return None,
                Message::Pong(_) | Message::Frame(_) => {}
            }
        }
    }
}
