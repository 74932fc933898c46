//! `cargo xtask run`: the product with a demo workspace, on the screen or, with `--headless`, into a picture.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use desk_harness::{Display, Driver, Environment, NotificationDaemon, SessionBus};

use crate::cargo;
use crate::embedded::{Embedded, Ingredients, last_lines};
use crate::progress;
use crate::project::Project;
use crate::setup::{self, Scope};
use crate::ui;
use crate::webdriver::Session;

/// The shell's and the server's programs.
pub(crate) const SHELL: &str = "workernet-desk";
pub(crate) const SERVER: &str = "workernet-server";

/// What the page holds once the ticket list stands, with rows: a new store's list stands empty until the first sync.
const LIST_READY: &str = "html[data-ready=\"list\"] [data-testid=\"ticket-row\"]";

/// And once everything that the server had is on this device.
const SYNCED: &str = "[data-testid=\"sync-status\"][data-phase=\"idle\"]";

/// The list itself, and a row of it that is still being fetched.
const LIST: &str = "[data-testid=\"ticket-list\"]";
const BLANK_ROW: &str = "[data-testid=\"ticket-list\"] .row-blank";

/// For how long the list must not have changed to count as finished: a sync tells of its changes in bursts.
const STILL: Duration = Duration::from_secs(1);

/// What the interface or its boot script puts on the root element when it cannot start.
const FAILED: &str = "html[data-ready=\"failed\"]";

/// How long that may take on a slow machine, the first sync included.
const LIST_LIMIT: Duration = Duration::from_mins(2);

/// The window's size without a display, in pixels; `tauri.conf.json` has the same.
const WINDOW: (u32, u32) = (1280, 800);

/// How often a window's end is looked for.
const LOOK: Duration = Duration::from_millis(100);

/// Whom to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Role {
    /// Answers tickets all day.
    Agent,
    /// Gets the alerts.
    Manager,
    /// An agent who is away for days.
    Field,
    /// Runs the workspace.
    Admin,
}

impl Role {
    /// The name in the demo workspace's addresses and of the store below `.run`.
    fn name(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Manager => "manager",
            Self::Field => "field",
            Self::Admin => "admin",
        }
    }
}

/// What to open.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The demo member to sign in as; each has a store of its own, so several windows can be open at once.
    #[arg(long = "as", value_enum, default_value = "agent")]
    role: Role,
    /// Without a display: wait until the ticket list stands, save a picture, and end.
    #[arg(long)]
    headless: bool,
    /// Where the picture goes.
    #[arg(long, value_name = "FILE", required_if_eq("headless", "true"), requires = "headless")]
    screenshot: Option<PathBuf>,
    /// The server's port on loopback; 0 for any.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// How many tickets the demo workspace has.
    #[arg(long)]
    tickets: Option<u32>,
    /// What the demo workspace is generated from.
    #[arg(long)]
    seed: Option<u64>,
    /// Make the demo workspace and all stores anew.
    #[arg(long)]
    fresh: bool,
    /// Build with optimisation.
    #[arg(long)]
    release: bool,
}

/// Builds everything, starts the server, and opens the window.
pub(crate) fn run(project: &Project, options: &Options) -> anyhow::Result<()> {
    if !options.headless && cfg!(target_os = "linux") {
        let has = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
        if !has("DISPLAY") && !has("WAYLAND_DISPLAY") {
            bail!("there is no display here; use `--headless --screenshot FILE`");
        }
    }
    setup::install(project, if options.headless { Scope::Everything } else { Scope::Window })?;
    ui::build(project, ui::Options::default())?;
    progress::step("building the shell and the server", || cargo::build_programs(project, options.release))?;

    let interrupted = Interrupt::listen()?;
    let ingredients = Ingredients { tickets: options.tickets, seed: options.seed };
    let server = project.program(SERVER, options.release);
    let embedded = Embedded::join(project, &server, ingredients, options.port, options.fresh)?;
    let shell = project.program(SHELL, options.release);
    let environment = shell_environment(project, options.role, &embedded);
    match &options.screenshot {
        Some(file) if options.headless => {
            let shown = picture(project, &shell, &environment, file, &interrupted);
            shown.with_context(|| last_lines(&embedded.log()))
        }
        _ => window(&shell, &environment, &interrupted),
    }
}

/// Tells the shell where its store is and how to sign in without being asked.
fn shell_environment(project: &Project, role: Role, embedded: &Embedded) -> Environment {
    let demo = embedded.demo();
    let sign_in = serde_json::json!({
        "server": embedded.url(),
        "workspace": demo.workspace,
        "email": format!("{}@demo.example", role.name()),
        "password": demo.password,
    });
    let mut environment = Environment::default();
    environment.set("DESK_DATA_DIR", project.run_dir().join(role.name()));
    environment.set("DESK_SIGN_IN", sign_in.to_string());
    environment
}

/// Opens the window on the person's own display and returns when it is closed.
fn window(shell: &Path, environment: &Environment, interrupted: &Interrupt) -> anyhow::Result<()> {
    let mut command = Command::new(shell);
    environment.apply(&mut command);
    let mut child = command.spawn().with_context(|| format!("cannot start {}", shell.display()))?;
    progress::note("the window is open; close it or press Ctrl-C to end");
    loop {
        if let Some(status) = child.try_wait()? {
            if status.success() || interrupted.is_set() {
                return Ok(());
            }
            bail!("the window ended with {status}");
        }
        if interrupted.is_set() {
            child.kill()?;
            child.wait()?;
            return Ok(());
        }
        std::thread::sleep(LOOK);
    }
}

/// Opens the window on a display of its own, waits for the ticket list, and saves a picture of it.
fn picture(
    project: &Project,
    shell: &Path,
    environment: &Environment,
    file: &Path,
    interrupted: &Interrupt,
) -> anyhow::Result<()> {
    let logs = project.run_dir().join("headless");
    fs::create_dir_all(&logs)?;
    let display = Display::start(&logs, WINDOW.0, WINDOW.1)?;
    let bus = SessionBus::start(&logs)?;
    // The shell raises alerts at once where the demo's targets are missed; somebody has to take them.
    let _daemon = NotificationDaemon::start(&logs, &display, &bus)?;
    let mut environment = environment.clone().with(&display.environment()).with(&bus.environment());
    // What the web view keeps for a person is not to be left among the person's own files.
    for name in ["XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"] {
        environment.set(name, logs.join("home").join(name));
    }
    if let Some(dir) = file.parent() {
        fs::create_dir_all(dir)?;
    }
    let log = logs.join("window.log");
    let mut driver = Driver::start(&log, &environment)?;
    let taken = progress::step("opening the window", || {
        let session = Session::open(&driver, shell)?;
        let mut go_on = || {
            interrupted.check()?;
            Ok(driver.process().still_running()?)
        };
        session.wait_for(LIST_READY, FAILED, LIST_LIMIT, &mut go_on)?;
        session.wait_for(SYNCED, FAILED, LIST_LIMIT, &mut go_on)?;
        session.wait_until_still(LIST, BLANK_ROW, STILL, LIST_LIMIT, &mut go_on)?;
        session.painted()?;
        // Not through the driver, whose pictures hang where nothing of a page is drawn by the graphics card.
        display.picture(file)?;
        session.close()
    });
    taken.with_context(|| last_lines(&log))?;
    progress::note(&format!("the picture is in {}", file.display()));
    Ok(())
}

/// Set when the person presses Ctrl-C or the system asks us to end, so that what was started is ended first.
#[derive(Debug, Clone)]
struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    fn listen() -> anyhow::Result<Self> {
        let flag = Arc::new(AtomicBool::new(false));
        #[cfg(unix)]
        for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
            signal_hook::flag::register(signal, Arc::clone(&flag)).context("cannot listen for signals")?;
        }
        Ok(Self(flag))
    }

    fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    fn check(&self) -> anyhow::Result<()> {
        if self.is_set() {
            bail!("interrupted");
        }
        Ok(())
    }
}
