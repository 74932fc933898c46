//! Some kills at every test run; `cargo run -p desk-crash -- --kills 500` kills more.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a helper of tests: a failure there is a failed test")]

use desk_crash::{Plan, Programs, run};

/// The programs stand above the tests' own directory: `cargo test --workspace` builds both.
fn programs() -> Programs {
    let this = std::env::current_exe().unwrap();
    Programs::in_dir(this.ancestors().nth(2).unwrap()).unwrap()
}

#[test]
fn killed_programs_lose_nothing_and_double_nothing() {
    let plan = Plan { seed: 7, devices: 3, desk_kills: 24, server_kills: 8, batch: 12 };
    let report = run(&programs(), plan).unwrap();
    assert!(report.desk_kills >= 24 && report.server_kills >= 8 && report.edits > 5, "{report}");
    assert!(report.window_kills > 0, "{report}");
}
