//! What leads from one set of rules to another, entry by entry, as the settings keep them.

use serde::{Deserialize, Serialize};

use super::{
    calendar::Calendar,
    policy::{Policy, SlaRules},
};

/// Policies are numbered by tens, so that one fits between two.
const ORDER_STEP: u32 = 10;

/// An entry of the SLA rules that is to be written, or taken away.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum RuleChange {
    /// A policy.
    Policy {
        /// Its key.
        key: String,
        /// As it shall be; nothing to take it away.
        policy: Option<Policy>,
    },
    /// A calendar.
    Calendar {
        /// Its key.
        key: String,
        /// As it shall be; nothing to take it away.
        calendar: Option<Calendar>,
    },
}

impl SlaRules {
    /// What has to be changed in these rules for them to be `wanted`, and no others. Policies stand in the order that they have
    /// there: where their numbers say another one, they are numbered anew.
    pub fn changes_to(&self, wanted: &Self) -> Vec<RuleChange> {
        let mut policies = wanted.policies.clone();
        if !policies.is_sorted_by(|a, b| (a.order, &a.key) <= (b.order, &b.key)) {
            for (order, policy) in (1..).zip(&mut policies) {
                policy.order = ORDER_STEP * order;
            }
        }
        let mut changes = Vec::new();
        for (key, calendar) in &wanted.calendars {
            if self.calendars.get(key) != Some(calendar) {
                changes.push(RuleChange::Calendar { key: key.clone(), calendar: Some(calendar.clone()) });
            }
        }
        for policy in &policies {
            if !self.policies.contains(policy) {
                changes.push(RuleChange::Policy { key: policy.key.clone(), policy: Some(policy.clone()) });
            }
        }
        for gone in &self.policies {
            if !policies.iter().any(|policy| policy.key == gone.key) {
                changes.push(RuleChange::Policy { key: gone.key.clone(), policy: None });
            }
        }
        for gone in self.calendars.keys().filter(|key| !wanted.calendars.contains_key(*key)) {
            changes.push(RuleChange::Calendar { key: gone.clone(), calendar: None });
        }
        changes
    }

    /// These rules with changes made to them, policies in their order.
    #[must_use]
    pub fn with(&self, changes: &[RuleChange]) -> Self {
        let mut rules = self.clone();
        for change in changes {
            match change {
                RuleChange::Policy { key, policy } => {
                    rules.policies.retain(|known| known.key != *key);
                    rules.policies.extend(policy.clone());
                }
                RuleChange::Calendar { key, calendar: Some(calendar) } => {
                    rules.calendars.insert(key.clone(), calendar.clone());
                }
                RuleChange::Calendar { key, calendar: None } => {
                    rules.calendars.remove(key);
                }
            }
        }
        rules.policies.sort_by(|a, b| (a.order, &a.key).cmp(&(b.order, &b.key)));
        rules
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(key: &str, order: u32) -> Policy {
        let json = serde_json::json!({
            "key": key, "name": key, "order": order, "calendar": "always", "targets": {"high": {"resolution_min": 60}}
        });
        serde_json::from_value(json).unwrap()
    }

    fn rules(policies: Vec<Policy>, calendars: &[&str]) -> SlaRules {
        let calendars = calendars.iter().map(|key| ((*key).to_owned(), Calendar::always())).collect();
        SlaRules { policies, calendars }
    }

    #[test]
    fn what_is_to_be_changed_is_told_and_nothing_else() {
        let present = rules(vec![policy("a", 1), policy("b", 2)], &["always", "old"]);
        assert_eq!(present.changes_to(&present), []);
        let wanted = rules(vec![policy("b", 2), policy("c", 3)], &["always", "new"]);
        let told: Vec<String> = present
            .changes_to(&wanted)
            .into_iter()
            .map(|change| match change {
                RuleChange::Policy { key, policy } => format!("{key} {}", policy.is_some()),
                RuleChange::Calendar { key, calendar } => format!("calendar {key} {}", calendar.is_some()),
            })
            .collect();
        assert_eq!(told, ["calendar new true", "c true", "a false", "calendar old false"]);
    }

    #[test]
    fn changes_lead_from_one_to_the_other_and_back() {
        let one = rules(vec![policy("a", 1), policy("b", 2)], &["always", "old"]);
        let other = rules(vec![policy("c", 0), policy("b", 3)], &["always", "new"]);
        assert_eq!(one.with(&one.changes_to(&other)), other);
        assert_eq!(other.with(&other.changes_to(&one)), one);
    }

    #[test]
    fn policies_stand_in_the_order_of_the_file() {
        let wanted = rules(vec![policy("b", 0), policy("a", 0)], &["always"]);
        let orders: Vec<u32> = SlaRules::default()
            .changes_to(&wanted)
            .into_iter()
            .filter_map(|change| match change {
                RuleChange::Policy { policy, .. } => policy.map(|policy| policy.order),
                RuleChange::Calendar { .. } => None,
            })
            .collect();
        assert_eq!(orders, [10, 20]);
    }
}
