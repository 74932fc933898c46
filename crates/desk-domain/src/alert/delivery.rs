//! What becomes of one alert now.

use super::{Alert, AlertSettings, AlertState, Hold, Manner};
use crate::time::UtcMillis;

/// What becomes of an alert's banner now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Nothing more: it was acknowledged, or shown already.
    Done,
    /// It is shown now.
    Show {
        /// With a sound.
        sound: bool,
    },
    /// It is told now with everything else that came in the quiet hours that ended.
    Summary,
    /// It is told now in the digest.
    Digest,
    /// It stands in the list and never comes as a banner.
    ListOnly,
    /// It is looked at again at an instant that lies ahead.
    Hold {
        /// What it waits for.
        by: Hold,
        /// When to look again; later than now.
        until: UtcMillis,
    },
}

/// Decides about an alert's banner.
///
/// It depends on the state and the present alone, not on when it was last asked: whoever asks again after a restart, a jump of
/// the clock or a night's sleep gets what holds now. A snooze comes first, since the member said so of this very alert, and
/// makes a banner of what was only listed or for the digest. Then the rules say how, then quiet hours whether it waits. What
/// waited, and was settled by somebody meanwhile, is only listed.
pub fn delivery(alert: &Alert, settings: &AlertSettings, now: UtcMillis) -> Delivery {
    let state = &alert.state;
    let Some(raised_at) = state.raised_at else { return Delivery::Done };
    if !state.is_pending() {
        return Delivery::Done;
    }
    if let Some(until) = state.snoozed_until.filter(|until| *until > now) {
        return Delivery::Hold { by: Hold::Snooze, until };
    }
    let manner = match (settings.manner(alert), state.snoozed_until) {
        (Manner::List | Manner::Digest, Some(_)) => Manner::Banner,
        (manner, _) => manner,
    };
    let quiet = settings.quiet_until(now).filter(|_| !settings.break_through.lets(alert));
    let unless_quiet = |then: Delivery| quiet.map_or(then, |until| Delivery::Hold { by: Hold::Quiet, until });
    // It waited for the end of quiet hours, or fell due in some that the machine slept through.
    let came_in_quiet = state.held_by == Some(Hold::Quiet)
        || (state.snoozed_until.is_none() && settings.quiet_until(alert.key.due_at).is_some());
    let is_for_summary = came_in_quiet && !settings.break_through.lets(alert);
    let is_settled = alert.is_settled() && state.snoozed_until.is_none();
    let unless_settled = |then: Delivery| if is_settled { Delivery::ListOnly } else { then };
    match manner {
        Manner::List => Delivery::ListOnly,
        Manner::Digest => match settings.digest_after(raised_at) {
            Some(at) if at > now => Delivery::Hold { by: Hold::Digest, until: at },
            // Its digest fell into quiet hours: it comes when they end.
            Some(_) => match settings.quiet_until(now) {
                Some(until) => Delivery::Hold { by: Hold::Digest, until },
                None => unless_settled(Delivery::Digest),
            },
            None => Delivery::ListOnly,
        },
        Manner::Sound | Manner::Banner if is_for_summary => unless_quiet(unless_settled(Delivery::Summary)),
        Manner::Sound => unless_quiet(Delivery::Show { sound: true }),
        Manner::Banner => unless_quiet(Delivery::Show { sound: false }),
    }
}

impl AlertState {
    /// What is to be remembered of a decision, before anything is shown.
    #[must_use]
    pub fn after(self, delivery: Delivery, now: UtcMillis) -> Self {
        match delivery {
            Delivery::Done => self,
            Delivery::Show { .. } | Delivery::Summary | Delivery::Digest | Delivery::ListOnly => {
                Self { notified_at: Some(now), held_by: None, held_until: None, ..self }
            }
            Delivery::Hold { by, until } => Self { held_by: Some(by), held_until: Some(until), ..self },
        }
    }
}
