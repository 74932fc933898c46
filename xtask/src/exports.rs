//! The check that any Automerge reads what `desk export` writes: real exports, loaded by the JavaScript implementation and
//! compared with the JSON Lines beside them by `tests/javascript`.
//!
//! There are two exports: of a workspace on one device with everything in it that the importers make of `../shared/data`,
//! and of a device that has merged with another one's edits of the same fields.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail, ensure};
use desk_harness::Server;
use serde_json::Value;

use crate::cargo::{line, succeed};
use crate::progress;
use crate::project::Project;
use crate::run::SERVER;

/// The command line's program.
const DESK: &str = "desk";

/// Where the script is, below the project's root.
const SCRIPT: &str = "tests/javascript";

/// What the script consists of beside its packages.
const SOURCES: [&str; 7] = [
    ".npmrc",
    "package.json",
    "package-lock.json",
    "check.mjs",
    "compare.mjs",
    "compare.test.mjs",
    "read.mjs",
];

/// The demo workspace of the second export.
const DEMO_TICKETS: u32 = 60;
const DEMO_SEED: u64 = 7;

/// Makes the exports with the programs in `programs` and has them read.
pub(crate) fn check(project: &Project, programs: &Path) -> anyhow::Result<()> {
    let reader = Reader::install(project)?;
    let dir = project.target().join("exports/data");
    if dir.exists() {
        fs::remove_dir_all(&dir)?;
    }
    fs::create_dir_all(&dir)?;
    let program = |name: &str| programs.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));

    let alone = progress::step("exporting what one device holds", || {
        alone(&Device::new(program(DESK), dir.join("alone")), &project.root().join("../shared/data"))
    })?;
    reader.check(&alone)?;
    // Comparing is only worth something if it sees what is wrong.
    reader.test(&alone)?;

    let merged = progress::step("exporting what two devices have merged", || {
        merged(&program(SERVER), &dir.join("server"), |name| Device::new(program(DESK), dir.join(name)))
    })?;
    reader.check(&merged)
}

/// Node with the script and its packages, in a folder of their own.
struct Reader {
    dir: PathBuf,
}

impl Reader {
    /// Copies the script and fetches its packages, unless they are those of the lock file already.
    fn install(project: &Project) -> anyhow::Result<Self> {
        let dir = project.target().join("exports/javascript");
        fs::create_dir_all(&dir)?;
        let from = project.root().join(SCRIPT);
        for name in SOURCES {
            fs::copy(from.join(name), dir.join(name)).with_context(|| format!("{SCRIPT}/{name}"))?;
        }
        let wanted = fs::read(dir.join("package-lock.json"))?;
        let stamp = dir.join(".installed");
        if fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
            return Ok(Self { dir });
        }
        progress::step("fetching the JavaScript Automerge", || {
            // Nothing of a package runs but what we call.
            let mut npm = Command::new("npm");
            succeed(npm.current_dir(&dir).args(["ci", "--ignore-scripts", "--loglevel", "error"]))
        })?;
        // Last, so that an interrupted installation is not taken for a whole one.
        fs::write(stamp, wanted)?;
        Ok(Self { dir })
    }

    /// Every document of an export loads and reads as its line says.
    fn check(&self, export: &Path) -> anyhow::Result<()> {
        succeed(self.node().arg("check.mjs").arg(export))
    }

    /// The comparison tells of everything that is spoilt in this export.
    fn test(&self, export: &Path) -> anyhow::Result<()> {
        succeed(self.node().args(["--test", "compare.test.mjs"]).env("EXPORT_DIR", export))
    }

    fn node(&self) -> Command {
        let mut node = Command::new("node");
        node.current_dir(&self.dir);
        node
    }
}

/// One data directory and the command line for it.
struct Device {
    program: PathBuf,
    data: PathBuf,
}

impl Device {
    fn new(program: PathBuf, data: PathBuf) -> Self {
        Self { program, data }
    }

    /// What a command prints.
    fn call(&self, arguments: &[&str]) -> anyhow::Result<Value> {
        self.call_with("", arguments)
    }

    /// The same, for a command that reads its standard input.
    fn call_with(&self, input: &str, arguments: &[&str]) -> anyhow::Result<Value> {
        use std::io::Write;

        let mut command = Command::new(&self.program);
        command.args(["--json", "--data-dir"]).arg(&self.data).args(arguments);
        // The person's own keychain is no place for the keys of a test.
        command.env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent");
        let line = line(&command);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start `{line}`"))?;
        if let Some(mut stdin) = child.stdin.take() {
            // A command that reads no input may have ended already; its exit status says what matters.
            let _ = stdin.write_all(input.as_bytes());
        }
        let output = child.wait_with_output()?;
        ensure!(output.status.success(), "`{line}` ended with {}", output.status);
        serde_json::from_slice(&output.stdout).with_context(|| format!("`{line}` printed no JSON"))
    }

    /// A new export of everything; returns where it is.
    fn export(&self) -> anyhow::Result<PathBuf> {
        let dir = self.data.with_extension("export");
        self.call(&["export", &text(&dir)?])?;
        Ok(dir)
    }
}

/// Imports of both kinds, edits, and one of everything else.
fn alone(desk: &Device, shared: &Path) -> anyhow::Result<PathBuf> {
    desk.call(&["init", "--workspace", "Экспорт", "--email", "olga@example.org"])?;
    for (format, file) in [
        ("github-archive", "github_archive_tls_esni.json"),
        ("servicenow-csv", "servicenow_incident_event_log.csv"),
    ] {
        let made = desk.call(&["import", format, &text(&shared.join(file))?])?;
        ensure!(made.pointer("/created/tickets").and_then(Value::as_u64) > Some(0), "{file} made no tickets");
    }

    let title = "Принтер 🖨️ не печатает <b>срочно</b>";
    let ticket =
        desk.call(&["ticket", "new", "--title", title, "--description", "строка 1\r\n\tстрока \"2\""])?;
    let ticket = field(&ticket, "number")?;
    let fields = ["tag+=vip", "tag+=этаж-2", "tag+=gone", "custom.room=12", "custom.gone=1", "priority=high"];
    desk.call(&[&["ticket", "set", ticket], fields.as_slice()].concat())?;
    desk.call(&["ticket", "set", ticket, "tag-=gone", "custom.gone=", "assignee=olga@example.org"])?;
    desk.call(&["ticket", "comment", ticket, "Уже идём 🏃"])?;
    desk.call(&["ticket", "comment", ticket, "--internal", "It is the \u{fffd}\u{200d} again"])?;
    desk.call(&["ticket", "set", ticket, "status=in_progress"])?;

    let article =
        desk.call(&["article", "new", "--title", "VPN 🚀", "--body", "# Шаги 🚀\n\nодин", "--tag", "vpn"])?;
    let article = field(&article, "id")?;
    // A surrogate pair before the place of the change: positions count differently in the two languages.
    desk.call(&["article", "edit", article, "--body", "# Шаги 🚀🧯\n\nодин, *два*"])?;
    desk.call(&["article", "set", article, "status=published"])?;

    let new = [
        "incident",
        "new",
        "--title",
        "Почта лежит",
        "--severity",
        "P2",
        "--summary",
        "С утра",
        "--service",
        "mail",
    ];
    let incident = desk.call(&new)?;
    let incident = field(&incident, "number")?;
    desk.call(&["incident", "note", incident, "Смотрим **журналы**"])?;
    desk.call(&["incident", "ack", incident])?;
    let linked = format!("ticket+={ticket}");
    desk.call(&[
        "incident",
        "set",
        incident,
        "severity=P1",
        "status=identified",
        "commander=olga@example.org",
        &linked,
    ])?;
    desk.export()
}

/// Two devices that edit the same fields of the same documents without knowing of each other, and then sync.
fn merged(server: &Path, data: &Path, device: impl Fn(&str) -> Device) -> anyhow::Result<PathBuf> {
    let demo = Server::demo(server, data, Some(DEMO_TICKETS), Some(DEMO_SEED))?;
    let server = Server::start(server, data, "127.0.0.1:0", data.with_extension("log"))?;
    let (here, there) = (device("manager"), device("admin"));
    for (desk, member) in [(&here, "manager"), (&there, "admin")] {
        let (url, email) = (server.url(), format!("{member}@demo.example"));
        let login = [
            "login",
            "--server",
            &url,
            "--workspace",
            &demo.workspace,
            "--email",
            &email,
            "--password-stdin",
        ];
        desk.call_with(&demo.password, &login)?;
        desk.call(&["sync"])?;
    }
    let first = |list: &Value, name: &str| {
        let value = list.pointer(&format!("/0/{name}")).and_then(Value::as_str);
        value.map(str::to_owned).with_context(|| format!("the demo has nothing with a field {name}: {list}"))
    };
    let ticket =
        first(&here.call(&["ticket", "list", "--status", "in_progress", "--limit", "1"])?, "number")?;
    let article = first(&here.call(&["article", "list", "--status", "published"])?, "id")?;
    let before = here.call(&["article", "show", &article])?;
    let before = field(&before, "body")?;
    for (desk, word, body) in
        [(&here, "here", format!("Здесь 🧭 {before}")), (&there, "there", format!("{before}\n\nТам 🗺️"))]
    {
        let (title, room, tag) =
            (format!("title={word}"), format!("custom.room={word}"), format!("tag+={word}"));
        desk.call(&["ticket", "set", &ticket, &title, &room, &tag])?;
        desk.call(&["ticket", "comment", &ticket, word])?;
        desk.call(&["article", "edit", &article, "--body", &body])?;
    }
    for desk in [&here, &there, &here] {
        desk.call(&["sync"])?;
    }

    // An export without what it is made for would prove nothing.
    let shown = here.call(&["ticket", "show", &ticket])?;
    let conflicts = shown.get("conflicts").and_then(Value::as_array).into_iter().flatten();
    let conflicts: Vec<&str> = conflicts.filter_map(|conflict| conflict.get("field")?.as_str()).collect();
    if conflicts != ["custom.room", "title"] {
        bail!("concurrent edits of title and custom.room gave conflicts in {conflicts:?}");
    }
    let body = here.call(&["article", "show", &article])?;
    let body = field(&body, "body")?;
    ensure!(
        body.starts_with("Здесь 🧭") && body.ends_with("Там 🗺️"),
        "an edit of the article is lost: {body}"
    );
    here.export()
}

/// A text field of what a command printed.
fn field<'a>(value: &'a Value, name: &str) -> anyhow::Result<&'a str> {
    value.get(name).and_then(Value::as_str).with_context(|| format!("there is no {name} in {value}"))
}

fn text(path: &Path) -> anyhow::Result<String> {
    path.to_str().map(str::to_owned).with_context(|| format!("{} is no UTF-8", path.display()))
}
