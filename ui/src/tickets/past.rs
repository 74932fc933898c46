//! A ticket's past: as the author of a change saw it, read-only, with what the change did pointed out.

use std::{collections::BTreeSet, rc::Rc};

use desk_api::{
    call::{GetTicketAt, GetTicketHistory},
    view::{PastTicket, TicketChange},
};
use desk_domain::{
    ids::{DocId, DocKind},
    ticket::{LogEntry, LogEvent},
};
use yew::prelude::*;

use super::{clocks::ClocksPanel, conversation::Conversation, fields::FieldsPanel, history};
use crate::{
    commands::{Layer, use_commands},
    i18n::{format, tr, use_i18n},
    keys::Command,
    query::use_query,
    session::use_session,
    widgets::{
        icons::{Glyph, glyph},
        page::Problem,
    },
};

/// Properties of [`Past`].
#[derive(Clone, Debug, PartialEq, Properties)]
pub(crate) struct PastProps {
    /// Which ticket.
    pub(crate) id: DocId,
    /// After which change, as `GetTicketHistory` names it.
    pub(crate) change: String,
    /// Told of another change to show.
    pub(crate) on_change: Callback<String>,
    /// Told when the present is to be shown again.
    pub(crate) on_close: Callback<()>,
}

/// What a change touched: fields by their names, comments by their ids.
fn touched(entries: &[&LogEntry]) -> BTreeSet<String> {
    entries
        .iter()
        .flat_map(|entry| match &entry.event {
            LogEvent::Created { .. } => Vec::new(),
            LogEvent::Status { .. } => vec!["status".to_owned()],
            LogEvent::Priority { .. } => vec!["priority".to_owned()],
            LogEvent::Field { field, .. } => vec![field.clone()],
            LogEvent::Tag { .. } => vec!["tags".to_owned()],
            LogEvent::Reply { comment, .. } | LogEvent::CommentDeleted { comment } => {
                vec![comment.to_string()]
            }
            LogEvent::Deleted { .. } => vec!["deleted".to_owned()],
        })
        .collect()
}

/// The change beside another one: so many places later, within what there is.
fn beside(changes: &[TicketChange], change: &str, by: Step) -> Option<String> {
    let here = changes.iter().position(|one| one.change == change)?;
    let there = match by {
        Step::First => 0,
        Step::Earlier => here.checked_sub(1)?,
        Step::Later => here + 1,
        Step::Last => changes.len().checked_sub(1)?,
    };
    changes.get(there).map(|one| one.change.clone())
}

/// Which way through the changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    First,
    Earlier,
    Later,
    Last,
}

/// The ticket then.
#[component]
pub(crate) fn Past(props: &PastProps) -> Html {
    let i18n = use_i18n();
    let history = use_query(GetTicketHistory { id: props.id }, &[DocKind::Ticket], Some(props.id));
    let past = use_query(
        GetTicketAt { id: props.id, change: props.change.clone() },
        &[DocKind::Ticket],
        Some(props.id),
    );
    let changes: Vec<TicketChange> =
        history.data.as_ref().and_then(|reply| reply.as_ref().clone()).unwrap_or_default();
    let to = |by| beside(&changes, &props.change, by);
    {
        let (on_change, on_close) = (props.on_change.clone(), props.on_close.clone());
        let (first, earlier, later, last) =
            (to(Step::First), to(Step::Earlier), to(Step::Later), to(Step::Last));
        use_commands(Layer::Form, move |command| {
            let there = match command {
                Command::Earlier | Command::Up => &earlier,
                Command::Later | Command::Down => &later,
                Command::First => &first,
                Command::Last => &last,
                Command::Back => {
                    on_close.emit(());
                    return true;
                }
                // What changes the ticket is not for its past; nor does the list move on behind it.
                Command::Open
                | Command::Reply
                | Command::Note
                | Command::Assign
                | Command::Priority
                | Command::Status
                | Command::Tags
                | Command::Select
                | Command::Edit
                | Command::Value(_)
                | Command::Send => return true,
                _ => return false,
            };
            if let Some(there) = there {
                on_change.emit(there.clone());
            }
            true
        });
    }
    let step = |label: String, by: Step, key: &'static str, testid: &'static str| {
        let there = to(by);
        html! {
            <button class="button" data-testid={testid} disabled={there.is_none()} onclick={
                let on_change = props.on_change.clone();
                move |_| if let Some(there) = &there { on_change.emit(there.clone()) }
            }>{ label }{ " " }<kbd>{ key }</kbd></button>
        }
    };
    let past_ticket = past.data.as_ref().and_then(|reply| reply.as_ref().as_ref());
    html! {
        <article class="ticket ticket-past" data-testid="ticket-past" data-change={props.change.clone()}
            data-place={past_ticket.map(|past| past.place.to_string())}>
            <header class="past-bar" role="status">
                if let Some(past) = past_ticket {
                    <Told past={past.clone()} />
                }
                <div class="past-steps">
                    { step(i18n.t("past-earlier"), Step::Earlier, "←", "past-earlier") }
                    { step(i18n.t("past-later"), Step::Later, "→", "past-later") }
                    <button class="button button-main" data-testid="past-close" onclick={
                        let on_close = props.on_close.clone();
                        move |_| on_close.emit(())
                    }>{ i18n.t("past-close") }{ " " }<kbd>{ "Esc" }</kbd></button>
                </div>
            </header>
            if let Some(error) = past.error {
                <Problem {error} />
            }
            if let Some(past) = past_ticket {
                <Then past={past.clone()} />
            }
        </article>
    }
}

#[derive(Clone, PartialEq, Properties)]
struct PastTicketProps {
    past: PastTicket,
}

fn entries(past: &PastTicket) -> Vec<&LogEntry> {
    past.view.ticket.log.iter().filter(|entry| past.change.entries.contains(&entry.id)).collect()
}

/// Whose view it is, from when, and what was done.
#[component]
fn Told(props: &PastTicketProps) -> Html {
    let i18n = use_i18n();
    let session = use_session();
    let past = &props.past;
    let at = |at| format::date_time(i18n, format::local(at));
    html! {
        <div class="past-told">
            <h2 data-testid="past-title">{ glyph(Glyph::Clock) }
                { tr!(i18n, "past-title", by = session.author(i18n, &past.change.by), at = at(past.change.at)) }</h2>
            <p class="hint">
                { tr!(i18n, "past-place", place = past.place + 1, n = past.changes) }
                if let Some(since) = past.change.offline_since {
                    { " · " }{ tr!(i18n, "conflict-offline", at = at(since)) }
                }
            </p>
            <ul class="past-done">
                for entry in entries(past) {
                    <li key={entry.id.to_string()} class="clamp" data-testid="past-done">
                        { history::words(i18n, &session, entry) }
                    </li>
                }
            </ul>
        </div>
    }
}

/// The ticket itself.
#[component]
fn Then(props: &PastTicketProps) -> Html {
    let i18n = use_i18n();
    let past = &props.past;
    let view = Rc::new(past.view.clone());
    let changed = Rc::new(touched(&entries(past)));
    let title = classes!("detail-title", changed.contains("title").then_some("changed"));
    html! {
        <>
            <header class="detail-head">
                <div class="detail-line"><span class="number">{ &view.number }</span></div>
                <h1 class={title} data-testid="past-ticket-title">{ &view.ticket.title }</h1>
            </header>
            if view.ticket.deleted {
                <p class="banner">{ i18n.t("ticket-deleted") }</p>
            }
            <div class="detail-body">
                <div class="talk-pane">
                    <div class="talk">
                        <Conversation view={Rc::clone(&view)} is_locked=true on_edit={Callback::noop()}
                            changed={Rc::clone(&changed)} />
                    </div>
                </div>
                <aside class="side" aria-label={i18n.t("ticket-details")}>
                    <FieldsPanel view={Rc::clone(&view)} is_locked=true on_edit={Callback::noop()} {changed} />
                    <ClocksPanel {view} then={past.change.at} />
                </aside>
            </div>
        </>
    }
}

#[cfg(test)]
mod tests {
    use desk_domain::time::UtcMillis;

    use super::*;

    #[test]
    fn one_steps_through_the_changes_and_stays_at_the_ends() {
        let change = |name: &str| TicketChange {
            change: name.to_owned(),
            at: UtcMillis(0),
            by: String::new(),
            offline_since: None,
            entries: Vec::new(),
        };
        let changes = ["a", "b", "c"].map(change);
        let check = |from: &str, by: Step, expected: Option<&str>| {
            assert_eq!(beside(&changes, from, by).as_deref(), expected, "{from} {by:?}");
        };
        check("b", Step::Earlier, Some("a"));
        check("b", Step::Later, Some("c"));
        check("a", Step::Earlier, None);
        check("c", Step::Later, None);
        check("a", Step::Last, Some("c"));
        check("c", Step::First, Some("a"));
        check("gone", Step::Later, None);
    }
}
