//! Knowledge: the articles, reading one, writing one.

pub(crate) mod editor;

use std::rc::Rc;

use desk_api::{
    ApiError,
    call::{EditArticle, GetArticle, ListArticles},
    view::{ArticleRow, ArticleView},
};
use desk_domain::{
    article::{Article, ArticleStatus},
    edit::ArticleOp,
    ids::{DocId, DocKind},
};
use gloo_timers::callback::Timeout;
use yew::prelude::*;

use self::editor::ArticleEditor;
use crate::{
    bridge,
    commands::{Layer, run, use_commands},
    i18n::{I18n, format, tr, use_i18n},
    keys::Command,
    query::use_query,
    route::{self, Route},
    session::{Session, use_session},
    tickets::fields::{Tags, optional_choices, some},
    undo::{self, Restore},
    widgets::{
        conflicts::{Conflicts, Taken},
        field::{Select, on_text},
        icons::{self, Glyph, glyph},
        markdown::Rendered,
        moment::Ago,
        page::{Empty, Problem},
        toast,
    },
};

/// A search begins this long after the last key.
const SEARCH_MS: u32 = 60;

/// Properties of [`KnowledgePage`].
#[derive(Clone, Debug, PartialEq, Properties)]
pub(crate) struct KnowledgeProps {
    /// The article that is open.
    pub(crate) open: Option<DocId>,
    /// It is being edited.
    pub(crate) editing: bool,
}

fn to(open: Option<DocId>, editing: bool) -> Route {
    Route::Knowledge { open, editing }
}

/// The page: the list, with an article beside it.
#[component]
pub(crate) fn KnowledgePage(props: &KnowledgeProps) -> Html {
    let i18n = use_i18n();
    let typed = use_state(String::new);
    let text = use_state_eq(|| None::<String>);
    let timer = use_mut_ref(|| None::<Timeout>);
    let at = use_state_eq(|| 0_usize);
    let query = use_query(ListArticles { text: (*text).clone() }, &[DocKind::Article], None);
    let rows: Vec<ArticleRow> = query.data.iter().flat_map(|rows| rows.iter().cloned()).collect();
    let open_at = props.open.and_then(|id| rows.iter().position(|row| row.id == id));
    let current = open_at.unwrap_or_else(|| (*at).min(rows.len().saturating_sub(1)));

    let oninput = {
        let (typed, text, timer) = (typed.clone(), text.clone(), Rc::clone(&timer));
        on_text(move |value| {
            typed.set(value.clone());
            let text = text.clone();
            *timer.borrow_mut() = Some(Timeout::new(SEARCH_MS, move || {
                text.set(some(value.trim().to_owned()));
            }));
        })
    };
    {
        let ids: Vec<DocId> = rows.iter().map(|row| row.id).collect();
        let (at, open) = (at.clone(), props.open);
        use_commands(Layer::List, move |command| {
            let last = ids.len().saturating_sub(1);
            let next = match command {
                Command::Down => (current + 1).min(last),
                Command::Up => current.saturating_sub(1),
                Command::First if open.is_none() => 0,
                Command::Last if open.is_none() => last,
                Command::Open => {
                    if let (Some(id), None) = (ids.get(current), open) {
                        route::go(to(Some(*id), false));
                    }
                    return open.is_none();
                }
                Command::Back if open.is_some() => {
                    route::go(to(None, false));
                    return true;
                }
                Command::Search => return focus_search(),
                _ => return false,
            };
            at.set(next);
            if let (Some(id), Some(_)) = (ids.get(next), open) {
                route::replace(to(Some(*id), false));
            }
            true
        });
    }
    html! {
        <div class="panes" data-open={props.open.is_some().to_string()}>
            <section class="list-pane" data-compact={props.open.is_some().to_string()} aria-label={i18n.t("knowledge")}>
                <header class="list-head">
                    <div class="list-title">
                        <h1>{ i18n.t("knowledge") }</h1>
                        <span class="count">{ rows.len() }</span>
                        <span class="spring" />
                        <a class="button" href="#/knowledge/new" data-testid="new-article">
                            { glyph(Glyph::Plus) }<span>{ i18n.t("new-article") }</span>
                        </a>
                    </div>
                    <div class="search search-alone">
                        { glyph(Glyph::Search) }
                        <input id="article-search" type="search" class="search-input" value={(*typed).clone()} {oninput}
                            placeholder={i18n.t("article-search")} aria-label={i18n.t("article-search")}
                            autocomplete="off" data-testid="article-search" />
                        <kbd class="search-key">{ "/" }</kbd>
                    </div>
                </header>
                if let Some(error) = query.error.clone() {
                    <Problem {error} />
                }
                <div class="rows rows-plain" data-testid="article-rows">
                    for (at, row) in rows.iter().enumerate() {
                        <a key={row.id.to_string()} href={format!("#{}", to(Some(row.id), false).to_hash())}
                            class={classes!("row", (at == current).then_some("is-current"),
                                (props.open == Some(row.id)).then_some("is-open"))}
                            data-testid="article-row" data-id={row.id.to_string()} data-status={row.status.as_str()}
                            title={i18n.word("article-status", row.status)}>
                            { icons::article_status(row.status) }
                            <span class="row-main"><span class="row-title">{ &row.title }</span></span>
                            <Ago at={row.updated_at} />
                        </a>
                    }
                    if query.data.is_some() && rows.is_empty() {
                        <Empty text={if text.is_some() { i18n.t("found-nothing") } else { i18n.t("articles-none") }} />
                    }
                </div>
            </section>
            if let Some(id) = props.open {
                <ArticlePage {id} editing={props.editing} />
            }
        </div>
    }
}

fn focus_search() -> bool {
    use wasm_bindgen::JsCast;
    let document = web_sys::window().and_then(|window| window.document());
    let field = document.and_then(|document| document.get_element_by_id("article-search"));
    let Some(field) = field.and_then(|field| field.dyn_into::<web_sys::HtmlElement>().ok()) else {
        return false;
    };
    field.focus().is_ok()
}

#[derive(Clone, Debug, PartialEq, Properties)]
struct ArticlePageProps {
    id: DocId,
    editing: bool,
}

/// The step that restores what `op` changes; `None` where nothing is to be restored.
fn inverse(article: &Article, op: &ArticleOp) -> Option<ArticleOp> {
    let inverse = match op {
        // From the text after the edit back to the one before it; what others typed meanwhile stays.
        ArticleOp::EditBody { body, .. } => {
            ArticleOp::EditBody { base: Some(body.clone()), body: article.body.clone() }
        }
        op => op.standing(article)?,
    };
    (inverse != *op).then_some(inverse)
}

/// The step that sets a field of a conflict to one of its values; `None` for a value that the field cannot have.
pub(crate) fn set_field(field: &str, value: Option<&str>) -> Option<ArticleOp> {
    let owned = || value.map(str::to_owned);
    Some(match field {
        "title" => ArticleOp::SetTitle { title: owned()? },
        "category" => ArticleOp::SetCategory { category: owned() },
        "status" => ArticleOp::SetStatus { status: value?.parse().ok()? },
        "deleted" => ArticleOp::SetDeleted { deleted: value?.parse().ok()? },
        _ => return None,
    })
}

/// An edit in words.
pub(crate) fn describe(i18n: I18n, session: &Session, op: &ArticleOp) -> String {
    let pair = |field: &str, value: String| format!("{}: {value}", i18n.word("field", field));
    match op {
        ArticleOp::Create { title, .. } => tr!(i18n, "op-article-create", title = title.clone()),
        ArticleOp::SetTitle { title } => pair("title", title.clone()),
        ArticleOp::EditBody { .. } => i18n.t("op-article-body"),
        ArticleOp::SetCategory { category } => {
            let name = category.as_deref().map(|key| session.category_name(key));
            pair("category", name.unwrap_or_else(|| i18n.t("none")))
        }
        ArticleOp::SetTag { tag, on: true } => tr!(i18n, "op-tag-on", tag = tag.clone()),
        ArticleOp::SetTag { tag, on: false } => tr!(i18n, "op-tag-off", tag = tag.clone()),
        ArticleOp::SetStatus { status } => pair("status", i18n.word("article-status", status)),
        ArticleOp::SetDeleted { deleted: true } => i18n.t("op-deleted"),
        ArticleOp::SetDeleted { deleted: false } => i18n.t("op-restored"),
    }
}

/// Edits an article; one step takes it back.
pub(crate) async fn edit(
    i18n: I18n,
    session: &Session,
    article: &Article,
    ops: Vec<ArticleOp>,
) -> Result<ArticleView, ApiError> {
    let inverses: Vec<ArticleOp> = ops.iter().rev().filter_map(|op| inverse(article, op)).collect();
    let label = ops.first().map(|op| describe(i18n, session, op));
    let reply = bridge::call(EditArticle { id: article.id, ops }).await;
    match &reply {
        Ok(_) => {
            if let (Some(label), false) = (label, inverses.is_empty()) {
                undo::done(label, vec![Restore::Article(article.id, inverses)]);
            }
        }
        Err(error) => toast::failed(error.clone()),
    }
    reply
}

/// The detail pane with an article.
#[component]
fn ArticlePage(props: &ArticlePageProps) -> Html {
    let i18n = use_i18n();
    let query = use_query(GetArticle { id: props.id }, &[DocKind::Article], Some(props.id));
    let on_view = {
        let set = query.set.clone();
        Callback::from(move |view: ArticleView| set.emit(Some(view)))
    };
    let view = query.data.as_ref().map(|reply| reply.as_ref().clone().map(Rc::new));
    html! {
        <section class="detail" aria-label={i18n.t("kind-article")} data-testid="detail">
            if let Some(error) = query.error {
                <Problem {error} />
            }
            { match view {
                None => html! {},
                Some(None) => html! { <Empty text={i18n.t("not-here")} /> },
                Some(Some(view)) => {
                    let key = view.article.id.to_string();
                    if props.editing && !view.read_only {
                        html! { <ArticleEditor {key} {view} {on_view} /> }
                    } else {
                        html! { <Reader {key} {view} {on_view} /> }
                    }
                }
            } }
        </section>
    }
}

/// Properties of [`Reader`] and of the editor.
#[derive(Clone, PartialEq, Properties)]
pub(crate) struct ArticleProps {
    /// The article.
    pub(crate) view: Rc<ArticleView>,
    /// Told of it after an edit.
    pub(crate) on_view: Callback<ArticleView>,
}

/// An article to read.
#[component]
fn Reader(props: &ArticleProps) -> Html {
    let i18n = use_i18n();
    let session = use_session();
    let view = &props.view;
    let article = &view.article;
    let is_locked = view.read_only || session.read_only.is_some();
    let edit_op = {
        let (view, on_view, session) = (Rc::clone(view), props.on_view.clone(), Rc::clone(&session));
        Callback::from(move |op: ArticleOp| {
            let (view, on_view, session) = (Rc::clone(&view), on_view.clone(), Rc::clone(&session));
            bridge::spawn(async move {
                match edit(i18n, &session, &view.article, vec![op]).await {
                    Ok(view) => on_view.emit(view),
                    Err(_) => on_view.emit((*view).clone()),
                }
            });
        })
    };
    {
        let id = article.id;
        use_commands(Layer::Detail, move |command| {
            let edits = command == Command::Edit && !is_locked;
            if edits {
                route::go(to(Some(id), true));
            }
            edits
        });
    }
    let move_to = |status: ArticleStatus, label: String, testid: &'static str| {
        let edit_op = edit_op.clone();
        html! {
            <button class="button" data-testid={testid}
                onclick={move |_| edit_op.emit(ArticleOp::SetStatus { status })}>{ label }</button>
        }
    };
    html! {
        <article class="ticket" data-testid="article-page" data-id={article.id.to_string()}
            data-status={article.status.as_str()}>
            <header class="detail-head">
                <div class="detail-line">
                    <button class="button-icon" title={i18n.t("back")} aria-label={i18n.t("back")}
                        onclick={|_| { run(Command::Back); }}>{ glyph(Glyph::Left) }</button>
                    { icons::article_status(article.status) }
                    <span class="hint" data-testid="article-status">{ i18n.word("article-status", article.status) }</span>
                    <span class="spring" />
                    if !is_locked {
                        if article.status == ArticleStatus::Published {
                            { move_to(ArticleStatus::Draft, i18n.t("article-to-draft"), "article-to-draft") }
                        } else {
                            { move_to(ArticleStatus::Published, i18n.t("article-publish"), "article-publish") }
                        }
                        if article.status != ArticleStatus::Archived {
                            { move_to(ArticleStatus::Archived, i18n.t("article-archive"), "article-archive") }
                        }
                        <a class="button" href={format!("#{}", to(Some(article.id), true).to_hash())}
                            data-testid="article-edit">{ glyph(Glyph::Edit) }{ i18n.t("edit") }<kbd>{ "E" }</kbd></a>
                    }
                </div>
                <h1 class="detail-title" data-testid="article-title">{ &article.title }</h1>
                <p class="hint">
                    { tr!(
                        i18n,
                        "article-by",
                        author = session.name(&article.author),
                        at = format::date_time(i18n, format::local(article.updated_at)),
                    ) }
                </p>
            </header>
            if view.read_only {
                <p class="banner" role="alert">{ i18n.t("article-read-only") }</p>
            }
            <div class="article-body">
                <Conflicts kind={DocKind::Article} conflicts={article.conflicts.clone()} {is_locked} on_take={
                    let edit_op = edit_op.clone();
                    Callback::from(move |taken: Taken| {
                        if let Some(op) = set_field(&taken.field, taken.value.as_deref()) {
                            edit_op.emit(op);
                        }
                    })
                } />
                <div class="article-text" data-testid="article-body">
                    if article.body.trim().is_empty() {
                        <p class="hint">{ i18n.t("article-empty") }</p>
                    } else {
                        <Rendered html={view.body_html.clone()} />
                    }
                </div>
                <div class="article-meta">
                    <Select value={article.category.clone().unwrap_or_default()} disabled={is_locked}
                        choices={optional_choices(i18n.t("field-category"), session.categories())} class="select-quiet"
                        on_choose={let edit_op = edit_op.clone(); Callback::from(move |key: String| {
                            edit_op.emit(ArticleOp::SetCategory { category: some(key) });
                        })} label={i18n.t("field-category")} testid="article-category" />
                    <Tags tags={article.tags.iter().cloned().collect::<Vec<_>>()} disabled={is_locked} on_tag={
                        let edit_op = edit_op.clone();
                        Callback::from(move |(tag, on)| edit_op.emit(ArticleOp::SetTag { tag, on }))
                    } />
                </div>
            </div>
        </article>
    }
}
