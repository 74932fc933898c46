//! The server, which dies often.

use std::{
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::Duration,
};

use anyhow::Context;
use desk_harness::{Process, Server as Serving};
use rand::{Rng, rngs::StdRng};

use crate::Programs;

pub(crate) const WORKSPACE: &str = "acme";
pub(crate) const PASSWORD: &str = "a-long-password";

/// A server over one data directory, always at one address.
pub(crate) struct Server {
    binary: PathBuf,
    data: PathBuf,
    log: PathBuf,
    address: String,
    serving: Option<Serving>,
}

impl Server {
    /// Makes the workspace with a member for each name, and serves it.
    pub(crate) fn set_up(programs: &Programs, dir: &Path, names: &[String]) -> anyhow::Result<Self> {
        let (binary, data, log) = (programs.server.clone(), dir.join("server"), dir.join("server.log"));
        let call = |arguments: &[&str], input: &str| Serving::call(&binary, &data, arguments, input);
        call(&["admin", "workspace", "create", WORKSPACE, "--name", "Acme"], "")?;
        for name in names {
            let email = format!("{name}@acme.example");
            let who = ["--workspace", WORKSPACE, "--email", &email, "--name", name, "--role", "agent"];
            call(&[&["admin", "member", "add"][..], &who, &["--password-stdin"]].concat(), PASSWORD)?;
        }
        let serving = Serving::start(&binary, &data, "127.0.0.1:0", &log)?;
        let address = serving.address().to_owned();
        Ok(Self { binary, data, log, address, serving: Some(serving) })
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Dies so many times, each time at another moment, also while it starts; serves in the end.
    pub(crate) fn die_often(&mut self, times: u32, random: &mut StdRng) -> anyhow::Result<()> {
        for _ in 0..times {
            if random.random_bool(0.15) {
                self.serving = None;
                let mut command = Command::new(&self.binary);
                command.arg("--data-dir").arg(&self.data).args(["serve", "--listen", &self.address]);
                let mut starting = Process::start_talking(&command, &self.log)?;
                thread::sleep(Duration::from_millis(random.random_range(0..200)));
                starting.kill();
            } else {
                self.serve()?;
                thread::sleep(Duration::from_millis(random.random_range(0..600)));
                if let Some(mut serving) = self.serving.take() {
                    serving.process().kill();
                }
            }
        }
        self.serve()
    }

    fn serve(&mut self) -> anyhow::Result<()> {
        if self.serving.is_none() {
            let serving = Serving::start(&self.binary, &self.data, &self.address, &self.log);
            self.serving = Some(serving.context("the server does not start after it was killed")?);
        }
        Ok(())
    }

    pub(crate) fn stop(&mut self) -> anyhow::Result<()> {
        match self.serving.take() {
            Some(mut serving) => Ok(serving.process().stop()?),
            None => Ok(()),
        }
    }
}
