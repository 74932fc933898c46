//! The month that every test run looks at, and smaller ones of other seeds.

#![expect(clippy::panic, reason = "a helper of tests: a failure there is a failed test")]

use desk_month::{Figures, Plan, run};

fn month(seed: u64, tickets: usize, incidents: usize) -> Figures {
    run(&Plan { seed, tickets, incidents }).unwrap_or_else(|broken| panic!("seed {seed}: {broken}"))
}

#[test]
fn a_month_ends_with_every_due_alert_raised_once_and_no_other() {
    let figures = month(1, 5_000, 50);
    assert_eq!((figures.of("tickets"), figures.of("incidents")), (5_000, 50));
    // A month in which nothing happens proves nothing.
    for what in [
        "alerts due",
        "alerts raised on devices",
        "not the member's business",
        "raised early or in vain by a device that could not know",
        "banners",
        "summaries after quiet hours",
        "digests",
        "alerts only listed",
        "acknowledgements heard",
        "snoozes heard",
        "pages",
        "incidents acknowledged",
        "acknowledgements run out",
    ] {
        assert!(figures.of(what) > 5, "{what}:\n{figures}");
    }
}

#[test]
fn a_seed_decides_everything() {
    assert_eq!(month(7, 100, 10), month(7, 100, 10));
}

#[test]
fn other_months_hold() {
    for seed in 10..16 {
        month(seed, 150, 40);
    }
}
