//! A refused edit as values: what each step was to write, what stands there now, and how a value is amended.

use desk_domain::{
    article::{Article, ArticleStatus},
    edit::{ArticleOp, IncidentOp, NewTicket, Ops, TicketOp},
    incident::{Incident, IncidentStatus, Severity},
    ticket::{Priority, Status, Ticket},
};

use crate::{
    i18n::{I18n, tr},
    incidents, knowledge,
    session::Session,
    tickets::{actions, history},
    widgets::field::Choice,
};

/// The document that a refused edit is about, as it stands now.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Present {
    /// A ticket, with the status moves that are allowed from here.
    Ticket(Box<Ticket>, Vec<Status>),
    /// An article.
    Article(Box<Article>),
    /// An incident, with the status moves that are allowed from here.
    Incident(Box<Incident>, Vec<IncidentStatus>),
}

/// How a value is amended.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Control {
    /// It is not: it stands or falls with the edit.
    Fixed,
    /// In a field of one line.
    Line,
    /// In a field of several lines.
    Text,
    /// By choosing.
    Choice(Vec<Choice>),
}

/// One value of a refused edit.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Value {
    /// Which step it belongs to.
    pub(crate) step: usize,
    /// Which of the step's values, for [`set`]: a field's name, or nothing where the step has one value.
    pub(crate) field: &'static str,
    /// What it is, for people.
    pub(crate) label: String,
    /// What it was to become, for people.
    pub(crate) wanted: String,
    /// What stands now, for people; `None` where nothing can.
    pub(crate) now: Option<String>,
    /// What the control holds.
    pub(crate) raw: String,
    /// How it is amended.
    pub(crate) control: Control,
}

/// What names and choices come from.
#[derive(Clone, Copy)]
pub(crate) struct Words<'a> {
    /// The language.
    pub(crate) i18n: I18n,
    /// Members, teams, categories.
    pub(crate) session: &'a Session,
}

/// The fields of a new ticket that can be amended.
const TICKET: [&str; 8] =
    ["title", "description", "priority", "category", "assignee", "team", "requester", "tags"];

/// The values of an edit.
pub(crate) fn values(words: Words<'_>, ops: &Ops, present: Option<&Present>) -> Vec<Value> {
    let mut values = Vec::new();
    match ops {
        Ops::Ticket(steps) => {
            for (step, stamped) in steps.iter().enumerate() {
                values.extend(ticket(words, step, &stamped.op, present));
            }
        }
        Ops::Article(steps) => {
            for (step, stamped) in steps.iter().enumerate() {
                values.extend(article(words, step, &stamped.op, present));
            }
        }
        Ops::Incident(steps) => {
            for (step, stamped) in steps.iter().enumerate() {
                values.extend(incident(words, step, &stamped.op, present));
            }
        }
        Ops::Workspace(_) => values.push(fixed(0, words.i18n.t("kind-workspace"), String::new())),
        Ops::Personal(_) => values.push(fixed(0, words.i18n.t("kind-personal"), String::new())),
    }
    values
}

fn fixed(step: usize, label: String, wanted: String) -> Value {
    Value { step, field: "", label, wanted, now: None, raw: String::new(), control: Control::Fixed }
}

fn optional_choices(none: String, entries: Vec<(String, String)>) -> Control {
    let mut choices = vec![Choice::new("", none)];
    choices.extend(entries.into_iter().map(|(value, label)| Choice::new(value, label)));
    Control::Choice(choices)
}

impl Words<'_> {
    /// Whether what a step does is so already.
    fn so(self, is_so: bool) -> String {
        if is_so { self.i18n.t("rejected-is-so") } else { self.i18n.t("rejected-not-so") }
    }

    fn shown(self, field: &str, value: &str) -> String {
        history::field_value(self.i18n, self.session, field, Some(value))
    }

    fn people(self) -> Control {
        let people = self.session.assignable().into_iter();
        optional_choices(
            self.i18n.t("nobody"),
            people.map(|member| (member.id.to_string(), member.name)).collect(),
        )
    }

    fn of_words<T: std::fmt::Display>(self, vocabulary: &str, all: impl IntoIterator<Item = T>) -> Control {
        let choice = |word: T| Choice::new(word.to_string(), self.i18n.word(vocabulary, word));
        Control::Choice(all.into_iter().map(choice).collect())
    }

    /// The control of a ticket's or article's field.
    fn control(self, field: &str) -> Control {
        match field {
            "description" => Control::Text,
            "priority" => self.of_words("priority", Priority::ALL.iter().rev()),
            "category" => optional_choices(self.i18n.t("none"), self.session.categories()),
            "team" => optional_choices(self.i18n.t("none"), self.session.teams()),
            "assignee" => self.people(),
            _ => Control::Line,
        }
    }

    fn value(self, step: usize, field: &'static str, raw: String) -> Value {
        Value {
            step,
            field,
            label: history::field_label(self.i18n, field),
            wanted: self.shown(field, &raw),
            now: None,
            control: self.control(field),
            raw,
        }
    }
}

fn text(value: Option<&String>) -> String {
    value.cloned().unwrap_or_default()
}

/// The field that a step of a ticket writes, with its value; `None` for a step that writes no plain field.
fn ticket_field(op: &TicketOp) -> Option<(&'static str, String)> {
    Some(match op {
        TicketOp::SetTitle { title } => ("title", title.clone()),
        TicketOp::SetDescription { description } => ("description", description.clone()),
        TicketOp::SetStatus { status } => ("status", status.to_string()),
        TicketOp::SetPriority { priority } => ("priority", priority.to_string()),
        TicketOp::SetCategory { category } => ("category", text(category.as_ref())),
        TicketOp::SetAssignee { assignee } => ("assignee", text(assignee.as_ref())),
        TicketOp::SetTeam { team } => ("team", text(team.as_ref())),
        TicketOp::SetRequester { requester } => ("requester", text(requester.as_ref())),
        TicketOp::Create { .. }
        | TicketOp::SetTag { .. }
        | TicketOp::SetCustom { .. }
        | TicketOp::AddComment { .. }
        | TicketOp::DeleteComment { .. }
        | TicketOp::SetDeleted { .. } => return None,
    })
}

fn new_ticket(ticket: &NewTicket, field: &str) -> String {
    match field {
        "title" => ticket.title.clone(),
        "description" => ticket.description.clone(),
        "priority" => ticket.priority.to_string(),
        "category" => text(ticket.category.as_ref()),
        "assignee" => text(ticket.assignee.as_ref()),
        "team" => text(ticket.team.as_ref()),
        "requester" => text(ticket.requester.as_ref()),
        _ => ticket.tags.iter().cloned().collect::<Vec<_>>().join(", "),
    }
}

fn ticket(words: Words<'_>, step: usize, op: &TicketOp, present: Option<&Present>) -> Vec<Value> {
    let (now, moves) = match present {
        Some(Present::Ticket(ticket, moves)) => (op.standing(ticket), moves.as_slice()),
        Some(Present::Article(_) | Present::Incident(..)) | None => (None, [].as_slice()),
    };
    if let TicketOp::Create { ticket } = op {
        // What was left empty can be filled in; it is not shown before.
        return TICKET.iter().map(|field| words.value(step, field, new_ticket(ticket, field))).collect();
    }
    if let Some((field, raw)) = ticket_field(op) {
        let mut value = words.value(step, field, raw);
        value.now = now.as_ref().and_then(ticket_field).map(|(field, now)| words.shown(field, &now));
        if let TicketOp::SetStatus { status } = op {
            let others = moves.iter().filter(|to| *to != status);
            value.control = words.of_words("status", std::iter::once(status).chain(others));
        }
        return vec![value];
    }
    let said = |op: &TicketOp| actions::describe(words.i18n, words.session, op);
    let value = match op {
        TicketOp::SetCustom { key, value } => {
            let stands = |now: TicketOp| match now {
                TicketOp::SetCustom { value, .. } => Some(words.shown("", &text(value.as_ref()))),
                _ => None,
            };
            let raw = text(value.as_ref());
            let wanted = words.shown("", &raw);
            let now = now.and_then(stands);
            Value { step, field: "", label: key.clone(), wanted, now, raw, control: Control::Line }
        }
        TicketOp::AddComment { visibility, body, .. } => Value {
            step,
            field: "",
            label: words.i18n.t(match visibility {
                desk_domain::ticket::Visibility::Public => "reply",
                desk_domain::ticket::Visibility::Internal => "note",
            }),
            wanted: body.clone(),
            now: None,
            raw: body.clone(),
            control: Control::Text,
        },
        op => Value { now: now.map(|now| words.so(now == *op)), ..fixed(step, String::new(), said(op)) },
    };
    vec![value]
}

fn article(words: Words<'_>, step: usize, op: &ArticleOp, present: Option<&Present>) -> Vec<Value> {
    let field = |op: &ArticleOp| {
        Some(match op {
            ArticleOp::SetTitle { title } => ("title", title.clone()),
            ArticleOp::EditBody { body, .. } => ("body", body.clone()),
            ArticleOp::SetCategory { category } => ("category", text(category.as_ref())),
            ArticleOp::SetStatus { status } => ("status", status.to_string()),
            ArticleOp::Create { .. } | ArticleOp::SetTag { .. } | ArticleOp::SetDeleted { .. } => {
                return None;
            }
        })
    };
    let now = match present {
        Some(Present::Article(article)) => op.standing(article),
        Some(Present::Ticket(..) | Present::Incident(..)) | None => None,
    };
    let value = |field: &'static str, raw: String| match field {
        "body" => Value {
            label: words.i18n.t("article-body"),
            control: Control::Text,
            ..words.value(step, field, raw)
        },
        "status" => Value {
            wanted: words.i18n.word("article-status", &raw),
            control: words.of_words("article-status", ArticleStatus::ALL),
            ..words.value(step, field, raw)
        },
        field => words.value(step, field, raw),
    };
    if let ArticleOp::Create { title, body, category, .. } = op {
        return vec![
            value("title", title.clone()),
            value("body", body.clone()),
            value("category", text(category.as_ref())),
        ];
    }
    let said = |op: &ArticleOp| knowledge::describe(words.i18n, words.session, op);
    let Some((name, raw)) = field(op) else {
        return vec![Value {
            now: now.map(|now| words.so(now == *op)),
            ..fixed(step, String::new(), said(op))
        }];
    };
    let stands = now.as_ref().and_then(field).map(|(name, now)| value(name, now).wanted);
    vec![Value { now: stands, ..value(name, raw) }]
}

fn incident(words: Words<'_>, step: usize, op: &IncidentOp, present: Option<&Present>) -> Vec<Value> {
    let (now, moves) = match present {
        Some(Present::Incident(incident, moves)) => (op.standing(incident), moves.as_slice()),
        Some(Present::Ticket(..) | Present::Article(_)) | None => (None, [].as_slice()),
    };
    let value = |field: &'static str, raw: String, control: Control, wanted: String| Value {
        step,
        field,
        label: incidents::timeline::field_label(words.i18n, field),
        wanted,
        now: None,
        raw,
        control,
    };
    let line = |field, raw: &String| value(field, raw.clone(), Control::Line, raw.clone());
    let long = |field, raw: &String| value(field, raw.clone(), Control::Text, raw.clone());
    let severities =
        || Control::Choice(Severity::ALL.iter().map(|s| Choice::new(s.as_str(), s.as_str())).collect());
    let severity =
        |severity: &Severity| value("severity", severity.to_string(), severities(), severity.to_string());
    let shown = |op: &IncidentOp| -> Option<Value> {
        Some(match op {
            IncidentOp::SetTitle { title } => line("title", title),
            IncidentOp::SetSummary { summary } => long("summary", summary),
            IncidentOp::SetSeverity { severity: to } => severity(to),
            IncidentOp::SetStatus { status } => {
                let others = moves.iter().filter(|to| *to != status);
                let control = words.of_words("incident-status", std::iter::once(status).chain(others));
                value("status", status.to_string(), control, words.i18n.word("incident-status", status))
            }
            IncidentOp::SetRole { role, member } => {
                let name =
                    member.as_deref().map_or_else(|| words.i18n.t("nobody"), |who| words.session.name(who));
                let label = words.i18n.word("incident-role", role);
                Value { label, ..value("", text(member.as_ref()), words.people(), name) }
            }
            IncidentOp::AddNote { text } => Value { label: words.i18n.t("note"), ..long("", text) },
            IncidentOp::EditPostmortem { body, .. } => {
                Value { label: words.i18n.t("incident-postmortem"), ..long("", body) }
            }
            IncidentOp::Create { .. }
            | IncidentOp::SetService { .. }
            | IncidentOp::LinkTicket { .. }
            | IncidentOp::SetMilestone { .. }
            | IncidentOp::AddUpdate { .. }
            | IncidentOp::Propose { .. }
            | IncidentOp::Confirm
            | IncidentOp::Dismiss { .. }
            | IncidentOp::StartEscalation { .. }
            | IncidentOp::Page { .. }
            | IncidentOp::Acknowledge { .. }
            | IncidentOp::ExpireAcknowledgement
            | IncidentOp::EndEscalation { .. }
            | IncidentOp::SetDeleted { .. } => return None,
        })
    };
    if let IncidentOp::Create { title, summary, severity: bad, .. } = op {
        return vec![line("title", title), long("summary", summary), severity(bad)];
    }
    let said = |op: &IncidentOp| incidents::describe(words.i18n, words.session, op);
    match shown(op) {
        Some(value) => vec![Value { now: now.as_ref().and_then(shown).map(|now| now.wanted), ..value }],
        None => {
            vec![Value { now: now.map(|now| words.so(now == *op)), ..fixed(step, String::new(), said(op)) }]
        }
    }
}

/// Takes another value over into the edit; a word that the field cannot have changes nothing.
pub(crate) fn set(ops: &mut Ops, step: usize, field: &str, raw: String) {
    let optional = |raw: String| (!raw.trim().is_empty()).then_some(raw);
    match ops {
        Ops::Ticket(steps) => match steps.get_mut(step).map(|stamped| &mut stamped.op) {
            Some(TicketOp::Create { ticket }) => set_new_ticket(ticket, field, raw),
            Some(TicketOp::SetTitle { title }) => *title = raw,
            Some(TicketOp::SetDescription { description }) => *description = raw,
            Some(TicketOp::SetStatus { status }) => *status = raw.parse().unwrap_or(*status),
            Some(TicketOp::SetPriority { priority }) => *priority = raw.parse().unwrap_or(*priority),
            Some(TicketOp::SetCategory { category }) => *category = optional(raw),
            Some(TicketOp::SetAssignee { assignee }) => *assignee = optional(raw),
            Some(TicketOp::SetTeam { team }) => *team = optional(raw),
            Some(TicketOp::SetRequester { requester }) => *requester = optional(raw),
            Some(TicketOp::SetCustom { value, .. }) => *value = optional(raw),
            Some(TicketOp::AddComment { body, .. }) => *body = raw,
            Some(TicketOp::SetTag { .. } | TicketOp::DeleteComment { .. } | TicketOp::SetDeleted { .. })
            | None => {}
        },
        Ops::Article(steps) => match (steps.get_mut(step).map(|stamped| &mut stamped.op), field) {
            (Some(ArticleOp::Create { title, .. } | ArticleOp::SetTitle { title }), "title") => *title = raw,
            (Some(ArticleOp::Create { body, .. } | ArticleOp::EditBody { body, .. }), "body") => *body = raw,
            (Some(ArticleOp::Create { category, .. } | ArticleOp::SetCategory { category }), "category") => {
                *category = optional(raw);
            }
            (Some(ArticleOp::SetStatus { status }), _) => *status = raw.parse().unwrap_or(*status),
            (Some(_) | None, _) => {}
        },
        Ops::Incident(steps) => match (steps.get_mut(step).map(|stamped| &mut stamped.op), field) {
            (Some(IncidentOp::Create { title, .. } | IncidentOp::SetTitle { title }), "title") => {
                *title = raw;
            }
            (Some(IncidentOp::Create { summary, .. } | IncidentOp::SetSummary { summary }), "summary") => {
                *summary = raw;
            }
            (
                Some(IncidentOp::Create { severity, .. } | IncidentOp::SetSeverity { severity }),
                "severity",
            ) => {
                *severity = raw.parse().unwrap_or(*severity);
            }
            (Some(IncidentOp::SetStatus { status }), _) => *status = raw.parse().unwrap_or(*status),
            (Some(IncidentOp::SetRole { member, .. }), _) => *member = optional(raw),
            (Some(IncidentOp::AddNote { text }), _) => *text = raw,
            (Some(IncidentOp::EditPostmortem { body, .. }), _) => *body = raw,
            (Some(_) | None, _) => {}
        },
        Ops::Workspace(_) | Ops::Personal(_) => {}
    }
}

fn set_new_ticket(ticket: &mut NewTicket, field: &str, raw: String) {
    let optional = |raw: String| (!raw.trim().is_empty()).then_some(raw);
    match field {
        "title" => ticket.title = raw,
        "description" => ticket.description = raw,
        "priority" => ticket.priority = raw.parse().unwrap_or(ticket.priority),
        "category" => ticket.category = optional(raw),
        "assignee" => ticket.assignee = optional(raw),
        "team" => ticket.team = optional(raw),
        "requester" => ticket.requester = optional(raw),
        "tags" => {
            ticket.tags =
                raw.split(',').map(str::trim).filter(|tag| !tag.is_empty()).map(str::to_owned).collect();
        }
        _ => {}
    }
}

/// How many steps an edit has.
pub(crate) fn steps(ops: &Ops) -> usize {
    match ops {
        Ops::Ticket(steps) => steps.len(),
        Ops::Article(steps) => steps.len(),
        Ops::Incident(steps) => steps.len(),
        Ops::Workspace(steps) => steps.len(),
        Ops::Personal(steps) => steps.len(),
    }
}

/// Leaves a step out of the edit, when others remain and it is not the one that makes the document.
pub(crate) fn leave_out(ops: &mut Ops, step: usize) {
    if !may_leave_out(ops, step) {
        return;
    }
    match ops {
        Ops::Ticket(steps) => drop(steps.remove(step)),
        Ops::Article(steps) => drop(steps.remove(step)),
        Ops::Incident(steps) => drop(steps.remove(step)),
        Ops::Workspace(_) | Ops::Personal(_) => {}
    }
}

/// Whether a step can be left out.
pub(crate) fn may_leave_out(ops: &Ops, step: usize) -> bool {
    steps(ops) > 1 && step < steps(ops) && !(step == 0 && ops.creates())
}

/// What the person typed, to be copied: texts as they are, the rest in words.
pub(crate) fn copied(words: Words<'_>, ops: &Ops) -> String {
    let line = |value: Value| match value.control {
        Control::Text => value.wanted,
        Control::Fixed if value.label.is_empty() => value.wanted,
        Control::Fixed | Control::Line | Control::Choice(_) => {
            tr!(words.i18n, "rejected-copied", field = value.label, value = value.wanted)
        }
    };
    let typed = values(words, ops, None).into_iter().filter(|value| !is_blank(ops, value));
    typed.map(line).collect::<Vec<_>>().join("\n\n")
}

/// A field of a creation that was left empty.
pub(crate) fn is_blank(ops: &Ops, value: &Value) -> bool {
    ops.creates() && value.step == 0 && value.control != Control::Fixed && value.raw.trim().is_empty()
}

#[cfg(test)]
mod tests {
    use desk_api::view::Language;
    use desk_domain::{
        edit::Stamped,
        ids::CommentId,
        ticket::{AuthorSide, Visibility},
        time::UtcMillis,
    };

    use super::*;

    fn edit(ops: Vec<TicketOp>) -> Ops {
        Ops::Ticket(ops.into_iter().map(|op| Stamped::new(UtcMillis(0), "me", op)).collect())
    }

    fn words(session: &Session) -> Words<'_> {
        Words { i18n: I18n { language: Language::En }, session }
    }

    #[test]
    fn every_value_of_an_edit_is_shown_and_can_be_set() {
        let session = Session::default();
        let mut ops = edit(vec![
            TicketOp::SetStatus { status: Status::Closed },
            TicketOp::SetTag { tag: "vip".into(), on: true },
            TicketOp::AddComment {
                id: CommentId("0199d2b4-3c00-7000-8000-000000000001".parse().expect("a uuid")),
                visibility: Visibility::Internal,
                side: AuthorSide::Staff,
                body: "hello".into(),
            },
        ]);
        let found = values(words(&session), &ops, None);
        let said: Vec<(&str, &str)> = found.iter().map(|v| (v.label.as_str(), v.wanted.as_str())).collect();
        assert_eq!(said, [("Status", "Closed"), ("", "Tag on: vip"), ("Note", "hello")]);
        assert_eq!(found[1].control, Control::Fixed);

        set(&mut ops, 0, "status", "resolved".into());
        set(&mut ops, 2, "", "bye".into());
        set(&mut ops, 0, "status", "nonsense".into());
        set(&mut ops, 9, "", "nowhere".into());
        let raw: Vec<String> = values(words(&session), &ops, None).into_iter().map(|v| v.raw).collect();
        assert_eq!(raw, ["resolved", "", "bye"]);
    }

    #[test]
    fn a_step_can_be_left_out_while_another_remains() {
        let deleted = TicketOp::SetDeleted { deleted: true };
        let title = TicketOp::SetTitle { title: "Printer".into() };
        let mut ops = edit(vec![title.clone(), deleted.clone()]);
        leave_out(&mut ops, 1);
        assert_eq!(ops, edit(vec![title]));
        leave_out(&mut ops, 0);
        assert_eq!(steps(&ops), 1, "the last one stays");
        let mut ops = edit(vec![TicketOp::Create { ticket: NewTicket::titled("Printer") }, deleted]);
        leave_out(&mut ops, 0);
        assert!(ops.creates(), "what makes the document stays");
        leave_out(&mut ops, 1);
        assert_eq!(steps(&ops), 1);
    }

    #[test]
    fn a_creation_is_shown_field_by_field_and_copied_without_the_empty_ones() {
        let session = Session::default();
        let mut ops = edit(vec![TicketOp::Create { ticket: NewTicket::titled("Printer") }]);
        for field in TICKET {
            let raw = if field == "priority" { "critical".to_owned() } else { format!("a {field}") };
            let before = ops.clone();
            set(&mut ops, 0, field, raw.clone());
            assert_ne!(ops, before, "{field}");
            let value = values(words(&session), &ops, None).into_iter().find(|v| v.field == field);
            assert_eq!(value.map(|v| v.raw), Some(raw), "{field}");
        }
        let mut ops = edit(vec![TicketOp::Create { ticket: NewTicket::titled("Printer") }]);
        set(&mut ops, 0, "description", "It smokes".into());
        assert_eq!(copied(words(&session), &ops), "Title: Printer\n\nIt smokes\n\nPriority: Medium");
    }
}
