//! The SLA rules: policies in their order, calendars, and what they would have meant for tickets that were.
//!
//! What is changed here is a draft until it is saved: a list of changes to the rules that hold, so that what somebody else
//! saves meanwhile stands.

mod calendar;
mod hours;
mod policy;
mod preview;
mod typed;
mod words;

use std::{collections::BTreeSet, rc::Rc};

use desk_api::call::ChangeRules;
use desk_domain::{
    people::Role,
    sla::{Calendar, Policy, PolicyMatch, RuleChange, SlaRules, Targets},
    ticket::Priority,
    workspace::Workspace,
};
use yew::prelude::*;

use self::{calendar::CalendarForm, policy::PolicyForm, preview::PreviewPanel, words::problem_words};
use crate::{
    bridge,
    commands::run,
    i18n::{tr, use_i18n},
    keys::Command,
    session::use_session,
    undo::{self, Restore},
    widgets::{
        draft::use_draft,
        icons::{Glyph, glyph},
        page::Page,
        toast,
    },
};

/// Fields with text that cannot be read.
#[derive(Clone, Debug, Default, PartialEq)]
struct Invalid(BTreeSet<String>);

impl Reducible for Invalid {
    /// A field, and whether it can be read.
    type Action = (String, bool);

    fn reduce(self: Rc<Self>, (field, is_valid): (String, bool)) -> Rc<Self> {
        if self.0.contains(&field) != is_valid {
            return self;
        }
        let mut fields = self.0.clone();
        if is_valid {
            fields.remove(&field);
        } else {
            fields.insert(field);
        }
        Rc::new(Self(fields))
    }
}

/// What is open on the page.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Open {
    Policy(String),
    Calendar(String),
}

/// The page.
#[component]
pub(crate) fn SlaPage() -> Html {
    let i18n = use_i18n();
    let session = use_session();
    let may_edit = session.role() >= Role::Manager && session.read_only.is_none();
    let draft = use_draft("sla-rules".to_owned(), String::new());
    let open = use_state_eq(|| None::<Open>);
    let invalid = use_reducer_eq(Invalid::default);
    // Counts what was discarded: forms are made anew then, with what was typed into them.
    let discarded = use_state_eq(|| 0_u32);
    let saved = session.workspace.as_ref().map(Workspace::sla_rules).unwrap_or_default();
    let changes: Vec<RuleChange> = serde_json::from_str(&draft.text).unwrap_or_default();
    let rules = Rc::new(saved.with(&changes));
    let is_changed = *rules != saved;

    let on_rules = {
        let (draft, saved) = (draft.clone(), saved.clone());
        Callback::from(move |rules: SlaRules| {
            let changes = saved.changes_to(&rules);
            let text = if changes.is_empty() { Ok(String::new()) } else { serde_json::to_string(&changes) };
            draft.set(text.unwrap_or_default());
        })
    };
    let on_valid = {
        let invalid = invalid.dispatcher();
        Callback::from(move |said: (String, bool)| invalid.dispatch(said))
    };
    let save = {
        let (draft, saved, rules) = (draft.clone(), saved.clone(), Rc::clone(&rules));
        Callback::from(move |_| {
            let (draft, changes) = (draft.clone(), saved.changes_to(&rules));
            let restore = saved.with(&changes).changes_to(&saved);
            bridge::spawn(async move {
                draft.settle().await;
                match bridge::call(ChangeRules { changes }).await {
                    Ok(_) => {
                        draft.discard(String::new());
                        undo::done(i18n.t("sla-saved"), vec![Restore::Rules(restore)]);
                    }
                    Err(error) => toast::failed(error),
                }
            });
        })
    };
    let problems: Vec<String> =
        rules.check().iter().map(|problem| problem_words(i18n, &rules, problem)).collect();
    let can_save = may_edit && is_changed && problems.is_empty() && invalid.0.is_empty();
    let discard = {
        let (draft, discarded) = (draft.clone(), discarded.clone());
        Callback::from(move |_| {
            draft.discard(String::new());
            discarded.set(*discarded + 1);
        })
    };

    // The first policy is open unless something else was chosen, or what was is gone.
    let shown = (*open).clone().filter(|open| match open {
        Open::Policy(key) => rules.policies.iter().any(|policy| policy.key == *key),
        Open::Calendar(key) => rules.calendars.contains_key(key),
    });
    let shown = shown.or_else(|| rules.policies.first().map(|policy| Open::Policy(policy.key.clone())));
    let form = match &shown {
        Some(Open::Policy(key)) => rules.policies.iter().find(|policy| policy.key == *key).map(|policy| {
            html! {
                <PolicyForm key={format!("policy/{key}/{}", *discarded)} policy={policy.clone()} rules={Rc::clone(&rules)} {may_edit}
                    on_rules={on_rules.clone()} on_valid={on_valid.clone()} />
            }
        }),
        Some(Open::Calendar(key)) => rules.calendars.get(key).map(|calendar| {
            html! {
                <CalendarForm key={format!("calendar/{key}/{}", *discarded)} name={key.clone()} calendar={calendar.clone()}
                    rules={Rc::clone(&rules)} {may_edit} on_rules={on_rules.clone()} on_valid={on_valid.clone()} />
            }
        }),
        None => None,
    };
    let actions = html! {
        if may_edit {
            if is_changed || !invalid.0.is_empty() {
                <button class="button" data-testid="sla-discard" onclick={discard}>{ i18n.t("sla-discard") }</button>
            }
            <button class="button button-main" data-testid="sla-save" disabled={!can_save} onclick={save}>
                { i18n.t("save") }
            </button>
        }
    };
    html! {
        <Page title={i18n.t("sla")} testid="sla-page" {actions}>
            <div class="detail-line">
                <button class="button-icon" title={i18n.t("back")} aria-label={i18n.t("back")}
                    onclick={|_| { run(Command::Back); }}>{ glyph(Glyph::Left) }</button>
                <span class="hint">{ if may_edit { i18n.t("sla-explain") } else { i18n.t("sla-managers") } }</span>
            </div>
            for problem in problems {
                <p class="banner" role="alert" data-testid="sla-problem">{ problem }</p>
            }
            if !invalid.0.is_empty() {
                <p class="banner" role="alert">{ i18n.t("sla-typed-wrong") }</p>
            }
            <div class="sla">
                <Entries rules={Rc::clone(&rules)} shown={shown} {may_edit} on_rules={on_rules.clone()} on_open={
                    let open = open.clone();
                    Callback::from(move |entry: Open| open.set(Some(entry)))
                } />
                <div class="sla-form">{ form.unwrap_or_default() }</div>
                <PreviewPanel {rules} is_blocked={!invalid.0.is_empty()} />
            </div>
            if is_changed {
                <p class="hint" data-testid="sla-changed">{ tr!(i18n, "sla-unsaved", n = changes.len()) }</p>
            }
        </Page>
    }
}

#[derive(Clone, PartialEq, Properties)]
struct EntriesProps {
    rules: Rc<SlaRules>,
    shown: Option<Open>,
    may_edit: bool,
    on_rules: Callback<SlaRules>,
    on_open: Callback<Open>,
}

/// Policies in the order in which they are tried, then calendars; new ones are made here.
#[component]
fn Entries(props: &EntriesProps) -> Html {
    let i18n = use_i18n();
    let EntriesProps { rules, shown, may_edit, on_rules, on_open } = props.clone();
    let entry = |open: Open, label: String, testid: String| {
        let is_shown = shown.as_ref() == Some(&open);
        let on_open = on_open.clone();
        html! {
            <button class={classes!("sla-entry", is_shown.then_some("is-on"))} data-testid={testid}
                aria-current={is_shown.to_string()} onclick={move |_| on_open.emit(open.clone())}>{ label }</button>
        }
    };
    let moved = |from: usize, to: usize| {
        let (rules, on_rules) = (Rc::clone(&rules), on_rules.clone());
        Callback::from(move |_: MouseEvent| {
            let mut rules = (*rules).clone();
            rules.policies.swap(from, to);
            for (order, policy) in (1..).zip(&mut rules.policies) {
                policy.order = 10 * order;
            }
            on_rules.emit(rules);
        })
    };
    let last = rules.policies.len().saturating_sub(1);
    let policies = rules.policies.iter().enumerate().map(|(place, policy)| {
        html! {
            <li key={policy.key.clone()} class="sla-line">
                { entry(Open::Policy(policy.key.clone()), policy.name.clone(), format!("sla-policy-{}", policy.key)) }
                if may_edit {
                    <button class="button-icon" disabled={place == 0} title={i18n.t("sla-up")} aria-label={i18n.t("sla-up")}
                        data-testid="sla-up" onclick={moved(place, place.saturating_sub(1))}>{ "↑" }</button>
                    <button class="button-icon" disabled={place == last} title={i18n.t("sla-down")}
                        aria-label={i18n.t("sla-down")} onclick={moved(place, (place + 1).min(last))}>{ "↓" }</button>
                }
            </li>
        }
    });
    let calendars = rules.calendars.iter().map(|(key, calendar)| {
        let label = calendar.name.clone().unwrap_or_else(|| key.clone());
        html! {
            <li key={key.clone()} class="sla-line">
                { entry(Open::Calendar(key.clone()), label, format!("sla-calendar-{key}")) }
            </li>
        }
    });
    let add_policy = {
        let (rules, on_rules, on_open) = (Rc::clone(&rules), on_rules.clone(), on_open.clone());
        Callback::from(move |_: MouseEvent| {
            let key = fresh_key("policy", |key| rules.policies.iter().any(|policy| policy.key == key));
            let mut rules = (*rules).clone();
            let order = rules.policies.last().map_or(10, |last| last.order.saturating_add(10));
            rules.policies.push(new_policy(key.clone(), i18n.t("sla-new-policy"), order, &rules));
            on_rules.emit(rules);
            on_open.emit(Open::Policy(key));
        })
    };
    let add_calendar = {
        let (rules, on_rules, on_open) = (Rc::clone(&rules), on_rules.clone(), on_open.clone());
        let zone = use_session().workspace.as_ref().map_or_else(|| "UTC".to_owned(), |w| w.zone.clone());
        Callback::from(move |_: MouseEvent| {
            let key = fresh_key("calendar", |key| rules.calendars.contains_key(key));
            let mut rules = (*rules).clone();
            let calendar = Calendar {
                name: Some(i18n.t("sla-new-calendar")),
                zone: zone.clone(),
                hours: desk_domain::sla::WeekHours::weekdays(&[("09:00", "18:00")]),
                ..Calendar::default()
            };
            rules.calendars.insert(key.clone(), calendar);
            on_rules.emit(rules);
            on_open.emit(Open::Calendar(key));
        })
    };
    html! {
        <nav class="sla-entries" aria-label={i18n.t("sla")}>
            <h2>{ i18n.t("sla-policies") }</h2>
            <ol data-testid="sla-policies">{ for policies }</ol>
            if may_edit {
                <button class="button-text" data-testid="sla-add-policy" onclick={add_policy}>{ i18n.t("sla-add-policy") }</button>
            }
            <h2>{ i18n.t("sla-calendars") }</h2>
            <ul>{ for calendars }</ul>
            if may_edit {
                <button class="button-text" data-testid="sla-add-calendar" onclick={add_calendar}>
                    { i18n.t("sla-add-calendar") }
                </button>
            }
        </nav>
    }
}

/// A key that is not taken.
fn fresh_key(stem: &str, is_taken: impl Fn(&str) -> bool) -> String {
    let mut number = 1_u32;
    loop {
        let key = format!("{stem}-{number}");
        if !is_taken(&key) {
            return key;
        }
        number += 1;
    }
}

/// A policy to begin with: a day for everything that is high, by the first calendar there is.
fn new_policy(key: String, name: String, order: u32, rules: &SlaRules) -> Policy {
    let targets =
        Targets { first_response_min: Some(60.0), resolution_min: Some(480.0), ..Targets::default() };
    Policy {
        key,
        name,
        order,
        when: PolicyMatch::default(),
        calendar: rules.calendars.keys().next().cloned().unwrap_or_default(),
        targets: [(Priority::High, targets)].into(),
        pause_statuses: Policy::default_pause_statuses(),
        warn_percent: Policy::default_warn_percent(),
    }
}

/// What both forms are given to say that a field holds what cannot be read, or does no longer.
pub(super) type OnValid = Callback<(String, bool)>;
