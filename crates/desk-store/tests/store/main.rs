//! What the store promises, on real files.

#![expect(clippy::expect_used, clippy::panic, reason = "helpers of tests are tests")]

mod commit;
mod crash;
mod disk;
mod fill;
mod lists;
mod open;
mod sample;
mod search;
