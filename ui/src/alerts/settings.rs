//! Which alerts reach the member how, when not, and how the application lives on this device.

use std::{collections::BTreeSet, rc::Rc};

use desk_api::{
    ApiError,
    call::{GetAlertSettings, GetPresence, SaveAlertSettings, SavePresence},
    view::{Presence, PresenceView},
};
use desk_domain::{
    alert::{AlertSettings, DeliveryRule, Manner, QuietWindow, TimeOfDay, Topic, Weekday},
    ids::DocKind,
    incident::Severity,
    ticket::Priority,
};
use yew::prelude::*;

use super::sentence::sentences;
use crate::{
    bridge,
    i18n::{I18n, tr, use_i18n},
    query::use_query,
    widgets::{
        field::{Choice, Select, value_of},
        page::{Page, Problem},
        toast,
    },
};

/// The page.
#[component]
pub(crate) fn AlertSettingsPage() -> Html {
    let i18n = use_i18n();
    let query = use_query(GetAlertSettings {}, &[DocKind::Personal], None);
    let draft = use_state(|| None::<AlertSettings>);
    let problem = use_state(|| None::<ApiError>);
    let Some(saved) = query.data.clone() else {
        return html! {
            <Page title={i18n.t("alerts-settings")} testid="alert-settings-page">
                if let Some(error) = query.error {
                    <Problem {error} />
                }
            </Page>
        };
    };
    let shown = (*draft).clone().unwrap_or_else(|| (*saved).clone());
    let is_changed = shown != *saved;
    let change = {
        let (draft, problem) = (draft.clone(), problem.clone());
        Callback::from(move |settings: AlertSettings| {
            problem.set(None);
            draft.set(Some(settings));
        })
    };
    let save = {
        let (draft, problem, set, shown) = (draft.clone(), problem.clone(), query.set.clone(), shown.clone());
        Callback::from(move |_: MouseEvent| {
            let (draft, problem, set, settings) =
                (draft.clone(), problem.clone(), set.clone(), shown.clone());
            bridge::spawn(async move {
                match bridge::call(SaveAlertSettings { settings }).await {
                    Ok(saved) => {
                        set.emit(saved);
                        draft.set(None);
                        toast::say(i18n.t("alerts-settings-saved"));
                    }
                    Err(error) => problem.set(Some(error)),
                }
            });
        })
    };
    let revert = {
        let (draft, problem) = (draft.clone(), problem.clone());
        Callback::from(move |_: MouseEvent| {
            problem.set(None);
            draft.set(None);
        })
    };
    let actions = html! {
        if is_changed {
            <>
                <button class="button" onclick={revert} data-testid="alert-settings-revert">{ i18n.t("cancel") }</button>
                <button class="button button-main" onclick={save} data-testid="alert-settings-save">
                    { i18n.t("save") }
                </button>
            </>
        }
    };
    html! {
        <Page title={i18n.t("alerts-settings")} {actions} testid="alert-settings-page">
            if let Some(error) = (*problem).clone() {
                <Problem {error} />
            }
            <div class="lead" data-testid="alert-settings-preview">
                { for sentences(i18n, &shown).into_iter().map(|sentence| html! { <p>{ sentence }</p> }) }
            </div>
            <div class="form form-wide">
                <Rules settings={shown.clone()} change={change.clone()} />
                <Quiet settings={shown.clone()} change={change.clone()} />
                <Digests settings={shown} {change} />
                <ThisDevice />
            </div>
        </Page>
    }
}

/// Properties of the page's parts.
#[derive(Clone, PartialEq, Properties)]
struct PartProps {
    settings: AlertSettings,
    change: Callback<AlertSettings>,
}

impl PartProps {
    /// A callback that changes the settings by `edit`.
    fn edit<E>(&self, edit: impl Fn(&mut AlertSettings, E) + 'static) -> Callback<E> {
        let (settings, change) = (self.settings.clone(), self.change.clone());
        Callback::from(move |event| {
            let mut settings = settings.clone();
            edit(&mut settings, event);
            change.emit(settings);
        })
    }
}

#[component]
fn Rules(props: &PartProps) -> Html {
    let i18n = use_i18n();
    let rules = &props.settings.rules;
    let manners: Rc<Vec<Choice>> =
        Rc::new(Manner::ALL.iter().map(|how| Choice::new(how.as_str(), i18n.word("manner", how))).collect());
    let rule = |at: usize, rule: &DeliveryRule| {
        let takes = |of_incidents: bool| {
            rule.topics.is_empty() || rule.topics.iter().any(|topic| topic.is_of_incidents() == of_incidents)
        };
        html! {
            <div class="line rule" key={at} data-testid="alert-rule">
                <div class="rule-what">
                    { toggles(|word| i18n.word("topic", word), Topic::ALL, &rule.topics, &props.edit(move |settings, topics| {
                        if let Some(rule) = settings.rules.get_mut(at) {
                            rule.topics = topics;
                        }
                    })) }
                    if takes(false) {
                        { toggles(|word| i18n.word("priority", word), Priority::ALL, &rule.priorities, &props.edit(move |settings, priorities| {
                            if let Some(rule) = settings.rules.get_mut(at) {
                                rule.priorities = priorities;
                            }
                        })) }
                    }
                    if takes(true) {
                        { toggles(|severity| severity.to_string(), Severity::ALL, &rule.severities, &props.edit(move |settings, severities| {
                            if let Some(rule) = settings.rules.get_mut(at) {
                                rule.severities = severities;
                            }
                        })) }
                    }
                </div>
                <Select value={rule.how.as_str()} choices={Rc::clone(&manners)} label={i18n.t("alerts-how")} testid="alert-rule-how"
                    on_choose={props.edit(move |settings, word: String| {
                        if let (Some(rule), Ok(how)) = (settings.rules.get_mut(at), word.parse()) {
                            rule.how = how;
                        }
                    })} />
                <button class="button" disabled={at == 0} data-testid="alert-rule-up" title={i18n.t("alerts-rule-up-hint")}
                    onclick={props.edit(move |settings, _: MouseEvent| {
                        if at > 0 && at < settings.rules.len() {
                            settings.rules.swap(at - 1, at);
                        }
                    })}>{ i18n.t("alerts-rule-up") }</button>
                <button class="button" data-testid="alert-rule-remove"
                    onclick={props.edit(move |settings, _: MouseEvent| {
                        if at < settings.rules.len() {
                            settings.rules.remove(at);
                        }
                    })}>{ i18n.t("remove") }</button>
            </div>
        }
    };
    html! {
        <>
            <h2>{ i18n.t("alerts-rules") }</h2>
            <p class="hint">{ i18n.t("alerts-rules-explain") }</p>
            <div class="lines">{ for rules.iter().enumerate().map(|(at, of)| rule(at, of)) }</div>
            <button class="button" data-testid="alert-rule-add" onclick={props.edit(|settings, _: MouseEvent| {
                settings.rules.insert(0, DeliveryRule {
                    topics: [Topic::SlaWarning].into(),
                    priorities: BTreeSet::new(),
                    severities: BTreeSet::new(),
                    how: Manner::List,
                });
            })}>{ i18n.t("alerts-rule-add") }</button>
        </>
    }
}

#[component]
fn Quiet(props: &PartProps) -> Html {
    let i18n = use_i18n();
    let time = |at: usize, from: bool, value: TimeOfDay| {
        let testid = if from { "quiet-from" } else { "quiet-to" };
        let label = if from { i18n.t("alerts-quiet-from") } else { i18n.t("alerts-quiet-to") };
        let set = props.edit(move |settings, time: TimeOfDay| {
            if let Some(window) = settings.quiet.get_mut(at) {
                *(if from { &mut window.from } else { &mut window.to }) = time;
            }
        });
        time_field(i18n, value, label, testid, set)
    };
    let window = |at: usize, window: &QuietWindow| {
        html! {
            <div class="line rule" key={at} data-testid="quiet-window">
                <div class="rule-what">
                    { toggles(|word| i18n.word("weekday", word), Weekday::ALL, &window.days, &props.edit(move |settings, days| {
                        if let Some(window) = settings.quiet.get_mut(at) {
                            window.days = days;
                        }
                    })) }
                </div>
                { time(at, true, window.from) }{ "–" }{ time(at, false, window.to) }
                <button class="button" data-testid="quiet-remove" onclick={props.edit(move |settings, _: MouseEvent| {
                    if at < settings.quiet.len() {
                        settings.quiet.remove(at);
                    }
                })}>{ i18n.t("remove") }</button>
            </div>
        }
    };
    let add = props.edit(|settings, _: MouseEvent| {
        if let (Some(from), Some(to)) = (TimeOfDay::new(22, 0), TimeOfDay::new(7, 0)) {
            settings.quiet.push(QuietWindow { days: Weekday::ALL.iter().copied().collect(), from, to });
        }
    });
    let through = &props.settings.break_through;
    html! {
        <>
            <h2>{ i18n.t("alerts-quiet") }</h2>
            <p class="hint">{ i18n.t("alerts-quiet-explain") }</p>
            if !props.settings.quiet.is_empty() {
                <div class="lines">
                    { for props.settings.quiet.iter().enumerate().map(|(at, of)| window(at, of)) }
                </div>
            }
            <button class="button" data-testid="quiet-add" onclick={add}>{ i18n.t("alerts-quiet-add") }</button>
            <div class="form-row">
                <span class="form-label">{ i18n.t("alerts-break-through") }</span>
                <div class="rule-what">
                    { toggles(|severity| severity.to_string(), Severity::ALL, &through.severities,
                        &props.edit(|settings, severities| settings.break_through.severities = severities)) }
                    { toggles(|word| i18n.word("priority", word), Priority::ALL, &through.priorities,
                        &props.edit(|settings, priorities| settings.break_through.priorities = priorities)) }
                </div>
            </div>
            <label class="form-row">
                <span class="form-label">{ i18n.t("alerts-zone") }</span>
                <input class="input" type="text" value={props.settings.zone.clone()} data-testid="alert-zone"
                    placeholder="Asia/Almaty" autocomplete="off"
                    onchange={props.edit(|settings, event: Event| value_of(&event).trim().clone_into(&mut settings.zone))} />
            </label>
        </>
    }
}

#[component]
fn Digests(props: &PartProps) -> Html {
    let i18n = use_i18n();
    let times: Vec<String> = props.settings.digest.iter().map(ToString::to_string).collect();
    let shown = times.join(", ");
    let onchange = {
        let (settings, change) = (props.settings.clone(), props.change.clone());
        Callback::from(move |event: Event| {
            let typed = value_of(&event);
            let times: Result<BTreeSet<TimeOfDay>, _> = typed
                .split([',', ';', ' '])
                .filter(|part| !part.is_empty())
                .map(str::parse::<TimeOfDay>)
                .collect();
            match times {
                Ok(digest) => change.emit(AlertSettings { digest, ..settings.clone() }),
                Err(_) => toast::say(tr!(i18n, "alerts-time-bad", text = typed)),
            }
        })
    };
    html! {
        <>
            <h2>{ i18n.t("alerts-digest") }</h2>
            <p class="hint">{ i18n.t("alerts-digest-explain") }</p>
            <label class="form-row">
                <span class="form-label">{ i18n.t("alerts-digest-times") }</span>
                <input class="input" type="text" value={shown} {onchange} data-testid="alert-digest"
                    placeholder="09:00, 17:30" autocomplete="off" />
            </label>
        </>
    }
}

/// How the application lives on this device; each choice holds at once.
#[component]
fn ThisDevice() -> Html {
    let i18n = use_i18n();
    let query = use_query(GetPresence {}, &[], None);
    let Some(view) = query.data.clone() else { return Html::default() };
    let PresenceView { presence, has_tray } = *view;
    let save = {
        let set = query.set.clone();
        Callback::from(move |presence: Presence| {
            let set = set.clone();
            bridge::spawn(async move {
                match bridge::call(SavePresence { presence }).await {
                    Ok(saved) => set.emit(saved),
                    Err(error) => toast::failed(error),
                }
            });
        })
    };
    let choice = |label: String, testid: &'static str, is_on: bool, is_possible: bool, other: Presence| {
        let save = save.clone();
        html! {
            <label class="check">
                <input type="checkbox" checked={is_on} disabled={!is_possible} data-testid={testid}
                    onchange={move |_| save.emit(other)} />
                { label }
            </label>
        }
    };
    html! {
        <>
            <h2>{ i18n.t("presence") }</h2>
            { choice(i18n.t("presence-autostart"), "presence-autostart", presence.autostart, true,
                Presence { autostart: !presence.autostart, ..presence }) }
            { choice(i18n.t("presence-hidden"), "presence-hidden", presence.start_hidden, presence.autostart,
                Presence { start_hidden: !presence.start_hidden, ..presence }) }
            { choice(i18n.t("presence-tray"), "presence-tray", presence.close_to_tray, has_tray,
                Presence { close_to_tray: !presence.close_to_tray, ..presence }) }
            if !has_tray {
                <p class="hint">{ i18n.t("presence-no-tray") }</p>
            }
        </>
    }
}

/// A row of words of which any number may be on.
fn toggles<T: Copy + Ord + std::fmt::Display + 'static>(
    label: impl Fn(T) -> String,
    all: &[T],
    on: &BTreeSet<T>,
    change: &Callback<BTreeSet<T>>,
) -> Html {
    let toggle = |word: T| {
        let is_on = on.contains(&word);
        let onclick = {
            let (mut chosen, change) = (on.clone(), change.clone());
            if !chosen.remove(&word) {
                chosen.insert(word);
            }
            Callback::from(move |_: MouseEvent| change.emit(chosen.clone()))
        };
        html! {
            <button type="button" class={classes!("toggle", is_on.then_some("is-on"))} {onclick} key={word.to_string()}
                aria-pressed={is_on.to_string()} data-testid={format!("toggle-{word}")}>
                { label(word) }
            </button>
        }
    };
    html! { <span class="toggles">{ for all.iter().copied().map(toggle) }</span> }
}

/// A time of day to type; one that is none is put back.
fn time_field(
    i18n: I18n,
    value: TimeOfDay,
    label: String,
    testid: &'static str,
    set: Callback<TimeOfDay>,
) -> Html {
    let onchange = Callback::from(move |event: Event| {
        let typed = value_of(&event);
        let time = typed.trim().parse().unwrap_or_else(|_| {
            toast::say(tr!(i18n, "alerts-time-bad", text = typed));
            // The same value again, so that the field shows it.
            value
        });
        set.emit(time);
    });
    html! {
        <input class="input input-time" type="text" value={value.to_string()} {onchange} aria-label={label} data-testid={testid}
            placeholder="22:00" autocomplete="off" />
    }
}
