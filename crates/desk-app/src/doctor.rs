//! Is everything as it should be? Looks at the store, the documents, their rows, the index, the clock and the server,
//! and mends what can be derived anew.

use desk_api::ApiError;
use desk_docs::{Document, ReadError};
use desk_domain::ids::DocKind;
use serde::Serialize;

use crate::{
    Desk,
    edit::write_of,
    error,
    machine::CorrectedClock,
    rows,
    secrets::{self, KeyPlace},
};

const PAGE: u32 = 500;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// As it should be.
    Ok,
    /// Works, but somebody should know.
    Notice,
    /// Does not work.
    Problem,
    /// Did not work and was mended.
    Repaired,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What: `store`, `key`, `documents`, `rows`, `index`, `clock`, `outbox`, `server`.
    pub part: &'static str,
    /// How bad.
    pub severity: Severity,
    /// What was found and what to do.
    pub message: String,
}

/// What `desk doctor` prints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Nothing is wrong any more.
    pub healthy: bool,
    /// Everything that was looked at.
    pub findings: Vec<Finding>,
}

impl Desk {
    /// Looks at everything; with `repair`, derives rows and the index anew where they do not fit the documents.
    ///
    /// # Errors
    /// When the store does not answer at all.
    pub async fn doctor(&self, repair: bool) -> Result<Report, ApiError> {
        let mut findings = Vec::new();
        let mut find = |part, severity, message: String| findings.push(Finding { part, severity, message });
        let health = self.store().check().await.map_err(error::store)?;
        match health.structure.iter().chain(&health.pages).next() {
            Some(first) => find(
                "store",
                Severity::Problem,
                format!("the file is damaged ({first}): copy it away, then sign in on a new data directory"),
            ),
            None => find("store", Severity::Ok, self.stored(health.documents).await?),
        }
        if let Some(newer) = self.read_only() {
            find("store", Severity::Notice, newer.message);
        }
        match self.place().key {
            KeyPlace::Keychain => find("key", Severity::Ok, "in the system's keychain".to_owned()),
            KeyPlace::File => find(
                "key",
                Severity::Notice,
                format!(
                    "this system has no keychain: the key is in {}, which only its owner may read",
                    secrets::key_file(self.data_dir()).display()
                ),
            ),
        }
        let repair =
            repair && self.read_only().is_none() && health.structure.is_empty() && health.pages.is_empty();
        let broken_index = health.not_indexed + health.stray_entries + health.index.len() as u64;
        if repair && broken_index > 0 {
            self.store().rebuild_search().await.map_err(error::store)?;
        }
        let derived = self.check_documents(repair).await?;
        // A row that is missing differs, too.
        let broken_rows = health.without_row.max(derived.differing) + health.stray_rows + health.dangling;
        find(
            "documents",
            if derived.damaged.is_empty() { Severity::Ok } else { Severity::Problem },
            match derived.damaged.first() {
                None => format!("{} read, {} of a newer version", derived.read, derived.newer),
                Some(first) => format!("{} do not read, the first: {first}", derived.damaged.len()),
            },
        );
        let derived_state = |wrong: u64, what: &str| match (wrong, repair) {
            (0, _) => (Severity::Ok, format!("{what} fit the documents")),
            (wrong, true) => {
                (Severity::Repaired, format!("{wrong} {what} did not fit the documents; derived anew"))
            }
            (wrong, false) => (
                Severity::Problem,
                format!("{wrong} {what} do not fit the documents; run `desk doctor --repair`"),
            ),
        };
        let (severity, message) = derived_state(broken_rows, "rows");
        find("rows", severity, message);
        let (severity, message) = derived_state(broken_index, "entries of the index");
        find("index", severity, message);
        let waiting = self.store().outbox_len().await.map_err(error::store)?;
        let rejected = self.store().rejected_len().await.map_err(error::store)?;
        find(
            "outbox",
            if rejected == 0 { Severity::Ok } else { Severity::Notice },
            format!("{waiting} edits wait to be sent, {rejected} were refused (see `desk rejected list`)"),
        );
        let (severity, message) = self.check_server().await;
        find("server", severity, message);
        let offset = self.inner.clock.offset_ms();
        let message = match offset {
            0 => "as the server's, as far as is known".to_owned(),
            ms => format!("{} s off the server's, corrected; set the computer's clock", ms / 1000),
        };
        find("clock", if offset.abs() < 60_000 { Severity::Ok } else { Severity::Notice }, message);
        let healthy = findings.iter().all(|finding| finding.severity != Severity::Problem);
        Ok(Report { healthy, findings })
    }

    /// How much is stored, and what that is a document.
    async fn stored(&self, documents: u64) -> Result<String, ApiError> {
        let sizes = self.store().sizes().await.map_err(error::store)?;
        let each = |bytes: u64| bytes.checked_div(documents).unwrap_or(0);
        Ok(format!(
            "{documents} documents in {} kB: {} bytes each, {} of them the document itself",
            sizes.file_bytes / 1_000,
            each(sizes.file_bytes),
            each(sizes.document_bytes),
        ))
    }

    /// Reads every document; with `repair`, derives its rows anew.
    async fn check_documents(&self, repair: bool) -> Result<Documents, ApiError> {
        let rules = self.rules();
        let mut found = Documents::default();
        for kind in DocKind::ALL {
            let mut after = None;
            loop {
                let page = self.store().documents_of_kind(kind, after, PAGE).await.map_err(error::store)?;
                let Some(last) = page.last() else { break };
                after = Some(last.id);
                let mut writes = Vec::new();
                let mut shown = self.shown_rows(kind, &page).await?;
                for stored in page {
                    let mut document = match Document::open(stored.id, kind, stored.snapshot) {
                        Ok(document) => document,
                        Err(problem) => {
                            found.damaged.push(problem.to_string());
                            continue;
                        }
                    };
                    match document.read() {
                        Ok(state) => {
                            found.read += 1;
                            let heads = Some(stored.heads);
                            let write = write_of(&mut document, heads, Some(&state), &rules, self.now());
                            if !rows::fits(shown.remove(&stored.id).as_ref(), &write) {
                                found.differing += 1;
                            }
                            if repair {
                                writes.push(write);
                            }
                        }
                        Err(ReadError::NewerSchema { .. }) => {
                            found.newer += 1;
                            if repair {
                                writes.push(write_of(
                                    &mut document,
                                    Some(stored.heads),
                                    None,
                                    &rules,
                                    self.now(),
                                ));
                            }
                        }
                        Err(problem @ ReadError::Malformed { .. }) => {
                            found.damaged.push(format!("{}: {problem}", stored.id));
                        }
                    }
                }
                if !writes.is_empty() {
                    self.store().replace_projection(&writes).await.map_err(error::store)?;
                }
            }
        }
        Ok(found)
    }

    async fn check_server(&self) -> (Severity, String) {
        let Ok(link) = self.link() else {
            return (
                Severity::Ok,
                "none: the workspace lives on this device alone, or nobody is signed in".to_owned(),
            );
        };
        let asked_at = CorrectedClock::machine_now();
        match link.http.health().await {
            Ok(health) => {
                let ms = CorrectedClock::machine_now().since(asked_at);
                (Severity::Ok, format!("version {}, answered in {ms} ms", health.version))
            }
            Err(problem) => (Severity::Notice, problem.message),
        }
    }
}

#[derive(Default)]
struct Documents {
    read: u64,
    newer: u64,
    /// Tickets whose row is not what the document says.
    differing: u64,
    damaged: Vec<String>,
}
