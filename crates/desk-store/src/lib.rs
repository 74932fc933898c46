//! The client's local store: one encrypted SQLite file.
//!
//! Purpose: to keep what the device knows (documents, unsent changes, drafts, alerts) so that nothing that was saved
//! is ever lost, and to answer the interface's lists, filters and searches at once.
//!
//! Invariants:
//! - Whatever changes, changes in one transaction ([`Store::commit`]): documents, the rows derived from them, the
//!   search index, the outbox, the cursor. After a crash at any instant all of it holds or none of it.
//! - Every derived row (tickets, tags, articles, incidents, deadlines, sources, search) is a pure function of a
//!   [`DocWrite`]; [`Store::replace_projection`] makes them again, [`Store::check`] finds what is missing.
//! - A document is written only over the heads that its writer saw ([`StoreError::Stale`] otherwise), so the window
//!   and the command line may work on one store at the same time.
//! - A file is never deleted, overwritten or migrated when it is damaged, foreign, of a newer version or opened with
//!   the wrong key.
//! - Values reach SQL as bound parameters only; what people type can never be SQL or full-text syntax.
//!
//! Not here: Automerge (documents are bytes, what lists need of them comes as a `Row`), the clock and SLA rules
//! (deadlines come finished), permissions, the network.

mod alerts;
mod articles;
mod batch;
mod blocks;
mod bulk;
mod check;
mod codes;
mod columns;
mod commit;
mod deadlines;
mod documents;
mod drafts;
mod error;
mod fill;
mod incidents;
mod indexes;
mod indexing;
mod key;
mod lane;
mod lock;
mod meta;
mod open;
mod outbox;
mod rejected;
mod search;
mod sources;
mod tickets;

use std::{
    path::Path,
    sync::{Arc, atomic::AtomicU64},
};

pub use batch::{
    AlertDecision, AlertWrite, Batch, Committed, DocWrite, Hash32, OutboxEntry, Rejection, UnmadeEdit,
    heads_from_bytes,
};
pub use check::{Health, Sizes};
pub use deadlines::DueDeadline;
pub use documents::{DigestRow, StoredDocument};
pub use error::StoreError;
pub use fill::{Filling, ReadyBlock};
pub use indexing::{IndexProgress, Indexing};
pub use key::Key;
pub use meta::{Facts, Waiting};
pub use open::{NewerVersion, OpenOptions, Opened};
pub use outbox::OutboxChange;
pub use rejected::RejectedChange;
pub use tickets::TicketIds;

use columns::Lists;
use lane::{Held, Lane};
use lock::InUse;
use sqlx::Connection;

/// The compatibility number of the stores that this program writes. A store with a higher one is only read.
pub const COMPAT: u32 = 6;

/// A handle to the open store; clones share its connections. Dropping the last one closes the file; [`Store::close`]
/// also waits for that.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    path: Box<Path>,
    /// The one connection that writes; absent in a store that is only read.
    writer: Option<Lane>,
    readers: Lane,
    /// Says to other processes that the file is in use.
    lock: InUse,
    /// What another file of the same store is opened with.
    key: Key,
    /// Counts the files that took this store's place.
    file: AtomicU64,
    /// What lists are made from.
    lists: Lists,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store")
            .field("path", &self.inner.path)
            .field("read_only", &self.is_read_only())
            .finish()
    }
}

impl Store {
    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// Nothing can be written: it was asked for, or a newer version wrote the store.
    pub fn is_read_only(&self) -> bool {
        self.inner.writer.is_none()
    }

    /// Closes every connection that is not in use and refuses further ones; waits until SQLite has let go of the file.
    pub async fn close(&self) {
        self.inner.readers.close().await;
        if let Some(writer) = &self.inner.writer {
            writer.close().await;
        }
    }

    /// Moves what stands in the write-ahead log into the file, without holding up writers. For quiet moments: it keeps
    /// that work out of commits. Does nothing in a store that is only read.
    pub async fn checkpoint(&self) -> Result<(), StoreError> {
        let Some(writer) = &self.inner.writer else {
            return Ok(());
        };
        // A connection of its own, so that writers need not wait; counted among the readers, so that `Store::adopt` knows
        // when nobody has the file.
        let _counted = self.slow_reader().await?;
        let mut conn = writer.extra().await?;
        sqlx::query("PRAGMA wal_checkpoint(PASSIVE)").execute(&mut conn).await?;
        conn.close().await?;
        Ok(())
    }

    async fn writer(&self) -> Result<Held, StoreError> {
        match &self.inner.writer {
            Some(lane) => lane.acquire().await,
            None => Err(StoreError::ReadOnly),
        }
    }

    /// A connection for a short read. The writer's is taken when it is idle: its page cache survives its own commits,
    /// while a commit empties that of every other connection, and decrypting the pages again would take longer than
    /// the read.
    async fn quick_reader(&self) -> Result<Held, StoreError> {
        if let Some(held) = self.inner.writer.as_ref().and_then(Lane::try_acquire) {
            return Ok(held);
        }
        self.inner.readers.acquire().await
    }

    /// A connection for a read that may take long: never the writer's.
    async fn slow_reader(&self) -> Result<Held, StoreError> {
        self.inner.readers.acquire().await
    }
}
