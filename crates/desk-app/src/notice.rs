//! How alerts reach the person: what is shown is data ([`Notice`]); the shell puts it in the member's language.

use desk_domain::alert::AlertKey;

pub use desk_domain::alert::{Notice, NoticeText, Tally};

/// Shows notices. The shell has one that asks the operating system; the command line has none.
pub trait Notifier: Send + Sync + 'static {
    /// Shows a notice in the place of one with the same tag. What cannot be shown is logged, not returned: the alert stays in
    /// the list.
    fn show(&self, notice: Notice);

    /// These alerts were acknowledged or put off: a banner all of whose alerts were goes.
    fn withdraw(&self, settled: &[AlertKey]);
}
