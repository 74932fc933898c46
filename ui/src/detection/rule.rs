//! A rule that proposes incidents; and its editor.

use std::{collections::BTreeSet, rc::Rc};

use desk_domain::{
    detection::{Rule, RuleField, RuleProblem},
    incident::Severity,
};
use yew::prelude::*;

use super::{
    beside, checks,
    form::{RuleForm, Watch, Wrong, fresh_rule},
    words::{rule_words, watched, wrong_words},
};
use crate::{
    entry::{Card, CardProps, EditorButtons, Setting, fresh_key, use_card},
    i18n::{tr, use_i18n},
    incidents::new::severity_choices,
    session::{Session, use_session},
    widgets::{
        field::{Choice, Select, on_text, use_autofocus},
        icons,
        page::Problem,
    },
};

/// The card.
#[component]
pub(super) fn RuleCard(props: &CardProps<Rule>) -> Html {
    let i18n = use_i18n();
    let session = use_session();
    let entry = props.entry(|rule| (rule.key.clone(), rule.clone()), fresh_rule);
    let key = entry.key.clone();
    let Card { draft, problem, begin, on_change: _, on_save, on_cancel } =
        use_card(entry, |rule| rule.name.clone(), Setting::Rule);
    if let Some(draft) = draft {
        return html! {
            <section class="panel entry-editor" data-testid="rule" data-key={key}>
                if let Some(error) = problem {
                    <Problem {error} />
                }
                <RuleEditor {draft} is_new={props.is_new()} taken={Rc::clone(&props.taken)} {on_save} {on_cancel} />
            </section>
        };
    }
    let Some(rule) = &props.shown else { return html! {} };
    let wrong = check(&session, rule).err();
    let services: Vec<String> = rule.services.iter().map(|named| session.service_name(named)).collect();
    html! {
        <div class="line" data-testid="rule" data-key={key} data-enabled={rule.enabled.to_string()}>
            { icons::severity(rule.severity) }
            <span class="line-main"><b>{ &rule.name }</b>
                <span class="hint entry-facts">{ watched(i18n, &session, &rule.when) }
                    if !services.is_empty() {
                        { " · " }{ tr!(i18n, "rule-services", names = services.join(", ")) }
                    }
                </span>
                { beside(wrong.map(|problem| rule_words(i18n, &problem))) }
            </span>
            if !rule.enabled {
                <span class="hint" data-testid="rule-off">{ i18n.t("rule-off") }</span>
            }
            if props.may_edit {
                <button class="button-text" onclick={begin} data-testid="rule-edit">{ i18n.t("edit") }</button>
            }
        </div>
    }
}

/// Whether a rule can be used, as far as is known here.
fn check(session: &Session, rule: &Rule) -> Result<(), RuleProblem> {
    session.workspace.as_ref().map_or_else(|| rule.check(), |workspace| rule.check_among(workspace))
}

#[derive(Clone, PartialEq, Properties)]
struct EditorProps {
    /// What the form begins with.
    draft: Rule,
    is_new: bool,
    taken: Rc<Vec<String>>,
    /// Told of what to write; of nothing to retire it.
    on_save: Callback<Option<Rule>>,
    on_cancel: Callback<()>,
}

#[component]
fn RuleEditor(props: &EditorProps) -> Html {
    let i18n = use_i18n();
    let session = use_session();
    let first = use_autofocus();
    let form = use_state(|| {
        let form = RuleForm::of(i18n, &props.draft);
        // The boxes are the services' names; one that is named by its key is the same service.
        RuleForm { services: form.services.iter().map(|named| session.service_name(named)).collect(), ..form }
    });
    let wrong = use_state_eq(|| None::<Wrong>);
    let change = |set: fn(&mut RuleForm, String)| {
        let form = form.clone();
        Callback::from(move |text: String| {
            let mut next = (*form).clone();
            set(&mut next, text);
            form.set(next);
        })
    };
    let problem = |field: RuleField| {
        wrong.as_ref().filter(|wrong| wrong.field() == field).map(|wrong| wrong_words(i18n, wrong))
    };
    let input = |field: RuleField, label: String, value: &str, set: fn(&mut RuleForm, String)| {
        let (set, problem) = (change(set), problem(field));
        let node = if field == RuleField::Name { first.clone() } else { NodeRef::default() };
        html! {
            <label class="stack" key={field.as_str()}><span>{ label }</span>
                <input ref={node} class="input" type="text" value={value.to_owned()} autocomplete="off" spellcheck="false"
                    data-testid={format!("rule-{field}")} aria-invalid={problem.is_some().to_string()}
                    oninput={on_text(move |text| set.emit(text))} />
                { beside(problem) }</label>
        }
    };
    let watches: Vec<Choice> = Watch::ALL
        .iter()
        .map(|watch| Choice::new(watch.as_str(), i18n.word("rule-watch", watch.as_str())))
        .collect();
    let parts = match form.watch {
        Watch::Burst => html! {
            <>
                { input(RuleField::Window, i18n.t("rule-window"), &form.window, |form, text| form.window = text) }
                { input(RuleField::Tickets, i18n.t("rule-tickets"), &form.tickets, |form, text| form.tickets = text) }
            </>
        },
        Watch::Heartbeat => html! {
            <>
                { input(RuleField::Heartbeat, i18n.t("rule-heartbeat"), &form.heartbeat, |form, text| form.heartbeat = text) }
                { input(RuleField::Every, i18n.t("rule-every"), &form.every, |form, text| form.every = text) }
                { input(RuleField::Grace, i18n.t("rule-grace"), &form.grace, |form, text| form.grace = text) }
            </>
        },
        Watch::Metric => html! {
            <>
                { input(RuleField::Metric, i18n.t("rule-metric"), &form.metric, |form, text| form.metric = text) }
                { input(RuleField::Above, i18n.t("rule-above"), &form.above, |form, text| form.above = text) }
                { input(RuleField::Below, i18n.t("rule-below"), &form.below, |form, text| form.below = text) }
                { input(RuleField::For, i18n.t("rule-for"), &form.lasting, |form, text| form.lasting = text) }
            </>
        },
    };
    let save = {
        let (form, wrong, session, props) = (form.clone(), wrong.clone(), Rc::clone(&session), props.clone());
        move |_| {
            let key =
                if props.is_new { fresh_key(&form.name, &props.taken) } else { props.draft.key.clone() };
            let checked = form.read(key).and_then(|rule| {
                check(&session, &rule).map_err(Wrong::Rule)?;
                Ok(rule)
            });
            match checked {
                Ok(rule) => {
                    wrong.set(None);
                    props.on_save.emit(Some(rule));
                }
                Err(problem) => wrong.set(Some(problem)),
            }
        }
    };
    let (on_retire, on_cancel) = (props.on_save.clone(), props.on_cancel.clone());
    let flip = |of: fn(&mut RuleForm) -> &mut BTreeSet<String>| {
        let form = form.clone();
        Callback::from(move |name: String| {
            let mut next = (*form).clone();
            let set = of(&mut next);
            if !set.remove(&name) {
                set.insert(name);
            }
            form.set(next);
        })
    };
    let toggle = {
        let form = form.clone();
        move |_| form.set(RuleForm { enabled: !form.enabled, ..(*form).clone() })
    };
    let services: Vec<(String, String)> =
        session.services().into_iter().map(|name| (name.clone(), name)).collect();
    let hint = match form.watch {
        Watch::Burst => i18n.t("rule-hint-burst"),
        Watch::Heartbeat => i18n.t("rule-hint-heartbeat"),
        Watch::Metric => i18n.t("rule-hint-metric"),
    };
    html! {
        <div class="form" data-testid="rule-editor">
            <div class="form-grid">
                { input(RuleField::Name, i18n.t("oncall-name"), &form.name, |form, text| form.name = text) }
                <label class="stack"><span>{ i18n.t("rule-severity") }</span>
                    <Select value={form.severity.as_str()} choices={severity_choices(i18n)} label={i18n.t("rule-severity")}
                        testid="rule-severity" on_choose={
                            change(|form, word| form.severity = word.parse().unwrap_or(Severity::P3))} /></label>
                <label class="stack"><span>{ i18n.t("rule-watch") }</span>
                    <Select value={form.watch.as_str()} choices={Rc::new(watches)} label={i18n.t("rule-watch")}
                        testid="rule-watch" on_choose={change(|form, word| {
                            let chosen = Watch::ALL.into_iter().find(|watch| watch.as_str() == word);
                            form.watch = chosen.unwrap_or(form.watch);
                        })} /></label>
                { parts }
                { input(RuleField::Quiet, i18n.t("rule-quiet"), &form.quiet, |form, text| form.quiet = text) }
            </div>
            <p class="hint">{ hint }</p>
            if form.watch == Watch::Burst {
                <div class="stack"><span>{ i18n.t("rule-categories") }</span>
                    { checks(session.categories(), &form.categories, "rule-category", &flip(|form| &mut form.categories)) }
                    { beside(problem(RuleField::Categories)) }</div>
            }
            <div class="stack"><span>{ i18n.t("incident-services") }</span>
                if services.is_empty() && form.services.is_empty() {
                    <span class="hint">{ i18n.t("services-none") }</span>
                }
                { checks(services, &form.services, "rule-service", &flip(|form| &mut form.services)) }
                { beside(problem(RuleField::Services)) }</div>
            <label class="sla-check"><input type="checkbox" checked={form.enabled} onchange={toggle} data-testid="rule-enabled" />
                <span>{ i18n.t("rule-enabled") }</span></label>
            <EditorButtons what="rule" is_new={props.is_new} on_save={save} on_cancel={move |_| on_cancel.emit(())}
                on_retire={move |_| on_retire.emit(None)} />
        </div>
    }
}
