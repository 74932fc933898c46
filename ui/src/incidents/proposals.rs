//! What detection proposed: the evidence in words, and the buttons that decide.

use std::rc::Rc;

use desk_api::view::{IncidentView, Language};
use desk_domain::{
    detection::{Evidence, burst::BurstEvidence, heartbeat::HeartbeatEvidence, metric::MetricEvidence},
    edit::IncidentOp,
    incident::proposal::{Proposal, ProposalState},
};
use yew::prelude::*;

use crate::{
    i18n::{I18n, format, tr, use_i18n},
    session::{Session, use_session},
    widgets::{
        field::on_text,
        icons::{Glyph, glyph},
    },
};

/// Properties of [`ProposalCard`].
#[derive(Clone, PartialEq, Properties)]
pub(crate) struct ProposalCardProps {
    /// The proposed incident.
    pub(crate) view: Rc<IncidentView>,
    /// Nothing can be decided here.
    pub(crate) is_locked: bool,
    /// Told of the decision.
    pub(crate) on_edit: Callback<IncidentOp>,
}

/// Why it was proposed, and what became of it; nothing for an incident that a person declared.
#[component]
pub(crate) fn ProposalCard(props: &ProposalCardProps) -> Html {
    let i18n = use_i18n();
    let session = use_session();
    let reason = use_state(String::new);
    let Some(proposal) = props.view.proposal.clone() else { return html! {} };
    let decides = proposal.state != ProposalState::Confirmed && !props.is_locked;
    let is_waiting = proposal.state == ProposalState::Waiting;
    let confirm = {
        let on_edit = props.on_edit.clone();
        move |_| on_edit.emit(IncidentOp::Confirm)
    };
    let dismiss = {
        let (on_edit, text) = (props.on_edit.clone(), (*reason).clone());
        move |_| on_edit.emit(IncidentOp::Dismiss { text: text.trim().to_owned() })
    };
    let oninput = {
        let reason = reason.clone();
        on_text(move |text| reason.set(text))
    };
    html! {
        <section class={classes!("proposal", is_waiting.then_some("is-waiting"))} data-testid="proposal"
            data-state={proposal.state.as_str()}>
            <h2>{ glyph(Glyph::Warning) }{ heading(i18n, &session, &proposal) }</h2>
            { evidence(i18n, &session, &proposal) }
            if let Some(decision) = proposal.decided.as_ref().filter(|decision| !decision.text.is_empty()) {
                <p>{ &decision.text }</p>
            }
            if decides {
                <div class="form-buttons">
                    <button class="button button-main" data-testid="proposal-confirm" onclick={confirm}>
                        { i18n.t("proposal-confirm") }</button>
                    if is_waiting {
                        <button class="button" data-testid="proposal-dismiss" onclick={dismiss}>
                            { i18n.t("proposal-dismiss") }</button>
                        <input class="input proposal-reason" type="text" value={(*reason).clone()} {oninput}
                            placeholder={i18n.t("proposal-reason")} aria-label={i18n.t("proposal-reason")}
                            autocomplete="off" data-testid="proposal-reason" />
                    }
                </div>
            }
        </section>
    }
}

fn heading(i18n: I18n, session: &Session, proposal: &Proposal) -> String {
    let known = session.workspace.as_ref().and_then(|workspace| workspace.detection.get(&proposal.rule));
    let rule = known.map_or_else(|| proposal.rule.clone(), |rule| rule.name.clone());
    let Some(decision) = &proposal.decided else { return tr!(i18n, "proposal-waiting", rule = rule) };
    let (who, at) = (session.author(i18n, &decision.by), format::date_time(i18n, format::local(decision.at)));
    match proposal.state {
        ProposalState::Confirmed => tr!(i18n, "proposal-confirmed", who = who, at = at),
        ProposalState::Dismissed => tr!(i18n, "proposal-dismissed", who = who, at = at),
        ProposalState::Waiting => tr!(i18n, "proposal-waiting", rule = rule),
    }
}

/// The evidence in words and figures.
fn evidence(i18n: I18n, session: &Session, proposal: &Proposal) -> Html {
    match &proposal.evidence {
        None => html! { <p class="hint">{ i18n.t("proposal-unknown") }</p> },
        Some(Evidence::Burst(burst)) => burst_words(i18n, session, burst),
        Some(Evidence::Heartbeat(heartbeat)) => heartbeat_words(i18n, heartbeat),
        Some(Evidence::Metric(metric)) => metric_words(i18n, metric),
    }
}

fn burst_words(i18n: I18n, session: &Session, burst: &BurstEvidence) -> Html {
    let category = burst.category.clone().unwrap_or_else(|| i18n.t("none"));
    let named = session.workspace.as_ref().and_then(|workspace| workspace.categories.get(&category));
    let category = named.cloned().unwrap_or(category);
    let minutes = burst.to.since(burst.from) / 60_000;
    let usual = number(i18n, burst.expected);
    let words: Vec<String> = burst.words.iter().map(|word| format!("«{word}»")).collect();
    html! {
        <>
            <p data-testid="proposal-evidence">{ tr!(i18n, "evidence-burst", n = burst.count, minutes = minutes,
                until = format::date_time(i18n, format::local(burst.to))) }</p>
            <p>{ tr!(i18n, "evidence-burst-usual", usual = usual, weeks = burst.weeks,
                category = category) }</p>
            if !words.is_empty() {
                <p>{ tr!(i18n, "evidence-burst-words", words = words.join(", ")) }</p>
            }
        </>
    }
}

fn heartbeat_words(i18n: I18n, heartbeat: &HeartbeatEvidence) -> Html {
    let at = |at| format::date_time(i18n, format::local(at));
    html! {
        <p data-testid="proposal-evidence">{ tr!(i18n, "evidence-heartbeat", name = heartbeat.heartbeat.clone(),
            last = at(heartbeat.last_at), due = at(heartbeat.due_at),
            every = format::duration(i18n, i64::from(heartbeat.every_s) * 1000)) }</p>
    }
}

fn metric_words(i18n: I18n, metric: &MetricEvidence) -> Html {
    let newest = metric.samples.last();
    let values = || metric.samples.iter().map(|sample| sample.value);
    let highest = values().fold(f64::NEG_INFINITY, f64::max);
    let lowest = values().fold(f64::INFINITY, f64::min);
    let beyond = match (metric.above, metric.below) {
        (Some(above), _) if newest.is_none_or(|sample| sample.value > above) => {
            tr!(i18n, "evidence-metric-above", name = metric.metric.clone(), limit = number(i18n, above))
        }
        (_, Some(below)) => {
            tr!(i18n, "evidence-metric-below", name = metric.metric.clone(), limit = number(i18n, below))
        }
        (Some(above), None) => {
            tr!(i18n, "evidence-metric-above", name = metric.metric.clone(), limit = number(i18n, above))
        }
        (None, None) => metric.metric.clone(),
    };
    html! {
        <>
            <p data-testid="proposal-evidence">{ beyond }</p>
            if let (Some(first), Some(newest)) = (metric.samples.first(), newest) {
                <p>{ tr!(i18n, "evidence-metric-samples", n = metric.count,
                    from = format::date_time(i18n, format::local(first.at)),
                    to = format::date_time(i18n, format::local(newest.at)),
                    low = number(i18n, lowest), high = number(i18n, highest)) }</p>
            }
        </>
    }
}

/// A figure with at most two digits behind the point, as the language writes it.
fn number(i18n: I18n, value: f64) -> String {
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.').to_owned();
    match i18n.language {
        Language::Ru => text.replace('.', ","),
        Language::En => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_short_and_as_the_language_writes_it() {
        let (ru, en) = (I18n { language: Language::Ru }, I18n { language: Language::En });
        assert_eq!((number(ru, 1.25), number(en, 1.25)), ("1,25".to_owned(), "1.25".to_owned()));
        assert_eq!(
            (number(en, 3.0), number(en, 0.0), number(en, 10.0)),
            ("3".into(), "0".into(), "10".into())
        );
    }
}
