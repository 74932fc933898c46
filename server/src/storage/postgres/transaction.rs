//! Writes in one workspace.

use std::collections::HashMap;

use async_trait::async_trait;
use desk_domain::{
    ids::{DeviceId, DocId, MemberId, WorkspaceId},
    time::UtcMillis,
};
use sqlx::{PgConnection, Postgres, query, query_as, query_scalar};
use uuid::Uuid;

use super::{
    DocumentRow, MemberRow, PostgresStorage, WorkspaceRow, all_whole, audit, digest, failed, integer, kind,
    number,
};
use crate::storage::{
    Asked, Digest, DocumentHead, DocumentRecord, Grown, Known, LogEntry, Look, MemberRecord, NewMail, News,
    Refused, StorageError, Transaction, WorkspaceRecord, Written, chain, reject_code,
};

/// A transaction that holds the workspace's lock.
pub(super) struct PostgresTransaction {
    storage: PostgresStorage,
    tx: sqlx::Transaction<'static, Postgres>,
    workspace: WorkspaceId,
    /// The head, once this transaction has moved it.
    head: Option<u64>,
    /// Somebody's access was taken away.
    access: bool,
}

impl PostgresTransaction {
    pub(super) fn new(
        storage: PostgresStorage,
        tx: sqlx::Transaction<'static, Postgres>,
        workspace: WorkspaceId,
    ) -> Self {
        Self { storage, tx, workspace, head: None, access: false }
    }

    pub(super) fn workspace_id(&self) -> Uuid {
        self.workspace.0
    }

    pub(super) fn conn(&mut self) -> &mut PgConnection {
        &mut self.tx
    }
}

/// Ids as PostgreSQL takes them.
fn ids(docs: &[DocId]) -> Vec<Uuid> {
    docs.iter().map(|doc| doc.0).collect()
}

impl PostgresTransaction {
    async fn members_of_devices(
        &mut self,
        devices: &[DeviceId],
    ) -> Result<HashMap<DeviceId, MemberRecord>, StorageError> {
        let mut members = HashMap::new();
        for device in devices {
            if let Some(member) = self.member_of_device(*device).await? {
                members.insert(*device, member);
            }
        }
        Ok(members)
    }

    async fn member_of_device(&mut self, device: DeviceId) -> Result<Option<MemberRecord>, StorageError> {
        query_as::<_, MemberRow>(
            "SELECT m.id, m.workspace, m.email, m.name, m.role, m.password_hash, m.personal_doc, m.active,
                    m.created_at
             FROM devices d JOIN members m ON m.id = d.member
             WHERE d.id = $1 AND d.revoked_at IS NULL AND m.active AND m.workspace = $2",
        )
        .bind(device.0)
        .bind(self.workspace.0)
        .fetch_optional(&mut *self.tx)
        .await
        .map_err(failed)?
        .map(TryInto::try_into)
        .transpose()
    }

    async fn document_heads(&mut self, docs: &[DocId]) -> Result<HashMap<DocId, DocumentHead>, StorageError> {
        let rows: Vec<(Uuid, Uuid, i16, Option<Uuid>, i64)> =
            query_as("SELECT id, workspace, kind, owner, seq FROM documents WHERE id = ANY($1)")
                .bind(ids(docs))
                .fetch_all(&mut *self.tx)
                .await
                .map_err(failed)?;
        rows.into_iter()
            .map(|(id, workspace, code, owner, seq)| {
                let (workspace, owner) = (WorkspaceId(workspace), owner.map(MemberId));
                let head = DocumentHead { workspace, kind: kind(code)?, owner, seq: number(seq)? };
                Ok((DocId(id), head))
            })
            .collect()
    }

    async fn accepted(
        &mut self,
        changes: &[(DocId, Digest)],
    ) -> Result<HashMap<(DocId, Digest), u64>, StorageError> {
        if changes.is_empty() {
            return Ok(HashMap::new());
        }
        let docs: Vec<Uuid> = changes.iter().map(|(doc, _)| doc.0).collect();
        let hashes: Vec<&[u8]> = changes.iter().map(|(_, hash)| hash.as_slice()).collect();
        let rows: Vec<(Uuid, Vec<u8>, i64)> = query_as(
            "SELECT c.doc, c.hash, c.seq
             FROM unnest($1::uuid[], $2::bytea[]) AS pair (doc, hash)
             JOIN changes c ON c.doc = pair.doc AND c.hash = pair.hash",
        )
        .bind(docs)
        .bind(hashes)
        .fetch_all(&mut *self.tx)
        .await
        .map_err(failed)?;
        rows.into_iter().map(|(doc, hash, seq)| Ok(((DocId(doc), digest(&hash)?), number(seq)?))).collect()
    }

    async fn refused(
        &mut self,
        changes: &[(DocId, Digest)],
    ) -> Result<HashMap<(DocId, Digest), Refused>, StorageError> {
        if changes.is_empty() {
            return Ok(HashMap::new());
        }
        let docs: Vec<Uuid> = changes.iter().map(|(doc, _)| doc.0).collect();
        let hashes: Vec<&[u8]> = changes.iter().map(|(_, hash)| hash.as_slice()).collect();
        let rows: Vec<(Uuid, Vec<u8>, String, String, i64)> = query_as(
            "SELECT r.doc, r.hash, r.code, r.reason, r.refused_at
             FROM unnest($1::uuid[], $2::bytea[]) AS pair (doc, hash)
             JOIN refused r ON r.doc = pair.doc AND r.hash = pair.hash",
        )
        .bind(docs)
        .bind(hashes)
        .fetch_all(&mut *self.tx)
        .await
        .map_err(failed)?;
        rows.into_iter()
            .map(|(doc, hash, code, reason, refused_at)| {
                let (doc, hash) = (DocId(doc), digest(&hash)?);
                let (code, refused_at) = (reject_code(&code)?, UtcMillis(refused_at));
                Ok(((doc, hash), Refused { doc, hash, code, reason, refused_at }))
            })
            .collect()
    }

    async fn refuse(&mut self, refused: &[Refused]) -> Result<(), StorageError> {
        if refused.is_empty() {
            return Ok(());
        }
        query(
            "INSERT INTO refused (workspace, doc, hash, code, reason, refused_at)
             SELECT $1, doc, hash, code, reason, refused_at
             FROM unnest($2::uuid[], $3::bytea[], $4::text[], $5::text[], $6::bigint[])
                  AS new (doc, hash, code, reason, refused_at)
             ON CONFLICT DO NOTHING",
        )
        .bind(self.workspace.0)
        .bind(refused.iter().map(|refused| refused.doc.0).collect::<Vec<_>>())
        .bind(refused.iter().map(|refused| refused.hash.as_slice()).collect::<Vec<_>>())
        .bind(refused.iter().map(|refused| refused.code.as_str()).collect::<Vec<_>>())
        .bind(refused.iter().map(|refused| refused.reason.as_str()).collect::<Vec<_>>())
        .bind(refused.iter().map(|refused| refused.refused_at.0).collect::<Vec<_>>())
        .execute(&mut *self.tx)
        .await
        .map_err(failed)?;
        Ok(())
    }

    async fn actor_seqs(
        &mut self,
        actors: &[(DocId, DeviceId)],
    ) -> Result<HashMap<(DocId, DeviceId), u64>, StorageError> {
        if actors.is_empty() {
            return Ok(HashMap::new());
        }
        let (docs, devices): (Vec<Uuid>, Vec<Uuid>) =
            actors.iter().map(|(doc, actor)| (doc.0, actor.0)).unzip();
        // Each pair is answered by the last entry of its stretch of `changes_by_actor`.
        let seqs: Vec<i64> = query_scalar(
            "SELECT coalesce((SELECT c.actor_seq FROM changes c
                              WHERE c.doc = pair.doc AND c.actor = pair.actor
                              ORDER BY c.actor_seq DESC LIMIT 1), 0)
             FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY AS pair (doc, actor, place)
             ORDER BY place",
        )
        .bind(docs)
        .bind(devices)
        .fetch_all(&mut *self.tx)
        .await
        .map_err(failed)?;
        actors.iter().zip(seqs).map(|(actor, seq)| Ok((*actor, number(seq)?))).collect()
    }

    /// The log's chain at a number; where it begins, at 0.
    async fn chain_at(&mut self, seq: i64) -> Result<Digest, StorageError> {
        let chain: Option<Vec<u8>> =
            query_scalar("SELECT chain FROM changes WHERE workspace = $1 AND seq = $2")
                .bind(self.workspace.0)
                .bind(seq)
                .fetch_optional(&mut *self.tx)
                .await
                .map_err(failed)?;
        audit::value(&chain.unwrap_or_default())
    }

    async fn log(&mut self, entries: &[LogEntry]) -> Result<u64, StorageError> {
        let count = integer(entries.len() as u64);
        let head: i64 = query_scalar("UPDATE workspaces SET head = head + $1 WHERE id = $2 RETURNING head")
            .bind(count)
            .bind(self.workspace.0)
            .fetch_one(&mut *self.tx)
            .await
            .map_err(failed)?;
        let first = head - count + 1;
        if entries.is_empty() {
            return number(first);
        }
        let before = self.chain_at(first - 1).await?;
        let chain = chain::along(before, self.workspace, number(first)?, entries);
        query(
            "INSERT INTO changes
                 (workspace, seq, doc, hash, actor, actor_seq, member, received_at, bytes, chain)
             SELECT $1, $2 + place - 1, doc, hash, actor, actor_seq, member, received_at, bytes, chain
             FROM unnest($3::uuid[], $4::bytea[], $5::uuid[], $6::bigint[], $7::uuid[], $8::bigint[], $9::bytea[],
                         $10::bytea[])
                  WITH ORDINALITY
                  AS new (doc, hash, actor, actor_seq, member, received_at, bytes, chain, place)",
        )
        .bind(self.workspace.0)
        .bind(first)
        .bind(entries.iter().map(|entry| entry.doc.0).collect::<Vec<_>>())
        .bind(entries.iter().map(|entry| entry.hash.as_slice()).collect::<Vec<_>>())
        .bind(entries.iter().map(|entry| entry.actor.0).collect::<Vec<_>>())
        .bind(entries.iter().map(|entry| integer(entry.actor_seq)).collect::<Vec<_>>())
        .bind(entries.iter().map(|entry| entry.member.map(|member| member.0)).collect::<Vec<_>>())
        .bind(entries.iter().map(|entry| entry.received_at.0).collect::<Vec<_>>())
        .bind(entries.iter().map(|entry| entry.bytes.as_slice()).collect::<Vec<_>>())
        .bind(chain.iter().map(Digest::as_slice).collect::<Vec<_>>())
        .execute(&mut *self.tx)
        .await
        .map_err(failed)?;
        self.head = Some(number(head)?);
        number(first)
    }

    async fn put(&mut self, documents: &[DocumentRecord]) -> Result<(), StorageError> {
        if documents.is_empty() {
            return Ok(());
        }
        query(
            "INSERT INTO documents (id, workspace, kind, owner, seq, team, team_known, heads, snapshot_seq, snapshot)
             SELECT id, $1, kind, owner, seq, team, TRUE, heads, seq, snapshot
             FROM unnest($2::uuid[], $3::smallint[], $4::uuid[], $5::bigint[], $6::text[], $7::bytea[], $8::bytea[])
                  AS new (id, kind, owner, seq, team, heads, snapshot)
             ON CONFLICT (id) DO UPDATE
             SET seq = excluded.seq, team = excluded.team, team_known = TRUE, heads = excluded.heads,
                 snapshot_seq = excluded.snapshot_seq, snapshot = excluded.snapshot",
        )
        .bind(self.workspace.0)
        .bind(documents.iter().map(|document| document.id.0).collect::<Vec<_>>())
        .bind(documents.iter().map(|document| i16::from(document.kind.code())).collect::<Vec<_>>())
        .bind(documents.iter().map(|document| document.owner.map(|owner| owner.0)).collect::<Vec<_>>())
        .bind(documents.iter().map(|document| integer(document.seq)).collect::<Vec<_>>())
        .bind(documents.iter().map(|document| document.team.as_deref()).collect::<Vec<_>>())
        .bind(documents.iter().map(|document| document.heads.concat()).collect::<Vec<_>>())
        .bind(documents.iter().map(|document| document.snapshot.as_slice()).collect::<Vec<_>>())
        .execute(&mut *self.tx)
        .await
        .map_err(failed)?;
        Ok(())
    }

    async fn grow(&mut self, documents: &[Grown]) -> Result<(), StorageError> {
        if documents.is_empty() {
            return Ok(());
        }
        query(
            "UPDATE documents SET seq = new.seq, team = new.team, team_known = TRUE, heads = new.heads
             FROM unnest($2::uuid[], $3::bigint[], $4::text[], $5::bytea[]) AS new (id, seq, team, heads)
             WHERE documents.id = new.id AND documents.workspace = $1",
        )
        .bind(self.workspace.0)
        .bind(documents.iter().map(|document| document.id.0).collect::<Vec<_>>())
        .bind(documents.iter().map(|document| integer(document.seq)).collect::<Vec<_>>())
        .bind(documents.iter().map(|document| document.team.as_deref()).collect::<Vec<_>>())
        .bind(documents.iter().map(|document| document.heads.concat()).collect::<Vec<_>>())
        .execute(&mut *self.tx)
        .await
        .map_err(failed)?;
        Ok(())
    }
}

#[async_trait]
impl Transaction for PostgresTransaction {
    async fn look(&mut self, asked: &Asked) -> Result<Known, StorageError> {
        let workspace = self.workspace().await?;
        let settings = workspace.as_ref().map(|workspace| workspace.settings_doc);
        let mut docs = asked.docs.clone();
        docs.extend(settings);
        let mut heads = self.document_heads(&docs).await?;
        let settings_seq = settings.and_then(|doc| heads.get(&doc)).map(|head| head.seq);
        if let Some(settings) = settings.filter(|doc| !asked.docs.contains(doc)) {
            heads.remove(&settings);
        }
        let head = workspace.as_ref().map_or(0, |workspace| workspace.head);
        Ok(Known {
            chain: self.chain_at(integer(head)).await?,
            workspace,
            settings_seq,
            members: self.members_of_devices(&asked.devices).await?,
            heads,
            actor_seqs: self.actor_seqs(&asked.actors).await?,
            accepted: self.accepted(&asked.changes).await?,
            refused: self.refused(&asked.changes).await?,
        })
    }

    async fn write(&mut self, decided: &Written<'_>) -> Result<u64, StorageError> {
        let Written { entries, refused, documents, grown } = *decided;
        self.refuse(refused).await?;
        let first = self.log(entries).await?;
        self.put(documents).await?;
        self.grow(grown).await?;
        Ok(first)
    }

    async fn workspace(&mut self) -> Result<Option<WorkspaceRecord>, StorageError> {
        query_as::<_, WorkspaceRow>(
            "SELECT id, slug, name, settings_doc, server_device, head, created_at FROM workspaces WHERE id = $1",
        )
        .bind(self.workspace.0)
        .fetch_optional(&mut *self.tx)
        .await
        .map_err(failed)?
        .map(TryInto::try_into)
        .transpose()
    }

    async fn insert_workspace(&mut self, workspace: &WorkspaceRecord) -> Result<bool, StorageError> {
        // A violated constraint would end the transaction; a conflict does not.
        let done = query(
            "INSERT INTO workspaces (id, slug, name, settings_doc, server_device, created_at)
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
        )
        .bind(workspace.id.0)
        .bind(&workspace.slug)
        .bind(&workspace.name)
        .bind(workspace.settings_doc.0)
        .bind(workspace.server_device.0)
        .bind(workspace.created_at.0)
        .execute(&mut *self.tx)
        .await
        .map_err(failed)?;
        if done.rows_affected() == 0 {
            return Ok(false);
        }
        query(
            "INSERT INTO devices (id, workspace, name, created_at, seen_at) VALUES ($1, $2, 'server', $3, $3)",
        )
        .bind(workspace.server_device.0)
        .bind(workspace.id.0)
        .bind(workspace.created_at.0)
        .execute(&mut *self.tx)
        .await
        .map_err(failed)?;
        Ok(true)
    }

    async fn insert_member(&mut self, member: &MemberRecord) -> Result<bool, StorageError> {
        let done = query(
            "INSERT INTO members
                 (id, workspace, email, name, role, password_hash, personal_doc, active, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING",
        )
        .bind(member.id.0)
        .bind(member.workspace.0)
        .bind(&member.email)
        .bind(&member.name)
        .bind(member.role.as_str())
        .bind(&member.password_hash)
        .bind(member.personal_doc.0)
        .bind(member.active)
        .bind(member.created_at.0)
        .execute(&mut *self.tx)
        .await
        .map_err(failed)?;
        Ok(done.rows_affected() > 0)
    }

    async fn update_member(&mut self, member: &MemberRecord) -> Result<bool, StorageError> {
        let done = query(
            "UPDATE members SET name = $1, role = $2, password_hash = $3, active = $4
             WHERE id = $5 AND workspace = $6",
        )
        .bind(&member.name)
        .bind(member.role.as_str())
        .bind(&member.password_hash)
        .bind(member.active)
        .bind(member.id.0)
        .bind(self.workspace.0)
        .execute(&mut *self.tx)
        .await
        .map_err(failed)?;
        self.access = true;
        Ok(done.rows_affected() > 0)
    }

    async fn documents(&mut self, docs: &[DocId]) -> Result<HashMap<DocId, DocumentRecord>, StorageError> {
        if docs.is_empty() {
            return Ok(HashMap::new());
        }
        let rows: Vec<DocumentRow> = query_as(
            "SELECT id, workspace, kind, owner, seq, team, heads, snapshot_seq, snapshot FROM documents
             WHERE id = ANY($1) AND workspace = $2",
        )
        .bind(ids(docs))
        .bind(self.workspace.0)
        .fetch_all(&mut *self.tx)
        .await
        .map_err(failed)?;
        let records = all_whole(rows, &mut self.tx).await?;
        Ok(records.into_iter().map(|record| (record.id, record)).collect())
    }

    async fn escalation_due(&mut self, incident: DocId) -> Result<Option<UtcMillis>, StorageError> {
        let due: Option<Option<i64>> =
            query_scalar("SELECT due_at FROM escalations WHERE doc = $1 AND workspace = $2")
                .bind(incident.0)
                .bind(self.workspace.0)
                .fetch_optional(&mut *self.tx)
                .await
                .map_err(failed)?;
        Ok(due.flatten().map(UtcMillis))
    }

    async fn look_at_escalation(&mut self, incident: DocId, look: Look) -> Result<(), StorageError> {
        let due = match look {
            Look::At(at) => Some(at.0),
            Look::WhenSettingsChange => None,
            Look::Never => {
                query("DELETE FROM escalations WHERE doc = $1 AND workspace = $2")
                    .bind(incident.0)
                    .bind(self.workspace.0)
                    .execute(&mut *self.tx)
                    .await
                    .map_err(failed)?;
                return Ok(());
            }
        };
        query(
            "INSERT INTO escalations (doc, workspace, due_at) VALUES ($1, $2, $3)
             ON CONFLICT (doc) DO UPDATE SET due_at = excluded.due_at",
        )
        .bind(incident.0)
        .bind(self.workspace.0)
        .bind(due)
        .execute(&mut *self.tx)
        .await
        .map_err(failed)?;
        Ok(())
    }

    async fn post(&mut self, mail: &[NewMail]) -> Result<(), StorageError> {
        for NewMail { id, recipient, subject, body, created_at } in mail {
            query(
                "INSERT INTO mail (id, workspace, recipient, subject, body, created_at, next_try_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $6) ON CONFLICT DO NOTHING",
            )
            .bind(*id)
            .bind(self.workspace.0)
            .bind(recipient)
            .bind(subject)
            .bind(body)
            .bind(created_at.0)
            .execute(&mut *self.tx)
            .await
            .map_err(failed)?;
        }
        Ok(())
    }

    async fn commit(self: Box<Self>) -> Result<(), StorageError> {
        let Self { storage, tx, workspace, head, access } = *self;
        tx.commit().await.map_err(failed)?;
        if let Some(head) = head {
            storage.tell(News::Head { workspace, head }).await;
        }
        if access {
            storage.tell(News::Access).await;
        }
        Ok(())
    }
}
