//! A list that opens over the page to choose from by typing: the palette and every quick choice.

use std::rc::Rc;

use wasm_bindgen::JsCast;
use web_sys::{HtmlElement, HtmlInputElement};
use yew::prelude::*;

use crate::{
    commands::{Layer, active_element, use_commands},
    i18n::use_i18n,
    keys::Command,
    rank::rank,
    widgets::{
        field::on_text,
        icons::{Glyph, glyph},
    },
};

/// A line to choose.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Item {
    /// What the program calls it; unique among the lines.
    pub(crate) id: String,
    /// What the person reads and what typing is matched with.
    pub(crate) label: String,
    /// Beside it, smaller.
    pub(crate) hint: String,
    /// Before it.
    pub(crate) icon: Html,
    /// Chosen already; `None` where lines are not chosen but done.
    pub(crate) is_on: Option<bool>,
}

/// Properties of [`Chooser`].
#[derive(Clone, Debug, PartialEq, Properties)]
pub(crate) struct ChooserProps {
    /// What is being chosen.
    pub(crate) label: AttrValue,
    /// The lines, in order.
    pub(crate) items: Rc<Vec<Item>>,
    /// The lines come matched and in order already, so they are not ranked here.
    #[prop_or_default]
    pub(crate) is_ranked: bool,
    /// Told of what is typed.
    #[prop_or_default]
    pub(crate) on_query: Callback<String>,
    /// Told of the line that was chosen.
    pub(crate) on_pick: Callback<String>,
    /// Told when it shall close.
    pub(crate) on_close: Callback<()>,
    /// What to call the line that takes the typed text itself; without it there is none.
    #[prop_or_default]
    pub(crate) new_label: Option<AttrValue>,
    /// Told of a typed text that is chosen itself.
    #[prop_or_default]
    pub(crate) on_new: Callback<String>,
    /// For tests.
    pub(crate) testid: AttrValue,
}

/// A chooser over the page.
#[component]
pub(crate) fn Chooser(props: &ChooserProps) -> Html {
    let i18n = use_i18n();
    let query = use_state(String::new);
    let at = use_state(|| 0_usize);
    let input = use_node_ref();
    let list = use_node_ref();

    // The focus returns to where it was.
    {
        let input = input.clone();
        use_effect_with((), move |()| {
            let before = active_element().and_then(|element| element.dyn_into::<HtmlElement>().ok());
            if let Some(input) = input.cast::<HtmlInputElement>() {
                let _ = input.focus();
            }
            move || {
                if let Some(element) = before {
                    let _ = element.focus();
                }
            }
        });
    }
    {
        let on_close = props.on_close.clone();
        use_commands(Layer::Overlay, move |command| {
            // Nothing below is to act while this is open.
            if command == Command::Back {
                on_close.emit(());
            }
            true
        });
    }

    let shown: Vec<usize> = if props.is_ranked {
        (0..props.items.len()).collect()
    } else {
        rank(&query, props.items.iter().map(|item| item.label.as_str()))
    };
    let typed = query.trim().to_owned();
    let takes_typed = props.new_label.is_some()
        && !typed.is_empty()
        && !props.items.iter().any(|item| item.label.to_lowercase() == typed.to_lowercase());
    let lines = shown.len() + usize::from(takes_typed);
    let current = (*at).min(lines.saturating_sub(1));

    {
        let list = list.clone();
        use_effect_with((current, lines), move |(current, _)| {
            let line = list
                .cast::<HtmlElement>()
                .and_then(|list| list.children().item(u32::try_from(*current).ok()?));
            if let (Some(list), Some(line)) =
                (list.cast::<HtmlElement>(), line.and_then(|line| line.dyn_into::<HtmlElement>().ok()))
            {
                let (top, bottom) = (line.offset_top(), line.offset_top() + line.offset_height());
                if top < list.scroll_top() {
                    list.set_scroll_top(top);
                } else if bottom > list.scroll_top() + list.client_height() {
                    list.set_scroll_top(bottom - list.client_height());
                }
            }
        });
    }

    let pick = {
        let (items, on_pick, on_new) = (Rc::clone(&props.items), props.on_pick.clone(), props.on_new.clone());
        let (shown, typed) = (shown.clone(), typed.clone());
        Callback::from(move |line: usize| match shown.get(line).and_then(|at| items.get(*at)) {
            Some(item) => on_pick.emit(item.id.clone()),
            None if takes_typed && line == shown.len() => on_new.emit(typed.clone()),
            None => {}
        })
    };
    let onkeydown = {
        let (at, pick, on_close) = (at.clone(), pick.clone(), props.on_close.clone());
        Callback::from(move |event: KeyboardEvent| {
            if event.is_composing() {
                return;
            }
            let last = lines.saturating_sub(1);
            match event.code().as_str() {
                "ArrowDown" => at.set(if current >= last { 0 } else { current + 1 }),
                "ArrowUp" => at.set(current.checked_sub(1).unwrap_or(last)),
                "PageDown" => at.set((current + 8).min(last)),
                "PageUp" => at.set(current.saturating_sub(8)),
                "Enter" | "NumpadEnter" => pick.emit(current),
                "Escape" => on_close.emit(()),
                "Tab" => {}
                _ => return,
            }
            event.prevent_default();
        })
    };
    let oninput = {
        let (query, at, on_query) = (query.clone(), at.clone(), props.on_query.clone());
        on_text(move |text| {
            query.set(text.clone());
            at.set(0);
            on_query.emit(text);
        })
    };
    let close_outside = {
        let on_close = props.on_close.clone();
        Callback::from(move |_: MouseEvent| on_close.emit(()))
    };
    let line_id = |line: usize| format!("chooser-{line}");
    html! {
        <div class="overlay" onmousedown={close_outside}>
            <div class="chooser" role="dialog" aria-modal="true" aria-label={props.label.clone()}
                data-testid={props.testid.clone()} onmousedown={|event: MouseEvent| event.stop_propagation()}>
                <input ref={input} class="chooser-input" type="text" value={(*query).clone()} {oninput} {onkeydown}
                    placeholder={props.label.clone()} aria-label={props.label.clone()} role="combobox"
                    aria-expanded="true" aria-controls="chooser-list" aria-activedescendant={line_id(current)}
                    autocomplete="off" spellcheck="false" data-testid="chooser-input" />
                <div ref={list} class="chooser-list" id="chooser-list" role="listbox" aria-label={props.label.clone()}>
                    for (line, item) in shown.iter().enumerate().filter_map(|(line, at)| Some((line, props.items.get(*at)?))) {
                        <div key={item.id.clone()} id={line_id(line)} role="option" data-testid="chooser-option"
                            data-id={item.id.clone()} aria-selected={(line == current).to_string()}
                            aria-checked={item.is_on.map(|on| on.to_string())}
                            class={classes!("chooser-line", (line == current).then_some("is-current"))}
                            onclick={let pick = pick.clone(); move |_| pick.emit(line)}
                            onmousemove={let at = at.clone(); move |_| if line != current { at.set(line) }}>
                            <span class="chooser-icon">{ item.icon.clone() }</span>
                            <span class="chooser-label">{ &item.label }</span>
                            <span class="chooser-hint">{ &item.hint }</span>
                            if item.is_on == Some(true) {
                                <span class="chooser-on">{ glyph(Glyph::Check) }</span>
                            }
                        </div>
                    }
                    if takes_typed {
                        <div key="" id={line_id(shown.len())} role="option" data-testid="chooser-new"
                            aria-selected={(current == shown.len()).to_string()}
                            class={classes!("chooser-line", (current == shown.len()).then_some("is-current"))}
                            onclick={let pick = pick.clone(); let line = shown.len(); move |_| pick.emit(line)}>
                            <span class="chooser-icon">{ glyph(Glyph::Plus) }</span>
                            <span class="chooser-label">
                                { props.new_label.clone().unwrap_or_default() }{ " " }<b>{ typed }</b>
                            </span>
                        </div>
                    }
                    if lines == 0 {
                        <div class="chooser-none">{ i18n.t("found-nothing") }</div>
                    }
                </div>
            </div>
        </div>
    }
}
