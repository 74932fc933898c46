//! What the shell tells without being asked, kept where components find it.

use std::{cell::RefCell, rc::Rc};

use desk_api::{
    call::{GetCounts, ListTags, Listening},
    event::{
        AlertsChanged, Changed, LinkFailed, LinkProblem, Open, OpenAlerts, PreviewProgress, SignedOut,
        SyncChanged,
    },
    view::{Counts, SyncPhase, SyncView, TagCount},
};
use desk_domain::ids::{DocId, DocKind};
use gloo_timers::callback::Timeout;
use yew::prelude::*;

use crate::{
    bridge,
    i18n::{I18n, tr},
    route::{self, Route},
    settings::SETTINGS,
    store::{Store, StoreKey, Subscription},
    widgets::toast,
};

thread_local! {
    /// How sync stands.
    pub(crate) static SYNC: Store<SyncView> = Store::new(SyncView {
        number: 0,
        phase: SyncPhase::Local,
        waiting: 0,
        synced_at: None,
        offline_since: None,
        rejected: 0,
        problem: None,
        bootstrap: None,
        indexing: None,
    });
    /// Alerts that are not acknowledged.
    pub(crate) static OPEN_ALERTS: Store<u32> = Store::new(0);
    /// Counts what the shell told of alerts: their list may be another one each time.
    pub(crate) static ALERTS_TOLD: Store<u64> = Store::new(0);
    /// The numbers beside the navigation's entries.
    pub(crate) static COUNTS: Store<Counts> = Store::new(Counts::default());
    /// The tags that tickets bear, for filters and suggestions.
    pub(crate) static TAGS: Store<Vec<TagCount>> = Store::new(Vec::new());
    /// How far a preview of other SLA rules is.
    pub(crate) static PREVIEW: Store<PreviewProgress> = Store::new(PreviewProgress { done: 0, tickets: 0 });
    /// The last change that was told of.
    static CHANGED: Store<Changed> = Store::new(Changed { kinds: Vec::new(), docs: Vec::new() });
    static COUNTING: RefCell<Option<Timeout>> = const { RefCell::new(None) };
    static TAGGING: RefCell<Option<Timeout>> = const { RefCell::new(None) };
}

/// The navigation's numbers follow a change this soon: a sync tells of many changes within a moment.
const COUNT_MS: u32 = 150;
/// Suggestions may be older.
const TAG_MS: u32 = 3_000;

/// Listens to the shell from now on.
pub(crate) fn start(signed_out: impl Fn(SignedOut) + 'static) {
    bridge::listen(|SyncChanged(sync)| sync_stands(sync));
    bridge::listen(|AlertsChanged { open }| {
        OPEN_ALERTS.put(open);
        ALERTS_TOLD.put(ALERTS_TOLD.current().wrapping_add(1));
    });
    bridge::listen(|progress: PreviewProgress| PREVIEW.put(progress));
    bridge::listen(|changed: Changed| CHANGED.put(changed));
    bridge::listen(|Open { kind, doc }| route::go(Route::of(kind, doc)));
    bridge::listen(|OpenAlerts {}| route::go(Route::Alerts));
    bridge::listen(|LinkFailed { link, problem }| {
        let i18n = I18n { language: SETTINGS.current().language };
        toast::say(match problem {
            LinkProblem::Malformed => tr!(i18n, "link-malformed", link = link),
            LinkProblem::Unknown => tr!(i18n, "link-unknown", link = link),
        });
    });
    bridge::listen(signed_out);
    bridge::spawn(async {
        // Nothing to show came before, then; a shell that does not answer says so at the next call.
        let _ = bridge::call(Listening {}).await;
    });
    // The page never ends, so neither does this.
    std::mem::forget(CHANGED.listen(|changed| {
        count_soon();
        if changed.kinds.contains(&DocKind::Ticket) {
            fetch_tags_soon();
        }
    }));
}

/// Takes over how sync stands. An answer that an event overtook on its way is older than what is known.
pub(crate) fn sync_stands(sync: SyncView) {
    if sync.number >= SYNC.current().number {
        SYNC.put(sync);
    }
}

/// Fetches the navigation's numbers again, soon.
pub(crate) fn count_soon() {
    COUNTING.with_borrow_mut(|timer| {
        timer.get_or_insert_with(|| {
            Timeout::new(COUNT_MS, || {
                COUNTING.take();
                bridge::spawn(async {
                    if let Ok(counts) = bridge::call(GetCounts {}).await {
                        COUNTS.put(counts);
                    }
                });
            })
        });
    });
}

/// Fetches the known tags now.
pub(crate) fn fetch_tags() {
    bridge::spawn(async {
        if let Ok(tags) = bridge::call(ListTags {}).await {
            TAGS.put(tags);
        }
    });
}

fn fetch_tags_soon() {
    TAGGING.with_borrow_mut(|timer| {
        timer.get_or_insert_with(|| {
            Timeout::new(TAG_MS, || {
                TAGGING.take();
                fetch_tags();
            })
        });
    });
}

/// Calls `heard` for every change.
pub(crate) fn on_changed(heard: impl Fn(&Changed) + 'static) -> Subscription {
    CHANGED.listen(heard)
}

/// Whether a change may have touched one of `kinds` or, where it is named, `doc`.
pub(crate) fn touches(changed: &Changed, kinds: &[DocKind], doc: Option<DocId>) -> bool {
    let kind = changed.kinds.iter().any(|kind| kinds.contains(kind));
    kind && doc.is_none_or(|doc| changed.docs.is_empty() || changed.docs.contains(&doc))
}

/// Calls `heard` when documents of one of `kinds` changed (`doc`, if it is given, among them).
#[hook]
pub(crate) fn use_changed(kinds: &'static [DocKind], doc: Option<DocId>, heard: impl Fn() + 'static) {
    let latest = use_mut_ref(|| -> Rc<dyn Fn()> { Rc::new(|| ()) });
    *latest.borrow_mut() = Rc::new(heard);
    use_effect_with(doc, move |doc| {
        let doc = *doc;
        let subscription = on_changed(move |changed| {
            if touches(changed, kinds, doc) {
                let heard = Rc::clone(&latest.borrow());
                heard();
            }
        });
        move || drop(subscription)
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_without_names_may_be_any_document_of_its_kinds() {
        let id: DocId = "0199d2b4-3c00-7000-8000-000000000001".parse().expect("an id");
        let other: DocId = "0199d2b4-3c00-7000-8000-000000000002".parse().expect("an id");
        let many = Changed { kinds: vec![DocKind::Ticket], docs: vec![] };
        let one = Changed { kinds: vec![DocKind::Ticket], docs: vec![other] };
        assert!(touches(&many, &[DocKind::Ticket], Some(id)));
        assert!(touches(&one, &[DocKind::Ticket], None));
        assert!(!touches(&one, &[DocKind::Ticket], Some(id)));
        assert!(!touches(&many, &[DocKind::Article], None));
    }
}
