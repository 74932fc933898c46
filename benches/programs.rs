//! The product's programs, built with optimisation, and the command line among them.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

use anyhow::{Context, bail, ensure};
use serde_json::Value;

/// Set by `cargo xtask bench`, after it has built the programs there.
const PROGRAMS: &str = "DESK_BENCH_PROGRAMS";

/// Where the programs are.
#[derive(Debug, Clone)]
pub(crate) struct Programs(PathBuf);

impl Programs {
    pub(crate) fn find() -> anyhow::Result<Self> {
        let Some(programs) = env::var_os(PROGRAMS).map(PathBuf::from) else {
            bail!("this measures programs that are built for it: run `cargo xtask bench`");
        };
        Ok(Self(programs))
    }

    /// One of `workernet-desk`, `workernet-server`, `desk`.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.0.join(format!("{name}{}", env::consts::EXE_SUFFIX))
    }

    /// A directory for one bench, on the disk that the build is on and not in a memory file system.
    pub(crate) fn dir(&self, name: &str) -> anyhow::Result<PathBuf> {
        let dir = self.0.parent().context("the programs' directory has no parent")?.join("bench").join(name);
        fs::create_dir_all(&dir)?;
        Ok(dir)
    }

    /// Runs `desk --json` on a data directory, with `input` on its standard input; returns what it prints.
    pub(crate) fn desk(&self, data: &Path, arguments: &[&str], input: &str) -> anyhow::Result<Value> {
        let mut child = Command::new(self.program("desk"))
            .args(["--json", "--data-dir"])
            .arg(data)
            .args(arguments)
            // The person's own keychain is no place for the keys of a bench.
            .env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start desk")?;
        if let Some(mut stdin) = child.stdin.take() {
            // A command that reads no input may have ended already; its exit status says what matters.
            let _ = stdin.write_all(input.as_bytes());
        }
        let output = child.wait_with_output()?;
        ensure!(output.status.success(), "`desk {}` ended with {}", arguments.join(" "), output.status);
        serde_json::from_slice(&output.stdout)
            .with_context(|| format!("`desk {}` printed no JSON", arguments.join(" ")))
    }
}
