//! A document read, whatever its kind.

use serde::{Deserialize, Serialize};

use crate::{
    article::Article,
    ids::{DocId, DocKind},
    incident::Incident,
    personal::Personal,
    ticket::Ticket,
    workspace::Workspace,
};

/// What a document says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "state", rename_all = "snake_case")]
pub enum State {
    /// A ticket.
    Ticket(Box<Ticket>),
    /// An article.
    Article(Box<Article>),
    /// An incident.
    Incident(Box<Incident>),
    /// The workspace's settings.
    Workspace(Box<Workspace>),
    /// A member's own settings.
    Personal(Box<Personal>),
}

impl State {
    /// What kind of document it is.
    pub fn kind(&self) -> DocKind {
        match self {
            Self::Ticket(_) => DocKind::Ticket,
            Self::Article(_) => DocKind::Article,
            Self::Incident(_) => DocKind::Incident,
            Self::Workspace(_) => DocKind::Workspace,
            Self::Personal(_) => DocKind::Personal,
        }
    }

    /// The document's id.
    pub fn id(&self) -> DocId {
        match self {
            Self::Ticket(state) => state.id,
            Self::Article(state) => state.id,
            Self::Incident(state) => state.id,
            Self::Workspace(state) => state.id,
            Self::Personal(state) => state.id,
        }
    }

    /// The document's schema number.
    pub fn schema(&self) -> u32 {
        match self {
            Self::Ticket(state) => state.schema,
            Self::Article(state) => state.schema,
            Self::Incident(state) => state.schema,
            Self::Workspace(state) => state.schema,
            Self::Personal(state) => state.schema,
        }
    }
}
