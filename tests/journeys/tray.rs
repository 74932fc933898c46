//! The tray of a panel: what `StatusNotifierItem`s of the device's bus show.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use desk_harness::poll_until;
use zbus::blocking::{Connection, Proxy, connection::Builder};
use zbus::message::Header;

const WATCHER: &str = "org.kde.StatusNotifierWatcher";
const ITEM: &str = "org.kde.StatusNotifierItem";

/// Items that registered: the program's name on the bus and the item's path.
type Items = Arc<Mutex<Vec<(String, String)>>>;

/// A panel that shows items.
#[derive(Debug)]
pub(crate) struct Tray {
    connection: Connection,
    items: Items,
}

struct Watcher {
    items: Items,
}

#[zbus::interface(name = "org.kde.StatusNotifierWatcher")]
impl Watcher {
    fn register_status_notifier_item(&self, service: &str, #[zbus(header)] header: Header<'_>) {
        let sender = header.sender().map(ToString::to_string).unwrap_or_default();
        // Either a path, or the name of a program whose item stands at the usual path.
        let path = if service.starts_with('/') { service } else { "/StatusNotifierItem" };
        self.items.lock().unwrap_or_else(PoisonError::into_inner).push((sender, path.to_owned()));
    }

    fn register_status_notifier_host(&self, _service: &str) {}

    #[zbus(property)]
    fn is_status_notifier_host_registered(&self) -> bool {
        true
    }

    #[zbus(property)]
    fn protocol_version(&self) -> i32 {
        0
    }

    #[zbus(property)]
    fn registered_status_notifier_items(&self) -> Vec<String> {
        let items = self.items.lock().unwrap_or_else(PoisonError::into_inner);
        items.iter().map(|(sender, path)| format!("{sender}{path}")).collect()
    }
}

impl Tray {
    /// Starts the panel on the bus at `address`.
    pub(crate) fn start(address: &str) -> anyhow::Result<Self> {
        let items = Items::default();
        let watcher = Watcher { items: Arc::clone(&items) };
        let connection =
            Builder::address(address)?.serve_at("/StatusNotifierWatcher", watcher)?.name(WATCHER)?.build()?;
        Ok(Self { connection, items })
    }

    /// Waits until the newest item's label, the number of open alerts, is this.
    pub(crate) fn wait_for_label(&self, label: &str) -> anyhow::Result<()> {
        let mut seen = None;
        poll_until(&format!("the tray to say {label:?}"), Duration::from_secs(30), || {
            seen = self.label().ok();
            Ok((seen.as_deref() == Some(label)).then_some(()))
        })
        .with_context(|| format!("it says {seen:?}"))
    }

    fn label(&self) -> anyhow::Result<String> {
        let newest = self.items.lock().unwrap_or_else(PoisonError::into_inner).last().cloned();
        let (sender, path) = newest.context("nothing is in the tray")?;
        Ok(Proxy::new(&self.connection, sender, path, ITEM)?.get_property("XAyatanaLabel")?)
    }
}
