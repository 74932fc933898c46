//! What detection keeps.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use desk_domain::{
    detection::{
        burst::{HOUR_MS, HourlyCounts, NewTicket},
        metric::Sample,
    },
    ids::{DocId, WorkspaceId},
    time::UtcMillis,
};
use sqlx::{query, query_as, query_scalar};
use uuid::Uuid;

use super::{SqliteStorage, failed, instant, number, transaction::SqliteTransaction, uuid};
use crate::storage::{
    Digest, StorageError,
    signals::{
        CountedTicket, Keep, NAMES_MAX, SAMPLES_MAX, SignalToken, SignalTransaction, Signals, USE_NOTED_MS,
        scope,
    },
};

struct TokenRow {
    id: Vec<u8>,
    workspace: Vec<u8>,
    name: String,
    scope: String,
    created_at: i64,
    used_at: Option<i64>,
    revoked_at: Option<i64>,
}

impl TryFrom<TokenRow> for SignalToken {
    type Error = StorageError;

    fn try_from(row: TokenRow) -> Result<Self, StorageError> {
        Ok(Self {
            id: uuid(&row.id)?,
            workspace: WorkspaceId(uuid(&row.workspace)?),
            name: row.name,
            scope: scope(&row.scope)?,
            created_at: UtcMillis(row.created_at),
            used_at: instant(row.used_at),
            revoked_at: instant(row.revoked_at),
        })
    }
}

#[async_trait]
impl Signals for SqliteStorage {
    async fn add_signal_token(&self, token: &SignalToken, hash: Digest) -> Result<(), StorageError> {
        let (id, workspace) = (token.id.as_bytes().as_slice(), token.workspace.0.as_bytes().as_slice());
        let (scope, hash) = (token.scope.as_str(), hash.as_slice());
        query!(
            "INSERT INTO signal_tokens (id, workspace, name, scope, hash, created_at) VALUES (?, ?, ?, ?, ?, ?)",
            id,
            workspace,
            token.name,
            scope,
            hash,
            token.created_at.0
        )
        .execute(&self.writer)
        .await
        .map_err(failed)?;
        Ok(())
    }

    async fn signal_token(&self, hash: Digest) -> Result<Option<SignalToken>, StorageError> {
        let hash = hash.as_slice();
        query_as!(
            TokenRow,
            "SELECT id, workspace, name, scope, created_at, used_at, revoked_at FROM signal_tokens WHERE hash = ?",
            hash
        )
        .fetch_optional(&self.readers)
        .await
        .map_err(failed)?
        .map(TryInto::try_into)
        .transpose()
    }

    async fn signal_tokens(&self, workspace: WorkspaceId) -> Result<Vec<SignalToken>, StorageError> {
        let workspace = workspace.0.as_bytes().as_slice();
        query_as!(
            TokenRow,
            "SELECT id, workspace, name, scope, created_at, used_at, revoked_at FROM signal_tokens
             WHERE workspace = ? ORDER BY created_at DESC, id DESC",
            workspace
        )
        .fetch_all(&self.readers)
        .await
        .map_err(failed)?
        .into_iter()
        .map(TryInto::try_into)
        .collect()
    }

    async fn revoke_signal_token(&self, id: Uuid, now: UtcMillis) -> Result<bool, StorageError> {
        let id = id.as_bytes().as_slice();
        let done =
            query!("UPDATE signal_tokens SET revoked_at = coalesce(revoked_at, ?) WHERE id = ?", now.0, id)
                .execute(&self.writer)
                .await
                .map_err(failed)?;
        Ok(done.rows_affected() > 0)
    }

    async fn note_token_use(&self, id: Uuid, now: UtcMillis) -> Result<(), StorageError> {
        let (id, before) = (id.as_bytes().as_slice(), now.plus_ms(-USE_NOTED_MS).0);
        query!(
            "UPDATE signal_tokens SET used_at = ? WHERE id = ? AND coalesce(used_at, 0) <= ?",
            now.0,
            id,
            before
        )
        .execute(&self.writer)
        .await
        .map_err(failed)?;
        Ok(())
    }

    async fn beat(&self, workspace: WorkspaceId, name: &str, at: UtcMillis) -> Result<bool, StorageError> {
        let workspace = workspace.0.as_bytes().as_slice();
        let done = query!(
            "INSERT INTO heartbeats (workspace, name, last_at)
             SELECT ?1, ?2, ?3 WHERE (SELECT count(*) FROM heartbeats WHERE workspace = ?1 AND name <> ?2) < ?4
             ON CONFLICT (workspace, name) DO UPDATE SET last_at = max(last_at, excluded.last_at)",
            workspace,
            name,
            at.0,
            NAMES_MAX
        )
        .execute(&self.writer)
        .await
        .map_err(failed)?;
        Ok(done.rows_affected() > 0)
    }

    async fn heartbeats(&self, workspace: WorkspaceId) -> Result<BTreeMap<String, UtcMillis>, StorageError> {
        let workspace = workspace.0.as_bytes().as_slice();
        let rows = query!("SELECT name, last_at FROM heartbeats WHERE workspace = ?", workspace)
            .fetch_all(&self.readers)
            .await
            .map_err(failed)?;
        Ok(rows.into_iter().map(|row| (row.name, UtcMillis(row.last_at))).collect())
    }

    async fn recent_tickets(
        &self,
        workspace: WorkspaceId,
        category: &str,
        after: UtcMillis,
        limit: u32,
    ) -> Result<Vec<NewTicket>, StorageError> {
        let workspace = workspace.0.as_bytes().as_slice();
        let rows = query!(
            "SELECT id, created_at, title FROM recent_tickets
             WHERE workspace = ? AND category = ? AND created_at > ? ORDER BY created_at DESC, id DESC LIMIT ?",
            workspace,
            category,
            after.0,
            limit
        )
        .fetch_all(&self.readers)
        .await
        .map_err(failed)?;
        rows.into_iter()
            .rev()
            .map(|row| {
                let (id, created_at) = (DocId(uuid(&row.id)?), UtcMillis(row.created_at));
                Ok(NewTicket { id, created_at, title: row.title })
            })
            .collect()
    }

    async fn recent_categories(
        &self,
        workspace: WorkspaceId,
        after: UtcMillis,
    ) -> Result<BTreeSet<String>, StorageError> {
        let workspace = workspace.0.as_bytes().as_slice();
        let rows = query_scalar!(
            "SELECT DISTINCT category FROM recent_tickets WHERE workspace = ? AND created_at > ?",
            workspace,
            after.0
        )
        .fetch_all(&self.readers)
        .await
        .map_err(failed)?;
        Ok(rows.into_iter().collect())
    }

    async fn ticket_hours(
        &self,
        workspace: WorkspaceId,
        category: &str,
        hours: &BTreeSet<i64>,
    ) -> Result<HourlyCounts, StorageError> {
        let workspace = workspace.0.as_bytes().as_slice();
        let hours: Vec<String> = hours.iter().map(i64::to_string).collect();
        let hours = format!("[{}]", hours.join(","));
        let rows = query!(
            "SELECT hour, tickets FROM ticket_hours
             WHERE workspace = ? AND category = ? AND hour IN (SELECT value FROM json_each(?))",
            workspace,
            category,
            hours
        )
        .fetch_all(&self.readers)
        .await
        .map_err(failed)?;
        rows.into_iter().map(|row| Ok((row.hour, count(row.tickets)?))).collect()
    }

    async fn counting_since(&self, workspace: WorkspaceId) -> Result<Option<i64>, StorageError> {
        let workspace = workspace.0.as_bytes().as_slice();
        query_scalar!("SELECT hour FROM ticket_hours WHERE workspace = ? ORDER BY hour LIMIT 1", workspace)
            .fetch_optional(&self.readers)
            .await
            .map_err(failed)
    }

    async fn proposed_last(
        &self,
        workspace: WorkspaceId,
        rule: &str,
        subject: &str,
    ) -> Result<Option<DocId>, StorageError> {
        let workspace = workspace.0.as_bytes().as_slice();
        let found = query_scalar!(
            "SELECT incident FROM proposals WHERE workspace = ? AND rule = ? AND subject = ?",
            workspace,
            rule,
            subject
        )
        .fetch_optional(&self.readers)
        .await
        .map_err(failed)?;
        found.map(|id| uuid(&id).map(DocId)).transpose()
    }
}

/// A count of tickets; it never comes near the limit.
fn count(value: i64) -> Result<u32, StorageError> {
    number(value).map(|value| u32::try_from(value).unwrap_or(u32::MAX))
}

#[async_trait]
impl SignalTransaction for SqliteTransaction {
    async fn count_tickets(&mut self, tickets: &[CountedTicket], keep: Keep) -> Result<(), StorageError> {
        let workspace = self.workspace_id();
        for CountedTicket { category, ticket } in tickets {
            let hour = ticket.created_at.0.div_euclid(HOUR_MS);
            if hour < keep.hours_since {
                continue;
            }
            query!(
                "INSERT INTO ticket_hours (workspace, category, hour, tickets) VALUES (?, ?, ?, 1)
                 ON CONFLICT (workspace, category, hour) DO UPDATE SET tickets = tickets + 1",
                workspace,
                category,
                hour
            )
            .execute(self.conn())
            .await
            .map_err(failed)?;
            if ticket.created_at < keep.tickets_since {
                continue;
            }
            let id = ticket.id.0.as_bytes().as_slice();
            query!(
                "INSERT INTO recent_tickets (id, workspace, category, created_at, title) VALUES (?, ?, ?, ?, ?)
                 ON CONFLICT (id) DO NOTHING",
                id,
                workspace,
                category,
                ticket.created_at.0,
                ticket.title
            )
            .execute(self.conn())
            .await
            .map_err(failed)?;
        }
        query!(
            "DELETE FROM recent_tickets WHERE workspace = ? AND created_at < ?",
            workspace,
            keep.tickets_since.0
        )
        .execute(self.conn())
        .await
        .map_err(failed)?;
        query!("DELETE FROM ticket_hours WHERE workspace = ? AND hour < ?", workspace, keep.hours_since)
            .execute(self.conn())
            .await
            .map_err(failed)?;
        Ok(())
    }

    async fn note_sample(&mut self, name: &str, sample: Sample) -> Result<bool, StorageError> {
        let workspace = self.workspace_id();
        let known =
            query_scalar!("SELECT at FROM samples WHERE workspace = ? AND name = ? LIMIT 1", workspace, name)
                .fetch_optional(self.conn())
                .await
                .map_err(failed)?;
        if known.is_none() {
            let others =
                query_scalar!("SELECT count(DISTINCT name) FROM samples WHERE workspace = ?", workspace)
                    .fetch_one(self.conn())
                    .await
                    .map_err(failed)?;
            if others >= i64::from(NAMES_MAX) {
                return Ok(false);
            }
        }
        query!(
            "INSERT INTO samples (workspace, name, at, value) VALUES (?, ?, ?, ?)
             ON CONFLICT (workspace, name, at) DO UPDATE SET value = excluded.value",
            workspace,
            name,
            sample.at.0,
            sample.value
        )
        .execute(self.conn())
        .await
        .map_err(failed)?;
        query!(
            "DELETE FROM samples WHERE workspace = ?1 AND name = ?2 AND at <=
                 (SELECT at FROM samples WHERE workspace = ?1 AND name = ?2 ORDER BY at DESC LIMIT 1 OFFSET ?3)",
            workspace,
            name,
            SAMPLES_MAX
        )
        .execute(self.conn())
        .await
        .map_err(failed)?;
        Ok(true)
    }

    async fn newest_samples(&mut self, name: &str, limit: u32) -> Result<Vec<Sample>, StorageError> {
        let workspace = self.workspace_id();
        let rows = query!(
            "SELECT at, value FROM samples WHERE workspace = ? AND name = ? ORDER BY at DESC LIMIT ?",
            workspace,
            name,
            limit
        )
        .fetch_all(self.conn())
        .await
        .map_err(failed)?;
        Ok(rows.into_iter().rev().map(|row| Sample { at: UtcMillis(row.at), value: row.value }).collect())
    }

    async fn episode(&mut self, rule: &str) -> Result<Option<String>, StorageError> {
        let workspace = self.workspace_id();
        query_scalar!("SELECT episode FROM episodes WHERE workspace = ? AND rule = ?", workspace, rule)
            .fetch_optional(self.conn())
            .await
            .map_err(failed)
    }

    async fn put_episode(&mut self, rule: &str, episode: Option<&str>) -> Result<(), StorageError> {
        let workspace = self.workspace_id();
        match episode {
            Some(episode) => query!(
                "INSERT INTO episodes (workspace, rule, episode) VALUES (?, ?, ?)
                 ON CONFLICT (workspace, rule) DO UPDATE SET episode = excluded.episode",
                workspace,
                rule,
                episode
            )
            .execute(self.conn())
            .await
            .map_err(failed)?,
            None => query!("DELETE FROM episodes WHERE workspace = ? AND rule = ?", workspace, rule)
                .execute(self.conn())
                .await
                .map_err(failed)?,
        };
        Ok(())
    }

    async fn last_proposal(&mut self, rule: &str, subject: &str) -> Result<Option<DocId>, StorageError> {
        let workspace = self.workspace_id();
        let found = query_scalar!(
            "SELECT incident FROM proposals WHERE workspace = ? AND rule = ? AND subject = ?",
            workspace,
            rule,
            subject
        )
        .fetch_optional(self.conn())
        .await
        .map_err(failed)?;
        found.map(|id| uuid(&id).map(DocId)).transpose()
    }

    async fn put_proposal(&mut self, rule: &str, subject: &str, incident: DocId) -> Result<(), StorageError> {
        let (workspace, incident) = (self.workspace_id(), incident.0.as_bytes().as_slice());
        query!(
            "INSERT INTO proposals (workspace, rule, subject, incident) VALUES (?, ?, ?, ?)
             ON CONFLICT (workspace, rule, subject) DO UPDATE SET incident = excluded.incident",
            workspace,
            rule,
            subject,
            incident
        )
        .execute(self.conn())
        .await
        .map_err(failed)?;
        Ok(())
    }
}
