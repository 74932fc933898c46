//! Incidents: the list, the page of one, the form that declares one.

pub(crate) mod escalation;
pub(crate) mod metrics;
pub(crate) mod new;
pub(crate) mod page;
mod postmortem;
mod proposals;
mod severity;
mod text;
pub(crate) mod timeline;
mod updates;

use desk_api::{
    ApiError,
    call::{EditIncident, ListIncidents},
    view::{IncidentRow, IncidentView},
};
use desk_domain::{
    edit::IncidentOp,
    ids::{DocId, DocKind},
    incident::{Incident, proposal::ProposalState},
};
use yew::prelude::*;

use self::page::IncidentPage;
use crate::{
    bridge,
    commands::{Layer, use_commands},
    i18n::{I18n, format, tr, use_i18n},
    keys::Command,
    query::use_query,
    route::{self, Route},
    session::{Session, use_session},
    undo::{self, Restore},
    widgets::{
        icons::{self, Glyph, glyph},
        moment::Ago,
        page::{Empty, Problem},
        toast,
    },
};

/// Properties of [`IncidentsPage`].
#[derive(Clone, Debug, PartialEq, Properties)]
pub(crate) struct IncidentsProps {
    /// The incident that is open.
    pub(crate) open: Option<DocId>,
}

/// The page: the list, with an incident beside it.
#[component]
pub(crate) fn IncidentsPage(props: &IncidentsProps) -> Html {
    let i18n = use_i18n();
    let session = use_session();
    let at = use_state_eq(|| 0_usize);
    let query = use_query(ListIncidents {}, &[DocKind::Incident], None);
    let rows: Vec<IncidentRow> = query.data.iter().flat_map(|rows| rows.iter().cloned()).collect();
    let open_at = props.open.and_then(|id| rows.iter().position(|row| row.id == id));
    let current = open_at.unwrap_or_else(|| (*at).min(rows.len().saturating_sub(1)));
    {
        let ids: Vec<DocId> = rows.iter().map(|row| row.id).collect();
        let (at, open) = (at.clone(), props.open);
        use_commands(Layer::List, move |command| {
            let next = match command {
                Command::Down => (current + 1).min(ids.len().saturating_sub(1)),
                Command::Up => current.saturating_sub(1),
                Command::Open => {
                    if let (Some(id), None) = (ids.get(current), open) {
                        route::go(Route::Incidents { open: Some(*id) });
                    }
                    return open.is_none();
                }
                Command::Back if open.is_some() => {
                    route::go(Route::Incidents { open: None });
                    return true;
                }
                _ => return false,
            };
            at.set(next);
            if let (Some(id), Some(_)) = (ids.get(next), open) {
                route::replace(Route::Incidents { open: Some(*id) });
            }
            true
        });
    }
    let group = |label: String, group: Group| {
        let shown = rows.iter().enumerate().filter(|(_, row)| Group::of(row) == group);
        let is_over = group == Group::Over;
        let lines: Html = shown
            .map(|(at, row)| {
                html! {
                    <a key={row.id.to_string()} href={format!("#{}", Route::Incidents { open: Some(row.id) }.to_hash())}
                        class={classes!("row", (at == current).then_some("is-current"),
                            (props.open == Some(row.id)).then_some("is-open"), is_over.then_some("is-done"))}
                        data-testid="incident-row" data-number={row.number.clone()} data-status={row.status.as_str()}>
                        { icons::severity(row.severity) }
                        <span class="row-two">
                            <span class="row-line"><span class="row-title">{ &row.title }</span></span>
                            <span class="row-line row-second">
                                { icons::incident_status(row.status) }
                                <span class="row-assignee">{ standing(i18n, row) }</span>
                                <span class="row-number">{ &row.number }</span>
                                <Ago at={row.updated_at} />
                            </span>
                        </span>
                    </a>
                }
            })
            .collect();
        html! {
            if rows.iter().any(|row| Group::of(row) == group) {
                <h2 class="rows-group">{ label }</h2>
                { lines }
            }
        }
    };
    html! {
        <div class="panes" data-open={props.open.is_some().to_string()}>
            <section class="list-pane" data-compact="true" aria-label={i18n.t("incidents")}>
                <header class="list-head">
                    <div class="list-title">
                        <h1>{ i18n.t("incidents") }</h1>
                        <span class="spring" />
                        <a class="button" href={format!("#{}", Route::IncidentMetrics.to_hash())}
                            data-testid="incident-metrics">{ i18n.t("metrics") }</a>
                        if session.read_only.is_none() {
                            <a class="button" href="#/incidents/new" data-testid="new-incident" title={i18n.t("new-incident")}>
                                { glyph(Glyph::Plus) }<span>{ i18n.t("new-incident-create") }</span>
                            </a>
                        }
                    </div>
                </header>
                if let Some(error) = query.error.clone() {
                    <Problem {error} />
                }
                <div class="rows rows-plain" data-testid="incident-rows">
                    { group(i18n.t("incident-proposed-group"), Group::Proposed) }
                    { group(i18n.t("incident-running"), Group::Running) }
                    { group(i18n.t("incident-over"), Group::Over) }
                    if query.data.is_some() && rows.is_empty() {
                        <Empty text={i18n.t("incidents-none")} />
                    }
                </div>
            </section>
            if let Some(id) = props.open {
                <IncidentPage {id} />
            }
        </div>
    }
}

/// Where an incident stands in the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Group {
    Proposed,
    Running,
    Over,
}

impl Group {
    fn of(row: &IncidentRow) -> Self {
        match row.proposal {
            Some(ProposalState::Waiting) => Self::Proposed,
            Some(ProposalState::Dismissed) => Self::Over,
            Some(ProposalState::Confirmed) | None if row.status.is_done() => Self::Over,
            Some(ProposalState::Confirmed) | None => Self::Running,
        }
    }
}

/// Where it stands, or where its proposal does.
fn standing(i18n: I18n, row: &IncidentRow) -> String {
    match row.proposal {
        Some(state @ (ProposalState::Waiting | ProposalState::Dismissed)) => {
            i18n.word("proposal-state", state)
        }
        Some(ProposalState::Confirmed) | None => i18n.word("incident-status", row.status),
    }
}

/// The step that restores what `op` changes; `None` where nothing is to be restored.
fn inverse(incident: &Incident, op: &IncidentOp) -> Option<IncidentOp> {
    let inverse = match op {
        IncidentOp::EditPostmortem { body, .. } => {
            IncidentOp::EditPostmortem { base: Some(body.clone()), body: incident.postmortem.clone() }
        }
        // A response that moved on has been told of; it moves back by a move of its own.
        IncidentOp::SetStatus { .. } => return None,
        op => op.standing(incident)?,
    };
    (inverse != *op).then_some(inverse)
}

/// The step that sets a field of a conflict to one of its values; `None` for a value that the field cannot have.
pub(crate) fn set_field(field: &str, value: Option<&str>) -> Option<IncidentOp> {
    let owned = || value.map(str::to_owned);
    Some(match field {
        "title" => IncidentOp::SetTitle { title: owned()? },
        "summary" => IncidentOp::SetSummary { summary: owned().unwrap_or_default() },
        "severity" => IncidentOp::SetSeverity { severity: value?.parse().ok()? },
        "status" => IncidentOp::SetStatus { status: value?.parse().ok()? },
        "deleted" => IncidentOp::SetDeleted { deleted: value?.parse().ok()? },
        _ => match field.split_once('.')? {
            ("roles", role) => IncidentOp::SetRole { role: role.parse().ok()?, member: owned() },
            ("milestones", milestone) => IncidentOp::SetMilestone {
                milestone: milestone.parse().ok()?,
                reached_at: value?.parse().ok()?,
            },
            _ => return None,
        },
    })
}

/// An edit in words.
pub(crate) fn describe(i18n: I18n, session: &Session, op: &IncidentOp) -> String {
    let pair = |field: String, value: String| format!("{field}: {value}");
    match op {
        IncidentOp::Create { title, .. } => tr!(i18n, "op-incident-create", title = title.clone()),
        IncidentOp::SetTitle { title } => pair(i18n.word("incident-field", "title"), title.clone()),
        IncidentOp::SetSummary { summary } => pair(i18n.word("incident-field", "summary"), summary.clone()),
        IncidentOp::SetSeverity { severity } => {
            pair(i18n.word("incident-field", "severity"), severity.to_string())
        }
        IncidentOp::SetStatus { status } => {
            pair(i18n.word("incident-field", "status"), i18n.word("incident-status", status))
        }
        IncidentOp::SetService { service, on: true } => {
            tr!(i18n, "incident-service-on", name = service.clone())
        }
        IncidentOp::SetService { service, on: false } => {
            tr!(i18n, "incident-service-off", name = service.clone())
        }
        IncidentOp::SetRole { role, member } => pair(
            i18n.word("incident-role", role),
            member.as_deref().map_or_else(|| i18n.t("nobody"), |who| session.name(who)),
        ),
        IncidentOp::LinkTicket { on: true, .. } => i18n.t("incident-linked"),
        IncidentOp::LinkTicket { on: false, .. } => i18n.t("incident-unlinked"),
        IncidentOp::SetMilestone { milestone, reached_at } => {
            pair(i18n.word("milestone", milestone), format::date_time(i18n, format::local(*reached_at)))
        }
        IncidentOp::AddNote { text } => tr!(i18n, "op-incident-note", text = text.clone()),
        IncidentOp::AddUpdate { text, .. } => tr!(i18n, "op-incident-update", text = text.clone()),
        IncidentOp::Propose { rule, severity, .. } => {
            tr!(i18n, "incident-proposed", rule = rule.clone(), severity = severity.as_str())
        }
        IncidentOp::Confirm => i18n.t("incident-confirmed"),
        IncidentOp::Dismiss { text } => tr!(i18n, "incident-dismissed", text = text.clone()),
        IncidentOp::Acknowledge { .. } => i18n.t("escalation-acknowledged"),
        IncidentOp::StartEscalation { .. }
        | IncidentOp::Page { .. }
        | IncidentOp::ExpireAcknowledgement
        | IncidentOp::EndEscalation { .. } => i18n.t("op-escalation-step"),
        IncidentOp::EditPostmortem { .. } => i18n.t("incident-postmortem"),
        IncidentOp::SetDeleted { deleted: true } => i18n.t("incident-deleted"),
        IncidentOp::SetDeleted { deleted: false } => i18n.t("incident-restored"),
    }
}

/// Edits an incident; what can be taken back is, by one step.
pub(crate) async fn edit(
    i18n: I18n,
    session: &Session,
    incident: &Incident,
    ops: Vec<IncidentOp>,
) -> Result<IncidentView, ApiError> {
    let inverses: Vec<IncidentOp> = ops.iter().rev().filter_map(|op| inverse(incident, op)).collect();
    let label = ops.first().map(|op| describe(i18n, session, op));
    let reply = bridge::call(EditIncident { id: incident.id, ops }).await;
    match &reply {
        Ok(_) => {
            if let (Some(label), false) = (label, inverses.is_empty()) {
                undo::done(label, vec![Restore::Incident(incident.id, inverses)]);
            }
        }
        Err(error) => toast::failed(error.clone()),
    }
    reply
}

#[cfg(test)]
mod tests {
    use desk_domain::{
        incident::{IncidentRole, IncidentStatus, Milestone, Severity},
        time::UtcMillis,
    };

    use super::*;

    #[test]
    fn what_can_be_taken_back_is_restored() {
        let id: DocId = "0199d2b4-3c00-7000-8000-000000000001".parse().expect("an id");
        let incident = Incident {
            id,
            title: "Down".into(),
            summary: String::new(),
            severity: Severity::P2,
            status: IncidentStatus::Open,
            services: ["pos".to_owned()].into(),
            roles: [(IncidentRole::Scribe, "me".to_owned())].into(),
            tickets: [].into(),
            timeline: vec![],
            milestones: [(Milestone::Detected, UtcMillis(5))].into(),
            postmortem: "a".into(),
            created_at: UtcMillis(0),
            updated_at: UtcMillis(0),
            deleted: false,
            conflicts: vec![],
            schema: 1,
        };
        let check =
            |op: IncidentOp, expected: Option<IncidentOp>| assert_eq!(inverse(&incident, &op), expected);
        check(
            IncidentOp::SetSeverity { severity: Severity::P1 },
            Some(IncidentOp::SetSeverity { severity: Severity::P2 }),
        );
        check(
            IncidentOp::SetRole { role: IncidentRole::Scribe, member: None },
            Some(IncidentOp::SetRole { role: IncidentRole::Scribe, member: Some("me".into()) }),
        );
        check(IncidentOp::SetService { service: "pos".into(), on: true }, None);
        check(IncidentOp::SetStatus { status: IncidentStatus::Resolved }, None);
        check(IncidentOp::SetMilestone { milestone: Milestone::Impact, reached_at: UtcMillis(1) }, None);
        check(
            IncidentOp::EditPostmortem { base: Some("a".into()), body: "ab".into() },
            Some(IncidentOp::EditPostmortem { base: Some("ab".into()), body: "a".into() }),
        );
    }
}
