//! Members, roles and teams.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{ids::MemberId, words::words};

words! {
    /// What a member may do; ordered by power. The rules are in `permissions`.
    Role, "role" {
        /// Asks; never syncs documents.
        Requester = "requester",
        /// Works on tickets, articles and incidents.
        Agent = "agent",
        /// Agent who also oversees: deletes, categories, shared views.
        Manager = "manager",
        /// Manager who also administers the workspace.
        Admin = "admin",
    }
}

/// What the server signs its own entries with, where members have their id.
pub const SERVER_NAME: &str = "server";

/// A person in the workspace, as everybody's device knows them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Stable identity; what documents refer to.
    pub id: MemberId,
    /// What to call them.
    pub name: String,
    /// Where they sign in with.
    pub email: String,
    /// What they may do.
    pub role: Role,
    /// Keys of their teams.
    #[serde(default)]
    pub teams: BTreeSet<String>,
    /// `false` once they left: nobody can be assigned to them any more.
    #[serde(default = "yes")]
    pub active: bool,
}

fn yes() -> bool {
    true
}

/// A group of agents.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Team {
    /// Short stable name, `service-desk`.
    pub key: String,
    /// What to call it.
    pub name: String,
    /// Its tickets are for its members, managers and admins alone; see `access`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub private: bool,
}
