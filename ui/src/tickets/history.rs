//! Being written.
pub(crate) const FIELDS: [&str; 0] = [];
