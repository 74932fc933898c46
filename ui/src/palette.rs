//! The palette: commands, pages, tickets, articles and incidents, by typing.

use std::rc::Rc;

use desk_api::{
    call::{Search, SyncNow},
    view::{Language, SearchHit, Settings, Theme},
};
use desk_domain::ids::{DocId, DocKind};
use gloo_timers::callback::Timeout;
use yew::prelude::*;

use crate::{
    bridge,
    commands::run,
    i18n::{I18n, tr, use_i18n},
    keys::Command,
    live, overlay,
    rank::rank,
    route::{self, ROUTE, Route},
    settings::{self, SETTINGS},
    store::StoreKey,
    tickets::{
        filter::{ListQuery, View},
        picker::{self, Pick},
    },
    widgets::{
        chooser::{Chooser, Item},
        icons::{self, Glyph, glyph},
        toast,
    },
};

/// A search begins this long after the last key.
const SEARCH_MS: u32 = 50;
/// Documents that are found.
const HITS: u32 = 30;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deed {
    /// As if its key had been pressed.
    Key(Command),
    /// A list of tickets.
    View(View),
    /// Other pages.
    Knowledge,
    Incidents,
    Alerts,
    Rejected,
    Sync,
    Settings,
    NewTicket,
    NewArticle,
    NewIncident,
    IncidentMetrics,
    SyncNow,
    Language(Language),
    Theme(Theme),
}

struct Entry {
    deed: Deed,
    label: String,
    hint: &'static str,
    glyph: Glyph,
}

/// What can be done here and now.
fn entries(i18n: I18n) -> Vec<Entry> {
    let entry = |deed, label: String, hint, glyph| Entry { deed, label, hint, glyph };
    let mut entries = Vec::new();
    if matches!(&*ROUTE.current(), Route::Tickets { open: Some(_), .. }) {
        let key = |command, label: String, hint, glyph| entry(Deed::Key(command), label, hint, glyph);
        entries.push(key(Command::Reply, i18n.t("help-reply"), "R", Glyph::Edit));
        entries.push(key(Command::Note, i18n.t("help-note"), "N", Glyph::Lock));
        entries.push(key(Command::Declare, i18n.t("help-declare"), "I", Glyph::Incident));
    }
    if matches!(&*ROUTE.current(), Route::Tickets { .. }) {
        for (command, pick, hint) in [
            (Command::Status, Pick::Status, "S"),
            (Command::Priority, Pick::Priority, "P"),
            (Command::Assign, Pick::Assignee, "A"),
            (Command::Tags, Pick::Tags, "T"),
        ] {
            entries.push(entry(Deed::Key(command), picker::title(i18n, pick), hint, Glyph::Command));
        }
    }
    entries.push(entry(Deed::NewTicket, i18n.t("new-ticket"), "", Glyph::Plus));
    entries.push(entry(Deed::NewArticle, i18n.t("new-article"), "", Glyph::Plus));
    entries.push(entry(Deed::NewIncident, i18n.t("new-incident"), "", Glyph::Plus));
    for view in View::ALL {
        let label = format!("{}: {}", i18n.t("tickets"), i18n.word("view", view.as_str()));
        entries.push(entry(
            Deed::View(view),
            label,
            if view == View::default() { "G T" } else { "" },
            Glyph::Ticket,
        ));
    }
    entries.push(entry(Deed::Knowledge, i18n.t("knowledge"), "G K", Glyph::Article));
    entries.push(entry(Deed::Incidents, i18n.t("incidents"), "G I", Glyph::Incident));
    entries.push(entry(Deed::IncidentMetrics, i18n.t("metrics-long"), "", Glyph::Incident));
    entries.push(entry(Deed::Alerts, i18n.t("alerts"), "G A", Glyph::Bell));
    entries.push(entry(Deed::Rejected, i18n.t("rejected"), "", Glyph::Refused));
    entries.push(entry(Deed::Sync, i18n.t("sync"), "", Glyph::Sync));
    entries.push(entry(Deed::SyncNow, i18n.t("sync-now"), "", Glyph::Sync));
    entries.push(entry(Deed::Settings, i18n.t("settings"), "", Glyph::Settings));
    for (theme, name) in [
        (Theme::System, i18n.t("theme-system")),
        (Theme::Light, i18n.t("theme-light")),
        (Theme::Dark, i18n.t("theme-dark")),
    ] {
        entries.push(entry(
            Deed::Theme(theme),
            tr!(i18n, "palette-theme", theme = name),
            "",
            Glyph::Settings,
        ));
    }
    for (language, name) in [(Language::Ru, "Русский"), (Language::En, "English")] {
        let label = tr!(i18n, "palette-language", language = name);
        entries.push(entry(Deed::Language(language), label, "", Glyph::Settings));
    }
    entries.push(entry(Deed::Key(Command::Undo), i18n.t("undo"), "Z", Glyph::Command));
    entries.push(entry(Deed::Key(Command::FoldNavigation), i18n.t("help-fold"), "[", Glyph::Fold));
    entries.push(entry(Deed::Key(Command::Help), i18n.t("help"), "?", Glyph::Command));
    entries
}

fn act(deed: Deed) {
    overlay::close();
    let to = match deed {
        // After the palette is gone, so that it does not take the command itself.
        Deed::Key(command) => {
            Timeout::new(0, move || {
                run(command);
            })
            .forget();
            return;
        }
        Deed::View(view) => Route::Tickets { query: ListQuery::of(view), open: None },
        Deed::Knowledge => Route::Knowledge { open: None, editing: false },
        Deed::Incidents => Route::Incidents { open: None },
        Deed::Alerts => Route::Alerts,
        Deed::Rejected => Route::Rejected,
        Deed::Sync => Route::Sync,
        Deed::Settings => Route::Settings,
        Deed::NewTicket => Route::NewTicket,
        Deed::NewArticle => Route::NewArticle,
        Deed::NewIncident => Route::NewIncident { ticket: None },
        Deed::IncidentMetrics => Route::IncidentMetrics,
        Deed::Language(language) => {
            return settings::change(Settings { language, ..(*SETTINGS.current()).clone() });
        }
        Deed::Theme(theme) => return settings::change(Settings { theme, ..(*SETTINGS.current()).clone() }),
        Deed::SyncNow => {
            bridge::spawn(async {
                match bridge::call(SyncNow {}).await {
                    Ok(sync) => live::sync_stands(sync),
                    Err(error) => toast::failed(error),
                }
            });
            return;
        }
    };
    route::go(to);
}

fn hit_item(i18n: I18n, hit: &SearchHit) -> Item {
    let icon = match hit.kind {
        DocKind::Ticket => hit.status.parse().ok().map(icons::status),
        DocKind::Article => hit.status.parse().ok().map(icons::article_status),
        DocKind::Incident => hit.status.parse().ok().map(icons::incident_status),
        DocKind::Workspace | DocKind::Personal => None,
    };
    Item {
        id: format!("doc-{}", hit.id),
        label: hit.title.clone(),
        hint: hit.number.clone().unwrap_or_else(|| i18n.t("kind-article")),
        icon: icon.unwrap_or_else(|| glyph(Glyph::from(hit.kind))),
        is_on: None,
    }
}

/// The palette.
#[component]
pub(crate) fn Palette() -> Html {
    let i18n = use_i18n();
    let query = use_state_eq(String::new);
    let hits = use_state(|| Rc::new(Vec::<SearchHit>::new()));
    let asked = use_mut_ref(|| 0_u64);
    let timer = use_mut_ref(|| None::<Timeout>);

    let on_query = {
        let (query, hits, asked, timer) = (query.clone(), hits.clone(), Rc::clone(&asked), Rc::clone(&timer));
        Callback::from(move |text: String| {
            query.set(text.clone());
            *asked.borrow_mut() += 1;
            let number = *asked.borrow();
            if text.trim().is_empty() {
                timer.take();
                hits.set(Rc::new(Vec::new()));
                return;
            }
            let (hits, asked) = (hits.clone(), Rc::clone(&asked));
            *timer.borrow_mut() = Some(Timeout::new(SEARCH_MS, move || {
                bridge::spawn(async move {
                    let found = bridge::call(Search { text, limit: HITS, kind: None }).await;
                    // A reply to what was typed before is stale.
                    if let Ok(found) = found
                        && *asked.borrow() == number
                    {
                        hits.set(Rc::new(found));
                    }
                });
            }));
        })
    };

    let entries = entries(i18n);
    let ranked = rank(&query, entries.iter().map(|entry| entry.label.as_str()));
    // Commands first while little is typed; then the few best of them, and what was found.
    let shown = if query.trim().is_empty() { ranked.len() } else { 6 };
    let mut items: Vec<Item> = ranked
        .iter()
        .take(shown)
        .filter_map(|at| Some((*at, entries.get(*at)?)))
        .map(|(at, entry)| Item {
            id: format!("deed-{at}"),
            label: entry.label.clone(),
            hint: entry.hint.to_owned(),
            icon: glyph(entry.glyph),
            is_on: None,
        })
        .collect();
    let found = hits.iter().map(|hit| hit_item(i18n, hit));
    // A number that is typed is meant: its ticket stands before commands that happen to have its letters.
    if looks_like_number(&query) {
        items.splice(0..0, found);
    } else {
        items.extend(found);
    }

    let on_pick = {
        let deeds: Vec<Deed> = entries.iter().map(|entry| entry.deed).collect();
        let hits = Rc::clone(&hits);
        Callback::from(move |id: String| {
            if let Some(at) = id.strip_prefix("deed-").and_then(|at| at.parse::<usize>().ok()) {
                if let Some(deed) = deeds.get(at) {
                    act(*deed);
                }
            } else if let Some(doc) = id.strip_prefix("doc-").and_then(|id| id.parse::<DocId>().ok()) {
                overlay::close();
                if let Some(hit) = hits.iter().find(|hit| hit.id == doc) {
                    route::go(Route::of(hit.kind, doc));
                }
            }
        })
    };
    html! {
        <Chooser label={i18n.t("palette")} items={Rc::new(items)} is_ranked=true {on_query} {on_pick}
            on_close={|()| overlay::close()} testid="palette" />
    }
}

fn looks_like_number(query: &str) -> bool {
    let query = query.trim().to_uppercase();
    ["TK", "INC", "ТК"].iter().any(|prefix| query.starts_with(prefix)) && query.contains('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_told_from_words() {
        for number in ["TK-0AB", "inc-1", " tk-", "тк-12"] {
            assert!(looks_like_number(number), "{number}");
        }
        for words in ["ticket", "printer", "incident report", "", "такси-парк"] {
            assert!(!looks_like_number(words), "{words}");
        }
    }
}
