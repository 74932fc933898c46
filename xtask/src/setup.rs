//! Makes a machine ready: system packages and a way to compile for WASM.

mod system;
pub(crate) mod wasm;

use std::process::Command;

use anyhow::bail;

use crate::cargo::succeeds;
use crate::progress;
use crate::project::Project;

/// What a command is going to do, and so what must be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Scope {
    /// Compile the interface.
    Interface,
    /// Compile and open the window.
    Window,
    /// Check the shell for the systems that it is not built on.
    Targets,
    /// Drive a window on a display of our own, and everything else.
    Everything,
}

/// Installs what `scope` needs and is missing. Quick when nothing is.
pub(crate) fn install(project: &Project, scope: Scope) -> anyhow::Result<()> {
    if cfg!(target_os = "linux") {
        system::install(scope)?;
    } else {
        other_systems(scope)?;
    }
    wasm::Toolchain::install(project)?;
    Ok(())
}

/// macOS and Windows bring their web views along; what may be missing is a C compiler, and what cannot be had is a driver.
fn other_systems(scope: Scope) -> anyhow::Result<()> {
    if scope == Scope::Everything {
        bail!(
            "driving the window (`run --headless`, the journeys of `test`) needs WebKitWebDriver and Xvfb, which \
             exist on Linux alone; `cargo xtask run` and `cargo xtask test --only fmt,clippy,tests` work here"
        );
    }
    if cfg!(target_os = "macos") && !succeeds(Command::new("xcode-select").arg("-p")) {
        bail!("a C compiler is missing: install Apple's command line tools with `xcode-select --install`");
    }
    if cfg!(target_os = "windows") {
        progress::note(
            "Windows needs the Visual Studio Build Tools (C++) and OpenSSL for SQLCipher (OPENSSL_DIR), and WebView2, \
             which Windows 10 and 11 bring along",
        );
    }
    Ok(())
}
