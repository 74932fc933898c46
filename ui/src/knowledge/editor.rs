//! Writing an article. Title and text are a draft until they are saved; others may write the same article meanwhile,
//! so what is saved is the difference from the text that the writing began with.

use std::{collections::BTreeSet, rc::Rc};

use desk_api::{ApiError, call::CreateArticle};
use desk_domain::edit::ArticleOp;
use serde::{Deserialize, Serialize};
use yew::prelude::*;

use super::{ArticleProps, edit, to};
use crate::{
    bridge,
    commands::{Layer, use_commands},
    i18n::use_i18n,
    keys::Command,
    route,
    session::use_session,
    tickets::fields::{Tags, optional_choices, some},
    widgets::{
        draft::{DraftState, use_draft},
        field::{Select, TextArea, on_text, use_autofocus},
        markdown::Markdown,
        page::{Page, Problem},
    },
};

/// What the editor holds; the draft is its JSON.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Writing {
    title: String,
    body: String,
    /// The text that the writing began with.
    base: String,
    category: String,
    tags: BTreeSet<String>,
}

impl Writing {
    fn write(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

#[derive(Clone, Debug, PartialEq, Properties)]
struct TextProps {
    title: String,
    body: String,
    on_title: Callback<String>,
    on_body: Callback<String>,
}

/// Title and text, with a preview beside it where there is room, and instead of it where there is not.
#[component]
fn Text(props: &TextProps) -> Html {
    let i18n = use_i18n();
    let previews = use_state_eq(|| false);
    let title = use_autofocus();
    let oninput = {
        let on_title = props.on_title.clone();
        on_text(move |text| on_title.emit(text))
    };
    let tab = |label: String, is_preview: bool, testid: &'static str| {
        let previews = previews.clone();
        html! {
            <button class="tab" type="button" role="tab" aria-selected={(*previews == is_preview).to_string()}
                data-testid={testid} onclick={move |_| previews.set(is_preview)}>{ label }</button>
        }
    };
    html! {
        <>
            <input ref={title} class="input input-large" type="text" value={props.title.clone()} {oninput}
                placeholder={i18n.t("field-title")} aria-label={i18n.t("field-title")} maxlength="500"
                data-testid="article-title-input" />
            <div class="tabs tabs-narrow" role="tablist" aria-label={i18n.t("article-body")}>
                { tab(i18n.t("write"), false, "tab-write") }
                { tab(i18n.t("preview"), true, "tab-preview") }
            </div>
            <div class="writing" data-previews={previews.to_string()}>
                <TextArea value={props.body.clone()} on_text={props.on_body.clone()} label={i18n.t("article-body")}
                    placeholder={i18n.t("markdown-hint")} testid="article-body-input" class="writing-text" />
                <div class="writing-preview" role="region" data-testid="article-preview" aria-label={i18n.t("preview")}>
                    <Markdown text={props.body.clone()} />
                </div>
            </div>
        </>
    }
}

/// An article to edit.
#[component]
pub(super) fn ArticleEditor(props: &ArticleProps) -> Html {
    let i18n = use_i18n();
    let session = use_session();
    let article = &props.view.article;
    let began = Writing {
        title: article.title.clone(),
        body: article.body.clone(),
        base: article.body.clone(),
        ..Writing::default()
    };
    let draft = use_draft(format!("article/{}", article.id), began.write());
    let busy = use_state_eq(|| false);
    let writing: Writing = serde_json::from_str(&draft.text).unwrap_or(began.clone());
    let id = article.id;
    let finish = Callback::from(move |()| route::go(to(Some(id), false)));
    let save = {
        let (draft, writing, view, busy) =
            (draft.clone(), writing.clone(), Rc::clone(&props.view), busy.clone());
        let (finish, on_view, session) = (finish.clone(), props.on_view.clone(), Rc::clone(&session));
        Callback::from(move |()| {
            let mut ops = Vec::new();
            let title = writing.title.trim().to_owned();
            if title != view.article.title {
                ops.push(ArticleOp::SetTitle { title });
            }
            if writing.body != writing.base {
                ops.push(ArticleOp::EditBody {
                    base: Some(writing.base.clone()),
                    body: writing.body.clone(),
                });
            }
            if ops.is_empty() {
                draft.discard(String::new());
                finish.emit(());
                return;
            }
            if *busy {
                return;
            }
            busy.set(true);
            let (draft, busy, finish, on_view) =
                (draft.clone(), busy.clone(), finish.clone(), on_view.clone());
            let (view, session) = (Rc::clone(&view), Rc::clone(&session));
            bridge::spawn(async move {
                draft.settle().await;
                let text = draft.text.clone();
                let reply = edit(i18n, &session, &view.article, ops).await;
                busy.set(false);
                match reply {
                    Ok(view) => {
                        draft.discard(String::new());
                        on_view.emit(view);
                        finish.emit(());
                    }
                    // What was typed stays, and stays a draft.
                    Err(_) => draft.set(text),
                }
            });
        })
    };
    {
        let (save, finish, draft) = (save.clone(), finish.clone(), draft.clone());
        use_commands(Layer::Form, move |command| {
            match command {
                Command::Send => save.emit(()),
                Command::Back if !draft.is_touched => finish.emit(()),
                _ => return false,
            }
            true
        });
    }
    let change = |set: fn(&mut Writing, String)| {
        let (draft, writing) = (draft.clone(), writing.clone());
        Callback::from(move |text: String| {
            let mut next = writing.clone();
            set(&mut next, text);
            draft.set(next.write());
        })
    };
    html! {
        <section class="article-editor" data-testid="article-editor">
            <Text title={writing.title.clone()} body={writing.body.clone()}
                on_title={change(|writing, text| writing.title = text)}
                on_body={change(|writing, text| writing.body = text)} />
            <DraftState problem={draft.problem.clone()} />
            <div class="form-buttons">
                <button class="button button-main" data-testid="article-save"
                    disabled={*busy || writing.title.trim().is_empty()}
                    onclick={move |_| save.emit(())}>{ i18n.t("save") }</button>
                <kbd>{ i18n.t("send-hint") }</kbd>
                <button class="button" data-testid="article-cancel" onclick={
                    let (draft, finish) = (draft.clone(), finish.clone());
                    let began = began.write();
                    move |_| {
                        draft.discard(began.clone());
                        finish.emit(());
                    }
                }>{ if draft.is_touched { i18n.t("draft-discard") } else { i18n.t("cancel") } }</button>
            </div>
        </section>
    }
}

/// The form of a new article.
#[component]
pub(crate) fn NewArticlePage() -> Html {
    let i18n = use_i18n();
    let session = use_session();
    let draft = use_draft("new-article".to_owned(), String::new());
    let problem = use_state(|| None::<ApiError>);
    let busy = use_state_eq(|| false);
    let writing: Writing = serde_json::from_str(&draft.text).unwrap_or_default();
    let create = {
        let (draft, writing, problem, busy) = (draft.clone(), writing.clone(), problem.clone(), busy.clone());
        Callback::from(move |()| {
            if *busy {
                return;
            }
            busy.set(true);
            let (draft, problem, busy) = (draft.clone(), problem.clone(), busy.clone());
            let Writing { title, body, category, tags, .. } = writing.clone();
            bridge::spawn(async move {
                draft.settle().await;
                let text = draft.text.clone();
                let request =
                    CreateArticle { title: title.trim().to_owned(), body, category: some(category), tags };
                let reply = bridge::call(request).await;
                busy.set(false);
                match reply {
                    Ok(view) => {
                        draft.discard(String::new());
                        route::go(to(Some(view.article.id), false));
                    }
                    Err(error) => {
                        draft.set(text);
                        problem.set(Some(error));
                    }
                }
            });
        })
    };
    {
        let create = create.clone();
        use_commands(Layer::Form, move |command| {
            let sends = command == Command::Send;
            if sends {
                create.emit(());
            }
            sends
        });
    }
    let change = |set: fn(&mut Writing, String)| {
        let (draft, writing) = (draft.clone(), writing.clone());
        Callback::from(move |text: String| {
            let mut next = writing.clone();
            set(&mut next, text);
            draft.set(if next == Writing::default() { String::new() } else { next.write() });
        })
    };
    let set_tag = {
        let (draft, writing) = (draft.clone(), writing.clone());
        Callback::from(move |(tag, on): (String, bool)| {
            let mut next = writing.clone();
            if on {
                next.tags.insert(tag);
            } else {
                next.tags.remove(&tag);
            }
            draft.set(next.write());
        })
    };
    html! {
        <Page title={i18n.t("new-article")} testid="new-article-page">
            <div class="article-new">
                if let Some(error) = (*problem).clone() {
                    <Problem {error} />
                }
                <Text title={writing.title.clone()} body={writing.body.clone()}
                    on_title={change(|writing, text| writing.title = text)}
                    on_body={change(|writing, text| writing.body = text)} />
                <div class="form-grid">
                    <label class="stack"><span>{ i18n.t("field-category") }</span>
                        <Select value={writing.category.clone()}
                            choices={optional_choices(i18n.t("none"), session.categories())}
                            on_choose={change(|writing, key| writing.category = key)}
                            label={i18n.t("field-category")} testid="new-article-category" /></label>
                    <div class="stack"><span>{ i18n.t("field-tags") }</span>
                        <Tags tags={writing.tags.iter().cloned().collect::<Vec<_>>()} disabled=false on_tag={set_tag} /></div>
                </div>
                <DraftState problem={draft.problem.clone()} />
                <div class="form-buttons">
                    <button class="button button-main" data-testid="create-article"
                        disabled={*busy || writing.title.trim().is_empty()}
                        onclick={move |_| create.emit(())}>{ i18n.t("new-article-create") }</button>
                    <kbd>{ i18n.t("send-hint") }</kbd>
                    <span class="spring" />
                    if draft.is_touched && writing != Writing::default() {
                        <button class="button-text" data-testid="draft-discard" onclick={
                            let draft = draft.clone();
                            move |_| draft.discard(String::new())
                        }>{ i18n.t("draft-discard") }</button>
                    }
                </div>
            </div>
        </Page>
    }
}
