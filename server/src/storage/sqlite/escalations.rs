//! When escalations are to be looked at, and e-mail that waits.

use async_trait::async_trait;
use desk_domain::{
    ids::{DocId, WorkspaceId},
    time::UtcMillis,
};
use sqlx::{query, query_scalar};
use uuid::Uuid;

use super::{SqliteStorage, failed, instant, number, uuid};
use crate::storage::{Escalations, Mail, Outbox, StorageError};

#[async_trait]
impl Escalations for SqliteStorage {
    async fn due_escalations(
        &self,
        until: UtcMillis,
        limit: u32,
    ) -> Result<Vec<(WorkspaceId, DocId)>, StorageError> {
        let rows = query!(
            "SELECT workspace, doc FROM escalations WHERE due_at <= ? ORDER BY due_at, doc LIMIT ?",
            until.0,
            limit
        )
        .fetch_all(&self.readers)
        .await
        .map_err(failed)?;
        rows.into_iter().map(|row| Ok((WorkspaceId(uuid(&row.workspace)?), DocId(uuid(&row.doc)?)))).collect()
    }

    async fn look_at_escalations_after(&self, now: UtcMillis) -> Result<(), StorageError> {
        query!("UPDATE escalations SET due_at = 0 WHERE due_at > ?", now.0)
            .execute(&self.writer)
            .await
            .map_err(failed)?;
        Ok(())
    }

    async fn next_escalation(&self) -> Result<Option<UtcMillis>, StorageError> {
        let next =
            query_scalar!(r#"SELECT min(due_at) AS "due_at: i64" FROM escalations WHERE due_at IS NOT NULL"#)
                .fetch_one(&self.readers)
                .await
                .map_err(failed)?;
        Ok(instant(next))
    }
}

#[async_trait]
impl Outbox for SqliteStorage {
    async fn claim_mail(
        &self,
        now: UtcMillis,
        until: UtcMillis,
        limit: u32,
    ) -> Result<Vec<Mail>, StorageError> {
        let rows = query!(
            "UPDATE mail SET next_try_at = ?, tries = tries + 1
             WHERE id IN (SELECT id FROM mail WHERE next_try_at <= ? ORDER BY next_try_at, id LIMIT ?)
             RETURNING id, recipient, subject, body, created_at, tries",
            until.0,
            now.0,
            limit
        )
        .fetch_all(&self.writer)
        .await
        .map_err(failed)?;
        rows.into_iter()
            .map(|row| {
                Ok(Mail {
                    id: uuid(&row.id)?,
                    recipient: row.recipient,
                    subject: row.subject,
                    body: row.body,
                    created_at: UtcMillis(row.created_at),
                    tries: u32::try_from(number(row.tries)?).unwrap_or(u32::MAX),
                })
            })
            .collect()
    }

    async fn mail_sent(&self, id: Uuid, now: UtcMillis) -> Result<(), StorageError> {
        let id = id.as_bytes().as_slice();
        query!("UPDATE mail SET next_try_at = NULL, sent_at = ?, error = NULL WHERE id = ?", now.0, id)
            .execute(&self.writer)
            .await
            .map_err(failed)?;
        Ok(())
    }

    async fn mail_failed(&self, id: Uuid, again: Option<UtcMillis>, error: &str) -> Result<(), StorageError> {
        let (id, again) = (id.as_bytes().as_slice(), again.map(|at| at.0));
        query!(
            "UPDATE mail SET next_try_at = ?, error = ? WHERE id = ? AND sent_at IS NULL",
            again,
            error,
            id
        )
        .execute(&self.writer)
        .await
        .map_err(failed)?;
        Ok(())
    }

    async fn next_mail(&self) -> Result<Option<UtcMillis>, StorageError> {
        let next = query_scalar!(
            r#"SELECT min(next_try_at) AS "next_try_at: i64" FROM mail WHERE next_try_at IS NOT NULL"#
        )
        .fetch_one(&self.readers)
        .await
        .map_err(failed)?;
        Ok(instant(next))
    }
}
