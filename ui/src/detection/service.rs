//! A service: who runs it, and who is told of its incidents; and its editor.

use std::rc::Rc;

use desk_domain::workspace::{Service, ServiceError};
use yew::prelude::*;

use super::{beside, words::service_words};
use crate::{
    entry::{self, Card, CardProps, EditorButtons, Setting, fresh_key, use_card},
    i18n::{tr, use_i18n},
    session::{Session, use_session},
    tickets::fields::{optional_choices, some},
    widgets::{
        field::{Select, on_text, use_autofocus},
        page::Problem,
    },
};

/// The card.
#[component]
pub(super) fn ServiceCard(props: &CardProps<(String, Service)>) -> Html {
    let i18n = use_i18n();
    let session = use_session();
    let wrong = use_state_eq(|| None::<ServiceError>);
    let entry = props.entry(Clone::clone, Service::default);
    let key = entry.key.clone();
    let Card { draft, problem, begin, on_change, on_save, on_cancel } =
        use_card(entry, |service| service.name.clone(), Setting::Service);
    let save = {
        let (wrong, session, key, taken) =
            (wrong.clone(), Rc::clone(&session), key.clone(), Rc::clone(&props.taken));
        Callback::from(move |service: Option<Service>| {
            let service = service.map(|service| Service { name: service.name.trim().to_owned(), ..service });
            let refused = service.as_ref().and_then(|service| {
                let key = key.clone().unwrap_or_else(|| fresh_key(&service.name, &taken));
                check(&session, &key, service).err()
            });
            let is_fine = refused.is_none();
            wrong.set(refused);
            if is_fine {
                on_save.emit(service);
            }
        })
    };
    let cancel = {
        let wrong = wrong.clone();
        Callback::from(move |()| {
            wrong.set(None);
            on_cancel.emit(());
        })
    };
    if let Some(draft) = draft {
        return html! {
            <section class="panel entry-editor" data-testid="service" data-key={key}>
                if let Some(error) = problem {
                    <Problem {error} />
                }
                <ServiceEditor {draft} is_new={props.is_new()} wrong={(*wrong).clone()} {on_change} on_save={save}
                    on_cancel={cancel} />
            </section>
        };
    }
    let Some((key, service)) = &props.shown else { return html! {} };
    let problem = check(&session, key, service).err();
    let policy = |key: &String| {
        let known = session.workspace.as_ref().and_then(|workspace| workspace.escalations.get(key));
        known.map_or_else(|| key.clone(), |policy| policy.name.clone())
    };
    let team = service.team.as_ref().map(|team| tr!(i18n, "service-run-by", team = session.team_name(team)));
    let told = service.escalation.as_ref().map_or_else(
        || i18n.t("service-told-usual"),
        |key| tr!(i18n, "service-told-by", policy = policy(key)),
    );
    let facts: Vec<String> = team.into_iter().chain([told]).collect();
    html! {
        <div class="line" data-testid="service" data-key={key.clone()}>
            <span class="line-main"><b>{ &service.name }</b><span class="hint">{ facts.join(" · ") }</span>
                { beside(problem.map(|problem| service_words(i18n, &session, &problem))) }
            </span>
            if props.may_edit {
                <button class="button-text" onclick={begin} data-testid="service-edit">{ i18n.t("edit") }</button>
            }
        </div>
    }
}

/// Whether a service can be used, as far as is known here.
fn check(session: &Session, key: &str, service: &Service) -> Result<(), ServiceError> {
    let among = |workspace| service.check_among(key, workspace);
    session.workspace.as_ref().map_or_else(|| service.check(), among)
}

#[derive(Clone, PartialEq, Properties)]
struct EditorProps {
    draft: Service,
    is_new: bool,
    wrong: Option<ServiceError>,
    on_change: Callback<Service>,
    /// Told of what to write; of nothing to retire it.
    on_save: Callback<Option<Service>>,
    on_cancel: Callback<()>,
}

#[component]
fn ServiceEditor(props: &EditorProps) -> Html {
    let i18n = use_i18n();
    let session = use_session();
    let name = use_autofocus();
    let draft = &props.draft;
    let change = |set: fn(&mut Service, String)| entry::change(draft, &props.on_change, set);
    let problem = |field: &str| {
        let found = props.wrong.as_ref().filter(|wrong| wrong.field() == field);
        found.map(|wrong| service_words(i18n, &session, wrong))
    };
    let policies = session.workspace.iter().flat_map(|workspace| &workspace.escalations);
    let policies = policies.map(|(key, policy)| (key.clone(), policy.name.clone())).collect();
    let set_name = change(|draft, text| draft.name = text);
    let (on_save, on_retire, on_cancel) =
        (props.on_save.clone(), props.on_save.clone(), props.on_cancel.clone());
    let saved = draft.clone();
    html! {
        <div class="form" data-testid="service-editor">
            <div class="form-grid">
                <label class="stack"><span>{ i18n.t("oncall-name") }</span>
                    <input ref={name} class="input" type="text" value={draft.name.clone()} autocomplete="off"
                        data-testid="service-name" aria-invalid={problem("name").is_some().to_string()}
                        oninput={on_text(move |text| set_name.emit(text))} />
                    { beside(problem("name")) }</label>
                <label class="stack"><span>{ i18n.t("service-team") }</span>
                    <Select value={draft.team.clone().unwrap_or_default()} label={i18n.t("service-team")}
                        choices={optional_choices(i18n.t("none"), session.teams())} testid="service-team"
                        on_choose={change(|draft, key| draft.team = some(key))} />
                    { beside(problem("team")) }</label>
                <label class="stack"><span>{ i18n.t("service-escalation") }</span>
                    <Select value={draft.escalation.clone().unwrap_or_default()} label={i18n.t("service-escalation")}
                        choices={optional_choices(i18n.t("service-escalation-usual"), policies)} testid="service-escalation"
                        on_choose={change(|draft, key| draft.escalation = some(key))} />
                    { beside(problem("escalation")) }</label>
            </div>
            <EditorButtons what="service" is_new={props.is_new} on_save={move |_| on_save.emit(Some(saved.clone()))}
                on_cancel={move |_| on_cancel.emit(())} on_retire={move |_| on_retire.emit(None)} />
        </div>
    }
}
