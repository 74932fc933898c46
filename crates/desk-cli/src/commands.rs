//! One function per command: look up what is named, call the use-case, print what came of it.

mod alerts;
mod article;
mod detection;
mod import;
mod incident;
mod oncall;
mod rejected;
mod service;
mod sla;
mod store;
mod ticket;

use std::{io::Read, process::ExitCode};

use desk_api::{ApiError, ErrorCode};
use desk_app::{Cancel, Config, Desk, secrets::SystemKeychain};
use desk_domain::workspace::Workspace;

use crate::{
    args::{Args, Command, Sla},
    output::Output,
};

/// Does what the arguments say.
pub(crate) async fn run(args: Args, output: Output) -> Result<ExitCode, ApiError> {
    let data_dir = args.data_dir.unwrap_or_else(Desk::default_data_dir);
    if let Command::Sla(Sla::Simulate { file }) = &args.command {
        return sla::simulate(file, output);
    }
    let makes_store = matches!(args.command, Command::Init { .. } | Command::Login(_));
    let config = Config { data_dir, keychain: Box::new(SystemKeychain), must_exist: !makes_store };
    let desk = Desk::open(config).await?;
    let done = Box::pin(command(&desk, args.command, output)).await;
    desk.close().await;
    done
}

async fn command(desk: &Desk, command: Command, output: Output) -> Result<ExitCode, ApiError> {
    match command {
        Command::Init { workspace, email } => store::init(desk, &workspace, &email, output).await,
        Command::Login(login) => store::login(desk, &login, output).await,
        Command::Sync { watch } => store::sync(desk, watch, output).await,
        Command::Import(import) => import::import(desk, import, output).await,
        Command::Export { dir, force } => store::export(desk, &dir, force, output).await,
        Command::Ticket(command) => Box::pin(ticket::run(desk, command, output)).await,
        Command::Article(command) => article::run(desk, command, output).await,
        Command::Incident(command) => Box::pin(incident::run(desk, command, output)).await,
        Command::Search { query, limit } => store::search(desk, &query.join(" "), limit, output).await,
        Command::Sla(command) => sla::run(desk, command, output).await,
        Command::Oncall { at, schedule } => oncall::run(desk, at, schedule, output),
        Command::Service(command) => service::run(desk, command, output).await,
        Command::Detection(command) => detection::run(desk, command, output).await,
        Command::Alerts { at, command: None } => alerts::list(desk, at, output).await,
        Command::Alerts { at: _, command: Some(command) } => alerts::run(desk, command, output).await,
        Command::Rejected(command) => rejected::run(desk, command, output).await,
        Command::Digest => store::digest(desk, output).await,
        Command::Doctor { repair } => store::doctor(desk, repair, output).await,
    }
}

/// The workspace's settings; most commands need them.
fn workspace(desk: &Desk) -> Result<Workspace, ApiError> {
    desk.workspace().ok_or_else(|| {
        ApiError::new(
            ErrorCode::SignedOut,
            "there is no workspace here yet: run `desk sync`, `desk login` or `desk init` first",
        )
    })
}

/// A text from the command line, or from standard input where it is `-`.
fn text_or_stdin(text: String) -> Result<String, ApiError> {
    if text != "-" {
        return Ok(text);
    }
    let mut read = String::new();
    std::io::stdin().read_to_string(&mut read).map_err(|problem| {
        ApiError::new(ErrorCode::BadRequest, format!("standard input cannot be read as text: {problem}"))
    })?;
    Ok(read)
}

/// Waits for Ctrl+C. Where it cannot be watched it never comes, and the system ends the program by itself.
async fn interrupted() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// What Ctrl+C stops, until the second value is dropped.
fn stopped_by_interrupt() -> (Cancel, AbortOnDrop) {
    let cancel = Cancel::default();
    let task = tokio::spawn({
        let cancel = cancel.clone();
        async move {
            interrupted().await;
            cancel.cancel();
        }
    });
    (cancel, AbortOnDrop(task))
}

/// A task that ends with this.
struct AbortOnDrop(tokio::task::JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Does long work unless Ctrl+C comes first.
async fn or_cancelled<T>(work: impl Future<Output = Result<T, ApiError>>) -> Result<T, ApiError> {
    tokio::select! {
        done = work => done,
        () = interrupted() => Err(ApiError::new(ErrorCode::Cancelled, "cancelled; what was done so far is kept")),
    }
}
