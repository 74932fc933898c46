//! Opening: wrong keys, damage of every sort, other versions, other processes. Nothing is ever lost by it.

use std::{
    fs,
    future::poll_fn,
    io::{Seek, SeekFrom, Write},
    path::Path,
    pin::pin,
    task::Poll,
    time::Duration,
};

use desk_api::view::{TicketFilter, TicketSort};
use desk_domain::ticket::Status;
use desk_store::{Batch, COMPAT, Key, NewerVersion, OpenOptions, Opened, Store, StoreError};
use sqlx::{ConnectOptions, Connection, SqliteConnection, sqlite::SqliteConnectOptions};

use crate::sample::*;

async fn open(path: &Path) -> Result<Opened, StoreError> {
    Store::open(path, &key(), OpenOptions::default()).await
}

/// A store with 500 tickets, closed.
async fn filled() -> Place {
    let place = Place::new();
    let store = place.open().await;
    let docs = (0..500).map(|n| new_ticket(ticket(n, &format!("Принтер {n}")))).collect();
    store.commit(&Batch::of_docs(docs)).await.expect("commits");
    store.close().await;
    place
}

pub(crate) async fn raw(path: &Path) -> SqliteConnection {
    let options =
        SqliteConnectOptions::new().filename(path).pragma("key", format!("\"x'{}'\"", key().to_hex()));
    options.disable_statement_logging().connect().await.expect("opens")
}

fn overwrite(path: &Path, at: u64, bytes: &[u8]) {
    let mut file = fs::OpenOptions::new().write(true).open(path).expect("opens");
    file.seek(SeekFrom::Start(at)).expect("seeks");
    file.write_all(bytes).expect("writes");
}

/// Everything in the folder but SQLite's shared memory, which is no data.
fn content(place: &Place) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(place.dir.path())
        .expect("lists")
        .map(|entry| entry.expect("an entry").path())
        .map(|path| {
            (
                path.file_name().expect("a name").to_string_lossy().into_owned(),
                fs::read(&path).expect("reads"),
            )
        })
        .filter(|(name, bytes)| !(name.ends_with("-shm") || name.ends_with("-wal") && bytes.is_empty()))
        .collect();
    files.sort();
    files
}

/// Opening fails as `expected` says, and leaves every file as it was.
async fn refused(place: &Place, key: &Key, expected: impl Fn(&StoreError) -> bool) {
    let before = content(place);
    let error = Store::open(&place.path(), key, OpenOptions::default()).await.expect_err("is refused");
    assert!(expected(&error), "{error:?}");
    assert_eq!(content(place), before, "a file was changed");
}

#[tokio::test]
async fn a_store_is_made_encrypted_and_for_its_owner_alone() {
    let place = Place::new();
    let opened = open(&place.path()).await.expect("makes one");
    assert!(opened.created && opened.read_only.is_none());
    let secret = ticket(1, "Строго секретно");
    opened.store.commit(&Batch::of_docs(vec![new_ticket(secret)])).await.expect("commits");
    opened
        .store
        .save_draft(desk_api::view::Draft {
            key: "k".into(), body: "Строго секретно".into(), saved_at: NOW
        })
        .await
        .expect("saves");
    for (name, bytes) in content(&place) {
        let needle = "секретно".as_bytes();
        assert!(!bytes.windows(needle.len()).any(|window| window == needle), "{name} has it in plain");
        assert!(!bytes.starts_with(b"SQLite format 3"), "{name}");
    }
    #[cfg(unix)]
    for name in ["desk.db", "desk.db-wal"] {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(place.dir.path().join(name)).expect("is there").permissions().mode();
        assert_eq!(mode & 0o077, 0, "{name} {mode:o}");
    }
    opened.store.close().await;
    assert!(!open(&place.path()).await.expect("opens").created);
}

#[tokio::test]
async fn a_closed_store_refuses_work_and_a_missing_one_is_made_only_when_asked() {
    let place = filled().await;
    let store = place.open().await;
    store.close().await;
    assert!(matches!(store.documents_len().await, Err(StoreError::Closed)));
    assert!(matches!(store.commit(&Batch::default()).await, Err(StoreError::Closed)));
    let elsewhere = place.dir.path().join("other.db");
    let never = OpenOptions { create: false, ..OpenOptions::default() };
    assert!(matches!(Store::open(&elsewhere, &key(), never).await, Err(StoreError::Missing)));
    assert!(!elsewhere.exists());
}

#[tokio::test]
async fn a_wrong_key_is_told_from_damage() {
    let place = filled().await;
    let other = Key::new([1; 32]);
    refused(&place, &other, |error| matches!(error, StoreError::WrongKey)).await;
    // Without the file that tells them apart.
    fs::remove_file(place.dir.path().join("desk.db.key-check")).expect("removes");
    refused(&place, &other, |error| matches!(error, StoreError::Undecipherable)).await;
    // With the right key it is made again.
    open(&place.path()).await.expect("opens").store.close().await;
    refused(&place, &other, |error| matches!(error, StoreError::WrongKey)).await;
}

#[tokio::test]
async fn damage_is_reported_and_nothing_is_touched() {
    let is_damage = |error: &StoreError| matches!(error, StoreError::Damaged { .. });
    let header = filled().await;
    overwrite(&header.path(), 40, &[0xFF; 64]);
    refused(&header, &key(), is_damage).await;

    let salt = filled().await;
    overwrite(&salt.path(), 0, &[0xFF; 16]);
    refused(&salt, &key(), is_damage).await;

    let emptied = filled().await;
    fs::write(emptied.path(), b"").expect("writes");
    refused(&emptied, &key(), is_damage).await;

    let cut = filled().await;
    let file = fs::OpenOptions::new().write(true).open(cut.path()).expect("opens");
    let length = file.metadata().expect("is there").len();
    file.set_len(length / 2 / 4_096 * 4_096).expect("cuts");
    refused(&cut, &key(), is_damage).await;
    file.set_len(length / 2 / 4_096 * 4_096 - 1_000).expect("cuts");
    refused(&cut, &key(), is_damage).await;

    let garbage = filled().await;
    fs::write(garbage.path(), [0x41; 9_000]).expect("writes");
    refused(&garbage, &key(), is_damage).await;

    let gone = filled().await;
    fs::remove_file(gone.path()).expect("removes");
    fs::write(gone.dir.path().join("desk.db-wal"), [1; 5_000]).expect("writes");
    refused(&gone, &key(), is_damage).await;
}

#[tokio::test]
async fn a_damaged_page_in_the_middle_is_reported_by_what_reads_it_and_by_a_check() {
    let place = filled().await;
    let length = fs::metadata(place.path()).expect("is there").len();
    // Every page but the first few, which hold the schema.
    for page in 12..length / 4_096 {
        overwrite(&place.path(), page * 4_096 + 100, &[0xAA; 8]);
    }
    let before = fs::read(place.path()).expect("reads");
    let store = match open(&place.path()).await {
        Ok(opened) => opened.store,
        Err(error) => {
            assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
            return;
        }
    };
    let mut failed = 0;
    for n in 0..500 {
        match store.document(id(n)).await {
            Ok(_) => {}
            Err(StoreError::Damaged { .. }) => failed += 1,
            Err(other) => panic!("{other:?}"),
        }
    }
    assert!(failed > 0);
    let health = store.check().await.expect("checks");
    assert!(!health.is_good(), "{health:?}");
    assert_ne!((health.pages.len(), health.structure.len()), (0, 0), "{health:?}");
    let filter = TicketFilter::default();
    let listed = store.list_tickets(&filter, TicketSort::Updated, 0, 500, NOW).await;
    assert!(matches!(listed, Err(StoreError::Damaged { .. })), "{listed:?}");
    store.close().await;
    assert_eq!(fs::read(place.path()).expect("reads"), before);
}

#[tokio::test]
async fn other_files_are_no_store_and_stay_as_they_are() {
    let place = Place::new();
    let mut plain = SqliteConnectOptions::new()
        .filename(place.path())
        .create_if_missing(true)
        .connect()
        .await
        .expect("makes");
    sqlx::query("CREATE TABLE t (x)").execute(&mut plain).await.expect("creates");
    plain.close().await.expect("closes");
    refused(&place, &key(), |error| matches!(error, StoreError::NotAStore { .. })).await;

    let place = Place::new();
    fs::write(place.path(), b"").expect("writes");
    let mut foreign = raw(&place.path()).await;
    sqlx::query("CREATE TABLE t (x)").execute(&mut foreign).await.expect("creates");
    foreign.close().await.expect("closes");
    refused(&place, &key(), |error| matches!(error, StoreError::NotAStore { .. })).await;
}

#[tokio::test]
async fn a_store_of_a_newer_version_is_only_read() {
    let place = filled().await;
    let mut newer = raw(&place.path()).await;
    for sql in [
        "PRAGMA user_version = 7",
        "INSERT INTO _sqlx_migrations VALUES (99999999999999, 'future', 0, TRUE, x'00', 1)",
    ] {
        sqlx::query(sql).execute(&mut newer).await.expect("changes");
    }
    newer.close().await.expect("closes");
    let before = content(&place);
    let opened = open(&place.path()).await.expect("opens");
    assert_eq!(opened.read_only, Some(NewerVersion { store: 7, supported: COMPAT }));
    let store = opened.store;
    assert!(store.is_read_only());
    assert_eq!(store.count_tickets(&TicketFilter::default(), NOW).await.expect("counts"), 500);
    assert_eq!(store.search("принтер 77", 9, None).await.expect("searches").len(), 1);
    assert!(matches!(store.commit(&Batch::default()).await, Err(StoreError::ReadOnly)));
    assert!(matches!(store.rebuild_search().await, Err(StoreError::ReadOnly)));
    assert!(matches!(store.discard_rejected(1, NOW).await, Err(StoreError::ReadOnly)));
    store.checkpoint().await.expect("does nothing");
    assert!(store.check().await.expect("checks").is_good());
    store.close().await;
    assert_eq!(content(&place), before);
}

#[tokio::test]
async fn a_newer_migration_that_older_programs_can_live_with_does_not_lock_them_out() {
    let place = filled().await;
    let mut newer = raw(&place.path()).await;
    for sql in [
        "CREATE TABLE later (x)",
        "INSERT INTO _sqlx_migrations VALUES (99999999999999, 'future', 0, TRUE, x'00', 1)",
    ] {
        sqlx::query(sql).execute(&mut newer).await.expect("changes");
    }
    newer.close().await.expect("closes");
    let store = place.open().await;
    store.commit(&Batch::of_docs(vec![new_ticket(ticket(9_999, "x"))])).await.expect("commits");
}

#[tokio::test]
async fn a_store_is_opened_for_reading_when_that_is_asked_for() {
    let place = filled().await;
    let writer = place.open().await;
    let reading = OpenOptions { read_only: true, ..OpenOptions::default() };
    let opened = Store::open(&place.path(), &key(), reading).await.expect("opens");
    assert!(opened.store.is_read_only() && opened.read_only.is_none());
    writer.commit(&Batch::of_docs(vec![new_ticket(ticket(9_999, "x"))])).await.expect("commits");
    assert_eq!(opened.store.documents_len().await.expect("counts"), 501, "it sees what others write");
    let missing = place.dir.path().join("none.db");
    assert!(matches!(Store::open(&missing, &key(), reading).await, Err(StoreError::Missing)));
}

#[tokio::test]
async fn a_killed_beginning_is_begun_again() {
    let place = Place::new();
    let store = place.open().await;
    store.close().await;
    // As it stands when the process dies right after the file was made.
    let check = place.dir.path().join("desk.db.key-check");
    let unfinished =
        fs::read_to_string(&check).expect("reads").replace("\"complete\":true", "\"complete\":false");
    fs::write(&check, unfinished).expect("writes");
    fs::write(place.path(), b"").expect("writes");
    let opened = open(&place.path()).await.expect("makes it");
    assert!(opened.created);
    assert!(opened.store.check().await.expect("checks").is_good());
}

#[tokio::test]
async fn tickets_of_a_store_of_version_3_are_listed_and_found() {
    // Filled a moment ago by that version: some indexes are still to be made.
    const CONTENT: &str = "\
        INSERT INTO documents (doc, id, kind, heads, schema, projected, updated_at) \
            WITH RECURSIVE numbers (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM numbers WHERE n < 3000) \
            SELECT n, unhex(printf('0190000000007000800000000000%04x', n)), 1, zeroblob(32), 1, 1, 0 FROM numbers; \
        INSERT INTO tickets SELECT doc, id, 'TK-' || doc, 'Принтер ' || doc, doc % 6, doc % 6 > 2, 10, NULL, \
            iif(doc % 2, 'm', NULL), doc % 2 = 0, NULL, NULL, '[\"vpn\"]', doc, doc * 7919 % 3001, (1 << 62) - doc, NULL, \
            0, doc % 10 = 0 FROM documents; \
        INSERT INTO ticket_tags SELECT doc, 'vpn', status, done, priority, created_at, updated_at, due_key \
            FROM tickets WHERE deleted = 0; \
        INSERT INTO search_pending VALUES (1, 0, zeroblob(16), '§t принтер', '§t принтер клиент'); \
        DROP INDEX tickets_by_due; DROP INDEX documents_by_kind; \
        INSERT INTO meta VALUES ('indexes.later', CAST('[\"CREATE INDEX tickets_by_due ON tickets (due_key)\", \
            \"CREATE INDEX documents_by_kind ON documents (kind, id)\"]' AS BLOB))";
    let place = filled().await;
    let earlier = tempfile::tempdir().expect("a temporary folder");
    let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations");
    for entry in fs::read_dir(ours).expect("lists") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_os_string();
        if name.to_string_lossy().as_ref() < "20261121210000" {
            fs::copy(path, earlier.path().join(name)).expect("copies");
        }
    }
    let migrations = sqlx::migrate::Migrator::new(earlier.path()).await.expect("reads");
    fs::remove_file(place.path()).expect("removes");
    fs::write(place.path(), b"").expect("writes");
    let mut conn = raw(&place.path()).await;
    migrations.run_direct(None, &mut conn, false).await.expect("makes");
    sqlx::raw_sql(CONTENT).execute(&mut conn).await.expect("writes");
    assert_eq!(sqlx::query_scalar("PRAGMA user_version").fetch_one(&mut conn).await.ok(), Some(3));
    conn.close().await.expect("closes");

    let filter = TicketFilter {
        statuses: vec![Status::Cancelled],
        tag: Some("vpn".to_owned()),
        ..TicketFilter::default()
    };
    let expected: Vec<String> = (1..=3_000)
        .filter(|doc| doc % 10 != 0 && doc % 6 == 5)
        .map(|doc| (std::cmp::Reverse(doc * 7_919 % 3_001), format!("Принтер {doc}")))
        .collect::<std::collections::BTreeMap<_, _>>()
        .into_values()
        .collect();
    for _ in 0..2 {
        let store = place.open().await;
        assert_eq!(store.count_tickets(&filter, NOW).await.expect("counts") as usize, expected.len());
        let mut listed = Vec::new();
        for offset in (0..3_000).step_by(100) {
            let page =
                store.list_tickets(&filter, TicketSort::Updated, offset, 100, NOW).await.expect("lists");
            listed.extend(page.into_iter().map(|row| row.title));
        }
        assert_eq!(listed, expected);
        let hits = store.search("клиенты", 9, None).await.expect("searches");
        assert_eq!(hits.iter().map(|hit| hit.title.as_str()).collect::<Vec<_>>(), ["Принтер 1"]);
        let mut indexing = store.indexing();
        assert!(indexing.some().await.expect("indexes").is_complete(), "nothing is left to be made");
        store.close().await;
    }
}

#[tokio::test]
async fn two_that_open_a_new_store_at_once_both_get_it() {
    let place = Place::new();
    let path = place.path();
    let mut opening = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let path = path.clone();
        opening.spawn(async move { open(&path).await });
    }
    let mut stores = Vec::new();
    while let Some(opened) = opening.join_next().await {
        stores.push(opened.expect("no panic").expect("opens").store);
    }
    for (store, n) in stores.iter().zip(0..) {
        store.commit(&Batch::of_docs(vec![new_ticket(ticket(n, "x"))])).await.expect("commits");
    }
    assert_eq!(stores[0].documents_len().await.expect("counts"), 4);
    assert!(stores[0].check().await.expect("checks").is_good());
}

#[tokio::test]
async fn a_writer_waits_for_another_and_says_so_when_it_takes_too_long() {
    let place = filled().await;
    let hasty = OpenOptions { busy_timeout: Duration::from_millis(100), ..OpenOptions::default() };
    let store = Store::open(&place.path(), &key(), hasty).await.expect("opens").store;
    let mut other = raw(&place.path()).await;
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.expect("begins");
    let write = || Batch::of_docs(vec![new_ticket(ticket(9_999, "x"))]);
    assert!(matches!(store.commit(&write()).await, Err(StoreError::Busy)));
    assert_eq!(store.documents_len().await.expect("reads go on"), 500);
    sqlx::query("ROLLBACK").execute(&mut other).await.expect("ends");
    store.commit(&write()).await.expect("commits");
}

#[tokio::test]
async fn a_cancelled_commit_leaves_all_or_nothing_and_the_store_works_on() {
    let place = filled().await;
    let store = place.open().await;
    let batch = Batch::of_docs((1_000..1_100).map(|n| new_ticket(ticket(n, "Отменено"))).collect());
    for polls in 0.. {
        let done = polled(store.commit(&batch), polls).await;
        store.commit(&Batch::default()).await.expect("nothing of the cancelled one stands in the way");
        let documents = store.documents_len().await.expect("counts");
        // With its last word given to SQLite it is committed, whether or not anybody waits for the answer.
        if documents == 600 {
            break;
        }
        assert_eq!((documents, done.is_some()), (500, false), "after {polls} polls");
    }
    assert!(store.check().await.expect("checks").is_good());
}

/// What a future returns that is polled so many times at most, and then dropped wherever it is.
async fn polled<T>(future: impl Future<Output = T>, times: usize) -> Option<T> {
    let mut future = pin!(future);
    let mut left = times;
    poll_fn(move |context| {
        let Some(rest) = left.checked_sub(1) else { return Poll::Ready(None) };
        left = rest;
        future.as_mut().poll(context).map(Some)
    })
    .await
}

#[tokio::test]
async fn erasing_leaves_nothing_behind() {
    let place = filled().await;
    let store = place.open().await;
    store.close().await;
    Store::erase(&place.path()).expect("erases");
    assert_eq!(content(&place), []);
    Store::erase(&place.path()).expect("again");
    assert!(open(&place.path()).await.expect("makes one").created);
}

/// Built with memory management, the connections of a process push each other's pages out: `.cargo/config.toml`.
#[tokio::test]
async fn each_connection_has_a_page_cache_of_its_own() {
    let place = filled().await;
    let shared: bool = sqlx::query_scalar("SELECT sqlite_compileoption_used('ENABLE_MEMORY_MANAGEMENT')")
        .fetch_one(&mut raw(&place.path()).await)
        .await
        .expect("answers");
    assert!(!shared);
}

#[tokio::test]
async fn every_call_may_run_on_any_thread() {
    fn sendable<T: Send>(future: T) {
        drop(future);
    }
    let place = filled().await;
    let path = place.path();
    let store = place.open().await;
    let key = key();
    let filter = TicketFilter::default();
    let batch = Batch::default();
    sendable(Store::open(&path, &key, OpenOptions::default()));
    sendable(store.commit(&batch));
    sendable(store.replace_projection(&batch.docs));
    sendable(store.list_tickets(&filter, TicketSort::Due, 0, 1, NOW));
    sendable(store.count_tickets(&filter, NOW));
    sendable(store.counts("m", NOW));
    sendable(store.search("принтер", 1, None));
    sendable(store.list_articles(Some("принтер")));
    sendable(store.outbox_batch(1, 1));
    sendable(store.check());
    sendable(store.rebuild_search());
    sendable(store.checkpoint());
    sendable(store.close());
}
