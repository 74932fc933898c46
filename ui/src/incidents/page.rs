//! The page of an incident.

use std::rc::Rc;

use desk_api::{
    call::{GetIncident, Search},
    view::IncidentView,
};
use desk_domain::{
    edit::IncidentOp,
    ids::{DocId, DocKind, normalize_number},
    incident::{IncidentRole, IncidentStatus, Milestone},
    time::UtcMillis,
};
use web_sys::HtmlInputElement;
use yew::prelude::*;

use super::{
    edit, escalation::EscalationPanel, new::severity_choices, postmortem::Postmortem,
    proposals::ProposalCard, set_field, severity::SeverityChooser, text::EditableText, timeline::Timeline,
    updates::Updates,
};
use crate::{
    bridge,
    clock::{self, use_now},
    commands::{Layer, active_element, run, use_commands},
    i18n::{I18n, format, tr, use_i18n},
    keys::Command,
    query::use_query,
    route::Route,
    session::{Session, use_session},
    tickets::fields::{Tags, TextField, person_choices, some},
    widgets::{
        conflicts::{Conflicts, Taken},
        draft::{DraftState, use_draft},
        field::{Select, TextArea},
        icons::{self, Glyph, glyph},
        moment::MomentField,
        page::{Empty, Problem},
        toast,
    },
};

/// Properties of [`IncidentPage`].
#[derive(Clone, Debug, PartialEq, Properties)]
pub(crate) struct IncidentPageProps {
    /// Which incident.
    pub(crate) id: DocId,
}

/// The detail pane with an incident.
#[component]
pub(crate) fn IncidentPage(props: &IncidentPageProps) -> Html {
    let i18n = use_i18n();
    let query = use_query(GetIncident { id: props.id }, &[DocKind::Incident], Some(props.id));
    let on_view = {
        let set = query.set.clone();
        Callback::from(move |view: IncidentView| set.emit(Some(view)))
    };
    let view = query.data.as_ref().map(|reply| reply.as_ref().clone().map(Rc::new));
    html! {
        <section class="detail" aria-label={i18n.t("kind-incident")} data-testid="detail">
            if let Some(error) = query.error {
                <Problem {error} />
            }
            { match view {
                None => html! {},
                Some(None) => html! { <Empty text={i18n.t("not-here")} /> },
                Some(Some(view)) => {
                    let key = view.incident.id.to_string();
                    html! { <Body {key} {view} {on_view} /> }
                }
            } }
        </section>
    }
}

#[derive(Clone, PartialEq, Properties)]
struct BodyProps {
    view: Rc<IncidentView>,
    on_view: Callback<IncidentView>,
}

#[component]
fn Body(props: &BodyProps) -> Html {
    let i18n = use_i18n();
    let session = use_session();
    let view = &props.view;
    let incident = &view.incident;
    let is_locked = view.read_only || session.read_only.is_some();
    let in_postmortem = use_state_eq(|| false);
    let on_edit = {
        let (view, on_view, session) = (Rc::clone(view), props.on_view.clone(), Rc::clone(&session));
        Callback::from(move |op: IncidentOp| {
            let (view, on_view, session) = (Rc::clone(&view), on_view.clone(), Rc::clone(&session));
            bridge::spawn(async move {
                match edit(i18n, &session, &view.incident, vec![op]).await {
                    Ok(view) => on_view.emit(view),
                    Err(_) => on_view.emit((*view).clone()),
                }
            });
        })
    };
    let move_button = |to: IncidentStatus| {
        let on_edit = on_edit.clone();
        // The first move off `open` is the acknowledgement, which is what halts the escalation.
        let is_main = incident.status == IncidentStatus::Open && to == IncidentStatus::Investigating;
        html! {
            <button class={classes!("button", is_main.then_some("button-main"))} key={to.as_str()}
                data-testid="incident-move" data-to={to.as_str()}
                onclick={move |_| on_edit.emit(IncidentOp::SetStatus { status: to })}>
                { if is_main { i18n.t("incident-acknowledge") } else { i18n.word("incident-status", to) } }
            </button>
        }
    };
    // A proposal is confirmed or dismissed first.
    let is_proposed = incident.is_proposed();
    let moves = view.moves.iter().filter(|to| !is_proposed && **to != incident.status);
    let tab = |label: String, testid: &'static str, is_postmortem: bool| {
        let in_postmortem = in_postmortem.clone();
        html! {
            <button class="tab" role="tab" aria-selected={(*in_postmortem == is_postmortem).to_string()}
                data-testid={testid} onclick={move |_| in_postmortem.set(is_postmortem)}>{ label }</button>
        }
    };
    html! {
        <article class="ticket" data-testid="incident-page" data-number={view.number.clone()}
            data-status={incident.status.as_str()} data-severity={incident.severity.as_str()}>
            <header class="detail-head">
                <div class="detail-line">
                    <button class="button-icon" title={i18n.t("back")} aria-label={i18n.t("back")}
                        onclick={|_| { run(Command::Back); }}>{ glyph(Glyph::Left) }</button>
                    { icons::severity(incident.severity) }
                    <span class="number">{ &view.number }</span>
                    { icons::incident_status(incident.status) }
                    <span data-testid="incident-status">{ i18n.word("incident-status", incident.status) }</span>
                    if let Some(at) = view.escalates_at() {
                        <Escalation {at} />
                    }
                    <span class="spring" />
                    <div class="tabs" role="tablist" aria-label={i18n.t("kind-incident")}>
                        { tab(i18n.t("incident-timeline"), "tab-timeline", false) }
                        { tab(postmortem_label(i18n, view), "tab-postmortem", true) }
                    </div>
                </div>
                <h1 class="detail-title" data-testid="incident-title">{ &incident.title }</h1>
                if !is_locked {
                    <div class="moves">{ for moves.map(|to| move_button(*to)) }</div>
                }
            </header>
            if view.read_only {
                <p class="banner" role="alert">{ i18n.t("incident-read-only") }</p>
            }
            <div class="detail-body">
                <div class="talk-pane">
                    <div class="talk">
                        <Conflicts kind={DocKind::Incident} conflicts={incident.conflicts.clone()} {is_locked} on_take={
                            let on_edit = on_edit.clone();
                            Callback::from(move |taken: Taken| {
                                if let Some(op) = set_field(&taken.field, taken.value.as_deref()) {
                                    on_edit.emit(op);
                                }
                            })
                        } />
                        if *in_postmortem {
                            <Postmortem view={Rc::clone(view)} {is_locked} on_edit={on_edit.clone()}
                                on_view={props.on_view.clone()} />
                        } else {
                        <ProposalCard view={Rc::clone(view)} {is_locked} on_edit={on_edit.clone()} />
                        <EditableText id={incident.id} what="summary" heading={i18n.t("incident-summary")}
                            text={incident.summary.clone()} none={i18n.t("description-none")} {is_locked} on_save={
                                let on_edit = on_edit.clone();
                                Callback::from(move |(_, summary)| on_edit.emit(IncidentOp::SetSummary { summary }))
                            } />
                        <Updates incident={incident.clone()} {is_locked} on_edit={on_edit.clone()} />
                        <section class="block">
                            <h2>{ i18n.t("incident-timeline") }</h2>
                            if !is_locked {
                                <NoteBox id={incident.id} on_note={
                                    let on_edit = on_edit.clone();
                                    Callback::from(move |text| on_edit.emit(IncidentOp::AddNote { text }))
                                } />
                            }
                            <Timeline incident={incident.clone()} />
                        </section>
                        }
                    </div>
                </div>
                <Side view={Rc::clone(view)} {is_locked} {on_edit} on_view={props.on_view.clone()} />
            </div>
        </article>
    }
}

/// The tab's name, with how many of the action items are done.
fn postmortem_label(i18n: I18n, view: &IncidentView) -> String {
    let (items, name) = (&view.action_items, i18n.t("incident-postmortem"));
    if items.is_empty() {
        return name;
    }
    format!("{name} {}/{}", items.iter().filter(|item| item.done).count(), items.len())
}

#[derive(Clone, Debug, PartialEq, Properties)]
struct EscalationProps {
    at: UtcMillis,
}

#[component]
fn Escalation(props: &EscalationProps) -> Html {
    let i18n = use_i18n();
    let now = use_now(1);
    let left = props.at.since(now);
    let text = if left > 0 {
        tr!(i18n, "incident-escalates", left = format::countdown(i18n, left))
    } else {
        tr!(i18n, "incident-escalated", at = format::date_time(i18n, format::local(props.at)))
    };
    html! { <span class="due due-late" data-testid="incident-escalation">{ glyph(Glyph::Clock) }{ text }</span> }
}

#[derive(Clone, PartialEq, Properties)]
struct SideProps {
    view: Rc<IncidentView>,
    is_locked: bool,
    on_edit: Callback<IncidentOp>,
    on_view: Callback<IncidentView>,
}

#[component]
fn Side(props: &SideProps) -> Html {
    let i18n = use_i18n();
    let session = use_session();
    let incident = &props.view.incident;
    let disabled = props.is_locked;
    let on_edit = &props.on_edit;
    let people = person_choices(&session, i18n.t("nobody"));
    let role = |role: IncidentRole| {
        let member = incident.roles.get(&role).cloned();
        let on_edit = on_edit.clone();
        html! {
            <div class="field field-tall" key={role.as_str()}>
                <span class="field-label">{ i18n.word("incident-role", role) }</span>
                <span class="field-control">
                    <Select value={member.clone().unwrap_or_default()} choices={Rc::clone(&people)} {disabled}
                        class="select-field" label={i18n.word("incident-role", role)} testid={format!("incident-role-{role}")}
                        other_label={member.as_deref().map(|who| AttrValue::from(session.name(who)))}
                        on_choose={Callback::from(move |who: String| {
                            on_edit.emit(IncidentOp::SetRole { role, member: some(who) });
                        })} />
                </span>
            </div>
        }
    };
    let milestone = |milestone: Milestone| {
        let reached_at = incident.milestones.get(&milestone).copied();
        let (set, now) = (on_edit.clone(), on_edit.clone());
        html! {
            <div class="field field-tall" key={milestone.as_str()}>
                <span class="field-label">{ i18n.word("milestone", milestone) }</span>
                <span class="field-control">
                    <MomentField at={reached_at} {disabled} label={i18n.word("milestone", milestone)}
                        testid={format!("milestone-{milestone}")} on_change={Callback::from(move |reached_at| {
                            set.emit(IncidentOp::SetMilestone { milestone, reached_at });
                        })} />
                    if reached_at.is_none() && !disabled {
                        <button class="button-text" data-testid={format!("milestone-{milestone}-now")} onclick={move |_| {
                            now.emit(IncidentOp::SetMilestone { milestone, reached_at: clock::now() });
                        }}>{ i18n.t("now-button") }</button>
                    }
                </span>
            </div>
        }
    };
    html! {
        <aside class="side" aria-label={i18n.t("ticket-details")}>
            <EscalationPanel view={Rc::clone(&props.view)} is_locked={props.is_locked} on_view={props.on_view.clone()} />
            <section class="panel">
                <div class="field">
                    <span class="field-label">{ i18n.t("incident-severity") }</span>
                    <span class="field-control">
                        <Select value={incident.severity.as_str()} choices={severity_choices(i18n)} {disabled}
                            class="select-field" label={i18n.t("incident-severity")} testid="incident-severity"
                            on_choose={let on_edit = on_edit.clone(); Callback::from(move |word: String| {
                                if let Ok(severity) = word.parse() {
                                    on_edit.emit(IncidentOp::SetSeverity { severity });
                                }
                            })} />
                    </span>
                </div>
                if !disabled {
                    <details class="severity-details" data-testid="severity-guide">
                        <summary>{ i18n.t("severity-guide") }</summary>
                        <SeverityChooser value={incident.severity} testid="incident-severity-choice" on_choose={
                            let on_edit = on_edit.clone();
                            Callback::from(move |severity| on_edit.emit(IncidentOp::SetSeverity { severity }))
                        } />
                    </details>
                }
                <div class="field">
                    <span class="field-label">{ i18n.t("incident-field-title") }</span>
                    <TextField value={incident.title.clone()} label={i18n.t("incident-field-title")} {disabled} wraps=true
                        testid="incident-title-input" on_change={
                            let on_edit = on_edit.clone();
                            Callback::from(move |title: String| {
                                if !title.is_empty() {
                                    on_edit.emit(IncidentOp::SetTitle { title });
                                }
                            })
                        } />
                </div>
                <div class="field">
                    <span class="field-label">{ i18n.t("incident-services") }</span>
                    <Tags tags={incident.services.iter().cloned().collect::<Vec<_>>()} {disabled}
                        known={Rc::new(session.services())} add_label={i18n.t("incident-service-add")} on_tag={
                        let on_edit = on_edit.clone();
                        Callback::from(move |(service, on)| on_edit.emit(IncidentOp::SetService { service, on }))
                    } />
                </div>
            </section>
            <section class="panel">
                <h2>{ i18n.t("incident-roles") }</h2>
                { for IncidentRole::ALL.iter().map(|name| role(*name)) }
            </section>
            <section class="panel">
                <h2>{ i18n.t("incident-milestones") }</h2>
                { for Milestone::ALL.iter().map(|name| milestone(*name)) }
            </section>
            <section class="panel" data-testid="incident-tickets">
                <h2>{ i18n.t("incident-tickets") }</h2>
                for row in props.view.tickets.iter() {
                    <div class="link-line" key={row.id.to_string()} data-testid="incident-ticket" data-number={row.number.clone()}>
                        { icons::status(row.status) }
                        <a href={format!("#{}", Route::ticket(row.id).to_hash())} title={row.number.clone()}>{ &row.title }</a>
                        if !disabled {
                            <button class="button-icon" aria-label={tr!(i18n, "incident-unlink", number = row.number.as_str())}
                                title={tr!(i18n, "incident-unlink", number = row.number.as_str())} onclick={
                                    let (on_edit, ticket) = (on_edit.clone(), row.id);
                                    move |_| on_edit.emit(IncidentOp::LinkTicket { ticket, on: false })
                                }>{ glyph(Glyph::Cross) }</button>
                        }
                    </div>
                }
                if !props.view.customers.is_empty() {
                    <p class="hint customers" data-testid="incident-customers">
                        { tr!(i18n, "incident-customers", n = props.view.customers.len()) }{ ": " }
                        { customers(i18n, &session, &props.view) }
                    </p>
                }
                if !disabled {
                    <LinkBox on_link={
                        let on_edit = on_edit.clone();
                        Callback::from(move |ticket| on_edit.emit(IncidentOp::LinkTicket { ticket, on: true }))
                    } />
                }
            </section>
        </aside>
    }
}

/// Who asked in the linked tickets, each with how often if that was more than once.
fn customers(i18n: I18n, session: &Session, view: &IncidentView) -> String {
    let named = view.customers.iter().map(|customer| {
        let name = customer.requester.as_deref().map_or_else(|| i18n.t("nobody"), |who| session.name(who));
        if customer.tickets > 1 { format!("{name} ({})", customer.tickets) } else { name }
    });
    named.collect::<Vec<_>>().join(", ")
}

#[derive(Clone, Debug, PartialEq, Properties)]
struct LinkBoxProps {
    on_link: Callback<DocId>,
}

/// Links a ticket by its number.
#[component]
fn LinkBox(props: &LinkBoxProps) -> Html {
    let i18n = use_i18n();
    let node = use_node_ref();
    let link = {
        let (node, on_link) = (node.clone(), props.on_link.clone());
        Callback::from(move |()| {
            let Some(input) = node.cast::<HtmlInputElement>() else { return };
            let typed = input.value();
            if typed.trim().is_empty() {
                return;
            }
            let text = normalize_number(&typed, "TK").unwrap_or(typed);
            let on_link = on_link.clone();
            bridge::spawn(async move {
                let reply =
                    bridge::call(Search { text: text.clone(), limit: 2, kind: Some(DocKind::Ticket) }).await;
                match reply {
                    Ok(hits) => match hits.iter().find(|hit| hit.number.as_ref() == Some(&text)) {
                        Some(hit) => {
                            input.set_value("");
                            on_link.emit(hit.id);
                        }
                        None => toast::say(i18n.t("incident-link-none")),
                    },
                    Err(error) => toast::failed(error),
                }
            });
        })
    };
    html! {
        <form class="link-line" onsubmit={
            let link = link.clone();
            move |event: SubmitEvent| {
                event.prevent_default();
                link.emit(());
            }
        }>
            <input ref={node} class="input link-input" type="text" placeholder={i18n.t("incident-link")}
                aria-label={i18n.t("incident-link")} autocomplete="off" data-testid="incident-link-input" />
            <button class="button" type="submit" data-testid="incident-link">{ i18n.t("incident-link-add") }</button>
        </form>
    }
}

#[derive(Clone, Debug, PartialEq, Properties)]
struct NoteBoxProps {
    id: DocId,
    on_note: Callback<String>,
}

#[component]
fn NoteBox(props: &NoteBoxProps) -> Html {
    let i18n = use_i18n();
    let node = use_node_ref();
    let draft = use_draft(format!("incident-note/{}", props.id), String::new());
    let add = {
        let (draft, on_note) = (draft.clone(), props.on_note.clone());
        Callback::from(move |()| {
            let text = draft.text.trim().to_owned();
            if !text.is_empty() {
                draft.discard(String::new());
                on_note.emit(text);
            }
        })
    };
    {
        let (add, node) = (add.clone(), node.clone());
        use_commands(Layer::Form, move |command| {
            let here = node.get().is_some_and(|node| node.contains(active_element().as_deref()));
            let sends = command == Command::Send && here;
            if sends {
                add.emit(());
            }
            sends
        });
    }
    {
        let node = node.clone();
        use_commands(Layer::Detail, move |command| {
            let field = node.cast::<web_sys::HtmlElement>().filter(|_| command == Command::Note);
            field.is_some_and(|field| field.focus().is_ok())
        });
    }
    let on_text = {
        let draft = draft.clone();
        Callback::from(move |text| draft.set(text))
    };
    html! {
        <div class="note-box">
            <TextArea value={draft.text.clone()} {on_text} label={i18n.t("incident-note")} placeholder={i18n.t("incident-note")}
                {node} grows=true testid="incident-note-input" class="textarea-short" />
            <DraftState problem={draft.problem.clone()} />
            <div class="form-buttons">
                <button class="button" disabled={draft.text.trim().is_empty()} data-testid="incident-note-add"
                    onclick={move |_| add.emit(())}>{ i18n.t("incident-note-add") }</button>
                <kbd>{ i18n.t("send-hint") }</kbd>
            </div>
        </div>
    }
}
