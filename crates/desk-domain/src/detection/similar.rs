//! The significant words of a title: what two tickets about one trouble have in common, in Russian and in English.

use std::collections::{BTreeMap, BTreeSet};

use rust_stemmers::{Algorithm, Stemmer};

/// Words that any title may have, already as stems of what people write: they make no two tickets similar.
const COMMON: [&str; 94] = [
    "без",
    "бы",
    "был",
    "была",
    "было",
    "быть",
    "в",
    "вам",
    "вас",
    "во",
    "все",
    "всё",
    "вы",
    "где",
    "да",
    "для",
    "до",
    "его",
    "если",
    "есть",
    "еще",
    "ещё",
    "же",
    "за",
    "и",
    "из",
    "или",
    "как",
    "когда",
    "ко",
    "ли",
    "мне",
    "можно",
    "мы",
    "на",
    "нам",
    "нас",
    "не",
    "нет",
    "ни",
    "но",
    "ну",
    "о",
    "об",
    "он",
    "она",
    "они",
    "от",
    "по",
    "под",
    "при",
    "про",
    "прошу",
    "с",
    "со",
    "так",
    "там",
    "то",
    "тут",
    "у",
    "уже",
    "что",
    "чтобы",
    "это",
    "я",
    "здравствуйте",
    "пожалуйста",
    "помогите",
    "проблема",
    "ошибка",
    "работает",
    "нужен",
    "нужно",
    "the",
    "and",
    "for",
    "from",
    "with",
    "not",
    "does",
    "after",
    "when",
    "our",
    "please",
    "help",
    "issue",
    "problem",
    "error",
    "work",
    "working",
    "works",
    "need",
    "needs",
    "cannot",
];

/// Shortest significant word, in characters; `1С` and `PC` are words, `a` is none.
const LEAST_CHARS: usize = 2;

/// Finds significant words; made once, used for many titles.
pub(super) struct Words {
    russian: Stemmer,
    english: Stemmer,
    common: BTreeSet<String>,
}

impl Words {
    pub(super) fn new() -> Self {
        let mut words = Self {
            russian: Stemmer::create(Algorithm::Russian),
            english: Stemmer::create(Algorithm::English),
            common: BTreeSet::new(),
        };
        words.common = COMMON.iter().flat_map(|word| [(*word).to_owned(), words.stem(word)]).collect();
        words
    }

    /// The stems of a title's significant words, each with the word as it was first written, in lower case. Words that are
    /// numbers (a shop's, a till's) and those that stand in any title are none; `ё` is `е`.
    pub(super) fn of(&self, title: &str) -> BTreeMap<String, String> {
        let mut found = BTreeMap::new();
        for word in title.split(|c: char| !c.is_alphanumeric()) {
            let word: String = word.to_lowercase().replace('ё', "е");
            let is_number = !word.chars().any(char::is_alphabetic);
            if is_number || word.chars().count() < LEAST_CHARS || self.common.contains(&word) {
                continue;
            }
            let stem = self.stem(&word);
            if !self.common.contains(&stem) {
                found.entry(stem).or_insert(word);
            }
        }
        found
    }

    fn stem(&self, word: &str) -> String {
        let stemmer = if word.bytes().all(|b| b.is_ascii_lowercase()) {
            &self.english
        } else if word.chars().all(|c| matches!(c, '\u{400}'..='\u{4FF}')) {
            &self.russian
        } else {
            return word.to_owned();
        };
        stemmer.stem(word).into_owned()
    }
}

/// Whether two titles speak of one trouble: they share two significant words, or, where one of them has fewer, all that it
/// has.
pub(super) fn similar(a: &BTreeSet<&str>, b: &BTreeSet<&str>) -> bool {
    let shared = a.intersection(b).count();
    shared >= 2 || (shared > 0 && shared == a.len().min(b.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_about_one_trouble_are_similar() {
        let words = Words::new();
        let check = |a: &str, b: &str, expected: bool| {
            let (a_words, b_words) = (words.of(a), words.of(b));
            let a_stems = a_words.keys().map(String::as_str).collect();
            let b_stems = b_words.keys().map(String::as_str).collect();
            assert_eq!(similar(&a_stems, &b_stems), expected, "{a} / {b}: {a_words:?} {b_words:?}");
            assert_eq!(similar(&b_stems, &a_stems), expected);
        };
        check("Касса 14 не печатает чек", "Не печатаются чеки на кассе №3", true);
        check("VPN connection drops", "My VPN is dropping connections again", true);
        check("Принтер не печатает", "Принтеры не печатают в бухгалтерии", true);
        check("Не работает VPN", "VPN", true);
        check("Не печатает принтер", "Не открывается почта", false);
        check("Нужен доступ к папке", "Нужен новый монитор", false);
        check("Please help, problem with the scanner", "Please help: a problem with e-mail", false);
        check("14", "14", false);
        check("", "Принтер", false);
        check("ещё: счёт", "еще счет", true);
    }
}
