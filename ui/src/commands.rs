//! Who answers a command: the topmost layer first, within a layer the newest.

use std::{cell::RefCell, rc::Rc};

use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{Element, HtmlElement, KeyboardEvent};
use yew::prelude::*;

use crate::{
    clock,
    keys::{Command, Focus, Keymap, Press},
    store::Subscription,
};

/// How near to the person a handler is; a later one is asked before an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Layer {
    /// The whole application.
    App,
    /// The list pane.
    List,
    /// The detail pane.
    Detail,
    /// A form within a pane.
    Form,
    /// Something over everything.
    Overlay,
}

type Handler = Rc<dyn Fn(Command) -> bool>;

struct Registered {
    id: u64,
    layer: Layer,
    handler: Handler,
}

thread_local! {
    static HANDLERS: RefCell<(u64, Vec<Registered>)> = const { RefCell::new((0, Vec::new())) };
}

fn register(layer: Layer, handler: Handler) -> Subscription {
    let id = HANDLERS.with_borrow_mut(|(next, handlers)| {
        *next += 1;
        let at = handlers.partition_point(|other| other.layer <= layer);
        handlers.insert(at, Registered { id: *next, layer, handler });
        *next
    });
    Subscription::new(move || {
        HANDLERS.with_borrow_mut(|(_, handlers)| handlers.retain(|other| other.id != id));
    })
}

/// Asks the handlers; tells whether one of them took the command.
pub(crate) fn run(command: Command) -> bool {
    run_from(Layer::App, command)
}

/// Asks the handlers of `lowest` and above.
fn run_from(lowest: Layer, command: Command) -> bool {
    let handlers: Vec<Handler> = HANDLERS.with_borrow(|(_, handlers)| {
        let asked = handlers.iter().rev().take_while(|other| other.layer >= lowest);
        asked.map(|other| Rc::clone(&other.handler)).collect()
    });
    handlers.iter().any(|handler| handler(command))
}

/// Answers commands while the component is there. `handler` tells whether it took one.
#[hook]
pub(crate) fn use_commands(layer: Layer, handler: impl Fn(Command) -> bool + 'static) {
    let latest = use_mut_ref(|| -> Handler { Rc::new(|_| false) });
    *latest.borrow_mut() = Rc::new(handler);
    use_effect_with(layer, move |layer| {
        let registered = register(
            *layer,
            Rc::new(move |command| {
                let handler = Rc::clone(&latest.borrow());
                handler(command)
            }),
        );
        move || drop(registered)
    });
}

/// What has the focus.
fn focus(element: Option<&Element>) -> Focus {
    let Some(element) = element else { return Focus::Page };
    match element.tag_name().to_lowercase().as_str() {
        "input" => match element.get_attribute("type").as_deref() {
            Some("checkbox" | "radio" | "button" | "submit") => Focus::Control,
            _ => Focus::Typing,
        },
        "textarea" | "select" => Focus::Typing,
        "button" | "a" | "summary" => Focus::Control,
        _ => Focus::Page,
    }
}

/// The element that has the focus.
pub(crate) fn active_element() -> Option<Element> {
    web_sys::window()?.document()?.active_element()
}

/// Reads the keyboard from now on.
pub(crate) fn start() {
    let keymap = RefCell::new(Keymap::default());
    let pressed = Closure::<dyn Fn(KeyboardEvent)>::new(move |event: KeyboardEvent| {
        if event.is_composing() || event.default_prevented() {
            return;
        }
        let active = active_element();
        let focus = focus(active.as_ref());
        let press = Press {
            code: &event.code(),
            ctrl: event.ctrl_key() || event.meta_key(),
            shift: event.shift_key(),
            alt: event.alt_key(),
            focus,
            at: clock::now(),
        };
        let Some(command) = keymap.borrow_mut().press(press) else { return };
        // A held key repeats only what moves.
        let moves = matches!(
            command,
            Command::Down
                | Command::Up
                | Command::PageDown
                | Command::PageUp
                | Command::Earlier
                | Command::Later
        );
        if event.repeat() && !moves {
            return;
        }
        // Escape leaves a field before it leaves the page.
        let leaves_field = command == Command::Back && focus == Focus::Typing;
        if run_from(if leaves_field { Layer::Form } else { Layer::App }, command) {
            event.prevent_default();
        } else if leaves_field
            && let Some(element) = active.and_then(|element| element.dyn_into::<HtmlElement>().ok())
        {
            let _ = element.blur();
        }
    });
    if let Some(document) = web_sys::window().and_then(|window| window.document()) {
        let _ = document.add_event_listener_with_callback("keydown", pressed.as_ref().unchecked_ref());
    }
    pressed.forget();
}
