//! An edit that a device sends on its live connection while it is still writing it: decided meanwhile, it counts once the device
//! says that it is on its disk. The way of a request there and back takes as long as the disk does.
//!
//! Whatever is not as simple as that is declined, and nothing of it stands: the device pushes it then.

use axum::{body::Bytes, http::HeaderValue};
use desk_api::{ErrorCode, rest::Kept};
use desk_domain::time::UtcMillis;
use desk_sync::{
    live::{Told, What},
    push::read_by,
    wire::{Hash, PushReply, Verdict},
};
use futures::{FutureExt, future::BoxFuture};
use tokio::sync::oneshot;

use super::{
    App, Problem,
    bearer::Bearer,
    push::{open, pack, unreadable},
    witness,
};
use crate::auth::token::Claims;

/// An edit that is being decided.
pub(super) struct Coming<'a> {
    /// Dropped, it says that its device will not have it.
    kept: Option<oneshot::Sender<()>>,
    decided: BoxFuture<'a, Result<Decided, Problem>>,
}

/// What became of it.
pub(super) struct Decided {
    reply: PushReply,
    /// For its device.
    pub(super) message: Vec<u8>,
}

impl Decided {
    /// How far the log is read by this, for a device that has everything up to `after` under this scope. By the rule that the device
    /// goes by, too.
    pub(super) fn read_by(&self, after: u64, scope: Hash) -> Option<u64> {
        read_by(&self.reply, after, Some(scope))
    }
}

impl<'a> Coming<'a> {
    /// Begins to decide what a device sent.
    pub(super) fn begin(app: &'a App, claims: Claims, message: Bytes) -> Self {
        let (tell, kept) = oneshot::channel();
        Self { kept: Some(tell), decided: decide(app, claims, message, kept).boxed() }
    }

    /// Its device says whether it has it on its disk.
    pub(super) fn keep(&mut self, Kept { kept }: Kept) {
        if let Some(tell) = self.kept.take()
            && kept
        {
            // Where it was declined already, nobody waits for it.
            let _ = tell.send(());
        }
    }

    /// What became of it.
    ///
    /// # Errors
    /// When it is declined.
    pub(super) async fn decided(&mut self) -> Result<Decided, Problem> {
        self.decided.as_mut().await
    }
}

async fn decide(
    app: &App,
    claims: Claims,
    message: Bytes,
    kept: oneshot::Receiver<()>,
) -> Result<Decided, Problem> {
    let (workspace, device) = (claims.ws, claims.dev);
    let Told { what, witness: shown, frame } = Told::decode(&message).map_err(|error| unreadable(&error))?;
    if what != What::Edit {
        return Err(Problem::new(ErrorCode::BadRequest, "a device sends edits here, and nothing else"));
    }
    let shown = if shown.is_empty() { None } else { Some(shown_by(shown)?) };
    let changes = open(frame, app.limits.push_changes)?;
    if changes.iter().any(|incoming| incoming.is_by_another(device)) {
        return Err(Problem::new(ErrorCode::BadRequest, "what another device made is pushed by a request"));
    }
    let (admit, admitted) = oneshot::channel();
    let admitting = async {
        let standing = async {
            match &shown {
                Some(shown) => witness::hold_shown(app, workspace, shown).await,
                None => Ok(()),
            }
        };
        let (bearer, standing) = tokio::join!(Bearer::now(app, claims), standing);
        bearer?;
        standing?;
        // Who was not to be waited for may have decided already that it is not kept.
        let _ = admit.send(());
        Ok::<_, Problem>(())
    };
    let kept = async { admitted.await.is_ok() && kept.await.is_ok() };
    // Beside each other, since an edit waits for all of it; the first that fails is the answer.
    let pushing = app.hub.push_ahead(workspace, device, app.clock.now(), changes, kept);
    let (admitted, reply) = tokio::join!(admitting, pushing);
    admitted?;
    let reply = reply?;
    tracing::info!(workspace.id = %workspace, device.id = %device, sync.seq = reply.head, "pushed ahead");
    let witness = witness::of(app, workspace, reply.head).await?;
    let frame = pack(reply.clone(), reply.verdicts.len() * size_of::<Verdict>()).await?;
    let UtcMillis(now) = app.clock.now();
    let what = What::Verdicts { sent_at_ms: u64::try_from(now).unwrap_or_default() };
    let witness = witness.to_str().map_err(|error| Problem::internal(&error))?;
    let message =
        Told { what, witness, frame: &frame }.encode().map_err(|error| Problem::internal(&error))?;
    Ok(Decided { reply, message })
}

fn shown_by(witness: &str) -> Result<HeaderValue, Problem> {
    HeaderValue::try_from(witness)
        .map_err(|_| Problem::new(ErrorCode::BadRequest, "what the device shows of the log is no proof"))
}
