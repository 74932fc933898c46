//! Making a workspace.

use desk_domain::{
    edit::{Edit, Ops, Stamped, WorkspaceOp},
    ids::{DeviceId, DocId, Ids, WorkspaceId},
    people::SERVER_NAME,
    sla::{Calendar, CalendarError},
    time::UtcMillis,
    workspace::default_settings,
};

use crate::{
    storage::{Storage, StorageError, Transaction, WorkspaceRecord},
    sync::own::{OwnError, Pen},
};

/// A workspace as an administrator asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewWorkspace {
    /// What people type at sign-in: letters a–z, digits and hyphens.
    pub slug: String,
    /// What to call it.
    pub name: String,
    /// IANA time zone of its working hours.
    pub zone: String,
}

/// Why there is no new workspace.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// The slug is no slug.
    #[error("{0:?} is no workspace slug: use 1 to 63 of a–z, 0–9 and hyphens, like acme-support")]
    InvalidSlug(String),
    /// The name is blank or too long.
    #[error("the workspace needs a name of 1 to 200 characters")]
    InvalidName,
    /// The zone is none.
    #[error(transparent)]
    Zone(#[from] CalendarError),
    /// The slug is somebody else's.
    #[error("the workspace {0:?} exists already")]
    Taken(String),
    /// The settings could not be written.
    #[error(transparent)]
    Own(#[from] OwnError),
}

impl From<StorageError> for CreateError {
    fn from(error: StorageError) -> Self {
        Self::Own(OwnError::Storage(error))
    }
}

/// Makes a workspace with its settings document, in one transaction.
///
/// # Errors
/// See [`CreateError`]; there is no trace of it then.
#[tracing::instrument(skip_all, fields(workspace.slug = %new.slug))]
pub async fn create(
    storage: &dyn Storage,
    new: &NewWorkspace,
    now: UtcMillis,
    ids: &(dyn Ids + Sync),
) -> Result<WorkspaceRecord, CreateError> {
    let id = WorkspaceId(ids.fresh());
    let mut tx = storage.begin(id).await?;
    let record = create_in(tx.as_mut(), id, new, now, ids).await?;
    tx.commit().await?;
    tracing::info!(workspace.id = %record.id, "workspace created");
    Ok(record)
}

/// The same within a transaction that was begun for `id`; the caller commits.
///
/// # Errors
/// See [`CreateError`]; the transaction is then to be dropped.
pub async fn create_in(
    tx: &mut dyn Transaction,
    id: WorkspaceId,
    new: &NewWorkspace,
    now: UtcMillis,
    ids: &(dyn Ids + Sync),
) -> Result<WorkspaceRecord, CreateError> {
    if !is_slug(&new.slug) {
        return Err(CreateError::InvalidSlug(new.slug.chars().take(80).collect()));
    }
    let name = new.name.trim();
    if !(1..=200).contains(&name.chars().count()) {
        return Err(CreateError::InvalidName);
    }
    Calendar { zone: new.zone.clone(), ..Calendar::always() }.compile()?;
    let record = WorkspaceRecord {
        id,
        slug: new.slug.clone(),
        name: name.to_owned(),
        settings_doc: DocId(ids.fresh()),
        server_device: DeviceId(ids.fresh()),
        head: 0,
        created_at: now,
    };
    let entries = default_settings(name, &new.zone)
        .into_iter()
        .map(|(section, key, value)| WorkspaceOp::Set { section, key, value: Some(value) });
    let ops = std::iter::once(WorkspaceOp::Create).chain(entries);
    let steps = ops.map(|op| Stamped::new(now, SERVER_NAME, op)).collect();
    let edit = Edit { doc: record.settings_doc, ops: Ops::Workspace(steps) };
    if !tx.insert_workspace(&record).await? {
        return Err(CreateError::Taken(new.slug.clone()));
    }
    Pen::new(tx, &record, now, ids).write(&edit, None).await?;
    Ok(record)
}

fn is_slug(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_is_short_and_plain() {
        for good in ["demo", "a", "acme-support-2"] {
            assert!(is_slug(good), "{good}");
        }
        for bad in ["", "Demo", "a b", "-a", "a-", "демо", &"x".repeat(64)] {
            assert!(!is_slug(bad), "{bad}");
        }
    }
}
