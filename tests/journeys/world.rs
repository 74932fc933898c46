//! What one journey happens in: a directory, the product's programs, a server.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use desk_harness::Server;

use crate::cable::Cable;
use crate::device::Device;

/// Set by `cargo xtask test`, after it has built the programs there.
const PROGRAMS: &str = "DESK_JOURNEYS_PROGRAMS";

/// A journey's own directory and the programs it runs.
#[derive(Debug)]
pub(crate) struct World {
    dir: PathBuf,
    programs: PathBuf,
}

/// How a person signs in.
#[derive(Debug, Clone)]
pub(crate) struct Credentials {
    /// The workspace's slug.
    pub(crate) workspace: String,
    /// The person's address.
    pub(crate) email: String,
    /// The person's password.
    pub(crate) password: String,
}

/// A server of one journey, over data that outlives its restarts.
#[derive(Debug)]
pub(crate) struct WorldServer {
    binary: PathBuf,
    data: PathBuf,
    log: PathBuf,
    server: Server,
}

impl World {
    /// A world with nothing in it; `name` is the journey's, and its directory is made anew.
    pub(crate) fn new(name: &str) -> anyhow::Result<Self> {
        let Some(programs) = env::var_os(PROGRAMS).map(PathBuf::from) else {
            bail!(
                "journeys need programs that are built for them: run `cargo xtask test --only journeys --filter {name}`"
            );
        };
        let dir =
            programs.parent().context("the programs' directory has no parent")?.join("journeys").join(name);
        if dir.exists() {
            fs::remove_dir_all(&dir)?;
        }
        fs::create_dir_all(&dir)?;
        Ok(Self { dir, programs })
    }

    /// The journey's directory, for its pictures and files.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// One of the product's programs: `workernet-desk`, `workernet-server`, `desk`.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.programs.join(format!("{name}{}", env::consts::EXE_SUFFIX))
    }

    /// A server with the demo workspace of this many tickets, and how each of its members signs in.
    pub(crate) fn demo_server(
        &self,
        tickets: u32,
        seed: u64,
    ) -> anyhow::Result<(WorldServer, impl Fn(&str) -> Credentials + use<>)> {
        let demo =
            Server::demo(&self.program("workernet-server"), &self.server_data(), Some(tickets), Some(seed))?;
        let server = self.serve()?;
        let credentials = move |member: &str| Credentials {
            workspace: demo.workspace.clone(),
            email: format!("{member}@demo.example"),
            password: demo.password.clone(),
        };
        Ok((server, credentials))
    }

    /// A server with an empty workspace of its own. Members are `(email, name, role)`; all have the password that the
    /// returned function puts into their credentials.
    pub(crate) fn empty_server(
        &self,
        workspace: &str,
        members: &[(&str, &str, &str)],
    ) -> anyhow::Result<(WorldServer, impl Fn(&str) -> Credentials + use<>)> {
        const PASSWORD: &str = "correct horse battery staple 1";
        self.admin(&["workspace", "create", workspace, "--name", workspace], "")?;
        for (email, name, role) in members {
            let arguments = ["member", "add", "--workspace", workspace, "--email", email, "--name", name];
            let role = ["--role", role, "--password-stdin"];
            self.admin(&[arguments.as_slice(), role.as_slice()].concat(), PASSWORD)?;
        }
        let server = self.serve()?;
        let workspace = workspace.to_owned();
        let credentials = move |email: &str| Credentials {
            workspace: workspace.clone(),
            email: email.to_owned(),
            password: PASSWORD.to_owned(),
        };
        Ok((server, credentials))
    }

    /// Runs `workernet-server admin …` on the journey's server data; returns what it prints.
    pub(crate) fn admin(&self, arguments: &[&str], input: &str) -> anyhow::Result<String> {
        let arguments = [&["admin"], arguments].concat();
        Ok(Server::call(&self.program("workernet-server"), &self.server_data(), &arguments, input)?)
    }

    /// A device of its own for one person, not switched on yet, on a cable of its own to the server.
    pub(crate) fn device(
        &self,
        name: &str,
        server: &WorldServer,
        credentials: Credentials,
    ) -> anyhow::Result<Device> {
        let cable = Cable::lay(server.server.address())?;
        Device::new(self.dir.join(name), self.program("workernet-desk"), cable, credentials)
    }

    fn server_data(&self) -> PathBuf {
        self.dir.join("server")
    }

    fn serve(&self) -> anyhow::Result<WorldServer> {
        let (binary, data) = (self.program("workernet-server"), self.server_data());
        let log = self.dir.join("server.log");
        let server = Server::start(&binary, &data, "127.0.0.1:0", &log)?;
        Ok(WorldServer { binary, data, log, server })
    }
}

impl WorldServer {
    /// Kills the server at once, as a power cut would, and starts it again on the same address.
    pub(crate) fn kill_and_restart(&mut self) -> anyhow::Result<()> {
        let address = self.server.address().to_owned();
        self.server.process().kill();
        self.server = Server::start(&self.binary, &self.data, &address, &self.log)?;
        Ok(())
    }

    /// `http://127.0.0.1:PORT`, without a cable in between: for the command line, which is on no device.
    pub(crate) fn url(&self) -> String {
        self.server.url()
    }
}
