//! The post-mortem: what it starts from, and the action items in it.
//!
//! An action item is a task-list line of the Markdown and nothing else:
//!
//! ```text
//! - [ ] Alert at 85 % of memory @anna by 2026-12-01
//! - [x] Ограничить память процесса @ivan до 01.12.2026
//! ```
//!
//! `@who` names the owner (up to the next blank), `by` or `до` with a date says until when. Both are optional. Lines in
//! fenced code are text. Ticking an item off is an edit of the text like any other ([`toggled`]).

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::words::words;

words! {
    /// The language that a post-mortem is written in.
    TemplateLanguage, "language" {
        /// Russian.
        Ru = "ru",
        /// English.
        En = "en",
    }
}

const RU: &str = "\
## Что случилось

## На кого и как повлияло

## Хронология

## Причины

## Что помогло, что помешало

## Меры

_Каждая мера — строка вида «- [ ] что сделать @кто до 01.12.2026»: она появится в списке задач._
";

const EN: &str = "\
## What happened

## Who was affected, and how

## Timeline

## Causes

## What helped, what got in the way

## Action items

_Write each one as a line like \"- [ ] what to do @who by 2026-12-01\": it will be listed as a task._
";

/// What an empty post-mortem starts from.
pub fn template(language: TemplateLanguage) -> &'static str {
    match language {
        TemplateLanguage::Ru => RU,
        TemplateLanguage::En => EN,
    }
}

/// Something that is to be done so that it does not happen again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionItem {
    /// Its line in the text, from 0.
    pub line: usize,
    /// The line as it stands there.
    pub source: String,
    /// What is to be done, without owner and date.
    pub text: String,
    /// Who does it: what stands behind the `@`.
    pub owner: Option<String>,
    /// Until when.
    pub due: Option<Date>,
    /// It is ticked off.
    pub done: bool,
}

/// The action items of a post-mortem, in its order.
pub fn action_items(markdown: &str) -> Vec<ActionItem> {
    let mut fence: Option<&str> = None;
    let mut items = Vec::new();
    for (line, source) in markdown.lines().enumerate() {
        let text = source.trim_start();
        match (fence, ["```", "~~~"].into_iter().find(|mark| text.starts_with(mark))) {
            (None, Some(mark)) => fence = Some(mark),
            (Some(open), Some(mark)) if open == mark => fence = None,
            (Some(_), _) => {}
            (None, None) => items.extend(task(source).map(|(done, rest)| item(line, source, done, rest))),
        }
    }
    items
}

/// Whether a line is a task: its box, and what follows.
fn task(line: &str) -> Option<(bool, &str)> {
    let text = line.trim_start();
    let text = ["-", "*", "+"].into_iter().find_map(|bullet| text.strip_prefix(bullet))?;
    let text = text.strip_prefix([' ', '\t'])?.trim_start().strip_prefix('[')?;
    let (done, rest) = match text.chars().next()? {
        ' ' => (false, text.get(1..)?),
        // People type both, also on a Russian keyboard.
        mark @ ('x' | 'X' | 'х' | 'Х') => (true, text.get(mark.len_utf8()..)?),
        _ => return None,
    };
    let rest = rest.strip_prefix(']')?;
    (rest.starts_with([' ', '\t'])).then(|| (done, rest.trim()))
}

fn item(line: usize, source: &str, done: bool, rest: &str) -> ActionItem {
    let (mut owner, mut due) = (None, None);
    let mut text: Vec<&str> = Vec::new();
    let mut words = rest.split_whitespace().peekable();
    while let Some(word) = words.next() {
        if owner.is_none()
            && let Some(name) = word.strip_prefix('@').map(|name| name.trim_end_matches([',', ';', '.', ':']))
            && !name.is_empty()
        {
            owner = Some(name.to_owned());
        } else if due.is_none()
            && matches!(word.to_lowercase().as_str(), "by" | "до")
            && let Some(date) = words.peek().and_then(|word| date(word))
        {
            due = Some(date);
            words.next();
        } else {
            text.push(word);
        }
    }
    ActionItem { line, source: source.to_owned(), text: text.join(" "), owner, due, done }
}

/// `2026-12-01` or `01.12.2026`.
fn date(word: &str) -> Option<Date> {
    let word = word.trim_end_matches([',', ';', '.', ':', ')']);
    if let Ok(date) = word.parse::<Date>() {
        return Some(date);
    }
    let mut parts = word.split('.');
    let mut next = || parts.next().filter(|part| part.bytes().all(|b| b.is_ascii_digit()));
    let (day, month, year) = (next()?, next()?, next()?);
    if parts.next().is_some() || year.len() != 4 {
        return None;
    }
    Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok()
}

/// The text with an item ticked off, or not. An item that moved meanwhile is found by its line's text, the nearest one to where
/// it was; `None` when its line is gone or reads otherwise now.
pub fn toggled(markdown: &str, item: &ActionItem, done: bool) -> Option<String> {
    let same = action_items(markdown).into_iter().filter(|found| found.source == item.source);
    let at = same.min_by_key(|found| found.line.abs_diff(item.line))?.line;
    let mut text = String::with_capacity(markdown.len());
    for (line, whole) in markdown.split_inclusive('\n').enumerate() {
        let mark = whole.find('[').filter(|_| line == at);
        match mark.and_then(|open| Some((whole.get(..=open)?, whole.get(open..)?.split_once(']')?.1))) {
            Some((before, after)) => {
                text.push_str(before);
                text.push_str(if done { "x]" } else { " ]" });
                text.push_str(after);
            }
            None => text.push_str(whole),
        }
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date as day;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_task_line_is_an_action_item() {
        let check = |line: &str, expected: Option<(&str, Option<&str>, Option<Date>, bool)>| {
            let found = action_items(line);
            let found =
                found.first().map(|item| (item.text.as_str(), item.owner.as_deref(), item.due, item.done));
            assert_eq!(found, expected, "{line}");
        };
        let due = Some(day(2026, 12, 1));
        check("- [ ] Alert at 85 % @anna by 2026-12-01", Some(("Alert at 85 %", Some("anna"), due, false)));
        check(
            "* [x] Память @ivan@acme.kz, до 01.12.2026.",
            Some(("Память", Some("ivan@acme.kz"), due, true)),
        );
        check("  + [X] Nested", Some(("Nested", None, None, true)));
        check("- [х] Русская буква", Some(("Русская буква", None, None, true)));
        check("- [ ] Дойти до магазина", Some(("Дойти до магазина", None, None, false)));
        check("- [ ] Stand by 31.02.2026", Some(("Stand by 31.02.2026", None, None, false)));
        check("- [ ] mail a@b.kz @", Some(("mail a@b.kz @", None, None, false)));
        check("- [] nothing", None);
        check("- [ ]nothing", None);
        check("-[ ] nothing", None);
        check("1. [ ] nothing", None);
        check("- [link](x)", None);
        check("```\n- [ ] code\n```", None);
    }

    #[test]
    fn items_are_in_their_order_and_fences_end() {
        let text = "# Меры\n- [ ] a\n~~~\n- [ ] b\n```\n~~~\n- [x] c\n";
        let found: Vec<_> = action_items(text).into_iter().map(|item| (item.line, item.text)).collect();
        assert_eq!(found, [(1, "a".to_owned()), (6, "c".to_owned())]);
    }

    #[test]
    fn an_item_is_ticked_off_where_it_stands_now() {
        let item = action_items("- [ ] a\n- [ ] b [1]").remove(1);
        assert_eq!(toggled("- [ ] a\n- [ ] b [1]", &item, true).unwrap(), "- [ ] a\n- [x] b [1]");
        let moved = "new\nlines\n- [ ] a\n- [ ] b [1]\n";
        assert_eq!(toggled(moved, &item, true).unwrap(), "new\nlines\n- [ ] a\n- [x] b [1]\n");
        assert_eq!(toggled("- [ ] a\n- [ ] c", &item, true), None);
    }

    #[test]
    fn a_template_has_no_items_of_its_own() {
        for language in TemplateLanguage::ALL {
            assert!(!template(*language).is_empty());
            assert_eq!(action_items(template(*language)), []);
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_and_ticking_twice_changes_nothing(text in "([-*+ x\\[\\]@.a-zё\n`~]|- \\[ \\] ){0,60}") {
            for item in action_items(&text) {
                let ticked = toggled(&text, &item, true).unwrap();
                let again = action_items(&ticked);
                prop_assert!(again.iter().any(|found| found.line == item.line && found.done));
                let back = toggled(&ticked, again.iter().find(|found| found.line == item.line).unwrap(), item.done);
                let back = action_items(&back.unwrap());
                let back = back.iter().find(|found| found.line == item.line).unwrap();
                prop_assert_eq!((&back.text, &back.owner, back.done), (&item.text, &item.owner, item.done));
            }
        }
    }
}
