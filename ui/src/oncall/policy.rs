//! An escalation policy: whom it tells, level by level; and its editor.

use std::rc::Rc;

use desk_api::view::PolicyView;
use desk_domain::{
    escalation::{Level, Policy, Target},
    incident::Severity,
    people::Role,
};
use yew::prelude::*;

use crate::{
    entry::{self, Card, CardProps, EditorButtons, Setting, use_card},
    i18n::{I18n, tr, use_i18n},
    session::{Session, use_session},
    widgets::{
        field::{Choice, Select, value_of},
        page::Problem,
    },
};

/// What a control writes into the draft.
type Change = Rc<dyn Fn(&mut Policy, String)>;

fn fresh_policy() -> Policy {
    Policy { name: String::new(), severities: [].into(), levels: vec![fresh_level()], repeat: 0 }
}

fn fresh_level() -> Level {
    Level { targets: Vec::new(), timeout_min: 10, email: true }
}

/// Whom a target tells, in words.
fn target_words(i18n: I18n, session: &Session, target: &Target) -> String {
    let workspace = session.workspace.as_ref();
    match target {
        Target::Member { member } => session.name(&member.to_string()),
        Target::Team { team } => {
            let name =
                workspace.and_then(|workspace| workspace.teams.get(team)).map(|team| team.name.clone());
            tr!(i18n, "escalation-to-team", name = name.unwrap_or_else(|| team.clone()))
        }
        Target::Schedule { schedule } => {
            let found = workspace.and_then(|workspace| workspace.schedules.get(schedule));
            let name = found.map_or_else(|| schedule.clone(), |found| found.name.clone());
            tr!(i18n, "escalation-to-schedule", name = name)
        }
        Target::Role { role } => tr!(i18n, "escalation-to-role", role = i18n.word("role", role)),
    }
}

/// Everything that a level may tell, each as the JSON of its target.
fn target_choices(i18n: I18n, session: &Session) -> Rc<Vec<Choice>> {
    let mut targets: Vec<Target> = Vec::new();
    if let Some(workspace) = &session.workspace {
        targets.extend(workspace.schedules.keys().map(|key| Target::Schedule { schedule: key.clone() }));
        targets.extend(workspace.teams.keys().map(|key| Target::Team { team: key.clone() }));
    }
    targets.extend([Role::Agent, Role::Manager, Role::Admin].map(|role| Target::Role { role }));
    targets.extend(session.assignable().into_iter().map(|member| Target::Member { member: member.id }));
    let mut choices = vec![Choice::new("", i18n.t("oncall-choose"))];
    choices.extend(targets.iter().filter_map(|target| {
        Some(Choice::new(serde_json::to_string(target).ok()?, target_words(i18n, session, target)))
    }));
    Rc::new(choices)
}

/// The card.
#[component]
pub(super) fn PolicyCard(props: &CardProps<Rc<PolicyView>>) -> Html {
    let i18n = use_i18n();
    let session = use_session();
    let entry = props.entry(|view| (view.key.clone(), view.policy.clone()), fresh_policy);
    let key = entry.key.clone();
    let Card { draft, problem, begin, on_change, on_save, on_cancel } =
        use_card(entry, |policy| policy.name.clone(), Setting::Escalation);
    let level = |number: usize, level: &Level| {
        let targets: Vec<String> = level.targets.iter().map(|it| target_words(i18n, &session, it)).collect();
        let (number, names, minutes) =
            (i64::try_from(number).unwrap_or_default(), targets.join(", "), i64::from(level.timeout_min));
        let text = if level.email {
            tr!(i18n, "escalation-level-email", level = number, names = names, minutes = minutes)
        } else {
            tr!(i18n, "escalation-level-plain", level = number, names = names, minutes = minutes)
        };
        html! { <li class="history-entry history-plain" key={number} data-testid="policy-level">{ text }</li> }
    };
    html! {
        <section class="panel" data-testid="policy" data-key={key}>
            if let Some(error) = problem {
                <Problem {error} />
            }
            if let Some(draft) = draft {
                <PolicyEditor {draft} is_new={props.is_new()} {on_change} {on_save} {on_cancel} />
            } else if let Some(view) = &props.shown {
                <div class="panel-head">
                    <h3>{ &view.policy.name }</h3>
                    <span class="hint">
                        { view.policy.severities.iter().map(Severity::to_string).collect::<Vec<_>>().join(", ") }
                    </span>
                    if props.may_edit {
                        <button class="button-text" onclick={begin} data-testid="policy-edit">{ i18n.t("edit") }</button>
                    }
                </div>
                if let Some(problem) = &view.problem {
                    <p class="banner" role="alert">{ problem }</p>
                }
                <ol class="history">{ for (1..).zip(&view.policy.levels).map(|(number, it)| level(number, it)) }</ol>
                if view.policy.repeat > 0 {
                    <p class="hint">{ tr!(i18n, "escalation-repeats", times = i64::from(view.policy.repeat)) }</p>
                }
            }
        </section>
    }
}

#[derive(Clone, PartialEq, Properties)]
struct EditorProps {
    draft: Policy,
    is_new: bool,
    on_change: Callback<Policy>,
    /// Told of what to write; of nothing to retire it.
    on_save: Callback<Option<Policy>>,
    on_cancel: Callback<()>,
}

#[component]
fn PolicyEditor(props: &EditorProps) -> Html {
    let i18n = use_i18n();
    let session = use_session();
    let draft = &props.draft;
    let targets = target_choices(i18n, &session);
    let change = |set: Change| entry::change(draft, &props.on_change, move |draft, text| set(draft, text));
    let on_input = |set: Change| {
        let set = change(set);
        Callback::from(move |event: Event| set.emit(value_of(&event)))
    };
    let press = |set: Rc<dyn Fn(&mut Policy)>| {
        entry::change(draft, &props.on_change, move |draft, _: MouseEvent| set(draft))
    };
    let severity = |severity: Severity| {
        let is_on = draft.severities.contains(&severity);
        html! {
            <label key={severity.as_str()}>
                <input type="checkbox" checked={is_on} data-testid={format!("policy-{severity}")}
                    onclick={press(Rc::new(move |draft| {
                        if !draft.severities.remove(&severity) {
                            draft.severities.insert(severity);
                        }
                    }))} />{ " " }{ severity.as_str() }
            </label>
        }
    };
    let level = |at: usize, level: &Level| {
        html! {
            <fieldset class="form-grid" key={at} data-testid="level-edit">
                <label class="stack"><span>{ tr!(i18n, "escalation-minutes", level = i64::try_from(at + 1).unwrap_or_default()) }</span>
                    <input class="input" type="number" min="1" value={level.timeout_min.to_string()}
                        data-testid={format!("level-{at}-minutes")} onchange={on_input(Rc::new(move |draft, text| {
                            if let (Some(level), Ok(minutes)) = (draft.levels.get_mut(at), text.trim().parse()) {
                                level.timeout_min = minutes;
                            }
                        }))} /></label>
                <label><input type="checkbox" checked={level.email} data-testid={format!("level-{at}-email")}
                    onclick={press(Rc::new(move |draft| {
                        if let Some(level) = draft.levels.get_mut(at) {
                            level.email = !level.email;
                        }
                    }))} />{ " " }{ i18n.t("escalation-by-email") }</label>
                <div class="stack"><span>{ i18n.t("escalation-tells") }</span>
                    for (place, target) in level.targets.iter().enumerate() {
                        <span>{ target_words(i18n, &session, target) }
                            <button class="button-text" type="button" data-testid={format!("level-{at}-remove-{place}")}
                                onclick={press(Rc::new(move |draft| {
                                    if let Some(level) = draft.levels.get_mut(at)
                                        && place < level.targets.len()
                                    {
                                        level.targets.remove(place);
                                    }
                                }))}>{ i18n.t("oncall-remove") }</button></span>
                    }
                    <Select value="" choices={Rc::clone(&targets)} label={i18n.t("escalation-tells")}
                        testid={format!("level-{at}-add")} on_choose={change(Rc::new(move |draft, json| {
                            if let (Some(level), Ok(target)) = (draft.levels.get_mut(at), serde_json::from_str(&json)) {
                                level.targets.push(target);
                            }
                        }))} /></div>
                <button class="button-text" type="button" data-testid={format!("level-{at}-drop")}
                    onclick={press(Rc::new(move |draft| {
                        if at < draft.levels.len() {
                            draft.levels.remove(at);
                        }
                    }))}>{ i18n.t("escalation-remove-level") }</button>
            </fieldset>
        }
    };
    let (on_save, on_retire, on_cancel) =
        (props.on_save.clone(), props.on_save.clone(), props.on_cancel.clone());
    let saved = draft.clone();
    html! {
        <div class="form" data-testid="policy-editor">
            <div class="form-grid">
                <label class="stack"><span>{ i18n.t("oncall-name") }</span>
                    <input class="input" type="text" value={draft.name.clone()} autocomplete="off" data-testid="policy-name"
                        onchange={on_input(Rc::new(|draft, text| draft.name = text))} /></label>
                <label class="stack"><span>{ i18n.t("escalation-repeat") }</span>
                    <input class="input" type="number" min="0" max="9" value={draft.repeat.to_string()}
                        data-testid="policy-repeat" onchange={on_input(Rc::new(|draft, text| {
                            if let Ok(repeat) = text.trim().parse() {
                                draft.repeat = repeat;
                            }
                        }))} /></label>
                <div class="stack"><span>{ i18n.t("escalation-default-for") }</span>
                    { for Severity::ALL.iter().map(|it| severity(*it)) }</div>
            </div>
            { for draft.levels.iter().enumerate().map(|(at, it)| level(at, it)) }
            <div class="form-buttons">
                <button class="button" type="button" data-testid="level-new"
                    onclick={press(Rc::new(|draft| draft.levels.push(fresh_level())))}>{ i18n.t("escalation-add-level") }</button>
            </div>
            <p class="hint">{ i18n.t("escalation-keeps-hint") }</p>
            <EditorButtons what="policy" is_new={props.is_new} on_save={move |_| on_save.emit(Some(saved.clone()))}
                on_cancel={move |_| on_cancel.emit(())} on_retire={move |_| on_retire.emit(None)} />
        </div>
    }
}
