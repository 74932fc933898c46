//! Installations.

use async_trait::async_trait;
use desk_domain::{
    ids::{DeviceId, MemberId, WorkspaceId},
    time::UtcMillis,
};
use sqlx::query;

use super::{SqliteStorage, failed, instant, uuid};
use crate::storage::{DeviceRecord, Devices, Registration, SessionEnd, StorageError};

#[async_trait]
impl Devices for SqliteStorage {
    async fn register_device(&self, device: &DeviceRecord) -> Result<Registration, StorageError> {
        let id = device.id.0.as_bytes().as_slice();
        let workspace = device.workspace.0.as_bytes().as_slice();
        let member = device.member.as_ref().map(|member| member.0.as_bytes().as_slice());
        let mut tx = self.writer.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
        query!(
            "INSERT INTO devices (id, workspace, member, name, created_at, seen_at) VALUES (?, ?, ?, ?, ?, ?)
             ON CONFLICT (id) DO UPDATE SET name = excluded.name, seen_at = excluded.seen_at
             WHERE devices.member = excluded.member AND devices.revoked_at IS NULL",
            id,
            workspace,
            member,
            device.name,
            device.created_at.0,
            device.seen_at.0
        )
        .execute(&mut *tx)
        .await
        .map_err(failed)?;
        let row = query!("SELECT member, revoked_at FROM devices WHERE id = ?", id)
            .fetch_one(&mut *tx)
            .await
            .map_err(failed)?;
        tx.commit().await.map_err(failed)?;
        Ok(match (row.member.as_deref() == member, row.revoked_at) {
            (false, _) => Registration::Taken,
            (true, Some(_)) => Registration::Revoked,
            (true, None) => Registration::Registered,
        })
    }

    async fn devices(&self, workspace: WorkspaceId) -> Result<Vec<DeviceRecord>, StorageError> {
        let workspace_id = workspace.0.as_bytes().as_slice();
        let rows = query!(
            "SELECT id, member, name, created_at, seen_at, revoked_at FROM devices
             WHERE workspace = ? AND member IS NOT NULL ORDER BY created_at DESC, id",
            workspace_id
        )
        .fetch_all(&self.readers)
        .await
        .map_err(failed)?;
        rows.into_iter()
            .map(|row| {
                Ok(DeviceRecord {
                    id: DeviceId(uuid(&row.id)?),
                    workspace,
                    member: row.member.map(|member| uuid(&member).map(MemberId)).transpose()?,
                    name: row.name,
                    created_at: UtcMillis(row.created_at),
                    seen_at: UtcMillis(row.seen_at),
                    revoked_at: instant(row.revoked_at),
                })
            })
            .collect()
    }

    async fn revoke_device(&self, device: DeviceId, now: UtcMillis) -> Result<bool, StorageError> {
        let id = device.0.as_bytes().as_slice();
        let why = SessionEnd::Revoked.as_str();
        let mut tx = self.writer.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
        let found = query!(
            "UPDATE devices SET revoked_at = coalesce(revoked_at, ?) WHERE id = ? AND member IS NOT NULL",
            now.0,
            id
        )
        .execute(&mut *tx)
        .await
        .map_err(failed)?
        .rows_affected()
            > 0;
        query!(
            "UPDATE sessions SET ended_at = ?, ended_by = ? WHERE device = ? AND ended_at IS NULL",
            now.0,
            why,
            id
        )
        .execute(&mut *tx)
        .await
        .map_err(failed)?;
        tx.commit().await.map_err(failed)?;
        Ok(found)
    }
}
