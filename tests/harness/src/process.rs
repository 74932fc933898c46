//! One program that was started, with its output in a file.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use crate::{HarnessError, poll_until};

/// How many lines of a program's output an error shows.
const TAIL_LINES: usize = 30;

/// How long a program may take to end after it was asked to, before it is killed.
const GRACE: Duration = Duration::from_secs(5);

/// Environment variables to set for a program, over what this process has.
#[derive(Debug, Clone, Default)]
pub struct Environment(BTreeMap<OsString, OsString>);

impl Environment {
    /// Sets one variable; a later value replaces an earlier one.
    pub fn set(&mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> &mut Self {
        self.0.insert(name.as_ref().to_owned(), value.as_ref().to_owned());
        self
    }

    /// This environment with another one's variables over it.
    #[must_use]
    pub fn with(mut self, other: &Self) -> Self {
        self.0.extend(other.0.iter().map(|(name, value)| (name.clone(), value.clone())));
        self
    }

    /// Puts the variables on a command.
    pub fn apply(&self, command: &mut Command) {
        command.envs(&self.0);
    }
}

/// A running program. Dropping it kills it and everything that it started.
#[derive(Debug)]
pub struct Process {
    child: Child,
    program: String,
    log: PathBuf,
    /// The lines of standard output, when they were asked for.
    lines: Option<Receiver<String>>,
}

impl Process {
    /// Starts a program with its whole output in `log` (made anew).
    pub fn start(command: &Command, log: impl Into<PathBuf>) -> Result<Self, HarnessError> {
        Self::spawn(command, log.into(), false)
    }

    /// Starts a program whose first line of standard output says something that is needed; see [`Self::first_line`].
    pub fn start_talking(command: &Command, log: impl Into<PathBuf>) -> Result<Self, HarnessError> {
        Self::spawn(command, log.into(), true)
    }

    fn spawn(command: &Command, log: PathBuf, talking: bool) -> Result<Self, HarnessError> {
        let program = command.get_program().to_string_lossy().into_owned();
        if let Some(dir) = log.parent() {
            fs::create_dir_all(dir).map_err(HarnessError::file(dir))?;
        }
        let output = File::create(&log).map_err(HarnessError::file(&log))?;
        let errors = output.try_clone().map_err(HarnessError::file(&log))?;
        let mut bound = bound_to_this_thread(command);
        bound.stdin(Stdio::null()).stderr(errors);
        if talking {
            bound.stdout(Stdio::piped());
        } else {
            bound.stdout(output.try_clone().map_err(HarnessError::file(&log))?);
        }
        let mut child =
            bound.spawn().map_err(|source| HarnessError::Start { program: program.clone(), source })?;
        let lines = child.stdout.take().map(|stdout| {
            let (sender, receiver) = mpsc::channel();
            // Ends with the program: reading its pipe then gives end of file.
            std::thread::spawn(move || {
                let mut output = output;
                for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                    // A full disk must not block the program on its pipe; the log is only for people.
                    let _ = writeln!(output, "{line}");
                    let _ = sender.send(line);
                }
            });
            receiver
        });
        Ok(Self { child, program, log, lines })
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Where the output is.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// The next line of standard output of a program started with [`Self::start_talking`].
    ///
    /// # Errors
    /// [`HarnessError::Failed`] if the program ends or stays silent for `limit`.
    pub fn first_line(&mut self, limit: Duration) -> Result<String, HarnessError> {
        let said = self.lines.as_ref().and_then(|lines| lines.recv_timeout(limit).ok());
        match said {
            Some(line) => Ok(line),
            None => Err(match self.child.try_wait() {
                Ok(Some(status)) => self.failed(&format!("ended with {status}")),
                _ => self.failed(&format!("said nothing for {limit:?}")),
            }),
        }
    }

    /// How it ended, if it did.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// An error if the program has ended although it should run on.
    pub fn still_running(&mut self) -> Result<(), HarnessError> {
        match self.ended() {
            Some(status) => Err(self.failed(&format!("ended with {status}"))),
            None => Ok(()),
        }
    }

    /// An error that says `problem` and shows the end of the output.
    pub fn failed(&self, problem: &str) -> HarnessError {
        HarnessError::Failed {
            program: self.program.clone(),
            problem: problem.to_owned(),
            log: self.log.clone(),
            tail: tail(&self.log),
        }
    }

    /// Asks the program to end, and kills it if it has not after five seconds. Returns when it is gone.
    pub fn stop(&mut self) -> Result<(), HarnessError> {
        if self.ended().is_some() {
            return Ok(());
        }
        #[cfg(unix)]
        signal(self.id(), rustix::process::Signal::TERM);
        #[cfg(unix)]
        if poll_until("the end of a program", GRACE, || Ok(self.ended())).is_ok() {
            return Ok(());
        }
        self.kill();
        Ok(())
    }

    /// Tells the program to quit at once and to clean up, and kills it if it has not after five seconds. Returns when it is
    /// gone.
    pub(crate) fn quit(&mut self) {
        #[cfg(unix)]
        if self.ended().is_none() {
            signal(self.id(), rustix::process::Signal::QUIT);
            if poll_until("the end of a program", GRACE, || Ok(self.ended())).is_ok() {
                return;
            }
        }
        self.kill();
    }

    /// Kills the program and all that it started at once, as a power cut would, and returns when it is gone.
    pub fn kill(&mut self) {
        // Those first: once their parent is gone, nothing says whose they were.
        for id in descendants(self.id()) {
            kill_by_id(id);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// The ids of all processes that it started, directly and indirectly.
    pub fn descendants(&self) -> Vec<u32> {
        descendants(self.id())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The last lines of a file, for an error message; empty if it cannot be read.
pub(crate) fn tail(file: &Path) -> String {
    let text = fs::read(file).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines.get(lines.len().saturating_sub(TAIL_LINES)..).unwrap_or_default().join("\n")
}

/// Kills one process by its id; one that is gone already is no error.
pub(crate) fn kill_by_id(id: u32) {
    #[cfg(unix)]
    signal(id, rustix::process::Signal::KILL);
    #[cfg(not(unix))]
    let _ = id;
}

#[cfg(unix)]
fn signal(id: u32, signal: rustix::process::Signal) {
    if let Some(id) = i32::try_from(id).ok().and_then(rustix::process::Pid::from_raw) {
        let _ = rustix::process::kill_process(id, signal);
    }
}

/// All processes below `root`, from `/proc`; empty where there is no `/proc`.
fn descendants(root: u32) -> Vec<u32> {
    let mut parents: Vec<(u32, u32)> = Vec::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(id) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        let stat = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        // `id (name) state parent …`, where the name may hold spaces and parentheses.
        let parent: Option<u32> =
            stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(1)?.parse().ok());
        if let Some(parent) = parent {
            parents.push((id, parent));
        }
    }
    let mut found = vec![root];
    let mut next = 0;
    while let Some(&parent) = found.get(next) {
        found.extend(parents.iter().filter(|(_, of)| *of == parent).map(|(id, _)| *id));
        next += 1;
    }
    found.split_off(1)
}

/// The same command, which the kernel ends when the thread that starts it dies (where the system can do that).
fn bound_to_this_thread(command: &Command) -> Command {
    let mut bound = if cfg!(target_os = "linux") {
        let mut wrapper = Command::new("setpriv");
        wrapper.args(["--pdeathsig", "KILL", "--"]).arg(command.get_program());
        wrapper
    } else {
        Command::new(command.get_program())
    };
    bound.args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => bound.env(name, value),
            None => bound.env_remove(name),
        };
    }
    if let Some(dir) = command.get_current_dir() {
        bound.current_dir(dir);
    }
    bound
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    fn scratch(name: &str) -> PathBuf {
        std::env::temp_dir().join(format!("desk-harness-{}-{name}", std::process::id()))
    }

    fn alive(id: u32) -> bool {
        // A zombie has ended; only its parent has not looked yet.
        fs::read_to_string(format!("/proc/{id}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
    }

    #[test]
    fn the_first_line_is_read_and_everything_is_logged() {
        let log = scratch("talking.log");
        let mut process =
            Process::start_talking(&shell("echo ready; echo more; exec sleep 60"), &log).unwrap();
        assert_eq!(process.first_line(Duration::from_secs(10)).unwrap(), "ready");
        poll_until("the log", Duration::from_secs(10), || Ok(tail(&log).contains("more").then_some(())))
            .unwrap();
        fs::remove_file(log).unwrap();
    }

    #[test]
    fn a_program_that_ends_early_is_reported_with_its_last_words() {
        let log = scratch("early.log");
        let mut process = Process::start_talking(&shell("echo no disk >&2; exit 3"), &log).unwrap();
        let error = process.first_line(Duration::from_secs(10)).unwrap_err().to_string();
        assert!(error.contains("no disk"), "{error}");
        fs::remove_file(log).unwrap();
    }

    #[test]
    fn a_missing_program_is_named_with_the_remedy() {
        let log = scratch("missing.log");
        let started = Process::start_talking(&Command::new("no-such-program-anywhere"), &log);
        // Where a wrapper starts it, the wrapper starts and then fails.
        let error = match started {
            Err(error) => error.to_string(),
            Ok(mut process) => process.first_line(Duration::from_secs(10)).unwrap_err().to_string(),
        };
        assert!(error.contains("no-such-program-anywhere"), "{error}");
        fs::remove_file(log).unwrap();
    }

    #[test]
    fn a_dropped_process_takes_its_children_along() {
        let log = scratch("drop.log");
        let mut process = Process::start_talking(&shell("sleep 60 & echo $!; wait"), &log).unwrap();
        let child: u32 = process.first_line(Duration::from_secs(10)).unwrap().parse().unwrap();
        assert!(alive(child));
        drop(process);
        poll_until("the child's end", Duration::from_secs(10), || Ok((!alive(child)).then_some(()))).unwrap();
        fs::remove_file(log).unwrap();
    }
}
