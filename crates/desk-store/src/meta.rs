//! Facts about the device by name: workspace, device, session, settings, clock offset. The names are the application's.

use std::collections::HashMap;

use sqlx::Row;

use crate::{Batch, Store, StoreError, codes};

/// Where the sync cursor stands among the facts.
pub(crate) const CURSOR: &str = "sync.cursor";

/// What waits for the server and for a person, beside a fact, as they stood at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// Changes in the outbox.
    pub unsent: u32,
    /// Refused edits that nobody has dealt with.
    pub rejected: u32,
    /// The fact that was asked for.
    pub fact: Option<Vec<u8>>,
}

/// Several facts as they stood at one moment.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Those that were asked for by name and are set.
    pub facts: HashMap<String, Vec<u8>>,
    /// How far the server's log was read; 0 at the beginning.
    pub cursor: u64,
    /// There is one whose name begins as was asked.
    pub has_more: bool,
}

impl Store {
    /// The facts of these names with the cursor, and whether there is any whose name begins with `beginning` (the
    /// application's own, without wildcards), in one reading.
    pub async fn facts(&self, keys: &[&str], beginning: &str) -> Result<Facts, StoreError> {
        const SQL: &str = "SELECT key, value FROM meta WHERE key IN (SELECT value FROM json_each(?)) \
             UNION ALL SELECT NULL, NULL WHERE EXISTS (SELECT 1 FROM meta WHERE key GLOB ? || '*')";
        let mut asked = keys.to_vec();
        asked.push(CURSOR);
        let mut held = self.quick_reader().await?;
        let rows =
            sqlx::query(SQL).bind(codes::to_json(&asked)?).bind(beginning).fetch_all(held.conn()?).await?;
        let mut found = Facts::default();
        for row in &rows {
            match row.try_get::<Option<String>, _>(0)? {
                None => found.has_more = true,
                Some(key) if key == CURSOR => found.cursor = cursor_of(row.try_get(1)?)?,
                Some(key) => drop(found.facts.insert(key, row.try_get(1)?)),
            }
        }
        Ok(found)
    }

    /// What the status line says, in one reading: it is read beside every edit.
    pub async fn waiting(&self, fact: &str) -> Result<Waiting, StoreError> {
        const SQL: &str = "SELECT (SELECT count(*) FROM outbox), \
             (SELECT count(*) FROM rejected WHERE discarded_at IS NULL), (SELECT value FROM meta WHERE key = ?)";
        let mut held = self.quick_reader().await?;
        let row = sqlx::query(SQL).bind(fact).fetch_one(held.conn()?).await?;
        let count = |count: i64| u32::try_from(count).unwrap_or(u32::MAX);
        Ok(Waiting {
            unsent: count(row.try_get(0)?),
            rejected: count(row.try_get(1)?),
            fact: row.try_get(2)?,
        })
    }

    /// A fact; `None` when it was never set.
    pub async fn meta(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let mut held = self.quick_reader().await?;
        Ok(sqlx::query_scalar("SELECT value FROM meta WHERE key = ?")
            .bind(key)
            .fetch_optional(held.conn()?)
            .await?)
    }

    /// A fact that is text; `None` when it was never set.
    pub async fn meta_text(&self, key: &str) -> Result<Option<String>, StoreError> {
        let value = self.meta(key).await?;
        value
            .map(String::from_utf8)
            .transpose()
            .map_err(|_| StoreError::unreadable(format!("the fact {key}")))
    }

    /// Names of facts that begin so, at most `limit`; the beginning is the application's own and has no wildcards.
    pub async fn meta_keys(&self, beginning: &str, limit: usize) -> Result<Vec<String>, StoreError> {
        const SQL: &str = "SELECT key FROM meta WHERE key GLOB ? || '*' ORDER BY key LIMIT ? + 0";
        let mut held = self.quick_reader().await?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        Ok(sqlx::query_scalar(SQL).bind(beginning).bind(limit).fetch_all(held.conn()?).await?)
    }

    /// Sets a fact, or removes it. Several at once, or together with a document: [`Batch::meta`].
    pub async fn set_meta(&self, key: &str, value: Option<&[u8]>) -> Result<(), StoreError> {
        let meta = vec![(key.to_owned(), value.map(<[u8]>::to_vec))];
        self.commit(&Batch { meta, ..Batch::default() }).await.map(|_| ())
    }

    /// How far the server's log was read; 0 at the beginning.
    pub async fn cursor(&self) -> Result<u64, StoreError> {
        let Some(bytes) = self.meta(CURSOR).await? else {
            return Ok(0);
        };
        cursor_of(bytes)
    }
}

fn cursor_of(bytes: Vec<u8>) -> Result<u64, StoreError> {
    let bytes = bytes.try_into().map_err(|_| StoreError::unreadable("the sync cursor"))?;
    Ok(u64::from_le_bytes(bytes))
}
