//! Two servers over one PostgreSQL that escalate tens of incidents, and are killed at random instants all the while: every step is
//! in its document once, in its order, and every mail is in the outbox once.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use desk_docs::Document;
use desk_domain::{
    edit::{Edit, IncidentOp, Ops, Section, Stamped, WorkspaceOp},
    escalation::{Level, Policy, Target, escalation},
    ids::{DocId, Ids},
    incident::{Incident, Severity, TimelineEvent},
    people::Role,
    state::State,
    time::{Clock, UtcMillis},
};
use desk_harness::{Postgres, Process};
use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::Value;
use workernet_server::{
    clock::SystemClock,
    members::{self, NewMember},
    random::{FreshIds, SystemRandom},
    storage::{Log, PostgresStorage, Storage, WorkspaceRecord},
    sync::own::Pen,
    workspaces::{self, NewWorkspace},
};

/// Incidents of each of two workspaces.
const INCIDENTS: usize = 24;
/// Levels of their policy; all but the last have nobody, so that all are told at once.
const LEVELS: usize = 16;
/// A server is killed at least so often while there is work.
const KILLS: u32 = 12;
/// Nobody listens there: mail stays in the outbox.
const MAIL: [&str; 4] = ["--smtp-url", "smtp://127.0.0.1:1", "--smtp-from", "desk@acme.example"];

/// What stands above the tests' own directory.
fn program() -> PathBuf {
    let program = std::env::current_exe().unwrap().ancestors().nth(2).unwrap().join("workernet-server");
    assert!(program.is_file(), "{} is not built", program.display());
    program
}

fn serve(postgres: &Postgres, log: &Path) -> Process {
    let mut command = Command::new(program());
    command.env("WORKERNET_DATABASE_URL", postgres.url());
    command.args(["serve", "--listen", "127.0.0.1:0"]).args(MAIL);
    Process::start_talking(&command, log).unwrap()
}

/// Writes as a server does.
struct World {
    storage: PostgresStorage,
    random: SystemRandom,
}

impl World {
    async fn workspace(&self, slug: &str) -> WorkspaceRecord {
        let (now, slug) = (SystemClock.now(), slug.to_owned());
        let ids = FreshIds::at(now, &self.random);
        let new = NewWorkspace { slug: slug.clone(), name: slug.clone(), zone: "Asia/Almaty".to_owned() };
        let record = workspaces::create(&self.storage, &new, now, &ids).await.unwrap();
        let anna = NewMember {
            workspace: slug.clone(),
            email: format!("anna@{slug}.example"),
            name: "Анна".to_owned(),
            role: Role::Manager,
            teams: Vec::new(),
            password_hash: "$argon2id$".to_owned(),
        };
        members::add(&self.storage, &anna, now, &ids).await.unwrap();
        let team = |team: &str| Target::Team { team: team.to_owned() };
        let level = |target, email| Level { targets: vec![target], timeout_min: 60, email };
        let mut levels = vec![level(team("nobody"), true); LEVELS - 1];
        levels.push(level(Target::Role { role: Role::Manager }, true));
        let policy =
            Policy { name: "Сеть".to_owned(), severities: [Severity::P1].into(), levels, repeat: 0 };
        let value = Some(serde_json::to_string(&policy).unwrap());
        let op = WorkspaceOp::Set { section: Section::Escalations, key: "default-p1".to_owned(), value };
        let step = Stamped::new(now, "server", op);
        self.write(&record, &Edit { doc: record.settings_doc, ops: Ops::Workspace(vec![step]) }, now).await;
        record
    }

    async fn declare(&self, workspace: &WorkspaceRecord, number: usize) -> DocId {
        let now = SystemClock.now();
        let doc = DocId(FreshIds::at(now, &self.random).fresh());
        let create = IncidentOp::Create {
            title: format!("Сеть {number}"),
            summary: String::new(),
            severity: Severity::P1,
            services: BTreeSet::new(),
            impact_at: None,
        };
        let step = Stamped::new(now, "server", create);
        self.write(workspace, &Edit { doc, ops: Ops::Incident(vec![step]) }, now).await;
        doc
    }

    async fn write(&self, workspace: &WorkspaceRecord, edit: &Edit, now: UtcMillis) {
        let mut tx = self.storage.begin(workspace.id).await.unwrap();
        let ids = FreshIds::at(now, &self.random);
        Pen::new(tx.as_mut(), workspace, now, &ids).write(edit, None).await.unwrap();
        tx.commit().await.unwrap();
    }

    async fn incident(&self, doc: DocId) -> Incident {
        let record = self.storage.document(doc).await.unwrap().unwrap();
        match Document::load(record.id, record.kind, &record.snapshot).unwrap().read().unwrap() {
            State::Incident(incident) => *incident,
            other => unreachable!("{:?} is no incident", other.kind()),
        }
    }

    /// How many pages were sent, of all incidents.
    async fn pages(&self, docs: &[DocId]) -> usize {
        let mut count = 0;
        for doc in docs {
            count += escalation(&self.incident(*doc).await).map_or(0, |standing| standing.pages.len());
        }
        count
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_step_of_every_escalation_happens_once_whoever_is_killed() {
    let seed: u64 = std::env::var("CRASH_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(7);
    println!("CRASH_SEED={seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let postgres = Postgres::start().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let world = World {
        storage: PostgresStorage::open(&postgres.url()).await.unwrap(),
        random: SystemRandom::new().unwrap(),
    };
    let workspaces = [world.workspace("acme").await, world.workspace("zeta").await];
    let logs = [dir.path().join("one.log"), dir.path().join("two.log")];
    let mut servers: Vec<Process> = logs.iter().map(|log| serve(&postgres, log)).collect();
    for server in &mut servers {
        let ready: Value = serde_json::from_str(&server.first_line(Duration::from_mins(1)).unwrap()).unwrap();
        assert!(ready["listening"].is_string());
    }

    let (mut docs, mut kills) = (Vec::new(), 0);
    let all = 2 * INCIDENTS * LEVELS;
    let began = Instant::now();
    loop {
        // More incidents as long as there are fewer than there shall be: there is work while servers die.
        let next = docs.len();
        if next < 2 * INCIDENTS {
            for number in next..(next + 4).min(2 * INCIDENTS) {
                docs.push(world.declare(&workspaces[number % 2], number).await);
            }
        }
        let done = docs.len() == 2 * INCIDENTS && world.pages(&docs).await == all;
        if done {
            break;
        }
        assert!(began.elapsed() < Duration::from_mins(5), "{} of {all} pages", world.pages(&docs).await);
        let victim = random.random_range(0..2);
        tokio::time::sleep(Duration::from_millis(random.random_range(0..500))).await;
        servers[victim].kill();
        kills += 1;
        servers[victim] = serve(&postgres, &logs[victim]);
    }
    assert!(kills >= KILLS, "only {kills} kills while there was work");
    println!("{kills} kills in {:?}", began.elapsed());

    for doc in &docs {
        let incident = world.incident(*doc).await;
        let mut told: BTreeMap<String, usize> = BTreeMap::new();
        for entry in &incident.timeline {
            let step = match &entry.event {
                TimelineEvent::Created { .. } => "created".to_owned(),
                TimelineEvent::EscalationStarted { .. } => "start".to_owned(),
                TimelineEvent::Paged { level, cycle, members, email } => {
                    assert_eq!(
                        (members.len(), email.len()),
                        if usize::from(*level) == LEVELS { (1, 1) } else { (0, 0) }
                    );
                    format!("{cycle}/{level}")
                }
                other => unreachable!("{other:?}"),
            };
            *told.entry(step).or_default() += 1;
        }
        assert!(told.values().all(|times| *times == 1), "{told:?}");
        assert_eq!(told.len(), LEVELS + 2, "{told:?}");
    }
    let changes = postgres
        .run("SELECT count(*), count(DISTINCT doc) FROM changes WHERE doc IN (SELECT doc FROM escalations)");
    let steps = docs.len() * (LEVELS + 2);
    assert_eq!(changes.unwrap().trim(), format!("{steps}|{}", docs.len()), "each step is one change");
    let mail = postgres.run("SELECT count(*), count(DISTINCT subject), count(sent_at) FROM mail").unwrap();
    assert_eq!(mail.trim(), format!("{0}|{0}|0", docs.len()), "each mail is there once");
    let gaps = "SELECT string_agg(DISTINCT (c.n - c.top || '/' || c.top - w.head), ',') FROM
        (SELECT workspace, count(*) AS n, max(seq) AS top FROM changes GROUP BY workspace) c JOIN workspaces w ON w.id = c.workspace";
    assert_eq!(postgres.run(gaps).unwrap().trim(), "0/0", "numbers without a gap");
    for server in &mut servers {
        server.kill();
    }
    world.storage.close().await;
}
