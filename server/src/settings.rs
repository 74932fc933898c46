//! Entries of the settings document that the server writes.

use desk_domain::{
    edit::{Section, WorkspaceOp},
    people::Team,
};
use serde::Serialize;

/// Writes one entry of the settings.
///
/// # Errors
/// When the value has no JSON form, which no settings value lacks.
pub fn entry(section: Section, key: &str, value: &impl Serialize) -> Result<WorkspaceOp, serde_json::Error> {
    let value = Some(serde_json::to_string(value)?);
    Ok(WorkspaceOp::Set { section, key: key.to_owned(), value })
}

/// The entry of a new team, whose tickets everybody sees.
///
/// # Errors
/// See [`entry`].
pub fn team(key: &str, name: &str) -> Result<WorkspaceOp, serde_json::Error> {
    entry(Section::Teams, key, &Team { key: key.to_owned(), name: name.to_owned(), private: false })
}

/// A team's key from what an administrator typed: lower case, words joined by hyphens.
pub fn team_key(typed: &str) -> String {
    typed
        .to_lowercase()
        .split(|c: char| c.is_whitespace() || ['-', '_', '/', '.'].contains(&c))
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_teams_key_is_lower_case_with_hyphens() {
        for (typed, key) in
            [("Field Crew", "field-crew"), (" Сети / VPN ", "сети-vpn"), ("support", "support")]
        {
            assert_eq!(team_key(typed), key);
        }
    }
}
