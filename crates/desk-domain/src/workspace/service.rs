//! What incidents affect.

use serde::{Deserialize, Serialize};

use super::Workspace;
use crate::{detection::Rule, ticket::NAME_MAX_CHARS};

/// Something that people use and an incident affects.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// What to call it; incidents name it by this or by its key.
    pub name: String,
    /// The key of the team that runs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    /// The key of the escalation policy that its incidents get.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escalation: Option<String>,
}

/// Why a service cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServiceError {
    /// It has no name.
    #[error("the service has no name; give it one")]
    NoName,
    /// The name cannot be told from its neighbours where services are listed.
    #[error(
        "the service's name is longer than {NAME_MAX_CHARS} characters or has a comma, a semicolon or a line break in it; incidents list services separated by those, so give it a name without"
    )]
    BadName,
    /// Another service is called so.
    #[error("another service ({other}) is called {name}; give this one a name of its own")]
    Taken {
        /// The name.
        name: String,
        /// The other's key.
        other: String,
    },
    /// It names what the workspace does not have.
    #[error("the service names the {what} {name}, which is not there; choose another")]
    Unknown {
        /// `team` or `escalation policy`.
        what: &'static str,
        /// How it is named.
        name: String,
    },
}

impl ServiceError {
    /// The field that is to be mended, as it stands in the settings.
    pub fn field(&self) -> &'static str {
        match self {
            Self::NoName | Self::BadName | Self::Taken { .. } => "name",
            Self::Unknown { what: "team", .. } => "team",
            Self::Unknown { .. } => "escalation",
        }
    }
}

impl Service {
    /// Whether it can be used, as far as it can be told from itself.
    ///
    /// # Errors
    /// Why not.
    pub fn check(&self) -> Result<(), ServiceError> {
        if self.name.trim().is_empty() {
            return Err(ServiceError::NoName);
        }
        if self.name.chars().count() > NAME_MAX_CHARS || self.name.contains([',', ';', '\n']) {
            return Err(ServiceError::BadName);
        }
        Ok(())
    }

    /// Whether it can stand under `key` among the others of the workspace: it can be used, its name is its own, and everything
    /// that it names is there. Asked when somebody writes it, and for showing what went missing since.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn check_among(&self, key: &str, workspace: &Workspace) -> Result<(), ServiceError> {
        self.check()?;
        let same = |one: &str, other: &str| one.trim().to_lowercase() == other.trim().to_lowercase();
        let taken = workspace.services.iter().find(|(other, service)| {
            *other != key && (same(&service.name, &self.name) || same(other, &self.name))
        });
        if let Some((other, _)) = taken {
            return Err(ServiceError::Taken { name: self.name.clone(), other: other.clone() });
        }
        let unknown = |what, name: &String| Err(ServiceError::Unknown { what, name: name.clone() });
        match (&self.team, &self.escalation) {
            (Some(team), _) if !workspace.teams.contains_key(team) => unknown("team", team),
            (_, Some(policy)) if !workspace.escalations.contains_key(policy) => {
                unknown("escalation policy", policy)
            }
            (_, _) => Ok(()),
        }
    }
}

impl Workspace {
    /// The rules of detection that name the service under `key` by its name, as they are once it is called `name`. What names it by
    /// its key stays as it is, and so does a rule that cannot be used, which nobody could write again.
    pub fn rules_after_renaming(&self, key: &str, name: &str) -> Vec<Rule> {
        let Some(before) = self.services.get(key).filter(|before| before.name != name) else {
            return Vec::new();
        };
        let renamed = |rule: &Rule| {
            let mut services = rule.services.clone();
            if !services.remove(&before.name) || rule.check().is_err() {
                return None;
            }
            services.insert(name.to_owned());
            Some(Rule { services, ..rule.clone() })
        };
        self.detection.values().filter_map(renamed).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::{
        detection::{Condition, heartbeat::Heartbeat},
        ids::{DocId, uuid_v7},
        incident::Severity,
        people::Team,
        time::UtcMillis,
        workspace::Workflow,
    };

    fn named(name: &str) -> Service {
        Service { name: name.to_owned(), ..Service::default() }
    }

    fn workspace() -> Workspace {
        let team = Team { key: "field".into(), name: "Выезд".into(), private: false };
        Workspace {
            id: DocId(uuid_v7(UtcMillis(1), [1; 10])),
            name: "W".into(),
            zone: "UTC".into(),
            members: BTreeMap::new(),
            teams: [("field".to_owned(), team)].into(),
            categories: BTreeMap::new(),
            workflow: Workflow::default(),
            calendars: BTreeMap::new(),
            policies: BTreeMap::new(),
            escalations: BTreeMap::new(),
            schedules: BTreeMap::new(),
            services: [("pos".to_owned(), named("Кассы"))].into(),
            detection: BTreeMap::new(),
            schema: 1,
        }
    }

    #[test]
    fn a_rename_takes_along_the_rules_that_name_the_service_by_its_name() {
        let rule = |key: &str, services: &[&str], grace_s| Rule {
            key: key.into(),
            name: "Нет связи".into(),
            enabled: false,
            severity: Severity::P2,
            services: services.iter().map(|&name| name.to_owned()).collect(),
            quiet_min: 60,
            when: Condition::Heartbeat(Heartbeat { heartbeat: "till".into(), every_s: 60, grace_s }),
        };
        let rules = [
            rule("by-name", &["Почта", "Кассы"], 0),
            rule("by-key", &["pos"], 0),
            rule("other", &["Почта"], 0),
            rule("broken", &["Кассы"], u32::MAX),
        ];
        let detection = rules.into_iter().map(|rule| (rule.key.clone(), rule)).collect();
        let workspace = Workspace { detection, ..workspace() };
        let renamed = workspace.rules_after_renaming("pos", "Терминалы");
        assert_eq!(renamed, [rule("by-name", &["Почта", "Терминалы"], 0)]);
        assert_eq!(workspace.rules_after_renaming("pos", "Кассы"), []);
        assert_eq!(workspace.rules_after_renaming("mail", "Почта"), []);
    }

    #[test]
    fn a_service_is_refused_with_the_field_and_what_to_do() {
        let workspace = workspace();
        let check = |key: &str, service: Service, expected: Option<(&str, &str)>| {
            let found =
                service.check_among(key, &workspace).map_err(|error| (error.field(), error.to_string()));
            match (found, expected) {
                (Ok(()), None) => {}
                (Err((field, text)), Some((at, about))) => {
                    assert_eq!(field, at, "{text}");
                    assert!(text.contains(about), "{text}");
                }
                (found, expected) => panic!("{service:?}: {found:?}, not {expected:?}"),
            }
        };
        check("mail", named("Почта"), None);
        check("pos", named("Кассы"), None);
        check("mail", named(" "), Some(("name", "give it one")));
        check("mail", named("Почта, архив"), Some(("name", "without")));
        check("mail", named(&"x".repeat(NAME_MAX_CHARS + 1)), Some(("name", "longer")));
        check("mail", named("кассы "), Some(("name", "of its own")));
        check("mail", named("POS"), Some(("name", "of its own")));
        let of = |team: Option<&str>, escalation: Option<&str>| Service {
            team: team.map(Into::into),
            escalation: escalation.map(Into::into),
            ..named("Почта")
        };
        check("mail", of(Some("field"), None), None);
        check("mail", of(Some("gone"), None), Some(("team", "choose another")));
        check("mail", of(Some("field"), Some("gone")), Some(("escalation", "choose another")));
    }
}
