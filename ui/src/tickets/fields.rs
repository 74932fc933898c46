//! The fields of a ticket, each with the control that edits it.

use std::{collections::BTreeSet, rc::Rc};

use desk_api::view::TicketView;
use desk_domain::{edit::TicketOp, people::Role, ticket::Priority};
use wasm_bindgen::JsCast;
use web_sys::{HtmlElement, HtmlInputElement, HtmlTextAreaElement};
use yew::prelude::*;

use crate::{
    i18n::use_i18n,
    live::TAGS,
    session::{Session, use_session},
    store::use_store,
    widgets::{
        field::{Choice, Select, grow, value_of},
        icons::{self, Glyph, glyph},
        moment::Exact,
    },
};

/// Properties of [`FieldsPanel`].
#[derive(Clone, PartialEq, Properties)]
pub(crate) struct FieldsPanelProps {
    /// The ticket.
    pub(crate) view: Rc<TicketView>,
    /// It cannot be edited.
    pub(crate) is_locked: bool,
    /// Told of an edit.
    pub(crate) on_edit: Callback<TicketOp>,
    /// Fields to point out, by their names in the log.
    #[prop_or_default]
    pub(crate) changed: Rc<BTreeSet<String>>,
}

/// Choices of people for a reference that may be empty.
pub(crate) fn person_choices(session: &Session, nobody: String) -> Rc<Vec<Choice>> {
    let mut choices = vec![Choice::new("", nobody)];
    choices.extend(
        session.assignable().into_iter().map(|member| Choice::new(member.id.to_string(), member.name)),
    );
    Rc::new(choices)
}

/// Choices of entries that may be empty.
pub(crate) fn optional_choices(none: String, entries: Vec<(String, String)>) -> Rc<Vec<Choice>> {
    let mut choices = vec![Choice::new("", none)];
    choices.extend(entries.into_iter().map(|(value, label)| Choice::new(value, label)));
    Rc::new(choices)
}

/// What an empty choice means.
pub(crate) fn some(value: String) -> Option<String> {
    (!value.is_empty()).then_some(value)
}

/// The panel.
#[component]
pub(crate) fn FieldsPanel(props: &FieldsPanelProps) -> Html {
    let i18n = use_i18n();
    let session = use_session();
    let ticket = &props.view.ticket;
    let disabled = props.is_locked;
    let me = session.me();
    let edit = |make: fn(String) -> Option<TicketOp>| {
        let on_edit = props.on_edit.clone();
        Callback::from(move |value: String| {
            if let Some(op) = make(value) {
                on_edit.emit(op);
            }
        })
    };
    let field = |name: &str, label: String, icon: Html, control: Html| {
        let is_changed = props.changed.contains(name);
        html! {
            <div class={classes!("field", is_changed.then_some("changed"))} data-changed={is_changed.then_some("true")}>
                <span class="field-label">{ label }
                    if is_changed {
                        <span class="sr-only">{ i18n.t("past-changed") }</span>
                    }
                </span>
                <span class="field-control">{ icon }{ control }</span></div>
        }
    };

    let mut statuses = vec![Choice::new(ticket.status.as_str(), i18n.word("status", ticket.status))];
    statuses.extend(
        props
            .view
            .moves
            .iter()
            .filter(|to| **to != ticket.status)
            .map(|to| Choice::new(to.as_str(), i18n.word("status", to))),
    );
    let priorities: Vec<Choice> = Priority::ALL
        .iter()
        .rev()
        .map(|priority| Choice::new(priority.as_str(), i18n.word("priority", priority)))
        .collect();
    let named =
        |reference: &Option<String>| reference.as_deref().map(|who| AttrValue::from(session.name(who)));
    html! {
        <section class="panel" aria-label={i18n.t("ticket-details")}>
            { field("status", i18n.t("field-status"), icons::status(ticket.status), html! {
                <Select value={ticket.status.as_str()} choices={Rc::new(statuses)} {disabled} class="select-field"
                    on_choose={edit(|word| Some(TicketOp::SetStatus { status: word.parse().ok()? }))}
                    label={i18n.t("field-status")} testid="field-status" />
            }) }
            { field("priority", i18n.t("field-priority"), icons::priority(ticket.priority), html! {
                <Select value={ticket.priority.as_str()} choices={Rc::new(priorities)} {disabled} class="select-field"
                    on_choose={edit(|word| Some(TicketOp::SetPriority { priority: word.parse().ok()? }))}
                    label={i18n.t("field-priority")} testid="field-priority" />
            }) }
            { field("assignee", i18n.t("field-assignee"), glyph(Glyph::Person), html! {
                <>
                    <Select value={ticket.assignee.clone().unwrap_or_default()} {disabled} class="select-field"
                        choices={person_choices(&session, i18n.t("nobody"))} other_label={named(&ticket.assignee)}
                        on_choose={edit(|who| Some(TicketOp::SetAssignee { assignee: some(who) }))}
                        label={i18n.t("field-assignee")} testid="field-assignee" />
                    if !disabled && ticket.assignee.is_none() {
                        <button class="button-text" data-testid="assign-me" onclick={
                            let (on_edit, me) = (props.on_edit.clone(), me.clone());
                            move |_| on_edit.emit(TicketOp::SetAssignee { assignee: Some(me.clone()) })
                        }>{ i18n.t("assign-me") }</button>
                    }
                </>
            }) }
            { field("team", i18n.t("field-team"), html! {}, html! {
                <Select value={ticket.team.clone().unwrap_or_default()} {disabled} class="select-field"
                    choices={optional_choices(i18n.t("none"), session.teams())}
                    on_choose={edit(|key| Some(TicketOp::SetTeam { team: some(key) }))}
                    label={i18n.t("field-team")} testid="field-team" />
            }) }
            { field("category", i18n.t("field-category"), html! {}, html! {
                <Select value={ticket.category.clone().unwrap_or_default()} {disabled} class="select-field"
                    choices={optional_choices(i18n.t("none"), session.categories())}
                    on_choose={edit(|key| Some(TicketOp::SetCategory { category: some(key) }))}
                    label={i18n.t("field-category")} testid="field-category" />
            }) }
            { field("requester", i18n.t("field-requester"), html! {}, html! {
                <Requester value={ticket.requester.clone()} {disabled} on_change={
                    let on_edit = props.on_edit.clone();
                    Callback::from(move |requester| on_edit.emit(TicketOp::SetRequester { requester }))
                } />
            }) }
            { field("tags", i18n.t("field-tags"), html! {}, html! {
                <Tags tags={ticket.tags.iter().cloned().collect::<Vec<_>>()} {disabled} on_tag={
                    let on_edit = props.on_edit.clone();
                    Callback::from(move |(tag, on)| on_edit.emit(TicketOp::SetTag { tag, on }))
                } />
            }) }
            for (key, value) in ticket.custom.iter() {
                { field(&format!("custom.{key}"), key.clone(), html! {}, html! {
                    <TextField value={value.clone()} label={key.clone()} {disabled}
                        testid={format!("field-custom-{key}")} on_change={
                            let (on_edit, key) = (props.on_edit.clone(), key.clone());
                            Callback::from(move |value: String| {
                                on_edit.emit(TicketOp::SetCustom { key: key.clone(), value: some(value) });
                            })
                        } />
                }) }
            }
            { field("created_at", i18n.t("ticket-created"), html! {}, html! { <Exact at={ticket.created_at} /> }) }
            { field("updated_at", i18n.t("ticket-updated"), html! {}, html! { <Exact at={ticket.updated_at} /> }) }
            if session.role() >= Role::Manager && !ticket.deleted && !disabled {
                <button class="button-text" data-testid="ticket-delete" onclick={
                    let on_edit = props.on_edit.clone();
                    move |_| on_edit.emit(TicketOp::SetDeleted { deleted: true })
                }>{ i18n.t("ticket-delete") }</button>
            }
        </section>
    }
}

/// Properties of [`TextField`].
#[derive(Clone, Debug, PartialEq, Properties)]
pub(crate) struct TextFieldProps {
    /// What is there.
    pub(crate) value: String,
    /// What it holds.
    pub(crate) label: AttrValue,
    /// For tests.
    pub(crate) testid: AttrValue,
    /// It cannot be changed.
    pub(crate) disabled: bool,
    /// Told of another value, when the field is left or Enter is pressed.
    pub(crate) on_change: Callback<String>,
    /// Shown while it is empty.
    #[prop_or_default]
    pub(crate) placeholder: AttrValue,
    /// The id of a list of suggestions.
    #[prop_or_default]
    pub(crate) list: Option<AttrValue>,
    /// Told when somebody goes to it.
    #[prop_or_default]
    pub(crate) on_focus: Callback<()>,
    /// It shows all of a long value, in as many lines as that takes; still one line of text.
    #[prop_or_default]
    pub(crate) wraps: bool,
}

/// A field of one line that is taken over when it is left.
#[component]
pub(crate) fn TextField(props: &TextFieldProps) -> Html {
    let onchange = {
        let (on_change, before) = (props.on_change.clone(), props.value.clone());
        Callback::from(move |event: Event| {
            let value = value_of(&event).replace(['\r', '\n'], " ").trim().to_owned();
            if value != before {
                on_change.emit(value);
            }
        })
    };
    let onkeydown = Callback::from(|event: KeyboardEvent| {
        let input = event.target().and_then(|target| target.dyn_into::<HtmlElement>().ok());
        if let Some(input) = input.filter(|_| matches!(event.code().as_str(), "Enter" | "NumpadEnter")) {
            event.prevent_default();
            let _ = input.blur();
        }
    });
    let node = use_node_ref();
    {
        let (node, wraps) = (node.clone(), props.wraps);
        use_effect_with(props.value.clone(), move |_| {
            if let Some(area) = node.cast::<HtmlTextAreaElement>().filter(|_| wraps) {
                grow(&area);
            }
        });
    }
    if props.wraps {
        let oninput = Callback::from(|event: InputEvent| {
            let area = event.target().and_then(|target| target.dyn_into::<HtmlTextAreaElement>().ok());
            if let Some(area) = area {
                grow(&area);
            }
        });
        return html! {
            <textarea ref={node} class="textarea input-field field-wraps" rows="1" value={props.value.clone()} {onchange}
                {oninput} {onkeydown} aria-label={props.label.clone()} disabled={props.disabled}
                data-testid={props.testid.clone()} placeholder={props.placeholder.clone()} autocomplete="off" />
        };
    }
    let onfocus = props.on_focus.reform(|_| ());
    html! {
        <input class="input input-field" type="text" value={props.value.clone()} {onchange} {onkeydown} {onfocus}
            aria-label={props.label.clone()} disabled={props.disabled} data-testid={props.testid.clone()}
            placeholder={props.placeholder.clone()} list={props.list.clone()} autocomplete="off" />
    }
}

#[derive(Clone, Debug, PartialEq, Properties)]
struct RequesterProps {
    value: Option<String>,
    disabled: bool,
    on_change: Callback<Option<String>>,
}

/// Who asks: a member by name, or whatever else is typed (an address, a name).
#[component]
fn Requester(props: &RequesterProps) -> Html {
    let i18n = use_i18n();
    let session = use_session();
    // Those who are suggested may be hundreds, and most tickets are only read.
    let is_used = use_state_eq(|| false);
    let shown = props.value.as_deref().map(|who| session.name(who)).unwrap_or_default();
    let on_change = {
        let (session, on_change) = (Rc::clone(&session), props.on_change.clone());
        Callback::from(move |typed: String| {
            let member =
                session.people().into_iter().find(|member| member.name == typed || member.email == typed);
            on_change.emit(member.map(|member| member.id.to_string()).or_else(|| some(typed)));
        })
    };
    html! {
        <>
            <TextField value={shown} label={i18n.t("field-requester")} testid="field-requester"
                disabled={props.disabled} {on_change} placeholder={i18n.t("requester-none")} list="people"
                on_focus={let is_used = is_used.clone(); move |()| is_used.set(true)} />
            <datalist id="people">
                if *is_used {
                    for member in session.people() {
                        <option key={member.id.to_string()} value={member.name} />
                    }
                }
            </datalist>
        </>
    }
}

/// Properties of [`Tags`].
#[derive(Clone, Debug, PartialEq, Properties)]
pub(crate) struct TagsProps {
    /// The tags that are on.
    pub(crate) tags: Vec<String>,
    /// They cannot be changed.
    pub(crate) disabled: bool,
    /// Told of a tag to put on or take off.
    pub(crate) on_tag: Callback<(String, bool)>,
    /// What is suggested; the tags that tickets have, unless something else is given.
    #[prop_or_default]
    pub(crate) known: Option<Rc<Vec<String>>>,
    /// What the field for another one says.
    #[prop_or_default]
    pub(crate) add_label: Option<AttrValue>,
}

/// Tags, and a field for another one.
#[component]
pub(crate) fn Tags(props: &TagsProps) -> Html {
    let i18n = use_i18n();
    let tags = use_store(&TAGS);
    // Suggested only to somebody who adds one.
    let is_used = use_state_eq(|| false);
    let known: Vec<String> = match &props.known {
        _ if !*is_used => Vec::new(),
        Some(known) => known.to_vec(),
        None => tags.iter().map(|it| it.tag.clone()).collect(),
    };
    let add_label = props.add_label.clone().unwrap_or_else(|| i18n.t("tag-add").into());
    // Each field has suggestions of its own.
    let list = if props.known.is_some() { "known-names" } else { "known-tags" };
    let add = {
        let on_tag = props.on_tag.clone();
        Callback::from(move |input: HtmlInputElement| {
            let tag = input.value().trim().to_owned();
            input.set_value("");
            if !tag.is_empty() {
                on_tag.emit((tag, true));
            }
        })
    };
    let onkeydown = {
        let add = add.clone();
        Callback::from(move |event: KeyboardEvent| {
            let input = event.target().and_then(|target| target.dyn_into::<HtmlInputElement>().ok());
            if let Some(input) =
                input.filter(|_| matches!(event.code().as_str(), "Enter" | "NumpadEnter" | "Comma"))
            {
                event.prevent_default();
                add.emit(input);
            }
        })
    };
    let onchange = Callback::from(move |event: Event| {
        if let Some(input) = event.target().and_then(|target| target.dyn_into::<HtmlInputElement>().ok()) {
            add.emit(input);
        }
    });
    html! {
        <span class="tags" data-testid="field-tags">
            for tag in props.tags.iter().cloned() {
                <span key={tag.clone()} class="tag tag-remove" data-testid="tag" data-tag={tag.clone()}>
                    { &tag }
                    if !props.disabled {
                        <button aria-label={crate::i18n::tr!(i18n, "tag-remove", tag = tag.as_str())}
                            title={crate::i18n::tr!(i18n, "tag-remove", tag = tag.as_str())} onclick={
                                let (on_tag, tag) = (props.on_tag.clone(), tag.clone());
                                move |_| on_tag.emit((tag.clone(), false))
                            }>{ glyph(Glyph::Cross) }</button>
                    }
                </span>
            }
            if !props.disabled {
                <input class="input input-field tag-input" type="text" placeholder={add_label.clone()}
                    aria-label={add_label} {onkeydown} {onchange} {list} autocomplete="off"
                    onfocus={move |_| is_used.set(true)}
                    data-testid="tag-input" maxlength="200" />
                <datalist id={list}>
                    for name in known.into_iter().filter(|name| !props.tags.contains(name)) {
                        <option key={name.clone()} value={name} />
                    }
                </datalist>
            }
        </span>
    }
}
