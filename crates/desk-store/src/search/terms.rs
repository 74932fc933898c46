//! From text to terms: the same for what is indexed and for what is typed.

use std::{
    collections::{HashMap, HashSet},
    sync::Mutex,
};

use rust_stemmers::{Algorithm, Stemmer};

/// Longest term, in characters; longer words are cut, in the index and in queries alike.
const TERM_MAX_CHARS: usize = 40;
/// Most different terms of one text; what comes after is not found. A pasted log of a megabyte has no more to say.
const TERMS_MAX: usize = 20_000;
/// Stems that are remembered while many documents are indexed.
const STEMS_MAX: usize = 50_000;
/// Stems that are remembered between edits.
const STEMS_KEPT: usize = 4_096;
/// Between edits: the next one is mostly of the same words.
static KEPT: Mutex<Option<Terms>> = Mutex::new(None);

/// Calls `each` with every word of `text`: runs of letters and digits, in lower case, `ё` as `е`; letters that were
/// written with a combining accent as one letter or without it.
pub(crate) fn words(text: &str, mut each: impl FnMut(&str)) {
    let mut word = String::new();
    let mut chars = 0;
    for c in text.chars() {
        match c {
            // What a Mac writes as two: "й" and "ё".
            '\u{306}' if word.ends_with('и') => {
                word.pop();
                word.push('й');
            }
            // Other accents and stress marks, soft hyphens and joiners neither end a word nor belong to it.
            '\u{300}'..='\u{36F}' | '\u{AD}' | '\u{200B}'..='\u{200D}' | '\u{2060}' | '\u{FEFF}' => {}
            c if is_russian(c) || c.is_alphanumeric() => {
                if chars < TERM_MAX_CHARS {
                    push_lower(&mut word, c);
                    chars += 1;
                }
            }
            _ => {
                if !word.is_empty() {
                    each(&word);
                    word.clear();
                    chars = 0;
                }
            }
        }
    }
    if !word.is_empty() {
        each(&word);
    }
}

/// The letters that most texts consist of; the tables of Unicode are slower.
fn is_russian(c: char) -> bool {
    matches!(c, 'а'..='я' | 'А'..='Я')
}

fn push_lower(word: &mut String, c: char) {
    if c.is_ascii() {
        word.push(c.to_ascii_lowercase());
        return;
    }
    if matches!(c, 'а'..='я') {
        word.push(c);
        return;
    }
    for lower in c.to_lowercase().filter(|lower| lower.is_alphanumeric()) {
        word.push(if lower == 'ё' { 'е' } else { lower });
    }
}

/// Makes terms; remembers stems, so one is kept while many texts are indexed.
pub(crate) struct Terms {
    russian: Stemmer,
    english: Stemmer,
    stems: HashMap<String, Option<String>>,
}

/// Makes terms of a few texts, with the stems of those that came before. For texts of edits, which get into the index one or a few
/// at a time: finding stems would be a good part of what that takes.
pub(crate) fn of_few<T>(work: impl FnOnce(&mut Terms) -> T) -> T {
    // Another thread has them: rather than wait, do without.
    let Ok(mut kept) = KEPT.try_lock() else { return work(&mut Terms::new()) };
    let terms = kept.get_or_insert_with(Terms::new);
    let done = work(terms);
    if terms.stems.len() > STEMS_KEPT {
        *kept = None;
    }
    done
}

impl Terms {
    pub(crate) fn new() -> Self {
        Self {
            russian: Stemmer::create(Algorithm::Russian),
            english: Stemmer::create(Algorithm::English),
            stems: HashMap::new(),
        }
    }

    /// The stem of a word, where it differs from the word. Words with Cyrillic letters are taken for Russian, those of
    /// Latin letters for English; with digits in them they have none.
    pub(crate) fn stem(&self, word: &str) -> Option<String> {
        let stemmer = if word.bytes().all(|b| b.is_ascii_lowercase()) {
            &self.english
        } else if word.chars().all(|c| matches!(c, '\u{400}'..='\u{4FF}')) {
            &self.russian
        } else {
            return None;
        };
        let stem = stemmer.stem(word);
        (stem != word && !stem.is_empty()).then(|| stem.into_owned())
    }

    /// The different terms (words and stems) of texts, separated by blanks, behind `first`.
    pub(crate) fn index<'a>(&mut self, first: &str, texts: impl IntoIterator<Item = &'a str>) -> String {
        let mut seen: HashSet<String> = HashSet::new();
        let mut joined = first.to_owned();
        let mut add = |term: &str| {
            if seen.len() < TERMS_MAX && !seen.contains(term) {
                if !joined.is_empty() {
                    joined.push(' ');
                }
                joined.push_str(term);
                seen.insert(term.to_owned());
                return true;
            }
            false
        };
        for text in texts {
            words(text, |word| {
                // A word that is not new has brought its stem already.
                if !add(word) {
                    return;
                }
                if let Some(known) = self.stems.get(word) {
                    if let Some(stem) = known {
                        add(stem);
                    }
                    return;
                }
                let stem = self.stem(word);
                if let Some(stem) = &stem {
                    add(stem);
                }
                if self.stems.len() < STEMS_MAX {
                    self.stems.insert(word.to_owned(), stem);
                }
            });
        }
        joined
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Vec<String> {
        let mut found = Vec::new();
        words(text, |word| found.push(word.to_owned()));
        found
    }

    #[test]
    fn text_is_split_into_plain_words() {
        let check = |text: &str, expected: &[&str]| assert_eq!(split(text), expected, "{text}");
        check("Не печатает ПРИНТЕР, 3-й этаж!", &["не", "печатает", "принтер", "3", "й", "этаж"]);
        check("Ещё ёлка", &["еще", "елка"]);
        check("TK-0A1B2C3D tlswg/x#5", &["tk", "0a1b2c3d", "tlswg", "x", "5"]);
        check("трои\u{306}ка е\u{308}ж за\u{301}мок", &["тройка", "еж", "замок"]);
        check("Wi\u{AD}Fi wi-fi", &["wifi", "wi", "fi"]);
        check("\"a\" AND b* NEAR(c) '§t'", &["a", "and", "b", "near", "c", "t"]);
        check("  …—  ", &[]);
        check(&"ж".repeat(100), &[&"ж".repeat(TERM_MAX_CHARS)]);
    }

    #[test]
    fn inflected_forms_share_a_stem() {
        let terms = Terms::new();
        let same = |a: &str, b: &str| {
            let stem = |word: &str| terms.stem(word).unwrap_or_else(|| word.to_owned());
            assert_eq!(stem(a), stem(b), "{a} {b}");
        };
        same("принтеры", "принтера");
        same("ошибками", "ошибка");
        same("printers", "printer");
        same("connecting", "connected");
        assert_eq!(terms.stem("x509"), None);
        assert_eq!(terms.stem("принтерx"), None);
    }

    #[test]
    fn what_is_kept_between_edits_changes_no_terms_and_does_not_grow() {
        for round in 0..3 {
            for number in 0..STEMS_KEPT {
                let text = format!("Принтеры printers слово{number}а{round}");
                let texts = [text.as_str(), "ошибками"];
                assert_eq!(of_few(|terms| terms.index("", texts)), Terms::new().index("", texts));
            }
            let kept = KEPT.lock().unwrap();
            assert!(kept.as_ref().is_none_or(|terms| terms.stems.len() <= STEMS_KEPT));
        }
    }

    #[test]
    fn a_term_is_indexed_once() {
        let mut terms = Terms::new();
        assert_eq!(terms.index("§t", ["Принтер принтеры", "принтер"]), "§t принтер принтеры");
        assert_eq!(terms.index("", ["printers"]), "printers printer");
    }
}
