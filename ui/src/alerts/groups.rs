//! Alerts by what they are about: a ticket that ran through its warnings into a breach is one thing to look at.

use desk_domain::{
    alert::{Alert, AlertKey},
    ids::{DocId, DocKind},
    time::UtcMillis,
};

/// Which alerts are looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Filter {
    /// All.
    #[default]
    All,
    /// Breaches, incidents and escalations.
    Urgent,
    /// Of tickets.
    Tickets,
    /// Of incidents.
    Incidents,
}

impl Filter {
    /// Every filter, in order.
    pub(crate) const ALL: [Self; 4] = [Self::All, Self::Urgent, Self::Tickets, Self::Incidents];

    /// What the program calls it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Urgent => "urgent",
            Self::Tickets => "tickets",
            Self::Incidents => "incidents",
        }
    }

    fn lets(self, alert: &Alert) -> bool {
        match self {
            Self::All => true,
            Self::Urgent => alert.key.rule.is_urgent(),
            Self::Tickets => alert.kind == DocKind::Ticket,
            Self::Incidents => alert.kind == DocKind::Incident,
        }
    }
}

/// The alerts about one ticket or incident, the newest first.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Group {
    /// What they are about.
    pub(crate) subject: DocId,
    /// Never empty.
    pub(crate) alerts: Vec<Alert>,
}

impl Group {
    /// Their keys.
    pub(crate) fn keys(&self) -> Vec<AlertKey> {
        self.alerts.iter().map(|alert| alert.key.clone()).collect()
    }

    /// One of them cannot wait.
    pub(crate) fn is_urgent(&self) -> bool {
        self.alerts.iter().any(|alert| alert.key.rule.is_urgent())
    }

    /// One of them was raised after `read_at`.
    pub(crate) fn is_unread(&self, read_at: Option<UtcMillis>) -> bool {
        self.alerts
            .iter()
            .any(|alert| alert.state.raised_at.is_some_and(|at| read_at.is_none_or(|read| at > read)))
    }
}

/// The groups of the alerts that a filter lets through, in the order of their first alerts.
pub(crate) fn groups(alerts: &[Alert], filter: Filter) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut places = std::collections::HashMap::new();
    for alert in alerts.iter().filter(|alert| filter.lets(alert)) {
        let subject = alert.key.subject;
        let place = *places.entry(subject).or_insert_with(|| {
            groups.push(Group { subject, alerts: Vec::new() });
            groups.len() - 1
        });
        groups[place].alerts.push(alert.clone());
    }
    groups
}

#[cfg(test)]
mod tests {
    use desk_domain::alert::{AlertRule, AlertState};

    use super::*;

    fn alert(subject: u8, rule: AlertRule, raised: i64) -> Alert {
        let subject = format!("0199d2b4-3c00-7000-8000-{subject:012}").parse().expect("an id");
        let of_incident = rule == AlertRule::IncidentDeclared;
        Alert {
            key: AlertKey { subject, rule, percent: 100, due_at: UtcMillis(raised) },
            kind: if of_incident { DocKind::Incident } else { DocKind::Ticket },
            number: String::new(),
            title: String::new(),
            priority: None,
            severity: None,
            stands: true,
            state: AlertState::raised(UtcMillis(raised)),
        }
    }

    #[test]
    fn alerts_of_one_subject_stand_together() {
        let alerts = [
            alert(1, AlertRule::ResolutionBreach, 9),
            alert(2, AlertRule::ResolutionWarning, 8),
            alert(3, AlertRule::IncidentDeclared, 7),
            alert(1, AlertRule::ResolutionWarning, 6),
        ];
        let check = |filter, expected: &[usize]| {
            let sizes: Vec<usize> = groups(&alerts, filter).iter().map(|group| group.alerts.len()).collect();
            assert_eq!(sizes, expected, "{filter:?}");
        };
        check(Filter::All, &[2, 1, 1]);
        check(Filter::Urgent, &[1, 1]);
        check(Filter::Tickets, &[2, 1]);
        check(Filter::Incidents, &[1]);
        let all = groups(&alerts, Filter::All);
        assert!(all[0].is_urgent() && !all[1].is_urgent());
        assert!(all[0].is_unread(Some(UtcMillis(8))) && !all[1].is_unread(Some(UtcMillis(8))));
        assert!(all[1].is_unread(None));
    }
}
