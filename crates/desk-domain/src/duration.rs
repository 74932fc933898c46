//! Durations as people write them, in Russian and English.

/// Longest duration that is read: a hundred years. What is longer is a mistake.
const MAX_MS: f64 = 100.0 * 365.25 * 86_400_000.0;

/// The text is no duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no duration; write it like 1h 30m, 45m, 2d or 1 ч 30 мин")]
pub struct InvalidDuration {
    /// What was given, shortened.
    pub text: String,
}

/// Reads a duration, in milliseconds: `1 ч 30 мин`, `1h 30m`, `1,5 ч`, `1:30` (hours and minutes), `90` (minutes), `2 д` (of 24
/// hours), `45 с`. Each unit at most once, the larger before the smaller.
///
/// # Errors
/// When it is none, or longer than a hundred years.
pub fn parse(text: &str) -> Result<i64, InvalidDuration> {
    let wrong = || InvalidDuration { text: text.chars().take(64).collect() };
    let clean = text.trim().to_lowercase().replace(',', ".");
    if let Some((hours, minutes)) = clean.split_once(':') {
        let (hours, minutes): (u32, u32) =
            (digits(hours).ok_or_else(wrong)?, digits(minutes).ok_or_else(wrong)?);
        if minutes > 59 {
            return Err(wrong());
        }
        return in_range((f64::from(hours) * 60.0 + f64::from(minutes)) * 60_000.0).ok_or_else(wrong);
    }
    let (mut total_ms, mut before_ms) = (0.0, f64::INFINITY);
    let mut rest = clean.as_str();
    if rest.is_empty() {
        return Err(wrong());
    }
    while !rest.is_empty() {
        let number_end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, tail) = rest.split_at(number_end);
        let number: f64 = number.parse().map_err(|_| wrong())?;
        let tail = tail.trim_start();
        let unit_end = tail.find(|c: char| !c.is_alphabetic()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit_end);
        // A number alone is minutes, but only alone.
        let unit = if unit.is_empty() && before_ms.is_infinite() && tail.is_empty() { "m" } else { unit };
        let unit_ms = unit_ms(unit).filter(|ms| *ms < before_ms).ok_or_else(wrong)?;
        total_ms += number * unit_ms;
        before_ms = unit_ms;
        rest = tail.trim_start_matches(['.', ' ', '\u{a0}', '\u{202f}']);
    }
    in_range(total_ms).ok_or_else(wrong)
}

fn digits(text: &str) -> Option<u32> {
    let text = text.trim();
    (!text.is_empty() && text.len() <= 6 && text.bytes().all(|b| b.is_ascii_digit()))
        .then(|| text.parse().ok())?
}

#[expect(clippy::cast_possible_truncation, reason = "the range was checked")]
fn in_range(ms: f64) -> Option<i64> {
    (0.0..=MAX_MS).contains(&ms).then(|| ms.round() as i64)
}

fn unit_ms(unit: &str) -> Option<f64> {
    Some(match unit {
        "д" | "дн" | "день" | "дня" | "дней" | "d" | "day" | "days" => 86_400_000.0,
        "ч" | "час" | "часа" | "часов" | "h" | "hr" | "hrs" | "hour" | "hours" => 3_600_000.0,
        "м" | "мин" | "минута" | "минуты" | "минут" | "m" | "min" | "mins" | "minute" | "minutes" => {
            60_000.0
        }
        "с" | "сек" | "секунд" | "секунды" | "s" | "sec" | "secs" | "second" | "seconds" => {
            1_000.0
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        for (text, seconds) in [
            ("90", 5_400),
            ("1 ч 30 мин", 5_400),
            ("1ч30м", 5_400),
            ("1h 30m", 5_400),
            ("1 hour 30 minutes", 5_400),
            ("1,5 ч", 5_400),
            ("1.5h", 5_400),
            ("1:30", 5_400),
            ("0:05", 300),
            (" 2 Д ", 172_800),
            ("2 д. 4 ч.", 187_200),
            ("45 сек", 45),
            ("1 ч\u{a0}15 мин", 4_500),
            ("0", 0),
        ] {
            assert_eq!(parse(text), Ok(seconds * 1_000), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for text in [
            "",
            " ",
            "soon",
            "1 ч 1 ч",
            "30 мин 1 ч",
            "-5",
            "1:75",
            "1:2:3",
            "1..5 ч",
            "5 лет",
            "h",
            "1 30",
            "1e9 ч",
            "900000000 ч",
        ] {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }
}
