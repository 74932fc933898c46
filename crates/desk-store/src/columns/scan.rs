//! One pass over the columns: the tickets of a page in order, or how many fit.

use std::ops::Range;

use desk_api::view::{AssigneeFilter, TicketFilter, TicketSort};
use desk_domain::{
    ticket::{Priority, Status},
    time::UtcMillis,
};

use super::{
    Cells, Columns, GONE, cell,
    keys::{Keys, coarse},
    words,
};

/// Which tickets are looked at.
pub(crate) enum Among<'a> {
    All,
    /// Those of these row numbers, each once.
    These(&'a [i64]),
}

/// A filter in the columns' numbers.
pub(crate) struct Wanted {
    cells: Cells,
    due_by: Option<i64>,
    assignee: Option<u32>,
    team: Option<u32>,
    category: Option<u32>,
    tag: Option<u32>,
}

/// Places that are looked at together: loops over so many of one column after the other become vector instructions.
const BLOCK: usize = 1_024;

/// The cells of the statuses and priorities that `is_wanted` names.
pub(super) fn cells(is_wanted: impl Fn(Status, Priority) -> bool) -> Cells {
    let mut cells = GONE;
    for status in Status::ALL.iter().copied() {
        for priority in Priority::ALL.iter().copied().filter(|priority| is_wanted(status, *priority)) {
            cells |= cell(status, priority);
        }
    }
    cells
}

impl Columns {
    /// What the filter wants, but for its text; `None`: no ticket fits.
    pub(crate) fn wanted(&self, filter: &TicketFilter, now: UtcMillis) -> Option<Wanted> {
        let is_by_due = filter.breached || filter.due_within_min.is_some();
        let cells = cells(|status, priority| {
            (filter.statuses.is_empty() || filter.statuses.contains(&status))
                && (filter.priorities.is_empty() || filter.priorities.contains(&priority))
                // The clock of a ticket that is done no longer runs.
                && !(is_by_due && status.is_done())
        });
        // What ran out is among what runs out soon.
        let ahead_min = filter.due_within_min.filter(|_| !filter.breached).unwrap_or(0);
        let assignee = match &filter.assignee {
            AssigneeFilter::Anyone => None,
            AssigneeFilter::Nobody => Some(words::NONE),
            AssigneeFilter::Is(who) => Some(self.words.number(who)?),
        };
        // A word that no ticket has.
        let number = |word: &Option<String>| match word {
            Some(word) => self.words.number(word).map(Some),
            None => Some(None),
        };
        Some(Wanted {
            cells,
            due_by: is_by_due.then_some(now.plus_ms(i64::from(ahead_min) * 60_000).0),
            assignee,
            team: number(&filter.team)?,
            category: number(&filter.category)?,
            tag: number(&filter.tag)?,
        })
    }

    /// How many tickets fit.
    pub(crate) fn count(&self, wanted: &Wanted, among: &Among<'_>) -> usize {
        let mut count = 0;
        self.each_block(wanted, among, |places, fits| {
            let fitting = places.clone().zip(fits).filter(|(_, fits)| **fits != GONE);
            count += fitting.filter(|(place, _)| self.has_tag(wanted, *place)).count();
        });
        count
    }

    /// The row numbers of the tickets that fit, in order, from `offset` on.
    pub(crate) fn page(
        &self,
        wanted: &Wanted,
        among: &Among<'_>,
        sort: TicketSort,
        offset: usize,
        limit: usize,
    ) -> Vec<i64> {
        let number = offset.saturating_add(limit);
        let (keys, flipped) = match sort {
            // The greatest first and, of equal ones, the higher place.
            TicketSort::Updated | TicketSort::Priority => (&self.updated_at, !0),
            TicketSort::Created => (&self.created_at, !0),
            TicketSort::Due => (&self.due_keys, 0),
        };
        let best = |cells| Best { cells, keys, flipped, kept: Vec::new(), number, bound: i64::MAX };
        let mut all: Vec<Best<'_>> = match sort {
            TicketSort::Priority => {
                Priority::ALL.iter().rev().map(|priority| best(cells(|_, of| of == *priority))).collect()
            }
            TicketSort::Updated | TicketSort::Created | TicketSort::Due => vec![best(!GONE)],
        };
        let mut good = [GONE; BLOCK];
        self.each_block(wanted, among, |places, fits| {
            let mut better = 0;
            for best in &mut all {
                if better >= number {
                    break;
                }
                best.offer(places, fits, &mut good, |place| self.has_tag(wanted, place));
                better += best.kept.len();
            }
        });
        let (mut offset, mut page) = (offset, Vec::new());
        for mut best in all {
            best.shrink();
            let before = offset.min(best.kept.len());
            page.extend(best.from(before));
            offset -= before;
        }
        page.truncate(limit);
        page.into_iter().filter_map(|place| self.docs.get(place).copied()).collect()
    }

    /// Gives places, the newest first, and of each whether it fits but for its tags: not [`GONE`].
    fn each_block(&self, wanted: &Wanted, among: &Among<'_>, mut work: impl FnMut(&Range<usize>, &[Cells])) {
        let mut buffer = [GONE; BLOCK];
        let mut look = |places: Range<usize>| {
            let Some(fits) = buffer.get_mut(..places.len()) else { return };
            self.fit(wanted, &places, fits);
            work(&places, fits);
        };
        match among {
            Among::All => {
                let len = self.docs.len();
                for first in (0..len).step_by(BLOCK).rev() {
                    look(first..len.min(first + BLOCK));
                }
            }
            Among::These(docs) => {
                for place in docs.iter().filter_map(|doc| self.docs.binary_search(doc).ok()) {
                    look(place..place + 1);
                }
            }
        }
    }

    /// The one condition that [`Columns::fit`] leaves out: to look sets up takes longer than all others together.
    fn has_tag(&self, wanted: &Wanted, place: usize) -> bool {
        wanted.tag.is_none_or(|tag| {
            self.tag_sets.get(place).is_some_and(|set| self.sets.words_of(*set as usize).contains(&tag))
        })
    }

    fn fit(&self, wanted: &Wanted, places: &Range<usize>, fits: &mut [Cells]) {
        for (fits, cell) in fits.iter_mut().zip(part(&self.cells, places)) {
            *fits = cell & wanted.cells;
        }
        let words = [
            (&self.assignees, wanted.assignee),
            (&self.teams, wanted.team),
            (&self.categories, wanted.category),
        ];
        for (column, word) in words {
            let Some(word) = word else { continue };
            for (fits, known) in fits.iter_mut().zip(part(column, places)) {
                *fits &= all_if(*known == word);
            }
        }
        if let Some(due_by) = wanted.due_by {
            for (fits, due_key) in fits.iter_mut().zip(part(self.due_keys.exact(), places)) {
                *fits &= all_if(*due_key <= due_by);
            }
        }
    }
}

/// All bits or none, without a branch: so the loops above become vector instructions.
#[inline]
fn all_if(condition: bool) -> Cells {
    Cells::from(condition).wrapping_neg()
}

#[inline]
fn part<'a, T>(column: &'a [T], places: &Range<usize>) -> &'a [T] {
    column.get(places.clone()).unwrap_or_default()
}

/// The first places of an order, in linear time: twice as many are kept as are wanted, and the worse half is thrown away
/// when they are full.
struct Best<'a> {
    /// What the tickets are among.
    cells: Cells,
    keys: &'a Keys,
    /// All bits where the greatest key stands first.
    flipped: i64,
    /// What stands first is smallest.
    kept: Vec<(i64, usize)>,
    number: usize,
    /// The key of as many as are wanted is no worse than this.
    bound: i64,
}

/// Places of which it is seen at once that none is wanted.
const FEW: usize = 16;

impl Best<'_> {
    /// `good` is room for a block; `is_wanted` is asked about the few that would be taken.
    fn offer(
        &mut self,
        places: &Range<usize>,
        fits: &[Cells],
        good: &mut [Cells],
        is_wanted: impl Fn(usize) -> bool,
    ) {
        let Some(good) = good.get_mut(..fits.len()) else { return };
        #[expect(clippy::cast_possible_truncation, reason = "all bits or none")]
        let (cells, flipped, bound) = (self.cells, self.flipped as i32, coarse(self.bound));
        for ((good, fits), key) in good.iter_mut().zip(fits).zip(part(self.keys.coarse(), places)) {
            *good = fits & cells & all_if(key ^ flipped <= bound);
        }
        // The newest stand behind: most of what comes after them is worse.
        for (number, few) in good.chunks(FEW).enumerate().rev() {
            if few.iter().fold(GONE, |any, good| any | good) == GONE {
                continue;
            }
            for (behind, _) in few.iter().enumerate().rev().filter(|(_, good)| **good != GONE) {
                let place = places.start + number * FEW + behind;
                let Some(key) = self.keys.exact().get(place) else { continue };
                if key ^ self.flipped <= self.bound && is_wanted(place) {
                    self.take(key ^ self.flipped, place);
                }
            }
        }
    }

    fn take(&mut self, key: i64, place: usize) {
        self.kept.push((key, self.flip(place)));
        if self.kept.len() >= self.number.saturating_mul(2).max(64) {
            self.shrink();
        }
    }

    /// Of equal keys the smaller stands first.
    fn flip(&self, place: usize) -> usize {
        if self.flipped == 0 { place } else { !place }
    }

    fn shrink(&mut self) {
        if self.number == 0 {
            self.kept.clear();
        } else if self.kept.len() > self.number {
            let (_, worst, _) = self.kept.select_nth_unstable(self.number - 1);
            self.bound = worst.0;
            self.kept.truncate(self.number);
        }
    }

    /// The places in order, without the first `offset`.
    fn from(mut self, offset: usize) -> Vec<usize> {
        if offset >= self.kept.len() {
            return Vec::new();
        }
        if offset > 0 {
            self.kept.select_nth_unstable(offset);
        }
        let mut page = self.kept.split_off(offset);
        page.sort_unstable();
        page.into_iter().map(|(_, place)| self.flip(place)).collect()
    }
}
