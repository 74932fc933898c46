//! The program, run as its users run it.

use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, Command, Output, Stdio},
};

use desk_api::rest::Session;
use desk_domain::people::Role;
use serde_json::{Value, json};

const PROGRAM: &str = env!("CARGO_BIN_EXE_workernet-server");

fn command(data: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command
        .arg("--data-dir")
        .arg(data)
        .args(arguments)
        .env_remove("WORKERNET_LOG")
        .env_remove("WORKERNET_DATA_DIR");
    command
}

fn run(data: &Path, arguments: &[&str], input: &str) -> Output {
    let mut command = command(data, arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A command that reads nothing may have ended already.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

fn json(output: &Output) -> Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    assert_eq!(text.lines().count(), 1, "{text}");
    serde_json::from_str(&text).unwrap()
}

fn fails(output: &Output, status: i32, message: &str) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(status), "{stderr}");
    assert!(output.stdout.is_empty(), "errors are on standard error alone");
    assert!(stderr.contains(message), "{stderr}");
}

const ADD: [&str; 11] = [
    "admin",
    "member",
    "add",
    "--workspace",
    "acme",
    "--email",
    "Anna@Acme.example",
    "--name",
    "Анна",
    "--role",
    "agent",
];

fn add(data: &Path, more: &[&str], password: &str) -> Output {
    run(data, &[&ADD[..], more].concat(), password)
}

struct Serving {
    child: Child,
    url: String,
}

impl Serving {
    fn start(data: &Path) -> Self {
        let mut command = command(data, &["serve", "--listen", "127.0.0.1:0"]);
        let log = std::fs::File::create(data.join("server.log")).unwrap();
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap();
        let url = format!("http://{}", ready["listening"].as_str().unwrap());
        Self { child, url }
    }

    fn stop(mut self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        assert_eq!(self.child.wait().unwrap().code(), Some(0), "SIGTERM is a request to stop, not a failure");
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // A test that failed leaves no server behind.
        let _ = self.child.kill();
    }
}

#[tokio::test]
async fn a_workspace_and_its_members_are_made_while_the_server_runs() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path();
    let server = Serving::start(data);
    let made = json(&run(data, &["admin", "workspace", "create", "acme", "--name", "ACME"], ""));
    assert_eq!((made["slug"].as_str(), made["name"].as_str()), (Some("acme"), Some("ACME")));
    let more = ["--team", "Кассы", "--team", "service-desk", "--password-stdin"];
    let added = json(&add(data, &more, "длинный-пароль\n"));
    assert_eq!((added["email"].as_str(), added["role"].as_str()), (Some("anna@acme.example"), Some("agent")));

    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let sign_in = |device: &str, password: &str| {
        let body = json!({
            "workspace": "acme", "email": "anna@acme.example", "password": password,
            "device": device, "device_name": "касса 3",
        });
        http.post(format!("{}/v1/sessions", server.url)).json(&body).send()
    };
    let device = "0190f3a0-0000-7000-8000-000000000001";
    assert_eq!(sign_in(device, "другой-пароль").await.unwrap().status().as_u16(), 401);
    let session: Session = sign_in(device, "длинный-пароль").await.unwrap().json().await.unwrap();
    assert_eq!(session.member.to_string(), added["id"].as_str().unwrap());

    let listed = json(&run(data, &["admin", "device", "list", "--workspace", "acme"], ""));
    assert_eq!(listed[0]["id"].as_str(), Some(device));
    assert_eq!(listed[0]["revoked_at"], Value::Null);
    let named = ["--workspace", "acme", "--email", "Anna@acme.example"];
    let promoted = json(&run(data, &[&["admin", "member", "set-role", "manager"][..], &named].concat(), ""));
    assert_eq!((promoted["role"].as_str(), promoted["active"].as_bool()), (Some("manager"), Some(true)));
    let gone = json(&run(data, &[&["admin", "member", "deactivate"][..], &named].concat(), ""));
    assert_eq!((gone["role"].as_str(), gone["active"].as_bool()), (Some("manager"), Some(false)));
    assert_eq!(sign_in(device, "длинный-пароль").await.unwrap().status().as_u16(), 401);
    json(&run(data, &[&["admin", "member", "activate"][..], &named].concat(), ""));
    let session: Session = sign_in(device, "длинный-пароль").await.unwrap().json().await.unwrap();
    assert_eq!(session.role, Role::Manager);
    let nobody = ["admin", "member", "deactivate", "--workspace", "acme", "--email", "nobody@acme.example"];
    assert_eq!(run(data, &nobody, "").status.code(), Some(1));
    let verified = json(&run(data, &["admin", "audit", "verify", "--workspace", "acme"], ""));
    assert_eq!(
        (verified["unchained"].as_u64(), verified["chain"].as_str().map(str::len)),
        (Some(0), Some(64))
    );
    assert!(verified["entries"].as_u64() > Some(3), "{verified}");
    let revoked = json(&run(data, &["admin", "device", "revoke", device], ""));
    assert_eq!(revoked, json!({ "id": device, "revoked": true }));
    let pull = http.get(format!("{}/v1/sync/pull?after=0", server.url)).bearer_auth(&session.access_token);
    let refused: Value = pull.send().await.unwrap().json().await.unwrap();
    assert_eq!(refused["code"].as_str(), Some("device_revoked"));
    server.stop();

    let log = std::fs::read_to_string(data.join("server.log")).unwrap();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let answered = lines.iter().filter(|line| line["fields"]["message"].as_str() == Some("answered"));
    let statuses: Vec<_> = answered.map(|line| line["fields"]["http.status"].as_u64().unwrap()).collect();
    assert_eq!(statuses, [401, 200, 401, 200, 403], "one line for each request");
    assert!(lines.iter().all(
        |line| line["span"]["name"].as_str() != Some("request") || line["span"]["request.id"].is_string()
    ));
    for secret in ["длинный-пароль", "другой-пароль", &session.access_token, &session.refresh_token]
    {
        assert!(!log.contains(secret), "secrets are never logged");
    }
}

#[test]
fn what_cannot_be_done_fails_with_1_and_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path();
    fails(&add(data, &["--password-stdin"], "длинный-пароль"), 1, "there is no workspace \"acme\"");
    json(&run(data, &["admin", "workspace", "create", "acme", "--name", "ACME"], ""));
    let again = run(data, &["admin", "workspace", "create", "acme", "--name", "ACME"], "");
    fails(&again, 1, "exists already");
    let slug = run(data, &["admin", "workspace", "create", "Ac me", "--name", "ACME"], "");
    fails(&slug, 1, "is no workspace slug");
    let zone = run(data, &["admin", "workspace", "create", "b", "--name", "B", "--zone", "Mars/Base"], "");
    fails(&zone, 1, "is no IANA time zone");
    fails(&add(data, &["--password-stdin"], "коротко"), 1, "too short");
    json(&add(data, &["--password-stdin"], "длинный-пароль"));
    fails(&add(data, &["--password-stdin"], "длинный-пароль"), 1, "is a member already");
    let device = "0190f3a0-0000-7000-8000-000000000001";
    fails(&run(data, &["admin", "device", "revoke", device], ""), 1, "there is no device");
    std::fs::write(data.join("file"), "").unwrap();
    fails(&run(&data.join("file"), &["demo"], ""), 1, "cannot open");
}

#[test]
fn a_wrong_command_line_fails_with_2() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path();
    fails(&run(data, &[], ""), 2, "Usage");
    fails(&run(data, &["serve", "--listen", "nowhere"], ""), 2, "--listen");
    fails(&add(data, &[], "длинный-пароль"), 2, "--password-stdin");
    let mut role = ADD;
    role[10] = "king";
    fails(
        &run(data, &[&role[..], &["--password-stdin"]].concat(), ""),
        2,
        "requester, agent, manager, admin",
    );
    let postgres = run(data, &["--database-url", "postgres://desk:s3cret@127.0.0.1:1/desk", "serve"], "");
    fails(&postgres, 1, "cannot connect to the PostgreSQL database \"desk\" at 127.0.0.1:1");
    assert!(!String::from_utf8_lossy(&postgres.stderr).contains("s3cret"));
    fails(
        &run(data, &["--database-url", "mysql://db/desk", "demo"], ""),
        1,
        "does not begin with postgres://",
    );
    assert!(std::fs::read_dir(data).unwrap().next().is_none(), "nothing was made");
}

#[test]
fn the_demo_is_printed_and_the_second_one_says_that_it_is_there() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path();
    let arguments = ["demo", "--tickets", "20", "--seed", "7", "--now", "2026-09-24T09:00:00Z"];
    let first = json(&run(data, &arguments, ""));
    assert_eq!(first["workspace"].as_str(), Some("demo"));
    assert_eq!(
        (&first["tickets"], &first["articles"], &first["incidents"]),
        (&json!(20), &json!(40), &json!(6))
    );
    let emails: Vec<&str> =
        first["members"].as_array().unwrap().iter().map(|member| member["email"].as_str().unwrap()).collect();
    for login in ["admin", "manager", "agent", "field"] {
        assert!(emails.contains(&format!("{login}@demo.example").as_str()), "{login}");
    }
    let output = run(data, &["demo", "--seed", "7"], "");
    assert!(String::from_utf8_lossy(&output.stderr).contains("is there already"));
    let second = json(&output);
    assert_eq!((&second["password"], &second["tickets"]), (&first["password"], &json!(20)));
    assert_eq!(second["existing"], json!(true));
    fails(&run(data, &["demo", "--seed", "8"], ""), 1, "is not the demo of this seed");
}
