//! What the list knows: the rows, the cursor, the selection, and what is under way.

use std::{cell::RefCell, collections::BTreeSet, ops::Range, rc::Rc};

use desk_api::{
    ApiError,
    call::{CountTickets, ListTickets},
    view::{TicketFilter, TicketRow, TicketSort},
};
use desk_domain::ids::DocId;
use gloo_timers::callback::Timeout;
use web_sys::HtmlElement;
use yew::NodeRef;

use super::{
    rows::{PAGE_ROWS, Rows},
    window,
};
use crate::bridge;

/// A burst of changes (a sync) is fetched once, this long after its first.
const CHANGED_MS: u32 = 60;

/// What the store is asked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Asked {
    /// Which tickets.
    pub(super) filter: TicketFilter,
    /// In which order.
    pub(super) sort: TicketSort,
}

/// What one rendering shows.
pub(super) struct View {
    /// How many tickets there are.
    pub(super) total: u32,
    /// The places that are rendered.
    pub(super) range: Range<u32>,
    /// The most places that are rendered at once in a pane of this height.
    pub(super) slots: u32,
    /// Their rows; `None` where one was not fetched yet.
    pub(super) rows: Vec<(u32, Option<Rc<TicketRow>>)>,
    /// The current place.
    pub(super) cursor: u32,
    /// How many are selected.
    pub(super) selected: usize,
    /// The first rows (or that there are none) are known.
    pub(super) is_ready: bool,
    /// Number of the question whose rows these are.
    pub(super) answered: u64,
    /// Why there are none.
    pub(super) error: Option<ApiError>,
}

/// The list's state.
#[derive(Default)]
pub(super) struct Model {
    asked: Asked,
    /// Number of the newest question; answers to older ones are stale.
    epoch: u64,
    /// Number of the question whose rows are shown.
    answered: u64,
    rows: Rows,
    /// Rows of the newest question until its first page is there: what was shown stays meanwhile.
    next: Option<Rows>,
    cursor: u32,
    cursor_id: Option<DocId>,
    selected: BTreeSet<DocId>,
    scroll_top_px: u32,
    height_px: u32,
    /// Height of a row, as it is rendered now.
    pub(super) row_px: u32,
    is_ready: bool,
    error: Option<ApiError>,
    changed: Option<Timeout>,
}

impl Model {
    /// Takes up another question.
    pub(super) fn ask_for(&mut self, asked: Asked) {
        self.asked = asked;
        self.epoch += 1;
        self.next = Some(Rows::default());
        self.scroll_top_px = 0;
        self.cursor = 0;
        self.cursor_id = None;
        self.selected.clear();
    }

    fn total(&self) -> u32 {
        self.rows.total().unwrap_or(0)
    }

    fn range(&self) -> Range<u32> {
        let total = window::reachable(self.total(), self.row_px);
        window::visible(total, self.row_px, self.scroll_top_px, self.height_px)
    }

    /// Takes over the scroll position; tells whether other rows are in sight now.
    pub(super) fn scrolled(&mut self, top_px: u32, height_px: u32) -> bool {
        let before = self.range();
        self.scroll_top_px = top_px;
        self.height_px = height_px;
        before != self.range()
    }

    /// What to render.
    pub(super) fn view(&self, open: Option<DocId>) -> View {
        let range = self.range();
        let rows = range.clone().map(|at| (at, self.rows.get(at).cloned())).collect();
        View {
            total: self.total(),
            slots: window::slots(self.row_px, self.height_px),
            range,
            rows,
            cursor: self.cursor(open),
            selected: self.selected.len(),
            is_ready: self.is_ready,
            answered: self.answered,
            error: self.error.clone(),
        }
    }

    /// The current place: that of the open ticket, if the list has it.
    pub(super) fn cursor(&self, open: Option<DocId>) -> u32 {
        open.and_then(|id| self.rows.position(id)).unwrap_or(self.cursor)
    }

    /// The last place.
    pub(super) fn last(&self) -> u32 {
        window::reachable(self.total(), self.row_px).saturating_sub(1)
    }

    /// Rows that fit into the pane, less one that stays in sight.
    pub(super) fn page_rows(&self) -> u32 {
        (self.height_px / self.row_px.max(1)).saturating_sub(1).max(1)
    }

    /// Makes a place the current one; gives its ticket if it was fetched.
    pub(super) fn move_to(&mut self, at: u32) -> Option<DocId> {
        self.cursor = at;
        self.cursor_id = self.rows.get(at).map(|row| row.id);
        self.cursor_id
    }

    /// The ticket at a place, if it was fetched.
    pub(super) fn row_id(&self, at: u32) -> Option<DocId> {
        self.rows.get(at).map(|row| row.id)
    }

    /// Scrolls so that the current place is in sight.
    pub(super) fn scroll_to_cursor(&self, scroller: &NodeRef) {
        let Some(element) = scroller.cast::<HtmlElement>() else { return };
        let top = u32::try_from(element.scroll_top()).unwrap_or(0);
        if let Some(top) = window::scroll_to(self.cursor, self.row_px, top, self.height_px) {
            element.set_scroll_top(i32::try_from(top).unwrap_or(i32::MAX));
        }
    }

    /// Selects a row or takes it off the selection.
    pub(super) fn toggle(&mut self, at: u32) {
        if let Some(row) = self.rows.get(at)
            && !self.selected.remove(&row.id)
        {
            self.selected.insert(row.id);
        }
    }

    /// Whether a ticket is selected.
    pub(super) fn is_selected(&self, id: DocId) -> bool {
        self.selected.contains(&id)
    }

    /// Selects nothing; tells whether something was.
    pub(super) fn clear_selection(&mut self) -> bool {
        !std::mem::take(&mut self.selected).is_empty()
    }

    /// What a quick edit is about: the selection, else the open ticket, else the current row.
    pub(super) fn targets(&self, open: Option<DocId>) -> Vec<DocId> {
        if self.selected.is_empty() {
            open.or_else(|| self.rows.get(self.cursor).map(|row| row.id)).into_iter().collect()
        } else {
            self.selected.iter().copied().collect()
        }
    }

    /// The rows that an answer of `epoch` belongs to; `None` when it is stale.
    fn rows_of(&mut self, epoch: u64) -> Option<&mut Rows> {
        (epoch == self.epoch).then(|| self.next.as_mut().unwrap_or(&mut self.rows))
    }

    /// Asks for everything that is in sight and not known, and how many there are if that is not known.
    pub(super) fn fetch(model: &Rc<RefCell<Self>>, update: &Rc<dyn Fn()>) {
        let (asked, epoch, pages, counts) = {
            let mut model = model.borrow_mut();
            let is_next = model.next.is_some();
            let range = window::ahead(&model.range(), model.total());
            let range = if is_next || range.is_empty() { 0..1 } else { range };
            let (asked, epoch) = (model.asked.clone(), model.epoch);
            let Some(rows) = model.rows_of(epoch) else { return };
            let round = rows.round();
            let pages: Vec<(u32, u64)> = rows.ask(&range).into_iter().map(|page| (page, round)).collect();
            // The count is asked for along with the first page of a question and after a change.
            let counts = rows.begin_count();
            (asked, epoch, pages, counts)
        };
        if counts {
            let (model, update, filter) = (Rc::clone(model), Rc::clone(update), asked.filter.clone());
            bridge::spawn(async move {
                let reply = bridge::call(CountTickets { filter }).await;
                let mut state = model.borrow_mut();
                if let (Ok(total), Some(rows)) = (reply, state.rows_of(epoch)) {
                    rows.set_total(total);
                    let shown = state.next.is_none();
                    drop(state);
                    if shown {
                        // A longer list may have rows in sight that were not asked for.
                        Self::fetch(&model, &update);
                        update();
                    }
                }
            });
        }
        for (page, round) in pages {
            let (model, update, asked) = (Rc::clone(model), Rc::clone(update), asked.clone());
            bridge::spawn(async move {
                let offset = page * PAGE_ROWS;
                let Asked { filter, sort } = asked;
                let reply = bridge::call(ListTickets { filter, sort, offset, limit: PAGE_ROWS }).await;
                model.borrow_mut().page_arrived(epoch, page, round, reply.map(|page| page.rows));
                update();
            });
        }
    }

    fn page_arrived(&mut self, epoch: u64, page: u32, round: u64, reply: Result<Vec<TicketRow>, ApiError>) {
        let range = self.range();
        let Some(rows) = self.rows_of(epoch) else { return };
        match reply {
            Ok(fetched) => {
                let count = u32::try_from(fetched.len()).unwrap_or(PAGE_ROWS);
                rows.arrived(page, round, fetched, &range);
                // A short page tells where the list ends, and the first page that it is at least so long.
                let least = page * PAGE_ROWS + count;
                if count < PAGE_ROWS && (count > 0 || page == 0)
                    || rows.total().is_none_or(|total| total < least)
                {
                    rows.set_total(least);
                }
                self.error = None;
                if let Some(next) = self.next.take() {
                    self.rows = next;
                    self.answered = self.epoch;
                }
                self.is_ready = true;
                self.follow_cursor();
            }
            Err(error) => {
                rows.failed(page);
                self.error = Some(error);
                self.is_ready = true;
            }
        }
    }

    /// The cursor stays with its ticket when rows move, and in the list when it gets shorter.
    fn follow_cursor(&mut self) {
        let here = self.rows.get(self.cursor).map(|row| row.id);
        if let Some(id) = self.cursor_id
            && here != Some(id)
            && let Some(at) = self.rows.position(id)
        {
            self.cursor = at;
        }
        self.cursor = self.cursor.min(self.last());
        self.cursor_id = self.rows.get(self.cursor).map(|row| row.id);
    }

    /// Tickets changed: fetches what is in sight again, soon.
    pub(super) fn changed_soon(model: &Rc<RefCell<Self>>, fetch: impl Fn() + 'static) {
        let mut state = model.borrow_mut();
        if state.changed.is_none() {
            let later = Rc::clone(model);
            state.changed = Some(Timeout::new(CHANGED_MS, move || {
                {
                    let mut state = later.borrow_mut();
                    state.changed = None;
                    state.rows.invalidate();
                    if let Some(next) = &mut state.next {
                        next.invalidate();
                    }
                }
                fetch();
            }));
        }
    }
}

#[cfg(test)]
mod tests {
    use desk_domain::{
        ids::uuid_v7,
        ticket::{Priority, Status},
        time::UtcMillis,
    };

    use super::*;

    fn row(n: u8) -> TicketRow {
        TicketRow {
            id: DocId(uuid_v7(UtcMillis(1), [n; 10])),
            number: String::new(),
            title: n.to_string(),
            status: Status::Open,
            priority: Priority::Low,
            category: None,
            assignee: None,
            team: None,
            requester: None,
            tags: [].into(),
            created_at: UtcMillis(0),
            updated_at: UtcMillis(0),
            next_due: None,
            unsent: false,
            conflicted: false,
        }
    }

    fn model() -> Model {
        let mut model = Model { row_px: 40, ..Model::default() };
        model.scrolled(0, 400);
        model.ask_for(Asked::default());
        model
    }

    fn titles(model: &Model) -> Vec<String> {
        model.view(None).rows.iter().filter_map(|(_, row)| Some(row.as_ref()?.title.clone())).collect()
    }

    #[test]
    fn an_answer_to_an_older_question_is_dropped() {
        let mut model = model();
        let old = model.epoch;
        model.ask_for(Asked { sort: TicketSort::Due, ..Asked::default() });
        model.page_arrived(old, 0, 0, Ok(vec![row(1)]));
        assert!(titles(&model).is_empty());
        model.page_arrived(model.epoch, 0, 0, Ok(vec![row(2)]));
        assert_eq!(titles(&model), ["2"]);
    }

    #[test]
    fn what_was_shown_stays_until_the_new_rows_come() {
        let mut model = model();
        model.page_arrived(model.epoch, 0, 0, Ok(vec![row(1)]));
        model.ask_for(Asked { sort: TicketSort::Due, ..Asked::default() });
        assert_eq!(titles(&model), ["1"]);
        model.page_arrived(model.epoch, 0, 0, Ok(vec![]));
        assert!(titles(&model).is_empty());
        assert!(model.view(None).is_ready);
    }

    #[test]
    fn the_cursor_stays_with_its_ticket() {
        let mut model = model();
        model.page_arrived(model.epoch, 0, 0, Ok(vec![row(1), row(2), row(3)]));
        model.move_to(1);
        model.page_arrived(model.epoch, 0, 0, Ok(vec![row(9), row(1), row(2), row(3)]));
        assert_eq!(model.cursor(None), 2);
        assert_eq!(model.cursor(Some(row(3).id)), 3, "the open ticket is where the keys go on");
        model.page_arrived(model.epoch, 0, 0, Ok(vec![row(9)]));
        assert_eq!(model.cursor(None), 0);
    }

    #[test]
    fn quick_edits_are_about_the_selection_then_the_open_ticket_then_the_row() {
        let mut model = model();
        model.page_arrived(model.epoch, 0, 0, Ok(vec![row(1), row(2), row(3)]));
        assert_eq!(model.targets(None), [row(1).id]);
        assert_eq!(model.targets(Some(row(3).id)), [row(3).id]);
        model.toggle(1);
        model.toggle(2);
        assert_eq!(model.targets(Some(row(1).id)), [row(2).id, row(3).id]);
        model.toggle(1);
        assert_eq!(model.targets(None), [row(3).id]);
        assert!(model.clear_selection());
        assert!(!model.clear_selection());
    }
}
