//! The alert centre: what a person must know, to go to, to acknowledge and to put off.

mod groups;
mod sentence;
pub(crate) mod settings;

use std::rc::Rc;

use desk_api::{
    call::{AcknowledgeAlerts, ListAlerts, MarkAlertsRead, SnoozeAlerts},
    view::AlertsView,
};
use desk_domain::{
    alert::{Alert, AlertKey, Hold, Topic},
    ids::DocKind,
};
use yew::prelude::*;

use self::groups::{Filter, Group, groups};
use crate::{
    bridge, clock,
    commands::{Layer, use_commands},
    i18n::{I18n, format, tr, use_i18n},
    keys::Command,
    live::ALERTS_TOLD,
    query::use_query,
    route::{self, Route},
    store::use_store,
    undo::{self, Restore},
    widgets::{
        field::{Choice, Select},
        icons::{Glyph, glyph},
        moment::Ago,
        page::{Empty, Page, Problem},
        toast,
    },
};

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;
/// What the key puts alerts off for.
const SNOOZE_MS: i64 = 30 * MINUTE_MS;
/// The hour to which something is put off until tomorrow.
const MORNING_MS: i64 = 9 * HOUR_MS;

/// An alert in words.
pub(crate) fn words(i18n: I18n, alert: &Alert) -> String {
    let mut args = fluent_bundle::FluentArgs::new();
    args.set("percent", u32::from(alert.key.percent));
    i18n.with(&format!("alert-{}", alert.key.rule), &args)
}

/// When it fell due: a target has a term, an incident only an instant.
fn instant(i18n: I18n, alert: &Alert) -> String {
    let at = format::date_time(i18n, format::local(alert.key.due_at));
    match Topic::of(alert.key.rule) {
        Topic::Incident | Topic::Escalation => at,
        Topic::SlaWarning | Topic::SlaBreach => tr!(i18n, "alert-due", at = at),
    }
}

/// For how long until nine in the morning of the next day.
fn until_morning_ms() -> i64 {
    let now = clock::now();
    let local_ms = now.0 + format::offset_min(now) * MINUTE_MS;
    DAY_MS - local_ms.rem_euclid(DAY_MS) + MORNING_MS
}

/// The alerts as they were last told, again whenever the shell tells of a change.
#[hook]
fn use_alerts() -> (crate::query::Query<AlertsView>, Rc<AlertsView>) {
    let query = use_query(ListAlerts {}, &[DocKind::Ticket, DocKind::Incident, DocKind::Personal], None);
    // The scheduler raises alerts without any document changing.
    let told = use_store(&ALERTS_TOLD);
    {
        let set = query.set.clone();
        use_effect_with(*told, move |_| {
            bridge::spawn(async move {
                if let Ok(alerts) = bridge::call(ListAlerts {}).await {
                    set.emit(alerts);
                }
            });
        });
    }
    let view = query.data.clone().unwrap_or_default();
    (query, view)
}

/// The page.
#[component]
pub(crate) fn AlertsPage() -> Html {
    let i18n = use_i18n();
    let (query, view) = use_alerts();
    let at = use_state_eq(|| 0_usize);
    let filter = use_state_eq(Filter::default);
    // What was unread when the page was opened stays marked while it is looked at.
    let read_before = use_state_eq(|| None);
    {
        let read_before = read_before.clone();
        let read_at = query.data.as_ref().map(|view| view.read_at);
        use_effect_with(read_at.is_some(), move |is_there| {
            if *is_there {
                read_before.set(read_at);
                bridge::spawn(async {
                    // The mark is a convenience: where it cannot be kept, nothing is lost.
                    let _ = bridge::call(MarkAlertsRead {}).await;
                });
            }
        });
    }

    let open = Rc::new(groups(&view.open, *filter));
    let snoozed = groups(&view.snoozed, *filter);
    let acknowledge = {
        let set = query.set.clone();
        Callback::from(move |keys: Vec<AlertKey>| {
            let set = set.clone();
            bridge::spawn(async move {
                match bridge::call(AcknowledgeAlerts { keys: keys.clone() }).await {
                    Ok(alerts) => {
                        let label = tr!(i18n, "alerts-acknowledged-done", n = keys.len());
                        undo::done(label, vec![Restore::Acknowledged(keys)]);
                        set.emit(alerts);
                    }
                    Err(error) => toast::failed(error),
                }
            });
        })
    };
    let snooze = {
        let set = query.set.clone();
        Callback::from(move |(keys, for_ms): (Vec<AlertKey>, Option<i64>)| {
            let set = set.clone();
            bridge::spawn(async move {
                match bridge::call(SnoozeAlerts { keys: keys.clone(), for_ms }).await {
                    Ok(alerts) => {
                        if let Some(for_ms) = for_ms {
                            let until = format::local(clock::now().plus_ms(for_ms));
                            let label = tr!(i18n, "alerts-snoozed-done", at = format::date_time(i18n, until));
                            undo::done(label, vec![Restore::Snoozed(keys)]);
                        }
                        set.emit(alerts);
                    }
                    Err(error) => toast::failed(error),
                }
            });
        })
    };
    let current = (*at).min(open.len().saturating_sub(1));
    {
        let (open, at, acknowledge, snooze) =
            (Rc::clone(&open), at.clone(), acknowledge.clone(), snooze.clone());
        use_commands(Layer::List, move |command| {
            let here = open.get(current);
            match (command, here) {
                (Command::Down, _) => at.set((current + 1).min(open.len().saturating_sub(1))),
                (Command::Up, _) => at.set(current.saturating_sub(1)),
                (Command::Open, Some(group)) => go(group),
                (Command::Assign | Command::Select, Some(group)) => acknowledge.emit(group.keys()),
                (Command::Status, Some(group)) => snooze.emit((group.keys(), Some(SNOOZE_MS))),
                _ => return false,
            }
            true
        });
    }

    let actions = html! {
        <>
            <Select value={filter.as_str()} label={i18n.t("alerts-filter")} testid="alerts-filter"
                choices={Rc::new(Filter::ALL.iter().map(|filter| {
                    Choice::new(filter.as_str(), i18n.word("alerts-filter", filter.as_str()))
                }).collect::<Vec<_>>())}
                on_choose={
                    let filter = filter.clone();
                    move |word: String| {
                        let chosen = Filter::ALL.into_iter().find(|filter| filter.as_str() == word);
                        filter.set(chosen.unwrap_or_default());
                    }
                } />
            if !open.is_empty() {
                <button class="button" data-testid="alerts-acknowledge-all" onclick={
                    let (acknowledge, open) = (acknowledge.clone(), Rc::clone(&open));
                    move |_| acknowledge.emit(open.iter().flat_map(Group::keys).collect())
                }>{ i18n.t("alerts-acknowledge-all") }</button>
            }
            <a class="button" href={format!("#{}", Route::AlertSettings.to_hash())} data-testid="alerts-settings">
                { i18n.t("alerts-settings") }
            </a>
        </>
    };
    let hidden = view.open_total.saturating_sub(u32::try_from(view.open.len()).unwrap_or(u32::MAX));
    let read_at = (*read_before).or(query.data.as_ref().map(|view| view.read_at)).flatten();
    html! {
        <Page title={i18n.t("alerts")} {actions} testid="alerts-page">
            if let Some(error) = query.error {
                <Problem {error} />
            }
            if open.is_empty() {
                if query.data.is_some() {
                    <Empty text={i18n.t("alerts-none")} />
                }
            } else {
                <h2 class="group">{ i18n.t("alerts-open") }</h2>
                <div class="lines">
                    { for open.iter().enumerate().map(|(at, group)| html! {
                        <GroupCard key={group.subject.to_string()} group={group.clone()} is_current={at == current}
                            is_unread={group.is_unread(read_at)} is_snoozed=false
                            acknowledge={acknowledge.clone()} snooze={snooze.clone()} />
                    }) }
                </div>
                if hidden > 0 {
                    <p class="hint" data-testid="alerts-hidden">{ tr!(i18n, "alerts-hidden", n = hidden) }</p>
                }
            }
            if !snoozed.is_empty() {
                <h2 class="group">{ i18n.t("alerts-snoozed") }</h2>
                <div class="lines">
                    { for snoozed.iter().map(|group| html! {
                        <GroupCard key={group.subject.to_string()} is_current=false is_unread=false is_snoozed=true
                            group={group.clone()} acknowledge={acknowledge.clone()} snooze={snooze.clone()} />
                    }) }
                </div>
            }
            if !view.acknowledged.is_empty() {
                <h2 class="group">{ i18n.t("alerts-acknowledged") }</h2>
                <div class="lines lines-quiet">
                    { for view.acknowledged.iter().map(|alert| html! {
                        <div key={alert.key.to_string()} class="line" data-testid="alert-row" data-state="acknowledged"
                            data-rule={alert.key.rule.as_str()} data-number={alert.number.clone()}>
                            { line(i18n, alert) }
                            if let Some(at) = alert.state.acknowledged_at {
                                <Ago {at} />
                            }
                        </div>
                    }) }
                </div>
            }
        </Page>
    }
}

fn go(group: &Group) {
    if let Some(alert) = group.alerts.first() {
        route::go(Route::of(alert.kind, group.subject));
    }
}

/// What an alert says, as a link to what it is about.
fn line(i18n: I18n, alert: &Alert) -> Html {
    let to = Route::of(alert.kind, alert.key.subject);
    html! {
        <>
            { glyph(if alert.key.rule.is_urgent() { Glyph::Warning } else { Glyph::Clock }) }
            <a class="line-main" href={format!("#{}", to.to_hash())} data-testid="alert-open">
                <b>{ words(i18n, alert) }</b>
                <span><span class="number">{ &alert.number }</span>{ " " }{ &alert.title }</span>
            </a>
        </>
    }
}

/// Properties of [`GroupCard`].
#[derive(Clone, PartialEq, Properties)]
struct GroupProps {
    group: Group,
    is_current: bool,
    is_unread: bool,
    is_snoozed: bool,
    acknowledge: Callback<Vec<AlertKey>>,
    snooze: Callback<(Vec<AlertKey>, Option<i64>)>,
}

/// A ticket or incident with its alerts.
#[component]
fn GroupCard(props: &GroupProps) -> Html {
    let i18n = use_i18n();
    let GroupProps { group, is_current, is_unread, is_snoozed, acknowledge, snooze } = props.clone();
    let Some(first) = group.alerts.first() else { return Html::default() };
    let to = Route::of(first.kind, group.subject);
    let state = if is_snoozed { "snoozed" } else { "open" };
    let lasts =
        [("30m", SNOOZE_MS), ("2h", 2 * HOUR_MS), ("morning", until_morning_ms()), ("week", 7 * DAY_MS)];
    let choices: Vec<Choice> = std::iter::once(Choice::new("", i18n.t("alerts-snooze")))
        .chain(lasts.iter().map(|(word, _)| Choice::new(*word, i18n.word("alerts-snooze", word))))
        .collect();
    let choose = {
        let (snooze, keys) = (snooze.clone(), group.keys());
        move |word: String| {
            if let Some((_, for_ms)) = lasts.iter().find(|(last, _)| *last == word) {
                snooze.emit((keys.clone(), Some(*for_ms)));
            }
        }
    };
    let one = |alert: &Alert| {
        html! {
            <span class="alert-news" data-testid="alert-row" data-rule={alert.key.rule.as_str()}
                data-number={alert.number.clone()} data-state={state}>
                { glyph(if alert.key.rule.is_urgent() { Glyph::Warning } else { Glyph::Clock }) }
                <b>{ words(i18n, alert) }</b>
                <span class="hint">
                    { instant(i18n, alert) }
                </span>
                if let Some(waits) = waits(i18n, alert) {
                    <span class="hint" data-testid="alert-waits">{ waits }</span>
                }
            </span>
        }
    };
    html! {
        <div data-testid="alert-group" data-number={first.number.clone()} data-state={state}
            data-unread={is_unread.to_string()}
            class={classes!("line", "alert-group", is_current.then_some("is-current"),
                is_unread.then_some("is-unread"),
                (!is_snoozed && group.is_urgent()).then_some("line-urgent"))}>
            <a class="line-main" href={format!("#{}", to.to_hash())} data-testid="alert-open">
                <span><span class="number">{ &first.number }</span>{ " " }{ &first.title }
                    if is_unread {
                        <span class="alert-new">{ i18n.t("alerts-new") }</span>
                    }
                </span>
                { for group.alerts.iter().map(one) }
            </a>
            if let Some(raised_at) = first.state.raised_at {
                <Ago at={raised_at} />
            }
            if is_snoozed {
                <button class="button" data-testid="alert-wake" onclick={
                    let keys = group.keys();
                    move |_| snooze.emit((keys.clone(), None))
                }>{ i18n.t("alerts-wake") }</button>
            } else {
                <Select value={String::new()} choices={Rc::new(choices)} on_choose={choose}
                    label={i18n.t("alerts-snooze")} testid="alert-snooze" class="alert-snooze" />
            }
            <button class="button" data-testid="alert-acknowledge" onclick={
                let keys = group.keys();
                move |_| acknowledge.emit(keys.clone())
            }>{ i18n.t("alerts-acknowledge") }</button>
        </div>
    }
}

/// What an alert's banner waits for, in words.
fn waits(i18n: I18n, alert: &Alert) -> Option<String> {
    let at = format::date_time(i18n, format::local(alert.state.held_until?));
    Some(match alert.state.held_by? {
        Hold::Snooze => tr!(i18n, "alerts-held-snooze", at = at),
        Hold::Quiet => tr!(i18n, "alerts-held-quiet", at = at),
        Hold::Digest => tr!(i18n, "alerts-held-digest", at = at),
    })
}
