//! A private PostgreSQL.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use std::{env, fs};

use tempfile::TempDir;

use crate::{HarnessError, Process, poll_until};

/// How long the server may take to start.
const READY: Duration = Duration::from_secs(30);
/// Its superuser, who needs no password: the socket is in a directory of its own.
const USER: &str = "workernet";
/// What is called of it.
const PROGRAMS: [&str; 4] = ["initdb", "postgres", "pg_isready", "psql"];
/// Who runs it where the tests run as root, which it refuses to run as. Debian's package makes the account.
const ACCOUNT: &str = "postgres";

/// A PostgreSQL server with a new cluster in a temporary directory, reachable over a Unix socket alone. It writes nothing
/// through to the disk and is gone with this value, or with the thread that started it.
#[derive(Debug)]
pub struct Postgres {
    process: Process,
    dir: TempDir,
    account: Option<Account>,
    programs: PathBuf,
}

impl Postgres {
    /// Makes a cluster and starts it; returns when it answers.
    pub fn start() -> Result<Self, HarnessError> {
        let programs = Self::programs().ok_or_else(|| HarnessError::Start {
            program: "PostgreSQL (initdb)".to_owned(),
            source: std::io::ErrorKind::NotFound.into(),
        })?;
        let dir = TempDir::with_prefix("desk-pg-").map_err(HarnessError::file(env::temp_dir()))?;
        let account = Account::needed()?;
        if let Some(account) = &account {
            account.give(dir.path())?;
        }
        let mut initdb = unprivileged(account.as_ref(), &programs.join("initdb"));
        initdb.args(["--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync", "--wal-segsize=1"]);
        initdb.arg("--username").arg(USER).arg("--pgdata").arg(dir.path().join("data"));
        succeed(&mut initdb)?;
        let process = serve(account.as_ref(), &programs, dir.path())?;
        Ok(Self { process, dir, account, programs })
    }

    /// Where PostgreSQL's programs are, which need not be on the search path; the newest of several versions.
    pub fn programs() -> Option<PathBuf> {
        let has_it = |dir: &PathBuf| PROGRAMS.iter().all(|program| dir.join(program).is_file());
        let path = env::var_os("PATH").unwrap_or_default();
        if let Some(dir) = env::split_paths(&path).find(has_it) {
            return Some(dir);
        }
        let versions = fs::read_dir("/usr/lib/postgresql").ok()?.flatten();
        let number = |dir: &Path| dir.file_name()?.to_str()?.parse::<u32>().ok();
        let newest = versions.map(|entry| entry.path()).filter(|dir| has_it(&dir.join("bin")));
        newest.max_by_key(|dir| number(dir)).map(|dir| dir.join("bin"))
    }

    /// What `--database-url` takes.
    pub fn url(&self) -> String {
        format!("postgres://{USER}@localhost/postgres?host={}", self.dir.path().display())
    }

    /// Runs one statement and returns what it gives, unadorned.
    pub fn run(&self, sql: &str) -> Result<String, HarnessError> {
        let mut psql = Command::new(self.programs.join("psql"));
        psql.args(["--no-psqlrc", "--tuples-only", "--no-align", "--dbname", &self.url(), "--command", sql]);
        succeed(&mut psql)
    }

    /// Ends it as a crash would, all connections with it, and starts it again on what it had.
    pub fn restart(&mut self) -> Result<(), HarnessError> {
        self.process.quit();
        self.process = serve(self.account.as_ref(), &self.programs, self.dir.path())?;
        Ok(())
    }
}

impl Drop for Postgres {
    /// Not killed: then it would leave a segment of shared memory behind.
    fn drop(&mut self) {
        self.process.quit();
    }
}

fn serve(account: Option<&Account>, programs: &Path, dir: &Path) -> Result<Process, HarnessError> {
    let mut postgres = unprivileged(account, &programs.join("postgres"));
    postgres.arg("-D").arg(dir.join("data")).arg("-k").arg(dir);
    for setting in [
        "listen_addresses=",
        "fsync=off",
        "full_page_writes=off",
        "shared_buffers=32MB",
        "max_connections=100",
    ] {
        postgres.args(["-c", setting]);
    }
    let mut process = Process::start(&postgres, dir.join("postgres.log"))?;
    poll_until("PostgreSQL to answer", READY, || {
        process.still_running()?;
        let mut asked = Command::new(programs.join("pg_isready"));
        asked.args(["--quiet", "--username", USER, "--dbname", "postgres", "--host"]).arg(dir);
        let status = asked
            .status()
            .map_err(|source| HarnessError::Start { program: "pg_isready".to_owned(), source })?;
        Ok(status.success().then_some(()))
    })?;
    Ok(process)
}

/// Somebody other than root.
#[derive(Debug, Clone)]
struct Account {
    user: u32,
    group: u32,
}

impl Account {
    /// Who is to run it; `None` where that is who we are.
    fn needed() -> Result<Option<Self>, HarnessError> {
        if !is_root() {
            return Ok(None);
        }
        let id = |what: &str| {
            let told = succeed(Command::new("id").args([what, ACCOUNT]))?;
            told.trim()
                .parse()
                .map_err(|_| HarnessError::Answer { program: format!("id {what} {ACCOUNT}"), answer: told })
        };
        Ok(Some(Self { user: id("-u")?, group: id("-g")? }))
    }

    #[cfg(unix)]
    fn give(&self, dir: &Path) -> Result<(), HarnessError> {
        std::os::unix::fs::chown(dir, Some(self.user), Some(self.group)).map_err(HarnessError::file(dir))
    }

    #[cfg(not(unix))]
    fn give(&self, _dir: &Path) -> Result<(), HarnessError> {
        Ok(())
    }
}

#[cfg(unix)]
fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[cfg(not(unix))]
fn is_root() -> bool {
    false
}

/// A command that runs as the account. What [`Process`] tells the kernel to do when the starting thread dies does not
/// outlive a change of the user; and PostgreSQL is to be asked to quit, so that it cleans up.
fn unprivileged(account: Option<&Account>, program: &Path) -> Command {
    if !cfg!(target_os = "linux") {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    if let Some(Account { user, group }) = account {
        command.args([format!("--reuid={user}"), format!("--regid={group}"), "--clear-groups".to_owned()]);
    }
    command.args(["--pdeathsig", "QUIT", "--"]).arg(program);
    // The account may not be allowed where the tests run.
    command.current_dir("/");
    command
}

/// Runs a command to its end and returns its standard output.
fn succeed(command: &mut Command) -> Result<String, HarnessError> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output =
        command.output().map_err(|source| HarnessError::Start { program: program.clone(), source })?;
    if !output.status.success() {
        let answer = format!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim());
        return Err(HarnessError::Answer { program, answer });
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_private_database_answers_and_leaves_nothing_behind() {
        let mut postgres = Postgres::start().unwrap();
        let dir = postgres.dir.path().to_owned();
        let id = postgres.process.id();
        assert_eq!(postgres.run("SELECT 6 * 7").unwrap().trim(), "42");
        postgres.run("CREATE TABLE kept AS SELECT 1").unwrap();
        postgres.restart().unwrap();
        assert_ne!(postgres.process.id(), id);
        assert_eq!(postgres.run("SELECT count(*) FROM kept").unwrap().trim(), "1");
        drop(postgres);
        assert!(!dir.exists());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn it_ends_with_the_thread_that_started_it() {
        let (id, dir) = std::thread::spawn(|| {
            let postgres = Postgres::start().unwrap();
            let (id, dir) = (postgres.process.id(), postgres.dir.path().to_owned());
            // As when the test is killed: nobody ends it.
            std::mem::forget(postgres);
            (id, dir)
        })
        .join()
        .unwrap();
        poll_until("PostgreSQL's end", READY, || {
            let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
            Ok((stat.is_empty() || stat.contains(") Z ")).then_some(()))
        })
        .unwrap();
        fs::remove_dir_all(dir).unwrap();
    }
}
