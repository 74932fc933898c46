//! `cargo run -p desk-crash -- --kills 500`: kills the built programs many times and tells how it went.

#![expect(clippy::print_stdout, reason = "a program that answers on its terminal")]

use std::{path::PathBuf, time::Instant};

use anyhow::Context;
use clap::Parser;
use desk_crash::{Plan, Programs, run};

/// Kills desk and workernet-server at random moments and looks whether anything is lost or doubled.
#[derive(Parser)]
struct Args {
    /// How often, on each side.
    #[arg(long, default_value_t = 500)]
    kills: u32,
    /// Where the random moments come from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Stores that work at once.
    #[arg(long, default_value_t = 3)]
    devices: usize,
    /// Where the programs are; beside this one unless it is named.
    #[arg(long)]
    programs: Option<PathBuf>,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let beside = std::env::current_exe()?.parent().map(PathBuf::from);
    let dir = args.programs.or(beside).context("where are the programs?")?;
    let plan = Plan {
        seed: args.seed,
        devices: args.devices,
        desk_kills: args.kills,
        server_kills: args.kills,
        batch: 50,
    };
    let started = Instant::now();
    let report = run(&Programs::in_dir(&dir)?, plan)?;
    println!("{report}\n{} s", started.elapsed().as_secs());
    Ok(())
}
