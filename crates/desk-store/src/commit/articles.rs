//! Lines of the article list.

use desk_domain::{article::Article, state::State};
use sqlx::SqliteConnection;

use super::Placed;
use crate::{
    StoreError,
    bulk::{Insert, MANY},
    codes,
};

pub(super) async fn write(conn: &mut SqliteConnection, placed: &[Placed<'_>]) -> Result<(), StoreError> {
    const ARTICLES: Insert = Insert {
        head: "INSERT INTO articles (doc, id, title, status, category, tags, updated_at, deleted) VALUES",
        columns: 8,
        tail: "ON CONFLICT (doc) DO UPDATE SET title = excluded.title, status = excluded.status, \
               category = excluded.category, tags = excluded.tags, updated_at = excluded.updated_at, \
               deleted = excluded.deleted",
        chunks: MANY,
    };
    let mut lines: Vec<(i64, &Article, String)> = Vec::new();
    for placed in placed {
        if let Some(State::Article(article)) = placed.state() {
            lines.push((placed.doc, article, codes::tags_json(&article.tags)?));
        }
    }
    ARTICLES
        .run(conn, &lines, |query, (doc, article, tags)| {
            query
                .bind(*doc)
                .bind(codes::id_bytes(article.id))
                .bind(article.title.as_str())
                .bind(article.status.as_str())
                .bind(article.category.as_deref())
                .bind(tags.as_str())
                .bind(article.updated_at.0)
                .bind(article.deleted)
        })
        .await
}
