//! The scheduler: raises alerts when they fall due and shows their banners when the member wants them.

use std::{collections::HashSet, sync::Arc, time::Duration};

use desk_api::ApiError;
use desk_domain::{
    alert::{Alert, AlertKey, BurstGuard, Delivery, Notice, delivery, digest, notices, quiet_summary},
    time::UtcMillis,
};
use desk_store::{AlertDecision, Batch};
use tokio::{sync::watch, task::JoinHandle};

use crate::{Desk, error, notice::Notifier};

/// How often the wall clock is compared with the instant that is waited for. Timers stand still while a laptop sleeps and know
/// nothing of a clock that is set; a look at the clock each second costs a few microseconds and reads nothing.
const TICK: Duration = Duration::from_secs(1);
/// How long at most until the store is looked at again: another process may have written to it.
const LONGEST_PAUSE_MS: i64 = 30_000;
/// A clock that went back by more than this was set; the correction of its drift is no reason to look again.
const SET_BACK_MS: i64 = 1_000;

/// The running scheduler. Dropping it ends the task.
pub struct AlertScheduler {
    task: JoinHandle<()>,
}

impl Drop for AlertScheduler {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Desk {
    /// Raises alerts when they fall due, for as long as what comes back is kept.
    pub fn start_alerts(&self, notifier: Arc<dyn Notifier>) -> AlertScheduler {
        let mut moved = self.inner.deadlines_moved.subscribe();
        let mut watch = Watch {
            desk: self.clone(),
            notifier,
            guard: BurstGuard::default(),
            standing: HashSet::new(),
            told: None,
        };
        let task = tokio::spawn(async move {
            loop {
                moved.mark_unchanged();
                let next = watch.look().await.unwrap_or_else(|problem| {
                    tracing::warn!(code = ?problem.code, "alerts: {problem}");
                    None
                });
                if !watch.wait(next, &mut moved).await {
                    return;
                }
            }
        });
        AlertScheduler { task }
    }
}

struct Watch {
    desk: Desk,
    notifier: Arc<dyn Notifier>,
    guard: BurstGuard,
    /// Alerts whose banner may still be on the screen.
    standing: HashSet<AlertKey>,
    /// The number of open alerts that was last told.
    told: Option<u32>,
}

impl Watch {
    /// Waits until it is to be looked again; `false` when the desk is gone.
    async fn wait(&self, next: Option<UtcMillis>, moved: &mut watch::Receiver<u64>) -> bool {
        let mut last = self.desk.now();
        let latest = last.plus_ms(LONGEST_PAUSE_MS);
        let next = next.map_or(latest, |next| next.min(latest));
        loop {
            let left = Duration::from_millis(u64::try_from(next.since(last)).unwrap_or(0));
            tokio::select! {
                () = tokio::time::sleep(left.min(TICK)) => {
                    let now = self.desk.now();
                    if now >= next || last.since(now) > SET_BACK_MS {
                        return true;
                    }
                    last = now;
                }
                changed = moved.changed() => return changed.is_ok(),
            }
        }
    }

    /// Raises what is due, shows what is to be shown now, takes away what was settled elsewhere; says when the next alert is
    /// to be looked at. Each is written down as raised, then as shown, and only then shown: no banner ever comes twice. One
    /// that a crash kept from being written down as shown comes at the next start; a crash in the instant after that leaves it
    /// to the list of alerts.
    async fn look(&mut self) -> Result<Option<UtcMillis>, ApiError> {
        let desk = self.desk.clone();
        let now = desk.now();
        if desk.read_only().is_some() || !desk.alerts_settled().await? {
            return Ok(None);
        }
        let next_step = desk.escalate_here(now).await?;
        let store = desk.store();
        let due = store.deadlines_until(now).await.map_err(error::store)?;
        let mut changed = !due.is_empty();
        if changed {
            let alerts = desk.raised(due, now, false);
            store.commit(&Batch { alerts, ..Batch::default() }).await.map_err(error::store)?;
        }
        self.take_away(now).await?;
        let pending = store.alerts_pending().await.map_err(error::store)?;
        let next = store.next_deadline_after(now).await.map_err(error::store)?;
        let mut next = [next, next_step].into_iter().flatten().min();
        if !pending.is_empty() {
            let settings = desk.alert_settings().await?;
            let decided: Vec<(Alert, Delivery)> = pending
                .into_iter()
                .map(|alert| {
                    let delivery = delivery(&alert, &settings, now);
                    (alert, delivery)
                })
                .collect();
            for (_, delivery) in &decided {
                if let Delivery::Hold { until, .. } = delivery {
                    next = Some(next.map_or(*until, |next| next.min(*until)));
                }
            }
            changed |= self.carry_out(decided, now).await?;
        }
        let open = desk.open_alerts().await?;
        if changed || self.told != Some(open) {
            self.told = Some(open);
            desk.emit(crate::DeskEvent::Alerts(open));
        }
        Ok(next)
    }

    /// Keeps decisions and shows what they say; `true` when the list of alerts looks otherwise now.
    async fn carry_out(&mut self, decided: Vec<(Alert, Delivery)>, now: UtcMillis) -> Result<bool, ApiError> {
        let decisions: Vec<AlertDecision> = decided
            .iter()
            .map(|(alert, delivery)| AlertDecision {
                key: alert.key.clone(),
                was: alert.state,
                is: alert.state.after(*delivery, now),
            })
            .filter(|decision| decision.was != decision.is)
            .collect();
        if decisions.is_empty() {
            return Ok(false);
        }
        let kept = self.desk.store().decide(&decisions).await.map_err(error::store)?;
        let kept: HashSet<AlertKey> = kept.into_iter().collect();
        let (mut now_shown, mut after_quiet, mut in_digest) = (Vec::new(), Vec::new(), Vec::new());
        for (alert, delivery) in decided.into_iter().filter(|(alert, _)| kept.contains(&alert.key)) {
            match delivery {
                Delivery::Show { sound } => now_shown.push((alert, sound)),
                Delivery::Summary => after_quiet.push(alert),
                Delivery::Digest => in_digest.push(alert),
                Delivery::Done | Delivery::ListOnly | Delivery::Hold { .. } => {}
            }
        }
        let banners = notices(&now_shown, &mut self.guard, now)
            .into_iter()
            .chain(quiet_summary(&after_quiet, now))
            .chain(digest(&in_digest, now));
        for banner in banners {
            self.show(banner);
        }
        Ok(!kept.is_empty())
    }

    fn show(&mut self, banner: Notice) {
        self.standing.extend(banner.keys.iter().cloned());
        self.notifier.show(banner);
    }

    /// Withdraws the banners of what was acknowledged or put off since, here or elsewhere.
    async fn take_away(&mut self, now: UtcMillis) -> Result<(), ApiError> {
        if self.standing.is_empty() {
            return Ok(());
        }
        let standing: Vec<AlertKey> = self.standing.iter().cloned().collect();
        let settled = self.desk.store().alerts_settled(&standing, now).await.map_err(error::store)?;
        if !settled.is_empty() {
            self.standing.retain(|key| !settled.contains(key));
            self.guard.forget(&settled);
            self.notifier.withdraw(&settled);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::{
        collections::BTreeSet,
        sync::{Mutex, PoisonError},
        time::Instant,
    };

    use desk_api::call::CreateIncident;
    use desk_domain::{
        alert::{AlertRule, AlertSettings, NoticeText, QuietWindow, TimeOfDay, Weekday},
        edit::NewTicket,
        escalation,
        incident::Severity,
        ticket::{Priority, Visibility},
    };

    use super::*;
    use crate::{Config, secrets::NoKeychain};

    const MINUTE_MS: i64 = 60_000;

    /// What was shown, and what was withdrawn.
    #[derive(Default)]
    struct Screen {
        shown: Mutex<Vec<Notice>>,
        withdrawn: Mutex<Vec<AlertKey>>,
    }

    impl Notifier for Screen {
        fn show(&self, notice: Notice) {
            self.shown.lock().unwrap_or_else(PoisonError::into_inner).push(notice);
        }

        fn withdraw(&self, settled: &[AlertKey]) {
            self.withdrawn.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(settled);
        }
    }

    impl Screen {
        fn shown(&self) -> Vec<Notice> {
            self.shown.lock().unwrap_or_else(PoisonError::into_inner).clone()
        }

        async fn wait_for(&self, count: usize) -> Vec<Notice> {
            let waited = wait(|| Some(self.shown()).filter(|shown| shown.len() >= count)).await;
            let shown = waited.unwrap_or_else(|| panic!("only {:?}", self.shown()));
            assert_eq!(shown.len(), count, "{shown:?}");
            shown
        }
    }

    async fn wait<T>(mut look: impl FnMut() -> Option<T>) -> Option<T> {
        let until = Instant::now() + Duration::from_secs(20);
        while Instant::now() < until {
            if let Some(found) = look() {
                return Some(found);
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        None
    }

    struct World {
        dir: tempfile::TempDir,
        desk: Desk,
        screen: Arc<Screen>,
        scheduler: AlertScheduler,
    }

    impl World {
        async fn new() -> Self {
            let dir = tempfile::tempdir().expect("a folder");
            let desk = open(dir.path()).await;
            desk.init("Одна", "me@example.org").await.expect("a workspace");
            let screen = Arc::new(Screen::default());
            let scheduler = desk.start_alerts(screen.clone());
            Self { dir, desk, screen, scheduler }
        }

        /// A critical ticket's deadlines: warnings of the first response, then its breach.
        async fn critical(&self) -> Vec<Alert> {
            let ticket =
                NewTicket { priority: Priority::Critical, ..titled("Сервер не отвечает") };
            let made = self.desk.create_ticket(ticket).await.expect("a ticket");
            let alerts =
                self.desk.alerts_by(self.desk.now().plus_ms(16 * MINUTE_MS)).await.expect("deadlines");
            alerts.into_iter().filter(|alert| alert.key.subject == made.ticket.id).collect()
        }

        /// Sets the clock, as a laptop's is that slept, or one that somebody set.
        fn set_clock(&self, now: UtcMillis) {
            let clock = &self.desk.inner.clock;
            clock.set_offset_ms(clock.offset_ms() + now.since(self.desk.now()));
        }

        /// The same device after the program was killed, with a new screen.
        async fn restart(self) -> Self {
            let Self { dir, desk, screen: _, scheduler } = self;
            let offset = desk.inner.clock.offset_ms();
            drop(scheduler);
            desk.close().await;
            let desk = open(dir.path()).await;
            desk.inner.clock.set_offset_ms(offset);
            let screen = Arc::new(Screen::default());
            let scheduler = desk.start_alerts(screen.clone());
            Self { dir, desk, screen, scheduler }
        }

        /// Waits until the scheduler has looked at least once more.
        async fn looked(&self) {
            let before = self.desk.inner.deadlines_moved.borrow().to_owned();
            let mut events = self.desk.events();
            self.desk.mark_alerts_read().await.expect("marks");
            assert!(*self.desk.inner.deadlines_moved.borrow() > before);
            // Told by the mark itself at least; what follows it is decided by then or within the next moments.
            events.recv().await.expect("an event");
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    }

    async fn open(dir: &std::path::Path) -> Desk {
        let config = Config { data_dir: dir.join("data"), keychain: Box::new(NoKeychain), must_exist: false };
        Desk::open(config).await.expect("opens")
    }

    fn titled(title: &str) -> NewTicket {
        serde_json::from_value(serde_json::json!({ "title": title })).expect("a ticket")
    }

    fn rules(notice: &Notice) -> Vec<AlertRule> {
        match &notice.text {
            NoticeText::Subject { rules, .. } => rules.clone(),
            NoticeText::Many(_) | NoticeText::AfterQuiet(_) | NoticeText::Digest(_) => Vec::new(),
        }
    }

    #[tokio::test]
    async fn an_alert_comes_within_a_second_also_after_the_machine_slept() {
        let world = World::new().await;
        let due = world.critical().await;
        assert_eq!(due.len(), 3, "{due:?}");
        // The timer was set for eleven minutes; the lid was closed, and on waking the clock shows a second past the due time.
        let woke = Instant::now();
        world.set_clock(due[0].key.due_at.plus_ms(1_000));
        let shown = world.screen.wait_for(1).await;
        assert!(woke.elapsed() < Duration::from_millis(1_500), "{:?}", woke.elapsed());
        assert_eq!(rules(&shown[0]), [AlertRule::FirstResponseWarning]);
        // A clock that is set back by a day raises nothing again, and one that is set right raises the rest, once.
        world.set_clock(due[0].key.due_at.plus_ms(-86_400_000));
        world.looked().await;
        world.set_clock(due[2].key.due_at.plus_ms(1));
        let shown = world.screen.wait_for(2).await;
        assert_eq!(rules(&shown[1]), [AlertRule::FirstResponseBreach], "the warning before it is no news");
        let world = world.restart().await;
        world.looked().await;
        assert_eq!(world.screen.shown(), [], "a restart shows nothing again");
    }

    #[tokio::test]
    async fn quiet_hours_hold_banners_back_and_a_summary_follows() {
        let world = World::new().await;
        let due = world.critical().await;
        let hour =
            |ms: i64| u16::try_from(ms.rem_euclid(24 * 60 * MINUTE_MS) / (60 * MINUTE_MS)).expect("an hour");
        let from = hour(due[0].key.due_at.0);
        let time = |hour: u16| TimeOfDay::new(hour % 24, 0).expect("a time");
        let quiet = |to: u16| AlertSettings {
            quiet: vec![QuietWindow {
                days: Weekday::ALL.iter().copied().collect(),
                from: time(from),
                to: time(to),
            }],
            ..AlertSettings::standard("UTC")
        };
        world.desk.save_alert_settings(&quiet(from + 3)).await.expect("saves");
        let refused =
            world.desk.save_alert_settings(&quiet(from)).await.expect_err("quiet hours of no length");
        assert!(refused.message.contains("begin when they end"), "{refused}");

        let other = world.critical().await;
        world.set_clock(other[2].key.due_at.plus_ms(1));
        let held = wait_for_open(&world.desk, 6).await;
        assert!(held.iter().all(|alert| alert.state.held_until.is_some()), "{held:?}");
        assert_eq!(world.screen.shown(), [], "it is quiet");
        let ends = held[0].state.held_until.expect("an instant");

        // Restarted in the night; of what was acknowledged meanwhile nothing is told in the morning.
        let world = world.restart().await;
        let keys: Vec<AlertKey> = other.iter().map(|alert| alert.key.clone()).collect();
        world.desk.acknowledge_alerts(&keys[..1]).await.expect("acknowledges");
        world.looked().await;
        assert_eq!(world.screen.shown(), []);
        // The machine slept until then: what fell due meanwhile is told with what waited.
        world.set_clock(ends);
        let shown = world.screen.wait_for(1).await;
        let NoticeText::AfterQuiet(tally) = shown[0].text else { panic!("{shown:?}") };
        assert_eq!((tally.subjects, tally.breaches, shown[0].keys.len()), (2, 4, 11));
    }

    #[tokio::test]
    async fn a_warning_that_was_settled_in_quiet_hours_is_not_in_their_summary() {
        let world = World::new().await;
        let answered = world.critical().await;
        let left = world.critical().await;
        let hour =
            |ms: i64| u16::try_from(ms.rem_euclid(24 * 60 * MINUTE_MS) / (60 * MINUTE_MS)).expect("an hour");
        let from = hour(answered[0].key.due_at.0);
        let time = |hour: u16| TimeOfDay::new(hour % 24, 0).expect("a time");
        let quiet = QuietWindow {
            days: Weekday::ALL.iter().copied().collect(),
            from: time(from),
            to: time(from + 3),
        };
        let settings = AlertSettings { quiet: vec![quiet], ..AlertSettings::standard("UTC") };
        world.desk.save_alert_settings(&settings).await.expect("saves");
        // The first warning of both, held until the morning; then one of them is answered.
        world.set_clock(left[0].key.due_at.plus_ms(1));
        let held = wait_for_open(&world.desk, 2).await;
        let ends = held[0].state.held_until.expect("an instant");
        let subject = answered[0].key.subject;
        world.desk.add_comment(subject, Visibility::Public, "Смотрим".into()).await.expect("answers");
        let waiting = world.desk.store().alerts_pending().await.expect("reads");
        let stands =
            |key: &AlertKey| waiting.iter().find(|alert| alert.key == *key).map(|alert| alert.stands);
        assert_eq!((stands(&answered[0].key), stands(&left[0].key)), (Some(false), Some(true)));

        world.set_clock(ends);
        let shown = world.screen.wait_for(1).await;
        assert!(shown[0].keys.contains(&left[0].key), "{shown:?}");
        assert!(!shown[0].keys.contains(&answered[0].key), "it was answered: {shown:?}");
        world.looked().await;
        let open = world.desk.alerts().await.expect("reads").open;
        let listed = open.iter().find(|alert| alert.key == answered[0].key).expect("the list keeps it");
        assert!(listed.state.notified_at.is_some() && !listed.stands, "{listed:?}");
    }

    #[tokio::test]
    async fn a_snoozed_alert_comes_back_and_its_banner_goes_meanwhile() {
        let world = World::new().await;
        let due = world.critical().await;
        world.set_clock(due[0].key.due_at);
        world.screen.wait_for(1).await;
        let keys = [due[0].key.clone()];
        let until = world.desk.now().plus_ms(30 * MINUTE_MS);
        let view = world.desk.snooze_alerts(&keys, Some(until)).await.expect("snoozes");
        assert_eq!((view.open.len(), view.snoozed.len()), (0, 1));
        wait(|| Some(()).filter(|()| !world.screen.withdrawn.lock().expect("a lock").is_empty()))
            .await
            .expect("the banner is withdrawn");
        let world = world.restart().await;
        world.looked().await;
        assert_eq!(world.screen.shown(), []);
        // What else fell due comes with it.
        world.set_clock(until);
        let shown = world.screen.wait_for(1).await;
        assert!(shown[0].keys.contains(&keys[0]), "{shown:?}");

        // Acknowledged and taken back: it is open again and needs no banner.
        let view = world.desk.acknowledge_alerts(&keys).await.expect("acknowledges");
        assert!(view.open.iter().all(|alert| alert.key != keys[0]));
        let view = world.desk.reopen_alerts(&keys).await.expect("reopens");
        assert!(view.open.iter().any(|alert| alert.key == keys[0]));
        world.looked().await;
        assert_eq!(world.screen.shown().len(), 1);
        world.desk.acknowledge_alerts(&keys).await.expect("acknowledges again");
        assert_eq!(world.desk.alerts().await.expect("reads").acknowledged.len(), 1);
        let late = world.desk.snooze_alerts(&keys, Some(world.desk.now())).await;
        assert!(late.is_err(), "an alert cannot be put off until now");
    }

    #[tokio::test]
    async fn who_acknowledges_a_page_takes_its_incident_and_undoing_lets_it_go() {
        let world = World::new().await;
        let declared = world.desk.create_incident(CreateIncident {
            title: "Сеть".into(),
            summary: String::new(),
            severity: Severity::P1,
            services: BTreeSet::new(),
            impact_at: None,
            tickets: Vec::new(),
        });
        let incident = declared.await.expect("an incident").incident;
        assert!(escalation::held(&incident).is_none());
        let page = AlertKey {
            subject: incident.id,
            rule: AlertRule::IncidentEscalation,
            percent: 1,
            due_at: incident.created_at,
        };
        let view = world.desk.acknowledge_alerts(std::slice::from_ref(&page)).await.expect("acknowledges");
        assert!(view.open.iter().all(|alert| alert.key != page), "{view:?}");
        let incident =
            async || world.desk.incident(page.subject).await.expect("reads").expect("is there").incident;
        let hold = escalation::held(&incident().await).expect("it is taken");
        assert_eq!(hold.until, None);

        // Undone, both are taken back: the alert is open, nobody is on it, and somebody else is told in time.
        let view = world.desk.reopen_alerts(std::slice::from_ref(&page)).await.expect("reopens");
        assert!(view.acknowledged.is_empty(), "{view:?}");
        let until = Instant::now() + Duration::from_secs(20);
        while escalation::held(&incident().await).is_some() {
            assert!(Instant::now() < until, "it is still held: {:?}", incident().await);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let let_go = incident().await;
        assert!(let_go.timeline.iter().any(escalation::is_release), "{:?}", let_go.timeline);
        let settings = world.desk.workspace().expect("settings");
        assert!(escalation::escalates_at(&let_go, &settings, world.desk.now()).is_some(), "it goes on");

        // Taken on purpose, it stays taken when the acknowledgement of an alert is undone.
        world.desk.acknowledge_incident(page.subject, None).await.expect("takes it");
        world.desk.acknowledge_alerts(std::slice::from_ref(&page)).await.expect("acknowledges");
        world.desk.reopen_alerts(std::slice::from_ref(&page)).await.expect("reopens");
        assert!(escalation::held(&incident().await).is_some_and(|hold| hold.until.is_none()));
    }

    async fn wait_for_open(desk: &Desk, count: usize) -> Vec<Alert> {
        let until = Instant::now() + Duration::from_secs(20);
        loop {
            let open = desk.alerts().await.expect("reads").open;
            if open.len() >= count && open.iter().all(|alert| alert.state.held_by.is_some()) {
                return open;
            }
            assert!(Instant::now() < until, "{open:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}
