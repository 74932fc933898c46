//! The status line: how sync stands, which clock runs out next, who is signed in. In words.

use desk_api::{
    ErrorCode,
    view::{DueTicket, Progress, SyncPhase, SyncView},
};
use desk_domain::time::UtcMillis;
use yew::prelude::*;

use crate::{
    clock::use_now,
    i18n::{I18n, format, tr, use_i18n},
    live::{COUNTS, SYNC, count_soon},
    route::{self, Route},
    session::use_session,
    store::use_store,
    widgets::icons::{Glyph, glyph},
};

const DAY_MS: i64 = 86_400_000;

/// The time of day, with the date when it was not today.
fn when(i18n: I18n, now: UtcMillis, at: UtcMillis) -> String {
    let civil = format::local(at);
    if format::date(i18n, civil) == format::date(i18n, format::local(now)) && now.since(at) < DAY_MS {
        format::time(civil)
    } else {
        format::date_time(i18n, civil)
    }
}

/// How much is done, in whole percent; never all of it before it is.
pub(crate) fn percent(progress: Progress) -> u64 {
    let Progress { done, total } = progress;
    done.saturating_mul(100).checked_div(total).unwrap_or(0).min(if done < total { 99 } else { 100 })
}

/// How far a new device is in getting the workspace, in words; nothing once it has it.
pub(crate) fn beginning(i18n: I18n, sync: &SyncView) -> Option<String> {
    let is_preparing = sync.problem.as_ref().is_some_and(|problem| problem.code == ErrorCode::ServerBusy);
    match sync.bootstrap {
        Some(progress) if progress.total > 0 || !is_preparing => {
            Some(tr!(i18n, "sync-bootstrap", percent = percent(progress)))
        }
        Some(_) | None => is_preparing.then(|| i18n.t("sync-preparing")),
    }
}

/// How sync stands, in words: `не в сети с 14:05, 3 правки ждут отправки`.
pub(crate) fn sync_words(i18n: I18n, sync: &SyncView, now: UtcMillis) -> String {
    let state = match (sync.phase, sync.offline_since, sync.synced_at) {
        (SyncPhase::Local, ..) => i18n.t("sync-local"),
        (SyncPhase::Offline, Some(since), _) => tr!(i18n, "sync-offline-since", at = when(i18n, now, since)),
        (SyncPhase::Offline, None, _) => i18n.t("sync-offline"),
        (SyncPhase::Busy, ..) => i18n.t("sync-busy"),
        (SyncPhase::Idle, _, Some(at)) => tr!(i18n, "sync-idle-at", at = when(i18n, now, at)),
        (SyncPhase::Idle, _, None) => i18n.t("sync-idle"),
        (SyncPhase::Stopped, ..) => {
            let why = sync.problem.as_ref().map(|problem| i18n.error(problem));
            why.map_or_else(|| i18n.t("sync-stopped"), |why| format!("{}: {why}", i18n.t("sync-stopped")))
        }
    };
    // Until a new device has the workspace, what it does with single edits is of no interest.
    let state = match sync.phase {
        SyncPhase::Busy | SyncPhase::Idle => beginning(i18n, sync).unwrap_or(state),
        SyncPhase::Local | SyncPhase::Offline | SyncPhase::Stopped => state,
    };
    let mut parts = vec![state];
    if let Some(progress) = sync.indexing {
        parts.push(tr!(i18n, "sync-indexing", percent = percent(progress)));
    }
    if sync.waiting > 0 && sync.phase != SyncPhase::Local {
        parts.push(tr!(i18n, "sync-waiting", n = sync.waiting));
    }
    if sync.phase == SyncPhase::Offline
        && let Some(at) = sync.synced_at
    {
        parts.push(tr!(i18n, "sync-last", at = when(i18n, now, at)));
    }
    if sync.rejected > 0 {
        parts.push(tr!(i18n, "sync-rejected", n = sync.rejected));
    }
    parts.join(", ")
}

#[component]
fn SyncStatus() -> Html {
    let i18n = use_i18n();
    let sync = use_store(&SYNC);
    let now = use_now(30);
    let phase = match sync.phase {
        SyncPhase::Local => "local",
        SyncPhase::Idle => "idle",
        SyncPhase::Busy => "busy",
        SyncPhase::Offline => "offline",
        SyncPhase::Stopped => "stopped",
    };
    html! {
        <a class="status-entry" href="#/sync" data-testid="sync-status" data-phase={phase}
            data-waiting={sync.waiting.to_string()} data-rejected={sync.rejected.to_string()}
            data-bootstrap={sync.bootstrap.map(|progress| percent(progress).to_string())}
            data-indexing={sync.indexing.map(|progress| percent(progress).to_string())}>
            <span class={classes!("lamp", format!("lamp-{phase}"))} aria-hidden="true" />
            <span>{ sync_words(i18n, &sync, now) }</span>
        </a>
    }
}

#[derive(Clone, Debug, PartialEq, Properties)]
struct NextDueProps {
    due: DueTicket,
}

#[component]
fn NextDue(props: &NextDueProps) -> Html {
    let i18n = use_i18n();
    // To the minute but for the last one: in a large workspace some clock always runs out soon, and a line that is drawn again
    // each second is most of what an idle window costs.
    let now = use_now(5);
    let due = &props.due;
    let left = due.due.due_at.since(now);
    // The clock ran out: which one is next is another question, asked once.
    use_effect_with((left < 0, due.id), |(is_over, _)| {
        if *is_over {
            count_soon();
        }
    });
    let id = due.id;
    let text = tr!(
        i18n,
        "next-due",
        number = due.number.clone(),
        metric = i18n.word("metric", due.due.metric),
        left = format::duration(i18n, left.max(0)),
    );
    html! {
        <a class="status-entry status-due" href={format!("#{}", Route::ticket(id).to_hash())} title={due.title.clone()}
            data-testid="next-due" onclick={move |event: MouseEvent| {
                event.prevent_default();
                route::go(Route::ticket(id));
            }}>{ glyph(Glyph::Clock) }<span>{ text }</span></a>
    }
}

/// The line.
#[component]
pub(super) fn StatusLine() -> Html {
    let i18n = use_i18n();
    let session = use_session();
    let counts = use_store(&COUNTS);
    html! {
        <footer class="status-line" aria-label={i18n.t("status-line")}>
            <SyncStatus />
            if let Some(due) = counts.next_due.clone() {
                <NextDue {due} />
            } else {
                <span class="status-entry" data-testid="next-due">
                    { glyph(Glyph::Clock) }<span>{ i18n.t("next-due-none") }</span>
                </span>
            }
            <span class="spring" />
            if let Some(who) = &session.who {
                <a class="status-entry" href="#/settings" data-testid="who" data-role={who.member.role.as_str()}>
                    { glyph(Glyph::Person) }
                    <span>{ format!("{}, {}", who.member.name, i18n.word("role", who.member.role)) }</span>
                </a>
            }
            <span class="status-entry status-keys"><kbd>{ "Ctrl+K" }</kbd>{ i18n.t("status-palette") }</span>
            <span class="status-entry status-keys"><kbd>{ "?" }</kbd>{ i18n.t("status-help") }</span>
        </footer>
    }
}

#[cfg(test)]
mod tests {
    use desk_api::{ApiError, view::Language};

    use super::*;

    fn check(sync: &SyncView, ru: &str, en: &str) {
        let now = "2026-11-21T15:00:00Z".parse().expect("an instant");
        assert_eq!(sync_words(I18n { language: Language::Ru }, sync, now), ru);
        assert_eq!(sync_words(I18n { language: Language::En }, sync, now), en);
    }

    #[test]
    fn sync_is_told_in_words() {
        let idle = SyncView {
            number: 1,
            phase: SyncPhase::Idle,
            waiting: 0,
            synced_at: "2026-11-21T14:00:00Z".parse().ok(),
            offline_since: None,
            rejected: 0,
            problem: None,
            bootstrap: None,
            indexing: None,
        };
        check(&idle, "синхронизировано в 14:00", "synced at 14:00");
        let begins = SyncView {
            phase: SyncPhase::Busy,
            bootstrap: Some(Progress { done: 1_999, total: 2_000 }),
            ..idle.clone()
        };
        check(&begins, "загружается пространство: 99 %", "fetching the workspace: 99 %");
        let waits = SyncView {
            phase: SyncPhase::Busy,
            problem: Some(ApiError::new(ErrorCode::ServerBusy, "")),
            bootstrap: Some(Progress { done: 0, total: 0 }),
            ..idle.clone()
        };
        check(
            &waits,
            "сервер готовит пространство для этого устройства",
            "the server is preparing the workspace for this device",
        );
        let fetches = SyncView { problem: waits.problem.clone(), ..begins.clone() };
        check(&fetches, "загружается пространство: 99 %", "fetching the workspace: 99 %");
        let asks = SyncView { problem: None, ..waits };
        check(&asks, "загружается пространство: 0 %", "fetching the workspace: 0 %");
        let indexing = SyncView { indexing: Some(Progress { done: 1, total: 4 }), ..idle.clone() };
        check(
            &indexing,
            "синхронизировано в 14:00, поиск готовится: 25 %",
            "synced at 14:00, search is being prepared: 25 %",
        );
        assert_eq!(percent(Progress { done: 0, total: 0 }), 0);
        let offline = SyncView {
            phase: SyncPhase::Offline,
            waiting: 3,
            offline_since: "2026-11-21T14:05:00Z".parse().ok(),
            ..idle.clone()
        };
        check(
            &offline,
            "не в сети с 14:05, 3 правки ждут отправки, последняя синхронизация 14:00",
            "offline since 14:05, 3 edits wait to be sent, last synced 14:00",
        );
        let days =
            SyncView { offline_since: "2026-11-19T14:05:00Z".parse().ok(), synced_at: None, ..offline };
        check(
            &days,
            "не в сети с 19.11.2026 14:05, 3 правки ждут отправки",
            "offline since 19 Nov 2026, 14:05, 3 edits wait to be sent",
        );
        let stopped = SyncView {
            phase: SyncPhase::Stopped,
            problem: Some(ApiError::new(ErrorCode::SessionExpired, "")),
            rejected: 1,
            ..idle
        };
        check(
            &stopped,
            "синхронизация остановлена: Сеанс завершён. Войдите снова., 1 правка отклонена",
            "sync has stopped: The session has ended. Sign in again., 1 edit refused",
        );
    }
}
