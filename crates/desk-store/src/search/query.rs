//! From what is typed to an FTS5 expression.

use desk_domain::ids::DocKind;

use super::{
    kind_term,
    terms::{Terms, words},
};

/// Most words of a query that count; further ones are ignored.
const WORDS_MAX: usize = 12;

/// What to look for: every word, as its stem or as the beginning of a word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Query {
    words: String,
    kind: Option<&'static str>,
}

impl Query {
    /// `None` when the text has no letter and no digit.
    pub(crate) fn new(text: &str, kind: Option<DocKind>) -> Option<Self> {
        let mut typed: Vec<String> = Vec::new();
        words(text, |word| {
            if typed.len() < WORDS_MAX && !typed.iter().any(|known| known == word) {
                typed.push(word.to_owned());
            }
        });
        if typed.is_empty() {
            return None;
        }
        let terms = Terms::new();
        let parts: Vec<String> = typed.iter().map(|word| part(word, &terms)).collect();
        Some(Self { words: parts.join(" AND "), kind: kind.map(kind_term) })
    }

    /// What the index is asked.
    pub(crate) fn expression(&self) -> String {
        let words = &self.words;
        match self.kind {
            Some(kind) => format!("{words} AND \"{kind}\""),
            None => words.clone(),
        }
    }
}

/// One word. It consists of letters and digits, so the quotation marks hold.
fn part(word: &str, terms: &Terms) -> String {
    // A single letter begins half of all words: only itself is meant.
    if word.chars().nth(1).is_none() {
        return format!("\"{word}\"");
    }
    match terms.stem(word) {
        Some(stem) => format!("(\"{stem}\" OR \"{word}\" *)"),
        None => format!("\"{word}\" *"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_becomes_quoted_terms() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(Query::new(text, None).map(|query| query.expression()).as_deref(), expected, "{text}");
        };
        check("принтеры", Some("(\"принтер\" OR \"принтеры\" *)"));
        check("VPN я", Some("\"vpn\" * AND \"я\""));
        check("a\" OR \"b", Some("\"a\" AND \"or\" * AND \"b\""));
        check("title:x NOT (y*", Some("(\"titl\" OR \"title\" *) AND \"x\" AND \"not\" * AND \"y\""));
        check("vpn VPN", Some("\"vpn\" *"));
        check("?!", None);
        let query = Query::new("vpn", Some(DocKind::Article)).expect("a word");
        assert_eq!(query.expression(), "\"vpn\" * AND \"§a\"");
    }
}
