//! The seeds that every test run looks at; `cargo run -p desk-simulation -- --seeds 10000` looks at many more.

#![expect(clippy::panic, reason = "a helper of tests: a failure there is a failed test")]

use desk_simulation::{Counts, run};

/// Runs seeds and tells of the first that fails with all that happened.
fn check(seeds: std::ops::Range<u64>) -> Counts {
    let mut counts = Counts::default();
    for seed in seeds {
        let of_run = run(seed, false).or_else(|_| run(seed, true));
        let of_run = of_run.unwrap_or_else(|failed| {
            panic!("{}\nseed {seed}: {}", failed.trace.join("\n"), failed.broken);
        });
        counts.merge(&of_run);
    }
    counts
}

#[test]
fn a_seed_decides_everything() {
    assert_eq!(run(7, false).unwrap(), run(7, true).unwrap());
}

#[test]
fn the_first_seeds_hold() {
    let counts = check(0..100);
    // A simulation in which nothing goes wrong proves nothing.
    for what in [
        "messages lost",
        "requests doubled",
        "frames damaged",
        "device crashes",
        "server crashes",
        "partitions",
        "role changes",
        "revocations",
        "clocks set",
        "edits accepted",
        "edits refused",
        "unknown_document",
        "changes of who sees what",
        "scopes compared",
        "documents withdrawn",
        "documents that came whole",
        "documents fetched whole",
        "edits made again",
        "devices cloned",
        "devices restored from a backup",
        "copies that became devices of their own",
        "edits made again under a fresh id",
        "devices filled from segments",
        "segments fetched",
        "restored servers",
        "recoveries",
        "lost changes that came back",
    ] {
        assert!(counts.of(what) > 5, "{what}:\n{counts}");
    }
}
