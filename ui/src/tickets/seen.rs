//! The ticket that was read last: the one that the cursor rests on, before it is opened, and what an edit left of it.
//!
//! A page that opens shows it at once and asks for nothing first.

use std::rc::Rc;

use desk_api::{call::GetTicket, view::TicketView};
use desk_domain::ids::{DocId, DocKind};
use gloo_timers::callback::Timeout;
use yew::prelude::*;

use crate::{
    bridge, clock,
    live::{on_changed, touches},
    store::{Store, StoreKey},
};

/// The cursor rests when it stays for as long.
const REST_MS: u32 = 15;

thread_local! {
    static SEEN: Store<Option<Rc<TicketView>>> = Store::new(None);
}

/// Tells every page that shows the ticket.
pub(crate) fn put(view: TicketView) {
    SEEN.put(Some(Rc::new(view)));
}

/// The ticket, if it was read and has not changed since.
pub(super) fn get(id: DocId) -> Option<TicketView> {
    let seen = SEEN.current();
    let view = seen.as_ref().as_ref().filter(|view| view.ticket.id == id)?;
    // It is what the store still holds, so it is as if it had been read now.
    Some(TicketView { read_at: clock::now(), ..(**view).clone() })
}

/// Calls `heard` with every newer state of a ticket that somebody else reads.
#[hook]
pub(super) fn use_seen(id: DocId, heard: Callback<TicketView>) {
    use_effect_with((id, heard), move |(id, heard)| {
        let (id, heard) = (*id, heard.clone());
        let subscription = SEEN.listen(move |seen| {
            if let Some(view) = seen.as_ref().filter(|view| view.ticket.id == id) {
                heard.emit((**view).clone());
            }
        });
        move || drop(subscription)
    });
}

/// Reads the ticket that the cursor rests on. Nobody is told of an error: opening it will meet the same one.
#[hook]
pub(super) fn use_read_ahead(id: Option<DocId>) {
    use_effect_with((), |()| {
        let subscription = on_changed(|changed| {
            let known = SEEN.current().as_ref().as_ref().map(|view| view.ticket.id);
            if known.is_some() && touches(changed, &[DocKind::Ticket], known) {
                SEEN.put(None);
            }
        });
        move || drop(subscription)
    });
    use_effect_with(id, |id| {
        let timer = id.filter(|id| get(*id).is_none()).map(|id| {
            Timeout::new(REST_MS, move || {
                bridge::spawn(async move {
                    if let Ok(Some(view)) = bridge::call(GetTicket { id }).await {
                        put(view);
                    }
                });
            })
        });
        move || drop(timer)
    });
}
