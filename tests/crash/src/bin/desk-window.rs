//! What an open window does, without one: it syncs in the background and somebody edits. Unlike a command of `desk`, an edit here
//! sets out for the server while it is being written. `desk-crash` starts it, and kills it.
//!
//! It makes a ticket and comments on it, in turns, and prints a line for each edit that is done.

#![expect(clippy::print_stdout, reason = "a program that answers on its terminal")]

use std::{path::PathBuf, time::Duration};

use clap::Parser;
use desk_api::view::SyncPhase;
use desk_app::{Config, Desk, DeskEvent, secrets::SystemKeychain};
use desk_domain::{edit::NewTicket, ticket::Visibility};

/// The server may be dead; then people go on without it.
const LEVEL_WAIT: Duration = Duration::from_millis(300);

/// Edits while syncing in the background.
#[derive(Parser)]
struct Args {
    /// The data directory of a device that is signed in.
    #[arg(long)]
    data_dir: PathBuf,
    /// What the edits' texts begin with; a number follows.
    #[arg(long)]
    mark: String,
    /// How many.
    #[arg(long)]
    edits: u32,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let Args { data_dir, mark, edits } = Args::parse();
    let desk = Desk::open(Config { data_dir, keychain: Box::new(SystemKeychain), must_exist: true }).await?;
    let driver = desk.start_sync();
    let mut ticket = None;
    for number in 0..edits {
        level(&desk).await?;
        let text = format!("{mark}-{number}");
        ticket = match ticket {
            None => Some(desk.create_ticket(NewTicket::titled(text)).await?.ticket.id),
            Some(id) => {
                desk.add_comment(id, Visibility::Public, text).await?;
                None
            }
        };
        println!("done");
    }
    level(&desk).await?;
    drop(driver);
    desk.close().await;
    Ok(())
}

/// Waits until there is nothing to send or fetch, for a while.
async fn level(desk: &Desk) -> anyhow::Result<()> {
    let mut events = desk.events();
    let is_level = async {
        while desk.sync_view().await?.phase != SyncPhase::Idle {
            while !matches!(events.recv().await, Ok(DeskEvent::Sync(_)) | Err(_)) {}
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(LEVEL_WAIT, is_level).await.unwrap_or(Ok(()))
}
