//! Pieces that several pages are made of.

pub(crate) mod chooser;
pub(crate) mod clipboard;
pub(crate) mod conflicts;
pub(crate) mod draft;
pub(crate) mod field;
pub(crate) mod icons;
pub(crate) mod markdown;
pub(crate) mod moment;
pub(crate) mod page;
pub(crate) mod toast;
