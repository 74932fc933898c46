//! Results in words and tables, for people at a terminal.

pub(crate) mod sla;

use std::fmt::Write as _;

use desk_domain::{
    escalation::is_release,
    incident::{
        metrics::{Figures, LeftOut, Report, ResponseMetric, Summary},
        proposal::ProposalState,
    },
    sla::{ClockReading, Explanation, SegmentKind},
    ticket::LogEvent,
    time::UtcMillis,
};

use crate::shape::{
    ArticleWhole, IncidentLine, IncidentWhole, Logged, NamedValue, PastWhole, PostmortemShape, RefusedWhole,
    TicketWhole,
};

/// A table with aligned columns; the last column is as wide as it is. Nothing at all for no rows.
pub(crate) fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain(header.get(column).map(|name| name.chars().count())).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..header.len()).map(width).collect();
    let mut text = String::new();
    let names: Vec<String> = header.iter().map(|name| name.to_uppercase()).collect();
    for row in std::iter::once(&names).chain(rows) {
        let mut line = String::new();
        for (i, cell) in row.iter().enumerate() {
            line.push_str(cell);
            if i + 1 < row.len() {
                let pad = widths.get(i).copied().unwrap_or(0).saturating_sub(cell.chars().count());
                line.extend(std::iter::repeat_n(' ', pad + 2));
            }
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// One line of a text, cut where it gets too long for a table.
pub(crate) fn short(text: &str, most: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= most {
        return line;
    }
    let mut cut: String = line.chars().take(most.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

/// A cell for what may be absent.
pub(crate) fn or_dash(text: Option<&str>) -> String {
    text.filter(|text| !text.is_empty()).unwrap_or("-").to_owned()
}

/// Seconds as `3 d 04 h`, `4 h 05 min`, `5 min 06 s`.
pub(crate) fn duration(seconds: i64) -> String {
    let sign = if seconds < 0 { "-" } else { "" };
    let s = seconds.unsigned_abs();
    let (days, hours, minutes, rest) = (s / 86_400, s / 3_600 % 24, s / 60 % 60, s % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{sign}{rest} s"),
        (0, 0, _) => format!("{sign}{minutes} min {rest:02} s"),
        (0, ..) => format!("{sign}{hours} h {minutes:02} min"),
        _ => format!("{sign}{days} d {hours:02} h"),
    }
}

/// A ticket, whole.
pub(crate) fn ticket(ticket: &TicketWhole) -> String {
    let line = &ticket.line;
    let mut text = format!("{}  {}\n", line.number, line.title);
    let mut fact = |name: &str, value: String| {
        let _ = writeln!(text, "  {name:<11} {value}");
    };
    fact("status", format!("{}, {} priority", line.status, line.priority));
    fact("requester", or_dash(ticket.requester_name.as_deref()));
    fact("assignee", or_dash(ticket.assignee_name.as_deref()));
    fact("team", or_dash(line.team.as_deref()));
    fact("category", or_dash(line.category.as_deref()));
    if !line.tags.is_empty() {
        fact("tags", line.tags.iter().cloned().collect::<Vec<_>>().join(", "));
    }
    for (key, value) in &ticket.custom {
        fact(key, short(value, 100));
    }
    fact("created", line.created_at.to_string());
    fact("updated", line.updated_at.to_string());
    if let Some(source) = &ticket.source {
        fact("imported", format!("{} {}", source.system, source.key));
    }
    for reading in ticket.sla.readings() {
        if let Some(words) = clock(reading) {
            fact(reading.metric.as_str(), words);
        }
    }
    for conflict in &ticket.conflicts {
        fact(
            "conflict",
            format!("{}: written by several at once; `desk ticket set` chooses", conflict.field),
        );
        for (at, value) in conflict.values.iter().enumerate() {
            fact("", conflicting(value, at == 0));
        }
    }
    if ticket.deleted {
        fact("deleted", "yes".to_owned());
    }
    if !ticket.description.is_empty() {
        let _ = writeln!(text, "\n{}", ticket.description.trim_end());
    }
    for comment in &ticket.comments {
        let _ = writeln!(
            text,
            "\n{}  {}  ({})\n{}",
            comment.created_at,
            comment.author_name,
            comment.visibility,
            comment.body.trim_end()
        );
    }
    text
}

/// One of the values of a conflict: what, who, when, since when without a connection.
fn conflicting(value: &NamedValue, stands: bool) -> String {
    let NamedValue { value, by_name } = value;
    let mut words = format!("{}, {by_name}, {}", short(&or_dash(value.value.as_deref()), 60), value.at);
    if let Some(since) = value.offline_since {
        let _ = write!(words, ", offline since {since}");
    }
    if stands {
        words.push_str(" (stands)");
    }
    words
}

/// A ticket as the author of a change saw it.
pub(crate) fn past(past: &PastWhole) -> String {
    let mut text = format!(
        "as {} saw it at {}, change {} of {} ({})\n",
        past.by_name, past.change.at, past.place, past.changes, past.change.change
    );
    if let Some(since) = past.change.offline_since {
        let _ = writeln!(text, "on a device that was offline since {since}");
    }
    for logged in past.ticket.log.iter().filter(|logged| past.change.entries.contains(&logged.entry.id)) {
        let _ = writeln!(text, "changed: {}", event(&logged.entry.event));
    }
    text.push('\n');
    text.push_str(&ticket(&past.ticket));
    text
}

/// A refused edit, whole.
pub(crate) fn refused(refused: &RefusedWhole) -> String {
    let edit = &refused.edit;
    let mut text = format!("{}  {}\n", edit.id, edit.subject);
    let mut fact = |name: &str, value: &str| {
        let _ = writeln!(text, "  {name:<9} {value}");
    };
    fact("refused", &format!("{}, {}: {}", edit.rejected_at, edit.code, edit.reason));
    if let Some(advice) = refused.advice {
        fact("to do", advice);
    }
    fact("edited", &edit.edited_at.to_string());
    text.push('\n');
    for step in &refused.steps {
        let _ = writeln!(text, "{}: {}", step.field, step.value);
        if let Some(now) = &step.now {
            let _ = writeln!(text, "  now: {now}");
        }
    }
    text
}

/// What a clock shows; nothing for one that is idle.
fn clock(reading: &ClockReading) -> Option<String> {
    let elapsed = reading.elapsed_s?;
    let mut words =
        format!("{}, {} of {}", reading.state.as_str(), duration(elapsed), duration(reading.target_s?));
    if let Some(due) = reading.due_at {
        let _ = write!(words, ", due {due}");
    }
    Some(words)
}

/// So much of a change's name tells it from the others of a ticket.
const CHANGE_SHOWN: usize = 12;

/// A ticket's log.
pub(crate) fn history(log: &[Logged]) -> String {
    let rows: Vec<Vec<String>> = log
        .iter()
        .map(|logged| {
            let change = logged.change.as_deref().and_then(|change| change.get(..CHANGE_SHOWN));
            vec![
                logged.entry.at.to_string(),
                or_dash(change),
                logged.by_name.clone(),
                event(&logged.entry.event),
            ]
        })
        .collect();
    table(&["at", "change", "by", "what"], &rows)
}

fn event(event: &LogEvent) -> String {
    let change = |field: &str, from: Option<&str>, to: Option<&str>| {
        format!("{field}: {} → {}", short(&or_dash(from), 60), short(&or_dash(to), 60))
    };
    match event {
        LogEvent::Created { status, priority } => format!("created, {status}, {priority}"),
        LogEvent::Status { from, to } => change("status", Some(from.as_str()), Some(to.as_str())),
        LogEvent::Priority { from, to } => change("priority", Some(from.as_str()), Some(to.as_str())),
        LogEvent::Field { field, from: None, to: None } => format!("{field} changed"),
        LogEvent::Field { field, from, to } => change(field, from.as_deref(), to.as_deref()),
        LogEvent::Tag { tag, on: true } => format!("tag {tag} put on"),
        LogEvent::Tag { tag, on: false } => format!("tag {tag} taken off"),
        LogEvent::Reply { visibility, side, .. } => format!("{visibility} comment by {side}"),
        LogEvent::CommentDeleted { .. } => "comment withdrawn".to_owned(),
        LogEvent::Deleted { deleted: true } => "deleted".to_owned(),
        LogEvent::Deleted { deleted: false } => "brought back".to_owned(),
    }
}

/// An article, whole.
pub(crate) fn article(article: &ArticleWhole) -> String {
    let line = &article.line;
    let mut text = format!("{}\n  {}, by {}\n", line.title, line.status, article.author_name);
    let _ = writeln!(text, "  id        {}", line.id);
    if let Some(category) = &line.category {
        let _ = writeln!(text, "  category  {category}");
    }
    if !line.tags.is_empty() {
        let _ = writeln!(text, "  tags      {}", line.tags.iter().cloned().collect::<Vec<_>>().join(", "));
    }
    let _ = writeln!(text, "  updated   {}\n\n{}", line.updated_at, article.body.trim_end());
    text
}

/// An incident, whole.
pub(crate) fn incident(incident: &IncidentWhole) -> String {
    let line = &incident.line;
    let mut text = format!("{}  {}\n  {} {}\n", line.number, line.title, line.severity, standing(line));
    if !incident.services.is_empty() {
        let services: Vec<&str> = incident.services.iter().map(String::as_str).collect();
        let _ = writeln!(text, "  services  {}", services.join(", "));
    }
    for (milestone, at) in &incident.milestones {
        let _ = writeln!(text, "  {milestone:<12} {at}");
    }
    if let Some(at) = line.escalates_at {
        let _ = writeln!(text, "  escalates    {at}");
    }
    if !incident.summary.is_empty() {
        let _ = writeln!(text, "\n{}", incident.summary.trim_end());
    }
    text.push('\n');
    let rows: Vec<Vec<String>> = incident
        .timeline
        .iter()
        .map(|line| vec![line.entry.at.to_string(), line.by_name.clone(), timeline(&line.entry)])
        .collect();
    text.push_str(&table(&["at", "by", "what"], &rows));
    text
}

/// Where an incident stands, or where its proposal does.
pub(crate) fn standing(line: &IncidentLine) -> String {
    match line.proposal {
        Some(state @ (ProposalState::Waiting | ProposalState::Dismissed)) => format!("proposal {state}"),
        Some(ProposalState::Confirmed) | None => line.status.to_string(),
    }
}

/// Response times: one line for each group and metric.
pub(crate) fn response_times(report: &Report) -> String {
    let mut rows = Vec::new();
    let mut left_out = String::new();
    let mut group = |name: &str, figures: &Figures| {
        for metric in ResponseMetric::ALL {
            let measured = figures.metric(*metric);
            let summary = measured.summary;
            let cell = |ms: fn(&Summary) -> i64| {
                summary.as_ref().map_or_else(|| "-".to_owned(), |summary| duration(ms(summary) / 1000))
            };
            rows.push(vec![
                name.to_owned(),
                metric.as_str().to_uppercase(),
                summary.map_or(0, |summary| summary.n).to_string(),
                cell(|summary| summary.mean_ms),
                cell(|summary| summary.median_ms),
                cell(|summary| summary.p90_ms),
                measured.left_out.iter().map(|left| left.n).sum::<u32>().to_string(),
            ]);
        }
    };
    group("all", &report.all);
    for (severity, figures) in &report.by_severity {
        group(severity.as_str(), figures);
    }
    for (service, figures) in &report.by_service {
        group(service, figures);
    }
    for metric in ResponseMetric::ALL {
        for left in &report.all.metric(*metric).left_out {
            let why = match left.why {
                LeftOut::Missing { milestone } => format!("{milestone} is not known"),
                LeftOut::OutOfOrder { from, to } => format!("{to} lies before {from}"),
            };
            let _ = writeln!(left_out, "{} leaves out {}: {why}", metric.as_str().to_uppercase(), left.n);
        }
    }
    let of = report.service.as_deref().map_or_else(String::new, |service| format!(" of {service}"));
    let (from, to, count) = (report.period.from, report.period.to, report.all.incidents);
    let head = format!("{count} incidents{of} declared from {from} until {to}\n\n");
    let table = table(&["of", "metric", "n", "mean", "median", "p90", "left out"], &rows);
    format!("{head}{table}\n{left_out}")
}

/// A post-mortem, then its action items by number.
pub(crate) fn postmortem(shown: &PostmortemShape) -> String {
    let mut text = format!("{}\n\n{}\n", shown.number, shown.postmortem.trim_end());
    if shown.postmortem.trim().is_empty() {
        text = format!("{}: nothing is written yet; --template begins it\n", shown.number);
    }
    for (number, item) in (1..).zip(&shown.action_items) {
        let mark = if item.done { "x" } else { " " };
        let owner = item.owner.as_deref().map_or_else(String::new, |owner| format!(" @{owner}"));
        let due = item.due.map_or_else(String::new, |due| format!(" by {due}"));
        let _ = write!(text, "\n{number}. [{mark}] {}{owner}{due}", item.text);
    }
    text
}

fn timeline(entry: &desk_domain::incident::TimelineEntry) -> String {
    use desk_domain::incident::TimelineEvent::{
        Acknowledged, AcknowledgementExpired, Confirmed, Created, Dismissed, EscalationEnded,
        EscalationStarted, Field, Note, Paged, Proposed, Severity, Status, Update,
    };
    match &entry.event {
        Created { severity } => format!("declared, {severity}"),
        Status { from, to } => format!("status: {from} → {to}"),
        Severity { from, to } => format!("severity: {from} → {to}"),
        Note { text } => short(text, 200),
        Update { visibility, text } => format!("{visibility} update: {}", short(text, 200)),
        Proposed { rule, severity, .. } => format!("proposed by the rule {rule}, {severity}"),
        Confirmed => "confirmed".to_owned(),
        Dismissed { text } => format!("dismissed: {}", short(text, 200)),
        EscalationStarted { policy } => format!("escalation by {} began", policy.name),
        Paged { level, cycle, members, email } => format!(
            "level {level} told, round {cycle}: {} members, {} of them by e-mail",
            members.len(),
            email.len()
        ),
        Acknowledged { .. } if is_release(entry) => "let go".to_owned(),
        Acknowledged { until: Some(until) } => format!("acknowledged until {until}"),
        Acknowledged { until: None } => "acknowledged".to_owned(),
        AcknowledgementExpired => "the acknowledgement ran out".to_owned(),
        EscalationEnded { reason } => format!("escalation ended: {reason}"),
        Field { field, from, to } => {
            format!(
                "{field}: {} → {}",
                short(&or_dash(from.as_deref()), 60),
                short(&or_dash(to.as_deref()), 60)
            )
        }
    }
}

/// Why a ticket's clocks show what they show.
pub(crate) fn explanation(explanation: &Explanation) -> String {
    let Some(policy) = &explanation.policy else {
        return "no policy matches this ticket: it has no clocks\n".to_owned();
    };
    let mut text = format!("policy {policy}, at {}\n", explanation.at);
    for explained in &explanation.clocks {
        let words = clock(&explained.reading).unwrap_or_else(|| "idle".to_owned());
        let _ = writeln!(text, "\n{}: {words}", explained.reading.metric.as_str());
        let rows: Vec<Vec<String>> = explained
            .segments
            .iter()
            .map(|segment| {
                let kind = match segment.kind {
                    SegmentKind::Running => "counts".to_owned(),
                    SegmentKind::ClosedHours => "closed hours".to_owned(),
                    SegmentKind::Holiday => "holiday".to_owned(),
                    SegmentKind::Paused => {
                        segment.status.map_or_else(|| "paused".to_owned(), |s| format!("paused: {s}"))
                    }
                    SegmentKind::Done => {
                        segment.status.map_or_else(|| "done".to_owned(), |s| format!("done: {s}"))
                    }
                };
                let ahead = if segment.projected { " (ahead)" } else { "" };
                vec![
                    segment.from.to_string(),
                    segment.to.to_string(),
                    duration(segment.business_ms / 1000),
                    format!("{kind}{ahead}"),
                ]
            })
            .collect();
        text.push_str(&table(&["from", "to", "counted", "why"], &rows));
    }
    text
}

/// An instant, or a dash.
pub(crate) fn instant(at: Option<UtcMillis>) -> String {
    at.map_or_else(|| "-".to_owned(), |at| at.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_aligned_by_characters() {
        let rows = [["1", "Принтер", "x"], ["22", "A", "y"]].map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(table(&["n", "title", "z"], &rows), "N   TITLE    Z\n1   Принтер  x\n22  A        y\n");
        assert_eq!(table(&["n"], &[]), "");
    }

    #[test]
    fn durations_are_told_in_two_units() {
        for (seconds, words) in [
            (5, "5 s"),
            (65, "1 min 05 s"),
            (3_600 * 4 + 300, "4 h 05 min"),
            (86_400 * 3 + 3_600, "3 d 01 h"),
            (-65, "-1 min 05 s"),
        ] {
            assert_eq!(duration(seconds), words);
        }
    }

    #[test]
    fn a_long_text_is_cut_to_one_line() {
        assert_eq!(short("a\n b", 10), "a b");
        assert_eq!(short("абвгд", 4), "абв…");
    }
}
