//! The desktop's use-cases: what the window and the command line do, without either.
//!
//! Invariants:
//! - A use-case is one verb of [`Desk`]; it checks, writes one transaction, and says what changed.
//! - Reads and edits touch the local store alone; the network is reached by signing in and by the sync driver only.
//! - Time and randomness come through [`machine`]; nothing else asks the machine for them.
//!
//! Not here: windows and native notifications (`src-tauri`), arguments and printing (`desk-cli`).

mod alerts;
mod articles;
mod cancel;
mod desk;
mod detection;
mod digest;
mod doctor;
mod drafts;
mod edit;
mod erase;
mod error;
mod escalation;
mod export;
mod history;
pub mod import;
mod importing;
mod incidents;
mod join;
pub mod machine;
mod markdown;
pub mod notice;
mod oncall;
mod rederive;
mod rejected;
mod rows;
mod search;
pub mod secrets;
mod session;
mod settings;
mod sla;
mod sweep;
mod sync;
mod tickets;

pub use alerts::AlertScheduler;
pub use cancel::Cancel;
pub use desk::{Config, Desk, DeskEvent};
pub use digest::Digest;
pub use doctor::{Finding, Report as DoctorReport, Severity as FindingSeverity};
pub use export::Exported;
pub use markdown::safe_html;
pub use session::SignedIn;
pub use sync::{SyncReport, driver::SyncDriver};
