//! The form of a calendar.

use std::rc::Rc;

use desk_domain::sla::{Calendar, HolidaySet, SlaRules, WeekHours, calendar::DayHours};
use yew::prelude::*;

use super::{
    OnValid,
    hours::{read_dates, read_windows, spell_dates, spell_windows},
    typed::Typed,
};
use crate::{
    clock,
    i18n::{tr, use_i18n},
    widgets::field::on_text,
};

/// Properties of [`CalendarForm`].
#[derive(Clone, PartialEq, Properties)]
pub(crate) struct CalendarFormProps {
    /// Its key.
    pub(crate) name: String,
    /// The calendar.
    pub(crate) calendar: Calendar,
    /// All rules.
    pub(crate) rules: Rc<SlaRules>,
    /// It may be changed.
    pub(crate) may_edit: bool,
    /// Takes the rules with the calendar changed.
    pub(crate) on_rules: Callback<SlaRules>,
    /// Told of fields that cannot be read.
    pub(crate) on_valid: OnValid,
}

/// The form.
#[component]
pub(crate) fn CalendarForm(props: &CalendarFormProps) -> Html {
    let i18n = use_i18n();
    let CalendarFormProps { name: key, calendar, rules, may_edit, on_rules, on_valid } = props.clone();
    let disabled = !may_edit;
    let change = {
        let (rules, on_rules, key) = (Rc::clone(&rules), on_rules.clone(), key.clone());
        Callback::from(move |calendar: Calendar| {
            let mut rules = (*rules).clone();
            rules.calendars.insert(key.clone(), calendar);
            on_rules.emit(rules);
        })
    };
    let input = |set: fn(&mut Calendar, String)| {
        let (calendar, change) = (calendar.clone(), change.clone());
        on_text(move |text| {
            let mut calendar = calendar.clone();
            set(&mut calendar, text);
            change.emit(calendar);
        })
    };
    let toggle = |set: Box<dyn Fn(&mut Calendar)>| {
        let (calendar, change) = (calendar.clone(), change.clone());
        Callback::from(move |_: Event| {
            let mut calendar = calendar.clone();
            set(&mut calendar);
            change.emit(calendar);
        })
    };
    let day = |(day, windows): (&'static str, &DayHours)| {
        let (calendar, change) = (calendar.clone(), change.clone());
        let on_typed = Callback::from(move |text: String| {
            let Some(windows) = read_windows(&text) else { return false };
            let mut calendar = calendar.clone();
            if let Some(hours) = day_of(&mut calendar.hours, day) {
                *hours = windows;
            }
            change.emit(calendar);
            true
        });
        let label = i18n.word("sla-day", day);
        html! {
            <div class="form-row" key={day}><span class="form-label">{ &label }</span>
                <Typed value={spell_windows(windows)} {on_typed} on_valid={on_valid.clone()} {label} {disabled}
                    testid={format!("sla-hours-{day}")} placeholder={i18n.t("sla-closed")} /></div>
        }
    };
    let on_dates = {
        let (calendar, change) = (calendar.clone(), change.clone());
        Callback::from(move |text: String| {
            let Some(calendar) = read_dates(&calendar, &text) else { return false };
            change.emit(calendar);
            true
        })
    };
    let now = clock::now();
    let set = |set: HolidaySet| {
        let is_on = calendar.holiday_sets.contains(&set);
        let known = set.known_years();
        let flip = Box::new(move |calendar: &mut Calendar| {
            if is_on {
                calendar.holiday_sets.retain(|known| *known != set);
            } else {
                calendar.holiday_sets.push(set);
            }
        });
        html! {
            <div key={set.as_str()}>
                <label class="sla-check">
                    <input type="checkbox" checked={is_on} {disabled} data-testid={format!("sla-holidays-{set}")}
                        onchange={toggle(flip)} />
                    <span>{ i18n.word("holidays", set) }</span>
                </label>
                <span class="hint">
                    { tr!(i18n, "sla-known-years", from = i64::from(*known.start()), to = i64::from(*known.end())) }
                </span>
                if let Some(year) = set.missing_year(now).filter(|_| is_on) {
                    <p class="banner" data-testid="sla-year-missing">
                        { tr!(i18n, "sla-year-missing", year = i64::from(year)) }
                    </p>
                }
            </div>
        }
    };
    let users: Vec<String> = rules
        .policies
        .iter()
        .filter(|policy| policy.calendar == key)
        .map(|policy| policy.name.clone())
        .collect();
    let remove = {
        let (rules, on_rules, key) = (Rc::clone(&rules), on_rules.clone(), key.clone());
        Callback::from(move |_: MouseEvent| {
            let mut rules = (*rules).clone();
            rules.calendars.remove(&key);
            on_rules.emit(rules);
        })
    };
    html! {
        <div class="form" data-testid="sla-calendar-form">
            <label class="form-row"><span class="form-label">{ i18n.t("sla-name") }</span>
                <input class="input" value={calendar.name.clone().unwrap_or_default()} {disabled} data-testid="sla-calendar-name"
                    oninput={input(|calendar, text| calendar.name = Some(text).filter(|text| !text.is_empty()))} /></label>
            <label class="sla-check">
                <input type="checkbox" checked={calendar.always_open} {disabled} data-testid="sla-always"
                    onchange={toggle(Box::new(|calendar| calendar.always_open = !calendar.always_open))} />
                <span>{ i18n.t("sla-always") }</span>
            </label>
            if !calendar.always_open {
                <label class="form-row"><span class="form-label">{ i18n.t("sla-zone") }</span>
                    <input class="input" value={calendar.zone.clone()} {disabled} data-testid="sla-zone" spellcheck="false"
                        oninput={input(|calendar, text| text.trim().clone_into(&mut calendar.zone))} /></label>
                <h2>{ i18n.t("sla-hours") }</h2>
                <p class="hint">{ i18n.t("sla-hours-explain") }</p>
                { for calendar.hours.days().into_iter().map(day) }
                <h2>{ i18n.t("sla-holidays") }</h2>
                { for HolidaySet::ALL.iter().map(|known| set(*known)) }
                <div class="form-row"><span class="form-label">{ i18n.t("sla-own-holidays") }</span>
                    <Typed value={spell_dates(i18n, &calendar)} on_typed={on_dates} on_valid={on_valid.clone()} {disabled}
                        label={i18n.t("sla-own-holidays")} testid="sla-own-holidays" placeholder={i18n.t("sla-dates-hint")} /></div>
            }
            if may_edit {
                if users.is_empty() {
                    <button class="button button-danger" data-testid="sla-remove" onclick={remove}>
                        { i18n.t("sla-remove-calendar") }
                    </button>
                } else {
                    <p class="hint">{ tr!(i18n, "sla-used-by", policies = users.join(", ")) }</p>
                }
            }
        </div>
    }
}

/// The windows of a weekday, by its key.
fn day_of<'a>(hours: &'a mut WeekHours, day: &str) -> Option<&'a mut DayHours> {
    Some(match day {
        "mon" => &mut hours.mon,
        "tue" => &mut hours.tue,
        "wed" => &mut hours.wed,
        "thu" => &mut hours.thu,
        "fri" => &mut hours.fri,
        "sat" => &mut hours.sat,
        "sun" => &mut hours.sun,
        _ => return None,
    })
}
