//! Two servers over one PostgreSQL, four stores that work at once, and one of the servers killed in between: its stores go
//! on with the other one, and in the end all are equal and nothing is lost or doubled.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    collections::HashMap,
    io::Write,
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use desk_harness::{Postgres, Process, poll_until};
use serde_json::Value;

const STORES: usize = 4;
/// What each store does, so many times: a ticket, a comment, a field, a sync.
const ROUNDS: usize = 6;
const PASSWORD: &str = "long-enough-password";

/// A program that stands above the tests' own directory.
fn program(name: &str) -> PathBuf {
    let program = std::env::current_exe().unwrap().ancestors().nth(2).unwrap().join(name);
    assert!(program.is_file(), "{} is not built", program.display());
    program
}

fn finished(command: &mut Command, input: &str) -> Output {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn server(postgres: &Postgres) -> Command {
    let mut command = Command::new(program("workernet-server"));
    command.env("WORKERNET_DATABASE_URL", postgres.url());
    command
}

fn admin(postgres: &Postgres, args: &[&str], input: &str) {
    let output = finished(server(postgres).arg("admin").args(args), input);
    assert!(output.status.success(), "{args:?}: {output:?}");
}

fn serve(postgres: &Postgres, log: PathBuf) -> (Process, SocketAddr) {
    let mut command = server(postgres);
    command.args(["serve", "--listen", "127.0.0.1:0"]);
    let mut process = Process::start_talking(&command, log).unwrap();
    let ready: Value = serde_json::from_str(&process.first_line(Duration::from_mins(1)).unwrap()).unwrap();
    let address = ready["listening"].as_str().unwrap().parse().unwrap();
    (process, address)
}

/// What a load balancer does: connections to one address go to a server that can change. Ends with the test's process.
struct Forwarder {
    address: SocketAddr,
    target: Arc<Mutex<SocketAddr>>,
}

impl Forwarder {
    fn to(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let target = Arc::new(Mutex::new(target));
        let current = Arc::clone(&target);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let to = *current.lock().unwrap();
                // A server that is gone shows to the client as a connection that ends.
                if let Ok(server) = TcpStream::connect(to) {
                    carry(client.try_clone().unwrap(), server.try_clone().unwrap());
                    carry(server, client);
                }
            }
        });
        Self { address, target }
    }

    fn point_at(&self, server: SocketAddr) {
        *self.target.lock().unwrap() = server;
    }
}

fn carry(mut from: TcpStream, mut to: TcpStream) {
    thread::spawn(move || {
        // However it ends, the other side is told.
        let _ = std::io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Write);
    });
}

/// One `desk` store.
struct Store {
    name: String,
    data: PathBuf,
}

impl Store {
    fn sign_in(dir: &Path, number: usize, server: SocketAddr) -> Self {
        let name = format!("m{number}");
        let store = Self { data: dir.join(&name), name };
        let (url, email) = (format!("http://{server}"), format!("{}@acme.example", store.name));
        let login = ["login", "--server", &url, "--workspace", "acme", "--email", &email, "--password-stdin"];
        let output = finished(store.command().args(login), PASSWORD);
        assert!(output.status.success(), "{output:?}");
        store
    }

    fn command(&self) -> Command {
        let mut command = Command::new(program("desk"));
        // Without a keychain the key is in a file beside the store.
        command.arg("--json").arg("--data-dir").arg(&self.data).env_remove("DBUS_SESSION_BUS_ADDRESS");
        command
    }

    fn run(&self, args: &[&str]) -> Value {
        let output = finished(self.command().args(args), "");
        assert!(output.status.success(), "{}: desk {args:?}: {output:?}", self.name);
        serde_json::from_slice(&output.stdout).unwrap_or(Value::Null)
    }

    /// Syncs, perhaps while the server is being killed.
    fn try_sync(&self) {
        let output = finished(self.command().arg("sync"), "");
        let error = String::from_utf8_lossy(&output.stderr);
        let is_passing =
            error.contains("offline") || error.contains("bad_server") || error.contains("internal");
        assert!(output.status.success() || is_passing, "{}: {output:?}", self.name);
    }

    /// Works on its own tickets and on one that all share, and syncs; counts its rounds.
    fn work(&self, shared: &str, rounds: &AtomicUsize) {
        for round in 0..ROUNDS {
            let mark = format!("{}-{round}", self.name);
            self.run(&["ticket", "new", "--title", &mark, "--description", "Не печатает принтер"]);
            self.run(&["ticket", "comment", shared, &mark]);
            self.run(&["ticket", "set", shared, &format!("custom.{mark}=yes"), "priority=high"]);
            self.try_sync();
            rounds.fetch_add(1, Ordering::SeqCst);
        }
    }
}

#[test]
fn a_killed_server_leaves_its_stores_to_the_other_and_all_are_equal() {
    let postgres = Postgres::start().unwrap();
    let dir = tempfile::tempdir().unwrap();
    admin(&postgres, &["workspace", "create", "acme", "--name", "Acme"], "");
    for number in 0..STORES {
        let (email, name) = (format!("m{number}@acme.example"), format!("Agent {number}"));
        let add = ["member", "add", "--workspace", "acme", "--role", "agent", "--password-stdin"];
        admin(&postgres, &[&add[..], &["--email", &email, "--name", &name]].concat(), PASSWORD);
    }
    let (mut first, one) = serve(&postgres, dir.path().join("one.log"));
    let (mut second, two) = serve(&postgres, dir.path().join("two.log"));
    let forwarders: Vec<Forwarder> =
        (0..STORES).map(|number| Forwarder::to(if number % 2 == 0 { one } else { two })).collect();
    let stores: Vec<Store> =
        (0..STORES).map(|number| Store::sign_in(dir.path(), number, forwarders[number].address)).collect();
    let shared =
        stores[0].run(&["ticket", "new", "--title", "shared"])["number"].as_str().unwrap().to_owned();
    for store in &stores {
        store.run(&["sync"]);
    }
    assert_eq!(
        stores[3].run(&["ticket", "show", &shared])["title"],
        "shared",
        "one server has what the other took"
    );

    let rounds = AtomicUsize::new(0);
    thread::scope(|scope| {
        for store in &stores {
            scope.spawn(|| store.work(&shared, &rounds));
        }
        poll_until("a third of the work", Duration::from_mins(1), || {
            Ok((rounds.load(Ordering::SeqCst) >= STORES * ROUNDS / 3).then_some(()))
        })
        .unwrap();
        first.kill();
        for forwarder in forwarders.iter().step_by(2) {
            forwarder.point_at(two);
        }
    });
    second.still_running().unwrap();

    // The first round sends what waits, the second fetches what others sent after the first.
    for _ in 0..2 {
        for store in &stores {
            let synced = store.run(&["sync"]);
            assert_eq!(synced["rejected"], 0, "{}: {synced}", store.name);
        }
    }
    let digests: Vec<Value> = stores.iter().map(|store| store.run(&["digest"])).collect();
    assert!(digests.iter().all(|digest| *digest == digests[0]), "{digests:?}");
    for store in &stores {
        store.run(&["doctor"]);
    }

    let ticket = stores[0].run(&["ticket", "show", &shared]);
    let mut comments: HashMap<&str, usize> = HashMap::new();
    for comment in ticket["comments"].as_array().unwrap() {
        *comments.entry(comment["body"].as_str().unwrap()).or_default() += 1;
    }
    let listed = stores[1].run(&["ticket", "list"]);
    let titles: Vec<&str> =
        listed.as_array().unwrap().iter().map(|ticket| ticket["title"].as_str().unwrap()).collect();
    for store in &stores {
        for round in 0..ROUNDS {
            let mark = format!("{}-{round}", store.name);
            assert_eq!(comments.get(mark.as_str()), Some(&1), "comment {mark}");
            assert_eq!(ticket["custom"][&mark], "yes", "field {mark}");
            assert_eq!(titles.iter().filter(|title| **title == mark).count(), 1, "ticket {mark}");
        }
    }
    let gaps = "SELECT count(*) - max(seq), min(seq), max(seq) - (SELECT head FROM workspaces) FROM changes";
    assert_eq!(postgres.run(gaps).unwrap().trim(), "0|1|0", "numbers without a gap");
}
