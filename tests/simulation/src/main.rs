//! `cargo run -p desk-simulation -- --seeds 10000`: many runs, on all processors; the first that fails is told of.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program that answers on its terminal")]

use std::{
    num::NonZero,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
};

use anyhow::bail;
use clap::Parser;
use desk_simulation::{Counts, Plan, run};

/// Simulates devices, people, a bad network and crashes around the real sync logic.
#[derive(Parser)]
struct Args {
    /// How many seeds.
    #[arg(long, default_value_t = 1_000)]
    seeds: u64,
    /// The first seed.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// This seed alone, with a trace.
    #[arg(long)]
    seed: Option<u64>,
    /// Threads; as many as there are processors without it.
    #[arg(long)]
    jobs: Option<NonZero<usize>>,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    if let Some(seed) = args.seed {
        return one(seed);
    }
    let jobs = args.jobs.or_else(|| thread::available_parallelism().ok()).map_or(1, NonZero::get);
    let (next, stop) = (AtomicU64::new(args.from), AtomicBool::new(false));
    let (counts, failed) = (Mutex::new(Counts::default()), Mutex::new(Vec::new()));
    let end = args.from.saturating_add(args.seeds);
    thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= end {
                        return;
                    }
                    match run(seed, false) {
                        Ok(of_run) => counts.lock().unwrap_or_else(PoisonError::into_inner).merge(&of_run),
                        Err(failure) => {
                            let mut failed = failed.lock().unwrap_or_else(PoisonError::into_inner);
                            eprintln!("seed {seed}: {}", failure.broken);
                            failed.push(seed);
                            stop.fetch_or(failed.len() >= 10, Ordering::Relaxed);
                        }
                    }
                    if (seed + 1 - args.from).is_multiple_of(1_000) {
                        eprintln!("{} of {} seeds", seed + 1 - args.from, args.seeds);
                    }
                }
            });
        }
    });
    println!("{}", counts.into_inner().unwrap_or_else(PoisonError::into_inner));
    let failed = failed.into_inner().unwrap_or_else(PoisonError::into_inner);
    match failed.iter().min() {
        None => {
            println!("{} seeds, none failed", args.seeds);
            Ok(())
        }
        Some(first) => {
            one(*first)?;
            bail!("{} seeds failed: {failed:?}", failed.len())
        }
    }
}

/// Runs one seed and tells how it went.
fn one(seed: u64) -> anyhow::Result<()> {
    println!("{:#?}", Plan::of(seed));
    match run(seed, true) {
        Ok(counts) => {
            println!("{counts}");
            Ok(())
        }
        Err(failure) => {
            for line in &failure.trace {
                println!("{line}");
            }
            bail!("seed {seed}: {}", failure.broken)
        }
    }
}
