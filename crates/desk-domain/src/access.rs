//! Which tickets a member sees: those of a private team are its members', managers' and admins'; all others are everybody's
//! who syncs. A function of the settings, the member and their role, the same on every server.

use std::collections::BTreeSet;

use crate::{ids::MemberId, people::Role, workspace::Workspace};

/// What stands between a member and the tickets of a workspace at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    private: BTreeSet<String>,
    hidden: BTreeSet<String>,
}

impl Scope {
    /// The scope of a member by these settings. Whoever is not listed in them is in no team.
    pub fn of(settings: &Workspace, member: MemberId, role: Role) -> Self {
        let private: BTreeSet<String> =
            settings.teams.values().filter(|team| team.private).map(|team| team.key.clone()).collect();
        let hidden = if role >= Role::Manager {
            BTreeSet::new()
        } else {
            let listed = settings.members.get(&member);
            let is_in = |team: &str| listed.is_some_and(|listed| listed.teams.contains(team));
            private.iter().filter(|team| !is_in(team)).cloned().collect()
        };
        Self { private, hidden }
    }

    /// The teams whose tickets are not everybody's.
    pub fn private(&self) -> &BTreeSet<String> {
        &self.private
    }

    /// The teams whose tickets this member does not see.
    pub fn hidden(&self) -> &BTreeSet<String> {
        &self.hidden
    }

    /// Whether a document of this team may be seen; one that is no team's is everybody's.
    pub fn sees(&self, team: Option<&str>) -> bool {
        team.is_none_or(|team| !self.hidden.contains(team))
    }

    /// What the member gets of an entry of the log.
    pub fn shows(&self, entry: &Entry<'_>) -> Shown {
        match (self.sees(entry.team), entry.left) {
            (false, Some(Left { from })) if self.sees(from) => Shown::Withdrawn,
            (false, _) => Shown::Nothing,
            (true, _) => match entry.crossed {
                Some(at) if at > entry.seq => Shown::Nothing,
                Some(at) if at == entry.seq => Shown::Whole,
                Some(_) | None => Shown::Change,
            },
        }
    }
}

/// An entry of the log with what is known of its document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Its number.
    pub seq: u64,
    /// The document's team as it is now.
    pub team: Option<&'a str>,
    /// That the document left a team with this entry.
    pub left: Option<Left<'a>>,
    /// The number of the last entry with which the document came into a private team or left one.
    pub crossed: Option<u64>,
}

/// A document went to another team.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Left<'a> {
    /// Whose it was; `None` where it was no team's.
    pub from: Option<&'a str>,
}

/// What a member gets of an entry of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// Nothing: the document is not for them, or comes whole with a later entry.
    Nothing,
    /// The change.
    Change,
    /// The whole document as it is now: they may not have had it before.
    Whole,
    /// That the document is not for them any more.
    Withdrawn,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::{
        ids::{DocId, uuid_v7},
        people::{Member, Team},
        time::UtcMillis,
        workspace::Workflow,
    };

    fn id(n: u8) -> MemberId {
        MemberId(uuid_v7(UtcMillis(1), [n; 10]))
    }

    fn settings(private: &[&str], members: &[(u8, &[&str])]) -> Workspace {
        let team = |key: &&str| {
            let team =
                Team { key: (*key).to_owned(), name: (*key).to_owned(), private: private.contains(key) };
            (team.key.clone(), team)
        };
        let member = |(n, teams): &(u8, &[&str])| {
            let teams = teams.iter().map(|key| (*key).to_owned()).collect();
            let (name, email) = (String::new(), String::new());
            (id(*n), Member { id: id(*n), name, email, role: Role::Agent, teams, active: true })
        };
        Workspace {
            id: DocId(uuid_v7(UtcMillis(1), [0; 10])),
            name: String::new(),
            zone: "UTC".to_owned(),
            members: members.iter().map(member).collect(),
            teams: ["hr", "it", "desk"].iter().map(team).collect(),
            categories: BTreeMap::new(),
            workflow: Workflow::default(),
            calendars: BTreeMap::new(),
            policies: BTreeMap::new(),
            escalations: BTreeMap::new(),
            schedules: BTreeMap::new(),
            services: BTreeMap::new(),
            detection: BTreeMap::new(),
            schema: 1,
        }
    }

    #[test]
    fn a_private_teams_tickets_are_its_members_and_the_managers() {
        let settings = settings(&["hr", "it"], &[(1, &["hr"]), (2, &["desk"])]);
        let check = |member: u8, role: Role, team: Option<&str>, expected: bool| {
            let scope = Scope::of(&settings, id(member), role);
            assert_eq!(scope.sees(team), expected, "{member} {role} {team:?}");
        };
        check(1, Role::Agent, Some("hr"), true);
        check(1, Role::Agent, Some("it"), false);
        check(1, Role::Agent, Some("desk"), true);
        check(1, Role::Agent, None, true);
        check(2, Role::Agent, Some("hr"), false);
        check(2, Role::Manager, Some("hr"), true);
        check(2, Role::Admin, Some("it"), true);
        check(9, Role::Agent, Some("hr"), false);
        check(9, Role::Agent, Some("no such team"), true);
        check(1, Role::Requester, Some("it"), false);
    }

    #[test]
    fn an_entry_is_shown_by_where_its_document_is_now() {
        let settings = settings(&["hr", "it"], &[(1, &["hr"])]);
        let scope = Scope::of(&settings, id(1), Role::Agent);
        let from = |from| Some(Left { from });
        let check = |team: Option<&str>, left: Option<Left<'_>>, crossed: Option<u64>, expected: Shown| {
            let entry = Entry { seq: 5, team, left, crossed };
            assert_eq!(scope.shows(&entry), expected, "{entry:?}");
        };
        check(None, None, None, Shown::Change);
        check(Some("desk"), from(None), None, Shown::Change);
        check(Some("it"), None, None, Shown::Nothing);
        check(Some("it"), from(None), Some(5), Shown::Withdrawn);
        check(Some("it"), from(Some("hr")), Some(5), Shown::Withdrawn);
        // It passed through another team that is hidden, too.
        check(Some("it"), from(Some("it")), Some(5), Shown::Nothing);
        check(Some("hr"), from(Some("it")), Some(5), Shown::Whole);
        check(None, None, Some(9), Shown::Nothing);
        check(None, None, Some(4), Shown::Change);
    }
}
