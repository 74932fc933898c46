//! Installations.

use async_trait::async_trait;
use desk_domain::{
    ids::{DeviceId, MemberId, WorkspaceId},
    time::UtcMillis,
};
use sqlx::{query, query_as, query_scalar};
use uuid::Uuid;

use super::{PostgresStorage, failed, instant};
use crate::storage::{DeviceRecord, Devices, News, Registration, SessionEnd, StorageError};

#[derive(sqlx::FromRow)]
struct DeviceRow {
    id: Uuid,
    member: Option<Uuid>,
    name: String,
    created_at: i64,
    seen_at: i64,
    revoked_at: Option<i64>,
}

#[async_trait]
impl Devices for PostgresStorage {
    async fn register_device(&self, device: &DeviceRecord) -> Result<Registration, StorageError> {
        let member = device.member.map(|member| member.0);
        let mut tx = self.writers.begin().await.map_err(failed)?;
        query(
            "INSERT INTO devices (id, workspace, member, name, created_at, seen_at)
             VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (id) DO UPDATE SET name = excluded.name, seen_at = excluded.seen_at
             WHERE devices.member = excluded.member AND devices.revoked_at IS NULL",
        )
        .bind(device.id.0)
        .bind(device.workspace.0)
        .bind(member)
        .bind(&device.name)
        .bind(device.created_at.0)
        .bind(device.seen_at.0)
        .execute(&mut *tx)
        .await
        .map_err(failed)?;
        let (known, revoked_at): (Option<Uuid>, Option<i64>) =
            query_as("SELECT member, revoked_at FROM devices WHERE id = $1")
                .bind(device.id.0)
                .fetch_one(&mut *tx)
                .await
                .map_err(failed)?;
        tx.commit().await.map_err(failed)?;
        Ok(match (known == member, revoked_at) {
            (false, _) => Registration::Taken,
            (true, Some(_)) => Registration::Revoked,
            (true, None) => Registration::Registered,
        })
    }

    async fn devices(&self, workspace: WorkspaceId) -> Result<Vec<DeviceRecord>, StorageError> {
        let rows: Vec<DeviceRow> = query_as(
            "SELECT id, member, name, created_at, seen_at, revoked_at FROM devices
             WHERE workspace = $1 AND member IS NOT NULL ORDER BY created_at DESC, id",
        )
        .bind(workspace.0)
        .fetch_all(&self.readers)
        .await
        .map_err(failed)?;
        let record = |row: DeviceRow| DeviceRecord {
            id: DeviceId(row.id),
            workspace,
            member: row.member.map(MemberId),
            name: row.name,
            created_at: UtcMillis(row.created_at),
            seen_at: UtcMillis(row.seen_at),
            revoked_at: instant(row.revoked_at),
        };
        Ok(rows.into_iter().map(record).collect())
    }

    async fn revoke_device(&self, device: DeviceId, now: UtcMillis) -> Result<bool, StorageError> {
        let workspace: Option<Uuid> =
            query_scalar("SELECT workspace FROM devices WHERE id = $1 AND member IS NOT NULL")
                .bind(device.0)
                .fetch_optional(&self.readers)
                .await
                .map_err(failed)?;
        let Some(workspace) = workspace else { return Ok(false) };
        // In turn with the workspace's writers: one that was let in has written before the device is revoked.
        let mut tx = self.alone(WorkspaceId(workspace)).await?;
        query("UPDATE devices SET revoked_at = coalesce(revoked_at, $1) WHERE id = $2")
            .bind(now.0)
            .bind(device.0)
            .execute(&mut *tx)
            .await
            .map_err(failed)?;
        query("UPDATE sessions SET ended_at = $1, ended_by = $2 WHERE device = $3 AND ended_at IS NULL")
            .bind(now.0)
            .bind(SessionEnd::Revoked.as_str())
            .bind(device.0)
            .execute(&mut *tx)
            .await
            .map_err(failed)?;
        tx.commit().await.map_err(failed)?;
        self.tell(News::Access).await;
        Ok(true)
    }
}
