//! Proposes incidents: looks with the workspace's rules at what tickets, heartbeats and metrics show, and writes what it finds
//! as the server's own change (`desk_domain::detection` has the rules).
//!
//! - **When.** Bursts: as soon as a ticket was accepted, in its category alone. Metrics: with each sample. Heartbeats, and bursts
//!   that a process left behind when it was killed: every [`crate::http::Limits::detect`] or so.
//! - **Once.** Looking needs no lock. What is found is looked at again in the workspace's transaction, beside the last proposal
//!   for the same rule and subject, and only there proposed: of several processes one writes it. The incident's id derives from
//!   the episode, so the same episode would be the same document even then.
//! - **Time** is the server's clock; a ticket's is when it came into being, as its document says. A server whose clock was set
//!   back waits for heartbeats until it is level again; one whose clock was set forward finds those overdue that did not come since.
//!
//! Nothing is scanned: tickets are counted by hour and category as they are accepted, samples extend an episode.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use desk_docs::{Document, LoadError, ReadError};
use desk_domain::{
    detection::{
        Condition, Evidence, Finding, LastProposal, Rule,
        burst::{Burst, HOUR_MS, History, WINDOW_TICKETS_MAX},
        may_propose,
        metric::{Episode, Sample, Threshold},
    },
    edit::{Edit, IncidentOp, Ops, Stamped},
    ids::{DocId, Ids, WorkspaceId},
    people::SERVER_NAME,
    state::State,
    time::UtcMillis,
};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::{
    http::App,
    random::FreshIds,
    storage::{Storage, StorageError, Transaction, WorkspaceRecord},
    sync::{
        own::{OwnError, Pen},
        scopes::{self, ScopeError},
    },
};

/// Workspaces whose rules are kept read.
const WORKSPACES: usize = 1_000;
/// Between two looks at what other processes may have left behind.
const LEFT_BEHIND: Duration = Duration::from_mins(1);

/// Why a workspace could not be looked at.
#[derive(Debug, thiserror::Error)]
pub enum DetectionError {
    /// The storage failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The settings do not open.
    #[error(transparent)]
    Settings(#[from] ScopeError),
    /// The proposal could not be written.
    #[error(transparent)]
    Own(#[from] OwnError),
    /// An incident does not open.
    #[error(transparent)]
    Damaged(#[from] LoadError),
    /// An incident does not read.
    #[error(transparent)]
    Unread(#[from] ReadError),
    /// The evidence has no JSON form: a bug.
    #[error("the evidence cannot be written: {0}")]
    Evidence(#[from] serde_json::Error),
}

/// The rules of a workspace that watch.
#[derive(Debug)]
struct Watched {
    rules: Vec<Rule>,
    zone: TimeZone,
}

/// Looks and proposes. One per process.
#[derive(Debug, Default)]
pub struct Watcher {
    known: Mutex<HashMap<WorkspaceId, (u64, Arc<Watched>)>>,
}

/// A rule's running episode as it is stored, with the threshold that it is of.
#[derive(Debug, Serialize, Deserialize)]
struct Running {
    threshold: Threshold,
    episode: Episode,
}

/// What came of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It is kept.
    Kept,
    /// The workspace has too many metrics.
    TooMany,
}

impl Watcher {
    /// The rules as they are now; read again when the settings changed.
    async fn watched(
        &self,
        storage: &dyn Storage,
        workspace: &WorkspaceRecord,
    ) -> Result<Arc<Watched>, DetectionError> {
        let gone = || StorageError::damaged("a workspace without settings");
        let record = storage.document(workspace.settings_doc).await?.ok_or_else(gone)?;
        {
            let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((seq, watched)) = known.get(&workspace.id)
                && *seq == record.seq
            {
                return Ok(Arc::clone(watched));
            }
        }
        let seq = record.seq;
        let settings = scopes::read(&record)?.ok_or_else(gone)?;
        let zone = TimeZone::get(&settings.zone).unwrap_or(TimeZone::UTC);
        // A rule that does not hold was refused when it was written; one from elsewhere must not stop the others.
        let rules = settings.detection.into_values().filter(|rule| rule.enabled && rule.check().is_ok());
        let watched = Arc::new(Watched { rules: rules.collect(), zone });
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= WORKSPACES {
            known.clear();
        }
        known.insert(workspace.id, (seq, Arc::clone(&watched)));
        Ok(watched)
    }

    /// Looks for bursts in some categories (all that have recent tickets, when none are named); the incidents that it proposed.
    ///
    /// # Errors
    /// See [`DetectionError`]; what was proposed before stands.
    #[tracing::instrument(skip_all, fields(workspace.id = %workspace))]
    pub async fn look_for_bursts(
        &self,
        storage: &dyn Storage,
        workspace: WorkspaceId,
        categories: Option<&BTreeSet<String>>,
        now: UtcMillis,
        ids: &(dyn Ids + Sync),
    ) -> Result<Vec<DocId>, DetectionError> {
        let Some(record) = storage.workspace(workspace).await? else { return Ok(Vec::new()) };
        let watched = self.watched(storage, &record).await?;
        let bursts: Vec<(&Rule, &Burst)> = watched
            .rules
            .iter()
            .filter_map(|rule| match &rule.when {
                Condition::Burst(burst) => Some((rule, burst)),
                Condition::Heartbeat(_) | Condition::Metric(_) => None,
            })
            .collect();
        let Some(earliest) = bursts.iter().map(|(_, burst)| burst.window_from(now)).min() else {
            return Ok(Vec::new());
        };
        let recent = match categories {
            Some(categories) => categories.clone(),
            None => storage.recent_categories(workspace, earliest).await?,
        };
        let mut proposed = Vec::new();
        for category in &recent {
            let named = Some(category.as_str()).filter(|category| !category.is_empty());
            for (rule, burst) in bursts.iter().filter(|(_, burst)| burst.watches(named)) {
                let from = burst.window_from(now);
                let limit = u32::try_from(WINDOW_TICKETS_MAX).unwrap_or(u32::MAX);
                let tickets = storage.recent_tickets(workspace, category, from, limit).await?;
                if u32::try_from(tickets.len()).is_ok_and(|count| count < burst.min_tickets) {
                    continue;
                }
                let hours = History::hours(from, now, &watched.zone);
                let counts = storage.ticket_hours(workspace, category, &hours).await?;
                let since = storage.counting_since(workspace).await?;
                let since = UtcMillis(since.map_or(now.0, |hour| hour * HOUR_MS));
                let history = History::of(&counts, since, from, now, &watched.zone);
                let find = |after| burst.find(named, &tickets, after, history, now);
                if find(None).is_some() {
                    proposed.extend(propose(storage, &record, rule, category, &find, now, ids).await?);
                }
            }
        }
        Ok(proposed)
    }

    /// Looks for heartbeats that stay away; the incidents that it proposed.
    ///
    /// # Errors
    /// See [`DetectionError`].
    #[tracing::instrument(skip_all, fields(workspace.id = %workspace))]
    pub async fn look_for_heartbeats(
        &self,
        storage: &dyn Storage,
        workspace: WorkspaceId,
        now: UtcMillis,
        ids: &(dyn Ids + Sync),
    ) -> Result<Vec<DocId>, DetectionError> {
        let beats = storage.heartbeats(workspace).await?;
        if beats.is_empty() {
            return Ok(Vec::new());
        }
        let Some(record) = storage.workspace(workspace).await? else { return Ok(Vec::new()) };
        let watched = self.watched(storage, &record).await?;
        let mut proposed = Vec::new();
        for rule in &watched.rules {
            let Condition::Heartbeat(heartbeat) = &rule.when else { continue };
            let Some(found) = heartbeat.find(beats.get(&heartbeat.heartbeat).copied(), now) else { continue };
            // It stays away for long: asked again and again, without a transaction.
            let last = storage.proposed_last(workspace, &rule.key, &found.subject).await?;
            if last != Some(found.incident(workspace, &rule.key)) {
                let find = |_| Some(found.clone());
                proposed.extend(propose(storage, &record, rule, &found.subject, &find, now, ids).await?);
            }
        }
        Ok(proposed)
    }

    /// Keeps a sample, extends the episodes of the rules that watch the metric, and proposes where one is long enough.
    ///
    /// # Errors
    /// See [`DetectionError`].
    #[tracing::instrument(skip_all, fields(workspace.id = %record.id))]
    pub async fn take_sample(
        &self,
        storage: &dyn Storage,
        record: &WorkspaceRecord,
        metric: &str,
        sample: Sample,
        ids: &(dyn Ids + Sync),
    ) -> Result<(Taken, Vec<DocId>), DetectionError> {
        let watched = self.watched(storage, record).await?;
        let mut tx = storage.begin(record.id).await?;
        if !tx.note_sample(metric, sample).await? {
            return Ok((Taken::TooMany, Vec::new()));
        }
        let mut found = Vec::new();
        for rule in &watched.rules {
            let Condition::Metric(threshold) = &rule.when else { continue };
            if threshold.metric != metric {
                continue;
            }
            let stored = tx.episode(&rule.key).await?;
            let before: Option<Running> = stored.as_deref().and_then(|json| serde_json::from_str(json).ok());
            // Another threshold is another episode.
            let before = before.filter(|running| running.threshold == *threshold);
            let episode = threshold.advance(before.map(|running| running.episode), sample);
            let running = episode.map(|episode| Running { threshold: threshold.clone(), episode });
            let json = running.as_ref().map(serde_json::to_string).transpose()?;
            if json != stored {
                tx.put_episode(&rule.key, json.as_deref()).await?;
            }
            if let Some(episode) = episode {
                let limit = u32::try_from(desk_domain::detection::EVIDENCE_MAX).unwrap_or(u32::MAX);
                let samples = tx.newest_samples(metric, limit).await?;
                found.extend(threshold.find(episode, &samples).map(|finding| (rule, finding)));
            }
        }
        let mut proposed = Vec::new();
        for (rule, finding) in found {
            let subject = finding.subject.clone();
            let find = |_| Some(finding.clone());
            proposed.extend(propose_in(tx.as_mut(), record, rule, &subject, &find, sample.at, ids).await?);
        }
        tx.commit().await?;
        Ok((Taken::Kept, proposed))
    }
}

/// Finds again, knowing after which instant.
type Find<'a> = dyn Fn(Option<UtcMillis>) -> Option<Finding> + Send + Sync + 'a;

/// Proposes what is found, in a transaction of its own, if it may be.
async fn propose(
    storage: &dyn Storage,
    workspace: &WorkspaceRecord,
    rule: &Rule,
    subject: &str,
    find: &Find<'_>,
    now: UtcMillis,
    ids: &(dyn Ids + Sync),
) -> Result<Option<DocId>, DetectionError> {
    let mut tx = storage.begin(workspace.id).await?;
    let proposed = propose_in(tx.as_mut(), workspace, rule, subject, find, now, ids).await?;
    if proposed.is_some() {
        tx.commit().await?;
    }
    Ok(proposed)
}

/// The same within a transaction; the caller commits.
async fn propose_in(
    tx: &mut dyn Transaction,
    workspace: &WorkspaceRecord,
    rule: &Rule,
    subject: &str,
    find: &Find<'_>,
    now: UtcMillis,
    ids: &(dyn Ids + Sync),
) -> Result<Option<DocId>, DetectionError> {
    let last = match tx.last_proposal(&rule.key, subject).await? {
        Some(doc) => became(tx, doc).await?,
        None => None,
    };
    let after = match last {
        Some(LastProposal::Dismissed { at } | LastProposal::Over { at }) => Some(at),
        Some(LastProposal::Open) => return Ok(None),
        None => None,
    };
    let Some(finding) = find(after).filter(|finding| may_propose(rule, finding, last, now)) else {
        return Ok(None);
    };
    let doc = finding.incident(workspace.id, &rule.key);
    if !tx.document_heads(&[doc]).await?.is_empty() {
        return Ok(None);
    }
    let edit = proposal(doc, rule, &finding, now)?;
    Pen::new(tx, workspace, now, ids).write(&edit, None).await?;
    tx.put_proposal(&rule.key, subject, doc).await?;
    tracing::info!(incident.id = %doc, rule = %rule.key, subject, "incident proposed");
    Ok(Some(doc))
}

/// What became of a proposal; `None` when it is no incident any more that says so.
async fn became(tx: &mut dyn Transaction, doc: DocId) -> Result<Option<LastProposal>, DetectionError> {
    let Some(stored) = tx.document(doc).await? else { return Ok(None) };
    match Document::load(stored.id, stored.kind, &stored.snapshot)?.read()? {
        State::Incident(incident) => Ok(incident.last_proposal()),
        State::Ticket(_) | State::Article(_) | State::Workspace(_) | State::Personal(_) => Ok(None),
    }
}

/// The edit that makes the proposed incident: what happened began with the episode, and the tickets of a burst are linked.
fn proposal(doc: DocId, rule: &Rule, finding: &Finding, now: UtcMillis) -> Result<Edit, DetectionError> {
    let create = IncidentOp::Create {
        title: finding.title(rule),
        summary: String::new(),
        severity: rule.severity,
        services: rule.services.clone(),
        impact_at: Some(finding.began_at.min(now)),
    };
    let propose = IncidentOp::Propose {
        rule: rule.key.clone(),
        severity: rule.severity,
        evidence: serde_json::to_string(&finding.evidence)?,
    };
    let tickets: &[DocId] = match &finding.evidence {
        Evidence::Burst(burst) => &burst.tickets,
        Evidence::Heartbeat(_) | Evidence::Metric(_) => &[],
    };
    let links = tickets.iter().map(|ticket| IncidentOp::LinkTicket { ticket: *ticket, on: true });
    let ops = [create, propose].into_iter().chain(links);
    let steps = ops.map(|op| Stamped::new(now, SERVER_NAME, op)).collect();
    Ok(Edit { doc, ops: Ops::Incident(steps) })
}

/// Looks again and again, until the server stops.
pub async fn run(app: Arc<App>, mut stopping: watch::Receiver<bool>) {
    let stopped = async move {
        // An error means that the sender is gone, which is the end as well.
        let _ = stopping.wait_for(|stop| *stop).await;
    };
    tokio::pin!(stopped);
    let mut ticks = tokio::time::interval(app.limits.detect);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut sweeps = tokio::time::interval(LEFT_BEHIND);
    sweeps.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut heads: HashMap<WorkspaceId, u64> = HashMap::new();
    loop {
        tokio::select! {
            () = &mut stopped => return,
            () = app.hub.created().wait() => look_at_created(&app).await,
            _ = ticks.tick() => look_at_heartbeats(&app).await,
            _ = sweeps.tick() => look_at_rest(&app, &mut heads).await,
        }
    }
}

/// The categories that got tickets.
async fn look_at_created(app: &App) {
    let mut by_workspace: BTreeMap<WorkspaceId, BTreeSet<String>> = BTreeMap::new();
    for (workspace, category) in app.hub.created().take() {
        by_workspace.entry(workspace).or_default().insert(category);
    }
    for (workspace, categories) in by_workspace {
        let now = app.clock.now();
        let ids = FreshIds::at(now, app.random.as_ref());
        let looked =
            app.watcher.look_for_bursts(app.storage.as_ref(), workspace, Some(&categories), now, &ids).await;
        told(app, workspace, looked).await;
    }
}

/// The heartbeats of all workspaces.
async fn look_at_heartbeats(app: &App) {
    for workspace in all(app).await.into_keys() {
        let now = app.clock.now();
        let ids = FreshIds::at(now, app.random.as_ref());
        let looked = app.watcher.look_for_heartbeats(app.storage.as_ref(), workspace, now, &ids).await;
        told(app, workspace, looked).await;
    }
}

/// Bursts in workspaces whose log moved: what a process accepted and did not look at before it ended.
async fn look_at_rest(app: &App, heads: &mut HashMap<WorkspaceId, u64>) {
    for (workspace, head) in all(app).await {
        if heads.insert(workspace, head) == Some(head) {
            continue;
        }
        let now = app.clock.now();
        let ids = FreshIds::at(now, app.random.as_ref());
        let looked = app.watcher.look_for_bursts(app.storage.as_ref(), workspace, None, now, &ids).await;
        told(app, workspace, looked).await;
    }
}

/// All workspaces with their heads.
async fn all(app: &App) -> HashMap<WorkspaceId, u64> {
    match app.storage.pulse().await {
        Ok(pulse) => pulse.heads,
        Err(error) => {
            tracing::error!(%error, "it could not be looked for incidents");
            HashMap::new()
        }
    }
}

/// What was proposed reaches the devices at once; what went wrong, the log.
pub async fn told(app: &App, workspace: WorkspaceId, looked: Result<Vec<DocId>, DetectionError>) {
    match looked {
        Ok(proposed) if proposed.is_empty() => {}
        Ok(_) => {
            if let Err(error) = app.hub.look_outside().await {
                tracing::warn!(%error, "devices hear of a proposed incident later");
            }
        }
        Err(error) => {
            tracing::error!(%error, workspace.id = %workspace, "it could not be looked for incidents");
        }
    }
}
