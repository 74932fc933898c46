//! Refused edits: what was tried, what stands now, why not and what to do; proposing again, amended or not.

mod card;
mod values;

use desk_api::{
    call::{DiscardRejected, ListRejected},
    view::RejectedEdit,
};
use desk_domain::ids::DocKind;
use yew::prelude::*;

use crate::{
    bridge,
    i18n::{tr, use_i18n},
    live::SYNC,
    query::use_query,
    store::use_store,
    undo::{self, Restore},
    widgets::{
        page::{Empty, Page, Problem},
        toast,
    },
};
use card::Card;

/// The page.
#[component]
pub(crate) fn RejectedPage() -> Html {
    let i18n = use_i18n();
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
    let on_discard = {
        let set = query.set.clone();
        Callback::from(move |edit: RejectedEdit| {
            let set = set.clone();
            bridge::spawn(async move {
                match bridge::call(DiscardRejected { id: edit.id }).await {
                    Ok(edits) => {
                        set.emit(edits);
                        let what = tr!(i18n, "rejected-discarded", what = edit.subject);
                        undo::done(what, vec![Restore::Rejected(edit.id)]);
                    }
                    Err(error) => toast::failed(error),
                }
            });
        })
    };
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
                <Card key={edit.id.to_string()} edit={edit.clone()} on_discard={on_discard.clone()}
                    on_edits={query.set.clone()} />
            }
        </Page>
    }
}
