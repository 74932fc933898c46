//! Alerts as native notifications, and what a person answers to them.

mod words;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, mpsc},
};

use desk_api::{
    ApiError,
    event::{Open, OpenAlerts},
    view::{Language, Settings},
};
use desk_app::{
    Desk,
    notice::{Notice, NoticeText, Notifier},
};
use desk_domain::{
    alert::AlertKey,
    ids::{DocId, DocKind},
};
use tauri::AppHandle;

use crate::{
    events,
    platform::{Answer, Banner, Platform},
    window,
};

pub(crate) use words::Words;

/// For how long a banner's action puts its alerts off.
const SNOOZE_MS: i64 = 30 * 60_000;

/// Shows notices through the operating system.
pub(crate) struct Native {
    banners: Banners,
    orders: mpsc::Sender<Order>,
}

/// What the banners on the screen tell of, by tag.
#[derive(Clone, Default)]
pub(crate) struct Banners(Arc<Mutex<HashMap<String, Shown>>>);

#[derive(Clone)]
struct Shown {
    /// Alerts that are not settled yet.
    left: Vec<AlertKey>,
    /// The ticket or incident that it opens; the list of alerts if there are several.
    opens: Option<(DocKind, DocId)>,
}

/// What the platform is to do: one after the other, on a thread that may block.
enum Order {
    Show(Notice),
    Withdraw(String),
}

impl Native {
    pub(crate) fn new(desk: Desk, platform: Arc<dyn Platform>, banners: Banners) -> std::io::Result<Self> {
        let (orders, todo) = mpsc::channel();
        let runtime = tauri::async_runtime::handle();
        std::thread::Builder::new().name("notifications".to_owned()).spawn(move || {
            for order in todo {
                let done = match order {
                    Order::Show(notice) => {
                        let language = runtime.block_on(language(&desk));
                        platform.show(&banner(&Words::new(language), notice))
                    }
                    Order::Withdraw(tag) => platform.withdraw(&tag),
                };
                if let Err(error) = done {
                    tracing::warn!(%error, "a notification could not be shown; the alert stands in the list");
                }
            }
        })?;
        Ok(Self { banners, orders })
    }

    fn order(&self, order: Order) {
        if self.orders.send(order).is_err() {
            tracing::warn!("the thread of notifications has ended");
        }
    }
}

impl Notifier for Native {
    fn show(&self, notice: Notice) {
        let opens = match &notice.text {
            NoticeText::Subject { kind, doc, .. } => Some((*kind, *doc)),
            NoticeText::Many(_) | NoticeText::AfterQuiet(_) | NoticeText::Digest(_) => None,
        };
        let shown = Shown { left: notice.keys.clone(), opens };
        self.banners.lock().insert(notice.tag.clone(), shown);
        self.order(Order::Show(notice));
    }

    fn withdraw(&self, settled: &[AlertKey]) {
        for tag in self.banners.settle(settled) {
            self.order(Order::Withdraw(tag));
        }
    }
}

impl Banners {
    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Shown>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes settled alerts out; returns the tags of the banners of which nothing is left.
    fn settle(&self, settled: &[AlertKey]) -> Vec<String> {
        let mut banners = self.lock();
        for shown in banners.values_mut() {
            shown.left.retain(|key| !settled.contains(key));
        }
        let gone: Vec<String> =
            banners.iter().filter(|(_, shown)| shown.left.is_empty()).map(|(tag, _)| tag.clone()).collect();
        for tag in &gone {
            banners.remove(tag);
        }
        gone
    }
}

/// Carries out what a person answered to a banner; from any thread.
pub(crate) fn answered(app: &AppHandle, desk: &Desk, banners: &Banners, tag: &str, answer: Answer) {
    let shown = match answer {
        Answer::Gone => banners.lock().remove(tag),
        Answer::Open | Answer::Acknowledge | Answer::Snooze => banners.lock().get(tag).cloned(),
    };
    let Some(Shown { left, opens }) = shown else { return };
    let (app, desk) = (app.clone(), desk.clone());
    tauri::async_runtime::spawn(async move {
        let done = match answer {
            Answer::Gone => Ok(()),
            Answer::Open => {
                open(&app, opens);
                Ok(())
            }
            Answer::Acknowledge => acknowledge(&desk, left, opens).await,
            Answer::Snooze => snooze(&desk, left, opens).await,
        };
        if let Err(error) = done {
            tracing::warn!(code = ?error.code, "a notification's action: {error}");
        }
    });
}

fn open(app: &AppHandle, opens: Option<(DocKind, DocId)>) {
    window::open(app);
    match opens {
        Some((kind, doc)) => events::when_heard(app, Open { kind, doc }),
        None => events::when_heard(app, OpenAlerts {}),
    }
}

async fn acknowledge(desk: &Desk, keys: Vec<AlertKey>, of: Option<(DocKind, DocId)>) -> Result<(), ApiError> {
    let keys = with_subject(desk, keys, of).await?;
    desk.acknowledge_alerts(&keys).await.map(drop)
}

async fn snooze(desk: &Desk, keys: Vec<AlertKey>, of: Option<(DocKind, DocId)>) -> Result<(), ApiError> {
    let keys = with_subject(desk, keys, of).await?;
    desk.snooze_alerts(&keys, Some(desk.now().plus_ms(SNOOZE_MS))).await.map(drop)
}

/// Who answers to a ticket's breach means the warnings before it as well.
async fn with_subject(
    desk: &Desk,
    mut keys: Vec<AlertKey>,
    of: Option<(DocKind, DocId)>,
) -> Result<Vec<AlertKey>, ApiError> {
    if let Some((_, subject)) = of {
        let others = desk.alerts_of(subject).await?.into_iter().map(|alert| alert.key);
        keys.extend(others.filter(|key| !keys.contains(key)).collect::<Vec<_>>());
    }
    Ok(keys)
}

/// The member's language; the product's first where the store does not tell.
pub(crate) async fn language(desk: &Desk) -> Language {
    desk.settings().await.unwrap_or_else(|_| Settings::default()).language
}

fn banner(words: &Words, notice: Notice) -> Banner {
    let (title, body) = words.notice(&notice.text);
    Banner {
        tag: notice.tag,
        title,
        body,
        urgent: notice.urgent,
        sound: notice.sound,
        open: words.text("open"),
        acknowledge: words.text("acknowledge"),
        snooze: words.text("snooze"),
    }
}

#[cfg(test)]
mod tests {
    use desk_domain::{alert::AlertRule, ids::uuid_v7, time::UtcMillis};

    use super::*;

    #[test]
    fn a_banner_goes_when_the_last_of_its_alerts_is_settled() {
        let key = |due| AlertKey {
            subject: DocId(uuid_v7(UtcMillis(1), [1; 10])),
            rule: AlertRule::ResolutionBreach,
            percent: 100,
            due_at: UtcMillis(due),
        };
        let banners = Banners::default();
        let shown = |keys: &[i64]| Shown { left: keys.iter().map(|due| key(*due)).collect(), opens: None };
        banners.lock().extend([("a".to_owned(), shown(&[1, 2])), ("b".to_owned(), shown(&[2, 3]))]);
        assert_eq!(banners.settle(&[key(1)]), [""; 0]);
        assert_eq!(banners.settle(&[key(2)]), ["a"]);
        assert_eq!(banners.settle(&[key(2)]), [""; 0]);
        assert_eq!(banners.settle(&[key(3)]), ["b"]);
    }
}
