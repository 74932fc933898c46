//! What is shown together: few banners that a person can take in, as data; the shell puts them in words.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::{Alert, AlertKey, AlertRule, Topic};
use crate::{
    ids::{DocId, DocKind},
    time::UtcMillis,
};

/// How many alerts there are of each kind, and about how many tickets and incidents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Tickets and incidents, each once.
    pub subjects: usize,
    /// Targets that ran out.
    pub breaches: usize,
    /// Targets that are nearly used up.
    pub warnings: usize,
    /// Incidents that were declared.
    pub incidents: usize,
    /// Pages of incidents.
    pub escalations: usize,
}

impl Tally {
    /// Counts alerts. A ticket whose target ran out is no warning of that as well.
    pub fn of(alerts: &[Alert]) -> Self {
        let mut tally = Self::default();
        for (_, of_subject) in by_subject(alerts) {
            tally.subjects += 1;
            for rule in news(&of_subject) {
                match Topic::of(rule) {
                    Topic::SlaWarning => tally.warnings += 1,
                    Topic::SlaBreach => tally.breaches += 1,
                    Topic::Incident => tally.incidents += 1,
                    Topic::Escalation => tally.escalations += 1,
                }
            }
        }
        tally
    }

    /// Whether something of it cannot wait.
    pub fn is_urgent(&self) -> bool {
        self.breaches + self.incidents + self.escalations > 0
    }
}

/// What a banner says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoticeText {
    /// One ticket or incident.
    Subject {
        /// What it is.
        kind: DocKind,
        /// Which one; activating the banner opens it.
        doc: DocId,
        /// `TK-…` or `INC-…`.
        number: String,
        /// Its title.
        title: String,
        /// What happened, the most urgent first.
        rules: Vec<AlertRule>,
    },
    /// More than a person would read one by one.
    Many(Tally),
    /// What came in the quiet hours that ended.
    AfterQuiet(Tally),
    /// What came since the last digest.
    Digest(Tally),
}

/// One banner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Names the banner: one of the same name takes its place.
    pub tag: String,
    /// The alerts that it tells of. Acknowledging or snoozing the banner means all of them; when the last of them is settled,
    /// the banner is withdrawn.
    pub keys: Vec<AlertKey>,
    /// Whether it may make itself heard.
    pub sound: bool,
    /// Whether it waits for the person rather than pass.
    pub urgent: bool,
    /// What it says.
    pub text: NoticeText,
}

/// The tag of the banner that a burst is told in.
const BURST: &str = "burst";

/// Counts the banners of the last minute, so that a burst does not cover the screen.
#[derive(Clone, Debug, Default)]
pub struct BurstGuard {
    shown: VecDeque<UtcMillis>,
    /// What the banner of the burst that goes on tells of.
    burst: Vec<Alert>,
}

impl BurstGuard {
    /// So many tickets and incidents within [`Self::WINDOW_MS`] are shown one by one; what comes on top of them is one banner
    /// together, which grows for as long as the burst lasts.
    pub const ONE_BY_ONE: usize = 3;
    /// How long a banner counts, in milliseconds.
    pub const WINDOW_MS: i64 = 60_000;

    /// Forgets what is long past. What lies ahead is forgotten as well: the clock was set back.
    fn settle(&mut self, now: UtcMillis) {
        self.shown.retain(|at| (0..Self::WINDOW_MS).contains(&now.since(*at)));
        if self.shown.is_empty() {
            self.burst.clear();
        }
    }

    /// Forgets alerts that were acknowledged or put off: the burst's next banner is not to tell of them.
    pub fn forget(&mut self, keys: &[AlertKey]) {
        self.burst.retain(|alert| !keys.contains(&alert.key));
    }
}

/// The banners for alerts that are shown now: one per ticket or incident, or one for all if they are many. A page of an
/// incident is always shown by itself.
pub fn notices(alerts: &[(Alert, bool)], guard: &mut BurstGuard, now: UtcMillis) -> Vec<Notice> {
    guard.settle(now);
    let sounding = |wanted: &[Alert]| {
        alerts.iter().any(|(alert, sound)| *sound && wanted.iter().any(|other| other.key == alert.key))
    };
    let all: Vec<Alert> = alerts.iter().map(|(alert, _)| alert.clone()).collect();
    let (pages, others): (Vec<_>, Vec<_>) = by_subject(&all).into_iter().partition(|(_, of_subject)| {
        of_subject.iter().any(|alert| Topic::of(alert.key.rule) == Topic::Escalation)
    });
    let mut banners: Vec<Notice> =
        pages.iter().filter_map(|(_, alerts)| of_subject(alerts, sounding(alerts))).collect();
    if guard.shown.len() + others.len() <= BurstGuard::ONE_BY_ONE {
        banners.extend(others.iter().filter_map(|(_, alerts)| of_subject(alerts, sounding(alerts))));
    } else if !others.is_empty() {
        let new: Vec<Alert> = others.iter().flat_map(|(_, alerts)| alerts.iter().cloned()).collect();
        let sound = sounding(&new);
        guard.burst.extend(new);
        banners.push(together(BURST, &guard.burst, sound, NoticeText::Many));
    }
    guard.shown.extend(others.iter().map(|_| now));
    banners
}

/// The banner that tells what came in quiet hours; `None` when nothing did. One ticket or incident is told by itself.
pub fn quiet_summary(alerts: &[Alert], now: UtcMillis) -> Option<Notice> {
    summary(alerts, "quiet", now, NoticeText::AfterQuiet)
}

/// The banner of a digest; `None` when there is nothing to tell. One ticket or incident is told by itself.
pub fn digest(alerts: &[Alert], now: UtcMillis) -> Option<Notice> {
    summary(alerts, "digest", now, NoticeText::Digest)
}

fn summary(
    alerts: &[Alert],
    name: &str,
    now: UtcMillis,
    text: impl Fn(Tally) -> NoticeText,
) -> Option<Notice> {
    match by_subject(alerts).as_slice() {
        [] => None,
        [(_, only)] => of_subject(only, false),
        // Two summaries are two banners: the first may not have been read.
        _ => Some(together(&format!("{name}/{}", now.0), alerts, false, text)),
    }
}

fn together(tag: &str, alerts: &[Alert], sound: bool, text: impl Fn(Tally) -> NoticeText) -> Notice {
    let tally = Tally::of(alerts);
    Notice {
        tag: tag.to_owned(),
        keys: alerts.iter().map(|alert| alert.key.clone()).collect(),
        sound,
        urgent: tally.is_urgent(),
        text: text(tally),
    }
}

/// One banner for what is about one ticket or incident. The next one about it takes its place.
fn of_subject(alerts: &[Alert], sound: bool) -> Option<Notice> {
    let first = alerts.first()?;
    let rules = news(alerts);
    Some(Notice {
        tag: first.key.subject.to_string(),
        keys: alerts.iter().map(|alert| alert.key.clone()).collect(),
        sound,
        urgent: rules.iter().any(|rule| rule.is_urgent()),
        text: NoticeText::Subject {
            kind: first.kind,
            doc: first.key.subject,
            number: first.number.clone(),
            title: first.title.clone(),
            rules,
        },
    })
}

/// What is worth saying of one subject, the most urgent first: once a target is breached, that a share of it was used up is no
/// news.
fn news(alerts: &[Alert]) -> Vec<AlertRule> {
    let mut sorted: Vec<&AlertKey> = alerts.iter().map(|alert| &alert.key).collect();
    sorted.sort_by_key(|key| (!key.rule.is_urgent(), key.due_at));
    let breached = sorted.iter().any(|key| key.rule.is_urgent());
    let mut rules: Vec<AlertRule> = Vec::new();
    for key in sorted {
        if (key.rule.is_urgent() || !breached) && !rules.contains(&key.rule) {
            rules.push(key.rule);
        }
    }
    rules
}

/// Alerts by their subject, in the order of their first.
fn by_subject(alerts: &[Alert]) -> Vec<(DocId, Vec<Alert>)> {
    let mut places = std::collections::HashMap::new();
    let mut subjects: Vec<(DocId, Vec<Alert>)> = Vec::new();
    for alert in alerts {
        let place = *places.entry(alert.key.subject).or_insert_with(|| {
            subjects.push((alert.key.subject, Vec::new()));
            subjects.len() - 1
        });
        subjects[place].1.push(alert.clone());
    }
    subjects
}
