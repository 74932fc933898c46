//! The notification daemon: what a person would see pop up, and clicking on it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::{Display, Environment, HarnessError, Process, SessionBus, poll_until};

/// Between the fields of a record, and after it, in the file that the daemon's script writes. No text holds them.
const FIELD: char = '\u{1f}';
const RECORD: char = '\u{1e}';

/// One notification as the daemon was given it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Banner {
    /// The daemon's number for it.
    pub id: u32,
    /// The application's name.
    pub application: String,
    /// The first line.
    pub summary: String,
    /// The text.
    pub body: String,
    /// `LOW`, `NORMAL` or `CRITICAL`; `None` in the history, where the daemon does not keep it.
    pub urgency: Option<String>,
}

/// A `dunst` on a device's own bus and display, which keeps every notification on the screen until it is acted on.
#[derive(Debug)]
pub struct NotificationDaemon {
    // Held to be ended with this value.
    _process: Process,
    record: PathBuf,
    /// The file that says which entry the daemon's menu script is to choose.
    choice: PathBuf,
    /// The file where that script leaves what it chose, empty if there was no such entry.
    chosen: PathBuf,
    environment: Environment,
}

impl NotificationDaemon {
    /// Starts the daemon and returns when it answers on the bus. Its configuration, record and log go to `dir`.
    pub fn start(dir: &Path, display: &Display, bus: &SessionBus) -> Result<Self, HarnessError> {
        let record = dir.join("notifications.shown");
        let (choice, chosen) = (dir.join("notifications.choice"), dir.join("notifications.chosen"));
        fs::write(&record, "").map_err(HarnessError::file(&record))?;
        let configuration = write_configuration(dir, &record, &choice, &chosen)?;
        let environment = display.environment().with(&bus.environment());
        let mut command = Command::new("dunst");
        command.arg("-conf").arg(&configuration);
        environment.apply(&mut command);
        let mut process = Process::start(&command, dir.join("notifications.log"))?;
        poll_until("the notification daemon", Duration::from_secs(20), || {
            process.still_running()?;
            Ok(bus.is_owned("org.freedesktop.Notifications")?.then_some(()))
        })?;
        Ok(Self { _process: process, record, choice, chosen, environment })
    }

    /// Every notification that was put on the screen since the start, oldest first, whatever became of it.
    pub fn shown(&self) -> Result<Vec<Banner>, HarnessError> {
        let text = fs::read_to_string(&self.record).map_err(HarnessError::file(&self.record))?;
        text.split_terminator(RECORD)
            .map(|record| {
                read_record(record).ok_or_else(|| HarnessError::Answer {
                    program: "the notification record".to_owned(),
                    answer: record.to_owned(),
                })
            })
            .collect()
    }

    /// What `dunstctl history` tells: the notifications that are no longer on the screen, oldest first.
    pub fn history(&self) -> Result<Vec<Banner>, HarnessError> {
        let answer = self.control(&["history"])?;
        let unexpected =
            || HarnessError::Answer { program: "dunstctl history".to_owned(), answer: answer.clone() };
        let parsed: Value = serde_json::from_str(&answer).map_err(|_| unexpected())?;
        let entries = parsed.pointer("/data/0").and_then(Value::as_array).ok_or_else(unexpected)?;
        let mut banners: Vec<Banner> =
            entries.iter().map(read_history_entry).collect::<Option<_>>().ok_or_else(unexpected)?;
        banners.reverse();
        Ok(banners)
    }

    /// Takes everything off the screen, as a person's "close all" does, so that [`Self::history`] holds all of it.
    pub fn close_all(&self) -> Result<(), HarnessError> {
        self.control(&["close-all"])?;
        Ok(())
    }

    /// Clicks the notification with this id: its default action is carried out.
    pub fn activate(&self, id: u32) -> Result<(), HarnessError> {
        self.choose_action(id, "default")
    }

    /// Clicks the newest notification and returns it.
    pub fn activate_newest(&self) -> Result<Banner, HarnessError> {
        let newest = self.shown()?.pop().ok_or_else(|| HarnessError::Answer {
            program: "the notification daemon".to_owned(),
            answer: "there was no notification".to_owned(),
        })?;
        self.activate(newest.id)?;
        Ok(newest)
    }

    /// Carries out one of a notification's actions, by the key that the application gave it. The notification must still
    /// be on the screen, and this daemon leaves it there.
    pub fn choose_action(&self, id: u32, action: &str) -> Result<(), HarnessError> {
        let absent = || HarnessError::Answer {
            program: "the notification daemon".to_owned(),
            answer: format!("no action {action:?} of a notification {id} is on the screen"),
        };
        // With nothing at all on the screen the daemon does not even open its menu.
        if !self.shown()?.iter().any(|banner| banner.id == id) {
            return Err(absent());
        }
        // `dunstctl action N` would be shorter, but in dunst 1.9 it knows no other N than 0.
        let _ = fs::remove_file(&self.chosen);
        fs::write(&self.choice, format!("[{id},{action}]")).map_err(HarnessError::file(&self.choice))?;
        self.control(&["context"])?;
        let chosen = poll_until("the notification daemon's menu", Duration::from_secs(10), || {
            Ok(fs::read_to_string(&self.chosen).ok())
        })?;
        if chosen.trim().is_empty() {
            return Err(absent());
        }
        Ok(())
    }

    fn control(&self, arguments: &[&str]) -> Result<String, HarnessError> {
        let mut command = Command::new("dunstctl");
        command.args(arguments);
        self.environment.apply(&mut command);
        let output = command
            .output()
            .map_err(|source| HarnessError::Start { program: "dunstctl".to_owned(), source })?;
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        } else {
            Err(HarnessError::Answer {
                program: format!("dunstctl {}", arguments.join(" ")),
                answer: String::from_utf8_lossy(&output.stderr).into_owned(),
            })
        }
    }
}

fn read_record(record: &str) -> Option<Banner> {
    let mut fields = record.split(FIELD);
    Some(Banner {
        id: fields.next()?.parse().ok()?,
        application: fields.next()?.to_owned(),
        summary: fields.next()?.to_owned(),
        body: fields.next()?.to_owned(),
        urgency: Some(fields.next()?.to_owned()),
    })
}

fn read_history_entry(entry: &Value) -> Option<Banner> {
    let text = |name: &str| Some(entry.get(name)?.get("data")?.as_str()?.to_owned());
    Some(Banner {
        id: u32::try_from(entry.get("id")?.get("data")?.as_u64()?).ok()?,
        application: text("appname")?,
        summary: text("summary")?,
        body: text("body")?,
        urgency: None,
    })
}

/// Writes the daemon's configuration and the two scripts that it calls; returns the configuration's path.
fn write_configuration(
    dir: &Path,
    record: &Path,
    choice: &Path,
    chosen: &Path,
) -> Result<PathBuf, HarnessError> {
    let recorder = dir.join("notifications.record.sh");
    // One `printf` is one write to a file opened for appending, so that two at once do not mix.
    write_script(
        &recorder,
        &format!(
            "printf '%s\\037%s\\037%s\\037%s\\037%s\\036' \"$DUNST_ID\" \"$DUNST_APP_NAME\" \"$DUNST_SUMMARY\" \
             \"$DUNST_BODY\" \"$DUNST_URGENCY\" >> '{}'",
            record.display()
        ),
    )?;
    let menu = dir.join("notifications.menu.sh");
    // An entry reads `#label (summary) [id,key]`. Moved into place, so that nobody reads half of it.
    write_script(
        &menu,
        &format!(
            "grep -F -m 1 -f '{choice}' > '{chosen}.new'\nmv '{chosen}.new' '{chosen}'\ncat '{chosen}'",
            choice = choice.display(),
            chosen = chosen.display()
        ),
    )?;
    let configuration = dir.join("dunstrc");
    // Duplicates are not folded: a notification that is raised twice is a mistake to be found.
    let text = format!(
        "[global]\n    monitor = 0\n    width = 360\n    origin = top-right\n    notification_limit = 0\n    sort = no\n    \
         idle_threshold = 0\n    stack_duplicates = no\n    history_length = 500\n    sticky_history = yes\n    \
         show_indicators = no\n    always_run_script = yes\n    font = DejaVu Sans 11\n    dmenu = {}\n\
         [urgency_low]\n    timeout = 0\n[urgency_normal]\n    timeout = 0\n[urgency_critical]\n    timeout = 0\n\
         [record]\n    summary = \"*\"\n    script = \"{}\"\n",
        menu.display(),
        recorder.display()
    );
    fs::write(&configuration, text).map_err(HarnessError::file(&configuration))?;
    Ok(configuration)
}

fn write_script(file: &Path, body: &str) -> Result<(), HarnessError> {
    fs::write(file, format!("#!/bin/sh\n{body}\n")).map_err(HarnessError::file(file))?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(file, fs::Permissions::from_mode(0o755)).map_err(HarnessError::file(file))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Asks the daemon over the bus for a notification, as an application does.
    fn notify(bus: &SessionBus, summary: &str) {
        let mut command = Command::new("gdbus");
        command.args(["call", "--session", "--dest", "org.freedesktop.Notifications"]);
        command.args(["--object-path", "/org/freedesktop/Notifications"]);
        command.args(["--method", "org.freedesktop.Notifications.Notify"]);
        command.args(["app", "0", "", summary, "text & <b>more</b>", "['default', 'Open']", "{}", "0"]);
        bus.environment().apply(&mut command);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    #[test]
    fn notifications_are_recorded_when_shown_and_in_the_history_when_closed() {
        let dir = std::env::temp_dir().join(format!("desk-harness-notifications-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        let display = Display::start(&dir, 640, 480).unwrap();
        let bus = SessionBus::start(&dir).unwrap();
        let daemon = NotificationDaemon::start(&dir, &display, &bus).unwrap();
        assert_eq!(daemon.shown().unwrap(), []);

        notify(&bus, "Первое");
        notify(&bus, "Первое");
        let shown = poll_until("two notifications", Duration::from_secs(10), || {
            Ok(Some(daemon.shown()?).filter(|shown| shown.len() == 2))
        })
        .unwrap();
        assert_eq!(shown[0].summary, "Первое");
        assert_eq!(shown[0].body, "text & <b>more</b>");
        assert_ne!(shown[0].id, shown[1].id);
        assert_eq!(daemon.history().unwrap(), []);
        assert!(daemon.activate(shown[1].id + 1).is_err(), "a notification that never was can be clicked");
        daemon.activate(shown[0].id).unwrap();

        daemon.close_all().unwrap();
        let closed: Vec<u32> = daemon.history().unwrap().iter().map(|banner| banner.id).collect();
        assert_eq!(closed, [shown[0].id, shown[1].id]);
        drop((daemon, bus, display));
        fs::remove_dir_all(dir).unwrap();
    }
}
