//! What a clock did, as a picture with its text: what counted, what paused it, closed hours, holidays, now and the due time.

use desk_domain::{
    sla::{Segment, SegmentKind, explain::ClockExplanation},
    time::UtcMillis,
};
use yew::prelude::*;

use crate::i18n::{I18n, format, tr};

/// The width of the picture, in its own units.
const WIDTH: i64 = 1_000;
/// The least width of a piece: a lunch break of a month shows, too.
const LEAST: i64 = 2;

/// The picture and what it says in words; nothing for a clock that did nothing.
pub(crate) fn picture(i18n: I18n, clock: &ClockExplanation, now: UtcMillis) -> Html {
    let (Some(first), Some(last)) = (clock.segments.first(), clock.segments.last()) else {
        return html! {};
    };
    let at = |at: UtcMillis| format::date_time(i18n, format::local(at));
    let axis = Axis { from: first.from, to: last.to };
    let words = summary(i18n, &clock.segments);
    let mark = |at: UtcMillis, class: &'static str, title: String| {
        let x = axis.place(at).to_string();
        html! {
            <line class={class} x1={x.clone()} x2={x} y1="0" y2="40"><title>{ title }</title></line>
        }
    };
    let due = clock.reading.due_at;
    html! {
        <figure class="explained-picture" data-testid="explain-picture">
            <svg viewBox="0 0 1000 40" preserveAspectRatio="none" role="img" aria-label={words.clone()}>
                for segment in clock.segments.iter() {
                    { piece(i18n, &axis, segment) }
                }
                for threshold in clock.reading.thresholds.iter().filter(|threshold| threshold.percent < 100) {
                    { mark(threshold.at, "mark-warn", format!("{} %: {}", threshold.percent, at(threshold.at))) }
                }
                if axis.holds(now) {
                    { mark(now, "mark-now", format!("{}: {}", i18n.t("now-button"), at(now))) }
                }
                if let Some(due) = due.filter(|due| axis.holds(*due)) {
                    { mark(due, "mark-due", tr!(i18n, "clock-due", at = at(due))) }
                }
            </svg>
            <figcaption>
                <span class="explained-ends"><span>{ at(first.from) }</span><span>{ at(last.to) }</span></span>
                <span data-testid="explain-words">{ words }</span>
            </figcaption>
        </figure>
    }
}

fn piece(i18n: I18n, axis: &Axis, segment: &Segment) -> Html {
    let (x, width) = axis.span(segment);
    let at = |at: UtcMillis| format::date_time(i18n, format::local(at));
    let class = classes!(
        match segment.kind {
            SegmentKind::Running => "piece-running",
            SegmentKind::ClosedHours => "piece-closed",
            SegmentKind::Holiday => "piece-holiday",
            SegmentKind::Paused => "piece-paused",
            SegmentKind::Done => "piece-done",
        },
        segment.projected.then_some("piece-ahead"),
    );
    // What counts stands high, what stands still low: the colours say it once more.
    let (y, height) = match segment.kind {
        SegmentKind::Running => ("4", "32"),
        SegmentKind::Paused | SegmentKind::Done => ("16", "20"),
        SegmentKind::ClosedHours | SegmentKind::Holiday => ("28", "8"),
    };
    html! {
        <rect {class} x={x.to_string()} {y} width={width.to_string()} {height} data-kind={segment.kind.as_str()}>
            <title>{ format!("{}: {} – {}", i18n.word("segment", segment.kind), at(segment.from), at(segment.to)) }</title>
        </rect>
    }
}

/// From the first instant of the picture to the last.
struct Axis {
    from: UtcMillis,
    to: UtcMillis,
}

impl Axis {
    fn holds(&self, at: UtcMillis) -> bool {
        self.from <= at && at <= self.to
    }

    /// Where an instant stands, in the picture's units.
    fn place(&self, at: UtcMillis) -> i64 {
        let length = i128::from(self.to.since(self.from).max(1));
        let place = i128::from(at.since(self.from)) * i128::from(WIDTH) / length;
        i64::try_from(place.clamp(0, i128::from(WIDTH))).unwrap_or(0)
    }

    /// Where a piece begins and how wide it is.
    fn span(&self, segment: &Segment) -> (i64, i64) {
        let x = self.place(segment.from).min(WIDTH - LEAST);
        (x, (self.place(segment.to) - x).max(LEAST))
    }
}

/// How long it counted, and how long it did not and why: `Учтено 3 ч; пауза 2 ч; нерабочее время 14 ч.`
fn summary(i18n: I18n, segments: &[Segment]) -> String {
    let past =
        |kind: SegmentKind| segments.iter().filter(move |segment| segment.kind == kind && !segment.projected);
    let counted: i64 = past(SegmentKind::Running).map(|segment| segment.business_ms).sum();
    let mut parts = vec![tr!(i18n, "explain-counted", time = format::duration(i18n, counted))];
    let still = [SegmentKind::Paused, SegmentKind::ClosedHours, SegmentKind::Holiday, SegmentKind::Done];
    for kind in still {
        let ms: i64 = past(kind).map(|segment| segment.to.since(segment.from)).sum();
        if ms > 0 {
            parts.push(format!("{} {}", i18n.word("segment", kind), format::duration(i18n, ms)));
        }
    }
    let ahead: i64 =
        segments.iter().filter(|segment| segment.projected).map(|segment| segment.business_ms).sum();
    if ahead > 0 {
        parts.push(tr!(i18n, "explain-ahead", time = format::duration(i18n, ahead)));
    }
    parts.join("; ")
}

#[cfg(test)]
mod tests {
    use desk_api::view::Language;

    use super::*;

    fn segment(from: i64, to: i64, kind: SegmentKind, projected: bool) -> Segment {
        let hour = 3_600_000;
        let counts = kind == SegmentKind::Running;
        Segment {
            from: UtcMillis(from * hour),
            to: UtcMillis(to * hour),
            kind,
            business_ms: if counts { (to - from) * hour } else { 0 },
            status: None,
            projected,
        }
    }

    #[test]
    fn the_picture_says_in_words_what_it_shows() {
        let segments = [
            segment(0, 3, SegmentKind::Running, false),
            segment(3, 5, SegmentKind::Paused, false),
            segment(5, 19, SegmentKind::ClosedHours, false),
            segment(19, 43, SegmentKind::Holiday, false),
            segment(43, 44, SegmentKind::Running, false),
            segment(44, 48, SegmentKind::Running, true),
        ];
        let words = summary(I18n { language: Language::Ru }, &segments);
        assert_eq!(words, "Учтено 4 ч; пауза 2 ч; нерабочее время 14 ч; праздник 1 д; впереди 4 ч");
    }

    #[test]
    fn pieces_stand_where_they_were_and_short_ones_are_seen() {
        let axis = Axis { from: UtcMillis(0), to: UtcMillis(1_000 * 3_600_000) };
        assert_eq!(axis.span(&segment(0, 500, SegmentKind::Running, false)), (0, 500));
        assert_eq!(axis.span(&segment(500, 501, SegmentKind::Paused, false)), (500, LEAST));
        assert_eq!(axis.span(&segment(999, 1000, SegmentKind::Paused, false)), (WIDTH - LEAST, LEAST));
        assert_eq!(axis.place(UtcMillis(-5)), 0);
        assert_eq!(axis.place(UtcMillis(i64::MAX)), WIDTH);
        assert_eq!(Axis { from: UtcMillis(7), to: UtcMillis(7) }.place(UtcMillis(7)), 0);
    }
}
