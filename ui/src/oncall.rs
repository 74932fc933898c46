//! Who is on call, and the schedules and policies that say so.

mod policy;
mod schedule;

use std::rc::Rc;

use desk_api::{call::GetOnCall, view::OnCallView};
use desk_domain::{
    ids::{DocKind, MemberId},
    time::UtcMillis,
};
use yew::prelude::*;

use self::{policy::PolicyCard, schedule::ScheduleCard};
use crate::{
    clock,
    entry::use_making,
    i18n::use_i18n,
    incidents::escalation::AsKnown,
    query::use_query,
    route::Route,
    session::use_session,
    widgets::page::{Empty, Page, Problem},
};

/// How far ahead the page looks.
const AHEAD_MS: i64 = 14 * 24 * 3_600_000;

/// The page.
#[component]
pub(crate) fn OnCallPage() -> Html {
    let i18n = use_i18n();
    let session = use_session();
    let from = use_state_eq(clock::now);
    let request = GetOnCall { from: *from, until: from.plus_ms(AHEAD_MS) };
    let query = use_query(request, &[DocKind::Workspace], None);
    let making = use_making();
    let view = query.data.clone();
    let name = |member: Option<MemberId>| {
        member.map_or_else(|| i18n.t("oncall-gap"), |member| session.name(&member.to_string()))
    };
    let on_done = making.on_done();
    let may_edit = view.as_ref().is_some_and(|view| view.may_edit);
    let actions = html! {
        if may_edit {
            { making.button("schedule", i18n.t("oncall-new-schedule")) }
            { making.button("policy", i18n.t("oncall-new-policy")) }
        }
    };
    let body = |view: &Rc<OnCallView>| {
        let keys: Rc<Vec<String>> = Rc::new(view.schedules.iter().map(|it| it.key.clone()).collect());
        let policies: Rc<Vec<String>> = Rc::new(view.policies.iter().map(|it| it.key.clone()).collect());
        html! {
            <>
                if !view.schedules.is_empty() {
                    <h2 class="group">{ i18n.t("oncall-now") }</h2>
                    <div class="lines" data-testid="oncall-now">
                        for it in view.schedules.iter() {
                            <div key={it.key.clone()} class="line" data-testid="oncall-row" data-key={it.key.clone()}
                                data-gap={it.member.is_none().to_string()}>
                                <span class="line-main"><b>{ name(it.member) }</b><span>{ &it.schedule.name }</span></span>
                            </div>
                        }
                    </div>
                }
                <h2 class="group">{ i18n.t("oncall-schedules") }</h2>
                if making.is("schedule") {
                    <ScheduleCard taken={Rc::clone(&keys)} may_edit=true on_done={on_done.clone()} />
                }
                for it in view.schedules.iter() {
                    <ScheduleCard key={it.key.clone()} shown={Rc::new(it.clone())} taken={Rc::clone(&keys)} {may_edit}
                        on_done={on_done.clone()} />
                }
                if view.schedules.is_empty() && !making.is("schedule") {
                    <Empty text={i18n.t("oncall-no-schedules")} />
                }
                <h2 class="group">{ i18n.t("oncall-policies") }</h2>
                if making.is("policy") {
                    <PolicyCard taken={Rc::clone(&policies)} may_edit=true on_done={on_done.clone()} />
                }
                for it in view.policies.iter() {
                    <PolicyCard key={it.key.clone()} shown={Rc::new(it.clone())} taken={Rc::clone(&policies)} {may_edit}
                        on_done={on_done.clone()} />
                }
                <p class="hint">{ i18n.t("oncall-services-hint") }{ " " }
                    <a href={format!("#{}", Route::Detection.to_hash())} data-testid="oncall-detection">
                        { i18n.t("detection") }</a></p>
            </>
        }
    };
    html! {
        <Page title={i18n.t("oncall")} {actions} testid="oncall-page">
            <AsKnown />
            if let Some(error) = query.error {
                <Problem {error} />
            }
            if let Some(view) = &view {
                { body(view) }
            }
        </Page>
    }
}

/// An instant as the page shows it.
pub(crate) fn shown(i18n: crate::i18n::I18n, at: UtcMillis) -> String {
    crate::i18n::format::date_time(i18n, crate::i18n::format::local(at))
}
