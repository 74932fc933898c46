//! The program that drives a web view.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::{Environment, HarnessError, Process, poll_until};

/// `WebKitWebDriver` on a free port. The application that it starts inherits the environment given here.
#[derive(Debug)]
pub struct Driver {
    process: Process,
    port: u16,
}

impl Driver {
    /// Starts the driver; its log, which is the application's too, goes to `log`.
    pub fn start(log: &Path, environment: &Environment) -> Result<Self, HarnessError> {
        let port = free_port()?;
        let mut command = Command::new("WebKitWebDriver");
        command.arg(format!("--port={port}"));
        environment.apply(&mut command);
        command.env("TAURI_AUTOMATION", "true").env("TAURI_WEBVIEW_AUTOMATION", "true");
        let mut process = Process::start(&command, log)?;
        poll_until("WebKitWebDriver to listen", Duration::from_secs(20), || {
            process.still_running()?;
            Ok(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok().map(drop))
        })?;
        Ok(Self { process, port })
    }

    /// Where a WebDriver client connects.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The capabilities to ask for so that the driver starts `application`.
    pub fn capabilities(application: &Path) -> Value {
        json!({ "webkitgtk:browserOptions": { "binary": application, "args": [] } })
    }

    /// The process itself, with its log.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// Kills the driver, the application and the application's web view at once.
    pub fn kill(&mut self) {
        self.process.kill();
    }
}

/// A port that nobody listens on at this moment.
fn free_port() -> Result<u16, HarnessError> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(|source| HarnessError::Start { program: "a listener on loopback".to_owned(), source })
}
