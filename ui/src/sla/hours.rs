//! What is typed into the forms, read and written: durations, windows of a day, dates, shares.

use desk_domain::{
    duration::{self, InvalidDuration},
    sla::{Calendar, calendar::DayHours},
};

use crate::i18n::{I18n, format};

/// Minutes of a target as people write them: `1 ч 30 мин`, `45 с`; nothing where there is no target.
#[expect(clippy::cast_possible_truncation, reason = "a target has at most a hundred years")]
pub(crate) fn spell_minutes(i18n: I18n, minutes: Option<f64>) -> String {
    let Some(minutes) = minutes else { return String::new() };
    // Never days: a day of work has as many hours as its calendar.
    format::spelled(i18n, 0, (minutes * 60.0).round() as i64)
}

/// Reads minutes of a target; an empty field is none.
#[expect(clippy::cast_precision_loss, reason = "a hundred years are far below 2^53 milliseconds")]
pub(crate) fn read_minutes(text: &str) -> Result<Option<f64>, InvalidDuration> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    match duration::parse(text)? {
        ms if ms > 0 => Ok(Some(ms as f64 / 60_000.0)),
        _ => Err(InvalidDuration { text: text.to_owned() }),
    }
}

/// A day's windows: `09:00–13:00, 14:00–18:00`; nothing for a closed day.
pub(crate) fn spell_windows(windows: &DayHours) -> String {
    windows.iter().map(|[open, close]| format!("{open}–{close}")).collect::<Vec<_>>().join(", ")
}

/// Reads a day's windows, as people write them: `9-13, 14:00 – 18:00`.
pub(crate) fn read_windows(text: &str) -> Option<DayHours> {
    let windows = text.split([',', ';']).map(str::trim).filter(|window| !window.is_empty());
    let windows: DayHours = windows
        .map(|window| {
            let (open, close) = window.split_once(['-', '–', '—'])?;
            Some([clock_face(open)?, clock_face(close)?])
        })
        .collect::<Option<_>>()?;
    // The same rules as those that the calendar has in the end.
    let hours = desk_domain::sla::WeekHours { mon: windows.clone(), ..Default::default() };
    let calendar = Calendar { zone: "UTC".to_owned(), hours, ..Calendar::default() };
    (windows.is_empty() || calendar.compile().is_ok()).then_some(windows)
}

/// `9` or `9:05` as `09:00`, `09:05`.
fn clock_face(text: &str) -> Option<String> {
    let (hours, minutes) = text.trim().split_once(':').unwrap_or((text.trim(), "00"));
    let number = |text: &str| {
        (!text.is_empty() && text.len() <= 2 && text.bytes().all(|b| b.is_ascii_digit()))
            .then(|| text.parse::<u8>().ok())?
    };
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    (hours <= 24 && minutes < 60).then(|| format!("{hours:02}:{minutes:02}"))
}

/// Own holidays, one a line: `30.12.2026`.
pub(crate) fn spell_dates(i18n: I18n, calendar: &Calendar) -> String {
    let is_russian = i18n.language == desk_api::view::Language::Ru;
    let date = |date: String| match date.split('-').collect::<Vec<_>>().as_slice() {
        [year, month, day] if is_russian => format!("{day}.{month}.{year}"),
        _ => date,
    };
    calendar.holidays.iter().map(|day| date(day.to_string())).collect::<Vec<_>>().join(", ")
}

/// Reads dates: `30.12.2026` or `2026-12-30`, separated by commas, spaces or lines.
pub(crate) fn read_dates(calendar: &Calendar, text: &str) -> Option<Calendar> {
    let days = text.split([',', ';', ' ', '\n']).map(str::trim).filter(|day| !day.is_empty());
    let iso = |day: &str| match day.split('.').collect::<Vec<_>>().as_slice() {
        [day, month, year] => format!("{year:0>4}-{month:0>2}-{day:0>2}"),
        _ => day.to_owned(),
    };
    let holidays = days.map(|day| iso(day).parse().ok()).collect::<Option<_>>()?;
    Some(Calendar { holidays, ..calendar.clone() })
}

/// Reads the shares at which a warning is raised: `75, 90`.
pub(crate) fn read_shares(text: &str) -> Option<Vec<u8>> {
    let shares = text.split([',', ';', ' ', '%']).map(str::trim).filter(|share| !share.is_empty());
    let read = |share: &str| share.parse::<u8>().ok().filter(|share| (1..100).contains(share));
    let mut shares: Vec<u8> = shares.map(read).collect::<Option<_>>()?;
    shares.sort_unstable();
    shares.dedup();
    Some(shares)
}

#[cfg(test)]
mod tests {
    use desk_api::view::Language;

    use super::*;

    #[test]
    fn targets_are_written_as_they_are_read() {
        let ru = I18n { language: Language::Ru };
        for (text, minutes, written) in [
            ("1 ч 30 мин", Some(90.0), "1 ч 30 мин"),
            ("90", Some(90.0), "1 ч 30 мин"),
            ("2 д", Some(2880.0), "48 ч"),
            ("45 s", Some(0.75), "45 с"),
            ("", None, ""),
        ] {
            assert_eq!(read_minutes(text), Ok(minutes), "{text}");
            assert_eq!(spell_minutes(ru, minutes), written);
            assert_eq!(read_minutes(written), Ok(minutes), "{written}");
        }
        assert!(read_minutes("soon").is_err() && read_minutes("0").is_err());
    }

    #[test]
    fn several_windows_a_day_are_read_and_wrong_ones_are_not() {
        let check = |text: &str, written: Option<&str>| {
            assert_eq!(
                read_windows(text).map(|windows| spell_windows(&windows)).as_deref(),
                written,
                "{text}"
            );
        };
        check("9-13, 14:00 – 18:00", Some("09:00–13:00, 14:00–18:00"));
        check("00:00—24:00", Some("00:00–24:00"));
        check(" ", Some(""));
        check("18-9", None);
        check("9-13, 12-18", None);
        check("9", None);
        check("9-25", None);
        check("9:75-10", None);
    }

    #[test]
    fn dates_and_shares_are_read_as_people_write_them() {
        let ru = I18n { language: Language::Ru };
        let read = read_dates(&Calendar::default(), "31.12.2026, 2026-12-30").unwrap();
        assert_eq!(spell_dates(ru, &read), "30.12.2026, 31.12.2026");
        assert_eq!(spell_dates(I18n { language: Language::En }, &read), "2026-12-30, 2026-12-31");
        assert_eq!(read_dates(&read, "30.02.2026"), None);
        assert_eq!(read_dates(&read, "").unwrap().holidays.len(), 0);
        assert_eq!(read_shares("90 %, 75; 75"), Some(vec![75, 90]));
        assert_eq!((read_shares("0"), read_shares("100"), read_shares("x")), (None, None, None));
    }
}
