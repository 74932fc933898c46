//! Knowledge articles.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{ids::DocId, ticket::Conflict, time::UtcMillis, words::words};

words! {
    /// Who finds an article.
    ArticleStatus, "article status" {
        /// Being written.
        Draft = "draft",
        /// For everybody.
        Published = "published",
        /// Kept, no longer offered.
        Archived = "archived",
    }
}

/// A knowledge article; its body is co-edited Markdown that merges by character.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Article {
    /// The document's id.
    pub id: DocId,
    /// Its headline.
    pub title: String,
    /// Markdown.
    pub body: String,
    /// A category of the workspace, or none.
    pub category: Option<String>,
    /// Labels.
    pub tags: BTreeSet<String>,
    /// Who finds it.
    pub status: ArticleStatus,
    /// The member who wrote it first.
    pub author: String,
    /// When it was written first.
    pub created_at: UtcMillis,
    /// When it last changed.
    pub updated_at: UtcMillis,
    /// Deleted: kept, hidden.
    pub deleted: bool,
    /// Fields to which different values were written concurrently (never the body).
    pub conflicts: Vec<Conflict>,
    /// The document's schema number.
    pub schema: u32,
}
