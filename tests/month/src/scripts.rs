//! What people do to tickets and incidents, decided by the dice when the ticket or incident begins.

use desk_domain::{
    edit::{IncidentOp, NewTicket, TicketOp},
    ids::{CommentId, Ids},
    incident::{IncidentStatus, Severity},
    ticket::{AuthorSide, Priority, Status, Ticket, Visibility},
    time::UtcMillis,
};

use crate::{
    chance::Chance,
    plan::{
        BEGIN, BOSS, DAY_MS, DAYS, DEPUTY, DESK_AGENT, FIELD_AGENT, HOUR_MS, MINUTE_MS, NIGHT_AGENT, People,
    },
};

/// Something done to a ticket after a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TicketStep {
    Answer,
    AnswerAndWait,
    Note,
    Ask,
    Priority,
    Hand,
    Resolve,
    Reopen,
}

/// Something done to an incident after a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IncidentStep {
    /// For so many minutes; 0 is for good.
    Acknowledge(i64),
    Raise,
    Investigate,
    Resolve,
}

/// An instant of the month: mostly in the hours of work.
pub(crate) fn instant(chance: &Chance) -> UtcMillis {
    let day = chance.between(0, DAYS - 1);
    // The month begins on a Sunday.
    let is_weekend = day % 7 == 0 || day % 7 == 6;
    let within = if chance.hits(if is_weekend { 5 } else { 85 }) {
        chance.between(9 * HOUR_MS, 18 * HOUR_MS)
    } else {
        chance.between(0, DAY_MS - 1)
    };
    UtcMillis(BEGIN.0 + day * DAY_MS + within)
}

/// How long until the next thing is done: from minutes to days.
fn pause(chance: &Chance) -> i64 {
    const LONGEST_MIN: [i64; 8] = [10, 20, 45, 120, 240, 600, 1_500, 4_000];
    chance.between(MINUTE_MS, chance.pick(&LONGEST_MIN) * MINUTE_MS)
}

pub(crate) fn ticket(chance: &Chance, people: &People) -> (NewTicket, Vec<(i64, TicketStep)>) {
    use Priority::{Critical, High, Low, Medium, Urgent};
    let mut new = NewTicket::titled("Не печатает / Does not print");
    new.priority = chance.pick(&[Low, Low, Medium, Medium, Medium, Medium, High, High, Urgent, Critical]);
    new.team =
        chance.pick(&[None, Some("service-desk"), Some("service-desk"), Some("field")]).map(str::to_owned);
    if chance.hits(40) {
        new.assignee = Some(people.id(chance.pick(&[DESK_AGENT, FIELD_AGENT, NIGHT_AGENT])).to_string());
    }
    let mut steps = vec![TicketStep::Answer];
    if chance.hits(30) {
        steps[0] = TicketStep::AnswerAndWait;
    }
    for (percent, step) in [
        (15, TicketStep::Priority),
        (15, TicketStep::Hand),
        (5, TicketStep::Note),
        (40, TicketStep::Ask),
        (10, TicketStep::Ask),
        (30, TicketStep::Answer),
    ] {
        if chance.hits(percent) {
            let place = usize::try_from(chance.between(0, steps.len().try_into().unwrap_or(0))).unwrap_or(0);
            steps.insert(place, step);
        }
    }
    if chance.hits(85) {
        steps.push(TicketStep::Resolve);
        if chance.hits(12) {
            steps.extend([TicketStep::Reopen, TicketStep::Answer, TicketStep::Resolve]);
        }
    }
    (new, steps.into_iter().map(|step| (pause(chance), step)).collect())
}

/// The ops of a step on a ticket as it is; none where it no longer makes sense.
pub(crate) fn ticket_ops(
    step: TicketStep,
    ticket: &Ticket,
    chance: &Chance,
    people: &People,
) -> Vec<TicketOp> {
    let comment = |side, visibility| TicketOp::AddComment {
        id: CommentId(chance.fresh()),
        visibility,
        side,
        body: "…".to_owned(),
    };
    let answer = || comment(AuthorSide::Staff, Visibility::Public);
    let ask = || comment(AuthorSide::Requester, Visibility::Public);
    let status = |status| TicketOp::SetStatus { status };
    let done = ticket.status.is_done();
    match step {
        TicketStep::Answer | TicketStep::AnswerAndWait | TicketStep::Resolve if done => Vec::new(),
        TicketStep::Answer => vec![answer(), status(Status::InProgress)],
        TicketStep::AnswerAndWait => vec![answer(), status(Status::Pending)],
        TicketStep::Note => vec![comment(AuthorSide::Staff, Visibility::Internal)],
        // Sometimes nobody takes it up: the requester writes, and the ticket stays resolved.
        TicketStep::Ask if done => vec![ask()],
        TicketStep::Ask | TicketStep::Reopen => vec![ask(), status(Status::Open)],
        TicketStep::Priority => {
            vec![TicketOp::SetPriority { priority: chance.pick(Priority::ALL) }]
        }
        TicketStep::Hand => {
            let team = chance.pick(&[Some("service-desk"), Some("field"), None]).map(str::to_owned);
            let assignee = chance.pick(&[None, Some(DESK_AGENT), Some(FIELD_AGENT), Some(NIGHT_AGENT)]);
            let assignee = assignee.map(|place| people.id(place).to_string());
            vec![TicketOp::SetTeam { team }, TicketOp::SetAssignee { assignee }]
        }
        TicketStep::Resolve => vec![status(Status::Resolved)],
    }
}

pub(crate) fn incident(chance: &Chance) -> (IncidentOp, Vec<(i64, IncidentStep)>) {
    use Severity::{P1, P2, P3, P4};
    let severity = chance.pick(&[P1, P1, P2, P2, P2, P3, P3, P4]);
    let service = chance.pick(&[None, None, Some("billing"), Some("doors"), Some("wiki")]);
    let create = IncidentOp::Create {
        title: "Касса не отвечает / Billing is down".to_owned(),
        summary: String::new(),
        severity,
        services: service.into_iter().map(str::to_owned).collect(),
        impact_at: None,
    };
    let mut steps = Vec::new();
    let minutes = |longest| chance.between(MINUTE_MS, longest * MINUTE_MS);
    if severity == P4 || chance.hits(15) {
        steps.push((minutes(90), IncidentStep::Raise));
    }
    if chance.hits(60) {
        // Eight days outlast the escalation.
        let hold = chance.pick(&[10, 30, 30, 120, 8 * 24 * 60]);
        steps.push((minutes(chance.pick(&[4, 25, 150])), IncidentStep::Acknowledge(hold)));
        if chance.hits(30) {
            steps.push((minutes(40), IncidentStep::Acknowledge(chance.pick(&[20, 60]))));
        }
    }
    if chance.hits(60) {
        let taken = chance.pick(&[IncidentStep::Acknowledge(0), IncidentStep::Investigate]);
        steps.push((minutes(chance.pick(&[10, 60, 400])), taken));
    }
    if chance.hits(90) {
        steps.push((minutes(chance.pick(&[60, 600, 3_000])), IncidentStep::Resolve));
    }
    (create, steps)
}

/// The op of a step on an incident.
pub(crate) fn incident_op(step: IncidentStep, severity: Severity, now: UtcMillis) -> IncidentOp {
    match step {
        IncidentStep::Acknowledge(0) => IncidentOp::Acknowledge { until: None },
        IncidentStep::Acknowledge(minutes) => {
            IncidentOp::Acknowledge { until: Some(now.plus_ms(minutes * MINUTE_MS)) }
        }
        IncidentStep::Raise => IncidentOp::SetSeverity {
            severity: if severity == Severity::P2 { Severity::P1 } else { Severity::P2 },
        },
        IncidentStep::Investigate => IncidentOp::SetStatus { status: IncidentStatus::Investigating },
        IncidentStep::Resolve => IncidentOp::SetStatus { status: IncidentStatus::Resolved },
    }
}

/// Somebody who works on tickets and incidents.
pub(crate) fn somebody(chance: &Chance) -> usize {
    chance.pick(&[DESK_AGENT, DESK_AGENT, FIELD_AGENT, NIGHT_AGENT, DEPUTY, BOSS])
}
