//! One store and the `desk` commands that work on it, many of which are killed.

use std::{
    collections::HashMap,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};
use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::Value;

use crate::{
    Programs,
    server::{PASSWORD, WORKSPACE},
};

/// Edits in an open window.
const WINDOW_EDITS: usize = 6;
/// Rows of an imported file.
const ROWS: usize = 25;

/// What a command was to leave behind, found again by a text that nothing else has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Trace {
    /// A ticket of this title.
    Title(String),
    /// A comment of this text.
    Comment(String),
    /// A custom field of this name.
    Custom(String),
}

/// An edit.
#[derive(Clone, Debug)]
pub(crate) struct Edit {
    pub(crate) trace: Trace,
    /// The command said that it was done; otherwise it was killed.
    pub(crate) done: bool,
}

/// An import that is repeated until it gets through.
#[derive(Clone, Debug)]
struct Import {
    file: PathBuf,
    titles: Vec<String>,
}

pub(crate) struct Device {
    name: String,
    desk: PathBuf,
    window: PathBuf,
    data: PathBuf,
    dir: PathBuf,
    url: String,
    random: StdRng,
    commands: u32,
    window_kills: u32,
    next: u32,
    /// Tickets that were made here, by number.
    numbers: Vec<String>,
    pub(crate) edits: Vec<Edit>,
    importing: Option<Import>,
    /// Titles of rows whose import was done.
    pub(crate) imported: Vec<String>,
    /// How long each kind of command takes when it is left alone.
    takes: HashMap<&'static str, Duration>,
}

/// How a command ended.
enum Ended {
    Killed,
    Done(Value),
    Failed(String),
}

impl Device {
    pub(crate) fn sign_in(
        programs: &Programs,
        dir: &Path,
        name: String,
        url: &str,
        seed: u64,
    ) -> anyhow::Result<Self> {
        let device = Self {
            desk: programs.desk.clone(),
            window: programs.window.clone(),
            data: dir.join(&name),
            dir: dir.to_owned(),
            url: url.to_owned(),
            random: StdRng::seed_from_u64(seed),
            commands: 0,
            window_kills: 0,
            next: 0,
            numbers: Vec::new(),
            edits: Vec::new(),
            importing: None,
            imported: Vec::new(),
            takes: HashMap::new(),
            name,
        };
        std::fs::write(device.map(), r#"{"key":"Id","title":"Subject","origin":"crash"}"#)?;
        device.log_in()?;
        device.left_alone(&["sync"])?;
        Ok(device)
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn commands(&self) -> u32 {
        self.commands
    }

    pub(crate) fn window_kills(&self) -> u32 {
        self.window_kills
    }

    /// What the columns of an imported file are; the same for all of them, and nobody else's.
    fn map(&self) -> PathBuf {
        self.dir.join(format!("{}-map.json", self.name))
    }

    fn log_in(&self) -> anyhow::Result<()> {
        let email = format!("{}@acme.example", self.name);
        let who = ["login", "--server", &self.url, "--workspace", WORKSPACE, "--email", &email];
        let mut child =
            self.command(&[&who[..], &["--password-stdin"]].concat()).stdin(Stdio::piped()).spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(PASSWORD.as_bytes())?;
        }
        let output = child.wait_with_output()?;
        ensure!(output.status.success(), "{} cannot sign in: {}", self.name, text(&output));
        Ok(())
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.desk);
        command.arg("--json").arg("--data-dir").arg(&self.data).args(args);
        quiet(command)
    }

    /// A command that nobody kills and that has to go well.
    pub(crate) fn left_alone(&self, args: &[&str]) -> anyhow::Result<Value> {
        let output = self.command(args).output()?;
        ensure!(output.status.success(), "{}: desk {}: {}", self.name, args.join(" "), text(&output));
        Ok(serde_json::from_slice(&output.stdout).unwrap_or(Value::Null))
    }

    /// Runs a command of `desk` and perhaps kills it.
    fn risk(&mut self, kind: &'static str, args: &[&str], may_kill: bool) -> anyhow::Result<Ended> {
        let command = self.command(args);
        let output = self.risk_command(kind, command, may_kill)?;
        if was_killed(&output) {
            return Ok(Ended::Killed);
        }
        if output.status.success() {
            let value = serde_json::from_slice(&output.stdout)
                .with_context(|| format!("{}: desk {}: {}", self.name, args.join(" "), text(&output)))?;
            return Ok(Ended::Done(value));
        }
        Ok(Ended::Failed(text(&output)))
    }

    /// Runs a command and perhaps kills it at a random moment of the time that it takes.
    fn risk_command(
        &mut self,
        kind: &'static str,
        mut command: Command,
        may_kill: bool,
    ) -> anyhow::Result<Output> {
        self.commands += 1;
        let takes = self.takes.get(kind).copied().unwrap_or(Duration::from_millis(200));
        let kill_after = (may_kill && self.random.random_bool(0.7))
            .then(|| takes.mul_f64(self.random.random_range(0.0..1.2)));
        let started = Instant::now();
        let mut child = command.spawn().context("desk does not start")?;
        if let Some(kill_after) = kill_after {
            while started.elapsed() < kill_after && child.try_wait()?.is_none() {
                thread::sleep(Duration::from_millis(1));
            }
            // One that has ended already is not killed any more; its status says so.
            let _ = child.kill();
        }
        let output = child.wait_with_output()?;
        if kill_after.is_none() {
            self.takes.insert(kind, (takes * 3 + started.elapsed()) / 4);
        }
        Ok(output)
    }

    /// One command of somebody at work; whether it was killed.
    pub(crate) fn work(&mut self, may_kill: bool) -> anyhow::Result<bool> {
        self.next += 1;
        let mark = format!("{}-{}", self.name, self.next);
        let number = (!self.numbers.is_empty())
            .then(|| self.numbers[self.random.random_range(0..self.numbers.len())].clone());
        match (self.random.random_range(0..20), number) {
            (0..5, _) | (5..12, None) => {
                let args = ["ticket", "new", "--title", &mark, "--description", "Не печатает принтер"];
                self.edit("new", &args, Trace::Title(mark.clone()), may_kill)
            }
            (5..9, Some(number)) => {
                let args = ["ticket", "comment", &number, &mark];
                self.edit("comment", &args, Trace::Comment(mark.clone()), may_kill)
            }
            (9..12, Some(number)) => {
                let field = format!("custom.{mark}=yes");
                let args = ["ticket", "set", &number, &field, "priority=high"];
                self.edit("set", &args, Trace::Custom(mark.clone()), may_kill)
            }
            (12, _) => self.import(&mark, may_kill),
            (13..17, _) => self.window(&mark, may_kill),
            _ => self.sync(may_kill),
        }
    }

    fn edit(
        &mut self,
        kind: &'static str,
        args: &[&str],
        trace: Trace,
        may_kill: bool,
    ) -> anyhow::Result<bool> {
        let (killed, done) = match self.risk(kind, args, may_kill)? {
            Ended::Killed => (true, false),
            Ended::Done(ticket) => {
                if let (Trace::Title(_), Some(number)) = (&trace, ticket["number"].as_str()) {
                    self.numbers.push(number.to_owned());
                }
                (false, true)
            }
            // It needs nobody but this store, so nothing may hinder it.
            Ended::Failed(problem) => bail!("{}: desk {}: {problem}", self.name, args.join(" ")),
        };
        self.edits.push(Edit { trace, done });
        Ok(killed)
    }

    /// Somebody edits in the open window for a while.
    fn window(&mut self, mark: &str, may_kill: bool) -> anyhow::Result<bool> {
        let mut command = Command::new(&self.window);
        command.arg("--data-dir").arg(&self.data).args([
            "--mark",
            mark,
            "--edits",
            &WINDOW_EDITS.to_string(),
        ]);
        let output = self.risk_command("window", quiet(command), may_kill)?;
        let killed = was_killed(&output);
        // It needs nobody but this store, so nothing may hinder it.
        ensure!(killed || output.status.success(), "{}: desk-window: {}", self.name, text(&output));
        let done = String::from_utf8_lossy(&output.stdout).lines().count();
        // The next one was perhaps begun.
        self.edits.extend((0..WINDOW_EDITS.min(done + 1)).map(|number| {
            let text = format!("{mark}-{number}");
            let trace = if number % 2 == 0 { Trace::Title(text) } else { Trace::Comment(text) };
            Edit { trace, done: number < done }
        }));
        self.window_kills += u32::from(killed);
        Ok(killed)
    }

    fn import(&mut self, mark: &str, may_kill: bool) -> anyhow::Result<bool> {
        let import = match &self.importing {
            Some(import) => import.clone(),
            None => self.importing.insert(Import::write(&self.dir, mark)?).clone(),
        };
        let (file, map) = (import.file.display().to_string(), self.map().display().to_string());
        match self.risk("import", &["import", "csv", &file, "--map", &map], may_kill)? {
            Ended::Killed => Ok(true),
            Ended::Done(_) => {
                self.imported.extend(import.titles);
                self.importing = None;
                Ok(false)
            }
            Ended::Failed(problem) => bail!("{}: the import of {file}: {problem}", self.name),
        }
    }

    fn sync(&mut self, may_kill: bool) -> anyhow::Result<bool> {
        match self.risk("sync", &["sync"], may_kill)? {
            Ended::Killed => Ok(true),
            // A renewed token that died with its command ends the session. The server may be dead for signing in, too; the
            // next attempt does it.
            Ended::Failed(problem) if problem.contains("session_expired") => {
                drop(self.log_in());
                Ok(false)
            }
            // The server may be dead at the moment.
            Ended::Done(_) | Ended::Failed(_) => Ok(false),
        }
    }

    /// Finishes an import that was killed, and syncs.
    pub(crate) fn settle(&mut self) -> anyhow::Result<()> {
        if self.importing.is_some() {
            self.import("", false)?;
        }
        if let Err(problem) = self.left_alone(&["sync"]) {
            if !problem.to_string().contains("session_expired") {
                return Err(problem);
            }
            self.log_in()?;
            self.left_alone(&["sync"])?;
        }
        Ok(())
    }
}

impl Import {
    fn write(dir: &Path, mark: &str) -> anyhow::Result<Self> {
        let titles: Vec<String> = (0..ROWS).map(|row| format!("import {mark}-{row}")).collect();
        let rows = titles.iter().enumerate().map(|(row, title)| format!("{mark}-{row},{title}\n"));
        let file = dir.join(format!("{mark}.csv"));
        std::fs::write(&file, format!("Id,Subject\n{}", rows.collect::<String>()))?;
        Ok(Self { file, titles })
    }
}

/// A command whose output is read. Without a keychain the key is in a file beside the store.
fn quiet(mut command: Command) -> Command {
    command
        .env_remove("DBUS_SESSION_BUS_ADDRESS")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn text(output: &Output) -> String {
    format!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim())
}

#[cfg(unix)]
fn was_killed(output: &Output) -> bool {
    use std::os::unix::process::ExitStatusExt;
    output.status.signal() == Some(9)
}

#[cfg(not(unix))]
fn was_killed(output: &Output) -> bool {
    output.status.code() == Some(1) && output.stderr.is_empty()
}
