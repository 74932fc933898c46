//! Other programs that sync documents, from npm, with the same documents in the same run: `PouchDB`'s replication and
//! automerge-repo's WebSocket sync. Node.js runs both ends, each in a process of its own, over loopback.
//!
//! They get fewer documents, since the rates are what is compared and these do not get better with more. What each does
//! and does not do is told beside its figures.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, ensure};
use desk_harness::Process;
use serde_json::{Value, json};

use crate::device::{Device, Kind, Synced};
use crate::figures::{percentile, print, round};
use crate::programs::Programs;
use crate::workspace::Workspace;

const SOURCES: [&str; 7] = [
    ".npmrc",
    "package.json",
    "package-lock.json",
    "pouchdb-server.mjs",
    "pouchdb-client.mjs",
    "automerge-repo-server.mjs",
    "automerge-repo-client.mjs",
];
const RUNS: usize = 5;
/// How long a peer may take to have its documents in.
const READY: Duration = Duration::from_mins(5);

/// A program that is compared with ours.
struct Peer {
    name: &'static str,
    package: &'static str,
    documents: usize,
    /// What comes in, and what does not.
    note: &'static str,
}

const PEERS: [Peer; 2] = [
    Peer {
        name: "pouchdb",
        package: "pouchdb",
        documents: POUCHDB_DOCUMENTS,
        note: "PouchDB.replicate from express-pouchdb over HTTP, both on LevelDB, in batches of 500 (its default of 100 is \
               slower): whole JSON documents with their fields, comments and log, winning revisions by a tree of them. \
               No merge within a document, no rows, lists, indexes or search, no encryption, nothing synced to the disk \
               before it is done.",
    },
    Peer {
        name: "automerge-repo",
        package: "@automerge/automerge-repo",
        documents: AUTOMERGE_REPO_DOCUMENTS,
        note: "Repo.find of each document over one WebSocket, storage-nodefs at both ends: the very same Automerge \
               documents, opened and merged one by one, each kept in a file. The client is given the addresses, since \
               there is no list of them. No rows, lists, indexes or search, no permissions, no encryption, nothing \
               synced to the disk before it is done.",
    },
];
const POUCHDB_DOCUMENTS: usize = 2_000;
const AUTOMERGE_REPO_DOCUMENTS: usize = 500;

/// Tickets in the workspace that peers are measured with.
pub(crate) const TICKETS: u32 = 2_000;

/// Measures the peers with the documents of `workspace`; `ours_per_second` is what we do with 100,000.
pub(crate) fn measure(
    programs: &Programs,
    dir: &Path,
    workspace: &Workspace,
    ours_per_second: f64,
) -> anyhow::Result<()> {
    let home = install(programs)?;
    let work = tempfile::tempdir_in(dir)?;
    let export = work.path().join("export");
    let device = Device::sign_in(programs, dir, Kind::Encrypted, workspace, 0)?;
    device.sync()?;
    let to = export.to_str().context("a path that is no UTF-8")?;
    programs.desk(&device.path(), &["export", to], "")?;
    strip(&export.join("tickets.jsonl"), &work.path().join("tickets.jsonl"))?;

    // The same documents over our own sync.
    let mut alike = Vec::new();
    for _ in 0..RUNS {
        let synced = Device::sign_in(programs, dir, Kind::Plain, workspace, 0)?.sync()?;
        alike.push(per_second(&synced));
    }
    let alike = median(&mut alike)?;
    for peer in &PEERS {
        let from = match peer.name {
            "pouchdb" => work.path().join("tickets.jsonl"),
            _ => export.join("documents"),
        };
        let mut rates = Vec::new();
        for run in 0..RUNS {
            let place = work.path().join(format!("{}-{run}", peer.name));
            rates.push(peer.run(&home, &from, &place)?);
        }
        let rate = median(&mut rates)?;
        print(&json!({
            "bench": "sync.peer",
            "peer": peer.name,
            "version": version(&home, peer.package)?,
            "documents": peer.documents,
            "runs": RUNS,
            "documents_per_second": round(rate),
            "ours_per_second": round(ours_per_second),
            "ratio": round(ours_per_second / rate),
            "ours_with_as_few": { "documents": TICKETS, "documents_per_second": round(alike), "ratio": round(alike / rate) },
            "note": peer.note,
        }));
    }
    Ok(())
}

/// Documents that stand in the lists, a second.
pub(crate) fn per_second(synced: &Synced) -> f64 {
    synced.documents * 1_000.0 / synced.listed_ms
}

impl Peer {
    /// One server and one client, both new; documents a second.
    fn run(&self, home: &Path, from: &Path, place: &Path) -> anyhow::Result<f64> {
        let (theirs, ours) = (place.join("server"), place.join("client"));
        fs::create_dir_all(&theirs)?;
        fs::create_dir_all(&ours)?;
        let mut serve = Command::new("node");
        serve.current_dir(home).arg(format!("{}-server.mjs", self.name));
        serve.arg(from).arg(&theirs).arg(self.documents.to_string());
        let mut server = Process::start_talking(&serve, place.join("server.log"))?;
        let ready: Value = serde_json::from_str(&server.first_line(READY)?)?;
        let url = ready.get("url").and_then(Value::as_str).context("a peer says where it listens")?;
        let mut client = Command::new("node")
            .current_dir(home)
            .arg(format!("{}-client.mjs", self.name))
            .arg(url)
            .arg(&ours)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start node")?;
        if let (Some(mut stdin), Some(documents)) = (client.stdin.take(), ready.get("documents")) {
            stdin.write_all(documents.to_string().as_bytes())?;
        }
        let output = client.wait_with_output()?;
        ensure!(output.status.success(), "{} ended with {}", self.name, output.status);
        server.stop()?;
        let told: Value = serde_json::from_slice(&output.stdout)?;
        let number =
            |name: &str| told.get(name).and_then(Value::as_f64).context("a peer's figure is missing");
        let documents = told.get("documents").and_then(Value::as_u64);
        ensure!(documents == Some(self.documents as u64), "{} lost documents", self.name);
        Ok(number("documents")? * 1_000.0 / number("ms")?)
    }
}

/// The peers with their packages, those of the lock file.
fn install(programs: &Programs) -> anyhow::Result<PathBuf> {
    let home = programs.dir("peers")?;
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/sync/peers");
    for name in SOURCES {
        fs::copy(from.join(name), home.join(name)).with_context(|| format!("benches/sync/peers/{name}"))?;
    }
    let wanted = fs::read(home.join("package-lock.json"))?;
    let stamp = home.join(".installed");
    if fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(home);
    }
    // Nothing of a package runs but what we call; LevelDB comes compiled.
    let status = Command::new("npm")
        .current_dir(&home)
        .args(["ci", "--ignore-scripts", "--loglevel", "error"])
        .stdout(Stdio::null())
        .status()
        .context("npm is not there: `cargo xtask setup` installs it")?;
    ensure!(status.success(), "`npm ci` ended with {status}");
    // Last, so that an interrupted installation is not taken for a whole one.
    fs::write(stamp, wanted)?;
    Ok(home)
}

/// What is stored of a ticket; an export's lines also say what is computed from it.
fn strip(from: &Path, to: &Path) -> anyhow::Result<()> {
    let mut lines = String::new();
    for line in fs::read_to_string(from)?.lines() {
        let mut ticket: Value = serde_json::from_str(line)?;
        let fields = ticket.as_object_mut().context("a ticket is an object")?;
        for computed in ["sla", "conflicts", "assignee_name", "requester_name", "updated_at"] {
            fields.remove(computed);
        }
        lines.push_str(&ticket.to_string());
        lines.push('\n');
    }
    Ok(fs::write(to, lines)?)
}

fn version(home: &Path, package: &str) -> anyhow::Result<String> {
    let text = fs::read_to_string(home.join("node_modules").join(package).join("package.json"))?;
    let told: Value = serde_json::from_str(&text)?;
    told.get("version").and_then(Value::as_str).map(str::to_owned).context("a package without a version")
}

fn median(values: &mut [f64]) -> anyhow::Result<f64> {
    values.sort_by(f64::total_cmp);
    percentile(values, 50).context("no runs")
}
