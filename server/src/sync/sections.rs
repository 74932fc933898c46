//! Settings that were made by an older server: the sections that came since are made once, before anybody is served.
//!
//! Only the server makes them. Of two devices that both made a section, one would lose what it wrote there; the server's
//! writes in a workspace follow each other, whichever process makes them.

use desk_docs::Document;
use desk_domain::{
    edit::{Edit, Ops, Stamped, WorkspaceOp},
    ids::{Ids, WorkspaceId},
    time::UtcMillis,
    workspace::default_escalations,
};

use super::own::{OwnError, Pen};
use crate::{storage::Storage, workspaces::SERVER_NAME};

/// Completes the settings of every workspace that needs it, with the escalation policies of a new workspace.
///
/// # Errors
/// When the storage fails or settings do not open.
pub async fn complete(storage: &dyn Storage, now: UtcMillis, ids: &(dyn Ids + Sync)) -> Result<(), OwnError> {
    for workspace in storage.pulse().await?.heads.into_keys() {
        if complete_one(storage, workspace, now, ids).await? {
            tracing::info!(workspace.id = %workspace, "the settings got their new sections");
        }
    }
    Ok(())
}

async fn complete_one(
    storage: &dyn Storage,
    workspace: WorkspaceId,
    now: UtcMillis,
    ids: &(dyn Ids + Sync),
) -> Result<bool, OwnError> {
    let Some(record) = storage.workspace(workspace).await? else { return Ok(false) };
    let Some(settings) = storage.document(record.settings_doc).await? else { return Ok(false) };
    if !Document::load(settings.id, settings.kind, &settings.snapshot)?.lacks_sections() {
        return Ok(false);
    }
    let mut tx = storage.begin(workspace).await?;
    // Another process may have been quicker.
    let Some(settings) = tx.document(record.settings_doc).await? else { return Ok(false) };
    if !Document::load(settings.id, settings.kind, &settings.snapshot)?.lacks_sections() {
        return Ok(false);
    }
    let policies = default_escalations().into_iter().map(|(section, key, value)| WorkspaceOp::Set {
        section,
        key,
        value: Some(value),
    });
    let ops = std::iter::once(WorkspaceOp::Complete).chain(policies);
    let steps = ops.map(|op| Stamped::new(now, SERVER_NAME, op)).collect();
    let edit = Edit { doc: record.settings_doc, ops: Ops::Workspace(steps) };
    Pen::new(tx.as_mut(), &record, now, ids).write(&edit, None).await?;
    tx.commit().await?;
    Ok(true)
}
