//! The program as scripts use it: arguments, exit status, what is on which stream.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use desk_domain::time::UtcMillis;
use serde_json::{Value, json};

/// A workspace in a directory of its own.
struct Desk {
    dir: tempfile::TempDir,
}

impl Desk {
    fn new() -> Self {
        let desk = Self { dir: tempfile::tempdir().unwrap() };
        let made = desk.json(&["init", "--workspace", "Test", "--email", "olga@example.org"]);
        assert_eq!(made["workspace"], "Test");
        assert_eq!(made["member"]["email"], "olga@example.org");
        assert_eq!(made["server"], Value::Null);
        desk
    }

    fn data_dir(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    fn run(&self, args: &[&str]) -> Output {
        run(&self.data_dir(), args, None)
    }

    /// What a command that goes well prints with `--json`.
    fn json(&self, args: &[&str]) -> Value {
        let mut all = vec!["--json"];
        all.extend(args);
        value(&self.run(&all), args)
    }

    /// What a command that fails says on standard error with `--json`.
    fn failure(&self, args: &[&str]) -> Value {
        let mut all = vec!["--json"];
        all.extend(args);
        let output = self.run(&all);
        assert_eq!(output.status.code(), Some(1), "{args:?}: {output:?}");
        assert!(output.stdout.is_empty(), "{args:?}: {output:?}");
        serde_json::from_slice(&output.stderr).unwrap_or_else(|error| panic!("{args:?}: {error}: {output:?}"))
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

fn run(data_dir: &Path, args: &[&str], input: Option<&[u8]>) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_desk"))
        .arg("--data-dir")
        .arg(data_dir)
        .args(args)
        .env_remove("DBUS_SESSION_BUS_ADDRESS")
        .stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    if let (Some(input), Some(mut stdin)) = (input, child.stdin.take()) {
        // The program may refuse before it has read everything.
        drop(stdin.write_all(input));
    }
    child.wait_with_output().unwrap()
}

fn value(output: &Output, args: &[&str]) -> Value {
    assert!(output.status.success(), "{args:?}: {output:?}");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{args:?}: {error}: {output:?}"))
}

fn data(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared").join(name);
    assert!(path.exists(), "{} must be there", path.display());
    path.to_str().unwrap().to_owned()
}

#[test]
fn wrong_usage_is_2_and_failure_is_1() {
    let dir = tempfile::tempdir().unwrap();
    for args in
        [&["nonsense"][..], &[], &["ticket", "set", "TK-1", "status=lost"], &["import", "csv", "x.csv"]]
    {
        let output = run(dir.path(), args, None);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {output:?}");
        assert!(output.stdout.is_empty());
    }
    let output = run(&dir.path().join("none"), &["ticket", "list"], None);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("desk init"), "{output:?}");
    assert!(!dir.path().join("none").exists(), "a command that failed made a data directory");
}

#[test]
fn a_ticket_is_made_changed_answered_found_and_told_of() {
    let desk = Desk::new();
    let made = desk.json(&[
        "ticket",
        "new",
        "--title",
        "Принтер не печатает",
        "--description",
        "<script>alert(1)</script>",
        "--priority",
        "high",
        "--category",
        "hardware",
        "--tag",
        "vip",
        "--tag",
        "floor-2",
    ]);
    let number = made["number"].as_str().unwrap();
    assert!(number.starts_with("TK-") && number.len() == 11);
    assert_eq!(made["status"], "open");
    assert_eq!(made["tags"], json!(["floor-2", "vip"]));
    assert_eq!(made["description"], "<script>alert(1)</script>");
    assert!(made["created_at"].as_str().unwrap().ends_with('Z'));

    let set = desk.json(&[
        "ticket",
        "set",
        &number.to_lowercase(),
        "status=in_progress",
        "priority=critical",
        "assignee=OLGA@example.org",
        "tag-=vip",
        "tag+=new",
        "custom.room=12",
    ]);
    assert_eq!((&set["status"], &set["priority"]), (&json!("in_progress"), &json!("critical")));
    assert_eq!(set["assignee_name"], "olga");
    assert_eq!(set["tags"], json!(["floor-2", "new"]));
    assert_eq!(set["custom"], json!({"room": "12"}));

    let replied = desk.json(&["ticket", "comment", number, "Иду"]);
    let noted = desk.json(&["ticket", "comment", number, "Кто купил?", "--internal"]);
    assert_eq!(replied["comments"][0]["visibility"], "public");
    let bodies: Vec<&str> =
        noted["comments"].as_array().unwrap().iter().map(|c| c["body"].as_str().unwrap()).collect();
    assert_eq!(bodies, ["Иду", "Кто купил?"]);
    assert_eq!(noted["comments"][1]["visibility"], "internal");

    let shown = desk.json(&["ticket", "show", number]);
    assert_eq!(shown["id"], made["id"]);
    let kinds: Vec<&str> =
        shown["log"].as_array().unwrap().iter().map(|entry| entry["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds[0], "created");
    assert!(kinds.contains(&"status") && kinds.contains(&"reply") && kinds.contains(&"tag"));
    let history = desk.json(&["ticket", "history", number]);
    let mut log = history.clone();
    for entry in log.as_array_mut().unwrap() {
        let change = entry.as_object_mut().unwrap().remove("change").unwrap();
        assert_eq!(change.as_str().unwrap().len(), 64, "each entry names its change");
    }
    assert_eq!(log, shown["log"]);

    // The ticket as it was when it was made, then with the first edit.
    let at = |entry: &serde_json::Value| {
        let change = entry["change"].as_str().unwrap();
        desk.json(&["ticket", "history", number, "--at", &change[..12]])
    };
    let first = at(&history[0]);
    assert_eq!((&first["place"], &first["changes"]), (&json!(1), &json!(4)));
    assert_eq!((&first["ticket"]["status"], &first["ticket"]["comments"]), (&json!("open"), &json!([])));
    assert_eq!(at(&history[1])["ticket"]["status"], "in_progress");
    assert_eq!(desk.failure(&["ticket", "history", number, "--at", "ffffffffffff"])["code"], "not_found");
    assert!(shown["sla"]["resolution"]["state"].is_string());

    let listed = desk.json(&["ticket", "list", "--status", "in_progress", "--assignee", "olga"]);
    assert_eq!(listed.as_array().unwrap().len(), 1);
    let keys: Vec<&str> = listed[0].as_object().unwrap().keys().map(String::as_str).collect();
    let mut expected = vec![
        "id",
        "number",
        "title",
        "status",
        "priority",
        "category",
        "assignee",
        "team",
        "requester",
        "tags",
        "created_at",
        "updated_at",
    ];
    expected.sort_unstable();
    assert_eq!(keys, expected);
    assert_eq!(desk.json(&["ticket", "list", "--status", "closed"]), json!([]));
    assert_eq!(desk.json(&["search", "принтер"])[0]["number"], number);
    assert_eq!(desk.json(&["search", "купил"])[0]["number"], number);

    let words = desk.run(&["ticket", "show", number]);
    let words = String::from_utf8(words.stdout).unwrap();
    assert!(words.contains(number) && words.contains("Кто купил?"), "{words}");
    let explained = desk.json(&["sla", "explain", number]);
    assert!(explained["clocks"].is_array(), "{explained}");
}

#[test]
fn what_is_not_there_or_not_allowed_says_so() {
    let desk = Desk::new();
    assert_eq!(desk.failure(&["ticket", "show", "TK-00000000"])["code"], "not_found");
    assert_eq!(desk.failure(&["ticket", "show", "nonsense"])["code"], "not_found");
    assert_eq!(desk.failure(&["article", "show", "x"])["code"], "not_found");
    assert_eq!(desk.failure(&["incident", "ack", "INC-00000000"])["code"], "not_found");
    assert_eq!(desk.failure(&["rejected", "show", "7"])["code"], "not_found");
    assert_eq!(desk.failure(&["ticket", "new", "--title", " "])["code"], "invalid");
    assert_eq!(desk.failure(&["ticket", "new", "--title", &"x".repeat(10_000)])["code"], "too_large");
    assert_eq!(desk.failure(&["init", "--workspace", "Again", "--email", "a@b"])["code"], "already_exists");
    let made = desk.json(&["ticket", "new", "--title", "x"]);
    let number = made["number"].as_str().unwrap();
    assert_eq!(desk.failure(&["ticket", "set", number, "assignee=nobody@example.org"])["code"], "not_found");
    desk.json(&["ticket", "set", number, "status=closed"]);
    assert_eq!(desk.failure(&["ticket", "set", number, "status=pending"])["code"], "forbidden");
    let huge = vec![b'x'; 10 * 1024 * 1024];
    let output = run(&desk.data_dir(), &["--json", "ticket", "comment", number, "-"], Some(&huge));
    assert_eq!(output.status.code(), Some(1));
    let problem: Value = serde_json::from_slice(&output.stderr).unwrap();
    assert_eq!(problem["code"], "too_large");
    assert_eq!(desk.json(&["ticket", "show", number])["comments"], json!([]));
}

#[test]
fn articles_and_incidents_live_their_lives() {
    let desk = Desk::new();
    let made = desk.json(&[
        "article",
        "new",
        "--title",
        "Бумага",
        "--body",
        "# Бумага\n\nВ шкафу.",
        "--tag",
        "офис",
    ]);
    let id = made["id"].as_str().unwrap();
    assert_eq!(made["status"], "draft");
    let set = desk.json(&["article", "set", id, "status=published", "tag+=принтер"]);
    assert_eq!(set["status"], "published");
    let edited = desk.json(&["article", "edit", id, "--body", "# Бумага\n\nВ шкафу слева."]);
    assert_eq!(edited["body"], "# Бумага\n\nВ шкафу слева.");
    assert_eq!(desk.json(&["article", "list", "--status", "published"]).as_array().unwrap().len(), 1);
    assert_eq!(desk.json(&["article", "list", "--status", "archived"]), json!([]));
    assert_eq!(desk.json(&["article", "show", id])["tags"], json!(["офис", "принтер"]));

    let made = desk.json(&["incident", "new", "--title", "Почта", "--severity", "P1", "--service", "mail"]);
    let number = made["number"].as_str().unwrap();
    assert!(number.starts_with("INC-"));
    let acknowledged = desk.json(&["incident", "ack", number]);
    assert_eq!(acknowledged["status"], "investigating");
    assert!(acknowledged["milestones"]["acknowledged"].is_string());
    assert_eq!(desk.json(&["incident", "ack", number]), acknowledged);
    let ticket = desk.json(&["ticket", "new", "--title", "x"]);
    let link = format!("ticket+={}", ticket["number"].as_str().unwrap());
    let set = desk.json(&["incident", "set", number, "severity=P2", "commander=olga", "service+=web", &link]);
    assert_eq!(set["severity"], "P2");
    assert_eq!(set["services"], json!(["mail", "web"]));
    assert_eq!(set["tickets"], json!([ticket["id"]]));
    assert!(set["roles"]["commander"].is_string());
    desk.json(&["incident", "note", number, "Перезапуск"]);
    let shown = desk.json(&["incident", "show", number]);
    let notes = shown["timeline"].as_array().unwrap().iter().filter(|entry| entry["kind"] == "note").count();
    assert_eq!(notes, 1);
    assert_eq!(desk.json(&["incident", "list"])[0]["number"], number);
    let other = desk.json(&["incident", "new", "--title", "Сеть", "--severity", "P4"]);
    let other = other["number"].as_str().unwrap();
    let held = desk.json(&["incident", "ack", other, "--for", "30m"]);
    assert_eq!(held["status"], "open");
    let entries = held["timeline"].as_array().unwrap();
    assert!(entries.iter().any(|entry| entry["kind"] == "acknowledged" && entry["until"].is_string()));
    assert_eq!(desk.failure(&["incident", "ack", other, "--for", "9000h"])["code"], "invalid");
    assert_eq!(desk.json(&["oncall"]), json!([]));
    assert_eq!(desk.failure(&["oncall", "--schedule", "сеть"])["code"], "not_found");
}

/// Rows of the ServiceNow log: by the number, what each says in these columns.
fn servicenow_rows(columns: [&str; 5]) -> std::collections::BTreeMap<String, Vec<[String; 5]>> {
    let text = std::fs::read_to_string(data("data/servicenow_incident_event_log.csv")).unwrap();
    let mut lines = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let header = lines.next().unwrap();
    let places = columns.map(|column| header.iter().position(|name| *name == column).unwrap());
    let mut rows = std::collections::BTreeMap::<String, Vec<[String; 5]>>::new();
    for line in lines {
        let row = places.map(|place| line[place].trim().to_owned());
        rows.entry(line[0].to_owned()).or_default().push(row);
    }
    rows
}

/// `D-M-YYYY HH:MM` or `D/M/YYYY HH:MM`, as if it were UTC.
fn servicenow_instant(text: &str) -> UtcMillis {
    let (day, time) = text.split_once(' ').unwrap();
    let parts: Vec<u32> = day.split(['-', '/']).map(|part| part.parse().unwrap()).collect();
    format!("{:04}-{:02}-{:02}T{time:0>5}:00Z", parts[2], parts[1], parts[0]).parse().unwrap()
}

#[test]
fn our_verdicts_stand_beside_those_of_the_servicenow_log() {
    let desk = Desk::new();
    let log = data("data/servicenow_incident_event_log.csv");
    desk.json(&["import", "servicenow-csv", &log, "--zone", "UTC"]);
    let hours = json!({"critical": 4, "high": 8, "medium": 72, "low": 72});
    let targets: Value = hours
        .as_object()
        .unwrap()
        .iter()
        .map(|(priority, hours)| (priority.clone(), json!({"resolution_min": hours.as_i64().unwrap() * 60})))
        .collect::<serde_json::Map<_, _>>()
        .into();
    // Round the clock and without pauses, so that what is expected needs no calendar: only time in done statuses is left out.
    let rules = json!({
        "policies": [{"key": "itil", "name": "ITIL", "calendar": "always", "targets": targets, "pause_statuses": []}],
        "calendars": {"always": {"zone": "UTC", "always_open": true}}
    });
    let file = desk.file("rules.json", &rules.to_string());
    let report = desk.json(&["sla", "report", &file]);

    let mut expected = std::collections::BTreeMap::<&str, [i64; 4]>::new();
    let mut differing = Vec::new();
    let columns = ["incident_state", "sys_updated_at", "opened_at", "priority", "made_sla"];
    for (number, rows) in servicenow_rows(columns) {
        let last = rows.last().unwrap();
        let of = |row: &[String; 5]| match &row[3][..1] {
            "1" => "critical",
            "2" => "high",
            "3" => "medium",
            _ => "low",
        };
        let priority = of(last);
        // In the order of the file, as it was imported: the log knows better than its clocks what came after what.
        let is_done = |row: &[String; 5]| matches!(row[0].as_str(), "Resolved" | "Closed");
        let (mut at, mut works, mut elapsed_ms) = (servicenow_instant(&last[2]), !is_done(&rows[0]), 0);
        let mut target = hours[of(&rows[0])].as_i64().unwrap();
        for row in &rows {
            let next = servicenow_instant(&row[1]).max(at);
            elapsed_ms += if works { next.since(at) } else { 0 };
            if works {
                // The target that held when it was resolved; what changes afterwards judges it no more.
                target = hours[of(row)].as_i64().unwrap();
            }
            (at, works) = (next, !is_done(row));
        }
        let made = elapsed_ms <= target * 3_600_000;
        let theirs = last[4] == "TRUE";
        let counts = expected.entry(priority).or_default();
        counts[0] += 1;
        counts[1] += i64::from(theirs);
        counts[2] += i64::from(made);
        counts[3] += i64::from(made == theirs);
        if made != theirs {
            differing.push((number, elapsed_ms / 1000));
        }
    }
    for (priority, [tickets, theirs_made, ours_made, agree]) in expected {
        let told = &report["priorities"][priority];
        for (key, count) in
            [("tickets", tickets), ("theirs_made", theirs_made), ("ours_made", ours_made), ("agree", agree)]
        {
            assert_eq!(told[key], count, "{priority} {key}: {told}");
        }
    }
    let told: Vec<(String, i64)> = report["differing"]
        .as_array()
        .unwrap()
        .iter()
        .map(|ticket| (ticket["key"].as_str().unwrap().to_owned(), ticket["elapsed_s"].as_i64().unwrap()))
        .collect();
    assert_eq!(told, differing);
    assert_eq!((&report["total"]["tickets"], &report["untold"]), (&json!(890), &json!(0)));

    // What the log says of moderate incidents is: not closed within some eight days, every hour counted.
    let fits = report["priorities"]["medium"]["fits"].as_array().unwrap();
    let to_closed = json!(["paused_time", "business_hours", "closed_instant"]);
    let fit = fits.iter().find(|fit| fit["reasons"] == to_closed).unwrap();
    assert_eq!(fit["agree"], 757);
    let alone = |ticket: &Value| ticket["reasons"].as_array().unwrap().contains(&json!(["closed_instant"]));
    assert!(report["differing"].as_array().unwrap().iter().any(alone));

    // In words, for people; and nothing to say where there is no such field.
    let words = desk.run(&["sla", "report", &file]);
    let words = String::from_utf8(words.stdout).unwrap();
    assert!(words.contains("until closed, not resolved"), "{words}");
    let none = desk.json(&["sla", "report", "--field", "nothing"]);
    assert_eq!((&none["untold"], &none["total"]["tickets"]), (&json!(890), &json!(0)));
}

#[test]
fn rules_are_told_previewed_applied_and_refused() {
    let desk = Desk::new();
    let rules = desk.json(&["sla", "rules"]);
    let file = desk.file("rules.json", &rules.to_string());
    assert_eq!(desk.json(&["sla", "apply", &file]), json!([]), "what is told is what holds");
    let made = desk.json(&["ticket", "new", "--title", "Сканер", "--priority", "medium"]);
    let number = made["number"].clone();
    let created_at: UtcMillis = made["created_at"].as_str().unwrap().parse().unwrap();
    let due =
        |desk: &Desk| desk.json(&["ticket", "show", number.as_str().unwrap()])["sla"]["resolution"].clone();
    assert_eq!(due(&desk)["target_s"], 1_440 * 60);
    // Around the clock at the latest, a month from now.
    for (within, found) in [("1m", 0), ("60d", 1)] {
        let listed = desk.json(&["ticket", "list", "--due-within", within, "--sort", "due"]);
        assert_eq!(listed.as_array().unwrap().len(), found, "{within}");
    }

    let mut strict = rules.clone();
    for policy in strict["policies"].as_array_mut().unwrap() {
        policy["targets"]["medium"] = json!({"resolution_min": 0.001});
        policy["calendar"] = json!("always");
    }
    let strict_file = desk.file("strict.json", &strict.to_string());
    let today = created_at.plus_ms(-86_400_000).to_string();
    let tomorrow = created_at.plus_ms(86_400_000).to_string();
    let preview = desk.json(&["sla", "preview", &strict_file, "--from", &today, "--to", &tomorrow]);
    assert_eq!((&preview["tickets"], &preview["changes_count"]), (&json!(1), &json!(2)), "{preview}");
    let change = preview["changes"].as_array().unwrap().iter().find(|c| c["metric"] == "resolution").unwrap();
    assert_eq!((&change["present"], &change["proposed"]), (&json!("running"), &json!("breached")));
    let last_month = desk.json(&["sla", "preview", &strict_file]);
    assert_eq!(last_month["tickets"], 0);
    assert_eq!(due(&desk)["target_s"], 1_440 * 60, "a preview changes nothing");

    let changed = desk.json(&["sla", "apply", &strict_file]);
    assert_eq!(changed.as_array().unwrap().len(), 2);
    assert_eq!(due(&desk)["state"], "breached");
    // The list and the alerts follow, also of tickets that nobody touched.
    let breached = desk.json(&["ticket", "list", "--breached"]);
    assert_eq!(breached[0]["number"], number);
    assert!(desk.json(&["alerts"]).to_string().contains("resolution_breach"));

    let refused = |change: &dyn Fn(&mut Value), expected: &str| {
        let mut broken = rules.clone();
        change(&mut broken);
        let file = desk.file("broken.json", &broken.to_string());
        for command in ["preview", "apply"] {
            let problem = desk.failure(&["sla", command, &file]);
            assert!(problem["message"].as_str().unwrap().contains(expected), "{problem}");
        }
    };
    refused(&|rules| rules["calendars"]["office"]["hours"] = json!({}), "never open");
    refused(&|rules| rules["policies"][0]["targets"] = json!({}), "no target");
    refused(&|rules| rules["policies"][0]["warn_percent"] = json!([0]), "0 %");
    refused(&|rules| rules["policies"][0]["calendar"] = json!("moon"), "moon");
    refused(&|rules| rules["policies"][0]["pause_statuses"] = json!(["asleep"]), "sla rules --help");
    assert_eq!(desk.json(&["sla", "rules"]), strict, "what was refused changed nothing");
    assert_eq!(desk.json(&["sla", "apply", &file]).as_array().unwrap().len(), 2);
    assert_eq!(due(&desk)["state"], "running");
}

#[test]
fn services_and_rules_of_detection_are_listed_set_removed_and_refused() {
    let desk = Desk::new();
    assert_eq!(desk.json(&["service", "list"]), json!([]));
    let made = desk.json(&["service", "set", "pos", "--name", "Кассы", "--team", "field"]);
    assert_eq!(made, json!([{ "key": "pos", "name": "Кассы", "team": "field", "problem": null }]));
    // What is not named stays, and "" clears.
    let made = desk.json(&["service", "set", "pos", "--escalation", "default-p1", "--team", ""]);
    assert_eq!(
        made[0],
        json!({ "key": "pos", "name": "Кассы", "escalation": "default-p1", "problem": null })
    );
    for (args, field) in [
        (["service", "set", "mail", "--name", "кассы"], "name"),
        (["service", "set", "pos", "--team", "gone"], "team"),
        (["service", "set", "so so", "--name", "X"], "key"),
    ] {
        let refused = desk.failure(&args);
        assert_eq!((&refused["code"], &refused["field"]), (&json!("invalid"), &json!(field)), "{refused}");
    }
    assert_eq!(desk.failure(&["service", "set", "mail"])["field"], "name");
    assert_eq!(desk.failure(&["service", "remove", "mail"])["code"], "not_found");

    assert_eq!(desk.json(&["detection", "list"]), json!([]));
    let backup = json!({ "key": "backup", "name": "Копии", "severity": "P3", "services": ["Кассы"],
        "watch": "heartbeat", "heartbeat": "backup.night", "every_s": 86_400, "grace_s": 3_600 });
    let burst = json!({ "key": "tills", "name": "Всплеск", "severity": "P2", "watch": "burst",
        "categories": ["hardware"], "window_min": 30, "min_tickets": 5 });
    let with = |of: &Value, key: &str, value: Value| {
        let mut other = of.clone();
        other[key] = value;
        other
    };
    // One that cannot be used keeps all of them out, with the field and what to do.
    for (rule, field, part) in [
        (with(&burst, "window_min", json!(0)), "window_min", "between 5 and 1440"),
        (with(&backup, "every_s", json!(0)), "every_s", "between 1 and"),
        (with(&backup, "services", json!(["Почта"])), "services", "add it"),
        (with(&burst, "categories", json!(["gone"])), "categories", "add it"),
    ] {
        let file = desk.file("rules.json", &json!([backup, rule]).to_string());
        let refused = desk.failure(&["detection", "set", &file]);
        assert_eq!((&refused["code"], &refused["field"]), (&json!("invalid"), &json!(field)), "{refused}");
        assert!(refused["message"].as_str().unwrap().contains(part), "{refused}");
        assert_eq!(desk.json(&["detection", "list"]), json!([]));
    }
    let file = desk.file("rules.json", &json!([with(&burst, "watch", json!("noise"))]).to_string());
    let refused = desk.failure(&["detection", "set", &file]);
    assert_eq!(refused["code"], "bad_file");
    assert!(refused["message"].as_str().unwrap().contains("rule 1"), "{refused}");

    let file = desk.file("rules.json", &json!([backup, burst]).to_string());
    let listed = desk.json(&["detection", "set", &file]);
    let keys: Vec<&Value> = listed.as_array().unwrap().iter().map(|rule| &rule["key"]).collect();
    assert_eq!(keys, ["backup", "tills"]);
    // What is listed can be set again, one rule alone, too.
    let off = with(&listed[1], "enabled", json!(false));
    let file = desk.file("rule.json", &off.to_string());
    assert_eq!(desk.json(&["detection", "set", &file])[1], off);
    // A service that goes is missed where it is named.
    desk.json(&["service", "remove", "pos"]);
    let problem = desk.json(&["detection", "list"])[0]["problem"].clone();
    assert!(problem.as_str().unwrap().contains("Кассы"), "{problem}");
    let left = desk.json(&["detection", "remove", "backup"]);
    assert_eq!(left.as_array().unwrap().len(), 1);
    assert_eq!(desk.failure(&["detection", "remove", "backup"])["code"], "not_found");
    let text = desk.run(&["detection", "list"]);
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(text.contains("5 or more similar tickets in 30 min, hardware") && text.contains("off"), "{text}");
}

#[test]
fn the_shared_files_are_imported_and_a_second_time_changes_nothing() {
    let desk = Desk::new();
    let log = data("data/servicenow_incident_event_log.csv");
    let archive = data("data/github_archive_tls_esni.json");
    let report = desk.json(&["import", "servicenow-csv", &log, "--zone", "America/Sao_Paulo"]);
    let nothing = json!([]);
    assert_eq!(
        report,
        json!({"created": {"tickets": 890, "comments": 0}, "updated": 0, "unchanged": 0, "refused": nothing})
    );
    let report = desk.json(&["import", "github-archive", &archive]);
    assert_eq!(report["created"], json!({"tickets": 642, "comments": 1993}));
    let before = desk.json(&["digest"]);
    assert_eq!(
        desk.json(&["import", "servicenow-csv", &log, "--zone", "America/Sao_Paulo"])["unchanged"],
        890
    );
    let report = desk.json(&["import", "github-archive", &archive]);
    assert_eq!(
        report,
        json!({"created": {"tickets": 0, "comments": 0}, "updated": 0, "unchanged": 642, "refused": nothing})
    );
    assert_eq!(desk.json(&["digest"]), before);
    let all = desk.json(&["ticket", "list"]);
    assert_eq!(all.as_array().unwrap().len(), 890 + 642);
    assert_eq!(
        desk.json(&["ticket", "list", "--limit", "700", "--offset", "1500"]).as_array().unwrap().len(),
        32
    );

    let found = desk.json(&["search", "INC0000045"]);
    let ticket = desk.json(&["ticket", "show", found[0]["number"].as_str().unwrap()]);
    // 29-02-2016 01:16 in São Paulo.
    assert_eq!(ticket["created_at"], "2016-02-29T04:16:00Z");
    assert_eq!(ticket["requester"], "Caller 2403");

    let dir = desk.dir.path().join("out");
    let exported = desk.json(&["export", dir.to_str().unwrap()]);
    assert_eq!(exported["tickets"], 890 + 642);
    let lines = std::fs::read_to_string(dir.join("tickets.jsonl")).unwrap();
    assert_eq!(lines.lines().count(), 890 + 642);
    let line: Value = lines
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .find(|line| line["id"] == ticket["id"])
        .unwrap();
    for key in ["number", "title", "description", "status", "custom", "comments", "log", "tags", "created_at"]
    {
        assert_eq!(line[key], ticket[key], "{key}");
    }
    let document = dir.join("documents").join(format!("{}.automerge", ticket["id"].as_str().unwrap()));
    assert!(document.metadata().unwrap().len() > 100);
    assert_eq!(desk.failure(&["export", dir.to_str().unwrap()])["code"], "already_exists");
    desk.json(&["export", dir.to_str().unwrap(), "--force"]);
}

#[test]
fn an_import_tells_of_what_it_refuses_and_a_wrong_file_fails() {
    let desk = Desk::new();
    let file = desk.file(
        "log.csv",
        "number,incident_state,opened_at,sys_updated_at\n\
         A,New,01-02-2016 10:00,01-02-2016 10:00\n\
         A,-100,01-02-2016 10:00,01-02-2016 11:00\n\
         A,Closed,01-02-2016 10:00,01-02-2016 12:00\n",
    );
    let report = desk.json(&["import", "servicenow-csv", &file]);
    assert_eq!(report["created"]["tickets"], 1);
    assert_eq!(report["refused"][0]["line"], 3);
    let words = desk.run(&["import", "servicenow-csv", &file]);
    assert!(String::from_utf8_lossy(&words.stdout).contains("line 3"), "{words:?}");

    let archive = data("data/github_archive_tls_esni.json");
    let problem = desk.failure(&["import", "servicenow-csv", &archive]);
    assert_eq!(problem["code"], "bad_file");
    assert!(problem["message"].as_str().unwrap().contains("sys_updated_at"), "{problem}");
    assert_eq!(desk.failure(&["import", "github-archive", &file])["code"], "bad_file");
    assert_eq!(desk.failure(&["import", "github-archive", "/no/such/file"])["code"], "bad_file");
    let binary = std::env::current_exe().unwrap();
    assert_eq!(desk.failure(&["import", "servicenow-csv", binary.to_str().unwrap()])["code"], "bad_file");
    assert_eq!(
        desk.failure(&["import", "servicenow-csv", &file, "--zone", "Mars/Phobos"])["code"],
        "invalid"
    );

    let csv = desk.file("other.csv", "Id;Subject;State\n1;Mail;New\n");
    let map = desk.file(
        "map.json",
        r#"{"key": "Id", "title": "Subject", "status": {"column": "State", "values": {"New": "open"}}}"#,
    );
    assert_eq!(desk.json(&["import", "csv", &csv, "--map", &map])["created"]["tickets"], 1);
    let bad = desk.file("bad.json", "{}");
    assert_eq!(desk.failure(&["import", "csv", &csv, "--map", &bad])["code"], "invalid");
}

#[test]
fn scenarios_are_simulated_without_a_workspace() {
    let dir = tempfile::tempdir().unwrap();
    let file = data("vectors/sla_scenarios.json");
    let output = run(dir.path(), &["--json", "sla", "simulate", &file], None);
    let simulated = value(&output, &["sla", "simulate"]);
    let expected: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    let scenarios = expected["scenarios"].as_array().unwrap();
    assert_eq!(simulated["scenarios"].as_array().unwrap().len(), scenarios.len());
    for (done, scenario) in simulated["scenarios"].as_array().unwrap().iter().zip(scenarios) {
        assert_eq!(done["id"], scenario["id"]);
        for (metric, fields) in scenario["expect"].as_object().unwrap() {
            for (field, expected) in fields.as_object().unwrap() {
                assert_eq!(&done[metric][field], expected, "{} {metric} {field}", scenario["id"]);
            }
        }
    }
    let wrong = dir.path().join("wrong.json");
    std::fs::write(&wrong, "[]").unwrap();
    let output = run(dir.path(), &["sla", "simulate", wrong.to_str().unwrap()], None);
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn the_digest_is_of_the_documents_and_the_doctor_finds_nothing() {
    let desk = Desk::new();
    let empty = desk.json(&["digest"]);
    assert_eq!(empty["digest"].as_str().unwrap().len(), 64);
    assert_eq!(desk.json(&["digest"]), empty);
    desk.json(&["ticket", "new", "--title", "x"]);
    let one = desk.json(&["digest"]);
    assert_ne!(one["digest"], empty["digest"]);
    assert_eq!(one["documents"].as_u64(), empty["documents"].as_u64().map(|n| n + 1));
    let report = desk.json(&["doctor"]);
    assert_eq!(report["healthy"], true, "{report}");
    assert_eq!(desk.json(&["doctor", "--repair"])["healthy"], true);
    assert_eq!(desk.json(&["digest"]), one);
    assert_eq!(desk.json(&["rejected", "list"]), json!([]));
}

#[test]
fn what_will_be_due_is_told_for_a_day_to_come() {
    let desk = Desk::new();
    let made = desk.json(&["ticket", "new", "--title", "x", "--priority", "critical"]);
    assert_eq!(desk.json(&["alerts", "--at", "2020-01-01T00:00:00Z"]), json!([]));
    let due = made["sla"]["resolution"]["due_at"].as_str().unwrap();
    let alerts = desk.json(&["alerts", "--at", "2099-01-01T00:00:00Z"]);
    let breach = alerts
        .as_array()
        .unwrap()
        .iter()
        .find(|alert| alert["rule"] == "resolution_breach")
        .unwrap_or_else(|| panic!("{alerts}"));
    assert_eq!(breach["due_at"], due);
    assert_eq!(breach["number"], made["number"]);
}

#[test]
fn alerts_are_acknowledged_and_put_off_by_number_or_key() {
    let desk = Desk::new();
    let new = |title: &str| {
        let csv = format!(
            "number,incident_state,sys_updated_by,sys_updated_at,opened_at,priority,caller_id,category\n\
             {title},New,Updated by 1,02-11-2020 10:00,02-11-2020 10:00,1 - Critical,Caller 1,Category 1\n"
        );
        let file = desk.data_dir().join(title);
        std::fs::write(&file, csv).unwrap();
        desk.json(&["import", "servicenow-csv", file.to_str().unwrap()]);
    };
    new("INC1");
    new("INC2");
    let open = desk.json(&["alerts"]);
    let open = open.as_array().unwrap();
    let numbers: std::collections::BTreeSet<&str> =
        open.iter().map(|alert| alert["number"].as_str().unwrap()).collect();
    let [first, second] = numbers.into_iter().collect::<Vec<_>>()[..] else { panic!("{open:?}") };
    let left = desk.json(&["alerts", "ack", first]);
    assert!(left.as_array().unwrap().iter().all(|alert| alert["number"] == second), "{left}");
    let key = left[0]["key"].as_str().unwrap().to_owned();
    let fewer = desk.json(&["alerts", "snooze", &key, "--for", "2h"]);
    assert_eq!(fewer.as_array().unwrap().len() + 1, left.as_array().unwrap().len());
    let later = desk.json(&["alerts", "--at", "2099-01-01T00:00:00Z"]);
    assert!(later.as_array().unwrap().iter().any(|alert| alert["key"] == key), "it comes back");

    let output = run(&desk.data_dir(), &["alerts", "ack", first], None);
    assert_eq!(output.status.code(), Some(1), "nothing is open for it any more");
    let output = run(&desk.data_dir(), &["alerts", "snooze", &key, "--for", "60d"], None);
    assert!(String::from_utf8_lossy(&output.stderr).contains("thirty days"), "{output:?}");
}

#[test]
fn alert_settings_are_shown_and_set_from_a_file() {
    let desk = Desk::new();
    let mut settings = desk.json(&["alerts", "settings", "show"]);
    settings["quiet"] = json!([{ "days": ["sat"], "from": "22:00", "to": "07:00" }]);
    let set = |settings: &Value| {
        run(
            &desk.data_dir(),
            &["--json", "alerts", "settings", "set", "-"],
            Some(settings.to_string().as_bytes()),
        )
    };
    assert!(set(&settings).status.success());
    assert_eq!(desk.json(&["alerts", "settings", "show"]), settings);
    let mut wrong = settings.clone();
    wrong["zone"] = json!("Mars");
    let output = set(&wrong);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("Asia/Almaty"), "{output:?}");
    assert_eq!(desk.json(&["alerts", "settings", "show"]), settings, "what was there stays");
}

#[test]
fn a_server_that_is_not_there_is_told_from_one_that_refuses() {
    let desk = Desk::new();
    let args = [
        "--json",
        "login",
        "--server",
        "http://127.0.0.1:9",
        "--workspace",
        "w",
        "--email",
        "e@x",
        "--password-stdin",
    ];
    let output = run(&desk.data_dir(), &args, Some(b"secret\n"));
    assert_eq!(output.status.code(), Some(1));
    let problem: Value = serde_json::from_slice(&output.stderr).unwrap();
    assert_eq!(problem["code"], "offline", "{problem}");
    assert!(!String::from_utf8_lossy(&output.stderr).contains("secret"));
    let output = run(&desk.data_dir(), &args, Some(b""));
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("no password"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_device_fails_with_a_sentence_and_keeps_nothing() {
    use std::sync::Arc;

    use workernet_server::{
        auth::password,
        clock::SystemClock,
        http::Limits,
        members::{self, NewMember},
        random::{FreshIds, SystemRandom},
        serve::{Setup, start},
        storage::{Devices, SqliteStorage},
        workspaces::{self, NewWorkspace},
    };

    let dir = tempfile::tempdir().unwrap();
    let (data, password) = (dir.path().join("data"), "правильный-пароль");
    let storage = SqliteStorage::open(&dir.path().join("server")).await.unwrap();
    let random = Arc::new(SystemRandom::new().unwrap());
    let (clock, ids) = (Arc::new(SystemClock), FreshIds::now(&SystemClock, random.as_ref()));
    let now = desk_domain::time::Clock::now(clock.as_ref());
    let new = NewWorkspace { slug: "acme".into(), name: "Acme".into(), zone: "UTC".into() };
    let workspace = workspaces::create(&storage, &new, now, &ids).await.unwrap();
    let new = NewMember {
        workspace: "acme".into(),
        email: "anna@acme.example".into(),
        name: "Анна".into(),
        role: desk_domain::people::Role::Agent,
        teams: vec![],
        password_hash: password::hash(password, random.as_ref()).unwrap(),
    };
    members::add(&storage, &new, now, &ids).await.unwrap();
    let (listen, limits) = ("127.0.0.1:0".parse().unwrap(), Limits::default());
    let setup = Setup {
        storage: Arc::new(storage.clone()),
        clock,
        random: random.clone(),
        listen,
        limits,
        mail: None,
    };
    let server = start(setup).await.unwrap();
    let url = format!("http://{}", server.address());

    let login = ["login", "--server", &url, "--workspace", "acme", "--email", "anna@acme.example"];
    let login = [&login[..], &["--password-stdin"]].concat();
    assert_eq!(run(&data, &login, Some(password.as_bytes())).status.code(), Some(0));
    assert_eq!(run(&data, &["ticket", "new", "--title", "Секрет"], None).status.code(), Some(0));
    for device in storage.devices(workspace.id).await.unwrap() {
        assert!(storage.revoke_device(device.id, now).await.unwrap());
    }
    let output = run(&data, &["sync"], None);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("revoked by an administrator") && told.contains("erased"), "{told}");
    let output = run(&data, &["--json", "sync"], None);
    assert_eq!(output.status.code(), Some(1), "nobody is signed in: {output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("signed_out"), "{output:?}");
    assert_eq!(run(&data, &login, Some(password.as_bytes())).status.code(), Some(0), "as a new device");
    let tickets = value(&run(&data, &["--json", "ticket", "list"], None), &["ticket", "list"]);
    assert_eq!(tickets, json!([]));
    assert_eq!(storage.devices(workspace.id).await.unwrap().len(), 2);
    server.stop().await;
}
