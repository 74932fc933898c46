//! `cargo xtask test`: what CI checks, step by step.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::{Args, ValueEnum};

use crate::arrows;
use crate::cargo::{PRODUCT, cargo, succeed, succeeds};
use crate::exports;
use crate::progress;
use crate::project::Project;
use crate::setup::wasm::Toolchain;
use crate::setup::{self, Scope};
use crate::targets;
use crate::ui;

/// Where the journeys find the product's programs. Set by nobody else, so that they cannot run against old ones.
const PROGRAMS: &str = "DESK_JOURNEYS_PROGRAMS";

/// One thing that is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Step {
    /// Formatting.
    Fmt,
    /// Dependency arrows.
    CheckDeps,
    /// The interface compiles for WASM and `ui/dist` is made; the shell embeds it.
    Ui,
    /// Lints of everything that runs on the host.
    Clippy,
    /// Lints of the interface as it is compiled for WASM.
    ClippyWasm,
    /// The shell compiles for Windows and macOS (checked on Linux alone).
    Targets,
    /// All tests but the journeys.
    Tests,
    /// The examples in the documentation.
    DocTests,
    /// The JavaScript Automerge reads what `desk export` writes.
    Exports,
    /// The journeys in the real window.
    Journeys,
}

/// In the order in which they run: what is quick and often wrong comes first.
const STEPS: [Step; 10] = [
    Step::Fmt,
    Step::CheckDeps,
    Step::Ui,
    Step::Clippy,
    Step::ClippyWasm,
    Step::Targets,
    Step::Tests,
    Step::DocTests,
    Step::Exports,
    Step::Journeys,
];

/// What to check.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Only these steps.
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Step>,
    /// Go on after a step that fails.
    #[arg(long)]
    keep_going: bool,
    /// Only tests with this in their name, in the steps that run tests.
    #[arg(long, value_name = "NAME")]
    filter: Option<String>,
}

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Passed(Duration),
    Failed(Duration),
    NotRun,
}

/// Runs the steps and tells how each ended; fails if one did.
pub(crate) fn run(project: &Project, options: &Options) -> anyhow::Result<()> {
    let chosen: Vec<Step> =
        STEPS.into_iter().filter(|step| options.only.is_empty() || options.only.contains(step)).collect();
    progress::step("set-up", || setup::install(project, scope(&chosen)))?;
    // Tauri embeds `ui/dist` when the shell is compiled, for lints as well.
    if !chosen.contains(&Step::Ui)
        && chosen.iter().any(|step| needs_interface(*step))
        && !ui::is_built(project)
    {
        ui::build(project, ui::Options::default())?;
    }
    let start = Instant::now();
    let mut outcomes: Vec<(Step, Outcome)> = Vec::new();
    let mut first_error: Option<(Step, anyhow::Error)> = None;
    for step in chosen {
        if first_error.is_some() && !options.keep_going {
            outcomes.push((step, Outcome::NotRun));
            continue;
        }
        let began = Instant::now();
        let done = progress::step(name(step), || check(project, step, options));
        let took = began.elapsed();
        outcomes.push((step, if done.is_ok() { Outcome::Passed(took) } else { Outcome::Failed(took) }));
        if let Err(error) = done {
            first_error.get_or_insert((step, error));
        }
    }
    for line in summary(&outcomes) {
        progress::note(&line);
    }
    match first_error {
        None => {
            progress::note(&format!("all passed in {}", progress::seconds(start.elapsed())));
            Ok(())
        }
        Some((step, error)) => Err(error.context(format!("{} failed", name(step)))),
    }
}

fn summary(outcomes: &[(Step, Outcome)]) -> Vec<String> {
    outcomes
        .iter()
        .map(|(step, outcome)| {
            let told = match outcome {
                Outcome::Passed(took) => format!("passed   {:>12}", progress::seconds(*took)),
                Outcome::Failed(took) => format!("FAILED   {:>12}", progress::seconds(*took)),
                Outcome::NotRun => "not run".to_owned(),
            };
            format!("  {:<28} {told}", name(*step))
        })
        .collect()
}

fn name(step: Step) -> &'static str {
    match step {
        Step::Fmt => "formatting",
        Step::CheckDeps => "dependency arrows",
        Step::Ui => "interface",
        Step::Clippy => "lints for the host",
        Step::ClippyWasm => "lints for WASM",
        Step::Targets => "types on Windows and macOS",
        Step::Tests => "tests",
        Step::DocTests => "documentation tests",
        Step::Exports => "exports read by others",
        Step::Journeys => "journeys in the real window",
    }
}

/// Whether a step compiles the shell.
fn needs_interface(step: Step) -> bool {
    match step {
        Step::Clippy | Step::Targets | Step::Tests | Step::DocTests | Step::Exports | Step::Journeys => true,
        Step::Fmt | Step::CheckDeps | Step::Ui | Step::ClippyWasm => false,
    }
}

/// What must be installed for these steps.
fn scope(steps: &[Step]) -> Scope {
    if steps.iter().any(|step| matches!(step, Step::Tests | Step::Exports | Step::Journeys)) {
        Scope::Everything
    } else if steps.contains(&Step::Targets) {
        Scope::Targets
    } else if steps.iter().any(|step| needs_interface(*step)) {
        Scope::Window
    } else {
        Scope::Interface
    }
}

fn check(project: &Project, step: Step, options: &Options) -> anyhow::Result<()> {
    match step {
        Step::Fmt => succeed(cargo(project).args(["fmt", "--all", "--check"])),
        Step::CheckDeps => arrows::check(project),
        Step::Ui => ui::build(project, ui::Options::default()),
        Step::Clippy => {
            succeed(cargo(project).arg("clippy").args(PRODUCT).args([
                "--all-targets",
                "--",
                "-D",
                "warnings",
            ]))?;
            succeed(cargo(project).args(["clippy", "-p", "xtask", "--all-targets", "--", "-D", "warnings"]))
        }
        Step::ClippyWasm => clippy_wasm(project),
        Step::Targets if cfg!(target_os = "linux") => targets::check(project),
        Step::Targets => Ok(()),
        Step::Tests => tests(project, options),
        Step::DocTests => {
            let mut command = cargo(project);
            command.arg("test").args(PRODUCT).arg("--doc");
            succeed(command.args(options.filter.iter()))
        }
        Step::Exports => {
            build_for_tests(project)?;
            exports::check(project, &project.programs(false))
        }
        Step::Journeys => journeys(project, options),
    }
}

/// The interface, linted for its own target; where the compiler for WASM has no clippy, its own warnings must do, and the
/// lints for the host have looked at the same code.
fn clippy_wasm(project: &Project) -> anyhow::Result<()> {
    let toolchain = Toolchain::install(project)?;
    if toolchain.has_clippy() {
        let mut clippy = toolchain.cargo(project, "clippy");
        return succeed(clippy.args(["--package", ui::PACKAGE, "--", "-D", "warnings"]));
    }
    progress::note("Debian's compiler has no clippy: the interface is only compiled");
    succeed(toolchain.cargo(project, "check").args(["--package", ui::PACKAGE]))
}

/// All tests of the product and of `xtask`. The journeys are not among them: their target says `test = false`.
fn tests(project: &Project, options: &Options) -> anyhow::Result<()> {
    let nextest = succeeds(cargo(project).args(["nextest", "--version"]));
    for packages in [PRODUCT.as_slice(), &["--package", "xtask"]] {
        let mut command = cargo(project);
        if nextest {
            command.args(["nextest", "run", "--no-fail-fast", "--no-tests", "pass"]);
        } else {
            command.args(["test", "--no-fail-fast"]);
        }
        command.args(packages).args(["--bins", "--tests"]).args(options.filter.iter());
        succeed(&mut command)?;
    }
    Ok(())
}

/// The programs, with the tests beside them, as the step of the tests has it: the same features, so nothing is compiled again.
fn build_for_tests(project: &Project) -> anyhow::Result<()> {
    succeed(cargo(project).arg("build").args(PRODUCT).args(["--bins", "--tests", "--test", "journeys"]))
}

/// The journeys, against programs that are built here and now.
fn journeys(project: &Project, options: &Options) -> anyhow::Result<()> {
    build_for_tests(project)?;
    let mut command: Command = cargo(project);
    command.arg("test").args(PRODUCT).args(["--test", "journeys"]).args(options.filter.iter());
    command.env(PROGRAMS, project.programs(false));
    // A journey's error tells what was seen; the frames of the runtime below it would bury that.
    command.env("RUST_BACKTRACE", "0");
    // Each journey is a server and several windows; more at once only makes them slow.
    command.args(["--", "--nocapture", "--test-threads", "1"]);
    succeed(&mut command).context("the logs and pictures of failed journeys are in target/journeys")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_is_in_the_list_once() {
        for step in Step::value_variants() {
            assert_eq!(STEPS.iter().filter(|other| *other == step).count(), 1, "{step:?}");
        }
    }

    #[test]
    fn the_summary_tells_how_each_step_ended() {
        let lines = summary(&[
            (Step::Fmt, Outcome::Passed(Duration::from_secs(2))),
            (Step::Tests, Outcome::Failed(Duration::from_secs(90))),
            (Step::Journeys, Outcome::NotRun),
        ]);
        assert_eq!(lines.len(), 3);
        assert!(lines[0].contains("passed") && lines[0].contains("2.0 s"), "{}", lines[0]);
        assert!(lines[1].contains("FAILED") && lines[1].contains("1 min 30 s"), "{}", lines[1]);
        assert!(lines[2].contains("not run"), "{}", lines[2]);
    }
}
