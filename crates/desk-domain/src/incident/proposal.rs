//! What became of an incident that a detection rule proposed.

use serde::{Deserialize, Serialize};

use super::{Incident, Milestone, Severity, TimelineEvent, metrics::Facts};
use crate::{
    detection::{Evidence, LastProposal},
    time::UtcMillis,
    words::words,
};

words! {
    /// Where a proposal stands.
    ProposalState, "proposal state" {
        /// Nobody has decided yet.
        Waiting = "waiting",
        /// Somebody found it to be an incident. That counts however many others dismissed it.
        Confirmed = "confirmed",
        /// Somebody found it to be none, and nobody found it to be one.
        Dismissed = "dismissed",
    }
}

/// A rule's proposal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Proposal {
    /// The rule's key.
    pub rule: String,
    /// How bad the rule takes it to be.
    pub severity: Severity,
    /// What the rule saw; `None` when a newer program wrote evidence that this one does not know.
    pub evidence: Option<Evidence>,
    /// When it was proposed.
    pub proposed_at: UtcMillis,
    /// Where it stands.
    pub state: ProposalState,
    /// Who decided, unless it waits.
    pub decided: Option<Decision>,
}

/// Somebody confirmed or dismissed a proposal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// A member's id.
    pub by: String,
    /// When.
    pub at: UtcMillis,
    /// Why it is none; blank for a confirmation.
    pub text: String,
}

impl Incident {
    /// The proposal that it began as; `None` when a person declared it.
    ///
    /// The first confirmation counts, wherever it was made; without one, the last dismissal.
    pub fn proposal(&self) -> Option<Proposal> {
        let (proposed_at, rule, severity, evidence) = self.timeline.iter().find_map(|entry| {
            let TimelineEvent::Proposed { rule, severity, evidence } = &entry.event else { return None };
            Some((entry.at, rule.clone(), *severity, evidence))
        })?;
        let confirmed = self.timeline.iter().find_map(|entry| {
            let TimelineEvent::Confirmed = &entry.event else { return None };
            Some(Decision { by: entry.by.clone(), at: entry.at, text: String::new() })
        });
        let dismissed = self.timeline.iter().rev().find_map(|entry| {
            let TimelineEvent::Dismissed { text } = &entry.event else { return None };
            Some(Decision { by: entry.by.clone(), at: entry.at, text: text.clone() })
        });
        let (state, decided) = match (confirmed, dismissed) {
            (Some(confirmed), _) => (ProposalState::Confirmed, Some(confirmed)),
            (None, Some(dismissed)) => (ProposalState::Dismissed, Some(dismissed)),
            (None, None) => (ProposalState::Waiting, None),
        };
        let evidence = serde_json::from_str(evidence).ok();
        Some(Proposal { rule, severity, evidence, proposed_at, state, decided })
    }

    /// What its rule has to know before it proposes again; `None` when a person declared it. One that was deleted counts as
    /// dismissed when it last changed.
    pub fn last_proposal(&self) -> Option<LastProposal> {
        let proposal = self.proposal()?;
        let ended_at = || self.milestones.get(&Milestone::Resolved).copied().unwrap_or(self.updated_at);
        Some(match (proposal.state, proposal.decided) {
            (_, _) if self.deleted => LastProposal::Dismissed { at: self.updated_at },
            (ProposalState::Dismissed, Some(decision)) => LastProposal::Dismissed { at: decision.at },
            (_, _) if self.status.is_done() => LastProposal::Over { at: ended_at() },
            (_, _) => LastProposal::Open,
        })
    }

    /// It counts as an incident: neither deleted nor a proposal that nobody confirmed.
    pub fn is_real(&self) -> bool {
        !self.deleted && !self.is_proposed()
    }

    /// What response times are computed from.
    pub fn facts(&self) -> Facts {
        Facts {
            severity: self.severity,
            services: self.services.clone(),
            created_at: self.created_at,
            milestones: self.milestones.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::{
        ids::{DocId, EntryId, uuid_v7},
        incident::{IncidentStatus, TimelineEntry},
    };

    fn incident(events: Vec<(i64, &str, TimelineEvent)>) -> Incident {
        let timeline = events.into_iter().map(|(at, by, event)| TimelineEntry {
            id: EntryId(uuid_v7(UtcMillis(at), [1; 10])),
            at: UtcMillis(at),
            by: by.to_owned(),
            event,
        });
        Incident {
            id: DocId(uuid_v7(UtcMillis(1), [0; 10])),
            title: "Касса".into(),
            summary: String::new(),
            severity: Severity::P2,
            status: IncidentStatus::Open,
            services: BTreeSet::new(),
            roles: BTreeMap::new(),
            tickets: BTreeSet::new(),
            timeline: timeline.collect(),
            milestones: BTreeMap::new(),
            postmortem: String::new(),
            created_at: UtcMillis(1),
            updated_at: UtcMillis(9),
            deleted: false,
            conflicts: Vec::new(),
            schema: 1,
        }
    }

    fn proposed() -> (i64, &'static str, TimelineEvent) {
        let (rule, evidence) = ("tills".to_owned(), "{}".to_owned());
        (1, "server", TimelineEvent::Proposed { rule, severity: Severity::P1, evidence })
    }

    fn dismissed(at: i64, text: &str) -> (i64, &'static str, TimelineEvent) {
        (at, "ann", TimelineEvent::Dismissed { text: text.to_owned() })
    }

    #[test]
    fn a_confirmation_anywhere_wins() {
        let check = |events: Vec<_>, expected: Option<(ProposalState, Option<(&str, i64)>)>| {
            let found = incident(events).proposal();
            let found = found.as_ref().map(|proposal| {
                (
                    proposal.state,
                    proposal.decided.as_ref().map(|decision| (decision.by.as_str(), decision.at.0)),
                )
            });
            assert_eq!(found, expected);
        };
        let confirmed = |at, by| (at, by, TimelineEvent::Confirmed);
        check(vec![], None);
        check(vec![proposed()], Some((ProposalState::Waiting, None)));
        check(vec![proposed(), dismissed(3, "")], Some((ProposalState::Dismissed, Some(("ann", 3)))));
        check(
            vec![proposed(), confirmed(2, "bob"), dismissed(3, "")],
            Some((ProposalState::Confirmed, Some(("bob", 2)))),
        );
        check(
            vec![proposed(), dismissed(2, ""), confirmed(3, "bob"), confirmed(4, "eve")],
            Some((ProposalState::Confirmed, Some(("bob", 3)))),
        );
    }

    #[test]
    fn its_rule_knows_what_became_of_it() {
        let check = |incident: Incident, expected: Option<LastProposal>| {
            assert_eq!(incident.last_proposal(), expected);
        };
        let over = |incident: Incident| Incident {
            status: IncidentStatus::Resolved,
            milestones: [(Milestone::Resolved, UtcMillis(7))].into(),
            ..incident
        };
        let confirmed = || vec![proposed(), (2, "bob", TimelineEvent::Confirmed)];
        check(incident(vec![]), None);
        check(incident(vec![proposed()]), Some(LastProposal::Open));
        check(incident(confirmed()), Some(LastProposal::Open));
        check(over(incident(confirmed())), Some(LastProposal::Over { at: UtcMillis(7) }));
        check(
            incident(vec![proposed(), dismissed(3, "no"), dismissed(5, "")]),
            Some(LastProposal::Dismissed { at: UtcMillis(5) }),
        );
        check(
            Incident { deleted: true, ..incident(vec![proposed()]) },
            Some(LastProposal::Dismissed { at: UtcMillis(9) }),
        );
    }

    #[test]
    fn evidence_that_is_not_known_hides_nothing() {
        let found = incident(vec![proposed()]).proposal().unwrap();
        assert_eq!((found.evidence, found.severity), (None, Severity::P1));
        assert!(!incident(vec![proposed()]).is_real());
        assert!(incident(vec![]).is_real());
    }
}
