//! Full-text search over tickets, articles and incidents, in Russian and English.
//!
//! The index holds terms that [`terms`] makes: words in lower case and their stems. A query finds a document that has,
//! for every typed word, its stem or a word that begins so. What people type reaches FTS5 only as quoted terms of
//! letters and digits.

mod query;
pub(crate) mod terms;

pub(crate) use query::Query;

use desk_api::view::SearchHit;
use desk_domain::{
    ids::{DocKind, normalize_number},
    time::UtcMillis,
};
use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};

use crate::{
    Store, StoreError, bulk, codes,
    commit::{finish, settle},
};

/// Matches that are looked at, the newest first. Ranking all of a hundred thousand would take longer than anybody reads.
pub(crate) const MATCHES_MAX: u32 = 2_000;
/// Texts that are moved into the index in one transaction while a search waits for them.
const AT_ONCE: i64 = 4;
/// Most hits of one search.
const HITS_MAX: u32 = 100;

/// The terms that say of what kind a document is. No typed word contains the sign.
pub(crate) fn kind_term(kind: DocKind) -> &'static str {
    match kind {
        DocKind::Ticket => "§t",
        DocKind::Article => "§a",
        DocKind::Incident => "§i",
        DocKind::Workspace | DocKind::Personal => "§",
    }
}

impl Store {
    /// Moves the texts of edits that are on their way into the search index there. Whatever searches does this first. A store that
    /// is only read is left as it is.
    pub async fn settle_search(&self) -> Result<(), StoreError> {
        while self.settle_some(AT_ONCE).await? {}
        Ok(())
    }

    /// The same with one text, `false` when none is left: for quiet moments, so that a search seldom has to. In a large index it
    /// takes some milliseconds now and then, which an edit that comes meanwhile waits for.
    pub async fn settle_one(&self) -> Result<bool, StoreError> {
        self.settle_some(1).await
    }

    async fn settle_some(&self, most: i64) -> Result<bool, StoreError> {
        const IS_DUE: &str = "SELECT EXISTS (SELECT 1 FROM search_pending)";
        if self.is_read_only() {
            return Ok(false);
        }
        let mut held = self.quick_reader().await?;
        let is_due: bool = sqlx::query_scalar(IS_DUE).fetch_one(held.conn()?).await?;
        drop(held);
        if !is_due {
            return Ok(false);
        }
        let mut held = self.writer().await?;
        let settled = settle(held.conn()?, most).await;
        finish(held, settled)
    }

    /// Finds tickets, articles and incidents (only those of `kind`, if given) that have all the words of `text`:
    /// first the one whose number or source key it is, then those with the words in the title, then the rest; each
    /// group with the newest change first. Only the newest 2,000 matches are looked at; `limit` is at most 100. A text
    /// without letters and digits finds nothing.
    pub async fn search(
        &self,
        text: &str,
        limit: u32,
        kind: Option<DocKind>,
    ) -> Result<Vec<SearchHit>, StoreError> {
        self.settle_search().await?;
        let limit = usize::try_from(limit.min(HITS_MAX)).unwrap_or(0);
        let mut held = self.quick_reader().await?;
        let conn = held.conn()?;
        let Some(query) = Query::new(conn, text, kind).await? else {
            return Ok(Vec::new());
        };
        let mut docs = exact(conn, text).await?;
        for sql in [IN_TITLES, ANYWHERE] {
            if docs.len() < limit {
                docs.extend(newest(conn, sql, &query, limit).await?);
            }
        }
        hits(conn, &docs, kind, limit).await
    }
}

/// Documents whose number or source key `text` is.
async fn exact(conn: &mut SqliteConnection, text: &str) -> Result<Vec<i64>, StoreError> {
    const SQL: &str = "SELECT doc FROM tickets WHERE number = ?1 \
         UNION SELECT doc FROM incidents WHERE number = ?2 \
         UNION SELECT doc FROM sources WHERE key = ?3 COLLATE NOCASE LIMIT 100";
    let text = text.trim();
    Ok(sqlx::query_scalar(SQL)
        .bind(normalize_number(text, "TK"))
        .bind(normalize_number(text, "INC"))
        .bind(text)
        .fetch_all(conn)
        .await?)
}

const IN_TITLES: &str = "SELECT d.doc FROM \
     (SELECT rowid AS key FROM search_titles WHERE search_titles MATCH ? ORDER BY rowid LIMIT ? + 0) m \
     JOIN search_docs d ON d.key = m.key ORDER BY m.key";
const ANYWHERE: &str = "SELECT d.doc FROM \
     (SELECT rowid AS key FROM search WHERE search MATCH ? ORDER BY rowid LIMIT ? + 0) m \
     JOIN search_docs d ON d.key = m.key ORDER BY m.key";

/// The newest matches, by the time at which their text last changed.
async fn newest(
    conn: &mut SqliteConnection,
    sql: &'static str,
    query: &Query,
    limit: usize,
) -> Result<Vec<i64>, StoreError> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    Ok(sqlx::query_scalar(sql).bind(query.expression()).bind(limit).fetch_all(conn).await?)
}

/// What is shown of the documents, in the given order, without repetitions and what is deleted.
async fn hits(
    conn: &mut SqliteConnection,
    docs: &[i64],
    kind: Option<DocKind>,
    limit: usize,
) -> Result<Vec<SearchHit>, StoreError> {
    const SQL: &str = include_str!("search/hits.sql");
    let rows = sqlx::query(SQL).bind(bulk::json_numbers(docs.iter().copied())).fetch_all(conn).await?;
    let mut hits: Vec<SearchHit> = Vec::new();
    for row in &rows {
        let hit = hit(row)?;
        let fits = kind.is_none_or(|kind| kind == hit.kind) && !hits.iter().any(|seen| seen.id == hit.id);
        if fits && hits.len() < limit {
            hits.push(hit);
        }
    }
    Ok(hits)
}

fn hit(row: &SqliteRow) -> Result<SearchHit, StoreError> {
    let kind = codes::kind_from(row.try_get(0)?)?;
    let status = match kind {
        DocKind::Ticket => codes::status_from(row.try_get(4)?)?.to_string(),
        DocKind::Article | DocKind::Incident | DocKind::Workspace | DocKind::Personal => row.try_get(5)?,
    };
    Ok(SearchHit {
        kind,
        id: codes::id_from(row.try_get(1)?)?,
        number: row.try_get(2)?,
        title: row.try_get(3)?,
        status,
        updated_at: UtcMillis(row.try_get(6)?),
    })
}
