//! Calls of Cargo for the host. All of them name the same packages, so that features unify the same way each time and
//! nothing is compiled twice.

use std::env;
use std::process::Command;

use anyhow::{Context, bail};

use crate::project::Project;

/// Everything but `xtask`, which is compiled already, alone and with features of its own.
pub(crate) const PRODUCT: [&str; 3] = ["--workspace", "--exclude", "xtask"];

/// A call of the Cargo that runs us, in the project's root.
pub(crate) fn cargo(project: &Project) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(project.root());
    // Said to us about our own package; a nested Cargo must find its own.
    for name in ["CARGO_MANIFEST_DIR", "CARGO_MANIFEST_PATH", "CARGO_PKG_NAME", "CARGO_PKG_VERSION"] {
        command.env_remove(name);
    }
    command
}

/// Runs a command to its end with its output on the terminal.
pub(crate) fn succeed(command: &mut Command) -> anyhow::Result<()> {
    let line = line(command);
    let status = command.status().with_context(|| format!("cannot start `{line}`"))?;
    if !status.success() {
        bail!("`{line}` ended with {status}");
    }
    Ok(())
}

/// Runs a command to its end and returns its standard output.
pub(crate) fn output(command: &mut Command) -> anyhow::Result<String> {
    let line = line(command);
    let output = command.output().with_context(|| format!("cannot start `{line}`"))?;
    if !output.status.success() {
        bail!(
            "`{line}` ended with {}\n{}",
            output.status,
            String::from_utf8_lossy(&output.stderr).trim_end()
        );
    }
    String::from_utf8(output.stdout).with_context(|| format!("`{line}` printed something that is no UTF-8"))
}

/// Whether a command can be started and succeeds; its output is dropped.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}

/// Builds the product's programs.
pub(crate) fn build_programs(project: &Project, release: bool) -> anyhow::Result<()> {
    let mut command = cargo(project);
    command.arg("build").args(PRODUCT).arg("--bins");
    if release {
        command.arg("--release");
    } else {
        // A small test beside them brings in what dev-dependencies ask of shared crates. Without it a hundred crates,
        // Tauri among them, would be compiled once for `run` and once more for `test`.
        command.args(["--test", "journeys"]);
    }
    succeed(&mut command)
}

/// The command as one would type it.
pub(crate) fn line(command: &Command) -> String {
    let mut line = command.get_program().to_string_lossy().into_owned();
    for argument in command.get_args() {
        line.push(' ');
        line.push_str(&argument.to_string_lossy());
    }
    line
}
