//! The server under measurement, and devices that talk to it.

use std::collections::HashMap;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use desk_api::rest::{Session, SignInRequest};
use desk_docs::{Author, Document};
use desk_domain::edit::{Edit, NewTicket, Ops, Stamped, TicketOp};
use desk_domain::ids::{CommentId, DeviceId, DocId, uuid_v7};
use desk_domain::people::Role;
use desk_domain::permissions::Actor;
use desk_domain::ticket::{AuthorSide, Priority, Status, Visibility};
use desk_domain::time::{Clock, UtcMillis};
use desk_domain::workspace::Workflow;
use desk_harness::{Process, Server};
use desk_sync::wire::{self, Hash, Outcome, Push, PushReply, WireChange};
use serde_json::Value;
use workernet_server::clock::SystemClock;
use workernet_server::random::{FreshIds, SystemRandom, bytes};

use crate::programs::Programs;

/// Members whose devices are measured.
pub(crate) const MEMBERS: usize = 8;
const PASSWORD: &str = "bench-password";
/// How long the server may take to be ready.
const READY: Duration = Duration::from_secs(30);

/// A server with a workspace of its own.
pub(crate) struct Bench {
    // Held to be ended with this value.
    _process: Process,
    url: String,
    pub(crate) http: reqwest::Client,
    random: Arc<SystemRandom>,
}

impl Bench {
    /// Starts a server on two processors, with a workspace of [`MEMBERS`] agents.
    pub(crate) fn start(programs: &Programs, dir: &Path) -> anyhow::Result<Self> {
        let binary = programs.program("workernet-server");
        let data = dir.join("data");
        let workspace = ["admin", "workspace", "create", "bench", "--name", "Bench"];
        Server::call(&binary, &data, &workspace, "")?;
        for member in 0..MEMBERS {
            let (email, name) = (format!("m{member}@bench.example"), format!("Agent {member}"));
            let add =
                ["admin", "member", "add", "--workspace", "bench", "--role", "agent", "--password-stdin"];
            Server::call(
                &binary,
                &data,
                &[&add[..], &["--email", &email, "--name", &name]].concat(),
                PASSWORD,
            )?;
        }
        let mut command = Command::new("taskset");
        command.args(["--cpu-list", "0,1"]).arg(&binary);
        command.arg("--data-dir").arg(&data).args(["serve", "--listen", "127.0.0.1:0"]);
        let mut process = Process::start_talking(&command, dir.join("server.log"))?;
        let ready: Value = serde_json::from_str(&process.first_line(READY)?)?;
        let address =
            ready.get("listening").and_then(Value::as_str).context("it should say where it listens")?;
        let http = reqwest::Client::builder()
            .no_proxy()
            .tcp_nodelay(true)
            .pool_max_idle_per_host(usize::MAX)
            .timeout(Duration::from_mins(1))
            .build()?;
        let random = Arc::new(SystemRandom::new()?);
        Ok(Self { _process: process, url: format!("http://{address}"), http, random })
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// A new device of one of the members, signed in.
    pub(crate) async fn device(&self, member: usize) -> anyhow::Result<Device> {
        let id = DeviceId(uuid_v7(SystemClock.now(), bytes(self.random.as_ref())));
        let request = SignInRequest {
            workspace: "bench".to_owned(),
            email: format!("m{}@bench.example", member % MEMBERS),
            password: PASSWORD.to_owned(),
            device: id,
            device_name: "bench".to_owned(),
        };
        let answer = self.http.post(self.url("/v1/sessions")).json(&request).send().await?;
        let session = answer.error_for_status()?.json().await?;
        Ok(Device { id, session, documents: HashMap::new(), random: Arc::clone(&self.random) })
    }

    /// Pushes a packed batch; all of it must be accepted. Returns the head.
    pub(crate) async fn push(&self, device: &Device, frame: Vec<u8>) -> anyhow::Result<u64> {
        let token = &device.session.access_token;
        let answer = self.http.post(self.url("/v1/sync/push")).bearer_auth(token).body(frame).send().await?;
        let reply: PushReply = wire::decode(&answer.error_for_status()?.bytes().await?)?;
        let refused =
            reply.verdicts.iter().find(|verdict| !matches!(verdict.outcome, Outcome::Accepted { .. }));
        ensure!(refused.is_none(), "a change was refused: {refused:?}");
        Ok(reply.head)
    }
}

/// A device with documents of its own.
pub(crate) struct Device {
    id: DeviceId,
    pub(crate) session: Session,
    documents: HashMap<DocId, Document>,
    random: Arc<SystemRandom>,
}

impl Device {
    fn edit(&mut self, doc: DocId, op: TicketOp, at: UtcMillis) -> anyhow::Result<WireChange> {
        let workflow = Workflow::default();
        let actor = Actor { member: Some(self.session.member), role: Role::Agent };
        let author = Author { device: self.id, actor, workflow: &workflow };
        let steps = vec![Stamped::new(at, self.session.member.to_string(), op)];
        let edit = Edit { doc, ops: Ops::Ticket(steps) };
        let document = self.documents.remove(&doc).unwrap_or_else(|| Document::empty(doc, edit.kind()));
        let ids = FreshIds::at(at, self.random.as_ref());
        let (document, made) = document.edit(&author, &edit, at, &ids)?;
        self.documents.insert(doc, document);
        let made = made.context("the edit should change something")?;
        Ok(WireChange { doc, kind: edit.kind(), hash: Hash(made.hash), bytes: made.bytes })
    }

    /// A ticket as it is in a real workspace (twelve fields, a description of 600 characters), taken up, moved and answered:
    /// four changes.
    pub(crate) fn ticket(&mut self, number: usize) -> anyhow::Result<(DocId, Vec<WireChange>)> {
        let at = SystemClock.now();
        let doc = DocId(uuid_v7(at, bytes(self.random.as_ref())));
        let description = "Принтер на третьем этаже не печатает после обновления драйвера. ".repeat(10);
        let ticket = NewTicket {
            description: description.chars().take(600).collect(),
            priority: Priority::High,
            category: Some("hardware".to_owned()),
            requester: Some("requester@bench.example".to_owned()),
            tags: ["printer", "third-floor"].map(str::to_owned).into(),
            custom: [("asset", "PR-0231"), ("site", "Алматы"), ("floor", "3")]
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .into(),
            ..NewTicket::titled(format!("Не печатает принтер {number}"))
        };
        let comment = TicketOp::AddComment {
            id: CommentId(uuid_v7(at, bytes(self.random.as_ref()))),
            visibility: Visibility::Public,
            side: AuthorSide::Staff,
            body: "Переустановили драйвер, проверьте, пожалуйста.".to_owned(),
        };
        let me = Some(self.session.member.to_string());
        let changes = [
            TicketOp::Create { ticket },
            TicketOp::SetAssignee { assignee: me },
            TicketOp::SetStatus { status: Status::InProgress },
            comment,
        ];
        let changes = changes.into_iter().map(|op| self.edit(doc, op, at)).collect::<anyhow::Result<_>>()?;
        Ok((doc, changes))
    }

    /// One more edit of a ticket, packed.
    pub(crate) fn retitle(&mut self, doc: DocId, number: usize) -> anyhow::Result<Vec<u8>> {
        let title = format!("Не печатает принтер, попытка {number}");
        pack(vec![self.edit(doc, TicketOp::SetTitle { title }, SystemClock.now())?])
    }
}

/// A batch as it travels.
pub(crate) fn pack(changes: Vec<WireChange>) -> anyhow::Result<Vec<u8>> {
    Ok(wire::encode(&Push { changes })?)
}
