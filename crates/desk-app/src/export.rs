//! Everything in files that need no program of ours: Automerge documents and JSON Lines.

use std::{
    fs,
    io::{BufWriter, Write},
    path::{Path, PathBuf},
};

use desk_api::{ApiError, ErrorCode};
use desk_docs::Document;
use desk_domain::{ids::DocKind, state::State};
use serde::Serialize;

use crate::{Desk, error};

const PAGE: u32 = 200;

/// What an export wrote.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Exported {
    /// Files in `documents/`.
    pub documents: u64,
    /// Lines of `tickets.jsonl`.
    pub tickets: u64,
    /// Lines of `articles.jsonl`.
    pub articles: u64,
    /// Lines of `incidents.jsonl`.
    pub incidents: u64,
}

impl Desk {
    /// Writes `documents/ID.automerge` and `tickets|articles|incidents.jsonl` into `dir`. `line` gives a document's JSON
    /// line (the command line's shape); `progress` is told after each page. It is all written beside `dir` and put in
    /// place at the end, so a broken-off export leaves no half of one.
    ///
    /// # Errors
    /// When `dir` is not empty (an earlier export is replaced if `force`), or cannot be written.
    pub async fn export(
        &self,
        dir: &Path,
        force: bool,
        line: &(dyn Fn(&Desk, &State) -> Result<serde_json::Value, ApiError> + Send + Sync),
        progress: &(dyn Fn(&Exported) + Send + Sync),
    ) -> Result<Exported, ApiError> {
        let io =
            |problem: std::io::Error| error::io(&format!("{} cannot be written", dir.display()), &problem);
        replaceable(dir, force)?;
        let partial = beside(dir, ".partial");
        if partial.exists() {
            fs::remove_dir_all(&partial).map_err(io)?;
        }
        fs::create_dir_all(partial.join("documents")).map_err(io)?;
        let mut exported = Exported::default();
        for (kind, name) in [
            (DocKind::Ticket, Some("tickets.jsonl")),
            (DocKind::Article, Some("articles.jsonl")),
            (DocKind::Incident, Some("incidents.jsonl")),
            (DocKind::Workspace, None),
        ] {
            let mut lines = match name {
                Some(name) => Some(BufWriter::new(fs::File::create(partial.join(name)).map_err(io)?)),
                None => None,
            };
            let mut after = None;
            loop {
                let page = self.store().documents_of_kind(kind, after, PAGE).await.map_err(error::store)?;
                let Some(last) = page.last() else { break };
                after = Some(last.id);
                for stored in &page {
                    let mut document =
                        Document::load(stored.id, kind, &stored.snapshot).map_err(error::load)?;
                    let path = partial.join("documents").join(format!("{}.automerge", stored.id));
                    fs::write(path, document.save_compressed()).map_err(io)?;
                    exported.documents += 1;
                    // A document of a newer schema has its file; only a newer program can put it in words.
                    let (Some(lines), Ok(state)) = (lines.as_mut(), document.read()) else { continue };
                    let value = line(self, &state)?;
                    writeln!(lines, "{value}").map_err(io)?;
                    match kind {
                        DocKind::Ticket => exported.tickets += 1,
                        DocKind::Article => exported.articles += 1,
                        DocKind::Incident => exported.incidents += 1,
                        DocKind::Workspace | DocKind::Personal => {}
                    }
                }
                progress(&exported);
            }
            if let Some(lines) = lines {
                lines.into_inner().map_err(|problem| io(problem.into_error()))?.sync_all().map_err(io)?;
            }
        }
        // The old export goes only once the new one stands in its place.
        let old = beside(dir, ".old");
        if dir.exists() {
            fs::rename(dir, &old).map_err(io)?;
        }
        fs::rename(&partial, dir).map_err(io)?;
        if old.exists() {
            fs::remove_dir_all(&old).map_err(io)?;
        }
        Ok(exported)
    }
}

/// A directory is replaced only if it is empty or an earlier export: never somebody's home by a slip of the hand.
fn replaceable(dir: &Path, force: bool) -> Result<(), ApiError> {
    let Ok(mut entries) = fs::read_dir(dir) else { return Ok(()) };
    if entries.next().is_none() {
        return Ok(());
    }
    let problem = if !force {
        "is not empty; name another directory, or replace an earlier export with --force"
    } else if dir.join("documents").is_dir() && dir.join("tickets.jsonl").is_file() {
        return Ok(());
    } else {
        "holds something else than an export; name another directory"
    };
    Err(ApiError::new(ErrorCode::AlreadyExists, format!("{} {problem}", dir.display())))
}

/// A name beside the directory. Made from its components, so that `DIR/` is the same as `DIR`.
fn beside(dir: &Path, suffix: &str) -> PathBuf {
    let mut name = dir.components().collect::<PathBuf>().into_os_string();
    name.push(suffix);
    name.into()
}
