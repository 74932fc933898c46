//! From the desk's events to the window's.

use std::sync::{Mutex, PoisonError};

use desk_api::event::{AlertsChanged, Changed, Event, SignedOut, SyncChanged};
use desk_app::{Desk, DeskEvent};
use desk_domain::ids::DocKind;
use tauri::{AppHandle, Emitter, Manager};
use tokio::sync::broadcast::error::RecvError;

use crate::tray;

/// Documents that are named one by one; beyond that the window fetches what it shows anyway.
const NAMED: usize = 100;

/// Hands on what happens for as long as the desk is open.
pub(crate) fn forward(app: AppHandle, desk: &Desk) {
    let mut events = desk.events();
    tauri::async_runtime::spawn(async move {
        loop {
            match events.recv().await {
                Ok(event) => tell(&app, event),
                // So much happened that some of it was missed: as if everything had changed.
                Err(RecvError::Lagged(_)) => {
                    emit(&app, &Changed { kinds: DocKind::ALL.to_vec(), docs: Vec::new() });
                }
                Err(RecvError::Closed) => return,
            }
        }
    });
}

fn tell(app: &AppHandle, event: DeskEvent) {
    match event {
        DeskEvent::Changed { kinds, docs } => {
            let docs = if docs.len() > NAMED { Vec::new() } else { docs };
            emit(app, &Changed { kinds, docs });
        }
        DeskEvent::Sync(view) => emit(app, &SyncChanged(*view)),
        DeskEvent::Alerts(open) => {
            tray::count(app, open);
            emit(app, &AlertsChanged { open });
        }
        DeskEvent::SignedOut(reason) => emit(app, &SignedOut { reason }),
    }
}

/// Sends an event to the window.
pub(crate) fn emit<E: Event>(app: &AppHandle, event: &E) {
    if let Err(error) = app.emit(E::NAME, event) {
        tracing::warn!(%error, event = E::NAME, "the window was not told");
    }
}

type Waiting = Box<dyn FnOnce(&AppHandle) + Send>;

/// Whether the page listens, and what is to be told once it does: a window that a banner or a link made has no page yet.
#[derive(Default)]
pub(crate) struct Ear(Mutex<Listening>);

enum Listening {
    /// Not yet. The last of what it was to be told, since a page can show one thing.
    NotYet(Option<Waiting>),
    Yes,
}

impl Default for Listening {
    fn default() -> Self {
        Self::NotYet(None)
    }
}

/// Sends an event to the window, as soon as its page listens.
pub(crate) fn when_heard<E: Event + Send + 'static>(app: &AppHandle, event: E) {
    let ear = app.state::<Ear>();
    let mut listening = ear.0.lock().unwrap_or_else(PoisonError::into_inner);
    match &mut *listening {
        Listening::Yes => {
            drop(listening);
            emit(app, &event);
        }
        Listening::NotYet(waiting) => *waiting = Some(Box::new(move |app| emit(app, &event))),
    }
}

/// The page listens from now on.
pub(crate) fn listens(app: &AppHandle) {
    let ear = app.state::<Ear>();
    let before =
        std::mem::replace(&mut *ear.0.lock().unwrap_or_else(PoisonError::into_inner), Listening::Yes);
    if let Listening::NotYet(Some(waiting)) = before {
        waiting(app);
    }
}
