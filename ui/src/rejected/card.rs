//! One refused edit.

use std::rc::Rc;

use desk_api::{
    ApiError,
    call::{GetArticle, GetDraft, GetIncident, GetTicket, RetryRejected},
    view::RejectedEdit,
};
use desk_domain::{
    edit::Ops,
    ids::{DocId, DocKind},
};
use yew::prelude::*;

use super::values::{
    Control, Present, Value, Words, copied, is_blank, leave_out, may_leave_out, set, values,
};
use crate::{
    bridge,
    commands::{Layer, use_commands},
    i18n::{format, tr, use_i18n},
    keys::Command,
    live::use_changed,
    route::Route,
    session::use_session,
    widgets::{
        clipboard,
        draft::{DraftState, use_draft},
        field::{Select, TextArea, on_text},
        icons::{Glyph, glyph},
        page::Problem,
        toast,
    },
};

/// Properties of [`Card`].
#[derive(Clone, PartialEq, Properties)]
pub(crate) struct CardProps {
    /// The edit.
    pub(crate) edit: RejectedEdit,
    /// Told of an edit that is to leave the list.
    pub(crate) on_discard: Callback<RejectedEdit>,
    /// Told of the list after one was proposed again.
    pub(crate) on_edits: Callback<Vec<RejectedEdit>>,
}

async fn present(kind: DocKind, id: DocId) -> Result<Option<Present>, ApiError> {
    Ok(match kind {
        DocKind::Ticket => bridge::call(GetTicket { id })
            .await?
            .map(|view| Present::Ticket(Box::new(view.ticket), view.moves)),
        DocKind::Article => {
            bridge::call(GetArticle { id }).await?.map(|view| Present::Article(Box::new(view.article)))
        }
        DocKind::Incident => bridge::call(GetIncident { id })
            .await?
            .map(|view| Present::Incident(Box::new(view.incident), view.moves)),
        DocKind::Workspace | DocKind::Personal => None,
    })
}

/// Proposes an edit again and shows what came of it.
fn propose(
    edit: &RejectedEdit,
    ops: Option<Ops>,
    said: String,
    on_edits: Callback<Vec<RejectedEdit>>,
    failed: Callback<ApiError>,
) {
    let id = edit.id;
    bridge::spawn(async move {
        match bridge::call(RetryRejected { id, ops }).await {
            Ok(proposed) => {
                on_edits.emit(proposed.rejected);
                toast::say(said);
            }
            Err(error) => failed.emit(error),
        }
    });
}

/// A refused edit, to read, copy, propose again or discard.
#[component]
pub(crate) fn Card(props: &CardProps) -> Html {
    let i18n = use_i18n();
    let session = use_session();
    let now = use_state(|| None::<Present>);
    let problem = use_state(|| None::<ApiError>);
    let amends = use_state_eq(|| false);
    let edit = &props.edit;
    let (kind, doc, id) = (edit.kind, edit.edit.doc, edit.id);

    let fetch = {
        let now = now.clone();
        move || {
            let now = now.clone();
            bridge::spawn(async move {
                // A document that does not read has no present values to show; its own page says why.
                if let Ok(found) = present(kind, doc).await {
                    now.set(found);
                }
            });
        }
    };
    {
        let (fetch, amends) = (fetch.clone(), amends.clone());
        use_effect_with(id, move |id| {
            fetch();
            // Amending that a kill interrupted goes on where it was.
            let key = format!("rejected/{id}");
            bridge::spawn(async move {
                if matches!(bridge::call(GetDraft { key }).await, Ok(Some(_))) {
                    amends.set(true);
                }
            });
        });
    }
    use_changed(&[DocKind::Ticket, DocKind::Article, DocKind::Incident], Some(doc), fetch);

    let words = Words { i18n, session: &session };
    let failed = {
        let problem = problem.clone();
        Callback::from(move |error: ApiError| problem.set(Some(error)))
    };
    let at = |at| format::date_time(i18n, format::local(at));
    let reason = i18n.maybe(&format!("refused-{}", edit.code));
    html! {
        <article class="card refused" data-testid="rejected-row" data-code={edit.code.clone()} data-id={id.to_string()}>
            <header class="card-head">
                { glyph(Glyph::from(edit.kind)) }
                <a href={format!("#{}", Route::of(kind, doc).to_hash())}><b>{ &edit.subject }</b></a>
                <span class="hint">
                    { tr!(i18n, "rejected-when", edited = at(edit.edited_at), rejected = at(edit.rejected_at)) }
                </span>
            </header>
            <div class="refused-why">
                { glyph(Glyph::Refused) }
                <div>
                    <p><b data-testid="rejected-reason">{ reason.clone().unwrap_or_else(|| edit.reason.clone()) }</b>
                        if let Some(todo) = i18n.maybe(&format!("refused-{}-todo", edit.code)) {
                            { " " }{ todo }
                        }
                    </p>
                    if reason.is_some() && !edit.reason.is_empty() {
                        <p class="hint">{ tr!(i18n, "rejected-said", text = edit.reason.clone()) }</p>
                    }
                </div>
            </div>
            if let Some(error) = &*problem {
                <div data-testid="rejected-problem"><Problem error={error.clone()} /></div>
            }
            if *amends {
                <Amend edit={edit.clone()} now={(*now).clone()} on_edits={props.on_edits.clone()}
                    on_failed={failed.clone()} on_close={
                        let (amends, problem) = (amends.clone(), problem.clone());
                        Callback::from(move |()| {
                            amends.set(false);
                            problem.set(None);
                        })
                    } />
            } else {
                <Table ops={edit.edit.ops.clone()} now={(*now).clone()} />
                <div class="form-buttons">
                    <button class="button button-main" data-testid="rejected-retry" onclick={
                        let (edit, on_edits, said) =
                            (edit.clone(), props.on_edits.clone(), i18n.t("rejected-proposed"));
                        move |_| propose(&edit, None, said.clone(), on_edits.clone(), failed.clone())
                    }>{ i18n.t("rejected-retry") }</button>
                    if matches!(kind, DocKind::Ticket | DocKind::Article | DocKind::Incident) {
                        <button class="button" data-testid="rejected-amend" onclick={
                            let amends = amends.clone();
                            move |_| amends.set(true)
                        }>{ i18n.t("rejected-amend") }</button>
                    }
                    <button class="button" data-testid="rejected-copy" onclick={
                        let text = copied(words, &edit.edit.ops);
                        move |_| clipboard::copy(i18n, &text)
                    }>{ i18n.t("copy") }</button>
                    <button class="button" data-testid="rejected-discard" onclick={
                        let (on_discard, edit) = (props.on_discard.clone(), edit.clone());
                        move |_| on_discard.emit(edit.clone())
                    }>{ i18n.t("rejected-discard") }</button>
                </div>
            }
        </article>
    }
}

#[derive(Clone, PartialEq, Properties)]
struct TableProps {
    ops: Ops,
    now: Option<Present>,
    /// Told of another value; without it the values are only shown.
    #[prop_or_default]
    on_value: Option<Callback<(usize, &'static str, String)>>,
    /// Told of a step that is to be left out.
    #[prop_or_default]
    on_leave_out: Option<Callback<usize>>,
}

/// The values of the edit: what it was to become, what stands now.
#[component]
fn Table(props: &TableProps) -> Html {
    let i18n = use_i18n();
    let session = use_session();
    let shown: Vec<Value> = values(Words { i18n, session: &session }, &props.ops, props.now.as_ref())
        .into_iter()
        .filter(|value| props.on_value.is_some() || !is_blank(&props.ops, value))
        .collect();
    let has_now = shown.iter().any(|value| value.now.is_some());
    let leaves_out = |step: usize| props.on_leave_out.is_some() && may_leave_out(&props.ops, step);
    let may_leave = shown.iter().any(|value| leaves_out(value.step));
    let has_labels = shown.iter().any(|value| !value.label.is_empty());
    html! {
        <table class="refused-table">
            <thead><tr>
                if has_labels {
                    <th scope="col">{ i18n.t("rejected-what") }</th>
                }
                <th scope="col">{ i18n.t("rejected-wanted") }</th>
                if has_now {
                    <th scope="col">{ i18n.t("rejected-now") }</th>
                }
                if may_leave {
                    <th scope="col" class="refused-leave"><span class="sr-only">{ i18n.t("rejected-leave-out") }</span></th>
                }
            </tr></thead>
            <tbody>
                for (nth, value) in shown.into_iter().enumerate() {
                    <tr key={nth} data-testid="rejected-value">
                        if has_labels {
                            <th scope="row">{ &value.label }</th>
                        }
                        <td data-testid="rejected-wanted" title={value.wanted.clone()}>
                            { match &props.on_value {
                                Some(on_value) => control(&value, on_value.clone()),
                                None => html! { <div class="clamp">{ value.wanted.clone() }</div> },
                            } }
                        </td>
                        if has_now {
                            <td data-testid="rejected-now"><div class="clamp quiet">
                                { value.now.clone().unwrap_or_else(|| "—".to_owned()) }
                            </div></td>
                        }
                        if may_leave {
                            <td class="refused-leave">
                                if leaves_out(value.step) {
                                    <button type="button" class="button-icon" title={i18n.t("rejected-leave-out")}
                                        aria-label={i18n.t("rejected-leave-out")}
                                        data-testid={format!("leave-out-{}", value.step)} onclick={
                                            let (told, step) = (props.on_leave_out.clone(), value.step);
                                            move |_| if let Some(told) = &told { told.emit(step) }
                                        }>{ glyph(Glyph::Cross) }</button>
                                }
                            </td>
                        }
                    </tr>
                }
            </tbody>
        </table>
    }
}

fn control(value: &Value, on_value: Callback<(usize, &'static str, String)>) -> Html {
    let (step, field) = (value.step, value.field);
    let told = Callback::from(move |raw: String| on_value.emit((step, field, raw)));
    let label = value.label.clone();
    let testid = format!("amend-{}-{}", value.step, value.field);
    match &value.control {
        Control::Fixed => html! { <div class="clamp">{ value.wanted.clone() }</div> },
        Control::Line => html! {
            <input class="input" type="text" value={value.raw.clone()} oninput={on_text(move |raw| told.emit(raw))}
                aria-label={label} data-testid={testid} autocomplete="off" />
        },
        Control::Text => html! {
            <TextArea value={value.raw.clone()} on_text={told} {label} {testid} grows=true />
        },
        Control::Choice(choices) => html! {
            <Select value={value.raw.clone()} choices={Rc::new(choices.clone())} on_choose={told} {label} {testid}
                other_label={AttrValue::from(value.wanted.clone())} />
        },
    }
}

#[derive(Clone, PartialEq, Properties)]
struct AmendProps {
    edit: RejectedEdit,
    now: Option<Present>,
    on_edits: Callback<Vec<RejectedEdit>>,
    on_failed: Callback<ApiError>,
    on_close: Callback<()>,
}

/// The values to be amended in place. What is typed is a draft, and survives a kill.
#[component]
fn Amend(props: &AmendProps) -> Html {
    let i18n = use_i18n();
    let edit = &props.edit;
    let draft = use_draft(format!("rejected/{}", edit.id), String::new());
    let ops: Ops = serde_json::from_str(&draft.text).unwrap_or_else(|_| edit.edit.ops.clone());
    let send = {
        let (edit, ops, draft) = (edit.clone(), ops.clone(), draft.clone());
        let (on_edits, on_failed, said) =
            (props.on_edits.clone(), props.on_failed.clone(), i18n.t("rejected-proposed"));
        Callback::from(move |()| {
            let (edit, ops, draft) = (edit.clone(), ops.clone(), draft.clone());
            let (on_edits, on_failed, said) = (on_edits.clone(), on_failed.clone(), said.clone());
            bridge::spawn(async move {
                draft.settle().await;
                let on_failed = Callback::from(move |error| {
                    draft.set(draft.text.clone());
                    on_failed.emit(error);
                });
                propose(&edit, Some(ops), said, on_edits, on_failed);
            });
        })
    };
    let close = {
        let (draft, on_close) = (draft.clone(), props.on_close.clone());
        Callback::from(move |()| {
            draft.discard(String::new());
            on_close.emit(());
        })
    };
    {
        let (send, close, is_touched) = (send.clone(), close.clone(), draft.is_touched);
        use_commands(Layer::Form, move |command| {
            match command {
                Command::Send => send.emit(()),
                // What was typed is not thrown away by a key.
                Command::Back if !is_touched => close.emit(()),
                _ => return false,
            }
            true
        });
    }
    let keep = {
        let draft = draft.clone();
        move |next: &Ops| {
            if let Ok(json) = serde_json::to_string(next) {
                draft.set(json);
            }
        }
    };
    let on_value = {
        let (ops, keep) = (ops.clone(), keep.clone());
        Callback::from(move |(step, field, raw): (usize, &'static str, String)| {
            let mut next = ops.clone();
            set(&mut next, step, field, raw);
            keep(&next);
        })
    };
    let on_leave_out = {
        let ops = ops.clone();
        Callback::from(move |step: usize| {
            let mut next = ops.clone();
            leave_out(&mut next, step);
            keep(&next);
        })
    };
    html! {
        <form class="refused-form" data-testid="rejected-form" onsubmit={
            let send = send.clone();
            move |event: SubmitEvent| {
                event.prevent_default();
                send.emit(());
            }
        }>
            <Table {ops} now={props.now.clone()} {on_value} {on_leave_out} />
            <DraftState problem={draft.problem.clone()} />
            <div class="form-buttons">
                <button type="submit" class="button button-main" data-testid="rejected-propose">
                    { i18n.t("rejected-propose") }{ " " }<kbd>{ i18n.t("send-hint") }</kbd>
                </button>
                <button type="button" class="button" data-testid="rejected-cancel" onclick={move |_| close.emit(())}>
                    { i18n.t("cancel") }
                </button>
            </div>
        </form>
    }
}
