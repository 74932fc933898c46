//! Form controls: native ones, since they are what keyboards, screen readers and people know.

use std::rc::Rc;

use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{HtmlInputElement, HtmlSelectElement, HtmlTextAreaElement};
use yew::prelude::*;

/// What an input, select or textarea that raised an event holds.
pub(crate) fn value_of(event: &Event) -> String {
    let Some(target) = event.target() else { return String::new() };
    if let Some(input) = target.dyn_ref::<HtmlInputElement>() {
        input.value()
    } else if let Some(area) = target.dyn_ref::<HtmlTextAreaElement>() {
        area.value()
    } else if let Some(select) = target.dyn_ref::<HtmlSelectElement>() {
        select.value()
    } else {
        String::new()
    }
}

/// A callback for `oninput` that gets the text.
pub(crate) fn on_text(callback: impl Fn(String) + 'static) -> Callback<InputEvent> {
    Callback::from(move |event: InputEvent| callback(value_of(&event)))
}

/// An entry of a [`Select`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Choice {
    /// What the program calls it.
    pub(crate) value: String,
    /// What the person reads.
    pub(crate) label: String,
}

impl Choice {
    /// An entry.
    pub(crate) fn new(value: impl Into<String>, label: impl Into<String>) -> Self {
        Self { value: value.into(), label: label.into() }
    }
}

/// Properties of [`Select`].
#[derive(Clone, Debug, PartialEq, Properties)]
pub(crate) struct SelectProps {
    /// The entry that is chosen; one that is not among the choices is added to them.
    pub(crate) value: String,
    /// The entries.
    pub(crate) choices: Rc<Vec<Choice>>,
    /// Told of another choice.
    pub(crate) on_choose: Callback<String>,
    /// What it chooses.
    pub(crate) label: AttrValue,
    /// For tests.
    pub(crate) testid: AttrValue,
    /// It cannot be changed.
    #[prop_or_default]
    pub(crate) disabled: bool,
    /// A class of its own.
    #[prop_or_default]
    pub(crate) class: Classes,
    /// What to show for a value that is not among the choices.
    #[prop_or_default]
    pub(crate) other_label: Option<AttrValue>,
}

/// A native choice.
#[component]
pub(crate) fn Select(props: &SelectProps) -> Html {
    let node = use_node_ref();
    // The choice is the element's property, which a person changes without us: it is set again after every render,
    // so that a change that was refused shows the old value.
    {
        let node = node.clone();
        let value = props.value.clone();
        use_effect(move || {
            if let Some(select) = node.cast::<HtmlSelectElement>()
                && select.value() != value
            {
                select.set_value(&value);
            }
        });
    }
    let onchange = {
        let on_choose = props.on_choose.clone();
        Callback::from(move |event: Event| on_choose.emit(value_of(&event)))
    };
    let is_other = !props.choices.iter().any(|choice| choice.value == props.value);
    html! {
        <select ref={node} class={classes!("select", props.class.clone())} {onchange} disabled={props.disabled}
            aria-label={props.label.clone()} data-testid={props.testid.clone()}>
            if is_other {
                <option value={props.value.clone()} selected={true}>
                    { props.other_label.clone().unwrap_or_else(|| props.value.clone().into()) }
                </option>
            }
            for choice in props.choices.iter() {
                <option key={choice.value.clone()} value={choice.value.clone()}
                    selected={choice.value == props.value}>{ &choice.label }</option>
            }
        </select>
    }
}

/// Properties of [`TextArea`].
#[derive(Clone, Debug, PartialEq, Properties)]
pub(crate) struct TextAreaProps {
    /// The text.
    pub(crate) value: AttrValue,
    /// Told of every change.
    pub(crate) on_text: Callback<String>,
    /// What it holds.
    pub(crate) label: AttrValue,
    /// Shown while it is empty.
    #[prop_or_default]
    pub(crate) placeholder: AttrValue,
    /// For tests.
    pub(crate) testid: AttrValue,
    /// The element.
    #[prop_or_default]
    pub(crate) node: NodeRef,
    /// A class of its own.
    #[prop_or_default]
    pub(crate) class: Classes,
    /// It cannot be changed.
    #[prop_or_default]
    pub(crate) disabled: bool,
    /// Grows with its text, up to the height that the style sheet allows.
    #[prop_or_default]
    pub(crate) grows: bool,
}

/// Makes an area as high as its text; the style sheet says how high at most.
pub(crate) fn grow(area: &HtmlTextAreaElement) {
    // The height is set through the object model, which the content policy allows.
    let style = area.style();
    if area.value().is_empty() {
        // Nothing to measure, which would lay out a page in the midst of its making.
        let _ = style.remove_property("height");
        return;
    }
    let _ = style.set_property("height", "auto");
    let _ = style.set_property("height", &format!("{}px", area.scroll_height() + 2));
}

/// A field of several lines.
#[component]
pub(crate) fn TextArea(props: &TextAreaProps) -> Html {
    {
        let (node, grows) = (props.node.clone(), props.grows);
        use_effect_with(props.value.clone(), move |_| {
            if let Some(area) = node.cast::<HtmlTextAreaElement>().filter(|_| grows) {
                grow(&area);
            }
        });
    }
    let oninput = {
        let on_text = props.on_text.clone();
        self::on_text(move |text| on_text.emit(text))
    };
    html! {
        <textarea ref={props.node.clone()} class={classes!("textarea", props.class.clone())} {oninput}
            value={props.value.clone()} aria-label={props.label.clone()} placeholder={props.placeholder.clone()}
            data-testid={props.testid.clone()} disabled={props.disabled} spellcheck="true" />
    }
}

/// Calls `pressed` when the mouse is pressed outside the element.
#[hook]
pub(crate) fn use_outside_press(node: NodeRef, pressed: Callback<()>) {
    use_effect_with((), move |()| {
        let listener = Closure::<dyn Fn(web_sys::MouseEvent)>::new(move |event: web_sys::MouseEvent| {
            let target = event.target().and_then(|target| target.dyn_into::<web_sys::Node>().ok());
            if node.get().is_some_and(|node| !node.contains(target.as_ref())) {
                pressed.emit(());
            }
        });
        let document = web_sys::window().and_then(|window| window.document());
        if let Some(document) = &document {
            let _ = document.add_event_listener_with_callback("mousedown", listener.as_ref().unchecked_ref());
        }
        move || {
            if let Some(document) = document {
                let _ = document
                    .remove_event_listener_with_callback("mousedown", listener.as_ref().unchecked_ref());
            }
        }
    });
}

/// Gives an element the focus once it is there.
#[hook]
pub(crate) fn use_autofocus() -> NodeRef {
    let node = use_node_ref();
    {
        let node = node.clone();
        use_effect_with((), move |()| {
            if let Some(element) = node.cast::<web_sys::HtmlElement>() {
                let _ = element.focus();
            }
        });
    }
    node
}
