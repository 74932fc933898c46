//! From what is typed to an FTS5 expression.

use std::collections::BTreeSet;

use desk_domain::ids::DocKind;
use sqlx::SqliteConnection;

use super::{
    kind_term,
    terms::{Terms, words},
};
use crate::StoreError;

/// Most words of a query that count; further ones are ignored.
const WORDS_MAX: usize = 12;
/// Beginnings of up to this many characters are in FTS5's own prefix indexes.
const INDEXED_CHARS: usize = 3;
/// A beginning that more words have is left to FTS5.
const CANDIDATES_MAX: usize = 300;
/// As is one that needs more terms to spell out.
const SPELLED_MAX: usize = 24;

/// What to look for: every word, as its stem or as the beginning of a word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Query {
    expression: String,
}

impl Query {
    /// `None` when the text has no letter and no digit.
    pub(crate) async fn new(
        conn: &mut SqliteConnection,
        text: &str,
        kind: Option<DocKind>,
    ) -> Result<Option<Self>, StoreError> {
        let typed = typed(text);
        if typed.is_empty() {
            return Ok(None);
        }
        let terms = Terms::new();
        let mut parts = Vec::with_capacity(typed.len() + 1);
        for word in &typed {
            parts.push(part(word, &terms, &candidates(conn, word).await?));
        }
        parts.extend(kind.map(|kind| format!("\"{}\"", kind_term(kind))));
        Ok(Some(Self { expression: parts.join(" AND ") }))
    }

    /// What the index is asked.
    pub(crate) fn expression(&self) -> &str {
        &self.expression
    }
}

fn typed(text: &str) -> Vec<String> {
    let mut typed: Vec<String> = Vec::new();
    words(text, |word| {
        if typed.len() < WORDS_MAX && !typed.iter().any(|known| known == word) {
            typed.push(word.to_owned());
        }
    });
    typed
}

/// Terms of the index that begin with the word, one more than may be spelled out; none for a word that FTS5 has in its
/// prefix indexes.
async fn candidates(conn: &mut SqliteConnection, word: &str) -> Result<Vec<String>, StoreError> {
    const SQL: &str = "SELECT term FROM search_terms WHERE term >= ? AND term < ? LIMIT ? + 0";
    if word.chars().count() <= INDEXED_CHARS {
        return Ok(Vec::new());
    }
    let behind = format!("{word}{}", char::MAX);
    let limit = i64::try_from(CANDIDATES_MAX + 1).unwrap_or(i64::MAX);
    Ok(sqlx::query_scalar(SQL).bind(word).bind(behind).bind(limit).fetch_all(conn).await?)
}

/// One word. Words, stems and candidates consist of letters and digits, so the quotation marks hold.
fn part(word: &str, terms: &Terms, candidates: &[String]) -> String {
    // A single letter begins half of all words: only itself is meant.
    if word.chars().nth(1).is_none() {
        return format!("\"{word}\"");
    }
    let stem = terms.stem(word);
    if word.chars().count() > INDEXED_CHARS
        && candidates.len() <= CANDIDATES_MAX
        && let Some(spelled) = spell_out(word, stem.as_deref(), terms, candidates)
    {
        let terms: Vec<String> = spelled.iter().map(|term| format!("\"{term}\"")).collect();
        return format!("({})", terms.join(" OR "));
    }
    match stem {
        Some(stem) => format!("(\"{stem}\" OR \"{word}\" *)"),
        None => format!("\"{word}\" *"),
    }
}

/// The fewest terms that find what the word's stem and its beginning would. Whatever has a word has its stem too, so a
/// stem that begins like the word stands for all its forms, and the word's own stem for all of its.
fn spell_out(
    word: &str,
    stem: Option<&str>,
    terms: &Terms,
    candidates: &[String],
) -> Option<BTreeSet<String>> {
    let own = stem.unwrap_or(word);
    let mut spelled = BTreeSet::from([own.to_owned(), word.to_owned()]);
    for candidate in candidates {
        match terms.stem(candidate) {
            Some(stem) if stem == own => {}
            Some(stem) if stem.starts_with(word) => {
                spelled.insert(stem);
            }
            Some(_) | None => {
                spelled.insert(candidate.clone());
            }
        }
        if spelled.len() > SPELLED_MAX {
            return None;
        }
    }
    Some(spelled)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expression(text: &str, vocabulary: &[&str]) -> String {
        let terms = Terms::new();
        let part = |word: &String| {
            let begins = vocabulary.iter().filter(|term| term.starts_with(word.as_str()));
            part(word, &terms, &begins.map(|term| (*term).to_owned()).collect::<Vec<_>>())
        };
        typed(text).iter().map(part).collect::<Vec<_>>().join(" AND ")
    }

    #[test]
    fn what_is_typed_becomes_quoted_terms() {
        let check = |text: &str, expected: &str| assert_eq!(expression(text, &[]), expected, "{text}");
        check("VPN я", "\"vpn\" * AND \"я\"");
        check("a\" OR \"b", "\"a\" AND \"or\" * AND \"b\"");
        check("NOT (y* NEAR", "\"not\" * AND \"y\" AND (\"near\")");
        check("vpn VPN", "\"vpn\" *");
        check("сети", "(\"сет\" OR \"сети\")");
        check("?!", "");
    }

    #[test]
    fn a_long_beginning_is_spelled_out_in_stems() {
        let vocabulary = ["принтер", "принтера", "принтеры", "принцип", "принципа", "принести", "принест"];
        assert_eq!(expression("принтер", &vocabulary), "(\"принтер\")");
        assert_eq!(expression("принтеры", &vocabulary), "(\"принтер\" OR \"принтеры\")");
        assert_eq!(
            expression("прин", &vocabulary),
            "(\"прин\" OR \"принест\" OR \"принтер\" OR \"принцип\")"
        );
    }

    #[test]
    fn a_beginning_of_very_many_words_is_left_to_the_index() {
        let many: Vec<String> = (0..=CANDIDATES_MAX).map(|n| format!("word{n}")).collect();
        let vocabulary: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(expression("word", &vocabulary), "\"word\" *");
        assert_eq!(expression("word", &vocabulary[..=SPELLED_MAX]), "\"word\" *");
        assert!(!expression("word", &vocabulary[..10]).contains('*'));
    }
}
