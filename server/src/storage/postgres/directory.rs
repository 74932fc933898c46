//! Tenants and people, read.

use std::collections::HashMap;

use async_trait::async_trait;
use desk_domain::ids::WorkspaceId;
use sqlx::{query, query_as, query_scalar};
use uuid::Uuid;

use super::{MemberRow, PostgresStorage, WorkspaceRow, failed, number};
use crate::storage::{Directory, MemberRecord, Pulse, StorageError, WorkspaceRecord};

#[async_trait]
impl Directory for PostgresStorage {
    async fn secret(&self, name: &str, fresh: &[u8]) -> Result<Vec<u8>, StorageError> {
        query("INSERT INTO secrets (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING")
            .bind(name)
            .bind(fresh)
            .execute(&self.writers)
            .await
            .map_err(failed)?;
        query_scalar("SELECT value FROM secrets WHERE name = $1")
            .bind(name)
            .fetch_one(&self.writers)
            .await
            .map_err(failed)
    }

    async fn workspace(&self, id: WorkspaceId) -> Result<Option<WorkspaceRecord>, StorageError> {
        query_as::<_, WorkspaceRow>(
            "SELECT id, slug, name, settings_doc, server_device, head, created_at FROM workspaces WHERE id = $1",
        )
        .bind(id.0)
        .fetch_optional(&self.readers)
        .await
        .map_err(failed)?
        .map(TryInto::try_into)
        .transpose()
    }

    async fn workspace_by_slug(&self, slug: &str) -> Result<Option<WorkspaceRecord>, StorageError> {
        // The one character that PostgreSQL does not take.
        if slug.contains('\0') {
            return Ok(None);
        }
        query_as::<_, WorkspaceRow>(
            "SELECT id, slug, name, settings_doc, server_device, head, created_at FROM workspaces
             WHERE slug = $1",
        )
        .bind(slug)
        .fetch_optional(&self.readers)
        .await
        .map_err(failed)?
        .map(TryInto::try_into)
        .transpose()
    }

    async fn member_by_email(
        &self,
        workspace: WorkspaceId,
        email: &str,
    ) -> Result<Option<MemberRecord>, StorageError> {
        if email.contains('\0') {
            return Ok(None);
        }
        query_as::<_, MemberRow>(
            "SELECT id, workspace, email, name, role, password_hash, personal_doc, active, created_at
             FROM members WHERE workspace = $1 AND email = $2",
        )
        .bind(workspace.0)
        .bind(email)
        .fetch_optional(&self.readers)
        .await
        .map_err(failed)?
        .map(TryInto::try_into)
        .transpose()
    }

    async fn pulse(&self) -> Result<Pulse, StorageError> {
        let rows: Vec<(Uuid, i64)> =
            query_as("SELECT id, head FROM workspaces").fetch_all(&self.readers).await.map_err(failed)?;
        let heads = rows
            .into_iter()
            .map(|(id, head)| Ok((WorkspaceId(id), number(head)?)))
            .collect::<Result<HashMap<_, _>, StorageError>>()?;
        let lost = query_scalar(
            "SELECT (SELECT count(*) FROM devices WHERE revoked_at IS NOT NULL)
                  + (SELECT count(*) FROM members WHERE NOT active)",
        )
        .fetch_one(&self.readers)
        .await
        .map_err(failed)?;
        Ok(Pulse { heads, access: number(lost)? })
    }
}
