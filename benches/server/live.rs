//! How soon an edit has reached everybody.

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use desk_api::rest::Level;
use desk_sync::live::Told;
use desk_sync::scope::open_id;
use desk_sync::wire::{self, PullReply};
use futures::{SinkExt, StreamExt, TryStreamExt, stream};
use serde_json::json;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};

use crate::bench::{Bench, Device, pack};
use crate::figures::{percentile, print, round};

/// Edits that are followed to every device.
const EDITS: usize = 100;
/// Devices that sign in at once; a password takes the server some 20 ms, on purpose.
const SIGNING_IN: usize = 8;
/// How long an edit may take to reach everybody before the measurement is given up.
const LONGEST: Duration = Duration::from_secs(30);

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// What a device saw, and when.
struct Seen {
    cursor: u64,
    at: Instant,
}

/// Connects the devices, edits a ticket again and again, and waits each time until all have the change.
pub(crate) async fn measure(bench: &Bench, clients: usize) -> anyhow::Result<()> {
    let mut author = bench.device(0).await?;
    let (doc, changes) = author.ticket(0)?;
    let head = bench.push(&author, pack(changes)?).await?;
    let devices: Vec<Device> =
        stream::iter(0..clients).map(|n| bench.device(n)).buffer_unordered(SIGNING_IN).try_collect().await?;
    let (seen, mut sightings) = mpsc::unbounded_channel();
    let mut connected = Vec::new();
    for device in devices {
        let socket = connect(bench, &device).await?;
        let follower = Follower { cursor: head, seen: seen.clone() };
        connected.push(tokio::spawn(follower.follow(socket)));
    }
    drop(seen);

    let mut times = Vec::new();
    for number in 0..=EDITS {
        let edit = author.retitle(doc, number)?;
        let started = Instant::now();
        let head = bench.push(&author, edit).await?;
        let mut missing = clients;
        while missing > 0 {
            let seen = tokio::time::timeout(LONGEST, sightings.recv()).await;
            let Some(seen) = seen.context("an edit does not reach everybody")? else {
                bail!("the devices have left");
            };
            if seen.cursor >= head {
                missing -= 1;
                // The first one warms the connections up.
                if number > 0 {
                    times.push(seen.at.duration_since(started).as_secs_f64() * 1_000.0);
                }
            }
        }
    }
    print(&json!({
        "bench": "server.live", "clients": clients, "edits": EDITS,
        "visible": spread(&mut times)?,
    }));
    for follower in connected {
        follower.abort();
    }
    Ok(())
}

async fn connect(bench: &Bench, device: &Device) -> anyhow::Result<Socket> {
    let mut request = bench.url("/v1/live").replace("http://", "ws://").into_client_request()?;
    let token = format!("Bearer {}", device.session.access_token).parse()?;
    request.headers_mut().insert("authorization", token);
    Ok(connect_async_with_config(request, None, true).await?.0)
}

/// A device that takes what it is sent, and says each time how far it is then.
struct Follower {
    cursor: u64,
    seen: mpsc::UnboundedSender<Seen>,
}

impl Follower {
    async fn follow(mut self, mut socket: Socket) -> anyhow::Result<()> {
        self.tell(&mut socket).await?;
        while let Some(message) = socket.next().await {
            let Message::Binary(page) = message? else { continue };
            let told = Told::decode(&page)?;
            let reply: PullReply = wire::decode(told.frame)?;
            for logged in &reply.changes {
                desk_docs::verify(&logged.change.bytes, logged.change.hash.0)?;
            }
            self.cursor = reply.cursor;
            self.seen.send(Seen { cursor: self.cursor, at: Instant::now() })?;
            self.tell(&mut socket).await?;
        }
        Ok(())
    }

    /// Nobody in this workspace sees less than another.
    async fn tell(&self, socket: &mut Socket) -> anyhow::Result<()> {
        let level = Level { after: self.cursor, scope: open_id().to_string() };
        Ok(socket.send(Message::Text(serde_json::to_string(&level)?.into())).await?)
    }
}

fn spread(values: &mut [f64]) -> anyhow::Result<serde_json::Value> {
    values.sort_by(f64::total_cmp);
    let at = |percent| percentile(values, percent).map(round).context("nothing was seen");
    Ok(json!({ "p50": at(50)?, "p95": at(95)?, "p99": at(99)?, "max": at(100)?, "n": values.len() }))
}
