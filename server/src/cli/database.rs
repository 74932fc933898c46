//! Which database.

use std::{path::PathBuf, sync::Arc};

use anyhow::Context;

use crate::storage::{PostgresStorage, SqliteStorage, Storage};

/// Where the server keeps what it keeps.
#[derive(Debug, clap::Args)]
pub(super) struct Database {
    /// Where the server keeps its embedded database.
    #[arg(
        long,
        value_name = "DIR",
        default_value = "workernet-data",
        env = "WORKERNET_DATA_DIR",
        global = true
    )]
    data_dir: PathBuf,
    /// A PostgreSQL database instead of the embedded one; any number of servers may share it. The URL is
    /// `postgres://USER:PASSWORD@HOST:5432/DATABASE`; in the environment it is not seen in the list of processes.
    #[arg(long, value_name = "URL", env = "WORKERNET_DATABASE_URL", hide_env_values = true, global = true)]
    database_url: Option<String>,
}

impl Database {
    /// Opens it, and makes or brings up to date what is to be there.
    pub(super) async fn open(&self) -> anyhow::Result<Arc<dyn Storage>> {
        if let Some(url) = &self.database_url {
            return Ok(Arc::new(PostgresStorage::open(url).await?));
        }
        let opened = SqliteStorage::open(&self.data_dir).await;
        Ok(Arc::new(opened.with_context(|| format!("cannot open {}", self.data_dir.display()))?))
    }
}
