//! What must have been raised, computed a second time and naively: no calendar, clock, timeline, schedule or escalation of the
//! code under test is asked. Only the words (keys, statuses, documents as read) are shared.

mod incident;
mod ticket;
mod windows;

use desk_domain::{alert::AlertKey, ids::MemberId, time::UtcMillis};

pub(crate) use incident::{Paged, incident};
pub(crate) use ticket::ticket;
pub(crate) use windows::Windows;

/// An alert that somebody must hear of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Due {
    pub(crate) key: AlertKey,
    /// From when to when it stood there to be raised, both included; more than once where it went and came again.
    pub(crate) spans: Vec<(UtcMillis, UtcMillis)>,
    /// Whose business it was when it was first to be raised.
    pub(crate) members: Vec<MemberId>,
}

impl Due {
    /// When it was first to be raised: its instant, or later where something that happened put that into the past.
    pub(crate) fn since(&self) -> UtcMillis {
        self.spans.first().map_or(self.key.due_at, |(from, _)| *from)
    }

    /// Whether it stood there at an instant, that of its end included.
    pub(crate) fn stood_at(&self, at: UtcMillis) -> bool {
        self.spans.iter().any(|(from, until)| (*from..=*until).contains(&at))
    }

    /// Whether it stood there at an instant and went on standing.
    pub(crate) fn stood_on_at(&self, at: UtcMillis) -> bool {
        self.spans.iter().any(|(from, until)| (*from..*until).contains(&at))
    }
}
