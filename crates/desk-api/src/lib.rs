//! What crosses a boundary: the interface's calls to the shell with their replies, the shell's events, the
//! server's REST bodies, and the one error code that both use.
//!
//! Wasm-safe; shared by `ui`, the shell, the command line and the server. No behaviour beyond (de)serialising.
//! The binary sync format is not here (`desk-sync`).

pub mod call;
pub mod error;
pub mod event;
pub mod rest;
pub mod view;

pub use call::Call;
pub use error::{ApiError, ErrorCode};
