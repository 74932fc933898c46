//! `<html data-ready="…">` and a performance mark of the same name: what a test or a stopwatch waits for.

use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;

fn soon(then: impl FnOnce() + 'static) {
    if let Some(window) = web_sys::window() {
        let then = Closure::once_into_js(then);
        let _ = window.request_animation_frame(then.unchecked_ref());
    }
}

/// Says that what is in the document now has been painted: the second frame after this begins when the first was.
pub(crate) fn painted(what: &'static str) {
    soon(move || {
        soon(move || {
            let Some(window) = web_sys::window() else { return };
            // For a stopwatch that looks later than it happened.
            if let Some(performance) = window.performance() {
                let _ = performance.mark(what);
            }
            if let Some(root) = window.document().and_then(|document| document.document_element()) {
                let _ = root.set_attribute("data-ready", what);
            }
        });
    });
}
