//! The settings that a workspace shares: people, categories, workflow, calendars, policies.

mod defaults;
mod service;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    detection, escalation,
    ids::{DocId, MemberId},
    people::{Member, Team},
    sla::{Calendar, Policy, SlaRules},
    ticket::Status,
};

pub use defaults::{OFFICE_CALENDAR, default_escalations, default_settings};
pub use service::{Service, ServiceError};

/// The settings document, read. Each entry of a section is a whole value: the last writer of an entry wins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Workspace {
    /// The document's id.
    pub id: DocId,
    /// What to call the workspace.
    pub name: String,
    /// IANA time zone in which dates without a zone are read.
    pub zone: String,
    /// Everybody who ever was a member.
    pub members: BTreeMap<MemberId, Member>,
    /// Teams by key.
    pub teams: BTreeMap<String, Team>,
    /// Categories by key, with their names.
    pub categories: BTreeMap<String, String>,
    /// Which status moves are allowed.
    pub workflow: Workflow,
    /// Business hours by key.
    pub calendars: BTreeMap<String, Calendar>,
    /// SLA policies by key.
    pub policies: BTreeMap<String, Policy>,
    /// Escalation policies by key.
    pub escalations: BTreeMap<String, escalation::Policy>,
    /// On-call schedules by key.
    pub schedules: BTreeMap<String, escalation::Schedule>,
    /// What incidents affect, by key.
    pub services: BTreeMap<String, Service>,
    /// Rules that propose incidents, by key.
    pub detection: BTreeMap<String, detection::Rule>,
    /// The document's schema number.
    pub schema: u32,
}

impl Workspace {
    /// What `sla::clocks` needs, policies in their order.
    pub fn sla_rules(&self) -> SlaRules {
        let mut policies: Vec<Policy> = self.policies.values().cloned().collect();
        policies.sort_by(|a, b| (a.order, &a.key).cmp(&(b.order, &b.key)));
        SlaRules { policies, calendars: self.calendars.clone() }
    }

    /// The member whom a reference in a document names, if it is one.
    pub fn member(&self, reference: &str) -> Option<&Member> {
        reference.parse().ok().and_then(|id: MemberId| self.members.get(&id))
    }

    /// What to show for a reference: the member's name, or the reference itself (an imported name, an address).
    pub fn display_name<'a>(&'a self, reference: &'a str) -> &'a str {
        self.member(reference).map_or(reference, |member| &member.name)
    }
}

/// Which status moves are allowed, as data of the workspace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workflow {
    /// From each status, the ones it may move to.
    pub moves: BTreeMap<Status, BTreeSet<Status>>,
}

impl Workflow {
    /// Whether a ticket may go from `from` to `to`. Staying is always allowed.
    pub fn allows(&self, from: Status, to: Status) -> bool {
        from == to || self.moves.get(&from).is_some_and(|targets| targets.contains(&to))
    }
}

impl Default for Workflow {
    /// Work moves freely among the active statuses; what is closed or cancelled is reopened before it moves on.
    fn default() -> Self {
        use Status::{Cancelled, Closed, InProgress, Open, Pending, Resolved};
        let moves = [
            (Open, vec![InProgress, Pending, Resolved, Closed, Cancelled]),
            (InProgress, vec![Open, Pending, Resolved, Closed, Cancelled]),
            (Pending, vec![Open, InProgress, Resolved, Closed, Cancelled]),
            (Resolved, vec![Open, InProgress, Closed]),
            (Closed, vec![Open, InProgress]),
            (Cancelled, vec![Open]),
        ];
        Self { moves: moves.into_iter().map(|(from, to)| (from, to.into_iter().collect())).collect() }
    }
}
