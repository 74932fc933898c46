//! The people of a workspace: adding them, changing what they may do.

use std::collections::BTreeSet;

use desk_docs::{Document, ReadError};
use desk_domain::{
    edit::{Edit, Ops, PersonalOp, Section, Stamped, WorkspaceOp},
    ids::{DocId, Ids, MemberId},
    people::{Member, Role, SERVER_NAME},
    state::State,
    time::UtcMillis,
    workspace::Workspace,
};

use crate::{
    settings,
    storage::{MemberRecord, Storage, StorageError, Transaction, WorkspaceRecord},
    sync::own::{OwnError, Pen},
};

/// A member as an administrator asks for them.
#[derive(Clone)]
pub struct NewMember {
    /// The workspace's slug.
    pub workspace: String,
    /// Where they sign in with; any case.
    pub email: String,
    /// What to call them.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Their teams, by key or by name; those that do not exist are made.
    pub teams: Vec<String>,
    /// An argon2id PHC string (see `auth::password::hash`).
    pub password_hash: String,
}

/// What an administrator changes of a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// What they may do.
    Role(Role),
    /// Whether they may sign in; devices of a member who may not erase their stores at the next contact.
    Active(bool),
    /// All their teams, by key or by name; those that do not exist are made.
    Teams(Vec<String>),
}

/// Why nobody was added or changed.
#[derive(Debug, thiserror::Error)]
pub enum MemberError {
    /// No such workspace.
    #[error("there is no workspace {0:?}")]
    NoWorkspace(String),
    /// No such member.
    #[error("{0} is no member of this workspace")]
    NoMember(String),
    /// The address is none.
    #[error("{0:?} is no e-mail address")]
    InvalidEmail(String),
    /// The name is blank or too long.
    #[error("the member needs a name of 1 to 200 characters")]
    InvalidName,
    /// A team's name is blank or too long.
    #[error("a team needs a name of 1 to 200 characters")]
    InvalidTeam,
    /// The address is a member's already.
    #[error("{0} is a member already")]
    Taken(String),
    /// The settings document does not read.
    #[error("the workspace's settings do not read: {0}")]
    Settings(String),
    /// The documents could not be written.
    #[error(transparent)]
    Own(#[from] OwnError),
    /// A value has no JSON form: a bug.
    #[error("the settings could not be written: {0}")]
    Json(#[from] serde_json::Error),
}

impl From<StorageError> for MemberError {
    fn from(error: StorageError) -> Self {
        Self::Own(OwnError::Storage(error))
    }
}

impl From<ReadError> for MemberError {
    fn from(error: ReadError) -> Self {
        Self::Settings(error.to_string())
    }
}

/// Adds a member, with their entry in the settings, new teams, and their personal document, in one transaction.
///
/// # Errors
/// See [`MemberError`]; nothing was written then.
#[tracing::instrument(skip_all, fields(workspace.slug = %new.workspace, member.role = %new.role))]
pub async fn add(
    storage: &dyn Storage,
    new: &NewMember,
    now: UtcMillis,
    ids: &(dyn Ids + Sync),
) -> Result<MemberRecord, MemberError> {
    let found = storage.workspace_by_slug(&new.workspace).await?;
    let Some(workspace) = found else { return Err(MemberError::NoWorkspace(new.workspace.clone())) };
    let mut tx = storage.begin(workspace.id).await?;
    let record = add_in(tx.as_mut(), &workspace, new, now, ids).await?;
    tx.commit().await?;
    tracing::info!(member.id = %record.id, "member added");
    Ok(record)
}

/// Changes a member, with their entry in the settings, in one transaction. It holds from the next request on.
///
/// # Errors
/// See [`MemberError`]; nothing was written then.
#[tracing::instrument(skip_all, fields(workspace.slug = %workspace))]
pub async fn change(
    storage: &dyn Storage,
    workspace: &str,
    email: &str,
    change: Change,
    now: UtcMillis,
    ids: &(dyn Ids + Sync),
) -> Result<MemberRecord, MemberError> {
    let found = storage.workspace_by_slug(workspace).await?;
    let Some(workspace) = found else { return Err(MemberError::NoWorkspace(workspace.to_owned())) };
    let email =
        normalize_email(email).ok_or_else(|| MemberError::InvalidEmail(email.chars().take(80).collect()))?;
    let mut tx = storage.begin(workspace.id).await?;
    // Members are never removed, so one found beside the transaction is there within it.
    let Some(mut record) = storage.member_by_email(workspace.id, &email).await? else {
        return Err(MemberError::NoMember(email));
    };
    let current = read_settings(tx.as_mut(), &workspace).await?;
    let mut in_teams = current.members.get(&record.id).map(|member| member.teams.clone()).unwrap_or_default();
    let mut ops = Vec::new();
    match change {
        Change::Role(role) => record.role = role,
        Change::Active(active) => record.active = active,
        Change::Teams(named) => (in_teams, ops) = teams(&current, &named)?,
    }
    tx.update_member(&record).await?;
    ops.push(settings::entry(Section::Members, &record.id.to_string(), &listed(&record, in_teams))?);
    let ops = ops.into_iter().map(|op| Stamped::new(now, SERVER_NAME, op)).collect();
    let edit = Edit { doc: workspace.settings_doc, ops: Ops::Workspace(ops) };
    Pen::new(tx.as_mut(), &workspace, now, ids).write(&edit, None).await?;
    tx.commit().await?;
    tracing::info!(member.id = %record.id, "member changed");
    Ok(record)
}

/// A member as colleagues see them.
fn listed(record: &MemberRecord, teams: BTreeSet<String>) -> Member {
    Member {
        id: record.id,
        name: record.name.clone(),
        email: record.email.clone(),
        role: record.role,
        teams,
        active: record.active,
    }
}

/// The same as [`add`] within a transaction of `workspace`; the caller commits.
///
/// # Errors
/// See [`MemberError`]; the transaction is then to be dropped.
pub async fn add_in(
    tx: &mut dyn Transaction,
    workspace: &WorkspaceRecord,
    new: &NewMember,
    now: UtcMillis,
    ids: &(dyn Ids + Sync),
) -> Result<MemberRecord, MemberError> {
    let email = normalize_email(&new.email)
        .ok_or_else(|| MemberError::InvalidEmail(new.email.chars().take(80).collect()))?;
    let name = new.name.trim();
    if !(1..=200).contains(&name.chars().count()) {
        return Err(MemberError::InvalidName);
    }
    let record = MemberRecord {
        id: MemberId(ids.fresh()),
        workspace: workspace.id,
        email,
        name: name.to_owned(),
        role: new.role,
        password_hash: new.password_hash.clone(),
        personal_doc: DocId(ids.fresh()),
        active: true,
        created_at: now,
    };
    if !tx.insert_member(&record).await? {
        return Err(MemberError::Taken(record.email));
    }
    let current = read_settings(tx, workspace).await?;
    let (teams, mut ops) = teams(&current, &new.teams)?;
    ops.push(settings::entry(Section::Members, &record.id.to_string(), &listed(&record, teams))?);
    let ops = ops.into_iter().map(|op| Stamped::new(now, SERVER_NAME, op)).collect();
    let listed = Edit { doc: workspace.settings_doc, ops: Ops::Workspace(ops) };
    let create = Stamped::new(now, record.id.to_string(), PersonalOp::Create);
    let personal = Edit { doc: record.personal_doc, ops: Ops::Personal(vec![create]) };
    let mut pen = Pen::new(tx, workspace, now, ids);
    pen.write(&listed, None).await?;
    pen.write(&personal, Some(record.id)).await?;
    Ok(record)
}

/// The workspace's settings as this transaction has them.
pub(crate) async fn read_settings(
    tx: &mut dyn Transaction,
    workspace: &WorkspaceRecord,
) -> Result<Workspace, MemberError> {
    let missing = || MemberError::Settings("there is no settings document".to_owned());
    let record = tx.document(workspace.settings_doc).await?.ok_or_else(missing)?;
    let document = Document::load(record.id, record.kind, &record.snapshot).map_err(OwnError::from)?;
    match document.read()? {
        State::Workspace(settings) => Ok(*settings),
        State::Ticket(_) | State::Article(_) | State::Incident(_) | State::Personal(_) => Err(missing()),
    }
}

/// The keys of the named teams, and what makes those that do not exist.
fn teams(current: &Workspace, named: &[String]) -> Result<(BTreeSet<String>, Vec<WorkspaceOp>), MemberError> {
    let (mut keys, mut ops) = (BTreeSet::new(), Vec::new());
    for name in named {
        let known = current.teams.values().find(|team| team.key == *name || team.name == *name);
        let key = known.map_or_else(|| settings::team_key(name), |team| team.key.clone());
        if !(1..=200).contains(&key.chars().count()) {
            return Err(MemberError::InvalidTeam);
        }
        if !current.teams.contains_key(&key) && !keys.contains(&key) {
            ops.push(settings::team(&key, name.trim())?);
        }
        keys.insert(key);
    }
    Ok((keys, ops))
}

/// An address as it is kept: trimmed, lower case. `None` when it cannot be one.
pub fn normalize_email(text: &str) -> Option<String> {
    let email = text.trim().to_lowercase();
    let (local, domain) = email.split_once('@')?;
    let plain = !email.chars().any(|c| c.is_whitespace() || c.is_control());
    let whole = !local.is_empty() && !domain.is_empty() && !domain.contains('@');
    (plain && whole && email.len() <= 254).then_some(email)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_kept_in_lower_case() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(normalize_email(text).as_deref(), expected, "{text}");
        };
        check(" Anna@Demo.Example ", Some("anna@demo.example"));
        check("anna", None);
        check("@demo.example", None);
        check("an na@demo.example", None);
        check("a@b@c", None);
    }
}
