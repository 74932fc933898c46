//! Journeys in the real window: the built shell, the built server, a real notification daemon, one device per person.
//!
//! They run with `cargo xtask test --only journeys`, which builds the programs first. A journey keeps its logs and, when
//! it fails, a picture of each screen in `target/journeys/NAME`.
//!
//! To write one: a module here with `#[tokio::test]` functions that start a [`world::World`], give it a server, and open
//! [`device::Device`]s. Waiting is always for something that a person could see; nothing sleeps for a guessed time.

mod alerts;
mod breach;
mod cable;
#[allow(dead_code, reason = "a kit: it need not be that some journey uses every tool")]
mod device;
#[allow(dead_code, reason = "a kit: it need not be that some journey uses every tool")]
mod page;
mod rules;
mod smoke;
mod tray;
mod trust;
#[allow(dead_code, reason = "a kit: it need not be that some journey uses every tool")]
mod world;
