//! `cargo xtask check-targets`: the shell, type-checked on Linux for the systems it is not built on here.
//!
//! Only Rust is looked at. A check links nothing, so the C parts of other people's libraries (SQLCipher, zstd, aws-lc) are left
//! empty by a stand-in for the compiler: neither a foreign tool chain nor a foreign OpenSSL is needed, and the check takes a few
//! minutes. They are compiled where the installers are made.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};

use crate::cargo::{output, succeed};
use crate::progress;
use crate::project::Project;
use crate::setup::{self, Scope, wasm};
use crate::ui;

/// A system to check for.
struct Target {
    /// Rust's name of it.
    triple: &'static str,
    /// What people call it.
    name: &'static str,
}

const TARGETS: [Target; 2] = [
    Target { triple: "x86_64-pc-windows-gnu", name: "Windows" },
    Target { triple: "aarch64-apple-darwin", name: "macOS" },
];

/// Stands in for the C compiler. What a build script only asks (which compiler, which version of a library) the host's own
/// compiler answers, told nothing of the target; what was to be compiled becomes an empty file.
const STAND_IN: &str = r#"#!/bin/sh
out=
asks=
expects=
for argument; do
    if [ -n "$expects" ]; then
        out=$argument
        expects=
        continue
    fi
    case $argument in
        -o) expects=yes ;;
        -o?*) out=${argument#-o} ;;
        -E|--version|-v|-dumpversion|-dumpmachine) asks=yes ;;
    esac
done
if [ -n "$asks" ]; then
    skip=
    for argument; do
        shift
        if [ -n "$skip" ]; then
            skip=
            continue
        fi
        case $argument in
            -arch|-target|-isysroot) skip=yes ;;
            --target=*|-mmacosx-version-min=*|-mios-version-min=*) ;;
            *) set -- "$@" "$argument" ;;
        esac
    done
    exec cc "$@"
fi
# An option of another family of compilers: it must not be taken for one of those.
[ -n "$out" ] || exit 1
: > "$out"
"#;

/// Checks the shell for all of them.
pub(crate) fn check(project: &Project) -> anyhow::Result<()> {
    if !cfg!(target_os = "linux") {
        bail!("checking for other systems is set up on Linux alone; here `cargo check` checks for this one");
    }
    setup::install(project, Scope::Targets)?;
    // The shell embeds the interface when it is compiled.
    if !ui::is_built(project) {
        ui::build(project, ui::Options::default())?;
    }
    let dir = project.target().join("targets");
    let compiler = stand_in(&dir)?;
    for target in &TARGETS {
        let mut check = command(project, target, &dir, &compiler)
            .with_context(|| format!("there is no way to compile for {}", target.name))?;
        progress::step(&format!("type-checking the shell for {}", target.name), || succeed(&mut check))?;
    }
    Ok(())
}

/// What `windres` calls to read the icon's resource file; it has that compiler and no other.
const WINDRES_COMPILER: &str = "x86_64-w64-mingw32-gcc";

/// The stand-in, under a name that cannot be mistaken for a compiler's, and in a directory of its own under the one that
/// `windres` calls.
fn stand_in(dir: &Path) -> anyhow::Result<PathBuf> {
    write_stand_in(&tools(dir).join(WINDRES_COMPILER))?;
    let compiler = dir.join("stand-in-cc");
    write_stand_in(&compiler)?;
    Ok(compiler)
}

fn tools(dir: &Path) -> PathBuf {
    dir.join("tools")
}

fn write_stand_in(compiler: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(compiler.parent().context("a compiler without a directory")?)?;
    // Build scripts run again when their compiler changes, so it is written only where it is another one.
    if fs::read_to_string(compiler).ok().as_deref() != Some(STAND_IN) {
        fs::write(compiler, STAND_IN)?;
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(compiler, fs::Permissions::from_mode(0o755))?;
    }
    Ok(())
}

fn command(project: &Project, target: &Target, dir: &Path, compiler: &Path) -> anyhow::Result<Command> {
    let mut command = wasm::check_command(project, target.triple)?;
    command.args(["--package", "workernet-desk", "--lib", "--bins", "--target-dir"]).arg(dir);
    let suffix = target.triple.replace('-', "_");
    for tool in ["CC", "CXX"] {
        command.env(format!("{tool}_{suffix}"), compiler);
    }
    command.env(format!("AR_{suffix}"), "ar");
    let known = command
        .get_envs()
        .find(|(name, _)| *name == "PATH")
        .and_then(|(_, path)| path.map(ToOwned::to_owned));
    let path = known.or_else(|| env::var_os("PATH")).unwrap_or_default();
    let path = std::iter::once(tools(dir)).chain(env::split_paths(&path));
    command.env("PATH", env::join_paths(path)?);
    let upper = suffix.to_uppercase();
    // Read and not linked: the host's headers say which version of OpenSSL the bindings are for, and none is built.
    command.env(format!("{upper}_OPENSSL_NO_VENDOR"), "1");
    command.env(format!("{upper}_OPENSSL_INCLUDE_DIR"), openssl_headers()?);
    command.env(format!("{upper}_OPENSSL_LIB_DIR"), dir);
    command.env(format!("{upper}_OPENSSL_STATIC"), "0");
    // Assembler that is not run either.
    command.env("AWS_LC_SYS_PREBUILT_NASM", "1");
    Ok(command)
}

fn openssl_headers() -> anyhow::Result<String> {
    let dir = output(Command::new("pkg-config").args(["--variable", "includedir", "openssl"]))?;
    Ok(dir.trim().to_owned())
}
