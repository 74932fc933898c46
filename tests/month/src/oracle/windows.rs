//! Business hours as plain lists of windows.

use crate::plan::{BEGIN, DAY_MS, DAYS, HOUR_MS};

/// Which hours count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hours {
    Always,
    Office,
    Berlin,
}

/// Days of March on which Kazakhstan rests besides weekends.
const REST: [i64; 4] = [9, 23, 24, 25];

/// The windows of the month, in order, as (open, close).
#[derive(Debug)]
pub(crate) struct Windows {
    office: Vec<(i64, i64)>,
    berlin: Vec<(i64, i64)>,
}

impl Windows {
    pub(crate) fn new() -> Self {
        let (mut office, mut berlin) = (Vec::new(), Vec::new());
        for day in 1..=DAYS + 1 {
            let midnight = BEGIN.0 + (day - 1) * DAY_MS;
            let add = |list: &mut Vec<(i64, i64)>, midnight: i64, from: i64, to: i64| {
                list.push((midnight + from * HOUR_MS, midnight + to * HOUR_MS));
            };
            // 0 is Sunday, as the first of the month is.
            let weekday = (day - 1) % 7;
            if (1..=5).contains(&weekday) && !REST.contains(&day) {
                add(&mut office, midnight, 9, 13);
                add(&mut office, midnight, 14, 18);
            }
            // Almaty is four hours ahead of Berlin, three once Berlin has summer time.
            let winter = midnight + 4 * HOUR_MS;
            let summer = midnight + 3 * HOUR_MS;
            match weekday {
                // Clocks go from 02:00 to 03:00: the window from 01:00 to 05:00 has three hours.
                0 if day == 29 => berlin.push((winter + HOUR_MS, summer + 5 * HOUR_MS)),
                0 => add(&mut berlin, winter, 1, 5),
                6 => add(&mut berlin, winter, 10, 16),
                _ => add(&mut berlin, if day > 29 { summer } else { winter }, 8, 20),
            }
        }
        Self { office, berlin }
    }

    /// The open parts of a stretch of time.
    pub(super) fn open(&self, hours: Hours, from: i64, to: i64) -> Vec<(i64, i64)> {
        let windows = match hours {
            Hours::Always => return if from < to { vec![(from, to)] } else { Vec::new() },
            Hours::Office => &self.office,
            Hours::Berlin => &self.berlin,
        };
        let first = windows.partition_point(|(_, close)| *close <= from);
        windows[first..]
            .iter()
            .take_while(|(open, _)| *open < to)
            .map(|(open, close)| ((*open).max(from), (*close).min(to)))
            .collect()
    }
}
