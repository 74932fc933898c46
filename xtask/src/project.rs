//! Where things are.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::Context;

/// The project's directories.
#[derive(Debug)]
pub(crate) struct Project {
    root: PathBuf,
    target: PathBuf,
}

impl Project {
    /// The project that this program belongs to.
    pub(crate) fn find() -> anyhow::Result<Self> {
        // Cargo says it when it runs us; a copy that is run by hand knows where it was built.
        let own = env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = own.parent().context("xtask lies outside of a workspace")?.to_owned();
        let target = match env::var_os("CARGO_TARGET_DIR") {
            Some(dir) => root.join(dir),
            None => root.join("target"),
        };
        Ok(Self { root, target })
    }

    /// The directory of the workspace's `Cargo.toml`.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Where the host's compiled code goes.
    pub(crate) fn target(&self) -> &Path {
        &self.target
    }

    /// What `cargo xtask run` keeps between its calls: the server's data and one store per role.
    pub(crate) fn run_dir(&self) -> PathBuf {
        self.root.join(".run")
    }

    /// Where the workspace's compiled programs are.
    pub(crate) fn programs(&self, release: bool) -> PathBuf {
        self.target.join(if release { "release" } else { "debug" })
    }

    /// A compiled program of the workspace.
    pub(crate) fn program(&self, name: &str, release: bool) -> PathBuf {
        self.programs(release).join(format!("{name}{}", env::consts::EXE_SUFFIX))
    }
}
