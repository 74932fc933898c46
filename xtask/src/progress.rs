//! What a person at the terminal is told. On standard error, so that standard output stays for results.

use std::io::Write;
use std::time::{Duration, Instant};

/// Says one line.
pub(crate) fn note(text: &str) {
    // A closed terminal is no reason to stop.
    let _ = writeln!(std::io::stderr(), "xtask: {text}");
}

/// Announces a step, does it, and says how long it took.
pub(crate) fn step<T>(name: &str, work: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
    note(&format!("{name} …"));
    let start = Instant::now();
    let done = work();
    let how = if done.is_ok() { "done" } else { "FAILED" };
    note(&format!("{name}: {how} after {}", seconds(start.elapsed())));
    done
}

/// A duration as people read it.
pub(crate) fn seconds(duration: Duration) -> String {
    let tenths = duration.as_millis() / 100;
    if tenths >= 600 {
        format!("{} min {:02} s", tenths / 600, tenths / 10 % 60)
    } else {
        format!("{}.{} s", tenths / 10, tenths % 10)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_people_say_them() {
        assert_eq!(seconds(Duration::from_millis(340)), "0.3 s");
        assert_eq!(seconds(Duration::from_millis(59_999)), "59.9 s");
        assert_eq!(seconds(Duration::from_secs(754)), "12 min 34 s");
    }
}
