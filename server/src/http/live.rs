//! `GET /v1/live`: a WebSocket that tells when the head moved, and sends what came to a device that has said how far it is:
//! the page that a pull would be answered with at that moment, by the same checks. An edit of somebody else's is sent while the
//! server is still writing it; that it stands is said after it. A device may send an edit of its own the same way ([`super::ahead`]).
//!
//! It ends when the token ends (close 4401), when the device or session does (4403, 4401), when the member gets another role
//! (4409), and when the server stops (1001); the client signs in or reconnects as the code says.

use std::{sync::Arc, time::Duration};

use axum::{
    body::Bytes,
    extract::{
        State, WebSocketUpgrade,
        ws::{CloseFrame, Message, WebSocket, rejection::WebSocketUpgradeRejection},
    },
    response::Response,
};
use desk_api::{
    ErrorCode,
    rest::{Declined, Hint, Kept, Level, Stands},
};
use desk_sync::{
    live::{MOST_EDIT_BYTES, Told, What},
    wire::{Hash, PullReply},
};
use futures::future::OptionFuture;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep_until};
use tracing::Instrument;

use super::{
    App, Problem,
    ahead::{Coming, Decided},
    bearer::{Bearer, Lost, standing},
    pages::Packed,
    pull,
    push::pack,
    view, witness,
};
use crate::{
    storage::Access,
    sync::proposal::{Proposal, Stage},
};

/// How long a message may take to go out before the connection counts as dead.
const SEND: Duration = Duration::from_secs(15);
/// Pings that may stay without any sign of life.
const MISSED_PINGS: u32 = 3;
/// Upgrades the connection of a signed-in device.
pub(super) async fn get(
    State(app): State<Arc<App>>,
    bearer: Bearer,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    let upgrade = upgrade.map_err(|error| Problem::new(ErrorCode::BadRequest, error.body_text()))?;
    let span = tracing::info_span!("live", device.id = %bearer.claims.dev);
    Ok(upgrade
        .max_message_size(MOST_EDIT_BYTES)
        .on_upgrade(move |socket| tell(app, bearer, socket).instrument(span)))
}

/// Why a connection ends.
enum End {
    /// The other side left, or cannot be reached.
    Gone,
    /// The token ran out.
    Expired,
    /// The session or the device lost its right.
    Lost(Lost),
    /// The member has another role, and may see something else. A device that is level is told of that by nothing else where
    /// the log says so already, as after a restore: it reconnects and pulls.
    OtherRole,
    /// The server stops.
    Stopping,
    /// The storage failed.
    Failed,
}

/// How the device hears of what is new.
enum Hears {
    /// It has not said how far it is: it is hinted at, and pulls.
    Hints,
    /// It has everything up to a number, under a scope: it is sent what comes next.
    Page { after: u64, scope: Hash },
    /// It was sent something, and is going to say how far it is then.
    Nothing,
}

async fn tell(app: Arc<App>, bearer: Bearer, mut socket: WebSocket) {
    let end = news(&app, bearer, &mut socket).await;
    let (code, reason) = match end {
        End::Gone => return,
        End::Expired => (4401, "session_expired"),
        End::Lost(Lost::Session) => (4401, "session_ended"),
        End::Lost(Lost::Device) => (4403, "device_revoked"),
        End::Lost(Lost::Member) => (4403, "access_ended"),
        End::OtherRole => (4409, "role_changed"),
        End::Stopping => (1001, "server_stopping"),
        End::Failed => (1011, "internal"),
    };
    tracing::info!(reason, "live connection ended");
    // Whether it still arrives or not, the connection is over.
    let _ = send(&mut socket, Message::Close(Some(CloseFrame { code, reason: reason.into() }))).await;
}

async fn news(app: &App, mut bearer: Bearer, socket: &mut WebSocket) -> End {
    let workspace = bearer.workspace();
    let mut head = app.hub.watch_head(workspace);
    let mut stages = app.hub.watch_stages(workspace);
    let mut looked = None;
    let mut access = app.hub.watch_access();
    let mut stopping = app.stopping.clone();
    match app.storage.workspace(workspace).await {
        Ok(Some(record)) => app.hub.saw_head(workspace, record.head),
        Ok(None) => return End::Lost(Lost::Session),
        Err(error) => {
            tracing::error!(%error, "the head could not be read");
            return End::Failed;
        }
    }
    head.mark_changed();
    let first_ping = Instant::now() + app.limits.ping;
    let mut pings = interval_at(first_ping, app.limits.ping);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let left_ms = bearer.expires_at().since(app.clock.now());
    let expiry = Instant::now() + Duration::from_millis(u64::try_from(left_ms).unwrap_or(0));
    let mut silent = 0;
    let mut hears = Hears::Hints;
    let mut coming: Option<Coming<'_>> = None;
    loop {
        if *stopping.borrow() {
            return End::Stopping;
        }
        tokio::select! {
            // Nothing is told of its own edit to a device that is about to hear what became of it.
            moved = head.changed(), if coming.is_none() => {
                if moved.is_err() {
                    return End::Stopping;
                }
                let head = *head.borrow_and_update();
                if let Some(end) = moved_to(app, &mut bearer, &mut hears, head, socket).await {
                    return end;
                }
            }
            told = stages.changed() => {
                if told.is_err() {
                    return End::Stopping;
                }
                let stage = stages.borrow_and_update().clone();
                if let Some(end) = at(app, &mut bearer, &mut hears, stage, &mut looked, socket).await {
                    return end;
                }
            }
            Some(decided) = OptionFuture::from(coming.as_mut().map(Coming::decided)) => {
                coming = None;
                if let Some(end) = answer(decided, &mut hears, socket).await {
                    return end;
                }
            }
            () = sleep_until(expiry) => return End::Expired,
            _ = pings.tick() => {
                silent += 1;
                let dead = silent > MISSED_PINGS;
                if dead || send(socket, Message::Ping(Vec::new().into())).await.is_err() {
                    return End::Gone;
                }
                if let Some(end) = ended(app, &bearer).await {
                    return end;
                }
            }
            changed = access.changed() => {
                if changed.is_err() {
                    return End::Stopping;
                }
                if let Some(end) = ended(app, &bearer).await {
                    return end;
                }
            }
            _ = stopping.changed() => return End::Stopping,
            message = socket.recv() => {
                silent = 0;
                match says(message) {
                    Says::Gone => return End::Gone,
                    Says::Alive => {}
                    // One at a time: a device that sends a second one does not wait for what became of the first.
                    Says::Edit(message) => coming = Some(Coming::begin(app, bearer.claims, message)),
                    Says::Kept(kept) => coming.iter_mut().for_each(|coming| coming.keep(kept)),
                    Says::Level(level) => {
                        hears = level;
                        let head = *head.borrow();
                        if let Some(end) = moved_to(app, &mut bearer, &mut hears, head, socket).await {
                            return end;
                        }
                    }
                }
            }
        }
    }
}

/// What a device says.
enum Says {
    /// Nothing any more.
    Gone,
    /// That it is there.
    Alive,
    /// How far it is.
    Level(Hears),
    /// An edit that it is writing.
    Edit(Bytes),
    /// Whether it has written it.
    Kept(Kept),
}

/// What came from a device; what cannot be read is passed over.
fn says(message: Option<Result<Message, axum::Error>>) -> Says {
    match message {
        Some(Ok(Message::Close(_)) | Err(_)) | None => Says::Gone,
        Some(Ok(Message::Binary(message))) => Says::Edit(message),
        Some(Ok(Message::Text(text))) => {
            let kept = serde_json::from_str(&text).map(Says::Kept).ok();
            kept.or_else(|| level(&text).map(Says::Level)).unwrap_or(Says::Alive)
        }
        Some(Ok(Message::Ping(_) | Message::Pong(_))) => Says::Alive,
    }
}

/// How far a device says it is.
fn level(text: &str) -> Option<Hears> {
    let Level { after, scope } = serde_json::from_str(text).ok()?;
    Some(Hears::Page { after, scope: pull::scope_of(&scope).ok()? })
}

/// The workspace's writer is at something: who is level is told of it as far as it concerns them.
async fn at(
    app: &App,
    bearer: &mut Bearer,
    hears: &mut Hears,
    stage: Stage,
    looked: &mut Option<(u64, Access)>,
    socket: &mut WebSocket,
) -> Option<End> {
    match stage {
        // While it is being decided: then the page is sent without a look.
        Stage::Begun(begun, from) if matches!(hears, Hears::Page { .. }) && from != bearer.claims.dev => {
            match access_of(app, bearer).await {
                Ok(access) => *looked = Some((begun, access)),
                Err(end) => return Some(end),
            }
            None
        }
        Stage::Proposed(proposal) => {
            let looked = looked.take().filter(|(begun, _)| *begun == proposal.begun);
            propose(app, bearer, hears, &proposal, looked.map(|(_, access)| access), socket).await
        }
        Stage::Begun(..) | Stage::Quiet => None,
    }
}

/// Tells a device what became of its edit. What it sent it need not be sent.
async fn answer(decided: Result<Decided, Problem>, hears: &mut Hears, socket: &mut WebSocket) -> Option<End> {
    let message = match decided {
        Ok(decided) => {
            if let Hears::Page { after, scope } = hears {
                *after = decided.read_by(*after, *scope).unwrap_or(*after);
            }
            Message::Binary(decided.message.into())
        }
        Err(problem) => {
            tracing::debug!(code = ?problem.code(), "an edit was declined");
            let declined = Declined { declined: problem.code() };
            Message::Text(serde_json::to_string(&declined).ok()?.into())
        }
    };
    send(socket, message).await.is_err().then_some(End::Gone)
}

/// Tells the device that the log goes to `head`.
async fn moved_to(
    app: &App,
    bearer: &mut Bearer,
    hears: &mut Hears,
    head: u64,
    socket: &mut WebSocket,
) -> Option<End> {
    let page = match *hears {
        Hears::Nothing => return None,
        Hears::Page { after, .. } if after >= head => return None,
        Hears::Page { after, scope } => {
            *hears = Hears::Nothing;
            match page(app, bearer, head, after, scope).await {
                Ok(page) => page,
                Err(end) => return Some(end),
            }
        }
        Hears::Hints => None,
    };
    let message = match page {
        Some(page) => Message::Binary(page.into()),
        None => Message::Text(serde_json::to_string(&Hint { head }).ok()?.into()),
    };
    send(socket, message).await.is_err().then_some(End::Gone)
}

/// Sends what the server is still writing to a device that has everything before it, and tells whether it stands. Where anything
/// is otherwise than that simple, the device is told once it is written.
async fn propose(
    app: &App,
    bearer: &mut Bearer,
    hears: &mut Hears,
    proposal: &Proposal,
    looked: Option<Access>,
    socket: &mut WebSocket,
) -> Option<End> {
    let Hears::Page { after, scope } = *hears else { return None };
    let head = proposal.change.seq;
    if after + 1 != head || bearer.claims.dev == proposal.from {
        return None;
    }
    let access = match looked {
        Some(access) => access,
        None => match access_of(app, bearer).await {
            Ok(access) => access,
            Err(end) => return Some(end),
        },
    };
    if access.member != bearer.member || access.settings_seq != proposal.settings_seq {
        return None;
    }
    *bearer = Bearer::of(bearer.claims, access);
    let page = proposed(app, bearer, proposal, after, scope).await?;
    *hears = Hears::Nothing;
    if send(socket, Message::Binary(page.into())).await.is_err() {
        return Some(End::Gone);
    }
    let told = if proposal.stands().await {
        serde_json::to_string(&Stands { stands: head })
    } else {
        serde_json::to_string(&Hint { head: after })
    };
    send(socket, Message::Text(told.ok()?.into())).await.is_err().then_some(End::Gone)
}

/// The page of what is proposed, for a device that sees by `scope`; `None` where it sees otherwise now.
async fn proposed(
    app: &App,
    bearer: &Bearer,
    proposal: &Proposal,
    after: u64,
    scope: Hash,
) -> Option<Vec<u8>> {
    let view = view::of(app, bearer).await.ok()?;
    if view.id != scope || !view.reader.scope.private().is_empty() {
        return None;
    }
    let (head, size_bytes) = (proposal.change.seq, proposal.change.change.bytes.len());
    let (changes, documents, withdrawn) = (vec![proposal.change.clone()], Vec::new(), Vec::new());
    let reply = PullReply { changes, cursor: head, head, scope, documents, withdrawn };
    let witness = witness::at(app, bearer.workspace(), head, &proposal.chain).ok()?;
    let packed = Packed { head, frame: pack(reply, size_bytes).await.ok()?, witness };
    packed.is_small().then(|| told(after, &packed, true)).flatten()
}

/// The page that the device would be answered with if it asked now; `None` for one that it had better ask for itself.
async fn page(
    app: &App,
    bearer: &mut Bearer,
    head: u64,
    after: u64,
    scope: Hash,
) -> Result<Option<Vec<u8>>, End> {
    // One for all that are told of this head.
    bearer.head = head;
    // Beside each other: nearly always the bearer is who they were.
    let (access, read) = tokio::join!(access_of(app, bearer), pull::page(app, bearer, after, Some(scope)));
    let access = access?;
    let is_who_they_were = access.member == bearer.member && access.settings_seq == bearer.settings_seq;
    let read = if is_who_they_were {
        read
    } else {
        *bearer = Bearer { head, ..Bearer::of(bearer.claims, access) };
        pull::page(app, bearer, after, Some(scope)).await
    };
    // What cannot be answered here is told to a device that asks.
    let Ok(packed) = read else { return Ok(None) };
    Ok(packed.is_small().then(|| told(after, &packed, false)).flatten())
}

fn told(after: u64, packed: &Packed, is_proposed: bool) -> Option<Vec<u8>> {
    let witness = packed.witness.to_str().ok()?;
    Told { what: What::Page { after, is_proposed }, witness, frame: &packed.frame }.encode().ok()
}

/// Whether the bearer has lost the right to be told, or has another one.
async fn ended(app: &App, bearer: &Bearer) -> Option<End> {
    if app.clock.now() >= bearer.expires_at() {
        return Some(End::Expired);
    }
    match access_of(app, bearer).await {
        Ok(access) => (access.member.role != bearer.member.role).then_some(End::OtherRole),
        Err(end) => Some(end),
    }
}

/// What the bearer may do now.
async fn access_of(app: &App, bearer: &Bearer) -> Result<Access, End> {
    match standing(app.storage.as_ref(), &bearer.claims).await {
        Ok(standing) => standing.map_err(End::Lost),
        Err(error) => {
            tracing::error!(%error, "access could not be read");
            Err(End::Failed)
        }
    }
}

/// Sends a message to a side that may have stopped reading.
async fn send(socket: &mut WebSocket, message: Message) -> Result<(), ()> {
    match tokio::time::timeout(SEND, socket.send(message)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) | Err(_) => Err(()),
    }
}
