//! Response times over a period: MTTD, MTTA and MTTR with mean, median, p90 and n, in the whole, by severity and service.

use std::rc::Rc;

use desk_api::call::MeasureIncidents;
use desk_domain::{
    ids::DocKind,
    incident::metrics::{Figures, LeftOut, Measured, Period, Report, ResponseMetric, Summary},
    time::UtcMillis,
};
use yew::prelude::*;

use crate::{
    clock,
    i18n::{I18n, format, tr, use_i18n},
    query::use_query,
    route::Route,
    widgets::{
        field::{Choice, Select},
        moment::MomentField,
        page::{Empty, Page, Problem},
    },
};

const DAY_MS: i64 = 86_400_000;
/// The periods that one key chooses, in days.
const SPANS: [i64; 4] = [7, 30, 90, 365];

/// The page.
#[component]
pub(crate) fn IncidentMetricsPage() -> Html {
    let i18n = use_i18n();
    let period = use_state_eq(|| last(30));
    let service = use_state_eq(|| None::<String>);
    let call = MeasureIncidents { period: *period, service: (*service).clone() };
    let query = use_query(call, &[DocKind::Incident], None);
    // Services of the whole period, also while one of them is looked at.
    let all = use_query(MeasureIncidents { period: *period, service: None }, &[DocKind::Incident], None);
    let services: Vec<String> =
        all.data.iter().flat_map(|report| report.by_service.keys().cloned()).collect();
    let choices = Rc::new(
        std::iter::once(Choice::new("", i18n.t("metrics-all-services")))
            .chain(services.iter().map(|name| Choice::new(name, name)))
            .collect::<Vec<_>>(),
    );
    let span = |days: i64| {
        let here = period.to.since(period.from) == days * DAY_MS;
        let period = period.clone();
        html! {
            <button class={classes!("button", here.then_some("is-on"))} key={days} aria-pressed={here.to_string()}
                data-testid={format!("metrics-{days}")} onclick={move |_| period.set(last(days))}>
                { tr!(i18n, "metrics-days", n = days) }</button>
        }
    };
    let bound = |is_from: bool| {
        let period = period.clone();
        Callback::from(move |at: UtcMillis| {
            period.set(if is_from { Period { from: at, ..*period } } else { Period { to: at, ..*period } });
        })
    };
    html! {
        <Page title={i18n.t("metrics")} testid="incident-metrics-page" actions={html! {
            <a class="button" href={format!("#{}", Route::Incidents { open: None }.to_hash())}>{ i18n.t("incidents") }</a>
        }}>
            <div class="metrics-filter">
                { for SPANS.into_iter().map(span) }
                <label>{ i18n.t("metrics-from") }<MomentField at={Some(period.from)} disabled=false
                    label={i18n.t("metrics-from")} testid="metrics-from" on_change={bound(true)} /></label>
                <label>{ i18n.t("metrics-to") }<MomentField at={Some(period.to)} disabled=false
                    label={i18n.t("metrics-to")} testid="metrics-to" on_change={bound(false)} /></label>
                <Select value={(*service).clone().unwrap_or_default()} {choices} label={i18n.t("metrics-service")}
                    testid="metrics-service" on_choose={
                        let service = service.clone();
                        Callback::from(move |name: String| service.set(Some(name).filter(|name| !name.is_empty())))
                    } />
            </div>
            if let Some(error) = query.error.clone() {
                <Problem {error} />
            }
            if let Some(report) = query.data.clone() {
                if report.all.incidents == 0 {
                    <Empty text={i18n.t("metrics-none")} />
                } else {
                    { tables(i18n, &report) }
                }
            }
        </Page>
    }
}

fn last(days: i64) -> Period {
    // To the end of the minute, so that an incident of this very moment is in it.
    let to = UtcMillis((clock::now().0.div_euclid(60_000) + 1) * 60_000);
    Period { from: to.plus_ms(-days * DAY_MS), to }
}

fn tables(i18n: I18n, report: &Report) -> Html {
    let groups: Vec<(String, &Figures)> = std::iter::once((i18n.t("metrics-all"), &report.all))
        .chain(report.by_severity.iter().map(|(severity, figures)| (severity.to_string(), figures)))
        .collect();
    let services: Vec<(String, &Figures)> =
        report.by_service.iter().map(|(name, figures)| (name.clone(), figures)).collect();
    html! {
        <>
            <p class="hint">{ tr!(i18n, "metrics-count", n = report.all.incidents) }</p>
            for metric in ResponseMetric::ALL {
                <section class="block" key={metric.as_str()} data-testid={format!("metrics-{metric}")}>
                    <h2>{ i18n.word("metric", metric) }</h2>
                    <p class="hint">{ i18n.word("metric-means", metric) }</p>
                    { table(i18n, *metric, &groups, &i18n.t("incident-severity")) }
                    if !services.is_empty() {
                        { table(i18n, *metric, &services, &i18n.t("incident-services")) }
                    }
                    { left_out(i18n, report.all.metric(*metric)) }
                </section>
            }
            <p class="hint">{ i18n.t("metrics-definitions") }</p>
        </>
    }
}

/// One line for each group, with a bar for its mean beside the longest.
fn table(i18n: I18n, metric: ResponseMetric, groups: &[(String, &Figures)], of: &str) -> Html {
    let summaries = groups.iter().filter_map(|(_, figures)| figures.metric(metric).summary);
    let longest = summaries.map(|summary| summary.mean_ms).max().unwrap_or(0).max(1);
    let line = |(name, figures): &(String, &Figures)| {
        let measured = figures.metric(metric);
        let out: u32 = measured.left_out.iter().map(|left| left.n).sum();
        let cell = |ms: fn(&Summary) -> i64| {
            measured.summary.as_ref().map_or_else(|| "–".to_owned(), |s| format::duration(i18n, ms(s)))
        };
        let tenths = measured.summary.map_or(0, |summary| bar(summary.mean_ms, longest));
        html! {
            <tr key={name.clone()} data-testid="metrics-line" data-name={name.clone()}>
                <th scope="row">{ name }</th>
                <td class="figure">{ measured.summary.map_or(0, |summary| summary.n) }</td>
                <td class="figure">{ cell(|summary| summary.mean_ms) }</td>
                <td class="figure">{ cell(|summary| summary.median_ms) }</td>
                <td class="figure">{ cell(|summary| summary.p90_ms) }</td>
                <td class="figure">{ out }</td>
                <td class="bar-cell"><svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
                    <rect x="0" y="0" width={tenths.to_string()} height="8" /></svg></td>
            </tr>
        }
    };
    html! {
        <table class="metrics-table">
            <thead><tr>
                <th scope="col">{ of }</th><th scope="col" class="figure">{ "n" }</th>
                <th scope="col" class="figure">{ i18n.t("metrics-mean") }</th>
                <th scope="col" class="figure">{ i18n.t("metrics-median") }</th>
                <th scope="col" class="figure">{ "p90" }</th>
                <th scope="col" class="figure">{ i18n.t("metrics-left-out") }</th><th></th>
            </tr></thead>
            <tbody>{ for groups.iter().map(line) }</tbody>
        </table>
    }
}

/// How long a bar is, of a hundred; what is there at all is seen.
fn bar(ms: i64, longest: i64) -> i64 {
    (ms.saturating_mul(100) / longest.max(1)).clamp(i64::from(ms > 0), 100)
}

/// Why incidents do not count, with how many.
fn left_out(i18n: I18n, measured: &Measured) -> Html {
    let words = |why: LeftOut, n: u32| match why {
        LeftOut::Missing { milestone } => {
            tr!(i18n, "metrics-missing", n = n, milestone = i18n.word("milestone", milestone))
        }
        LeftOut::OutOfOrder { from, to } => tr!(
            i18n,
            "metrics-out-of-order",
            n = n,
            from = i18n.word("milestone", from),
            to = i18n.word("milestone", to)
        ),
    };
    html! {
        if !measured.left_out.is_empty() {
            <ul class="hint metrics-reasons" data-testid="metrics-reasons">
                for left in measured.left_out.iter() { <li>{ words(left.why, left.n) }</li> }
            </ul>
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_a_share_of_the_longest() {
        assert_eq!([bar(0, 10), bar(1, 1_000), bar(5, 10), bar(10, 10), bar(5, 0)], [0, 1, 50, 100, 100]);
    }
}
