//! `FIELD=VALUE` as people write it on the command line.

use std::{collections::BTreeSet, str::FromStr};

use desk_domain::{
    article::ArticleStatus,
    incident::{IncidentRole, IncidentStatus, Milestone, Severity},
    ticket::{Priority, Status},
    time::UtcMillis,
};

/// What cannot be read as an assignment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NotAnAssignment(String);

impl std::fmt::Display for NotAnAssignment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NotAnAssignment {}

fn wrong(problem: impl std::fmt::Display) -> NotAnAssignment {
    NotAnAssignment(problem.to_string())
}

/// What stands left and right of the sign, and which sign it is.
fn parts(text: &str) -> Result<(&str, Sign, &str), NotAnAssignment> {
    let (field, value) = text.split_once('=').ok_or_else(|| wrong("write FIELD=VALUE"))?;
    Ok(if let Some(field) = field.strip_suffix('+') {
        (field, Sign::Add, value)
    } else if let Some(field) = field.strip_suffix('-') {
        (field, Sign::Remove, value)
    } else {
        (field, Sign::Set, value)
    })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Sign {
    Set,
    Add,
    Remove,
}

/// An empty value empties the field.
fn optional(value: &str) -> Option<String> {
    let value = value.trim();
    (!value.is_empty()).then(|| value.to_owned())
}

/// A value that must not be empty.
fn named(field: &str, value: &str) -> Result<String, NotAnAssignment> {
    optional(value).ok_or_else(|| wrong(format!("{field} needs a value")))
}

/// One assignment to a ticket. People, teams and the present tags are not looked up yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TicketAssignment {
    Title(String),
    Description(String),
    Status(Status),
    Priority(Priority),
    Category(Option<String>),
    Assignee(Option<String>),
    Team(Option<String>),
    Requester(Option<String>),
    Tags(BTreeSet<String>),
    Tag { tag: String, on: bool },
    Custom { key: String, value: Option<String> },
}

impl FromStr for TicketAssignment {
    type Err = NotAnAssignment;

    fn from_str(text: &str) -> Result<Self, NotAnAssignment> {
        let (field, sign, value) = parts(text)?;
        if sign != Sign::Set {
            return match field {
                "tag" | "tags" => Ok(Self::Tag { tag: named(field, value)?, on: sign == Sign::Add }),
                _ => Err(wrong(format!("{field} is no collection; write {field}=VALUE"))),
            };
        }
        Ok(match field {
            "title" => Self::Title(value.to_owned()),
            "description" => Self::Description(value.to_owned()),
            "status" => Self::Status(value.parse().map_err(wrong)?),
            "priority" => Self::Priority(value.parse().map_err(wrong)?),
            "category" => Self::Category(optional(value)),
            "assignee" => Self::Assignee(optional(value)),
            "team" => Self::Team(optional(value)),
            "requester" => Self::Requester(optional(value)),
            "tags" => Self::Tags(value.split(',').filter_map(optional).collect()),
            other => match other.strip_prefix("custom.") {
                Some(key) if !key.trim().is_empty() => {
                    Self::Custom { key: key.trim().to_owned(), value: optional(value) }
                }
                Some(_) | None => {
                    return Err(wrong(format!(
                        "a ticket has no field {field:?}; it has title, description, status, priority, category, \
                         assignee, team, requester, tags and custom.KEY"
                    )));
                }
            },
        })
    }
}

/// One assignment to an article.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ArticleAssignment {
    Title(String),
    Status(ArticleStatus),
    Category(Option<String>),
    Tag { tag: String, on: bool },
}

impl FromStr for ArticleAssignment {
    type Err = NotAnAssignment;

    fn from_str(text: &str) -> Result<Self, NotAnAssignment> {
        let (field, sign, value) = parts(text)?;
        match (field, sign) {
            ("tag" | "tags", Sign::Add | Sign::Remove) => {
                Ok(Self::Tag { tag: named(field, value)?, on: sign == Sign::Add })
            }
            ("title", Sign::Set) => Ok(Self::Title(value.to_owned())),
            ("status", Sign::Set) => Ok(Self::Status(value.parse().map_err(wrong)?)),
            ("category", Sign::Set) => Ok(Self::Category(optional(value))),
            _ => Err(wrong(format!(
                "an article has no field {field:?} to set so; it has title, status, category, tag+= and tag-="
            ))),
        }
    }
}

/// One assignment to an incident. People and tickets are not looked up yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum IncidentAssignment {
    Title(String),
    Summary(String),
    Severity(Severity),
    Status(IncidentStatus),
    Service { service: String, on: bool },
    Ticket { ticket: String, on: bool },
    Role { role: IncidentRole, member: Option<String> },
    Milestone { milestone: Milestone, reached_at: UtcMillis },
}

impl FromStr for IncidentAssignment {
    type Err = NotAnAssignment;

    fn from_str(text: &str) -> Result<Self, NotAnAssignment> {
        let (field, sign, value) = parts(text)?;
        if sign != Sign::Set {
            let on = sign == Sign::Add;
            return match field {
                "service" => Ok(Self::Service { service: named(field, value)?, on }),
                "ticket" => Ok(Self::Ticket { ticket: named(field, value)?, on }),
                _ => Err(wrong(format!("{field} is no collection; write {field}=VALUE"))),
            };
        }
        match field {
            "title" => return Ok(Self::Title(value.to_owned())),
            "summary" => return Ok(Self::Summary(value.to_owned())),
            "severity" => return value.parse().map(Self::Severity).map_err(wrong),
            "status" => return value.parse().map(Self::Status).map_err(wrong),
            _ => {}
        }
        if let Ok(role) = field.parse() {
            return Ok(Self::Role { role, member: optional(value) });
        }
        if let Ok(milestone) = field.parse() {
            let reached_at = value.trim().parse().map_err(wrong)?;
            return Ok(Self::Milestone { milestone, reached_at });
        }
        Err(wrong(format!("an incident has no field {field:?}; see `desk incident set --help`")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tickets_fields_are_read_as_they_are_written() {
        let check = |text: &str, expected: TicketAssignment| {
            assert_eq!(text.parse(), Ok(expected), "{text}");
        };
        check("status=in_progress", TicketAssignment::Status(Status::InProgress));
        check("priority=critical", TicketAssignment::Priority(Priority::Critical));
        check("title=a=b", TicketAssignment::Title("a=b".into()));
        check("assignee=", TicketAssignment::Assignee(None));
        check("assignee= anna@example.org ", TicketAssignment::Assignee(Some("anna@example.org".into())));
        check("tags=b, a,,", TicketAssignment::Tags(["a", "b"].map(str::to_owned).into()));
        check("tag+=vip", TicketAssignment::Tag { tag: "vip".into(), on: true });
        check("tag-=vip", TicketAssignment::Tag { tag: "vip".into(), on: false });
        check("custom.room=12", TicketAssignment::Custom { key: "room".into(), value: Some("12".into()) });
        check("custom.room=", TicketAssignment::Custom { key: "room".into(), value: None });
    }

    #[test]
    fn what_is_no_assignment_says_why() {
        for (text, word) in [
            ("status", "FIELD=VALUE"),
            ("status=lost", "in_progress"),
            ("colour=red", "custom.KEY"),
            ("custom.=x", "custom.KEY"),
            ("status+=open", "no collection"),
            ("tag+=", "needs a value"),
        ] {
            let error = text.parse::<TicketAssignment>().unwrap_err();
            assert!(error.to_string().contains(word), "{text}: {error}");
        }
    }

    #[test]
    fn an_incidents_and_an_articles_fields_are_read() {
        assert_eq!("severity=P1".parse(), Ok(IncidentAssignment::Severity(Severity::P1)));
        assert_eq!(
            "scribe=olga".parse(),
            Ok(IncidentAssignment::Role { role: IncidentRole::Scribe, member: Some("olga".into()) })
        );
        assert_eq!(
            "resolved=2026-11-21T09:05:00Z".parse(),
            Ok(IncidentAssignment::Milestone {
                milestone: Milestone::Resolved,
                reached_at: "2026-11-21T09:05:00Z".parse().unwrap(),
            })
        );
        assert!("resolved=now".parse::<IncidentAssignment>().is_err());
        assert_eq!("status=published".parse(), Ok(ArticleAssignment::Status(ArticleStatus::Published)));
        assert!("body=x".parse::<ArticleAssignment>().is_err());
    }
}
