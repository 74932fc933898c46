//! What was said: the request, replies, notes.

use std::{collections::BTreeSet, rc::Rc};

use desk_api::view::TicketView;
use desk_domain::{
    edit::TicketOp,
    ids::DocId,
    people::Role,
    ticket::{AuthorSide, Comment, Visibility},
};
use yew::prelude::*;

use crate::{
    commands::{Layer, use_commands},
    i18n::use_i18n,
    keys::Command,
    session::use_session,
    widgets::{
        draft::{DraftState, use_draft},
        field::{TextArea, use_autofocus},
        icons::{Glyph, glyph},
        markdown::LongMarkdown,
        moment::Exact,
    },
};

/// Properties of [`Conversation`].
#[derive(Clone, PartialEq, Properties)]
pub(crate) struct ConversationProps {
    /// The ticket.
    pub(crate) view: Rc<TicketView>,
    /// It cannot be edited.
    pub(crate) is_locked: bool,
    /// Told of an edit.
    pub(crate) on_edit: Callback<TicketOp>,
    /// What to point out: `description`, and comments by their ids.
    #[prop_or_default]
    pub(crate) changed: Rc<BTreeSet<String>>,
}

/// The conversation.
#[component]
pub(crate) fn Conversation(props: &ConversationProps) -> Html {
    let i18n = use_i18n();
    let session = use_session();
    let edits = use_state_eq(|| false);
    let ticket = &props.view.ticket;
    let requester =
        ticket.requester.as_deref().map_or_else(|| i18n.t("requester-none"), |who| session.name(who));
    let changed = |what: &str| props.changed.contains(what);
    let begin = {
        let (edits, is_locked) = (edits.clone(), props.is_locked);
        Callback::from(move |_: MouseEvent| edits.set(!is_locked))
    };
    html! {
        <div class="conversation" data-testid="conversation">
            <article data-testid="description"
                class={classes!("message", "message-requester", changed("description").then_some("changed"))}>
                <header class="message-head">
                    <b>{ requester }</b><Exact at={ticket.created_at} />
                    <span class="spring" />
                    if !props.is_locked && !*edits && !ticket.description.is_empty() {
                        <button class="button-icon message-action" onclick={begin.clone()} title={i18n.t("edit-description")}
                            aria-label={i18n.t("edit-description")} data-testid="edit-description">
                            { glyph(Glyph::Edit) }
                        </button>
                    }
                </header>
                if *edits {
                    <DescriptionEditor id={ticket.id} text={ticket.description.clone()} on_done={
                        let (edits, on_edit) = (edits.clone(), props.on_edit.clone());
                        Callback::from(move |description: Option<String>| {
                            edits.set(false);
                            if let Some(description) = description {
                                on_edit.emit(TicketOp::SetDescription { description });
                            }
                        })
                    } />
                } else if ticket.description.is_empty() {
                    <p class="hint">{ i18n.t("description-none") }
                        if !props.is_locked {
                            <button class="button-text" onclick={begin} data-testid="edit-description">
                                { i18n.t("description-add") }
                            </button>
                        }
                    </p>
                } else {
                    <LongMarkdown text={ticket.description.clone()} />
                }
            </article>
            for comment in ticket.comments.iter() {
                <Message key={comment.id.to_string()} comment={comment.clone()} is_locked={props.is_locked}
                    on_edit={props.on_edit.clone()} is_changed={changed(&comment.id.to_string())} />
            }
        </div>
    }
}

#[derive(Clone, Debug, PartialEq, Properties)]
struct MessageProps {
    comment: Comment,
    is_locked: bool,
    is_changed: bool,
    on_edit: Callback<TicketOp>,
}

#[component]
fn Message(props: &MessageProps) -> Html {
    let i18n = use_i18n();
    let session = use_session();
    let comment = &props.comment;
    let class = match (comment.visibility, comment.side) {
        (Visibility::Internal, _) => "message message-note",
        (Visibility::Public, AuthorSide::Staff) => "message message-staff",
        (Visibility::Public, AuthorSide::Requester) => "message message-requester",
    };
    if comment.deleted {
        return html! {
            <article class={classes!("message", "message-gone", props.is_changed.then_some("changed"))} data-testid="comment" data-deleted="true">
                <span class="hint">{ session.author(i18n, &comment.author) }{ ": " }{ i18n.t("comment-deleted") }</span>
            </article>
        };
    }
    // The same rule as the shell's: one's own, or a manager's right.
    let may_withdraw =
        !props.is_locked && (comment.author == session.me() || session.role() >= Role::Manager);
    html! {
        <article class={classes!(class, props.is_changed.then_some("changed"))} data-testid="comment" data-visibility={comment.visibility.as_str()}
            data-side={comment.side.as_str()} data-id={comment.id.to_string()}>
            <header class="message-head">
                <b>{ session.author(i18n, &comment.author) }</b>
                <span class="hint">{ i18n.word("side", comment.side) }</span>
                <Exact at={comment.created_at} />
                if comment.visibility == Visibility::Internal {
                    <span class="note-badge">{ glyph(Glyph::Lock) }{ i18n.t("comment-internal") }</span>
                }
                <span class="spring" />
                if may_withdraw {
                    <button class="button-text message-action" data-testid="comment-withdraw" onclick={
                        let (on_edit, id) = (props.on_edit.clone(), comment.id);
                        move |_| on_edit.emit(TicketOp::DeleteComment { id })
                    }>{ i18n.t("comment-withdraw") }</button>
                }
            </header>
            <div data-testid="comment-body"><LongMarkdown text={comment.body.clone()} /></div>
        </article>
    }
}

#[derive(Clone, Debug, PartialEq, Properties)]
struct DescriptionEditorProps {
    id: DocId,
    text: String,
    /// Told of the new text, or of nothing.
    on_done: Callback<Option<String>>,
}

#[component]
fn DescriptionEditor(props: &DescriptionEditorProps) -> Html {
    let i18n = use_i18n();
    let node = use_autofocus();
    let draft = use_draft(format!("description/{}", props.id), props.text.clone());
    let finish = {
        let (draft, on_done, before) = (draft.clone(), props.on_done.clone(), props.text.clone());
        Callback::from(move |takes: bool| {
            let text = draft.text.clone();
            draft.discard(before.clone());
            on_done.emit((takes && text != before).then_some(text));
        })
    };
    {
        let (finish, draft) = (finish.clone(), draft.clone());
        use_commands(Layer::Form, move |command| {
            match command {
                Command::Send => finish.emit(true),
                // What was typed is not thrown away by a key.
                Command::Back if !draft.is_touched => finish.emit(false),
                _ => return false,
            }
            true
        });
    }
    let on_text = {
        let draft = draft.clone();
        Callback::from(move |text| draft.set(text))
    };
    html! {
        <div class="editor">
            <TextArea value={draft.text.clone()} {on_text} label={i18n.t("field-description")} {node} grows=true
                testid="description-input" />
            <DraftState problem={draft.problem} />
            <div class="form-buttons">
                <button class="button button-main" data-testid="description-save"
                    onclick={let finish = finish.clone(); move |_| finish.emit(true)}>{ i18n.t("save") }</button>
                <button class="button" data-testid="description-cancel"
                    onclick={move |_| finish.emit(false)}>{ i18n.t("cancel") }</button>
                <span class="hint">{ i18n.t("markdown-hint") }</span>
            </div>
        </div>
    }
}
