//! Private teams as an administrator and three people meet them: the built server, over both databases, administered beside
//! its running, and the built `desk`.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    io::Write,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::Duration,
};

use desk_harness::{Postgres, Process};
use serde_json::Value;

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

fn told(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Where the server keeps what it keeps.
struct Place<'a> {
    arguments: [&'a str; 2],
}

impl Place<'_> {
    fn server(&self) -> Command {
        let mut command = Command::new(program("workernet-server"));
        command.args(self.arguments);
        command
    }

    fn admin(&self, arguments: &[&str], input: &str) -> Value {
        let output = finished(self.server().arg("admin").args(arguments), input);
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        told(&output)
    }

    fn add(&self, name: &str, more: &[&str]) {
        let email = format!("{name}@acme.example");
        let add =
            ["member", "add", "--workspace", "acme", "--password-stdin", "--name", name, "--email", &email];
        self.admin(&[&add[..], more].concat(), PASSWORD);
    }

    fn set_teams(&self, name: &str, teams: &[&str]) {
        let email = format!("{name}@acme.example");
        let mut arguments = vec!["member", "set-teams", "--workspace", "acme", "--email", &email];
        arguments.extend(teams.iter().flat_map(|team| ["--team", team]));
        self.admin(&arguments, "");
    }

    fn serve(&self, log: PathBuf) -> (Process, SocketAddr) {
        let mut command = self.server();
        command.args(["serve", "--listen", "127.0.0.1:0"]);
        let mut process = Process::start_talking(&command, log).unwrap();
        let ready: Value =
            serde_json::from_str(&process.first_line(Duration::from_mins(1)).unwrap()).unwrap();
        (process, ready["listening"].as_str().unwrap().parse().unwrap())
    }
}

/// A person at a device.
struct Person {
    dir: PathBuf,
}

impl Person {
    fn sign_in(dir: &Path, name: &str, server: SocketAddr) -> Self {
        let person = Self { dir: dir.join(name) };
        let (url, email) = (format!("http://{server}"), format!("{name}@acme.example"));
        let login = ["login", "--server", &url, "--workspace", "acme", "--email", &email, "--password-stdin"];
        let output = person.desk(&login, PASSWORD);
        assert!(output.status.success(), "{output:?}");
        person.run(&["sync"]);
        person
    }

    fn desk(&self, arguments: &[&str], input: &str) -> Output {
        let mut command = Command::new(program("desk"));
        // Without a keychain the key is in a file beside the store.
        command.env_remove("DBUS_SESSION_BUS_ADDRESS");
        finished(command.arg("--data-dir").arg(&self.dir).arg("--json").args(arguments), input)
    }

    fn run(&self, arguments: &[&str]) -> Value {
        let output = self.desk(arguments, "");
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        told(&output)
    }

    fn has(&self, number: &str) -> bool {
        self.desk(&["ticket", "show", number], "").status.success()
    }
}

/// What happens, whatever the server keeps it in.
fn story(place: &Place<'_>) {
    let dir = tempfile::tempdir().unwrap();
    place.admin(&["workspace", "create", "acme", "--name", "Acme"], "");
    place.add("anna", &["--role", "agent"]);
    place.add("kira", &["--role", "agent", "--team", "HR"]);
    place.add("maria", &["--role", "manager"]);
    let (mut serving, address) = place.serve(dir.path().join("server.log"));
    let anna = Person::sign_in(dir.path(), "anna", address);
    let kira = Person::sign_in(dir.path(), "kira", address);
    let maria = Person::sign_in(dir.path(), "maria", address);

    let made = kira.run(&["ticket", "new", "--title", "Salary of Ivanov"]);
    let number = made["number"].as_str().unwrap().to_owned();
    kira.run(&["ticket", "set", &number, "team=hr"]);
    for person in [&kira, &anna, &maria] {
        person.run(&["sync"]);
    }
    assert!(anna.has(&number), "the team is not private yet");
    let equal = |people: &[&Person]| {
        let digests: Vec<Value> = people.iter().map(|person| person.run(&["digest"])).collect();
        digests.windows(2).all(|pair| pair[0] == pair[1])
    };
    assert!(equal(&[&anna, &kira, &maria]));

    // The team becomes private while Anna works on its ticket without having sent it.
    anna.run(&["ticket", "comment", &number, "on my way"]);
    let team = place.admin(&["team", "set", "--workspace", "acme", "hr", "--private"], "");
    assert_eq!((&team["key"], &team["private"]), (&Value::from("hr"), &Value::from(true)));
    let synced = anna.run(&["sync"]);
    assert_eq!(synced["rejected"], 1, "{synced}");
    assert!(!anna.has(&number));
    assert_eq!(anna.run(&["search", "Ivanov"]), Value::Array(Vec::new()));
    let refused = anna.run(&["rejected", "list"]);
    assert_eq!(refused.as_array().unwrap().len(), 1, "{refused}");
    assert_eq!(refused[0]["code"], "unknown_document", "{refused}");
    anna.run(&["doctor"]);
    for person in [&kira, &maria] {
        person.run(&["sync"]);
        assert!(person.has(&number));
    }
    assert!(equal(&[&kira, &maria]) && !equal(&[&anna, &kira]), "equal where people see the same");

    // She joins the team, and leaves it.
    place.set_teams("anna", &["hr"]);
    anna.run(&["sync"]);
    assert!(anna.has(&number));
    for person in [&kira, &maria] {
        person.run(&["sync"]);
    }
    assert!(equal(&[&anna, &kira, &maria]));
    place.set_teams("anna", &[]);
    anna.run(&["sync"]);
    assert!(!anna.has(&number));
    let teams = place.admin(&["team", "list", "--workspace", "acme"], "");
    let hr = teams.as_array().unwrap().iter().find(|team| team["key"] == "hr").unwrap();
    assert_eq!(hr["members"], serde_json::json!(["kira@acme.example"]));
    assert_eq!((&hr["name"], &hr["private"]), (&Value::from("HR"), &Value::from(true)));

    // A device that begins now, and everybody once the team is open.
    let again = Person::sign_in(&dir.path().join("second"), "anna", address);
    assert!(!again.has(&number) && equal(&[&again, &anna]));
    place.admin(&["team", "set", "--workspace", "acme", "hr", "--open"], "");
    for person in [&anna, &kira, &maria, &again] {
        person.run(&["sync"]);
        assert!(person.has(&number));
    }
    assert!(equal(&[&anna, &kira, &maria, &again]));
    serving.still_running().unwrap();
}

#[test]
fn private_teams_over_sqlite() {
    let data = tempfile::tempdir().unwrap();
    let path = data.path().join("server");
    story(&Place { arguments: ["--data-dir", path.to_str().unwrap()] });
}

#[test]
fn private_teams_over_postgresql() {
    let postgres = Postgres::start().unwrap();
    story(&Place { arguments: ["--database-url", &postgres.url()] });
}
