//! Dates, relative times and durations as each language writes them. Pure: the instant, the present and the zone's
//! offset are arguments; [`local`] alone looks up the device's zone.

use std::cell::RefCell;

use desk_api::view::Language;
use desk_domain::time::UtcMillis;

use super::{I18n, tr};

const SECOND_MS: i64 = 1_000;
const MINUTE_MS: i64 = 60 * SECOND_MS;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

/// A civil date and time of day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Civil {
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
}

/// The civil time `offset_min` minutes east of UTC.
pub(crate) fn civil(at: UtcMillis, offset_min: i64) -> Civil {
    let ms = at.0.saturating_add(offset_min * MINUTE_MS);
    let (days, rest) = (ms.div_euclid(DAY_MS), ms.rem_euclid(DAY_MS));
    // Howard Hinnant's days-to-civil algorithm: years that begin in March, eras of 400 years.
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    Civil {
        year: year_of_era + era * 400 + i64::from(month <= 2),
        month,
        day: day_of_year - (153 * march_month + 2) / 5 + 1,
        hour: rest / HOUR_MS,
        minute: rest % HOUR_MS / MINUTE_MS,
    }
}

/// The instant of a civil time.
fn instant(civil: Civil, offset_min: i64) -> UtcMillis {
    let year = civil.year - i64::from(civil.month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let march_month = (civil.month + 9) % 12;
    let day_of_year = (153 * march_month + 2) / 5 + civil.day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    let days = era * 146_097 + day_of_era - 719_468;
    UtcMillis(days * DAY_MS + civil.hour * HOUR_MS + (civil.minute - offset_min) * MINUTE_MS)
}

thread_local! {
    /// The device's zone as the shell tells it: since when it is how many minutes east of UTC.
    static OFFSETS: RefCell<Vec<(UtcMillis, i32)>> = const { RefCell::new(Vec::new()) };
}

/// Takes over the device's zone. Not the web view's: its rules may be years old.
pub(crate) fn set_zone(offsets: Vec<(UtcMillis, i32)>) {
    OFFSETS.set(offsets);
}

/// Minutes by which the device's zone is east of UTC at an instant.
pub(crate) fn offset_min(at: UtcMillis) -> i64 {
    OFFSETS.with_borrow(|offsets| {
        let after = offsets.partition_point(|(since, _)| *since <= at);
        offsets.get(after.saturating_sub(1)).map_or(0, |(_, minutes)| i64::from(*minutes))
    })
}

/// The civil time of the machine's zone.
pub(crate) fn local(at: UtcMillis) -> Civil {
    civil(at, offset_min(at))
}

/// `21.11.2026 14:05`, `21 Nov 2026, 14:05`.
pub(crate) fn date_time(i18n: I18n, at: Civil) -> String {
    match i18n.language {
        Language::Ru => format!("{} {}", date(i18n, at), time(at)),
        Language::En => format!("{}, {}", date(i18n, at), time(at)),
    }
}

/// `21.11.2026`, `21 Nov 2026`.
pub(crate) fn date(i18n: I18n, at: Civil) -> String {
    match i18n.language {
        Language::Ru => format!("{:02}.{:02}.{}", at.day, at.month, at.year),
        Language::En => format!("{} {} {}", at.day, i18n.word("month", at.month), at.year),
    }
}

/// `14:05`.
pub(crate) fn time(at: Civil) -> String {
    format!("{:02}:{:02}", at.hour, at.minute)
}

/// Reads a date and time as people type it: `21.11.2026 14:05`, `21 Nov 2026, 14:05`, `2026-11-21 14:05`, or `14:05` for
/// the day of `now`. `offset_of` tells the zone's offset at an instant.
pub(crate) fn parse_typed(
    text: &str,
    now: UtcMillis,
    offset_of: impl Fn(UtcMillis) -> i64,
) -> Option<UtcMillis> {
    let text = text.trim().replace(',', " ");
    // The `T` of an ISO date, not that of a month.
    let text = text
        .split_once('T')
        .filter(|(date, _)| date.contains('-'))
        .map_or(text.clone(), |(date, time)| format!("{date} {time}"));
    let words: Vec<&str> = text.split_whitespace().collect();
    let today = civil(now, offset_of(now));
    let (year, month, day, time) = match words.as_slice() {
        [time] if time.contains(':') => (today.year, today.month, today.day, Some(*time)),
        [date] => parse_date(date).map(|(year, month, day)| (year, month, day, None))?,
        [date, time] => parse_date(date).map(|(year, month, day)| (year, month, day, Some(*time)))?,
        [day, month, year] => (year.parse().ok()?, parse_month(month)?, day.parse().ok()?, None),
        [day, month, year, time] => (year.parse().ok()?, parse_month(month)?, day.parse().ok()?, Some(*time)),
        _ => return None,
    };
    let (hour, minute) = match time {
        None => (0, 0),
        Some(time) => {
            let (hour, minute) = time.split_once(':')?;
            // Seconds may follow; fields show none.
            (hour.parse().ok()?, minute.split(':').next()?.parse().ok()?)
        }
    };
    let typed = Civil { year, month, day, hour, minute };
    // The offset depends on the instant, which depends on the offset: the second guess settles it but in the hour
    // that a change of the clocks leaves out.
    let guess = instant(typed, offset_of(instant(typed, 0)));
    // A day that the month does not have comes back as another.
    let is_real = (1..=12).contains(&month)
        && (0..24).contains(&hour)
        && (0..60).contains(&minute)
        && (1..10_000).contains(&year)
        && civil(instant(typed, 0), 0) == typed;
    is_real.then(|| instant(typed, offset_of(guess)))
}

/// `21.11.2026` or `2026-11-21`.
fn parse_date(text: &str) -> Option<(i64, i64, i64)> {
    let numbers = |separator: char| -> Option<[i64; 3]> {
        let parts: Option<Vec<i64>> = text.split(separator).map(|digits| digits.parse().ok()).collect();
        parts?.try_into().ok()
    };
    let backwards = numbers('-').map(|[year, month, day]| (year, month, day));
    backwards.or_else(|| numbers('.').map(|[day, month, year]| (year, month, day)))
}

/// A month by the first three letters of its name in either language.
fn parse_month(name: &str) -> Option<i64> {
    let begin: String = name.to_lowercase().chars().take(3).collect();
    (1..=12).find(|month| {
        [Language::Ru, Language::En].into_iter().any(|language| {
            I18n { language }.word("month", month).to_lowercase().chars().take(3).eq(begin.chars())
        })
    })
}

/// How long ago, in the few characters that a list has: `5 мин`, `2 ч`, `3 дн`, then `14 ноя`, then with the year.
pub(crate) fn short_ago(i18n: I18n, now: UtcMillis, at: UtcMillis, offset_min: i64) -> String {
    let age = now.since(at);
    if age < MINUTE_MS {
        return i18n.t("ago-now");
    }
    if age < HOUR_MS {
        return tr!(i18n, "ago-minutes", n = age / MINUTE_MS);
    }
    if age < DAY_MS {
        return tr!(i18n, "ago-hours", n = age / HOUR_MS);
    }
    if age < 7 * DAY_MS {
        return tr!(i18n, "ago-days", n = age / DAY_MS);
    }
    let (at, now) = (civil(at, offset_min), civil(now, offset_min));
    let month = i18n.word("month", at.month);
    if at.year == now.year {
        format!("{} {month}", at.day)
    } else {
        format!("{} {month} {}", at.day, at.year)
    }
}

/// A countdown: `12:09`, `3:12:09`, `2 д 03:12:09`. The sign is the caller's to word.
pub(crate) fn countdown(i18n: I18n, ms: i64) -> String {
    // Counting down, a begun second is still there; so 0 shows at the very instant.
    let seconds = ms.unsigned_abs().div_ceil(1_000);
    let (days, hours, minutes, seconds) =
        (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
    match (days, hours) {
        (0, 0) => format!("{minutes}:{seconds:02}"),
        (0, _) => format!("{hours}:{minutes:02}:{seconds:02}"),
        (..) => tr!(
            i18n,
            "duration-days-clock",
            days = days,
            clock = format!("{hours:02}:{minutes:02}:{seconds:02}")
        ),
    }
}

/// Days and seconds as people write them, to be read back: nothing is rounded, and parts that are zero are left out.
pub(crate) fn spelled(i18n: I18n, days: i64, seconds: i64) -> String {
    let (hours, minutes, rest) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    let mut parts = Vec::new();
    if days > 0 {
        parts.push(tr!(i18n, "duration-d", d = days));
    }
    if hours > 0 {
        parts.push(tr!(i18n, "duration-h", h = hours));
    }
    if minutes > 0 {
        parts.push(tr!(i18n, "duration-m", m = minutes));
    }
    if rest > 0 || parts.is_empty() {
        parts.push(tr!(i18n, "duration-s", n = rest));
    }
    parts.join(" ")
}

/// A duration in its two largest units: `45 с`, `12 мин`, `3 ч 20 мин`, `2 д 4 ч`.
pub(crate) fn duration(i18n: I18n, ms: i64) -> String {
    let minutes = ms.unsigned_abs() / 60_000;
    let (days, hours, rest) = (minutes / 1_440, minutes / 60 % 24, minutes % 60);
    match (days, hours, rest) {
        (0, 0, 0) => tr!(i18n, "duration-s", n = ms.unsigned_abs() / 1_000),
        (0, 0, _) => tr!(i18n, "duration-m", m = rest),
        (0, _, 0) => tr!(i18n, "duration-h", h = hours),
        (0, ..) => tr!(i18n, "duration-h-m", h = hours, m = rest),
        (_, 0, _) => tr!(i18n, "duration-d", d = days),
        (..) => tr!(i18n, "duration-d-h", d = days, h = hours),
    }
}

/// The few characters for a due time in a list: `12 мин`, `3 ч`, `2 д`; the sign is the caller's.
pub(crate) fn rough(i18n: I18n, ms: i64) -> String {
    let minutes = ms.unsigned_abs() / 60_000;
    match (minutes / 1_440, minutes / 60) {
        (0, 0) => tr!(i18n, "duration-m", m = minutes),
        (0, hours) => tr!(i18n, "duration-h", h = hours),
        (days, _) => tr!(i18n, "duration-d", d = days),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RU: I18n = I18n { language: Language::Ru };
    const EN: I18n = I18n { language: Language::En };

    fn at(text: &str) -> UtcMillis {
        text.parse().expect("an instant")
    }

    #[test]
    fn a_date_is_written_as_the_language_has_it() {
        let civil = civil(at("2026-11-21T09:05:30Z"), 300);
        assert_eq!(date_time(RU, civil), "21.11.2026 14:05");
        assert_eq!(date_time(EN, civil), "21 Nov 2026, 14:05");
    }

    #[test]
    fn civil_time_and_instant_are_each_others_inverse() {
        for text in
            ["1969-12-31T23:59:00Z", "2000-02-29T00:00:00Z", "2024-03-01T12:30:00Z", "2100-03-01T00:00:00Z"]
        {
            for offset in [-720, -210, 0, 345, 840] {
                assert_eq!(instant(civil(at(text), offset), offset), at(text), "{text} {offset}");
            }
        }
    }

    #[test]
    fn a_typed_moment_is_read_in_either_languages_form() {
        let now = at("2026-11-21T20:00:00Z");
        let expected = Some(at("2026-11-21T09:05:00Z"));
        for typed in [
            "21.11.2026 14:05",
            " 21.11.2026, 14:05 ",
            "2026-11-21 14:05",
            "2026-11-21T14:05:30",
            "21 Nov 2026, 14:05",
            "21 ноября 2026 14:05",
            "21 NOV 2026 14:05",
        ] {
            assert_eq!(parse_typed(typed, now, |_| 300), expected, "{typed}");
        }
        // Past midnight in the zone, so today is the 22nd.
        assert_eq!(parse_typed("0:30", now, |_| 300), Some(at("2026-11-21T19:30:00Z")));
        assert_eq!(parse_typed("21.11.2026", now, |_| 300), Some(at("2026-11-20T19:00:00Z")));
        for bad in [
            "",
            "yesterday",
            "31.02.2026 10:00",
            "21.13.2026 10:00",
            "24:00",
            "10:60",
            "1.1 10:00",
            "21 Foo 2026",
        ] {
            assert_eq!(parse_typed(bad, now, |_| 300), None, "{bad}");
        }
    }

    #[test]
    fn what_is_shown_is_read_back() {
        let moment = at("2026-05-09T06:07:00Z");
        for i18n in [RU, EN] {
            let shown = date_time(i18n, civil(moment, 300));
            assert_eq!(parse_typed(&shown, moment, |_| 300), Some(moment), "{shown}");
        }
    }

    #[test]
    fn a_typed_moment_is_read_in_the_zone_of_its_own_instant() {
        // Winter at +1, summer at +2, as in Berlin in 2026.
        let berlin = |at_: UtcMillis| {
            let summer = at_ >= at("2026-03-29T01:00:00Z") && at_ < at("2026-10-25T01:00:00Z");
            if summer { 120 } else { 60 }
        };
        let read = |text| parse_typed(text, UtcMillis(0), berlin);
        assert_eq!(read("29.03.2026 04:30"), Some(at("2026-03-29T02:30:00Z")));
        assert_eq!(read("29.03.2026 01:30"), Some(at("2026-03-29T00:30:00Z")));
    }

    #[test]
    fn an_age_is_short_in_a_list() {
        let now = at("2026-11-21T09:05:00Z");
        let check = |then: &str, ru: &str, en: &str| {
            assert_eq!(short_ago(RU, now, at(then), 0), ru);
            assert_eq!(short_ago(EN, now, at(then), 0), en);
        };
        check("2026-11-21T09:04:30Z", "только что", "now");
        check("2026-11-21T09:05:30Z", "только что", "now");
        check("2026-11-21T08:54:00Z", "11 мин", "11 min");
        check("2026-11-21T07:00:00Z", "2 ч", "2 h");
        check("2026-11-18T07:00:00Z", "3 дн", "3 d");
        check("2026-11-03T07:00:00Z", "3 ноя", "3 Nov");
        check("2025-11-03T07:00:00Z", "3 ноя 2025", "3 Nov 2025");
    }

    #[test]
    fn a_countdown_shows_zero_at_the_very_instant() {
        assert_eq!(countdown(RU, 0), "0:00");
        assert_eq!(countdown(RU, 1), "0:01");
        assert_eq!(countdown(RU, -59_000), "0:59");
        assert_eq!(countdown(RU, 729_000), "12:09");
        assert_eq!(countdown(RU, 3 * HOUR_MS + 729_000), "3:12:09");
        assert_eq!(countdown(RU, 2 * DAY_MS + 3 * HOUR_MS + 729_000), "2 д 03:12:09");
        assert_eq!(countdown(EN, 2 * DAY_MS), "2 d 00:00:00");
    }

    #[test]
    fn a_duration_has_its_two_largest_units() {
        let check = |ms, ru: &str, en: &str| {
            assert_eq!(duration(RU, ms), ru);
            assert_eq!(duration(EN, ms), en);
        };
        check(45_000, "45 с", "45 s");
        check(12 * MINUTE_MS, "12 мин", "12 min");
        check(3 * HOUR_MS + 20 * MINUTE_MS, "3 ч 20 мин", "3 h 20 min");
        check(8 * HOUR_MS, "8 ч", "8 h");
        check(2 * DAY_MS + 4 * HOUR_MS + 5, "2 д 4 ч", "2 d 4 h");
        check(DAY_MS + 1, "1 д", "1 d");
        assert_eq!(rough(RU, -3 * HOUR_MS - 5), "3 ч");
    }
}
