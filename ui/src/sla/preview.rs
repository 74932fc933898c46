//! What the rules on the page would have meant for tickets that were, beside them.

use std::{cell::Cell, rc::Rc};

use desk_api::{
    ApiError, ErrorCode,
    call::{CancelPreview, PreviewRules},
};
use desk_domain::{
    ids::DocKind,
    sla::{Metric, Period, Preview, SlaRules, preview::Tally},
    time::UtcMillis,
};
use yew::prelude::*;

use crate::{
    bridge, clock,
    i18n::{I18n, format, tr, use_i18n},
    live::PREVIEW,
    route::{self, Route},
    store::use_store,
    widgets::{
        field::{Choice, Select},
        page::Problem,
    },
};

const DAY_MS: i64 = 86_400_000;
/// How many tickets are named on the page.
const NAMED: usize = 50;

/// Properties of [`PreviewPanel`].
#[derive(Clone, PartialEq, Properties)]
pub(crate) struct PreviewPanelProps {
    /// The rules that might hold.
    pub(crate) rules: Rc<SlaRules>,
    /// Some of what is typed cannot be read.
    pub(crate) is_blocked: bool,
}

/// The panel.
#[component]
pub(crate) fn PreviewPanel(props: &PreviewPanelProps) -> Html {
    let i18n = use_i18n();
    let progress = use_store(&PREVIEW);
    let period = use_state_eq(|| "month".to_owned());
    let busy = use_state_eq(|| false);
    let found = use_state(|| None::<(Rc<SlaRules>, Preview)>);
    let problem = use_state(|| None::<ApiError>);
    // An answer that comes after the page was left is nobody's.
    let is_here = use_memo((), |()| Cell::new(true));
    {
        let is_here = Rc::clone(&is_here);
        use_effect_with((), move |()| {
            move || {
                is_here.set(false);
                bridge::spawn(async {
                    let _ = bridge::call(CancelPreview {}).await;
                });
            }
        });
    }
    let ask = {
        let (rules, period) = (Rc::clone(&props.rules), (*period).clone());
        let (busy, found, problem) = (busy.clone(), found.clone(), problem.clone());
        Callback::from(move |_: MouseEvent| {
            let request = PreviewRules { rules: (*rules).clone(), period: period_of(&period, clock::now()) };
            let (rules, is_here) = (Rc::clone(&rules), Rc::clone(&is_here));
            let (busy, found, problem) = (busy.clone(), found.clone(), problem.clone());
            busy.set(true);
            bridge::spawn(async move {
                let reply = bridge::call(request).await;
                if !is_here.get() {
                    return;
                }
                busy.set(false);
                match reply {
                    Ok(preview) => {
                        problem.set(None);
                        found.set(Some((rules, preview)));
                    }
                    Err(error) if error.code == ErrorCode::Cancelled => {}
                    Err(error) => problem.set(Some(error)),
                }
            });
        })
    };
    let cancel = Callback::from(|_: MouseEvent| {
        bridge::spawn(async {
            let _ = bridge::call(CancelPreview {}).await;
        });
    });
    let periods: Vec<Choice> =
        ["month", "30", "90"].iter().map(|word| Choice::new(*word, i18n.word("sla-period", word))).collect();
    let is_broken = !props.rules.check().is_empty();
    html! {
        <section class="sla-preview" aria-label={i18n.t("sla-preview")} data-testid="sla-preview">
            <h2>{ i18n.t("sla-preview") }</h2>
            <p class="hint">{ i18n.t("sla-preview-explain") }</p>
            <div class="detail-line">
                <Select value={(*period).clone()} choices={Rc::new(periods)} label={i18n.t("sla-period")} testid="sla-period"
                    on_choose={let period = period.clone(); Callback::from(move |word: String| period.set(word))} />
                if *busy {
                    <button class="button" data-testid="sla-preview-cancel" onclick={cancel}>{ i18n.t("cancel") }</button>
                    <span class="hint" role="status">
                        { tr!(i18n, "sla-preview-progress", done = progress.done, all = progress.tickets) }
                    </span>
                } else {
                    <button class="button" data-testid="sla-preview-run" disabled={props.is_blocked || is_broken} onclick={ask}>
                        { i18n.t("sla-preview-run") }
                    </button>
                }
            </div>
            if let Some(error) = (*problem).clone() {
                <Problem {error} />
            }
            if let Some((of, preview)) = &*found {
                if *of != props.rules {
                    <p class="hint">{ i18n.t("sla-preview-old") }</p>
                }
                { told(i18n, of, preview) }
            }
        </section>
    }
}

/// The calendar month before this one is the shell's to say; other periods end now.
fn period_of(word: &str, now: UtcMillis) -> Option<Period> {
    let days: i64 = word.parse().ok()?;
    Some(Period { from: now.plus_ms(-days * DAY_MS), to: now })
}

fn told(i18n: I18n, rules: &SlaRules, preview: &Preview) -> Html {
    let day = |at: UtcMillis| format::date(i18n, format::local(at));
    let cells = |now: Tally, then: Tally| {
        let pair = |now: u32, then: u32, testid: &'static str| {
            html! {
                <td class={classes!("segment-time", (now != then).then_some("sla-other"))} data-testid={testid}>
                    { if now == then { now.to_string() } else { format!("{now} → {then}") } }
                </td>
            }
        };
        html! {
            <>
                { pair(now.met, then.met, "sla-met") }
                { pair(now.breached, then.breached, "sla-breached") }
                { pair(now.running, then.running, "sla-running") }
            </>
        }
    };
    let head = |first: String| {
        html! {
            <thead><tr><th scope="col">{ first }</th>
                <th scope="col">{ i18n.t("sla-met") }</th>
                <th scope="col">{ i18n.t("sla-breached") }</th>
                <th scope="col">{ i18n.t("sla-running") }</th></tr></thead>
        }
    };
    let name = |key: &str| {
        let policy = rules.policies.iter().find(|policy| policy.key == key);
        policy.map_or_else(|| key.to_owned(), |policy| policy.name.clone())
    };
    // Every combination that occurs now or then.
    let mut lines: Vec<_> = preview
        .present
        .lines
        .iter()
        .chain(&preview.proposed.lines)
        .map(|line| (line.policy.clone(), line.metric, line.priority))
        .collect();
    lines.sort();
    lines.dedup();
    let of = |outcome: &desk_domain::sla::preview::Outcome, line: &(String, Metric, _)| {
        let found = outcome
            .lines
            .iter()
            .find(|known| (&known.policy, known.metric, known.priority) == (&line.0, line.1, line.2));
        found.map(|line| line.tally).unwrap_or_default()
    };
    html! {
        <>
            <p data-testid="sla-preview-tickets">
                { tr!(i18n, "sla-preview-tickets", n = preview.tickets, from = day(preview.period.from),
                    to = day(preview.period.to.plus_ms(-1))) }
            </p>
            <table class="segments" data-testid="sla-preview-metrics">
                { head(i18n.t("sla-metric")) }
                <tbody>
                    for metric in Metric::ALL.iter().copied() {
                        <tr data-metric={metric.as_str()}><th scope="row">{ i18n.word("metric", metric) }</th>
                            { cells(preview.present.of_metric(metric), preview.proposed.of_metric(metric)) }</tr>
                    }
                </tbody>
            </table>
            if preview.present.without_policy + preview.proposed.without_policy > 0 {
                <p class="hint">
                    { tr!(i18n, "sla-without-policy", now = preview.present.without_policy, then = preview.proposed.without_policy) }
                </p>
            }
            <details>
                <summary>{ i18n.t("sla-preview-lines") }</summary>
                <table class="segments">
                    { head(i18n.t("sla-policy")) }
                    <tbody>
                        for line in lines.iter() {
                            <tr><th scope="row">
                                { format!("{} · {} · {}", name(&line.0), i18n.word("metric", line.1), i18n.word("priority", line.2)) }
                            </th>{ cells(of(&preview.present, line), of(&preview.proposed, line)) }</tr>
                        }
                    </tbody>
                </table>
            </details>
            if preview.changes_count > 0 {
                <h2>{ tr!(i18n, "sla-preview-changes", n = preview.changes_count) }</h2>
                <ul class="sla-changes" data-testid="sla-preview-changes">
                    for change in preview.changes.iter().take(NAMED) {
                        <li>
                            <button class="button-text" onclick={
                                let ticket = change.ticket;
                                move |_| route::go(Route::of(DocKind::Ticket, ticket))
                            }>{ &change.number }</button>
                            { format!(" {} · {}: {} → {}", change.title, i18n.word("metric", change.metric),
                                i18n.word("verdict", change.present), i18n.word("verdict", change.proposed)) }
                        </li>
                    }
                </ul>
            }
        </>
    }
}
