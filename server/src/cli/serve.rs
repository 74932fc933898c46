//! `serve`.

use std::{net::SocketAddr, sync::Arc};

use serde_json::json;

use super::database::Database;
use crate::{
    clock::SystemClock,
    http::Limits,
    mail::smtp::Smtp,
    random::SystemRandom,
    serve::{Setup, start},
};

/// What `serve` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Where to listen; port 0 takes a free one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// The mail server that e-mail of escalations goes through, `smtps://USER:PASSWORD@HOST`, or `smtp://HOST:25` with
    /// `?tls=required` or `?tls=opportunistic`; without it none is sent.
    #[arg(
        long,
        value_name = "URL",
        env = "WORKERNET_SMTP_URL",
        hide_env_values = true,
        requires = "smtp_from"
    )]
    smtp_url: Option<String>,
    /// The address that e-mail is from.
    #[arg(long, value_name = "ADDRESS", env = "WORKERNET_SMTP_FROM")]
    smtp_from: Option<String>,
}

pub(super) async fn run(database: &Database, args: Args) -> anyhow::Result<()> {
    // Before the line that says it is ready, so that whoever read it may stop the server at once.
    let stop = Stop::listen()?;
    let mail = match (&args.smtp_url, &args.smtp_from) {
        (Some(url), Some(from)) => Some(Smtp::new(url, from)?),
        (_, _) => None,
    };
    let storage = database.open().await?;
    let running = start(Setup {
        storage: Arc::clone(&storage),
        clock: Arc::new(SystemClock),
        random: Arc::new(SystemRandom::new()?),
        listen: args.listen,
        limits: Limits::default(),
        mail,
    })
    .await?;
    super::print(&json!({ "listening": running.address().to_string() }))?;
    stop.told().await;
    running.stop().await;
    storage.close().await;
    Ok(())
}

/// SIGTERM or SIGINT.
#[cfg(unix)]
struct Stop {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Stop {
    fn listen() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn told(mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Ctrl+C.
#[cfg(not(unix))]
struct Stop;

#[cfg(not(unix))]
impl Stop {
    fn listen() -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn told(self) {
        // Where the signal cannot be listened to, the system ends the process itself.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
