//! Sign-ins and their refresh tokens.

use async_trait::async_trait;
use desk_domain::{
    ids::{DeviceId, MemberId},
    people::Role,
    time::UtcMillis,
};
use sqlx::{PgConnection, query, query_as};
use uuid::Uuid;

use super::{MemberRow, PostgresStorage, failed, instant, number, role};
use crate::storage::{
    Access, Digest, KEPT_AFTER_END_MS, NewSession, NewToken, Rotation, SessionEnd, Sessions, StorageError,
    rotation::{Step, TokenState, step},
};

#[derive(sqlx::FromRow)]
struct TokenRow {
    session: Uuid,
    expires_at: i64,
    used_at: Option<i64>,
    successor: Option<Vec<u8>>,
    successor_unused: bool,
    member: Uuid,
    device: Uuid,
    ended_at: Option<i64>,
    revoked_at: Option<i64>,
    active: bool,
    role: String,
}

#[derive(sqlx::FromRow)]
struct AccessRow {
    ended_at: Option<i64>,
    revoked_at: Option<i64>,
    head: i64,
    settings_seq: i64,
    #[sqlx(flatten)]
    member: MemberRow,
}

#[async_trait]
impl Sessions for PostgresStorage {
    async fn open_session(&self, session: &NewSession) -> Result<(), StorageError> {
        let now = session.token.issued_at;
        let mut tx = self.writers.begin().await.map_err(failed)?;
        query("DELETE FROM sessions WHERE device = $1 AND ended_at < $2")
            .bind(session.device.0)
            .bind(now.plus_ms(-KEPT_AFTER_END_MS).0)
            .execute(&mut *tx)
            .await
            .map_err(failed)?;
        query("INSERT INTO sessions (id, member, device, created_at) VALUES ($1, $2, $3, $4)")
            .bind(session.id)
            .bind(session.member.0)
            .bind(session.device.0)
            .bind(now.0)
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
        let mut tx = self.writers.begin().await.map_err(failed)?;
        // Uses of one session's tokens take turns.
        query(
            "SELECT 1 FROM sessions WHERE id = (SELECT session FROM refresh_tokens WHERE hash = $1) FOR UPDATE",
        )
        .bind(used)
        .execute(&mut *tx)
        .await
        .map_err(failed)?;
        let found: Option<TokenRow> = query_as(
            "SELECT t.session, t.expires_at, t.used_at, t.successor, s.member, s.device, s.ended_at, d.revoked_at,
                    m.active, m.role,
                    EXISTS (SELECT 1 FROM refresh_tokens n WHERE n.hash = t.successor AND n.used_at IS NULL)
                        AS successor_unused
             FROM refresh_tokens t JOIN sessions s ON s.id = t.session JOIN devices d ON d.id = s.device
                  JOIN members m ON m.id = s.member
             WHERE t.hash = $1",
        )
        .bind(used)
        .fetch_optional(&mut *tx)
        .await
        .map_err(failed)?;
        let Some(token) = found else { return Ok(Rotation::Void) };
        let now = next.issued_at;
        let state = TokenState {
            own_device: token.device == device.0,
            device_revoked: token.revoked_at.is_some(),
            member_barred: !token.active || role(&token.role)? == Role::Requester,
            session_ended: token.ended_at.is_some(),
            expires_at: UtcMillis(token.expires_at),
            used_at: instant(token.used_at),
            successor_unused: token.successor_unused,
        };
        let (spent, successor) = match step(&state, now) {
            Step::Void => return Ok(Rotation::Void),
            Step::Revoked => return Ok(Rotation::Revoked),
            Step::Barred => return Ok(Rotation::Barred),
            Step::Reuse => {
                end(&mut tx, token.session, SessionEnd::Reuse, now).await?;
                tx.commit().await.map_err(failed)?;
                return Ok(Rotation::Reused);
            }
            Step::Rotate => (Some(used.to_vec()), Some(next.hash)),
            Step::Replace => (token.successor, None),
        };
        query("UPDATE refresh_tokens SET used_at = $1, successor = $2 WHERE hash = $3")
            .bind(now.0)
            .bind(successor)
            .bind(spent)
            .execute(&mut *tx)
            .await
            .map_err(failed)?;
        insert_token(&mut tx, token.session, next).await?;
        query("UPDATE devices SET seen_at = $1 WHERE id = $2")
            .bind(now.0)
            .bind(token.device)
            .execute(&mut *tx)
            .await
            .map_err(failed)?;
        tx.commit().await.map_err(failed)?;
        Ok(Rotation::Rotated { session: token.session, member: MemberId(token.member) })
    }

    async fn end_session(&self, id: Uuid, why: SessionEnd, now: UtcMillis) -> Result<bool, StorageError> {
        let mut connection = self.writers.acquire().await.map_err(failed)?;
        end(&mut connection, id, why, now).await
    }

    async fn access(&self, session: Uuid) -> Result<Option<Access>, StorageError> {
        let found: Option<AccessRow> = query_as(
            "SELECT s.ended_at, d.revoked_at, w.head, coalesce(settings.seq, 0) AS settings_seq, m.id, m.workspace, m.email, m.name, m.role, m.password_hash,
                    m.personal_doc, m.active, m.created_at
             FROM sessions s JOIN devices d ON d.id = s.device JOIN members m ON m.id = s.member
                  JOIN workspaces w ON w.id = m.workspace
                  LEFT JOIN documents settings ON settings.id = w.settings_doc
             WHERE s.id = $1",
        )
        .bind(session)
        .fetch_optional(&self.readers)
        .await
        .map_err(failed)?;
        found
            .map(|row| {
                Ok(Access {
                    member: row.member.try_into()?,
                    session_ended: row.ended_at.is_some(),
                    device_revoked: row.revoked_at.is_some(),
                    head: number(row.head)?,
                    settings_seq: number(row.settings_seq)?,
                })
            })
            .transpose()
    }
}

async fn insert_token(
    connection: &mut PgConnection,
    session: Uuid,
    token: &NewToken,
) -> Result<(), StorageError> {
    query("INSERT INTO refresh_tokens (hash, session, issued_at, expires_at) VALUES ($1, $2, $3, $4)")
        .bind(token.hash)
        .bind(session)
        .bind(token.issued_at.0)
        .bind(token.expires_at.0)
        .execute(connection)
        .await
        .map_err(failed)?;
    Ok(())
}

async fn end(
    connection: &mut PgConnection,
    session: Uuid,
    why: SessionEnd,
    now: UtcMillis,
) -> Result<bool, StorageError> {
    let done = query("UPDATE sessions SET ended_at = $1, ended_by = $2 WHERE id = $3 AND ended_at IS NULL")
        .bind(now.0)
        .bind(why.as_str())
        .bind(session)
        .execute(connection)
        .await
        .map_err(failed)?;
    Ok(done.rows_affected() > 0)
}
