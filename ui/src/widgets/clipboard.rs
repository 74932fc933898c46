//! Copying.

use wasm_bindgen::JsCast;
use web_sys::{HtmlDocument, HtmlTextAreaElement};

use crate::{i18n::I18n, widgets::toast};

/// Copies a text, and says so.
pub(crate) fn copy(i18n: I18n, text: &str) {
    // The old way, since the new one asks for a permission that a webview has nobody to ask for.
    let copied = || {
        let document = web_sys::window()?.document()?;
        let area: HtmlTextAreaElement = document.create_element("textarea").ok()?.dyn_into().ok()?;
        area.set_value(text);
        area.set_class_name("sr-only");
        document.body()?.append_child(&area).ok()?;
        area.select();
        let copied = document.dyn_ref::<HtmlDocument>()?.exec_command("copy").ok();
        area.remove();
        copied
    };
    if copied().unwrap_or(false) {
        toast::say(i18n.t("copied"));
    }
}
