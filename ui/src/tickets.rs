//! Tickets: the list with its filters, the page of one, the form of a new one.

pub(crate) mod actions;
pub(crate) mod clocks;
pub(crate) mod composer;
pub(crate) mod conversation;
pub(crate) mod explained;
pub(crate) mod fields;
pub(crate) mod filter;
pub(crate) mod filter_bar;
pub(crate) mod history;
pub(crate) mod list;
pub(crate) mod new;
pub(crate) mod ops;
pub(crate) mod page;
pub(crate) mod past;
pub(crate) mod picker;
pub(crate) mod seen;
