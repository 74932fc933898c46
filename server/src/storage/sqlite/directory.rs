//! Tenants and people, read.

use std::collections::HashMap;

use async_trait::async_trait;
use desk_domain::ids::WorkspaceId;
use sqlx::{query, query_as, query_scalar};

use super::{MemberRow, SqliteStorage, WorkspaceRow, failed, number, uuid};
use crate::storage::{Directory, MemberRecord, Pulse, StorageError, WorkspaceRecord};

#[async_trait]
impl Directory for SqliteStorage {
    async fn secret(&self, name: &str, fresh: &[u8]) -> Result<Vec<u8>, StorageError> {
        query!("INSERT INTO secrets (name, value) VALUES (?, ?) ON CONFLICT (name) DO NOTHING", name, fresh)
            .execute(&self.writer)
            .await
            .map_err(failed)?;
        query_scalar!("SELECT value FROM secrets WHERE name = ?", name)
            .fetch_one(&self.writer)
            .await
            .map_err(failed)
    }

    async fn workspace(&self, id: WorkspaceId) -> Result<Option<WorkspaceRecord>, StorageError> {
        let id = id.0.as_bytes().as_slice();
        query_as!(
            WorkspaceRow,
            "SELECT id, slug, name, settings_doc, server_device, head, created_at FROM workspaces WHERE id = ?",
            id
        )
        .fetch_optional(&self.readers)
        .await
        .map_err(failed)?
        .map(TryInto::try_into)
        .transpose()
    }

    async fn workspace_by_slug(&self, slug: &str) -> Result<Option<WorkspaceRecord>, StorageError> {
        query_as!(
            WorkspaceRow,
            "SELECT id, slug, name, settings_doc, server_device, head, created_at FROM workspaces WHERE slug = ?",
            slug
        )
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
        let workspace = workspace.0.as_bytes().as_slice();
        query_as!(
            MemberRow,
            "SELECT id, workspace, email, name, role, password_hash, personal_doc, active, created_at
             FROM members WHERE workspace = ? AND email = ?",
            workspace,
            email
        )
        .fetch_optional(&self.readers)
        .await
        .map_err(failed)?
        .map(TryInto::try_into)
        .transpose()
    }

    async fn pulse(&self) -> Result<Pulse, StorageError> {
        let rows =
            query!("SELECT id, head FROM workspaces").fetch_all(&self.readers).await.map_err(failed)?;
        let heads = rows
            .into_iter()
            .map(|row| Ok((WorkspaceId(uuid(&row.id)?), number(row.head)?)))
            .collect::<Result<HashMap<_, _>, StorageError>>()?;
        let lost = query_scalar!(
            r#"SELECT (SELECT count(*) FROM devices WHERE revoked_at IS NOT NULL)
                    + (SELECT count(*) FROM members WHERE active = 0) AS "lost!: i64""#
        )
        .fetch_one(&self.readers)
        .await
        .map_err(failed)?;
        Ok(Pulse { heads, access: number(lost)? })
    }
}
