//! The project's own server, run as its users run it.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{HarnessError, Process};

/// How long the server may take to open its database and listen.
const READY: Duration = Duration::from_mins(1);

/// What `workernet-server demo` prints: how to sign in to the demo workspace.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Demo {
    /// The workspace's slug.
    pub workspace: String,
    /// The password of every demo member.
    pub password: String,
}

/// What `workernet-server serve` prints once it is ready.
#[derive(Debug, Deserialize)]
struct Listening {
    listening: String,
}

/// A running server over one data directory.
#[derive(Debug)]
pub struct Server {
    process: Process,
    address: String,
}

impl Server {
    /// Makes the demo workspace in `data` and tells how to sign in to it. `tickets` and `seed` are the server's own
    /// defaults where they are `None`.
    pub fn demo(
        binary: &Path,
        data: &Path,
        tickets: Option<u32>,
        seed: Option<u64>,
    ) -> Result<Demo, HarnessError> {
        let mut arguments = vec!["demo".to_owned()];
        if let Some(tickets) = tickets {
            arguments.extend(["--tickets".to_owned(), tickets.to_string()]);
        }
        if let Some(seed) = seed {
            arguments.extend(["--seed".to_owned(), seed.to_string()]);
        }
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let answer = Self::call(binary, data, &arguments, "")?;
        // What it says on its way is on standard error; the answer is the last line.
        answer
            .lines()
            .rev()
            .find_map(|line| serde_json::from_str(line).ok())
            .ok_or_else(|| HarnessError::Answer { program: "workernet-server demo".to_owned(), answer })
    }

    /// Runs one command of the server's to its end, with `input` on its standard input; returns its standard output.
    pub fn call(binary: &Path, data: &Path, arguments: &[&str], input: &str) -> Result<String, HarnessError> {
        let program = format!("{} {}", binary.display(), arguments.join(" "));
        let start = |source| HarnessError::Start { program: program.clone(), source };
        let mut child = Command::new(binary)
            .arg("--data-dir")
            .arg(data)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(start)?;
        if let Some(mut stdin) = child.stdin.take() {
            // A command that reads no input may have ended already; its exit status says what matters.
            let _ = stdin.write_all(input.as_bytes());
        }
        let output = child.wait_with_output().map_err(start)?;
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        } else {
            let answer = format!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim());
            Err(HarnessError::Answer { program, answer })
        }
    }

    /// Starts to serve `data` on `listen` (`127.0.0.1:0` for a free port) and returns when it is ready.
    pub fn start(
        binary: &Path,
        data: &Path,
        listen: &str,
        log: impl Into<PathBuf>,
    ) -> Result<Self, HarnessError> {
        let mut command = Command::new(binary);
        command.arg("--data-dir").arg(data).args(["serve", "--listen", listen]);
        let mut process = Process::start_talking(&command, log)?;
        let line = process.first_line(READY)?;
        let ready: Listening = serde_json::from_str(&line)
            .map_err(|_| process.failed(&format!("should have said where it listens, and said {line:?}")))?;
        Ok(Self { process, address: ready.listening })
    }

    /// `127.0.0.1:PORT`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The process itself, to stop, kill or look at.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }
}
