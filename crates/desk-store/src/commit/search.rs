//! The search index: what of a document is found, and under which key.

use std::collections::{BTreeSet, HashSet};

use desk_domain::{
    ids::{incident_number, ticket_number},
    projection::Row,
    time::UtcMillis,
};
use sha2::{Digest, Sha256};
use sqlx::SqliteConnection;

use super::Placed;
use crate::{
    StoreError,
    bulk::{self, Insert, MANY, SINGLY},
    codes,
    search::{kind_term, terms::Terms},
};

/// Keys count down with time, so that an ascending walk through the index meets the newest first. One key a second
/// keeps the distances between neighbours small, and with them the index; a key that is taken moves on.
const KEY_OF_1970: i64 = 1 << 33;

/// The texts of a document that are found.
struct Texts<'a> {
    title: Vec<&'a str>,
    body: Vec<&'a str>,
    changed_at: UtcMillis,
}

struct Entry<'a> {
    doc: i64,
    key: i64,
    hash: [u8; 16],
    kind_term: &'static str,
    texts: Texts<'a>,
}

/// Brings the index in line with documents: entries whose text changed are replaced, those of deleted documents go.
pub(super) async fn write(conn: &mut SqliteConnection, placed: &[Placed<'_>]) -> Result<(), StoreError> {
    let numbers: Vec<Vec<String>> = placed.iter().map(|placed| numbers(placed)).collect();
    let mut gone: Vec<i64> = Vec::new();
    let mut entries: Vec<Entry<'_>> = Vec::new();
    for (placed, numbers) in placed.iter().zip(&numbers) {
        let texts = if placed.visible { placed.row().and_then(|row| texts(row, numbers)) } else { None };
        let known = placed.indexed.as_ref();
        let Some(texts) = texts else {
            gone.extend(known.map(|(key, _)| *key));
            continue;
        };
        let hash = hash(&texts);
        if known.is_some_and(|(_, old)| old.as_slice() == hash) {
            continue;
        }
        gone.extend(known.map(|(key, _)| *key));
        let key = first_key(texts.changed_at);
        entries.push(Entry { doc: placed.doc, key, hash, kind_term: kind_term(placed.write.kind), texts });
    }
    remove(conn, &gone).await?;
    settle_keys(conn, &mut entries).await?;
    insert(conn, entries).await
}

/// Numbers by which a document is found besides its text.
fn numbers(placed: &Placed<'_>) -> Vec<String> {
    let id = placed.write.id;
    match placed.row() {
        Some(Row::Ticket(ticket)) => {
            let source = ticket.source.as_ref().map(|(_, key)| key.clone());
            std::iter::once(ticket_number(id)).chain(source).collect()
        }
        Some(Row::Incident(_)) => vec![incident_number(id)],
        Some(Row::Article(_) | Row::Settings) | None => Vec::new(),
    }
}

fn texts<'a>(row: &'a Row, numbers: &'a [String]) -> Option<Texts<'a>> {
    let numbers = numbers.iter().map(String::as_str);
    match row {
        Row::Ticket(ticket) => Some(Texts {
            title: std::iter::once(ticket.title.as_str()).chain(numbers).collect(),
            body: std::iter::once(&ticket.description).chain(&ticket.comments).map(String::as_str).collect(),
            changed_at: ticket.updated_at,
        }),
        Row::Article(article) => Some(Texts {
            title: vec![&article.title],
            body: vec![&article.body],
            changed_at: article.updated_at,
        }),
        Row::Incident(incident) => Some(Texts {
            title: std::iter::once(incident.title.as_str()).chain(numbers).collect(),
            body: [incident.summary.as_str(), incident.postmortem.as_str()]
                .into_iter()
                .chain(incident.notes.iter().map(String::as_str))
                .collect(),
            changed_at: incident.updated_at,
        }),
        Row::Settings => None,
    }
}

/// Half of a SHA-256 over the texts: whether they changed.
fn hash(texts: &Texts<'_>) -> [u8; 16] {
    let mut hasher = Sha256::new();
    for (column, texts) in [(b"t", &texts.title), (b"b", &texts.body)] {
        for text in texts {
            hasher.update(column);
            hasher.update(u64::try_from(text.len()).unwrap_or(u64::MAX).to_le_bytes());
            hasher.update(text);
        }
    }
    let mut half = [0; 16];
    half.copy_from_slice(&hasher.finalize()[..16]);
    half
}

fn first_key(changed_at: UtcMillis) -> i64 {
    KEY_OF_1970 - changed_at.0.div_euclid(1_000).clamp(0, KEY_OF_1970 - 1)
}

async fn remove(conn: &mut SqliteConnection, keys: &[i64]) -> Result<(), StoreError> {
    // One trip to the database; each statement takes the next bound value.
    const REMOVE: &str = "DELETE FROM search WHERE rowid IN (SELECT value FROM json_each(?)); \
         DELETE FROM search_titles WHERE rowid IN (SELECT value FROM json_each(?)); \
         DELETE FROM search_docs WHERE key IN (SELECT value FROM json_each(?))";
    if keys.is_empty() {
        return Ok(());
    }
    let mut sorted = keys.to_vec();
    sorted.sort_unstable();
    let keys = bulk::json_numbers(sorted);
    sqlx::query(REMOVE).bind(&keys).bind(&keys).bind(&keys).execute(conn).await?;
    Ok(())
}

/// Moves entries on whose key is taken, in steps that grow until all keys are free.
async fn settle_keys(conn: &mut SqliteConnection, entries: &mut [Entry<'_>]) -> Result<(), StoreError> {
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
            entry.key = first_key(entry.texts.changed_at) + i64::try_from(scattered).unwrap_or(0);
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

async fn insert(conn: &mut SqliteConnection, mut entries: Vec<Entry<'_>>) -> Result<(), StoreError> {
    const DOCS: Insert = Insert {
        head: "INSERT INTO search_docs (key, doc, text_hash) VALUES",
        columns: 3,
        tail: "",
        chunks: MANY,
    };
    const TITLES: Insert = Insert {
        head: "INSERT INTO search_titles (rowid, terms) VALUES",
        columns: 2,
        tail: "",
        chunks: SINGLY,
    };
    const ALL: Insert =
        Insert { head: "INSERT INTO search (rowid, terms) VALUES", columns: 2, tail: "", chunks: SINGLY };
    // FTS5 flushes what it gathered whenever keys do not ascend.
    entries.sort_unstable_by_key(|entry| entry.key);
    DOCS.run(conn, &entries, |query, entry| {
        query.bind(entry.key).bind(entry.doc).bind(entry.hash.as_slice())
    })
    .await?;
    let mut terms = Terms::new();
    let mut vocabulary = BTreeSet::new();
    for chunk in entries.chunks(64) {
        let mut titles = Vec::with_capacity(chunk.len());
        let mut all = Vec::with_capacity(chunk.len());
        for Entry { key, kind_term, texts, .. } in chunk {
            titles.push((*key, terms.index(kind_term, texts.title.iter().copied())));
            all.push((*key, terms.index(kind_term, texts.title.iter().chain(&texts.body).copied())));
        }
        for (_, terms) in &all {
            vocabulary.extend(
                terms
                    .split(' ')
                    .filter(|term| !vocabulary.contains(*term))
                    .map(str::to_owned)
                    .collect::<Vec<_>>(),
            );
        }
        TITLES.run(conn, &titles, |query, (key, terms)| query.bind(*key).bind(terms.as_str())).await?;
        ALL.run(conn, &all, |query, (key, terms)| query.bind(*key).bind(terms.as_str())).await?;
    }
    learn(conn, &vocabulary).await
}

/// Adds terms to the vocabulary.
async fn learn(conn: &mut SqliteConnection, terms: &BTreeSet<String>) -> Result<(), StoreError> {
    const LEARN: &str =
        "INSERT INTO search_terms (term) SELECT value FROM json_each(?) WHERE true ON CONFLICT DO NOTHING";
    if !terms.is_empty() {
        sqlx::query(LEARN).bind(codes::to_json(terms)?).execute(conn).await?;
    }
    Ok(())
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
