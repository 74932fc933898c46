//! The server with its tickets: pushed over HTTP by devices, as they would be; many are kept for the next time.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use desk_api::rest::{Session, SignInRequest};
use desk_domain::ids::{DeviceId, uuid_v7};
use desk_domain::time::Clock;
use desk_harness::Server;
use desk_sync::segment::Bootstrap;
use desk_sync::wire::{self, Outcome, Push, PushReply, WireChange};
use futures::future::try_join_all;
use workernet_server::clock::SystemClock;
use workernet_server::random::{SystemRandom, bytes};

use crate::programs::Programs;
use crate::tickets::{AUTHORS, Tickets, Writer};

/// One with fewer tickets is made anew each time: those that are edited in every measurement would have grown.
const KEPT: u32 = 50_000;
/// Changes with what is made: then the data is made anew.
const STAMP: &str = "tickets 1";
const PASSWORD: &str = "bench-password";
pub(crate) const WORKSPACE: &str = "bench";
/// Tickets that are pushed together.
const TOGETHER: u32 = 200;
/// Batches under way at once.
const WIDTH: u32 = 3;
/// An access token lasts 15 minutes; who pushes for longer signs in again.
const SIGNED_IN: Duration = Duration::from_mins(8);

/// A running server with so many tickets.
pub(crate) struct Workspace {
    // Held to be ended with this value.
    _server: Server,
    pub(crate) url: String,
    pub(crate) tickets: u32,
}

impl Workspace {
    /// Starts the server of so many tickets; they are made where they are not there yet, or are few.
    pub(crate) async fn open(programs: &Programs, dir: &Path, tickets: u32) -> anyhow::Result<Self> {
        let (data, stamp) =
            (dir.join(format!("server-{tickets}")), dir.join(format!("server-{tickets}.stamp")));
        let binary = programs.program("workernet-server");
        let is_made = tickets >= KEPT && fs::read_to_string(&stamp).is_ok_and(|stamp| stamp == STAMP);
        if !is_made {
            make_empty(&binary, &data)?;
        }
        let log = dir.join(format!("server-{tickets}.log"));
        let server = Server::start(&binary, &data, "127.0.0.1:0", log)?;
        let this = Self { url: server.url(), _server: server, tickets };
        if !is_made {
            this.fill().await?;
            // Last, so that what was broken off is not taken for whole.
            fs::write(stamp, STAMP)?;
        }
        Ok(this)
    }

    /// A member of the workspace.
    pub(crate) fn member(number: usize) -> (String, &'static str) {
        (format!("m{}@bench.example", number % AUTHORS), PASSWORD)
    }

    /// The bytes of all segments that a new device gets.
    pub(crate) async fn segments(&self) -> anyhow::Result<Vec<Vec<u8>>> {
        let pusher = Pusher::new(&self.url)?;
        let [(_, session), ..] = pusher.sign_in_all().await?;
        let get = async |path: String| {
            let call = pusher.http.get(format!("{}{path}", self.url)).bearer_auth(&session.access_token);
            anyhow::Ok(call.send().await?.error_for_status()?.bytes().await?)
        };
        let plan: Bootstrap = wire::decode(&get("/v1/sync/bootstrap".to_owned()).await?)?;
        let mut segments = Vec::new();
        for segment in plan.segments {
            segments.push(get(format!("/v1/sync/segments/{}", segment.id)).await?.to_vec());
        }
        Ok(segments)
    }

    async fn fill(&self) -> anyhow::Result<()> {
        let pusher = Pusher::new(&self.url)?;
        let mut sessions = pusher.sign_in_all().await?;
        let tickets = Tickets::by(sessions.each_ref().map(|(writer, _)| *writer));
        let mut since = Instant::now();
        let mut next = 0;
        while next < self.tickets {
            if since.elapsed() > SIGNED_IN {
                sessions = pusher.sign_in_again(&sessions).await?;
                since = Instant::now();
            }
            let batches =
                (0..WIDTH).map(|batch| next + batch * TOGETHER).filter(|first| *first < self.tickets);
            let pushing = batches.map(|first| {
                let last = (first + TOGETHER).min(self.tickets);
                pusher.push_tickets(&tickets, &sessions, first..last)
            });
            try_join_all(pushing).await?;
            next += WIDTH * TOGETHER;
        }
        Ok(())
    }
}

/// A data directory with a workspace and its members, and no tickets.
fn make_empty(binary: &Path, data: &Path) -> anyhow::Result<()> {
    if data.exists() {
        fs::remove_dir_all(data)?;
    }
    Server::call(binary, data, &["admin", "workspace", "create", WORKSPACE, "--name", "Bench"], "")?;
    for member in 0..AUTHORS {
        let (email, password) = Workspace::member(member);
        let name = format!("Agent {member}");
        let add = ["admin", "member", "add", "--workspace", WORKSPACE, "--role", "agent", "--password-stdin"];
        Server::call(binary, data, &[&add[..], &["--email", &email, "--name", &name]].concat(), password)?;
    }
    Ok(())
}

/// Devices that push.
struct Pusher {
    http: reqwest::Client,
    url: String,
    random: SystemRandom,
}

type SignedIn = [(Writer, Session); AUTHORS];

impl Pusher {
    fn new(url: &str) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder().no_proxy().tcp_nodelay(true).build()?;
        Ok(Self { http, url: url.to_owned(), random: SystemRandom::new()? })
    }

    async fn sign_in_all(&self) -> anyhow::Result<SignedIn> {
        let devices = [0; AUTHORS].map(|_| DeviceId(uuid_v7(SystemClock.now(), bytes(&self.random))));
        self.sign_in(devices).await
    }

    async fn sign_in_again(&self, sessions: &SignedIn) -> anyhow::Result<SignedIn> {
        self.sign_in(sessions.each_ref().map(|(writer, _)| writer.device)).await
    }

    async fn sign_in(&self, devices: [DeviceId; AUTHORS]) -> anyhow::Result<SignedIn> {
        let sessions = devices.into_iter().enumerate().map(|(number, device)| async move {
            let (email, password) = Workspace::member(number);
            let request = SignInRequest {
                workspace: WORKSPACE.to_owned(),
                email,
                password: password.to_owned(),
                device,
                device_name: "bench".to_owned(),
            };
            let answer = self.http.post(format!("{}/v1/sessions", self.url)).json(&request).send().await?;
            let session: Session = answer.error_for_status()?.json().await?;
            anyhow::Ok((Writer { device, member: session.member }, session))
        });
        try_join_all(sessions).await?.try_into().ok().context("as many sessions as authors")
    }

    /// Makes tickets and pushes them, each author's changes after those they build on.
    async fn push_tickets(
        &self,
        tickets: &Tickets,
        sessions: &SignedIn,
        numbers: std::ops::Range<u32>,
    ) -> anyhow::Result<()> {
        let mut batches: [Vec<WireChange>; AUTHORS] = Default::default();
        for changes in numbers.map(|number| tickets.changes(number)) {
            for (batch, changes) in batches.iter_mut().zip(changes?) {
                batch.extend(changes);
            }
        }
        for (changes, (_, session)) in batches.into_iter().zip(sessions) {
            let frame = wire::encode(&Push { changes })?;
            let push =
                self.http.post(format!("{}/v1/sync/push", self.url)).bearer_auth(&session.access_token);
            let answer = push.body(frame).send().await?.error_for_status()?;
            let reply: PushReply = wire::decode(&answer.bytes().await?)?;
            let refused =
                reply.verdicts.iter().find(|verdict| !matches!(verdict.outcome, Outcome::Accepted { .. }));
            ensure!(refused.is_none(), "a change was refused: {refused:?}");
        }
        Ok(())
    }
}
