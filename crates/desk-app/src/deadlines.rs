//! When which alert falls due, computed from a document alone.

use desk_api::view::NextDue;
use desk_domain::{alert::AlertRule, sla, state::State, time::UtcMillis};
use desk_store::Deadline;

use crate::desk::WorkspaceRules;

/// The clock that runs out next and all instants at which something falls due.
pub(crate) fn of(state: &State, rules: &WorkspaceRules, now: UtcMillis) -> (Option<NextDue>, Vec<Deadline>) {
    match state {
        State::Ticket(ticket) if !ticket.deleted => {
            let clocks = sla::clocks(ticket, &rules.rules, now);
            let next_due = clocks
                .most_pressing()
                .and_then(|reading| reading.due_at.map(|due_at| NextDue { metric: reading.metric, due_at }));
            let deadlines = clocks
                .readings()
                .into_iter()
                .flat_map(|reading| {
                    reading.thresholds.iter().map(|threshold| Deadline {
                        rule: threshold.rule,
                        percent: threshold.percent,
                        metric: Some(reading.metric),
                        due_at: threshold.at,
                    })
                })
                .collect();
            (next_due, deadlines)
        }
        State::Incident(incident) if !incident.deleted && !incident.status.is_done() => {
            let escalation = rules.workspace.as_ref().map(|workspace| &workspace.escalation_min);
            let mut deadlines = Vec::new();
            // Whose severity ever escalates is worth knowing of at once.
            if escalation.is_some_and(|minutes| minutes.contains_key(&incident.severity)) {
                deadlines.push(deadline(AlertRule::IncidentDeclared, incident.created_at));
            }
            if let Some(at) = escalation.and_then(|minutes| incident.escalates_at(minutes)) {
                deadlines.push(deadline(AlertRule::IncidentEscalation, at));
            }
            (None, deadlines)
        }
        State::Ticket(_)
        | State::Incident(_)
        | State::Article(_)
        | State::Workspace(_)
        | State::Personal(_) => (None, Vec::new()),
    }
}

fn deadline(rule: AlertRule, due_at: UtcMillis) -> Deadline {
    Deadline { rule, percent: 100, metric: None, due_at }
}
