//! Packs a workspace's documents into segments for new devices.
//!
//! A set is made when a device asks and there is none, and renewed in the background when it is behind the log: a range
//! of documents in which nothing changed keeps its segment, so old tickets are packed once. The log is read before the
//! documents, so a set holds at least everything up to its cursor; what it holds beyond is passed over by the device,
//! which knows changes by their hashes.
//!
//! A segment has one audience: everybody, or those who see a private team. One whose document has moved into a private team
//! since is not given to anybody any more, whether it stands in the present set or in one that a device began with; and when
//! a team becomes private or open, all are made anew.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet, HashMap},
    num::NonZero,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use desk_docs::{Document, LoadError, PackedDocument};
use desk_domain::{
    access::Scope,
    ids::{DocId, WorkspaceId},
    projection::{PROJECTION_VERSION, Projection, Rules},
    state::State,
    time::{Clock, UtcMillis},
    workspace::Workspace,
};
use desk_sync::{
    segment::{SEGMENT_DOCUMENTS, Segment, SegmentWriter, rules_id},
    wire::WireError,
};
use tokio::task::{JoinError, JoinHandle, JoinSet};
use uuid::Uuid;

use super::scopes;
use crate::storage::{
    Audience, Digest, DocumentRecord, SegmentAbout, SegmentEntry, SegmentSet, Storage, StorageError,
    WorkspaceRecord,
};

/// A set that is so many times further behind than one that is renewed in the background is not given any more.
const FAR_BEHIND: u64 = 20;
/// How long a segment that no set names is kept for devices that are fetching.
const KEEP_MS: i64 = 6 * 3_600_000;

/// Why there are no segments.
#[derive(Debug, thiserror::Error)]
pub enum SegmentError {
    /// The storage failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The settings document does not open.
    #[error("the workspace's settings do not open: {0}")]
    Settings(#[from] LoadError),
    /// A document is too large to travel.
    #[error("a segment cannot be written: {0}")]
    Wire(#[from] WireError),
    /// A bug: the work ended.
    #[error("packing ended")]
    Ended,
}

/// Makes and renews segments, one set at a time per workspace. One per process; where several make the same set, they
/// make the same bytes.
pub struct Segmenter {
    storage: Arc<dyn Storage>,
    clock: Arc<dyn Clock>,
    behind: u64,
    turns: Mutex<HashMap<WorkspaceId, Arc<Turn>>>,
}

/// The work for one workspace.
#[derive(Default)]
struct Turn {
    /// Held by who does it.
    taken: tokio::sync::Mutex<()>,
    /// Documents that were packed since it began.
    packed: AtomicU64,
}

impl Segmenter {
    /// Nothing is made until somebody asks. A set that is more than `behind` changes behind the log is renewed.
    pub fn new(storage: Arc<dyn Storage>, clock: Arc<dyn Clock>, behind: u64) -> Self {
        Self { storage, clock, behind, turns: Mutex::default() }
    }

    /// The present set. Waits for it where there is none, or one far behind the log; what is only a little behind is
    /// given as it is, and renewed meanwhile. Breaking off the wait does not break off the work.
    ///
    /// # Errors
    /// See [`SegmentError`].
    pub async fn current(self: &Arc<Self>, workspace: &WorkspaceRecord) -> Result<SegmentSet, SegmentError> {
        let stored = self.usable(workspace).await?;
        if let Some(set) = stored
            && !self.is_outdated(workspace.id, &set).await?
        {
            let behind = workspace.head.saturating_sub(set.cursor);
            if behind > self.behind && behind <= self.behind * FAR_BEHIND {
                drop(self.begin(workspace.id));
            }
            if behind <= self.behind * FAR_BEHIND {
                return Ok(set);
            }
        }
        self.begin(workspace.id).await.map_err(|_| SegmentError::Ended)?
    }

    /// The stored set, if its rows are of our version and by the present settings.
    async fn usable(&self, workspace: &WorkspaceRecord) -> Result<Option<SegmentSet>, SegmentError> {
        let Some(set) = self.storage.segment_set(workspace.id).await? else { return Ok(None) };
        let settings = self.settings(workspace).await?;
        let current = set.projection == PROJECTION_VERSION
            && set.rules == rules_id(settings.as_ref()).0
            && set.private == private_teams(settings.as_ref());
        Ok(current.then_some(set))
    }

    /// Whether a document has moved into a private team since the set was made.
    async fn is_outdated(&self, workspace: WorkspaceId, set: &SegmentSet) -> Result<bool, SegmentError> {
        for audience in audiences(&set.private) {
            let whole = SegmentAbout {
                cursor: set.cursor,
                audience,
                first: DocId(Uuid::nil()),
                last: DocId(Uuid::max()),
            };
            if self.storage.is_outdated(workspace, &whole).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// A segment for a member of this scope; `None` where there is none such, or it is not, or no more, for them.
    ///
    /// # Errors
    /// When the storage fails.
    pub async fn segment(
        &self,
        workspace: WorkspaceId,
        id: Digest,
        scope: &Scope,
    ) -> Result<Option<Vec<u8>>, StorageError> {
        let Some((about, bytes)) = self.storage.segment(workspace, id).await? else { return Ok(None) };
        let is_theirs =
            about.audience.private == *scope.private() && scope.sees(about.audience.team.as_deref());
        let is_given = is_theirs
            && (about.audience.private.is_empty() || !self.storage.is_outdated(workspace, &about).await?);
        Ok(is_given.then_some(bytes))
    }

    async fn settings(&self, workspace: &WorkspaceRecord) -> Result<Option<Workspace>, SegmentError> {
        let Some(record) = self.storage.document(workspace.settings_doc).await? else { return Ok(None) };
        match Document::load(record.id, record.kind, &record.snapshot)?.read() {
            Ok(State::Workspace(workspace)) => Ok(Some(*workspace)),
            // Of a newer schema: devices that can read it compute the deadlines themselves.
            Ok(_) | Err(_) => Ok(None),
        }
    }

    /// How many documents of a workspace have been packed by the work under way.
    pub fn packed(&self, workspace: WorkspaceId) -> u64 {
        self.turn(workspace).packed.load(Ordering::Relaxed)
    }

    fn turn(&self, workspace: WorkspaceId) -> Arc<Turn> {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(turns.entry(workspace).or_default())
    }

    fn begin(self: &Arc<Self>, workspace: WorkspaceId) -> JoinHandle<Result<SegmentSet, SegmentError>> {
        let this = Arc::clone(self);
        tokio::spawn(async move {
            let turn = this.turn(workspace);
            let _taken = turn.taken.lock().await;
            turn.packed.store(0, Ordering::Relaxed);
            let result = this.renew(workspace, &turn.packed).await;
            if let Err(error) = &result {
                tracing::error!(workspace.id = %workspace, %error, "segments could not be made");
            }
            result
        })
    }

    /// Brings the set level with the log, unless somebody did while this waited for its turn.
    async fn renew(&self, id: WorkspaceId, packed: &AtomicU64) -> Result<SegmentSet, SegmentError> {
        let workspace = self
            .storage
            .workspace(id)
            .await?
            .ok_or_else(|| StorageError::damaged("a workspace that is not there"))?;
        let known = self.usable(&workspace).await?;
        if let Some(set) = &known
            && workspace.head.saturating_sub(set.cursor) <= self.behind
            && !self.is_outdated(id, set).await?
        {
            return Ok(set.clone());
        }
        let settings = self.settings(&workspace).await?;
        let rules = Arc::new(Rules::of(settings.as_ref()));
        let private = private_teams(settings.as_ref());
        let mut segments = Vec::new();
        for audience in audiences(&private) {
            let plan = match &known {
                Some(set) => {
                    let of_team = |entry: &&SegmentEntry| entry.team == audience.team;
                    let entries: Vec<_> = set.segments.iter().filter(of_team).cloned().collect();
                    plan(&entries, &self.storage.shared_changed_after(id, &audience, set.cursor).await?)
                }
                None => vec![Part::Pack { after: None, until: None }],
            };
            let whose = Whose { workspace: id, cursor: workspace.head, audience, rules: Arc::clone(&rules) };
            for part in plan {
                match part {
                    Part::Keep(entry) => segments.push(entry),
                    Part::Pack { after, until } => {
                        segments.extend(self.pack(&whose, after, until, packed).await?);
                    }
                }
            }
        }
        let set = SegmentSet {
            cursor: workspace.head,
            projection: PROJECTION_VERSION,
            rules: rules_id(settings.as_ref()).0,
            private,
            segments,
        };
        let now = self.clock.now();
        self.storage.put_segment_set(id, &set, now, now.plus_ms(-KEEP_MS)).await?;
        tracing::info!(
            workspace.id = %id, documents.packed = packed.load(Ordering::Relaxed), segments = set.segments.len(), "segments made"
        );
        Ok(set)
    }

    /// Packs the documents after one and up to another.
    async fn pack(
        &self,
        whose: &Whose,
        after: Option<DocId>,
        until: Option<DocId>,
        packed: &AtomicU64,
    ) -> Result<Vec<SegmentEntry>, SegmentError> {
        // Requests come first: never all processors.
        let width = std::thread::available_parallelism().map_or(1, NonZero::get).div_ceil(2).min(4);
        let limit = u32::try_from(SEGMENT_DOCUMENTS).unwrap_or(u32::MAX);
        let now = self.clock.now();
        let mut working = JoinSet::new();
        let mut made = BTreeMap::new();
        let mut after = after;
        loop {
            let mut page =
                self.storage.shared_documents(whose.workspace, &whose.audience, after, limit).await?;
            page.retain(|record| until.is_none_or(|until| record.id <= until));
            let Some(last) = page.last().map(|record| record.id) else { break };
            after = Some(last);
            if working.len() >= width {
                keep(working.join_next().await, &mut made, packed)?;
            }
            working.spawn(pack_page(Arc::clone(&self.storage), whose.clone(), page, now));
        }
        while !working.is_empty() {
            keep(working.join_next().await, &mut made, packed)?;
        }
        Ok(made.into_values().collect())
    }
}

/// What the segments of one audience have in common.
#[derive(Clone)]
struct Whose {
    workspace: WorkspaceId,
    /// How far the log went before the documents were read.
    cursor: u64,
    audience: Audience,
    rules: Arc<Rules>,
}

/// The teams that are private by these settings. Where they do not read (they are of a newer schema), nobody is served
/// segments: what a member sees is not known either.
fn private_teams(settings: Option<&Workspace>) -> BTreeSet<String> {
    settings.map(scopes::private).unwrap_or_default()
}

/// Everybody, and those who see each of the private teams.
fn audiences(private: &BTreeSet<String>) -> impl Iterator<Item = Audience> {
    let teams = std::iter::once(None).chain(private.iter().cloned().map(Some));
    teams.map(|team| Audience { team, private: private.clone() })
}

/// Packs documents into a segment and stores it.
async fn pack_page(
    storage: Arc<dyn Storage>,
    whose: Whose,
    page: Vec<DocumentRecord>,
    now: UtcMillis,
) -> Result<Option<SegmentEntry>, SegmentError> {
    let Whose { workspace, cursor, audience, rules } = whose;
    let work = move || segment_of(&page, &rules, now);
    let packed = tokio::task::spawn_blocking(work).await.map_err(|_| SegmentError::Ended)??;
    let Some((entry, bytes)) = packed else { return Ok(None) };
    let entry = SegmentEntry { team: audience.team.clone(), ..entry };
    let about = SegmentAbout { cursor, audience, first: entry.first, last: entry.last };
    storage.put_segment(workspace, entry.id, &about, &bytes).await?;
    Ok(Some(entry))
}

/// Puts what a task made in its place among the others.
fn keep(
    done: Option<Result<Result<Option<SegmentEntry>, SegmentError>, JoinError>>,
    made: &mut BTreeMap<DocId, SegmentEntry>,
    packed: &AtomicU64,
) -> Result<(), SegmentError> {
    if let Some(entry) = done.transpose().map_err(|_| SegmentError::Ended)?.transpose()?.flatten() {
        packed.fetch_add(u64::from(entry.documents), Ordering::Relaxed);
        made.insert(entry.first, entry);
    }
    Ok(())
}

/// What becomes of a stretch of documents.
#[derive(Debug, PartialEq, Eq)]
enum Part {
    /// Nothing in it changed.
    Keep(SegmentEntry),
    /// To be packed: what comes after `after`, up to `until`, both open where there is none.
    Pack { after: Option<DocId>, until: Option<DocId> },
}

/// Which segments stay, by the documents that changed since; in order, with neighbours that are packed taken together.
/// A segment answers for everything after its predecessor's last document. What comes after all of them is packed with
/// the last one while that is not full.
fn plan(segments: &[SegmentEntry], changed: &[DocId]) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    let pack = |parts: &mut Vec<Part>, from: Option<DocId>, to: Option<DocId>| match parts.last_mut() {
        Some(Part::Pack { until, .. }) => *until = to,
        _ => parts.push(Part::Pack { after: from, until: to }),
    };
    let mut changed = changed.iter().copied().peekable();
    let mut after = None;
    for (index, segment) in segments.iter().enumerate() {
        let is_last = index + 1 == segments.len();
        let mut touched = false;
        while changed.next_if(|doc| *doc <= segment.last).is_some() {
            touched = true;
        }
        let grows = is_last && changed.peek().is_some() && (segment.documents as usize) < SEGMENT_DOCUMENTS;
        if touched || grows {
            pack(&mut parts, after, Some(segment.last));
        } else {
            parts.push(Part::Keep(segment.clone()));
        }
        after = Some(segment.last);
    }
    if changed.peek().is_some() || segments.is_empty() {
        pack(&mut parts, after, None);
    }
    parts
}

/// A segment of these documents, with their rows.
fn segment_of(
    records: &[DocumentRecord],
    rules: &Rules,
    now: UtcMillis,
) -> Result<Option<(SegmentEntry, Vec<u8>)>, WireError> {
    let (Some(first), Some(last)) = (records.first(), records.last()) else { return Ok(None) };
    let mut writer = SegmentWriter::default();
    for record in records {
        let state = Document::load(record.id, record.kind, &record.snapshot)
            .map_err(|error| tracing::error!(document.id = %record.id, %error, "a document does not open"))
            .ok()
            .and_then(|document| document.read().ok());
        writer.add(PackedDocument {
            doc: record.id,
            kind: record.kind,
            heads: record.heads.clone(),
            schema: state.as_ref().map_or(desk_docs::SCHEMA + 1, State::schema),
            projection: state.map(|state| Projection::of(&state, rules, now)),
            snapshot: Cow::Borrowed(&record.snapshot),
        })?;
    }
    let made = writer.finish()?.map(|Segment { reference, bytes }| {
        let entry = SegmentEntry {
            team: None,
            id: reference.id.0,
            first: first.id,
            last: last.id,
            documents: reference.documents,
            bytes: reference.bytes,
        };
        (entry, bytes)
    });
    Ok(made)
}

#[cfg(test)]
mod tests {
    use desk_domain::ids::uuid_v7;

    use super::*;

    fn doc(n: u8) -> DocId {
        DocId(uuid_v7(UtcMillis(i64::from(n)), [n; 10]))
    }

    fn entry(first: u8, last: u8, documents: usize) -> SegmentEntry {
        let documents = u32::try_from(documents).unwrap();
        SegmentEntry { team: None, id: [first; 32], first: doc(first), last: doc(last), documents, bytes: 1 }
    }

    #[test]
    fn what_nobody_changed_is_kept() {
        let full = SEGMENT_DOCUMENTS;
        let segments = [entry(10, 19, full), entry(20, 29, full), entry(30, 39, full)];
        let keep = |n: usize| Part::Keep(segments[n].clone());
        let pack = |after: Option<u8>, until: Option<u8>| Part::Pack {
            after: after.map(doc),
            until: until.map(doc),
        };
        assert_eq!(plan(&segments, &[]), [keep(0), keep(1), keep(2)]);
        assert_eq!(plan(&segments, &[doc(25)]), [keep(0), pack(Some(19), Some(29)), keep(2)]);
        assert_eq!(
            plan(&segments, &[doc(5)]),
            [pack(None, Some(19)), keep(1), keep(2)],
            "an older id than all of them, made offline"
        );
        assert_eq!(
            plan(&segments, &[doc(10), doc(29)]),
            [pack(None, Some(29)), keep(2)],
            "neighbours are packed together"
        );
        assert_eq!(plan(&segments, &[doc(40)]), [keep(0), keep(1), keep(2), pack(Some(39), None)]);
        assert_eq!(plan(&segments, &[doc(35), doc(40)]), [keep(0), keep(1), pack(Some(29), None)]);
        assert_eq!(plan(&[], &[]), [pack(None, None)]);
    }

    #[test]
    fn the_last_segment_is_filled_up() {
        let segments = [entry(10, 19, SEGMENT_DOCUMENTS), entry(20, 29, 5)];
        let grown = [Part::Keep(segments[0].clone()), Part::Pack { after: Some(doc(19)), until: None }];
        assert_eq!(plan(&segments, &[doc(40)]), grown);
    }
}
