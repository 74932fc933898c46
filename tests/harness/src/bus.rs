//! A D-Bus session of its own.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::{Environment, HarnessError, Process};

/// A session bus that belongs to one device: what `dbus-run-session` gives, without its being the parent.
#[derive(Debug)]
pub struct SessionBus {
    // Held to be ended with this value.
    _process: Process,
    address: String,
}

impl SessionBus {
    /// Starts the bus; its log goes to `dir`.
    pub fn start(dir: &Path) -> Result<Self, HarnessError> {
        let mut command = Command::new("dbus-daemon");
        command.args(["--session", "--nofork", "--nopidfile", "--print-address=1"]);
        let mut process = Process::start_talking(&command, dir.join("bus.log"))?;
        let address = process.first_line(Duration::from_secs(20))?;
        Ok(Self { _process: process, address })
    }

    /// What a program needs to find the bus.
    pub fn environment(&self) -> Environment {
        let mut environment = Environment::default();
        environment.set("DBUS_SESSION_BUS_ADDRESS", &self.address);
        environment
    }

    /// Its address, for a client of one's own.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Whether a program answers to `name`. Unlike a call to the name itself, asking does not start one.
    pub fn is_owned(&self, name: &str) -> Result<bool, HarnessError> {
        let mut command = Command::new("dbus-send");
        command.args(["--session", "--print-reply=literal", "--dest=org.freedesktop.DBus"]);
        command.args(["/org/freedesktop/DBus", "org.freedesktop.DBus.NameHasOwner"]);
        command.arg(format!("string:{name}"));
        self.environment().apply(&mut command);
        let output = command
            .output()
            .map_err(|source| HarnessError::Start { program: "dbus-send".to_owned(), source })?;
        Ok(String::from_utf8_lossy(&output.stdout).contains("true"))
    }
}
