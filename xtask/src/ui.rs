//! Builds the Yew interface into `ui/dist`, which the shell embeds.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use wasm_bindgen_cli_support::Bindgen;

use crate::cargo::succeed;
use crate::progress;
use crate::project::Project;
use crate::setup::wasm::{TARGET, Toolchain};

/// The interface's package, which is also the name of its program.
pub(crate) const PACKAGE: &str = "desk-ui";

/// What its JavaScript and module are called, as `ui/static/boot.js` loads them.
const NAME: &str = "ui";

/// How to build the interface.
#[derive(Debug, Clone, Copy, Default, Args)]
pub(crate) struct Options {
    /// Compile quickly, for trying things out: little optimisation, names kept for stack traces.
    #[arg(long)]
    dev: bool,
}

/// Compiles the interface, makes its JavaScript, and puts both beside the static files.
pub(crate) fn build(project: &Project, options: Options) -> anyhow::Result<()> {
    let toolchain = Toolchain::install(project)?;
    progress::step("building the interface", || {
        check_bindgen_version(project)?;
        let profile = if options.dev { "wasm-dev" } else { "wasm" };
        succeed(toolchain.cargo(project, "build").args(["--package", PACKAGE, "--profile", profile]))?;
        let module = toolchain.target_dir(project).join(TARGET).join(profile).join(format!("{PACKAGE}.wasm"));

        // Made aside, then compared: a file that did not change keeps its time, and the shell is not built for nothing.
        let made = project.target().join("ui-dist");
        if made.exists() {
            fs::remove_dir_all(&made)?;
        }
        fs::create_dir_all(&made)?;
        Bindgen::new()
            .input_path(&module)
            .out_name(NAME)
            .web(true)?
            .typescript(false)
            .remove_name_section(!options.dev)
            .remove_producers_section(true)
            .generate(&made)
            .with_context(|| format!("wasm-bindgen could not read {}", module.display()))?;
        write_file(&made.join("index.html"), &fs::read(project.root().join("ui/index.html"))?)?;
        let fixed = project.root().join("ui/static");
        for file in files(&fixed)? {
            write_file(&made.join(&file), &fs::read(fixed.join(&file))?)?;
        }
        let changed = mirror(&made, &project.root().join("ui/dist"))?;
        let size = fs::metadata(made.join(format!("{NAME}_bg.wasm")))?.len();
        progress::note(&format!("ui/dist: {changed} files changed; the module has {} kB", size / 1000));
        Ok(())
    })
}

/// Whether `ui/dist` holds an interface, so that the shell can be compiled.
pub(crate) fn is_built(project: &Project) -> bool {
    project.root().join("ui/dist/index.html").is_file()
}

/// The library that makes the JavaScript and the one that was compiled in must be the same version to the digit.
fn check_bindgen_version(project: &Project) -> anyhow::Result<()> {
    let lock = fs::read_to_string(project.root().join("Cargo.lock"))?;
    let version = |name| locked_version(&lock, name).with_context(|| format!("Cargo.lock has no {name}"));
    let (library, compiled) = (version("wasm-bindgen-cli-support")?, version("wasm-bindgen")?);
    if library != compiled {
        bail!(
            "Cargo.lock has wasm-bindgen {compiled}, and xtask/Cargo.toml pins wasm-bindgen-cli-support {library}; \
             make the two the same"
        );
    }
    Ok(())
}

fn locked_version<'lock>(lock: &'lock str, package: &str) -> Option<&'lock str> {
    let mut lines = lock.lines();
    lines.find(|line| *line == format!("name = \"{package}\""))?;
    lines.next()?.strip_prefix("version = \"")?.strip_suffix('"')
}

/// Makes `to` hold exactly the files of `from`, writing only what differs. Returns how many files changed.
fn mirror(from: &Path, to: &Path) -> anyhow::Result<usize> {
    fs::create_dir_all(to)?;
    let wanted = files(from)?;
    let mut changed = 0;
    for file in files(to)?.difference(&wanted) {
        fs::remove_file(to.join(file))?;
        changed += 1;
    }
    for file in &wanted {
        let content = fs::read(from.join(file))?;
        let place = to.join(file);
        if fs::read(&place).ok().as_ref() != Some(&content) {
            write_file(&place, &content)?;
            changed += 1;
        }
    }
    Ok(changed)
}

fn write_file(place: &Path, content: &[u8]) -> anyhow::Result<()> {
    if let Some(dir) = place.parent() {
        fs::create_dir_all(dir)?;
    }
    fs::write(place, content).with_context(|| format!("cannot write {}", place.display()))
}

/// All files below a directory, by their paths relative to it.
fn files(dir: &Path) -> anyhow::Result<BTreeSet<PathBuf>> {
    let mut found = BTreeSet::new();
    let mut waiting = vec![PathBuf::new()];
    while let Some(relative) = waiting.pop() {
        let here = dir.join(&relative);
        for entry in fs::read_dir(&here).with_context(|| format!("cannot read {}", here.display()))? {
            let entry = entry?;
            let path = relative.join(entry.file_name());
            if entry.file_type()?.is_dir() {
                waiting.push(path);
            } else {
                found.insert(path);
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mirror_writes_only_what_differs_and_drops_what_is_gone() {
        let dir = std::env::temp_dir().join(format!("xtask-mirror-{}", std::process::id()));
        let (from, to) = (dir.join("from"), dir.join("to"));
        write_file(&from.join("a"), b"1").unwrap();
        write_file(&from.join("deep/b"), b"2").unwrap();
        write_file(&to.join("a"), b"1").unwrap();
        write_file(&to.join("old/c"), b"3").unwrap();
        let untouched = fs::metadata(to.join("a")).unwrap().modified().unwrap();

        assert_eq!(mirror(&from, &to).unwrap(), 2);

        assert_eq!(files(&to).unwrap(), BTreeSet::from([PathBuf::from("a"), PathBuf::from("deep/b")]));
        assert_eq!(fs::metadata(to.join("a")).unwrap().modified().unwrap(), untouched);
        assert_eq!(mirror(&from, &to).unwrap(), 0);
        fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn the_locked_version_is_of_that_package_alone() {
        let lock = "[[package]]\nname = \"wasm-bindgen-macro\"\nversion = \"0.2.9\"\n\n\
                    [[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.130\"\n";
        assert_eq!(locked_version(lock, "wasm-bindgen"), Some("0.2.130"));
        assert_eq!(locked_version(lock, "yew"), None);
    }
}
