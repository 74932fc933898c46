//! Edits of tickets as values: what restores a field, what takes another value of a conflict.

use desk_domain::{edit::TicketOp, ticket::Ticket};

/// The step that restores what `op` changes; `None` where nothing is to be restored. A comment is taken back by its id,
/// which only the reply tells; a withdrawn one stays withdrawn.
pub(crate) fn inverse(ticket: &Ticket, op: &TicketOp) -> Option<TicketOp> {
    op.standing(ticket).filter(|inverse| inverse != op)
}

/// The step that sets a field of a conflict to one of its values; `None` for a value that the field cannot have.
pub(crate) fn set_field(field: &str, value: Option<&str>) -> Option<TicketOp> {
    let owned = || value.map(str::to_owned);
    Some(match field {
        "title" => TicketOp::SetTitle { title: owned()? },
        "description" => TicketOp::SetDescription { description: owned().unwrap_or_default() },
        "status" => TicketOp::SetStatus { status: value?.parse().ok()? },
        "priority" => TicketOp::SetPriority { priority: value?.parse().ok()? },
        "category" => TicketOp::SetCategory { category: owned() },
        "assignee" => TicketOp::SetAssignee { assignee: owned() },
        "team" => TicketOp::SetTeam { team: owned() },
        "requester" => TicketOp::SetRequester { requester: owned() },
        "deleted" => TicketOp::SetDeleted { deleted: value?.parse().ok()? },
        _ => TicketOp::SetCustom { key: field.strip_prefix("custom.")?.to_owned(), value: owned() },
    })
}

#[cfg(test)]
mod tests {
    use desk_domain::{
        ids::DocId,
        ticket::{Priority, Status},
        time::UtcMillis,
    };

    use super::*;

    fn ticket() -> Ticket {
        Ticket {
            id: DocId("0199d2b4-3c00-7000-8000-000000000001".parse().expect("a uuid")),
            title: "Printer".into(),
            description: "It smokes".into(),
            status: Status::Open,
            priority: Priority::High,
            category: Some("hardware".into()),
            assignee: None,
            team: Some("desk".into()),
            requester: Some("a@b.c".into()),
            tags: ["printer".to_owned()].into(),
            custom: [("room".to_owned(), "12".to_owned())].into(),
            comments: vec![],
            log: vec![],
            source: None,
            created_at: UtcMillis(0),
            updated_at: UtcMillis(0),
            deleted: false,
            conflicts: vec![],
            schema: 1,
        }
    }

    #[test]
    fn the_inverse_restores_what_was_there() {
        let ticket = ticket();
        let check = |op: TicketOp, expected: Option<TicketOp>| assert_eq!(inverse(&ticket, &op), expected);
        check(
            TicketOp::SetStatus { status: Status::Closed },
            Some(TicketOp::SetStatus { status: Status::Open }),
        );
        check(TicketOp::SetPriority { priority: Priority::High }, None);
        check(
            TicketOp::SetAssignee { assignee: Some("me".into()) },
            Some(TicketOp::SetAssignee { assignee: None }),
        );
        check(
            TicketOp::SetTag { tag: "vip".into(), on: true },
            Some(TicketOp::SetTag { tag: "vip".into(), on: false }),
        );
        check(TicketOp::SetTag { tag: "printer".into(), on: true }, None);
        check(
            TicketOp::SetCustom { key: "room".into(), value: None },
            Some(TicketOp::SetCustom { key: "room".into(), value: Some("12".into()) }),
        );
    }

    #[test]
    fn the_other_value_of_a_conflict_becomes_an_edit() {
        let check = |field: &str, value: Option<&str>, expected: Option<TicketOp>| {
            assert_eq!(set_field(field, value), expected, "{field}");
        };
        check("status", Some("pending"), Some(TicketOp::SetStatus { status: Status::Pending }));
        check("status", Some("nonsense"), None);
        check("priority", None, None);
        check("assignee", None, Some(TicketOp::SetAssignee { assignee: None }));
        check(
            "custom.room",
            Some("13"),
            Some(TicketOp::SetCustom { key: "room".into(), value: Some("13".into()) }),
        );
        check("unknown", Some("x"), None);
    }
}
