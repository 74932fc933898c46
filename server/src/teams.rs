//! The teams of a workspace: making them, and who sees their tickets.

use desk_domain::{
    edit::{Edit, Ops, Section, Stamped},
    ids::Ids,
    people::{SERVER_NAME, Team},
    time::UtcMillis,
    workspace::Workspace,
};

use crate::{
    members::{MemberError, read_settings},
    settings,
    storage::{Storage, WorkspaceRecord},
    sync::own::Pen,
};

/// What an administrator wants of a team. What is left out stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wish {
    /// What to call it.
    pub name: Option<String>,
    /// Whether its tickets are its members' alone.
    pub private: Option<bool>,
}

/// Makes a team, or changes it; `named` is its key or its name. Who sees its tickets holds from the next request on.
///
/// # Errors
/// See [`MemberError`]; nothing was written then.
#[tracing::instrument(skip_all, fields(workspace.slug = %workspace))]
pub async fn set(
    storage: &dyn Storage,
    workspace: &str,
    named: &str,
    wish: &Wish,
    now: UtcMillis,
    ids: &(dyn Ids + Sync),
) -> Result<Team, MemberError> {
    let workspace = find(storage, workspace).await?;
    let mut tx = storage.begin(workspace.id).await?;
    let current = read_settings(tx.as_mut(), &workspace).await?;
    let known = current.teams.values().find(|team| team.key == named || team.name == named);
    let key = known.map_or_else(|| settings::team_key(named), |team| team.key.clone());
    let name = wish.name.as_deref().map(str::trim);
    let name = name.unwrap_or_else(|| known.map_or(named.trim(), |team| team.name.as_str()));
    if [key.as_str(), name].iter().any(|text| !(1..=200).contains(&text.chars().count())) {
        return Err(MemberError::InvalidTeam);
    }
    let private = wish.private.unwrap_or_else(|| known.is_some_and(|team| team.private));
    let team = Team { key, name: name.to_owned(), private };
    let entry = settings::entry(Section::Teams, &team.key, &team)?;
    let edit = Edit {
        doc: workspace.settings_doc,
        ops: Ops::Workspace(vec![Stamped::new(now, SERVER_NAME, entry)]),
    };
    Pen::new(tx.as_mut(), &workspace, now, ids).write(&edit, None).await?;
    tx.commit().await?;
    tracing::info!(team = %team.key, private, "team written");
    Ok(team)
}

/// A workspace's settings, for lists of teams and who is in them.
///
/// # Errors
/// See [`MemberError`].
pub async fn settings_of(storage: &dyn Storage, workspace: &str) -> Result<Workspace, MemberError> {
    let workspace = find(storage, workspace).await?;
    let mut tx = storage.begin(workspace.id).await?;
    read_settings(tx.as_mut(), &workspace).await
}

async fn find(storage: &dyn Storage, slug: &str) -> Result<WorkspaceRecord, MemberError> {
    let found = storage.workspace_by_slug(slug).await?;
    found.ok_or_else(|| MemberError::NoWorkspace(slug.to_owned()))
}
