//! Quick choices: a value for the open ticket, the current row or the selection, by typing.

use std::rc::Rc;

use desk_api::call::GetTicket;
use desk_domain::{
    edit::TicketOp,
    ids::{DocId, DocKind},
    ticket::{Priority, Status},
};
use yew::prelude::*;

use super::actions;
use crate::{
    bridge,
    i18n::{I18n, use_i18n},
    live::TAGS,
    overlay,
    query::use_query,
    session::use_session,
    store::use_store,
    widgets::{
        chooser::{Chooser, Item},
        icons::{self, Glyph, glyph},
    },
};

/// Which field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pick {
    /// The status.
    Status,
    /// The priority.
    Priority,
    /// Who works on it.
    Assignee,
    /// Tags, several at a time.
    Tags,
}

/// What the choice is called.
pub(crate) fn title(i18n: I18n, pick: Pick) -> String {
    match pick {
        Pick::Status => i18n.t("pick-status"),
        Pick::Priority => i18n.t("pick-priority"),
        Pick::Assignee => i18n.t("pick-assignee"),
        Pick::Tags => i18n.t("pick-tags"),
    }
}

/// Properties of [`Picker`].
#[derive(Clone, Debug, PartialEq, Properties)]
pub(crate) struct PickerProps {
    /// Which field.
    pub(crate) pick: Pick,
    /// Which tickets.
    pub(crate) targets: Vec<DocId>,
}

/// A choice for tickets.
#[component]
pub(crate) fn Picker(props: &PickerProps) -> Html {
    let i18n = use_i18n();
    let session = use_session();
    let tags = use_store(&TAGS);
    // The first ticket tells what is chosen now and which status moves there are; no document has the nil id.
    let first = props.targets.first().copied().unwrap_or(DocId(uuid::Uuid::nil()));
    let ticket = use_query(GetTicket { id: first }, &[DocKind::Ticket], Some(first));
    let view = ticket.data.as_ref().and_then(|view| (**view).clone()).filter(|view| view.ticket.id == first);
    let is_one = props.targets.len() == 1;
    let current = view.as_ref().filter(|_| is_one).map(|view| &view.ticket);

    let items: Vec<Item> = match props.pick {
        Pick::Status => Status::ALL
            .iter()
            .copied()
            .filter(|status| {
                // With several tickets each says for itself whether the move is allowed.
                let allowed = view.as_ref().is_none_or(|view| view.moves.contains(status));
                !is_one || allowed || current.is_some_and(|ticket| ticket.status == *status)
            })
            .map(|status| Item {
                id: status.to_string(),
                label: i18n.word("status", status),
                hint: String::new(),
                icon: icons::status(status),
                is_on: Some(current.is_some_and(|ticket| ticket.status == status)),
            })
            .collect(),
        Pick::Priority => Priority::ALL
            .iter()
            .rev()
            .copied()
            .map(|priority| Item {
                id: priority.to_string(),
                label: i18n.word("priority", priority),
                hint: String::new(),
                icon: icons::priority(priority),
                is_on: Some(current.is_some_and(|ticket| ticket.priority == priority)),
            })
            .collect(),
        Pick::Assignee => {
            let me = session.me();
            let assigned = current.map(|ticket| ticket.assignee.clone().unwrap_or_default());
            let mut items: Vec<Item> = session
                .assignable()
                .into_iter()
                .map(|member| {
                    let id = member.id.to_string();
                    let teams = member.teams.iter().map(|team| session.team_name(team));
                    Item {
                        hint: if id == me { i18n.t("me") } else { teams.collect::<Vec<_>>().join(", ") },
                        is_on: Some(assigned.as_ref() == Some(&id)),
                        label: member.name,
                        icon: glyph(Glyph::Person),
                        id,
                    }
                })
                .collect();
            items.push(Item {
                id: String::new(),
                label: i18n.t("nobody"),
                hint: String::new(),
                icon: glyph(Glyph::Unassigned),
                is_on: Some(assigned.as_deref() == Some("")),
            });
            items
        }
        Pick::Tags => {
            let own = current.map(|ticket| ticket.tags.clone()).unwrap_or_default();
            let known = tags.iter().filter(|known| !own.contains(&known.tag));
            let item = |tag: &str, tickets: Option<u32>, on: bool| Item {
                id: tag.to_owned(),
                label: tag.to_owned(),
                hint: tickets.map(|n| n.to_string()).unwrap_or_default(),
                icon: glyph(Glyph::Tag),
                is_on: Some(on),
            };
            let mut items: Vec<Item> = own.iter().map(|tag| item(tag, None, true)).collect();
            items.extend(known.map(|known| item(&known.tag, Some(known.tickets), false)));
            items
        }
    };

    let act = {
        let (targets, session) = (props.targets.clone(), Rc::clone(&session));
        let known = view.as_ref().map(|view| Rc::new(view.ticket.clone()));
        move |op: TicketOp| {
            let (targets, session, known) = (targets.clone(), Rc::clone(&session), known.clone());
            bridge::spawn(
                async move { actions::edit_all(i18n, &session, targets, known.as_deref(), op).await },
            );
        }
    };
    let pick = props.pick;
    let tags_on = current.map(|ticket| ticket.tags.clone()).unwrap_or_default();
    let on_pick = {
        let act = act.clone();
        Callback::from(move |id: String| {
            let op = match pick {
                Pick::Status => id.parse().ok().map(|status| TicketOp::SetStatus { status }),
                Pick::Priority => id.parse().ok().map(|priority| TicketOp::SetPriority { priority }),
                Pick::Assignee => Some(TicketOp::SetAssignee { assignee: (!id.is_empty()).then_some(id) }),
                // Tags are often several: the choice stays open.
                Pick::Tags => {
                    act(TicketOp::SetTag { on: !tags_on.contains(&id), tag: id });
                    return;
                }
            };
            overlay::close();
            if let Some(op) = op {
                act(op);
            }
        })
    };
    let on_new = Callback::from(move |tag: String| act(TicketOp::SetTag { tag, on: true }));
    let new_label = (pick == Pick::Tags).then(|| AttrValue::from(i18n.t("new-tag")));
    html! {
        <Chooser label={title(i18n, pick)} items={Rc::new(items)} {on_pick} {on_new} {new_label}
            on_close={|()| overlay::close()} testid="picker" />
    }
}
