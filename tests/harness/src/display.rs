//! A display without a screen.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::{Environment, HarnessError, Process};

/// An Xvfb server on a display number that it chose itself, so that any number can run at once.
#[derive(Debug)]
pub struct Display {
    process: Process,
    name: String,
}

impl Display {
    /// Starts the display with the given size in pixels; its log goes to `dir`.
    pub fn start(dir: &Path, width: u32, height: u32) -> Result<Self, HarnessError> {
        let mut command = Command::new("Xvfb");
        command.args(["-displayfd", "1", "-screen", "0", &format!("{width}x{height}x24")]);
        command.args(["-nolisten", "tcp", "-noreset"]);
        let mut process = Process::start_talking(&command, dir.join("display.log"))?;
        let number = process.first_line(Duration::from_secs(20))?;
        Ok(Self { process, name: format!(":{}", number.trim()) })
    }

    /// What a program needs to find the display.
    pub fn environment(&self) -> Environment {
        let mut environment = Environment::default();
        // GTK would try a compositor of the person's own desktop first.
        environment.set("DISPLAY", &self.name).set("GDK_BACKEND", "x11").set("WAYLAND_DISPLAY", "");
        environment
    }

    /// A PNG of the whole screen, banners included, to `file`.
    pub fn picture(&self, file: &Path) -> Result<(), HarnessError> {
        let mut command = Command::new("import");
        command.args(["-display", &self.name, "-window", "root"]).arg(file);
        let output = command
            .output()
            .map_err(|source| HarnessError::Start { program: "import (imagemagick)".to_owned(), source })?;
        if output.status.success() {
            Ok(())
        } else {
            Err(self
                .process
                .failed(&format!("gave no picture: {}", String::from_utf8_lossy(&output.stderr).trim())))
        }
    }
}
