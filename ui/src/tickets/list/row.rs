//! One row of the list.

use std::rc::Rc;

use desk_api::view::{NextDue, TicketRow};
use yew::prelude::*;

use crate::{
    clock::use_now,
    i18n::{format, tr, use_i18n},
    session::use_session,
    widgets::{
        icons::{self, Glyph, glyph},
        moment::Ago,
    },
};

/// Tags that a row shows.
const TAGS_SHOWN: usize = 2;

/// Properties of [`Row`].
#[expect(
    clippy::struct_excessive_bools,
    reason = "each says another thing about the row, and all are independent"
)]
#[derive(Clone, PartialEq, Properties)]
pub(super) struct RowProps {
    /// The ticket.
    pub(super) row: Rc<TicketRow>,
    /// Its place.
    pub(super) at: u32,
    /// Two lines beside an open ticket instead of one.
    pub(super) is_compact: bool,
    /// The keys act on it.
    pub(super) is_current: bool,
    /// It is open beside the list.
    pub(super) is_open: bool,
    /// It is selected.
    pub(super) is_selected: bool,
    /// Told of the place to open, and whether Back shall return from it.
    pub(super) on_open: Callback<(u32, bool)>,
    /// Told of the place to select.
    pub(super) on_select: Callback<u32>,
}

/// A ticket.
#[component]
pub(super) fn Row(props: &RowProps) -> Html {
    let i18n = use_i18n();
    let session = use_session();
    let row = &props.row;
    let onclick = {
        let (on_open, on_select, at) = (props.on_open.clone(), props.on_select.clone(), props.at);
        Callback::from(move |event: MouseEvent| {
            if event.ctrl_key() || event.meta_key() || event.shift_key() {
                on_select.emit(at);
            } else {
                on_open.emit((at, true));
            }
        })
    };
    let onselect = {
        let (on_select, at) = (props.on_select.clone(), props.at);
        Callback::from(move |event: MouseEvent| {
            event.stop_propagation();
            on_select.emit(at);
        })
    };
    let status = i18n.word("status", row.status);
    let priority = i18n.word("priority", row.priority);
    let assignee = row.assignee.as_deref().map(|reference| session.name(reference));
    let check = html! {
        <span class="row-check" role="gridcell" onclick={onselect}>
            <input type="checkbox" tabindex="-1" checked={props.is_selected}
                aria-label={tr!(i18n, "select-ticket", number = row.number.as_str())} />
        </span>
    };
    let status_cell = html! {
        <span class="row-status" role="gridcell" title={status.clone()} data-status={row.status.as_str()}>
            { icons::status(row.status) }<span class="sr-only">{ status }</span>
        </span>
    };
    let priority_cell = html! {
        <span class="row-priority" role="gridcell" title={priority.clone()} data-priority={row.priority.as_str()}>
            { icons::priority(row.priority) }<span class="sr-only">{ priority }</span>
        </span>
    };
    let marks = html! {
        <>
            if row.conflicted {
                <span class="mark mark-warning" title={i18n.t("mark-conflict")}>{ glyph(Glyph::Warning) }</span>
            }
            if row.unsent {
                <span class="mark" title={i18n.t("mark-unsent")} data-testid="unsent-mark">{ glyph(Glyph::Upload) }</span>
            }
        </>
    };
    let due = html! {
        if let Some(due) = row.next_due {
            <Due {due} />
        }
    };
    let classes = classes!(
        "row",
        props.is_current.then_some("is-current"),
        props.is_open.then_some("is-open"),
        props.is_selected.then_some("is-selected"),
        row.status.is_done().then_some("is-done")
    );
    let content = if props.is_compact {
        html! {
            <>
                { check }{ status_cell }
                <span class="row-two">
                    <span class="row-line">
                        <span class="row-title" role="gridcell" data-testid="row-title">{ &row.title }</span>
                        { marks }{ due }
                    </span>
                    <span class="row-line row-second">
                        { priority_cell }
                        <span class="row-number" role="gridcell">{ &row.number }</span>
                        <span class="row-assignee" role="gridcell">{ assignee.unwrap_or_default() }</span>
                        <Ago at={row.updated_at} />
                    </span>
                </span>
            </>
        }
    } else {
        html! {
            <>
                { check }{ status_cell }{ priority_cell }
                <span class="row-number" role="gridcell">{ &row.number }</span>
                <span class="row-main" role="gridcell">
                    <span class="row-title" data-testid="row-title">{ &row.title }</span>
                    { marks }
                    <span class="row-tags">
                        for tag in row.tags.iter().take(TAGS_SHOWN) {
                            <span class="tag">{ tag }</span>
                        }
                        if row.tags.len() > TAGS_SHOWN {
                            <span class="tag tag-more">{ format!("+{}", row.tags.len() - TAGS_SHOWN) }</span>
                        }
                    </span>
                </span>
                <span class="row-due" role="gridcell">{ due }</span>
                <span class="row-team" role="gridcell">
                    { row.team.as_deref().map(|key| session.team_name(key)).unwrap_or_default() }
                </span>
                <span class="row-assignee" role="gridcell" title={assignee.clone()}>
                    if let Some(name) = assignee {
                        { name }
                    } else {
                        <span class="faint">{ i18n.t("nobody") }</span>
                    }
                </span>
                <span class="row-age" role="gridcell"><Ago at={row.updated_at} /></span>
            </>
        }
    };
    html! {
        <div id={format!("row-{}", props.at)} class={classes} role="row" {onclick}
            aria-rowindex={(props.at + 1).to_string()} aria-selected={props.is_selected.to_string()}
            data-testid="ticket-row" data-number={row.number.clone()} data-id={row.id.to_string()}>
            { content }
        </div>
    }
}

/// A row that was not fetched yet.
#[component]
pub(super) fn BlankRow() -> Html {
    html! { <div class="row row-blank" role="row" aria-hidden="true"><span class="blank" /></div> }
}

/// Properties of [`Due`].
#[derive(Clone, Debug, PartialEq, Properties)]
pub(crate) struct DueProps {
    /// The clock.
    pub(crate) due: NextDue,
}

/// How long a clock still has, in a few characters; late ones are filled and say so.
#[component]
pub(crate) fn Due(props: &DueProps) -> Html {
    const SOON_MS: i64 = 3_600_000;
    let i18n = use_i18n();
    let now = use_now(15);
    let left = props.due.due_at.since(now);
    let exact = tr!(
        i18n,
        "due-hover",
        metric = i18n.word("metric", props.due.metric),
        at = format::date_time(i18n, format::local(props.due.due_at)),
    );
    let (class, text) = if left < 0 {
        ("due due-late", tr!(i18n, "due-late", time = format::rough(i18n, left)))
    } else if left < SOON_MS {
        ("due due-soon", format::rough(i18n, left))
    } else {
        ("due", format::rough(i18n, left))
    };
    html! {
        <span {class} title={exact} data-testid="due-mark">{ glyph(Glyph::Clock) }<span>{ text }</span></span>
    }
}
