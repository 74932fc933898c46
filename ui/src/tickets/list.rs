//! The ticket list: virtual, so that a hundred thousand rows scroll like thirty.

mod model;
mod row;
pub(crate) mod rows;
pub(crate) mod window;

use std::rc::Rc;

use desk_domain::ids::{DocId, DocKind};
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::HtmlElement;
use yew::prelude::*;

use self::{
    model::{Asked, Model},
    row::{BlankRow, Row},
};
use crate::{
    commands::{Layer, use_commands},
    frame::beginning,
    i18n::{tr, use_i18n},
    keys::Command,
    live::{SYNC, use_changed},
    overlay,
    route::{self, Route},
    session::use_session,
    store::use_store,
    tickets::{
        filter::ListQuery,
        filter_bar::{FilterBar, SearchField},
        picker::{self, Pick},
        seen,
    },
    widgets::{
        icons::{Glyph, glyph},
        page::{Empty, Problem},
    },
};

/// Height of a row with one line.
const ROW_PX: u32 = 32;
/// Height of a row with two lines, beside an open ticket.
const COMPACT_ROW_PX: u32 = 40;

/// Properties of [`TicketList`].
#[derive(Clone, Debug, PartialEq, Properties)]
pub(crate) struct TicketListProps {
    /// Which tickets.
    pub(crate) query: ListQuery,
    /// The ticket that is open beside the list.
    pub(crate) open: Option<DocId>,
}

/// The list pane.
#[component]
pub(crate) fn TicketList(props: &TicketListProps) -> Html {
    let i18n = use_i18n();
    let session = use_session();
    let sync = use_store(&SYNC);
    let update = use_force_update();
    let model = use_mut_ref(Model::default);
    let scroller = use_node_ref();
    let space = use_node_ref();
    let shown_window = use_node_ref();
    let filters_shown = use_state_eq(|| false);

    let is_compact = props.open.is_some();
    let row_px = if is_compact { COMPACT_ROW_PX } else { ROW_PX };
    model.borrow_mut().row_px = row_px;

    // Fetching.
    let fetch = {
        let (model, update) = (Rc::clone(&model), update.clone());
        move || {
            let update = update.clone();
            let update: Rc<dyn Fn()> = Rc::new(move || update.force_update());
            Model::fetch(&model, &update);
        }
    };
    {
        let (model, update, fetch, scroller) =
            (Rc::clone(&model), update.clone(), fetch.clone(), scroller.clone());
        let asked = Asked { filter: props.query.to_filter(&session.me()), sort: props.query.shown_sort() };
        use_effect_with(asked, move |asked| {
            model.borrow_mut().ask_for(asked.clone());
            if let Some(scroller) = scroller.cast::<HtmlElement>() {
                scroller.set_scroll_top(0);
            }
            fetch();
            update.force_update();
        });
    }
    {
        let (model, fetch) = (Rc::clone(&model), fetch.clone());
        use_changed(&[DocKind::Ticket], None, move || {
            let fetch = fetch.clone();
            Model::changed_soon(&model, fetch);
        });
    }

    // The window follows the scroll position and the pane's height.
    {
        let (model, update, fetch, scroller) =
            (Rc::clone(&model), update.clone(), fetch.clone(), scroller.clone());
        use_effect_with((), move |()| {
            let element = scroller.cast::<HtmlElement>();
            let measured = element.clone();
            let measure = Rc::new(move || {
                let Some(element) = &measured else { return };
                let top = u32::try_from(element.scroll_top()).unwrap_or(0);
                let height = u32::try_from(element.client_height()).unwrap_or(0);
                if model.borrow_mut().scrolled(top, height) {
                    fetch();
                    update.force_update();
                }
            });
            measure();
            let scrolled = {
                let measure = Rc::clone(&measure);
                Closure::<dyn Fn()>::new(move || measure())
            };
            let resized = Closure::<dyn Fn()>::new(move || measure());
            if let Some(element) = &element {
                let _ = element.add_event_listener_with_callback("scroll", scrolled.as_ref().unchecked_ref());
            }
            let observer = web_sys::ResizeObserver::new(resized.as_ref().unchecked_ref()).ok();
            if let (Some(observer), Some(element)) = (&observer, &element) {
                observer.observe(element);
            }
            move || {
                if let Some(element) = element {
                    let _ = element
                        .remove_event_listener_with_callback("scroll", scrolled.as_ref().unchecked_ref());
                }
                if let Some(observer) = observer {
                    observer.disconnect();
                }
                drop((scrolled, resized));
            }
        });
    }

    let view = model.borrow().view(props.open);

    // Sizes and places are set through the object model, which the content policy allows.
    {
        let (space, shown_window) = (space.clone(), shown_window.clone());
        use_effect_with((view.total, view.range.start, row_px), move |(total, first, row_px)| {
            if let Some(space) = space.cast::<HtmlElement>() {
                let height = window::reachable(*total, *row_px) * row_px;
                let _ = space.style().set_property("height", &format!("{height}px"));
            }
            if let Some(shown) = shown_window.cast::<HtmlElement>() {
                let _ = shown.style().set_property("transform", &format!("translateY({}px)", first * row_px));
            }
        });
    }
    // When the ticket is closed, the keys go on from its row.
    {
        let model = Rc::clone(&model);
        use_effect_with(view.cursor, move |cursor| {
            model.borrow_mut().move_to(*cursor);
        });
    }
    // Another row height keeps the current row in sight.
    {
        let (model, scroller) = (Rc::clone(&model), scroller.clone());
        use_effect_with(row_px, move |_| {
            model.borrow().scroll_to_cursor(&scroller);
        });
    }
    let rests_on = if props.open.is_none() { model.borrow().row_id(view.cursor) } else { None };
    seen::use_read_ahead(rests_on);
    use_effect_with(view.is_ready, |is_ready| {
        if *is_ready {
            crate::ready::painted("list");
        }
    });

    let open_at = {
        let model = Rc::clone(&model);
        let update = update.clone();
        let query = props.query.clone();
        Callback::from(move |(at, step): (u32, bool)| {
            let id = model.borrow_mut().move_to(at);
            update.force_update();
            if let Some(id) = id {
                let route = Route::Tickets { query: query.clone(), open: Some(id) };
                if step { route::go(route) } else { route::replace(route) }
            }
        })
    };
    let select_at = {
        let (model, update) = (Rc::clone(&model), update.clone());
        Callback::from(move |at: u32| {
            model.borrow_mut().toggle(at);
            update.force_update();
        })
    };

    {
        let (model, update, scroller) = (Rc::clone(&model), update.clone(), scroller.clone());
        let (open_at, query, open) = (open_at.clone(), props.query.clone(), props.open);
        use_commands(Layer::List, move |command| {
            let page = model.borrow().page_rows();
            let (cursor, last) = (model.borrow().cursor(open), model.borrow().last());
            let to = match command {
                Command::Down => Some(cursor.saturating_add(1).min(last)),
                Command::Up => Some(cursor.saturating_sub(1)),
                Command::PageDown => Some(cursor.saturating_add(page).min(last)),
                Command::PageUp => Some(cursor.saturating_sub(page)),
                Command::First => Some(0),
                Command::Last => Some(last),
                _ => None,
            };
            if let Some(to) = to {
                if open.is_some() {
                    open_at.emit((to, false));
                } else {
                    model.borrow_mut().move_to(to);
                    update.force_update();
                }
                model.borrow().scroll_to_cursor(&scroller);
                return true;
            }
            let pick = match command {
                Command::Open => {
                    if open.is_none() {
                        open_at.emit((cursor, true));
                    }
                    return open.is_none();
                }
                Command::Select => {
                    model.borrow_mut().toggle(cursor);
                    update.force_update();
                    return true;
                }
                Command::Search => return focus_search(),
                Command::Back => {
                    if model.borrow_mut().clear_selection() {
                        update.force_update();
                        return true;
                    }
                    if open.is_some() {
                        route::go(Route::Tickets { query: query.clone(), open: None });
                        return true;
                    }
                    return false;
                }
                Command::Status => Pick::Status,
                Command::Priority => Pick::Priority,
                Command::Assign => Pick::Assignee,
                Command::Tags => Pick::Tags,
                _ => return false,
            };
            let targets = model.borrow().targets(open);
            if targets.is_empty() {
                return false;
            }
            overlay::open(overlay::Overlay::Pick { pick, targets });
            true
        });
    }

    let selected = view.selected;
    let pick_button = |pick: Pick, testid: &'static str| {
        let model = Rc::clone(&model);
        let open = props.open;
        html! {
            <button class="button-text" data-testid={testid} onclick={move |_| {
                let targets = model.borrow().targets(open);
                overlay::open(overlay::Overlay::Pick { pick, targets });
            }}>{ picker::title(i18n, pick) }</button>
        }
    };
    let cursor_id = format!("row-{}", view.cursor);
    html! {
        <section class="list-pane" data-compact={is_compact.to_string()} data-filters={filters_shown.to_string()}
            aria-label={i18n.t("tickets")} data-testid="ticket-list">
            <header class="list-head">
                <div class="list-title">
                    <h1>{ i18n.word("view", props.query.view.as_str()) }</h1>
                    <span class="count" data-testid="ticket-count" data-count={view.total.to_string()}
                        data-answer={view.answered.to_string()}>
                        { tr!(i18n, "tickets-count", n = view.total) }
                    </span>
                    <span class="spring" />
                    if !is_compact {
                        <SearchField query={props.query.clone()} open={props.open} />
                    }
                    if is_compact {
                        <button class={classes!("button-icon", props.query.is_narrowed().then_some("is-on"))}
                            title={i18n.t("filters")} aria-label={i18n.t("filters")} data-testid="filters-toggle"
                            aria-expanded={filters_shown.to_string()}
                            onclick={let shown = filters_shown.clone(); move |_| shown.set(!*shown)}>
                            { glyph(Glyph::Settings) }
                        </button>
                    }
                    <a class="button" href="#/tickets/new" data-testid="new-ticket" title={i18n.t("new-ticket-hint")}>
                        { glyph(Glyph::Plus) }<span>{ i18n.t("new-ticket") }</span>
                    </a>
                </div>
                if is_compact {
                    <SearchField query={props.query.clone()} open={props.open} />
                }
                <FilterBar query={props.query.clone()} open={props.open} />
            </header>
            if selected > 0 {
                <div class="selection" data-testid="selection-bar">
                    <span>{ tr!(i18n, "selected-count", n = selected) }</span>
                    { pick_button(Pick::Status, "selection-status") }
                    { pick_button(Pick::Priority, "selection-priority") }
                    { pick_button(Pick::Assignee, "selection-assignee") }
                    { pick_button(Pick::Tags, "selection-tags") }
                    <span class="spring" />
                    <button class="button-text" data-testid="selection-clear" onclick={
                        let (model, update) = (Rc::clone(&model), update.clone());
                        move |_| {
                            model.borrow_mut().clear_selection();
                            update.force_update();
                        }
                    }>{ i18n.t("selection-clear") }</button>
                </div>
            }
            if let Some(error) = view.error.clone() {
                <Problem {error} />
            }
            <div ref={scroller} class="rows" tabindex="0" role="grid" data-testid="ticket-rows"
                aria-label={i18n.word("view", props.query.view.as_str())}
                aria-rowcount={view.total.to_string()} aria-multiselectable="true"
                aria-activedescendant={cursor_id}>
                <div ref={space} class="rows-space" role="presentation">
                    <div ref={shown_window} class="rows-window" role="presentation">
                        // Keyed by slot, so that a row which leaves lends its elements to the one that comes: to make new
                        // ones costs more than all the rest of a scroll.
                        for (at, row) in view.rows.iter() {
                            if let Some(row) = row {
                                <Row key={(at % view.slots).to_string()} row={Rc::clone(row)} at={*at} {is_compact}
                                    is_current={*at == view.cursor} is_open={props.open == Some(row.id)}
                                    is_selected={model.borrow().is_selected(row.id)}
                                    on_open={open_at.clone()} on_select={select_at.clone()} />
                            } else {
                                <BlankRow key={(at % view.slots).to_string()} />
                            }
                        }
                    </div>
                </div>
                if view.is_ready && view.total == 0 && view.error.is_none() {
                    <Empty text={
                        if let Some(beginning) = beginning(i18n, &sync) {
                            beginning
                        } else if props.query.is_narrowed() {
                            i18n.t("tickets-none-found")
                        } else {
                            i18n.t("tickets-none")
                        }
                    }>
                        if props.query.is_narrowed() {
                            <button class="button-text" data-testid="filters-clear" onclick={
                                let query = ListQuery::of(props.query.view);
                                let open = props.open;
                                move |_| route::replace(Route::Tickets { query: query.clone(), open })
                            }>{ i18n.t("filters-clear") }</button>
                        }
                    </Empty>
                }
            </div>
        </section>
    }
}

/// Gives the search field the focus; `false` where there is none.
fn focus_search() -> bool {
    let document = web_sys::window().and_then(|window| window.document());
    let field = document.and_then(|document| document.get_element_by_id("ticket-search"));
    let Some(field) = field.and_then(|field| field.dyn_into::<web_sys::HtmlInputElement>().ok()) else {
        return false;
    };
    let _ = field.focus();
    field.select();
    true
}
