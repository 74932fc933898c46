//! The search index: what of a document is found, and under which key.

use std::{borrow::Cow, collections::HashSet};

use desk_domain::{
    ids::{DocKind, incident_number, ticket_number},
    projection::Row,
    time::UtcMillis,
};
use sha2::{Digest, Sha256};
use sqlx::{Connection, Row as _, SqliteConnection};

use super::Placed;
use crate::{
    DocWrite, StoreError,
    bulk::{self, Insert, Script},
    codes,
    search::{
        kind_term,
        terms::{Terms, of_few},
    },
};

/// Keys count down with time, so that an ascending walk through the index meets the newest first. One key a second
/// keeps the distances between neighbours small, and with them the index; a key that is taken moves on.
const KEY_OF_1970: i64 = 1 << 33;

/// A batch with more changed texts than this (an import, a long absence) writes them into the index itself.
const WRITTEN_DOWN: usize = 32;

/// Half of a SHA-256 over texts: whether they changed.
type TextHash = [u8; 16];

/// The texts of a document that are found.
struct Texts<'a> {
    kind: DocKind,
    title: Vec<Cow<'a, str>>,
    body: Vec<Cow<'a, str>>,
    changed_at: UtcMillis,
}

impl<'a> Texts<'a> {
    /// `None` for a document that is not found by its text.
    fn of(write: &'a DocWrite) -> Option<Self> {
        let row = write.row.as_ref().filter(|row| row.is_visible())?;
        let one = |text: &'a str| vec![Cow::Borrowed(text)];
        let all = |texts: &'a [String]| texts.iter().map(|text| Cow::Borrowed(text.as_str()));
        let (title, body, changed_at) = match row {
            Row::Ticket(ticket) => {
                let key = ticket.source.as_ref().map(|(_, key)| Cow::Borrowed(key.as_str()));
                let number = Cow::Owned(ticket_number(write.id));
                let title = [Cow::Borrowed(ticket.title.as_str()), number].into_iter().chain(key).collect();
                let body = one(&ticket.description).into_iter().chain(all(&ticket.comments)).collect();
                (title, body, ticket.updated_at)
            }
            Row::Article(article) => (one(&article.title), one(&article.body), article.updated_at),
            Row::Incident(incident) => {
                let title =
                    vec![Cow::Borrowed(incident.title.as_str()), Cow::Owned(incident_number(write.id))];
                let about = one(&incident.summary).into_iter().chain(one(&incident.postmortem));
                (title, about.chain(all(&incident.notes)).collect(), incident.updated_at)
            }
            Row::Settings => return None,
        };
        Some(Self { kind: write.kind, title, body, changed_at })
    }

    fn hash(&self) -> TextHash {
        let mut hasher = Sha256::new();
        for (column, texts) in [(b"t", &self.title), (b"b", &self.body)] {
            for text in texts {
                hasher.update(column);
                hasher.update(u64::try_from(text.len()).unwrap_or(u64::MAX).to_le_bytes());
                hasher.update(text.as_bytes());
            }
        }
        let mut half = [0; 16];
        half.copy_from_slice(&hasher.finalize()[..16]);
        half
    }

    /// Made into terms. `hash` is theirs.
    fn ready(&self, hash: TextHash, terms: &mut Terms) -> Ready {
        let kind = kind_term(self.kind);
        let (title, body) = (self.title.iter().map(AsRef::as_ref), self.body.iter().map(AsRef::as_ref));
        let all = terms.index(kind, title.clone().chain(body));
        Ready { changed_at: self.changed_at, hash, title: terms.index(kind, title), all }
    }
}

/// A document's text made into terms: work for a processor, none for the disk.
#[derive(Debug)]
pub(crate) struct Ready {
    changed_at: UtcMillis,
    hash: TextHash,
    title: String,
    all: String,
}

impl Ready {
    /// Of a document that is found by its text; `None` for any other.
    pub(crate) fn new(write: &DocWrite, terms: &mut Terms) -> Option<Self> {
        let texts = Texts::of(write)?;
        Some(texts.ready(texts.hash(), terms))
    }

    /// Its different terms.
    pub(crate) fn terms(&self) -> impl Iterator<Item = &str> {
        self.all.split(' ')
    }
}

/// A text on its way into the index.
struct Entry {
    doc: i64,
    key: i64,
    ready: Ready,
}

/// A document that is found by other texts than before, with their hash; by none any more.
struct Changed<'a> {
    doc: i64,
    /// Its key in the index.
    key: Option<i64>,
    texts: Option<(TextHash, Texts<'a>)>,
}

/// Brings the index in line with documents: entries whose text changed are replaced, those of deleted documents go. A
/// few texts are only written down, for [`settle`].
pub(super) async fn write(script: &mut Script<'_>, placed: &[Placed<'_>]) -> Result<(), StoreError> {
    let mut changed = Vec::new();
    for Placed { write, doc, key, text_hash, .. } in placed {
        let texts = Texts::of(write).map(|texts| (texts.hash(), texts));
        if texts.as_ref().map(|(hash, _)| hash.as_slice()) != text_hash.as_deref() {
            changed.push(Changed { doc: *doc, key: *key, texts });
        }
    }
    if changed.len() <= WRITTEN_DOWN {
        return write_down(script, &changed).await;
    }
    let gone: Vec<i64> = changed.iter().filter_map(|changed| changed.key).collect();
    let docs: Vec<i64> = changed.iter().map(|changed| changed.doc).collect();
    let mut terms = Terms::new();
    let ready = |changed: Changed<'_>| {
        let (hash, texts) = changed.texts?;
        Some((changed.doc, texts.ready(hash, &mut terms)))
    };
    let fresh = changed.into_iter().filter_map(ready).collect();
    replace(script, &docs, &gone, fresh).await
}

/// Writes texts down that are to go into the index, as they are: making terms of them would be a good part of what an edit takes.
async fn write_down(script: &mut Script<'_>, changed: &[Changed<'_>]) -> Result<(), StoreError> {
    const PENDING: Insert = Insert {
        head: "INSERT INTO search_pending (doc, changed_at, text_hash, title, body) VALUES",
        columns: 5,
        tail: "ON CONFLICT (doc) DO UPDATE SET changed_at = excluded.changed_at, \
               text_hash = excluded.text_hash, title = excluded.title, body = excluded.body",
    };
    // No word goes on behind a line's end.
    let lines = |texts: &[Cow<'_, str>]| texts.join("\n");
    PENDING
        .add(script, changed, |values, Changed { doc, texts, .. }| {
            let (hash, texts) = texts.as_ref().map(|(hash, texts)| (hash, texts)).unzip();
            values
                .bind(*doc)
                .bind(texts.map_or(0, |texts| texts.changed_at.0))
                .bind(hash.map_or_else(Vec::new, |hash| hash.to_vec()))
                .bind(texts.map(|texts| lines(&texts.title)))
                .bind(texts.map(|texts| lines(&texts.body)))
        })
        .await
}

/// Moves at most so many texts that were written down into the index, in one transaction; `false` when there are none left.
pub(crate) async fn settle(conn: &mut SqliteConnection, most: i64) -> Result<bool, StoreError> {
    const PENDING: &str = "SELECT p.doc, p.changed_at, p.text_hash, p.title, p.body, s.key, d.kind \
         FROM search_pending p JOIN documents d ON d.doc = p.doc LEFT JOIN search_docs s ON s.doc = p.doc \
         ORDER BY p.doc LIMIT ? + 0";
    let mut transaction = conn.begin_with("BEGIN IMMEDIATE").await?;
    let rows = sqlx::query(PENDING).bind(most).fetch_all(&mut *transaction).await?;
    let (mut docs, mut gone, mut fresh) = (Vec::new(), Vec::new(), Vec::new());
    for row in &rows {
        let doc: i64 = row.try_get(0)?;
        docs.push(doc);
        gone.extend(row.try_get::<Option<i64>, _>(5)?);
        let texts: (Option<String>, Option<String>) = (row.try_get(3)?, row.try_get(4)?);
        if let (Some(title), Some(body)) = texts {
            let hash: Vec<u8> = row.try_get(2)?;
            let hash = hash.try_into().map_err(|_| StoreError::unreadable("the hash of a text"))?;
            let (title, body) = (vec![Cow::Owned(title)], vec![Cow::Owned(body)]);
            let (changed_at, kind) = (UtcMillis(row.try_get(1)?), codes::kind_from(row.try_get(6)?)?);
            let texts = Texts { kind, title, body, changed_at };
            fresh.push((doc, of_few(|terms| texts.ready(hash, terms))));
        }
    }
    if docs.is_empty() {
        return Ok(false);
    }
    let mut script = Script::new(&mut transaction);
    replace(&mut script, &docs, &gone, fresh).await?;
    script.flush().await?;
    transaction.commit().await?;
    Ok(true)
}

/// Puts texts of `docs` into the index for those of the keys `gone`; nothing is on its way there then.
async fn replace(
    script: &mut Script<'_>,
    docs: &[i64],
    gone: &[i64],
    fresh: Vec<(i64, Ready)>,
) -> Result<(), StoreError> {
    const ARRIVED: &str = "DELETE FROM search_pending WHERE doc IN (SELECT value FROM json_each(?))";
    let docs = bulk::json_numbers(docs.iter().copied());
    script.add(ARRIVED, |values| values.bind(docs)).await?;
    remove(script, gone).await?;
    let vocabulary: HashSet<&str> = fresh.iter().flat_map(|(_, ready)| ready.terms()).collect();
    learn(script, vocabulary).await?;
    insert(script, fresh).await
}

/// Adds texts of documents that are not in the index.
pub(crate) async fn insert(script: &mut Script<'_>, fresh: Vec<(i64, Ready)>) -> Result<(), StoreError> {
    const DOCS: Insert =
        Insert { head: "INSERT INTO search_docs (key, doc, text_hash) VALUES", columns: 3, tail: "" };
    // One statement for all of them: each statement of several rows opens a savepoint, at which FTS5 flushes what it
    // gathered before, and each trip to the connection's thread costs about as much as a row.
    const TITLES: &str = "INSERT INTO search_titles (rowid, terms) \
         SELECT CAST(key AS INTEGER), value FROM json_each(?)";
    const ALL: &str =
        "INSERT INTO search (rowid, terms) SELECT CAST(key AS INTEGER), value FROM json_each(?)";
    if fresh.is_empty() {
        return Ok(());
    }
    let key = |ready: &Ready| first_key(ready.changed_at);
    let mut entries: Vec<Entry> =
        fresh.into_iter().map(|(doc, ready)| Entry { doc, key: key(&ready), ready }).collect();
    settle_keys(script.conn().await?, &mut entries).await?;
    // FTS5 flushes what it gathered whenever keys do not ascend.
    entries.sort_unstable_by_key(|entry| entry.key);
    DOCS.add(script, &entries, |values, entry| {
        values.bind(entry.key).bind(entry.doc).bind(entry.ready.hash.as_slice())
    })
    .await?;
    let titles = by_key(entries.iter().map(|entry| (entry.key, entry.ready.title.as_str())))?;
    script.add(TITLES, |values| values.bind(titles)).await?;
    let all = by_key(entries.iter().map(|entry| (entry.key, entry.ready.all.as_str())))?;
    script.add(ALL, |values| values.bind(all)).await
}

/// A JSON object of terms by key, in this order, for `json_each(?)`.
fn by_key<'a>(entries: impl Iterator<Item = (i64, &'a str)>) -> Result<String, StoreError> {
    let mut object = String::from("{");
    for (key, terms) in entries {
        if object.len() > 1 {
            object.push(',');
        }
        object.extend(["\"", &key.to_string(), "\":", &codes::to_json(&terms)?]);
    }
    object.push('}');
    Ok(object)
}

fn first_key(changed_at: UtcMillis) -> i64 {
    KEY_OF_1970 - changed_at.0.div_euclid(1_000).clamp(0, KEY_OF_1970 - 1)
}

async fn remove(script: &mut Script<'_>, keys: &[i64]) -> Result<(), StoreError> {
    const REMOVE: &str = "DELETE FROM search WHERE rowid IN (SELECT value FROM json_each(?)); \
         DELETE FROM search_titles WHERE rowid IN (SELECT value FROM json_each(?)); \
         DELETE FROM search_docs WHERE key IN (SELECT value FROM json_each(?))";
    if keys.is_empty() {
        return Ok(());
    }
    let mut sorted = keys.to_vec();
    sorted.sort_unstable();
    let keys = bulk::json_numbers(sorted);
    script.add(REMOVE, |values| values.bind(&keys).bind(&keys).bind(&keys)).await
}

/// Moves entries on whose key is taken, in steps that grow until all keys are free.
async fn settle_keys(conn: &mut SqliteConnection, entries: &mut [Entry]) -> Result<(), StoreError> {
    const TAKEN: &str = "SELECT key FROM search_docs WHERE key IN (SELECT value FROM json_each(?))";
    let mut settled: HashSet<i64> = HashSet::with_capacity(entries.len());
    let mut open: Vec<usize> = (0..entries.len()).collect();
    let mut reach: u64 = 4;
    while !open.is_empty() {
        let wanted = bulk::json_numbers(open.iter().map(|index| entries[*index].key));
        let taken: Vec<i64> = sqlx::query_scalar(TAKEN).bind(wanted).fetch_all(&mut *conn).await?;
        let taken: HashSet<i64> = taken.into_iter().collect();
        open.retain(|index| taken.contains(&entries[*index].key) || !settled.insert(entries[*index].key));
        for index in &open {
            let entry = &mut entries[*index];
            let scattered = scatter(entry.doc.unsigned_abs(), reach) % reach;
            entry.key = first_key(entry.ready.changed_at) + i64::try_from(scattered).unwrap_or(0);
        }
        reach = reach.saturating_mul(4).min(1 << 40);
    }
    Ok(())
}

/// Spreads documents of one second over the keys near it, the same way every time.
fn scatter(doc: u64, round: u64) -> u64 {
    let mixed = (doc ^ round.rotate_left(32)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (mixed ^ (mixed >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 8
}

/// Adds terms to the vocabulary.
pub(crate) async fn learn(
    script: &mut Script<'_>,
    terms: impl IntoIterator<Item = &str>,
) -> Result<(), StoreError> {
    const LEARN: &str =
        "INSERT INTO search_terms (term) SELECT value FROM json_each(?) WHERE true ON CONFLICT DO NOTHING";
    let mut sorted: Vec<&str> = terms.into_iter().collect();
    // Neighbours stand on one page.
    sorted.sort_unstable();
    if sorted.is_empty() {
        return Ok(());
    }
    let sorted = codes::to_json(&sorted)?;
    script.add(LEARN, |values| values.bind(sorted)).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_text_has_a_smaller_key() {
        let key = |ms| first_key(UtcMillis(ms));
        assert!(key(2_000) < key(1_000));
        assert_eq!(key(1_999), key(1_000));
        assert!(key(i64::MAX) > 0);
        assert!(key(i64::MIN) > 0);
    }
}
