//! What a list shows of a ticket and the columns have: the lines of a page are read without it.

use std::collections::BTreeSet;

use desk_domain::{
    ticket::{Priority, Status},
    time::UtcMillis,
};

use super::{Columns, status_and_priority};

/// A ticket as the columns know it.
pub(crate) struct Facts {
    pub(crate) status: Status,
    pub(crate) priority: Priority,
    pub(crate) category: Option<String>,
    pub(crate) assignee: Option<String>,
    pub(crate) team: Option<String>,
    pub(crate) tags: BTreeSet<String>,
    pub(crate) created_at: UtcMillis,
    pub(crate) updated_at: UtcMillis,
    /// See `codes::due_from`.
    pub(crate) due_key: i64,
}

impl Columns {
    /// The row number of a place and what is known of its ticket; `None` where there is none.
    pub(super) fn facts(&self, place: usize) -> Option<(i64, Facts)> {
        let (status, priority) = status_and_priority(*self.cells.get(place)?)?;
        let word = |column: &[u32]| {
            let text = column.get(place).and_then(|word| self.words.text(*word));
            text.map(str::to_owned)
        };
        let tags = self.sets.words_of(*self.tag_sets.get(place)?);
        let facts = Facts {
            status,
            priority,
            category: word(&self.categories),
            assignee: word(&self.assignees),
            team: word(&self.teams),
            tags: tags.iter().filter_map(|tag| self.words.text(*tag)).map(str::to_owned).collect(),
            created_at: UtcMillis(*self.created_at.exact().get(place)?),
            updated_at: UtcMillis(*self.updated_at.exact().get(place)?),
            due_key: *self.due_keys.exact().get(place)?,
        };
        Some((*self.docs.get(place)?, facts))
    }
}
