//! The live connection: a WebSocket on which the server hints that its head moved.

use std::time::Duration;

use desk_api::{ApiError, ErrorCode, rest::Hint};
use futures::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, client::IntoClientRequest, http::HeaderValue},
};

use super::http::Http;

/// The server pings more often than this; silence means a dead connection.
const SILENCE: Duration = Duration::from_secs(75);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// An open live connection.
pub(super) struct Live {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
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
        match tokio::time::timeout(CONNECT_TIMEOUT, connect_async(request)).await {
            Ok(Ok((socket, _))) => Ok(Self { socket }),
            Ok(Err(problem)) => Err(broken(problem.to_string())),
            Err(_) => Err(broken("no answer in time".to_owned())),
        }
    }

    /// The next hint's head; `None` once the connection has ended. Safe to be dropped while it waits.
    pub(super) async fn next(&mut self) -> Option<u64> {
        loop {
            let message = tokio::time::timeout(SILENCE, self.socket.next()).await.ok()??.ok()?;
            match message {
                Message::Text(text) => {
                    if let Ok(hint) = serde_json::from_str::<Hint>(&text) {
                        return Some(hint.head);
                    }
                }
                Message::Ping(payload) => self.socket.send(Message::Pong(payload)).await.ok()?,
                Message::Close(_) => return None,
                Message::Pong(_) | Message::Binary(_) | Message::Frame(_) => {}
            }
        }
    }
}
