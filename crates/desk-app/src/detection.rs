//! What incidents affect, and the rules that propose them: changing both.

use desk_api::{ApiError, ErrorCode};
use desk_domain::{
    detection::{Rule, RuleProblem},
    edit::Section,
    workspace::{Service, ServiceError},
};

use crate::{Desk, oncall::setting};

impl Desk {
    /// Writes a service that incidents may affect; `None` retires it. Rules of detection that name it by the name that it had
    /// name it by its new one, in the same change.
    ///
    /// # Errors
    /// When it cannot be used, has another's name or names what is not there (the error's field says where), or the member may
    /// not write it.
    pub async fn save_service(&self, key: &str, service: Option<&Service>) -> Result<(), ApiError> {
        let mut ops = vec![setting(Section::Services, key, service)?];
        if let Some(service) = service {
            let refused =
                |error: ServiceError| ApiError::new(ErrorCode::Invalid, error.to_string()).at(error.field());
            let workspace = self.settings_here()?;
            service.check_among(key, &workspace).map_err(refused)?;
            for rule in workspace.rules_after_renaming(key, &service.name) {
                ops.push(setting(Section::Detection, &rule.key, Some(&rule))?);
            }
        }
        self.change_settings(ops).await
    }

    /// Writes a rule of detection under `key`, which becomes its own; `None` retires it. What it proposed stays.
    ///
    /// # Errors
    /// When it cannot be used or names what is not there (the error's field says where), or the member may not write it.
    pub async fn save_rule(&self, key: &str, rule: Option<&Rule>) -> Result<(), ApiError> {
        let rule = rule.map(|rule| Rule { key: key.to_owned(), ..rule.clone() });
        if let Some(rule) = &rule {
            self.check_rule(rule)?;
        }
        self.save_setting(Section::Detection, key, rule.as_ref()).await
    }

    /// Whether a rule of detection can be used here.
    ///
    /// # Errors
    /// Why not; the error's field says where.
    pub fn check_rule(&self, rule: &Rule) -> Result<(), ApiError> {
        let refused = |problem: RuleProblem| {
            ApiError::new(ErrorCode::Invalid, problem.to_string()).at(problem.field().as_str())
        };
        rule.check_among(&self.settings_here()?).map_err(refused)
    }
}
