//! What each member sees, by the workspace's settings as they are now.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use desk_docs::{Document, LoadError, ReadError};
use desk_domain::{
    access::Scope,
    ids::{MemberId, WorkspaceId},
    people::Role,
    state::State,
    workspace::Workspace,
};
use desk_sync::{scope::scope_id, wire::Hash};

use crate::storage::{DocumentRecord, MemberRecord, Reader, Storage, StorageError};

/// Workspaces whose settings are kept read.
const WORKSPACES: usize = 64;

/// Why it is not known what a member sees; nothing is shown then.
#[derive(Debug, thiserror::Error)]
pub enum ScopeError {
    /// The storage failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The settings document does not open.
    #[error("the workspace's settings do not open: {0}")]
    Damaged(#[from] LoadError),
    /// The settings document does not read.
    #[error("the workspace's settings do not read: {0}")]
    Unread(#[from] ReadError),
}

/// As whom a member reads, at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// The reader.
    pub reader: Reader,
    /// What the scope is called between server and device.
    pub id: Hash,
    /// The number of the newest change of the settings that it was made by.
    pub settings_seq: u64,
}

/// The settings of a workspace, read.
type Known = (u64, Arc<Workspace>);

/// Reads settings once for each of their changes.
#[derive(Debug, Default)]
pub struct Scopes {
    known: Mutex<HashMap<WorkspaceId, Known>>,
}

impl Scopes {
    /// As whom the member reads; by settings as new as the change `settings_seq`, or newer ones.
    ///
    /// # Errors
    /// See [`ScopeError`].
    pub async fn view(
        &self,
        storage: &dyn Storage,
        member: &MemberRecord,
        settings_seq: u64,
    ) -> Result<View, ScopeError> {
        let settings = self.settings(storage, member.workspace, settings_seq).await?;
        let (scope, settings_seq) = match settings {
            Some((seq, settings)) => (Scope::of(&settings, member.id, member.role), seq),
            None => (Scope::default(), 0),
        };
        let id = scope_id(&scope);
        Ok(View { reader: Reader { member: member.id, scope: Arc::new(scope) }, id, settings_seq })
    }

    async fn settings(
        &self,
        storage: &dyn Storage,
        workspace: WorkspaceId,
        at_least: u64,
    ) -> Result<Option<Known>, ScopeError> {
        if at_least == 0 {
            return Ok(None);
        }
        {
            let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((seq, settings)) = known.get(&workspace)
                && *seq >= at_least
            {
                return Ok(Some((*seq, Arc::clone(settings))));
            }
        }
        let gone = || StorageError::damaged("a workspace without settings");
        let record = storage.workspace(workspace).await?.ok_or_else(gone)?;
        let stored = storage.document(record.settings_doc).await?.ok_or_else(gone)?;
        let seq = stored.seq;
        let settings = Arc::new(read(&stored)?.ok_or_else(gone)?);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= WORKSPACES {
            known.clear();
        }
        known.insert(workspace, (seq, Arc::clone(&settings)));
        Ok(Some((seq, settings)))
    }
}

/// The settings in their document; `None` when it is another kind's.
///
/// # Errors
/// When it does not open or read.
pub fn read(stored: &DocumentRecord) -> Result<Option<Workspace>, ScopeError> {
    match Document::load(stored.id, stored.kind, &stored.snapshot)?.read()? {
        State::Workspace(settings) => Ok(Some(*settings)),
        State::Ticket(_) | State::Article(_) | State::Incident(_) | State::Personal(_) => Ok(None),
    }
}

/// The teams that are private by these settings.
pub fn private(settings: &Workspace) -> std::collections::BTreeSet<String> {
    // Nobody in particular: whoever it is, the private teams are the same.
    Scope::of(settings, MemberId(uuid::Uuid::nil()), Role::Requester).private().clone()
}
