//! The form that declares an incident.

use std::{collections::BTreeSet, rc::Rc};

use desk_api::{
    ApiError, ErrorCode,
    call::{CreateIncident, GetTicket},
    view::TicketView,
};
use desk_domain::{ids::DocId, incident::Severity};
use serde::{Deserialize, Serialize};
use yew::prelude::*;

use super::severity::SeverityChooser;
use crate::{
    bridge, clock,
    commands::{Layer, use_commands},
    i18n::{I18n, format, tr, use_i18n},
    keys::Command,
    route::{self, Route},
    session::use_session,
    widgets::{
        draft::{DraftState, use_draft},
        field::{Choice, TextArea, on_text, use_autofocus},
        page::{Page, Problem},
        toast,
    },
};

/// What the form holds; the draft is its JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Form {
    title: String,
    summary: String,
    severity: Severity,
    services: String,
    /// As it was typed: local time.
    impact: String,
}

impl Default for Form {
    fn default() -> Self {
        Self {
            title: String::new(),
            summary: String::new(),
            severity: Severity::P3,
            services: String::new(),
            impact: String::new(),
        }
    }
}

/// Names as people type them, separated by commas.
pub(crate) fn split_names(typed: &str) -> BTreeSet<String> {
    typed.split([',', ';', '\n']).map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// What a field of names may go on to: what is typed up to its last comma, and each of the names that it does not have yet.
fn continued(typed: &str, names: &[String]) -> Vec<String> {
    let (begun, last) = typed.rfind([',', ';']).map_or(("", typed), |at| typed.split_at(at + 1));
    let listed = split_names(begun);
    let last = last.trim().to_lowercase();
    let fits = |name: &&String| !listed.contains(*name) && name.to_lowercase().contains(&last);
    let begun = begun.trim_end();
    let space = if begun.is_empty() { "" } else { " " };
    names.iter().filter(fits).map(|name| format!("{begun}{space}{name}")).collect()
}

/// Severities, each with what it means.
pub(crate) fn severity_choices(i18n: crate::i18n::I18n) -> Rc<Vec<Choice>> {
    let label = |severity: &Severity| format!("{severity} · {}", i18n.word("severity", severity));
    Rc::new(Severity::ALL.iter().map(|severity| Choice::new(severity.as_str(), label(severity))).collect())
}

impl Form {
    /// What a ticket says already.
    fn of(i18n: I18n, view: &TicketView) -> Self {
        Self {
            title: view.ticket.title.clone(),
            summary: view.ticket.description.clone(),
            // As a person would type it.
            impact: format::date_time(i18n, format::local(view.ticket.created_at)),
            ..Self::default()
        }
    }
}

/// Properties of [`NewIncidentPage`].
#[derive(Clone, Debug, PartialEq, Properties)]
pub(crate) struct NewIncidentProps {
    /// The ticket that it is declared from.
    pub(crate) ticket: Option<DocId>,
}

/// The ticket that it is declared from, once it is read; read once, so that what is being typed stays.
#[hook]
fn use_source(ticket: Option<DocId>) -> Option<Rc<TicketView>> {
    let source = use_state(|| None::<Rc<TicketView>>);
    {
        let source = source.clone();
        use_effect_with(ticket, move |ticket| {
            source.set(None);
            let Some(id) = *ticket else { return };
            bridge::spawn(async move {
                match bridge::call(GetTicket { id }).await {
                    Ok(view) => source.set(view.map(Rc::new)),
                    Err(error) => toast::failed(error),
                }
            });
        });
    }
    (*source).clone()
}

/// The page.
#[component]
pub(crate) fn NewIncidentPage(props: &NewIncidentProps) -> Html {
    let i18n = use_i18n();
    let session = use_session();
    let ticket = props.ticket;
    let key = ticket.map_or_else(|| "new-incident".to_owned(), |ticket| format!("new-incident/{ticket}"));
    let draft = use_draft(key, String::new());
    let source = use_source(ticket);
    let problem = use_state(|| None::<ApiError>);
    let busy = use_state_eq(|| false);
    let title = use_autofocus();
    let first = source.as_deref().map_or_else(Form::default, |view| Form::of(i18n, view));
    let form: Form = serde_json::from_str(&draft.text).unwrap_or_else(|_| first.clone());
    let change = |set: fn(&mut Form, String)| {
        let (draft, form, first) = (draft.clone(), form.clone(), first.clone());
        Callback::from(move |text: String| {
            let mut next = form.clone();
            set(&mut next, text);
            draft.set(if next == first {
                String::new()
            } else {
                serde_json::to_string(&next).unwrap_or_default()
            });
        })
    };
    let create = {
        let (draft, form, problem, busy) = (draft.clone(), form.clone(), problem.clone(), busy.clone());
        Callback::from(move |()| {
            if *busy {
                return;
            }
            let typed = form.impact.trim();
            let impact_at = format::parse_typed(typed, clock::now(), format::offset_min);
            if impact_at.is_none() && !typed.is_empty() {
                let error = ApiError::new(ErrorCode::Invalid, i18n.t("moment-bad"));
                problem.set(Some(error.at("impact_at")));
                return;
            }
            busy.set(true);
            let (draft, problem, busy) = (draft.clone(), problem.clone(), busy.clone());
            let request = CreateIncident {
                title: form.title.trim().to_owned(),
                summary: form.summary.clone(),
                severity: form.severity,
                services: split_names(&form.services),
                impact_at,
                tickets: ticket.into_iter().collect(),
            };
            bridge::spawn(async move {
                draft.settle().await;
                let text = draft.text.clone();
                let reply = bridge::call(request).await;
                busy.set(false);
                match reply {
                    Ok(view) => {
                        draft.discard(String::new());
                        route::go(Route::Incidents { open: Some(view.incident.id) });
                    }
                    Err(error) => {
                        draft.set(text);
                        problem.set(Some(error));
                    }
                }
            });
        })
    };
    {
        let create = create.clone();
        use_commands(Layer::Form, move |command| {
            let sends = command == Command::Send;
            if sends {
                create.emit(());
            }
            sends
        });
    }
    let input = |set: fn(&mut Form, String)| {
        let set = change(set);
        on_text(move |text| set.emit(text))
    };
    html! {
        <Page title={i18n.t("new-incident")} testid="new-incident-page">
            <form class="form" onsubmit={
                let create = create.clone();
                move |event: SubmitEvent| {
                    event.prevent_default();
                    create.emit(());
                }
            }>
                if let Some(error) = (*problem).clone() {
                    <Problem {error} />
                }
                <label class="stack"><span>{ i18n.t("incident-field-title") }</span>
                    <input ref={title} class="input input-large" type="text" required=true maxlength="500"
                        value={form.title.clone()} oninput={input(|form, text| form.title = text)} autocomplete="off"
                        data-testid="new-incident-title" /></label>
                if let Some(view) = &source {
                    <p class="hint" data-testid="new-incident-ticket">
                        { tr!(i18n, "new-incident-from", number = view.number.clone(), title = view.ticket.title.clone()) }</p>
                }
                <SeverityChooser value={form.severity} testid="new-incident-severity" on_choose={
                    let choose = change(|form, word| form.severity = word.parse().unwrap_or(Severity::P3));
                    Callback::from(move |severity: Severity| choose.emit(severity.to_string()))
                } />
                <div class="form-grid">
                    <label class="stack"><span>{ i18n.t("incident-impact") }</span>
                        <input class="input" type="text" value={form.impact.clone()} autocomplete="off"
                            placeholder={i18n.t("moment-hint")}
                            oninput={input(|form, text| form.impact = text)} data-testid="new-incident-impact" /></label>
                    <label class="stack"><span>{ i18n.t("incident-services") }</span>
                        <input class="input" type="text" value={form.services.clone()} autocomplete="off"
                            placeholder={i18n.t("incident-services-hint")} list="new-incident-known-services"
                            oninput={input(|form, text| form.services = text)} data-testid="new-incident-services" />
                        <datalist id="new-incident-known-services">
                            for name in continued(&form.services, &session.services()) {
                                <option key={name.clone()} value={name} />
                            }
                        </datalist></label>
                </div>
                <label class="stack"><span>{ i18n.t("incident-summary") }</span>
                    <TextArea value={form.summary.clone()} on_text={change(|form, text| form.summary = text)}
                        label={i18n.t("incident-summary")} testid="new-incident-summary" grows=true
                        class="textarea-tall" /></label>
                <DraftState problem={draft.problem.clone()} />
                <div class="form-buttons">
                    <button class="button button-main" type="submit" data-testid="create-incident"
                        disabled={form.title.trim().is_empty() || *busy}>{ i18n.t("new-incident-create") }</button>
                    <kbd>{ i18n.t("send-hint") }</kbd>
                    <span class="spring" />
                    if draft.is_touched && form != first {
                        <button class="button-text" type="button" data-testid="draft-discard" onclick={
                            let draft = draft.clone();
                            move |_| draft.discard(String::new())
                        }>{ i18n.t("draft-discard") }</button>
                    }
                </div>
            </form>
        </Page>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_separated_by_commas() {
        let names: Vec<String> = split_names(" pos, billing ,, pos; mail").into_iter().collect();
        assert_eq!(names, ["billing", "mail", "pos"]);
        assert!(split_names(" , ").is_empty());
    }

    #[test]
    fn a_list_of_names_goes_on_with_those_that_it_has_not_yet() {
        let names = ["Кассы", "Почта", "Почтамт"].map(str::to_owned);
        for (typed, expected) in [
            ("", vec!["Кассы", "Почта", "Почтамт"]),
            ("поч", vec!["Почта", "Почтамт"]),
            ("Почта,", vec!["Почта, Кассы", "Почта, Почтамт"]),
            ("Почта;  кас", vec!["Почта; Кассы"]),
            ("склад, ", vec!["склад, Кассы", "склад, Почта", "склад, Почтамт"]),
            ("ничего такого", vec![]),
        ] {
            assert_eq!(continued(typed, &names), expected, "{typed:?}");
        }
    }
}
