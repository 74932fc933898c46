//! A schedule: who is on call in the next two weeks, with gaps; and its editor.

use std::rc::Rc;

use desk_api::view::ScheduleView;
use desk_domain::{
    escalation::{Layer, Override, Rotation, Schedule, Source},
    ids::MemberId,
    sla::WeekHours,
    time::UtcMillis,
};
use yew::prelude::*;

use super::shown;
use crate::{
    clock,
    entry::{self, Card, CardProps, EditorButtons, Setting, use_card},
    i18n::{tr, use_i18n},
    session::use_session,
    tickets::fields::person_choices,
    widgets::{
        field::{Choice, Select, value_of},
        moment::MomentField,
        page::Problem,
    },
};

/// How many stretches are shown before the rest is folded away.
const SHOWN: usize = 20;

/// What a control writes into the draft.
type Change = Rc<dyn Fn(&mut Schedule, String)>;

/// A layer to begin with: from today, nine o'clock.
fn fresh_layer(number: usize, now: UtcMillis) -> Option<Layer> {
    let today: String = now.to_string().chars().take(10).collect();
    Some(Layer {
        name: number.to_string(),
        members: Vec::new(),
        rotation: Rotation::Week,
        starts: format!("{today}T09:00:00").parse().ok()?,
        hours: None,
    })
}

fn fresh_schedule(zone: &str) -> Schedule {
    let layers = fresh_layer(1, clock::now()).into_iter().collect();
    Schedule { name: String::new(), zone: zone.to_owned(), layers, overrides: Vec::new() }
}

/// The card.
#[component]
pub(super) fn ScheduleCard(props: &CardProps<Rc<ScheduleView>>) -> Html {
    let i18n = use_i18n();
    let session = use_session();
    let zone =
        session.workspace.as_ref().map_or_else(|| "UTC".to_owned(), |workspace| workspace.zone.clone());
    let entry = props.entry(|view| (view.key.clone(), view.schedule.clone()), || fresh_schedule(&zone));
    let key = entry.key.clone();
    let Card { draft, problem, begin, on_change, on_save, on_cancel } =
        use_card(entry, |schedule| schedule.name.clone(), Setting::Schedule);
    let stretch = |member: Option<MemberId>, source: &Source| match (member, source) {
        (Some(member), Source::Override) => {
            tr!(i18n, "oncall-by-override", name = session.name(&member.to_string()))
        }
        (Some(member), Source::Layer { layer }) => {
            tr!(i18n, "oncall-by-layer", name = session.name(&member.to_string()), layer = layer.clone())
        }
        (None, _) | (Some(_), Source::Gap) => i18n.t("oncall-gap"),
    };
    html! {
        <section class="panel" data-testid="schedule" data-key={key}>
            if let Some(error) = problem {
                <Problem {error} />
            }
            if let Some(draft) = draft {
                <ScheduleEditor {draft} is_new={props.is_new()} {on_change} {on_save} {on_cancel} />
            } else if let Some(view) = &props.shown {
                <div class="panel-head">
                    <h3>{ &view.schedule.name }</h3>
                    <span class="hint">{ &view.schedule.zone }</span>
                    if props.may_edit {
                        <button class="button-text" onclick={begin} data-testid="schedule-edit">{ i18n.t("edit") }</button>
                    }
                </div>
                if let Some(problem) = &view.problem {
                    <p class="banner" role="alert">{ problem }</p>
                }
                <ol class="history" data-testid="schedule-stretches">
                    for it in view.stretches.iter().take(SHOWN) {
                        <li class="history-entry" data-testid="stretch" data-gap={it.member.is_none().to_string()}>
                            <span>{ shown(i18n, it.from) }{ " – " }{ shown(i18n, it.until) }</span>
                            <div>{ stretch(it.member, &it.source) }</div>
                        </li>
                    }
                </ol>
                for it in view.schedule.overrides.iter() {
                    <p class="hint" data-testid="override">
                        { tr!(i18n, "oncall-override", name = session.name(&it.member.to_string()),
                            from = shown(i18n, it.from), until = shown(i18n, it.until)) }
                    </p>
                }
            }
        </section>
    }
}

#[derive(Clone, PartialEq, Properties)]
struct EditorProps {
    draft: Schedule,
    is_new: bool,
    on_change: Callback<Schedule>,
    /// Told of what to write; of nothing to retire it.
    on_save: Callback<Option<Schedule>>,
    on_cancel: Callback<()>,
}

#[component]
fn ScheduleEditor(props: &EditorProps) -> Html {
    let i18n = use_i18n();
    let session = use_session();
    let draft = &props.draft;
    let people = person_choices(&session, i18n.t("oncall-choose"));
    let change = |set: Change| entry::change(draft, &props.on_change, move |draft, text| set(draft, text));
    let press = |set: Rc<dyn Fn(&mut Schedule)>| {
        entry::change(draft, &props.on_change, move |draft, _: MouseEvent| set(draft))
    };
    let input = |label: String, value: String, testid: String, set: Change| {
        let set = change(set);
        html! {
            <label class="stack"><span>{ label }</span>
                <input class="input" type="text" {value} autocomplete="off" data-testid={testid}
                    onchange={Callback::from(move |event: Event| set.emit(value_of(&event)))} /></label>
        }
    };
    let layer = |at: usize, layer: &Layer| {
        let with = move |set: fn(&mut Layer, String)| -> Change {
            Rc::new(move |draft, text| {
                if let Some(layer) = draft.layers.get_mut(at) {
                    set(layer, text);
                }
            })
        };
        let rotations = Rc::new(vec![
            Choice::new("24", i18n.t("oncall-daily")),
            Choice::new("168", i18n.t("oncall-weekly")),
            Choice::new("12", i18n.t("oncall-half-days")),
        ]);
        let hours = Rc::new(vec![
            Choice::new("", i18n.t("oncall-always")),
            Choice::new("day", i18n.t("oncall-working-hours")),
            Choice::new("night", i18n.t("oncall-other-hours")),
        ]);
        let kept = hours_word(layer.hours.as_ref());
        html! {
            <fieldset class="form-grid" key={at} data-testid="layer">
                { input(i18n.t("oncall-layer"), layer.name.clone(), format!("layer-{at}-name"),
                    with(|layer, text| layer.name = text)) }
                <label class="stack"><span>{ i18n.t("oncall-rotation") }</span>
                    <Select value={layer.rotation.hours().to_string()} choices={rotations} label={i18n.t("oncall-rotation")}
                        testid={format!("layer-{at}-rotation")} other_label={AttrValue::from(tr!(i18n, "oncall-every-hours",
                            hours = i64::from(layer.rotation.hours())))}
                        on_choose={change(with(|layer, word| {
                            layer.rotation = match word.parse() {
                                Ok(24) => Rotation::Day,
                                Ok(168) => Rotation::Week,
                                Ok(hours) => Rotation::Custom { hours },
                                Err(_) => layer.rotation,
                            };
                        }))} /></label>
                { input(i18n.t("oncall-starts"), layer.starts.to_string(), format!("layer-{at}-starts"), with(|layer, text| {
                    // What is no date and time stands there again as it was.
                    if let Ok(starts) = text.trim().replace(' ', "T").parse() {
                        layer.starts = starts;
                    }
                })) }
                <label class="stack"><span>{ i18n.t("oncall-hours") }</span>
                    <Select value={kept} choices={hours} label={i18n.t("oncall-hours")} testid={format!("layer-{at}-hours")}
                        other_label={AttrValue::from(i18n.t("oncall-own-hours"))}
                        on_choose={change(with(|layer, word| layer.hours = hours_of(&word, layer.hours.take())))} /></label>
                <div class="stack"><span>{ i18n.t("oncall-members") }</span>
                    for (place, member) in layer.members.iter().enumerate() {
                        <span>{ session.name(&member.to_string()) }
                            <button class="button-text" type="button" data-testid={format!("layer-{at}-remove-{place}")}
                                onclick={press(Rc::new(move |draft| {
                                    if let Some(layer) = draft.layers.get_mut(at)
                                        && place < layer.members.len()
                                    {
                                        layer.members.remove(place);
                                    }
                                }))}>{ i18n.t("oncall-remove") }</button></span>
                    }
                    <Select value="" choices={Rc::clone(&people)} label={i18n.t("oncall-add-member")}
                        testid={format!("layer-{at}-add")} on_choose={change(with(|layer, who| {
                            if let Ok(member) = who.parse() {
                                layer.members.push(member);
                            }
                        }))} /></div>
                <button class="button-text" type="button" data-testid={format!("layer-{at}-drop")}
                    onclick={press(Rc::new(move |draft| {
                        if at < draft.layers.len() {
                            draft.layers.remove(at);
                        }
                    }))}>{ i18n.t("oncall-remove-layer") }</button>
            </fieldset>
        }
    };
    let stand_in = |at: usize, it: &Override| {
        let moment = |label: String, value: UtcMillis, testid: String, set: fn(&mut Override, UtcMillis)| {
            let (draft, on_change) = (draft.clone(), props.on_change.clone());
            html! {
                <MomentField at={Some(value)} {label} {testid} disabled=false on_change={Callback::from(move |to| {
                    let mut next = draft.clone();
                    if let Some(it) = next.overrides.get_mut(at) {
                        set(it, to);
                    }
                    on_change.emit(next);
                })} />
            }
        };
        html! {
            <div class="form-grid" key={at} data-testid="override-edit">
                <Select value={it.member.to_string()} choices={Rc::clone(&people)} label={i18n.t("oncall-stands-in")}
                    testid={format!("override-{at}-member")} on_choose={change(Rc::new(move |draft: &mut Schedule, who: String| {
                        if let (Some(it), Ok(member)) = (draft.overrides.get_mut(at), who.parse()) {
                            it.member = member;
                        }
                    }))} />
                { moment(i18n.t("oncall-from"), it.from, format!("override-{at}-from"), |it, to| it.from = to) }
                { moment(i18n.t("oncall-until"), it.until, format!("override-{at}-until"), |it, to| it.until = to) }
                <button class="button-text" type="button" data-testid={format!("override-{at}-drop")}
                    onclick={press(Rc::new(move |draft| {
                        if at < draft.overrides.len() {
                            draft.overrides.remove(at);
                        }
                    }))}>{ i18n.t("oncall-remove") }</button>
            </div>
        }
    };
    let me: Option<MemberId> = session.me().parse().ok();
    let (on_save, on_retire, on_cancel) =
        (props.on_save.clone(), props.on_save.clone(), props.on_cancel.clone());
    let saved = draft.clone();
    html! {
        <div class="form" data-testid="schedule-editor">
            <div class="form-grid">
                { input(i18n.t("oncall-name"), draft.name.clone(), "schedule-name".to_owned(),
                    Rc::new(|draft, text| draft.name = text)) }
                { input(i18n.t("oncall-zone"), draft.zone.clone(), "schedule-zone".to_owned(),
                    Rc::new(|draft, text| text.trim().clone_into(&mut draft.zone))) }
            </div>
            <p class="hint">{ i18n.t("oncall-layers-hint") }</p>
            { for draft.layers.iter().enumerate().map(|(at, it)| layer(at, it)) }
            { for draft.overrides.iter().enumerate().map(|(at, it)| stand_in(at, it)) }
            <div class="form-buttons">
                <button class="button" type="button" data-testid="layer-new" onclick={press(Rc::new(|draft| {
                    draft.layers.extend(fresh_layer(draft.layers.len() + 1, clock::now()));
                }))}>{ i18n.t("oncall-add-layer") }</button>
                if let Some(me) = me {
                    <button class="button" type="button" data-testid="override-new" onclick={press(Rc::new(move |draft| {
                        let from = clock::now();
                        draft.overrides.push(Override { member: me, from, until: from.plus_ms(8 * 3_600_000) });
                    }))}>{ i18n.t("oncall-add-override") }</button>
                }
            </div>
            <EditorButtons what="schedule" is_new={props.is_new} on_save={move |_| on_save.emit(Some(saved.clone()))}
                on_cancel={move |_| on_cancel.emit(())} on_retire={move |_| on_retire.emit(None)} />
        </div>
    }
}

const DAY: (&str, &str) = ("09:00", "18:00");

fn working_hours() -> WeekHours {
    WeekHours::weekdays(&[DAY])
}

/// What [`working_hours`] leave open.
fn other_hours() -> WeekHours {
    let whole = vec![["00:00".to_owned(), "24:00".to_owned()]];
    let nights = WeekHours::weekdays(&[("00:00", DAY.0), (DAY.1, "24:00")]);
    WeekHours { sat: whole.clone(), sun: whole, ..nights }
}

/// The choice that stands for hours; `own` for what was written elsewhere.
fn hours_word(hours: Option<&WeekHours>) -> String {
    match hours {
        None => "",
        Some(hours) if *hours == working_hours() => "day",
        Some(hours) if *hours == other_hours() => "night",
        Some(_) => "own",
    }
    .to_owned()
}

fn hours_of(word: &str, kept: Option<WeekHours>) -> Option<WeekHours> {
    match word {
        "day" => Some(working_hours()),
        "night" => Some(other_hours()),
        "own" => kept,
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn day_and_night_leave_no_gap_and_are_recognised() {
        for word in ["", "day", "night"] {
            assert_eq!(hours_word(hours_of(word, None).as_ref()), word);
        }
        let me: MemberId = "0199d2b4-3c00-7000-8000-000000000001".parse().expect("an id");
        let layer =
            |hours| Layer { hours, members: vec![me], ..fresh_layer(1, UtcMillis(0)).expect("a layer") };
        let mut schedule = fresh_schedule_at(UtcMillis(0));
        schedule.layers = vec![layer(Some(working_hours())), layer(Some(other_hours()))];
        let compiled = schedule.compile().expect("it can be used");
        let begin = UtcMillis(86_400_000);
        let stretches = compiled.stretches(begin, begin.plus_ms(14 * 86_400_000));
        assert!(stretches.iter().all(|stretch| stretch.member == Some(me)), "{stretches:?}");
    }

    fn fresh_schedule_at(now: UtcMillis) -> Schedule {
        let layers = fresh_layer(1, now).into_iter().collect();
        Schedule { name: "x".to_owned(), zone: "Asia/Almaty".to_owned(), layers, overrides: Vec::new() }
    }
}
