//! `cargo xtask`: everything around the product's code, with nothing to install first but a Rust toolchain.
//!
//! Purpose: set up a machine, build the interface, run the product with a demo workspace, and check all of it with one
//! command, the same on a desk and in CI.
//!
//! Invariants:
//! - Every command calls [`setup`] first, which is quick when nothing is missing and otherwise installs it or says how.
//! - What a command starts, it ends.
//! - Dependencies stay light: this is compiled before anything else is.

mod arrows;
mod bench;
mod cargo;
mod check;
mod embedded;
mod exports;
mod fuzz;
mod progress;
mod project;
mod run;
mod setup;
mod targets;
mod ui;
mod webdriver;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::project::Project;
use crate::setup::Scope;

/// Set-up, build, run, test and bench of WorkerNet Desk.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Install what is missing on this machine: system packages and the WASM target. The other commands do it too.
    Setup,
    /// Build the interface into `ui/dist`.
    Ui(ui::Options),
    /// Start the embedded server with the demo workspace and open the window, signed in.
    Run(run::Options),
    /// Check everything that CI checks: formatting, lints, dependency arrows, all tests, the journeys in the real window.
    Test(check::Options),
    /// Check that workspace crates depend only on what DESIGN.md §2 allows them.
    CheckDeps,
    /// Type-check the shell for Windows and macOS (on Linux).
    CheckTargets,
    /// Measure what the README states.
    Bench(bench::Options),
    /// Feed hostile bytes to what reads the wire, changes and snapshots (Linux).
    Fuzz(fuzz::Options),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match perform(arguments.task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            progress::note(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn perform(task: Task) -> anyhow::Result<()> {
    let project = Project::find()?;
    match task {
        Task::Setup => {
            setup::install(&project, Scope::Everything)?;
            progress::note("everything that is needed is installed");
            Ok(())
        }
        Task::Ui(options) => {
            setup::install(&project, Scope::Interface)?;
            ui::build(&project, options)
        }
        Task::Run(options) => run::run(&project, &options),
        Task::Test(options) => check::run(&project, &options),
        Task::CheckDeps => arrows::check(&project),
        Task::CheckTargets => targets::check(&project),
        Task::Fuzz(options) => fuzz::run(&project, &options),
        Task::Bench(options) => bench::run(&project, &options),
    }
}
