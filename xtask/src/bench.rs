//! `cargo xtask bench`: runs the measurements whose figures the README states.

use anyhow::bail;
use clap::Args;

use crate::cargo::{PRODUCT, cargo, succeed};
use crate::progress;
use crate::project::Project;
use crate::setup::{self, Scope};
use crate::ui;

/// One measurement: what it is called and the arguments for Cargo that run it. Each prints its own figures.
struct Bench {
    name: &'static str,
    arguments: &'static [&'static str],
}

/// All measurements. A new one is a line here and a bench target in its crate.
const BENCHES: [Bench; 0] = [];

/// What to measure.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Only measurements with this in their name.
    filter: Option<String>,
}

/// Builds with optimisation and runs the measurements one after the other.
pub(crate) fn run(project: &Project, options: &Options) -> anyhow::Result<()> {
    let wanted = |bench: &&Bench| options.filter.as_deref().is_none_or(|filter| bench.name.contains(filter));
    let chosen: Vec<&Bench> = BENCHES.iter().filter(wanted).collect();
    if chosen.is_empty() {
        bail!("there is no such measurement");
    }
    setup::install(project, Scope::Everything)?;
    ui::build(project, ui::Options::default())?;
    progress::step("building with optimisation", || crate::cargo::build_programs(project, true))?;
    for bench in chosen {
        progress::step(bench.name, || succeed(cargo(project).args(bench.arguments).args(PRODUCT)))?;
    }
    Ok(())
}
