//! Starts and ends the real programs around a window, for `cargo xtask run --headless` and for the journeys.
//!
//! A *device* of a test is a machine of its own: its own X display, session bus, notification daemon, WebDriver and data
//! directory. Two windows on one bus would meet as one instance of the application, and one daemon's history could not
//! say on whose screen a banner stood.
//!
//! Invariants:
//! - Nothing outlives its owner. Every program is ended when its value is dropped, and on Linux also when the thread
//!   that started it is killed (`setpriv --pdeathsig`).
//! - Every program's output goes to a file of its own, and every error carries that file's last lines.
//! - Waiting is polling with a limit, never a sleep of a guessed length.
//!
//! Not here: a WebDriver client (the journeys use one with `async`, `xtask` a few blocking calls), and anything of the
//! product itself; the programs are met only through what their users meet.

mod bus;
mod display;
mod driver;
mod error;
mod notifications;
mod postgres;
mod process;
mod server;
mod wait;

pub use bus::SessionBus;
pub use display::Display;
pub use driver::Driver;
pub use error::HarnessError;
pub use notifications::{Banner, NotificationDaemon};
pub use postgres::Postgres;
pub use process::{Environment, Process};
pub use server::{Demo, Server};
pub use wait::{POLL, poll_until};
