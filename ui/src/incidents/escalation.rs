//! How the escalation of an incident stands: who was told, who is told next and when, and taking it.

use std::rc::Rc;

use desk_api::{
    call::AcknowledgeIncident,
    view::{EscalationView, IncidentView, NextStep, SyncPhase},
};
use desk_domain::{escalation::Step, ids::DocId, time::UtcMillis};
use yew::prelude::*;

use crate::{
    bridge,
    clock::{self, use_now},
    commands::{Layer, use_commands},
    i18n::{I18n, format, tr, use_i18n},
    keys::Command,
    live::SYNC,
    session::{Session, use_session},
    store::use_store,
    widgets::{moment::Exact, toast},
};

/// How long an acknowledgement may be at a press, in minutes; besides for good.
const LENGTHS_MIN: [i64; 2] = [30, 120];

/// Properties of [`EscalationPanel`].
#[derive(Clone, PartialEq, Properties)]
pub(crate) struct EscalationPanelProps {
    /// The incident.
    pub(crate) view: Rc<IncidentView>,
    /// It cannot be edited.
    pub(crate) is_locked: bool,
    /// Told of the incident as it is after an acknowledgement.
    pub(crate) on_view: Callback<IncidentView>,
}

fn acknowledge(id: DocId, until: Option<UtcMillis>, on_view: Callback<IncidentView>) {
    bridge::spawn(async move {
        match bridge::call(AcknowledgeIncident { id, until }).await {
            Ok(view) => on_view.emit(view),
            Err(error) => toast::failed(error),
        }
    });
}

/// That the page is what this device knew when it was last connected, if it is not connected now.
#[component]
pub(crate) fn AsKnown() -> Html {
    let i18n = use_i18n();
    let sync = use_store(&SYNC);
    match (sync.phase, sync.synced_at) {
        (SyncPhase::Offline | SyncPhase::Stopped, Some(at)) => {
            let at = format::date_time(i18n, format::local(at));
            html! { <p class="banner" data-testid="as-known">{ tr!(i18n, "as-known-at", at = at) }</p> }
        }
        (SyncPhase::Offline | SyncPhase::Stopped, None) => {
            html! { <p class="banner" data-testid="as-known">{ i18n.t("as-known") }</p> }
        }
        (SyncPhase::Local | SyncPhase::Idle | SyncPhase::Busy, _) => html! {},
    }
}

fn names(session: &Session, members: &[desk_domain::ids::MemberId], nobody: String) -> String {
    if members.is_empty() {
        return nobody;
    }
    let names: Vec<String> = members.iter().map(|member| session.name(&member.to_string())).collect();
    names.join(", ")
}

/// What happens next, in words.
fn next_words(i18n: I18n, session: &Session, next: &NextStep, now: UtcMillis) -> String {
    let left = next.at.since(now);
    let when = if left > 0 { format::countdown(i18n, left) } else { i18n.t("escalation-now") };
    match &next.step {
        Step::Start { .. } => tr!(i18n, "escalation-next-start", left = when),
        Step::Page(page) => tr!(
            i18n,
            "escalation-next-page",
            left = when,
            level = i64::from(page.level),
            names = names(session, &page.members, i18n.t("nobody"))
        ),
        Step::Expire => tr!(i18n, "escalation-next-expire", left = when),
        Step::End { reason } => {
            tr!(i18n, "escalation-next-end", left = when, reason = i18n.word("escalation-end", reason))
        }
    }
}

fn state_words(i18n: I18n, session: &Session, escalation: &EscalationView) -> String {
    if let Some(reason) = escalation.ended {
        return tr!(i18n, "escalation-ended", reason = i18n.word("escalation-end", reason));
    }
    let Some(hold) = &escalation.hold else { return i18n.t("escalation-running") };
    let who = session.author(i18n, &hold.by);
    let until = hold.until.map(|until| format::date_time(i18n, format::local(until)));
    until.map_or_else(
        || tr!(i18n, "escalation-held", who = who.clone()),
        |at| tr!(i18n, "escalation-held-until", who = who.clone(), at = at),
    )
}

/// The panel; `a` takes the incident.
#[component]
pub(crate) fn EscalationPanel(props: &EscalationPanelProps) -> Html {
    let i18n = use_i18n();
    let session = use_session();
    let now = use_now(1);
    let incident = &props.view.incident;
    let is_held = desk_domain::escalation::held(incident).is_some_and(|hold| hold.until.is_none());
    let may_take = !props.is_locked && !incident.status.is_done() && !is_held;
    {
        let (id, on_view) = (incident.id, props.on_view.clone());
        use_commands(Layer::Detail, move |command| {
            let takes = command == Command::Assign && may_take;
            if takes {
                acknowledge(id, None, on_view.clone());
            }
            takes
        });
    }
    let Some(escalation) = &props.view.escalation else { return html! {} };
    let button = |minutes: Option<i64>, label: String, class: &'static str| {
        let (id, on_view) = (incident.id, props.on_view.clone());
        let testid = minutes
            .map_or_else(|| "escalation-ack".to_owned(), |minutes| format!("escalation-ack-{minutes}"));
        html! {
            <button class={classes!("button", class)} data-testid={testid} onclick={move |_| {
                let until = minutes.map(|minutes| clock::now().plus_ms(minutes * 60_000));
                acknowledge(id, until, on_view.clone());
            }}>{ label }</button>
        }
    };
    html! {
        <section class="panel" data-testid="escalation-panel" data-pages={escalation.pages.len().to_string()}
            data-held={escalation.hold.is_some().to_string()}>
            <h2>{ i18n.t("escalation") }</h2>
            <p class="hint">{ &escalation.policy.name }</p>
            <p data-testid="escalation-state">{ state_words(i18n, &session, escalation) }</p>
            <ol class="history">
                for sent in escalation.pages.iter() {
                    <li class="history-entry" data-testid="escalation-page" data-level={sent.page.level.to_string()}>
                        <Exact at={sent.at} />
                        <div>{ tr!(i18n, "escalation-level", level = i64::from(sent.page.level),
                            cycle = i64::from(sent.page.cycle),
                            names = names(&session, &sent.page.members, i18n.t("nobody"))) }</div>
                    </li>
                }
            </ol>
            if let Some(next) = &escalation.next {
                <p class="hint" data-testid="escalation-next">{ next_words(i18n, &session, next, now) }</p>
            }
            if may_take {
                <div class="form-buttons">
                    { button(None, i18n.t("incident-acknowledge"), "button-main") }
                    { for LENGTHS_MIN.into_iter().map(|minutes| {
                        button(Some(minutes), tr!(i18n, "escalation-ack-for", minutes = minutes), "")
                    }) }
                </div>
            }
            <AsKnown />
        </section>
    }
}
