//! One pass over the columns: the tickets of a page in order, or how many fit.

#[cfg(test)]
mod tests;

use std::ops::Range;

use desk_api::view::{AssigneeFilter, TicketFilter, TicketSort};
use desk_domain::{
    ticket::{Priority, Status},
    time::UtcMillis,
};

use super::{
    Cells, Columns, Facts, GONE, cell,
    keys::{Keys, coarse},
    rank, words,
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
    /// Of each set of tags, whether the tag is in it.
    tag_sets: Option<Vec<bool>>,
}

/// Places that are looked at together: loops over so many of one column after the other become vector instructions.
const BLOCK: usize = 1_024;
/// Places of which it is seen at once that none is wanted.
const FEW: usize = 16;

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
            tag_sets: number(&filter.tag)?.map(|tag| self.sets.with(tag)),
        })
    }

    /// How many tickets fit.
    pub(crate) fn count(&self, wanted: &Wanted, among: &Among<'_>) -> usize {
        let mut count = 0;
        self.each_block(among, |places, fits| {
            for (fits, cell) in fits.iter_mut().zip(part(&self.cells, places)) {
                *fits = cell & wanted.cells;
            }
            self.fit(wanted, places, fits);
            let fitting = places.clone().zip(fits).filter(|(_, fits)| **fits != GONE);
            count += fitting.filter(|(place, _)| self.is_due(wanted, *place)).count();
        });
        count
    }

    /// The tickets that fit with their row numbers, in order, from `offset` on.
    pub(crate) fn page(
        &self,
        wanted: &Wanted,
        among: &Among<'_>,
        sort: TicketSort,
        offset: usize,
        limit: usize,
    ) -> Vec<(i64, Facts)> {
        let mut best = Best::new(self, sort, wanted.cells, offset.saturating_add(limit));
        self.each_block(among, |places, fits| {
            // The other columns are left alone where nothing is good enough: mostly, once the newest were looked at.
            if best.sift(places, part(&self.cells, places), fits) {
                self.fit(wanted, places, fits);
                best.offer(places, fits, |place| self.is_due(wanted, place));
            }
        });
        best.from(offset).filter_map(|place| self.facts(place)).collect()
    }

    /// Gives places, the newest first, with room for what is found out of them: in the end whether each fits, not [`GONE`].
    fn each_block(&self, among: &Among<'_>, mut work: impl FnMut(&Range<usize>, &mut [Cells])) {
        let mut buffer = [GONE; BLOCK];
        let mut look = |places: Range<usize>| {
            if let Some(fits) = buffer.get_mut(..places.len()) {
                work(&places, fits);
            }
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

    /// Leaves those that fit but for their status and priority, and some that [`Columns::is_due`] tells from them.
    fn fit(&self, wanted: &Wanted, places: &Range<usize>, fits: &mut [Cells]) {
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
            let due_by = coarse(due_by);
            for (fits, due_key) in fits.iter_mut().zip(part(self.due_keys.coarse(), places)) {
                *fits &= all_if(*due_key <= due_by);
            }
        }
        if let Some(sets) = &wanted.tag_sets {
            for (fits, set) in fits.iter_mut().zip(part(&self.tag_sets, places)) {
                *fits &= all_if(sets.get(*set as usize).is_some_and(|has_tag| *has_tag));
            }
        }
    }

    /// Whether the clock runs out as is wanted, to the millisecond.
    #[inline]
    fn is_due(&self, wanted: &Wanted, place: usize) -> bool {
        let is_due = |due_by| self.due_keys.exact().get(place).is_some_and(|due_key| *due_key <= due_by);
        wanted.due_by.is_none_or(is_due)
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

/// What tickets are sorted by, in one number: rank, key and place. What stands first is smallest.
type Standing = u128;

fn standing(rank: u32, key: i64, place: u32) -> Standing {
    // The sign's bit turned over, numbers without one are in the same order.
    let key = key.cast_unsigned() ^ (1 << 63);
    Standing::from(rank) << 96 | Standing::from(key) << 32 | Standing::from(place)
}

/// The rank and the key.
#[expect(clippy::cast_possible_truncation, reason = "they stand there")]
fn parts(standing: Standing) -> (u32, i64) {
    ((standing >> 96) as u32, ((standing >> 32) as u64 ^ (1 << 63)).cast_signed())
}

/// The first places of an order, in linear time: twice as many are kept as are wanted, and the worse half is thrown away
/// when they are full.
struct Best<'a> {
    keys: &'a Keys,
    /// All bits where the greatest key stands first and, of equal ones, the higher place.
    flipped: i64,
    /// Whether the priority stands before the key.
    is_ranked: bool,
    /// What the tickets are among.
    cells: Cells,
    kept: Vec<Standing>,
    number: usize,
    /// As many as are wanted are no worse than this.
    bound: Standing,
    /// The cells that are better than the bound whatever their key is.
    better: Cells,
    /// The cells whose keys decide: no better than this, they are worse than the bound.
    equal: Cells,
    coarse: i32,
}

impl<'a> Best<'a> {
    fn new(columns: &'a Columns, sort: TicketSort, cells: Cells, number: usize) -> Self {
        let (keys, flipped) = match sort {
            TicketSort::Updated | TicketSort::Priority => (&columns.updated_at, !0),
            TicketSort::Created => (&columns.created_at, !0),
            TicketSort::Due => (&columns.due_keys, 0),
        };
        Self {
            keys,
            flipped,
            is_ranked: sort == TicketSort::Priority,
            cells,
            kept: Vec::new(),
            number,
            bound: Standing::MAX,
            better: if number > 0 { cells } else { GONE },
            equal: GONE,
            coarse: coarse(i64::MAX ^ flipped),
        }
    }

    /// Leaves of the cells those that stand before the bound, and some more; whether there are any.
    fn sift(&self, places: &Range<usize>, cells: &[Cells], left: &mut [Cells]) -> bool {
        #[expect(clippy::cast_possible_truncation, reason = "all bits or none")]
        let (flipped, bound) = (self.flipped as i32, self.coarse ^ self.flipped as i32);
        let (better, equal) = (self.better, self.equal);
        let mut any = GONE;
        for ((left, cell), key) in left.iter_mut().zip(cells).zip(part(self.keys.coarse(), places)) {
            *left = cell & (better | (equal & all_if(key ^ flipped <= bound)));
            any |= *left;
        }
        any != GONE
    }

    /// Takes those that stand before the bound; `is_wanted` is asked about the few that would be taken.
    fn offer(&mut self, places: &Range<usize>, fits: &[Cells], is_wanted: impl Fn(usize) -> bool) {
        // The newest stand behind: most of what comes after them is worse.
        for (number, few) in fits.chunks(FEW).enumerate().rev() {
            if few.iter().fold(GONE, |any, cell| any | cell) == GONE {
                continue;
            }
            for (behind, cell) in few.iter().enumerate().rev() {
                if *cell == GONE {
                    continue;
                }
                let place = places.start + number * FEW + behind;
                let Some(key) = self.keys.exact().get(place) else { continue };
                let standing = standing(self.rank(*cell), key ^ self.flipped, self.flip(place));
                if standing <= self.bound && is_wanted(place) {
                    self.take(standing);
                }
            }
        }
    }

    fn take(&mut self, standing: Standing) {
        self.kept.push(standing);
        if self.kept.len() >= self.number.saturating_mul(2).max(64) {
            self.shrink();
        }
    }

    fn rank(&self, cell: Cells) -> u32 {
        if self.is_ranked { rank(cell) } else { 0 }
    }

    /// Of equal keys the smaller one stands first.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "all bits or none")]
    fn flip(&self, place: usize) -> u32 {
        // There is no memory for more places than numbers.
        u32::try_from(place).unwrap_or(u32::MAX) ^ self.flipped as u32
    }

    fn shrink(&mut self) {
        if self.kept.len() <= self.number {
            return;
        }
        let Some(last) = self.number.checked_sub(1) else { return };
        let (_, worst, _) = self.kept.select_nth_unstable(last);
        self.bound = *worst;
        self.kept.truncate(self.number);
        let (rank, key) = parts(self.bound);
        self.coarse = coarse(key ^ self.flipped);
        let of = |is_meant: fn(&u32, &u32) -> bool| {
            self.cells & cells(|status, priority| is_meant(&self.rank(cell(status, priority)), &rank))
        };
        (self.better, self.equal) = (of(u32::lt), of(u32::eq));
    }

    /// The places in order, without the first `offset`.
    fn from(mut self, offset: usize) -> impl Iterator<Item = usize> {
        self.shrink();
        if offset > 0 && offset < self.kept.len() {
            self.kept.select_nth_unstable(offset);
        }
        let mut page = self.kept.split_off(offset.min(self.kept.len()));
        page.sort_unstable();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the place stands there")]
        page.into_iter().map(move |standing| (standing as u32 ^ self.flipped as u32) as usize)
    }
}
