//! A screen with a session of its own, and the window on it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use desk_harness::{Display, Driver, Environment, NotificationDaemon, SessionBus};
use serde_json::Value;

use crate::memory::{self, Memory};
use crate::page::Page;
use crate::processor::{self, Share};
use crate::programs::Programs;
use crate::rest;

/// The window's size, as `tauri.conf.json` has it, in pixels.
const SIZE: (u32, u32) = (1280, 800);

/// What the page holds once the list is usable.
const ROW: &str = "[data-testid=\"ticket-row\"]";

/// The interface's own mark of the instant at which the list was painted, as milliseconds of the day's clock.
const PAINTED_AT: &str = "const [mark] = performance.getEntriesByName('list'); \
                          return mark ? performance.timeOrigin + mark.startTime : null;";

/// A display, a session bus and a notification daemon.
pub(crate) struct Screen {
    _notifications: NotificationDaemon,
    _bus: SessionBus,
    display: Display,
    environment: Environment,
    dir: PathBuf,
    /// Starts the shell, after it has written down when.
    launcher: PathBuf,
}

impl Screen {
    pub(crate) fn switch_on(programs: &Programs, dir: &Path, store: PathBuf) -> anyhow::Result<Self> {
        let dir = dir.join("screen");
        let home = dir.join("home");
        fs::create_dir_all(&home)?;
        let display = Display::start(&dir, SIZE.0, SIZE.1)?;
        let bus = SessionBus::start(&dir)?;
        let notifications = NotificationDaemon::start(&dir, &display, &bus)?;
        let mut environment = Environment::default().with(&display.environment()).with(&bus.environment());
        environment
            .set("DESK_DATA_DIR", store)
            .set("DESK_SIGN_IN", "")
            .set("HOME", &home)
            .set("XDG_DATA_HOME", home.join("data"))
            .set("XDG_CONFIG_HOME", home.join("config"))
            .set("XDG_CACHE_HOME", home.join("cache"))
            .set("TZ", "Asia/Almaty");
        let launcher = dir.join("launch");
        let quoted = |path: &Path| format!("'{}'", path.display().to_string().replace('\'', r"'\''"));
        let script = format!(
            "#!/bin/sh\ndate +%s%3N >{}\nexec {} \"$@\"\n",
            quoted(&started_file(&dir)),
            quoted(&programs.program("workernet-desk"))
        );
        fs::write(&launcher, script)?;
        fs::set_permissions(&launcher, fs::Permissions::from_mode(0o755))?;
        let screen = Self { _notifications: notifications, _bus: bus, display, environment, dir, launcher };
        Ok(screen)
    }

    /// A picture of what is on it.
    pub(crate) fn picture(&self, file: &Path) -> anyhow::Result<()> {
        Ok(self.display.picture(file)?)
    }

    /// Starts the shell. The window of an earlier call must have been dropped.
    pub(crate) async fn open(&self) -> anyhow::Result<Window> {
        let mut driver = Driver::start(&self.dir.join("window.log"), &self.environment)?;
        let page = Page::open(&driver.url(), &self.launcher).await;
        let page = page.with_context(|| driver.process().failed("opened no window").to_string())?;
        page.ready("list").await?;
        page.wait_for(ROW).await?;
        let started_at = fs::read_to_string(started_file(&self.dir))?;
        let started_at = started_at.trim().parse().context("the launcher wrote no instant")?;
        Ok(Window { driver, page, started_at })
    }
}

fn started_file(dir: &Path) -> PathBuf {
    dir.join("started")
}

/// The window with its list. Dropping it ends the shell and its web view.
pub(crate) struct Window {
    driver: Driver,
    page: Page,
    /// When the shell's process began, in milliseconds of the day's clock.
    started_at: f64,
}

impl Window {
    pub(crate) fn page(&self) -> &Page {
        &self.page
    }

    /// From the process's begin to the first painted list with rows.
    pub(crate) async fn listed_after_ms(&self) -> anyhow::Result<f64> {
        match self.page.script(PAINTED_AT).await? {
            Value::Number(at) => Ok(at.as_f64().context("an instant")? - self.started_at),
            other => bail!("the interface marked no painted list: {other}"),
        }
    }

    /// Looks at the memory for a while.
    pub(crate) async fn watch_memory(&mut self, how_long: Duration) -> anyhow::Result<Memory> {
        let began = Instant::now();
        let mut seen = memory::of(&self.processes()?)?;
        while began.elapsed() < how_long {
            rest().await;
            seen = seen.followed_by(memory::of(&self.processes()?)?);
        }
        Ok(seen)
    }

    /// What it takes of the processor while nobody touches it.
    pub(crate) async fn watch_processor(&mut self, how_long: Duration) -> anyhow::Result<Share> {
        let before = processor::taken(&self.processes()?)?;
        tokio::time::sleep(how_long).await;
        Ok(before.until(&processor::taken(&self.processes()?)?))
    }

    /// The shell and all that it started; the driver is the bench's own.
    fn processes(&mut self) -> anyhow::Result<Vec<u32>> {
        let found = self.driver.process().descendants();
        if found.is_empty() {
            bail!("the window has no processes");
        }
        Ok(found)
    }
}
