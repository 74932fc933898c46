//! Bringing what a source says within the limits of a ticket, so that nothing of it is lost.

use desk_domain::{
    ids::MemberId,
    ticket::{BODY_MAX_BYTES, CUSTOM_MAX_BYTES, NAME_MAX_CHARS, TITLE_MAX_CHARS},
    time::UtcMillis,
};

/// Who did what nobody signed.
pub(super) const UNKNOWN: &str = "unknown";

/// A title within its limit and the description with it: of a title that is too long the whole stands in front of
/// the description. Line breaks in a title become spaces; a blank one is replaced by `fallback`.
pub(super) fn title_and_description(title: &str, description: &str, fallback: &str) -> (String, String) {
    let line = title.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.is_empty() {
        return (shorten(fallback, TITLE_MAX_CHARS), description.to_owned());
    }
    let short = shorten(&line, TITLE_MAX_CHARS);
    if short == line {
        (short, description.to_owned())
    } else if description.is_empty() {
        (short, title.to_owned())
    } else {
        (short, format!("{title}\n\n{description}"))
    }
}

/// `text`, its end replaced by an ellipsis where it is longer than `most` characters.
fn shorten(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(most.saturating_sub(1)).collect();
    short.push('…');
    short
}

/// A person, team, category, tag or custom key of the source: trimmed and within its limit; `None` when blank.
pub(super) fn name(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| shorten(text, NAME_MAX_CHARS))
}

/// A person of the source. A name that looks like a member's id would speak for that member, so it is marked.
pub(super) fn person(text: &str) -> Option<String> {
    let name = name(text)?;
    if name.parse::<MemberId>().is_ok() { Some(format!("imported {name}")) } else { Some(name) }
}

/// Why a description or a comment's body cannot be kept, if so.
pub(super) fn body_problem(what: &str, body: &str) -> Option<String> {
    (body.len() > BODY_MAX_BYTES)
        .then(|| format!("{what} has {} bytes; the limit is {BODY_MAX_BYTES}", body.len()))
}

/// Why a custom field's value cannot be kept, if so.
pub(super) fn custom_problem(key: &str, value: &str) -> Option<String> {
    (value.len() > CUSTOM_MAX_BYTES)
        .then(|| format!("{key} has {} bytes; the limit is {CUSTOM_MAX_BYTES}", value.len()))
}

/// Why an instant cannot stand in a log, if so: nobody's clock accepts what has not happened yet.
pub(super) fn future_problem(what: &str, at: UtcMillis, now: UtcMillis) -> Option<String> {
    (at > now).then(|| format!("{what} lies in the future: {at}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_title_is_kept_whole_in_front_of_the_description() {
        let long = "я".repeat(10_000);
        let (title, description) = title_and_description(&long, "body", "key");
        assert_eq!(title.chars().count(), TITLE_MAX_CHARS);
        assert!(title.ends_with('…'));
        assert_eq!(description, format!("{long}\n\nbody"));
        assert_eq!(title_and_description(" a\n b ", "body", "key"), ("a b".to_owned(), "body".to_owned()));
        assert_eq!(title_and_description(" \n", "body", "key").0, "key");
        assert_eq!(title_and_description(&"x".repeat(TITLE_MAX_CHARS), "", "key").1, "");
    }

    #[test]
    fn no_name_of_a_source_can_be_taken_for_a_member() {
        let id = "01890a5d-ac96-774b-bcce-b302099a8057";
        assert!(person(id).unwrap().parse::<MemberId>().is_err());
        assert_eq!(person(" ekr ").as_deref(), Some("ekr"));
        assert_eq!(person("  "), None);
        assert_eq!(name(&"n".repeat(1000)).unwrap().chars().count(), NAME_MAX_CHARS);
    }
}
