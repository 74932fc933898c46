//! The box in which replies and notes are written. What is typed is a draft until it is sent.

use desk_api::{
    call::{AddComment, GetDraft},
    view::TicketView,
};
use desk_domain::{edit::TicketOp, ids::DocId, ticket::Visibility};
use web_sys::HtmlElement;
use yew::prelude::*;

use crate::{
    bridge,
    commands::{Layer, active_element, use_commands},
    i18n::use_i18n,
    keys::Command,
    session::use_session,
    undo::{self, Restore},
    widgets::{
        draft::{DraftState, use_draft},
        field::TextArea,
        icons::{Glyph, glyph},
        toast,
    },
};

/// Properties of [`Composer`].
#[derive(Clone, Debug, PartialEq, Properties)]
pub(crate) struct ComposerProps {
    /// Which ticket.
    pub(crate) id: DocId,
    /// Told of the ticket after something was sent.
    pub(crate) on_view: Callback<TicketView>,
}

fn draft_key(visibility: Visibility, id: DocId) -> String {
    match visibility {
        Visibility::Public => format!("reply/{id}"),
        Visibility::Internal => format!("note/{id}"),
    }
}

/// Reply or note.
#[component]
pub(crate) fn Composer(props: &ComposerProps) -> Html {
    let i18n = use_i18n();
    let visibility = use_state_eq(|| Visibility::Public);
    // Counts the wishes to write: each gives the field the focus.
    let wishes = use_state_eq(|| 0_u32);
    // Which of the two has something in it.
    let written = use_state_eq(|| (false, false));

    {
        let (visibility, written) = (visibility.clone(), written.clone());
        use_effect_with(props.id, move |id| {
            let id = *id;
            bridge::spawn(async move {
                let has = async |visibility| {
                    matches!(bridge::call(GetDraft { key: draft_key(visibility, id) }).await, Ok(Some(_)))
                };
                // The box shows the reply's draft, and tells of it; it is asked for only where it decides what to show.
                if has(Visibility::Internal).await {
                    let has_reply = has(Visibility::Public).await;
                    written.set((has_reply, true));
                    // A note that was begun is not hidden behind an empty reply.
                    if !has_reply {
                        visibility.set(Visibility::Internal);
                    }
                }
            });
        });
    }
    let choose = {
        let (visibility, wishes) = (visibility.clone(), wishes.clone());
        Callback::from(move |chosen: Visibility| {
            visibility.set(chosen);
            wishes.set(*wishes + 1);
        })
    };
    {
        let choose = choose.clone();
        use_commands(Layer::Detail, move |command| {
            match command {
                Command::Reply => choose.emit(Visibility::Public),
                Command::Note => choose.emit(Visibility::Internal),
                _ => return false,
            }
            true
        });
    }
    let on_written = {
        let (written, visibility) = (written.clone(), *visibility);
        Callback::from(move |is_written: bool| {
            let (reply, note) = *written;
            written.set(match visibility {
                Visibility::Public => (is_written, note),
                Visibility::Internal => (reply, is_written),
            });
        })
    };
    let tab = |which: Visibility,
               label: String,
               key: &'static str,
               is_written: bool,
               testid: &'static str| {
        let choose = choose.clone();
        html! {
            <button class="tab" role="tab" aria-selected={(*visibility == which).to_string()} data-testid={testid}
                onclick={move |_| choose.emit(which)}>
                if which == Visibility::Internal {
                    { glyph(Glyph::Lock) }
                }
                { label }
                if is_written && *visibility != which {
                    <span class="dot" aria-hidden="true" />
                }
                <kbd>{ key }</kbd>
            </button>
        }
    };
    let is_note = *visibility == Visibility::Internal;
    html! {
        <section class={classes!("composer", is_note.then_some("composer-note"))} aria-label={i18n.t("composer")}
            data-testid="composer">
            <div class="tabs" role="tablist" aria-label={i18n.t("composer")}>
                { tab(Visibility::Public, i18n.t("reply"), "R", written.0, "tab-reply") }
                { tab(Visibility::Internal, i18n.t("note"), "N", written.1, "tab-note") }
            </div>
            <Box key={visibility.as_str()} id={props.id} visibility={*visibility} wishes={*wishes}
                on_view={props.on_view.clone()} {on_written} />
        </section>
    }
}

#[derive(Clone, Debug, PartialEq, Properties)]
struct BoxProps {
    id: DocId,
    visibility: Visibility,
    wishes: u32,
    on_view: Callback<TicketView>,
    on_written: Callback<bool>,
}

#[component]
fn Box(props: &BoxProps) -> Html {
    let i18n = use_i18n();
    let session = use_session();
    let draft = use_draft(draft_key(props.visibility, props.id), String::new());
    let busy = use_state_eq(|| false);
    let node = use_node_ref();
    {
        let node = node.clone();
        use_effect_with(props.wishes, move |wishes| {
            if *wishes > 0
                && let Some(element) = node.cast::<HtmlElement>()
            {
                let _ = element.focus();
            }
        });
    }
    let is_empty = draft.text.trim().is_empty();
    {
        let on_written = props.on_written.clone();
        use_effect_with(is_empty, move |is_empty| on_written.emit(!*is_empty));
    }
    let send = {
        let (draft, busy, on_view) = (draft.clone(), busy.clone(), props.on_view.clone());
        let (id, visibility, me) = (props.id, props.visibility, session.me());
        Callback::from(move |()| {
            let body = draft.text.trim_end().to_owned();
            if body.trim().is_empty() || *busy {
                return;
            }
            busy.set(true);
            let (draft, busy, on_view, me) = (draft.clone(), busy.clone(), on_view.clone(), me.clone());
            bridge::spawn(async move {
                // No save of the draft may come after the call that drops it.
                draft.settle().await;
                let reply = bridge::call(AddComment { id, visibility, body: body.clone() }).await;
                busy.set(false);
                match reply {
                    Ok(view) => {
                        draft.reset(String::new());
                        let label = match visibility {
                            Visibility::Public => i18n.t("sent-reply"),
                            Visibility::Internal => i18n.t("sent-note"),
                        };
                        let written = view.ticket.comments.iter().rev().find(|comment| comment.author == me);
                        if let Some(comment) = written {
                            let ops = vec![TicketOp::DeleteComment { id: comment.id }];
                            undo::done(label, vec![Restore::Ticket(id, ops)]);
                        }
                        on_view.emit(view);
                    }
                    Err(error) => {
                        // The text is where it was, and a draft again.
                        draft.set(body);
                        toast::failed(error);
                    }
                }
            });
        })
    };
    {
        let (send, node) = (send.clone(), node.clone());
        use_commands(Layer::Form, move |command| {
            let here = node.get().is_some_and(|node| node.contains(active_element().as_deref()));
            let sends = command == Command::Send && here;
            if sends {
                send.emit(());
            }
            sends
        });
    }
    let on_text = {
        let draft = draft.clone();
        Callback::from(move |text| draft.set(text))
    };
    let discard = {
        let draft = draft.clone();
        move |_| draft.discard(String::new())
    };
    let (placeholder, label, field, button) = match props.visibility {
        Visibility::Public => (i18n.t("reply-placeholder"), i18n.t("send-reply"), "reply-box", "send-reply"),
        Visibility::Internal => (i18n.t("note-placeholder"), i18n.t("send-note"), "note-box", "send-note"),
    };
    html! {
        <>
            <TextArea value={draft.text.clone()} {on_text} label={placeholder.clone()} {placeholder} {node} grows=true
                testid={field} class="composer-field" />
            <DraftState problem={draft.problem.clone()} />
            <div class="form-buttons">
                <button class="button button-main" disabled={is_empty || *busy} data-testid={button}
                    onclick={move |_| send.emit(())}>{ label }</button>
                <kbd>{ i18n.t("send-hint") }</kbd>
                <span class="spring" />
                if !is_empty {
                    <button class="button-text" data-testid="draft-discard" onclick={discard}>
                        { i18n.t("draft-discard") }
                    </button>
                }
            </div>
        </>
    }
}
