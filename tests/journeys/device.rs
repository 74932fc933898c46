//! A person's machine: a screen, a session, a notification daemon, a network cable, and the product installed.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use desk_harness::{Display, Driver, Environment, NotificationDaemon, SessionBus};

use crate::cable::Cable;
use crate::page::Page;
use crate::tray::Tray;
use crate::world::Credentials;

/// The window's size, as `tauri.conf.json` has it, in pixels.
const SCREEN: (u32, u32) = (1280, 800);

/// One device. What the product stores on it outlives its windows; dropping it switches everything off.
#[derive(Debug)]
pub(crate) struct Device {
    // Before the display, so that the window does not see its display vanish.
    driver: Option<Driver>,
    notifications: NotificationDaemon,
    // Before the bus that it is on.
    tray: Option<Tray>,
    bus: SessionBus,
    display: Display,
    cable: Cable,
    shell: PathBuf,
    dir: PathBuf,
    credentials: Credentials,
}

impl Device {
    pub(crate) fn new(
        dir: PathBuf,
        shell: PathBuf,
        cable: Cable,
        credentials: Credentials,
    ) -> anyhow::Result<Self> {
        fs::create_dir_all(dir.join("home"))?;
        let display = Display::start(&dir, SCREEN.0, SCREEN.1)?;
        let bus = SessionBus::start(&dir)?;
        let notifications = NotificationDaemon::start(&dir, &display, &bus)?;
        Ok(Self { driver: None, notifications, tray: None, bus, display, cable, shell, dir, credentials })
    }

    /// Opens the window as the device's member, who is signed in without being asked.
    pub(crate) async fn open(&mut self) -> anyhow::Result<Page> {
        let sign_in = serde_json::json!({
            "server": self.cable.url(),
            "workspace": self.credentials.workspace,
            "email": self.credentials.email,
            "password": self.credentials.password,
        });
        self.start(Some(&sign_in.to_string())).await
    }

    /// Opens the window as a person does: on the store as it is, and without credentials at hand.
    pub(crate) async fn open_as_it_is(&mut self) -> anyhow::Result<Page> {
        self.start(None).await
    }

    /// Kills the application, its web view and all, at once, as a power cut would.
    pub(crate) fn kill(&mut self) {
        if let Some(mut driver) = self.driver.take() {
            driver.kill();
        }
    }

    /// The network cable, to cut and restore.
    pub(crate) fn cable(&self) -> &Cable {
        &self.cable
    }

    /// The address to type into a sign-in form, which leads through the cable.
    pub(crate) fn server_url(&self) -> String {
        self.cable.url()
    }

    /// What pops up on this device's screen.
    pub(crate) fn notifications(&self) -> &NotificationDaemon {
        &self.notifications
    }

    /// The tray in its panel, where the device has one: call before the window opens.
    pub(crate) fn with_tray(&mut self) -> anyhow::Result<()> {
        self.tray = Some(Tray::start(self.bus.address())?);
        Ok(())
    }

    /// The tray.
    pub(crate) fn tray(&self) -> anyhow::Result<&Tray> {
        self.tray.as_ref().context("the device has no tray")
    }

    /// Starts the application once more, as a link or a click on its icon does, and waits for it to end.
    pub(crate) fn start_again(&self, arguments: &[&str]) -> anyhow::Result<()> {
        let mut command = std::process::Command::new(&self.shell);
        command.args(arguments);
        self.environment(None).apply(&mut command);
        let output = command.output()?;
        anyhow::ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Ok(())
    }

    /// Where the product keeps this device's store.
    pub(crate) fn data_dir(&self) -> PathBuf {
        self.dir.join("data")
    }

    /// A picture of the whole screen, banners included.
    pub(crate) fn picture(&self, file: &Path) -> anyhow::Result<()> {
        Ok(self.display.picture(file)?)
    }

    async fn start(&mut self, sign_in: Option<&str>) -> anyhow::Result<Page> {
        self.kill();
        let environment = self.environment(sign_in);
        let log = self.dir.join("window.log");
        let driver = self.driver.insert(Driver::start(&log, &environment)?);
        let page = Page::open(&driver.url(), &self.shell).await;
        page.with_context(|| driver.process().failed("opened no window").to_string())
    }

    fn environment(&self, sign_in: Option<&str>) -> Environment {
        let mut environment =
            Environment::default().with(&self.display.environment()).with(&self.bus.environment());
        let home = self.dir.join("home");
        environment
            .set("DESK_DATA_DIR", self.data_dir())
            .set("DESK_SIGN_IN", sign_in.unwrap_or_default())
            // What the web view and GTK keep for a person is the device's own, too.
            .set("HOME", &home)
            .set("XDG_DATA_HOME", home.join("data"))
            .set("XDG_CONFIG_HOME", home.join("config"))
            .set("XDG_CACHE_HOME", home.join("cache"))
            // Times read the same wherever the journey runs.
            .set("TZ", "Asia/Almaty");
        environment
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // Best effort: the journey has failed already, and says why.
            let _ = self.picture(&self.dir.join("at-the-end.png"));
        }
    }
}
