//! Which rows of a long list are in sight. Pure arithmetic; pixels are CSS pixels.

use std::ops::Range;

/// Rows rendered above and below what is in sight, so that a scroll shows rows at once.
const OVERSCAN: u32 = 5;

/// The tallest element that all three engines lay out exactly is 2^24 pixels and more; a list that would be taller
/// ends there.
const HEIGHT_MAX_PX: u32 = 16_000_000;

/// Rows of a list of `total` that fit into the tallest element.
pub(crate) fn reachable(total: u32, row_px: u32) -> u32 {
    total.min(HEIGHT_MAX_PX / row_px.max(1))
}

/// The rows to render for a scroll position.
pub(crate) fn visible(total: u32, row_px: u32, scroll_top_px: u32, height_px: u32) -> Range<u32> {
    let row_px = row_px.max(1);
    let first = (scroll_top_px / row_px).min(total);
    let last = scroll_top_px.saturating_add(height_px).div_ceil(row_px).min(total);
    first.saturating_sub(OVERSCAN)..last.saturating_add(OVERSCAN).min(total)
}

/// The most rows that a pane renders at once, whatever its scroll position.
pub(crate) fn slots(row_px: u32, height_px: u32) -> u32 {
    height_px.div_ceil(row_px.max(1)) + 1 + 2 * OVERSCAN
}

/// The rows that are fetched for a range in sight: as many again on both sides, so that a page further is there before it is
/// wanted.
pub(crate) fn ahead(range: &Range<u32>, total: u32) -> Range<u32> {
    let rows = range.end.saturating_sub(range.start);
    range.start.saturating_sub(rows)..range.end.saturating_add(rows).min(total)
}

/// The pages of `page_rows` rows that a range lies on.
pub(crate) fn pages(range: &Range<u32>, page_rows: u32) -> Range<u32> {
    let page_rows = page_rows.max(1);
    if range.is_empty() { 0..0 } else { range.start / page_rows..range.end.div_ceil(page_rows) }
}

/// Where to scroll to so that a row is in sight; `None` when it is.
pub(crate) fn scroll_to(row: u32, row_px: u32, scroll_top_px: u32, height_px: u32) -> Option<u32> {
    let top = row * row_px;
    let bottom = top + row_px;
    if top < scroll_top_px {
        Some(top)
    } else if bottom > scroll_top_px + height_px {
        Some(bottom.saturating_sub(height_px))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_in_sight_and_a_little_more_is_rendered() {
        assert_eq!(visible(100_000, 40, 0, 800), 0..25);
        assert_eq!(visible(100_000, 40, 2_000_020, 800), 49_995..50_026);
        assert_eq!(visible(100_000, 40, 4_000_000 - 800, 800), 99_975..100_000);
        assert_eq!(visible(5, 40, 0, 800), 0..5);
        assert_eq!(visible(0, 40, 0, 800), 0..0);
        // The list became shorter than the scroll position.
        assert_eq!(visible(5, 40, 4_000, 800), 0..5);
    }

    #[test]
    fn no_scroll_position_shows_more_rows_than_there_are_slots() {
        for height in [0, 1, 39, 40, 41, 800, 815] {
            for top in 0..100 {
                let shown = visible(1_000, 40, 4_000 + top, height);
                assert!(shown.end - shown.start <= slots(40, height), "{shown:?} in {height} px");
            }
        }
    }

    #[test]
    fn a_page_further_is_fetched_on_both_sides() {
        assert_eq!(ahead(&(0..25), 1_000), 0..50);
        assert_eq!(ahead(&(100..130), 1_000), 70..160);
        assert_eq!(ahead(&(980..1_000), 1_000), 960..1_000);
        assert_eq!(ahead(&(0..0), 0), 0..0);
    }

    #[test]
    fn the_pages_of_a_range_cover_it() {
        assert_eq!(pages(&(0..30), 100), 0..1);
        assert_eq!(pages(&(90..101), 100), 0..2);
        assert_eq!(pages(&(100..200), 100), 1..2);
        assert_eq!(pages(&(0..0), 100), 0..0);
    }

    #[test]
    fn a_row_out_of_sight_is_scrolled_to_the_nearer_edge() {
        assert_eq!(scroll_to(5, 40, 0, 800), None);
        assert_eq!(scroll_to(0, 40, 100, 800), Some(0));
        assert_eq!(scroll_to(20, 40, 0, 800), Some(40));
        assert_eq!(scroll_to(19, 40, 0, 800), None);
    }

    #[test]
    fn a_list_ends_where_no_engine_lays_out_further() {
        assert_eq!(reachable(100_000, 40), 100_000);
        assert_eq!(reachable(10_000_000, 40), 400_000);
    }
}
