//! How figures are told: one JSON value a line on standard output, times in milliseconds.

use serde_json::{Value, json};

/// Prints one figure.
#[expect(clippy::print_stdout, reason = "a bench prints figures")]
pub(crate) fn print(figure: &Value) {
    println!("{figure}");
}

/// Median, 95th percentile, maximum and number of some times in milliseconds; `None` where there are none.
pub(crate) fn spread(times: &[f64]) -> Option<Value> {
    let mut sorted = times.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (p50, p95, max) = (percentile(&sorted, 50)?, percentile(&sorted, 95)?, *sorted.last()?);
    Some(json!({ "p50": round(p50), "p95": round(p95), "max": round(max), "n": sorted.len() }))
}

/// The smallest of the sorted values that at least so many percent of them do not exceed.
pub(crate) fn percentile(sorted: &[f64], percent: usize) -> Option<f64> {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}

/// To the tenth.
pub(crate) fn round(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}
