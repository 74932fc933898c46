//! How well a line fits what was typed: for the palette and the choosers.

use std::cmp::Reverse;

/// The letters of the Russian layout with the Latin ones on the same keys, so that a word typed in the wrong
/// layout is found too.
const KEYS: [(char, char); 33] = [
    ('й', 'q'),
    ('ц', 'w'),
    ('у', 'e'),
    ('к', 'r'),
    ('е', 't'),
    ('н', 'y'),
    ('г', 'u'),
    ('ш', 'i'),
    ('щ', 'o'),
    ('з', 'p'),
    ('х', '['),
    ('ъ', ']'),
    ('ф', 'a'),
    ('ы', 's'),
    ('в', 'd'),
    ('а', 'f'),
    ('п', 'g'),
    ('р', 'h'),
    ('о', 'j'),
    ('л', 'k'),
    ('д', 'l'),
    ('ж', ';'),
    ('э', '\''),
    ('я', 'z'),
    ('ч', 'x'),
    ('с', 'c'),
    ('м', 'v'),
    ('и', 'b'),
    ('т', 'n'),
    ('ь', 'm'),
    ('б', ','),
    ('ю', '.'),
    ('ё', '`'),
];

/// The same keys pressed in the other layout.
pub(crate) fn other_layout(text: &str) -> String {
    text.chars()
        .map(|c| {
            KEYS.iter()
                .find_map(|(ru, en)| {
                    if *ru == c {
                        Some(*en)
                    } else if *en == c {
                        Some(*ru)
                    } else {
                        None
                    }
                })
                .unwrap_or(c)
        })
        .collect()
}

fn fold(text: &str) -> String {
    text.to_lowercase().replace('ё', "е")
}

/// How well `label` fits `query`, the higher the better; `None` where it does not.
pub(crate) fn score(query: &str, label: &str) -> Option<i32> {
    let lower = query.trim().to_lowercase();
    let label = fold(label);
    let direct = score_folded(&fold(&lower), &label);
    // As typed first; what fits only in the other layout stands below.
    direct.or_else(|| score_folded(&fold(&other_layout(&lower)), &label).map(|score| score - 500))
}

fn score_folded(query: &str, label: &str) -> Option<i32> {
    let length = i32::try_from(label.chars().count()).unwrap_or(i32::MAX / 2);
    if query.is_empty() {
        return Some(0);
    }
    if label.starts_with(query) {
        return Some(1_000 - length);
    }
    let mut total = 0;
    for word in query.split_whitespace() {
        let starts = label.split(|c: char| !c.is_alphanumeric()).any(|part| part.starts_with(word));
        total += if starts {
            60
        } else if label.contains(word) {
            30
        } else if word.chars().count() > 1 && is_subsequence(word, label) {
            5
        } else {
            return None;
        };
    }
    Some(total - length / 8)
}

fn is_subsequence(needle: &str, hay: &str) -> bool {
    let mut hay = hay.chars();
    needle.chars().all(|wanted| hay.any(|c| c == wanted))
}

/// The places of the labels that fit, the best first; equally good ones in their order.
pub(crate) fn rank<'a>(query: &str, labels: impl Iterator<Item = &'a str>) -> Vec<usize> {
    let mut found: Vec<(i32, usize)> =
        labels.enumerate().filter_map(|(at, label)| Some((score(query, label)?, at))).collect();
    found.sort_by_key(|(score, at)| (Reverse(*score), *at));
    found.into_iter().map(|(_, at)| at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(query: &str, labels: &[&str], expected: &[usize]) {
        assert_eq!(rank(query, labels.iter().copied()), expected, "{query}");
    }

    #[test]
    fn nothing_typed_keeps_the_order() {
        check("", &["b", "a", "c"], &[0, 1, 2]);
    }

    #[test]
    fn a_beginning_stands_before_a_word_and_a_word_before_a_part() {
        check("нов", &["Обновить", "Моя новая заявка", "Новая заявка"], &[2, 1, 0]);
        check("set", &["Reset password", "Open settings", "Settings"], &[2, 1, 0]);
    }

    #[test]
    fn letters_in_order_are_enough_but_come_last() {
        check("nt", &["New ticket", "Unrelated", "ntp"], &[2, 0, 1]);
        check("зп", &["Заявка: приоритет", "Пусто"], &[0]);
    }

    #[test]
    fn the_wrong_layout_is_forgiven() {
        check("ytdjq", &["Новой"], &[]);
        check("yjdfz", &["Новая заявка", "Настройки"], &[0]);
        check("ыуе", &["Settings"], &[0]);
    }

    #[test]
    fn yo_is_ye() {
        check("отчет", &["Отчёт"], &[0]);
        check("ещё", &["еще"], &[0]);
    }
}
