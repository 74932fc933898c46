//! Business hours: which instants count, measured exactly.
//!
//! An instant is open when its civil time in the calendar's zone lies in a window of its day. So what is counted
//! is real time, whatever the clocks on the wall do: a window over a spring-forward night is an hour short, one
//! over a fall-back night an hour long.
//!
//! A compiled calendar cuts time into *eras* of one UTC offset. Within an era civil time is UTC plus a constant,
//! the open milliseconds before a civil instant are whole weeks plus a part of a week plus the differences that
//! special days make, and each of the three is a look-up. Measuring and adding are therefore logarithmic in the
//! number of eras and special days, and independent of how far apart the instants lie.

use std::{collections::BTreeMap, collections::BTreeSet, sync::LazyLock};

use jiff::{
    SignedDuration, Timestamp,
    civil::{Date, DateTime, Time},
    tz::{TimeZone, TimeZoneDatabase},
};
use serde::{Deserialize, Serialize};

use super::holidays::HolidaySet;
use crate::time::UtcMillis;

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;
const WEEK_MS: i64 = 7 * DAY_MS;
const YEAR_MS: i64 = 365 * DAY_MS;
/// Civil day 0 (1970-01-01) was a Thursday; weeks here begin on Monday.
const THURSDAY: i64 = 3;
/// Zone rules are followed to the end of this year; after it the last offset stays.
const LAST_YEAR: i16 = 2200;

/// The zones that the program carries: the machine's own could differ from device to device.
static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// A day's windows: `[open, close]` as `HH:MM`, `24:00` allowed as a close.
pub type DayHours = Vec<[String; 2]>;

/// The windows of each weekday; a missing day is closed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WeekHours {
    /// Monday.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mon: DayHours,
    /// Tuesday.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tue: DayHours,
    /// Wednesday.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub wed: DayHours,
    /// Thursday.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub thu: DayHours,
    /// Friday.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fri: DayHours,
    /// Saturday.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sat: DayHours,
    /// Sunday.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sun: DayHours,
}

impl WeekHours {
    /// The same windows from Monday to Friday.
    pub fn weekdays(windows: &[(&str, &str)]) -> Self {
        let day: DayHours =
            windows.iter().map(|(open, close)| [(*open).to_owned(), (*close).to_owned()]).collect();
        Self {
            mon: day.clone(),
            tue: day.clone(),
            wed: day.clone(),
            thu: day.clone(),
            fri: day,
            ..Self::default()
        }
    }

    /// The windows, checked and prepared for looking civil times up.
    ///
    /// # Errors
    /// When a window is none, windows overlap or there are none at all.
    pub(crate) fn windows(&self) -> Result<DayWindows, CalendarError> {
        let mut days: [Vec<Window>; 7] = Default::default();
        for (slot, (key, hours)) in days.iter_mut().zip(self.days()) {
            *slot = day_windows(key, hours)?;
        }
        if days.iter().all(Vec::is_empty) {
            return Err(CalendarError::NeverOpen);
        }
        Ok(DayWindows(days))
    }

    /// Each weekday's key with its windows, from Monday on.
    pub fn days(&self) -> [(&'static str, &DayHours); 7] {
        [
            ("mon", &self.mon),
            ("tue", &self.tue),
            ("wed", &self.wed),
            ("thu", &self.thu),
            ("fri", &self.fri),
            ("sat", &self.sat),
            ("sun", &self.sun),
        ]
    }
}

/// Business hours as the workspace's settings keep them; [`Calendar::compile`] checks and prepares them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calendar {
    /// What to call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// IANA time zone in which the hours and holidays are meant.
    pub zone: String,
    /// Windows of the ordinary week.
    #[serde(default)]
    pub hours: WeekHours,
    /// Civil dates, closed all day. They win over a set's working days.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub holidays: BTreeSet<Date>,
    /// Built-in official holidays to keep besides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub holiday_sets: Vec<HolidaySet>,
    /// Every instant counts; hours and holidays are not looked at.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub always_open: bool,
}

/// Why a calendar cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum CalendarError {
    /// No such time zone.
    #[error("{zone:?} is no IANA time zone, like Asia/Almaty")]
    UnknownZone {
        /// What was given.
        zone: String,
    },
    /// A time of day that is none.
    #[error("{day}: {text:?} is no time of day; write it like 09:00 (a close may be 24:00)")]
    InvalidTime {
        /// The weekday's key, `mon` to `sun`.
        day: String,
        /// What was given.
        text: String,
    },
    /// A window that closes before, or when, it opens.
    #[error("{day}: the window {open}–{close} ends before it begins; split a night shift at midnight")]
    ReversedWindow {
        /// The weekday's key.
        day: String,
        /// Its opening time.
        open: String,
        /// Its closing time.
        close: String,
    },
    /// Two windows of a day that share time.
    #[error("{day}: the windows opening at {first} and {second} overlap")]
    OverlappingWindows {
        /// The weekday's key.
        day: String,
        /// When the earlier one opens.
        first: String,
        /// When the later one opens.
        second: String,
    },
    /// No weekday has a window: no target could ever run out.
    #[error("the calendar is never open; give some day a window")]
    NeverOpen,
    /// Its holidays leave no open time for a whole year.
    #[error("from {from} on, the calendar is closed for a year or longer; take holidays off it")]
    ClosedForAYear {
        /// The holiday with which that begins.
        from: Date,
    },
}

impl Calendar {
    /// Every instant counts.
    pub fn always() -> Self {
        Self { zone: "UTC".to_owned(), always_open: true, ..Self::default() }
    }

    /// Checks what a person wrote: everything that [`Calendar::compile`] refuses, and holidays that leave nothing open for
    /// a year. Those can be measured by, only no target runs out meanwhile.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn check(&self) -> Result<(), CalendarError> {
        let calendar = self.compile()?;
        if self.always_open {
            return Ok(());
        }
        for day in &self.holidays {
            // It is that day in most zones then; near the date line it may be the eve, and the next holiday tells.
            let open = calendar.open_before(day_number(*day) * DAY_MS + DAY_MS / 2);
            let closed = calendar.opens_after(open).zip(calendar.opens_after(open + 1));
            if closed.is_none_or(|(last_close, opens)| opens - last_close > YEAR_MS) {
                return Err(CalendarError::ClosedForAYear { from: *day });
            }
        }
        Ok(())
    }

    /// Checks the calendar and prepares it for measuring.
    ///
    /// # Errors
    /// The first thing that makes measuring by it impossible.
    pub fn compile(&self) -> Result<CompiledCalendar, CalendarError> {
        let zone = zone(&self.zone)?;
        let whole_day = vec![Window { open: 0, close: DAY_MS }];
        let mut days = vec![whole_day; 7];
        if !self.always_open {
            for (slot, (key, hours)) in days.iter_mut().zip(self.hours.days()) {
                *slot = day_windows(key, hours)?;
            }
        }
        let week = Week::new(days);
        if week.total == 0 {
            return Err(CalendarError::NeverOpen);
        }
        let special = if self.always_open { Vec::new() } else { self.special_days(&week) };
        Ok(CompiledCalendar::new(&zone, week, special))
    }

    /// The days that differ from the ordinary week, by civil day number, with their windows.
    fn special_days(&self, week: &Week) -> Vec<(i64, DayKind, Vec<Window>)> {
        let mut days: BTreeMap<i64, (DayKind, Vec<Window>)> = BTreeMap::new();
        let sets: BTreeSet<HolidaySet> = self.holiday_sets.iter().copied().collect();
        for set in &sets {
            for year in HolidaySet::FIRST_YEAR..=LAST_YEAR {
                for date in set.holidays(year) {
                    days.insert(day_number(date), (DayKind::Holiday, Vec::new()));
                }
            }
        }
        for set in &sets {
            for year in HolidaySet::FIRST_YEAR..=LAST_YEAR {
                for (date, like) in set.working_days(year) {
                    let day = day_number(date);
                    // Somewhere open on that weekday anyway keeps its hours; else those of the day that was given off.
                    let own = week.day(day);
                    let windows = if own.is_empty() { week.day(day_number(like)) } else { own };
                    if !windows.is_empty() {
                        days.insert(day, (DayKind::Working, windows.to_vec()));
                    }
                }
            }
        }
        for date in &self.holidays {
            days.insert(day_number(*date), (DayKind::Holiday, Vec::new()));
        }
        days.into_iter().map(|(day, (kind, windows))| (day, kind, windows)).collect()
    }
}

/// A time zone that the program carries.
///
/// # Errors
/// When there is none of that name.
pub(crate) fn zone(name: &str) -> Result<TimeZone, CalendarError> {
    ZONES.get(name).map_err(|_| CalendarError::UnknownZone { zone: name.chars().take(64).collect() })
}

/// The windows of a week by civil time, Monday first.
#[derive(Clone, Debug)]
pub(crate) struct DayWindows([Vec<Window>; 7]);

impl DayWindows {
    fn of(&self, date: Date) -> &[Window] {
        let index = usize::try_from(date.weekday().to_monday_zero_offset()).unwrap_or(0);
        self.0.get(index).map_or(&[], Vec::as_slice)
    }

    /// Whether a civil time lies in one.
    pub(crate) fn contain(&self, civil: DateTime) -> bool {
        let midnight = civil.date().to_datetime(Time::midnight());
        let since_ms = i64::try_from(civil.duration_since(midnight).as_millis()).unwrap_or(0);
        self.of(civil.date()).iter().any(|window| (window.open..window.close).contains(&since_ms))
    }

    /// The civil times at which windows of a day open and close.
    pub(crate) fn edges(&self, date: Date) -> impl Iterator<Item = DateTime> + '_ {
        let midnight = date.to_datetime(Time::midnight());
        let ends = self.of(date).iter().flat_map(|window| [window.open, window.close]);
        ends.filter_map(move |ms| midnight.checked_add(SignedDuration::from_millis(ms)).ok())
    }
}

/// Days since 1970-01-01.
fn day_number(date: Date) -> i64 {
    // Both dates lie in jiff's range, so the span in days always exists.
    let days = date.duration_since(Date::constant(1970, 1, 1)).as_hours();
    days.div_euclid(24)
}

fn day_windows(day: &str, hours: &DayHours) -> Result<Vec<Window>, CalendarError> {
    let mut windows = Vec::with_capacity(hours.len());
    for [open, close] in hours {
        let window = Window { open: time_of_day(day, open, false)?, close: time_of_day(day, close, true)? };
        if window.close <= window.open {
            return Err(CalendarError::ReversedWindow {
                day: day.to_owned(),
                open: open.clone(),
                close: close.clone(),
            });
        }
        windows.push(window);
    }
    windows.sort_by_key(|window| window.open);
    for pair in windows.windows(2) {
        if let [first, second] = pair
            && second.open < first.close
        {
            return Err(CalendarError::OverlappingWindows {
                day: day.to_owned(),
                first: clock_face(first.open),
                second: clock_face(second.open),
            });
        }
    }
    Ok(windows)
}

/// `HH:MM` in milliseconds since midnight.
fn time_of_day(day: &str, text: &str, is_close: bool) -> Result<i64, CalendarError> {
    let read = || {
        let (hours, minutes) = text.split_once(':')?;
        let digits = |part: &str| {
            (part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit())).then(|| part.parse::<i64>().ok())?
        };
        let total = digits(hours)? * 60 + digits(minutes).filter(|m| *m < 60)?;
        let last = if is_close { 24 * 60 } else { 24 * 60 - 1 };
        (total <= last).then_some(total * MINUTE_MS)
    };
    read().ok_or_else(|| CalendarError::InvalidTime {
        day: day.to_owned(),
        text: text.chars().take(32).collect(),
    })
}

fn clock_face(ms: i64) -> String {
    let minutes = ms / MINUTE_MS;
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

/// A window in milliseconds since the midnight that begins its day (or week).
#[derive(Clone, Copy, Debug)]
struct Window {
    open: i64,
    close: i64,
}

/// What makes a day special.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum DayKind {
    Holiday,
    Working,
}

/// The ordinary week.
#[derive(Clone, Debug)]
struct Week {
    /// Each day's own windows, Monday first.
    days: Vec<Vec<Window>>,
    /// All windows since Monday's midnight, each with the open time before it.
    windows: Vec<(Window, i64)>,
    /// Open time of a whole week.
    total: i64,
}

impl Week {
    fn new(days: Vec<Vec<Window>>) -> Self {
        let mut windows = Vec::new();
        let mut total = 0;
        let mut midnight = 0;
        for day in &days {
            for window in day {
                windows
                    .push((Window { open: midnight + window.open, close: midnight + window.close }, total));
                total += window.close - window.open;
            }
            midnight += DAY_MS;
        }
        Self { days, windows, total }
    }

    /// The ordinary windows of a civil day.
    fn day(&self, day: i64) -> &[Window] {
        let index = usize::try_from((day + THURSDAY).rem_euclid(7)).unwrap_or(0);
        self.days.get(index).map_or(&[], Vec::as_slice)
    }

    /// Open time from the Monday before 1970-01-01 to the civil instant, as if every week were ordinary.
    fn open_before(&self, civil: i64) -> i64 {
        let shifted = civil + THURSDAY * DAY_MS;
        let (week, rest) = (shifted.div_euclid(WEEK_MS), shifted.rem_euclid(WEEK_MS));
        let index = self.windows.partition_point(|(window, _)| window.open < rest);
        let part = index
            .checked_sub(1)
            .and_then(|i| self.windows.get(i))
            .map_or(0, |(window, before)| before + rest.min(window.close) - window.open);
        week * self.total + part
    }

    /// The earliest civil instant before which `open` milliseconds are open.
    fn instant_of(&self, open: i64) -> i64 {
        let week = (open - 1).div_euclid(self.total);
        let rest = open - week * self.total; // 1..=total
        let index = self.windows.partition_point(|(_, before)| *before < rest);
        let within = index
            .checked_sub(1)
            .and_then(|i| self.windows.get(i))
            .map_or(0, |(window, before)| window.open + rest - before);
        week * WEEK_MS + within - THURSDAY * DAY_MS
    }
}

/// A day that differs from the ordinary week.
#[derive(Clone, Debug)]
struct SpecialDay {
    /// Civil day number.
    day: i64,
    kind: DayKind,
    windows: Vec<Window>,
    /// Open time of this day.
    total: i64,
    /// Open time before this day, special days counted.
    open_before: i64,
    /// What all special days up to and with this one add to the ordinary weeks.
    difference_after: i64,
}

impl SpecialDay {
    fn start(&self) -> i64 {
        self.day * DAY_MS
    }
}

/// A stretch of time with one UTC offset.
#[derive(Clone, Copy, Debug)]
struct Era {
    /// Its first instant.
    from: i64,
    /// Civil time less UTC.
    offset: i64,
    /// Open time before it.
    open_before: i64,
    /// What to add to the civil count to get the count of real time.
    base: i64,
}

/// What a calendar says about a stretch of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hours {
    Open,
    Closed,
    Holiday,
}

/// An instant with the open time before it, whose zero is arbitrary.
#[derive(Clone, Copy, Debug)]
pub(super) struct OpenAt {
    at: UtcMillis,
    open: i64,
}

impl OpenAt {
    /// The instant.
    pub(super) fn at(self) -> UtcMillis {
        self.at
    }

    /// Open time from another instant of the same calendar to this one, in milliseconds.
    pub(super) fn open_since(self, earlier: Self) -> i64 {
        self.open - earlier.open
    }
}

/// A calendar ready for measuring.
#[derive(Clone, Debug)]
pub struct CompiledCalendar {
    week: Week,
    special: Vec<SpecialDay>,
    /// When each special day begins, and the open time before it: what is searched stands close together.
    starts: Vec<i64>,
    opens: Vec<i64>,
    eras: Vec<Era>,
}

impl CompiledCalendar {
    fn new(zone: &jiff::tz::TimeZone, week: Week, days: Vec<(i64, DayKind, Vec<Window>)>) -> Self {
        let mut special: Vec<SpecialDay> = Vec::with_capacity(days.len());
        let mut difference = 0;
        for (day, kind, windows) in days {
            let total: i64 = windows.iter().map(|w| w.close - w.open).sum();
            let ordinary: i64 = week.day(day).iter().map(|w| w.close - w.open).sum();
            let open_before = week.open_before(day * DAY_MS) + difference;
            difference += total - ordinary;
            special.push(SpecialDay { day, kind, windows, total, open_before, difference_after: difference });
        }
        let starts = special.iter().map(SpecialDay::start).collect();
        let opens = special.iter().map(|day| day.open_before).collect();
        let mut calendar = Self { week, special, starts, opens, eras: Vec::new() };
        let first = Timestamp::MIN;
        calendar.push_era(first.as_millisecond(), zone.to_offset(first).seconds());
        for transition in zone.following(first) {
            let at = transition.timestamp();
            if zone.to_datetime(at).year() > LAST_YEAR {
                break;
            }
            calendar.push_era(at.as_millisecond(), transition.offset().seconds());
        }
        calendar
    }

    fn push_era(&mut self, from: i64, offset_s: i32) {
        let offset = i64::from(offset_s) * 1000;
        if self.eras.last().is_some_and(|era| era.offset == offset) {
            return;
        }
        let open_before =
            self.eras.last().map_or(0, |era| era.base + self.civil_open_before(from + era.offset));
        let base = open_before - self.civil_open_before(from + offset);
        self.eras.push(Era { from, offset, open_before, base });
    }

    /// Open civil time before a civil instant; the zero is arbitrary.
    fn civil_open_before(&self, civil: i64) -> i64 {
        let index = self.starts.partition_point(|start| *start <= civil);
        let Some(day) = index.checked_sub(1).and_then(|i| self.special.get(i)) else {
            return self.week.open_before(civil);
        };
        let within = civil - day.start();
        if within >= DAY_MS {
            return self.week.open_before(civil) + day.difference_after;
        }
        let part: i64 = day.windows.iter().map(|w| within.min(w.close) - within.min(w.open)).sum();
        day.open_before + part
    }

    /// The earliest civil instant before which `open` milliseconds are open: the inverse of `civil_open_before`.
    fn civil_instant_of(&self, open: i64) -> i64 {
        let index = self.opens.partition_point(|before| *before < open);
        let Some(day) = index.checked_sub(1).and_then(|i| self.special.get(i)) else {
            return self.week.instant_of(open);
        };
        let mut missing = open - day.open_before;
        if missing > day.total {
            return self.week.instant_of(open - day.difference_after);
        }
        for window in &day.windows {
            let length = window.close - window.open;
            if missing <= length {
                return day.start() + window.open + missing;
            }
            missing -= length;
        }
        day.start() + DAY_MS
    }

    /// Open time since the beginning of time, in milliseconds; never decreases.
    fn open_before(&self, at: i64) -> i64 {
        let at = at.clamp(Timestamp::MIN.as_millisecond(), Timestamp::MAX.as_millisecond());
        let index = self.eras.partition_point(|era| era.from <= at);
        index
            .checked_sub(1)
            .and_then(|i| self.eras.get(i))
            .map_or(0, |era| era.base + self.civil_open_before(at + era.offset))
    }

    /// Open time from `from` to `to` in milliseconds; negative when `to` is the earlier one.
    pub fn business_ms(&self, from: UtcMillis, to: UtcMillis) -> i64 {
        self.open_before(to.0) - self.open_before(from.0)
    }

    /// The earliest instant, not before `from`, at which `ms` of open time have passed since `from`: what ends
    /// exactly at closing time is due at that instant, not at the next opening. `from` itself when `ms` is not
    /// positive; `None` beyond the year 9999.
    pub fn add_business_ms(&self, from: UtcMillis, ms: i64) -> Option<UtcMillis> {
        self.instant_of(self.open_at(from), ms)
    }

    /// Open time before an instant, to be used for several [`Self::instant_of`].
    pub(super) fn open_at(&self, at: UtcMillis) -> OpenAt {
        OpenAt { at, open: self.open_before(at.0) }
    }

    /// The earliest instant at which `ms` more are open than at `from`; as [`Self::add_business_ms`].
    pub(super) fn instant_of(&self, from: OpenAt, ms: i64) -> Option<UtcMillis> {
        if ms <= 0 {
            return Some(from.at);
        }
        let (first, last) = (Timestamp::MIN.as_millisecond(), Timestamp::MAX.as_millisecond());
        // Open time never exceeds real time, so what is longer than all of time cannot be reached (nor overflow).
        if ms > last - first || from.at.0 >= last {
            return None;
        }
        self.opens_after(from.open + ms).map(UtcMillis)
    }

    /// The earliest instant before which `open` milliseconds are open, since the same zero as [`Self::open_before`];
    /// `None` beyond the year 9999.
    fn opens_after(&self, open: i64) -> Option<i64> {
        let index = self.eras.partition_point(|era| era.open_before < open);
        let era = index.checked_sub(1).and_then(|i| self.eras.get(i))?;
        let at = self.civil_instant_of(open - era.base) - era.offset;
        (at <= Timestamp::MAX.as_millisecond()).then_some(at)
    }

    /// Whether time counts at this instant.
    pub fn is_open(&self, at: UtcMillis) -> bool {
        self.business_ms(at, at.plus_ms(1)) > 0
    }

    /// The stretches of open, closed and holiday time between two instants, in order and without gaps. Linear in
    /// the number of days: for explanations, not for measuring.
    pub(super) fn stretches(&self, from: UtcMillis, to: UtcMillis) -> Vec<(i64, i64, Hours)> {
        let (first, last) = (Timestamp::MIN.as_millisecond(), Timestamp::MAX.as_millisecond());
        let (from, to) = (from.0.clamp(first, last), to.0.clamp(first, last));
        let mut found: Vec<(i64, i64, Hours)> = Vec::new();
        let mut push = |begin: i64, end: i64, hours: Hours| {
            if end <= begin {
                return;
            }
            match found.last_mut() {
                Some((_, previous, same)) if *same == hours && *previous == begin => *previous = end,
                _ => found.push((begin, end, hours)),
            }
        };
        for (index, era) in self.eras.iter().enumerate() {
            let end = self.eras.get(index + 1).map_or(last, |next| next.from).min(to) + era.offset;
            let mut civil = era.from.max(from) + era.offset;
            while civil < end {
                let day = civil.div_euclid(DAY_MS);
                let midnight = day * DAY_MS;
                let day_end = end.min(midnight + DAY_MS);
                let special = self
                    .special
                    .binary_search_by_key(&day, |special| special.day)
                    .ok()
                    .and_then(|i| self.special.get(i));
                let (windows, closed) = match special {
                    Some(special) if special.kind == DayKind::Holiday => (&[][..], Hours::Holiday),
                    Some(special) => (special.windows.as_slice(), Hours::Closed),
                    None => (self.week.day(day), Hours::Closed),
                };
                for window in windows {
                    let open = (midnight + window.open).clamp(civil, day_end);
                    let close = (midnight + window.close).clamp(civil, day_end);
                    push(civil - era.offset, open - era.offset, closed);
                    push(open - era.offset, close - era.offset, Hours::Open);
                    civil = close;
                }
                push(civil - era.offset, day_end - era.offset, closed);
                civil = day_end;
            }
        }
        found
    }
}

#[cfg(test)]
mod tests;
