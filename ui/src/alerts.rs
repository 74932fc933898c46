//! Alerts: what a person must know, to go to and to acknowledge.

use std::rc::Rc;

use desk_api::{
    call::{AcknowledgeAlerts, ListAlerts},
    view::AlertsView,
};
use desk_domain::{alert::Alert, ids::DocKind};
use yew::prelude::*;

use crate::{
    bridge,
    commands::{Layer, use_commands},
    i18n::{I18n, format, tr, use_i18n},
    keys::Command,
    live::OPEN_ALERTS,
    query::use_query,
    route::{self, Route},
    store::use_store,
    widgets::{
        icons::{Glyph, glyph},
        moment::Ago,
        page::{Empty, Page, Problem},
        toast,
    },
};

/// An alert in words.
pub(crate) fn words(i18n: I18n, alert: &Alert) -> String {
    let mut args = fluent_bundle::FluentArgs::new();
    args.set("percent", u32::from(alert.key.percent));
    i18n.with(&format!("alert-{}", alert.key.rule), &args)
}

/// The page.
#[component]
pub(crate) fn AlertsPage() -> Html {
    let i18n = use_i18n();
    let query = use_query(ListAlerts {}, &[DocKind::Ticket, DocKind::Incident, DocKind::Personal], None);
    let at = use_state_eq(|| 0_usize);

    // The scheduler raises alerts without any document changing; it tells the new number.
    let count = use_store(&OPEN_ALERTS);
    {
        let set = query.set.clone();
        use_effect_with(*count, move |_| {
            bridge::spawn(async move {
                if let Ok(alerts) = bridge::call(ListAlerts {}).await {
                    set.emit(alerts);
                }
            });
        });
    }
    let acknowledge = {
        let set = query.set.clone();
        Callback::from(move |keys: Vec<String>| {
            let set = set.clone();
            bridge::spawn(async move {
                match bridge::call(AcknowledgeAlerts { keys }).await {
                    Ok(alerts) => set.emit(alerts),
                    Err(error) => toast::failed(error),
                }
            });
        })
    };
    let view = query
        .data
        .clone()
        .unwrap_or_else(|| Rc::new(AlertsView { open: Vec::new(), acknowledged: Vec::new() }));
    let current = (*at).min(view.open.len().saturating_sub(1));
    {
        let (view, at, acknowledge) = (Rc::clone(&view), at.clone(), acknowledge.clone());
        use_commands(Layer::List, move |command| {
            match command {
                Command::Down => at.set((current + 1).min(view.open.len().saturating_sub(1))),
                Command::Up => at.set(current.saturating_sub(1)),
                Command::Open => {
                    if let Some(alert) = view.open.get(current) {
                        route::go(Route::of(alert.kind, alert.key.subject));
                    }
                }
                Command::Select => {
                    if let Some(alert) = view.open.get(current) {
                        acknowledge.emit(vec![alert.key.to_string()]);
                    }
                }
                _ => return false,
            }
            true
        });
    }
    let actions = html! {
        if !view.open.is_empty() {
            <button class="button" data-testid="alerts-acknowledge-all" onclick={
                let (acknowledge, view) = (acknowledge.clone(), Rc::clone(&view));
                move |_| acknowledge.emit(view.open.iter().map(|alert| alert.key.to_string()).collect())
            }>{ i18n.t("alerts-acknowledge-all") }</button>
        }
    };
    let row = |at: usize, alert: &Alert, is_open: bool| {
        let key = alert.key.to_string();
        let to = Route::of(alert.kind, alert.key.subject);
        html! {
            <div key={key.clone()} data-testid="alert-row" data-rule={alert.key.rule.as_str()}
                data-number={alert.number.clone()} data-state={if is_open { "open" } else { "acknowledged" }}
                class={classes!("line", (is_open && at == current).then_some("is-current"),
                    (is_open && alert.key.rule.is_urgent()).then_some("line-urgent"))}>
                { glyph(if alert.key.rule.is_urgent() { Glyph::Warning } else { Glyph::Clock }) }
                <a class="line-main" href={format!("#{}", to.to_hash())} data-testid="alert-open">
                    <b>{ words(i18n, alert) }</b>
                    <span><span class="number">{ &alert.number }</span>{ " " }{ &alert.title }</span>
                </a>
                <span class="hint">
                    { tr!(i18n, "alert-due", at = format::date_time(i18n, format::local(alert.key.due_at))) }
                </span>
                if let Some(raised_at) = alert.raised_at {
                    <Ago at={raised_at} />
                }
                if is_open {
                    <button class="button" data-testid="alert-acknowledge" onclick={
                        let acknowledge = acknowledge.clone();
                        move |_| acknowledge.emit(vec![key.clone()])
                    }>{ i18n.t("alerts-acknowledge") }</button>
                }
            </div>
        }
    };
    html! {
        <Page title={i18n.t("alerts")} {actions} testid="alerts-page">
            if let Some(error) = query.error {
                <Problem {error} />
            }
            if view.open.is_empty() {
                <Empty text={i18n.t("alerts-none")} />
            } else {
                <h2 class="group">{ i18n.t("alerts-open") }</h2>
                <div class="lines">{ for view.open.iter().enumerate().map(|(at, alert)| row(at, alert, true)) }</div>
            }
            if !view.acknowledged.is_empty() {
                <h2 class="group">{ i18n.t("alerts-acknowledged") }</h2>
                <div class="lines lines-quiet">
                    { for view.acknowledged.iter().enumerate().map(|(at, alert)| row(at, alert, false)) }
                </div>
            }
        </Page>
    }
}
