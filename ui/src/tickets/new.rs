//! The form of a new ticket; what is typed is a draft until the ticket is made.

use std::{collections::BTreeSet, rc::Rc};

use desk_api::{ApiError, call::CreateTicket};
use desk_domain::{edit::NewTicket, ticket::Priority};
use serde::{Deserialize, Serialize};
use yew::prelude::*;

use super::{
    fields::{Tags, optional_choices, person_choices, some},
    filter::{ListQuery, View},
};
use crate::{
    bridge,
    commands::{Layer, use_commands},
    i18n::use_i18n,
    keys::Command,
    route::{self, Route},
    session::use_session,
    widgets::{
        draft::{DraftState, use_draft},
        field::{Choice, Select, TextArea, on_text, use_autofocus},
        page::{Page, Problem},
    },
};

/// What the form holds; the draft is its JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Form {
    title: String,
    description: String,
    priority: Priority,
    category: String,
    assignee: String,
    team: String,
    requester: String,
    tags: BTreeSet<String>,
}

impl Default for Form {
    fn default() -> Self {
        Self {
            title: String::new(),
            description: String::new(),
            priority: Priority::Medium,
            category: String::new(),
            assignee: String::new(),
            team: String::new(),
            requester: String::new(),
            tags: BTreeSet::new(),
        }
    }
}

impl Form {
    fn read(draft: &str) -> Self {
        serde_json::from_str(draft).unwrap_or_default()
    }

    /// As a draft; an empty form is none.
    fn write(&self) -> String {
        if *self == Self::default() { String::new() } else { serde_json::to_string(self).unwrap_or_default() }
    }

    fn into_ticket(self) -> NewTicket {
        NewTicket {
            description: self.description,
            priority: self.priority,
            category: some(self.category),
            assignee: some(self.assignee),
            team: some(self.team),
            requester: some(self.requester.trim().to_owned()),
            tags: self.tags,
            ..NewTicket::titled(self.title.trim())
        }
    }
}

/// The page.
#[component]
pub(crate) fn NewTicketPage() -> Html {
    let i18n = use_i18n();
    let session = use_session();
    let draft = use_draft("new-ticket".to_owned(), String::new());
    let problem = use_state(|| None::<ApiError>);
    let busy = use_state_eq(|| false);
    let title = use_autofocus();
    let form = Form::read(&draft.text);

    let change = |set: fn(&mut Form, String)| {
        let (draft, form) = (draft.clone(), form.clone());
        Callback::from(move |value: String| {
            let mut next = form.clone();
            set(&mut next, value);
            draft.set(next.write());
        })
    };
    let create = {
        let (draft, form, problem, busy) = (draft.clone(), form.clone(), problem.clone(), busy.clone());
        let session = Rc::clone(&session);
        Callback::from(move |()| {
            if *busy {
                return;
            }
            busy.set(true);
            let mut ticket = form.clone().into_ticket();
            // A member who is named is meant as that member.
            if let Some(typed) = &ticket.requester
                && let Some(member) = session.people().iter().find(|m| m.name == *typed || m.email == *typed)
            {
                ticket.requester = Some(member.id.to_string());
            }
            let (draft, problem, busy) = (draft.clone(), problem.clone(), busy.clone());
            bridge::spawn(async move {
                draft.settle().await;
                let text = draft.text.clone();
                let reply = bridge::call(CreateTicket { ticket }).await;
                busy.set(false);
                match reply {
                    Ok(view) => {
                        draft.discard(String::new());
                        route::go(Route::Tickets {
                            query: ListQuery::of(View::Active),
                            open: Some(view.ticket.id),
                        });
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
    let priorities: Vec<Choice> =
        Priority::ALL.iter().rev().map(|p| Choice::new(p.as_str(), i18n.word("priority", p))).collect();
    let set_tag = {
        let (draft, form) = (draft.clone(), form.clone());
        Callback::from(move |(tag, on): (String, bool)| {
            let mut next = form.clone();
            if on {
                next.tags.insert(tag);
            } else {
                next.tags.remove(&tag);
            }
            draft.set(next.write());
        })
    };
    let title_input = {
        let set = change(|form, text| form.title = text);
        on_text(move |text| set.emit(text))
    };
    let requester_input = {
        let set = change(|form, text| form.requester = text);
        on_text(move |text| set.emit(text))
    };
    html! {
        <Page title={i18n.t("new-ticket")} testid="new-ticket-page">
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
                <label class="stack">
                    <span>{ i18n.t("field-title") }</span>
                    <input ref={title} class="input input-large" type="text" value={form.title.clone()} oninput={title_input}
                        required=true maxlength="500" data-testid="new-ticket-title" autocomplete="off" />
                </label>
                <label class="stack">
                    <span>{ i18n.t("field-description") }</span>
                    <TextArea value={form.description.clone()} on_text={change(|form, text| form.description = text)}
                        label={i18n.t("field-description")} testid="new-ticket-description" grows=true class="textarea-tall" />
                </label>
                <div class="form-grid">
                    <label class="stack"><span>{ i18n.t("field-priority") }</span>
                        <Select value={form.priority.as_str()} choices={Rc::new(priorities)}
                            on_choose={change(|form, word| form.priority = word.parse().unwrap_or(Priority::Medium))}
                            label={i18n.t("field-priority")} testid="new-ticket-priority" /></label>
                    <label class="stack"><span>{ i18n.t("field-assignee") }</span>
                        <Select value={form.assignee.clone()} choices={person_choices(&session, i18n.t("nobody"))}
                            on_choose={change(|form, who| form.assignee = who)}
                            label={i18n.t("field-assignee")} testid="new-ticket-assignee" /></label>
                    <label class="stack"><span>{ i18n.t("field-team") }</span>
                        <Select value={form.team.clone()} choices={optional_choices(i18n.t("none"), session.teams())}
                            on_choose={change(|form, key| form.team = key)}
                            label={i18n.t("field-team")} testid="new-ticket-team" /></label>
                    <label class="stack"><span>{ i18n.t("field-category") }</span>
                        <Select value={form.category.clone()}
                            choices={optional_choices(i18n.t("none"), session.categories())}
                            on_choose={change(|form, key| form.category = key)}
                            label={i18n.t("field-category")} testid="new-ticket-category" /></label>
                    <label class="stack"><span>{ i18n.t("field-requester") }</span>
                        <input class="input" type="text" value={form.requester.clone()} oninput={requester_input}
                            list="requesters" autocomplete="off" data-testid="new-ticket-requester" /></label>
                    <datalist id="requesters">
                        for member in session.people() {
                            <option key={member.id.to_string()} value={member.name} />
                        }
                    </datalist>
                    <div class="stack"><span>{ i18n.t("field-tags") }</span>
                        <Tags tags={form.tags.iter().cloned().collect::<Vec<_>>()} disabled=false on_tag={set_tag} /></div>
                </div>
                <DraftState problem={draft.problem.clone()} />
                <div class="form-buttons">
                    <button class="button button-main" type="submit" data-testid="create-ticket"
                        disabled={form.title.trim().is_empty() || *busy}>{ i18n.t("new-ticket-create") }</button>
                    <kbd>{ i18n.t("send-hint") }</kbd>
                    <span class="spring" />
                    if draft.is_touched && form != Form::default() {
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
    fn a_form_is_read_from_its_draft() {
        let form =
            Form { title: " Принтер ".into(), tags: ["a".to_owned()].into(), ..Form::default() };
        assert_eq!(Form::read(&form.write()), form);
        assert_eq!(Form::read("not json"), Form::default());
        assert_eq!(Form::default().write(), "");
        let ticket = form.into_ticket();
        assert_eq!((ticket.title.as_str(), ticket.assignee), ("Принтер", None));
    }
}
