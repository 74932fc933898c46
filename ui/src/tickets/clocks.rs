//! The SLA clocks of a ticket, counting down, and why they show what they show.

use std::rc::Rc;

use desk_api::{call::ExplainSla, view::TicketView};
use desk_domain::{
    ids::{DocId, DocKind},
    sla::{ClockPhase, ClockReading, ClockState, Explanation, Metric, Segment},
    time::UtcMillis,
};
use yew::prelude::*;

use crate::{
    clock::use_now,
    commands::{Layer, use_commands},
    help::keep_focus,
    i18n::{I18n, format, tr, use_i18n},
    keys::Command,
    query::use_query,
    tickets::explained,
    widgets::{
        icons::{Glyph, glyph},
        page::Problem,
    },
};

/// Properties of [`ClocksPanel`].
#[derive(Clone, PartialEq, Properties)]
pub(crate) struct ClocksPanelProps {
    /// The ticket.
    pub(crate) view: Rc<TicketView>,
    /// The ticket is shown as it was then: the clocks stand still.
    #[prop_or_default]
    pub(crate) then: Option<UtcMillis>,
}

/// The panel.
#[component]
pub(crate) fn ClocksPanel(props: &ClocksPanelProps) -> Html {
    let i18n = use_i18n();
    let explains = use_state_eq(|| false);
    let clocks = &props.view.clocks;
    let has_clocks = clocks.readings().iter().any(|reading| reading.state != ClockState::Idle);
    html! {
        <section class="panel" aria-label={i18n.t("clocks")} data-testid="clocks">
            <div class="panel-head">
                <h2>{ i18n.t("clocks") }</h2>
                if has_clocks && props.then.is_none() {
                    <button class="button-text" data-testid="explain" onclick={
                        let explains = explains.clone();
                        move |_| explains.set(true)
                    }>{ i18n.t("explain") }</button>
                }
            </div>
            if has_clocks {
                for reading in clocks.readings() {
                    <Clock key={reading.metric.as_str()} reading={reading.clone()} then={props.then} />
                }
            } else {
                <p class="hint">{ i18n.t("clocks-none") }</p>
            }
            if *explains {
                <Explain id={props.view.ticket.id} on_close={
                    let explains = explains.clone();
                    Callback::from(move |()| explains.set(false))
                } />
            }
        </section>
    }
}

/// What a clock tells, in words, and how pressing it is.
fn tell(i18n: I18n, reading: &ClockReading, now: UtcMillis) -> (String, &'static str) {
    let seconds = |seconds: Option<i64>| format::duration(i18n, seconds.unwrap_or(0).saturating_mul(1_000));
    match (reading.phase, reading.due_at) {
        (ClockPhase::Idle, _) if reading.metric == Metric::NextResponse => {
            (i18n.t("clock-waiting"), "clock-quiet")
        }
        (ClockPhase::Idle, _) => (i18n.word("clock", ClockState::Idle), "clock-quiet"),
        (ClockPhase::Running, Some(due_at)) => {
            let left = due_at.since(now);
            let time = format::countdown(i18n, left);
            if left < 0 {
                (tr!(i18n, "clock-late", time = time), "clock-late")
            } else if left < 3_600_000 {
                (tr!(i18n, "clock-left", time = time), "clock-soon")
            } else {
                (tr!(i18n, "clock-left", time = time), "clock-runs")
            }
        }
        (ClockPhase::Running, None) => (i18n.word("clock", reading.state), "clock-runs"),
        (ClockPhase::Paused, _) => {
            let time = seconds(reading.remaining_s);
            if reading.state == ClockState::Breached {
                (tr!(i18n, "clock-paused-late", time = time), "clock-late")
            } else {
                (tr!(i18n, "clock-paused-left", time = time), "clock-quiet")
            }
        }
        (ClockPhase::Stopped, _) if reading.state == ClockState::Breached => (
            tr!(
                i18n,
                "clock-missed-after",
                time = seconds(reading.elapsed_s),
                target = seconds(reading.target_s)
            ),
            "clock-late",
        ),
        (ClockPhase::Stopped, _) => {
            (tr!(i18n, "clock-met-after", time = seconds(reading.elapsed_s)), "clock-met")
        }
    }
}

#[derive(Clone, Debug, PartialEq, Properties)]
struct ClockProps {
    reading: ClockReading,
    /// It stands still at this instant.
    then: Option<UtcMillis>,
}

/// One clock; only this renders again each second.
#[component]
fn Clock(props: &ClockProps) -> Html {
    let i18n = use_i18n();
    let reading = &props.reading;
    let runs = reading.phase == ClockPhase::Running && props.then.is_none();
    let now = use_now(if runs { 1 } else { 3_600 });
    let (text, class) = tell(i18n, reading, props.then.unwrap_or(now));
    html! {
        <div class={classes!("clock", class)} data-testid={format!("clock-{}", reading.metric)}
            data-state={reading.state.as_str()} data-phase={reading.phase.as_str()}
            data-due={reading.due_at.map(|at| at.to_string())}>
            <span class="clock-name">{ i18n.word("metric", reading.metric) }</span>
            <span class="clock-text" data-testid="clock-text">{ text }</span>
            if let Some(due_at) = reading.due_at {
                <span class="hint">
                    { tr!(i18n, "clock-due", at = format::date_time(i18n, format::local(due_at))) }
                </span>
            }
        </div>
    }
}

#[derive(Clone, Debug, PartialEq, Properties)]
struct ExplainProps {
    id: DocId,
    on_close: Callback<()>,
}

/// Why the due times are what they are, over the page.
#[component]
fn Explain(props: &ExplainProps) -> Html {
    let i18n = use_i18n();
    let explanation = use_query(ExplainSla { id: props.id }, &[DocKind::Ticket], Some(props.id));
    let node = crate::widgets::field::use_autofocus();
    let close = props.on_close.clone();
    {
        let close = close.clone();
        use_commands(Layer::Overlay, move |command| {
            if command == Command::Back {
                close.emit(());
            }
            true
        });
    }
    html! {
        <div class="overlay" onmousedown={let close = close.clone(); move |_: MouseEvent| close.emit(())}>
            <div class="dialog" role="dialog" aria-modal="true" aria-label={i18n.t("explain-title")}
                data-testid="explain-dialog" onmousedown={|event: MouseEvent| event.stop_propagation()} onkeydown={keep_focus()}>
                <header class="dialog-head">
                    <h2>{ i18n.t("explain-title") }</h2>
                    <button ref={node} class="button-icon" aria-label={i18n.t("close")} onclick={move |_| close.emit(())}>
                        { glyph(Glyph::Cross) }
                    </button>
                </header>
                <div class="dialog-body">
                    if let Some(error) = explanation.error {
                        <Problem {error} />
                    }
                    for explanation in explanation.data.iter().filter_map(|reply| reply.as_ref().as_ref()) {
                        { explained(i18n, explanation) }
                    }
                </div>
            </div>
        </div>
    }
}

fn explained(i18n: I18n, explanation: &Explanation) -> Html {
    let at = |at: UtcMillis| format::date_time(i18n, format::local(at));
    let seconds = |seconds: i64| format::duration(i18n, seconds.saturating_mul(1_000));
    html! {
        for clock in explanation.clocks.iter().filter(|clock| clock.reading.state != ClockState::Idle) {
            <section class="explained" key={clock.reading.metric.as_str()}>
                <h2>{ i18n.word("metric", clock.reading.metric) }
                    <span class="hint">{ " · " }{ i18n.word("clock", clock.reading.state) }</span></h2>
                <p class="hint">
                    for terms in clock.terms.iter() {
                        <span class="explained-terms">
                            { format!(
                                "{}: {}, {}, {}. ",
                                i18n.t("explain-policy"),
                                terms.policy.clone().unwrap_or_else(|| i18n.t("none")),
                                terms.target_s.map_or_else(
                                    || i18n.t("explain-target-none"),
                                    |target| tr!(i18n, "explain-target", time = seconds(target))
                                ),
                                tr!(i18n, "explain-from", at = at(terms.at)),
                            ) }
                        </span>
                    }
                    if let Some(elapsed) = clock.reading.elapsed_s {
                        { tr!(i18n, "explain-elapsed", time = seconds(elapsed)) }{ " " }
                    }
                    if let Some(due_at) = clock.reading.due_at {
                        { tr!(i18n, "explain-due", at = at(due_at)) }
                    }
                </p>
                { explained::picture(i18n, clock, explanation.at) }
                <table class="segments">
                    <tbody>
                        for segment in clock.segments.iter() {
                            { segment_row(i18n, segment) }
                        }
                    </tbody>
                </table>
            </section>
        }
    }
}

fn segment_row(i18n: I18n, segment: &Segment) -> Html {
    let at = |at: UtcMillis| format::date_time(i18n, format::local(at));
    html! {
        <tr class={classes!(segment.projected.then_some("faint"))}>
            <td>{ at(segment.from) }{ " – " }{ at(segment.to) }</td>
            <td>
                { i18n.word("segment", segment.kind) }
                if let Some(status) = segment.status {
                    { format!(" ({})", i18n.word("status", status)) }
                }
                if segment.projected {
                    { format!(", {}", i18n.t("explain-projected")) }
                }
            </td>
            <td class="segment-time">
                if segment.business_ms > 0 {
                    { format::duration(i18n, segment.business_ms) }
                }
            </td>
        </tr>
    }
}

#[cfg(test)]
mod tests {
    use desk_api::view::Language;

    use super::*;

    fn reading(phase: ClockPhase, state: ClockState) -> ClockReading {
        ClockReading {
            phase,
            state,
            elapsed_s: Some(5_400),
            remaining_s: Some(1_800),
            target_s: Some(3_600),
            ..ClockReading::idle(Metric::Resolution)
        }
    }

    fn check(reading: &ClockReading, ru: &str, class: &str) {
        let i18n = I18n { language: Language::Ru };
        let (text, told) = tell(i18n, reading, UtcMillis(10_000_000));
        assert_eq!((text.as_str(), told), (ru, class));
    }

    #[test]
    fn a_clock_is_told_in_words() {
        let due = |ms: i64| ClockReading {
            due_at: Some(UtcMillis(10_000_000 + ms)),
            ..reading(ClockPhase::Running, ClockState::Running)
        };
        check(&due(729_000), "осталось 12:09", "clock-soon");
        check(&due(7_929_000), "осталось 2:12:09", "clock-runs");
        check(&due(-729_000), "просрочено на 12:09", "clock-late");
        check(&reading(ClockPhase::Paused, ClockState::Paused), "пауза, осталось 30 мин", "clock-quiet");
        check(&reading(ClockPhase::Stopped, ClockState::Met), "выполнен за 1 ч 30 мин", "clock-met");
        check(
            &reading(ClockPhase::Stopped, ClockState::Breached),
            "нарушен: 1 ч 30 мин при норме 1 ч",
            "clock-late",
        );
        check(&ClockReading::idle(Metric::NextResponse), "отвечать не на что", "clock-quiet");
    }
}
