//! The workspace that the window opens: a server with its data, and a member's synced store.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, ensure};
use desk_harness::Server;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::figures::{print, round};
use crate::programs::Programs;

const SEED: u64 = 1;

/// Who sits at the window.
const MEMBER: &str = "agent@demo.example";

/// The demo's times lead up to the instant at which it was made; an older one is another workload, all of it overdue.
const KEPT_FOR: Duration = Duration::from_hours(24);

/// What a kept workspace was made from, and where its store expects the server.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Made {
    tickets: u32,
    /// Of the migrations of both databases: a store of another schema is made anew.
    schema: u64,
    address: String,
}

/// The workspace while its server runs.
pub(crate) struct Workspace {
    dir: PathBuf,
    // Held to be ended with this value.
    _server: Server,
}

impl Workspace {
    /// The kept workspace, or a new one.
    pub(crate) fn open(programs: &Programs, tickets: u32) -> anyhow::Result<Self> {
        let dir = programs.dir("window")?;
        let schema = schema()?;
        if let Some(made) = kept(&dir)
            && made.tickets == tickets
            && made.schema == schema
            // Somebody else may have its port by now.
            && let Ok(server) = serve(programs, &dir, &made.address)
        {
            return Ok(Self { dir, _server: server });
        }
        fs::remove_dir_all(&dir)?;
        fs::create_dir_all(&dir)?;
        let server = make(programs, &dir, tickets)?;
        let made = Made { tickets, schema, address: server.address().to_owned() };
        // Last, so that an interrupted one is not taken for a whole one.
        fs::write(stamp(&dir), serde_json::to_vec(&made)?)?;
        Ok(Self { dir, _server: server })
    }

    /// Where everything of it is.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// The member's store.
    pub(crate) fn store(&self) -> PathBuf {
        store(&self.dir)
    }
}

fn store(dir: &Path) -> PathBuf {
    dir.join("store")
}

fn stamp(dir: &Path) -> PathBuf {
    dir.join("made.json")
}

fn kept(dir: &Path) -> Option<Made> {
    let stamp = stamp(dir);
    #[expect(clippy::disallowed_methods, reason = "the age of a file is asked of the machine")]
    let age = SystemTime::now().duration_since(fs::metadata(&stamp).ok()?.modified().ok()?).ok()?;
    (age < KEPT_FOR).then(|| serde_json::from_slice(&fs::read(stamp).ok()?).ok())?
}

/// A number over the migrations of both databases, their text included.
fn schema() -> anyhow::Result<u64> {
    let mut files = Vec::new();
    for folder in ["migrations", "server/migrations/sqlite"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
            files.push(entry?.path());
        }
    }
    files.sort();
    let mut hasher = DefaultHasher::new();
    for file in files {
        fs::read(file)?.hash(&mut hasher);
    }
    Ok(hasher.finish())
}

fn serve(programs: &Programs, dir: &Path, listen: &str) -> anyhow::Result<Server> {
    let log = dir.join("server.log");
    Ok(Server::start(&programs.program("workernet-server"), &dir.join("server"), listen, log)?)
}

/// Makes the demo and syncs it once; both are figures themselves.
fn make(programs: &Programs, dir: &Path, tickets: u32) -> anyhow::Result<Server> {
    let started = Instant::now();
    let binary = programs.program("workernet-server");
    let demo = Server::demo(&binary, &dir.join("server"), Some(tickets), Some(SEED))?;
    let made = started.elapsed().as_secs_f64();
    let server = serve(programs, dir, "127.0.0.1:0")?;
    let url = server.url();
    let login =
        ["login", "--server", &url, "--workspace", &demo.workspace, "--email", MEMBER, "--password-stdin"];
    programs.desk(&store(dir), &login, &demo.password)?;
    let synced = programs.desk(&store(dir), &["sync"], "")?;
    let elapsed_ms = synced.get("elapsed_ms").and_then(Value::as_f64).context("sync tells no time")?;
    let here = programs.desk(&store(dir), &["ticket", "list", "--limit", "1"], "")?;
    ensure!(here.as_array().is_some_and(|list| !list.is_empty()), "the sync brought no tickets");
    let seconds = elapsed_ms / 1_000.0;
    print(&json!({
        "bench": "window.prepare",
        "tickets": tickets,
        "demo_seconds": round(made),
        "first_sync_seconds": round(seconds),
        "first_sync_tickets_per_second": round(f64::from(tickets) / seconds),
    }));
    Ok(server)
}
