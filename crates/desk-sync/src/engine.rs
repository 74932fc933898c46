//! When to push, pull, listen and wait. The driver (`desk-app`) asks [`Engine::next`] what to do, does it, and tells
//! the engine how it went; the engine never waits and never does two things at once.
//!
//! - Everything local goes out before anything is fetched: what a person just did reaches the others first.
//! - A failure that may pass (no network, a server restarting) is tried again after a growing, jittered pause; one
//!   that needs a person (session over, an update) stops the engine until it is told to go on.
//! - The live connection tells that the head moved, or brings what a pull would have: that counts as pulled. While it is down,
//!   the engine asks from time to time.

use desk_domain::time::UtcMillis;

/// The first pause after a failure.
pub const BACKOFF_FIRST_MS: i64 = 500;
/// The longest pause between attempts.
pub const BACKOFF_MAX_MS: i64 = 30_000;
/// How often to ask for news while there is no live connection.
pub const POLL_MS: i64 = 15_000;

/// What the driver is to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Send a batch of the outbox, then call [`Engine::pushed`] or [`Engine::failed`].
    Push,
    /// Get the workspace from segments, then call [`Engine::bootstrapped`] or [`Engine::failed`].
    Bootstrap,
    /// Fetch what comes after the cursor, then call [`Engine::pulled`] or [`Engine::failed`].
    Pull,
    /// Open the live connection, then call [`Engine::live_up`] or [`Engine::live_down`].
    Listen,
    /// Nothing until something happens, or until the instant.
    Wait {
        /// When to ask again even if nothing happens.
        until: Option<UtcMillis>,
    },
}

/// What kind of failure it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// It may pass by itself: no network, a time-out, a server error, an answer that is no answer.
    Passing,
    /// It needs a person: the session is over, the program is too old, the device was revoked.
    Final,
}

/// Whether the server can be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Link {
    /// Not known yet, or the last exchange went well.
    Up,
    /// The last exchange failed.
    Down { since: UtcMillis, failures: u32, retry_at: UtcMillis },
}

/// The live connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Live {
    Up,
    Down { failures: u32, retry_at: UtcMillis },
}

/// The state of sync on a device.
#[expect(clippy::struct_excessive_bools, reason = "each says of one thing whether it is to be done")]
#[derive(Clone, Debug)]
pub struct Engine {
    cursor: u64,
    head: Option<u64>,
    /// The newest head that this live connection hinted at. An answer that left the server before the hint does not
    /// make it forgotten.
    hinted: u64,
    push: bool,
    bootstrap: bool,
    pull: bool,
    link: Link,
    live: Live,
    /// When to ask for news by itself; never while there is a live connection.
    poll_at: Option<UtcMillis>,
    stopped: bool,
    synced_at: Option<UtcMillis>,
}

impl Engine {
    /// A device that has everything up to `cursor` and, if `unsent`, edits in its outbox.
    pub fn new(cursor: u64, unsent: bool, synced_at: Option<UtcMillis>) -> Self {
        Self {
            cursor,
            head: None,
            hinted: 0,
            push: unsent,
            bootstrap: false,
            pull: true,
            link: Link::Up,
            live: Live::Down { failures: 0, retry_at: UtcMillis(i64::MIN) },
            poll_at: None,
            stopped: false,
            synced_at,
        }
    }

    /// The same device, but new: it gets the workspace from segments before it reads the log.
    #[must_use]
    pub fn from_segments(mut self) -> Self {
        self.bootstrap = true;
        self
    }

    /// What to do now.
    pub fn next(&self, now: UtcMillis) -> Action {
        if self.stopped {
            return Action::Wait { until: None };
        }
        if let Link::Down { retry_at, .. } = self.link
            && !has_come(retry_at, BACKOFF_MAX_MS, now)
        {
            return Action::Wait { until: Some(retry_at) };
        }
        if self.push {
            return Action::Push;
        }
        if self.bootstrap {
            return Action::Bootstrap;
        }
        if self.pull || self.poll_at.is_some_and(|at| has_come(at, POLL_MS, now)) {
            return Action::Pull;
        }
        match self.live {
            Live::Up => Action::Wait { until: None },
            Live::Down { retry_at, .. } if has_come(retry_at, BACKOFF_MAX_MS, now) => Action::Listen,
            Live::Down { retry_at, .. } => {
                Action::Wait { until: Some(self.poll_at.map_or(retry_at, |poll_at| retry_at.min(poll_at))) }
            }
        }
    }

    /// An edit went into the outbox.
    pub fn edited(&mut self) {
        self.push = true;
    }

    /// A batch was sent and judged; `more` edits wait in the outbox. Where nothing else stands in the log up to `read`, that is
    /// how far it is read now (see [`read_by`](crate::push::read_by)).
    pub fn pushed(&mut self, now: UtcMillis, head: u64, more: bool, read: Option<u64>) {
        self.reached(now);
        self.push = more;
        if let Some(cursor) = read {
            self.cursor = cursor;
            self.pull = cursor < self.hinted;
        }
        self.heard(head);
        self.level(now);
    }

    /// The segments are in; the log is to be read after `cursor`.
    pub fn bootstrapped(&mut self, now: UtcMillis, cursor: u64) {
        self.reached(now);
        self.bootstrap = false;
        self.cursor = cursor;
        self.pull = true;
    }

    /// A batch was received and stored.
    pub fn pulled(&mut self, now: UtcMillis, cursor: u64, head: u64) {
        self.reached(now);
        self.cursor = cursor;
        self.head = Some(head);
        self.pull = cursor < head.max(self.hinted);
        self.level(now);
    }

    /// The live connection hints at a head.
    pub fn hinted(&mut self, head: u64) {
        self.hinted = self.hinted.max(head);
        self.heard(head);
    }

    /// The live connection brought something of which it is not known whether it stands in the log.
    pub fn doubted(&mut self) {
        self.pull = true;
    }

    /// The live connection stands. What happened while it did not is fetched.
    pub fn live_up(&mut self, now: UtcMillis) {
        self.live = Live::Up;
        self.hinted = 0;
        self.pull = true;
        self.reached(now);
    }

    /// The live connection ended or could not be opened. `jitter` is between 0 and 1.
    pub fn live_down(&mut self, now: UtcMillis, jitter: f64) {
        let failures = match self.live {
            Live::Up => 0,
            Live::Down { failures, .. } => failures.saturating_add(1),
        };
        self.live = Live::Down { failures, retry_at: now.plus_ms(pause_ms(failures, jitter)) };
        // The next connection may lead to a server that was restored from a backup and has less.
        self.hinted = 0;
        // What broke the connection may have broken more: ask, and learn whether the server is there.
        self.pull = self.pull || failures == 0;
    }

    /// An exchange failed. `jitter` is between 0 and 1.
    pub fn failed(&mut self, now: UtcMillis, failure: Failure, jitter: f64) {
        match failure {
            Failure::Final => self.stopped = true,
            Failure::Passing => {
                let (since, failures) = match self.link {
                    Link::Up => (now, 0),
                    Link::Down { since, failures, .. } => (since, failures.saturating_add(1)),
                };
                self.link = Link::Down { since, failures, retry_at: now.plus_ms(pause_ms(failures, jitter)) };
                self.pull = true;
            }
        }
    }

    /// The person asked for it, the network came back, or somebody signed in again: go on at once.
    pub fn resume(&mut self) {
        self.stopped = false;
        self.pull = true;
        if let Link::Down { since, failures, .. } = self.link {
            self.link = Link::Down { since, failures, retry_at: UtcMillis(i64::MIN) };
        }
        if let Live::Down { failures, .. } = self.live {
            self.live = Live::Down { failures, retry_at: UtcMillis(i64::MIN) };
        }
    }

    /// The last number of the log that this device has.
    pub fn cursor(&self) -> u64 {
        self.cursor
    }

    /// Since when the server cannot be reached.
    pub fn offline_since(&self) -> Option<UtcMillis> {
        match self.link {
            Link::Up => None,
            Link::Down { since, .. } => Some(since),
        }
    }

    /// When everything was last level with the server.
    pub fn synced_at(&self) -> Option<UtcMillis> {
        self.synced_at
    }

    /// It will not go on without a person.
    pub fn is_stopped(&self) -> bool {
        self.stopped
    }

    /// Nothing is left to send or fetch.
    pub fn is_level(&self) -> bool {
        !self.push && !self.bootstrap && !self.pull
    }

    fn reached(&mut self, now: UtcMillis) {
        if matches!(self.link, Link::Down { .. }) {
            self.link = Link::Up;
            // The way is free again: the live connection need not wait out its pause.
            if let Live::Down { failures, .. } = self.live {
                self.live = Live::Down { failures, retry_at: UtcMillis(i64::MIN) };
            }
        }
        self.poll_at = Some(now.plus_ms(POLL_MS));
    }

    fn heard(&mut self, head: u64) {
        self.head = Some(self.head.map_or(head, |known| known.max(head)));
        if head > self.cursor {
            self.pull = true;
        }
    }

    fn level(&mut self, now: UtcMillis) {
        if self.is_level() {
            self.synced_at = Some(now);
        }
        if self.live == Live::Up {
            self.poll_at = None;
        }
    }
}

/// Whether an instant has come that is set at most `longest_ms` ahead. One that is further ahead was set before the clock was put
/// back, perhaps by hours: nobody is to wait for it.
fn has_come(at: UtcMillis, longest_ms: i64, now: UtcMillis) -> bool {
    now >= at || at.since(now) > longest_ms
}

/// The pause after the given number of earlier failures: doubling, capped, and spread over its upper half so that
/// devices that lost one server together do not come back together.
fn pause_ms(failures: u32, jitter: f64) -> i64 {
    let full = BACKOFF_FIRST_MS.saturating_mul(1_i64 << failures.min(16)).min(BACKOFF_MAX_MS);
    let half = full / 2;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        reason = "at most BACKOFF_MAX_MS"
    )]
    let spread = (half as f64 * jitter.clamp(0.0, 1.0)) as i64;
    half + spread
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const T: UtcMillis = UtcMillis(1_000_000);

    fn level() -> Engine {
        let mut engine = Engine::new(0, false, None);
        engine.pulled(T, 5, 5);
        engine.live_up(T);
        engine.pulled(T, 5, 5);
        engine
    }

    #[test]
    fn what_may_not_stand_is_asked_for_once() {
        let mut engine = level();
        engine.doubted();
        assert_eq!(engine.next(T), Action::Pull);
        engine.pulled(T, 5, 5);
        assert_eq!(engine.next(T), Action::Wait { until: None });
    }

    #[test]
    fn a_device_pulls_listens_and_then_waits() {
        let mut engine = Engine::new(0, false, None);
        assert_eq!(engine.next(T), Action::Pull);
        engine.pulled(T, 3, 5);
        assert_eq!(engine.next(T), Action::Pull, "a batch is not the whole");
        engine.pulled(T, 5, 5);
        assert_eq!(engine.next(T), Action::Listen);
        engine.live_up(T);
        assert_eq!(engine.next(T), Action::Pull, "what happened before the connection stood");
        engine.pulled(T, 5, 5);
        assert_eq!(engine.next(T), Action::Wait { until: None });
        assert_eq!(engine.synced_at(), Some(T));
    }

    #[test]
    fn a_clock_that_is_put_back_holds_nothing_up() {
        let before = T.plus_ms(-3 * 3_600_000);
        let mut engine = Engine::new(0, false, None);
        engine.failed(T, Failure::Passing, 1.0);
        assert!(matches!(engine.next(T), Action::Wait { until: Some(_) }));
        assert_eq!(engine.next(before), Action::Pull);

        let mut engine = Engine::new(0, false, None);
        engine.pulled(T, 5, 5);
        engine.live_down(T, 1.0);
        engine.pulled(T, 5, 5);
        assert!(matches!(engine.next(T), Action::Wait { until: Some(_) }));
        assert_eq!(engine.next(before), Action::Pull, "it asks for news");
        engine.pulled(before, 5, 5);
        assert_eq!(engine.next(before), Action::Listen);
    }

    #[test]
    fn an_edit_goes_out_before_anything_comes_in() {
        let mut engine = level();
        engine.edited();
        engine.hinted(9);
        assert_eq!(engine.next(T), Action::Push);
        engine.pushed(T, 10, false, None);
        assert_eq!(engine.next(T), Action::Pull);
        assert!(!engine.is_level());
    }

    #[test]
    fn a_device_does_not_fetch_what_it_sent_itself() {
        let mut engine = level();
        engine.edited();
        engine.hinted(6);
        engine.pushed(T, 6, false, Some(6));
        assert_eq!((engine.next(T), engine.cursor()), (Action::Wait { until: None }, 6));
        engine.edited();
        engine.hinted(8);
        engine.pushed(T, 7, false, Some(7));
        assert_eq!(engine.next(T), Action::Pull, "somebody else's came after it");
    }

    #[test]
    fn a_new_device_begins_with_segments() {
        let mut engine = Engine::new(0, true, None).from_segments();
        assert_eq!(engine.next(T), Action::Push, "what the person did meanwhile goes out first");
        engine.pushed(T, 7, false, None);
        assert_eq!(engine.next(T), Action::Bootstrap);
        engine.failed(T, Failure::Passing, 1.0);
        let Action::Wait { until: Some(until) } = engine.next(T) else { panic!("no pause") };
        assert_eq!(engine.next(until), Action::Bootstrap);
        engine.bootstrapped(until, 5);
        assert_eq!(engine.next(until), Action::Pull);
        engine.pulled(until, 7, 7);
        assert!(engine.is_level());
    }

    #[test]
    fn a_hint_of_what_is_known_costs_nothing() {
        let mut engine = level();
        engine.hinted(5);
        assert_eq!(engine.next(T), Action::Wait { until: None });
        engine.hinted(6);
        assert_eq!(engine.next(T), Action::Pull);
    }

    #[test]
    fn a_hint_that_overtakes_an_answer_is_not_forgotten() {
        let mut engine = level();
        engine.hinted(6);
        assert_eq!(engine.next(T), Action::Pull);
        engine.hinted(7);
        engine.pulled(T, 6, 6);
        assert_eq!(engine.next(T), Action::Pull, "the answer left before the second hint");
        engine.pulled(T, 7, 7);
        assert_eq!(engine.next(T), Action::Wait { until: None });
    }

    #[test]
    fn without_a_network_the_pauses_grow_to_a_limit_and_the_edit_waits() {
        let mut engine = level();
        engine.edited();
        let mut now = T;
        let mut pauses = Vec::new();
        for _ in 0..10 {
            assert_eq!(engine.next(now), Action::Push);
            engine.failed(now, Failure::Passing, 1.0);
            let Action::Wait { until: Some(until) } = engine.next(now) else { panic!("no pause") };
            pauses.push(until.since(now));
            now = until;
        }
        assert_eq!(pauses[..4], [500, 1000, 2000, 4000]);
        assert_eq!(pauses[9], BACKOFF_MAX_MS);
        assert_eq!(engine.offline_since(), Some(T));
        engine.pushed(now, 6, false, None);
        assert_eq!(engine.offline_since(), None);
    }

    #[test]
    fn asking_for_sync_ends_the_pause() {
        let mut engine = level();
        engine.edited();
        engine.failed(T, Failure::Passing, 1.0);
        engine.resume();
        assert_eq!(engine.next(T), Action::Push);
    }

    #[test]
    fn what_needs_a_person_stops_until_one_comes() {
        let mut engine = level();
        engine.edited();
        engine.failed(T, Failure::Final, 0.0);
        assert_eq!(engine.next(T.plus_ms(10_000_000)), Action::Wait { until: None });
        engine.resume();
        assert_eq!(engine.next(T), Action::Push);
    }

    #[test]
    fn without_a_live_connection_it_asks_from_time_to_time() {
        let mut engine = level();
        engine.live_down(T, 0.0);
        assert_eq!(engine.next(T), Action::Pull);
        engine.pulled(T, 5, 5);
        let mut now = T;
        let mut pulls = 0;
        while now < T.plus_ms(120_000) {
            match engine.next(now) {
                Action::Listen => engine.live_down(now, 1.0),
                Action::Pull => {
                    pulls += 1;
                    engine.pulled(now, 5, 5);
                }
                Action::Wait { until: Some(until) } => now = until,
                other => panic!("{other:?}"),
            }
        }
        assert!((7..=10).contains(&pulls), "{pulls} pulls in two minutes");
    }

    proptest! {
        #[test]
        fn pauses_are_spread_and_bounded(failures in 0u32..100, jitter in 0.0f64..=1.0) {
            let pause = pause_ms(failures, jitter);
            prop_assert!((BACKOFF_FIRST_MS / 2..=BACKOFF_MAX_MS).contains(&pause));
        }

        /// Whatever happens, an engine that is neither stopped nor level has something to do or an instant to wait for.
        #[test]
        fn it_never_falls_asleep_with_work_left(script in proptest::collection::vec(0u8..9, 0..60)) {
            let mut engine = Engine::new(0, true, None);
            let mut now = T;
            for step in script {
                match step {
                    0 => engine.edited(),
                    1 => engine.pushed(now, 7, false, None),
                    2 => engine.pushed(now, 9, true, None),
                    3 => engine.pulled(now, 7, 9),
                    4 => engine.hinted(12),
                    5 => engine.live_up(now),
                    6 => engine.live_down(now, 0.5),
                    7 => engine.failed(now, Failure::Passing, 0.5),
                    _ => now = now.plus_ms(400),
                }
                if !engine.is_level() {
                    prop_assert_ne!(engine.next(now), Action::Wait { until: None });
                }
            }
        }
    }
}
