//! `workernet-server`: see `workernet_server::cli`.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    workernet_server::cli::run().await
}
