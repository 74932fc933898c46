//! Three-way text edits: what a person changed from the text they saw, brought onto the text as it is now.

use std::ops::Range;

use similar::{Algorithm, DiffTag, capture_diff_slices};

/// A replacement in a text; positions and lengths count code points (as Automerge does in Rust).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Splice {
    /// Where.
    pub(crate) at: usize,
    /// How many code points go.
    pub(crate) delete: usize,
    /// What comes.
    pub(crate) insert: String,
}

/// What turns `current` into what the edit from `base` to `edited` means for it, last place first, so that each
/// can be done without moving the ones after it.
pub(crate) fn rebase(current: &str, base: &str, edited: &str) -> Vec<Splice> {
    let base: Vec<char> = base.chars().collect();
    let edited: Vec<char> = edited.chars().collect();
    let current: Vec<char> = current.chars().collect();
    let place = places(&base, &current);
    let mut splices = Vec::new();
    for (same, old, new) in runs(&base, &edited) {
        if same {
            continue;
        }
        let (from, to) = (place[old.start], place[old.end].max(place[old.start]));
        // Only what the person saw is theirs to delete: what others put between stays.
        let kept: Vec<usize> =
            (from..to).filter(|at| !old.clone().any(|i| survives(&place, i, *at, &base, &current))).collect();
        let insert: String = edited[new].iter().collect();
        if kept.is_empty() {
            splices.push(Splice { at: from, delete: to - from, insert });
        } else {
            splices.push(Splice { at: from, delete: 0, insert });
            for at in from..to {
                if !kept.contains(&at) {
                    splices.push(Splice { at, delete: 1, insert: String::new() });
                }
            }
        }
    }
    splices.sort_by_key(|splice| (splice.at, splice.delete));
    splices.reverse();
    splices
}

/// Whether the character `i` of the base stands at `at` in the current text.
fn survives(place: &[usize], i: usize, at: usize, base: &[char], current: &[char]) -> bool {
    place[i] == at && current.get(at) == base.get(i) && place[i + 1] > place[i]
}

/// The two texts side by side in runs: whether they are the same, and where each stands. Positions are summed up here,
/// since those of an insertion in the library's answer are off after it has merged neighbours.
fn runs(old: &[char], new: &[char]) -> Vec<(bool, Range<usize>, Range<usize>)> {
    let (mut old_at, mut new_at) = (0, 0);
    capture_diff_slices(Algorithm::Myers, old, new)
        .into_iter()
        .map(|op| {
            let (old_len, new_len) = (op.old_range().len(), op.new_range().len());
            let run = (op.tag() == DiffTag::Equal, old_at..old_at + old_len, new_at..new_at + new_len);
            (old_at, new_at) = (run.1.end, run.2.end);
            run
        })
        .collect()
}

/// For each position of the base (its end included), where it stands in the current text.
fn places(base: &[char], current: &[char]) -> Vec<usize> {
    let mut place = vec![0; base.len() + 1];
    for (same, old, new) in runs(base, current) {
        for (i, at) in old.enumerate() {
            place[at] = if same { new.start + i } else { new.start };
        }
    }
    place[base.len()] = current.len();
    place
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn merged(current: &str, base: &str, edited: &str) -> String {
        let mut text: Vec<char> = current.chars().collect();
        for splice in rebase(current, base, edited) {
            text.splice(splice.at..splice.at + splice.delete, splice.insert.chars());
        }
        text.into_iter().collect()
    }

    #[test]
    fn what_others_typed_meanwhile_stays() {
        let check =
            |current, base, edited, expected: &str| assert_eq!(merged(current, base, edited), expected);
        check("один два три", "один два", "один 2", "один 2 три");
        check("Zero one two", "one two", "one two three", "Zero one two three");
        check("перезагрузите принтер", "принтер", "принтер и роутер", "перезагрузите принтер и роутер");
        check("same", "same", "same", "same");
        check("", "gone", "gone!", "!");
    }

    proptest! {
        #[test]
        fn without_other_edits_the_result_is_what_was_typed(base in ".{0,40}", edited in ".{0,40}") {
            prop_assert_eq!(merged(&base, &base, &edited), edited);
        }

        #[test]
        fn without_an_edit_nothing_changes(base in ".{0,40}", current in ".{0,40}") {
            prop_assert_eq!(merged(&current, &base, &base), current);
        }
    }
}
