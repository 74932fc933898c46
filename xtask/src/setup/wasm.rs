//! A compiler for `wasm32-unknown-unknown`: rustup's target, or else Debian's own compiler with a `std` built once.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use super::system;
use crate::cargo::{cargo, output, succeed};
use crate::progress;
use crate::project::Project;

/// The target's name.
pub(crate) const TARGET: &str = "wasm32-unknown-unknown";

/// Set to `debian` or `rustup` to have that way and no other.
const CHOICE: &str = "XTASK_WASM";

/// How long `rustup target add` may try; it downloads some 20 MB.
const RUSTUP_LIMIT: Duration = Duration::from_mins(5);

/// Debian's compiler, its source of `std`, and its linker (bookworm-security).
const DEBIAN_PACKAGES: [&str; 4] = ["rustc-web", "cargo-web", "rust-web-src", "lld-22"];
const DEBIAN_CARGO: &str = "/usr/bin/cargo";
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_SOURCE_LOCK: &str = "library/Cargo.lock";
const DEBIAN_LINKER: &str = "wasm-ld-22";

/// The oldest compiler that builds this project, as the root `Cargo.toml` says.
const OLDEST: (u32, u32) = (1, 95);

/// How WASM is compiled on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Toolchain {
    /// The toolchain that runs us has the target.
    Own,
    /// Debian's compiler with a sysroot of ours.
    Debian {
        /// The directory that holds `lib/rustlib/wasm32-unknown-unknown`.
        sysroot: PathBuf,
    },
}

impl Toolchain {
    /// Finds a way to compile for WASM, and installs one if there is none.
    pub(crate) fn install(project: &Project) -> anyhow::Result<Self> {
        let choice = env::var(CHOICE).unwrap_or_default();
        match choice.as_str() {
            "debian" => Self::debian(project),
            "rustup" => {
                if !own_has_target(project, TARGET) {
                    add_target(TARGET).context("rustup could not add the WASM target")?;
                }
                Ok(Self::Own)
            }
            "" => {
                if own_has_target(project, TARGET) {
                    return Ok(Self::Own);
                }
                match progress::step("adding the WASM target with rustup", || add_target(TARGET)) {
                    Ok(()) if own_has_target(project, TARGET) => Ok(Self::Own),
                    Ok(()) => bail!("rustup added the WASM target, and yet `rustc` does not find it"),
                    Err(error) => {
                        progress::note(&format!("{error:#}; using Debian's own compiler for WASM instead"));
                        Self::debian(project).with_context(|| {
                            format!(
                                "there is no way to compile for WASM: `rustup target add {TARGET}` fails ({error:#})"
                            )
                        })
                    }
                }
            }
            other => bail!("{CHOICE} is `debian` or `rustup`, not {other:?}"),
        }
    }

    /// Whether `cargo clippy` can look at WASM code; Debian's compiler comes without it.
    pub(crate) fn has_clippy(&self) -> bool {
        matches!(self, Self::Own)
    }

    /// A Cargo command (`build`, `check`, …) for the WASM target, with a target directory of its own: the host's and
    /// the interface's builds do not wait for each other, and the two compilers do not undo each other's work.
    pub(crate) fn cargo(&self, project: &Project, command: &str) -> Command {
        let mut call = match self {
            Self::Own => {
                let mut call = cargo(project);
                call.arg(command);
                call
            }
            Self::Debian { sysroot } => {
                let mut call = Command::new(DEBIAN_CARGO);
                call.current_dir(project.root()).arg(command);
                debian_environment(&mut call);
                call.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", DEBIAN_LINKER);
                // One flag without a space in it: a path with spaces stays whole.
                call.env("CARGO_ENCODED_RUSTFLAGS", format!("--sysroot={}", sysroot.display()));
                call
            }
        };
        call.args(["--target", TARGET, "--target-dir"]).arg(self.target_dir(project));
        call
    }

    /// Where this toolchain's output goes.
    pub(crate) fn target_dir(&self, project: &Project) -> PathBuf {
        project.target().join(match self {
            Self::Own => "wasm",
            Self::Debian { .. } => "wasm-debian",
        })
    }

    fn debian(project: &Project) -> anyhow::Result<Self> {
        let version = debian_installed(TARGET)?;
        // Cargo does not notice a sysroot that is replaced in place, so its path names the compiler.
        let sysroot = project.target().join("wasm-debian").join(format!("sysroot-{}", version.name));
        if !sysroot.join(".complete").is_file() {
            progress::step("building std for WASM with Debian's compiler (once, about a minute)", || {
                build_std(project, &sysroot)
            })?;
        }
        Ok(Self::Debian { sysroot })
    }
}

/// `cargo check` for a foreign target: by the toolchain that runs us, or else by Debian's, which compiles `std` on the way.
pub(crate) fn check_command(project: &Project, target: &str) -> anyhow::Result<Command> {
    let forced = env::var(CHOICE).is_ok_and(|choice| choice == "debian");
    if !forced && !own_has_target(project, target) {
        let adding = || add_target(target);
        if let Err(error) = progress::step(&format!("adding the target {target} with rustup"), adding) {
            progress::note(&format!("{error:#}; using Debian's own compiler instead"));
        }
    }
    if !forced && own_has_target(project, target) {
        let mut call = cargo(project);
        call.args(["check", "--target", target]);
        return Ok(call);
    }
    debian_installed(target)?;
    let mut call = Command::new(DEBIAN_CARGO);
    call.current_dir(project.root());
    debian_environment(&mut call);
    // `-Z` on a stable compiler.
    call.env("RUSTC_BOOTSTRAP", "1");
    call.args(["check", "-Zbuild-std=std,panic_unwind", "--target", target]);
    Ok(call)
}

/// Sees to it that Debian's compiler is there and new enough.
fn debian_installed(target: &str) -> anyhow::Result<Version> {
    if !cfg!(target_os = "linux") {
        bail!("Debian's compiler runs on Linux alone; install the target with `rustup target add {target}`");
    }
    if !debian_is_installed() {
        system::install_packages(&DEBIAN_PACKAGES)?;
    }
    let version = debian_version()?;
    if version.number < OLDEST {
        bail!(
            "{DEBIAN_RUSTC} is {}.{}, and {}.{} is needed: enable bookworm-security in apt's sources, or add the target \
             with `rustup target add {target}`",
            version.number.0,
            version.number.1,
            OLDEST.0,
            OLDEST.1
        );
    }
    Ok(version)
}

/// Whether the toolchain that runs us can compile for a target.
fn own_has_target(project: &Project, target: &str) -> bool {
    let mut rustc = Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    rustc.current_dir(project.root()).args(["--print", "target-libdir", "--target", target]);
    output(&mut rustc).is_ok_and(|dir| has_std(Path::new(dir.trim())))
}

fn has_std(dir: &Path) -> bool {
    fs::read_dir(dir)
        .into_iter()
        .flatten()
        .flatten()
        .any(|entry| entry.file_name().to_string_lossy().starts_with("libstd-"))
}

/// `rustup target add`, with an end to its patience.
fn add_target(target: &str) -> anyhow::Result<()> {
    if !system::on_path(&format!("rustup{}", env::consts::EXE_SUFFIX)) {
        bail!("there is no rustup");
    }
    let mut child = Command::new("rustup")
        .args(["target", "add", target])
        .env("RUSTUP_MAX_RETRIES", "2")
        .spawn()
        .context("cannot start rustup")?;
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            if status.success() {
                return Ok(());
            }
            bail!("`rustup target add {target}` ended with {status}");
        }
        if start.elapsed() > RUSTUP_LIMIT {
            child.kill()?;
            child.wait()?;
            bail!("`rustup target add {target}` did not end within {RUSTUP_LIMIT:?}");
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn debian_is_installed() -> bool {
    Path::new(DEBIAN_CARGO).is_file()
        && system::on_path(DEBIAN_LINKER)
        && debian_version().is_ok_and(|version| {
            version.number >= OLDEST && version.sysroot_source().join(DEBIAN_SOURCE_LOCK).is_file()
        })
}

/// What Debian's compiler says of itself.
#[derive(Debug, PartialEq, Eq)]
struct Version {
    number: (u32, u32),
    /// For a directory's name: the release and the commit.
    name: String,
    sysroot: PathBuf,
}

impl Version {
    /// Where the source of `std` is.
    fn sysroot_source(&self) -> PathBuf {
        self.sysroot.join("lib/rustlib/src/rust")
    }

    fn parse(verbose: &str, sysroot: &str) -> Option<Self> {
        let field = |name: &str| verbose.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        let release = field("release:")?;
        let mut parts = release.split('.');
        let number = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        let commit: String = field("commit-hash:").unwrap_or_default().chars().take(9).collect();
        Some(Self { number, name: format!("{release}-{commit}"), sysroot: PathBuf::from(sysroot.trim()) })
    }
}

fn debian_version() -> anyhow::Result<Version> {
    let ask = |arguments: &[&str]| {
        let mut rustc = Command::new(DEBIAN_RUSTC);
        rustc.args(arguments);
        debian_environment(&mut rustc);
        output(&mut rustc)
    };
    let (verbose, sysroot) = (ask(&["-vV"])?, ask(&["--print", "sysroot"])?);
    Version::parse(&verbose, &sysroot)
        .with_context(|| format!("{DEBIAN_RUSTC} says nothing of use about itself: {verbose}"))
}

/// What the toolchain that runs us has put into the environment must not reach Debian's.
fn debian_environment(command: &mut Command) {
    for name in ["CARGO", "RUSTUP_TOOLCHAIN", "RUSTUP_HOME", "LD_LIBRARY_PATH", "RUSTFLAGS", "RUSTC_WRAPPER"]
    {
        command.env_remove(name);
    }
    for name in ["CARGO_MANIFEST_DIR", "CARGO_MANIFEST_PATH", "CARGO_PKG_NAME", "CARGO_PKG_VERSION"] {
        command.env_remove(name);
    }
    command.env("RUSTC", DEBIAN_RUSTC);
}

/// Builds `std` from an empty crate and puts it where a sysroot has it.
fn build_std(project: &Project, sysroot: &Path) -> anyhow::Result<()> {
    let work = project.target().join("wasm-debian/std");
    fs::create_dir_all(work.join("src"))?;
    // A workspace of its own, or Cargo would look for it in ours.
    fs::write(
        work.join("Cargo.toml"),
        "[package]\nname = \"empty\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n",
    )?;
    fs::write(work.join("src/lib.rs"), "")?;
    let mut build = Command::new(DEBIAN_CARGO);
    debian_environment(&mut build);
    build
        .current_dir(&work)
        .args(["build", "--release", "--target", TARGET, "-Zbuild-std=std,panic_abort", "--target-dir"])
        .arg(work.join("target"))
        // `-Z` on a stable compiler; and without bitcode, link-time optimisation of the interface fails.
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CARGO_ENCODED_RUSTFLAGS", "-Cembed-bitcode=yes");
    succeed(&mut build)?;

    let output = work.join("target").join(TARGET).join("release/deps");
    let libraries = sysroot.join("lib/rustlib").join(TARGET).join("lib");
    if sysroot.exists() {
        fs::remove_dir_all(sysroot)?;
    }
    fs::create_dir_all(&libraries)?;
    for entry in fs::read_dir(&output)? {
        let entry = entry?;
        let (name, path) = (entry.file_name(), entry.path());
        let is_library = path.extension().is_some_and(|extension| extension == "rlib");
        if is_library && !name.to_string_lossy().starts_with("libempty") {
            fs::copy(path, libraries.join(name))?;
        }
    }
    // Last, so that an interrupted copy is not taken for a whole one.
    fs::write(sysroot.join(".complete"), "")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_compiler_is_known_by_its_release_and_commit() {
        let verbose = "rustc 1.96.0 (abc 2026-05-01)\nbinary: rustc\ncommit-hash: 0123456789abcdef\n\
                       host: x86_64-unknown-linux-gnu\nrelease: 1.96.0\nLLVM version: 22.1\n";
        let version = Version::parse(verbose, "/usr\n").unwrap();
        assert_eq!(version.number, (1, 96));
        assert_eq!(version.name, "1.96.0-012345678");
        assert_eq!(version.sysroot_source(), PathBuf::from("/usr/lib/rustlib/src/rust"));
        assert_eq!(Version::parse("not a compiler", "/usr"), None);
    }

    #[test]
    fn the_oldest_compiler_is_the_workspaces() {
        let manifest = include_str!("../../../Cargo.toml");
        assert!(manifest.contains(&format!("rust-version = \"{}.{}\"", OLDEST.0, OLDEST.1)));
    }
}
