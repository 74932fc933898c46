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

    /// The text of a number; none of [`NONE`].
    pub(super) fn text(&self, number: u32) -> Option<&str> {
        let place = number.checked_sub(1)?;
        self.texts.get(place as usize).map(|text| &**text)
    }

    /// One more than the highest number.
    pub(super) fn len(&self) -> usize {
        self.texts.len() + 1
    }
}

/// The tags of a ticket together: many tickets have the same.
#[derive(Default, Serialize, Deserialize)]
#[serde(from = "Stored")]
pub(super) struct TagSets {
    /// By the JSON array in `tickets`.
    numbers: HashMap<Box<str>, u32>,
    sets: Vec<Box<[u32]>>,
    /// The sets that a word is in.
    #[serde(skip)]
    of_words: HashMap<u32, Vec<u32>>,
}

/// As they are stored with the columns.
#[derive(Deserialize)]
struct Stored {
    numbers: HashMap<Box<str>, u32>,
    sets: Vec<Box<[u32]>>,
}

impl From<Stored> for TagSets {
    fn from(stored: Stored) -> Self {
        let Stored { numbers, sets } = stored;
        let mut of_words: HashMap<u32, Vec<u32>> = HashMap::new();
        for (number, words) in (0..).zip(&sets) {
            words.iter().for_each(|word| of_words.entry(*word).or_default().push(number));
        }
        Self { numbers, sets, of_words }
    }
}

impl TagSets {
    /// The number of these tags, a new one if need be.
    pub(super) fn learn(&mut self, json: &str, words: &mut Words) -> Result<u32, StoreError> {
        if let Some(number) = self.numbers.get(json) {
            return Ok(*number);
        }
        let tags: BTreeSet<String> = codes::from_json(json)?;
        let number = u32::try_from(self.sets.len()).unwrap_or(u32::MAX);
        let tags: Box<[u32]> = tags.iter().map(|tag| words.learn(tag)).collect();
        tags.iter().for_each(|tag| self.of_words.entry(*tag).or_default().push(number));
        self.sets.push(tags);
        self.numbers.insert(json.into(), number);
        Ok(number)
    }

    /// The words of a set.
    pub(super) fn words_of(&self, set: u32) -> &[u32] {
        self.sets.get(set as usize).map_or(&[], |words| words)
    }

    /// Of each set, whether the word is in it.
    pub(super) fn with(&self, word: u32) -> Vec<bool> {
        let mut with = vec![false; self.sets.len()];
        for set in self.of_words.get(&word).into_iter().flatten() {
            if let Some(is_in) = with.get_mut(*set as usize) {
                *is_in = true;
            }
        }
        with
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.sets.len()
    }
}
