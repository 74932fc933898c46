//! One member's own settings; they sync to that member's devices alone.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use crate::{alert::AlertKey, ids::DocId, time::UtcMillis};

/// The preference that holds the member's [`AlertSettings`](crate::alert::AlertSettings), as JSON.
pub const ALERT_SETTINGS: &str = "alerts";
/// The preference that says up to which instant alerts are read, RFC 3339.
pub const ALERTS_READ_AT: &str = "alerts_read_at";
const SNOOZE: &str = "snooze/";
/// How the names of preferences begin that say when an alert's acknowledgement was taken back; its key follows.
pub const REOPENED: &str = "reopened/";

/// The personal settings document, read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Personal {
    /// The document's id.
    pub id: DocId,
    /// Interface language, theme and the like, by name.
    pub preferences: BTreeMap<String, String>,
    /// Alerts that were acknowledged on any device, by alert key, with the instant.
    pub acknowledged: BTreeMap<String, UtcMillis>,
    /// The document's schema number.
    pub schema: u32,
}

/// What the member said of an alert, on whichever device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// When it was acknowledged; one that was taken back since does not count.
    pub acknowledged_at: Option<UtcMillis>,
    /// When an acknowledgement was last taken back.
    pub reopened_at: Option<UtcMillis>,
    /// Whether it was put off.
    pub snooze: Option<Snooze>,
}

/// How an alert was put off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Snooze {
    /// Until then.
    Until(UtcMillis),
    /// It was, and that was ended before its time.
    Ended,
}

/// The preference that says until when an alert is put off: RFC 3339, or nothing once that was ended.
pub fn snooze_preference(key: &AlertKey) -> String {
    format!("{SNOOZE}{key}")
}

/// The preference that says when an alert's acknowledgement was taken back, RFC 3339.
pub fn reopened_preference(key: &AlertKey) -> String {
    format!("{REOPENED}{key}")
}

impl Personal {
    /// What the member said of each alert. What does not read as an alert is left out.
    pub fn said(&self) -> HashMap<AlertKey, Said> {
        let mut said: HashMap<AlertKey, Said> = HashMap::new();
        for (name, value) in &self.preferences {
            if let Some(key) = name.strip_prefix(SNOOZE).and_then(|key| key.parse().ok()) {
                said.entry(key).or_default().snooze = match value.parse() {
                    Ok(until) => Some(Snooze::Until(until)),
                    Err(_) => Some(Snooze::Ended),
                };
            } else if let Some(key) = name.strip_prefix(REOPENED).and_then(|key| key.parse().ok()) {
                said.entry(key).or_default().reopened_at = value.parse().ok();
            }
        }
        for (name, at) in &self.acknowledged {
            if let Ok(key) = name.parse() {
                let of_alert = said.entry(key).or_default();
                of_alert.acknowledged_at =
                    Some(*at).filter(|at| of_alert.reopened_at.is_none_or(|reopened| reopened < *at));
            }
        }
        said
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{alert::AlertRule, ids::uuid_v7};

    #[test]
    fn what_was_said_of_an_alert_is_read_from_the_document() {
        let key = |due| AlertKey {
            subject: DocId(uuid_v7(UtcMillis(5), [3; 10])),
            rule: AlertRule::ResolutionBreach,
            percent: 100,
            due_at: UtcMillis(due),
        };
        let personal = Personal {
            id: key(0).subject,
            preferences: [
                (snooze_preference(&key(1)), "2026-11-21T09:05:00Z".to_owned()),
                (snooze_preference(&key(2)), String::new()),
                (reopened_preference(&key(3)), "2026-11-21T09:05:00Z".to_owned()),
                (reopened_preference(&key(4)), "2026-11-21T09:05:00Z".to_owned()),
                ("snooze/x".to_owned(), "2026-11-21T09:05:00Z".to_owned()),
                ("interface".to_owned(), "{}".to_owned()),
            ]
            .into(),
            acknowledged: [
                (key(3).to_string(), "2026-11-21T09:04:00Z".parse().expect("an instant")),
                (key(4).to_string(), "2026-11-21T09:06:00Z".parse().expect("an instant")),
                ("x".to_owned(), UtcMillis(0)),
            ]
            .into(),
            schema: 1,
        };
        let said = personal.said();
        assert_eq!(said.len(), 4);
        let at: UtcMillis = "2026-11-21T09:05:00Z".parse().expect("an instant");
        assert_eq!(said[&key(1)].snooze, Some(Snooze::Until(at)));
        assert_eq!(said[&key(2)].snooze, Some(Snooze::Ended));
        assert_eq!(said[&key(3)].acknowledged_at, None, "taken back since");
        assert_eq!(said[&key(4)].acknowledged_at, Some(at.plus_ms(60_000)));
    }
}
