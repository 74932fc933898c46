//! A device with a store of its own: the real `desk`, or, for a store that is not encrypted, the same library in a process
//! of this program, since nothing that is shipped makes such a store.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};
use desk_app::secrets::Keychain;
use desk_app::{Config, Desk};
use serde_json::{Value, json};

use crate::figures::{print, spread};
use crate::programs::Programs;
use crate::usage::watch;
use crate::workspace::{WORKSPACE, Workspace};

/// The first argument of a process that is a device with a plain store.
pub(crate) const ROLE: &str = "device";

/// How a store is kept.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Encrypted,
    /// For comparison with programs that do not encrypt.
    Plain,
}

impl Kind {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Encrypted => "encrypted",
            Self::Plain => "plain",
        }
    }
}

/// A device; its store goes with it.
pub(crate) struct Device<'a> {
    programs: &'a Programs,
    dir: tempfile::TempDir,
    kind: Kind,
}

/// What one sync cost.
pub(crate) struct Synced {
    pub(crate) documents: f64,
    pub(crate) listed_ms: f64,
    pub(crate) indexed_ms: f64,
    pub(crate) cpu_ms: f64,
    pub(crate) wire_bytes: f64,
    pub(crate) requests: f64,
    pub(crate) memory_mb: f64,
    pub(crate) store_bytes: f64,
}

impl<'a> Device<'a> {
    pub(crate) fn sign_in(
        programs: &'a Programs,
        dir: &Path,
        kind: Kind,
        workspace: &Workspace,
        member: usize,
    ) -> anyhow::Result<Self> {
        let device = Self { programs, dir: tempfile::tempdir_in(dir)?, kind };
        let (email, password) = Workspace::member(member);
        match kind {
            Kind::Encrypted => {
                let login =
                    ["login", "--server", &workspace.url, "--workspace", WORKSPACE, "--email", &email];
                programs.desk(&device.path(), &[&login[..], &["--password-stdin"]].concat(), password)?;
            }
            Kind::Plain => {
                let mut login = device.plain("login")?;
                watch(login.args([&workspace.url, &email, password]))?;
            }
        }
        Ok(device)
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.dir.path().join("store")
    }

    pub(crate) fn sync(&self) -> anyhow::Result<Synced> {
        let (report, usage) = match self.kind {
            Kind::Encrypted => {
                let mut sync = Command::new(self.programs.program("desk"));
                sync.args(["--json", "--data-dir"]).arg(self.path()).arg("sync");
                watch(sync.env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent"))?
            }
            Kind::Plain => watch(&mut self.plain("sync")?)?,
        };
        let number = |name: &str| report.get(name).and_then(Value::as_f64).context("a figure is missing");
        Ok(Synced {
            documents: number("pulled")?,
            listed_ms: number("listed_ms")?,
            indexed_ms: number("elapsed_ms")?,
            cpu_ms: usage.cpu_ms,
            wire_bytes: number("received_bytes")?,
            requests: number("requests")?,
            memory_mb: usage.memory_mb,
            store_bytes: size(&self.path())?,
        })
    }

    fn plain(&self, what: &str) -> anyhow::Result<Command> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg(ROLE).arg(what).arg(self.path());
        Ok(command)
    }
}

/// Prints what new devices cost, and gives it back.
pub(crate) fn tell(kind: Kind, tickets: u32, devices: &[Synced]) -> anyhow::Result<Value> {
    let figures = |pick: fn(&Synced) -> f64| {
        spread(&devices.iter().map(pick).collect::<Vec<_>>()).context("no devices")
    };
    let told = json!({
        "bench": "sync.bootstrap",
        "store": kind.as_str(),
        "tickets": tickets,
        "listed": figures(|device| device.listed_ms)?,
        "indexed": figures(|device| device.indexed_ms)?,
        "cpu": figures(|device| device.cpu_ms)?,
        "wire_bytes_per_ticket": figures(|device| device.wire_bytes / device.documents)?,
        "memory_mb": figures(|device| device.memory_mb)?,
        "store_bytes_per_ticket": figures(|device| device.store_bytes / device.documents)?,
    });
    print(&told);
    Ok(told)
}

/// What a process does that is a device with a plain store.
pub(crate) async fn play(arguments: &[String]) -> anyhow::Result<()> {
    let [what, dir, rest @ ..] = arguments else { bail!("a device is told what to do, and where") };
    let desk = Desk::open(Config {
        data_dir: dir.into(),
        keychain: Box::new(NoKey { encrypted: false }),
        must_exist: false,
    })
    .await?;
    match (what.as_str(), rest) {
        ("login", [url, email, password]) => {
            desk.sign_in(url, WORKSPACE, email, password).await?;
            print(&json!({}));
        }
        ("sync", []) => print(&serde_json::to_value(desk.sync_once().await?)?),
        _ => bail!("a device does not know how to {what}"),
    }
    desk.close().await;
    Ok(())
}

/// Opens a device's store in this process.
pub(crate) async fn open(device: &Device<'_>) -> anyhow::Result<Desk> {
    let keychain = Box::new(NoKey { encrypted: device.kind == Kind::Encrypted });
    Ok(Desk::open(Config { data_dir: device.path(), keychain, must_exist: true }).await?)
}

/// No keychain: keys stand in files, or there is none at all.
struct NoKey {
    encrypted: bool,
}

impl Keychain for NoKey {
    fn get(&self, _account: &str) -> Result<Option<String>, String> {
        Err("a bench has no keychain".to_owned())
    }

    fn set(&self, _account: &str, _secret: &str) -> Result<(), String> {
        Err("a bench has no keychain".to_owned())
    }

    fn forget(&self, _account: &str) -> Result<(), String> {
        Ok(())
    }

    fn leaves_stores_plain(&self) -> bool {
        !self.encrypted
    }
}

fn size(dir: &Path) -> anyhow::Result<f64> {
    let mut bytes = 0;
    for entry in fs::read_dir(dir)? {
        bytes += entry?.metadata()?.len();
    }
    #[expect(clippy::cast_precision_loss, reason = "a figure")]
    let bytes = bytes as f64;
    Ok(bytes)
}
