//! Sign-ins and their refresh tokens.

use async_trait::async_trait;
use desk_domain::{
    ids::{DeviceId, MemberId},
    people::Role,
    time::UtcMillis,
};
use sqlx::query;
use uuid::Uuid;

use super::{MemberRow, SqliteStorage, failed, instant, number, role, uuid};
use crate::storage::{
    Access, Digest, KEPT_AFTER_END_MS, NewSession, NewToken, Rotation, SessionEnd, Sessions, StorageError,
    rotation::{Step, TokenState, step},
};

#[async_trait]
impl Sessions for SqliteStorage {
    async fn open_session(&self, session: &NewSession) -> Result<(), StorageError> {
        let id = session.id.as_bytes().as_slice();
        let member = session.member.0.as_bytes().as_slice();
        let device = session.device.0.as_bytes().as_slice();
        let now = session.token.issued_at;
        let stale = now.plus_ms(-KEPT_AFTER_END_MS).0;
        let mut tx = self.writer.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
        query!("DELETE FROM sessions WHERE device = ? AND ended_at < ?", device, stale)
            .execute(&mut *tx)
            .await
            .map_err(failed)?;
        query!(
            "INSERT INTO sessions (id, member, device, created_at) VALUES (?, ?, ?, ?)",
            id,
            member,
            device,
            now.0
        )
        .execute(&mut *tx)
        .await
        .map_err(failed)?;
        insert_token(&mut tx, session.id, &session.token).await?;
        tx.commit().await.map_err(failed)
    }

    async fn rotate_token(
        &self,
        used: Digest,
        device: DeviceId,
        next: &NewToken,
    ) -> Result<Rotation, StorageError> {
        let hash = used.as_slice();
        let mut tx = self.writer.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
        let found = query!(
            r#"SELECT t.session, t.expires_at, t.used_at, t.successor, s.member, s.device, s.ended_at, d.revoked_at,
                      m.active, m.role,
                      EXISTS (SELECT 1 FROM refresh_tokens n WHERE n.hash = t.successor AND n.used_at IS NULL)
                          AS "successor_unused!: bool"
               FROM refresh_tokens t JOIN sessions s ON s.id = t.session JOIN devices d ON d.id = s.device
                    JOIN members m ON m.id = s.member
               WHERE t.hash = ?"#,
            hash
        )
        .fetch_optional(&mut *tx)
        .await
        .map_err(failed)?;
        let Some(token) = found else { return Ok(Rotation::Void) };
        let (session, now) = (uuid(&token.session)?, next.issued_at);
        let state = TokenState {
            own_device: token.device == device.0.as_bytes(),
            device_revoked: token.revoked_at.is_some(),
            member_barred: token.active == 0 || role(&token.role)? == Role::Requester,
            session_ended: token.ended_at.is_some(),
            expires_at: UtcMillis(token.expires_at),
            used_at: instant(token.used_at),
            successor_unused: token.successor_unused,
        };
        let spent = match step(&state, now) {
            Step::Void => return Ok(Rotation::Void),
            Step::Revoked => return Ok(Rotation::Revoked),
            Step::Barred => return Ok(Rotation::Barred),
            Step::Reuse => {
                end(&mut tx, session, SessionEnd::Reuse, now).await?;
                tx.commit().await.map_err(failed)?;
                return Ok(Rotation::Reused);
            }
            Step::Rotate => Some(hash.to_vec()),
            Step::Replace => token.successor,
        };
        let successor = next.hash.as_slice();
        // Of a replaced one it says nothing: who presents that one is not honoured once more.
        let successor = (spent.as_deref() == Some(hash)).then_some(successor);
        query!(
            "UPDATE refresh_tokens SET used_at = ?, successor = ? WHERE hash = ?",
            now.0,
            successor,
            spent
        )
        .execute(&mut *tx)
        .await
        .map_err(failed)?;
        insert_token(&mut tx, session, next).await?;
        query!("UPDATE devices SET seen_at = ? WHERE id = ?", now.0, token.device)
            .execute(&mut *tx)
            .await
            .map_err(failed)?;
        tx.commit().await.map_err(failed)?;
        Ok(Rotation::Rotated { session, member: MemberId(uuid(&token.member)?) })
    }

    async fn end_session(&self, id: Uuid, why: SessionEnd, now: UtcMillis) -> Result<bool, StorageError> {
        let mut tx = self.writer.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
        let ended = end(&mut tx, id, why, now).await?;
        tx.commit().await.map_err(failed)?;
        Ok(ended)
    }

    async fn access(&self, session: Uuid) -> Result<Option<Access>, StorageError> {
        let id = session.as_bytes().as_slice();
        let found = query!(
            r#"SELECT s.ended_at, d.revoked_at, w.head, coalesce(settings.seq, 0) AS "settings_seq!: i64",
                      m.id, m.workspace, m.email, m.name, m.role, m.password_hash, m.personal_doc, m.active,
                      m.created_at
               FROM sessions s JOIN devices d ON d.id = s.device JOIN members m ON m.id = s.member
                    JOIN workspaces w ON w.id = m.workspace
                    LEFT JOIN documents settings ON settings.id = w.settings_doc
               WHERE s.id = ?"#,
            id
        )
        .fetch_optional(&self.readers)
        .await
        .map_err(failed)?;
        let Some(row) = found else { return Ok(None) };
        let member = MemberRow {
            id: row.id,
            workspace: row.workspace,
            email: row.email,
            name: row.name,
            role: row.role,
            password_hash: row.password_hash,
            personal_doc: row.personal_doc,
            active: row.active,
            created_at: row.created_at,
        };
        Ok(Some(Access {
            member: member.try_into()?,
            session_ended: row.ended_at.is_some(),
            device_revoked: row.revoked_at.is_some(),
            head: number(row.head)?,
            settings_seq: number(row.settings_seq)?,
        }))
    }
}

async fn insert_token(
    connection: &mut sqlx::SqliteConnection,
    session: Uuid,
    token: &NewToken,
) -> Result<(), StorageError> {
    let (hash, session) = (token.hash.as_slice(), session.as_bytes().as_slice());
    query!(
        "INSERT INTO refresh_tokens (hash, session, issued_at, expires_at) VALUES (?, ?, ?, ?)",
        hash,
        session,
        token.issued_at.0,
        token.expires_at.0
    )
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(())
}

async fn end(
    connection: &mut sqlx::SqliteConnection,
    session: Uuid,
    why: SessionEnd,
    now: UtcMillis,
) -> Result<bool, StorageError> {
    let (id, why) = (session.as_bytes().as_slice(), why.as_str());
    let done = query!(
        "UPDATE sessions SET ended_at = ?, ended_by = ? WHERE id = ? AND ended_at IS NULL",
        now.0,
        why,
        id
    )
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(done.rows_affected() > 0)
}
