//! Who is signed in and what the workspace calls things; a context of every component.

use std::rc::Rc;

use desk_api::{
    ApiError,
    view::{SessionView, Who},
};
use desk_domain::{
    people::{Member, Role, SERVER_NAME},
    workspace::Workspace,
};
use yew::prelude::*;

use crate::i18n::I18n;

/// What the components need to know of the session.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Session {
    /// Who is signed in.
    pub(crate) who: Option<Who>,
    /// The workspace's settings, once there are some.
    pub(crate) workspace: Option<Workspace>,
    /// Why the store may only be read, if that is so.
    pub(crate) read_only: Option<ApiError>,
}

impl From<&SessionView> for Session {
    fn from(view: &SessionView) -> Self {
        Self { who: view.who.clone(), workspace: view.workspace.clone(), read_only: view.read_only.clone() }
    }
}

impl Session {
    /// The member's id as documents refer to it.
    pub(crate) fn me(&self) -> String {
        self.who.as_ref().map(|who| who.member.id.to_string()).unwrap_or_default()
    }

    /// What the member may do.
    pub(crate) fn role(&self) -> Role {
        self.who.as_ref().map_or(Role::Requester, |who| who.member.role)
    }

    /// What to show for a person's reference.
    pub(crate) fn name(&self, reference: &str) -> String {
        let known = self.workspace.as_ref().map(|workspace| workspace.display_name(reference).to_owned());
        known.unwrap_or_else(|| reference.to_owned())
    }

    /// What to show for whoever signed an entry: a person, or the server.
    pub(crate) fn author(&self, i18n: I18n, reference: &str) -> String {
        if reference == SERVER_NAME { i18n.t("by-system") } else { self.name(reference) }
    }

    /// The members who can be given work, by name, the member themself first.
    pub(crate) fn assignable(&self) -> Vec<Member> {
        let me = self.me();
        let mut members: Vec<Member> = self
            .workspace
            .iter()
            .flat_map(|workspace| workspace.members.values())
            .filter(|member| member.active && member.role >= Role::Agent)
            .cloned()
            .collect();
        members.sort_by_cached_key(|member| (member.id.to_string() != me, member.name.to_lowercase()));
        members
    }

    /// Every active member, by name.
    pub(crate) fn people(&self) -> Vec<Member> {
        let workspace = self.workspace.iter();
        let mut members: Vec<Member> = workspace
            .flat_map(|workspace| workspace.members.values())
            .filter(|member| member.active)
            .cloned()
            .collect();
        members.sort_by_cached_key(|member| member.name.to_lowercase());
        members
    }

    /// Teams: key and name, by name.
    pub(crate) fn teams(&self) -> Vec<(String, String)> {
        let mut teams: Vec<_> = self
            .workspace
            .iter()
            .flat_map(|workspace| &workspace.teams)
            .map(|(key, team)| (key.clone(), team.name.clone()))
            .collect();
        teams.sort_by_cached_key(|(_, name)| name.to_lowercase());
        teams
    }

    /// Categories: key and name, by name.
    pub(crate) fn categories(&self) -> Vec<(String, String)> {
        let mut categories: Vec<_> = self
            .workspace
            .iter()
            .flat_map(|workspace| &workspace.categories)
            .map(|(key, name)| (key.clone(), name.clone()))
            .collect();
        categories.sort_by_cached_key(|(_, name)| name.to_lowercase());
        categories
    }

    /// What services are called, in their order.
    pub(crate) fn services(&self) -> Vec<String> {
        let services = self.workspace.iter().flat_map(|workspace| workspace.services.values());
        let mut names: Vec<String> = services.map(|service| service.name.clone()).collect();
        names.sort_by_cached_key(|name| name.to_lowercase());
        names
    }

    /// What to show for a service, named by its key or its name.
    pub(crate) fn service_name(&self, named: &str) -> String {
        let service = self.workspace.as_ref().and_then(|workspace| workspace.services.get(named));
        service.map_or_else(|| named.to_owned(), |service| service.name.clone())
    }

    /// What to show for a team's key.
    pub(crate) fn team_name(&self, key: &str) -> String {
        let team = self.workspace.as_ref().and_then(|workspace| workspace.teams.get(key));
        team.map_or_else(|| key.to_owned(), |team| team.name.clone())
    }

    /// What to show for a category's key.
    pub(crate) fn category_name(&self, key: &str) -> String {
        let name = self.workspace.as_ref().and_then(|workspace| workspace.categories.get(key));
        name.cloned().unwrap_or_else(|| key.to_owned())
    }
}

/// The session.
#[hook]
pub(crate) fn use_session() -> Rc<Session> {
    use_context::<Rc<Session>>().unwrap_or_default()
}
