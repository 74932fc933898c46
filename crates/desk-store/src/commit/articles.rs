//! Lines of the article list.

use desk_domain::projection::{ArticleLine, Row};

use super::Placed;
use crate::{
    StoreError,
    bulk::{Insert, Script},
    codes,
};

pub(super) async fn write(script: &mut Script<'_>, placed: &[Placed<'_>]) -> Result<(), StoreError> {
    const ARTICLES: Insert = Insert {
        head: "INSERT INTO articles (doc, id, title, status, category, tags, updated_at, deleted) VALUES",
        columns: 8,
        tail: "ON CONFLICT (doc) DO UPDATE SET title = excluded.title, status = excluded.status, \
               category = excluded.category, tags = excluded.tags, updated_at = excluded.updated_at, \
               deleted = excluded.deleted",
    };
    let mut lines: Vec<(&Placed<'_>, &ArticleLine, String)> = Vec::new();
    for placed in placed {
        if let Some(Row::Article(article)) = placed.row() {
            lines.push((placed, article, codes::tags_json(&article.tags)?));
        }
    }
    ARTICLES
        .add(script, &lines, |values, (placed, article, tags)| {
            values
                .bind(placed.doc)
                .bind(codes::id_bytes(placed.write.id))
                .bind(article.title.as_str())
                .bind(article.status.as_str())
                .bind(article.category.as_deref())
                .bind(tags.as_str())
                .bind(article.updated_at.0)
                .bind(article.deleted)
        })
        .await
}
