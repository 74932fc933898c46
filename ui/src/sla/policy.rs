//! The form of a policy.

use std::{collections::BTreeSet, rc::Rc};

use desk_domain::{
    sla::{Metric, Policy, SlaRules, Targets},
    ticket::{Priority, Status},
};
use yew::prelude::*;

use super::{
    OnValid,
    hours::{read_minutes, read_shares, spell_minutes},
    typed::Typed,
};
use crate::{
    i18n::use_i18n,
    incidents::new::split_names,
    session::use_session,
    widgets::field::{Choice, Select, on_text},
};

/// Properties of [`PolicyForm`].
#[derive(Clone, PartialEq, Properties)]
pub(crate) struct PolicyFormProps {
    /// The policy.
    pub(crate) policy: Policy,
    /// All rules.
    pub(crate) rules: Rc<SlaRules>,
    /// It may be changed.
    pub(crate) may_edit: bool,
    /// Takes the rules with the policy changed.
    pub(crate) on_rules: Callback<SlaRules>,
    /// Told of fields that cannot be read.
    pub(crate) on_valid: OnValid,
}

/// The form.
#[component]
pub(crate) fn PolicyForm(props: &PolicyFormProps) -> Html {
    let i18n = use_i18n();
    let session = use_session();
    let PolicyFormProps { policy, rules, may_edit, on_rules, on_valid } = props.clone();
    let disabled = !may_edit;
    let change = {
        let (rules, on_rules, key) = (Rc::clone(&rules), on_rules.clone(), policy.key.clone());
        Callback::from(move |changed: Policy| {
            let mut rules = (*rules).clone();
            if let Some(policy) = rules.policies.iter_mut().find(|policy| policy.key == key) {
                *policy = changed;
            }
            on_rules.emit(rules);
        })
    };
    let set = |set: fn(&mut Policy, String)| {
        let (policy, change) = (policy.clone(), change.clone());
        Callback::from(move |text: String| {
            let mut policy = policy.clone();
            set(&mut policy, text);
            change.emit(policy);
        })
    };
    let input = |set_text: fn(&mut Policy, String)| {
        let set = set(set_text);
        on_text(move |text| set.emit(text))
    };
    // Names that are typed stay as they are typed; what they say is read from them each time.
    let names = |value: &BTreeSet<String>| value.iter().cloned().collect::<Vec<_>>().join(", ");
    let typed_names = |set_names: fn(&mut Policy, BTreeSet<String>)| {
        let (policy, change) = (policy.clone(), change.clone());
        Callback::from(move |text: String| {
            let mut policy = policy.clone();
            set_names(&mut policy, split_names(&text));
            change.emit(policy);
            true
        })
    };
    let check = |is_on: bool, label: String, testid: String, toggle: Box<dyn Fn(&mut Policy)>| {
        let (policy, change) = (policy.clone(), change.clone());
        html! {
            <label class="sla-check">
                <input type="checkbox" checked={is_on} {disabled} data-testid={testid} onchange={move |_| {
                    let mut policy = policy.clone();
                    toggle(&mut policy);
                    change.emit(policy);
                }} />
                <span>{ label }</span>
            </label>
        }
    };
    let key_checks = |keys: Vec<(String, String)>,
                      chosen: &BTreeSet<String>,
                      of: fn(&mut Policy) -> &mut BTreeSet<String>| {
        keys.into_iter()
            .map(|(key, label)| {
                let is_on = chosen.contains(&key);
                let testid = format!("sla-for-{key}");
                check(is_on, label, testid, Box::new(move |policy| flip(of(policy), &key)))
            })
            .collect::<Html>()
    };
    let priorities = Priority::ALL.iter().rev().map(|priority| {
        let (priority, is_on) = (*priority, policy.when.priorities.contains(priority));
        let toggle = Box::new(move |policy: &mut Policy| flip(&mut policy.when.priorities, &priority));
        check(is_on, i18n.word("priority", priority), format!("sla-for-{priority}"), toggle)
    });
    let pauses = Status::ALL.iter().filter(|status| !status.is_done()).map(|status| {
        let (status, is_on) = (*status, policy.pause_statuses.contains(status));
        let toggle = Box::new(move |policy: &mut Policy| flip(&mut policy.pause_statuses, &status));
        check(is_on, i18n.word("status", status), format!("sla-pause-{status}"), toggle)
    });
    let target = |priority: Priority, metric: Metric| {
        let minutes = policy.targets.get(&priority).and_then(|row| row.minutes(metric));
        let (policy, change) = (policy.clone(), change.clone());
        let on_typed = Callback::from(move |text: String| {
            let Ok(minutes) = read_minutes(&text) else { return false };
            let mut policy = policy.clone();
            set_target(&mut policy, priority, metric, minutes);
            change.emit(policy);
            true
        });
        let label = format!("{}, {}", i18n.word("priority", priority), i18n.word("metric", metric));
        html! {
            <td><Typed value={spell_minutes(i18n, minutes)} {on_typed} on_valid={on_valid.clone()} {label} {disabled}
                testid={format!("sla-target-{priority}-{metric}")} placeholder="—" /></td>
        }
    };
    let calendars: Vec<Choice> = rules
        .calendars
        .iter()
        .map(|(key, calendar)| Choice::new(key, calendar.name.clone().unwrap_or_else(|| key.clone())))
        .collect();
    let shares: Vec<String> = policy.warn_percent.iter().map(u8::to_string).collect();
    let on_shares = {
        let (policy, change) = (policy.clone(), change.clone());
        Callback::from(move |text: String| {
            let Some(warn_percent) = read_shares(&text) else { return false };
            change.emit(Policy { warn_percent, ..policy.clone() });
            true
        })
    };
    let remove = {
        let (rules, on_rules, key) = (Rc::clone(&rules), on_rules.clone(), policy.key.clone());
        Callback::from(move |_: MouseEvent| {
            let mut rules = (*rules).clone();
            rules.policies.retain(|policy| policy.key != key);
            on_rules.emit(rules);
        })
    };
    html! {
        <div class="form" data-testid="sla-policy-form">
            <label class="form-row"><span class="form-label">{ i18n.t("sla-name") }</span>
                <input class="input" value={policy.name.clone()} {disabled} data-testid="sla-name"
                    oninput={input(|policy, text| policy.name = text)} /></label>
            <h2>{ i18n.t("sla-conditions") }</h2>
            <p class="hint">{ i18n.t("sla-conditions-explain") }</p>
            <div class="form-row"><span class="form-label">{ i18n.t("filter-priority") }</span>
                <div class="sla-checks">{ for priorities }</div></div>
            <div class="form-row"><span class="form-label">{ i18n.t("filter-category") }</span>
                <div class="sla-checks">
                    { key_checks(session.categories(), &policy.when.categories, |policy| &mut policy.when.categories) }
                </div></div>
            <div class="form-row"><span class="form-label">{ i18n.t("filter-team") }</span>
                <div class="sla-checks">
                    { key_checks(session.teams(), &policy.when.teams, |policy| &mut policy.when.teams) }
                </div></div>
            <div class="form-row"><span class="form-label">{ i18n.t("sla-requesters") }</span>
                <Typed value={names(&policy.when.requesters)} on_valid={on_valid.clone()} {disabled}
                    on_typed={typed_names(|policy, names| policy.when.requesters = names)}
                    label={i18n.t("sla-requesters")} testid="sla-requesters" placeholder="anna@example.org, @example.org" /></div>
            <div class="form-row"><span class="form-label">{ i18n.t("sla-tags") }</span>
                <Typed value={names(&policy.when.tags)} on_valid={on_valid.clone()} {disabled}
                    on_typed={typed_names(|policy, names| policy.when.tags = names)}
                    label={i18n.t("sla-tags")} testid="sla-tags" placeholder="vip" /></div>
            <h2>{ i18n.t("sla-targets") }</h2>
            <p class="hint">{ i18n.t("sla-targets-explain") }</p>
            <table class="sla-targets">
                <thead><tr><th />
                    for metric in Metric::ALL.iter() {
                        <th scope="col">{ i18n.word("metric", metric) }</th>
                    }
                </tr></thead>
                <tbody>
                    for priority in Priority::ALL.iter().rev().copied() {
                        <tr><th scope="row">{ i18n.word("priority", priority) }</th>
                            { for Metric::ALL.iter().map(|metric| target(priority, *metric)) }</tr>
                    }
                </tbody>
            </table>
            <div class="form-row"><span class="form-label">{ i18n.t("sla-calendar") }</span>
                <Select value={policy.calendar.clone()} choices={Rc::new(calendars)} {disabled}
                    on_choose={set(|policy, calendar| policy.calendar = calendar)}
                    label={i18n.t("sla-calendar")} testid="sla-calendar" /></div>
            <div class="form-row"><span class="form-label">{ i18n.t("sla-pauses") }</span>
                <div class="sla-checks">{ for pauses }</div></div>
            <div class="form-row"><span class="form-label">{ i18n.t("sla-warnings") }</span>
                <Typed value={shares.join(", ")} on_typed={on_shares} on_valid={on_valid.clone()} {disabled}
                    label={i18n.t("sla-warnings")} testid="sla-warnings" placeholder="75, 90" /></div>
            if may_edit {
                <button class="button button-danger" data-testid="sla-remove" onclick={remove}>
                    { i18n.t("sla-remove-policy") }
                </button>
            }
        </div>
    }
}

/// Puts a member into a set, or takes it out.
fn flip<T: Ord + Clone>(set: &mut BTreeSet<T>, member: &T) {
    if !set.remove(member) {
        set.insert(member.clone());
    }
}

/// Sets one target; a row in which nothing is left is left to the next policy.
fn set_target(policy: &mut Policy, priority: Priority, metric: Metric, minutes: Option<f64>) {
    let row = policy.targets.entry(priority).or_default();
    match metric {
        Metric::FirstResponse => row.first_response_min = minutes,
        Metric::NextResponse => row.next_response_min = minutes,
        Metric::Resolution => row.resolution_min = minutes,
    }
    if *row == Targets::default() {
        policy.targets.remove(&priority);
    }
}
