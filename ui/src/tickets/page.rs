//! The page of a ticket: its fields, clocks, conversation and history.

use std::rc::Rc;

use desk_api::{call::GetTicket, view::TicketView};
use desk_domain::{
    edit::TicketOp,
    ids::{DocId, DocKind},
};
use web_sys::HtmlElement;
use yew::prelude::*;

use super::{
    actions, clocks::ClocksPanel, composer::Composer, conversation::Conversation, fields::FieldsPanel,
    history::History, ops, past::Past, seen,
};
use crate::{
    bridge, clock,
    commands::{Layer, run, use_commands},
    i18n::{tr, use_i18n},
    keys::Command,
    query::use_query,
    route::{self, Route},
    session::use_session,
    widgets::{
        clipboard,
        conflicts::{Conflicts, Taken},
        draft::use_draft,
        field::{on_text, use_autofocus},
        icons::{Glyph, glyph},
        page::{Empty, Problem},
    },
};

/// Properties of [`TicketPage`].
#[derive(Clone, Debug, PartialEq, Properties)]
pub(crate) struct TicketPageProps {
    /// Which ticket.
    pub(crate) id: DocId,
}

/// The detail pane with a ticket.
#[component]
pub(crate) fn TicketPage(props: &TicketPageProps) -> Html {
    let i18n = use_i18n();
    let query = use_query(GetTicket { id: props.id }, &[DocKind::Ticket], Some(props.id));
    let on_view = {
        let set = query.set.clone();
        Callback::from(move |view: TicketView| set.emit(Some(view)))
    };
    seen::use_seen(props.id, on_view.clone());
    // What was read before the page opened, until it has asked itself.
    let before = use_memo(props.id, |id| seen::get(*id));
    let asked = query.data.as_ref().filter(|reply| {
        let Some(view) = reply.as_ref() else { return true };
        view.ticket.id == props.id || before.is_none()
    });
    let view = match (asked, &*before) {
        (Some(reply), _) => Some(reply.as_ref().clone().map(Rc::new)),
        (None, Some(before)) => Some(Some(Rc::new(before.clone()))),
        (None, None) => None,
    };
    html! {
        <section class="detail" data-testid="detail" aria-label={i18n.t("kind-ticket")}>
            if let Some(error) = query.error {
                <Problem {error} />
            }
            { match view {
                None => html! {},
                Some(None) => html! { <Empty text={i18n.t("not-here")} /> },
                Some(Some(view)) => {
                    let key = view.ticket.id.to_string();
                    html! { <Body {key} {view} {on_view} /> }
                },
            } }
        </section>
    }
}

#[derive(Clone, PartialEq, Properties)]
struct BodyProps {
    view: Rc<TicketView>,
    on_view: Callback<TicketView>,
}

#[component]
fn Body(props: &BodyProps) -> Html {
    let i18n = use_i18n();
    let session = use_session();
    let in_history = use_state_eq(|| false);
    let edits_title = use_state_eq(|| false);
    // The change after which the ticket is shown, instead of as it is.
    let past = use_state_eq(|| None::<String>);
    let talk = use_node_ref();
    let view = &props.view;
    let ticket = &view.ticket;
    let is_locked = view.read_only || session.read_only.is_some();
    let can_declare = session.read_only.is_none() && !ticket.deleted;

    // The shell's clock goes on from the instant at which it read this ticket's.
    use_effect_with(view.read_at, |at| clock::set(*at));

    let edit = {
        let (view, on_view, session) = (Rc::clone(view), props.on_view.clone(), Rc::clone(&session));
        Callback::from(move |op: TicketOp| {
            let (view, on_view, session) = (Rc::clone(&view), on_view.clone(), Rc::clone(&session));
            bridge::spawn(async move {
                // On an error, the field shows again what is there.
                match actions::edit(i18n, &session, &view.ticket, vec![op]).await {
                    Ok(view) => on_view.emit(view),
                    Err(_) => on_view.emit((*view).clone()),
                }
            });
        })
    };

    // The newest message is in sight when the page opens and when one is added; a conflict before it, since it stands
    // above the conversation and waits for somebody.
    {
        let talk = talk.clone();
        let seen = (ticket.comments.len(), *in_history, !ticket.conflicts.is_empty());
        use_effect_with(seen, move |(count, in_history, conflicted)| {
            let to_end = *count > 0 && !in_history && !conflicted;
            // Measured when the list beside it is rendered, too: what is not finished would be laid out for nothing.
            bridge::spawn(async move {
                if let Some(talk) = talk.cast::<HtmlElement>() {
                    talk.set_scroll_top(if to_end { talk.scroll_height() } else { 0 });
                }
            });
        });
    }
    {
        let (talk, edits_title, ticket) = (talk.clone(), edits_title.clone(), ticket.id);
        use_commands(Layer::Detail, move |command| {
            let Some(talk) = talk.cast::<HtmlElement>() else { return false };
            let page = talk.client_height() - 40;
            match command {
                Command::PageDown => talk.set_scroll_top(talk.scroll_top() + page),
                Command::PageUp => talk.set_scroll_top(talk.scroll_top() - page),
                Command::First => talk.set_scroll_top(0),
                Command::Last => talk.set_scroll_top(talk.scroll_height()),
                Command::Edit if !is_locked => edits_title.set(true),
                Command::Declare if can_declare => route::go(Route::NewIncident { ticket: Some(ticket) }),
                _ => return false,
            }
            true
        });
    }

    if let Some(change) = &*past {
        let on_change = {
            let past = past.clone();
            Callback::from(move |change| past.set(Some(change)))
        };
        let on_close = {
            let past = past.clone();
            Callback::from(move |()| past.set(None))
        };
        return html! { <Past id={ticket.id} change={change.clone()} {on_change} {on_close} /> };
    }

    let tab = |label: String, here: bool, testid: &'static str, is_history: bool| {
        let in_history = in_history.clone();
        html! {
            <button class="tab" role="tab" aria-selected={here.to_string()} data-testid={testid}
                onclick={move |_| in_history.set(is_history)}>{ label }</button>
        }
    };
    html! {
        <article class="ticket" data-testid="ticket-page" data-number={view.number.clone()}
            data-id={ticket.id.to_string()} data-status={ticket.status.as_str()}
            data-priority={ticket.priority.as_str()}>
            <header class="detail-head">
                <div class="detail-line">
                    <button class="button-icon" title={i18n.t("back")} aria-label={i18n.t("back")}
                        data-testid="detail-back" onclick={|_| { run(Command::Back); }}>{ glyph(Glyph::Left) }</button>
                    <button class="number number-copy" data-testid="ticket-number" title={i18n.t("copy")} onclick={
                        let number = view.number.clone();
                        move |_| clipboard::copy(i18n, &number)
                    }>{ &view.number }</button>
                    if view.unsent {
                        <span class="mark" data-testid="ticket-unsent">{ glyph(Glyph::Upload) }
                            <span class="hint">{ i18n.t("ticket-unsent") }</span></span>
                    }
                    if let Some(source) = &ticket.source {
                        <span class="hint">{ format!("{}: {} {}", i18n.t("ticket-source"), source.system, source.key) }</span>
                    }
                    <span class="spring" />
                    if can_declare {
                        <a class="button" data-testid="ticket-declare" title={i18n.t("help-declare")}
                            href={format!("#{}", Route::NewIncident { ticket: Some(ticket.id) }.to_hash())}>
                            { glyph(Glyph::Incident) }<span>{ i18n.t("ticket-declare") }</span></a>
                    }
                    <div class="tabs" role="tablist" aria-label={i18n.t("kind-ticket")}>
                        { tab(i18n.t("conversation"), !*in_history, "tab-conversation", false) }
                        { tab(tr!(i18n, "history-show", n = ticket.log.len()), *in_history, "tab-history", true) }
                    </div>
                </div>
                if *edits_title {
                    <TitleEditor id={ticket.id} title={ticket.title.clone()} on_done={
                        let (edits_title, edit) = (edits_title.clone(), edit.clone());
                        Callback::from(move |title: Option<String>| {
                            edits_title.set(false);
                            if let Some(title) = title {
                                edit.emit(TicketOp::SetTitle { title });
                            }
                        })
                    } />
                } else {
                    <h1 class="detail-title" data-testid="ticket-title" title={i18n.t("edit-title")} onclick={
                        let edits_title = edits_title.clone();
                        move |_| edits_title.set(!is_locked)
                    }>{ &ticket.title }</h1>
                }
            </header>
            if view.read_only {
                <p class="banner" role="alert">{ i18n.t("ticket-read-only") }</p>
            }
            if view.number_shared {
                <p class="banner" role="alert">{ i18n.t("ticket-number-shared") }</p>
            }
            if ticket.deleted {
                <p class="banner" role="alert">
                    { i18n.t("ticket-deleted") }{ " " }
                    <button class="button-text" data-testid="ticket-restore" onclick={
                        let edit = edit.clone();
                        move |_| edit.emit(TicketOp::SetDeleted { deleted: false })
                    }>{ i18n.t("ticket-restore") }</button>
                </p>
            }
            <div class="detail-body">
                <div class="talk-pane">
                    <div class="talk" ref={talk} data-testid="talk">
                        <Conflicts kind={DocKind::Ticket} conflicts={ticket.conflicts.clone()} {is_locked} on_take={
                            let edit = edit.clone();
                            Callback::from(move |taken: Taken| {
                                if let Some(op) = ops::set_field(&taken.field, taken.value.as_deref()) {
                                    edit.emit(op);
                                }
                            })
                        } />
                        if *in_history {
                            <History view={Rc::clone(view)} on_past={
                                let past = past.clone();
                                Callback::from(move |change| past.set(Some(change)))
                            } />
                        } else {
                            <Conversation view={Rc::clone(view)} {is_locked} on_edit={edit.clone()} />
                        }
                    </div>
                    if !is_locked && !ticket.deleted {
                        <Composer id={ticket.id} on_view={props.on_view.clone()} />
                    }
                </div>
                <aside class="side" aria-label={i18n.t("ticket-details")}>
                    <FieldsPanel view={Rc::clone(view)} {is_locked} on_edit={edit.clone()} />
                    <ClocksPanel view={Rc::clone(view)} />
                </aside>
            </div>
        </article>
    }
}

#[derive(Clone, Debug, PartialEq, Properties)]
struct TitleEditorProps {
    id: DocId,
    title: String,
    /// Told of the new title, or of nothing.
    on_done: Callback<Option<String>>,
}

/// The title as a field. Enter takes it, Escape leaves it; what was typed survives a kill.
#[component]
fn TitleEditor(props: &TitleEditorProps) -> Html {
    let i18n = use_i18n();
    let draft = use_draft(format!("title/{}", props.id), props.title.clone());
    let node = use_autofocus();
    let finish = {
        let (draft, on_done, before) = (draft.clone(), props.on_done.clone(), props.title.clone());
        Callback::from(move |takes: bool| {
            let title = draft.text.trim().to_owned();
            draft.discard(before.clone());
            on_done.emit((takes && !title.is_empty() && title != before).then_some(title));
        })
    };
    {
        let finish = finish.clone();
        use_commands(Layer::Form, move |command| {
            match command {
                Command::Back => finish.emit(false),
                Command::Send => finish.emit(true),
                _ => return false,
            }
            true
        });
    }
    let onkeydown = {
        let finish = finish.clone();
        Callback::from(move |event: KeyboardEvent| {
            if matches!(event.code().as_str(), "Enter" | "NumpadEnter") && !event.is_composing() {
                event.prevent_default();
                finish.emit(true);
            }
        })
    };
    let oninput = {
        let draft = draft.clone();
        on_text(move |text| draft.set(text))
    };
    html! {
        <input ref={node} class="input detail-title-input" value={draft.text.clone()} {oninput} {onkeydown}
            onblur={move |_| finish.emit(true)} aria-label={i18n.t("field-title")} maxlength="500"
            data-testid="title-input" />
    }
}
