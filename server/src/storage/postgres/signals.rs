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

use super::{PostgresStorage, failed, instant, number, transaction::PostgresTransaction};
use crate::storage::{
    Digest, StorageError,
    signals::{
        CountedTicket, Keep, NAMES_MAX, SAMPLES_MAX, SignalToken, SignalTransaction, Signals, USE_NOTED_MS,
        scope,
    },
};

#[derive(sqlx::FromRow)]
struct TokenRow {
    id: Uuid,
    workspace: Uuid,
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
            id: row.id,
            workspace: WorkspaceId(row.workspace),
            name: row.name,
            scope: scope(&row.scope)?,
            created_at: UtcMillis(row.created_at),
            used_at: instant(row.used_at),
            revoked_at: instant(row.revoked_at),
        })
    }
}

#[async_trait]
impl Signals for PostgresStorage {
    async fn add_signal_token(&self, token: &SignalToken, hash: Digest) -> Result<(), StorageError> {
        query(
            "INSERT INTO signal_tokens (id, workspace, name, scope, hash, created_at)
             VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(token.id)
        .bind(token.workspace.0)
        .bind(&token.name)
        .bind(token.scope.as_str())
        .bind(hash.as_slice())
        .bind(token.created_at.0)
        .execute(&self.writers)
        .await
        .map_err(failed)?;
        Ok(())
    }

    async fn signal_token(&self, hash: Digest) -> Result<Option<SignalToken>, StorageError> {
        query_as::<_, TokenRow>(
            "SELECT id, workspace, name, scope, created_at, used_at, revoked_at FROM signal_tokens WHERE hash = $1",
        )
        .bind(hash.as_slice())
        .fetch_optional(&self.readers)
        .await
        .map_err(failed)?
        .map(TryInto::try_into)
        .transpose()
    }

    async fn signal_tokens(&self, workspace: WorkspaceId) -> Result<Vec<SignalToken>, StorageError> {
        query_as::<_, TokenRow>(
            "SELECT id, workspace, name, scope, created_at, used_at, revoked_at FROM signal_tokens
             WHERE workspace = $1 ORDER BY created_at DESC, id DESC",
        )
        .bind(workspace.0)
        .fetch_all(&self.readers)
        .await
        .map_err(failed)?
        .into_iter()
        .map(TryInto::try_into)
        .collect()
    }

    async fn revoke_signal_token(&self, id: Uuid, now: UtcMillis) -> Result<bool, StorageError> {
        let done = query("UPDATE signal_tokens SET revoked_at = coalesce(revoked_at, $1) WHERE id = $2")
            .bind(now.0)
            .bind(id)
            .execute(&self.writers)
            .await
            .map_err(failed)?;
        Ok(done.rows_affected() > 0)
    }

    async fn note_token_use(&self, id: Uuid, now: UtcMillis) -> Result<(), StorageError> {
        query("UPDATE signal_tokens SET used_at = $1 WHERE id = $2 AND coalesce(used_at, 0) <= $3")
            .bind(now.0)
            .bind(id)
            .bind(now.plus_ms(-USE_NOTED_MS).0)
            .execute(&self.writers)
            .await
            .map_err(failed)?;
        Ok(())
    }

    async fn beat(&self, workspace: WorkspaceId, name: &str, at: UtcMillis) -> Result<bool, StorageError> {
        let done = query(
            "INSERT INTO heartbeats (workspace, name, last_at)
             SELECT $1, $2, $3
             WHERE (SELECT count(*) FROM heartbeats WHERE workspace = $1 AND name <> $2) < $4
             ON CONFLICT (workspace, name) DO UPDATE
             SET last_at = greatest(heartbeats.last_at, excluded.last_at)",
        )
        .bind(workspace.0)
        .bind(name)
        .bind(at.0)
        .bind(i64::from(NAMES_MAX))
        .execute(&self.writers)
        .await
        .map_err(failed)?;
        Ok(done.rows_affected() > 0)
    }

    async fn heartbeats(&self, workspace: WorkspaceId) -> Result<BTreeMap<String, UtcMillis>, StorageError> {
        let rows: Vec<(String, i64)> = query_as("SELECT name, last_at FROM heartbeats WHERE workspace = $1")
            .bind(workspace.0)
            .fetch_all(&self.readers)
            .await
            .map_err(failed)?;
        Ok(rows.into_iter().map(|(name, at)| (name, UtcMillis(at))).collect())
    }

    async fn recent_tickets(
        &self,
        workspace: WorkspaceId,
        category: &str,
        after: UtcMillis,
        limit: u32,
    ) -> Result<Vec<NewTicket>, StorageError> {
        let rows: Vec<(Uuid, i64, String)> = query_as(
            "SELECT id, created_at, title FROM recent_tickets
             WHERE workspace = $1 AND category = $2 AND created_at > $3
             ORDER BY created_at DESC, id DESC LIMIT $4",
        )
        .bind(workspace.0)
        .bind(category)
        .bind(after.0)
        .bind(i64::from(limit))
        .fetch_all(&self.readers)
        .await
        .map_err(failed)?;
        let ticket = |(id, at, title)| NewTicket { id: DocId(id), created_at: UtcMillis(at), title };
        Ok(rows.into_iter().rev().map(ticket).collect())
    }

    async fn recent_categories(
        &self,
        workspace: WorkspaceId,
        after: UtcMillis,
    ) -> Result<BTreeSet<String>, StorageError> {
        let rows: Vec<String> = query_scalar(
            "SELECT DISTINCT category FROM recent_tickets WHERE workspace = $1 AND created_at > $2",
        )
        .bind(workspace.0)
        .bind(after.0)
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
        let hours: Vec<i64> = hours.iter().copied().collect();
        let rows: Vec<(i64, i64)> = query_as(
            "SELECT hour, tickets FROM ticket_hours WHERE workspace = $1 AND category = $2 AND hour = ANY($3)",
        )
        .bind(workspace.0)
        .bind(category)
        .bind(hours)
        .fetch_all(&self.readers)
        .await
        .map_err(failed)?;
        rows.into_iter().map(|(hour, tickets)| Ok((hour, count(tickets)?))).collect()
    }

    async fn counting_since(&self, workspace: WorkspaceId) -> Result<Option<i64>, StorageError> {
        query_scalar("SELECT hour FROM ticket_hours WHERE workspace = $1 ORDER BY hour LIMIT 1")
            .bind(workspace.0)
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
        let found: Option<Uuid> = query_scalar(PROPOSAL)
            .bind(workspace.0)
            .bind(rule)
            .bind(subject)
            .fetch_optional(&self.readers)
            .await
            .map_err(failed)?;
        Ok(found.map(DocId))
    }
}

const PROPOSAL: &str = "SELECT incident FROM proposals WHERE workspace = $1 AND rule = $2 AND subject = $3";

/// A count of tickets; it never comes near the limit.
fn count(value: i64) -> Result<u32, StorageError> {
    number(value).map(|value| u32::try_from(value).unwrap_or(u32::MAX))
}

#[async_trait]
impl SignalTransaction for PostgresTransaction {
    async fn count_tickets(&mut self, tickets: &[CountedTicket], keep: Keep) -> Result<(), StorageError> {
        let workspace = self.workspace_id();
        for CountedTicket { category, ticket } in tickets {
            let hour = ticket.created_at.0.div_euclid(HOUR_MS);
            if hour < keep.hours_since {
                continue;
            }
            query(
                "INSERT INTO ticket_hours (workspace, category, hour, tickets) VALUES ($1, $2, $3, 1)
                 ON CONFLICT (workspace, category, hour) DO UPDATE SET tickets = ticket_hours.tickets + 1",
            )
            .bind(workspace)
            .bind(category)
            .bind(hour)
            .execute(self.conn())
            .await
            .map_err(failed)?;
            if ticket.created_at < keep.tickets_since {
                continue;
            }
            query(
                "INSERT INTO recent_tickets (id, workspace, category, created_at, title)
                 VALUES ($1, $2, $3, $4, $5) ON CONFLICT (id) DO NOTHING",
            )
            .bind(ticket.id.0)
            .bind(workspace)
            .bind(category)
            .bind(ticket.created_at.0)
            .bind(&ticket.title)
            .execute(self.conn())
            .await
            .map_err(failed)?;
        }
        query("DELETE FROM recent_tickets WHERE workspace = $1 AND created_at < $2")
            .bind(workspace)
            .bind(keep.tickets_since.0)
            .execute(self.conn())
            .await
            .map_err(failed)?;
        query("DELETE FROM ticket_hours WHERE workspace = $1 AND hour < $2")
            .bind(workspace)
            .bind(keep.hours_since)
            .execute(self.conn())
            .await
            .map_err(failed)?;
        Ok(())
    }

    async fn note_sample(&mut self, name: &str, sample: Sample) -> Result<bool, StorageError> {
        let workspace = self.workspace_id();
        let known: Option<i64> =
            query_scalar("SELECT at FROM samples WHERE workspace = $1 AND name = $2 LIMIT 1")
                .bind(workspace)
                .bind(name)
                .fetch_optional(self.conn())
                .await
                .map_err(failed)?;
        if known.is_none() {
            let others: i64 = query_scalar("SELECT count(DISTINCT name) FROM samples WHERE workspace = $1")
                .bind(workspace)
                .fetch_one(self.conn())
                .await
                .map_err(failed)?;
            if others >= i64::from(NAMES_MAX) {
                return Ok(false);
            }
        }
        query(
            "INSERT INTO samples (workspace, name, at, value) VALUES ($1, $2, $3, $4)
             ON CONFLICT (workspace, name, at) DO UPDATE SET value = excluded.value",
        )
        .bind(workspace)
        .bind(name)
        .bind(sample.at.0)
        .bind(sample.value)
        .execute(self.conn())
        .await
        .map_err(failed)?;
        query(
            "DELETE FROM samples WHERE workspace = $1 AND name = $2 AND at <=
                 (SELECT at FROM samples WHERE workspace = $1 AND name = $2 ORDER BY at DESC LIMIT 1 OFFSET $3)",
        )
        .bind(workspace)
        .bind(name)
        .bind(i64::from(SAMPLES_MAX))
        .execute(self.conn())
        .await
        .map_err(failed)?;
        Ok(true)
    }

    async fn newest_samples(&mut self, name: &str, limit: u32) -> Result<Vec<Sample>, StorageError> {
        let workspace = self.workspace_id();
        let rows: Vec<(i64, f64)> = query_as(
            "SELECT at, value FROM samples WHERE workspace = $1 AND name = $2 ORDER BY at DESC LIMIT $3",
        )
        .bind(workspace)
        .bind(name)
        .bind(i64::from(limit))
        .fetch_all(self.conn())
        .await
        .map_err(failed)?;
        Ok(rows.into_iter().rev().map(|(at, value)| Sample { at: UtcMillis(at), value }).collect())
    }

    async fn episode(&mut self, rule: &str) -> Result<Option<String>, StorageError> {
        let workspace = self.workspace_id();
        query_scalar("SELECT episode FROM episodes WHERE workspace = $1 AND rule = $2")
            .bind(workspace)
            .bind(rule)
            .fetch_optional(self.conn())
            .await
            .map_err(failed)
    }

    async fn put_episode(&mut self, rule: &str, episode: Option<&str>) -> Result<(), StorageError> {
        let workspace = self.workspace_id();
        let written = match episode {
            Some(episode) => query(
                "INSERT INTO episodes (workspace, rule, episode) VALUES ($1, $2, $3)
                 ON CONFLICT (workspace, rule) DO UPDATE SET episode = excluded.episode",
            )
            .bind(workspace)
            .bind(rule)
            .bind(episode),
            None => {
                query("DELETE FROM episodes WHERE workspace = $1 AND rule = $2").bind(workspace).bind(rule)
            }
        };
        written.execute(self.conn()).await.map_err(failed)?;
        Ok(())
    }

    async fn last_proposal(&mut self, rule: &str, subject: &str) -> Result<Option<DocId>, StorageError> {
        let workspace = self.workspace_id();
        let found: Option<Uuid> = query_scalar(PROPOSAL)
            .bind(workspace)
            .bind(rule)
            .bind(subject)
            .fetch_optional(self.conn())
            .await
            .map_err(failed)?;
        Ok(found.map(DocId))
    }

    async fn put_proposal(&mut self, rule: &str, subject: &str, incident: DocId) -> Result<(), StorageError> {
        let workspace = self.workspace_id();
        query(
            "INSERT INTO proposals (workspace, rule, subject, incident) VALUES ($1, $2, $3, $4)
             ON CONFLICT (workspace, rule, subject) DO UPDATE SET incident = excluded.incident",
        )
        .bind(workspace)
        .bind(rule)
        .bind(subject)
        .bind(incident.0)
        .execute(self.conn())
        .await
        .map_err(failed)?;
        Ok(())
    }
}
