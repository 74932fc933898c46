//! The rows that were fetched: a sparse cache by page, for one filter and order.

use std::{collections::BTreeMap, ops::Range, rc::Rc};

use desk_api::view::TicketRow;
use desk_domain::ids::DocId;

use super::window;

/// Rows of a page; what one call fetches.
pub(crate) const PAGE_ROWS: u32 = 50;
/// Pages that are kept; the farthest from sight go first.
const PAGES_KEPT: usize = 20;

#[derive(Debug)]
struct Page {
    rows: Vec<Rc<TicketRow>>,
    /// The round it was asked in; an older one is shown, but asked again.
    round: u64,
}

/// The rows of one filter and order.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    total: Option<u32>,
    pages: BTreeMap<u32, Page>,
    /// Pages under way, with the round they were asked in.
    asked: BTreeMap<u32, u64>,
    round: u64,
    /// The round in which the number of rows was asked for.
    counted: Option<u64>,
}

impl Rows {
    /// How many there are, once that is known.
    pub(crate) fn total(&self) -> Option<u32> {
        self.total
    }

    /// Takes over how many there are.
    pub(crate) fn set_total(&mut self, total: u32) {
        self.total = Some(total);
        self.pages.retain(|page, _| page.saturating_mul(PAGE_ROWS) < total);
    }

    /// The row at a place, if it was fetched.
    pub(crate) fn get(&self, at: u32) -> Option<&Rc<TicketRow>> {
        let page = self.pages.get(&(at / PAGE_ROWS))?;
        page.rows.get(usize::try_from(at % PAGE_ROWS).ok()?)
    }

    /// Where a ticket stands, among the fetched rows.
    pub(crate) fn position(&self, id: DocId) -> Option<u32> {
        self.pages.iter().find_map(|(page, rows)| {
            let at = rows.rows.iter().position(|row| row.id == id)?;
            Some(page * PAGE_ROWS + u32::try_from(at).ok()?)
        })
    }

    /// Something changed: every page is to be asked for again when it is in sight.
    pub(crate) fn invalidate(&mut self) {
        self.round += 1;
    }

    /// The pages of a range that have to be asked for now; they count as asked from here on.
    pub(crate) fn ask(&mut self, range: &Range<u32>) -> Vec<u32> {
        let wanted: Vec<u32> = window::pages(range, PAGE_ROWS)
            .filter(|page| {
                let fresh = self.pages.get(page).is_some_and(|page| page.round == self.round);
                let under_way = self.asked.get(page).is_some_and(|round| *round == self.round);
                !fresh && !under_way
            })
            .collect();
        self.asked.extend(wanted.iter().map(|page| (*page, self.round)));
        wanted
    }

    /// Whether the number of rows has to be asked for now; it counts as asked from here on.
    pub(crate) fn begin_count(&mut self) -> bool {
        self.counted.replace(self.round) != Some(self.round)
    }

    /// The round that an answer has to come back with.
    pub(crate) fn round(&self) -> u64 {
        self.round
    }

    /// Takes over a page; one that was asked before the last change is shown all the same, and asked again.
    pub(crate) fn arrived(&mut self, page: u32, round: u64, rows: Vec<TicketRow>, in_sight: &Range<u32>) {
        if self.asked.get(&page) == Some(&round) {
            self.asked.remove(&page);
        }
        if self.pages.get(&page).is_some_and(|known| known.round > round) {
            return;
        }
        let rows = rows.into_iter().map(|row| self.shared(row)).collect();
        self.pages.insert(page, Page { rows, round });
        let middle = in_sight.start.midpoint(in_sight.end) / PAGE_ROWS;
        while self.pages.len() > PAGES_KEPT {
            let Some(farthest) = self.pages.keys().copied().max_by_key(|page| page.abs_diff(middle)) else {
                break;
            };
            self.pages.remove(&farthest);
        }
    }

    /// A request failed: it may be made again.
    pub(crate) fn failed(&mut self, page: u32) {
        self.asked.remove(&page);
    }

    /// The row that is shown already if it says the same, so that nothing renders it again.
    fn shared(&self, row: TicketRow) -> Rc<TicketRow> {
        let known = self.pages.values().flat_map(|page| &page.rows).find(|known| known.id == row.id);
        match known {
            Some(known) if **known == row => Rc::clone(known),
            _ => Rc::new(row),
        }
    }
}

#[cfg(test)]
mod tests {
    use desk_domain::{
        ids::{ticket_number, uuid_v7},
        ticket::{Priority, Status},
        time::UtcMillis,
    };

    use super::*;

    fn row(n: u32) -> TicketRow {
        let mut random = [0; 10];
        random[6..].copy_from_slice(&n.to_be_bytes());
        let id = DocId(uuid_v7(UtcMillis(1), random));
        TicketRow {
            id,
            number: ticket_number(id),
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

    fn page(number: u32) -> Vec<TicketRow> {
        (number * PAGE_ROWS..(number + 1) * PAGE_ROWS).map(row).collect()
    }

    #[test]
    fn a_page_is_asked_for_once() {
        let mut rows = Rows::default();
        let range = PAGE_ROWS - 10..PAGE_ROWS + 10;
        assert_eq!(rows.ask(&range), [0, 1]);
        assert_eq!(rows.ask(&range), [0_u32; 0]);
        rows.arrived(1, 0, page(1), &range);
        rows.failed(0);
        assert_eq!(rows.ask(&range), [0]);
        let at = PAGE_ROWS + 17;
        assert_eq!(rows.get(at).map(|row| row.title.clone()), Some(at.to_string()));
        assert!(rows.get(17).is_none());
        assert_eq!(rows.position(row(at).id), Some(at));
    }

    #[test]
    fn after_a_change_rows_stay_until_the_new_ones_come() {
        let mut rows = Rows::default();
        rows.ask(&(0..30));
        rows.arrived(0, 0, page(0), &(0..30));
        rows.invalidate();
        assert!(rows.get(5).is_some());
        assert_eq!(rows.ask(&(0..30)), [0]);
        let mut changed = page(0);
        changed[5].title = "new".into();
        let kept = Rc::clone(rows.get(4).expect("a row"));
        rows.arrived(0, 1, changed, &(0..30));
        assert_eq!(rows.get(5).expect("a row").title, "new");
        assert!(Rc::ptr_eq(&kept, rows.get(4).expect("a row")), "an unchanged row is the same one");
    }

    #[test]
    fn an_answer_from_before_a_change_never_replaces_a_newer_one() {
        let mut rows = Rows::default();
        rows.ask(&(0..30));
        rows.invalidate();
        rows.ask(&(0..30));
        let mut newer = page(0);
        newer[0].title = "newer".into();
        rows.arrived(0, 1, newer, &(0..30));
        rows.arrived(0, 0, page(0), &(0..30));
        assert_eq!(rows.get(0).expect("a row").title, "newer");
    }

    #[test]
    fn far_pages_are_given_up() {
        let mut rows = Rows::default();
        rows.set_total(100_000);
        for number in 0..100 {
            let range = number * PAGE_ROWS..(number + 1) * PAGE_ROWS;
            rows.ask(&range);
            rows.arrived(number, 0, page(number), &range);
        }
        let last = 100 * PAGE_ROWS - 1;
        assert!(rows.get(last).is_some());
        assert!(rows.get(0).is_none());
        rows.set_total(last - PAGE_ROWS);
        assert!(rows.get(last).is_none());
    }
}
