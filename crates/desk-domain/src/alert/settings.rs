//! What a member wants to hear of, how, and when not.

use std::collections::BTreeSet;

use jiff::{ToSpan, civil, tz::TimeZone};
use serde::{Deserialize, Serialize};

use super::{Alert, AlertRule};
use crate::{incident::Severity, sla::calendar, ticket::Priority, time::UtcMillis, words::words};

const DAY_MIN: u16 = 24 * 60;

words! {
    /// What an alert is about, as a member thinks of it.
    Topic, "alert topic" {
        /// A share of a target is used up.
        SlaWarning = "sla_warning",
        /// A target ran out.
        SlaBreach = "sla_breach",
        /// An incident was declared.
        Incident = "incident",
        /// An incident pages the member.
        Escalation = "escalation",
    }
}

impl Topic {
    /// The topic of a rule's alerts.
    pub fn of(rule: AlertRule) -> Self {
        match rule {
            AlertRule::FirstResponseWarning
            | AlertRule::NextResponseWarning
            | AlertRule::ResolutionWarning => Self::SlaWarning,
            AlertRule::FirstResponseBreach | AlertRule::NextResponseBreach | AlertRule::ResolutionBreach => {
                Self::SlaBreach
            }
            AlertRule::IncidentDeclared => Self::Incident,
            AlertRule::IncidentEscalation => Self::Escalation,
        }
    }

    /// Whether its alerts are about incidents, which have severities; others are about tickets, which have priorities.
    pub fn is_of_incidents(self) -> bool {
        match self {
            Self::SlaWarning | Self::SlaBreach => false,
            Self::Incident | Self::Escalation => true,
        }
    }
}

words! {
    /// How an alert reaches a member.
    Manner, "manner" {
        /// A banner with a sound.
        Sound = "sound",
        /// A banner.
        Banner = "banner",
        /// The list of alerts alone.
        List = "list",
        /// The next digest: one banner for all that came since the last.
        Digest = "digest",
    }
}

words! {
    /// A day of the week.
    Weekday, "day of the week" {
        /// Monday.
        Mon = "mon",
        /// Tuesday.
        Tue = "tue",
        /// Wednesday.
        Wed = "wed",
        /// Thursday.
        Thu = "thu",
        /// Friday.
        Fri = "fri",
        /// Saturday.
        Sat = "sat",
        /// Sunday.
        Sun = "sun",
    }
}

impl Weekday {
    fn of(date: civil::Date) -> Self {
        match date.weekday() {
            civil::Weekday::Monday => Self::Mon,
            civil::Weekday::Tuesday => Self::Tue,
            civil::Weekday::Wednesday => Self::Wed,
            civil::Weekday::Thursday => Self::Thu,
            civil::Weekday::Friday => Self::Fri,
            civil::Weekday::Saturday => Self::Sat,
            civil::Weekday::Sunday => Self::Sun,
        }
    }
}

/// A time on the wall clock, to the minute: `22:30`. `24:00` is the end of a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TimeOfDay {
    /// Minutes since midnight, at most 1440.
    minutes: u16,
}

impl TimeOfDay {
    /// From hours and minutes; `None` when there is no such time.
    pub fn new(hour: u16, minute: u16) -> Option<Self> {
        let minutes = hour.checked_mul(60)?.checked_add(minute)?;
        (minute < 60 && minutes <= DAY_MIN).then_some(Self { minutes })
    }

    /// The instant of this time on `date`. A time that a spring-forward night skips is as much later as the clocks were moved;
    /// one that a fall-back night has twice is the first.
    fn on(self, date: civil::Date, zone: &TimeZone) -> Option<UtcMillis> {
        let (days, minutes) = (self.minutes / DAY_MIN, self.minutes % DAY_MIN);
        let date = date.checked_add(i64::from(days).days()).ok()?;
        let time = civil::Time::new(i8::try_from(minutes / 60).ok()?, i8::try_from(minutes % 60).ok()?, 0, 0);
        let at = zone.to_ambiguous_timestamp(date.to_datetime(time.ok()?)).compatible().ok()?;
        Some(UtcMillis::from_jiff(at))
    }
}

impl std::fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:02}:{:02}", self.minutes / 60, self.minutes % 60)
    }
}

impl std::str::FromStr for TimeOfDay {
    type Err = AlertSettingsError;

    fn from_str(text: &str) -> Result<Self, AlertSettingsError> {
        let number = |part: &str| {
            let digits =
                !part.is_empty() && part.len() <= 2 && part.bytes().all(|byte| byte.is_ascii_digit());
            digits.then(|| part.parse().ok()).flatten()
        };
        text.split_once(':')
            .and_then(|(hour, minute)| Self::new(number(hour)?, number(minute)?))
            .ok_or_else(|| AlertSettingsError::InvalidTime { text: text.chars().take(40).collect() })
    }
}

impl TryFrom<String> for TimeOfDay {
    type Error = AlertSettingsError;

    fn try_from(text: String) -> Result<Self, AlertSettingsError> {
        text.parse()
    }
}

impl From<TimeOfDay> for String {
    fn from(time: TimeOfDay) -> Self {
        time.to_string()
    }
}

/// Which alerts reach the member how. An alert falls under the first rule that fits it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeliveryRule {
    /// What they are about; empty means anything.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub topics: BTreeSet<Topic>,
    /// Priorities of the tickets; empty means any. With some, alerts about incidents do not fit.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub priorities: BTreeSet<Priority>,
    /// Severities of the incidents; empty means any. With some, alerts about tickets do not fit.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub severities: BTreeSet<Severity>,
    /// How they reach the member.
    pub how: Manner,
}

impl DeliveryRule {
    fn fits(&self, alert: &Alert) -> bool {
        let (by_priority, by_severity) = (!self.priorities.is_empty(), !self.severities.is_empty());
        let topic = self.topics.is_empty() || self.topics.contains(&Topic::of(alert.key.rule));
        let graded = alert.priority.is_some_and(|priority| self.priorities.contains(&priority))
            || alert.severity.is_some_and(|severity| self.severities.contains(&severity));
        topic && (graded || (!by_priority && !by_severity))
    }
}

/// A stretch of the week in which banners wait.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuietWindow {
    /// The days on which it begins.
    pub days: BTreeSet<Weekday>,
    /// When it begins.
    pub from: TimeOfDay,
    /// When it ends; on the next day if that is not later than `from`.
    pub to: TimeOfDay,
}

impl QuietWindow {
    fn ends_next_day(&self) -> bool {
        self.to <= self.from
    }

    /// The stretch that begins on `date`, if one does. One that the clocks' change leaves nothing of is none.
    fn on(&self, date: civil::Date, zone: &TimeZone) -> Option<(UtcMillis, UtcMillis)> {
        if !self.days.contains(&Weekday::of(date)) {
            return None;
        }
        let last = if self.ends_next_day() { date.tomorrow().ok()? } else { date };
        let (from, to) = (self.from.on(date, zone)?, self.to.on(last, zone)?);
        (from < to).then_some((from, to))
    }
}

/// What is not held back by quiet hours.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BreakThrough {
    /// Incidents of these severities.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub severities: BTreeSet<Severity>,
    /// Tickets of these priorities.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub priorities: BTreeSet<Priority>,
}

impl BreakThrough {
    pub(super) fn lets(&self, alert: &Alert) -> bool {
        alert.severity.is_some_and(|severity| self.severities.contains(&severity))
            || alert.priority.is_some_and(|priority| self.priorities.contains(&priority))
    }
}

/// A member's own alert settings: the preference `alerts` of their personal document, as one JSON value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlertSettings {
    /// Which alerts reach the member how, the first that fits. What none fits is only listed.
    pub rules: Vec<DeliveryRule>,
    /// IANA time zone in which quiet hours and digests are meant.
    pub zone: String,
    /// When banners wait. Stretches may meet and overlap.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub quiet: Vec<QuietWindow>,
    /// What does not wait.
    #[serde(default)]
    pub break_through: BreakThrough,
    /// When digests come, every day.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub digest: BTreeSet<TimeOfDay>,
}

/// Why alert settings cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AlertSettingsError {
    /// Not the JSON that it should be.
    #[error("these are no alert settings: {problem}")]
    Unreadable {
        /// What is wrong, and where.
        problem: String,
    },
    /// A time of day that is none.
    #[error("{text:?} is no time of day; write it like 22:30")]
    InvalidTime {
        /// What was given.
        text: String,
    },
    /// No such time zone.
    #[error("{zone:?} is no IANA time zone, like Asia/Almaty")]
    UnknownZone {
        /// What was given.
        zone: String,
    },
    /// A quiet window on no day.
    #[error("the quiet hours {from}–{to} name no day; name at least one, or remove them")]
    NoDays {
        /// When the window begins.
        from: TimeOfDay,
        /// When it ends.
        to: TimeOfDay,
    },
    /// A quiet window that begins when it ends.
    #[error("the quiet hours {at}–{at} begin when they end; write 00:00–24:00 for a whole day")]
    EmptyWindow {
        /// Both of its ends.
        at: TimeOfDay,
    },
    /// A window or digest at the end of a day rather than at its beginning.
    #[error("24:00 can only end quiet hours; write 00:00")]
    EndOfDay,
    /// Quiet hours all week round.
    #[error(
        "the quiet hours never end, so no banner would ever come; leave a gap, or have alerts only listed"
    )]
    NeverAwake,
    /// A rule asks for a digest and there is none.
    #[error("rule {rule} sends alerts to the digest, and no digest has a time; add one, like 09:00")]
    NoDigest {
        /// Its place, from 1.
        rule: usize,
    },
    /// A rule that nothing can fit.
    #[error(
        "rule {rule} fits no alert: tickets have priorities and incidents have severities; choose topics that go with them"
    )]
    FitsNothing {
        /// Its place, from 1.
        rule: usize,
    },
    /// More of something than anybody needs.
    #[error("there are {count} {what}; at most {max} are possible")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many there are.
        count: usize,
        /// How many there may be.
        max: usize,
    },
}

impl AlertSettings {
    /// What a member has who never said anything: warnings as banners, breaches, escalations and grave incidents with a
    /// sound, no quiet hours, no digest. A `zone` that is none becomes UTC.
    pub fn standard(zone_name: &str) -> Self {
        let rule = |topics: &[Topic], severities: &[Severity], how| DeliveryRule {
            topics: topics.iter().copied().collect(),
            priorities: BTreeSet::new(),
            severities: severities.iter().copied().collect(),
            how,
        };
        let zone = if zone(zone_name).is_some() { zone_name } else { "UTC" };
        Self {
            rules: vec![
                rule(&[Topic::Escalation], &[], Manner::Sound),
                rule(&[Topic::Incident], &[Severity::P1, Severity::P2], Manner::Sound),
                rule(&[Topic::Incident], &[], Manner::Banner),
                rule(&[Topic::SlaBreach], &[], Manner::Sound),
                rule(&[Topic::SlaWarning], &[], Manner::Banner),
            ],
            zone: zone.to_owned(),
            quiet: Vec::new(),
            break_through: BreakThrough { severities: [Severity::P1].into(), priorities: BTreeSet::new() },
            digest: BTreeSet::new(),
        }
    }

    /// Reads settings and checks them.
    ///
    /// # Errors
    /// As [`Self::check`], or when it is no JSON of this form.
    pub fn parse(json: &str) -> Result<Self, AlertSettingsError> {
        let settings: Self = serde_json::from_str(json)
            .map_err(|problem| AlertSettingsError::Unreadable { problem: problem.to_string() })?;
        settings.check()?;
        Ok(settings)
    }

    /// Whether these settings can be used.
    ///
    /// # Errors
    /// The first thing that is wrong with them.
    pub fn check(&self) -> Result<(), AlertSettingsError> {
        const MAX_RULES: usize = 50;
        const MAX_WINDOWS: usize = 50;
        const MAX_DIGESTS: usize = 24;
        for (what, count, max) in [
            ("rules", self.rules.len(), MAX_RULES),
            ("quiet hours", self.quiet.len(), MAX_WINDOWS),
            ("digests", self.digest.len(), MAX_DIGESTS),
        ] {
            if count > max {
                return Err(AlertSettingsError::TooMany { what, count, max });
            }
        }
        if zone(&self.zone).is_none() {
            return Err(AlertSettingsError::UnknownZone { zone: self.zone.clone() });
        }
        for window in &self.quiet {
            if window.days.is_empty() {
                return Err(AlertSettingsError::NoDays { from: window.from, to: window.to });
            }
            if window.from == window.to {
                return Err(AlertSettingsError::EmptyWindow { at: window.from });
            }
            if window.from.minutes == DAY_MIN {
                return Err(AlertSettingsError::EndOfDay);
            }
        }
        if self.digest.iter().any(|at| at.minutes == DAY_MIN) {
            return Err(AlertSettingsError::EndOfDay);
        }
        if self.never_awake() {
            return Err(AlertSettingsError::NeverAwake);
        }
        for (at, rule) in self.rules.iter().enumerate() {
            if rule.how == Manner::Digest && self.digest.is_empty() {
                return Err(AlertSettingsError::NoDigest { rule: at + 1 });
            }
            let graded = !rule.priorities.is_empty() || !rule.severities.is_empty();
            let possible = |of_incidents| {
                rule.topics.is_empty()
                    || rule.topics.iter().any(|topic| topic.is_of_incidents() == of_incidents)
            };
            let fits = (!rule.priorities.is_empty() && possible(false))
                || (!rule.severities.is_empty() && possible(true));
            if graded && !fits {
                return Err(AlertSettingsError::FitsNothing { rule: at + 1 });
            }
        }
        Ok(())
    }

    /// Whether the stretches leave no minute of the week.
    fn never_awake(&self) -> bool {
        let week = usize::from(DAY_MIN) * Weekday::ALL.len();
        let mut quiet = vec![false; week];
        for window in &self.quiet {
            let length = if window.ends_next_day() {
                DAY_MIN - window.from.minutes + window.to.minutes
            } else {
                window.to.minutes - window.from.minutes
            };
            for (day, weekday) in Weekday::ALL.iter().enumerate() {
                if window.days.contains(weekday) {
                    let from = day * usize::from(DAY_MIN) + usize::from(window.from.minutes);
                    (from..from + usize::from(length)).for_each(|minute| quiet[minute % week] = true);
                }
            }
        }
        quiet.iter().all(|minute| *minute)
    }

    /// How an alert reaches the member.
    pub fn manner(&self, alert: &Alert) -> Manner {
        self.rules.iter().find(|rule| rule.fits(alert)).map_or(Manner::List, |rule| rule.how)
    }

    /// When the quiet hours end in which `now` lies; `None` while there are none. Always later than `now`.
    pub fn quiet_until(&self, now: UtcMillis) -> Option<UtcMillis> {
        // Stretches that meet or overlap are one; a week of them is followed, since settings are never quiet all week.
        const FOLLOWED: usize = 1_000;
        if self.quiet.is_empty() {
            return None;
        }
        let zone = zone(&self.zone)?;
        let mut end = None;
        for _ in 0..FOLLOWED {
            let at = end.unwrap_or(now);
            let Some(later) = self.stretches_around(at, &zone).map(|(_, to)| to).max() else { break };
            end = Some(later);
        }
        end
    }

    /// The stretches in which `at` lies: those that begin on its day and on the day before.
    fn stretches_around(
        &self,
        at: UtcMillis,
        zone: &TimeZone,
    ) -> impl Iterator<Item = (UtcMillis, UtcMillis)> {
        let today = zone.to_datetime(at.to_jiff()).date();
        let days = [today.yesterday().ok(), Some(today)].into_iter().flatten();
        days.flat_map(move |date| self.quiet.iter().filter_map(move |window| window.on(date, zone)))
            .filter(move |(from, to)| *from <= at && at < *to)
    }

    /// The first digest after `at`; `None` when there are no digests.
    pub fn digest_after(&self, at: UtcMillis) -> Option<UtcMillis> {
        let zone = zone(&self.zone)?;
        let today = zone.to_datetime(at.to_jiff()).date();
        // The third day is for a zone that skips a whole one.
        [today, today.tomorrow().ok()?, today.checked_add(2.days()).ok()?]
            .into_iter()
            .flat_map(|date| self.digest.iter().map(move |time| (*time, date)))
            .filter_map(|(time, date)| time.on(date, &zone))
            .filter(|instant| *instant > at)
            .min()
    }
}

/// The zone of that name, of those that the program carries.
fn zone(name: &str) -> Option<TimeZone> {
    calendar::zone(name).ok()
}
