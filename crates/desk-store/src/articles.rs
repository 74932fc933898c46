//! The list of knowledge articles.

use desk_api::view::ArticleRow;
use desk_domain::{
    ids::{DocId, DocKind},
    time::UtcMillis,
};
use sqlx::{Row, sqlite::SqliteRow};

use crate::{Store, StoreError, bulk, codes, search};

impl Store {
    /// Articles that are not deleted, the newest change first; with `text`, those whose title or body has all its words.
    pub async fn list_articles(&self, text: Option<&str>) -> Result<Vec<ArticleRow>, StoreError> {
        const ALL: &str = "SELECT id, title, status, category, tags, updated_at FROM articles \
             WHERE deleted = 0 ORDER BY updated_at DESC, doc DESC";
        const FOUND: &str = "SELECT a.id, a.title, a.status, a.category, a.tags, a.updated_at \
             FROM search JOIN search_docs d ON d.key = search.rowid JOIN articles a ON a.doc = d.doc \
             WHERE search MATCH ? AND a.deleted = 0 ORDER BY a.updated_at DESC, a.doc DESC";
        if text.is_some() {
            self.settle_search().await?;
        }
        let mut held = self.quick_reader().await?;
        let matching = match text {
            Some(text) => search::Query::new(held.conn()?, text, Some(DocKind::Article)).await?,
            None => None,
        };
        let query = match &matching {
            Some(matching) => sqlx::query(FOUND).bind(matching.expression()),
            None => sqlx::query(ALL),
        };
        let rows = query.fetch_all(held.conn()?).await?;
        rows.iter().map(article).collect()
    }

    /// The lines of these articles, without those that are deleted or not here.
    pub async fn article_rows(&self, ids: &[DocId]) -> Result<Vec<ArticleRow>, StoreError> {
        const SQL: &str = "SELECT a.id, a.title, a.status, a.category, a.tags, a.updated_at FROM json_each(?) j \
             JOIN documents d ON d.id = unhex(j.value) JOIN articles a ON a.doc = d.doc WHERE a.deleted = 0";
        let wanted = bulk::json_hex(ids.iter().map(|id| id.0.as_bytes().as_slice()));
        let mut held = self.quick_reader().await?;
        let rows = sqlx::query(SQL).bind(wanted).fetch_all(held.conn()?).await?;
        rows.iter().map(article).collect()
    }
}

fn article(row: &SqliteRow) -> Result<ArticleRow, StoreError> {
    Ok(ArticleRow {
        id: codes::id_from(row.try_get(0)?)?,
        title: row.try_get(1)?,
        status: codes::word(row.try_get(2)?)?,
        category: row.try_get(3)?,
        tags: codes::tags_from(row.try_get(4)?)?,
        updated_at: UtcMillis(row.try_get(5)?),
    })
}
