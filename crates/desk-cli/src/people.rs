//! People and teams as they are named on the command line.

use desk_api::{ApiError, ErrorCode};
use desk_domain::{people::Member, workspace::Workspace};

/// The member whom a person means: an id, an address or a name, in any case of letters.
///
/// # Errors
/// When it names nobody who is active here, or several.
pub(crate) fn member<'a>(workspace: &'a Workspace, named: &str) -> Result<&'a Member, ApiError> {
    let wanted = named.trim().to_lowercase();
    let is = |member: &&Member| {
        member.id.to_string() == wanted
            || member.email.to_lowercase() == wanted
            || member.name.to_lowercase() == wanted
    };
    let found: Vec<&Member> = workspace.members.values().filter(|member| member.active).filter(is).collect();
    match found.as_slice() {
        [one] => Ok(one),
        [] => Err(ApiError::new(
            ErrorCode::NotFound,
            format!("nobody here is {named:?}: name a member by e-mail address, name or id"),
        )),
        several => Err(ApiError::new(
            ErrorCode::Invalid,
            format!(
                "{} members are called {named:?}: name one by e-mail address: {}",
                several.len(),
                several.iter().map(|member| member.email.as_str()).collect::<Vec<_>>().join(", ")
            ),
        )),
    }
}

/// The member's id where the text names one, otherwise the text: an address or an imported name.
pub(crate) fn reference(workspace: Option<&Workspace>, named: &str) -> String {
    workspace
        .and_then(|workspace| member(workspace, named).ok())
        .map_or_else(|| named.trim().to_owned(), |member| member.id.to_string())
}

/// The key of a team that is named by key or name; what names none stands for itself, as imported teams do.
pub(crate) fn team(workspace: Option<&Workspace>, named: &str) -> String {
    let wanted = named.trim().to_lowercase();
    workspace
        .into_iter()
        .flat_map(|workspace| workspace.teams.values())
        .find(|team| team.key.to_lowercase() == wanted || team.name.to_lowercase() == wanted)
        .map_or_else(|| named.trim().to_owned(), |team| team.key.clone())
}
