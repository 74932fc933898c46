//! What detection keeps: tokens of programs that post, heartbeats, samples, counts of tickets, and what was proposed last.
//!
//! All instants are the server's own but those of tickets, which say themselves when they came into being.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use desk_domain::{
    detection::{
        SignalScope,
        burst::{HourlyCounts, NewTicket},
        metric::Sample,
    },
    ids::{DocId, WorkspaceId},
    time::UtcMillis,
};
use uuid::Uuid;

use super::{Digest, StorageError};

/// Heartbeats and metrics that a workspace may have, of each; a program that posts under ever new names is a mistake.
pub const NAMES_MAX: u32 = 500;
/// Samples that are kept of each metric.
pub const SAMPLES_MAX: u32 = 200;
/// A token's last use is written down at most this often.
pub const USE_NOTED_MS: i64 = 60_000;

/// A token by which programs post; without the token itself, which nobody has but who was given it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignalToken {
    /// Its id, by which it is revoked.
    pub id: Uuid,
    /// The tenant.
    pub workspace: WorkspaceId,
    /// What it is for.
    pub name: String,
    /// What may be posted with it.
    pub scope: SignalScope,
    /// When it was made.
    pub created_at: UtcMillis,
    /// When it was last used, to the minute.
    pub used_at: Option<UtcMillis>,
    /// When it was revoked.
    pub revoked_at: Option<UtcMillis>,
}

/// A ticket that came into being, as it is counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CountedTicket {
    /// Its category; empty for none.
    pub category: String,
    /// What else bursts need of it.
    pub ticket: NewTicket,
}

/// How long what is counted is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keep {
    /// Tickets that came into being since stand by themselves.
    pub tickets_since: UtcMillis,
    /// Hours since 1970 from this one on are counted.
    pub hours_since: i64,
}

/// Reads of what detection keeps, and writes that need no workspace to themselves.
#[async_trait]
pub trait Signals: Send + Sync {
    /// Keeps a token under its hash.
    async fn add_signal_token(&self, token: &SignalToken, hash: Digest) -> Result<(), StorageError>;
    /// The token with this hash, revoked or not.
    async fn signal_token(&self, hash: Digest) -> Result<Option<SignalToken>, StorageError>;
    /// All tokens of a workspace, the newest first.
    async fn signal_tokens(&self, workspace: WorkspaceId) -> Result<Vec<SignalToken>, StorageError>;
    /// Revokes a token; `false` when there is none such. Again is no error, and the first time stays.
    async fn revoke_signal_token(&self, id: Uuid, now: UtcMillis) -> Result<bool, StorageError>;
    /// Notes that a token was used, unless that was noted within [`USE_NOTED_MS`].
    async fn note_token_use(&self, id: Uuid, now: UtcMillis) -> Result<(), StorageError>;
    /// Notes that a heartbeat came; a later instant that stands there stays. `false` when the workspace has [`NAMES_MAX`] others.
    async fn beat(&self, workspace: WorkspaceId, name: &str, at: UtcMillis) -> Result<bool, StorageError>;
    /// When each heartbeat of a workspace last came.
    async fn heartbeats(&self, workspace: WorkspaceId) -> Result<BTreeMap<String, UtcMillis>, StorageError>;
    /// A category's tickets after an instant, the newest `limit` of them, oldest first.
    async fn recent_tickets(
        &self,
        workspace: WorkspaceId,
        category: &str,
        after: UtcMillis,
        limit: u32,
    ) -> Result<Vec<NewTicket>, StorageError>;
    /// The categories that have tickets after an instant.
    async fn recent_categories(
        &self,
        workspace: WorkspaceId,
        after: UtcMillis,
    ) -> Result<BTreeSet<String>, StorageError>;
    /// A category's tickets in those of the hours that have any.
    async fn ticket_hours(
        &self,
        workspace: WorkspaceId,
        category: &str,
        hours: &BTreeSet<i64>,
    ) -> Result<HourlyCounts, StorageError>;
    /// The first hour in which tickets of the workspace are counted; `None` while there are none.
    async fn counting_since(&self, workspace: WorkspaceId) -> Result<Option<i64>, StorageError>;
    /// The incident that was last proposed for a rule and a subject.
    async fn proposed_last(
        &self,
        workspace: WorkspaceId,
        rule: &str,
        subject: &str,
    ) -> Result<Option<DocId>, StorageError>;
}

/// Writes of what detection keeps, in one workspace's transaction.
#[async_trait]
pub trait SignalTransaction: Send {
    /// Counts tickets that came into being, and forgets what need not be kept any more. What is older than it is not counted.
    async fn count_tickets(&mut self, tickets: &[CountedTicket], keep: Keep) -> Result<(), StorageError>;
    /// Keeps a sample and forgets all but the newest [`SAMPLES_MAX`] of its metric. Of two at one instant, the later one
    /// stands. `false` when the workspace has [`NAMES_MAX`] other metrics.
    async fn note_sample(&mut self, name: &str, sample: Sample) -> Result<bool, StorageError>;
    /// A metric's newest samples, oldest first.
    async fn newest_samples(&mut self, name: &str, limit: u32) -> Result<Vec<Sample>, StorageError>;
    /// A rule's running episode as it was put.
    async fn episode(&mut self, rule: &str) -> Result<Option<String>, StorageError>;
    /// Puts a rule's running episode, or forgets it.
    async fn put_episode(&mut self, rule: &str, episode: Option<&str>) -> Result<(), StorageError>;
    /// The incident that was last proposed for a rule and a subject.
    async fn last_proposal(&mut self, rule: &str, subject: &str) -> Result<Option<DocId>, StorageError>;
    /// Notes which incident was proposed last for a rule and a subject.
    async fn put_proposal(&mut self, rule: &str, subject: &str, incident: DocId) -> Result<(), StorageError>;
}

/// A token's scope as it stands in the database.
pub(super) fn scope(text: &str) -> Result<SignalScope, StorageError> {
    text.parse().map_err(|_| StorageError::damaged("a token's scope that is none"))
}
