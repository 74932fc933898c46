//! From the desk's events to the window's.

use desk_api::event::{AlertsChanged, Changed, Event, SignedOut, SyncChanged};
use desk_app::{Desk, DeskEvent};
use desk_domain::ids::DocKind;
use tauri::{AppHandle, Emitter};
use tokio::sync::broadcast::error::RecvError;

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
        DeskEvent::Alerts(open) => emit(app, &AlertsChanged { open }),
        DeskEvent::SignedOut(reason) => emit(app, &SignedOut { reason }),
    }
}

/// Sends an event to the window.
pub(crate) fn emit<E: Event>(app: &AppHandle, event: &E) {
    if let Err(error) = app.emit(E::NAME, event) {
        tracing::warn!(%error, event = E::NAME, "the window was not told");
    }
}
