//! What ticket lists filter, sort and count by, of all tickets that are not deleted, in memory: 64 bytes each.
//!
//! A page is one pass over these columns; then what they do not have of its lines is read from `tickets`. So an edit writes
//! no index of lists, and any filter with any order costs about the same.
//!
//! Truth stays in SQLite. The columns are of a state of the store, `rev`: the newest row of `ticket_changes`, which
//! triggers write. Every list reads that number together with its lines; when it is another one, what was written since (by
//! whomever) comes instead of them, and the list is made again. Nothing has to tell the columns of a commit.

mod facts;
mod keys;
mod read;
mod scan;
mod stored;
mod words;

#[cfg(test)]
mod tests;

use std::sync::RwLock;

use desk_domain::{
    ticket::{Priority, Status},
    time::UtcMillis,
};

use serde::{Deserialize, Serialize};

use crate::{StoreError, codes};
pub(crate) use facts::Facts;
use keys::Keys;
pub(crate) use read::{REV, with_state};
pub(crate) use scan::Among;
use words::{TagSets, Words};

/// The columns of the open store.
#[derive(Default)]
pub(crate) struct Lists {
    /// Held by who reads everything, and has a connection already: so nobody waits for one while holding this.
    reading: tokio::sync::Mutex<()>,
    columns: RwLock<Option<Columns>>,
}

/// A ticket is a place, the same in every column; places stand in the order of row numbers.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Columns {
    rev: i64,
    docs: Vec<i64>,
    cells: Vec<Cells>,
    created_at: Keys,
    updated_at: Keys,
    due_keys: Keys,
    assignees: Vec<u32>,
    teams: Vec<u32>,
    categories: Vec<u32>,
    tag_sets: Vec<u32>,
    words: Words,
    sets: TagSets,
}

/// A bit for each combination of status and priority: one of a ticket, several of a filter, [`GONE`] where there is no line
/// any more.
type Cells = u32;

/// No bit: a ticket that is in no list.
const GONE: Cells = 0;

#[expect(clippy::cast_possible_truncation, reason = "the assertion below")]
const STATUSES: u32 = Status::ALL.len() as u32;

const _: () =
    assert!(Status::ALL.len() * Priority::ALL.len() <= Cells::BITS as usize, "too many combinations");

fn cell(status: Status, priority: Priority) -> Cells {
    let status = Status::ALL.iter().position(|known| *known == status).unwrap_or(0);
    let priority = Priority::ALL.iter().position(|known| *known == priority).unwrap_or(0);
    1 << (priority * Status::ALL.len() + status)
}

/// What a ticket's bit stands for; `None` of [`GONE`].
fn status_and_priority(cell: Cells) -> Option<(Status, Priority)> {
    let bit = cell.trailing_zeros() as usize;
    let status = Status::ALL.get(bit % Status::ALL.len())?;
    let priority = Priority::ALL.get(bit / Status::ALL.len())?;
    Some((*status, *priority))
}

/// The smaller the hastier.
#[inline]
fn rank(cell: Cells) -> u32 {
    !(cell.trailing_zeros() / STATUSES)
}

/// What the columns have of one ticket.
struct Line<'a> {
    cell: Cells,
    created_at: i64,
    updated_at: i64,
    due_key: i64,
    assignee: Option<&'a str>,
    team: Option<&'a str>,
    category: Option<&'a str>,
    /// As a JSON array.
    tags: &'a str,
}

/// How many tickets at work are whose, for the navigation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct AtWork {
    pub(crate) mine: u32,
    pub(crate) unassigned: u32,
    pub(crate) all: u32,
    pub(crate) breached: u32,
    /// The row number of the one whose clock runs out next.
    pub(crate) next: Option<i64>,
}

impl Columns {
    /// Every ticket has its place in every column.
    fn is_whole(&self) -> bool {
        let Self { rev: _, docs, cells, created_at, updated_at, due_keys, .. } = self;
        let Self { assignees, teams, categories, tag_sets, .. } = self;
        let numbers = [created_at, updated_at, due_keys].map(|keys| keys.exact().len());
        let words = [assignees, teams, categories, tag_sets].map(Vec::len);
        cells.len() == docs.len() && numbers.into_iter().chain(words).all(|len| len == docs.len())
    }

    /// Sets the ticket of a row number, or takes it out.
    fn set(&mut self, doc: i64, line: Option<&Line<'_>>) -> Result<(), StoreError> {
        let Some(line) = line else {
            if let Ok(place) = self.docs.binary_search(&doc)
                && let Some(cell) = self.cells.get_mut(place)
            {
                *cell = GONE;
            }
            return Ok(());
        };
        let place = match self.docs.last() {
            Some(last) if *last >= doc => self.docs.binary_search(&doc),
            // What is new has the highest number.
            Some(_) | None => Err(self.docs.len()),
        };
        let assignee = self.words.learn_maybe(line.assignee);
        let team = self.words.learn_maybe(line.team);
        let category = self.words.learn_maybe(line.category);
        let tags = self.sets.learn(line.tags, &mut self.words)?;
        put(&mut self.docs, place, doc);
        put(&mut self.cells, place, line.cell);
        self.created_at.put(place, line.created_at);
        self.updated_at.put(place, line.updated_at);
        self.due_keys.put(place, line.due_key);
        put(&mut self.assignees, place, assignee);
        put(&mut self.teams, place, team);
        put(&mut self.categories, place, category);
        put(&mut self.tag_sets, place, tags);
        Ok(())
    }

    /// How often each tag is borne, in no order.
    pub(crate) fn tags(&self) -> Vec<(&str, u32)> {
        let mut of_sets = vec![0_u32; self.sets.len()];
        for (cell, set) in self.cells.iter().zip(&self.tag_sets) {
            if *cell != GONE
                && let Some(count) = of_sets.get_mut(*set as usize)
            {
                *count += 1;
            }
        }
        let mut of_words = vec![0_u32; self.words.len()];
        for (set, count) in (0..).zip(of_sets) {
            for word in self.sets.words_of(set) {
                if let Some(all) = of_words.get_mut(*word as usize) {
                    *all += count;
                }
            }
        }
        let borne = (0..).zip(of_words).filter(|(_, count)| *count > 0);
        borne.filter_map(|(word, count)| Some((self.words.text(word)?, count))).collect()
    }

    /// The numbers beside the navigation's entries.
    pub(crate) fn at_work(&self, member: &str, now: UtcMillis) -> AtWork {
        let me = self.words.number(member);
        let at_work = scan::cells(|status, _| !status.is_done());
        let mut counts = AtWork::default();
        let mut next: Option<(i64, i64)> = None;
        let facts = self.cells.iter().zip(&self.assignees).zip(self.due_keys.exact()).zip(&self.docs);
        for (((cell, assignee), due_key), doc) in facts {
            if at_work & *cell == GONE {
                continue;
            }
            counts.all += 1;
            counts.mine += u32::from(Some(*assignee) == me);
            counts.unassigned += u32::from(*assignee == words::NONE);
            if *due_key <= now.0 {
                counts.breached += 1;
            } else if next.is_none_or(|next| (*due_key, *doc) < next) {
                next = Some((*due_key, *doc));
            }
        }
        let with_clock = next.filter(|(due_key, _)| codes::due_from(*due_key).is_some());
        AtWork { next: with_clock.map(|(_, doc)| doc), ..counts }
    }
}

/// Writes over the value of a place, or makes the place.
fn put<T>(column: &mut Vec<T>, place: Result<usize, usize>, value: T) {
    match place {
        Ok(place) => {
            if let Some(known) = column.get_mut(place) {
                *known = value;
            }
        }
        Err(place) => column.insert(place, value),
    }
}
