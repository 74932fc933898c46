//! Settings that were made by an older server: the sections that came since are made once, before anybody is served.
//!
//! Only the server makes them, and it makes the same changes each time ([`Document::complete`]): one that was restored from a
//! backup of before makes those that its devices have already.

use desk_docs::{Document, verify};
use desk_domain::{ids::WorkspaceId, time::UtcMillis, workspace::default_escalations};

use super::own::OwnError;
use crate::storage::{DocumentRecord, LogEntry, Storage};

/// Completes the settings of every workspace that needs it, with the escalation policies of a new workspace where there were
/// none.
///
/// # Errors
/// When the storage fails or settings do not open.
pub async fn complete(storage: &dyn Storage, now: UtcMillis) -> Result<(), OwnError> {
    for workspace in storage.pulse().await?.heads.into_keys() {
        if complete_one(storage, workspace, now).await? {
            tracing::info!(workspace.id = %workspace, "the settings got their new sections");
        }
    }
    Ok(())
}

async fn complete_one(
    storage: &dyn Storage,
    workspace: WorkspaceId,
    now: UtcMillis,
) -> Result<bool, OwnError> {
    let Some(record) = storage.workspace(workspace).await? else { return Ok(false) };
    let Some(settings) = storage.document(record.settings_doc).await? else { return Ok(false) };
    if !Document::load(settings.id, settings.kind, &settings.snapshot)?.lacks_sections() {
        return Ok(false);
    }
    let mut tx = storage.begin(workspace).await?;
    // Another process may have been quicker.
    let Some(settings) = tx.document(record.settings_doc).await? else { return Ok(false) };
    let document = Document::load(settings.id, settings.kind, &settings.snapshot)?;
    let (mut document, made) = document.complete(&default_escalations())?;
    let mut entries = Vec::with_capacity(made.len());
    for change in made {
        let verified = verify(&change.bytes, change.hash)?;
        // The actors are not the server's own but the changes', so that they are the same everywhere.
        let Some(actor) = verified.device() else { continue };
        entries.push(LogEntry {
            doc: settings.id,
            hash: change.hash,
            actor,
            actor_seq: verified.seq(),
            member: None,
            received_at: now,
            bytes: change.bytes,
        });
    }
    if entries.is_empty() {
        return Ok(false);
    }
    let seq = tx.append(&entries).await?;
    let (heads, snapshot) = (document.heads(), document.save());
    tx.put_documents(&[DocumentRecord { seq, heads, snapshot, ..settings }]).await?;
    tx.commit().await?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use automerge::{ActorId, AutoCommit, ObjType, ROOT, transaction::Transactable};
    use desk_domain::{
        edit::Section,
        ids::{DeviceId, DocKind},
        state::State,
    };

    use super::*;
    use crate::storage::{Log, SqliteStorage, contract};

    const NOW: UtcMillis = UtcMillis(1_790_000_000_000);

    /// A server with settings that were made before there were sections for escalation: the same each time.
    async fn older(dir: &std::path::Path) -> (SqliteStorage, DocumentRecord) {
        let storage = SqliteStorage::open(dir).await.unwrap();
        let space = contract::workspace(&storage, 1).await;
        let id = space.settings_doc;
        let mut old =
            AutoCommit::new().with_actor(ActorId::from(space.server_device.0.as_bytes().as_slice()));
        old.put(ROOT, "schema", 1).unwrap();
        old.put(ROOT, "kind", "workspace").unwrap();
        old.put(ROOT, "id", id.to_string()).unwrap();
        for section in Section::ALL.into_iter().filter(|section| !Section::LATER.contains(section)) {
            old.put_object(ROOT, section.as_str(), ObjType::Map).unwrap();
        }
        old.commit_with(automerge::transaction::CommitOptions::default().with_time(NOW.0 / 1000));
        let first = old.get_last_local_change().unwrap();
        let entry = LogEntry {
            doc: id,
            hash: first.hash().0,
            actor: space.server_device,
            actor_seq: 1,
            member: None,
            received_at: NOW,
            bytes: first.raw_bytes().to_vec(),
        };
        let mut document = Document::load(id, DocKind::Workspace, &old.save()).unwrap();
        let mut tx = storage.begin(space.id).await.unwrap();
        let seq = tx.append(&[entry]).await.unwrap();
        let record = DocumentRecord {
            id,
            workspace: space.id,
            kind: DocKind::Workspace,
            owner: None,
            seq,
            team: None,
            heads: document.heads(),
            snapshot: document.save(),
        };
        tx.put_documents(std::slice::from_ref(&record)).await.unwrap();
        tx.commit().await.unwrap();
        (storage, record)
    }

    #[tokio::test]
    async fn a_server_that_was_restored_completes_settings_with_the_changes_of_before() {
        let mut completed = Vec::new();
        for later_ms in [0, 86_400_000] {
            let dir = tempfile::tempdir().unwrap();
            let (storage, before) = older(dir.path()).await;
            complete(&storage, NOW.plus_ms(later_ms)).await.unwrap();
            let after = storage.document(before.id).await.unwrap().unwrap();
            assert_ne!(after.heads, before.heads);
            // Once is enough.
            complete(&storage, NOW.plus_ms(later_ms + 1)).await.unwrap();
            assert_eq!(storage.document(before.id).await.unwrap().unwrap(), after);
            let document = Document::load(after.id, after.kind, &after.snapshot).unwrap();
            let State::Workspace(settings) = document.read().unwrap() else { panic!() };
            assert_eq!(settings.escalations.len(), default_escalations().len());
            // Everything that the document has is in the log, each under an actor of its own.
            let logged = crate::storage::Audit::audit_after(&storage, before.workspace, 0, 99).await.unwrap();
            let actors: std::collections::BTreeSet<DeviceId> =
                logged.iter().map(|logged| logged.entry.actor).collect();
            assert_eq!((logged.len(), actors.len()), (Section::LATER.len() + 2, Section::LATER.len() + 2));
            completed
                .push((after.heads, logged.into_iter().map(|logged| logged.entry.hash).collect::<Vec<_>>()));
        }
        assert_eq!(completed[0], completed[1]);
    }
}
