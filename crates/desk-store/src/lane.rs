//! A few connections of one kind, handed out one user at a time.
//!
//! The one used last is given first, so that its page cache is warm. (A pool of sqlx gives the one that idled longest
//! and asks it for a sign of life each time; both cost more than the queries here.)

use std::sync::{Arc, Mutex, PoisonError};

use sqlx::{ConnectOptions, Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::StoreError;

/// The connections; clones share them.
#[derive(Clone)]
pub(crate) struct Lane {
    shared: Arc<Shared>,
}

struct Shared {
    options: SqliteConnectOptions,
    idle: Mutex<Vec<SqliteConnection>>,
    permits: Arc<Semaphore>,
    /// How many permits there are.
    size: u32,
}

impl Lane {
    /// At most `size` connections with these options; they are made when first needed.
    pub(crate) fn new(options: SqliteConnectOptions, size: u16) -> Self {
        let permits = Arc::new(Semaphore::new(usize::from(size)));
        Self {
            shared: Arc::new(Shared {
                options,
                idle: Mutex::new(Vec::new()),
                permits,
                size: u32::from(size),
            }),
        }
    }

    /// Waits for a connection.
    pub(crate) async fn acquire(&self) -> Result<Held, StoreError> {
        let permit =
            Arc::clone(&self.shared.permits).acquire_owned().await.map_err(|_| StoreError::Closed)?;
        let idle = self.shared.take();
        let conn = match idle {
            Some(conn) => conn,
            None => self.shared.options.connect().await?,
        };
        Ok(Held { conn: Some(conn), shared: Arc::clone(&self.shared), _permit: permit })
    }

    /// A connection with the lane's options that does not count; the caller closes it.
    pub(crate) async fn extra(&self) -> Result<SqliteConnection, StoreError> {
        Ok(self.shared.options.connect().await?)
    }

    /// How its connections are made.
    pub(crate) fn options(&self) -> &SqliteConnectOptions {
        &self.shared.options
    }

    /// Waits until nobody has a connection and closes them; none is given out until what comes back is dropped.
    pub(crate) async fn pause(&self) -> Result<OwnedSemaphorePermit, StoreError> {
        let all = Arc::clone(&self.shared.permits).acquire_many_owned(self.shared.size);
        let paused = all.await.map_err(|_| StoreError::Closed)?;
        while let Some(conn) = self.shared.take() {
            conn.close().await?;
        }
        Ok(paused)
    }

    /// A connection, if one stands ready.
    pub(crate) fn try_acquire(&self) -> Option<Held> {
        let permit = Arc::clone(&self.shared.permits).try_acquire_owned().ok()?;
        let conn = self.shared.take()?;
        Some(Held { conn: Some(conn), shared: Arc::clone(&self.shared), _permit: permit })
    }

    /// Closes the connections: waits for those in use, and gives none out any more. A process that ends while one of them
    /// writes would take away the key under its hands.
    pub(crate) async fn close(&self) {
        // An error means that it was closed before.
        let all = self.shared.permits.acquire_many(self.shared.size).await;
        self.shared.permits.close();
        drop(all);
        while let Some(conn) = self.shared.take() {
            if let Err(error) = conn.close().await {
                tracing::warn!(%error, "a connection to the store did not close");
            }
        }
    }
}

impl Shared {
    fn take(&self) -> Option<SqliteConnection> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    fn put(&self, conn: SqliteConnection) {
        if self.permits.is_closed() {
            close_now(conn);
        } else {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(conn);
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        while let Some(conn) = self.take() {
            close_now(conn);
        }
    }
}

/// Closes a connection and waits for it. A connection that is only dropped is closed by its thread some time later; if the
/// process ends meanwhile, SQLCipher frees under that thread's hands what it needs for closing, and it crashes.
fn close_now(conn: SqliteConnection) {
    if let Err(error) = futures::executor::block_on(conn.close()) {
        tracing::warn!(%error, "a connection to the store did not close");
    }
}

/// A connection in use; dropping this gives it back.
pub(crate) struct Held {
    conn: Option<SqliteConnection>,
    shared: Arc<Shared>,
    _permit: OwnedSemaphorePermit,
}

impl Held {
    /// The connection.
    pub(crate) fn conn(&mut self) -> Result<&mut SqliteConnection, StoreError> {
        self.conn.as_mut().ok_or(StoreError::Closed)
    }

    /// Does not give the connection back, but closes it: SQLCipher's errors stick to a connection.
    pub(crate) fn discard(mut self) {
        if let Some(conn) = self.conn.take() {
            close_now(conn);
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(conn) = self.conn.take() {
            self.shared.put(conn);
        }
    }
}
