//! `cargo xtask fuzz`: the fuzz targets in `fuzz/`, a workspace of its own, instrumented for libFuzzer on the stable
//! toolchain. What is found stays in `fuzz/artifacts`, what was learned in `fuzz/corpus`.

use std::fs;

use anyhow::Context;
use clap::Args;

use crate::{
    cargo::{cargo, succeed},
    project::Project,
};

/// Every target.
const TARGETS: [&str; 3] = ["wire", "change", "snapshot"];
/// Where a target writes the inputs to begin with (`desk_fuzz::CORPUS`).
const CORPUS: &str = "DESK_FUZZ_CORPUS";
/// What `cargo fuzz` passes, without the address sanitizer, which needs a nightly toolchain and has no `unsafe` to look at.
const INSTRUMENTED: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1 --cfg fuzzing";
/// With `--target`, build scripts and macros are left uninstrumented.
const TRIPLE: &str = "x86_64-unknown-linux-gnu";

/// How to fuzz.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// How long each target runs.
    #[arg(long, default_value_t = 60)]
    seconds: u32,
    /// Only this one; all without it.
    #[arg(long, value_parser = TARGETS)]
    target: Option<String>,
}

/// Builds the targets and runs them one after the other; the first finding ends it.
pub(crate) fn run(project: &Project, options: &Options) -> anyhow::Result<()> {
    let dir = project.root().join("fuzz");
    let target_dir = project.target().join("fuzz");
    let mut build = cargo(project);
    build.current_dir(&dir).args(["build", "--release", "--bins", "--target", TRIPLE]);
    build.env("CARGO_TARGET_DIR", &target_dir).env("RUSTFLAGS", INSTRUMENTED);
    succeed(&mut build)?;
    for target in TARGETS.into_iter().filter(|name| options.target.as_deref().is_none_or(|one| one == *name))
    {
        let (corpus, artifacts) = (dir.join("corpus"), dir.join("artifacts").join(target));
        for dir in [&corpus.join(target), &artifacts] {
            fs::create_dir_all(dir).with_context(|| dir.display().to_string())?;
        }
        let mut fuzz = std::process::Command::new(target_dir.join(TRIPLE).join("release").join(target));
        fuzz.current_dir(&corpus).env(CORPUS, &corpus).arg(target);
        fuzz.arg(format!("-max_total_time={}", options.seconds));
        fuzz.arg(format!("-artifact_prefix={}/", artifacts.display()));
        fuzz.args(["-max_len=65536", "-timeout=10", "-rss_limit_mb=1500"]);
        succeed(&mut fuzz)
            .with_context(|| format!("a finding of `{target}`; the input is in fuzz/artifacts"))?;
    }
    Ok(())
}
