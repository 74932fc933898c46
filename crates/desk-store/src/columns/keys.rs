//! A column that is sorted by: instants, beside a coarser form of them that is quicker to compare.

use serde::{Deserialize, Serialize, Serializer};

use super::put;
use crate::codes;

/// Both in the order of places.
#[derive(Default, Deserialize)]
#[serde(from = "Vec<i64>")]
pub(super) struct Keys {
    exact: Vec<i64>,
    coarse: Vec<i32>,
}

/// In units of 2,048 ms: what is greater is never less. Processors compare four of these at once, and 64 bits slower than
/// one after the other. Negative ones are instants, the others keys of tickets without a clock. Before 1970 and beyond
/// the year 2109 all are equal.
pub(super) fn coarse(key: i64) -> i32 {
    const RANGE_MS: i64 = 1 << 42;
    let (base, ms) = match codes::due_from(key) {
        Some(instant) => (i32::MIN, instant.0),
        None => (0, key - (codes::WITHOUT_CLOCK - RANGE_MS)),
    };
    base + (ms.clamp(0, RANGE_MS - 1) >> 11) as i32
}

impl Keys {
    pub(super) fn put(&mut self, place: Result<usize, usize>, key: i64) {
        put(&mut self.exact, place, key);
        put(&mut self.coarse, place, coarse(key));
    }

    pub(super) fn exact(&self) -> &[i64] {
        &self.exact
    }

    pub(super) fn coarse(&self) -> &[i32] {
        &self.coarse
    }
}

impl From<Vec<i64>> for Keys {
    fn from(exact: Vec<i64>) -> Self {
        let coarse = exact.iter().copied().map(coarse).collect();
        Self { exact, coarse }
    }
}

impl Serialize for Keys {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.exact.serialize(serializer)
    }
}
