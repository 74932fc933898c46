//! Refused edits: what was tried, why not, and the text to copy.

use desk_api::{
    call::{DiscardRejected, ListRejected},
    view::RejectedEdit,
};
use desk_domain::{
    edit::{ArticleOp, IncidentOp, Ops, TicketOp},
    ids::DocKind,
};
use yew::prelude::*;

use crate::{
    bridge,
    i18n::{I18n, format, tr, use_i18n},
    incidents, knowledge,
    live::SYNC,
    query::use_query,
    route::Route,
    session::{Session, use_session},
    store::use_store,
    tickets::actions,
    widgets::{
        clipboard,
        icons::{Glyph, glyph},
        page::{Empty, Page, Problem},
        toast,
    },
};

/// What an edit tried, a line per step.
fn steps(i18n: I18n, session: &Session, edit: &RejectedEdit) -> Vec<String> {
    match &edit.edit.ops {
        Ops::Ticket(ops) => ops.iter().map(|step| actions::describe(i18n, session, &step.op)).collect(),
        Ops::Article(ops) => ops.iter().map(|step| knowledge::describe(i18n, session, &step.op)).collect(),
        Ops::Incident(ops) => ops.iter().map(|step| incidents::describe(i18n, session, &step.op)).collect(),
        Ops::Workspace(_) => vec![i18n.t("kind-workspace")],
        Ops::Personal(_) => vec![i18n.t("kind-personal")],
    }
}

/// What the person typed, to be copied: texts as they are, the rest in words.
fn text(i18n: I18n, session: &Session, edit: &RejectedEdit) -> String {
    let typed: Vec<String> = match &edit.edit.ops {
        Ops::Ticket(ops) => ops
            .iter()
            .map(|step| match &step.op {
                TicketOp::AddComment { body, .. } => body.clone(),
                TicketOp::SetDescription { description } => description.clone(),
                TicketOp::Create { ticket } => format!("{}\n\n{}", ticket.title, ticket.description),
                op => actions::describe(i18n, session, op),
            })
            .collect(),
        Ops::Article(ops) => ops
            .iter()
            .map(|step| match &step.op {
                ArticleOp::EditBody { body, .. } => body.clone(),
                ArticleOp::Create { title, body, .. } => format!("{title}\n\n{body}"),
                op => knowledge::describe(i18n, session, op),
            })
            .collect(),
        Ops::Incident(ops) => ops
            .iter()
            .map(|step| match &step.op {
                IncidentOp::AddNote { text } => text.clone(),
                IncidentOp::SetSummary { summary } => summary.clone(),
                IncidentOp::EditPostmortem { body, .. } => body.clone(),
                IncidentOp::Create { title, summary, .. } => format!("{title}\n\n{summary}"),
                op => incidents::describe(i18n, session, op),
            })
            .collect(),
        Ops::Workspace(_) | Ops::Personal(_) => steps(i18n, session, edit),
    };
    typed.join("\n\n")
}

/// The page.
#[component]
pub(crate) fn RejectedPage() -> Html {
    let i18n = use_i18n();
    let session = use_session();
    let kinds =
        &[DocKind::Ticket, DocKind::Article, DocKind::Incident, DocKind::Workspace, DocKind::Personal];
    let query = use_query(ListRejected {}, kinds, None);
    let sync = use_store(&SYNC);
    {
        let set = query.set.clone();
        use_effect_with(sync.rejected, move |_| {
            bridge::spawn(async move {
                if let Ok(edits) = bridge::call(ListRejected {}).await {
                    set.emit(edits);
                }
            });
        });
    }
    let discard = {
        let set = query.set.clone();
        Callback::from(move |id: i64| {
            let set = set.clone();
            bridge::spawn(async move {
                match bridge::call(DiscardRejected { id }).await {
                    Ok(edits) => set.emit(edits),
                    Err(error) => toast::failed(error),
                }
            });
        })
    };
    let at = |at| format::date_time(i18n, format::local(at));
    html! {
        <Page title={i18n.t("rejected")} testid="rejected-page">
            if let Some(error) = query.error {
                <Problem {error} />
            }
            if query.data.as_ref().is_some_and(|edits| edits.is_empty()) {
                <Empty text={i18n.t("rejected-none")} />
            } else {
                <p class="quiet lead">{ i18n.t("rejected-explain") }</p>
            }
            for edit in query.data.iter().flat_map(|edits| edits.iter()) {
                <article class="card" key={edit.id.to_string()} data-testid="rejected-row" data-code={edit.code.clone()}>
                    <header class="card-head">
                        { glyph(Glyph::from(edit.kind)) }
                        <a href={format!("#{}", Route::of(edit.kind, edit.edit.doc).to_hash())}><b>{ &edit.subject }</b></a>
                        <span class="hint">
                            { tr!(i18n, "rejected-when", edited = at(edit.edited_at), rejected = at(edit.rejected_at)) }
                        </span>
                    </header>
                    <dl class="facts">
                        <dt>{ i18n.t("rejected-why") }</dt>
                        <dd data-testid="rejected-reason">
                            { i18n.maybe(&format!("refused-{}", edit.code)).unwrap_or_else(|| edit.reason.clone()) }
                        </dd>
                        <dt>{ i18n.t("rejected-what") }</dt>
                        <dd>for step in steps(i18n, &session, edit) {<div class="clamp">{ step }</div>}</dd>
                    </dl>
                    <div class="form-buttons">
                        <button class="button" data-testid="rejected-copy" onclick={
                            let text = text(i18n, &session, edit);
                            move |_| clipboard::copy(i18n, &text)
                        }>{ i18n.t("copy") }</button>
                        <button class="button" data-testid="rejected-discard" onclick={
                            let (discard, id) = (discard.clone(), edit.id);
                            move |_| discard.emit(id)
                        }>{ i18n.t("rejected-discard") }</button>
                    </div>
                </article>
            }
        </Page>
    }
}
