//! When escalations are to be looked at, and e-mail that waits.

use async_trait::async_trait;
use desk_domain::{
    ids::{DocId, WorkspaceId},
    time::UtcMillis,
};
use sqlx::{query, query_as, query_scalar};
use uuid::Uuid;

use super::{PostgresStorage, failed, number};
use crate::storage::{Escalations, Mail, Outbox, StorageError};

/// A mail's row as it is claimed.
type MailRow = (Uuid, String, String, String, i64, i64);

#[async_trait]
impl Escalations for PostgresStorage {
    async fn due_escalations(
        &self,
        until: UtcMillis,
        limit: u32,
    ) -> Result<Vec<(WorkspaceId, DocId)>, StorageError> {
        let rows: Vec<(Uuid, Uuid)> = query_as(
            "SELECT workspace, doc FROM escalations WHERE due_at <= $1 ORDER BY due_at, doc LIMIT $2",
        )
        .bind(until.0)
        .bind(i64::from(limit))
        .fetch_all(&self.readers)
        .await
        .map_err(failed)?;
        Ok(rows.into_iter().map(|(workspace, doc)| (WorkspaceId(workspace), DocId(doc))).collect())
    }

    async fn look_at_escalations_after(&self, now: UtcMillis) -> Result<(), StorageError> {
        query("UPDATE escalations SET due_at = 0 WHERE due_at > $1")
            .bind(now.0)
            .execute(&self.writers)
            .await
            .map_err(failed)?;
        Ok(())
    }

    async fn next_escalation(&self) -> Result<Option<UtcMillis>, StorageError> {
        let next: Option<i64> = query_scalar("SELECT min(due_at) FROM escalations WHERE due_at IS NOT NULL")
            .fetch_one(&self.readers)
            .await
            .map_err(failed)?;
        Ok(next.map(UtcMillis))
    }
}

#[async_trait]
impl Outbox for PostgresStorage {
    async fn claim_mail(
        &self,
        now: UtcMillis,
        until: UtcMillis,
        limit: u32,
    ) -> Result<Vec<Mail>, StorageError> {
        // What another process claims at this moment is passed over rather than waited for.
        let rows: Vec<MailRow> = query_as(
            "UPDATE mail SET next_try_at = $1, tries = tries + 1
             WHERE id IN (SELECT id FROM mail WHERE next_try_at <= $2 ORDER BY next_try_at, id LIMIT $3
                          FOR UPDATE SKIP LOCKED)
             RETURNING id, recipient, subject, body, created_at, tries",
        )
        .bind(until.0)
        .bind(now.0)
        .bind(i64::from(limit))
        .fetch_all(&self.writers)
        .await
        .map_err(failed)?;
        rows.into_iter()
            .map(|(id, recipient, subject, body, created_at, tries)| {
                let tries = u32::try_from(number(tries)?).unwrap_or(u32::MAX);
                Ok(Mail { id, recipient, subject, body, created_at: UtcMillis(created_at), tries })
            })
            .collect()
    }

    async fn mail_sent(&self, id: Uuid, now: UtcMillis) -> Result<(), StorageError> {
        query("UPDATE mail SET next_try_at = NULL, sent_at = $1, error = NULL WHERE id = $2")
            .bind(now.0)
            .bind(id)
            .execute(&self.writers)
            .await
            .map_err(failed)?;
        Ok(())
    }

    async fn mail_failed(&self, id: Uuid, again: Option<UtcMillis>, error: &str) -> Result<(), StorageError> {
        query("UPDATE mail SET next_try_at = $1, error = $2 WHERE id = $3 AND sent_at IS NULL")
            .bind(again.map(|at| at.0))
            .bind(error)
            .bind(id)
            .execute(&self.writers)
            .await
            .map_err(failed)?;
        Ok(())
    }

    async fn next_mail(&self) -> Result<Option<UtcMillis>, StorageError> {
        let next: Option<i64> =
            query_scalar("SELECT min(next_try_at) FROM mail WHERE next_try_at IS NOT NULL")
                .fetch_one(&self.readers)
                .await
                .map_err(failed)?;
        Ok(next.map(UtcMillis))
    }
}
