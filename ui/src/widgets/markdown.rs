//! Markdown, rendered and sanitised by the shell. Until the reply is there, and for plain text, the text itself.

use std::{cell::RefCell, collections::HashMap};

use desk_api::call::{OpenLink, RenderMarkdown};
use wasm_bindgen::JsCast;
use web_sys::Element;
use yew::prelude::*;

use crate::{bridge, i18n::use_i18n, widgets::toast};

/// Rendered texts that are kept; a conversation shows the same ones again and again.
const KEPT: usize = 400;

thread_local! {
    static RENDERED: RefCell<HashMap<AttrValue, AttrValue>> = RefCell::new(HashMap::new());
}

/// Properties of [`Markdown`].
#[derive(Clone, Debug, PartialEq, Properties)]
pub(crate) struct MarkdownProps {
    /// The text.
    pub(crate) text: AttrValue,
}

/// A text as people read it.
#[component]
pub(crate) fn Markdown(props: &MarkdownProps) -> Html {
    let rendered = use_state(|| None::<(AttrValue, AttrValue)>);
    {
        let rendered = rendered.clone();
        use_effect_with(props.text.clone(), move |text| {
            let text = text.clone();
            let known = RENDERED.with_borrow(|kept| kept.contains_key(&text));
            if !known && is_markup(&text) {
                bridge::spawn(async move {
                    // Where it cannot be rendered, the plain text stays.
                    if let Ok(html) = bridge::call(RenderMarkdown { text: text.to_string() }).await {
                        let html = AttrValue::from(html);
                        keep(text.clone(), html.clone());
                        rendered.set(Some((text, html)));
                    }
                });
            }
        });
    }
    let kept = RENDERED.with_borrow(|kept| kept.get(&props.text).cloned());
    let own = rendered.as_ref().filter(|(text, _)| *text == props.text).map(|(_, html)| html.clone());
    match kept.or(own) {
        Some(html) => html! { <Rendered {html} /> },
        None => html! { <div class="plain">{ props.text.clone() }</div> },
    }
}

/// A longer text is folded at about this many characters.
const FOLD_CHARS: usize = 4_000;

/// A text that may be very long: a log that somebody pasted is not to push everything else away.
#[component]
pub(crate) fn LongMarkdown(props: &MarkdownProps) -> Html {
    let i18n = use_i18n();
    let unfolded = use_state_eq(|| false);
    let folded = fold(&props.text).filter(|_| !*unfolded);
    html! {
        if let Some(begin) = folded {
            <Markdown text={begin.to_owned()} />
            <button class="button-text" data-testid="unfold" onclick={move |_| unfolded.set(true)}>
                { i18n.t("unfold") }
            </button>
        } else {
            <Markdown text={props.text.clone()} />
        }
    }
}

/// The beginning of a text that is too long, up to the end of a line if one is near; `None` if it is not too long.
fn fold(text: &str) -> Option<&str> {
    let (at, _) = text.char_indices().nth(FOLD_CHARS)?;
    // A little more than the limit is shown whole.
    text.char_indices().nth(FOLD_CHARS + FOLD_CHARS / 4)?;
    let begin = text.get(..at)?;
    let line = begin.rfind('\n').filter(|end| *end > at / 2);
    begin.get(..line.unwrap_or(at))
}

fn keep(text: AttrValue, html: AttrValue) {
    RENDERED.with_borrow_mut(|kept| {
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert(text, html);
    });
}

/// Whether the text has anything that Markdown reads other than as words and lines.
fn is_markup(text: &str) -> bool {
    let special =
        |c: char| matches!(c, '*' | '_' | '`' | '#' | '>' | '<' | '[' | '|' | '~' | '&' | '\\' | '=' | '\t');
    let list = |line: &str| {
        let line = line.trim_start();
        line.starts_with("- ")
            || line.starts_with("+ ")
            || line.starts_with("--")
            || line
                .split_once(['.', ')'])
                .is_some_and(|(n, _)| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
    };
    text.contains(special)
        || text.contains("://")
        || text.lines().any(|line| list(line) || line.starts_with("    "))
}

/// Properties of [`Rendered`].
#[derive(Clone, Debug, PartialEq, Properties)]
pub(crate) struct RenderedProps {
    /// HTML that the shell sanitised.
    pub(crate) html: AttrValue,
}

/// HTML that the shell sanitised. Links open in the system's browser, never in this window.
#[component]
pub(crate) fn Rendered(props: &RenderedProps) -> Html {
    let onclick = Callback::from(|event: MouseEvent| {
        let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
        let Some(link) = target.and_then(|element| element.closest("a").ok().flatten()) else { return };
        event.prevent_default();
        if let Some(url) = link.get_attribute("href") {
            bridge::spawn(async move {
                if let Err(error) = bridge::call(OpenLink { url }).await {
                    toast::failed(error);
                }
            });
        }
    });
    html! {
        <div class="markdown" {onclick}>{ Html::from_html_unchecked(props.html.clone()) }</div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_folded_at_a_line() {
        assert_eq!(fold(&"ы".repeat(FOLD_CHARS)), None);
        assert_eq!(fold(&"ы".repeat(FOLD_CHARS + 100)), None);
        assert_eq!(fold(&"ы".repeat(10_000)).map(|text| text.chars().count()), Some(FOLD_CHARS));
        let lines = "0123456789\n".repeat(1_000);
        let begin = fold(&lines).expect("too long");
        assert!(begin.ends_with('9') && begin.len() > FOLD_CHARS - 12);
    }

    #[test]
    fn plain_words_need_no_renderer() {
        for plain in
            ["Принтер не печатает", "line\nline\n\nparagraph", "2 of 3 - fine", "It costs 5.5 a month"]
        {
            assert!(!is_markup(plain), "{plain}");
        }
        for marked in
            ["**b**", "a\n- b", "1. a", "<b>", "# h", "`x`", "see https://example.org", "    code", "a\n---"]
        {
            assert!(is_markup(marked), "{marked}");
        }
    }
}
