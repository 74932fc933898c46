//! The present instant as the shell counts it, and ticks for what counts down.
//!
//! The machine's clock may be wrong; the shell corrects it by the server's. Replies that carry an instant set the
//! offset, and the browser's clock is only used to count on from there.

use std::cell::Cell;

use desk_domain::time::UtcMillis;
use gloo_timers::callback::Interval;
use yew::prelude::*;

use crate::store::{Store, StoreKey};

thread_local! {
    static OFFSET_MS: Cell<i64> = const { Cell::new(0) };
    static SECOND: Store<u64> = Store::new(0);
    static TICKING: Cell<bool> = const { Cell::new(false) };
}

/// Milliseconds of the browser's clock.
#[expect(clippy::cast_possible_truncation, reason = "milliseconds since 1970 are far below 2^53")]
fn browser_ms() -> i64 {
    js_sys::Date::now() as i64
}

/// Takes over the shell's present instant.
pub(crate) fn set(now: UtcMillis) {
    OFFSET_MS.set(now.0 - browser_ms());
}

/// The present instant.
pub(crate) fn now() -> UtcMillis {
    UtcMillis(browser_ms() + OFFSET_MS.get())
}

fn start() {
    if !TICKING.replace(true) {
        Interval::new(1_000, || SECOND.put(*SECOND.current() + 1)).forget();
    }
}

/// The present instant; the component renders again every `seconds`.
#[hook]
pub(crate) fn use_now(seconds: u64) -> UtcMillis {
    let update = use_force_update();
    use_effect_with(seconds, move |seconds| {
        start();
        let every = (*seconds).max(1);
        let subscription = SECOND.listen(move |tick| {
            if tick.is_multiple_of(every) {
                update.force_update();
            }
        });
        move || drop(subscription)
    });
    now()
}
