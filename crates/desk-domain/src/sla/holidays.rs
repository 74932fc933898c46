//! Official holidays of Russia and Kazakhstan, with the days off that their governments moved.
//!
//! Both countries give another day off for a holiday that falls on a weekend (in Russia not for those of January),
//! and both governments swap single days: a working Saturday for a day off elsewhere. The swaps are a table here,
//! one row per decree; a year without a row has the rules of the law alone. What is decreed later, a day of
//! mourning or a paid "non-working" week goes into [`super::Calendar::holidays`] by hand. The hour by which the
//! eve of a holiday is shortened is not modelled.

use std::{collections::BTreeSet, ops::RangeInclusive};

use jiff::{
    ToSpan,
    civil::{Date, Weekday},
    tz::TimeZone,
};

use crate::{time::UtcMillis, words::words};

words! {
    /// A country's official holidays.
    HolidaySet, "holiday set" {
        /// Russia: article 112 of the Labour Code and the Government's yearly decrees.
        Ru = "ru",
        /// Kazakhstan: the law on holidays, articles 84 and 85 of the Labour Code, and the orders made under them.
        Kz = "kz",
    }
}

/// A day off that was moved: `from` is worked instead of `to`. Where `from` is a holiday itself, it stays closed
/// and only its replacement lies elsewhere than the law would put it.
struct Move {
    from: (i16, i8, i8),
    to: (i16, i8, i8),
}

const fn moved(year: i16, from: (i8, i8), to: (i8, i8)) -> Move {
    Move { from: (year, from.0, from.1), to: (year, to.0, to.1) }
}

/// Decrees of the Government of Russia, "О переносе выходных дней".
const RU_MOVES: &[Move] = &[
    // № 1017 of 24.09.2015
    moved(2016, (1, 2), (5, 3)),
    moved(2016, (1, 3), (3, 7)),
    moved(2016, (2, 20), (2, 22)),
    // № 756 of 04.08.2016
    moved(2017, (1, 1), (2, 24)),
    moved(2017, (1, 7), (5, 8)),
    // № 1250 of 14.10.2017
    moved(2018, (1, 6), (3, 9)),
    moved(2018, (1, 7), (5, 2)),
    moved(2018, (4, 28), (4, 30)),
    moved(2018, (6, 9), (6, 11)),
    moved(2018, (12, 29), (12, 31)),
    // № 1163 of 01.10.2018
    moved(2019, (1, 5), (5, 2)),
    moved(2019, (1, 6), (5, 3)),
    moved(2019, (2, 23), (5, 10)),
    // № 875 of 10.07.2019
    moved(2020, (1, 4), (5, 4)),
    moved(2020, (1, 5), (5, 5)),
    // № 1648 of 10.10.2020
    moved(2021, (1, 2), (11, 5)),
    moved(2021, (1, 3), (12, 31)),
    moved(2021, (2, 20), (2, 22)),
    // № 1564 of 16.09.2021
    moved(2022, (1, 1), (5, 3)),
    moved(2022, (1, 2), (5, 10)),
    moved(2022, (3, 5), (3, 7)),
    // № 1505 of 29.08.2022
    moved(2023, (1, 1), (2, 24)),
    moved(2023, (1, 8), (5, 8)),
    // № 1314 of 10.08.2023
    moved(2024, (1, 6), (5, 10)),
    moved(2024, (1, 7), (12, 31)),
    moved(2024, (4, 27), (4, 29)),
    moved(2024, (11, 2), (4, 30)),
    moved(2024, (12, 28), (12, 30)),
    // № 1335 of 04.10.2024
    moved(2025, (1, 4), (5, 2)),
    moved(2025, (1, 5), (12, 31)),
    moved(2025, (2, 23), (5, 8)),
    moved(2025, (3, 8), (6, 13)),
    moved(2025, (11, 1), (11, 3)),
    // № 1466 of 24.09.2025
    moved(2026, (1, 3), (1, 9)),
    moved(2026, (1, 4), (12, 31)),
];

/// Decrees and orders under article 85(3) of the Labour Code of Kazakhstan, "О переносе дней отдыха".
const KZ_MOVES: &[Move] = &[
    // Government decree № 713 of 06.10.2021 and its amendment of October 2022
    moved(2022, (3, 5), (3, 7)),
    moved(2022, (8, 27), (8, 29)),
    moved(2022, (10, 22), (10, 24)),
    // Government decree of 2023
    moved(2023, (7, 1), (7, 7)),
    // Order of the Minister of Labour of 17.04.2024
    moved(2024, (5, 4), (5, 8)),
    // Order of the Minister of Labour № 436 of 21.11.2024
    moved(2025, (1, 5), (1, 3)),
];

/// The first day of Kurban Ait, as the Spiritual Administration of the Muslims of Kazakhstan announced it. It
/// follows the moon and is known about a year ahead; later years are added by hand.
const KURBAN_AIT: &[(i16, i8, i8)] = &[
    (2018, 8, 21),
    (2019, 8, 11),
    (2020, 7, 31),
    (2021, 7, 20),
    (2022, 7, 9),
    (2023, 6, 28),
    (2024, 6, 16),
    (2025, 6, 6),
    (2026, 5, 27),
];

impl HolidaySet {
    /// From this year on the law is followed; before it the sets are empty.
    pub const FIRST_YEAR: i16 = 2013;

    /// The years of which every day off is known here, moved ones and those that follow the moon included. In later years
    /// (and in earlier ones, from [`Self::FIRST_YEAR`] on) only what the law alone says is known: a calendar for them
    /// needs the days of the year's decree added by hand, or a newer version of the program.
    pub fn known_years(self) -> RangeInclusive<i16> {
        match self {
            Self::Ru => 2016..=2026,
            Self::Kz => 2022..=2026,
        }
    }

    /// The first year within a quarter of `now` of which not every day off is known: somebody should add its days.
    pub fn missing_year(self, now: UtcMillis) -> Option<i16> {
        const QUARTER_MS: i64 = 91 * 24 * 3_600_000;
        let year = |at: UtcMillis| at.to_jiff().to_zoned(TimeZone::UTC).year();
        let known = self.known_years();
        (year(now)..=year(now.plus_ms(QUARTER_MS))).find(|year| year > known.end())
    }

    /// The civil dates of a year that are days off by law or decree: holidays, what replaces those that fall on a
    /// weekend, and days off that were moved here. Weekends are not listed unless a holiday falls on them.
    pub fn holidays(self, year: i16) -> BTreeSet<Date> {
        if year < Self::FIRST_YEAR {
            return BTreeSet::new();
        }
        match self {
            Self::Ru => russia(year),
            Self::Kz => kazakhstan(year),
        }
    }

    /// The weekend days of a year that are worked, each with the day that was given off instead.
    pub fn working_days(self, year: i16) -> Vec<(Date, Date)> {
        let holidays = self.holidays(year);
        self.moves(year).filter(|(from, _)| !holidays.contains(from)).collect()
    }

    fn moves(self, year: i16) -> impl Iterator<Item = (Date, Date)> {
        let table = match self {
            Self::Ru => RU_MOVES,
            Self::Kz => KZ_MOVES,
        };
        table.iter().filter(move |row| row.from.0 == year).filter_map(|row| {
            Some((date(row.from.0, row.from.1, row.from.2)?, date(row.to.0, row.to.1, row.to.2)?))
        })
    }
}

fn date(year: i16, month: i8, day: i8) -> Option<Date> {
    Date::new(year, month, day).ok()
}

fn dates(year: i16, days: &[(i8, i8)]) -> BTreeSet<Date> {
    days.iter().filter_map(|(month, day)| date(year, *month, *day)).collect()
}

fn is_weekend(day: Date) -> bool {
    matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday)
}

/// Adds, for each of `holidays` that falls on a weekend, the next day that is neither weekend nor taken.
fn replace_weekends(holidays: &BTreeSet<Date>, taken: &mut BTreeSet<Date>) {
    for holiday in holidays.iter().filter(|day| is_weekend(**day)) {
        let mut next = *holiday;
        while is_weekend(next) || taken.contains(&next) {
            match next.checked_add(1.day()) {
                Ok(day) => next = day,
                Err(_) => return,
            }
        }
        taken.insert(next);
    }
}

fn russia(year: i16) -> BTreeSet<Date> {
    const JANUARY: [(i8, i8); 8] = [(1, 1), (1, 2), (1, 3), (1, 4), (1, 5), (1, 6), (1, 7), (1, 8)];
    let mut off = dates(year, &JANUARY);
    let mut others = dates(year, &[(2, 23), (3, 8), (5, 1), (5, 9), (6, 12), (11, 4)]);
    off.extend(&others);
    for (from, to) in HolidaySet::Ru.moves(year) {
        off.insert(to);
        // The decree says where the replacement of this holiday lies, in place of the law.
        others.remove(&from);
    }
    replace_weekends(&others, &mut off);
    off
}

fn kazakhstan(year: i16) -> BTreeSet<Date> {
    let mut holidays = dates(
        year,
        &[(1, 1), (1, 2), (3, 8), (3, 21), (3, 22), (3, 23), (5, 1), (5, 7), (5, 9), (7, 6), (12, 16)],
    );
    if year <= 2021 {
        // Day of the First President; the second day of Independence.
        holidays.extend(dates(year, &[(12, 1), (12, 17)]));
    } else {
        holidays.extend(dates(year, &[(10, 25)]));
    }
    // The Constitution that was adopted on 15 March 2026 moved its day there; 2026 itself has neither date.
    if year <= 2025 {
        holidays.extend(dates(year, &[(8, 30)]));
    } else if year >= 2027 {
        holidays.extend(dates(year, &[(3, 15)]));
    }
    let mut off = holidays.clone();
    // Days off but no state holidays (article 84(5)): nothing replaces them when they fall on a weekend.
    off.extend(dates(year, &[(1, 7)]));
    off.extend(KURBAN_AIT.iter().filter(|row| row.0 == year).filter_map(|row| date(row.0, row.1, row.2)));
    off.extend(HolidaySet::Kz.moves(year).map(|(_, to)| to));
    replace_weekends(&holidays, &mut off);
    off
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The weekdays off and the worked weekend days of a year, as `MM-DD`.
    fn check(set: HolidaySet, year: i16, weekdays_off: &str, worked: &str) {
        let text = |days: Vec<Date>| {
            days.iter().map(|day| day.strftime("%m-%d").to_string()).collect::<Vec<_>>().join(" ")
        };
        let off = set.holidays(year).into_iter().filter(|day| !is_weekend(*day)).collect();
        assert_eq!(text(off), weekdays_off, "{set} {year}");
        let mut work: Vec<Date> = set.working_days(year).into_iter().map(|(day, _)| day).collect();
        work.sort();
        assert_eq!(text(work), worked, "{set} {year}");
    }

    #[test]
    fn russian_days_off_are_those_of_the_production_calendars() {
        use HolidaySet::Ru;
        check(Ru, 2023, "01-02 01-03 01-04 01-05 01-06 02-23 02-24 03-08 05-01 05-08 05-09 06-12 11-06", "");
        check(
            Ru,
            2024,
            "01-01 01-02 01-03 01-04 01-05 01-08 02-23 03-08 04-29 04-30 05-01 05-09 05-10 06-12 11-04 12-30 12-31",
            "04-27 11-02 12-28",
        );
        check(
            Ru,
            2025,
            "01-01 01-02 01-03 01-06 01-07 01-08 05-01 05-02 05-08 05-09 06-12 06-13 11-03 11-04 12-31",
            "11-01",
        );
        check(
            Ru,
            2026,
            "01-01 01-02 01-05 01-06 01-07 01-08 01-09 02-23 03-09 05-01 05-11 06-12 11-04 12-31",
            "",
        );
    }

    #[test]
    fn a_year_without_a_decree_follows_the_law_alone() {
        // 2027: 1 and 9 May and 12 June fall on weekends; New Year's holidays do not move by themselves.
        check(
            HolidaySet::Ru,
            2027,
            "01-01 01-04 01-05 01-06 01-07 01-08 02-23 03-08 05-03 05-10 06-14 11-04",
            "",
        );
        assert!(HolidaySet::Ru.holidays(2012).is_empty());
    }

    #[test]
    fn a_year_of_which_nothing_is_decreed_yet_is_told_a_quarter_ahead() {
        let last = *HolidaySet::Ru.known_years().end();
        let at = |text: String| HolidaySet::Ru.missing_year(text.parse().unwrap());
        assert_eq!(at(format!("{last}-09-01T00:00:00Z")), None);
        assert_eq!(at(format!("{last}-11-01T00:00:00Z")), Some(last + 1));
        assert_eq!(at(format!("{}-06-01T00:00:00Z", last + 2)), Some(last + 2));
        assert_eq!(HolidaySet::Ru.missing_year(UtcMillis(i64::MAX)), Some(9999));
    }

    #[test]
    fn each_known_year_has_its_decree_or_its_moon() {
        let years = |rows: &mut dyn Iterator<Item = i16>| rows.collect::<BTreeSet<i16>>();
        let ru = HolidaySet::Ru.known_years();
        assert_eq!(years(&mut RU_MOVES.iter().map(|row| row.from.0)), ru.collect());
        let kz = HolidaySet::Kz.known_years();
        let moons = years(&mut KURBAN_AIT.iter().map(|row| row.0));
        assert!(kz.clone().all(|year| moons.contains(&year)));
        assert_eq!(moons.last(), Some(kz.end()), "a newer moon: is the year's decree there, too?");
    }

    #[test]
    fn the_working_year_has_as_many_days_as_the_ministries_publish() {
        for (set, year, expected) in [
            (HolidaySet::Ru, 2016, 247),
            (HolidaySet::Ru, 2017, 247),
            (HolidaySet::Ru, 2018, 247),
            (HolidaySet::Ru, 2019, 247),
            (HolidaySet::Ru, 2021, 247),
            (HolidaySet::Ru, 2022, 247),
            (HolidaySet::Ru, 2023, 247),
            (HolidaySet::Ru, 2024, 248),
            (HolidaySet::Ru, 2025, 247),
            (HolidaySet::Ru, 2026, 247),
            (HolidaySet::Kz, 2025, 246),
        ] {
            let off = set.holidays(year);
            let worked: BTreeSet<Date> = set.working_days(year).into_iter().map(|(day, _)| day).collect();
            let mut day = Date::new(year, 1, 1).unwrap();
            let mut count = 0;
            while day.year() == year {
                count += usize::from(worked.contains(&day) || !(is_weekend(day) || off.contains(&day)));
                day = day.tomorrow().unwrap();
            }
            assert_eq!(count, expected, "{set} {year}");
        }
    }

    #[test]
    fn kazakh_days_off_are_those_of_the_official_calendars() {
        use HolidaySet::Kz;
        check(
            Kz,
            2022,
            "01-03 01-04 01-07 03-07 03-08 03-21 03-22 03-23 05-02 05-09 05-10 07-06 08-29 08-30 10-24 10-25 12-16",
            "03-05 08-27 10-22",
        );
        check(
            Kz,
            2024,
            "01-01 01-02 03-08 03-21 03-22 03-25 05-01 05-07 05-08 05-09 07-08 08-30 10-25 12-16",
            "05-04",
        );
        check(
            Kz,
            2025,
            "01-01 01-02 01-03 01-07 03-10 03-21 03-24 03-25 05-01 05-07 05-09 06-06 07-07 09-01 10-27 12-16",
            "01-05",
        );
        check(
            Kz,
            2026,
            "01-01 01-02 01-07 03-09 03-23 03-24 03-25 05-01 05-07 05-11 05-27 07-06 10-26 12-16",
            "",
        );
    }
}
