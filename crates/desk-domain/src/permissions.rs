//! Who may do what, per role and field. The same code on the device (before an edit is written) and on the
//! server (before a change is accepted); both give it what the change touches, read from the change itself.

use serde::{Deserialize, Serialize};

use crate::{ids::MemberId, incident::IncidentStatus, people::Role, ticket::Status, workspace::Workflow};

/// Who acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// The member whose device made the change; `None` for the server itself.
    pub member: Option<MemberId>,
    /// What they may do.
    pub role: Role,
}

/// One thing that a change does to a document, with what the rules need to know of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "touch", rename_all = "snake_case")]
pub enum Touch {
    /// Makes the document.
    Created,
    /// Writes a plain field, a tag, a custom field, a service, a role, a link or a milestone.
    Field {
        /// Its name, `custom.KEY` and the like.
        field: String,
    },
    /// Moves a ticket's status.
    Status {
        /// What the author saw; `None` when the change makes the ticket.
        from: Option<Status>,
        /// What it becomes.
        to: Status,
    },
    /// Moves an incident's status.
    IncidentStatus {
        /// What the author saw; `None` when the change makes the incident.
        from: Option<IncidentStatus>,
        /// What it becomes.
        to: IncidentStatus,
    },
    /// Adds something signed: a comment, a log or timeline entry.
    Signed {
        /// `comments`, `log` or `timeline`.
        collection: String,
        /// Whose name it bears.
        by: String,
        /// The document came from an import, so a name that is no member may stand there.
        imported: bool,
    },
    /// Withdraws a comment.
    CommentDeleted {
        /// Who wrote it.
        author: String,
    },
    /// Deletes the document or brings it back.
    Deleted,
    /// Writes a step of an incident's escalation.
    Escalation,
    /// Makes a section of the settings that an older program did not make.
    Completed,
    /// Writes an entry of the workspace's settings.
    Setting {
        /// The section's name.
        section: String,
    },
    /// Writes a personal setting.
    Personal {
        /// Whose.
        owner: String,
    },
}

/// Why an edit is not allowed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "denied", rename_all = "snake_case")]
pub enum Denied {
    /// The role may not do this to this field.
    #[error("the role {role} may not change {field}")]
    Role {
        /// The actor's role.
        role: Role,
        /// What they tried to change.
        field: String,
    },
    /// The workflow has no such move.
    #[error("the workflow does not allow the move from {from} to {to}")]
    Workflow {
        /// Where it stood.
        from: String,
        /// Where it should have gone.
        to: String,
    },
    /// It bears somebody else's name.
    #[error("an entry in {collection} is signed with somebody else's name")]
    ForeignSignature {
        /// Where.
        collection: String,
    },
}

/// Checks one touch against the rules.
pub fn check(actor: &Actor, workflow: &Workflow, touch: &Touch) -> Result<(), Denied> {
    let needs = |least: Role, field: &str| {
        if actor.role >= least {
            Ok(())
        } else {
            Err(Denied::Role { role: actor.role, field: field.to_owned() })
        }
    };
    match touch {
        Touch::Created => needs(Role::Agent, "document"),
        Touch::Field { field } => needs(Role::Agent, field),
        Touch::Status { from, to } => {
            needs(Role::Agent, "status")?;
            match from {
                Some(from) if !workflow.allows(*from, *to) => {
                    Err(Denied::Workflow { from: from.to_string(), to: to.to_string() })
                }
                Some(_) | None => Ok(()),
            }
        }
        Touch::IncidentStatus { from, to } => {
            needs(Role::Agent, "status")?;
            match from {
                Some(from) if !from.may_become(*to) => {
                    Err(Denied::Workflow { from: from.to_string(), to: to.to_string() })
                }
                Some(_) | None => Ok(()),
            }
        }
        Touch::Signed { collection, by, imported } => {
            needs(Role::Agent, collection)?;
            let own = actor.member.is_none_or(|member| *by == member.to_string());
            let name = *imported && by.parse::<MemberId>().is_err();
            if own || name {
                Ok(())
            } else {
                Err(Denied::ForeignSignature { collection: collection.clone() })
            }
        }
        Touch::CommentDeleted { author } => {
            let own = actor.member.is_some_and(|member| *author == member.to_string());
            if own { needs(Role::Agent, "comments") } else { needs(Role::Manager, "comments") }
        }
        Touch::Deleted => needs(Role::Manager, "deleted"),
        Touch::Escalation => needs(Role::Admin, "timeline"),
        Touch::Completed if actor.member.is_some() => {
            Err(Denied::Role { role: actor.role, field: "workspace".to_owned() })
        }
        Touch::Completed => Ok(()),
        Touch::Setting { section } => match (actor.member, section.as_str()) {
            // People are added by the server when an administrator asks it to, since it also keeps their passwords.
            (Some(_), "members") => Err(Denied::Role { role: actor.role, field: section.clone() }),
            (
                _,
                "categories" | "macros" | "views" | "policies" | "calendars" | "escalations" | "schedules"
                | "services" | "detection",
            ) => needs(Role::Manager, section),
            _ => needs(Role::Admin, section),
        },
        Touch::Personal { owner } => match actor.member {
            Some(member) if *owner != member.to_string() => {
                Err(Denied::Role { role: actor.role, field: "personal".to_owned() })
            }
            Some(_) | None => Ok(()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ids::uuid_v7, time::UtcMillis};

    fn member(role: Role) -> (Actor, String) {
        let id = MemberId(uuid_v7(UtcMillis(1), [7; 10]));
        (Actor { member: Some(id), role }, id.to_string())
    }

    fn allowed(role: Role, touch: &Touch) -> bool {
        check(&member(role).0, &Workflow::default(), touch).is_ok()
    }

    #[test]
    fn each_field_needs_its_role() {
        let field = Touch::Field { field: "priority".into() };
        let categories = Touch::Setting { section: "categories".into() };
        let policies = Touch::Setting { section: "policies".into() };
        let calendars = Touch::Setting { section: "calendars".into() };
        let general = Touch::Setting { section: "general".into() };
        let schedules = Touch::Setting { section: "schedules".into() };
        let teams = Touch::Setting { section: "teams".into() };
        let members = Touch::Setting { section: "members".into() };
        let table = [
            (&Touch::Created, [false, true, true, true]),
            (&field, [false, true, true, true]),
            (&Touch::Deleted, [false, false, true, true]),
            (&categories, [false, false, true, true]),
            (&policies, [false, false, true, true]),
            (&calendars, [false, false, true, true]),
            (&general, [false, false, false, true]),
            (&schedules, [false, false, true, true]),
            (&teams, [false, false, false, true]),
            (&Touch::Escalation, [false, false, false, true]),
            (&Touch::Completed, [false, false, false, false]),
            (&members, [false, false, false, false]),
        ];
        for (touch, expected) in table {
            assert_eq!(
                [Role::Requester, Role::Agent, Role::Manager, Role::Admin].map(|role| allowed(role, touch)),
                expected,
                "{touch:?}"
            );
        }
    }

    #[test]
    fn nobody_signs_with_another_members_name() {
        let (actor, me) = member(Role::Admin);
        let other = MemberId(uuid_v7(UtcMillis(1), [8; 10])).to_string();
        let signed = |by: &str, imported| {
            let touch = Touch::Signed { collection: "comments".into(), by: by.into(), imported };
            check(&actor, &Workflow::default(), &touch).is_ok()
        };
        assert!(signed(&me, false));
        assert!(!signed(&other, false));
        assert!(!signed(&other, true), "an import gives names, never members");
        assert!(!signed("ekr", false));
        assert!(signed("ekr", true));
    }

    #[test]
    fn a_status_moves_only_as_the_workflow_allows() {
        assert!(allowed(Role::Agent, &Touch::Status { from: Some(Status::Open), to: Status::Pending }));
        assert!(!allowed(Role::Admin, &Touch::Status { from: Some(Status::Closed), to: Status::Pending }));
        assert!(allowed(Role::Agent, &Touch::Status { from: None, to: Status::Closed }));
    }

    #[test]
    fn a_comment_is_withdrawn_by_its_author_or_a_manager() {
        let (_, me) = member(Role::Agent);
        assert!(allowed(Role::Agent, &Touch::CommentDeleted { author: me }));
        assert!(!allowed(Role::Agent, &Touch::CommentDeleted { author: "ekr".into() }));
        assert!(allowed(Role::Manager, &Touch::CommentDeleted { author: "ekr".into() }));
    }
}
