//! `desk`: the desktop's use-cases without a window, for scripts, IT and support.
//!
//! Results go to standard output, errors and progress to standard error. The exit status is 0, 1 (failed) or 2
//! (wrong usage). With `--json` every command prints one JSON value in the shape that [`shape`] fixes.
//!
//! Not here: what the commands do (`desk-app`).

mod args;
mod assignment;
mod commands;
mod output;
mod people;
mod shape;
mod text;

use std::process::ExitCode;

use clap::Parser;
use desk_api::{ApiError, ErrorCode};

use crate::{args::Args, output::Output};

fn main() -> ExitCode {
    let args = Args::parse();
    tracing_subscriber::fmt()
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_env("DESK_LOG")
                .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("error")),
        )
        .with_writer(std::io::stderr)
        .init();
    let output = Output { json: args.json };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(problem) => {
            return output.failed(&ApiError::new(ErrorCode::Internal, format!("no threads: {problem}")));
        }
    };
    let done = runtime.block_on(commands::run(args, output));
    // A thread that still reads a file is not waited for.
    runtime.shutdown_background();
    match done {
        Ok(code) => code,
        Err(problem) => output.failed(&problem),
    }
}
