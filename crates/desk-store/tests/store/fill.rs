//! A store that is filled beside the one in use, and put in its place.

use std::borrow::Cow;

use desk_api::view::{Draft, TicketFilter, TicketSort};
use desk_docs::{Block, PackedDocument};
use desk_domain::{ids::DocKind, projection::Projection, projection::Row, state::State};
use desk_store::{Batch, Filling, OpenOptions, ReadyBlock, Store, StoreError};
use sqlx::Connection;

use crate::{open::raw, sample::*};

/// Tickets `first..first + count` in one block.
fn block(first: u128, count: u128) -> ReadyBlock {
    let documents = (first..first + count)
        .map(|n| {
            let state = State::Ticket(Box::new(ticket(n, &format!("Принтер {n}"))));
            PackedDocument {
                doc: id(n),
                kind: DocKind::Ticket,
                heads: vec![hash(1)],
                schema: 1,
                projection: Some(Projection { row: Row::of(&state), next_due: None, deadlines: Vec::new() }),
                snapshot: Cow::Owned(format!("snapshot of {}", id(n)).into_bytes()),
            }
        })
        .collect();
    let packed = Block { documents }.pack().expect("packs");
    ReadyBlock::read(packed.bytes, packed.raw_bytes).expect("reads")
}

async fn filled(store: &Store, segments: &[u8]) -> Filling {
    let mut filling = store.begin_filling(b"plan").await.expect("begins");
    for n in segments {
        let first = u128::from(*n) * 100;
        filling.add(hash(*n), &[block(first, 3), block(first + 10, 2)]).await.expect("adds");
    }
    filling
}

async fn titles(store: &Store) -> Vec<String> {
    let rows = store
        .list_tickets(&TicketFilter::default(), TicketSort::Updated, 0, 1_000, NOW)
        .await
        .expect("lists");
    let mut titles: Vec<String> = rows.into_iter().map(|row| row.title).collect();
    titles.sort();
    titles
}

async fn index_all(store: &Store) {
    let mut indexing = store.indexing();
    while !indexing.some().await.expect("indexes").is_complete() {}
}

fn at(cursor: u64) -> Batch {
    Batch { cursor: Some(cursor), ..Batch::default() }
}

#[tokio::test]
async fn a_filled_store_takes_the_place_of_the_old_one() {
    let place = Place::new();
    let store = place.open().await;
    let filling = filled(&store, &[1, 2]).await;
    assert_eq!(titles(&store).await, [] as [&str; 0], "nothing is seen of it before");
    assert_eq!(store.adopt(filling, &at(42)).await.expect("adopts"), []);

    assert_eq!(titles(&store).await.len(), 10);
    assert_eq!(store.cursor().await.expect("reads"), 42);
    let document = store.document(id(101)).await.expect("reads").expect("is there");
    assert_eq!(document.snapshot, format!("snapshot of {}", id(101)).into_bytes());
    let several = store.documents(&[id(200), id(1), id(112 - 1)]).await.expect("reads");
    assert_eq!(several.len(), 2);
    let page = store.documents_of_kind(DocKind::Ticket, None, 100).await.expect("reads");
    assert_eq!(page.len(), 10);
    assert!(store.check().await.expect("checks").is_good(), "not indexed yet is no fault");

    assert!(!store.index_progress().await.expect("reads").is_complete());
    assert_eq!(store.search("принтер 101", 10, None).await.expect("searches").len(), 0);
    index_all(&store).await;
    assert_eq!(store.search("принтер 101", 10, None).await.expect("searches").len(), 1);
    assert!(store.check().await.expect("checks").is_good());

    store.close().await;
    drop(store);
    let store = place.open().await;
    assert_eq!(titles(&store).await.len(), 10, "after a restart too");
    let left: Vec<_> = std::fs::read_dir(place.dir.path())
        .expect("reads")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .filter(|name| name.contains("filling"))
        .collect();
    assert_eq!(left, [] as [&str; 0]);
}

#[tokio::test]
async fn what_was_broken_off_goes_on_and_another_plan_begins_anew() {
    let place = Place::new();
    let store = place.open().await;
    drop(filled(&store, &[1]).await);
    let mut filling = store.begin_filling(b"plan").await.expect("goes on");
    assert!(filling.has(&hash(1)) && !filling.has(&hash(2)));
    filling.add(hash(2), &[block(200, 3)]).await.expect("adds");
    store.adopt(filling, &at(1)).await.expect("adopts");
    assert_eq!(titles(&store).await.len(), 8);

    let place = Place::new();
    let store = place.open().await;
    drop(filled(&store, &[1]).await);
    let filling = store.begin_filling(b"another").await.expect("begins");
    assert!(!filling.has(&hash(1)));
    store.adopt(filling, &at(1)).await.expect("adopts");
    assert_eq!(titles(&store).await, [] as [&str; 0]);
}

#[tokio::test]
async fn what_an_earlier_version_began_is_begun_anew() {
    let place = Place::new();
    let store = place.open().await;
    drop(filled(&store, &[1]).await);
    let mut conn = raw(&place.dir.path().join("desk.db-filling")).await;
    let newest = "DELETE FROM _sqlx_migrations WHERE version = (SELECT max(version) FROM _sqlx_migrations)";
    sqlx::query(newest).execute(&mut conn).await.expect("writes");
    conn.close().await.expect("closes");
    let filling = store.begin_filling(b"plan").await.expect("begins");
    assert!(!filling.has(&hash(1)));
    store.adopt(filling, &at(1)).await.expect("adopts");
    store.commit(&Batch::of_docs(vec![new_ticket(ticket(7, "Сканер"))])).await.expect("commits");
    assert_eq!(titles(&store).await, ["Сканер"]);
}

#[tokio::test]
async fn what_belongs_to_the_device_is_carried_over() {
    let place = Place::new();
    let store = place.open().await;
    let filling = filled(&store, &[1]).await;
    // Meanwhile the person works.
    let own = new_ticket(ticket(7, "Сканер"));
    let draft =
        Draft { key: "reply/x".to_owned(), body: "почти готово".to_owned(), saved_at: NOW };
    let batch = Batch {
        outbox: vec![unsent(7, 9, 20)],
        drafts: vec![draft.clone()],
        meta: vec![("device".to_owned(), Some(b"d".to_vec()))],
        ..Batch::of_docs(vec![own])
    };
    store.commit(&batch).await.expect("commits");
    assert_eq!(store.adopt(filling, &at(5)).await.expect("adopts"), [id(7)]);

    assert_eq!(titles(&store).await.len(), 6);
    assert_eq!(store.outbox_batch(1_000, 10).await.expect("reads").len(), 1);
    assert_eq!(store.meta_text("device").await.expect("reads").as_deref(), Some("d"));
    assert_eq!(store.draft("reply/x").await.expect("reads"), Some(draft));
    // Documents of before and after are written as ever.
    let state = State::Ticket(Box::new(ticket(101, "Принтер починен")));
    store.commit(&Batch::of_docs(vec![again(state, 1)])).await.expect("commits");
    let state = State::Ticket(Box::new(ticket(7, "Сканер починен")));
    store.commit(&Batch::of_docs(vec![again(state, 1)])).await.expect("commits");
    index_all(&store).await;
    assert_eq!(store.search("починен", 10, None).await.expect("searches").len(), 2);
    assert!(store.check().await.expect("checks").is_good());
}

#[tokio::test]
async fn a_document_leaves_its_block_when_it_is_written_and_the_block_goes_with_the_last() {
    let place = Place::new();
    let store = place.open().await;
    let filling = filled(&store, &[1]).await;
    store.adopt(filling, &at(1)).await.expect("adopts");
    assert_eq!(store.index_progress().await.expect("reads").total, 2);
    for n in [110, 111] {
        let state = State::Ticket(Box::new(ticket(n, "Новое")));
        store.commit(&Batch::of_docs(vec![again(state, 1)])).await.expect("commits");
    }
    assert_eq!(store.index_progress().await.expect("reads").total, 1);
    let batch = Batch { drop_docs: vec![id(100), id(101), id(102)], ..Batch::default() };
    store.commit(&batch).await.expect("drops");
    assert_eq!(store.index_progress().await.expect("reads").total, 0);
    assert!(store.check().await.expect("checks").is_good());
}

#[tokio::test]
async fn a_store_that_another_has_open_is_not_replaced() {
    let place = Place::new();
    let store = place.open().await;
    let other = place.open().await;
    let filling = filled(&store, &[1]).await;
    assert!(matches!(store.adopt(filling, &at(1)).await, Err(StoreError::Busy)));
    store.commit(&Batch::of_docs(vec![new_ticket(ticket(1, "Мышь"))])).await.expect("commits");
    assert_eq!(titles(&other).await, ["Мышь"]);
    other.close().await;
    drop(other);
    let filling = filled(&store, &[1]).await;
    assert_eq!(store.adopt(filling, &at(1)).await.expect("adopts"), [id(1)]);
    assert_eq!(titles(&store).await.len(), 6);
}

#[tokio::test]
async fn another_key_finds_nothing_to_go_on_with() {
    let place = Place::new();
    let store = place.open().await;
    drop(filled(&store, &[1]).await);
    let path = place.dir.path().join("desk.db-filling");
    std::fs::write(&path, b"damaged").expect("writes");
    let filling = store.begin_filling(b"plan").await.expect("begins anew");
    assert!(!filling.has(&hash(1)));
    filling.abandon().await.expect("goes");
    assert!(!path.exists());
    let options = OpenOptions { read_only: true, ..OpenOptions::default() };
    let reader = Store::open(&place.path(), &key(), options).await.expect("opens").store;
    assert!(matches!(reader.begin_filling(b"plan").await, Err(StoreError::ReadOnly)));
}

#[tokio::test]
async fn what_goes_leaves_its_block_too() {
    let place = Place::new();
    let store = place.open().await;
    let filling = filled(&store, &[1]).await;
    store.adopt(filling, &at(1)).await.expect("adopts");
    // One of the block was written since, and stands beside it; another never was.
    let (written, untouched, stays) = (id(100), id(101), id(102));
    let write = again(State::Ticket(Box::new(ticket(100, "Принтер 100"))), 1);
    store.commit(&Batch::of_docs(vec![write])).await.expect("writes");
    let before = blocks(&place, &store).await;
    assert!(holds(&before, written) && holds(&before, untouched) && holds(&before, stays));

    let gone = Batch { drop_docs: vec![written, untouched], ..Batch::default() };
    store.commit(&gone).await.expect("drops");
    let after = blocks(&place, &store).await;
    assert!(!holds(&after, written) && !holds(&after, untouched), "nor what it was before");
    assert!(holds(&after, stays));
    let left = store.document(stays).await.expect("reads").expect("is there");
    assert_eq!(left.snapshot, format!("snapshot of {stays}").into_bytes());
    assert_eq!(titles(&store).await.len(), 3);
    index_all(&store).await;
    assert_eq!(store.search("принтер 101", 10, None).await.expect("searches").len(), 0);
    assert_eq!(store.search("принтер 102", 10, None).await.expect("searches").len(), 1);
    assert!(store.check().await.expect("checks").is_good());
}

/// Everything that stands in blocks, unpacked.
async fn blocks(place: &Place, store: &Store) -> Vec<u8> {
    store.checkpoint().await.expect("checkpoints");
    let mut all = Vec::new();
    let mut raw = raw(&place.path()).await;
    let rows = sqlx::query_as::<_, (i64, Vec<u8>)>("SELECT raw_bytes, bytes FROM blocks");
    for (raw_bytes, bytes) in rows.fetch_all(&mut raw).await.expect("reads") {
        let raw_bytes = usize::try_from(raw_bytes).expect("a size");
        all.extend(desk_docs::unpack_block(&bytes, raw_bytes).expect("unpacks"));
    }
    all
}

fn holds(all: &[u8], doc: desk_domain::ids::DocId) -> bool {
    let text = format!("snapshot of {doc}").into_bytes();
    all.windows(text.len()).any(|window| window == text)
}
