//! The command line: `workernet-server [--data-dir DIR | --database-url URL] serve|admin|demo`.
//!
//! Answers are JSON on standard output, errors a line on standard error; exit status 0, 1 (failed) or 2 (usage).

use std::{io::Write, process::ExitCode};

use clap::{Parser, Subcommand};
use serde::Serialize;

mod admin;
mod database;
mod demo;
mod serve;

/// The WorkerNet server.
#[derive(Debug, Parser)]
#[command(name = "workernet-server", version, about)]
struct Cli {
    #[command(flatten)]
    database: database::Database,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve devices until the process is told to stop.
    Serve(serve::Args),
    /// Administer workspaces, members and devices; also while the server runs.
    #[command(subcommand)]
    Admin(admin::Command),
    /// Make the bilingual demo workspace `demo`, the same for the same seed.
    Demo(demo::Args),
}

/// Exit status of a failure.
const FAILED: u8 = 1;
/// Exit status of a wrong command line.
const USAGE: u8 = 2;

/// Runs the program to its end.
pub async fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no errors; clap knows which stream each belongs to.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { USAGE } else { 0 });
        }
    };
    log(if matches!(cli.command, Command::Admin(_)) { "warn" } else { "info" });
    let done = match cli.command {
        Command::Serve(args) => serve::run(&cli.database, args).await,
        Command::Admin(command) => admin::run(&cli.database, command).await,
        Command::Demo(args) => demo::run(&cli.database, args).await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&format!("{error:#}"));
            ExitCode::from(FAILED)
        }
    }
}

/// Structured logs on standard error; `WORKERNET_LOG` says which (`debug`, `workernet_server=trace`…).
fn log(default: &str) {
    let filter = tracing_subscriber::EnvFilter::try_from_env("WORKERNET_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(default));
    tracing_subscriber::fmt().json().with_env_filter(filter).with_writer(std::io::stderr).init();
}

/// One line of JSON on standard output, at once.
fn print(answer: &impl Serialize) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    serde_json::to_writer(&mut out, answer)?;
    out.write_all(b"\n")?;
    Ok(out.flush()?)
}

/// One line on standard error. Where that is closed there is nobody to tell.
fn complain(message: &str) {
    let _ = writeln!(std::io::stderr(), "workernet-server: {message}");
}
