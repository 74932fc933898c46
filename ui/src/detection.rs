//! What incidents affect, and the rules that propose them.

mod form;
mod rule;
mod service;
mod words;

use std::{collections::BTreeSet, rc::Rc};

use desk_domain::people::Role;
use yew::prelude::*;

use self::{rule::RuleCard, service::ServiceCard};
use crate::{
    commands::run,
    entry::use_making,
    i18n::use_i18n,
    keys::Command,
    session::use_session,
    widgets::{
        icons::{Glyph, glyph},
        page::{Empty, Page},
    },
};

/// The page.
#[component]
pub(crate) fn DetectionPage() -> Html {
    let i18n = use_i18n();
    let session = use_session();
    let may_edit = session.role() >= Role::Manager && session.read_only.is_none();
    let making = use_making();
    let on_done = making.on_done();
    let actions = html! {
        if may_edit {
            { making.button("service", i18n.t("service-new")) }
            { making.button("rule", i18n.t("rule-new")) }
        }
    };
    let Some(workspace) = session.workspace.as_ref() else {
        return html! { <Page title={i18n.t("detection")} testid="detection-page"><Empty text={i18n.t("not-here")} /></Page> };
    };
    let services: Rc<Vec<String>> = Rc::new(workspace.services.keys().cloned().collect());
    let rules: Rc<Vec<String>> = Rc::new(workspace.detection.keys().cloned().collect());
    html! {
        <Page title={i18n.t("detection")} {actions} testid="detection-page">
            <div class="detail-line">
                <button class="button-icon" title={i18n.t("back")} aria-label={i18n.t("back")}
                    onclick={|_| { run(Command::Back); }}>{ glyph(Glyph::Left) }</button>
                <span class="hint">
                    { if may_edit { i18n.t("detection-explain") } else { i18n.t("detection-managers") } }
                </span>
            </div>
            <h2 class="group">{ i18n.t("services") }</h2>
            if making.is("service") {
                <ServiceCard taken={Rc::clone(&services)} may_edit=true on_done={on_done.clone()} />
            }
            if services.is_empty() {
                if !making.is("service") {
                    <Empty text={i18n.t("services-none")} />
                }
            } else {
                <div class="lines entries">
                    for (key, service) in workspace.services.iter() {
                        <ServiceCard key={key.clone()} shown={(key.clone(), service.clone())}
                            taken={Rc::clone(&services)} {may_edit} on_done={on_done.clone()} />
                    }
                </div>
            }
            <h2 class="group">{ i18n.t("rules") }</h2>
            if making.is("rule") {
                <RuleCard taken={Rc::clone(&rules)} may_edit=true on_done={on_done.clone()} />
            }
            if rules.is_empty() {
                if !making.is("rule") {
                    <Empty text={i18n.t("rules-none")} />
                }
            } else {
                <div class="lines entries">
                    for (key, rule) in workspace.detection.iter() {
                        <RuleCard key={key.clone()} shown={rule.clone()} taken={Rc::clone(&rules)} {may_edit}
                            on_done={on_done.clone()} />
                    }
                </div>
            }
        </Page>
    }
}

/// What is wrong, below the field that is to be mended.
fn beside(problem: Option<String>) -> Html {
    html! {
        if let Some(problem) = problem {
            <span class="field-problem" role="alert" data-testid="field-problem">{ problem }</span>
        }
    }
}

/// Checkboxes for a set of names: those that there are, and those that are chosen and gone. `on_flip` is told of the one that
/// was pressed.
fn checks(
    all: Vec<(String, String)>,
    chosen: &BTreeSet<String>,
    testid: &str,
    on_flip: &Callback<String>,
) -> Html {
    let gone = chosen.iter().filter(|name| !all.iter().any(|(known, _)| known == *name));
    let gone: Vec<(String, String)> = gone.map(|name| (name.clone(), name.clone())).collect();
    let check = |(name, label): (String, String)| {
        let on_flip = on_flip.clone();
        html! {
            <label class="sla-check" key={name.clone()}>
                <input type="checkbox" checked={chosen.contains(&name)} data-testid={format!("{testid}-{name}")}
                    onchange={let name = name.clone(); move |_| on_flip.emit(name.clone())} />
                <span>{ label }</span>
            </label>
        }
    };
    html! { <div class="sla-checks">{ for all.into_iter().chain(gone).map(check) }</div> }
}
