//! Choosing how bad it is: each severity with what it means and an example.

use desk_domain::incident::Severity;
use yew::prelude::*;

use crate::{
    commands::{Layer, active_element, use_commands},
    i18n::use_i18n,
    keys::Command,
    widgets::icons,
};

/// Properties of [`SeverityChooser`].
#[derive(Clone, PartialEq, Properties)]
pub(crate) struct SeverityChooserProps {
    /// What is chosen.
    pub(crate) value: Severity,
    /// Told of another.
    pub(crate) on_choose: Callback<Severity>,
    /// Nothing can be chosen.
    #[prop_or_default]
    pub(crate) disabled: bool,
    /// For tests.
    pub(crate) testid: AttrValue,
}

/// Four choices with the guide; digits 1 to 4 choose while it has the focus, and so do the arrows.
#[component]
pub(crate) fn SeverityChooser(props: &SeverityChooserProps) -> Html {
    let i18n = use_i18n();
    let node = use_node_ref();
    {
        let (node, on_choose, disabled) = (node.clone(), props.on_choose.clone(), props.disabled);
        use_commands(Layer::Form, move |command| {
            let here = node.get().is_some_and(|node| node.contains(active_element().as_deref()));
            match command {
                Command::Value(at) if here && !disabled => match Severity::ALL.get(at) {
                    Some(severity) => on_choose.emit(*severity),
                    None => return false,
                },
                _ => return false,
            }
            true
        });
    }
    let choice = |severity: Severity| {
        let on_choose = props.on_choose.clone();
        let here = severity == props.value;
        html! {
            <label key={severity.as_str()} class={classes!("severity-choice", here.then_some("is-chosen"))}
                data-testid={format!("{}-{severity}", props.testid)}>
                <input type="radio" name={props.testid.clone()} checked={here} disabled={props.disabled}
                    onchange={move |_| on_choose.emit(severity)} />
                { icons::severity(severity) }
                <span class="severity-text">
                    <b>{ i18n.word("severity", severity) }</b>
                    <span>{ i18n.word("severity-means", severity) }</span>
                    <span class="hint">{ i18n.word("severity-example", severity) }</span>
                </span>
            </label>
        }
    };
    html! {
        <fieldset ref={node} class="severity-guide" aria-label={i18n.t("incident-severity")}
            data-testid={props.testid.clone()}>
            { for Severity::ALL.iter().map(|severity| choice(*severity)) }
        </fieldset>
    }
}
