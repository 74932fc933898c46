//! The interface: Yew over the shell's calls. `README.md` lists the `data-testid` attributes for tests.
//!
//! - Everything shown comes from a [`call`](bridge::call); [events](live) say when to ask again. No business rule lives
//!   here, and nothing is kept that the store does not have, but what is being typed, and that goes into drafts.
//! - Nothing waits for the network, and no local read shows a spinner.
//! - Whatever needs no browser (formats, window arithmetic, filters, keys, ranking) is pure and tested natively.
//! - The content policy allows no inline style: sizes and places are set through the object model.

mod alerts;
mod app;
mod bridge;
mod clock;
mod commands;
mod detection;
mod entry;
mod frame;
mod help;
mod i18n;
mod incidents;
mod keys;
mod knowledge;
mod live;
mod oncall;
mod overlay;
mod palette;
mod query;
mod rank;
mod ready;
mod rejected;
mod route;
mod session;
mod settings;
mod sign_in;
mod sla;
mod store;
mod sync_page;
mod tickets;
mod undo;
mod widgets;

#[cfg(test)]
mod contrast;

fn main() {
    yew::Renderer::<app::App>::new().render();
}
