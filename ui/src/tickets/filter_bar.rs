//! The filter bar: search as you type, and what narrows the list.

use std::rc::Rc;

use desk_api::view::{AssigneeFilter, TicketSort};
use desk_domain::{
    ids::DocId,
    ticket::{Priority, Status},
};
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlInputElement};
use yew::prelude::*;

use crate::{
    i18n::use_i18n,
    live::TAGS,
    route::{self, ROUTE, Route},
    session::use_session,
    store::{StoreKey, use_store},
    tickets::filter::{Due, ListQuery, SORTS, sort_word},
    widgets::{
        field::{Choice, Select, on_text, use_outside_press},
        icons::{self, Glyph, glyph},
    },
};

/// Properties of [`FilterBar`] and [`SearchField`].
#[derive(Clone, Debug, PartialEq, Properties)]
pub(crate) struct FilterBarProps {
    /// What the list shows.
    pub(crate) query: ListQuery,
    /// The ticket that stays open.
    pub(crate) open: Option<DocId>,
}

/// The bar.
#[component]
pub(crate) fn FilterBar(props: &FilterBarProps) -> Html {
    let i18n = use_i18n();
    let session = use_session();
    let me = session.me();
    let tags = use_store(&TAGS);
    let query = &props.query;
    let open = props.open;
    let narrow = Callback::from(move |query: ListQuery| route::replace(Route::Tickets { query, open }));
    let with = |change: fn(ListQuery, String) -> ListQuery| {
        let (query, narrow) = (query.clone(), narrow.clone());
        Callback::from(move |value: String| narrow.emit(change(query.clone(), value)))
    };

    let statuses = query.shown_statuses();
    let status_label =
        labels(i18n.t("filter-status"), Status::ALL, &statuses, |word| i18n.word("status", word));
    let priority_label = labels(i18n.t("filter-priority"), Priority::ALL, &query.priorities, |word| {
        i18n.word("priority", word)
    });

    let mut assignees =
        vec![Choice::new("anyone", i18n.t("anyone")), Choice::new("nobody", i18n.t("nobody"))];
    assignees.extend(session.assignable().into_iter().map(|member| {
        let id = member.id.to_string();
        let label = if id == me { i18n.t("me") } else { member.name };
        Choice::new(format!("is:{id}"), label)
    }));
    let shown_assignee = query.shown_assignee(&me);
    let (assignee, other_assignee) = match &shown_assignee {
        AssigneeFilter::Anyone => ("anyone".to_owned(), None),
        AssigneeFilter::Nobody => ("nobody".to_owned(), None),
        AssigneeFilter::Is(who) => (format!("is:{who}"), Some(AttrValue::from(session.name(who)))),
    };
    let choose_assignee = {
        let (query, narrow, me) = (query.clone(), narrow.clone(), me.clone());
        Callback::from(move |value: String| {
            let assignee = match value.as_str() {
                "anyone" => AssigneeFilter::Anyone,
                "nobody" => AssigneeFilter::Nobody,
                other => AssigneeFilter::Is(other.strip_prefix("is:").unwrap_or(other).to_owned()),
            };
            narrow.emit(query.clone().with_assignee(assignee, &me));
        })
    };
    let optional = |all: String, entries: Vec<(String, String)>| {
        let mut choices = vec![Choice::new("", all)];
        choices.extend(entries.into_iter().map(|(value, label)| Choice::new(value, label)));
        Rc::new(choices)
    };
    let tag_choices = optional(
        i18n.t("any-tag"),
        tags.iter().map(|known| (known.tag.clone(), format!("{} ({})", known.tag, known.tickets))).collect(),
    );
    let due_choices = optional(
        i18n.t("any-due"),
        Due::ALL.into_iter().map(|due| (due.as_str().to_owned(), i18n.word("due", due.as_str()))).collect(),
    );
    let sorts =
        SORTS.iter().map(|sort| Choice::new(sort_word(*sort), i18n.word("sort", sort_word(*sort)))).collect();
    let choose_sort = with(|query, value| {
        let sort = SORTS.into_iter().find(|sort| sort_word(*sort) == value).unwrap_or(TicketSort::Updated);
        query.with_sort(sort)
    });

    html! {
        <div class="filter-bar" data-testid="filter-bar">
            <div class="filters">
                <Menu label={status_label} is_on={query.statuses.is_some()} testid="filter-status">
                    for status in Status::ALL.iter().copied() {
                        <label class="menu-line">
                            <input type="checkbox" checked={statuses.contains(&status)}
                                data-testid={format!("filter-status-{status}")}
                                onchange={let (query, narrow) = (query.clone(), narrow.clone());
                                    move |_| narrow.emit(query.clone().toggle_status(status))} />
                            { icons::status(status) }<span>{ i18n.word("status", status) }</span>
                        </label>
                    }
                </Menu>
                <Menu label={priority_label} is_on={!query.priorities.is_empty()} testid="filter-priority">
                    for priority in Priority::ALL.iter().rev().copied() {
                        <label class="menu-line">
                            <input type="checkbox" checked={query.priorities.contains(&priority)}
                                data-testid={format!("filter-priority-{priority}")}
                                onchange={let (query, narrow) = (query.clone(), narrow.clone());
                                    move |_| narrow.emit(query.clone().toggle_priority(priority))} />
                            { icons::priority(priority) }<span>{ i18n.word("priority", priority) }</span>
                        </label>
                    }
                </Menu>
                <Select value={assignee} choices={Rc::new(assignees)} on_choose={choose_assignee}
                    other_label={other_assignee} label={i18n.t("filter-assignee")} testid="filter-assignee"
                    class={classes!("select-quiet", query.assignee.is_some().then_some("is-on"))} />
                <Select value={query.team.clone().unwrap_or_default()} testid="filter-team"
                    choices={optional(i18n.t("any-team"), session.teams())}
                    on_choose={with(|query, value| ListQuery { team: some(value), ..query })}
                    label={i18n.t("filter-team")}
                    class={classes!("select-quiet", query.team.is_some().then_some("is-on"))} />
                <Select value={query.tag.clone().unwrap_or_default()} testid="filter-tag" choices={tag_choices}
                    on_choose={with(|query, value| ListQuery { tag: some(value), ..query })}
                    label={i18n.t("filter-tag")}
                    class={classes!("select-quiet", query.tag.is_some().then_some("is-on"))} />
                if !session.categories().is_empty() {
                    <Select value={query.category.clone().unwrap_or_default()} testid="filter-category"
                        choices={optional(i18n.t("any-category"), session.categories())}
                        on_choose={with(|query, value| ListQuery { category: some(value), ..query })}
                        label={i18n.t("filter-category")}
                        class={classes!("select-quiet", query.category.is_some().then_some("is-on"))} />
                }
                <Select value={query.due.map_or("", Due::as_str)} choices={due_choices} testid="filter-due"
                    on_choose={with(|query, value| {
                        ListQuery { due: Due::ALL.into_iter().find(|due| due.as_str() == value), ..query }
                    })}
                    label={i18n.t("filter-due")}
                    class={classes!("select-quiet", query.due.is_some().then_some("is-on"))} />
                if query.is_narrowed() {
                    <button class="button-text" data-testid="filters-reset" onclick={
                        let (query, narrow) = (query.clone(), narrow.clone());
                        move |_| narrow.emit(ListQuery { sort: query.sort, ..ListQuery::of(query.view) })
                    }>{ i18n.t("filters-clear") }</button>
                }
                <Select value={sort_word(query.shown_sort())} choices={Rc::new(sorts)} on_choose={choose_sort}
                    label={i18n.t("sort")} testid="sort" class="select-quiet select-sort" />
            </div>
        </div>
    }
}

fn some(value: String) -> Option<String> {
    (!value.is_empty()).then_some(value)
}

/// `Status`, or `Status: open, pending`; with many, how many.
fn labels<T: Copy + Ord>(
    name: String,
    all: &[T],
    chosen: &std::collections::BTreeSet<T>,
    word: impl Fn(T) -> String,
) -> String {
    if chosen.is_empty() || chosen.len() == all.len() {
        return name;
    }
    let words: Vec<String> =
        all.iter().filter(|entry| chosen.contains(entry)).map(|entry| word(*entry)).collect();
    match words.as_slice() {
        [first, rest @ ..] if rest.len() > 1 => format!("{name}: {first} +{}", rest.len()),
        words => format!("{name}: {}", words.join(", ")),
    }
}

/// Search as you type: the field is the person's, the address follows it.
#[component]
pub(crate) fn SearchField(props: &FilterBarProps) -> Html {
    let i18n = use_i18n();
    let text = use_state(|| props.query.text.clone());
    let typed = use_mut_ref(|| props.query.text.clone());
    // What the address says wins when it was changed elsewhere (a view was chosen, the filters were cleared). It is asked
    // itself: somebody who types fast is ahead of what is rendered.
    {
        let (text, typed) = (text.clone(), Rc::clone(&typed));
        use_effect_with(props.query.text.clone(), move |_| {
            if let Route::Tickets { query, .. } = &*ROUTE.current()
                && query.text != *typed.borrow()
            {
                typed.borrow_mut().clone_from(&query.text);
                text.set(query.text.clone());
            }
        });
    }
    // Every letter searches at once: an answer takes a few milliseconds, and one to an older question is dropped.
    let oninput = {
        let (text, query, open) = (text.clone(), props.query.clone(), props.open);
        on_text(move |now: String| {
            typed.borrow_mut().clone_from(&now);
            text.set(now.clone());
            route::replace(Route::Tickets { query: ListQuery { text: now, ..query.clone() }, open });
        })
    };
    let onkeydown = Callback::from(|event: KeyboardEvent| {
        // Enter and the arrow leave the field for the rows it found.
        if matches!(event.code().as_str(), "Enter" | "NumpadEnter" | "ArrowDown")
            && !event.is_composing()
            && let Some(input) = event.target().and_then(|target| target.dyn_into::<HtmlInputElement>().ok())
        {
            event.prevent_default();
            let _ = input.blur();
        }
    });
    html! {
        <div class="search">
            { glyph(Glyph::Search) }
            <input id="ticket-search" type="search" class="search-input" value={(*text).clone()} {oninput} {onkeydown}
                placeholder={i18n.t("search-tickets")} aria-label={i18n.t("search-tickets")} autocomplete="off"
                spellcheck="false" data-testid="ticket-search" />
            <kbd class="search-key">{ "/" }</kbd>
        </div>
    }
}

#[derive(Clone, Debug, PartialEq, Properties)]
struct MenuProps {
    label: String,
    is_on: bool,
    testid: &'static str,
    children: Html,
}

/// A button that opens a panel of choices; it closes when the focus or the mouse goes elsewhere.
#[component]
fn Menu(props: &MenuProps) -> Html {
    let node = use_node_ref();
    let close = {
        let node = node.clone();
        Callback::from(move |()| {
            if let Some(menu) = node.cast::<Element>() {
                let _ = menu.remove_attribute("open");
            }
        })
    };
    use_outside_press(node.clone(), close.clone());
    let onfocusout = {
        let node = node.clone();
        Callback::from(move |event: FocusEvent| {
            let to = event.related_target().and_then(|target| target.dyn_into::<Element>().ok());
            if to.is_some_and(|to| node.get().is_some_and(|menu| !menu.contains(Some(&to)))) {
                close.emit(());
            }
        })
    };
    let onkeydown = {
        let node = node.clone();
        Callback::from(move |event: KeyboardEvent| {
            if event.code() == "Escape"
                && let Some(menu) = node.cast::<Element>().filter(|menu| menu.has_attribute("open"))
            {
                event.prevent_default();
                let _ = menu.remove_attribute("open");
            }
        })
    };
    html! {
        <details ref={node} class="menu" {onfocusout} {onkeydown}>
            <summary class={classes!("menu-button", props.is_on.then_some("is-on"))} data-testid={props.testid}>
                { &props.label }
            </summary>
            <div class="menu-panel">{ props.children.clone() }</div>
        </details>
    }
}
