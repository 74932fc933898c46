//! The server that `cargo xtask run` starts on loopback, shared by all windows that are open at once.
//!
//! It outlives the call that started it for as long as another call has a window open: `.run/windows` holds a file for
//! each such call, and the last one to end stops the server. `.run/lock` keeps two calls from starting one at a time.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use desk_harness::{Demo, POLL, Server};
use serde::{Deserialize, Serialize};

use crate::progress;
use crate::project::Project;

/// How long the server may take to open its database and listen.
const READY: Duration = Duration::from_mins(1);

/// How long a health check may take before a server counts as gone.
const HEALTH: Duration = Duration::from_secs(3);

/// What the demo workspace is made from; the same makes the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ingredients {
    /// How many tickets; the server's own number where it is `None`.
    pub(crate) tickets: Option<u32>,
    /// The seed; the server's own where it is `None`.
    pub(crate) seed: Option<u64>,
}

/// `.run/demo.json`: what the data in `.run/server` is.
#[derive(Debug, Serialize, Deserialize)]
struct DemoData {
    ingredients: Ingredients,
    demo: Demo,
}

/// `.run/server.json`: the server that serves that data.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Running {
    process: u32,
    address: String,
}

/// What the server prints once it is ready.
#[derive(Debug, Deserialize)]
struct Listening {
    listening: String,
}

/// A part in the running server. Dropping it stops the server, if no other call has one.
#[derive(Debug)]
pub(crate) struct Embedded {
    dir: PathBuf,
    window: PathBuf,
    url: String,
    demo: Demo,
    /// Set when this call started the server: its parent has to see it end.
    child: Option<Child>,
}

impl Embedded {
    /// Joins the server that runs, or starts one; makes the demo workspace if there is none, or if `fresh` is set or it
    /// was made from other ingredients.
    pub(crate) fn join(
        project: &Project,
        binary: &Path,
        ingredients: Ingredients,
        port: u16,
        fresh: bool,
    ) -> anyhow::Result<Self> {
        let dir = project.run_dir();
        fs::create_dir_all(dir.join("windows"))?;
        let lock = File::create(dir.join("lock"))?;
        lock.lock().context("cannot lock .run/lock")?;

        let had: Option<DemoData> = read_json(&dir.join("demo.json"));
        let kept = had.filter(|had| !fresh && had.ingredients == ingredients);
        let demo = match kept {
            Some(kept) => kept.demo,
            None => make_demo(&dir, binary, ingredients)?,
        };
        let before: Option<Running> = read_json(&dir.join("server.json"));
        let serving = before.clone().filter(|running| is_healthy(&running.address));
        let (running, child) = if let Some(running) = serving {
            progress::note(&format!("joining the server on {}", running.address));
            (running, None)
        } else {
            let (running, child) = start(&dir, binary, port, before.as_ref())?;
            (running, Some(child))
        };
        let window = dir.join("windows").join(std::process::id().to_string());
        fs::write(&window, "")?;
        drop(lock);
        Ok(Self { window, url: format!("http://{}", running.address), demo, child, dir })
    }

    /// `http://127.0.0.1:PORT`.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// How to sign in to the demo workspace.
    pub(crate) fn demo(&self) -> &Demo {
        &self.demo
    }

    /// Where the server's output is.
    pub(crate) fn log(&self) -> PathBuf {
        self.dir.join("server.log")
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        // Without the lock two calls that end at once could both leave the server to the other.
        let lock = File::create(self.dir.join("lock"));
        let _held = lock.as_ref().is_ok_and(|lock| lock.lock().is_ok());
        let _ = fs::remove_file(&self.window);
        if open_windows(&self.dir) == 0 {
            stop(&self.dir, self.child.as_mut());
        }
    }
}

/// Makes the demo workspace anew, with the stores of all roles gone that knew the old one.
fn make_demo(dir: &Path, binary: &Path, ingredients: Ingredients) -> anyhow::Result<Demo> {
    if open_windows(dir) > 0 {
        bail!("the demo workspace is to be made anew, and other windows have it open; close them first");
    }
    stop(dir, None);
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() && entry.file_name() != "windows" {
            fs::remove_dir_all(entry.path())?;
        }
    }
    let demo = progress::step("making the demo workspace", || {
        Ok(Server::demo(binary, &dir.join("server"), ingredients.tickets, ingredients.seed)?)
    })?;
    // Last, so that half a workspace is not taken for a whole one.
    write_json(&dir.join("demo.json"), &DemoData { ingredients, demo: demo.clone() })?;
    Ok(demo)
}

/// Starts the server: on the port that is wished, or else on the one it had before, since the stores of its members know
/// it by that.
fn start(dir: &Path, binary: &Path, port: u16, before: Option<&Running>) -> anyhow::Result<(Running, Child)> {
    let wished = format!("127.0.0.1:{port}");
    let Some(before) = before.filter(|before| port == 0 || before.address == wished) else {
        return start_on(dir, binary, &wished);
    };
    start_on(dir, binary, &before.address).or_else(|error| {
        progress::note(&format!(
            "the server cannot have its port again ({error:#}); stores that know it by {} stay offline until \
             `--fresh` makes them anew",
            before.address
        ));
        start_on(dir, binary, &wished)
    })
}

fn start_on(dir: &Path, binary: &Path, listen: &str) -> anyhow::Result<(Running, Child)> {
    let log = dir.join("server.log");
    let output = File::create(&log)?;
    let mut command = Command::new(binary);
    command.arg("--data-dir").arg(dir.join("server")).args(["serve", "--listen", listen]);
    command.stdin(Stdio::null()).stderr(output.try_clone()?).stdout(output);
    #[cfg(unix)]
    {
        use std::os::unix::process::CommandExt;
        // Not in the terminal's group: Ctrl-C in one window's terminal must not take the server from another window.
        command.process_group(0);
    }
    let mut child = command.spawn().with_context(|| format!("cannot start {}", binary.display()))?;
    let started = Instant::now();
    loop {
        let said = fs::read_to_string(&log).unwrap_or_default();
        if let Some(ready) = said.lines().find_map(|line| serde_json::from_str::<Listening>(line).ok()) {
            let running = Running { process: child.id(), address: ready.listening };
            write_json(&dir.join("server.json"), &running)?;
            return Ok((running, child));
        }
        if let Some(status) = child.try_wait()? {
            bail!("the server ended with {status}\n{}", last_lines(&log));
        }
        if started.elapsed() > READY {
            child.kill()?;
            child.wait()?;
            bail!("the server was not ready within {READY:?}\n{}", last_lines(&log));
        }
        std::thread::sleep(POLL);
    }
}

/// Stops the server if it runs. Its data file stays and tells the next call the port.
fn stop(dir: &Path, child: Option<&mut Child>) {
    let Some(running) = read_json::<Running>(&dir.join("server.json")) else { return };
    // Asked of the server itself: after a crash the process id may be anybody's.
    if is_healthy(&running.address) {
        end_process(running.process);
    }
    if let Some(child) = child {
        let _ = child.wait();
    }
    let start = Instant::now();
    while is_healthy(&running.address) && start.elapsed() < HEALTH {
        std::thread::sleep(POLL);
    }
}

fn is_healthy(address: &str) -> bool {
    let agent: ureq::Agent = ureq::Agent::config_builder().timeout_global(Some(HEALTH)).build().into();
    agent.get(format!("http://{address}/v1/health")).call().is_ok()
}

/// How many calls have a window open; files of calls that were killed are removed.
fn open_windows(dir: &Path) -> usize {
    let mut open = 0;
    for entry in fs::read_dir(dir.join("windows")).into_iter().flatten().flatten() {
        let process = entry.file_name().to_str().and_then(|name| name.parse().ok());
        if process.is_some_and(is_alive) {
            open += 1;
        } else {
            let _ = fs::remove_file(entry.path());
        }
    }
    open
}

#[cfg(unix)]
fn is_alive(process: i32) -> bool {
    rustix::process::Pid::from_raw(process)
        .is_some_and(|process| rustix::process::test_kill_process(process).is_ok())
}

#[cfg(not(unix))]
fn is_alive(process: i32) -> bool {
    let filter = format!("PID eq {process}");
    Command::new("tasklist")
        .args(["/NH", "/FI", &filter])
        .output()
        .is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains(&process.to_string()))
}

#[cfg(unix)]
fn end_process(process: u32) {
    if let Some(process) = i32::try_from(process).ok().and_then(rustix::process::Pid::from_raw) {
        let _ = rustix::process::kill_process(process, rustix::process::Signal::TERM);
    }
}

#[cfg(not(unix))]
fn end_process(process: u32) {
    let _ = Command::new("taskkill").args(["/F", "/PID", &process.to_string()]).status();
}

/// The end of a log, for an error message.
pub(crate) fn last_lines(log: &Path) -> String {
    let text = fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let from = lines.len().saturating_sub(30);
    format!("--- last lines of {}\n{}", log.display(), lines.get(from..).unwrap_or_default().join("\n"))
}

fn read_json<T: serde::de::DeserializeOwned>(file: &Path) -> Option<T> {
    serde_json::from_slice(&fs::read(file).ok()?).ok()
}

fn write_json(file: &Path, value: &impl Serialize) -> anyhow::Result<()> {
    fs::write(file, serde_json::to_vec_pretty(value)?)
        .with_context(|| format!("cannot write {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_of_calls_that_are_gone_do_not_count() {
        let dir = std::env::temp_dir().join(format!("xtask-windows-{}", std::process::id()));
        let windows = dir.join("windows");
        fs::create_dir_all(&windows).unwrap();
        fs::write(windows.join(std::process::id().to_string()), "").unwrap();
        let mut gone = Command::new("true").spawn().unwrap();
        gone.wait().unwrap();
        fs::write(windows.join(gone.id().to_string()), "").unwrap();
        fs::write(windows.join("what is this"), "").unwrap();

        assert_eq!(open_windows(&dir), 1);
        assert_eq!(fs::read_dir(&windows).unwrap().count(), 1);
        fs::remove_dir_all(dir).unwrap();
    }
}
