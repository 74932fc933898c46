//! What a native notification says, in data; the shell puts it in the member's language and shows it.

use desk_domain::{
    alert::{Alert, AlertRule},
    ids::{DocId, DocKind},
};

/// One native notification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// One ticket or incident.
    Subject {
        /// What it is.
        kind: DocKind,
        /// Which one; activating the notification opens it.
        doc: DocId,
        /// `TK-…` or `INC-…`.
        number: String,
        /// Its title.
        title: String,
        /// What happened, the most urgent first.
        rules: Vec<AlertRule>,
    },
    /// More than a person would read one by one; activating it raises the window.
    Many {
        /// How many tickets and incidents.
        subjects: usize,
        /// How many of the alerts are breaches or escalations.
        urgent: usize,
    },
}

/// Shows notices. The shell has one that asks the operating system; the command line has none.
pub trait Notifier: Send + Sync + 'static {
    /// Shows a notice. What cannot be shown is logged, not returned: the alert stays in the list.
    fn show(&self, notice: Notice);
}

/// So many subjects at once are still shown one by one.
const ONE_BY_ONE: usize = 3;

/// The notices for alerts that were raised together: one per ticket or incident, or one for all if they are many.
pub(crate) fn notices(alerts: &[Alert]) -> Vec<Notice> {
    let mut subjects: Vec<(DocId, Vec<&Alert>)> = Vec::new();
    for alert in alerts {
        match subjects.iter_mut().find(|(doc, _)| *doc == alert.key.subject) {
            Some((_, of_doc)) => of_doc.push(alert),
            None => subjects.push((alert.key.subject, vec![alert])),
        }
    }
    if subjects.len() > ONE_BY_ONE {
        let urgent = alerts.iter().filter(|alert| alert.key.rule.is_urgent()).count();
        return vec![Notice::Many { subjects: subjects.len(), urgent }];
    }
    subjects
        .into_iter()
        .filter_map(|(doc, mut of_doc)| {
            of_doc.sort_by_key(|alert| (!alert.key.rule.is_urgent(), alert.key.due_at));
            // Once a target is breached, that a share of it was used up is no news.
            let breached = of_doc.iter().any(|alert| alert.key.rule.is_urgent());
            let mut rules: Vec<AlertRule> = of_doc
                .iter()
                .map(|alert| alert.key.rule)
                .filter(|rule| rule.is_urgent() || !breached)
                .collect();
            rules.dedup();
            let first = of_doc.first()?;
            Some(Notice::Subject {
                kind: first.kind,
                doc,
                number: first.number.clone(),
                title: first.title.clone(),
                rules,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use desk_domain::{alert::AlertKey, ids::uuid_v7, time::UtcMillis};

    use super::*;

    fn alert(subject: u8, rule: AlertRule, due: i64) -> Alert {
        Alert {
            key: AlertKey {
                subject: DocId(uuid_v7(UtcMillis(1), [subject; 10])),
                rule,
                percent: 100,
                due_at: UtcMillis(due),
            },
            kind: DocKind::Ticket,
            number: format!("TK-{subject}"),
            title: "t".into(),
            raised_at: None,
            acknowledged_at: None,
        }
    }

    #[test]
    fn a_ticket_that_breaches_several_targets_at_once_is_one_notice() {
        let alerts = [
            alert(1, AlertRule::ResolutionWarning, 1),
            alert(1, AlertRule::FirstResponseBreach, 3),
            alert(1, AlertRule::ResolutionBreach, 2),
        ];
        let [Notice::Subject { rules, .. }] = &notices(&alerts)[..] else { panic!() };
        assert_eq!(*rules, [AlertRule::ResolutionBreach, AlertRule::FirstResponseBreach]);
    }

    #[test]
    fn many_tickets_at_once_are_one_notice() {
        let alerts: Vec<Alert> =
            (1..=4).map(|subject| alert(subject, AlertRule::ResolutionBreach, 1)).collect();
        assert_eq!(notices(&alerts), [Notice::Many { subjects: 4, urgent: 4 }]);
        assert_eq!(notices(&alerts[..3]).len(), 3);
        assert!(notices(&[]).is_empty());
    }
}
