//! Texts that stand in many tickets, as numbers. They are never forgotten while the columns stand: there are few.

use std::collections::{BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

use crate::{StoreError, codes};

/// Stands for no text.
pub(super) const NONE: u32 = 0;

/// People, teams, categories and tags.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Words {
    numbers: HashMap<Box<str>, u32>,
    /// In the order of their numbers; the first one is 1.
    texts: Vec<Box<str>>,
}

impl Words {
    /// The number of a text, a new one if need be.
    pub(super) fn learn(&mut self, text: &str) -> u32 {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        self.texts.push(text.into());
        // There is no memory for more texts than numbers.
        let number = u32::try_from(self.texts.len()).unwrap_or(u32::MAX);
        self.numbers.insert(text.into(), number);
        number
    }

    pub(super) fn learn_maybe(&mut self, text: Option<&str>) -> u32 {
        text.map_or(NONE, |text| self.learn(text))
    }

    /// The number of a text that some ticket has or had.
    pub(super) fn number(&self, text: &str) -> Option<u32> {
        self.numbers.get(text).copied()
    }

    /// The text of a number.
    pub(super) fn text(&self, number: usize) -> &str {
        number.checked_sub(1).and_then(|place| self.texts.get(place)).map_or("", |text| text)
    }

    /// One more than the highest number.
    pub(super) fn len(&self) -> usize {
        self.texts.len() + 1
    }
}

/// The tags of a ticket together: many tickets have the same.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct TagSets {
    /// By the JSON array in `tickets`.
    numbers: HashMap<Box<str>, u32>,
    sets: Vec<Box<[u32]>>,
}

impl TagSets {
    /// The number of these tags, a new one if need be.
    pub(super) fn learn(&mut self, json: &str, words: &mut Words) -> Result<u32, StoreError> {
        if let Some(number) = self.numbers.get(json) {
            return Ok(*number);
        }
        let tags: BTreeSet<String> = codes::from_json(json)?;
        let number = u32::try_from(self.sets.len()).unwrap_or(u32::MAX);
        self.sets.push(tags.iter().map(|tag| words.learn(tag)).collect());
        self.numbers.insert(json.into(), number);
        Ok(number)
    }

    /// The words of a set.
    pub(super) fn words_of(&self, set: usize) -> &[u32] {
        self.sets.get(set).map_or(&[], |words| words)
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.sets.len()
    }
}
