//! What the same rows cost without CRDT: the yardstick for the processor time of a new device.
//!
//! The rows of all tickets, with nothing of their documents, come from a local file and go the quickest way we have into
//! the same schema: the same tables, indexes and search index, encrypted alike. No server, no hashes to be checked.

use std::borrow::Cow;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};
use desk_docs::{PackedDocument, read_block, unpack_block};
use desk_store::{Batch, Key, OpenOptions, ReadyBlock, Store};
use desk_sync::segment::{SegmentWriter, blocks, id_of};
use serde_json::json;

use crate::figures::print;
use crate::usage::{Usage, watch};
use crate::workspace::Workspace;

/// The first argument of a process that stores rows.
pub(crate) const ROLE: &str = "rows";

/// Rows of a workspace in files.
pub(crate) struct Rows {
    dir: tempfile::TempDir,
}

impl Rows {
    /// Takes the rows out of the server's segments.
    pub(crate) async fn of(workspace: &Workspace, dir: &Path) -> anyhow::Result<Self> {
        let this = Self { dir: tempfile::tempdir_in(dir)? };
        for (number, segment) in workspace.segments().await?.into_iter().enumerate() {
            let mut writer = SegmentWriter::default();
            for block in blocks(&segment, id_of(&segment))? {
                let raw = unpack_block(block.bytes, block.raw_bytes)?;
                for document in read_block(&raw)?.documents {
                    writer.add(PackedDocument { snapshot: Cow::Borrowed(&[]), ..document })?;
                }
            }
            let rows = writer.finish()?.context("a segment without documents")?;
            fs::write(this.dir.path().join(format!("{number:06}")), rows.bytes)?;
        }
        Ok(this)
    }

    /// Stores them in a process of its own.
    pub(crate) fn store(&self, dir: &Path) -> anyhow::Result<Usage> {
        let store = tempfile::tempdir_in(dir)?;
        let mut command = Command::new(std::env::current_exe()?);
        command.arg(ROLE).arg(self.dir.path()).arg(store.path().join("rows.db"));
        Ok(watch(&mut command)?.1)
    }
}

/// What a process does that stores rows.
pub(crate) async fn play(arguments: &[String]) -> anyhow::Result<()> {
    let [from, to] = arguments else { bail!("rows come from somewhere and go somewhere") };
    let store = Store::open(Path::new(to), &Key::new([7; 32]), OpenOptions::default()).await?.store;
    let mut files: Vec<PathBuf> =
        fs::read_dir(from)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?;
    files.sort();
    let mut filling = store.begin_filling(b"rows").await?;
    for file in files {
        let bytes = fs::read(file)?;
        let id = id_of(&bytes);
        let ready = blocks(&bytes, id)?
            .iter()
            .map(|block| ReadyBlock::read(block.bytes.to_vec(), block.raw_bytes))
            .collect::<Result<Vec<_>, _>>()?;
        filling.add(id.0, &ready).await?;
    }
    store.adopt(filling, &Batch::default()).await?;
    let mut indexing = store.indexing();
    while !indexing.some().await?.is_complete() {}
    drop(indexing);
    store.close().await;
    print(&json!({}));
    Ok(())
}
