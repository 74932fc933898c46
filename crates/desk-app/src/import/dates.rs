//! Civil dates of other systems, brought to instants.

use desk_domain::time::UtcMillis;
use jiff::{civil::DateTime, tz::TimeZone};

/// The earliest and the latest year that a date of a help desk can have; what lies outside is a slip.
const YEARS: std::ops::RangeInclusive<i16> = 1970..=9000;

/// The text is no date of the forms that are read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDate {
    /// It does not look like one.
    #[error("{0:?} is no date; dates look like 29-02-2016 01:16 or 29/2/2016 1:16")]
    Form(String),
    /// It looks like one, but the calendar or the clock has none such.
    #[error("{0:?} is out of range: there is no such day or time")]
    Range(String),
}

/// Reads `D-M-YYYY HH:MM`, `D/M/YYYY HH:MM` or `D.M.YYYY HH:MM`, or `YYYY-MM-DD HH:MM`; seconds may follow. One
/// separator is used throughout.
pub fn civil(text: &str) -> Result<DateTime, InvalidDate> {
    let form = || InvalidDate::Form(text.chars().take(64).collect());
    let (date, time) = text.trim().split_once([' ', 'T']).ok_or_else(form)?;
    let separator = date.chars().find(|c| !c.is_ascii_digit()).ok_or_else(form)?;
    if !matches!(separator, '-' | '/' | '.') {
        return Err(form());
    }
    let parts: Vec<&str> = date.split(separator).collect();
    let &[first, second, third] = parts.as_slice() else { return Err(form()) };
    let (day, month, year) = if first.len() == 4 { (third, second, first) } else { (first, second, third) };
    let day = digits(day, 1, 2).ok_or_else(form)?;
    let month = digits(month, 1, 2).ok_or_else(form)?;
    let year = digits(year, 4, 4).ok_or_else(form)?;

    let parts: Vec<&str> = time.trim_start().split(':').collect();
    let (hour, minute, second) = match *parts.as_slice() {
        [hour, minute] => (hour, minute, "0"),
        [hour, minute, second] => (hour, minute, second),
        _ => return Err(form()),
    };
    let hour = digits(hour, 1, 2).ok_or_else(form)?;
    let minute = digits(minute, 2, 2).ok_or_else(form)?;
    let second = digits(second, 1, 2).ok_or_else(form)?;

    let range = || InvalidDate::Range(text.chars().take(64).collect());
    let narrow = |value: i16| i8::try_from(value).map_err(|_| range());
    if !YEARS.contains(&year) {
        return Err(range());
    }
    DateTime::new(year, narrow(month)?, narrow(day)?, narrow(hour)?, narrow(minute)?, narrow(second)?, 0)
        .map_err(|_| range())
}

/// The number that `text` writes with `least` to `most` ASCII digits and nothing else.
fn digits(text: &str, least: usize, most: usize) -> Option<i16> {
    let plain = (least..=most).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    if plain { text.parse().ok() } else { None }
}

/// The instant of a civil date in `zone`. A time that the clocks skipped is read as if they had not yet been set
/// forward, one that happened twice as the first.
pub fn instant(civil: DateTime, zone: &TimeZone) -> Option<UtcMillis> {
    zone.to_ambiguous_zoned(civil).compatible().ok().map(|zoned| UtcMillis::from_jiff(zoned.timestamp()))
}

/// Reads a date as [`civil`] does, in `zone`.
pub fn read(text: &str, zone: &TimeZone) -> Result<UtcMillis, InvalidDate> {
    instant(civil(text)?, zone).ok_or_else(|| InvalidDate::Range(text.chars().take(64).collect()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn utc(text: &str) -> Result<String, InvalidDate> {
        read(text, &TimeZone::UTC).map(|at| at.to_string())
    }

    #[test]
    fn both_forms_are_read_with_and_without_leading_zeros() {
        for text in [
            "29-02-2016 01:16",
            "29/02/2016 01:16",
            "29/2/2016 1:16",
            "29-2-2016 01:16",
            "29.02.2016 01:16",
            " 29-02-2016  1:16 ",
            "2016-02-29 01:16:00",
            "2016-02-29T01:16:00",
        ] {
            assert_eq!(utc(text).as_deref(), Ok("2016-02-29T01:16:00Z"), "{text}");
        }
    }

    #[test]
    fn what_is_no_date_is_told_from_what_lies_out_of_range() {
        for text in [
            "",
            "?",
            "29-02-2016",
            "29-02/2016 01:16",
            "29-02-16 01:16",
            "a-b-c d:e",
            "29-02-2016 0116",
            "29 02 2016 01:16",
            "+9-02-2016 01:16",
            "２９-02-2016 01:16",
            "29-02-2016 01:6",
            "29-02-2016 01:16:00:00",
        ] {
            assert!(matches!(utc(text), Err(InvalidDate::Form(_))), "{text:?}");
        }
        for text in [
            "30-02-2016 01:16",
            "29-02-2015 01:16",
            "0-01-2016 01:16",
            "32-01-2016 01:16",
            "01-13-2016 01:16",
            "99-99-2016 01:16",
            "01-01-2016 24:00",
            "01-01-2016 23:60",
            "01-01-1969 00:00",
            "01-01-9999 00:00",
        ] {
            assert!(matches!(utc(text), Err(InvalidDate::Range(_))), "{text:?}");
        }
    }

    #[test]
    fn a_skipped_hour_moves_forward_and_a_doubled_one_is_the_first() {
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        let check = |text: &str, expected: &str| {
            assert_eq!(read(text, &berlin).unwrap().to_string(), expected, "{text}");
        };
        check("27-03-2016 02:30", "2016-03-27T01:30:00Z");
        check("30-10-2016 02:30", "2016-10-30T00:30:00Z");
        check("30-10-2016 03:30", "2016-10-30T02:30:00Z");
    }

    proptest! {
        #[test]
        fn every_minute_is_read_as_it_was_written(
            minutes in 0_i64..4_000_000_000 / 60, slash: bool, padded: bool,
        ) {
            let at = jiff::Timestamp::from_second(minutes * 60).unwrap();
            let civil = TimeZone::UTC.to_datetime(at);
            let s = if slash { '/' } else { '-' };
            let (d, m, y, hour, min) = (civil.day(), civil.month(), civil.year(), civil.hour(), civil.minute());
            let text = if padded {
                format!("{d:02}{s}{m:02}{s}{y} {hour:02}:{min:02}")
            } else {
                format!("{d}{s}{m}{s}{y} {hour}:{min:02}")
            };
            prop_assert_eq!(read(&text, &TimeZone::UTC), Ok(UtcMillis(minutes * 60_000)));
        }

        #[test]
        fn no_text_makes_the_reader_fail_other_than_by_an_error(text in ".{0,40}") {
            let _ = read(&text, &TimeZone::UTC);
        }

        #[test]
        fn numbers_in_a_dates_places_are_a_real_date_or_an_error(
            d in 0_u16..120, m in 0_u16..120, y in 0_u16..10_000, hour in 0_u16..120, min in 0_u16..120,
        ) {
            let text = format!("{d}-{m}-{y:04} {hour}:{min:02}");
            let real = YEARS.contains(&y.cast_signed())
                && DateTime::new(
                    y.cast_signed(),
                    i8::try_from(m).unwrap(),
                    i8::try_from(d).unwrap(),
                    i8::try_from(hour).unwrap(),
                    i8::try_from(min).unwrap(),
                    0,
                    0,
                )
                .is_ok();
            prop_assert_eq!(civil(&text).is_ok(), real, "{}", text);
        }
    }
}
