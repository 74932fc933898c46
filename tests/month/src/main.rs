//! `cargo run --release -p desk-month -- --seed 1`: one month, and its figures.

#![expect(clippy::print_stdout, reason = "a program that answers on its terminal")]

use std::time::Instant;

use anyhow::Context;
use clap::Parser;
use desk_month::{Plan, run};

/// Simulates a month of tickets, incidents and members' devices, and holds every alert against an oracle.
#[derive(Parser)]
struct Args {
    /// Decides everything.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many tickets.
    #[arg(long, default_value_t = 5_000)]
    tickets: usize,
    /// How many incidents.
    #[arg(long, default_value_t = 50)]
    incidents: usize,
}

fn main() -> anyhow::Result<()> {
    let Args { seed, tickets, incidents } = Args::parse();
    let begun = Instant::now();
    let figures = run(&Plan { seed, tickets, incidents }).with_context(|| format!("seed {seed}"))?;
    print!("{figures}");
    println!("seed {seed}: every due alert once and no other; {:.1} s", begun.elapsed().as_secs_f64());
    Ok(())
}
