//! System packages on Linux: what is missing is found by looking for the thing itself, and installed by Debian's names.

use std::env;
use std::io::IsTerminal;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};

use super::Scope;
use crate::cargo::{succeed, succeeds};
use crate::progress;

/// How to see whether something is there.
#[derive(Debug, Clone, Copy)]
enum Sign {
    /// A program on the search path.
    Program(&'static str),
    /// A library with its headers, as `pkg-config` knows it.
    Library(&'static str),
    /// A header of a library that tells `pkg-config` nothing.
    Header(&'static str),
    /// A font that has a letter.
    Font(char),
    /// The programs of a PostgreSQL server, wherever they are.
    Postgres,
}

/// One thing that must be there, from which scope on, and Debian's package for it.
#[derive(Debug, Clone, Copy)]
struct Need {
    scope: Scope,
    sign: Sign,
    package: &'static str,
}

const fn need(scope: Scope, sign: Sign, package: &'static str) -> Need {
    Need { scope, sign, package }
}

/// Everything that is needed beyond a Rust toolchain. `pkg-config` and `fc-list` stand before what is asked of them.
const NEEDS: [Need; 29] = [
    // Rust itself links with these.
    need(Scope::Interface, Sign::Program("cc"), "gcc"),
    need(Scope::Interface, Sign::Header("stdlib.h"), "libc6-dev"),
    // SQLCipher and zstd are compiled from C; some build scripts call make and perl.
    need(Scope::Window, Sign::Program("make"), "make"),
    need(Scope::Window, Sign::Program("perl"), "perl"),
    need(Scope::Window, Sign::Program("pkg-config"), "pkg-config"),
    need(Scope::Window, Sign::Library("openssl"), "libssl-dev"),
    // The shell.
    need(Scope::Window, Sign::Library("webkit2gtk-4.1"), "libwebkit2gtk-4.1-dev"),
    need(Scope::Window, Sign::Library("ayatana-appindicator3-0.1"), "libayatana-appindicator3-dev"),
    need(Scope::Window, Sign::Library("librsvg-2.0"), "librsvg2-dev"),
    need(Scope::Window, Sign::Library("dbus-1"), "libdbus-1-dev"),
    need(Scope::Window, Sign::Header("xdo.h"), "libxdo-dev"),
    need(Scope::Window, Sign::Program("fc-list"), "fontconfig"),
    need(Scope::Window, Sign::Font('Ж'), "fonts-dejavu-core"),
    // The resources of a Windows program are compiled by its build script.
    need(Scope::Targets, Sign::Program("x86_64-w64-mingw32-windres"), "binutils-mingw-w64-x86-64"),
    // A display, a session and a notification daemon of our own, and the driver of the web view.
    need(Scope::Everything, Sign::Program("Xvfb"), "xvfb"),
    need(Scope::Everything, Sign::Program("xkbcomp"), "x11-xkb-utils"),
    need(Scope::Everything, Sign::Program("dbus-daemon"), "dbus"),
    need(Scope::Everything, Sign::Program("dbus-send"), "dbus"),
    need(Scope::Everything, Sign::Program("dbus-launch"), "dbus-x11"),
    need(Scope::Everything, Sign::Program("dunst"), "dunst"),
    need(Scope::Everything, Sign::Program("dunstctl"), "dunst"),
    // `dunstctl history` calls it.
    need(Scope::Everything, Sign::Program("busctl"), "systemd"),
    need(Scope::Everything, Sign::Program("WebKitWebDriver"), "webkit2gtk-driver"),
    need(Scope::Everything, Sign::Program("import"), "imagemagick"),
    need(Scope::Everything, Sign::Program("setpriv"), "util-linux"),
    need(Scope::Everything, Sign::Program("gdbus"), "libglib2.0-bin"),
    // The tests start a private one.
    need(Scope::Everything, Sign::Postgres, "postgresql"),
    // The check that other Automerge implementations read our exports.
    need(Scope::Everything, Sign::Program("node"), "nodejs"),
    need(Scope::Everything, Sign::Program("npm"), "npm"),
];

/// Installs what is missing for `scope`, as root or through sudo; otherwise says what to install and fails.
pub(super) fn install(scope: Scope) -> anyhow::Result<()> {
    let missing = missing(scope);
    if missing.is_empty() {
        return Ok(());
    }
    install_packages(&missing)?;
    let still = self::missing(scope);
    if !still.is_empty() {
        bail!("these were installed and yet are not found: {}", still.join(" "));
    }
    Ok(())
}

/// Installs Debian packages by name.
pub(super) fn install_packages(packages: &[&str]) -> anyhow::Result<()> {
    let list = packages.join(" ");
    if !on_path("apt-get") {
        bail!(
            "something is missing that Debian and Ubuntu have in these packages: {list}\n\
             install this system's packages of the same purpose and call again"
        );
    }
    let by_hand = format!("apt-get update && apt-get install --no-install-recommends {list}");
    let Some(privilege) = Privilege::find() else {
        bail!("these packages are missing, and installing them takes root or sudo:\n    {by_hand}");
    };
    progress::step("installing system packages", || {
        progress::note(&list);
        // A third party's list that does not answer is no reason to stop; what matters is whether the packages are found.
        if let Err(error) = succeed(privilege.apt_get().args(["-o", "Acquire::Retries=3", "update"])) {
            progress::note(&format!("{error}; trying with the lists that are there"));
        }
        succeed(
            privilege
                .apt_get()
                .args(["-o", "Acquire::Retries=3", "-o", "DPkg::Lock::Timeout=300", "-o", "Dpkg::Use-Pty=0"])
                // Nothing of the person's is removed to make room for ours.
                .args(["install", "--yes", "--no-install-recommends", "--no-remove"])
                .args(packages),
        )
        .with_context(|| format!("by hand it is: {by_hand}"))
    })
}

/// The packages of what is missing, each once.
fn missing(scope: Scope) -> Vec<&'static str> {
    let mut packages: Vec<&'static str> = Vec::new();
    for need in NEEDS {
        if need.scope <= scope && !packages.contains(&need.package) && !is_there(need.sign) {
            packages.push(need.package);
        }
    }
    packages
}

fn is_there(sign: Sign) -> bool {
    match sign {
        Sign::Program(name) => on_path(name),
        Sign::Library(module) => succeeds(Command::new("pkg-config").args(["--exists", module])),
        Sign::Header(name) => compiles_include(name),
        Sign::Font(letter) => Command::new("fc-list")
            .arg(format!(":charset={:x}", u32::from(letter)))
            .output()
            .is_ok_and(|output| !output.stdout.is_empty()),
        Sign::Postgres => desk_harness::Postgres::programs().is_some(),
    }
}

/// Whether the C compiler finds a header, wherever its search path leads.
fn compiles_include(header: &str) -> bool {
    use std::io::Write;
    use std::process::Stdio;

    let Ok(mut compiler) = Command::new("cc")
        .args(["-E", "-x", "c", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
    else {
        return false;
    };
    let written =
        compiler.stdin.take().is_some_and(|mut stdin| writeln!(stdin, "#include <{header}>").is_ok());
    compiler.wait().is_ok_and(|status| status.success()) && written
}

/// Whether a program is on the search path, where `sbin` counts too.
pub(super) fn on_path(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain([Path::new("/usr/sbin").to_owned(), Path::new("/sbin").to_owned()])
        .any(|dir| dir.join(program).is_file())
}

/// How packages may be installed here.
#[derive(Debug, Clone, Copy)]
enum Privilege {
    Root,
    Sudo,
}

impl Privilege {
    fn find() -> Option<Self> {
        if is_root() {
            return Some(Self::Root);
        }
        if !on_path("sudo") {
            return None;
        }
        // Without a terminal nobody could answer a question for a password.
        let answers = std::io::stdin().is_terminal() || succeeds(Command::new("sudo").args(["-n", "true"]));
        answers.then_some(Self::Sudo)
    }

    fn apt_get(self) -> Command {
        match self {
            Self::Root => {
                let mut command = Command::new("apt-get");
                command.env("DEBIAN_FRONTEND", "noninteractive");
                command
            }
            Self::Sudo => {
                let mut command = Command::new("sudo");
                command.args(["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"]);
                command
            }
        }
    }
}

#[cfg(unix)]
fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[cfg(not(unix))]
fn is_root() -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_larger_scope_needs_all_that_a_smaller_one_does() {
        let count = |scope| NEEDS.iter().filter(|need| need.scope <= scope).count();
        assert!(count(Scope::Interface) < count(Scope::Window));
        assert!(count(Scope::Window) < count(Scope::Targets));
        assert!(count(Scope::Targets) < count(Scope::Everything));
        assert_eq!(count(Scope::Everything), NEEDS.len());
    }

    #[test]
    fn absent_things_are_seen_to_be_absent() {
        assert!(!is_there(Sign::Program("no-such-program-anywhere")));
        assert!(!is_there(Sign::Library("no-such-library-anywhere")));
        assert!(!is_there(Sign::Header("no-such-header-anywhere.h")));
        assert!(!is_there(Sign::Font('\u{10fffe}')));
    }
}
