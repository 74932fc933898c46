//! How sync stands, with everything there is to know, in words.

use desk_api::call::{GetSync, SyncNow};
use desk_api::view::SyncPhase;
use yew::prelude::*;

use crate::{
    bridge,
    clock::use_now,
    frame::sync_words,
    i18n::use_i18n,
    live::{self, SYNC},
    store::use_store,
    widgets::{
        moment::Exact,
        page::{Page, Problem},
        toast,
    },
};

/// The page.
#[component]
pub(crate) fn SyncPage() -> Html {
    let i18n = use_i18n();
    let sync = use_store(&SYNC);
    let now = use_now(5);
    use_effect_with((), |()| {
        bridge::spawn(async {
            if let Ok(sync) = bridge::call(GetSync {}).await {
                live::sync_stands(sync);
            }
        });
    });
    let sync_now = |_| {
        bridge::spawn(async {
            match bridge::call(SyncNow {}).await {
                Ok(sync) => live::sync_stands(sync),
                Err(error) => toast::failed(error),
            }
        });
    };
    let actions = html! {
        if sync.phase != SyncPhase::Local {
            <button class="button" onclick={sync_now} data-testid="sync-now">{ i18n.t("sync-now") }</button>
        }
    };
    html! {
        <Page title={i18n.t("sync-page")} {actions} testid="sync-page">
            <div class="form">
                <p>{ i18n.t("sync-explain") }</p>
                <dl class="facts" data-testid="sync-facts">
                    <dt>{ i18n.t("sync-state") }</dt>
                    <dd data-testid="sync-words">{ sync_words(i18n, &sync, now) }</dd>
                    <dt>{ i18n.t("sync-waiting-label") }</dt>
                    <dd data-testid="sync-waiting">{ sync.waiting }</dd>
                    <dt>{ i18n.t("sync-synced-label") }</dt>
                    <dd>
                        if let Some(at) = sync.synced_at {
                            <Exact {at} />
                        } else {
                            { i18n.t("sync-never") }
                        }
                    </dd>
                    if let Some(at) = sync.offline_since {
                        <dt>{ i18n.t("sync-offline-label") }</dt><dd><Exact {at} /></dd>
                    }
                    <dt>{ i18n.t("sync-rejected-label") }</dt>
                    <dd><a href="#/rejected" data-testid="sync-rejected">{ sync.rejected }</a></dd>
                </dl>
                if let Some(error) = sync.problem.clone() {
                    <h2>{ i18n.t("sync-problem-label") }</h2>
                    <Problem {error} />
                }
            </div>
        </Page>
    }
}
