use proptest::prelude::*;

use super::*;

const MIN: i64 = 60_000;

fn facts(severity: Severity, services: &[&str], created_min: i64, milestones: &[(Milestone, i64)]) -> Facts {
    Facts {
        severity,
        services: services.iter().map(|name| (*name).to_owned()).collect(),
        created_at: UtcMillis(created_min * MIN),
        milestones: milestones.iter().map(|(name, min)| (*name, UtcMillis(min * MIN))).collect(),
    }
}

const ALWAYS: Period = Period { from: UtcMillis(0), to: UtcMillis(i64::MAX) };

#[test]
fn mean_median_and_p90_are_as_defined() {
    let check = |all: &[i64], expected: Option<(u32, i64, i64, i64)>| {
        let found = Summary::of(all.to_vec());
        assert_eq!(found.map(|s| (s.n, s.mean_ms, s.median_ms, s.p90_ms)), expected, "{all:?}");
    };
    check(&[], None);
    check(&[7], Some((1, 7, 7, 7)));
    check(&[1, 2], Some((2, 2, 1, 2)));
    check(&[30, 10, 20], Some((3, 20, 20, 30)));
    // The nearest rank of ten values is the ninth, of eleven the tenth.
    check(&[10, 9, 8, 7, 6, 5, 4, 3, 2, 1], Some((10, 6, 5, 9)));
    check(&[11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1], Some((11, 6, 6, 10)));
    check(&[5, 5, 5, 100], Some((4, 29, 5, 100)));
    check(&[i64::MAX, i64::MAX], Some((2, i64::MAX, i64::MAX, i64::MAX)));
}

#[test]
fn a_metric_is_the_time_between_its_instants() {
    use Milestone::{Acknowledged, Detected, Impact, Resolved};
    let whole = facts(Severity::P1, &[], 0, &[(Impact, 0), (Detected, 4), (Acknowledged, 7), (Resolved, 60)]);
    let of = |metric: ResponseMetric, facts: &Facts| metric.measure_ms(&facts.milestones);
    assert_eq!(of(ResponseMetric::Mttd, &whole), Ok(4 * MIN));
    assert_eq!(of(ResponseMetric::Mtta, &whole), Ok(3 * MIN));
    assert_eq!(of(ResponseMetric::Mttr, &whole), Ok(60 * MIN));

    let unknown = facts(Severity::P1, &[], 0, &[(Detected, 4), (Resolved, 60)]);
    assert_eq!(of(ResponseMetric::Mttd, &unknown), Err(LeftOut::Missing { milestone: Impact }));
    assert_eq!(of(ResponseMetric::Mtta, &unknown), Err(LeftOut::Missing { milestone: Acknowledged }));

    let turned = facts(Severity::P1, &[], 0, &[(Impact, 9), (Detected, 4), (Acknowledged, 4)]);
    let out = LeftOut::OutOfOrder { from: Impact, to: Detected };
    assert_eq!(of(ResponseMetric::Mttd, &turned), Err(out));
    assert_eq!(of(ResponseMetric::Mtta, &turned), Ok(0), "at once is in order");
}

#[test]
fn incidents_are_grouped_and_those_that_do_not_count_are_counted() {
    use Milestone::{Acknowledged, Detected, Impact, Resolved};
    let all = [
        facts(
            Severity::P1,
            &["pos", "1C"],
            100,
            &[(Impact, 90), (Detected, 100), (Acknowledged, 103), (Resolved, 150)],
        ),
        facts(
            Severity::P1,
            &["pos"],
            200,
            &[(Impact, 198), (Detected, 200), (Acknowledged, 209), (Resolved, 298)],
        ),
        facts(Severity::P2, &[], 300, &[(Detected, 300)]),
        facts(Severity::P3, &["pos"], 999, &[(Detected, 999)]),
    ];
    let period = Period { from: UtcMillis(100 * MIN), to: UtcMillis(999 * MIN) };
    let found = report(&all, period, None);
    assert_eq!(found.all.incidents, 3, "the last was declared at the very end");
    let mttr = found.all.mttr.summary.unwrap();
    assert_eq!((mttr.n, mttr.mean_ms, mttr.median_ms, mttr.p90_ms), (2, 80 * MIN, 80 * MIN, 100 * MIN));
    let missing = |milestone, n| vec![LeftOutCount { why: LeftOut::Missing { milestone }, n }];
    assert_eq!(found.all.mttr.left_out, missing(Impact, 1));
    assert_eq!(found.all.mtta.left_out, missing(Acknowledged, 1));
    assert_eq!(found.by_severity.keys().copied().collect::<Vec<_>>(), [Severity::P1, Severity::P2]);
    assert_eq!(found.by_severity[&Severity::P2].mttd.summary, None);
    assert_eq!((found.by_service["pos"].incidents, found.by_service["1C"].incidents), (2, 1));

    let one = report(&all, period, Some("1C"));
    assert_eq!((one.all.incidents, one.by_service.len()), (1, 1));
    assert_eq!(one.all.mttd.summary.unwrap().mean_ms, 10 * MIN);
}

fn incident() -> impl Strategy<Value = Facts> {
    let at = || prop::option::of(0_i64..10_000);
    (0_usize..4, prop::collection::btree_set("[abc]", 0..3), 0_i64..10_000, at(), at(), at(), at()).prop_map(
        |(severity, services, created, impact, detected, acknowledged, resolved)| {
            let known = [
                (Milestone::Impact, impact),
                (Milestone::Detected, detected),
                (Milestone::Acknowledged, acknowledged),
                (Milestone::Resolved, resolved),
            ];
            Facts {
                severity: Severity::ALL[severity],
                services,
                created_at: UtcMillis(created),
                milestones: known.into_iter().filter_map(|(name, at)| Some((name, UtcMillis(at?)))).collect(),
            }
        },
    )
}

proptest! {
    #[test]
    fn every_incident_counts_or_is_left_out(all in prop::collection::vec(incident(), 0..40)) {
        let found = report(&all, ALWAYS, None);
        let groups = found.by_severity.values().chain(found.by_service.values());
        for figures in groups.chain([&found.all]) {
            for metric in ResponseMetric::ALL {
                let Measured { summary, left_out } = figures.metric(*metric);
                let out: u32 = left_out.iter().map(|left| left.n).sum();
                prop_assert_eq!(summary.map_or(0, |summary| summary.n) + out, figures.incidents);
            }
        }
        let by_severity: u32 = found.by_severity.values().map(|figures| figures.incidents).sum();
        prop_assert_eq!(by_severity, found.all.incidents);
    }

    #[test]
    fn the_order_of_the_incidents_does_not_matter(mut all in prop::collection::vec(incident(), 0..20)) {
        let found = report(&all, ALWAYS, None);
        all.reverse();
        prop_assert_eq!(found, report(&all, ALWAYS, None));
    }

    #[test]
    fn a_summary_lies_within_its_values(all in prop::collection::vec(0_i64..1_000_000, 1..50)) {
        let summary = Summary::of(all.clone()).unwrap();
        let (least, most) = (*all.iter().min().unwrap(), *all.iter().max().unwrap());
        for value in [summary.mean_ms, summary.median_ms, summary.p90_ms] {
            prop_assert!((least..=most).contains(&value));
        }
        prop_assert!(summary.median_ms <= summary.p90_ms);
        let within = all.iter().filter(|ms| **ms <= summary.p90_ms).count();
        prop_assert!(within * 10 >= all.len() * 9, "nine tenths do not exceed it");
        let below = all.iter().filter(|ms| **ms < summary.p90_ms).count();
        prop_assert!(below * 10 < all.len() * 9, "and it is the smallest such value");
        prop_assert!(all.contains(&summary.p90_ms));
    }
}
