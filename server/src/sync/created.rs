//! Tickets that came into being: counted with the change that made them, and told to whoever looks for bursts.

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};

use desk_docs::Document;
use desk_domain::{
    detection::{
        RULE_MAX_S,
        burst::{HISTORY_WEEKS, HOUR_MS, NewTicket},
    },
    ids::WorkspaceId,
    time::UtcMillis,
};
use tokio::sync::Notify;

use crate::storage::signals::{CountedTicket, Keep};

/// The longest window in which bursts are looked for, in milliseconds: a day.
const WINDOW_MS: i64 = 24 * HOUR_MS;

/// How long tickets stand by themselves, and how long they are counted: a window and an hour; the history, a week and a
/// window more.
pub fn keep(now: UtcMillis) -> Keep {
    let week_h = i64::from(RULE_MAX_S / 3600);
    let hours = (i64::from(HISTORY_WEEKS) + 1) * week_h + 2 * WINDOW_MS / HOUR_MS;
    Keep { tickets_since: now.plus_ms(-WINDOW_MS - HOUR_MS), hours_since: now.0.div_euclid(HOUR_MS) - hours }
}

/// A ticket as it is counted; `None` for any other document.
pub fn counted(document: &Document) -> Option<CountedTicket> {
    let beginning = document.beginning()?;
    Some(CountedTicket {
        category: beginning.category.unwrap_or_default(),
        ticket: NewTicket { id: document.id(), created_at: beginning.created_at, title: beginning.title },
    })
}

/// Which categories got new tickets since somebody looked. Of this process alone: what another accepted, that one looks at.
#[derive(Debug, Default)]
pub struct Created {
    seen: Mutex<BTreeSet<(WorkspaceId, String)>>,
    told: Notify,
}

impl Created {
    /// Tells of tickets that were accepted. Those of long ago (an import) make no burst.
    pub(super) fn tell(&self, workspace: WorkspaceId, tickets: &[CountedTicket], now: UtcMillis) {
        let since = keep(now).tickets_since;
        let recent = tickets.iter().filter(|counted| counted.ticket.created_at >= since);
        let categories: Vec<_> = recent.map(|counted| (workspace, counted.category.clone())).collect();
        if categories.is_empty() {
            return;
        }
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).extend(categories);
        self.told.notify_one();
    }

    /// Waits until there is something to look at.
    pub async fn wait(&self) {
        self.told.notified().await;
    }

    /// What is to be looked at; it counts as looked at from now on.
    pub fn take(&self) -> BTreeSet<(WorkspaceId, String)> {
        std::mem::take(&mut *self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
